#!/bin/sh
# What `make bench-peers` times is a refresh: bench/peers/right.py is shown servers that are wrong, each in one way, and one that is
# right.
# needs: python3
. "$(dirname "$0")/lib.sh"
only_in musl
tmpdir
export PYTHONDONTWRITEBYTECODE=1

/usr/bin/python3 "$TOP/bench/peers/right.py" >"$TMP/right"
is $? 0 'servers with a wrong refresh are found out, and a right one passes'
is "$(grep -c '^ok' "$TMP/right")" 5 'five servers were judged'
grep -v '^ok' "$TMP/right" | while read -r line; do diag "$line"; done

done_testing
