/*
 * derive: see derive.h for what each function promises.
 *
 * HKDF-SHA256 (RFC 5869) of the master key, without salt (the master key is uniformly random), with a label of its own
 * for each use. What is derived from a key is kept until another key is used.
 */
#include "derive.h"

#include <string.h>

#include <bearssl_hash.h>
#include <bearssl_hmac.h>
#include <bearssl_kdf.h>

#include "sha256.h"

void derive_put64(char *at, uint64_t n)
{
	for (int i = 0; i < 8; i++)
		at[i] = (char)(n >> (56 - 8 * i) & 0xff);
}

uint64_t derive_get64(const uint8_t *at)
{
	uint64_t n = 0;
	for (int i = 0; i < 8; i++)
		n = n << 8 | at[i];
	return n;
}

/* ---- SHA-256 ----------------------------------------------------------- */

/*
 * BearSSL's own, until derive_hurry() puts another in its place: the same in all but the two functions that hash blocks. In between
 * contexts are as BearSSL has them.
 */
static const br_hash_class *sha256 = &br_sha256_vtable;
static sha256_block *take_block;

static void hurry_init(const br_hash_class **context)
{
	br_sha256_init((void *)context);
	*context = sha256;
}

static void hurry_update(const br_hash_class **context, const void *data, size_t n)
{
	br_sha256_context *c = (void *)context;
	const uint8_t *from = data;
	size_t held = c->count % SHA256_BLOCK;
	c->count += n;
	for (size_t part; held + n >= SHA256_BLOCK; from += part, n -= part, held = 0) {
		part = SHA256_BLOCK - held;
		memcpy(c->buf + held, from, part);
		take_block(c->val, c->buf);
	}
	if (n)
		memcpy(c->buf + held, from, n);
}

/* FIPS 180-4, 5.1.1: a bit, zeros, and the length in bits at the end of a block. The context stays as it is. */
static void hurry_out(const br_hash_class *const *context, void *out)
{
	static const uint8_t padding[SHA256_BLOCK] = { 0x80 };
	br_sha256_context c;
	char length[8];
	memcpy(&c, context, sizeof c);
	derive_put64(length, c.count * 8);
	hurry_update(&c.vtable, padding, SHA256_BLOCK - (c.count + sizeof length) % SHA256_BLOCK);
	hurry_update(&c.vtable, length, sizeof length);
	br_sha256_state(&c, out);
	wipe(&c, sizeof c);
}

void derive_hurry(void)
{
	static br_hash_class class;
	take_block = sha256_of_processor();
	if (!take_block)
		return;
	class = br_sha256_vtable;
	class.update = hurry_update;
	class.out = hurry_out;
	class.init = hurry_init;
	sha256 = &class;
}

void derive_sha256(struct slice bytes, uint8_t out[DERIVE_MAC])
{
	br_sha256_context c;
	sha256->init(&c.vtable);
	sha256->update(&c.vtable, bytes.p, bytes.n);
	sha256->out(&c.vtable, out);
	wipe(&c, sizeof c);
}

/* ---- keys and MACs ----------------------------------------------------- */

/* A label never changes: every token depends on it. */
static const struct slice label_of_use[] = {
	[DERIVE_ACCESS] = { "latchkey access", 15 },
	[DERIVE_REFRESH] = { "latchkey refresh", 16 },
	[DERIVE_BRANCH] = { "latchkey branch", 15 },
	[DERIVE_ID] = { "latchkey id", 11 },
	[DERIVE_SITE] = { "latchkey site", 13 },
	[DERIVE_LINK] = { "latchkey link", 13 },
	[DERIVE_PASSWORD] = { "latchkey pw", 11 },
	[DERIVE_OWN] = { "latchkey own", 12 },
	[DERIVE_PLACE] = { "latchkey place", 14 },
	[DERIVE_PASSKEY] = { "latchkey passkey", 16 },
	[DERIVE_ES256] = { "latchkey es256", 14 },
	[DERIVE_RSA] = { "latchkey rsa", 12 },
	[DERIVE_CODE] = { "latchkey code", 13 },
	[DERIVE_DEVICE] = { "latchkey device", 15 },
	[DERIVE_APPROVE] = { "latchkey approve", 16 },
	[DERIVE_USER_CODE] = { "latchkey user code", 18 },
	[DERIVE_WALLET] = { "latchkey wallet", 15 },
	[DERIVE_TOTP] = { "latchkey totp", 13 },
	[DERIVE_ENROL] = { "latchkey enrol", 14 },
	[DERIVE_NONCE] = { "latchkey nonce", 14 },
	[DERIVE_BOUND] = { "latchkey bound", 14 },
};

