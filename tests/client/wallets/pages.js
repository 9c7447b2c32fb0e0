// The recipes of docs/wallets.md in Chromium, as the page prints them. What an extension does is a double's: it hears the messages of the page's own
// @stellar/freighter-api, or is `window.solana`. The keys are in this process, as an extension's aren't in the page; the libraries sign (stage.js).
import fs from 'node:fs';
import path from 'node:path';
import { launchBrowser } from '../browser.js';
import { same } from '../groups.js';
import { openProxy } from '../proxy.js';
import { readPage } from '../recipes/page.js';
import { refreshByCopy, totp } from '../secrets.js';
import { admin, upstream } from '../upstream.js';
import { caller, purses } from './stage.js';

const page = readPage('docs/wallets.md');
const [lumen, coin] = purses('in a browser');
const read = file => fs.readFileSync(path.resolve(file), 'utf8');

/* Freighter's package is a script of the kind that a bundler makes a module of. */
const freighterApi = `const module = { exports: {} }, exports = module.exports;
${read('build/wallets/node_modules/@stellar/freighter-api/build/index.min.js')}
export const { isConnected, requestAccess, signMessage } = module.exports;`;

/* The content script of the extension: it passes messages between the page and what holds the keys. */
export function contentScript() {
  const later = window.setTimeout;                // the package waits for 2 s; a machine that is busy may need longer
  window.setTimeout = (what, ms, ...more) => later(what, ms === 2000 ? 60e3 : ms, ...more);
  window.addEventListener('message', async ({ source, data }) => {
    if (source !== window || data?.source !== 'FREIGHTER_EXTERNAL_MSG_REQUEST') return;
    const answer = await window.extension(data);
    window.postMessage({ source: 'FREIGHTER_EXTERNAL_MSG_RESPONSE', messagedId: data.messageId, ...answer }, window.location.origin);
  });
}

/* What an extension of Solana puts into the page. */
export function provider() {
  const ask = async question => {
    const answer = await window.extension(question);
    if (answer.error) throw Object.assign(new Error(answer.error.message), { code: answer.error.code });
    return answer;
  };
  window.solana = {
    connect: async () => { const { address } = await ask({ type: 'connect' }); return { publicKey: { toString: () => address } }; },
    signMessage: async bytes => ({ signature: Uint8Array.from((await ask({ type: 'sign', bytes: [...bytes] })).signature) }),
  };
}

/* What holds the keys: says no where the person does, and signs what it is shown. */
export function extension(person) {
  const no = { code: -4, message: 'The user rejected this request.' };
  const decoded = bytes => new TextDecoder().decode(Uint8Array.from(bytes));
  const answers = {
    REQUEST_CONNECTION_STATUS: () => ({ isConnected: true }),
    REQUEST_ACCESS: () => person.connects ? { publicKey: person.lumen.address } : { publicKey: '', apiError: no },
    REQUEST_ALLOWED_STATUS: () => ({ isAllowed: person.connects }),
    SUBMIT_BLOB: ({ blob, accountToSign }) => person.signs && accountToSign === person.lumen.address
      ? { signedBlob: person.lumen.sign(person.reads(blob)), signerAddress: person.lumen.address } : { signedBlob: null, signerAddress: '', apiError: no },
    connect: () => person.connects ? { address: person.coin.address } : { error: no },
    sign: ({ bytes }) => person.signs ? { signature: [...Buffer.from(person.coin.sign(person.reads(decoded(bytes))), 'base64')] } : { error: no },
  };
  return question => {
    person.asked.push(question.type);
    return answers[question.type](question);
  };
}

/* A page of an app, with the recipe in it, and what a person with that extension has installed; `bound`: with dpop.js in its session.
 * signIn() answers the user, or why not; a person who is asked for a code gives that one. */
