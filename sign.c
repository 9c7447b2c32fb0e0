/*
 * sign: see sign.h for what each function promises.
 *
 * The private keys are made by HMAC_DRBG (NIST SP 800-90A, 10.1.2) over SHA-256, seeded with a key that is derived for that alone:
 * ES256's is the first number below the order of P-256 that it gives, RS256's the two primes that BearSSL finds with its numbers.
 * BearSSL takes its numbers as words in the order of the processor. even_generate() gives every processor the same words, so that a
 * key file that moves to another host makes the same key there.
 *
 * latchkey.rsa has a line for each key: the master's kid, and in hexadecimal n, p, q, dp, dq and iq one behind the other. A signature
 * is checked with the public key before it goes out: one made with a damaged p would tell q to everybody (Boneh, DeMillo, Lipton 1997).
 *
 * latchkey.jwks is the answer itself, one key a line, so that a web server can serve the file.
 */
#include "sign.h"

#include <errno.h>
#include <string.h>

#include <bearssl_ec.h>
#include <bearssl_hash.h>
#include <bearssl_rand.h>
#include <bearssl_rsa.h>

#include "base/base64.h"
#include "base/file.h"
#include "derive.h"

#define RSA_FILE "latchkey.rsa"
#define JWKS_FILE "latchkey.jwks"
enum {
	RSA_BITS = 2048,
	RSA_N = RSA_BITS / 8,
	RSA_HALF = RSA_N / 2,
	RSA_SIZE = RSA_N + 5 * RSA_HALF,                /* n, p, q, dp, dq, iq */
	RSA_LINE = KID_LENGTH + 1 + 2 * RSA_SIZE + 1,
	JWKS_MOST = 8192,                               /* LIMIT_KEYS pairs of 190 and 440 bytes */
	SCALAR = 32
};

struct slice sign_kid(const struct key *key, enum sign_alg alg)
{
	return slice_of(text_join(key->kid, alg == SIGN_ES256 ? "-e" : "-r", NULL));
}

static struct slice bytes_of(const uint8_t *p, size_t n)
{
	return (struct slice){ (const char *)p, n };
}

static void jw_bytes(struct jw *w, const char *name, struct slice bytes)
{
	struct buf text = { 0 };
	base64url_add(&text, bytes);
	jw_plain(w, name, buf_slice(&text));
}

static struct slice alg_name(enum sign_alg alg)
{
	return alg == SIGN_ES256 ? S("ES256") : S("RS256");
}

static void open_jwk(struct jw *w, const struct key *key, enum sign_alg alg)
{
	jw_open(w, '{');
	jw_plain(w, "kid", sign_kid(key, alg));
	jw_plain(w, "kty", alg == SIGN_ES256 ? S("EC") : S("RSA"));
	jw_plain(w, "use", S("sig"));
	jw_plain(w, "alg", alg_name(alg));
}

static void seed(br_hmac_drbg_context *drbg, const struct key *key, enum derive_use use)
{
	uint8_t derived[KEY_SIZE];
	derive_key(key, use, derived);
	br_hmac_drbg_init(drbg, &br_sha256_vtable, derived, sizeof derived);
	wipe(derived, sizeof derived);
}

/* ---- ES256 -------------------------------------------------------------- */

/* The order of P-256 (FIPS 186-4, D.1.2.3). */
static const uint8_t order[SCALAR] = {
	0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51
};

/* Above 0 and below the order, in the same time for each. */
static bool is_scalar(const uint8_t x[SCALAR])
{
	unsigned borrow = 0, any = 0;
	for (int i = SCALAR; i-- > 0;) {
		borrow = ((unsigned)x[i] - order[i] - borrow) >> 31;
		any |= x[i];
	}
	return borrow && any;
}

static void private_es256(const struct key *key, uint8_t x[SCALAR])
{
	br_hmac_drbg_context drbg;
	seed(&drbg, key, DERIVE_ES256);
	do
		br_hmac_drbg_generate(&drbg, x, SCALAR);
	while (!is_scalar(x));
	wipe(&drbg, sizeof drbg);
}

static void es256_of(uint8_t x[SCALAR], const uint8_t hash[DERIVE_MAC], uint8_t out[SIGN_ES256_SIZE])
{
	const br_ec_private_key sk = { BR_EC_secp256r1, x, SCALAR };
	br_ecdsa_i31_sign_raw(&br_ec_p256_m31, &br_sha256_vtable, hash, &sk, out);
}

