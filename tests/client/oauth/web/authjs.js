import { Auth } from '@auth/core';
import express from 'express';
import { id, issuer, origin, SCOPE, secret } from '../speak.js';
import { answer, callbacks } from './rotation.js';
import { beginAt, failed, listen } from './server.js';

const config = {
  basePath: '/auth', secret: 'a secret of the application', trustHost: true, callbacks, session: { strategy: 'jwt' }, logger: { error(error) { console.error(error); } },
  providers: [{ id: 'latchkey', name: 'latchkey', type: 'oidc', issuer, clientId: id, clientSecret: secret, checks: ['pkce', 'state', 'nonce'],
    authorization: { params: { scope: SCOPE } } }],
};

/* Between Express and the Request that Auth.js wants. */
async function auth(req, res) {
  const parts = [];
  for await (const part of req) parts.push(part);
  const response = await Auth(new Request(origin + req.originalUrl, { method: req.method, headers: req.headers, body: parts.length ? Buffer.concat(parts) : undefined }), config);
  response.headers.forEach((value, name) => { if (name !== 'set-cookie') res.setHeader(name, value); });
  for (const line of response.headers.getSetCookie()) res.append('Set-Cookie', line);
  res.status(response.status).send(Buffer.from(await response.arrayBuffer()));
}

const app = express(), base = origin + '/auth';
app.use('/auth', auth);
app.get('/login', (req, res) => beginAt(base, req, res, origin + '/me'));
app.get('/me', (req, res) => answer(base, req, res, false));
app.get('/refresh', (req, res) => answer(base, req, res, true));
app.get('/logout', async (req, res) => {
  for (const name of ['authjs.session-token', 'authjs.session-token.0', 'authjs.session-token.1']) res.append('Set-Cookie', `${name}=; Path=/; Max-Age=0`);
  res.redirect('/me');
});
app.use(failed);
await listen(app);
