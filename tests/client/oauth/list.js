// The clients: a row each of the table in docs/oauth.md.
//   name, how     what the table calls it, and its way: the grant, how it shows itself, which signature it takes
//   kind, file    library: its driver has begin, finish, refresh, revoke; web: a web application at PORT with /login, /me, /refresh, /logout;
//                 screen: the same with Chromium before it; page: a script in a page of Chromium
//   package       whose version it is; debian: a package of Debian's
//   login, whoami, signOut   for a screen: where a sign-in begins, who is signed in, how one signs out
//   flags         what `latchkey client add` is told beside the name
//   bundle        its files are imported without their endings; phone: what library/phone.js stands for
//   redirect      its redirect URI; PORT stands for the application's
//   short         it is in the short form, too
export const columns = ['sign-in', 'refresh', 'answer to a refresh lost', 'server in trouble', 'code again', 'answer to a code lost', 'sign-out'];

/* Its editor keeps a token of Node-RED's own, and shows a name where somebody is signed in. */
const editor = page => page.evaluate(async () => {
  const token = JSON.parse(localStorage.getItem('auth-tokens') || 'null')?.access_token;
  const response = await fetch('/settings', { headers: token ? { authorization: 'Bearer ' + token } : {} });
  return response.ok ? response.json() : { status: response.status };
});
async function nodeRed(page) {
  await page.waitForFunction(() => document.querySelector('#node-dialog-login') || localStorage.getItem('auth-tokens') || !window.RED, null, { timeout: 120e3 }).catch(() => {});
  const settings = await editor(page).catch(error => ({ status: error.message }));
  return settings.user?.username ? { ok: { user: settings.user.username } } : { error: `${page.url()} ${settings.status}` };
}
async function nodeRedOut(page) {
  await page.evaluate(async () => {
    const { access_token: token } = JSON.parse(localStorage.getItem('auth-tokens'));
    await fetch('/auth/revoke', { method: 'POST', headers: { authorization: 'Bearer ' + token, 'content-type': 'application/json' }, body: JSON.stringify({ token }) });
    localStorage.removeItem('auth-tokens');
  });
}

const SERVER = 'https://app.example/cb', APP = 'http://127.0.0.1:PORT';
export const clients = [
  { name: 'openid-client 6', package: 'openid-client', how: 'public, PKCE', kind: 'library', file: 'library/openid-client-6.js', flags: ['public'], redirect: SERVER, short: true },
  { name: 'openid-client 6, DPoP', package: 'openid-client', how: 'public, PKCE, DPoP', kind: 'library', file: 'library/openid-client-6-dpop.js', flags: ['public'], redirect: SERVER, short: true },
  { name: 'openid-client 6, device grant', package: 'openid-client', how: 'public, device code', kind: 'library', file: 'library/openid-client-6-device.js', flags: ['public,device'], device: true },
  { name: 'openid-client 6, device grant, DPoP', package: 'openid-client', how: 'public, device code, DPoP', kind: 'library', file: 'library/openid-client-6-device-dpop.js', flags: ['public,device'], device: true },
  { name: 'openid-client 5', package: 'openid-client-5', how: 'secret (Basic), PKCE', kind: 'library', file: 'library/openid-client-5.js', redirect: SERVER },
  { name: 'oauth4webapi', package: 'oauth4webapi', how: 'secret (form), PKCE', kind: 'library', file: 'library/oauth4webapi.js', redirect: SERVER, short: true },
  { name: 'oauth4webapi, DPoP', package: 'oauth4webapi', how: 'public, PKCE, DPoP', kind: 'library', file: 'library/oauth4webapi-dpop.js', flags: ['public'], redirect: SERVER, short: true },
  { name: 'simple-oauth2', package: 'simple-oauth2', how: 'secret (Basic), `nopkce`', kind: 'library', file: 'library/simple-oauth2.js', flags: ['nopkce'], redirect: SERVER },
  { name: 'client-oauth2', package: 'client-oauth2', how: 'secret (Basic), `nopkce`', kind: 'library', file: 'library/client-oauth2.js', flags: ['nopkce'], redirect: SERVER },
  { name: '@badgateway/oauth2-client', package: '@badgateway/oauth2-client', how: 'public, PKCE', kind: 'library', file: 'library/badgateway.js', flags: ['public'], redirect: SERVER },
  { name: 'AppAuth-JS', package: '@openid/appauth', how: 'public, PKCE, loopback', kind: 'library', file: 'library/appauth.js', bundle: true, flags: ['public'], redirect: 'http://127.0.0.1:PORT/', registered: 'http://127.0.0.1/', listens: true },
  { name: 'expo-auth-session', package: 'expo-auth-session', how: 'public, PKCE, private scheme', kind: 'library', file: 'library/expo.js', bundle: true, phone: ['react-native', 'expo-modules-core', 'expo', 'react'], flags: ['public'], redirect: 'org.example.app:/cb' },
  { name: 'requests-oauthlib', debian: 'python3-requests-oauthlib', how: 'secret (form), PKCE by hand', kind: 'library', file: 'library/requests_oauthlib_client.py', redirect: SERVER },
  { name: 'Authlib', debian: 'python3-authlib', how: 'secret (Basic), PKCE; asks /introspect', kind: 'library', file: 'library/authlib_client.py', flags: ['introspect'], redirect: SERVER, short: true },
  { name: 'express-openid-connect', package: 'express-openid-connect', how: 'secret (Basic), nonce, PKCE', kind: 'web', file: 'web/express-openid-connect.js', redirect: APP + '/callback', short: true },
  { name: 'Auth.js', package: '@auth/core', how: 'secret (Basic), PKCE', kind: 'web', file: 'web/authjs.js', redirect: APP + '/auth/callback/latchkey' },
  { name: 'next-auth 4', package: 'next-auth', how: 'secret (Basic), PKCE', kind: 'web', file: 'web/next-auth-4.js', redirect: APP + '/api/auth/callback/latchkey' },
  { name: 'passport-oauth2', package: 'passport-oauth2', how: 'secret (form), PKCE', kind: 'web', file: 'web/passport-oauth2.js', redirect: APP + '/cb' },
  { name: 'passport-openidconnect', package: 'passport-openidconnect', how: 'secret (form), nonce', kind: 'web', file: 'web/passport-openidconnect.js', redirect: APP + '/cb', without: ['refresh', 'answer to a refresh lost'] },
  { name: 'oidc-client-ts', package: 'oidc-client-ts', how: 'public, PKCE, a page in Chromium', kind: 'page', file: 'page/oidc-client-ts.js', flags: ['public'], redirect: APP + '/cb', short: true },
  { name: 'mod_auth_openidc', debian: 'libapache2-mod-auth-openidc', how: 'secret (Basic), PKCE; guards a folder, Chromium before it', kind: 'screen', file: 'web/mod_auth_openidc.js', redirect: APP + '/cb' },
  { name: 'Node-RED', package: '../../node-red/node_modules/node-red', how: 'secret (form), nonce; its editor in Chromium', kind: 'screen', file: 'web/node-red.js', redirect: APP + '/auth/strategy/callback', needs: 'node-red',
    login: '/auth/strategy', whoami: nodeRed, signOut: nodeRedOut, without: ['refresh', 'answer to a refresh lost'] },
];
