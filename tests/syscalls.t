#!/bin/sh
# What a request asks of the kernel: strace shows what it opens, when it syncs, what it leaves behind.
# needs: strace lighttpd curl
. "$(dirname "$0")/lib.sh"
not_in cross 'strace counts system calls; here they would be qemu'\''s'
. "$(dirname "$0")/calls.sh"
. "$(dirname "$0")/smoke.sh"
tmpdir
TRACE=$TMP/trace
# The first prctl is PR_SET_DUMPABLE, after which strace without root's rights could read no path: left out.
STRACE="$(command -v strace) -f -s 200 -o $TRACE -e inject=prctl:retval=0:when=1"

# traced COMMAND...: its answer's verdict; what it did is in $TRACE.
traced() {
    WRAP=$STRACE
    "$@" >"$TMP/answer"
    WRAP=
    verdict <"$TMP/answer"
}
# Where in the trace the answer is written; 0: nowhere.
answered_at() { grep -n ' write(1,' "$TRACE" | head -n 1 | sed 's/:.*//'; }
syncs() { grep -cE ' (fsync|fdatasync|sync_file_range|sync|syncfs)\(' "$TRACE"; }
syncs_before_answer() { head -n "$(answered_at)" "$TRACE" | grep -cE ' (fsync|fdatasync)\('; }
opened() { grep -cE "open(at)?\(.*\"$DATA/$1" "$TRACE"; }
# Files made or taken away. O_CREAT of a file that is there makes none, so names are compared too.
renamed() { grep -cE ' (unlink|unlinkat|rename|renameat2?|link|mkdir|mknod)\(' "$TRACE"; }
names() { (cd "$DATA" && echo *); }

data "$TMP/data"
signed_in
TOKEN=$(refresh "$TOKEN" warm | member refresh_token)

# --- no MAC of ours, no database
for token in "${TOKEN%??????}AAAAAA" "$ACCESS" forged; do
    is "$(traced refresh "$token" key)" '401 refresh_invalid' "a token without our MAC is refused"
    is "$(opened 'latchkey\.(db|lock)')" 0 'without a look at database or lock'
done
is "$(traced with_token "${ACCESS%??????}AAAAAA" GET /me)" '401 token_invalid' 'so is an access token'
is "$(opened 'latchkey\.(db|lock)')" 0 'without a look at them'
is "$(traced with_token "$ACCESS" GET /verify)" 204 'a good one is verified'
is "$(opened 'latchkey\.(db|lock)')" 0 'without a look at them'
is "$(traced ask GET /verify '' HTTP_AUTHORIZATION="Bearer $ACCESS" QUERY_STRING=live=1)" 204 'but with live=1'
is "$(opened 'latchkey\.db"')" 1 'the database is asked'

# --- syncs: none where a power cut can be made good, one at least where it can't
before=$(names)
is "$(traced refresh "$TOKEN" plain)" 200 'a plain refresh'
TOKEN=$(member refresh_token <"$TMP/answer")
is "$(syncs) $(renamed)" '0 0' 'syncs nothing, and makes, renames, unlinks nothing'
is "$(names)" "$before" 'and leaves the files that there were'
is "$(traced refresh "$TOKEN" plain-2)" 200 'another'
is "$(traced refresh "$TOKEN" plain-2)" 200 'and its replay'
is "$(syncs) $(grep -cE ' (pwrite64|pwritev?2?|ftruncate)\(' "$TRACE")" '0 0' 'which writes nothing at all'
is "$(traced with_token "$ACCESS" GET /me)" 200 'a look at oneself'
is "$(syncs) $(grep -cE ' (pwrite64|pwritev?2?|ftruncate)\(' "$TRACE")" '0 0' 'neither syncs nor writes'

revoke() {
    signed_in
    revoke_id=$(ask GET /sessions '' HTTP_AUTHORIZATION="Bearer $1" | tr '{' '\n' | grep '"current":false' | member_id)
    traced with_token "$1" DELETE "/sessions/$revoke_id"
}
member_id() { sed -n 's/.*"id":"\([0-9a-f]*\)".*/\1/p' | head -n 1; }
reuse() { # a token two generations old
    signed_in
    reuse_token=$(refresh "$(refresh "$TOKEN" 1 | member refresh_token)" 2 | member refresh_token)
    [ -n "$reuse_token" ] && traced refresh "$TOKEN" 1
}
sign_out() {
    signed_in
    traced ask POST /logout "{\"refresh_token\":\"$TOKEN\"}"
}
new_password() {
    traced ask POST /password "{\"current_password\":\"$PASSWORD\",\"new_password\":\"$PASSWORD\"}" HTTP_AUTHORIZATION="Bearer $1"
}
signed_in
mine=$ACCESS
durable() { # NAME WANTED COMMAND...
    durable_name=$1 wanted=$2
    shift 2
    is "$("$@")" "$wanted" "$durable_name"
    ok "$durable_name is on disk before it is answered" test "$(syncs_before_answer)" -ge 1
}
durable 'a sign-in' 200 traced login
durable 'a revoke' 204 revoke "$mine"
durable 'reuse that was found' '401 refresh_reused' reuse
durable 'a sign-out' 204 sign_out
durable 'a new password' 204 new_password "$mine"

