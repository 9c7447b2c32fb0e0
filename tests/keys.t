#!/bin/sh
# Public keys: what the verbs that change keys write to latchkey.jwks and latchkey.rsa, and that these are right by another reckoning.
# needs: python3
. "$(dirname "$0")/lib.sh"
tmpdir
D=$TMP/data
unset LATCHKEY_DIR
lk() { "$LATCHKEY" "$@" --dir "$D"; }
lk init >/dev/null
K=$D/latchkey.key
J=$D/latchkey.jwks
R=$D/latchkey.rsa

# Each kid of the set, by its own words: algorithm, size of the key; an RSA key's numbers fit each other.
kids() { python3 - "$J" "$R" <<'END'
import base64, json, os, sys
number = lambda text: int.from_bytes(base64.urlsafe_b64decode(text + '=='), 'big')
rsa = {}
for line in open(sys.argv[2]) if os.path.exists(sys.argv[2]) else []:
    kid, digits = line.split()
    n, (p, q, dp, dq, iq) = int(digits[:512], 16), [int(digits[i:i + 256], 16) for i in range(512, 1792, 256)]
    d = pow(65537, -1, (p - 1) * (q - 1))
    probably = all(pow(a, m - 1, m) == 1 for m in (p, q) for a in (2, 3, 5))
    rsa[kid + '-r'] = n if n == p * q and dp == d % (p - 1) and dq == d % (q - 1) and iq * q % p == 1 and probably else 0
a, b, prime = -3, 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b, 2**256 - 2**224 + 2**192 + 2**96 - 1
for key in json.load(open(sys.argv[1]))['keys']:
    good = key['use'] == 'sig'
    if key['kty'] == 'EC':
        x, y = number(key['x']), number(key['y'])
        good = good and key['alg'] == 'ES256' and key['crv'] == 'P-256' and (x**3 + a * x + b - y * y) % prime == 0
    else:
        good = good and key['alg'] == 'RS256' and key['e'] == 'AQAB' and number(key['n']) == rsa.get(key['kid'])
    print(key['kid'] if good else 'wrong:' + key['kid'], end=' ')
END
}
of_ring() { awk -v r="$1" '{ printf "%s-e %s", $1, r ? $1 "-r " : "" }' "$K"; }

ok 'init makes neither file' test ! -e "$J" -a ! -e "$R"
one=$(cut -d' ' -f1 "$K")
two=$(lk key stage | sed 's/.* //')
is "$(kids)" "$one-e $two-e " 'a staged key stands in the set before it signs'
ok 'and no RSA key is made, since no client is named' test ! -e "$R"
echo 'issuer = https://id.example/api/auth' >>"$D/latchkey.conf"
lk client add app https://app.example/cb >/dev/null
is "$(kids)" "$one-e $one-r $two-e $two-r " 'once a client is named each key has an RSA key'
is "$(stat -c %a "$R")" 600 'which others can not read'
cp "$R" "$TMP/rsa"
rm "$R" "$J"
like "$(lk check)" "*warn *key *latchkey.rsa: the key of $one is missing*" 'check misses it'
lk key publish >/dev/null
ok 'the key file makes the same again' cmp -s "$R" "$TMP/rsa"
is "$(kids)" "$one-e $one-r $two-e $two-r " 'and the set'
is "$(lk check | awk '$2 == "key" { print $1 }')" ok 'then nothing is wrong'
# However long or short that took, it was staged just now, and after the key that signs.
awk -v k="$two" -v now="$(($(date +%s) + 1))" -v OFS=' ' '$1 "" == k { $2 = now } { print }' "$K" >"$TMP/ring"
cat "$TMP/ring" >"$K"
like "$(lk key use "$two" 2>&1)" '*key use: this key was staged less than 5 minutes ago: *new tokens are signed with key*' 'a key that verifiers may not have yet: key use warns'
is "$(kids)" "$two-e $two-r $one-e $one-r " 'the old one stays in the set while its tokens may live'
is "$(lk key use "$one" 2>&1)" "new tokens are signed with key $one" 'back to one that signed before: nothing to warn of'
staged=$(lk key stage | sed 's/.* //')
awk -v k="$staged" -v OFS=' ' '$1 "" != k { $2 -= 1000 } $1 "" == k { $2 -= 301 } { print }' "$K" >"$TMP/ring"
cat "$TMP/ring" >"$K"
is "$(lk key use "$staged" 2>&1)" "new tokens are signed with key $staged" 'nor of one that was staged five minutes ago'
lk key use "$two" >/dev/null
lk key retire "$staged" >/dev/null
lk key retire "$one" >/dev/null
is "$(kids)" "$two-e $two-r " 'a retired key is gone'
is "$(wc -l <"$R")" 1 'and its RSA key'
three=$(lk key rotate | sed 's/.* //')
is "$(kids)" "$three-e $three-r $two-e $two-r " 'rotate'
printf '%064d\n' 0 | lk key import >/dev/null
is "$(kids)" "$(of_ring 1)" 'import'
like "$(cat "$J")" '*"kid":"66687aad-e"*"x":"1777Mfx3t_CQt_i3Il8mYsTGv_FJQQNgyosgdrtP8DA*' 'a key that is known has the public key that is known'
lk key rotate --epoch >/dev/null
is "$(kids)" "$(of_ring 1)" 'epoch: of the new key alone'
is "$(wc -l <"$R")" 1 'and one RSA key'
if [ "$LK_B" != pg ]; then
    lk backup "$TMP/copy" >/dev/null
    rm "$R" "$J"
    lk restore "$TMP/copy" >/dev/null
    is "$(kids)" "$(of_ring 1)" 'a backup needs neither file'
fi
mkdir "$J.new"
out=$(lk key stage 2>&1)
is "$?" 111 'where the set can not be written'
like "$out" '*VB7: the public keys can*t be written*' 'the log says so'
is "$(wc -l <"$K")" 1 'and no key is there that nobody knows'
rmdir "$J.new"
mv "$R" "$TMP/rsa"
mkdir "$R"
like "$(lk check)" '*warn *latchkey.rsa: *' 'one that can not be read is told by check'
rmdir "$R"
printf 'x' >>"$J"
like "$(lk check)" "*warn *key *the key of*missing*" 'as one that is missing'
done_testing
