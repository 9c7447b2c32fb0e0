/*
 * jwt: see jwt.h for what each function promises.
 *
 * One table of claims for each kind of token drives both directions, so what
 * is sealed and what is opened can't drift apart. Opening goes from cheap to
 * dear and from untrusted to trusted: length, segments, base64url, header,
 * MAC, and only then JSON. Nothing of the payload is looked at before the MAC
 * has matched, and the header is only ever compared (RFC 8725, 2.1 and 3.1).
 *
 * Keys: HKDF-SHA256 (RFC 5869) of the master key, without salt (the master
 * is uniformly random), with a label of its own for each use. What is made of
 * the key in use is kept as long as the key itself is: for this request.
 *
 * Whole numbers in claims stay below 2^53, where JSON readers with binary64
 * numbers still agree (RFC 8259, 6); ids are therefore strings.
 */
#include "jwt.h"

#include <string.h>

#include <bearssl_hash.h>
#include <bearssl_hmac.h>
#include <bearssl_kdf.h>

#include "json.h"

enum { MAC_SIZE = br_sha256_SIZE };

/* ---- base64url --------------------------------------------------------- */

/* RFC 4648, table 2 */
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64url_add(struct buf *b, struct slice bytes)
{
	uint32_t bits = 0;
	int held = 0;
	for (size_t i = 0; i < bytes.n; i++) {
		bits = bits << 8 | (uint8_t)bytes.p[i];
		for (held += 8; held >= 6; held -= 6)
			buf_c(b, alphabet[bits >> (held - 6) & 63]);
	}
	if (held)
		buf_c(b, alphabet[bits << (6 - held) & 63]);
}

/* The value of a digit, or -1. */
static int digit_value(char c)
{
	static const struct { char from, to; int8_t value; } runs[] = {
		{ 'a', 'z', 26 }, { 'A', 'Z', 0 }, { '0', '9', 52 }, { '-', '-', 62 }, { '_', '_', 63 },
	};
	for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
		if (c >= runs[i].from && c <= runs[i].to)
			return runs[i].value + (c - runs[i].from);
	return -1;
}

/*
 * Bits that no byte takes must be zero, and fewer than six: so one byte
 * string has one spelling, and no bit of a token can be flipped unseen.
 */
bool base64url_read(struct slice text, struct slice *out)
{
	uint32_t bits = 0;
	int held = 0;
	char *bytes = arena(text.n), *at = bytes;
	for (size_t i = 0; i < text.n; i++) {
		int digit = digit_value(text.p[i]);
		if (digit < 0)
			return false;
		bits = bits << 6 | (uint32_t)digit;
		held += 6;
		if (held >= 8) {
			held -= 8;
			*at++ = (char)(bits >> held & 0xff);
		}
	}
	if (held == 6 || (bits & ((1u << held) - 1)) != 0)
		return false;
	*out = (struct slice){ bytes, (size_t)(at - bytes) };
	return true;
}

/* ---- keys and MACs ----------------------------------------------------- */

/* The first two are enum jwt_use. A label never changes: every token hangs on it. */
enum { USE_BRANCH = JWT_REFRESH + 1, USE_ID, USES };
static const struct slice label_of_use[] = {
	[JWT_ACCESS] = { "latchkey access", 15 },
	[JWT_REFRESH] = { "latchkey refresh", 16 },
	[USE_BRANCH] = { "latchkey branch", 15 },
	[USE_ID] = { "latchkey id", 11 },
};

