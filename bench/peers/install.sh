#!/bin/sh
# install.sh: the peers into build/peers: npm ci what package-lock.json pins, better-sqlite3 compiled from
# its source (node's headers are looked for beside node), glewlwyd unpacked from Debian's packages. Does nothing when it is there.
set -eu
cd "$(dirname "$0")/../.."
from=bench/peers to=build/peers
mkdir -p "$to"
"$from/glewlwyd.sh" "$to/glewlwyd"
cp "$from"/*.js "$to"
cmp -s "$from/package-lock.json" "$to/installed" && exit 0
cp "$from/package.json" "$from/package-lock.json" "$to"
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || { echo "install: the peers need node 20 or later" >&2; exit 1; }
node=$(readlink -f "$(command -v node)")
npm=$(readlink -f "$(command -v npm)")
headers=${node%/bin/node}
[ -e "$headers/include/node/node.h" ] || { echo "install: no headers of node in $headers/include/node" >&2; exit 1; }
for gyp in "${npm%/bin/*}/node_modules/node-gyp/bin/node-gyp.js" /usr/share/nodejs/node-gyp/bin/node-gyp.js; do
    [ ! -e "$gyp" ] || break
done
(cd "$to" && npm ci --ignore-scripts --no-audit --no-fund --silent >&2)
(cd "$to/node_modules/better-sqlite3" && nice node "$gyp" rebuild --release --nodedir="$headers" >"$OLDPWD/$to/gyp.log" 2>&1) ||
    { tail -n 20 "$to/gyp.log" >&2; exit 1; }
# As a prebuilt one would be.
(cd "$to/node_modules/better-sqlite3/build" && mv Release/better_sqlite3.node . && rm -rf Release && mkdir Release && mv better_sqlite3.node Release)
cp "$from/package-lock.json" "$to/installed"
