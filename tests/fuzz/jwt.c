/*
 * Tokens. The first byte says what the rest is, in upper case for a refresh token; with its highest bit for a link, or in upper case
 * for a site session's; the digits 4 to 7 stand for the four of an authorization code, with the highest bit of a device code, and the next four those of the ticket
 * of a second factor or a passkey's challenge; 0 to 3 for those of an
 * access token by ES256, of whose claims the jti is made here:
 *
 *	t  a token
 *	h  a header, around which all is right, MAC and all: opened if and only if it is ours
 *	c  the claims, of which the same is so: opened if and only if json_reference.h finds each of them and no other
 *	e  edits of a good token, three bytes each (place, byte): opened if and only if they change nothing
 *
 * What opens, sealed again, opens to the same claims.
 */
#include "fuzz.h"
#include "json_reference.h"
#include "base/base64.h"
#include "jwt.h"

#include <bearssl_hash.h>
#include <bearssl_hmac.h>

const bool fuzz_starves = true;

static const struct keyring ring = { { { "00c0ffee", 1, { 1, 2, 3 } }, { "0ddba115", 1, { 4, 5, 6 } } }, 2 };

enum { USES = JWT_SIGNED + 1, SIGNATURE_LETTERS = 86 };

union claims {
	struct access_claims access;
	struct refresh_claims refresh;
	struct site_claims site;
	struct link_claims link;
	struct code_claims code;
	struct device_claims device;
	struct enrol_claims enrol;
	struct passkey_claims passkey;
};

/* ---- signing whatever it is ------------------------------------------------ */

static void mac_of(struct slice input, enum jwt_use use, uint8_t mac[br_sha256_SIZE])
{
	uint8_t key[KEY_SIZE];
	br_hmac_key_context k;
	br_hmac_context c;
	jwt_derive(&ring.key[0], use, key);
	br_hmac_key_init(&k, &br_sha256_vtable, key, sizeof key);
	br_hmac_init(&c, &k, 0);
	br_hmac_update(&c, input.p, input.n);
	br_hmac_out(&c, mac);
}

static struct slice with_mac(struct slice input, enum jwt_use use)
{
	uint8_t mac[br_sha256_SIZE];
	struct buf b = { 0 };
	mac_of(input, use, mac);
	buf_add(&b, input);
	buf_c(&b, '.');
	base64url_add(&b, (struct slice){ (const char *)mac, sizeof mac });
	return buf_slice(&b);
}

/* By ES256: the MAC is the jti, over all that isn't it; the signature may be any. */
static struct slice with_mark(struct slice header, struct slice rest)
{
	uint8_t mac[br_sha256_SIZE];
	struct buf message = { 0 }, mark = { 0 }, b = { 0 };
	base64url_add(&message, header);
	buf_c(&message, '.');
	base64url_add(&message, rest);
	mac_of(buf_slice(&message), JWT_SIGNED, mac);
	buf_s(&mark, "{\"jti\":\"");
	buf_hex_bytes(&mark, mac, 16);
	buf_s(&mark, "\",");
	base64url_add(&b, header);
	buf_c(&b, '.');
	base64url_add(&b, buf_slice(&mark));
	base64url_add(&b, rest);
	buf_c(&b, '.');
	for (int i = 0; i < SIGNATURE_LETTERS; i++)
		buf_c(&b, 'A');
	return buf_slice(&b);
}

static struct slice token_of(struct slice header, struct slice payload, enum jwt_use use)
{
	struct buf b = { 0 };
	if (use == JWT_SIGNED)
		return with_mark(header, payload);
	base64url_add(&b, header);
	buf_c(&b, '.');
	base64url_add(&b, payload);
	return with_mac(buf_slice(&b), use);
}

#define T(literal) { "" literal, sizeof(literal) - 1 }