async function open(browser, proxy, installed, bound = false) {
  const person = { connects: true, signs: true, reads: text => text, code: '', asked: [], lumen, coin };
  const context = await browser.newContext(), tab = await context.newPage();
  tab.setDefaultTimeout(60e3);
  await context.exposeFunction('extension', extension(person));
  await context.exposeFunction('askForCode', () => { person.asked.push('code'); return person.code; });
  if (installed) await context.addInitScript(installed);
  await tab.goto(`${proxy.origin}/page`);
  await tab.evaluate(async on => {
    const map = document.createElement('script');
    map.type = 'importmap';
    map.textContent = '{"imports": {"@stellar/freighter-api": "/freighter-api.js"}}';
    document.head.append(map);
    const { createSession } = await import('/session.js');
    const { dpop } = await import('/dpop.js');
    window.s = createSession({ mode: 'cookie', ...on && { fetch: dpop() } });
    await window.s.ready;
  }, bound);
  const signIn = name => tab.evaluate(async file => {
    const [{ signInByWallet }, wallet] = await Promise.all([import('/wallet.js'), import(`/${file}.js`)]);
    try { return (await signInByWallet(window.s, '/api/auth', await wallet[file](), window.askForCode)).username; } catch (error) { return error.code || error.message; }
  }, name);
  return { person, context, tab, signIn, state: () => tab.evaluate(() => window.s.state) };
}

async function story(browser, proxy, { file, purse, installed, no, asked }) {
  const tell = (got, want, what) => same(got, want, `${file}.js in Chromium: ${what}`), name = `${purse.chain}:${purse.address}`;
  const a = await open(browser, proxy, installed);
  a.person.connects = false;
  tell([await a.signIn(file), await a.state()], [no, 'signed-out'], 'a person who doesn\'t let the page see the wallet');
  Object.assign(a.person, { connects: true, signs: false });
  tell([await a.signIn(file), await a.state()], [no, 'signed-out'], 'one who doesn\'t sign');
  Object.assign(a.person, { signs: true, reads: text => text.replace('costs nothing', 'costs a lot') });
  tell([await a.signIn(file), await a.state()], ['invalid_credentials', 'signed-out'], 'control: a wallet that signs another text than it was shown');
  Object.assign(a.person, { reads: text => text });
  tell([await a.signIn(file), await a.state()], [name, 'active'], 'signed in');
  await a.tab.evaluate(() => window.s.refresh());
  const me = await a.tab.evaluate(async () => (await (await window.s.fetch('/api/auth/me')).json()).data.username);
  tell([me, await a.state()], [name, 'active'], 'refreshed, and asked who that is');
  tell([...new Set(a.person.asked)], asked, `the extension was asked: ${asked.join(', ')}`);
  await a.context.close();
}

/* A session that begins by a wallet is bound to the key of dpop.js. */
async function bound(browser, server, proxy) {
  for (const on of [true, false]) {
    const tell = (got, want, what) => same(got, want, `${on ? 'with' : 'control: without'} dpop.js: ${what}`);
    const a = await open(browser, proxy, provider, on), name = `solana:${coin.address}`;
    tell([await a.signIn('solana'), await a.state()], [name, 'active'], 'signed in by a wallet');
    const mine = await a.tab.evaluate(async () => (await (await window.s.fetch('/api/auth/sessions')).json()).data.find(one => one.id === window.s.id));
    tell(mine.bound ?? false, on, 'whether its session is bound');
    await a.tab.evaluate(() => window.s.refresh());
    tell(await refreshByCopy(server, a.context), on ? 'invalid_dpop_proof' : 200, 'a copy of its cookie');
    if (on) await a.tab.evaluate(() => window.s.refresh());
    tell(await a.state(), 'active', 'its owner');
    await a.context.close();
  }
}

/* A wallet's own user who has a second factor: the recipe asks for its code, and shows the same text again. */
async function secondFactor(browser, server, proxy) {
  const tell = (got, want, what) => same(got, want, `wallet.js, of a user with a second factor: ${what}`), call = caller(server);
  const name = `solana:${coin.address}`, password = 'correct horse battery';
  const [, ticket] = /#link=(\S+)/.exec(admin(server, 'user', 'link', name, '--url', `${proxy.origin}/api/auth`));
  await call('POST', '/password/link', { ticket, new_password: password });
  const { data: { access_token: token } } = await call('POST', '/login', { username: name, password });
  const { data: { secret, recovery, ticket: made } } = await call('POST', '/totp', { password }, token);
  tell((await call('POST', '/totp/confirm', { ticket: made, code: totp(secret) }, token)).status, 204, 'turned on');
  const a = await open(browser, proxy, provider);
  a.person.code = 'no code of his';
  tell([await a.signIn('solana'), await a.state()], ['invalid_credentials', 'signed-out'], 'a wrong code');
  Object.assign(a.person, { code: recovery[0], asked: [] });
  tell([await a.signIn('solana'), await a.state()], [name, 'active'], 'the right one');
  tell(a.person.asked, ['connect', 'sign', 'code'], 'the wallet signs once, and the person is asked once');
  const shown = proxy.of('/wallet/login').slice(-2).map(({ status, body }) => [status, body.message, body.code]), [[, message]] = shown;
  tell(shown, [[401, message, undefined], [200, message, recovery[0]]], 'what was sent: the same text, then with the code');
  await a.context.close();
}

