#!/bin/sh
# torture.sh [TEST...]: the long form of every harness behind a promise, one after another, and the
# table of docs/reliability.md from what they found. Run by `make torture`.
#
# A harness is a tests/*.t or tests/router/*.t that calls `promise` (lib.sh). With TORTURE=1 it does its long form, and
# appends to the file $TORTURE_LOG a line for each promise:
#     key<TAB>points tried<TAB>failures<TAB>what became of its negative control
# Rows of harnesses that aren't run this time stay in the table as they are. Ends with 1 where a
# harness failed, reported a failure, or reported nothing (but with ONLY: figures promise nothing); what it printed is in build/torture.
set -u
cd "$(dirname "$0")/.." || exit 1
PAGE=docs/reliability.md
OUT=build/torture
TAB=$(printf '\t')

# The promises, in the order of the table: what a key begins with, up to its first '/', and its words.
WORDS='
fault	A process killed at any system call, or one that fails: nothing answered is lost
init	The same while a data directory is made: the next init finishes it
power	A power cut at any moment: no corruption, nobody signed out, no end undone
client	A client, in any runtime and killed at any moment: nobody is signed out
crowd	Any number of processes: one line of succession, no 5xx but busy, no starvation
trouble	A full disk, a wrong file, a missing right: 503, and no session ends
router	A router, booted: every story, on every file system that routers have
clock	A wrong clock: nothing expires early, nothing comes back
ahead	The clock that was ahead: nobody is shut out once it is right
memory	Memory that runs out: 503, no crash
input	No input crashes it, hangs it or is read past its end
json	JSON is RFC 8259, no more and no less
jwt	A token has one algorithm, one header, one spelling
timing	Time tells nothing
sandbox	A broken process can do little
greedy	Slow and greedy peers cost little
shared	Who stays in step with a stolen token is found; no lawful client is signed out for it
turn	The turn of the store is never held while a client is waited for
verify	A guarded request is judged by its credential, whatever else it says
herd	Fronts that die or hang, clocks apart, commits that get lost, among clients and thieves: nobody lawful is signed out, every theft is found
cluster	Several hosts on PostgreSQL, of which any is lost at any moment: nobody lawful is signed out, every theft is found, nothing answered is undone
late	A request whose client has gone is not carried out late
lost	A sign-in, sign-up or change of the password whose answer was lost: sent again with its key it is answered, and done once
planted	A cookie that another host has planted hides no session and takes the place of none
batch	One request that fails decides the answer of no other
secrets	No secret leaks
guess	Guessing passwords is throttled, the right one gets in
behind	A program behind the door: whoever is signed in is refused nothing, for as long as a browser is used
storage	A store of the client that fails, hangs or forgets signs nobody out
restore	Whatever is copied over the database, in whatever order: the state of the copy, the one before, or a refusal with words
messages	What a message advises helps, in the state that it is about
backup	A copy is whole, whatever goes on; put back, it signs out nobody it knows
'

harnesses() { grep -lE '^ *promise ' tests/*.t tests/router/*.t; }

# row HARNESS: lines of the protocol to rows of the table.
row() {
    today=$(date -u +%Y-%m-%d)
    version=$("$LATCHKEY" version | cut -d ' ' -f 2)
    awk -F "$TAB" -v harness="$1" -v run="$today, $version, Linux $(uname -r)" -v words="$WORDS" '
        BEGIN { n = split(words, line, "\n"); for (i = 1; i <= n; i++) { split(line[i], p, "\t"); text[p[1]] = p[2] } }
        { key = $1; part = ""; if (at = index(key, "/")) { part = " (" substr(key, at + 1) ")"; key = substr(key, 1, at - 1) }
          printf "| %s%s | %d | %d | %s | `%s` | %s |\n", key in text ? text[key] : key, part, $2, $3, $4, harness, run }'
}

# One line "rank<TAB>row" for each row on stdin, so that sort(1) gives the table its order.
ranked() {
    awk -v words="$WORDS" '
        BEGIN { n = split(words, line, "\n"); for (i = 1; i <= n; i++) { split(line[i], p, "\t"); text[i] = p[2] } }
        { rank = 99; for (i = 1; i <= n; i++) if (text[i] != "" && index($0, "| " text[i]) == 1) rank = i; printf "%02d\t%s\n", rank, $0 }' |
        sort -s -k 1,1 | cut -f 2-
}

# kept HARNESS: the rows of the others. With ONLY, which some harnesses know, those of its other parts, too.
kept() {
    if [ -n "${ONLY-}" ]; then
        awk -F '|' 'FILENAME == ARGV[1] { new[$2]; next } !($2 in new)' "$OUT/new" "$OUT/rows"
    else
        grep -v "| \`$1\` |" "$OUT/rows"
    fi
}

fill() { # the page with the rows of $OUT/rows between its marks
    awk -v rows="$OUT/rows" '
        /^<!-- torture: / { print; print ""; print "| promise | points tried | failures | control | by | run |"
                            print "|---|---|---|---|---|---|"; while ((getline line < rows) > 0) print line; print ""; skip = 1; next }
        /^<!-- end -->/   { skip = 0 }
        !skip' "$PAGE" >"$OUT/page" && cat "$OUT/page" >"$PAGE"
}

mkdir -p "$OUT"
failed=0
# shellcheck disable=SC2046  # a list
[ $# -gt 0 ] || set -- $(harnesses)
sed -n '/^<!-- torture: /,/^<!-- end -->/p' "$PAGE" | grep '^| ' | grep -v '^| promise |' >"$OUT/rows"
for harness; do
    name=$(basename "$harness" .t)
    : >"$OUT/$name.log"
    echo "torture: $harness"
    TORTURE=1 TORTURE_LOG=$PWD/$OUT/$name.log timeout -k 9 "${TORTURE_SECONDS-7200}" "$harness" >"$OUT/$name.tap" 2>&1 </dev/null
    status=$?
    row "$harness" <"$OUT/$name.log" >"$OUT/new"
    kept "$harness" >"$OUT/kept"
    cat "$OUT/kept" "$OUT/new" | ranked >"$OUT/rows"
    fill
    cat "$OUT/new"
    if [ "$status" -ne 0 ] || { [ -z "${ONLY-}" ] && ! [ -s "$OUT/$name.log" ]; } || cut -f 3 "$OUT/$name.log" | grep -qv '^0$'; then
        echo "torture: $harness FAILED, see $OUT/$name.tap" >&2
        failed=1
    fi
done
exit $failed
