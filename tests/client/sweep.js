// The sweep of storage: an app's long story, told once for each call that it makes of its storage,
// with that call failing in each way. Then the app ends, and is launched again with storage that works.
//   node tests/client/sweep.js [part=N/M] [faults=NAME;…] [kinds=NAME;…] [at=N] [seed=N] [verbose=1] [without=NAME]
// `without` is one of mutations.js: a client that the sweep must find wrong. `seed` names the dice, which say
// how long calls take, and which jitter the client draws.
// Prints one line of figures, "points=… terminal=… lost=… stuck=… reuses=…", and # lines about what
// was wrong. JOBS points run at a time (default 2).
//
// What must never be: a locked session that nobody has ended, a session gone that storage had, a call
// of which nothing comes, a refresh token that the server takes for a stolen one (its audit says so), an
// error that isn't transient. Answers are lost on the way in the middle of it all, and there is no
// grace: only keys help.
//
// Each device has a clock of its own, which stands still while the server works, and jumps to the next
// timer where nothing else is left to do. So no load of the machine changes what happens, nothing is
// waited for, and a point that failed fails again alone.
import fs from 'node:fs';
import crypto from 'node:crypto';
import { openProxy } from './proxy.js';
import { upstream, admin, stopAll } from './upstream.js';
import { mutations, mutate } from './mutations.js';

const options = Object.fromEntries(process.argv.slice(2).map(arg => arg.split('=')));
const [part, parts] = (options.part || '0/1').split('/').map(Number);
const JOBS = Number(process.env.JOBS || 2);
const PATIENCE = 150;                           // the timeout of storage in these apps
const STORAGE_TAKES = 40, NETWORK_TAKES = 200; // at most; the dice say how long
const MIN = 60e3, LIMIT = 2 * MIN;              // what a call may take of its device's time

const source = (text => options.without ? mutate(text, mutations.find(one => one.name === options.without)) : text)(fs.readFileSync('www/session.js', 'utf8'));
const client = new Function('setTimeout', 'clearTimeout', 'BroadcastChannel', source.replace(/^export /gm, '') + '\nreturn createSession;');

class Over extends Error {}                     // the app has ended
class Stuck extends Error {}                    // a call of which nothing comes
const never = () => new Promise(() => {});
const refuse = () => { throw new Error('storage'); };
const turn = () => new Promise(resolve => { setImmediate(resolve); });

class Clock {
  constructor() {
    Object.assign(this, { time: Date.now(), timers: new Set(), busy: 0, line: Promise.resolve() });
    this.set = (act, ms = 0, ...args) => {
      const timer = { at: this.time + Math.max(0, ms), act: () => act(...args), unref: () => timer };
      this.timers.add(timer);
      return timer;
    };
    this.clear = timer => { this.timers.delete(timer); };
  }

  sleep(ms) { return new Promise(resolve => { this.set(resolve, ms); }); }

  /* Work outside of this clock, one after the other; time stands still until it is done. */
  async outside(work) {
    this.busy++;
    try { return await (this.line = this.line.catch(() => 0).then(work)); } finally { if (!--this.busy) this.wake?.(); }
  }

  /* Until nothing is left to do but to wait for a timer. */
  async settle() {
    do {
      if (this.busy) await new Promise(resolve => { this.wake = resolve; });
      for (let i = 0; i < 3; i++) await turn();
    } while (this.busy);
  }

  /* Lets time pass until the promise has settled. `ended` is asked whether that can still be. */
  async until(promise, ended = () => false) {
    const end = this.time + LIMIT, done = () => { settled = true; };
    let settled;
    promise.then(done, done);
    for (;;) {
      await this.settle();
      if (settled) return promise;
      if (ended()) throw new Over();
      const next = [...this.timers].reduce((a, b) => a && a.at <= b.at ? a : b, null);
      if (!next || next.at > end) throw new Stuck();
      this.timers.delete(next);
      this.time = Math.max(this.time, next.at);
      next.act();
    }
  }
}

/* What becomes of call n, where `at` is the one to fail. `act` does it, `app` is the device. */
const FAULTS = {
  once: (n, at, act) => n === at ? refuse() : act(),
  'once, though done': (n, at, act) => { const value = act(); return n === at ? refuse() : value; },
  'for a while': (n, at, act) => n >= at && n < at + 7 ? refuse() : act(),
  'writes, from then on': (n, at, act, kind) => n >= at && kind === 'set' ? refuse() : act(),
  'all, from then on': (n, at, act) => n >= at ? refuse() : act(),
  hangs: (n, at, act) => n === at ? never() : act(),
  'hangs, though done': (n, at, act) => { const value = act(); return n === at ? never() : value; },
  late: (n, at, act, kind, app) => n === at ? app.late(act) : act(),
  'late for a while': (n, at, act, kind, app) => n >= at && n < at + 7 ? app.late(act) : act(),
  'says done, and is not': (n, at, act, kind, app) => { if (n !== at) return act(); app.lied = true; return null; },
  'the last': (n, at, act, kind, app) => n >= at ? app.end() : act(),
  'the last, done': (n, at, act, kind, app) => { if (n <= at) act(); return n >= at ? app.end() : act(); },
};

