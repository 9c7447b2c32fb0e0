#!/bin/sh
# Every system call of every request that writes fails, or is its last: faults.py says what must hold
# then. Here some two thousand of these points, with TORTURE=1 all of them, by two workers.
# needs: python3
. "$(dirname "$0")/lib.sh"
only_in musl x86_64 # not cross: its tracer knows the registers of one processor
if [ -w /dev/shm ]; then TMPDIR=/dev/shm tmpdir; else tmpdir; fi
STEP=4 WORKERS=1
[ -z "${TORTURE-}" ] || STEP=1 WORKERS=2

sweep() { # LATCHKEY NAME...: what faults.py prints, of all workers
    s_latchkey=$1 s_pids='' s_worker=0
    shift
    while [ "$s_worker" -lt "$WORKERS" ]; do
        FAULTS_STEP=$STEP FAULTS_PART=$s_worker/$WORKERS /usr/bin/python3 "$TOP/tests/faults.py" "$LK_BUILD/inject" \
            "$s_latchkey" "$TMP/data$s_worker" "$@" >"$TMP/swept$s_worker" 2>&1 &
        s_pids="$s_pids $!" s_worker=$((s_worker + 1))
    done
    t_pids="$t_pids $s_pids"
    for s_pid in $s_pids; do wait "$s_pid" || echo "a worker ended with $?"; done
    cat "$TMP"/swept[0-9]*
}
# of COLUMN PATTERN: the sum of a column, of the scenarios whose name matches
of() { awk -v c="$1" -v p="$2" '!/^#/ && $1 ~ p { n += $c } END { print n + 0 }' "$TMP/all"; }

sweep "$LATCHKEY" >"$TMP/all"
grep -E '^#|Error|worker ended' "$TMP/all"
while read -r pattern name; do
    points=$(of 2 "$pattern") broken=$(of 3 "$pattern")
    ok "$name: points were tried ($points)" test "$points" -gt 50
    is "$broken" 0 "$name: whatever fails, every promise holds"
done <<'END'
^refresh   refresh, each row of the rotation table
^login     sign-in
^register  register
^logout    sign-out
^revoke    revoke
^password  a password's change
^user      user verbs
^session   session verbs
^key       key verbs
END
points=$(of 2 '^[a-hj-z]') broken=$(of 3 '^[a-hj-z]') init=$(of 2 '^init') init_broken=$(of 3 '^init')
ok "two thousand points ($points)" test "$points" -ge 2000
ok "init: points were tried ($init)" test "$init" -gt 50
is "$init_broken" 0 'init: whatever fails, the next one does it'
nok 'every worker went to its end' grep -qE 'Error|worker ended' "$TMP/all"

# The same of a server that stays, whichever of its processes it is.
export FAULTS_WORKERS=1
[ -n "${TORTURE-}" ] || STEP=18
sweep "$LATCHKEY" refresh/5-rotate refresh/9-old refresh/10-ahead login register logout revoke password >"$TMP/all"
unset FAULTS_WORKERS
grep -E '^#|Error|worker ended' "$TMP/all"
tried=$(of 2 '^workers') failed=$(of 3 '^workers')
ok "serve --workers: points were tried ($tried)" test "$tried" -gt 100
is "$failed" 0 'serve --workers: whatever fails, every promise holds'
nok 'every worker of that went to its end' grep -qE 'Error|worker ended' "$TMP/all"

# The control: a build that answers before its COMMIT.
caught='' missed=''
export LK_SHIM=early
for route in login logout revoke; do
    STEP=2 WORKERS=1 sweep "$LK_BUILD/tests/shim" "$route" >"$TMP/all"
    if [ "$(of 3 "$route")" -gt 0 ]; then caught="$caught $route"; else missed="$missed $route"; fi
done
unset LK_SHIM
is "$missed" '' 'a build that answers before its COMMIT is caught in each'
promise fault "$points" "$broken" "an answer before its COMMIT: caught in$caught"
promise fault/workers "$tried" "$failed" 'the same sweep'
promise init "$init" "$init_broken" 'the same sweep'
done_testing
