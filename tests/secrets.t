#!/bin/sh
# "No secret leaks": the whole story of smoke.sh under a listener and as CGI, the verbs that take secrets, and
# requests that carry secrets to where they don't belong; among them what clients of OAuth have. Then everything that was logged, every argument and
# environment, every error's body and head and every byte of the data directory but the key file is searched for every secret
# that was used. Controls: a leak planted in each place, and a build that logs a password.
# needs: strace python3 curl busybox
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: traces by strace, and links a leaking build for this machine
. "$(dirname "$0")/calls.sh"
. "$(dirname "$0")/smoke.sh"
tmpdir
PASSWORD='correct horse: battery+staple/7'
SECRETS=$TMP/secrets
mkdir "$TMP/logs" "$TMP/starts" "$TMP/errors" "$TMP/answers"
secret() { printf '%s\n' "$1" >>"$SECRETS"; }
find_in() { /usr/bin/python3 "$TOP/tests/secrets.py" find "$SECRETS" "$@"; }
core() { /usr/bin/python3 "$TOP/tests/secrets.py" core "$@"; }

# --- every answer is kept: errors in one folder, the others in another
answers=0
keep() {
    answers=$((answers + 1))
    if [ "$CODE" -ge 400 ]; then cat "$TMP/head" "$TMP/body" >"$TMP/errors/$answers.$CODE"; else cat "$TMP/head" "$TMP/body" >"$TMP/answers/$answers.$CODE"; fi
}
call() { # as in smoke.sh
    s_method=$1 s_path=$2
    shift 2
    : >"$TMP/body"
    CODE=$(curl -sS --path-as-is -m 120 -X "$s_method" -o "$TMP/body" -D "$TMP/head" -w '%{http_code}' "$@" "$URL$s_path")
    keep
}
traced() { # NAME COMMAND...: started; each of its programs' arguments and environment in a file, its log in $TMP/logs
    t_what=$1
    shift
    start "$t_what" strace -D -ff -v -s 100000 -e trace=execve -o "$TMP/starts/$t_what" "$@"
}
typed() { # TEXT VERB...: a verb that takes it from stdin
    t_text=$1
    shift
    printf '%s\n' "$t_text" | strace -f -v -s 100000 -e trace=execve -o "$TMP/starts/verb.$#.$1" "$LATCHKEY" "$@" --dir "$DATA" >>"$TMP/logs/verbs" 2>&1
}

# misplaced: secrets where they don't belong. The tokens are good ones.
misplaced() {
    sign_in stray
    for where in "/login?password=$1" "/refresh?refresh_token=$TOKEN" "/me?access_token=$ACCESS" "/verify?token=$ACCESS"; do
        call GET "$(printf '%s' "$where" | tr ' ' +)"
    done
    for header in "Authorization: Basic $1" "Authorization: Bearer x$ACCESS" "Authorization: $ACCESS" "Authorization: Bearer $TOKEN" "X-Token: $TOKEN" \
        "Cookie: latchkey=$ACCESS; x=$TOKEN" "Cookie: __Secure-latchkey=$ACCESS" "Idempotency-Key: $1" "Origin: $1" "Referer: http://a/?$TOKEN" "User-Agent: $TOKEN" "Content-Type: $1"; do
        call GET /me -H "$header"
        call POST /refresh -H "$header" -d "{\"refresh_token\":\"x$TOKEN\"}"
    done
    for body in "$1" "{\"username\":\"demo\",\"password\":\"$1\"" "{\"username\":\"demo\",\"password\":\"$1\",\"password\":\"$1\"}" "{\"username\":\"demo\",\"password\":[\"$1\"]}" \
        "{\"username\":\"demo\",\"$1\":1}" "{\"refresh_token\":\"$ACCESS\"}" "{\"refresh_token\":[\"$TOKEN\"]}" "{\"refresh_token\":\"$TOKEN$TOKEN$TOKEN$TOKEN$TOKEN\"}" \
        "{\"refresh_token\":\"$TOKEN\",\"idempotency_key\":[\"$1\"]}"; do
        for path in /login /register /refresh /logout /password; do
            call POST "$path" -H 'Content-Type: application/json' -d "$body"
        done
    done
    call POST /login -H 'Content-Type: text/plain' -d "$1"
    bearer "$ACCESS" POST /password -H 'Content-Type: application/json' -d "{\"current_password\":\"$1\",\"new_password\":\"short\"}"
    json /login "{\"username\":\"$1\",\"password\":\"$1\"}"
}

