#!/bin/sh
# need.sh NAME...: install what is named and this machine lacks. A name is a purpose (build, deps, deb, lint ...), which
# stands for several rows, or one program that a test runs: a test's line "needs:" has those (tests/tests.mk).
# A package counts as present when the command or file that it is wanted for is there, whoever brought it; so a second
# run does nothing, and one after a package was removed brings it back. Debian and its kin; elsewhere the missing
# ones are named.
set -eu

# name    what must exist (a command, or a path)           package that brings it
table='
build     gcc                                              gcc
build     ar                                               binutils
build     /usr/include/stdio.h                             libc6-dev
build     /usr/include/linux/landlock.h                    linux-libc-dev
build     musl-gcc                                         musl-tools
deps      dpkg-source                                      dpkg-dev
deps      xz                                               xz-utils
deps      node                                             nodejs
deps      /etc/ssl/certs/ca-certificates.crt               ca-certificates
run       curl                                             curl
test      prove                                            perl
test      setpriv                                          util-linux
apache2   apache2                                          apache2-bin
busybox   busybox                                          busybox
caddy     caddy                                            caddy
chromium  chromium                                         chromium
curl      curl                                             curl
fcgiwrap  fcgiwrap                                         fcgiwrap
file      file                                             file
file      readelf                                          binutils
firefox   firefox-esr                                      firefox-esr
haproxy   haproxy                                          haproxy
inetd     inetd                                            openbsd-inetd
inetd     /etc/protocols                                   netbase
java      javac                                            default-jdk-headless
kotlin    kotlinc                                          kotlin
kotlin    /usr/share/java/okhttp.jar                       libokhttp-java
kotlin    /usr/share/java/com.android.json.jar             libandroid-json-java
lighttpd  lighttpd                                         lighttpd
lighttpd  /usr/lib/lighttpd/mod_magnet.so                  lighttpd-mod-magnet
lighttpd-ssl  /usr/lib/lighttpd/mod_openssl.so             lighttpd-mod-openssl
mandoc    mandoc                                           mandoc
merecat   merecat                                          merecat
mini_httpd mini_httpd                                      mini-httpd
nginx     nginx                                            nginx
oathtool  oathtool                                         oathtool
node      node                                             nodejs
node      /etc/ssl/certs/ca-certificates.crt               ca-certificates
node      /usr/lib/*/libatomic.so.1                        libatomic1
postgresql /usr/lib/postgresql/*/bin/initdb                postgresql
postgresql patroni                                         patroni
postgresql /usr/lib/python3/dist-packages/etcd                 python3-etcd
postgresql etcd                                            etcd-server
postgresql etcdctl                                         etcd-client
postgresql pgbouncer                                       pgbouncer
prometheus prometheus                                      prometheus
python3   /usr/bin/python3                                 python3-minimal
python3   /usr/lib/python3.*/json/__init__.py              python3
radicale  radicale                                         radicale
jwt       /usr/lib/python3/dist-packages/jwt               python3-jwt
jwt       /usr/lib/python3/dist-packages/cryptography        python3-cryptography
yaml      /usr/lib/python3/dist-packages/yaml              python3-yaml
jsonschema /usr/lib/python3/dist-packages/jsonschema       python3-jsonschema
shellcheck shellcheck                                      shellcheck
socat     socat                                            socat
strace    strace                                           strace
syncthing syncthing                                        syncthing
systemd-socket-activate systemd-socket-activate            systemd
ssl-cert  make-ssl-cert                                    ssl-cert
ip        ip                                               iproute2
tcpserver tcpserver                                        ucspi-tcp
tcpsvd    tcpsvd                                           ipsvd
transmission-daemon transmission-daemon                    transmission-daemon
zbar      zbarimg                                          zbar-tools
valgrind  valgrind                                         valgrind
varnishd  varnishd                                         varnish
zsh       zsh                                              zsh
oauth     /usr/lib/python3/dist-packages/authlib              python3-authlib
oauth     /usr/lib/python3/dist-packages/requests_oauthlib    python3-requests-oauthlib
oauth     /usr/lib/apache2/modules/mod_auth_openidc.so        libapache2-mod-auth-openidc
peers     gcc                                              gcc
peers     setpriv                                          util-linux
peers     strace                                           strace
peers     lighttpd                                         lighttpd
deb       dh                                               debhelper
deb       dpkg-buildpackage                                dpkg-dev
deb       /usr/share/build-essential                       build-essential
clang     clang                                            clang
clang     /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.msan-*.a   libclang-rt-dev
clang     llvm-symbolizer                                  llvm
cov       gcov                                             gcc
cross-aarch64-linux-gnu    aarch64-linux-gnu-gcc               gcc-aarch64-linux-gnu
cross-arm-linux-gnueabi    arm-linux-gnueabi-gcc               gcc-arm-linux-gnueabi
cross-arm-linux-gnueabihf  arm-linux-gnueabihf-gcc             gcc-arm-linux-gnueabihf
cross-i686-linux-gnu       i686-linux-gnu-gcc                  gcc-i686-linux-gnu
cross-mips-linux-gnu       mips-linux-gnu-gcc                  gcc-mips-linux-gnu
cross-mipsel-linux-gnu     mipsel-linux-gnu-gcc                gcc-mipsel-linux-gnu
cross-riscv64-linux-gnu    riscv64-linux-gnu-gcc               gcc-riscv64-linux-gnu
qemu      qemu-mips-static                                 qemu-user-static
router    qemu-system-mipsel                               qemu-system-mips
router    modinfo                                          kmod
router    cpio                                             cpio
routers   qemu-system-arm                                  qemu-system-arm
routers   qemu-system-aarch64                              qemu-system-arm
routers   mksquashfs                                       squashfs-tools
routers   mkfs.f2fs                                        f2fs-tools
routers   mkfs.ext4                                        e2fsprogs
lint      clang-tidy                                       clang-tidy
lint      cppcheck                                         cppcheck
lint      shellcheck                                       shellcheck
fresh     debootstrap                                      debootstrap
fresh     faketime                                         faketime
'

