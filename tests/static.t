#!/bin/sh
# What the binary is, and who may include whom (design, section 2).
. "$(dirname "$0")/lib.sh"
cd "$TOP" || exit 1

# --- the executable
if [ "$LK_B" = musl ] && [ -e "$LATCHKEY" ]; then
    like "$(file -b "$LATCHKEY")" '*statically linked*stripped' 'static and stripped'
    is "$(readelf -lW "$LATCHKEY" | grep -cE 'INTERP|DYNAMIC')" 0 'no interpreter, nothing dynamic'
    is "$(readelf -rW "$LATCHKEY" | grep -c 'R_.*RELATIVE')" 0 'no relocation to apply at start'
    is "$(readelf -lW "$LATCHKEY" | grep 'GNU_STACK' | grep -c E)" 0 'its stack is not executable'
    size=$(wc -c <"$LATCHKEY")
    ok "at most 700 KB ($size bytes)" test "$size" -le 700000
    unlike "$(strings -a "$LATCHKEY" 2>/dev/null)" "*$TOP*" 'no path of the build machine in it'
fi

# --- rooms: each .c, then the rooms whose header it may include
rooms='
main      admin base config http instance serve store
instance  auth base config harden http jwt site
serve     auth base instance listen store worker
admin     base config store verbs
backup    base store
verbs     ask auth backup base check clock config json jwt password rows store
check     base clock config harden jwt password rows store
ask       base
auth      base clock config http json jwt password store throttle
site      base http www
http      base
listen    base worker
worker    base http
rows      base json
jwt       base json
json      base
password  base
throttle  base
clock     base
store     agent base store_file
agent     base
store_file base
config    base
harden    base
base
'
# --- foreign headers: pattern, and the one room that may include it (store has two files)
foreign='
sqlite3\.h          store.c,store_file
bearssl[a-z_]*\.h   jwt
(sodium|crypto_[a-z0-9_]*)(/[a-z_]*)?\.h password
jsmn\.h             json
linux/[a-z]*\.h      harden
'
complete=$([ -e main.c ] && echo 1 || echo 0)

includes() { # FILE...: the own headers it includes, without .h
    sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)\.h".*/\1/p' "$@" | sort -u
}

for room in $(printf '%s' "$rooms" | awk '{print $1}'); do
    if [ ! -e "$room.c" ]; then
        [ "$complete" -eq 0 ] || fail "$room.c is in the table and exists"
        continue
    fi
    allowed=" $room $(printf '%s' "$rooms" | awk -v r="$room" '$1 == r { $1 = ""; print }') "
    wrong=
    # A header may carry another in, so both are asked.
    for seen in $(for f in "$room.c" "$room.h"; do [ ! -e "$f" ] || includes "$f"; done); do
        case $allowed in *" $seen "*) ;; *) wrong="$wrong $seen" ;; esac
    done
    is "$wrong" '' "$room includes only what it may"
done
for f in *.c; do
    [ -e "$f" ] || continue
    is "$(printf '%s' "$rooms" | awk -v r="${f%.c}" '$1 == r { print r }')" "${f%.c}" "$f has a row in the table"
done
printf '%s' "$foreign" | sed '/^$/d' | { while read -r header room; do
    printf '%s %s\n' "$room.c" "$(grep -lE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]$header" ./*.c ./*.h | sed 's|./||' | paste -sd, -)"
done; } >"${TMPDIR:-/tmp}/lk.$$"
while read -r room users; do
    case $users in '' | "$room") pass "only $room may include its foreign header" ;; *) fail "not only $room: $users" ;; esac
done <"${TMPDIR:-/tmp}/lk.$$"
rm -f "${TMPDIR:-/tmp}/lk.$$"

done_testing
