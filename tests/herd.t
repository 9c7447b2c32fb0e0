#!/bin/sh
# Two fronts of one store and a herd before them (herd.c): clients that keep the contract, one in twenty of them robbed. Fronts die, hang, have clocks 50 s
# apart, and the store loses what was committed last. Nobody lawful is signed out, and every theft is found. tests/cluster.t does it with fronts on several hosts.
. "$(dirname "$0")/lib.sh"
only_in musl
. "$(dirname "$0")/calls.sh"
. "$(dirname "$0")/herd.sh"
in_memory
herd_build
PROGRAM=$LK_BUILD/tests/shim
SESSIONS=80 ROUNDS=3
[ -z "${TORTURE-}" ] || SESSIONS=200 ROUNDS=60

begin() { # NAME: a fresh store and two fronts before it
    herd_options >"$TMP/options"
    stories=$((${stories-0} + 1))
    data "$TMP/$1-$stories"
    cat "$TMP/options" >>"$DATA/latchkey.conf"
    PORT_a=$(free_port 2)
    PORT_b=$((PORT_a + 1))
    front a "$DATA"
    front b "$DATA"
}
end() {
    herd_end
    front_die a
    front_die b
}
other() { printf 'ab' | cut -c $(($1 % 2 + 1)); }

# Each front is killed with all that it has under way, and comes back.
dying() {
    for at in $(seq "$ROUNDS"); do
        sleep 0.6
        name=$(other "$at")
        front_die "$name"
        sleep 0.2
        front "$name" "$DATA"
    done
}

# A front hangs for longer than its clients wait: what it finds when it wakes must not be carried out.
hanging() {
    for at in $(seq "$ROUNDS"); do
        name=$(other "$at")
        front_signal "$name" STOP
        sleep 4
        front_signal "$name" CONT
        sleep 0.4
    done
}

# The store of two seconds ago takes the place of today's: what was committed is gone, as the last commits are after a failover.
losing() {
    for at in $(seq $(((ROUNDS + 1) / 2))); do
        sleep 0.3
        rm -f "$TMP/copy"
        verb backup "$TMP/copy" >>"$TMP/verbs" 2>&1
        sleep 2
        front_die a
        front_die b
        verb restore "$TMP/copy" >>"$TMP/verbs" 2>&1 || diag "$(tail -n 3 "$TMP/verbs")"
        front a "$DATA"
        front b "$DATA"
    done
}

story() { # NAME HERD-WORDS...: what happens, while the herd runs
    begin "$1"
    s_name=$1
    shift
    herd_start -r "$ROUNDS" "$@" "$SESSIONS" "$PORT_a" "$PORT_b"
    "$s_name"
    end
}

# Sign-ins are for those alone where nothing that must last gets lost.
SHIM_a='' SHIM_b=''
story dying -v 4
herd_holds 'fronts that die'
story hanging -t 3
herd_holds 'fronts that hang'
SHIM_b='host=+50'
story losing
herd_holds 'clocks 50 s apart and lost commits'
is "$(verb audit --json 2>/dev/null | grep -c '"event":"rollforward"' | sed 's/^[1-9][0-9]*$/some/')" some 'of whom some were rolled forward'
points=$HERD_ASKED failed=$t_failed

# --- controls: each breaks one thing, and the herd must notice. (A rotation that is dated by its own clock alone shows where hosts have clocks and
# databases of their own, in cluster.t: here every event carries the time from one front to the other.)
caught=0
# Whether one story hits anybody is chance, so a control has four.
control() { # NAME FIGURE STORY WORDS...: the figure tells of it
    c_name=$1 c_figure=$2
    shift 2
    for c_at in 1 2 3 4; do
        story "$@"
        herd_diag "control: $c_name, $c_at"
        c_seen=$(herd_is "$c_figure")
        [ "$c_figure" != found ] || c_seen=$(($(herd_is thefts) - c_seen))
        [ "$c_seen" -eq 0 ] || break
    done
    ok "control: $c_name: $c_figure $(herd_is "$c_figure")" test "$c_seen" -gt 0 && caught=$((caught + 1))
}
SHIM_a='late' SHIM_b='late'
control 'a build that carries out what comes late' signed_out hanging -t 3
# shellcheck disable=SC2034  # front reads them by their names
SHIM_a='endless' SHIM_b='endless'
control 'a build that ends no session' found dying
promise herd "$points" "$failed" "a worker without the peek, ends that don't: $caught of 2 caught"
done_testing
