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
 *   locks          { request(name, { signal }, work) } (navigator.locks, where there is one)
 *   buffer         refresh so long before expiry, at most half the lifetime (300 000 ms)
 *   warn           thresholds of the `expiring` event ([300 000, 60 000] ms)
 *   timeout        of each call to `base` and to `storage` (10 000 ms); a lock is awaited 2 s longer
 *   queueTimeout   how long a request waits for a token (30 000 ms; 0: for one try)
 *   maxBackoff     longest pause after a failure (60 000 ms)
 *   isAuthError    (Response) => boolean or a promise of it: this answer refuses the token
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
 *   - The idempotency key of the next refresh is stored together with the tokens that it will use.
 *     A refresh uses what storage holds, never what memory alone holds: so the server is at most
 *     one step ahead of storage, and whoever asks again (this tab, the next one, the next launch)
 *     gets the same successor.
 *   - Storage is found, empty or unreadable, and unreadable is never taken for empty. What could
 *     not be written is written again.
 *   - The lock's wait is bounded. Without it the other tabs wait while one refreshes, and the server
 *     settles what is left of the race.
 *   - No token reaches a URL, a log, an error, an event or a broadcast. Callbacks run outside locks.
 *
 * session.js is the parts in www/src one after the other (tests/client/build.sh): change it there.
 */

const TERMINAL = /^(key_lost|session_revoked|refresh_(invalid|expired|reused))$/;   // key_lost: dpop.js
const CLOCK_SLACK = 5e3;              // a step back by less is how NTP corrects a clock
const WINDOW = 25e3, MAX_TRIES = 5;   // failures, and refreshes of a token that was still good
const ONE_LOAD_IN = 10;               // so many documents without a token count as one of those
const RARELY = 10e3;                  // how often a person, or a launch, may ignore a Retry-After
const LONGEST_TICK = 60e3;            // timers stop in sleep: never trust a longer one
const STORAGE_TICK = 2e3;             // while storage fails
const LONGEST_HOLD = 3600e3;          // what a Retry-After of latchkey can ask for at most
const LONGEST_TIMER = 2e9;            // one over 2^31 - 1 fires at once

const noop = () => {};
const pause = ms => new Promise(resolve => setTimeout(resolve, ms));
const rethrow = thrown => setTimeout(() => { throw thrown; });      // as an uncaught error

export class SessionError extends Error {
  constructor(code, detail) {
    super(code);
    Object.assign(this, { name: 'SessionError', code }, detail);
  }
}
const passing = (code, detail) => new SessionError(code, { transient: true, ...detail });

/* Not AbortSignal.timeout: React Native has none. */
function abortAfter(ms) {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), ms).unref?.();
  return controller.signal;
}

/* Waits for the promise until the caller's signal ends the wait, or `ms` are over and `late` says
 * why. What is waited for goes on. React Native's signals have no reason. */
function waitFor(promise, signal, ms, late) {
  let stop, timer;
  return Promise.race([promise, new Promise((_, reject) => {
    stop = () => reject(signal.reason ?? Object.assign(new Error('Aborted'), { name: 'AbortError' }));
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop);
    if (ms) timer = setTimeout(() => reject(late()), ms);
  })]).finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  });
}

