#!/bin/sh
# The recipes of docs/clients.md, each as the page prints it, against a server (tests/client/recipes/main.js).
# TORTURE=1: the five processes of the Node recipe are killed 500 times.
# needs: node chromium curl java kotlin
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: browsers, Java, Kotlin, Node
set -e
cd "$TOP"
tests/client/install.sh
tests/client/install.sh runtimes
node=$(tests/client/node.sh 26)
report "$node" tests/client/recipes/main.js "$@"
promise 'client/five processes of Node that are killed' "$(sed -n 's/.* five processes, \([0-9]*\) kills.*/\1/p' "$TMP/tap")" \
    "$(grep -c '^not ok' "$TMP/tap")" "$(sed -n 's/^ok .* control: \(written .*\)/\1/p' "$TMP/tap")"
done_reported
