import express from 'express';
import session from 'express-session';
import passport from 'passport';
import refresh from 'passport-oauth2-refresh';
import { Strategy } from 'passport-oauth2';
import { revoke, userOf } from '../user.js';
import { id, issuer, redirectUri, SCOPE, secret } from '../speak.js';
import { failed, listen, me } from './server.js';

const strategy = new Strategy({ authorizationURL: issuer + '/authorize', tokenURL: issuer + '/token', clientID: id, clientSecret: secret,
  callbackURL: redirectUri, scope: SCOPE.split(' '), pkce: true, state: true },
(accessToken, refreshToken, profile, done) => { userOf(accessToken).then(name => done(null, { name, refreshToken }), done); });
passport.use('latchkey', strategy);
refresh.use('latchkey', strategy);
passport.serializeUser((user, done) => done(null, JSON.stringify(user)));
passport.deserializeUser((text, done) => done(null, JSON.parse(text)));

const app = express();
app.use(session({ secret: 'a secret', resave: false, saveUninitialized: false }));
app.use(passport.session());
app.get('/login', passport.authenticate('latchkey'));
app.get('/cb', passport.authenticate('latchkey', { successRedirect: '/me' }));
app.get('/me', (req, res) => me(res, req.user?.name));
app.get('/refresh', (req, res, next) => {
  refresh.requestNewAccessToken('latchkey', req.user?.refreshToken, (error, accessToken, refreshToken) => {
    if (error) return next(error);
    req.session.passport.user = JSON.stringify({ ...req.user, refreshToken });
    userOf(accessToken).then(user => me(res, user), next);
  });
});
// passport ends its own session alone; ending latchkey's is a line of the application.
app.get('/logout', async (req, res, next) => {
  await revoke(req.user.refreshToken);
  req.logout(error => (error ? next(error) : res.redirect('/me')));
});
app.use(failed);
await listen(app);
