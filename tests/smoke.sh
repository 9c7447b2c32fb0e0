# shellcheck shell=sh
# smoke.sh: one story, told by curl, whatever stands before latchkey. Sourced after lib.sh and
# calls.sh; `story URL NAME` tells it of the API at URL, whose data directory is $DATA.

# call METHOD PATH [CURL-ARGUMENT...]: $CODE, the body in $TMP/body, the head in $TMP/head.
call() {
    s_method=$1 s_path=$2
    shift 2
    : >"$TMP/body"
    CODE=$(curl -sS --path-as-is -m "${CALL_SECONDS-120}" -X "$s_method" -o "$TMP/body" -D "$TMP/head" -w '%{http_code}' "$@" "$URL$s_path")
}
json() { # PATH BODY [CURL-ARGUMENT...]
    s_path=$1 s_body=$2
    shift 2
    call POST "$s_path" -H 'Content-Type: application/json' -d "$s_body" "$@"
}
# head_of_answer: what came before the body, the names in small letters, whoever wrote them (RFC 9110, 5.1).
head_of_answer() { awk -F : '{ name = tolower($1); sub(/^[^:]*/, ""); print name $0 }' "$TMP/head"; }
bearer() { call "$2" "$3" -H "Authorization: Bearer $1"; } # TOKEN METHOD PATH
body() { member "$1" <"$TMP/body"; }

# expect CODE WHAT [ERROR-CODE]
expect() {
    is "$CODE${3:+ $(body code)}" "$1${3:+ $3}" "$NAME: $2"
}

sign_in() { # [DEVICE]
    json /login "{\"username\":\"demo\",\"password\":\"$PASSWORD\",\"device\":\"${1-}\"}"
    TOKEN=$(body refresh_token) ACCESS=$(body access_token)
}

# life DURATION: of access tokens from now on. Only one that is waited out is short: however slow the
# machine, no other is to expire on the way.
life() {
    sed '/^access_ttl/d' "$DATA/latchkey.conf" >"$TMP/conf"
    echo "access_ttl = $1" >>"$TMP/conf"
    cp "$TMP/conf" "$DATA/latchkey.conf"
}

# Until the access token is refused, as a client would find out; 10 seconds at most.
wait_out() {
    s_tries=0
    bearer "$ACCESS" GET /me
    while [ "$CODE" = 200 ] && [ "$s_tries" -lt 50 ]; do
        sleep 0.2
        s_tries=$((s_tries + 1))
        bearer "$ACCESS" GET /me
    done
}

story() {
    URL=$1 NAME=$2

    call GET /health
    expect 200 'in health'
    sign_in laptop
    expect 200 'signed in'
    is "$(body token_type) $(body expires_in) $(body generation)" 'Bearer 900 1' "$NAME: a first pair"
    like "$(head_of_answer)" '*cache-control: no-store*' "$NAME: not to be stored"
    bearer "$ACCESS" GET /me
    like "$CODE $(cat "$TMP/body")" '200 *"username":"demo","subscription":{"plan":"pro","status":"active"*' \
        "$NAME: me, with the subscription"
    bearer "$ACCESS" GET /verify
    like "$CODE $(head_of_answer)" '204 *x-auth-name: demo*' "$NAME: verified, by name"

    life 2s
    json /refresh "{\"refresh_token\":\"$TOKEN\",\"idempotency_key\":\"short\"}"
    TOKEN=$(body refresh_token) ACCESS=$(body access_token)
    is "$CODE $(body expires_in)" '200 2' "$NAME: an access token of 2 seconds"
    wait_out
    expect 401 'it expires' token_expired
    like "$(head_of_answer)" '*www-authenticate: Bearer *error="invalid_token"*' "$NAME: says so as RFC 6750 wants it"
    life 15m
    s_key='"idempotency_key":"of-this-request"'
    json /refresh "{\"refresh_token\":\"$TOKEN\",$s_key}"
    expect 200 'refreshed'
    is "$(body generation)" 3 "$NAME: the third generation"
    s_first=$(body refresh_token) ACCESS=$(body access_token)
    json /refresh "{\"refresh_token\":\"$TOKEN\",$s_key}"
    is "$CODE $(body refresh_token)" "200 $s_first" "$NAME: asked again, the same successor"
    bearer "$ACCESS" GET /me
    expect 200 'me again'

    s_laptop=$s_first s_access=$ACCESS
    sign_in phone
    s_phone=$TOKEN s_id=$(sed 's/.*"session":{"id":"\([^"]*\)".*/\1/' "$TMP/body")
    json /refresh "{\"refresh_token\":\"$s_laptop\"}"
    s_laptop=$(body refresh_token) s_access=$(body access_token)
    bearer "$s_access" GET /sessions
    is "$CODE $(grep -o '"device":"[a-z]*"' "$TMP/body" | sort | tr '\n' ' ')" \
        '200 "device":"laptop" "device":"phone" ' "$NAME: both sessions are listed"
    bearer "$s_access" DELETE "/sessions/$s_id"
    expect 204 'the phone is signed out from the laptop'
    json /refresh "{\"refresh_token\":\"$s_phone\"}"
    expect 401 'which the phone is told' session_revoked
    bearer "$s_access" GET '/audit?limit=1'
    like "$CODE $(cat "$TMP/body")" '200 {"data":\[{*"event":"revoke"*' "$NAME: and the audit trail knows it"

    json /logout "{\"refresh_token\":\"$s_laptop\"}"
    expect 204 'signed out'
    json /refresh "{\"refresh_token\":\"$s_laptop\"}"
    expect 401 'no refresh after that' session_revoked

    # Whose end is waited for, for a second, behind each server (http_look_again).
    sign_in stolen
    s_stolen=$TOKEN
    for _ in 1 2; do
        json /refresh "{\"refresh_token\":\"$TOKEN\"}"
        TOKEN=$(body refresh_token)
    done
    json /refresh "{\"refresh_token\":\"$s_stolen\"}"
    expect 401 'a token that was spent twice over is a theft' refresh_reused
    json /refresh "{\"refresh_token\":\"$TOKEN\"}"
    expect 401 'which ends the session' session_revoked

    json /login "{\"username\":\"demo\",\"password\":\"wrong\"}"
    expect 401 'a wrong password' invalid_credentials
    json /login '{"username":'
    expect 400 'no JSON' invalid_json
    json /refresh '{"refresh_token":"forged"}'
    expect 401 'a forged token' refresh_invalid
    call GET /me
    expect 401 'no token' token_missing
    call GET /nothing
    expect 404 'no such path' not_found
    call GET /login
    expect 405 'the wrong method' method_not_allowed
    like "$(head_of_answer)" '*allow: POST*' "$NAME: and which is right"
}
