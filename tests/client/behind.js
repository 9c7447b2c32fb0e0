// A program behind the door in Chromium: behind.js FRONT PROGRAM URL CLOCK-FILE. One sign-in at latchkey's page, which the browser
// is sent to and comes back from; then the program's own page, its polling and its scripts, while weeks go by in steps. One answer of its
// scripts is lost on the way. Nothing may be refused, and nobody sent to sign in again.
import fs from 'node:fs';
import { launchBrowser } from './browser.js';

const [front, name, base, clock] = process.argv.slice(2);
const programs = {
  syncthing: { path: '/', ready: page => page.getByText('This Device').first().waitFor() },
  prometheus: { path: '/classic/graph', ready: page => page.getByRole('button', { name: 'Execute' }).first().waitFor(),
    use: page => page.evaluate(() => fetch('/api/v1/query', { method: 'POST', body: new URLSearchParams({ query: 'vector(1)' }) }).then(r => r.status)) },
  transmission: { path: '/transmission/web/', ready: page => page.locator('#toolbar').waitFor(),
    use: page => page.waitForResponse(r => r.url().endsWith('/rpc') && r.status() === 200) },
};
const program = programs[name];
const DAY = 86400, steps = [12, 30, 3600, 8 * 3600, DAY, 3 * DAY, 20 * DAY, 45 * DAY];
const browser = await launchBrowser();
const context = await browser.newContext({ locale: 'en-GB' });
const page = await context.newPage();
page.setDefaultTimeout(60e3);
let n = 0, signedIn = false, asked = 0, lost = 0;
const refused = [];

async function check(what, run) {
  try {
    await run();
    console.log(`ok ${++n} - ${front}, ${name}: ${what}`);
  } catch (error) {
    process.exitCode = 1;
    console.log(`not ok ${++n} - ${front}, ${name}: ${what}\n` + String(error.stack).replace(/^/gm, '#   '));
  }
}
const later = seconds => { fs.writeFileSync(clock + '.new', `+${seconds}\n`); fs.renameSync(clock + '.new', clock); };

page.on('response', response => {
  if (!signedIn || !response.url().startsWith(base)) return;
  asked++;
  if (response.status() === 401 || /\/signin/.test(response.headers().location ?? '')) refused.push(`${response.status()} ${response.url()}`);
});

await check('who opens it is sent to sign in, and back to it', async () => {
  await page.goto(base + program.path);
  await page.waitForURL('**/api/auth/signin?rd=**');
  await page.locator('[name=username]').fill('demo');
  await page.locator('[name=password]').fill('correct horse');
  await page.locator('button.main').click();
  await page.waitForURL(url => url.pathname.startsWith(program.path));
  signedIn = true;
  await program.ready(page);
});
await check('it works on, whatever the time', async () => {
  for (const seconds of steps) {
    later(seconds);
    await page.reload();
    await program.ready(page);
    await program.use?.(page);
    await page.route('**/*lost=*', async route => {
      await route.fetch();            // the program has answered
      await route.abort();            // and nobody has heard it
    }, { times: 1 });
    lost += await page.evaluate(url => fetch(url).then(() => 0, () => 1), `${program.path}?lost=${seconds}`);
  }
});
await check(`0 of ${asked} requests were refused, ${lost} answers were lost`, async () => {
  if (refused.length || asked < 4 * steps.length || lost !== steps.length) throw new Error(refused.join('\n'));
});
await check('its scripts see no cookie of latchkey\'s', async () => {
  if (/latchkey/.test(await page.evaluate(() => document.cookie))) throw new Error('they do');
});
await check('the control: who stays away for too long is sent to sign in, and that is seen', async () => {
  later(77 * DAY);
  await page.reload();
  await page.waitForURL('**/api/auth/signin?rd=**');
  if (refused.length === 0) throw new Error('it is not');
});
console.log(`1..${n}`);
await browser.close();
