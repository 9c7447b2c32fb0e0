#!/bin/sh
# Trouble of the server's own: no room, no rights, no key, another's file. Each is answered 503 with
# Retry-After and a log line that says what is wrong, never 401; nothing is changed; and once it is
# over the session is as it was.
#
# Nothing here runs latchkey as root: as root it would become the directory's owner, and root is
# refused nothing. Run as root, the test makes itself a mount namespace and becomes nobody.
if [ "$(id -u)" -eq 0 ] && [ -z "${LK_NAMESPACE-}" ] && unshare -m true 2>/dev/null; then
    LK_NAMESPACE=1 exec unshare -m "$0"
fi
# needs: strace
. "$(dirname "$0")/lib.sh"
not_in cov 'killed processes and failing writes leave no counters behind, or broken ones'
. "$(dirname "$0")/calls.sh"
tmpdir
chmod 711 "$TMP"
cp "$LATCHKEY" "$TMP/latchkey"
LATCHKEY=$TMP/latchkey
OWNER=nobody NOBODY=''
if [ "$(id -u)" -eq 0 ]; then
    NOBODY="setpriv --reuid=$OWNER --regid=$(id -g "$OWNER") --clear-groups"
fi
# as WORDS...: done as the directory's owner.
as() { $NOBODY "$@"; }
own() { [ -z "$NOBODY" ] || chown -R "$OWNER:" "$@"; }
WRAP=$NOBODY

signed_in_at() { # DIR: a data directory there, a session in $TOKEN, a copy to mend with in DIR.good
    data "$1"
    own "$1"
    signed_in
    TOKEN=$(refresh "$TOKEN" first | member refresh_token)
    cp -a "$1" "$1.good"
}

# troubled NAME CODE READS LOG: calls while it lasts. READS is what calls that write nothing get.
troubled() {
    is "$(refresh "$TOKEN" key 2>"$TMP/log" | tee "$TMP/answer" | verdict)" "503 $2" "$1: $2"
    like "$(cat "$TMP/answer")" '*Retry-After: [1-9]*' "$1: and when to come again"
    like "$(cat "$TMP/log")" "*latchkey: *$4*" "$1: the log says what is wrong"
    # How large a file may be, nobody is told beforehand.
    [ "$1" = 'a limit on files' ] || is "$(ask GET /health '' 2>/dev/null | verdict)" "503 $2" "$1: health says it, too"
    is "$(ask POST /logout "{\"refresh_token\":\"$TOKEN\"}" 2>/dev/null | status)" 503 "$1: no sign-out is pretended"
    is "$(login 2>/dev/null | status)" 503 "$1: nor that the password is wrong"
    is "$(with_token "$ACCESS" GET /me 2>/dev/null | status)" "$3" "$1: nor is anyone told to sign in"
    # That needs a key and the configuration, and nothing else.
    case $1 in *key | *conf | *dir) verified=503 ;; *) verified=204 ;; esac
    is "$(with_token "$ACCESS" GET /verify 2>/dev/null | status)" "$verified" "$1: who can be verified is"
}
# over NAME: the same request, sent again.
over() {
    answer=$(refresh "$TOKEN" key 2>&1)
    is "$(printf '%s' "$answer" | verdict)" 200 "$1: once it is over the session goes on"
    TOKEN=$(printf '%s' "$answer" | member refresh_token)
}

