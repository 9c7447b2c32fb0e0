// supabase-js, unmodified, against the server by option gotrue, as docs/supabase.md says. TAP.
//   node main.js [only=TEXT]
// Each scenario is a user of its own, in a network of its own; a proxy loses answers and speaks for servers that are worse.
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { launchBrowser } from '../browser.js';
import { openProxy } from '../proxy.js';
import { readPage } from '../recipes/page.js';
import { admin, upstream } from '../upstream.js';
import { runGroups, same } from '../groups.js';
import { Walker } from '../oauth/walk.js';

const built = path.resolve('build/supabase'), TOKEN = '/auth/v1/token';
const { createClient } = createRequire(path.join(built, 'package.json'))('@supabase/supabase-js');
const page = readPage('docs/supabase.md');
const printed = Object.fromEntries(page.block('Turn it on', 'latchkey.conf').trim().split('\n').map(line => line.split(' = ')));
const sleep = ms => new Promise(resolve => { setTimeout(resolve, ms); });
const until = async condition => { for (let i = 0; !await condition(); i++) { if (i > 1200) throw new Error('in vain: ' + condition); await sleep(50); } };
const sidOf = session => JSON.parse(Buffer.from(session.access_token.split('.')[1], 'base64url')).sid;
const wordOf = ({ error }) => error ? `${error.status} ${error.code}` : 'ok';
console.warn = () => {};                // of a refresh that failed, among what the package says

/* A page: a client with its storage, which others may share. */
class Tab {
  constructor(bench, slot = new Map()) {
    Object.assign(this, { bench, slot, events: [] });
    const storage = { getItem: key => slot.get(key) ?? null, setItem: (key, value) => { slot.set(key, value); }, removeItem: key => { slot.delete(key); } };
    this.client = createClient(bench.proxy.origin, 'none', { auth: { storage, storageKey: 'session', autoRefreshToken: false }, global: { fetch: (...args) => this.fetch(...args) } });
    this.auth = this.client.auth;
    this.auth.onAuthStateChange(event => { this.events.push(event); });
    bench.tabs.push(this);
  }

  fetch(...args) { return this.dead ? new Promise(() => {}) : fetch(...args); }
  get stored() { return JSON.parse(this.slot.get('session') ?? 'null'); }
  get session() { return this.auth.getSession().then(({ data }) => data.session); }

  /* What is stored of it is this much closer to the access token's end, as the package reads it. */
  age(seconds) { this.slot.set('session', JSON.stringify({ ...this.stored, expires_at: Math.floor(Date.now() / 1000) + 900 - seconds })); }
  expire() { this.age(901); }
  lost() { return this.stored === null && this.events.includes('SIGNED_OUT'); }
}

class Bench {
  static async open({ port, ...config } = {}, kind = 'serve') {
    const bench = new Bench();
    bench.server = await upstream(kind, { ...printed, ...config });
    bench.proxy = await openProxy({ upstream: bench.server, module: '', port });
    bench.tabs = [];
    bench.user = { email: 's' + crypto.randomBytes(6).toString('hex') + '@example.org', password: 'correct horse battery' };
    return bench;
  }

  tab(slot) { return new Tab(this, slot); }
  async signedUp() {
    const tab = this.tab();
    const { error } = await tab.auth.signUp(this.user);
    if (error) throw new Error('sign-up: ' + wordOf({ error }) + ' ' + error.message);
    return tab;
  }
  async signedIn() {
    const tab = this.tab();
    const { error } = await tab.auth.signInWithPassword(this.user);
    if (error) throw new Error('sign-in: ' + wordOf({ error }));
    return tab;
  }

