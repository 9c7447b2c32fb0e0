#!/bin/sh
# The recipes of docs/protect.md, each run as the page has it: what a signed-in user may see, and nobody else.
# needs: python3 jwt yaml curl node nginx caddy lighttpd apache2 varnishd haproxy
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: no latchkey in it but its tokens: node, python and others verify them
. "$(dirname "$0")/calls.sh"
tmpdir
FRONT='' PAGE=$TOP/docs/protect.md
# shellcheck source=tests/fronts/servers.sh
. "$TOP/tests/fronts/servers.sh"

# --- a user, and tokens of every kind
data "$TMP/data" 'access_ttl = 1s'
verb user set demo name root >/dev/null     # which is no user name, and nobody may go by it
signed_in
expired=$ACCESS
born=$(date +%s)
data "$TMP/other"
signed_in
foreign=$ACCESS
DATA=$TMP/data
sed -i '/^access_ttl/d' "$DATA/latchkey.conf"
cp "$DATA/latchkey.conf" "$TMP/plain.conf"
signed_in
good=$ACCESS refresh=$TOKEN
signature=${good##*.}
case $signature in A*) other=B ;; *) other=A ;; esac
forged=${good%.*}.$other${signature#?}
unsigned="$(printf '{"alg":"none","typ":"at+jwt"}' | base64 -w 0 | tr '+/' '-_' | tr -d =).$(echo "$good" | cut -d . -f 2)."
mkdir -p "$TMP/etc" "$WWW/cgi-bin"
verb key export --use access >"$TMP/etc/access.jwk"
echo 'not for everyone' >"$WWW/secret.txt"
while [ "$(date +%s)" -le $((born + 1)) ]; do sleep 0.2; done
hand_over

# get PATH [CURL-ARGUMENT...]: status and body, on one line.
get() {
    g_path=$1
    shift
    curl -sS --path-as-is -m 20 -D "$TMP/head" -w ' %{http_code}' "$@" "http://127.0.0.1:$PORT$g_path" | tr '\n' ' '
}
with() { w_path=$1 w_token=$2; shift 2; get "$w_path" -H "Authorization: Bearer $w_token" "$@"; } # PATH TOKEN [CURL-ARGUMENT...]

# gate NAME PATH: lets in who should be let in.
gate() {
    is "$(with "$2" "$good")" 'for demo  200' "$1: a good token, and its user's name"
    is "$(get "$2" -H "Authorization: Bearer $good" -H 'X-Auth-Name: root')" 'for demo  200' "$1: not the name that a client makes up"
    like "$(get "$2")" '*401' "$1: no token"
    like "$(cat "$TMP/head")" '*[Ww][Ww][Ww]-[Aa]uthenticate: Bearer*' "$1: which is said as RFC 6750 wants it"
    like "$(with "$2" "$expired")" '*401' "$1: an expired token"
    like "$(with "$2" "$foreign")" '*401' "$1: another server's"
    like "$(with "$2" "$forged")" '*401' "$1: a forged one"
    like "$(with "$2" "$unsigned")" '*401' "$1: one with alg none"
    like "$(with "$2" "$refresh")" '*401' "$1: a refresh token"
    like "$(get "$2" -H "Authorization: Basic $good")" '*401' "$1: another scheme"
    like "$(get "$2" -H "Authorization: Bearer $good, Bearer x")" '*401' "$1: two tokens in one"
    like "$(get "$2" -H 'X-Auth-Name: root')" '*401' "$1: a name alone"
    for path in "/$2" "/.$2" "/x/..$2" "$2?x" "$2%2f" "/api/auth/..$2" "/api/auth/..%2f$2" "/api/auth/health/../..$2"; do
        unlike "$(get "$path")" '*for *' "$1: no way round by $path"
    done
}

# groups NAME: the application is told of the user's groups, and of no others.
groups() {
    verb user set demo groups admins,family >/dev/null
    signed_in
    is "$(with /page "$ACCESS" -H 'X-Auth-Groups: root')" 'for demo of admins,family  200' "$1: the groups of the user"
    verb user set demo groups '' >/dev/null
    signed_in
    is "$(with /page "$ACCESS" -H 'X-Auth-Groups: root')" 'for demo  200' "$1: not those that a client makes up"
}

# members NAME: with the front's words for ?group=admins.
members() {
    signed_in
    like "$(with /page "$ACCESS")" '*403' "$1: who is in another group may not"
    verb user set demo groups family,admins >/dev/null
    signed_in
    is "$(with /page "$ACCESS")" 'for demo of family,admins  200' "$1: a member may"
    like "$(get /page)" '*401' "$1: who is nobody is asked for a token"
    verb user set demo groups '' >/dev/null
}

# keeps NAME PATH [WHO]: the application gets its own cookies, and none of latchkey's.
keeps() {
    who=${3-demo} secret=latchkey-door-0=s.e.t
    for cookies in "$secret" "__Host-$secret" "__Secure-$secret; $secret" "; $secret" "$secret;"; do
        is "$(with "$2" "$good" -H "Cookie: $cookies")" "for $who  200" "$1: nothing of $cookies"
    done
    for cookies in "a=1; $secret; b=2" "$secret; a=1; __Host-$secret; __Secure-$secret; b=2" "a=1;$secret;b=2;latchkey" \
        "a=1; latchkey=1; latchkey=2; b=2; latchkey=3; $secret"; do
        is "$(with "$2" "$good" -H "Cookie: $cookies")" "for $who with a=1; b=2  200" "$1: of $cookies what is the application's"
    done
    is "$(with "$2" "$good" -H "Cookie: mylatchkey=1; a=latchkey")" "for $who with mylatchkey=1; a=latchkey  200" "$1: another name is left alone"
    is "$(with "$2" "$good" -H "Cookie: a=1,2; $secret; b=2")" "for $who with a=1,2; b=2  200" "$1: nor what follows a comma"
    unlike "$(with "$2" "$good" -H "Cookie: $secret" -H 'Cookie: a=1' -H "Cookie: $secret; b=2")" '*latchkey*' "$1: nor by several lines"
    planted=''
    for i in 1 2 3 4 5 6 7 8 9; do planted="${planted}x$i=1; latchkey$i=1; "; done
    unlike "$(with "$2" "$good" -H "Cookie: $planted$secret")" '*latchkey*' "$1: however many are planted around it"
}

# pages NAME: a person who opens one signs in and comes back; a script is told. No front here has TLS.
pages() {
    jar=$TMP/jar
    : >"$jar"
    person() { get "$@" -b "$jar" -c "$jar" -H 'Accept: text/html' -H 'Sec-Fetch-Mode: navigate'; }
    script() { get "$@" -b "$jar" -c "$jar" -H 'Accept: */*' -H 'Sec-Fetch-Mode: cors'; }
    like "$(person '/page?a=1&b=2')" '*302' "$1: a person is sent away"
    to=$(tr -d '\r' <"$TMP/head" | sed -n 's/^[Ll]ocation: //p')
    is "$to" '/api/auth/signin?rd=/page%3fa%3d1%26b%3d2' "$1: to sign in, and with the way back"
    like "$(script /page)" '*401' "$1: a script is told"
    unlike "$(cat "$TMP/head")" '*[Ll]ocation*' "$1: and not sent"
    like "$(person /page -d 'a=form')" '*401' "$1: nor is a form"
    like "$(person "$to")" '*<form*200' "$1: the page to sign in at"
    like "$(person /api/auth/signin -H "Origin: http://127.0.0.1:$PORT" -H 'Sec-Fetch-Site: same-origin' -d "username=demo&password=correct+horse&stay=true")" \
        '*303' "$1: signs in"
    is "$(person /page)" 'for demo  200' "$1: the page is open, and the cookie didn't get there"
    is "$(script /page)" 'for demo  200' "$1: so is it for a script"
    is "$(script /page -X DELETE)" 'for demo  200' "$1: with each method"
    is "$(script /page -H 'Content-Type: application/json' -d '{}')" 'for demo  200' "$1: and each body"
    like "$(person /api/auth/signout -H "Origin: http://127.0.0.1:$PORT" -H 'Sec-Fetch-Site: same-origin' -X POST)" '*303' "$1: signed out"
    like "$(person /page)" '*302' "$1: it is closed"
}

# any_request NAME: whatever an application is sent, the credential decides.
long() { printf '%*s' "$1" x | tr ' ' x; } # BYTES
asked=0
any_request() {
    many=$(seq 70 | sed 's/.*/-H X-&:y/')
    for token in "$good" "$forged"; do
        case $token in "$good") want='*for demo *200' ;; *) want='*401' ;; esac
        like "$(with /page "$token" -H "Cookie: big=$(long 7000)")" "$want" "$1: a cookie of 7 KB"
        like "$(with "/page?$(long 7000)" "$token")" "$want" "$1: a URL of 7 KB"
        # shellcheck disable=SC2086
        like "$(with /page "$token" $many)" "$want" "$1: 70 headers"
        like "$(with /page "$token" -H 'Transfer-Encoding: chunked' -d 'a body')" "$want" "$1: a body in chunks"
        like "$(with /page "$token" -d "$(long 90000)")" "$want" "$1: a long body"
        like "$(with /page "$token" -X DELETE)" "$want" "$1: another method"
        asked=$((asked + 6))
    done
}

