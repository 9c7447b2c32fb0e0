// What the client promises, one scenario each, run in real Chromium in cookie mode and in body mode.
// A scenario is {name, run(bench), config?, modes?, kinds?}; `config` is the server's, `modes` and `kinds` limit it.
// Timings are upper bounds with room, or none: what is counted is requests, events and states.
import { sleep, MIN, HOUR } from './browser.js';
import { openProxy } from './proxy.js';
import { totp } from './secrets.js';

const all = [];
const test = (name, run, limits) => all.push({ name, run, modes: ['cookie', 'body'], config: {}, ...limits });
const cookieOnly = { modes: ['cookie'] };
const oneServer = { ...cookieOnly, kinds: ['serve'] };         // what the server is does not matter
const shortGrace = { config: { reuse_grace: '1s' } };
const PAST_GRACE = 2300;                        // the server counts whole seconds

const state = page => page.evaluate(() => window.s.state);
const generation = page => page.evaluate(() => window.s.generation);
const events = (page, type) => page.evaluate(t => window.events.filter(e => !t || e.type === t), type);
const refresh = page => page.evaluate(() => window.attempt(window.s.refresh()));
const get = (page, url, init) => page.evaluate(([u, i]) => window.get(u, i), [url, init]);
const many = (page, n, url) => page.evaluate(([k, u]) => window.many(k, u), [n, url]);
const setSkew = (page, ms) => page.evaluate(v => window.setSkew(v), ms);
/* From now on: a limit in so many seconds must not depend on how fast the machine is. Answers the time. */
const stopClock = page => page.evaluate(() => window.stopClock());
const stopped = at => { window.stopClock(at); };
const becomes = (t, page, wanted) => t.until(async () => await state(page) === wanted, 'state ' + wanted);
const oks = n => Array(n).fill(200);

/* Keeps /refresh's answer back until the returned function is called. */
function hold(t) {
  let release;
  t.proxy.when('/refresh', { hold: new Promise(resolve => { release = resolve; }) });
  return release;
}
const reached = (t, n = 1) => t.until(() => t.proxy.of('/refresh').filter(e => e.status).length >= n, 'the refresh reached the server');

// ---- one refresh for all

test('ten parallel requests cause one refresh', async t => {
  const page = await t.signedIn();
  t.proxy.expireAccess();
  t.equal(await many(page, 10, '/app/echo'), oks(10), 'statuses');
  t.equal(t.refreshes, 1, 'refreshes');
  t.equal((await events(page, 'refreshed')).map(e => e.by), ['self'], 'who refreshed');
});

async function threeTabs(t, options, init) {
  const pages = [await t.signedIn(options, init)];
  pages.push(await t.tab(options, init), await t.tab(options, init));
  t.proxy.expireAccess();
  t.proxy.always('/refresh', { late: 700 });      // long enough for all three to want one
  const statuses = await Promise.all(pages.map(page => many(page, 10, '/app/echo')));
  t.proxy.clear('/refresh');
  t.equal(statuses.flat(), oks(30), 'statuses');
  return pages;
}

test('three tabs with ten requests each cause one refresh', async t => {
  const pages = await threeTabs(t, { accessCookie: t.mode === 'cookie' });
  t.equal(t.refreshes, 1, 'refreshes');
  // A tab whose requests left with the new cookie may hear of the refresh after they were answered.
  for (const page of pages) await t.until(async () => (await events(page, 'refreshed')).length > 0, 'a tab knows of the refresh');
  const by = (await Promise.all(pages.map(page => events(page, 'refreshed')))).flat().map(e => e.by);
  t.equal(by.sort(), ['peer', 'peer', 'self'], 'who refreshed');
}, { config: { access_cookie: 'on' } });

test('three tabs of a session that is bound to a key: a refresh that keeps its generation is one for all', async t => {
  const pages = [await t.signedIn()];
  t.equal(await refresh(pages[0]), 'ok', 'the first refresh, which has a generation of its own');
  const earlier = t.refreshes;
  pages.push(await t.tab(), await t.tab());
  for (const page of pages) await setSkew(page, 16 * MIN);      // none is refused: the next token may be the same one
  t.proxy.always('/refresh', { late: 700 });
  const statuses = await Promise.all(pages.map(page => many(page, 10, '/app/echo')));
  t.proxy.clear('/refresh');
  t.equal(statuses.flat(), oks(30), 'statuses');
  const good = t.proxy.of('/refresh').slice(earlier).filter(entry => entry.status === 200);
  t.between(good.length, 1, t.mode === 'body' ? 1 : 3, 'refreshes');
  t.equal([...new Set(good.map(entry => entry.data.generation))], [2], 'generations');
  // Here, too, a tab may hear of it later.
  const by = async () => String((await Promise.all(pages.map(page => events(page, 'refreshed')))).flat().slice(earlier).map(e => e.by).sort());
  if (t.mode === 'body') await t.until(async () => (await by()).length >= 'peer,peer,self'.length, 'each tab knows of the refresh');
  t.ok(t.mode !== 'body' || await by() === 'peer,peer,self', `who refreshed: ${await by()}`);
}, { bound: true });

test('a session that heard nothing finds the newer generation in storage, under the lock', async t => {
  const page = await t.signedIn({}, () => { delete window.BroadcastChannel; });
  const outcome = await page.evaluate(async () => {
    const first = window.s;
    await window.boot();
    const second = window.s;
    await first.refresh();
    const before = second.generation;
    await second.fetch('/app/always401');
    return [before, second.generation, first.generation];
  });
  t.equal([t.refreshes, outcome], [1, [1, 2, 2]], 'refreshes; generations before, after, and of the other');
}, { modes: ['body'] });

test('without an access cookie each tab fetches its token once, in turn', async t => {
  const pages = await threeTabs(t);
  t.between(t.refreshes, 1, 3, 'refreshes');
  for (const page of pages) t.equal(await state(page), 'active', 'state');
}, cookieOnly);

test("a straggler's 401 causes no refresh", async t => {
  const page = await t.signedIn();
  t.proxy.expireAccess();
  const late = get(page, '/app/slow?ms=700');
  t.equal((await get(page, '/app/echo')).status, 200, 'the first');
  t.equal((await late).status, 200, 'the straggler');
  t.equal([t.refreshes, t.proxy.count('/app/slow')], [1, 2], 'refreshes, sends');
});

test('an endpoint that always answers 401 costs one refresh and two sends', async t => {
  const page = await t.signedIn();
  t.equal((await get(page, '/app/always401')).status, 401, 'status');
  t.equal([t.refreshes, t.proxy.count('/app/always401')], [1, 2], 'refreshes, sends');
  t.equal(await state(page), 'active', 'state');
});

test("an API's own 401 causes no refresh", async t => {
  const page = await t.signedIn();
  t.equal((await get(page, '/app/plain401')).status, 401, 'status');
  t.equal([t.refreshes, t.proxy.count('/app/plain401')], [0, 1], 'refreshes, sends');
});

test('a loop of GETs that ride on the access cookie, and are always refused, keeps to the limit', async t => {
  const page = await t.signedIn({ accessCookie: true });
  await stopClock(page);
  for (let i = 0; i < 8; i++) t.equal((await get(page, '/app/always401')).status, 401, 'status');
  t.equal([t.refreshes, t.proxy.count('/app/always401')], [5, 13], 'refreshes, sends');
}, { ...cookieOnly, config: { access_cookie: 'on' } });

test('isAuthError of the caller decides what is a refused token', async t => {
  const page = await t.blank();
  await page.evaluate(async mode => {
    const { createSession } = await import('/session.js');
    window.s = createSession({ mode, isAuthError: r => r.status === 401 });
  }, t.mode);
  await t.register(page);
  t.equal((await get(page, '/app/plain401')).status, 401, 'status');
  t.equal([t.refreshes, t.proxy.count('/app/plain401')], [1, 2], 'refreshes, sends');
});

