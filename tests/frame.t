#!/bin/sh
# What stands between a test and its reader: tap.sh, prove, lib.sh's frame, ports.pl, the words of `make test T=`, need.sh.
. "$(dirname "$0")/lib.sh"
only_in musl
tmpdir
cd "$TOP" || exit 1

script() { # NAME: a test from stdin
    { echo '#!/bin/sh' && cat; } >"$TMP/$1.t"
    chmod 755 "$TMP/$1.t"
}
AT_ONCE=''
proved() { # NAME...: what prove says of them, as make test runs it
    for t_one; do set -- "$@" "$TMP/$t_one.t" && shift; done
    # shellcheck disable=SC2086  # none, or one
    LK_FAILED=$TMP/failed prove $AT_ONCE --exec 'tests/tap.sh 300' "$@" >"$TMP/proved" 2>&1 9>&1
}

# --- scripts that no test runs in their whole length are at least shell
wrong=''
for script in tests/*.sh tests/router/*.sh tools/*.sh packaging/*.sh bench/*.sh; do
    [ -e "$script" ] || continue
    case $(head -n 1 "$script") in *bash*) shell='bash' ;; *) shell='sh' ;; esac
    wrong="$wrong$("$shell" -n "$script" 2>&1)"
done
is "${wrong-}" '' 'every script parses'

# --- a file that can't go on is one that failed, and the others run
script bails <<'END'
echo 'ok 1 - so far'
echo 'Bail out! no directory'
exit 2
END
script dies <<END
. "$TOP/tests/lib.sh"
pass 'so far'
exit 0
END
script wrong <<END
. "$TOP/tests/lib.sh"
is 1 2 'equal' || diag 'and what is'
like a b 'alike' || diag 'and what like'
ok 'true' false || diag 'and what ok'
fail 'all' || diag 'and what fail knows'
done_testing
END
script good <<END
. "$TOP/tests/lib.sh"
pass 'all is well'
done_testing
END
script elsewhere <<END
. "$TOP/tests/lib.sh"
only_in asan
fail 'not here'
done_testing
END
nok 'a test that bails out, and others' proved bails good
like "$(cat "$TMP/proved")" '*not ok - it bailed out: no directory*bails.t*Failed*good.t .* ok*Result: FAIL*' 'it is a failure of one file, and the next one runs'
unlike "$(cat "$TMP/proved")" '*Result: PASS*' 'nobody reads that all is well'
is "$(sed "s|$TMP/||" "$TMP/failed")" 'bails.t: not ok - it bailed out: no directory' 'what failed is kept for the end of a long run'
nok 'a test that ends before its end' proved dies good
like "$(cat "$TMP/proved")" '*not ok 2 - *dies.t ended before done_testing*good.t .* ok*Result: FAIL*' 'says so, and the next one runs'
nok 'a test whose checks fail' proved wrong
like "$(cat "$TMP/proved")" '*got:  1*and what is*and what like*and what ok*and what fail knows*' 'each can add what its test knows'
ok 'a test that says nothing here, and another' proved elsewhere good
like "$(cat "$TMP/proved")" '*elsewhere.t .* skipped: only in asan*Result: PASS*' 'is shown as skipped, and why'
prove --exec sh "$TMP/bails.t" "$TMP/good.t" >"$TMP/proved" 2>&1
unlike "$(cat "$TMP/proved")" '*good.t .* ok*' 'control: without tap.sh prove stops at the first'

# --- a test that says something on stderr, and nothing more for a while, holds up no other
script waits <<END
. "$TOP/tests/lib.sh"
echo 'I wait' >&2
touch "$TMP/said"
third_began() { [ -e "$TMP/third" ]; }
ok 'the third began meanwhile' eventually third_began
done_testing
END
script third <<END
. "$TOP/tests/lib.sh"
touch "$TMP/third"
pass 'began'
done_testing
END
# It gives prove a second to look at what the first says: else the third could begin before that.
script second <<END
. "$TOP/tests/lib.sh"
said() { [ -e "$TMP/said" ]; }
ok 'the first said so' eventually said
sleep 1
done_testing
END
AT_ONCE=-j2
ok 'two at a time: one waits until the third has begun' proved waits second third || diag "$(cat "$TMP/proved")"
like "$(cat "$TMP/proved")" '*I wait*' 'what it says is shown'
rm "$TMP/third" "$TMP/said"
sed -i 's/eventually third_began/soon/; s/^third_began/soon() { for _ in 1 2 3 4 5 6 7 8; do sleep 0.5; third_began \&\& return; done; return 1; }\n&/' "$TMP/waits.t"
LK_FAILED='' prove -j2 --exec 'tests/tap.sh 20' "$TMP/waits.t" "$TMP/second.t" "$TMP/third.t" >"$TMP/proved" 2>&1
like "$(cat "$TMP/proved")" '*not ok 1 - the third began meanwhile*' "control: by prove's own way with stderr it waits in vain"
AT_ONCE=''

# --- ports: two tests that run at once, wherever they came from, never have the same
first=$(free_port) second=$(free_port)
isnt "$first" "$second" 'two draws differ'
bound() { # PORT REUSE: whether a server could listen there
    perl -MSocket -e 'socket(my $s, AF_INET, SOCK_STREAM, 0); setsockopt($s, SOL_SOCKET, SO_REUSEADDR, $ARGV[1] + 0);
        exit !(bind($s, pack_sockaddr_in($ARGV[0] + 0, INADDR_LOOPBACK)) && listen($s, 1))' "$1" "$2"
}
ok 'a server that this test starts can listen there' bound "$first" 1
ok 'and on the last of them' bound $((first + 39)) 1
nok 'who draws otherwise gets none of them' bound "$first" 0
# Another test may draw one at once when it comes free: one of four, then.
kept=''
for _ in 1 2 3 4; do
    # shellcheck disable=SC2016  # for the inner shell
    kept="$kept $(sh -c 'perl tests/ports.pl 1 $$')"
done
one_is_free() { for port in $kept; do ! bound "$port" 0 || return 0; done; return 1; }
ok 'when the test has ended they are free' eventually one_is_free

# --- what the machine must have: looked for each time, named with its weight, and a word that no row has is an error
nok 'a word that is in no row' tools/need.sh no-such-thing
like "$(tools/need.sh no-such-thing 2>&1)" '*no-such-thing*' 'is named'
mkdir "$TMP/bin"
for tool in sh sed awk sort tr grep env id dirname mktemp rm cat tail cut kill sleep; do ln -s "$(command -v $tool)" "$TMP/bin/$tool"; done
like "$(PATH=$TMP/bin tools/need.sh curl strace 2>&1)" '*missing, and no apt-get*curl strace*' 'what a machine without apt lacks is named'
words=$(sed -n 's/^[#* ]*needs: //p' tests/*.t tests/*_test.c | tr ' ' '\n' | sort -u)
# shellcheck disable=SC2086  # a list; and no apt-get in reach
unlike "$(PATH=$TMP/bin tools/need.sh $words 2>&1)" '*no row*' "each word of a test has a row ($(echo "$words" | wc -l) of them)"

# A program that a test starts, or what it sources, is one that it asks for.
commands=$(sed -n '/^table=/,/^'\''$/p' tools/need.sh |
    awk 'NF == 3 && $1 !~ /^(build|deps|run|test|peers|deb|clang|cov|cross-.*|qemu|lint|fresh)$/ { sub("^/usr/bin/", "", $2); if ($2 !~ /\//) print $2 "=" $1 }')
unasked() { # FILE...: "test: program" for each that it doesn't ask for
    awk -v commands="$commands" -v quote="'" '
        BEGIN { n = split(commands, pair, "\n"); for (i = 1; i <= n; i++) { split(pair[i], p, "="); row[p[1]] = p[2] } }
        FNR == 1 { asks = " " }
        /^[#* ]*needs: / { asks = asks substr($0, index($0, "needs: ") + 7) " " }
        /^ *#/ { next }
        { gsub(quote "[^" quote "]*" quote, "", $0)
          for (c in row)
              if ($0 ~ "(^ *|[|;&(] *|start [a-z]+ |ok  |WRAP=.?|command -v )(/usr/bin/)?" c "( |[$]|[)])" && !index(asks, " " row[c] " ") && !told[FILENAME, c]++) {
                  name = FILENAME; sub(".*/", "", name); print name ": " c } }' "$@"
}
is "$(unasked tests/*.t)" '' 'each test asks for the programs that it runs'
printf '%s\n' '. lib.sh' 'out=$(curl -s http://127.0.0.1/)' >"$TMP/asks.t"
is "$(unasked "$TMP/asks.t")" 'asks.t: curl' 'control: one that does not is found'

# --- T= takes a room's name or a file
chosen() { make -s -n NEED=: T="$1" check 2>/dev/null | sed -n "s/.*tests.prove.sh '3600' \(.*\) 9>.*/\1/p"; }
is "$(chosen jwt)" build/musl/tests/jwt.t 'make check T=jwt'
is "$(chosen 'tests/json_test.c tests/smoke.t')" 'build/musl/tests/json.t tests/smoke.t' 'make check T= with files'

# --- what a user tells a long form comes to it: no variable of the build has that name
heard() { env "$1=told" make -s --no-print-directory NEED=: --eval="told:; @echo \"\$\$$1\"" told 2>/dev/null; }
for word in ONLY PERCENT REFRESHES TORTURE_SECONDS; do is "$(heard "$word")" told "$word"; done
isnt "$(heard PARTS)" told 'control: a name that the build uses'
done_testing
