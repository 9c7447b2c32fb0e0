#!/bin/sh
# The second factor by CGI, with codes that oathtool makes of the secret: set up, signed in with, taken away by its user and by the operator;
# and keys that go: what was wrapped by them goes on.
# needs: oathtool
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/calls.sh"
in_memory
tmpdir
data "$TMP/data"

# with ACCESS PATH BODY
with() { ask POST "$2" "$3" HTTP_AUTHORIZATION="Bearer $1"; }
login_with() { ask POST /login "{\"username\":\"demo\",\"password\":\"$PASSWORD\"${1:+,\"code\":\"$1\"}}"; }
code() { oathtool --totp -b "$SECRET" --now "$(date -u -d "${1:-0} seconds" '+%F %T UTC')"; }
refused_verb() { verb "$@" 2>/dev/null; }
event() { verb audit --json | tr -d '\n' | tr '{' '\n' | sed -n "s/.*\"event\":\"$1\".*\"class\":\"\([a-z]*\)\".*/\1/p" | tail -n 1; }

signed_in
# Of six digits two that are the same come up once in some hundred thousand secrets.
codes_differ() { [ -z "$(for at in -60 -30 0 30 60 90 120 86400; do code $at; done | sort | uniq -d)" ]; }
SECRET=''
until [ -n "$SECRET" ] && codes_differ; do
    answer=$(with "$ACCESS" /totp "{\"password\":\"$PASSWORD\"}")
    SECRET=$(printf '%s' "$answer" | member secret)
done
TICKET=$(printf '%s' "$answer" | member ticket)
RECOVERY=$(printf '%s' "$answer" | sed -n 's/.*"recovery":\[\([^]]*\)\].*/\1/p' | tr -d '"' | tr , ' ')
is "$(printf '%s' "$RECOVERY" | wc -w)" 10 'ten recovery codes'
# Another day's, as its code of six digits may be one of today's.
good=" $(for at in -60 -30 0 30 60; do code $at; done | tr '\n' ' ')" day=1
is_good() { case $good in *" $1 "*) ;; *) return 1 ;; esac; }
while is_good "$(code $((day * 86400)))"; do day=$((day + 1)); done
is "$(with "$ACCESS" /totp/confirm "{\"ticket\":\"$TICKET\",\"code\":\"$(code $((day * 86400)))\"}" | verdict)" '401 invalid_credentials' "tomorrow's code doesn't set it up"
# The code of the step before: so the present one and the next are left for the sign-ins, whatever second it is.
is "$(with "$ACCESS" /totp/confirm "{\"ticket\":\"$TICKET\",\"code\":\"$(code -15)\"}" | verdict)" 204 "a code of oathtool's does"
is "$(login_with '' | verdict)" '401 code_required' 'from now on the password is not enough'
used=$(code 15)
is "$(login_with "$used" | verdict)" 200 'with a code it is'
is "$(login_with "$used" | verdict)" '401 invalid_credentials' 'which counts once'
is "$(event login_failed)" factor 'and the trail knows that it was the code'
# shellcheck disable=SC2086  # a list of words
set -- $RECOVERY
is "$(login_with "$1" | verdict)" 200 'a recovery code'
is "$(login_with "$1" | verdict)" '401 invalid_credentials' 'counts once, too'
in_the_store() {
    if [ "$LK_B" = pg ]; then
        psql -qAtX -h "$LK_BUILD/cluster" -U latchkey -c "SELECT name, encode(factor, 'escape') FROM users" "$(cat "$DATA/latchkey.pgdb")"
    else
        strings -a "$DATA"/latchkey.db*
    fi
}
is "$(in_the_store | grep -c "$SECRET"), $(in_the_store | grep -q demo && echo demo)" '0, demo' 'the secret is not in the database, which has its user'

# --- at the same moment: of several requests with one code one gets in, of those with different ones each does
at_once() { # CODE...
    rm -f "$TMP"/once.*
    for one; do
        login_with "$one" | verdict >"$TMP/once.$(printf '%s' "$one" | tr -d -)" &
        login_with "$one" | verdict >"$TMP/once.$(printf '%s' "$one" | tr -d -).again" &
    done
    wait
    # On a slow machine none is answered before the last one comes, which is then one failed try too many: 429.
    sed -E 's/^(401 invalid_credentials|429 rate_limited)/refused/' "$TMP"/once.* | sort | uniq -c | tr -s ' \n' ' '
}
is "$(at_once "$2" "$3")" ' 2 200 2 refused ' 'two codes, each twice at once: each gets in once'
rm -f "$DATA/throttle"

