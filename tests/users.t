#!/bin/sh
# Users that come with a hash of another program, by `user add --hash` and `user import`, and how they sign in; `user
# export`, `user rename`. The hashes are of "correct horse", made by libxcrypt, OpenSSL and the reference Argon2.
# needs: python3
. "$(dirname "$0")/lib.sh"
tmpdir
unset LATCHKEY_DIR

BCRYPT='$2y$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2'
SHA512='$6$saltsalt$hRM5XZ86KXEw9UOmjigeVqFgULtFB2sgpC9lXQDfMib3Zgw7mEiUvBJI2EplzfAqxL5Vvwp2scFtv/uamSo5z0'
SHA256='$5$saltsalt$myjXcpMpE2Ofk7fj9hqyNYSn6lmWG4Mqnjx.KIRRr4/'
APR1='$apr1$saltsalt$EGVZDNN6gOqijy.tv9axG/'
YESCRYPT='$y$j9T$abcdefgh$0123456789012345678901234567890123456789012'
ARGON2='$argon2id$v=19$m=64,t=1,p=4$c2FsdHNhbHRzYWx0c2FsdA$3SA6g+LKC0soHNL1Z3JVGe1gKGIUtjinGwV6VmvUKVs'

# More memory than this directory's configuration asks for.
LARGE='$argon2id$v=19$m=32768,t=1,p=4$c2FsdHNhbHRzYWx0c2FsdA$acdUHSA8Enuol/4BRWJtK0AxOycumHjK1NRXOOc0Qo0'

