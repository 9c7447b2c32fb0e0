#!/bin/sh
# What an operator does on a bad day: `backup` while requests go on and the way back, `key rotate
# --epoch`, `check --repair`. Each with what it must refuse, and a control that the test must notice.
# needs: strace python3
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/calls.sh"
tmpdir
export TMPDIR="$TMP"

# sql STATEMENT...: by somebody else's SQLite, on $DATA, nobody else at work; prints the rows of the last.
sql() {
    /usr/bin/python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
for text in sys.argv[2:]:
    rows = db.execute(text).fetchall()
db.commit()
db.close()
print(*(" ".join(map(str, row)) for row in rows), sep="\n")' "$DATA/latchkey.db" "$@"
}
# refreshed COUNT: $TOKEN, so often; $TOKEN is the newest then, $ANSWER the last answer.
refreshed() {
    r_turn=0
    while [ "$r_turn" -lt "$1" ]; do
        r_turn=$((r_turn + 1))
        ANSWER=$(refresh "$TOKEN" "turn-$r_turn" 2>"$TMP/log")
        TOKEN=$(printf '%s' "$ANSWER" | member refresh_token)
    done
}
# exits CODE NAME COMMAND...: its exit code; what it printed is in $OUT.
exits() {
    x_want=$1 x_name=$2
    shift 2
    OUT=$("$@" 2>&1)
    is $? "$x_want" "$x_name" || diag "$OUT"
}

# --- the copy, and the way back
data "$TMP/data"
SOURCE=$DATA token_7='' token_8=''
# More than one piece of a copy: 300 users.
sql "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
    INSERT INTO user(id, name, password, subscription, created_at, disabled) SELECT 1000000 + i, 'user' || i, hex(randomblob(200)), '', 1, 0 FROM n" >/dev/null
for n in 1 2 3 4 5 6 7 8; do
    PEER=192.0.2.$n signed_in
    eval "token_$n=\$TOKEN access_$n=\$ACCESS"
done
exits 0 'backup' verb backup "$TMP/copy"
is "$OUT" 'copied the database; the keys are not in it: keep latchkey.key elsewhere' 'says what is not in it'
is "$(stat -c '%a %h' "$TMP/copy")" '600 1' 'for its owner alone'
is "$(stat -c %s "$TMP/copy")" "$(stat -c %s "$DATA/latchkey.db")" 'of the size of the database'
key=$(cut -d' ' -f3 "$DATA/latchkey.key")
is "$(grep -ciF "$key" "$TMP/copy")" 0 'no key in it'
before=$(sha256sum <"$TMP/copy")
exits 1 'a file that is there' verb backup "$TMP/copy"
like "$OUT" '*File exists*' 'is refused'
is "$(sha256sum <"$TMP/copy")" "$before" 'and not touched'
ln -s nowhere "$TMP/link"
exits 1 'so is a link' verb backup "$TMP/link"
exits 111 'a directory that is not there' verb backup "$TMP/no/such/file"
exits 111 'no data directory' "$LATCHKEY" backup "$TMP/new" --dir "$TMP/nothing"
exits 100 'no file' verb backup
nok 'nothing is left of those' test -e "$TMP/new"

# What happens behind the copy: some sessions go on, one is revoked.
for n in 1 2 3 4 5 6; do
    eval "TOKEN=\$token_$n"
    refreshed "$((n - 1))"
    eval "token_$n=\$TOKEN"
done
TOKEN=$token_7
ask POST /logout "{\"refresh_token\":\"$TOKEN\"}" >/dev/null
is "$(refresh "$TOKEN" | verdict)" '401 session_revoked' 'signed out after the copy was made'

