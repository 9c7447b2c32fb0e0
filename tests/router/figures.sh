# shellcheck shell=sh
# figures.sh: what latchkey costs on a router. Sourced by tests/router.t, which has guests; writes its part of docs/scaling.md.
#
# Instructions are those of the processor, the kernel's included: under -icount shift=0 a nanosecond of the guest's clock
# is one (of the machine's clock, too: a kernel sets its own by that). Each request is a process of its own in a cgi-bin, on a tmpfs, so that nothing is waited for; what an empty process costs
# is taken off. Flash is counted below the file system (flash.c), with half of it filled by something else, so
# that it has to be cleared as a router's is.
FIGURES=$TMP/figures
REFRESHES=${REFRESHES-2000}    # counted; half as many go before
RUN="$(date -u +%Y-%m-%d), $("$LATCHKEY" version | cut -d ' ' -f 2)"

# The shell lines that a guest counts by. Prints "verify NANOSECONDS KIB" and so on, the last of three.
COUNTED='latchkey init >/dev/null
echo "correct horse" | latchkey user add demo >/dev/null
cgi() { # NAME METHOD PATH BODY AUTHORIZATION
    printf "%s" "$4" | env -i LATCHKEY_DIR=/data/lk GATEWAY_INTERFACE=CGI/1.1 SERVER_PROTOCOL=HTTP/1.1 SCRIPT_NAME=/auth REQUEST_METHOD=$2 \
        PATH_INFO=$3 CONTENT_TYPE=application/json CONTENT_LENGTH=${#4} REMOTE_ADDR=192.0.2.1 ${5:+HTTP_AUTHORIZATION="Bearer $5"} \
        /bin/guest cost /bin/latchkey >/tmp/answer 2>/tmp/cost
    sed "s/^cost/$1/" /tmp/cost
}
part() { tr "{," "\n\n" </tmp/answer | sed -n "s/^\"$1\":\"\([^\"]*\)\".*/\1/p" | head -n 1; }
for i in 1 2 3; do
    cgi sign-in POST /login "{\"username\":\"demo\",\"password\":\"correct horse\"}"
    cgi verify GET /verify "" "$(part access_token)"
    cgi sign-in POST /login "{\"username\":\"demo\",\"password\":\"correct horse\"}" >/dev/null
    cgi refresh POST /refresh "{\"refresh_token\":\"$(part refresh_token)\",\"idempotency_key\":\"k$i\"}"
    head -n 1 /tmp/answer
done'

millions() { awk -v n="$1" 'BEGIN { printf "%.2f", n / 1000000 }'; }

# instructions PROCESSOR: a row of the first table.
instructions() {
    NAME="$1, figures"
    flash tmpfs
    boot "$1" 64 -icount shift=0 -rtc clock=vm || { fail "$NAME: boots"; return; }
    on "lay tmpfs
$COUNTED" >"$TMP/counted"
    cut_power
    f_row=$1
    for f_what in verify refresh sign-in; do
        # shellcheck disable=SC2046  # three words
        set -- $(grep "^$f_what " "$TMP/counted" | tail -n 1) none none
        f_row="$f_row | $(millions "$2") | $3"
        ok "$NAME: $f_what: $(millions "$2") million instructions, peak $3 KiB" test "$2" -gt 0
    done
    is "$(grep -c '^Status: 200' "$TMP/counted")" 3 "$NAME: which refreshed"
    echo "| $f_row | $(first_answer "${f_row%% *}") | $RUN |" >>"$FIGURES/instructions"
}

# first_answer PROCESSOR: seconds of the guest's clock from its kernel's start to latchkey's first answer. They are of a processor
# that does 10^9 instructions a second, so other load on this machine isn't in them; nor is how long this machine takes to send the lines.
first_answer() {
    flash jffs2
    boot "$1" 64 || return
    on 'lay jffs2; latchkey init; sync' >/dev/null
    cut_power
    boot "$1" 64 -icount shift=0 -rtc clock=vm || return
    f_up=$(sed -n 's/^guest: up after \([0-9.]*\) s.*/\1/p' "$TMP/console")
    on 'read -r from rest </proc/uptime
lay jffs2
latchkey serve 127.0.0.1:80 >/dev/null 2>&1 &
until wget -q -O /dev/null http://127.0.0.1/api/auth/health 2>/dev/null; do usleep 10000; done
read -r to rest </proc/uptime
echo "$from $to"' | awk -v up="$f_up" '{ printf "%.1f\n", up + $2 - $1 }'
    cut_power
}

counter() { on "sync; cat /sys/module/flash/parameters/$1"; }

# wear KIND AUDIT: a row of the second table.
wear() {
    NAME="mipsel, $1, audit = $2, figures"
    shop mipsel "$1" "$CHEAP" 'password_passes = 1' "audit = $2" || { fail "$NAME: boots"; return; }
    on 'dd if=/dev/urandom of=/data/other bs=64k count=64 conv=fsync' >/dev/null 2>&1
    : >"$TMP/tokens"
    for _ in 1 2 3 4; do
        sign_in wear
        echo "$TOKEN" >>"$TMP/tokens"
    done
    ok "$NAME: warm" refreshes $((REFRESHES / 2))
    f_written=$(counter written) f_erased=$(counter erased)
    ok "$NAME: counted" refreshes "$REFRESHES"
    f_written=$((($(counter written) - f_written) / REFRESHES)) f_erased=$((($(counter erased) - f_erased) / REFRESHES))
    f_size=$(wc -c <"$TMP/flash")
    ok "$NAME: $f_written bytes written, $f_erased cleared for each refresh" test "$f_written" -gt 0
    cut_power
    awk -v kind="$1" -v audit="$2" -v run="$RUN" -v w="$f_written" -v e="$f_erased" -v size="$f_size" 'BEGIN {
        day = 9600                                   # refreshes of 100 apps that are open all day
        most = e > w ? e : w                         # what is written has to be cleared some day
        printf "| %s | `%s` | %d | %d | %.1f | %.0f | %s |\n", kind, audit, w, e, w * day / 1e6, 100000 * size / (most * day) / 365, run }' >>"$FIGURES/wear"
}
refreshes() { # COUNT
    "$TOP/build/bench/load" -c 4 -d 3600 -n "$1" -p /api/auth/refresh -t application/json -f "$TMP/tokens" -m refresh_token \
        -b '{"refresh_token":"%t","idempotency_key":"%i"}' "${WEB##*:}"
}

