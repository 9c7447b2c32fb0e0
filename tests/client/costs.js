// What each capability of the client costs: bytes of session.min.js, gzip -9, that are gone when its
// code is taken out. One at a time, so the sum isn't the whole: what two of them share stays.
//   node tests/client/costs.js             prints the table
//   node tests/client/costs.js --write     puts it between its marks in docs/client.md
//   node tests/client/costs.js --check     fails where the page has another one
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { execFileSync } from 'node:child_process';

const { minify } = createRequire(path.resolve('build/client') + '/')('terser');
const flags = /--compress (\S+)/.exec(fs.readFileSync('tests/client/build.sh', 'utf8'))[1];
const compress = Object.fromEntries(flags.split(',').map(flag => flag.split('=')).map(([name, value]) => [name, JSON.parse(value)]));
const source = fs.readFileSync('www/session.js', 'utf8');

/* As build.sh makes it and size.sh counts it. */
async function packed(text) {
  const { code } = await minify(text, { module: true, mangle: true, compress });
  return execFileSync('gzip', ['-9n'], { input: code + '\n' }).length;
}

/* [name]: the body of that function goes. [text, what stays]. */
const CAPABILITIES = {
  'a request that waits for its token, and asks half-way': [['queued']],
  'one retry of a refused request, never as somebody else': [["const renewed = () => safe ? moved(seen) : supplied(sent);\n    if (!renewed())\n      try { await waitFor(refresh({ need: !safe, refused: sent }), signal); } catch (error) { if (signal?.aborted) throw error; }\n    if (once || !live() || record.sid !== seen.sid || !renewed()) return response;\n    response.body?.cancel?.().catch(noop);\n    return send(spare, init, headers, safe);", 'return response;']],
  "the app's own `isAuthError`, given a copy": [['isAuthError === refusesToken ? response : response.clone()', 'response'], ['if (copy !== response) copy.body?.cancel?.().catch(noop);', '']],
  '`token({ refused })`': [['if (refused && own?.access === refused) await refresh({ need: true, refused });', '']],
  '`accessCookie`': [["accessCookie && /^(GET|HEAD)$/i.test(init.method || input.method || 'GET')", 'false']],
  'the Web Lock, its bound, and callbacks outside it': [["    try {\n      return await locks.request(name, { signal: abortAfter(timeout + 2e3) }, run);\n    } catch (error) {                 // not granted in time, or there are no locks here\n      if (entered) throw error;\n      if (left(record.busy)) await pause(50);\n      else if (!moved(seen)) return await run();\n      return exclusive(work, lag);\n    } finally {\n      if (entered) inLock--;\n      queueMicrotask(flush);\n    }", 'return run();']],
  'the other tabs: what they write, and what they say': [['hear'], ["if (same && moved(found) && !found.ended) emit('refreshed', { generation: gen, by: 'peer' });", '']],
  'limits of storms, pauses, Retry-After': [['admit'], ['backOff'], ['retryAfter']],
  'the commit guard: sign-out wins over a refresh in flight': [['if (out || moved(sent) && (id !== sid || gen > generation)) {', 'if (false) {']],
  'storage that throws, hangs, is torn or comes late': [['return waitFor(answer, null, timeout, () => { late = true; });', 'return answer;'], ['report'], ['if (found || again) {', '{']],
  'what could not be stored: written again, never built upon': [['if (known && unsaved() && !writing) await save(record);', ''], ["const found = decode(raw);\n    return found?.key && found.sid === record.sid ? found : record;", 'return record;']],
  'reading what 0.1.0 stored': [['{ rt, dead, pend, all, ...found } = JSON.parse(text)', 'found = JSON.parse(text)'], ['if (pend) return { out, logouts: [{ refresh: rt, all }] };', ''], ['found.refresh ??= rt;', ''], ['found.ended ??= dead;', '']],
  'sign-outs that are delivered later, replaced sessions that are ended': [['owe'], ['sendEnds'], ["if (old) call('/logout', { access_token: old.access }).catch(noop);", '']],
  'the proof that a cookie can be renewed': [['prove']],
  'a double click is one sign-in': [['return entries[what] ||= enter(credentials, path).finally(() => { delete entries[what]; });', 'return enter(credentials, path);']],
  'the fallback chain, `reauth()`': [['reauth']],
  'the event `expiring`': [['watch']],
  'the event `user`': [["else if (shown.user !== last.user) emit('user', { user });", '']],
  'wake-ups: focus, pageshow, online, visible; leaving a page': [["    listen(globalThis, 'focus', wake);\n    listen(globalThis, 'pageshow', wake);\n    listen(globalThis, 'online', wake);\n    listen(globalThis, 'pagehide', () => { leaving = true; });\n", ''], ["    listen(globalThis.document, 'visibilitychange', wake);\n", '']],
  '`dispose()`': [["    clearTimeout(timer);\n    channel?.close();\n    gone = true;\n    for (const end of ends) end();\n", ''], ['ends.push(() => target?.removeEventListener?.(type, callback));', '']],
  'signals of the caller, on React Native too': [["    stop = () => reject(signal.reason ?? Object.assign(new Error('Aborted'), { name: 'AbortError' }));\n    if (signal?.aborted) stop();\n    signal?.addEventListener('abort', stop);\n", ''], ["    signal?.removeEventListener('abort', stop);\n", '']],
  'origins that may see the token': [["[home || 0, ...origins.map(entry => originOf(entry.replace('*', ' ')))]", '[home || 0]']],
  '`age` and the times left': [['get age() { return record.since ? now() - record.created : null; },\n    get expiresIn() { return record.since ? left(record) : null; },\n    get idleExpiresIn() { return until(record.idle); },\n    get sessionExpiresIn() { return until(record.end); },', ''], ['created: t - (data.server_time - born) * 1e3,', '']],
};

function without(text, [what, stays]) {
  const body = new RegExp(`^(  )?((async )?function ${what}\\([^\\n]*\\) \\{)\\n[\\s\\S]*?\\n\\1?\\}\\n`, 'm');
  const changed = stays === undefined ? text.replace(body, (all, indent = '', head) => `${indent}${head}}\n`) : text.replace(what, () => stays);
  if (changed === text) throw new Error('costs.js does not fit session.js: ' + what);
  return changed;
}

const whole = await packed(source), rows = [];
for (const [name, cuts] of Object.entries(CAPABILITIES)) rows.push([name, whole - await packed(cuts.reduce(without, source))]);
rows.sort((a, b) => b[1] - a[1]);
const table = ['| capability | bytes |', '|---|---:|', ...rows.map(([name, bytes]) => `| ${name} | ${bytes} |`),
  `| all of session.min.js | ${whole} |`].join('\n');

const page = 'docs/client.md', [start, end] = ['<!-- costs: node tests/client/costs.js --write -->', '<!-- end -->'];
const text = fs.readFileSync(page, 'utf8');
const from = text.indexOf(start) + start.length, to = text.indexOf(end, from);
const wanted = text.slice(0, from) + `\n\n${table}\n\n` + text.slice(to);
if (process.argv[2] === '--write') fs.writeFileSync(page, wanted);
else if (process.argv[2] !== '--check') console.log(table);
else if (wanted !== text) { console.error(`${page} has another table than costs.js makes; run it with --write`); process.exit(1); }