void sign_es256(const struct key *key, struct slice input, uint8_t out[SIGN_ES256_SIZE])
{
	uint8_t x[SCALAR], hash[DERIVE_MAC];
	private_es256(key, x);
	derive_sha256(input, hash);
	es256_of(x, hash, out);
	wipe(x, sizeof x);
}

/* RFC 7518, 6.2.1 */
void sign_write_es256(struct jw *w, const struct key *key)
{
	uint8_t x[SCALAR], point[1 + 2 * SCALAR];
	private_es256(key, x);
	br_ec_p256_m31.mulgen(point, x, SCALAR, BR_EC_secp256r1);
	wipe(x, sizeof x);
	open_jwk(w, key, SIGN_ES256);
	jw_plain(w, "crv", S("P-256"));
	jw_bytes(w, "x", bytes_of(point + 1, SCALAR));
	jw_bytes(w, "y", bytes_of(point + 1 + SCALAR, SCALAR));
	jw_close(w);
}

/* ---- RS256 -------------------------------------------------------------- */

static const uint8_t exponent[] = { 1, 0, 1 };

struct rsa { uint8_t n[RSA_N], p[RSA_HALF], q[RSA_HALF], dp[RSA_HALF], dq[RSA_HALF], iq[RSA_HALF]; };

/* What BearSSL asks for numbers. */
struct even { const br_prng_class *vtable; br_hmac_drbg_context drbg; };

static void even_generate(const br_prng_class **even, void *out, size_t n)
{
	struct even *e = (void *)even;
	uint8_t *at = out;
	br_hmac_drbg_generate(&e->drbg, out, n);
	for (; n >= 4; n -= 4, at += 4) {
		uint32_t word = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
		memcpy(at, &word, sizeof word);
	}
}

static const br_prng_class even_class = { .context_size = sizeof(struct even), .generate = even_generate };

static void make_rsa(const struct key *key, struct rsa *out)
{
	struct even rng = { .vtable = &even_class };
	br_rsa_private_key sk;
	br_rsa_public_key pk;
	uint8_t room[BR_RSA_KBUF_PRIV_SIZE(RSA_BITS)], public[BR_RSA_KBUF_PUB_SIZE(RSA_BITS)];
	seed(&rng.drbg, key, DERIVE_RSA);
	if (!br_rsa_i31_keygen(&rng.vtable, &sk, room, &pk, public, RSA_BITS, 0x10001))
		fail(ERROR_INTERNAL, "SG1", "no RSA key can be made", NULL);
	memcpy(out->n, pk.n, RSA_N);
	memcpy(out->p, sk.p, RSA_HALF);
	memcpy(out->q, sk.q, RSA_HALF);
	memcpy(out->dp, sk.dp, RSA_HALF);
	memcpy(out->dq, sk.dq, RSA_HALF);
	memcpy(out->iq, sk.iq, RSA_HALF);
	wipe(room, sizeof room);
	wipe(&rng, sizeof rng);
}

/* What the public key makes of a signature ends with the hash, and begins with 0, 1 and 255 (RFC 8017, 9.2). */
static bool is_signature(struct rsa *rsa, const uint8_t hash[DERIVE_MAC], const uint8_t signature[RSA_N])
{
	static const uint8_t begin[] = { 0, 1, 255, 255 };
	uint8_t e[sizeof exponent], block[RSA_N];
	memcpy(e, exponent, sizeof e);
	memcpy(block, signature, RSA_N);
	const br_rsa_public_key pk = { rsa->n, RSA_N, e, sizeof e };
	return br_rsa_i31_public(block, RSA_N, &pk) && memcmp(block, begin, sizeof begin) == 0
		&& memcmp(block + RSA_N - DERIVE_MAC, hash, DERIVE_MAC) == 0;
}

static bool rs256_of(struct rsa *rsa, const uint8_t hash[DERIVE_MAC], uint8_t out[SIGN_RS256_SIZE])
{
	const br_rsa_private_key sk = { RSA_BITS, rsa->p, RSA_HALF, rsa->q, RSA_HALF, rsa->dp, RSA_HALF, rsa->dq, RSA_HALF,
		rsa->iq, RSA_HALF };
	return br_rsa_i31_pkcs1_sign(BR_HASH_OID_SHA256, hash, DERIVE_MAC, &sk, out) && is_signature(rsa, hash, out);
}

/* Whether it signs: any damage shows in a signature. */
static bool is_good(struct rsa *rsa)
{
	static const uint8_t hash[DERIVE_MAC] = { 1 };
	uint8_t signature[SIGN_RS256_SIZE];
	return rs256_of(rsa, hash, signature);
}

