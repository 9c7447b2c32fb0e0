// TAP of groups that run two at a time, for what starts other programs.
//   import { result, steps, run, runGroups } from './groups.js';
//   await runGroups([['a name', async () => { … result(good, 'what holds', 'why not'); }]]);     ends the process
// `node FILE only=TEXT` runs the groups whose name has TEXT.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

let count = 0, failed = 0;

export function result(good, name, detail = '') {
  count++;
  console.log(`${good ? 'ok' : 'not ok'} ${count} - ${name}`);
  if (good) return;
  failed++;
  console.log(String(detail).replace(/^/gm, '#   '));
}

export function same(got, want, name) {
  const [a, b] = [got, want].map(value => JSON.stringify(value));
  result(a === b, name, `got ${a}, want ${b}`);
}

/* Steps that a story told elsewhere: {name, got, want} each. */
export const steps = (name, list) => { for (const { name: step, got, want } of list) result(got === want, `${name}: ${step}`, `got ${got}, want ${want}`); };

/* Runs a program: {code, stdout, stderr}, whatever its end. */
const execute = promisify(execFile);
export const run = (program, args, options) => execute(program, args, { maxBuffer: 2 ** 24, timeout: 240e3, ...options })
  .then(outcome => ({ code: 0, ...outcome }), error => ({ ...error, code: error.code ?? error.signal, stdout: error.stdout, stderr: error.stderr || error.message }));

export async function runGroups(groups, end) {
  const only = process.argv.find(arg => arg.startsWith('only='))?.slice(5) ?? '';
  const waiting = groups.filter(([name]) => name.includes(only));
  if (!waiting.length) throw new Error('nothing to run');
  await Promise.all([0, 1].map(async () => {
    while (waiting.length) {
      const [name, tell] = waiting.shift(), started = Date.now();
      try { await tell(); } catch (error) { result(false, name, error.stack); }
      console.log(`# ${name}: ${Date.now() - started} ms`);
    }
  }));
  await end();
  console.log(`1..${count}`);
  process.exit(failed ? 1 : 0);
}
