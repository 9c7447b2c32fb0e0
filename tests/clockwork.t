#!/bin/sh
# Wrong clocks: nothing expires early, nothing that was over comes back, no row is swept that shouldn't be; and when the clock is
# right again each session goes on, at once. The program's clock is a file's (shim.c); all else is as it is shipped.
. "$(dirname "$0")/lib.sh"
only_in musl cross pg
. "$(dirname "$0")/calls.sh"
in_memory
tmpdir
SHIM=$LK_BUILD/tests/shim
read -r _ BUILD <"$LK_BUILD/stamps"
DAY=86400
case $LK_B in cross/* | pg) COUNT=240 ;; *) COUNT=1200 ;; esac
[ -z "${TORTURE-}" ] || COUNT=40000

# The clock that the program has from here on; what the kernel says of it (`confirmed` if nothing else is said: this machine's
# own kernel isn't asked), and what is BROKEN.
at() {
    echo "$1" >"$TMP/clock"
    export LK_SHIM="clock=$TMP/clock,${2:-confirmed},${BROKEN-}"
    WRAP="env LK_SHIM=$LK_SHIM"
}

# A judgement that counts; in a control it only counts.
points=0 wrong=0
want() { # NAME GOT WANT
    points=$((points + 1))
    [ "$2" = "$3" ] || wrong=$((wrong + 1))
    [ -n "${BROKEN-}" ] || is "$2" "$3" "$1"
}
code() { "$@" 2>/dev/null | verdict; }
rows() { verb session list --all --json 2>/dev/null | grep -c '"generation"'; }

# Until MARK there have been: a session that runs out in that second, one that does in twelve hours, one that has ended, one that lives.
# Their tokens are OLD, SOON, GONE and LIVE, with the access token ACCESS.
history() { # MARK
    MARK=$1 ROWS=0
    # The last sign-in may sweep the row that has run out; then another try.
    while [ "$ROWS" -ne 4 ]; do make_history; done
    rm -rf "$TMP/kept"
    mv "$TMP/made" "$TMP/kept"
    sed -i "s|$TMP/made|$TMP/now|" "$TMP/kept/latchkey.conf"
    DATA=$TMP/now
}
make_history() {
    rm -rf "$TMP/made"
    at $((MARK - 30 * DAY))
    data "$TMP/made"
    signed_in
    OLD=$TOKEN
    at $((MARK - 30 * DAY + DAY / 2))
    signed_in
    SOON=$TOKEN
    at $((MARK - 600))
    signed_in
    GONE=$TOKEN
    ask POST /logout "{\"refresh_token\":\"$GONE\"}" >/dev/null
    at "$MARK"
    signed_in
    LIVE=$TOKEN
    ROWS=$(rows)
}

# A row that is over may have been swept by then.
over() { code refresh "$1" key | sed 's/refresh_invalid/refresh_expired/'; }

# One row of the matrix: what the clock shows, then what is said to a live and to an old token, to who signs in and who asks who
# he is; then, the clock being right again at BACK after the mark, to the two that live.
meet() { # NAME CLOCK CONFIRMED LIVE OLD LOGIN ME BACK LIVE-AFTER SOON-AFTER
    name="$1, mark $MARK"
    copy_data "$TMP/kept" "$DATA"
    at "$2" "$3"
    want "$name: a live token" "$(code refresh "$LIVE" key)" "$4"
    want "$name: one that ran out" "$(over "$OLD")" "$5"
    case $(code refresh "$GONE" key) in
    '401 session_revoked' | '503 clock_unset') want "$name: one that was signed out stays so" out out ;;
    *) want "$name: one that was signed out stays so" in out ;;
    esac
    for turn in 1 2 3; do
        PEER=192.0.2.$turn
        want "$name: signing in, and sweeping" "$(code login)" "$6"
    done
    want "$name: who am I" "$(code with_token "$ACCESS" GET /me)" "$7"
    at $((MARK + $8))
    after=$(code refresh "$LIVE" key)
    # What a synchronised clock found expired may have been swept.
    case "$9:$after" in 'swept:401 refresh_invalid' | swept:200) after=swept ;; esac
    want "$name: right again, it lives" "$after" "$9"
    shift 9
    after=$(over "$SOON")
    case "$1:$after" in 'swept:401 refresh_expired' | swept:200) after=swept ;; esac
    want "$name: right again, so does the next" "$after" "$1"
    want "$name: what ran out has" "$(over "$OLD")" "${2-401 refresh_expired}"
}
unset='503 clock_unset'
matrix() {
    expired='401 refresh_expired'
    history $((BUILD + 400 * DAY))
    #    the clock       it                vouched for   live      old        login    me         back, live, soon
    meet 'before 1970'   -1                unconfirmed   "$unset"  "$unset"   "$unset" "$unset"   1 200 200
    meet '1970'          0                 confirmed     "$unset"  "$unset"   "$unset" "$unset"   1 200 200
    meet 'build - 1'     $((BUILD - 1))    confirmed     "$unset"  "$unset"   "$unset" "$unset"   1 200 200
    meet 'build'         "$BUILD"          unconfirmed   "$unset"  "$unset"   "$unset" "$unset"   1 200 200
    meet 'mark - 121'    $((MARK - 121))   unconfirmed   "$unset"  "$unset"   "$unset" "$unset"   1 200 200
    meet 'mark - 121'    $((MARK - 121))   up            "$unset"  "$unset"   "$unset" "$unset"   1 200 200
    # A synchronised clock is believed. What had only expired is back for as long as it is behind.
    meet 'an hour back'  $((MARK - 3600))  confirmed     200       200        200      '401 token_invalid' 1 200 200
    meet 'a week back'   $((MARK - 7 * DAY)) confirmed   200       200        200      '401 token_invalid' 1 200 200
    meet 'mark - 119'    $((MARK - 119))   unconfirmed   200       "$expired" 200      200        1 200 200
    meet 'the mark'      "$MARK"           unconfirmed   200       "$expired" 200      200        1 200 200
    # Believed while it lasts: what runs out in it has run out, and may be swept.
    meet 'a day on'      $((MARK + DAY))   unconfirmed   200       "$expired" 200      '401 token_expired' 1 200 swept
    meet 'a day on'      $((MARK + DAY))   confirmed     200       "$expired" 200      '401 token_expired' $((DAY + 1)) 200 "$expired"
    # Ten years on by itself nothing runs out and nothing is swept; with the kernel's word it is so.
    for then in $((MARK + 3650 * DAY)) 2147483647 2147483648 4294967296; do
        meet "$then"     "$then"           unconfirmed   "$unset"  "$unset"   200      '401 token_expired' 1 200 200
    done
    meet 'ten years on'  $((MARK + 3650 * DAY))  confirmed  "$expired" "$expired" 200      '401 token_expired' 1 swept swept
    # Seconds that 32 bits can't count are seconds.
    history 2147483647
    meet '2038'          2147483647        unconfirmed   200       "$expired" 200      200        1 200 200
    meet 'past 2038'     2147483648        unconfirmed   200       "$expired" 200      200        61 200 200
    meet '32 bits less'  -2147483648       confirmed     "$unset"  "$unset"   "$unset" "$unset"   61 200 200
    meet 'behind 2038'   2147483520        unconfirmed     "$unset"  "$unset"   "$unset" "$unset"   61 200 200
}

# Ahead, then right: who signed in, refreshed and signed out meanwhile, and who did not come at all. Who vouched for the
# time ahead, and who vouches for the right one? Only where the kernel vouched for the wrong one and nobody does for the
# right one must the operator say which it is; whoever is refused until then is refused by 503.
later() { # LIVE-TOKEN: after a refresh of it, the newest of that session
    case $(code refresh "$1" meanwhile) in 200) refresh "$1" meanwhile | member refresh_token ;; *) echo "$1" ;; esac
}
ahead() { # SECONDS WITNESS-AHEAD WITNESS-RIGHT
    name="ahead by $1 s ($2), then right ($3)"
    copy_data "$TMP/kept" "$DATA"
    at $((MARK + $1)) "$2"
    live=$(later "$LIVE")
    PEER=192.0.2.9
    want "$name: signing in meanwhile" "$(code login)" 200
    signed_in
    met=$TOKEN met_access=$ACCESS
    signed_in
    ended=$TOKEN
    want "$name: signing out meanwhile" "$(code ask POST /logout "{\"refresh_token\":\"$ended\"}")" 204
    at $((MARK + 30)) "$3"
    [ "$2:$3:$(($1 > 150))" != confirmed:unconfirmed:1 ] || believed_by_hand
    want "$name: health" "$(code ask GET /health '')" 200
    want "$name: signing in" "$(code login)" 200
    after=$(code refresh "$live" now)
    # What a clock that counted found expired has expired, or is swept.
    case $2:$1:$after in unconfirmed:*) ;; *:7776000:401* | *:315360000:401*) after=200 ;; esac
    want "$name: who was there before" "$after" 200
    want "$name: the time of meanwhile is no token's" "$(code with_token "$met_access" GET /me | sed 's/^401 token_invalid$/200/')" 200
    want "$name: who signed in meanwhile" "$(code refresh "$met" now)" 200
    want "$name: and asks who he is" "$(code with_token "$(refresh "$met" now | member access_token)" GET /me)" 200
    want "$name: signed out before" "$(over "$GONE" | cut -c 1-3)" 401
    want "$name: signed out meanwhile" "$(code refresh "$ended" now)" '401 session_revoked'
    want "$name: check" "$(verb check --json 2>&1 | grep -c '"verdict":"fail","what":"clock"')" 0
}
# What `check` names must work in that very state; until then a sign-out does, and nothing else.
believed_by_hand() {
    want "$name: until then 503" "$(code login) $(code refresh "$live" now)" "$unset $unset"
    want "$name: but who signs out is out" "$(code ask POST /logout "{\"refresh_token\":\"$SOON\"}")" 204
    found=$(verb check --json 2>&1 | grep '"what":"clock"')
    case $found in
    *"behind the store's time"*'latchkey clock trust'*) want "$name: check says so" said said ;;
    *) want "$name: check says so" "$found" said ;;
    esac
    verb clock trust >"$TMP/trust" 2>&1
    want "$name: and what it names is done" "$?" 0
}
way_back() {
    history $((BUILD + 400 * DAY))
    for seconds in 60 7200 $((90 * DAY)) $((3650 * DAY)); do
        for then in confirmed unconfirmed up; do
            for right in confirmed unconfirmed; do ahead "$seconds" "$then" "$right"; done
        done
    done
}
SHIPPED=$LATCHKEY
LATCHKEY=$SHIM
matrix
all=$points missed=$wrong
points=0 wrong=0
way_back
all_ahead=$points missed_ahead=$wrong

# Rows: not one of those that can still be used is swept, whoever signs in meanwhile.
history $((BUILD + 400 * DAY))
copy_data "$TMP/kept" "$DATA"
at $((MARK + 3650 * DAY)) unconfirmed
for turn in 1 2 3 4 5 6 7 8; do
    PEER=192.0.2.$turn signed_in
done
at $((MARK + 1))
is "$(rows)" $((ROWS + 8)) 'ten years on by itself: eight sign-ins sweep no row'

# --- backwards and on in the middle of a storm of refreshes
unset LK_SHIM
LATCHKEY=$SHIPPED
"${HELPER_CC:-musl-gcc}" -static -O1 -std=c11 -D_GNU_SOURCE -Wall -Wextra -o "$TMP/crowd" "$TOP/tests/crowd.c" || exit 1
storm() { # NAME BROKEN
    data "$TMP/$1" 'reuse_grace = 10m'
    CROWD_SHIM="clock=$TMP/$1.clock,unconfirmed,$2" "$TMP/crowd" "$SHIM" "$DATA" clock 8 "$COUNT" "$TMP/$1.clock" >"$TMP/$1.out"
    is $? 0 "$1: to its end"
    diag "$(grep -v '^#' "$TMP/$1.out" | tr '\n' ' ')"
}
figure() { sed -n "s/^$2 //p" "$TMP/$1.out"; }
WRAP=
storm storm ''
grep '^#' "$TMP/storm.out"
is "$(figure storm failures)" 0 "a clock that jumps in a storm of $(figure storm requests) requests signs nobody out"
ok "which met a clock that is behind ($(figure storm unset) times)" test "$(figure storm unset)" -gt 0
ok 'the store is whole' verb check

# --- a build that believes any clock must be found out
points=0 wrong=0 BROKEN=gullible LATCHKEY=$SHIM
matrix
caught=0
ok "a build that believes any clock is caught ($wrong of $points)" test "$wrong" -gt 0 && caught=1
# --- one that takes any time that it sees for the mark, too
points=0 wrong=0 BROKEN=raises
way_back
caught_raises=0
ok "a build in which any time that is seen becomes the mark is caught ($wrong of $points)" test "$wrong" -gt 0 && caught_raises=1
promise ahead "$all_ahead" "$missed_ahead" "caught $caught_raises of 1 broken build"
promise clock $((all + $(figure storm requests))) $((missed + $(figure storm failures))) "caught $caught of 1 broken build"
done_testing
