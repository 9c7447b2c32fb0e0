// The recipes of docs/clients.md, as the page prints them: taken from it, compiled, run against a server. TAP.
//   node main.js [only=TEXT]      the groups whose name has TEXT
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { openControl } from '../control.js';
import { result, run, runGroups, same } from '../groups.js';
import { openProxy } from '../proxy.js';
import { stopAll, upstream } from '../upstream.js';
import { readPage } from './page.js';
import { browsers, closeBrowser } from './pages.js';
import { fiveProcesses, torn } from './processes.js';

const page = readPage('docs/clients.md');
const work = path.resolve('build/runtimes', `recipes-${process.pid}`);
const AUTH = 'https://auth.example.org', API = 'https://api.example.org';

/* A server, the proxy in front of it, and a folder of the recipe's own. */
async function bench(name, config, tell) {
  const dir = path.join(work, name);
  fs.mkdirSync(dir, { recursive: true });
  const proxy = await openProxy({ upstream: await upstream('serve', config), module: '' });
  const server = await openControl(proxy);
  const write = (file, text) => { fs.mkdirSync(path.dirname(path.join(dir, file)), { recursive: true }); fs.writeFileSync(path.join(dir, file), text); };
  const told = async what => (await fetch(server.url + what)).json();
  // The page's addresses become this server's.
  const recipe = (section, file) => page.block(section, file)
    .replaceAll(AUTH, proxy.origin).replaceAll(`${API}/things`, `${proxy.origin}/app/echo`).replaceAll('http://127.0.0.1:8080', proxy.origin);
  const install = client => {
    const { files } = JSON.parse(fs.readFileSync('www/package.json', 'utf8'));
    for (const file of ['package.json', ...files]) { fs.mkdirSync(path.join(dir, client), { recursive: true }); fs.copyFileSync(path.join('www', file), path.join(dir, client, file)); }
  };
  try { return await tell({ dir, proxy, told, write, recipe, install, control: server.url }); } finally {
    server.close();
    await proxy.close();
  }
}

const lines = (name, text) => {
  for (const line of text.trim().split('\n').filter(Boolean)) result(line.startsWith('ok '), `${name}: ${line.replace(/^(not )?ok /, '').replace(/: got .*/, '')}`, line);
};

// ---- JavaScript beyond the page

/* Doubles of what a platform's modules do: enough that the recipe runs, with a keychain that can be locked. */
const keychain = `
const kept = globalThis.kept ??= new Map();
const turn = () => { if (globalThis.keychainLocked) throw new Error('locked'); };
export const get = async key => { turn(); return kept.get(key) ?? null; };
export const set = async (key, value) => { turn(); kept.set(key, value); };
`;
const MODULES = {
  'expo-secure-store': "export { get as getItemAsync, set as setItemAsync } from '../../keychain.js'; export const AFTER_FIRST_UNLOCK_THIS_DEVICE_ONLY = 1;",
  'expo-crypto': 'export const getRandomValues = array => crypto.getRandomValues(array);',
  'expo-network': 'export const addNetworkStateListener = listener => { globalThis.network = listener; };',
  'react-native': 'export const AppState = { addEventListener: (_, listener) => { globalThis.appState = listener; } };',
  '@tauri-apps/api/core': `import { get, set } from '../../../../keychain.js';
export const invoke = (command, { key, value }) => command === 'secret_get' ? get(key) : set(key, value);`,
  '@aparajita/capacitor-secure-storage': "import { get, set } from '../../../keychain.js'; export const SecureStorage = { getItem: get, setItem: set };",
  '@capacitor/app': 'export const App = { addListener: (_, listener) => { globalThis.appState = listener; } };',
  '@capacitor/network': 'export const Network = { addListener: (_, listener) => { globalThis.network = listener; } };',
};
const apps = [['Expo', 'session.ts', './vendor/'], ['Tauri', 'tauri.js', './'], ['Capacitor', 'capacitor.js', './']].map(([section, file, client]) =>
  [section, () => bench(section, {}, async t => {
    t.write('package.json', '{"type": "module"}');
    t.write('keychain.js', keychain);
    for (const [name, text] of Object.entries(MODULES)) {
      const [, root] = /^((?:@[^/]*\/)?[^/]*)/.exec(name);
      t.write(`node_modules/${name}/index.js`, text);
      t.write(`node_modules/${root}/package.json`, '{"type": "module", "exports": {".": "./index.js", "./*": "./*/index.js"}}');
    }
    t.install(client);
    t.write(file, t.recipe(section, file));
    t.write('main.js', `
const user = ${JSON.stringify(await t.told('/user'))}, url = ${JSON.stringify(t.proxy.origin + '/api/auth/me')};
const first = (await import('./${file}')).session;
await first.ready;
const said = [first.state];
await first.signIn({ username: user, password: 'correct horse ' + user });
said.push((await first.fetch(url)).status);
first.dispose();
globalThis.keychainLocked = true;
const second = (await import('./${file}?again')).session;
await new Promise(resolve => { setTimeout(resolve, 300); });
said.push(second.state);
globalThis.keychainLocked = false;
await (globalThis.appState ? globalThis.appState('active') ?? globalThis.appState({ isActive: true }) : second.wake());
await second.wake();
said.push(second.state, second.user?.username === user, (await second.fetch(url)).status);
await second.signOut();
said.push(second.state);
console.log(JSON.stringify(said));
`);
    const outcome = await run(process.execPath, ['main.js'], { cwd: t.dir });
    same(JSON.parse(outcome.stdout || 'null'), ['signed-out', 200, 'loading', 'active', true, 200, 'signed-out'],
      `${section}: sign-in, a request, a launch with a locked keychain that opens, sign-out ${outcome.stderr}`);
    if (file === 'session.ts') await typed(t);
  })]);

