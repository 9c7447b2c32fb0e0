#!/bin/sh
# A router that is one: a guest with a kernel of its own, booted by qemu on flash that outlives it, with the executable that is
# released for its processor. tests/router/guest.sh says how; the power cuts by the hundred are tests/router/cuts.t.
#
# Here one guest: MIPS, 64 MB, JFFS2 on NOR, once cut off. With TORTURE=1 three processors, each file system, wrong clocks,
# little memory, and the figures of docs/scaling.md. ONLY='stories/mipsel/ubifs clock' has only those.
# needs: curl busybox
. "$(dirname "$0")/lib.sh"
only_in musl # its guests have the executables of other processors
. "$(dirname "$0")/calls.sh"
. "$(dirname "$0")/smoke.sh"
. "$TOP/tests/router/machine.sh"
. "$TOP/tests/router/guest.sh"
tmpdir
CALL_SECONDS=300 # the emulator has what others leave it
[ ! -e "$TOP/build/router/absent" ] || skip_all "no guest can be had here: $(cat "$TOP/build/router/absent")"

# ---- latchkey in a guest ----

# shop PROCESSOR KIND [CONF-LINE...]: a data directory on a fresh flash, with user demo, served.
shop() {
    PROCESSOR=$1 KIND=$2
    shift 2
    flash "$KIND"
    boot "$PROCESSOR" "${MEGABYTES-64}" || return
    ok "$NAME: laid" on "lay $KIND"
    ok "$NAME: init, user add" on "set -e
latchkey init
printf '%s\n' $(printf "'%s' " 'reuse_grace = 1s' "$@") >>/data/lk/latchkey.conf
echo '$PASSWORD' | latchkey user add demo
latchkey user set demo subscription '{\"plan\":\"pro\",\"status\":\"active\",\"expires_at\":null}'"
    serve
}
CHEAP='password_memory = 8k'
again() { # [QEMU-ARGUMENT...]: behind a cut
    boot "$PROCESSOR" "${MEGABYTES-64}" "$@" && ok "$NAME: laid again" on "lay $KIND"
}
# serve [DIR]: until it answers.
serve() {
    on "LATCHKEY_DIR=${1-/data/lk} LK_SHIM=${BROKEN-} latchkey serve 0.0.0.0:80 >/tmp/served 2>&1 &"
    URL=$WEB/api/auth s_tries=0
    until call GET /health 2>/dev/null && [ "$CODE" != 000 ]; do
        s_tries=$((s_tries + 1))
        [ "$s_tries" -lt 100 ] || { diag "latchkey doesn't answer: $(on 'cat /tmp/served')"; return 1; }
        sleep 0.1
    done
}
unserve() { on 'kill $(pidof latchkey); while pidof latchkey >/dev/null; do usleep 50000; done'; }

# smoke.sh's, on the guest's file.
life() { on "sed -i '/^access_ttl/d' /data/lk/latchkey.conf; echo 'access_ttl = $1' >>/data/lk/latchkey.conf"; }

# renew KEY: $CODE and the error's code in $VERDICT; the next token, if there is one.
renew() {
    json /refresh "{\"refresh_token\":\"$TOKEN\",\"idempotency_key\":\"$1\"}" 2>/dev/null
    VERDICT="$CODE$(body code | sed 's/^./ &/')"
    [ "$CODE" != 200 ] || { TOKEN=$(body refresh_token) ACCESS=$(body access_token); }
}
renewed() { # KEY WHAT
    renew "$1"
    is "$VERDICT" 200 "$NAME: $2"
}
checked() { ok "$NAME: the store is whole $1" on 'latchkey check'; }
quiet() { unlike "$(cat "$TMP/console")" '*[Oo]ut of memory*' "$NAME: the kernel ended nobody"; }

# ---- stories ----

reuse() {
    sign_in thief
    r_stolen=$TOKEN
    renewed r1 'refreshed'
    renewed r2 'refreshed again'
    r_newest=$TOKEN TOKEN=$r_stolen
    sleep 1.1
    json /refresh "{\"refresh_token\":\"$TOKEN\"}"
    expect 401 'a spent token is theft' refresh_reused
    json /refresh "{\"refresh_token\":\"$r_newest\"}"
    expect 401 'and the session is over' session_revoked
}

