// The recipes of docs/clients.md that a page runs: in Chromium, through Vite's development server where the recipe has one.
//   const groups = browsers(bench);  …  closeBrowser();
// What the recipes leave to the app (screens, entries) is in app/.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { launchBrowser } from '../browser.js';
import { same, result } from '../groups.js';
import { load } from '../runtimes/load.js';

const module = fs.readFileSync('www/session.js', 'utf8');
let chromium;
const browser = () => chromium ??= launchBrowser();
export const closeBrowser = async () => (await chromium)?.close();

const app = file => fs.readFileSync(path.join('tests/client/recipes/app', file), 'utf8');

async function open(url, init, arg) {
  const context = await (await browser()).newContext(), page = await context.newPage();
  page.setDefaultTimeout(60e3);
  page.problems = [];
  page.on('pageerror', error => page.problems.push(error.message));
  if (init) await context.addInitScript(init, arg);
  if (url) await page.goto(url);
  return page;
}
const text = async (page, selector) => (await page.waitForSelector(selector)).innerText();

/* Waits for a text in the page: what it has in the end. */
async function says(page, wanted) {
  try { await page.waitForFunction(t => document.body.innerText.includes(t), wanted); } catch { /* the caller compares */ }
  return (await page.evaluate(() => document.body.innerText)).includes(wanted);
}

/* Vite's development server over the bench's folder, with the page's configuration; `more` is the test's. */
async function develop(t, more = {}) {
  const { createServer } = await load('vite');
  t.write('package.json', '{"type": "module"}');
  t.write('vite.config.js', t.recipe('The development', 'vite.config.js'));
  const shared = { root: t.dir, cacheDir: path.join(t.dir, '.vite'), logLevel: 'error', clearScreen: false, ...more };
  const vite = await createServer({ ...shared, server: { host: 'localhost', port: 0, ...more.server } });
  if (!more.server) await vite.listen();
  return vite;
}
const address = vite => `http://localhost:${vite.httpServer.address().port}/`;

const plain = ['A plain page', bench => bench('plain', {}, async t => {
  t.install('.');
  t.write('index.html', t.recipe('A plain page', 'index.html'));
  t.write('app.js', t.recipe('A plain page', 'app.js').replaceAll('/api/things', '/api/auth/me'));
  const vite = await develop(t), user = await t.told('/user');
  const page = await open(address(vite));
  const signIn = async password => {
    await page.fill('[name=username]', user);
    await page.fill('[name=password]', password);
    await page.click('#login form button');
  };
  await page.waitForSelector('dialog[open]');
  await signIn('wrong wrong');
  await page.waitForFunction(() => document.querySelector('output').textContent);
  same(await page.textContent('output'), 'invalid_credentials', 'plain page: a wrong password');
  await signIn('correct horse ' + user);
  result(await says(page, user), 'plain page, through Vite: sign-in');
  await page.reload();
  result(await says(page, user), 'plain page: a reload');
  await page.evaluate(() => localStorage.clear());
  await page.reload();
  result(await says(page, user), 'plain page: script storage is deleted, the cookie is asked');
  await page.click('#logout');
  await page.waitForSelector('dialog[open]');
  await page.reload();
  await page.waitForSelector('dialog[open]');
  same(page.problems, [], 'plain page: sign-out, and no error');
  await vite.close();
})];

/* Storage that answers after a while, as a phone's does; its first answer, where `ms` is below 0, just when the splash has
 * been rendered and no effect has run: Splash asks for it. */
function slowStorage(ms) {
  const late = answer => new Promise(resolve => {
    if (ms < 0 && !window.answer) window.answer = () => resolve(answer());
    else setTimeout(() => resolve(answer()), Math.max(0, ms));
  });
  window.options = { storage: { getItem: key => late(() => localStorage.getItem(key)), setItem: (key, value) => late(() => localStorage.setItem(key, value)) } };
}

