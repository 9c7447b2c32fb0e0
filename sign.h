/*
 * sign: signatures that others can verify, and the public keys that they verify with.
 *
 * Each master key has one key for ES256 and, once it was made, one for RS256 (RFC 7518, 3.4 and 3.3: P-256, and RSA of 2048 bits).
 * Both are functions of the master key: whoever has latchkey.key can make them again. The one for ES256 takes no time to derive. The
 * one for RS256 takes 0.3 s, and many seconds on a router; so the operator's verbs make it, and keep it in latchkey.rsa.
 *
 * Signatures are deterministic (RFC 6979; RFC 8017, 8.2): the same claims give the same bytes.
 *
 * To sign costs 5 million instructions with ES256, and 50 million with RS256: never in the store's turn, and with RS256 only in a slot,
 * as a password is hashed (password.h).
 */
#ifndef SIGN_H
#define SIGN_H

#include "base/base.h"
#include "json.h"
#include "keyring.h"

enum sign_alg { SIGN_ES256, SIGN_RS256 };

enum { SIGN_ES256_SIZE = 64, SIGN_RS256_SIZE = 256 };   /* bytes of a signature */

/*
 * A JWS in compact form (RFC 7515, 7.1) over a payload of JSON, in the arena: its header is {"alg","typ","kid"}, and the ring's first
 * key signs. typ is "JWT" for an id_token, "at+jwt" for an access token (RFC 9068). Where RS256's key isn't in dir, or is damaged,
 * fail(ERROR_STORE_UNAVAILABLE): ask sign_has_rsa() first.
 */
struct slice sign_jws(const char *dir, const struct keyring *ring, enum sign_alg alg, const char *typ, struct slice payload);
/* Whether the ring's first key has its RSA key in dir. fail(ERROR_STORE_UNAVAILABLE) where the file is there and can't be read. */
bool sign_has_rsa(const char *dir, const struct keyring *ring);

/*
 * The JWK set (RFC 7517, 5) of the ring in the arena, staged keys among them, so that verifiers have a key before it signs. It is
 * latchkey.jwks where that is of this ring; else it is computed. Opens no store.
 */
struct slice sign_jwks(const char *dir, const struct keyring *ring);

/*
 * For the verbs that change keys: writes latchkey.jwks, and latchkey.rsa first, where that is there or `rsa` asks for it. What is there
 * and right stays. False where no file could be written; errno says why.
 */
bool sign_publish(const char *dir, const struct keyring *ring, bool rsa);
/* What is wrong with these two files, in the arena; NULL: nothing. `rsa`: each key of the ring should have its RSA key. */
const char *sign_wrong(const char *dir, const struct keyring *ring, bool rsa);

/* The signature of ES256 by one key: r and s, of 32 bytes each (RFC 7518, 3.4). */
void sign_es256(const struct key *key, struct slice input, uint8_t out[SIGN_ES256_SIZE]);
/* The kid of a master key's key for an algorithm, in the arena. PyJWT takes the first key of a kid, whatever it is for; so each has one of its own. */
struct slice sign_kid(const struct key *key, enum sign_alg alg);
/* The public key as a JWK (RFC 7517). */
void sign_write_es256(struct jw *w, const struct key *key);

#endif
