#!/bin/sh
# The pages of the door in real Chromium, as latchkey serve serves them, without script and by axe. Screenshots: build/client/shots.
# needs: node chromium oathtool zbar
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: a browser
set -e
cd "$(dirname "$0")/.."
tests/client/install.sh
node=$(tests/client/node.sh)
exec "$node" tests/client/door.js
