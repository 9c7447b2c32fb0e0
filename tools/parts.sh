#!/bin/sh
# parts.sh [--write]: what each part takes of the executable (make parts): the bytes that are loaded of it, less those of one that was built without the part;
# then all together. --write puts them into the table of docs/benchmarks.md. --oauth: the same of what was linked without OAuth's objects alone.
set -eu
cd "$(dirname "$0")/.."
page=docs/benchmarks.md
loaded() { # FILE: the bytes of its code and constants. Padding between segments comes and goes with a byte, and is none of a part's.
    size -A "$1" | awk '$1 ~ /^\.(init|text|fini|rodata|eh_frame|init_array|fini_array|data|data\.rel\.ro|got)$/ { n += $2 } END { print n }'
}
parts=$(sed -n 's/^PARTS := //p' Makefile)
whole=$(loaded latchkey)
[ "${1-}" != --oauth ] || { echo "$((whole - $(loaded build/musl/without-oauth)))"; exit; }
all=
for part in $parts; do all=$all-without-$part; done
{
    for part in $parts; do echo "$part $((whole - $(loaded "latchkey-without-$part")))"; done
    echo "all $((whole - $(loaded "latchkey$all")))"
} | if [ "${1-}" = --write ]; then
    while read -r part bytes; do
        sed -i "/^| part /,/^\$/s/^\(| .\{0,1\}$part.\{0,1\} |.*|\) [0-9 ]* |\$/\1 $(echo "$bytes" | sed 's/\(...\)$/ \1/') |/" $page
    done
else
    cat
fi
