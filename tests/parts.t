#!/bin/sh
# An executable without a part (make WITHOUT=…) lacks what the part does, and does the rest: each part, and all together. And what each weighs is what
# docs/benchmarks.md says, within a twentieth or 500 bytes: `make parts` writes it, by the compiler of bench/budgets. Another makes other sizes: they may
# be a fifth away, OAuth's a tenth.
. "$(dirname "$0")/lib.sh"
only_in musl x86_64 # not cross: the figures are of one compiler
. "$(dirname "$0")/faces.sh"
cd "$TOP" || exit 1
setup
FACE=http
printf 'issuer = https://auth.example/api/auth\nwallets = solana:mainnet\ngotrue = on\n' >>"$DIR/latchkey.conf"
parts=$(sed -n 's/^PARTS := //p' Makefile)
isnt "$parts" '' 'the parts are told by Makefile'

status() { sed -n '1s/^[^ ]* \([0-9]*\).*/\1/p' "$TMP/out"; }
alice='{"username":"alice","password":"correct horse battery"}'
coin=FVen3X669xLzsi6N2V91DoiyzHzg1uAgqiT8jZ9nS96Z
# Another user each time: the first sign-in makes the hash anew.
# shellcheck disable=SC2016
hash='$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2'
of_crypt() {
    echo >>"$TMP/users"
    users=$(wc -l <"$TMP/users")
    printf '{"username":"bob%d","hash":"%s"}\n' "$users" "$hash" | "$TOP/latchkey" user import --dir "$DIR" >/dev/null
    ask POST /login "{\"username\":\"bob$users\",\"password\":\"correct horse\"}" "$H_JSON"
}
of_passkey() { ask POST /passkeys/challenge '{}' "$H_JSON"; }
of_wallet() { ask POST /wallet/challenge "{\"chain\":\"solana\",\"address\":\"$coin\"}" "$H_JSON"; }
of_gotrue() { ask GET /user ''; }
of_dpop() { ask POST /login "$alice" "$H_JSON" 'DPoP: x'; }

# does PART: whether the executable does what the part is for.
does() {
    rm -rf "$TMP/throttle" && mkdir "$TMP/throttle"
    "of_$1"
    case $1.$(status) in crypt.200 | passkey.200 | wallet.200 | dpop.400 | gotrue.401) echo yes ;; *.5* | *.) echo broken ;; *) echo no ;; esac
}
# tells NAME PART...: the whole, or what is without these parts.
tells() {
    name=$1
    shift
    is "$("$LATCHKEY" 2>&1 | head -1 | cut -c 1-8)" "$("$TOP/latchkey" 2>&1 | head -1 | cut -c 1-8)" "$name: it starts"
    ask POST /login "$alice" "$H_JSON"
    like "$(status) $(cat "$TMP/out")" '200 *"refresh_token"*' "$name: signs in by a password"
    ask GET /signin ''
    like "$(status) $(cat "$TMP/out")" '200 *<form*name="password"*' "$name: has its page"
    for kind in passkey:data-challenge wallet:data-chain; do
        want=1
        case " $* " in *" ${kind%:*} "*) want=0 ;; esac
        is "$(grep -c "${kind#*:}=" "$TMP/out")" "$want" "$name: which has the button for a ${kind%:*}: $want"
    done
    for part in $parts; do
        want=yes
        case " $* " in *" $part "*) want=no ;; esac
        is "$(does "$part")" "$want" "$name: does what $part is for: $want"
    done
    want=401        # 404 where there is neither; without a token nobody is told more
    case " $* " in *' wallet passkey '*) want=404 ;; esac   # in the order of Makefile's PARTS
    ask GET /passkeys ''
    is "$(status)" "$want" "$name: lists what there is beside the password while either part is there"
    ask DELETE /passkeys/0000000000000001 ''
    is "$(status)" "$want" "$name: and removes it"
    [ "$(does passkey)" = no ] || {
        case " $* " in *' wallet '*) algorithms='[-7,-257]' ;; *) algorithms='[-7,-8,-257]' ;; esac
        of_passkey
        is "$(sed -n 's/.*"algorithms":\([^]]*\]\).*/\1/p' "$TMP/out")" "$algorithms" "$name: Ed25519 for passkeys is the wallets'"
    }
}
tells 'the whole'
for without in $parts "$parts"; do
    LATCHKEY=$TOP/latchkey
    for part in $without; do LATCHKEY=$LATCHKEY-without-$part; done
    # shellcheck disable=SC2086  # a list
    tells "without $without" $without
done

said() { sed -n "/^## Parts/,/^## What/s/^| .\{0,1\}$1.\{0,1\} |.*| \([0-9 ]*\) |\$/\1/p" docs/benchmarks.md | tr -d ' '; }
like "$(head -n 1 bench/budgets)" '# of *, gcc [0-9]*, *' 'bench/budgets names its compiler'
case $(head -n 1 bench/budgets) in *", gcc $(gcc -dumpfullversion),"*) share=20 most=48000 ;; *) share=5 most=52800 ;; esac
tools/parts.sh >"$TMP/bytes"
is "$(cut -d ' ' -f 1 "$TMP/bytes" | tr '\n' ' ')" "$parts all " 'each was weighed'
while read -r part bytes; do
    told=$(said "$part")
    far=$((bytes / share > 500 ? bytes / share : 500))
    ok "benchmarks.md tells what $part weighs, within $far ($told, $bytes here)" test "$((told > bytes - far && told < bytes + far))" = 1
done <"$TMP/bytes"

# --- and OAuth, which can't be left out: its objects, and its lines of tables that are not its own
of_oauth() { sed -n "s/.*[a-z,] \([0-9 ]*\) bytes in its $1.*/\1/p" docs/benchmarks.md | tr -d ' '; }
rest=$(of_oauth 'lines of others') told=$(of_oauth 'own objects') oauth=$(tools/parts.sh --oauth)
far=$((share == 20 ? 500 : told / 10))
ok "benchmarks.md tells what they weigh, within $far ($told, $oauth here)" test "$((told > oauth - far && told < oauth + far))" = 1
ok "OAuth takes at most $most bytes beside passkeys: $oauth and $rest" test "$((oauth > 20000 && oauth + rest <= most))" = 1
done_testing
