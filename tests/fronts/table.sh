#!/bin/sh
# table.sh: puts the table that tests/fronts.t left in build/fronts.md between the README's markers.
set -eu
cd "$(dirname "$0")/../.."
sed -i -e '/^<!-- fronts -->$/r build/fronts.md' -e '/^<!-- fronts -->$/,/^<!-- end of fronts -->$/{/^|/d;}' README.md
