// What install.sh has put into build/runtimes, for a program that lies elsewhere.
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(path.resolve('build/runtimes') + '/');
export const load = name => import(pathToFileURL(require.resolve(name)).href);
