# shellcheck shell=sh
# lib.sh: TAP for shell tests, and servers that end with them. Sourced first thing:
#   . "$(dirname "$0")/lib.sh"
# and the last line is `done_testing`. `make test` sets LATCHKEY (the binary under test), LK_BUILD
# (its build folder) and LK_B (the variant); by hand the product itself is tested.

set -u
TOP=$(cd "$(dirname "$0")/.." && pwd)
LATCHKEY=${LATCHKEY:-$TOP/latchkey}
LK_BUILD=${LK_BUILD:-$TOP/build/musl}
LK_B=${LK_B:-musl}
export TOP LATCHKEY LK_BUILD LK_B
# Where Debian has its servers, chroot and mkfs; an ordinary user's path doesn't.
export PATH="$PATH:/usr/sbin:/sbin"
# Debian 13 gives a user who logs in 002. A configuration that a test writes would then be open to others, which check finds.
umask 022

t_count=0 t_failed=0 t_pids='' t_started='' t_dir='' t_done=0

# is_ours PID: a child of this shell. The number of one that has ended, and that the shell has waited for in passing, may soon be another process's.
is_ours() { grep -qsxE "PPid:[[:space:]]+($$|$(exec sh -c 'echo $PPID'))" "/proc/$1/status"; }

# told_to_end PID: that process was sent a signal; waits until it has ended, if it is a child of this shell. A signal that came between its fork and its exec met the
# shell's own handler and is lost, so it is sent again.
told_to_end() {
    t_tries=0
    while runs "$1" && is_ours "$1"; do
        sleep 0.02
        t_tries=$((t_tries + 1))
        [ $((t_tries % 50)) -ne 0 ] || kill "$1" 2>/dev/null || :
    done
    wait "$1" 2>/dev/null || :
}

t_cleanup() {
    status=$?
    trap - EXIT INT TERM
    for pid in $t_started; do ! is_ours "$pid" || t_pids="$t_pids $pid"; done
    for pid in $t_pids; do kill "$pid" 2>/dev/null || :; done
    for pid in $t_pids; do told_to_end "$pid"; done
    # What a test mounted below stays out of it: an rm -rf through a bound /dev empties the machine's.
    [ -z "$t_dir" ] || rm -rf --one-file-system "$t_dir"
    [ "$t_done" -eq 1 ] || { fail "$0 ended before done_testing"; [ "$status" -ne 0 ] || status=1; }
    exit "$status"
}
trap t_cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# only_in WORD...: the test ends here, skipped, where this is none of the variants that are named or none of the
# processors: only_in musl cross x86_64. not_in VARIANT WHY...: or where it is that variant.
skip_all() {
    t_done=1
    echo "1..0 # SKIP $*"
    exit 0
}
only_in() {
    t_variants='' t_processors=''
    for t_word; do
        case $t_word in
        musl | glibc | clang | asan | msan | cov | cross | pg) t_variants="$t_variants $t_word" ;;
        *) t_processors="$t_processors $t_word" ;;
        esac
    done
    case "${t_variants:- ${LK_B%%/*}} " in *" ${LK_B%%/*} "*) ;; *) skip_all "only in$t_variants" ;; esac
    case "${t_processors:- $(uname -m)} " in *" $(uname -m) "*) ;; *) skip_all "only on$t_processors" ;; esac
}
not_in() {
    [ "${LK_B%%/*}" != "$1" ] || skip_all "$@"
}

diag() { printf '%s\n' "$*" | sed 's/^/# /'; }

# A check that fails says what it got, and ends with 1, so that its test can add what else it knows: is … || diag "$(cat log)"
told() {
    for t_line; do diag "$t_line"; done
    return 1
}
t_result() { # STATUS NAME
    t_count=$((t_count + 1))
    if [ "$1" -eq 0 ]; then
        printf 'ok %d - %s\n' "$t_count" "$2"
    else
        t_failed=$((t_failed + 1))
        printf 'not ok %d - %s\n' "$t_count" "$2"
        return 1
    fi
}

# ok NAME COMMAND...: passes when the command succeeds; its output is shown when it doesn't.
ok() {
    t_name=$1
    shift
    t_text=$("$@" 2>&1)
    t_status=$?
    t_result $t_status "$t_name" && return
    told "exit $t_status: $*" "$t_text"
}

# nok NAME COMMAND...: passes when the command fails.
nok() {
    t_name=$1
    shift
    if t_text=$("$@" 2>&1); then
        t_result 1 "$t_name" || told "succeeded: $*" "$t_text"
    else
        t_result 0 "$t_name"
    fi
}