# begin FRONT: its options, its backend, and the application on 9000. run COMMAND...: the server itself.
begun=''
begin() {
    FRONT=$1 begun="$begun $1"
    PORT=$((PORT + 5))
    next_port
    BACK_PORT=$((PORT + 1)) THIRD=$((PORT + 2))
    { cat "$TMP/plain.conf"; block options; echo 'insecure_cookie = on'; } >"$DATA/latchkey.conf"
    block server | sed "s/:9001/:$THIRD/" >"$TMP/server.conf"
    block file >"$TMP/file"
    rm -f "$TMP/latchkey.sock"
    if grep -q "backend=$FRONT\$" "$PAGE"; then
        printf 'exec %s\n' "$(block backend | sed "s/:9001/:$THIRD/")" >"$TMP/backend.run"
        # shellcheck disable=SC2086
        LATCHKEY_DIR=$DATA start backend $as sh "$TMP/backend.run"
        case $FRONT in apache | varnish | haproxy) wait_port "$THIRD" ;; *) wait_socket "$TMP/latchkey.sock" ;; esac
        # shellcheck disable=SC2086
        start app $as "$TMP/tests/fronts/echo.py" "$BACK_PORT"
        wait_port "$BACK_PORT"
    fi
}
# shellcheck disable=SC2086,SC2120
run() {
    start front $as "$@"
    wait_port "$PORT" || diag "$(cat "$TMP/front.log")"
}
end() {
    # shellcheck disable=SC2154  # start sets it
    ok "$FRONT: it is still there" kill -0 "$front_pid"
    stop front
    [ "${1-}" = alone ] || { stop backend && stop app; }
}

