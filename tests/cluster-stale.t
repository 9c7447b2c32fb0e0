#!/bin/sh
# The layout that docs/cluster.md advises against: etcd on the hosts of the databases. A member that has missed a failover names the primary of before; whether Patroni
# believes it depends on its release, and this test says which one it met (tests/hosts-stale.sh). STALE=3: etcd has elected nobody since, which no release notices.
# Runs as root, where hosts.t does.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/hosts-run.sh"
only_in musl
hosts_need patroni etcd etcdctl haproxy ip nsenter curl
hosts_run "STALE=${STALE-1}"