mkdir -p "$FIGURES"
: >"$FIGURES/instructions"
: >"$FIGURES/wear"
for processor in mipsel armhf arm64; do ! wanted "figures/$processor" || instructions "$processor"; done
for kind in jffs2 ubifs; do
    for audit in table syslog; do ! wanted "figures/$kind/$audit" || wear "$kind" "$audit"; done
done
# rows FILE KEY...: for each key its row, which begins with it: of this run, or the one that the page has.
rows() {
    r_file=$FIGURES/$1
    shift
    for r_key; do
        grep "^| $r_key |" "$r_file" || sed -n '/^<!-- router: /,/^<!-- end of router/p' "$TOP/docs/scaling.md" | grep "^| $r_key |"
    done
}
tables() {
    printf '\n%s\n%s\n' '| processor | verify, 10⁶ instructions | peak KiB | refresh | peak | sign-in | peak | boot to first answer, s | run |' '|---|---|---|---|---|---|---|---|---|'
    rows instructions mipsel armhf arm64
    printf '\n%s\n%s\n' '| file system | audit | bytes written per refresh | bytes cleared | MB a day, 100 apps | years | run |' '|---|---|---|---|---|---|---|'
    # shellcheck disable=SC2016  # marks of code
    rows wear 'jffs2 | `table`' 'jffs2 | `syslog`' 'ubifs | `table`' 'ubifs | `syslog`'
    echo
}
tables >"$FIGURES/tables"
awk -v tables="$FIGURES/tables" '
    /^<!-- router: / { print; while ((getline line < tables) > 0) print line; skip = 1; next }
    /^<!-- end of router -->/ { skip = 0 }
    !skip' "$TOP/docs/scaling.md" >"$TMP/page"
# shellcheck disable=SC2154  # lib.sh counts
[ "$t_failed" -ne 0 ] || cat "$TMP/page" >"$TOP/docs/scaling.md"
