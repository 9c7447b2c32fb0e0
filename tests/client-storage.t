#!/bin/sh
# The sweep of storage (tests/client/sweep.js): each call that an app makes of its storage fails in
# each way, while answers are lost; then the app is launched again. Nobody is signed out, and the
# server takes no token for a stolen one. The long form has every point, the short one each 40th.
# needs: node
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: a thousand sign-ins would take its emulator an hour
tmpdir
cd "$TOP" || exit 1
tests/client/install.sh
node=$(tests/client/node.sh)

sweep() { # NAME OPTIONS...
    name=$1
    shift
    ok "$name: the sweep ran" sh -c 'out=$1; shift; "$@" >"$out"' sh "$TMP/$name" "$node" tests/client/sweep.js "$@"
    grep '^#' "$TMP/$name" || :
}
figure() { sed -n "s/^.*\<$2=\([0-9]*\).*/\1/p" "$TMP/$1" | tail -n 1; }

part=0/40
[ -z "${TORTURE-}" ] || part=0/1
sweep whole "part=$part"
points=$(figure whole points)
ok "points were tried: $points" [ "$points" -gt 40 ]
ok "the server's audit was read: $(figure whole audited) events" [ "$(figure whole audited)" -gt "$points" ]
is "$(figure whole terminal)" 0 'no session is over that nobody has ended'
is "$(figure whole lost)" 0 'what storage holds is there at the next launch'
is "$(figure whole stuck)" 0 'something comes of each call'
is "$(figure whole reuses)" 0 'no token is taken for a stolen one'

sweep control part=0/12 'without=that a refresh uses what storage holds' 'faults=writes, from then on'
reuses=$(figure control reuses)
ok "control: a client that builds upon what could not be stored is found out, $reuses times" [ "$reuses" -gt 0 ]
promise storage "$points" "$(($(figure whole terminal) + $(figure whole lost) + $(figure whole stuck) + $(figure whole reuses)))" \
    "a client that builds upon what could not be stored: $reuses false thefts"
done_testing
