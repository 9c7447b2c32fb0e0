#!/bin/sh
# coverage.sh BUILD PERCENT [FILE...]: line and branch coverage of each own source, from gcov, or of those that are named; fails when the
# branches of all of them together that were taken are under PERCENT. A test that includes a source counts for it.
set -eu
cd "$(dirname "$0")/.."
build=$1 want=$2
shift 2
[ $# -gt 0 ] || set -- *.c base/*.c store/*.c serve/*.c operator/*.c door/*.c oauth/*.c
counted() { gcov -t -b -c -o "$build/$(dirname "$1")" "$build/${1%.c}.gcda" 2>/dev/null; }
for c in "$@"; do
    for from in "$c" $(grep -lF "#include \"$c\"" tests/*_test.c); do counted "$from"; done | awk -v file="$c" '
        /^ *-: *0:Source:/ { mine = ($0 ~ (":Source:" file "$")); next }
        !mine { next }
        /^branch/ { there[line, $2]; if ($3 == "taken" && $4 > 0) taken[line, $2]; next }
        /^ *[0-9#=]+\*?: *[0-9]+:/ { split($0, a, ":"); line = a[2] + 0; known[line]; if (a[1] ~ /[0-9]/) run[line] }
        function size(a,  n, k) { for (k in a) n++; return n + 0 }
        END { nl = size(known); nb = size(there); printf "%s %s %s %s %s\n", file, nl ? 100 * size(run) / nl : 0, nl, nb ? 100 * size(taken) / nb : 0, nb }'
done | awk -v want="$want" '
    $3 > 0 { printf "%-22s %6.1f %% of %4d lines  %6.1f %% of %4d branches\n", $1, $2, $3, $4, $5 }
    { l += $2 * $3; nl += $3; b += $4 * $5; nb += $5 }
    END {
        if (nl == 0) { print "coverage: nothing was measured"; exit 1 }
        printf "%-22s %6.1f %% of %4d lines  %6.1f %% of %4d branches\n", "total", l / nl, nl, nb ? b / nb : 0, nb
        if (nb && b / nb < want) { printf "coverage: under %d %% of branches\n", want; exit 1 }
    }'
