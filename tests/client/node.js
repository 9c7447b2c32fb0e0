// session.js in Node: runs node-scenarios.js and prints TAP.
//   node tests/client/node.js [upstream] [only=TEXT] [module=FILE]
import path from 'node:path';
import { NodeBench } from './node-bench.js';
import { nodeScenarios } from './node-scenarios.js';
import { stopAll } from './upstream.js';

const args = process.argv.slice(2);
const kind = args.find(arg => !arg.includes('=')) || 'serve';
const option = (name, standard) => args.find(arg => arg.startsWith(name + '='))?.slice(name.length + 1) ?? standard;
const only = option('only', ''), module = option('module', 'www/session.js');
const { createSession, SessionError } = await import(path.resolve(module));
const chosen = nodeScenarios.filter(({ name }) => name.includes(only));
let n = 0, failed = 0;

for (const { name, run, config } of chosen) {
  const bench = await NodeBench.open({ kind, config, createSession, SessionError });
  const started = Date.now();
  try {
    await run(bench);
    console.log(`ok ${++n} - ${path.basename(module)}: ${name} (${Date.now() - started} ms)`);
  } catch (error) {
    failed++;
    console.log(`not ok ${++n} - ${path.basename(module)}: ${name}\n` + String(error.stack).replace(/^/gm, '#   '));
    console.log(bench.proxy.log.map(e => `#   ${e.method} ${e.path} ${e.status ?? '-'}`).slice(-25).join('\n'));
  }
  await bench.close();
}
console.log(`1..${n}`);
stopAll();
process.exit(failed || !n ? 1 : 0);
