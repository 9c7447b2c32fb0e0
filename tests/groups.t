#!/bin/sh
# Groups, e-mail and display name of a user: how the operator sets them, and who is told of them.
# needs: python3
. "$(dirname "$0")/lib.sh"
not_in cross 'profile_test and auth_test are run there'
. "$(dirname "$0")/calls.sh"
in_memory
tmpdir
data "$TMP/data"
signed_in

# run CODE NAME COMMAND...: its exit code; then $out and $err hold the rest.
run() {
    code=$1 name=$2
    shift 2
    out=$("$@" 2>"$TMP/err")
    is "$?" "$code" "$name"
    err=$(cat "$TMP/err")
}
# of_list EXPRESSION: of the user demo, u, in `user list --json`. of_me: of GET /me, d.
of_list() { verb user list --json | python3 -c 'import json, sys; u = [u for u in json.load(sys.stdin) if u["username"] == "demo"][0]; print(eval(sys.argv[1]))' "$1"; }
of_me() { with_token "$ACCESS" GET /me | python3 -c 'import json, sys; d = json.loads(sys.stdin.readlines()[-1])["data"]; print(eval(sys.argv[1]))' "$1"; }
profile() { echo "$(of_me '(d.get("groups"), d.get("email"), d.get("name"))') $(of_list '(u["groups"], u["email"], u["name"])')"; }

# --- set
is "$(profile)" "(None, None, None) ([], '', '')" 'a user begins without groups, e-mail and name'
run 0 'user set groups' verb user set demo groups admins,family
is "$out" 'set the groups of demo' 'says so'
run 0 'user set email' verb user set demo email "a'b@example.org"
run 0 'user set name' verb user set demo name 'Zoë O’Neil'
is "$(profile)" "(['admins', 'family'], \"a'b@example.org\", 'Zoë O’Neil') (['admins', 'family'], \"a'b@example.org\", 'Zoë O’Neil')" 'the app and the operator are told'
like "$(login)" '*"user":{"id":*,"groups":\["admins","family"\],"email":"a'"'"'b@example.org","name":"Zoë O’Neil"}*' 'at a sign-in, too'
many=$(seq -s , 33) long=$(printf '%0129d' 0) odd=$(printf 'name:a\nb') split=$(printf 'name:a\rRemote-User: root')
for setting in 'groups:a b' 'groups:a,,b' 'groups:a,a' "groups:$many" email:alice 'name:Neil, Ann' "name:$long" "$odd" "$split"; do
    run 1 "what can't be: $setting" verb user set demo "${setting%%:*}" "${setting#*:}"
    like "$err" "latchkey: user set: the *${setting%%:*}* must *" 'is refused, by what it must be'
done
run 1 'more than a token has room for' verb user set demo groups "$(printf '%0490d' 0)"
is "$err" 'latchkey: user set: the groups, email and name must have at most 510 bytes together' 'is refused'
is "$(of_list 'u["groups"], u["name"]')" "(['admins', 'family'], 'Zoë O’Neil')" 'and changes nothing'
is "$(events user_changed)" 3 'each change is in the trail'
for member in groups email name; do run 0 "user set '' unsets $member" verb user set demo "$member" ''; done
is "$(profile)" "(None, None, None) ([], '', '')" 'and nothing is left'
run 1 'of nobody' verb user set nobody groups admins
is "$err" 'latchkey: user set: no such user: nobody' 'says so'
run 1 'of somebody who is written wrong' verb user set dmeo groups admins
is "$err" 'latchkey: user set: no such user: dmeo; did you mean demo?' 'says who was meant'
run 1 'of something else' verb user set demo colour red
is "$err" 'latchkey: user set: groups, email, name and subscription can be set, not colour' 'says what can be set'

# --- user add
echo "$PASSWORD" >"$TMP/password"
run 0 'user add --groups' verb user add grace --groups admins,family <"$TMP/password"
is "$(verb user list | awk '$4 == "grace" { print $5 }')" admins,family 'adds a user with groups'
run 1 'user add --groups of what is none' verb user add heidi --groups 'admins family' <"$TMP/password"
like "$err" 'latchkey: user add: the groups must be names between commas*' 'says what they must be'

# --- the access token, and /verify: what web servers are told
headers() { sed -n '/^[Xx]-[AW]\|^Remote/s/\r$//p' | sed 's/: 00*[0-9a-f]*$//; s/: [0-9a-f]\{16\}$//' | paste -sd '|' -; }
verify() { with_token "$ACCESS" GET /verify "$@"; } # [NAME=VALUE...]
asked() { ask GET /verify '' HTTP_AUTHORIZATION="Bearer $ACCESS" QUERY_STRING="$1"; } # QUERY
signed_in
is "$(verify | headers)" 'X-Auth-User|X-Auth-Name: demo|X-Auth-Session|X-Auth-Groups: |X-Auth-Email: |X-Auth-Display-Name: ' 'of a user without a profile three headers are empty'
verb user set demo groups admins,family >/dev/null
verb user set demo email ann@example.org >/dev/null
verb user set demo name 'Zoë O’Neil' >/dev/null
is "$(verify | headers)" 'X-Auth-User|X-Auth-Name: demo|X-Auth-Session|X-Auth-Groups: |X-Auth-Email: |X-Auth-Display-Name: ' 'a token that was issued before says what it said'
is "$(asked live=1 | headers)" 'X-Auth-User|X-Auth-Name: demo|X-Auth-Session|X-Auth-Groups: admins,family|X-Auth-Email: ann@example.org|X-Auth-Display-Name: Zoë O’Neil' \
    'the store says what is true now'
