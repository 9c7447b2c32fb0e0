#!/bin/sh
# pg.sh [COUNT]: refreshes per second of latchkey-pg, among COUNT sessions (10^5): `serve --workers` 1, 4 and 8 at 1 to 256 connections, and two fronts, on
# a PostgreSQL of its own with fsync on, all of it on this machine. A process for each request: through pgbouncer, and without one; what
# one such refresh costs. And how table and index grow under so many refreshes of each session as DAY says (96: one each 15 minutes of a day), of sessions
# in random order, by the store's statements without the rest of latchkey; with autovacuum as it comes. DAY=0 leaves that out.
# Run by `make bench-pg`, which gives it LATCHKEY and BENCH. PROGRAMS: other builds of latchkey-pg, to be measured beside it.
. "$(dirname "$0")/lib.sh"
BENCH=$TOP/build/bench-pg
COUNT=${1:-100000}
SECONDS_EACH=${SECONDS_EACH:-5}
DAY=${DAY:-96}
SAMPLE=2048

bin=$(find /usr/lib/postgresql/*/bin -name initdb 2>/dev/null | sort -V | tail -1)
bin=${bin%/initdb}
[ "$bin" ] || die 'no PostgreSQL on this machine'
at=$(mktemp -d /var/tmp/lk-bench-pg.XXXXXX)
chmod 755 "$at"
[ "$(id -u)" -ne 0 ] || chown postgres "$at"
as() { if [ "$(id -u)" -eq 0 ]; then setpriv --reuid=postgres --regid=postgres --init-groups env HOME="$at" "$@"; else "$@"; fi; }
gone() {
    set -- $?
    [ ! -s "$at/bouncer/pid" ] || kill "$(cat "$at/bouncer/pid")"
    as "$bin/pg_ctl" -D "$at/data" -m immediate stop >/dev/null 2>&1
    rm -rf "$at"
    return "$1"
}
trap 'gone; t_cleanup' EXIT

cd /
as "$bin/initdb" -D "$at/data" -A trust -U latchkey --locale=C -E UTF8 >/dev/null || die 'no cluster'
printf '%s\n' "listen_addresses = ''" "unix_socket_directories = '$at'" 'shared_buffers = 256MB' 'max_wal_size = 4GB' 'lock_timeout = 2s' >>"$at/data/postgresql.conf"
as "$bin/pg_ctl" -w -D "$at/data" -l "$at/log" start >/dev/null || die "$(cat "$at/log")"
sql() { psql -qAtX -h "$at" -U latchkey "${2:-bench}" -c "$1"; }

# filled DATABASE PROGRAM FILL: $DATA, with that many sessions in that database; $TMP/tokens are the tokens of some.
filled() {
    sql "CREATE DATABASE $1" postgres
    DATA=$TMP/$1
    mkdir -m 700 "$DATA"
    printf '%s\n' "store = postgresql://latchkey@/$1?host=$at" 'password_memory = 8k' 'password_passes = 1' "throttle_dir = $DATA" >"$DATA/latchkey.conf"
    "$2" init --dir "$DATA" >/dev/null || die "no database $1"
    "$3" rows "$DATA" "$COUNT" $SAMPLE >"$TMP/rows" || die "no rows in $1"
    sed 1d "$TMP/rows" >"$TMP/tokens"
    sql 'VACUUM ANALYZE' "$1"
    sql CHECKPOINT "$1"
}

# spent PID: ms of processor time that it and its children have taken, those that have ended, too
spent() {
    for pid in "$1" $(pgrep -P "$1"); do cut -d ' ' -f 14-17 "/proc/$pid/stat" 2>/dev/null; done | awk -v hz="$(getconf CLK_TCK)" '{ n += $1 + $2 + $3 + $4 } END { print n * 1000 / hz }'
}
# rate PROGRAM WORKERS CONNECTIONS [SECONDS]: refreshes per second, p50 and p99; microseconds of processor time of each, latchkey's and PostgreSQL's
rate() {
    port=$(free_port)
    "$1" serve "127.0.0.1:$port" --workers "$2" --dir "$DATA" >"$TMP/serve.log" 2>&1 &
    server=$!
    t_pids="$t_pids $server"
    until t_listening "$port"; do sleep 0.1; done
    head -n "$3" "$TMP/tokens" >"$TMP/few"
    before=$(spent "$(head -n 1 "$at/data/postmaster.pid")")
    "$BENCH/load" -c "$3" -d "${4:-$SECONDS_EACH}" -p /api/auth/refresh -t application/json -f "$TMP/few" -m refresh_token \
        -b '{"refresh_token":"%t","idempotency_key":"%i"}' "$port" >"$TMP/figures" || die "$(cat "$TMP/serve.log")"
    own=$(spent "$server") database=$(spent "$(head -n 1 "$at/data/postmaster.pid")")
    sed "1,${3}d" "$TMP/tokens" >"$TMP/rest"
    cat "$TMP/few" "$TMP/rest" >"$TMP/tokens"
    kill "$server"
    wait "$server" 2>/dev/null
    awk -F '\t' -v own="$own" -v db="$database" -v before="$before" '{ printf "%s\t%s\t%s\t%.0f\t%.0f\n", $2, $3, $4, own * 1000 / $1, (db - before) * 1000 / $1 }' "$TMP/figures"
}

# rates PROGRAM: a row for each number of workers
rates() {
    for row in 1:1 1:64 4:8 4:64 4:256 8:8 8:64; do
        # shellcheck disable=SC2046  # five words
        set -- "$1" $(rate "$1" "${row%:*}" "${row#*:}")
        printf '%d\t%d\t%s\t%s\t%s\t%s\t%s\n' "${row%:*}" "${row#*:}" "$2" "$3" "$4" "$5" "$6"
    done
}

# two_fronts PROGRAM WORKERS CONNECTIONS: half of the connections at each of two fronts: refreshes per second of both
two_fronts() {
    ports=''
    for half in 1 2; do
        port=$(free_port)
        "$1" serve "127.0.0.1:$port" --workers "$2" --dir "$DATA" >"$TMP/serve$half.log" 2>&1 &
        t_pids="$t_pids $!"
        ports="$ports $port:$half:$!"
        until t_listening "$port"; do sleep 0.1; done
        head -n "$(($3 * half / 2))" "$TMP/tokens" | tail -n "$(($3 / 2))" >"$TMP/few$half"
    done
    loads=''
    for front in $ports; do
        half=${front#*:} half=${half%:*}
        "$BENCH/load" -c "$(($3 / 2))" -d "$SECONDS_EACH" -p /api/auth/refresh -t application/json -f "$TMP/few$half" -m refresh_token \
            -b '{"refresh_token":"%t","idempotency_key":"%i"}' "${front%%:*}" >"$TMP/figures$half" &
        loads="$loads $!"
    done
    # shellcheck disable=SC2086  # lists
    wait $loads || die "$(cat "$TMP"/serve*.log)"
    for front in $ports; do kill "${front##*:}"; done
    sed "1,${3}d" "$TMP/tokens" >"$TMP/rest" && mv "$TMP/rest" "$TMP/tokens"
    cat "$TMP/figures1" "$TMP/figures2" | awk -F '\t' '{ n += $2; p50 = p50 " " $3; p99 = p99 " " $4 } END { printf "2 x %s\t%s\t%.0f\tp50%s\tp99%s\n", workers, connections, n, p50, p99 }' workers="$2" connections="$3"
}

# once_through WHERE: `store` goes to that directory of sockets; a refresh as a process of its own, in pairs with an empty program: us, those of an empty
# program, ratio, peak KiB, p99, most; instructions
once_through() {
    sed -i "s|host=.*|host=$1|" "$DATA/latchkey.conf"
    tail -n 400 "$TMP/tokens" | head -n 200 >"$TMP/few"
    head -n "-400" "$TMP/tokens" >"$TMP/rest"
    tail -n 200 "$TMP/tokens" >>"$TMP/rest"
    mv "$TMP/rest" "$TMP/tokens"
    times=$(env -i GATEWAY_INTERFACE=CGI/1.1 SERVER_PROTOCOL=HTTP/1.1 SCRIPT_NAME=/auth REQUEST_METHOD=POST PATH_INFO=/refresh CONTENT_TYPE=application/json \
        REMOTE_ADDR=192.0.2.1 LATCHKEY_DIR="$DATA" REFRESH_TOKEN=- REFRESH_TOKENS="$TMP/few" "$BENCH/once" 200 "$BENCH/empty" "$LATCHKEY") || die 'a refresh failed'
    # shellcheck disable=SC2034  # of ask()
    WRAP="$(command -v valgrind) --tool=callgrind --callgrind-out-file=/dev/null --log-file=$TMP/callgrind"
    answer=$(refresh "$(tail -n 1 "$TMP/tokens")" count)
    WRAP=''
    head -n -1 "$TMP/tokens" >"$TMP/rest" && mv "$TMP/rest" "$TMP/tokens"
    [ "$(printf '%s' "$answer" | verdict)" = 200 ] || die "a counted refresh failed: $answer"
    printf '%s\t%s\n' "$times" "$(sed -n 's/.*Collected : //p' "$TMP/callgrind")"
}
bounce() {
    mkdir -m 755 "$at/bouncer"
    printf '%s\n' '[databases]' "* = host=$at" '[pgbouncer]' "unix_socket_dir = $at/bouncer" 'listen_port = 5432' 'auth_type = any' 'pool_mode = transaction' \
        'ignore_startup_parameters = extra_float_digits,options' "logfile = $at/bouncer.log" "pidfile = $at/bouncer/pid" >"$at/bouncer.ini"
    [ "$(id -u)" -ne 0 ] || chown -R postgres "$at/bouncer"
    # Without a user of its own in each database it takes the one that the cluster has.
    sed -i "s|^\* = .*|* = host=$at user=latchkey|" "$at/bouncer.ini"
    as pgbouncer "$at/bouncer.ini" >"$at/bouncer.out" 2>&1 &
    bouncer=$!
    until [ -S "$at/bouncer/.s.PGSQL.5432" ]; do sleep 0.1; kill -0 "$bouncer" || die "$(cat "$at/bouncer.out")"; done
}

# size DATABASE: bytes of the sessions and of their indexes, of the audit trail and of its own
size() {
    sql "SELECT pg_table_size('session') || E'\t' || pg_indexes_size('session') || E'\t' || pg_table_size('audit') || E'\t' || pg_indexes_size('audit')" "$1"
}

echo "of $(host), $COUNT sessions"
n=0
for program in "$LATCHKEY" ${PROGRAMS-}; do
    n=$((n + 1))
    fill=$BENCH/fill
    case $program in *=*) fill=${program#*=} program=${program%%=*} ;; esac
    filled "bench$n" "$program" "$fill"
    echo "$program: workers, connections, refreshes/s, p50 ms, p99 ms, us of a processor by latchkey, by PostgreSQL"
    rates "$program"
    two_fronts "$program" 4 64
done
[ -z "${PROGRAMS-}" ] || exit 0
echo 'a process for each: us, of an empty program, ratio, KiB, p99, most, instructions'
bounce
once_through "$at/bouncer" >"$TMP/once" || exit
echo "pgbouncer	$(cat "$TMP/once")"
once_through "$at" >"$TMP/once" || exit
echo "socket	$(cat "$TMP/once")"
[ "$DAY" -gt 0 ] || exit 0
# Batches of 32 on four connections, as a worker reads, locks and writes them (SQL_EXPECT and SQL_ROTATE_ALL). Events are left out: those are only added.
sql 'CREATE UNLOGGED TABLE pick AS SELECT row_number() OVER () AS n, id FROM session; ALTER TABLE pick ADD PRIMARY KEY(n); ANALYZE pick' bench1
cat >"$at/day.sql" <<END
UPDATE session s SET ctr=ctr+1, br=(random()*9e18)::bigint, idem=(random()*9e18)::bigint, rotated_at=rotated_at+1 FROM (SELECT id FROM session WHERE id=ANY(ARRAY(
SELECT id FROM pick WHERE n=ANY(ARRAY(SELECT 1+floor(random()*$COUNT)::int FROM generate_series(1,32))))) ORDER BY id FOR UPDATE) AS l WHERE s.id=l.id;
END
echo "sessions, their indexes, events, their indexes: bytes before, at each quarter of a day's refreshes ($DAY of each session), with minutes"
size bench1
began=$(date +%s)
for quarter in 1 2 3 4; do
    PGOPTIONS='-c synchronous_commit=off' "$bin/pgbench" -n -c 4 -t $((COUNT * DAY / 4 / 32 / 4)) -f "$at/day.sql" -h "$at" -U latchkey bench1 >"$TMP/day" 2>&1 || die "$(cat "$TMP/day")"
    echo "$quarter	$((($(date +%s) - began) / 60))	$(size bench1)"
done
sql "SELECT n_tup_upd, n_tup_hot_upd, autovacuum_count FROM pg_stat_user_tables WHERE relname='session'" bench1
