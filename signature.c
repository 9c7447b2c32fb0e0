/*
 * signature: see signature.h.
 *
 * Of a signature by RSA the whole block is compared with the only one that is right. Nothing in it is parsed, so nothing can be
 * hidden in it (Bleichenbacher 2006).
 */
#include "signature.h"

#include <string.h>

#include <bearssl_ec.h>
#include <bearssl_hash.h>
#include <bearssl_rsa.h>

#include "derive.h"
#include "ed25519.h"

static bool good_es256(br_ecdsa_vrfy verify, struct slice key, const uint8_t hash[DERIVE_MAC], struct slice signature)
{
	uint8_t point[1 + SIGNATURE_ES256_KEY] = { 4 };
	memcpy(point + 1, key.p, SIGNATURE_ES256_KEY);
	const br_ec_public_key pk = { BR_EC_secp256r1, point, sizeof point };
	return verify(&br_ec_p256_m31, hash, DERIVE_MAC, &pk, signature.p, signature.n);
}

/* RFC 8017, 9.2: what begins the hash, and what it is filled up with before. */
static const uint8_t digest_info[] = {
	0x00, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20
};

static void put_block(uint8_t block[SIGNATURE_RS256_KEY], const uint8_t hash[DERIVE_MAC])
{
	const size_t at = SIGNATURE_RS256_KEY - DERIVE_MAC;
	memset(block, 0xff, SIGNATURE_RS256_KEY);
	block[0] = 0;
	block[1] = 1;
	memcpy(block + at, hash, DERIVE_MAC);
	memcpy(block + at - sizeof digest_info, digest_info, sizeof digest_info);
}

static bool good_rs256(struct slice key, const uint8_t hash[DERIVE_MAC], struct slice signature)
{
	uint8_t n[SIGNATURE_RS256_KEY], e[] = { 1, 0, 1 }, got[SIGNATURE_RS256_KEY], want[SIGNATURE_RS256_KEY];
	if (signature.n != SIGNATURE_RS256_KEY)
		return false;
	memcpy(n, key.p, sizeof n);
	memcpy(got, signature.p, sizeof got);
	put_block(want, hash);
	const br_rsa_public_key pk = { n, sizeof n, e, sizeof e };
	return br_rsa_i31_public(got, sizeof got, &pk) && memcmp(got, want, sizeof got) == 0;
}

struct slice signature_algorithms(void)
{
	return ed25519_is_good ? S("[-7,-8,-257]") : S("[-7,-257]");
}

bool signature_is_good(struct slice key, struct slice input, struct slice signature)
{
	uint8_t hash[DERIVE_MAC];
	if (key.n == ED25519_KEY)
		return ed25519_is_good && ed25519_is_good(key, input, signature);
	derive_sha256(input, hash);
	if (key.n == SIGNATURE_ES256_KEY)
		return signature.n <= SIGNATURE_ES256_MOST && good_es256(br_ecdsa_i31_vrfy_asn1, key, hash, signature);
	return key.n == SIGNATURE_RS256_KEY && good_rs256(key, hash, signature);
}

bool signature_is_good_jws(struct slice key, struct slice input, struct slice signature)
{
	uint8_t hash[DERIVE_MAC];
	if (key.n != SIGNATURE_ES256_KEY || signature.n != SIGNATURE_ES256_JWS)
		return false;
	derive_sha256(input, hash);
	return good_es256(br_ecdsa_i31_vrfy_raw, key, hash, signature);
}
