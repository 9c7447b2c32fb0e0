#!/bin/sh
# The power goes at any moment: power.py says what a disk may hold then, and what must hold. The executable runs once per
# request, as `serve`, and as `serve --workers`. Here some hundred states each, with TORTURE=1 over twenty thousand.
# needs: python3 strace
. "$(dirname "$0")/lib.sh"
only_in musl x86_64 # not cross: its tracer knows the registers of one processor
. "$(dirname "$0")/calls.sh"
if [ -w /dev/shm ]; then TMPDIR=/dev/shm tmpdir; else tmpdir; fi
[ -z "${TORTURE-}" ] || LONG=1
SHIM=$LK_BUILD/tests/shim

power() { # LATCHKEY SEED STATES: what power.py prints
    mkdir -p "$TMP/$2"
    /usr/bin/python3 "$TOP/tests/power.py" "$LK_BUILD/inject" "$1" "$TMP/$2" "$2" "$3" 2>&1 || echo "Error: ended with $?"
    rm -rf "${TMP:?}/$2"
}
column() { awk -v c="$1" '/^[0-9]/ { n += $c } END { print n + 0 }' "$TMP/all"; }
tours() { # SEEDS STATES: of each seed, two at a time, in $TMP/all
    before=''
    for seed in $(seq "$1"); do
        power "$LATCHKEY" "$seed" "$2" >"$TMP/out$seed" &
        t_pids="$t_pids $!"
        [ -z "$before" ] || wait "$before"
        before=$!
    done
    wait "$before"
    cat "$TMP"/out* >"$TMP/all"
    rm "$TMP"/out*
    grep -vE '^[0-9]' "$TMP/all" | sed 's/^[^#]/# &/'
}

# The controls: what is said to be on disk isn't.
broken_builds() { # WORD-OF-THE-SHIM...: $caught, $missed
    caught='' missed=''
    for word; do
        export LK_SHIM="$word"
        POWER_CONTROL=1 power "$SHIM" 1 3000 >"$TMP/all"
        if [ "$(column 2)" -gt 0 ]; then caught="$caught $word"; else missed="$missed $word"; fi
    done
    unset LK_SHIM
    is "$missed" '' "$face: each broken build is caught"
}

# No two of them are the same: what is synced at a refresh, a sign-out and the retiring of a key.
synced() { # WORD-OF-THE-SHIM
    WRAP="env LK_SHIM=$1 strace -f -e trace=fsync,fdatasync -o $TMP/syncs"
    for call in 'refresh "$TOKEN"' 'ask POST /logout "{\"refresh_token\":\"$TOKEN\"}"'; do
        signed_in
        eval "$call" >/dev/null
        grep -oE '\b(fsync|fdatasync)\(' "$TMP/syncs" | sort | uniq -c
    done
    LK_SHIM=$1 strace -f -e trace=fsync,fdatasync -o "$TMP/syncs" "$LATCHKEY" key rotate --dir "$DATA" >/dev/null
    grep -oE '\b(fsync|fdatasync)\(' "$TMP/syncs" | sort | uniq -c
    WRAP=''
}
data "$TMP/synced"
for word in shipped unsynced ends_unsynced key_unsynced; do
    LATCHKEY=$SHIM synced $word | tr -s ' \n' ' ' >>"$TMP/differ"
    echo >>"$TMP/differ"
done
is "$(sort -u "$TMP/differ" | wc -l)" 4 "each broken build syncs something else ($(paste -sd / "$TMP/differ"))"

# A face, how long its tours are, seeds and states in short and long, and its broken builds
while read -r face steps seeds states long_seeds long_states broken_ones; do
    POWER_STEPS=$steps
    export POWER_STEPS
    case $face in cgi) unset POWER_SERVE ;; serve) export POWER_SERVE='' ;; workers) export POWER_SERVE='--workers 2' ;; esac
    [ -z "${LONG-}" ] || seeds=$long_seeds states=$long_states
    tours "$seeds" "$states"
    tried=$(column 1) broken=$(column 2)
    ok "$face: states were tried ($tried, behind $(column 3) cuts of $(column 4) steps)" test "$tried" -ge $((seeds * states))
    is "$broken" 0 "$face: no corruption, nobody signed out, no end undone"
    nok "$face: each went to its end" grep -q Error "$TMP/all"
    # shellcheck disable=SC2086  # words
    broken_builds $broken_ones
    promise "power/$face" "$tried" "$broken" "caught:$caught"
done <<'END'
cgi      24 1 600 10 2000  unsynced ends_unsynced key_unsynced
serve    10 1 120  2 1000  ends_unsynced
workers  10 1 150  3 1000  unsynced ends_unsynced
END
done_testing
