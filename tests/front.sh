#!/bin/sh
# front.sh FRONT [SEED]: starts one front of tests/fronts/list, configured by the blocks of its page in
# docs/servers, tells it the story of smoke.sh and sends it the table of fronts/hostile.py. fronts.t runs
# it for all of them; SEED is the data directory that it has made for that. FRONT/6 is the same front on ::1, and there
# only sessions and their address are looked at.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/calls.sh"
. "$(dirname "$0")/smoke.sh"
tmpdir
FRONT=${1%/6} SEED=${2-} HOST=127.0.0.1
[ "$FRONT" = "$1" ] || HOST='[::1]'
read -r _ page package path kind _ <<ROW
$(grep "^$FRONT " "$TOP/tests/fronts/list")
ROW
PAGE=$TOP/docs/servers/$page.md
# shellcheck source=tests/fronts/servers.sh
. "$TOP/tests/fronts/servers.sh"
SOCKET=''

xinetd_program() { # Debian lets only one inetd be installed; the other is unpacked
    [ -x /usr/sbin/xinetd ] && { echo /usr/sbin/xinetd; return; }
    x_dir=$TOP/build/xinetd
    if [ ! -x "$x_dir/usr/sbin/xinetd" ]; then
        rm -rf "$x_dir.new" && mkdir -p "$x_dir.new"
        (cd "$x_dir.new" && { apt-get download xinetd || { apt-get update -qq && apt-get download xinetd; }; } &&
            dpkg -x xinetd_*.deb . && dpkg-deb -f xinetd_*.deb Version >version) >"$TMP/xinetd.get" 2>&1 ||
            diag "$(cat "$TMP/xinetd.get")"
        rm -rf "$x_dir"
        mv "$x_dir.new" "$x_dir"
    fi
    echo "$x_dir/usr/sbin/xinetd"
}

start_front() {
    if grep -q "backend=[a-z_,-]*$FRONT" "$PAGE"; then
        command_of backend backend
    fi
    is_command server && { command_of front server; return; }
    conf=$TMP/front.conf
    block server >"$conf"
    case $FRONT in
    lighttpd-*) set -- lighttpd -D -f "$conf" ;;
    nginx-*)
        nginx_conf <"$conf" >"$conf.whole"
        set -- nginx -e stderr -p "$TMP" -c "$conf.whole" ;;
    apache-*)
        case $FRONT in
        apache-cgi | apache-keeps-auth) apache_conf mpm_prefork alias env setenvif cgi <"$conf" >"$conf.whole" ;;
        apache-cgid) apache_conf mpm_event alias env setenvif cgid <"$conf" >"$conf.whole" ;;
        apache-scgi) apache_conf mpm_event proxy proxy_scgi <"$conf" >"$conf.whole" ;;
        esac
        set -- apache2 -D FOREGROUND -f "$conf.whole" ;;
    openbsd-inetd)
        as=''   # it becomes the user that its configuration names
        set -- inetd -i "$conf" ;;
    xinetd)
        as=''
        set -- "$(xinetd_program)" -dontfork -stayalive -f "$conf" -pidfile "$TMP/xinetd.pid" ;;
    caddy) set -- env HOME="$TMP" caddy run --config "$conf" --adapter caddyfile ;;
    merecat) set -- merecat -n -f "$conf" ;;
    haproxy) set -- haproxy -db -f "$conf" ;;
    varnish)
        block command | sed "s|front\.conf|$conf|" >"$TMP/front.run"
        # Varnish's allocator asks for the time before libfaketime is ready (row next-year of fresh.sh): it goes without.
        # shellcheck disable=SC2046  # a command
        set -- env -u LD_PRELOAD $(sed "s|-n varnish|-n $TMP/varnish|" "$TMP/front.run") ;;
    *) diag "no way to start $FRONT"; return 1 ;;
    esac
    # shellcheck disable=SC2086
    start front $as "$@"
}

