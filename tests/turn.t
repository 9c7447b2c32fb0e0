#!/bin/sh
# The store's turn is never held while a peer is waited for: what strace sees between taking the turn and giving it back, by each
# face, for each route and each verb; long answers that nobody reads; and forty strangers who send a byte more than they should.
# needs: strace python3
. "$(dirname "$0")/lib.sh"
only_in musl
not_in cross 'strace counts system calls; here they would be qemu'\''s'
. "$(dirname "$0")/calls.sh"
tmpdir
TRACE=$TMP/trace
data "$TMP/data" 'signup = on'
signed_in

# waits FILE: calls on a client's descriptor (0 or 1, and a worker's connections have no blocking calls) while that process has the turn.
waits() {
    awk '
        # with -f each line begins with a process id
        { pid = $1 }
        /flock\([0-9]+, LOCK_EX(\|LOCK_NB)?\) += 0/ { turn[pid] = 1; turns++; match($0, /flock\([0-9]+/); fd[pid] = substr($0, RSTART + 6, RLENGTH - 6) }
        turn[pid] && $0 ~ ("(flock\\(" fd[pid] ", LOCK_UN\\)|close\\(" fd[pid] "\\))") { turn[pid] = 0 }
        turn[pid] && / (read|write|poll|ppoll|shutdown|recvfrom|sendto|sendmsg|recvmsg)\(([01],|\[\{fd=[01],)/ { print }
        END { print "turns " turns + 0 }' "$1"
}
looked_at() { # NAME: of $TRACE
    waits "$TRACE" >"$TMP/waits"
    is "$(grep -v '^turns' "$TMP/waits" | cut -c 1-160)" '' "$1: nobody is waited for with the turn"
}
has_turn() { ok "$1: the turn was taken at all" grep -q '^turns [1-9]' "$TMP/waits"; }
traced() {
    WRAP="$(command -v strace) -f -o $TRACE -e inject=prctl:retval=0:when=1"
    "$@" >"$TMP/answer"
    WRAP=
}

# --- by CGI: each route, answered well and refused
id=$(ask GET /sessions '' HTTP_AUTHORIZATION="Bearer $ACCESS" | member id)
routes() { # COMMAND: says each route to it
    "$@" refresh "$TOKEN" turn
    "$@" refresh "$TOKEN" turn
    "$@" with_token "$ACCESS" GET /me
    "$@" with_token "$ACCESS" GET /sessions
    "$@" with_token "$ACCESS" GET /audit
    "$@" ask GET /verify '' HTTP_AUTHORIZATION="Bearer $ACCESS" QUERY_STRING=live=1
    "$@" ask GET /health ''
    "$@" login
    "$@" ask POST /login '{"username":"demo","password":"wrong"}'
    "$@" ask POST /register '{"username":"turn","password":"correct horse 7"}'
    "$@" ask POST /register '{"username":"turn","password":"correct horse 7"}'
    "$@" with_token "$ACCESS" DELETE "/sessions/0123456789abcdef"
    "$@" with_token "$ACCESS" DELETE /sessions
    "$@" ask POST /password "{\"current_password\":\"$PASSWORD\",\"new_password\":\"$PASSWORD 2\"}" HTTP_AUTHORIZATION="Bearer $ACCESS"
    "$@" with_token "$ACCESS" DELETE "/sessions/$id"
    "$@" with_token "$ACCESS" GET /me
    "$@" ask POST /logout "{\"refresh_token\":\"$TOKEN\"}"
}
look() {
    traced "$@"
    looked_at "CGI $1 $(verdict <"$TMP/answer")"
    has_turn "CGI $1"
}
routes look

# --- the log's bound: who empties the log does so behind its answer
data "$TMP/many"
signed_in
n=0 most=0
while [ $n -lt 60 ]; do
    n=$((n + 1))
    traced refresh "$TOKEN" "many-$n"
    TOKEN=$(member refresh_token <"$TMP/answer")
    waits "$TRACE" | grep -v '^turns' >>"$TMP/many.waits"
    if grep -qE ' (fsync|fdatasync)\(' "$TRACE"; then tidied=$n; fi
    size=$(wc -c <"$DATA/latchkey.db-wal")
    [ "$size" -le "$most" ] || most=$size
done
is "$(cat "$TMP/many.waits")" '' '60 refreshes: nobody is waited for with the turn'
isnt "${tidied-}" '' 'and one of them empties the log'
ok "which stays short ($most bytes)" test "$most" -le 65536

# --- control: a program that keeps its turn until it ends
LATCHKEY=$LK_BUILD/tests/shim
WRAP="$(command -v strace) -E LK_SHIM=keeps_turn -f -o $TRACE -e inject=prctl:retval=0:when=1"
refresh "$TOKEN" control >"$TMP/answer"
WRAP=
waits "$TRACE" >"$TMP/waits"
caught=$(grep -c 'write(1,' "$TMP/waits")
is "$caught" 1 'control: an answer that is written with the turn is found'
LATCHKEY=$TOP/latchkey

# --- by every other face, and by the verbs: turn.py says what counts
data "$TMP/faces" 'signup = on'
mkdir "$TMP/traces"
points=77
seen() { # BINARY WHAT [FOLDER]: lines NAME, turns, what might have waited
    /usr/bin/python3 "$TOP/tests/turn.py" "$1" "$DATA" "$2" ${3+"$3"} >"$TMP/seen" 2>"$TMP/error"
    is "$?" 0 "turn.py $2 comes to its end"
    diag "$(tail -n 3 "$TMP/error")"
}
seen "$LATCHKEY" faces "$TMP/traces"
while IFS="$(printf '\t')" read -r name turns waits; do
    points=$((points + 1))
    is "$waits" none "$name: nobody is waited for with the turn ($turns turns)"
    ok "$name: it was taken" test "$turns" -ge 1
done <"$TMP/seen"
ok "each route and each verb was looked at ($((points - 77)))" test $((points - 77)) -ge 48

# --- who reads a long answer slowly, through a pipe of 4 KiB, keeps nobody from the store
seen "$LATCHKEY" slow
while IFS="$(printf '\t')" read -r name waited rest status; do
    case $name in
    refresh) is "$waited" 200 'meanwhile another client refreshes' ;;
    *) is "$waited $rest $status" 'waited more 0' "$name waits for its reader, who then gets all of it" ;;
    esac
done <"$TMP/seen"

# --- control: the build that keeps its turn, by these faces
LK_SHIM=keeps_turn; export LK_SHIM
seen "$LK_BUILD/tests/shim" control "$TMP/traces"
unset LK_SHIM
others=$(awk -F '\t' '$3 != "none"' "$TMP/seen" | wc -l)
is "$others" 2 'control: by inetd and by serve it is found'

# --- serve: forty strangers send a byte behind their request and stay; an honest client is answered meanwhile
data "$TMP/serve"
strangers() { # BINARY: how many of 10 honest requests weren't answered well while forty strangers stay, and how long the slowest took, ms
    port=$(free_port)
    LATCHKEY_DIR=$DATA start server "$@" serve "127.0.0.1:$port"
    wait_port "$port"
    /usr/bin/python3 - "$port" <<'PY'
import socket, sys, threading, time
port, stop = int(sys.argv[1]), threading.Event()
def stranger():
    while not stop.is_set():
        s = socket.create_connection(("127.0.0.1", port))
        s.sendall(b"GET /api/auth/health HTTP/1.1\r\nHost: x\r\n\r\nX")
        s.settimeout(3)
        try:
            while s.recv(4096):
                pass
            time.sleep(0.9)
        except OSError:
            pass
        s.close()
threads = [threading.Thread(target=stranger, daemon=True) for _ in range(40)]
for t in threads:
    t.start()
time.sleep(0.5)
worst, refused = 0, 0
for _ in range(10):
    begun = time.monotonic()
    s = socket.create_connection(("127.0.0.1", port))
    s.sendall(b"GET /api/auth/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    s.settimeout(120)
    data = b""
    while True:
        piece = s.recv(4096)
        if not piece:
            break
        data += piece
    refused += not data.startswith(b"HTTP/1.1 200")
    worst = max(worst, time.monotonic() - begun)
stop.set()
print(refused, int(worst * 1000))
PY
    stop server
}
strangers "$LATCHKEY" >"$TMP/said"
read -r refused worst <"$TMP/said"
is "$refused" 0 'beside forty strangers an honest client is answered, each time'
diag "the slowest took $worst ms"
LK_SHIM=keeps_turn; export LK_SHIM
strangers "$LK_BUILD/tests/shim" >"$TMP/said"
unset LK_SHIM
read -r refused_control worst_control <"$TMP/said"
ok "control: with the turn kept they shut it out ($refused_control of 10 refused)" test "$refused_control" -gt 0
diag "the slowest took $worst_control ms"
promise turn "$points" "$t_failed" "a build that keeps its turn: $((caught + others)) of 3 found by trace, $refused_control of 10 requests refused"
done_testing
