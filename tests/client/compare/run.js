// The table of docs/client.md: this client beside others, at the versions that package-lock.json pins.
//   tests/client/compare/run.sh      prints the table as Markdown
// Each client gets the same token server: one-use refresh tokens, no grace, and faults by name. What
// is counted is requests to it, and whether the client still has its session afterwards. A client
// whose protocol can't be spoken without its own backend gets its size alone.
import http from 'node:http';
import path from 'node:path';
import zlib from 'node:zlib';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { createSession } from '../../../www/session.js';

const require = createRequire(path.resolve('build/compare') + '/');
const load = name => import(pathToFileURL(require.resolve(name)));
const realNow = Date.now;
let skew = 0;
Date.now = () => realNow() + skew;

// ---- the token server, which speaks all dialects

function tokenServer() {
  const it = { calls: 0, fault: null, generation: 1, valid: 'rt1', key: null, lost: 0 };
  const jwt = () => ['{"alg":"none"}', JSON.stringify({ sub: 'u', exp: Math.floor(realNow() / 1000) + 3600, iat: Math.floor(realNow() / 1000), n: it.generation })]
    .map(part => Buffer.from(part).toString('base64url')).join('.') + '.x';
  it.pair = () => {
    const seconds = Math.floor(realNow() / 1000);
    return {
      access_token: jwt(), refresh_token: it.valid, token_type: 'bearer', expires_in: 3600, expires_at: seconds + 3600, scope: 'openid',
      user: { id: 'u', username: 'u', subscription: null, aud: 'a', app_metadata: {}, user_metadata: {}, created_at: '' },
      refresh_expires_in: 2592000, generation: it.generation, session: { id: 's', created_at: seconds, expires_in: null }, server_time: seconds,
    };
  };
  it.server = http.createServer(async (req, res) => {
    let text = '';
    for await (const chunk of req) text += chunk;
    const send = (status, json) => { res.writeHead(status, { 'content-type': 'application/json' }); res.end(JSON.stringify(json)); };
    if (req.url.startsWith('/api/')) {
      const ok = req.headers.authorization === 'Bearer ' + it.access;
      res.setHeader('WWW-Authenticate', 'Bearer error="invalid_token"');
      return send(ok ? 200 : 401, {});
    }
    if (req.url.endsWith('/login')) return send(200, { data: it.pair() });
    it.calls++;
    if (it.fault === 'cut') return void res.destroy();
    if (it.fault === 429) return send(429, { error: { code: 'rate_limited', message: '' }, error_code: 'over_request_rate_limit', msg: 'slow down' });
    const body = text.startsWith('{') ? JSON.parse(text) : Object.fromEntries(new URLSearchParams(text));
    const repeat = body.idempotency_key && body.idempotency_key === it.key;
    if (body.refresh_token !== it.valid && !repeat) return send(req.url.endsWith('/refresh') ? 401 : 400, { error: req.url.endsWith('/refresh') ? { code: 'refresh_reused', message: '' } : 'invalid_grant', error_code: 'refresh_token_already_used', msg: 'Already Used' });
    if (!repeat) it.valid = 'rt' + ++it.generation;
    it.key = body.idempotency_key;
    const pair = it.pair();
    it.access = pair.access_token;
    if (it.fault === 'lost') return void res.destroy();
    setTimeout(send, 30, 200, req.url.endsWith('/refresh') ? { data: pair } : pair);
  });
  return it;
}

const memory = () => {
  const map = new Map();
  return { map, getItem: k => map.get(k) ?? null, setItem: (k, v) => void map.set(k, v), removeItem: k => void map.delete(k), get length() { return map.size; }, key: i => [...map.keys()][i] };
};

// ---- the clients: open(base, server) gives {use, signedIn}; `expired` makes its token old

