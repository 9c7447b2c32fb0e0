/*
 * ed25519: whether a signature of Ed25519 (RFC 8032) is by a public key that somebody else made: a wallet's, or a passkey's.
 *
 * Part `wallet`: make WITHOUT=wallet leaves it out. It is a weak reference, and NULL there.
 */
#ifndef ED25519_H
#define ED25519_H

#include "base/base.h"

enum { ED25519_KEY = 32, ED25519_SIGNATURE = 64 };      /* bytes */

/* False for a key or signature of another length, for points of small order and for numbers that aren't in their only spelling (RFC 8032,
 * 5.1.7). Costs 1 million instructions: never in the store's turn. */
bool ed25519_is_good(struct slice key, struct slice input, struct slice signature) __attribute__((weak));

#endif
