# bash completion for latchkey, made by packaging/completion.sh

# users, sessions, keys or clients of the data directory that the line names, as far as this shell's user may read it
_latchkey_list() {
    local i dir=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} != --dir ]] || dir=(--dir "${COMP_WORDS[i + 1]}")
    done
    case $1 in
    users) "${COMP_WORDS[0]}" user list --json "${dir[@]}" | sed -n 's/.*"username":"\([^"]*\)".*/\1/p' ;;
    sessions) "${COMP_WORDS[0]}" session list --json "${dir[@]}" | sed -n 's/^{"id":"\([^"]*\)".*/\1/p' ;;
    keys) "${COMP_WORDS[0]}" key list --json "${dir[@]}" | sed -n 's/.*"kid":"\([^"]*\)".*/\1/p' ;;
    clients) "${COMP_WORDS[0]}" client list --json "${dir[@]}" | sed -n 's/.*"name":"\([^"]*\)".*/\1/p' ;;
    esac 2>/dev/null
}

_latchkey_offer() {
    local cur=${COMP_WORDS[COMP_CWORD]} word
    while read -r word; do
        [[ $word != "$cur"* ]] || COMPREPLY+=("$(printf %q "$word")")
    done < <(_latchkey_list "$1")
}

_latchkey() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()
    case $prev in
    --dir) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
    --owner) mapfile -t COMPREPLY < <(compgen -u -- "$cur"); return ;;
    --user) _latchkey_offer users; return ;;
    --use) mapfile -t COMPREPLY < <(compgen -W 'access refresh' -- "$cur"); return ;;
    esac
    local words='' of=''
    case "$COMP_CWORD ${COMP_WORDS[1]} ${COMP_WORDS[2]-}" in
    "1 "*) words="init user session client key throttle audit stats config verify check clock backup restore migrate serve version help" ;;
    "2 user "*) words="add invite link list passwd rename set totp keys disable enable delete import export" ;;
    "2 session "*) words="list revoke" ;;
    "2 client "*) words="add list secret remove" ;;
    "2 key "*) words="list rotate stage use retire import publish export" ;;
    "2 throttle "*) words="list forgive" ;;
    "2 clock "*) words="trust" ;;
    "2 migrate "*) words="out in" ;;
    *" help "*) words="init user session client key throttle audit stats config verify check clock backup restore migrate serve version help" ;;
    *" user add") words="--groups --hash --dir" ;;
    *" user invite") words="--groups --url --dir" ;;
    *" user link") words="--url --dir" of=users ;;
    *" user list") words="--json --dir" ;;
    *" user passwd") words="--hash --dir" of=users ;;
    *" user rename") words="--dir" of=users ;;
    *" user set") words="groups email name subscription --dir" of=users ;;
    *" user totp") words="off --dir" of=users ;;
    *" user keys") words="forget --json --dir" of=users ;;
    *" user disable") words="--dir" of=users ;;
    *" user enable") words="--dir" of=users ;;
    *" user delete") words="--dir" of=users ;;
    *" user import") words="--dir" ;;
    *" user export") words="--dir" ;;
    *" session list") words="--all --json --dir" of=users ;;
    *" session revoke") words="--user --dir" of=sessions ;;
    *" client add") words="--dir" ;;
    *" client list") words="--json --dir" ;;
    *" client secret") words="--dir" of=clients ;;
    *" client remove") words="--dir" of=clients ;;
    *" key list") words="--json --dir" ;;
    *" key rotate") words="--epoch --dir" ;;
    *" key stage") words="--dir" ;;
    *" key use") words="--dir" of=keys ;;
    *" key retire") words="--old --dir" of=keys ;;
    *" key import") words="--dir" ;;
    *" key publish") words="--dir" ;;
    *" key export") words="--all --use --dir" of=keys ;;
    *" throttle list") words="--json --dir" ;;
    *" throttle forgive") words="--dir" of=users ;;
    *" clock trust") words="--dir" ;;
    *" migrate out") words="--dir" ;;
    *" migrate in") words="--again --dir" ;;
    *" init "*) words="--upgrade --owner --dir" ;;
    *" audit "*) words="--json --since --follow --exec --dir" ;;
    *" stats "*) words="--json --prometheus --dir" ;;
    *" config "*) words="--json --dir" ;;
    *" verify "*) words="--live --dir" ;;
    *" check "*) words="--repair --json --dir" ;;
    *" backup "*) words="--dir" ;;
    *" restore "*) words="--dir" ;;
    *" serve "*) words="--workers --idle --demo --dir" ;;
    *" version "*) words="--dir" ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
    [[ -z $of || $COMP_CWORD -ne 3 ]] || _latchkey_offer "$of"
}
complete -F _latchkey latchkey
