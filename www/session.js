/* session.js: a latchkey session that restores itself.
 *
 *   import { createSession } from './session.js';
 *   const session = createSession();                  // cookie mode, API at /api/auth
 *   await session.ready;                              // what the last run left is known
 *   if (session.state === 'signed-out') await session.signIn({ username, password });
 *   const r = await session.fetch('/api/things');     // as fetch(), signed
 *
 * Options (all have defaults)
 *   base           where latchkey is mounted; absolute where there is no page ('/api/auth')
 *   mode           'cookie': the refresh token is an HttpOnly cookie, no script sees it, no token is
 *                  stored. 'body': both tokens are kept in `storage` (Keychain, SecureStore, a file).
 *   accessCookie   the server runs with `access_cookie = on`: GET and HEAD ride on that cookie
 *   origins        origins, beside that of `base`, that may see the access token
 *   name           key in storage, name of the lock and of the channel ('latchkey')
 *   storage        { getItem, setItem }, sync or async. Cookie mode takes localStorage; body mode has
 *                  none unless told, because script storage is no place for a refresh token.
 *   buffer         refresh so long before expiry, at most half the lifetime (300 000 ms)
 *   warn           thresholds of the `expiring` event ([300 000, 60 000] ms)
 *   timeout        of each call to `base` (10 000 ms); a lock is awaited 2 s longer
 *   queueTimeout   how long a request waits for a token (30 000 ms; 0: for one try)
 *   maxBackoff     longest pause after a failure (60 000 ms; Retry-After may ask for up to an hour)
 *   isAuthError    (Response) => boolean: this answer refuses the token
 *   fetch, now, random   replaceable for tests and other runtimes
 *
 * Session: state, user, id, generation, age, expiresIn, idleExpiresIn, sessionExpiresIn (ms), ready,
 * fetch(), token(), signIn(), signOut(), refresh(), reauth(), wake(), on(), dispose().
 * The types, with a line on each, are in session.d.ts; the state machine is in docs/client.md.
 *
 * What holds
 *   - Only a 401 of /refresh whose JSON names one of TERMINAL ends a session, and only while no
 *     other tab has moved on. Everything else (network, 403, 408, 429, 5xx, HTML) is waited out.
 *   - Lifetimes are relative and count from the start of the request that brought them. No clock
 *     is compared with the server's; one that steps back makes a token expired, not eternal.
 *   - A refresh is announced in storage, by its idempotency key, before it leaves: whoever repeats
 *     it (this tab, the next one, the next launch) gets the same successor.
 *   - The lock is an optimisation and its wait is bounded; without it the server settles the race.
 *   - No token reaches a URL, a log, an error, an event or a broadcast. Callbacks run outside locks.
 *   - `activity: false` tells the server that nobody looks at the page (a hidden tab). It is sent
 *     for servers that count activity; latchkey ignores members that it doesn't know.
 */

const TERMINAL = ['refresh_invalid', 'refresh_expired', 'refresh_reused', 'session_revoked'];
const CLOCK_SLACK = 5e3;              // a step back by less is how NTP corrects a clock
const WINDOW = 30e3, MAX_IN_WINDOW = 5;
const LONGEST_TICK = 60e3;            // timers stop in sleep: never trust a longer one
const LONGEST_HOLD = 3600e3;          // what a Retry-After can ask for at most

const noop = () => {};
const pause = ms => new Promise(resolve => { setTimeout(resolve, ms); });

export class SessionError extends Error {
  constructor(code, detail) {
    super(code);
    this.name = 'SessionError';
    Object.assign(this, { code }, detail);
  }
}

/* Not AbortSignal.timeout: React Native has none. */
function abortAfter(ms) {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), ms).unref?.();
  return controller.signal;
}

/* The caller's signal ends the caller's wait; what it waited for goes on. */
function abortable(promise, signal) {
  if (!signal) return promise;
  return Promise.race([promise, new Promise((_, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
  })]);
}

