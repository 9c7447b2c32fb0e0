// The story in whatever Node runs this: node node.js MODULE BASE CONTROL FILE. Prints the steps as JSON.
import { readFile, writeFile } from 'node:fs/promises';
import { story } from './story.js';

const [module, base, control, file] = process.argv.slice(2);
const { createSession } = await import(module);
const absent = error => { if (error.code === 'ENOENT') return null; throw error; };
const storage = { getItem: () => readFile(file, 'utf8').catch(absent), setItem: (_, value) => writeFile(file, value) };
process.stdout.write(JSON.stringify(await story({ createSession, base, control, storage })));
