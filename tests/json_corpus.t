#!/bin/sh
# JSON is RFC 8259, no more and no less: tests/json_corpus.c, and the files of JSONTestSuite (tools/deps.sh fetches them).
# With TORTURE=1 thirty times as many texts.
# needs: node
. "$(dirname "$0")/lib.sh"
not_in cross 'its readers have no stand-in; json_test runs'
tmpdir
more=1 length=5
[ -z "${TORTURE-}" ] || { more=30 length=6; }
texts=0
program=$LK_BUILD/json_corpus
case $LK_B in musl | glibc | clang) count=300 ;; *) count=60 length=$((length - 1)) ;; esac

run() { "$program" "$@" >"$TMP/out" 2>&1; }
agreed() { # NAME ARGUMENTS...
    name=$1
    shift
    ok "$name" run "$@"
    diag "$(tail -n 3 "$TMP/out")"
    texts=$((texts + $(sed -n 's/ texts, .*//p' "$TMP/out" | grep . || echo 0)))
}
agreed 'texts of every spelling mean what they were made from; what one change makes of them is judged alike' meaning 8259 $((count * more))
agreed "every text of $length words or fewer is judged alike" every "$length"

# --- JSONTestSuite: y_ must be taken, n_ refused, i_ is the reader's choice. The package holds text, so 25 files of bytes
# that aren't UTF-8 have lost them: they get one such byte for each that was lost.
mkdir "$TMP/files"
node=$("$TOP/tests/client/node.sh") || exit 1
"$node" --input-type=module -e '
import { writeFileSync } from "node:fs";
const { default: tests } = await import(process.argv[1]);
for (const { name, input } of tests) {
    const parts = input.split("\ufffd").map((part) => Buffer.from(part));
    const bytes = Buffer.concat(parts.flatMap((part, i) => (i ? [Buffer.from([0xff]), part] : [part])));
    writeFileSync(`${process.argv[2]}/${name}`, bytes);
}' "$TOP/deps/jsontests/parsing.js" "$TMP/files" || exit 1
run judge "$TMP"/files/*.json
is "$(find "$TMP/files" -name '[yni]_*' | wc -l)" 318 'JSONTestSuite is whole'
# RFC 8259, 4, leaves names that come twice to the reader: two readers may differ, so they are refused.
is "$(sed -n '/^valid/d; s/^[a-z-]* \(y_.*\)/\1/p' "$TMP/out")" 'y_object_duplicated_key.json
y_object_duplicated_key_and_value.json' 'all of y_ is taken, but for names that come twice'
is "$(grep '^valid n_' "$TMP/out")" '' 'all of n_ is refused'
# Numbers of any size are JSON, and are refused where an integer is wanted. Whatever isn't UTF-8 is refused, and depth.
is "$(grep -o '^valid i_.*' "$TMP/out" | grep -v i_number)" '' 'of i_ nothing is taken'
is "$(grep -c '^valid i_number' "$TMP/out")" "$(find "$TMP/files" -name 'i_number*' | wc -l)" 'but numbers out of range'
texts=$((texts + 318)) failures=$t_failed

# --- faults that must be found, by at least one of the three
found=0
for fault in json-comma json-surrogate json-depth json-twice json-meaning; do
    program=$LK_BUILD/broken/$fault
    caught=no
    run every 4 && run meaning 8259 $((count / 3)) && run judge "$TMP"/files/*.json || caught=yes
    is "$caught" yes "$fault is found"
    [ "$caught" = no ] || found=$((found + 1))
done
promise json "$texts" "$failures" "$found of 5 planted faults found"
done_testing
