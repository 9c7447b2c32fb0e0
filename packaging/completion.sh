#!/bin/sh
# completion.sh bash|zsh <HELP: that shell's completion, packaging/completion.*, with its table made from what `latchkey
# help` says. `make completion` writes both anew; a test holds them to the program.
set -eu

# From "latchkey user list [--json]   all users" come the rows
#   verb|sub|what it takes|of what its first operand is one|meaning
# Options and words that are given as they stand (lower case) are kept. What stands for a user, a session, a key or a client that is there
# is asked of the program, by what the user of the shell may read; what stands for something else isn't offered.
rows() {
    sed -n 's/^latchkey \([a-z].*[^ ]\)   *\([^ ].*\)$/\1|\2/p' | awk -F'|' '
    {
        meaning = $NF
        usage = substr($0, 1, length($0) - length(meaning) - 1)
        gsub(/ [a-z]+[|][a-z]+\]/, "", usage)   # what an option may be: --use access|refresh
        gsub(/[][|]/, " ", usage)
        n = split(usage, word, / +/)
        sub_verb = ""
        takes = ""
        of = word[3] ~ /^(NAME|USER)$/ ? "users" : word[3] == "ID" ? "sessions" : word[3] == "KID" ? "keys" : word[3] == "CLIENT" ? "clients" : ""
        if (word[2] ~ /^(add|invite)$/)         # a name that is new
            of = ""
        for (i = 2; i <= n; i++) {
            if (i == 2 && word[i] ~ /^[a-z]+$/)
                sub_verb = word[i]
            else if (word[i] ~ /^--/ || word[i] ~ /^[a-z]+$/)
                takes = takes " " word[i]
        }
        print word[1] "|" sub_verb "|" substr(takes " --dir", 2) "|" of "|" meaning
    }'
}

# The rows of the shell's `case`: what may follow the words that are there. zsh shows what each means.
table() { # bash|zsh
    awk -F'|' -v zsh="$([ "$1" = bash ] || echo 1)" '
    function quote(s) { gsub(/:/, "\\:", s); gsub(/\047/, "\047\\\047\047", s); return s }
    function choice(word, meaning) { return zsh ? " \047" word ":" quote(meaning) "\047" : " " word }
    function row(words, choices, of) {
        return "    " words ") " (zsh ? "choices=(" choices ")" : "words=\"" choices "\"") (of ? " of=" of : "") " ;;"
    }
    !seen[$1]++ { verb[++n] = $1; meaning[$1] = $5 }
    $2 == "" { plain[$1] = $3 }
    $2 != "" {
        subs[$1] = subs[$1] choice($2, $5)
        names[$1] = names[$1] " " $2
        line[++m] = row("*\" " $1 " " $2 "\"", $3, $4)
    }
    END {
        for (i = 1; i <= n; i++)
            all = all choice(verb[i], verb[i] in subs ? substr(names[verb[i]], 2) : meaning[verb[i]])
        print row("\"" 1 + zsh " \"*", substr(all, 2))
        for (i = 1; i <= n; i++)
            if (verb[i] in subs)
                print row("\"" 2 + zsh " " verb[i] " \"*", substr(subs[verb[i]], 2))
            else if (verb[i] == "help")
                print row("*\" help \"*", substr(all, 2))
            else
                line[++m] = row("*\" " verb[i] " \"*", plain[verb[i]])
        for (i = 1; i <= m; i++)
            print line[i]
    }'
}

case ${1-} in
bash | zsh) file=$(dirname "$0")/completion.$1 ;;
*) echo "usage: completion.sh bash|zsh <HELP" >&2; exit 100 ;;
esac
sed '/^    case ".* in$/q' "$file"
rows | table "$1"
sed -n '/^    case ".* in$/,$ { /^    esac$/,$p }' "$file"
