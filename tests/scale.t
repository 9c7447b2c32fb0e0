#!/bin/sh
# That a refresh costs the same among many sessions, and that abandoned ones go. The short form of
# `make bench-scale`: only what can be counted, at 10^3 and 10^4 sessions.
# needs: strace valgrind node
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: measures
. "$(dirname "$0")/calls.sh"
tmpdir
FILL=$TOP/build/bench/fill
EACH=9

median() { sort -n | awk '{ n[NR] = $1 } END { print n[int((NR + 1) / 2)] }'; }

# refreshes COUNT WRAP: refreshes EACH of the sessions of which there are tokens, and takes up their traces.
refreshed() { # SESSIONS: writes $TMP/SESSIONS.calls, .bytes, .instructions
    sed 1d "$TMP/$1.tokens" | while read -r token; do
        # Without PR_SET_DUMPABLE, the first prctl: after it strace without root's rights could read no path.
        WRAP="$(command -v strace) -f -y -e inject=prctl:retval=0:when=1 -o $TMP/strace"
        verdict_is_200 "$token" || continue
        grep -cE '^[0-9]+ +[a-z0-9_]+\(' "$TMP/strace" >>"$TMP/$1.calls"
        sed -nE 's/^[0-9]+ +p?writev?(64)?2?\([0-9]+<[^>]*latchkey\.db.* = ([0-9]+)$/\2/p' "$TMP/strace" |
            awk '{ n += $1 } END { print n + 0 }' >>"$TMP/$1.bytes"
    done
    sed 1d "$TMP/$1.again" | while read -r token; do
        WRAP="$(command -v valgrind) --tool=callgrind --callgrind-out-file=/dev/null --log-file=$TMP/callgrind"
        verdict_is_200 "$token" || continue
        sed -n 's/.*Collected : //p' "$TMP/callgrind" >>"$TMP/$1.instructions"
    done
}
verdict_is_200() { [ "$(refresh "$1" "$(date +%N)" | verdict)" = 200 ]; }

for count in 1000 10000; do
    data "$TMP/$count"
    "$FILL" rows "$DATA" $count $((EACH * 2)) >"$TMP/$count.rows"
    head -n $((EACH + 1)) "$TMP/$count.rows" >"$TMP/$count.tokens"
    { echo; tail -n $((EACH)) "$TMP/$count.rows"; } >"$TMP/$count.again"
    refreshed $count
    is "$(wc -l <"$TMP/$count.calls") $(wc -l <"$TMP/$count.instructions")" "$EACH $EACH" "$count sessions: any of them can be refreshed"
    ok "$count sessions: the store is whole" verb check
done
for figure in calls bytes instructions; do
    few=$(median <"$TMP/1000.$figure") many=$(median <"$TMP/10000.$figure")
    ok "a refresh: $figure among 10000 sessions are at most 1.3 times those among 1000 ($many, $few)" \
        test "$((many * 10))" -le "$((few * 13))"
done

# --- all of them end, in more than one slice
DATA=$TMP/10000
like "$(verb key rotate --epoch)" '10000 sessions ended, *' '10000 sessions end at once'
is "$(verb session list)" "$(verb session list | head -n 1)" 'none stands'
ok 'the store is whole' verb check

# --- abandoned sessions: 1000 within a refresh_ttl, ten times that in all
data "$TMP/swept" 'access_ttl = 1h'
"$FILL" sweep "$DATA" 1000 >"$TMP/sweep"
most=$(cut -f 1 "$TMP/sweep")
ok "of 10000 sign-ins that nobody uses at most 1300 rows stand at once ($most)" test "$most" -ge 1000 -a "$most" -le 1300
is "$(verb session list --all --json 2>/dev/null | grep -o '"id"' | wc -l)" "$(cut -f 2 "$TMP/sweep")" 'and that many there are'
ok 'the store is whole' verb check

# --- what docs/scaling.md gives a resource server to verify with
awk '/^```js/ { on = 1; next } /^```/ { on = 0 } on' "$TOP/docs/scaling.md" >"$TMP/verify.mjs"
signed_in
verb key export --use access >"$TMP/access.jwk"
node=$("$TOP/tests/client/node.sh") || exit 1
like "$("$node" "$TMP/verify.mjs" "$TMP/access.jwk" "$ACCESS")" "*name: 'demo'*" 'the recipe of docs/scaling.md takes an access token'
for wrong in "${ACCESS%?????}AAAAA" "$TOKEN" "$ACCESS.e30" a.b; do
    nok 'and nothing else' "$node" "$TMP/verify.mjs" "$TMP/access.jwk" "$wrong"
done
verb key export --use refresh >"$TMP/refresh.jwk"
nok 'nor by another key' "$node" "$TMP/verify.mjs" "$TMP/refresh.jwk" "$ACCESS"
done_testing
