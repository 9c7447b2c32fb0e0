/*
 * purse.h: wallets of the test's own, whose signatures libsodium makes.
 */
#ifndef LK_PURSE_H
#define LK_PURSE_H

#include "base/base64.h"
#include "derive.h"

#include <crypto_sign_ed25519.h>
#include <string.h>

#define STELLAR "GBXFXNDLV4LSWA4VB7YIL5GBD7BVNR22SGBTDKMO2SBZZHDXSKZYCP7L"
#define SOLANA "FVen3X669xLzsi6N2V91DoiyzHzg1uAgqiT8jZ9nS96Z"

/* A seed and its public key behind it: SEP-53's example, and RFC 8032's first. */
static struct purse { const char *chain, *address, *secret; } stellar = { "stellar", STELLAR,
	"148112b05e2c693932e5adf3e53601f3521032eebeb3abb5e316902f0a40a0246e5bb46baf172b03950ff085f4c11fc356c75a918331a98ed4839c9c7792b381" },
	solana = { "solana", SOLANA,
	"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a" };

/* In base64. */
static const char *purse_sign(const struct purse *p, struct slice signs)
{
	uint8_t secret[64], made[64], hash[DERIVE_MAC];
	struct buf b = { 0 };
	parse_hex(slice_of(p->secret), secret, sizeof secret);
	if (p == &stellar) {
		derive_sha256(slice_of(text_join("Stellar Signed Message:\n", slice_text(signs), NULL)), hash);
		signs = (struct slice){ (const char *)hash, sizeof hash };
	}
	crypto_sign_ed25519_detached(made, NULL, (const uint8_t *)signs.p, signs.n, secret);
	base64_add(&b, (struct slice){ (const char *)made, sizeof made });
	return text_join(slice_text(buf_slice(&b)), "==", NULL);
}

#endif
