#!/bin/sh
# break.sh NAME: prints the target that must catch the fault NAME of tests/fuzz/broken.
# break.sh NAME OUT.c: writes the source with that fault in it.
set -eu
while read -r name target source edit; do
    [ "$name" = "$1" ] || continue
    [ $# -eq 2 ] || { echo "$target"; exit 0; }
    sed "$edit" "$source" >"$2"
    ! cmp -s "$source" "$2" || { echo "break.sh: $name changes nothing in $source" >&2; exit 1; }
    exit 0
done <tests/fuzz/broken
echo "break.sh: no such fault: $1" >&2
exit 1
