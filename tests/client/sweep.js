// The sweep of storage: an app's long story, told once for each call that it makes of its storage,
// with that call failing in each way. Then the app ends, and is launched again with storage that works.
//   node tests/client/sweep.js [part=N/M] [faults=NAME;…] [at=N] [verbose=1] [without=NAME]
// `without` is one of mutations.js: a client that the sweep must find wrong.
// Prints one line of figures, "points=… terminal=… reuses=… lost=… worst=…", and # lines about what
// was wrong. JOBS points run at a time (default 16): they mostly wait.
//
// What must never be: a locked session that nobody has ended, a session gone that storage had, a
// refresh token that the server takes for a stolen one (its audit says so), an error that isn't
// transient. Answers are lost on the way in the middle of it all, and there is no grace: only keys help.
import fs from 'node:fs';
import path from 'node:path';
import crypto from 'node:crypto';
import { openProxy } from './proxy.js';
import { upstream, admin, stopAll } from './upstream.js';
import { mutations, mutate } from './mutations.js';
import { sleep } from './node-bench.js';

const options = Object.fromEntries(process.argv.slice(2).map(arg => arg.split('=')));
const [part, parts] = (options.part || '0/1').split('/').map(Number);
const { createSession } = await import(options.without ? mutant(options.without) : path.resolve('www/session.js'));
const JOBS = Number(process.env.JOBS || 16);
const PATIENCE = 150;                           // the timeout of storage in these apps
const MIN = 60e3;

function mutant(name) {
  const file = path.resolve(`build/client/sweep-${process.pid}.mjs`);
  fs.writeFileSync(file, mutate(fs.readFileSync('www/session.js', 'utf8'), mutations.find(one => one.name === name)));
  process.on('exit', () => fs.unlinkSync(file));
  return file;
}

class Over extends Error {}                     // the app has ended
const never = () => new Promise(() => {});
const refuse = () => { throw new Error('storage'); };

/* What becomes of call n, where `at` is the one to fail. `act` does it. */
const FAULTS = {
  once: (n, at, act) => n === at ? refuse() : act(),
  'once, though done': async (n, at, act) => { const value = await act(); return n === at ? refuse() : value; },
  'for a while': (n, at, act) => n >= at && n < at + 7 ? refuse() : act(),
  'writes, from then on': (n, at, act, kind) => n >= at && kind === 'set' ? refuse() : act(),
  'all, from then on': (n, at, act) => n >= at ? refuse() : act(),
  hangs: (n, at, act) => n === at ? never() : act(),
  'hangs, though done': async (n, at, act) => { const value = await act(); return n === at ? never() : value; },
  late: async (n, at, act) => { if (n === at) await sleep(2.5 * PATIENCE); return act(); },
  'the last': (n, at, act, kind, end) => n >= at ? end() : act(),
  'the last, done': async (n, at, act, kind, end) => { if (n > at) return end(); const value = await act(); return n === at ? end() : value; },
};

/* One device: what lies in its storage, its cookies, its clock, and the calls of storage so far. */
class Device {
  constructor(proxy, mode, fault, at) { Object.assign(this, { proxy, mode, fault, at, calls: 0, text: null, cookie: '', skew: 0, ended: false, broken: true, over: [], launches: 0 }); }

  /* Of the launch that asks for it: with the next one, its process is dead. */
  storage(launch) {
    const call = (kind, act) => {
      if (this.ended || launch !== this.launches) return never();
      if (!this.broken) return act();
      const end = () => { this.ended = true; return never(); };
      return this.fault(this.calls++, this.at, act, kind, end);
    };
    return {
      getItem: async () => call('get', () => this.text),
      setItem: async (_, text) => call('set', () => { this.text = text; }),
    };
  }

  /* As a browser, or an app without cookies; an app that has ended hears nothing, but its jar does. */
  async fetch(launch, url, init = {}) {
    if (this.ended || launch !== this.launches) return never();
    const headers = new Headers(init.headers);
    headers.set('sec-fetch-site', 'same-origin');
    if (init.credentials === 'include' && this.cookie) headers.set('cookie', this.cookie);
    const response = await fetch(url, { ...init, headers, signal: undefined, keepalive: undefined });
    for (const line of response.headers.getSetCookie()) {
      const [pair] = line.split(';');
      if (/^(__Secure-)?latchkey-[0-9a-f]{8}=/.test(pair)) this.cookie = pair.endsWith('=') ? '' : pair;
    }
    return this.ended || launch !== this.launches ? never() : response;
  }

  launch(more) {
    this.session?.dispose();
    const { mode } = this, n = ++this.launches;
    return this.session = createSession({
      base: this.proxy.origin + '/api/auth', mode, storage: this.storage(n), name: crypto.randomUUID(), timeout: PATIENCE,
      queueTimeout: 1500, maxBackoff: 40, fetch: (...args) => this.fetch(n, ...args), now: () => Date.now() + this.skew, ...more,
    });
  }
}

/* Refuses nothing but what must not be. */
async function passing(device, work) {
  if (device.ended) throw new Over();
  const late = sleep(12e3).then(() => { throw new Error('nothing came of it'); });
  const end = (async () => { while (!device.ended) await sleep(20); throw new Over(); })();
  for (const guard of [late, end]) guard.catch(() => 0);
  try { return await Promise.race([work(), late, end]); } catch (error) {
    const nobody = error.code === 'signed_out' && !/"sid"/.test(device.text);       // its sign-in was never stored
    if (error instanceof Over || !error.transient && !nobody) throw error;
  }
}

