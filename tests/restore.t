#!/bin/sh
# `latchkey restore`, and what becomes of a data directory whose files are copied, put back, stopped and started in every order:
# tests/restore.py. What the verb refuses, what a kill in the middle leaves, what a worker that has the database open does.
# needs: python3 strace
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/calls.sh"
in_memory
tmpdir
# exits CODE NAME COMMAND...: its exit code; what it printed is in $OUT.
exits() {
    x_want=$1 x_name=$2
    shift 2
    OUT=$("$@" 2>&1)
    is $? "$x_want" "$x_name" || diag "$OUT"
}
sessions() { verb session list --json | grep -c '"id":'; }

data "$TMP/data"
signed_in
old=$TOKEN
exits 0 'backup' verb backup "$TMP/copy"
exits 0 'backup to a pipe' sh -c '"$1" backup - --dir "$2" >"$3"' - "$LATCHKEY" "$DATA" "$TMP/piped"
is "$OUT" '' 'which says nothing'
exits 0 'is the same' cmp "$TMP/copy" "$TMP/piped"
nok 'and leaves no file' test -e "$DATA/latchkey.db.copy"
[ ! -c /dev/full ] || exits 111 'to a pipe that takes nothing' sh -c '"$1" backup - --dir "$2" >/dev/full' - "$LATCHKEY" "$DATA"
mkdir "$DATA/latchkey.db.copy"
exits 111 'where its file cannot be made' sh -c '"$1" backup - --dir "$2" >/dev/null' - "$LATCHKEY" "$DATA"
like "$OUT" '*BU7: cannot make *latchkey.db.copy*' 'says so'
rmdir "$DATA/latchkey.db.copy"

# --- the way back
for n in 2 3 4; do PEER=192.0.2.$n signed_in; done
is "$(sessions)" 4 'control: sessions since'
exits 0 'restore' verb restore "$TMP/copy"
like "$OUT" 'restored what there was at 20??-*; what was ended since then stands again: latchkey key rotate --epoch ends all' 'says what it is'
is "$(sessions)" 1 'what there was then'
is "$(refresh "$old" | status)" 200 'goes on'
is "$(events restored)" 1 'the trail says so'
is "$(stat -c '%a %s' "$DATA/latchkey.db-wal" | cut -d ' ' -f 1)" 600 'the files are private'
exits 0 'and all is sound' verb check
signed_in
sh -c '"$1" restore - --dir "$2" <"$3" >/dev/null' - "$LATCHKEY" "$DATA" "$TMP/piped"
is "$(sessions)" 1 'from a pipe'
cp "$DATA/latchkey.db" "$TMP/pair"
signed_in
cp "$DATA/latchkey.db-wal" "$TMP/pair-wal"
signed_in
exits 0 'a copy of both files' verb restore "$TMP/pair"
is "$(sessions)" 2 'is taken with its log'
mkdir "$TMP/empty" && cp "$DATA/latchkey.conf" "$DATA/latchkey.key" "$TMP/empty"
exits 0 'into a directory without a database' "$LATCHKEY" restore "$TMP/copy" --dir "$TMP/empty"
is "$(DATA=$TMP/empty sessions)" 1 'makes one'

# --- what is refused, and changes nothing
head -c 3000 "$TMP/copy" >"$TMP/short"
cp "$TMP/copy" "$TMP/foreign"
cp "$DATA/latchkey.db-wal" "$TMP/foreign-wal"
verb user enable demo
signed_in
cp "$DATA/latchkey.db-wal" "$TMP/foreign-wal"
cp "$TMP/copy" "$TMP/damaged"
junk 2 | dd of="$TMP/damaged" bs=512 seek=2 conv=notrunc status=none
: >"$TMP/nothing"
before=$(sessions)
for file in short foreign damaged nothing; do
    exits 111 "a backup that is $file" verb restore "$TMP/$file"
    is "$(sessions) $(ls "$DATA"/latchkey.db.new* 2>/dev/null)" "$before " 'changes nothing, and leaves nothing'
