#!/bin/sh
# The demo page in real Chromium, as latchkey serve serves it. Screenshots: build/client/shots.
# needs: node chromium
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: a browser
set -e
cd "$(dirname "$0")/.."
tests/client/install.sh
node=$(tests/client/node.sh)
exec "$node" tests/client/demo.js
