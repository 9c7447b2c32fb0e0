#!/bin/sh
# Wallets, signed for by the libraries of Stellar and Solana; the recipes of docs/wallets.md in Chromium; a payment app's day (tests/client/wallets/main.js).
# needs: node chromium
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: a browser, Node's packages
set -e
cd "$TOP"
tests/client/install.sh
tests/client/install.sh wallets
tests/client/install.sh jose
report "$(tests/client/node.sh 26)" tests/client/wallets/main.js "$@"
done_reported
