#!/bin/sh
# A transaction may run more than once (store.h, store_run()): a store with several writers finds only at its end that
# another was first. Here each one runs twice, the first time in vain (shim.c, `again`), and whatever a client or an
# operator can see is the same as with one run.
# needs: python3
. "$(dirname "$0")/lib.sh"
only_in musl cross
. "$(dirname "$0")/calls.sh"
in_memory
tmpdir
SHIM=$LK_BUILD/tests/shim

# What was asked, and what came of it: an exit code and its words, or the verdict of an answer.
say() { printf '%s: %s\n' "$1" "$2" >>"$TMP/said"; }
operator() { # WORDS...: an operator's verb; stdin is the caller's
    out=$(verb "$@" 2>&1)
    say "$1 $2" "$? $(printf '%s' "$out" | sed 's/[0-9a-f]\{8,\}/ID/g')"
}
request() { # NAME COMMAND...
    name=$1
    shift
    say "$name" "$("$@" 2>/dev/null | verdict)"
}

# by_page METHOD PATH FORM: by a browser with $COOKIE; the answer in $TMP/page, and one that sets the cookie in $TMP/renewed.
COOKIE=''
by_page() {
    ask "$1" "$2" "$3" CONTENT_TYPE=application/x-www-form-urlencoded HTTPS=on HTTP_HOST=nas.example HTTP_SEC_FETCH_SITE=same-origin \
        HTTP_COOKIE="$COOKIE" >"$TMP/page" 2>/dev/null
    ! grep -q '^Set-Cookie: __Host-latchkey-door-' "$TMP/page" || cp "$TMP/page" "$TMP/renewed"
    say "$1 $2 $3" "$(verdict <"$TMP/page")"
}

# Everything that changes the store, once at least, and refusals of it.
story() {
    : >"$TMP/said"
    signed_in
    first=$TOKEN
    request 'refresh' refresh "$first" key-1
    request 'the same again' refresh "$first" key-1
    request 'a thief' refresh "$first" key-2
    second=$(refresh "$first" key-1 | member refresh_token)
    request 'refresh' refresh "$second" key-3
    request 'two generations late' refresh "$first" key-4
    request 'that session' refresh "$second" key-3
    request 'a wrong password' ask POST /login '{"username":"demo","password":"wrong horse"}'
    request 'register' ask POST /register '{"username":"new","password":"another horse"}'
    request 'register, taken' ask POST /register '{"username":"NEW","password":"another horse"}'
    signed_in
    request 'sign out' ask POST /logout "{\"refresh_token\":\"$TOKEN\"}"
    request 'sign out again' ask POST /logout "{\"refresh_token\":\"$TOKEN\"}"
    signed_in
    signed_in
    request 'end the others' with_token "$ACCESS" DELETE /sessions
    request 'change the password' ask POST /password "{\"current_password\":\"$PASSWORD\",\"new_password\":\"a new horse\"}" HTTP_AUTHORIZATION="Bearer $ACCESS"
    request 'the new password' ask POST /login '{"username":"demo","password":"a new horse"}'
    printf 'some horse\n' >"$TMP/word"
    operator user add second <"$TMP/word"
    operator user add SECOND <"$TMP/word"
    operator user passwd demo <"$TMP/word"
    operator user set demo subscription '{"plan":"pro"}'
    operator user disable demo
    operator user enable demo
    operator session revoke --user new
    operator session revoke 1234567890abcdef
    operator user delete second
    operator user delete second
    printf '%s\n' "$PASSWORD" >"$TMP/word"
    operator user passwd demo <"$TMP/word"
    by_page POST /signin "username=demo&password=$(printf '%s' "$PASSWORD" | tr ' ' +)"
    COOKIE=$(sed -n 's/^Set-Cookie: \(__Host-latchkey-door-[^;]*\);.*/\1/p' "$TMP/page")
    by_page GET /verify ''
    # A day later the use of the site session is written.
    c_before=$WRAP
    WRAP="$WRAP,host=+90000,unconfirmed"
    by_page GET /verify ''
    WRAP=$c_before
    by_page POST /account 'do=others'
    by_page GET /verify ''
    COOKIE=$(sed -n 's/^Set-Cookie: \(__Host-latchkey-door-[^;]*\);.*/\1/p' "$TMP/renewed")
    by_page GET /verify ''
    by_page POST /account "do=password&password=$(printf '%s' "$PASSWORD" | tr ' ' +)&next=a+third+horse"
    COOKIE=$(sed -n 's/^Set-Cookie: \(__Host-latchkey-door-[^;]*\);.*/\1/p' "$TMP/renewed")
    by_page GET /verify ''
    by_page POST /signout ''
    by_page GET /verify ''
    operator key rotate
    operator key retire "$(verb key list | awk '$NF == "verifies" { print $1; exit }')"
    operator key rotate --epoch
}

# What is there after it.
state() {
    cat "$TMP/said"
    verb audit --json | python3 -c 'import json, sys
for a in json.load(sys.stdin): print(a["event"], a.get("class"), a.get("distance"), a["user"] != None)'
    verb session list --all --json | python3 -c 'import json, sys
print(sorted(s["state"] for s in json.load(sys.stdin)))'
    verb user list --json | python3 -c 'import json, sys
print([(u["username"], u["disabled"], u["subscription"]) for u in json.load(sys.stdin)])'
    verb key list | awk '{ print $NF }'
    verb check | grep -c '^ok'
}

# run NAME SHIM-WORDS: $TMP/NAME
run() {
    data "$TMP/$1.d" 'signup = on'
    export LK_SHIM="$2"
    WRAP="env LK_SHIM=$2"
    LATCHKEY=$SHIM story
    unset LK_SHIM
    WRAP=''
    state >"$TMP/$1"
}

run once ''
ok "the story changes much ($(wc -l <"$TMP/once") lines)" test "$(grep -c '^refresh \|^reuse \|^login \|^epoch ' "$TMP/once")" -ge 6
run again again
is "$(diff "$TMP/once" "$TMP/again")" '' 'a transaction that runs twice leaves what one run does'
run kept again,kept
isnt "$(diff "$TMP/once" "$TMP/kept")" '' 'control: one whose first run is not taken back is found'

done_testing
