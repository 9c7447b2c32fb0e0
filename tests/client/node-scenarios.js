// What the client promises where there is no page: Node, apps, servers. Each is {name, run(bench), config?}.
// Timings are upper bounds with room, or none.
import crypto from 'node:crypto';
import { EventEmitter, getEventListeners } from 'node:events';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { dpop } from '../../www/dpop.js';
import { openProxy } from './proxy.js';
import { readPage } from './recipes/page.js';
import { admin } from './upstream.js';
import { sleep, MIN, HOUR } from './node-bench.js';

const all = [];
const test = (name, run, limits) => all.push({ name, run, ...limits });
const noGrace = { config: { reuse_grace: '0s' } };
const PAST_GRACE = 2300;                        // the server counts whole seconds
const busy = { status: 503, json: { error: { code: 'busy', message: '' } } };
const post = body => ({ method: 'POST', body });
const statuses = responses => responses.map(r => r.status);
/* fetch() for sessions whose short `timeout` is meant for storage. */
const withoutLimit = send => (url, init) => send(url, { ...init, signal: undefined });
const patient = withoutLimit(fetch);
/* A session that is signed in; that this works at all is what is looked at. */
async function made(t, options) {
  let s;
  t.equal(await t.outcome(t.signedIn(options).then(one => { s = one; })), 'ok', 'sign-in');
  return s;
}
const quick = { maxBackoff: 50 };               // pauses of at most 50 ms

// ---- one refresh for all

test('ten parallel requests cause one refresh', async t => {
  const s = await t.signedIn();
  t.proxy.expireAccess();
  t.equal(statuses(await Promise.all(Array.from({ length: 10 }, () => s.fetch(t.url)))), Array(10).fill(200), 'statuses');
  t.equal(t.refreshes, 1, 'refreshes');
});

test('a relaunch restores the session without a request', async t => {
  (await t.signedIn()).dispose();
  const before = t.proxy.log.length, s = t.open();
  await s.ready;
  t.equal([s.state, s.user.username, t.proxy.log.length - before], ['active', t.username, 0], 'state, user, requests');
  t.equal((await s.fetch(t.url)).status, 200, 'a request');
  t.equal(fs.statSync(t.file).mode & 0o777, 0o600, 'mode of the file');
});

test('a launch after the expiry refreshes once', async t => {
  (await t.signedIn()).dispose();
  t.skew = 16 * MIN;
  const s = t.open();
  t.equal(statuses(await Promise.all([s.fetch(t.url), s.fetch(t.url)])), [200, 200], 'statuses');
  t.equal(t.refreshes, 1, 'refreshes');
});

test('a stream waits for its token and is sent once', async t => {
  const s = await t.signedIn();
  const stream = text => new Blob([text]).stream();
  t.skew = 16 * MIN;
  const r = await s.fetch(t.url, { ...post(stream('streamed')), duplex: 'half' });
  t.equal([r.status, (await r.json()).body], [200, 'streamed'], 'after expiry');
  t.proxy.expireAccess();
  t.equal((await s.fetch(t.url, { ...post(stream('again')), duplex: 'half' })).status, 401, 'refused: the original 401');
  t.equal(t.proxy.count('/app/echo'), 2, 'sends');
  t.equal((await s.fetch(t.url)).status, 200, 'the next request');
});

test('a revoked session locks; the chain brings it back', async t => {
  const s = await t.signedIn();
  const { access_token: token, session } = t.proxy.of('/register')[0].data;
  t.equal((await t.direct('/sessions/' + session.id, { method: 'DELETE', token })).status, 204, 'revoked');
  const error = await s.refresh().catch(e => e);
  t.equal([error instanceof t.SessionError, error.code, error.terminal, s.state], [true, 'session_revoked', true, 'locked'], 'error, state');
  t.equal([await s.reauth({ password: () => t.login(s) }), s.state], ['password', 'active'], 'step, state');
});

test('an outage keeps the session, and a request that waits goes on after it', async t => {
  const s = await t.signedIn();
  t.proxy.always('/refresh', busy);
  t.skew = 16 * MIN;
  const waiting = s.fetch(t.url);
  await t.until(() => t.refreshes && s.state === 'stale', 'a failed refresh');
  await t.until(() => t.told('error').length, 'its event');
  t.proxy.clear('/refresh');
  await s.wake();
  t.equal((await waiting).status, 200, 'the request');
});

test('two processes on one file end signed in, with one idempotency key', async t => {
  const a = await t.signedIn(), b = t.open();
  await b.ready;
  t.proxy.expireAccess();
  t.equal(statuses(await Promise.all([a.fetch(t.url), b.fetch(t.url)])), [200, 200], 'statuses');
  await sleep(PAST_GRACE);
  await a.refresh();
  t.equal((await b.fetch(t.url)).status, 200, 'a request of the other, after the grace');
  t.equal([a.state, b.state], ['active', 'active'], 'states');
});

test('who hears an answer a second time keeps the key that may be in use by now', async t => {
  const locks = {};                               // none: Node has them since 24
  const a = await t.signedIn({ locks }), b = t.open({ locks });
  await b.ready;
  const release = [], held = () => ({ hold: new Promise(resolve => { release.push(resolve); }) });
  t.proxy.when('/refresh', held(), held());
  const answered = n => t.until(() => t.proxy.of('/refresh').filter(e => e.status).length === n, 'an answer of the server');
  const first = t.outcome(a.refresh());
  await answered(1);
  const second = t.outcome(b.refresh());
  await answered(2);
  release[0]();
  t.equal(await first, 'ok', 'the first');
  const { key } = t.stored();
  release[1]();
  t.equal(await second, 'ok', 'the second');
  t.equal([t.stored().key === key, t.stored().gen], [true, 2], 'key, generation');
});

