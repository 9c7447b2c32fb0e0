# shellcheck shell=sh
# faces.sh: one table of requests for every face. inetd.t, cgi.t and scgi.t source it behind lib.sh, say
# which face they are (FACE=http, cgi or scgi), call same_cases and add what only their face can be sent. Each
# answer is compared whole; only what must differ between two runs is masked.

H_JSON='Content-Type: application/json'
H_FORM='Content-Type: application/x-www-form-urlencoded'
CR=$(printf '\r')

setup() {
    tmpdir
    DIR=$TMP/data
    "$LATCHKEY" init --dir "$DIR" >/dev/null
    printf 'password_memory = 8m\npassword_passes = 1\nthrottle_dir = %s\naccess_cookie = on\ncors_origins = https://app.example\ntrusted_proxies = 10.0.0.0/8\n' \
        "$TMP/throttle" >"$DIR/latchkey.conf"
    mkdir "$TMP/throttle"
    printf 'correct horse battery\n' | "$LATCHKEY" user add alice --dir "$DIR" >/dev/null
    "${CC:-cc}" -O1 -std=c11 -D_GNU_SOURCE -Wall -o "$TMP/plug" "$TOP/tests/plug.c"
}

# clean COMMAND...: with nothing in the environment but the data directory and what sanitizers need.
clean() {
    env -i LATCHKEY_DIR="$DIR" ASAN_OPTIONS="${ASAN_OPTIONS:-}" UBSAN_OPTIONS="${UBSAN_OPTIONS:-}" "$@"
}

# --- asking. Each leaves the answer in $TMP/out, what was logged in $TMP/err, the exit status in STATUS.

# raw TEXT [-e]: these bytes through a socket, \r \n \0NNN spelt out; -e ends them there.
raw() {
    # shellcheck disable=SC2086  # -e or nothing
    printf '%b' "$1" | clean "$TMP/plug" ${2-} "$LATCHKEY" >"$TMP/out" 2>"$TMP/err"
    STATUS=$?
}

# cgi INPUT VARIABLE=VALUE...: as a web server would start it.
cgi() {
    input=$1
    shift
    printf '%s' "$input" | clean GATEWAY_INTERFACE=CGI/1.1 "$@" "$LATCHKEY" >"$TMP/out" 2>"$TMP/err"
    STATUS=$?
}

# pairs VARIABLE=VALUE...: as SCGI spells them.
pairs() {
    for pair; do printf '%s\0%s\0' "${pair%%=*}" "${pair#*=}"; done
}

# scgi INPUT VARIABLE=VALUE...: as a web server would send it, to the byte.
scgi() {
    input=$1
    shift
    pairs "$@" >"$TMP/pairs"
    { printf '%d:' "$(wc -c <"$TMP/pairs")" && cat "$TMP/pairs" && printf ',%s' "$input"; } |
        clean "$TMP/plug" "$LATCHKEY" >"$TMP/out" 2>"$TMP/err"
    STATUS=$?
}

# ask METHOD TARGET BODY [HEADER...]: the same request, as this face takes it.
ask() {
    method=$1 target=$2 body=$3
    shift 3
    if [ "$FACE" = http ]; then
        {
            printf '%s /api/auth%s HTTP/1.1\r\nHost: auth.example\r\n' "$method" "$target"
            [ $# -eq 0 ] || printf '%s\r\n' "$@"
            [ -z "$body" ] || printf 'Content-Length: %d\r\n' "${#body}"
            printf '\r\n%s' "$body"
        } | clean "$TMP/plug" "$LATCHKEY" >"$TMP/out" 2>"$TMP/err"
        STATUS=$?
        return
    fi
    query=
    case $target in *\?*) query=${target#*\?} ;; esac
    n=$#
    while [ "$n" -gt 0 ]; do # each header becomes its variable, in place
        name=$(printf '%s' "${1%%:*}" | tr 'a-z-' 'A-Z_')
        [ "$name" = CONTENT_TYPE ] || name=HTTP_$name
        set -- "$@" "$name=${1#*: }"
        shift
        n=$((n - 1))
    done
    set -- REQUEST_METHOD="$method" SCRIPT_NAME=/api/auth PATH_INFO="${target%%\?*}" QUERY_STRING="$query" \
        SERVER_PROTOCOL=HTTP/1.1 HTTP_HOST=auth.example "$@"
    if [ "$FACE" = scgi ]; then
        scgi "$body" CONTENT_LENGTH="${#body}" SCGI=1 "$@"
    else
        [ "$method${body:+ with one}" != POST ] || set -- "$@" CONTENT_LENGTH=0
        [ -z "$body" ] || set -- "$@" "CONTENT_LENGTH=${#body}"
        cgi "$body" "$@"
    fi
}

# --- what is expected

# answer STATUS BODY [HEADER-LINES]: sets WANT. Where there is no body, there is no type.
answer() {
    WANT="$1
"
    [ -z "$2" ] || WANT="${WANT}Content-Type: application/json
X-Content-Type-Options: nosniff
Cross-Origin-Resource-Policy: same-origin
"
    case $1 in 204*) ;; *) WANT="${WANT}Content-Length: *