# --- keys that go
old=$(cut -d ' ' -f 1 "$DATA/latchkey.key")
verb key rotate >/dev/null
is "$(login_with "$4" | verdict)" 200 'another key signs'
verb key retire "$old" >"$TMP/out" 2>&1
is "$(cat "$TMP/out")" "tokens signed with it are refused from now on; signing with key $(cut -d ' ' -f 1 "$DATA/latchkey.key")" 'the old one is retired'
is "$(login_with "$5" | verdict)" 200 'and the factor is as before'
cp "$DATA/latchkey.key" "$TMP/key"
verb key rotate --epoch >"$TMP/out" 2>&1
like "$(cat "$TMP/out")" '*whoever has an old key and a copy of the database knows the second factors of these users*: demo*' 'a new epoch says whose secrets a thief may know'
is "$(login_with "$6" | verdict)" 200 'and the factor is as before'
is "$(login_with "$6" | verdict)" '401 invalid_credentials' 'with all that was spent'

# --- a key that is lost
cp "$DATA/latchkey.key" "$TMP/new"
cp "$TMP/key" "$DATA/latchkey.key"
is "$(login_with "$7" 2>"$TMP/log" | verdict)" '503 store_unavailable' 'control: a factor that no key opens is trouble, and not none'
like "$(cat "$TMP/log")" '*TP1: no key of latchkey.key opens the second factor of user *latchkey user totp NAME off*' 'and the log says what to do'
verb key rotate --epoch >"$TMP/out" 2>&1
like "$(cat "$TMP/out")" "*no key opens the second factors of these users, who can't sign in until latchkey user totp NAME off: demo*" 'as does a new epoch'
cp "$TMP/new" "$DATA/latchkey.key"
is "$(login_with "$7" | verdict)" 200 'with the key it is there again'

# --- into another store
into() { # DIR: what comes on stdin
    lk_init "$1"
    cp "$DATA/latchkey.key" "$DATA/latchkey.conf" "$1/"
    "$LATCHKEY" migrate in --dir "$1" 2>"$TMP/out"
}
verb migrate out >"$TMP/stream"
into "$TMP/other" <"$TMP/stream"
is "$(DATA=$TMP/other login_with '' | verdict)" '401 code_required' 'migrate takes the factor along'
is "$(DATA=$TMP/other login_with "$1" | verdict)" '401 invalid_credentials' 'with what was spent'
is "$(DATA=$TMP/other login_with "${10}" | verdict)" 200 'and what was not'
sed '/"record":"user"/s/,"factor":"[0-9a-f]*","keys":"[0-9a-f]*"//' "$TMP/stream" | into "$TMP/earlier"
is "$(DATA=$TMP/earlier login_with '' | verdict)" 200 'control: a stream of an earlier version has none'

# --- away
signed=$(login_with "$8" | member access_token)
is "$(with "$signed" /totp/off "{\"password\":\"$PASSWORD\"}" | verdict)" '401 code_required' 'who takes it away shows it'
is "$(with "$signed" /totp/off "{\"password\":\"$PASSWORD\",\"code\":\"${9}\"}" | verdict)" 204 'and it is gone'
is "$(login_with '' | verdict)" 200 'the password is enough again'
nok 'the operator finds none' refused_verb user totp demo off
answer=$(with "$signed" /totp "{\"password\":\"$PASSWORD\"}")
SECRET=$(printf '%s' "$answer" | member secret)
is "$(with "$signed" /totp/confirm "{\"ticket\":\"$(printf '%s' "$answer" | member ticket)\",\"code\":\"$(code)\"}" | verdict)" 204 'another one'
nok 'which no operator can turn on' refused_verb user totp demo on
nok 'nor off for nobody' refused_verb user totp nobody off
is "$(verb user totp demo off)" 'the password alone signs in user demo' 'but off for who has lost it'
is "$(login_with '' | verdict)" 200 'who signs in'
is "$(verb audit --json | grep -c totp_off)" 2 'both are in the trail'

# --- who must have one
echo 'factor_groups = staff,admins' >>"$DATA/latchkey.conf"
verb user set demo groups users,admins >"$TMP/out"
is "$(login_with '' | verdict)" '403 factor_required' 'who is in such a group does not get in without'
verb user set demo groups users >"$TMP/out"
is "$(login_with '' | verdict)" 200 'others do'
done_testing
