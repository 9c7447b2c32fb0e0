#!/bin/sh
# licenses.sh DIR: what is linked in wants its notice passed on; SQLite wants none.
set -eu
mkdir -p "$1"
cp "${BEARSSL_SRC:-deps/bearssl}/LICENSE.txt" "$1/BearSSL"
cp "${SODIUM_SRC:-deps/sodium}/LICENSE" "$1/libsodium"
cp "${MUSL_SRC:-deps/musl}/COPYRIGHT" "$1/musl"
