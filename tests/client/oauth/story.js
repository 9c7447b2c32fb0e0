// The story that every client is told, and the two kinds of clients that need no screen. A cell of the table is a word for what happened:
//   ok        as it should be
//   kept      an answer was lost, or the server was in trouble: the client tries again with what it has, and is signed in as before
//   by itself the same, and the client tried again without being told to
//   anew      the client has to send the person to the sign-in page again
//   ended     the session is over, and the client's next refresh is refused
//   refused   the client itself sends it no second time; the session stands
//   here      the application forgets its tokens; the session at latchkey stands until it is ended or isn't used for refresh_ttl
//   –         it has no such thing
import fs from 'node:fs';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { buildSync } from './bundle.js';
import { Walker } from './walk.js';

/* The server's own trouble, while it is asked: its store is gone, and 503 is what it says itself. */
const troubleOf = ({ data }) => ({
  before: () => { fs.renameSync(path.join(data, 'latchkey.db'), path.join(data, 'gone')); },
  after: () => { fs.renameSync(path.join(data, 'gone'), path.join(data, 'latchkey.db')); },
});
export const sidOf = access => JSON.parse(Buffer.from(access.split('.')[1], 'base64url')).sid;

/* A library in a program of its own: the test is the browser, and the person before it. */
export class Library {
  static async open(stage, client) {
    const file = client.bundle ? buildSync(stage.dir, client.file, client) : client.file;
    const actor = new Library();
    Object.assign(actor, { stage, client, user: await stage.user() });
    actor.driver = await stage.driver({ ...client, file, redirect: client.redirect?.replace('PORT', stage.app), ...opener(stage) });
    return actor;
  }

  walk(url) {
    const { redirect } = this.driver.client, stops = !this.client.listens && !this.client.device;
    return new Walker(this.user).go(url, target => stops && target.startsWith(redirect));
  }

  async begin() {
    const begun = await this.driver.ask('begin');
    if (begun.error) return begun;
    this.back = await this.walk(begun.ok);
    if (typeof this.back === 'object' && this.back.status >= 400) throw new Error(`the page says ${this.back.status}: ${this.back.text.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ').slice(0, 400)}`);
  }

  async signIn() { return await this.begin() ?? this.redeem(); }
  redeem() { return this.driver.ask('finish', this.client.listens || this.client.device ? {} : { url: this.back }); }
  refresh() { return this.driver.ask('refresh'); }
  signOut() { return this.driver.ask('revoke'); }
  close() { this.driver.end(); }
}

/* xdg-open, which writes down what it was to open. */
function opener(stage) {
  const bin = path.join(stage.dir, 'bin'), opened = path.join(stage.dir, 'opened-' + stage.app);
  fs.mkdirSync(bin, { recursive: true });
  fs.writeFileSync(path.join(bin, 'xdg-open'), '#!/bin/sh\nprintf %s "$1" >"$OPENED.new"; mv "$OPENED.new" "$OPENED"\n', { mode: 0o755 });
  return { env: { PATH: `${bin}:${process.env.PATH}`, OPENED: opened } };
}

/* A web application: the walker is its visitor. What it says is JSON: {user, access?} or {error}. */
export class Web {
  static async open(stage, client) {
    const actor = new Web();
    Object.assign(actor, { stage, client, user: await stage.user() });
    actor.driver = await stage.driver({ ...client, redirect: client.redirect.replace('PORT', stage.app) });
    actor.visitor = new Walker(actor.user);
    return actor;
  }

  async visit(address) {
    const page = await this.visitor.go(address);
    try {
      const said = JSON.parse(page.text);
      return page.status < 400 && said.user ? { ok: said } : { error: `${page.status} ${page.text}` };
    } catch { return { error: `${page.status} ${page.url} ${page.text.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ').slice(0, 600)}` }; }
  }

  async signIn() {
    this.visitor = new Walker(this.user);
    const said = await this.visit(this.stage.origin + '/login');
    this.back = this.visitor.trail.findLast(url => url.startsWith(this.driver.client.redirect));
    return said;
  }

  redeem() { return this.visit(this.back); }
  refresh() { return this.visit(this.stage.origin + '/refresh'); }
  async signOut() {
    const said = await this.visit(this.stage.origin + '/logout');
    const me = await this.visit(this.stage.origin + '/me');
    return me.ok ? { error: 'still signed in: ' + JSON.stringify(me) } : { ok: said };
  }
  close() { this.driver.end(); }
}

function versionOf({ package: name, debian }) {
  if (debian) return execFileSync('dpkg-query', ['-W', '-f', '${Version}', debian], { encoding: 'utf8' }).replace(/-[^-]*$/, '').replace(/\+ds.*/, '');
  return JSON.parse(fs.readFileSync(`build/oauth/node_modules/${name}/package.json`, 'utf8')).version;
}