restored() { # DIR [KEY-FILE]: the copy there, with the keys
    DATA=$1
    mkdir -m 700 "$DATA"
    cp "$TMP/copy" "$DATA/latchkey.db"
    cp "$SOURCE/latchkey.conf" "$DATA"
    sed -i "s|^throttle_dir.*|throttle_dir = $DATA|" "$DATA/latchkey.conf"
    cp "${2:-$SOURCE/latchkey.key}" "$DATA/latchkey.key"
}
in_again() { # how many of the sessions 1 to 6 and 8 can refresh
    count=0
    for n in 1 2 3 4 5 6 8; do
        eval "TOKEN=\$token_$n"
        [ "$(refresh "$TOKEN" again 2>/dev/null | status)" != 200 ] || count=$((count + 1))
    done
    echo "$count"
}
restored "$TMP/restored"
exits 0 'the copy is a database as it stands' verb check
is "$(in_again)" 7 'nobody is signed out whose session it knows, however old it is'
is "$(events rollforward)" 5 'who was ahead of it carried it forward'
is "$(refresh "$token_7" | status)" 200 'what was signed out after it stands again: the manual says so'
verb key rotate --epoch >/dev/null
is "$(refresh "$token_7" | verdict)" '401 refresh_invalid' 'and says how to end it'
"$LATCHKEY" init --dir "$TMP/other" >/dev/null
restored "$TMP/strange" "$TMP/other/latchkey.key"
is "$(in_again)" 0 'control: with other keys all are signed out, and the count shows it'

# --- a name that may be gone after a power cut is no copy: the parent syncs the directory, its child the file
DATA=$SOURCE
# Not in a jail of sandbox.t: strace makes a call fail by another number, for which the jail kills.
if [ -z "${LK_JAILED-}" ]; then
    exits 111 'a copy whose name cannot be made to last' strace -o "$TMP/trace" -e trace=fsync -e inject=fsync:error=EIO \
        "$LATCHKEY" backup "$TMP/unsure" --dir "$DATA"
    like "$OUT" "*latchkey: BU4: cannot make the copy's name last: *" 'is told'
    nok 'and taken away' test -e "$TMP/unsure"
fi

# --- while it is at work: stopped where all but the first piece is written
DATA=$SOURCE
TOKEN=$token_8
# SQLite makes no fsync(2) here, fdatasync alone; the copy's first is behind all pieces but the first one.
stopped() { # NAME FILE: its processes wait in the middle of the copy; $child is the one that copies
    start "$1" strace -f -qq -o "$TMP/$1.trace" -e trace=fsync -e inject=fsync:signal=STOP:when=1 \
        "$LATCHKEY" backup "$2" --dir "$DATA"
    eventually grep -q 'stopped by SIGSTOP' "$TMP/$1.trace"
    child=$(sed -n 's/^\([0-9]*\) .*stopped by SIGSTOP.*/\1/p' "$TMP/$1.trace" | head -n 1)
}
# goes_on NAME: it and its parent, which syncs the directory and is stopped there as well.
goes_on() {
    g_pid='' g_tries=0
    eval "g_pid=\$${1}_pid"
    while grep -q '^State:[^Z]*$' "/proc/$g_pid/status" 2>/dev/null && [ $((g_tries += 1)) -lt 600 ]; do
        # shellcheck disable=SC2046  # words
        kill -CONT $(sed -n 's/^\([0-9]*\) .*stopped by SIGSTOP.*/\1/p' "$TMP/$1.trace" | sort -u) 2>/dev/null
        sleep 0.05
    done
}
ended() { # NAME: $STATUS
    e_pid=''
    eval "e_pid=\$${1}_pid"
    wait "$e_pid"
    STATUS=$?
    t_pids=$(printf ' %s ' "$t_pids" | sed "s/ $e_pid / /")
}
refreshed 7
stopped busy "$TMP/copy2"
modified=$(stat -c '%Y %s' "$DATA/latchkey.db")
generation=$(printf '%s' "$ANSWER" | member generation)
refreshed 100
is "$(printf '%s' "$ANSWER" | verdict) $(printf '%s' "$ANSWER" | member generation)" "200 $((generation + 100))" \
    'a hundred refreshes while a copy is made'
