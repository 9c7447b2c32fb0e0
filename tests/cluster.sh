# shellcheck shell=sh
# cluster.sh: PostgreSQL as on several hosts, on loopback: a primary, a standby of it, their loss and return. Sourced after lib.sh, calls.sh and herd.sh.
#
#   cluster_begin            two nodes, a and b, with a port each; $PG_a is the primary, $PG_b its standby. Skips the test where there is no PostgreSQL.
#                            PG_ROOM: a lies on a tmpfs of that size, which the test may fill; in a mount namespace of the test's own, as root
#   pg_primary, pg_standby   the names of the two as they are now
#   pg_sql NAME SQL...       there, as the superuser, in $PG_DATABASE (postgres); prints rows
#   pg_synchronous on|off    whether a commit that must last waits for the standby
#   pg_behind on|off         the standby gets nothing any more, as of a slow network: how commits get lost; or goes on
#   pg_fail_over             the primary is killed with all of its processes, and the standby promoted
#   pg_return                the dead one comes back as the standby of the other; pg_is_whole: it needn't
#   cluster_data DIR DATABASE [CONF-LINE...]   a database, a data directory DIR-a for it, and DIR-b, which is a copy as another host has it. A key
#                            that lies in DIR-a is kept
#   fronts_begin DATABASE    its data directories $TMP/DATABASE-a and -b, and two fronts; fronts_end
#   story NAME HERD-WORDS... a herd before two fronts on a database of its own, while function NAME goes on. $SESSIONS, $SYNCHRONOUS (on)
#   control WORDS FIGURE NAME HERD-WORDS...    a story of something broken, until the herd's figure of that name tells of it
#
# All of it belongs to user postgres where the test is run by root, since PostgreSQL refuses that. What is killed is so many processes that fsync
# has nothing to show: it is off. Shared memory lies in the node's directory: what a killed node leaves in /dev/shm nobody takes away.

