#!/bin/sh
# How soon a thief of a refresh token is found (bench/thief.c, by the rotation table itself): a short form of the simulation whose
# table is in docs/security.md. TORTURE=1: as many runs as that has.
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: the same arithmetic
tmpdir
[ "${TORTURE-0}" = 1 ] && RUNS=5000 || RUNS=300

ok "$RUNS thieves of each kind" sh -c '"$1" "$2" >"$3"' - "$TOP/build/bench/thief" "$RUNS" "$TMP/table"
# cell RULE COLUMN: 2 and 5 found elsewhere and in the same network, 3 and 6 the medians, 8 owners signed out; times in minutes.
cell() {
    awk -F '|' -v rule=" $1 " -v at="$(($2 + 1))" '$2 == rule { split($at, w, " "); print w[2] == "h" ? w[1] * 60 : w[1] == "never" ? 99999 : w[1] }' "$TMP/table"
}
HOUR='30 s and 7b with 1 h (a public client)' UNCOUNTED='30 s and 7b with 1 h, not counted'
below() { awk -v a="$2" -v b="$3" 'BEGIN { exit !(a != "" && b != "" && a + 0 < b + 0) }'; }
for rule in 'no grace' '10 s (the app API)' "$HOUR" '30 s and 7b with 24 h'; do
    is "$(cell "$rule" 2)" 100 "$rule: each thief elsewhere is found"
    ok 'mostly before the next refresh' below median "$(cell "$rule" 3)" 15
    is "$(cell "$rule" 5)" 100 'and each in the same network, with the same agent'
done
ok 'with a window of an hour he is found within three refreshes, mostly' below median "$(cell "$HOUR" 6)" 60
ok 'control: where answers in that window are not counted he stays for days' below days 1440 "$(cell "$UNCOUNTED" 6)"
ok 'control: with a grace of ten minutes that counts nothing, elsewhere too' below days 1440 "$(cell '10 min, not counted' 3)"
ok 'the window halves the owners who are signed out' below owners "$(cell "$HOUR" 8)" "$(awk -v n="$(cell '10 s (the app API)' 8)" 'BEGIN { print n * 0.6 }')"

# --- what the documents say is what such a run prints, rule by rule
grep '^| .* % |' "$TMP/table" | cut -d '|' -f 2 >"$TMP/rules"
is "$(sed -n '/^| rule | a thief elsewhere/,/^$/p' "$TOP/docs/security.md" | grep '%' | cut -d '|' -f 2)" "$(cat "$TMP/rules")" 'security.md has each rule'
done_testing
