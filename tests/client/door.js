// The pages of the door in Chromium, as `latchkey serve` serves them: a walk from the sign-in to the deletion of the account with
// scripts switched off, by keyboard too; on a phone and on a desktop, light and dark, in both languages; no finding by axe, nothing that
// overflows from 320 px up, nothing blocked. Leaves screenshots in build/client/shots/door-*.png, to be looked at.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { createRequire } from 'node:module';
import { launchBrowser } from './browser.js';
import { upstream, stopAll } from './upstream.js';

const require = createRequire(path.resolve('build/client') + '/');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const shots = path.resolve('build/client/shots');
fs.mkdirSync(shots, { recursive: true });
const browser = await launchBrowser();
const server = await upstream('serve', { brand: 'Family Müller', sessions_max: 20 });
const base = `http://localhost:${server.port}/api/auth/`;
const PASSWORD = 'correct horse battery';
let n = 0, failed = 0;

async function check(name, run) {
  try {
    await run();
    console.log(`ok ${++n} - door: ${name}`);
  } catch (error) {
    failed++;
    console.log(`not ok ${++n} - door: ${name}\n` + String(error.stack).replace(/^/gm, '#   '));
  }
}

function equal(a, b, what) {
  if (JSON.stringify(a) !== JSON.stringify(b)) throw new Error(`${what}: got ${JSON.stringify(a)}, expected ${JSON.stringify(b)}`);
}

async function register(username) {
  const response = await fetch(base + 'register', { method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password: PASSWORD }) });
  equal(response.status, 201, 'a user');
}

async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(60e3);
  page.problems = [];
  page.on('pageerror', error => page.problems.push(String(error)));
  // A refusal is what a test asks for; and a test types before the page has set its focus.
  page.on('console', message => { if (!/status of 40[0-9]|status of 42|^Autofocus processing/.test(message.text())) page.problems.push(message.text()); });
  return page;
}

async function signIn(page, username, password = PASSWORD) {
  await page.goto(base + 'signin');
  await page.locator('[name=username]').fill(username);
  await page.locator('[name=password]').fill(password);
  await page.locator('button').click();
}

/* Many wrong passwords from one network are another test's. */
function forgive(...whom) {
  for (const one of [...whom, '127.0.0.1'])
    execFileSync(process.env.LATCHKEY || path.resolve('latchkey'), ['throttle', 'forgive', one, '--dir', server.data]);
}

/* What the operator is given to hand over. */
function link(verb, username) {
  return execFileSync(process.env.LATCHKEY || path.resolve('latchkey'), ['user', verb, username, '--url', base, '--dir', server.data], { encoding: 'utf8' }).trim();
}

const heading = (page, name) => page.getByRole('heading', { name, level: 1 }).waitFor();
const shoot = (page, name) => page.screenshot({ path: path.join(shots, `door-${name}.png`), fullPage: true });

/* What axe finds, by all of its rules, in a few words; and what hangs over the edge. */
async function findings(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  return [...violations.map(v => `${v.id}: ${v.nodes[0].html}`), ...over > 0 ? [`${over} px over the edge`] : []];
}

await register('ada');
await register('bea');

