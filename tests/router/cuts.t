#!/bin/sh
# The power goes, for real: a guest with a flash of its own is killed in a storm of requests, and booted again from what is on
# the flash. cuts.py says what must hold. It takes hours, so `make test` doesn't have it: make torture, make router. With ONLY, the rows
# that it names: ONLY=cuts/jffs2. PERCENT is for fewer cuts
# than the table says.
#
# JFFS2 on NOR has no write cache: what write() was given is on the flash, synced or not. So a build that never syncs
# loses nothing there, and the controls are a flash that forgets (block2mtd), and a build that ends no session.
# needs: python3 curl
. "$(dirname "$0")/../lib.sh"
only_in musl
TOP=$(cd "$TOP/.." && pwd) # lib.sh knows the folder above
. "$TOP/tests/router/machine.sh"
. "$TOP/tests/router/guest.sh"
tmpdir

# cuts KIND CUTS [WORD]: what cuts.py prints, in $TMP/out. WORD makes a control: of the shim, or - for the executable as it is.
cuts() {
    flash "$1"
    machine "$processor"
    executable=guest/shim
    case ${3--} in -) executable=latchkey ;; esac
    (cd "$TOP" && tests/router/initrd.sh "$processor" "build/cross/$TRIPLET/$executable" "$TMP/initrd") || return
    CUTS_CONTROL=${3-} /usr/bin/python3 "$TOP/tests/router/cuts.py" "$processor" "$1" "$TMP/initrd" "$TMP/flash" "$2" 1 >"$TMP/out" 2>&1 ||
        echo "Error: ended with $?" >>"$TMP/out"
    grep -vE '^[0-9]' "$TMP/out" | sed 's/^[^#]/# &/'
}
column() { awk -v c="$1" '/^[0-9]/ { n += $c } END { print n + 0 }' "$TMP/out"; }

# Processor, file system, cuts, and controls: each a word of the shim (- for none) and the flash that it has
while read -r processor kind cuts controls; do
    case " ${ONLY-cuts} " in *" cuts "* | *" cuts/$kind "*) ;; *) continue ;; esac
    caught='' missed=''
    for control in $controls; do
        cuts "${control#*:}" 60 "${control%:*}"
        if [ "$(column 2)" -gt 0 ]; then caught="$caught $control ($(column 1))"; else missed="$missed $control"; fi
    done
    is "$missed" '' "$processor, $kind: each control is caught:$caught"
    cuts=$((cuts * ${PERCENT-100} / 100))
    cuts "$kind" "$cuts"
    tried=$(column 1) broken=$(column 2)
    is "$tried" "$cuts" "$processor, $kind: $cuts cuts, behind $(column 3) answers"
    is "$broken" 0 "$processor, $kind: no corruption, nobody signed out, no end undone"
    nok "$processor, $kind: went to its end" grep -q Error "$TMP/out"
    promise "power/a real kernel: $processor, $kind" "$tried" "$broken" "caught, after so many cuts:$caught"
done <<'END'
mipsel jffs2 200 -:block2mtd endless:jffs2
mipsel ubifs 100 unsynced:ubifs ends_unsynced:ubifs
mipsel ext4  100 unsynced:ext4 ends_unsynced:ext4
END
[ "$t_count" -gt 0 ] || skip_all "none of its rows is named by ONLY='$ONLY'"
done_testing
