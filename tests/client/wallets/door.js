// Wallets on the pages of the door, in Chromium: a user who has no password and never gets one signs in, goes on to a client of OAuth and to a device, sets up a
// second factor, adds what else signs in, and deletes the account. The extensions are the doubles of pages.js; the libraries sign.
import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { launchBrowser } from '../browser.js';
import { same } from '../groups.js';
import { admin, upstream } from '../upstream.js';
import { contentScript, extension, provider } from './pages.js';
import { purses } from './stage.js';

const axe = fs.readFileSync(createRequire(path.resolve('build/client') + '/').resolve('axe-core/axe.min.js'), 'utf8');
const shots = path.resolve('build/client/shots');
const sha256 = text => crypto.createHash('sha256').update(text).digest('base64url');
const codeOf = (uri, ahead = 0) => execFileSync('oathtool', ['--totp', '-b', new URL(uri).searchParams.get('secret'), '--now', `@${Math.floor(Date.now() / 1000) + ahead}`],
  { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } }).trim();

/* One origin for the pages and the API; each request comes from another network: the throttle is another test's. */
async function stage() {
  let asked = 0, server;
  const elsewhere = () => ({ 'x-forwarded-for': `10.${++asked >> 8}.${asked & 255}.1`, 'x-forwarded-proto': 'http' });
  const front = http.createServer((request, response) => {
    if (!request.url.startsWith('/api/')) {
      response.setHeader('content-type', 'text/html');
      response.end('<!doctype html><title>app</title><h1>the app</h1>');
      return;
    }
    const on = http.request({ host: server.host, port: server.port, path: request.url, method: request.method, agent: false, headers: { ...request.headers, ...elsewhere() } }, from => {
      response.writeHead(from.statusCode, from.headers);
      from.pipe(response);
    });
    on.on('error', () => response.destroy());
    request.pipe(on);
  });
  await new Promise(resolve => { front.listen(0, '127.0.0.1', resolve); });
  const origin = `http://localhost:${front.address().port}`, secret = sha256hex('x');
  server = await upstream('serve', { issuer: `${origin}/api/auth`, wallets: 'stellar:pubnet solana:mainnet', factor_groups: 'staff' });
  fs.writeFileSync(path.join(server.data, 'latchkey.clients'), `app sha256:${secret} ${origin}/cb\nbank sha256:${secret},factor ${origin}/cb\ntv public,device\n`, { mode: 0o600 });
  return { origin, door: `${origin}/api/auth/`, server, close: () => front.close() };
}
const sha256hex = text => crypto.createHash('sha256').update(text).digest('hex');

/* A browser of a person with these wallets in it. */
async function open(browser, here, wallets, options = {}) {
  const person = { connects: true, signs: true, reads: text => text, asked: [], ...wallets };
  const context = await browser.newContext(options), tab = await context.newPage();
  tab.setDefaultTimeout(60e3);
  const problems = [];
  tab.on('pageerror', error => problems.push(String(error)));
  tab.on('console', message => { if (message.type() === 'error' && !/status of 4/.test(message.text())) problems.push(message.text()); });
  const cdp = await context.newCDPSession(tab);
  await context.exposeFunction('extension', extension(person));
  for (const installed of [wallets.lumen && contentScript, wallets.coin && provider]) if (installed) await context.addInitScript(installed);
  const sent = [];
  tab.on('request', request => { if (request.method() === 'POST') sent.push({ url: request.url(), form: request.postData() }); });
  const press = name => tab.getByRole('button', { name, exact: true }).click();
  return { person, context, tab, cdp, problems, sent, press, said: text => tab.getByText(text, { exact: true }).waitFor(),
    heading: name => tab.getByRole('heading', { name, level: 1 }).waitFor() };
}

