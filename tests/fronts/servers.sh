# shellcheck shell=sh
# servers.sh: real servers, configured by blocks of a page. Sourced after lib.sh and tmpdir, with $FRONT,
# whose server it is, and $PAGE, where its blocks are.
#
# A block of a page belongs to a front by its info string, ```LANGUAGE KEY=FRONT[,FRONT]:
#   server   the configuration, or where the language is sh, the command
#   backend  a command that must run beside it
#   script   the program in cgi-bin, where it isn't latchkey itself
#   options  lines of latchkey.conf
#   reads    what the server takes that latchkey would refuse, a case of hostile.py to a line
#   serves   the cases behind which it serves a second request
#   file     something else that lies beside it
# and what a host would have stands for what the test has; see values().

# As root, servers and data belong to an ordinary user, as they would on a host: who may not look into this tree, which may lie in /root.
as='' USER_NAME=$(id -un)
if [ "$(id -u)" -eq 0 ]; then
    as="env -C $TMP setpriv --reuid=www-data --regid=www-data --clear-groups" USER_NAME=www-data
fi
GROUP_NAME=$(id -gn "$USER_NAME")

WWW=$TMP/www BIN=$TMP/latchkey DATA=$TMP/data
PORT=${FRONT_PORT:-$(free_port 80)}
next_port() { while t_listening "$PORT"; do PORT=$((PORT + 1)); done; }
next_port
BACK_PORT=$((PORT + 1))
while t_listening "$BACK_PORT"; do BACK_PORT=$((BACK_PORT + 1)); done

# hand_over: all that the test made so far becomes that user's.
hand_over() {
    [ -x "$BIN" ] || cp "$LATCHKEY" "$BIN"
    mkdir -p "$TMP/tests/fronts" && cp "$TOP/tests/fronts/uhttpd.py" "$TOP/tests/fronts/echo.py" "$TMP/tests/fronts" # a clone below /root is root's alone
    chmod 755 "$TMP"
    [ -z "$as" ] || chown -R "$USER_NAME:$GROUP_NAME" "$TMP"
}

# What the page says, and what it is here.
values() {
    sed -e "s|/var/lib/latchkey|$DATA|g; s|/usr/bin/latchkey|$BIN|g; s|/srv/www|$WWW|g" \
        -e "s|/usr/lib/cgi-bin|$WWW/cgi-bin|g; s|/run/|$TMP/|g; s|\\b8080\\b|$PORT|g; s|\\b9000\\b|$BACK_PORT|g" \
        -e "s|\\bwww-data\\b|$USER_NAME|g; s|/opt/latchkey/tests|$TMP/tests|g; s|/etc/latchkey/|$TMP/etc/|g" |
        if [ "${HOST-}" = '[::1]' ]; then on_six; else cat; fi
}

# on_six: where a page listens on 127.0.0.1, on ::1 instead; what lies behind a front stays where it is.
on_six() {
    sed -e "s|127\\.0\\.0\\.1:$PORT\\b|[::1]:$PORT|g; s|127\\.0\\.0\\.1 $PORT\\b|::1 $PORT|g; s|-h 127\\.0\\.0\\.1 |-h ::1 |" \
        -e 's|bind 127\.0\.0\.1$|bind ::1|; s|\(bind *= \)"127\.0\.0\.1"|\1"[::1]"|; s|bind *= 127\.0\.0\.1|bind = ::1\nflags = IPv6|; s|hostname *= "127\.0\.0\.1"|hostname = "::1"|' \
        -e "s|TCP-LISTEN:$PORT,bind=127\\.0\\.0\\.1|TCP6-LISTEN:$PORT,bind=[::1]|"
}

# block KEY [FRONT]: that block, with the values of this test; nothing if there is none.
block() {
    awk -v key="$1" -v front="${2-$FRONT}" '
        /^```/ && on { exit }
        /^```[a-z]/ {
            for (i = 2; i <= NF; i++)
                if (index($i, key "=") == 1 && index("," substr($i, length(key) + 2) ",", "," front ","))
                    { on = 1; next }
        }
        on' "$PAGE" | values
}
is_command() { grep -qE "^\`\`\`sh .*\\b$1=([a-z_,-]*,)?$FRONT(,| |\$)" "$PAGE"; }

# command_of NAME KEY: runs a block that is a command, in a process that can be ended by its id.
command_of() {
    printf 'exec %s\n' "$(block "$2")" >"$TMP/$1.run"
    # shellcheck disable=SC2086  # a list of words
    LATCHKEY_DIR=$DATA start "$1" $as sh "$TMP/$1.run"
}

# --- configuration files that are part of a larger one on a host

nginx_conf() {
    cat <<CONF
pid $TMP/nginx.pid;
error_log stderr warn;
daemon off;
master_process off;
events { }
http {
    access_log off;
    client_body_temp_path $TMP/nginx-body;
    proxy_temp_path $TMP/nginx-proxy;
    fastcgi_temp_path $TMP/nginx-fastcgi;
    uwsgi_temp_path $TMP/nginx-uwsgi;
    scgi_temp_path $TMP/nginx-scgi;
$(cat)
}
CONF
}

apache_conf() { # MODULE...
    cat <<CONF
ServerRoot $TMP
ServerName localhost
PidFile $TMP/apache.pid
ErrorLog $TMP/apache.log
Listen ${HOST-127.0.0.1}:$PORT
DocumentRoot $WWW
User $USER_NAME
Group $GROUP_NAME
StartServers 1
MaxRequestWorkers 25
$(for module in authz_core "$@"; do echo "LoadModule ${module}_module /usr/lib/apache2/modules/mod_$module.so"; done)
<IfModule cgid_module>
ScriptSock $TMP/cgid.sock
</IfModule>
$(cat)
CONF
}

wait_socket() {
    t_tries=0
    until grep -q " $1\$" /proc/net/unix; do
        t_tries=$((t_tries + 1))
        [ "$t_tries" -lt 1200 ] || { diag "nothing listens on $1"; return 1; }
        sleep 0.05
    done
}
