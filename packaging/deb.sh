#!/bin/sh
# deb.sh VERSION EPOCH: build/latchkey_VERSION_ARCH.deb, by Debian's tools from the tarball. What the tree has
# built and fetched already is lent to it: make sees that it is up to date (tests/repro.t: it would be the same).
set -eu
cd "$(dirname "$0")/.."
top=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
packaging/dist.sh "$1" "$2" '' "$work" >"$work/log"
tar -xJf "$work/latchkey-$1.tar.xz" -C "$work"
tree=$work/latchkey-$1
cp -R packaging/debian "$tree/debian"
# Debian's changelog is CHANGELOG.md's newest entry; its copyright has the license in it.
{
    printf 'latchkey (%s) unstable; urgency=medium\n\n' "$1"
    awk '/^## / { if (entries++) exit; next }
        !entries || !NF { next }
        $1 == "-" { if (line) print line; line = "  *" }
        { for (i = 1 + ($1 == "-"); i <= NF; i++) {
              if (length(line $i) > 76) { print line; line = "   " }
              line = line " " $i
          } }
        END { print line }' CHANGELOG.md
    printf "\n -- the latchkey authors <latchkey@localhost>  %s\n" "$(LC_ALL=C date -u -R -d "@$2")"
} >"$tree/debian/changelog"
sed 's/^$/./; s/^/ /' LICENSE >"$work/license"
sed -i -e "/^@LICENSE@\$/{r $work/license" -e 'd;}' "$tree/debian/copyright"

mkdir -p "$tree/build/musl"
cp -Rp build/musl/*.o build/musl/*.a build/musl/*.d build/musl/stamps build/musl/www.c build/musl/sheet.c "$tree/build/musl/"
for d in sqlite bearssl sodium musl; do cp -Rp "build/musl/$d" "$tree/build/musl/"; done
cp -p build/embed "$tree/build/"
cp -p latchkey "$tree/"
# Of one age, newer than the sources, whose date is the commit's.
find "$tree/build" "$tree/latchkey" -type f -exec touch -r "$work/log" {} +
# Named by their own place: as deps/ they would be looked over, and touched.
export SQLITE_SRC="${SQLITE_SRC:-$top/deps/sqlite3}" BEARSSL_SRC="${BEARSSL_SRC:-$top/deps/bearssl}"
export SODIUM_SRC="${SODIUM_SRC:-$top/deps/sodium}"
export MUSL_SRC="${MUSL_SRC:-$top/deps/musl}"

(cd "$tree" && SOURCE_DATE_EPOCH=$2 dpkg-buildpackage -b -us -uc) >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
cp "$work"/latchkey_*.deb build/
ls build/latchkey_"$1"_*.deb
