#!/bin/sh
# /authorize and /device in real Chromium, as latchkey serve serves them, with a client of another site: cookies, form-action, frames, popups.
# needs: node chromium
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: a browser
set -e
cd "$(dirname "$0")/.."
tests/client/install.sh
node=$(tests/client/node.sh)
exec "$node" tests/client/authorize.js
