/*
 * What anybody may show for a passkey. The first byte says what the rest is, in upper case where it is of a registration:
 *
 *	c  client data: accepted if and only if json_reference.h finds the members that it must have, and none that it mustn't
 *	a  authenticator data without the hash at its beginning: what is accepted has its flags, and is made of the pieces that come out
 *	r  the same with that hash, whatever it is
 *	k  a user's credentials: written anew, they are the same; no line of one changes when another does
 */
#include "fuzz.h"
#include "json_reference.h"
#include "derive.h"
#include "passkey.h"

#include <string.h>

const bool fuzz_starves = true;

static struct config config;

void fuzz_start(void)
{
	HOLDS(config_parse(S("issuer = https://example.org/auth\npasskey_origins = https://a.example\n"), &config) == NULL);
}

/* ---- client data -------------------------------------------------------- */

static const struct reference_member *member(const struct reference *r, const char *name)
{
	for (size_t i = 0; i < r->members; i++)
		if (slice_is(r->member[i].name, slice_of(name)))
			return &r->member[i];
	return NULL;
}

static bool is_text(const struct reference_member *m, const char *text)
{
	return m && m->kind == '"' && slice_is(m->bytes, slice_of(text));
}

/* Only what base64url.c has its own target for is taken from the product. */
static bool may_be_accepted(const struct reference *r, enum passkey_use use)
{
	const struct reference_member *cross = member(r, "crossOrigin"), *top = member(r, "topOrigin"), *origin = member(r, "origin");
	const struct reference_member *challenge = member(r, "challenge");
	if (r->verdict != JSON_VALID || r->kind != '{' || (cross && cross->kind != 'f' && cross->kind != 'n') || (top && top->kind != 'n'))
		return false;
	return is_text(member(r, "type"), use == PASSKEY_REGISTER ? "webauthn.create" : "webauthn.get") && challenge && challenge->kind == '"'
		&& (is_text(origin, "https://example.org") || is_text(origin, "https://a.example"));
}

static void client_data_holds(struct slice text, enum passkey_use use)
{
	static struct reference r;
	struct slice challenge = SLICE_NONE;
	enum error e = passkey_read_client(&config, use, text, &challenge);
	HOLDS(e == ERROR_NONE || e == ERROR_INVALID_REQUEST || e == ERROR_CROSS_SITE);
	if (text.n > PASSKEY_CLIENT_DATA) {
		HOLDS(e != ERROR_NONE);
		return;
	}
	reference_read(text, &r);
	if (e == ERROR_NONE)
		touch(challenge);
	HOLDS(e != ERROR_NONE || may_be_accepted(&r, use));
	HOLDS(e != ERROR_CROSS_SITE || !may_be_accepted(&r, use));
}

/* ---- authenticator data ------------------------------------------------- */

/* All that comes before the key: 32, 1, 4, 16, 2 bytes and the id. */
static void credential_holds(struct slice data, const struct passkey_data *d)
{
	const uint8_t *b = (const uint8_t *)data.p;
	size_t n = (size_t)b[53] << 8 | b[54], at = 55 + n;
	HOLDS(d->flags & 0x40 && n > 0 && n <= KEYS_ID && same_slice(d->id, (struct slice){ data.p + 55, n }));
	HOLDS(d->key.n == 32 || d->key.n == 64 || d->key.n == 256);
	touch(d->key);
	if (d->key.n == 64)
		HOLDS(memcmp(b + at, "\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20", 10) == 0 && memcmp(b + at + 10, d->key.p, 32) == 0
			&& memcmp(b + at + 42, "\x22\x58\x20", 3) == 0 && memcmp(b + at + 45, d->key.p + 32, 32) == 0);
	if (d->key.n == 32)
		HOLDS(memcmp(b + at, "\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20", 10) == 0 && memcmp(b + at + 10, d->key.p, 32) == 0);
	HOLDS((d->flags & 0x80) || data.n == at + (d->key.n == 32 ? 42 : d->key.n == 64 ? 77 : 272));
}

static void data_holds(struct slice data, enum passkey_use use)
{
	struct passkey_data d;
	uint8_t hash[DERIVE_MAC];
	if (passkey_read_data(&config, use, data, &d) != ERROR_NONE)
		return;
	derive_sha256(S("example.org"), hash);
	HOLDS(data.n >= 37 && data.n <= PASSKEY_AUTHENTICATOR_DATA && memcmp(data.p, hash, DERIVE_MAC) == 0);
	HOLDS(d.flags == (uint8_t)data.p[32] && (d.flags & 0x05) == 0x05 && ((d.flags & 0x18) != 0x10));
	HOLDS(d.counter >= 0 && d.counter <= UINT32_MAX && (uint8_t)data.p[36] == (d.counter & 0xff));
	if (use == PASSKEY_REGISTER)
		credential_holds(data, &d);
	else
		HOLDS(d.id.p == NULL && ((d.flags & 0xc0) || data.n == 37));
}

static struct slice with_hash(struct slice rest)
{
	uint8_t hash[DERIVE_MAC];
	char *data = arena(DERIVE_MAC + rest.n);
	derive_sha256(S("example.org"), hash);
	memcpy(data, hash, DERIVE_MAC);
	memcpy(data + DERIVE_MAC, rest.p, rest.n);
	return (struct slice){ data, DERIVE_MAC + rest.n };
}

/* ---- credentials -------------------------------------------------------- */

static size_t lines_of(struct slice text)
{
	size_t n = 0;
	for (; text.n; n++)
		(void)slice_cut(&text, '\n');
	return n;
}

static void keys_hold(struct slice text)
{
	struct slice rest = text, out = SLICE_NONE, again = SLICE_NONE;
	struct user_key k, other;
	for (int i = 0; i < 64 && keys_next(&rest, &k); i++) {
		HOLDS(k.id.n > 0 && k.id.n <= KEYS_ID && keys_label_ok(k.label) && k.created_at >= 0);
		struct slice all = text;
		HOLDS(keys_add(SLICE_NONE, &k, &out) != ERROR_CREDENTIAL_KNOWN);
		HOLDS(keys_next(&out, &other) && same_slice(other.id, k.id) && same_slice(other.key, k.key) && other.counter == k.counter);
		HOLDS(keys_add(all, &k, &out) == ERROR_CREDENTIAL_KNOWN);
		keys_replace(all, &k, &out);
		keys_replace(out, &k, &again);
		HOLDS(slice_is(out, again) && keys_remove(all, keys_number(&k), &again) && lines_of(again) + 1 == lines_of(all));
	}
}

void fuzz_one(struct slice in)
{
	struct slice rest = slice_from(in, 1);
	if (in.n == 0)
		return;
	enum passkey_use use = *in.p & 0x20 ? PASSKEY_SIGN_IN : PASSKEY_REGISTER;
	switch (*in.p | 0x20) {
	case 'c':
		client_data_holds(rest, use);
		break;
	case 'a':
		data_holds(with_hash(rest), use);
		break;
	case 'r':
		data_holds(rest, use);
		break;
	case 'k':
		keys_hold(rest);
		break;
	}
}
