#!/bin/sh
# dist.sh VERSION EPOCH [with-deps [DIR]]: DIR/latchkey-VERSION.tar.xz from this tree; DIR is build. The bytes depend on
# the files and their executable bits alone: names are sorted, owner and mtime are set. `epoch` is
# written into it, so that what is built without git has the same date.
set -eu
cd "$(dirname "$0")/.."
name=latchkey-$1 out=${4:-build}/latchkey-$1${3:+-$3}.tar.xz
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
umask 022

# A tree from a tarball has no git; then all but what builds leave behind. Git's own top must be this
# folder: a tarball may have been unpacked within somebody's repository.
if [ "$(git rev-parse --show-prefix 2>/dev/null)" = '' ] && git ls-files --error-unmatch Makefile >"$work/log" 2>&1; then
    git ls-files -co --exclude-standard | while read -r f; do [ ! -e "$f" ] || printf '%s\n' "$f"; done >"$work/list"
    [ -z "$(git status --porcelain)" ] || echo "dist: there are changes that are not committed; they are in it too" >&2
else
    find . \( -path ./build -o -path ./deps -o -path ./latchkey -o -path ./epoch \) -prune -o \( -type f -o -type l \) -print >"$work/list"
fi
if [ "${3-}" = with-deps ]; then
    for d in sqlite3 bearssl sodium musl; do find "deps/$d" -type f; done >>"$work/list"
fi
mkdir -p "$work/$name" "${out%/*}"
tar -cf - -T "$work/list" | tar -xf - -C "$work/$name"
printf '%s\n' "$2" >"$work/$name/epoch"

tar -C "$work" --sort=name --format=gnu --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --mtime="@$2" -cf "$work/tar" "$name"
# One thread: with more, the bytes would depend on how many there are.
xz -9 -T1 -c "$work/tar" >"$out.new"
mv -f "$out.new" "$out"
echo "$out"
