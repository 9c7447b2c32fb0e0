#!/bin/sh
# The story of smoke.sh behind every front that is at hand: latchkey's own listener, two web servers'
# CGI, and two that hand over sockets; and the README's own lines.
# needs: curl busybox lighttpd systemd-socket-activate tcpsvd
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/calls.sh"
. "$(dirname "$0")/smoke.sh"
tmpdir
PORT=$(free_port)

front_serve() { # its whole command
    LATCHKEY_DIR=$DATA start front "$LATCHKEY" serve "127.0.0.1:$PORT"
}

cgi_bin() { # $TMP/www/cgi-bin/latchkey
    mkdir -p "$TMP/www/cgi-bin"
    cp "$LATCHKEY" "$TMP/www/cgi-bin/latchkey"
}

front_busybox() {
    cgi_bin
    LATCHKEY_DIR=$DATA start front busybox httpd -f -p "127.0.0.1:$PORT" -h "$TMP/www"
}

front_lighttpd() {
    cgi_bin
    cat >"$TMP/lighttpd.conf" <<END
server.modules = ("mod_setenv", "mod_cgi")
server.document-root = "$TMP/www"
server.bind = "127.0.0.1"
server.port = $PORT
\$HTTP["url"] =~ "^/cgi-bin/" {
    setenv.set-environment = ("LATCHKEY_DIR" => "$DATA")
    cgi.assign = ("" => "")
}
END
    start front lighttpd -D -f "$TMP/lighttpd.conf"
}

front_systemd() {
    start front systemd-socket-activate --inetd -a -l "127.0.0.1:$PORT" -E "LATCHKEY_DIR=$DATA" "$LATCHKEY"
}

front_tcpsvd() {
    LATCHKEY_DIR=$DATA start front tcpsvd 127.0.0.1 "$PORT" "$LATCHKEY"
}

# front   path of the API
while read -r front path; do
    PORT=$((PORT + 1))
    while t_listening "$PORT"; do PORT=$((PORT + 1)); done
    data "$TMP/$front"
    verb user set demo subscription '{"plan":"pro","status":"active","expires_at":null}' >/dev/null
    "front_$front"
    wait_port "$PORT"
    story "http://127.0.0.1:$PORT$path" "$front"
    ok "$front: the store is whole after it" verb check
    stop front
done <<END
serve     /api/auth
busybox   /cgi-bin/latchkey
lighttpd  /cgi-bin/latchkey
systemd   /api/auth
tcpsvd    /api/auth
END

# The README's blocks as they stand there, in their order, after `make run` (tools/run.sh), but for the port.
demo=$TMP/tree
mkdir -p "$demo/build/musl" "$demo/tools"
cp "$LATCHKEY" "$demo/latchkey"
cp "$TOP/tools/run.sh" "$demo/tools/"
start demo env DEMO="127.0.0.1:$PORT" sh -c 'exec "$0/tools/run.sh" "$DEMO"' "$demo"
wait_port "$PORT"
"$TOP/tests/readme.sh" | sed "s/127\.0\.0\.1:8080/127.0.0.1:$PORT/" >"$TMP/lines"
is "$(grep -cE '/login|/refresh|/verify|latchkey verify|key export' "$TMP/lines")" 5 'the README has lines to try'
answers=$(cd "$demo" && sh -eu "$TMP/lines" 2>&1)
is $? 0 "the README's blocks work, each line of them"
like "$answers" '*"generation":1*"subscription":{"plan":"pro"*"generation":2*' 'they sign in, ask and renew'
like "$answers" '*204*"sub"*"kty":"oct"*' 'and verify'
done_testing
