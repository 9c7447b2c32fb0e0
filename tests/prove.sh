#!/bin/sh
# prove.sh RUNNER FILE...: prove over those tests, each behind tests/tap.sh, whose first words RUNNER is.
# Three at a time on two cores, since most of a test is waiting; or $PROVE_JOBS. Browsers' tests have one place between them: a browser alone keeps a core
# busy, and what they count waits for it. prove takes what stands by itself before what stands in a row: so the others are rows of one, and
# the browsers' long row begins at once, and beside it the two that take longest. Standard input is empty; descriptor 9 is what tap.sh says it is.
runner=$1
shift
for test; do
    case $test in tests/client*) ;; *) set -- "$@" --rules "seq=$test" ;; esac
done
# The tests stand before their rules: prove takes its options from anywhere.
exec prove -j"${PROVE_JOBS-3}" --rules 'seq=tests/client*.t' --rules seq=tests/faults.t --rules seq=tests/cross.t --timer --failures --exec "tests/tap.sh $runner" "$@" </dev/null
