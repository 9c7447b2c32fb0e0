#!/bin/sh
# The dialect of OAuth by CGI: discovery, /token, /revoke, /introspect, /userinfo, and what a client's tokens open.
# needs: python3 strace
. "$(dirname "$0")/lib.sh"
not_in cross 'qemu-user has no tracer, and client_test and the others of its rooms are run there'
tmpdir
report python3 "$TOP/tests/oauth.py" "$LATCHKEY" "$TMP/data"
done_reported
