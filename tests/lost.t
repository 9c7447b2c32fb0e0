#!/bin/sh
# A sign-in, a sign-up, a change of the password and a password by a link whose answer is lost: the process is killed at each of its system calls, and
# the same request comes again with its key (lost.py). The control sends no key.
# needs: python3
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/calls.sh"
only_in musl x86_64 # not cross: its tracer knows the registers of one processor
in_memory
tmpdir

lost() { # [bare]
    /usr/bin/python3 "$TOP/tests/lost.py" "$LK_BUILD/inject" "$LATCHKEY" "$TMP/data" "$@" >"$TMP/swept" 2>&1 || diag "$(tail -n 5 "$TMP/swept")"
    grep '^#' "$TMP/swept"
}
of() { sed -n "s/^$1 \([0-9]*\) \([0-9]*\)$/\\$2/p" "$TMP/swept"; }

lost
points=0 failures=0
for request in sign-in sign-up link change; do
    tried=$(of "$request" 1) wrong=$(of "$request" 2)
    ok "$request: killed at each of its calls ($tried)" test "${tried:-0}" -gt 50
    is "$wrong" 0 "$request: the same request again is answered, and is done once"
    points=$((points + ${tried:-0})) failures=$((failures + ${wrong:-1}))
done

lost bare
caught=0
for request in sign-in sign-up change; do
    wrong=$(of "$request" 2)
    ok "control: $request: without a key a lost answer is seen ($wrong times)" test "${wrong:-0}" -gt 0 && caught=$((caught + 1))
done
promise lost "$points" "$failures" "without a key: a second session, username_taken, invalid_credentials: $caught of 3 seen"
done_testing