PEER=192.0.2.77 signed_in
isnt "$TOKEN" '' 'and a sign-in'
is "$(stat -c '%Y %s' "$DATA/latchkey.db")" "$modified" 'the database stands still'
ok 'they are in the log, which is not emptied' test "$(stat -c %s "$DATA/latchkey.db-wal")" -gt 80000
exits 1 'a second backup at the same time' verb backup "$TMP/copy3"
like "$OUT" '*another backup is at work*' 'is refused'
nok 'and leaves nothing' test -e "$TMP/copy3"
exits 1 'nor does one to a pipe begin' verb backup -
like "$OUT" '*another backup is at work*' 'with the reason'
exits 111 'and nothing is restored meanwhile' verb restore "$TMP/copy"
like "$OUT" '*a backup is at work; try again*' 'with the reason'
ok 'the copy goes on until now' runs "$child"
is "$(od -An -tx1 -N 512 "$TMP/copy2" | tr -d ' \n0*')" '' 'as long as it is not whole it does not begin as a database'
goes_on busy
ended busy
is "$STATUS" 0 'then it is whole'
refreshed 3
ok 'and the log is emptied by the next refreshes' test "$(stat -c %s "$DATA/latchkey.db-wal")" -lt 70000
rm -f "$TMP/copy"
mv "$TMP/copy2" "$TMP/copy"
restored "$TMP/whole"
exits 0 'what was copied meanwhile is consistent' verb check
is "$(verb session list --json | grep -c "\"generation\":$generation,")" 1 'and of the time when it began'

# --- cut short, or in the way of others
DATA=$SOURCE
stopped cut "$TMP/cut"
parent=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$child/status")
kill -KILL "$parent" "$child"
stop cut
ok 'killed in the middle' test -s "$TMP/cut"
mkdir -m 700 "$TMP/halves"
cp "$TMP/cut" "$TMP/halves/latchkey.db"
cp "$DATA/latchkey.key" "$TMP/halves"
exits 1 'half a copy is not taken for a whole one' "$LATCHKEY" check --dir "$TMP/halves"
like "$OUT" '*fail *database*' 'by nobody'
cp "$TMP/copy" "$TMP/halves/latchkey.db"
dd if=/dev/zero of="$TMP/halves/latchkey.db" bs=65536 seek=1 count=1 conv=notrunc status=none
like "$("$LATCHKEY" check --dir "$TMP/halves" 2>&1)" '*ok  *database*fail *integrity*' 'control: with its first piece in place it would be'
stopped long "$TMP/long"
/usr/bin/python3 -c 'import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("PRAGMA wal_autocheckpoint=0")
db.execute("CREATE TABLE filler(t)")
db.execute("INSERT INTO filler VALUES(zeroblob(9000000))")
db.commit()
os._exit(0)' "$DATA/latchkey.db"
refreshed 1
goes_on long
ended long
is "$STATUS" 1 'a log of 8 MiB is emptied, whoever copies'
like "$(cat "$TMP/long.log")" '*was changed while it was copied; try again*' 'which is told'
nok 'and leaves no file' test -e "$TMP/long"
exits 0 'tried again' verb backup "$TMP/long"
for fault in write:error=ENOSPC fsync:error=EIO fsync:signal=KILL fsync:signal=KILL:when=2; do
    exits 111 "a copy that fails by $fault" strace -f -qq -o /dev/null -e "inject=$fault" "$LATCHKEY" backup "$TMP/failed" --dir "$DATA"
    nok 'leaves no file' test -e "$TMP/failed"
done
is "$(refresh "$TOKEN" | status)" 200 'and nothing in the way of requests'
if [ "$(id -u)" -eq 0 ]; then
    chmod 711 "$TMP"
    chown -R 65534:65534 "$DATA"
    mkdir -m 700 "$TMP/roots"
    exits 0 'root, of a directory that is not its own' verb backup "$TMP/roots/copy"
    is "$(stat -c '%u %a' "$TMP/roots/copy") $(find "$DATA" -user 0 | wc -l)" '0 600 0' 'keeps the copy, and leaves no file of its own there'
fi

# --- an end to everything
data "$TMP/epoch"
for n in 1 2 3; do
    PEER=192.0.2.$n signed_in
    eval "token_$n=\$TOKEN access_$n=\$ACCESS"
