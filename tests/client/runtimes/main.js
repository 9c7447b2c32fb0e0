// Each runtime that the client is for, really run: Node (20 and the long-term one), workerd, jsdom under Vitest and
// under Jest, React Native's pieces, a module Worker in Chromium and in Firefox, Firefox with the scenarios of
// scenarios.js, a server renderer, TypeScript's three resolutions, and attw. TAP.
//   node main.js [only=TEXT]        TORTURE=1: Firefox runs every scenario, or with SCENARIO=TEXT those that have it in their name
import fs from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { Bench, inPage, launchBrowser, sleep, Unmet } from '../browser.js';
import { openControl } from '../control.js';
import * as dpop from '../dpop.js';
import { result, run, runGroups, steps } from '../groups.js';
import { mutate, mutations } from '../mutations.js';
import { openProxy } from '../proxy.js';
import { scenarios } from '../scenarios.js';
import { stopAll, upstream } from '../upstream.js';
import { launchFirefox, Unsupported } from './firefox.js';
import { load } from './load.js';
import { story } from './story.js';
import { typeChecks } from './types.js';

const source = fs.readFileSync('www/session.js', 'utf8');
const top = path.resolve('.'), work = path.resolve('build/runtimes', `run-${process.pid}`);

// ---- what the groups stand on

/* The client as npm would install it, and what runs beside it. */
function furnish() {
  fs.mkdirSync(path.join(work, 'node_modules'), { recursive: true });
  const installed = path.join(work, 'node_modules/latchkey-session');
  fs.mkdirSync(installed);
  const { files } = JSON.parse(fs.readFileSync('www/package.json', 'utf8'));
  for (const file of ['package.json', ...files]) fs.copyFileSync(path.join('www', file), path.join(installed, file));
  for (const file of fs.readdirSync('tests/client/runtimes'))
    if (!/^package/.test(file)) fs.cpSync(path.join('tests/client/runtimes', file), path.join(work, file), { recursive: true });
  fs.copyFileSync('www/session.js', path.join(work, 'session.js'));
  fs.writeFileSync(path.join(work, 'package.json'), '{"type": "module"}\n');
}

async function withProxy(tell) {
  const files = Object.fromEntries(['story.js', 'worker.js'].map(file => ['/' + file, fs.readFileSync(path.join(work, file), 'utf8')]));
  const proxy = await openProxy({ upstream: await upstream('serve'), module: source, files });
  const server = await openControl(proxy);
  try { return await tell({ proxy, base: proxy.origin + '/api/auth', control: server.url }); } finally {
    server.close();
    await proxy.close();
  }
}

// ---- the runtimes

function nodes(version) {
  const name = `Node ${version}`;
  return [name, () => withProxy(async ({ base, control }) => {
    const { stdout: node } = await run('tests/client/node.sh', [version]);
    const { stdout, stderr } = await run(node.trim(), ['node.js', './session.js', base, control, path.join(work, 'node' + version)], { cwd: work });
    steps(name, JSON.parse(stdout || '[]'));
    result(stdout !== '', `${name} tells the story`, stderr);
    // A CommonJS program, and a module that a server renderer loads though there is no page.
    const program = "const { createSession } = require('latchkey-session'); const s = createSession(); console.log(typeof s.fetch, s.state)";
    const asked = await run(node.trim(), ['--input-type=commonjs', '-e', program], { cwd: work });
    result(asked.stdout.trim() === 'function loading', `${name}: a CommonJS program requires it, and a session can be made where there is no page`, asked.stdout + asked.stderr);
  })];
}

const workerd = ['workerd', () => withProxy(async ({ base, control }) => {
  const { Miniflare } = await load('miniflare');
  const modules = ['workerd.js', 'session.js', 'story.js'].map(file => ({ type: 'ESModule', path: path.join(work, file) }));
  const flare = new Miniflare({ modules, modulesRoot: work, compatibilityDate: '2026-05-01', kvNamespaces: ['STORE'] });
  try {
    const response = await flare.dispatchFetch('http://worker/', { method: 'POST', body: JSON.stringify({ base, control }) });
    steps('workerd', await response.json());
  } finally { await flare.dispose(); }
})];

function testRunner(name, bin, args, extra = {}) {
  return [name, () => withProxy(async ({ proxy, base, control }) => {
    const env = { ...process.env, CI: '1', BASE: base, CONTROL: control, PAGE: proxy.origin + '/', ...extra };
    const outcome = await run(process.execPath, [path.resolve('build/runtimes/node_modules', bin), ...args], { cwd: work, env });
    result(outcome.code === 0, `${name} tells the story`, `${outcome.stdout}\n${outcome.stderr}`);
  })];
}

/* A page with a Worker at its side: what the Worker answers. */
async function worker(page, what, arg) {
  const { got, error } = await page.evaluate(message => new Promise(resolve => {
    window.worker ||= new Worker('/worker.js', { type: 'module' });
    window.worker.onmessage = event => resolve(event.data);
    window.worker.onerror = event => resolve({ error: event.message || 'the worker did not start' });
    window.worker.postMessage(message);
  }), [what, arg]);
  if (error) throw new Error(error);
  return got;
}

