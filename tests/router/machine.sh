# shellcheck shell=sh
# machine.sh: what a guest of each processor is. Sourced; `machine PROCESSOR` sets these names or fails.
#   KARCH     what the kernel's build calls the processor     TRIPLET  the compiler, and build/cross/TRIPLET
#   EMULATOR  with machine and processor                      CONSOLE  its serial line
#   BUS       how virtio is attached; NIC: with what more     BASE     the modules without which nothing works
# shellcheck disable=SC2034  # they are for who sources it
machine() {
    case $1 in
    mipsel) KARCH=mips TRIPLET=mipsel-linux-gnu EMULATOR='qemu-system-mipsel -M malta -cpu 24Kf' CONSOLE=ttyS0 BUS=pci ;;
    armhf) KARCH=arm TRIPLET=arm-linux-gnueabihf EMULATOR='qemu-system-arm -M virt -cpu cortex-a7' CONSOLE=ttyAMA0 BUS=device ;;
    arm64) KARCH=arm64 TRIPLET=aarch64-linux-gnu EMULATOR='qemu-system-aarch64 -M virt -cpu cortex-a53' CONSOLE=ttyAMA0 BUS=device ;;
    *) echo "router: no such processor: $1" >&2; return 1 ;;
    esac
    case $BUS in
    # Two devices on one interrupt of malta's lose some of them, and the guest waits for ever: the network gets its own.
    pci) NIC=,romfile=,addr=0x14 BASE='virtio_pci virtio_blk virtio_net' ;;
    device) NIC='' BASE='virtio_mmio virtio_blk virtio_net' ;;
    esac
    PACKAGED=deps/router/$1 BUILT=build/router/$1
}