static const struct slice payload[] = {
	T("{\"iss\":\"i\",\"sub\":\"00000000000000a1\",\"aud\":\"a\",\"sid\":\"7fffffffffffffff\",\"iat\":1,\"exp\":2,"
	  "\"jti\":\"0123456789abcdef\",\"name\":\"n\"}"),
	T("{\"iss\":\"i\",\"sid\":\"7fffffffffffffff\",\"ctr\":7,\"br\":\"fedcba9876543210\",\"iat\":1,\"exp\":2}"),
	T("{\"sid\":\"7fffffffffffffff\",\"iat\":1,\"door\":1}"),
	T("{\"iss\":\"i\",\"sub\":\"00000000000000a1\",\"pw\":\"fedcba9876543210\",\"iat\":1,\"exp\":2}"),
	T("{\"iss\":\"i\",\"sid\":\"7fffffffffffffff\",\"sub\":\"00000000000000a1\",\"cid\":\"c\",\"uri\":\"u\",\"ch\":\"h\",\"scope\":1,"
	  "\"nonce\":\"n\",\"at\":1,\"amr\":1,\"pw\":\"fedcba9876543210\",\"by\":\"00000000000000b1\",\"sso\":0,\"st\":0,\"iat\":1,\"exp\":2}"),
	T("{\"iss\":\"i\",\"cid\":\"c\",\"scope\":1,\"uc\":\"BCDFGHJKLMNP\",\"iat\":1,\"exp\":2}"),
	[JWT_ENROL] = T("{\"iss\":\"i\",\"sub\":\"00000000000000a1\",\"key\":\"K\",\"amr\":1,\"pw\":\"fedcba9876543210\",\"iat\":1,\"exp\":2}"),
	[JWT_PASSKEY] = T("{\"iss\":\"i\",\"sid\":\"7fffffffffffffff\",\"sub\":\"00000000000000a1\",\"iat\":1,\"exp\":2}"),
	[JWT_SIGNED] = T("\"iss\":\"i\",\"sub\":\"00000000000000a1\",\"aud\":\"a\",\"sid\":\"7fffffffffffffff\",\"iat\":1,\"exp\":2,\"name\":\"n\","
	  "\"client_id\":\"c\",\"scope\":\"s\"}"),
};
/* By use, then by key of the ring. */
static const struct slice header[][2] = {
	{ T("{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}"), T("{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"0ddba115\"}") },
	{ T("{\"alg\":\"HS256\",\"typ\":\"rt+jwt\",\"kid\":\"00c0ffee\"}"), T("{\"alg\":\"HS256\",\"typ\":\"rt+jwt\",\"kid\":\"0ddba115\"}") },
	{ T("{\"alg\":\"HS256\",\"typ\":\"st+jwt\",\"kid\":\"00c0ffee\"}"), T("{\"alg\":\"HS256\",\"typ\":\"st+jwt\",\"kid\":\"0ddba115\"}") },
	{ T("{\"alg\":\"HS256\",\"typ\":\"ln+jwt\",\"kid\":\"00c0ffee\"}"), T("{\"alg\":\"HS256\",\"typ\":\"ln+jwt\",\"kid\":\"0ddba115\"}") },
	{ T("{\"alg\":\"HS256\",\"typ\":\"ac+jwt\",\"kid\":\"00c0ffee\"}"), T("{\"alg\":\"HS256\",\"typ\":\"ac+jwt\",\"kid\":\"0ddba115\"}") },
	{ T("{\"alg\":\"HS256\",\"typ\":\"dc+jwt\",\"kid\":\"00c0ffee\"}"), T("{\"alg\":\"HS256\",\"typ\":\"dc+jwt\",\"kid\":\"0ddba115\"}") },
	[JWT_ENROL] = { T("{\"alg\":\"HS256\",\"typ\":\"te+jwt\",\"kid\":\"00c0ffee\"}"), T("{\"alg\":\"HS256\",\"typ\":\"te+jwt\",\"kid\":\"0ddba115\"}") },
	[JWT_PASSKEY] = { T("{\"alg\":\"HS256\",\"typ\":\"pk+jwt\",\"kid\":\"00c0ffee\"}"), T("{\"alg\":\"HS256\",\"typ\":\"pk+jwt\",\"kid\":\"0ddba115\"}") },
	[JWT_SIGNED] = { T("{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee-e\"}"), T("{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"0ddba115-e\"}") },
};

/* ---- claims by the reference -------------------------------------------------- */

enum { CLAIMS_MOST = 16 };

/* name, and 's' text, 'm' a MAC, 'i' id, 'n' number from 0, 'p' number from 1 */
static const char *const wanted[][CLAIMS_MOST] = {
	{ "siss", "isub", "saud", "isid", "niat", "nexp", "ijti", "sname" }, { "siss", "isid", "pctr", "ibr", "niat", "nexp" },
	{ "isid", "niat", "ndoor" }, { "siss", "isub", "ipw", "niat", "nexp" },
	{ "siss", "isid", "isub", "scid", "suri", "sch", "nscope", "snonce", "nat", "namr", "ipw", "iby", "nsso", "nst", "niat", "nexp" },
	{ "siss", "scid", "nscope", "suc", "niat", "nexp" },
	[JWT_ENROL] = { "siss", "isub", "skey", "namr", "ipw", "niat", "nexp" }, [JWT_PASSKEY] = { "siss", "isid", "isub", "niat", "nexp" },
	[JWT_SIGNED] = { "mjti", "siss", "isub", "saud", "isid", "niat", "nexp", "sname", "sclient_id", "sscope" },
};

