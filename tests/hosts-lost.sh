# shellcheck shell=sh
# hosts-lost.sh: the hosts of hosts.sh lose one thing after another, $LOSSES times each, while a herd of clients (herd.c) goes on. Sourced by hosts.sh, after what the page
# prints; its functions are used. The longest time without an answer is told for each.
#
# What the network of a host that comes back has kept of those who gave up, for half a minute and a hundred generations, is among what it brings.
#
# A host's death is the end of all its processes at once; a cut takes its network alone.

herd_build
SESSIONS=60
for n in 1 2; do
    conf=$(root_of "$n")/var/lib/latchkey/latchkey.conf
    sed -i 's/^trusted_proxies = .*/& 10.0.0.254/' "$conf"
    printf '%s\n' 'signup = on' 'reuse_grace = 0' 'sessions_max = 1000' 'password_memory = 8k' 'password_passes = 1' >>"$conf"
    inside "$n" systemctl restart latchkey-pg
done
postmaster() { head -n 1 "$(root_of "$1")/var/lib/postgresql/latchkey/postmaster.pid"; }
end_postgres() {
    e_pid=$(postmaster "$1")
    # shellcheck disable=SC2046
    kill -9 "$e_pid" $(children_of "$e_pid")
}
end_host() {
    e_net=$(readlink "/proc/$(pid_of "$1")/ns/net")
    e_all=''
    for e_proc in /proc/[0-9]*; do
        [ "$(readlink "$e_proc/ns/net")" != "$e_net" ] || [ "${e_proc#/proc/}" = "$(pid_of "$1")" ] || e_all="$e_all ${e_proc#/proc/}"
    done
    # shellcheck disable=SC2086
    kill -9 $e_all
}

# What is lost, and what is mended afterwards; $at is the primary.
lose_nothing() { inside "$at" patronictl -c /etc/patroni/config.yml switchover --leader "db$at" --force >"$TMP/switchover" 2>&1; }
lose_postgres() { end_postgres "$at"; }
lose_host() { end_host "$at"; }
mend_host() { for unit in patroni latchkey-pg; do inside "$at" systemctl restart "$unit"; done; }
lose_network() { ip link set "lkv$at" down; }
mend_network() { ip link set "lkv$at" up; }
lose_standby() { kill -STOP "$(children_of "$(postmaster "$(other "$at")")" | tr ' ' '\n' | while read -r c; do grep -qs walreceiver "/proc/$c/cmdline" && echo "$c"; done)"; }
mend_standby() { for c in $(children_of "$(postmaster "$(other "$at")")"); do kill -CONT "$c"; done; }
lose_etcd() { inside 3 systemctl stop etcd; }
mend_etcd() { inside 3 systemctl restart etcd; }
# The primary is alone then, and stops. In each second round the other database comes back first, which helps nobody.
lose_both() { lose_etcd; end_host "$(other "$at")"; }
mend_other() { for unit in patroni latchkey-pg; do inside "$(other "$at")" systemctl restart "$unit"; done; }
half_both() {
    if [ $((round % 2)) -eq 0 ]; then
        mend_other
        sleep 25
        is_primary '' || fail "both, $round: nobody is without etcd"
    fi
    mend_etcd
}
mend_both() { [ $((round % 2)) -eq 0 ] || mend_other; }
lose_fronts() { for n in 1 2; do inside "$n" systemctl restart latchkey-pg; sleep 2; done; }

loss() { # NAME WORDS: whether the other one must be the primary then, or nobody is until that half is mended on which it hangs
    # shellcheck disable=SC2153  # hosts.t sets it
    for round in $(seq "$LOSSES"); do
        patiently is_whole || fail "$1, $round: the hosts are whole before"
        at=$(primary)
        herd_silence >/dev/null
        said=$(grep -c '^silence ' "$TMP/herd.log")
        "lose_$1"
        case $2 in
        moves) patiently is_primary "$(other "$at")" || fail "$1, $round: the other one is promoted" ;;
        stays) sleep 25; is_primary "$at" || fail "$1, $round: the primary stays" ;;
        stops) patiently is_primary '' || fail "$1, $round: nobody is the primary"; "half_$1" ;;
        esac
        patiently herd_is_answered || fail "$1, $round: refreshes are answered"
        if command -v "mend_$1" >/dev/null; then "mend_$1"; fi
        losses=$((${losses-0} + 1))
        diag "$1, $round: $(longest) ms without an answer"
    done
    pass "$1: $LOSSES times"
}
longest() { # since the loss: each look at the herd begins anew
    herd_silence >/dev/null
    sed -n 's/^silence \([0-9]*\) .*/\1/p' "$TMP/herd.log" | tail -n "+$((said + 1))" | sort -n | tail -n 1
}

herd_start -r 20 -b 30 -v 4 "$SESSIONS" 10.0.0.1:8080 10.0.0.2:8080
for words in ${LOSS-nothing,moves fronts,none postgres,any host,moves network,moves standby,stays etcd,stays both,stops}; do loss "${words%,*}" "${words#*,}"; done
patiently is_whole
herd_end
herd_holds "what $losses losses leave"
[ "$(herd_is signed_out)" = 0 ] || inside 1 latchkey-pg audit --json --dir /var/lib/latchkey | grep -E '"event":"(reuse|fork)"' | sed 's/^/# /'
diag "the longest silence: $(herd_is silence) ms for refreshes, $(herd_is silence_signin) ms for sign-ins"
# shellcheck disable=SC2154  # lib.sh's
promise cluster/hosts "$losses" "$t_failed" 'those of cluster/databases'