PG_BIN=$(find /usr/lib/postgresql/*/bin -name initdb 2>/dev/null | sort -V | tail -n 1)
PG_BIN=${PG_BIN%/initdb}
PG_PASSWORD='of the tests'

pg_as() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid=postgres --regid=postgres --init-groups env HOME="$PG_HOME" PGPASSFILE="$PG_HOME/pass" "$@"
    else
        env PGPASSFILE="$PG_HOME/pass" "$@"
    fi
}
pg_port() { eval "printf '%s' \"\$PG_$1\""; }
pg_node_dies() { # NAME: at once, with all of its processes
    n_pid=$(head -n 1 "$PG_HOME/$1/postmaster.pid" 2>/dev/null) || return 0
    # The file of one that ended by itself may name another process by now.
    # shellcheck disable=SC2046  # a list
    ! grep -qs "$PG_HOME/$1" "/proc/$n_pid/cmdline" || kill -9 "$n_pid" $(children_of "$n_pid") 2>/dev/null
    stop "pg_$1" 2>/dev/null
    rm -f "$PG_HOME/$1/postmaster.pid"
}
cluster_end() {
    for c_node in a b; do pg_node_dies "$c_node"; done
    [ -z "${PG_ROOM-}" ] || umount -l "$PG_HOME/a"
}
pg_ready() { pg_as "$PG_BIN/pg_isready" -q -h 127.0.0.1 -p "$(pg_port "$1")"; }
pg_node_starts() { # NAME
    start "pg_$1" pg_as "$PG_BIN/postgres" -D "$PG_HOME/$1"
    eventually pg_ready "$1" || diag "$(tail -n 5 "$TMP/pg_$1.log")"
}
pg_sql() { # NAME SQL...
    q_node=$1
    shift
    for q_sql; do
        pg_as "$PG_BIN/psql" -X -A -t -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$(pg_port "$q_node")" -U postgres -d "${PG_DATABASE-postgres}" -c "$q_sql" </dev/null || return
    done
}

pg_options() { # NAME
    cat <<CONF
port = $(pg_port "$1")
cluster_name = '$1'
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
shared_buffers = 16MB
dynamic_shared_memory_type = mmap
max_connections = ${PG_CONNECTIONS-60}
max_wal_size = ${PG_WAL-128MB}
fsync = off
full_page_writes = on
wal_log_hints = on
wal_keep_size = ${PG_WAL-64MB}
hot_standby = on
CONF
}
pg_make_primary() { # NAME
    if [ -n "${PG_ROOM-}" ]; then
        mkdir "$PG_HOME/$1"
        mount -t tmpfs -o "size=$PG_ROOM,mode=700,uid=postgres,gid=postgres" tmpfs "$PG_HOME/$1"
    fi
    # shellcheck disable=SC2086  # words
    pg_as "$PG_BIN/initdb" ${PG_ROOM:+--wal-segsize=4} -D "$PG_HOME/$1" -A scram-sha-256 --pwfile="$PG_HOME/password" -U postgres --no-sync --locale=C.UTF-8 -E UTF8 >"$PG_HOME/log" 2>&1 ||
        diag "$(tail -n 3 "$PG_HOME/log")"
    pg_options "$1" >>"$PG_HOME/$1/postgresql.conf"
    echo 'host replication postgres 127.0.0.1/32 scram-sha-256' >>"$PG_HOME/$1/pg_hba.conf"
    pg_node_starts "$1"
    pg_sql "$1" "CREATE ROLE latchkey LOGIN PASSWORD '$PG_PASSWORD'" "ALTER ROLE latchkey SET lock_timeout='2s'"
}
pg_make_standby() { # NAME PRIMARY
    pg_as rm -rf "${PG_HOME:?}/$1"
    pg_as "$PG_BIN/pg_basebackup" -D "$PG_HOME/$1" -d "host=127.0.0.1 port=$(pg_port "$2") user=postgres application_name=$1" -R -X stream -c fast --no-sync >"$PG_HOME/log" 2>&1 ||
        diag "$(tail -n 3 "$PG_HOME/log")"
    sed -i "s/^port = .*/port = $(pg_port "$1")/; s/^cluster_name = .*/cluster_name = '$1'/" "$PG_HOME/$1/postgresql.conf"
    pg_conninfo=$(sed -n "s/^primary_conninfo = '\(.*\)'\$/\1/p" "$PG_HOME/$1/postgresql.auto.conf" | tail -n 1)
    pg_node_starts "$1"
    pg_primary=$2 pg_standby=$1
    eventually pg_streams || diag "$(tail -n 5 "$TMP/pg_$1.log")"
}
pg_streams() { [ "$(pg_sql "$pg_primary" 'SELECT count(*) FROM pg_stat_replication')" -gt 0 ]; }

cluster_begin() {
    [ "$PG_BIN" ] || skip_all 'no PostgreSQL on this machine (Debian: postgresql)'
    tmpdir
    t_status=0
    trap 't_status=$?; cluster_end; (exit "$t_status"); t_cleanup' EXIT
    PG_HOME=$TMP/pg
    mkdir "$PG_HOME"
    chmod 711 "$TMP"
    PG_a=$(free_port 2)
    PG_b=$((PG_a + 1))
    printf '%s\n' "$PG_PASSWORD" >"$PG_HOME/password"
    printf '127.0.0.1:*:*:*:%s\n' "$PG_PASSWORD" >"$PG_HOME/pass"
    chmod 600 "$PG_HOME/pass"
    [ "$(id -u)" -ne 0 ] || chown -R postgres: "$PG_HOME"
    pg_make_primary a
    pg_make_standby b a
}

