#!/bin/sh
# The module in Node, the bytes of the client, and that session.min.js is what session.js gives.
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
exec "$node" tests/client/node.js
