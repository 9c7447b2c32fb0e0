#!/bin/sh
# figures.sh [COUNT]: what one request costs, as Markdown: `make bench`. Counts (instructions, system
# calls, bytes, syncs) are exact; times are of this machine at this moment, so read the ratios.
set -eu
cd "$(dirname "$0")/.."
count=${1:-1000}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
lk=$PWD/latchkey
export LATCHKEY_DIR="$dir/data"

musl-gcc -static -no-pie -Os -s -o "$dir/empty" bench/empty.c
# Static and small: a child begins with the peak of its parent.
musl-gcc -std=c11 -static -Os -s -o "$dir/once" bench/once.c
"$lk" init >/dev/null
printf 'password_memory = 1m\npassword_passes = 1\n' >"$dir/data/latchkey.conf"
printf 'correct horse\n' | "$lk" user add demo >/dev/null

# cgi METHOD PATH COMMAND...: with a CGI request in the environment, and its body on stdin.
cgi() {
    method=$1 path=$2
    shift 2
    env -i LATCHKEY_DIR="$LATCHKEY_DIR" GATEWAY_INTERFACE=CGI/1.1 SERVER_PROTOCOL=HTTP/1.1 \
        SCRIPT_NAME=/cgi-bin/latchkey REMOTE_ADDR=192.0.2.1 HTTP_HOST=nas.example CONTENT_TYPE=application/json \
        HTTP_USER_AGENT='Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36' \
        REQUEST_METHOD="$method" PATH_INFO="$path" HTTP_AUTHORIZATION="${access:+Bearer $access}" "$@"
}
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
body_of() { # ROUTE: its body, with a fresh token where it takes one
    case $1 in
    login) printf '{"username":"demo","password":"correct horse","device":"phone"}' ;;
    refresh) printf '{"refresh_token":"%s","idempotency_key":"%s"}' "$refresh" "$(od -An -N8 -tx1 /dev/urandom | tr -d ' ')" ;;
    esac
}
ask() { # METHOD ROUTE COMMAND...: one request, its answer in $answer
    body=$(body_of "$2")
    answer=$(printf '%s' "$body" | cgi "$1" "/$2" CONTENT_LENGTH="${#body}" "${3:-env}" ${4+"$4"} ${5+"$5"} ${6+"$6"} "$lk")
    case $2 in login | refresh) access=$(printf '%s' "$answer" | member access_token) refresh=$(printf '%s' "$answer" | member refresh_token) ;; esac
}
access='' refresh=''
ask POST login

counted() { # METHOD ROUTE: instructions, system calls, syncs, bytes written to the disk
    ask "$1" "$2" valgrind --tool=callgrind --callgrind-out-file=/dev/null --log-file="$dir/callgrind"
    instructions=$(sed -n 's/.*Collected : //p' "$dir/callgrind")
    ask "$1" "$2" strace -f -o "$dir/strace"
    calls=$(grep -c '(' "$dir/strace")
    syncs=$(grep -cE '^[0-9]+ +f(data)?sync\(' "$dir/strace" || :)
    bytes=$(sed -nE 's/^[0-9]+ +pwrite64\(.* = ([0-9]+)$/\1/p' "$dir/strace" | awk '{ n += $1 } END { print n + 0 }')
    echo "| $2 | $instructions | $calls | $syncs | $bytes |"
}
timed() { # METHOD ROUTE [VARIABLE=VALUE]
    # shellcheck disable=SC2046  # four words
    set -- "$2" $(cgi "$1" "/$2" ${3+"$3"} "$dir/once" "$count" "$dir/empty" "$lk")
    echo "| $1 | $2 | $3 | $4 | $5 |"
}

echo "Executable: $(wc -c <"$lk") bytes, static. $(uname -sm) $(uname -r), $(nproc) cores, $(date -u +%F)."
echo
echo '| request | instructions | system calls | syncs | bytes written |'
echo '|---|---|---|---|---|'
counted GET verify
counted POST refresh
counted GET me
counted POST login
echo
echo "| request, $count processes | µs, median | empty program, µs | ratio, median of pairs | peak resident KiB |"
echo '|---|---|---|---|---|'
timed GET verify
timed GET me
ask POST login
timed POST refresh "REFRESH_TOKEN=$refresh"
echo
echo "After $count refreshes of one session: 1 row, database $(wc -c <"$dir/data/latchkey.db") bytes, log $(wc -c <"$dir/data/latchkey.db-wal") bytes."
