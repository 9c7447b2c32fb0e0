/*
 * jwt: see jwt.h for what each function promises.
 *
 * For each kind of token one table of claims is used both to write and to read,
 * so the two can't differ. A token is checked step by step: its length, its
 * segments, base64url, the header, the signature, and only then its JSON. So no
 * byte of the payload is looked at before the signature was verified, and the
 * header is compared and never parsed (RFC 8725, 2.1 and 3.1).
 *
 * What another version of latchkey wrote:
 *
 * - The claims of a refresh token are frozen. Such a token lives for weeks, and
 *   a version refuses one with a claim that it doesn't know. With another claim
 *   a downgrade, or two hosts of different versions, would sign users out. What
 *   a session needs beside them belongs in its row.
 * - An access token may get more claims: as OPTIONAL rows, which older tokens
 *   don't have. A claim that this version doesn't know makes an access token
 *   JWT_CLAIMS, and the client is told `token_invalid`. To ignore the claim
 *   could be wrong: a later version may restrict a token with it. To refuse the
 *   token signs nobody out: its refresh token is still good, and gives the
 *   client an access token that this version wrote.
 *
 * Keys: HKDF-SHA256 (RFC 5869) of the master key, without salt (the master key
 * is uniformly random), with a label of its own for each use. What is derived
 * from a key is kept until another key is used.
 *
 * Whole numbers in claims stay below 2^53, where JSON readers with binary64
 * numbers still agree (RFC 8259, 6); ids are therefore strings.
 */
#include "jwt.h"

#include <string.h>

#include <bearssl_hash.h>
#include <bearssl_hmac.h>
#include <bearssl_kdf.h>

#include "base/base64.h"
#include "base/error.h"
#include "json.h"
#include "sha256.h"

enum { MAC_SIZE = br_sha256_SIZE };

/* Numbers as bytes, the highest first. */
static void put64(char *at, uint64_t n)
{
	for (int i = 0; i < 8; i++)
		at[i] = (char)(n >> (56 - 8 * i) & 0xff);
}

static uint64_t get64(const uint8_t *at)
{
	uint64_t n = 0;
	for (int i = 0; i < 8; i++)
		n = n << 8 | at[i];
	return n;
}

/* ---- SHA-256 ----------------------------------------------------------- */

/*
 * BearSSL's own, until jwt_hurry() puts another in its place: the same in all but the two functions that hash blocks. In between
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
	put64(length, c.count * 8);
	hurry_update(&c.vtable, padding, SHA256_BLOCK - (c.count + sizeof length) % SHA256_BLOCK);
	hurry_update(&c.vtable, length, sizeof length);
	br_sha256_state(&c, out);
	wipe(&c, sizeof c);
}

void jwt_hurry(void)
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

/* ---- keys and MACs ----------------------------------------------------- */

