#!/bin/sh
# No input crashes, hangs or makes it read past its end: the corpora that libFuzzer found (make fuzz), each input twice, by
# the build under test. And each fault of tests/fuzz/broken ends the target that it is put into. With TORTURE=1 each
# target is also fuzzed for FUZZ_SECONDS (60).
. "$(dirname "$0")/lib.sh"
not_in cross 'libFuzzer'\''s corpora by instrumented builds; each room'\''s own test runs'
cd "$TOP" || exit 1
if [ -w /dev/shm ]; then TMPDIR=/dev/shm tmpdir; else tmpdir; fi
export TMPDIR="$TMP" # where what ends by a fault leaves its files
inputs=0 caught=0 faults=0

# What was written by hand (tests/fuzz/seeds) beside what was found.
mkdir "$TMP/own" "$TMP/packs"
while read -r target input; do
    number=$((${number-100} + 1))
    printf '%b' "$input" >"$TMP/own/$target.$number"
done <tests/fuzz/seeds
for pack in tests/fuzz/corpus/*; do
    # SQLite instrumented is slow: every tenth sequence there.
    case $LK_B:${pack##*/} in asan:sequence | msan:sequence | asan:database | msan:database) every=10 ;; *) every=1 ;; esac
    mkdir "$TMP/all"
    "$LK_BUILD/fuzz/base64url" --unpack "$TMP/all" <"$pack"
    # shellcheck disable=SC2046  # a list of names that we made
    "$LK_BUILD/fuzz/base64url" --pack $(find "$TMP/all" -type f | LC_ALL=C sort | awk -v n=$every 'NR % n == 0') \
        "$TMP/own/${pack##*/}".* >"$TMP/packs/${pack##*/}"
    rm -r "$TMP/all"
done
replay() { timeout 1200 "$1" "$TMP/packs/$2" >"$TMP/out" 2>&1; }
# By a breach, a signal or a sanitizer, not by a file that isn't there or time that is over.
found() {
    replay "$@"
    case $? in 0 | 2 | 100 | 124 | 125 | 126 | 127) return 1 ;; esac
}

for pack in tests/fuzz/corpus/*; do
    target=${pack##*/} failures=$t_failed
    ok "$target: every input of its corpus, twice" replay "$LK_BUILD/fuzz/$target" "$target"
    diag "$(tail -n 20 "$TMP/out")"
    count=$(sed -n 's/ inputs$//p' "$TMP/out" | grep . || echo 0)
    inputs=$((inputs + count))
    [ "$target" != worker ] || batches=$count batch_failures=$((t_failed - failures))
done
failures=$t_failed
targets=$(cd tests/fuzz && printf '%s\n' *.c | sed 's/\.c$//' | grep -v '^entry$')
is "$(ls tests/fuzz/corpus)" "$targets" 'every target has a corpus'

while read -r name target _; do
    [ -e "tests/fuzz/$target.c" ] || continue
    faults=$((faults + 1))
    if found "$LK_BUILD/broken/$name" "$target"; then
        pass "$target finds the fault $name"
        caught=$((caught + 1))
        [ "$target" != worker ] || batch_caught=$((${batch_caught-0} + 1))
    else
        fail "$target finds the fault $name"
    fi
done <tests/fuzz/broken
is "$(cut -d' ' -f2 tests/fuzz/broken | sort -u | grep -vE '^(timing|latchkey|json_corpus|model)$')" "$targets" 'every target has a fault to find'

# --- what `database` asks for: each route, and each verb that knows of rows
known() { grep -qF "\"$1" tests/fuzz/database.c || echo "$1"; }
is "$(sed -n 's/^\t{ METHOD_[A-Z]*, *"\([^"]*\)".*/\1/p' auth.c | while read -r path; do known "$path"; done)" '' 'database asks every route'
is "$("$LATCHKEY" help | sed -n 's/^latchkey \([a-z]*\( [a-z][a-z]*\)*\) .*/\1/p' | grep -vxE 'config|serve|version|help|key publish' |
    while read -r verb; do known "$verb"; done)" '' 'and every verb that knows of rows'
like "$(known 'no such verb')" 'no such verb' 'control: another is missed'

if [ -n "${TORTURE-}" ]; then
    ok 'libFuzzer finds nothing more' make -s fuzz NEED=: T= SECONDS="${FUZZ_SECONDS:-60}"
    failures=$t_failed
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' build/fuzz/*.log | awk '{ sum += $1 } END { print sum }')
    diag "$executions executions"
    inputs=$((inputs + executions))
    batches=$((batches + $(sed -n 's/^stat::number_of_executed_units: *//p' build/fuzz/worker.log)))
fi
promise batch "$batches" "$batch_failures" "a build that tells all of a batch so, one that loses what is behind a request: ${batch_caught-0} of 2 found"
promise input "$inputs" "$failures" "$caught of $faults planted faults found"

# --- tokens: what base64_test.c and jwt_test.c ask beside it
for unit in base64 jwt; do "$LK_BUILD/tests/$unit.t" || echo "not ok - $unit"; done >"$TMP/jwt"
bad=$(grep -c '^not ok' "$TMP/jwt")
is "$bad" 0 "base64_test.c and jwt_test.c pass: $(grep -E '^1\.\.' "$TMP/jwt" | paste -sd ' ')"
promise jwt "$(grep -cE '^(not )?ok' "$TMP/jwt")" "$bad" "jwt-any-header and jwt-more-claims of tests/fuzz/broken found"
done_testing
