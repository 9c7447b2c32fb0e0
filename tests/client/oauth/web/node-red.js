// Node-RED's editor behind a sign-in by passport-openidconnect: its adminAuth is docs/oauth.md's.
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { settings } from './settings.js';
import { origin, port, secret, speak } from '../speak.js';

const require = createRequire(path.join(path.dirname(process.env.BUILT), 'node-red') + '/');
const RED = require('node-red');
const server = http.createServer((req, res) => app(req, res));
const app = require('express')();

RED.init(server, {
  httpAdminRoot: '/', httpNodeRoot: '/api', userDir: process.env.SCRATCH, flowFile: 'flows.json', credentialSecret: secret, logging: { console: { level: 'off' } },
  telemetry: { enabled: false, updateNotification: false }, externalModules: { autoInstall: false, palette: { allowInstall: false } },
  ...settings(require),
});
app.use('/', RED.httpAdmin);
await RED.start();
await new Promise(resolve => { server.listen(port, '127.0.0.1', resolve); });
speak({ origin: () => origin });
