#!/bin/sh
# boot.sh PROCESSOR MEGABYTES INITRD FLASH CONTROL-PORT WEB-PORT CONSOLE [QEMU-ARGUMENT...]: becomes the emulator of a guest. Its
# flash or disk is the file FLASH, which has what the guest wrote the moment this process is killed: a write is in the
# file before the guest hears that it is done. One guest runs at a time in a checkout: others wait for its end. Both ports are of loopback: the way in (`run`) and the guest's port 80.
set -eu
cd "$(dirname "$0")/../.."
. tests/router/machine.sh
machine "$1"
megabytes=$2 initrd=$3 flash=$4 control=$5 web=$6 console=$7
shift 7
exec 9>build/router/lock
flock 9   # held by the emulator
# nokaslr: where memory is short, a kernel that draws its place may lie upon its initrd, and says nothing more.
# shellcheck disable=SC2086  # words
exec $EMULATOR -m "$megabytes" -vga none -display none -monitor none -serial "file:$console" -no-reboot \
    -kernel "$(echo "$PACKAGED"/boot/vmlinuz-*)" -initrd "$initrd" -append "console=$CONSOLE quiet loglevel=4 panic=-1 nokaslr" \
    -drive "file=$flash,if=none,id=flash,format=raw,cache=unsafe" -device "virtio-blk-$BUS,drive=flash" \
    -netdev "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:$control-:8,hostfwd=tcp:127.0.0.1:$web-:80" \
    -device "virtio-net-$BUS,netdev=net$NIC" "$@"