" ;; esac
    WANT="$WANT${3:+$3
}Cache-Control: no-store
Vary: Origin
${CORS:+$CORS
}
$2"
}

# refusal STATUS CODE MESSAGE [HEADER-LINES]
refusal() {
    answer "$1" "{\"error\":{\"code\":\"$2\",\"message\":\"$3\"}}" "${4-}"
}

bad_http() { refusal '400 Bad Request' invalid_request 'The request is not valid HTTP.'; }

# --- comparing

# A head ends every line with CR LF and says how long the body is; then both are taken for granted.
well_formed() {
    sed "/^$CR\$/q" "$TMP/out" | grep -qv "$CR\$" && return 1
    said=$(sed -n "/^$CR\$/q;s/^Content-Length: \([0-9]*\)$CR\$/\1/p" "$TMP/out")
    real=$(sed "1,/^$CR\$/d" "$TMP/out" | wc -c)
    [ -z "$said" ] && [ "$real" -eq 0 ] && return 0
    [ "$said" -eq "$real" ] || { [ "$method" = HEAD ] && [ "$real" -eq 0 ]; }
}

# Seconds may go by between a rotation and its replay.
masked() {
    tr -d '\r' <"$TMP/out" | sed -E \
        -e '1s/^(HTTP\/1\.1|Status:) //' \
        -e '/^Date: [A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$/d' \
        -e 's/^Content-Length: [0-9]+$/Content-Length: */' \
        -e 's/(latchkey(-access)?-)[0-9a-f]{8}=/\1INSTANCE=/' \
        -e 's/eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+/TOKEN/g' \
        -e 's/(expires_in":)89[0-9],/\1900,/;s/(expires_in":)259199[0-9],/\12592000,/' \
        -e 's/"[0-9a-f]{16}"/"ID"/g' -e 's/X-Auth-(User|Session): [0-9a-f]{16}$/X-Auth-\1: ID/' \
        -e 's/^(X-Auth-[A-Za-z-]*:) *$/\1/' \
        -e 's/(_at|_time|"time)":1[0-9]{9}/\1":TIME/g'
}

# same NAME: the answer in $TMP/out is $WANT, in this face's dress.
same() {
    if [ "$FACE" = http ]; then
        like "$(head -n 3 "$TMP/out" | tr -d '\r' | tr '\n' '|')" 'HTTP/1.1 *|Date: *|Connection: close|' "$1: its first lines"
        got=$(masked | sed '2{/^Connection: close$/d;}')
    else
        like "$(head -n 1 "$TMP/out")" 'Status: *' "$1: its first line"
        got=$(masked)
    fi
    is "$got" "$(printf '%s' "$WANT")" "$1"
    ok "$1: its form" well_formed
    is "$STATUS" 0 "$1: exit status"
}

# expect NAME METHOD TARGET BODY [HEADER...]: asks, and compares with $WANT.
expect() {
    t_case=$1
    shift
    ask "$@"
    same "$t_case"
}

# shellcheck disable=SC2034  # for the tests
G=REQUEST_METHOD=GET P=REQUEST_METHOD=POST H=PATH_INFO=/health L=PATH_INFO=/login J=CONTENT_TYPE=application/json
# lies NAME INPUT VARIABLE...: what no server would send, as this face (cgi or scgi) takes it; is answered as $WANT says.
lies() {
    t_case=$1
    shift
    "$FACE" "$@"
    same "$t_case"
}

member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$TMP/out"; }

# --- the table

