/*
 * signature: whether a signature of ES256, RS256 or Ed25519 is by a public key that somebody else made: a passkey's (WebAuthn Level 3, 5.8.5),
 * or a proof's (dpop.h). Ed25519 is the part `wallet` (ed25519.h): without that no key of it is good.
 *
 * ES256 takes 11 million instructions, RS256 two: never in the store's turn.
 */
#ifndef SIGNATURE_H
#define SIGNATURE_H

#include "base/base.h"

enum {
	SIGNATURE_ES256_KEY = 64,          /* bytes: x and y of a point of P-256 */
	SIGNATURE_RS256_KEY = 256,         /* bytes: n, of 2048 bits; the exponent is 65537 */
	SIGNATURE_ES256_MOST = 80,    /* bytes at most: DER takes 72 */
	SIGNATURE_ES256_JWS = 64      /* bytes: r and s */
};

/*
 * Whether `signature` is the key's for `input`. The key's length says the algorithm: ECDSA with SHA-256 in DER (RFC 3279, 2.2.3), or
 * RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, 8.2.2), or Ed25519. False for a key of another length, a point that isn't on the curve, a
 * signature of another length.
 */
bool signature_is_good(struct slice key, struct slice input, struct slice signature);

/* Those that signature_is_good() knows here, as COSE calls them (RFC 9053), as a JSON text. The first is preferred. */
struct slice signature_algorithms(void);

/* The same by ES256 alone, where the signature is r and s, of SIGNATURE_ES256_JWS bytes together (RFC 7518, 3.4). */
bool signature_is_good_jws(struct slice key, struct slice input, struct slice signature);

#endif
