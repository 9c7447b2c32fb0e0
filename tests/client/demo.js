// The demo page, as `latchkey serve` serves it under its own policy: what its buttons show, by
// keyboard too, without overflow from 320 px up, with no error and nothing blocked. Leaves
// screenshots of the main states in build/client/shots, to be looked at.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { launchBrowser } from './browser.js';
import { upstream, stopAll } from './upstream.js';

const shots = path.resolve('build/client/shots');
const browser = await launchBrowser();
let n = 0, failed = 0;

async function check(name, run) {
  try {
    await run();
    console.log(`ok ${++n} - demo: ${name}`);
  } catch (error) {
    failed++;
    console.log(`not ok ${++n} - demo: ${name}\n` + String(error.stack).replace(/^/gm, '#   '));
  }
}

function equal(a, b, what) {
  if (JSON.stringify(a) !== JSON.stringify(b)) throw new Error(`${what}: got ${JSON.stringify(a)}, expected ${JSON.stringify(b)}`);
}

async function open(config, options = {}) {
  const { host, port } = await upstream('demo', config);
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(60e3);
  page.problems = [];
  page.on('pageerror', error => page.problems.push(String(error)));
  page.on('console', message => {
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) page.problems.push(message.text());
  });
  await page.goto(`http://localhost:${port}/`, { waitUntil: 'load' });
  void host;
  return page;
}

/* The server lets one network make five accounts at once, then one in six seconds. */
let user = 0;
async function signUp(page, mode = 'cookie') {
  await page.getByLabel('Username').fill(`demo${process.pid}x${++user}`);
  await page.getByLabel('Password').fill('correct horse battery');
  await page.locator(`input[value=${mode}]`).check();
  const active = page.locator('#state[data-state=active]'), alert = page.getByRole('alert').filter({ hasText: /./ });
  for (let tries = 0; tries < 15; tries++) {
    await page.getByRole('button', { name: 'Create account' }).click();
    await active.or(alert).first().waitFor();
    if (await active.isVisible()) return;
    await page.waitForTimeout(1000);
  }
  throw new Error('no account: ' + await alert.textContent());
}

const shoot = (page, name) => page.screenshot({ path: path.join(shots, name + '.png'), fullPage: true });
const story = page => page.locator('#story').textContent();
const rows = (page, kind) => page.locator('#log > li').first().locator('li.' + kind);
const overflow = page => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);

fs.mkdirSync(shots, { recursive: true });
const config = { session_ttl: '8h' };      // no token of the walk runs out by itself, however slow the machine is

for (const mode of ['cookie', 'body'])
  await check(`the whole walk in ${mode} mode`, async () => {
    const page = await open(config);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await shoot(page, 'sign-in');
    await signUp(page, mode);
    equal(await page.locator('#chain .current b').textContent(), '1', 'the first generation');
    await shoot(page, 'signed-in');

    await page.getByRole('button', { name: 'Expire now' }).click();
    await rows(page, 'refresh').first().waitFor();
    await page.waitForFunction(() => [...document.querySelectorAll('#log > li:first-child li.request')].filter(r => /^200/.test(r.lastChild.textContent)).length === 10);
    equal([await rows(page, 'refresh').count(), await rows(page, 'request').count()], [1, 10], 'refreshes and requests');
    await page.waitForFunction(() => document.querySelector('#chain .current b').textContent === '2');
    await shoot(page, 'ten-requests');

    await page.getByRole('button', { name: 'Lose the next answer' }).click();
    await page.getByRole('button', { name: 'Refresh', exact: true }).click();
    await page.locator('#chain .lost').waitFor();
    await shoot(page, 'lost-answer');
    await page.getByRole('button', { name: 'Refresh', exact: true }).click();
    await page.locator('#chain .current').waitFor();
    if (mode === 'body') {
      equal(await page.locator('#chain .current b').textContent(), '3', 'the same successor');
      if (!/same successor/.test(await story(page))) throw new Error(await story(page));
    }
    await shoot(page, 'same-successor');

    await page.getByRole('button', { name: 'Go offline' }).click();
    await page.getByRole('button', { name: 'Expire now' }).click();
    await page.locator('#state[data-state=stale]').waitFor();
    await shoot(page, 'offline');
    await page.getByRole('button', { name: 'Back online' }).click();
    await page.locator('#state[data-state=active]').waitFor();

    const [second] = await Promise.all([page.waitForEvent('popup'), page.getByRole('link', { name: 'Open a second tab' }).click()]);
    await second.locator('#state[data-state=active]').waitFor();
    await page.waitForTimeout(300);
    await second.getByRole('button', { name: 'Refresh', exact: true }).click();
    await page.locator('#log', { hasText: 'Another tab refreshed' }).waitFor();
    await shoot(page, 'second-tab');

    await page.getByRole('button', { name: 'Revoke Chrome (this session)' }).click();
    await page.locator('#state[data-state=locked]').waitFor();
    await page.getByText('This session was revoked').waitFor();
    await second.locator('#state[data-state=locked]').waitFor();
    await shoot(page, 'revoked');
    equal(page.problems, [], 'errors in the console');
    await page.context().close();
  });