test('a session that waited for another without a lock still tells of what happens', async t => {
  const locks = {};
  const a = await t.signedIn({ locks }), b = t.open({ locks }), told = [];
  await b.ready;
  b.on('state', ({ state }) => told.push(state));
  let release;
  t.proxy.when('/refresh', { until: new Promise(resolve => { release = resolve; }) });
  t.stopClock();                                  // only the answer ends the wait
  const first = t.outcome(a.refresh());
  await t.until(() => t.refreshes, 'the first refresh');
  await b.wake();                                 // it reads that one is under way
  const second = t.outcome(b.refresh());
  await sleep(300);
  release();
  t.equal([await first, await second], ['ok', 'ok'], 'refreshes');
  await b.signOut();
  await t.until(() => told.includes('signed-out'), 'the event of the sign-out');
});

/* Wallets that sign as SEP-53 and Solana's do, by OpenSSL's Ed25519: the first keys of SEP-53 and of RFC 8032, 7.1. */
const walletKey = seed => crypto.createPrivateKey({ key: Buffer.from('302e020100300506032b657004220420' + seed, 'hex'), format: 'der', type: 'pkcs8' });
const sha256 = text => crypto.createHash('sha256').update(text).digest();
const WALLETS = [{
  chain: 'stellar', address: 'GBXFXNDLV4LSWA4VB7YIL5GBD7BVNR22SGBTDKMO2SBZZHDXSKZYCP7L',
  key: walletKey('148112b05e2c693932e5adf3e53601f3521032eebeb3abb5e316902f0a40a024'), signs: text => sha256('Stellar Signed Message:\n' + text),
}, {
  chain: 'solana', address: 'FVen3X669xLzsi6N2V91DoiyzHzg1uAgqiT8jZ9nS96Z',
  key: walletKey('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'), signs: text => Buffer.from(text),
}];

test('a wallet signs in by the recipe of docs/wallets.md, and the session is one as any other', async t => {
  const recipe = readPage('docs/wallets.md').block('In the app', 'wallet.js');
  const { signInByWallet } = await import('data:text/javascript,' + encodeURIComponent(recipe));
  const base = t.proxy.origin + '/api/auth';
  for (const { chain, address, key, signs } of WALLETS) {
    const session = t.open();
    await session.ready;
    const sign = text => crypto.sign(null, signs(text), key).toString('base64');
    await signInByWallet(session, base, { chain, address, sign });
    t.equal(session.user.username, `${chain}:${address}`, 'the user');
    await session.refresh();
    t.equal((await session.fetch(t.url)).status, 200, 'a request');
    await session.signOut();
    t.equal(await t.outcome(signInByWallet(session, base, { chain, address, sign: () => sign('another') })), 'invalid_credentials', 'another text');
  }
}, { config: { reuse_grace: '1s', wallets: 'stellar:pubnet solana:mainnet' } });

test('a session is bound to a key in a file by the recipe of docs/dpop.md', async t => {
  const { keysIn } = await import('data:text/javascript,' + encodeURIComponent(readPage('docs/dpop.md').block('Where it runs', 'keys.js')));
  const file = t.file + '.key', bound = () => ({ fetch: dpop({ base: t.proxy.origin + '/api/auth', keys: keysIn(file) }) });
  const s = await t.signedIn(bound());
  t.equal(await t.outcome(s.refresh()), 'ok', 'a refresh');
  s.dispose();
  const later = t.open(bound());
  await later.ready;
  t.equal(await t.outcome(later.refresh()), 'ok', 'of the next process');
  t.equal(new Set(t.proxy.log.filter(e => e.headers.dpop).map(e => e.headers.dpop.split('.')[0])).size, 1, 'keys');
  fs.writeFileSync(file + '.kept', fs.readFileSync(file));
  fs.truncateSync(file);
  t.equal([await t.outcome(later.refresh()), later.state], ['network', 'active'], 'a file that can not be read');
  fs.rmSync(file);
  t.equal([await t.outcome(later.refresh()), later.state], ['key_lost', 'locked'], 'one that is gone');
});

test('`locks` of the app let one refresh at a time run', async t => {
  let tail = Promise.resolve();
  const names = [];
  const locks = { request: (name, options, work) => { names.push(name); return tail = tail.catch(() => 0).then(() => work({})); } };
  const a = await t.signedIn({ locks }), b = t.open({ locks });
  await b.ready;
  t.skew = 16 * MIN;
  t.equal(statuses(await Promise.all([a.fetch(t.url), b.fetch(t.url)])), [200, 200], 'statuses');
  t.equal([t.refreshes, new Set(names).size, names[0]], [1, 1, 'latchkey'], 'refreshes, locks, name');
});

// ---- the lost answer, and storage

test('a lost answer is asked for again by the next launch, after the grace', async t => {
  const s = await t.signedIn();
  t.proxy.when('/refresh', { drop: true });
  t.equal(await t.outcome(s.refresh()), 'network', 'the first');
  s.dispose();
  await sleep(PAST_GRACE);
  await t.open().refresh();
  const [lost, again] = t.proxy.of('/refresh');
  t.equal([again.key, again.data.generation], [lost.key, lost.data.generation], 'key and generation');
});

