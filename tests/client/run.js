// Runs the scenarios and prints TAP.
//   node tests/client/run.js [upstream=fake,serve,lighttpd] [mode=cookie,body] [only=TEXT] [module=FILE]
//   node tests/client/run.js mutations      each mutation must turn its scenario red
//   node tests/client/run.js suite=dpop …   the same of www/dpop.js; bound=yes: scenarios of session.js with dpop.js
//                                          (those that want another generation, or another token at once, fail then)
// By lighttpd the short form has cookie mode alone: a body is passed on as it is, and client-node.t has the minified file in that mode.
// JOBS scenarios run at a time (default 4): they mostly wait.
import fs from 'node:fs';
import path from 'node:path';
import { launchBrowser, Bench, Unmet } from './browser.js';
import { scenarios } from './scenarios.js';
import { mutations, mutate } from './mutations.js';
import { NodeBench, Unmet as NodeUnmet } from './node-bench.js';
import { nodeScenarios } from './node-scenarios.js';
import * as dpop from './dpop.js';
import { stopAll } from './upstream.js';

const options = Object.fromEntries(process.argv.slice(2).map(arg => arg.split('=')));
const list = (name, standard) => (options[name] || standard).split(',');
const JOBS = Number(process.env.JOBS || 4);
const LIMIT = 120e3, PATIENT = 240e3;           // of a mutant, and of the module itself
let mutants = 0;

/* Each with the file that its mutations change. */
const suites = {
  session: { scenarios, nodeScenarios, mutations, file: 'session', changed: module => ({ module }) },
  dpop: { ...dpop, file: 'dpop', changed: text => ({ dpop: text, module: fs.readFileSync('www/session.js', 'utf8') }) },
};
const suite = suites[options.suite ?? 'session'];

function plain() {
  const chosen = [];
  for (const kind of list('upstream', 'serve,lighttpd'))
    for (const mode of list('mode', kind === 'lighttpd' && !process.env.TORTURE ? 'cookie' : 'cookie,body'))
      for (const scenario of suite.scenarios) {
        if (!scenario.modes.includes(mode) || !(scenario.kinds ?? [kind]).includes(kind) || options.only && !scenario.name.includes(options.only)) continue;
        // The min file is what is shipped, the source what is read: each server meets one of them.
        const module = options.module || `www/${suite.file}${kind === 'lighttpd' ? '.min' : ''}.js`;
        chosen.push({ ...scenario, kind, mode, bound: options.bound ?? scenario.bound, ...suite.changed(fs.readFileSync(module, 'utf8')), label: `[${kind} ${mode}] ${scenario.name}` });
      }
  return chosen;
}

function mutated() {
  const source = fs.readFileSync(`www/${suite.file}.js`, 'utf8');
  return suite.mutations.filter(({ name }) => name.includes(options.only ?? '')).map(mutation => {
    const scenario = mutation.mode === 'node' ? suite.nodeScenarios.find(s => s.name.startsWith(mutation.fails))
      : suite.scenarios.find(s => s.name.startsWith(mutation.fails) && s.modes.includes(mutation.mode));
    if (!scenario) throw new Error(`no scenario named "${mutation.fails}"`);
    return { ...scenario, kind: list('upstream', 'serve')[0], mode: mutation.mode, ...suite.changed(mutate(source, mutation)), red: true,
      label: `without ${mutation.name}: "${scenario.name}" fails` };
  });
}

/* Each mutant is a module of its own; what it throws late is its own affair. */
async function openNode(item) {
  const file = `build/client/mutant-${process.pid}-${++mutants}.mjs`;
  fs.writeFileSync(file, item.module);
  try { return await NodeBench.open({ ...item, ...await import(path.resolve(file)) }); } finally { fs.unlinkSync(file); }
}

async function runOne(browser, item) {
  const started = Date.now();
  const limit = item.red ? LIMIT : PATIENT;
  let bench, timer, failure;
  try {
    bench = await (item.mode === 'node' ? openNode(item) : Bench.open(browser, item));
    const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`not done after ${limit / 1000} s`)), limit); });
    await Promise.race([item.run(bench), late]);
  } catch (error) { failure = error; }
  clearTimeout(timer);
  const seen = bench?.proxy.log.map(e => `${e.method} ${e.path} ${e.status ?? (e.fault?.cut ? 'cut' : '-')}`).slice(-25);
  await bench?.close().catch(() => 0);
  return { failure, seen, ms: Date.now() - started };
}

const isRed = failure => failure instanceof Unmet || failure instanceof NodeUnmet;

function report(n, item, { failure, seen, ms }) {
  const good = item.red ? isRed(failure) : !failure;
  console.log(`${good ? 'ok' : 'not ok'} ${n} - ${item.label} (${ms} ms)`);
  if (item.red && failure) console.log(`# red: ${failure.message.split('\n')[0]}`);
  if (good) return true;
  console.log(String(failure?.stack ?? 'it passes all the same').replace(/^/gm, '#   '));
  console.log('#   ' + (seen || []).join('\n#   '));
  return false;
}

async function main() {
  const items = 'mutations' in options ? mutated() : plain();
  if (!items.length) throw new Error('nothing to run');
  console.log(`1..${items.length}`);
  const browser = await launchBrowser();
  let done = 0, failed = 0;
  async function work(queue) {
    for (let item; (item = queue.shift());) {
      let result = await runOne(browser, item);
      // On a busy machine a mutant may be too slow to do harm: it has three runs to show it.
      for (let again = 0; item.red && !isRed(result.failure) && again < 2; again++) result = await runOne(browser, item);
      if (!report(++done, item, result)) failed++;
    }
  }
  // Those in Node share the globals of this process, so they take turns.
  const inNode = items.filter(item => item.mode === 'node'), inPages = items.filter(item => item.mode !== 'node');
  if (inNode.length) process.on('unhandledRejection', () => 0).on('uncaughtException', () => 0);
  await Promise.all([work(inNode), ...Array.from({ length: JOBS }, () => work(inPages))]);
  await browser.close();
  stopAll();
  process.exit(failed ? 1 : 0);
}

await main();
