/*
 * jwt: the two tokens. JWS compact (RFC 7515), one algorithm for each kind, one
 * header per kind and key, one spelling of each token.
 *
 * The header is never parsed: the first segment must be, byte for byte, one
 * of those that we would write ourselves with a key that we have. So there is
 * no alg to confuse, and jwk, jku, x5c, crit can't be said. The MAC is checked
 * before a byte of the payload is looked at (RFC 8725).
 *
 * Each use has a key of its own, derived from the master key by HKDF-SHA256
 * (RFC 5869): the access key can be given to a resource server, which then
 * can neither refresh nor learn the branch secret.
 */
#ifndef JWT_H
#define JWT_H

#include "base/base.h"
#include "json.h"
#include "keyring.h"

enum jwt_use {
	JWT_ACCESS,     /* header typ at+jwt (RFC 9068) */
	JWT_REFRESH     /* header typ rt+jwt */
};

/* {"iss","sub","aud","sid","iat","exp","jti","name"} in this order, then what isn't empty of "client_id" (RFC 9068, 2.2)
 * and "scope" (2.2.3). A token with any other claim is JWT_CLAIMS. */
struct access_claims {
	struct slice iss, aud, name;
	uint64_t sub;   /* the user's id */
	uint64_t sid;   /* the session's id */
	int64_t iat, exp;
	uint64_t jti;
	struct slice client_id, scope;   /* empty: not there */
};

/* {"iss","sid","ctr","br","iat","exp"} in this order, for ever: jwt.c says why. */
struct refresh_claims {
	struct slice iss;
	uint64_t sid;
	int64_t ctr;    /* rotation counter, from 1 */
	uint64_t br;    /* which heir of that counter is the lawful one */
	int64_t iat, exp;
};

enum jwt_verdict {
	JWT_VALID,
	JWT_MALFORMED,  /* too long, not three segments, not canonical base64url */
	JWT_FOREIGN,    /* a header that isn't ours: other alg, other typ, unknown kid */
	JWT_FORGED,     /* the MAC doesn't match */
	JWT_CLAIMS      /* signed by us, but not the claims of this kind: "can't happen" */
};

/* A word for each verdict, for `latchkey verify` and the log. */
const char *jwt_verdict_word(enum jwt_verdict v);

/*
 * Opens a token: header, MAC, claims, in this order. Looks neither at the
 * clock nor at iss and aud: the caller does. *out is written only on
 * JWT_VALID; its slices lie in the arena. *signer (may be NULL) is the key's
 * place in the ring.
 */
enum jwt_verdict jwt_open_access(struct slice token, const struct keyring *ring, struct access_claims *out, size_t *signer);
enum jwt_verdict jwt_open_refresh(struct slice token, const struct keyring *ring, struct refresh_claims *out, size_t *signer);

/* Writes a token, in the arena. Equal claims and key give equal bytes. */
struct slice jwt_seal_access(const struct key *key, const struct access_claims *claims);
struct slice jwt_seal_refresh(const struct key *key, const struct refresh_claims *claims);

/* The derived key of one kind of token, KEY_SIZE bytes. */
void jwt_derive(const struct key *key, enum jwt_use use, uint8_t out[KEY_SIZE]);
/* Writes that key as a JSON Web Key (RFC 7517): what a resource server verifies with. */
void jwt_write_jwk(struct jw *w, const struct key *key, enum jwt_use use);

/*
 * The branch of the heir number ctr of session sid, made under idempotency
 * hash idem (0: none): the first 8 bytes, big-endian, of
 * HMAC(K_branch, sid | ctr | idem), each as 8 bytes big-endian, where
 * K_branch is derived for that use alone.
 */
uint64_t jwt_branch(const struct key *key, uint64_t sid, int64_t ctr, uint64_t idem);

/* The id of an access token: a pure function of what it is issued for, so
 * that the same answer can be given twice. */
uint64_t jwt_access_id(const struct key *key, uint64_t sid, int64_t ctr, int64_t iat);

/* Gives a key its kid: eight digits of its SHA-256. Two hosts that share a key
 * call it by one name then, and the name tells nothing of it. */
void jwt_name_key(struct key *key);
/* NULL, or a message: a key doesn't bear its name. One bit of the file that has
 * turned over would else refuse every token as if it were forged. */
const char *jwt_keys_wrong(const struct keyring *ring);

/* First 8 bytes, big-endian, of SHA-256(key), never 0: how an idempotency key
 * is remembered. */
uint64_t jwt_idempotency(struct slice key);

#endif
