// What www/dpop.js promises, in Chromium against the real server, and what must not be taken out of it: run.js suite=dpop.
// Each scenario's pages have dpop.js in their session, unless it says otherwise. A proof is verified here by Node's own
// crypto, and by the server.
import crypto from 'node:crypto';
import { boundPage, inPage, MIN, Unmet } from './browser.js';
import { readPage } from './recipes/page.js';

export const scenarios = [], nodeScenarios = [];
const test = (name, run, limits) => scenarios.push({ name, run, modes: ['cookie', 'body'], config: {}, bound: true, ...limits });
const bodyOnly = { modes: ['body'] };

const state = page => page.evaluate(() => window.s.state);
const refresh = page => page.evaluate(() => window.attempt(window.s.refresh()));
const events = (page, type) => page.evaluate(t => window.events.filter(e => e.type === t), type);
const setSkew = (page, ms) => page.evaluate(v => window.setSkew(v), ms);
const get = (page, url) => page.evaluate(u => window.get(u), url);
const lose = page => page.evaluate(() => new Promise(resolve => { indexedDB.deleteDatabase('latchkey').onsuccess = resolve; }));
const recipe = (section, file) => readPage('docs/dpop.md').block(section, file);
const part = text => JSON.parse(Buffer.from(text, 'base64url'));

