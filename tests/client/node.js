// session.js in Node: body mode, storage in a file, no page, no locks, no events. TAP.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import crypto from 'node:crypto';
import { openProxy } from './proxy.js';
import { upstream, stopAll } from './upstream.js';
import { createSession, SessionError } from '../../www/session.js';

const PAST_GRACE = 2300;
const sleep = ms => new Promise(resolve => { setTimeout(resolve, ms); });
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'latchkey-node-'));
const kind = (process.argv[2] || 'serve');
let n = 0, failed = 0;

/* As docs/clients.md shows it. */
function fileStorage(name) {
  return {
    getItem: () => fs.promises.readFile(name, 'utf8').catch(() => null),
    async setItem(_, value) {
      await fs.promises.writeFile(name + '.new', value, { mode: 0o600 });
      await fs.promises.rename(name + '.new', name);
    },
  };
}

function equal(actual, expected, what) {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: got ${a}, expected ${b}`);
}

async function check(name, run) {
  const proxy = await openProxy({ upstream: await upstream(kind, { reuse_grace: '1s' }) });
  const file = path.join(dir, `session${++n}`);
  const t = {
    proxy, file, skew: 0, events: [],
    open(more) {
      const s = createSession({ base: proxy.origin + '/api/auth', mode: 'body', storage: fileStorage(file), now: () => Date.now() + t.skew, ...more });
      for (const type of ['state', 'refreshed', 'reauth', 'error']) s.on(type, detail => t.events.push([type, detail]));
      return s;
    },
    async signedIn(more) {
      const s = t.open(more);
      t.username = 'n' + crypto.randomBytes(8).toString('hex');
      await s.signIn({ username: t.username, password: 'correct horse ' + t.username }, '/register');
      return s;
    },
    url: proxy.origin + '/app/echo',
  };
  try {
    await run(t);
    console.log(`ok ${n} - node: ${name}`);
  } catch (error) {
    failed++;
    console.log(`not ok ${n} - node: ${name}\n` + String(error.stack).replace(/^/gm, '#   '));
  }
  await proxy.close();
}

const statuses = responses => responses.map(r => r.status);

await check('ten parallel requests cause one refresh', async t => {
  const s = await t.signedIn();
  t.proxy.expireAccess();
  equal(statuses(await Promise.all(Array.from({ length: 10 }, () => s.fetch(t.url)))), Array(10).fill(200), 'statuses');
  equal(t.proxy.count('/refresh'), 1, 'refreshes');
});

await check('a relaunch restores the session without a request', async t => {
  (await t.signedIn()).dispose();
  const before = t.proxy.log.length, s = t.open();
  await s.ready;
  equal([s.state, s.user.username, t.proxy.log.length - before], ['active', t.username, 0], 'state, user, requests');
  equal((await s.fetch(t.url)).status, 200, 'a request');
  equal(fs.statSync(t.file).mode & 0o777, 0o600, 'mode of the file');
});

await check('a launch after the expiry refreshes once', async t => {
  (await t.signedIn()).dispose();
  t.skew = 16 * 60e3;
  const s = t.open();
  equal(statuses(await Promise.all([s.fetch(t.url), s.fetch(t.url)])), [200, 200], 'statuses');
  equal(t.proxy.count('/refresh'), 1, 'refreshes');
});

await check('a stream waits for its token and is sent once', async t => {
  const s = await t.signedIn();
  const stream = text => new Blob([text]).stream();
  t.skew = 16 * 60e3;
  const r = await s.fetch(t.url, { method: 'POST', body: stream('streamed'), duplex: 'half' });
  equal([r.status, (await r.json()).body], [200, 'streamed'], 'after expiry');
  t.proxy.expireAccess();
  equal((await s.fetch(t.url, { method: 'POST', body: stream('again'), duplex: 'half' })).status, 401, 'refused: the original 401');
  equal(t.proxy.count('/app/echo'), 2, 'sends');
  equal((await s.fetch(t.url)).status, 200, 'the next request');
});

await check('a lost answer is asked for again by the next launch, after the grace', async t => {
  const s = await t.signedIn();
  t.proxy.when('/refresh', { drop: true });
  equal(await s.refresh().catch(error => error.code), 'network', 'the first');
  s.dispose();
  await sleep(PAST_GRACE);
  const next = t.open();
  await next.refresh();
  const [lost, again] = t.proxy.of('/refresh');
  equal([again.key, again.data.generation], [lost.key, lost.data.generation], 'key and generation');
});

await check('a revoked session locks; the chain brings it back', async t => {
  const s = await t.signedIn();
  const { access_token: token, session } = t.proxy.of('/register')[0].data;
  const r = await fetch(`${t.proxy.origin}/api/auth/sessions/${session.id}`, { method: 'DELETE', headers: { authorization: 'Bearer ' + token } });
  equal(r.status, 204, 'revoked');
  const error = await s.refresh().catch(e => e);
  equal([error instanceof SessionError, error.code, error.terminal, s.state], [true, 'session_revoked', true, 'locked'], 'error, state');
  const step = await s.reauth({ password: user => s.signIn({ username: user.username, password: 'correct horse ' + user.username }) });
  equal([step, s.state], ['password', 'active'], 'step, state');
});

await check('an outage keeps the session, and a request that waits goes on after it', async t => {
  const s = await t.signedIn();
  t.proxy.always('/refresh', { status: 503, json: { error: { code: 'busy', message: '' } } });
  t.skew = 16 * 60e3;
  const waiting = s.fetch(t.url);
  while (!t.proxy.count('/refresh')) await sleep(20);
  await sleep(50);
  equal(s.state, 'stale', 'state');
  t.proxy.clear('/refresh');
  await s.wake();
  equal((await waiting).status, 200, 'the request');
});

await check('two processes on one file end signed in, with one idempotency key', async t => {
  const a = await t.signedIn();
  const b = t.open();
  await b.ready;
  t.proxy.expireAccess();
  equal(statuses(await Promise.all([a.fetch(t.url), b.fetch(t.url)])), [200, 200], 'statuses');
  await sleep(PAST_GRACE);
  await a.refresh();
  equal((await b.fetch(t.url)).status, 200, 'a request of the other, after the grace');
  equal([a.state, b.state], ['active', 'active'], 'states');
});

await check('sign-out works without a network, and is delivered by the next launch', async t => {
  const s = await t.signedIn();
  t.proxy.offline = true;
  await s.signOut();
  equal(s.state, 'signed-out', 'state');
  s.dispose();
  t.proxy.offline = false;
  await t.open().ready;
  while (!t.proxy.of('/logout').some(e => e.status === 204)) await sleep(20);
  while (/"rt"/.test(fs.readFileSync(t.file, 'utf8'))) await sleep(20);
  equal(JSON.parse(fs.readFileSync(t.file, 'utf8')), { out: 'user' }, 'what is left in the file');
});

await check('without storage the session lives in memory', async t => {
  const s = await t.signedIn({ storage: undefined });
  await s.refresh();
  equal([(await s.fetch(t.url)).status, s.state, fs.existsSync(t.file)], [200, 'active', false], 'status, state, file');
});

await check('the module can be imported and a session made where there is nothing', async () => {
  const s = createSession({ base: 'https://auth.invalid/api/auth' });
  await s.ready;
  equal(s.state, 'signed-out', 'state');
});

await check('importing it leaves the process free to end', async () => {
  const { execFileSync } = await import('node:child_process');
  const code = `import('./www/session.min.js').then(async m => { const s = m.createSession({ base: 'https://auth.invalid/api/auth' }); await s.ready; console.log(s.state); })`;
  equal(execFileSync(process.execPath, ['-e', code], { encoding: 'utf8', timeout: 20e3 }).trim(), 'signed-out', 'output');
});

console.log(`1..${n}`);
fs.rmSync(dir, { recursive: true, force: true });
stopAll();
process.exit(failed ? 1 : 0);
