#!/bin/sh
# The pins of tools/deps.sh: what was fetched is refused when a file is changed, added or missing, whatever its name, and when
# something lies there that is no file.
. "$(dirname "$0")/lib.sh"
only_in musl
tmpdir
mkdir -p "$TMP/tools" "$TMP/deps/one/inc"
cp tools/deps.sh tools/patient.sh "$TMP/tools"
echo 'int x;' >"$TMP/deps/one/inc/one.h"
pin() { "$TMP/tools/deps.sh" --pin one; }
was=$(pin)
like "$was" '????????????????????????????????????????????????????????????????' 'a pin is a SHA-256'
is "$(pin)" "$was" 'the same files have the same pin'

# differs NAME COMMAND...: after the command the pin is another one; then what it made is taken away.
differs() {
    name=$1
    shift
    cp -a "$TMP/deps/one" "$TMP/kept"
    (cd "$TMP/deps/one" && "$@")
    isnt "$(pin)" "$was" "$name: another pin"
    rm -rf "$TMP/deps/one"
    mv "$TMP/kept" "$TMP/deps/one"
}
differs 'a changed file' sh -c 'echo "int y;" >inc/one.h'
differs 'one more file' sh -c 'echo >two.h'
differs 'one with blanks in its name' sh -c 'echo >"inc/e vil.h"'
differs 'one with a line end in its name' sh -c 'echo >"inc/e
vil.h"'
differs 'a file less' rm inc/one.h
differs 'another name' mv inc/one.h inc/two.h
differs 'a link beside them' ln -s /etc/passwd inc/string.h
differs 'a link to a directory' ln -s /etc inc/sys
differs 'a pipe' mkfifo inc/pipe.h
is "$(pin)" "$was" 'without them it is the pin of before'
done_testing
