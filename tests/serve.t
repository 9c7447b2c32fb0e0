#!/bin/sh
# The listener of `latchkey serve`: how it starts, what it serves and logs, how it ends, and that
# idle connections can't keep others out for ever.
# needs: curl busybox systemd-socket-activate
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/calls.sh"
. "$(dirname "$0")/smoke.sh"
tmpdir
data "$TMP/data"
LATCHKEY_DIR=$DATA
export LATCHKEY_DIR

# serve NAME ARGUMENT...: started; its address is in $AT once it has said so.
serve() {
    serve_name=$1
    shift
    start "$serve_name" "$LATCHKEY" serve "$@"
    serve_tries=0
    until grep -qs '^latchkey: serving' "$TMP/$serve_name.log" || [ $((serve_tries += 1)) -gt 1200 ]; do sleep 0.05; done
    AT=$(sed -n 's|^latchkey: serving http://\(.*\)/$|\1|p' "$TMP/$serve_name.log")
}
children() { children_of "$1" | wc -w; }
has_children() { [ "$(children "$1")" -eq "$2" ]; }
# until_children PID COUNT
until_children() { eventually has_children "$@" || { diag "$(children "$1") children, not $2"; return 1; }; }

# --- starting, and addresses that it can't take
serve v4 127.0.0.1:0 --demo
like "$AT" '127.0.0.1:[1-9]*' 'says where it is'
call_at() { URL=http://$AT; call "$@"; }
call_at GET /api/auth/health
is "$CODE" 200 'and is there'
serve_exit() { "$LATCHKEY" serve "$@" >"$TMP/out" 2>&1; echo $?; }
is "$(serve_exit "$AT")" 111 "a port that is taken is the system's fault"
like "$(cat "$TMP/out")" "*cannot listen on $AT: *" 'which it says'
for address in nowhere 127.0.0.1 127.0.0.1:65536 127.0.0.1:x 256.0.0.1:80 ::1: : :x '[::1]' '[::1]:x' '[::1:80' '[]:1'; do
    is "$(serve_exit "$address")" 100 "no address: $address"
done
is "$(serve_exit 127.0.0.1:0 more)" 100 'two addresses'
is "$(serve_exit --port 80)" 100 'an option that there is not'
is "$(serve_exit 127.0.0.1:0 --dir "$TMP/nothing")" 111 'no data directory'
like "$(cat "$TMP/out")" '*nothing: No such file or directory; latchkey init makes it*' 'which it says at once, not at the first request'

# --- what it serves
while read -r path code type; do
    call_at GET "$path"
    like "$CODE $(tr -d '\r' <"$TMP/head")" "$code *Content-Type: $type*" "$path is $code, $type"
done <<END
/                    200  text/html
/session.min.js      200  text/javascript
/nothing             404  text/plain
/index.html/         404  text/plain
/../latchkey.db      404  text/plain
/api/auth            404  application/json
/api/auth/nothing    404  application/json
/api/authx           404  text/plain
END
call_at GET /
like "$(cat "$TMP/head")" "*Content-Security-Policy: default-src 'none'; script-src 'self'*" 'the page has a policy of its own'
like "$(cat "$TMP/head")" '*Cross-Origin-Opener-Policy: same-origin*' 'and is nobody else to open'
like "$(cat "$TMP/head")" '*Content-Encoding: gzip*' 'and comes compressed'
ok 'whole' sh -c 'gzip -dc "$1" | cmp - "$2"' - "$TMP/body" "$TOP/www/index.html"
etag=$(tr -d '\r' <"$TMP/head" | sed -n 's/^ETag: //p')
call_at GET / -H "If-None-Match: $etag"
is "$CODE $(wc -c <"$TMP/body")" '304 0' 'and is not sent twice'
for tags in "W/$etag" '*' "\"a\", $etag" "\"a\",W/$etag , \"b\""; do
    call_at GET / -H "If-None-Match: $tags"
    is "$CODE" 304 "nor where its tag comes as $tags"
done
for tags in "W/W/$etag" '"*"' "W$etag" "x, ${etag%?}" "$etag;"; do
    call_at GET / -H "If-None-Match: $tags"
    is "$CODE" 200 "which is not $tags"
done
call_at GET / -H 'If-None-Match: "another"'
is "$CODE" 200 'but where it has changed'
call_at POST /
is "$CODE $(tr -d '\r' <"$TMP/head" | grep '^Allow:')" '405 Allow: GET, HEAD' 'it is only to be read'
is "$(curl -sSI "http://$AT/" | tr -d '\r' | sed -n 's/^Content-Length: //p')" "$(curl -sS "http://$AT/" | wc -c)" \
    'HEAD tells the length of what GET sends'

# --- without the demo
for how in '' '--workers 1'; do
    # shellcheck disable=SC2086  # an option or nothing
    serve plain 127.0.0.1:0 $how
    call_at GET /
    is "$CODE $(tr -d '\r' <"$TMP/head" | grep -i '^Location:')" '303 Location: /api/auth/account' "serve $how: / leads to one's own page"
    for path in /index.html /demo.js /demo.css; do
        call_at GET "$path"
        is "$CODE" 404 "serve $how: $path is the demo's alone"
    done
    call_at GET /session.min.js
    is "$CODE" 200 "serve $how: the client is there"
    call_at POST /
    is "$CODE" 405 "serve $how: nothing is posted to /"
    stop plain
done
AT=$(sed -n 's|^latchkey: serving http://\(.*\)/$|\1|p' "$TMP/v4.log")

# --- what it logs
call_at GET '/api/auth/verify?live=1&secret=hidden' -H 'Authorization: Bearer hidden'
eventually grep 'GET /api/auth/verify' "$TMP/v4.log"
like "$(tail -n 1 "$TMP/v4.log")" '20[0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]Z latchkey: serve: 127.0.0.1 GET /api/auth/verify 401' \
    'a line for each request, with the time'
while read -r line request; do
    lines=$(wc -l <"$TMP/v4.log")
    printf '%b' "$request" | busybox nc "${AT%:*}" "${AT##*:}" >/dev/null
    eventually awk -v n="$lines" 'END { exit NR <= n }' "$TMP/v4.log"
    is "$(tail -n 1 "$TMP/v4.log" | sed 's/.*: serve: 127.0.0.1 //' | tr ' ' _)" "$line" "as sent: $line"
done <<'END'
GET_/_200                GET / HTTP/1.0\r\n\r\n
GET_/metrics_404         GET /metrics?x HTTP/1.0\r\n\r\n
GET_/api/auth_404        GET /api/auth HTTP/1.0\r\n\r\n
GET_/api/auth/_404       GET /api/auth/ HTTP/1.0\r\n\r\n
OPTIONS_*_404            OPTIONS * HTTP/1.0\r\n\r\n
POST_/api/auth/me_405    POST http://a/api/auth/me HTTP/1.0\r\n\r\n
-_/x_404                 BREW /x HTTP/1.0\r\n\r\n
-_-_400                  no HTTP\r\n\r\n
GET_/a/b_400             GET /a/b HTTP/1.0\r\nno header\r\n\r\n
-_-_400                  GET
END
lines=$(wc -l <"$TMP/v4.log")
call_at GET '/?secret=hidden'
eventually awk -v n="$lines" 'END { exit NR <= n }' "$TMP/v4.log"
is "$(grep -c hidden "$TMP/v4.log")" 0 'with neither query nor header'

: >"$TMP/journal.log"
JOURNAL_STREAM=$(stat -c %d:%i "$TMP/journal.log")
export JOURNAL_STREAM
serve journal 127.0.0.1:0
call_at GET /
eventually grep -q 'GET /' "$TMP/journal.log"
like "$(tail -n 1 "$TMP/journal.log")" 'latchkey: serve: *' 'no time where the journal of systemd adds it'
serve other 127.0.0.1:0
call_at GET /
eventually grep -q 'GET /' "$TMP/other.log"
like "$(tail -n 1 "$TMP/other.log")" '20*Z latchkey: serve: *' 'but where the lines go elsewhere'
for wrong in "$(stat -c %d "$TMP/journal.log"):x" "x:1" "0:$(stat -c %i "$TMP/journal.log")"; do
    stop journal
    : >"$TMP/journal.log"
    JOURNAL_STREAM=$wrong serve journal 127.0.0.1:0
    call_at GET /
    eventually grep -q 'GET /' "$TMP/journal.log"
    like "$(tail -n 1 "$TMP/journal.log")" '20*Z latchkey: serve: *' "nor is $wrong its name"
done
unset JOURNAL_STREAM
stop journal
stop other

# --- how it ends: a request that has begun is finished first
for signal in TERM INT; do
    serve "$signal" 127.0.0.1:0
    pid=''
    eval "pid=\$${signal}_pid"
    mkfifo "$TMP/$signal.in"
    busybox nc "${AT%:*}" "${AT##*:}" <"$TMP/$signal.in" >"$TMP/$signal.out" &
    client=$!
    exec 5>"$TMP/$signal.in"
    printf 'GET /api/auth/health HTTP/1.1\r\n' >&5
    until_children "$pid" 1
    kill "-$signal" "$pid"
    # Its listening socket closes with it, so it is the child alone that answers.
    printf 'Host: localhost\r\n\r\n' >&5
    wait "$pid"
    is $? 0 "SIG$signal: ends with 0"
    wait "$client"
    exec 5>&-
    like "$(cat "$TMP/$signal.out")" 'HTTP/1.1 200 OK*"status":"ok"*' 'once the request that had begun is answered'
done

# --- started as root, over another user's directory: every process of it becomes that user, and serves
uid_of() { sed -n 's/^Uid:[[:space:]]*\([0-9]*\)[[:space:]].*/\1/p' "/proc/$1/status"; }
as_owner() { # NAME ARGUMENT...
    owner_name=$1
    shift
    serve "$owner_name" "127.0.0.1:${low:-0}" --dir "$TMP/theirs" "$@"
    owner_pid=''
    eval "owner_pid=\$${owner_name}_pid"
    is "$(uid_of "$owner_pid")" 65534 "serve $* by root: the listener is the directory's owner"
    # shellcheck disable=SC2013  # words
    for child in $(children_of "$owner_pid"); do
        is "$(uid_of "$child")" 65534 "serve $* by root: so is its worker"
    done
    call_at GET /api/auth/health
    is "$CODE" 200 "serve $* by root: a request is answered"
    call_at POST /api/auth/login -H 'Content-Type: application/json' -d "{\"username\":\"demo\",\"password\":\"$PASSWORD\"}"
    is "$CODE" 200 "serve $* by root: a sign-in is answered"
    is "$(grep -v 'latchkey: serv' "$TMP/$owner_name.log")" '' "serve $* by root: nothing goes wrong"
    stop "$owner_name"
}
if [ "$(id -u)" -eq 0 ]; then
    chmod 711 "$TMP"
    data "$TMP/theirs"
    chown -R 65534:65534 "$TMP/theirs"
    count_all
    as_owner forks
    as_owner works --workers 1
    # A port that root alone may take; curl's 7: nobody is there.
    low=1023
    while curl -s -o "$TMP/body" "http://127.0.0.1:$low/"; [ $? -ne 7 ]; do low=$((low - 1)); done
    as_owner low
    low=''
    is "$(find "$TMP/theirs" ! -uid 65534)" '' 'and no file of it is root'"'"'s'
    DATA=$TMP/data
else
    diag 'serve by root over another user'"'"'s directory: left out, this is not root'
fi

# --- systemd gives it its socket
port=$(free_port)
start unit systemd-socket-activate -l "127.0.0.1:$port" -E "LATCHKEY_DIR=$DATA" "$LATCHKEY" serve
wait_port "$port"
AT=127.0.0.1:$port
for turn in first second; do
    call_at GET /api/auth/health
    is "$CODE" 200 "on systemd's socket: the $turn request"
done
stop unit

# --- idle connections: at most 64 children, and each gives up in its time
serve idle 127.0.0.1:0
mkfifo "$TMP/silence"
exec 6<>"$TMP/silence"
n=0
while [ "$n" -lt 80 ]; do
    n=$((n + 1))
    busybox nc "${AT%:*}" "${AT##*:}" <&6 >/dev/null &
    t_pids="$t_pids $!"
done
# Each child is stopped as it comes, so that none has given up before the last one is there, however slowly they come.
stopped_are() { # PID COUNT
    # shellcheck disable=SC2046  # a list
    kill -STOP $(children_of "$1")
    has_children "$@"
}
# shellcheck disable=SC2154  # set by start
ok 'eighty idle connections: sixty-four children' eventually stopped_are "$idle_pid" 64 || diag "$(children "$idle_pid") children"
# shellcheck disable=SC2046  # a list
kill -CONT $(children_of "$idle_pid")
CALL_SECONDS=120
call_at GET /api/auth/health
is "$CODE" 200 'and who comes behind them is served'
ok 'with no child more' test "$(children "$idle_pid")" -le 64
done_testing
