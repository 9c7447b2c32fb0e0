#!/bin/sh
# The command line by itself: every form that asks for help or that is wrong, with its exit code. What was asked for goes to
# stdout, what is wrong goes to stderr, and the other one stays empty.
. "$(dirname "$0")/lib.sh"
tmpdir
unset LATCHKEY_DIR GATEWAY_INTERFACE
D=$TMP/data

# form CODE WORDS PATTERN: the words, split at blanks
form() {
    # shellcheck disable=SC2086  # words
    "$LATCHKEY" $2 </dev/null >"$TMP/out" 2>"$TMP/err"
    is "$?" "$1" "latchkey${2:+ $2}: exit code $1"
    said=out silent=err
    [ "$1" -eq 0 ] || { said=err silent=out; }
    like "$(cat "$TMP/$said")" "$3" "latchkey${2:+ $2}: std$said says so"
    is "$(cat "$TMP/$silent")" '' "latchkey${2:+ $2}: nothing on std$silent"
}

# --- help
form 0 help '*latchkey user add NAME *add a user*latchkey serve *LATCHKEY_DIR*'
cp "$TMP/out" "$TMP/help"
is "$(awk '/^latchkey/ && length > 140' "$TMP/help" | wc -l)" 0 'in lines of a sane length'
for words in --help -h; do
    form 0 "$words" '*'
    ok 'the same text' cmp "$TMP/out" "$TMP/help"
done
form 0 'help key' 'latchkey key list *'
is "$(grep -c '^latchkey key ' "$TMP/out")" 8 'shows that verb'
unlike "$(cat "$TMP/out")" '*latchkey user*' 'and no other'
# Of every verb, by both of its forms.
sed -n '/^latchkey /{ s/^latchkey //; s/  .*//; s/ [A-Z[|].*//; p; }' "$TMP/help" >"$TMP/verbs"
ok 'help has its verbs' test "$(wc -l <"$TMP/verbs")" -gt 20
while read -r verb; do
    form 0 "$verb --help" "latchkey $verb*Exit codes*"
    form 0 "$verb -h" "latchkey $verb*Exit codes*"
done <"$TMP/verbs"
form 0 'user passwd alice bob --help' 'latchkey user passwd NAME*'
form 0 'backup FILE --help' 'latchkey backup FILE*'
form 0 'user --help' 'latchkey user add *latchkey user list *'
form 1 'help nothing' 'latchkey: help: no such verb; latchkey help lists them all'
form 0 version 'latchkey [0-9]*.[0-9]* (* [0-9]*)'
form 0 --version 'latchkey [0-9]*.[0-9]* (* [0-9]*)'

# --- what is wrong, and what would be right
form 100 '' 'latchkey: usage: a verb is needed?latchkey help lists all verbs'
form 100 nothing 'latchkey: usage: no such verb: nothing?latchkey help lists all verbs'
form 100 --nothing 'latchkey: usage: no such option: --nothing?latchkey help lists all verbs'
form 100 -v 'latchkey: usage: no such option: -v?*'
form 100 'user add' 'latchkey: usage: something is missing?latchkey user add NAME *'
form 100 'user add a b' 'latchkey: usage: too many words?latchkey user add NAME *'
form 100 'backup a b c d' 'latchkey: usage: too many words?latchkey backup FILE*'
form 100 'a b c d e f g h i j k l m' 'latchkey: usage: too many words?*'
form 100 'user nothing' 'latchkey: usage: no such verb: user nothing?latchkey user add *'
form 100 user 'latchkey: usage: no such verb: user?latchkey user add *'
form 100 'nothing secret' 'latchkey: usage: no such verb: nothing?latchkey help lists all verbs'
form 100 usr 'latchkey: usage: no such verb: usr; did you mean user??latchkey help lists all verbs'
form 100 'usr add ann' 'latchkey: usage: no such verb: usr add; did you mean user add??latchkey help lists all verbs'
form 100 'user lst' 'latchkey: usage: no such verb: user lst; did you mean user list??latchkey user add *'
form 100 'chekc --repair' 'latchkey: usage: no such verb: chekc; did you mean check??latchkey help lists all verbs'
form 100 'bakup FILE' 'latchkey: usage: no such verb: bakup; did you mean backup??latchkey help lists all verbs'
form 100 'user list --jsno' 'latchkey: usage: no such option: --jsno; did you mean --json??latchkey user add *'
form 100 'user list --epoch' "latchkey: usage: this verb doesn't take the option --epoch?latchkey user list *"
form 100 'user list --json=1' 'latchkey: usage: --json takes no value?*'
form 100 'user list --dir' 'latchkey: usage: --dir needs a value?*'
form 100 'user list --dir=' 'latchkey: usage: --dir needs a value?*'
form 100 '--dir x serve' 'latchkey: usage: serve must be the first word?latchkey serve *'
form 100 'serve --nothing' 'latchkey: SE1: --nothing: not understood; latchkey serve \[ADDR:PORT*'
for line in backup 'backup a b' restore 'restore a b' 'check --epoch' 'key rotate --repair' user 'user list a' 'user list --all' \
    'key use' 'audit --since' 'init dir' 'verify a' 'user list -j'; do
    form 100 "$line --dir $TMP" 'latchkey: usage: *?latchkey *'
done
# Words that don't go together are judged by the verb.
for line in 'session revoke' 'session revoke a --user b'; do
    form 100 "$line --dir $TMP" 'latchkey: session revoke: either the id of a session or --user NAME'
done
for line in 'key retire' 'key retire x --old'; do form 100 "$line --dir $TMP" 'latchkey: key retire: either a kid or --old'; done
for line in 'key export --use x' 'key export --all x'; do
    form 100 "$line --dir $TMP" 'latchkey: key export: --use is access or refresh; --all takes no kid'
done
form 100 "audit --since soon --dir $TMP" 'latchkey: audit: --since is a duration (2h) or Unix seconds'

# --- before `latchkey init`: nothing is made, and what to do is said
for verb in 'user list' 'session list' 'key list' 'key rotate' audit stats verify check 'backup x' 'restore x' 'clock trust' 'key export'; do
    form 111 "$verb --dir $D" "latchkey: *$D: No such file or directory; latchkey init makes it"
done
form 111 "serve --dir $D" "*latchkey: SE4: $D: No such file or directory; latchkey init makes it"
form 0 "config --dir $D" '*access_ttl *15m *'
cd "$TMP" || exit 1
form 0 'config --dir .' '*access_ttl *15m *'
form 0 'config --dir ./' '*access_ttl *15m *'
LATCHKEY_DIR=$D form 111 'user list' "latchkey: *$D: No such file or directory; latchkey init makes it"
nok 'and nothing was made' test -e "$D"
done_testing
