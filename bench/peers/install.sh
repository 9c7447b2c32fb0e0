#!/bin/sh
# install.sh: the peers into build/peers. Debian's packages are unpacked (debian.sh); npm ci fetches what package-lock.json pins, the
# current long-term Node among it; SQLite is compiled for those that are written here, from $SQLITE_SRC, with the options that its
# authors recommend; go/ is built. What is there already isn't made again.
set -eu
cd "$(dirname "$0")/../.."
top=$PWD from=bench/peers to=$PWD/build/peers
debian=$to/debian/root
mkdir -p "$to"
"$from/debian.sh" "$to/debian"
cp -R "$from"/*.js "$from/toolkit.py" "$from/lua" "$to"
if ! cmp -s "$from/package-lock.json" "$to/installed"; then
    cp "$from/package.json" "$from/package-lock.json" "$to"
    (cd "$to" && "$top/tools/npm.sh" ci --ignore-scripts --no-audit --no-fund --silent >&2)
    cp "$from/package-lock.json" "$to/installed"
fi
sqlite="$to/sqlite"
mkdir -p "$sqlite"
if ! cmp -s "$SQLITE_SRC/sqlite3.h" "$sqlite/sqlite3.h"; then
    nice gcc -O2 -fPIC -w -DSQLITE_THREADSAFE=2 -DSQLITE_DQS=0 -DSQLITE_DEFAULT_MEMSTATUS=0 -DSQLITE_LIKE_DOESNT_MATCH_BLOBS -DSQLITE_MAX_EXPR_DEPTH=0 \
        -DSQLITE_OMIT_DEPRECATED -DSQLITE_OMIT_PROGRESS_CALLBACK -DSQLITE_OMIT_SHARED_CACHE -DSQLITE_USE_ALLOCA \
        -c "$SQLITE_SRC/sqlite3.c" -o "$sqlite/sqlite3.o"
    ar rcs "$sqlite/libsqlite3.a" "$sqlite/sqlite3.o"
    gcc -shared -o "$to/libsqlite3.so" "$sqlite/sqlite3.o" -lm
    cp "$SQLITE_SRC/sqlite3.h" "$sqlite/"
fi
export GOROOT="$debian/usr/lib/go-1.19" GOPATH="$debian/usr/share/gocode" GOCACHE="$to/go-cache" GO111MODULE=off
export CGO_CFLAGS="-O2 -I$sqlite" CGO_LDFLAGS="-L$sqlite -lm"
(cd "$from/go" && nice "$GOROOT/bin/go" build -tags libsqlite3 -o "$to/go-peer" .)