restore() {
    sign_in kept
    ok "$NAME: a backup" on 'latchkey backup /data/copy.db'
    renewed b1 'a session goes on behind it'
    unserve
    ok "$NAME: put back" on 'set -e
mkdir -m 700 /data/restored
cp /data/copy.db /data/restored/latchkey.db
cp /data/lk/latchkey.key /data/lk/latchkey.conf /data/restored
latchkey check --repair --dir /data/restored
rm /data/copy.db'
    serve /data/restored
    renewed b2 'rolled forward'
    unserve
    on 'rm -r /data/restored'
    serve
}

full() {
    sign_in full
    on 'dd if=/dev/urandom of=/data/fill bs=16k 2>&1; dd if=/dev/urandom of=/data/fill2 bs=512 2>&1; df /data | tail -1' >"$TMP/filled"
    like "$(cat "$TMP/filled")" '*No space*' "$NAME: the flash is full"
    f_other=''
    for f_key in f1 f2 f3 f4 f5 f6 f7 f8; do
        renew "$f_key"
        case $VERDICT in 200 | 503*) ;; *) f_other="$f_other $VERDICT" ;; esac
    done
    is "$f_other" '' "$NAME: refreshes are answered, or told 503 (the last: $VERDICT)"
    on 'rm -f /data/fill /data/fill2; sync'
    renewed "$f_key" 'there is room again: nobody is signed out'
    checked 'behind a full flash'
}

churn() {
    c_before=$(on 'cat /sys/module/flash/parameters/erased 2>/dev/null || echo 0')
    sign_in churn
    ( on 'for i in 1 2 3 4 5 6; do dd if=/dev/urandom of=/data/churn bs=64k count=16 conv=fsync 2>&1; done; rm /data/churn' >"$TMP/churned"
        echo "$?" >"$TMP/churn.end" ) &
    c_pid=$!
    c_bad='' c_count=0
    while kill -0 "$c_pid" 2>/dev/null; do
        renew "c$c_count"
        c_count=$((c_count + 1))
        [ "$VERDICT" = 200 ] || c_bad="$c_bad $VERDICT"
    done
    wait "$c_pid"
    is "$(cat "$TMP/churn.end")$c_bad" 0 "$NAME: $c_count refreshes while 6 MB are written beside them"
    [ "$c_before" = 0 ] || ok "$NAME: the flash was cleared for them" \
        test "$(on 'cat /sys/module/flash/parameters/erased')" -gt $((c_before + 2000000))
}

read_only() {
    sign_in still
    if ! on 'mount -o remount,ro /data' >"$TMP/log"; then
        diag "$NAME: not remounted: $(cat "$TMP/log")"
        fail "$NAME: read-only"
        return
    fi
    bearer "$ACCESS" GET /verify
    expect 204 'read-only: who can be verified is'
    renew o1
    like "$VERDICT" '503*' "$NAME: read-only: who writes is told 503"
    on 'mount -o remount,rw /data'
    renewed o1 'writable again: the same request is answered'
    checked 'behind it'
}

stories() { # PROCESSOR KIND
    NAME="$1, $2"
    p_count=$t_count p_failed=$t_failed
    shop "$1" "$2" "$CHEAP" 'password_passes = 1' || { fail "$NAME: boots"; return; }
    story "$WEB/api/auth" "$NAME"
    reuse
    restore
    checked 'behind a restore'
    full
    churn
    read_only
    is "$(on 'cat /sys/module/flash/parameters/broken 2>/dev/null || echo 0')" 0 "$NAME: the flash was used as such flash is"
    quiet
    # shellcheck disable=SC2154
    g_release=$(on 'uname -r')
    cut_power
    promise "router/$g_release, $1, $2: smoke, reuse, restore, full, cleared, read-only" $((t_count - p_count)) $((t_failed - p_failed)) "$CONTROL_SAID"
}

# ---- the flash that is to be believed ----

