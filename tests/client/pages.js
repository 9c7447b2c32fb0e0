// That each row of docs/client-situations.md names scenarios that are there, and each mutation of the gate too.
//   node tests/client/pages.js      ends with 1, and a line for each that isn't
import fs from 'node:fs';
import { scenarios } from './scenarios.js';
import { nodeScenarios } from './node-scenarios.js';
import { mutations } from './mutations.js';

const ELSEWHERE = ['runtimes', 'recipes', 'the same', '"Why was my user signed out?"'];
const inPages = scenarios.map(one => one.name), inNode = nodeScenarios.map(one => one.name);
const isThere = (names, beginning) => names.some(name => name.startsWith(beginning));
const missing = [];

const rows = fs.readFileSync('docs/client-situations.md', 'utf8').split('\n').filter(line => /^\| \d+ \|/.test(line));
for (const row of rows) {
  const cells = row.split('|').map(cell => cell.trim()), held = cells.at(-2).split('; ');
  for (const name of held) {
    const [, node, beginning] = /^(node: )?(.*)$/.exec(name);
    const found = node ? isThere(inNode, beginning) : ELSEWHERE.includes(name) || isThere(inPages, name) || held[0].startsWith('node: ') && isThere(inNode, name);
    if (!found) missing.push(`row ${cells[1]}: "${name}"`);
  }
}
for (const { name, mode, fails } of mutations)
  if (!isThere(mode === 'node' ? inNode : inPages, fails)) missing.push(`mutation "${name}": "${fails}"`);
for (const line of missing) console.error('no scenario for ' + line);
process.exit(missing.length || !rows.length ? 1 : 0);