test('bodies survive the retry', async t => {
  const page = await t.signedIn();
  const kinds = ['string', 'Blob', 'FormData', 'URLSearchParams', 'ArrayBuffer', 'Request'];
  for (const kind of kinds) {
    await setSkew(page, kinds.indexOf(kind) * MIN);
    t.proxy.expireAccess();
    const [seen] = await page.evaluate(async k => {
      const text = 'the body of ' + k;
      const form = new FormData();
      form.append('field', text);
      const body = {
        string: text, Blob: new Blob([text], { type: 'text/x-blob' }), FormData: form,
        URLSearchParams: new URLSearchParams({ field: text }), ArrayBuffer: new TextEncoder().encode(text),
      }[k];
      const r = k === 'Request'
        ? await window.s.fetch(new Request('/app/echo', { method: 'PUT', body: text, headers: { 'x-kept': '1' } }))
        : await window.s.fetch('/app/echo', { method: 'PUT', body });
      return [await r.json()];
    }, kind);
    const sends = t.proxy.of('/app/echo').slice(-2);
    t.equal(sends.map(e => e.status), [401, 200], kind + ': sends');
    t.ok(decodeURIComponent(seen.body.replaceAll('+', ' ')).includes('the body of ' + kind), kind + ': body');
    t.equal(seen.method, 'PUT', kind + ': method');
    if (kind !== 'FormData') t.equal(sends[0].raw.equals(sends[1].raw), true, kind + ': both sends alike');
    if (kind === 'Blob') t.equal(seen.type, 'text/x-blob', 'type');
    if (kind === 'Request') t.equal(sends[1].headers['x-kept'], '1', 'headers');
  }
});

test('the token goes to the origin of the API and to listed ones alone', async t => {
  const page = await t.signedIn();
  const others = [await openProxy({ upstream: t.upstream }), await openProxy({ upstream: t.upstream })];
  try {
    const page2 = await t.tab({ origins: [others[0].origin] });
    await get(page2, '/app/echo');
    for (const other of others) await page2.evaluate(url => window.s.fetch(url, { mode: 'cors' }).catch(() => 0), other.origin + '/app/echo');
    t.ok(t.proxy.of('/app/echo')[0].headers.authorization, 'its own origin gets the token');
    await t.until(() => others.every(o => o.log.length), 'both others were asked');
    t.equal(others[0].log[0].method, 'OPTIONS', 'a listed origin gets it, so the browser asks first');
    t.equal(others[1].log.map(e => [e.method, e.headers.authorization]), [['GET', undefined]], 'another gets none');
    await page.close();
  } finally { await Promise.all(others.map(o => o.close())); }
});

// ---- before expiry

test('within the lead a request does not wait, and one refresh runs behind it', async t => {
  const page = await t.signedIn();
  const release = hold(t);
  await setSkew(page, 11 * MIN);
  t.equal((await get(page, '/app/echo')).status, 200, 'status while the refresh is held');
  await reached(t);
  release();
  await t.until(async () => (await events(page, 'refreshed')).length === 1, 'refreshed');
  t.equal(t.refreshes, 1, 'refreshes');
});

test('a refresh that fails ahead of expiry leaves the token usable until its own end', async t => {
  const page = await t.signedIn({ queueTimeout: 0 });
  t.proxy.always('/refresh', { status: 500, json: { error: { code: 'internal', message: '' } } });
  await setSkew(page, 11 * MIN);
  t.equal(await many(page, 3, '/app/echo'), oks(3), 'statuses');
  t.equal(await state(page), 'active', 'state');
  await setSkew(page, 16 * MIN);
  // The session's own timer may have asked first; then the request waits for the next turn, or would.
  t.ok(['internal', 'backing_off'].includes((await get(page, '/app/echo')).error), 'past its end a request fails');
  t.equal(await state(page), 'stale', 'state');
});

test('a lifetime of two seconds causes no storm', async t => {
  const page = await t.signedIn();
  const seen = [], began = Date.now();
  for (let at; (at = Date.now()) < began + 5000; await sleep(250)) seen.push([(await get(page, '/app/echo')).status, Date.now() - at]);
  // A machine that needs a second for one has a token that ends on its way.
  t.ok(seen.every(([status, ms]) => status === 200 || status === 401 && ms > 1000), 'every request passes: ' + seen.join(' '));
  // One token serves for half of its life at least.
  t.between(t.refreshes, 1, Math.max(5, (Date.now() - began) / 1000), 'refreshes');
}, { config: { access_ttl: '2s' } });

test('a token that lasts to the end of the session is not renewed', async t => {
  const page = await t.tab(), began = Date.now();
  await t.register(page);
  await becomes(t, page, 'locked');
  // After a slow sign-in the server's end is later than the client's: a refresh passes then, for what is left. Lifetimes are of whole seconds.
  t.ok(t.refreshes > 0 && t.proxy.of('/refresh').every(e => e.at - began > 7e3), 'none leaves before the end');
  const [{ reason }, ...more] = await events(page, 'reauth');
  t.equal(more.length, 0, 'further reauth events');
  // Once the browser has dropped the cookie, at its end, the server sees no token at all.
  t.ok(reason === 'refresh_expired' || t.mode === 'cookie' && reason === 'refresh_invalid', 'reason: ' + reason);
}, { config: { session_ttl: '9s' } });

test('at most five refreshes of a loop leave in 25 seconds, whatever happens', async t => {
  const page = await t.signedIn(), at = await stopClock(page);
  const outcomes = [];
  for (let i = 0; i < 12; i++) outcomes.push(await refresh(page));
  t.equal(outcomes.filter(o => o === 'ok').length, 5, 'refreshes that worked');
  t.equal(t.refreshes, 5, 'refreshes');
  t.equal(await state(page), 'active', 'state');
  const peer = await t.tab({}, stopped, at);
  await refresh(peer);
  t.equal(t.refreshes, 5, 'a second tab counts as well');
  await setSkew(page, 31e3);
  t.equal(await refresh(page), 'ok', 'after the window');
});

// ---- transient is not terminal

const json = (status, code) => ({ status, json: { error: { code, message: '' } } });
const answers = {
  '429': { ...json(429, 'rate_limited'), headers: { 'Retry-After': '1' } },
  '500': json(500, 'internal'), '503': json(503, 'busy'), '403': json(403, 'cross_site'),
  '408': json(408, 'request_timeout'), '425': json(425, 'too_early'), '400': json(400, 'invalid_request'),
  'a 401 of another code': json(401, 'token_invalid'), '500 naming a terminal code': json(500, 'session_revoked'),
  'HTML 200': { status: 200, html: '<h1>Welcome to our Wi-Fi</h1>' },
  'HTML 401': { status: 401, html: '<h1>Who are you?</h1>' },
  'JSON 200 of something else': { status: 200, json: { data: { ok: true } } },
  'a cut connection': { cut: true }, 'a lost answer': { drop: true },
};
test('no answer but a terminal 401 signs out: ' + Object.keys(answers).join(', '), async t => {
  const page = await t.signedIn();
  let skew = 0;
  for (const [name, fault] of Object.entries(answers)) {
    await setSkew(page, skew += 40e3);
    t.proxy.always('/refresh', fault);
    t.ok(await refresh(page) !== 'ok', name + ': the refresh fails');
    t.proxy.clear('/refresh');
    t.equal(await state(page), 'active', name + ': state');
    await setSkew(page, skew += 40e3);
    t.equal(await refresh(page), 'ok', name + ': the next one works');
    t.equal((await get(page, '/app/echo')).status, 200, name + ': a request');
  }
  t.equal((await events(page, 'reauth')).length, 0, 'reauth events');
  t.equal((await events(page, 'error')).length, Object.keys(answers).length, 'error events');
});

test('an outage with 50 serial calls costs at most three refreshes', async t => {
  const page = await t.signedIn();
  t.proxy.always('/refresh', json(503, 'store_unavailable'));
  t.proxy.expireAccess();
  const statuses = await page.evaluate(async () => {
    const seen = [];
    window.stopClock();                           // a slow machine would see more pauses end
    for (let i = 0; i < 50; i++) seen.push((await window.get('/app/echo')).status);
    return seen;
  });
  t.equal(statuses, Array(50).fill(401), 'the original 401s');
  t.between(t.refreshes, 1, 3, 'refreshes');
  t.equal(await state(page), 'active', 'state');
  const peer = await t.tab({ queueTimeout: 0 });
  await get(peer, '/app/echo');
  t.between(t.refreshes, 1, 3, 'refreshes with a second tab, which knows of the outage');
});

