#!/bin/sh
# Memory that runs out, everywhere: the arena's, SQLite's, libsodium's. oom.c does it, and says what must hold. Of the
# pieces of each request and verb this takes every 13th, under qemu every 61st, the long form each one.
. "$(dirname "$0")/lib.sh"
only_in musl cross
. "$(dirname "$0")/calls.sh"
# Nothing here is about disks.
in_memory
tmpdir
SHIM=$LK_BUILD/tests/shim
"${HELPER_CC:-musl-gcc}" -static -O1 -std=c11 -D_GNU_SOURCE -Wall -Wextra -o "$TMP/oom" "$TOP/tests/oom.c" || exit 1
case $LK_B in cross/*) STEP=61 ;; *) STEP=13 ;; esac
[ -z "${TORTURE-}" ] || STEP=1

exhaust() { # NAME STEP [BROKEN]: its lines in $TMP/NAME
    # A sweep on a slow machine lasts longer than an access token.
    data "$TMP/data-$1" 'signup = on' 'access_ttl = 1d'
    printf '%s\n' "$PASSWORD" | verb user add witness >/dev/null
    "$TMP/oom" "$SHIM" "$DATA" "$2" ${3+"$3"} >"$TMP/$1"
    is $? 0 "$1: through all that asks for memory"
}
sums() { awk -F '\t' 'NF == 3 { points += $2; failures += $3 } END { print points + 0, failures + 0 }' "$TMP/$1"; }

exhaust sweep "$STEP"
grep '^#' "$TMP/sweep"
grep -v '^#' "$TMP/sweep" >"$TMP/rows"
while IFS="$(printf '\t')" read -r name points failures; do
    is "$failures" 0 "$name: 503 or the usual answer, and nothing is lost ($points pieces refused)"
done <"$TMP/rows"
is "$(wc -l <"$TMP/rows")" 46 'every request and every verb'
ok 'with memory that was refused' test "$(sums sweep | cut -d ' ' -f 1)" -gt $((20000 / STEP))

# --- init, in a directory that isn't there: what it couldn't finish the next one does
inits=0 unfinished=0
for supply in arena= sqlite= libc=; do
    piece=1
    while :; do
        rm -rf "$TMP/fresh"
        LK_SHIM=$supply$piece "$SHIM" init --dir "$TMP/fresh" >"$TMP/out" 2>&1
        status=$?
        grep -q 'shim: refused\|latchkey: BA' "$TMP/out" || break
        inits=$((inits + 1))
        case $status:$(cat "$TMP/out") in 0:* | 111:*latchkey:*) ;; *) unfinished=$((unfinished + 1)) && diag "$supply$piece: exit $status" ;; esac
        # It may have been at its end but for the telling; then the next one says that all is there.
        "$SHIM" init --dir "$TMP/fresh" >"$TMP/out" 2>&1
        "$SHIM" check --dir "$TMP/fresh" >>"$TMP/out" 2>&1 || {
            unfinished=$((unfinished + 1))
            diag "$supply$piece: $(cat "$TMP/out")"
        }
        piece=$((piece + STEP))
    done
done
is "$unfinished" 0 "init: the next one finishes it ($inits pieces refused)"
ok 'which were not few' test "$inits" -gt $((400 / STEP))

# Two that are broken: one doesn't look at what malloc gives, one tells the client that it is his fault.
caught=0
for broken in crash blames; do
    exhaust "$broken" 97 "$broken"
    found=$(sums "$broken" | cut -d ' ' -f 2)
    ok "a build that $broken is caught ($found failures)" test "$found" -gt 0 && caught=$((caught + 1))
done
# shellcheck disable=SC2046  # two numbers
set -- $(sums sweep)
promise memory $(($1 + inits)) $(($2 + unfinished)) "caught $caught of 2 broken builds"
done_testing