await check('a reload restores the session and says so', async () => {
  const page = await open(config);
  await signUp(page);
  await page.reload();
  await page.locator('#state[data-state=active]').waitFor();
  if (!/restored/.test(await story(page))) throw new Error(await story(page));
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await page.locator('#state[data-state=signed-out]').waitFor();
  await page.context().close();
});

await check('the end of the session is announced', async () => {
  const page = await open({ access_ttl: '1m', session_ttl: '4m' });
  await signUp(page);
  await page.getByRole('alert').filter({ hasText: 'This session ends in' }).waitFor();
  await shoot(page, 'near-the-end');
  await page.context().close();
});

await check('a wrong password is told, and read aloud', async () => {
  const page = await open(config);
  await page.getByLabel('Username').fill('nobody');
  await page.getByLabel('Password').fill('not the password');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').filter({ hasText: 'Unknown user or wrong password' }).waitFor();
  await page.context().close();
});

await check('everything can be reached and used by keyboard', async () => {
  const page = await open(config);
  await signUp(page);
  await page.waitForFunction(() => document.querySelector('#sessions button'));
  const reached = new Set();
  await page.locator('body').evaluate(() => document.activeElement.blur());
  for (let i = 0; i < 20; i++) {
    await page.keyboard.press('Tab');
    reached.add(await page.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim()));
  }
  for (const id of ['ten', 'expire', 'lose', 'offline', 'refresh', 'tab', 'sign-out', 'sign-out-all', 'reload', 'Revoke'])
    if (!reached.has(id)) throw new Error(`${id} was not reached; reached: ${[...reached].join(', ')}`);
  await page.locator('#refresh').focus();
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelector('#chain .current b').textContent === '2');
  await page.context().close();
});

for (const [name, width, scheme] of [['phone', 320, 'light'], ['phone-dark', 375, 'dark'], ['tablet', 800, 'light'], ['desktop-dark', 1440, 'dark']])
  await check(`${width} px wide, ${scheme}: nothing overflows, and text can be read`, async () => {
    const page = await open(config, { viewport: { width, height: 800 }, colorScheme: scheme });
    equal(await overflow(page), 0, 'overflow of the sign-in screen');
    await signUp(page);
    for (let i = 0; i < 3; i++) await page.getByRole('button', { name: 'Refresh', exact: true }).click();
    await page.getByRole('button', { name: 'Expire now' }).click();
    await page.waitForFunction(() => document.querySelectorAll('#log > li:first-child li.request').length === 10);
    await page.waitForTimeout(700);
    equal(await overflow(page), 0, 'overflow of the session');
    equal(await contrast(page), [], 'text with less contrast than 4.5 to 1');
    await shoot(page, name);
    await page.context().close();
  });

/* WCAG contrast of the text of the page against the nearest background behind it. */
function contrast(page) {
  return page.evaluate(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const rgba = color => {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const light = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
      .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
    const behind = element => {
      for (let e = element; e; e = e.parentElement) {
        const color = rgba(getComputedStyle(e).backgroundColor);
        if (color[3] > 250) return color;
      }
      return [255, 255, 255];
    };
    const bad = [];
    for (const element of document.querySelectorAll('h1,h2,h3,p,b,dt,dd,td,th,button,a,summary,span,time,em,li')) {
      const text = [...element.childNodes].some(c => c.nodeType === 3 && c.textContent.trim());
      if (!text || !element.checkVisibility() || element.closest('.spent,.skip,.only-read')) continue;
      const [a, b] = [light(rgba(getComputedStyle(element).color)), light(behind(element))].sort((x, y) => y - x);
      const ratio = (a + .05) / (b + .05);
      if (ratio < 4.5) bad.push(`${element.tagName} "${element.textContent.trim().slice(0, 20)}" ${ratio.toFixed(1)}`);
    }
    return [...new Set(bad)];
  });
}

