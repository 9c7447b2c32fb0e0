#!/bin/sh
# run.sh [ADDR:PORT]: serve ./latchkey on loopback, from a demo data directory that is made the first time.
set -eu
cd "$(dirname "$0")/.."
dir=$PWD/build/demo
if [ ! -d "$dir" ]; then
    rm -rf "$dir.new"
    ./latchkey init --dir "$dir.new"
    printf '%s\n' 'access_ttl = 1m   # so that the demo has something to show' 'signup = on' >"$dir.new/latchkey.conf"
    printf 'correct horse\n' | ./latchkey user add demo --dir "$dir.new"
    ./latchkey user set demo subscription '{"plan":"pro","status":"active","expires_at":null}' --dir "$dir.new"
    mv "$dir.new" "$dir"
fi
echo "Sign in as demo, password: correct horse"
exec ./latchkey serve "$@" --demo --dir "$dir"
