/*
 * dpop: see dpop.h.
 */
#include "dpop.h"

#include "base/base64.h"
#include "derive.h"
#include "json.h"
#include "signature.h"

enum {
	COORDINATE = SIGNATURE_ES256_KEY / 2,   /* bytes of x, and of y */
	NUMBER = 8                              /* bytes of a nonce's number, and of its MAC */
};

/* ---- the header (RFC 9449, 4.2) ----------------------------------------- */

static bool read_json(struct slice letters, struct json *out)
{
	struct slice text;
	return base64url_read(letters, &text) && json_read(text, out) == JSON_VALID && json_is_object(out);
}

static bool has_text(const struct json *j, const char *name, const char *want)
{
	struct slice text;
	return json_string(j, name, &text) == JSON_FOUND && slice_is(text, slice_of(want));
}

static bool has_any(const struct json *j, const char *name)
{
	struct slice any;
	return json_raw(j, name, &any) == JSON_FOUND;
}

/* x or y: its letters, which are the only ones for these bytes, and its bytes. */
static bool read_coordinate(const struct json *jwk, const char *name, struct slice *letters, struct buf *key)
{
	struct slice bytes;
	if (json_string(jwk, name, letters) != JSON_FOUND || !base64url_read(*letters, &bytes) || bytes.n != COORDINATE)
		return false;
	buf_add(key, bytes);
	return true;
}

/* RFC 7638, 3.2: the members that the key must have, in the order of their names, without a space. */
static struct slice thumbprint_of(struct slice x, struct slice y)
{
	uint8_t *hash = arena(DPOP_THUMBPRINT);
	const char *text = text_join("{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"", slice_text(x), "\",\"y\":\"", slice_text(y), "\"}", NULL);
	derive_sha256(slice_of(text), hash);
	return (struct slice){ (const char *)hash, DPOP_THUMBPRINT };
}

/* A key that shows its private part is anybody's. */
static bool read_key(const struct json *header, struct proof *out)
{
	struct json jwk;
	struct slice text, x, y;
	struct buf key = { 0 };
	if (json_raw(header, "jwk", &text) != JSON_FOUND || json_read(text, &jwk) != JSON_VALID || !json_is_object(&jwk))
		return false;
	if (!has_text(&jwk, "kty", "EC") || !has_text(&jwk, "crv", "P-256") || has_any(&jwk, "d"))
		return false;
	if (!read_coordinate(&jwk, "x", &x, &key) || !read_coordinate(&jwk, "y", &y, &key))
		return false;
	out->key = buf_slice(&key);
	out->thumbprint = thumbprint_of(x, y);
	return true;
}

/* No extension is known here, so none may be critical (RFC 7515, 4.1.11). */
static bool read_header(struct slice letters, struct proof *out)
{
	struct json header;
	return read_json(letters, &header) && has_text(&header, "typ", "dpop+jwt") && has_text(&header, "alg", "ES256") && !has_any(&header, "crit")
		&& read_key(&header, out);
}

/* ---- the request --------------------------------------------------------- */

struct url {
	struct slice scheme, host, path;        /* host: with its port, unless that is the scheme's own */
};

static struct slice without_end(struct slice s, struct slice end)
{
	bool has = s.n > end.n && slice_is(slice_from(s, s.n - end.n), end);
	return has ? (struct slice){ s.p, s.n - end.n } : s;
}

/* Without query and fragment (RFC 9449, 4.2). */
static bool split_url(struct slice text, struct url *out)
{
	struct slice rest = text;
	text = slice_cut(&rest, '#');
	rest = text;
	out->path = slice_cut(&rest, '?');
	out->scheme = slice_cut(&out->path, ':');
	if (!slice_starts(out->path, S("//")))
		return false;
	out->path = slice_from(out->path, 2);
	out->host = slice_cut(&out->path, '/');
	return true;
}

