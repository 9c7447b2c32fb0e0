#!/bin/sh
# install.t: what `make install` lays down, and that none of it can rot: the units against systemd's own
# judges and against the system calls that requests make, the example against `latchkey config`, the
# completions against `latchkey help`.
# needs: strace curl systemd-socket-activate zsh
. "$(dirname "$0")/lib.sh"
only_in musl # not cross: installs what is built for this machine
. "$(dirname "$0")/filter.sh"
tmpdir
cd "$TOP" || exit 1
run_make() { make --no-print-directory NEED=: "$@"; }

# --- install and uninstall
U=$TMP/usr
ok 'make install' run_make install PREFIX="$U"
is "$(cd "$U" && find . -type f ! -path './share/doc/*' | LC_ALL=C sort | tr '\n' ' ')" \
    './bin/latchkey ./lib/systemd/system/latchkey-serve.service ./lib/systemd/system/latchkey-serve.socket ./lib/systemd/system/latchkey.socket ./lib/systemd/system/latchkey@.service ./lib/sysusers.d/latchkey.conf ./lib/tmpfiles.d/latchkey.conf ./share/bash-completion/completions/latchkey ./share/latchkey/www/dpop.d.ts ./share/latchkey/www/dpop.js ./share/latchkey/www/dpop.min.js ./share/latchkey/www/package.json ./share/latchkey/www/passkey.d.ts ./share/latchkey/www/passkey.js ./share/latchkey/www/passkey.min.js ./share/latchkey/www/session-react.d.ts ./share/latchkey/www/session-react.js ./share/latchkey/www/session.d.ts ./share/latchkey/www/session.js ./share/latchkey/www/session.min.d.ts ./share/latchkey/www/session.min.js ./share/man/man5/latchkey.conf.5 ./share/man/man8/latchkey.8 ./share/zsh/site-functions/_latchkey ' \
    'these files, and no others'
