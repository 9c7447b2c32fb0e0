#!/bin/sh
# repro.t: the tarball is the same bytes each time, and what is built from it, elsewhere and by somebody
# else, is the executable that is here, bit for bit: third-party objects, embedded files and all.
# needs: mandoc
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: cross-repro.sh does it for another processor
tmpdir
cd "$TOP" || exit 1

# The date that is in ./latchkey: a commit since then would be another tree.
read -r version epoch <"$LK_BUILD/stamps"
dist() { # DIRECTORY
    SOURCE_DATE_EPOCH=$epoch packaging/dist.sh "$version" "$epoch" '' "$1"
}
ok 'make dist' dist "$TMP/one"
(umask 077 && TZ=Pacific/Kiritimati && export TZ && dist "$TMP/two") >"$TMP/log" 2>&1
ok 'the same bytes under another umask and time zone' cmp "$TMP/one/latchkey-$version.tar.xz" "$TMP/two/latchkey-$version.tar.xz"
mv "$TMP/one/latchkey-$version.tar.xz" "$TMP/one.tar.xz"
is "$(tar -tJf "$TMP/one.tar.xz" | grep -vc "^latchkey-$version/")" 0 'all of it lies in one folder'
is "$(tar -tJf "$TMP/one.tar.xz" | grep -E '/(\.git|build|deps)/|/latchkey$')" '' 'and nothing that was built or fetched'
is "$(tar -tvJf "$TMP/one.tar.xz" | awk '{ print $2 }' | sort -u)" 0/0 'its owner is nobody of here'

# --- Elsewhere: another path, its third-party source at yet another one, another time, zone, umask, language
# and, as root, another user; without git.
there="$TMP/src/latchkey-$version" parts=$TMP/third/party
mkdir -p "$TMP/src" "$parts"
tar -xJf "$TMP/one.tar.xz" -C "$TMP/src"
is "$(cat "$there/epoch")" "$epoch" 'its date is in it'
cp -R "${SQLITE_SRC:-deps/sqlite3}" "$parts/sqlite"
cp -R "${BEARSSL_SRC:-deps/bearssl}" "$parts/bearssl"
cp -R "${SODIUM_SRC:-deps/sodium}" "$parts/sodium"
cp -R "${MUSL_SRC:-deps/musl}" "$parts/musl"
find "$TMP/src" "$parts" -exec touch -d '2021-03-04 05:06:07' {} +
plain=
if [ "$(id -u)" -eq 0 ]; then
    chown -R 65534:65534 "$TMP"
    plain='setpriv --reuid=65534 --regid=65534 --clear-groups'
fi
elsewhere() { # COMMAND...: in that tree
    # shellcheck disable=SC2086  # words
    (cd "$there" && umask 077 && exec env -i PATH="$PATH" HOME="$TMP/nobody" USER=nobody LC_ALL=C.UTF-8 TZ=Pacific/Kiritimati \
        SQLITE_SRC="$parts/sqlite" BEARSSL_SRC="$parts/bearssl" SODIUM_SRC="$parts/sodium" MUSL_SRC="$parts/musl" $plain "$@")
}
ok 'it builds there' elsewhere make -s -j2 NEED=:
ok 'and gives the same executable' cmp "$there/latchkey" "$LATCHKEY"
for lib in sqlite bearssl sodium; do
    ok "lib$lib.a is the same" cmp "$there/build/musl/lib$lib.a" "$LK_BUILD/lib$lib.a"
done
# What the compiler has left in it for the linker names the folder that it was built in.
for at in "$there/build/musl" "$LK_BUILD"; do
    objcopy -D --remove-section='.gnu.lto_*' "$at/liblatchkey.a" "$TMP/machine.${#at}.a"
done
ok 'so is the machine code of liblatchkey.a' cmp "$TMP"/machine.*.a
ok 'the tarball can be made there too' elsewhere make -s NEED=: dist
ok 'and is the same' cmp "$there/build/latchkey-$version.tar.xz" "$TMP/one.tar.xz"

# --- A short form of the tests, on what was built there.
for t in static.t cgi.t; do
    ok "$t passes there" elsewhere env LATCHKEY="$there/latchkey" "tests/$t"
done
for page in "$there"/docs/*.[1-9]; do
    ok "mandoc accepts ${page##*/}" mandoc -T lint -W warning "$page"
done
done_testing