/* The Expo recipe under strict TypeScript, with a sketch of the modules' types. */
async function typed(t) {
  t.write('App.tsx', t.recipe('Expo', 'App.tsx'));
  t.write('platform.d.ts', `
declare module 'expo-secure-store' {
  export const AFTER_FIRST_UNLOCK_THIS_DEVICE_ONLY: number;
  export function getItemAsync(key: string): Promise<string | null>;
  export function setItemAsync(key: string, value: string, options: { keychainAccessible: number }): Promise<void>;
}
declare module 'expo-crypto' { export function getRandomValues<T extends Uint32Array>(array: T): T }
declare module 'expo-network' { export function addNetworkStateListener(listener: (state: { isInternetReachable?: boolean }) => void): void }
declare module 'react-native' { export const AppState: { addEventListener(type: 'change', listener: (state: string) => void): void } }
`);
  t.write('screens.d.ts', `
import type { User } from './vendor/session.js';
export function Splash(): null;
export function SignIn(props: { user?: User; onSubmit(username: string, password: string): unknown }): null;
export function Home(props: { offline: boolean }): null;
`);
  const compilerOptions = { strict: true, noEmit: true, target: 'es2022', lib: ['es2022', 'dom'], module: 'esnext', moduleResolution: 'bundler', jsx: 'react-jsx', types: [] };
  t.write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['platform.d.ts', 'session.ts', 'App.tsx'] }));
  const outcome = await run(process.execPath, [path.resolve('build/runtimes/node_modules/typescript/bin/tsc'), '-p', t.dir]);
  result(outcome.code === 0, 'Expo: both files under strict TypeScript', outcome.stdout);
}

