#!/bin/sh
# stamp.sh: prints "VERSION EPOCH" of this tree, both from its files, so that equal trees give equal executables.
# EPOCH is the second that the program takes for its build: a clock before it is a wrong clock. It is the first of
#   SOURCE_DATE_EPOCH   the caller's word
#   epoch               a tarball's file (packaging/dist.sh writes it)
#   git                 the date of the last commit
#   CHANGELOG.md        the date of its newest entry
cd "$(dirname "$0")/.." || exit 1
version=$(sed -n 's/^#* *\[*v*\([0-9][0-9.]*[0-9]\).*/\1/p' CHANGELOG.md | head -n 1)
changed() {
    date -u -d "$(grep -o '20[0-9][0-9]-[01][0-9]-[0-3][0-9]' CHANGELOG.md | head -n 1)" +%s
}
epoch=${SOURCE_DATE_EPOCH-}
[ -n "$epoch" ] || [ ! -e epoch ] || epoch=$(cat epoch)
[ -n "$epoch" ] || epoch=$(git log -1 --format=%ct 2>/dev/null)
[ -n "$epoch" ] || epoch=$(changed)
echo "$version $epoch"
