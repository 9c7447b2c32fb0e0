// TypeScript, strict, under each way to find a module, and attw over every entry of the package.
import fs from 'node:fs';
import path from 'node:path';
import { run } from '../groups.js';

const WAYS = {
  node10: { module: 'esnext', moduleResolution: 'node10' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
};
const bin = name => path.resolve('build/runtimes/node_modules', name);

function project(work, way) {
  const dir = path.join(work, 'types', way), compilerOptions = {
    strict: true, noEmit: true, target: 'es2022', lib: ['es2022', 'dom'], types: [], ...WAYS[way],
  };
  fs.mkdirSync(path.join(dir, 'vendor'), { recursive: true });
  for (const file of ['session.js', 'session.min.js', 'session.d.ts', 'session.min.d.ts'])
    if (fs.existsSync(path.join('www', file))) fs.copyFileSync(path.join('www', file), path.join(dir, 'vendor', file));
  for (const file of ['use.ts', 'copied.ts']) fs.copyFileSync(path.join(work, 'types', file), path.join(dir, file));
  // Under nodenext once more from a program of CommonJS.
  if (way === 'nodenext') fs.copyFileSync(path.join(work, 'types/use.ts'), path.join(dir, 'use.cts'));
  fs.writeFileSync(path.join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts', '*.cts'] }));
  return dir;
}

export async function typeChecks(work) {
  const checks = [];
  async function check(name, script, args) {
    const outcome = await run(process.execPath, [bin(script), ...args]);
    checks.push({ name, good: outcome.code === 0, detail: `${outcome.stdout}\n${outcome.stderr}` });
    return outcome;
  }
  for (const way of Object.keys(WAYS))
    await check(`TypeScript, strict, ${way}: each promise of the types`, 'typescript/bin/tsc', ['-p', project(work, way)]);
  // The package is ESM alone, which Node requires too from 20.19 on (shown under "Node 20"): that one rule is left out.
  await check('attw finds nothing in any entry', '@arethetypeswrong/cli/dist/index.js',
    ['--pack', path.join(work, 'node_modules/latchkey-session'), '--ignore-rules', 'cjs-resolves-to-esm', '--no-emoji']);
  const wrong = path.join(work, 'types/node10/wrong.ts');
  fs.writeFileSync(wrong, "import { createSession } from 'latchkey-session';\nconst state: number = createSession().state;\n");
  const outcome = await run(process.execPath, [bin('typescript/bin/tsc'), '-p', path.dirname(wrong)]);
  checks.push({ name: 'control: tsc refuses a state that is a number', good: /TS2322/.test(outcome.stdout), detail: outcome.stdout });
  return checks;
}
