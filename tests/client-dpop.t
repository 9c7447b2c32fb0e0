#!/bin/sh
# www/dpop.js with session.js in real Chromium: latchkey serve meets the sources, lighttpd with latchkey as CGI the minified
# file; then each thing that is taken out of it must turn its scenario red. All of it is in tests/client/dpop.js.
# needs: node chromium lighttpd
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: a browser
set -e
cd "$TOP"
tests/client/install.sh
node=$(tests/client/node.sh)
tmpdir
status=0
"$node" tests/client/run.js suite=dpop upstream=serve,lighttpd >"$TMP/told" || status=1
"$node" tests/client/run.js suite=dpop mutations >"$TMP/mutants" || status=1
awk '/^(not )?ok / { sub(/ok [0-9]+/, "ok " ++n) } !/^1\.\.[0-9]/ { print } END { print "1.." n }' "$TMP/told" "$TMP/mutants"
# shellcheck disable=SC2034  # for lib.sh
t_done=1
exit $status