static bool is_hex(const struct reference_member *m, size_t digits)
{
	size_t n = 0;
	while (n < m->bytes.n && m->bytes.p[n] && strchr("0123456789abcdef", m->bytes.p[n]))
		n++;
	return m->kind == '"' && n == digits && m->bytes.n == digits;
}

/* Up to 2^53 - 1, which has sixteen digits. */
static bool is_number(const struct reference_member *m, char type)
{
	struct slice s = m->text;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return m->kind == '0' && (s.n < 16 || (s.n == 16 && memcmp(s.p, "9007199254740991", 16) <= 0)) && (type == 'n' || *s.p != '0');
}

static bool claim_ok(const struct reference *r, const char *claim)
{
	for (size_t i = 0; i < r->members; i++) {
		const struct reference_member *m = &r->member[i];
		if (slice_is(m->name, slice_of(claim + 1)))
			return *claim == 's' ? m->kind == '"' : *claim == 'i' || *claim == 'm' ? is_hex(m, *claim == 'i' ? 16 : 32) : is_number(m, *claim);
	}
	return false;
}

/* A list of texts, none empty and none with a comma. m's text is JSON. */
static bool is_list(const struct reference_member *m)
{
	static struct reference item;
	size_t at = 1;
	while (m->kind == '[' && at < m->text.n) {
		at += strspn(m->text.p + at, " \t\r\n,");
		size_t end = at + 1;
		while (m->text.p[at] == '"' && m->text.p[end] != '"')
			end += m->text.p[end] == '\\' ? 2 : 1;
		if (m->text.p[at] == ']')
			return true;
		reference_read((struct slice){ m->text.p + at, end + 1 - at }, &item);
		if (item.kind != '"' || item.bytes.n == 0 || memchr(item.bytes.p, ',', item.bytes.n))
			return false;
		at = end + 1;
	}
	return false;
}

/* Those that may be there; the last two of them must, by ES256. */
static bool optional_ok(const struct reference_member *m, enum jwt_use use)
{
	static const char *const texts[] = { "email", "display_name", "client_id", "scope" };
	for (size_t i = 0; i < (use == JWT_SIGNED ? 2 : sizeof texts / sizeof *texts); i++)
		if (slice_is(m->name, slice_of(texts[i])))
			return m->kind == '"';
	return slice_is(m->name, S("groups")) && is_list(m);
}

static bool claims_ok(struct slice text, enum jwt_use use)
{
	static struct reference r;
	size_t count = 0;
	reference_read(text, &r);
	if (r.verdict != JSON_VALID || r.kind != '{')
		return false;
	for (; count < CLAIMS_MOST && wanted[use][count]; count++)
		if (!claim_ok(&r, wanted[use][count]))
			return false;
	for (size_t i = 0; (use == JWT_ACCESS || use == JWT_SIGNED) && i < r.members; i++)
		count += optional_ok(&r.member[i], use);
	return r.members == count;
}

/* ---- opening ------------------------------------------------------------- */

static enum jwt_verdict open_as(struct slice token, enum jwt_use use, union claims *out, size_t *signer)
{
	if (use == JWT_SITE)
		return jwt_open_site(token, &ring, &out->site, signer);
	if (use == JWT_LINK)
		return jwt_open_link(token, &ring, &out->link, signer);
	if (use == JWT_CODE)
		return jwt_open_code(token, &ring, &out->code, signer);
	if (use == JWT_DEVICE)
		return jwt_open_device(token, &ring, &out->device, signer);
	if (use == JWT_ENROL)
		return jwt_open_enrol(token, &ring, &out->enrol, signer);
	if (use == JWT_PASSKEY)
		return jwt_open_passkey(token, &ring, &out->passkey, signer);
	if (use == JWT_SIGNED)
		return jwt_open_signed(token, &ring, &out->access, signer);
	return use == JWT_ACCESS ? jwt_open_access(token, &ring, &out->access, signer) : jwt_open_refresh(token, &ring, &out->refresh, signer);
}

static struct slice seal(const struct key *key, enum jwt_use use, const union claims *claims)
{
	if (use == JWT_SITE)
		return jwt_seal_site(key, &claims->site);
	if (use == JWT_LINK)
		return jwt_seal_link(key, &claims->link);
	if (use == JWT_CODE)
		return jwt_seal_code(key, &claims->code);
	if (use == JWT_DEVICE)
		return jwt_seal_device(key, &claims->device);
	if (use == JWT_ENROL)
		return jwt_seal_enrol(key, &claims->enrol);
	if (use == JWT_PASSKEY)
		return jwt_seal_passkey(key, &claims->passkey);
	if (use == JWT_SIGNED)
		return jwt_seal_signed(key, &claims->access);
	return use == JWT_ACCESS ? jwt_seal_access(key, &claims->access) : jwt_seal_refresh(key, &claims->refresh);
}