begin nginx
nginx_conf <"$TMP/server.conf" >"$TMP/whole.conf"
run nginx -e stderr -p "$TMP" -c "$TMP/whole.conf"
gate nginx /page
like "$(get /page -d 'a body' -H "Authorization: Bearer $good")" 'for demo  200' 'nginx: a POST, whose body is not the question'
like "$(with /api/auth/me "$good")" '*"username":"demo"*200' 'nginx: the API beside it'
any_request nginx
keeps nginx /page
pages nginx
# A whole site, by cookies alone.
jar=$TMP/jar
like "$(get /api/auth/login -c "$jar" -H 'Content-Type: application/json' -d "{\"username\":\"demo\",\"password\":\"$PASSWORD\",\"cookie\":true}")" \
    '*"generation":1*200' 'a site: signed in'
unlike "$(cat "$TMP/head")" '*eyJ*eyJ*eyJ*eyJ*eyJ*eyJ*eyJ*' 'a site: two tokens, both in cookies'
like "$(get /page -b "$jar")" 'for demo  200' 'a site: a page, by the cookie'
like "$(get /page)" '*401' 'a site: no page without it'
like "$(get /page -H "Cookie: latchkey-access=$refresh")" '*401' 'a site: a refresh token is no access token here either'
like "$(get /page -H "Cookie: latchkey-access=$expired")" '*401' 'a site: nor is one that is expired'
like "$(get /api/auth/refresh -b "$jar" -c "$jar" -H 'Content-Type: application/json' -H 'Sec-Fetch-Site: same-origin' -d '{"cookie":true}')" \
    '*"generation":2*200' 'a site: kept fresh'