# Ready when it listens: on the port, or the socket that its page names.
wait_front() {
    case $FRONT in
    *-unix)
        SOCKET=$TMP/latchkey.sock
        wait_socket "$SOCKET" ;;
    *) wait_port "$PORT" ;;
    esac
    [ ! -f "$TMP/backend.run" ] || wait_backend
}
wait_backend() {
    if grep -q "$TMP/[a-z]*\\.sock" "$TMP/backend.run"; then
        wait_socket "$(grep -o "$TMP/[a-z]*\\.sock[a-z]*" "$TMP/backend.run" | head -n 1)"
    else
        wait_port "$BACK_PORT"
    fi
}

version() {
    case $FRONT in
    xinetd) [ -x /usr/sbin/xinetd ] || { sed 's/^[0-9]*://; s/-[^-]*$//' "$TOP/build/xinetd/version"; return; } ;;
    esac
    [ "$package" != - ] || { echo -; return; }
    # shellcheck disable=SC2016  # dpkg-query's own
    dpkg-query -W -f '${Version}\n' "$package" | sed 's/^[0-9]*://; s/-[^-]*$//; s/+.*//'
}

# --- the story, as this front lets it be told

# shellcheck disable=SC2120  # of smoke.sh and recipes
case $FRONT in
mini_httpd) curl() { command curl --connect-to "::127.0.0.1:$BACK_PORT" "$@"; } ;;
*) curl() { command curl ${SOCKET:+--unix-socket "$SOCKET"} "$@"; } ;;
esac

if [ "$kind" = headerless ]; then
    # The token in a form, and where a method doesn't come through, the operator's tool.
    bearer() {
        case $2 in
        GET) call POST "$3" --data-urlencode "access_token=$1" ;;
        *) verb session revoke "${3##*/}" >/dev/null && CODE=204 ;;
        esac
    }
fi

seed() {
    # shellcheck source=tests/fronts/seed.sh
    [ -n "$SEED" ] || { SEED=$TMP/seed && sh "$TOP/tests/fronts/seed.sh" "$SEED"; }
    cp -R "$SEED" "$DATA"
    mkdir -p "$WWW/cgi-bin"
    block script >"$WWW/cgi-bin/latchkey"
    [ -s "$WWW/cgi-bin/latchkey" ] || cp "$LATCHKEY" "$WWW/cgi-bin/latchkey"
    chmod 755 "$WWW/cgi-bin/latchkey"
    hand_over
}

seed
{ printf '%s\n' 'password_memory = 8k' 'password_passes = 1' "throttle_dir = $DATA"; block options; } >"$DATA/latchkey.conf"
start_front
wait_front || diag "$(cat "$TMP"/*.log)"
if [ "$FRONT" = mini_httpd ]; then
    start apart "$TOP/tests/fronts/apart.py" "$BACK_PORT" "$(echo "$HOST" | tr -d '[]')" "$PORT"
    wait_port "$BACK_PORT"
fi
if [ "$FRONT" = nginx-fcgiwrap ]; then # it would leave its children behind
    # shellcheck disable=SC2154  # start sets it
    t_pids="$t_pids $(children_of "$backend_pid")"
fi
if [ "$HOST" = '[::1]' ]; then
    URL="http://$HOST:$PORT$path" NAME=$FRONT/6
    sign_in six
    expect 200 'signed in'
    json /refresh "{\"refresh_token\":\"$TOKEN\"}"
    expect 200 'refreshed'
    ACCESS=$(body access_token)
    if [ "$kind" = headerless ]; then
        call POST /sessions --data-urlencode "access_token=$ACCESS"
    else
        bearer "$ACCESS" GET /sessions
    fi
    like "$CODE $(cat "$TMP/body")" '200 *"device":"six"*"ip":"::1"*' "$FRONT/6: the client has its own address"
    like "$(verb audit --json | grep '"event":"refresh"' | tail -n 1)" '*"ip":"::1"*' "$FRONT/6: in the audit trail too"
    [ "$t_failed" -eq 0 ] || diag "$(tail -n 30 "$TMP"/*.log)"
    done_testing
