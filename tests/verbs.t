#!/bin/sh
# The operator's verbs: what each does, prints, refuses and leaves behind. Requests go in by CGI.
# needs: strace python3
. "$(dirname "$0")/lib.sh"
tmpdir
D=$TMP/data
unset LATCHKEY_DIR

# give TEXT: stdin of the next want. want CODE NAME COMMAND...: its exit code; then $out and $err hold the rest.
give() { printf '%s' "$1" >"$TMP/in"; }
want() {
    code=$1 name=$2
    shift 2
    out=$("$@" <"$TMP/in" 2>"$TMP/err")
    got=$?
    err=$(cat "$TMP/err")
    : >"$TMP/in"
    is "$got" "$code" "$name" || diag "$out$err"
}
lk() { "$LATCHKEY" "$@" --dir "$D"; }
# json EXPRESSION: of $out, which must be one JSON text, as d.
json() { printf '%s' "$out" | python3 -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1" 2>&1; }
# cgi METHOD PATH BODY [TOKEN]: one request; the answer's body.
cgi() {
    printf '%s' "$3" | env -i ASAN_OPTIONS="${ASAN_OPTIONS-}" LATCHKEY_DIR="$D" GATEWAY_INTERFACE=CGI/1.1 SERVER_PROTOCOL=HTTP/1.1 REQUEST_METHOD="$1" \
        SCRIPT_NAME=/api/auth PATH_INFO="$2" CONTENT_TYPE=application/json CONTENT_LENGTH=${#3} REMOTE_ADDR=192.0.2.7 \
        HTTP_USER_AGENT='verbs.t' ${4:+HTTP_AUTHORIZATION="Bearer $4"} "$LATCHKEY" | sed '1,/^.\{0,1\}$/d'
}
member() { python3 -c 'import json, sys; print(json.load(sys.stdin)["data"][sys.argv[1]])' "$1"; }
login() { rm -f "$D/throttle" && cgi POST /login "{\"username\":\"$1\",\"password\":\"$2\",\"device\":\"${3:-phone}\"}"; }
conf() { # LINES: with cheap passwords, and a throttle table that login() can take away
    printf 'password_memory = 8k\npassword_passes = 1\n' >"$D/latchkey.conf"
    printf '%s\n' "${1:-throttle_dir = $D}" >>"$D/latchkey.conf"
}
give ''

# --- init
want 0 'init' "$LATCHKEY" init --dir "$TMP/a/b/data//"
is "$out" "made $TMP/a/b/data" 'says so'
is "$(stat -c %a "$TMP/a/b/data" "$TMP/a/b" "$TMP/a" | tr '\n' ' ')" '700 755 755 ' 'parents can be passed, the directory not'
is "$(stat -c %a "$TMP"/a/b/data/* | sort -u)" 600 'every file is private'
want 1 'init again' "$LATCHKEY" init --dir "$TMP/a/b/data"
like "$err" '*there is a database already*' 'is refused'
want 0 'init --upgrade' "$LATCHKEY" init --upgrade --dir="$TMP/a/b/data"
like "$out" 'schema version *, was *' 'tells the versions'
want 111 'init where nothing can be made' "$LATCHKEY" init --dir /proc/latchkey
want 111 'init --upgrade of nothing' "$LATCHKEY" init --upgrade --dir "$TMP/nothing"
want 0 'init of a directory named from here' sh -c 'cd "$1" && exec "$2" init --dir from/here' - "$TMP" "$LATCHKEY"
ok 'makes it there' "$LATCHKEY" check --dir "$TMP/from/here"
mkdir "$TMP/there"
cp -p "$TMP/a/b/data/latchkey.key" "$TMP/there"
want 0 'init where a key lies' env LATCHKEY_DIR="$TMP/there" "$LATCHKEY" init
ok 'keeps it' cmp "$TMP/there/latchkey.key" "$TMP/a/b/data/latchkey.key"
want 1 'init --owner of nobody we know' "$LATCHKEY" init --owner no-such-user --dir "$TMP/x"
nok 'makes nothing' test -e "$TMP/x"
want 0 'init of the directory for the rest' lk init
conf ''

# --- user
out=$("$LATCHKEY" user add nobody --dir "$D" 2>&1 </)
is "$? $out" '111 latchkey: AS1: cannot read standard input: Is a directory' 'a password that cannot be read is none'
give 'correct horse
battery staple'
want 0 'user add' lk user add alice
is "$out" 'added user alice' 'says so'
want 0 'user list' lk user list
like "$out" 'ID  *USERNAME *GROUPS *EMAIL *NAME *FACTOR *PASSKEYS *WALLETS *SUBSCRIPTION
[0-9a-f]*  20??-??-??T??:??:??Z  no        alice *  -  *  -  *  no  *  0 *  0*' 'is a table'
want 0 'user list --json' lk user list --json
is "$(json 'len(d), sorted(d[0]), d[0]["username"], d[0]["disabled"], d[0]["subscription"], len(d[0]["id"])')" \
    "(1, ['created_at', 'disabled', 'email', 'factor', 'groups', 'id', 'name', 'passkeys', 'subscription', 'username', 'wallets'], 'alice', False, None, 16)" 'is JSON'
like "$(login alice 'correct horse')" '{"data":{"token_type"*' 'the line is the password'
give 'correct horse
'
want 1 'user add twice' lk user add ALICE
like "$err" '*latchkey: user add: This user name is taken.*' 'is refused, whatever the case'
for name in 'a b' 'a/b' 'é' '' "$(printf 'a\nb')" 'a"b' "$(printf '%0255d' 0)"; do
    give 'correct horse'
    want 1 "user add of a bad name" lk user add "$name"
    like "$err" '*a user name has 1 to 254 bytes*' 'says what a name is'
done
give 'correct horse'
want 0 'a name of 254 bytes' lk user add "$(printf '%0254d' 0)"
give 'correct horse'
want 0 'a name that looks like an option' "$LATCHKEY" user add --dir "$D" -- "-x.y_z'@w+1"
for password in '' 1234567 iloveyou '        ' "$(printf '%01025d' 0)" "$(printf 'battery\tstaple')" "$(printf 'battery\rstaple')"; do
    give "$password"
    want 1 "a password of ${#password} bytes that is too weak or too long" lk user add bob
    like "$err" '*The password must have 8 to 1024 bytes, no control character among them, and be neither common nor the user*s name.' 'says what it must be'
    unlike "$err$out" "*${password:-no password}*" 'and not what it was'
done
give "$(printf '%01024d' 7)"
want 0 'a password of 1024 bytes' lk user add bob
like "$(login bob "$(printf '%01024d' 7)")" '{"data":*' 'counts whole'
give "$(printf '%01024d\r' 7)"
want 0 'one of 1024 bytes and a CR' lk user add carl
give "$(printf 'battery staple\r\nmore')"
want 0 'user passwd, from a file of Windows' lk user passwd carl
like "$(login carl 'battery staple')" '{"data":*' 'the end of the line is no part of it'
lk user delete carl >/dev/null
give 'battery staple
'
want 0 'user passwd' lk user passwd bob
is "$out" '1 sessions ended' 'ends the sessions'
like "$(login bob "$(printf '%01024d' 7)")" '*invalid_credentials*' 'the old one is wrong now'
like "$(login bob 'battery staple')" '{"data":*' 'the new one is right'
give 'battery staple'
want 1 'user passwd of nobody' lk user passwd nobody
is "$err" 'latchkey: user passwd: no such user: nobody' 'says so'
want 0 'user disable' lk user disable bob
is "$out" '1 sessions ended' 'ends the sessions'
like "$(login bob 'battery staple')" '*invalid_credentials*' 'disabled: no sign-in'
want 0 'user enable' lk user enable bob
like "$(login bob 'battery staple')" '{"data":*' 'enabled: sign-in'
for verb in 'user disable' 'user enable' 'user delete' 'session list' 'session revoke --user'; do
    # shellcheck disable=SC2086  # words
    want 1 "$verb of nobody" lk $verb nobody
    like "$err" '*no such user: nobody' 'says so'
    # shellcheck disable=SC2086  # words
    want 1 "$verb of what is no name" lk $verb 'no body'
done

# --- user set
want 0 'user set' lk user set alice subscription '{"plan":"pro", "seats": 3}'
token=$(login alice 'correct horse' | member access_token)
like "$(cgi GET /me '' "$token")" '*"subscription":{"plan":"pro", "seats": 3}*' 'the app is told'
want 0 'user list --json of it' lk user list --json
is "$(json '[u["subscription"] for u in d if u["username"] == "alice"]')" "[{'plan': 'pro', 'seats': 3}]" 'it is JSON within JSON'
give '
	{ "plan":
	"basic" }
'
want 0 'user set from stdin' lk user set alice subscription -
want 0 'user list of it' lk user list
is "$(printf '%s\n' "$out" | grep -c alice)" 1 'a line stays a line'
want 0 'user set null' lk user set alice subscription null
like "$(cgi GET /me '' "$token")" '*"subscription":null*' 'null unsets it'
for json in '' '[]' '"x"' '{' '{"a":1,"a":2}' 'nul' "{\"a\":\"$(printf '%02048d' 0)\"}" '{"a":1}x'; do
    want 1 "user set is refused" lk user set alice subscription "$json"
    like "$err" '*must be null or a JSON object of at most 2048 bytes' 'says what it must be'
done
give "{\"a\":\"$(printf '%02040d' 0)\"}"
want 0 'a subscription of 2048 bytes' lk user set alice subscription -
give "{\"a\":\"$(printf '%02041d' 0)\"}"
want 1 'a subscription of 2049 bytes' lk user set alice subscription -
want 1 'a subscription of nothing' lk user set alice subscription -
want 1 'user set of something else' lk user set alice password x
like "$err" '*groups, email, name and subscription can be set, not password' 'says what can be set'
unlike "$err" '*: x*' 'does not show the value'
want 1 'user set of nobody' lk user set nobody subscription '{}'
want 0 'user keys' lk user keys alice --json
is "$(json d)" '[]' 'are none'
want 0 'user keys for people' lk user keys alice
like "$out" '*LABEL*' 'have a heading'
want 1 'user keys of nobody' lk user keys nobody
want 1 'user keys: another word' lk user keys alice remove 0123456789abcdef
want 1 'user keys: no id' lk user keys alice forget
want 1 'user keys: a wrong id' lk user keys alice forget x
want 1 'user keys: an unknown id' lk user keys alice forget 0123456789abcdef
like "$err" '*the user has no key 0123456789abcdef*' 'says so'
want 0 'user set null again' lk user set alice subscription null

# --- session
want 0 'session list' lk session list
like "$out" 'ID  *STATE *
*live *alice *192.0.2.7 *phone *verbs.t' 'shows who is signed in'
want 0 'session list --json' lk session list --json
is "$(json 'len(d), sorted(d[0])')" "(3, ['agent', 'bound', 'client', 'cookie', 'created_at', 'device', 'ended_at', 'expires_at', 'generation', 'id', \
'ip', 'last_used_at', 'sso', 'state', 'user', 'username'])" 'as JSON'
want 0 'session list USER --json' lk session list bob --json
is "$(json '[(s["state"], s["username"], s["device"], s["ip"], s["agent"], s["ended_at"], s["generation"]) for s in d]')" \
    "[('live', 'bob', 'phone', '192.0.2.7', 'verbs.t', None, 1)]" "shows that user's live ones"
bobs=$(json 'd[0]["id"]')
want 0 'session list USER --all --json' lk session list bob --all --json
is "$(json 'sorted(s["state"] for s in d)')" "['disabled', 'live', 'password']" 'and with --all why the others ended'
want 0 'session revoke' lk session revoke "$bobs"
is "$out" "ended session $bobs" 'says so'
want 1 'session revoke again' lk session revoke "$bobs"
like "$err" "*no such session, or it has ended: $bobs" 'has nothing to end'
want 1 'session revoke of nothing' lk session revoke 0123456789abcdef
want 1 'session revoke of no id' lk session revoke 12
login alice 'correct horse' "$(printf 'caf\303\251 \\u001b[2J\302\233x')" >/dev/null
want 0 'session list with a hostile device' lk session list alice
like "$out" "*café ?[2J?x*" 'a terminal gets no escape'
login alice 'correct horse' >/dev/null
want 0 'session revoke --user' lk session revoke --user alice
is "$out" '4 sessions ended' 'ends them all'
want 0 'session revoke --user again' lk session revoke --user alice
is "$out" '0 sessions ended' 'finds none'
want 0 'session list of none' lk session list --json
is "$(json d)" '[]' 'is an empty array'
conf "access_ttl = 1s
throttle_dir = $D"
short=$(login alice 'correct horse' | member access_token)
conf "throttle_dir = $D"
idle=$(login alice 'correct horse' | member access_token)
# Another, which may come seconds later, sweeps what has expired by then.
conf "session_ttl = 1s
throttle_dir = $D"
login alice 'correct horse' >/dev/null
conf "refresh_ttl = 1s
throttle_dir = $D"
sleep 2
want 0 'session list' lk session list alice --json
is "$(json d)" '[]' 'an idle one is not live'
want 0 'session list --all' lk session list alice --json --all
is "$(json '[s["state"] for s in d].count("expired")')" 3 'but expired'
give "$idle"
want 1 'verify --live' lk verify --live
is "$err" 'latchkey: verify: the session has ended' 'no token of it is live'
conf ''
want 0 'session list --all' lk session list alice --json --all
is "$(json '[s["state"] for s in d].count("expired")')" 1 'an end that was given at sign-in stays'

# --- verify
token=$(login alice 'correct horse' | member access_token)
refresh=$(login alice 'correct horse' | member refresh_token)
give "$token
more"
want 0 'verify' lk verify
is "$(json 'sorted(d), d["iss"], d["aud"], d["name"]')" \
    "(['aud', 'exp', 'iat', 'iss', 'jti', 'name', 'sid', 'sub'], 'latchkey', 'latchkey', 'alice')" 'prints the claims'
sid=$(json 'd["sid"]')
give "  $token	$(printf '\r')"
want 0 'verify with space around' lk verify
refused() { # NAME REASON TOKEN [OPTION]
    give "$3"
    want 1 "verify: $1" lk verify ${4:+"$4"}
    is "$out" '' 'prints no claims'
    like "$err" "latchkey: verify: $2" 'but the reason'
    unlike "$err" "*${3:-nothing at all}*" 'and not the token'
}
refused 'nothing' 'no token on standard input' ''
refused 'an empty line' malformed '
'
refused 'a forged one' forged "$(printf '%s' "$token" | sed 's/\.[^.]*$/.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/')"
refused 'a refresh token' foreign "$refresh"
refused 'too long' 'no token*' "$(printf '%03000d' 0)"
conf "issuer = other
throttle_dir = $D"
refused 'another issuer' 'another issuer' "$token"
conf "audience = other
throttle_dir = $D"
refused 'another audience' 'another audience' "$token"
conf ''
refused 'an expired one' expired "$short"
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
    give "$token"
    want 0 'verify under strace' strace -f -o "$TMP/trace" "$LATCHKEY" verify --dir "$D"
    is "$(grep -c 'latchkey\.db\|latchkey\.lock' "$TMP/trace")" 0 'opens no database'
fi
cat >"$TMP/gate" <<'SH'
claims=$(printf '%s\n' "${HTTP_AUTHORIZATION#Bearer }" |
    env -u GATEWAY_INTERFACE "$1" verify) || {
    printf 'Status: 401\r\n\r\n'; exit; }
printf 'Status: 200\r\n\r\n%s' "$claims"
SH
export LATCHKEY_DIR="$D"
like "$(GATEWAY_INTERFACE=CGI/1.1 HTTP_AUTHORIZATION="Bearer $token" sh "$TMP/gate" "$LATCHKEY")" 'Status: 200*"name":"alice"*' \
    "the manual's gate for CGI programs lets in"
like "$(GATEWAY_INTERFACE=CGI/1.1 HTTP_AUTHORIZATION="Bearer x$token" sh "$TMP/gate" "$LATCHKEY" 2>&1)" '*verify: *Status: 401*' 'and keeps out'
unset LATCHKEY_DIR
give "$token"
want 0 'verify --live' lk verify --live
lk session revoke "$sid" >/dev/null
refused 'a live one of an ended session' 'the session has ended' "$token" --live
give "$token"
want 0 'verify without --live still says yes' lk verify
token=$(login alice 'correct horse' | member access_token)
lk user disable alice >/dev/null
refused 'of a disabled user' 'the session has ended' "$token" --live
lk user enable alice >/dev/null

# --- key
want 0 'key list' lk key list
like "$out" 'KID  *CREATED_AT  *NEEDED_UNTIL  *USE
????????  20*Z  -  *signs' 'is a table'
first=$(printf '%s\n' "$out" | awk 'NR == 2 { print $1 }')
token=$(login alice 'correct horse' | member access_token)
want 1 'key retire of the only key' lk key retire "$first"
want 0 'key rotate' lk key rotate
second=${out##* }
like "$out" 'new tokens are signed with key ????????' 'names the new key'
is "$(stat -c %a "$D/latchkey.key")" 600 'the key file stays private'
want 0 'key list --json' lk key list --json
is "$(json '[(k["kid"], k["use"]) for k in d]')" "[('$second', 'signs'), ('$first', 'verifies')]" 'the newest signs'
unlike "$out" "*$(cut -d' ' -f3 <"$D/latchkey.key" | head -n 1)*" 'no key is shown'
give "$token"
want 0 'a token of the old key' lk verify
new=$(login alice 'correct horse' | member access_token)
like "$(printf '%s' "$new" | cut -d. -f1 | tr '_-' '/+' | base64 -d 2>/dev/null)" "*\"kid\":\"$second\"*" 'new tokens have the new kid'
want 0 'key export' lk key export
is "$(json 'sorted(d.items())[:1], d["kty"], d["use"], d["kid"], len(d["k"])')" "([('alg', 'HS256')], 'oct', 'sig', '$second', 43)" \
    'is a JWK of the newest'
cat >"$TMP/forge.py" <<'PY'
import base64, hashlib, hmac, json, sys
jwk, token = json.loads(sys.argv[1]), sys.argv[2]
key = base64.urlsafe_b64decode(jwk["k"] + "=")
text, mac = token.rsplit(".", 1)
want = base64.urlsafe_b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).rstrip(b"=").decode()
print("verified" if mac == want else "no")
PY
is "$(python3 "$TMP/forge.py" "$out" "$new")" verified 'an access token verifies with it'
cat >"$TMP/sign.py" <<'PY'
import base64, hashlib, hmac, json, sys, time
def b64(b): return base64.urlsafe_b64encode(b).rstrip(b"=").decode()
key = base64.urlsafe_b64decode(json.loads(sys.argv[1])["k"] + "=")
head, body, mac = sys.argv[2].split(".")
claims = json.loads(base64.urlsafe_b64decode(body + "=="))
claims["iat"] += int(sys.argv[3])
claims["exp"] += int(sys.argv[3])
text = head + "." + b64(json.dumps(claims, separators=(",", ":")).encode())
print(text + "." + b64(hmac.new(key, text.encode(), hashlib.sha256).digest()))
PY
later=$(python3 "$TMP/sign.py" "$out" "$new" 1000)
soon=$(python3 "$TMP/sign.py" "$out" "$new" 60)
refused 'a token from the future' 'issued in the future' "$later"
give "$soon"
want 0 'who has the exported key can make tokens' lk verify
want 0 'key export KID --use refresh' lk key export "$first" --use refresh
isnt "$(python3 "$TMP/forge.py" "$out" "$token")" verified 'the refresh key is another'
is "$(json 'd["kid"]')" "$first" 'of that kid'
want 1 'key export of no key' lk key export 00000000
want 1 'key retire of no key' lk key retire 00000000
want 0 'key retire' lk key retire "$first"
refused 'a token of a retired key' foreign "$token"
hex=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
give "$hex
"
want 0 'key import' lk key import
is "${out##* }" "$(printf '%s' "$hex" | python3 -c 'import hashlib, sys; print(hashlib.sha256(bytes.fromhex(sys.stdin.read())).hexdigest()[:8])')" \
    'the kid is a hash of the key: two hosts agree on it'
unlike "$out$err" "*$hex*" 'the key is not shown'
give "$hex"
want 1 'key import twice' lk key import
like "$err" '*this key is there already' 'is refused'
for key in "${hex}0" "${hex%?}" "${hex%?}g" "$hex$hex" ''; do
    give "$key"
    want 1 'key import of no key' lk key import
    unlike "$err" "*${key:-no key at all}*" 'is not shown'
done
for _ in 3 4 5 6 7 8; do lk key rotate >/dev/null; done
want 1 'a ninth key' lk key rotate
like "$err" '*there are 8 keys, and none can go yet: see needed_until in latchkey key list, or retire one' 'is refused'
want 1 'a ninth one that is staged' lk key stage
# older SECONDS KID...: those keys are so much older. A kid is compared as text: 1e500000 and 2e400000 are one number.
older() {
    seconds=$1
    shift
    for kid; do
        awk -v kid="$kid" -v seconds="$seconds" '$1 "" == kid { $2 -= seconds } 1' "$D/latchkey.key" >"$TMP/key"
        cat "$TMP/key" >"$D/latchkey.key"
    done
}
kids() { lk key list --json | python3 -c 'import json, sys; print(*[k["kid"] for k in json.load(sys.stdin)])'; }
# shellcheck disable=SC2046  # words
set -- $(kids)
older $((40 * 86400)) "$4" "$5" "$6" "$7" "$8"
older $((31 * 86400 - 7200)) "$3"
want 0 'keys that can go' lk key list --json
is "$(json '[k["needed_until"] and k["needed_until"] - d[max(i - 1, 0)]["created_at"] for i, k in enumerate(d)]')" \
    "[None, $(echo 2678400 2678400 2678400 2678400 2678400 2678400 2678400 | sed 's/ /, /g')]" 'a day and refresh_ttl after they signed last'
cp "$D/latchkey.key" "$TMP/key.8"
want 0 'a rotation by the calendar' lk key rotate
is "$(printf '%s\n' "$out" | head -n 4)" "forgot key $8
forgot key $7
forgot key $6
forgot key $5" 'names those that go'
is "$(kids)" "${out##* } $1 $2 $3 $4" 'no other goes: of the next one a token may be two hours old'
cat "$TMP/key.8" >"$D/latchkey.key"
want 0 'key retire --old' lk key retire --old
is "$(printf '%s\n' "$out" | wc -l) $(kids)" "4 $1 $2 $3 $4" 'forgets the same ones'
want 0 'key retire --old again' lk key retire --old
is "$out" 'no key can go yet' 'finds none'
want 0 'key stage' lk key stage
staged=$(kids)
want 0 'key retire --old of a ring with a staged key' lk key retire --old
is "$out $(kids)" "no key can go yet $staged" 'lets that stay'
cat "$TMP/key.8" >"$D/latchkey.key"
# Of a clock that is behind what was written, the kernel has the last word.
SHIM=$LK_BUILD/tests/shim
if [ "$LK_B" != pg ] && [ -x "$SHIM" ]; then
    cp -r "$D" "$TMP/late"
    python3 -c 'import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.execute("UPDATE audit SET time = time + 4000000000"); d.commit()' "$TMP/late/latchkey.db"
    want 0 'key retire --old by a clock that is behind' env LK_SHIM=unconfirmed "$SHIM" key retire --old --dir "$TMP/late"
    is "$out" 'no key can go yet' 'forgets none'
    want 0 'where the kernel vouches for that clock' env LK_SHIM=confirmed "$SHIM" key retire --old --dir "$TMP/late"
    is "$(printf '%s\n' "$out" | wc -l)" 4 'forgets those that can go'
fi
lk key retire --old >/dev/null

# Two years of a rotation each month: what was signed in the month before is always good, and there is always room.
D=$TMP/years
lk_init "$D"
conf ''
printf 'correct horse\n' | lk user add alice >/dev/null
wrong='' most=0
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24; do
    signer=$(kids | cut -d' ' -f1)
    # shellcheck disable=SC2046  # words
    older $((30 * 86400)) $(kids)
    lk key rotate >/dev/null || wrong="$wrong refused"
    case " $(kids) " in *" $signer "*) ;; *) wrong="$wrong forgotten" ;; esac
    [ "$(kids | wc -w)" -le "$most" ] || most=$(kids | wc -w)
