#!/bin/sh
# What `make bench-peers` times is a refresh: bench/peers/right.py is shown servers that are wrong, each in one way, and one that is
# right. And what its pages say is what its data are: a row for each that bench/peers/roster.py lists, and the same figures.
# needs: python3
. "$(dirname "$0")/lib.sh"
only_in musl
tmpdir
export PYTHONDONTWRITEBYTECODE=1
RATES=$TOP/bench/data/rates.tsv

/usr/bin/python3 "$TOP/bench/peers/right.py" >"$TMP/right"
is $? 0 'servers with a wrong refresh are found out, and a right one passes'
is "$(grep -c '^ok' "$TMP/right")" 5 'five servers were judged'
grep -v '^ok' "$TMP/right" | while read -r line; do diag "$line"; done

# rows_of FILE: what it lacks and has too much of, beside the roster
rows_of() {
    (cd "$TOP/bench/peers" && /usr/bin/python3 -c 'import roster; print(*(name for name in roster.ROSTER if name not in roster.PROBED), sep="\n")') >"$TMP/roster"
    cut -f 1 "$1" | sed 1d | diff "$TMP/roster" -
}
is "$(rows_of "$RATES")" '' 'bench/data/rates.tsv has the rows of the roster'
sed '/^Go, a row per token/d' "$RATES" >"$TMP/short.tsv"
isnt "$(rows_of "$TMP/short.tsv")" '' 'a row that is missing is noticed'

# said PAGE NAME: whether it has the three rates of that row, in its order
said() {
    figures=$(awk -F '\t' -v name="$2" '$1 == name { print $4 "(, | [|] )" $5 "( and | [|] )" $6 }' "$RATES")
    [ -n "$figures" ] && tr '\n' ' ' <"$1" | grep -qE "$figures"
}
for page in README.md docs/benchmarks.md docs/scaling.md; do
    for name in 'latchkey serve --workers 1' 'nginx, empty 200, one worker'; do
        ok "$page has the figures of $name" said "$TOP/$page" "$name"
    done
done
sed 's/[0-9]/7/g' "$TOP/README.md" >"$TMP/README.md"
nok 'other figures are noticed' said "$TMP/README.md" 'latchkey serve --workers 1'

done_testing
