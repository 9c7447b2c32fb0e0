// A payment app's day: signed in by a wallet, it pays minute by minute, for hours. Its API believes a token by the signature alone (jose) and for as long
// as the token says; nobody asks latchkey but session.js, which refreshes. Then somebody copies what the app has stored, and uses it.
import { createRequire } from 'node:module';
import http from 'node:http';
import path from 'node:path';
import { same } from '../groups.js';
import { openProxy } from '../proxy.js';
import { readPage } from '../recipes/page.js';
import { admin, upstream } from '../upstream.js';
import { caller, purses } from './stage.js';

const MINUTE = 60, HOURS = 4, ISSUER = 'https://pay.example/api/auth';
const { createSession } = await import(path.resolve('www/session.js'));
const { signInByWallet } = await import('data:text/javascript,' + encodeURIComponent(readPage('docs/wallets.md').block('In the app', 'wallet.js')));

/* One clock for the server, the API and, where it goes right, the app. */
const day = server => ({ passed: 0, pass(seconds) { server.later(this.passed += seconds); }, get now() { return Date.now() + this.passed * 1000; } });

async function openApi(keys, time) {
  const { createLocalJWKSet, jwtVerify } = await import(createRequire(path.resolve('build/jose') + '/').resolve('jose'));
  const set = createLocalJWKSet(keys), rules = { issuer: ISSUER, audience: 'latchkey', algorithms: ['ES256'], typ: 'at+jwt' };
  const paid = [], api = { paid, refused: 0, origin: '' };
  const server = http.createServer(async (request, response) => {
    const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1] ?? '', parts = [];
    for await (const part of request) parts.push(part);
    try {
      const { payload } = await jwtVerify(token, set, { ...rules, currentDate: new Date(time.now) });
      paid.push({ by: payload.name, ...JSON.parse(Buffer.concat(parts)) });
      response.end('{}');
    } catch {
      api.refused++;
      response.writeHead(401, { 'WWW-Authenticate': 'Bearer error="invalid_token"' }).end();
    }
  });
  await new Promise(resolve => { server.listen(0, '127.0.0.1', resolve); });
  return Object.assign(api, { origin: `http://127.0.0.1:${server.address().port}`, close: () => server.close() });
}

/* An app: what it has stored, and its session; `watch` is its clock. */
function openApp(proxy, api, watch) {
  const stored = new Map();
  const storage = { getItem: key => stored.get(key) ?? null, setItem: (key, value) => { stored.set(key, value); } };
  const base = `${proxy.origin}/api/auth`, told = [];
  const session = createSession({ base, mode: 'body', storage, origins: [api.origin], now: watch, timeout: 60e3, queueTimeout: 120e3, maxBackoff: 50 });
  session.on('reauth', ({ reason }) => told.push(reason));
  return { session, told, copied: () => [...stored.values()].join('\n'), signIn: purse => signInByWallet(session, base, purse),
    pay: n => session.fetch(`${api.origin}/payments`, { method: 'POST', body: JSON.stringify({ n }) }).then(answer => answer.status, error => error.code) };
}

