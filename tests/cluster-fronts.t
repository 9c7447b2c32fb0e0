#!/bin/sh
# Two fronts of latchkey-pg, of which one stands still between its lock and its commit, as one whose host is gone: PostgreSQL ends its transaction, the other front goes on
# with the session, and what the first one finds when it wakes signs nobody out. Then two fronts before a herd (herd.c), which are replaced one by one by those of a later
# release, whose schema is new, and get a new key; and the way back.
# Runs where PostgreSQL is installed; it isn't installed for this test.
# needs: curl ip
. "$(dirname "$0")/lib.sh"
only_in musl
. "$(dirname "$0")/calls.sh"
. "$(dirname "$0")/herd.sh"
. "$(dirname "$0")/cluster.sh"
in_memory
LATCHKEY=$TOP/latchkey-pg LATCHKEY_PG=$TOP/latchkey-pg
cluster_begin
PROGRAM=$LK_BUILD-pg/tests/shim

# --- a front that stands still
# The worker of front a sleeps when it has the row of the session, and is stopped then; front b is run once for each request.
still_begin() { # SHIM-WORDS
    stills=$((${stills-0} + 1))
    SHIM_a="dozes=1 $1" SHIM_b='' WORKERS=1
    fronts_begin "still$stills"
    DATA=$TMP/still$stills-b
    echo "$PASSWORD" | verb user add demo >/dev/null
    signed_in
    at_a "$TOKEN" first 3 >"$TMP/stands" &
    asker=$!
    eventually is_idle_within
    front_signal a STOP
    wait "$asker"
}
at_a() { # TOKEN KEY SECONDS: a refresh at front a, whose client goes when they are over
    curl -s -m "$3" -H 'Content-Type: application/json' -d "{\"refresh_token\":\"$1\",\"idempotency_key\":\"$2\"}" "http://127.0.0.1:$PORT_a/api/auth/refresh"
}
is_idle_within() {
    [ "$(pg_sql "$pg_primary" "SELECT count(*) FROM pg_stat_activity WHERE datname='still$stills' AND state='idle in transaction'")" = 1 ]
}
at_b() { refresh "$TOKEN" second >"$TMP/at_b"; verdict <"$TMP/at_b"; }
tries=0
is_refreshed() {
    tries=$((tries + 1))
    [ "$(at_b)" = 200 ]
}
# How long the server's process waits for a peer that says nothing: ss shows the timer of each of latchkey's connections.
server_timers() {
    for t_port in $(pg_sql "$pg_primary" "SELECT client_port FROM pg_stat_activity WHERE datname='still$stills' AND application_name='latchkey'"); do
        ss -Hnto state established "sport = :$(pg_port "$pg_primary") and dport = :$t_port"
    done
}

still_begin ''
is "$(cat "$TMP/stands")" '' 'front a stands still with a session that it has locked'
is "$(at_b)" '503 busy' 'front b finds it locked, and says when to come again'
eventually is_refreshed
is "$(verdict <"$TMP/at_b")" 200 'and gets it when PostgreSQL has ended the transaction of the other one'
diag "after $tries tries"
TOKEN=$(member refresh_token <"$TMP/at_b")
front_signal a CONT
like "$(at_a "$TOKEN" third 40)" '*"generation":3*' 'what front a finds when it wakes is undone: the session goes on, at front a as well'
is "$(refresh "$(at_a "$TOKEN" third 40 | member refresh_token)" fourth | verdict)" 200 'and at front b'
like "$(server_timers)" '*keepalive,*' 'PostgreSQL asks after a front that says nothing'
unlike "$(server_timers)" '*keepalive,*min*' 'within seconds, not after two hours'
points=$tries failed=$t_failed
fronts_end

still_begin unlimited
enough=$((tries * 2)) tries=0
until [ "$tries" -ge "$enough" ] || is_refreshed; do :; done
is "$(verdict <"$TMP/at_b"), $tries times" "503 busy, $enough times" 'control: where PostgreSQL waits for ever, front b goes on to find the session locked' && stood=1
fronts_end
promise cluster/still "$points" "$failed" "a server that waits for ever: ${stood-0} of 1 caught"

# --- another release
LATER=$LK_BUILD-pg/tests/next SESSIONS=60 TIMES=1
[ -z "${TORTURE-}" ] || TIMES=${ROUNDS-20}
herd_build
PORT_a='' PORT_b='' HERD_ASKED=0 failed=$t_failed
replace() { # NAME PROGRAM: as systemctl restart does
    PROGRAM=$2
    front_signal "$1" TERM
    stop "front_$1"
    front "$1" "$TMP/$s_name$stories-$1"
    sleep 2
}
copy_key() { cp "$TMP/$s_name$stories-a/latchkey.key" "$TMP/$s_name$stories-b/latchkey.key"; }
upgrade() {
    sleep 1
    said=$("$LATER" init --upgrade --dir "$TMP/$s_name$stories-b" 2>&1)
    sleep 1
    for round in $(seq "$TIMES"); do
        for name in a b; do replace "$name" "$LATER"; done
        [ "$round" -gt 2 ] || new_key
        for name in b a; do replace "$name" "$LATCHKEY_PG"; done
    done
}
keys=0
new_key() { # known to both fronts before one of them signs with it
    kid=$("$LATER" key stage --dir "$TMP/$s_name$stories-a" 2>&1 | grep -o '[0-9a-f]\{8\}' | head -n 1)
    copy_key
    sleep 1
    "$LATER" key use "$kid" --dir "$TMP/$s_name$stories-a" >/dev/null 2>&1 && keys=$((keys + 1))
    sleep 1
    copy_key
}
# A key that one front alone knows.
rotate() {
    sleep 1
    "$LATCHKEY_PG" key rotate --dir "$TMP/$s_name$stories-a" >/dev/null 2>&1
    sleep 2
}
# shellcheck disable=SC2034  # front reads them by their names
PROGRAM=$LATCHKEY_PG SHIM_a='' SHIM_b='' WORKERS=4
story upgrade -v 4
herd_holds 'fronts of two releases, and a new key'
diag "$said; the longest silence: $(herd_is silence) ms for refreshes, $(herd_is silence_signin) ms for sign-ins"
is "$(PG_DATABASE=$s_name$stories; pg_sql "$pg_primary" 'SELECT version FROM meta')" 99 'on one database, which has the schema of the later one'
isnt "$keys" 0 'which sign with a new key'
points=$HERD_ASKED failed=$((t_failed - failed))
PROGRAM=$LATCHKEY_PG
control 'a key that one front alone knows' signed_out rotate
promise cluster/releases "$points" "$failed" "key rotate in the place of key stage: $caught of $controls caught"
done_testing
