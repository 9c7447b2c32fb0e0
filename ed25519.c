/*
 * ed25519: see ed25519.h.
 */
#include "ed25519.h"

#include <crypto_sign_ed25519.h>

bool ed25519_is_good(struct slice key, struct slice input, struct slice signature)
{
	return key.n == ED25519_KEY && signature.n == ED25519_SIGNATURE
		&& crypto_sign_ed25519_verify_detached((const unsigned char *)signature.p, (const unsigned char *)input.p, input.n, (const unsigned char *)key.p) == 0;
}
