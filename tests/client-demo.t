#!/bin/sh
# The demo page in real Chromium, as latchkey serve serves it. Screenshots: build/client/shots.
set -eu
cd "$(dirname "$0")/.."
tests/client/install.sh
node=$(tests/client/node.sh)
exec "$node" tests/client/demo.js
