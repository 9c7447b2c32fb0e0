#!/bin/sh
# latchkey migrate: all users, sessions and events from one store into another, while requests go on. Nobody is signed out by it, what was ended meanwhile stays
# ended, and whatever is wrong with the stream or the store that takes it in is refused with words and changes nothing. With a latchkey-pg and a
# PostgreSQL on this machine cluster.t does the same between the two kinds of store.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/calls.sh"
in_memory
tmpdir
OLD=$TMP/old NEW=$TMP/new

# --- what there is to move
data "$OLD" 'signup = on' 'reuse_grace = 0'
verb user set demo groups admins,staff
verb user set demo email demo@example.org
verb user set demo name 'Demo Dämon'
verb user set demo subscription '{"plan":"gold","until":1}'
for name in disabled other goes; do printf '%s\n' "$PASSWORD" | verb user add "$name" >/dev/null; done
verb user disable disabled >/dev/null
sign_in_as() { ask POST /login "{\"username\":\"$1\",\"password\":\"$PASSWORD\",\"device\":\"Gerät \\\"$1\\\"\"}" "HTTP_USER_AGENT=$(printf 'agent\351 "x"')"; }
token() { member refresh_token; }
FIRST=$(sign_in_as demo | token)
STAYS=$(refresh "$FIRST" one | token)
ENDS=$(sign_in_as demo | token)
OVER=$(sign_in_as other | token)
GOES=$(sign_in_as goes | token)
refresh "$OVER" two >/dev/null
is "$(refresh "$OVER" three | verdict)" '401 refresh_reused' 'a session that has ended by reuse'

beside() { # DIR: an empty store with the same keys
    rm -rf "$1"
    lk_init "$1"
    cp "$OLD/latchkey.key" "$OLD/latchkey.conf" "$1/"
    sed -i "s|^throttle_dir.*|throttle_dir = $1|" "$1/latchkey.conf"
}
out() { "$LATCHKEY" migrate out --dir "$OLD"; }
take() { "$LATCHKEY" migrate in --dir "$NEW" "$@" 2>"$TMP/error"; }
contents() { # DIR: all that is in it. Events have other numbers there.
    "$LATCHKEY" user export --dir "$1"
    "$LATCHKEY" session list --all --json --dir "$1"
    "$LATCHKEY" audit --json --dir "$1" | sed 's/"id":[0-9]*,//'
}
sessions() { "$LATCHKEY" session list --all --json --dir "$NEW" | grep -c '"generation"'; }

# --- all of it
beside "$NEW"
out >"$TMP/stream"
ok 'a stream is taken in' take <"$TMP/stream"
contents "$OLD" >"$TMP/there"
contents "$NEW" >"$TMP/here"
ok 'and all users, sessions and events are here' cmp "$TMP/there" "$TMP/here"
ok 'the store is whole' "$LATCHKEY" check --dir "$NEW"
like "$(cat "$TMP/here")" '*"groups":\["admins","staff"\]*' 'groups and all'
DATA=$NEW
is "$(refresh "$STAYS" four | verdict)" 200 'who was signed in there is signed in here'
is "$(refresh "$OVER" five | verdict)" '401 session_revoked' 'who was not is not'

# --- brought up to date: what was done there meanwhile
beside "$NEW"
take <"$TMP/stream"
DATA=$OLD
STAYS=$(refresh "$STAYS" six | token)
sleep 1.1 # events are told apart by their second
ask POST /logout "{\"refresh_token\":\"$ENDS\"}" >/dev/null
verb user delete goes >/dev/null
verb user rename other another >/dev/null
verb user enable disabled >/dev/null
printf '%s\n' 'battery staple' | verb user passwd another >/dev/null
LATE=$(sign_in_as demo | token)
nok 'a store that has something takes nothing in' take <"$TMP/stream"
like "$(cat "$TMP/error")" "*isn't empty*--again*" 'and is told how'
out >"$TMP/later"
like "$(take --again <"$TMP/later")" "$(sed -n 's/.*"users":\([0-9]*\),"sessions":\([0-9]*\),"events":\([0-9]*\).*/\1 users, \2 sessions, \3 events;/p' "$TMP/later") [1-9]* written" \
    'an earlier copy is brought up to date'
