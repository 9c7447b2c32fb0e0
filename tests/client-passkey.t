#!/bin/sh
# Passkeys in real Chromium with a virtual authenticator: www/passkey.js and session.js against latchkey serve.
# needs: node chromium
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: a browser
set -e
cd "$(dirname "$0")/.."
tests/client/install.sh
node=$(tests/client/node.sh)
exec "$node" tests/client/passkey.js