ok 'the executable is the one that was built' cmp "$U/bin/latchkey" "$LATCHKEY"
is "$(find "$U" -type f ! -perm 644 | sed "s|$U/||")" bin/latchkey 'it alone is executable, nothing is writable by others'
# What the pages link to is installed with them, but for those of who works on latchkey itself.
links=$(cd "$U/share/doc/latchkey" && grep -oE '\]\([^)#: ]+' README.md ./*.md servers/*.md | sed 's|^\./||; s|:\](| |' | while read -r page link; do
    case $link in *.md | *.yaml) ;; *) continue ;; esac
    [ -e "$(dirname "$page")/$link" ] || echo "$page:$link"
done | grep -v ':\(\.\./\)*\(tests\|bench\|www\|packaging\)/' | sort -u)
is "$(printf '%s\n' "$links" | sed 's/.*://; s|\.\./||g' | sort -u | tr '\n' ' ')" 'CONTRIBUTING.md SECURITY.md ' 'every page that a page names is there' || diag "$links"
ok 'the license goes with it' test -s "$U/share/doc/latchkey/LICENSE"
ok 'make install DESTDIR=' run_make install DESTDIR="$TMP/stage" PREFIX=/usr
is "$(find "$TMP/stage/$U" -type f 2>/dev/null)" '' 'DESTDIR is before every path'
# A clone in /root/latchkey has a name that the pages' /root/latchkey.secrets begins with.
is "$(grep -rlF -e "$TOP/" -e "$TMP" -e @HARDENED@ "$TMP/stage")" '' 'no path of the build in it'
is "$(grep -h '^ExecStart=' "$TMP"/stage/usr/lib/systemd/system/* | cut -d' ' -f1 | sort -u)" ExecStart=/usr/bin/latchkey 'units start what was installed'
ok 'make uninstall' run_make uninstall DESTDIR="$TMP/stage" PREFIX=/usr
is "$(find "$TMP/stage" -type f)" '' 'it leaves no file'

# --- units: verify says nothing, security stays under 2.0 (it counts in tenths)
for unit in latchkey.socket latchkey@.service latchkey-serve.socket latchkey-serve.service; do
    is "$(systemd-analyze verify --man=no "$U/lib/systemd/system/$unit" 2>&1)" '' "systemd-analyze verify has nothing to say about $unit"
    case $unit in *.service)
        ok "$unit is exposed less than 2.0" systemd-analyze security --no-pager --offline=1 --threshold=19 "$U/lib/systemd/system/$unit" ;;
    esac
    pages=$(sed -n 's/^Documentation=//p' "$U/lib/systemd/system/$unit")
    for page in $pages; do
        name=${page#man:} section=${page#*\(}
        ok "$unit names a page that is installed, $page" test -s "$U/share/man/man${section%)}/${name%(*}.${section%)}"
    done
done

# --- units: the calls that requests make are all let through. A call that is missing would be found at night.
allowed_calls
ok 'the filter was read' grep -qx fdatasync "$TMP/allowed"
is "$(grep -cxE 'setuid|chown|mount|ptrace|bpf|init_module|clock_settime|memfd_create|io_uring_setup' "$TMP/allowed")" 0 'what it is against is out'

lk_init "$TMP/data"
printf 'signup = on\n' >"$TMP/data/latchkey.conf"
export LATCHKEY_DIR="$TMP/data"
body='{"username":"alice","password":"correct horse"}'
ask() { # PATH CURL-OPTION...
    t_path=$1
    shift
    curl -s -o "$TMP/out" -w '%{http_code} ' "http://127.0.0.1:$port/api/auth$t_path" "$@"
}
member() { sed "s/.*\"$1\":\"\([^\"]*\)\".*/\1/" "$TMP/out"; }
tour() { # the calls of an app's life, and wrong ones
    ask /register -H 'Content-Type: application/json' -d "$body"
    ask /login -H 'Content-Type: application/json' -d "$body"
    spent=$(member refresh_token)
    for key in one two; do
        ask /refresh -H 'Content-Type: application/json' -d "{\"refresh_token\":\"$(member refresh_token)\",\"idempotency_key\":\"$key\"}"
    done
    ask /me -H "Authorization: Bearer $(member access_token)"
    ask /me -H 'Authorization: Bearer a.b.c'
    ask /refresh -H 'Content-Type: application/json' -d "{\"refresh_token\":\"$spent\"}"
    ask /login -H 'Content-Type: application/json' -d '{"username":"alice","password":"wrong"}'
}
# As in the units, nobody special: SQLite makes calls for root that it makes for no one else.
LK=$U/bin/latchkey
plain=
if [ "$(id -u)" -eq 0 ]; then
    chown -R 65534:65534 "$TMP"
    plain='setpriv --reuid=65534 --regid=65534 --clear-groups'
fi
for face in '--inetd -a' serve; do
    port=$(free_port)
    verb=
    [ "$face" != serve ] || { verb=serve; face=; }
    # -D: the tracer is a child, so that `stop` ends what is traced.
    # shellcheck disable=SC2086  # words
    start traced $plain strace -D -f -o "$TMP/trace" systemd-socket-activate $face -E LATCHKEY_DIR -l "127.0.0.1:$port" "$LK" $verb
    wait_port "$port"
    codes=$(tour)
    if [ "$verb" = serve ]; then
        is "$codes" '409 200 200 200 200 401 401 401 ' 'a tour of the API under a listener'
    else
        is "$codes" '201 200 200 200 200 401 401 401 ' 'a tour of the API, a process per connection'
    fi
    stop traced
    wait_trace "$TMP/trace"
    # A process counts from its exec of latchkey on, and its children from their first call.
    awk -v self="$LK" '
        index($0, "execve(\"" self "\"") { ours[$1] = 1; next }
        ours[$1] && match($0, /^[0-9]+ +[a-z0-9_]+\(/) { call = substr($0, 1, RLENGTH - 1); sub(/^[0-9]+ +/, "", call); print call }
        ours[$1] && $2 ~ /^(fork|vfork|clone3?)\(/ { ours[$NF] = 1 }' "$TMP/trace" | LC_ALL=C sort -u >"$TMP/made"
    ok 'its calls were seen' grep -qx landlock_restrict_self "$TMP/made"
    is "$(LC_ALL=C comm -23 "$TMP/made" "$TMP/allowed" | tr '\n' ' ')" '' 'every system call that it made is in the filter'
    is "$(grep -xE 'socket|connect|bind' "$TMP/made")" '' 'and it needs no socket of its own'
done

# --- the example
mkdir "$TMP/example"
lk_init "$TMP/example/data"
sed 's/^#\([a-z_]* =\)/\1/' packaging/examples/latchkey.conf >"$TMP/example/data/latchkey.conf"
chmod 600 "$TMP/example/data/latchkey.conf"
"$LATCHKEY" config --dir "$TMP/example/data" | sed 1d >"$TMP/example/table"
ok 'the example can be read with every option switched on' test -s "$TMP/example/table"
is "$(awk '$2 != $3 { print $1 }' "$TMP/example/table")" '' 'and every value in it is the default'
is "$(sed -n 's/^#\([a-z_]*\) =.*/\1/p' packaging/examples/latchkey.conf | sort)" "$(awk '{ print $1 }' "$TMP/example/table" | sort)" \
    'it holds each option once'

# --- completions
"$LATCHKEY" help >"$TMP/help"
for shell in bash zsh; do
    packaging/completion.sh $shell <"$TMP/help" >"$TMP/completion.$shell"
    is "$(diff "packaging/completion.$shell" "$TMP/completion.$shell")" '' "the completion for $shell is what \`make completion\` writes"
done
like "$(cat "$TMP/help")" '*\[--use access|refresh]*' 'what --use takes'
in_bash() { # WORD...: what is offered for the last
    # shellcheck disable=SC2016
    bash -c '. packaging/completion.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _latchkey; echo "${COMPREPLY[*]}"' bash "$@"
}
# zsh's own helpers are replaced by ones that print.
in_zsh() {
    # shellcheck disable=SC2016
    zsh -fc '_describe() { local c=(${(P)2}); print -r -- ${c%%:*} }; _files() { print files }; _users() { print users }
        compadd() { shift; (( ! $# )) || print -rl -- $@ }
        words=("$@"); CURRENT=$#; . packaging/completion.zsh' zsh "$@" </dev/null
}
is "$(in_bash latchkey us)" user 'bash: a verb'
is "$(in_bash latchkey '')" "$(sed -n 's/^latchkey \([a-z]*\) .*/\1/p' "$TMP/help" | uniq | tr '\n' ' ' | sed 's/ $//')" 'bash: every verb'
is "$(in_bash latchkey key re)" retire 'bash: a verb of two words'
is "$(in_bash latchkey key export --u)" --use 'bash: an option'
is "$(in_bash latchkey key export --use '')" 'access refresh' 'bash: what an option takes'
is "$(in_bash latchkey audit --json --s)" --since 'bash: a second option'
is "$(in_bash latchkey check --dir "$TMP/exa")" "$TMP/example" 'bash: a directory'
is "$(in_bash latchkey init --owner roo)" root 'bash: an owner'
is "$(in_zsh latchkey '')" "$(in_bash latchkey '')" 'zsh: every verb'
is "$(in_zsh latchkey user '')" "$(in_bash latchkey user '')" 'zsh: every verb of two words'
is "$(in_zsh latchkey session list '')" '--all --json --dir' 'zsh: options'
is "$(in_zsh latchkey audit --json '')" '--json --since --follow --exec --dir' 'zsh: options of a verb of one word'
is "$(in_zsh latchkey check --dir '')" files 'zsh: a directory'

# Users, sessions and keys that are there.
"$LATCHKEY" init --dir "$TMP/d" >/dev/null
for name in ann "o'neil" ben@example.org; do printf 'correct horse' | "$LATCHKEY" user add "$name" --dir "$TMP/d" >/dev/null; done
kid=$("$LATCHKEY" key list --dir "$TMP/d" | awk 'NR == 2 { print $1 }')
printf '{"username":"ann","password":"correct horse"}' | env -i GATEWAY_INTERFACE=CGI/1.1 SERVER_PROTOCOL=HTTP/1.1 SCRIPT_NAME=/auth REQUEST_METHOD=POST PATH_INFO=/login \
    CONTENT_TYPE=application/json CONTENT_LENGTH=45 REMOTE_ADDR=192.0.2.1 LATCHKEY_DIR="$TMP/d" "$LATCHKEY" >"$TMP/answer"
session=$("$LATCHKEY" session list --dir "$TMP/d" | awk 'NR == 2 { print $1 }')
export LATCHKEY_DIR="$TMP/d"
is "$(in_bash "$LATCHKEY" user passwd '')" "--hash --dir ann ben@example.org o\\'neil" 'bash: users that are there'
is "$(in_bash "$LATCHKEY" user passwd an)" ann 'bash: by their first letters'
is "$(in_bash "$LATCHKEY" user set ann '')" 'groups email name subscription --dir' 'bash: behind the name none'
is "$(in_bash "$LATCHKEY" user add '')" '--groups --hash --dir' 'bash: a new user has no name yet'
is "$(in_bash "$LATCHKEY" session revoke --user b)" ben@example.org 'bash: a user behind an option'
is "$(in_bash "$LATCHKEY" session revoke '')" "--user --dir $session" 'bash: sessions'
is "$(in_bash "$LATCHKEY" key use '')" "--dir $kid" 'bash: keys'
is "$(in_bash "$LATCHKEY" throttle forgive an)" ann 'bash: who is to be forgiven'
is "$(in_zsh "$LATCHKEY" user passwd '' | tr '\n' ' ')" "--hash --dir ann ben@example.org o'neil " 'zsh: users that are there'
is "$(in_zsh "$LATCHKEY" session revoke --user '' | tr '\n' ' ')" "ann ben@example.org o'neil " 'zsh: a user behind an option'
is "$(in_zsh "$LATCHKEY" session revoke '' | tr '\n' ' ')" "--user --dir $session " 'zsh: sessions'
is "$(in_zsh "$LATCHKEY" key use '' | tr '\n' ' ')" "--dir $kid " 'zsh: keys'
export LATCHKEY_DIR="$TMP/none"
is "$(in_bash "$LATCHKEY" user passwd --dir "$TMP/d" '' 2>&1)" '--hash --dir' 'bash: a name comes first'
is "$(in_bash "$LATCHKEY" user passwd '' 2>&1)" '--hash --dir' 'bash: where nothing can be read there are none'
is "$(in_zsh "$LATCHKEY" user passwd '' 2>&1 | tr '\n' ' ')" '--hash --dir ' 'zsh: nor here'
is "$(in_bash "$LATCHKEY" --dir "$TMP/d" session revoke --user a)" ann 'bash: of the directory that the line names'
is "$(in_zsh "$LATCHKEY" --dir "$TMP/d" session revoke --user '' | head -n 1)" ann 'zsh: of the directory that the line names'
unset LATCHKEY_DIR

# --- version
sed -n 's/^## *\[*v*\([0-9][0-9.]*[0-9]\).*/\1/p' CHANGELOG.md >"$TMP/versions"
is "$("$LATCHKEY" version | cut -d' ' -f2)" "$(head -n 1 "$TMP/versions")" 'the version is the first in CHANGELOG.md'
is "$(cat "$TMP/versions")" "$(sort -rV "$TMP/versions")" 'which has the newest first'

done_testing
