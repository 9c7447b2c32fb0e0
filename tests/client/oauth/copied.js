// A refresh token that somebody has copied, of a client whose session is bound to a key (RFC 9449): it is worth nothing to him, and the client goes on.
import * as oauth from 'oauth4webapi';

const http = { [oauth.allowInsecureRequests]: true };

/* The thief has all that was stored and sent but the key. Answers the server's word for him; null: it let him in. */
async function uses({ issuer }, id, token, proving) {
  const as = { issuer, token_endpoint: issuer + '/token' }, client = { client_id: id };
  for (let tries = 0; ; tries++) {
    const response = await oauth.refreshTokenGrantRequest(as, client, oauth.None(), token, { ...http, ...proving });
    try { await oauth.processRefreshTokenResponse(as, client, response); return null; } catch (error) {
      if (!oauth.isDPoPNonceError(error) || tries) return error.error;
    }
  }
}

export async function tellCopied(client, actor, result) {
  const { stage, driver } = actor, { id } = driver.client;
  const last = () => stage.proxy.of('/token').findLast(entry => entry.reply?.refresh_token).reply.refresh_token;
  try {
    const signedIn = await actor.signIn();
    const bound = client.name.includes('DPoP');
    const token = last();
    const without = await uses(stage, id, token, {});
    const mine = oauth.DPoP({ client_id: id }, await oauth.generateKeyPair('ES256'));
    const byAnother = bound ? await uses(stage, id, token, { DPoP: mine }) : null;
    const goesOn = await actor.refresh();
    result(!signedIn.error && without === (bound ? 'invalid_dpop_proof' : null), `copied: ${client.name}: without a proof ${bound ? 'it is worth nothing' : 'it refreshes: the control'}`, without);
    if (!bound) return;
    result(byAnother === 'invalid_dpop_proof', `copied: ${client.name}: nor by another key`, byAnother);
    result(!goesOn.error, `copied: ${client.name}: and the client goes on`, goesOn.error);
    const [used, again] = [last(), (await actor.refresh(), last())];
    result(!!used && again === used, `copied: ${client.name}: with the same refresh token, that day`, `${used} ${again}`);
    const out = await actor.signOut(), after = await actor.refresh();
    result(!out.error && !!after.error, `copied: ${client.name}: until it signs out`, JSON.stringify({ out, after }));
  } finally { actor.close(); }
}
