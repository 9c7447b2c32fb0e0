#!/bin/sh
# break.sh NAME OUT.c: writes the source of the fault NAME of tests/fuzz/broken, with that fault in it.
set -eu
while read -r name _ source edit; do
    [ "$name" = "$1" ] || continue
    sed "$edit" "$source" >"$2"
    ! cmp -s "$source" "$2" || { echo "break.sh: $name changes nothing in $source" >&2; exit 1; }
    exit 0
done <tests/fuzz/broken
echo "break.sh: no such fault: $1" >&2
exit 1