test('Retry-After is honoured, by focus too', async t => {
  const page = await t.signedIn();
  await stopClock(page);
  t.proxy.when('/refresh', { ...json(429, 'rate_limited'), headers: { 'Retry-After': '20' } });
  // In one step: between two the page's own timer, or a window that gets the focus, may ask first.
  const refused = await page.evaluate(ms => { window.setSkew(ms); return window.attempt(window.s.refresh()); }, 11 * MIN);
  t.equal(refused, 'rate_limited', 'refused');
  await page.evaluate(async () => {
    for (let i = 0; i < 5; i++) { dispatchEvent(new Event('focus')); await window.get('/app/echo'); }
  });
  t.equal(t.refreshes, 1, 'refreshes within it');
  await setSkew(page, 11 * MIN + 25e3);            // it was asked for twenty, and draws up to a fifth more
  await page.evaluate(() => dispatchEvent(new Event('focus')));
  await t.until(() => t.refreshes === 2, 'the refresh after it');
});

test('offline past expiry: requests queue, the state is stale, one refresh flushes them', async t => {
  const page = await t.signedIn();
  t.proxy.offline = true;
  await t.context.setOffline(true);
  await setSkew(page, 16 * MIN);
  const queue = many(page, 4, '/app/echo');
  await becomes(t, page, 'stale');
  t.equal(t.refreshes, 0, 'refreshes that got through');
  t.proxy.offline = false;
  await t.context.setOffline(false);
  t.equal(await queue, oks(4), 'statuses');
  t.equal(t.refreshes, 1, 'refreshes');
  t.equal((await events(page, 'state')).map(e => e.state), ['signed-out', 'active', 'stale', 'active'], 'states');
});

test('a request waits for its token as long as queueTimeout and no longer', async t => {
  const page = await t.signedIn({ queueTimeout: 400 });
  t.proxy.always('/refresh', { cut: true });
  await setSkew(page, 16 * MIN);
  t.equal((await get(page, '/app/echo')).error, 'queue_timeout', 'error');
  t.equal(t.proxy.count('/app/echo'), 0, 'sends');
});

test('six hung HTTP/1.1 requests: the refresh times out as transient, and recovers', async t => {
  const page = await t.signedIn({ timeout: 2500 });
  await page.evaluate(credentials => {
    window.hung = new AbortController();
    for (let i = 0; i < 6; i++) window.s.fetch('/app/hang?' + i, { signal: window.hung.signal, credentials }).catch(() => 0);
  }, t.mode === 'body' ? 'omit' : 'include');   // requests without credentials have connections of their own
  await t.until(() => t.proxy.count('/app/hang') === 6, 'six hang');
  t.equal(await refresh(page), 'network', 'the refresh');
  t.equal(await state(page), 'active', 'state');
  await page.evaluate(() => window.hung.abort());
  await t.until(async () => await refresh(page) === 'ok', 'a refresh afterwards');
});

test('an aborted waiter leaves the shared refresh alone', async t => {
  const page = await t.signedIn();
  const release = hold(t);
  await setSkew(page, 16 * MIN);
  const other = get(page, '/app/echo');
  const aborted = await page.evaluate(async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    return window.s.fetch('/app/echo', { signal: controller.signal }).then(r => r.status, error => error.name);
  });
  t.equal(aborted, 'AbortError', 'the aborted one');
  release();
  t.equal((await other).status, 200, 'the other');
  t.equal([t.refreshes, t.proxy.count('/app/echo')], [1, 1], 'refreshes, sends');
});

// ---- terminal

test('a revoked session locks once, with one event and no loop', async t => {
  const page = await t.signedIn();
  const peer = await t.tab();
  await t.revoke();
  t.proxy.expireAccess();
  t.equal(await many(page, 10, '/app/echo'), Array(10).fill(401), 'the original 401s');
  t.equal(await many(page, 5, '/app/echo'), Array(5).fill(401), 'and later ones');
  t.equal(t.refreshes, 1, 'refreshes');
  t.equal(await state(page), 'locked', 'state');
  t.equal((await events(page, 'reauth')).map(e => [e.reason, e.user.username]), [['session_revoked', t.username]], 'reauth');
  await becomes(t, peer, 'locked');
  t.equal((await events(peer, 'reauth')).length, 1, 'reauth in the other tab');
  t.equal(await refresh(page), 'session_revoked', 'a further refresh');
  t.equal(t.refreshes, 1, 'refreshes');
  t.ok(!/eyJ|\bat\b|"rt"/.test(await page.evaluate(() => localStorage.latchkey || '')), 'no token is left in storage');
});

test('a thief who used the token first: the owner is locked, with the reason', async t => {
  const page = await t.signedIn();
  const stolen = await t.refreshAs(t.lastGrant(), 'the-key-of-the-thief-0123456789ab');
  t.equal(stolen.status, 200, 'the thief gets in');
  await sleep(PAST_GRACE);
  t.equal(await refresh(page), 'refresh_reused', 'the owner');
  t.equal([await state(page), (await events(page, 'reauth')).map(e => e.reason)], ['locked', ['refresh_reused']], 'state, reasons');
}, shortGrace);

test('a thief who comes second ends the session, and the owner is locked', async t => {
  const page = await t.signedIn();
  const old = t.lastGrant();
  t.equal(await refresh(page), 'ok', 'the owner');
  await sleep(PAST_GRACE);
  const stolen = await t.refreshAs(old, 'the-key-of-the-thief-0123456789ab');
  t.equal([stolen.status, stolen.json.error.code], [401, 'refresh_reused'], 'the thief');
  t.equal(await refresh(page), 'session_revoked', 'the owner');
  t.equal(await state(page), 'locked', 'state');
}, shortGrace);

test('the fallback chain runs the steps in their order, and ends signed out', async t => {
  const page = await t.signedIn();
  await t.revoke();
  t.equal(await refresh(page), 'session_revoked', 'refused');
  const chain = names => page.evaluate(async ([list, password]) => {
    const ran = [];
    const steps = {
      biometric: async () => { throw new DOMException('cancelled', 'NotAllowedError'); },
      password: user => window.s.signIn({ username: user.username, password }),
      wrong: user => window.s.signIn({ username: user.username, password: 'not the password' }),
      offline: () => window.s.signIn({}, '/nowhere'),
      nothing: () => undefined,
    };
    const chosen = Object.fromEntries(list.map(n => [n, u => { ran.push(n); return steps[n](u); }]));
    const result = await window.s.reauth(chosen).catch(error => 'threw ' + error.code);
    return [result ?? null, ran, window.s.state];
  }, [names, 'correct horse ' + t.username]);

  t.proxy.always('/nowhere', { cut: true });
  t.equal(await chain(['biometric', 'offline', 'password']), ['threw network', ['biometric', 'offline'], 'locked'], 'no network: nothing is decided');
  t.equal(await chain(['biometric', 'password', 'nothing']), ['password', ['biometric', 'password'], 'active'], 'biometric fails, the password works');
  t.equal(await chain(['password']), [null, [], 'active'].with(0, 'password').with(1, ['password']), 'asked while signed in');
  await t.revoke();
  t.equal(await refresh(page), 'session_revoked', 'refused again');
  t.equal(await chain(['biometric', 'nothing', 'wrong']), [null, ['biometric', 'nothing', 'wrong'], 'signed-out'], 'the chain is exhausted');
  t.equal((await events(page, 'state')).at(-1).reason, 'reauth_failed', 'reason');
});

test('a wrong password is an error with a code, and changes nothing', async t => {
  const page = await t.tab();
  const error = await page.evaluate(() => window.s.signIn({ username: 'nobody', password: 'nothing at all' })
    .catch(e => [e.name, e.code, e.status, e.transient, e.terminal]));
  t.equal(error, ['SessionError', 'invalid_credentials', 401, false, false], 'error');
  t.equal(await state(page), 'signed-out', 'state');
});

