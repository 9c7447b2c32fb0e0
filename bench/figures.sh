#!/bin/sh
# figures.sh [COUNT]: what one request costs: `make bench`. Counts (bench/count.sh) are exact; times are of this
# machine at this moment, so read the ratios. Writes its part of docs/benchmarks.md and bench/data/request.tsv.
. "$(dirname "$0")/lib.sh"
count=${1:-1000}
COLD=/proc/sys/vm/drop_caches

# timed METHOD PATH COUNT [VARIABLE=VALUE]...: COUNT of them in pairs with $FLOOR; µs, µs of that, ratio, peak KiB; 99th percentile and most, µs.
FLOOR=$BENCH/empty
timed() {
    t_method=$1 t_path=$2 t_count=$3
    shift 3
    env -i GATEWAY_INTERFACE=CGI/1.1 SERVER_PROTOCOL=HTTP/1.1 SCRIPT_NAME=/auth REQUEST_METHOD="$t_method" PATH_INFO="$t_path" \
        CONTENT_TYPE=application/json REMOTE_ADDR=192.0.2.1 LATCHKEY_DIR="$DATA" "$@" \
        "$BENCH/once" "$t_count" "$FLOOR" "$LATCHKEY" || die "$t_path failed"
}
row() { # NAME, then as timed
    name=$1
    shift
    # shellcheck disable=SC2046  # six words
    set -- "$name" $(timed "$@")
    printf '%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" "$5"
}
# The first refresh of a host whose page cache has nothing of it, median of five.
cold() {
    for _ in 1 2 3 4 5; do
        sync
        echo 3 >"$COLD"
        timed POST /refresh 1 "REFRESH_TOKEN=$1"
        signed_in
        set -- "$TOKEN"
    done >"$TMP/cold"
    printf 'refresh, page cache dropped\t%s\t%s\t%s\t%s\n' "$(cut -d ' ' -f 1 "$TMP/cold" | median)" "$(cut -d ' ' -f 2 "$TMP/cold" | median)" \
        "$(cut -d ' ' -f 3 "$TMP/cold" | median)" "$(cut -d ' ' -f 4 "$TMP/cold" | median)"
}

"$TOP/bench/count.sh" >"$TMP/counted" || die 'nothing is counted'
export BARE_DB="$TMP/bare.db"
"$BENCH/bare" make 10000 || die 'no bare database'
data "$TMP/data"
signed_in
{
    printf 'request\tus\tempty us\tratio\tpeak KiB\n'
    row verify GET /verify "$count" HTTP_AUTHORIZATION="Bearer $ACCESS"
    row me GET /me "$count" HTTP_AUTHORIZATION="Bearer $ACCESS"
    row refresh POST /refresh "$count" REFRESH_TOKEN="$TOKEN"
    signed_in
    [ ! -w "$COLD" ] || cold "$TOKEN"
} >"$TMP/request.tsv"
signed_in
bare=$(FLOOR=$BENCH/bare timed POST /refresh "$count" REFRESH_TOKEN="$TOKEN" BARE_DB="$BARE_DB")
# crowded PROGRAM [VARIABLE=VALUE]...: eight of them at a time, each session's in a row; median, worst 99th percentile and most, ms.
crowded() {
    c_program=$1
    shift
    c_jobs=''
    for i in 1 2 3 4 5 6 7 8; do
        if [ "$c_program" = "$LATCHKEY" ]; then
            signed_in
            set -- REFRESH_TOKEN="$TOKEN"
        fi
        LATCHKEY=$c_program FLOOR=- timed POST /refresh "$count" "$@" >"$TMP/crowd.$i" &
        c_jobs="$c_jobs $!"
    done
    for c_job in $c_jobs; do wait "$c_job" || die "not all of the crowd were answered"; done
    sort -n "$TMP"/crowd.? | awk '{ median[NR] = $1; if ($5 > worst) worst = $5; if ($6 > most) most = $6 }
        END { printf "%.1f | %.1f | %.1f\n", median[4] / 1000, worst / 1000, most / 1000 }'
}
crowd_ours=$(crowded "$LATCHKEY") || die 'no crowd'
crowd_bare=$(crowded "$BENCH/bare" BARE_DB="$BARE_DB") || die 'no crowd'
crowd_waits=$(crowded "$BENCH/bare" BARE_DB="$BARE_DB" BARE_WAITS=5000) || die 'no crowd'
mkdir -p "$DATA_OUT"
cp "$TMP/request.tsv" "$DATA_OUT/request.tsv"

{
    echo "Executable: $(wc -c <"$LATCHKEY") bytes, static. $(host)."
    echo
    echo '| request | instructions | system calls | bytes written | syncs |'
    echo '|---|---|---|---|---|'
    awk '!/^#/ && $1 != "session" { printf "| %s | %d | %d | %d | %d |\n", $1, $2, $3, $4, $5 }' "$TMP/counted"
    echo
    echo "| request, $count processes | µs, median | empty program, µs | ratio, median of pairs | peak resident KiB |"
    echo '|---|---|---|---|---|'
    awk -F '\t' 'NR > 1 { printf "| %s | %d | %d | %.2f | %d |\n", $1, $2, $3, $4, $5 }' "$TMP/request.tsv"
    # shellcheck disable=SC2086  # four words
    set -- $bare
    printf '\nBeside a program that does the rotation alone, with SQLite as it comes, tuned the same way (`bench/bare.c`): %s µs to %s µs, **%s**, median of pairs.\n' "$1" "$2" "$3"
    echo
    echo "| eight at a time, each $count refreshes in a row | median, ms | worst 99th percentile | most |"
    echo '|---|---|---|---|'
    echo "| latchkey | $crowd_ours |"
    echo "| the program of the last line, which takes a lock first | $crowd_bare |"
    echo "| the same with SQLite's own waiting, 5 s, and its WAL as it comes | $crowd_waits |"
    [ -w "$COLD" ] || printf '\nThe page cache cannot be dropped here, so there is no figure of a cold host.\n'
} | section request
