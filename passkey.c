/*
 * passkey: see passkey.h.
 */
#include "passkey.h"

#include <string.h>

#include "base/base64.h"
#include "derive.h"
#include "json.h"
#include "ed25519.h"
#include "signature.h"

/* ---- the relying party ------------------------------------------------- */

/* Of an https URL, or an http one: scheme, host and port; p NULL: it isn't one. */
static struct slice origin_of(struct slice url, struct slice *host)
{
	size_t n = slice_starts(url, S("https://")) ? 8 : slice_starts(url, S("http://")) ? 7 : 0;
	struct slice rest = slice_from(url, n), authority = slice_cut(&rest, '/');
	if (n == 0)
		return SLICE_NONE;
	*host = slice_cut(&authority, ':');
	return (struct slice){ url.p, n + host->n + (authority.p ? authority.n + 1 : 0) };
}

struct slice passkey_rp_id(const struct config *config)
{
	struct slice host = SLICE_NONE;
	(void)origin_of(config->issuer, &host);
	return host.p && config->rp_id.n ? config->rp_id : host;
}

static bool is_our_origin(const struct config *config, struct slice origin)
{
	struct slice rest = config->passkey_origins, host;
	if (slice_is(origin, origin_of(config->issuer, &host)))
		return true;
	while (rest.n)
		if (slice_is(slice_cut(&rest, ' '), origin))
			return true;
	return false;
}

/* ---- client data (5.8.1) ------------------------------------------------ */

static bool is_in_frame(const struct json *j)
{
	struct slice any;
	bool cross = false;
	enum json_found found = json_bool(j, "crossOrigin", &cross);
	return cross || found == JSON_WRONG_TYPE || json_raw(j, "topOrigin", &any) == JSON_FOUND;
}

enum error passkey_read_client(const struct config *config, enum passkey_use use, struct slice client_data, struct slice *challenge)
{
	struct json j;
	struct slice type, origin, letters;
	if (client_data.n > PASSKEY_CLIENT_DATA || json_read(client_data, &j) != JSON_VALID || json_string(&j, "type", &type) != JSON_FOUND
		|| !slice_is(type, use == PASSKEY_REGISTER ? S("webauthn.create") : S("webauthn.get"))
		|| json_string(&j, "challenge", &letters) != JSON_FOUND || !base64url_read(letters, challenge)
		|| json_string(&j, "origin", &origin) != JSON_FOUND)
		return ERROR_INVALID_REQUEST;
	return is_our_origin(config, origin) && !is_in_frame(&j) ? ERROR_NONE : ERROR_CROSS_SITE;
}

/* ---- authenticator data (6.1) ------------------------------------------- */

enum {
	FLAG_PRESENT = 0x01,            /* UP */
	FLAG_VERIFIED = 0x04,           /* UV */
	FLAG_ELIGIBLE = 0x08,           /* BE: it may be backed up */
	FLAG_BACKED = 0x10,             /* BS: it is */
	FLAG_CREDENTIAL = 0x40,         /* AT */
	FLAG_EXTENSIONS = 0x80,         /* ED */
	AAGUID = 16                     /* bytes: which model of authenticator */
};

/* Cuts n bytes off. */
static bool take(struct slice *rest, size_t n, struct slice *out)
{
	if (rest->n < n)
		return false;
	*out = (struct slice){ rest->p, n };
	*rest = slice_from(*rest, n);
	return true;
}

static bool take_text(struct slice *rest, struct slice text)
{
	struct slice here;
	return take(rest, text.n, &here) && slice_is(here, text);
}

static uint32_t number_of(struct slice bytes)
{
	uint32_t n = 0;
	for (size_t i = 0; i < bytes.n; i++)
		n = n << 8 | (uint8_t)bytes.p[i];
	return n;
}

/* {1: 2, 3: -7, -1: 1, -2: x, -3: y}: x and y are not side by side there. */
static bool take_es256(struct slice *rest, struct slice *key)
{
	struct slice x, y;
	if (!take_text(rest, S("\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20")) || !take(rest, SIGNATURE_ES256_KEY / 2, &x)
		|| !take_text(rest, S("\x22\x58\x20")) || !take(rest, SIGNATURE_ES256_KEY / 2, &y))
		return false;
	char *point = arena(SIGNATURE_ES256_KEY);
	memcpy(point, x.p, x.n);
	memcpy(point + x.n, y.p, y.n);
	*key = (struct slice){ point, SIGNATURE_ES256_KEY };
	return true;
}