/* A payment each minute, three at once each fifth; what `pay` says of them, counted. */
async function stream(time, pay, minutes, from = 0) {
  const outcomes = {};
  let n = from;
  for (let minute = 0; minute < minutes; minute++) {
    time.pass(MINUTE);
    const several = minute % 5 ? [n++] : [n++, n++, n++];
    for (const outcome of await Promise.all(several.map(pay))) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  return { outcomes, count: n - from };
}
function once(api, by) {
  const numbers = api.paid.filter(payment => payment.by === by).map(({ n }) => n);
  return new Set(numbers).size === numbers.length;
}

async function long(tell, { app, api, time, proxy, by, naive }) {
  const before = proxy.count('/refresh');
  proxy.when('/refresh', {}, { drop: true });
  const { outcomes, count } = await stream(time, app.pay, HOURS * 60);
  tell([outcomes, once(api, by)], [{ 200: count }, true], `${count} payments in ${HOURS} hours of 15-minute tokens: each is made, once`);
  const [, lost, again] = proxy.of('/refresh').slice(before);
  const often = proxy.count('/refresh') - before > HOURS * 60 / 15;
  tell([often, lost.fault.drop, again.key === lost.key], [true, true, true], 'refreshed in the midst of it; one answer was lost, and asked for again');
  tell(await naive(-2), 401, 'control: the first token by itself is refused by now');
}

/* The device's clock stands still: session.js thinks its token is good, and hears from the API that it isn't. */
async function stopped(tell, { app, api, time, by }) {
  const refused = api.refused, { outcomes, count } = await stream(time, app.pay, 60, 1000);
  tell([outcomes, once(api, by), api.refused - refused >= 3], [{ 200: count }, true, true],
    'an hour more, by a clock that stands: what the API refused was sent again');
}

/* The trail of a user, from the oldest event on, without what goes well every quarter of an hour. */
const trail = (server, by) => JSON.parse(admin(server, 'audit', '--json')).filter(row => row.username === by && row.event !== 'refresh');

async function stolen(tell, { server, call, app, time, purse, by }) {
  const { refresh: copy } = JSON.parse(app.copied());
  tell((await stream(time, app.pay, 40, 2000)).outcomes[200] > 0, true, 'its storage is copied, and the app goes on');
  tell(trail(server, by).map(row => row.event), ['user_added'], 'control: nothing has happened so far');
  await app.session.refresh();
  const thief = await call('POST', '/refresh', { refresh_token: copy, idempotency_key: 'f'.repeat(32) });
  tell([thief.status, thief.error], [401, 'refresh_reused'], 'who uses the copied token gets nothing');
  const token = await app.session.token(), verify = async query => (await call('GET', `/verify${query}`, null, token)).status;
  tell([await verify(''), await verify('?live=1')], [204, 401],
    'the chain is revoked: `/verify?live=1` tells so at once; by its signature alone a token is good for the rest of its minutes');
  const [reuse] = trail(server, by).slice(1);
  tell([reuse.event, reuse.class, reuse.distance > 1, reuse.ip.startsWith('10.')], ['reuse', 'old', true, true],
    '`latchkey audit` tells of it, with its class, distance and address');
  const { outcomes, count } = await stream(time, app.pay, 20, 3000), paid = outcomes[200];
  tell([paid > 0, paid < count, app.told.length, app.session.state], [true, true, 1, 'locked'],
    'the app pays by its last token, and is sent to sign in once');
  tell(await app.pay(4000), 401, 'without a token the API refuses it');
  tell((await app.signIn(purse)).username, by, 'it signs in by the wallet');
  tell((await stream(time, app.pay, 20, 5000)).outcomes, { 200: 28 }, 'and goes on');
  tell(trail(server, by).map(row => row.event), ['user_added', 'reuse', 'login'], 'which is all that the trail has, beside refreshes');
}

export const payments = ['payments', async () => {
  const server = await upstream('clocked', { issuer: ISSUER, wallets: 'stellar:pubnet solana:mainnet', access_alg: 'ES256' });
  const keys = JSON.parse(admin(server, 'key', 'export', '--all'));
  const proxy = await openProxy({ upstream: server }), call = caller(server);
  const time = day(server), api = await openApi(keys, time);
  for (const purse of purses('pays')) {
    const tell = (got, want, what) => same(got, want, `a payment app, ${purse.chain}: ${what}`), by = `${purse.chain}:${purse.address}`;
    let stands;
    const app = openApp(proxy, api, () => stands ?? time.now);
    tell((await app.signIn(purse)).username, by, 'signed in by the wallet');
    const first = await app.session.token();
    const headers = { authorization: `Bearer ${first}` };
    const naive = async n => (await fetch(`${api.origin}/payments`, { method: 'POST', body: JSON.stringify({ n }), headers })).status;
    tell(await naive(-1), 200, 'the API takes the token by its signature');
    await long(tell, { app, api, time, proxy, by, naive });
    stands = time.now;
    await stopped(tell, { app, api, time, by });
    stands = undefined;
    await stolen(tell, { server, call, app, time, purse, by });
    app.session.dispose();
  }
  api.close();
  await proxy.close();
}];