/* HKDF's two steps (RFC 5869, 2.2 and 2.3); the first is the same for every use of one key. */
static void extract(br_hkdf_context *c, struct slice salt, struct slice secret)
{
	br_hkdf_init(c, sha256, salt.p, salt.n);
	br_hkdf_inject(c, secret.p, secret.n);
	br_hkdf_flip(c);
}

static void expand(const br_hkdf_context *extracted, struct slice info, uint8_t *out, size_t n)
{
	br_hkdf_context c = *extracted;
	br_hkdf_produce(&c, info.p, info.n, out, n);
	wipe(&c, sizeof c);
}

/* The MAC of what c has seen and of the rest. */
static void finish(br_hmac_context *c, struct slice rest, uint8_t *out)
{
	br_hmac_update(c, rest.p, rest.n);
	br_hmac_out(c, out);
	wipe(c, sizeof *c);
}

void derive_sha1_mac(struct slice key, struct slice message, uint8_t out[DERIVE_SHA1])
{
	br_hmac_key_context keyed;
	br_hmac_context c;
	br_hmac_key_init(&keyed, &br_sha1_vtable, key.p, key.n);
	br_hmac_init(&c, &keyed, 0);
	finish(&c, message, out);
	wipe(&keyed, sizeof keyed);
}

/*
 * What was derived from the master key that was used last. A refresh uses its
 * four derived keys five times, and to derive one costs more than a MAC. The header of
 * an access or a refresh token, with its dot, is a block, and the same in each: what
 * the MAC has come to after it is kept too.
 */
static struct {
	uint8_t master[KEY_SIZE];
	bool extracted, there[DERIVE__USES];
	br_hkdf_context secret;
	br_hmac_key_context keyed[DERIVE__USES];
	struct begun { bool there; char block[SHA256_BLOCK]; br_hmac_context after; } begun[DERIVE_REFRESH + 1];
} made;

void derive_key(const struct key *key, enum derive_use use, uint8_t out[KEY_SIZE])
{
	struct slice master = { (const char *)key->master, KEY_SIZE };
	if (!made.extracted || !same_bytes(made.master, key->master, KEY_SIZE)) {
		wipe(&made, sizeof made);
		memcpy(made.master, key->master, KEY_SIZE);
		extract(&made.secret, (struct slice){ (const char *)BR_HKDF_NO_SALT, 0 }, master);
		made.extracted = true;
	}
	expand(&made.secret, label_of_use[use], out, KEY_SIZE);
}

/* Begins a MAC of the message; returns what is left of it. */
static struct slice begin(br_hmac_context *c, enum derive_use use, struct slice message)
{
	if (use > DERIVE_REFRESH || message.n < SHA256_BLOCK) {
		br_hmac_init(c, &made.keyed[use], 0);
		return message;
	}
	struct begun *b = &made.begun[use];
	if (!b->there || memcmp(b->block, message.p, SHA256_BLOCK) != 0) {
		br_hmac_init(&b->after, &made.keyed[use], 0);
		br_hmac_update(&b->after, message.p, SHA256_BLOCK);
		memcpy(b->block, message.p, SHA256_BLOCK);
		b->there = true;
	}
	*c = b->after;
	return slice_from(message, SHA256_BLOCK);
}

void derive_mac(const struct key *key, enum derive_use use, struct slice message, uint8_t out[DERIVE_MAC])
{
	if (!made.there[use] || !same_bytes(made.master, key->master, KEY_SIZE)) {
		uint8_t derived[KEY_SIZE];
		derive_key(key, use, derived);
		br_hmac_key_init(&made.keyed[use], sha256, derived, KEY_SIZE);
		made.there[use] = true;
		wipe(derived, sizeof derived);
	}
	br_hmac_context c;
	finish(&c, begin(&c, use, message), out);
}

uint64_t derive_mark(const struct key *key, enum derive_use use, struct slice message)
{
	uint8_t mac[DERIVE_MAC];
	derive_mac(key, use, message, mac);
	uint64_t n = derive_get64(mac);
	wipe(mac, sizeof mac);
	return n;
}
