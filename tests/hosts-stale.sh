# shellcheck shell=sh
# hosts-stale.sh: a member of etcd on each host, those of the databases included, which docs/cluster.md advises against; and what Patroni makes of a member that has missed a
# failover. Sourced by hosts.sh before it pastes the page, which it changes for that; stale_story then is the rest. $STALE is the host whose member is etcd's leader before.
#
# A host that was cut off comes back, and its etcd hasn't found its peers yet: here that is a state which lasts, since members speak to one another by addresses of their
# own, 10.0.1.N, and the first host's stays away. Patroni of the new primary loses its own member for some seconds, less than ttl: that one answers it at 10.0.2.2 alone.
# The stale one is the only other that it is told of (use_proxies: it doesn't ask etcd for the list).

stale_block() {
    cat <<'END'
me=$(hostname -I | tr ' ' '\n' | grep -m 1 '^10\.0\.0\.')
n=${me##*.} client=$me
[ "$n" != 2 ] || client=10.0.2.2
case $n in 2) echo "'10.0.2.2:2379', '10.0.0.1:2379'" ;; *) echo "'10.0.0.1:2379', '10.0.0.3:2379'" ;; esac >/root/etcds
cat >/etc/default/etcd <<ETCD
ETCD_NAME=e$n
ETCD_DATA_DIR=/var/lib/etcd/witness
ETCD_LISTEN_CLIENT_URLS=http://$client:2379
ETCD_ADVERTISE_CLIENT_URLS=http://$client:2379
ETCD_LISTEN_PEER_URLS=http://10.0.1.$n:2380
ETCD_INITIAL_ADVERTISE_PEER_URLS=http://10.0.1.$n:2380
ETCD_INITIAL_CLUSTER=e1=http://10.0.1.1:2380,e2=http://10.0.1.2:2380,e3=http://10.0.1.3:2380
ETCD
systemctl restart etcd
END
}
# Where its member hasn't decided on its version yet Patroni ends, and systemd would start it anew. A member whose peers are late decides on 3.0 for its first
# seconds; Patroni then asks for paths that no release has, and stays at it until it is started anew.
stale_start() {
    cat <<'END'
until curl -fs "http://$(cut -d "'" -f 2 /root/etcds)/version" | grep -q '"etcdcluster":"3\.[4-9]'; do sleep 0.1; done
systemctl restart patroni
until patronictl -c /etc/patroni/config.yml list | grep -q Leader; do sleep 1; done
END
}
# The block of etcd is another one, for all three; Patroni asks its member, is quicker, and has its primary on the first host.
stale_block >"$TMP/etcd"
stale_start >"$TMP/start"
sed -e '/^```sh host=3$/ { N; s/host=3\napt-get install -y etcd-server$/host=1 host=2 host=3/; }' \
    -e "/^cat >.etc.default.etcd/,/^systemctl restart etcd/ { /^systemctl restart etcd/r $TMP/etcd
        d; }" -e '/^systemctl enable etcd/d' \
    -e "/^systemctl restart patroni\$/ { r $TMP/start
        d; }" \
    -e 's/^etcd3: .*/etcd3: { use_proxies: true, hosts: [$(cat \/root\/etcds)] }/' \
    -e 's/^    ttl: .*/    ttl: 8/; s/^    loop_wait: .*/    loop_wait: 1/; s/^    retry_timeout: .*/    retry_timeout: 3/' "$DOC" >"$TMP/page"
DOC=$TMP/page
net_of() { # HOST WORDS...: ip, in its network
    n_host=$1
    shift
    nsenter --net="/proc/$(pid_of "$n_host")/ns/net" ip "$@"
}
for n in 1 2 3; do net_of "$n" addr add "10.0.1.$n/24" dev eth0; done
net_of 2 addr add 10.0.2.2/32 dev lo

patroni_version=$(patroni --version | sed 's/.* //')
# Releases from 4.0.6 on compare the member's term with the newest one that they have seen: that tells where etcd has elected since.
is_guarded() { [ "$STALE" = 1 ] && [ "$(printf '4.0.6\n%s\n' "$patroni_version" | sort -V | head -n 1)" = 4.0.6 ]; }
etcdctl_of() { # HOST WORDS...
    e_client=10.0.0.$1
    [ "$1" != 2 ] || e_client=10.0.2.2
    shift
    inside 2 env ETCDCTL_API=3 etcdctl --endpoints "http://$e_client:2379" --dial-timeout=2s --command-timeout=3s "$@" 2>&1
}
status_of() { etcdctl_of "$1" endpoint status -w fields | sed -n "s/^\"$2\" : //p" | head -n 1; } # HOST FIELD
leads() { [ "$(status_of "$1" Leader)" = "$(status_of "$1" MemberID)" ]; }
lead() { # HOST: its member becomes etcd's leader
    for l_n in 1 2 3; do ! leads "$l_n" || etcdctl_of "$l_n" move-leader "$(printf '%x' "$(status_of "$1" MemberID)")" >/dev/null; done
    leads "$1"
}
# Whom the first host's member has noted as the primary, without asking the others.
is_stale() { [ "$(etcdctl_of 1 get --consistency=s --print-value-only /service/latchkey/leader)" = db1 ]; }
users() { inside 2 latchkey-pg user list --dir /var/lib/latchkey 2>&1; }
takes_bob() {
    echo 'correct horse' | inside 2 latchkey-pg user add bob --dir /var/lib/latchkey >/dev/null 2>&1
    users | grep -q bob
}
# At how many of 20 looks, five seconds long, the second host hadn't the primary.
misses() {
    for _ in $(seq 20); do
        asks 2 primary || echo
        sleep 0.25
    done | wc -l
}
cut_off() { # it ends with a stale member that answers
    ip link set lkv1 down
    ok 'it is cut off: the second one is promoted' patiently is_primary 2
    ok 'and takes a user' patiently takes_bob
    net_of 1 addr del 10.0.1.1/24 dev eth0
    ip link set lkv1 up
    ok 'the first one comes back: its etcd still names it the primary' patiently is_stale
    terms="$(status_of 1 RaftTerm) of $(status_of 2 RaftTerm)"
}
stale_story() {
    patiently is_whole
    is "$(primary)" 1 'the first host has the primary'
    ok "host $STALE has etcd's leader" patiently lead "$STALE"
    patiently is_whole
    cut_off
    log=$(root_of 2)/var/log/patroni.out
    lines=$(wc -l <"$log")
    net_of 2 addr del 10.0.2.2/32 dev lo
    missed=$(misses)
    net_of 2 addr add 10.0.2.2/32 dev lo
    net_of 1 addr add 10.0.1.1/24 dev eth0
    said=$(tail -n "+$((lines + 1))" "$log" | grep -E 'Demoting self|node with term')
    ok 'etcd is whole again, and so are the databases' patiently is_whole
    if is_guarded; then
        like "$said" '*node with term*Switching to another node*' "Patroni $patroni_version sees that the term is an old one"
        is "$missed" 0 'the new primary stays the primary'
        is "$(primary), $(users | grep -c bob)" '2, 1' 'and nothing that was answered is undone'
    else
        like "$said" '*Demoting self*' "Patroni $patroni_version believes it"
        isnt "$missed" 0 'the new primary steps down'
    fi
    diag "term $terms; the new primary was none at $missed looks of 20; then the host with the primary was $(primary), and had $(users | grep -c bob) user of 1 that it took in between"
}
