#!/bin/sh
# npm.sh ARGUMENTS...: npm. Where the machine has none, Debian's is unpacked into deps/.npm and installed nowhere:
# npm depends on some 340 packages, and all that is wanted of it is to fetch a few files that are pinned by their hash.
# Its Node.js is whichever is first in PATH, mostly the machine's (nodejs: tools/need.sh, "deps").
set -eu
# Node.js of npm's own packages knows a list of its own; whom this machine trusts besides (a proxy, say) counts too.
authorities=/etc/ssl/certs/ca-certificates.crt
[ ! -r "$authorities" ] || export NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-$authorities}"
# NPM_UNPACKED: whoever puts this script into PATH as npm.
[ -n "${NPM_UNPACKED-}" ] || ! command -v npm >/dev/null || exec npm "$@"
here=$PWD
cd "$(dirname "$0")/.."
mkdir -p deps
npm=$PWD/deps/.npm
exec 8>deps/.npm.lock
flock 8
if [ ! -e "$npm/ready" ]; then
    rm -rf "$npm"
    mkdir -p "$npm/debs" "$npm/root"
    # What apt would install for it, less what isn't JavaScript.
    packages=$(apt-get -s -o Debug::NoLocking=1 --no-install-recommends install npm | awk '$1 == "Inst" && $2 ~ /^(npm|node-.*)$/ { print $2 }')
    echo "npm: unpacking npm and $(echo "$packages" | wc -l) packages of Debian's beside the tree (25 MB to fetch); none is installed" >&2
    # shellcheck disable=SC2086  # a list
    (cd "$npm/debs" && apt-get -qq -o APT::Sandbox::User=root download $packages >&2)
    for deb in "$npm"/debs/*.deb; do dpkg-deb -x "$deb" "$npm/root"; done
    rm -rf "$npm/debs"
    touch "$npm/ready"
fi
exec 8>&-
cd "$here"
share=$npm/root/usr/share
export NODE_PATH="$share/nodejs:$npm/root/usr/lib/nodejs:$share/node_modules:/usr/share/nodejs"
export NODE_OPTIONS="--no-deprecation"
exec node "$share/nodejs/npm/bin/npm-cli.js" "$@"
