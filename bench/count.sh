#!/bin/sh
# count.sh: what one request costs, in things that can be counted, in the form of bench/budgets. These are
# the same on a busy machine and on an idle one: instructions of the whole process under callgrind (the
# password's hash left out, whose cost is the operator's choice), system calls, bytes that are written
# to the database and its log, syncs. `make budgets` makes them the budgets, tests/budget.t holds them.
#
# Each is of the common case, among ten thousand sessions: the log is half full, and isn't emptied behind
# the answer.
#
# count.sh [NAME...]: these requests alone.
WANTED=" $* "
. "$(dirname "$0")/lib.sh"
PRODUCT=$LATCHKEY
NAMED=${NAMED:-$BENCH/latchkey}     # whose instructions are counted: $LATCHKEY, with names in it
CALLGRIND="$(command -v valgrind) --tool=callgrind --callgrind-out-file=/dev/null --log-file=$TMP/callgrind
    --toggle-collect=argon2_ctx --collect-atstart=yes"
# The first prctl is PR_SET_DUMPABLE, after which strace without root's rights could read no path: left out.
STRACE="$(command -v strace) -f -y -e inject=prctl:retval=0:when=1 -o $TMP/strace"

# --- the requests. Each is made ready by NAME_ready, which says what is to be sent.
verify_ready() { SEND='verify'; }
site_ready() { # a browser that signed in at the page
    SITE=$(by_form username=demo "password=correct+horse" | sed -n 's/^Set-Cookie: \(__Host-latchkey-door-[^;]*\);.*/\1/p')
    SEND='site'
}
me_ready() { SEND='me'; }
refresh_ready() { SEND='fresh'; }
keyed_ready() { SEND='fresh'; }           # of a user who has sixteen passkeys
retry_ready() { # the answer of this one was lost
    refresh "$TOKEN" lost >"$TMP/answer"
    SEND='again'
}
login_ready() { SEND='login'; }
logout_ready() { signed_in; SEND='leave'; }
reuse_ready() { # a token two generations old
    signed_in
    refresh "$(refresh "$TOKEN" one | member refresh_token)" two >"$TMP/answer"
    SEND='old'
}
# A client of OAuth redeems a code (RFC 7636's example of a verifier); it asks for no id_token, whose signature is no part of what a sign-in costs.
CHALLENGE=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM
code_ready() {
    printf 'app public https://app.example/cb\n' >"$DATA/latchkey.clients"
    sed -i '/^issuer/d' "$DATA/latchkey.conf"
    echo 'issuer = https://nas.example/auth' >>"$DATA/latchkey.conf"
    CODE=$(ask POST /authorize 'username=demo&password=correct+horse' CONTENT_TYPE=application/x-www-form-urlencoded HTTPS=on HTTP_HOST=nas.example HTTP_SEC_FETCH_SITE=same-origin \
        QUERY_STRING="client_id=app&response_type=code&code_challenge=$CHALLENGE&code_challenge_method=S256" | sed -n 's/^Location: .*[?&]code=\([^&]*\).*/\1/p' | tr -d '\r')
    SEND='code'
}
by_form() { # MEMBER=VALUE...
    b_form=$(printf '&%s' "$@")
    ask POST /signin "${b_form#&}" CONTENT_TYPE=application/x-www-form-urlencoded HTTPS=on HTTP_HOST=nas.example HTTP_SEC_FETCH_SITE=same-origin
}
send() {
    case $SEND in
    site) ask GET /verify '' HTTPS=on HTTP_COOKIE="$SITE" ;;
    verify) with_token "$ACCESS" GET /verify ;;
    me) with_token "$ACCESS" GET /me ;;
    fresh) refresh "$TOKEN" "$(date +%N)" ;;
    again) refresh "$TOKEN" lost ;;
    old) refresh "$TOKEN" late ;;
    leave) ask POST /logout "{\"refresh_token\":\"$TOKEN\"}" ;;
    login) login ;;
    code) ask POST /token "grant_type=authorization_code&client_id=app&code=$CODE&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" CONTENT_TYPE=application/x-www-form-urlencoded ;;
    esac
}

# The log's frames are read at each start, so it's about half full whenever something is counted. Directories in which
# it isn't yet are kept, some sign-ins apart: in one the pages may be so full that the next always opens another.
KEPT=4
log_has() { # LEAST MOST, in frames
    log_size=$(wc -c <"$DATA/latchkey.db-wal")
    [ "$log_size" -gt $(($1 * 536)) ] && [ "$log_size" -lt $((($2 + 1) * 536)) ]
}
keep() { # NUMBER
    for _ in 1 2 3 4 5 6; do signed_in; done
    verb backup "$TMP/copy" && rm "$TMP/copy"
    # By refreshes: a verb leaves an empty log.
    until log_has 16 20; do
        if log_has 20 9999; then verb user enable demo; fi
        TOKEN=$(refresh "$TOKEN" "$(date +%N)" | member refresh_token)
    done
    cp -a "$DATA" "$TMP/kept.$1"
}
take() { # NUMBER
    rm -rf "$DATA"
    cp -a "$TMP/kept.$(($1 % KEPT))" "$DATA"
    signed_in
}