# linked: the operator's link, redeemed and refused. It is a secret, as what is chosen by it is.
linked() { # NAME
    link=$(verb user invite "zelda-$1" --url https://example.org/api/auth 2>>"$TMP/logs/verbs")
    link=${link#*=}
    secret "$link"
    secret "chosen by the link: $1"
    call GET "/password/link?ticket=$link"
    for body in "{\"ticket\":\"x$link\",\"new_password\":\"chosen by the link: $1\"}" "{\"ticket\":[\"$link\"],\"new_password\":\"chosen by the link: $1\"}" \
        "{\"ticket\":\"$link\",\"new_password\":\"short\"}" "{\"ticket\":\"$link\",\"new_password\":\"chosen by the link: $1\"}" \
        "{\"ticket\":\"$link\",\"new_password\":\"another one, of $1\"}"; do
        call POST /password/link -H 'Content-Type: application/json' -d "$body"
        l_codes="${l_codes-}$CODE "
    done
}

# sited: the cookie of a site session, where it belongs and where it doesn't.
sited() { # NAME
    origin=$(printf '%s' "$URL" | cut -d / -f 1-3)
    call POST /signin -H "Origin: $origin" --data-urlencode username=demo --data-urlencode "password=wrong:$1+horse/battery staple"
    call POST /signin -H "Origin: $origin" --data-urlencode username=demo --data-urlencode "password=$PASSWORD"
    site=$(sed -n 's/^Set-Cookie: latchkey-door-[0-9a-f]*=\([^;]*\);.*/\1/p' "$TMP/head")
    like "$site" 'eyJ*.*.*' "$1: a site session"
    secret "$site"
    call GET /verify -H "Cookie: latchkey-door-x=$site"
    is "$CODE" 204 "$1: is good"
    call GET "/verify?token=$site" -H "Cookie: latchkey-door-x=x$site"
    call GET /verify -H "Authorization: Bearer $site"
    call GET /me -H "Cookie: latchkey-door-x=$site"
    call POST /refresh -H 'Content-Type: application/json' -d "{\"refresh_token\":\"$site\"}"
    call POST /account -H "Origin: $origin" -H "Cookie: latchkey-door-x=$site" -d "do=password&password=$site&next=$site"
    typed "$site" verify --live
    call POST /signout -H "Origin: $origin" -H "Cookie: latchkey-door-x=$site"
    call GET /verify -H "Cookie: latchkey-door-x=$site"
    is "$CODE" 401 "$1: until it is signed out"
}

# clients: a client's secret, codes, a device's two codes, and the keys behind them, where they belong and where they don't.
CHALLENGE=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM VERIFIER=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk
clients() { # NAME
    origin=$(printf '%s' "$URL" | cut -d / -f 1-3)
    printf 'issuer = %s\n' "$URL" >>"$DATA/latchkey.conf"
    shown=$(verb client add web https://web.example/cb 2>>"$TMP/logs/verbs" | grep -oE '[0-9a-f]{40}')
    like "$shown" '????????????????????????????????????????' "$1: a client's secret"
    secret "$shown"
    verb client add tv public,device >>"$TMP/logs/verbs" 2>&1
    call POST "/authorize?client_id=web&response_type=code&scope=openid&nonce=n&code_challenge=$CHALLENGE&code_challenge_method=S256" -H "Origin: $origin" \
        --data-urlencode username=demo --data-urlencode "password=$PASSWORD"
    code=$(sed -n 's/^Location: .*[?&]code=\([^&]*\).*/\1/p' "$TMP/head" | tr -d '\r')
    like "$code" 'eyJ*.*.*' "$1: a code"
    secret "$code"
    # where they don't belong
    call GET "/me?code=$code&client_secret=$shown"
    call GET "/authorize?client_id=web&response_type=code&client_secret=x&redirect_uri=https://evil.example/?$code"
    call POST "/token?client_secret=$shown&code=$code"
    call POST /refresh -H 'Content-Type: application/json' -d "{\"refresh_token\":\"$code\"}"
    for form in "client_id=web&client_secret=x$shown&grant_type=authorization_code&code=$code" "client_id=$shown&client_secret=web&code=$code&grant_type=refresh_token" \
        "client_id=web&client_secret=$shown&grant_type=$shown" "client_id=web&client_secret=$shown&grant_type=authorization_code&code=x$code&code_verifier=$VERIFIER" \
        "client_id=web&client_secret=$shown&grant_type=authorization_code&code=$code&code_verifier=$VERIFIER$VERIFIER" "client_id=web&client_secret=$shown&client_secret=$shown"; do
        call POST /token -d "$form"
        ok "$1: refused ($CODE)" test "$CODE" -ge 400 -a "$CODE" -lt 500
    done
    call POST /introspect -u "web:$shown" -d "token=$code"
    call GET /userinfo -H "Authorization: Basic $(printf 'web:%s' "$shown" | base64 -w 0)"
    # where they do; by a form, since a web server may keep Authorization for itself
    call POST /token -d "client_id=web&client_secret=$shown&grant_type=authorization_code&code=$code&code_verifier=$VERIFIER"
    is "$CODE" 200 "$1: the code is redeemed"
    token=$(member refresh_token <"$TMP/body")
    call POST /token -d "client_id=web&client_secret=$shown&grant_type=refresh_token&refresh_token=$token"
    call POST /revoke -d "client_id=web&client_secret=$shown&token=x$token"
    call POST /revoke -d "client_id=web&client_secret=$shown&token=$token"
    call POST /token -d "client_id=web&client_secret=$shown&grant_type=refresh_token&refresh_token=$token"
    is "$CODE" 400 "$1: until it is revoked"
    # a device
    call POST /device_authorization -d client_id=tv
    device=$(member device_code <"$TMP/body") typed=$(member user_code <"$TMP/body")
    like "$device $typed" 'eyJ*.*.* ????-????-????' "$1: codes of a device"
    secret "$device"
    secret "$typed"
    secret "$(printf '%s' "$typed" | tr -d -)"
    call POST /token -d "grant_type=$device&client_id=tv"
    call POST /token -d "grant_type=urn:ietf:params:oauth:grant-type:device_code&client_id=tv&device_code=x$device"
    call POST /token -d "grant_type=urn:ietf:params:oauth:grant-type:device_code&client_id=tv&device_code=$device"
    rm -f "$DATA/throttle" # of the wrong tries before, and how many have faded depends on the machine
    call POST /device -H "Origin: $origin" --data-urlencode username=demo --data-urlencode "password=$PASSWORD" -d "code=$typed&do=allow"
    call POST /token -d "grant_type=urn:ietf:params:oauth:grant-type:device_code&client_id=tv&device_code=$device"
    is "$CODE" 200 "$1: the device is signed in"
    # the keys
    key=$(cut -d' ' -f3 "$DATA/latchkey.key" | head -n 1)
    labels=$(sed -n 's/^\t\[DERIVE_.*{ "\(latchkey [a-z0-9 ]*\)".*/\1/p' "$TOP/derive.c" | paste -sd ,)
    /usr/bin/python3 "$TOP/tests/secrets.py" derived "$key" "$labels" >"$TMP/derived"
    is "$(wc -l <"$TMP/derived")" "$(grep -c '^	\[DERIVE_' "$TOP/derive.c")" "$1: a key for each label, by another HKDF"
    cat "$TMP/derived" >>"$SECRETS"
    [ -s "$DATA/latchkey.rsa" ] || fail "$1: there is no RSA key"
    # n is public; then come p, q and what is made of them, 128 bytes each
    for part in 5 4 3 2 1; do
        prime=$(head -n 1 "$DATA/latchkey.rsa" | cut -d' ' -f2 | cut -c $((257 + 256 * part))-$((512 + 256 * part)))
        secret "hex:$prime"
    done
}

face() { # NAME URL
    verb user set demo subscription '{"plan":"pro","status":"active","expires_at":null}' >/dev/null
    story "$2" "$1"
    misplaced "wrong:$1+horse/battery staple"
    linked "$1"
    sited "$1"
    clients "$1"
    cp "$TMP/$1.log" "$TMP/logs/$1"
    cp -r "$DATA" "$TMP/data.$1"
    key=$(cut -d' ' -f3 "$DATA/latchkey.key")
    secret "hex:$key"
    for use in access refresh; do
        secret "hex:$(verb key export --use "$use" | sed 's/.*"k":"\([^"]*\)".*/\1/' | tr '_-' '/+' | sed 's/$/=/' | base64 -d | od -An -tx1 | tr -d ' \n')"
    done
    secret "wrong:$1+horse/battery staple"
}
secret "$PASSWORD"
secret of-this-request

data "$TMP/one" 'access_cookie = on' 'cors_origins = https://app.example'
PORT=$(free_port)
LATCHKEY_DIR=$DATA traced serve "$LATCHKEY" serve "127.0.0.1:$PORT"
wait_port "$PORT"
face serve "http://127.0.0.1:$PORT/api/auth"
typed 'a new horse, for demo' user passwd demo
secret 'a new horse, for demo'
typed 'another horse, for ann' user add ann
secret 'another horse, for ann'
typed 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f key import
secret hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
typed "$ACCESS" verify --live
typed "x$ACCESS" verify
# shellcheck disable=SC2016  # a hash
typed '$6$saltsalt$hRM5XZ86KXEw9UOmjigeVqFgULtFB2sgpC9lXQDfMib3Zgw7mEiUvBJI2EplzfAqxL5Vvwp2scFtv/uamSo5z0' user add hashed --hash
typed '$6$saltsalt$of.a.wrong.length' user add hashed --hash
secret of.a.wrong.length
for words in 'key list' 'key rotate' 'session list --all' 'user list' 'audit --json' check config; do
    # shellcheck disable=SC2086  # words
    typed '' $words
done
rm -rf "$TMP/data.serve"
cp -r "$DATA" "$TMP/data.serve"

data "$TMP/two"
PORT=$((PORT + 1))
while t_listening "$PORT"; do PORT=$((PORT + 1)); done
mkdir -p "$TMP/www/cgi-bin"
cp "$LATCHKEY" "$TMP/www/cgi-bin/latchkey"
LATCHKEY_DIR=$DATA traced cgi busybox httpd -f -p "127.0.0.1:$PORT" -h "$TMP/www"
wait_port "$PORT"
face cgi "http://127.0.0.1:$PORT/cgi-bin/latchkey"
rm "$TMP/data.serve/latchkey.key" "$TMP/data.cgi/latchkey.key" "$TMP/data.serve/latchkey.rsa" "$TMP/data.cgi/latchkey.rsa"

# --- what the answers gave away rightly are secrets from then on
cat "$TMP"/answers/* | tr -d '\r' | grep -aoE 'eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}' | sort -u >>"$SECRETS"
tokens=$(grep -c '^eyJ' "$SECRETS")
ok "tokens were given out ($tokens)" test "$tokens" -ge 20
ok "and requests refused ($(find "$TMP/errors" -type f | wc -l))" test "$(find "$TMP/errors" -type f | wc -l)" -gt 100
is "$(find "$TMP/errors" -name '*.5*' | wc -l)" 0 'none of them by trouble'
is "$l_codes" '401 400 422 200 401 401 400 422 200 401 ' 'links were refused and redeemed'
ok 'programs were started' test "$(cat "$TMP"/starts/* | grep -c execve)" -gt 100

# By CGI a server puts two headers into the environment, as the standard has it (RFC 3875, 4.1.18), and the query: that
# is the server's doing, and latchkey takes them away once they are read. What else is there must be clean.
sed -E -i 's/"(HTTP_[A-Z_]*|QUERY_STRING|REQUEST_URI|CONTENT_TYPE)=[^"]*"/"\1"/g' "$TMP"/starts/cgi.*
points=0
searched() { # NAME PLACE...
    s_name=$1
    shift
    found=$(find_in "$@")
    points=$((points + $(printf '%s\n' "$found" | sed -n 's/^\([0-9]*\) secrets, \([0-9]*\) forms, \([0-9]*\) files.*/\2 * \3/p')))
    is "$(printf '%s\n' "$found" | grep ': secret' | sed "s|$TMP/||" | head -n 5)" '' "$s_name: no secret ($(printf '%s\n' "$found" | tail -n 1))"
}
searched 'logs' "$TMP/logs"
searched 'arguments and environments' "$TMP/starts"
searched 'errors, head and body' "$TMP/errors"
searched 'database, log, locks, throttle table, options' "$TMP/data.serve" "$TMP/data.cgi"
like "$(find_in "$TMP/answers")" '*secret*' 'control: in the answers they are found'

# --- cores
waiting() { # a request that waits for its body
    core env -i GATEWAY_INTERFACE=CGI/1.1 SERVER_PROTOCOL=HTTP/1.1 SCRIPT_NAME=/auth REQUEST_METHOD=POST PATH_INFO=/login \
        CONTENT_TYPE=application/json CONTENT_LENGTH=100 REMOTE_ADDR=192.0.2.1 LATCHKEY_DIR="$DATA" "$LATCHKEY"
}
is "$(waiting)" 'none 3' 'a request leaves no core, whatever the limits are'
is "$(core "$LATCHKEY" user add zoe --dir "$DATA")" 'none 3' 'nor does a verb that was given a password'
PORT=$((PORT + 1))
while t_listening "$PORT"; do PORT=$((PORT + 1)); done
core_at() { /usr/bin/python3 "$TOP/tests/secrets.py" core-at "$PORT" "$@"; }
is "$(core_at "$LATCHKEY" serve "127.0.0.1:$PORT" --workers 1 --dir "$DATA")" 'none 3' 'nor does the listener, which sign-ins go through'
control_at=$(core_at /usr/bin/python3 -c "import socket; socket.create_server(('127.0.0.1', $PORT)).accept(); import time; time.sleep(60)")
control=$(core cat)
[ -n "$(cat /proc/sys/kernel/core_pattern)" ] && [ "$(awk '/^Max core/ { print $6 }' /proc/self/limits)" != 0 ] || control='core 3' control_at='core 3'   # a host that makes none of anything
is "$control $control_at" 'core 3 core 3' 'control: other programs leave one'

# --- planted ones
plant() { # NAME FILE TEXT
    mkdir "$TMP/plant.$1"
    printf 'before %s after\n' "$3" >"$TMP/plant.$1/$2"
    like "$(find_in "$TMP/plant.$1")" "*: secret *" "control: $1 is found"
}
token=$(grep -m 1 '^eyJ' "$SECRETS")
plant 'a password' log "$PASSWORD"
plant 'a password in base64' log "$(printf 'user:%s' "$PASSWORD" | base64 -w 0)"
plant 'a password in a URL' log "correct%20horse%3A%20battery%2Bstaple%2F7"
plant 'a token' environ "HTTP_X=$token"
plant 'the MAC of a token' db "$(printf '%s' "$token" | sed 's/.*\.//')"
plant 'a key' db "$key"
plant "a client's secret" log "$shown"
plant "a client's secret in Basic" environ "Basic $(printf 'web:%s' "$shown" | base64 -w 0)"
plant 'a code' log "https://web.example/cb?code=$code"
plant 'a user code' log "$typed"
plant 'a derived key' db "$(tail -n 1 "$TMP/derived" | cut -c 5-)"
plant 'a prime' db "$prime"
printf '%s' "$key" | sed 's/../\\x&/g' >"$TMP/escaped"
# shellcheck disable=SC2059  # it is the format
mkdir "$TMP/plant.bytes" && /usr/bin/python3 -c 'import sys; sys.stdout.buffer.write(b"page" + bytes.fromhex(sys.argv[1]) + b"page")' "$key" >"$TMP/plant.bytes/db"
like "$(find_in "$TMP/plant.bytes")" '*: secret *' "control: a key's bytes are found"
cat >"$TMP/leak.c" <<'END'
#include "password.h"
struct slice password_hash(struct slice password, struct password_cost cost) { (void)cost; return arena_copy(password); }
enum password_verdict password_check(struct slice stored, struct slice password, struct password_cost cost)
{
	(void)stored, (void)cost;
	log_line("LEAK", "wrong password: ", slice_text(password), NULL);
	return PASSWORD_WRONG;
}
END
ok 'a build that leaks' musl-gcc -static -no-pie -Os -D_GNU_SOURCE -std=c11 -I"$TOP" -Wl,-z,muldefs,--gc-sections "$TMP/leak.c" "$LK_BUILD/main.o" \
    "$LK_BUILD/liblatchkey.a" "$LK_BUILD/libsqlite.a" "$LK_BUILD/libbearssl.a" "$LK_BUILD/libsodium.a" -o "$TMP/leaky"
mkdir "$TMP/leak.logs" "$TMP/leak.data"
LATCHKEY=$TMP/leaky data "$TMP/three"
LATCHKEY=$TMP/leaky login >/dev/null 2>"$TMP/leak.logs/log"
like "$(find_in "$TMP/leak.logs")" '*: secret 1, as it is*' 'control: a build that logs passwords is caught'
cp "$TMP/three/latchkey.db"* "$TMP/leak.data"
like "$(find_in "$TMP/leak.data")" '*: secret 1, as it is*' 'control: so is one that stores them as they are'

promise secrets "$points" "$t_failed" 'leaks planted in each form, a build that logs and stores passwords: all found'
done_testing
