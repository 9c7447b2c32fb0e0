#!/bin/sh
# debian.sh DIR: unpacks Debian's packages that the peers are made of, and what those need that isn't installed, into DIR/root;
# nothing is installed, and no service starts. DIR/versions has their names and versions. Does nothing when that is there already.
set -eu
WANTED='glewlwyd dbconfig-no-thanks redis-server golang-1.19-go golang-github-golang-jwt-jwt-dev golang-github-mattn-go-sqlite3-dev'
WANTED="$WANTED python3-django-oauth-toolkit python3-psycopg2 gunicorn"
# The module asks for a flavour of nginx with twenty others that load by themselves: these are all that it loads.
LUA='libnginx-mod-http-lua libnginx-mod-http-ndk libluajit2-5.1-2 lua-resty-core lua-resty-lrucache lua-nginx-redis'
[ -e /usr/lib/postgresql/15/bin/postgres ] || WANTED="$WANTED postgresql-15"
mkdir -p "$1"
cd "$1"
[ "$(cat wanted 2>/dev/null)" != "$WANTED $LUA" ] || exit 0
rm -rf root debs
mkdir debs
# shellcheck disable=SC2086  # a list, and so below
apt-cache show $WANTED $LUA >/dev/null 2>&1 || apt-get update -qq
# shellcheck disable=SC2086
needed=$(apt-get install -s --no-install-recommends $WANTED | sed -n 's/^Inst \([^ ]*\) .*/\1/p')
# shellcheck disable=SC2086
(cd debs && apt-get download -qq $needed $WANTED $LUA 2>/dev/null)
for deb in debs/*.deb; do
    dpkg -x "$deb" root
    dpkg-deb -W "$deb"
done >versions
rm -rf debs
echo "$WANTED $LUA" >wanted
