#!/bin/sh
# install.sh [NAME]: npm ci into build/NAME (default: client) what the package-lock.json beside this
# script, or in its folder NAME, pins. Does nothing when that is there already. One at a time: tests
# run side by side, and two of npm in one folder break each other's work.
set -eu
cd "$(dirname "$0")/../.."
name=${1-client}
from=tests/client${1+/$1}
to=build/$name
mkdir -p "$to"
exec 9>"$to/lock"
flock 9
if ! cmp -s "$from/package-lock.json" "$to/installed"; then
    cp "$from/package.json" "$from/package-lock.json" "$to"
    top=$PWD
    # npm leaves out, without a word, what doesn't suit the Node.js that runs it: it's the one that will run the packages.
    case $name in node*) ;; *) PATH=$(dirname "$(tests/client/node.sh)"):$PATH ;; esac
    (cd "$to" && "$top/tools/npm.sh" ci --ignore-scripts --legacy-peer-deps --no-audit --no-fund --silent >&2 9>&-)
    cp "$from/package-lock.json" "$to/installed"
fi
