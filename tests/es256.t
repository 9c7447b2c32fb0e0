#!/bin/sh
# Access tokens by ES256: resource servers verify them by the public keys alone, strictly; latchkey knows its own.
# needs: node jwt curl python3
. "$(dirname "$0")/lib.sh"
not_in cross 'signed_test and sign_test are run there'
. "$(dirname "$0")/calls.sh"
in_memory
tmpdir
data "$TMP/data"
ok 'jose and express-oauth2-jwt-bearer are installed' "$TOP/tests/client/install.sh" jose
mkdir "$TMP/app"
cp -R "$TOP/build/jose/node_modules" "$TMP/app/"
node=$("$TOP/tests/client/node.sh") # jose wants a global `crypto`, which Node 18 lacks

signed_in
OLD=$ACCESS
like "$(with_token "$OLD" GET /me | verdict)" '200*' 'by HS256 first'
echo 'access_alg = ES256' >>"$DATA/latchkey.conf"
is "$(with_token "$OLD" GET /me | verdict)" '401 token_invalid' 'a token by HS256 is taken no more'
answer=$(refresh "$TOKEN")
TOKEN=$(printf '%s' "$answer" | member refresh_token)
ACCESS=$(printf '%s' "$answer" | member access_token)
like "$(with_token "$ACCESS" GET /me | verdict)" '200*' 'the refresh that follows gives one by ES256'
like "$(with_token "$ACCESS" GET /verify | verdict)" '20?*' 'which /verify takes'
is "$(with_token "${ACCESS%?????}AAAAA" GET /me | verdict)" "$(with_token "$ACCESS" GET /me | verdict)" 'its signature is for others: latchkey looks at its own MAC'
is "$(with_token "$(printf '%s' "$ACCESS" | sed 's/\.eyJqdGki[^.]*/.eyJqdGkiOiIwIn0/')" GET /me | verdict)" '401 token_invalid' 'another payload is refused'
ok 'latchkey verify knows it' sh -c 'printf "%s\n" "$1" | "$2" verify --live --dir "$3"' sh "$ACCESS" "$LATCHKEY" "$DATA"

