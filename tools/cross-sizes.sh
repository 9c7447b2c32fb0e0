#!/bin/sh
# cross-sizes.sh VERSION TARGET...: the table of "Other processors" in docs/benchmarks.md, from what `make release` left in
# build/. A target that has no folder in build/cross is this machine's own.
. "$(dirname "$0")/../bench/lib.sh"
version=$1
shift
what='
aarch64-linux-gnu    64-bit ARM
arm-linux-gnueabi    ARMv5 and later, no floating-point unit needed
arm-linux-gnueabihf  ARMv7 with VFPv3-D16, and later
i686-linux-gnu       x86, 32 bits
mips-linux-gnu       MIPS32r2, big-endian, no floating-point unit needed
mipsel-linux-gnu     MIPS32r2, little-endian, no floating-point unit needed
riscv64-linux-gnu    RV64GC
x86_64-linux-gnu     x86, 64 bits
'
for target; do
    executable=$TOP/build/cross/$target/latchkey tool=$target-size
    [ -x "$executable" ] || executable=$TOP/latchkey tool=size
    archive=$TOP/build/release/latchkey-$version-$target.tar.gz
    for file in "$executable" "$archive"; do [ -e "$file" ] || die "no $file: make release"; done
    printf '| `%s` | %s | %s | %s | %s |\n' "$target" "$(printf '%s' "$what" | sed -n "s/^$target  *//p")" \
        "$(wc -c <"$executable")" "$("$tool" "$executable" | awk 'NR == 2 { print $1 }')" "$(wc -c <"$archive")"
done >"$TMP/rows"
{
    echo '| target | processor | executable, bytes | of it code and constants | archive |'
    echo '|---|---|---|---|---|'
    cat "$TMP/rows"
} | section 'other processors'