# --- files that are wrong: what breaks them, the code, what the log says
byte() { printf '%b' "$3" | dd of="$DATA/$1" bs=1 seek="$2" conv=notrunc status=none; }
no_database()      { rm "$DATA/latchkey.db"; }
not_a_database()   { rm "$DATA/latchkey.db-wal"; byte latchkey.db 0 'no such thing'; }
a_foreign_one()    { checkpointed; byte latchkey.db 68 '\001\002\003\004'; }
a_newer_version()  { checkpointed; byte latchkey.db 60 '\000\000\000\143'; }
an_older_version() { checkpointed; byte latchkey.db 60 '\000\000\000\000'; }
a_torn_page()      { checkpointed; junk 40 | dd of="$DATA/latchkey.db" bs=512 seek=1 conv=notrunc status=none; }
read_only_files()  { chmod 400 "$DATA/latchkey.db" "$DATA/latchkey.db-wal"; }
read_only_db()     { chmod 400 "$DATA/latchkey.db"; }
read_only_log()    { chmod 400 "$DATA/latchkey.db-wal"; }
read_only_lock()   { chmod 400 "$DATA/latchkey.lock"; }
no_key()           { rm "$DATA/latchkey.key"; }
an_empty_key()     { : >"$DATA/latchkey.key"; }
an_open_key()      { chmod 644 "$DATA/latchkey.key"; }
a_changed_key()    { sed -i '1{s/0$/1/;t;s/.$/0/;}' "$DATA/latchkey.key"; own "$DATA"; }
half_a_key()       { dd if=/dev/null of="$DATA/latchkey.key" bs=1 seek=40 status=none; }
a_wrong_conf()     { echo 'acces_ttl = 5m' >>"$DATA/latchkey.conf"; }
an_unread_conf()   { chmod 000 "$DATA/latchkey.conf"; }
a_closed_dir()     { chmod 000 "$DATA"; }
a_foreign_dir()    { chmod 700 "$DATA"; [ -z "$NOBODY" ] || chown 0:0 "$DATA"; [ -n "$NOBODY" ] || chmod 000 "$DATA"; }
no_dir()           { mv "$DATA" "$DATA.away"; }
# The log's pages in the file itself, so that a byte changed there counts. Refreshes do that by and by.
checkpointed() {
    while [ -s "$DATA/latchkey.db-wal" ]; do
        TOKEN=$(refresh "$TOKEN" | member refresh_token)
        [ -n "$TOKEN" ] || return
    done
    rm -rf "$DATA.good"
    cp -a "$DATA" "$DATA.good"
}
mend() {
    chmod 700 "$DATA" 2>/dev/null
    rm -rf "$DATA" "$DATA.away"
    cp -a "$DATA.good" "$DATA"
}
while read -r trouble reads log; do
    name=$(echo "$trouble" | tr _ ' ')
    signed_in_at "$TMP/$trouble"
    "$trouble"
    troubled "$name" store_unavailable "$reads" "$log"
    is "$(with_token "$ACCESS" GET /health 2>/dev/null | status)" 503 "$name: /health says so"
    mend
    over "$name"
    ok "$name: the store is whole" as "$LATCHKEY" check --dir "$DATA"
done <<END
no_database       503  latchkey.db
not_a_database    503  not a database*latchkey restore FILE
a_foreign_one     503  latchkey.db is not a database of latchkey
a_newer_version   503  latchkey.db has schema version 99*run a newer latchkey
an_older_version  503  run latchkey init --upgrade
a_torn_page       503  malformed*latchkey restore FILE
read_only_files   503  latchkey.db cannot be written; see latchkey check
read_only_db      503  latchkey.db cannot be written; see latchkey check
read_only_log     200  readonly database*latchkey check
read_only_lock    503  latchkey.lock
no_key            503  latchkey.key
an_empty_key      503  latchkey.key
an_open_key       503  chmod 600
half_a_key        503  latchkey.key
a_changed_key     503  isn't that key: the file was changed, restore it
a_wrong_conf      503  acces_ttl
an_unread_conf    503  latchkey.conf
a_closed_dir      503  Permission denied
a_foreign_dir     503  Permission denied
no_dir            503  No such file
END

# --- no room. A limit on the file's size is one way, and anyone's
printf '#!/bin/sh\nulimit -f 1\nexec "$@"\n' >"$TMP/limited"
chmod 755 "$TMP/limited"
signed_in_at "$TMP/limit"
WRAP="$NOBODY $TMP/limited"
troubled 'a limit on files' store_full 200 'disk'
WRAP=$NOBODY
over 'a limit on files'

# --- another is the root's, in a namespace of its own
if [ -n "${LK_NAMESPACE-}" ]; then
    mkdir "$TMP/small"
    mount -t tmpfs -o size=2m,mode=711 none "$TMP/small"
    own "$TMP/small"
    signed_in_at "$TMP/small/data"
    dd if=/dev/zero of="$TMP/small/fill" bs=4096 status=none 2>/dev/null
    # What room the log's last page has may still be used.
    tries=0
    while [ "$(refresh "$TOKEN" key 2>/dev/null | tee "$TMP/answer" | status)" = 200 ] && [ $((tries += 1)) -lt 20 ]; do
        TOKEN=$(member refresh_token <"$TMP/answer")
    done
    troubled 'a full disk' store_full 200 'full'
    rm "$TMP/small/fill"
    over 'a full disk'
    ok 'a full disk: the store is whole' as "$LATCHKEY" check --dir "$DATA"
    umount "$TMP/small"

    signed_in_at "$TMP/fixed"
    mount --bind "$DATA" "$DATA"
    mount -o remount,bind,ro "$DATA"
    troubled 'a read-only disk' store_unavailable 503 'Read-only file system'
    umount "$DATA"
    over 'a read-only disk'
