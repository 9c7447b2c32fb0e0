#!/bin/sh
# README's door, as README has it: its lines of nginx with the map of docs/protect.md, in front of a program that shows what it is sent. A
# person signs in and comes back, a script is told, and no cookie of latchkey's reaches the program.
# needs: curl nginx
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: a web server
tmpdir
PORT=$(free_port 3) DATA=$TMP/data SOCK=$TMP/data/sock
part() { awk -v from="$2" '/^```$/ { on = 0 } on; $0 == from { on = 1 }' "$1"; }
part "$TOP/README.md" '```nginx' >"$TMP/lines"
ok 'README has the lines of nginx' grep -q auth_request "$TMP/lines"
sed -i "s|/var/lib/latchkey/sock|$SOCK|g; s|127.0.0.1:8384|127.0.0.1:$((PORT + 1))|" "$TMP/lines"
part "$TOP/docs/protect.md" '```nginx server=nginx' | sed -n '/^map /,/^}/p' >"$TMP/map"
ok 'and protect.md the map' grep -q their_cookies "$TMP/map"

# --- README's commands, but for where things lie. Only root can give a directory to the web server's user; who isn't is that user himself.
[ "$(id -u)" -eq 0 ] && as_who='' || as_who='s|--owner www-data ||;'
chmod 711 "$TMP"
part "$TOP/README.md" '```sh' | grep -n 'latchkey' | sed -n '1,3s/^[0-9]*://p' >"$TMP/commands"
is "$(grep -c . "$TMP/commands")" 3 'three commands'
run() { sed -n "$1p" "$TMP/commands" | sed "s|/var/lib/latchkey|$DATA|g; $as_who s|latchkey \([a-z]\)|\"$LATCHKEY\" \1|g" >"$TMP/command$1"; }
for i in 1 2 3; do run $i; done
ok 'the first makes the directory' sh -e "$TMP/command1"
printf 'password_memory = 8k\npassword_passes = 1\nthrottle_dir = %s\n' "$DATA" >>"$DATA/latchkey.conf"
ok 'the second a user' sh -ec 'echo "correct horse" | sh -e "$0"' "$TMP/command2"
start backend sh -ec "exec $(cat "$TMP/command3")"
eventually test -S "$SOCK"

for place in body proxy fastcgi uwsgi scgi; do mkdir -p "$TMP/$place"; done
cat >"$TMP/nginx.conf" <<END
daemon off;
$([ "$(id -u)" -ne 0 ] || echo 'user www-data;')
pid $TMP/nginx.pid;
error_log stderr error;
events {}
http {
    access_log off;
    client_body_temp_path $TMP/body; proxy_temp_path $TMP/proxy; fastcgi_temp_path $TMP/fastcgi; uwsgi_temp_path $TMP/uwsgi; scgi_temp_path $TMP/scgi;
$(cat "$TMP/map")
    server {
        listen 127.0.0.1:$PORT;
        absolute_redirect off;
$(cat "$TMP/lines")
    }
    server { # the program behind the door
        listen 127.0.0.1:$((PORT + 1));
        location / { return 200 "behind the door: \$request_method \$request_uri, with \$http_cookie\n"; }
    }
}
END
start front nginx -e stderr -p "$TMP" -c "$TMP/nginx.conf"
wait_port "$PORT" || diag "$(cat "$TMP/front.log")"

base=http://127.0.0.1:$PORT
: >"$TMP/jar"
browse() { curl -s -m 20 -o "$TMP/page" -D "$TMP/head" -w '%{http_code} %{redirect_url}' -b "$TMP/jar" -c "$TMP/jar" "$@"; }
page() { browse -H 'Accept: text/html' -H 'Sec-Fetch-Mode: navigate' "$@"; }
script() { browse -H 'Accept: */*' -H 'Sec-Fetch-Mode: cors' "$@"; }

to=$(page "$base/files?a=1&b=2")
like "$to" "302 $base/api/auth/signin?rd=*" 'who opens a page is sent to sign in'
is "$(script "$base/rest")" '401 ' 'a script is told'
is "$(page "${to#* }")" '200 ' 'the page to sign in at'
rd=$(sed -n 's/.*name="rd" value="\([^"]*\)".*/\1/p' "$TMP/page" | sed 's/&amp;/\&/g')
is "$rd" "/files?a=1&b=2" 'knows where one came from'
browse() { curl -s -m 20 -o "$TMP/page" -D "$TMP/head" -w '%{http_code} %{redirect_url}' -b "$TMP/jar" -c "$TMP/jar" -H 'Sec-Fetch-Site: same-origin' "$@"; }
is "$(browse --data-urlencode "rd=$rd" -d username=alice --data-urlencode 'password=correct horse' -d stay=true "$base/api/auth/signin")" "303 $base/files?a=1&b=2" \
    'who signs in comes back'
like "$(page "$base/files?a=1&b=2"; cat "$TMP/page")" '200 *behind the door: GET /files?a=1&b=2, with *' 'to the page'
with() { curl -s -m 20 -w ' %{http_code}' -H 'Sec-Fetch-Mode: cors' -d x=1 -b "$1" "$base/rest"; }
like "$(with 'own=1; __Host-latchkey-x=y')" '* 401' 'only with the cookie'
cookie=$(awk '$6 ~ /latchkey-door/ { print $6 "=" $7 }' "$TMP/jar")
is "$(with "own=1; $cookie; other=2" | paste -sd ' ')" 'behind the door: POST /rest, with own=1; other=2  200' \
    "a script's form, and what the program gets of its cookies"
is "$(page "$base/api/auth/account")" '200 ' "one's own page"
is "$(browse -X POST "$base/api/auth/signout")" "303 $base/api/auth/signin?done=signed-out" 'who signs out'
like "$(page "$base/files")" "302 $base/api/auth/signin?rd=*" 'is out of everything'
done_testing