  get refreshes() { return this.proxy.log.filter(entry => entry.url?.includes('grant_type=refresh_token')).length; }
  async ask(method, where, { token, body, form, headers } = {}) {
    const type = form ? 'application/x-www-form-urlencoded' : 'application/json';
    const response = await fetch(`${this.proxy.origin}/auth/v1${where}`, {
      method, body: form ? new URLSearchParams(form).toString() : body && JSON.stringify(body),
      headers: { ...(form || body) && { 'content-type': type }, ...token && { authorization: 'Bearer ' + token }, ...headers },
    });
    const text = await response.text();
    let json = null;
    try { json = JSON.parse(text); } catch { /* empty */ }
    return { status: response.status, json, headers: response.headers };
  }
  async close() { for (const { auth } of this.tabs) await auth.stopAutoRefresh(); await this.proxy.close(); }
}

const groups = [];
const scenario = (name, config, story, kind) => groups.push([name, async () => {
  const bench = await Bench.open(config, kind);
  try { await story(bench, (got, want, what) => same(got, want, `${name}: ${what}`)); } finally { await bench.close(); }
}]);

/* ---- as printed ---- */

scenario('the page', {}, async ({ proxy }, is) => {
  const to = path.join(built, 'run', String(process.pid));
  fs.mkdirSync(to, { recursive: true });
  process.on('exit', () => fs.rmSync(to, { recursive: true, force: true }));
  fs.writeFileSync(path.join(to, 'package.json'), '{"type":"module"}');
  fs.writeFileSync(path.join(to, 'supabase.js'), page.block('Turn it on', 'supabase.js').replace('https://auth.example.com', proxy.origin));
  fs.writeFileSync(path.join(to, 'app.js'), page.block('Turn it on', 'app.js'));
  const app = await import(path.join(to, 'app.js'));
  is(['made', 'signedIn', 'known', 'changed', 'gone'].map(name => wordOf(app[name])), Array(5).fill('ok'), 'each call of it');
  is([app.made.data.user.email, app.known.data.user.id], ['ada@example.org', app.made.data.user.id], 'the user');
  is(page.unread(), [], 'no block of it is left');
});

/* ---- signing in ---- */

scenario('signing in', {}, async (bench, is) => {
  const tab = bench.tab(), { email, password } = bench.user;
  is(wordOf(await tab.auth.signUp({ email, password: 'short' })), '422 weak_password', 'a weak password');
  is(wordOf(await tab.auth.signUp({ email, password, options: { data: { name: 'Ada' } } })), '400 validation_failed', 'data that would not be kept');
  const made = await tab.auth.signUp({ email, password });
  is([wordOf(made), made.data.user.email, made.data.session.user.id, tab.events.at(-1)], ['ok', email, made.data.user.id, 'SIGNED_IN'], 'signed up');
  is(wordOf(await bench.tab().auth.signUp({ email, password })), '422 user_already_exists', 'the name is taken');
  is(wordOf(await tab.auth.signInWithPassword({ email, password: 'wrong' })), '400 invalid_credentials', 'a wrong password');
  const { user } = (await tab.auth.getUser()).data;
  is([user.role, user.user_metadata, user.app_metadata.username], ['authenticated', {}, email], 'its user');
  is(Math.abs(Date.parse(user.created_at) - Date.now()) < 60e3, true, 'since now');
  admin(bench.server, 'user', 'set', email, 'groups', 'staff');
  is((await tab.auth.getUser()).data.user.app_metadata.groups, ['staff'], 'his groups');
  is((await tab.auth.getClaims()).data.claims.sid, sidOf(made.data.session), 'its claims');
  const { data } = await bench.tab().auth.setSession(made.data.session);
  is(data.session && sidOf(data.session), sidOf(made.data.session), 'a session that is carried over');
  is((await bench.ask('GET', '/me', { token: made.data.session.access_token })).json.data.username, email, 'the app API knows the token');
});

/* ---- refreshing ---- */

scenario('by itself', {}, async (bench, is) => {
  const tab = await bench.signedUp(), before = tab.stored;
  tab.age(880);
  await tab.auth.startAutoRefresh();
  await until(() => tab.events.includes('TOKEN_REFRESHED'));
  is([bench.refreshes, sidOf(tab.stored) === sidOf(before), tab.stored.refresh_token !== before.refresh_token], [1, true, true], 'a session near its end is refreshed');
  is((await tab.auth.getUser()).data.user.email, bench.user.email, 'and goes on');
});

