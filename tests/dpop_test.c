/*
 * dpop_test: proofs of possession: each member missing, twice, of another type, with another value; each byte of the signature; the nonce; the URL.
 * And the example of RFC 9449.
 */
#include "dpop.h"

#include "jwt.h"
#include "proof.h"

#include <string.h>

enum { TIME = 1700000000 };
static struct keyring ring;
static struct prover key;
static struct proof proof;

static struct key key_of(uint8_t n)
{
	struct key k = { .created_at = 1 };
	memset(k.master, n, KEY_SIZE);
	jwt_name_key(&k);
	return k;
}

#define URL "https://auth.example/api/auth/refresh"

static enum error reads_at(const char *text, const char *url, int64_t time)
{
	return dpop_read(slice_of(text), slice_of(url), &ring, time, &proof);
}

static const char *nonce_at(int64_t time)
{
	return slice_text(dpop_nonce(&ring.key[0], time));
}

/* ---- the example of RFC 9449, 4.1, and its key's thumbprint, 6.1 ---------- */

#define EXAMPLE_INPUT "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5I" \
	"joiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0" \
	"dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ"
#define EXAMPLE_SIGNATURE "2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"

static void example(void)
{
	is_int(reads_at(EXAMPLE_INPUT "." EXAMPLE_SIGNATURE, "https://server.example.com/token", TIME), ERROR_USE_DPOP_NONCE, "it wants nothing but a nonce");
	is_str(letters_of(proof.thumbprint), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", "its key's thumbprint (RFC 7638)");
	ok(dpop_signed(&proof), "and its signature is good");
}

/* ---- the signature --------------------------------------------------------- */

static void signatures(void)
{
	const char *text = prover_proof(&key, URL, nonce_at(TIME));
	is_int(reads_at(text, URL, TIME), ERROR_NONE, "a proof");
	ok(dpop_signed(&proof), "that its key signed");
	const struct proof good = proof;
	for (size_t i = 0; i < good.signature.n; i++) {
		char *bytes = (char *)(uintptr_t)arena_copy(good.signature).p;
		bytes[i] ^= 1;
		proof.signature = (struct slice){ bytes, good.signature.n };
		ok(!dpop_signed(&proof), "byte %zu of it changed", i);
	}
	proof = good;
	proof.input.n--;
	ok(!dpop_signed(&proof), "of a text without its last byte");
	const struct prover other = prover(2);
	is_int(reads_at(text_join(slice_text(good.input), ".", strrchr(prover_proof(&other, URL, nonce_at(TIME)), '.') + 1, NULL), URL, TIME), ERROR_NONE,
		"with the signature of another key it reads as well");
	ok(!dpop_signed(&proof), "and isn't signed");
	uint8_t point[65];
	prover_point(&key, point);
	point[1] ^= 1;
	proof = good;
	proof.key = (struct slice){ (const char *)point + 1, 64 };
	ok(!dpop_signed(&proof), "a point that isn't on the curve");
	const char *at = strrchr(text, '.');
	static const char *const ends[] = { "", ".", ".AA", "." EXAMPLE_SIGNATURE "AA", "." EXAMPLE_SIGNATURE "=", "." EXAMPLE_SIGNATURE ".", "." EXAMPLE_SIGNATURE ".AA" };
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		is_int(reads_at(text_join(slice_text((struct slice){ text, (size_t)(at - text) }), ends[i], NULL), URL, TIME), ERROR_INVALID_DPOP_PROOF,
			"another end: %s", ends[i]);
	is_int(reads_at("", URL, TIME), ERROR_INVALID_DPOP_PROOF, "nothing");
	is_int(reads_at("..", URL, TIME), ERROR_INVALID_DPOP_PROOF, "next to nothing");
}

/* ---- the header ------------------------------------------------------------ */

#define TYP "\"typ\":\"dpop+jwt\""
#define ALG "\"alg\":\"ES256\""
#define KTY "\"kty\":\"EC\""
#define CRV "\"crv\":\"P-256\""

/* %x and %y: the key's; %j: all of it. */
static const char *filled(const char *text)
{
	struct buf b = { 0 };
	for (; *text; text++)
		if (*text == '%') {
			text++;
			buf_s(&b, *text == 'x' ? prover_x(&key) : *text == 'y' ? prover_y(&key) : prover_jwk(&key));
		} else {
			buf_c(&b, *text);
		}
	return slice_text(buf_slice(&b));
}

#define XY "\"x\":\"%x\",\"y\":\"%y\""
static const struct { const char *what, *header; bool good; } headers[] = {
	{ "as it should be", "{" TYP "," ALG ",\"jwk\":%j}", true },
	{ "in another order, with what nobody asked for", "{\"kid\":\"1\",\"jwk\":{\"use\":\"sig\"," XY "," CRV "," KTY ",\"alg\":\"ES256\"}," ALG "," TYP "}", true },
	{ "with spaces and escapes", " { \"t\\u0079p\" : \"dpop\\u002bjwt\" , " ALG " , \"jwk\" : %j } ", true },
	{ "no typ", "{" ALG ",\"jwk\":%j}", false },
	{ "typ twice", "{" TYP "," TYP "," ALG ",\"jwk\":%j}", false },
	{ "another typ", "{\"typ\":\"JWT\"," ALG ",\"jwk\":%j}", false },
	{ "typ in capitals", "{\"typ\":\"DPOP+JWT\"," ALG ",\"jwk\":%j}", false },
	{ "a number for typ", "{\"typ\":1," ALG ",\"jwk\":%j}", false },
	{ "no alg", "{" TYP ",\"jwk\":%j}", false },
	{ "alg twice", "{" TYP "," ALG "," ALG ",\"jwk\":%j}", false },
	{ "alg none", "{" TYP ",\"alg\":\"none\",\"jwk\":%j}", false },
	{ "RS256", "{" TYP ",\"alg\":\"RS256\",\"jwk\":%j}", false },
	{ "HS256", "{" TYP ",\"alg\":\"HS256\",\"jwk\":%j}", false },
	{ "a list for alg", "{" TYP ",\"alg\":[\"ES256\"],\"jwk\":%j}", false },
	{ "a critical extension", "{" TYP "," ALG ",\"jwk\":%j,\"crit\":[\"b64\"],\"b64\":false}", false },
	{ "no jwk", "{" TYP "," ALG "}", false },
	{ "jwk twice", "{" TYP "," ALG ",\"jwk\":%j,\"jwk\":%j}", false },
	{ "a text for jwk", "{" TYP "," ALG ",\"jwk\":\"%x\"}", false },
	{ "a list for jwk", "{" TYP "," ALG ",\"jwk\":[%j]}", false },
	{ "null for jwk", "{" TYP "," ALG ",\"jwk\":null}", false },
	{ "no kty", "{" TYP "," ALG ",\"jwk\":{" CRV "," XY "}}", false },
	{ "another kty", "{" TYP "," ALG ",\"jwk\":{\"kty\":\"OKP\"," CRV "," XY "}}", false },
	{ "kty twice", "{" TYP "," ALG ",\"jwk\":{" KTY "," KTY "," CRV "," XY "}}", false },
	{ "no crv", "{" TYP "," ALG ",\"jwk\":{" KTY "," XY "}}", false },
	{ "another crv", "{" TYP "," ALG ",\"jwk\":{" KTY ",\"crv\":\"P-384\"," XY "}}", false },
	{ "no x", "{" TYP "," ALG ",\"jwk\":{" KTY "," CRV ",\"y\":\"%y\"}}", false },
	{ "no y", "{" TYP "," ALG ",\"jwk\":{" KTY "," CRV ",\"x\":\"%x\"}}", false },
	{ "a number for x", "{" TYP "," ALG ",\"jwk\":{" KTY "," CRV ",\"x\":1,\"y\":\"%y\"}}", false },
	{ "a longer x", "{" TYP "," ALG ",\"jwk\":{" KTY "," CRV ",\"x\":\"%xAA\",\"y\":\"%y\"}}", false },
	{ "a shorter x", "{" TYP "," ALG ",\"jwk\":{" KTY "," CRV ",\"x\":\"AAAA\",\"y\":\"%y\"}}", false },
	{ "an x with padding", "{" TYP "," ALG ",\"jwk\":{" KTY "," CRV ",\"x\":\"%x=\",\"y\":\"%y\"}}", false },
	{ "a shorter y", "{" TYP "," ALG ",\"jwk\":{" KTY "," CRV ",\"x\":\"%x\",\"y\":\"\"}}", false },
	{ "the private part, too", "{" TYP "," ALG ",\"jwk\":{" KTY "," CRV "," XY ",\"d\":\"%x\"}}", false },
	{ "whatever stands for it", "{" TYP "," ALG ",\"jwk\":{" KTY "," CRV "," XY ",\"d\":1}}", false },
	{ "no object", "[" TYP "]", false },
	{ "no JSON", "{" TYP "," ALG ",\"jwk\":%j,}", false },
};

static void each_header(void)
{
	const char *claims = text_join("{\"htm\":\"POST\",\"htu\":\"" URL "\",\"iat\":1,\"jti\":\"a\",\"nonce\":\"", nonce_at(TIME), "\"}", NULL);
	struct slice thumbprint = SLICE_NONE;
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		const char *text = prover_sign(&key, filled(headers[i].header), claims);
		is_int(reads_at(text, URL, TIME), headers[i].good ? ERROR_NONE : ERROR_INVALID_DPOP_PROOF, "header: %s", headers[i].what);
		ok(!headers[i].good || dpop_signed(&proof), "and signed");
		ok(!headers[i].good || thumbprint.p == NULL || slice_is(thumbprint, proof.thumbprint), "whatever it looks like, the key is the same");
		thumbprint = headers[i].good ? proof.thumbprint : thumbprint;
	}
}

