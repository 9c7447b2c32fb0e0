// A QR code (ISO/IEC 18004) of what an element says in data-qr, drawn into it: bytes, correction level L, versions 1 to 9, mask 0. What is
// longer than 230 bytes isn't drawn; the page has it as letters beside.
const DATA = [19, 34, 55, 80, 108, 136, 156, 194, 232], CHECKS = [7, 10, 15, 20, 26, 18, 20, 24, 30];
const times = (a, b) => { // in GF(256), polynomial 0x11d
  let product = 0;
  for (; b; b >>= 1, a = (a << 1) ^ (a > 127 ? 0x11d : 0)) if (b & 1) product ^= a;
  return product;
};
const checksOf = (block, n) => {
  let divisor = [1];
  for (let i = 0, root = 1; i < n; i++, root = times(root, 2))
    divisor = [...divisor, 0].map((c, j) => c ^ (j ? times(divisor[j - 1], root) : 0));
  const rest = [...block, ...Array(n).fill(0)];
  block.forEach((_, i) => {
    const lead = rest[i];
    divisor.forEach((c, j) => (rest[i + j] ^= times(c, lead)));
  });
  return rest.slice(block.length);
};
// Bits behind bits that are divided by a polynomial (BCH codes).
const bch = (value, bits, polynomial) => {
  let rest = value << bits;
  for (let i = 31 - Math.clz32(rest); i >= bits; i = 31 - Math.clz32(rest)) rest ^= polynomial << (i - bits);
  return (value << bits) | rest;
};
const matrixOf = text => {
  const bytes = [...new TextEncoder().encode(text)], v = DATA.findIndex(n => n >= bytes.length + 2) + 1;
  if (!v) return null;
  let bits = '0100' + bytes.length.toString(2).padStart(8, 0) + bytes.map(b => b.toString(2).padStart(8, 0)).join('') + '0000';
  for (let i = 0; bits.length < 8 * DATA[v - 1]; i++) bits += i % 2 ? '00010001' : '11101100';
  const all = bits.match(/.{8}/g).map(b => parseInt(b, 2)), parts = v > 5 ? 2 : 1, each = all.length / parts;
  const blocks = [...Array(parts)].map((_, i) => all.slice(i * each, (i + 1) * each));
  const mixed = list => list[0].flatMap((_, i) => list.map(b => b[i]));
  const stream = [...mixed(blocks), ...mixed(blocks.map(b => checksOf(b, CHECKS[v - 1])))];
  const size = 17 + 4 * v, m = [...Array(size)].map(() => Array(size));
  const square = (row, column, reach, dark) => {
    for (let y = -reach; y <= reach; y++)
      for (let x = -reach; x <= reach; x++)
        if (m[row + y] && column + x >= 0 && column + x < size) m[row + y][column + x] = dark(Math.max(Math.abs(x), Math.abs(y)));
  };
  for (const [y, x] of [[3, 3], [3, size - 4], [size - 4, 3]]) square(y, x, 4, d => d !== 2 && d !== 4);
  const middles = v < 2 ? [] : v < 7 ? [6, size - 7] : [6, (size - 1) / 2, size - 7];
  for (const y of middles) for (const x of middles) if (m[y][x] === undefined) square(y, x, 2, d => d !== 1);
  for (let i = 8; i < size - 8; i++) m[6][i] = m[i][6] = i % 2 === 0;
  m[size - 8][8] = true;
  const format = bch(8, 10, 0x537) ^ 0x5412;
  for (let i = 0; i < 15; i++) {
    const dark = Boolean((format >> i) & 1);
    m[i < 6 ? i : i < 8 ? i + 1 : size - 15 + i][8] = dark;
    m[8][i < 8 ? size - 1 - i : i < 9 ? 7 : 14 - i] = dark;
  }
  for (let i = 0, version = bch(v, 12, 0x1f25); v > 6 && i < 18; i++)
    m[size - 11 + (i % 3)][Math.floor(i / 3)] = m[Math.floor(i / 3)][size - 11 + (i % 3)] = Boolean((version >> i) & 1);
  let at = 0;
  for (let right = size - 1, up = true; right > 0; right -= right === 8 ? 3 : 2, up = !up)
    for (let i = 0; i < size; i++)
      for (const x of [right, right - 1]) {
        const y = up ? size - 1 - i : i;
        if (m[y][x] === undefined) m[y][x] = Boolean((stream[at >> 3] >> (7 - (at++ & 7))) & 1) !== ((x + y) % 2 === 0);
      }
  return m;
};
for (const place of typeof document === 'object' ? document.querySelectorAll('[data-qr]') : []) {
  const m = matrixOf(place.dataset.qr), svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  if (!m) continue;
  const path = document.createElementNS(svg.namespaceURI, 'path');
  svg.setAttribute('viewBox', `-4 -4 ${m.length + 8} ${m.length + 8}`);
  svg.setAttribute('class', 'qr');
  path.setAttribute('d', m.flatMap((row, y) => row.map((dark, x) => dark ? `M${x} ${y}h1v1h-1z` : '')).join(''));
  svg.append(path);
  place.replaceChildren(svg);
}
