#!/bin/sh
# The module in Node, as source and minified, the bytes of the client, what each part of it costs, and
# that session.js and session.min.js are what their sources give; and that the scenarios which the pages name are there.
# needs: node
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: gives its scenarios seconds, for a server of this machine's speed
set -e
cd "$(dirname "$0")/.."
tests/client/install.sh
tests/client/size.sh | sed 's/^/# /'
tests/client/size.sh >/dev/null
tests/client/build.sh --check
node=$(tests/client/node.sh)
"$node" tests/client/costs.js --check
"$node" tests/client/pages.js
tmpdir
"$node" tests/client/node.js serve module=www/session.min.js >"$TMP/min" 2>&1 &
min=$!
status=0
"$node" tests/client/node.js serve >"$TMP/source" 2>&1 || status=1
wait "$min" || status=1
awk '/^(not )?ok / { sub(/ok [0-9]+/, "ok " ++n) } !/^1\.\.[0-9]/ { print } END { print "1.." n }' "$TMP/source" "$TMP/min"
# shellcheck disable=SC2034  # for lib.sh
t_done=1
exit $status