async function inWorker(name, browser) {
  await withProxy(async ({ proxy, control }) => {
    const context = await browser.newContext();
    const bench = Object.assign(new Bench(), { mode: 'cookie', proxy, context, errors: [] });
    await context.addInitScript(inPage, 'cookie');
    const page = await bench.tab();
    steps(name, await worker(page, 'story', control));
    await bench.register(page);
    const shared = await worker(page, 'share');
    const says = (step, got, want) => steps(name, [{ name: step, got: JSON.stringify(got), want: JSON.stringify(want) }]);
    says("opens its page's cookie session", shared, ['signed-out', 'active', 200]);
    await page.evaluate(() => window.s.signOut());
    let heard;
    for (const end = Date.now() + 60e3; heard?.[0] !== 'signed-out' && Date.now() < end; await sleep(20)) heard = await worker(page, 'state');
    says("hears of its page's sign-out, and sends its token no more", heard, ['signed-out', 401]);
    await context.close();
  });
}

const chromium = ['Chromium', async () => {
  const browser = await launchBrowser();
  try { await inWorker('a module Worker in Chromium', browser); } finally { await browser.close(); }
}];

/* Of each kind of promise one; TORTURE=1 runs them all. */
const SHORT = [
  'ten parallel requests cause one refresh', 'three tabs with ten requests each', 'bodies survive the retry',
  "an API's own 401 causes no refresh", 'a refresh that the browser itself repeats', 'navigation in mid-refresh',
  'a bound session shows its key', 'tabs that make a key at once', 'no script can read the key', 'a lost key',
];
const promises = [...scenarios, ...dpop.scenarios];

/* Resolves with what the scenario threw, where it did. */
async function failure(browser, item, mode, module, red) {
  const bench = await Bench.open(browser, { ...item, kind: 'serve', mode, module, red });
  try { await item.run(bench); } catch (error) { return error; } finally { await bench.close().catch(() => 0); }
}

async function scenario(browser, item, mode) {
  const name = `Firefox [${mode}] ${item.name}`, error = await failure(browser, item, mode, source);
  if (error instanceof Unsupported) result(true, `${name} # skip ${error.message}`);
  else result(!error, name, error?.stack);
  return !error;
}

const firefox = ['Firefox', async () => {
  const browser = await launchFirefox();
  try {
    await inWorker('a module Worker in Firefox', browser);
    const chosen = process.env.TORTURE ? promises.filter(s => s.name.includes(process.env.SCENARIO ?? '')) : SHORT.map(name => promises.find(s => s.name.startsWith(name)) ?? name);
    result(chosen.every(s => s.run), 'each scenario named here is there', chosen.filter(s => !s.run).join('\n'));
    const items = chosen.filter(s => s.run).flatMap(item => item.modes.map(mode => [item, mode])), all = items.length;
    let done = 0;
    await Promise.all([0, 1, 2].map(async () => { while (items.length) if (await scenario(browser, ...items.shift())) done++; }));
    result(done > all * 0.8, `Firefox: ${done} of ${all} scenarios were run`);
    const mutation = mutations.find(({ fails }) => fails.startsWith('ten parallel') || SHORT.some(name => name.startsWith(fails)));
    const broken = await failure(browser, scenarios.find(s => s.name.startsWith(mutation.fails)), mutation.mode, mutate(source, mutation), true);
    result(broken instanceof Unmet, `control: without ${mutation.name} "${mutation.fails}" fails in Firefox too`, broken?.stack);
  } finally { await browser.close(); }
}];

const types = ['TypeScript', async () => {
  for (const { name, good, detail } of await typeChecks(work)) result(good, name, detail);
  const { stdout } = await run(process.execPath, ['build/client/node_modules/terser/bin/terser', 'www/session-react.js', '--module', '--mangle', '--compress']);
  const bytes = gzipSync(stdout, { level: 9 }).length;
  result(bytes > 100 && bytes <= 400, `session-react.js is ${bytes} bytes, minified and packed: at most 400`);
}];

/* A story that can't go well must not: a store that keeps nothing. */
const control = ['the control', () => withProxy(async ({ base, control: url }) => {
  const { createSession } = await import(path.join(top, 'www/session.js'));
  const told = await story({ createSession, base, control: url, storage: { getItem: () => null, setItem: () => {} } });
  const red = told.filter(({ got, want }) => got !== want).map(({ name }) => name);
  result(red.includes('a relaunch finds the user again'), 'control: with a store that keeps nothing the story fails', JSON.stringify(told));
})];

const jsdom = { vitest: ['vitest/vitest.mjs', ['run', '--config', 'vitest.config.js']], jest: ['jest/bin/jest.js', ['--config', 'jest.config.json', '--ci']] };
const groups = [
  firefox, chromium, workerd, nodes('20'), nodes('26'), testRunner('jsdom under Vitest', ...jsdom.vitest),
  testRunner('jsdom under Jest', jsdom.jest[0], [...jsdom.jest[1], 'jest.test.js']),
  // jsdom's connections stay open behind that XMLHttpRequest, and Jest would wait for them.
  testRunner("Jest with React Native's pieces", jsdom.jest[0], [...jsdom.jest[1], '--forceExit', 'native.test.js']), types, control,
];

furnish();
await runGroups(groups, () => {
  fs.rmSync(work, { recursive: true, force: true });
  stopAll();
});
