# shellcheck shell=sh
# herd.sh: two fronts and the herd (herd.c) before them. Sourced after lib.sh and calls.sh.
#
#   herd_options         lines of latchkey.conf that the herd needs
#   herd_build           the program, into $TMP/herd
#   front NAME DIR       starts latchkey serve on $PORT_NAME with $WORKERS workers, SHIM_NAME in its environment (shim.c); front_die NAME
#   herd_start WORDS...  lets the herd run; herd_silence prints what it was since the last time, ms; herd_is_answered; herd_end ends it and waits
#   herd_is NAME         its figure of that name
#   herd_holds WHAT      what must hold of any herd: tests
#   herd_diag WHAT       what it counted

WORKERS=2
PROGRAM=${PROGRAM-$LATCHKEY}

herd_options() { printf '%s\n' 'trusted_proxies = 127.0.0.1' 'signup = on' 'reuse_grace = 0' 'sessions_max = 1000'; }
herd_build() {
    tmpdir
    "${HELPER_CC:-musl-gcc}" -static -O1 -std=c11 -D_GNU_SOURCE -Wall -Wextra -o "$TMP/herd" "$TOP/tests/herd.c" || exit 1
}

# With a process group of its own, so that a front can be stopped and killed whole.
front() { # NAME DIR
    f_port='' f_shim=''
    eval "f_port=\$PORT_$1 f_shim=\${SHIM_$1-}"
    start "front_$1" env LK_SHIM="$f_shim" setsid "$PROGRAM" serve "127.0.0.1:$f_port" --workers "$WORKERS" --dir "$2"
    wait_port "$f_port"
}
front_signal() { # NAME SIGNAL
    f_pid=''
    eval "f_pid=\$front_$1_pid"
    ! is_ours "$f_pid" || kill "-$2" "-$f_pid"
}
front_die() {
    front_signal "$1" KILL
    stop "front_$1" 2>/dev/null
}

herd_start() { # WORDS...: of herd.c, with the ports
    start herd "$TMP/herd" "$@"
    eventually grep -q '^begun' "$TMP/herd.log" || diag "$(tail -n 5 "$TMP/herd.log")"
}
herd_silence() { # prints MS of refreshes
    h_lines=$(grep -c '^silence ' "$TMP/herd.log")
    # shellcheck disable=SC2154  # start sets it
    kill -USR1 "$herd_pid"
    h_more() { [ "$(grep -c "^silence " "$TMP/herd.log")" -gt "$h_lines" ]; }
    eventually h_more
    sed -n 's/^silence \([0-9]*\) .*/\1/p' "$TMP/herd.log" | tail -n 1
}
# Whether refreshes are answered: who was told to come again waits for some seconds.
herd_is_answered() {
    a_before=$(herd_answers)
    sleep 1
    [ "$(herd_answers)" -gt "$a_before" ]
}
herd_answers() {
    herd_silence >/dev/null
    sed -n 's/^silence .* answers //p' "$TMP/herd.log" | tail -n 1
}
herd_end() {
    ! is_ours "$herd_pid" || kill -INT "$herd_pid"
    wait "$herd_pid"
}
herd_is() { sed -n "s|^$1 ||p" "$TMP/herd.log" | tail -n 1; }
herd_diag() {
    grep '^#' "$TMP/herd.log"
    diag "$1: $(sed -n '/^refreshes/,$p' "$TMP/herd.log" | paste -sd , - | sed 's/,/, /g')"
}
herd_holds() { # WHAT
    isnt "$(herd_is silence)" 0 "$1: refreshes were answered meanwhile"
    is "$(herd_is signed_out) of $(herd_is refreshes)" "0 of $(herd_is refreshes)" "$1: nobody is signed out"
    is "$(herd_is found)" "$(herd_is thefts)" "$1: every theft is found"
    is "$(herd_is undone)" 0 "$1: nothing that was answered is undone ($(herd_is signins) sign-ins, $(herd_is signouts) sign-outs)"
    is "$(herd_is strange)" 0 "$1: no other answer than the contract's"
    herd_diag "$1"
    HERD_ASKED=$((${HERD_ASKED-0} + $(herd_is refreshes) + $(herd_is signins) + $(herd_is signouts)))
}
