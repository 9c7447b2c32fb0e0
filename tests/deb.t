#!/bin/sh
# deb.t: the Debian package is built, installed, used, upgraded, removed and purged by dpkg, in a throwaway
# copy of this machine's root: an overlay in a mount namespace of its own, gone when the test ends.
# needs: deb
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: packages what is built for this machine
tmpdir
cd "$TOP" || exit 1

# --- the package, as whoever runs the test; the rest as root, in the namespace
if [ -z "${DEB-}" ]; then
    out=$(make --no-print-directory -s NEED=: deb 2>"$TMP/log")
    status=$?
    [ "$status" -eq 0 ] || diag "$(cat "$TMP/log")"
    DEB=$TOP/$(printf '%s\n' "$out" | tail -n 1)
    [ "$status" -eq 0 ] || { fail 'make deb'; done_testing; }
    sudo=
    [ "$(id -u)" -eq 0 ] || sudo=sudo
    rm -rf "$TMP"
    exec $sudo env DEB="$DEB" LATCHKEY="$LATCHKEY" LK_BUILD="$LK_BUILD" LK_B="$LK_B" unshare --mount --pid --fork --kill-child "$0"
fi
pass 'make deb'

# Nothing of the machine is mounted where it could be written to: lib.sh removes $TMP at the end, and
# whatever goes wrong, that must only reach what was made here. So /dev is made anew, not bound.
R=$TMP/fs/root
mkdir "$TMP/fs"
ok 'a throwaway root' sh -ec "
    mount -t tmpfs none '$TMP/fs'
    mkdir '$TMP/fs/upper' '$TMP/fs/work' '$R'
    mount -t overlay overlay -o 'lowerdir=/,upperdir=$TMP/fs/upper,workdir=$TMP/fs/work' '$R'
    mount -t proc -o ro proc '$R/proc'
    for d in dev run tmp; do mount -t tmpfs none '$R'/\$d; done
    mknod -m 666 '$R/dev/null' c 1 3
    mknod -m 666 '$R/dev/zero' c 1 5
    mknod -m 666 '$R/dev/urandom' c 1 9
    ln -s /proc/self/fd '$R/dev/fd'"
