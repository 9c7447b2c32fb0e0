#!/bin/sh
# Sessions that are bound to a key (RFC 9449), by the executable: what is opened, written and held, and by which process. Proofs are PyJWT's.
# needs: python3 jwt strace curl
. "$(dirname "$0")/lib.sh"
only_in musl
not_in cross 'strace counts system calls; dpop_test and possession_test run there'
. "$(dirname "$0")/calls.sh"
tmpdir
TRACE=$TMP/trace URL=https://auth.example/auth
data "$TMP/data" "issuer = $URL"

cat >"$TMP/prove.py" <<'END'
import base64, json, sys, uuid
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
name, url, nonce = sys.argv[1:4]
key = ec.derive_private_key(int.from_bytes(name.encode(), 'big'), ec.SECP256R1())
numbers = key.public_key().public_numbers()
b64 = lambda n: base64.urlsafe_b64encode(n.to_bytes(32, 'big')).rstrip(b'=').decode()
jwk = {'kty': 'EC', 'crv': 'P-256', 'x': b64(numbers.x), 'y': b64(numbers.y)}
claims = {'htm': 'POST', 'htu': url, 'iat': 0, 'jti': str(uuid.uuid4()), **({'nonce': nonce} if nonce else {})}
print(jwt.encode(claims, key, algorithm='ES256', headers={'typ': 'dpop+jwt', 'jwk': jwk}))
END
# proof KEY PATH: one by that key, with the nonce of the last answer
NONCE='' MOUNT=$URL
proof() { /usr/bin/python3 "$TMP/prove.py" "$1" "$MOUNT$2" "$NONCE"; }
# heard ANSWER: keeps its nonce
heard() {
    ANSWER=$1
    c_nonce=$(printf '%s' "$1" | sed -n 's/^DPoP-Nonce: *\([A-Za-z0-9_-]*\).*/\1/p')
    NONCE=${c_nonce:-$NONCE}
}
bound_login() { heard "$(ask POST /login "{\"username\":\"demo\",\"password\":\"$PASSWORD\"}" HTTP_DPOP="$(proof mine /login)")"; }
bound_refresh() { heard "$(ask POST /refresh "{\"refresh_token\":\"$TOKEN\"}" HTTP_DPOP="$(proof "$1" /refresh)")"; }
said() { printf '%s' "$ANSWER" | verdict; }
keep() { TOKEN=$(printf '%s' "$ANSWER" | member refresh_token); }
traced() {
    WRAP="$(command -v strace) -f -o $TRACE -e inject=prctl:retval=0:when=1"
    "$@"
    WRAP=
}
calls_of() { grep -cE "$1" "$TRACE"; }

# --- the way in
bound_login
is "$(said)" '400 use_dpop_nonce' 'the first proof has no nonce'
isnt "$NONCE" '' 'and is told one'
bound_login
is "$(said)" 200 'the second binds a session'
keep
is "$(verb session list --json | python3 -c 'import json, sys; print([s["bound"] for s in json.load(sys.stdin)])')" '[True]' 'which the operator sees'

# --- who has a copy of the token
heard "$(refresh "$TOKEN")"
is "$(said)" '400 invalid_dpop_proof' 'without a proof a copied token is worth nothing'
bound_refresh thief
is "$(said)" '400 invalid_dpop_proof' 'nor by another key'
bound_refresh mine
is "$(said)" 200 'control: by its own key it is'
keep
is "$(events reuse) $(events fork)" '0 0' 'and nobody concluded anything'

# --- what is written, and who has the store meanwhile. A process takes a turn by flock(2), and closes the store behind it.
turns() { calls_of 'flock\([0-9]+, LOCK_EX(\|LOCK_NB)?\) += 0'; }
writes() { calls_of 'pwrite64|f(data)?sync\('; }
before=$(events refresh)
for i in 1 2 3; do
    traced bound_refresh mine
    is "$(said) $(turns) turn, $(writes) writes" "200 1 turn, 0 writes" "refresh $i of that day writes nothing"
    is "$(printf '%s' "$ANSWER" | member refresh_token)" "$TOKEN" 'and its answer has the same token'
done
is "$(events refresh)" "$before" 'nor is it in the trail'
traced bound_refresh thief
is "$(said) $(turns) turn, $(writes) writes" '400 invalid_dpop_proof 1 turn, 0 writes' 'a thief writes nothing'
kept=$TOKEN
bound_login
keep
traced bound_refresh mine
is "$(said) $(turns)" '200 2' 'a refresh that rotates lets go of the store while it verifies'
isnt "$(writes)" 0 'control: and writes'
TOKEN=$kept
signed_in
traced refresh "$TOKEN" >"$TMP/out"
is "$(turns)" 1 'control: one that is not bound takes one turn'
TOKEN=$kept

# --- no store is opened for what carries no MAC of ours, or no nonce of ours
mv "$DATA/latchkey.db" "$DATA/away"
good=$NONCE
NONCE=AAAAAAAAAAAAAAAAAAAAAA
bound_refresh mine
is "$(said)" '400 use_dpop_nonce' 'a forged nonce opens no store'
NONCE=
bound_refresh mine
is "$(said)" '400 use_dpop_nonce' 'nor does none'
NONCE=
bound_login
is "$(said)" '400 use_dpop_nonce' 'nor at a sign-in'
NONCE=$good
heard "$(ask POST /refresh "{\"refresh_token\":\"$TOKEN\"}" HTTP_DPOP="$(proof mine /login)")"
is "$(said)" '400 invalid_dpop_proof' 'nor a proof for another call'
TOKEN=${kept%?????}AAAAA
bound_refresh mine
is "$(said)" '401 refresh_invalid' 'nor a forged token'
TOKEN=$kept
bound_refresh mine
is "$(said | cut -c 1-3)" 503 'control: good ones do'
mv "$DATA/away" "$DATA/latchkey.db"

# --- by a worker, which hands it over; and with the option issuer away, the address that was asked
PORT=$(free_port)
MOUNT=http://127.0.0.1:$PORT/api/auth NONCE=
printf '%s\n' 'password_memory = 8k' 'password_passes = 1' "throttle_dir = $DATA" >"$DATA/latchkey.conf"
start serve "$LATCHKEY" serve "127.0.0.1:$PORT" --workers 1 --dir "$DATA"
wait_port "$PORT"
post() { # KEY PATH BODY: status, and the answer in $TMP/out
    curl -s -D "$TMP/head" -o "$TMP/out" -w '%{http_code}' -H 'Content-Type: application/json' ${1:+-H "DPoP: $(proof "$1" "$2")"} -d "$3" "$MOUNT$2"
}
SIGN_IN="{\"username\":\"demo\",\"password\":\"$PASSWORD\"}"
is "$(post mine /login "$SIGN_IN")" 400 'a sign-in without a nonce'
heard "$(tr -d '\r' <"$TMP/head")"
is "$(post mine /login "$SIGN_IN")" 200 'a sign-in at a worker'
TOKEN=$(member refresh_token <"$TMP/out")
is "$(post mine /refresh "{\"refresh_token\":\"$TOKEN\"}")" 200 'a refresh'
TOKEN=$(member refresh_token <"$TMP/out")
is "$(post '' /refresh "{\"refresh_token\":\"$TOKEN\"}")" 400 'by a copy of its token'
is "$(post thief /refresh "{\"refresh_token\":\"$TOKEN\"}")" 400 'by another key'
is "$(post mine /refresh "{\"refresh_token\":\"$TOKEN\"}")" 200 'by its own'
is "$(member refresh_token <"$TMP/out")" "$TOKEN" 'the same token'
is "$(post '' /logout "{\"refresh_token\":\"$TOKEN\"}")" 204 'signed out, without a proof'
is "$(post mine /refresh "{\"refresh_token\":\"$TOKEN\"}")" 401 'and then it has ended'
done_testing
