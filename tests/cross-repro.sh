#!/bin/sh
# cross-repro.sh [TARGET]: what `make CROSS=TARGET` gives is the same bytes when it is built elsewhere: at another path,
# in another zone and language, musl and the rest of third-party source at another path too. Of make test-cross; TAP.
. "$(dirname "$0")/lib.sh"
tmpdir
cd "$TOP" || exit 1
TARGET=${1:-mips-linux-gnu}
built=$TOP/build/cross/$TARGET
read -r version epoch <"$built/stamps"
SOURCE_DATE_EPOCH=$epoch packaging/dist.sh "$version" "$epoch" >"$TMP/log" 2>&1
mkdir -p "$TMP/src" "$TMP/third"
tar -xJf "build/latchkey-$version.tar.xz" -C "$TMP/src"
there=$TMP/src/latchkey-$version parts=$TMP/third
for part in sqlite3 bearssl sodium musl; do cp -R "deps/$part" "$parts/"; done
elsewhere() { # COMMAND...: in that tree
    (cd "$there" && umask 077 && exec env -i PATH="$PATH" HOME="$TMP/nobody" LC_ALL=C.UTF-8 TZ=Pacific/Kiritimati SQLITE_SRC="$parts/sqlite3" \
        BEARSSL_SRC="$parts/bearssl" SODIUM_SRC="$parts/sodium" MUSL_SRC="$parts/musl" "$@")
}
ok 'it builds there' elsewhere nice make -s NEED=: "CROSS=$TARGET"
ok 'the executable is the same' cmp "$there/build/cross/$TARGET/latchkey" "$built/latchkey"
ok 'musl is the same' cmp "$there/build/cross/$TARGET/musl/lib/libc.a" "$built/musl/lib/libc.a"
packaging/release.sh "$version" "$epoch" "$TARGET" "$built/latchkey" "$TMP/one" >"$TMP/log"
elsewhere packaging/release.sh "$version" "$epoch" "$TARGET" "build/cross/$TARGET/latchkey" "$TMP/two" >"$TMP/log"
ok 'the archive is the same' cmp "$TMP/one/latchkey-$version-$TARGET.tar.gz" "$TMP/two/latchkey-$version-$TARGET.tar.gz"
sed -i 's/"latchkey/"latchkex/' "$there/operator/admin.c"
ok 'control: another source' elsewhere nice make -s NEED=: "CROSS=$TARGET"
nok 'gives another executable' cmp -s "$there/build/cross/$TARGET/latchkey" "$built/latchkey"
done_testing