cat >"$TMP/app/check.mjs" <<'END'
import { readFileSync } from 'node:fs'
import { createLocalJWKSet, jwtVerify } from 'jose'
const [, , keys, token] = process.argv
const rules = { algorithms: ['ES256'], typ: 'at+jwt', issuer: 'latchkey', audience: 'latchkey', requiredClaims: ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'] }
const { payload } = await jwtVerify(token, createLocalJWKSet(JSON.parse(readFileSync(keys))), rules)
console.log(payload.client_id, payload.name, payload.jti.length)
END
cat >"$TMP/check.py" <<'END'
import json, sys, jwt
keys = {k['kid']: jwt.PyJWK(k) for k in json.load(open(sys.argv[1]))['keys']}
key = keys[jwt.get_unverified_header(sys.argv[2])['kid']].key
claims = jwt.decode(sys.argv[2], key, algorithms=['ES256'], issuer='latchkey', audience='latchkey', options={'require': ['exp', 'iat', 'sub', 'jti']})
print(claims['client_id'], claims['name'], len(claims['jti']))
END
by_jose() { "$node" "$TMP/app/check.mjs" "$TMP/keys" "$1" 2>&1; }
by_pyjwt() { /usr/bin/python3 "$TMP/check.py" "$TMP/keys" "$1" 2>&1; }
verb key export --all >"$TMP/keys"
is "$(by_jose "$ACCESS")" 'latchkey demo 32' 'jose takes it, as strict as RFC 9068'
is "$(by_pyjwt "$ACCESS")" 'latchkey demo 32' 'PyJWT too'
unlike "$(by_jose "${ACCESS%?????}AAAAA")" 'latchkey*' 'neither takes one with another signature'
unlike "$(by_pyjwt "${ACCESS%?????}AAAAA")" 'latchkey*' 'nor does PyJWT'
nok 'an exported key holds no secret' grep -qE '"(d|k)":' "$TMP/keys"

# --- a key that is staged is known before it signs
new=$(verb key stage | sed 's/.* //')
cp "$DATA/latchkey.jwks" "$TMP/keys"
verb key use "$new" >/dev/null
answer=$(refresh "$TOKEN")
like "$(printf '%s' "$answer" | verdict)" '200*' 'a refresh after key use'
is "$(by_jose "$(printf '%s' "$answer" | member access_token)")" 'latchkey demo 32' 'is verified by the keys that were fetched before'
is "$(by_jose "$ACCESS")" 'latchkey demo 32' 'and so is a token of the key before'
like "$(with_token "$ACCESS" GET /me | verdict)" '200*' 'latchkey takes that as well'
answer=$(login)
like "$(printf '%s' "$answer" | verdict)" '200*' 'a sign-in'
is "$(by_pyjwt "$(printf '%s' "$answer" | member access_token)")" 'latchkey demo 32' 'gives one by ES256'

# --- the same answer twice; a worker hands on what it has to sign
TOKEN=$(printf '%s' "$answer" | member refresh_token)
is "$(refresh "$TOKEN" again | tail -n 1 | member access_token)" "$(refresh "$TOKEN" again | tail -n 1 | member access_token)" 'a refresh that is sent again has the same token'
port=$(free_port 1)
start server "$LATCHKEY" serve --workers 1 "127.0.0.1:$port" --dir "$DATA"
wait_port "$port"
by_http() { curl -s -H 'Content-Type: application/json' -d "$2" "http://127.0.0.1:$port/api/auth$1"; }
answer=$(by_http /login "{\"username\":\"demo\",\"password\":\"$PASSWORD\"}")
answer=$(by_http /refresh "{\"refresh_token\":\"$(printf '%s' "$answer" | member refresh_token)\"}")
is "$(by_jose "$(printf '%s' "$answer" | member access_token)")" 'latchkey demo 32' 'and by a worker'

# --- a resource server that is told the issuer alone: it looks for the metadata and the keys itself
echo "issuer = http://127.0.0.1:$port/api/auth" >>"$DATA/latchkey.conf"
verb client add app public,api http://127.0.0.1/cb >/dev/null
cat >"$TMP/app/express.mjs" <<'END'
import { auth } from 'express-oauth2-jwt-bearer'
const [, , issuerBaseURL, token] = process.argv
const check = auth({ issuerBaseURL, audience: 'latchkey', strict: true })
const request = { headers: { authorization: `Bearer ${token}` }, query: {}, is: () => false, get: () => 'app.example', app: { get: () => false }, socket: {}, method: 'GET', protocol: 'http', originalUrl: '/' }
await check(request, {}, error => console.log(error ? `${error.status} ${error.code}` : `${request.auth.payload.client_id} ${request.auth.payload.name}`))
END
by_express() { "$node" "$TMP/app/express.mjs" "http://127.0.0.1:$port/api/auth" "$1" 2>&1; }
answer=$(by_http /login "{\"username\":\"demo\",\"password\":\"$PASSWORD\"}")
ACCESS=$(printf '%s' "$answer" | member access_token)
is "$(by_express "$ACCESS")" 'latchkey demo' 'express-oauth2-jwt-bearer, strict, fetches GET /jwks and takes it'
is "$(by_express "${ACCESS%?????}AAAAA")" '401 invalid_token' 'one with another signature it refuses'
is "$(by_express "$OLD")" '401 invalid_token' 'and one by HS256'
cat >"$TMP/app/remote.mjs" <<'END'
import { createRemoteJWKSet, jwtVerify } from 'jose'
const [, , issuer, token] = process.argv
const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(issuer + '/jwks')), { algorithms: ['ES256'], typ: 'at+jwt', issuer, audience: 'latchkey' })
console.log(payload.client_id, payload.name)
END
is "$("$node" "$TMP/app/remote.mjs" "http://127.0.0.1:$port/api/auth" "$ACCESS" 2>&1)" 'latchkey demo' "so does jose's createRemoteJWKSet"
cat >"$TMP/strict.py" <<'END'
import sys, jwt
key = jwt.PyJWKClient(sys.argv[1] + '/jwks').get_signing_key_from_jwt(sys.argv[2]).key
claims = jwt.decode(sys.argv[2], key, algorithms=['ES256'], issuer=sys.argv[1], audience='latchkey', options={'require': ['exp', 'iat', 'sub', 'jti']})
print(claims['client_id'], claims['name'])
END
is "$(/usr/bin/python3 "$TMP/strict.py" "http://127.0.0.1:$port/api/auth" "$ACCESS" 2>&1)" 'latchkey demo' "and PyJWT's PyJWKClient"
done_testing
