#!/bin/sh
# size.sh: the bytes of the client, for `make size`. Fails over the limits: 5120 for session.js, 900 for passkey.js and for dpop.js.
set -eu
cd "$(dirname "$0")/../.."
for file in www/session.js www/session.min.js www/passkey.js www/passkey.min.js www/dpop.js www/dpop.min.js; do
    printf '%-22s %6d bytes, %5d gzip -9\n' "$file" "$(wc -c <"$file")" "$(gzip -9n <"$file" | wc -c)"
done
within() { # FILE LIMIT
    packed=$(gzip -9n <"$1" | wc -c)
    [ "$packed" -le "$2" ] || { echo "${1#www/}: $packed bytes packed, the limit is $2" >&2; exit 1; }
}
within www/session.min.js 5120
within www/passkey.min.js 900
within www/dpop.min.js 900