/* ---- latchkey.rsa ------------------------------------------------------- */

/* Its text; SLICE_NONE where it isn't there. An errno value, or 0. */
static int read_rsa(const char *dir, struct slice *text)
{
	*text = SLICE_NONE;
	int error = file_read(path_in(dir, RSA_FILE), (size_t)LIMIT_KEYS * RSA_LINE, text);
	return error == ENOENT ? 0 : error;
}

static struct slice rsa_text(const char *dir)
{
	struct slice text;
	int error = read_rsa(dir, &text);
	if (error)
		fail(ERROR_STORE_UNAVAILABLE, "SG2", RSA_FILE ": ", strerror(error), NULL);
	return text;
}

/* The key of that name; false where there is none, or its line is none. */
static bool find_rsa(struct slice text, const char *kid, struct rsa *out)
{
	bool found = false;
	while (text.n && !found) {
		struct slice line = slice_cut(&text, '\n');
		found = slice_is(slice_cut(&line, ' '), slice_of(kid)) && parse_hex(line, (uint8_t *)out, sizeof *out);
	}
	return found;
}

static bool load_rsa(const char *dir, const struct key *key, struct rsa *out)
{
	struct slice text = rsa_text(dir);
	bool found = find_rsa(text, key->kid, out);
	wipe((void *)(uintptr_t)text.p, text.n);
	return found;
}

bool sign_has_rsa(const char *dir, const struct keyring *ring)
{
	struct rsa rsa;
	bool found = load_rsa(dir, &ring->key[0], &rsa);
	wipe(&rsa, sizeof rsa);
	return found;
}

static void sign_rs256(const char *dir, const struct key *key, struct slice input, uint8_t out[SIGN_RS256_SIZE])
{
	struct rsa rsa;
	uint8_t hash[DERIVE_MAC];
	derive_sha256(input, hash);
	bool good = load_rsa(dir, key, &rsa) && rs256_of(&rsa, hash, out);
	wipe(&rsa, sizeof rsa);
	if (!good)
		fail(ERROR_STORE_UNAVAILABLE, "SG3", RSA_FILE ": the key of ", key->kid, " is missing or damaged; latchkey key publish makes it again", NULL);
}

struct slice sign_jws(const char *dir, const struct keyring *ring, enum sign_alg alg, const char *typ, struct slice payload)
{
	const struct key *key = &ring->key[0];
	struct buf header = { 0 }, token = { 0 };
	struct jw w = { .out = &header };
	uint8_t signature[SIGN_RS256_SIZE];
	jw_open(&w, '{');
	jw_plain(&w, "alg", alg_name(alg));
	jw_plain(&w, "typ", slice_of(typ));
	jw_plain(&w, "kid", sign_kid(key, alg));
	jw_close(&w);
	base64url_add(&token, buf_slice(&header));
	buf_c(&token, '.');
	base64url_add(&token, payload);
	if (alg == SIGN_ES256)
		sign_es256(key, buf_slice(&token), signature);
	else
		sign_rs256(dir, key, buf_slice(&token), signature);
	buf_c(&token, '.');
	base64url_add(&token, bytes_of(signature, alg == SIGN_ES256 ? SIGN_ES256_SIZE : SIGN_RS256_SIZE));
	return buf_slice(&token);
}

/* ---- latchkey.jwks ------------------------------------------------------ */

/* RFC 7518, 6.3.1 */
static void write_rs256(struct jw *w, const struct key *key, const struct rsa *rsa)
{
	open_jwk(w, key, SIGN_RS256);
	jw_bytes(w, "n", bytes_of(rsa->n, RSA_N));
	jw_bytes(w, "e", bytes_of(exponent, sizeof exponent));
	jw_close(w);
}

static void put_line(struct buf *b, void (*write)(struct jw *w, const struct key *key, const struct rsa *rsa), const struct key *key,
	const struct rsa *rsa)
{
	struct jw w = { .out = b };
	buf_s(b, slice_is(buf_slice(b), S("{\"keys\":[")) ? "\n" : ",\n");
	write(&w, key, rsa);
}

static void write_es256(struct jw *w, const struct key *key, const struct rsa *rsa)
{
	(void)rsa;
	sign_write_es256(w, key);
}