"$LATCHKEY" user export --dir "$OLD" >"$TMP/there"
"$LATCHKEY" user export --dir "$NEW" >"$TMP/here"
ok 'with its users' cmp "$TMP/there" "$TMP/here"
like "$(take --again <"$TMP/later")" '* 0 written' 'and once more: nothing is left to do'
DATA=$NEW
is "$(refresh "$STAYS" seven | verdict)" 200 'what was refreshed there goes on here'
is "$(refresh "$LATE" eight | verdict)" 200 'who signed in there is signed in here'
is "$(refresh "$ENDS" nine | verdict)" '401 session_revoked' 'what was ended there stays ended here'
is "$(refresh "$GOES" ten | verdict)" '401 refresh_invalid' 'whose user was deleted there is gone here'
nok 'a store that has gone on is not put back' take --again <"$TMP/later"
like "$(cat "$TMP/error")" '*gone on by itself*' 'with words'

# --- online, without a second run: what was refreshed behind the copy rolls forward
beside "$NEW"
take <"$TMP/later" >/dev/null
DATA=$OLD
for key in a b c; do STAYS=$(refresh "$STAYS" "$key" | token); done
DATA=$NEW
is "$(refresh "$STAYS" d | verdict)" 200 'what was refreshed three times behind the copy rolls forward'

# --- cut off anywhere: nothing, and it can be run again
size=$(wc -c <"$TMP/later") cuts=0 bad=''
beside "$NEW"
for at in 0 1 20 $(seq 100 $((size / 12)) "$size") $((size - 1)); do
    cuts=$((cuts + 1))
    if head -c "$at" "$TMP/later" | take >/dev/null || [ "$(sessions)" -ne 0 ]; then bad="$bad $at"; fi
done
is "$bad" '' "a stream that is cut off at any of $cuts places changes nothing"
like "$(cat "$TMP/error")" '*cut off: nothing was taken in*' 'and says so'
ok 'the whole one is taken afterwards' take <"$TMP/later"

# --- what is refused
refused() { # WHAT WORDS SED-EXPRESSION
    beside "$NEW"
    sed "$3" "$TMP/later" >"$TMP/bad"
    nok "$1 is refused" take <"$TMP/bad"
    like "$(cat "$TMP/error")" "$2" "$1: with words"
    is "$(sessions)" 0 "$1: and nothing is taken in"
}
refused 'a later schema' '*later latchkey*' '1s/"schema":[0-9]*/"schema":99/'
refused 'a line that is no JSON' '*line 3 *' '3s/.*/{/'
refused 'a line of another kind' '*line 2 *' '2s/"record":"[a-z]*"/"record":"group"/'
refused 'a member that is missing' '*line * migrate out*' '/"record":"session"/s/"br":"[0-9a-f]*",//'
refused 'bytes that are none' '*line * migrate out*' '/"record":"session"/s/"agent":"../"agent":"x/'
refused 'half a byte' '*line * migrate out*' '/"record":"session"/s/"agent":"./"agent":"/'
refused 'a number that is none' '*line * migrate out*' '/"record":"session"/s/"why":[0-9]*/"why":99/'
refused 'a word that is none' '*line * migrate out*' '/"record":"session"/s/"why":[0-9]*/"why":"x"/'
refused 'an event that nobody knows' '*line * migrate out*' '/"record":"event"/s/"event":[0-9]*/"event":999/'
refused 'a user that comes twice' '*taken*' '/"record":"user"/p'
refused 'a session that comes twice' '*twice*' '/"record":"session"/{p;p}'
refused 'a wrong number at the end' '*line * migrate out*' '/"record":"end"/s/"users":/"users":1/'
refused 'something behind the end' '*line * migrate out*' '/"record":"end"/p'
refused 'a stream without its head' '*line 1 *' 1d
refused 'a head that says nothing' '*line 1 *' '1s/"schema":[0-9]*,//'
beside "$NEW"
"$LATCHKEY" key rotate --epoch --dir "$NEW" >/dev/null
nok 'a directory of other keys is refused' take <"$TMP/later"
like "$(cat "$TMP/error")" '*another key*latchkey.key*' 'with words'

# --- a second run into a store that isn't the copy
beside "$NEW"
take <"$TMP/later" >/dev/null
printf '%s\n' "$PASSWORD" | "$LATCHKEY" user add mine --dir "$NEW" >/dev/null
nok 'a store with a user of its own is not brought up to date' take --again <"$TMP/later"
like "$(cat "$TMP/error")" "*users that the other one hasn't*" 'with words'
beside "$NEW"
take <"$TMP/later" >/dev/null
"$LATCHKEY" user delete another --dir "$NEW" >/dev/null
printf '%s\n' "$PASSWORD" | "$LATCHKEY" user add another --dir "$NEW" >/dev/null
nok 'a name that is taken is refused' take --again <"$TMP/later"
like "$(cat "$TMP/error")" '*name or id is taken*' 'with words'
done_testing