# --- thousands of refreshes: what grows
"${HELPER_CC:-musl-gcc}" -static -Os -o "$TMP/drive" "$TOP/tests/drive.c" || exit 1
drive() { # COUNT [WRAP...]: what drive.c prints, in $TMP/drive.out
    drive_count=$1
    shift
    printf '%s\n' "$TOKEN" | env LATCHKEY_DIR="$DATA" "$@" "$TMP/drive" "$LATCHKEY" "$drive_count" >"$TMP/drive.out"
    TOKEN=$(seen token)
}
seen() { sed -n "s/^$1=//p" "$TMP/drive.out"; }
rows() { verb session list --all --json | grep -c '"id":'; }

# An instrumented build takes ten times as long, and shows nothing more here.
many=2000
[ "$LK_B" = musl ] || many=300
data "$TMP/many" 'audit_max = 64'
signed_in
drive 200
sessions=$(rows) size=$(wc -c <"$DATA/latchkey.db")
drive $many
is "$(seen answered)" "$many" "$many refreshes, one process each"
is "$(rows)" "$sessions" 'leave as many rows in session as there were'
# The trail is trimmed by 64 rows at a time.
ok 'and a database of the same size' test "$(wc -c <"$DATA/latchkey.db")" -le $((size + 8192))
ok "the log never passes 256 KiB ($(seen wal_bytes) bytes)" test "$(seen wal_bytes)" -lt 262144
[ "$LK_B" != musl ] || ok "nor the resident set 1 MiB ($(seen rss_kib) KiB)" test "$(seen rss_kib)" -lt 1024
ok 'the store is whole' verb check

# Only who begins the log anew, once in dozens, syncs before its answer: SQLite must know the log's
# new header on disk before frames follow it.
# shellcheck disable=SC2086  # a command and its arguments
drive 200 $STRACE
is "$(seen answered)" 200 '200 refreshes under strace'
awk -v wal='pwrite64\\([0-9]+, "7' '
    / write\(1, "Status: 200/ { answered[$1] = 1; answers++ }
    $0 ~ wal && / 32, 0\)/    { header[$1] = 1; headers++ }
    /(fsync|fdatasync)\(/ && !answered[$1] { if (header[$1]) anew[$1] = 1; else other++ }
    END { n = 0; for (pid in anew) n++; print answers, (n == headers), other + 0, (headers <= answers / 20) }
' "$TRACE" >"$TMP/counts"
is "$(cat "$TMP/counts")" '200 1 0 1' 'no plain one among them syncs before its answer'

# lighttpd ends a program once it has its answer: the log is emptied nevertheless.
data "$TMP/ended"
signed_in
most=0 n=0
while [ $n -lt 130 ]; do
    n=$((n + 1))
    TOKEN=$(WRAP='strace -qq -o /dev/null -e trace=write -e inject=write:signal=TERM' refresh "$TOKEN" 2>"$TMP/ended.log" | member refresh_token)
    size=$(wc -c <"$DATA/latchkey.db-wal")
    [ "$size" -le "$most" ] || most=$size
done
ok "130 refreshes that were ended behind their answers" test -n "$TOKEN"
ok "whoever comes to the log's bound empties it ($most bytes at most)" test "$most" -le 65536

# --- secrets: the story under serve, then what others on the host can see of it
data "$TMP/story"
verb user set demo subscription '{"plan":"pro","status":"active"}' >/dev/null
port=$(free_port)
# -D: strace is the server's child, not its parent, so that the server is what `stop` stops.
LATCHKEY_DIR=$DATA start server strace -D -f -e inject=prctl:retval=0:when=1 -e trace=execve,prctl -v -s 4096 -o "$TRACE" "$LATCHKEY" serve "127.0.0.1:$port"
wait_port "$port"
story "http://127.0.0.1:$port/api/auth" 'looked at by strace'
# shellcheck disable=SC2154  # set by start
for file in environ cmdline; do tr '\0' '\n' <"/proc/$server_pid/$file" >"$TMP/$file"; done
stop server
wait_trace "$TRACE"
key=$(awk 'NR == 1 { print $3 }' "$DATA/latchkey.key")
is "${#key}" 64 'there is a key to look for'
for place in environ cmdline server.log trace; do
    ok "$place holds something" test -s "$TMP/$place"
    # A token of ours begins with the header's eyJ.
    is "$(grep -cE "eyJ|$PASSWORD|$key" "$TMP/$place")" 0 "and no token, password or key is in $place"
done

[ "$LK_B" != musl ] || like "$(ldd "$LATCHKEY" 2>&1)" '*not a dynamic executable*' 'ldd finds nothing dynamic'
done_testing
