#!/bin/sh
# hosts.sh LATCHKEY-PG: pastes the blocks of docs/cluster.md into three hosts: a network namespace each, on a bridge, and a throwaway copy of this machine's root. Prints
# TAP. As root, in mount, network and pid namespaces of its own (tests/hosts.t); nothing outlives it.
#
# With LOSSES=N the hosts then lose one thing after another (hosts-lost.sh). With STALE=N etcd lies where the page advises against (hosts-stale.sh).
# apt-get says whether a package is there, scp copies from host to host, and `systemctl` starts what a unit says, by the unit's own user and environment.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/calls.sh"
. "$(dirname "$0")/herd.sh"
tmpdir
LATCHKEY_PG=$1
DOC=${DOC-$TOP/docs/cluster.md}
H=$TMP/hosts
mkdir "$H"
mount -t tmpfs none "$H"
mount --make-rprivate /
ip link set lo up
ip link add lkbr type bridge
ip addr add 10.0.0.254/24 dev lkbr
ip link set lkbr up

root_of() { printf '%s/%s/root' "$H" "$1"; }
pid_of() { eval "printf '%s' \"\$host_$1_pid\""; }
inside() { # HOST COMMAND...
    i_host=$1
    shift
    nsenter --net="/proc/$(pid_of "$i_host")/ns/net" chroot "$(root_of "$i_host")" env -i PATH=/shim:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/root DEBIAN_FRONTEND=noninteractive "$@"
}
shims() { # ROOT
    mkdir -p "$1/shim" "$1/peer"
    cat >"$1/shim/apt-get" <<'END'
#!/bin/sh
shift 2 # install -y
for p; do
    dpkg-query -W -f '${Status}\n' "$p" 2>/dev/null | grep -q 'ok installed' || { echo "not there: $p" >&2; exit 1; }
done
END
    cat >"$1/shim/scp" <<'END'
#!/bin/sh
cp "/peer${1#*:}" "$2"
END
    cat >"$1/shim/systemctl" <<'END'
#!/bin/sh
# restart and stop of a unit; it starts anew what the unit says, and says nothing of what it can't.
case $1 in restart | start | stop) ;; *) exit 0 ;; esac
name=$2
for unit in /etc/systemd/system/$name.service /lib/systemd/system/$name.service ''; do [ ! -e "$unit" ] || break; done
of() { sed -n "s/^$1=//p" "$unit" | sed "s/%H/$(hostname)/; s/%p/$name/"; }
[ ! -e "/run/$name.unit" ] || { kill "$(cat "/run/$name.unit")"; while kill -0 "$(cat "/run/$name.unit")"; do sleep 0.1; done; } 2>/dev/null
rm -f "/run/$name.unit"
[ "$1" != stop ] || exit 0
user=$(of User)
user=${user:-root}
dir=$(of RuntimeDirectory)
[ -z "$dir" ] || install -d -m 700 -o "$user" "/run/$dir"
set -a
if [ "$name" = haproxy ]; then
    command='haproxy -W -f /etc/haproxy/haproxy.cfg'
else
    command=$(of ExecStart)
    for pair in $(of Environment); do export "$pair"; done
    for file in $(of EnvironmentFile); do [ ! -e "${file#-}" ] || . "${file#-}"; done
    eval "command=\"$command\""
