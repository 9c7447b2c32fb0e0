#!/bin/sh
# The pages for people by every face: a browser's walk from the sign-in to the sign-out, without script. And of their source: each
# word is used, each place has its word, and all together are small.
# needs: curl
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/faces.sh"
cd "$TOP" || exit 1

# --- the source
keys=$(sed -n 's/^\t[XV](\([a-z_]*\)).*/\1/p' door/words.h)
named=$(sed -n 's/^\tX(\([a-z_]*\)).*/\1/p' door/words.h)
sources=$(find door -name '*.c' ! -name 'words_*' | sort)
unused() { # KEY...: those that no page writes
    for key; do
        # shellcheck disable=SC2086  # a list
        grep -qE "\{$key\}|WORD_$key\b" $sources || echo "$key"
    done
}
# shellcheck disable=SC2086
is "$(unused $keys)" '' 'each word is used'
is "$(unused sign_in no_such_word)" no_such_word 'and one that is not is found'
# shellcheck disable=SC2086
places=$(grep -ohE '\{[a-z_]+\}' $sources | tr -d '{}' | sort -u)
is "$(printf '%s\n' "$named" brand | sort -u)" "$places" 'each place in the markup has its word, and a word has a name where there is a place for it'
isnt "$places" '' 'there are places'
if [ "$LK_B" = musl ]; then
    # shellcheck disable=SC2046  # a list; what is left of sources that have gone does not count
    bytes=$(size $(find door -name "*.c" | sed "s:\(.*\)c$:$LK_BUILD/\1o:") "$LK_BUILD"/sheet.o | awk 'NR > 1 { n += $1 + $2 } END { print n }')
    # 24 KB for signing in and out and for the account; 2.5 KB for a password by a link: its page, words, script and routes; 4.5 KB for
    # clients of OAuth, 4 KB for devices: the same. 9 KB for the second factor, with its QR code; 4 KB for passkeys; 3 KB for wallets beside them, and for what
    # users without a password show in its place.
    ok "pages, words and look take at most 52 KB ($bytes)" test "$bytes" -le 52000
fi

# --- every face
setup
echo 'insecure_cookie = on' >>"$DIR/latchkey.conf"
SITE='Sec-Fetch-Site: same-origin'

header() { sed -n "s/^$1: //p" "$TMP/out" | tr -d '\r'; }
status() { sed -n '1s/^[^ ]* \([0-9]*\).*/\1/p' "$TMP/out"; }
jar() { header Set-Cookie | cut -d ';' -f 1 | grep door- | paste -sd ';' -; }

