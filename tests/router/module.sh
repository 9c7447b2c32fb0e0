#!/bin/sh
# module.sh PROCESSOR: build/router/PROCESSOR/flash.ko from flash.c, by Debian's headers of that kernel.
set -eu
cd "$(dirname "$0")/../.."
. tests/router/machine.sh
machine "$1"
mkdir -p "$BUILT/module"
cp tests/router/flash.c "$BUILT/module/"
echo 'obj-m := flash.o' >"$BUILT/module/Makefile"
env -u MAKEFLAGS -u MAKELEVEL make -C "$(echo "$PACKAGED"/usr/src/linux-headers-*)" M="$PWD/$BUILT/module" ARCH="$KARCH" \
    CROSS_COMPILE="$TRIPLET-" modules >"$BUILT/module.log" 2>&1 || { tail -n 20 "$BUILT/module.log" >&2; exit 1; }
"$TRIPLET-strip" -g -o "$BUILT/flash.ko" "$BUILT/module/flash.ko"
