#!/bin/sh
# build.sh: the parts in www/src -> session.js -> session.min.js; passkey.js -> passkey.min.js, dpop.js -> dpop.min.js.
#   build.sh            writes www/session.js, www/session.min.js, www/passkey.min.js and www/dpop.min.js
#   build.sh --check    fails when a committed one is not what its source gives
# session.js is the parts one after the other, in the order of their numbers: whole functions that
# share the variables of one closure, which 1-options.js opens and 6-sign-in.js ends. The terser
# that package-lock.json pins makes the min file. size.sh prints the bytes; install.sh brings the tools.
set -eu
cd "$(dirname "$0")/../.."
tests/client/install.sh
join() { cat www/src/[0-9]-*.js; }
minify() {
    build/client/node_modules/.bin/terser --module --mangle \
        --compress passes=3,ecma=2022,unsafe_methods=true,pure_getters=true,keep_fargs=false
}
if [ "${1-}" = --check ]; then
    join | cmp - www/session.js
    for file in session passkey dpop; do minify <www/$file.js | cmp - www/$file.min.js; done
else
    join >www/session.js.new && mv -f www/session.js.new www/session.js
    for file in session passkey dpop; do
        minify <www/$file.js >www/$file.min.js.new && mv -f www/$file.min.js.new www/$file.min.js
    done
fi
