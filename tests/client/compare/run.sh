#!/bin/sh
# run.sh: prints the comparison of docs/client.md, from runs of the pinned packages.
set -eu
cd "$(dirname "$0")/../../.."
tests/client/install.sh compare
exec node tests/client/compare/run.js
