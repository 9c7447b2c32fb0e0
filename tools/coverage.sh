#!/bin/sh
# coverage.sh BUILD PERCENT: line and branch coverage of each own source, from gcov; fails when
# the branches of all of them together that were taken are under PERCENT.
set -eu
cd "$(dirname "$0")/.."
build=$1 want=$2
for c in *.c base/*.c store/*.c serve/*.c operator/*.c door/*.c; do
    gcov -b -n -o "$build/$(dirname "$c")" "$build/${c%.c}.gcda" 2>/dev/null |
        awk -v file="$c" '
            /^File / { mine = ($0 == "File \x27" file "\x27") }
            mine && /^Lines executed:/    { split($0, a, /[:% ]+/); lines = a[3]; nl = a[5] }
            mine && /^Taken at least once:/ { split($0, a, /[:% ]+/); taken = a[5]; nb = a[7] }
            END { printf "%s %s %s %s %s\n", file, lines + 0, nl + 0, taken + 0, nb + 0 }'
done | awk -v want="$want" '
    $3 > 0 { printf "%-22s %6.1f %% of %4d lines  %6.1f %% of %4d branches\n", $1, $2, $3, $4, $5 }
    { l += $2 * $3; nl += $3; b += $4 * $5; nb += $5 }
    END {
        if (nl == 0) { print "coverage: nothing was measured"; exit 1 }
        printf "%-22s %6.1f %% of %4d lines  %6.1f %% of %4d branches\n", "total", l / nl, nl, nb ? b / nb : 0, nb
        if (b / nb < want) { printf "coverage: under %d %% of branches\n", want; exit 1 }
    }'
