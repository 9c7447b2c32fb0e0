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
run 1 'of something else' verb user set demo colour red
is "$err" 'latchkey: user set: groups, email, name and subscription can be set, not colour' 'says what can be set'

# --- user add
echo "$PASSWORD" >"$TMP/password"
run 0 'user add --groups' verb user add grace --groups admins,family <"$TMP/password"
is "$(verb user list | awk '$4 == "grace" { print $5 }')" admins,family 'adds a user with groups'
run 1 'user add --groups of what is none' verb user add heidi --groups 'admins family' <"$TMP/password"
like "$err" 'latchkey: user add: the groups must be names between commas*' 'says what they must be'
done_testing