/* What an app is: which mode, and whether its platform has locks. */
const KINDS = {
  body: { mode: 'body' }, cookie: { mode: 'cookie' },
  'body, locks': { mode: 'body', locks: true }, 'cookie, locks': { mode: 'cookie', locks: true },
};

/* The same numbers each time. */
function dice(seed) {
  return () => {
    seed = seed + 0x6d2b79f5 | 0;
    let n = Math.imul(seed ^ seed >>> 15, 1 | seed);
    n = n + Math.imul(n ^ n >>> 7, 61 | n) ^ n;
    return ((n ^ n >>> 14) >>> 0) / 2 ** 32;
  };
}

/* Those of one process: all wait for one. */
function openLocks() {
  let last = Promise.resolve();
  return { request: (name, { signal }, work) => (last = last.then(work, work)) };
}

/* One device: what lies in its storage, its cookies, its clock, and the calls of storage so far. */
class Device {
  constructor(proxy, kind, fault, at) {
    Object.assign(this, { proxy, ...KINDS[kind], fault, at, clock: new Clock(), random: dice(Number(options.seed || 1) * 1e4 + at), calls: 0, text: null, cookie: '', skew: 0 });
    Object.assign(this, { ended: false, broken: true, over: [], launches: 0, pending: null });
    this.createSession = client(this.clock.set, this.clock.clear);
  }

  end() { this.ended = true; return never(); }

  /* A call that is done long after it was given up, over newer ones; or at the app's end, where there is no newer one. */
  async late(act) {
    this.pending = act;
    await this.clock.sleep(2.5 * PATIENCE);
    return act();
  }

  write(text) { Object.assign(this, { text, pending: null }); }

  /* Of the launch that asks for it: with the next one, its process is dead. */
  storage(launch) {
    const dead = () => this.ended || launch !== this.launches;
    const call = async (kind, act) => {
      if (dead()) return never();
      await this.clock.sleep(this.random() * STORAGE_TAKES);
      if (dead()) return never();
      if (options.verbose) console.log(`#   ${this.calls} ${kind} ${this.text}`);
      return this.broken ? this.fault(this.calls++, this.at, act, kind, this) : act();
    };
    return {
      getItem: () => call('get', () => this.text),
      setItem: (_, text) => call('set', () => this.write(text)),
    };
  }

  /* As a browser, or an app without cookies; an app that has ended hears nothing, but its jar does. */
  async fetch(launch, url, init = {}) {
    const dead = () => this.ended || launch !== this.launches;
    if (dead()) return never();
    const headers = new Headers(init.headers);
    headers.set('sec-fetch-site', 'same-origin');
    const answer = await this.clock.outside(() => this.travel(url, { ...init, headers, signal: undefined, keepalive: undefined })).catch(error => ({ error }));
    if (!dead()) await this.clock.sleep(this.random() * NETWORK_TAKES);
    if (dead()) return never();
    if (answer.error) throw answer.error;
    return new Response(answer.text || null, answer);
  }

  async travel(url, init) {
    if (init.credentials === 'include' && this.cookie) init.headers.set('cookie', this.cookie);
    const { status, headers, ...response } = await fetch(url, init).then(async found => ({ status: found.status, headers: found.headers, text: await found.text() }));
    for (const line of headers.getSetCookie()) {
      const [pair] = line.split(';');
      if (/^(__Secure-)?latchkey-[0-9a-f]{8}=/.test(pair)) this.cookie = pair.endsWith('=') ? '' : pair;
    }
    return { status, headers, ...response };
  }

  /* The end of the process. */
  async stop() {
    this.session?.dispose();
    await this.clock.settle();
    this.pending?.();
    this.clock.timers.clear();
  }

  async launch(more) {
    await this.stop();
    const { mode, random } = this, n = ++this.launches;
    this.session = this.createSession({
      base: this.proxy.origin + '/api/auth', mode, storage: this.storage(n), name: crypto.randomUUID(), timeout: PATIENCE,
      queueTimeout: 1500, maxBackoff: 40, fetch: (...args) => this.fetch(n, ...args), now: () => this.clock.time + this.skew, random,
      locks: this.locks ? openLocks() : null, ...more,
    });
    await this.clock.until(this.session.ready, () => this.ended);
    return this.session;
  }

  /* A call of the app's, to its end. */
  wait(call) { return this.clock.until(call, () => this.ended); }
}

/* Refuses nothing but what must not be. */
async function passing(device, work) {
  if (device.ended) throw new Over();
  try { return await device.wait(work()); } catch (error) {
    const nobody = error.code === 'signed_out' && !/"sid"/.test(device.text);       // its sign-in was never stored
    if (error.code === 'session_changed' && device.lied) return;                    // storage names the session of before
    if (error instanceof Over || error instanceof Stuck || !error.transient && !nobody) throw error;
  }
}

