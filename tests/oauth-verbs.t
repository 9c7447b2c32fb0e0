#!/bin/sh
# `latchkey client …` and latchkey.clients: what each verb does to the file, prints, refuses; what check says of it.
# needs: python3
. "$(dirname "$0")/lib.sh"
tmpdir
D=$TMP/data
F=$D/latchkey.clients
unset LATCHKEY_DIR
want() { # CODE NAME COMMAND...: its exit code; then $out and $err hold the rest
    code=$1 name=$2
    shift 2
    out=$("$@" 2>"$TMP/err" </dev/null)
    got=$?
    err=$(cat "$TMP/err")
    is "$got" "$code" "$name" || diag "$out$err"
}
lk() { "$LATCHKEY" "$@" --dir "$D"; }
json() { printf '%s' "$out" | python3 -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1" 2>&1; }
events() { lk audit --json | python3 -c 'import json, sys; print(*[e["event"] for e in json.load(sys.stdin)])'; }
hash_of() { printf '%s' "$1" | sha256sum | cut -d ' ' -f 1; }
verdict() { lk check | awk '$2 == "clients" { print $1 }'; }

lk init >/dev/null
want 0 'no client' lk client list --json
is "$out" '[]' 'is an empty list'
is "$(verdict)" '' 'of which check has nothing to say'
want 1 'a client, while issuer is no URL' lk client add grafana https://grafana.example/cb
like "$err" '*option issuer must be the URL of the mount*' 'is refused'
nok 'and leaves no file' test -e "$F"
echo 'issuer = https://login.example/api/auth' >"$D/latchkey.conf"

want 0 'client add' lk client add grafana https://grafana.example/login/generic_oauth
secret=$out
like "$secret" "$(printf '%040d' 0 | sed 's/0/[0-9a-f]/g')" 'prints a secret of 40 digits'
is "$(cat "$F")" "grafana sha256:$(hash_of "$secret") https://grafana.example/login/generic_oauth" 'of which the file has the hash'
is "$(stat -c %a "$F")" 600 'which is private'
want 0 'a public one' lk client add app public,api,group=staff org.example.app:/cb http://127.0.0.1/cb
is "$out" 'named a client without a secret: app' 'has none'
want 0 'flags in two words' lk client add tv public device
want 0 'the list' lk client list
like "$out" 'NAME *SECRET *FLAGS *GROUP *REDIRECT_URIS
grafana *yes *- *- *https://grafana.example/login/generic_oauth
app *no *public,api *staff *org.example.app:/cb,http://127.0.0.1/cb
tv *no *public,device *-' 'is a table'
if [ -e /dev/full ]; then
    want 111 'a full disk' sh -c '"$1" client list --dir "$2" >/dev/full' - "$LATCHKEY" "$D"
fi
want 0 'the list as JSON' lk client list --json
is "$(json '[(c["name"], c["secret"], c["flags"], c["group"], c["redirect_uris"]) for c in d][1]')" \
    "('app', False, ['public', 'api'], 'staff', ['org.example.app:/cb', 'http://127.0.0.1/cb'])" 'has lists'
unlike "$out" "*$(hash_of "$secret")*" 'and nothing of a secret'
is "$(verdict)" ok 'check finds them good'

# --- what is refused
before=$(cat "$F")
refuse() { # MESSAGE WORD...
    message=$1
    shift
    want 1 "client add $*" lk client add "$@"
    like "$err" "latchkey: client add: *$message*" 'says why'
}
refuse 'there already' app public a.b:c
refuse 'has 1 to 32 bytes' latchkey public a.b:c
refuse 'has 1 to 32 bytes' 'a b' public a.b:c
refuse 'the second word must have' x publik a.b:c
refuse 'the second word must have' x '' a.b:c
refuse 'no redirect URI' x
refuse 'a redirect URI is' x http://example.org/cb
refuse 'a redirect URI is' x 'https://example.org/c b'
refuse 'a redirect URI is' x "sha256:$(hash_of a)" a.b:c
refuse 'want a secret' x public,introspect
echo 'audience = shop' >>"$D/latchkey.conf"
refuse 'option audience must be neither' shop a.b:c
want 100 'more than 8 URIs' lk client add x public a.b:1 a.b:2 a.b:3 a.b:4 a.b:5 a.b:6 a.b:7 a.b:8 a.b:9
is "$(cat "$F")" "$before" 'nothing of that is in the file'

# --- another secret, and away
printf '# of ours\n\n%s' "$before" >"$F"
want 0 'client secret' lk client secret grafana
isnt "$out" "$secret" 'is another one'
is "$(sed -n 3p "$F")" "grafana sha256:$(hash_of "$out") https://grafana.example/login/generic_oauth" 'in its line'
is "$(sed 3d "$F")" "$(printf '# of ours\n\n%s' "$before" | sed 3d)" 'and the other lines are as they were'
want 1 'of a public client' lk client secret app
want 1 'of none' lk client secret nobody
like "$err" '*no such client: nobody' 'is named'
want 0 'client remove' lk client remove grafana
is "$(cat "$F")" "$(printf '# of ours\n\n%s' "$before" | sed 3d)" 'takes its line alone'
want 1 'once more' lk client remove grafana
like "$err" '*no such client: grafana' 'there is none'
like "$(events)" 'client_added client_added client_added client_secret client_removed' 'the trail has it all'

# --- a file that somebody has broken
echo 'broken' >>"$F"
want 1 'check' lk check
like "$out" '*fail *clients *latchkey.clients:5: the second word must have*' 'names the line'
want 1 'and no verb goes on from there' lk client add x public a.b:c
like "$err" '*latchkey.clients:5:*' 'which says the same'
want 1 'nor lists' lk client list
want 1 'nor removes' lk client remove app
want 1 'nor makes a secret' lk client secret app
sed -i '$d' "$F"
: >"$F.new"
like "$(lk check)" '*warn *leftover *latchkey.clients.new*' 'check finds what a killed verb left'
lk check --repair >/dev/null
nok 'and takes it away' test -e "$F.new"
n=$(grep -c '^[a-z]' "$F")
while [ "$n" -lt 32 ]; do
    n=$((n + 1))
    echo "c$n public,device" >>"$F"
done
refuse 'at most 32 clients' x public,device
rm "$F" && ln -s elsewhere "$F"
want 1 'a link' lk client list
like "$err" '*latchkey.clients: *' 'is not followed'
is "$(verdict)" fail 'and check says so'
rm "$F" && mkdir "$F"
want 1 'a directory' lk check
rmdir "$F"
mkdir "$F.new"
want 111 'a file that cannot be written' lk client add x public,device
like "$err" '*CL2: latchkey.clients can*t be written: *' 'is told of'
done_testing
