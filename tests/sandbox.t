#!/bin/sh
# "A broken process can do little": when the confinement stands, what it stops from inside a request
# under every face, what of latchkey runs with no other system call than those of jail.c's table, and
# that it runs the same on a kernel without Landlock. TORTURE=1: every test that runs the executable
# is run in both worlds.
# needs: strace python3 curl inetd
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: of Landlock, which qemu-user 7 doesn't know
. "$(dirname "$0")/calls.sh"
. "$(dirname "$0")/smoke.sh"
. "$(dirname "$0")/filter.sh"
tmpdir
chmod 711 "$TMP"
points=0

# --- the tools
# jail OUTPUT OPTION...: jail.c
jail() {
    j_out=$1
    shift
    gcc -static -O1 -Wall -Wextra -Werror "$@" "$TOP/tests/jail.c" -o "$TMP/$j_out"
}
# breakout OUTPUT OPTION...: main.o with another auth_dialect
breakout() {
    b_out=$1
    shift
    musl-gcc -static -no-pie -Os -D_GNU_SOURCE -std=c11 -Wall -Wextra -I"$TOP" "$@" -Wl,-z,muldefs,--gc-sections "$TOP/tests/breakout.c" \
        "$LK_BUILD/main.o" "$LK_BUILD/liblatchkey.a" "$LK_BUILD/libsqlite.a" "$LK_BUILD/libbearssl.a" "$LK_BUILD/libsodium.a" -o "$TMP/$b_out"
}
ok 'a jail' jail jail
ok 'a jail for listeners' jail wide -DLISTENER
ok 'a jail that is latchkey' jail jailed "-DTARGET=\"$LATCHKEY\"" -DLISTENER
ok 'a kernel without Landlock' jail bare "-DTARGET=\"$LATCHKEY\"" -DNO_LANDLOCK=ENOSYS
ok 'a kernel on which it is off' jail off "-DTARGET=\"$LATCHKEY\"" -DNO_LANDLOCK=EOPNOTSUPP
ok 'a latchkey that was taken over' breakout breakout
ok 'and one that confines nothing' breakout free -DFREE
ok 'a socket for stdin' gcc -O1 "$TOP/tests/plug.c" -o "$TMP/plug"

# --- before the first byte of a request: where the calls stand
data "$TMP/stage/data"
PLAIN=''
if [ "$(id -u)" -eq 0 ]; then
    PLAIN='setpriv --reuid=65534 --regid=65534 --clear-groups'
