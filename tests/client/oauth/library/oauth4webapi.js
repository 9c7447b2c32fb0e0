import * as oauth from 'oauth4webapi';
import { id, issuer, redirectUri, SCOPE, secret, speak } from '../speak.js';

const http = { [oauth.allowInsecureRequests]: true }; // loopback
const as = await oauth.processDiscoveryResponse(new URL(issuer), await oauth.discoveryRequest(new URL(issuer), http));
const client = { client_id: id };
const auth = secret ? oauth.ClientSecretPost(secret) : oauth.None();
let request, tokens, sub;
const proving = process.env.DPOP ? { ...http, DPoP: oauth.DPoP(client, await oauth.generateKeyPair('ES256')) } : http;

// The server's nonce came with the refusal, and the library has kept it: once more, as its own example has it.
const twice = async request => {
  try { return await request(); } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return request();
  }
};

const keep = async got => {
  tokens = { ...tokens, ...got };
  sub ??= oauth.getValidatedIdTokenClaims(got).sub;
  const info = await oauth.processUserInfoResponse(as, client, sub, await oauth.userInfoRequest(as, client, tokens.access_token, http));
  return { user: info.preferred_username, access: tokens.access_token };
};

speak({
  async begin() {
    sub = undefined;
    request = { verifier: oauth.generateRandomCodeVerifier(), state: oauth.generateRandomState(), nonce: oauth.generateRandomNonce() };
    const url = new URL(as.authorization_endpoint);
    url.search = new URLSearchParams({ client_id: id, redirect_uri: redirectUri, response_type: 'code', scope: SCOPE, state: request.state, nonce: request.nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(request.verifier), code_challenge_method: 'S256' });
    return url.href;
  },
  async finish({ url }) {
    const params = oauth.validateAuthResponse(as, client, new URL(url), request.state);
    return keep(await twice(async () => {
      const response = await oauth.authorizationCodeGrantRequest(as, client, auth, params, redirectUri, request.verifier, proving);
      const got = await oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: request.nonce, requireIdToken: true });
      await oauth.validateApplicationLevelSignature(as, response, http);
      return got;
    }));
  },
  async refresh() {
    return keep(await twice(async () =>
      oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token, proving))));
  },
  async revoke() { await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, tokens.refresh_token, http)); },
});