done
is "$wrong, $most" ', 3' 'a rotation each month never fails, and three keys are the most'
D=$TMP/data

# --- a key that is known before it signs
signer=$1
token=$(login alice 'correct horse' | member access_token)
want 0 'key stage' lk key stage
staged=${out##* }
is "$out" "to sign with it, once who verifies has it: latchkey key use $staged" 'says how it goes on'
want 0 'key list --json' lk key list --json
is "$(json '[(k["kid"], k["use"], k["needed_until"]) for k in d][:2]')" "[('$signer', 'signs', None), ('$staged', 'staged', None)]" 'it is there'
want 0 'key export --all' lk key export --all
set_of_keys=$out
is "$(json 'list(d), [k["kid"] for k in d["keys"]][:2], len(d["keys"])')" "(['keys'], ['$signer', '$staged'], 5)" 'is the JWK set of all'
kid_of() { printf '%s' "$1" | cut -d. -f1 | tr '_-' '/+' | base64 -d 2>/dev/null | sed 's/.*"kid":"\([^"]*\)".*/\1/'; }
is "$(kid_of "$(login alice 'correct horse' | member access_token)")" "$signer" 'it does not sign'
want 1 'key retire of the key that signs' lk key retire "$signer"
like "$err" '*it signs; use another first' 'is refused'
want 0 'key use' lk key use "$staged"
is "$out" "new tokens are signed with key $staged" 'says so'
new=$(login alice 'correct horse' | member access_token)
is "$(kid_of "$new")" "$staged" 'it signs'
is "$(python3 "$TMP/forge.py" "$(printf '%s' "$set_of_keys" | python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin)["keys"][1]))')" "$new")" \
    verified 'who was given the set before accepts it'
