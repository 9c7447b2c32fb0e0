// Chromium for the tests, and the bench that each scenario gets: a proxy of its own in front of the
// shared server, a browser context of its own, and pages with a session in them.
import { createRequire } from 'node:module';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { openProxy } from './proxy.js';
import { upstream } from './upstream.js';

/* What 0.1.0 shipped: tabs of it may be open when a site has newer ones. */
const before = fs.readFileSync('tests/client/old/session-0.1.0.min.js', 'utf8');
const binding = fs.readFileSync('www/dpop.js', 'utf8');

const { chromium } = createRequire(path.resolve('build/client') + '/')('playwright-core');

export function launchBrowser() {
  const executablePath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'].find(file => file && fs.existsSync(file));
  if (!executablePath) throw new Error('no chromium: install it, or name it in CHROMIUM');
  return chromium.launch({
    executablePath, chromiumSandbox: false, timeout: 180e3,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--disable-features=SpareRendererForSitePerProcess,PreloadTopChromeWebUI,OptimizationHints,MediaRouter,Translate',
      '--host-resolver-rules=MAP localhost 127.0.0.1'],
  });
}

/* Runs in every page before anything else: a clock that can be set and stopped, and boot(). */
export function inPage(mode) {
  let real = Date.now;
  window.skew = Number(sessionStorage.getItem('skew'));
  Date.now = () => real() + window.skew;
  window.stopClock = (at = real()) => { real = () => at; return at; };
  window.setSkew = ms => { window.skew = ms; sessionStorage.setItem('skew', ms); };
  window.console_ = [];
  for (const level of ['log', 'info', 'warn', 'error', 'debug']) {
    const say = console[level];
    console[level] = (...args) => { window.console_.push(args.map(String).join(' ')); say.apply(console, args); };
  }
  window.boot = async ({ from = '/session.js', bound = window.bound, ...options } = {}) => {
    const { createSession } = await import(from);
    if (bound) options.fetch = (await import('/dpop.js')).dpop({ base: options.base });
    window.events = [];
    const storage = mode === 'body' ? { storage: localStorage } : {};
    const s = window.s = createSession({ mode, ...storage, ...options });
    for (const type of ['state', 'user', 'refreshed', 'expiring', 'reauth', 'error'])
      s.on(type, detail => window.events.push({ type, ...detail }));
    await s.ready;
    return s.state;
  };
  window.get = async (url, init) => {
    try {
      const response = await window.s.fetch(url, init);
      return { status: response.status, text: await response.text() };
    } catch (error) { return { error: error.code || error.name }; }
  };
  window.attempt = promise => promise.then(() => 'ok', error => error.code || error.name);
  window.many = (n, url, init) => Promise.all(Array.from({ length: n }, () => window.get(url, init).then(r => r.status)));
}

/* The same, before a session with dpop.js in it. That gives IndexedDB 3 s, which a busy machine may need; where a scenario breaks it (idb), 3 s it is. */
export function boundPage() {
  window.bound = true;
  const later = window.setTimeout;
  window.setTimeout = (what, ms, ...more) => later(what, ms === 3e3 && !window.idb ? 60e3 : ms, ...more);
}

/* What a scenario expected and did not find: the one kind of failure that proves a mutation. */
export class Unmet extends Error {}

export class Bench {
  static async open(browser, { kind, mode, config, module, dpop = binding, bound, red }) {
    const bench = new Bench();
    Object.assign(bench, { mode, kind, browser, patience: red ? 15e3 : 60e3 });
    bench.upstream = await upstream(kind, config);
    bench.proxy = await openProxy({ upstream: bench.upstream, module, files: { '/session-0.1.0.js': before, '/dpop.js': dpop } });
    bench.context = await browser.newContext();
    bench.errors = [];
    await bench.context.addInitScript(inPage, mode);
    if (bound) await bench.context.addInitScript(boundPage);
    return bench;
  }

  async close() {
    await this.context.close();
    await this.proxy.close();
  }

  /* A page without a session, at the proxy. */
  async blank(init, arg) {
    const page = await this.context.newPage();
    page.setDefaultTimeout(60e3);
    page.on('pageerror', error => this.errors.push(error.message));
    if (init) await page.addInitScript(init, arg);
    await page.goto(this.proxy.origin + '/page');
    return page;
  }

  async tab(options, init, arg) {
    const page = await this.blank(init, arg);
    await page.evaluate(o => window.boot(o), options);
    return page;
  }

  /* A page whose session is signed in, as a new user. */
  async signedIn(options, init, arg) {
    const page = await this.tab(options, init, arg);
    await this.register(page);
    return page;
  }

  /* As somebody else once more while the server, on a busy machine, says that it is busy or doesn't answer within the client's 10 s. */
  async register(page) {
    for (const end = Date.now() + this.patience; ; await sleep(200)) {
      const username = this.username = 'u' + crypto.randomBytes(8).toString('hex');
      const error = await page.evaluate(u => window.s.signIn({ username: u, password: 'correct horse ' + u }, '/register')
        .then(() => null, ({ code, stack, transient }) => ({ code, stack, transient })), username);
      if (!error) return username;
      if (!error.transient || Date.now() > end) throw new Error(error.stack ?? error.code);
    }
  }

  /* Sends straight to the server, past the proxy: what an operator or a thief would do. */
  async direct(pathname, { body, token, cookie, method = 'POST' } = {}) {
    const { host, port } = this.upstream;
    const headers = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin', 'x-forwarded-for': this.proxy.address };
    if (token) headers.authorization = 'Bearer ' + token;
    if (cookie) headers.cookie = cookie;
    const response = await fetch(`http://${host}:${port}/api/auth${pathname}`, {
      method, headers, body: body && JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, json: text ? JSON.parse(text) : null, setCookie: response.headers.getSetCookie() };
  }

  /* The last pair that the server issued: {access, body or cookie for a refresh}. */
  lastGrant() {
    const entry = this.proxy.log.filter(e => e.data?.access_token).at(-1);
    const set = entry.setCookie?.map(line => line.split(';')[0]).find(line => /latchkey-[0-9a-f]{8}=/.test(line));
    return { access: entry.data.access_token, refresh: entry.data.refresh_token, cookie: set, data: entry.data };
  }

  refreshAs(grant, key) {
    return this.direct('/refresh', { body: { refresh_token: grant.refresh, idempotency_key: key, cookie: grant.cookie ? true : undefined }, cookie: grant.cookie });
  }

  async revoke() {
    const { access, data } = this.lastGrant();
    return this.direct('/sessions/' + data.session.id, { method: 'DELETE', token: access });
  }

  get refreshes() { return this.proxy.count('/refresh'); }

  /* Waits for a condition of the bench, in this process. */
  async until(condition, what, ms = this.patience) {
    const end = Date.now() + ms;
    while (!await condition()) {
      if (Date.now() > end) throw new Unmet('waited in vain: ' + what);
      await new Promise(resolve => { setTimeout(resolve, 20); });
    }
  }

  equal(actual, expected, what) {
    const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
    if (a !== b) throw new Unmet(`${what}: got ${a}, expected ${b}`);
  }

  ok(condition, what) {
    if (!condition) throw new Unmet(what);
  }

  between(value, low, high, what) {
    if (!(value >= low && value <= high)) throw new Unmet(`${what}: ${value} is not within ${low}..${high}`);
  }
}

export const sleep = ms => new Promise(resolve => { setTimeout(resolve, ms); });
export const MIN = 60e3, HOUR = 3600e3;
