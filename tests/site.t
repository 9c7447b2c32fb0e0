#!/bin/sh
# Site sessions by the executable: from the page to /verify, beside the app's sessions, under the operator's verbs, and the keys that
# their cookies need.
# needs: python3
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/calls.sh"
in_memory
tmpdir
data "$TMP/data" 'insecure_cookie = on'

# page METHOD PATH FORM [NAME=VALUE...]: a request of a browser on plain HTTP; keeps its cookie in $COOKIE.
COOKIE=''
page() {
    p_method=$1 p_path=$2 p_form=$3
    shift 3
    answer=$(ask "$p_method" "$p_path" "$p_form" CONTENT_TYPE=application/x-www-form-urlencoded HTTP_HOST=nas.example HTTP_USER_AGENT=Browser \
        HTTP_SEC_FETCH_SITE=same-origin HTTP_COOKIE="$COOKIE" "$@")
    set_to=$(printf '%s' "$answer" | sed -n 's/^Set-Cookie: \(latchkey-door-[^;]*\);.*/\1/p')
    COOKIE=${set_to:-$COOKIE}
}
sign_in() { page POST /signin "username=demo&password=correct+horse&stay=true"; }
seen() { page GET /verify ''; printf '%s' "$answer" | verdict; }
of_session() { printf '%s' "$answer" | sed -n 's/^X-Auth-Session: \([0-9a-f]*\).*/\1/p'; }
listed() { verb session list demo --json | python3 -c 'import json, sys; print(*(s["generation"] for s in json.load(sys.stdin)))'; }

is "$(seen)" '401 token_missing' 'nobody is signed in'
sign_in
like "$COOKIE" 'latchkey-door-*=*.*.*' 'a sign-in at the page sets the cookie'
is "$(seen)" 204 'which opens what the web server guards'
seen >/dev/null
session=$(of_session)
is "$(listed)" 0 'the operator sees a session that never rotates'
signed_in
is "$(listed | tr ' ' '\n' | sort | paste -sd ' ' -)" '0 1' 'and the app has its own beside it'
like "$(with_token "$ACCESS" GET /sessions)" "*\"id\":\"$session\"*\"user_agent\":\"Browser\"*" 'whose list has both'
is "$(printf '%s\n' "${COOKIE#*=}" | verb verify 2>&1 >/dev/null | sed 's/.*: //')" 'foreign' 'latchkey verify takes its cookie for no token'
is "$(ask POST /refresh "{\"refresh_token\":\"${COOKIE#*=}\"}" | verdict)" '401 refresh_invalid' 'nor does a refresh'
verb session revoke "$session" >/dev/null
is "$(seen)" '401 session_revoked' 'revoked, it opens nothing'
sign_in
is "$(seen)" 204 'another one'
verb user disable demo >/dev/null
is "$(seen)" '401 session_revoked' 'goes with its user'
verb user enable demo >/dev/null
sign_in
printf 'battery staple\n' | verb user passwd demo >/dev/null
is "$(seen)" '401 session_revoked' 'and with his password'
printf '%s\n' "$PASSWORD" | verb user passwd demo >/dev/null

# --- no store is opened for what carries no MAC of ours
[ "$LK_B" = pg ] && part=latchkey.pgdb || part=latchkey.db
mv "$DATA/$part" "$DATA/away"
old=$COOKIE
COOKIE="${COOKIE%?????}AAAAA"
is "$(seen)" '401 token_missing' 'a forged cookie is none, and opens no store'
COOKIE=$old
is "$(seen | cut -c 1-3)" 503 'a good one does'
mv "$DATA/away" "$DATA/$part"

# --- keys
# older SECONDS: all keys are so much older.
older() { awk -v seconds="$1" '{ $2 -= seconds } 1' "$DATA/latchkey.key" >"$TMP/key" && cat "$TMP/key" >"$DATA/latchkey.key"; }
kids() { verb key list --json | python3 -c 'import json, sys; print(*[k["kid"] for k in json.load(sys.stdin)])'; }
sign_in
first=$(kids) hers=$COOKIE
next_key() { # another browser signs in under each key, so each is needed
    COOKIE=''
    sign_in
    verb key rotate
    older $((40 * 86400))
}
next_key >/dev/null
next_key >/dev/null
is "$(verb key retire --old)" 'no key can go yet' 'a key that made the cookie of a session that stands is kept'
COOKIE=$hers
is "$(seen)" 204 'the cookie is good'
for _ in 1 2 3 4 5; do next_key >/dev/null; done
like "$(kids)" "*$first" 'for as long as there is room'
is "$(kids | wc -w)" 8 'which ends with eight'
like "$(next_key)" "forgot key, so that browsers that opened no page since it signed must sign in again: $first*" 'then it goes, with a word'
is "$(kids | wc -w)" 8 'and no other'
COOKIE=$hers
is "$(seen)" '401 token_missing' 'and the cookie with it'
sign_in
is "$(seen)" 204 'a sign-in'
gone=$(verb session list demo --json | python3 -c 'import json, sys; print(*(s["id"] for s in json.load(sys.stdin)))')
for id in $gone; do verb session revoke "$id" >/dev/null; done
verb key rotate >/dev/null
older $((40 * 86400))
verb key rotate >/dev/null
older $((40 * 86400))
verb key rotate >/dev/null
is "$(kids | wc -w)" 2 'keys of sessions that have ended go as any other'
done_testing