const clients = {
  async 'latchkey session.js'(base, it) {
    const s = createSession({ base: base + '/auth', mode: 'body', storage: memory(), queueTimeout: 0 });
    await s.signIn({});
    return { use: async () => (await s.fetch(base + '/api/x')).status, signedIn: () => s.state !== 'locked' && s.state !== 'signed-out' };
  },
  async '@supabase/auth-js'(base, it) {
    const { GoTrueClient } = await load('@supabase/auth-js');
    const storage = memory();
    storage.setItem('k', JSON.stringify({ ...it.pair(), expires_at: Math.floor(Date.now() / 1000) + 3600 }));
    const c = new GoTrueClient({ url: base, storageKey: 'k', storage, autoRefreshToken: false, persistSession: true, detectSessionInUrl: false });
    c.initialize && await c.initialize();
    return { use: () => c.getSession(), signedIn: () => storage.getItem('k') !== null };
  },
  async 'oidc-client-ts'(base, it) {
    const { UserManager, User, WebStorageStateStore } = await load('oidc-client-ts');
    const store = memory();
    const m = new UserManager({
      authority: base, client_id: 'c', redirect_uri: base, userStore: new WebStorageStateStore({ store }), stateStore: new WebStorageStateStore({ store: memory() }),
      metadata: { issuer: base, token_endpoint: base + '/token', authorization_endpoint: base + '/a' }, automaticSilentRenew: false, monitorSession: false,
    });
    const { expires_at, ...pair } = it.pair();
    await m.storeUser(new User({ ...pair, profile: { sub: 'u' }, expires_at: Math.floor(Date.now() / 1000) + 3600 }));
    // As its documents show: look at the user, renew when it has expired.
    return { use: async () => { const u = await m.getUser(); return u && !u.expired ? u : m.signinSilent(); }, signedIn: async () => Boolean(await m.getUser()) };
  },
  async 'axios-auth-refresh'(base, it) {
    const axios = (await load('axios')).default, refresh = await load('axios-auth-refresh');
    const install = refresh.default?.default || refresh.default || refresh.createAuthRefresh;
    const api = axios.create({ adapter: 'http' });
    let tokens = it.pair(), signedIn = true;
    api.interceptors.request.use(request => { request.headers.Authorization = 'Bearer ' + tokens.access_token; return request; });
    const renew = async failed => {
      try {
        tokens = (await axios.post(base + '/token', { refresh_token: tokens.refresh_token })).data;
        failed.response.config.headers.Authorization = 'Bearer ' + tokens.access_token;
      } catch (error) {
        if (error.response?.status === 400) signedIn = false;           // the app's part: the library has no opinion
        throw error;
      }
    };
    install(api, renew);
    return { use: () => api.get(base + '/api/x'), signedIn: () => signedIn };
  },
};

// ---- the runs

const quiet = promise => promise.then(() => true, () => false);
const hour = 3600e3;

async function bench(open, run) {
  const it = tokenServer();
  await new Promise(resolve => { it.server.listen(0, '127.0.0.1', resolve); });
  skew = 0;
  it.access = it.pair().access_token;
  try {
    const client = await open(`http://127.0.0.1:${it.server.address().port}`, it);
    return await run(client, it);
  } finally {
    skew = 0;
    it.server.closeAllConnections();
    it.server.close();
  }
}

const expire = it => { skew += 2 * hour; it.access = 'nothing'; };
const kept = async client => await client.signedIn() ? 'kept' : '**lost**';

const runs = {
  'ten calls at expiry: refreshes': async (client, it) => {
    expire(it);
    await Promise.all(Array.from({ length: 10 }, () => quiet(client.use())));
    return it.calls;
  },
  '429 on refresh: session': async (client, it) => {
    expire(it);
    it.fault = 429;
    await quiet(client.use());
    return kept(client);
  },
  'network down: session': async (client, it) => {
    expire(it);
    it.fault = 'cut';
    await quiet(client.use());
    return kept(client);
  },
  'answer lost, asked again: session': async (client, it) => {
    expire(it);
    it.fault = 'lost';
    await quiet(client.use());
    it.fault = null;
    skew += 120e3;                    // past every pause
    await quiet(client.use());
    return kept(client);
  },
  'clock 2 h fast, 20 serial calls: refreshes': async (client, it) => {
    expire(it);
    for (let i = 0; i < 20; i++) await quiet(client.use());
    return it.calls;
  },
};

async function bytes(contents) {
  const { build } = require('esbuild');
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: path.resolve('build/compare') }, bundle: true, minify: true, write: false,
    format: 'esm', platform: 'browser', target: 'es2022', logLevel: 'silent',
  });
  return zlib.gzipSync(outputFiles[0].contents, { level: 9 }).length;
}

const entries = {
  'latchkey session.js': `export * from ${JSON.stringify(path.resolve('www/session.js'))}`,
  '@supabase/auth-js': 'export { GoTrueClient } from "@supabase/auth-js"',
  '@auth0/auth0-spa-js': 'export { Auth0Client } from "@auth0/auth0-spa-js"',
  'oidc-client-ts': 'export { UserManager } from "oidc-client-ts"',
  'supertokens-website': 'export * from "supertokens-website"',
  'better-auth': 'export { createAuthClient } from "better-auth/client"',
  'axios-auth-refresh': 'export { default } from "axios-auth-refresh"',
};

const version = name => name.includes('session.js') ? '' : ' ' + require(path.resolve(`build/compare/node_modules/${name}/package.json`)).version;

console.log(`| client | gzip -9 | ${Object.keys(runs).join(' | ')} |`);
console.log(`|---|---:|${'---:|'.repeat(Object.keys(runs).length)}`);
for (const [name, entry] of Object.entries(entries)) {
  const cells = [];
  for (const run of Object.values(runs)) cells.push(clients[name] ? await bench(clients[name], run) : '');
  console.log(`| ${name}${version(name)} | ${await bytes(entry)} | ${cells.join(' | ')} |`);
}
process.exit(0);
