import { custom, generators, Issuer } from 'openid-client-5';
import { id, issuer, redirectUri, SCOPE, secret, speak } from '../speak.js';

custom.setHttpOptionsDefaults({ timeout: 60e3 }); // a busy machine's
const { Client } = await Issuer.discover(issuer);
const client = new Client({ client_id: id, client_secret: secret, redirect_uris: [redirectUri], response_types: ['code'] });
let request, tokens;

const keep = async got => {
  tokens = got;
  return { user: (await client.userinfo(got)).preferred_username, access: got.access_token };
};

speak({
  begin() {
    request = { code_verifier: generators.codeVerifier(), state: generators.state(), nonce: generators.nonce() };
    return client.authorizationUrl({ scope: SCOPE, state: request.state, nonce: request.nonce,
      code_challenge: generators.codeChallenge(request.code_verifier), code_challenge_method: 'S256' });
  },
  finish: async ({ url }) => keep(await client.callback(redirectUri, client.callbackParams(url), request)),
  refresh: async () => keep(await client.refresh(tokens)),
  revoke: () => client.revoke(tokens.refresh_token, 'refresh_token'),
});