scenario('in parallel', {}, async (bench, is) => {
  const tab = await bench.signedUp(), sid = sidOf(tab.stored);
  tab.expire();
  const ten = await Promise.all(Array.from({ length: 10 }, () => tab.session));
  is([ten.every(session => session && sidOf(session) === sid), bench.refreshes], [true, 1], 'ten calls at once are one refresh');
  const others = [bench.tab(tab.slot), bench.tab(tab.slot)];
  tab.expire();
  const three = await Promise.all([tab, ...others].map(({ session }) => session));
  is(three.every(session => session && sidOf(session) === sid), true, 'three tabs at once');
  tab.expire();
  is([!!await others[0].session, tab.lost()], [true, false], 'and go on');
});

scenario('a lost answer', {}, async (bench, is) => {
  const tab = await bench.signedUp(), sid = sidOf(tab.stored);
  tab.expire();
  bench.proxy.when(TOKEN, { drop: true }, { drop: true });
  const session = await tab.session;
  is([session && sidOf(session), bench.refreshes, tab.lost()], [sid, 3, false], 'it tries again, and is signed in');
});

/* A page that is closed while the answers are lost, and loaded again when the grace is over. */
async function reload(bench) {
  const tab = await bench.signedUp();
  tab.expire();
  bench.proxy.when(TOKEN, { drop: true });
  void tab.session;
  await until(() => bench.proxy.of(TOKEN).at(-1)?.reply?.refresh_token);
  tab.dead = true;
  await sleep(2300);                    // the server counts whole seconds
  const again = bench.tab(tab.slot), session = await again.session;
  return { again, session };
}
scenario('a page that is loaded again', { reuse_grace: '1s' }, async (bench, is) => {
  const { again, session } = await reload(bench);
  is([!!session, again.lost()], [true, false], 'goes on by retry_window');
});
scenario('a page that is loaded again, control', { reuse_grace: '1s', retry_window: '0' }, async (bench, is) => {
  const { again, session } = await reload(bench);
  is([!!session, again.lost()], [false, true], 'and is signed out without it');
});

/* ---- trouble ---- */

/* The server's own: its store is gone while it is asked. */
const troubleOf = ({ data }) => ({
  before: () => { fs.renameSync(path.join(data, 'latchkey.db'), path.join(data, 'gone')); },
  after: () => { fs.renameSync(path.join(data, 'gone'), path.join(data, 'latchkey.db')); },
});

/* A server of its own: others are asked at the same time. */
scenario('a store that is gone', { brand: 'gone' }, async (bench, is) => {
  const tab = await bench.signedUp(), sid = sidOf(tab.stored), trouble = troubleOf(bench.server);
  tab.expire();
  bench.proxy.when(TOKEN, trouble, trouble);
  const session = await tab.session, told = bench.proxy.of(TOKEN)[0];
  is([told.status, told.reply.code, told.reply.error_code, typeof told.reply.msg], [503, 503, 'store_unavailable', 'string'], 'is told in its shape');
  is([session && sidOf(session), bench.refreshes, tab.lost()], [sid, 3, false], 'it tries again, and is signed in');
  bench.proxy.when('/auth/v1/user', trouble);
  const { error } = await tab.auth.getUser();
  is([error.name, error.status, tab.lost()], ['AuthRetryableFetchError', 503, false], 'getUser');
  bench.proxy.when('/auth/v1/logout', trouble);
  is([(await tab.auth.signOut()).error?.status, tab.lost()], [503, false], 'signing out everywhere, which was not done');
  is([wordOf(await tab.auth.signOut()), tab.lost()], ['ok', true], 'and then is');
});