/* The page of the account, where the wallet of a user who has a password is seen and removed. */
async function account(browser, server, proxy) {
  const tell = (got, want, what) => same(got, want, `/account in Chromium: ${what}`), call = caller(server);
  const username = 'tilda', password = 'correct horse battery', at = `${proxy.origin}/api/auth`;
  const { data: { access_token: token } } = await call('POST', '/register', { username, password });
  for (const [purse, more] of [[lumen, {}], [coin, { label: 'My <b>purse' }]]) await call('POST', '/wallet', await call.wallet(purse, more), token);
  const context = await browser.newContext({ javaScriptEnabled: false }), tab = await context.newPage();
  await tab.goto(`${at}/signin`);
  await tab.fill('[name=username]', username);
  await tab.fill('[name=password]', password);
  await tab.click('button.main');
  const section = tab.locator('section', { has: tab.getByRole('heading', { name: 'Wallets', exact: true }) });
  const listed = () => section.locator('li b').allInnerTexts(), ends = `${lumen.address.slice(0, 4)}…${lumen.address.slice(-4)}`;
  tell(await listed(), [ends, 'My <b>purse'], 'two wallets, by the ends of the address and by a name');
  tell(await tab.getByRole('button', { name: /^Add/ }).count(), 0, 'without script no button adds one');
  const outcome = async purse => call.outcome('/wallet/login', await call.wallet(purse, { username }));
  tell([await outcome(lumen), await outcome(coin)], [200, 200], 'control: both sign that user in');
  await section.getByRole('button', { name: `Remove: ${ends}` }).click();
  await tab.getByText('It signs you in no more.').waitFor();
  tell([await listed(), await outcome(lumen), await outcome(coin)], [['My <b>purse'], 'invalid_credentials', 200], 'one is removed, and signs in no more');
  if (process.env.PICTURE) await tab.screenshot({ path: process.env.PICTURE, fullPage: true });
  await context.close();
}

export const pages = ['pages', async () => {
  const server = await upstream('serve', { wallets: 'stellar:pubnet solana:mainnet', insecure_cookie: 'on' });
  const files = { '/freighter-api.js': freighterApi, '/dpop.js': read('www/dpop.js') };
  for (const file of ['wallet.js', 'freighter.js', 'solana.js']) files[`/${file}`] = page.block('In the app', file);
  const proxy = await openProxy({ upstream: server, module: read('www/session.js'), files }), browser = await launchBrowser();
  try {
    const rejected = 'The user rejected this request.';
    const messages = ['REQUEST_CONNECTION_STATUS', 'REQUEST_ACCESS', 'REQUEST_ALLOWED_STATUS', 'SUBMIT_BLOB'];
    await story(browser, proxy, { file: 'freighter', purse: lumen, installed: contentScript, no: rejected, asked: messages });
    await story(browser, proxy, { file: 'solana', purse: coin, installed: provider, no: -4, asked: ['connect', 'sign'] });
    const bare = await open(browser, proxy);
    same(await bare.signIn('freighter'), 'Freighter isn\'t here', 'freighter.js in Chromium: without the extension the app is told so');
    await bare.context.close();
    await bound(browser, server, proxy);
    await secondFactor(browser, server, proxy);
    await account(browser, server, proxy);
    same(page.unread(), [], 'each block of the page that has a name was run');
  } finally {
    await browser.close();
    await proxy.close();
  }
}];
