#!/bin/sh
# fresh.sh [ROW]: `make test-fresh R=ROW`: the two commands of the README on a machine that nobody prepared, and the suite in
# worlds that it must not notice. Run as root, by hand: each row takes up to an hour (two, beside other work), and CI runs none of them.
#
#   debian12-user  debian12-root  debian13-user  debian13-root
#       debootstrap's minbase with git, make and sudo, in a root directory of its own: `make run` until it serves, the
#       README's blocks as they are pasted, then `make test` to its end; with nothing from outside but this machine's
#       package sources. Those of Debian 13 have PostgreSQL, Patroni and etcd before make test, which doesn't install them: so the
#       cluster's tests run there
#   kernel-sure    the kernel vouches for the clock, and the machine has been up for a year
#   kernel-unsure  it doesn't, and the machine was started a minute ago
#   next-year      a year on: latchkey by the shim, all else that is dynamic by faketime. Not back: a clock before the build is
#                  one that latchkey doesn't believe
#   busy           beside eight processes that never rest; eight tests at a time, so that half of the machine is theirs
#
# /var/tmp/latchkey-fresh keeps the bare systems, build/fresh/ROW.log what was printed, each line after its second.
# The row's result becomes its line in docs/fresh.md: when, which commit, what make run took, the longest silence, what prove
# said last. T='tests/x.t' tries some tests alone. Ends with 1 where something failed.
set -eu
cd "$(dirname "$0")/.."
top=$PWD
PAGE=docs/fresh.md
ROWS='debian12-user debian12-root debian13-user debian13-root kernel-sure kernel-unsure next-year busy'
row=${1-}
case " $ROWS " in *" ${row:-none} "*) ;; *) echo "fresh: R= one of $ROWS" >&2; exit 2 ;; esac
[ "$(id -u)" -eq 0 ] || { echo 'fresh: root is needed, for debootstrap and namespaces' >&2; exit 2; }
fresh=$top/build/fresh
# Not in the tree: what is mounted there must not meet a make clean.
systems=/var/tmp/latchkey-fresh
mkdir -p "$fresh" "$systems"
log=$fresh/$row.log
commit=$(git rev-parse --short HEAD)

# stamped: each line with the second at which it came, so that silences can be measured.
stamped() { perl -MTime::HiRes=time -ne 'BEGIN { $| = 1; $t = time } printf "%.1f %s", time - $t, $_' >"$log"; }
silence() { awk '$1 - last > most { most = $1 - last } { last = $1 } END { printf "%d s\n", most }' "$log"; }
said() { # of prove: how many files, its last word, and who failed
    sed 's/^[0-9.]* //' "$log" | grep -E '^(Files=|Result: )' | tail -n 2 | sed 's/,[^,]*wallclock.*//' | paste -sd ' ' -
    sed 's/^[0-9.]* //' "$log" | sed -n 's/^\([a-z/_.0-9-]*\.t\) *(Wstat.*/\1/p' | paste -sd ' ' -
}
write_down() { # STATUS DETAILS
    line="| $row | $(date -u +%Y-%m-%d) | $commit | $2 | $(silence) | $(said | paste -sd ' ' -) | $([ "$1" -eq 0 ] && echo passed || echo FAILED) |"
    echo "$line"
    [ -z "${T-}" ] || exit "$1"
    grep -v "^| $row |" "$PAGE" >"$fresh/page"
    { cat "$fresh/page"; echo "$line"; } >"$PAGE"
    exit "$1"
}