/* Of a double's answer: what becomes of a session whose access token has expired, once and when the page is loaded again. */
async function told(bench, status) {
  const tab = await bench.signedUp();
  tab.expire();
  bench.proxy.always(TOKEN, { status, json: { code: status, error_code: 'over_request_rate_limit', msg: '' } });
  const session = await tab.session;
  bench.proxy.clear(TOKEN);
  return { session, lost: tab.lost(), again: tab.stored && await bench.tab(tab.slot).session };
}
scenario('503 for half a minute', {}, async (bench, is) => {
  const { session, lost, again } = await told(bench, 503);
  is([session, lost, !!again], [null, false, true], 'the session is kept');
  is(bench.refreshes >= 8, true, `it tried again (${bench.refreshes})`);
});
for (const status of [429, 400, 401]) {
  scenario(`control: a server that answers ${status} for trouble`, {}, async (bench, is) => {
    const { session, lost, again } = await told(bench, status);
    is([session, lost, again, bench.refreshes], [null, true, null, 1], 'loses the session');
  });
}

scenario('the throttle', {}, async (bench, is) => {
  const tab = await bench.signedUp(), { email } = bench.user;
  for (let i = 0; i < 8; i++) await bench.ask('POST', '/token?grant_type=password', { body: { email, password: 'wrong' } });
  const other = bench.tab(tab.slot);
  is([wordOf(await other.auth.signInWithPassword(bench.user)), !!tab.stored], ['429 over_request_rate_limit', true], 'whoever tries too often waits, and keeps his session');
  for (let i = 0; i < 30; i++) {
    tab.expire();
    if (!await tab.session) break;
  }
  is([bench.refreshes, bench.proxy.of(TOKEN).filter(entry => entry.url.includes('refresh')).every(entry => entry.status === 200)], [30, true], 'a refresh is never throttled');
});

/* ---- reuse ---- */

scenario('a copied session', { reuse_grace: '1s', retry_window: '0' }, async (bench, is) => {
  const tab = await bench.signedUp(), thief = bench.tab(new Map(tab.slot));
  tab.expire();
  is(!!await tab.session, true, 'its owner refreshes');
  await sleep(2300);
  bench.proxy.move();
  thief.expire();
  is([await thief.session, thief.lost()], [null, true], 'the thief gets nothing');
  is(bench.proxy.of(TOKEN).at(-1).reply.error_code, 'refresh_token_already_used', 'as it is reuse');
  tab.expire();
  is([await tab.session, tab.lost(), bench.proxy.of(TOKEN).at(-1).reply.error_code], [null, true, 'session_expired'], 'and the session is over');
});

/* ---- the user ---- */

scenario('another password', {}, async (bench, is) => {
  const tab = await bench.signedUp(), other = await bench.signedIn(), password = 'another long one';
  for (const wish of [{ data: { subscription: 'gold' } }, { phone: '+4912345' }, { email: 'else@example.org' }]) {
    is(wordOf(await tab.auth.updateUser({ ...wish, password })), '400 validation_failed', `what can't be kept is refused: ${Object.keys(wish)}`);
  }
  is(wordOf(await other.auth.signInWithPassword(bench.user)), 'ok', 'with all else');
  is(wordOf(await tab.auth.updateUser({ password: 'short' })), '422 weak_password', 'a weak one');
  const { data, error } = await tab.auth.updateUser({ password });
  is([error, data.user.email, tab.events.at(-1)], [null, bench.user.email, 'USER_UPDATED'], 'a good one');
  is([(await other.auth.getUser()).error?.name, other.lost()], ['AuthSessionMissingError', true], 'ends the other sessions');
  is(wordOf(await tab.auth.refreshSession()), 'ok', 'and not its own');
  is([wordOf(await other.auth.signInWithPassword(bench.user)), wordOf(await other.auth.signInWithPassword({ ...bench.user, password }))], ['400 invalid_credentials', 'ok'], 'from now on it counts');
});

scenario('a session that is not young', {}, async (bench, is) => {
  const tab = await bench.signedUp(), password = 'another long one';
  bench.server.later(601);
  is(wordOf(await tab.auth.updateUser({ password })), '403 reauthentication_needed', 'changes no password');
  is(wordOf(await tab.auth.updateUser({ password, current_password: bench.user.password })), 'ok', 'but by the one that it was');
  bench.server.later(0);
}, 'clocked');