done
exits 111 'a backup with a log that is not its own' verb restore "$TMP/foreign"
like "$OUT" '*FILE-wal is the log of another database*move FILE-wal away, and FILE alone is restored*' 'says what to do'
yes 'no database' 2>/dev/null | head -c 8192 >"$TMP/text"
exits 111 'a file that is no database' verb restore "$TMP/text"
like "$OUT" '*this file is no backup, or is damaged: restore another*' 'says so'
exits 1 'a backup to where such a log lies' sh -c 'rm "$2"; "$1" backup "$2" --dir "$3"' - "$LATCHKEY" "$TMP/foreign" "$DATA"
like "$OUT" '*foreign-wal is there, and would count as the copy*move it away*' 'is refused with words'
mv "$TMP/foreign-wal" "$TMP/elsewhere"
exits 0 'which help' verb backup "$TMP/foreign"
exits 0 'and the copy' verb restore "$TMP/foreign"
exits 1 'a file that is not there' verb restore "$TMP/none"
like "$OUT" 'latchkey: restore: cannot read *: No such file*' 'says so'
exits 1 'the database itself' verb restore "$DATA/latchkey.db"
like "$OUT" '*this is the database itself*' 'says so'
echo 'no option' >>"$DATA/latchkey.conf"
exits 111 'with a wrong configuration' verb restore "$TMP/copy"
like "$OUT" '*latchkey.conf:*' 'says so'
sed -i '$d' "$DATA/latchkey.conf"
is "$(sessions)" "$before" 'nothing was changed'

# --- a log that is another's
verb user enable demo >/dev/null
signed_in
cp "$TMP/copy" "$DATA/latchkey.db"
is "$(login 2>"$TMP/log" | verdict)" '503 store_unavailable' 'a backup that was copied over the database: requests are refused'
like "$(cat "$TMP/log")" '*latchkey.db-wal is the log of another database*latchkey restore FILE*' 'which the log explains'
exits 1 'check' verb check
like "$OUT" '*fail *database *the log of another database*latchkey restore FILE*' 'too'
exits 0 'what they name' verb restore "$TMP/copy"
is "$(sessions) $(login | status)" '1 200' 'helps'
rm "$DATA"/latchkey.db
"$LATCHKEY" init --dir "$DATA" >/dev/null
exits 0 'a new database where the log of a lost one lay' verb check
verb restore "$TMP/copy" >/dev/null

# --- killed at any step: the copy, or what there was, or a refusal that names the command
signed_in
cp -a "$DATA" "$TMP/kept"
states=''
for call in fsync fdatasync rename ftruncate unlink pwrite64 openat open; do
    for when in 1 2 3 4 5 6; do
        rm -rf "$DATA" && cp -a "$TMP/kept" "$DATA"
        strace -f -qq -o /dev/null -e "inject=$call:signal=KILL:when=$when" "$LATCHKEY" restore "$TMP/copy" --dir "$DATA" >/dev/null 2>&1
        there=$(sessions 2>"$TMP/log")
        case $there in
        0) like "$(cat "$TMP/log")" '*the log of another database*latchkey restore FILE*' "killed at $call $when: refused with words" ;;
        *) ok "killed at $call $when: $there sessions, as before or as then" test "$there" = 1 -o "$there" = 2 ;;
        esac
        states="$states $there"
        verb restore "$TMP/copy" >/dev/null
        is "$(sessions)" 1 'and again helps'
    done
done
like " $states " '* 1 *' 'control: some were killed behind the swap'
like " $states " '* 2 *' 'control: and some before'

# --- every order
port=$(free_port)
set -- 25
[ -z "${TORTURE-}" ] || set -- 2000
mkdir "$TMP/orders"
swept=$(/usr/bin/python3 "$TOP/tests/restore.py" "$LATCHKEY" "$TMP/orders" "$port" "$1" 2>"$TMP/wrong")
head -n 20 "$TMP/wrong" | while read -r line; do diag "$line"; done
like "$swept" '[1-9]* 0 *' "no third state in any order of steps ($swept)"
unlike "$swept" '* 0' 'control: SQLite itself takes any log, and third states there are'
# shellcheck disable=SC2086  # words
set -- $swept
promise restore "$1" "$2" "SQLite's own library on the same files: $3 third states"
done_testing
