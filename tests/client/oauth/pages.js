// Clients that want a browser: Chromium. Page: an application that is a script in a page; Screen: a web application with a person before it.
import http from 'node:http';
import path from 'node:path';
import { buildPage } from './bundle.js';
import { SCOPE } from './speak.js';
import { launchBrowser } from '../browser.js';

let browser;
const open = async () => (await (browser ??= launchBrowser())).newContext({ locale: 'en-GB' });
export async function closeBrowser() { await (await browser)?.close(); }

/* What a person does from where the page is until it is at one of the addresses that `done` knows: signs in, allows. */
export async function throughPage(page, user, done) {
  const end = Date.now() + 180e3; // a busy machine is patient
  while (Date.now() < end) {
    if (done(page.url())) return page.waitForLoadState('domcontentloaded').catch(() => {});
    const password = page.locator('[name=password]');
    if (await password.isVisible().catch(() => false)) {
      await page.locator('[name=username]').fill(user.username);
      await password.fill(user.password);
      const was = page.url();
      await Promise.all([page.waitForURL(url => url.href !== was, { timeout: 60e3 }).catch(() => {}), page.locator('form:has([name=password]) button').first().click()]);
    } else if (await page.locator('button[value=allow]').first().isVisible().catch(() => false)) {
      await page.locator('button[value=allow]').first().click();
    }
    await page.waitForTimeout(50);
  }
  throw new Error('the page stays: ' + page.url() + ' ' + (await page.locator('body').innerText()).slice(0, 400));
}

/* What went wrong before the page's eyes, without a look at it. */
const blocked = page => {
  page.problems = [];
  page.setDefaultTimeout(180e3);
  page.on('console', message => { if (/Content Security Policy|CORS|Refused to/.test(message.text())) page.problems.push(message.text()); });
  return page;
};

export class Page {
  static async open(stage, client) {
    const actor = new Page(), redirect = client.redirect.replace('PORT', stage.app), id = path.basename(client.file, '.js');
    Object.assign(actor, { stage, client, redirect, user: await stage.user() });
    stage.register(id, client.flags, [redirect]);
    const script = buildPage(path.join(stage.dir, client.file));
    const registered = JSON.stringify({ issuer: stage.issuer, id, redirectUri: redirect, scope: SCOPE });
    actor.server = http.createServer((req, res) => {
      res.writeHead(200, { 'Content-Type': 'text/html' });
      res.end(`<!doctype html><title>app</title><script>window.registered = ${registered}</script><script>${script.replaceAll('</script', '<\\/script')}</script>`);
    });
    await new Promise(resolve => { actor.server.listen(stage.app, '127.0.0.1', resolve); });
    actor.context = await open();
    actor.page = blocked(await actor.context.newPage());
    return actor;
  }

  async ask(deed) {
    const said = await this.page.evaluate(name => window.app[name]().then(ok => ({ ok: ok ?? null }), error => ({ error: `${error.name}: ${error.message}` })), deed);
    return said.error ? { error: `${said.error} ${this.page.problems.splice(0).join(' ')}` } : said;
  }

  async signIn() {
    await this.page.goto(this.stage.origin + '/');
    await this.page.evaluate(() => { window.app.begin(); });
    await throughPage(this.page, this.user, url => url.startsWith(this.redirect));
    this.back = this.page.url();
    return this.ask('finish');
  }

  async redeem() {
    await this.page.goto(this.back);
    return this.ask('finish');
  }

  refresh() { return this.ask('refresh'); }
  signOut() { return this.ask('revoke'); }

  async close() {
    await this.context.close();
    this.server.closeAllConnections();
    this.server.close();
  }
}

/* Its application says who is signed in as JSON, or, like an editor, to whoever asks as its script does (client.whoami). */
export class Screen {
  static async open(stage, client) {
    const actor = new Screen();
    Object.assign(actor, { stage, client, user: await stage.user() });
    actor.driver = await stage.driver({ ...client, redirect: client.redirect.replace('PORT', stage.app) });
    await actor.fresh();
    return actor;
  }

  async fresh() {
    await this.context?.close();
    this.context = await open();
    this.page = blocked(await this.context.newPage());
    this.page.on('request', request => { if (request.url().startsWith(this.driver.client.redirect + '?')) this.back = request.url(); });
  }

  async said() {
    if (this.client.whoami) return this.client.whoami(this.page);
    const text = await this.page.locator('body').innerText();
    if (this.page.url().includes('error_code=')) return { error: this.page.url() };
    try { const said = JSON.parse(text); return said.user ? { ok: said } : { error: text }; } catch { return { error: `${this.page.url()} ${text.slice(0, 600)}` }; }
  }

  async visit(address) {
    await this.page.goto(address).catch(error => { if (!/ERR_ABORTED|ERR_HTTP_RESPONSE_CODE/.test(error.message)) throw error; });
    await throughPage(this.page, this.user, url => url.startsWith(this.stage.origin));
    return this.said();
  }

  async signIn() {
    await this.fresh();
    return this.visit(this.stage.origin + (this.client.login ?? '/login'));
  }

  redeem() { return this.visit(this.back); }
  refresh() { return this.visit(this.stage.origin + '/refresh'); }
  async signOut() {
    if (this.client.signOut) await this.client.signOut(this.page);
    else await this.page.goto(this.stage.origin + '/logout');
    await this.page.goto(this.stage.origin + (this.client.login ? '/' : '/me'));
    const me = await this.said();
    return me.ok ? { error: 'still signed in: ' + JSON.stringify(me) } : { ok: null };
  }

  async close() {
    await this.context.close();
    this.driver.end();
  }
}