test('storage that rejects at launch is not an empty one', async t => {
  (await t.signedIn()).dispose();
  t.events.length = 0;
  let broken = true;
  const s = t.open({ storage: t.storage(() => { if (broken) throw new Error('locked'); }) });
  await s.ready;
  t.equal([s.state, t.told('error').map(e => [e.code, e.transient])], ['loading', [['storage', true]]], 'state, what was told');
  t.equal(await t.outcome(s.refresh()), 'storage', 'refresh()');
  const waiting = t.outcome(s.fetch(t.url));
  await sleep(50);
  t.equal([t.proxy.count('/app/echo'), t.refreshes], [0, 0], 'requests that left');
  broken = false;
  await s.wake();
  t.equal([await waiting, s.state, s.user.username], [200, 'active', t.username], 'the request, state, user');
});

test('storage that works again is read at the next tick', async t => {
  (await t.signedIn()).dispose();
  let broken = true;
  const s = t.open({ storage: t.storage(() => { if (broken) throw new Error('locked'); }) });
  await s.ready;
  broken = false;
  await t.until(() => s.state === 'active', 'active');
});

test('a file that is read in the middle of a write is read again', async t => {
  (await t.signedIn()).dispose();
  const whole = fs.readFileSync(t.file, 'utf8');
  fs.writeFileSync(t.file, whole.slice(0, 99));
  const s = t.open();
  await s.ready;
  t.equal(s.state, 'loading', 'state');
  fs.writeFileSync(t.file, whole);
  await s.wake();
  t.equal([s.state, t.refreshes], ['active', 0], 'state, refreshes');
});

test('storage that never answers stops nothing beyond its limits', async t => {
  const never = () => new Promise(() => {});
  const s = t.open({ timeout: 500, queueTimeout: 1200, fetch: patient, storage: { getItem: never, setItem: never } });
  const error = await Promise.race([s.fetch(t.url).catch(e => e), sleep(t.patience)]);
  t.equal([error?.code, error?.cause?.code, s.state], ['queue_timeout', 'storage', 'loading'], 'a request: error, cause, state');
  t.username = 'h' + Date.now();
  t.equal((await t.outcome(s.signIn({ username: t.username, password: t.password }, '/register'))).username, t.username, 'signIn()');
  t.equal(await t.outcome(s.fetch(t.url)), 200, 'a request');
  t.equal(await t.outcome(s.signOut()), 'ok', 'signOut()');
  t.equal([t.proxy.of('/logout').map(e => e.status), s.state], [[204], 'signed-out'], 'logouts, state');
});

test('a sign-out is sent before storage has written it', async t => {
  let hangs = false;
  const s = await t.signedIn({ storage: t.storage(() => hangs && new Promise(() => {})) });
  hangs = true;
  s.signOut();
  await t.until(() => t.proxy.of('/logout').some(e => e.status === 204), 'the logout', t.timeout / 2);     // storage is given up after it
});

test('what could not be written is written again', async t => {
  let broken = false;
  const s = await t.signedIn({ storage: t.storage(method => { if (broken && method === 'setItem') throw new Error('no'); }) });
  broken = true;
  await s.refresh();
  t.equal([s.generation, t.stored().gen], [2, 1], 'generations in memory, in storage');
  broken = false;
  await s.wake();
  t.equal(t.stored().gen, 2, 'generation in storage');
  t.equal(t.told('error').map(e => e.code), ['storage'], 'told once');
});

test('while storage refuses, the last refresh is repeated and nothing is built upon it', async t => {
  let broken = false;
  const s = await t.signedIn({ storage: t.storage(method => { if (broken && method === 'setItem') throw new Error('no'); }) });
  await s.refresh();
  broken = true;
  for (let i = 1; i < 6; i++) {
    t.skew = 16 * MIN * i;
    t.equal(await t.outcome(s.fetch(t.url)), 200, 'a request');
  }
  t.equal([s.generation, t.stored().gen, t.refreshes], [3, 2, 6], 'generations in memory, in storage; refreshes');
  s.dispose();
  await sleep(1100);
  const next = t.open();
  t.equal([await t.outcome(next.refresh()), next.state, next.generation], ['ok', 'active', 3], 'the next launch');
}, noGrace);

/* fetch() of a browser with one cookie. */
function jar() {
  let cookie = '';
  return async (url, init) => {
    const headers = new Headers(init.headers);
    headers.set('sec-fetch-site', 'same-origin');
    if (cookie) headers.set('cookie', cookie);
    const response = await fetch(url, { ...init, headers });
    for (const line of response.headers.getSetCookie()) [cookie] = /^[^;]*latchkey-[0-9a-f]{8}=[^;]/.test(line) ? line.split(';') : cookie;
    return response;
  };
}

test('cookie mode: a key that storage holds stays in use until its refresh is answered', async t => {
  let broken = false;
  const options = { mode: 'cookie', ...quick, fetch: jar(), storage: t.storage(() => { if (broken) throw new Error('no'); }) };
  const s = await t.signedIn(options);
  broken = true;
  await s.refresh();                              // memory and cookie are one ahead of storage
  t.proxy.when('/refresh', { drop: true });
  t.equal(await t.outcome(s.refresh()), 'network', 'a lost answer');
  await sleep(1100);
  broken = false;
  await s.wake();
  t.equal([await t.outcome(s.refresh()), s.state], ['ok', 'active'], 'it is asked for again');
  t.equal(new Set(t.proxy.of('/refresh').map(e => e.key)).size < 3, true, 'keys');
}, noGrace);