/* For each use a key is derived from the master key, with a label. A label never changes: every token depends on it. */
enum use { USE_ACCESS, USE_REFRESH, USE_BRANCH, USE_ID, USE_SITE, USE_LINK, USE_PASSWORD, USES };
static const struct slice label_of_use[] = {
	[USE_ACCESS] = { "latchkey access", 15 },
	[USE_REFRESH] = { "latchkey refresh", 16 },
	[USE_BRANCH] = { "latchkey branch", 15 },
	[USE_ID] = { "latchkey id", 11 },
	[USE_SITE] = { "latchkey site", 13 },
	[USE_LINK] = { "latchkey link", 13 },
	[USE_PASSWORD] = { "latchkey pw", 11 },
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

static void hmac(const br_hmac_key_context *key, struct slice message, uint8_t out[MAC_SIZE])
{
	br_hmac_context c;
	br_hmac_init(&c, key, 0);
	br_hmac_update(&c, message.p, message.n);
	br_hmac_out(&c, out);
	wipe(&c, sizeof c);
}

/*
 * What was derived from the master key that was used last. A refresh uses its
 * four derived keys five times, and to derive one costs more than a MAC.
 */
static struct {
	uint8_t master[KEY_SIZE];
	bool extracted, there[USES];
	br_hkdf_context secret;
	br_hmac_key_context keyed[USES];
} made;

static void derive(const struct key *key, enum use use, uint8_t out[KEY_SIZE])
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

/* The MAC of message under the key of one use. */
static void mac_for(const struct key *key, enum use use, struct slice message, uint8_t out[MAC_SIZE])
{
	if (!made.there[use] || !same_bytes(made.master, key->master, KEY_SIZE)) {
		uint8_t derived[KEY_SIZE];
		derive(key, use, derived);
		br_hmac_key_init(&made.keyed[use], sha256, derived, KEY_SIZE);
		made.there[use] = true;
		wipe(derived, sizeof derived);
	}
	hmac(&made.keyed[use], message, out);
}

/* A MAC, cut to 64 bits: only who has the key can compute it. */
static uint64_t short_mac(const struct key *key, enum use use, struct slice message)
{
	uint8_t mac[MAC_SIZE];
	mac_for(key, use, message, mac);
	uint64_t n = get64(mac);
	wipe(mac, sizeof mac);
	return n;
}

static uint64_t secret_of(const struct key *key, enum use use, uint64_t a, uint64_t b, uint64_t c)
{
	char message[24];
	put64(message, a);
	put64(message + 8, b);
	put64(message + 16, c);
	return short_mac(key, use, (struct slice){ message, sizeof message });
}

uint64_t jwt_branch(const struct key *key, uint64_t sid, int64_t ctr, uint64_t idem)
{
	return secret_of(key, USE_BRANCH, sid, (uint64_t)ctr, idem);
}

uint64_t jwt_access_id(const struct key *key, uint64_t sid, int64_t ctr, int64_t iat)
{
	return secret_of(key, USE_ID, sid, (uint64_t)ctr, (uint64_t)iat);
}

uint64_t jwt_password_mark(const struct key *key, uint64_t sub, struct slice hash)
{
	char id[8];
	struct buf message = { 0 };
	put64(id, sub);
	buf_add(&message, (struct slice){ id, sizeof id });
	buf_add(&message, hash);
	return short_mac(key, USE_PASSWORD, buf_slice(&message));
}

/* The one hash of 2^64 that is 0, which means "no key", counts as 1. */
static uint64_t not_zero(uint64_t n)
{
	return n | (n == 0);
}

uint64_t jwt_idempotency(struct slice key)
{
	br_sha256_context c;
	uint8_t hash[br_sha256_SIZE];
	sha256->init(&c.vtable);
	sha256->update(&c.vtable, key.p, key.n);
	sha256->out(&c.vtable, hash);
	return not_zero(get64(hash));
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

/* ---- algorithms -------------------------------------------------------- */

/* A row of RFC 7518, 3.1. All kinds of token are signed with HS256. ES256 would be a second row, which a kind can name. */
struct algorithm {
	const char *name, *kty;
	size_t size;        /* bytes of a signature */
	void (*sign)(const struct key *key, enum use use, struct slice input, uint8_t *out);
	bool (*verify)(const struct key *key, enum use use, struct slice input, const uint8_t *signature);
	void (*write_jwk)(struct jw *w, const struct key *key, enum jwt_use use);   /* the members of this kty alone */
};

static bool hs256_verify(const struct key *key, enum use use, struct slice input, const uint8_t *signature)
{
	uint8_t mac[MAC_SIZE];
	mac_for(key, use, input, mac);
	bool same = same_bytes(signature, mac, MAC_SIZE);
	wipe(mac, sizeof mac);
	return same;
}

/* RFC 7518, 6.4 */
static void hs256_write_jwk(struct jw *w, const struct key *key, enum jwt_use use)
{
	uint8_t derived[KEY_SIZE];
	struct buf k = { 0 };
	jwt_derive(key, use, derived);
	base64url_add(&k, (struct slice){ (const char *)derived, KEY_SIZE });
	jw_plain(jw_name(w, "k"), buf_slice(&k));
	wipe(derived, sizeof derived);
	wipe(k.p, k.n);
}

static const struct algorithm hs256 = { "HS256", "oct", MAC_SIZE, mac_for, hs256_verify, hs256_write_jwk };

/* ---- claims ------------------------------------------------------------ */

enum claim_type { TEXT, LIST, ID, NUMBER };

struct claim {
	const char *name;
	enum claim_type type;
	size_t at;          /* where in the struct: struct slice (of a LIST: its texts between commas), uint64_t, int64_t */
	int64_t min;        /* of a NUMBER */
	bool optional;      /* a TEXT or LIST that is written where it isn't empty; such rows come after the others */
};

static const int64_t NUMBER_MAX = ((int64_t)1 << 53) - 1;

#define CLAIM(kind, member, type, min) { #member, type, offsetof(struct kind##_claims, member), min, false }
#define OPTIONAL(kind, member, type) { #member, type, offsetof(struct kind##_claims, member), 0, true }

static const struct claim access_claim[] = {
	CLAIM(access, iss, TEXT, 0),
	CLAIM(access, sub, ID, 0),
	CLAIM(access, aud, TEXT, 0),
	CLAIM(access, sid, ID, 0),
	CLAIM(access, iat, NUMBER, 0),
	CLAIM(access, exp, NUMBER, 0),
	CLAIM(access, jti, ID, 0),
	CLAIM(access, name, TEXT, 0),
	OPTIONAL(access, client_id, TEXT),
	OPTIONAL(access, scope, TEXT),
	OPTIONAL(access, groups, LIST),
	OPTIONAL(access, email, TEXT),
	OPTIONAL(access, display_name, TEXT),
};

/* Frozen: see above. */
static const struct claim refresh_claim[] = {
	CLAIM(refresh, iss, TEXT, 0),
	CLAIM(refresh, sid, ID, 0),
	CLAIM(refresh, ctr, NUMBER, 1),
	CLAIM(refresh, br, ID, 0),
	CLAIM(refresh, iat, NUMBER, 0),
	CLAIM(refresh, exp, NUMBER, 0),
};

/* Frozen too: such a token lives as long as its session. */
static const struct claim site_claim[] = {
	CLAIM(site, sid, ID, 0),
	CLAIM(site, iat, NUMBER, 0),
	CLAIM(site, door, NUMBER, 0),
};

static const struct claim link_claim[] = {
	CLAIM(link, iss, TEXT, 0),
	CLAIM(link, sub, ID, 0),
	CLAIM(link, pw, ID, 0),
	CLAIM(link, iat, NUMBER, 0),
	CLAIM(link, exp, NUMBER, 0),
};

static const struct kind {
	const char *typ;
	enum use use;
	const struct algorithm *algorithm;
	const struct claim *claim;
	int claims;
	size_t size;        /* of the struct */
} kinds[] = {
	[JWT_ACCESS] = { "at+jwt", USE_ACCESS, &hs256, access_claim, sizeof access_claim / sizeof *access_claim,
		sizeof(struct access_claims) },
	[JWT_REFRESH] = { "rt+jwt", USE_REFRESH, &hs256, refresh_claim, sizeof refresh_claim / sizeof *refresh_claim,
		sizeof(struct refresh_claims) },
	[JWT_SITE] = { "st+jwt", USE_SITE, &hs256, site_claim, sizeof site_claim / sizeof *site_claim,
		sizeof(struct site_claims) },
	[JWT_LINK] = { "ln+jwt", USE_LINK, &hs256, link_claim, sizeof link_claim / sizeof *link_claim, sizeof(struct link_claims) },
};

void jwt_derive(const struct key *key, enum jwt_use use, uint8_t out[KEY_SIZE])
{
	derive(key, kinds[use].use, out);
}

static void write_claim(struct jw *w, const struct claim *c, const void *value)
{
	const struct slice *text = value;
	if (c->optional && text->n == 0)
		return;
	jw_name(w, c->name);
	if (c->type == TEXT)
		jw_text(w, *text);
	else if (c->type == LIST)
		jw_list(w, *text);
	else if (c->type == ID)
		jw_id(w, *(const uint64_t *)value);
	else
		jw_int(w, *(const int64_t *)value);
}

static bool read_claim(const struct json *j, const struct claim *c, void *value)
{
	struct slice id;
	if (c->type == TEXT)
		return json_string(j, c->name, value) == JSON_FOUND;
	if (c->type == LIST)
		return json_list(j, c->name, value) == JSON_FOUND;
	if (c->type == ID)
		return json_string(j, c->name, &id) == JSON_FOUND && parse_id(id, value);
	return json_int(j, c->name, c->min, NUMBER_MAX, value) == JSON_FOUND;
}

/* The texts of a LIST have a mark each. */
static int marks_of(const struct claim *c, const void *value)
{
	struct slice texts = c->type == LIST ? *(const struct slice *)value : SLICE_NONE;
	int marks = 2;
	for (; texts.n; marks++)
		slice_cut(&texts, ',');
	return marks;
}

/*
 * The claims of the kind and no others. Each claim that was found has two marks, its name and its value, and those of a list's
 * texts; names are unique. So if there are more marks, the payload has a claim that we don't know.
 */
static bool read_claims(struct slice payload, const struct kind *kind, void *out)
{
	struct json j;
	int marks = 1;
	if (json_read(payload, &j) != JSON_VALID)
		return false;
	for (int i = 0; i < kind->claims; i++) {
		const struct claim *c = &kind->claim[i];
		void *value = (char *)out + c->at;
		if (!(c->optional && j.marks == marks) && read_claim(&j, c, value))
			marks += marks_of(c, value);
		else if (!c->optional)
			return false;
	}
	return j.marks == marks;
}

/* Cuts `text` off the beginning; false: it doesn't begin so. */
static bool cut_off(struct slice *rest, struct slice text)
{
	if (!slice_starts(*rest, text))
		return false;
	*rest = slice_from(*rest, text.n);
	return true;
}

static bool cut_number(struct slice *rest, int64_t min, int64_t *out)
{
	struct slice digits = { rest->p, 0 };
	while (digits.n < rest->n && is_digit(rest->p[digits.n]))
		digits.n++;
	*rest = slice_from(*rest, digits.n);
	return (digits.n == 1 || !slice_starts(digits, S("0"))) && parse_number(digits, min, NUMBER_MAX, out);
}

static bool cut_string(struct slice *rest, struct slice *out)
{
	if (!cut_off(rest, S("\"")))
		return false;
	*out = slice_cut(rest, '"');
	for (size_t i = 0; i < out->n; i++)
		if ((uint8_t)out->p[i] < ' ' || out->p[i] == '\\')
			return false;
	return rest->p != NULL;
}

static bool cut_value(struct slice *rest, const struct claim *c, void *value)
{
	struct slice id;
	if (c->type == NUMBER)
		return cut_number(rest, c->min, value);
	if (c->type == ID)
		return cut_string(rest, &id) && parse_id(id, value);
	return c->type == TEXT && cut_string(rest, value);
}

/*
 * The same claims where they stand as write_claims() writes them, and no text has an escape: nearly always. It takes a tenth of
 * the instructions. False where anything is otherwise; then read_claims() says what it is.
 */
static bool read_as_written(struct slice payload, const struct kind *kind, void *out)
{
	struct slice rest = payload;
	for (int i = 0; i < kind->claims; i++) {
		const struct claim *c = &kind->claim[i];
		struct slice here = rest;
		bool there = cut_off(&rest, i ? S(",\"") : S("{\"")) && cut_off(&rest, slice_of(c->name)) && cut_off(&rest, S("\":"));
		if (!there && c->optional)
			rest = here;
		else if (!there || !cut_value(&rest, c, (char *)out + c->at))
			return false;
	}
	return slice_is(rest, S("}")) && slice_is_utf8(payload);
}

/* ---- tokens ------------------------------------------------------------ */

enum { HEADER_ROOM = 96 };      /* letters: one has 63 */

static void write_header(struct buf *b, const struct key *key, enum jwt_use use)
{
	struct buf header = { 0 };
	struct jw w = { .out = &header };
	jw_open(&w, '{');
	jw_plain(jw_name(&w, "alg"), slice_of(kinds[use].algorithm->name));
	jw_plain(jw_name(&w, "typ"), slice_of(kinds[use].typ));
	jw_plain(jw_name(&w, "kid"), slice_of(key->kid));
	jw_close(&w);
	base64url_add(b, buf_slice(&header));
}

/* That of the key that was used last is kept, for each kind. */
static void add_header(struct buf *b, const struct key *key, enum jwt_use use)
{
	static struct { char kid[KID_LENGTH + 1], text[HEADER_ROOM]; size_t n; } made_last[sizeof kinds / sizeof *kinds];
	if (memcmp(made_last[use].kid, key->kid, KID_LENGTH) != 0 || made_last[use].n == 0) {
		struct buf text = { 0 };
		write_header(&text, key, use);
		made_last[use].n = text.n;
		memcpy(made_last[use].kid, key->kid, KID_LENGTH);
		memcpy(made_last[use].text, text.p, text.n);
	}
	buf_add(b, (struct slice){ made_last[use].text, made_last[use].n });
}

/* The place in the ring of the key that writes this first segment, or count. */
static size_t signer_of(struct slice segment, const struct keyring *ring, enum jwt_use use)
{
	size_t i;
	for (i = 0; i < ring->count; i++) {
		struct buf ours = { 0 };
		add_header(&ours, &ring->key[i], use);
		if (slice_is(segment, buf_slice(&ours)))
			break;
	}
	return i;
}

struct parts {
	struct slice header;    /* as it stands */
	struct slice input;     /* what the signature covers: RFC 7515, 5.1 */
	struct slice payload, signature;
};

static bool split(struct slice token, struct parts *out)
{
	struct slice rest = token, header_bytes;
	if (token.n > LIMIT_JWT)
		return false;
	out->header = slice_cut(&rest, '.');
	struct slice payload = slice_cut(&rest, '.');
	if (!rest.p)
		return false;
	out->input = (struct slice){ token.p, (size_t)(rest.p - token.p) - 1 };
	/* A fourth segment would begin with a dot, which isn't base64url. */
	return base64url_read(out->header, &header_bytes) && base64url_read(payload, &out->payload) &&
		base64url_read(rest, &out->signature);
}

static bool mac_matches(const struct parts *parts, const struct key *key, enum jwt_use use)
{
	const struct kind *kind = &kinds[use];
	return parts->signature.n == kind->algorithm->size
		&& kind->algorithm->verify(key, kind->use, parts->input, (const uint8_t *)parts->signature.p);
}

static enum jwt_verdict open_token(struct slice token, const struct keyring *ring, enum jwt_use use, void *out,
	size_t *signer)
{
	struct parts parts;
	if (!split(token, &parts))
		return JWT_MALFORMED;
	size_t i = signer_of(parts.header, ring, use);
	if (i == ring->count)
		return JWT_FOREIGN;
	if (!mac_matches(&parts, &ring->key[i], use))
		return JWT_FORGED;
	void *claims = arena(kinds[use].size);
	if (!read_as_written(parts.payload, &kinds[use], claims) && !read_claims(parts.payload, &kinds[use], claims))
		return JWT_CLAIMS;
	memcpy(out, claims, kinds[use].size);
	if (signer)
		*signer = i;
	return JWT_VALID;
}

enum jwt_verdict jwt_open_access(struct slice token, const struct keyring *ring, struct access_claims *out,
	size_t *signer)
{
	return open_token(token, ring, JWT_ACCESS, out, signer);
}

enum jwt_verdict jwt_open_refresh(struct slice token, const struct keyring *ring, struct refresh_claims *out,
	size_t *signer)
{
	return open_token(token, ring, JWT_REFRESH, out, signer);
}

enum jwt_verdict jwt_open_site(struct slice token, const struct keyring *ring, struct site_claims *out, size_t *signer)
{
	return open_token(token, ring, JWT_SITE, out, signer);
}

enum jwt_verdict jwt_open_link(struct slice token, const struct keyring *ring, struct link_claims *out, size_t *signer)
{
	return open_token(token, ring, JWT_LINK, out, signer);
}

static struct slice write_claims(const struct kind *kind, const void *claims)
{
	struct buf b = { 0 };
	struct jw w = { .out = &b };
	jw_open(&w, '{');
	for (int i = 0; i < kind->claims; i++)
		write_claim(&w, &kind->claim[i], (const char *)claims + kind->claim[i].at);
	jw_close(&w);
	return buf_slice(&b);
}

/* header "." payload "." signature, where the payload may be any bytes. */
static struct slice seal(const struct key *key, enum jwt_use use, struct slice payload)
{
	const struct kind *kind = &kinds[use];
	struct buf token = { 0 };
	uint8_t signature[MAC_SIZE];
	add_header(&token, key, use);
	buf_c(&token, '.');
	base64url_add(&token, payload);
	kind->algorithm->sign(key, kind->use, buf_slice(&token), signature);
	buf_c(&token, '.');
	base64url_add(&token, (struct slice){ (const char *)signature, kind->algorithm->size });
	/* We would refuse this token when it comes back, and the session would be lost. So no token is made. */
	if (token.n > LIMIT_JWT)
		fail(ERROR_INTERNAL, "JW1", "a token over ", dec(LIMIT_JWT), " bytes: issuer or audience too long", NULL);
	return buf_slice(&token);
}

struct slice jwt_seal_access(const struct key *key, const struct access_claims *claims)
{
	return seal(key, JWT_ACCESS, write_claims(&kinds[JWT_ACCESS], claims));
}

struct slice jwt_seal_refresh(const struct key *key, const struct refresh_claims *claims)
{
	return seal(key, JWT_REFRESH, write_claims(&kinds[JWT_REFRESH], claims));
}

struct slice jwt_seal_site(const struct key *key, const struct site_claims *claims)
{
	return seal(key, JWT_SITE, write_claims(&kinds[JWT_SITE], claims));
}

struct slice jwt_seal_link(const struct key *key, const struct link_claims *claims)
{
	return seal(key, JWT_LINK, write_claims(&kinds[JWT_LINK], claims));
}

void jwt_write_jwk(struct jw *w, const struct key *key, enum jwt_use use)
{
	const struct kind *kind = &kinds[use];
	jw_open(w, '{');
	jw_plain(jw_name(w, "kty"), slice_of(kind->algorithm->kty));
	jw_plain(jw_name(w, "use"), S("sig"));
	jw_plain(jw_name(w, "alg"), slice_of(kind->algorithm->name));
	jw_plain(jw_name(w, "kid"), slice_of(key->kid));
	kind->algorithm->write_jwk(w, key, use);
	jw_close(w);
}

const char *jwt_verdict_word(enum jwt_verdict v)
{
	static const char *const words[] = {
		[JWT_VALID] = "valid",
		[JWT_MALFORMED] = "malformed",
		[JWT_FOREIGN] = "foreign",
		[JWT_FORGED] = "forged",
		[JWT_CLAIMS] = "claims",
	};
	return words[v];
}