fi
# order FILE: the calls that confine, and the first that reads the request, in the order in which they were made
order() {
    awk '/prlimit64\(.*RLIMIT_CPU/ { print "cpu" } /prlimit64\(.*RLIMIT_DATA/ { print "data" } /prlimit64\(.*RLIMIT_NPROC/ { print "nproc" }
        /PR_SET_DUMPABLE/ { print "dumpable" } /PR_SET_NO_NEW_PRIVS/ { print "privileges" } /landlock_restrict_self/ { print "landlock" }
        (/ (read|recvfrom|readv)\(0,/ || /^(read|recvfrom|readv)\(0,/) && !/MSG_PEEK/ { print "request"; exit }' "$1" | sort | uniq | paste -sd ' ' - &&
        awk '(/^(read|recvfrom|readv)\(0,/ || / (read|recvfrom|readv)\(0,/) { seen = 1 } seen && /landlock_restrict_self/ { print "late" }' "$1"
}
WANT='cpu data dumpable landlock nproc privileges request'
WRAP="strace -f -o $TMP/cgi.trace"
login >/dev/null
WRAP=''
is "$(order "$TMP/cgi.trace")" "$WANT" 'CGI: all of it is in force before a byte is read'
printf 'GET /api/auth/health HTTP/1.1\r\nHost: a\r\n\r\n' |
    LATCHKEY_DIR=$DATA "$TMP/plug" /usr/bin/strace -o "$TMP/http.trace" "$LATCHKEY" >/dev/null
is "$(order "$TMP/http.trace")" "$WANT" 'HTTP: all of it is in force before a byte is read'
sed '/landlock_restrict_self/{h;d}; /^read(0,/{G}' "$TMP/cgi.trace" >"$TMP/late.trace"
isnt "$(order "$TMP/late.trace")" "$WANT" 'control: a byte that is read before is noticed'
points=$((points + 2))

# --- the state of a process that waits for its body
[ -z "$PLAIN" ] || chown -R 65534:65534 "$TMP/stage"
confined() { # PID: what the kernel says of it
    {
        awk '/^NoNewPrivs:/ { print "nnp=" $2 }' "/proc/$1/status"
        awk '/^Max cpu time/ { print "cpu=" $5 } /^Max processes/ { print "nproc=" $4 } /^Max data size/ { print ($4 < 64 * 1024 * 1024 ? "data=bounded" : "data=" $4) }' \
            "/proc/$1/limits"
        # What isn't dumpable belongs to root in /proc.
        stat -c 'proc=%u' "/proc/$1/status"
    } | paste -sd ' ' -
}
WAITS='nnp=1 cpu=30 data=bounded nproc=0 proc=0'
# until_taken: gives the process the first byte of its body, by descriptor 7, and waits until it has taken that: whoever one is,
# one sees it at the pipe. What it waits for next is the rest.
until_taken() {
    printf '{' >&7
    /usr/bin/python3 -c 'if True:
        import array, fcntl, termios, time
        left, end = array.array("i", [1]), time.monotonic() + 60
        while left[0] and time.monotonic() < end:
            fcntl.ioctl(7, termios.FIONREAD, left)
            time.sleep(0.02)'
}
mkfifo "$TMP/fifo"
start waiting env -i GATEWAY_INTERFACE=CGI/1.1 SERVER_PROTOCOL=HTTP/1.1 SCRIPT_NAME=/auth REQUEST_METHOD=POST PATH_INFO=/login \
    CONTENT_TYPE=application/json CONTENT_LENGTH=100 REMOTE_ADDR=192.0.2.1 LATCHKEY_DIR="$DATA" \
    sh -c "exec $PLAIN \"\$1\" <\"\$2\"" sh "$LATCHKEY" "$TMP/fifo"
exec 7>"$TMP/fifo"
until_taken
# shellcheck disable=SC2154  # start sets it
is "$(confined "$waiting_pid")" "$WAITS" 'a process that waits for its body is confined'
exec 7>&-
stop waiting
start sleeping sleep 60
# shellcheck disable=SC2154
isnt "$(confined "$sleeping_pid")" "$WAITS" 'control: another process is not'
stop sleeping
points=$((points + 1))

# --- what a latchkey that was taken over can do
STAGE=$TMP/stage
mkdir "$STAGE/outside"
chmod 755 "$STAGE"
for file in secret long spare; do echo "$file" >"$STAGE/outside/$file"; done
chmod 666 "$STAGE/outside"/*
chmod 777 "$STAGE/outside"
PORT=$(free_port)
cat >"$TMP/victim.py" <<'END'
import socket, sys, time
port = int(sys.argv[1])
tcp = socket.create_server(("127.0.0.1", port))
abstract = socket.socket(socket.AF_UNIX)
abstract.bind(b"\0breakout-%d" % port)
abstract.listen(8)
print("here", flush=True)
time.sleep(600)
END
# shellcheck disable=SC2086  # words
start victim $PLAIN /usr/bin/python3 "$TMP/victim.py" "$PORT"
wait_port "$PORT"
v_tries=0
until grep -qs here "$TMP/victim.log" || [ $((v_tries += 1)) -gt 1200 ]; do sleep 0.05; done
# shellcheck disable=SC2154
VICTIM=$victim_pid
stage_up() { # what an attempt that works has changed is put back
    rm -rf "$STAGE/outside/created" "$STAGE/data/made" "$STAGE/data/linked" "$STAGE/data/fifo"
    [ ! -e "$STAGE/outside/moved" ] || mv "$STAGE/outside/moved" "$STAGE/data/latchkey.conf"
    echo spare >"$STAGE/outside/spare"
    chmod 666 "$STAGE/outside/spare"
}
# tried PROGRAM FACE [ATTEMPT]: its lines
tried() {
    stage_up
    set -- "$1" "$2" "${3-}" STAGE="$STAGE" VICTIM="$VICTIM" PORT="$PORT" BREAKOUT="${3-}" LATCHKEY_DIR="$DATA"
    f_program=$1 f_face=$2
    shift 3
    # shellcheck disable=SC2086  # words
    case $f_face in
    cgi) env -i "$@" GATEWAY_INTERFACE=CGI/1.1 SERVER_PROTOCOL=HTTP/1.1 SCRIPT_NAME=/auth REQUEST_METHOD=GET PATH_INFO=/health \
        REMOTE_ADDR=192.0.2.1 $PLAIN $WRAP "$f_program" </dev/null ;;
    http) printf 'GET /api/auth/health HTTP/1.1\r\nHost: a\r\n\r\n' | env -i "$@" $PLAIN "$TMP/plug" "$f_program" ;;
    serve*)
        f_port=$(free_port)
        start taken env -i "$@" $PLAIN "$f_program" serve "127.0.0.1:$f_port" ${f_face#serve}
        wait_port "$f_port"
        # A worker writes where the listener does, a process of its own to its client.
        curl -s -m 20 --http0.9 "http://127.0.0.1:$f_port/api/auth/health"
        stop taken
        grep -E '^[a-z/_-]+ -?[0-9]+ [0-9]+$' "$TMP/taken.log" ;;
    esac
}
# unlike_wanted: of "name got wanted" those that are not as wanted; those for the unit's filter are left out.
unlike_wanted() { awk '!/^unit\// && $2 != $3 { print $1 "=" $2 }' | paste -sd ' ' -; }
count() { grep -vc '^unit/' "$1"; }

tried "$TMP/free" cgi >"$TMP/free.out"
is "$(awk '$2 != 0 { print $1 "=" $2 }' "$TMP/free.out" | paste -sd ' ' -)" '' 'control: with nothing confined every attempt works'
total=$(count "$TMP/free.out")
ok "there are some ($total)" test "$total" -ge 25
for face in cgi http serve 'serve --workers 1'; do
    tried "$TMP/breakout" "$face" >"$TMP/face.out"
    is "$(count "$TMP/face.out") $(unlike_wanted <"$TMP/face.out")" "$total " "$face: a broken process is refused each of them"
    points=$((points + total))
done
isnt "$(unlike_wanted <"$TMP/free.out")" '' 'control: the comparison sees an attempt that works'

# --- what is the unit's to stop: under the filter the process is gone at the attempt
names=$(sed -n 's/^\(unit[^ ]*\) .*/\1/p' "$TMP/free.out")
killed='' n_names=0
for name in $names connect bind fork; do
    n_names=$((n_names + 1))
    WRAP=$TMP/jail tried "$TMP/breakout" cgi "$name" >"$TMP/out" 2>/dev/null
    status=$?
    case "$status $(cat "$TMP/out")" in '159 ' | "0 $name "[1-9]*) ;; *) killed="$killed $name:$status" ;; esac
