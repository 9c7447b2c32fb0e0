// It knows no PKCE and sends a nonce: enough for a client with a secret. It has no refresh.
import express from 'express';
import session from 'express-session';
import passport from 'passport';
import { Strategy } from 'passport-openidconnect';
import { id, issuer, redirectUri, secret } from '../speak.js';
import { failed, listen, me } from './server.js';

passport.use('latchkey', new Strategy({ issuer, authorizationURL: issuer + '/authorize', tokenURL: issuer + '/token', userInfoURL: issuer + '/userinfo',
  clientID: id, clientSecret: secret, callbackURL: redirectUri, scope: ['profile', 'email'], nonce: true },
(iss, profile, done) => done(null, { name: profile.username })));
passport.serializeUser((user, done) => done(null, user.name));
passport.deserializeUser((name, done) => done(null, { name }));

const app = express();
app.use(session({ secret: 'a secret', resave: false, saveUninitialized: false }));
app.use(passport.session());
app.get('/login', passport.authenticate('latchkey'));
app.get('/cb', passport.authenticate('latchkey', { successRedirect: '/me' }));
app.get('/me', (req, res) => me(res, req.user?.name));
app.get('/logout', (req, res, next) => { req.logout(error => (error ? next(error) : res.redirect('/me'))); });
app.use(failed);
await listen(app);