async function stuck(page, url, delays, patience) {
  let count = 0;
  for (const ms of delays) {
    await page.goto(`${url}?ms=${ms}`);
    const left = await page.waitForFunction(() => document.querySelector('#signin, h1'), null, { timeout: patience }).catch(() => null);
    if (!left) count++;
  }
  return count;
}

const react = ['React', bench => bench('react', {}, async t => {
  t.install('node_modules/latchkey-session');
  t.write('session.js', t.recipe('React', 'session.js').replace('createSession()', 'createSession(window.options)'));
  t.write('App.jsx', t.recipe('React', 'App.jsx'));
  for (const file of ['screens.jsx', 'main.jsx']) t.write(file, app(file));
  t.write('index.html', '<!doctype html><div id="root"></div><script type="module" src="/main.jsx"></script>');
  t.write('naive.html', '<!doctype html><div id="root"></div><script type="module" src="/naive.jsx"></script>');
  t.write('naive.jsx', app('main.jsx').replace('./App.jsx', './Naive.jsx'));
  t.write('Naive.jsx', app('Naive.jsx'));
  const vite = await develop(t), url = address(vite), user = await t.told('/user');
  const delays = [-1, 0, 20];
  const slow = await open(url);                                    // Vite prepares React at the first load
  await slow.waitForSelector('#signin');
  await slow.context().addInitScript(`(${slowStorage})(Number(new URLSearchParams(location.search).get('ms')))`);
  same(await stuck(slow, url, delays, 30e3), 0, 'React: StrictMode, a transition, storage that answers late: no splash that stays');
  const naive = await stuck(slow, url + 'naive.html', [-1], 5e3);
  same(naive, 1, 'control: with useState and an effect it stays, where storage answers between the two');
  const page = await open(url, name => { window.user = name; }, user);
  const other = await page.context().newPage();
  await other.goto(url);
  await page.click('#signin');
  same([await says(page, `Hello ${user}`), await says(other, `Hello ${user}`)], [true, true], 'React: sign-in, in the other tab too');
  await page.reload();
  result(await says(page, `Hello ${user}`), 'React: a reload');
  await other.evaluate(async () => (await import('/session.js')).session.signOut());
  await page.waitForSelector('#signin');
  same([...page.problems, ...slow.problems], [], 'React: sign-out in the other tab, and no error');
  await vite.close();
})];

/* A server renderer: React Router's static handler, behind a plain server. */
async function renderer(t) {
  const vite = await develop(t, { server: { middlewareMode: true }, appType: 'custom' });
  const server = http.createServer((req, res) => vite.middlewares(req, res, async () => {
    if (req.url === '/favicon.ico') return void res.writeHead(404).end();
    try {
      const { render, loadUser } = await vite.ssrLoadModule('/server.jsx');
      const request = new Request(new URL(req.url, 'http://localhost'), { headers: req.headers });
      const data = req.url === '/data.json';
      const body = data ? JSON.stringify(await loadUser(request)) : await render(request);
      res.writeHead(200, { 'Content-Type': data ? 'application/json' : 'text/html; charset=utf-8' });
      res.end(body);
    } catch (error) { res.writeHead(500).end(String(error.stack || error)); }
  }));
  await new Promise(resolve => { server.listen(0, 'localhost', resolve); });
  return { url: `http://localhost:${server.address().port}/`, async close() { server.closeAllConnections(); server.close(); await vite.close(); } };
}