test('a second factor: the error says that a code is wanted, and the same call with one signs in', async t => {
  const page = await t.signedIn(), password = 'correct horse ' + t.username;
  const made = await page.evaluate(async ([body]) => (await (await window.s.fetch('/api/auth/totp', { method: 'POST', headers: { 'content-type': 'application/json' }, body })).json()).data,
    [JSON.stringify({ password })]);
  const status = await page.evaluate(async ([body]) => (await window.s.fetch('/api/auth/totp/confirm', { method: 'POST', headers: { 'content-type': 'application/json' }, body })).status,
    [JSON.stringify({ ticket: made.ticket, code: totp(made.secret) })]);
  t.equal(status, 204, 'turned on');
  const results = await page.evaluate(async ([username, password, code]) => {
    await window.s.signOut();
    const first = await window.s.signIn({ username, password }).catch(e => [e.code, e.status, e.transient, e.terminal]);
    const user = await window.s.signIn({ username, password, code });
    return [first, user.username, window.s.state];
  }, [t.username, password, made.recovery[0]]);
  t.equal(results, [['code_required', 401, false, false], t.username, 'active'], 'without and with the code');
}, oneServer);

// ---- clocks

for (const [name, skew] of [['three hours fast', 3 * HOUR], ['three hours slow', -3 * HOUR]])
  test(`a clock that is ${name} causes no refresh before the real expiry`, async t => {
    const page = await t.blank();
    await setSkew(page, skew);
    await page.evaluate(() => window.boot());
    await t.register(page);
    t.equal(await many(page, 5, '/app/echo'), oks(5), 'statuses');
    await page.evaluate(() => dispatchEvent(new Event('focus')));
    await sleep(300);
    t.equal([t.refreshes, await state(page)], [0, 'active'], 'refreshes, state');
    await setSkew(page, skew + 16 * MIN);
    t.equal((await get(page, '/app/echo')).status, 200, 'after the expiry');
    t.equal(t.refreshes, 1, 'refreshes');
  });

test('a clock that jumps five hours ahead, then nine back, costs one refresh each', async t => {
  const page = await t.signedIn();
  await setSkew(page, 5 * HOUR);
  t.equal(await many(page, 3, '/app/echo'), oks(3), 'ahead');
  t.equal(t.refreshes, 1, 'refreshes');
  await setSkew(page, -4 * HOUR);
  t.equal(await many(page, 3, '/app/echo'), oks(3), 'back');
  t.equal(t.refreshes, 2, 'refreshes');
  t.equal(await many(page, 3, '/app/echo'), oks(3), 'later');
  t.equal([t.refreshes, await state(page)], [2, 'active'], 'refreshes, state');
});

// ---- the lost answer

async function loseAnswer(t, page) {
  t.proxy.always('/refresh', { drop: true });
  t.equal(await refresh(page), 'network', 'the refresh whose answer is lost');
  t.proxy.clear('/refresh');
  return t.proxy.of('/refresh')[0];
}

test('an answer lost on the way, retried after the grace: signed in, same generation', async t => {
  const page = await t.signedIn();
  const lost = await loseAnswer(t, page);
  await sleep(PAST_GRACE);
  t.equal(await refresh(page), 'ok', 'the retry');
  const again = t.proxy.of('/refresh').at(-1);
  t.ok(/^[0-9a-f]{32}$/.test(lost.key), 'the key has 128 bits');
  t.equal([again.key, again.data.generation], [lost.key, lost.data.generation], 'key and generation');
  t.equal(again.data.refresh_token, lost.data.refresh_token, 'the same successor');
  t.equal(await generation(page), lost.data.generation, 'generation');
  t.equal(await refresh(page), 'ok', 'the next');
  t.ok(t.proxy.of('/refresh').at(-1).key !== lost.key, 'the next refresh has a key of its own');
}, shortGrace);

test('an answer lost with its page: the next launch asks again with the same key', async t => {
  const page = await t.signedIn();
  const lost = await loseAnswer(t, page);
  await page.close();
  await sleep(PAST_GRACE);
  const next = await t.tab();
  t.equal(await refresh(next), 'ok', 'the next launch');
  const again = t.proxy.of('/refresh').at(-1);
  t.equal([again.key, again.data.generation], [lost.key, lost.data.generation], 'key and generation');
}, shortGrace);

test('a refresh that the browser itself repeats is answered alike', async t => {
  const page = await t.signedIn();
  let repeated;
  for (let skew = 0; !repeated && skew < 500e3; skew += 100e3) {     // it needs an open connection
    await setSkew(page, skew);
    t.equal(await refresh(page), 'ok', 'a refresh that leaves its connection open');
    const before = t.refreshes;
    t.proxy.when('/refresh', { drop: true });
    repeated = await refresh(page) === 'ok' && t.refreshes === before + 2;
  }
  t.ok(repeated, 'the browser repeats it');
  const [a, b] = t.proxy.of('/refresh').slice(-2);
  t.equal([b.key, b.data.generation], [a.key, a.data.generation], 'key and generation');
  t.equal(await generation(page), a.data.generation, 'generation');
});

test('navigation in mid-refresh: signed in afterwards, and the cookie of the answer was kept', async t => {
  const page = await t.signedIn();
  const release = hold(t);
  page.evaluate(() => { window.s.refresh().catch(() => 0); }).catch(() => 0);
  await reached(t);
  await page.goto(t.proxy.origin + '/page?elsewhere');
  release();
  await answerKept(t);
  t.equal(await page.evaluate(() => window.boot()), 'active', 'state after the navigation');
  t.equal((await get(page, '/app/echo')).status, 200, 'a request');
  t.equal(await refresh(page), 'ok', 'a refresh');
});

test('a tab closed in mid-refresh: signed in afterwards, and the cookie of the answer was kept', async t => {
  const page = await t.signedIn();
  const keeper = await t.blank();
  const release = hold(t);
  page.evaluate(() => { window.s.refresh().catch(() => 0); }).catch(() => 0);
  await reached(t);
  await page.close();
  release();
  await answerKept(t);
  t.equal(await keeper.evaluate(() => window.boot()), 'active', 'state in the next tab');
  t.equal((await get(keeper, '/app/echo')).status, 200, 'a request');
  t.equal(await refresh(keeper), 'ok', 'a refresh');
});

/* keepalive: in cookie mode the answer's cookie reaches the jar though nobody waits for it. */
async function answerKept(t) {
  if (t.mode === 'body') return;
  const sent = t.proxy.of('/refresh')[0].setCookie.find(line => /latchkey-[0-9a-f]{8}=/.test(line)).split(';')[0];
  await t.until(async () => (await t.context.cookies()).some(c => `${c.name}=${c.value}` === sent), 'the cookie of the answer');
}

// ---- tabs

test('a frozen tab that holds the lock holds nobody up for long', async t => {
  const frozen = await t.signedIn();
  await frozen.evaluate(() => new Promise(resolve => {
    navigator.locks.request('latchkey', () => { resolve(); return new Promise(() => {}); });
  }));
  const cdp = await t.context.newCDPSession(frozen);
  await cdp.send('Page.setWebLifecycleState', { state: 'frozen' });
  const page = await t.tab({ timeout: 4000 });
  t.proxy.expireAccess();
  const outcome = await Promise.race([get(page, '/app/echo').then(r => r.status), sleep(t.patience).then(() => 'held up')]);
  t.equal(outcome, 200, 'a request of the other tab');
  await cdp.send('Page.setWebLifecycleState', { state: 'active' });
});

