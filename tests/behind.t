#!/bin/sh
# Programs that know nothing of latchkey, as Debian ships them, behind the door: nginx's and Caddy's recipe of docs/protect.md, word for
# word, before each. One sign-in at the page; then two months go by, with access tokens that would live for 10 seconds, keys that are
# rotated, and answers that are lost: pages, XHR, POST, WebDAV and a chunked upload, and nobody is refused.
# needs: python3 nginx caddy curl socat syncthing radicale prometheus transmission-daemon
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: starts what Debian has for this machine
. "$(dirname "$0")/calls.sh"
# shellcheck source=tests/behind.sh
. "$(dirname "$0")/behind.sh"

# --- the browser

JAR=$TMP/jar asked=0 refused=0
fetch() { # PATH [CURL-ARGUMENT...]: the status; body and head in files
    f_path=$1
    shift
    curl -sS -m 30 -b "$JAR" -c "$JAR" -o "$TMP/body" -D "$TMP/head" -w '%{http_code}' "$@" "http://127.0.0.1:$PORT$f_path"
}
person() { fetch "$@" -H 'Accept: text/html' -H 'Sec-Fetch-Mode: navigate' -H 'Sec-Fetch-Site: none'; }
sign_in() {
    : >"$JAR"
    fetch /api/auth/signin -H "Origin: http://127.0.0.1:$PORT" -H 'Sec-Fetch-Site: same-origin' -d 'username=demo&password=correct+horse&stay=true'
}
# script WANT PATH [CURL-ARGUMENT...]: what a page's script asks; the answer is the program's own, WANT, or it counts as refused.
script() {
    s_want=$1
    shift
    s_got=$(fetch "$@" -H 'Accept: */*' -H 'Sec-Fetch-Mode: cors' -H 'Sec-Fetch-Site: same-origin')
    asked=$((asked + 1))
    [ "$s_got" != "$s_want" ] || return 0
    refused=$((refused + 1))
    diag "$FRONT, $PROGRAM, $(cat "$TMP/clock"): $* is $s_got: $(head -c 200 "$TMP/body")"
}
# lost PATH: asked, and gone before the answer.
lost() {
    l_cookies=$(awk 'NF >= 7 { sub(/^#HttpOnly_/, ""); printf "%s%s=%s", n++ ? "; " : "", $6, $7 }' "$JAR")
    printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nSec-Fetch-Mode: navigate\r\nAccept: text/html\r\nCookie: %s\r\nConnection: close\r\n\r\n' \
        "$1" "$PORT" "$l_cookies" | socat -t 0 - "TCP:127.0.0.1:$PORT" >/dev/null 2>&1
}

# --- what each program is asked: its own dances, as its own pages do them

syncthing_token() { awk '$6 ~ /^CSRF-Token-/ { print "X-" $6 ": " $7 }' "$JAR"; }
use_syncthing() {
    script 200 /
    csrf=$(syncthing_token)
    script 200 /rest/system/status -H "$csrf"
    script 200 /rest/system/ping -H "$csrf" -X POST
    script 200 /rest/config/options -H "$csrf" -H 'Content-Type: application/json' -H 'Transfer-Encoding: chunked' -X PATCH -d '{"maxSendKbps":0}'
    script 200 '/rest/events?timeout=1&limit=1' -H "$csrf"
    script 403 /rest/system/ping -X POST
}
use_radicale() {
    script 207 /demo/ -X PROPFIND -H 'Depth: 1'
    script 201 /demo/notes.ics/ -X MKCALENDAR
    printf 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260101T000000Z\r\nSUMMARY:%s\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n' \
        "$(printf '%9000s' x | tr ' ' x)" >"$TMP/event"
    # Radicale's own server takes no chunks; nginx makes one piece of them, Caddy doesn't.
    [ "$FRONT" = caddy ] && chunked=X-Plain:1 || chunked='Transfer-Encoding: chunked'
    script 201 /demo/notes.ics/1.ics -T "$TMP/event" -H "$chunked" -H 'Content-Type: text/calendar'
    script 207 /demo/notes.ics/ -X REPORT -H 'Depth: 1' -H 'Content-Type: text/xml' \
        -d '<c:calendar-query xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:prop><d:getetag/></d:prop><c:filter><c:comp-filter name="VCALENDAR"/></c:filter></c:calendar-query>'
    script 403 /other/ -X MKCOL
    script 200 /demo/notes.ics/ -X DELETE
}
use_prometheus() {
    script 200 /classic/graph
    script 200 '/api/v1/query?query=1'
    script 200 /api/v1/query -d 'query=vector(1)'
    script 405 /api/v1/query -X PUT
}
use_transmission() {
    script 200 /transmission/web/
    script 409 /transmission/rpc -d '{"method":"session-get"}'
    id=$(tr -d '\r' <"$TMP/head" | grep -i '^X-Transmission-Session-Id:')
    script 200 /transmission/rpc -H "$id" -H 'Content-Type: application/json' -d '{"method":"session-get"}'
}

