/*
 * What anybody may show as a proof of possession (RFC 9449). The first byte says what the rest is:
 *
 *	p  the header DPoP: what is taken has three parts, and what is to be signed is the first two
 *	h  the text of its JOSE header, beside claims that are good: taken if and only if json_reference.h finds the members that it must have
 *	c  the text of its claims, beside a header that is good: the same; %N in it is a nonce of now, %O one of long ago
 *	u  a URL in `htu`: taken if and only if a second reading takes it for ours
 *	n  the nonce, as bytes: taken if and only if it is one of ours, of this interval or its neighbours
 */
#include "fuzz.h"
#include "base/base64.h"
#include "derive.h"
#include "dpop.h"
#include "json_reference.h"
#include "jwt.h"

#include <string.h>

const bool fuzz_starves = true;

enum { TIME = 1790000000 };
#define URL "https://a.example/auth/refresh"
#define SIXTYFOUR "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define X "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define HEADER "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" X "\"}}"

static struct keyring ring;

void fuzz_start(void)
{
	struct key key = { .created_at = 1, .master = { 7 } };
	jwt_name_key(&key);
	keyring_add(&ring, &key);
}

static const char *letters_of(struct slice bytes)
{
	struct buf b = { 0 };
	base64url_add(&b, bytes);
	return slice_text(buf_slice(&b));
}

static const char *nonce_of(int64_t time)
{
	return slice_text(dpop_nonce(&ring.key[0], time));
}

/* A proof of these two texts, with whatever signature. */
static enum error reads(struct slice header, struct slice claims, struct proof *out)
{
	const char *text = text_join(letters_of(header), ".", letters_of(claims), "." SIXTYFOUR, NULL);
	enum error e = dpop_read(slice_of(text), S(URL), &ring, TIME, out);
	HOLDS(e == ERROR_NONE || e == ERROR_INVALID_DPOP_PROOF || e == ERROR_USE_DPOP_NONCE);
	HOLDS(strlen(text) <= DPOP_PROOF || e == ERROR_INVALID_DPOP_PROOF);
	return strlen(text) > DPOP_PROOF ? ERROR__MAX : e;
}

/* ---- a second reading ----------------------------------------------------- */

static const struct reference_member *member(const struct reference *r, const char *name)
{
	for (size_t i = 0; i < r->members; i++)
		if (slice_is(r->member[i].name, slice_of(name)) && r->member[i].kind != 'n')
			return &r->member[i];
	return NULL;
}

static bool is_text(const struct reference *r, const char *name, const char *text)
{
	const struct reference_member *m = member(r, name);
	return m && m->kind == '"' && slice_is(m->bytes, slice_of(text));
}

/* 43 letters of base64url, of which the last has two bits to spare. */
static bool is_coordinate(const struct reference *r, const char *name)
{
	const struct reference_member *m = member(r, name);
	return m && m->kind == '"' && m->bytes.n == 43 && slice_made_of(m->bytes, "-_") && strchr("AEIMQUYcgkosw048", m->bytes.p[42]);
}

static bool is_header(struct slice text)
{
	static struct reference r, jwk;
	reference_read(text, &r);
	if (r.verdict != JSON_VALID || r.kind != '{' || !is_text(&r, "typ", "dpop+jwt") || !is_text(&r, "alg", "ES256") || member(&r, "crit"))
		return false;
	const struct reference_member *m = member(&r, "jwk");
	if (!m || m->kind != '{')
		return false;
	reference_read(m->text, &jwk);
	return jwk.verdict == JSON_VALID && is_text(&jwk, "kty", "EC") && is_text(&jwk, "crv", "P-256") && !member(&jwk, "d") && is_coordinate(&jwk, "x")
		&& is_coordinate(&jwk, "y");
}

/* In small letters up to the path; without what follows it, and without the port. */
static bool is_our_url(struct slice url)
{
	char whole[64] = { 0 };
	size_t n = 0, slashes = 0;
	for (; n < url.n && url.p[n] != '?' && url.p[n] != '#'; n++)
		if (n == sizeof whole - 1)
			return false;
	for (size_t i = 0; i < n; i++) {
		slashes += url.p[i] == '/';
		whole[i] = slashes < 3 && url.p[i] >= 'A' && url.p[i] <= 'Z' ? (char)(url.p[i] + 32) : url.p[i];
	}
	return n == strlen(whole) && (strcmp(whole, URL) == 0 || strcmp(whole, "https://a.example:443/auth/refresh") == 0);
}

