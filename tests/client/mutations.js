// What must not be taken out of session.js: each entry removes one thing by a substitution that
// must fit, and names the scenario that must then fail, in the given mode.
export const mutations = [
  {
    name: 'that a wait ends with its session', mode: 'body', fails: 'a request that waits for its token',
    from: ' || mine && record.sid !== mine || left(grant', to: ' || left(grant',
  }, {
    name: 'that a request ends with its session', mode: 'cookie', fails: 'a request that waits for its token',
    from: 'if (mine && live() && record.sid !== mine) throw', to: 'if (false) throw',
  }, {
    name: 'keepalive', mode: 'cookie', fails: 'navigation in mid-refresh',
    from: 'keepalive: true,', to: '',
  }, {
    name: 'the lock', mode: 'body', fails: 'three tabs with ten requests each',
    from: 'return await locks.request(name, { signal: abortAfter(timeout + 2e3) }, run);', to: 'return await run();',
  }, {
    name: "the lock's time limit", mode: 'body', fails: 'a frozen tab that holds the lock',
    from: '{ signal: abortAfter(timeout + 2e3) }', to: '{}',
  }, {
    name: 'the re-read inside the lock', mode: 'body', fails: 'a session that heard nothing',
    from: 'const readable = await reload();', to: 'const readable = true;',
  }, {
    name: 'the idempotency key', mode: 'body', fails: 'an answer lost on the way',
    from: ', idempotency_key: key', to: '',
  }, {
    name: 'the key kept beside the token', mode: 'cookie', fails: 'an answer lost with its page',
    from: 'key: record.key || newKey() });', to: 'key: newKey() });',
  }, {
    name: 'the relative clock', mode: 'body', fails: 'a clock that is three hours fast',
    from: 'exp: after(data.expires_in),', to: 'exp: data.access_expires_at * 1e3,',
  }, {
    name: 'the clock that steps back', mode: 'body', fails: 'a clock that jumps five hours ahead',
    from: 'token && now() >= token.since - CLOCK_SLACK ?', to: 'token ?',
  }, {
    name: 'the commit guard of sign-out', mode: 'body', fails: 'sign-out in another tab wins',
    from: 'if (id !== sid && (out || sid !== sent.sid)) {', to: 'if (false) {',
  }, {
    name: 'the commit guard of sign-out, in this tab', mode: 'cookie', fails: 'sign-out in this tab wins',
    from: 'if (id !== sid && (out || sid !== sent.sid)) {', to: 'if (false) {',
  }, {
    name: 'the check that the user is the same', mode: 'body', fails: 'someone else signs in in another tab',
    from: '|| record.sid !== seen.sid || !renewed', to: '|| !renewed',
  }, {
    name: 'the limit of refreshes', mode: 'body', fails: 'at most five refreshes',
    from: 'MAX_TRIES = 5', to: 'MAX_TRIES = 500',
  }, {
    name: 'the pause after a failure', mode: 'body', fails: 'an outage with 50 serial calls',
    from: ', paused: { since, exp, asked: asked > wait } });', to: ' });',
  }, {
    name: 'no lead at the end of the session', mode: 'body', fails: 'a token that lasts to the end',
    from: 'token.end && token.exp >= token.end - 1e3 ? 0\n    :', to: '',
  }, {
    name: 'callbacks outside the lock', mode: 'body', fails: 'the client can be called from inside',
    from: 'if (inLock) return;', to: '',
  },
];

/* Applies one; throws when its text is not there exactly once. */
export function mutate(source, { name, from, to }) {
  const mutant = source.replace(from, to);
  if (source.split(from).length !== 2 || mutant === source) throw new Error(`mutation "${name}" does not fit session.js`);
  return mutant;
}
