#!/bin/sh
# Time tells nothing: no branch and no index depends on a secret until the verdict, and a refusal costs the same
# instructions whatever it is for. Instructions are counted, since a count is the same each time; times are only shown.
# With TORTURE=1 the times are of hashes at full cost.
# needs: valgrind python3
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: valgrind counts and marks on this machine's instructions
. "$(dirname "$0")/calls.sh"
tmpdir

# --- secrets marked as bytes that nobody set: tests/timing.c
marked() { valgrind -q --error-exitcode=9 "$LK_BUILD/$1" "$2" ${3:+"$3"}; }
for what in token password client; do
    ok "$what: no branch, no index depends on a secret" marked timing "$what"
    marked timing "$what" memcmp >"$TMP/log" 2>&1
    is $? 9 "$what: memcmp() in the place of same_bytes() is found"
done
marked broken/branch-on-hash password >"$TMP/log" 2>&1
is $? 9 'password: a stored hash that is decoded digit by digit with branches is found'

# --- signatures: by each key the same instructions. The numbers are from 1 on, and what is signed is the same.
signs() { # PROGRAM es256|rs256 KEY
    valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null --log-file="$TMP/count" "$LK_BUILD/$1" "$2" "$3" "$TMP/rsa.$3" >"$TMP/log" 2>&1 || cat "$TMP/log"
    sed -n 's/.*I *refs: *//p' "$TMP/count" | tr -d ,
}
mkdir "$TMP/rsa.1" "$TMP/rsa.2"
for key in 1 2; do "$LK_BUILD/timing" rs256 $key "$TMP/rsa.$key"; done # makes them
for alg in es256 rs256; do
    one=$(signs timing $alg 1)
    ok "$alg: a signature was counted ($one instructions)" test "$one" -gt 1000000
    is "$(signs timing $alg 2)" "$one" "$alg: another key takes the same instructions"
done
isnt "$(signs broken/scalar-branch es256 1)" "$(signs broken/scalar-branch es256 2)" 'es256: a branch on the bits of the key is found'

# --- instructions of a whole request, from the same state each time
data "$TMP/data"
printf '%s\n' "$PASSWORD" | verb user add gone >/dev/null
verb user disable gone >/dev/null
# Letters and numerals take the decoder other ways, so a changed digit stays of its kind.
while :; do
    signed_in
    case "${ACCESS##*.} ${TOKEN##*.}" in
    [a-zA-Z0-9]*[a-zA-Z0-9]?' '[a-zA-Z0-9]*[a-zA-Z0-9]?) break ;;
    esac