/* Each byte of the claims, written anew: a fixed point. An escape may be shorter than what it is written as, so near
 * the limit a token may have no second spelling. */
static void sealed_holds(enum jwt_use use, const union claims *claims, size_t signer, size_t length)
{
	union claims again;
	size_t by;
	if (length > LIMIT_JWT / 2)
		return;
	struct slice token = seal(&ring.key[signer], use, claims);
	HOLDS(open_as(token, use, &again, &by) == JWT_VALID && by == signer);
	HOLDS(slice_is(token, seal(&ring.key[signer], use, &again)));
}

/* The verdict; whatever opens as one use must be refused as any other. */
static enum jwt_verdict verdict(struct slice token, enum jwt_use use)
{
	union claims claims, other;
	size_t signer = 0;
	enum jwt_verdict v = open_as(token, use, &claims, &signer);
	if (v != JWT_VALID)
		return v;
	HOLDS(token.n <= LIMIT_JWT && signer < ring.count);
	for (int i = 1; i < USES; i++)
		HOLDS(open_as(token, (enum jwt_use)(((int)use + i) % USES), &other, &signer) == JWT_FOREIGN);
	sealed_holds(use, &claims, signer, token.n);
	return v;
}

static void edited_holds(struct slice edits, enum jwt_use use)
{
	struct slice good = token_of(header[use][0], payload[use], use);
	char *text = slice_text(good);
	for (; edits.n > 2; edits = slice_from(edits, 3))
		text[((uint8_t)edits.p[0] * 256u + (uint8_t)edits.p[1]) % good.n] = edits.p[2];
	struct slice token = { text, good.n }, shown = token, signed_part = good;
	if (use == JWT_SIGNED) {        /* whose signature isn't looked at, but for its size */
		shown.n = signed_part.n -= SIGNATURE_LETTERS;
		HOLDS(verdict(token, use) != JWT_VALID || slice_is(shown, signed_part));
		HOLDS(verdict(token, use) == JWT_VALID || !slice_is(token, good));
		return;
	}
	HOLDS((verdict(token, use) == JWT_VALID) == slice_is(token, good));
}

/* The claims as they stand in a token; the digits of a MAC may be any here. */
static struct slice whole_claims(struct slice rest, enum jwt_use use)
{
	return use == JWT_SIGNED ? slice_of(text_join("{\"jti\":\"00000000000000000000000000000000\",", slice_text(rest), NULL)) : rest;
}

void fuzz_one(struct slice in)
{
	if (in.n == 0)
		return;
	static const enum jwt_use uses[] = { JWT_REFRESH, JWT_ACCESS, JWT_SITE, JWT_LINK };
	enum jwt_use use = uses[((uint8_t)*in.p >> 7) * 2 + (*in.p >> 5 & 1)];
	struct slice rest = slice_from(in, 1), token;
	int what = (*in.p & 0x7f) | 0x20;
	if (what >= '4' && what <= '7') {       /* a code's */
		use = (uint8_t)*in.p >> 7 ? JWT_DEVICE : JWT_CODE;
		what = "thce"[what - '4'];
	}
	if (what >= '8' && what <= ';') {
		use = (uint8_t)*in.p >> 7 ? JWT_PASSKEY : JWT_ENROL;
		what = "thce"[what - '8'];
	}
	if (what >= '0' && what <= '3') {
		use = JWT_SIGNED;
		what = "thce"[what - '0'];
	}
	switch (what) {
	case 't':
		verdict(rest, use);
		break;
	case 'h':
		token = token_of(rest, payload[use], use);
		HOLDS(verdict(token, use) == (token.n > LIMIT_JWT ? JWT_MALFORMED : slice_is(rest, header[use][0]) ? JWT_VALID
			: slice_is(rest, header[use][1]) ? JWT_FORGED : JWT_FOREIGN));
		break;
	case 'c':
		token = token_of(header[use][0], rest, use);
		HOLDS(verdict(token, use) == (token.n > LIMIT_JWT ? JWT_MALFORMED : claims_ok(whole_claims(rest, use), use) ? JWT_VALID : JWT_CLAIMS));
		break;
	case 'e':
		edited_holds(rest, use);
		break;
	}
}