fi
export HOME=/var/lib/$name
cd /
setsid setpriv --reuid="$user" --regid="$user" --init-groups $command >>"/var/log/$name.out" 2>&1 </dev/null &
echo $! >"/run/$name.unit"
# systemd waits until haproxy says that it listens; the fronts listen on that port, too.
case $name in haproxy | latchkey-pg) for try in $(seq 300); do ! grep -qi ':1F90 [0-9A-F]*:0000 0A' /proc/net/tcp || break; sleep 0.1; done ;; esac
END
    chmod 755 "$1"/shim/*
}
make_host() { # N
    r=$(root_of "$1")
    mkdir -p "$r" "$H/$1/upper" "$H/$1/work"
    mount -t overlay overlay -o "lowerdir=/,upperdir=$H/$1/upper,workdir=$H/$1/work" "$r"
    mount -t proc proc "$r/proc"
    for d in dev run tmp; do mount -t tmpfs none "$r/$d"; done
    for n in 'null 3' 'zero 5' 'random 8' 'urandom 9'; do mknod -m 666 "$r/dev/${n% *}" c 1 "${n#* }"; done
    ln -s /proc/self/fd "$r/dev/fd"
    mkdir -m 1777 "$r/dev/shm"
    chmod 1777 "$r/tmp"
    install -d -o postgres -g postgres "$r/run/postgresql"
    install -d -o haproxy -g haproxy "$r/run/haproxy"
    rm -rf "$r/var/lib/latchkey" "$r/var/lib/etcd/witness" "$r/var/lib/postgresql/latchkey"
    install -d -o etcd -g etcd "$r/var/lib/etcd"
    shims "$r"
    cp "$LATCHKEY_PG" "$r/root/latchkey-pg"
    start "host_$1" unshare --net sleep 1000000
    eventually has_net "$1"
    ip link add "lkv$1" type veth peer name eth0 netns "$(pid_of "$1")"
    ip link set "lkv$1" master lkbr up
    for words in 'link set lo up' "addr add 10.0.0.$1/24 dev eth0" 'link set eth0 up'; do
        # shellcheck disable=SC2086
        nsenter --net="/proc/$(pid_of "$1")/ns/net" ip $words
    done
}
has_net() { [ "$(readlink "/proc/$(pid_of "$1")/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
for n in 1 2 3; do make_host "$n"; done
mount --bind "$(root_of 1)" "$(root_of 2)/peer"

# What becomes of them, as Patroni's REST API has it.
asks() { curl -fs -m 2 -o /dev/null "http://10.0.0.$1:8008/$2"; }
primary() { for p in 1 2; do if asks "$p" primary; then echo "$p"; fi; done; }
other() { echo $((3 - $1)); }
is_whole() {
    w_primary=$(primary)
    case $w_primary in [12]) asks "$(other "$w_primary")" synchronous ;; *) return 1 ;; esac
}
is_primary() { [ "$(primary)" = "$1" ]; }
patiently() { # COMMAND...: three minutes at most
    for p_try in $(seq 360); do
        if "$@"; then return 0; fi
        sleep 0.5
    done
    diag "in vain: $*, after $p_try tries"
    return 1
}

# shellcheck source=tests/hosts-stale.sh
[ -z "${STALE-}" ] || . "$TOP/tests/hosts-stale.sh"
# Each block, on its hosts, in the order of the page.
block() { awk -v n="$1" '/^```$/ { on = 0 } on; /^```sh host=/ { on = ++count == n }' "$DOC"; }
number=0
# shellcheck disable=SC2013  # words: no line has a space any more
for hosts in $(sed -n 's/^```sh \(host=.*\)$/\1/p' "$DOC" | sed 's/host=//g; s/ /,/g'); do
    number=$((number + 1))
    block "$number" >"$TMP/block"
    for n in $(printf '%s' "$hosts" | tr , ' '); do
        cp "$TMP/block" "$(root_of "$n")/tmp/block"
        inside "$n" timeout 300 sh -ec 'cd /root; . /tmp/block' >"$TMP/out.$number.$n" 2>&1 </dev/null
        code=$?
        is "$code" 0 "block $number on 10.0.0.$n: $(grep -v '^#\|^\.' "$TMP/block" | head -n 1 | cut -c 1-50)"
        [ "$code" -eq 0 ] || diag "$(tail -n 8 "$TMP/out.$number.$n" "$H"/*/root/var/log/*.out 2>&1 | cut -c 1-300)"
    done
done
like "$(cat "$TMP/out.$number.1")" '*"refresh_token":"*' 'alice signs in through the balancer'
for n in 1 2; do
    said=$(inside "$n" latchkey-pg check --dir /var/lib/latchkey 2>&1)
    unlike "$said" '*fail  *' "latchkey-pg check on 10.0.0.$n finds nothing wrong"
    like "$said" '*synchronous_standby_names = *connected: 1*' 'and a synchronous standby'
done
[ -z "${LOSSES-}" ] || . "$TOP/tests/hosts-lost.sh"
[ -z "${STALE-}" ] || stale_story
for n in 1 2 3; do
    for unit in "$(root_of "$n")"/run/*.unit; do [ ! -e "$unit" ] || kill -9 "$(cat "$unit")" 2>/dev/null; done
done
umount -R -l "$H"
done_testing
