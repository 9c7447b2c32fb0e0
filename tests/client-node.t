#!/bin/sh
# The module in Node, the bytes of the client, and that session.min.js is what session.js gives.
set -eu
cd "$(dirname "$0")/.."
tests/client/install.sh
tests/client/size.sh | sed 's/^/# /'
tests/client/size.sh >/dev/null
tests/client/build.sh --check
node=$(tests/client/node.sh)
exec "$node" tests/client/node.js