like "$(get /page -b "$jar")" 'for demo  200' 'a site: and still open'
like "$(get /api/auth/logout -b "$jar" -c "$jar" -X POST -H 'Sec-Fetch-Site: same-origin')" '*204' 'a site: signed out'
like "$(get /page -b "$jar")" '*401' 'a site: closed'
groups nginx
end
begin nginx
line=$(grep -o 'scgi_param QUERY_STRING redirect=401&group=[a-z]*;' "$PAGE" | sed 's/&/\\&/')
sed "s|scgi_param QUERY_STRING .*|$line|" "$TMP/server.conf" | nginx_conf >"$TMP/whole.conf"
run nginx -e stderr -p "$TMP" -c "$TMP/whole.conf"
members nginx
end

# With all variables of the client's request instead of the block's, its method among them.
run_with_all() {
    sed '/_verify {/,/}/{s/scgi_param SCGI 1;/include \/etc\/nginx\/scgi_params;/;/scgi_param \(REQUEST_METHOD\|QUERY_STRING\|SERVER_PROTOCOL\|REMOTE_ADDR\|HTTPS\)/d;}' "$TMP/server.conf" |
        nginx_conf >"$TMP/whole.conf"
    run nginx -e stderr -p "$TMP" -c "$TMP/whole.conf"
}
begin nginx
run_with_all
FRONT='nginx with scgi_params'
any_request "$FRONT"
like "$(get /page -X OPTIONS)" '*401' "$FRONT: an OPTIONS without a token"
like "$(get /page -X OPTIONS -H 'Origin: https://evil.example' -H 'Access-Control-Request-Method: POST')" '*401' "$FRONT: a preflight"
end
# Two broken builds: one that goes by the method, one that goes by what is said of a body.
caught=0
for build in verify-method verify-waits; do
    cp "$LK_BUILD/broken/$build" "$TMP/$build"
    BIN=$TMP/$build
    begin nginx
    run_with_all
    like "$(get /page) $(with /page "$good")" '*401 for demo  200' "a build with the fault $build, otherwise good"
    case "$(get /page -X OPTIONS) $(with /page "$good" -H 'Transfer-Encoding: chunked' -d 'a body')" in
    *' 401 '*'for demo  200') fail "a build with the fault $build is seen" ;;
    *) pass "a build with the fault $build is seen" && caught=$((caught + 1)) ;;
    esac
    end
done
BIN=$TMP/latchkey

begin caddy
run env HOME="$TMP" caddy run --config "$TMP/server.conf" --adapter caddyfile
gate caddy /page
signed_in
like "$(with /page "$ACCESS")" 'for demo  200' 'caddy: another session'
any_request caddy
groups caddy
keeps caddy /page
pages caddy
signed_in
verb session revoke --user demo >/dev/null
like "$(with /page "$ACCESS")" '*401' 'caddy: is refused as soon as it is revoked, with live=1'
signed_in
good=$ACCESS refresh=$TOKEN
end
begin caddy
sed "s|uri /.*|$(grep -o 'uri /[a-z/]*?live=1&group=[a-z]*' "$PAGE" | sed 's/&/\\&/')|" "$TMP/server.conf" >"$TMP/members.conf"
run env HOME="$TMP" caddy run --config "$TMP/members.conf" --adapter caddyfile
members caddy
end