for (const who of ['this tab', 'another tab'])
  test(`sign-out in ${who} wins over a refresh in flight, in every tab`, async t => {
    const page = await t.signedIn(), peer = await t.tab();
    const release = hold(t);
    const flight = refresh(page);
    await reached(t);
    await (who === 'this tab' ? page : peer).evaluate(() => window.s.signOut());
    release();
    await flight;
    await sleep(200);
    for (const tab of [page, peer]) await becomes(t, tab, 'signed-out');
    const later = await t.tab();
    t.equal(await state(later), 'signed-out', 'state of the next launch');
    const answer = await t.refreshAs(t.lastGrant(), 'a-key-that-nobody-has-used-before');
    t.equal(answer.status, 401, 'its successor on the server');
    t.equal((await get(page, '/app/echo')).status, 401, 'a request');
  });

test('sign-out works offline; the server hears of it at the next wake', async t => {
  const page = await t.signedIn();
  t.proxy.offline = true;
  await t.context.setOffline(true);
  await page.evaluate(() => window.s.signOut());
  t.equal(await state(page), 'signed-out', 'state');
  t.equal(t.proxy.count('/logout'), 0, 'logouts');
  t.proxy.offline = false;
  await t.context.setOffline(false);
  await t.until(() => t.proxy.of('/logout').some(e => e.status === 204), 'the logout');
  t.equal((await t.refreshAs(t.lastGrant())).status, 401, 'the session on the server');
  await t.until(async () => !/logouts/.test(await page.evaluate(() => localStorage.latchkey || '')), 'nothing is pending');
  t.equal(await state(await t.tab()), 'signed-out', 'state of the next launch');
});

test('an offline sign-out survives the app: the next launch delivers it', async t => {
  const page = await t.signedIn();
  t.proxy.offline = true;
  await page.evaluate(() => window.s.signOut());
  await page.close();
  t.proxy.offline = false;
  t.equal(await state(await t.tab()), 'signed-out', 'state of the next launch');
  await t.until(() => t.proxy.of('/logout').some(e => e.status === 204), 'the logout');
  t.equal((await t.refreshAs(t.lastGrant())).status, 401, 'the session on the server');
});

test('a relaunch restores the session without a request', async t => {
  const page = await t.signedIn();
  await page.close();
  const before = t.proxy.log.length;
  const next = await t.tab();
  await sleep(400);
  const known = await next.evaluate(() => [window.s.state, window.s.user.username, window.s.generation > 0]);
  t.equal(known, ['active', t.username, true], 'what is known');
  t.equal(t.proxy.log.length - before, 0, 'requests');
  t.equal((await get(next, '/app/echo')).status, 200, 'a request');
});

test('someone else signs in in another tab: the 401ed POST is not sent again as them', async t => {
  const page = await t.signedIn(), peer = await t.tab();
  const first = t.username;
  let answer;
  t.proxy.when('/app/slow', { ...t.proxy.invalidToken, hold: new Promise(resolve => { answer = resolve; }) });
  const late = get(page, '/app/slow?ms=0', { method: 'POST', body: 'from the first user' });
  await t.until(() => t.proxy.count('/app/slow') === 1, 'it was sent');
  const second = await t.register(peer);
  answer();
  t.equal((await late).status, 401, 'the original 401');
  t.equal(t.proxy.count('/app/slow'), 1, 'sends');
  await t.until(() => page.evaluate(u => window.s.user?.username === u, second), 'the tab knows the second user');
  t.ok((await events(page, 'state')).some(e => e.user?.username === second), 'and told so');
  t.equal(JSON.parse((await get(page, '/app/echo')).text).user, second, 'later requests are theirs, and not of ' + first);
});

test('a request that waits for its token is not sent as someone else', async t => {
  const page = await t.signedIn();
  t.proxy.always('/refresh', { cut: true });
  await setSkew(page, 16 * MIN);
  const waiting = get(page, '/app/echo', { method: 'POST', body: 'from the first user' });
  await t.until(() => t.refreshes > 0, 'it waits');
  await t.register(await t.tab());
  t.equal((await waiting).error, 'session_changed', 'its end, though nobody can refresh');
  t.equal(t.proxy.count('/app/echo'), 0, 'sends');
});

test('twenty focus events cause no refresh and no event', async t => {
  const page = await t.signedIn();
  const before = (await events(page)).length;
  await page.evaluate(async () => {
    for (let i = 0; i < 20; i++) {
      for (const type of ['focus', 'pageshow', 'online']) dispatchEvent(new Event(type));
      document.dispatchEvent(new Event('visibilitychange'));
      await new Promise(resolve => { setTimeout(resolve, 5); });
    }
  });
  t.equal([t.refreshes, (await events(page)).length - before], [0, 0], 'refreshes, events');
});

for (const [name, event] of [['focus', 'focus'], ['online', 'online'], ['pageshow', 'pageshow'], ['visible', 'visibilitychange']])
  test(`waking up past expiry refreshes at once: ${name}`, async t => {
    const page = await t.signedIn();
    await setSkew(page, 16 * MIN);
    await page.evaluate(type => (type === 'visibilitychange' ? document : window).dispatchEvent(new Event(type)), event);
    await t.until(async () => (await events(page, 'refreshed')).length === 1, 'refreshed');
    t.equal([t.refreshes, await state(page)], [1, 'active'], 'refreshes, state');
  });

// ---- poor surroundings

test('without Web Locks three tabs stay signed in, and a race shares its idempotency key', async t => {
  const pages = await threeTabs(t, {}, () => Object.defineProperty(Navigator.prototype, 'locks', { value: undefined }));
  t.between(t.refreshes, 1, 3, 'refreshes');
  for (const page of pages) t.equal(await state(page), 'active', 'state');
  await sleep(PAST_GRACE + 3000);
  t.equal(await refresh(pages[0]), 'ok', 'a refresh after the grace');
  t.equal((await get(pages[2], '/app/echo')).status, 200, 'a request of the third tab');
}, { config: { reuse_grace: '4s' } });          // each of the three has it to be answered in

test('without Web Locks a second tab repeats the refresh of the first with its key', async t => {
  const noLocks = () => Object.defineProperty(Navigator.prototype, 'locks', { value: undefined });
  const page = await t.signedIn({}, noLocks), peer = await t.tab({}, noLocks);
  const release = hold(t);
  const first = refresh(page);
  await reached(t);
  t.equal(await refresh(peer), 'ok', 'the second tab, while the answer of the first is late');
  release();
  t.equal(await first, 'ok', 'the first tab');
  const [a, b] = t.proxy.of('/refresh');
  t.equal(b.key, a.key, 'the key');
  t.equal(b.data.generation, a.data.generation, 'the generation');
}, { modes: ['body'] });

test('without BroadcastChannel the tabs hear of each other through storage', async t => {
  const no = () => { delete window.BroadcastChannel; };
  const page = await t.signedIn({}, no), peer = await t.tab({}, no);
  t.equal(await refresh(page), 'ok', 'a refresh');
  await t.until(async () => (await events(peer, 'refreshed')).some(e => e.by === 'peer'), 'the other tab');
  await page.evaluate(() => window.s.signOut());
  await becomes(t, peer, 'signed-out');
});

test('storage that throws: the tab stays signed in from memory', async t => {
  const page = await t.tab({}, () => {
    Storage.prototype.setItem = function () { if (this === window.localStorage) throw new DOMException('full', 'QuotaExceededError'); };
  });
  await t.register(page);
  t.proxy.expireAccess();
  t.equal(await many(page, 3, '/app/echo'), oks(3), 'statuses');
  t.equal(await refresh(page), 'ok', 'a refresh');
  t.equal(await state(page), 'active', 'state');
  t.ok((await events(page, 'error')).some(e => e.code === 'storage'), 'the page is told');
  await page.evaluate(() => window.s.signOut());
  t.equal(await state(page), 'signed-out', 'state after sign-out');
});

test('storage that is denied: the session lives in memory', async t => {
  const page = await t.blank(() => Object.defineProperty(window, 'localStorage', {
    get() { throw new DOMException('denied', 'SecurityError'); },
  }));
  await page.evaluate(async mode => {
    const { createSession } = await import('/session.js');
    window.s = createSession({ mode });
  }, t.mode);
  await t.register(page);
  t.equal(await refresh(page), 'ok', 'a refresh');
  t.equal((await get(page, '/app/echo')).status, 200, 'a request');
});