export async function tell(client, actor, result) {
  const row = { version: versionOf(client) };
  /* cell(column, story): what became of it; a story that throws is a failure, and so is a word that can't be. */
  const cell = async (column, allowed, story) => {
    if (client.without?.includes(column)) return;
    try {
      const word = row[column] = await story();
      result(allowed.includes(word), `${client.name}: ${column}: ${word}`, `expected ${allowed.join(' or ')}; ${actor.last ?? ''}`);
    } catch (error) {
      row[column] = 'FAILED';
      result(false, `${client.name}: ${column}`, error.stack);
    }
  };
  try { await chapters(client, actor, cell); } finally { actor.close(); }
  return row;
}

/* The harness sees a session that is lost: the proxy keeps an answer to a refresh back, and somebody uses the successor in it. */
export async function control(client, actor, result) {
  const { proxy, issuer } = actor.stage, { id, secret } = actor.driver.client;
  const last = () => proxy.of('/token').at(-1).reply;
  try {
    const first = await actor.signIn();
    proxy.when('/token', { drop: true });
    const lost = await actor.refresh();
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: last().refresh_token, client_id: id, ...secret && { client_secret: secret } });
    const used = await fetch(issuer + '/token', { method: 'POST', body });
    const again = await actor.refresh();
    result(!first.error && !!lost.error && used.status === 200 && !!again.error, `control: ${client.name}: whose successor was used is found signed out`,
      JSON.stringify({ first, lost, used: used.status, again }));
  } finally { actor.close(); }
}

async function chapters(client, actor, cell) {
  const { proxy, issuer, server } = actor.stage;
  const grants = () => proxy.of('/token').filter(entry => entry.reply?.access_token);
  const sidNow = () => sidOf(grants().at(-1).reply.access_token);
  /* Whether the session of a grant, mostly the last, still stands, by the server's word. */
  const stands = async (access = grants().at(-1).reply.access_token) => (await fetch(issuer + '/userinfo', { headers: { authorization: 'Bearer ' + access } })).status === 200;
  const codes = () => proxy.of('/token').map(entry => new URLSearchParams(String(entry.raw))).map(form => form.get('code') ?? form.get('device_code')).filter(Boolean);
  const renews = !client.without?.includes('refresh');
  let sid;
  const good = said => {
    if (said.error) throw new Error(said.error);
    if (said.ok.user !== actor.user.username) throw new Error('signed in as ' + JSON.stringify(said.ok));
    return true;
  };
  /* Whether the client goes on in the session that it had. */
  const goesOn = said => {
    actor.last = said.error;
    return !said.error && good(said) && sidNow() === sid;
  };

  await cell('sign-in', ['ok'], async () => {
    good(await actor.signIn());
    sid = sidNow();
    return 'ok';
  });
  await cell('refresh', ['ok'], async () => {
    const before = grants().length;
    if (!goesOn(await actor.refresh())) return 'signed out';
    return grants().length > before ? 'ok' : 'asks nobody';
  });
  await cell('answer to a refresh lost', ['kept', 'by itself'], async () => {
    proxy.when('/token', { drop: true });
    const lost = await actor.refresh();
    if (!lost.error) return goesOn(lost) ? 'by itself' : 'another session';
    return goesOn(await actor.refresh()) ? 'kept' : 'signed out';
  });
  await cell('server in trouble', renews ? ['kept'] : ['anew'], async () => {
    proxy.always('/token', troubleOf(server));
    const inTrouble = await (renews ? actor.refresh() : actor.signIn()).finally(() => proxy.clear('/token'));
    const { status, reply } = proxy.of('/token').at(-1);
    if (status !== 503 || reply.error !== 'temporarily_unavailable') return `the server said ${status}`;
    if (!inTrouble.error) return 'noticed nothing';
    if (!renews) return good(await actor.signIn()) && 'anew';
    return goesOn(await actor.refresh()) ? 'kept' : 'signed out';
  });
  await cell('code again', ['ended', 'refused', 'anew'], async () => {
    const code = codes().at(-1), before = codes().length, access = grants().at(-1).reply.access_token;
    const again = await actor.redeem();
    if (codes().slice(before).includes(code)) return again.error && !await stands(access) ? 'ended' : 'taken';
    if (!await stands(access)) return 'signed out';
    return codes().length > before ? 'anew' : 'refused';
  });
  await cell('answer to a code lost', ['kept', 'by itself', 'anew'], async () => {
    proxy.when('/token', { drop: true });
    const lost = await actor.signIn();
    if (!lost.error) return good(lost) && 'by itself';
    const again = await actor.redeem();
    if (!again.error) return good(again) && 'kept';
    actor.last = again.error;
    return good(await actor.signIn()) && 'anew';
  });
  await cell('sign-out', ['ended', 'here'], async () => {
    const out = await actor.signOut();
    if (out.error) throw new Error(out.error);
    return await stands() ? 'here' : 'ended';
  });
}
