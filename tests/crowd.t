#!/bin/sh
# Many at once, each request a process of its own: crowd.c makes the crowd and says what must hold. Whatever happens there is
# one line of succession for each session, and never a 5xx but `busy`. Times are shown, never judged.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/calls.sh"
# 1000 sign-ins would be 2000 times fsync, of which others have tests.
in_memory
tmpdir
"${HELPER_CC:-musl-gcc}" -static -O1 -std=c11 -D_GNU_SOURCE -Wall -Wextra -o "$TMP/crowd" "$TOP/tests/crowd.c" || exit 1
BINARY=$LATCHKEY
CHAIN=1500 SAME=60 ENDS=16 MANY=1000
[ "$LK_B" = musl ] || CHAIN=200 SAME=8 ENDS=4 MANY=64
[ -z "${TORTURE-}" ] || CHAIN=50000 SAME=1000 ENDS=1000

crowd() { # NAME WORDS...: its figures in $TMP/NAME
    crowd_name=$1
    shift
    data "$TMP/data-$crowd_name" 'signup = on' 'reuse_grace = 10m' 'sessions_max = 1000'
    "$TMP/crowd" "$BINARY" "$DATA" "$@" >"$TMP/$crowd_name" || fail "$crowd_name: ended with $?"
}
figure() { sed -n "s/^$2 //p" "$TMP/$1"; }

points=0 failures=0
peaceful() { # NAME WORDS...
    p_name=$1
    crowd "$@"
    shift
    is "$(figure "$p_name" failures)" 0 "$*: $(figure "$p_name" requests) requests, one line of succession"
    grep '^#' "$TMP/$p_name"    # what failed, below the test that did
    ok "$*: the store is whole" verb check
    [ "$LK_B" = pg ] || ok "$*: its log is short" test "$(wc -c <"$DATA/latchkey.db-wal")" -lt 262144
    diag "ms: p50 $(figure "$p_name" p50), p99 $(figure "$p_name" p99), most $(figure "$p_name" most);" \
        "busy $(figure "$p_name" busy)"
    points=$((points + $(figure "$p_name" requests))) failures=$((failures + $(figure "$p_name" failures)))
}

while read -r name words; do
    # shellcheck disable=SC2086  # a list of words
    peaceful "$name" $words
done <<END
eight    chains 8 $CHAIN
thousand chains $MANY $CHAIN
none     same $SAME 8 none
one      same $SAME 8 one
own      same $SAME 8 own
many     same $((SAME / 20 + 2)) 64 one
end      revoke $ENDS
END
is "$(verb audit --json --since 1d | grep -c '"event":"reuse"')" 0 'what was revoked was never taken for reuse'
ok "an end met a refresh in both orders ($(figure end refresh_first) and $(figure end end_first))" \
    test "$(figure end refresh_first)" -gt 0 -a "$(figure end end_first)" -gt 0

# Builds without locks, and without ends, must be found out. Whether two requests meet is chance, so each has six tries.
caught=0
controls() { # NAME BROKEN WORDS...
    control=$1
    export CROWD_SHIM="$2"
    shift 2
    for _ in 1 2 3 4 5 6; do
        rm -rf "$TMP/data-$control"
        crowd "$control" "$@"
        [ "$(figure "$control" failures)" -eq 0 ] || break
    done
    unset CROWD_SHIM
    ok "$control is caught ($(figure "$control" failures) failures)" test "$(figure "$control" failures)" -gt 0 &&
        caught=$((caught + 1))
}
if [ "$LK_B" = musl ]; then
    BINARY=$LK_BUILD/tests/shim
    controls chains-without-locks unlocked chains 8 4000
    controls same-without-locks unlocked same 200 8 own
    controls ends-that-are-none endless revoke 8
fi
promise crowd "$points" "$failures" "caught $caught of 3 broken builds"
done_testing
