#!/bin/sh
# need.sh PURPOSE...: install what the purposes need and this machine lacks.
# A package counts as present when the command or file it is wanted for is there, whoever
# brought it, so a second run does nothing. Debian and its kin; elsewhere it names what is missing.
set -eu

# purpose  what must exist (a command, or a path)        package that brings it
table='
build   gcc                                              gcc
build   ar                                               binutils
build   /usr/include/stdio.h                             libc6-dev
build   /usr/include/linux/landlock.h                    linux-libc-dev
build   musl-gcc                                         musl-tools
deps    npm                                              npm
deps    dpkg-source                                      dpkg-dev
deps    xz                                               xz-utils
test    prove                                            perl
test    file                                             file
test    readelf                                          binutils
test    curl                                             curl
test    strace                                           strace
test    busybox                                          busybox
test    lighttpd                                         lighttpd
test    systemd-socket-activate                          systemd
test    tcpsvd                                           ipsvd
test    valgrind                                         valgrind
test    /usr/lib/python3/dist-packages/yaml              python3-yaml
test    /usr/lib/python3/dist-packages/jsonschema        python3-jsonschema
test    mandoc                                           mandoc
test    python3                                          python3-minimal
test    node                                             nodejs
test    npm                                              npm
test    chromium                                         chromium
test    shellcheck                                       shellcheck
test    zsh                                              zsh
test    setpriv                                          util-linux
test    dh                                               debhelper
test    nginx                                            nginx
test    fcgiwrap                                         fcgiwrap
test    apache2                                          apache2-bin
test    mini_httpd                                       mini-httpd
test    merecat                                          merecat
test    caddy                                            caddy
test    haproxy                                          haproxy
test    varnishd                                         varnish
test    inetd                                            openbsd-inetd
test    socat                                            socat
test    tcpserver                                        ucspi-tcp
test    /usr/lib/lighttpd/mod_magnet.so                  lighttpd-mod-magnet
test    /usr/lib/python3/dist-packages/jwt               python3-jwt
peers   node                                             nodejs
peers   npm                                              npm
peers   /usr/include/node/node.h                         libnode-dev
peers   g++                                              g++
peers   make                                             make
peers   strace                                           strace
peers   lighttpd                                         lighttpd
deb     dh                                               debhelper
deb     dpkg-buildpackage                                dpkg-dev
clang   clang                                            clang
clang   /usr/lib/llvm-14/lib/clang/14*/lib/linux/libclang_rt.msan-*.a   libclang-rt-14-dev
clang   llvm-symbolizer                                  llvm
cov     gcov                                             gcc
cross-aarch64-linux-gnu    aarch64-linux-gnu-gcc               gcc-aarch64-linux-gnu
cross-arm-linux-gnueabi    arm-linux-gnueabi-gcc               gcc-arm-linux-gnueabi
cross-arm-linux-gnueabihf  arm-linux-gnueabihf-gcc             gcc-arm-linux-gnueabihf
cross-i686-linux-gnu       i686-linux-gnu-gcc                  gcc-i686-linux-gnu
cross-mips-linux-gnu       mips-linux-gnu-gcc                  gcc-mips-linux-gnu
cross-mipsel-linux-gnu     mipsel-linux-gnu-gcc                gcc-mipsel-linux-gnu
cross-riscv64-linux-gnu    riscv64-linux-gnu-gcc               gcc-riscv64-linux-gnu
qemu    qemu-mips-static                                 qemu-user-static
lint    clang-tidy                                       clang-tidy
lint    cppcheck                                         cppcheck
lint    shellcheck                                       shellcheck
'

have() {
    case $1 in
    /*) # unquoted: the path may hold a pattern
        # shellcheck disable=SC2086
        set -- $1; test -e "$1" ;;
    *)  PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null ;;
    esac
}

packages=$(printf '%s' "$table" | while read -r purpose what package; do
    case " $* " in *" $purpose "*) have "$what" || printf '%s\n' "$package" ;; esac
done | sort -u | tr '\n' ' ')
[ -n "${packages% }" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "need: missing, and no apt-get to install it with: $packages" >&2
    exit 1
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "need: run as root, or install: $packages" >&2; exit 1; }
    as_root=sudo
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# RUNLEVEL=1 asks package scripts not to start the services they bring.
# shellcheck disable=SC2086  # $packages is a list
install() {
    $as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends $packages >"$log" 2>&1 </dev/null
}
echo "need: installing $packages"
install && exit 0
echo "need: refreshing the package lists"
$as_root apt-get update -qq >/dev/null
install && exit 0
cat "$log" >&2
exit 1
