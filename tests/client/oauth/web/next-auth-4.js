// As an API route of Next.js ("pages/api/auth/[...nextauth].js"): next-auth asks of the request what Next.js puts there.
import { createRequire } from 'node:module';
import express from 'express';
import { id, issuer, origin, SCOPE, secret } from '../speak.js';
import { answer, callbacks } from './rotation.js';
import { beginAt, failed, listen } from './server.js';

process.env.NEXTAUTH_URL = origin;
const NextAuth = createRequire(import.meta.url)('next-auth').default;
const options = {
  secret: 'a secret of the application', callbacks, session: { strategy: 'jwt' }, logger: { error(...error) { console.error(...error); }, warn() {}, debug() {} },
  providers: [{ id: 'latchkey', name: 'latchkey', type: 'oauth', wellKnown: issuer + '/.well-known/openid-configuration', clientId: id, clientSecret: secret,
    httpOptions: { timeout: 60e3 }, // a busy machine's
    idToken: true, checks: ['pkce', 'state', 'nonce'], authorization: { params: { scope: SCOPE } }, profile: claims => ({ id: claims.sub, name: claims.preferred_username }) }],
};

const app = express(), base = origin + '/api/auth';
app.use('/api/auth', express.urlencoded({ extended: false }), (req, res) => {
  const query = { ...Object.fromEntries(new URL(req.originalUrl, origin).searchParams), nextauth: req.path.slice(1).split('/') };
  Object.defineProperty(req, 'query', { value: query });
  req.cookies = Object.fromEntries((req.headers.cookie || '').split('; ').filter(Boolean).map(pair => pair.split(/=(.*)/s)).map(([name, value]) => [name, decodeURIComponent(value)]));
  return NextAuth(req, res, options);
});
app.get('/login', (req, res) => beginAt(base, req, res, origin + '/me'));
app.get('/me', (req, res) => answer(base, req, res, false));
app.get('/refresh', (req, res) => answer(base, req, res, true));
app.get('/logout', (req, res) => {
  for (const name of ['next-auth.session-token', 'next-auth.session-token.0', 'next-auth.session-token.1']) res.append('Set-Cookie', `${name}=; Path=/; Max-Age=0`);
  res.redirect('/me');
});
app.use(failed);
await listen(app);