have() {
    case $1 in
    /*) # unquoted: the path may hold a pattern
        # shellcheck disable=SC2086
        set -- $1; test -e "$1" ;;
    *)  PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null ;;
    esac
}

for name; do
    case $table in *"
$name "*) ;; *) echo "need: no row is named $name (tools/need.sh)" >&2; exit 1 ;; esac
done
packages=$(printf '%s' "$table" | while read -r name what package; do
    case " $* " in *" $name "*) have "$what" || printf '%s\n' "$package" ;; esac
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
patient=$(dirname "$0")/patient.sh
PATIENT_LOG=$(mktemp)
export PATIENT_LOG
trap 'rm -f "$PATIENT_LOG"' EXIT

# What it will be, before it is: the packages that these bring with them, and their weight.
say_weight() {
    # shellcheck disable=SC2086
    LC_ALL=C apt-get -o Debug::NoLocking=1 install --assume-no --no-install-recommends $packages 2>/dev/null </dev/null |
        awk '/newly installed/ { n = $3 } /^Need to get/ { get = $4 " " $5; sub(/\/.*/, "", get) } /^After this/ { use = $4 " " $5 }
            END { if (n) printf "need: %d packages with what they depend on, %s to fetch, %s on the disk\n", n, get ? get : "nothing", use }'
}
# RUNLEVEL=1 asks package scripts not to start the services they bring.
# shellcheck disable=SC2016,SC2086  # $packages is a list
install() {
    say_weight
    $patient sh -c '"$@" >"$PATIENT_LOG" 2>&1 </dev/null' - $as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get -o DPkg::Lock::Timeout=600 install -y -q --no-install-recommends $packages
}
refresh() {
    echo "need: refreshing the package lists"
    # shellcheck disable=SC2016
    $patient sh -c '"$@" >"$PATIENT_LOG" 2>&1' - $as_root apt-get update -q
}
echo "need: installing $packages"
install && exit 0
refresh && install && exit 0
cat "$PATIENT_LOG" >&2
exit 1