done
verb key rotate >/dev/null
TOKEN=$token_3
refreshed 2
token_3=$TOKEN
valid() { # how many of the six are good
    count=0
    for n in 1 2 3; do
        r='' a=''
        eval "r=\$token_$n a=\$access_$n"
        [ "$(with_token "$a" GET /verify | status)" != 204 ] || count=$((count + 1))
        printf '%s\n' "$a" | verb verify >/dev/null 2>&1 && count=$((count + 1))
        [ "${1-}" != refresh ] || [ "$(refresh "$r" | status)" != 200 ] || count=$((count + 1))
    done
    echo "$count"
}
is "$(valid)" 6 'control: before, all access tokens are good'
strace -f -qq -o /dev/null -e inject=fsync:signal=KILL:when=2 "$LATCHKEY" key rotate --epoch --dir "$DATA" >/dev/null 2>&1
is "$(valid refresh)" 0 'killed between key file and database: no token is good any more'
exits 0 'key rotate --epoch' verb key rotate --epoch
like "$OUT" '3 sessions ended, every token until now is refused; new tokens are signed with key ????????' 'says what it did'
is "$(verb key list --json | grep -c kid)" 1 'one key is left'
is "$(valid refresh)" 0 'no token of before is good'
is "$(verb session list --all --json | grep -c '"state":"revoked"')" 3 'the sessions have ended on disk, too'
is "$(events epoch)" 1 'and the audit trail says so'
cp "$SOURCE/latchkey.key" "$TMP/old.key"
signed_in
isnt "$TOKEN" '' 'who signs in again'
is "$(refresh "$TOKEN" | status)" 200 'is in'
exits 0 'again' verb key rotate --epoch
like "$OUT" '1 sessions ended*' 'ends what began since'
echo 'not a key' >"$DATA/latchkey.key"
exits 0 'a damaged key file' verb key rotate --epoch
is "$(login | status)" 200 'is no hindrance'
exits 100 'key retire has no such option' verb key retire --epoch x