# appended KIND: a program appends lines, syncs each and prints it, and the guest is killed. How many of those that were printed the flash has
# lost, in $LOST, of $PRINTED.
appended() {
    flash "$1"
    : >"$TMP/printed" # curl writes nothing into it before there is something
    PRINTED=0 LOST=0
    boot "$PROCESSOR" 64 && on "lay $1" || return
    curl -sSN -m 600 --data-binary 'guest append /data/lines' -o "$TMP/printed" "http://127.0.0.1:$CONTROL/cgi-bin/run" 2>/dev/null &
    a_pid=$!
    a_tries=0
    until [ "$(grep -c . "$TMP/printed" || :)" -gt "$2" ] || [ "$a_tries" = 2000 ]; do
        a_tries=$((a_tries + 1))
        sleep 0.05
    done
    cut_power
    wait "$a_pid" 2>/dev/null
    sed '$d' "$TMP/printed" | grep '^line [0-9]* of [0-9]*$' >"$TMP/whole" # the last may be half a line
    PRINTED=$(grep -c . "$TMP/whole")
    { boot "$PROCESSOR" 64 && on "lay $1 && cat /data/lines/*" >"$TMP/found"; } || diag "$1, behind the cut: $(tail -n 3 "$TMP/found")"
    cut_power
    LOST=$(grep -vcxFf "$TMP/found" "$TMP/whole")
}

believed() { # PROCESSOR: kinds of flash, three cuts of each; and the flash that forgets
    PROCESSOR=$1 b_printed=0 b_lost=0
    for b_kind in jffs2 ubifs ext4 f2fs; do
        for b_lines in 3 60 400; do
            appended "$b_kind" "$b_lines"
            ok "$1, $b_kind: of $PRINTED lines that were synced none is lost" test "$PRINTED" -gt 0 -a "$LOST" -eq 0
            b_printed=$((b_printed + PRINTED)) b_lost=$((b_lost + LOST))
        done
    done
    b_kind=tmpfs # Debian's kernels for ARM have no block2mtd
    [ ! -e "$(find "$TOP/deps/router/$1/lib/modules" -name block2mtd.ko)" ] || b_kind=block2mtd
    appended "$b_kind" 60
    ok "$1: control: $b_kind loses $LOST of $PRINTED" test "$LOST" -gt 0
    promise "router/the flash itself, $1" "$b_printed" "$b_lost" "$b_kind lost $LOST of $PRINTED lines"
}

# ---- no clock, little memory, few slots ----

right() { on "date -s @$(date +%s)" >/dev/null; } # NTP that tells the truth

clocks() { # with BROKEN set, nothing is said of each; $WRONG counts
    NAME='mipsel, clock'
    WRONG=0
    shop mipsel jffs2 "$CHEAP" 'password_passes = 1' "refresh_ttl = ${1-30d}" || return
    sign_in idle
    c_idle=$TOKEN
    sign_in used
    cut_power
    again -rtc base=1970-01-01T00:00:00
    serve
    like "$(on 'date +%Y')" '19*' "$NAME: it boots in 1970"
    at_clock t1 '503*' 'in 1970: told 503'
    right
    at_clock t1 200 'NTP comes late: the same request is answered'
    cut_power
    again -rtc base=1970-01-01T00:00:00
    on 'date -s "@$(stat -c %Y /data/lk/* | sort -n | tail -n 1)"' >/dev/null
    serve
    at_clock t2 200 'the clock is that of the newest file: answered'
    right
    at_clock t3 200 'and NTP steps it on'
    on "date -s @$(($(date +%s) + 40 * 86400))" >/dev/null
    at_clock t4 '503*' 'NTP lies, 40 days ahead: nobody expires, told 503'
    TOKEN=$c_idle
    at_clock t5 '503*' 'nor who was away'
    right
    at_clock t5 200 'right again: he is answered'
    on "date -s @$(($(date +%s) - 2 * 86400))" >/dev/null
    at_clock t7 '503*' 'NTP lies, two days back: told 503'
    right
    at_clock t7 200 'right again: the same request is answered'
    checked 'behind it'
    cut_power
}
at_clock() { # KEY WANTED WHAT
    renew "$1"
    # shellcheck disable=SC2254  # a pattern
    case $VERDICT in $2) c_bad='' ;; *) c_bad=1 WRONG=$((WRONG + 1)) ;; esac
    if [ -n "${BROKEN-}" ]; then diag "control: $3: $VERDICT"; else is "${c_bad:+$VERDICT}" '' "$NAME: $3"; fi
}

# shimmed WORDS: guests have latchkey with a hook at its seams, broken by WORDS; or, without, the one that is shipped.
shimmed() {
    BROKEN=${1-} INITRD=''
    [ -n "$BROKEN" ] || return 0
    INITRD=$TMP/shim.initrd
    (cd "$TOP" && machine mipsel && tests/router/initrd.sh mipsel "build/cross/$TRIPLET/guest/shim" "$INITRD")
}

