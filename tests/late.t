#!/bin/sh
# A request whose client has gone is not carried out late (late.py): by each face a refresh, a sign-in, a registration, another
# password; a sign-out is. Nor a refresh that the network has kept, and whose client's end it brings a moment after it. And the time that a request waits for its turn lies below the client's patience.
# needs: python3
. "$(dirname "$0")/lib.sh"
only_in musl asan
. "$(dirname "$0")/calls.sh"
tmpdir
data "$TMP/data" 'signup = on'

late() { # BINARY WORDS...: TAP into $TMP/tap
    /usr/bin/python3 "$TOP/tests/late.py" "$1" "$DATA" "$2" >"$TMP/tap" 2>"$TMP/error" || diag "$(tail -n 5 "$TMP/error")"
    tried=$(sed -n 's/^tried //p' "$TMP/tap")
}
late "$LATCHKEY" all
while read -r line; do
    case $line in
    ok*) pass "${line#ok * - }" ;;
    'not ok'*) fail "${line#not ok * - }" ;;
    '#'*) echo "$line" ;;
    esac
done <"$TMP/tap"
isnt "$tried" '' "late.py came to its end, with $tried clients that had gone"
points=$tried

# --- a live client is never the one that is refused: it waits longer than a request does for its turn
turn=$(sed -n 's/.*TURN_SECONDS = \([0-9]*\),.*/\1/p' "$TOP/session.c")
patience=$(sed -n 's/.*[, ]timeout = \([0-9]*\)e3,.*/\1/p' "$TOP/www/session.js")
ok "a request waits $turn s for its turn, session.js $patience s for the answer" test "$turn" -lt "$patience"

# --- control: a build that doesn't look. The broken builds of tests/shim.c are made in the variant musl alone.
caught='it is in the variant musl'
if [ "$LK_B" = musl ]; then
    LK_SHIM=late
    export LK_SHIM
    late "$LK_BUILD/tests/shim" refreshes
    caught="found by $(grep -c '^not ok' "$TMP/tap") of 5 faces"
    is "$caught" 'found by 5 of 5 faces' 'control: a build that carries out what comes late signs a lawful user out, by each face'
    LK_SHIM=hasty
    late "$LK_BUILD/tests/shim" kept
    unset LK_SHIM
    is "$(grep -c '^not ok.*signs nobody out' "$TMP/tap"), $(grep -c '^not ok.*ends no session' "$TMP/tap") of 5, 2" '5, 2 of 5, 2' 'control: so does one that waits for nothing that the network brings after an old token, however old it is'
fi
promise late "$points" "$t_failed" "a build that doesn't look: $caught"
done_testing
