#!/bin/sh
# `latchkey init --owner` as root, below a directory of somebody else, who puts another directory in the place of the new one: by a
# link to one that only root may enter, or by one of his own. Nothing is made in either, and neither is given away.
# needs: strace
. "$(dirname "$0")/lib.sh"
only_in musl cov # not cross: strace would trace qemu
[ "$(id -u)" -eq 0 ] || skip_all 'only root gives a directory away'
tmpdir
chmod 755 "$TMP"
mkdir -m 700 "$TMP/private"

uptime() { cut -d . -f 1 /proc/uptime; }
# exchanged CALL WHEN REPLACE...: init --owner, which stands still for a while at that call, before (enter) or behind it (exit), while its
# directory is exchanged for what REPLACE makes; $code is how it ended. On a busy machine two seconds may be too short for that: then it is done once more.
exchanged() {
    for seconds in 2 8 32 128; do
        began=$(uptime)
        exchanged_within "$seconds" "$@"
        [ "$late" -ge "$seconds" ] || return 0
    done
}
exchanged_within() { # SECONDS CALL WHEN REPLACE...; $late is how long the exchange took since $began
    call=$2 when=$3 delay=${1}000000
    shift 3
    rm -rf "$TMP/theirs"
    mkdir "$TMP/theirs"
    chown 65534 "$TMP/theirs"
    : >"$TMP/trace"
    # The first mkdir of many that is of the directory itself.
    only=''
    [ "$when" = enter ] || only="-P $TMP/theirs/data"
    # shellcheck disable=SC2086  # words
    strace -o "$TMP/trace" $only -e "trace=$call" -e "inject=$call:delay_$when=$delay:when=1" \
        "$LATCHKEY" init --owner 65534 --dir "$TMP/theirs/data" >"$TMP/said" 2>&1 &
    init=$!
    eventually test -d "$TMP/theirs/data"
    [ "$when" = exit ] || eventually grep -q '(' "$TMP/trace"
    mv "$TMP/theirs/data" "$TMP/theirs/away"
    "$@"
    late=$(($(uptime) - began)) code=0
    wait "$init" || code=$?
}

private_link() { ln -s "$TMP/private" "$TMP/theirs/data"; }
own_directory() { mkdir "$TMP/theirs/data" && chown 65534 "$TMP/theirs/data"; }
for replace in private_link own_directory; do
    exchanged /^mkdir exit "$replace"
    count_all
    nok "exchanged when it was just made, $replace: refused" test "$code" -eq 0
    like "$(cat "$TMP/said")" "latchkey: VB3: cannot make $TMP/theirs/data: *" 'with the reason'
    is "$(find "$TMP/theirs/data/" "$TMP/private" -name "latchkey*")" '' 'nothing is made in it'
done
exchanged fsync enter private_link
nok 'exchanged after it was given away: refused' test "$code" -eq 0
like "$(cat "$TMP/said")" '*the directory was exchanged for another one*' 'with the reason'
is "$(ls -A "$TMP/private")" '' 'nothing is made where only root may'
exchanged fchown enter private_link
is "$(stat -c '%u %a' "$TMP/private")" '0 700' 'exchanged before that: the other directory stays its owner'"'"'s'
is "$(ls -A "$TMP/private")" '' 'and empty'

# What it would find: whoever goes by the name comes to the other directory.
stat -L -c %i "$TMP/theirs/data" "$TMP/private" | sort -u >"$TMP/inodes"
is "$(wc -l <"$TMP/inodes")" 1 'the name does lead there'

# --- who the owner is
rm -rf "$TMP/theirs"
mkdir "$TMP/theirs"
is "$(setpriv --bounding-set=-chown "$LATCHKEY" init --owner 65534 --dir "$TMP/theirs/data" 2>&1)" \
    "latchkey: VB3: cannot make $TMP/theirs/data: Operation not permitted" 'a root who may give nothing away is told'
if unshare -m true 2>/dev/null; then
    printf '%s\n' 'short:x' 'word:x:zero:0::/:' 'group:x:1:none::/:' 'good:x:65534:65534::/:' >"$TMP/passwd"
    as_listed() { # USER
        # shellcheck disable=SC2016  # for the inner shell
        unshare -m sh -c 'mount --bind "$1" /etc/passwd && exec "$2" init --owner "$3" --dir "$4"' - "$TMP/passwd" "$LATCHKEY" "$1" "$TMP/theirs/$1" 2>&1
    }
    for user in short word group nobody; do
        is "$(as_listed $user)" "latchkey: init: no such user in /etc/passwd: $user" "a list of users without a good row of $user"
    done
    is "$(as_listed good; stat -c %u "$TMP/theirs/good")" "made $TMP/theirs/good
65534" 'beside one that has it'
fi
done_testing