/* {1: 3, 3: -257, -1: n, -2: 65537} */
static bool take_rs256(struct slice *rest, struct slice *key)
{
	return take_text(rest, S("\xa4\x01\x03\x03\x39\x01\x00\x20\x59\x01\x00")) && take(rest, SIGNATURE_RS256_KEY, key)
		&& take_text(rest, S("\x21\x43\x01\x00\x01"));
}

/* {1: 1, 3: -8, -1: 6, -2: x} */
static bool take_ed25519(struct slice *rest, struct slice *key)
{
	return ed25519_is_good && take_text(rest, S("\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20")) && take(rest, ED25519_KEY, key);
}

static bool take_credential(struct slice *rest, struct passkey_data *out)
{
	struct slice model, length;
	if (!take(rest, AAGUID, &model) || !take(rest, 2, &length) || !take(rest, number_of(length), &out->id)
		|| out->id.n == 0 || out->id.n > KEYS_ID)
		return false;
	static bool (*const forms[])(struct slice *rest, struct slice *key) = { take_es256, take_ed25519, take_rs256 };
	const struct slice form = *rest;
	bool found = false;
	for (size_t i = 0; i < sizeof forms / sizeof *forms && !found; i++) {
		*rest = form;
		found = forms[i](rest, &out->key);
	}
	return found;
}

static bool is_for(const struct config *config, struct slice hash)
{
	uint8_t want[DERIVE_MAC];
	derive_sha256(passkey_rp_id(config), want);
	return memcmp(hash.p, want, DERIVE_MAC) == 0;
}

static bool flags_are_good(unsigned flags)
{
	return flags & FLAG_PRESENT && flags & FLAG_VERIFIED && (!(flags & FLAG_BACKED) || flags & FLAG_ELIGIBLE);
}

/* Two flags tell what comes after the counter. */
static bool take_rest(struct slice *rest, enum passkey_use use, struct passkey_data *out)
{
	if (use == PASSKEY_REGISTER && !(out->flags & FLAG_CREDENTIAL && take_credential(rest, out)))
		return false;
	bool more = out->flags & FLAG_EXTENSIONS || (use == PASSKEY_SIGN_IN && out->flags & FLAG_CREDENTIAL);
	return rest->n == 0 || more;
}

enum error passkey_read_data(const struct config *config, enum passkey_use use, struct slice data, struct passkey_data *out)
{
	struct slice hash, flags, counter;
	*out = (struct passkey_data){ 0 };
	if (data.n > PASSKEY_AUTHENTICATOR_DATA || !take(&data, DERIVE_MAC, &hash) || !take(&data, 1, &flags) || !take(&data, 4, &counter)
		|| !is_for(config, hash))
		return ERROR_INVALID_REQUEST;
	out->flags = (uint8_t)*flags.p;
	out->counter = number_of(counter);
	return flags_are_good(out->flags) && take_rest(&data, use, out) ? ERROR_NONE : ERROR_INVALID_REQUEST;
}

/* ---- beside the credential ---------------------------------------------- */

/* One that doesn't count shows 0 each time (6.1.1). */
bool passkey_fits(const struct user_key *k, const struct passkey_data *shown)
{
	bool grows = shown->counter > k->counter || (shown->counter == 0 && k->counter == 0);
	return grows && ((unsigned)k->flags & FLAG_ELIGIBLE) == (shown->flags & FLAG_ELIGIBLE);
}

bool passkey_signed(const struct user_key *k, struct slice data, struct slice client_data, struct slice signature)
{
	uint8_t hash[DERIVE_MAC];
	struct buf input = { 0 };
	derive_sha256(client_data, hash);
	buf_add(&input, data);
	buf_add(&input, (struct slice){ (const char *)hash, sizeof hash });
	return signature_is_good(k->key, buf_slice(&input), signature);
}