test('a write that is done long after it was given up is corrected', async t => {
  let late, slow = false, landed = false;
  const hold = new Promise(resolve => { late = resolve; }).then(() => { landed = true; });
  const s = await t.signedIn({ timeout: 2e3, fetch: patient, storage: t.storage((method, value) => slow && method === 'setItem' && value.includes('"gen":2') && (slow = false, hold)) });
  slow = true;
  await s.refresh();
  await s.refresh();
  t.equal(t.stored().gen, 3, 'stored');
  late();
  await t.until(() => landed, 'the late write');
  await sleep(50);
  await t.until(() => t.stored().gen === 3, 'its correction');
});

test('body mode: no refresh leaves unless storage was read, because others may have moved on', async t => {
  let broken = false;
  const a = await t.signedIn(), b = t.open({ ...quick, storage: t.storage(() => { if (broken) throw new Error('no'); }) });
  await b.ready;
  broken = true;
  await a.refresh();
  await a.refresh();
  await sleep(1100);
  t.skew = 16 * MIN;
  const waiting = t.outcome(b.fetch(t.url));
  await sleep(400);
  t.equal([t.refreshes, b.state], [2, 'stale'], 'refreshes, state');
  broken = false;
  t.equal([await waiting, b.state, a.state === 'locked'], [200, 'active', false], 'the request, states');
}, noGrace);

test('a sign-in while storage could not be read is newer than what it held', async t => {
  (await t.signedIn()).dispose();
  const first = t.stored().sid;
  let broken = true;
  const s = t.open({ storage: t.storage(() => { if (broken) throw new Error('no'); }) });
  await t.login(s);
  broken = false;
  await s.wake();
  t.ok(s.id !== first && t.stored().sid === s.id, 'the second session stands, and is stored');
  await t.until(async () => !(await t.live(s)).includes(first), 'the first one is ended');
});

test('a sign-in whose own record is read first, because storage answers late, ends no session', async t => {
  for (const mode of ['body', 'cookie']) {
    let late = true;
    const held = [], wait = () => late ? new Promise(resolve => { held.push(resolve); }) : undefined, plain = t.storage();
    const storage = { getItem: () => wait()?.then(() => plain.getItem()) ?? plain.getItem(), setItem: (_, text) => plain.setItem(_, text).then(wait) };
    const s = await t.signedIn({ mode, timeout: 1e3, fetch: mode === 'cookie' ? withoutLimit(jar()) : patient, storage });
    late = false;
    await s.wake();
    for (const release of held) release();
    await s.wake();
    t.equal([await t.outcome(s.refresh()), t.proxy.count('/logout'), s.state], ['ok', 0, 'active'], mode + ': a refresh, sign-outs, state');
    s.dispose();
    fs.rmSync(t.file);
  }
});

test('storage that somebody cleared: the session goes on, and is stored by its next refresh', async t => {
  const s = await t.signedIn();
  fs.unlinkSync(t.file);
  await s.wake();
  t.equal([s.state, t.stored()], ['active', null], 'state, storage');
  await s.refresh();
  t.equal(t.stored().gen, 2, 'storage');
});

test('a launch that finds what it needs writes nothing', async t => {
  (await t.signedIn()).dispose();
  const writes = [], s = t.open({ storage: t.storage((method, value) => { if (method === 'setItem') writes.push(value); }) });
  await s.ready;
  await s.wake();
  t.equal([await t.outcome(s.fetch(t.url)), s.state, t.refreshes, writes.length], [200, 'active', 0, 0], 'answer, state, refreshes, writes');
});

/* As 0.1.0 stored it. */
function old(t, more = {}) {
  const { since, jitter, created, access, refresh, key, ...rest } = t.stored();
  void key;
  fs.writeFileSync(t.file, JSON.stringify({ ...rest, t: since, j: jitter, born: created, at: access, rt: refresh, ...more }));
}

test('what 0.1.0 stored signs nobody out: a session, with and without a refresh under way', async t => {
  const s = await t.signedIn();
  s.dispose();
  const { user, sid } = t.stored();
  old(t);
  const next = t.open();
  await next.ready;
  t.equal([next.user, next.id, await t.outcome(next.fetch(t.url)), next.state], [user, sid, 200, 'active'], 'user, session, a request, state');
  await t.until(async () => t.stored().gen === next.generation, 'what it holds is stored');
  next.dispose();
  const { refresh } = t.stored(), key = 'ab'.repeat(16);
  t.equal((await t.direct('/refresh', { body: { refresh_token: refresh, idempotency_key: key } })).status, 200, 'an answer that was lost');
  old(t, { key });
  await sleep(1100);
  const last = t.open();
  t.equal([await t.outcome(last.refresh()), last.state, last.generation], ['ok', 'active', 3], 'it is asked for again');
}, noGrace);