pg_synchronous() { # on|off
    s_names=''
    [ "$1" = off ] || s_names=$pg_standby
    pg_sql "$pg_primary" "ALTER SYSTEM SET synchronous_standby_names='$s_names'" 'SELECT pg_reload_conf()' >/dev/null
    pg_state() { [ "$(pg_sql "$pg_primary" "SELECT count(*) FROM pg_stat_replication WHERE sync_state='sync'")" = "${s_names:+1}" ]; }
    [ "$1" = off ] || eventually pg_state
}
pg_behind() { # on|off
    b_from=$pg_conninfo
    [ "$1" = off ] || b_from=''
    pg_sql "$pg_standby" "ALTER SYSTEM SET primary_conninfo='$(printf '%s' "$b_from" | sed "s/'/''/g")'" 'SELECT pg_reload_conf()' >/dev/null
}
pg_fail_over() {
    pg_node_dies "$pg_primary"
    f_dead=$pg_primary
    pg_primary=$pg_standby pg_standby=$f_dead
    pg_as "$PG_BIN/pg_ctl" -D "$PG_HOME/$pg_primary" -w promote >/dev/null || diag "$(tail -n 5 "$TMP/pg_$pg_primary.log")"
    # What it was told as a standby: a primary without one answers at once.
    pg_sql "$pg_primary" "ALTER SYSTEM SET synchronous_standby_names=''" 'SELECT pg_reload_conf()' >/dev/null
}
pg_is_whole() { [ -e "$PG_HOME/$pg_standby/postmaster.pid" ]; }
pg_return() { pg_make_standby "$pg_standby" "$pg_primary"; }

cluster_data() { # DIR DATABASE CONF-LINE...
    d_dir=$1 d_name=$2
    shift 2
    pg_sql "$pg_primary" "CREATE DATABASE \"$d_name\" OWNER latchkey TEMPLATE template0"
    mkdir -p "$d_dir-a"
    chmod 700 "$d_dir-a"
    printf '%s\n' "store = postgresql://latchkey@127.0.0.1:$PG_a,127.0.0.1:$PG_b/$d_name" 'password_memory = 8k' 'password_passes = 1' "throttle_dir = $d_dir-a" "$@" \
        >"$d_dir-a/latchkey.conf"
    cp "$PG_HOME/pass" "$d_dir-a/latchkey.pgpass"
    [ "$(id -u)" -ne 0 ] || chown root: "$d_dir-a/latchkey.pgpass"
    "$LATCHKEY_PG" init --dir "$d_dir-a" >/dev/null
    cp -R "$d_dir-a" "$d_dir-b"
    sed -i "s|^throttle_dir = .*|throttle_dir = $d_dir-b|" "$d_dir-b/latchkey.conf"
}

fronts_begin() { # DATABASE
    herd_options >"$TMP/options"
    cluster_data "$TMP/$1" "$1" "$(cat "$TMP/options")"
    PORT_a=$(free_port 2)
    PORT_b=$((PORT_a + 1))
    front a "$TMP/$1-a"
    front b "$TMP/$1-b"
}
fronts_end() {
    front_die a
    front_die b
}

# What has died comes back.
make_whole() {
    pg_is_whole || pg_return
    pg_synchronous "$SYNCHRONOUS"
}

SYNCHRONOUS=on
story() { # NAME HERD-WORDS...
    stories=$((${stories-0} + 1))
    s_name=$1
    shift
    make_whole
    fronts_begin "$s_name$stories"
    # shellcheck disable=SC2153  # the test sets it
    herd_start -r 3 -b 100 "$@" "$SESSIONS" "$PORT_a" "$PORT_b"
    "$s_name"
    herd_end
    fronts_end
}

caught=0 controls=0
# Whether one loss hits anybody is chance, so a control has four.
control() { # NAME FIGURE STORY WORDS...: the figure tells of it
    c_name=$1 c_figure=$2
    shift 2
    controls=$((controls + 1))
    for c_at in 1 2 3 4; do
        story "$@"
        herd_diag "control: $c_name, $c_at"
        [ "$(herd_is "$c_figure")" -eq 0 ] || break
    done
    ok "control: $c_name: $c_figure $(herd_is "$c_figure")" test "$(herd_is "$c_figure")" -gt 0 && caught=$((caught + 1))
}
