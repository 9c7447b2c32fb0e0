#!/bin/sh
# docs/debian.md: each recipe, pasted word for word into a throwaway copy of this machine's root, ends at a working sign-in
# (tests/debian.sh).
# needs: deb curl nginx caddy apache2 lighttpd lighttpd-ssl haproxy ssl-cert systemd-socket-activate ip
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: packages what is built for this machine
tmpdir
cd "$TOP" || exit 1
out=$(make --no-print-directory -s NEED=: deb 2>"$TMP/log")
is "$?" 0 'make deb' || diag "$(cat "$TMP/log")"
DEB=$TOP/$(printf '%s\n' "$out" | tail -n 1)
as_root=
[ "$(id -u)" -eq 0 ] || as_root=sudo

pasted() { # BLOCK...: what comes of it is in $TMP/tap
    # shellcheck disable=SC2086  # sudo or nothing
    $as_root env DEBS="$DEBS" LATCHKEY="$LATCHKEY" LK_BUILD="$LK_BUILD" LK_B="$LK_B" unshare --mount --net --pid --fork --kill-child tests/debian.sh "$DEB" "$@" >"$TMP/tap" 2>&1
}
DEBS=
if ! dpkg-query -W -f '${Status}' apache2 2>/dev/null | grep -q 'ok installed'; then
    DEBS=$TOP/build/debs
    mkdir -p "$DEBS"
    [ -e "$(echo "$DEBS"/apache2_*.deb)" ] || (cd "$DEBS" && apt-get -q download apache2 apache2-data apache2-utils) >"$TMP/log" 2>&1
    ok "Debian's apache2 is there" test -e "$(echo "$DEBS"/apache2_*.deb)" || diag "$(cat "$TMP/log")"
fi
recipe() { # BLOCK...: its results are this test's
    pasted "$@"
    while read -r line; do
        case $line in
        'ok '*) pass "$*: ${line#*- }" ;;
        'not ok '*) fail "$*: ${line#*- }" ;;
        '#'*) diag "${line#\# }" ;;
        esac
    done <"$TMP/tap"
    like "$(cat "$TMP/tap")" '*1..*' "$*: ran to its end"
}
blocks=$(sed -n 's/^```sh paste=\([a-z0-9-]*\)$/\1/p' docs/debian.md | paste -sd ' ' -)
is "$blocks" 'latchkey socket nginx caddy apache2 lighttpd haproxy by-hand cgi-bin' 'the recipes that are tried here'
for server in nginx caddy apache2 lighttpd haproxy; do recipe latchkey "$server"; done
recipe latchkey socket nginx@unix
recipe by-hand nginx@hand
recipe cgi-bin
pasted latchkey nginx@broken
like "$(cat "$TMP/tap")" '*not ok * the page to sign in at*' 'control: a recipe with a wrong port is found'
done_testing