fi

# --- no devices at all: neither /dev/urandom nor /dev/null nor /dev/log
if [ -n "${LK_NAMESPACE-}" ]; then
    # In a mount namespace of its own for each call.
    printf '#!/bin/sh\nmount -t tmpfs none /dev && exec "$@"\n' >"$TMP/without-devices"
    chmod 755 "$TMP/without-devices"
    signed_in_at "$TMP/devices"
    WRAP="unshare -m $TMP/without-devices $NOBODY"
    is "$(refresh "$TOKEN" key | verdict)" 200 'no devices: a refresh'
    is "$(login | verdict)" 200 'no devices: a sign-in'
    WRAP=$NOBODY
    over 'no devices'
fi

# --- a kernel that says no: to a mapping of memory, to random numbers
if [ "$LK_B" = musl ]; then
    strace=$(command -v strace)
    signed_in_at "$TMP/kernel"
    WRAP="$NOBODY $strace -f -o /dev/null -e trace=mmap -e inject=mmap:error=ENODEV"
    is "$(refresh "$TOKEN" key 2>/dev/null | verdict)" 200 'no mapping, as on JFFS2: a refresh needs none'
    is "$(with_token "$ACCESS" GET /me | verdict)" 200 'no mapping: nor does who asks'
    is "$(login 2>"$TMP/log" | verdict)" '503 store_unavailable' 'no mapping: a hash has no memory'
    like "$(cat "$TMP/log")" '*no Argon2id with*' 'and the log says so'
    WRAP="$NOBODY $strace -f -o /dev/null -e trace=getrandom -e inject=getrandom:error=ENOSYS"
    is "$(login 2>/dev/null | verdict)" '500 internal' 'no random numbers: no sign-in with worse ones'
    is "$(with_token "$ACCESS" GET /verify | status)" 204 'no random numbers: what is signed is good'
    WRAP=$NOBODY
    over 'a kernel that says no'
fi

# --- files that something else has changed: damage.c says what must hold then
"${HELPER_CC:-musl-gcc}" -static -O1 -std=c11 -D_GNU_SOURCE -Wall -Wextra -o "$TMP/damage" "$TOP/tests/damage.c" || exit 1
DAMAGES=160 SEED=1
[ "$LK_B" = musl ] || DAMAGES=24
[ -z "${TORTURE-}" ] || DAMAGES=5000 SEED=$(date +%s)
damaged() { # NAME PROGRAM
    data "$TMP/data-$1"
    printf '%s\n' "$PASSWORD" | verb user add witness >/dev/null
    own "$DATA"
    as "$TMP/damage" "$2" "$DATA" "$DAMAGES" "$SEED" >"$TMP/$1.out"
    is $? 0 "$1: to its end"
}
figure() { sed -n "s/^$2 //p" "$TMP/$1.out"; }
damaged damage "$LATCHKEY"
grep '^#' "$TMP/damage.out"
is "$(figure damage failures)" 0 "$DAMAGES damaged files: $(figure damage points) answers, no session ended by trouble of our own"
diag "of the damages to the database itself $(figure damage refused) answers were a refusal"

# --- a build that blames the client for what goes wrong here must be found out
caught=0
if [ "$LK_B" = musl ]; then
    cp "$LK_BUILD/tests/shim" "$TMP/shim"
    DAMAGES=40
    export DAMAGE_SHIM=blames
    damaged blames "$TMP/shim"
    ok "a build that blames the client is caught ($(figure blames failures) failures)" test "$(figure blames failures)" -gt 0 && caught=1
fi

# --- somebody keeps the store to himself
signed_in_at "$TMP/kept"
exec 9<"$DATA/latchkey.lock"
flock 9
is "$(refresh "$TOKEN" key 2>"$TMP/log" | verdict)" '503 busy' 'no turn at the store: busy'
like "$(cat "$TMP/log")" '*no turn at the store within 5 s*' 'and the log says so'
exec 9<&-
over 'no turn'
promise trouble $((t_count + $(figure damage points))) $((t_failed + $(figure damage failures))) "caught $caught of 1 broken build"

done_testing
