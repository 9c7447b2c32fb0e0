// Starts what answers behind the proxy, once per kind and configuration, and ends it with the run.
//   serve     latchkey serve
//   demo      latchkey serve --demo
//   lighttpd  lighttpd with latchkey as a CGI program
//   clocked   a process per connection, as inetd starts them, with the time of the test's own: later(seconds) from the host's (tests/shim.c)
// LATCHKEY names the binary. `config` holds latchkey.conf's lines: {access_ttl: '2s'}.
import { spawn, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

const binary = process.env.LATCHKEY || path.resolve('latchkey');
const running = new Map(), cleanups = [];

/* Hashes are cheap: what one costs is password_test.c's to show, and a busy machine has many to make. */
const common = { signup: 'on', trusted_proxies: '127.0.0.1', password_memory: '8k', password_passes: '1' };

// One that stays ours until this process ends, whatever else runs here.
function freePort() {
  return Number(execFileSync('perl', ['tests/ports.pl', '1', String(process.pid)], { encoding: 'utf8' }));
}

async function listening(port, child) {
  for (let i = 0; i < 1200; i++) {
    if (child?.exitCode != null) throw new Error('the server ended at once');
    const up = await new Promise(resolve => {
      const socket = net.connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
      socket.on('error', () => resolve(false));
    });
    if (up) return;
    await new Promise(resolve => { setTimeout(resolve, 50); });
  }
  throw new Error('nothing listens on the port');
}

/* In memory, where there is such a place: a disk that others keep busy would have servers say 503. */
const writable = dir => { try { fs.accessSync(dir, fs.constants.W_OK); return true; } catch { return false; } };
const room = ['/dev/shm', os.tmpdir()].find(writable);

function dataDir(config) {
  const dir = fs.mkdtempSync(path.join(room, 'latchkey-client-'));
  cleanups.push(() => fs.rmSync(dir, { recursive: true, force: true }));
  const data = path.join(dir, 'data');
  execFileSync(binary, ['init', '--dir', data], { stdio: 'pipe' });
  // A throttle of its own: where there is a /run/latchkey all servers of the machine would count in one.
  const lines = Object.entries({ throttle_dir: data, ...common, ...config }).map(([name, value]) => `${name} = ${value}\n`);
  fs.appendFileSync(path.join(data, 'latchkey.conf'), lines.join(''));
  return { dir, data };
}

function launch(command, args, env) {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', text => { said += text; });
  child.on('exit', code => { if (code) process.stderr.write(`# ${path.basename(command)} ended: ${code}\n${said}`); });
  cleanups.push(() => { child.removeAllListeners('exit'); child.kill(); });
  return child;
}

async function serve(config) {
  const { data } = dataDir(config), port = await freePort();
  await listening(port, launch(binary, ['serve', `127.0.0.1:${port}`], { LATCHKEY_DIR: data }));
  return { host: '127.0.0.1', port, data };
}

/* The demo's page, too. */
async function demo(config) {
  const { data } = dataDir(config), port = await freePort();
  await listening(port, launch(binary, ['serve', `127.0.0.1:${port}`, '--demo'], { LATCHKEY_DIR: data }));
  return { host: '127.0.0.1', port, data };
}

async function lighttpd(config) {
  const { dir, data } = dataDir(config), port = await freePort();
  const conf = path.join(dir, 'lighttpd.conf');
  fs.writeFileSync(conf, `
server.bind = "127.0.0.1"
server.port = ${port}
server.document-root = "${path.resolve('www')}"
server.modules = ("mod_alias", "mod_cgi", "mod_setenv")
index-file.names = ("index.html")
mimetype.assign = (".html" => "text/html", ".js" => "text/javascript", ".css" => "text/css")
alias.url = ("/api/auth" => "${binary}")
setenv.add-environment = ("LATCHKEY_DIR" => "${data}")
$HTTP["url"] =~ "^/api/auth(/|$)" { cgi.assign = ("" => "") }
`);
  const program = ['/usr/sbin/lighttpd', '/usr/bin/lighttpd'].find(file => fs.existsSync(file)) || 'lighttpd';
  await listening(port, launch(program, ['-D', '-f', conf], {}));
  return { host: '127.0.0.1', port };
}

async function clocked(config) {
  const { dir, data } = dataDir(config), port = await freePort(), clock = path.join(dir, 'clock');
  const later = seconds => { fs.writeFileSync(`${clock}.new`, `+${seconds}\n`); fs.renameSync(`${clock}.new`, clock); };
  const env = { ...process.env, LATCHKEY_DIR: data, LK_SHIM: `clock=${clock},confirmed` };
  const shim = path.join(process.env.LK_BUILD || 'build/musl', 'tests/shim');
  const listener = net.createServer({ pauseOnConnect: true }, socket => {
    spawn(shim, [], { env, stdio: [socket, socket, 'ignore'] });
    socket.destroy();
  });
  later(0);
  await new Promise(resolve => { listener.listen(port, '127.0.0.1', resolve); });
  cleanups.push(() => listener.close());
  return { host: '127.0.0.1', port, data, later };
}

export function upstream(kind, config = {}) {
  const name = kind + JSON.stringify(config);
  if (!running.has(name)) running.set(name, { serve, demo, lighttpd, clocked }[kind](config));
  return running.get(name);
}

/* latchkey's own command line on the data directory of a server: admin(up, 'user', 'set', …). */
export const admin = (server, ...args) => execFileSync(binary, args, { env: { ...process.env, LATCHKEY_DIR: server.data }, encoding: 'utf8', stdio: 'pipe', maxBuffer: 2 ** 28 });

export function stopAll() {
  for (const cleanup of cleanups.splice(0)) cleanup();
}
process.on('exit', stopAll);
