// As its README has it: no PKCE, so the client is registered with "nopkce".
import { AuthorizationCode } from 'simple-oauth2';
import { userOf } from '../user.js';
import { id, issuer, redirectUri, SCOPE, secret, speak } from '../speak.js';

const { origin, pathname } = new URL(issuer);
const client = new AuthorizationCode({ client: { id, secret },
  auth: { tokenHost: origin, tokenPath: pathname + '/token', authorizePath: pathname + '/authorize', revokePath: pathname + '/revoke' } });
let token;

const keep = async got => {
  token = got;
  return { user: await userOf(got.token.access_token), access: got.token.access_token };
};

speak({
  begin: () => client.authorizeURL({ redirect_uri: redirectUri, scope: SCOPE, state: 'a-state' }),
  finish: async ({ url }) => keep(await client.getToken({ code: new URL(url).searchParams.get('code'), redirect_uri: redirectUri, scope: SCOPE })),
  refresh: async () => keep(await token.refresh()),
  revoke: () => token.revokeAll(),
});
