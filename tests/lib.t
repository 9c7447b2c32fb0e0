#!/bin/sh
# lib.sh signals what it has started, and nobody who got the number of a process that has ended. Whom the first signal misses gets another.
. "$(dirname "$0")/lib.sh"
tmpdir
start other sleep 1000
# shellcheck disable=SC2154  # start sets it
OTHER=$other_pid
export OTHER
# A test whose server has ended and was waited for; its number is another's.
cat >"$TMP/test" <<'END'
. "$TOP/tests/lib.sh"
start server true
wait "$server_pid"
t_started=" $OTHER" server_pid=$OTHER
[ "${HOW-}" != stop ] || stop server
start child sh -c 'trap "trap - TERM" TERM; echo set; while :; do sleep 0.1; done'
eventually grep -q set "$TMP/child.log"
echo "child $child_pid"
[ "${HOW-}" != stop ] || stop child
pass 'it is at its end'
done_testing
END
for HOW in stop end; do
    child=$(cd "$TOP" && HOW=$HOW sh "$TMP/test" 2>&1 | sed -n 's/^child //p')
    ok "$HOW: another's process goes on" runs "$OTHER"
    isnt "$child" '' "$HOW: the test had one of its own"
    ok "$HOW: which has ended" test ! -e "/proc/$child"
done
done_testing
