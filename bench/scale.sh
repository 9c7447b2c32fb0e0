#!/bin/sh
# scale.sh [N]: what 10^3, 10^5 and N sessions cost (10^7), how abandoned ones go, and what several data
# directories give. Every refresh is of another session, taken at random, each a process of its own, in
# pairs with an empty program. The rows are made in memory where there is room, and then moved to the disk.
# Data directories that are there already are used again: SCALE_DIR names where they stay (else they go at the end).
. "$(dirname "$0")/lib.sh"
N=${1:-10000000}
TRACED=256 COLD=200 WARM=400
KEEP=${SCALE_DIR:-$TOP/build/scale.$$}
mkdir -p "$KEEP"
gone() { # hands on how it ended
    set -- $?
    rm -rf "/dev/shm/latchkey.$$"
    [ -n "${SCALE_DIR-}" ] || rm -rf "$KEEP"
    return "$1"
}
trap 'gone; t_cleanup' EXIT

room() { df -Pk "$1" | awk 'NR == 2 { print $4 }'; } # KiB
# filled COUNT: $DATA with that many sessions; its figures and tokens are beside it, in $DATA.rows.
filled() {
    DATA=$KEEP/$1
    [ ! -s "$DATA.rows" ] || return 0
    [ "$(room "$KEEP")" -gt $(($1 * 2)) ] || die "no room for $1 sessions in $KEEP"
    at=$KEEP
    # Half of the memory at most.
    [ ! -w /dev/shm ] || [ "$(room /dev/shm)" -lt "$1" ] || at=/dev/shm/latchkey.$$
    mkdir -p "$at"
    data "$at/$1"
    nice "$BENCH/fill" rows "$DATA" "$1" $((TRACED + COLD + WARM)) >"$KEEP/$1.new" || die "no $1 rows"
    [ "$at" = "$KEEP" ] || { mv "$at/$1" "$KEEP/$1" && rmdir "$at"; }
    DATA=$KEEP/$1
    sed -i "s|^throttle_dir.*|throttle_dir = $DATA|" "$DATA/latchkey.conf"
    sync -f "$DATA"
    mv "$KEEP/$1.new" "$DATA.rows"
}

# paired TOKENS COUNT: microseconds, those of an empty program, median of the ratios, peak KiB.
paired() {
    env -i GATEWAY_INTERFACE=CGI/1.1 SERVER_PROTOCOL=HTTP/1.1 SCRIPT_NAME=/auth REQUEST_METHOD=POST PATH_INFO=/refresh \
        CONTENT_TYPE=application/json REMOTE_ADDR=192.0.2.1 LATCHKEY_DIR="$DATA" REFRESH_TOKEN=- REFRESH_TOKENS="$1" \
        "$BENCH/once" "$2" "$BENCH/empty" "$LATCHKEY" || die 'a refresh failed'
}

