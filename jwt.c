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
 * Whole numbers in claims stay below 2^53, where JSON readers with binary64
 * numbers still agree (RFC 8259, 6); ids are therefore strings.
 */
#include "jwt.h"

#include <string.h>

#include "base/base64.h"
#include "base/error.h"
#include "derive.h"
#include "json.h"
#include "sign.h"

/* ---- algorithms -------------------------------------------------------- */

/* A row of RFC 7518, 3.1. */
struct algorithm {
	const char *name, *kty;
	size_t size;        /* bytes of a signature */
	const char *suffix; /* of the master key's kid (sign.h) */
	void (*prepare)(const struct key *key, enum derive_use use, struct buf *token);  /* before it is signed; NULL: nothing */
	void (*sign)(const struct key *key, enum derive_use use, struct slice input, uint8_t *out);
	bool (*verify)(const struct key *key, enum derive_use use, struct slice input, const uint8_t *signature);
	void (*write_jwk)(struct jw *w, const struct key *key, enum jwt_use use);   /* the members of this kty alone */
};

static bool hs256_verify(const struct key *key, enum derive_use use, struct slice input, const uint8_t *signature)
{
	uint8_t mac[DERIVE_MAC];
	derive_mac(key, use, input, mac);
	bool same = same_bytes(signature, mac, DERIVE_MAC);
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
	jw_plain(w, "k", buf_slice(&k));
	wipe(derived, sizeof derived);
	wipe(k.p, k.n);
}

static const struct algorithm hs256 = { "HS256", "oct", DERIVE_MAC, "", NULL, derive_mac, hs256_verify, hs256_write_jwk };

/*
 * The payload of a token by ES256 begins with its jti: 42 bytes, which are 56 letters of base64url. So what the MAC covers is
 * the header and the letters from there on.
 */
#define MARK_BEGIN "{\"jti\":\""
enum { MARK_DIGITS = 32, MARK_BYTES = sizeof MARK_BEGIN - 1 + MARK_DIGITS + 2, MARK_LETTERS = MARK_BYTES / 3 * 4 };

static void own_mark(const struct key *key, enum derive_use use, struct slice header, struct slice rest, struct buf *out)
{
	struct buf message = { 0 };
	uint8_t mac[DERIVE_MAC];
	buf_add(&message, header);
	buf_c(&message, '.');
	buf_add(&message, rest);
	derive_mac(key, use, buf_slice(&message), mac);
	buf_s(out, MARK_BEGIN);
	buf_hex_bytes(out, mac, MARK_DIGITS / 2);
	buf_s(out, "\",");
	wipe(mac, sizeof mac);
}

static void es256_prepare(const struct key *key, enum derive_use use, struct buf *token)
{
	struct buf mark = { 0 }, letters = { 0 };
	struct slice rest = buf_slice(token), header = slice_cut(&rest, '.');
	own_mark(key, use, header, slice_from(rest, MARK_LETTERS), &mark);
	base64url_add(&letters, buf_slice(&mark));
	memcpy(token->p + header.n + 1, letters.p, MARK_LETTERS);
}

static void es256_sign(const struct key *key, enum derive_use use, struct slice input, uint8_t *out)
{
	(void)use;
	sign_es256(key, input, out);
}

/* Not the signature: jwt.h says why. */
static bool es256_verify(const struct key *key, enum derive_use use, struct slice input, const uint8_t *signature)
{
	struct buf mark = { 0 };
	struct slice rest = input, shown, header = slice_cut(&rest, '.');
	(void)signature;
	if (rest.n < MARK_LETTERS || !base64url_read((struct slice){ rest.p, MARK_LETTERS }, &shown))
		return false;
	own_mark(key, use, header, slice_from(rest, MARK_LETTERS), &mark);
	return same_bytes(shown.p, mark.p, MARK_BYTES);
}

static const struct algorithm es256 = { "ES256", "EC", SIGN_ES256_SIZE, "-e", es256_prepare, es256_sign, es256_verify, NULL };

/* ---- claims ------------------------------------------------------------ */

enum claim_type { TEXT, LIST, ID, NUMBER, MARK /* 32 digits */ };

struct claim {
	const char *text;   /* its name as it is written: a comma, the name in quotes, a colon */
	uint8_t length;
	uint8_t type;       /* enum claim_type */
	uint8_t at;         /* where in the struct: struct slice (of a LIST: its texts between commas), uint64_t, int64_t */
	uint8_t min;        /* of a NUMBER */
	bool optional;      /* a TEXT or LIST that is written where it isn't empty; such rows come after the others */
};

