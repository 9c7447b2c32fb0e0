#!/bin/sh
# Cookie mode with a real cookie jar: two instances on one host, whose cookies a browser keeps in one place; and cookies that
# another host of the domain has planted (planted.py).
# needs: curl python3
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/calls.sh"
in_memory
tmpdir

# instance NAME: a data directory with a user of that name, served; its address is in $AT.
instance() {
    data "$TMP/$1" 'access_cookie = on'
    printf 'correct horse battery\n' | "$LATCHKEY" user add "$1" --dir "$TMP/$1" >/dev/null
    start "$1" "$LATCHKEY" serve 127.0.0.1:0 --dir "$TMP/$1"
    eventually grep -qs '^latchkey: serving' "$TMP/$1.log"
    AT=$(sed -n 's|^latchkey: serving http://127.0.0.1:\(.*\)/$|http://localhost:\1/api/auth|p' "$TMP/$1.log")
}
# browse AT PATH BODY: with the jar, as a page of that port; the answer's user or code.
browse() {
    curl -s -b "$TMP/jar" -c "$TMP/jar" -H 'Content-Type: application/json' -H "Origin: ${1%/api/auth}" \
        -H 'Sec-Fetch-Site: same-origin' ${3:+-d "$3"} -w ' %{http_code}\n' "$1$2" |
        sed -n 's/.*"\(username\|code\)":"\([^"]*\)".* \([0-9]*\)$/\2 \3/p;s/^ \([0-9]*\)$/\1/p'
}
sign_in() { browse "$1" /login "{\"username\":\"$2\",\"password\":\"correct horse battery\",\"cookie\":true}"; }
refresh() { browse "$1" /refresh '{"cookie":true}'; }

name() { cut -f6 "$TMP/jar" | grep '^latchkey-[0-9a-f]\{8\}$'; }
rename() { awk -F '\t' -v OFS='\t' -v old="$1" -v new="$2" '$6 == old { $6 = new } { print }' "$TMP/jar" >"$TMP/new" && mv "$TMP/new" "$TMP/jar"; }

instance alice
A=$AT
instance bob
B=$AT
is "$(sign_in "$A" alice)" 'alice 200' 'a sign-in at one port'
ours=$(name)
is "$(sign_in "$B" bob)" 'bob 200' 'and at another'
is "$(name | grep -c .)" 2 'one jar keeps both refresh cookies'
is "$(refresh "$A")" 'alice 200' 'the first goes on'
is "$(refresh "$B")" 'bob 200' 'and the second'
is "$(browse "$A" /me '')" 'alice 200' 'by its access cookie each is who it was'
is "$(browse "$B" /me '')" 'bob 200' 'also at the other'

rename "$ours" latchkey
is "$(name | grep -c .)" 1 'a cookie as 0.1.0 named it'
is "$(refresh "$A")" 'alice 200' 'goes on counting'
is "$(name | grep -c .)" 2 'and has got a new name'
is "$(refresh "$A")" 'alice 200' 'beside which the old one does no harm'

# The control: without a name of its own, the second takes the place of the first.
rename latchkey gone
rename "$ours" gone
is "$(refresh "$A")" 'refresh_invalid 401' 'the control: without its cookie the first is out'
is "$(refresh "$B")" 'bob 200' 'and the second alone is in'

# --- plain HTTP in a network at home: said at the sign-in, or allowed
on_lan() {
    curl -s -b "$TMP/lan" -c "$TMP/lan" -H 'Host: 192.168.1.1' -H 'Origin: http://192.168.1.1' -H 'Content-Type: application/json' -d "$2" \
        "http://127.0.0.1:${B#http://localhost:}$1" | sed -n 's/.*"\(code\|username\)":"\([^"]*\)".*/\2/p'
}
lan_sign_in='{"username":"bob","password":"correct horse battery","cookie":true}'
is "$(on_lan /login "$lan_sign_in")" insecure_origin 'a page of plain HTTP is told at its sign-in'
unlike "$("$LATCHKEY" check --dir "$TMP/bob")" '*insecure_cookie*' 'check has nothing to say of it'
echo 'insecure_cookie = on' >>"$TMP/bob/latchkey.conf"
is "$(on_lan /login "$lan_sign_in")" bob 'with the option it signs in'
is "$(grep -c '	latchkey-' "$TMP/lan")" 2 'its jar keeps the cookies'
is "$(on_lan /refresh '{"cookie":true}')" bob 'and it refreshes'
like "$("$LATCHKEY" check --dir "$TMP/bob")" '*warn*cookies*insecure_cookie = on*' 'check warns of that'

# --- planted cookies; they put back the database's files each time
[ "$LK_B" != pg ] || done_testing
data "$TMP/planted"
printf '%s\n' "$PASSWORD" | verb user add other >/dev/null
planted() { /usr/bin/python3 "$TOP/tests/planted.py" "$LATCHKEY" "$DATA" "$@" >"$TMP/swept" 2>&1 || diag "$(tail -n 5 "$TMP/swept")"; }
most=2
[ -z "${TORTURE-}" ] || most=4
planted "$most"
grep '^#' "$TMP/swept"
read -r points failures <<END
$(tail -n 1 "$TMP/swept")
END
ok "cookies beside the own one, in each order ($points)" test "$points" -gt 100
is "$failures" 0 'none hides the own session, none takes its place'
planted 1 wrong
caught=$(tail -n 1 "$TMP/swept" | cut -d ' ' -f 2)
ok "control: a page that names the other's session is signed in as the other ($caught times)" test "$caught" -gt 0
promise planted "$points" "$failures" "a page that names the other's session: seen $caught times"
done_testing