test('storage that holds rubbish is a launch without a session', async t => {
  for (const rubbish of ['{', '5', 'null', '[]', '{"gen":1}', '"text"']) {
    const page = await t.blank();
    await page.evaluate(text => { localStorage.latchkey = text; }, rubbish);
    await page.evaluate(() => window.boot().then(() => window.s.wake()));
    await becomes(t, page, 'signed-out');           // it is read twice: a writer might be in the middle
    await page.close();
  }
  t.equal(t.proxy.count('/refresh'), 0, 'refreshes');
});

test('storage that is slow and asynchronous keeps the order of what was written', async t => {
  const page = await t.blank();
  const outcome = await page.evaluate(async mode => {
    const { createSession } = await import('/session.js');
    const pause = ms => new Promise(resolve => { setTimeout(resolve, ms); });
    let n = 0;
    const storage = {
      getItem: async k => { const v = localStorage.getItem(k); await pause(30); return v; },
      setItem: async (k, v) => { await pause(n++ % 2 ? 5 : 40); localStorage.setItem(k, v); },
    };
    const s = window.s = createSession({ mode, storage });
    await s.ready;
    await s.signIn({ username: 'slow' + mode + Date.now(), password: 'correct horse' }, '/register');
    const flight = s.refresh();
    await pause(20);
    s.wake();
    await s.signOut();
    await flight.catch(() => 0);
    await s.wake();
    // The refresh was under way where the machine was slow: then its session is signed out once more.
    for (let i = 0; i < 1000 && /logouts/.test(localStorage.latchkey); i++) await pause(20);
    const next = createSession({ mode, storage });
    await next.ready;
    return [s.state, next.state, JSON.parse(localStorage.latchkey)];
  }, t.mode);
  t.equal(outcome, ['signed-out', 'signed-out', { out: 'user' }], 'states, storage');
});

test('storage that the browser purged: the cookie alone brings the session back', async t => {
  const page = await t.signedIn();
  await page.evaluate(() => localStorage.clear());
  const next = await t.tab();
  t.equal(await state(next), 'signed-out', 'what storage says');
  t.equal(await refresh(next), 'ok', 'a refresh that the page asks for');
  t.equal(await next.evaluate(() => [window.s.state, window.s.user.username]), ['active', t.username], 'state, user');
  await next.evaluate(() => window.s.signOut());
  t.ok(await refresh(next) !== 'ok', 'after a sign-out it does not');
}, cookieOnly);

/* Runs in a page: makes documents of their own, each with a session, and returns what their first request came to. */
const documents = async (t, page, n, serial) => page.evaluate(async ([count, inTurn, patience]) => {
  const one = async () => {
    const frame = document.createElement('iframe');
    frame.src = '/page';
    await new Promise(resolve => { frame.onload = resolve; document.body.append(frame); });
    await frame.contentWindow.boot({ queueTimeout: patience });
    const { status, error } = await frame.contentWindow.get('/app/echo', { method: 'POST', body: 'x' });
    const { events } = frame.contentWindow;
    frame.remove();
    return [status ?? error, events.filter(e => e.type === 'error').length];
  };
  if (!inTurn) return Promise.all(Array.from({ length: count }, one));
  const seen = [];
  while (seen.length < count) seen.push(await one());
  return seen;
}, [n, serial, t.patience]);

test('twenty documents at once, and twenty loads one after the other, are no storm', async t => {
  const page = await t.signedIn();
  for (const serial of [false, true])
    t.equal(await documents(t, page, 20, serial), Array(20).fill([200, 0]), serial ? 'in turn: status, errors' : 'at once: status, errors');
}, oneServer);

/* Over plain HTTP a browser has no locks. The clock of these pages stands still: only the answer ends their wait. */
test('without locks no tab overtakes a request that is on its way', async t => {
  await t.signedIn({ locks: null });
  const at = Date.now(), open = () => t.tab({ locks: null }, stopped, at);      // all at one time, which is after the sign-in's
  const [first, ...others] = [await open(), await open(), await open()];
  let release;
  t.proxy.when('/refresh', { until: new Promise(resolve => { release = resolve; }) });
  const ask = page => get(page, '/app/echo').catch(String), asked = [ask(first)];
  await t.until(() => t.refreshes === 1, 'the first refresh');
  asked.push(...others.map(ask));
  await sleep(1500);                              // two that went now would make the cookie of the first too old
  t.equal(t.refreshes, 1, 'refreshes meanwhile');
  release();
  t.equal((await Promise.all(asked)).map(r => r.status), oks(3), 'statuses');
}, oneServer);

/* Two tabs without locks, and a request of the first that was refused. Its refresh meets `fault` until another of the other tab is done. */
async function overtaken(t, fault, times) {
  const page = await t.signedIn({ locks: null }), peer = await t.tab({ locks: null });
  t.proxy.expireAccess();
  let release;
  t.proxy.when('/refresh', fault(new Promise(resolve => { release = resolve; })));
  const asked = get(page, '/app/echo', { method: 'POST', body: 'sent twice' });
  await t.until(() => t.refreshes === 1, 'the first refresh');
  for (let i = 0; i < times; i++) t.equal(await refresh(peer), 'ok', 'a refresh of the other tab');
  await t.until(async () => await generation(page) === 1 + times, 'the tab knows of it');
  release();
  t.equal((await asked).status, 200, 'status');
  t.equal([t.refreshes, (await events(page, 'error')).length], [2 + times, 0], 'refreshes, errors');
}

test('without locks, a refresh that fails when another tab is through: the tab gets a token of its own', async t => {
  await overtaken(t, until => ({ until, ...json(503, 'busy') }), 1);
}, oneServer);

test('without locks, an answer that two of another tab overtook: the tab gets a token of its own', async t => {
  await overtaken(t, hold => ({ hold }), 2);
}, { ...oneServer, config: { reuse_grace: '10m' } });    // the late answer brings the cookie of before

test('a tab whose storage is full hears of a sign-out in another one', async t => {
  const page = await t.signedIn(), peer = await t.tab();
  await page.evaluate(() => { Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }; });
  t.equal(await refresh(page), 'ok', 'a refresh that can not be stored');
  await peer.evaluate(() => window.s.signOut());
  await becomes(t, page, 'signed-out');
  t.equal((await get(page, '/app/echo')).status, 401, 'a request');
  t.equal(t.proxy.of('/app/echo')[0].headers.authorization ?? null, null, 'its token');
}, oneServer);

const denied = () => Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('denied', 'SecurityError'); } });

test('a tab without storage follows the others: sign-out, sign-in, another user', async t => {
  const peer = await t.signedIn();
  const page = await t.tab({}, denied);
  t.equal([await state(page), await refresh(page), await state(page)], ['signed-out', 'ok', 'active'], 'the cookie brings it in');
  await peer.evaluate(() => window.s.signOut());
  await becomes(t, page, 'signed-out');
  for (let i = 0; i < 2; i++) {
    const user = await t.register(peer);
    await t.until(() => page.evaluate(u => window.s.state === 'active' && window.s.user.username === u, user), 'it is ' + user);
    t.equal(JSON.parse((await get(page, '/app/echo')).text).user, user, 'a request');
  }
}, oneServer);

test('a Worker follows the page', async t => {
  const page = await t.tab();
  await page.evaluate(() => {
    const code = `import { createSession } from '${location.origin}/session.js';
      const s = createSession({ base: '${location.origin}/api/auth' });
      s.on('state', ({ state }) => postMessage(state));
      await s.ready; postMessage('ready');`;
    window.said = [];
    window.worker = new Worker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })), { type: 'module' });
    window.worker.onmessage = ({ data }) => window.said.push(data);
  });
  const says = what => t.until(() => page.evaluate(w => window.said.at(-1) === w, what), 'the Worker says ' + what);
  await t.until(() => page.evaluate(() => window.said.includes('ready')), 'the Worker is ready');
  await t.register(page);
  await says('active');
  await page.evaluate(() => window.s.signOut());
  await says('signed-out');
}, oneServer);

