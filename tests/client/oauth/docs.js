// The commands of docs/oauth.md, as the page prints them: clients are named as for each recipe, and judged; the calls by curl are made.
import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { result, run, same } from '../groups.js';
import { readPage } from '../recipes/page.js';
import { admin } from '../upstream.js';
import { Walker } from './walk.js';

const page = readPage('docs/oauth.md');
const RECIPES = { 'Naming': ['grafana.sh', 'flags.sh'], 'Apache': ['mod_auth_openidc.sh'], 'Node-RED': ['node-red.sh'], 'Gitea': ['gitea.sh'], 'Nextcloud': ['nextcloud.sh'],
  'Home': ['home-assistant.sh'], 'Proxmox': ['proxmox.sh'], 'oauth2-proxy': ['oauth2-proxy.sh'], 'Directus': ['directus.sh'], 'An iOS': ['ios.sh'] };

export async function tellDocs(stage) {
  const { server, user, issuer } = stage, bin = path.join(stage.dir, 'latchkey-bin');
  fs.mkdirSync(bin, { recursive: true });
  fs.symlinkSync(path.resolve(process.env.LATCHKEY || 'latchkey'), path.join(bin, 'latchkey'));
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}`, LATCHKEY_DIR: server.data };
  const sh = (text, more) => run('sh', ['-ec', text.replaceAll('https://auth.example.com/api/auth', issuer)], { cwd: stage.dir, env: { ...env, ...more } });

  // Where the issuer is the page's, all its clients are named, and check finds nothing wrong.
  const own = path.join(stage.dir, 'data');
  execFileSync(path.join(bin, 'latchkey'), ['init', '--dir', own], { stdio: 'pipe' });
  fs.appendFileSync(path.join(own, 'latchkey.conf'), page.block('Naming', 'latchkey.conf'));
  for (const [section, files] of Object.entries(RECIPES)) {
    for (const file of files) {
      const said = await run('sh', ['-ec', page.block(section, file)], { env: { ...env, LATCHKEY_DIR: own } });
      same([said.code, said.stderr], [0, ''], `docs/oauth.md: ${file} names its client`);
    }
  }
  const checked = await run(path.join(bin, 'latchkey'), ['check', '--dir', own], { env });
  result(checked.code === 0, 'docs/oauth.md: check has nothing against them', checked.stdout + checked.stderr);

  // The code flow by hand.
  admin(server, 'client', 'add', 'app', 'public', 'http://127.0.0.1/cb');
  admin(server, 'client', 'add', 'tv', 'public,device');
  const person = await user(), verifier = crypto.randomBytes(32).toString('base64url');
  const query = new URLSearchParams({ response_type: 'code', client_id: 'app', redirect_uri: 'http://127.0.0.1/cb', scope: 'openid profile offline_access', state: 's',
    code_challenge: crypto.createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256' });
  const back = new URL(await new Walker(person).go(`${issuer}/authorize?${query}`, url => url.startsWith('http://127.0.0.1/cb')));
  const hand = await sh(page.block('The flows', 'by-hand.sh'), { code: back.searchParams.get('code'), verifier });
  result(hand.code === 0 && hand.stdout.includes(person.username) && /"refresh_token"/.test(hand.stdout) && hand.stdout.trim().endsWith('{}'),
    'docs/oauth.md: by-hand.sh redeems, asks, renews and signs out', hand.stdout + hand.stderr);
  const after = await sh('curl -s $url/token -d grant_type=refresh_token -d "refresh_token=$(sed \'s/.*"refresh_token":"\\([^"]*\\)".*/\\1/\' tokens)" -d client_id=app', { url: issuer });
  same(JSON.parse(after.stdout).error, 'invalid_grant', 'docs/oauth.md: and is signed out');

  // The device, which polls while a person allows it.
  const device = sh(page.block('The flows', 'device.sh').replace('sleep 5', 'sleep 1'));
  let asked;
  for (let i = 0; i < 600 && !asked; i++) {
    await new Promise(resolve => { setTimeout(resolve, 100); });
    try { asked = JSON.parse(fs.readFileSync(path.join(stage.dir, 'asked'), 'utf8')); } catch { /* not yet */ }
  }
  await new Walker(person).go(asked.verification_uri_complete);
  const done = await device;
  result(done.code === 0 && /"access_token"/.test(fs.readFileSync(path.join(stage.dir, 'tokens'), 'utf8')), 'docs/oauth.md: device.sh gets its tokens', done.stderr);
}
