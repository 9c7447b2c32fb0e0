#!/bin/sh
# The power goes at any moment: power.py says what a disk may hold then, and what must hold. Here some
# hundred states, with TORTURE=1 over twenty thousand, by two workers.
. "$(dirname "$0")/lib.sh"
if [ -w /dev/shm ]; then TMPDIR=/dev/shm tmpdir; else tmpdir; fi
STATES=900 SEEDS=1
[ -z "${TORTURE-}" ] || STATES=2000 SEEDS='1 2 3 4 5 6 7 8 9 10 11 12'

power() { # LATCHKEY SEED STATES: what power.py prints
    mkdir -p "$TMP/$2"
    /usr/bin/python3 "$TOP/tests/power.py" "$LK_BUILD/inject" "$1" "$TMP/$2" "$2" "$3" 2>&1 || echo "Error: ended with $?"
    rm -rf "${TMP:?}/$2"
}
column() { awk -v c="$1" '/^[0-9]/ { n += $c } END { print n + 0 }' "$TMP/all"; }

set --
for seed in $SEEDS; do
    power "$LATCHKEY" "$seed" "$STATES" >"$TMP/out$seed" &
    t_pids="$t_pids $!"
    set -- "$@" "$!"
    if [ $# -eq 2 ]; then
        wait "$1"
        shift
    fi
done
wait "$@"
cat "$TMP"/out* >"$TMP/all"
grep -E '^#|Error' "$TMP/all"
states=$(column 1) broken=$(column 2)
ok "states were tried ($states, behind $(column 3) cuts of $(column 4) steps)" \
    test "$states" -ge "$((STATES * $(echo "$SEEDS" | wc -w)))"
is "$broken" 0 'no corruption, nobody signed out, no end undone'
nok 'each went to its end' grep -q Error "$TMP/all"

# The controls: what is said to be on disk isn't.
caught='' missed=''
while read -r mutant name; do
    power "$LK_BUILD/mutants/$mutant" 1 150 >"$TMP/all"
    if [ "$(column 2)" -gt 0 ]; then caught="$caught, $name"; else missed="$missed $mutant"; fi
done <<'END'
sync_off       synchronous=OFF
ends_unsynced  NORMAL for revokes
key_unsynced   a key's rename unsynced
END
is "$missed" '' 'each broken build is caught'
promise power "$states" "$broken" "caught:${caught#,}"
done_testing
