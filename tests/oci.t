#!/bin/sh
# The OCI image (packaging/oci.sh): read back as the specification has it, and run: what is in it is enough.
# needs: python3 curl
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: runs what is built for this machine
tmpdir
cd "$TOP" || exit 1
oci() { packaging/oci.sh 1.2.3 1700000000 "$(gcc -dumpmachine)" "$LATCHKEY" "$1"; }
read_back() { /usr/bin/python3 tests/oci.py "$1" "$2"; }

ok 'an image' oci "$TMP/one"
(umask 077 && TZ=Pacific/Kiritimati LC_ALL=C.UTF-8 && export TZ LC_ALL && oci "$TMP/two") >"$TMP/log" 2>&1
image=$(find "$TMP/one" -type f)
like "$image" '*/latchkey-1.2.3-*.oci.tar' 'has its name'
ok 'again, under another umask, zone and language: the same bytes' cmp "$image" "$TMP/two/${image##*/}"
read_back "$image" "$TMP/root" >"$TMP/said" 2>"$TMP/err"
is "$?" 0 'it is an OCI image layout' || diag "$(cat "$TMP/err")"
is "$(sed -n 1p "$TMP/said")" '65532:65532 /latchkey serve 0.0.0.0:8080' 'which runs the listener, as nobody else'
like "$(sed -n 2p "$TMP/said")" 'linux * 1.2.3 latchkey:1.2.3' 'for this processor, of that version'
is "$(sed '1,2d; s/ 1700000000$//' "$TMP/said" | paste -sd ';')" \
    'latchkey 755 0:0;licenses 755 0:0;licenses/BearSSL 644 0:0;licenses/latchkey 644 0:0;licenses/libsodium 644 0:0;licenses/musl 644 0:0;var 755 0:0;var/lib 755 0:0;var/lib/latchkey 700 65532:65532' \
    'one file, its licences, and a directory for the data'
ok 'the file is the executable' cmp "$TMP/root/latchkey" "$LATCHKEY"
for t in mips-linux-gnu mipsel-linux-gnu arm-linux-gnueabi arm-linux-gnueabihf aarch64-linux-gnu riscv64-linux-gnu i686-linux-gnu; do
    packaging/oci.sh 1.2.3 1700000000 "$t" "$LATCHKEY" "$TMP/all" >/dev/null
    read_back "$TMP/all/latchkey-1.2.3-$t.oci.tar" "$TMP/other" | sed -n 2p
done >"$TMP/platforms"
is "$(cut -d' ' -f2 "$TMP/platforms" | paste -sd ' ')" 'mips mipsle arm arm arm64 riscv64 386' 'each target of a release has its platform'
nok 'another has none' packaging/oci.sh 1.2.3 1700000000 vax-dec-ultrix "$LATCHKEY" "$TMP/all"

# --- controls: what is read back is looked at
mkdir "$TMP/layout"
tar -xf "$image" -C "$TMP/layout"
changed() { # WHAT COMMAND...: is found
    c_what=$1
    shift
    rm -rf "$TMP/copy"
    cp -R "$TMP/layout" "$TMP/copy"
    (cd "$TMP/copy" && "$@")
    tar -C "$TMP/copy" --transform 's|^\./||' -cf "$TMP/copy.tar" .
    nok "control: $c_what" read_back "$TMP/copy.tar" "$TMP/other"
}
# shellcheck disable=SC2016  # the command's own
changed 'a byte more in the largest blob' sh -c 'printf x >>"$(find blobs -type f -size +100k)"'
changed 'another size' sed -i 's/"size":/&1/' index.json
changed 'a blob that nobody names' sh -c 'echo x >blobs/sha256/0'
changed 'another layout' sed -i s/1.0.0/2.0.0/ oci-layout

# --- it runs, with nothing else there
mkdir -p "$TMP/root/var/lib/latchkey"
if [ "$(id -u)" -eq 0 ]; then
    chown 65532:65532 "$TMP/root/var/lib/latchkey"
    set -- chroot --userspec=65532:65532 "$TMP/root" /latchkey
elif unshare --user --map-root-user true 2>/dev/null; then
    set -- unshare --user --map-root-user chroot "$TMP/root" /latchkey
else
    pass 'it runs # SKIP needs root, or user namespaces for everybody'
    done_testing
fi
"$@" init >"$TMP/log" 2>&1
is "$?" 0 'init' || diag "$(cat "$TMP/log")"
printf 'correct horse\n' | "$@" user add alice >"$TMP/log" 2>&1
is "$?" 0 'user add' || diag "$(cat "$TMP/log")"
port=$(free_port)
start image "$@" serve "127.0.0.1:$port"
wait_port "$port"
is "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/api/auth/health")" 200 'it serves'
is "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/api/auth/login" -H 'Content-Type: application/json' -d '{"username":"alice","password":"correct horse"}')" 200 'and signs in'
done_testing
