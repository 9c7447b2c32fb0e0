#!/bin/sh
# latchkey serve --workers: the cases of workers.py on two workers; a socket that systemd holds, and the
# end when nobody comes; the story of smoke.sh and the hostile table run in fronts.t.
# needs: python3 curl systemd-socket-activate
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/calls.sh"
tmpdir
PORT=$(free_port)
data "$TMP/data"
sed -i '/^throttle_dir/d' "$DATA/latchkey.conf"
mkdir "$TMP/throttle"
echo "throttle_dir = $TMP/throttle" >>"$DATA/latchkey.conf"

start serve "$LATCHKEY" serve "127.0.0.1:$PORT" --workers 2 --dir "$DATA"
wait_port "$PORT"
# shellcheck disable=SC2154  # set by start
python3 "$TOP/tests/workers.py" "$LATCHKEY" "$DATA" "$PORT" "$serve_pid" >"$TMP/tap" 2>"$TMP/error"
status=$?
while read -r line; do
    case $line in
    ok*) pass "${line#ok * - }" ;;
    'not ok'*) fail "${line#not ok * - }" ;;
    '#'*) echo "$line" ;;
    esac
done <"$TMP/tap"
is "$status" 0 'workers.py came to its end'
[ "$status" -eq 0 ] || diag "$(tail -n 15 "$TMP/error")" "$(tail -n 15 "$TMP/serve.log")"

gone() { ! runs "$1"; }
free_again() { ! t_listening "$PORT"; }

# --- the end
children=$(children_of "$serve_pid")
kill "$serve_pid"
wait "$serve_pid"
is "$?" 0 'SIGTERM: exit 0'
for pid in $children; do ok 'and no worker is left' eventually gone "$pid"; done

# --- a listener that is killed takes its workers with it: nothing but them would keep the port
start killed "$LATCHKEY" serve "127.0.0.1:$PORT" --workers 2 --dir "$DATA"
wait_port "$PORT"
# shellcheck disable=SC2154
both() { [ "$(children_of "$killed_pid" | wc -w)" -eq 2 ]; }
eventually both
children=$(children_of "$killed_pid")
is "$(echo "$children" | wc -w)" 2 'two workers'
kill -KILL "$killed_pid"
for pid in $children; do ok 'who have lost their listener end' eventually gone "$pid"; done
ok 'and the port is free' free_again

# --- a socket that is handed over, and an end when nobody comes
start held env LATCHKEY_DIR="$DATA" systemd-socket-activate -l "127.0.0.1:$PORT" -E LATCHKEY_DIR="$DATA" \
    "$LATCHKEY" serve --workers 1 --idle 2
wait_port "$PORT"
is "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$PORT/api/auth/health")" 200 'on a socket of systemd'
# shellcheck disable=SC2154
ok 'it ends by itself when idle' eventually gone "$held_pid"

is "$("$LATCHKEY" serve --workers x 2>&1 >/dev/null | cut -d ' ' -f 2)" 'SE1:' 'a number of workers that is none'
done_testing
