#!/bin/sh
# The recipes of docs/clients.md, each as the page prints it, against a server (tests/client/recipes/main.js).
# TORTURE=1: the five processes of the Node recipe run for two minutes.
# needs: node chromium curl java kotlin
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: browsers, Java, Kotlin, Node
set -e
cd "$TOP"
tests/client/install.sh
tests/client/install.sh runtimes
node=$(tests/client/node.sh 26)
exec "$node" tests/client/recipes/main.js "$@"
