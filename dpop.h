/*
 * dpop: proofs of possession (RFC 9449): that whoever sends a request has a private key at hand. And the nonces that are in them.
 *
 * A proof is a compact JWS of a header DPoP, ES256 alone. `iat` and `jti` must be there, and aren't judged: the nonce is the clock, since a
 * client's may be hours off; and whoever sends a copied proof again gets tokens that he can't refresh.
 *
 * A nonce is the number of a five-minute interval (8 bytes) and a MAC over it (8 bytes), in base64url: nothing is kept.
 *
 * This room can be left out: make WITHOUT=dpop. Its functions are weak references for the rooms that use them, so `dpop_read` is NULL there:
 * no session is bound any more, and one that is bound can't be refreshed.
 */
#ifndef DPOP_H
#define DPOP_H

#include "base/base.h"
#include "keyring.h"

enum {
	DPOP_PROOF = 1024,              /* bytes of a proof at most */
	DPOP_SECONDS = 300,             /* of an interval */
	DPOP_THUMBPRINT = 32            /* bytes: SHA-256 */
};

/* Borrows the proof; bytes lie in the arena. */
struct proof {
	struct slice key;               /* of P-256: x and y, 32 bytes each */
	struct slice thumbprint;        /* of that key (RFC 7638) */
	struct slice input, signature;  /* what is signed, and r and s of the signature: 64 bytes */
};

/*
 * Reads a proof of a POST to `url`, without its signature: the caller asks dpop_signed() for that. url: its scheme may be missing ("//host/path");
 * then any fits. ring: whose keys may have made the nonce. time: Unix seconds, of this host. INVALID_DPOP_PROOF: it isn't one (RFC 9449, 4.3),
 * or of another request; USE_DPOP_NONCE: it has no nonce of ours, or one that is neither of this interval nor of its neighbours (the one before:
 * RFC 9449, 8; the next one: of another host, whose clock is ahead). Opens no store.
 */
enum error dpop_read(struct slice text, struct slice url, const struct keyring *ring, int64_t time, struct proof *out) __attribute__((weak));

/* Whether the proof's key signed it. Takes 11 million instructions: never in the store's turn (signature.h). */
bool dpop_signed(const struct proof *p) __attribute__((weak));

/* The nonce of this interval, 22 letters, in the arena. */
struct slice dpop_nonce(const struct key *key, int64_t time) __attribute__((weak));

#endif