await check('it says what it is for, and its user is filled in', async () => {
  const page = await open({ ...config, session_ttl: '7h' });      // a server of its own, whose throttle has counted nothing yet
  await page.getByText('Sign in to watch what is usually hidden').waitFor();
  equal([await page.getByLabel('Username').inputValue(), await page.getByLabel('Password').inputValue()], ['demo', 'correct horse'], 'the user of make run');
  await page.getByLabel('Password').fill('short');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByLabel('Password').fill('wrong password');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.locator('#problem:not(:empty)').waitFor();
  equal(await page.locator('#problem').textContent(), 'Unknown user or wrong password.', 'what is said of it');
  await page.getByLabel('Password').fill('another');
  equal(await page.locator('#problem').textContent(), '', 'what was wrong with what one types anew');
  await page.context().close();
});

await check('a stolen key ends the session, the thief\'s with it', async () => {
  const page = await open(config);
  await signUp(page, 'body');
  await page.getByRole('button', { name: 'Steal the key' }).click();
  await page.locator('#sign-in-why').filter({ hasText: 'somebody has a copy' }).waitFor();
  await page.context().close();
});

await check('no script can steal the key of a cookie', async () => {
  const page = await open(config);
  await signUp(page, 'cookie');
  await page.getByRole('button', { name: 'Steal the key' }).click();
  await page.locator('#story').filter({ hasText: 'No script can copy this key' }).waitFor();
  equal(await page.locator('#state').textContent(), 'active', 'the session');
  await page.context().close();
});

await check('while it waits after a lost answer, it counts the seconds', async () => {
  const page = await open(config, { viewport: { width: 390, height: 844 } });
  await signUp(page, 'body');
  equal(await page.evaluate(() => scrollY), 0, 'signing in scrolls nothing away');
  await page.getByRole('button', { name: 'Lose the next answer' }).click();
  await page.evaluate(() => {
    window.hints = [];                // all of them: a busy machine may look too late for one that stands for seconds
    const hint = document.querySelector('#hint');
    new MutationObserver(() => window.hints.push(hint.textContent)).observe(hint, { childList: true });
  });
  await page.getByRole('button', { name: 'Refresh', exact: true }).click();
  await page.waitForFunction(() => window.hints.some(text => /asks again in [1-5] s/.test(text)));
  await page.locator('#chain .current').filter({ hasText: 'the same one again' }).waitFor();
  await page.getByRole('button', { name: 'Refresh', exact: true }).click();
  await page.locator('#chain .current b').filter({ hasText: /^[34]$/ }).waitFor();
  equal(await page.locator('#chain .lost').count(), 0, 'keys that are still red');
  equal(await page.evaluate(() => { scrollTo(0, 9e9); return document.querySelector('#state').getBoundingClientRect().top >= 0; }), true, 'the state stays in sight on a phone');
  await page.context().close();
});

const axe = fs.readFileSync(createRequire(path.resolve('build/client') + '/').resolve('axe-core/axe.min.js'), 'utf8');
for (const colorScheme of ['light', 'dark'])
  await check(`axe finds nothing, ${colorScheme}`, async () => {
    const page = await open(config, { colorScheme });
    const findings = async () => { await page.evaluate(axe); return (await page.evaluate(() => window.axe.run())).violations.map(v => `${v.id}: ${v.nodes[0].html}`); };
    equal(await findings(), [], 'before the sign-in');
    await signUp(page);
    await page.getByRole('button', { name: 'Refresh', exact: true }).click();
    await page.locator('#chain .spent').waitFor();
    equal(await findings(), [], 'behind it');
    await page.context().close();
  });

console.log(`1..${n}`);
await browser.close();
stopAll();
process.exit(failed ? 1 : 0);