static enum error judge(struct slice text)
{
	static struct reference r;
	reference_read(text, &r);
	const struct reference_member *htu = member(&r, "htu"), *iat = member(&r, "iat"), *jti = member(&r, "jti"), *nonce = member(&r, "nonce");
	bool all = r.verdict == JSON_VALID && r.kind == '{' && is_text(&r, "htm", "POST") && htu && htu->kind == '"' && is_our_url(htu->bytes)
		&& iat && iat->kind == '0' && jti && jti->kind == '"' && !(nonce && nonce->kind != '"');
	if (!all)
		return ERROR_INVALID_DPOP_PROOF;
	for (int64_t near = -1; near <= 1; near++)
		if (nonce && slice_is(nonce->bytes, slice_of(nonce_of(TIME + near * DPOP_SECONDS))))
			return ERROR_NONE;
	return ERROR_USE_DPOP_NONCE;
}

/* ---- the inputs ----------------------------------------------------------- */

static const char *claims_with(const char *htu, const char *nonce)
{
	struct buf b = { 0 };
	json_quote(&b, slice_of(htu));
	return text_join("{\"htm\":\"POST\",\"htu\":", slice_text(buf_slice(&b)), ",\"iat\":1,\"jti\":\"\",\"nonce\":\"", nonce, "\"}", NULL);
}

static void proof_holds(struct slice text)
{
	struct proof p;
	enum error e = dpop_read(text, S(URL), &ring, TIME, &p);
	HOLDS(e == ERROR_NONE || e == ERROR_INVALID_DPOP_PROOF || e == ERROR_USE_DPOP_NONCE);
	if (e == ERROR_INVALID_DPOP_PROOF)
		return;
	touch(p.key);
	HOLDS(text.n <= DPOP_PROOF && p.key.n == 64 && p.thumbprint.n == DPOP_THUMBPRINT && p.signature.n == 64);
	HOLDS(p.input.p == text.p && p.input.n == text.n - 87 && text.p[p.input.n] == '.');
}

static void header_holds(struct slice text)
{
	struct proof p;
	enum error e = reads(text, slice_of(claims_with(URL, nonce_of(TIME))), &p);
	HOLDS(e == ERROR__MAX || (e == ERROR_NONE) == is_header(text));
	if (e == ERROR_NONE)
		touch(p.key);
}

static struct slice filled(struct slice text)
{
	struct buf b = { 0 };
	for (size_t i = 0; i < text.n; i++) {
		char next = i + 1 < text.n && text.p[i] == '%' ? text.p[i + 1] : 0;
		if (next == 'N' || next == 'O')
			buf_s(&b, nonce_of(next == 'N' ? TIME : TIME - 86400));
		else
			buf_c(&b, text.p[i]);
		i += next == 'N' || next == 'O';
	}
	return buf_slice(&b);
}

static void claims_hold(struct slice text)
{
	struct proof p;
	struct slice claims = filled(text);
	enum error e = reads(S(HEADER), claims, &p);
	HOLDS(e == ERROR__MAX || e == judge(claims));
}

static void url_holds(struct slice text)
{
	struct proof p;
	if (memchr(text.p, 0, text.n) || !slice_is_utf8(text))
		return;
	enum error e = reads(S(HEADER), slice_of(claims_with(slice_text(text), nonce_of(TIME))), &p);
	HOLDS(e == ERROR__MAX || (e == ERROR_NONE) == is_our_url(text));
}

static void nonce_holds(struct slice bytes)
{
	struct proof p;
	const char *letters = letters_of(bytes);
	bool ours = false;
	for (int64_t near = -1; near <= 1; near++)
		ours |= strcmp(letters, nonce_of(TIME + near * DPOP_SECONDS)) == 0;
	enum error e = reads(S(HEADER), slice_of(claims_with(URL, letters)), &p);
	HOLDS(e == ERROR__MAX || e == (ours ? ERROR_NONE : ERROR_USE_DPOP_NONCE));
}

void fuzz_one(struct slice in)
{
	struct slice rest = slice_from(in, 1);
	if (in.n == 0)
		return;
	switch (*in.p) {
	case 'p':
		proof_holds(rest);
		break;
	case 'h':
		header_holds(rest);
		break;
	case 'c':
		claims_hold(rest);
		break;
	case 'u':
		url_holds(rest);
		break;
	case 'n':
		nonce_holds(rest);
		break;
	}
}