for FACE in http cgi scgi; do
    ask GET /signin '' 'Accept-Language: de-AT,de;q=0.9,en;q=0.8'
    like "$(status) $(cat "$TMP/out")" '200 *Content-Type: text/html*<h1>Anmelden</h1>*</html>*' "$FACE: a page to sign in at, in German"
    ask GET /signin ''
    like "$(cat "$TMP/out")" '*<h1>Sign in</h1>*' "$FACE: and in English"
    sheet=$(sed -n 's/.*href="\(door.css[^"]*\)".*/\1/p' "$TMP/out") colour=$(sed -n 's/.*href="\(brand.css[^"]*\)".*/\1/p' "$TMP/out")
    script=$(sed -n 's/.*src="\(link.js[^"]*\)".*/\1/p' "$TMP/out")
    ask GET "/$sheet" ''
    is "$(sed '1,/^\r*$/d' "$TMP/out" | gzip -dc | cksum)" "$(cksum <door/door.css)" "$FACE: its look"
    ask GET "/$script" ''
    is "$(sed '1,/^\r*$/d' "$TMP/out" | gzip -dc | cksum)" "$(cat door/link.js door/qr.js | sed '/^\/\//d' | cksum)" "$FACE: the script of links"
    ask GET "/$colour" ''
    like "$(status) $(cat "$TMP/out")" '200 *Content-Type: text/css*immutable*--brand:#9a3412*' "$FACE: its colour"
    ask POST /signin 'username=alice&password=wrong' "$H_FORM" "$SITE"
    like "$(status) $(cat "$TMP/out")" '403 *User name or password is wrong.*value="alice"*' "$FACE: a wrong password"
    ask POST /signin 'username=alice&password=correct+horse+battery' "$H_FORM" 'Sec-Fetch-Site: cross-site'
    is "$(status)$(jar)" 403 "$FACE: a form of another site"
    ask POST /signin 'username=alice&password=correct+horse+battery&stay=true' "$H_FORM" "$SITE"
    is "$(status) $(header Location)" '303 account' "$FACE: the right one"
    cookie=$(jar)
    ask GET /account '' "Cookie: $cookie"
    like "$(status) $(cat "$TMP/out")" '200 *<h1>Your account</h1>*Wrong password*this device*' "$FACE: one's own page, with what was refused on top"
    ask GET /account ''
    is "$(status) $(header Location)" '303 signin' "$FACE: nobody's page is the sign-in"
    ask GET /me '' "Cookie: $cookie"
    like "$(status) $(cat "$TMP/out")" '401 *"error"*' "$FACE: the API takes no such cookie"
    ask POST /account 'do=others' "$H_FORM" "$SITE" "Cookie: $cookie"
    is "$(status) $(header Location)" '303 account?done=others' "$FACE: all other sessions are ended"
    cookie=$(jar)
    link=$("$LATCHKEY" user invite "linked-$FACE" --url https://example.org/auth --dir "$DIR")
    ask POST /link "ticket=${link#*=}&next=chosen+by+the+link" "$H_FORM" "$SITE"
    like "$(status) $(cat "$TMP/out")" "200 *Your password was changed*value=\"linked-$FACE\"*" "$FACE: a password by a link"
    ask POST /link "ticket=${link#*=}&next=chosen+by+another" "$H_FORM" "$SITE"
    like "$(status) $(cat "$TMP/out")" '403 *This link was used already*' "$FACE: which is good once"
    ask POST /signout '' "$SITE" "Cookie: $cookie"
    is "$(status) $(header Location)" '303 signin?done=signed-out' "$FACE: signed out"
    ask GET /account '' "Cookie: $cookie"
    is "$(status) $(header Location)" '303 signin?done=over' "$FACE: for good"
    ask PUT /account ''
    like "$(status) $(cat "$TMP/out")" '405 *Allow: *<h1>Something is wrong</h1>*' "$FACE: a method that there is not"
    ask GET /accounts ''
    like "$(status) $(cat "$TMP/out")" '404 *"code":"not_found"*' "$FACE: what is no page is the API's to refuse"
done

# --- serve, and its workers, by curl as a browser without script
for how in '' '--workers 2'; do
    port=$(free_port)
    # shellcheck disable=SC2086  # an option or nothing
    start serve "$LATCHKEY" serve "127.0.0.1:$port" $how --dir "$DIR"
    wait_port "$port"
    browse() { curl -s -o "$TMP/page" -w '%{http_code} %{redirect_url}' -b "$TMP/jar" -c "$TMP/jar" -H "$SITE" "$@"; }
    base=http://127.0.0.1:$port/api/auth
    is "$(browse "$base/signin")" '200 ' "serve $how: the page"
    is "$(browse --data-urlencode username=alice --data-urlencode 'password=correct horse battery' "$base/signin")" "303 $base/account" "serve $how: in"
    is "$(browse "$base/account")" '200 ' "serve $how: the account"
    like "$(cat "$TMP/page")" '*<b>curl</b> <span class="tag">this device</span>*' "serve $how: shows who asks"
    is "$(browse -d do=password --data-urlencode 'password=correct horse battery' --data-urlencode 'next=correct horse battery 2' "$base/account")" \
        "303 $base/account?done=password" "serve $how: another password"
    is "$(browse -d do=password --data-urlencode 'password=correct horse battery 2' --data-urlencode 'next=correct horse battery' "$base/account")" \
        "303 $base/account?done=password" "serve $how: and back"
    is "$(browse -X POST "$base/signout")" "303 $base/signin?done=signed-out" "serve $how: out"
    is "$(browse "$base/account")" "303 $base/signin" "serve $how: and no cookie is left"
    stop serve
done

# --- the operator's name and colour
printf 'brand = Familie <M\303\274ller> & "Co"\nbrand_color = FFD400\n' >>"$DIR/latchkey.conf"
FACE=cgi
ask GET /signin ''
like "$(cat "$TMP/out")" '*<span>Familie &lt;Müller&gt; &amp; &quot;Co&quot;</span>*' 'the name is escaped'
ask GET /brand.css ''
like "$(cat "$TMP/out")" '*:root{--brand:#ffd400;--on-brand:#000}*' 'the colour is in the sheet, with black upon it'
chmod 000 "$DIR/latchkey.key"
[ "$(id -u)" -eq 0 ] && rm "$DIR/latchkey.key"
ask GET /account ''
like "$(status) $(cat "$TMP/out")" '503 *' 'without a key it is a 503'

done_testing
