#!/bin/sh
# tap.sh SECONDS PROGRAM...: what prove runs for each test. It ends as PROGRAM does, or after SECONDS.
# - What a failed check says of itself goes to stderr too, since prove keeps the comments in TAP to itself; and to the file LK_FAILED,
#   which make prints last: whoever sees the end of a long run alone needs it there.
# - "Bail out!" becomes a failed check: one file that can't go on is no reason to leave the others.
# - Where nobody watches on a terminal, it says every 15 seconds that it still runs.
# - Descriptor 9, where it is open, takes all that goes to stderr, and prove's own pipe for that stays open (5) and empty: after a byte of a
#   test's stderr, or its end, prove waits for that test's next line, and its other tests wait too.
exec 4>&1
if { true >&9; } 2>/dev/null; then exec 5>&2 2>&9 9>&-; fi
name=$(for word; do name=$word; done; echo "$name")
watch() {
    waited=0
    while sleep 1 2>/dev/null && kill -0 $$ 2>/dev/null; do
        waited=$((waited + 1))
        [ $((waited % 15)) -ne 0 ] || echo "  ... $name: $waited s" >&2
    done
}
watcher=''
[ -t 2 ] || { watch 3>&- 4>&- 5>&- >/dev/null & watcher=$!; }
status=$({ { timeout -k 9 "$@" 3>&- 4>&- 5>&-; echo $? >&3; } | awk -v name="$name" -v failed="${LK_FAILED:-/dev/null}" '
    /^Bail out!/ { sub(/^Bail out! */, ""); $0 = "not ok - it bailed out: " $0 }
    { print; fflush() }
    /^not ok/ { told = 1; tell(name ": " $0); next }
    !/^#/ { told = 0 }
    told { tell($0) }
    function tell(line) { print line >"/dev/stderr"; print line >>failed; fflush() }' >&4; } 3>&1)
[ -z "$watcher" ] || kill "$watcher" 2>/dev/null
exit "$status"
