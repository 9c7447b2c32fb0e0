/*
 * proof.h: a client that proves that it has a key (RFC 9449), for tests: keys of P-256, proofs as clients write them.
 */
#ifndef LK_PROOF_H
#define LK_PROOF_H

#include "base/base64.h"
#include "derive.h"
#include "t.h"

#include <bearssl_ec.h>
#include <bearssl_hash.h>

/* Private key number n, from 1. */
struct prover {
	uint8_t secret[32];
};

T_UNUSED static struct prover prover(int n)
{
	return (struct prover){ .secret = { 1, (uint8_t)n } };
}

T_UNUSED static const char *letters_of(struct slice bytes)
{
	struct buf b = { 0 };
	base64url_add(&b, bytes);
	return slice_text(buf_slice(&b));
}

/* Its public key: 04, x, y. */
T_UNUSED static void prover_point(const struct prover *p, uint8_t point[65])
{
	br_ec_p256_m31.mulgen(point, p->secret, sizeof p->secret, BR_EC_secp256r1);
}

T_UNUSED static const char *prover_x(const struct prover *p)
{
	uint8_t point[65];
	prover_point(p, point);
	return letters_of((struct slice){ (const char *)point + 1, 32 });
}

T_UNUSED static const char *prover_y(const struct prover *p)
{
	uint8_t point[65];
	prover_point(p, point);
	return letters_of((struct slice){ (const char *)point + 33, 32 });
}

/* A JWS of these two texts. */
T_UNUSED static const char *prover_sign(const struct prover *p, const char *header, const char *claims)
{
	uint8_t hash[DERIVE_MAC], raw[64];
	const br_ec_private_key sk = { BR_EC_secp256r1, (unsigned char *)(uintptr_t)p->secret, sizeof p->secret };
	const char *input = text_join(letters_of(slice_of(header)), ".", letters_of(slice_of(claims)), NULL);
	derive_sha256(slice_of(input), hash);
	br_ecdsa_i31_sign_raw(&br_ec_p256_m31, &br_sha256_vtable, hash, &sk, raw);
	return text_join(input, ".", letters_of((struct slice){ (const char *)raw, sizeof raw }), NULL);
}

T_UNUSED static const char *prover_jwk(const struct prover *p)
{
	return text_join("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"", prover_x(p), "\",\"y\":\"", prover_y(p), "\"}", NULL);
}

/* A proof of a POST to htu; nonce NULL: without one. */
T_UNUSED static const char *prover_proof(const struct prover *p, const char *htu, const char *nonce)
{
	const char *header = text_join("{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":", prover_jwk(p), "}", NULL);
	const char *claims = text_join("{\"htm\":\"POST\",\"htu\":\"", htu, "\",\"iat\":1700000000,\"jti\":\"-BwC3ESc6acc2lTc\"", nonce ? ",\"nonce\":\"" : "",
		nonce ? nonce : "", nonce ? "\"}" : "}", NULL);
	return prover_sign(p, header, claims);
}

/* The same proof with a signature that its key didn't make. */
T_UNUSED static const char *prover_forged(const char *proof)
{
	char *forged = (char *)(uintptr_t)text_join(proof, NULL), *at = strrchr(forged, '.') + 10;
	*at = *at == 'A' ? 'B' : 'A';
	return forged;
}

#endif