/* HKDF's two steps (RFC 5869, 2.2 and 2.3); the first is the same for every use of one key. */
static void extract(br_hkdf_context *c, struct slice salt, struct slice secret)
{
	br_hkdf_init(c, &br_sha256_vtable, salt.p, salt.n);
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
 * What was made of the master key that was used last. A refresh uses its four
 * keys five times, and making one costs more than the MAC.
 */
static struct {
	uint8_t master[KEY_SIZE];
	bool extracted, there[USES];
	br_hkdf_context secret;
	br_hmac_key_context keyed[USES];
} made;

static void derive(const struct key *key, int use, uint8_t out[KEY_SIZE])
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

void jwt_derive(const struct key *key, enum jwt_use use, uint8_t out[KEY_SIZE])
{
	derive(key, (int)use, out);
}

/* The MAC of message under the key of one use. */
static void mac_for(const struct key *key, int use, struct slice message, uint8_t out[MAC_SIZE])
{
	if (!made.there[use] || !same_bytes(made.master, key->master, KEY_SIZE)) {
		uint8_t derived[KEY_SIZE];
		derive(key, use, derived);
		br_hmac_key_init(&made.keyed[use], &br_sha256_vtable, derived, KEY_SIZE);
		made.there[use] = true;
		wipe(derived, sizeof derived);
	}
	hmac(&made.keyed[use], message, out);
}

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

/* 64 bits that only the holder of the key can name: a MAC of three numbers. */
static uint64_t secret_of(const struct key *key, int use, uint64_t a, uint64_t b, uint64_t c)
{
	char message[24];
	uint8_t mac[MAC_SIZE];
	put64(message, a);
	put64(message + 8, b);
	put64(message + 16, c);
	mac_for(key, use, (struct slice){ message, sizeof message }, mac);
	uint64_t n = get64(mac);
	wipe(mac, sizeof mac);
	return n;
}

uint64_t jwt_branch(const struct key *key, uint64_t sid, int64_t ctr, uint64_t idem)
{
	return secret_of(key, USE_BRANCH, sid, (uint64_t)ctr, idem);
}

uint64_t jwt_access_id(const struct key *key, uint64_t sid, int64_t ctr, int64_t iat)
{
	return secret_of(key, USE_ID, sid, (uint64_t)ctr, (uint64_t)iat);
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
	br_sha256_init(&c);
	br_sha256_update(&c, key.p, key.n);
	br_sha256_out(&c, hash);
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
		struct buf b = { 0 };
		buf_s(&b, "latchkey.key: what stands under ");
		buf_s(&b, ring->key[i].kid);
		buf_s(&b, " isn't that key: the file was changed, restore it");
		return slice_text(buf_slice(&b));
	}
	return NULL;
}

/* ---- claims ------------------------------------------------------------ */

enum claim_type { TEXT, ID, NUMBER };

struct claim {
	const char *name;
	enum claim_type type;
	size_t at;          /* where in the struct: struct slice, uint64_t, int64_t */
	int64_t min;        /* of a NUMBER */
};

static const int64_t NUMBER_MAX = ((int64_t)1 << 53) - 1;

#define CLAIM(kind, member, type, min) { #member, type, offsetof(struct kind##_claims, member), min }

static const struct claim access_claim[] = {
	CLAIM(access, iss, TEXT, 0),
	CLAIM(access, sub, ID, 0),
	CLAIM(access, aud, TEXT, 0),
	CLAIM(access, sid, ID, 0),
	CLAIM(access, iat, NUMBER, 0),
	CLAIM(access, exp, NUMBER, 0),
	CLAIM(access, jti, ID, 0),
	CLAIM(access, name, TEXT, 0),
};

static const struct claim refresh_claim[] = {
	CLAIM(refresh, iss, TEXT, 0),
	CLAIM(refresh, sid, ID, 0),
	CLAIM(refresh, ctr, NUMBER, 1),
	CLAIM(refresh, br, ID, 0),
	CLAIM(refresh, iat, NUMBER, 0),
	CLAIM(refresh, exp, NUMBER, 0),
};