test('what 0.1.0 stored is kept: a lock, and a sign-out that the server has not heard of', async t => {
  const s = await t.signedIn();
  s.dispose();
  const { refresh } = t.stored();
  fs.writeFileSync(t.file, JSON.stringify({ sid: t.stored().sid, gen: 1, user: t.stored().user, dead: 'refresh_reused' }));
  const locked = t.open();
  await locked.ready;
  t.equal([locked.state, locked.user.username, t.told('reauth').at(-1)?.reason], ['locked', t.username, 'refresh_reused'], 'state, user, reason');
  locked.dispose();
  fs.writeFileSync(t.file, JSON.stringify({ out: 'user', pend: 1, rt: refresh }));
  const out = t.open();
  await out.ready;
  t.equal(out.state, 'signed-out', 'state');
  await t.until(() => t.proxy.of('/logout').some(e => e.status === 204), 'the logout');
  t.equal((await t.direct('/refresh', { body: { refresh_token: refresh } })).json.error.code, 'session_revoked', 'the session on the server');
});

// ---- storms and pauses

test('a loop of refreshes keeps to its limit, though the clock steps back each time', async t => {
  const outcomes = [], s = await t.signedIn(), ask = async (session, i) => {
    t.skew = -12e3 * i;
    outcomes.push(await t.outcome(session.fetch(t.url)));
  };
  for (let i = 1; i < 6; i++) await ask(s, i);
  s.dispose();
  const hasty = t.open({ queueTimeout: 1500 });   // what would be in vain is not waited for
  for (let i = 6; i < 8; i++) await ask(hasty, i);
  t.equal([t.refreshes, outcomes.filter(o => o === 200).length], [5, 5], 'refreshes, requests that passed');
  t.equal(outcomes.at(-1), 'queue_timeout', 'the last request');
});

test('the limit ends when it should, though the clock was set back by an hour', async t => {
  const s = await t.signedIn();
  t.stopClock();
  for (let i = 0; i < 5; i++) await s.refresh();
  t.skew = -HOUR;
  t.equal(await t.outcome(s.refresh()), 'backing_off', 'the sixth');
  t.skew += 26e3;
  t.equal(await t.outcome(s.refresh()), 'ok', 'after the window');
});

test('a wait is told, once, with how long it is', async t => {
  const s = await t.signedIn();
  t.stopClock();
  for (let i = 0; i < 9; i++) await s.refresh().catch(() => 0);
  const [told, ...more] = t.told('error');
  t.equal([told?.code, told?.transient, more.length], ['backing_off', true, 0], 'what was told');
  t.equal(told.retryAfter, 25e3, 'how long');
});

test('a request that arrives in a long pause asks once before its time is up', async t => {
  const s = await t.signedIn({ queueTimeout: 12e3, random: () => .99 });
  t.skew = 16 * MIN;
  t.proxy.when('/refresh', { status: 403, json: { error: { code: 'cross_site', message: '' } } });      // a pause of twenty seconds
  t.equal(await t.outcome(s.refresh()), 'cross_site', 'the first');
  t.equal([await t.outcome(s.fetch(t.url)), t.refreshes], [200, 2], 'the request, refreshes');
});

test('who waits is not stopped by an onLine that is wrong', async t => {
  t.stub('navigator', { onLine: false });
  const s = await t.signedIn({ ...quick, queueTimeout: HOUR });
  t.proxy.when('/refresh', busy);
  t.skew = 16 * MIN;
  t.equal([await t.outcome(s.fetch(t.url)), t.refreshes], [200, 2], 'the request, refreshes');
});

test('an answer that no waiting can mend ends the wait of a request', async t => {
  const s = await t.signedIn();
  t.proxy.always('/refresh', { status: 403, json: { error: { code: 'cross_site', message: '' } } });
  t.skew = 16 * MIN;
  t.equal(await t.outcome(s.fetch(t.url)), 'cross_site', 'the request');
  t.equal(s.state, 'stale', 'state');
  t.skew += 5e3;
  s.fetch(t.url).catch(() => 0);
  await sleep(300);
  t.equal([t.refreshes, t.told('error').length], [1, 1], 'refreshes, events: it is not tried again every other second');
});

const maintenance = { status: 503, html: '<h1>Maintenance</h1>', headers: { 'Retry-After': '3600' } };

test('one Retry-After of a proxy locks nobody out for an hour', async t => {
  const s = await t.signedIn();
  t.proxy.when('/refresh', maintenance);
  t.equal(await t.outcome(s.refresh()), 'unexpected_answer', 'the refresh');
  t.skew = 16 * MIN;
  t.proxy.when('/refresh', maintenance);
  await s.refresh().catch(() => 0);
  t.skew += 75e3;
  t.equal(await t.outcome(s.fetch(t.url)), 200, 'a request 75 s later');
});

test("a person may ask in spite of latchkey's Retry-After, once in ten seconds, and so may a launch", async t => {
  const s = await t.signedIn({ queueTimeout: 50 });
  t.stopClock();
  const overload = { ...busy, headers: { 'Retry-After': '1800' } };
  t.proxy.always('/refresh', overload);
  t.skew = 16 * MIN;
  t.equal(await t.outcome(s.refresh()), 'busy', 'the first');
  t.skew += 5e3;
  t.equal([await t.outcome(s.refresh()), t.refreshes], ['backing_off', 1], 'at once');
  t.skew += 6e3;
  await s.wake();
  t.equal([await t.outcome(s.fetch(t.url)), t.refreshes], ['queue_timeout', 1], 'a wake-up and a request honour it');
  t.equal([await t.outcome(s.refresh()), t.refreshes], ['busy', 2], 'ten seconds later');
  s.dispose();
  t.skew += 11e3;
  t.proxy.clear('/refresh');
  const next = t.open();
  t.equal([await t.outcome(next.fetch(t.url)), t.refreshes], [200, 3], 'a launch');
});

