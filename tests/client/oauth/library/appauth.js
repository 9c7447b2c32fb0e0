// A program of a desktop: AppAuth listens on loopback and opens the system's browser, by xdg-open, which is the test's here (PATH).
import { AuthorizationRequest, AuthorizationServiceConfiguration, BaseTokenRequestHandler, AuthorizationNotifier,
  GRANT_TYPE_AUTHORIZATION_CODE, GRANT_TYPE_REFRESH_TOKEN, RevokeTokenRequest, TokenRequest } from '@openid/appauth';
import { NodeBasedHandler, NodeCrypto, NodeRequestor } from '@openid/appauth/built/src/node_support';
import { userOf } from '../user.js';
import { id, issuer, port, redirectUri, SCOPE, speak } from '../speak.js';
import fs from 'node:fs';

const requestor = new NodeRequestor();
const configuration = await AuthorizationServiceConfiguration.fetchFromIssuer(issuer, requestor);
const tokens = new BaseTokenRequestHandler(requestor);
let arrived, refreshToken;

const keep = async response => {
  refreshToken = response.refreshToken;
  return { user: await userOf(response.accessToken), access: response.accessToken };
};

speak({
  /* The address that it opened the browser with. */
  async begin() {
    const handler = new NodeBasedHandler(Number(port)), notifier = new AuthorizationNotifier();
    handler.setAuthorizationNotifier(notifier);
    arrived = new Promise((resolve, reject) => {
      notifier.setAuthorizationListener((request, response, error) => (response ? resolve({ request, response }) : reject(error)));
    });
    const request = new AuthorizationRequest({ client_id: id, redirect_uri: redirectUri, scope: SCOPE,
      response_type: AuthorizationRequest.RESPONSE_TYPE_CODE }, new NodeCrypto(), true);
    fs.rmSync(process.env.OPENED, { force: true });
    handler.performAuthorizationRequest(configuration, request);
    for (let i = 0; i < 500; i++) {
      if (fs.existsSync(process.env.OPENED)) return fs.readFileSync(process.env.OPENED, 'utf8');
      await new Promise(resolve => { setTimeout(resolve, 20); });
    }
    throw new Error('it opened no browser');
  },
  async finish() {
    const { request, response } = await arrived;
    return keep(await tokens.performTokenRequest(configuration, new TokenRequest({ client_id: id, redirect_uri: redirectUri,
      grant_type: GRANT_TYPE_AUTHORIZATION_CODE, code: response.code, extras: { code_verifier: request.internal.code_verifier } })));
  },
  refresh: async () => keep(await tokens.performTokenRequest(configuration, new TokenRequest({ client_id: id, redirect_uri: redirectUri,
    grant_type: GRANT_TYPE_REFRESH_TOKEN, refresh_token: refreshToken }))),
  revoke: () => tokens.performRevokeTokenRequest(configuration, new RevokeTokenRequest({ client_id: id, token: refreshToken, token_type_hint: 'refresh_token' })),
});
