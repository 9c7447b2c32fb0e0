#!/bin/sh
# `latchkey init --owner` as root, below a directory of somebody else, who puts another directory in the place of the new one: by a
# link to one that only root may enter, or by one of his own. Nothing is made in either, and neither is given away.
# needs: strace
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: strace would trace qemu
[ "$(id -u)" -eq 0 ] || skip_all 'only root gives a directory away'
tmpdir
chmod 755 "$TMP"
mkdir -m 700 "$TMP/private"

# exchanged CALL DIRECTORY: init --owner, which stands still for two seconds before that call while its directory is exchanged for
# that one; $code is how it ended.
exchanged() {
    rm -rf "$TMP/theirs"
    mkdir "$TMP/theirs"
    chown 65534 "$TMP/theirs"
    strace -o "$TMP/trace" -e trace=fchown,fsync -e "inject=$1:delay_enter=2000000:when=1" \
        "$LATCHKEY" init --owner 65534 --dir "$TMP/theirs/data" >"$TMP/said" 2>&1 &
    init=$!
    eventually test -d "$TMP/theirs/data"
    mv "$TMP/theirs/data" "$TMP/theirs/away"
    ln -s "$2" "$TMP/theirs/data"
    code=0
    wait "$init" || code=$?
}

exchanged fsync "$TMP/private"
nok 'exchanged after it was given away: refused' test "$code" -eq 0
like "$(cat "$TMP/said")" '*the directory was exchanged for another one*' 'with the reason'
is "$(ls -A "$TMP/private")" '' 'nothing is made where only root may'
exchanged fchown "$TMP/private"
is "$(stat -c '%u %a' "$TMP/private")" '0 700' 'exchanged before that: the other directory stays its owner'"'"'s'
is "$(ls -A "$TMP/private")" '' 'and empty'

# What it would find: whoever goes by the name comes to the other directory.
stat -L -c %i "$TMP/theirs/data" "$TMP/private" | sort -u >"$TMP/inodes"
is "$(wc -l <"$TMP/inodes")" 1 'the name does lead there'
done_testing
