// /authorize and /device in Chromium, where the browser decides: which cookies go along when another site leads there, whether a form may be
// redirected to a client, frames, popups, private schemes, and buttons that wait. The client is a page of another site (127.0.0.1; the server
// is localhost).
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import crypto from 'node:crypto';
import { launchBrowser } from './browser.js';
import { upstream, stopAll } from './upstream.js';

const browser = await launchBrowser();
const server = await upstream('serve', {});
const base = `http://localhost:${server.port}/api/auth/`;
const PASSWORD = 'correct horse battery';
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
let n = 0, failed = 0, html = '';

async function check(name, run) {
  try {
    await run();
    console.log(`ok ${++n} - authorize: ${name}`);
  } catch (error) {
    failed++;
    console.log(`not ok ${++n} - authorize: ${name}\n` + String(error.stack).replace(/^/gm, '#   '));
  }
}

function equal(a, b, what) {
  if (JSON.stringify(a) !== JSON.stringify(b)) throw new Error(`${what}: got ${JSON.stringify(a)}, expected ${JSON.stringify(b)}`);
}

/* The client: whatever page a test gives it, and the redirect URI, which says whether the window that opened it is still there. */
const client = http.createServer((request, response) => {
  response.setHeader('content-type', 'text/html');
  response.end(request.url.startsWith('/cb') ? '<!doctype html><title>cb</title><p id="opener"></p><script>document.getElementById("opener").textContent = String(!!window.opener)</script>'
    : `<!doctype html><title>client</title>${html}`);
});
await new Promise(resolve => { client.listen(0, '127.0.0.1', resolve); });
const site = `http://127.0.0.1:${client.address().port}`;
const secret = crypto.createHash('sha256').update('x').digest('hex');
fs.writeFileSync(path.join(server.data, 'latchkey.clients'), `web sha256:${secret} ${site}/cb\napp public ${site}/cb org.example.app:/cb\ntv public,device\n`, { mode: 0o600 });

const ask = (id, uri, more = '') => `${base}authorize?client_id=${id}&redirect_uri=${encodeURIComponent(uri)}&response_type=code&state=st` +
  `&code_challenge=${challenge}&code_challenge_method=S256${more}`;

async function register(username) {
  const response = await fetch(base + 'register', { method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password: PASSWORD }) });
  equal(response.status, 201, 'a user');
}
await register('ada');