# a_month: each hour of a day, then each second day.
a_month() {
    day=86400
    for hour in $(seq 0 "$HOURS" 24); do
        later $((hour * 3600 + 11))
        "use_$PROGRAM"
        lost /
    done
    operator key rotate
    "use_$PROGRAM"
    renewed
    for days in $(seq 3 "$DAYS" 61); do
        later $((days * day))
        "use_$PROGRAM"
        lost /api/auth/signin?rd=/
    done
}

# renewed: who opens a page after a key was rotated is sent by the page that makes his cookie anew, and back; that answer may be lost, too.
renewed() {
    cookie=$(grep door "$JAR")
    r_page=/
    [ "$PROGRAM" = transmission ] && r_page=/transmission/web/
    is "$(person $r_page)" 302 "$FRONT, $PROGRAM: a page, after a key was rotated"
    to=$(tr -d '\r' <"$TMP/head" | sed -n 's/^[Ll]ocation: //p')
    lost "$to"
    is "$(person "$to")" 303 "$FRONT, $PROGRAM: by the page to sign in at"
    is "$(tr -d '\r' <"$TMP/head" | sed -n 's/^[Ll]ocation: //p')" "$r_page" "$FRONT, $PROGRAM: and back, without a question"
    isnt "$(grep door "$JAR")" "$cookie" "$FRONT, $PROGRAM: with a new cookie"
    like "$(person $r_page)" '[23]0[0-9]' "$FRONT, $PROGRAM: the page is open"
    unlike "$(cat "$TMP/head")" '*/signin*' "$FRONT, $PROGRAM: at once"
}

behind() { # FRONT PROGRAM
    begin_all "$1" "$2"
    is "$(: >"$JAR" && person "/page?x=1")" 302 "$FRONT, $PROGRAM: a person is sent to sign in"
    is "$(fetch / -H 'Sec-Fetch-Mode: cors')" 401 "$FRONT, $PROGRAM: a script is told"
    is "$(sign_in)" 303 "$FRONT, $PROGRAM: signed in at the page"
    before=$asked refused=0
    a_month
    all_refused=$((all_refused + refused))
    is "$refused" 0 "$FRONT, $PROGRAM: 0 of $((asked - before)) requests of two months are refused"
    is "$(fetch /api/auth/signout -H "Origin: http://127.0.0.1:$PORT" -H 'Sec-Fetch-Site: same-origin' -X POST)" 303 "$FRONT, $PROGRAM: signed out"
    is "$(fetch / -H 'Sec-Fetch-Mode: cors')" 401 "$FRONT, $PROGRAM: nothing is open any more"
    # The control: a browser that stays away for too long is refused, and that is seen.
    is "$(sign_in)" 303 "$FRONT, $PROGRAM: signed in once more"
    later $((93 * day))
    refused=0
    script 200 "$r_page" >/dev/null
    is "$refused" 1 "$FRONT, $PROGRAM: unused for refresh_ttl it is refused"
    seen=$((seen + refused))
    end_all
}

# With TORTURE=1 each hour of the first day, then each day.
[ -z "${TORTURE-}" ] || BEHIND_HOURS=1 BEHIND_DAYS=1
HOURS=${BEHIND_HOURS-6} DAYS=${BEHIND_DAYS-14} all_refused=0 seen=0
for front in ${BEHIND_FRONTS-nginx caddy}; do
    for program in ${BEHIND_PROGRAMS-syncthing radicale prometheus transmission}; do behind "$front" "$program"; done
done
promise behind "$asked" "$all_refused" "who stays away for longer than refresh_ttl is refused: seen in $seen of 8"
done_testing
