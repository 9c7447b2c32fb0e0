#!/bin/sh
# session.js in every runtime that it is for, each really run (tests/client/runtimes/main.js has the list).
# TORTURE=1: Firefox runs every scenario of the client.
# needs: node chromium firefox
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: browsers, and other engines of JavaScript
set -e
cd "$TOP"
tests/client/install.sh
tests/client/install.sh runtimes
node=$(tests/client/node.sh 26)
# attw asks npm what it would pack.
command -v npm >/dev/null || {
    tmpdir
    printf '#!/bin/sh\nNPM_UNPACKED=1 exec "%s/tools/npm.sh" "$@"\n' "$TOP" >"$TMP/npm"
    chmod 755 "$TMP/npm"
    PATH=$TMP:$PATH
}
report "$node" tests/client/runtimes/main.js "$@"
promise client/Firefox "$(grep -c 'ok .* Firefox \[' "$TMP/tap")" "$(grep -c '^not ok' "$TMP/tap")" \
    "$(sed -n 's/^ok .* control: \(without .*\)/\1/p' "$TMP/tap")"
done_reported
