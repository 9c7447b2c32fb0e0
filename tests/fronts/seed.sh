#!/bin/sh
# seed.sh DIR: the data directory that every front begins with: user demo, whose story smoke.sh tells, and
# a session of alice and one of victim for each case of hostile.py. DIR/tokens has a line of
# user, case, session, refresh token and access token for each.
TOP=$(cd "$(dirname "$0")/../.." && pwd)
LATCHKEY=${LATCHKEY:-$TOP/latchkey}
lk_init() { "$LATCHKEY" init --dir "$1" >/dev/null; }
. "$TOP/tests/calls.sh"
data "$1" 'access_ttl = 1h'
verb user set demo subscription '{"plan":"pro","status":"active","expires_at":null}' >/dev/null
n=0
for user in alice victim; do
    printf '%s\n' "$PASSWORD" | verb user add $user >/dev/null
    for case in $("$TOP/tests/fronts/hostile.py" "$user"); do
        n=$((n + 1)) PEER=10.0.$n.1
        answer=$(ask POST /login "{\"username\":\"$user\",\"password\":\"$PASSWORD\",\"device\":\"$case\"}")
        id=$(printf '%s' "$answer" | sed -n 's/.*"session":{"id":"\([0-9a-f]*\)".*/\1/p')
        printf '%s %s %s %s %s\n' $user "$case" "$id" "$(printf '%s' "$answer" | member refresh_token)" \
            "$(printf '%s' "$answer" | member access_token)" >>"$1/tokens"
    done
done
rm -f "$1/throttle"