/* ---- the claims ------------------------------------------------------------ */

#define HTM "\"htm\":\"POST\""
#define HTU "\"htu\":\"" URL "\""
#define IAT "\"iat\":1"
#define JTI "\"jti\":\"a\""

/* With a nonce behind it that is good, where the text ends with a comma. */
static const struct { const char *what, *claims; enum error e; } claims[] = {
	{ "as they should be", "{" HTM "," HTU "," IAT "," JTI ",", ERROR_NONE },
	{ "years ahead, with a fraction", "{" HTM "," HTU ",\"iat\":4000000000.5," JTI ",", ERROR_NONE },
	{ "before 1970", "{" HTM "," HTU ",\"iat\":-1," JTI ",", ERROR_NONE },
	{ "with what nobody asked for", "{\"ath\":\"x\"," HTM "," HTU "," IAT "," JTI ",", ERROR_NONE },
	{ "an empty jti", "{" HTM "," HTU "," IAT ",\"jti\":\"\",", ERROR_NONE },
	{ "no nonce", "{" HTM "," HTU "," IAT "," JTI "}", ERROR_USE_DPOP_NONCE },
	{ "null for a nonce", "{" HTM "," HTU "," IAT "," JTI ",\"nonce\":null}", ERROR_USE_DPOP_NONCE },
	{ "an empty nonce", "{" HTM "," HTU "," IAT "," JTI ",\"nonce\":\"\"}", ERROR_USE_DPOP_NONCE },
	{ "a nonce that is none", "{" HTM "," HTU "," IAT "," JTI ",\"nonce\":\"AAAAAAAAAAAAAAAAAAAAAA\"}", ERROR_USE_DPOP_NONCE },
	{ "one with another letter", "{" HTM "," HTU "," IAT "," JTI ",\"nonce\":\"AAAAAAAAAAAAAAAAAAAAA*\"}", ERROR_USE_DPOP_NONCE },
	{ "a number for a nonce", "{" HTM "," HTU "," IAT "," JTI ",\"nonce\":1}", ERROR_INVALID_DPOP_PROOF },
	{ "a nonce twice", "{" HTM "," HTU "," IAT "," JTI ",\"nonce\":\"\",", ERROR_INVALID_DPOP_PROOF },
	{ "no htm", "{" HTU "," IAT "," JTI ",", ERROR_INVALID_DPOP_PROOF },
	{ "another htm", "{\"htm\":\"GET\"," HTU "," IAT "," JTI ",", ERROR_INVALID_DPOP_PROOF },
	{ "htm in small letters", "{\"htm\":\"post\"," HTU "," IAT "," JTI ",", ERROR_INVALID_DPOP_PROOF },
	{ "a list for htm", "{\"htm\":[]," HTU "," IAT "," JTI ",", ERROR_INVALID_DPOP_PROOF },
	{ "htm twice", "{" HTM "," HTM "," HTU "," IAT "," JTI ",", ERROR_INVALID_DPOP_PROOF },
	{ "no htu", "{" HTM "," IAT "," JTI ",", ERROR_INVALID_DPOP_PROOF },
	{ "a number for htu", "{" HTM ",\"htu\":1," IAT "," JTI ",", ERROR_INVALID_DPOP_PROOF },
	{ "no iat", "{" HTM "," HTU "," JTI ",", ERROR_INVALID_DPOP_PROOF },
	{ "a text for iat", "{" HTM "," HTU ",\"iat\":\"1\"," JTI ",", ERROR_INVALID_DPOP_PROOF },
	{ "true for iat", "{" HTM "," HTU ",\"iat\":true," JTI ",", ERROR_INVALID_DPOP_PROOF },
	{ "no jti", "{" HTM "," HTU "," IAT ",", ERROR_INVALID_DPOP_PROOF },
	{ "a number for jti", "{" HTM "," HTU "," IAT ",\"jti\":1,", ERROR_INVALID_DPOP_PROOF },
	{ "no object", "[1]", ERROR_INVALID_DPOP_PROOF },
	{ "no JSON", "{" HTM, ERROR_INVALID_DPOP_PROOF },
};

