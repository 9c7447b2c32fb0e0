#!/bin/sh
# [DEBS=DIRECTORY] debian.sh DEB RECIPE...: pastes the blocks of docs/debian.md into a throwaway copy of this machine's root, whose web servers are as
# Debian lays them out, then follows the link that they print and signs in. Prints TAP. As root, in mount, network and pid namespaces of its
# own (tests/debian.t); nothing outlives it.
#
# apt-get installs the package with dpkg, and of what is named else says whether it is there, or installs it from DEBS (Debian's
# apache2 can't be on a machine beside merecat, which other tests run). systemd isn't: `systemctl` starts what
# the unit names, by the unit's own user and command, with systemd's own socket activation.
. "$(dirname "$0")/lib.sh"
tmpdir
DEB=$1
shift
R=$TMP/fs/root
mkdir "$TMP/fs"
ip link set lo up
mount -t tmpfs none "$TMP/fs"
mkdir "$TMP/fs/upper" "$TMP/fs/work" "$R"
mount -t overlay overlay -o "lowerdir=/,upperdir=$TMP/fs/upper,workdir=$TMP/fs/work" "$R"
mount -t proc proc "$R/proc"
for d in dev run tmp; do mount -t tmpfs none "$R/$d"; done
for n in 'null 3' 'zero 5' 'random 8' 'urandom 9'; do mknod -m 666 "$R/dev/${n% *}" c 1 "${n#* }"; done
ln -s /proc/self/fd "$R/dev/fd"
mkdir -m 1777 "$R/dev/shm"
chmod 1777 "$R/tmp"
mkdir -p "$R/root/here" "$R/shim" "$R/run/lock" "$R/run/haproxy"
cp "$DEB" "$R/root/here/"
[ -z "${DEBS-}" ] || cp -R "$DEBS" "$R/root/debs"
printf '#!/bin/sh\nexit 101\n' >"$R/usr/sbin/policy-rc.d" # what is installed starts nothing by itself
chmod 755 "$R/usr/sbin/policy-rc.d"
rm -rf "$R/var/lib/latchkey" "$R/run/latchkey"