/* The proof of a request that the proxy saw: its parts, and whether the key in it has signed it. */
function proof({ headers }) {
  if (!headers.dpop) return null;
  const [head, claims, signature] = headers.dpop.split('.'), { jwk, ...header } = part(head);
  const key = { key: crypto.createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' };
  return { header, jwk, ...part(claims), good: crypto.verify('sha256', `${head}.${claims}`, key, Buffer.from(signature, 'base64url')) };
}

const statuses = entries => entries.map(e => e.status);
const keys = entries => new Set(entries.map(e => proof(e).jwk.x)).size;
const newest = t => t.proxy.log.filter(e => e.data?.access_token).at(-1);

/* That a sign-in works at all is what is looked at. */
const needed = promise => promise.catch(error => { throw new Unmet('sign-in: ' + error.message); });
const signedIn = (t, ...how) => needed(t.signedIn(...how));
const register = (t, page) => needed(t.register(page));

/* What a thief's browser has: cookies and script storage of the owner's, and no more. */
async function copied(t, { from = t.context, page } = {}) {
  const context = await t.browser.newContext({ storageState: await from.storageState() });
  await context.addInitScript(inPage, t.mode);
  await context.addInitScript(boundPage);
  const copy = await context.newPage();
  await copy.goto(t.proxy.origin + '/page');
  if (page) await copy.evaluate(p => window.boot(p), page);
  return { context, page: copy };
}

async function signedInAgain(t, page) {
  return page.evaluate(password => window.s.reauth({ password: user => window.s.signIn({ username: user.username, password }) })
    .then(step => [step, window.s.state]), 'correct horse ' + t.username);
}

// ---- proofs

test('a bound session shows its key at the sign-in and at each refresh, and to nobody else', async t => {
  const page = await signedIn(t);
  for (let i = 0; i < 5; i++) t.equal(await refresh(page), 'ok', 'a refresh');
  const shown = [...t.proxy.of('/register'), ...t.proxy.of('/refresh')];
  t.equal(statuses(shown), [400, 201, 200, 200, 200, 200, 200], 'the first is told of a nonce, the others have it');
  t.equal(shown[0].raw.equals(shown[1].raw), true, 'the same request again');
  for (const entry of shown) {
    const { header, jwk, htm, htu, good } = proof(entry);
    t.equal([header, jwk.kty, jwk.crv, 'd' in jwk], [{ typ: 'dpop+jwt', alg: 'ES256' }, 'EC', 'P-256', false], 'its header');
    t.equal([good, htm, htu], [true, 'POST', t.proxy.origin + entry.url], 'signed, for this request');
    t.ok(Math.abs(proof(entry).iat - Date.now() / 1e3) < 600, 'when');
  }
  t.equal([keys(shown), new Set(shown.map(e => proof(e).jti)).size], [1, shown.length], 'keys, names');
  t.equal((await get(page, '/app/echo')).status, 200, 'a request of the app');
  t.equal(await page.evaluate(() => window.s.fetch('/app/login', { method: 'POST', headers: { 'x-own': 'kept' } }).then(r => r.status)), 200, 'a path of its own');
  const own = t.proxy.log.filter(e => e.path.startsWith('/app/'));
  t.equal(own.map(e => [e.headers.dpop ?? null, e.headers.authorization?.split(' ')[0]]), [[null, 'Bearer'], [null, 'Bearer']], 'they show none');
  t.equal(own[1].headers['x-own'], 'kept', 'and are left as they are');
  for (const path of ['/passkeys/login', '/wallet/login', '/login']) {
    await page.evaluate(p => window.attempt(window.s.signIn({ username: 'x', password: 'x' }, p)), path);
    t.ok(proof(t.proxy.of(path)[0])?.good, `${path} shows one`);
  }
});

test('the list of sessions tells that it is bound; one without dpop.js is not', async t => {
  const bound = async page => {
    const token = await page.evaluate(() => window.s.token()), id = await page.evaluate(() => window.s.id);
    return (await t.direct('/sessions', { method: 'GET', token })).json.data.find(s => s.id === id).bound ?? false;
  };
  t.equal(await bound(await signedIn(t)), true, 'with');
  t.equal(await bound(await signedIn(t, { bound: false, name: 'other' })), false, 'without');
});

test('a nonce that has run out is renewed unseen, by the same request', async t => {
  const page = await signedIn(t);
  t.proxy.when('/refresh', { change: reply => { reply.headers['dpop-nonce'] = 'A'.repeat(22); } });
  t.equal([await refresh(page), await refresh(page)], ['ok', 'ok'], 'refreshes');
  const [, old, again] = t.proxy.of('/refresh');
  t.equal(statuses(t.proxy.of('/refresh')), [200, 400, 200], 'answers');
  t.equal([old.raw.equals(again.raw), proof(again).nonce === proof(old).nonce], [true, false], 'the same body, another nonce');
  t.equal((await events(page, 'error')).length, 0, 'errors that the app hears of');
});

// ---- what it is for

test('a copied record of storage can not be refreshed, and the owner goes on', async t => {
  const page = await signedIn(t), grant = t.lastGrant();
  const thief = await copied(t, { page: {} });
  t.equal([await refresh(thief.page), await state(thief.page)], ['key_lost', 'locked'], 'a browser without the key');
  t.equal((await t.refreshAs(grant, 'the-key-of-the-thief-0123456789ab')).json.error?.code, 'invalid_dpop_proof', 'without a proof');

  // A thief who has a key of his own: he signs in as himself, and puts the copy in its place.
  const other = await copied(t);
  await other.context.clearCookies();
  await other.page.evaluate(() => localStorage.clear());
  await other.page.evaluate(() => window.boot());
  await other.page.evaluate(u => window.s.signIn({ username: u, password: 'correct horse ' + u }, '/register'), 'thief' + crypto.randomBytes(6).toString('hex'));
  const { cookies, origins: [{ localStorage: found }] } = await t.context.storageState();
  await other.page.evaluate(items => { window.s.dispose(); for (const { name, value } of items) localStorage.setItem(name, value); }, found);
  await other.context.clearCookies();
  await other.context.addCookies(cookies);
  await other.page.evaluate(() => window.boot());
  t.equal(await other.page.evaluate(() => window.s.user.username), t.username, 'the copy is in place');
  t.equal(await refresh(other.page), 'key_lost', 'by another key');

  t.equal([await refresh(page), await state(page)], ['ok', 'active'], 'the owner');
  await setSkew(page, 16 * MIN);
  t.equal((await get(page, '/app/echo')).status, 200, 'a request of the owner');
  for (const { context } of [thief, other]) await context.close();
});

test('control: a copy of a session that is not bound can be refreshed', async t => {
  await signedIn(t, { bound: false });
  const thief = await copied(t, { page: {} });
  t.equal(await refresh(thief.page), 'ok', 'the thief');
  await thief.context.close();
});

test('no script can read the key', async t => {
  const page = await signedIn(t);
  const told = await page.evaluate(() => new Promise(resolve => {
    const opening = indexedDB.open('latchkey');
    opening.onsuccess = () => {
      const reading = opening.result.transaction('dpop').objectStore('dpop').getAll();
      reading.onsuccess = async () => {
        const [{ privateKey }] = reading.result, read = format => crypto.subtle.exportKey(format, privateKey).then(() => 'read', e => e.name);
        resolve([reading.result.length, privateKey.extractable, await read('jwk'), await read('pkcs8')]);
      };
    };
  }));
  t.equal(told, [1, false, 'InvalidAccessError', 'InvalidAccessError'], 'keys, extractable, what a script gets');
});

test('an answer lost on the way costs nothing', async t => {
  const page = await signedIn(t);
  t.proxy.always('/refresh', { drop: true });
  t.equal(await refresh(page), 'network', 'a refresh');
  t.proxy.clear('/refresh');
  t.equal([await refresh(page), await state(page)], ['ok', 'active'], 'the next');
});

// ---- tabs

test('tabs that make a key at once end with one', async t => {
  const tabs = await Promise.all([1, 2, 3, 4].map(() => t.blank()));
  const answers = await Promise.all(tabs.map((page, i) => page.evaluate(async body => {
    const { dpop } = await import('/dpop.js');
    return (await dpop()('/api/auth/register', { method: 'POST', headers: { 'content-type': 'application/json' }, body })).status;
  }, JSON.stringify({ username: 'k' + i + crypto.randomBytes(6).toString('hex'), password: 'correct horse battery' }))));
  t.equal(answers, [201, 201, 201, 201], 'sign-ins');
  t.equal(keys(t.proxy.of('/register')), 1, 'keys');
});

test('a sign-in in another tab: this one goes on with its session, by the same key', async t => {
  const page = await signedIn(t), peer = await t.tab();
  await register(t, peer);
  await t.until(() => page.evaluate(u => window.s.user?.username === u, t.username), 'the other user');
  t.equal([await refresh(page), await refresh(peer)], ['ok', 'ok'], 'refreshes');
  t.equal(keys([...t.proxy.of('/register'), ...t.proxy.of('/refresh')]), 1, 'keys');
});

test('each base has a key of its own', async t => {
  const page = await signedIn(t), base = t.proxy.origin.replace('localhost', '127.0.0.1') + '/api/auth';
  t.proxy.cors = t.proxy.origin;
  await page.evaluate(b => window.boot({ base: b, name: 'other', storage: undefined }), base);
  await register(t, page);
  t.equal(await refresh(page), 'ok', 'a refresh there');
  const [, first, , second] = t.proxy.of('/register');
  t.equal([keys([first]), keys([first, second]), proof(second).htu], [1, 2, base + '/register'], 'keys, the address');
}, bodyOnly);

// ---- a lost key

test('a lost key: asked to sign in again, in every tab, and the next session has a new key', async t => {
  const page = await signedIn(t), peer = await t.tab();
  await lose(page);
  t.equal([await refresh(page), await state(page)], ['key_lost', 'locked'], 'the refresh, the state');
  t.equal((await events(page, 'reauth')).map(e => [e.reason, e.user.username]), [['key_lost', t.username]], 'reauth');
  await t.until(async () => await state(peer) === 'locked', 'the other tab is locked');
  t.equal((await events(peer, 'reauth')).map(e => [e.reason, e.user.username]), [['key_lost', t.username]], 'it is asked for the same user');
  const before = t.refreshes;
  t.equal([await refresh(page), await refresh(peer), t.refreshes], ['key_lost', 'key_lost', before], 'and no more is sent');
  t.equal(await signedInAgain(t, page), ['password', 'active'], 'the chain');
  await t.until(async () => await state(peer) === 'active', 'the other tab follows');
  t.equal([await refresh(page), await refresh(peer)], ['ok', 'ok'], 'refreshes');
  t.equal([keys([...t.proxy.of('/register'), ...t.proxy.of('/login')]), keys([t.proxy.of('/login').at(-1), t.proxy.of('/refresh').at(-1)])], [2, 1], 'keys');
});

test('a key that took the lost one\'s place is told from it', async t => {
  const page = await signedIn(t);
  await lose(page);
  const wrong = await page.evaluate(async mode => {
    const { createSession } = await import('/session.js'), { dpop } = await import('/dpop.js');
    const other = createSession({ mode, name: 'other', storage: undefined, fetch: dpop() });
    return other.signIn({ username: 'nobody', password: 'nothing at all' }).catch(e => e.code);
  }, t.mode);
  t.equal(wrong, 'invalid_credentials', 'a sign-in that failed, and made a key');
  t.equal([await refresh(page), await state(page)], ['key_lost', 'locked'], 'a tab that has a nonce');
  t.equal(await signedInAgain(t, page), ['password', 'active'], 'the chain');
});

test('a server that takes no proof of this page ends nothing', async t => {
  const page = await signedIn(t), peer = await t.tab();
  t.proxy.host = 'elsewhere.example';
  t.equal([await refresh(page), await state(page)], ['invalid_dpop_proof', 'active'], 'a tab that has a nonce');
  t.equal([await refresh(peer), await state(peer)], ['invalid_dpop_proof', 'active'], 'one that has none');
  t.proxy.host = undefined;
  t.equal([await refresh(page), await state(page)], ['ok', 'active'], 'afterwards');
}, bodyOnly);

// ---- storage and runtimes that fail

/* IndexedDB that does what window.idb says. */
function breakable() {
  const { open } = IDBFactory.prototype;
  IDBFactory.prototype.open = function broken(...args) {
    if (window.idb === 'throws') throw new DOMException('no', 'SecurityError');
    const opening = window.idb ? {} : open.apply(this, args);
    if (window.idb === 'fails') setTimeout(() => opening.onerror(new Event('error')));
    return opening;
  };
}

for (const way of ['throws', 'fails', 'hangs']) {
  test(`IndexedDB that ${way} is no lost key: as without a network`, async t => {
    const page = await signedIn(t, {}, breakable);
    await page.evaluate(w => { window.idb = w; }, way);
    const trying = page.evaluate(() => { window.outcome = null; window.attempt(window.s.refresh()).then(o => { window.outcome = o; }); });
    await trying;
    await t.until(() => page.evaluate(() => window.outcome), 'an outcome');
    t.equal([await page.evaluate(() => window.outcome), await state(page)], ['network', 'active'], 'a refresh, the state');
    t.equal((await events(page, 'error')).map(e => [e.code ?? e.message, e.transient]).at(-1)?.[1], true, 'what the app hears is transient');
    await page.evaluate(() => { window.idb = null; });
    t.equal([await refresh(page), await state(page)], ['ok', 'active'], 'when it works again');
  });
}

test('where the key can not be stored a sign-in binds nothing, and works', async t => {
  const page = await t.blank(breakable);
  await page.evaluate(() => { window.idb = 'throws'; return window.boot(); });
  await register(t, page);
  t.equal([await refresh(page), await state(page)], ['ok', 'active'], 'a refresh');
  t.equal([...t.proxy.of('/register'), ...t.proxy.of('/refresh')].map(proof), [null, null], 'no proof');
});

const withoutCrypto = () => { Object.defineProperty(window.crypto, 'subtle', { value: undefined }); };

test('without WebCrypto a sign-in binds nothing; a session that is bound says why it can not be renewed', async t => {
  const page = await signedIn(t, {}, withoutCrypto);
  t.equal([await refresh(page), proof(t.proxy.of('/refresh')[0])], ['ok', null], 'a refresh');
  await page.close();
  const before = await t.tab();
  await register(t, before);
  await before.close();
  const after = await t.tab({}, withoutCrypto);
  t.equal([await refresh(after), await state(after)], ['key_lost', 'locked'], 'a bound one');
  t.equal(await signedInAgain(t, after), ['password', 'active'], 'the chain');
});

// ---- the page's recipes

/* A script of the page with a name: import('/NAME'). */
const serveRecipe = (t, section, file) => t.context.route('**/' + file, route => route.fulfill({ contentType: 'text/javascript', body: recipe(section, file) }));

test('the recipe of docs/dpop.md: a lost key leads to the password', async t => {
  await serveRecipe(t, 'Turn it on', 'bound.js');
  const page = await t.blank();
  await page.evaluate(async () => {
    window.s = (await import('/bound.js')).session;
    await window.s.ready;
  });
  await register(t, page);
  t.ok(proof(t.proxy.of('/register').at(-1))?.good, 'bound');
  await page.evaluate(password => { window.showPasswordScreen = user => window.s.signIn({ username: user.username, password }); }, 'correct horse ' + t.username);
  await lose(page);
  t.equal(await refresh(page), 'key_lost', 'a refresh');
  await t.until(async () => await state(page) === 'active', 'the chain');
  t.equal(await refresh(page), 'ok', 'the next session');
}, { modes: ['cookie'] });

test('the recipe of docs/dpop.md to turn it off: who is bound stays signed in, sign-ins bind nothing', async t => {
  await serveRecipe(t, 'Turn it off', 'off.js');
  await (await signedIn(t)).close();
  const page = await t.blank();
  await page.evaluate(async () => {
    window.s = (await import('/off.js')).session;
    await window.s.ready;
  });
  t.equal(await refresh(page), 'ok', 'a session that was bound');
  await register(t, page);
  t.equal([await refresh(page), t.proxy.of('/register').filter(e => proof(e)).length], ['ok', 2], 'the next, whose sign-in shows none');
}, { modes: ['cookie'] });

// ---- sessions of before

test('a session of before dpop.js goes on without a key, and the next sign-in binds', async t => {
  const page = await signedIn(t, { bound: false });
  await page.close();
  const later = await t.tab();
  t.equal([await refresh(later), proof(t.proxy.of('/refresh').at(-1))], ['ok', null], 'a refresh, its proof');
  await later.evaluate(([username, password]) => window.s.signIn({ username, password }), [t.username, 'correct horse ' + t.username]);
  t.equal(await refresh(later), 'ok', 'the next session');
  t.ok(proof(t.proxy.of('/refresh').at(-1))?.good, 'is bound');
  t.equal(newest(t).status, 200, 'and renewed');
});

export const mutations = [
  { name: 'the nonce', mode: 'body', fails: 'a nonce that has run out', from: ', nonce },\n        ].map', to: ' },\n        ].map' },
  { name: 'the second try', mode: 'cookie', fails: 'a nonce that has run out', from: 'if (!taken && /dpop_nonce/.test(text)) taken = true;', to: 'if (false);' },
  { name: 'that the key is kept from scripts', mode: 'body', fails: 'no script can read the key', from: "generateKey(sha256, false, ['sign'])", to: "generateKey(sha256, true, ['sign'])" },
  { name: 'that the address has no query', mode: 'body', fails: 'a bound session shows its key', from: 'new Request(input).url', to: "new Request(input).url + '?a=1'" },
  { name: 'that each proof has a name of its own', mode: 'body', fails: 'a bound session shows its key', from: "'' + Math.random() + Math.random()", to: "'1'" },
  { name: 'that the proof is for a POST', mode: 'cookie', fails: 'a bound session shows its key', from: "htm: 'POST'", to: "htm: 'GET'" },
  { name: 'that a nonce is kept', mode: 'cookie', fails: 'a bound session shows its key', from: "nonce = response.headers.get('dpop-nonce');", to: "nonce = taken ? null : response.headers.get('dpop-nonce');" },
  { name: 'that others see no proof', mode: 'body', fails: 'a bound session shows its key', from: " || ('' + input).indexOf(base)", to: '' },
  { name: 'that a sign-in shows the key', mode: 'body', fails: 'a copied record of storage', from: '/(login|register|refresh)$/', to: '/(refresh)$/' },
  { name: 'that tabs share a key', mode: 'cookie', fails: 'tabs that make a key at once', from: 'resolve(found.result || fresh);', to: 'resolve(fresh || found.result);' },
  { name: 'that the first key stays', mode: 'cookie', fails: 'a sign-in in another tab', from: 'found.result || (fresh && keys.put(fresh, base));', to: 'fresh && keys.put(fresh, base);', also: ['resolve(found.result || fresh);', 'resolve(fresh || found.result);'] },
  { name: 'that each base has a key', mode: 'body', fails: 'each base has a key', from: 'found = keys.get(base);', to: "found = keys.get('');", also: ['keys.put(fresh, base)', "keys.put(fresh, '')"] },
  { name: 'the word for a lost key', mode: 'body', fails: 'a lost key', from: "if (taken || !pair) return new Response('{\"error\":{\"code\":\"key_lost\"}}', { status: 401 });", to: 'if (taken || !pair) return response;' },
  { name: 'that a proof is tried without the old nonce', mode: 'cookie', fails: "a key that took the lost one's place", from: 'if (!shown) return response;', to: 'return response;' },
  { name: "that the server's trouble is no lost key", mode: 'body', fails: 'a server that takes no proof', from: 'if (taken || !pair) return new', to: 'if (true) return new' },
  { name: 'that unreadable is not empty', mode: 'cookie', fails: 'IndexedDB that throws', from: '.catch(() => 0)', to: '.catch(() => {})' },
  { name: 'that a failure is told', mode: 'body', fails: 'IndexedDB that fails', from: 'opening.onerror = reject;', to: 'opening.onerror = () => resolve();' },
  { name: 'the bound of IndexedDB', mode: 'body', fails: 'IndexedDB that hangs', from: 'setTimeout(reject, 3e3);', to: '' },
  { name: 'that it may be missing', mode: 'body', fails: 'without WebCrypto', from: 'const pair = subtle && await', to: 'const pair = await' },
  { name: 'that a sign-in goes on without a key', mode: 'cookie', fails: 'where the key can not be stored', from: '.catch(() => 0)', to: '' },
  { name: 'that a session of before stays as it is', mode: 'body', fails: 'a session of before', from: '!renews && await subtle', to: 'await subtle' },
];
