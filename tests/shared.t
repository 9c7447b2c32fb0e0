#!/bin/sh
# "Who stays in step with a stolen token is found; no lawful client is signed out for it": the rotation table against its model
# (tests/model.h), in random sequences and in a hundred generations of each way to share a token. TORTURE=1: a hundred times as many.
. "$(dirname "$0")/lib.sh"
not_in cross 'model.t runs there by itself'
if [ -w /dev/shm ]; then TMPDIR=/dev/shm tmpdir; else tmpdir; fi
export TMPDIR="$TMP" # where what ends by a fault leaves its files
[ "${TORTURE-0}" = 1 ] && COUNT=100000 || COUNT=${MODEL_COUNT-1000}

judge() { MODEL_SEED=7 MODEL_COUNT=$2 "$1" >"$TMP/out" 2>"$TMP/log"; }
wrong() { grep '^not ok' "$TMP/out" | sed 's/^not ok [0-9]* - //'; }

ok "$COUNT sequences, and 14 ways to share a token" judge "$LK_BUILD/tests/model.t" "$COUNT"
diag "$(wrong)"
points=$(sed -n 's/^ok 1 - .*, \([0-9]*\) requests.*/\1/p' "$TMP/out")
scenarios=$(grep -cE '^ok .*: (found in generation [0-9]*|stays signed in)$' "$TMP/out")
is "$scenarios" 14 'each of them ends as it should'

# --- a table that counts nothing finds no thief; one that counts to two signs a lawful client out
judge "$LK_BUILD/broken/nobody-counts" 1
like "$(wrong)" '*a thief elsewhere, without a key: stays signed in*' 'control: without the count the thief stays'
judge "$LK_BUILD/broken/two-are-enough" 1
like "$(wrong)" '*a phone without keys, in another network for two retries of three: found in generation 2*' 'control: with a count to two a lawful phone is out'

# --- a bound session: a table that asks nobody for its key, a server that looks at no signature, and one that writes before it looks
for fault in bound-to-nobody bound-unsigned bound-in-turn; do
    judge "$LK_BUILD/broken/$fault" 300
    isnt $? 0 "control: the model finds $fault"
done
promise shared "$((points + 100 * scenarios))" "$t_failed" 'a table without the count, one that counts to two: both found'
done_testing