# is GOT WANT NAME; isnt; like GOT PATTERN NAME (a shell pattern, *x* for contains); unlike
is() {
    [ "$1" = "$2" ]
    t_result $? "$3" || told "got:  $1" "want: $2"
}
isnt() {
    [ "$1" != "$2" ]
    t_result $? "$3" || told "got what it should not be: $1"
}
like() {
    # shellcheck disable=SC2254  # a pattern on purpose
    case $1 in $2) t_result 0 "$3" ;; *) t_result 1 "$3" || told "got:  $1" "like: $2" ;; esac
}
unlike() {
    # shellcheck disable=SC2254
    case $1 in $2) t_result 1 "$3" || told "got:    $1" "unlike: $2" ;; *) t_result 0 "$3" ;; esac
}

# promise KEY POINTS FAILURES CONTROL: what a harness found, for the table of docs/reliability.md (torture.sh says how).
promise() {
    diag "promise $1: $2 points, $3 failures; control: $4"
    [ -z "${TORTURE_LOG-}" ] || printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" >>"$TORTURE_LOG"
}

pass() { t_result 0 "$1"; }
fail() { t_result 1 "$1"; }

done_testing() {
    t_done=1
    echo "1..$t_count"
    [ "$t_failed" -eq 0 ] && [ "$t_count" -gt 0 ]
    exit
}

# report COMMAND...: a program that prints the test's whole TAP, with the plan; it is kept in $TMP/tap. The test then ends
# with done_reported.
report() { tmpdir; "$@" | tee "$t_dir/tap"; }
done_reported() {
    t_done=1
    grep -q '^1\.\.[1-9]' "$t_dir/tap" && ! grep -q '^not ok' "$t_dir/tap"
    exit
}

# count_all: what the program does as somebody else counts, too, in the coverage build.
count_all() { [ "$LK_B" != cov ] || chmod -R a+rwX "$LK_BUILD"; }

# tmpdir: makes $TMP, once; gone at exit.
tmpdir() {
    [ -z "$t_dir" ] || return 0
    t_dir=$(mktemp -d) || exit 1
    # shellcheck disable=SC2034  # for the test
    TMP=$t_dir
}

# free_port [COUNT]: prints the first of COUNT (40) loopback ports in a row that are this test's until it ends, whatever
# else runs on the machine: tests/ports.pl keeps them. What is put there must set SO_REUSEADDR, as servers do.
free_port() {
    perl "$TOP/tests/ports.pl" "${1-40}" $$
}

t_listening() { # without connecting: a one-shot server would take that for its request
    grep -qiE "^ *[0-9]+: [0-9A-F]+:$(printf '%04X' "$1") [0-9A-F]+:0000 0A" /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# start NAME COMMAND...: runs it in the background, output in $TMP/NAME.log, pid in $NAME_pid;
# ended at exit. stop NAME ends it now and waits.
start() {
    tmpdir
    t_name=$1
    shift
    "$@" </dev/null >"$t_dir/$t_name.log" 2>&1 &
    eval "${t_name}_pid=$!"
    t_started="$t_started $!"
}
stop() {
    t_pid=''
    eval "t_pid=\$${1}_pid"
    ! is_ours "$t_pid" || kill "$t_pid" 2>/dev/null
    told_to_end "$t_pid"
    t_started=$(printf ' %s ' "$t_started" | sed "s/ $t_pid / /")
}

# runs PID: that process runs; one that has ended and that nobody has waited for doesn't. Where process 1 is no init, as in a container, an
# orphan stays so.
runs() {
    t_stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    case ${t_stat##*) } in [ZX]*) return 1 ;; esac
}

# children_of PID: their pids, in a line.
children_of() { cat "/proc/$1/task/$1/children" 2>/dev/null; }

# eventually COMMAND...: until it succeeds, a minute at most: on a busy machine that may be long. For what a server does after it has answered.
eventually() {
    t_tries=0
    until "$@" >/dev/null 2>&1; do
        t_tries=$((t_tries + 1))
        [ "$t_tries" -lt 1200 ] || { diag "in vain: $*"; return 1; }
        sleep 0.05
    done
}

# wait_port PORT: until something listens on it, a minute at most.
wait_port() {
    t_tries=0
    until t_listening "$1"; do
        t_tries=$((t_tries + 1))
        [ "$t_tries" -lt 1200 ] || { diag "nothing listens on port $1"; return 1; }
        sleep 0.05
    done
}

# wait_trace FILE: until strace -D, which ends after what it traces, has written its last line.
wait_trace() {
    t_tries=0
    until tail -n 1 "$1" | grep -q '+++$'; do
        t_tries=$((t_tries + 1))
        [ "$t_tries" -lt 1200 ] || { diag "no end of $1"; return 1; }
        sleep 0.05
    done
}

# lk_init DIR: a data directory with cheap passwords, for tests.
lk_init() {
    "$LATCHKEY" init --dir "$1" >/dev/null
}
