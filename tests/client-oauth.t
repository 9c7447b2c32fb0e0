#!/bin/sh
# Clients of OAuth that nobody here wrote, as they are, against the server (tests/client/oauth/list.js), and the commands of docs/oauth.md.
# The short form is a few of them. TORTURE=1: all, Debian's and those in Chromium, too.
# needs: node chromium python3 curl oauth apache2
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: browsers and programs of others
set -e
cd "$TOP"
tests/client/install.sh
tests/client/install.sh oauth
form=short
[ -z "${TORTURE-}" ] || { form=all; tests/client/install.sh node-red; }
node=$(tests/client/node.sh 26)
report "$node" tests/client/oauth/main.js "$form" "$@"
promise 'client/OAuth clients of others' "$(grep -c '^ok .*: \(kept\|ok\|ended\|anew\|refused\|by itself\|here\)$' "$TMP/tap")" \
    "$(grep -c '^not ok' "$TMP/tap")" "$(sed -n 's/^ok .* control: [^:]*: \(.*\)/\1/p' "$TMP/tap")"
done_reported
