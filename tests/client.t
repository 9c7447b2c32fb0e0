#!/bin/sh
# session.js in real Chromium: latchkey serve meets the source, lighttpd with latchkey as CGI the
# minified file, in cookie mode and in body mode (the second with lighttpd where TORTURE is set). TAP comes from tests/client/run.js. And what measures
# the first answers of twenty documents still runs (tests/client/loads.js).
# needs: node chromium lighttpd
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: a browser
set -e
cd "$(dirname "$0")/.."
tests/client/install.sh
node=$(tests/client/node.sh)
RUNS=1 "$node" tests/client/loads.js >/dev/null
exec "$node" tests/client/run.js upstream=serve,lighttpd