static void each_claim(void)
{
	const char *header = filled(headers[0].header);
	for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
		const char *text = claims[i].claims;
		if (text[strlen(text) - 1] == ',')
			text = text_join(text, "\"nonce\":\"", nonce_at(TIME), "\"}", NULL);
		is_int(reads_at(prover_sign(&key, header, text), URL, TIME), claims[i].e, "claims: %s", claims[i].what);
	}
}

/* Up to 1 KiB; how long it gets by a jti of so many letters is seen by trying. */
static size_t reads_with(int fill, enum error *e)
{
	char jti[DPOP_PROOF + 1] = { 0 };
	memset(jti, 'a', (size_t)fill);
	const char *text = prover_sign(&key, filled(headers[0].header),
		text_join("{" HTM "," HTU "," IAT ",\"jti\":\"", jti, "\",\"nonce\":\"", nonce_at(TIME), "\"}", NULL));
	*e = reads_at(text, URL, TIME);
	return strlen(text);
}

static void sizes(void)
{
	size_t n = 0, longest = 0;
	enum error e = ERROR_NONE;
	int wrong = 0;
	for (int fill = 300; n <= DPOP_PROOF + 8; fill++) {
		size_t mark = arena_mark();
		n = reads_with(fill, &e);
		wrong += e != (n > DPOP_PROOF ? ERROR_INVALID_DPOP_PROOF : ERROR_NONE);
		longest = e == ERROR_NONE ? n : longest;
		arena_back(mark);
	}
	is_int(wrong, 0, "up to 1024 bytes are taken, and none more");
	ok(longest > DPOP_PROOF - 3, "the longest has %zu", longest);
}

