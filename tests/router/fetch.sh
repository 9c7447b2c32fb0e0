#!/bin/sh
# fetch.sh PROCESSOR: into deps/router/PROCESSOR what its guests are made of (the kernel, busybox, modules, headers), from
# the Debian packages in `pins`. PROCESSOR is mipsel, armhf or arm64; `host` has what builds modules on this machine.
#
# They come through apt from wherever this machine's packages come from, with lists of its own: nothing is
# installed, and the system's lists stay as they are. A package whose hash isn't the pinned one is refused.
set -eu
cd "$(dirname "$0")/../.."
processor=$1
out=$PWD/deps/router/$processor
pins=tests/router/pins
state=$PWD/deps/.apt/router-$processor
mark=$out/.pins

die() { echo "router: $*" >&2; exit 1; }

pinned() { awk -v p="$processor" '$1 == p { print $2, $3, $4 }' "$pins"; }

# apt's view of that processor. The common headers are of no processor, and kbuild is this machine's.
architecture=$processor
[ "$processor" != host ] || architecture=$(dpkg --print-architecture)
apt() {
    apt-get -qq -o APT::Architecture="$architecture" -o APT::Architectures="$architecture" -o Dir::State::Lists="$state/lists" \
        -o Dir::State::status="$state/status" -o Dir::Cache="$state/cache" -o Acquire::Languages=none -o APT::Sandbox::User=root "$@"
}

download() { # into $tmp, each package checked
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
    : >"$state/status"
    apt update >"$tmp/update" 2>&1 || : # some source of this machine may not have that processor
    pinned | while read -r package version hash; do
        (cd "$tmp" && apt download "$package=$version") >"$tmp/log" 2>&1 || { cat "$tmp/update" "$tmp/log" >&2; die "$package $version could not be fetched"; }
        found=$(sha256sum "$tmp/${package}_"*.deb | cut -d ' ' -f 1)
        [ "$found" = "$hash" ] || die "$package $version is not what is pinned: $found"
    done
}

if [ -e "$mark" ] && pinned | cmp -s - "$mark"; then exit; fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM
echo "router: fetching kernel, modules and busybox of $processor"
download
rm -rf "$out"
mkdir -p "$out"
for deb in "$tmp"/*.deb; do dpkg-deb -x "$deb" "$out"; done
rm -rf "${out:?}/usr/share" "$out/boot"/System.map*
# Headers name kbuild and the common headers by where a package would have put them.
for headers in "$out"/usr/src/linux-headers-*; do
    [ -d "$headers" ] || continue
    for part in scripts tools; do ln -sfn "../../../../host/usr/lib/linux-kbuild-6.1/$part" "$headers/$part"; done
    [ "$processor" = host ] || echo 'include $(wildcard ../../../../host/usr/src/linux-headers-*-common/Makefile)' >"$headers/Makefile"
done
pinned >"$mark"
