# shellcheck shell=sh
# filter.sh: the system calls that the units let through, by what systemd-analyze knows of its groups. Sourced after lib.sh.

expand() { # NAME...: the calls in these, groups opened
    for t_item; do
        case $t_item in
        @*) # shellcheck disable=SC2046  # words
            expand $(sed -n "/^$t_item\$/,/^\$/s/^    \([^#]\)/\1/p" "$TMP/groups") ;;
        *) echo "$t_item" ;;
        esac
    done
}

# allowed_calls: their names, sorted, in $TMP/allowed.
allowed_calls() {
    systemd-analyze --no-pager syscall-filter 2>/dev/null >"$TMP/groups"
    sed -n 's/^SystemCallFilter=//p' "$TOP/packaging/systemd/hardened" >"$TMP/filter"
    : >"$TMP/allowed"
    while read -r line; do
        # shellcheck disable=SC2086  # words
        expand ${line#\~} | LC_ALL=C sort -u >"$TMP/these"
        case $line in
        \~*) LC_ALL=C comm -23 "$TMP/allowed" "$TMP/these" ;;
        *) LC_ALL=C sort -u "$TMP/allowed" "$TMP/these" ;;
        esac >"$TMP/next"
        mv "$TMP/next" "$TMP/allowed"
    done <"$TMP/filter"
}
