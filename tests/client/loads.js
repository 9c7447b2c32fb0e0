// How soon the documents of one session get their first answer: twenty at once, as a browser restores
// them, and twenty one after the other. Each has a cookie and no token, so each refreshes, in its turn.
//   node tests/client/loads.js             prints the table
//   node tests/client/loads.js --write     puts it between its marks in docs/client.md
// "Beside the server" is what is left of a document's wait when each moment is taken off in which the
// server had a request of any of them. `RUNS` runs (default 5); the figures are the median of each place.
import fs from 'node:fs';
import os from 'node:os';
import { Bench, launchBrowser } from './browser.js';
import { stopAll } from './upstream.js';

const COUNT = 20, RUNS = Number(process.env.RUNS || 5), PAGE = 'docs/client.md';

/* Runs in a page. What is measured begins when a document has loaded, and ends with its answer. */
const documents = ([count, inTurn]) => {
  const one = async () => {
    const frame = document.createElement('iframe');
    frame.src = '/page';
    await new Promise(resolve => { frame.onload = resolve; document.body.append(frame); });
    const from = Date.now();
    await frame.contentWindow.boot({ queueTimeout: 120e3 });
    const { status } = await frame.contentWindow.get('/app/echo', { method: 'POST', body: 'x' });
    return { status, from, to: Date.now() };
  };
  if (!inTurn) return Promise.all(Array.from({ length: count }, one));
  return Array.from({ length: count }).reduce(async before => [...await before, await one()], []);
};

/* Of a span, the milliseconds in which none of the calls was with the server. */
function beside({ from, to }, calls) {
  let free = 0;
  for (let at = from; at < to; at++) if (!calls.some(call => call.at <= at && at < call.done)) free++;
  return free;
}

async function measure(browser, inTurn) {
  const bench = await Bench.open(browser, { kind: 'serve', mode: 'cookie', config: {}, module: fs.readFileSync('www/session.min.js', 'utf8') });
  try {
    const page = await bench.signedIn();
    const seen = await page.evaluate(documents, [COUNT, inTurn]);
    if (seen.some(({ status }) => status !== 200)) throw new Error('a document without an answer: ' + JSON.stringify(seen));
    return { waits: seen.map(({ from, to }) => to - from), rests: seen.map(one => beside(one, bench.proxy.log)) };
  } finally { await bench.close(); }
}

const ascending = list => [...list].sort((a, b) => a - b);
const median = list => ascending(list)[list.length >> 1];

async function row(browser, name, inTurn) {
  const runs = [];
  for (let i = 0; i < RUNS; i++) runs.push(await measure(browser, inTurn));
  const place = (kind, at) => median(runs.map(run => ascending(run[kind])[at]));
  const cells = kind => [0, COUNT / 2, COUNT - 1].map(at => place(kind, at)).join(' / ');
  return `| ${name} | ${cells('waits')} | ${cells('rests')} |`;
}

const browser = await launchBrowser();
const rows = [await row(browser, 'twenty at once', false), await row(browser, 'twenty, one after the other', true)];
await browser.close();
stopAll();
const table = [`Milliseconds of the first, the middle and the last document; ${new Date().toISOString().slice(0, 10)}, ${os.cpus().length} cores, load ${os.loadavg()[0].toFixed(1)}:`, '',
  '| documents | until the first answer | of which beside the server |', '|---|---:|---:|', ...rows].join('\n');
console.log(table);
if (process.argv[2] === '--write') {
  const [before, after] = [/[\s\S]*<!-- loads: [^\n]*-->\n/, /\n<!-- end of loads -->[\s\S]*/].map(part => part.exec(fs.readFileSync(PAGE, 'utf8'))[0]);
  fs.writeFileSync(PAGE, `${before}\n${table}\n${after}`);
}
process.exit(0);