static const struct kind {
	const char *typ;
	const struct claim *claim;
	int claims;
	size_t size;        /* of the struct */
} kinds[] = {
	[JWT_ACCESS] = { "at+jwt", access_claim, sizeof access_claim / sizeof *access_claim,
		sizeof(struct access_claims) },
	[JWT_REFRESH] = { "rt+jwt", refresh_claim, sizeof refresh_claim / sizeof *refresh_claim,
		sizeof(struct refresh_claims) },
};

static void write_claim(struct buf *b, const struct claim *c, const void *value)
{
	json_quote(b, slice_of(c->name));
	buf_c(b, ':');
	if (c->type == TEXT) {
		json_quote(b, *(const struct slice *)value);
	} else if (c->type == ID) {
		buf_c(b, '"');
		buf_hex(b, *(const uint64_t *)value);
		buf_c(b, '"');
	} else {
		buf_int(b, *(const int64_t *)value);
	}
}

static bool read_claim(const struct json *j, const struct claim *c, void *value)
{
	struct slice id;
	if (c->type == TEXT)
		return json_string(j, c->name, value) == JSON_FOUND;
	if (c->type == ID)
		return json_string(j, c->name, &id) == JSON_FOUND && parse_id(id, value);
	return json_int(j, c->name, c->min, NUMBER_MAX, value) == JSON_FOUND;
}

/*
 * Exactly the claims of the kind: each was found and is a scalar, names are
 * unique, so a mark beyond one name and one value for each is an extra member.
 */
static bool read_claims(struct slice payload, const struct kind *kind, void *out)
{
	struct json j;
	if (json_read(payload, &j) != JSON_VALID || j.marks != 1 + 2 * kind->claims)
		return false;
	for (int i = 0; i < kind->claims; i++)
		if (!read_claim(&j, &kind->claim[i], (char *)out + kind->claim[i].at))
			return false;
	return true;
}

/* ---- tokens ------------------------------------------------------------ */

static void add_header(struct buf *b, const struct key *key, enum jwt_use use)
{
	struct buf header = { 0 };
	buf_s(&header, "{\"alg\":\"HS256\",\"typ\":\"");
	buf_s(&header, kinds[use].typ);
	buf_s(&header, "\",\"kid\":\"");
	buf_s(&header, key->kid);
	buf_s(&header, "\"}");
	base64url_add(b, buf_slice(&header));
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
	struct slice input;     /* what the MAC covers: RFC 7515, 5.1 */
	struct slice payload, mac;
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
	/* A fourth segment has a dot in front, which is no base64url. */
	return base64url_read(out->header, &header_bytes) && base64url_read(payload, &out->payload) &&
		base64url_read(rest, &out->mac);
}

static bool mac_matches(const struct parts *parts, const struct key *key, enum jwt_use use)
{
	uint8_t mac[MAC_SIZE];
	mac_for(key, (int)use, parts->input, mac);
	bool same = parts->mac.n == MAC_SIZE && same_bytes(parts->mac.p, mac, MAC_SIZE);
	wipe(mac, sizeof mac);
	return same;
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
	if (!read_claims(parts.payload, &kinds[use], claims))
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

static struct slice write_claims(const struct kind *kind, const void *claims)
{
	struct buf b = { 0 };
	for (int i = 0; i < kind->claims; i++) {
		buf_c(&b, i ? ',' : '{');
		write_claim(&b, &kind->claim[i], (const char *)claims + kind->claim[i].at);
	}
	buf_c(&b, '}');
	return buf_slice(&b);
}

/* header "." payload "." MAC, where the payload may be any bytes. */
static struct slice seal(const struct key *key, enum jwt_use use, struct slice payload)
{
	struct buf token = { 0 };
	uint8_t mac[MAC_SIZE];
	add_header(&token, key, use);
	buf_c(&token, '.');
	base64url_add(&token, payload);
	mac_for(key, (int)use, buf_slice(&token), mac);
	buf_c(&token, '.');
	base64url_add(&token, (struct slice){ (const char *)mac, sizeof mac });
	/* A token that we wouldn't take back is a session lost: better none at all. */
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
