#!/bin/sh
# initrd.sh PROCESSOR EXECUTABLE OUT: what a guest starts from: busybox, the modules of all its file systems, `init`, `run`, `lay`,
# the tools of guest.c, and EXECUTABLE as latchkey.
set -eu
cd "$(dirname "$0")/../.."
. tests/router/machine.sh
machine "$1"
executable=$2 out=$3
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

find "$PACKAGED/lib/modules" -name '*.ko' | awk '{ name = $0; sub(".*/", "", name); sub("[.]ko$", "", name); gsub("-", "_", name); print name " " $0 }' >"$root/modules"
file_of() { sed -n "/^$1 /{s///p;q;}" "$root/modules"; } # MODULE: where it is; nowhere if it is in the kernel

# with_needs MODULE...: them and what they need, in the order in which they are to be loaded.
with_needs() (
    for module; do
        file=$(file_of "$module")
        [ -n "$file" ] || continue
        # shellcheck disable=SC2046  # a list
        with_needs $(/sbin/modinfo -F depends "$file" | tr , ' ')
        echo "$module"
    done
)

# modules LIST MODULE...: the same in a file for `lay` and `init`, and the modules beside it.
modules() {
    list=$1
    shift
    with_needs "$@" | awk '!seen[$0]++' >"$root/lib/$list"
    while read -r module; do cp "$(file_of "$module")" "$root/lib/$module.ko"; done <"$root/lib/$list"
}

mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/tmp" "$root/lib" "$root/etc" "$root/data" "$root/control/cgi-bin" "$root/www/cgi-bin"
cp "$PACKAGED/bin/busybox" "$root/bin/"
cp "build/cross/$TRIPLET/router-guest" "$root/bin/guest"
cp "$executable" "$root/bin/latchkey"
ln -s busybox "$root/bin/sh"
cp tests/router/init "$root/"
cp tests/router/lay "$root/bin/"
cp tests/router/run "$root/control/cgi-bin/"
echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
# shellcheck disable=SC2086  # a list
modules base $BASE
modules mtd mtd
modules block2mtd block2mtd
modules jffs2 jffs2
modules ubi crc32c_generic deflate ubi
modules ubifs zstd lzo ubifs
modules squashfs squashfs
modules overlay overlay
modules ext4 crc32c_generic ext4
modules f2fs crc32_generic f2fs
cp "$BUILT/flash.ko" "$root/lib/"
rm "$root/modules"
mkdir -p "$(dirname "$out")"
(cd "$root" && find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet) | gzip -n >"$out.new" # it must fit beside the kernel in 40 MB
mv "$out.new" "$out"
