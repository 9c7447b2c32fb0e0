#!/bin/sh
# docs/cluster.md: three hosts from nothing to a working pair of fronts, each block word for word (tests/hosts.sh). Runs as root, where what the page installs is
# there; it isn't installed for this test.
# TORTURE=1: then they lose one thing after another, 20 times each, under a herd of clients (tests/hosts-lost.sh).
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/hosts-run.sh"
only_in musl
hosts_need patroni etcd haproxy ip nsenter
[ -z "${TORTURE-}" ] || export LOSSES="${LOSSES-20}"
hosts_run
