#!/bin/sh
# `latchkey serve` on each kind of socket: its own, by TCP and by name, and those that systemd hands over.
# needs: curl busybox systemd-socket-activate
. "$(dirname "$0")/lib.sh"
tmpdir
lk_init "$TMP/data"
LATCHKEY_DIR=$TMP/data
export LATCHKEY_DIR
"${CC:-cc}" -O1 -std=c11 -D_GNU_SOURCE -Wall -Wextra -o "$TMP/handover" "$TOP/tests/handover.c"

OK='{"data":{"status":"ok",*'
SCGI="$(printf 'CONTENT_LENGTH,0,SCGI,1,REQUEST_METHOD,GET,REQUEST_URI,/api/auth/health,')"
by_tcp() { curl -s -m 60 "http://127.0.0.1:$1/api/auth/health"; }
by_name() { curl -s -m 60 --unix-socket "$1" http://localhost/api/auth/health; }
by_scgi() { { printf '%d:' "${#SCGI}" && printf '%s' "$SCGI" | tr , '\0' && printf ,; } | busybox nc -w 60 127.0.0.1 "$1"; }
until_file() { # TEST PATH: for a minute at most
    t_tries=0
    until test "$1" "$2"; do
        t_tries=$((t_tries + 1))
        [ "$t_tries" -lt 1200 ] || return 1
        sleep 0.05
    done
}
# ended NAME: waits for it; its exit status is in STATUS.
ended() {
    eval "t_pid=\$${1}_pid"
    wait "$t_pid"
    STATUS=$?
}
# shellcheck disable=SC2034,SC2154  # `start NAME` sets NAME_pid
named_pid='' long_pid='' pid_pid=''

# --- its own sockets
port=$(free_port)
start own "$LATCHKEY" serve "127.0.0.1:$port"
wait_port "$port"
like "$(by_tcp "$port")" "$OK" 'serve by TCP'
like "$(by_scgi "$port" | tr -d '\r' | tr '\n' ' ')" "Status: 200 OK *$OK" 'the same port by SCGI'
stop own

start named "$LATCHKEY" serve "unix:$TMP/sock"
until_file -S "$TMP/sock"
like "$(by_name "$TMP/sock")" "$OK" 'serve by name'
is "$(stat -c %a "$TMP/sock")" 660 'its group may connect'
"$LATCHKEY" serve "unix:$TMP/sock" >"$TMP/out" 2>&1
is $? 111 'a name that somebody listens on is not taken from him'
like "$(cat "$TMP/out")" "*cannot listen on unix:$TMP/sock: *in use*" 'and that is said'
like "$(by_name "$TMP/sock")" "$OK" 'who goes on'
kill -KILL "$named_pid"
wait "$named_pid" 2>/dev/null
start again "$LATCHKEY" serve "unix:$TMP/sock"
eventually grep -q '^latchkey: serving' "$TMP/again.log"
like "$(by_name "$TMP/sock")" "$OK" 'a name that was left behind is taken over'
stop again
start over "$LATCHKEY" serve --idle 1 "unix:$TMP/sock"
ended over
is "$STATUS" 0 'with --idle it ends by itself'
: >"$TMP/file"
"$LATCHKEY" serve "unix:$TMP/file" >"$TMP/out" 2>&1
is $? 111 'a file is no name that was left behind'
ok 'and stays' test -f "$TMP/file"
"$LATCHKEY" serve "unix:$TMP/no/such" >"$TMP/out" 2>&1
is $? 111 'a name in no directory'
if [ -e /proc/net/if_inet6 ]; then
    start six "$LATCHKEY" serve '[::1]:0'
    until_file -s "$TMP/six.log"
    like "$(curl -s -m 60 -g "$(sed -n 's/^latchkey: serving //p' "$TMP/six.log")api/auth/health")" "$OK" 'serve by IPv6'
    stop six
else
    pass 'a host without IPv6'
fi
for bad in --dir unix: "unix:$(printf '%108s' x | tr ' ' x)" "--idle" "--idle x" "--idle 86401" "--idle -1" "--frob" "1 2"; do
    # shellcheck disable=SC2086  # several words
    "$LATCHKEY" serve $bad >"$TMP/out" 2>&1
    is $? 100 "serve $bad"
done

# --- systemd's sockets
start sd systemd-socket-activate -E ASAN_OPTIONS -l "$port" -l "$TMP/sd" "$LATCHKEY" serve --dir "$TMP/data"
wait_port "$port"
like "$(by_tcp "$port")" "$OK" 'a socket of systemd by TCP'
like "$(by_name "$TMP/sd")" "$OK" 'and one by name beside it'
like "$(by_scgi "$port" | tr -d '\r' | tr '\n' ' ')" "Status: 200 OK *$OK" 'and by SCGI'
stop sd
start sd systemd-socket-activate -E ASAN_OPTIONS -l "$port" -l "$TMP/sd2" "$LATCHKEY" serve --idle 1 --dir "$TMP/data"
wait_port "$port"
by_tcp "$port" >/dev/null
ended sd
is "$STATUS" 0 'it ends when nobody comes'

next=$(free_port)
start holder "$TMP/handover" "$next" "$TMP/held" "$TMP/log" "$LATCHKEY" serve --idle 1
wait_port "$next"
lost=0
for pause in 0 0.2 0.9 0.95 1 1.05 1 0.98 1.02 1.1 1 0.99 1.01 1.5; do
    sleep "$pause"
    case $(by_tcp "$next")$(by_name "$TMP/held") in "${OK%\*}"*"${OK%\*}"*) ;; *) lost=$((lost + 1)) ;; esac