give "$token"
want 0 'so does latchkey what the other signed' lk verify
want 0 'key use of what signs' lk key use "$staged"
want 1 'key use of no key' lk key use 00000000
want 0 'key list' lk key list --json
is "$(json '[(k["kid"], k["use"]) for k in d][:2]')" "[('$staged', 'signs'), ('$signer', 'verifies')]" 'the other verifies'
want 0 'audit of it' lk audit --json
is "$(json '[e["event"] for e in d if e["event"].startswith("key_")][-2:]')" "['key_added', 'key_used']" 'tells both'
for _ in 6 7 8; do lk key rotate >/dev/null; done

# --- audit
conf "session_ttl = 1h
throttle_dir = $D"
bobs=$(login bob 'battery staple' | member access_token)
conf ''
give "$bobs"
want 0 'verify --live of a session that has its end before it' lk verify --live
want 0 'audit' lk audit
like "$out" 'TIME *EVENT *
*user_added *alice *' 'is a table'
want 0 'audit --json' lk audit --json
is "$(json 'sorted(d[0])')" "['class', 'client', 'count', 'distance', 'event', 'ip', 'session', 'time', 'user', 'username']" 'and JSON'
is "$(json 'd == sorted(d, key=lambda e: e["time"])')" True 'the oldest first'
for event in user_added password_changed user_disabled user_enabled revoke key_added key_retired login login_failed; do
    is "$(json "any(e['event'] == '$event' for e in d)")" True "has $event"
