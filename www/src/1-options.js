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