ALICE='{"username":"alice","password":"correct horse battery"}'
USER='"id":"ID","username":"alice","subscription":null'
SESSION='"session":{"id":"ID","created_at":TIME,"expires_in":null,"expires_at":null}'
pair_body() { # GENERATION
    printf '%s' '{"data":{"token_type":"Bearer","access_token":"TOKEN","expires_in":900,"access_expires_at":TIME,' \
        '"refresh_token":"TOKEN","refresh_expires_in":2592000,"refresh_expires_at":TIME,' \
        "\"generation\":$1,$SESSION,\"user\":{$USER},\"server_time\":TIME}}"
}

same_cases() {
    session_cases
    headerless_cases
    refused_cases
    browser_cases
    ok 'no secret was logged' test -z "$(cat "$TMP"/err* | grep -E 'eyJ|correct horse')"
}

session_cases() {
    answer '200 OK' '{"data":{"status":"ok","time":TIME}}'
    expect 'health' GET /health ''
    WANT=${WANT%%"{"*}
    expect 'health by HEAD' HEAD /health ''

    answer '200 OK' "$(pair_body 1)"
    expect 'login' POST /login "$ALICE" "$H_JSON; charset=utf-8"
    access=$(member access_token) refresh=$(member refresh_token)

    answer '200 OK' "{\"data\":{$USER,$SESSION}}"
    expect 'me' GET /me '' "Authorization: Bearer $access"
    expect 'me by a scheme in capitals' GET /me '' "Authorization: BEARER $access"
    expect 'me by the cookie' GET /me '' "Cookie: a=b; __Secure-latchkey-access=$access"
    expect 'a body where none is looked at' GET /me 'not JSON' "Authorization: Bearer $access"
    answer '204 No Content' '' 'X-Auth-User: ID
X-Auth-Name: alice
X-Auth-Session: ID
X-Auth-Groups:
X-Auth-Email:
X-Auth-Display-Name:'
    expect 'verify by a form' POST /verify "access_token=$access" "$H_FORM"
    expect 'verify by a form, live' POST '/verify?live=1' "access_token=$access" "$H_FORM"
    expect 'verify of a POST' POST /verify 'not=ours' "$H_FORM" "Authorization: Bearer $access"
    expect 'verify of a preflight' OPTIONS /verify '' 'Access-Control-Request-Method: PUT' "Authorization: Bearer $access"
    expect 'verify of any method' PROPFIND /verify '' "Authorization: Bearer $access"
    expect 'verify of a request in chunks' POST /verify '' 'Transfer-Encoding: chunked' "Authorization: Bearer $access"
    expect 'verify of an upload' PUT /verify "$(printf '%16385s' x)" "Authorization: Bearer $access"
    expect 'verify of a request with much in it' GET /verify '' "Authorization: Bearer $access" "Cookie: x=$(printf '%9000s' x | tr ' ' x)" \
        "X-Forwarded-Uri: /$(printf '%9000s' x | tr ' ' x)"
    expect 'verify' GET /verify '' "Authorization: Bearer $access"

    answer '200 OK' "$(pair_body 2)"
    expect 'refresh' POST /refresh "{\"refresh_token\":\"$refresh\"}" "$H_JSON" 'Idempotency-Key: k1'
    cp "$TMP/out" "$TMP/first"
    expect 'refresh again by its key' POST /refresh "{\"refresh_token\":\"$refresh\"}" "$H_JSON" 'Idempotency-Key: k1'
    is "$(sed '/^Date:/d;s/"server_time":[0-9]*//;s/"[a-z_]*expires_in":[0-9]*//g' "$TMP/out")" \
        "$(sed '/^Date:/d;s/"server_time":[0-9]*//;s/"[a-z_]*expires_in":[0-9]*//g' "$TMP/first")" 'is the same, byte for byte'
    newer=$(member refresh_token)
    answer '200 OK' "$(pair_body 3)"
    expect 'refresh with the key in the body' POST /refresh "{\"refresh_token\":\"$newer\",\"idempotency_key\":\"k2\"}" "$H_JSON"
    refusal '401 Unauthorized' refresh_reused 'The refresh token was used before; the session has been ended.' 'WWW-Authenticate: Bearer realm="latchkey"'
    expect 'a token of two turns ago' POST /refresh "{\"refresh_token\":\"$refresh\"}" "$H_JSON"
    refusal '401 Unauthorized' session_revoked 'The session has been ended.' 'WWW-Authenticate: Bearer realm="latchkey"'
    expect 'the session is over' POST /refresh "{\"refresh_token\":\"$newer\"}" "$H_JSON"
    refusal '401 Unauthorized' session_revoked 'The session has been ended.' 'WWW-Authenticate: Bearer realm="latchkey", error="invalid_token"'
    expect 'for its access token too' GET /me '' "Authorization: Bearer $access"
    answer '204 No Content' ''
    expect 'logout of what is over' POST /logout "{\"refresh_token\":\"$newer\"}" "$H_JSON"
    expect 'logout of nothing' POST /logout ''
}

