// What each scenario in Node gets: a proxy of its own before the shared server, a file, sessions of
// the module under test, and storage and clocks that can be made to fail.
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { openProxy } from './proxy.js';
import { upstream } from './upstream.js';

/* What a scenario expected and did not find: the one kind of failure that proves a mutation. */
export class Unmet extends Error {}

export const sleep = ms => new Promise(resolve => { setTimeout(resolve, ms); });
export const MIN = 60e3, HOUR = 3600e3;

const dirs = [];                                // removed at the end: a write may be under way
process.on('exit', () => { for (const dir of dirs) fs.rmSync(dir, { recursive: true, force: true }); });

export class NodeBench {
  /* `red`: a mutant, whose waits are mostly in vain; the module itself has as long as a busy machine needs. */
  static async open({ kind, config = { reuse_grace: '1s' }, createSession, SessionError, red }) {
    const bench = new NodeBench();
    Object.assign(bench, { patience: red ? 15e3 : 60e3, timeout: red ? 10e3 : 60e3 });
    const up = await upstream(kind, config);
    Object.assign(bench, { upstream: up, proxy: await openProxy({ upstream: up }), createSession, SessionError, skew: 0, events: [], opened: [], undo: [] });
    bench.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'latchkey-node-'));
    dirs.push(bench.dir);
    bench.file = path.join(bench.dir, 'session');
    bench.url = bench.proxy.origin + '/app/echo';
    return bench;
  }

  async close() {
    for (const undo of this.undo.splice(0)) undo();
    for (const session of this.opened) session.dispose();
    await this.proxy.close();
  }

  /* A file that is replaced whole. `before(method)` may throw, or return a promise that is awaited
   * first; one that returns 'skip' has answered without having done it. */
  storage(before = () => {}) {
    let n = 0;
    const { file } = this;
    return {
      async getItem() {
        await before('getItem');
        return fs.promises.readFile(file, 'utf8').catch(error => { if (error.code !== 'ENOENT') throw error; return null; });
      },
      async setItem(_, value) {
        if (await before('setItem', value) === 'skip') return;
        const made = `${file}.${process.pid}.${++n}.new`;
        await fs.promises.writeFile(made, value, { mode: 0o600 });
        await fs.promises.rename(made, file);
      },
    };
  }

  stored() { return fs.existsSync(this.file) ? JSON.parse(fs.readFileSync(this.file, 'utf8')) : null; }

  open(more) {
    const s = this.createSession({
      base: this.proxy.origin + '/api/auth', mode: 'body', timeout: this.timeout, storage: this.storage(), now: () => (this.still ?? Date.now()) + this.skew, ...more,
    });
    for (const type of ['state', 'user', 'refreshed', 'reauth', 'error']) s.on(type, detail => this.events.push([type, detail]));
    this.opened.push(s);
    return s;
  }

  /* The clock of its sessions stands from now on: what they count within seconds doesn't depend on the machine's speed. */
  stopClock() { this.still = Date.now(); }

  told(type) { return this.events.filter(([kind]) => kind === type).map(([, detail]) => detail); }

  get password() { return 'correct horse ' + this.username; }

  async signedIn(more) {
    const s = this.open(more);
    this.username = 'n' + crypto.randomBytes(8).toString('hex');
    await s.signIn({ username: this.username, password: this.password }, '/register');
    return s;
  }

  login(s, more) { return s.signIn({ username: this.username, password: this.password, ...more }); }

  /* Straight to the server. */
  async direct(pathname, { body, token, method = 'POST' } = {}) {
    const { host, port } = this.upstream;
    const headers = { 'content-type': 'application/json', 'x-forwarded-for': this.proxy.address };
    if (token) headers.authorization = 'Bearer ' + token;
    const response = await fetch(`http://${host}:${port}/api/auth${pathname}`, { method, headers, body: body && JSON.stringify(body) });
    const text = await response.text();
    return { status: response.status, json: text ? JSON.parse(text) : null };
  }

  /* The ids of the user's live sessions. */
  async live(session) {
    const { json } = await this.direct('/sessions', { method: 'GET', token: await session.token() });
    return json.data.map(one => one.id);
  }

  get refreshes() { return this.proxy.count('/refresh'); }

  /* Gives a global another value until the scenario ends. */
  stub(name, value) {
    const before = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    this.undo.push(() => before ? Object.defineProperty(globalThis, name, before) : delete globalThis[name]);
  }

  async until(condition, what, ms = this.patience) {
    const end = Date.now() + ms;
    while (!await condition()) {
      if (Date.now() > end) throw new Unmet('waited in vain: ' + what);
      await sleep(10);
    }
  }

  /* What a promise comes to, within bounds: its value, the code of its error, or 'nothing'. */
  outcome(promise, ms = this.patience) {
    const end = Promise.resolve(promise).then(value => value?.status ?? value ?? 'ok', error => error?.code ?? error?.name ?? String(error));
    return Promise.race([end, sleep(ms).then(() => 'nothing')]);
  }

  equal(actual, expected, what) {
    const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
    if (a !== b) throw new Unmet(`${what}: got ${a}, expected ${b}`);
  }

  ok(condition, what) { if (!condition) throw new Unmet(what); }

  between(value, low, high, what) {
    if (!(value >= low && value <= high)) throw new Unmet(`${what}: ${value} is not within ${low}..${high}`);
  }
}
