#!/bin/sh
# release.sh VERSION EPOCH TARGET EXECUTABLE [DIR]: DIR/latchkey-VERSION-TARGET.tar.gz, what a host needs
# that compiles nothing. DIR is build/release. The bytes depend on the files' alone, as dist.sh's do.
# release.sh --sums VERSION [DIR]: SHA256SUMS of the archives and images of that version.
set -eu
cd "$(dirname "$0")/.."
if [ "$1" = --sums ]; then
    cd "${3:-build/release}"
    find . -maxdepth 1 \( -name "latchkey-$2-*.tar.gz" -o -name "latchkey-$2-*.oci.tar" \) -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum >SHA256SUMS.new
    mv -f SHA256SUMS.new SHA256SUMS
    cat SHA256SUMS
    exit
fi
version=$1 epoch=$2 target=$3 executable=$4 out=${5:-build/release}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
umask 022
name=latchkey-$version-$target
tree=$work/$name
mkdir -p "$tree/www" "$out"
cp "$executable" "$tree/latchkey"
cp README.md CHANGELOG.md LICENSE docs/*.[1-9] packaging/examples/latchkey.conf "$tree/"
cp www/session*.js www/session*.d.ts www/passkey* www/dpop* www/package.json "$tree/www/"
packaging/licenses.sh "$tree/licenses"

chmod -R u=rwX,go=rX "$tree"
find "$tree" -type f ! -path "$tree/latchkey" -exec chmod 644 {} +
chmod 755 "$tree/latchkey"
tar -C "$work" --sort=name --format=gnu --owner=0 --group=0 --numeric-owner --mtime="@$epoch" -cf "$work/tar" "$name"
gzip -9n <"$work/tar" >"$out/$name.tar.gz.new"
mv -f "$out/$name.tar.gz.new" "$out/$name.tar.gz"
echo "$out/$name.tar.gz"
