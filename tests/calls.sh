# shellcheck shell=sh
# calls.sh: a data directory, and calls of the shipped binary as a web server's CGI makes them.
# Sourced after lib.sh:  . "$(dirname "$0")/calls.sh"

PASSWORD='correct horse'

# in_memory: what tmpdir makes then is on a tmpfs, where there is one that programs run from. For tests that aren't about disks.
in_memory() {
    c_probe=$(mktemp /dev/shm/latchkey.XXXXXX 2>/dev/null) || return 0
    printf '#!/bin/sh\n' >"$c_probe"
    chmod 700 "$c_probe"
    if "$c_probe" 2>/dev/null; then export TMPDIR=/dev/shm; fi
    rm -f "$c_probe"
}

# data DIR [CONF-LINE...]: a data directory with user demo. Its hashes are cheap: what a hash costs
# is password_test.c's to show. The throttle's table lies in it, so that no test is another's network.
data() {
    DATA=$1
    shift
    lk_init "$DATA"
    printf '%s\n' 'password_memory = 8k' 'password_passes = 1' "throttle_dir = $DATA" "$@" >"$DATA/latchkey.conf"
    printf '%s\n' "$PASSWORD" | "$LATCHKEY" user add demo --dir "$DATA" >/dev/null
}

# copy_data FROM TO: in the place of TO a copy of that data directory and its store. Over PostgreSQL that is a database.
copy_data() {
    [ "$LK_B" != pg ] || ! [ -s "$2/latchkey.pgdb" ] || in_cluster "DROP DATABASE $(cat "$2/latchkey.pgdb") WITH (FORCE)"
    rm -rf "$2"
    cp -a "$1" "$2"
    [ "$LK_B" = pg ] || return 0
    c_name=t$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')
    in_cluster "CREATE DATABASE $c_name TEMPLATE $(cat "$1/latchkey.pgdb")"
    printf '%s' "$c_name" >"$2/latchkey.pgdb"
}
in_cluster() { psql -qX -h "$LK_BUILD/cluster" -U latchkey -c "$1" postgres; }

# verb WORDS...: an operator's verb on that directory.
verb() { "$LATCHKEY" "$@" --dir "$DATA"; }

# ask METHOD PATH BODY [NAME=VALUE...]: one request; prints the answer, CGI head and all. WRAP is a
# command that runs latchkey (strace, setpriv), if any; PEER is who asks.
WRAP='' PEER=192.0.2.1
ask() {
    c_method=$1 c_path=$2 c_body=$3
    shift 3
    # shellcheck disable=SC2086  # WRAP is a list of words
    printf '%s' "$c_body" | env -i GATEWAY_INTERFACE=CGI/1.1 SERVER_PROTOCOL=HTTP/1.1 SCRIPT_NAME=/auth \
        REQUEST_METHOD="$c_method" PATH_INFO="$c_path" CONTENT_TYPE=application/json CONTENT_LENGTH="${#c_body}" \
        REMOTE_ADDR="$PEER" LATCHKEY_DIR="$DATA" ASAN_OPTIONS="${ASAN_OPTIONS-}" "$@" $WRAP "$LATCHKEY"
}

# junk BLOCKS: blocks of 512 bytes that are no page of a database, whatever comes before and after. Bytes of chance may be one.
junk() { head -c $((512 * $1)) /dev/zero | tr '\0' Z; }

# The calls that most tests make.
login() { ask POST /login "{\"username\":\"demo\",\"password\":\"$PASSWORD\"}"; }
refresh() { # TOKEN [IDEMPOTENCY-KEY]
    ask POST /refresh "{\"refresh_token\":\"$1\"${2:+,\"idempotency_key\":\"$2\"}}"
}
with_token() { # ACCESS-TOKEN METHOD PATH
    ask "$2" "$3" '' HTTP_AUTHORIZATION="Bearer $1"
}

# Parts of an answer: member NAME (the first of that name) and status read it on stdin; verdict is the status and, where there
# is one, the error's code: "200", "401 session_revoked".
member() { tr '{,' '[\n*]' | sed -n "/^\"$1\":/{s/^[^:]*:\"\{0,1\}\([^\"}]*\).*/\1/p;q;}"; }
status() { sed -n '1s/^Status: \([0-9]*\).*/\1/p'; }
verdict() {
    # A member's name may stand in a log line as well; the code is the body's.
    sed -n '1s/^Status: \([0-9]*\).*/\1/p; s/^{"error":{"code":"\([a-z_]*\)".*/\1/p' | paste -sd ' ' -
}

# signed_in: $TOKEN, the refresh token of a new session, and $ACCESS.
signed_in() {
    c_answer=$(login)
    TOKEN=$(printf '%s' "$c_answer" | member refresh_token)
    # shellcheck disable=SC2034  # for the test
    ACCESS=$(printf '%s' "$c_answer" | member access_token)
    [ -n "$TOKEN" ] || diag "no sign-in: $c_answer"
}

# events NAME: how many events of that kind the audit trail has.
events() { verb audit --json | grep -c "\"event\":\"$1\""; }