fi
if [ -n "$SOCKET" ]; then story "http://localhost$path" "$FRONT"; else story "http://127.0.0.1:$PORT$path" "$FRONT"; fi
if [ "$FRONT" = apache-keeps-auth ]; then
    like "$(cat "$TMP/apache.log")" '*HT1: no Authorization came through Apache*: say CGIPassAuth On, *' "$FRONT: the log names cause and remedy"
fi

# --- the pages: a browser's person signs in, sees his own, and signs out
page() { # METHOD PATH [CURL-ARGUMENT...]
    call "$@" -H "Origin: ${URL%"$path"}" -H 'Sec-Fetch-Site: same-origin' -H "Referer: $URL/signin" -H 'Accept-Language: de'
}
to() { head_of_answer | tr -d '\r' | sed -n 's/^location: *//p' | sed 's|.*/||'; }
page GET /signin
like "$CODE $(cat "$TMP/body")" '200 *<h1>*name="username"*' "$FRONT: the page to sign in at"
page GET "/$(sed -n 's/.*href="\(door.css[^"]*\)".*/\1/p' "$TMP/body")" --compressed
is "$CODE $(cksum <"$TMP/body")" "200 $(cksum <"$TOP/door/door.css")" "$FRONT: and its look"
page POST /signin -d username=demo -d password=wrong
like "$CODE $(cat "$TMP/body")" '403 *role="alert"*' "$FRONT: a wrong password is told in words"
page POST /signin -d username=demo --data-urlencode "password=$PASSWORD" -d stay=true
is "$CODE $(to)" '303 account' "$FRONT: the right one leads on"
door=$(head_of_answer | sed -n 's/^set-cookie: *\([^;]*latchkey-door[^;]*\);.*/\1/p')
page GET /account -H "Cookie: $door"
like "$CODE $(cat "$TMP/body")" '200 *<p class="lead">demo</p>*' "$FRONT: to the account"
page POST /account -H "Cookie: $door" -d do=end -d session=0
like "$CODE $(cat "$TMP/body")" '404 *role="alert"*' "$FRONT: whose forms are answered"
page POST /signout -H "Cookie: $door" -d do=out
is "$CODE $(to)" '303 signin?done=signed-out' "$FRONT: and out again"
page GET /account -H "Cookie: $door"
is "$CODE $(to)" '303 signin?done=over' "$FRONT: for good"
smoke=$t_failed

block reads >"$TMP/reads"
"$TOP/tests/fronts/hostile.py" "${SOCKET:-$PORT}" "$path" "$kind" "$DATA/tokens" "$TMP/reads" >"$TMP/hostile" 2>&1 ||
    fail "$FRONT: the hostile table was sent"
while IFS='	' read -r verdict case said; do
    case $verdict in
    ok) pass "$FRONT: $case: $said" ;;
    *) fail "$FRONT: $case: $said" || diag "$verdict" ;;
    esac
done <"$TMP/hostile"
# The sessions that a hidden request would have ended are alive.
devices() { grep -o '"device":"[a-z-]*"' | cut -d '"' -f 4 | sort; }
block serves >"$TMP/serves"
is "$(verb session list victim --json | devices | grep -vxFf "$TMP/serves" | tr '\n' ' ')" \
    "$(sed -n 's/^victim \([a-z-]*\) .*/\1/p' "$DATA/tokens" | sort | grep -vxFf "$TMP/serves" | tr '\n' ' ')" \
    "$FRONT: no request hidden in another was served"
verb audit --json | grep '"event":"refresh"' | grep -o '"session":"[0-9a-f]*"' | cut -d '"' -f 4 >"$TMP/done"
is "$("$TOP/tests/fronts/hostile.py" "$DATA/tokens" "$TMP/reads" <"$TMP/done")" '' \
    "$FRONT: nothing was done for a request that is none"
ok "$FRONT: the store is whole after it" verb check
hostile=$((t_failed - smoke))
[ "$t_failed" -eq 0 ] || diag "$(tail -n 30 "$TMP"/*.log)"

word() { if [ "$1" -eq 0 ]; then echo ok; else echo fails; fi; }
echo "# row: | [$FRONT](docs/servers/$page.md) | $(word $smoke) | $(word $hostile) | $(version) |"
done_testing