done
is "$(json "[e['username'] for e in d if e['event'] == 'password_changed']")" "['', 'bob']" 'whose password'
all=$(json 'len(d)')
want 0 'audit --since an hour ago' lk audit --since 1h --json
is "$(json 'len(d)')" "$all" 'has all of this test'
want 0 'so does the table, below its heading' lk audit --since 1h
is "$(printf '%s\n' "$out" | head -n 1 | cut -c 1-4) $(printf '%s\n' "$out" | wc -l)" "TIME $(lk audit | wc -l)" 'with a row for each'
want 0 'audit --since the future' lk audit --since 99999999999 --json
is "$(json d)" '[]' 'has nothing'
want 0 'audit --since 0' lk audit --since=0 --json
is "$(json 'len(d)')" "$all" 'has all'
want 0 'user delete' lk user delete bob
is "$out" 'deleted user bob' 'says so'
refused 'a live one of a deleted user' 'the session has ended' "$bobs" --live
want 0 'audit' lk audit --json
is "$(json "d[-1]['event'], d[-1]['username'], len(d[-1]['user'])")" "('user_deleted', '', 16)" 'the trail stays'
"$LATCHKEY" init --dir "$TMP/empty" >/dev/null
for verb in 'user list' 'session list' audit; do
    # shellcheck disable=SC2086  # words
    want 0 "$verb of nothing" "$LATCHKEY" $verb --dir "$TMP/empty"
    is "$(printf '%s\n' "$out" | wc -l)" 1 'is a heading'
