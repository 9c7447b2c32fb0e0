/*
 * jwt_mac: MACs of other things than tokens, and the names of keys. See jwt.h for what each function promises.
 */
#include "jwt.h"

#include <string.h>

#include "derive.h"

/* ---- MACs of other things than tokens ----------------------------------- */

static uint64_t secret_of(const struct key *key, enum derive_use use, uint64_t a, uint64_t b, uint64_t c)
{
	char message[24];
	derive_put64(message, a);
	derive_put64(message + 8, b);
	derive_put64(message + 16, c);
	return derive_mark(key, use, (struct slice){ message, sizeof message });
}

uint64_t jwt_branch(const struct key *key, uint64_t sid, int64_t ctr, uint64_t idem)
{
	return secret_of(key, DERIVE_BRANCH, sid, (uint64_t)ctr, idem);
}

uint64_t jwt_access_id(const struct key *key, uint64_t sid, int64_t ctr, int64_t iat)
{
	return secret_of(key, DERIVE_ID, sid, (uint64_t)ctr, (uint64_t)iat);
}

uint64_t jwt_password_mark(const struct key *key, uint64_t sub, struct slice hash)
{
	char id[8];
	struct buf message = { 0 };
	derive_put64(id, sub);
	buf_add(&message, (struct slice){ id, sizeof id });
	buf_add(&message, hash);
	return derive_mark(key, DERIVE_PASSWORD, buf_slice(&message));
}

/* The one hash of 2^64 that is 0, which means "no key", counts as 1. */
static uint64_t not_zero(uint64_t n)
{
	return n | (n == 0);
}

uint64_t jwt_idempotency(struct slice key)
{
	uint8_t hash[DERIVE_MAC];
	derive_sha256(key, hash);
	return not_zero(derive_get64(hash));
}

/* ---- names of keys ----------------------------------------------------- */

void jwt_name_key(struct key *key)
{
	struct buf digits = { 0 };
	buf_hex(&digits, jwt_idempotency((struct slice){ (const char *)key->master, KEY_SIZE }));
	memcpy(key->kid, digits.p, KID_LENGTH);
	key->kid[KID_LENGTH] = '\0';
}

const char *jwt_keys_wrong(const struct keyring *ring)
{
	for (size_t i = 0; i < ring->count; i++) {
		struct key named = ring->key[i];
		jwt_name_key(&named);
		wipe(named.master, KEY_SIZE);
		if (memcmp(named.kid, ring->key[i].kid, KID_LENGTH) == 0)
			continue;
		return text_join("latchkey.key: what stands under ", ring->key[i].kid,
			" isn't that key: the file was changed, restore it", NULL);
	}
	return NULL;
}