# want CODE NAME INPUT COMMAND...: its exit code; then $out and $err hold the rest.
want() {
    code=$1 name=$2
    printf '%s' "$3" >"$TMP/in"
    shift 3
    out=$("$@" <"$TMP/in" 2>"$TMP/err")
    got=$?
    err=$(cat "$TMP/err")
    is "$got" "$code" "$name" || diag "$out$err"
}
lk() { "$LATCHKEY" "$@" --dir "$D"; }
cgi() { # PATH BODY
    printf '%s' "$2" | env -i ASAN_OPTIONS="${ASAN_OPTIONS-}" LATCHKEY_DIR="$D" GATEWAY_INTERFACE=CGI/1.1 SERVER_PROTOCOL=HTTP/1.1 \
        REQUEST_METHOD=POST SCRIPT_NAME=/api/auth PATH_INFO="$1" CONTENT_TYPE=application/json CONTENT_LENGTH=${#2} \
        REMOTE_ADDR=192.0.2.7 "$LATCHKEY" | sed '1,/^.\{0,1\}$/d'
}
login() { rm -f "$D/throttle" && cgi /login "{\"username\":\"$1\",\"password\":\"$2\"}"; }
# stored NAME: what is kept of the password.
stored() { lk user export | python3 -c 'import json, sys; print(*[u["hash"] for u in map(json.loads, sys.stdin) if u["username"] == sys.argv[1]])' "$1"; }
names() { lk user list --json | python3 -c 'import json, sys; print(*[u["username"] for u in json.load(sys.stdin)])'; }
fresh() { # DIR: is $D
    D=$1
    lk_init "$D"
    printf 'password_memory = 8k\npassword_passes = 1\nthrottle_dir = %s\n' "$D" >"$D/latchkey.conf"
}
fresh "$TMP/data"

# --- a hash in place of a password: compared as it is, and stored anew at the first sign-in that is right
for kind in bcrypt:"$BCRYPT" sha512:"$SHA512" sha256:"$SHA256" argon2:"$ARGON2" large:"$LARGE"; do
    who=${kind%%:*} hash=${kind#*:}
    want 0 "user add --hash: $who" "$hash
" lk user add "$who" --hash
    is "$(stored "$who")" "$hash" 'is stored as it is'
    like "$(login "$who" 'correct horsf')" '*invalid_credentials*' 'a wrong password'
    is "$(stored "$who")" "$hash" 'changes nothing'
    like "$(login "$who" 'correct horse')" '{"data":*' 'the right one signs in'
    # shellcheck disable=SC2016  # a hash
    like "$(stored "$who")" '$argon2id$v=19$m=8,t=1,p=1$*' 'and is stored anew'
    like "$(login "$who" 'correct horse')" '{"data":*' 'it is the same password'
    like "$(login "$who" 'correct horsf')" '*invalid_credentials*' 'and no other'
done
for kind in yescrypt:"$YESCRYPT" "Apache's MD5:$APR1" 'MD5-crypt:$1$a$b' 'SHA-1:{SHA}x' 'bcrypt with a known fault:$2x$05$a' \
    'bcrypt:$2b$20$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2' 'SHA-512-crypt:$6$rounds=9999999$a$b' \
    'Argon2id:$argon2id$v=19$m=1048576,t=5,p=1$MDEyMzQ1Njc4OWFiY2RlZg$oiA8DKNi+RbHhKOcwXRbQB0TfuwlTv2IYKp06RwJq+E'; do
    want 1 'a hash that no sign-in can compare' "${kind#*:}" lk user add other --hash
    is "$err" "latchkey: user add: no sign-in could compare this hash (${kind%%:*}): latchkey(8) says which it can" 'is refused by name'
done
want 1 'a password as a hash' 'correct horse' lk user add other --hash
is "$err" 'latchkey: user add: this is no password hash of a known kind' 'is refused'
want 1 'no hash' '' lk user add other --hash
want 1 'a name that is taken' "$BCRYPT" lk user add BCRYPT --hash
is "$(names)" 'argon2 bcrypt large sha256 sha512' 'nobody was added'
want 0 'a hash as a password' "$BCRYPT" lk user add other
like "$err" 'latchkey: user add: this was taken as the password itself, and looks like a hash (bcrypt): see --hash' 'is warned of'
like "$(login other "$BCRYPT")" '{"data":*' 'and is one'
want 0 'user passwd --hash' "$SHA512" lk user passwd other --hash
is "$out" '1 sessions ended' 'ends the sessions'
like "$(login other 'correct horse')" '{"data":*' 'is the password from now on'
want 100 'user enable takes no hash' '' lk user enable other --hash

# --- rename
lk user set other subscription '{"plan":"pro"}' >/dev/null
before=$(lk user list --json | python3 -c 'import json, sys; print([u["id"] for u in json.load(sys.stdin) if u["username"] == "other"])')
answer=$(login other 'correct horse')
refresh=$(printf '%s' "$answer" | sed 's/.*"refresh_token":"\([^"]*\)".*/\1/')
want 0 'user rename' '' lk user rename other 'o.ther@example.org'
is "$out" 'the user is now o.ther@example.org' 'says so'
is "$(lk user list --json | python3 -c 'import json, sys; print([u["id"] for u in json.load(sys.stdin) if u["username"] == "o.ther@example.org" and u["subscription"]])')" \
    "$before" 'all else stays'
like "$(cgi /refresh "{\"refresh_token\":\"$refresh\"}")" '*"username":"o.ther@example.org"*' 'the session goes on, under the new name'
like "$(login other 'correct horse')" '*invalid_credentials*' 'the old name is nobody'
want 0 'to another case' '' lk user rename o.ther@example.org O.Ther@example.org
want 1 'to a name that is taken' '' lk user rename o.ther@example.org Bcrypt
like "$err" '*This user name is taken.' 'is refused'
want 1 'to what is no name' '' lk user rename o.ther@example.org 'a b'
like "$err" '*a user name has 1 to*' 'says what a name is'
want 1 'of nobody' '' lk user rename nobody somebody
is "$(names)" 'argon2 bcrypt large O.Ther@example.org sha256 sha512' 'nothing else changed'

# --- import
lk user set argon2 groups admins,family >/dev/null
lk user set argon2 email ann@example.org >/dev/null
lk user set argon2 name 'Zoë' >/dev/null
want 0 'export' '' lk user export
export=$out
is "$(printf '%s\n' "$out" | python3 -c 'import json, sys; print(sorted(json.loads(sys.stdin.readline())))')" \
    "['created_at', 'disabled', 'email', 'groups', 'hash', 'id', 'name', 'subscription', 'username']" 'is an object a line'
fresh "$TMP/second"
want 0 'import of an export' "$export
" lk user import
is "$out" '6 users added' 'says how many'
is "$(lk user export)" "$export" 'is the same users: ids, dates, hashes, subscriptions, groups, e-mail, names'
like "$export" '*"groups":\["admins","family"\],"email":"ann@example.org","name":"Zoë"*' 'which are there'
want 1 'again' "$export
" lk user import
like "$err" 'latchkey: user import: no user was added; line 1: name or id is taken: argon2' 'is refused'
fresh "$TMP/third"
want 0 'import of three forms' "$(printf '\357\273\277# a file of Windows\r\nann:%s\r\n\r\n\nusername,hash\nben,%s\n"cas","%s"\n  {"username":"d\\u0061n","hash":"%s","disabled":true,"more":[1]}  ' \
    "$BCRYPT" "$SHA256" "$ARGON2" "$SHA512")" lk user import
is "$out $(names)" '4 users added ann ben cas dan' 'takes each'
for who in ann ben cas; do like "$(login $who 'correct horse')" '{"data":*' "$who signs in"; done
like "$(login dan 'correct horse')" '*invalid_credentials*' 'a disabled one does not'
is "$(lk audit --json | python3 -c 'import json, sys; print(*[(e["event"], e["count"]) for e in json.load(sys.stdin) if e["event"].startswith("user")])')" \
    "('users_imported', 4)" 'the trail has it once'
# bad LINE MESSAGE: is refused, with its number, and the good line before it isn't taken either.
bad() {
    want 1 "not a user: $1" "eve:$BCRYPT
$1
" lk user import
    is "$err" "latchkey: user import: line 2: $2
latchkey: user import: no user was added" 'is told by its line'
}
unreadable='neither name:hash nor name,hash'
not_json='not a JSON object with a username and a hash, or one of its members is of the wrong kind'
bad fay "$unreadable"
bad fay: "$unreadable"
bad fay, "$unreadable"
bad '"fay"' "$unreadable"
bad "a b,$BCRYPT" "$(lk user rename ann 'a b' 2>&1 | sed 's/.*rename: //')"
bad "fay:$APR1" "no sign-in could compare this hash (Apache's MD5): latchkey(8) says which it can"
bad 'fay,"correct horse"' 'this is no password hash of a known kind'
bad "{\"username\":\"fay\",\"hash\":\"$YESCRYPT\"}" 'no sign-in could compare this hash (yescrypt): latchkey(8) says which it can'
for more in '' ',"id":1' ',"id":"12"' ',"created_at":-1' ',"created_at":"now"' ',"disabled":0' ',"subscription":[]' \
    ',"groups":"a"' ',"groups":[1]' ',"groups":["a,b"]' ',"email":1' ',"name":[]'; do
    case $more in '') line="{\"username\":\"fay\",\"password\":\"$BCRYPT\"}" ;; *) line="{\"username\":\"fay\",\"hash\":\"$BCRYPT\"$more}" ;; esac
    bad "$line" "$not_json"