/* A form that a page has sent, sent once more by somebody who has copied it. */
async function again(here, { url, form }, headers = {}) {
  const response = await fetch(url.replace(here.origin, `http://127.0.0.1:${here.server.port}`), { method: 'POST', redirect: 'manual', body: form,
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin', 'x-forwarded-proto': 'http', host: new URL(here.origin).host, ...headers } });
  return { status: response.status, to: response.headers.get('location'), cookies: response.headers.getSetCookie() };
}

async function findings(tab) {
  await tab.evaluate(axe);
  const { violations } = await tab.evaluate(() => window.axe.run());
  const over = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  return [...violations.map(v => `${v.id}: ${v.nodes[0].html}`), ...over > 0 ? [`${over} px over the edge`] : []];
}

/* The person says no, once, to what the extension asks with a word like that. */
async function says(a, no, word, act) {
  const before = a.person.asked.length;
  a.person[no] = false;
  await act();
  while (!a.person.asked.slice(before).some(type => word.test(type))) await new Promise(resolve => { setTimeout(resolve, 20); });
  a.person[no] = true;
}

async function story(browser, here, purse, title) {
  const tell = (got, want, what) => same(got, want, `the door, ${purse.chain}: ${what}`), name = `${purse.chain}:${purse.address}`;
  const a = await open(browser, here, { [purse.chain === 'stellar' ? 'lumen' : 'coin']: purse }), { tab } = a;
  const button = tab.getByRole('button', { name: `Sign in with ${title}` }), stands = () => new URL(tab.url()).pathname;
  await tab.goto(`${here.door}signin?rd=${encodeURIComponent(`${here.origin}/app?a=1&b=2`)}`);
  await button.waitFor();
  tell(await tab.locator('[data-chain]:visible').count(), 1, 'one button, for the wallet that is there');
  await says(a, 'connects', /connect|ACCESS/, () => button.click());
  await says(a, 'signs', /sign|BLOB/, () => button.click());
  tell([stands(), a.sent.filter(({ url }) => url.endsWith('/signin')).length], ['/api/auth/signin', 0], 'a person who says no stays where he is');
  a.person.reads = text => text.replace('costs nothing', 'costs a lot');
  await button.click();
  await tab.getByRole('alert').filter({ hasText: 'That one doesn\'t sign you in here.' }).waitFor();
  a.person.reads = text => text;
  await button.click();
  await tab.getByText('the app').waitFor();
  tell(tab.url(), `${here.origin}/app?a=1&b=2`, 'signed in, and led to where he came from');
  const cookies = await a.context.cookies();
  tell(cookies.map(cookie => [/door/.test(cookie.name), cookie.httpOnly, cookie.expires > 0]), [[true, true, true]], 'by a cookie of the door, which stays as the box says, and no script sees');
  const form = a.sent.filter(({ url }) => url.endsWith('/signin')).at(-1);
  const [cross, twice] = [await again(here, form, { 'sec-fetch-site': 'cross-site' }), await again(here, form)];
  tell([cross.status, cross.cookies.length, twice.status], [403, 0, 303], 'the same form from another site is refused; from here it is the same session, as long as nothing has changed');
  await tab.goto(`${here.door}account`);
  await a.heading('Your account');
  await tab.getByText(name).first().waitFor();
  tell(await tab.locator('[name=password]').count(), 0, 'the account has no field for a password');
  await a.press('Sign out');
  await a.said('You are signed out.');
  tell((await again(here, form)).status, 400, 'the form of before is worth nothing then');
  tell(a.problems, [], 'nothing is blocked');
  return a;
}

/* Who must have a second factor, and has nothing but a wallet. */
async function factor(browser, here, coin) {
  const tell = (got, want, what) => same(got, want, `the door, a second factor: ${what}`), name = `solana:${coin.address}`;
  const group = on => admin(here.server, 'user', 'set', name, 'groups', on ? 'staff' : '');
  const a = await open(browser, here, { coin }, { viewport: { width: 390, height: 844 } }), { tab } = a;
  group(true);
  await tab.goto(`${here.door}signin`);
  await a.press('Sign in with Solana');
  const uri = await tab.locator('[data-qr]').getAttribute('data-qr');
  tell((await a.context.cookies()).length, 0, 'before it is set up nothing is granted');
  tell(await findings(tab), [], 'axe finds nothing');
  await tab.locator('[name=second]').fill(codeOf(uri));
  await a.press('Sign in');
  await a.heading('Your account');
  await a.press('Sign out');
  await a.press('Sign in with Solana');
  await tab.getByText('That was right.').waitFor();
  await tab.locator('[name=second]').fill(codeOf(uri, 30));
  await a.press('Sign in');
  await a.heading('Your account');
  tell(await tab.locator('[name=password]').count(), 0, 'set up, and signed in by the wallet and a code; no password is asked for anywhere');
  admin(here.server, 'user', 'totp', name, 'off');
  group(false);
  await tab.reload();
  await tab.locator('#factor summary').click();
  await a.press('Set up: Solana');
  const next = await tab.locator('#factor [data-qr]').getAttribute('data-qr');
  await tab.locator('#factor [name=second]').fill(codeOf(next));
  await a.press('Turn on');
  await a.said('The second factor is on.');
  await tab.locator('#factor summary').click();
  await tab.locator('#factor [name=second]').fill(codeOf(next, 30));
  await a.press('Turn off: Solana');
  await a.said('The second factor is off.');
  tell(a.problems, [], 'on the account it is set up and turned off by the wallet; nothing is blocked');
  await a.context.close();
}

/* What else signs in is added, and the account is deleted by it. */
async function account(browser, here, lumen, coin) {
  const tell = (got, want, what) => same(got, want, `the door, the account: ${what}`), name = `stellar:${lumen.address}`;
  const a = await open(browser, here, { lumen, coin }), { tab } = a;
  // Passkeys by their button alone: in the field for the name this authenticator answers at once.
  await a.context.addInitScript(() => { window.PublicKeyCredential.isConditionalMediationAvailable = async () => false; });
  await a.cdp.send('WebAuthn.enable');
  const { authenticatorId } = await a.cdp.send('WebAuthn.addVirtualAuthenticator', { options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true,
    hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } });
  await tab.goto(`${here.door}signin`);
  await a.press('Sign in with Stellar');
  await a.heading('Your account');
  await a.press('Add a wallet: Solana');
  await a.said('It signs you in from now on.');
  const section = title => tab.locator('section', { has: tab.getByRole('heading', { name: title, exact: true }) });
  tell(await section('Wallets').locator('li').count(), 2, 'another wallet is added');
  await tab.getByLabel('Its name').fill('Laptop');
  await a.press('Add a passkey');
  await section('Passkeys').locator('li').waitFor();
  await tab.locator('summary', { hasText: 'Delete account' }).click();
  tell(await tab.locator('form:has([value=delete]) button:visible').allInnerTexts(), ['Delete account: Passkey', 'Delete account: Stellar', 'Delete account: Solana'], 'it would be deleted by either');
  tell(await findings(tab), [], 'axe finds nothing');
  for (const [scheme, width] of [['light', 1280], ['dark', 390]]) {
    await tab.emulateMedia({ colorScheme: scheme });
    await tab.setViewportSize({ width, height: 844 });
    await tab.screenshot({ path: path.join(shots, `door-wallet-account-${scheme}.png`), fullPage: true });
  }
  await section('Passkeys').getByRole('button', { name: 'Remove: Laptop' }).click();
  await a.said('It signs you in no more.');
  await a.cdp.send('WebAuthn.clearCredentials', { authenticatorId });
  await tab.locator('summary', { hasText: 'Delete account' }).click();
  await says(a, 'signs', /sign/, () => a.press('Delete account: Solana'));
  const before = a.sent.length;
  await a.press('Delete account: Solana');
  await a.said('Your account was deleted.');
  tell([a.sent.length - before >= 2, JSON.parse(admin(here.server, 'user', 'list', '--json')).some(({ username }) => username === name)], [true, false], 'the wallet that was added deletes it');
  await a.press('Sign in with Stellar');
  await a.heading('Your account');
  await tab.getByLabel('Its name').fill('Laptop');
  await a.press('Add a passkey');
  await section('Passkeys').locator('li').waitFor();
  await tab.locator('summary', { hasText: 'Delete account' }).click();
  await a.press('Delete account: Passkey');
  await a.said('Your account was deleted.');
  tell(a.problems, [], 'a passkey does, too; nothing is blocked');
  await a.context.close();
}

const verifier = crypto.randomBytes(32).toString('base64url');
async function token(here, body) {
  const response = await fetch(`http://${here.server.host}:${here.server.port}/api/auth/token`, { method: 'POST', body: new URLSearchParams(body) });
  return { status: response.status, ...await response.json() };
}
const claims = jwt => JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url'));

/* A client of OAuth, one that wants a second factor, and a device. */
async function clients(browser, here, lumen) {
  const tell = (got, want, what) => same(got, want, `the door, clients: ${what}`), name = `stellar:${lumen.address}`;
  const callback = `${here.origin}/cb`, a = await open(browser, here, { lumen }), { tab } = a;
  const ask = client => `${here.door}authorize?${new URLSearchParams({ client_id: client, redirect_uri: callback, response_type: 'code', scope: 'openid', state: 'st',
    code_challenge: sha256(verifier), code_challenge_method: 'S256' })}`;
  const redeem = async client => {
    await tab.waitForURL(url => url.href.startsWith(`${callback}?`));
    return token(here, { grant_type: 'authorization_code', client_id: client, client_secret: 'x', code: new URL(tab.url()).searchParams.get('code'), redirect_uri: callback, code_verifier: verifier });
  };
  await tab.goto(ask('app'));
  await tab.locator('[name=stay][type=checkbox]').uncheck();
  await a.press('Sign in with Stellar');
  const got = await redeem('app'), [sent] = a.sent.filter(({ url }) => url.includes('authorize'));
  tell([got.status, claims(got.id_token).amr, claims(got.id_token).preferred_username ?? name], [200, ['pop'], name], 'a code for the client, by the wallet');
  tell((await a.context.cookies()).length, 0, 'nothing is kept in the browser');
  tell((await again(here, sent)).status, 400, 'the same form afterwards: its text is used');
  await tab.goto(ask('bank'));
  await a.press('Sign in with Stellar');
  const uri = await tab.locator('[data-qr]').getAttribute('data-qr');
  await tab.locator('[name=second]').fill(codeOf(uri));
  await a.press('Sign in');
  const bank = await redeem('bank');
  tell([bank.status, claims(bank.id_token).amr], [200, ['pop', 'otp', 'mfa']], 'one that wants a second factor has it set up first');
  await a.context.clearCookies();
  const pair = await (await fetch(`http://${here.server.host}:${here.server.port}/api/auth/device_authorization`, { method: 'POST', body: new URLSearchParams({ client_id: 'tv' }) })).json();
  await tab.goto(`${here.door}device`);
  await tab.locator('[name=code]').fill(pair.user_code);
  await a.press('Sign in with Stellar');
  await tab.locator('[name=second]').fill(codeOf(uri, 30));
  await a.press('Go on');
  await tab.getByText(`signed in as ${name}`).waitFor();
  await tab.waitForFunction(() => !document.querySelector('[value=allow]').disabled);
  await tab.locator('[value=allow]').click();
  await tab.getByText('tv is signed in').waitFor();
  tell((await token(here, { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', client_id: 'tv', device_code: pair.device_code })).status, 200, 'a device is connected');
  tell(a.problems, [], 'nothing is blocked');
  await a.context.close();
}

/* Without the extension, or without script, there is nothing of it. */
async function without(browser, here, coin) {
  const tell = (got, want, what) => same(got, want, `the door, without: ${what}`);
  for (const [what, options] of [['an extension', {}], ['script', { javaScriptEnabled: false }]]) {
    const a = await open(browser, here, options.javaScriptEnabled === false ? { coin } : {}, options);
    await a.tab.goto(`${here.door}signin`, { waitUntil: 'load' });
    await a.tab.waitForTimeout(1500);
    tell(await a.tab.getByRole('button', { name: /Sign in with S/ }).count(), 0, `${what} there is no button`);
    await a.context.close();
  }
  for (const [device, viewport, colorScheme, locale] of [['desktop', { width: 1280, height: 900 }, 'light', 'en'], ['phone', { width: 390, height: 844 }, 'dark', 'de'], ['small', { width: 320, height: 568 }, 'light', 'de']]) {
    const a = await open(browser, here, { coin, lumen: purses('looks')[0] }, { viewport, colorScheme, locale });
    await a.tab.goto(`${here.door}signin`);
    await a.tab.locator('[data-chain]:visible').nth(1).waitFor();
    tell(await findings(a.tab), [], `control: with both, on ${device}, ${colorScheme}: axe finds nothing`);
    await a.tab.screenshot({ path: path.join(shots, `door-wallet-${device}-${colorScheme}.png`), fullPage: true });
    await a.context.close();
  }
}

export const door = ['door', async () => {
  fs.mkdirSync(shots, { recursive: true });
  const here = await stage(), browser = await launchBrowser();
  const [lumen, coin] = purses('at the door');
  try {
    for (const [purse, title] of [[lumen, 'Stellar'], [coin, 'Solana']]) await (await story(browser, here, purse, title)).context.close();
    await factor(browser, here, coin);
    await account(browser, here, lumen, purses('another')[1]);
    await clients(browser, here, purses('for clients')[0]);
    await without(browser, here, coin);
  } finally {
    await browser.close();
    here.close();
  }
}];
