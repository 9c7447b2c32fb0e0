#!/bin/sh
# The operator's link: `latchkey user invite` and `user link`, and what POST /password/link makes of them, by CGI. What a
# ticket says and what may happen meanwhile is ticket_test's.
# needs: python3
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/calls.sh"
tmpdir
data "$TMP/data"
URL=https://example.org/api/auth

# want CODE NAME VERB...: its exit code; $out and $err hold the rest.
want() {
    code=$1 name=$2
    shift 2
    out=$("$LATCHKEY" "$@" --dir "$DATA" 2>"$TMP/err" </dev/null)
    is $? "$code" "$name"
    err=$(cat "$TMP/err")
}
redeem() { ask POST /password/link "{\"ticket\":\"$1\",\"new_password\":\"$2\"}"; }
try() { ask POST /login "{\"username\":\"$1\",\"password\":\"$2\"}"; }
tried() { "$@" | verdict; }
events() { "$LATCHKEY" audit --json --dir "$DATA" 2>/dev/null | grep -o '"event":"[^"]*"' | cut -d'"' -f4 | paste -sd ' ' -; }

# --- where the page is
want 1 'without a URL there is no link' user link demo
like "$err" '*user link: where do people find the page? Say --url https://HOST/api/auth,*' 'and the refusal says what to say'
for url in example.org ftp://example.org https:// https:///x 'https://a b' 'https://a#b' 'https://a?b' 'https://a@b' javascript:x 'https://a"b' http:// /; do
    want 1 "--url '$url'" user link demo --url "$url"
    like "$err" '*--url must be as in --url https://example.org/api/auth*' 'is refused with words'
done
want 100 '--url without a value' user link demo --url
want 100 'no name' user link
want 1 'nobody' user link nobody --url "$URL"
like "$err" '*user link: no such user: nobody*' 'is told so'
is "$(events)" user_added 'nothing of this is in the trail'
want 0 'a link' user link demo --url "$URL//"
like "$out" "$URL/signin#link=eyJ*.eyJ*.*" 'leads to the page below the URL, behind a #'
is "$err" '' 'and nothing else is said'
is "$(events)" 'user_added link_made' 'it is in the trail'
echo 'issuer = https://login.example:8443' >>"$DATA/latchkey.conf"
want 0 'with an issuer that is a URL' user link demo
like "$out" 'https://login.example:8443/signin#link=eyJ*' 'no --url is needed'
want 0 'but counts' user link demo --url http://nas.lan:8080/auth
like "$out" 'http://nas.lan:8080/auth/signin#link=eyJ*' 'more than the issuer'
sed -i '$d' "$DATA/latchkey.conf"
tried redeem "${out#*=}" 'chosen by demo' >"$TMP/verdict"
is "$(cat "$TMP/verdict")" 200 'the issuer may change before a link is used'

# --- an invitation
want 1 'an invitation without a URL' user invite mara
want 1 'of a name that is none' user invite 'ma ra' --url "$URL"
like "$err" '*a user name has *' 'is refused'
want 1 'of a name that is taken' user invite DEMO --url "$URL"
like "$err" '*This user name is taken.*' 'is refused'
want 1 'into a group that is none' user invite mara --url "$URL" --groups 'a b'
want 0 'an invitation' user invite mara --url "$URL" --groups family,nas
link=${out#*=}
like "$("$LATCHKEY" user list --dir "$DATA")" '*mara *family,nas*' 'into two groups'
is "$(events)" 'user_added link_made link_made link_made link_used user_added link_made' 'both events are in the trail'
for password in '' ' ' x "$link"; do
    like "$(tried try mara "$password")" '4?? *' "nobody signs in with '$(echo "$password" | cut -c 1-9)'"
    rm -f "$DATA/throttle"
done
redeem "$link" 'mara, 1234567' >"$TMP/answer"
is "$(tail -n 1 "$TMP/answer")" '{"data":{"username":"mara"}}' 'the answer has the name, and no tokens'
unlike "$(cat "$TMP/answer")" '*Set-Cookie*' 'and no cookie'
is "$(tried try mara 'mara, 1234567')" 200 'the password is the chosen one'
is "$(tried redeem "$link" 'mara, 1234567')" 200 'the same once more'
is "$(tried redeem "$link" 'mara, 7654321')" '401 link_used' 'another one'
is "$(tried redeem "x$link" 'mara, 7654321')" '401 link_invalid' 'what is not ours'
rm -f "$DATA/throttle"

# --- a lost password: sessions end, and the link is worth nothing after another change
want 0 'a link for who has lost the password' user link mara --url "$URL"
link=${out#*=}
want 0 'sessions before' session list mara
like "$out" '*mara*' 'there is one'
is "$(tried redeem "$link" short)" '422 weak_password' 'a weak password'
is "$(tried redeem "$link" 'found again')" 200 'a good one'
want 0 'sessions after' session list mara
unlike "$out" '*mara*' 'there is none'
is "$(tried try mara 'mara, 1234567')" '401 invalid_credentials' 'the old password is no more'
want 0 'another link' user link mara --url "$URL"
link=${out#*=}
printf 'by the operator\n' | "$LATCHKEY" user passwd mara --dir "$DATA" >/dev/null
is "$(tried redeem "$link" 'found again 2')" '401 link_used' 'is used up by a password that the operator set'

# --- who is disabled, keys that went, time
want 0 'a link of one' user link mara --url "$URL"
link=${out#*=}
"$LATCHKEY" user disable mara --dir "$DATA" >/dev/null
is "$(tried redeem "$link" 'found again 3')" '401 link_invalid' 'who is disabled then'
want 1 'of a disabled user' user link mara --url "$URL"
like "$err" '*user link: the user is disabled; first latchkey user enable mara*' 'none is made'
"$LATCHKEY" user enable mara --dir "$DATA" >/dev/null
"$LATCHKEY" key rotate --dir "$DATA" >/dev/null
is "$(tried redeem "$link" 'found again 4')" 200 'a key that no longer signs counts'
want 0 'a link before all keys are replaced' user link mara --url "$URL"
"$LATCHKEY" key rotate --epoch --dir "$DATA" >/dev/null
is "$(tried redeem "${out#*=}" 'found again 5')" '401 link_invalid' 'is none of ours then'

# --- what a form of the call is
for body in '{}' '{"ticket":"x"}' '{"new_password":"x"}' '{"ticket":7,"new_password":"x"}'; do
    is "$(tried ask POST /password/link "$body")" '400 invalid_request' "$body"
done
is "$(tried ask GET /password/link '')" '405 method_not_allowed' 'it is no page'
done_testing