test('a person who asks while others are held back is not held back with them', async t => {
  const s = await t.signedIn();
  t.proxy.when('/refresh', busy);
  t.skew = 16 * MIN;
  t.equal(await t.outcome(s.refresh()), 'busy', 'a failure, and so a pause');
  s.fetch(t.url).catch(() => 0);                  // its refresh is under way, and will be refused
  t.equal([await t.outcome(s.refresh()), s.state], ['ok', 'active'], 'refresh(), state');
});

test('a Retry-After may be a date', async t => {
  const s = await t.signedIn();
  t.proxy.when('/refresh', { ...busy, headers: { 'Retry-After': new Date(Date.now() + 40e3).toUTCString() } });
  t.between((await s.refresh().catch(e => e)).retryAfter, 30e3, 41e3, 'retryAfter');
});

test('who got the same Retry-After does not come back in the same instant', async t => {
  const s = await t.signedIn({ queueTimeout: 50, random: () => .99 });
  t.stopClock();
  t.proxy.when('/refresh', { ...busy, headers: { 'Retry-After': '100' } });
  t.skew = 16 * MIN;
  await s.refresh().catch(() => 0);
  t.between((await s.fetch(t.url).catch(e => e)).retryAfter, 110e3, 120e3, 'the pause, of one who drew a long straw');
});

// ---- sign-in and sign-out

test('sign-out works without a network, and is delivered by the next launch', async t => {
  const s = await t.signedIn();
  t.proxy.offline = true;
  await s.signOut();
  t.equal(s.state, 'signed-out', 'state');
  s.dispose();
  t.proxy.offline = false;
  await t.open().ready;
  await t.until(() => t.proxy.of('/logout').some(e => e.status === 204), 'the logout');
  await t.until(() => !t.stored().logouts, 'nothing is pending');
  t.equal(t.stored(), { out: 'user' }, 'what is left in the file');
});

test('a sign-in ends the session that it replaces, when the new one is stored', async t => {
  const s = await t.signedIn();
  for (let i = 0; i < 3; i++) await t.login(s);
  await t.until(async () => (await t.live(s)).length === 1, 'one live session');
  t.equal(await t.live(s), [s.id], 'the last one');
});

test('a sign-in that could not be stored leaves the old session alive', async t => {
  let broken = false;
  const s = await t.signedIn({ storage: t.storage(method => { if (broken && method === 'setItem') throw new Error('no'); }) });
  const first = s.id;
  broken = true;
  await t.login(s);
  await sleep(200);
  t.equal([t.stored().sid, t.proxy.count('/logout')], [first, 0], 'stored, logouts');
  broken = false;
  await s.wake();
  await t.until(async () => (await t.live(s)).length === 1, 'the old one is ended');
  t.equal(t.stored().sid, s.id, 'stored');
});

test('a double click signs in once', async t => {
  const s = await t.signedIn();
  const users = await Promise.all([t.login(s), t.login(s)]);
  t.equal([users.map(u => u.username), t.proxy.count('/login')], [[t.username, t.username], 1], 'users, sign-ins');
});

test('a sign-out that could not be delivered outlives the next sign-in', async t => {
  const s = await t.signedIn();
  const first = s.id;
  t.proxy.always('/logout', busy);
  await s.signOut();
  await t.login(s);
  t.proxy.clear('/logout');
  await s.wake();
  await t.until(async () => (await t.live(s)).length === 1, 'one live session');
  t.ok(s.id !== first && s.state === 'active', 'the second stands');
});

test('a sign-out of all that could not be delivered must be so before the next sign-in', async t => {
  const s = await t.signedIn();
  t.proxy.always('/logout', busy);
  await s.signOut({ all: true });
  t.equal(await t.outcome(t.login(s)), 'busy', 'a sign-in');
  t.proxy.clear('/logout');
  await t.login(s);
  await s.wake();
  t.equal([await t.outcome(s.refresh()), s.state], ['ok', 'active'], 'the next one stands');
});

test('a session that is disposed at once hears, tells and sends nothing', async t => {
  const s = await t.signedIn();
  const before = t.events.length;
  t.skew = 16 * MIN;
  for (let i = 0; i < 5; i++) t.open().dispose();
  await sleep(50);
  t.skew = 0;
  await s.signOut();
  await sleep(200);
  t.equal([t.refreshes, t.events.length - before], [0, 1], 'refreshes; events, of the one that lives');
});

test('a user whose subscription changes is told of', async t => {
  const s = await t.signedIn();
  admin(t.upstream, 'user', 'set', t.username, 'subscription', '{"plan":"pro"}');
  await s.refresh();
  t.equal([t.told('user').map(e => e.user.subscription), s.user.subscription], [[{ plan: 'pro' }], { plan: 'pro' }], 'events, user');
  await s.refresh();
  t.equal(t.told('user').length, 1, 'events');
});

// ---- requests