/* RFC 6750: a token that was sent is answered with an error code, a missing one with none. */
const refusesToken = (response, sent) => response.status === 401
  && (sent ? /\berror="?invalid_token/i : /^bearer/i).test(response.headers.get('www-authenticate'));

/* RFC 9110, 10.2.3: seconds, or a date, which counts from the answer's own. In ms. */
function retryAfter(headers) {
  const text = headers.get('retry-after');
  return text * 1e3 || Date.parse(text) - Date.parse(headers.get('date')) || 0;
}

const strongRandom = () => globalThis.crypto?.getRandomValues(new Uint32Array(1))[0] / 2 ** 32 || Math.random();

/* Reading the property alone throws where the user blocks storage. */
function pageStorage() {
  try { return globalThis.document && localStorage; } catch { /* memory it is */ }
}

/* Throws for what has none. 'null' is the origin of many, so it is nobody's. */
const originOf = (url, from) => new URL(new URL(url, from).origin).origin;

export function createSession({
  base = '/api/auth', mode = 'cookie', accessCookie = false, origins = [], name = 'latchkey',
  buffer = 300e3, warn = [300e3, 60e3], timeout = 10e3, queueTimeout = 30e3, maxBackoff = 60e3,
  storage = mode === 'cookie' ? pageStorage() : undefined, locks = globalThis.navigator?.locks,
  isAuthError = refusesToken,
  fetch = (...args) => globalThis.fetch(...args), now = () => Date.now(), random = strongRandom,
} = {}) {
  timeout = Math.min(timeout, LONGEST_TIMER);
  queueTimeout = Math.min(queueTimeout, LONGEST_TIMER);
  const cookie = mode === 'cookie' || undefined;      // undefined members are left out of JSON
  const here = globalThis.location;
  const origin = url => {
    try { return originOf(url, here?.href); } catch { /* relative, and there is no page */ }
  };
  const home = origin(base);          // undefined in a server renderer: nothing is trusted there
  // An entry that could never match throws: no scheme, or an asterisk, which is made invalid here.
  const trusted = [home || 0, ...origins.map(entry => originOf(entry.replace('*', ' ')))];
  const listeners = {}, waiters = new Set(), warned = {}, ends = [];

  let record = {};                    // 2-record.js
  let own;                            // this document's access token, as a record; in body mode the record
  let known;                          // storage has answered once, or the user has decided
  let state = 'loading', shown = {};  // what was last told, and of whom
  let flight, delivery = Promise.resolve();           // what runs once at a time
  const entries = {};                                 // sign-ins under way
  let lastError, told = 0, timer, channel, leaving;
  let outbox = [], inLock = 0;
  let gone;                           // dispose() was called

  /* ---- the record, and storage
   *
   *   sid, user, gen           the session, whose it is, how often it was refreshed
   *   since, exp, idle, end    local times: of the request that brought this, and of its deadlines
   *   created                  local time of sign-in
   *   jitter                   how often an answer was stored, and a fraction: the share of jitter that all tabs use
   *   key                      the idempotency key of the next refresh
   *   access, refresh          the tokens, in body mode alone
   *   tries                    times of refreshes, against storms
   *   paused, fails            { since, exp, asked }: no refresh till then; failures in a row
   *   busy                     { since, exp }: a refresh is under way, and who has no lock waits
   *   ended                    why it is locked
   *   logouts                  [{ refresh, all }]: sessions whose end the server isn't told yet;
   *                            without `refresh`, the cookie's
   *
   * A sign-out leaves { out, logouts }; `out` is its reason. A cookie of which nothing is known but
   * that it is being tried has { key } alone. */

  /* undefined: rubbish, or a file torn in the middle of a write. Of what 0.1.0 stored, under shorter
   * names, that is taken which the next refresh needs. */
  function decode(text) {
    if (text == null) return {};
    try {
      const { rt, dead, pend, all, ...found } = JSON.parse(text), { sid, out, key } = found;
      if (pend) return { out, logouts: [{ refresh: rt, all }] };
      found.refresh ??= rt;
      found.ended ??= dead;
      if (sid || out || key) return found;
    } catch { /* rubbish */ }
  }

  let io = Promise.resolve();         // one operation at a time, in the order in which they were asked for
  let raw;                            // the text that storage was last known to hold; '{}': none
  let writing = 0, reading, failing;

  const unsaved = () => storage && raw !== JSON.stringify(record);

  /* Storage that doesn't answer is given up. A write that it does later may have hidden a newer one. */
  function reach(method, text) {
    let late;
    const answer = Promise.resolve().then(() => storage?.[method](name, text)).finally(() => { if (late && text) save(record); });
    return waitFor(answer, null, timeout, () => { late = true; });
  }

  function report(fails) {
    if (fails && !failing) emit('error', lastError = passing('storage'));
    failing = fails;
  }

  /* Brings `record` up to date. Resolves with true when storage could be read. */
  const reload = () => reading ||= io = io.then(async () => {
    reading = null;
    try {
      const text = await reach('getItem'), found = decode(text), again = failing;
      report(!found || failing && unsaved());
      if (found || again) {           // else a writer may be in the middle of it
        // What a write of this tab will replace is older than that.
        if (!writing && (storage || !known)) adopt(found || {}, found && text || '{}');
        return true;
      }
    } catch { report(true); }
  });

  /* Takes over what another tab, or the run before this one, has written. */
  function adopt(found, text) {
    const seen = raw, { sid, gen, access } = found, same = sid && sid === record.sid;
    raw = text;
    if (text === seen) return;
    if (live() && !sid && !found.out) raw = JSON.stringify(record);   // cleared: the next refresh writes it again
    else if (!same && known && !seen) cookie || owe(found.refresh);     // the user acted before it could be read
    else if (!same || gen >= record.gen) {
      if (same && moved(found) && !found.ended) emit('refreshed', { generation: gen, by: 'peer' });
      record = found;
      if (access) own = found;
      else if (!same || found.ended) own = null;
      know();
    }
  }

  function owe(refresh, all) {
    if (refresh || cookie) record = { ...record, logouts: [...record.logouts || [], { refresh, all }] };
  }

  function know() {
    known = true;
    settle();
  }

  function save(next) {
    const news = { sid: next.sid, out: next.out && record.sid };
    writing++;
    record = next;
    know();
    return io = io.then(async () => {
      writing--;
      const text = JSON.stringify(next);
      try {
        await reach('setItem', text);
        raw = text;
        report();
      } catch { report(true); }
      try { channel?.postMessage(news); } catch { /* the browser closed it: storage tells them */ }
    });
  }

  /* A tab whose storage doesn't work, or lags, goes by what it hears. */
  async function hear({ data }) {
    await reload();
    const { sid, out } = data || {};
    if (out && out === record.sid) {
      own = null;
      record = { out: 'user' };
      settle();
    } else if (cookie && !storage && sid && sid !== record.sid) {
      own = null;                     // the cookie is theirs already
      if (!live()) record = {};
      refresh({ need: true }).catch(noop);
    }
  }

  // ---- time

  const left = token => now() >= token?.since - CLOCK_SLACK ? Math.max(0, token.exp - now()) : 0;

  /* A token that lasts to the session's end can't be improved upon: no lead. */
  const lead = token => token.end && token.exp >= token.end - 1e3 ? 0
    : Math.min(buffer, (token.exp - token.since) / 2) * (1 - token.jitter % 1 / 10);

  const until = deadline => deadline ? Math.max(0, deadline - now()) : null;

  const pauseLeft = () => left(record.paused);

  // ---- events

  function on(type, callback) {
    (listeners[type] ||= new Set()).add(callback);
    return () => listeners[type].delete(callback);
  }

  function emit(type, detail) {
    if (gone) return;
    outbox.push([type, detail]);
    queueMicrotask(flush);
  }

  function flush() {
    if (inLock) return;
    for (const [type, detail] of outbox.splice(0))
      for (const callback of new Set(listeners[type]))
        try { callback(detail); } catch (thrown) { rethrow(thrown); }
  }

  // ---- the state machine (the table in docs/client.md)

  const signedOut = () => new SessionError(record.ended || 'signed_out', { terminal: true });

  const live = () => record.sid && !record.ended;

  /* The state is what the record says. Tells what has changed. */
  function settle() {
    const prev = state, last = shown, { user, end, idle } = record;
    state = !known || !home ? 'loading' : !record.sid ? 'signed-out' : record.ended ? 'locked'
      : left(record) ? 'active' : 'stale';
    if (live()) shown = { sid: record.sid, user: JSON.stringify(user) };
    if (state !== prev || shown.sid !== last.sid) {
      const what = { user, reason: record.ended || record.out };
      emit('state', { state, prev, ...what });
      if (record.ended) emit('reauth', what);
    } else if (shown.user !== last.user) emit('user', { user });
    if (live()) watch('session', end);
    if (state === 'stale') watch('idle', idle);
    for (const check of waiters) check();
    arm();
  }

  /* Not by the generation: a session that is bound to a key (dpop.js) keeps its own for a day. */
  const moved = seen => record.jitter !== seen.jitter || record.sid !== seen.sid;

  const offline = () => globalThis.navigator?.onLine === false && !waiters.size;    // it may lie: who waits, tries

  function arm() {
    clearTimeout(timer);
    const behind = !known || unsaved(), times = [behind ? STORAGE_TICK : LONGEST_TICK];
    if (!behind && !live() && !record.logouts) return;
    if (live()) {
      const due = waiters.size ? 0 : left(record) - lead(record);
      times.push(left(record), ...warn.map(ms => record.end - now() - ms), due > 0 ? due : !offline() && (pauseLeft() || 1));
    }
    timer = setTimeout(tick, Math.max(250, Math.min(...times.filter(ms => ms > 0))));
    timer.unref?.();
  }

  /* `force`: 1 skips the pause after a failure, 2 a Retry-After too, but rarely. */
  async function tick(force) {
    if (gone) return;
    settle();
    if (force || !known || unsaved()) await reload();
    if (known && unsaved() && !writing) await save(record);
    deliver();
    if (live() && (waiters.size || !(left(record) > lead(record))) && (force || !offline()))
      refresh({ need: waiters.size, force }).catch(noop);
  }

  function watch(kind, deadline) {
    const ms = until(deadline), threshold = Math.min(...warn.filter(limit => limit >= ms));
    const before = warned[kind], mark = warned[kind] = record.gen + ':' + threshold;
    if (ms && threshold < Infinity && mark !== before) emit('expiring', { kind, ms, threshold });
  }

  function wake() {
    leaving = false;
    return tick(1);
  }

  // ---- talking to latchkey

  async function call(path, body) {
    let status, wait = 0, code, cause;
    try {
      const response = await fetch(base + path, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
        redirect: 'manual',           // or it would take the token along; not every runtime knows 'error'
        credentials: cookie && !body.access_token ? 'include' : 'omit', keepalive: true, signal: abortAfter(timeout),
      });
      status = response.status;
      wait = retryAfter(response.headers);
      if (status === 204) return;
      const { data, error } = await response.json();
      if (response.ok && data.session.id && data.expires_in >= 0 && (cookie || data.refresh_token)) return data;
      code = error.code;
    } catch (thrown) {                // once an answer is read, the reason may quote it, and so a token
      if (!status) cause = thrown;
    }
    throw new SessionError(code || (status ? 'unexpected_answer' : 'network'), {
      status, cause, retryAfter: Math.min(wait, code ? LONGEST_HOLD : maxBackoff),   // a proxy only guesses
      transient: !code || /^5|408|425|429/.test(status),
      terminal: status === 401 && TERMINAL.test(code),
    });
  }

  /* 128 bits */
  const newKey = (key = '') => key.length < 32 ? newKey(key + (random() * 16 | 0).toString(16)) : key;

  /* Turns an answer into the record and stores it. `t` is when its request started. */
  function keep(t, data, more) {
    const after = seconds => seconds && t + seconds * 1e3;
    const { generation: gen, user, session: { id: sid, expires_in: end, created_at: born } } = data;
    const next = {
      sid, user, gen, since: t, jitter: -~record.jitter + random(), key: newKey(), ...more,
      exp: after(data.expires_in), idle: after(data.refresh_expires_in), end: after(end),
      created: t - (data.server_time - born) * 1e3,
    };
    own = { ...next, access: data.access_token, refresh: data.refresh_token };
    return save(cookie ? next : own);
  }

  /* Runs alone among the tabs where it can. A frozen tab may hold the lock for ever, so the wait
   * ends; stealing would let two in who both believe to be alone. While others get on, no tab is
   * frozen, and it waits again: many tabs may take longer. */
  async function exclusive(work, lag) {
    let entered;
    const asked = now(), seen = record;
    const run = async () => {
      entered = ++inLock;
      if (lag && now() > asked + 20) await pause(50);      // the last holder's writes may lag
      return work();
    };
    try {
      return await locks.request(name, { signal: abortAfter(timeout + 2e3) }, run);
    } catch (error) {                 // not granted in time, or there are no locks here
      if (entered) throw error;
      if (left(record.busy)) await pause(50);
      else if (!moved(seen)) return await run();
      return exclusive(work, lag);
    } finally {
      if (entered) inLock--;
      queueMicrotask(flush);
    }
  }

  // ---- refresh

  /* One for all callers. `need`: this document wants a token of its own, and not `refused`. A flight
   * that was joined may have ended with another tab's success, which in cookie mode brings none. */
  const supplied = refused => own?.access !== refused && left(own);

  async function refresh(wish) {
    if (flight) {
      await (wish.force ? flight.catch(noop) : flight);         // it may have been held back, which force isn't
      if (!wish.need || supplied(wish.refused)) return;
    }
    const seen = record;
    return flight ||= exclusive(() => renew(seen, wish), !cookie || !wish.need || own).finally(() => {
      flight = null;
      settle();
    });
  }

  /* Where another tab gets through meanwhile, this one goes on from what it left: with that, or with a refresh more. */
  async function renew(seen, { need, refused, force }) {
    const readable = await reload();
    if (known && (!live() && !cookie || record.ended || record.out)) throw signedOut();
    if (moved(seen) && (need ? supplied(refused) : left(record))) return;
    const t = now(), sent = record, tries = admit(t, force, need);
    try {
      // In body mode another process may have moved on unseen.
      if (!known || !readable && !cookie) throw passing('storage');
      const { refresh: token, key } = await ground(t, tries);
      if (!moved(sent) && !await commit(t, await call('/refresh', { refresh_token: token, cookie, session: sent.sid, idempotency_key: key }), sent)) return;
    } catch (error) {
      await reload();
      if (!live() || !moved(sent)) {
        if (live() && !leaving && !gone) await (error.terminal ? lock(error.code) : backOff(error, force, t));
        throw lastError = error;                      // leaving cuts the wait: no failure
      }
    }
    return renew(seen, { need, refused, force });
  }

  const stored = () => {
    const found = decode(raw);
    return found?.key && found.sid === record.sid ? found : record;
  };

  /* What a refresh is made from: the tokens and the key that storage holds. Where memory is ahead,
   * because a write failed, that is the last refresh once more; the server answers it alike, and
   * with a fresh access token. A cookie is never behind, so there the stored key is used for it, and
   * stays the key until it is answered. What is counted is written before it leaves, as is a key where
   * there is none: of a cookie alone, or stored by 0.1.0.
   * Without a lock, which plain HTTP has not, the others wait meanwhile: a request that leaves with
   * its cookie, and waits for a connection while two others go on, comes with one that is too old. */
  async function ground(since, tries) {
    await save({ ...record, tries, busy: { since, exp: since + 1e3 }, key: (cookie ? stored() : record).key || newKey() });
    return stored();
  }

  /* Lets a refresh pass, and returns what is to be noted of it; or throws, and tells it once. */
  function admit(t, force, need) {
    // One from the future is of before the clock was set back.
    const tries = (record.tries || []).map(at => Math.min(at, t)).filter(at => at > t - WINDOW);
    const { asked, since } = record.paused || {};
    if (tries.length >= MAX_TRIES) record = { ...record, tries, paused: { since: t, exp: tries[0] + WINDOW, asked: t } };
    else if (t - since > RARELY && (force > 1 || !told) || force && !asked || !pauseLeft()) return grant(!need)?.exp > t || record.jitter % ONE_LOAD_IN < 1 ? [...tries, t] : tries;

    lastError = passing('backing_off', { retryAfter: pauseLeft(), cause: lastError });
    if (told !== (told = record.paused.exp)) emit('error', lastError);
    throw lastError;
  }

  /* The commit guard: a sign-out, another sign-in or a newer generation since the request left wins
   * over its answer. Resolves with true then. */
  async function commit(t, data, sent) {
    await reload();
    const { sid, gen, out, tries } = record, { generation, session: { id } } = data;
    if (out || moved(sent) && (id !== sid || gen > generation)) {
      if (id !== sid && (out || !cookie)) {
        owe(data.refresh_token);
        save(record);
        deliver();
      }
      return true;
    }
    if (gone) return;                 // disposed: as if it had been lost on the way
    lastError = null;
    emit('refreshed', { generation, by: 'self' });    // once the lock is free
    // Who hears the same answer again keeps the key that may be in use by now.
    await keep(t, data, { key: id === sid && gen === generation ? record.key : newKey(), tries });
  }

  function lock(ended) {
    const { sid, user, gen, logouts } = record;       // the tokens go
    own = null;
    return save({ sid, user, gen, logouts, ended });
  }

  function backOff(error, force, t) {
    const fails = force ? 1 : -~record.fails;
    const wait = Math.min(maxBackoff / 2, 500 * 2 ** fails) * (1 + random()) * (error.transient ? 1 : 10);
    const asked = error.retryAfter * (1 + random() / 5) || 0;       // not all in the same instant
    const since = now(), exp = told = since + Math.max(wait, asked);
    emit('error', error);
    return save({ ...record, tries: [...new Set(record.tries).add(t)], fails, busy: 0, paused: { since, exp, asked: asked > wait } });
  }

  // ---- requests

  const grant = safe => safe ? record : own;

  /* Waits until a request may go: there is a token, or nothing left to wait for. Half-way it asks
   * once in spite of a pause. */
  function queued(safe, signal) {
    let half, check;
    const mine = record.sid;
    const done = () => known && (!live() || mine && record.sid !== mine || left(grant(safe)));
    const attempt = force => ready.then(() => done() || refresh({ need: !safe, force }).then(() => attempt()));
    const waiting = new Promise((resolve, reject) => {
      check = () => done() && resolve();
      const ask = force => attempt(force).then(check, error => {
        check();
        if (!queueTimeout || !error.transient) reject(error);
      });
      waiters.add(check);
      ask();
      if (queueTimeout) half = setTimeout(ask, queueTimeout / 2, 1);
    });
    const late = () => passing('queue_timeout', { retryAfter: pauseLeft(), cause: lastError });
    return waitFor(waiting, signal, queueTimeout, late)
      .finally(() => { clearTimeout(half); waiters.delete(check); });
  }

  async function request(input, init) {
    init ??= {};
    const headers = new Headers(init.headers || input.headers);
    // The caller's own Authorization is the caller's.
    if (!trusted.includes(origin(input.url || input)) || headers.has('authorization')) return fetch(input, init);
    const { body, signal = input.signal } = init;
    const once = body && (body.getReader || body[Symbol.asyncIterator]);      // a stream can't be sent again
    const safe = accessCookie && /^(GET|HEAD)$/i.test(init.method || input.method || 'GET');
    const spare = input.clone?.() ?? input;
    const mine = record.sid;

    await prepare(safe, once, signal);
    if (mine && live() && record.sid !== mine) throw new SessionError('session_changed');
    const sent = safe ? undefined : own?.access, seen = record, had = live();
    const response = await send(input, init, headers, safe);
    if (!had) return response;
    const copy = isAuthError === refusesToken ? response : response.clone();  // the app's own test may read the body
    const refused = await isAuthError(copy, sent);
    if (copy !== response) copy.body?.cancel?.().catch(noop);
    if (refused !== true) return response;

    const renewed = () => safe ? moved(seen) : supplied(sent);
    if (!renewed())
      try { await waitFor(refresh({ need: !safe, refused: sent }), signal); } catch (error) { if (signal?.aborted) throw error; }
    if (once || !live() || record.sid !== seen.sid || !renewed()) return response;
    response.body?.cancel?.().catch(noop);
    return send(spare, init, headers, safe);
  }

  async function prepare(safe, once, signal) {
    if (!known || live() && !left(grant(safe))) await queued(safe, signal);
    const token = grant(safe);
    if (!live() || !token || left(token) > lead(token)) return;
    const behind = refresh({ need: !safe }).catch(noop);
    if (once) await waitFor(behind, signal);
  }

  function send(input, init, headers, safe) {
    if (!safe && left(own)) headers.set('authorization', 'Bearer ' + own.access);
    return fetch(input, { ...init, headers });
  }

  /* For what fetch can't do. `refused`: the token that didn't work. */
  async function token({ refused } = {}) {
    await ready;
    if (refused && own?.access === refused) await refresh({ need: true, refused });
    await prepare();
    if (!live()) throw signedOut();
    return own.access;
  }

  // ---- sign-in, sign-out, the fallback chain

  /* The same once more, by a double click, joins the one that runs. */
  function signIn(credentials, path = '/login') {
    const what = path + JSON.stringify(credentials);
    return entries[what] ||= enter(credentials, path).finally(() => { delete entries[what]; });
  }

  /* Alone, so that no refresh's late cookie replaces the new one. The session that is replaced is
   * ended when the new one is stored. What was signed out and can't be named any more after this (by
   * its cookie), or would take the new session along, must have been ended before. */
  async function enter(credentials, path) {
    await ready;
    const trouble = record.logouts && await deliver();
    if (trouble && (cookie || record.logouts?.some(end => end.all))) throw trouble;
    if (cookie && live() && !left(own)) await refresh({ need: true }).catch(noop);
    await flight?.catch(noop);
    await exclusive(async () => {
      await reload();
      const t = now(), old = cookie && live() && own;
      const data = await call(path, { ...credentials, cookie });
      if (!cookie && live()) owe(record.refresh);
      await keep(t, data, cookie ? {} : { logouts: record.logouts });
      if (old) call('/logout', { access_token: old.access }).catch(noop);
    });
    deliver();
    if (cookie && here && home !== here.origin) await prove();
    return record.user;
  }

  /* A page of another origin may be refused the cookie that it was just given: that
   * is better known now than at the first expiry. */
  async function prove() {
    const { access } = own;
    try { await refresh({ need: true, refused: access }); } catch (error) {
      if (error.transient) return;
      call('/logout', { access_token: access }).catch(noop);
      await signOut({ reason: error.code });
      error.message += ': one site';
      throw error;
    }
  }

  async function signOut({ reason = 'user', all } = {}) {
    await ready;
    owe(record.refresh, all);
    own = null;
    save({ out: reason, logouts: record.logouts });
    await deliver(true);              // it doesn't wait for storage to have written that
    await io;
  }

  /* Tells the server which sessions are over; resolves with what went wrong. In its turn under the
   * lock, because another tab may be signing in with the same cookie; but at once where the user
   * has just said so. In body mode the old session stays until the new one is stored. */
  function deliver(urgent) {
    if (!record.logouts || live() && unsaved()) return delivery;
    return delivery = delivery.then(() => urgent ? sendEnds() : exclusive(() => reload().then(sendEnds)));
  }

  async function sendEnds() {
    for (const { refresh, all } of record.logouts || []) {
      try { await call('/logout', { refresh_token: refresh, all }); } catch (error) { if (error.transient) return error; }
      await reload();
      const logouts = record.logouts?.filter(end => end.refresh !== refresh);
      await save({ ...record, logouts: logouts?.[0] && logouts });
    }
  }

  async function reauth(steps) {
    for (const name in steps) {
      try { await steps[name](record.user); } catch (error) { if (error?.transient) throw error; }
      if (live()) return name;
    }
    await signOut({ reason: 'reauth_failed' });
  }

  // ---- the life of the object

  function listen(target, type, callback) {
    target?.addEventListener?.(type, callback);       // no `signal`: old browsers don't know it, jsdom refuses Node's
    ends.push(() => target?.removeEventListener?.(type, callback));
  }

  async function start() {
    await reload();
    if (gone || !home) return;
    try {
      channel = new BroadcastChannel(name);
      channel.onmessage = hear;
      channel.unref?.();
    } catch { /* there is none, or the browser refuses it: storage tells as well */ }
    listen(globalThis, 'focus', wake);
    listen(globalThis, 'pageshow', wake);
    listen(globalThis, 'online', wake);
    listen(globalThis, 'pagehide', () => { leaving = true; });
    listen(globalThis, 'storage', reload);
    listen(globalThis.document, 'visibilitychange', wake);
    tick();
  }

  function dispose() {
    clearTimeout(timer);
    channel?.close();
    gone = true;
    for (const end of ends) end();
  }

  const session = {
    fetch: request, token, signIn, signOut, reauth, wake, on, dispose,
    async refresh() {
      await ready;
      await refresh({ need: true, refused: own?.access, force: 2 });
    },
    get state() { return state; },
    get user() { return record.user; },
    get id() { return record.sid; },
    get generation() { return record.gen; },
    get age() { return record.since ? now() - record.created : null; },
    get expiresIn() { return record.since ? left(record) : null; },
    get idleExpiresIn() { return until(record.idle); },
    get sessionExpiresIn() { return until(record.end); },
  };
  const ready = session.ready = start();
  return session;
}
