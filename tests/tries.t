#!/bin/sh
# Who has to wait before a password is looked at: what the trail has of it, `latchkey throttle list` and `throttle forgive`.
# needs: python3
. "$(dirname "$0")/lib.sh"
not_in cross 'throttle_test is run there'
. "$(dirname "$0")/calls.sh"
in_memory
tmpdir
data "$TMP/data"
echo "$PASSWORD" | verb user add grace >/dev/null

# try NAME ADDRESS [PASSWORD]: its status and code.
try() { PEER=$2 && ask POST /login "{\"username\":\"$1\",\"password\":\"${3:-wrong horse}\"}" | verdict; }
# listed: user, address, failures and whether there is a wait, of each row.
listed() { verb throttle list --json | python3 -c 'import json, sys; print(*sorted((r["username"], r["address"], r["failures"], r["wait"] > 0) for r in json.load(sys.stdin)))'; }

DATA=$TMP/empty
lk_init "$DATA"
is "$(listed)" '' 'without users and events there is nothing to list'
DATA=$TMP/data
is "$(verb throttle list)" 'USERNAME              ADDRESS          FAILURES  WAIT' 'nobody waits'
is "$(listed)" '' 'and JSON is an empty list'
# However slow the machine is: as many guesses as it takes, of which a few follow fast enough.
guesses=0
while said=$(try demo 192.0.2.1) && [ "$guesses" -lt 60 ] && [ "$said" = '401 invalid_credentials' ]; do guesses=$((guesses + 1)); done
is "$said" '429 rate_limited' 'who goes on guessing waits'
is "$(events rate_limited) $(events login_failed)" "1 $guesses" 'the trail has that'
refused=0
for _ in 1 2 3 4; do [ "$(try nobody 192.0.2.1)" = '401 invalid_credentials' ] || refused=$((refused + 1)); done
ok "of $refused refusals more it has fewer" test "$(events rate_limited)" -le $((1 + (refused + 1) / 2))
is "$(verb audit --json | python3 -c 'import json, sys; print(*[(e["username"], e["ip"]) for e in json.load(sys.stdin) if e["event"] == "rate_limited"])')" \
    "('demo', '192.0.2.1')" 'with user and address'
is "$(try nobody 192.0.2.9 && try demo 2001:db8::1 && try demo 2001:db8::2)" '401 invalid_credentials
401 invalid_credentials
401 invalid_credentials' 'from elsewhere one may go on'
like "$(listed)" "*('demo', '', $((guesses + 2)), *('demo', '192.0.2.1', $guesses, *('demo', '2001:db8::1', 2, False)" 'the list has what is counted of the user; a network comes once'
like "$(verb throttle list)" "*demo  * -  *$((guesses + 2))  *0*" 'as a table'
row=''
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
    try "any$row" 192.0.2.1 >/dev/null
    case $(listed) in *"('', '192.0.2.1', 0, True)"*) row=there && break ;; esac
done
is "$row" there 'and the address that waits'

# --- forgiving
like "$(verb throttle forgive 192.0.2.1)" '[12] counts forgotten' 'an address is forgiven'
is "$(try demo 192.0.2.1)" '401 invalid_credentials' 'and may go on'
is "$(listed)" "('demo', '', $((guesses + 3)), False) ('demo', '192.0.2.1', 1, False) ('demo', '2001:db8::1', 2, False)" 'what else is counted stays'
is "$(verb throttle forgive DEMO)" '3 counts forgotten' 'a user is forgiven, from everywhere'
is "$(listed)" '' 'nothing is left'
is "$(verb throttle forgive grace)" '0 counts forgotten' 'of whom nothing was counted'
printf '%s\n' '{"username":"ivy","hash":"$2y$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2"}' | verb user import >/dev/null
is "$(verb throttle forgive ivy)" '0 counts forgotten' 'nor of one who is new to the trail'
try demo '' >/dev/null
is "$(listed)" "('demo', '', 1, False)" 'a try without an address is counted of its user'
is "$(verb throttle forgive demo)" '2 counts forgotten' 'and forgiven with him'
verb throttle list >/dev/full 2>/dev/null
is $? 111 'a list that can’t be written is told'
verb throttle forgive zed 2>"$TMP/err"
is "$? $(cat "$TMP/err")" '1 latchkey: throttle forgive: neither a user nor an address: zed' 'what is neither'
echo "$PASSWORD" | verb user add 192.0.2.5 >/dev/null
try 192.0.2.5 192.0.2.6 >/dev/null
is "$(verb throttle forgive 192.0.2.5)" '2 counts forgotten' 'a user whose name is an address is a user'

# --- the other calls that try a password
signed_in
before=$(events rate_limited) tries=0 said=''
while [ "$tries" -lt 60 ] && [ "$said" != '429 rate_limited' ]; do
    tries=$((tries + 1))
    said=$(PEER=198.51.100.1 && ask POST /password '{"current_password":"wrong horse","new_password":"battery staple"}' HTTP_AUTHORIZATION="Bearer $ACCESS" | verdict)
done
is "$said $(($(events rate_limited) - before))" '429 rate_limited 1' 'a changed password is throttled alike, and the trail has it'
like "$(with_token "$ACCESS" GET '/audit')" '*"event":"rate_limited"*"ip":"198.51.100.1"*' 'the user finds it in his own trail'

# --- a large trail, and a throttle without a table
i=0
while [ $((i += 1)) -le 105 ]; do try demo "10.0.0.$i" >/dev/null; done
ok 'a page of the trail isn’t all of it' test "$(listed | grep -o '10\.0\.0\.[0-9]*' | sort -u | wc -l)" -ge 90
unlike "$(verb throttle forgive demo >/dev/null && listed)" "*demo*" 'one call forgives them all'
rm -f "$DATA/throttle" && mkdir "$DATA/throttle"
is "$(verb throttle list 2>"$TMP/err" | wc -l)" 1 'no table: nothing is listed'
like "$(cat "$TMP/err")" 'latchkey: TH2: no throttling: *' 'and why is said'
is "$(verb throttle forgive demo 2>/dev/null)" '0 counts forgotten' 'nor is there anything to forgive'
done_testing