/* RFC 6750: a token that was sent is answered with an error code, a missing one with none. */
const refusesToken = (response, sent) => response.status === 401
  && (sent ? /\berror="?invalid_token/i : /^bearer/i).test(response.headers.get('www-authenticate'));

const strongRandom = () => globalThis.crypto
  ? crypto.getRandomValues(new Uint32Array(1))[0] / 2 ** 32 : Math.random();

/* Reading the property alone throws where the user blocks storage. */
function pageStorage() {
  try { return globalThis.document && localStorage; } catch { /* memory it is */ }
}

export function createSession({
  base = '/api/auth', mode = 'cookie', accessCookie = false, origins = [], name = 'latchkey',
  buffer = 300e3, warn = [300e3, 60e3], timeout = 10e3, queueTimeout = 30e3, maxBackoff = 60e3,
  storage = mode === 'cookie' ? pageStorage() : undefined, isAuthError = refusesToken,
  fetch = (...args) => globalThis.fetch(...args), now = () => Date.now(), random = strongRandom,
} = {}) {
  const cookie = mode === 'cookie' || undefined;      // undefined members are left out of JSON
  const page = globalThis.document;
  const origin = url => new URL(url, globalThis.location?.href).origin;
  const trusted = [origin(base), ...origins];
  const listeners = {}, waiters = new Set(), warned = {}, life = new AbortController();

  /* The record: {gen sid user t exp idle end born j tries} and, when they apply, {at rt} (body
   * mode's tokens), {key} (a refresh that is under way or was not heard of again), {last} (the key
   * that made this generation), {hold fails} (backing off), {dead} (why it is locked).
   * A sign-out leaves the tombstone {out pend rt all} instead; `pend`: the server isn't told yet. */
  let record = null;
  let access;                         // this tab's access token {at t exp}; in body mode the record
  let state = 'loading';
  let flight, lastError, timer, channel, leaving;
  let unsaved = !storage;             // the last write failed: memory is all there is
  let inLock = 0, outbox = [];
  let io = Promise.resolve(), unwritten = 0;

  // ---- storage: one operation at a time, in the order in which they were asked for

  const inTurn = operation => (io = io.then(operation));

  /* Brings `record` up to date. What was read is dropped where a write of this tab waits. */
  const reload = () => inTurn(async () => {
    if (unsaved) return;
    try {
      const stored = JSON.parse(await storage.getItem(name));
      if (!unwritten && (stored?.sid || stored?.out)) adopt(stored);
    } catch { /* unreadable: go by memory */ }
  });

  function save(next) {
    record = next;
    unwritten++;
    return inTurn(async () => {
      unwritten--;
      try {
        await storage.setItem(name, JSON.stringify(next));
        unsaved = false;
      } catch {
        unsaved = true;
        if (storage) emit('error', new SessionError('storage'));
      }
      channel?.postMessage(null);     // stored first, then told; the others read it there
    });
  }

  // ---- time

  const left = token => token && now() >= token.t - CLOCK_SLACK ? token.exp - now() : 0;

  /* A token that lasts to the session's end can't be improved upon: no lead. */
  const lead = token => token.end && token.exp >= token.end - 1e3 ? 0
    : Math.min(buffer, (token.exp - token.t) / 2) * (1 - token.j / 10);

  const until = deadline => deadline ? Math.max(0, deadline - now()) : null;

  const holdLeft = () => {
    const [from, to] = record.hold || [0, 0];
    return now() >= from - CLOCK_SLACK ? Math.max(0, to - now()) : 0;
  };

  // ---- events

  function on(type, callback) {
    (listeners[type] ||= new Set()).add(callback);
    return () => listeners[type].delete(callback);
  }

  function emit(type, detail) {
    outbox.push([type, detail]);
    queueMicrotask(flush);
  }

  function flush() {
    if (inLock) return;
    for (const [type, detail] of outbox.splice(0))
      for (const callback of [...listeners[type] || []])
        try { callback(detail); } catch (thrown) { setTimeout(() => { throw thrown; }); }
  }

  // ---- the state machine (the table in docs/client.md)

  const signedOut = () => new SessionError(record?.dead || 'signed_out', { terminal: true });

  const live = () => record && !record.out && !record.dead;

  const stateNow = () => !record || record.out ? 'signed-out' : record.dead ? 'locked'
    : left(record) > 0 ? 'active' : 'stale';

  let shown;                          // whose state was last told
  function settle() {
    const prev = state, next = stateNow(), sid = live() ? record.sid : shown;
    if (next !== prev || sid !== shown) {
      state = next;
      shown = sid;
      const told = { reason: record?.dead || record?.out, user: session.user };
      emit('state', { state, prev, ...told });
      if (state === 'locked') emit('reauth', told);
    }
    if (live()) watch('session', record.end);
    if (state === 'stale') watch('idle', record.idle);
    for (const check of waiters) check();
    arm();
  }

  const moved = seen => record?.gen !== seen?.gen || record?.sid !== seen?.sid;

  /* Takes over what another tab, or the run before this one, has written. */
  function adopt(stored) {
    const same = stored.sid && stored.sid === record?.sid;
    if (same && stored.gen < record.gen) return;
    const newer = same && stored.gen > record.gen && !stored.dead;
    record = stored;
    if (stored.at) access = stored;
    else if (!same || stored.dead) access = null;
    if (newer) emit('refreshed', { generation: stored.gen, by: 'peer' });
    if (state !== 'loading') settle();
  }

  function arm() {
    clearTimeout(timer);
    if (life.signal.aborted || !(live() || record?.pend)) return;
    let due = LONGEST_TICK;
    if (live()) {
      due = waiters.size ? 0 : left(record) - lead(record);
      if (due <= 0) due = globalThis.navigator?.onLine === false ? LONGEST_TICK : holdLeft();
      for (const deadline of [left(record), ...warn.map(ms => record.end - now() - ms)])
        if (deadline > 0) due = Math.min(due, deadline);
    }
    timer = setTimeout(tick, Math.max(250, Math.min(due, LONGEST_TICK)));
    timer.unref?.();
  }

  function tick(force) {
    settle();
    deliver();
    if (!live()) return;
    if ((waiters.size || left(record) <= lead(record)) && (force || globalThis.navigator?.onLine !== false))
      refresh(waiters.size, undefined, force).catch(noop);
  }

  function watch(kind, deadline) {
    const ms = until(deadline);
    const threshold = Math.min(...warn.filter(limit => ms <= limit));
    const mark = record.gen + ':' + threshold;
    if (!ms || threshold === Infinity || warned[kind] === mark) return;
    warned[kind] = mark;
    emit('expiring', { kind, ms, threshold });
  }

  async function wake() {
    leaving = false;
    await reload();
    tick(true);
  }

  // ---- talking to latchkey

  async function call(path, body) {
    let status, retryAfter, code;
    try {
      const response = await fetch(base + path, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
        credentials: cookie ? 'include' : 'omit', cache: 'no-store', redirect: 'error',
        keepalive: true, signal: abortAfter(timeout),
      });
      status = response.status;
      retryAfter = Math.min(response.headers.get('retry-after') * 1e3 || 0, LONGEST_HOLD);
      if (status === 204) return;
      const json = await response.json();
      const { data } = json;
      if (response.ok && data.session.id && data.expires_in >= 0 && (cookie || data.refresh_token)) return data;
      code = json.error.code;
    } catch { /* the reason may quote the answer, and so a token: it is not passed on */ }
    throw new SessionError(code || (status ? 'unexpected_answer' : 'network'), {
      status, retryAfter,
      terminal: status === 401 && TERMINAL.includes(code),
      transient: !code || status >= 500 || [408, 425, 429].includes(status),
    });
  }

  function newKey() {
    let key = '';
    while (key.length < 32) key += Math.floor(random() * 2 ** 32).toString(16).padStart(8, '0');
    return key;
  }

  /* Turns an answer into the record and stores it. `t` is when its request started. */
  function keep(t, data, more) {
    const after = seconds => seconds == null ? null : t + seconds * 1e3;
    const next = {
      gen: data.generation, sid: data.session.id, user: data.user, t, j: random(), ...more,
      exp: after(data.expires_in), idle: after(data.refresh_expires_in), end: after(data.session.expires_in),
      born: t - (data.server_time - data.session.created_at) * 1e3,
    };
    access = { ...next, at: data.access_token };
    return save(cookie ? next : { ...access, rt: data.refresh_token });
  }

  /* Runs alone among the tabs where it can. A frozen tab may hold the lock for ever, so the wait
   * ends; stealing would let two in who both believe to be alone. */
  async function exclusive(work) {
    let entered;
    const asked = now();
    const run = async granted => {
      entered = ++inLock;
      if (granted && now() > asked + 20) await pause(50);         // the last holder's writes may lag
      return work();
    };
    try {
      return await navigator.locks.request(name, { signal: abortAfter(timeout + 2e3) }, run);
    } catch (error) {                 // not granted in time, or there are no locks here
      if (entered) throw error;
      return await run();
    } finally {
      inLock--;
      queueMicrotask(flush);
    }
  }

  // ---- refresh

  /* One for all callers. `need`: this tab wants a token of its own, and not `refused`. A flight
   * that was joined may have ended with another tab's success, which in cookie mode brings none. */
  const supplied = refused => access && access.at !== refused && left(access) > 0;

  async function refresh(need, refused, force) {
    if (flight) {
      await flight;
      if (!need || supplied(refused)) return;
    }
    const seen = record;
    return flight ||= exclusive(() => renew(seen, need, refused, force)).finally(() => {
      flight = null;
      settle();
    });
  }

  async function renew(seen, need, refused, force) {
    await reload();
    if (record ? !live() : !cookie) throw signedOut();
    if (moved(seen) && (need ? supplied(refused) : left(record) > 0)) return;
    const t = now(), tries = admit(t, force), sent = record;
    const key = await announce(tries, need && !refused);
    if (moved(sent)) return;
    try {
      const data = await call('/refresh', {
        refresh_token: sent?.rt, cookie, idempotency_key: key, activity: page?.hidden ? false : undefined,
      });
      await commit(t, data, sent, { tries, last: cookie && key });
    } catch (error) { await failed(error, sent, force); }
  }

  /* Stores the key of the refresh that is about to leave, and returns the one that then stands in
   * storage: tabs without a lock so agree on one. A tab that only lacks its own token names the
   * refresh that made this generation; a server that knows it again need not rotate. */
  async function announce(tries, tokenless) {
    const again = tokenless && record && left(record) > lead(record) && record.last;
    const key = record?.key || again || newKey();
    if (!record) return key;
    await save({ ...record, key, tries });
    await reload();
    return record.key;
  }

  /* Lets a refresh pass, or throws what the last one ended with. */
  function admit(t, force) {
    const tries = (record?.tries || []).filter(at => at <= t && at > t - WINDOW);
    if (tries.length >= MAX_IN_WINDOW) record.hold = [t, tries[0] + WINDOW, true];
    else if (!record || !holdLeft() || force && !record.hold[2]) return [...tries, t];
    throw lastError || new SessionError('backing_off', { transient: true, retryAfter: holdLeft() });
  }

  /* The commit guard: a sign-out or another sign-in since the request left wins over its answer. */
  async function commit(t, data, sent, more) {
    await reload();
    const same = record?.sid === data.session.id;
    if (record && !same && (record.out || record.sid !== sent?.sid)) {
      if (record.out || !cookie) call('/logout', { refresh_token: data.refresh_token }).catch(noop);
      return;
    }
    if (same && record.gen > data.generation) return;
    await keep(t, data, more);
    lastError = null;
    emit('refreshed', { generation: data.generation, by: 'self' });
    settle();
  }

  async function failed(error, sent, force) {
    await reload();
    if (live() && moved(sent)) return;                // another tab got through
    if (live() && !leaving) {                         // navigation cuts the wait: no failure
      if (error.terminal) await lock(error.code);
      else await backOff(error, force);
    }
    throw error;
  }

  async function lock(dead) {
    const { at, rt, key, last, ...known } = record;
    access = null;
    await save({ ...known, dead });
    settle();
  }

  async function backOff(error, force) {
    const fails = force ? 1 : (record.fails || 0) + 1;
    const wait = Math.min(maxBackoff, 1e3 * 2 ** fails) * (.5 + random() / 2);
    const asked = error.retryAfter || 0;
    lastError = error;
    emit('error', error);
    await save({ ...record, fails, hold: [now(), now() + Math.max(wait, asked), asked > wait] });
  }

  // ---- requests

  const grant = safe => safe ? record : access;

  /* Waits until a request may go: there is a token, or nothing left to wait for. */
  function queued(safe, signal) {
    let giveUp, check;
    const { sid } = record;
    const done = () => !live() || record.sid !== sid || left(grant(safe)) > 0;
    const attempt = () => refresh(!safe).then(() => done() || attempt());
    return abortable(new Promise((resolve, reject) => {
      check = () => { if (done()) resolve(); };
      waiters.add(check);
      if (queueTimeout) giveUp = setTimeout(reject, queueTimeout, new SessionError('queue_timeout', { transient: true }));
      attempt().then(check, error => { check(); if (!queueTimeout) reject(error); });
    }), signal).finally(() => { clearTimeout(giveUp); waiters.delete(check); });
  }

  async function request(input, init = {}) {
    if (!trusted.includes(origin(input.url || input))) return fetch(input, init);
    await abortable(ready, init.signal);
    const { body, signal = input.signal } = init;
    const once = body && (body.getReader || body[Symbol.asyncIterator]);      // a stream can't be sent again
    const safe = accessCookie && /^(GET|HEAD)$/i.test(init.method || input.method || 'GET');
    const spare = input.clone ? input.clone() : input;
    const sid = record?.sid;

    await prepare(safe, once, signal);
    if (sid && live() && record.sid !== sid) throw new SessionError('session_changed');
    const sent = safe ? undefined : access?.at, seen = record, had = live();
    const response = await send(input, init, safe);
    if (!had || !isAuthError(response, sent)) return response;

    const renewed = () => safe ? moved(seen) : supplied(sent);
    if (!renewed()) await abortable(refresh(!safe, sent), signal).catch(error => { if (signal?.aborted) throw error; });
    if (once || !live() || record.sid !== seen.sid || !renewed()) return response;
    response.body?.cancel().catch(noop);
    return send(spare, init, safe);
  }

  async function prepare(safe, once, signal) {
    if (!live()) return;
    const token = grant(safe);
    const soon = left(token) <= (token ? lead(token) : 0);
    if (left(token) <= 0) await queued(safe, signal);
    else if (soon) {
      const behind = refresh(!safe).catch(noop);
      if (once) await abortable(behind, signal);
    }
  }

  function send(input, init, safe) {
    const headers = new Headers(init.headers || input.headers);
    if (!safe && left(access) > 0) headers.set('authorization', 'Bearer ' + access.at);
    return fetch(input, { ...init, headers });
  }

  // ---- sign-in, sign-out, the fallback chain

  /* Alone, so that no refresh's late cookie replaces the new one. */
  async function signIn(credentials, path = '/login') {
    await ready;
    await deliver();
    await exclusive(async () => {
      const t = now();
      await keep(t, await call(path, { ...credentials, cookie }));
      settle();
    });
    return record.user;
  }

  async function signOut({ reason = 'user', all } = {}) {
    await ready;
    const { rt } = record || {};
    access = null;
    const written = save({ out: reason, pend: cookie || rt ? 1 : 0, rt, all });
    settle();
    await written;
    await deliver();
  }

  async function deliver() {
    if (!record?.pend) return;
    const { rt, all } = record;
    try {
      await call('/logout', { refresh_token: rt, all });
      await reload();
      if (record.pend) await save({ out: record.out });
    } catch { /* the next wake tries again */ }
  }

  async function reauth(steps) {
    for (const step of Object.keys(steps)) {
      try { await steps[step](record?.user); } catch (error) { if (error?.transient) throw error; }
      if (live()) return step;
    }
    await signOut({ reason: 'reauth_failed' });
  }

  async function token() {
    await ready;
    await prepare();
    if (!live()) throw signedOut();
    return access.at;
  }

  // ---- the life of the object

  function listen(target, type, callback) {
    target?.addEventListener?.(type, callback, life);         // life.signal takes it off again
  }

  async function start() {
    await reload();
    if (globalThis.BroadcastChannel) {
      channel = new BroadcastChannel(name);
      channel.onmessage = reload;
      channel.unref?.();
    }
    for (const type of ['focus', 'pageshow', 'online']) listen(globalThis, type, wake);
    listen(globalThis, 'pagehide', () => { leaving = true; });
    listen(globalThis, 'storage', event => { if (event.key === name) reload(); });
    listen(page, 'visibilitychange', () => { if (!page.hidden) wake(); });
    tick();
  }

  function dispose() {
    clearTimeout(timer);
    channel?.close();
    channel = null;
    life.abort();
  }

  const session = {
    fetch: request, token, signIn, signOut, reauth, wake, on, dispose,
    refresh: () => ready.then(() => refresh(true, access?.at, true)),
    get state() { return state; },
    get user() { return record?.user; },
    get id() { return record?.sid; },
    get generation() { return record?.gen; },
    get age() { return record?.born ? now() - record.born : null; },
    get expiresIn() { return record?.t ? Math.max(0, left(record)) : null; },
    get idleExpiresIn() { return until(record?.idle); },
    get sessionExpiresIn() { return until(record?.end); },
  };
  const ready = session.ready = start();
  return session;
}