const lose = device => device.proxy.when('/refresh', { drop: true });

async function story(device) {
  const { username } = device, credentials = { username, password: 'correct horse ' + username };
  const url = device.proxy.origin + '/app/echo';
  const then = work => passing(device, work);
  const ask = minutes => { device.skew += minutes * MIN; return then(() => device.session.fetch(url)); };
  const relaunch = () => then(() => device.launch().ready);

  await relaunch();
  await then(() => device.session.signIn(credentials));
  await ask(1);
  await ask(11);                                // a refresh runs behind
  await ask(17);                                // a request waits for one
  lose(device);
  await ask(17);
  await relaunch();
  await ask(1);
  lose(device);
  await then(() => device.session.refresh());
  await relaunch();
  await ask(17);
  device.proxy.when('/logout', { cut: true });
  device.over.push(device.session.id);
  await then(() => device.session.signOut());
  await then(() => device.session.signIn(credentials));
  lose(device);
  await ask(17);
  await then(() => device.session.signIn(credentials));           // over a live session
  await ask(17);
  await ask(17);
}

/* The app's end, and a launch with storage that works. Returns what was wrong. */
async function aftermath(device) {
  device.session.dispose();
  await sleep(1200);                            // past the second in which the server forgives
  for (const call of ['/refresh', '/logout']) device.proxy.clear(call);
  const held = device.text ? JSON.parse(device.text) : {};
  Object.assign(device, { ended: false, broken: false });
  device.skew += MIN;
  const session = device.launch({ timeout: 10e3 });
  await session.ready;
  const had = Boolean(held.sid && !held.ended);
  if (had !== (session.state === 'active' || session.state === 'stale')) return { lost: `storage has ${device.text?.slice(0, 60)}, state ${session.state}` };
  if (!had) return {};
  const code = await session.refresh().then(() => 'ok', error => error.code);
  if (code === 'session_revoked' && device.over.includes(held.sid)) return {};        // the user's own sign-out, which could not be stored
  if (code !== 'ok' || session.state !== 'active') return { terminal: `${code}, ${session.state}` };
  device.skew += MIN;
  const again = await session.refresh().then(() => 'ok', error => error.code);
  return again === 'ok' ? {} : { terminal: again };
}

async function point(server, { mode, fault, at }) {
  const proxy = await openProxy({ upstream: server });
  const device = new Device(proxy, mode, FAULTS[fault], at);
  device.username = 'w' + crypto.randomBytes(8).toString('hex');
  const { host, port } = server;
  const join = () => fetch(`http://${host}:${port}/api/auth/register`, {
    method: 'POST', headers: { 'content-type': 'application/json', 'x-forwarded-for': proxy.address },
    body: JSON.stringify({ username: device.username, password: 'correct horse ' + device.username }),
  });
  for (let status; (status = (await join()).status) !== 201;) {
    if (status !== 503) throw new Error('no user: ' + status);
    await sleep(300);                           // many hash a password at once
  }
  let wrong = {};
  try {
    await story(device).catch(error => { if (!(error instanceof Over)) wrong = { terminal: `in the story: ${error.code ?? error.stack}` }; });
    const { calls } = device;
    wrong = { ...await aftermath(device), ...wrong };
    if (options.verbose) console.log(proxy.log.map(e => `#   ${e.method} ${e.path} ${e.status ?? '-'}`).join('\n'));
    return { ...wrong, calls, reached: calls > at };
  } finally {
    device.session?.dispose();
    await proxy.close();
  }
}

const server = await upstream('serve', { reuse_grace: '0s' });
const points = [];
for (const mode of ['body', 'cookie']) {
  const { calls, ...wrong } = await point(server, { mode, fault: 'once', at: Infinity });
  if (Object.keys(wrong).some(key => key !== 'reached')) throw new Error(`the story itself, ${mode}: ${JSON.stringify(wrong)}`);
  console.log(`# ${mode}: ${calls} calls of storage`);
  for (const fault of options.faults ? options.faults.split(';') : Object.keys(FAULTS))
    for (let at = 0; at < calls; at++)
      if (!options.at || at === Number(options.at)) points.push({ mode, fault, at });
}
const chosen = points.filter((_, i) => i % parts === part);
const sums = { points: 0, terminal: 0, lost: 0 };
let next = 0;
await Promise.all(Array.from({ length: JOBS }, async () => {
  while (next < chosen.length) {
    const one = chosen[next++], wrong = await point(server, one);
    if (wrong.reached) sums.points++;
    for (const kind of ['terminal', 'lost'])
      if (wrong[kind]) { sums[kind]++; console.log(`# ${kind}: ${one.mode}, call ${one.at} ${one.fault}: ${wrong[kind]}`); }
  }
}));
const audit = admin(server, 'audit', '--json');
const reuses = audit.split('\n').filter(line => /"(reuse|fork)"/.test(line));
for (const line of reuses.slice(0, 5)) console.log('# ' + line);
console.log(Object.entries({ ...sums, reuses: reuses.length, audited: (audit.match(/"event"/g) || []).length }).map(pair => pair.join('=')).join(' '));
stopAll();
process.exit(0);