ACCESS=$(refresh "$TOKEN" one | member access_token)
is "$(printf '%s\n' "$ACCESS" | verb verify | python3 -c 'import json, sys; d = json.load(sys.stdin); print(d["name"], d["groups"], d["email"], d["display_name"])')" \
    "demo ['admins', 'family'] ann@example.org Zoë O’Neil" 'the next token has them as claims; name is the user name'
is "$(verify | headers)" 'X-Auth-User|X-Auth-Name: demo|X-Auth-Session|X-Auth-Groups: admins,family|X-Auth-Email: ann@example.org|X-Auth-Display-Name: Zoë O’Neil' \
    'and /verify tells them without the store'
echo 'identity_headers = remote' >>"$DATA/latchkey.conf"
is "$(verify | headers)" 'Remote-User: demo|Remote-Groups: admins,family|Remote-Email: ann@example.org|Remote-Name: Zoë O’Neil' 'by names that many programs know'
sed -i 's/= remote/= x-webauth/' "$DATA/latchkey.conf"
is "$(verify | headers)" 'X-WEBAUTH-USER: demo|X-WEBAUTH-GROUPS: admins,family|X-WEBAUTH-EMAIL: ann@example.org|X-WEBAUTH-NAME: Zoë O’Neil' 'or by others'
sed -i '/identity_headers/d' "$DATA/latchkey.conf"

# --- ?group=
while read -r query expected; do
    is "$(asked "$query" | verdict)" "$expected" "/verify?$query"
done <<'END'
group=admins 204
group=family,admins 204
group=others,family 204
group=others 403 not_in_group
group=Admins 403 not_in_group
group=admin 403 not_in_group
group=adm%69ns 204
group=family%2Cothers 204
group=family+admins 403 not_in_group
group= 403 not_in_group
group 403 not_in_group
group=, 403 not_in_group
group=%zz 403 not_in_group
group=%00 403 not_in_group
group=admins&group=others 403 not_in_group
group=others&group=admins 403 not_in_group
group=admins&live=1&group=family 204
live=1&group=others 403 not_in_group
groups=others 204
xgroup=others 204
END
unlike "$(asked group=others)" '*X-Auth-*' 'who may not is not told of'
verb user set demo groups others >/dev/null
is "$(asked group=others | verdict)" '403 not_in_group' 'a change counts with the next token'
is "$(asked 'group=others&live=1' | verdict) $(asked 'group=admins&live=1' | verdict)" '204 403 not_in_group' 'or at once, where the store is asked'
is "$(ask GET /verify '' QUERY_STRING=group=others | verdict)" '401 token_missing' 'who is nobody is in no group'
verb user set demo groups '' >/dev/null
is "$(asked 'group=others&live=1' | verdict)" '403 not_in_group' 'nor is who has none'

# --- a site session: the store's word, each time
form='CONTENT_TYPE=application/x-www-form-urlencoded'
cookie=$(ask POST /signin "username=demo&password=correct+horse" "$form" HTTPS=on HTTP_HOST=door.example HTTP_SEC_FETCH_SITE=same-origin |
    sed -n 's/^Set-Cookie: \([^;]*\);.*/\1/p' | head -n 1)
by_site() { ask GET /verify '' HTTPS=on HTTP_HOST=door.example HTTP_COOKIE="$cookie" QUERY_STRING="$1"; } # QUERY
is "$(by_site '' | headers)" 'X-Auth-User|X-Auth-Name: demo|X-Auth-Session|X-Auth-Groups: |X-Auth-Email: ann@example.org|X-Auth-Display-Name: Zoë O’Neil' 'a site session is told of alike'
is "$(by_site group=admins | verdict)" '403 not_in_group' 'who is in no group may not'
verb user set demo groups admins >/dev/null
is "$(by_site group=admins | verdict)" 204 'a change counts at once'

# --- the largest there can be
zeros=$(printf '%0254d' 0)
name=$(echo "$zeros" | tr 0 n) shown=$(printf '%.128s' "$name") letter=$(seq -s, 1 32)
echo "$PASSWORD" | verb user add "$name" --groups "$letter" >/dev/null
verb user set "$name" email "${zeros#00}@x" >/dev/null
verb user set "$name" name "$shown" >/dev/null
printf 'issuer = %s\naudience = %s\n' "$(printf '%0128d' 0)" "$(printf '%0128d' 1)" >>"$DATA/latchkey.conf"
ACCESS=$(ask POST /login "{\"username\":\"$name\",\"password\":\"$PASSWORD\"}" | member access_token)
is "$(verify | headers)" "X-Auth-User|X-Auth-Name: $name|X-Auth-Session|X-Auth-Groups: $letter|X-Auth-Email: ${zeros#00}@x|X-Auth-Display-Name: $shown" \
    'the largest profile, names and options make a token, and it is taken'
ok "which has ${#ACCESS} bytes" test "${#ACCESS}" -le 2048
done_testing
