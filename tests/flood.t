#!/bin/sh
# A flood of sign-ins on a host with 64 MB: refreshes go on, no process dies, and all together stay in what there is. What
# they have is counted from what the kernel says of each (crowd.c); where this test may make a memory cgroup, the host is one.
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: bounds memory, and most of it would be qemu's
. "$(dirname "$0")/calls.sh"
tmpdir
"${HELPER_CC:-musl-gcc}" -static -O1 -std=c11 -D_GNU_SOURCE -Wall -Wextra -o "$TMP/crowd" "$TOP/tests/crowd.c" || exit 1
RAM=65536
COUNT=300
[ -z "${TORTURE-}" ] || COUNT=5000

# group: makes one of 64 MB, of the second or first kind; its directory in $GROUP, or nothing.
group() {
    GROUP=
    for g_file in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
        g_dir=${g_file%/*}/latchkey-flood-$$
        mkdir "$g_dir" 2>/dev/null || continue
        if [ -e "$g_dir/${g_file##*/}" ] && echo "${RAM}K" >"$g_dir/${g_file##*/}" 2>/dev/null; then
            GROUP=$g_dir
            return
        fi
        rmdir "$g_dir"
    done
}
flood() { # NAME CONF-LINE...: its figures in $TMP/NAME
    f_name=$1
    shift
    data "$TMP/data-$f_name"
    # The user's own hash stays cheap: who signs in here once is not the flood.
    printf '%s\n' "throttle_dir = $DATA" "$@" >"$DATA/latchkey.conf"
    # shellcheck disable=SC2016  # for the shell that goes into the group
    sh -c '[ -z "$1" ] || echo $$ >"$1/cgroup.procs"; shift; exec "$@"' sh "$GROUP" \
        "$TMP/crowd" "$LATCHKEY" "$DATA" flood "$COUNT" 24 >"$TMP/$f_name"
    is $? 0 "$f_name: flooded${GROUP:+, in a cgroup}"
    grep '^#' "$TMP/$f_name"
    diag "$(grep -v '^#' "$TMP/$f_name" | tr '\n' ' ')"
}
figure() { sed -n "s/^$2 //p" "$TMP/$1"; }

# What is chosen on such a host by itself (password.c); the default lets two hash at a time.
group
flood small 'password_memory = 7m' 'password_passes = 5'
[ -z "$GROUP" ] || rmdir "$GROUP"
is "$(figure small failures)" 0 "each of $(figure small requests) requests of two sessions is done, each of $(figure small logins) sign-ins answered"
ok "all processes together stay under 64 MB (at most $(figure small peak) KiB)" test "$(figure small peak)" -lt "$RAM"
ok 'the store is whole' verb check

# Sixteen hashes of 19 MiB at once: that is what the slots are for.
GROUP=
COUNT=40
flood large 'password_memory = 19m' 'password_passes = 2' 'password_jobs = 16'
caught=0
ok "hashes without bound are found out ($(figure large peak) KiB)" test "$(figure large peak)" -gt "$RAM" && caught=1
promise greedy/flood "$(($(figure small requests) + $(figure small logins)))" "$(figure small failures)" \
    "caught $caught of 1 host without bounds"
done_testing