# --- bare machines
# The mirror is the one that this machine uses for Debian.
mirror() { apt-get indextargets --format '$(SITE)' 2>/dev/null | grep -m 1 '/debian$' || apt-cache policy | grep -oE 'https?://[^ ]*/debian' | head -n 1; }
bare() { # SUITE
    [ ! -e "$systems/bare-$1/ready" ] || return 0
    rm -rf "$systems/bare-$1"
    debootstrap --variant=minbase --include=git,make,sudo "$1" "$systems/bare-$1" "$(mirror)" >"$systems/bare-$1.log" 2>&1 ||
        { tail "$systems/bare-$1.log" >&2; exit 1; }
    cp /etc/resolv.conf "$systems/bare-$1/etc/"
    # Whom this machine trusts besides, to reach its package sources.
    mkdir -p "$systems/bare-$1/usr/local/share/ca-certificates"
    cp /usr/local/share/ca-certificates/*.crt "$systems/bare-$1/usr/local/share/ca-certificates/" 2>/dev/null || :
    touch "$systems/bare-$1/ready"
}
mounted=''
unmount() {
    trap - EXIT INT TERM
    for at in $mounted; do umount -l "$at" 2>/dev/null || :; done
    [ -z "${root-}" ] || rm -rf --one-file-system "$root"
}
machine() { # SUITE: a copy at $root, with what a kernel gives
    bare "$1"
    root=$systems/$row.$$
    rm -rf --one-file-system "$root"
    trap 'unmount' EXIT
    trap 'exit 1' INT TERM
    cp -a "$systems/bare-$1" "$root"
    # A mount of its own, as a machine's root is.
    mount --bind "$root" "$root" && mounted=$root
    mount --make-private "$root"
    echo "127.0.0.1 localhost $(hostname)" >"$root/etc/hosts"
    mount -t proc proc "$root/proc" && mounted="$root/proc $mounted"
    mount -t tmpfs -o mode=755 tmpfs "$root/dev" && mounted="$root/dev $mounted"
    for node in null zero full random urandom tty; do touch "$root/dev/$node"; mount --bind "/dev/$node" "$root/dev/$node"; mounted="$root/dev/$node $mounted"; done
    ln -s /proc/self/fd "$root/dev/fd"
    ln -s fd/0 "$root/dev/stdin"; ln -s fd/1 "$root/dev/stdout"; ln -s fd/2 "$root/dev/stderr"
    mkdir "$root/dev/shm" "$root/dev/pts"
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm" && mounted="$root/dev/shm $mounted"
    mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts" && mounted="$root/dev/pts $mounted"
    ln -s pts/ptmx "$root/dev/ptmx"
    mount -t sysfs -o ro sysfs "$root/sys" && mounted="$root/sys $mounted"
    git bundle create -q "$root/latchkey.bundle" HEAD
}
debian() { # SUITE USER [ROW-OF-NEED...]
    machine "$1"
    user=$2
    shift 2
    more=$*
    if [ "$user" != root ]; then
        chroot "$root" useradd -m -s /bin/sh "$user"
        echo "$user ALL=(ALL) NOPASSWD: ALL" >"$root/etc/sudoers.d/$user"
    fi
    # What a newcomer types. The demo is stopped by its own process; the README's blocks are taken from the README.
    # `make run` listens on port 8080, so one row at a time runs it: who has lock 8.
    exec 8>"$systems/lock"
    cat >"$root/type" <<'END'
set -eu
export LC_ALL=C.UTF-8
git clone -q -c advice.detachedHead=false /latchkey.bundle latchkey
cd latchkey
flock 8
began=$(date +%s)
: >"$HOME/run.log"
make run >"$HOME/run.log" 2>&1 &
run=$!
tail -f "$HOME/run.log" & watch=$!
until grep -q '^.*serving http' "$HOME/run.log" || ! kill -0 $run 2>/dev/null; do sleep 1; done
echo "fresh: make run took $(($(date +%s) - began)) s"
sleep 1
tests/readme.sh >"$HOME/blocks"
sh -eu "$HOME/blocks" >"$HOME/answers" 2>&1 && grep -q '"generation":2' "$HOME/answers" && grep -q '"kty":"oct"' "$HOME/answers" &&
    echo "fresh: the README's blocks work" || { cat "$HOME/answers"; echo 'fresh: a block of the README FAILED'; }
# By its name: what is not dumpable shows nobody its /proc/PID/exe.
for process in /proc/[0-9]*; do
    [ "$(cat "$process/comm" 2>/dev/null)" != latchkey ] || kill "${process#/proc/}"
done
wait $run 2>/dev/null || :
kill $watch 2>/dev/null || :
flock -u 8
packages=$(dpkg-query -f '.\n' -W | wc -l)
echo "fresh: $packages packages"
[ -z "$MORE" ] || tools/need.sh $MORE
make test T="$T" 2>&1 && echo 'fresh: make test ended well' || echo 'fresh: make test FAILED'
END
    status=0
    # A pid namespace of its own: what is left running ends with it.
    timeout 7200 unshare --pid --fork --kill-child --mount-proc="$root/proc" chroot "$root" \
        su - "$user" -c "T='${T-}' MORE='$more' exec sh /type" </dev/null 2>&1 | stamped
    sed 's/^[0-9.]* //' "$log" | grep -q '^fresh: make test ended well' || status=1
    ! sed 's/^[0-9.]* //' "$log" | grep -q '^fresh: .*FAILED' || status=1
    write_down "$status" "$(sed -n 's/^[0-9.]* fresh: make run took //p' "$log")"
}

# --- worlds
world() { # COMMAND...: the suite in it
    make -s all build/musl/tests/shim
    make -s need-tests "$(pwd)/latchkey" >/dev/null 2>&1 || :
    status=0
    { timeout 7200 "$@" </dev/null 2>&1 || echo "fresh: ended with $?"; } | stamped
    ! sed 's/^[0-9.]* //' "$log" | grep -q '^fresh: ended with' || status=1
    write_down "$status" ''
}
compiled() { # NAME: tests/NAME.c, static
    musl-gcc -static -O1 -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -o "$fresh/$1" "tests/$1.c"
}
# A year is moved for latchkey, and for the shim that tests start, by a stand-in that tells the shim; what looks at the
# executable itself is left out as for another processor.
moved() { # OFFSET-OF-SHIM OFFSET-OF-FAKETIME
    make -s all build/musl/tests/shim
    cat >"$fresh/stand_in.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	char words[600];
	const char *given = getenv("LK_SHIM");
	snprintf(words, sizeof words, "%s host=%s", given ? given : "", OFFSET);
	return argc < 1 || setenv("LK_SHIM", words, 1) || execv(SHIM, argv) ? 112 : 0;
}
END
    mkdir -p "$fresh/date/tests"
    musl-gcc -static -O1 -Wall -Werror -DSHIM="\"$top/build/musl/tests/shim\"" -DOFFSET="\"$1\"" -o "$fresh/date/latchkey" "$fresh/stand_in.c"
    cp "$fresh/date/latchkey" "$fresh/date/tests/shim"
    cp build/musl/stamps "$fresh/date/"
    export LATCHKEY="$fresh/date/latchkey" LK_BUILD="$fresh/date" LK_B=cross/date
    status=0
    # shellcheck disable=SC2086  # a list
    { timeout 7200 faketime -f "$2" tests/prove.sh 1800 ${T:-tests/*.t} 2>&1 9>&1 || echo "fresh: ended with $?"; } | stamped
    ! sed 's/^[0-9.]* //' "$log" | grep -q '^fresh: ended with' || status=1
    write_down "$status" ''
}

case $row in
debian12-user) debian bookworm pat ;;
debian12-root) debian bookworm root ;;
debian13-user) debian trixie pat postgresql haproxy ip ;;
debian13-root) debian trixie root postgresql haproxy ip ;;
kernel-sure)
    compiled kernel_word
    world unshare -T --boottime 31536000 --monotonic 31536000 --fork "$fresh/kernel_word" sure make test ;;
kernel-unsure)
    compiled kernel_word
    up=$(cut -d . -f 1 /proc/uptime)
    world unshare -T --boottime $((60 - up)) --monotonic $((60 - up)) --fork "$fresh/kernel_word" unsure make test ;;
next-year) moved +31536000 +365d ;;
busy)
    world sh -c 'make need-tests && make -j2 tested; for i in 1 2 3 4 5 6 7 8; do while :; do :; done & busy="$busy $!"; done
        PROVE_JOBS=8 make test; status=$?; kill $busy; exit $status' ;;
esac
