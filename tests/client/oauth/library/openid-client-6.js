import * as client from 'openid-client';
import { id, issuer, redirectUri, SCOPE, secret, speak } from '../speak.js';

const config = await client.discovery(new URL(issuer), id, secret || undefined, secret ? undefined : client.None(), { execute: [client.allowInsecureRequests] });
let request, tokens, user;
const proofs = process.env.DPOP ? { DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair()) } : undefined;

const keep = async got => {
  tokens = { ...tokens, ...got };
  user = (await client.fetchUserInfo(config, tokens.access_token, request.sub ??= got.claims().sub)).preferred_username;
  return { user, access: tokens.access_token };
};

speak({
  async begin() {
    request = { verifier: client.randomPKCECodeVerifier(), state: client.randomState(), nonce: client.randomNonce() };
    return client.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri, scope: SCOPE, state: request.state, nonce: request.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(request.verifier), code_challenge_method: 'S256',
    }).href;
  },
  finish: async ({ url }) => keep(await client.authorizationCodeGrant(config, new URL(url),
    { pkceCodeVerifier: request.verifier, expectedState: request.state, expectedNonce: request.nonce, idTokenExpected: true }, undefined, proofs)),
  refresh: async () => keep(await client.refreshTokenGrant(config, tokens.refresh_token, undefined, proofs)),
  revoke: () => client.tokenRevocation(config, tokens.refresh_token),
});
