#!/bin/sh
# The mutation gate: each thing that is taken out of session.js
# must turn the scenario red that mutations.js names for it.
set -eu
cd "$(dirname "$0")/.."
tests/client/install.sh
node=$(tests/client/node.sh)
exec "$node" tests/client/run.js mutations upstream=serve
