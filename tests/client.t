#!/bin/sh
# session.js in real Chromium: latchkey serve meets the source, lighttpd with latchkey as CGI the
# minified file, each in cookie mode and in body mode. TAP comes from tests/client/run.js.
# needs: node chromium lighttpd
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: a browser
set -e
cd "$(dirname "$0")/.."
tests/client/install.sh
node=$(tests/client/node.sh)
exec "$node" tests/client/run.js upstream=serve,lighttpd
