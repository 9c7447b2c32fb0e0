# shellcheck shell=sh
# behind.sh: programs that know nothing of latchkey, behind a block of docs/protect.md, and a latchkey whose clock the test sets. Sourced after
# lib.sh and calls.sh; needs nginx caddy curl socat and what begin_NAME starts.
in_memory
tmpdir
FRONT='' PAGE=$TOP/docs/protect.md
# shellcheck source=tests/fronts/servers.sh
. "$TOP/tests/fronts/servers.sh"
SHIM=$LK_BUILD/tests/shim
cp "$SHIM" "$TMP/shim"
data "$DATA" 'access_ttl = 10s' 'trusted_proxies = unix' 'insecure_cookie = on'
echo +0 >"$TMP/clock"
mkdir -p "$TMP/etc" "$TMP/home"
hand_over

# --- the programs: begin_NAME starts it on $BACK_PORT

begin_syncthing() {
    mkdir -p "$TMP/syncthing"
    cat >"$TMP/syncthing/config.xml" <<XML
<configuration version="35">
    <gui enabled="true" tls="false"><address>127.0.0.1:$BACK_PORT</address></gui>
    <options>
        <listenAddress>tcp://127.0.0.1:$THIRD</listenAddress>
        <globalAnnounceEnabled>false</globalAnnounceEnabled><localAnnounceEnabled>false</localAnnounceEnabled>
        <relaysEnabled>false</relaysEnabled><natEnabled>false</natEnabled><urAccepted>-1</urAccepted>
        <startBrowser>false</startBrowser><autoUpgradeIntervalH>0</autoUpgradeIntervalH><crashReportingEnabled>false</crashReportingEnabled>
    </options>
</configuration>
XML
    hand_over
    # shellcheck disable=SC2086
    start program $as env HOME="$TMP/home" STNOUPGRADE=1 syncthing --no-browser --home="$TMP/syncthing"
}
begin_radicale() {
    cat >"$TMP/radicale.conf" <<CONF
[server]
hosts = 127.0.0.1:$BACK_PORT
[auth]
type = http_x_remote_user
[storage]
filesystem_folder = $TMP/collections
CONF
    hand_over
    # shellcheck disable=SC2086
    start program $as radicale --config "$TMP/radicale.conf"
}
begin_prometheus() {
    printf 'scrape_configs: []\n' >"$TMP/prometheus.yml"
    hand_over
    # shellcheck disable=SC2086
    start program $as prometheus --config.file="$TMP/prometheus.yml" --storage.tsdb.path="$TMP/tsdb" --web.listen-address="127.0.0.1:$BACK_PORT"
}
begin_transmission() {
    mkdir -p "$TMP/transmission"
    printf '{"rpc-bind-address":"127.0.0.1","rpc-port":%s,"peer-port":%s,"dht-enabled":false,"lpd-enabled":false,"port-forwarding-enabled":false}\n' \
        "$BACK_PORT" "$THIRD" >"$TMP/transmission/settings.json"
    hand_over
    # shellcheck disable=SC2086
    start program $as env HOME="$TMP/home" transmission-daemon --foreground --config-dir "$TMP/transmission" --download-dir "$TMP/home"
}

# --- the fronts. A process for each request, so that the clock can go on between two.

begin_latchkey() {
    rm -f "$TMP/latchkey.sock"
    # shellcheck disable=SC2086
    start latchkey $as env LATCHKEY_DIR="$DATA" LK_SHIM="clock=$TMP/clock,confirmed" socat "UNIX-LISTEN:$TMP/latchkey.sock,fork,backlog=64" "EXEC:$TMP/shim"
    eventually test -S "$TMP/latchkey.sock"
}
begin_front() { # nginx, caddy
    # Radicale wants the name in a header of its own; all else is the page's.
    if [ "$1" = nginx ]; then
        block server | sed 's/proxy_set_header X-Auth-Name \$name;/& proxy_set_header X-Remote-User $name;/' | nginx_conf >"$TMP/server.conf"
        # shellcheck disable=SC2086
        start front $as nginx -e stderr -p "$TMP" -c "$TMP/server.conf"
    else
        block server | sed 's/X-Auth-Name X/X-Auth-Name X-Auth-Name>X-Remote-User X/' >"$TMP/server.conf"
        # shellcheck disable=SC2086
        start front $as env HOME="$TMP/home" caddy run --config "$TMP/server.conf" --adapter caddyfile
    fi
    wait_port "$PORT" || diag "$(cat "$TMP/front.log")"
}

later() { echo "+$1" >"$TMP/clock.new" && mv "$TMP/clock.new" "$TMP/clock"; } # SECONDS since the beginning

# operator WORDS...: a verb, at the time that it is for the browser.
operator() {
    # shellcheck disable=SC2086
    $as env LK_SHIM="clock=$TMP/clock,confirmed" "$TMP/shim" "$@" --dir "$DATA" >/dev/null
}

# begin_all FRONT PROGRAM: all three, at the beginning of time, with a key of their own.
begin_all() {
    FRONT=$1 PROGRAM=$2
    PORT=$((PORT + 5))
    next_port
    BACK_PORT=$((PORT + 1)) THIRD=$((PORT + 2))
    later 0
    operator key rotate --epoch
    begin_latchkey
    "begin_$PROGRAM"
    wait_port "$BACK_PORT" || diag "$(tail -n 5 "$TMP/program.log")"
    [ "$PROGRAM" != prometheus ] || eventually curl -sf -m 30 "http://127.0.0.1:$BACK_PORT/-/ready"
    begin_front "$FRONT"
}
end_all() { stop front && stop program && stop latchkey; }