/* Of scheme and host the case doesn't count, nor whether the scheme's own port is there (RFC 3986, 6.2.2.1 and 6.2.3). */
static bool is_same_url(struct slice text, struct slice want)
{
	struct url a, b;
	bool any_scheme = slice_starts(want, S("//"));
	if (!split_url(text, &a) || !split_url(any_scheme ? slice_of(text_join(slice_text(a.scheme), ":", slice_text(want), NULL)) : want, &b))
		return false;
	struct slice port = slice_is_nocase(a.scheme, S("https")) ? S(":443") : S(":80");
	return slice_is_nocase(a.scheme, b.scheme) && slice_is_nocase(without_end(a.host, port), without_end(b.host, port))
		&& slice_is(a.path, b.path);
}

/* ---- the nonce ----------------------------------------------------------- */

static void put_mark(const struct key *key, const char number[NUMBER], char out[NUMBER])
{
	derive_put64(out, derive_mark(key, DERIVE_NONCE, (struct slice){ number, NUMBER }));
}

struct slice dpop_nonce(const struct key *key, int64_t time)
{
	char bytes[2 * NUMBER];
	struct buf letters = { 0 };
	derive_put64(bytes, (uint64_t)(time / DPOP_SECONDS));
	put_mark(key, bytes, bytes + NUMBER);
	base64url_add(&letters, (struct slice){ bytes, sizeof bytes });
	return buf_slice(&letters);
}

static bool is_ours(struct slice nonce, const struct keyring *ring)
{
	char mark[NUMBER];
	bool ours = false;
	for (size_t i = 0; i < ring->count; i++) {
		put_mark(&ring->key[i], nonce.p, mark);
		ours |= same_bytes(mark, nonce.p + NUMBER, NUMBER);
	}
	return ours;
}

static bool is_fresh(struct slice letters, const struct keyring *ring, int64_t time)
{
	struct slice nonce;
	if (!base64url_read(letters, &nonce) || nonce.n != 2 * NUMBER || !is_ours(nonce, ring))
		return false;
	int64_t age = time / DPOP_SECONDS - (int64_t)derive_get64((const uint8_t *)nonce.p);
	return age >= -1 && age <= 1;
}

/* ---- a proof ------------------------------------------------------------- */

/* A number, whatever its size: RFC 7519, 2, has fractions of a second, too. */
static bool has_number(const struct json *j, const char *name)
{
	struct slice text;
	return json_raw(j, name, &text) == JSON_FOUND && (is_digit(*text.p) || *text.p == '-');
}

static enum error judge_claims(struct slice letters, struct slice url, const struct keyring *ring, int64_t time)
{
	struct json claims;
	struct slice htu, jti, nonce;
	if (!read_json(letters, &claims) || !has_text(&claims, "htm", "POST") || json_string(&claims, "htu", &htu) != JSON_FOUND || !is_same_url(htu, url)
		|| !has_number(&claims, "iat") || json_string(&claims, "jti", &jti) != JSON_FOUND)
		return ERROR_INVALID_DPOP_PROOF;
	enum json_found found = json_string(&claims, "nonce", &nonce);
	if (found == JSON_WRONG_TYPE)
		return ERROR_INVALID_DPOP_PROOF;
	return found == JSON_FOUND && is_fresh(nonce, ring, time) ? ERROR_NONE : ERROR_USE_DPOP_NONCE;
}

enum error dpop_read(struct slice text, struct slice url, const struct keyring *ring, int64_t time, struct proof *out)
{
	struct slice rest = text, header = slice_cut(&rest, '.'), claims = slice_cut(&rest, '.');
	if (text.n > DPOP_PROOF || !rest.p || !base64url_read(rest, &out->signature) || out->signature.n != SIGNATURE_ES256_JWS || !read_header(header, out))
		return ERROR_INVALID_DPOP_PROOF;
	out->input = (struct slice){ text.p, header.n + 1 + claims.n };
	return judge_claims(claims, url, ring, time);
}

bool dpop_signed(const struct proof *p)
{
	return signature_is_good_jws(p->key, p->input, p->signature);
}
