#!/bin/sh
# The layout that docs/cluster.md advises against: etcd on the hosts of the databases. A member that has missed a failover names the primary of before; whether Patroni
# believes it depends on its release, and this test says which one it met (tests/hosts-stale.sh). STALE=3: etcd has elected nobody since, which no release notices.
# Runs as root, where hosts.t does.
. "$(dirname "$0")/lib.sh"
only_in musl
for what in patroni etcd etcdctl haproxy ip nsenter curl; do command -v "$what" >/dev/null || skip_all "no $what on this machine"; done
[ -e "$(find /usr/lib/postgresql/*/bin -name initdb 2>/dev/null | head -n 1)" ] || skip_all 'no PostgreSQL on this machine (Debian: postgresql)'
[ "$(id -u)" -eq 0 ] || skip_all 'only as root'
report env "STALE=${STALE-1}" unshare --mount --mount-proc --net --pid --fork --kill-child "$TOP/tests/hosts.sh" "$TOP/latchkey-pg"
done_reported