/* ---- signing out ---- */

for (const [scope, left] of [['local', 2], ['others', 1], ['global', 0]]) {
  scenario(`signing out, ${scope}`, {}, async (bench, is) => {
    const tab = await bench.signedUp(), others = [await bench.signedIn(), await bench.signedIn()];
    is(wordOf(await tab.auth.signOut({ scope })), 'ok', 'is done');
    is([tab.lost(), !!tab.stored], scope === 'others' ? [false, true] : [true, false], 'here');
    const seen = await Promise.all(others.map(({ auth }) => auth.getUser()));
    is(seen.filter(({ data }) => data.user).length + (tab.stored ? 1 : 0), left, 'and there');
    is(wordOf(await tab.auth.signOut()), 'ok', 'once more is no fault');
  });
}

/* ---- no way round ---- */

const totp = (secret, at = Date.now()) => {
  const bits = [...secret].map(letter => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map(byte => parseInt(byte, 2))), step = Buffer.alloc(8);
  step.writeBigInt64BE(BigInt(Math.floor(at / 30e3)));
  const mac = crypto.createHmac('sha1', key).update(step).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1e6).padStart(6, '0');
};

scenario('a second factor', { factor_groups: 'guarded' }, async (bench, is) => {
  const tab = await bench.signedUp(), { email, password } = bench.user, token = tab.stored.access_token;
  const { secret, ticket } = (await bench.ask('POST', '/totp', { token, body: { password } })).json.data;
  is((await bench.ask('POST', '/totp/confirm', { token, body: { ticket, code: totp(secret) } })).status, 204, 'is set up');
  is(wordOf(await bench.tab().auth.signInWithPassword({ email, password })), '403 insufficient_aal', 'who has one is not let in without it');
  is(wordOf(await tab.auth.updateUser({ password: 'another long one' })), '403 insufficient_aal', 'nor changes his password');
  is(wordOf(await tab.auth.updateUser({ password: 'another long one', current_password: password })), '403 insufficient_aal', 'by the one that it is, either');
  is(wordOf(await tab.auth.refreshSession()), 'ok', 'his sessions go on');
  const second = await Bench.open({ factor_groups: 'guarded' });
  const guarded = await second.signedUp();
  admin(second.server, 'user', 'set', second.user.email, 'groups', 'guarded');
  is(wordOf(await guarded.auth.signInWithPassword(second.user)), '403 insufficient_aal', 'nor who must have one');
  await second.close();
});

const ports = count => Number(execFileSync('perl', ['tests/ports.pl', String(count), String(process.pid)], { encoding: 'utf8' }));
const port = ports(1);
const issuer = `http://localhost:${port}/auth/v1`;
scenario('clients of OAuth', { issuer, port }, async (bench, is) => {
  const redirect_uri = 'http://127.0.0.1/cb', client_id = 'phone', code_verifier = crypto.randomBytes(32).toString('base64url');
  const tab = await bench.signedUp();
  admin(bench.server, 'client', 'add', client_id, 'public,api', redirect_uri);
  const query = new URLSearchParams({ client_id, redirect_uri, response_type: 'code', scope: 'openid offline_access', code_challenge_method: 'S256',
    code_challenge: crypto.createHash('sha256').update(code_verifier).digest('base64url') });
  const walker = new Walker({ username: bench.user.email, password: bench.user.password });
  const back = await walker.go(`${issuer}/authorize?${query}`, url => url.startsWith(redirect_uri));
  const code = new URL(String(back)).searchParams.get('code');
  const form = { grant_type: 'authorization_code', code, redirect_uri, client_id, code_verifier };
  const { status, json } = await bench.ask('POST', '/token', { form });
  is([status, json.token_type], [200, 'Bearer'], "a form at /token is OAuth's");
  const token = json.access_token, json_ = body => bench.ask('POST', '/token?grant_type=refresh_token', { body });
  is((await bench.ask('GET', '/me', { token })).status, 200, "control: with flag api its token opens the app API's /me");
  is((await bench.ask('GET', '/user', { token })).json.error_code, 'insufficient_scope', 'it tells no user here');
  is((await bench.ask('PUT', '/user', { token, body: { password: 'another long one' } })).json.error_code, 'insufficient_scope', 'nor changes one');
  is((await bench.ask('POST', '/logout?scope=others', { token })).json.error_code, 'insufficient_scope', 'nor ends the other sessions');
  is((await json_({ refresh_token: json.refresh_token })).json.error_code, 'refresh_token_not_found', 'its refresh token is not taken');
  is((await bench.ask('POST', '/token', { form: { grant_type: 'refresh_token', refresh_token: 'x', client_id } })).json.error, 'invalid_grant', "the form's errors are OAuth's");
  const again = await bench.ask('POST', '/token', { form: { grant_type: 'refresh_token', refresh_token: json.refresh_token, client_id } });
  is(again.status, 200, 'and by it the session goes on');
  is([(await bench.ask('POST', '/logout?scope=global', { token: again.json.access_token })).status, wordOf(await tab.auth.getUser())], [204, 'ok'], 'it signs itself out alone');
});