done
start quiet "$LATCHKEY" audit --follow --dir "$TMP/empty"
start follow "$LATCHKEY" audit --follow --dir "$D"
start lines "$LATCHKEY" audit --follow --json --since 0 --dir "$D"
# shellcheck disable=SC2016  # for the inner shell
start left sh -c '{ "$1" audit --follow --dir "$2"; echo "$?" >"$3"; } | head -n 1' - "$LATCHKEY" "$D" "$TMP/left.code"
# Until FILE has LINES.
has_lines() { [ "0$(grep -sc "" "$TMP/$1")" -ge "$2" ]; }
until_lines() { eventually has_lines "$@"; }
until_lines follow.log 11
until_lines lines.log $((all + 1))
until_lines left.log 1
until_lines quiet.log 1
lk user disable alice >/dev/null
until_lines follow.log 12
until_lines lines.log $((all + 2))
until_lines left.code 1
is "$(tail -n 1 "$TMP/follow.log" | awk '{ print $2, $4 }')" 'user_disabled alice' '--follow shows what happens'
is "$(wc -l <"$TMP/follow.log")" 12 'behind the heading and ten rows'
is "$(python3 -c 'import json, sys; print([json.loads(l)["event"] for l in sys.stdin][-1])' <"$TMP/lines.log")" user_disabled \
    '--follow --json is an object a line'
is "$(wc -l <"$TMP/lines.log")" $((all + 2)) '--since 0 begins at the beginning'
is "$(wc -l <"$TMP/quiet.log")" 1 'an empty trail has a heading'
is "$(cat "$TMP/left.code" "$TMP/left.log" | tr -s ' ' | head -c 12)" "111
TIME EVE" 'who follows ends when nobody reads any more'
stop quiet
stop follow
stop lines
lk user enable alice >/dev/null
if [ -e /dev/full ]; then
    for verb in 'user list' 'session list' 'key list' audit 'audit --follow' 'audit --follow --json --since 0' config check version help 'key export' \
        stats 'stats --json' 'user export' 'throttle list' 'backup -'; do
        [ "$LK_B$verb" != 'pgbackup -' ] || continue
        # shellcheck disable=SC2086  # words
        "$LATCHKEY" $verb --dir "$D" >/dev/full 2>"$TMP/err"
        code=$?
        [ "$verb" = check ] && code=$((code + 110))
        is "$code $(grep -c 'RO1: cannot write to stdout' "$TMP/err")" '111 1' "$verb: stdout is full, and that is said"
    done
fi

# --- audit elsewhere; from here on another program writes to SQLite's file, or it is looked at
[ "$LK_B" != pg ] || done_testing
conf 'audit = syslog'
before=$(lk audit --json | wc -l)
want 0 'a change with audit = syslog' lk user disable alice
is "$(lk audit --json | wc -l)" "$before" 'adds no row'
[ -S /dev/log ] || like "$err" '*audit: user_disabled user=* session=*' 'but logs a line'
conf 'audit = both'
want 0 'a change with audit = both' lk user enable alice
is "$(lk audit --json | wc -l)" "$((before + 1))" 'adds a row'
[ -S /dev/log ] || like "$err" '*audit: user_enabled*' 'and logs a line'
conf 'audit = off'
want 0 'a change with audit = off' lk user enable alice
is "$err" '' 'logs nothing'
conf 'audit_max = 3'
for _ in $(seq 70); do lk user enable alice >/dev/null; done
is "$(lk audit --json | grep -c event | awk '{ print $1 < 70 }')" 1 'audit_max bounds the table'
conf ''