# Three sign-ins at once, 7 MiB each, two at a time, beside a page cache that has all the rest. The guest has 40 MB, of which Debian's kernel
# takes 16: it leaves what OpenWrt's does on a router of 32.
memory() {
    NAME='mipsel, little memory'
    MEGABYTES=40 p_count=$t_count p_failed=$t_failed
    shop mipsel jffs2 'trusted_proxies = 10.0.2.2' || { fail "$NAME: boots"; return; }
    on 'dd if=/dev/urandom of=/data/big bs=64k count=80 2>/dev/null; cat /data/big /data/big >/dev/null; free' | sed 's/^/# /'
    rm -f "$TMP"/code.? "$TMP"/body.? # the control's
    for m_round in 1 2 3 4; do
        m_pids=''
        for m_one in 1 2 3; do
            curl -sS -m 120 -o "$TMP/body.$m_one" -w '%{http_code}' -H 'Content-Type: application/json' -H "X-Forwarded-For: 198.$m_round.$m_one.9" \
                -d "{\"username\":\"demo\",\"password\":\"$PASSWORD\"}" "$URL/login" >"$TMP/code.$m_one" 2>&1 &
            m_pids="$m_pids $!"
        done
        # shellcheck disable=SC2086  # a list
        wait $m_pids
        m_codes=$(cat "$TMP"/code.? | sed 's/.../& /g')
        case " $m_codes" in *[!2035\ ]* | *' 500 '* | *' 000 '*) fail "$NAME: three at once: $m_codes" ;; *200*) pass "$NAME: three at once: $m_codes" ;; *) fail "$NAME: three at once: $m_codes" ;; esac
    done
    TOKEN=$(member refresh_token <"$(grep -l refresh_token "$TMP"/body.? | head -n 1)")
    renewed m1 'and a refresh beside them'
    checked 'behind it'
    quiet
    on 'free; dmesg | grep -ci "out of memory"' | sed 's/^/# /'
    promise "router/mipsel, 40 MB: three sign-ins at once beside a full page cache" $((t_count - p_count)) $((t_failed - p_failed)) "$OOM_SAID"
    cut_power
    MEGABYTES=64
}

# A host that lets sixteen hash at once: there the kernel must be seen to end one.
memory_control() {
    NAME='mipsel, little memory, control'
    MEGABYTES=40
    shop mipsel jffs2 'trusted_proxies = 10.0.2.2' 'password_jobs = 16' 'password_memory = 7168k' || return
    m_pids=''
    for m_one in 1 2 3 4 5 6; do
        curl -sS -m 120 -o "$TMP/body.$m_one" -w '%{http_code} ' -H 'Content-Type: application/json' -H "X-Forwarded-For: 198.1.$m_one.9" \
            -d "{\"username\":\"demo\",\"password\":\"$PASSWORD\"}" "$URL/login" >"$TMP/code.$m_one" 2>/dev/null &
        m_pids="$m_pids $!"
    done
    # shellcheck disable=SC2086  # a list
    wait $m_pids
    diag "$NAME: $(cat "$TMP"/code.?)"
    like "$(cat "$TMP/console") $(on dmesg)" '*[Oo]ut of memory*' "$NAME: six hashes at once: the kernel ends one, and is seen to" && OOM_SAID='six hashes at once: the kernel ends one'
    cut_power
    MEGABYTES=64
}

# half_sent SCRIPT: three clients send half a post to it, and stay.
half_sent() {
    h_pids=''
    for _ in 1 2 3; do
        # One process, that which stays: a pipeline's would be waited for to its end.
        busybox nc 127.0.0.1 "${WEB##*:}" -e sh -c '
            printf "POST /cgi-bin/$0 HTTP/1.1\r\nHost: r\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"refresh_"
            exec sleep 300' "$1" >/dev/null 2>&1 &
        h_pids="$h_pids $!"
    done
    t_pids="$t_pids $h_pids"
    sleep 1
}