static const int64_t NUMBER_MAX = ((int64_t)1 << 53) - 1;

#define WRITTEN(name) ",\"" name "\":", sizeof(",\"" name "\":") - 1
#define CLAIM(kind, member, type, min) { WRITTEN(#member), type, offsetof(struct kind##_claims, member), min, false }
#define OPTIONAL(kind, member, type) { WRITTEN(#member), type, offsetof(struct kind##_claims, member), 0, true }

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

static const struct claim signed_claim[] = {
	CLAIM(access, jti, MARK, 0),
	CLAIM(access, iss, TEXT, 0),
	CLAIM(access, sub, ID, 0),
	CLAIM(access, aud, TEXT, 0),
	CLAIM(access, sid, ID, 0),
	CLAIM(access, iat, NUMBER, 0),
	CLAIM(access, exp, NUMBER, 0),
	CLAIM(access, name, TEXT, 0),
	CLAIM(access, client_id, TEXT, 0),
	CLAIM(access, scope, TEXT, 0),
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

static const struct claim code_claim[] = {
	CLAIM(code, iss, TEXT, 0),
	CLAIM(code, sid, ID, 0),
	CLAIM(code, sub, ID, 0),
	CLAIM(code, cid, TEXT, 0),
	CLAIM(code, uri, TEXT, 0),
	CLAIM(code, ch, TEXT, 0),
	CLAIM(code, scope, NUMBER, 0),
	CLAIM(code, nonce, TEXT, 0),
	CLAIM(code, at, NUMBER, 0),
	CLAIM(code, amr, NUMBER, 0),
	CLAIM(code, pw, ID, 0),
	CLAIM(code, by, ID, 0),
	CLAIM(code, sso, NUMBER, 0),
	CLAIM(code, st, NUMBER, 0),
	CLAIM(code, iat, NUMBER, 0),
	CLAIM(code, exp, NUMBER, 0),
};

static const struct claim device_claim[] = {
	CLAIM(device, iss, TEXT, 0),
	CLAIM(device, cid, TEXT, 0),
	CLAIM(device, scope, NUMBER, 0),
	CLAIM(device, uc, TEXT, 0),
	CLAIM(device, iat, NUMBER, 0),
	CLAIM(device, exp, NUMBER, 0),
};

static const struct claim enrol_claim[] = {
	CLAIM(enrol, iss, TEXT, 0),
	CLAIM(enrol, sub, ID, 0),
	CLAIM(enrol, key, TEXT, 0),
	CLAIM(enrol, amr, NUMBER, 0),
	CLAIM(enrol, pw, ID, 0),
	CLAIM(enrol, iat, NUMBER, 0),
	CLAIM(enrol, exp, NUMBER, 0),
};

static const struct claim passkey_claim[] = {
	CLAIM(passkey, iss, TEXT, 0),
	CLAIM(passkey, sid, ID, 0),
	CLAIM(passkey, sub, ID, 0),
	CLAIM(passkey, iat, NUMBER, 0),
	CLAIM(passkey, exp, NUMBER, 0),
};

static const struct kind {
	const char *typ;
	enum derive_use use;
	const struct algorithm *algorithm;
	const struct claim *claim;
	int claims;
	size_t size;        /* of the struct */
} kinds[] = {
	[JWT_ACCESS] = { "at+jwt", DERIVE_ACCESS, &hs256, access_claim, sizeof access_claim / sizeof *access_claim,
		sizeof(struct access_claims) },
	[JWT_REFRESH] = { "rt+jwt", DERIVE_REFRESH, &hs256, refresh_claim, sizeof refresh_claim / sizeof *refresh_claim,
		sizeof(struct refresh_claims) },
	[JWT_SITE] = { "st+jwt", DERIVE_SITE, &hs256, site_claim, sizeof site_claim / sizeof *site_claim,
		sizeof(struct site_claims) },
	[JWT_LINK] = { "ln+jwt", DERIVE_LINK, &hs256, link_claim, sizeof link_claim / sizeof *link_claim, sizeof(struct link_claims) },
	[JWT_CODE] = { "ac+jwt", DERIVE_CODE, &hs256, code_claim, sizeof code_claim / sizeof *code_claim, sizeof(struct code_claims) },
	[JWT_DEVICE] = { "dc+jwt", DERIVE_DEVICE, &hs256, device_claim, sizeof device_claim / sizeof *device_claim,
		sizeof(struct device_claims) },
	[JWT_ENROL] = { "te+jwt", DERIVE_ENROL, &hs256, enrol_claim, sizeof enrol_claim / sizeof *enrol_claim, sizeof(struct enrol_claims) },
	[JWT_PASSKEY] = { "pk+jwt", DERIVE_PASSKEY, &hs256, passkey_claim, sizeof passkey_claim / sizeof *passkey_claim,
		sizeof(struct passkey_claims) },
	[JWT_SIGNED] = { "at+jwt", DERIVE_OWN, &es256, signed_claim, sizeof signed_claim / sizeof *signed_claim,
		sizeof(struct access_claims) },
};

void jwt_derive(const struct key *key, enum jwt_use use, uint8_t out[KEY_SIZE])
{
	derive_key(key, kinds[use].use, out);
}

static const char no_mark[MARK_DIGITS + 1] = "00000000000000000000000000000000";   /* until es256_prepare() */

/* The first half of a MARK, as a number. That all of it is ours es256_verify() has said. */
static bool parse_mark(struct slice digits, uint64_t *out)
{
	return parse_id((struct slice){ digits.p, digits.n / 2 }, out);
}

/* The first claim of a token has no comma. */
static struct slice written(const struct claim *c, bool first)
{
	return slice_from((struct slice){ c->text, c->length }, first);
}

static void write_claim(struct jw *w, const struct claim *c, const void *value)
{
	const struct slice *text = value;
	if (c->optional && text->n == 0)
		return;
	buf_add(w->out, written(c, !w->comma));
	w->comma = false;
	if (c->type == TEXT)
		jw_text(w, NULL, *text);
	else if (c->type == LIST)
		jw_list(w, NULL, *text);
	else if (c->type == MARK)
		jw_plain(w, NULL, (struct slice){ no_mark, MARK_DIGITS });
	else if (c->type == ID)
		jw_id(w, NULL, *(const uint64_t *)value);
	else
		jw_int(w, NULL, *(const int64_t *)value);
}

static bool read_claim(const struct json *j, const struct claim *c, void *value)
{
	struct slice id;
	const char *name = slice_text((struct slice){ c->text + 2, c->length - 4u });
	if (c->type == TEXT)
		return json_string(j, name, value) == JSON_FOUND;
	if (c->type == LIST)
		return json_list(j, name, value) == JSON_FOUND;
	if (c->type == ID || c->type == MARK)
		return json_string(j, name, &id) == JSON_FOUND && (c->type == ID ? parse_id : parse_mark)(id, value);
	return json_int(j, name, c->min, NUMBER_MAX, value) == JSON_FOUND;
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
	if (c->type == ID || c->type == MARK)
		return cut_string(rest, &id) && (c->type == ID ? parse_id : parse_mark)(id, value);
	return c->type == TEXT && cut_string(rest, value);
}

/*
 * The same claims where they stand as write_claims() writes them, and no text has an escape: nearly always. It takes a tenth of
 * the instructions. False where anything is otherwise; then read_claims() says what it is.
 */
static bool read_as_written(struct slice payload, const struct kind *kind, void *out)
{
	struct slice rest = payload;
	if (!cut_off(&rest, S("{")))
		return false;
	for (int i = 0; i < kind->claims; i++) {
		const struct claim *c = &kind->claim[i];
		bool there = cut_off(&rest, written(c, i == 0));
		if (there ? !cut_value(&rest, c, (char *)out + c->at) : !c->optional)
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
	jw_plain(&w, "alg", slice_of(kinds[use].algorithm->name));
	jw_plain(&w, "typ", slice_of(kinds[use].typ));
	jw_plain(&w, "kid", slice_of(text_join(key->kid, kinds[use].algorithm->suffix, NULL)));
	jw_close(&w);
	base64url_add(b, buf_slice(&header));
}

/* That of the key that was used last is kept, for each kind. */
static struct slice header_of(const struct key *key, enum jwt_use use)
{
	static struct { char kid[KID_LENGTH + 1], text[HEADER_ROOM]; size_t n; } made_last[sizeof kinds / sizeof *kinds];
	if (memcmp(made_last[use].kid, key->kid, KID_LENGTH) != 0 || made_last[use].n == 0) {
		struct buf text = { 0 };
		write_header(&text, key, use);
		made_last[use].n = text.n;
		memcpy(made_last[use].kid, key->kid, KID_LENGTH);
		memcpy(made_last[use].text, text.p, text.n);
	}
	return (struct slice){ made_last[use].text, made_last[use].n };
}

/* The place in the ring of the key that writes this first segment, or count. */
static size_t signer_of(struct slice segment, const struct keyring *ring, enum jwt_use use)
{
	size_t i = 0;
	while (i < ring->count && !slice_is(segment, header_of(&ring->key[i], use)))
		i++;
	return i;
}

struct parts {
	struct slice header;    /* as it stands */
	struct slice input;     /* what the signature covers: RFC 7515, 5.1 */
	struct slice payload, signature;
};

static bool split(struct slice token, struct parts *out)
{
	struct slice rest = token;
	if (token.n > LIMIT_JWT)
		return false;
	out->header = slice_cut(&rest, '.');
	struct slice payload = slice_cut(&rest, '.');
	if (!rest.p)
		return false;
	out->input = (struct slice){ token.p, (size_t)(rest.p - token.p) - 1 };
	/* A fourth segment would begin with a dot, which isn't base64url. */
	return base64url_read(payload, &out->payload) && base64url_read(rest, &out->signature);
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
	struct slice ignored;
	if (!split(token, &parts))
		return JWT_MALFORMED;
	size_t i = signer_of(parts.header, ring, use);
	if (i == ring->count)
		return base64url_read(parts.header, &ignored) ? JWT_FOREIGN : JWT_MALFORMED;
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

bool jwt_is_clients(const struct access_claims *claims)
{
	return claims->client_id.n && !slice_is(claims->client_id, S("latchkey"));
}

enum jwt_verdict jwt_open_access(struct slice token, const struct keyring *ring, struct access_claims *out,
	size_t *signer)
{
	return open_token(token, ring, JWT_ACCESS, out, signer);
}

enum jwt_verdict jwt_open_signed(struct slice token, const struct keyring *ring, struct access_claims *out,
	size_t *signer)
{
	return open_token(token, ring, JWT_SIGNED, out, signer);
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

enum jwt_verdict jwt_open_code(struct slice token, const struct keyring *ring, struct code_claims *out, size_t *signer)
{
	return open_token(token, ring, JWT_CODE, out, signer);
}

enum jwt_verdict jwt_open_device(struct slice token, const struct keyring *ring, struct device_claims *out, size_t *signer)
{
	return open_token(token, ring, JWT_DEVICE, out, signer);
}

enum jwt_verdict jwt_open_enrol(struct slice token, const struct keyring *ring, struct enrol_claims *out, size_t *signer)
{
	return open_token(token, ring, JWT_ENROL, out, signer);
}

enum jwt_verdict jwt_open_passkey(struct slice token, const struct keyring *ring, struct passkey_claims *out, size_t *signer)
{
	return open_token(token, ring, JWT_PASSKEY, out, signer);
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
	uint8_t signature[SIGN_ES256_SIZE];
	buf_add(&token, header_of(key, use));
	buf_c(&token, '.');
	base64url_add(&token, payload);
	if (kind->algorithm->prepare)
		kind->algorithm->prepare(key, kind->use, &token);
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

struct slice jwt_seal_signed(const struct key *key, const struct access_claims *claims)
{
	return seal(key, JWT_SIGNED, write_claims(&kinds[JWT_SIGNED], claims));
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

struct slice jwt_seal_code(const struct key *key, const struct code_claims *claims)
{
	return seal(key, JWT_CODE, write_claims(&kinds[JWT_CODE], claims));
}

struct slice jwt_seal_device(const struct key *key, const struct device_claims *claims)
{
	return seal(key, JWT_DEVICE, write_claims(&kinds[JWT_DEVICE], claims));
}

struct slice jwt_seal_enrol(const struct key *key, const struct enrol_claims *claims)
{
	return seal(key, JWT_ENROL, write_claims(&kinds[JWT_ENROL], claims));
}

struct slice jwt_seal_passkey(const struct key *key, const struct passkey_claims *claims)
{
	return seal(key, JWT_PASSKEY, write_claims(&kinds[JWT_PASSKEY], claims));
}

void jwt_write_jwk(struct jw *w, const struct key *key, enum jwt_use use)
{
	const struct kind *kind = &kinds[use];
	if (kind->algorithm == &es256) {
		sign_write_es256(w, key);
		return;
	}
	jw_open(w, '{');
	jw_plain(w, "kty", slice_of(kind->algorithm->kty));
	jw_plain(w, "use", S("sig"));
	jw_plain(w, "alg", slice_of(kind->algorithm->name));
	jw_plain(w, "kid", slice_of(key->kid));
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