const remix = ['Next, Remix', bench => bench('remix', { access_cookie: 'on' }, async t => {
  t.install('node_modules/latchkey-session');
  t.write('session.js', t.recipe('React', 'session.js').replace('createSession()', 'createSession({ accessCookie: true })'));
  for (const file of ['user.server.js', 'Resume.jsx', 'page.jsx']) t.write(file, t.recipe('Next', file));
  for (const file of ['routes.jsx', 'server.jsx', 'client.jsx']) t.write(file, app(file));
  const site = await renderer(t), user = await t.told('/user');
  const page = await open(null, name => { window.user = name; }, user);
  const rendered = async () => {                                    // asked for apart: Vite may load the page anew
    const html = await (await page.context().request.get(site.url)).text();
    await page.goto(site.url);
    return html;
  };
  const stranger = await rendered();
  result(stranger.includes('One moment'), 'Remix: the server knows nobody', stranger);
  await page.click('#signin');
  result(await says(page, `Hello ${user}`), 'Remix: the browser finds nobody either, and shows the sign-in');
  const known = await rendered();
  result(known.includes(user), 'Remix: signed in, the server renders the user', known);
  await t.told('/expire');
  const back = await rendered();
  same([back.includes('One moment'), await says(page, `Hello ${user}`)], [true, true], 'Remix: who comes back is not sent to the sign-in: the browser renews, the page is loaded again');
  await t.told('/fail');
  await t.told('/expire');
  await rendered();
  await page.waitForTimeout(300);
  same([await says(page, 'One moment'), new URL(page.url()).pathname], [true, '/'], 'Remix: nor while nothing gets through');
  await t.told('/well');
  await page.reload();
  result(await says(page, `Hello ${user}`), 'Remix: afterwards all goes on');
  same(page.problems, [], 'Remix: no error');
  await site.close();
})];

async function request(t, name, change) {
  t.write(`${name}.mjs`, change(t.recipe('The API', 'api.js').replace('https://app.example.org', t.proxy.origin)));
  const { api } = await import(path.join(t.dir, `${name}.mjs`));
  await new Promise(resolve => { api.listen(0, '127.0.0.1', resolve); });
  const origin = `http://localhost:${api.address().port}`, user = await t.told('/user');
  const page = await open(t.proxy.origin + '/page');
  const before = await t.told('/count');
  const boot = async ([api_, name_]) => {
    const { createSession } = await import('/session.js');
    window.s = createSession({ origins: [api_], name: name_ });
    await window.s.signIn({ username: name_, password: 'correct horse ' + name_ });
  };
  await page.evaluate(boot, [origin, user]);
  const get = () => page.evaluate(async url => { const r = await window.s.fetch(url); return [r.status, await r.text()]; }, origin + '/things');
  const first = await get();
  await t.told('/expire');
  const second = await get();
  api.closeAllConnections();
  api.close();
  return { user, first, second, refreshes: await t.told('/count') - before };
}

const api = ['The API behind', bench => bench('api', {}, async t => {
  t.proxy.module = module;
  const { user, first, second, refreshes } = await request(t, 'api', code => code);
  same([first, second, refreshes], [[200, `things of ${user}`], [200, `things of ${user}`], 1], 'API of another origin: a refused token is renewed');
  const mute = await request(t, 'mute', code => code.replace(/^.*Expose-Headers.*\n/m, ''));
  same([mute.first[0], mute.second[0], mute.refreshes], [200, 401, 0], 'control: without the exposed header it is not');
})];

const frame = ["In another site's iframe", bench => bench('frame', {}, async t => {
  t.proxy.module = module;
  const page = await open(t.proxy.origin.replace('localhost', '127.0.0.1') + '/page'), user = await t.told('/user');
  await page.evaluate(src => { const f = document.createElement('iframe'); f.src = src; document.body.append(f); return new Promise(done => { f.onload = done; }); }, t.proxy.origin + '/page');
  const outcome = mode => page.frames()[1].evaluate(async ([way, name]) => {
    const { createSession } = await import('/session.js');
    const session = createSession({ mode: way, storage: undefined, name: way });
    return session.signIn({ username: name, password: 'correct horse ' + name }).then(() => session.refresh()).then(() => session.state, error => error.code);
  }, [mode, user]);
  same(await outcome('body'), 'active', 'iframe of another site: body mode signs in and refreshes');
  same(await outcome('cookie'), 'refresh_invalid', 'iframe of another site: cookie mode is refused at the first refresh, as the page says');
})];

export const browsers = bench => [remix, react, plain, api, frame].map(([name, tell]) => [name, () => tell(bench)]);