async function open(options = {}) {
  const context = await browser.newContext({ locale: 'en-GB', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(60e3);
  return page;
}

/* A page of the client leads there, by a link that is clicked. */
async function leadTo(page, url) {
  html = `<a href="${url.replaceAll('&', '&amp;')}">sign in</a>`;
  await page.goto(`${site}/`);
  await page.locator('a').click();
}

async function fill(page, stay = true) {
  await page.locator('[name=username]').fill('ada');
  await page.locator('[name=password]').fill(PASSWORD);
  if (!stay) await page.locator('[name=stay]').uncheck();
  await page.locator('button').first().click();
}

async function back(page, what) {
  await page.waitForURL(url => url.href.startsWith(`${site}/cb?`));
  const query = new URL(page.url()).searchParams;
  equal(query.get('state'), 'st', 'the state');
  equal(query.has(what), true, `${what} in ${page.url()}`);
  return query.get(what);
}

async function signedIn() {
  const page = await open();
  await leadTo(page, ask('web', `${site}/cb`));
  await fill(page);
  await back(page, 'code');
  return page;
}

await check('sign in for a client of another site: the form is redirected to it', async () => {
  const page = await open();
  const problems = [];
  page.on('console', message => problems.push(message.text()));
  await leadTo(page, ask('web', `${site}/cb`));
  await page.getByText('to go on to web').waitFor();
  await fill(page, false);
  await back(page, 'code');
  equal(problems, [], 'what the browser said');
  equal((await page.context().cookies()).length, 0, 'cookies of who doesn\'t stay');
});

await check('control: without form-action the browser stops the redirect', async () => {
  const page = await open();
  const problems = [];
  page.on('console', message => problems.push(message.text()));
  await page.route('**/authorize?*', async route => {
    if (route.request().method() !== 'GET') return route.continue();
    const response = await route.fetch(), headers = response.headers();
    headers['content-security-policy'] = headers['content-security-policy'].replace(site, '');
    return route.fulfill({ response, headers });
  });
  await page.goto(ask('web', `${site}/cb`));
  await page.locator('[name=username]').fill('ada');
  await page.locator('[name=password]').fill(PASSWORD);
  await page.locator('button').first().click();
  for (const end = Date.now() + 60e3; !problems.some(text => /form-action/.test(text)) && Date.now() < end;) await new Promise(resolve => { setTimeout(resolve, 50); });
  equal(problems.some(text => /form-action/.test(text)), true, `a violation in ${JSON.stringify(problems)}`);
  equal(page.url().startsWith(site), false, 'the page of the client');
});

await check('without scripts it is the same', async () => {
  const page = await open({ javaScriptEnabled: false });
  await leadTo(page, ask('app', `${site}/cb`));
  await fill(page);
  await back(page, 'code');
  await leadTo(page, ask('app', `${site}/cb`));
  await page.locator('[value=allow]').click();
  await back(page, 'code');
});

await check('single sign-on: the cookie of the door goes along from another site', async () => {
  const page = await signedIn();
  await leadTo(page, ask('web', `${site}/cb`));
  await back(page, 'code');
  await leadTo(page, ask('web', `${site}/cb`, '&prompt=none'));
  await back(page, 'code');
  await leadTo(page, ask('web', `${site}/cb`, '&prompt=login'));
  await page.locator('[name=password]').waitFor();
});

await check('a client\'s own form is led to the page', async () => {
  const page = await signedIn();
  const fields = [...new URL(ask('web', `${site}/cb`)).searchParams].map(([name, value]) => `<input name="${name}" value="${value}">`).join('');
  html = `<form method="post" action="${base}authorize">${fields}<button>go</button></form>`;
  await page.goto(`${site}/`);
  await page.locator('button').click();
  await back(page, 'code');
});

await check('a program of the device: a button that works half a second after it is seen', async () => {
  const page = await signedIn();
  await page.goto(ask('app', `${site}/cb`));
  const allow = page.locator('[value=allow]');
  equal(await page.evaluate(() => {
    dispatchEvent(new Event('focus'));
    return document.querySelector('[value=allow]').disabled;
  }), true, 'it waits after each time that the page comes to the front');
  await page.waitForFunction(() => document.querySelector('[value=allow]')?.disabled === false);
  equal(await page.getByText('signed in as ada').count(), 1, 'the user is named');
  await allow.click();
  await back(page, 'code');
  await page.goto(ask('app', `${site}/cb`));
  await page.locator('[value=cancel]').click();
  equal(await back(page, 'error'), 'access_denied', 'cancelled');
});

await check('a click before any script is there: the button that lets a device in is not there either', async () => {
  const page = await signedIn(), posts = [];
  const { user_code: code } = await (await fetch(base + 'device_authorization', { method: 'POST', body: new URLSearchParams({ client_id: 'tv' }) })).json();
  await page.route('**/link.js*', route => route.abort());
  await page.route('**/door.css*', async route => {
    const response = await route.fetch();
    return route.fulfill({ response, body: (await response.text()).replace('late .5s', 'late 3600s') });      // half a second that doesn't end meanwhile
  });
  await page.goto(`${base}device?user_code=${code}`);
  await page.locator('form button').first().click();
  const allow = page.locator('[value=allow]');
  await allow.waitFor({ state: 'attached' });
  await page.waitForLoadState();      // what it asks for itself is no click's
  page.on('request', request => posts.push(request.method()));
  const click = async () => {
    const at = await allow.evaluate(button => { const { x, y, width, height } = button.getBoundingClientRect(); return [x + width / 2, y + height / 2]; });
    await page.mouse.click(...at);
    await page.evaluate(() => new Promise(done => { requestAnimationFrame(() => requestAnimationFrame(done)); }));
  };
  await click();
  equal(posts, [], 'what an early click sends');
  await allow.evaluate(button => { for (const animation of button.getAnimations()) animation.finish(); });
  await allow.waitFor();
  await click().catch(() => {});      // the page goes
  await page.getByText('tv is signed in').waitFor();
  equal(posts[0], 'POST', 'control: what the same click sends later');
});

await check('a private scheme is a link', async () => {
  const page = await signedIn();
  await page.goto(ask('app', 'org.example.app:/cb'));
  await page.waitForFunction(() => document.querySelector('[value=allow]')?.disabled === false);
  await page.locator('[value=allow]').click();
  const link = page.getByRole('link', { name: 'Go on to app' });
  await link.waitFor();
  equal(/^org\.example\.app:\/cb\?code=.*&state=st$/.test(await link.getAttribute('href')), true, 'its address');
});

await check('no frame of another site shows it, and none gets a code by a cookie', async () => {
  const page = await signedIn();
  html = `<iframe id="f" src="${ask('app', `${site}/cb`).replaceAll('&', '&amp;')}"></iframe>`;
  await page.goto(`${site}/`);
  await new Promise(resolve => { setTimeout(resolve, 800); });
  const frame = page.frames()[1];
  equal(await frame.evaluate(() => document.querySelectorAll('form').length).catch(() => 0), 0, 'a form in the frame');
  await page.route('**/authorize?*', async route => {
    const response = await route.fetch(), headers = response.headers();
    headers['content-security-policy'] = headers['content-security-policy'].replace("frame-ancestors 'none'", '');
    return route.fulfill({ response, headers });
  });
  await page.goto(`${site}/`);
  await page.frameLocator('#f').locator('form').first().waitFor();         // control: without that word of its policy the frame shows it
  await page.unroute('**/authorize?*');
  html = `<iframe id="f" src="${ask('web', `${site}/cb`, '&prompt=none').replaceAll('&', '&amp;')}"></iframe>`;
  await page.goto(`${site}/`);
  await page.waitForFunction(() => document.getElementById('f').contentWindow.location.href?.includes('/cb?'));
  equal(new URL(page.frames()[1].url()).searchParams.get('error'), 'login_required', 'in a frame nobody is signed in');
});

await check('a window that a client opened stays its own', async () => {
  const page = await signedIn();
  html = '<button>open</button>';
  await page.goto(`${site}/`);
  const popup = page.waitForEvent('popup');
  await page.evaluate(url => { window.open(url, 'p', 'width=400,height=400'); }, ask('app', `${site}/cb`));
  const window = await popup;
  await window.waitForFunction(() => document.querySelector('[value=allow]')?.disabled === false);
  await window.locator('[value=allow]').click();
  await back(window, 'code');
  equal(await window.locator('#opener').textContent(), 'true', 'it knows who opened it');
});

await check('a form of another site allows nothing', async () => {
  const page = await signedIn();
  for (const [action, fields] of [[ask('app', `${site}/cb`), '<input name="do" value="allow">'], [ask('web', `${site}/cb`), `<input name="username" value="ada"><input name="password" value="${PASSWORD}">`],
    [`${base}device`, '<input name="code" value="BCDFGHJKLMNP"><input name="do" value="allow">']]) {
    html = `<form method="post" action="${action.replaceAll('&', '&amp;')}">${fields}<button>go</button></form>`;
    await page.goto(`${site}/`);
    await page.locator('button').click();
    await page.getByText('came from another page').waitFor();
  }
});

await check('a session of the app\'s cookie mode, which is SameSite=Strict, signs nobody in from another site', async () => {
  const page = await open();
  await page.goto(base + 'door.css');    // a page without a policy, of the same origin
  equal(await page.evaluate(async ([url, password]) => (await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'ada', password, cookie: true }) })).status, [base + 'login', PASSWORD]), 200, 'signed in by a script');
  await leadTo(page, ask('web', `${site}/cb`));
  await page.locator('[name=password]').waitFor();
});

await check('a link with a user code fills it in, and the page asks', async () => {
  const page = await open();
  await leadTo(page, `${base}device?user_code=BCDF-GHJK-LMNP`);
  equal(await page.locator('[name=code]').inputValue(), 'BCDF-GHJK-LMNP', 'the field');
  await fill(page);
  await page.getByText('not right, or it has expired').waitFor();
  equal((await page.context().cookies()).filter(c => /door/.test(c.name)).length, 1, 'who signed in by it is signed in');
  equal(await page.locator('[name=password]').count(), 0, 'and not asked again');
});

console.log(`1..${n}`);
await browser.close();
client.close();
await stopAll();
process.exit(failed ? 1 : 0);