await check('a walk without scripts, by keyboard', async () => {
  const page = await open({ javaScriptEnabled: false });
  await page.goto(base + 'account');
  await heading(page, 'Sign in');
  await page.locator('[name=username]:focus').waitFor();
  await page.keyboard.type('bea');
  await page.keyboard.press('Tab');
  await page.keyboard.type('wrong horse');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').filter({ hasText: 'User name or password is wrong.' }).waitFor();
  equal(await page.getByLabel('User name').inputValue(), 'bea', 'the name that was typed');
  await page.locator('[name=password]:focus').waitFor();
  await page.keyboard.type(PASSWORD);
  for (let i = 0; i < 2; i++) await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await heading(page, 'Your account');
  await page.getByRole('heading', { name: 'Please have a look' }).waitFor();

  const other = await open({ userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0' });
  await signIn(other, 'bea');
  await heading(other, 'Your account');
  await page.reload();
  equal(await page.getByRole('heading', { name: 'Please have a look' }).count(), 0, 'what was seen');
  await page.getByRole('button', { name: 'Sign out: Firefox on Linux' }).click();
  await page.getByRole('status').filter({ hasText: 'That session was ended.' }).waitFor();
  await other.reload();
  await heading(other, 'Sign in');
  await other.getByText('Your session has ended.').waitFor();

  await page.getByText('Change password').first().click();
  await page.locator('form:has([name=next]) [name=password]').fill(PASSWORD);
  await page.getByLabel('New password').fill('another horse battery');
  await page.getByRole('button', { name: 'Change password' }).click();
  await page.getByRole('status').filter({ hasText: 'Your password was changed' }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).first().click();
  await page.getByText('You are signed out.').waitFor();
  await signIn(page, 'bea');
  await page.getByRole('alert').waitFor();
  await signIn(page, 'bea', 'another horse battery');
  await heading(page, 'Your account');
  await page.getByText('Delete account').first().click();
  await page.locator('form:has([value=delete]) [name=password]').fill('another horse battery');
  await page.getByRole('button', { name: 'Delete account' }).click();
  await page.getByText('Your account was deleted.').waitFor();
  equal(page.problems, [], 'problems');
  await page.context().close();
  await other.context().close();
});

await check('axe finds what is wrong, where something is', async () => {
  const page = await open();
  await page.goto(base + 'signin');
  equal(await findings(page), [], 'as it is');
  await page.evaluate(() => { document.querySelector('h1').style.cssText = 'color:#ccc;background:#fff;width:9000px'; document.querySelector('label').replaceWith('x', document.querySelector('input[name=username]')); });
  const found = (await findings(page)).join(' ');
  for (const word of ['color-contrast', 'label', 'over the edge']) if (!found.includes(word)) throw new Error(`${word} wasn't found: ${found}`);
  await page.context().close();
});

await check('back to the page that one came for, on another port of the host', async () => {
  const other = http.createServer((request, response) => { response.setHeader('content-type', 'text/html'); response.end(`<h1>the other page</h1>${request.url}`); });
  await new Promise(resolve => { other.listen(0, '127.0.0.1', resolve); });
  const wanted = `http://localhost:${other.address().port}/deep/page?a=1&b=2`;
  const page = await open();
  await page.goto(`${base}signin?rd=${encodeURIComponent(wanted)}`);
  await page.getByText(`to go on to localhost:${other.address().port}`).waitFor();
  await page.locator('[name=username]').fill('ada');
  await page.locator('[name=password]').fill(PASSWORD);
  await page.locator('button').click();
  await page.getByText('the other page').waitFor();
  equal(page.url(), wanted, 'where it ends');
  await page.goto(`${base}signin?rd=${encodeURIComponent(wanted)}`);
  await page.getByRole('link', { name: 'Go on to localhost' }).click();
  await page.getByText('the other page').waitFor();
  equal(page.problems.filter(text => !/favicon/.test(text)), [], 'problems');
  await page.context().close();
  other.close();
});

await check('a link: a password is chosen by it, once; its ticket goes to no server but in the form, and into no history', async () => {
  const page = await open(), invited = link('invite', 'cleo'), told = [];
  page.on('request', request => told.push(request.url(), request.headers().referer ?? ''));
  await page.goto(`${base}signin`);
  await page.goto(invited);
  await heading(page, 'Choose a password');
  equal(page.url(), `${base}link`, 'the address');
  equal(await page.getByLabel('Link that you were given').count(), 0, 'fields for the link');
  await page.getByLabel('New password').fill('short');
  await page.getByRole('button', { name: 'Choose a password' }).click();
  await page.getByRole('alert').filter({ hasText: 'Choose another password' }).waitFor();
  equal(await page.getByLabel('Link that you were given').count(), 0, 'fields for the link after a refusal');
  await page.getByLabel('New password').fill('chosen by cleo');
  await page.getByRole('button', { name: 'Choose a password' }).click();
  await page.getByRole('status').filter({ hasText: 'Your password was changed' }).waitFor();
  equal(await page.getByLabel('User name').inputValue(), 'cleo', 'the name');
  await page.getByLabel('Password', { exact: true }).fill('chosen by cleo');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await heading(page, 'Your account');
  await page.goto(invited);
  await heading(page, 'Choose a password');
  await page.getByLabel('New password').fill('chosen by another');
  await page.getByRole('button', { name: 'Choose a password' }).click();
  await page.getByRole('alert').filter({ hasText: 'This link was used already' }).waitFor();
  await page.getByLabel('Link that you were given').waitFor();
  for (let i = 0; i < 8; i++) {
    await page.goBack().catch(() => null);
    if (page.url().includes('eyJ')) throw new Error(`the history has ${page.url()}`);
  }
  equal(told.filter(text => text.includes('eyJ')), [], 'what was told of the ticket beside the form');
  equal(page.problems.filter(text => !/username fields/.test(text)), [], 'problems');
  await page.context().close();
});

await check('a link without scripts: it is pasted', async () => {
  const page = await open({ javaScriptEnabled: false }), given = link('link', 'cleo');
  await page.goto(given);
  await page.getByRole('link', { name: 'Link that you were given' }).click();
  await heading(page, 'Choose a password');
  await page.getByLabel('Link that you were given').fill(given);
  await page.getByLabel('New password').fill('pasted by cleo');
  await page.getByRole('button', { name: 'Choose a password' }).click();
  await signIn(page, 'cleo', 'pasted by cleo');
  await heading(page, 'Your account');
  await page.context().close();
});

/* By a picture of what the page draws, and by oathtool. */
const codeOf = uri => execFileSync('oathtool', ['--totp', '-b', new URL(uri).searchParams.get('secret'), '--now', `@${Math.floor(Date.now() / 1000) + codeOf.ahead}`], { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } }).trim();
codeOf.ahead = 0;

await check('a second factor: set up by the QR code that is drawn, signed in with, turned off by a recovery code', async () => {
  await register('dora');
  const page = await open({ viewport: { width: 390, height: 844 } }), shot = path.join(shots, 'qr.png');
  await signIn(page, 'dora');
  await heading(page, 'Your account');
  const part = page.locator('#factor');
  await part.locator('summary').click();
  await part.getByLabel('Present password').fill(PASSWORD);
  await part.getByRole('button', { name: 'Set up' }).click();
  await part.locator('.qr').screenshot({ path: shot });
  const uri = execFileSync('zbarimg', ['-q', '--raw', '-Sdisable', '-Sqr.enable', shot], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  equal(uri, await part.locator('[data-qr]').getAttribute('data-qr'), 'what a phone reads');
  const recovery = await part.locator('.codes code').first().innerText();
  equal(await findings(page), [], 'setting up');
  await shoot(page, 'factor');
  await part.locator('[name=second]').fill(codeOf(uri));
  await part.getByRole('button', { name: 'Turn on' }).click();
  await page.getByText('The second factor is on.').waitFor();
  await page.getByRole('button', { name: 'Sign out' }).first().click();
  await page.getByText('You are signed out.').waitFor();
  await signIn(page, 'dora');
  await page.getByText('That was right.').waitFor();
  equal(await findings(page), [], 'the code');
  await shoot(page, 'code');
  codeOf.ahead = 30;
  await page.locator('[name=second]:focus').waitFor();
  await page.keyboard.type(codeOf(uri));
  await page.keyboard.press('Enter');
  await heading(page, 'Your account');
  await part.locator('summary').click();
  await part.getByLabel('Present password').fill(PASSWORD);
  await part.locator('[name=second]').fill(recovery.toUpperCase());
  await part.getByRole('button', { name: 'Turn off' }).click();
  await page.getByText('The second factor is off.').waitFor();
  // Chromium takes a password and a code for two forms in one.
  equal(page.problems.filter(text => !/Multiple forms/.test(text)), [], 'problems');
  await page.context().close();
});

const SMALL = { width: 320, height: 568 }, PHONE = { width: 390, height: 844 }, DESKTOP = { width: 1280, height: 900 };
const views = [['phone', PHONE, 'light', 'en'], ['phone', PHONE, 'dark', 'de'], ['small', SMALL, 'light', 'de'], ['small', SMALL, 'dark', 'en'],
  ['desktop', DESKTOP, 'light', 'en'], ['desktop', DESKTOP, 'dark', 'de']];
for (const [device, viewport, colorScheme, language] of views)
  await check(`${device}, ${colorScheme}, ${language}: nothing to find on any page`, async () => {
    const page = await open({ viewport, colorScheme, locale: language });
    const look = async name => {
      equal(await findings(page), [], name);
      if (device !== 'small') await shoot(page, `${name}-${device}-${colorScheme}`);
    };
    await page.goto(base + 'signin');
    equal(await page.locator('html').getAttribute('lang'), language, 'language');
    await look('signin');
    forgive('ada');
    await signIn(page, 'ada', 'wrong horse');
    await page.getByRole('alert').waitFor();
    await look('wrong');
    await signIn(page, 'ada');
    await page.waitForURL(base + 'account');
    for (const summary of await page.locator('summary').all()) await summary.click();
    await look('account');
    await page.goto(base + 'signin');
    await look('signed-in');
    await page.goto(base + 'signout');
    await look('signout');
    await page.goto(link('link', 'ada'));
    await page.waitForURL(`${base}link`);
    await look('link');
    page.problems = page.problems.filter(text => !/username fields/.test(text)); // whose link it is the server alone knows
    await page.goto(base + 'account?done=others');
    await look('done');
    equal(page.problems, [], 'problems');
    await page.context().close();
  });

await check("README's picture is made", async () => {
  const view = async (colorScheme, name) => {
    const page = await open({ viewport: { width: 390, height: 600 }, colorScheme });
    await page.goto(`${base}signin?rd=${encodeURIComponent('http://localhost:8384/')}`);
    if (name) {
      await page.locator('[name=username]').fill(name);
      await page.locator('[name=password]').fill(PASSWORD);
      await page.goto(base + 'signin');
      await signIn(page, name);
      await page.waitForURL(base + 'account');
    }
    const shot = await page.screenshot();
    await page.context().close();
    return `<img src="data:image/png;base64,${shot.toString('base64')}">`;
  };
  await register('carol');
  forgive('carol');
  await signIn(await open({ userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1' }), 'carol', 'wrong horse');
  const phone = await open({ userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1' });
  await signIn(phone, 'carol');
  await phone.waitForURL(base + 'account');
  const page = await open({ viewport: { width: 860, height: 640 } });
  await page.setContent(`<body style="margin:0;padding:20px;display:flex;gap:40px;background:#fff"><style>img{border-radius:18px;box-shadow:0 0 0 1px #ccc}</style>
    ${await view('light')}${await view('dark', 'carol')}`);
  await shoot(page, 'readme');
  await page.context().close();
  await phone.context().close();
});

await browser.close();
stopAll();
console.log(`1..${n}`);
process.exitCode = failed ? 1 : 0;