done
is "$killed" '' "under the filter so is what Landlock does not know ($n_names)"
points=$((points + n_names))
stop victim

# --- the units let through what is in the table, and the table is all that is used
allowed_calls
"$TMP/jail" -l ers | LC_ALL=C sort >"$TMP/table"
ok "the table has a listener's calls ($(wc -l <"$TMP/table"))" test "$(wc -l <"$TMP/table")" -gt 40
is "$(LC_ALL=C comm -23 "$TMP/table" "$TMP/allowed" | paste -sd ' ' -)" '' "the units' SystemCallFilter lets all of them through"
like "$(LC_ALL=C comm -13 "$TMP/table" "$TMP/allowed" | paste -sd ' ' -)" '*eventfd2*' 'control: the comparison sees what is not in it'

# --- the suite in these worlds
is "$(env -i "$TMP/jail" /bin/sh -c 'cd /' >/dev/null 2>&1; echo $?)" 159 'control: what makes another call is killed'
# world NAME PROGRAM TEST...: those tests with that program as latchkey
world() {
    w_name=$1 w_program=$2
    shift 2
    for test; do
        LATCHKEY=$w_program LK_JAILED=1 env -u TORTURE -u TORTURE_LOG prove --exec 'timeout -k 9 1500' "$TOP/tests/$test" >"$TMP/world.log" 2>&1 </dev/null
        is $? 0 "$w_name: $test" || sed 's/^/# /' "$TMP/world.log"
        points=$((points + $(sed -n 's/^Files=.*Tests=\([0-9]*\),.*/\1/p' "$TMP/world.log")))
    done
}
# Every call of a tour by CGI, with its exit status: a process that is killed behind its answer is seen, too.
tour() {
    data "$TMP/$1"
    WRAP=$2
    signed_in
    t_status=''
    for t_call in 'refresh "$TOKEN" one' 'refresh "$TOKEN" two' login 'with_token "$ACCESS" GET /me' 'with_token "$ACCESS" GET /sessions' \
        'with_token "$ACCESS" GET /audit' 'with_token "$ACCESS" GET /verify' 'ask POST /logout "{\"refresh_token\":\"$TOKEN\"}"' 'ask GET /health ""' \
        'ask POST /nothing x' 'with_token x GET /me'; do
        eval "$t_call" >/dev/null 2>&1
        t_status="$t_status $?"
    done
    t_turn=0
    signed_in
    while [ "$t_turn" -lt 70 ]; do   # over the log's bound, so that it is emptied
        t_turn=$((t_turn + 1))
        TOKEN=$(refresh "$TOKEN" "turn-$t_turn" | member refresh_token)
    done
    WRAP=''
    is "$t_status" ' 0 0 0 0 0 0 0 0 0 0 0' "$1: no call ends with a signal"
    isnt "$TOKEN" '' "$1: seventy refreshes, and the log is emptied"
    points=$((points + 81))
}
tour 'killing filter' "$TMP/jail"
tour 'no Landlock' "$TMP/bare"
tour 'Landlock off' "$TMP/off"
like "$("$TMP/bare" check --dir "$DATA")" '*warn *sandbox *no Landlock here*' 'control: there is none'
data "$TMP/workers"
verb user set demo subscription '{"plan":"pro","status":"active"}' >/dev/null
PORT=$(free_port)
LATCHKEY_DIR=$DATA start workers "$TMP/jailed" serve "127.0.0.1:$PORT" --workers 1
wait_port "$PORT"
story "http://127.0.0.1:$PORT/api/auth" 'killing filter, a worker'
stop workers
is "$(grep -c LI4 "$TMP/workers.log")" 0 'killing filter, a worker: nothing ends with a signal'
PORT=$((PORT + 1))
while t_listening "$PORT"; do PORT=$((PORT + 1)); done
start broken env -i LATCHKEY_DIR="$DATA" BREAKOUT=unit/memfd "$TMP/wide" "$TMP/breakout" serve "127.0.0.1:$PORT"
wait_port "$PORT"
curl -s -m 20 "http://127.0.0.1:$PORT/api/auth/health" >"$TMP/out"
w_tries=0
until grep -q LI4 "$TMP/broken.log" || [ $((w_tries += 1)) -gt 1200 ]; do sleep 0.05; done
like "$(cat "$TMP/broken.log")" '*LI4: a process was ended by signal 31*' 'control: the listener tells of one that does'
stop broken
if [ "${TORTURE-0}" = 1 ]; then
    worlds='smoke.t cgi.t scgi.t inetd.t script.t serve.t sockets.t workers.t verbs.t backup.t crowd.t replay.t docs.t'
else
    worlds='smoke.t'
fi
# shellcheck disable=SC2086  # words
world 'killing filter' "$TMP/jailed" $worlds
# shellcheck disable=SC2086
[ "${TORTURE-0}" != 1 ] || world 'no Landlock' "$TMP/bare" $worlds

promise sandbox "$points" "$t_failed" "unconfined build: all $total attempts work"
done_testing
