#!/bin/sh
# Every system call of a request fails, or is its last: faults.py says what must hold then. Of
# those that write nothing this takes every third; FAULTS_STEP=1 takes them all, in a minute.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/calls.sh"
tmpdir
# An instrumented build is there for what it sees of the code, and takes ten times as long.
[ "$LK_B" = musl ] || FAULTS_STEP=${FAULTS_STEP-24}
export FAULTS_STEP="${FAULTS_STEP-3}"
data "$TMP/data"
/usr/bin/python3 "$TOP/tests/faults.py" "$LATCHKEY" "$DATA" >"$TMP/swept"
is $? 0 'a sweep to its end'
grep '^#' "$TMP/swept"
for route in refresh login revoke logout; do
    like "$(grep "^$route " "$TMP/swept")" "$route [1-9]* 0" "$route: whatever fails, every promise holds ($(
        sed -n "s/^$route \([0-9]*\).*/\1/p" "$TMP/swept") faults)"
done
done_testing
