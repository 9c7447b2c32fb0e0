#!/bin/sh
# tap.sh SECONDS PROGRAM...: what prove runs for each test. It ends as PROGRAM does, or after SECONDS; what a
# failed check says of itself goes to stderr too, since prove keeps the comments in TAP to itself.
exec 4>&1
status=$({ { timeout -k 9 "$@" 3>&- 4>&-; echo $? >&3; } | awk -v name="$*" '
    { print; fflush() }
    /^not ok/ { told = 1; sub(/.* /, "", name); print name ": " $0 >"/dev/stderr"; next }
    !/^#/ { told = 0 }
    told { print >"/dev/stderr" }' >&4; } 3>&1)
exit "$status"
