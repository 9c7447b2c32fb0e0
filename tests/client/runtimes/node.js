// The story in whatever Node runs this: node node.js MODULE BASE CONTROL FILE. Prints the steps as JSON.
import { readFile, rename, writeFile } from 'node:fs/promises';
import { story } from './story.js';

const [module, base, control, file] = process.argv.slice(2);
const { createSession } = await import(module);
const absent = error => { if (error.code === 'ENOENT') return null; throw error; };
let n = 0;
/* Replaced whole: the next launch may read while the last one still writes. */
async function setItem(_, value) {
  const made = `${file}.${++n}.new`;
  await writeFile(made, value);
  await rename(made, file);
}
const storage = { getItem: () => readFile(file, 'utf8').catch(absent), setItem };
process.stdout.write(JSON.stringify(await story({ createSession, base, control, storage })));
