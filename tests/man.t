#!/bin/sh
# The man pages: their form, and whether they tell of every verb and of every option.
# needs: mandoc python3
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: reads text alone
tmpdir
lk_init "$TMP/data"
cd "$TOP/docs" || exit 1
PAGES='latchkey.8 latchkey.conf.5'

for page in $PAGES; do
    if command -v mandoc >/dev/null; then
        is "$(mandoc -Tlint -W style "$page" 2>&1 | grep -v 'referenced manual not found\|unknown manual section')" '' "$page: mandoc finds nothing"
        is "$(mandoc -Tascii "$page" | col -b | awk 'length > 78')" '' "$page fits a terminal"
    fi
done

# --- verbs: their words, and the options of each, as `latchkey help` has them
plain() { sed -e 's/Fl Fl \([a-z]\)/--\1/g' -e 's/ Oc\| Oo\| Op\| Cm\| Ar\| Pq\| Ns//g' "$1"; }
"$LATCHKEY" help | sed -n 's/^latchkey \(.*[^ ]\)   *[^ ].*/\1/p' >"$TMP/verbs"
ok 'help has its verbs' test "$(wc -l <"$TMP/verbs")" -gt 20
while read -r usage; do
    words=$(printf '%s\n' "$usage" | sed 's/ *[A-Z[|].*//')
    page=$(plain latchkey.8 | grep -E "^\.It (Nm )?(Cm )?$words( |$)|^\.It Nm $words")
    isnt "$page" '' "latchkey.8 has $words"
    for option in $(printf '%s\n' "$usage" | grep -o -- '--[a-z]*'); do
        like "$page" "*$option*" "with $option"
    done
done <"$TMP/verbs"
for code in 0 1 100 111; do
    ok "latchkey.8 has exit code $code" grep -qx ".It $code" latchkey.8
done

# --- options: name and default
"$LATCHKEY" config --json --dir "$TMP/data" | python3 -c '
import json, sys
for o in json.load(sys.stdin):
    print(o["name"], o["default"])' >"$TMP/options"
ok 'config has its options' test "$(wc -l <"$TMP/options")" -ge 17
while read -r name default; do
    text=$(awk -v name="$name" '/^\.It/ { on = $3 == name } on' latchkey.conf.5 | tr '\n' ' ')
    isnt "$text" '' "latchkey.conf.5 has $name"
    case $default in
    '') like "$text" '*The default is*' "$name: something is said of its default" ;;
    *) like "$text" "*The default is*$default*" "$name: $default by default" ;;
    esac
done <"$TMP/options"
is "$(grep -c '^\.It Ic' latchkey.conf.5)" "$(wc -l <"$TMP/options")" 'and no other option'

# --- the example is a good file
sed -n '/^\.Bd -literal/,/^\.Ed/p' latchkey.conf.5 | sed '1d;$d' >"$TMP/data/latchkey.conf"
ok 'the example of latchkey.conf.5 is good' "$LATCHKEY" config --dir "$TMP/data"

done_testing
