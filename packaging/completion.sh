#!/bin/sh
# completion.sh bash|zsh <HELP: the completion of that shell, made from what `latchkey help` says.
# `make completion` writes both files anew; a test holds them to the program.
set -eu

# From "latchkey user list [--json]   all users" come the rows
#   verb|sub|what it takes|meaning
# Options and words that are given as they stand (lower case) are kept, what stands for something isn't.
rows() {
    sed -n 's/^latchkey \([a-z].*[^ ]\)   *\([^ ].*\)$/\1|\2/p' | awk -F'|' '
    {
        meaning = $NF
        usage = substr($0, 1, length($0) - length(meaning) - 1)
        gsub(/ [a-z]+[|][a-z]+/, "", usage)     # what an option may be: --use access|refresh
        gsub(/[][|]/, " ", usage)
        n = split(usage, word, / +/)
        sub_verb = ""
        takes = ""
        for (i = 2; i <= n; i++) {
            if (i == 2 && word[i] ~ /^[a-z]+$/)
                sub_verb = word[i]
            else if (word[i] ~ /^--/ || word[i] ~ /^[a-z]+$/)
                takes = takes " " word[i]
        }
        print word[1] "|" sub_verb "|" substr(takes " --dir", 2) "|" meaning
    }'
}

bash_completion() {
    cat <<'END'
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
END
    awk -F'|' '
    !seen[$1]++ { verb[++n] = $1 }
    $2 == "" { plain[$1] = $3 }
    $2 != "" { subs[$1] = subs[$1] " " $2; line[++m] = "    *\" " $1 " " $2 "\") words=\"" $3 "\" ;;" }
    END {
        for (i = 1; i <= n; i++)
            all = all " " verb[i]
        print "    \"1 \"*) words=\"" substr(all, 2) "\" ;;"
        for (i = 1; i <= n; i++)
            if (subs[verb[i]] != "")
                print "    \"2 " verb[i] " \"*) words=\"" substr(subs[verb[i]], 2) "\" ;;"
            else if (verb[i] == "help")
                print "    *\" help \"*) words=\"" substr(all, 2) "\" ;;"
            else
                line[++m] = "    *\" " verb[i] " \"*) words=\"" plain[verb[i]] "\" ;;"
        for (i = 1; i <= m; i++)
            print line[i]
    }'
    cat <<'END'
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _latchkey latchkey
END
}

zsh_completion() {
    cat <<'END'
#compdef latchkey
# zsh completion for latchkey, made by packaging/completion.sh
_latchkey() {
    local -a choices
    case $words[CURRENT-1] in
    --dir) _files -/; return ;;
    --owner) _users; return ;;
    --use) choices=(access refresh); _describe use choices; return ;;
    esac
    case "$CURRENT $words[2] ${words[3]-}" in
END
    awk -F'|' '
    function quote(s) { gsub(/:/, "\\:", s); gsub(/\047/, "\047\\\047\047", s); return s }
    !seen[$1]++ { verb[++n] = $1; what[$1] = $4 }
    $2 == "" { plain[$1] = $3 }
    $2 != "" {
        subs[$1] = subs[$1] " \047" $2 ":" quote($4) "\047"
        names[$1] = names[$1] " " $2
        line[++m] = "    *\" " $1 " " $2 "\") choices=(" $3 ") ;;"
    }
    END {
        for (i = 1; i <= n; i++) {
            s = verb[i]
            all = all " \047" s ":" (subs[s] == "" ? quote(what[s]) : substr(names[s], 2)) "\047"
        }
        print "    \"2 \"*) choices=(" substr(all, 2) ") ;;"
        for (i = 1; i <= n; i++)
            if (subs[verb[i]] != "")
                print "    \"3 " verb[i] " \"*) choices=(" substr(subs[verb[i]], 2) ") ;;"
            else if (verb[i] == "help")
                print "    *\" help \"*) choices=(" substr(all, 2) ") ;;"
            else
                line[++m] = "    *\" " verb[i] " \"*) choices=(" plain[verb[i]] ") ;;"
        for (i = 1; i <= m; i++)
            print line[i]
    }'
    cat <<'END'
    esac
    _describe latchkey choices
}
_latchkey "$@"
END
}

case ${1-} in
bash | zsh) rows | "${1}_completion" ;;
*) echo "usage: completion.sh bash|zsh <HELP" >&2; exit 100 ;;
esac