const node = ['Node', () => bench('node', { access_ttl: '2s' }, async t => {
  t.install('node_modules/latchkey-session');
  t.write('package.json', '{"type": "module"}');
  fs.mkdirSync(path.join(t.dir, '.config/app'), { recursive: true });
  t.write('session.js', t.recipe('Node', 'session.js'));
  t.write('main.js', t.recipe('Node', 'main.js'));
  const user = await t.told('/user');
  const env = { ...process.env, HOME: t.dir, USERNAME: user, PASSWORD: 'correct horse ' + user };
  const first = await run(process.execPath, ['main.js'], { cwd: t.dir, env });
  result(/^200 .*"user":"r/.test(first.stdout), 'Node: the first run signs in', first.stdout + first.stderr);
  const second = await run(process.execPath, ['main.js'], { cwd: t.dir, env: { ...env, PASSWORD: 'no more' } });
  result(second.stdout === first.stdout, 'Node: the next needs no password', second.stdout + second.stderr);
  const file = path.join(t.dir, '.config/app/session.json');
  same(fs.statSync(file).mode & 0o777, 0o600, 'Node: the file is its owner\'s');
  await fiveProcesses(t, env, file);
  await torn(t, env, file);
})];

const shell = ['Shell', () => bench('shell', {}, async t => {
  t.write('latchkey.sh', t.recipe('Shell', 'latchkey.sh'));
  const env = { ...process.env, XDG_STATE_HOME: t.dir }, state = path.join(t.dir, 'app');
  fs.mkdirSync(state);
  const call = (...args) => run('sh', ['-c', 'printf "%s\\n" "$PASSWORD" | sh "$@"', 'sh', path.join(t.dir, 'latchkey.sh'), ...args], { env });
  const user = await t.told('/user'), url = t.proxy.origin + '/app/echo';
  // A password with what JSON and the shell would take amiss.
  env.PASSWORD = 'wrong " \\ $(id) %s';
  const wrong = await call('sign-in', user);
  same([wrong.code, wrong.stderr.trim()], [1, 'sign-in: 401 invalid_credentials'], 'shell: a wrong password');
  env.PASSWORD = 'correct horse ' + user;
  same((await call('sign-in', user)).code, 0, 'shell: sign-in');
  same(fs.readdirSync(state).filter(name => fs.statSync(path.join(state, name)).mode & 0o077), [], 'shell: nothing that others may read');
  const good = await call('get', url);
  same([good.code, JSON.parse(good.stdout || '{}').user], [0, user], 'shell: a request');
  await t.told('/expire');
  same([(await call('get', url)).code, await t.told('/count')], [0, 1], 'shell: a refused token is renewed, once');
  await t.told('/expire');
  await t.told('/lose');
  const lost = await call('get', url);
  same(lost.code, 75, 'shell: a lost answer is for later');
  await t.told('/well');
  same([(await call('get', url)).code, await t.told('/keys'), await t.told('/refused')], [0, 2, 0], 'shell: the next run repeats it with its key');
  await t.told('/fail');
  await t.told('/expire');
  same((await call('get', url)).code, 75, 'shell: an outage is for later');
  await t.told('/well');
  await killed(t, call, url);
  await t.told('/offline');
  same((await call('sign-out')).code, 75, 'shell: a sign-out without a network is for later');
  await t.told('/online');
  same([(await call('sign-out')).code, await t.told('/logout'), (await call('get', url)).code], [0, 204, 2], 'shell: sign-out');
  await call('sign-in', user);
  await t.told('/revoke');
  await t.told('/expire');
  const over = await call('get', url);
  same([over.code, over.stderr.trim()], [2, 'the session is over: sign in'], 'shell: a revoked session asks for the password');
})];

/* A run is killed at random; the next must not find itself signed out. */
async function killed(t, call, url) {
  let bad = 0;
  for (let i = 0; i < 20; i++) {
    await t.told('/expire');
    t.proxy.when('/refresh', { late: 20 });
    await run('timeout', ['-s', 'KILL', (0.02 + crypto.randomInt(100) / 1000).toFixed(3), 'sh', path.join(t.dir, 'latchkey.sh'), 'get', url],
      { env: { ...process.env, XDG_STATE_HOME: t.dir } });
    t.proxy.clear('/refresh');
    if ((await call('get', url)).code !== 0) bad++;
  }
  same([bad, await t.told('/refused')], [0, 0], 'shell: 20 runs that are killed at random: none is signed out, nothing looks like theft');
}

// ---- Kotlin and Java

const JARS = ['kotlin-stdlib', 'okhttp', 'okio', 'com.android.json'].map(name => `/usr/share/java/${name}.jar`).join(':');
const sources = path.resolve('tests/client/recipes');

/* Compiled once for one text: kotlinc takes 10 s. */
async function compiled(name, texts, compile) {
  const sum = crypto.createHash('sha256').update(texts.join('\0')).digest('hex').slice(0, 16);
  const dir = path.resolve('build/recipes'), out = path.join(dir, `${name}-${sum}`);
  if (!fs.existsSync(out)) {
    fs.mkdirSync(dir, { recursive: true });
    for (const old of fs.readdirSync(dir)) if (old.startsWith(name)) fs.rmSync(path.join(dir, old), { recursive: true });
    const draft = fs.mkdtempSync(path.join(dir, 'draft-'));
    const outcome = await compile(draft);
    if (outcome.code !== 0) throw new Error(`${name} is not compiled:\n${outcome.stdout}\n${outcome.stderr}`);
    fs.renameSync(draft, out);
  }
  return out;
}

const kotlin = ['Kotlin', () => bench('kotlin', {}, async t => {
  // OkHttp 4's two functions of companion objects are in OkHttp4.kt for the test.
  const text = page.block('Android', 'Session.kt').replace(/^import okhttp3\..*\.Companion\..*\n/gm, '');
  t.write('Session.kt', text);
  const files = ['OkHttp4.kt', 'Story.kt'].map(file => path.join(sources, file));
  const out = await compiled('kotlin', [text, ...files.map(file => fs.readFileSync(file, 'utf8'))],
    dir => run('kotlinc', ['-cp', JARS, path.join(t.dir, 'Session.kt'), ...files, '-d', dir]));
  const outcome = await run('java', ['-cp', `${out}:${JARS}`, 'StoryKt', t.proxy.origin, t.control]);
  lines('Kotlin', outcome.stdout);
  result(outcome.code === 0 && outcome.stdout.split('\n').length > 16, 'Kotlin: the story is told to its end', outcome.stderr);
})];

function java(name, change = text => text, ...more) {
  return bench(name, {}, async t => {
    t.write('Session.java', change(page.block('Java', 'Session.java')));
    const built = await run('javac', ['-Xlint:all', '-Werror', '-d', t.dir, path.join(t.dir, 'Session.java'), path.join(sources, 'Story.java')]);
    if (built.code !== 0) throw new Error(built.stdout + built.stderr);
    return run('java', ['-cp', t.dir, 'Story', t.proxy.origin, t.control, ...more]);
  });
}
const plainJava = ['Java', async () => {
  const outcome = await java('java');
  lines('Java', outcome.stdout);
  result(outcome.code === 0 && outcome.stdout.split('\n').length > 16, 'Java: the story is told to its end', outcome.stderr);
}];

/* What each step is there for, taken out of the recipe: the story must notice. */
const FAULTS = [
  ['a new key at each try', 'old.key.isEmpty() ? newKey() : old.key', 'newKey()', 'not ok with the same key'],
  ['the end of an old session removes a newer one', 'if (!swap(sent, null)) return later("changed");', 'replace(null);', 'not ok a sign-out and a sign-in win'],
  ['a store that can\'t be read is taken for an empty one', 'known = Kept.of(store.read());',
    'try { known = Kept.of(store.read()); } catch (IOException e) { known = Kept.of(null); }', 'not ok a store that fails at each call'],
];
const controls = ['controls', () => Promise.all(FAULTS.map(async ([name, right, wrong, verdict], i) => {
  const outcome = await java(`control${i}`, text => {
    if (!text.includes(right)) throw new Error(`the recipe has no ${right}`);
    return text.replace(right, wrong);
  }, ...verdict.includes('store') ? [] : ['short']);
  result(outcome.stdout.includes(verdict), `control: ${name}, and the story notices`, outcome.stdout);
}))];

// ---- what the page says in words

const codes = ['codes', async () => {
  const text = fs.readFileSync('docs/clients.md', 'utf8'), table = text.split('## Codes that a client may see')[1].split('\n## ')[0];
  const listed = [...table.matchAll(/^\| (.*?) \|/gm)].flatMap(([, cell]) => [...cell.matchAll(/`([a-z_]+)`/g)].map(match => match[1]));
  const server = [...fs.readFileSync('docs/api.md', 'utf8').split('## Errors')[1].matchAll(/^\| \d+ \| `([a-z_]+)`/gm)].map(match => match[1]);
  const own = /one of:([^.]*)\./.exec(fs.readFileSync('www/session.d.ts', 'utf8'))[1].match(/[a-z_]+/g);
  same([...server, ...own].filter(code => !listed.includes(code)), [], 'each code of api.md and of session.d.ts is in the table of codes');
  same(listed.filter(code => ![...server, ...own].includes(code)), [], 'and no other');
  same(listed.filter((code, i) => listed.indexOf(code) !== i), [], 'each once');
}];

/* No block is left to itself; of Swift and Rust there is no compiler here, as the page says. */
const NOT_RUN = ['main.rs', 'Session.swift'];
const groups = [kotlin, ...browsers(bench), node, shell, plainJava, ...apps, controls, codes];
await runGroups(groups, async () => {
  if (process.argv.length === 2) same(page.unread(), NOT_RUN, 'each block of the page that has a name was run');
  await closeBrowser();
  fs.rmSync(work, { recursive: true, force: true });
  stopAll();
});