# --- many
# copy TABLE COUNT [COLUMN]: copies of its newest row, but for id and the text of COLUMN.
copy() {
    python3 -c 'import sqlite3, sys
db, table, count, text = sqlite3.connect(sys.argv[1]), sys.argv[2], int(sys.argv[3]), (sys.argv[4:] or [None])[0]
columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
row = db.execute("SELECT * FROM %s ORDER BY %s DESC" % (table, "created_at" if "created_at" in columns else "id")).fetchone()
base = row[0] if row[0] < 1000000 else 0
for i in range(1, count + 1):
    new = [base + i if c == "id" else f"u{i}" if c == text else v for c, v in zip(columns, row)]
    db.execute("INSERT INTO %s VALUES(%s)" % (table, ",".join("?" * len(new))), new)
db.commit()
db.close()' "$D/latchkey.db" "$@"
}
login alice 'correct horse' >/dev/null
copy user 101 name
want 0 'user list of over a hundred' lk user list --json
is "$(json 'len(d), len(set(u["username"] for u in d))')" '(104, 104)' 'shows each once'
want 0 'user list as a table' lk user list
is "$(printf '%s\n' "$out" | wc -l)" 105 'one heading, a line each'
copy session 110
want 0 'session list of many' lk session list --json
is "$(json 'len(d) > 100, len(d) == len(set(s["id"] for s in d))')" '(True, True)' 'shows each once'
copy audit 250
want 0 'audit of many' lk audit --json
is "$(json 'len(d) > 250')" True 'shows all'

# --- config
conf 'access_ttl = 90s
cors_origins = https://a.example   tauri://localhost'
want 0 'config' lk config
like "$out" 'NAME *VALUE *DEFAULT *MEANING
access_ttl *90s *15m *life of an access token*' 'is a table'
want 0 'config --json' lk config --json
is "$(json '[(o["value"], o["default"]) for o in d if o["name"] in ("access_ttl", "cors_origins")]')" \
    "[('90s', '15m'), ('https://a.example tauri://localhost', '')]" 'and JSON'
conf 'refresh_ttl = 30'
want 111 'a bad conf file' lk config
is "$err" 'latchkey: AD2: latchkey.conf:3: refresh_ttl: must be a number with its unit: 30s 15m 12h 30d, or 0' 'is named by line and option'
want 111 'and stops a change' lk user enable alice
conf ''

# --- check
verdict() { printf '%s\n' "$out" | awk -v what="$1" -v found="${2:-}" '$2 == what && index($0, found) { print $1; exit }'; }
for kid in $(lk key list | awk 'NR > 7 { print $1 }'); do lk key retire "$kid" >/dev/null; done
want 0 'check' lk check
for what in directory file conf key space database journal integrity clock; do is "$(verdict $what)" ok "check: $what"; done
is "$(verdict password)" warn 'cheap passwords are a warning'
want 0 'check --json' lk check --json
is "$(json 'sorted(d[0]), len(d) > 12')" "(['advice', 'found', 'verdict', 'what'], True)" 'is JSON'
chmod 755 "$D"
want 0 'a directory that others can look into' lk check
is "$(verdict directory)" warn 'is a warning'
chmod 777 "$D"
want 1 'a directory that others can write' lk check
is "$(verdict directory)" fail 'is a failure'
chmod 500 "$D"
want 1 'a directory that its owner cannot write' lk check
is "$(verdict directory)" fail 'is a failure'
chmod 700 "$D"
chmod 200 "$D/latchkey.key"
want 1 'a key that its owner cannot read' lk check
is "$(verdict file latchkey.key)" fail 'is a failure'
chmod 640 "$D/latchkey.key"
want 1 'a key that others can read' lk check
is "$(verdict file latchkey.key) $(verdict key)" 'fail fail' 'is a failure'
want 111 'nobody signs with it' lk key list
chmod 600 "$D/latchkey.key"
chmod 644 "$D/latchkey.db"
want 1 'a database that others can read' lk check
is "$(verdict file latchkey.db:)" fail 'is a failure'
chmod 600 "$D/latchkey.db"
mv "$D/latchkey.key" "$D/key"
want 1 'no key file' lk check
is "$(verdict file latchkey.key) $(verdict key)" 'fail fail' 'is a failure'
ln -s key "$D/latchkey.key"
want 0 'a link to a key file' lk check
is "$(verdict file latchkey.key) $(verdict key)" 'ok ok' 'is as good as the file'
mv -f "$D/key" "$D/latchkey.key"
lk key rotate >/dev/null
lk key rotate >/dev/null
want 0 'eight keys' lk check
is "$(verdict key)" warn 'are a warning'
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
    want 0 'a kernel without Landlock' strace -f -o "$TMP/trace" -e trace=landlock_create_ruleset -e inject=landlock_create_ruleset:error=ENOSYS \
        "$LATCHKEY" check --dir "$D"
    is "$(verdict sandbox)" warn 'is a warning'
