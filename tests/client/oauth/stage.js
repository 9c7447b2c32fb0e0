// What a client of OAuth is tried on: latchkey, a proxy in front of it that loses answers, and the client's driver, a process of its own.
//   const stage = await openStage();
//   const driver = await stage.driver({ file, flags, redirect, env });     registers a client, starts its driver
//   await driver.ask('begin')                                              {ok} or {error}
import { execFileSync, spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { openProxy } from '../proxy.js';
import { readPage } from '../recipes/page.js';
import { admin, upstream } from '../upstream.js';

export const here = path.resolve('tests/client/oauth'), built = path.resolve('build/oauth');
process.setMaxListeners(0);

export const ports = count => Number(execFileSync('perl', ['tests/ports.pl', String(count), String(process.pid)], { encoding: 'utf8' }));

/* What docs/oauth.md tells an app and a program to say, with the addresses of this run. */
const page = readPage('docs/oauth.md');
const inPlace = text => text.replaceAll("'https://auth.example.com/api/auth", "process.env.ISSUER + '").replace(/'(phone|node-red)'/g, 'process.env.CLIENT_ID')
  .replaceAll("'SECRET'", 'process.env.CLIENT_SECRET').replace(/'https:\/\/red[^']*'/g, 'process.env.REDIRECT_URI');

/* Modules are looked for beside the file that imports them: the drivers are run from a copy in build/oauth. */
let copy;
function copied() {
  if (copy) return copy;
  const to = path.join(built, 'run', String(process.pid));
  fs.cpSync(here, to, { recursive: true });
  fs.writeFileSync(path.join(to, 'library/expo-app.js'), inPlace(page.block('An Expo', 'expo.js')));
  fs.writeFileSync(path.join(to, 'web/settings.js'), `export const settings = require => ({ ${inPlace(page.block('Node-RED', 'settings.js'))} });\n`);
  fs.writeFileSync(path.join(to, 'web/mod_auth_openidc.conf'), page.block('Apache', 'mod_auth_openidc.conf'));
  process.on('exit', () => fs.rmSync(to, { recursive: true, force: true }));
  return copy = to;
}

export class Driver {
  constructor(child, client) {
    Object.assign(this, { child, client, said: '', waiting: [], answers: [] });
    child.stderr.on('data', text => { this.said = (this.said + text).slice(-4000); });
    readline.createInterface({ input: child.stdout }).on('line', line => this.hear(line));
    child.on('exit', code => this.hear(JSON.stringify({ error: `the driver ended: ${code} ${this.said}` })));
  }

  hear(line) {
    let answer;
    try { answer = JSON.parse(line); } catch { this.said += line + '\n'; return; }
    const next = this.waiting.shift();
    if (next) next(answer); else this.answers.push(answer);
  }

  answer() {
    return this.answers.length ? this.answers.shift() : new Promise(resolve => { this.waiting.push(resolve); });
  }

  async ask(deed, args) {
    this.child.stdin.write(JSON.stringify({ do: deed, ...args }) + '\n');
    return this.answer();
  }

  end() { this.child.removeAllListeners('exit'); this.child.kill(); }
}

export async function openStage(config = {}) {
  const port = ports(12), issuer = `http://localhost:${port}/api/auth`, app = port + 1;
  const server = await upstream('serve', { issuer, cors_origins: `http://127.0.0.1:${app}`, ...config });
  const proxy = await openProxy({ upstream: server, module: '', port });
  const dir = copied();
  const stage = { issuer, server, proxy, app, dir, origin: `http://127.0.0.1:${app}` };

  stage.user = async () => {
    const username = 'u' + crypto.randomBytes(6).toString('hex'), password = 'correct horse ' + username;
    const response = await fetch(issuer + '/register', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ username, password }) });
    if (response.status !== 201) throw new Error(`/register: ${response.status}`);
    return { username, password };
  };

  /* Names the client, and answers its secret; '' for a public one. */
  stage.register = (id, flags, uris) => {
    const said = admin(server, 'client', 'add', id, ...flags, ...uris);
    return flags.some(flag => flag.split(',').includes('public')) ? '' : /\b[0-9a-f]{40}\b/.exec(said)[0];
  };

  let count = 0;
  stage.driver = async ({ file, flags = [], redirect, env = {} }) => {
    const id = `${path.basename(file).replace(/\..*/, '').replace(/[^a-z0-9]/g, '-').slice(0, 24)}-${++count}`;
    const secret = stage.register(id, flags, redirect ? [redirect] : []);
    const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'latchkey-oauth-'));
    process.on('exit', () => fs.rmSync(scratch, { recursive: true, force: true }));
    const child = spawn(file.endsWith('.py') ? '/usr/bin/python3' : process.execPath, [path.join(dir, file)], {
      cwd: scratch, stdio: 'pipe',
      env: { ...process.env, ISSUER: issuer, CLIENT_ID: id, CLIENT_SECRET: secret, REDIRECT_URI: redirect, PORT: String(app), SCRATCH: scratch, BUILT: built, NODE_NO_WARNINGS: '1', PYTHONDONTWRITEBYTECODE: '1', ...env },
    });
    process.on('exit', () => child.kill());
    const driver = new Driver(child, { id, secret, redirect });
    const ready = await driver.answer();
    if (ready.error) throw new Error(ready.error);
    return driver;
  };
  return stage;
}
