#!/bin/sh
# Two fronts of latchkey-pg on a primary with a synchronous standby, and the herd before them (herd.c). The primary is killed while the standby is seconds behind, and the
# standby promoted. Nobody lawful is signed out, every theft is found, nothing that was answered is undone; the longest silence is printed.
# Runs where PostgreSQL is installed; it isn't installed for this test.
. "$(dirname "$0")/lib.sh"
only_in musl
. "$(dirname "$0")/calls.sh"
. "$(dirname "$0")/herd.sh"
. "$(dirname "$0")/cluster.sh"
in_memory
LATCHKEY_PG=$TOP/latchkey-pg
cluster_begin
herd_build
# shellcheck disable=SC2034  # herd.sh's
PROGRAM=$LK_BUILD-pg/tests/shim WORKERS=4
SESSIONS=100 MOVED=40 BEHIND=2 FAILOVERS=1
[ -z "${TORTURE-}" ] || SESSIONS=200 FAILOVERS=${ROUNDS-20}

# The primary dies with what it committed in the last seconds; sign-ins meanwhile have waited for the standby, and weren't answered.
losing() {
    for at in $(seq "$FAILOVERS"); do
        sleep 1
        pg_behind on
        sleep "$BEHIND"
        pg_fail_over
        sleep 2
        [ "$at" -eq "$FAILOVERS" ] || make_whole
    done
}
# A front hangs for longer than its clients wait: what it finds when it wakes must not be carried out.
hanging() {
    for at in $(seq "$FAILOVERS"); do
        for name in a b; do
            front_signal "$name" STOP
            sleep 4
            front_signal "$name" CONT
            sleep 0.4
        done
    done
}
rolled() { "$LATCHKEY_PG" audit --json --dir "$TMP/$s_name$stories-a" 2>/dev/null | grep -c '"event":"rollforward"'; }

# One front's clock is 50 s ahead of the other's, and stays so, which a mark that is read would mend.
SHIM_a='unmarked' SHIM_b='unmarked host=+50'
story losing -v 8
herd_holds 'the primary is lost, clocks 50 s apart'
diag "the longest silence: $(herd_is silence) ms for refreshes, $(herd_is silence_signin) ms for sign-ins; rolled forward: $(rolled)"
is "$(rolled | sed 's/^[1-9][0-9]*$/some/')" some 'some were rolled forward'
if [ -n "${TORTURE-}" ]; then
    SHIM_b='unmarked host=-50'
    story losing -v 8
    herd_holds 'the other clock is behind'
    diag "the longest silence: $(herd_is silence) ms for refreshes, $(herd_is silence_signin) ms for sign-ins; rolled forward: $(rolled)"
    SHIM_a='' SHIM_b=''
    story hanging -t 3
    herd_holds 'fronts that hang'
fi
# shellcheck disable=SC2154  # lib.sh's
points=$HERD_ASKED failed=$t_failed

# --- controls: each breaks one thing, and the herd must notice
SHIM_a='unmarked undated' SHIM_b='unmarked undated host=+50'
control 'a rotation that is dated by its own clock alone' signed_out losing
# shellcheck disable=SC2034  # front reads them by their names
SHIM_a='' SHIM_b='' SYNCHRONOUS=off
control 'an asynchronous standby' undone losing -v 8
SYNCHRONOUS=on
if [ -n "${TORTURE-}" ]; then
    # shellcheck disable=SC2034
    SHIM_a='late' SHIM_b='late'
    control 'a build that carries out what comes late' signed_out hanging -t 3
fi
promise cluster/databases "$points" "$failed" "undated rotations, an asynchronous standby, in the long form a worker without the peek: $caught of $controls caught"