fi
conf 'x = 1'
want 1 'a bad conf file' lk check
is "$(verdict conf)" fail 'is a failure'
conf "throttle_dir = $TMP/nowhere"
want 1 'a throttle directory that is not there' lk check
is "$(verdict throttle)" fail 'is a failure'
mkdir "$TMP/run"
conf "throttle_dir = $TMP/run"
want 0 'a throttle directory' lk check
is "$(verdict throttle)" ok 'is good'
printf 'password_memory = 1024m\npassword_jobs = 16\n' >"$D/latchkey.conf"
want 0 'a cost that eats all memory' lk check
[ "$(awk '/^MemTotal/ { print $2 }' /proc/meminfo)" -gt 33554432 ] || is "$(verdict password)" warn 'is a warning'
rm "$D/latchkey.conf"
want 0 'the costs of this host' lk check
is "$(verdict password)" ok 'are enough'
conf "backup_made = $TMP/made"
want 1 'a backup that nobody made' lk check
is "$(verdict backup)" fail 'is a failure'
touch -d "@$(date +%s)" "$TMP/made" # by the clock that programs are told
want 0 'one of a moment ago' lk check
is "$(verdict backup)" ok 'is good'
touch -d '73 hours ago' "$TMP/made"
want 0 'one of three days ago' lk check
is "$(verdict backup)" warn 'is a warning'
like "$out" "*warn *backup *$TMP/made, 3 days old*" 'which says how old it is'
conf 'store = postgresql:///latchkey'
want 1 'a store that this program knows nothing of' lk check
is "$(verdict conf)" fail 'is a failure'
conf ''
mkdir "$TMP/kept"
mv "$D/latchkey.db" "$D/latchkey.db-wal" "$TMP/kept"
printf 'not a database' >"$D/latchkey.db"
want 1 'a broken database' lk check
is "$(verdict database)" fail 'is a failure'
want 1 'a broken database, as JSON' lk check --json
is "$(json 'd[-1]["what"]')" database 'is still JSON'
want 111 'nobody can be added' lk user enable alice
rm "$D/latchkey.db"
want 1 'no database' lk check
is "$(verdict file latchkey.db) $(verdict database)" 'fail fail' 'is a failure'
mv "$TMP/kept"/* "$D"
printf 'password_memory = 7m\npassword_passes = 1\n' >"$D/latchkey.conf"
want 0 'enough memory, too few passes' lk check
is "$(verdict password)" warn 'is a warning'
want 0 'check of a new directory' "$LATCHKEY" check --dir "$TMP/empty"
like "$out" '* 1 key, signing with *' 'counts one key'

# --- what only another program can do to a database
sqlite() { # SQL...
    python3 -c 'import sqlite3, sys
for sql in sys.argv[2:]:
    db = sqlite3.connect(sys.argv[1], isolation_level=None)
    db.execute("PRAGMA writable_schema=on")
    db.execute(sql).fetchall()
    db.close()' "$D/latchkey.db" "$@"
}
conf ''
# --- who has what beside the password: as their rows say
ways() { out=$(lk user list --json); json '[[u["factor"], u["passkeys"], u["wallets"]] for u in d if u["username"] == "alice"]'; }
is "$(ways)" '[[False, 0, 0]]' 'nothing beside the password'
want 0 'user set' lk user set alice groups users,staff
want 0 'check' lk check
is "$(verdict factor)" '' 'nobody must have a second factor'
conf 'factor_groups = staff,admins'
want 0 'check' lk check
is "$(verdict factor alice)" warn 'who must have one and has none is named'
like "$out" '*ok *users *with a second factor: 0, passkeys: 0, wallets: 0*' 'and all are counted'
sqlite 'UPDATE user SET profile=(SELECT profile FROM user WHERE name="alice") WHERE name<>"alice"'
want 0 'check' lk check
is "$(printf '%s\n' "$out" | grep '^warn *factor' | tr ',' '\n' | grep -c .)" 9 'eight of many are named'
like "$out" '*, … *' 'and that there are more'
want 0 'user disable' lk user disable alice
sqlite 'UPDATE user SET profile=NULL WHERE name<>"alice"'
want 0 'check' lk check
is "$(verdict factor)" '' 'who is disabled sets none up'
want 0 'user enable' lk user enable alice
sqlite "UPDATE user SET factor=x'00', keys='passkey YQ YQ 0 5 1 Phone
stellar YQ YQ 0 0 1 
passkey Yg YQ 0 5 1 ' WHERE name='alice'"
is "$(ways)" '[[True, 2, 1]]' 'a second factor, two passkeys, a wallet'
want 0 'check' lk check
is "$(verdict factor)" '' 'who has one lacks nothing'
like "$out" '*ok *users *with a second factor: 1, passkeys: 1, wallets: 1*' 'users are counted, not keys'
want 0 'user export' lk user export
unlike "$out" '*passkeys*' 'what is imported elsewhere has nothing of it'
sqlite "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<10000) INSERT INTO user(id,name,password,created_at,disabled)
    SELECT 900000000+i, 'many'||i, 'x', 0, 0 FROM n"
want 0 'check' lk check
like "$out" '*ok *users *the first 10000; with a second factor: 1,*' 'of very many the first are counted'
sqlite "DELETE FROM user WHERE name LIKE 'many%'"
sqlite "UPDATE user SET factor=NULL, keys=NULL, profile=NULL WHERE name='alice'"
conf ''

# --- its database
sqlite 'PRAGMA journal_mode=delete'
want 0 'another journal' lk check
is "$(verdict journal)" warn 'is a warning'
sqlite 'PRAGMA journal_mode=wal'
want 0 'what check advises' lk check
is "$(verdict journal)" ok 'helps'
sqlite "UPDATE sqlite_schema SET sql = replace(sql, '(user)', '(created_at)') WHERE name = 'session_user'"
want 1 'a database that is not sound' lk check
is "$(verdict integrity)" fail 'is a failure'
sqlite "UPDATE sqlite_schema SET sql = replace(sql, '(created_at)', '(user)') WHERE name = 'session_user'" \
    "INSERT INTO audit SELECT max(id) + 1, max(time), 99, 0, 0, '', 99, 0, 0 FROM audit" \
    'UPDATE session SET ended_at = created_at, why = 99 WHERE id = (SELECT max(id) FROM session)'
want 0 'an event of a later version' lk audit --json
is "$(json 'd[-1]["event"], d[-1]["class"]')" "('unknown', 'unknown')" 'is shown as unknown'
want 0 "a session's end of a later version" lk session list --all --json
is "$(json 'd[-1]["state"]')" unknown 'too'

# --- rows that nothing here wrote: each verb that reads them has room for them, and comes to an end
ok 'they are there' sqlite "INSERT INTO user(id,name,password,created_at,disabled) VALUES(987654321, replace(hex(zeroblob(3000)), '00', 'n'), 'p', 1, 0)" \
    "INSERT INTO session(id,user,ctr,rotated_at,created_at,expires_at,ended_at,device,agent,ip) VALUES(987654321, 987654321, -9223372036854775808, 9223372036854775807, 'x', 1e300, 0, replace(hex(zeroblob(3000)), '00', 'd'), zeroblob(3000), replace(hex(zeroblob(3000)), '00', 'i'))" \
    "INSERT INTO audit(id,time,event,user,session,ip) SELECT max(id) + 1, max(time), 1, 987654321, 987654321, replace(hex(zeroblob(3000)), '00', 'i') FROM audit" \
    "INSERT INTO audit(id,time,event,user,session,ip) SELECT max(id) + 1, max(time), -1, 987654321, 0, '' FROM audit"
for line in 'user list' 'user list --json' 'session list --all' 'session list --all --json' 'audit' 'audit --json' 'check'; do
    # shellcheck disable=SC2086  # words
    want 0 "$line of odd rows" lk $line
done
sqlite 'DELETE FROM user WHERE id = 987654321' 'DELETE FROM session WHERE id = 987654321' 'DELETE FROM audit WHERE user = 987654321'

# --- the clock (clockwork.t has the wrong ones)
want 0 'the operator vouches for the clock' lk clock trust
is "$out" 'the clock of this host is believed' 'and is told so'
want 0 'audit' lk audit --json
is "$(json 'd[-1]["event"]')" clock 'the trail has it'
want 0 'check' lk check
is "$(verdict clock)" ok 'and check finds nothing'

# --- a terminal
cat >"$TMP/type.py" <<'PY'
import os, pty, sys, termios, time
# type.py LINES COMMAND...: types each line (separated by |) at a prompt; prints what the terminal showed and the exit code.
# Of a line with a ! what stands before it is run by a shell while the prompt waits.
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
shown = b""
def echo():
    return termios.tcgetattr(fd)[3] & termios.ECHO
def until_prompt():  # or the end: False
    global shown
    while True:
        try:
            part = os.read(fd, 1)
        except OSError:
            return False
        shown += part
        if not part or (shown.endswith(b": ") and not echo()):
            return part != b""
for line in sys.argv[1].split("|"):
    if not until_prompt():
        break
    meanwhile, _, line = line.rpartition("!")
    os.system(meanwhile or ":")
    if line == "^C":
        os.write(fd, b"\x03")
        time.sleep(0.3)
        shown += b"<echo %s>" % (b"on" if echo() else b"off")
    else:
        os.write(fd, line.encode() + b"\n")
until_prompt()
print(shown.decode().replace("\r\n", "/") + str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))
PY
D=$TMP/tty
lk init >/dev/null
conf ''
type() { keys=$1; shift; python3 "$TMP/type.py" "$keys" "$LATCHKEY" "$@" --dir "$D" 2>&1; }
is "$(type 'correct horse|correct horse' user add carol)" 'Password: /Again: /added user carol/0' 'a person is asked twice, without echo'
is "$(type 'correct horse|correct hearse' user add dave)" \
    'Password: /Again: /latchkey: user add: the two are not the same/1' 'and refused where the two differ'
like "$(type 'short' user add dave)" 'Password: /latchkey: user add: The password must*1' 'or too weak'
is "$(type "correct horse|$(printf '%01030d' 0)" user add dave)" \
    'Password: /Again: /latchkey: user add: the two are not the same/1' 'or the second is too long'
is "$(type 'x' user add carol)" 'latchkey: user add: This user name is taken./1' 'nobody types for nothing: a taken name'
is "$(type 'x' user passwd dave)" 'latchkey: user passwd: no such user: dave/1' 'nobody types for nothing: no such user'
is "$(type 'battery staple|battery staple' user passwd carol)" 'Password: /Again: /0 sessions ended/0' 'passwd asks, too'
give 'correct horse'
is "$(type "$LATCHKEY user add erin --dir $D <$TMP/in >$TMP/out!correct horse|correct horse" user add erin)" \
    'Password: /Again: /latchkey: user add: This user name is taken./1' 'a name that is taken while its password is typed'
is "$(type "$LATCHKEY user delete erin --dir $D >$TMP/out!correct horse|correct horse" user passwd erin)" \
    'Password: /Again: /latchkey: user passwd: no such user: erin/1' 'a user who is deleted meanwhile'
is "$(type '^C' user add dave)" 'Password: <echo on>130' 'an interrupt brings the echo back'
like "$(type "$hex" key import)" 'Key: /new tokens are signed with key ????????/0' 'a key is typed without echo'
like "$(type 'x' verify)" 'Token: /latchkey: verify: malformed/1' 'so is a token'

# --- as root, over another's directory
if [ "$(id -u)" -eq 0 ]; then
    count_all
    chmod 711 "$TMP"
    D=$TMP/others
    want 0 'init --owner' "$LATCHKEY" init --owner nobody --dir "$D"
    is "$(stat -c %U "$D" "$D"/* | sort -u)" nobody 'all of it is that owner’s'
    give 'correct horse'
    want 0 'root adds a user' lk user add erin
    lk key rotate >/dev/null
    lk check >/dev/null
    is "$(stat -c %U "$D" "$D"/* | sort -u)" nobody 'and leaves no file of root'
    cp "$LATCHKEY" "$TMP/lk" && chmod 755 "$TMP/lk"
    want 0 'the owner goes on' setpriv --reuid=nobody --regid=nogroup --clear-groups "$TMP/lk" user list --dir "$D"
    like "$out" '*erin*' 'with what root did'
    want 111 'a stranger can’t' setpriv --reuid=1 --regid=1 --clear-groups "$TMP/lk" user list --dir "$D"
    want 1 'init --owner by number, of a directory of root' "$LATCHKEY" init --owner 65534 --dir "$TMP/run"
    like "$err" '*belongs to another; chown it first' 'gives nothing away'
    chown nobody "$TMP/run"
    want 0 'init --owner by number' "$LATCHKEY" init --owner 65534 --dir "$TMP/run"
    is "$(stat -c %U "$TMP/run/latchkey.db")" nobody 'of a directory that was given before'
    want 111 'init --owner by one who may not' setpriv --reuid=nobody --regid=nogroup --clear-groups \
        "$TMP/lk" init --owner root --dir /tmp/latchkey.$$/x
    rm -rf "/tmp/latchkey.$$"
    chmod 755 "$D"
    # qemu-user wants a thread of its own before it begins.
    case $LK_B in cross/*) ;; *)
        want 111 'backup where no process can be had' setpriv --reuid=nobody --regid=nogroup --clear-groups \
            prlimit --nproc=0 "$TMP/lk" backup "$D/copy" --dir "$D"
        like "$err" 'latchkey: backup: Resource temporarily unavailable' 'says so'
        nok 'leaves no file' test -e "$D/copy"
        ;;
    esac
    ln -s nowhere "$TMP/dangling"
    want 1 'init --owner of a link to nothing' "$LATCHKEY" init --owner nobody --dir "$TMP/dangling"
    nok 'makes nothing there' test -e "$TMP/nowhere"
    want 0 'check --repair by its owner' setpriv --reuid=nobody --regid=nogroup --clear-groups "$TMP/lk" check --repair --dir "$D"
    is "$(verdict directory) $(stat -c %a "$D")" 'mended 700' 'mends what is the owner’s to mend'
    chmod 755 "$D"
    chmod 644 "$D/latchkey.key"
    want 1 'check --repair by a stranger' setpriv --reuid=1 --regid=1 --clear-groups "$TMP/lk" check --repair --dir "$D"
    unlike "$out" '*mended*' 'does nothing'
    is "$(stat -c %a "$D" "$D/latchkey.key" | tr '\n' ' ')" '755 644 ' 'and says nothing else'
    chmod 600 "$D/latchkey.key"
    want 1 'check by a stranger' setpriv --reuid=1 --regid=1 --clear-groups "$TMP/lk" check --dir "$D"
    is "$(verdict directory) $(verdict file)" 'fail ' 'names the owner as what is wrong, and nothing that follows from it'
fi

done_testing
