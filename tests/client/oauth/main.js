// Clients of OAuth that nobody here wrote, unmodified, against the server. TAP; the table of what became of each is in build/oauth-clients.md.
//   node main.js [short] [only=TEXT] [write]
// Every client is told the same story by a proxy that loses answers, and by a server that is in trouble: list.js has the clients.
import fs from 'node:fs';
import path from 'node:path';
import { clients, columns } from './list.js';
import { tellDocs } from './docs.js';
import { openStage } from './stage.js';
import { control, Library, tell, Web } from './story.js';
import { closeBrowser, Page, Screen } from './pages.js';
import { result, runGroups, same } from '../groups.js';

const short = process.argv.includes('short');
const chosen = clients.filter(client => !short || client.short);
const actors = { library: Library, web: Web, page: Page, screen: Screen };
const rows = new Map();

/* The page's table must be this run's: node main.js write puts it there. Other versions of Debian's packages are no fault of the page. */
const PAGE = 'docs/oauth.md';
const inPage = () => /<!-- clients -->\n([\s\S]*?)<!-- end of clients -->/.exec(fs.readFileSync(PAGE, 'utf8'))[1];
const bold = client => (client.short ? `**${client.name}**` : client.name);
const rowOf = client => inPage().split('\n').find(row => row.startsWith(`| ${bold(client)} |`)) ?? '';
function judge(lines) {
  const names = inPage().split('\n').map(row => /^\| (?!client \|)([^|]*) \|/.exec(row)?.[1]).filter(Boolean);
  same(names, clients.map(bold), `${PAGE} has a row of each client, and no other`);
  const without = (client, line) => (client?.debian ? line.replace(/^(\|[^|]*)\|[^|]*/, '$1|') : line);
  for (const [client, line] of lines) {
    same(without(client, rowOf(client)), without(client, line), `${PAGE} has this run's row of ${client.name} (else: main.js write)`);
  }
}

const groups = chosen.map(client => [client.name, async () => {
  const stage = await openStage(client.config);
  const row = await tell(client, await actors[client.kind].open(stage, client), result);
  rows.set(client, row);
  await stage.proxy.close();
}]);

const [guinea] = chosen.filter(client => client.kind === 'library');
groups.push(['control', async () => {
  const stage = await openStage();
  await control(guinea, await Library.open(stage, guinea), result);
  await stage.proxy.close();
}]);

/* Each that shows a key, and as the control one that shows none. */
for (const client of clients.filter(({ name }) => name === 'openid-client 6' || name.endsWith(', DPoP'))) {
  groups.push(['copied: ' + client.name, async () => {
    const stage = await openStage();
    const { tellCopied } = await import(path.join(stage.dir, 'copied.js'));
    await tellCopied(client, await Library.open(stage, client), result);
    await stage.proxy.close();
  }]);
}

groups.push(['docs', async () => {
  const stage = await openStage();
  await tellDocs(stage);
  await stage.proxy.close();
}]);

await runGroups(groups, async () => {
  await closeBrowser();
  const line = cells => `| ${cells.join(' | ')} |`;
  const lines = chosen.filter(client => rows.has(client))
    .map(client => [client, line([bold(client), rows.get(client).version, client.how, ...columns.map(column => rows.get(client)[column] ?? '–')])]);
  const head = `One run, of ${new Date().toISOString().slice(0, 10)}, wrote the table.\n\n` + line(['client', 'version', 'how', ...columns]) + '\n|' + '---|'.repeat(columns.length + 3) + '\n';
  fs.writeFileSync('build/oauth-clients.md', head + lines.map(([, row]) => row + '\n').join(''));
  if (!process.argv.includes('write')) return judge(lines);
  const table = clients.map(client => new Map(lines).get(client) ?? rowOf(client)).filter(Boolean);
  fs.writeFileSync(PAGE, fs.readFileSync(PAGE, 'utf8').replace(inPage(), () => head + table.join('\n') + '\n'));
});
