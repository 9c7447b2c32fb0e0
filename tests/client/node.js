// session.js in Node: runs node-scenarios.js and prints TAP.
//   node tests/client/node.js [upstream] [only=TEXT]
import { createSession, SessionError } from '../../www/session.js';
import { NodeBench } from './node-bench.js';
import { nodeScenarios } from './node-scenarios.js';
import { stopAll } from './upstream.js';

const args = process.argv.slice(2);
const kind = args.find(arg => !arg.includes('=')) || 'serve';
const only = args.find(arg => arg.startsWith('only='))?.slice(5) ?? '';
const chosen = nodeScenarios.filter(({ name }) => name.includes(only));
let n = 0, failed = 0;

for (const { name, run, config } of chosen) {
  const bench = await NodeBench.open({ kind, config, createSession, SessionError });
  const started = Date.now();
  try {
    await run(bench);
    console.log(`ok ${++n} - node: ${name} (${Date.now() - started} ms)`);
  } catch (error) {
    failed++;
    console.log(`not ok ${++n} - node: ${name}\n` + String(error.stack).replace(/^/gm, '#   '));
    console.log(bench.proxy.log.map(e => `#   ${e.method} ${e.path} ${e.status ?? '-'}`).slice(-25).join('\n'));
  }
  await bench.close();
}
console.log(`1..${n}`);
stopAll();
process.exit(failed || !n ? 1 : 0);