# --- repair: a fault, what check says of it, what repair says
data "$TMP/repair"
signed_in
refreshed 10
: >"$DATA/password.lock"
cp -a "$DATA" "$TMP/good"
modes() { (cd "$DATA" && stat -c '%n %a %u %h' . ./* | tr '\n' ' '); }
good=$(modes)
# broken NAME CODE-OF-CHECK WHAT-CHECK-SAYS WHAT-REPAIR-SAYS
broken() {
    b_was=$(modes)
    exits "$2" "$1: check" verb check
    like "$OUT" "$3" "$1: says so"
    is "$(modes)" "$b_was" "$1: and changes nothing"
    exits "${5:-0}" "$1: check --repair" verb check --repair
    like "$OUT" "$4" "$1: says what it did"
    exits "${5:-0}" "$1: check again" verb check --repair
    unlike "$OUT" '*mended*' "$1: there is nothing to do"
    is "$(modes)" "$good" "$1: all is as it was"
}
for file in latchkey.db latchkey.db-wal latchkey.lock latchkey.key password.lock throttle; do
    chmod 644 "$DATA/$file"
    broken "$file open to others" 1 "*fail *file *$file: owner *, mode 0644*" "*mended *file *$file: owner *, mode 0644; now owner *, mode 0600*"
done
chmod 646 "$DATA/latchkey.conf"
good=$(modes | sed 's/latchkey.conf 646/latchkey.conf 644/')
broken 'options that others can write' 1 '*fail *latchkey.conf*' '*mended *latchkey.conf: *mode 0646; now *mode 0644*'
chmod 400 "$DATA/latchkey.key"
broken 'a key file that cannot be written' 0 '*' '*mended *latchkey.key*0400; now*'
chmod 755 "$DATA"
broken 'a directory that others can look into' 0 '*warn *directory*' '*mended *directory *0755; now *0700*'
chmod 777 "$DATA"
broken 'a directory that others can write' 1 '*fail *directory*' '*mended *directory *0777; now *0700*'
chmod 640 "$DATA/latchkey.key"
like "$(verb check --repair)" '*warn *latchkey.key could be read by others *key rotate --epoch*' 'a key that others could read: what to do is said'
for file in latchkey.db-shm latchkey.db-journal latchkey.key.new latchkey.db.new latchkey.db.new-journal latchkey.db.new-wal; do
    : >"$DATA/$file"
    exits 0 "$file left behind: check" verb check
    like "$OUT" "*warn *leftover *$file*check --repair*" 'says so'
    ok 'and lets it lie' test -e "$DATA/$file"
    exits 0 "$file left behind: check --repair" verb check --repair
    like "$OUT" "*mended *leftover *$file*removed*" 'removes it'
    is "$(modes)" "$good" 'and nothing else'
done
mkdir "$DATA/latchkey.db.new"
like "$(verb check --repair)" '*warn *leftover *latchkey.db.new*' 'what cannot be removed is said again'
ok 'and lies there' rmdir "$DATA/latchkey.db.new"
if [ "$(id -u)" -eq 0 ]; then
    count_all
    chown 65534:65534 "$DATA" "$DATA"/*
    good=$(modes)
    for file in latchkey.db latchkey.key latchkey.conf latchkey.lock latchkey.db-wal throttle; do
        chown 0:0 "$DATA/$file"
        broken "$file of another owner" 1 "*fail *$file: owner 0*" "*mended *$file: owner 0, *; now owner 65534*"
    done
    mv "$DATA/latchkey.conf" "$TMP/kept.conf"
    echo victim >"$TMP/victim"
    ln "$TMP/victim" "$DATA/latchkey.conf"
    verb check --repair >/dev/null 2>&1
    is "$(stat -c %u "$TMP/victim")" 0 'a file that has a second name is not given away'
    ln -sf "$TMP/victim" "$DATA/latchkey.conf"
    verb check --repair >/dev/null 2>&1
    is "$(stat -c %u "$TMP/victim")" 0 'nor what a link points to'
    rm "$DATA/latchkey.conf"
    cp -p "$TMP/kept.conf" "$DATA/latchkey.conf"
    chown 65534:65534 "$DATA/latchkey.conf"
fi
if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
    # on SIZE FILLED: check, on a disk of that size, with so much else on it; gone with its name space
    on() {
        # shellcheck disable=SC2016  # for the inner shell
        unshare -m sh -c 'mount -t tmpfs -o "size=$1,mode=711" none "$2" && cp -a "$3" "$2/data" &&
            head -c "$4" /dev/zero >"$2/else"; "$5" check --dir "$2/data"' - "$1" "$TMP/disk" "$DATA" "$2" "$LATCHKEY" 2>&1
    }
    mkdir "$TMP/disk"
    like "$(on 8m 0)" '*ok *space *' 'a disk with room'
    like "$(on 3m 0)" '*warn *space *KiB free*make room*' 'with little'
    like "$(on 3m 4m)" '*fail *space *0 KiB free*make room*' 'with none'
fi

# --- how far back the audit trail reaches
OUT=$(verb check)
for share in 'refresh: [0-9]* since 20??-*' 'login_failed, rate_limited: *' 'login, logout: [0-9]* since 20*' 'all others: *'; do
    like "$OUT" "*ok *audit *$share*" "check says how far back the trail reaches: $share"
done
OUT=$(verb audit 2>&1 >/dev/null)
like "$OUT" 'latchkey: audit: refresh: [0-9]* since 20??-*Z; login_failed, rate_limited: 0; login, logout: *; all others: *' 'so does audit, to a person'
is "$(verb audit --json 2>&1 >/dev/null)" '' 'and not to a program'

# --- what can't be repaired
data "$TMP/damaged"
signed_in
refreshed 20
sql 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
junk 1 | dd of="$DATA/latchkey.db" bs=512 seek="$(($(stat -c %s "$DATA/latchkey.db") / 512 - 1))" conv=notrunc status=none
exits 1 'a damaged database' verb check --repair
like "$OUT" '*fail *integrity*restore a backup*' 'is not made up'
promise backup "$t_count" "$t_failed" 'other keys: all signed out; a copy with its head first: taken for a database'
done_testing