test('a session disposed at once hears nothing, also where listeners know no signal', async t => {
  const page = await t.blank(() => {
    const add = EventTarget.prototype.addEventListener;
    EventTarget.prototype.addEventListener = function (type, callback) { return add.call(this, type, callback); };
  });
  await page.evaluate(() => window.boot());
  await t.register(page);
  const told = await page.evaluate(async mode => {
    const { createSession } = await import('/session.js');
    const old = window.s, heard = [];
    for (let i = 0; i < 5; i++) {
      const s = createSession({ mode, ...mode === 'body' ? { storage: localStorage } : {} });
      for (const type of ['state', 'error', 'refreshed']) s.on(type, () => heard.push(type));
      if (i) await s.ready;           // as React's StrictMode, and later
      s.dispose();
    }
    old.dispose();
    window.setSkew(16 * 60e3);
    dispatchEvent(new Event('focus'));
    await new Promise(resolve => { setTimeout(resolve, 300); });
    return heard;
  }, t.mode);
  t.equal(told.filter(type => type !== 'state'), [], 'what they told');
  t.equal(t.refreshes, 0, 'refreshes');
});

/* The session of a grant is over, as the server sees it; asking changes nothing. */
const ended = (t, { access }) => t.until(async () => (await t.direct('/verify?live=1', { method: 'GET', token: access })).status === 401,
  'the end of the other session');

test('a user who signs in over a live session leaves none behind', async t => {
  const page = await t.signedIn();
  const first = t.lastGrant();
  await t.register(page);
  await ended(t, first);
  t.equal([await refresh(page), await state(page)], ['ok', 'active'], 'the second stands');
  const second = t.lastGrant(), next = await t.tab();     // knows no token yet
  await t.register(next);
  await ended(t, second);
});

test('a sign-out that the server has not heard of comes before the next sign-in, whose cookie would hide it', async t => {
  const page = await t.signedIn();
  const first = t.lastGrant();
  t.proxy.always('/logout', json(503, 'busy'));
  await page.evaluate(() => window.s.signOut());
  const again = () => page.evaluate(u => window.attempt(window.s.signIn({ username: u, password: 'correct horse ' + u })), t.username);
  t.equal([await again(), t.proxy.count('/login'), await state(page)], ['busy', 0, 'signed-out'], 'a sign-in, what left, state');
  t.proxy.clear('/logout');
  t.equal([await again(), await state(page)], ['ok', 'active'], 'a sign-in later');
  t.equal((await t.refreshAs(first)).json.error?.code, 'session_revoked', 'the first session');
}, cookieOnly);

test('a cookie that a sibling host has planted counts for nothing beside the own', async t => {
  const page = await t.signedIn(), user = t.username;
  const { setCookie } = await t.direct('/register', { body: { username: 'm' + user, password: 'correct horse ' + user, cookie: true } });
  const theirs = /latchkey-[0-9a-f]{8}=([^;]+)/.exec(setCookie.join())[1];
  await page.evaluate(token => { document.cookie = `__Secure-latchkey=${token}; path=/api/auth; secure`; }, theirs);
  // Another process of the browser has the jar: a busy one may hear of a request before it hears of the cookie.
  await t.until(async () => (await t.context.cookies()).some(c => c.value === theirs), 'the planted cookie');
  t.equal([await refresh(page), await page.evaluate(() => window.s.user.username)], ['ok', user], 'refresh, whose');
  const sent = t.proxy.of('/refresh').at(-1).headers.cookie.match(/[\w-]*latchkey[\w-]*(?==)/g);
  t.equal([sent.length, sent.includes('__Secure-latchkey')], [2, true], 'cookies of ours that were sent, the planted one');
}, cookieOnly);

test('a page whose cookie can not be renewed is told so at its sign-in, with words', async t => {
  const page = await t.blank();
  const api = await openProxy({ upstream: t.upstream });
  api.cors = t.proxy.origin;
  const attempt = () => page.evaluate(async base => {
    const { createSession } = await import('/session.js');
    const s = window.s = createSession({ base, name: 'x' + Math.random() });
    const user = 'c' + Math.random().toString(36).slice(2);
    try {
      await s.signIn({ username: user, password: 'correct horse ' + user }, '/register');
      return [s.state, await window.attempt(s.refresh())];
    } catch (error) { return [s.state, error.code, error.message]; }
  }, api.origin + '/api/auth');
  try {
    api.always('/refresh', json(403, 'cross_site'));
    api.anonymous = true;             // or the server would refuse the sign-in itself
    t.equal(await attempt(), ['signed-out', 'cross_site', 'cross_site: one site'], 'state, code, words');
    await ended(t, { access: api.of('/register')[0].data.access_token });
    api.clear('/refresh');
    api.anonymous = false;
    t.equal(await attempt(), ['signed-out', 'cross_site', 'cross_site'], 'the server itself refuses the sign-in');
  } finally { await api.close(); }
}, cookieOnly);

// ---- callbacks, events, secrecy

test('the client can be called from inside its own callbacks', async t => {
  const page = await t.tab();
  await page.evaluate(() => {
    window.inside = [];
    const work = name => async () => {
      const locks = await navigator.locks.query();
      window.inside.push([name, locks.held.length, (await window.s.fetch('/app/echo')).status, await window.attempt(window.s.token().then(() => 0))]);
    };
    for (const type of ['state', 'refreshed', 'reauth']) window.s.on(type, work(type));
    let once = true;
    window.s.on('refreshed', () => { if (once) { once = false; window.nested = window.attempt(window.s.refresh()); } });
  });
  await t.register(page);
  t.equal(await refresh(page), 'ok', 'a refresh');
  t.equal(await page.evaluate(() => window.nested), 'ok', 'a refresh from inside a callback');
  await t.until(async () => (await page.evaluate(() => window.inside.length)) >= 3, 'all callbacks came to their end');
  for (const call of await page.evaluate(() => window.inside)) t.equal(call.slice(1), [0, 200, 'ok'], call[0]);
});

test('a callback that throws disturbs nobody, and its error is not swallowed', async t => {
  const page = await t.tab();
  await page.evaluate(() => window.s.on('refreshed', () => { throw new Error('of the app'); }));
  await page.evaluate(() => window.s.on('refreshed', () => { window.second = true; }));
  await t.register(page);
  t.equal(await refresh(page), 'ok', 'a refresh');
  await t.until(() => t.errors.includes('of the app'), 'the error reached the page');
  t.equal(await page.evaluate(() => window.second), true, 'the second callback ran');
});

test('no token reaches a URL, the console, an error, an event or a broadcast', async t => {
  const page = await t.tab();
  await page.evaluate(() => {
    window.heard = [];
    new BroadcastChannel('latchkey').onmessage = event => window.heard.push(event.data);
  });
  await t.register(page);
  t.proxy.when('/refresh', { status: 200, html: '{"data":{"access_token":"eyJleaked.in.an.answer"' });
  t.ok(await page.evaluate(() => window.s.refresh().catch(e => { window.events.push({ ...e, text: String(e), stack: e.stack, cause: String(e.cause) }); return true; })), 'a torn answer is an error');
  t.equal(await refresh(page), 'ok', 'a refresh');
  t.equal((await get(page, '/app/echo')).status, 200, 'a request');
  await t.revoke();
  await refresh(page);
  const told = JSON.stringify(await page.evaluate(() => [window.events, window.heard, window.console_, performance.getEntries().map(e => e.name)]));
  const urls = t.proxy.log.map(e => e.url).join(' ');
  const secrets = t.proxy.log.flatMap(e => [e.data?.access_token, e.data?.refresh_token]).filter(Boolean);
  t.ok(secrets.length >= 2, 'there were tokens');
  for (const secret of [...secrets, 'eyJleaked']) t.ok(!(told + urls).includes(secret), 'a token was told');
  await t.until(() => page.evaluate(() => window.heard.length > 0), 'a broadcast');
  const said = await page.evaluate(() => [...new Set(window.heard.flatMap(Object.keys))]);
  t.equal(said.sort(), ['out', 'sid'], 'what a broadcast says: which session, and whether it is over');
});

