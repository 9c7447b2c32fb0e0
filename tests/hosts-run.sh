# shellcheck shell=sh
# hosts-run.sh: tests/hosts.sh as a test, in namespaces of its own. Sourced after lib.sh.
#
#   hosts_need PROGRAM...   skips the test where one of them, PostgreSQL or root's rights aren't there: nothing is installed for it
#   hosts_run [NAME=VALUE]  reports what hosts.sh does, and ends

hosts_need() {
    for h_what; do command -v "$h_what" >/dev/null || skip_all "no $h_what on this machine"; done
    [ -e "$(find /usr/lib/postgresql/*/bin -name initdb 2>/dev/null | head -n 1)" ] || skip_all 'no PostgreSQL on this machine (Debian: postgresql)'
    [ "$(id -u)" -eq 0 ] || skip_all 'only as root'
}
hosts_run() {
    report env "$@" unshare --mount --mount-proc --net --pid --fork --kill-child "$TOP/tests/hosts.sh" "$TOP/latchkey-pg"
    done_reported
}
