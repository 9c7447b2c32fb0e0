import express from 'express';
import eoc from 'express-openid-connect';
import { id, issuer, origin, SCOPE, secret } from '../speak.js';
import { failed, listen, me } from './server.js';

const app = express();
app.use(eoc.auth({
  issuerBaseURL: issuer, baseURL: origin, clientID: id, clientSecret: secret, secret: 'a secret of the application, of 32 characters and more', authRequired: false,
  httpTimeout: 60e3, // a busy machine's
  authorizationParams: { response_type: 'code', scope: SCOPE }, routes: { login: false, postLogoutRedirect: '/me' },
}));
app.get('/login', (req, res) => res.oidc.login({ returnTo: '/me' }));
app.get('/me', (req, res) => me(res, req.oidc.isAuthenticated() && req.oidc.user.preferred_username));
app.get('/refresh', async (req, res) => {
  await req.oidc.accessToken.refresh();
  me(res, req.oidc.user.preferred_username);
});
app.use(failed);
await listen(app);
