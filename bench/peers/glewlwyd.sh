#!/bin/sh
# glewlwyd.sh DIR: unpacks Debian's glewlwyd, and what it needs that isn't installed, into DIR; nothing is
# installed, and no service starts. Does nothing when that is there already.
set -eu
VERSION=2.7.5-3+deb12u1
mkdir -p "$1"
cd "$1"
[ "$(cat version 2>/dev/null)" != "$VERSION" ] || exit 0
rm -rf root debs
mkdir debs
apt-cache show "glewlwyd=$VERSION" >/dev/null 2>&1 || apt-get update -qq
wanted=$(apt-get install -s --no-install-recommends "glewlwyd=$VERSION" dbconfig-no-thanks | sed -n 's/^Inst \([^ ]*\) .*/\1/p')
# shellcheck disable=SC2086  # a list
(cd debs && apt-get download -qq $wanted 2>/dev/null)
for deb in debs/*.deb; do dpkg -x "$deb" root; done
rm -rf debs
echo "$VERSION" >version
