// What imports files without their endings, as AppAuth-JS does, runs behind a bundler alone.
import path from 'node:path';
import { createRequire } from 'node:module';
import { built } from './stage.js';

const esbuild = () => createRequire(built + '/')('esbuild');

/* A driver for Node, below dir; answers its name. */
export function buildSync(dir, file, { phone } = {}) {
  const alias = Object.fromEntries((phone ?? []).map(name => [name, path.join(dir, 'library/phone.js')]));
  const to = file.replace(/\.js$/, '.bundled.mjs');
  esbuild().buildSync({ entryPoints: [path.join(dir, file)], outfile: path.join(dir, to), bundle: true, platform: 'node', format: 'esm', logLevel: 'error', alias,
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" } });
  return to;
}

/* A script for a page. */
export function buildPage(entry, options = {}) {
  return esbuild().buildSync({ entryPoints: [entry], bundle: true, write: false, format: 'iife', logLevel: 'error', ...options }).outputFiles[0].text;
}
