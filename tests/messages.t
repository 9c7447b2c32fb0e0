#!/bin/sh
# What latchkey advises, done: for each state in which requests are refused, what the log says of it, what `check` says, and
# the command that one of them names, run in that very state. Then a request is answered. A state is a function that makes
# it; the table says the rest. Advice that doesn't help is a control, which the test must notice.
# Run as root, the test makes itself a mount namespace, for disks of its own.
# needs: python3
if [ "$(id -u)" -eq 0 ] && [ -z "${LK_NAMESPACE-}" ] && unshare -m true 2>/dev/null; then
    LK_NAMESPACE=1 exec unshare -m "$0"
fi
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/calls.sh"
in_memory
tmpdir

# --- the states
no_key()       { rm "$DATA/latchkey.key"; }
empty_key()    { : >"$DATA/latchkey.key"; }
broken_key()   { echo 'not a key' >"$DATA/latchkey.key"; }
open_key()     { chmod 644 "$DATA/latchkey.key"; }
linked_key()   { mv "$DATA/latchkey.key" "$DATA/real"; ln -s real "$DATA/latchkey.key"; chmod 640 "$DATA/real"; }
wrong_conf()   { echo 'acces_ttl = 5m' >>"$DATA/latchkey.conf"; }
linked_conf()  { mv "$DATA/latchkey.conf" "$DATA/real"; ln -s real "$DATA/latchkey.conf"; }
older()        { verb check >/dev/null; printf '\000\000\000\000' | dd of="$DATA/latchkey.db" bs=1 seek=60 conv=notrunc status=none; }
closed()       { chmod 500 "$DATA"; }
no_directory() { mv "$DATA" "$DATA.away"; }
no_database()  { rm "$DATA"/latchkey.db*; }
no_database_at_all() { junk 8 >"$DATA/latchkey.db"; }
torn()         { junk 40 | dd of="$DATA/latchkey.db" bs=512 seek=1 conv=notrunc status=none; }
foreign_log()  { verb user enable demo >/dev/null; login >/dev/null; cp "$TMP/backup" "$DATA/latchkey.db"; }
foreign_db()   { verb user enable demo >/dev/null; login >/dev/null; cp "$TMP/backup" "$DATA/taken"; mv "$DATA/taken" "$DATA/latchkey.db"; }
full_disk() {
    mount -t tmpfs -o size=256k,mode=700 none "$DATA"
    cp -a "$TMP/good/." "$DATA"
    head -c 1000000 /dev/zero >"$DATA/fill" 2>/dev/null || :
}
read_only_disk() { mount --bind "$DATA" "$DATA" && mount -o remount,bind,ro "$DATA"; }
# Another program, that has one row read and goes on.
open_shell() {
    start shell /usr/bin/python3 -c 'import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1])
db.execute("SELECT * FROM user").fetchone()
rows = db.execute("SELECT id FROM user")
rows.fetchone()
print("open", flush=True)
time.sleep(600)' "$DATA/latchkey.db"
    eventually grep -q open "$TMP/shell.log"
}
# A process that was stopped in the middle of its turn; and newer locks of others, which the kernel lists first: 200 for each processor, so over two pages of them.
held_lock() {
    start shell /usr/bin/python3 -c 'import fcntl, os, sys, time
lock = open(sys.argv[1], "r+")
fcntl.flock(lock, fcntl.LOCK_EX)
lives, dies = os.pipe()
if os.fork() == 0:
    lock.close(), os.close(dies)
    others = open(sys.argv[2], "w")
    for processor in os.sched_getaffinity(0):
        os.sched_setaffinity(0, {processor})
        for i in range(200):
            fcntl.lockf(others, fcntl.LOCK_EX, 1, 1000 * processor + 2 * i)
    print("locked", flush=True)
    os.read(lives, 1)
    sys.exit()
time.sleep(600)' "$DATA/latchkey.lock" "$DATA/others"
    eventually grep -q locked "$TMP/shell.log"
    ok 'the kernel has more locks than fit into a page' test "$(wc -c </proc/locks)" -gt 8192
}