# cgi-bin as uhttpd has it: three scripts at once. The control is a script without a deadline.
slots() {
    NAME='mipsel, three slots'
    p_count=$t_count p_failed=$t_failed
    shop mipsel jffs2 "$CHEAP" 'password_passes = 1' || { fail "$NAME: boots"; return; }
    sign_in slots
    unserve
    on 'ln -s /bin/latchkey /www/cgi-bin/latchkey; guest slots 3 80 httpd -i -h /www >/dev/null 2>&1 &'
    URL=$WEB/cgi-bin/latchkey
    renewed s1 'by cgi-bin'
    half_sent latchkey/refresh
    s_begin=$(date +%s)
    json /refresh "{\"refresh_token\":\"$TOKEN\",\"idempotency_key\":\"s2\"}"
    is "$CODE" 200 "$NAME: three half-sent posts hold every slot, and let go of them"
    diag "$NAME: after $(($(date +%s) - s_begin)) s"
    checked 'behind it'
    on 'printf "#!/bin/sh\ncat >/dev/null\n" >/www/cgi-bin/patient; chmod 755 /www/cgi-bin/patient'
    half_sent patient
    nok "$NAME: control: a script without a deadline lets nobody in" \
        curl -sS -m 25 -H 'Content-Type: application/json' -d "{\"refresh_token\":\"$TOKEN\"}" "$URL/refresh"
    promise "router/mipsel, three slots of cgi-bin, half-sent posts" $((t_count - p_count)) $((t_failed - p_failed)) 'a script without a deadline lets nobody in'
    cut_power
}

# ---- the parts ----

short() {
    NAME='mipsel, jffs2'
    shop mipsel jffs2 "$CHEAP" 'password_passes = 1' || { fail "$NAME: boots"; return; }
    story "$WEB/api/auth" "$NAME"
    sign_in kept
    renewed k1 'a session'
    k_answered=$TOKEN
    sign_in gone
    json /logout "{\"refresh_token\":\"$TOKEN\"}"
    expect 204 'another one, signed out'
    k_gone=$TOKEN
    cut_power
    again || { fail "$NAME: boots again"; return; }
    checked 'behind a power cut'
    serve
    TOKEN=$k_answered
    renewed k2 'who was signed in is'
    json /refresh "{\"refresh_token\":\"$k_gone\"}"
    expect 401 'who signed out stays out' session_revoked
    quiet
    cut_power
}

# wanted PART: whether it is asked for
wanted() {
    [ -n "${ONLY-}" ] || return 0
    for w_part in $ONLY; do case $1/ in "$w_part"/*) return 0 ;; esac; done
    return 1
}

if [ -z "${TORTURE-}" ]; then
    short
    done_testing
fi

# Controls first: the stories have to find a build that blames the client for a full flash, and one that believes any clock.
CONTROL_SAID=none
case " ${ONLY-stories} " in *' stories'*)
    shimmed blames
    NAME='mipsel, control'
    if shop mipsel jffs2 "$CHEAP" 'password_passes = 1'; then
        sign_in full
        on 'dd if=/dev/urandom of=/data/fill bs=16k; dd if=/dev/urandom of=/data/fill2 bs=512' >/dev/null
        for key in f1 f2 f3 f4 f5 f6 f7 f8; do [ "${VERDICT-200}" != 200 ] || renew "$key"; done
        like "$VERDICT" '401*' "$NAME: a build that blames the client for a full flash is seen to" && CONTROL_SAID='a build that blames the client: caught'
        cut_power
    fi
    shimmed
    ;;
esac
for processor in mipsel armhf arm64; do
    for kind in jffs2 ubifs overlay ext4 f2fs tmpfs; do
        ! wanted "stories/$processor/$kind" || stories "$processor" "$kind"
    done
done
for processor in mipsel armhf arm64; do
    ! wanted "flash/$processor" || believed "$processor"
done
if wanted clock; then
    shimmed gullible
    clocks
    isnt "$WRONG" 0 "control: a build that believes any clock: $WRONG answers that shouldn't be"
    gullible=$WRONG
    shimmed
    points=$t_count
    clocks
    promise 'router/mipsel: no clock, a late one, one that lies' $((t_count - points)) "$WRONG" "a build that believes any clock: $gullible wrong answers"
fi
if wanted memory; then
    OOM_SAID=none
    memory_control
    memory
fi
! wanted slots || slots
case " ${ONLY-figures}" in *' figures'*) . "$TOP/tests/router/figures.sh" ;; esac
[ "$t_count" -gt 0 ] || skip_all "none of its parts is named by ONLY='$ONLY'"
done_testing