# traced TOKENS: bytes, syncs and system calls of a refresh, means of those of the file.
traced() {
    : >"$TMP/trace"
    while read -r token; do
        WRAP="$(command -v strace) -f -y -A -e inject=prctl:retval=0:when=1 -o $TMP/trace"
        [ "$(refresh "$token" "$(date +%N)" | verdict)" = 200 ] || die 'a refresh failed'
    done <"$1"
    WRAP=''
    awk -v n="$(wc -l <"$1")" '/^[0-9]+ +[a-z0-9_]+\(/ { calls++ } /^[0-9]+ +f(data)?sync\(/ { syncs++ }
        /^[0-9]+ +p?writev?(64)?2?\([0-9]+<[^>]*latchkey\.db/ { bytes += $NF }
        END { printf "%.0f\t%.2f\t%.1f\n", bytes / n, syncs / n, calls / n }' "$TMP/trace"
}

# taken FROM COUNT: that many of the tokens, from the one of that number on, in $TMP/taken.
taken() { sed 1d "$DATA.rows" | tail -n "+$(($1 + 1))" | head -n "$2" >"$TMP/taken"; }

# measured COUNT: a line of the data. Cold: the page cache has nothing of the database; warm: all of it, where it has room.
measured() {
    filled "$1"
    taken 0 $TRACED
    traced=$(traced "$TMP/taken")
    taken $TRACED $COLD
    dd if="$DATA/latchkey.db" iflag=nocache count=0 2>/dev/null || die 'the page cache cannot be dropped'
    cold=$(paired "$TMP/taken" $COLD) || exit
    taken $((TRACED + COLD)) $WARM
    cat "$DATA/latchkey.db" >/dev/null
    warm=$(paired "$TMP/taken" $WARM) || exit
    # shellcheck disable=SC2086  # six words each
    set -- "$1" $warm $cold
    printf '%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$(wc -c <"$DATA/latchkey.db")" \
        "$(awk 'NR == 1 { printf "%.0f\t%.0f", ($4 - $5) / $1, $5 / $1 }' "$DATA.rows")" "$2" "$3" "$4" "$5" "$traced" "$8" "${10}"
    # Its tokens are used up.
    [ -n "${SCALE_DIR-}" ] || rm -rf "$DATA" "$DATA.rows"
}

# sharded COUNT: refreshes per second of COUNT data directories, each with a listener, 8 sessions in all; an address that
# is a function of the session's id would choose among them.
sharded() {
    shard=0
    while [ $shard -lt "$1" ]; do
        shard=$((shard + 1))
        data "$TMP/shard.$1.$shard"
        n=0
        while [ $n -lt $((8 / $1)) ]; do n=$((n + 1)) PEER=10.0.0.$n; signed_in; echo "$TOKEN"; done >"$TMP/tokens.$shard"
        port=$(free_port)
        echo "$port" >"$TMP/port.$shard"
        LATCHKEY_DIR=$DATA start "shard_$shard" "$LATCHKEY" serve "127.0.0.1:$port"
        wait_port "$port"
    done
    pids=''
    shard=0
    while [ $shard -lt "$1" ]; do
        shard=$((shard + 1))
        "$BENCH/load" -x -c $((8 / $1)) -d 3 -p /api/auth/refresh -b '{"refresh_token":"%t","idempotency_key":"%i"}' \
            -f "$TMP/tokens.$shard" -m refresh_token "$(cat "$TMP/port.$shard")" >"$TMP/rate.$shard" &
        pids="$pids $!"
    done
    for pid in $pids; do wait "$pid" || die 'a shard failed'; done
    cat "$TMP"/rate.* | awk -v shards="$1" '{ rate += $2; p99 = $4 > p99 ? $4 : p99 } END { printf "%d\t%d\t%.2f\n", shards, rate, p99 }'
    while [ $shard -gt 0 ]; do
        stop "shard_$shard"
        rm -f "$TMP/rate.$shard"
        shard=$((shard - 1))
    done
}

mkdir -p "$DATA_OUT"
printf 'sessions\tdatabase bytes\tbytes per session beside its texts\ttexts\tus\tempty us\tratio\tpeak KiB\tbytes written\tsyncs\tsystem calls\tcold us\tcold ratio\n' >"$TMP/scale.tsv"
for count in 1000 100000 "$N"; do
    measured "$count" >>"$TMP/scale.tsv"
    echo "scale: $count" >&2
done
cp "$TMP/scale.tsv" "$DATA_OUT/scale.tsv"
data "$TMP/swept"
live=10000
"$BENCH/fill" sweep "$DATA" $live >"$TMP/sweep"
printf 'directories\trefreshes per second\tp99 ms\n' >"$DATA_OUT/shards.tsv"
for shards in 1 2 4; do sharded $shards; done >>"$DATA_OUT/shards.tsv"

{
    echo "$(host). Each refresh is a process, of another session; \"empty\" is a program that does nothing, started in turn. Bytes and syncs are means of $TRACED, with what checkpoints write."
    echo
    echo '| sessions | database MB | bytes per session beside its texts | texts | refresh µs | ratio to empty | to 10^3 | page cache dropped, µs | bytes written | to 10^3 | syncs | system calls |'
    echo '|---|---|---|---|---|---|---|---|---|---|---|---|'
    awk -F '\t' 'NR == 2 { first = $7; bytes = $9 }
        NR > 1 { printf "| %d | %.1f | %d | %d | %d | %.2f | %.2f | %d | %d | %.2f | %.2f | %.1f |\n", $1, $2 / 1e6, $3, $4, $5, $7, $7 / first, $12, $9, $9 / bytes, $10, $11 }' "$DATA_OUT/scale.tsv"
    echo
    awk -v live=$live '{ printf "Sign-ins that nobody uses afterwards, %d within a refresh_ttl, for ten of those: at most %d rows stood at once, %.2f times as many as could be alive.\n", live, $1, $1 / live }' "$TMP/sweep"
    echo
    echo '| data directories, a listener each, 8 sessions in all | refreshes/s | p99 ms |'
    echo '|---|---|---|'
    awk -F '\t' 'NR > 1 { printf "| %d | %d | %.1f |\n", $1, $2, $3 }' "$DATA_OUT/shards.tsv"
} | section scale
