#!/bin/sh
# supabase-js, unmodified and pinned, in Node.js and in Chromium, against the server by option gotrue: what docs/supabase.md prints and says (tests/client/supabase/main.js).
# needs: node chromium curl
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: a package of others, for this machine's Node.js
set -e
cd "$TOP"
tests/client/install.sh
tests/client/install.sh supabase
node=$(tests/client/node.sh 26)
report "$node" tests/client/supabase/main.js "$@"
promise 'client/supabase-js' "$(grep -c '^ok' "$TMP/tap")" "$(grep -c '^not ok' "$TMP/tap")" \
    "$(sed -n 's/^ok .* - control: a server that answers \([0-9]*\) for trouble: loses the session$/\1/p' "$TMP/tap" | paste -sd ' ' -) for trouble lose the session"
done_reported
