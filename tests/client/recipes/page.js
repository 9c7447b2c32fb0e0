// The blocks of docs/clients.md that have a file name behind their language: what a recipe's reader copies.
//   const page = readPage('docs/clients.md');
//   page.block('Node', 'session.js')      its text; the section is named by the first words of its heading
//   page.unread()                         those that nobody asked for
import fs from 'node:fs';

export function readPage(file) {
  const blocks = [];
  let section = '', open = null;
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    const fence = /^```(\w*) ?(\S*)$/.exec(line);
    if (open && line === '```') open = null;
    else if (open) open.lines.push(line);
    else if (fence) blocks.push(open = { section, name: fence[2], lines: [], read: false });
    else if (/^##+ /.test(line)) section = line.replace(/^#+ /, '');
  }
  return {
    block(start, name) {
      const found = blocks.filter(block => block.section.startsWith(start) && block.name === name);
      if (found.length !== 1) throw new Error(`${file}: ${found.length} blocks ${name} below "${start}"`);
      found[0].read = true;
      return found[0].lines.join('\n') + '\n';
    },
    unread: () => blocks.filter(block => block.name && !block.read).map(block => block.name),
  };
}
