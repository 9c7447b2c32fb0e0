# bash completion for latchkey, made by packaging/completion.sh
_latchkey() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()
    case $prev in
    --dir) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
    --owner) mapfile -t COMPREPLY < <(compgen -u -- "$cur"); return ;;
    --use) mapfile -t COMPREPLY < <(compgen -W 'access refresh' -- "$cur"); return ;;
    esac
    local words=
    case "$COMP_CWORD ${COMP_WORDS[1]} ${COMP_WORDS[2]-}" in
    "1 "*) words="init user session key throttle audit stats config verify check clock backup restore serve version help" ;;
    "2 user "*) words="add invite link list passwd rename set disable enable delete import export" ;;
    "2 session "*) words="list revoke" ;;
    "2 key "*) words="list rotate stage use retire import export" ;;
    "2 throttle "*) words="list forgive" ;;
    "2 clock "*) words="trust" ;;
    *" help "*) words="init user session key throttle audit stats config verify check clock backup restore serve version help" ;;
    *" user add") words="--groups --hash --dir" ;;
    *" user invite") words="--groups --url --dir" ;;
    *" user link") words="--url --dir" ;;
    *" user list") words="--json --dir" ;;
    *" user passwd") words="--hash --dir" ;;
    *" user rename") words="--dir" ;;
    *" user set") words="groups email name subscription --dir" ;;
    *" user disable") words="--dir" ;;
    *" user enable") words="--dir" ;;
    *" user delete") words="--dir" ;;
    *" user import") words="--dir" ;;
    *" user export") words="--dir" ;;
    *" session list") words="--all --json --dir" ;;
    *" session revoke") words="--user --dir" ;;
    *" key list") words="--json --dir" ;;
    *" key rotate") words="--epoch --dir" ;;
    *" key stage") words="--dir" ;;
    *" key use") words="--dir" ;;
    *" key retire") words="--old --dir" ;;
    *" key import") words="--dir" ;;
    *" key export") words="--all --use --dir" ;;
    *" throttle list") words="--json --dir" ;;
    *" throttle forgive") words="--dir" ;;
    *" clock trust") words="--dir" ;;
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
}
complete -F _latchkey latchkey
