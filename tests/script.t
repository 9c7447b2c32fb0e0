#!/bin/sh
# A CGI script that is its own configuration, run by the kernel as a web server runs it; and argv that
# only says that it is one: a query string reaches it (RFC 3875, 4.4).
. "$(dirname "$0")/lib.sh"
tmpdir
lk_init "$TMP/one"
lk_init "$TMP/two"
printf 'signup = on\nissuer = conf\n' >"$TMP/two/latchkey.conf"
mkdir "$TMP/bin"
ln -s "$LATCHKEY" "$TMP/bin/latchkey" # any path will do, by that name

# script NAME LINE...: its path is in $SCRIPT.
script() {
    SCRIPT=$TMP/$1
    shift
    { printf '#!%s/bin/latchkey\n' "$TMP" && printf '%s\n' "$@"; } >"$SCRIPT"
    chmod 755 "$SCRIPT"
}
# run COMMAND...: as a web server starts it for GET /health; the status and what was logged.
run() {
    env -i ASAN_OPTIONS="${ASAN_OPTIONS:-}" UBSAN_OPTIONS="${UBSAN_OPTIONS:-}" LATCHKEY_DIR="$TMP/none" GATEWAY_INTERFACE=CGI/1.1 \
        REQUEST_METHOD=GET SCRIPT_NAME=/cgi-bin/auth PATH_INFO="${WHAT:-/health}" "$@" 2>"$TMP/err" </dev/null >"$TMP/out"
    SAID=$(head -n 1 "$TMP/out" | tr -d '\r')
    LOG=$(cat "$TMP/err")
}
OK='Status: 200 OK'
NONE='Status: 503 Service Unavailable' # by $TMP/none, which there is not

# --- an instance
script auth '# mine' "dir = $TMP/one" 'signup = on'
run SCRIPT_FILENAME="$SCRIPT" "$SCRIPT"
is "$SAID|$LOG" "$OK|" 'a script is an instance'
SAID=$(cd "$TMP" && run SCRIPT_FILENAME="$SCRIPT" ./auth && echo "$SAID")
is "$SAID" "$OK" 'by a relative name'
ln -s "$SCRIPT" "$TMP/link"
run SCRIPT_FILENAME="$SCRIPT" "$TMP/link"
is "$SAID" "$OK" 'by another name of the same file'
run SCRIPT_FILENAME="$TMP/link" "$SCRIPT"
is "$SAID" "$OK" 'which may be the name that the server gives'
run SCRIPT_FILENAME="$SCRIPT" "$SCRIPT" --dir /nowhere user list
is "$SAID" "$OK" 'words of a query string behind it are without effect'
run SCRIPT_FILENAME="$SCRIPT" "$LATCHKEY" "$SCRIPT"
is "$SAID" "$OK" 'a server that is told which interpreter to run'

