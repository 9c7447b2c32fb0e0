#!/bin/sh
# Signing in to a client by OAuth as a client and a browser meet it: /authorize by each face, then the whole way by curl, to /token and back,
# and a device. tests/client-authorize.t has the same in a browser.
# needs: curl python3
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/faces.sh"
cd "$TOP" || exit 1
setup
SITE='Sec-Fetch-Site: same-origin'
VERIFIER=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk
PKCE='code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256'
CB=http://127.0.0.1:9/cb
ASK="/authorize?client_id=web&response_type=code&state=st&scope=openid+profile+offline_access&$PKCE"

header() { sed -n "s/^$1: //p" "$TMP/out" | tr -d '\r'; }
status() { sed -n '1s/^[^ ]* \([0-9]*\).*/\1/p' "$TMP/out"; }

# --- nothing of it while no client is named
for FACE in http cgi scgi; do
    for page in "$ASK" /device; do
        ask GET "$page" ''
        is "$(status)" 404 "$FACE: no client: ${page%%\?*} isn't there"
    done
    ask POST "$ASK" 'username=alice&password=correct+horse+battery' "$H_FORM" "$SITE"
    is "$(status)" 404 "$FACE: nor for a form"
done

port=$(free_port)
base=http://127.0.0.1:$port/api/auth
printf 'issuer = %s\nreuse_grace = 60s\n' "$base" >>"$DIR/latchkey.conf"
lk() { "$LATCHKEY" "$@" --dir "$DIR"; }
secret=$(lk client add web $CB)
lk client add app public $CB org.example.app:/cb >/dev/null
lk client add tv public,device >/dev/null
lk client add staff group=staff $CB >/dev/null

# --- each face
for FACE in http cgi scgi; do
    ask GET "$ASK" ''
    like "$(status) $(cat "$TMP/out")" "200 *form-action 'self' http://127.0.0.1:9;*action=\"authorize?client_id=web&amp;*to go on to web*" "$FACE: the form"
    ask GET "$ASK&prompt=none" ''
    is "$(status) $(header Location)" "303 $CB?error=login_required&state=st" "$FACE: without a page the client is told"
    ask GET "$ASK&redirect_uri=https://evil.example/" ''
    like "$(status)$(header Location) $(cat "$TMP/out")" '400 *is not known here*' "$FACE: nobody is sent to another address"
    ask POST "$ASK" 'username=alice&password=correct+horse+battery' "$H_FORM" "$SITE"
    like "$(status) $(header Location)$(header Set-Cookie)" "303 $CB?code=ey*&state=st" "$FACE: name and password: back with a code, and no cookie"
    ask POST "$ASK" 'username=alice&password=wrong' "$H_FORM" "$SITE"
    like "$(status) $(cat "$TMP/out")" '403 *User name or password is wrong.*' "$FACE: a wrong password"
    ask POST "$ASK" 'username=alice&password=correct+horse+battery' "$H_FORM" 'Sec-Fetch-Site: cross-site'
    is "$(status)$(header Location)" 403 "$FACE: a form of another site"
    ask POST /authorize "${ASK#*\?}" "$H_FORM" 'Sec-Fetch-Site: cross-site'
    is "$(status) $(header Location)" "303 ${ASK#/}" "$FACE: a client's own form is led to the page"
    ask GET '/device?user_code=BCDF-GHJK-LMNP' ''
    like "$(status) $(cat "$TMP/out")" '200 *name="code" value="BCDF-GHJK-LMNP"*' "$FACE: the page of devices"
done

