#!/bin/sh
# node.sh [20|26]: prints the path of a Node.js to run tests with.
#   node.sh       the machine's own where it is 20 or newer, else 26
#   node.sh 20    the oldest that the client is for
#   node.sh 26    the current long-term one
# What the machine hasn't comes from npm, pinned, as a package that carries the binary (install.sh), once.
set -eu
cd "$(dirname "$0")/../.."
own=$(command -v node || :)
major=$([ -z "$own" ] || "$own" -p 'process.versions.node.split(".")[0]')
want=${1-26}
if [ "${major:-0}" = "$want" ] || [ $# -eq 0 ] && [ "${major:-0}" -ge 20 ]; then
    echo "$own"
    exit
fi
case $(uname -m) in
x86_64) cpu=x64 ;;
aarch64) cpu=arm64 ;;
*) echo "node.sh: install Node.js $want: npm has no binary of it for $(uname -m)" >&2; exit 1 ;;
esac
tests/client/install.sh "node$want"
echo "$PWD/build/node$want/node_modules/node-linux-$cpu/bin/node"