# --- what is advised. In a command FILE is a backup; what a person has to look up is said here.
add_user() { printf '%s\n' "$PASSWORD" | verb user add demo >/dev/null; }
advised() { # WORDS of a command, as they are printed
    case $1 in
    'latchkey config') verb config 2>&1 | grep -q '^access_ttl ' || verb check >/dev/null
        "$LATCHKEY" config --dir "$TMP/nothing" | grep -q '^access_ttl ' && sed -i '/acces_ttl/d' "$DATA/latchkey.conf" ;;
    'latchkey init') verb init >/dev/null && cp "$TMP/conf" "$DATA/latchkey.conf" && add_user ;;
    'latchkey '*)
        m_words=$(printf '%s' "${1#latchkey }" | sed "s|FILE|$TMP/backup|")
        # shellcheck disable=SC2086  # words
        verb $m_words >/dev/null ;;
    'chmod '*) # shellcheck disable=SC2086  # words
        $1 "$2" ;;
    'end it') kill "$3"; stop shell ;;
    'make room') rm "$DATA/fill" ;;
    'mount its file system for writing') mount -o remount,bind,rw "$DATA" ;;
    'put the file itself there') mv "$DATA/real" "$DATA/latchkey.conf" ;;
    *) false ;;
    esac
}

# said TEXT PATTERN NAME COMMAND: it is there, and names the command.
said() {
    # shellcheck disable=SC2254  # a pattern
    like "$1" "*$2*$4*" "$3"
}
# state NAME FUNCTION CODE LOG-PATTERN CHECK-PATTERN ADVICE [FILE]: helps, or $HELPED is no
state() {
    s_name=$1 s_function=$2 s_code=$3 s_log=$4 s_check=$5 s_advice=$6 s_file=${7-}
    [ -z "${LK_NAMESPACE-}" ] || umount "$TMP/data" 2>/dev/null || :
    rm -rf "$TMP/data" "$TMP/data.away"
    cp -a "$TMP/good" "$TMP/data"
    DATA=$TMP/data
    "$s_function"
    rm -f "$TMP/good/throttle"
    is "$(login 2>"$TMP/log" | verdict)" "503 $s_code" "$s_name: requests are refused"
    is "$(grep -c . "$TMP/log")" 1 "$s_name: the log says so once"
    like "$(cat "$TMP/log")" "$s_log" "$s_name: and why"
    CHECKED=$(verb check 2>&1)
    isnt $? 0 "$s_name: check fails"
    said "$CHECKED" "$s_check" "$s_name: says why and what to do" "$s_advice"
    holder=''
    case $s_log in *'process '*) holder=$(sed -n 's/.*process \([0-9]*\).*/\1/p' "$TMP/log") ;; esac
    [ -n "$holder" ] || holder=$(printf '%s' "$CHECKED" | sed -n 's/.*process \([0-9]*\).*/\1/p')
    advised "$s_advice" "$DATA/$s_file" "$holder" || diag "$s_advice: failed"
    rm -f "$TMP/good/throttle"
    HELPED=no
    [ "$(login 2>"$TMP/log" | status)" != 200 ] || HELPED=yes
    if [ "$HELPED" = no ]; then diag "$(cat "$TMP/log")"; diag "$CHECKED"; fi
}
helps() {
    state "$@"
    is "$HELPED" yes "$1: the advice helps: $6"
}

data "$TMP/good"
signed_in
cp "$DATA/latchkey.conf" "$TMP/conf"
rm -f "$DATA/throttle"
verb backup "$TMP/backup" >/dev/null
KEY='*latchkey.key: *; restore it, or latchkey key rotate --epoch makes one*'
helps 'no key' no_key store_unavailable "$KEY" '*fail *latchkey.key is missing*' 'latchkey key rotate --epoch'
helps 'an empty key file' empty_key store_unavailable "$KEY" '*fail *key *holds no key*' 'latchkey key rotate --epoch'
broken='*latchkey.key:1: is not of the form*'
helps 'no key in the key file' broken_key store_unavailable "$broken" '*fail *key *is not of the form*' 'latchkey key rotate --epoch'
helps 'a key that others can read' open_key store_unavailable '*latchkey.key: others than its owner can read it (chmod 600)' \
    '*fail *latchkey.key: owner *, mode 0644*' 'chmod 600' latchkey.key
helps 'a link to such a one' linked_key store_unavailable '*latchkey.key: others than its owner can read it (chmod 600)' \
    '*fail *latchkey.key: owner *, mode 0640*' 'chmod 600' real
helps 'a wrong option' wrong_conf store_unavailable '*latchkey.conf:*: acces_ttl: no such option; did you mean access_ttl[?]' \
    '*fail *conf *acces_ttl: no such option*' 'latchkey config'
helps 'options behind a link' linked_conf store_unavailable '*latchkey.conf: it is a link; put the file itself there' \
    '*fail *conf *it is a link*' 'put the file itself there'
