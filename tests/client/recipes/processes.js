// Five processes on one file, each of which is killed at a random moment and started again. None may ever find itself
// signed out, the file is whole at every look, and the server sees no theft.
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { same, result } from '../groups.js';

const sleep = ms => new Promise(resolve => { setTimeout(resolve, ms); });
const ROUNDS = process.env.TORTURE ? 500 : 40;

/* Asks for something as fast as it can; says each state that isn't "signed in", and each answer. */
const PROGRAM = `
import { session } from './session.js';
session.on('state', ({ state }) => { if (state === 'signed-out' || state === 'locked') console.log('lost ' + state); });
await session.ready;
if (session.state === 'signed-out' || session.state === 'locked') console.log('lost at launch');
for (;;) {
  const outcome = await session.fetch(process.env.URL).then(r => r.status, error => error.code);
  console.log(outcome);
  await new Promise(resolve => { setTimeout(resolve, 20); });
}
`;

function launch(t, env, said) {
  const child = spawn(process.execPath, ['loop.js'], { cwd: t.dir, env, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', text => said.push(...String(text).trim().split('\n')));
  return child;
}

function isWhole(file) {
  try { return typeof JSON.parse(fs.readFileSync(file, 'utf8')) === 'object'; } catch { return false; }
}

/* Figures of so many kills, and of at least five refreshes where two minutes are enough for them. A process lives for up to
 * five times what one needs here, alone, to its first answer. */
async function storm(t, env, file, rounds) {
  const said = [], before = await t.told('/count'), started = Date.now();
  const first = launch(t, env, said);
  while (!said.length) await sleep(10);
  const life = 5 * (Date.now() - started), end = started + 120e3;
  const goesOn = () => kills < rounds || t.proxy.count('/refresh') < before + 5 && Date.now() < end;
  let torn = 0, kills = 0, open = true;
  const keepers = Array.from({ length: 5 }, async (_, i) => {
    for (; goesOn(); kills++) {
      const child = i === 0 && kills === 0 ? first : launch(t, env, said), gone = new Promise(resolve => { child.on('exit', resolve); });
      await sleep(crypto.randomInt(life));
      child.kill('SIGKILL');
      await gone;
    }
  });
  const watch = async () => { for (; open; await sleep(20)) if (!isWhole(file)) torn++; };
  const watching = watch();
  await Promise.all(keepers);
  open = false;
  await watching;
  const other = said.filter(line => line !== '200'), lost = other.filter(line => line.startsWith('lost'));
  return { torn, kills, lost, other, answers: said.length - other.length, refreshes: await t.told('/count') - before, refused: await t.told('/refused') };
}

export async function fiveProcesses(t, env, file) {
  const more = { ...env, URL: t.proxy.origin + '/app/echo' };
  t.write('loop.js', PROGRAM);
  const { torn, kills, lost, other, answers, refreshes, refused } = await storm(t, more, file, ROUNDS);
  same([lost, torn, refused], [[], 0, 0],
    `Node: five processes, ${kills} kills, ${answers} answers: nobody is signed out, the file is never torn, nothing looks like theft`);
  result(answers > 0 && refreshes > 0, 'Node: and they did something', `${answers} answers, ${refreshes} refreshes`);
  console.log(`# Node: ${refreshes} refreshes of tokens that last 2 s; besides 200: ${[...new Set(other)].join(', ') || 'nothing'}`);
  // The client itself holds a storm of refreshes back, for up to 25 s (session.js, WINDOW); the storm that was, too.
  const said = [], last = launch(t, more, said), end = Date.now() + 120e3;
  while (!said.includes('200') && Date.now() < end) await sleep(50);
  last.kill('SIGKILL');
  result(said.includes('200'), 'Node: the next launch is signed in', said.join('\n'));
  const left = fs.readdirSync(path.dirname(file)).filter(name => !/^session\.json(\.lock)?$/.test(name));
  result(left.length <= kills, `Node: ${left.length} temporary files were left by those that were killed`);
}

/* The same with a recipe that writes where it stands, in two halves: it must be noticed. */
export async function torn(t, env, file) {
  const recipe = fs.readFileSync(path.join(t.dir, 'session.js'), 'utf8'), move = 'await fs.rename(own, file);';
  const halves = 'await fs.writeFile(file, value.slice(0, 99)); await pause(30); await fs.writeFile(file, value); await fs.rm(own);';
  if (!recipe.includes(move)) throw new Error('the recipe has no ' + move);
  t.write('session.js', recipe.replace(move, halves));
  const said = [], child = launch(t, { ...env, URL: t.proxy.origin + '/app/echo' }, said);
  const end = Date.now() + 120e3;
  while (isWhole(file) && Date.now() < end) await sleep(5);
  result(Date.now() < end, 'control: written in two halves it is torn, and that is seen', said.join('\n'));
  child.kill('SIGKILL');
}
