#!/bin/sh
# Where the judge of `rd` lets a browser be sent, read as a browser reads it: hundreds of thousands of addresses, joined of all the pieces that
# tricks are made of; each that the judge takes (redirect_test) is read by Node's URL, which is the browsers' own standard, and must lead to
# this host, to a host below cookie_domain, or to a listed origin.
# needs: node
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: the judge's answers are the same everywhere, and this is much to read
tmpdir
node=$("$TOP/tests/client/node.sh") || exit 1
cat >"$TMP/read.mjs" <<'JS'
import { createInterface } from 'node:readline';
const bases = ['https://auth.example.com/auth/signin', 'http://auth.example.com/auth/signin', 'https://auth.example.com/auth/signin'];
const listed = ['https://listed.example', 'http://listed.example:8080'];
const wrong = [];
let read = 0;
const leads = (door, url) => {
  const to = new URL(url, bases[door]);
  if (to.username || to.password) return false;
  if (door !== 2 && listed.includes(to.origin)) return true;
  if (to.hostname === 'auth.example.com') return to.protocol === 'https:' || (door === 1 && to.protocol === 'http:');
  return door !== 2 && to.protocol === 'https:' && (to.hostname === 'example.com' || to.hostname.endsWith('.example.com'));
};
for await (const line of createInterface({ input: process.stdin })) {
  read++;
  let good = false;
  try { good = leads(Number(line[0]), line.slice(2)); } catch { good = true; /* no browser goes there */ }
  if (!good) wrong.push(line);
}
console.log(`${read} ${wrong.length} ${wrong.slice(0, 5).join(' ')}`);
JS
for beginning in '' 'https://' '/'; do
    ok "what begins with '$beginning' is judged" sh -c '"$1" "$2" >"$3"' - "$LK_BUILD/tests/redirect.t" "$beginning" "$TMP/accepted"
    found=$("$node" "$TMP/read.mjs" <"$TMP/accepted")
    like "$found" '* 0 ' "of ${found%% *} that are taken none leads elsewhere" || diag "$found"
    ok 'they are many' test "${found%% *}" -gt 1000
done
printf '%s\n' '0 //evil.example' '0 /\evil.example' '0 https://auth.example.com@evil.example/' '2 https://app.example.com/' '0 http://auth.example.com/' '0 /good' >"$TMP/accepted"
like "$("$node" "$TMP/read.mjs" <"$TMP/accepted")" '6 5 *' 'the control: a judge that takes what leads elsewhere is noticed'
done_testing
