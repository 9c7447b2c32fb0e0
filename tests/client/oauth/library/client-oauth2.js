// It knows no PKCE ("nopkce") and has no call to revoke.
import ClientOAuth2 from 'client-oauth2';
import { revoke, userOf } from '../user.js';
import { id, issuer, redirectUri, SCOPE, secret, speak } from '../speak.js';

const client = new ClientOAuth2({ clientId: id, clientSecret: secret, accessTokenUri: issuer + '/token', authorizationUri: issuer + '/authorize',
  redirectUri, scopes: SCOPE.split(' '), state: 'a-state' });
let token;

const keep = async got => {
  token = got;
  return { user: await userOf(got.accessToken), access: got.accessToken };
};

speak({
  begin: () => client.code.getUri(),
  finish: async ({ url }) => keep(await client.code.getToken(url)),
  refresh: async () => keep(await token.refresh()),
  revoke: () => revoke(token.refreshToken),
});
