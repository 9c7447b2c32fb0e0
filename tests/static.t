#!/bin/sh
# What the binary is, and who may include whom (docs/internals.md, "Rooms").
# needs: file
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: asks of the executable what is this machine's; tests/cross.t has what holds for all
cd "$TOP" || exit 1

# --- the executable
if [ "$LK_B" = musl ] && [ -e "$LATCHKEY" ]; then
    like "$(file -b "$LATCHKEY")" '*statically linked*stripped' 'static and stripped'
    is "$(readelf -lW "$LATCHKEY" | grep -cE 'INTERP|DYNAMIC')" 0 'no interpreter, nothing dynamic'
    is "$(readelf -rW "$LATCHKEY" | grep -c 'R_.*RELATIVE')" 0 'no relocation to apply at start'
    is "$(readelf -lW "$LATCHKEY" | grep 'GNU_STACK' | grep -c E)" 0 'its stack is not executable'
    size=$(wc -c <"$LATCHKEY")
    # crypt.c and musl's three functions behind it can be left out: WITHOUT=crypt.
    part=$(size "$LK_BUILD"/crypt.o "$LK_BUILD"/musl/src/crypt/*.o | awk 'NR > 1 { n += $1 } END { print n }')
    ok "hashes of other programs take at most 16 KB of it ($part bytes)" test "$part" -le 16000
    # Seven files of our own, two of them with the wallets (signin_show.c, auth_keys.c), and what BearSSL has to verify by: WITHOUT=passkey.
    passkey=$(size "$LK_BUILD"/passkey.o "$LK_BUILD"/*_passkey.o "$LK_BUILD"/signin_show.o "$LK_BUILD"/auth_keys.o "$LK_BUILD"/door/passkeys.o "$LK_BUILD"/signature.o "$LK_BUILD"/bearssl/src/ec/ecdsa_atr.o \
        "$LK_BUILD"/bearssl/src/ec/ecdsa_i31_vrfy_*.o | awk 'NR > 1 { n += $1 } END { print n }')
    ok "passkeys take at most 13.1 KB of it ($passkey bytes)" test "$passkey" -le 13100
    # Wallets: WITHOUT=wallet. Four files of our own, and what the linker keeps of libsodium's Ed25519, by its symbols' sizes when it came: 20 071.
    wallet=$(size "$LK_BUILD"/wallet.o "$LK_BUILD"/ed25519.o "$LK_BUILD"/*_wallet.o "$LK_BUILD"/door/wallets.o | awk 'NR > 1 { n += $1 } END { print n + 20071 }')
    ok "wallets take at most 28 KB of it ($wallet bytes)" test "$wallet" -le 28000
    # Proofs of possession: WITHOUT=dpop. What verifies their signatures is counted as the passkeys'.
    dpop=$(size "$LK_BUILD"/dpop.o | awk 'NR > 1 { n += $1 } END { print n }')
    ok "proofs of possession take at most 3 KB of it ($dpop bytes)" test "$dpop" -le 3000
    # The calls of supabase-js: WITHOUT=gotrue.
    gotrue=$(size "$LK_BUILD"/gotrue.o | awk 'NR > 1 { n += $1 } END { print n }')
    ok "supabase-js takes at most 4.1 KB of it ($gotrue bytes)" test "$gotrue" -le 4100
    part=$((part + passkey + wallet + dpop + gotrue))
    # What is loaded, without headers and padding. 0.1.0 had 7 357 bytes of those, and 690 616 in all.
    loaded=$(size -A "$LATCHKEY" | awk '$1 ~ /^\.(init|text|fini|rodata|eh_frame|init_array|fini_array|data|data\.rel\.ro|got)$/ { n += $2 } END { print n }')
    # 735 KB without OAuth; 9.5 KB for /authorize, 2.5 for the sessions of clients, 5 for devices; P-256, RSA and sign.c 26,
    # /token and its like 15.5; 4 for access tokens by ES256; 8 for latchkey migrate with its words and tables; 1.3 for what passkeys may say (options, errors).
    # 8 for the second factor (totp.c, SHA-1, its calls), 9 for its pages and verbs; 2.6 for sessions that are bound to a key; 1.2 for who has what, in lists and check.
    ok "780 KB are enough beside them ($((loaded - part)) bytes; the file has $size)" test $((loaded - part)) -le 780000
    said=$(sed -n 's/.*one static executable of some \([0-9]*\) KB.*/\1/p' README.md)
    ok "README.md says its size, to ten KB ($said)" test $((size / 1000 - ${said:-0})) -ge -10 -a $((size / 1000 - ${said:-0})) -le 10
    # What latchkey-pg has of PostgreSQL's: libpq's words, and our statements.
    is "$(strings -a "$LATCHKEY" | grep -cE 'SCRAM-SHA-256|PGPASSFILE|synchronous_commit')" 0 'nothing of PostgreSQL is in it'
    isnt "$(strings -a "$LATCHKEY" | grep -cE 'PRAGMA user_version')" 0 'what is in it is found that way'
    unlike "$(strings -a "$LATCHKEY" 2>/dev/null)" "*$TOP/*" 'no path of the build machine in it'
fi

# --- rooms: each .c, and the rooms whose header it may include, from the table of docs/internals.md
tmpdir
rows() { # FILE FIELD: "path<TAB>the names in that column" of each row of the table
    sed -n '/^<!-- rooms: /,/^<!-- end of rooms/p' "$1" | awk -F '|' -v field="$2" '
        $2 ~ /`.*\.c`/ { gsub(/[` ]/, "", $2); gsub(/`/, "", $field); print $2 "\t" $field }'
}
# --- the faults of tests/fuzz/broken fit their sources: their programs are built by fuzz.t alone, and take longer
unfit=''
while read -r name _; do
    unfit="$unfit$(tests/fuzz/break.sh "$name" "$TMP/fault.c" 2>&1)"
done <tests/fuzz/broken
is "$unfit" '' 'each planted fault changes its source'

rows docs/internals.md 4 >"$TMP/arrows"
rows docs/internals.md 5 >"$TMP/foreign"
own=$(printf '%s\n' *.c base/*.c store/*.c serve/*.c operator/*.c door/*.c oauth/*.c | sort)
is "$(cut -f 1 "$TMP/arrows" | sort)" "$own" 'each .c has a row in the table of rooms, and each row a .c'
is "$(printf '%s\n' "$own" | sed 's|.*/||' | sort | uniq -d)" '' 'no two rooms have one name'

# What each room includes, itself or by its header: "file.c name" lines, without folder and .h.
# shellcheck disable=SC2046,SC2086  # lists
awk 'sub(/^[ \t]*#[ \t]*include[ \t]*"/, "") && sub(/\.h".*/, "") { sub(/.*\//, ""); file = FILENAME; sub(/\.h$/, ".c", file); print file, $0 }' \
    $own $(for file in $own; do [ ! -e "${file%.c}.h" ] || echo "${file%.c}.h"; done) | sort -u >"$TMP/seen"
base=$(printf '%s\n' base/*.h | sed 's|.*/||; s|\.h$||' | paste -sd ' ' -)

not_allowed() { # ARROWS: "room: header" for each header that its room may not include
    awk -v base="$base" '
        FNR == NR { room = $1; sub(/.*\//, "", room); sub(/\.c$/, "", room)
            allowed[$1] = " " room ($1 ~ /^base\// ? " " : " " base " ")
            for (i = 2; i <= NF; i++) allowed[$1] = allowed[$1] $i " "
            next }
        !index(allowed[$1], " " $2 " ") { sub(/\.c$/, "", $1); print $1 ": " $2 }' "$1" "$TMP/seen"
}
is "$(not_allowed "$TMP/arrows")" '' 'a room includes only what its row allows'
sed '/^instance/s/ auth / /' "$TMP/arrows" >"$TMP/fewer"
is "$(not_allowed "$TMP/fewer")" 'instance: auth' 'and one that its row does not name is found'

never_included() { # ARROWS: what a row allows and neither the room nor its header includes
    awk 'FNR == NR { seen[$1, $2] = 1; next } { for (i = 2; i <= NF; i++) if (!(($1, $i) in seen)) print $1 ": " $i }' "$TMP/seen" "$1"
}
is "$(never_included "$TMP/arrows")" '' 'the table names no arrow that is not there'
sed '/^instance/s/ auth / auth totp /' "$TMP/arrows" >"$TMP/more"
is "$(never_included "$TMP/more")" 'instance.c: totp' 'and one that is not there is found'

circles() { # "from to" lines on stdin: what tsort says of a circle
    tsort 2>&1 >/dev/null | sed 's/^tsort: //' | paste -sd ' ' -
}
edges() {
    awk '{ sub(/.*\//, "", $1); sub(/\.c$/, "", $1) } $1 != $2' "$TMP/seen"
}
is "$(edges | circles)" '' 'no chain of rooms leads back to its beginning'
isnt "$({ edges; echo 'base main'; } | circles)" '' 'and one that does is found'

# --- the shape of the code: files, and functions: a function's length is the lines between its braces, which stand at the margin
lengths() { # FILE...: "lines file:line" of each function
    awk 'FNR == 1 { from = 0 } /^\{$/ { from = FNR } /^\}$/ && from { print FNR - from - 1, FILENAME ":" from; from = 0 }' "$@" | sort -n
}
# shellcheck disable=SC2086  # a list
lengths $own >"$TMP/lengths"
at_most() { # LINES: the functions that are longer
    awk -v most="$1" '$1 > most { print $2 }' "$TMP/lengths" | paste -sd ' ' -
}
is "$(at_most 40)" '' 'no function has more than 40 lines'
isnt "$(at_most 20)" '' 'and a longer one is found'
is "$(awk '{ n[NR] = $1 } END { print (n[int((NR + 1) / 2)] <= 10), (n[int(NR * 0.9 + 0.5)] <= 17) }' "$TMP/lengths")" '1 1' \
    "half of them have at most 10, nine of ten at most 17 ($(wc -l <"$TMP/lengths") functions)"

long_files() { # LINES: the files that are longer
    # shellcheck disable=SC2086  # a list
    wc -l $own | awk -v most="$1" '$1 > most && $2 != "total" { print $2 }' | paste -sd ' ' -
}
is "$(long_files 700)" '' 'no file has more than 700 lines'
isnt "$(long_files 500)" '' 'and a longer one is found'

# --- what the sanitizers' builds leave out (ARENA_MALLOC): by gcc, since make asan and make msan take long
without_arena() { # FILE...: what is wrong with them there
    for w_file; do
        gcc -S -o /dev/null -std=c11 -D_GNU_SOURCE -DARENA_MALLOC -DLK_VERSION='""' -DLK_BUILD_EPOCH=0LL -Wall -Wextra -Werror -I. -Itests \
            -isystem "${SQLITE_SRC:-deps/sqlite3}" -isystem "${BEARSSL_SRC:-deps/bearssl}/inc" -isystem "${SODIUM_SRC:-deps/sodium}" "$w_file" 2>&1 | grep 'error:'
    done
}
# shellcheck disable=SC2046  # a list
is "$(without_arena $(grep -lE 'ARENA_MALLOC|dir\.h' ./*.c base/*.c tests/*_test.c))" '' "the sanitizers' builds have nothing that isn't used"
sed 's/^#ifndef ARENA_MALLOC/#include "dir.h"\n&/' tests/memory_test.c >"$TMP/unused_test.c"
like "$(without_arena "$TMP/unused_test.c")" '*make_dir*' 'and what is not used is found'

# --- foreign headers: where each may be included
users() { # PATTERN: the .c that include such a header, themselves or by an own header
    # shellcheck disable=SC2086  # a list
    grep -lE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($1)" $own ./*.h base/*.h store/*.h serve/*.h operator/*.h door/*.h | sed 's|^\./||' | while read -r f; do
        case $f in *.h) grep -lF "\"$f\"" $own ;; *) echo "$f" ;; esac
    done | sort -u | paste -sd ' ' -
}
for header in sqlite3 libpq-fe bearssl crypto_ linux/; do
    allowed=$(awk -F '\t' -v h="$header" '{ n = split($2, a, " "); for (i = 1; i <= n; i++) if (a[i] == h) print $1 }' "$TMP/foreign" | sort | paste -sd ' ' -)
    used=$(users "$header")
    wrong=$(for f in $used; do case " $allowed " in *" $f "*) ;; *) echo "$f" ;; esac; done)
    is "$wrong" '' "$header: only in ${allowed:-no room}"
    isnt "$allowed" '' "$header: some room is named for it"
done
like "$(users sqlite3)" '*store/sqlite_rows.c*' 'a foreign header that comes by an own one is found'
# shellcheck disable=SC2086  # a list
others=$(grep -hoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*<(sqlite|libpq|bearssl|sodium|crypto_|linux/)[^>]*>' $own | wc -l)
ok "foreign headers are found at all ($others)" test "$others" -gt 5

done_testing