test('an app that finds the refusal in the body of a 200 says so by a promise', async t => {
  const isAuthError = async response => /json/.test(response.headers.get('content-type')) && (await response.json()).errors?.[0] === 'unauthenticated';
  const s = await t.signedIn({ isAuthError });
  for (let i = 0; i < 4; i++) t.equal(await t.outcome(s.fetch(t.url, post('good')).then(r => r.json()).then(json => json.body)), 'good', 'a good answer is still readable');
  t.equal([t.proxy.count('/app/echo'), t.refreshes], [4, 0], 'sends, refreshes');
  t.proxy.when('/app/echo', { status: 200, json: { errors: ['unauthenticated'] } });
  t.equal([(await s.fetch(t.url, post('again'))).status, t.proxy.count('/app/echo'), t.refreshes], [200, 6, 1], 'status, sends, refreshes');
});

test('token() for sockets: many that were refused the same one cause one refresh', async t => {
  const s = await t.signedIn();
  const refused = await s.token();
  const tokens = await Promise.all(Array.from({ length: 7 }, async (_, i) => { await sleep(20 * i); return s.token({ refused }).catch(error => error.code); }));
  t.equal([new Set(tokens).size, tokens[0] !== refused, t.refreshes], [1, true, 1], 'tokens, a new one, refreshes');
  t.equal(await s.token({ refused }), tokens[0], 'later');
});

test("a caller's own Authorization is left alone, and not sent twice", async t => {
  const s = await t.signedIn();
  t.equal((await s.fetch(t.url, { headers: { Authorization: 'Basic abc' } })).status, 401, 'status');
  t.equal([t.proxy.of('/app/echo').map(e => e.headers.authorization), t.refreshes], [['Basic abc'], 0], 'what was sent, refreshes');
  t.equal(await t.outcome(s.fetch(t.url, null)), 200, 'null, where fetch allows it');
});

test('origins are taken as origins, and one that can not match is an error', async t => {
  const other = await openProxy({ upstream: t.upstream });
  try {
    const s = await t.signedIn({ origins: [other.origin.replace('localhost', 'LOCALHOST') + '/some/path/'] });
    t.equal((await s.fetch(other.origin + '/app/echo')).status, 200, 'capitals and a path');
    for (const entry of ['api.example.org', 'localhost:8080', 'https://*.example.org', '', '/api'])
      t.equal(await t.outcome((async () => t.open({ origins: [entry] }).state)()), 'ERR_INVALID_URL', JSON.stringify(entry));
  } finally { await other.close(); }
});

test('a finished request leaves no listener on its signal', async t => {
  const s = await t.signedIn({ fetch: (url, init) => fetch(url, { ...init, signal: undefined }) });
  const { signal } = new AbortController();
  for (let i = 0; i < 5; i++) {
    t.skew += 11 * MIN;
    await s.fetch(t.url, { signal });
    t.skew += 5 * MIN;
    await s.fetch(t.url, { signal });
  }
  t.equal(getEventListeners(signal, 'abort').length, 0, 'listeners');
});

test('a signal without a reason ends a wait with an AbortError', async t => {
  const s = await t.signedIn();
  t.proxy.always('/refresh', busy);
  t.skew = 16 * MIN;
  const emitter = new EventEmitter();
  const signal = { aborted: false, addEventListener: (type, f) => emitter.on(type, f), removeEventListener: (type, f) => emitter.off(type, f) };
  const waiting = s.fetch(t.url, { signal }).catch(e => e);
  await t.until(() => t.refreshes, 'it waits');
  emitter.emit('abort');
  const error = await waiting;
  t.equal([error instanceof Error, error?.name], [true, 'AbortError'], 'an error, of the name');
});

test('Infinity is a long time', async t => {
  const s = await made(t, { queueTimeout: Infinity, timeout: Infinity });
  t.proxy.when('/refresh', { late: 300 });
  t.skew = 16 * MIN;
  t.equal(await t.outcome(s.fetch(t.url)), 200, 'a request that waits');
});

test('an error names its cause: what fetch threw, and behind a wait the last failure', async t => {
  const s = await t.signedIn({ queueTimeout: 300 });
  t.proxy.always('/refresh', { cut: true });
  const error = await s.refresh().catch(e => e);
  t.equal([error.code, error.cause?.name], ['network', 'TypeError'], 'code, cause');
  t.skew = 16 * MIN;
  const late = await s.fetch(t.url).catch(e => e);
  t.equal([late.code, late.cause?.code], ['queue_timeout', 'network'], 'code, cause');
  t.proxy.always('/refresh', { status: 200, html: '{"data":{"access_token":"eyJtorn' });
  t.skew += 2 * MIN;
  const torn = await s.refresh().catch(e => e);
  t.equal([torn.code, torn.cause ?? null], ['unexpected_answer', null], 'of an answer that was read, none: it may quote a token');
});

test('a redirect is not followed: it would take the token along', async t => {
  const other = await openProxy({ upstream: t.upstream });
  try {
    const s = await t.signedIn();
    t.proxy.when('/refresh', { status: 307, html: '', headers: { Location: other.origin + '/api/auth/refresh' } });
    t.equal([await t.outcome(s.refresh()), other.log.length], ['unexpected_answer', 0], 'the refresh, what the other host heard');
  } finally { await other.close(); }
});

test('a runtime that knows neither `cache` nor redirect: error works', async t => {
  const picky = (url, init = {}) => {
    if ('cache' in init) throw new Error("The 'cache' field on 'RequestInitializerDict' is not implemented.");
    if (init.redirect === 'error') throw new TypeError('Invalid redirect value, must be one of "follow" or "manual".');
    return fetch(url, init);
  };
  const s = await made(t, { fetch: picky });
  t.equal([await t.outcome(s.refresh()), await t.outcome(s.fetch(t.url))], ['ok', 200], 'a refresh, a request');
});

