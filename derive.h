/*
 * derive: the keys derived from a master key, one for each use, MACs with them, and SHA-256.
 *
 * A derived key tells nothing of the master key, nor of any other.
 */
#ifndef DERIVE_H
#define DERIVE_H

#include "base/base.h"
#include "keyring.h"

enum { DERIVE_MAC = 32, DERIVE_SHA1 = 20 };     /* bytes of a MAC, and of a hash */

enum derive_use {
	DERIVE_ACCESS, DERIVE_REFRESH, DERIVE_BRANCH, DERIVE_ID, DERIVE_SITE, DERIVE_LINK, DERIVE_PASSWORD,
	DERIVE_OWN,                 /* what latchkey checks of access tokens that are signed with ES256 */
	DERIVE_PLACE,               /* where a request without an idempotency key came from: rotation.c */
	DERIVE_PASSKEY,             /* the challenge that a passkey answers */
	DERIVE_ES256, DERIVE_RSA,   /* seeds of the private keys of sign.h */
	DERIVE_CODE, DERIVE_DEVICE, /* the tickets of those names */
	DERIVE_APPROVE,             /* the id of the session that a user code stands for */
	DERIVE_USER_CODE,           /* what tells a user code from twelve other letters */
	DERIVE_WALLET,              /* the texts that wallets sign */
	DERIVE_TOTP, DERIVE_ENROL,  /* what hides the secret of a second factor; the ticket by which one is set up */
	DERIVE_NONCE,               /* of proofs of possession: dpop.c */
	DERIVE_BOUND,               /* the key that a session is bound to: rotation.c */
	DERIVE__USES
};

/*
 * For a process that stays: from now on hashes by the processor's own instructions, where it has them (sha256.h). What is made is the
 * same.
 */
void derive_hurry(void);

/* SHA-256 (FIPS 180-4). */
void derive_sha256(struct slice bytes, uint8_t out[DERIVE_MAC]);

/* The derived key of a use: HKDF-SHA256 (RFC 5869). */
void derive_key(const struct key *key, enum derive_use use, uint8_t out[KEY_SIZE]);
/* The HMAC-SHA256 of message under the key of a use. */
void derive_mac(const struct key *key, enum derive_use use, struct slice message, uint8_t out[DERIVE_MAC]);
/* Its first 8 bytes, as a number: only who has the key can compute it. */
uint64_t derive_mark(const struct key *key, enum derive_use use, struct slice message);

/* HMAC-SHA-1 (RFC 2104): for codes of RFC 6238 alone, which authenticator apps make so. */
void derive_sha1_mac(struct slice key, struct slice message, uint8_t out[DERIVE_SHA1]);

/* Numbers as eight bytes, the highest first. */
void derive_put64(char *at, uint64_t n);
uint64_t derive_get64(const uint8_t *at);

#endif
