#!/bin/sh
# The mutation gate: each thing that is taken out of session.js
# must turn the scenario red that mutations.js names for it.
# needs: node chromium
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: a browser
set -e
cd "$(dirname "$0")/.."
tests/client/install.sh
node=$(tests/client/node.sh)
exec "$node" tests/client/run.js mutations upstream=serve