cat >"$R/shim/apt-get" <<'END'
#!/bin/sh
set -e
shift 2 # install -y
for p; do
    case $p in
    ./*) dpkg --force-unsafe-io -i "$p" ;;
    *) if [ -e "$(echo /root/debs/"$p"_*.deb)" ]; then
           dpkg -l merecat >/dev/null 2>&1 && dpkg -P merecat
           dpkg --force-unsafe-io -i /root/debs/*.deb
       fi
       dpkg-query -W -f '${Status}\n' "$p" | grep -q 'ok installed' || { echo "not there: $p" >&2; exit 1; }
       [ "$p" != ssl-cert ] || make-ssl-cert generate-default-snakeoil ;;
    esac
done
END
cat >"$R/shim/systemctl" <<'END'
#!/bin/sh
set -e
log() { exec >>"/tmp/$1.log" 2>&1; }
unit_of() { sed -n "s/^$2=//p" "/lib/systemd/system/$1" | tail -n 1; }
for name; do :; done
case $1,$name in
daemon-reload,*) ;;
*,latchkey-serve.socket)
    [ ! -e /run/listener.pid ] || kill "$(cat /run/listener.pid)"
    cat /lib/systemd/system/$name /etc/systemd/system/$name.d/*.conf 2>/dev/null >/run/socket.unit || :
    address=$(sed -n 's/^ListenStream=//p' /run/socket.unit | tail -n 1)
    group=$(sed -n 's/^SocketGroup=//p' /run/socket.unit)
    mode=$(sed -n 's/^SocketMode=//p' /run/socket.unit)
    user=$(unit_of latchkey-serve.service User)
    exec_start=$(unit_of latchkey-serve.service ExecStart)
    setsid systemd-socket-activate -l "$address" setpriv --reuid="$user" --regid="$user" --clear-groups $exec_start >>/tmp/latchkey.log 2>&1 </dev/null &
    echo $! >/run/listener.pid
    case $address in
    /*) until [ -S "$address" ]; do sleep 0.05; done
        chgrp "$group" "$address"; chmod "$mode" "$address" ;;
    esac ;;
*,nginx) log nginx; nginx -g 'daemon on; master_process on;' </dev/null ;;
*,apache2) log apache2; apachectl start </dev/null ;;
*,lighttpd) log lighttpd; lighttpd -t -f /etc/lighttpd/lighttpd.conf; setsid lighttpd -D -f /etc/lighttpd/lighttpd.conf </dev/null & ;;
*,haproxy) log haproxy; setsid haproxy -Ws -f /etc/haproxy/haproxy.cfg -p /run/haproxy.pid </dev/null & ;;
*,caddy) log caddy; cd /; setsid setpriv --reuid=caddy --regid=caddy --clear-groups --inh-caps=+net_bind_service --ambient-caps=+net_bind_service \
    env HOME=/var/lib/caddy caddy run --environ --config /etc/caddy/Caddyfile </dev/null & ;;
*) echo "systemctl: $*?" >&2; exit 1 ;;
esac
END
chmod 755 "$R/shim/apt-get" "$R/shim/systemctl"
inside() { chroot "$R" env -i PATH=/shim:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/root DEBIAN_FRONTEND=noninteractive "$@"; }

# paste_block NAME: the block of that name, as a person's shell would take it; NAME@unix: with the socket in place of the address;
# NAME@hand: with the one that was made by hand; NAME@broken: with an address where nobody listens
paste_block() {
    sed -n "/^\`\`\`sh paste=${1%@*}\$/,/^\`\`\`\$/{/^\`\`\`/!p;}" "$TOP/docs/debian.md" >"$R/tmp/block"
    case $1 in
    *@unix) sed -i 's|127.0.0.1:8080|unix:/run/latchkey.sock|' "$R/tmp/block" ;;
    *@hand) sed -i 's|127.0.0.1:8080|unix:/run/latchkey-web/sock|' "$R/tmp/block" ;;
    *@broken) sed -i 's|127.0.0.1:8080|127.0.0.1:8081|' "$R/tmp/block" ;;
    esac
    ok "$1: there is such a block" test -s "$R/tmp/block"
    inside sh -ec 'cd /root/here; . /tmp/block' >"$TMP/$1.out" 2>&1
    is "$?" 0 "$1: each command does its work" || diag "$(tail -n 20 "$TMP/$1.out")"
}
for block; do paste_block "$block"; done

link=$(sed -n 's/.*\(https\{0,1\}:[^ ]*#link=.*\)/\1/p' "$TMP"/*.out)
like "$link" 'http*://nas.*/signin#link=eyJ*' 'a link was printed'
base=${link%/signin#*} origin=$(printf '%s' "$link" | sed 's|\(://[^/]*\).*|\1|')
host=${origin#*://}
case $origin in https:*) port=443 ;; *) port=80 ;; esac
wait_port "$port"
browse() { curl -ks --resolve "$host:$port:127.0.0.1" -o "$TMP/page" -w '%{http_code} %{redirect_url}' -b "$TMP/jar" -c "$TMP/jar" -H 'Sec-Fetch-Site: same-origin' -H "Origin: $origin" "$@"; }
# What listens may take a moment more until it answers.
tries=0
while [ "$tries" -lt 60 ]; do
    got=$(browse "$base/signin")
    case $got in 200*) break ;; esac
    tries=$((tries + 1))
    sleep 0.5
done
is "$got" '200 ' 'the page to sign in at' || diag "$(tail -n 20 "$R"/tmp/*.log "$TMP/page" 2>&1)"
like "$(cat "$TMP/page")" '*<h1>Sign in</h1>*' 'is there'
is "$(browse --data-urlencode "ticket=${link#*#link=}" --data-urlencode 'next=chosen by alice' "$base/link")" '200 ' 'a password by the link'
is "$(browse --data-urlencode username=alice --data-urlencode 'password=not alice' "$base/signin")" '403 ' 'a wrong one is refused'
is "$(browse --data-urlencode username=alice --data-urlencode 'password=chosen by alice' -d stay=true "$base/signin")" "303 $base/account" 'the right one signs in' ||
    diag "$(cat "$TMP/page")"
is "$(browse "$base/account")" '200 ' "the user's own page"
like "$(cat "$TMP/page")" '*<h1>Your account</h1>*127.0.0.1*' 'with the address of who asks'
case $port in
443) ok 'the cookie is for HTTPS alone' grep -q 'TRUE	[0-9]*	__Host-' "$TMP/jar" ;;
80) nok 'the cookie is for plain HTTP, too' grep -q '	TRUE	[0-9]*	' "$TMP/jar" ;;
esac
is "$(inside latchkey check --json | grep -o '"fail"' | head -n 1)" '' 'latchkey check finds nothing wrong'
umount -R -l "$TMP/fs"
done_testing