# --- a whole store from SQLite into PostgreSQL and back, while its users go on: a copy, then the fronts stop, what was done meanwhile, other fronts
make_whole
OLD=$TMP/old NEW=$TMP/new BACK=$TMP/back
sqlite_dir() { # DIR: empty, with the keys of OLD
    lk_init "$1"
    sed "s|^throttle_dir = .*|throttle_dir = $1|" "$OLD/latchkey.conf" >"$1/latchkey.conf"
    cp "$OLD/latchkey.key" "$1/"
}
pg_dir() { # DIR NAME
    mkdir -m 700 "$1-a"
    cp "$OLD/latchkey.key" "$1-a/"
    cluster_data "$1" "$2" "$(herd_options)"
}
both() { # PROGRAM DIR-A DIR-B: serve with that
    # shellcheck disable=SC2034  # herd.sh's
    PROGRAM=$1
    front a "$2"
    front b "$3"
}
data "$OLD" "$(herd_options)"
ask POST /login "{\"username\":\"demo\",\"password\":\"$PASSWORD\",\"device\":\"Gerät\"}" "HTTP_USER_AGENT=$(printf 'agent\351 "x"')" >/dev/null
pg_dir "$NEW" moved
sqlite_dir "$BACK"
out() { "$LATCHKEY" migrate out --dir "$OLD"; }
into() { "$LATCHKEY_PG" migrate in --dir "$NEW-a" "$@"; }
out_again() { "$LATCHKEY_PG" migrate out --dir "$NEW-b"; }
back() { "$LATCHKEY" migrate in --dir "$BACK" "$@"; }
taken() { "$LATCHKEY_PG" session list --all --json --dir "$NEW-a" | grep -c '"generation"'; }

both "$LATCHKEY" "$OLD" "$OLD"
herd_start -r 3 -v 4 "$MOVED" "$PORT_a" "$PORT_b"
out >"$TMP/stream"
size=$(wc -c <"$TMP/stream")
cut_off() { head -c "$1" "$TMP/stream" | into 2>&1; }
for at in 0 1000 $((size / 2)) $((size - 1)); do
    like "$(cut_off "$at")" '*cut off: nothing was taken in*' "cut off after $at bytes of $size: refused"
done
like "$(sed '1s/"schema":[0-9]*/"schema":99/' "$TMP/stream" | into 2>&1)" '*later latchkey*' 'a later schema is refused'
mkfifo "$TMP/slow"
into <"$TMP/slow" >"$TMP/killed" 2>&1 &
exec 7>"$TMP/slow"
head -c $((size / 2)) "$TMP/stream" >&7
kill -9 $! 2>/dev/null
exec 7>&-
wait $! 2>/dev/null
is "$(taken)" 0 'killed half way, or cut off: nothing was taken in'
ok 'a copy while requests go on' into <"$TMP/stream"
like "$(into <"$TMP/stream" 2>&1)" "*isn't empty*--again*" 'a database that has something takes no first copy'
mv "$NEW-a/latchkey.key" "$TMP/key"
cp "$TMP/losing1-a/latchkey.key" "$NEW-a/"
like "$(into --again <"$TMP/stream" 2>&1)" '*another key*latchkey.key*' 'with another key it takes none'
mv "$TMP/key" "$NEW-a/latchkey.key"
fronts_end
out | into --again >"$TMP/said" 2>&1
like "$(cat "$TMP/said")" '* written' 'what was done meanwhile' || diag "$(cat "$TMP/said")"
both "$LATCHKEY_PG" "$NEW-a" "$NEW-b"
sleep 2
ok 'and back: a copy while requests go on' sh -c '"$1" migrate out --dir "$2" | "$3" migrate in --dir "$4"' - "$LATCHKEY_PG" "$NEW-b" "$LATCHKEY" "$BACK"
fronts_end
out_again | back --again >"$TMP/said" 2>&1
like "$(cat "$TMP/said")" '* written' 'what was done meanwhile' || diag "$(cat "$TMP/said")"
both "$LATCHKEY" "$BACK" "$BACK"
sleep 1
herd_end
fronts_end
herd_holds 'from SQLite into PostgreSQL and back'
diag "the longest silence: $(herd_is silence) ms"

contents() { # PROGRAM DIR: all that is in it. Events have other numbers there.
    "$1" user export --dir "$2"
    "$1" session list --all --json --dir "$2"
    "$1" audit --json --dir "$2" | sed 's/"id":[0-9]*,//' | sort
}
pg_dir "$TMP/twin" twin
ok 'once more into an empty one' sh -c '"$1" migrate out --dir "$2" | "$3" migrate in --dir "$4"' - "$LATCHKEY" "$BACK" "$LATCHKEY_PG" "$TMP/twin-a"
contents "$LATCHKEY" "$BACK" >"$TMP/there"
contents "$LATCHKEY_PG" "$TMP/twin-a" >"$TMP/here"
ok 'which has all users, sessions and events of the other' cmp "$TMP/there" "$TMP/here" || diag "$(diff "$TMP/there" "$TMP/here" | head -n 5 | cut -c 1-300)"
like "$(cat "$TMP/here")" '*Gerät*' 'bytes and all'
done_testing