/* ---- where it is not ---- */

scenario('without the option', { gotrue: 'off' }, async (bench, is) => {
  const seen = [];
  for (const [method, where] of [['POST', '/signup'], ['GET', '/user'], ['PUT', '/user'], ['POST', '/token?grant_type=password']]) {
    const { status, json } = await bench.ask(method, where, { body: method === 'GET' ? undefined : {} });
    seen.push(`${status} ${json.error.code}`);
  }
  is(seen, Array(4).fill('404 not_found'), 'there is nothing of it');
  is((await bench.ask('POST', '/logout?scope=global')).status, 204, "and /logout is the app API's");
});

scenario('another origin', {}, async (bench, is) => {
  const asked = async (where, method, origin) => {
    const { status, headers } = await bench.ask('OPTIONS', where, { headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': 'apikey,x-client-info' } });
    return [status, headers.get('access-control-allow-origin'), headers.get('access-control-allow-methods')?.includes(method) ?? false,
      ['authorization', 'content-type', 'apikey', 'x-client-info', 'x-supabase-api-version'].every(name => headers.get('access-control-allow-headers')?.toLowerCase().includes(name))];
  };
  const listed = printed.cors_origins;
  for (const [where, method] of [['/token?grant_type=password', 'POST'], ['/signup', 'POST'], ['/user', 'PUT'], ['/logout?scope=local', 'POST']]) {
    is(await asked(where, method, listed), [204, listed, true, true], `may ask ${method} ${where}`);
  }
  is(await asked('/user', 'PUT', 'https://other.example'), [204, null, false, false], 'one that is not listed may not');
  const tab = await bench.signedUp();
  is((await bench.ask('GET', '/user', { token: tab.stored.access_token, headers: { origin: listed } })).headers.get('access-control-allow-origin'), listed, 'and reads the answer');
});

/* ---- in a browser, at another origin ---- */

const app = ports(1), site = `http://127.0.0.1:${app}`, script = fs.readFileSync(path.join(built, 'node_modules/@supabase/supabase-js/dist/umd/supabase.js'));
const browser = launchBrowser();
const pages = http.createServer((req, res) => {
  res.setHeader('content-type', req.url === '/supabase.js' ? 'text/javascript' : 'text/html');
  res.end(req.url === '/supabase.js' ? script : '<!doctype html><title>app</title><script src="/supabase.js"></script>');
}).listen(app, '127.0.0.1');

/* A context of its own; each page of it has a client, as an app makes one, and a clock that is `skew` ms ahead. */
async function openBrowser(bench, skew = 0) {
  const context = await (await browser).newContext();
  await context.addInitScript(([url, ahead]) => {
    const real = Date.now;
    Date.now = () => real() + ahead;
    window.addEventListener('load', () => { window.auth = window.supabase.createClient(url, 'none').auth; });
    window.tried = promise => promise.then(({ data, error }) => error ? `${error.status} ${error.code}` : data?.user?.email ?? data?.session?.user.email ?? 'ok');
    window.expire = () => {
      const [key] = Object.keys(localStorage).filter(name => name.endsWith('-auth-token')), session = JSON.parse(localStorage[key]);
      localStorage[key] = JSON.stringify({ ...session, expires_at: Math.floor(Date.now() / 1000) - 1 });
    };
  }, [bench.proxy.origin, skew]);
  const page = async () => { const one = await context.newPage(); await one.goto(site); return one; };
  return { context, page };
}

scenario('Chromium', { cors_origins: site }, async (bench, is) => {
  const { context, page } = await openBrowser(bench), { email, password } = bench.user;
  const tabs = [await page(), await page(), await page()], ask = (tab, what) => tab.evaluate(`tried(${what})`);
  const credentials = JSON.stringify(bench.user), all = what => Promise.all(tabs.map(tab => ask(tab, what)));
  is(await ask(tabs[0], `auth.signUp(${credentials})`), email, 'signed up from another origin');
  is(await all('auth.getUser()'), [email, email, email], 'all tabs know it');
  await tabs[0].evaluate('expire()');
  is(await all('auth.getSession()'), [email, email, email], 'three tabs refresh at once');
  await tabs[1].evaluate('expire()');
  let release;
  bench.proxy.when(TOKEN, { hold: new Promise(resolve => { release = resolve; }) });
  const before = bench.proxy.of(TOKEN).length;
  void tabs[1].evaluate('auth.getSession()').catch(() => {});
  await until(() => bench.proxy.of(TOKEN).slice(before).some(entry => entry.reply?.refresh_token));
  await tabs[1].reload();
  release();
  is(await ask(tabs[1], 'auth.getSession()'), email, 'a page that is loaded again in mid-refresh');
  is(await all('auth.getUser()'), [email, email, email], 'and all go on');
  is(await ask(tabs[2], `auth.updateUser({ password: '${password} more' })`), email, 'another password');
  is(await ask(tabs[0], "auth.signInWithPassword({ email: 'nobody', password: 'wrong' })"), '400 invalid_credentials', 'a wrong one, whose answer can be read');
  is(await ask(tabs[0], 'auth.signOut()'), 'ok', 'signed out');
  await until(async () => (await all('auth.getSession()')).every(word => word === 'ok'));
  is(bench.proxy.of('/auth/v1/user').some(({ method }) => method === 'PUT'), true, 'through the preflights of a browser');
  await context.close();
});

/* The package reckons by its own clock when an access token expires; by the server's, which expires_at would tell, it could do neither of these. */
scenario('a clock that is two hours ahead', { cors_origins: site }, async (bench, is) => {
  const { context, page } = await openBrowser(bench, 7200e3), tab = await page();
  await tab.evaluate(`tried(auth.signUp(${JSON.stringify(bench.user)}))`);
  const before = bench.refreshes, seen = [];
  for (let i = 0; i < 5; i++) seen.push(await tab.evaluate('tried(auth.getSession())'));
  is(seen, Array(5).fill(bench.user.email), 'keeps the session');
  is(bench.refreshes - before, 0, 'and refreshes no more often than by a right one');
  await context.close();
});
/* It refreshes 90 s before the end that it reckons, so at once here; by the server's clock it would wait for two hours. */
scenario('a clock that is two hours behind', { cors_origins: site, access_ttl: '80s' }, async (bench, is) => {
  const { context, page } = await openBrowser(bench, -7200e3), tab = await page();
  await tab.evaluate(`tried(auth.signUp(${JSON.stringify(bench.user)}))`);
  const before = bench.refreshes;
  is(await tab.evaluate('tried(auth.getUser())'), bench.user.email, 'keeps the session');
  is(bench.refreshes > before, true, 'and refreshes in time');
  await context.close();
});

await runGroups(groups, async () => {
  pages.close();
  await (await browser).close();
});