const lose = device => device.proxy.when('/refresh', { drop: true });

async function story(device) {
  const { username } = device, credentials = { username, password: 'correct horse ' + username };
  const url = device.proxy.origin + '/app/echo';
  const then = work => passing(device, work);
  const ask = minutes => { device.skew += minutes * MIN; return then(() => device.session.fetch(url)); };

  await device.launch();
  await then(() => device.session.signIn(credentials));
  await ask(1);
  await ask(11);                                // a refresh runs behind
  await ask(17);                                // a request waits for one
  lose(device);
  await ask(17);
  await device.launch();
  await ask(1);
  lose(device);
  await then(() => device.session.refresh());
  await device.launch();
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
  for (const call of ['/refresh', '/logout']) device.proxy.clear(call);
  await device.stop();
  const held = device.text ? JSON.parse(device.text) : {};
  Object.assign(device, { ended: false, broken: false });
  device.skew += MIN;
  const session = await device.launch({ timeout: 10e3 });
  const had = Boolean(held.sid && !held.ended);
  if (had !== (session.state === 'active' || session.state === 'stale')) return { lost: `storage has ${device.text?.slice(0, 60)}, state ${session.state}` };
  if (!had) return {};
  const refreshed = () => device.wait(session.refresh().then(() => 'ok', error => error.code));
  const code = await refreshed();
  if (code === 'session_revoked' && device.over.includes(held.sid)) return {};        // the user's own sign-out, which could not be stored
  if (code !== 'ok' || session.state !== 'active') return { terminal: `${code}, ${session.state}` };
  device.skew += MIN;
  const again = await refreshed();
  return again === 'ok' ? {} : { terminal: again };
}

function wrongIn(error) {
  if (error instanceof Over) return {};
  return error instanceof Stuck ? { stuck: error.stack } : { terminal: `in the story: ${error.code ?? error.stack}` };
}

async function point(server, { kind, fault, at }) {
  const proxy = await openProxy({ upstream: server });
  const device = new Device(proxy, kind, FAULTS[fault], at);
  device.username = 'w' + crypto.randomBytes(8).toString('hex');
  const { host, port } = server;
  const join = () => fetch(`http://${host}:${port}/api/auth/register`, {
    method: 'POST', headers: { 'content-type': 'application/json', 'x-forwarded-for': proxy.address },
    body: JSON.stringify({ username: device.username, password: 'correct horse ' + device.username }),
  });
  const { status } = await join();
  if (status !== 201) throw new Error('no user: ' + status);
  try {
    const first = await story(device).then(() => ({}), wrongIn);
    const { calls } = device;
    const last = await aftermath(device).catch(wrongIn);
    if (options.verbose) console.log(proxy.log.map(e => `#   ${e.method} ${e.path} ${e.status ?? '-'}`).join('\n'));
    return { ...last, ...first, calls, reached: calls > at };
  } finally {
    device.session?.dispose();
    await proxy.close();
  }
}

const server = await upstream('serve', { reuse_grace: '0s', password_memory: '8k', password_passes: '1', audit_max: '1000000' });
const points = [];
for (const kind of options.kinds ? options.kinds.split(';') : Object.keys(KINDS)) {
  const { calls, ...wrong } = await point(server, { kind, fault: 'once', at: -1 });
  if (Object.keys(wrong).some(key => key !== 'reached')) throw new Error(`the story itself, ${kind}: ${JSON.stringify(wrong)}`);
  console.log(`# ${kind}: ${calls} calls of storage`);
  for (const fault of options.faults ? options.faults.split(';') : Object.keys(FAULTS))
    for (let at = 0; at < calls; at++)
      if (!options.at || at === Number(options.at)) points.push({ kind, fault, at });
}
const chosen = points.filter((_, i) => i % parts === part);
const sums = { points: 0, terminal: 0, lost: 0, stuck: 0 };
let next = 0;
await Promise.all(Array.from({ length: JOBS }, async () => {
  while (next < chosen.length) {
    const one = chosen[next++], wrong = await point(server, one);
    if (wrong.reached) sums.points++;
    for (const kind of ['terminal', 'lost', 'stuck'])
      if (wrong[kind]) { sums[kind]++; console.log(`# ${kind}: ${one.kind}, call ${one.at} ${one.fault}: ${wrong[kind]}`); }
  }
}));
const audit = admin(server, 'audit', '--json');
const reuses = audit.split('\n').filter(line => /"(reuse|fork)"/.test(line));
for (const line of reuses.slice(0, 5)) console.log('# ' + line);
console.log(Object.entries({ ...sums, reuses: reuses.length, audited: (audit.match(/"event"/g) || []).length }).map(pair => pair.join('=')).join(' '));
stopAll();
process.exit(0);