/* The set, as the file has it. RSA keys come from the text of latchkey.rsa. */
static struct slice compute_jwks(const struct keyring *ring, struct slice rsa_lines)
{
	struct buf b = { 0 };
	struct rsa rsa;
	buf_s(&b, "{\"keys\":[");
	for (size_t i = 0; i < ring->count; i++) {
		put_line(&b, write_es256, &ring->key[i], NULL);
		if (find_rsa(rsa_lines, ring->key[i].kid, &rsa))
			put_line(&b, write_rs256, &ring->key[i], &rsa);
	}
	wipe(&rsa, sizeof rsa);
	buf_s(&b, "\n]}\n");
	return buf_slice(&b);
}

static bool is_of(struct slice line, const struct key *key, enum sign_alg alg)
{
	return slice_starts(line, slice_of(text_join("{\"kid\":\"", slice_text(sign_kid(key, alg)), "\"", NULL)));
}

/* Whether it names the keys of this ring and no others: not a file that another ring left behind. */
static bool names_ring(struct slice text, const struct keyring *ring)
{
	bool fits = slice_is(slice_cut(&text, '\n'), S("{\"keys\":["));
	for (size_t i = 0; fits && i < ring->count; i++) {
		fits = is_of(slice_cut(&text, '\n'), &ring->key[i], SIGN_ES256);
		struct slice rest = text;
		if (!is_of(slice_cut(&text, '\n'), &ring->key[i], SIGN_RS256))
			text = rest;
	}
	return fits && slice_is(text, S("]}\n"));
}

static struct slice jwks_text(const char *dir)
{
	struct slice text = SLICE_NONE;
	(void)file_read(path_in(dir, JWKS_FILE), JWKS_MOST, &text);
	return text;
}

struct slice sign_jwks(const char *dir, const struct keyring *ring)
{
	struct slice text = jwks_text(dir);
	if (names_ring(text, ring))
		return text;
	struct slice rsa = rsa_text(dir);
	text = compute_jwks(ring, rsa);
	wipe((void *)(uintptr_t)rsa.p, rsa.n);
	return text;
}

/* ---- the verbs ---------------------------------------------------------- */

/* The lines of the ring's keys: those that are there and good, and the others made anew. */
static void rsa_lines(struct buf *b, struct slice before, const struct keyring *ring)
{
	struct rsa rsa;
	*b = (struct buf){ arena((size_t)LIMIT_KEYS * RSA_LINE), 0, (size_t)LIMIT_KEYS * RSA_LINE };
	for (size_t i = 0; i < ring->count; i++) {
		if (!find_rsa(before, ring->key[i].kid, &rsa) || !is_good(&rsa))
			make_rsa(&ring->key[i], &rsa);
		buf_s(b, ring->key[i].kid);
		buf_c(b, ' ');
		buf_hex_bytes(b, (const uint8_t *)&rsa, RSA_SIZE);
		buf_c(b, '\n');
	}
	wipe(&rsa, sizeof rsa);
}

bool sign_publish(const char *dir, const struct keyring *ring, bool rsa)
{
	struct buf lines = { 0 };
	struct slice before = rsa_text(dir);
	bool good = true;
	if (rsa || before.p) {
		rsa_lines(&lines, before, ring);
		good = slice_is(before, buf_slice(&lines)) || file_replace(dir, RSA_FILE, buf_slice(&lines));
		wipe((void *)(uintptr_t)before.p, before.n);
	}
	good = good && file_replace(dir, JWKS_FILE, compute_jwks(ring, buf_slice(&lines)));
	wipe(lines.p, lines.n);
	return good;
}

static const char *rsa_wrong(const struct keyring *ring, struct slice text)
{
	struct rsa rsa;
	const char *wrong = NULL;
	for (size_t i = 0; !wrong && i < ring->count; i++)
		if (!find_rsa(text, ring->key[i].kid, &rsa) || !is_good(&rsa))
			wrong = text_join(RSA_FILE ": the key of ", ring->key[i].kid, " is missing or damaged", NULL);
	wipe(&rsa, sizeof rsa);
	return wrong;
}

const char *sign_wrong(const char *dir, const struct keyring *ring, bool rsa)
{
	struct slice lines, set = jwks_text(dir);
	int error = read_rsa(dir, &lines);
	if (error)
		return text_join(RSA_FILE ": ", strerror(error), NULL);
	const char *wrong = rsa || lines.p ? rsa_wrong(ring, lines) : NULL;
	if (!wrong && set.p && !slice_is(set, compute_jwks(ring, lines)))
		wrong = JWKS_FILE ": isn't that of latchkey.key";
	wipe((void *)(uintptr_t)lines.p, lines.n);
	return wrong;
}