# once_under PROGRAM WRAP NAME VERDICT NUMBER: sends one, in the common case, and wants that verdict.
once_under() {
    tries=0
    LATCHKEY=$PRODUCT WRAP=''
    take "$5"
    until "$3_ready" && log_has 28 36; do
        tries=$((tries + 1))
        [ "$tries" -lt 200 ] || die "$3: the log is never half full, but $log_size bytes"
        if ! log_has 0 28; then take "$(($5 + tries))"; fi
        # It signs in by itself, and refreshes twice: with another sign-in a step would be as wide as what is wanted.
        [ "$3" = reuse ] || signed_in
    done
    LATCHKEY=$1 WRAP=$2
    send >"$TMP/answer"
    LATCHKEY=$PRODUCT WRAP=''
    [ "$(verdict <"$TMP/answer")" = "$4" ] || die "$3: $(verdict <"$TMP/answer")"
}

# figures: of the last trace, tab-separated: calls, bytes, syncs.
figures() {
    awk '/^[0-9]+ +[a-z0-9_]+\(/ { calls++ }
        /^[0-9]+ +f(data)?sync\(/ { syncs++ }
        /^[0-9]+ +p?writev?(64)?2?\([0-9]+<[^>]*latchkey\.db/ { bytes += $NF }
        END { printf "%d\t%d\t%d\n", calls, bytes, syncs }' "$TMP/strace"
}

least() { sort -n | head -n 1; }

# within NAME FIELD FILE [COLUMN]: whether the least of that column is no more than bench/budgets has, within 4 %.
within() {
    w_budget=$(awk -v name="$1" -v field="$2" '$1 == name { print $field }' "$TOP/bench/budgets")
    [ -z "$w_budget" ] || [ "$(cut -f "${4-1}" "$3" | least)" -le $((w_budget * 104 / 100)) ]
}
in_calls_and_bytes() { within "$1" 3 "$TMP/figures" 1 && within "$1" 4 "$TMP/figures" 2 && within "$1" 5 "$TMP/figures" 3; }

# The least of several: ids are random, and now and then a row opens a page of its own; two of three sign-ins' do. What is dearer than
# its budget is counted four times as often: of sixty sign-ins one that opens no page is among them but once in 10^10 runs.
wanted() { case $WANTED in '  ' | *" $1 "*) ;; *) false ;; esac; }
count() { # NAME VERDICT [TIMES [OF-INSTRUCTIONS]]
    wanted "$1" || return 0
    : >"$TMP/instructions"
    for number in $(seq $((4 * ${4-2}))); do
        once_under "$NAMED" "$CALLGRIND" "$1" "$2" "$number"
        sed -n 's/.*Collected : //p' "$TMP/callgrind" >>"$TMP/instructions"
        [ "$number" -lt "${4-2}" ] || ! within "$1" 2 "$TMP/instructions" || break
    done
    : >"$TMP/figures"
    for number in $(seq $((4 * ${3-5}))); do
        once_under "$PRODUCT" "$STRACE" "$1" "$2" "$number"
        figures >>"$TMP/figures"
        [ "$number" -lt "${3-5}" ] || ! in_calls_and_bytes "$1" || break
    done
    line "$1" "$(least <"$TMP/instructions")" "$(cut -f 1 "$TMP/figures" | least)" \
        "$(cut -f 2 "$TMP/figures" | least)" "$(cut -f 3 "$TMP/figures" | least)"
}
line() { printf '%-8s %12d %12d %8d %6d\n' "$@"; }

# What instructions depend on, besides the program.
echo "# of $(uname -m), gcc $(gcc -dumpfullversion), valgrind $(valgrind --version | sed 's/valgrind-//')"
printf '# %-6s %12s %12s %8s %6s\n' request instructions calls bytes syncs
data "$TMP/data"
"$BENCH/fill" rows "$DATA" 10000 0 >"$TMP/rows" || die 'no rows'
for number in $(seq 0 $((KEPT - 1))); do keep "$number"; done >"$TMP/answer"
count verify 204
count site 204
count me 200
count refresh 200 5 4
count retry 200
count login 200 15
count code 200 15
count logout 204 5 3
count reuse '401 refresh_reused' 5 4
# The same store once more, where that user has as many passkeys as one may have, and as many bytes of them: the row is eight pages longer.
take 0
"$BENCH/fill" keys "$DATA" 16 demo >"$TMP/keys" || die 'no keys'
rm -rf "$TMP"/kept.*
for number in $(seq 0 $((KEPT - 1))); do keep "$number"; done >"$TMP/answer"
count keyed 200 5 4
# What a session takes on the disk, beside its texts. Its number is drawn, and so is how full the pages are: the least of three stores.
for number in 2 3; do
    data "$TMP/data$number"
    "$BENCH/fill" rows "$DATA" 10000 0 >>"$TMP/rows" || die 'no rows'
done
line session 0 0 "$(awk '{ printf "%d\n", ($4 - $5) / $1 }' "$TMP/rows" | least)" 0
