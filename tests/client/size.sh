#!/bin/sh
# size.sh: the bytes of the client, for `make size`. Fails over the limit of 5120.
set -eu
cd "$(dirname "$0")/../.."
limit=5120
for file in www/session.js www/session.min.js; do
    printf '%-22s %6d bytes, %5d gzip -9\n' "$file" "$(wc -c <"$file")" "$(gzip -9n <"$file" | wc -c)"
done
packed=$(gzip -9n <www/session.min.js | wc -c)
[ "$packed" -le "$limit" ] || { echo "session.min.js: $packed bytes packed, the limit is $limit" >&2; exit 1; }
