#!/bin/sh
# Syncthing, Prometheus and Transmission, as Debian ships them, behind the door in Chromium: tests/client/behind.js says what happens. Each behind
# nginx's and Caddy's block of docs/protect.md, with access tokens that would live for 10 seconds. With TORTURE=1 all six pairs; else two.
# needs: node chromium python3 nginx caddy curl socat syncthing prometheus transmission-daemon
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: a browser, and what Debian has for this machine
. "$(dirname "$0")/calls.sh"
# shellcheck source=tests/behind.sh
. "$(dirname "$0")/behind.sh"
cd "$TOP" || exit 1
ok 'the browser is there' tests/client/install.sh
node=$(tests/client/node.sh) || exit 1
for front in ${BEHIND_FRONTS-nginx caddy}; do
    case ${TORTURE-}$front in nginx) few=syncthing ;; caddy) few=prometheus ;; *) few='syncthing prometheus transmission' ;; esac
    for program in ${BEHIND_PROGRAMS-$few}; do
        begin_all "$front" "$program"
        "$node" tests/client/behind.js "$front" "$program" "http://127.0.0.1:$PORT" "$TMP/clock" >"$TMP/answers" 2>&1
        while IFS= read -r line; do
            case $line in
            1..*) ;;
            'ok '*) pass "${line#ok * - }" ;;
            'not ok '*) fail "${line#not ok * - }" ;;
            *) diag "$line" ;;
            esac
        done <"$TMP/answers"
        is "$(grep -c '^ok' "$TMP/answers")" 5 "$front, $program: all of it was seen"
        end_all
    done
done
done_testing