// ---- poor surroundings

test('a BroadcastChannel that throws breaks nothing', async t => {
  t.stub('BroadcastChannel', class { constructor() { throw new DOMException('', 'SecurityError'); } });
  const s = await made(t);
  t.equal([await t.outcome(s.ready), await t.outcome(s.fetch(t.url)), s.state], ['ok', 200, 'active'], 'ready, a request, state');
  t.stub('BroadcastChannel', class { postMessage() { throw new DOMException('', 'InvalidStateError'); } close() {} });
  const second = await made(t);
  t.equal(await t.outcome(second.refresh()), 'ok', 'one whose postMessage throws');
});

test('without storage the session lives in memory', async t => {
  const s = await t.signedIn({ storage: undefined });
  await s.refresh();
  t.equal([(await s.fetch(t.url)).status, s.state, fs.existsSync(t.file)], [200, 'active', false], 'status, state, file');
});

test('a server renderer may make a session; nothing is known, trusted or sent there', async t => {
  let s;
  t.equal(await t.outcome((async () => { s = t.createSession(); })()), 'ok', 'making one');
  t.equal([await t.outcome(s.ready), s.state, s.user ?? null], ['ok', 'loading', null], 'ready, state, user');
  const error = await s.signIn({ username: 'a', password: 'b' }).catch(e => e);
  t.ok(error instanceof t.SessionError && /\/api\/auth/.test(String(error.cause?.message)), 'a call that needs the base is an error that names it: ' + error?.cause?.message);
  t.equal(await t.outcome(s.fetch('/things')), 'TypeError', "a relative request: fetch's own error");
  const absolute = t.createSession({ base: 'https://auth.invalid/api/auth' });
  await absolute.ready;
  t.equal(absolute.state, 'signed-out', 'state of one with an absolute base');
});

test('importing it leaves the process free to end', async t => {
  const code = `import('./www/session.min.js').then(async m => { const s = m.createSession({ base: 'https://auth.invalid/api/auth' }); await s.ready; console.log(s.state); })`;
  t.equal(execFileSync(process.execPath, ['-e', code], { encoding: 'utf8', timeout: 60e3 }).trim(), 'signed-out', 'output');
});

/* Who or what ends a session: the reason that its own client hears, the event in the audit trail, and the deed. */
const CAUSES = [
  ['session_revoked', 'logout', async (t, s) => t.direct('/logout', { body: { all: true }, token: await s.token() })],
  ['session_revoked', 'revoke', async (t, s) => admin(t.upstream, 'session', 'revoke', s.id)],
  ['session_revoked', 'password_changed', async t => t.direct('/password', { body: { current_password: t.password, new_password: 'new ' + t.password }, token: (await elsewhere(t)).access_token })],
  ['session_revoked', 'user_disabled', async t => admin(t.upstream, 'user', 'disable', t.username)],
  ['session_revoked', 'login', async t => { await sleep(1100); await elsewhere(t); await elsewhere(t); }],          // sessions_max; times are of whole seconds
  ['session_revoked', 'reuse', async (t, s) => { const old = copied(t); await s.refresh(); await s.refresh(); await thief(t, old); }],
  ['refresh_reused', 'reuse', async t => thief(t, copied(t))],
  ['refresh_invalid', 'user_deleted', async t => admin(t.upstream, 'user', 'delete', t.username)],
  ['refresh_invalid', 'epoch', async t => admin(t.upstream, 'key', 'rotate', '--epoch')],
];
async function elsewhere(t) {
  t.proxy.move();
  return (await t.direct('/login', { body: { username: t.username, password: t.password } })).json.data;
}
const copied = t => t.stored().refresh;
const thief = (t, token) => t.direct('/refresh', { body: { refresh_token: token, idempotency_key: 'mine' } });

test('why a user was signed out: each cause has the reason and the event that client.md names', async t => {
  const page = fs.readFileSync('docs/client.md', 'utf8').split('\n').filter(line => line.startsWith('| `locked`, `'));
  const named = code => /`latchkey audit`: (.*)\|/.exec(page.find(line => line.includes(`\`locked\`, \`${code}\``)))[1].match(/(?<=`)[a-z_]+(?=`)/g);
  for (const code of new Set(CAUSES.map(([one]) => one)))
    t.equal(named(code), CAUSES.filter(([one]) => one === code).map(([, event]) => event), 'what the page names for ' + code);
  for (const [code, event, deed] of CAUSES) {
    t.proxy.move();                               // or the throttle sees one network with many new users
    const s = await t.signedIn(), { id, user } = s;
    const reason = new Promise(resolve => { s.on('reauth', told => resolve(told.reason)); });
    await deed(t, s);
    t.equal([await t.outcome(s.refresh()), await t.outcome(reason), s.state], [code, code, 'locked'], event + ': outcome, reason, state');
    const events = JSON.parse(admin(t.upstream, 'audit', '--json', '--since', '1h')).filter(one => one.session === id || one.user === user.id || one.event === 'epoch');
    t.ok(events.some(one => one.event === event), `${event} is among ${events.map(one => one.event)}`);
    s.dispose();
    fs.rmSync(t.file);
  }
}, { config: { reuse_grace: '0s', sessions_max: '2' } });

export const nodeScenarios = all;
