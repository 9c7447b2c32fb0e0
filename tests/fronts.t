#!/bin/sh
# Every front of tests/fronts/list, the real program each, configured from its page in docs/servers: the
# smoke story and the hostile table (front.sh). The results become build/fronts.md; the README's table
# must say the same. `FRONTS='nginx-scgi caddy' tests/fronts.t` runs only those.
# needs: python3 curl apache2 busybox caddy fcgiwrap haproxy inetd lighttpd merecat mini_httpd nginx socat systemd-socket-activate tcpserver tcpsvd varnishd
. "$(dirname "$0")/lib.sh"
only_in musl cross
tmpdir
LIST=$TOP/tests/fronts/list
FRONTS=${FRONTS-}
chosen=${FRONTS:-$(sed -n 's/^\([a-z][^ ]*\) .*/\1/p' "$LIST")}

cp "$LATCHKEY" "$TMP/latchkey" # a build meanwhile is of no consequence
export LATCHKEY="$TMP/latchkey"
ok 'a data directory for all of them' sh "$TOP/tests/fronts/seed.sh" "$TMP/seed"

# Much of a story is waiting, for a token to expire: four at a time.
first=$(free_port 240) n=0
for front in $chosen; do
    n=$((n + 1))
    echo "$front $((first + n * 6))"
done | xargs -P 4 -n 2 sh -c 'FRONT_PORT=$3 timeout -k 5 600 sh "$1/tests/front.sh" "$2" "$0/seed" >"$0/$2.tap" 2>&1' "$TMP" "$TOP"

for front in $chosen; do
    tap=$TMP/$front.tap
    ok "$front: $(grep -c '^ok' "$tap") things as they should be" grep -q '^# row: .*| ok | ok |' "$tap"
    grep -q '^# row: .*| ok | ok |' "$tap" || diag "$(grep -v '^ok' "$tap" | cut -c 1-400 | head -n 60)"
done

# --- IPv6, of each front that has it
n=0
awk '$NF == 6 { print $1 }' "$LIST" | while read -r front; do
    case " ${FRONTS:-$front} " in *" $front "*) ;; *) continue ;; esac
    n=$((n + 1))
    echo "$front $((first + n * 6))"
done >"$TMP/six"
xargs -P 4 -n 2 sh -c 'FRONT_PORT=$3 timeout -k 5 600 sh "$1/tests/front.sh" "$2/6" "$0/seed" >"$0/$2.six" 2>&1' "$TMP" "$TOP" <"$TMP/six"
while read -r front _; do
    tap=$TMP/$front.six
    ok "$front: on IPv6 clients have their own address" sh -c 'grep -q "^1\.\." "$0" && ! grep -q "^not ok" "$0"' "$tap"
    if grep -q '^not ok' "$tap" || ! grep -q '^1\.\.' "$tap"; then diag "$(cut -c 1-400 "$tap" | head -n 60)"; fi
done <"$TMP/six"

# --- the table
mkdir -p "$TOP/build"
{
    echo '| front | smoke | hostile | version |'
    echo '|---|---|---|---|'
    for front in $chosen; do sed -n 's/^# row: //p' "$TMP/$front.tap"; done
} >"$TMP/fronts.md"
if [ -z "$FRONTS" ]; then
    cp "$TMP/fronts.md" "$TOP/build/fronts.md"
    # Other versions on another host are no fault of the README.
    without_version() { sed 's/ [^|]* |$//'; }
    is "$(sed -n '/^<!-- fronts -->$/,/^<!-- end of fronts -->$/{/^|/p;}' "$TOP/README.md" | without_version)" \
        "$(without_version <"$TMP/fronts.md")" "the README's table is this run's (else: tests/fronts/table.sh)"
fi

# --- every page is a front's, every front has its page
ok 'each page of docs/servers is tested' sh -c 'cd "$1/docs/servers" && for page in *.md; do
    grep -q "^[a-z_-]* *${page%.md} " "$2" || { echo "$page is nobody'\''s"; exit 1; }; done' - "$TOP" "$LIST"
ok 'no block of a page is for a front that is not there' sh -c 'grep -hoE "^\`\`\`[a-z]+ [a-z]+=[a-z_,-]+" "$1"/docs/servers/*.md |
    cut -d = -f 2 | tr , "\n" | sort -u | while read -r front; do grep -q "^$front " "$2" || { echo "$front"; exit 1; }; done' - "$TOP" "$LIST"
done_testing