# --- options: the script's go before the directory's
register() {
    body='{"username":"alice","password":"short"}'
    printf '%s' "$body" | env -i ASAN_OPTIONS="${ASAN_OPTIONS:-}" GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=POST SCRIPT_NAME=/a \
        CONTENT_TYPE=application/json CONTENT_LENGTH=${#body} PATH_INFO=/register SCRIPT_FILENAME="$SCRIPT" "$SCRIPT" |
        head -n 1 | tr -d '\r'
}
script second "dir = $TMP/two" 'issuer = script'
is "$(register)" 'Status: 422 Unprocessable Content' "latchkey.conf's hold where the script says nothing"
script second "dir = $TMP/two" 'signup = off'
is "$(register)" 'Status: 403 Forbidden' "but the script's go before"
script second 'signup = on'
run SCRIPT_FILENAME="$SCRIPT" LATCHKEY_DIR="$TMP/one" "$SCRIPT"
is "$SAID" "$OK" 'without dir the directory is found as ever'

# --- what is wrong is said in the log, and nobody is served by mistake
while IFS='|' read -r line want; do
    script bad "dir = $TMP/one" "$line"
    run SCRIPT_FILENAME="$SCRIPT" "$SCRIPT"
    like "$SAID|$LOG" "$NONE|latchkey: MA3: script*$want*" "in a script: $line"
done <<END
colour = blue|:3: colour: no such option
access_ttl = never|:3: access_ttl: must be
dir = /|:3: dir: is given twice
exec latchkey|:3: is not of the form
END
script bad 'dir = relative'
run SCRIPT_FILENAME="$SCRIPT" "$SCRIPT"
like "$SAID|$LOG" "$NONE|*script:2: dir: must be an absolute path*" 'in a script: dir = relative'
script bad 'dir ='
run SCRIPT_FILENAME="$SCRIPT" "$SCRIPT"
like "$SAID|$LOG" "$NONE|*script:2: dir: must not be empty*" 'in a script: dir ='
for mode in 775 757 777; do
    script auth "dir = $TMP/one"
    chmod $mode "$SCRIPT"
    run SCRIPT_FILENAME="$SCRIPT" "$SCRIPT"
    like "$SAID|$LOG" "$NONE|latchkey: MA3: script: others than its owner can write it*" "a script of mode $mode"
done
script auth "dir = $TMP/one" "$(printf '%17000s' '' | tr ' ' '#')"
run SCRIPT_FILENAME="$SCRIPT" "$SCRIPT"
like "$SAID|$LOG" "$NONE|*script: File too large*" 'a script of 17 KB'
printf 'dir = %s\n' "$TMP/one" >"$TMP/one/latchkey.conf"
run LATCHKEY_DIR="$TMP/one" "$LATCHKEY"
like "$SAID|$LOG" "$NONE|*latchkey.conf:1: dir: no such option*" 'dir is no option of latchkey.conf'
rm "$TMP/one/latchkey.conf"

# --- argv that means nothing: the directory is LATCHKEY_DIR's, and not to be had
script evil "dir = $TMP/one"
script auth "dir = $TMP/one"
cp "$SCRIPT" "$TMP/copy"
printf '#!/bin/sh\nexec %s "$@"\n' "$LATCHKEY" >"$TMP/wrapper"
printf '#!/bin/latchkeys\ndir = %s\n' "$TMP/one" >"$TMP/alike"
printf '#!latchkey\ndir = %s\n' "$TMP/one" >"$TMP/bare"
printf 'dir = %s\n' "$TMP/one" >"$TMP/plain"
printf '#' >"$TMP/short"
mkfifo "$TMP/fifo"
chmod 755 "$TMP/wrapper" "$TMP/alike" "$TMP/plain" "$TMP/bare" "$TMP/short"
hostile() { # NAME SCRIPT_FILENAME [ARGUMENT...]
    t_case=$1 named=$2
    shift 2
    run SCRIPT_FILENAME="$named" "$LATCHKEY" "$@"
    like "$SAID|$LOG" "$NONE|latchkey: MA4: *: No such file or directory; latchkey init makes it" "$t_case"
}
hostile 'no argument' "$SCRIPT"
hostile 'an option' "$LATCHKEY" --dir "$TMP/one"
hostile 'an option in one word' "$LATCHKEY" "--dir=$TMP/one"
hostile 'a verb' "$LATCHKEY" user list
hostile 'serve' "$LATCHKEY" serve 127.0.0.1:0
hostile 'another script' "$LATCHKEY" "$TMP/evil"
hostile 'another script than the one that runs' "$SCRIPT" "$TMP/evil"
hostile 'a copy of it' "$SCRIPT" "$TMP/copy"
hostile 'it, but second' "$SCRIPT" x "$SCRIPT"
hostile 'it, with more behind' "$SCRIPT" "$SCRIPT/"
hostile 'the executable itself' "$LATCHKEY" "$LATCHKEY"
hostile 'a wrapper that hands its words on' "$TMP/wrapper" "$TMP/wrapper"
hostile 'another interpreter' "$TMP/alike" "$TMP/alike"
hostile 'an interpreter without a path' "$TMP/bare" "$TMP/bare"
hostile 'no interpreter' "$TMP/plain" "$TMP/plain"
hostile 'a byte' "$TMP/short" "$TMP/short"
hostile 'a directory' "$TMP/one" "$TMP/one"
hostile 'a pipe' "$TMP/fifo" "$TMP/fifo"
hostile 'a device' /dev/zero /dev/zero
hostile 'nothing' '' ''
hostile 'no such file' "$TMP/nothing" "$TMP/nothing"
hostile 'a number of words' "$LATCHKEY" a b c d e f g h i j
run "$LATCHKEY" "$SCRIPT"
like "$SAID" "$NONE" 'a server that names no script'
run SCRIPT_FILENAME="$TMP/wrapper" "$TMP/wrapper" "$TMP/wrapper"
like "$SAID" "$NONE" 'a wrapper, run, and named in the query string'
env -i LATCHKEY_DIR="$TMP/one" SCRIPT_FILENAME="$SCRIPT" "$LATCHKEY" "$SCRIPT" >"$TMP/out" 2>&1 </dev/null
is $? 100 'and without CGI a script is no verb'
done_testing
