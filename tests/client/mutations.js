// What must not be taken out of session.js: each entry removes one thing by a substitution that
// must fit, and names the scenario that must then fail, in the given mode; mode 'node' is one of
// node-scenarios.js.
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
    name: 'that a tab waits again while others get on', mode: 'cookie', fails: 'tabs that have to wait long',
    from: 'else if (!moved(seen)) return', to: 'else return',
    also: ['if (left(record.busy)) await pause(50);', 'if (false);'],
  }, {
    name: 'that others pause where there is no lock', mode: 'cookie', fails: 'without locks no tab overtakes',
    from: 'if (left(record.busy)) await pause(50);', to: 'if (false);',
  }, {
    name: 'that a tab goes on where another got through', mode: 'cookie', fails: 'without locks, a refresh that fails',
    from: 'return renew(seen, { need, refused, force });', to: '',
  }, {
    name: 'the same where its answer came too late', mode: 'cookie', fails: 'without locks, an answer that two',
    from: '      return true;\n    }\n    if (gone) return;', to: '      return;\n    }\n    if (gone) return;',
  }, {
    name: 'that who waits is not inside', mode: 'node', fails: 'a session that waited for another',
    from: 'if (entered) inLock--;', to: 'inLock--;',
  }, {
    name: 'the re-read inside the lock', mode: 'body', fails: 'a session that heard nothing',
    from: 'const readable = await reload();', to: 'const readable = true;',
  }, {
    name: 'that a refresh may keep its generation', mode: 'body', fails: 'three tabs of a session that is bound',
    from: 'record.jitter !== seen.jitter', to: 'record.gen !== seen.gen',
  }, {
    name: 'the idempotency key', mode: 'body', fails: 'an answer lost on the way',
    from: ', idempotency_key: key', to: '',
  }, {
    name: 'that the session is named', mode: 'cookie', fails: 'a cookie that a sibling host has planted',
    from: ' session: sent.sid,', to: '',
  }, {
    name: 'the key kept beside the token', mode: 'cookie', fails: 'an answer lost with its page',
    from: '(cookie ? stored() : record).key || newKey()', to: 'newKey()',
  }, {
    name: 'the relative clock', mode: 'body', fails: 'a clock that is three hours fast',
    from: 'exp: after(data.expires_in),', to: 'exp: data.access_expires_at * 1e3,',
  }, {
    name: 'the clock that steps back', mode: 'body', fails: 'a clock that jumps five hours ahead',
    from: 'now() >= token?.since - CLOCK_SLACK ?', to: 'token ?',
  }, {
    name: 'the commit guard of sign-out', mode: 'body', fails: 'sign-out in another tab wins',
    from: 'if (out || moved(sent) && (id !== sid || gen > generation)) {', to: 'if (false) {',
  }, {
    name: 'the commit guard of sign-out, in this tab', mode: 'cookie', fails: 'sign-out in this tab wins',
    from: 'if (out || moved(sent) && (id !== sid || gen > generation)) {', to: 'if (false) {',
  }, {
    name: 'the check that the user is the same', mode: 'body', fails: 'someone else signs in in another tab',
    from: '|| record.sid !== seen.sid || !renewed', to: '|| !renewed',
  }, {
    name: 'the limit of refreshes', mode: 'body', fails: 'at most five refreshes',
    from: 'MAX_TRIES = 5', to: 'MAX_TRIES = 500',
  }, {
    name: 'the pause after a failure', mode: 'body', fails: 'an outage with 50 serial calls',
    from: ', busy: 0, paused: { since, exp, asked: asked > wait } });', to: ', busy: 0 });',
  }, {
    name: 'no lead at the end of the session', mode: 'body', fails: 'a token that lasts to the end',
    from: 'token.end && token.exp >= token.end - 1e3 ? 0\n    :', to: '',
  }, {
    name: 'callbacks outside the lock', mode: 'body', fails: 'the client can be called from inside',
    from: 'if (inLock) return;', to: '',
  },
  // ---- ordinary use is no storm, and a loop is one
  {
    name: 'that a page load is no storm', mode: 'cookie', fails: 'twenty documents at once',
    from: 'return grant(!need)?.exp > t || record.jitter % ONE_LOAD_IN < 1 ? [...tries, t] : tries;', to: 'return [...tries, t];',
  }, {
    name: "that a cookie's token may be good as well", mode: 'cookie', fails: 'a loop of GETs that ride',
    from: 'return grant(!need)?.exp > t ||', to: 'return need && own?.exp > t ||',
  }, {
    name: 'that tries of a clock ahead count', mode: 'node', fails: 'a loop of refreshes keeps to its limit',
    from: '.map(at => Math.min(at, t)).filter(at => at > t - WINDOW)', to: '.filter(at => at <= t && at > t - WINDOW)',
  }, {
    name: 'that tries of a clock ahead end', mode: 'node', fails: 'the limit ends when it should',
    from: '.map(at => Math.min(at, t)).filter(', to: '.filter(',
  }, {
    name: 'that a wait is told', mode: 'node', fails: 'a wait is told',
    from: "if (told !== (told = record.paused.exp)) emit('error', lastError);", to: '',
  }, {
    name: 'that it is told once', mode: 'node', fails: 'a wait is told',
    from: 'if (told !== (told = record.paused.exp)) emit', to: 'emit',
  }, {
    name: 'the try half-way', mode: 'node', fails: 'a request that arrives in a long pause',
    from: 'if (queueTimeout) half = setTimeout(ask, queueTimeout / 2, 1);', to: '',
  }, {
    name: 'that onLine may be wrong', mode: 'node', fails: 'who waits is not stopped',
    from: 'onLine === false && !waiters.size;', to: 'onLine === false;',
  }, {
    name: 'that an answer of the server ends a wait', mode: 'node', fails: 'an answer that no waiting can mend',
    from: 'if (!queueTimeout || !error.transient) reject', to: 'if (!queueTimeout) reject',
  }, {
    name: 'the longer pause after such an answer', mode: 'node', fails: 'an answer that no waiting can mend',
    from: ' * (error.transient ? 1 : 10)', to: '',
  }, {
    name: "the cap on a proxy's Retry-After", mode: 'node', fails: 'one Retry-After of a proxy',
    from: 'code ? LONGEST_HOLD : maxBackoff', to: 'LONGEST_HOLD',
  }, {
    name: "a person's right to ask", mode: 'node', fails: 'a person may ask',
    from: '(force > 1 || !told)', to: '!told',
  }, {
    name: "a launch's right to ask", mode: 'node', fails: 'a person may ask',
    from: '(force > 1 || !told)', to: 'force > 1',
  }, {
    name: 'that a person does not share what held back others', mode: 'node', fails: 'a person who asks while',
    from: 'await (wish.force ? flight.catch(noop) : flight);', to: 'await flight;',
  }, {
    name: 'that this is rare', mode: 'node', fails: 'a person may ask',
    from: 't - since > RARELY', to: 'true',
  }, {
    name: 'the date form of Retry-After', mode: 'node', fails: 'a Retry-After may be a date',
    from: "Date.parse(text) - Date.parse(headers.get('date')) || 0", to: '0',
  }, {
    name: 'the spread of Retry-After', mode: 'node', fails: 'who got the same Retry-After',
    from: ' * (1 + random() / 5)', to: '',
  },
  // ---- storage: found, empty, unreadable
  {
    name: 'that unreadable is not empty', mode: 'node', fails: 'storage that rejects at launch',
    from: "        return true;\n      }\n    } catch { report(true); }", to: "        return true;\n      }\n    } catch { adopt({}, '{}'); report(true); return true; }",
  }, {
    name: 'the reading at a tick', mode: 'node', fails: 'storage that works again',
    from: 'if (force || !known || unsaved()) await reload();', to: 'if (force) await reload();',
  }, {
    name: 'the second look at rubbish', mode: 'node', fails: 'a file that is read in the middle',
    from: 'if (found || again) {', to: '{',
  }, {
    name: 'the bound of each call of storage', mode: 'node', fails: 'storage that never answers',
    from: 'return waitFor(answer, null, timeout, () => { late = true; });', to: 'void late; return answer;',
  }, {
    name: 'that a sign-out does not wait for storage', mode: 'node', fails: 'a sign-out is sent before',
    from: 'await deliver(true);              // it', to: 'await io; await deliver(true); // it',
  }, {
    name: 'the second write', mode: 'node', fails: 'what could not be written',
    from: 'if (known && unsaved() && !writing) await save(record);', to: '',
  }, {
    name: 'that storage is told of once', mode: 'node', fails: 'what could not be written',
    from: "if (fails && !failing) emit", to: 'if (fails) emit',
  }, {
    name: 'that a refresh uses what storage holds', mode: 'node', fails: 'while storage refuses',
    from: 'return found?.key && found.sid === record.sid ? found : record;', to: 'return record;',
  }, {
    name: 'the stored key for a cookie that is ahead of storage', mode: 'node', fails: 'cookie mode: a key that storage holds',
    from: '(cookie ? stored() : record).key', to: 'record.key',
  }, {
    name: 'that a late write is corrected', mode: 'node', fails: 'a write that is done long after',
    from: '.finally(() => { if (late && text) save(record); })', to: '',
  }, {
    name: 'that storage must be read before a refresh', mode: 'node', fails: 'body mode: no refresh leaves',
    from: 'if (!known || !readable && !cookie) throw', to: 'if (!known) throw',
  }, {
    name: 'that a sign-in is newer than unread storage', mode: 'node', fails: 'a sign-in while storage could not be read',
    from: 'cookie || owe(found.refresh);', to: ';',
  }, {
    name: 'that what a sign-in has stored itself is not older than it', mode: 'node', fails: 'a sign-in whose own record is read first',
    from: '!same && known && !seen', to: 'known && !seen', also: ['cookie || owe(found.refresh);', 'owe(found.refresh);'],
  }, {
    name: 'that cleared storage is no sign-out', mode: 'node', fails: 'storage that somebody cleared',
    from: 'if (live() && !sid && !found.out) raw = JSON.stringify(record);', to: 'if (false);',
  }, {
    name: 'the key of an answer heard twice', mode: 'node', fails: 'who hears an answer a second time',
    from: 'key: id === sid && gen === generation ? record.key : newKey(),', to: '',
  }, {
    name: 'what 0.1.0 stored', mode: 'node', fails: 'what 0.1.0 stored signs nobody out',
    from: 'found.refresh ??= rt;', to: '',
  }, {
    name: 'the lock that 0.1.0 stored', mode: 'node', fails: 'what 0.1.0 stored is kept',
    from: 'found.ended ??= dead;', to: '',
  }, {
    name: 'that what is read is kept as it is', mode: 'node', fails: 'a launch that finds what it needs',
    from: 'if (sid || out || key) return found;', to: 'if (sid || out || key) return { refresh: found.refresh, ...found };',
  }, {
    name: 'the sign-out that 0.1.0 stored', mode: 'node', fails: 'what 0.1.0 stored is kept',
    from: 'if (pend) return { out, logouts: [{ refresh: rt, all }] };', to: '',
  }, {
    name: 'what a tab with full storage hears', mode: 'cookie', fails: 'a tab whose storage is full',
    from: 'if (!writing && (storage || !known)) adopt', to: 'if (!writing && (storage || !known) && !failing) adopt',
    also: ['if (out && out === record.sid) {', 'if (false) {'],
  }, {
    name: 'the sign-out that a tab without storage hears', mode: 'cookie', fails: 'a tab without storage follows',
    from: 'if (out && out === record.sid) {', to: 'if (false) {',
  }, {
    name: 'the sign-in that a tab without storage hears', mode: 'cookie', fails: 'a tab without storage follows',
    from: 'else if (cookie && !storage && sid && sid !== record.sid) {', to: 'else if (false) {',
  }, {
    name: 'what a Worker hears', mode: 'cookie', fails: 'a Worker follows the page',
    from: 'channel.onmessage = hear;', to: 'channel.onmessage = reload;',
  },
  // ---- nobody's session is left alive
  {
    name: 'the end of the session that a sign-in replaces', mode: 'node', fails: 'a sign-in ends the session',
    from: 'if (!cookie && live()) owe(record.refresh);', to: '',
  }, {
    name: 'the same in cookie mode', mode: 'cookie', fails: 'a user who signs in over a live session',
    from: "if (old) call('/logout', { access_token: old.access }).catch(noop);", to: '',
  }, {
    name: 'the same of a tab that has no token yet', mode: 'cookie', fails: 'a user who signs in over a live session',
    from: 'if (cookie && live() && !left(own)) await refresh({ need: true }).catch(noop);', to: '',
    also: ['const t = now(), old = cookie && live() && own;', 'const t = now(), old = cookie && live() && own?.access && own;'],
  }, {
    name: 'that the old session lives until the new one is stored', mode: 'node', fails: 'a sign-in that could not be stored',
    from: 'if (!record.logouts || live() && unsaved()) return', to: 'if (!record.logouts) return',
  }, {
    name: 'that a double click is one sign-in', mode: 'node', fails: 'a double click',
    from: 'return entries[what] ||= enter', to: 'return entries[what] = enter',
  }, {
    name: 'that a sign-out outlives the next sign-in', mode: 'node', fails: 'a sign-out that could not be delivered outlives',
    from: 'cookie ? {} : { logouts: record.logouts }', to: '{}',
  }, {
    name: 'that a sign-out of all comes first', mode: 'node', fails: 'a sign-out of all',
    from: '(cookie || record.logouts?.some(end => end.all))', to: 'cookie',
  }, {
    name: "that a cookie's sign-out comes first", mode: 'cookie', fails: 'a sign-out that the server has not heard of comes before',
    from: '(cookie || record.logouts?.some(end => end.all))', to: 'false',
  }, {
    name: 'the proof that a cookie can be renewed', mode: 'cookie', fails: 'a page whose cookie can not be renewed',
    from: 'if (cookie && here && home !== here.origin) await prove();', to: '',
  }, {
    name: 'the end of a session that can not be renewed', mode: 'cookie', fails: 'a page whose cookie can not be renewed',
    from: "call('/logout', { access_token: access }).catch(noop);", to: '',
  }, {
    name: 'that a disposed session does not start', mode: 'node', fails: 'a session that is disposed at once',
    from: 'if (gone || !home) return;', to: 'if (!home) return;',
    also: ['    if (gone) return;\n    settle();', '    settle();'],
  }, {
    name: 'that a disposed session does not wake', mode: 'body', fails: 'a session disposed at once',
    from: '    if (gone) return;\n    settle();', to: '    settle();',
    also: ['for (const end of ends) end();', ''],
  },
  {
    name: 'that a page which comes back looks', mode: 'cookie', fails: 'a page that the browser had put aside',
    from: "listen(globalThis, 'pageshow', wake);", to: '',
  }, {
    name: 'that an idle page renews', mode: 'cookie', fails: 'an EventSource on an idle page',
    from: '(waiters.size || !(left(record) > lead(record)))', to: 'waiters.size',
  },
  // ---- the API
  {
    name: 'the promise of isAuthError', mode: 'node', fails: 'an app that finds the refusal',
    from: 'const refused = await isAuthError(copy, sent);', to: 'const refused = !!isAuthError(copy, sent);',
  }, {
    name: 'the copy that isAuthError reads', mode: 'node', fails: 'an app that finds the refusal',
    from: 'isAuthError === refusesToken ? response : response.clone()', to: 'response',
  }, {
    name: 'which token was refused', mode: 'node', fails: 'token() for sockets',
    from: 'if (refused && own?.access === refused) await refresh({ need: true, refused });', to: 'if (refused) await refresh({ need: true, refused: own?.access });',
  }, {
    name: "the caller's Authorization", mode: 'node', fails: "a caller's own Authorization",
    from: " || headers.has('authorization')", to: '',
  }, {
    name: 'null as init', mode: 'node', fails: "a caller's own Authorization",
    from: 'init ??= {};', to: '',
  }, {
    name: 'that origins are origins', mode: 'node', fails: 'origins are taken as origins',
    from: "originOf(entry.replace('*', ' '))", to: 'entry',
  }, {
    name: 'that an asterisk is none', mode: 'node', fails: 'origins are taken as origins',
    from: "entry.replace('*', ' ')", to: 'entry',
  }, {
    name: 'that a listener is taken off', mode: 'node', fails: 'a finished request leaves no listener',
    from: "signal?.removeEventListener('abort', stop);", to: '',
  }, {
    name: 'the reason of a signal that has none', mode: 'node', fails: 'a signal without a reason',
    from: "signal.reason ?? Object.assign(new Error('Aborted'), { name: 'AbortError' })", to: 'signal.reason',
  }, {
    name: 'the longest timer', mode: 'node', fails: 'Infinity is a long time',
    from: 'timeout = Math.min(timeout, LONGEST_TIMER);', to: '',
  }, {
    name: 'what fetch threw', mode: 'node', fails: 'an error names its cause',
    from: 'if (!status) cause = thrown;', to: '',
  }, {
    name: 'that what was read is not quoted', mode: 'node', fails: 'an error names its cause',
    from: 'if (!status) cause = thrown;', to: 'cause = thrown;',
  }, {
    name: 'the last failure behind a wait', mode: 'node', fails: 'an error names its cause',
    from: "passing('queue_timeout', { retryAfter: pauseLeft(), cause: lastError })", to: "passing('queue_timeout')",
  }, {
    name: 'that redirects are not followed', mode: 'node', fails: 'a redirect is not followed',
    from: "redirect: 'manual',", to: '',
  }, {
    name: 'that no rare option is used', mode: 'node', fails: 'a runtime that knows neither',
    from: "redirect: 'manual',", to: "redirect: 'error',",
  }, {
    name: 'the event of a changed user', mode: 'node', fails: 'a user whose subscription changes',
    from: "else if (shown.user !== last.user) emit('user', { user });", to: '',
  }, {
    name: 'the locks of the app', mode: 'node', fails: '`locks` of the app',
    from: 'await locks.request(name', to: 'await navigator.locks.request(name',
  }, {
    name: 'that a BroadcastChannel may throw', mode: 'node', fails: 'a BroadcastChannel that throws',
    from: 'catch { /* there is none, or the browser refuses it: storage tells as well */ }', to: 'catch (error) { throw error; }',
  }, {
    name: 'that its postMessage may throw', mode: 'node', fails: 'a BroadcastChannel that throws',
    from: 'try { channel?.postMessage(news); } catch { /* the browser closed it: storage tells them */ }', to: 'channel?.postMessage(news);',
  }, {
    name: 'that a server renderer has no page', mode: 'node', fails: 'a server renderer',
    from: 'try { return originOf(url, here?.href); } catch { /* relative, and there is no page */ }', to: 'return originOf(url, here?.href);',
  },
];

/* Applies one; throws when its text is not there exactly once. `also`: a second place that does the same. */
export function mutate(source, { name, from, to, also }) {
  const mutant = source.replace(from, () => to);
  if (source.split(from).length !== 2 || mutant === source) throw new Error(`mutation "${name}" does not fit: ${from}`);
  return also ? mutate(mutant, { name, from: also[0], to: also[1] }) : mutant;
}
