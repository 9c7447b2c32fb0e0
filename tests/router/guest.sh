# shellcheck shell=sh
# guest.sh: guests, for tests. Sourced after lib.sh.
#
#   flash KIND               an erased flash, or an empty disk, of that kind in $TMP/flash
#   boot PROCESSOR [MEGABYTES [QEMU-ARGUMENT...]]    a guest on it; its console in $TMP/console
#   on LINES                 runs shell lines in it; prints what they print, ends as they end
#   cut_power                   the power goes: the guest is killed, the file $TMP/flash is what it is
# $WEB is the URL of its port 80.

INITRD=''   # another than the processor's own

flash() { # KIND
    rm -f "$TMP/flash" "$TMP/rom"
    case $1 in
    ubifs) erased 16 ;;
    ext4) truncate -s 16M "$TMP/flash" && mkfs.ext4 -q "$TMP/flash" ;;
    f2fs) truncate -s 64M "$TMP/flash" && mkfs.f2fs -q "$TMP/flash" ;;
    *) erased 8 ;;
    esac
    mkdir -p "$TMP/rom.d/lk"
    [ "$1" != overlay ] || mksquashfs "$TMP/rom.d" "$TMP/rom" -quiet -no-progress -all-root >"$TMP/log"
}
erased() { head -c "$1M" /dev/zero | tr '\0' '\377' >"$TMP/flash"; } # MEGABYTES

boot() { # PROCESSOR [MEGABYTES [QEMU-ARGUMENT...]]
    g_processor=$1 g_memory=${2-64}
    shift $(($# < 2 ? $# : 2))
    [ -n "${CONTROL-}" ] || CONTROL=$(free_port 2)
    g_web=$((CONTROL + 1))
    # shellcheck disable=SC2034  # for the test
    WEB=http://127.0.0.1:$g_web
    : >"$TMP/console"
    # The read-only image of an overlay is a second disk.
    [ ! -e "$TMP/rom" ] || set -- -drive "file=$TMP/rom,if=none,id=rom,format=raw,readonly=on" -device "virtio-blk-$(machine "$g_processor" && echo "$BUS"),drive=rom" "$@"
    start guest "$TOP/tests/router/boot.sh" "$g_processor" "$g_memory" "${INITRD:-$TOP/build/router/$g_processor/initrd}" \
        "$TMP/flash" "$CONTROL" "$g_web" "$TMP/console" "$@"
    g_tries=0   # another guest may have to end first
    # shellcheck disable=SC2154  # start sets it
    until grep -q '^guest: up' "$TMP/console"; do
        g_tries=$((g_tries + 1))
        if [ "$g_tries" -gt 18000 ] || ! kill -0 "$guest_pid" 2>/dev/null; then
            diag "the guest doesn't start: $(cat "$TMP/guest.log" "$TMP/console")"
            return 1
        fi
        sleep 0.1
    done
}

on() { # LINES
    curl -sS -m "${ON_SECONDS-900}" -o "$TMP/on" --data-binary "$1" "http://127.0.0.1:$CONTROL/cgi-bin/run" || return 99
    sed '$d' "$TMP/on"
    return "$(sed -n '$s/^exit //p' "$TMP/on" | grep . || echo 98)"
}

cut_power() {
    kill -9 "$guest_pid"
    wait "$guest_pid" 2>/dev/null
    stop guest
}
