import { generateCodeVerifier, OAuth2Client } from '@badgateway/oauth2-client';
import { userOf } from '../user.js';
import { id, issuer, redirectUri, SCOPE, speak } from '../speak.js';

const client = new OAuth2Client({ server: issuer + '/', clientId: id, discoveryEndpoint: issuer + '/.well-known/oauth-authorization-server' });
let request, token;

const keep = async got => {
  token = got;
  return { user: await userOf(got.accessToken), access: got.accessToken };
};

speak({
  async begin() {
    request = { redirectUri, state: 'a-state', codeVerifier: await generateCodeVerifier() };
    return client.authorizationCode.getAuthorizeUri({ ...request, scope: SCOPE.split(' ') });
  },
  finish: async ({ url }) => keep(await client.authorizationCode.getTokenFromCodeRedirect(url, request)),
  refresh: async () => keep(await client.refreshToken(token)),
  revoke: () => client.revoke(token, 'refresh_token'),
});