# Where a server keeps Authorization to itself: RFC 6750, 2.2, and its like in JSON.
headerless_cases() {
    answer '200 OK' "$(pair_body 1)"
    expect 'a session' POST /login "$ALICE" "$H_JSON"
    access=$(member access_token)
    answer '200 OK' "{\"data\":{$USER,$SESSION}}"
    expect 'me by a form' POST /me "access_token=$access" "$H_FORM"
    expect 'me by a form with more in it' POST /me "a=b&access_token=$access&=&c" "$H_FORM; charset=utf-8"
    expect 'me by a form, where another scheme is in Authorization' POST /me "access_token=$access" "$H_FORM" 'Authorization: Basic YTpi'
    expect 'me by a form and the cookie' POST /me "access_token=$access" "$H_FORM" "Cookie: __Secure-latchkey-access=$access"
    expect 'me by a form without a token, but with the header' POST /me 'a=b' "$H_FORM" "Authorization: Bearer $access"
    answer '204 No Content' '' 'X-Auth-User: ID
X-Auth-Name: alice
X-Auth-Session: ID'
    ask POST '/audit?limit=1' "access_token=$access" "$H_FORM"
    like "$(masked | tr '\n' ' ')" '200 OK *{"data":?{"id":*}' 'audit by a form'
    ask POST /sessions "access_token=$access" "$H_FORM"
    like "$(masked | tr '\n' ' ')" '200 OK *"current":true}*' 'sessions by a form'

    refusal '400 Bad Request' invalid_request 'access_token: Something in the request is missing or not allowed.'
    expect 'two ways at once' POST /me "access_token=$access" "$H_FORM" "Authorization: Bearer $access"
    expect 'two tokens in a form' POST /me "access_token=$access&access_token=$access" "$H_FORM"
    expect 'two tokens in a form, one of them empty' POST /me "access_token=&access_token=$access" "$H_FORM"
    expect 'two ways at once in JSON' POST /password "{\"access_token\":\"$access\",\"current_password\":\"x\",\"new_password\":\"y\"}" \
        "$H_JSON" "Authorization: Bearer $access"
    expect 'two ways at once to sign out' POST /logout "{\"access_token\":\"$access\"}" "$H_JSON" "Authorization: Bearer $access"
    expect 'a token that is no text' POST /logout '{"access_token":1}' "$H_JSON"
    refusal '401 Unauthorized' token_missing 'An access token is needed.' 'WWW-Authenticate: Bearer realm="latchkey"'
    expect 'a form without one' POST /me 'a=b' "$H_FORM"
    expect 'an empty form' POST /me '' "$H_FORM"
    expect 'a form and the cookie: a page of another site can send both' POST /me 'a=b' "$H_FORM" "Cookie: __Secure-latchkey-access=$access"
    expect 'the query is no place for it' GET "/me?access_token=$access" ''
    refusal '401 Unauthorized' token_invalid 'The access token is not valid.' 'WWW-Authenticate: Bearer realm="latchkey", error="invalid_token"'
    expect 'an empty one in a form' POST /me 'access_token=' "$H_FORM"
    expect 'an encoded one in a form' POST /me "access_token=%65$access" "$H_FORM"
    refusal '405 Method Not Allowed' method_not_allowed 'This method is not allowed here.' 'Allow: GET, HEAD, POST, DELETE, OPTIONS'
    expect 'no form' POST /me "access_token=$access" 'Content-Type: text/plain'
    refusal '405 Method Not Allowed' method_not_allowed 'This method is not allowed here.' 'Allow: GET, HEAD, OPTIONS'
    expect 'a form to what needs none' POST /health "access_token=$access" "$H_FORM"
    refusal '405 Method Not Allowed' method_not_allowed 'This method is not allowed here.' 'Allow: DELETE, OPTIONS'
    expect 'a form deletes nothing' POST /sessions/0123456789abcdef "access_token=$access" "$H_FORM"
    refusal '422 Unprocessable Content' weak_password "The password must have 8 to 1024 bytes, no control character among them, and be neither common nor the user's name."
    expect 'a password by a token in JSON' POST /password "{\"access_token\":\"$access\",\"current_password\":\"x\",\"new_password\":\"y\"}" "$H_JSON"
    expect 'a password with the end of its line' POST /password "{\"access_token\":\"$access\",\"current_password\":\"x\",\"new_password\":\"battery staple\\r\"}" "$H_JSON"

    answer '204 No Content' ''
    expect 'logout by a token in JSON' POST /logout "{\"access_token\":\"$access\"}" "$H_JSON"
    expect 'logout by one that is none' POST /logout '{"access_token":"x"}' "$H_JSON"
    refusal '401 Unauthorized' session_revoked 'The session has been ended.' 'WWW-Authenticate: Bearer realm="latchkey", error="invalid_token"'
    expect 'which was the end' POST /me "access_token=$access" "$H_FORM"
}