# --- the whole way
start serve "$LATCHKEY" serve "127.0.0.1:$port" --dir "$DIR"
wait_port "$port"
browse() { curl -s -o "$TMP/page" -w '%{http_code} %{redirect_url}' -b "$TMP/jar" -c "$TMP/jar" -H "$SITE" "$@"; }
code_of() { sed -n 's/.*[?&]code=\([^&]*\).*/\1/p'; }
token() { curl -s -o "$TMP/json" -w '%{http_code}' "$@" "$base/token"; }
member() { python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(d.get(sys.argv[2], ""))' "$TMP/json" "$1"; }
redeem() { token -u "web:$secret" -d grant_type=authorization_code -d "code=$1" -d "redirect_uri=$CB" -d "code_verifier=${2-$VERIFIER}"; }
password='password=correct horse battery'

code=$(browse --data-urlencode username=alice --data-urlencode "$password" "$base$ASK" | code_of)
isnt "$code" '' 'a code'
is "$(redeem "$code" "${VERIFIER}x") $(member error)" '400 invalid_grant' 'by another verifier it is worth nothing'
is "$(redeem "$code")" 200 'by the right one it is, still'
access=$(member access_token) refresh=$(member refresh_token)
like "$access $refresh $(member id_token) $(member scope)" 'ey* ey* ey* openid profile offline_access' 'tokens, by what was asked for'
is "$(curl -s -H "Authorization: Bearer $access" "$base/userinfo" | python3 -c 'import json, sys; print(json.load(sys.stdin)["preferred_username"])')" alice 'whose they are'
is "$(token -u "web:$secret" -d grant_type=refresh_token -d "refresh_token=$refresh")" 200 'refreshed'
is "$(redeem "$code") $(member error)" '400 invalid_grant' 'the code once more'
is "$(token -u "web:$secret" -d grant_type=refresh_token -d "refresh_token=$(member refresh_token)") $(member error)" '400 invalid_grant' 'has ended the session'

# --- single sign-on
like "$(browse --data-urlencode username=alice --data-urlencode "$password" -d stay=true "$base$ASK")" "303 $CB?code=*" 'signed in, and staying'
like "$(browse "$base$ASK")" "303 $CB?code=*" 'the next client needs no password'
code=$(browse "$base$ASK" | code_of) late=$(browse "$base$ASK" | code_of)
is "$(redeem "$code")" 200 'its code is good'
like "$(lk audit --json)" '*"class":"sso"*' 'the trail has that it came by a cookie'
is "$(browse "$base/authorize?client_id=staff&response_type=code&state=st&$PKCE")" "303 $CB?error=access_denied&state=st" 'a client that is for another group'
app="$base/authorize?client_id=app&redirect_uri=$CB&response_type=code&state=st&$PKCE"
is "$(browse "$app")" '200 ' 'a program of the device gets a button'
like "$(cat "$TMP/page")" '*Go on to app?*signed in as alice*' 'that names it and the user'
is "$(browse "$app&prompt=none")" "303 $CB?error=interaction_required&state=st" 'and nothing without a page'
like "$(browse -d do=allow "$app")" "303 $CB?code=*&state=st" 'allowed'
is "$(browse -d do=cancel "$app")" "303 $CB?error=access_denied&state=st" 'cancelled'
is "$(browse -X POST "$base/signout")" "303 $base/signin?done=signed-out" 'signed out'
is "$(redeem "$late") $(member error)" '400 invalid_grant' 'a code of a cookie that was signed out since is worth nothing'
is "$(browse "$base$ASK&prompt=none")" "303 $CB?error=login_required&state=st" 'and nobody is signed in'

# --- a device
device() { token -d client_id=tv -d grant_type=urn:ietf:params:oauth:grant-type:device_code -d "device_code=$1"; }
is "$(curl -s -o "$TMP/json" -w '%{http_code}' -d client_id=tv -d scope=openid+offline_access "$base/device_authorization")" 200 'a device asks'
device_code=$(member device_code) user_code=$(member user_code)
like "$user_code $(member verification_uri) $(member interval) $(member expires_in)" "????-????-???? $base/device 5 600" 'what it shows'
is "$(member verification_uri_complete)" "$base/device?user_code=$user_code" 'and in a QR code'
is "$(device "$device_code") $(member error)" '400 authorization_pending' 'nobody has answered'
is "$(browse -d "code=$user_code" --data-urlencode username=alice --data-urlencode "$password" "$base/device")" '200 ' 'a person types it'
like "$(cat "$TMP/page")" "*Connect tv?*$user_code*signed in as alice*" 'and is asked'
is "$(device "$device_code") $(member error)" '400 authorization_pending' 'still nobody has answered'
is "$(browse -d "code=$user_code" -d do=allow "$base/device")" '200 ' 'allowed'
is "$(device "$device_code")" 200 'the device gets its tokens'
refresh=$(member refresh_token)
like "$(member access_token) $refresh $(member id_token) $(member scope)" 'ey* ey* ey* openid offline_access' 'by what it asked for'
is "$(device "$device_code") $(member refresh_token)" "200 $refresh" 'the same again, whose answer was lost'
is "$(token -d client_id=tv -d grant_type=refresh_token -d "refresh_token=$refresh")" 200 'refreshed'
is "$(device "$device_code") $(member error)" '400 invalid_grant' 'the device code once more'
is "$(curl -s -o "$TMP/json" -w '%{http_code}' -d client_id=tv "$base/device_authorization")" 200 'another one asks'
device_code=$(member device_code) user_code=$(member user_code)
is "$(browse -d "code=$user_code" -d do=cancel "$base/device")" '200 ' 'a person says no'
is "$(device "$device_code") $(member error)" '400 access_denied' 'it is told'
is "$(device "${device_code}x") $(member error)" '400 invalid_grant' 'a forged code'
is "$(curl -s -o "$TMP/json" -w '%{http_code}' -u "web:$secret" -X POST -d x=y "$base/device_authorization") $(member error)" '400 unauthorized_client' 'a client that is no device'
is "$(token -d client_id=tv -d grant_type=urn:ietf:params:oauth:grant-type:device_code) $(member error)" '400 invalid_request' 'and no code at all'
stop serve
done_testing
