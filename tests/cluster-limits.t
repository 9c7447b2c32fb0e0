#!/bin/sh
# Two fronts of latchkey-pg and the herd before them (herd.c), while PostgreSQL lacks something: room on the primary's disk, connections, a standby that answers, all of it.
# Nobody lawful is signed out, every theft is found, nothing that was answered is undone; the longest silence is printed. The short form has the second and the third of
# these; TORTURE=1: all, 20 times each.
# Runs as root, where PostgreSQL is installed; it isn't installed for this test.
# needs: curl
. "$(dirname "$0")/lib.sh"
only_in musl
[ "$(id -u)" -eq 0 ] || skip_all 'only as root'
# A disk that can be filled is a mount of this test's own.
[ -n "${LK_MOUNTS-}" ] || LK_MOUNTS=1 exec unshare --mount --propagation private "$0"
. "$(dirname "$0")/calls.sh"
. "$(dirname "$0")/herd.sh"
. "$(dirname "$0")/cluster.sh"
in_memory
LATCHKEY_PG=$TOP/latchkey-pg
PG_ROOM=300m PG_WAL=32MB PG_CONNECTIONS=24
cluster_begin
herd_build
PROGRAM=$LK_BUILD-pg/tests/shim WORKERS=4
SESSIONS=60 LOSSES=1
[ -z "${TORTURE-}" ] || LOSSES=${ROUNDS-20}

answered() {
    [ -z "$SHIM_a" ] || return 0
    for _ in $(seq 60); do ! herd_is_answered || return 0; done
    fail "$s_name, $at: refreshes are answered again"
}

# The disk of the primary is full, its log's included.
full() {
    for at in $(seq "$LOSSES"); do
        sleep 1
        dd if=/dev/zero of="$PG_HOME/a/filler" bs=64k 2>/dev/null
        sleep 6
        rm -f "$PG_HOME/a/filler"
        if has_ended; then
            ends=$((ends + 1))
            pg_node_dies a
            pg_node_starts a
        fi
        answered
    done
}
ends=0
# shellcheck disable=SC2154  # start sets it
has_ended() { ! { is_ours "$pg_a_pid" && runs "$pg_a_pid"; }; }

# Others have all connections, but those that are a superuser's and this test's; the fronts lose theirs. At first their role may have none, which says the same to them.
taken() {
    for at in $(seq "$LOSSES"); do
        sleep 1
        surely 'ALTER ROLE latchkey CONNECTION LIMIT 0'
        surely "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename='latchkey'"
        hogs=''
        for _ in $(seq $((PG_CONNECTIONS - 3))); do
            take_one >/dev/null 2>&1 &
            hogs="$hogs $!"
        done
        eventually hogs_have $((PG_CONNECTIONS - 3))
        surely 'ALTER ROLE latchkey CONNECTION LIMIT -1'
        sleep 4
        # shellcheck disable=SC2086  # a list
        kill $hogs
        surely "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE $HOGS"
        # shellcheck disable=SC2086
        wait $hogs 2>/dev/null
        answered
    done
}
take_one() { until pg_sql a 'SELECT pg_sleep(120)' || ! kill -0 $$; do sleep 0.1; done; }
# Fronts that are refused take a superuser's place for a moment.
surely() { eventually pg_sql a "$1"; }
HOGS="query='SELECT pg_sleep(120)'"
hogs_have() { [ "$(pg_sql a "SELECT count(*) FROM pg_stat_activity WHERE $HOGS")" = "$1" ]; }

# The standby stands still for longer than a request waits, and holds its connection.
hung() {
    for at in $(seq "$LOSSES"); do
        sleep 1
        standby_signal STOP
        sleep 7
        standby_signal CONT
        answered
    done
}
standby_signal() {
    n_pid=$(head -n 1 "$PG_HOME/b/postmaster.pid")
    # shellcheck disable=SC2046  # a list
    kill "-$1" "$n_pid" $(children_of "$n_pid")
}

# Both nodes are gone. What is checked by the token alone goes on.
away() {
    access=$(curl -s -m 20 -H 'Content-Type: application/json' -d '{"username":"someone","password":"correct horse"}' "http://127.0.0.1:$PORT_a/api/auth/register" | member access_token)
    verified=0
    for at in $(seq "$LOSSES"); do
        sleep 1
        for node in a b; do pg_node_dies "$node"; done
        sleep 3
        [ "$(curl -s -m 20 -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $access" "http://127.0.0.1:$PORT_b/api/auth/verify")" != 204 ] || verified=$((verified + 1))
        for node in a b; do pg_node_starts "$node"; done
        answered
    done
}

tell() { # WHAT CODES...: one of which it must have met, since nothing was lacking otherwise
    herd_holds "$1"
    t_what=$1 t_met=''
    shift
    for t_code; do [ "$(herd_is "$t_code")" = '' ] || t_met="$t_met $t_code"; done
    isnt "$t_met" '' "$t_what: it was felt ($*)"
    diag "the longest silence: $(herd_is silence) ms for refreshes, $(herd_is silence_signin) ms for sign-ins"
}
# shellcheck disable=SC2034  # front reads them by their names
SHIM_a='' SHIM_b=''
story taken -v 4
tell 'no connection is left' 503/busy
story hung -v 8
tell 'a standby that hangs' 503/store_unavailable
if [ -n "${TORTURE-}" ]; then
    story full -v 4
    tell 'a full disk' 503/store_full 503/store_unavailable
    diag "PostgreSQL ended by itself $ends times of $LOSSES"
    story away -v 4
    tell 'both databases are away' 503/store_unavailable
    is "$verified" "$LOSSES" 'an access token is checked meanwhile'
fi
# shellcheck disable=SC2154  # lib.sh's
points=$HERD_ASKED failed=$t_failed

# --- control: who takes what the database lacks for the client's fault
# shellcheck disable=SC2034
SHIM_a='blames' SHIM_b='blames' LOSSES=1
control 'no connection, told as the fault of the client' signed_out taken
if [ -n "${TORTURE-}" ]; then
    control 'a full disk, told as the fault of the client' signed_out full
    control 'databases that are away, told as the fault of the client' signed_out away
fi
promise cluster/limits "$points" "$failed" "a build that takes its own trouble for the client's fault: $caught of $controls caught"
done_testing