refused_cases() {
    refusal '401 Unauthorized' invalid_credentials 'User name or password is wrong.' 'WWW-Authenticate: Bearer realm="latchkey"'
    expect 'a wrong password' POST /login '{"username":"alice","password":"wrong horse battery"}' "$H_JSON"
    expect 'an unknown user' POST /login '{"username":"bob","password":"wrong horse battery"}' "$H_JSON"
    refusal '401 Unauthorized' token_missing 'An access token is needed.' 'WWW-Authenticate: Bearer realm="latchkey"'
    expect 'no token' GET /me ''
    expect 'an empty Authorization' GET /me '' 'Authorization: '
    expect 'verify without one' GET /verify ''
    expect 'verify of a form without one' POST /verify 'a=b' "$H_FORM"
    expect 'verify of a long form' POST /verify "access_token=$access&x=$(printf '%16384s' x | tr ' ' x)" "$H_FORM"
    expect 'verify of a form beside a cookie' POST /verify "access_token=$access" "$H_FORM" 'Cookie: a=b'
    expect 'verify of a form beside another scheme' POST /verify "access_token=$access" "$H_FORM" 'Authorization: Basic YTpi'
    expect 'verify of a preflight without one' OPTIONS /verify '' 'Access-Control-Request-Method: PUT'
    refusal '401 Unauthorized' token_invalid 'The access token is not valid.' 'WWW-Authenticate: Bearer realm="latchkey", error="invalid_token"'
    expect 'two tokens' GET /me '' 'Authorization: Bearer a, Bearer b'
    expect 'a token that is none' GET /me '' 'Authorization: Bearer abc'
    refusal '401 Unauthorized' refresh_invalid 'The refresh token is not valid.' 'WWW-Authenticate: Bearer realm="latchkey"'
    expect 'a refresh token that is none' POST /refresh '{"refresh_token":"abc"}' "$H_JSON"
    refusal '403 Forbidden' signup_disabled "New accounts can't be made here."
    expect 'register' POST /register '{"username":"carol","password":"a long enough one"}' "$H_JSON"

    refusal '404 Not Found' not_found 'There is nothing here.'
    for path in / /ME /me/ //me /./me /x/../me /%6de /me%00 '/me;a' '/me%20' /metoo /me.json '/~' '/sessions%2f1'; do
        expect "nothing at $path" GET "$path" ''
    done
    refusal '405 Method Not Allowed' method_not_allowed 'This method is not allowed here.' 'Allow: POST, OPTIONS'
    expect 'login by GET' GET /login ''
    expect 'login by a method of no one' BREW /login ''
    refusal '405 Method Not Allowed' method_not_allowed 'This method is not allowed here.' 'Allow: GET, HEAD, POST, DELETE, OPTIONS'
    expect 'me by POST' POST /me '{}' "$H_JSON"
    expect 'a method in small letters' get /me ''

    refusal '400 Bad Request' invalid_json 'The body is not valid JSON.'
    expect 'half a body' POST /login '{"username":"alice"' "$H_JSON"
    expect 'two bodies' POST /login '{}{}' "$H_JSON"
    refusal '400 Bad Request' invalid_request "username: It has 1 to 254 bytes of A-Z a-z 0-9 . _ @ + - '."
    expect 'no body' POST /login ''
    expect 'a member missing' POST /login '{"password":"x"}' "$H_JSON"
    expect 'a member of another type' POST /login '{"username":1,"password":"x"}' "$H_JSON"
    refusal '415 Unsupported Media Type' unsupported_media_type 'The body must be application/json.'
    expect 'a form' POST /login "$ALICE" 'Content-Type: application/x-www-form-urlencoded'
    expect 'text that a form can send' POST /login "$ALICE" 'Content-Type: text/plain; application/json'
    expect 'no type' POST /login "$ALICE"
    refusal '413 Content Too Large' body_too_large 'The body is larger than 16 KiB.'
    expect 'a body of 16 KiB and one' POST /login "$(printf '{%16384s' '}')" "$H_JSON"
    refusal '400 Bad Request' invalid_request "username: It has 1 to 254 bytes of A-Z a-z 0-9 . _ @ + - '."
    expect 'a body of 16 KiB' POST /login "$(printf '{%16383s' '}')" "$H_JSON"
    bad_http
    expect 'an unknown expectation' POST /login "$ALICE" "$H_JSON" 'Expect: the-unexpected'
    refusal '431 Request Header Fields Too Large' headers_too_large "The request's headers are too large."
    expect 'a header over its limit' GET /health '' "Cookie: $(printf '%40961s' x | tr ' ' x)"
    [ "$FACE" = scgi ] || refusal '414 URI Too Long' uri_too_long 'The request line is too long.'
    expect 'a path over its limit' GET "/$(printf '%40961s' x | tr ' ' x)" ''
}