done
cp -a "$TMP/data" "$TMP/seed"
other() { printf '%s' "$1" | tr 'a-zA-Z0-9' 'b-zaB-ZA1-90'; }
first() { mac=${1##*.}; printf '%s.%s%s' "${1%.*}" "$(other "${mac%"${mac#?}"}")" "${mac#?}"; }
last() { head=${1%??} tail=${1#"${1%??}"}; printf '%s%s%s' "$head" "$(other "${tail%?}")" "${tail#?}"; }
counted() { # COMMAND...: instructions of the request; its verdict is in $TMP/verdict
    rm -rf "$TMP/data"
    cp -a "$TMP/seed" "$TMP/data"
    WRAP="$(command -v valgrind) --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null --log-file=$TMP/count"
    "$@" | verdict >"$TMP/verdict"
    WRAP=
    sed -n 's/.*I *refs: *//p' "$TMP/count" | tr -d ,
}
try() { ask POST /login "{\"username\":\"$1\",\"password\":\"$2\"}"; }
apart() { # A B MOST: the two counts differ by no more
    distance=$(($1 - $2))
    [ "${distance#-}" -le "$3" ]
}

wrong=$(counted try demo 'correct horsf')
is "$(cat "$TMP/verdict")" '401 invalid_credentials' 'a wrong password is refused'
is "$(counted try demo 'correct horsf')" "$wrong" 'and takes the same number of instructions each time'
for row in "nobo correct_horse unknown_user" "gone correct_horse disabled_user,_right_password" "gone correct_horsf disabled_user,_wrong_password"; do
    # shellcheck disable=SC2086  # three words
    set -- $row
    count=$(counted try "$1" "$(echo "$2" | tr _ ' ')")
    what=$(echo "$3" | tr _ ' ')
    is "$(cat "$TMP/verdict")" '401 invalid_credentials' "$what: the same answer"
    # What is left is the row of the user that is read, about a microsecond beside 27 ms of hashing.
    ok "$what: within 5000 instructions of a wrong password" apart "$count" "$wrong" 5000
    diag "$count instructions, a wrong password $wrong"
done

# --- the cost was lowered: who is known still takes what his hash was made at, and so does who isn't
cp "$TMP/seed/latchkey.conf" "$TMP/conf"
sed -i 's/^password_memory.*/password_memory = 16m/' "$TMP/seed/latchkey.conf"
dear() { printf '%s\n' "$PASSWORD" | "$LATCHKEY" user passwd "$1" --dir "$TMP/seed" >/dev/null; }
dear demo
dear gone
cp "$TMP/conf" "$TMP/seed/latchkey.conf"
lowered=$(counted try demo 'correct horsf')
is "$(cat "$TMP/verdict")" '401 invalid_credentials' 'the cost lowered: a wrong password'
ok 'is looked at at the cost of its hash' test "$lowered" -gt $((wrong * 4))
count=$(counted try nobo 'correct horsf')
is "$(cat "$TMP/verdict")" '401 invalid_credentials' 'an unknown user: the same answer'
ok 'within 5000 instructions' apart "$count" "$lowered" 5000
diag "$count instructions, a wrong password $lowered"
counted try demo "$PASSWORD" >/dev/null
is "$(cat "$TMP/verdict")" 200 'and the right one signs in'
dear demo
dear gone
while :; do
    LINK=$("$LATCHKEY" user link demo --url https://example.org --dir "$TMP/seed")
    case "${LINK##*.}" in
    [a-zA-Z0-9]*[a-zA-Z0-9]?) break ;;
    esac
    sleep 1
done
for kind in access refresh link; do
    case $kind in
    access) token=$ACCESS; show() { with_token "$1" GET /verify; } ;;
    refresh) token=$TOKEN; show() { refresh "$1"; } ;;
    link) token=${LINK##*=}; show() { ask POST /password/link "{\"ticket\":\"$1\",\"new_password\":\"battery staple\"}"; } ;;
    esac
    early=$(counted show "$(first "$token")")
    like "$(cat "$TMP/verdict")" '401 *_invalid' "$kind token, MAC wrong in its first byte: refused"
    late=$(counted show "$(last "$token")")
    like "$(cat "$TMP/verdict")" '401 *_invalid' "$kind token, MAC wrong in its last byte: refused"
    is "$late" "$early" "$kind token: by the same number of instructions"
    LATCHKEY=$LK_BUILD/broken/memcmp-mac
    isnt "$(counted show "$(last "$token")")" "$(counted show "$(first "$token")")" "$kind token: memcmp() in that place shows"
    LATCHKEY=$TOP/latchkey
done
LATCHKEY=$LK_BUILD/broken/nobody-is-fast
wrong=$(counted try demo 'correct horsf')
count=$(counted try nobo 'correct horsf')
LATCHKEY=$TOP/latchkey
nok 'a build that hashes nothing for an unknown user shows' apart "$count" "$wrong" 5000

# --- times, for the eye
rm -rf "$TMP/data"
cp -a "$TMP/seed" "$TMP/data"
if [ -n "${TORTURE-}" ]; then
    sed -i '/^password_/d' "$TMP/data/latchkey.conf"
    anew() { printf '%s\n' "$PASSWORD" | verb user passwd "$1"; }
    for user in demo gone; do ok "$user has a hash at full cost" anew "$user"; done
fi
ok 'distributions of 400 requests each are below' python3 "$TOP/tests/timing.py" "$LATCHKEY" "$DATA" \
    "$TMP/times" "$(first "$ACCESS")" "$(last "$ACCESS")"
diag "$(cat "$TMP/times")"
promise timing "$t_count" "$t_failed" 'memcmp() for same_bytes(), a decoder that branches, a branch on the bits of a private key, no hash for unknown users: found'
done_testing