begin lighttpd
cp "$TMP/file" "$TMP/etc/verify.lua"
hand_over
run lighttpd -D -f "$TMP/server.conf"
gate lighttpd /page
like "$(with /api/auth/me "$good")" '*"username":"demo"*200' 'lighttpd: the API beside it'
keeps lighttpd /page
end

begin apache
cp "$TMP/file" "$TMP/etc/name-of"
chmod 755 "$TMP/etc/name-of"
apache_conf mpm_event rewrite headers proxy proxy_http proxy_scgi <"$TMP/server.conf" >"$TMP/whole.conf"
run apache2 -D FOREGROUND -f "$TMP/whole.conf"
gate apache /page
like "$(with /api/auth/me "$good")" '*"username":"demo"*200' 'apache: the API beside it'
keeps apache /page
end

# Those that guard nothing.
begin varnish
sed "s/\"9001\"/\"$THIRD\"/" "$TMP/server.conf" >"$TMP/whole.conf"
run varnishd -F -f "$TMP/whole.conf" -a "127.0.0.1:$PORT" -s malloc,16m -n "$TMP/varnish"
keeps varnish /page nobody
like "$(with /api/auth/me "$good")" '*"username":"demo"*200' 'varnish: the API beside it'
end

begin haproxy
run haproxy -f "$TMP/server.conf"
keeps haproxy /page nobody
like "$(with /api/auth/me "$good")" '*"username":"demo"*200' 'haproxy: the API beside it'
end

begin shell
cp "$TMP/file" "$WWW/cgi-bin/page"
chmod 755 "$WWW/cgi-bin/page"
command_of front server
wait_port "$PORT"
gate shell /cgi-bin/page
end alone

# --- servers that verify by themselves: no latchkey is near
begin node
ok 'jose is installed' "$TOP/tests/client/install.sh" jose
mkdir -p "$TMP/app"
cp "$TMP/file" "$TMP/app/server.mjs"
cp -R "$TOP/build/jose/node_modules" "$TMP/app/"
node=$("$TOP/tests/client/node.sh") || exit 1
case $node in "$TOP"/*) cp "$node" "$TMP/app/node" && node=$TMP/app/node ;; esac   # where its user may read it
hand_over
run "$node" "$TMP/app/server.mjs"
gate node /page
end alone

begin python
hand_over
run /usr/bin/python3 "$TMP/file"
gate python /page
end alone

# --- Traefik's rule is a rule, and what Traefik would send by it is answered
begin traefik
is "$(/usr/bin/python3 -c 'import sys, yaml; print(yaml.safe_load(sys.stdin)["http"]["middlewares"]["signed-in"]["forwardAuth"]["address"])' <"$TMP/file")" \
    "http://127.0.0.1:$PORT/api/auth/verify?redirect" 'traefik: its rule'
command_of front server
wait_port "$PORT"
forward() { get /api/auth/verify -H 'X-Forwarded-Method: POST' -H 'X-Forwarded-Proto: https' -H 'X-Forwarded-Host: app.example' \
    -H 'X-Forwarded-Uri: /page' -H 'X-Forwarded-For: 192.0.2.1' "$@"; }
is "$(forward -H "Authorization: Bearer $good")" ' 204' 'traefik: a good token'
like "$(cat "$TMP/head")" '*X-Auth-User: *X-Auth-Name: demo*X-Auth-Session: *' 'traefik: and whose it is'
like "$(forward)" '*401' 'traefik: no token'
like "$(forward -H "Authorization: Bearer $refresh")" '*401' 'traefik: a refresh token'
end alone

promise verify "$asked" "$t_failed" "caught $caught of 2 broken builds"

is "$(grep -oE '^```[a-z]+ [a-z]+=[a-z]+$' "$PAGE" | cut -d = -f 2 | sort -u | tr '\n' ' ')" \
    "$(echo "${begun# }" | tr ' ' '\n' | sort -u | tr '\n' ' ')" 'every recipe of the page was tried'
done_testing