done
is "$lost" 0 'who connects while it ends is answered by the next one'
nothing_runs() { [ "$(grep -c start "$TMP/log")" -eq "$(grep -c exit "$TMP/log")" ]; }
ok 'while nobody asks nothing runs' eventually nothing_runs
is "$(sort -u "$TMP/log" | tr '\n' ' ')" 'exit 0 start ' 'each one ends well'
ok 'and there were several' test "$(grep -c start "$TMP/log")" -gt 2
stop holder

start long "$TMP/handover" "$next" "$TMP/held2" "$TMP/log2" "$LATCHKEY" serve
wait_port "$next"
by_tcp "$next" >/dev/null
child=$(children_of "$long_pid" | tr -d ' ')
# It isn't dumpable, so root alone reads that.
if [ "$(id -u)" -eq 0 ]; then
    is "$(tr '\0' '\n' <"/proc/$child/environ" | grep -c ^LISTEN_)" 3 'what systemd says'
fi
sleep 2
ok 'without --idle it waits for longer than that' runs "$child"
kill "$child"
eventually grep -q exit "$TMP/log2"
is "$(tail -n 1 "$TMP/log2")" 'exit 0' 'SIGTERM ends it'
stop long

other=$((next + 1))
while t_listening "$other"; do other=$((other + 1)); done
trouble() { # HOW
    start "$1" env HANDOVER="$1" "$TMP/handover" "$next" "$TMP/$1" "$TMP/log-$1" "$LATCHKEY" serve "127.0.0.1:$other"
    wait_port "$next"
    by_tcp "$next" >/dev/null &
    until_file -s "$TMP/log-$1"
}
trouble pipe
ended pipe
is "$(tail -n 1 "$TMP/log-pipe")" 'exit 111' 'what is no listening socket is refused'
like "$(cat "$TMP/pipe.log")" '*no listening socket*Accept=yes*fd 3*' 'and what may be the cause is said'
trouble many
ended many
like "$(cat "$TMP/many.log")" '*at most 8 sockets*not 9*' 'so are more sockets than eight'
trouble pid
wait_port "$other"
like "$(by_tcp "$other")" "$OK" 'what was handed to another process is not taken'
kill "$(children_of "$pid_pid" | tr -d ' ')"
stop pid
done_testing
