#!/bin/sh
# fronts.sh [FRONT...]: refreshes per second through real web servers, configured as docs/servers says,
# each beside hello.c started in the same way by a second server of the same kind. Both are up all the time, and are
# asked in turn, so that whatever else the machine does falls on both. A new connection for each request.
# ROUNDS and SECONDS may be given. `make bench-fronts` runs it.
. "$(dirname "$0")/lib.sh"
PRODUCT=$LATCHKEY
ROOT=$TMP
ROUNDS=${ROUNDS:-3} SECONDS_EACH=${SECONDS_EACH:-3}
[ $# -gt 0 ] || set -- busybox lighttpd-cgi nginx-scgi nginx-scgi-workers nginx-fcgiwrap tcpsvd systemd-accept serve serve-workers
chmod 755 "$ROOT"

start_front() { # SIDE
    ! grep -q "backend=[a-z_,-]*$FRONT" "$PAGE" || command_of "${1}_backend" backend
    is_command server && { command_of "$1" server; return; }
    block server >"$TMP/front.conf"
    case $FRONT in
    lighttpd-*) set -- "$1" lighttpd -D -f "$TMP/front.conf" ;;
    nginx-*)
        nginx_conf <"$TMP/front.conf" >"$TMP/nginx.conf"
        set -- "$1" nginx -e stderr -p "$TMP" -c "$TMP/nginx.conf" ;;
    *) die "no way to start $FRONT" ;;
    esac
    side=$1
    shift
    # shellcheck disable=SC2086  # a list of words
    start "$side" $as "$@"
}

# fcgiwrap would leave its children behind.
also_end() { # PID
    t_pids="$t_pids $(cat "/proc/$1/task/$1/children" 2>/dev/null)"
}

sessions() { # COUNT: their refresh tokens, a line each
    n=0
    while [ $n -lt "$1" ]; do
        n=$((n + 1)) PEER=10.0.0.$n
        signed_in
        echo "$TOKEN"
    done
}

# up SIDE PROGRAM: the front with that program behind it; its port is in $PORT.
up() {
    TMP=$ROOT/$FRONT.$1 LATCHKEY=$2
    mkdir "$TMP"
    # shellcheck source=tests/fronts/servers.sh
    . "$TOP/tests/fronts/servers.sh"
    LATCHKEY=$PRODUCT
    data "$DATA" "$(block options)"
    sessions 8 >"$TMP/tokens"
    LATCHKEY=$2
    mkdir -p "$WWW/cgi-bin"
    cp "$2" "$WWW/cgi-bin/latchkey"
    hand_over
    start_front "$1"
    ! [ -f "$TMP/${1}_backend.run" ] || wait_socket "$(grep -o "$TMP/[a-z]*\\.sock" "$TMP/${1}_backend.run" | head -n 1)"
    wait_port "$PORT" || die "$FRONT: $(cat "$ROOT"/*.log)"
    if [ "$FRONT" = nginx-fcgiwrap ]; then eval "also_end \$${1}_backend_pid"; fi
    TMP=$ROOT LATCHKEY=$PRODUCT
}

# asked SIDE CONNECTIONS: one run of the load; its line.
asked() {
    case $1 in
    hello) "$BENCH/load" -x -c "$2" -d "$SECONDS_EACH" -p "$path/refresh" "$hello_port" ;;
    latchkey) "$BENCH/load" -x -c "$2" -d "$SECONDS_EACH" -p "$path/refresh" -b '{"refresh_token":"%t","idempotency_key":"%i"}' \
        -f "$ROOT/$FRONT.latchkey/tokens" -m refresh_token "$latchkey_port" ;;
    esac || die "$FRONT: $1 failed; $(tail -n 5 "$ROOT"/*.log)"
}

row() { # SIDE CONNECTIONS: a line of the data: front, side, connections, answers/s, p50, p99
    printf '%s\t%s\t%s' "$FRONT" "$1" "$2"
    for column in 2 3 4; do printf '\t%s' "$(cut -f $column "$ROOT/$1.$2" | median)"; done
    echo
}

mkdir -p "$DATA_OUT"
printf 'front\tprogram\tconnections\tper second\tp50 ms\tp99 ms\n' >"$ROOT/fronts.tsv"
for FRONT; do
    read -r _ page _ path _ <<ROW
$(grep "^$FRONT " "$TOP/tests/fronts/list")
ROW
    PAGE=$TOP/docs/servers/$page.md
    up hello "$BENCH/hello"
    hello_port=$PORT
    up latchkey "$PRODUCT"
    latchkey_port=$PORT
    for connections in 1 8; do
        rm -f "$ROOT/hello.$connections" "$ROOT/latchkey.$connections"
        round=0
        while [ $round -lt "$ROUNDS" ]; do
            round=$((round + 1))
            for side in hello latchkey; do asked $side $connections >>"$ROOT/$side.$connections"; done
        done
        for side in hello latchkey; do row $side $connections >>"$ROOT/fronts.tsv"; done
    done
    for side in hello latchkey; do
        stop $side
        [ ! -f "$ROOT/$FRONT.$side/${side}_backend.run" ] || stop ${side}_backend
    done
    echo "fronts: $FRONT" >&2
done
cp "$ROOT/fronts.tsv" "$DATA_OUT/fronts.tsv"

{
    echo "$(host). A new connection for each request; medians of $ROUNDS runs of $SECONDS_EACH s, hello and latchkey in turn."
    echo
    echo '| front | hello /s at 1 | refreshes /s at 1 | ratio | hello /s at 8 | refreshes /s at 8 | ratio | p50 / p99 ms at 8: hello | refresh |'
    echo '|---|---|---|---|---|---|---|---|---|'
    awk -F '\t' 'NR > 1 { key = $2 $3; rate[key] = $4; times[key] = $5 " / " $6 }
        NR > 1 && $2 == "latchkey" && $3 == 8 { printf "| %s | %d | %d | %.2f | %d | %d | %.2f | %s | %s |\n", $1,
            rate["hello1"], rate["latchkey1"], rate["latchkey1"] / rate["hello1"],
            rate["hello8"], rate["latchkey8"], rate["latchkey8"] / rate["hello8"], times["hello8"], times["latchkey8"] }' "$ROOT/fronts.tsv"
} | section fronts
