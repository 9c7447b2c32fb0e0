#!/bin/sh
# Attacks on ways in (second factor, passkeys, wallets), and on the sessions and tokens of OAuth's clients, against the real program, each with its control (attacks.py).
# needs: python3
. "$(dirname "$0")/lib.sh"
not_in cross 'the same code; session_client_test and rotation_test run there'
tmpdir
[ "$LK_B" = musl ] && broken=$LK_BUILD/broken || broken=
report python3 "$TOP/tests/attacks.py" "$LATCHKEY" "$TMP/data" "$broken"
done_reported