helps 'no data directory' no_directory store_unavailable '*data: No such file or directory; latchkey init makes it' \
    '*No such file or directory; *' 'latchkey init'
helps 'no database' no_database store_unavailable '*cannot open *latchkey.db*' '*fail *latchkey.db is missing*' 'latchkey init'
helps 'an older schema' older store_unavailable '*schema version 0*run latchkey init --upgrade' \
    '*fail *database *schema version 0*' 'latchkey init --upgrade'
RESTORE='latchkey restore FILE'
helps 'a database that is none' no_database_at_all store_unavailable "*file is not a database*$RESTORE" '*fail *database *not a database*' "$RESTORE"
helps 'a torn database' torn store_unavailable "*malformed*$RESTORE" '*fail *malformed*' "$RESTORE"
helps 'a backup copied over the database' foreign_log store_unavailable "*the log of another database*$RESTORE" '*fail *database *log of another*' "$RESTORE"
helps 'a backup moved there' foreign_db store_unavailable "*the log of another database*$RESTORE" '*fail *database *log of another*' "$RESTORE"
helps 'a database that another program has open' open_shell busy \
    "*process [0-9]* has latchkey.db open, and nothing else may: end it*" '*fail *database *process [0-9]* has latchkey.db open*' 'end it'
# Where there is no sandbox (qemu-user has no Landlock) the request itself sees who it is.
helps 'a process that was stopped in its turn' held_lock busy '*no turn at the store within *; *has it*' \
    '*fail *database *no turn at the store*process [0-9]* has it: *' 'end it'

if [ -n "${LK_NAMESPACE-}" ]; then
    helps 'a full disk' full_disk store_full '*database or disk is full*; make room on the disk' '*fail *space *0 KiB free*' 'make room'
    helps 'a read-only disk' read_only_disk store_unavailable '*latchkey.lock: Read-only file system; mount its file system for writing' \
        '*fail *database *Read-only file system*' 'mount its file system for writing'
    mkdir "$TMP/run"
    mount --bind "$TMP/run" "$TMP/run"
    mount -o remount,bind,ro "$TMP/run"
    sed -i "s|^throttle_dir = .*|throttle_dir = $TMP/run|" "$DATA/latchkey.conf"
    said "$(verb check)" 'fail *throttle *Read-only file system*' 'a throttle table on a read-only disk: check says what to do' \
        'set throttle_dir to a directory that can be written'
    mount -o remount,bind,rw "$TMP/run"
    like "$(verb check)" '*ok *throttle *' 'and it helps'
    umount "$TMP/run"
fi

# --- who isn't the owner
DATA=$TMP/good
if [ "$(id -u)" -eq 0 ]; then
    chmod 711 "$TMP"
    count_all
    like "$(setpriv --reuid 65534 --regid 65534 --clear-groups "$LATCHKEY" check --dir "$DATA")" \
        'fail  *directory *owner 0, mode 0700 *run it as root (sudo)*' 'another user: check says who it must be'
    is "$(setpriv --reuid 65534 --regid 65534 --clear-groups "$LATCHKEY" user list --dir "$DATA" 2>&1)" \
        "latchkey: AD3: $DATA belongs to user id 0; run it as root (sudo) or as that user" 'so does every verb'
    chown -R 65534:65534 "$DATA"
    is "$(verb user list --json | grep -c demo)" 1 'as root it works'
    # In a container root may not be allowed to become another user.
    for right in setuid setgid; do
        is "$(setpriv --bounding-set=-$right "$LATCHKEY" user list --dir "$DATA" 2>&1)" \
            "latchkey: PR1: cannot become the owner of $DATA: Operation not permitted; run it as user id 65534" "root without the right of $right: is told"
    done
    is "$(setpriv --reuid 65534 --regid 65534 --clear-groups "$LATCHKEY" user list --json --dir "$DATA" | grep -c demo)" 1 'and it helps'
    chown -R 0:0 "$DATA"
fi

# --- a BOM is no fault, and no advice is given
printf '\357\273\277%s\n' "$(cat "$TMP/conf")" >"$DATA/latchkey.conf"
is "$(login | status)" 200 'options that begin with a byte order mark'
cp "$TMP/conf" "$DATA/latchkey.conf"

# --- advice that doesn't help
state 'control' empty_key store_unavailable "$KEY" '*holds no key*' 'latchkey key rotate'
is "$HELPED" no 'control: a key to rotate where there is none: that it does not help is noticed'
promise messages "$t_count" "$t_failed" 'latchkey key rotate on an empty key file: noticed'
done_testing
