#compdef latchkey
# zsh completion for latchkey, made by packaging/completion.sh

# users, sessions, keys or clients of the data directory that the line names, as far as this shell's user may read it
_latchkey_list() {
    local -a dir
    local i=${words[(i)--dir]}
    (( i >= CURRENT )) || dir=(--dir $words[i+1])
    case $1 in
    users) $words[1] user list --json $dir | sed -n 's/.*"username":"\([^"]*\)".*/\1/p' ;;
    sessions) $words[1] session list --json $dir | sed -n 's/^{"id":"\([^"]*\)".*/\1/p' ;;
    keys) $words[1] key list --json $dir | sed -n 's/.*"kid":"\([^"]*\)".*/\1/p' ;;
    clients) $words[1] client list --json $dir | sed -n 's/.*"name":"\([^"]*\)".*/\1/p' ;;
    esac 2>/dev/null
}

_latchkey() {
    local -a choices
    local of
    case $words[CURRENT-1] in
    --dir) _files -/; return ;;
    --owner) _users; return ;;
    --user) compadd -- ${(f)"$(_latchkey_list users)"}; return ;;
    --use) choices=(access refresh); _describe use choices; return ;;
    esac
    case "$CURRENT $words[2] ${words[3]-}" in
    "2 "*) choices=('init:make a data directory, its first key and its database' 'user:add invite link list passwd rename set totp keys disable enable delete import export' 'session:list revoke' 'client:add list secret remove' 'key:list rotate stage use retire import publish export' 'throttle:list forgive' 'audit:what happened; WHEN is a duration (2h) or Unix seconds' 'stats:users, sessions, events of the last day and bytes, in numbers' 'config:every option\: value, default, meaning' 'verify:an access token on stdin\: its claims, or exit code 1; --live asks the store' 'check:what is wrong here, and what to do about it, or do it' 'clock:trust' 'backup:copy the database to FILE while requests go on; not the keys' 'restore:put a copy in the database'\''s place while requests go on' 'migrate:out in' 'serve:listen by itself, on 127.0.0.1\:8080 by default' 'version:version of latchkey and of SQLite' 'help:this') ;;
    "3 user "*) choices=('add:add a user; asks for the password, or for another program'\''s hash of it' 'invite:add a user who has no password yet; prints a link to choose one by' 'link:a link for a lost password; good once, for 24 hours' 'list:all users' 'passwd:set a user'\''s password; ends the user'\''s sessions' 'rename:give a user another name; id, password and sessions stay' 'set:set what apps are told of a user; '\'''\'' unsets it, null a subscription' 'totp:take a user'\''s second factor away, who has lost it' 'keys:a user'\''s passkeys; forget one, of a device that was lost' 'disable:refuse a user; ends the user'\''s sessions' 'enable:admit a disabled user again' 'delete:delete a user and the user'\''s sessions' 'import:add users with their hashes\: htpasswd, CSV or JSON lines on stdin' 'export:all users with their hashes, a line of JSON each') ;;
    "3 session "*) choices=('list:live sessions; with --all those that are over, too' 'revoke:end one session, or all of a user'\''s') ;;
    "3 client "*) choices=('add:let people sign in to a program by OAuth 2; prints its secret' 'list:programs that people sign in to by OAuth 2' 'secret:give a client another secret, and print it' 'remove:forget a client; ends its sessions') ;;
    "3 key "*) choices=('list:kids and dates, from when each can go; never a key' 'rotate:sign with a new key; --epoch\: and end all sessions and keys' 'stage:make a key that verifies and is exported, but doesn'\''t sign yet' 'use:sign with that key from now on' 'retire:forget a key, whose tokens are refused at once, or all that can go' 'import:sign with a key given as 64 hexadecimal digits on stdin' 'publish:write the public keys, and missing RSA keys, again' 'export:a derived key as JWK\: who has it can forge that kind of token') ;;
    "3 throttle "*) choices=('list:who waits before a password is looked at again, and failed tries' 'forgive:forget the failed tries of a user, or from an address') ;;
    "3 clock "*) choices=('trust:believe this host'\''s clock, where the store'\''s time is the wrong one') ;;
    "3 migrate "*) choices=('out:write users, sessions and events for migrate in; requests go on' 'in:take them in from stdin, into an empty store of the same keys') ;;
    *" help "*) choices=('init:make a data directory, its first key and its database' 'user:add invite link list passwd rename set totp keys disable enable delete import export' 'session:list revoke' 'client:add list secret remove' 'key:list rotate stage use retire import publish export' 'throttle:list forgive' 'audit:what happened; WHEN is a duration (2h) or Unix seconds' 'stats:users, sessions, events of the last day and bytes, in numbers' 'config:every option\: value, default, meaning' 'verify:an access token on stdin\: its claims, or exit code 1; --live asks the store' 'check:what is wrong here, and what to do about it, or do it' 'clock:trust' 'backup:copy the database to FILE while requests go on; not the keys' 'restore:put a copy in the database'\''s place while requests go on' 'migrate:out in' 'serve:listen by itself, on 127.0.0.1\:8080 by default' 'version:version of latchkey and of SQLite' 'help:this') ;;
    *" user add") choices=(--groups --hash --dir) ;;
    *" user invite") choices=(--groups --url --dir) ;;
    *" user link") choices=(--url --dir) of=users ;;
    *" user list") choices=(--json --dir) ;;
    *" user passwd") choices=(--hash --dir) of=users ;;
    *" user rename") choices=(--dir) of=users ;;
    *" user set") choices=(groups email name subscription --dir) of=users ;;
    *" user totp") choices=(off --dir) of=users ;;
    *" user keys") choices=(forget --json --dir) of=users ;;
    *" user disable") choices=(--dir) of=users ;;
    *" user enable") choices=(--dir) of=users ;;
    *" user delete") choices=(--dir) of=users ;;
    *" user import") choices=(--dir) ;;
    *" user export") choices=(--dir) ;;
    *" session list") choices=(--all --json --dir) of=users ;;
    *" session revoke") choices=(--user --dir) of=sessions ;;
    *" client add") choices=(--dir) ;;
    *" client list") choices=(--json --dir) ;;
    *" client secret") choices=(--dir) of=clients ;;
    *" client remove") choices=(--dir) of=clients ;;
    *" key list") choices=(--json --dir) ;;
    *" key rotate") choices=(--epoch --dir) ;;
    *" key stage") choices=(--dir) ;;
    *" key use") choices=(--dir) of=keys ;;
    *" key retire") choices=(--old --dir) of=keys ;;
    *" key import") choices=(--dir) ;;
    *" key publish") choices=(--dir) ;;
    *" key export") choices=(--all --use --dir) of=keys ;;
    *" throttle list") choices=(--json --dir) ;;
    *" throttle forgive") choices=(--dir) of=users ;;
    *" clock trust") choices=(--dir) ;;
    *" migrate out") choices=(--dir) ;;
    *" migrate in") choices=(--again --dir) ;;
    *" init "*) choices=(--upgrade --owner --dir) ;;
    *" audit "*) choices=(--json --since --follow --exec --dir) ;;
    *" stats "*) choices=(--json --prometheus --dir) ;;
    *" config "*) choices=(--json --dir) ;;
    *" verify "*) choices=(--live --dir) ;;
    *" check "*) choices=(--repair --json --dir) ;;
    *" backup "*) choices=(--dir) ;;
    *" restore "*) choices=(--dir) ;;
    *" serve "*) choices=(--workers --idle --demo --dir) ;;
    *" version "*) choices=(--dir) ;;
    esac
    _describe latchkey choices
    [[ -z $of || $CURRENT -ne 4 ]] || compadd -- ${(f)"$(_latchkey_list $of)"}
}
_latchkey "$@"
