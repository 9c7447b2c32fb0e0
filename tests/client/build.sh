#!/bin/sh
# build.sh: session.js -> session.min.js, with the terser that package-lock.json pins.
#   build.sh            writes www/session.min.js
#   build.sh --check    fails when the committed one is not what the source gives
# size.sh prints the bytes; install.sh brings the tools.
set -eu
cd "$(dirname "$0")/../.."
tests/client/install.sh
minify() {
    build/client/node_modules/.bin/terser www/session.js --module --mangle \
        --compress passes=3,ecma=2022,unsafe_arrows=true,unsafe_methods=true,pure_getters=true,keep_fargs=false
}
if [ "${1-}" = --check ]; then
    minify | cmp - www/session.min.js
else
    minify >www/session.min.js.new && mv -f www/session.min.js.new www/session.min.js
fi
