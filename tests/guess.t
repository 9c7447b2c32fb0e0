#!/bin/sh
# "Guessing passwords is throttled, signing in with the right one isn't denied for long": many processes at once, each
# a guess, from many networks at one account and from one network at many. Counted is how many passwords were looked at.
# What a day of it comes to is in throttle_test.c, on a clock of its own. TORTURE=1: ten times as many.
# needs: curl
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/calls.sh"
# Each guess that is looked at is a line of the audit trail, and sync: a slow disk would be what throttles.
in_memory
tmpdir
AT_ONCE=16 GUESSES=160
case $LK_B in cross/*) AT_ONCE=4 ;; esac
[ "${TORTURE-0}" != 1 ] || GUESSES=2000
points=0
# Who waits for one of two slots may be told `busy` as well, which is another test's.
SLOTS='password_jobs = 16'

# one PEER ACCOUNT PASSWORD: its verdict. Who waited five seconds for his turn, on a slow machine, tries again.
one() {
    PEER=$1
    while said=$(ask POST /login "{\"username\":\"$2\",\"password\":\"$3\"}" 2>/dev/null | verdict) && [ "$said" = '503 busy' ]; do
        busy_again=$((${busy_again-0} + 1))
        [ "$busy_again" -lt 20 ] || break
    done
    echo "$said"
}
# storm FILE: lines "peer account", AT_ONCE processes at a time; verdicts in $TMP/said, sorted and counted in $SAID
storm() {
    : >"$TMP/said"
    pids='' running=0
    while read -r peer account; do
        one "$peer" "$account" "guess-$running" >>"$TMP/said" &
        pids="$pids $!" running=$((running + 1))
        [ $((running % AT_ONCE)) -ne 0 ] || { for pid in $pids; do wait "$pid"; done; pids=''; }
    done <"$1"
    for pid in $pids; do wait "$pid"; done
    points=$((points + running))
    SAID=$(sort "$TMP/said" | uniq -c | awk '{ $1 = $1; print }' | paste -sd ',' -)
    looked_at=$(grep -c '^401' "$TMP/said")
    diag "$SAID"
}
networks() { seq "$1" | awk '{ printf "2001:db8:%x::%x demo\n", $1, $1 }'; }

# --- one account, from as many networks as there are guesses
data "$TMP/account" "$SLOTS"
HOME_NETWORK=198.51.100.7
verb user rename demo early >/dev/null
is "$(one "$HOME_NETWORK" early "$PASSWORD")" 200 'its owner signs in at home'
TOKEN=$(PEER=$HOME_NETWORK ask POST /login "{\"username\":\"early\",\"password\":\"$PASSWORD\"}" | member refresh_token)
ok 'and has another name from then on' verb user rename early demo
networks "$GUESSES" >"$TMP/peers"
storm "$TMP/peers"
ok "of $GUESSES guesses at most 100 and those under way are looked at ($looked_at)" test "$looked_at" -le $((100 + AT_ONCE))
ok 'all of those, at least' test "$looked_at" -ge 100
is "$(cut -d ' ' -f 2- "$TMP/said" | sort -u | paste -sd ' ' -)" 'invalid_credentials rate_limited' 'the others are told to wait, and nothing else happens'
is "$(one "$HOME_NETWORK" demo "$PASSWORD")" 200 'meanwhile its owner signs in at home'
is "$(refresh "$TOKEN" | verdict)" 200 'and a session is refreshed'
networks 32 | sed 's/:db8:/:db9:/' >"$TMP/peers"
storm "$TMP/peers"
# A wait of 2 seconds, then 4, 8, 16: on a slow machine some are over in that time.
ok "of 32 processes of other networks none is let through before its time ($looked_at)" test "$looked_at" -le 5
# Where his wait is over he signs in, which ends the count.
answer=$(PEER=203.0.113.99 ask POST /login "{\"username\":\"demo\",\"password\":\"$PASSWORD\"}" 2>/dev/null | tr -d '\r')
wait=$(printf '%s\n' "$answer" | sed -n 's/^Retry-After: //p')
case "$(printf '%s\n' "$answer" | verdict) ${wait:-0}" in
'429 rate_limited '*) ok "in a network that is new to him he waits, no longer than a quarter of an hour ($wait s)" test "$wait" -ge 1 -a "$wait" -le 900 ;;
*) is "$(printf '%s\n' "$answer" | verdict)" 200 'in a network that is new to him he need not wait any more' ;;
esac
is "$(one 203.0.113.98 other "$PASSWORD")" '401 invalid_credentials' 'another account is not held up'

# --- many accounts, from one network, or what counts as one
data "$TMP/network" "$SLOTS"
uptime() { cut -d. -f1 /proc/uptime; }
for peers in 192.0.2.9 '2001:db8:1:2::'; do
    seq 60 | awk -v peer="$peers" '{ print (peer ~ /:/ ? peer $1 : peer), "user" $1 }' >"$TMP/peers"
    began=$(uptime)
    storm "$TMP/peers"
    most=$((5 + ($(uptime) - began) / 6 + 1))
    ok "$peers: of 60 accounts at most $most are tried ($looked_at)" test "$looked_at" -le "$most"
    ok "$peers: five at once" test "$looked_at" -ge 5
done
is "$(one 192.0.2.10 demo "$PASSWORD")" 200 'who is elsewhere signs in'
t_tries=0
while [ "$t_tries" -lt 20 ]; do
    t_tries=$((t_tries + 1))
    one 192.0.2.11 demo "$PASSWORD"
done >"$TMP/said"
is "$(sort "$TMP/said" | uniq -c | awk '{ print $1, $2 }')" '20 200' 'and as often as he likes'

# --- a listener that is started anew forgets nothing
data "$TMP/again"
HOME_NETWORK=127.0.0.1
served() { # PASSWORD: by a listener of its own
    port=$(free_port)
    LATCHKEY_DIR=$DATA start listener "$LATCHKEY" serve "127.0.0.1:$port"
    wait_port "$port"
    curl -s -m 20 -o /dev/null -w '%{http_code}\n' "http://127.0.0.1:$port/api/auth/login" -H 'Content-Type: application/json' \
        -d "{\"username\":\"demo\",\"password\":\"$1\"}"
    stop listener
}
began=$(uptime)
for guess in 1 2 3 4 5 6 7 8; do served "guess-$guess"; done >"$TMP/said"
most=$((5 + ($(uptime) - began) / 6 + 1))
ok "guesses at eight listeners, one after another, are one count: at most $most" test "$(grep -c 401 "$TMP/said")" -le "$most"
is "$(grep -cvE '^(401|429)$' "$TMP/said")" 0 'the others have to wait'

# --- a sign-in that failed by our own fault isn't counted: the database is gone, or nobody can have a turn
data "$TMP/outage" "$SLOTS"
[ "$LK_B" = pg ] && parts=latchkey.pgdb || parts="latchkey.db latchkey.lock"
for away in $parts; do
    mv "$DATA/$away" "$TMP/away"
    [ "$away" != latchkey.lock ] || mkdir "$DATA/$away"
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do login 2>/dev/null | verdict; done >"$TMP/said"
    [ "$away" != latchkey.lock ] || rmdir "$DATA/$away"
    mv "$TMP/away" "$DATA/$away"
    is "$(sort -u "$TMP/said")" '503 store_unavailable' "twelve sign-ins without $away"
    is "$(login | verdict)" 200 'count for nothing: the next one is let in'
done

# --- control: without its table nothing is throttled, and the counts above would show it
data "$TMP/open" "$SLOTS"
mkdir "$DATA/throttle"
networks "$GUESSES" >"$TMP/peers"
storm "$TMP/peers"
is "$looked_at" "$GUESSES" "control: without a table all $GUESSES guesses are looked at"

promise guess "$points" "$t_failed" "no throttle table: all $GUESSES guesses looked at"
done_testing