/* ---- the URL --------------------------------------------------------------- */

static void urls(void)
{
	static const struct { const char *htu, *want; bool good; } cases[] = {
		{ URL, URL, true }, { URL "?a=b", URL, true }, { URL "#a", URL, true }, { URL "?a#b?c", URL, true },
		{ "HTTPS://AUTH.Example/api/auth/refresh", URL, true }, { "https://auth.example:443/api/auth/refresh", URL, true },
		{ URL, "https://auth.example:443/api/auth/refresh", true }, { "http://localhost:80/refresh", "http://localhost/refresh", true },
		{ "https://[::1]:443/refresh", "https://[::1]/refresh", true }, { "https://auth.example:8443/x", "https://auth.example:8443/x", true },
		{ "https://auth.example/api/auth/Refresh", URL, false }, { "https://auth.example/api/auth/login", URL, false },
		{ URL "/", URL, false }, { "https://auth.example//api/auth/refresh", URL, false }, { "https://auth.example", URL, false },
		{ "http://auth.example/api/auth/refresh", URL, false }, { "http://auth.example:443/api/auth/refresh", URL, false },
		{ "https://auth.example:80/api/auth/refresh", URL, false }, { "https://auth.example:444/api/auth/refresh", URL, false },
		{ "https://auth.example.org/api/auth/refresh", URL, false }, { "https://evil@auth.example/api/auth/refresh", URL, false },
		{ "https://evil.example/api/auth/refresh", URL, false }, { "//auth.example/api/auth/refresh", URL, false },
		{ "https:/auth.example/api/auth/refresh", URL, false }, { "/api/auth/refresh", URL, false }, { "", URL, false }, { ":", URL, false },
		{ "https://:443/x", "https://:443/x", true }, { ":443", "https://auth.example/x", false },
		/* The scheme isn't known. */
		{ "https://a.example/x", "//a.example/x", true }, { "http://a.example/x", "//a.example/x", true },
		{ "https://a.example:443/x", "//a.example/x", true }, { "http://a.example/x", "//a.example:80/x", true },
		{ "http://a.example:443/x", "//a.example/x", false }, { "http://a.example:8080/x", "//a.example:8080/x", true },
		{ "//a.example/x", "//a.example/x", false }, { "https://b.example/x", "//a.example/x", false }, { "https:///x", "///x", true },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		is_int(reads_at(prover_proof(&key, cases[i].htu, nonce_at(TIME)), cases[i].want, TIME),
			cases[i].good ? ERROR_NONE : ERROR_INVALID_DPOP_PROOF, "%s for %s", cases[i].htu, cases[i].want);
}

/* ---- the nonce ------------------------------------------------------------- */

static void nonces(void)
{
	static const struct { const char *what; int64_t made; bool good; } cases[] = {
		{ "this interval", 0, true }, { "the one before", -DPOP_SECONDS, true }, { "two before", -2 * DPOP_SECONDS, false },
		{ "the next one, of a host whose clock is ahead", DPOP_SECONDS, true }, { "two ahead", 2 * DPOP_SECONDS, false },
		{ "a year ago", -365 * 86400, false }, { "1970", -TIME, false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		is_int(reads_at(prover_proof(&key, URL, nonce_at(TIME + cases[i].made)), URL, TIME), cases[i].good ? ERROR_NONE : ERROR_USE_DPOP_NONCE, "of %s",
			cases[i].what);
	const char *good = nonce_at(TIME);
	is_int(strlen(good), 22, "22 letters");
	is_str(nonce_at(TIME - TIME % DPOP_SECONDS), nonce_at(TIME - TIME % DPOP_SECONDS + DPOP_SECONDS - 1), "one for each interval");
	struct slice bytes = SLICE_NONE;
	ok(base64url_read(slice_of(good), &bytes) && bytes.n == 16, "16 bytes");
	for (size_t i = 0; i < bytes.n; i++) {
		char *changed = (char *)(uintptr_t)arena_copy(bytes).p;
		changed[i] ^= 1;
		is_int(reads_at(prover_proof(&key, URL, letters_of((struct slice){ changed, 16 })), URL, TIME), ERROR_USE_DPOP_NONCE, "byte %zu changed", i);
	}
	is_int(reads_at(prover_proof(&key, URL, letters_of(slice_from(bytes, 1))), URL, TIME), ERROR_USE_DPOP_NONCE, "a byte less");
	is_int(reads_at(prover_proof(&key, URL, text_join(good, "AA", NULL)), URL, TIME), ERROR_USE_DPOP_NONCE, "more than that");
	struct keyring before = ring;
	struct key next = key_of(8);
	keyring_add(&ring, &next);
	is_int(reads_at(prover_proof(&key, URL, good), URL, TIME), ERROR_NONE, "by a key that doesn't sign any more");
	is_int(reads_at(prover_proof(&key, URL, nonce_at(TIME)), URL, TIME), ERROR_NONE, "and by the one that does");
	const char *later = nonce_at(TIME);
	ring = before;
	is_int(reads_at(prover_proof(&key, URL, later), URL, TIME), ERROR_USE_DPOP_NONCE, "a key that isn't ours");
}

/* Each shorter part of a proof, and each with a byte changed, is refused or isn't signed: whatever it is, it reads no further than its end. */
static void parts(void)
{
	const char *text = prover_proof(&key, URL, nonce_at(TIME));
	size_t n = strlen(text), good = 0;
	for (size_t i = 0; i < n; i++) {
		size_t mark = arena_mark();
		struct slice part = arena_copy((struct slice){ text, i }), changed = arena_copy(slice_of(text));
		((char *)(uintptr_t)changed.p)[i] ^= 1;
		good += dpop_read(part, slice_of(URL), &ring, TIME, &proof) == ERROR_NONE;
		if (i % 8 == 0)
			good += dpop_read(changed, slice_of(URL), &ring, TIME, &proof) == ERROR_NONE && dpop_signed(&proof);
		arena_back(mark);
	}
	is_int(good, 0, "no part of it, and none with a byte changed");
}

int main(void)
{
	struct key first = key_of(7);
	keyring_add(&ring, &first);
	key = prover(1);
	static void (*const tests[])(void) = { example, signatures, each_header, each_claim, sizes, urls, nonces, parts };
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
		size_t mark = arena_mark();
		tests[i]();
		arena_back(mark);
	}
	return done_testing();
}
