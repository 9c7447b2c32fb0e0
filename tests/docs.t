#!/bin/sh
# docs.t: the documents against the program. docs.py holds api.md and
# openapi.yaml to a running server; here the man pages are checked.
# Debian's python3 is named by its path: its libraries are not another one's.
# needs: python3 yaml jsonschema node mandoc curl
. "$(dirname "$0")/lib.sh"
only_in musl cross
tmpdir

lk_init "$TMP/data"
printf 'signup = on\n' >"$TMP/data/latchkey.conf"
printf 'correct horse\n' | "$LATCHKEY" user add alice --dir "$TMP/data" >/dev/null
port=$(free_port)
LATCHKEY_DIR=$TMP/data start server "$LATCHKEY" serve "127.0.0.1:$port"
wait_port "$port"
/usr/bin/python3 "$TOP/tests/docs.py" "http://127.0.0.1:$port/api/auth" alice 'correct horse' "$TOP" >"$TMP/docs.tap"
is $? 0 "api.md, openapi.yaml and the server agree"
grep -v '^ok' "$TMP/docs.tap" | while read -r line; do diag "$line"; done

for page in "$TOP"/docs/*.[1-9]; do
    ok "mandoc accepts ${page##*/}" mandoc -T lint -W warning "$page"
done
done_testing