done
bad "{\"username\":\"fay\",\"hash\":\"$BCRYPT\",\"groups\":[\"a b\"]}" "$(lk user set ann groups 'a b' 2>&1 | sed 's/.*set: //')"
bad '{"username":"fay","hash":1}' "$not_json"
bad '{"hash":"x"}' "$not_json"
bad '{"username":"fay"' "$not_json"
want 1 'several bad lines' 'a
b
' lk user import
is "$(printf '%s\n' "$err" | wc -l)" 3 'are all told'
want 1 'a name twice' "eve:$BCRYPT
EVE:$BCRYPT" lk user import
like "$err" '*line 2: name or id is taken: EVE' 'is refused'
is "$(names)" 'ann ben cas dan' 'and nobody was added by any of them'
want 0 'import of nothing' '' lk user import
is "$out" '0 users added' 'adds nobody'
want 1 'import of too much' '' sh -c 'head -c 16777217 /dev/zero | "$0" user import --dir "$1"' "$LATCHKEY" "$D"
like "$err" '*more than 16 MiB at once' 'says how much is'
out=$("$LATCHKEY" user import --dir "$D" 2>&1 </)
is "$? $out" '111 latchkey: AS1: cannot read standard input: Is a directory' 'what cannot be read'

# --- ten thousand at once, more than fit the arena, and a request beside them
python3 - "$BCRYPT" >"$TMP/many" <<'PY'
import sys
for i in range(10000):
    print(f"user{i}:{sys.argv[1]}")
PY
is "$(lk user import <"$TMP/many")" '10000 users added' 'ten thousand'
is "$(lk user export | wc -l)" 10004 'are exported'
like "$(login user9999 'correct horse')" '{"data":*' 'the last one signs in'
# A pipe that stays open keeps nobody from the store.
mkfifo "$TMP/pipe"
start slow sh -c '"$0" user import --dir "$1" <"$2"' "$LATCHKEY" "$D" "$TMP/pipe"
exec 9>"$TMP/pipe"
printf 'late:%s\n' "$SHA256" >&9
like "$(login ann 'correct horse')" '{"data":*' 'a request goes on while the input is waited for'
exec 9>&-
# shellcheck disable=SC2154  # start sets it
wait "$slow_pid"
like "$(login late 'correct horse')" '{"data":*' 'and the input counts when it ends'

# --- passwords that nobody may choose
fresh "$TMP/fourth"
echo 'signup = on' >>"$D/latchkey.conf"
verdict() { lk check | awk '$2 == "leaked"'; }
is "$(verdict)" '' 'check without a list has nothing to say'
# shellcheck disable=SC2018,SC2019  # as the manual has it, with LC_ALL=C
printf 'Tr0ub4dor&3\ncorrect horse\nCorrect Horse\n' | LC_ALL=C tr A-Z a-z | tr -d '\r' | LC_ALL=C sort -u >"$D/latchkey.leaked"
like "$(verdict)" 'ok *2 passwords that nobody may choose' 'check counts a list'
want 1 'user add' 'Correct horse' lk user add ann
like "$err" '*be neither common nor *' 'is refused what is on it'
want 0 'and not what is not' 'correct horses' lk user add ann
want 1 'user passwd too' 'correct horse' lk user passwd ann
like "$(cgi /register '{"username":"ben","password":"TR0UB4dor&3"}')" '*weak_password*' 'so is a sign-up'
answer=$(login ann 'correct horses')
token=$(printf '%s' "$answer" | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
like "$(cgi /password "{\"access_token\":\"$token\",\"current_password\":\"correct horses\",\"new_password\":\"correct horse\"}")" \
    '*weak_password*' 'and a change'
is "$(cgi /password "{\"access_token\":\"$token\",\"current_password\":\"correct horses\",\"new_password\":\"correct mares\"}")" '' \
    'to another it is done'
printf 'correct mares\n' >"$D/latchkey.leaked"
like "$(login ann 'correct mares')" '{"data":*' 'who has one already can sign in'
printf 'b\na\n' >"$D/latchkey.leaked"
like "$(verdict)" "fail *latchkey.leaked: line 2 isn't behind the one before it *make it anew: *" 'a list in disorder is found'

done_testing
