#!/bin/sh
# Other processors, in short: what the executable for big-endian MIPS, as most old routers have it, is; its unit
# tests and the smoke story, run by qemu-user; the archive. `make test` has built it. The long form, for more
# processors and with all tests: make test-cross.
# needs: file cross-mips-linux-gnu qemu
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: is what runs the short form of this
tmpdir
TARGET=mips-linux-gnu
BUILT=$TOP/build/cross/$TARGET
QEMU=$(command -v qemu-mips-static)
export QEMU
cd "$TOP" || exit 1

# --- the executable
like "$(file -b "$BUILT/latchkey")" 'ELF 32-bit MSB executable, MIPS, MIPS32 rel2*statically linked, stripped' 'big-endian, static and stripped'
is "$("$TARGET-readelf" -lW "$BUILT/latchkey" | grep -cE 'INTERP|DYNAMIC')" 0 'no interpreter, nothing dynamic'
is "$("$TARGET-readelf" -lW "$BUILT/latchkey" | grep 'GNU_STACK' | grep -c E)" 0 'its stack is not executable'
unlike "$(strings -a "$BUILT/latchkey")" "*$TOP/*" 'no path of the build machine in it'
like "$("$BUILT/run/latchkey" version)" "$("$LATCHKEY" version)" 'it is the version that is here'

# A router has no floating-point unit, and its kernel doesn't emulate one.
floats() { "$TARGET-objdump" -d "$1" | grep -cE '[[:space:]](l[wd]c1|s[wd]c1|[cm][tf]c1|mfhc1|mthc1|bc1[tf]l?|[a-z0-9.]+\.(s|d|w|l))[[:space:]]'; }
printf 'double f(double a, double b) { return a < b ? a * b : b; }\n' >"$TMP/f.c"
"$TARGET-gcc" -O1 -c -o "$TMP/f.o" "$TMP/f.c"
isnt "$(floats "$TMP/f.o")" 0 'control: an instruction for a floating-point unit is seen'
is "$(floats "$BUILT/latchkey")" 0 'there is none in it'

# --- under qemu
passes() { # FILE: its TAP in $TMP/tap
    LATCHKEY=$BUILT/run/latchkey LK_BUILD=$BUILT LK_B=cross/$TARGET tests/cross.sh "$1" >"$TMP/tap" 2>&1
}
for test in tests/*_test.c tests/smoke.t; do
    name=${test##*/}
    case $name in
    model_test.c | sqlite_file_test.c) continue ;; # minutes; test-cross has them
    store_pg_test.c) continue ;; # of latchkey-pg
    *_test.c) test=$BUILT/tests/${name%_test.c}.t ;;
    esac
    passes "$test"
    is "$?" 0 "$name passes"
    grep -E '^(not ok|# |Bail)' "$TMP/tap" | grep -A 3 '^not ok' | while read -r line; do diag "$line"; done
done

# --- the archive, as make release makes it
read -r version epoch <"$BUILT/stamps"
archive=latchkey-$version-$TARGET
release() { # DIR: under the caller's umask, zone and language
    packaging/release.sh "$version" "$epoch" "$TARGET" "$BUILT/latchkey" "$1"
}
ok 'an archive' release "$TMP/one"
(umask 077 && TZ=Pacific/Kiritimati LC_ALL=C.UTF-8 && export TZ LC_ALL && release "$TMP/two") >"$TMP/log" 2>&1
ok 'again, under another umask, zone and language: the same bytes' cmp "$TMP/one/$archive.tar.gz" "$TMP/two/$archive.tar.gz"
is "$(tar -tvzf "$TMP/one/$archive.tar.gz" | awk '{ print $2 }' | sort -u)" 0/0 'its owner is nobody of here'
tar -xzf "$TMP/one/$archive.tar.gz" -C "$TMP"
is "$(cd "$TMP/$archive" && find . -type f -printf '%P %m\n' | LC_ALL=C sort | tr '\n' ';')" \
    'CHANGELOG.md 644;LICENSE 644;README.md 644;latchkey 755;latchkey.8 644;latchkey.conf 644;latchkey.conf.5 644;licenses/BearSSL 644;licenses/libsodium 644;licenses/musl 644;www/dpop.d.ts 644;www/dpop.js 644;www/dpop.min.js 644;www/package.json 644;www/passkey.d.ts 644;www/passkey.js 644;www/passkey.min.js 644;www/session-react.d.ts 644;www/session-react.js 644;www/session.d.ts 644;www/session.js 644;www/session.min.d.ts 644;www/session.min.js 644;' \
    'all of it, and nothing else'
ok 'the executable is what was tested' cmp "$TMP/$archive/latchkey" "$BUILT/latchkey"
for license in BearSSL libsodium musl; do
    like "$(cat "$TMP/$archive/licenses/$license")" '*[Cc]opyright*ermission*' "the notice of $license is in it"
done
packaging/release.sh --sums "$version" "$TMP/one" >"$TMP/log"
ok 'SHA256SUMS is of it' sh -c 'cd "$1" && sha256sum -c SHA256SUMS' - "$TMP/one"
printf x >>"$TMP/one/$archive.tar.gz"
nok 'control: and not of another' sh -c 'cd "$1" && sha256sum -c SHA256SUMS' - "$TMP/one"
done_testing
