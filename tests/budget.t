#!/bin/sh
# What a request may cost: bench/budgets holds instructions, system calls, bytes and syncs of each, counted
# by bench/count.sh. Whoever makes one dearer by over 5 % says so in the same commit, by `make budgets`; and
# whoever makes one cheaper by over 15 %, so that the budgets stay near what is true.
# needs: strace valgrind
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: valgrind counts this machine's instructions
tmpdir
BUDGETS=$TOP/bench/budgets

# held BUDGETS COUNTED: a line of TAP words for each figure: ok or what is wrong, then what it is.
held() {
    awk '
        /^# of/ { line[FILENAME] = $0; next }
        /^#/ { for (i = 2; i <= NF; i++) column[i - 1] = $i; next }
        NR == FNR { for (i = 2; i <= NF; i++) budget[$1, i] = $i; known[$1] = 1; next }
        # Another compiler makes other instructions; what is asked of the kernel is the same.
        { same = line[ARGV[1]] == line[ARGV[2]]
          if (!($1 in known)) { print "no budget: " $1; next }
          delete known[$1]
          for (i = same ? 2 : 3; i <= NF; i++) {
              was = budget[$1, i]
              verdict = $i > was * 1.05 ? "dearer" : $i < was * 0.85 ? "cheaper" : "ok"
              printf "%s: %s, %s: %d of %d\n", verdict, $1, column[i], $i, was
          } }
        END { for (name in known) print "not counted: " name }' "$1" "$2"
}

ok 'requests are counted' sh -c '"$1" >"$2"' - "$TOP/bench/count.sh" "$TMP/counted"
held "$BUDGETS" "$TMP/counted" >"$TMP/held"
while IFS= read -r line; do
    case $line in
    ok:*) pass "within its budget: ${line#ok: }" ;;
    *) fail "$line (if it is meant: make budgets)" ;;
    esac
done <"$TMP/held"
# Three figures each, and where the compiler is theirs the instructions too.
ok 'each line of it was held' test "$(wc -l <"$TMP/held")" -ge $((3 * $(grep -c '^[a-z]' "$BUDGETS")))

is "$(awk '$1 == "login" { login = $2 } $1 == "code" { code = $2 } END { print (code > 0 && code <= 1.1 * login ? "yes" : code " of " login) }' "$TMP/counted")" yes \
    'a client redeems a code for at most 1.1 times what a sign-in costs without its hash'

# --- sixteen passkeys are eight pages more of a user's row, which a refresh doesn't read
# dearer COUNTED: whether the keyed refresh takes 1 % more instructions than the other, or over two system calls more: by chance it may be two
dearer() {
    awk '$1 == "refresh" { instructions = $2; calls = $3 }
        $1 == "keyed" { print ($2 > instructions * 1.01 || $3 > calls + 2 ? "dearer" : "the same") }' "$1"
}
# What a row opens by chance isn't the keys': another count, then.
cp "$TMP/counted" "$TMP/both"
for _ in 1 2 3; do
    [ "$(dearer "$TMP/both")" = dearer ] || break
    "$TOP/bench/count.sh" refresh keyed >"$TMP/both"
done
is "$(dearer "$TMP/both")" 'the same' 'a refresh of a user with sixteen passkeys costs within 1 % of what any costs'
ok 'the same is counted of a program that reads them' sh -c 'LATCHKEY=$1 NAMED=$1 "$2" refresh keyed >"$3"' - "$LK_BUILD/broken/keys-always" "$TOP/bench/count.sh" "$TMP/always"
is "$(dearer "$TMP/always")" dearer 'control: which costs more'

# --- what a request runs stands at the executable's beginning (tools/order.ld)
named() { sed -n 's/^\*(\.text\.\([^ ]*\) .*/\1/p' "$1" | sort; }
# strays ORDER: of the functions that requests run, those that stand elsewhere, in percent.
strays() {
    named "$TMP/order" >"$TMP/run"
    named "$1" | comm -23 "$TMP/run" - >"$TMP/strays"
    echo $((100 * $(wc -l <"$TMP/strays") / $(wc -l <"$TMP/run")))
}
ok 'what requests run is found' sh -c '"$1" >"$2"' - "$TOP/bench/order.sh" "$TMP/order"
ok 'it is some hundreds of functions' test "$(named "$TMP/order" | wc -l)" -gt 400
# Another compiler makes other functions of the same source.
if [ "$(head -n 1 "$BUDGETS")" = "$(head -n 1 "$TMP/counted")" ]; then
    elsewhere=$(strays "$TOP/tools/order.ld")
    ok "at most 5 % of them stand elsewhere ($elsewhere %, the first $(head -n 1 "$TMP/strays"); if it is more: make order)" test "$elsewhere" -le 5
fi
grep -v sqlite "$TOP/tools/order.ld" >"$TMP/less"
ok 'control: without those of SQLite many would' test "$(strays "$TMP/less")" -gt 20

# --- what it would find: each figure of one request moved over its bound
moved() { # FACTOR: the counted ones, refresh moved by it
    awk -v by="$1" '$1 == "refresh" { for (i = 2; i <= NF; i++) $i = int($i * by) } { print }' "$TMP/counted" >"$TMP/moved"
    held "$TMP/counted" "$TMP/moved" | grep -v '^ok: ' | cut -d : -f 1 | sort | uniq -c | tr -s ' \n' ' '
}
is "$(moved 1.10)" ' 3 dearer ' 'a refresh that is 10 % dearer is found'
is "$(moved 1.04)" '' 'one that is 4 % dearer passes'
is "$(moved 0.80)" ' 3 cheaper ' 'one that is 20 % cheaper wants new budgets'
done_testing