test('in cookie mode nothing that script can read holds a token', async t => {
  const page = await t.signedIn();
  await refresh(page);
  const readable = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, Object.keys(window.s)]));
  const { access, cookie } = t.lastGrant();
  for (const secret of [access, cookie.slice(cookie.indexOf('=') + 1)]) t.ok(!readable.includes(secret), 'a token can be read');
  t.equal(t.lastGrant().refresh, undefined, 'no refresh token in the body');
}, cookieOnly);

test('the end of the session is announced once per threshold', async t => {
  const page = await t.signedIn({ warn: [HOUR - MIN, HOUR - 3 * MIN] });
  t.between(await page.evaluate(() => window.s.sessionExpiresIn), HOUR - MIN, HOUR, 'time to the end');
  t.between(await page.evaluate(() => window.s.age), 0, MIN, 'age');
  t.ok(await page.evaluate(() => window.s.idleExpiresIn > window.s.expiresIn), 'the idle window outlasts the token');
  for (const skew of [0, 90e3, 100e3, 200e3, 220e3]) {
    await setSkew(page, skew);
    await page.evaluate(() => window.s.wake().then(() => window.s.wake()));
  }
  t.equal((await events(page, 'expiring')).map(e => [e.kind, e.threshold]), [['session', HOUR - MIN], ['session', HOUR - 3 * MIN]], 'announcements');
}, { config: { session_ttl: '1h' } });

test('the end of the idle window is announced while no refresh gets through', async t => {
  const page = await t.signedIn();
  t.proxy.always('/refresh', { cut: true });
  await setSkew(page, 26 * MIN);
  await page.evaluate(() => dispatchEvent(new Event('focus')));
  await t.until(async () => (await events(page, 'expiring')).length >= 1, 'the announcement');
  t.equal((await events(page, 'expiring')).map(e => [e.kind, e.threshold]), [['idle', 5 * MIN]], 'announcements');
}, { config: { refresh_ttl: '30m' } });

test('a disposed session hears and does nothing', async t => {
  const page = await t.signedIn();
  await page.evaluate(() => window.s.dispose());
  const before = (await events(page)).length;
  await setSkew(page, 16 * MIN);
  await page.evaluate(() => ['focus', 'online', 'pageshow'].forEach(type => dispatchEvent(new Event(type))));
  await sleep(400);
  t.equal(t.refreshes, 0, 'refreshes');
  const peer = await t.tab();
  await t.register(peer);
  await sleep(400);
  t.equal((await events(page)).length - before, 0, 'events');
});

test('signed out, a request goes as it is', async t => {
  const page = await t.tab();
  t.equal((await get(page, '/app/echo')).status, 401, 'status');
  t.equal([t.refreshes, t.proxy.of('/app/echo')[0].headers.authorization ?? null], [0, null], 'refreshes, token');
  t.equal(await page.evaluate(() => window.attempt(window.s.token())), 'signed_out', 'token()');
});

/* How many of the calls were under way at the same time, at most. */
const atOnce = calls => Math.max(...calls.map(one => calls.filter(e => e.at <= one.at && (e.done ?? Infinity) > one.at).length));

test('tabs that have to wait long for each other go one after the other all the same', async t => {
  const pages = [await t.signedIn()];
  for (let i = 0; i < 6; i++) pages.push(await t.tab({ timeout: 6000 }));
  t.proxy.always('/refresh', { late: 1700 });     // the last one waits for 8.5 s, more than a lock is waited for; a busy machine has 4.3 s for each
  t.equal(await Promise.all(pages.slice(1).map(page => get(page, '/app/echo').then(r => r.status))), oks(6), 'statuses');
  t.equal(atOnce(t.proxy.of('/refresh')), 1, 'at once');
  t.ok(t.refreshes >= 6, 'a refresh of each');
}, oneServer);

test('Back after a sign-out in another tab shows nobody', async t => {
  const page = await t.signedIn();
  await page.goto(t.proxy.origin + '/page?next');
  const peer = await t.tab();
  await peer.evaluate(() => window.s.signOut());
  await page.goBack();
  // The browser has kept the page as it was, or loads it anew.
  await page.evaluate(() => window.s ? undefined : window.boot());
  await becomes(t, page, 'signed-out');
  t.equal((await get(page, '/app/echo')).status, 401, 'a request');
}, { kinds: ['serve'] });

/* Runs in a page, before its session: it hears nothing of the other tabs, as one that the browser has put aside. */
const deaf = () => {
  delete window.BroadcastChannel;
  addEventListener('storage', event => event.stopImmediatePropagation(), true);
};

test('a page that the browser had put aside, and that comes back after a sign-out, shows nobody', async t => {
  const page = await t.signedIn({}, deaf), peer = await t.tab();
  await peer.evaluate(() => window.s.signOut());
  t.equal(await state(page), 'active', 'before');
  await page.evaluate(() => { dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })); });
  await becomes(t, page, 'signed-out');
}, { kinds: ['serve'] });

test('a sign-out with the navigation right behind it reaches the server', async t => {
  const page = await t.signedIn();
  await Promise.all([page.waitForURL('**/page?next'), page.evaluate(() => {
    window.s.signOut();
    location.href = '/page?next';
  })]);
  await t.until(() => t.proxy.of('/logout').some(e => e.status === 204), 'the logout');
  t.equal(await page.evaluate(() => window.boot()), 'signed-out', 'the next page');
  t.equal((await t.refreshAs(t.lastGrant())).json.error?.code, 'session_revoked', 'the session');
}, { kinds: ['serve'] });

test('an EventSource on an idle page goes on with the renewed cookie', async t => {
  const page = await t.signedIn({ accessCookie: true });
  const { access } = t.lastGrant();
  await page.evaluate(() => {
    window.heard = [];
    window.source = new EventSource('/app/events');
    window.source.onmessage = ({ data }) => { window.heard.push(data); };
  });
  await t.until(() => t.refreshes > 0, 'a refresh that nobody asked for');
  // One that left with the first cookie may still be on its way: a refusal would be its end.
  await t.until(() => !t.proxy.of('/app/events').at(-1).headers.cookie.includes(access), 'the renewed cookie');
  t.proxy.expired.add(access);                    // the API refuses the first token from now on
  const before = await page.evaluate(() => window.heard.length);
  await t.until(() => page.evaluate(n => window.heard.length > n + 3, before), 'events after that');
  t.equal(await page.evaluate(() => [window.source.readyState < 2, [...new Set(window.heard)]]), [true, [t.username]], 'it is open; of whom');
}, { ...oneServer, config: { access_cookie: 'on', access_ttl: '20s' } });

// ---- tabs of two versions in one browser

async function twoVersions(t, askOld) {
  const old = await t.signedIn({ from: '/session-0.1.0.js' }), young = await t.tab();
  for (const minutes of [0, 17, 34, 51]) {
    for (const page of [old, young]) await setSkew(page, minutes * MIN);
    await askOld(old, minutes);
    t.equal((await get(young, '/app/echo')).status, 200, `the tab of today, after ${minutes} minutes`);
  }
  t.equal(t.proxy.of('/refresh').filter(e => e.status === 401).length, 0, 'refusals');
  for (const page of [old, young]) t.ok(['active', 'stale'].includes(await state(page)), 'both are signed in');
  await young.evaluate(() => window.s.signOut());
  await becomes(t, old, 'signed-out');
}

test('a tab of 0.1.0 and one of today share a cookie session', t =>
  twoVersions(t, async (old, minutes) => t.equal((await get(old, '/app/echo')).status, 200, `the tab of 0.1.0, after ${minutes} minutes`)), oneServer);

test('a tab of 0.1.0 that cannot read what one of today has stored waits, and ends nothing', async t => {
  await twoVersions(t, async (old, minutes) => {
    t.ok(['active', 'stale'].includes(await state(old)), `the tab of 0.1.0, after ${minutes} minutes`);
    await old.evaluate(() => { dispatchEvent(new Event('focus')); });
  });
}, { modes: ['body'], kinds: ['serve'] });

export const scenarios = all;
