#!/bin/sh
# docs/cluster.md: three hosts from nothing to a working pair of fronts, each block word for word (tests/hosts.sh). Runs as root, where what the page installs is
# there; it isn't installed for this test.
# TORTURE=1: then they lose one thing after another, 20 times each, under a herd of clients (tests/hosts-lost.sh).
. "$(dirname "$0")/lib.sh"
only_in musl
for what in patroni etcd haproxy ip nsenter; do command -v "$what" >/dev/null || skip_all "no $what on this machine"; done
[ -e "$(find /usr/lib/postgresql/*/bin -name initdb 2>/dev/null | head -n 1)" ] || skip_all 'no PostgreSQL on this machine (Debian: postgresql)'
[ "$(id -u)" -eq 0 ] || skip_all 'only as root'
[ -z "${TORTURE-}" ] || export LOSSES="${LOSSES-20}"
report unshare --mount --mount-proc --net --pid --fork --kill-child "$TOP/tests/hosts.sh" "$TOP/latchkey-pg"
done_reported