inside() { chroot "$R" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"; }
package() { inside dpkg --force-unsafe-io "$@"; }
state() { inside dpkg-query -W -f '${db:Status-Abbrev}${Version}' latchkey 2>/dev/null; }
owner_of() { inside stat -c '%U %a' "$@" 2>/dev/null; }

if command -v lintian >/dev/null; then
    ok 'lintian finds nothing' lintian --no-cfg --allow-root --fail-on error,warning "$DEB"
    # The control: the same package with a changelog that is none.
    dpkg-deb -R "$DEB" "$TMP/wrong"
    echo '# Changes' | gzip -9n >"$TMP/wrong/usr/share/doc/latchkey/changelog.gz"
    dpkg-deb -b "$TMP/wrong" "$TMP/wrong.deb" >/dev/null
    nok 'and would find it' lintian --no-cfg --allow-root --fail-on error,warning "$TMP/wrong.deb"
fi
version=$(dpkg-deb -f "$DEB" Version)
cp "$DEB" "$R/tmp/first.deb"
# The next version: the same files under a higher number.
dpkg-deb -R "$DEB" "$TMP/next"
sed -i 's/^Version:.*/&+next/' "$TMP/next/DEBIAN/control"
dpkg-deb -b "$TMP/next" "$R/tmp/next.deb" >/dev/null
like "$(dpkg-deb -f "$DEB" Depends)" '*systemd-sysusers*' 'it depends on what makes its user'
unlike "$(dpkg-deb -f "$DEB" Depends)" '*libc6*' 'and on no library'

# --- install
ok 'dpkg -i' package -i /tmp/first.deb
is "$(state)" "ii $version" 'it is installed'
is "$(owner_of /var/lib/latchkey)" 'latchkey 700' 'the data directory is its user'"'"'s alone'
is "$(owner_of /var/lib/latchkey/latchkey.db)" 'latchkey 600' 'with a database'
is "$(owner_of /run/latchkey)" 'latchkey 700' 'so is the place of the throttle table'
is "$(inside find /etc/systemd/system -name 'latchkey*')" '' 'no socket listens unasked'
is "$(inside sh -c 'latchkey version' | cut -d' ' -f2)" "$version" 'it runs'
for file in www/session.js www/package.json; do ok "it has $file" test -s "$R/usr/share/latchkey/$file"; done
for file in openapi.yaml servers/nginx.md servers/caddy.md; do ok "it has $file" inside sh -c "ls /usr/share/doc/latchkey/$file*"; done
for unit in latchkey.socket latchkey-serve.socket latchkey-serve.service; do
    ok "$unit is a unit, says systemd" inside systemd-analyze verify --man=no "/lib/systemd/system/$unit"
done
like "$(inside man -w latchkey 2>&1)" '*/latchkey.8.gz' 'man finds its page'

# --- use: through the CGI face, as its user
cgi() { # METHOD PATH BODY VARIABLE...
    t_method=$1 t_path=$2 t_body=$3
    shift 3
    printf '%s' "$t_body" | chroot --userspec=latchkey:latchkey "$R" env -i GATEWAY_INTERFACE=CGI/1.1 SERVER_PROTOCOL=HTTP/1.1 \
        REQUEST_METHOD="$t_method" SCRIPT_NAME=/cgi-bin/latchkey PATH_INFO="$t_path" REMOTE_ADDR=192.0.2.1 \
        CONTENT_TYPE=application/json CONTENT_LENGTH="${#t_body}" "$@" /usr/bin/latchkey >"$TMP/out"
    sed -n '1s/Status: \([0-9]*\).*/\1/p' "$TMP/out"
}
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$TMP/out"; }
printf 'correct horse\n' | inside latchkey user add alice >"$TMP/log" 2>&1
is "$?" 0 'root adds a user'
is "$(owner_of /var/lib/latchkey/latchkey.db)" 'latchkey 600' 'the database is not root'"'"'s for it'
is "$(cgi POST /login '{"username":"alice","password":"correct horse"}')" 200 'the user signs in'
access=$(member access_token) refresh=$(member refresh_token)
is "$(cgi GET /me '' HTTP_AUTHORIZATION="Bearer $access")" 200 'and is known'
ok 'the throttle table lies in /run' inside find /run/latchkey -type f -size +0

# --- upgrade, reinstall, remove, install again: nobody is signed out
ok 'dpkg -i of the next version' package -i /tmp/next.deb
is "$(state)" "ii $version+next" 'it is upgraded'
is "$(cgi GET /me '' HTTP_AUTHORIZATION="Bearer $access")" 200 'the access token still counts'
ok 'dpkg -i once more' package -i /tmp/next.deb
ok 'dpkg -r' package -r latchkey
is "$(inside sh -c 'command -v latchkey')" '' 'the program is gone'
is "$(owner_of /var/lib/latchkey/latchkey.key)" 'latchkey 600' 'the data is not'
ok 'dpkg -i after that' package -i /tmp/first.deb
is "$(cgi POST /refresh "{\"refresh_token\":\"$refresh\",\"idempotency_key\":\"k\"}")" 200 'the session goes on'
ok 'nothing is wrong there, says latchkey check' inside latchkey check

# --- a directory that was given to a web server, as docs/install.md says for a cgi-bin
boot() { inside systemd-sysusers && inside systemd-tmpfiles --create --boot --prefix=/run/latchkey --prefix=/var/lib/latchkey; }
as_server() { chroot --userspec=www-data:www-data "$R" env -i GATEWAY_INTERFACE=CGI/1.1 SERVER_PROTOCOL=HTTP/1.1 REQUEST_METHOD="$1" SCRIPT_NAME=/cgi-bin/latchkey \
    PATH_INFO="$2" REMOTE_ADDR=192.0.2.1 /usr/bin/latchkey | sed -n '1s/Status: \([0-9]*\).*/\1/p'; }
is "$(as_server GET /health)" 503 'the web server cannot use the directory as it is'
inside chown -R www-data: /var/lib/latchkey
is "$(as_server GET /health)" 200 'once it is given to it, it can'
ok 'the next boot' boot
is "$(owner_of /var/lib/latchkey)" 'www-data 700' 'leaves the directory to it'
is "$(owner_of /run/latchkey)" 'latchkey 700' 'and makes the place of the throttle table'
is "$(as_server GET /health)" 200 'it still can'
for deb in next first; do
    ok "$deb over it" package -i --force-downgrade "/tmp/$deb.deb"
    like "$(state)" "ii *" 'is installed, and whole'
    is "$(owner_of /var/lib/latchkey /var/lib/latchkey/latchkey.db /var/lib/latchkey/latchkey.key | sort -u | paste -sd ' ')" 'www-data 600 www-data 700' 'and all is the server'"'"'s'
    is "$(as_server GET /health)" 200 'which still can'
    ok 'removed' package -r latchkey
done
mkdir -p "$R/etc/tmpfiles.d"
echo 'd /var/lib/latchkey 0700 root root' >"$R/etc/tmpfiles.d/latchkey-control.conf"
inside systemd-tmpfiles --create --boot --prefix=/var/lib/latchkey
is "$(owner_of /var/lib/latchkey)" 'root 700' 'control: a line that names the directory takes it away'
rm -r "$R/etc/tmpfiles.d"
inside chown www-data: /var/lib/latchkey
ok 'installed again' package -i /tmp/first.deb
ok 'nothing is wrong there, says latchkey check' inside latchkey check
mkdir "$TMP/kept"
mv "$R"/var/lib/latchkey/latchkey.db* "$TMP/kept"
ok 'over a directory without a database' package -i /tmp/next.deb
is "$(owner_of /var/lib/latchkey/latchkey.db)" 'www-data 600' 'it makes one for its owner'
echo garbage >"$R/var/lib/latchkey/latchkey.db"
ok 'over a database that is none' package -i /tmp/first.deb
like "$(state)" "ii *" 'the package is whole all the same'

# --- purge
ok 'dpkg -P' package -P latchkey
is "$(state)" '' 'it is gone'
# What was written lies in the overlay's upper layer; a character device there is a file that was removed.
is "$(find "$TMP/fs/upper" -path '*latchkey*' ! -type c)" '' 'and left nothing behind'
is "$(inside find /usr /var/lib/latchkey /run/latchkey -path '*latchkey*' -print 2>/dev/null)" '' 'nor an older file'
umount -R -l "$TMP/fs"
done_testing