browser_cases() {
    answer '204 No Content' '' 'Allow: POST, OPTIONS'
    expect 'OPTIONS' OPTIONS /login ''
    expect 'a preflight of another origin' OPTIONS /login '' 'Origin: https://evil.example' 'Access-Control-Request-Method: POST'
    CORS='Access-Control-Allow-Origin: https://app.example
Access-Control-Allow-Credentials: true
Access-Control-Expose-Headers: Retry-After, WWW-Authenticate, DPoP-Nonce'
    answer '204 No Content' '' 'Allow: POST, OPTIONS
Access-Control-Allow-Methods: GET, POST, DELETE
Access-Control-Allow-Headers: Authorization, Content-Type, Idempotency-Key, DPoP
Access-Control-Max-Age: 600'
    expect 'a preflight' OPTIONS /login '' 'Origin: https://app.example' 'Access-Control-Request-Method: POST'
    bad_http
    expect 'an answer to what was refused can be read' GET /health '' 'Origin: https://app.example' 'Expect: x'
    CORS=

    answer '200 OK' "$(pair_body 1 | sed 's/"refresh_token":"TOKEN",//')" \
        'Set-Cookie: __Secure-latchkey-INSTANCE=TOKEN; Path=/api/auth; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure
Set-Cookie: __Host-latchkey-access-INSTANCE=TOKEN; Path=/; Max-Age=900; HttpOnly; SameSite=Lax; Secure'
    expect 'login with cookies' POST /login "${ALICE%\}},\"cookie\":true}" "$H_JSON"
    cookie=$(sed -n 's/^Set-Cookie: __Secure-latchkey-[0-9a-f]*=\([^;]*\);.*/\1/p' "$TMP/out")
    refusal '403 Forbidden' cross_site 'This request may not come from another site.'
    expect 'a cookie alone' POST /refresh '' "Cookie: __Secure-latchkey=$cookie"
    expect 'a cookie from another site' POST /refresh '' "Cookie: __Secure-latchkey=$cookie" 'Sec-Fetch-Site: cross-site'
    expect 'a cookie from another origin' POST /refresh '' "Cookie: __Secure-latchkey=$cookie" 'Origin: https://evil.example'
    answer '200 OK' "$(pair_body 2 | sed 's/"refresh_token":"TOKEN",//')" \
        'Set-Cookie: __Secure-latchkey-INSTANCE=TOKEN; Path=/api/auth; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure
Set-Cookie: __Host-latchkey-access-INSTANCE=TOKEN; Path=/; Max-Age=900; HttpOnly; SameSite=Lax; Secure'
    expect 'a cookie behind a false one' POST /refresh '' "Cookie: __Secure-latchkey=x; __Secure-latchkey=$cookie" 'Origin: https://auth.example'
}
