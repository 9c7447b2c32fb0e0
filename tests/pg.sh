#!/bin/sh
# pg.sh DIR COMMAND...: runs the command while a throw-away PostgreSQL cluster listens on sockets in DIR, which is a link to where it
# lies. Nothing of it is left behind. Without PostgreSQL on this machine: says so, exit code 0.
set -eu
link=$1
shift
bin=$(find /usr/lib/postgresql/*/bin -name initdb 2>/dev/null | sort -V | tail -1)
[ "$bin" ] || { echo "tests: skipped, no PostgreSQL on this machine (Debian: postgresql)"; exit 0; }
bin=${bin%/initdb}
at=$(mktemp -d "${TMPDIR:-/tmp}/lk-pg.XXXXXX")
# It refuses to run as root.
as=''
if [ "$(id -u)" -eq 0 ]; then
    chown postgres "$at"
    as="setpriv --reuid=postgres --regid=postgres --init-groups env HOME=$at"
fi
finish() {
    status=$?
    trap - EXIT INT TERM
    # shellcheck disable=SC2086  # a list of words
    $as "$bin/pg_ctl" -D "$at/data" -m immediate stop >/dev/null 2>&1 || :
    rm -rf "$at" "$link"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cd /
# shellcheck disable=SC2086
$as "$bin/initdb" -D "$at/data" -A trust -U latchkey --locale=C -E UTF8 --no-sync >"$at/log" 2>&1 || { cat "$at/log"; exit 1; }
cat >>"$at/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$at'
fsync = off
full_page_writes = off
max_connections = 200
lock_timeout = 2s
autovacuum = off
CONF
# shellcheck disable=SC2086
$as "$bin/pg_ctl" -w -D "$at/data" -l "$at/server.log" start >/dev/null || { cat "$at/server.log"; exit 1; }
chmod 755 "$at"
rm -rf "$link"
ln -s "$at" "$link"
cd "$OLDPWD"
"$@"
