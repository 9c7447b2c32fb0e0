// door/qr.js by another program: a code of each version, and of texts as the page has them, is read by zbarimg.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const source = fs.readFileSync('door/qr.js', 'utf8');
const matrixOf = new Function(`${source}; return matrixOf;`)();
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'lk-qr-'));
let n = 0, failed = 0;
const ok = (good, what) => {
  failed += !good;
  console.log(`${good ? 'ok' : 'not ok'} ${++n} - qr: ${what}`);
};

// A portable bitmap of four pixels a module, with the quiet zone.
function read(m) {
  const size = m.length + 8, file = path.join(dir, 'code.pgm');
  const dark = (y, x) => Boolean(m[y - 4] && m[y - 4][x - 4]);
  const bytes = [];
  for (let y = 0; y < 4 * size; y++) for (let x = 0; x < 4 * size; x++) bytes.push(dark(y >> 2, x >> 2) ? 0 : 255);
  fs.writeFileSync(file, Buffer.concat([Buffer.from(`P5 ${4 * size} ${4 * size} 255\n`), Buffer.from(bytes)]));
  try {
    return execFileSync('zbarimg', ['-q', '--raw', '-Sdisable', '-Sqr.enable', file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).replace(/\n$/, '');
  } catch {
    return 'nothing';
  }
}

const uri = 'otpauth://totp/My%20place:mara?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=My%20place';
ok(read(matrixOf(uri)) === uri, 'what the page draws');
// The longest of each version, and one more.
const longest = [17, 32, 53, 78, 106, 134, 154, 192, 230];
longest.forEach((length, v) => {
  const text = 'k'.repeat(length);
  ok(matrixOf(text).length === 21 + 4 * v && read(matrixOf(text)) === text, `version ${v + 1}: ${length} bytes`);
});
ok(matrixOf('k'.repeat(231)) === null, 'what is longer is not drawn');
const broken = matrixOf(uri);
for (let y = 9; y < 25; y++) broken[y].reverse();
ok(read(broken) === 'nothing', 'control: one that is drawn wrong is not read');
fs.rmSync(dir, { recursive: true });
console.log(`1..${n}`);
process.exit(failed ? 1 : 0);
