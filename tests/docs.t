#!/bin/sh
# docs.t: the documents against the program. docs.py holds api.md and
# openapi.yaml to a running server; here the man pages are checked.
# Debian's python3 is named by its path: its libraries are not another one's.
# needs: python3 yaml jsonschema node mandoc curl
. "$(dirname "$0")/lib.sh"
only_in musl cross
tmpdir

lk_init "$TMP/data"
port=$(free_port)
printf 'signup = on\nthrottle_dir = %s\nissuer = http://127.0.0.1:%s/api/auth\nwallets = solana:mainnet\n' "$TMP/data" "$port" >"$TMP/data/latchkey.conf"
printf 'correct horse\n' | "$LATCHKEY" user add alice --dir "$TMP/data" >/dev/null
"$LATCHKEY" user invite linked --url https://example.org --dir "$TMP/data" >/dev/null
LATCHKEY_DIR=$TMP/data start server "$LATCHKEY" serve "127.0.0.1:$port"
wait_port "$port"
THROTTLE=$TMP/data/throttle
export THROTTLE
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
differs 'GET /secret: is in openapi.yaml' auth.c 's|^\t{ METHOD_GET, *"/health".*|&\n\t{ METHOD_GET, "/secret", ACCESS_NONE, NULL, PACE_QUICK, handle_health },|'
differs 'api.md has the calls of openapi.yaml' docs/api.md '/^| `GET \/health`/d'
differs 'POST /login: openapi.yaml has its members' auth.c 's/MEMBER("cookie"/MEMBER("cookies"/'
differs 'GET /audit: openapi.yaml has its credential' docs/openapi.yaml '/operationId: audit/a\      security: []'
differs 'POST /logout: 204 is documented' docs/openapi.yaml "s/'204': { description: signed out }/'200': { description: signed out }/"
differs 'GET /health: fits the schema' docs/openapi.yaml 's/status: { const: ok }/status: { const: fine }/'

# --- the tables that name a test for each row: it is there
# unnamed PAGE: what a row of a table says of a test that isn't there. A name is what a text in the test's file begins with.
unnamed() { /usr/bin/python3 - "$1" "$TOP" <<'END'
import functools, re, sys
page, top = sys.argv[1:]
text = functools.lru_cache(lambda name: open(f'{top}/{name}', encoding='utf-8').read())
rows = ''.join(line for line in open(page, encoding='utf-8') if line.startswith('|'))
for test, name in re.findall(r'`(tests/[^`]*)`: ([^;|]*)', rows):
    if not any(quote + name.strip() in text(test) for quote in '\'"`'):
        print(f'`{test}`: {name.strip()}')
END
}
# bare PAGE: rows of its tables of tests that name none
bare() { sed -n '/^| .* | test |$/,/^$/p' "$1" | grep '^| ' | grep -v '| test |$' | grep -v '`tests/'; }
for page in conformance oauth security; do
    is "$(unnamed "$TOP/docs/$page.md")" '' "$page.md: each test that it names is there"
    is "$(bare "$TOP/docs/$page.md")" '' "$page.md: and each row names one"
done
sed 's/: the id_token |/: the id_tokens |/' "$TOP/docs/conformance.md" >"$TMP/page"
is "$(unnamed "$TMP/page")" '`tests/oauth.py`: the id_tokens' 'control: a test that is not there'
sed '/^| oidcc-server |/s/`tests.*/ |/' "$TOP/docs/conformance.md" >"$TMP/page"
like "$(bare "$TMP/page")" '| oidcc-server | *' 'control: a row without any'

for page in "$TOP"/docs/*.[1-9]; do
    ok "mandoc accepts ${page##*/}" mandoc -T lint -W warning "$page"
done
done_testing
