# shellcheck shell=sh
# lib.sh: what the scripts of bench/ share. Sourced first thing:  . "$(dirname "$0")/lib.sh"
# It's the tests' own (start, stop, free_port, $TMP; data, ask, login, refresh), without TAP.
. "$(dirname "$0")/../tests/lib.sh"
. "$TOP/tests/calls.sh"
# shellcheck disable=SC2034  # of tests/lib.sh: an end without done_testing is no fault here
t_done=1
tmpdir
# shellcheck disable=SC2034  # for the scripts
BENCH=$TOP/build/bench
# shellcheck disable=SC2034
DATA_OUT=$TOP/bench/data
PAGE_OUT=$TOP/docs/benchmarks.md

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# section NAME: stdin becomes the part of docs/benchmarks.md between <!-- NAME --> and <!-- end of NAME -->.
section() {
    cat >"$TMP/section"
    grep -q "^<!-- $1 -->\$" "$PAGE_OUT" || die "no part $1 in docs/benchmarks.md"
    awk -v name="$1" -v part="$TMP/section" '
        $0 == "<!-- " name " -->" { print; while ((getline line < part) > 0) print line; skip = 1 }
        $0 == "<!-- end of " name " -->" { skip = 0 }
        !skip' "$PAGE_OUT" >"$TMP/page"
    cat "$TMP/page" >"$PAGE_OUT"
    cat "$TMP/section"
}

# Of numbers on stdin, one to a line.
median() { sort -n | awk '{ n[NR] = $1 } END { print n[int((NR + 1) / 2)] }'; }

# host: what the figures are of, in words.
host() { echo "$(uname -sm) $(uname -r), $(nproc) cores, $(date -u +%F), $("$LATCHKEY" version | head -n 1)"; }
