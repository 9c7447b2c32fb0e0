#!/bin/sh
# latchkey audit --follow --exec: a program of the operator's gets each new event once, in order, as JSON on its standard input; one that fails, ends
# by a signal or hangs is told of and costs no event.
# needs: python3 strace
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/calls.sh"
tmpdir
data "$TMP/data"
mkdir "$TMP/seen"

# It does what the event's user is called: the other users' events it only writes down.
# What the kernel can't run, though it may be executed.
printf 'no program' >"$TMP/strange"
chmod 755 "$TMP/strange"
cat >"$TMP/program" <<END
#!/bin/sh
read -r event
printf '%s\n' "\$event" >>"$TMP/seen/all"
read -r more && echo more >>"$TMP/seen/more"
[ \$# -eq 0 ] || echo arguments >>"$TMP/seen/more"
case \$event in
*'"username":"fails"'*) exit 3 ;;
*'"username":"signal"'*) kill -9 \$\$ ;;
*'"username":"hangs"'*)
    sleep 1000 &
    echo \$! >"$TMP/seen/left"
    wait ;;
esac
END
chmod 755 "$TMP/program"
add() { printf '%s\n' "$PASSWORD" | verb user add "$1" >/dev/null; }
seen() { [ "$( { wc -l <"$TMP/seen/all"; } 2>/dev/null || echo 0)" -ge "$1" ]; }
following() { # ARGUMENT...
    "$LATCHKEY" audit --follow --dir "$DATA" "$@" >"$TMP/out" 2>"$TMP/log" &
    follower=$!
}

# --- words
while IFS='|' read -r words code said; do
    # shellcheck disable=SC2086  # words
    "$LATCHKEY" audit $words --dir "$DATA" >"$TMP/out" 2>&1
    is $? "$code" "audit $words: exit code $code"
    like "$(cat "$TMP/out")" "*$said*" 'with the reason'
done <<END
--exec $TMP/program|100|--exec goes with --follow
--follow --exec program|100|the whole path of a program
--follow --exec $TMP/nothing|100|the whole path of a program
--follow --exec $TMP/program.txt|100|the whole path of a program
--follow --exec|100|--exec
END

# --- all since an hour ago, and what comes then
following --exec "$TMP/program" --since 1h
eventually seen 1
for name in one fails two signal three; do add "$name"; done
eventually seen 6
is "$(python3 -c 'import json, sys
print(" ".join(e["event"] + ":" + e["username"] for e in map(json.loads, open(sys.argv[1]))))' "$TMP/seen/all")" \
    'user_added:demo user_added:one user_added:fails user_added:two user_added:signal user_added:three' 'each event once, in its order'
nok 'a line and no argument, and then the end' test -e "$TMP/seen/more"
eventually grep -q 'signal 9' "$TMP/log"
is "$(sed "s|$TMP|TMP|" "$TMP/log")" 'latchkey: audit: TMP/program ended with 3
latchkey: audit: TMP/program ended by signal 9' 'what went wrong is logged'
is "$(wc -c <"$TMP/out")" 0 'nothing is printed'
kill "$follower"
wait "$follower" 2>/dev/null
is $? 0 'SIGTERM ends it'

# --- without --since only what is new; one that hangs is killed with what it started, and the store is free meanwhile
rm "$TMP/seen/all"
following --exec "$TMP/program"
tries=0
until [ -e "$TMP/seen/all" ] || [ $tries -ge 200 ]; do
    tries=$((tries + 1))
    add "new$tries"
    sleep 0.3
done
is "$(python3 -c 'import json, sys; print(json.loads(open(sys.argv[1]).readline())["username"][:3])' "$TMP/seen/all")" new 'none of the old events'
add hangs
eventually test -s "$TMP/seen/left"
add after
pass 'another verb has its turn while the program hangs'
eventually grep -q 'was killed: it ran for over 10 s' "$TMP/log" || eventually grep -q 'was killed' "$TMP/log"
like "$(tail -n 1 "$TMP/log")" "*$TMP/program was killed: it ran for over 10 s" 'it is killed'
eventually grep -q '"username":"after"' "$TMP/seen/all"
is "$(grep -c '"username":"hangs"' "$TMP/seen/all") $(grep -c '"username":"after"' "$TMP/seen/all")" '1 1' 'and the next event has its turn'
gone() { ! runs "$(cat "$TMP/seen/left")"; }
ok 'what it started is gone too' eventually gone
kill "$follower"
wait "$follower" 2>/dev/null

following --exec "$TMP/strange" --since 1h
eventually grep -q 'ended with 127' "$TMP/log"
like "$(head -n 1 "$TMP/log")" "latchkey: audit: cannot run $TMP/strange: Exec format error" 'a program that the kernel does not run is named'
kill "$follower"
wait "$follower" 2>/dev/null

# --- an event that no program could be run for is told, and the next one is run for
rm -f "$TMP/seen/all"
strace -o "$TMP/trace" -e trace=pipe2 -e inject=pipe2:error=EMFILE:when=1 "$LATCHKEY" audit --follow --exec "$TMP/program" --since 1h \
    --dir "$DATA" >"$TMP/out" 2>"$TMP/log" &
follower=$!
eventually seen 1
is "$(head -n 1 "$TMP/log" | sed 's/: [^:]*$//') $(grep -c '"username":"demo"' "$TMP/seen/all")" "latchkey: audit: cannot run $TMP/program 0" \
    'no descriptor left: the first event is told of'
like "$(head -n 1 "$TMP/seen/all")" '*"username":"one"*' 'and the second is handed over'
kill "$(children_of "$follower" | cut -d ' ' -f 1)"
kill "$follower" 2>/dev/null
wait "$follower" 2>/dev/null

# --- of a trail without any event the first, and none that is older than --since
rm -f "$TMP/seen/all"
data "$TMP/empty"
/usr/bin/python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("DELETE FROM audit")
db.commit()' "$DATA/latchkey.db"
following --exec "$TMP/program"
sleep 0.3
until seen 1; do add "first$((tries += 1))"; sleep 0.3; done
like "$(head -n 1 "$TMP/seen/all")" '*"username":"first*' 'the first event of all is handed over'
kill "$follower"
wait "$follower" 2>/dev/null
/usr/bin/python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("UPDATE audit SET time = time - 7200")
db.commit()' "$DATA/latchkey.db"
rm -f "$TMP/seen/all"
add young
following --exec "$TMP/program" --since 1h
eventually seen 1
is "$(grep -c . "$TMP/seen/all") $(grep -c '"username":"young"' "$TMP/seen/all")" '1 1' 'with --since nothing that is older'
kill "$follower"
wait "$follower" 2>/dev/null
done_testing
