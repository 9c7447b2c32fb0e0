#!/bin/sh
# A lost answer: the request sent again with its key gets the same successor, byte for byte, however
# late; without the key it is reuse. Answers are lost by dropping them, by a reader that has gone, and
# by kill -9 between COMMIT and the answer.
# needs: strace
. "$(dirname "$0")/lib.sh"
not_in cross 'strace stops the program at its n-th system call; here they would be qemu'\''s'
not_in cov 'killed processes and failing writes leave no counters behind, or broken ones'
. "$(dirname "$0")/calls.sh"
tmpdir
STRACE=$(command -v strace)
TRACE=$TMP/trace

# past_grace: the grace is 0 seconds of a clock that counts whole ones.
past_grace() { sleep 1.1; }
pair() { printf '%s\n' "$1" | tr '{,' '[\n*]' | grep -E '^"(access|refresh)_token"'; }

data "$TMP/data" 'reuse_grace = 0'

# --- dropped
signed_in
first=$(refresh "$TOKEN" mine)
like "$(pair "$first")" '"access_token":"*"refresh_token":"*' 'a refresh, whose answer is thrown away'
past_grace
again=$(refresh "$TOKEN" mine)
is "$(pair "$again")" "$(pair "$first")" 'again with its key, after the grace: the same pair, byte for byte'
is "$(ask POST /refresh "{\"refresh_token\":\"$TOKEN\"}" HTTP_IDEMPOTENCY_KEY=mine | member refresh_token)" \
    "$(printf '%s' "$first" | member refresh_token)" 'or with its key in the header'
is "$(events refresh)" 1 'nothing was written for that'
next=$(printf '%s' "$first" | member refresh_token)
is "$(refresh "$next" second | verdict)" 200 'the successor is good'

for key in '' another; do
    signed_in
    first=$(refresh "$TOKEN" "$key$key" | member refresh_token)
    past_grace
    is "$(refresh "$TOKEN" "$key" | verdict)" '401 refresh_reused' "again with ${key:-no} key, after the grace: reuse"
    is "$(refresh "$first" | verdict)" '401 session_revoked' 'which ends the session'
done
is "$(verb audit --json | grep -o '"class":"[a-z]*","distance":1' | tr '\n' ' ')" \
    '"class":"late","distance":1 "class":"rival","distance":1 ' 'the trail says of what kind'

# --- two who share a token: the one in another place is written down, and in the third generation in a row it ends
data "$TMP/shared"
turn=0
in_step() { # PEER AGENT: the owner refreshes, and then somebody there, within the grace, without a key; his verdict
    turn=$((turn + 1))
    next=$(refresh "$TOKEN" "owner-$turn" | member refresh_token)
    PEER=$1
    verdict=$(ask POST /refresh "{\"refresh_token\":\"$TOKEN\"}" HTTP_USER_AGENT="$2" | verdict)
    PEER=192.0.2.1 TOKEN=$next
    echo "$verdict"
}
signed_in
for _ in 1 2 3 4; do in_step 192.0.2.99 ''; done >"$TMP/verdicts"
is "$(sort "$TMP/verdicts" | uniq -c | tr -s ' ')" ' 4 200' 'near its owner a token may be shown twice as often as one likes'
is "$(events replay)" 0 'which is no event'
for _ in 1 2 3; do in_step 198.51.100.9 '' >>"$TMP/verdicts"; done
is "$(tail -n 3 "$TMP/verdicts" | paste -sd ,)" '200,200,401 refresh_reused' 'elsewhere: twice, and then the session ends'
is "$(events replay)" 2 'each time was written down'
like "$(verb audit --json | grep '"reuse"')" '*"ip":"198.51.100.9"*"class":"shared"*"distance":1*' 'and why it ended'
signed_in
for _ in 1 2 3; do in_step 192.0.2.1 Thief/1; done >"$TMP/verdicts"
is "$(paste -sd , "$TMP/verdicts")" '200,200,401 refresh_reused' 'another program in the same network is elsewhere too'
DATA=$TMP/data

# --- nobody reads: the answer goes into a pipe whose reader has gone
signed_in
mkfifo "$TMP/nobody"
: <"$TMP/nobody" &
exec 5>"$TMP/nobody"
wait $!
refresh "$TOKEN" mine >&5
exec 5>&-
past_grace
is "$(refresh "$TOKEN" mine | member generation)" 2 'an answer that nobody read is given again'

# --- kill -9 at the write of the answer; a first run shows which write that is
signed_in
WRAP="$STRACE -f -o $TRACE -e trace=write,pwrite64"
TOKEN=$(refresh "$TOKEN" counted | member refresh_token)
is "$(grep -c ' write(1,' "$TRACE")" 1 'an answer is one write'
before=$(awk '/ write\(/ { n++ } / write\(1,/ { print n }' "$TRACE")
committed=$(events refresh)
WRAP="$STRACE -f -o $TRACE -e trace=write,pwrite64 -e inject=write:error=EIO:signal=KILL:when=$before"
is "$(refresh "$TOKEN" killed 2>/dev/null)" '' 'killed between COMMIT and answer: no byte of an answer'
like "$(tail -n 1 "$TRACE")" '*killed by SIGKILL*' 'it was'
WRAP=''
is "$(events refresh)" $((committed + 1)) 'the rotation was committed'
past_grace
answer=$(refresh "$TOKEN" killed)
is "$(printf '%s' "$answer" | verdict) $(printf '%s' "$answer" | member generation)" '200 3' "the client's retry gets its pair"
is "$(events refresh)" $((committed + 1)) 'without another rotation'
is "$(refresh "$(printf '%s' "$answer" | member refresh_token)" next | verdict)" 200 'and goes on'

done_testing
