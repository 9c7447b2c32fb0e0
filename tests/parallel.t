#!/bin/sh
# Many at once: the same token from many places, writers beside readers, sessions beside one another.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/calls.sh"
tmpdir

# wait_for PIDS: those, and not what `start` runs.
wait_for() { for pid in $1; do wait "$pid"; done; }

# storm COUNT KEY: COUNT refreshes with $TOKEN at once, answers in $TMP/answer.*; KEY is one for all,
# none, or `own` for a different one each.
storm() {
    rm -f "$TMP"/answer.*
    pids='' n=0
    while [ "$n" -lt "$1" ]; do
        n=$((n + 1))
        key=$2
        [ "$2" != own ] || key=own-$n
        refresh "$TOKEN" "$key" >"$TMP/answer.$n" 2>"$TMP/log.$n" &
        pids="$pids $!"
    done
    wait_for "$pids"
}
answers() { # READER...: what it reads from each answer, sorted, with counts
    for file in "$TMP"/answer.*; do "$@" <"$file"; done | sort | uniq -c | awk '{ $1 = $1; print }'
}
generation() { verb session list --json | member generation; }

# count  key
while read -r count key; do
    what="$count at once, key ${key:-none}"
    # A machine that is slow today must not make reuse of what is sent without a key.
    data "$TMP/storm-$count-$key" 'reuse_grace = 10m'
    signed_in
    first=$TOKEN
    storm "$count" "$key"
    is "$(answers verdict)" "$count 200" "$what: all are answered"
    is "$(answers member refresh_token | awk '{ print $1 }')" "$count" "$what: with one and the same refresh token"
    is "$(answers member access_token | awk '{ print $1 }')" "$count" "$what: and one access token"
    is "$(generation) $(events refresh)" '2 1' "$what: one rotation was done"

    TOKEN=$(member refresh_token <"$TMP/answer.1")
    answer=$(refresh "$TOKEN" next)
    is "$(printf '%s' "$answer" | verdict) $(printf '%s' "$answer" | member generation)" '200 3' "$what: the session goes on"
    newest=$(printf '%s' "$answer" | member refresh_token)
    is "$(refresh "$first" "$key" | verdict)" '401 refresh_reused' "$what: the token two generations old is reuse"
    is "$(refresh "$newest" | verdict)" '401 session_revoked' "$what: which ends the session"
    like "$(verb audit --json)" '*"event":"reuse"*"class":"old","distance":2*' "$what: and is written down"
    ok "$what: the store is whole" verb check
done <<END
10
10 one
10 own
64
64 one
END

# chain NAME TURNS: a session of its own, refreshed TURNS times; a status per line in $TMP/NAME.
# What was busy is asked again, as the contract says.
chain() {
    token=$2 turn=0
    : >"$TMP/$1"
    while [ "$turn" -lt "$3" ]; do
        refresh "$token" "turn-$turn" >"$TMP/$1.answer" 2>>"$TMP/$1.log"
        verdict <"$TMP/$1.answer" >>"$TMP/$1"
        case $(status <"$TMP/$1.answer") in
        200) token=$(member refresh_token <"$TMP/$1.answer") turn=$((turn + 1)) ;;
        503) ;;
        *) return ;;
        esac
    done
}
look() { # NAME TURNS: me, over and over
    turn=0
    : >"$TMP/$1"
    while [ "$turn" -lt "$2" ]; do
        with_token "$ACCESS" GET /me 2>>"$TMP/$1.log" | verdict >>"$TMP/$1"
        turn=$((turn + 1))
    done
}
tally() { cat "$TMP"/"$1".[0-9] "$TMP"/"$1".[0-9][0-9] 2>/dev/null | grep -v '^503 busy$' | sort | uniq -c | awk '{ $1 = $1; print }'; }

data "$TMP/mixed"
signed_in
pids=''
for n in 1 2; do
    PEER=192.0.2.$n signed_in
    chain "writer.$n" "$TOKEN" 60 &
    pids="$pids $!"
done
for n in 1 2 3 4 5 6 7 8 9 10; do
    look "reader.$n" 20 &
    pids="$pids $!"
done
wait_for "$pids"
is "$(tally writer)" '120 200' 'two writers beside ten readers: each refresh is done'
is "$(tally reader)" '200 200' 'and each reader is answered'
is "$(events refresh)" 120 'no rotation is lost or done twice'

data "$TMP/sessions"
pids=''
for n in 1 2 3 4 5 6 7 8; do
    PEER=192.0.2.$n signed_in
    chain "session.$n" "$TOKEN" 30 &
    pids="$pids $!"
done
wait_for "$pids"
is "$(tally session)" '240 200' 'eight sessions at once: never worse than busy'
is "$(verb session list --json | grep -c '"generation":31')" 8 'each has come as far as it was refreshed'
ok 'the store is whole' verb check
ok 'its log is short' test "$(wc -c <"$DATA/latchkey.db-wal")" -lt 262144

done_testing
