#!/bin/sh
# docs.t: the documents against the program. docs.py holds api.md and
# openapi.yaml to a running server; here the man pages are checked.
# Debian's python3 is named by its path: its libraries are not another one's.
# needs: python3 yaml jsonschema node mandoc curl
. "$(dirname "$0")/lib.sh"
only_in musl cross
tmpdir

lk_init "$TMP/data"
printf 'signup = on\nthrottle_dir = %s\n' "$TMP/data" >"$TMP/data/latchkey.conf"
printf 'correct horse\n' | "$LATCHKEY" user add alice --dir "$TMP/data" >/dev/null
"$LATCHKEY" user invite linked --url https://example.org --dir "$TMP/data" >/dev/null
port=$(free_port)
LATCHKEY_DIR=$TMP/data start server "$LATCHKEY" serve "127.0.0.1:$port"
wait_port "$port"
# compare ROOT: the documents and tables of that tree with the server; what differs is in $TMP/docs.tap
compare() {
    rm -f "$TMP/data/throttle"
    link=$("$LATCHKEY" user link linked --url https://example.org --dir "$TMP/data")
    /usr/bin/python3 "$TOP/tests/docs.py" "http://127.0.0.1:$port/api/auth" alice 'correct horse' "$1" "$link" >"$TMP/docs.tap"
}
compare "$TOP"
is $? 0 "api.md, openapi.yaml and the server agree"
grep -v '^ok' "$TMP/docs.tap" | while read -r line; do diag "$line"; done

# --- controls: a tree that says something else is noticed
# differs WHAT FILE SED-EXPRESSION: a line of docs.tap that fails, in a tree with that edit
differs() {
    rm -rf "$TMP/tree"
    mkdir -p "$TMP/tree/docs" "$TMP/tree/base"
    cp "$TOP"/*.c "$TMP/tree" && cp "$TOP"/base/*.[ch] "$TMP/tree/base" && cp "$TOP/docs/api.md" "$TOP/docs/openapi.yaml" "$TMP/tree/docs"
    sed "$3" "$TOP/$2" >"$TMP/tree/$2"
    isnt "$(cat "$TMP/tree/$2")" "$(cat "$TOP/$2")" "control: $2 is changed"
    compare "$TMP/tree"
    like "$(grep '^not ok' "$TMP/docs.tap")" "*$1*" "control: $1"
}
differs 'GET /secret: is in openapi.yaml' auth.c 's|^\t{ METHOD_GET, *"/health".*|&\n\t{ METHOD_GET, "/secret", ACCESS_NONE, NULL, false, handle_health },|'
differs 'api.md has the calls of openapi.yaml' docs/api.md '/^| `GET \/health`/d'
differs 'POST /login: openapi.yaml has its members' auth.c 's/MEMBER("cookie"/MEMBER("cookies"/'
differs 'GET /audit: openapi.yaml has its credential' docs/openapi.yaml '/operationId: audit/a\      security: []'
differs 'POST /logout: 204 is documented' docs/openapi.yaml "s/'204': { description: signed out }/'200': { description: signed out }/"
differs 'GET /health: fits the schema' docs/openapi.yaml 's/status: { const: ok }/status: { const: fine }/'

for page in "$TOP"/docs/*.[1-9]; do
    ok "mandoc accepts ${page##*/}" mandoc -T lint -W warning "$page"
done
done_testing
