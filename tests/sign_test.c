/*
 * sign_test: ES256 and RS256 against the vectors of RFC 6979 and RFC 7515, the keys that a master key gives, latchkey.rsa and
 * latchkey.jwks. The primitives are static there, so sign.c is included.
 */
#include "sign.c" /* NOLINT(bugprone-suspicious-include): see above */
#include "t.h"

#include <sys/stat.h>
#include <unistd.h>

#define T(literal) { "" literal, sizeof(literal) - 1 }

static char dir[] = "/tmp/sign_test.XXXXXX";

static bool is_hex(const void *got, size_t n, const char *hex)
{
	uint8_t want[256];
	return strlen(hex) == 2 * n && parse_hex(slice_of(hex), want, n) && memcmp(got, want, n) == 0;
}

static struct key key_numbered(int n)
{
	struct key key = { .created_at = 1000 + n };
	snprintf(key.kid, sizeof key.kid, "%08x", (unsigned)n);
	for (int i = 0; i < KEY_SIZE; i++)
		key.master[i] = (uint8_t)(i + n);
	return key;
}

/* ---- vectors ------------------------------------------------------------ */

/* RFC 6979, A.2.5, with SHA-256 */
static void test_rfc6979(void)
{
	static const struct { struct slice message; const char *signature; } vectors[] = {
		{ T("sample"), "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
		  "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8" },
		{ T("test"), "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
		  "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083" },
	};
	uint8_t x[SCALAR], hash[DERIVE_MAC], signature[SIGN_ES256_SIZE];
	parse_hex(S("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"), x, SCALAR);
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		derive_sha256(vectors[i].message, hash);
		es256_of(x, hash, signature);
		ok(is_hex(signature, sizeof signature, vectors[i].signature), "RFC 6979 A.2.5, %s", vectors[i].message.p);
	}
}

/* RFC 7515, A.2: the members of its JWK in the order of struct rsa, and the token. */
static const char *const rsa_of_rfc[] = {
	"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOW"
	"vG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9k"
	"G4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
	"4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ"
	"5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc",
	"uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLt"
	"XlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc",
	"BwKfV3Akq5_MFZDFZCnW-wzl-CCo83WoZvnLQwCTeDv8uzluRSnm71I3QCLdhrqE2e9YkxvuxdBfpT_PI7Yz-FOKnu1R6HsJeDCjn12Sk3vmAktV2zb34MCdy7cpdTh_"
	"YVr7tss2u6vneTwrA86rZtu5Mbr1C1XsmvkxHQAdYo0",
	"h_96-mK1R_7glhsum81dZxjTnYynPbZpHziZjeeHcXYsXaaMwkOlODsWa7I9xXDoRwbKgB719rrmI2oKr6N3Do9U0ajaHF-NKJnwgjMd2w9cjz3_-kyNlxAr2v4IKhGN"
	"pmM5iIgOS1VZnOZ68m6_pbLBSp3nssTdlqvd0tIiTHU",
	"IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd_QJQ3ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1c"
	"q9SbsxYawBgfp_gh6A5603k2-ZQwVK0JKSHuLFkuQ3U",
};
#define RFC7515_INPUT "eyJhbGciOiJSUzI1NiJ9." \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define RFC7515_SIGNATURE \
	"cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4" \
	"BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv" \
	"hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"

static void rfc7515_key(struct rsa *out)
{
	struct buf bytes = { 0 };
	struct slice member = SLICE_NONE;
	for (size_t i = 0; i < sizeof rsa_of_rfc / sizeof *rsa_of_rfc; i++) {
		base64url_read(slice_of(rsa_of_rfc[i]), &member);
		buf_add(&bytes, member);
	}
	is_int(bytes.n, sizeof *out, "RFC 7515 A.2.1, the members of the key");
	memcpy(out, bytes.p, sizeof *out);
}

static void test_rfc7515(void)
{
	struct rsa rsa;
	uint8_t hash[DERIVE_MAC], signature[SIGN_RS256_SIZE];
	struct buf text = { 0 };
	rfc7515_key(&rsa);
	derive_sha256(S(RFC7515_INPUT), hash);
	ok(rs256_of(&rsa, hash, signature), "RFC 7515 A.2 is signed");
	base64url_add(&text, bytes_of(signature, sizeof signature));
	is_str(slice_text(buf_slice(&text)), RFC7515_SIGNATURE, "as it stands there");
	ok(is_good(&rsa), "its key is good");
	for (size_t i = 0; i < sizeof rsa; i += 97) {
		((uint8_t *)&rsa)[i] ^= 4;
		ok(!is_good(&rsa) && !rs256_of(&rsa, hash, signature), "and none any more, once byte %zu is another", i);
		((uint8_t *)&rsa)[i] ^= 4;
	}
	ok(is_signature(&rsa, hash, signature) == false, "what a damaged key signed is noticed");
	rfc7515_key(&rsa);
	ok(rs256_of(&rsa, hash, signature) && is_signature(&rsa, hash, signature), "control: the good one's");
	hash[0] ^= 1;
	ok(!is_signature(&rsa, hash, signature), "which is none of another text");
	rsa.p[RSA_HALF - 1] ^= 1;
	ok(!rs256_of(&rsa, hash, signature), "an even number is no prime");
}

static void test_scalars(void)
{
	uint8_t x[SCALAR] = { 0 };
	ok(!is_scalar(x), "0 is no private key");
	x[31] = 1;
	ok(is_scalar(x), "1 is one");
	memcpy(x, order, SCALAR);
	ok(!is_scalar(x), "the order is none");
	x[31]--;
	ok(is_scalar(x), "one less is");
	memset(x, 0xff, SCALAR);
	ok(!is_scalar(x), "nor is what is above it");
}

/* ---- keys --------------------------------------------------------------- */

/* Computed by another implementation of HKDF, HMAC_DRBG and P-256 (Python). */
#define ES256_JWK "{\"kid\":\"00000000-e\",\"kty\":\"EC\",\"use\":\"sig\",\"alg\":\"ES256\",\"crv\":\"P-256\"," \
	"\"x\":\"b6QGka0_gE_c9rIWYk2aXBhwA8TxL1uuBYxfHmp-Ukw\",\"y\":\"tUqgAJy5jtOUv_5DyjWi8_7v9NjuiPyAWnbCFzpoTeY\"}"

static void test_es256_key(void)
{
	struct buf b = { 0 };
	struct jw w = { .out = &b };
	const struct key key = key_numbered(0);
	sign_write_es256(&w, &key);
	is_str(slice_text(buf_slice(&b)), ES256_JWK, "the key for ES256 of a master key");
}

/* The first bytes of p and q, by the numbers of HMAC_DRBG in the order that each processor has. */
static void test_even(void)
{
	struct even e = { .vtable = &even_class };
	const struct key key = key_numbered(0);
	uint32_t words[2];
	uint8_t bytes[8];
	seed(&e.drbg, &key, DERIVE_RSA);
	e.vtable->generate(&e.vtable, words, sizeof words);
	seed(&e.drbg, &key, DERIVE_RSA);
	br_hmac_drbg_generate(&e.drbg, bytes, sizeof bytes);
	is_int(words[1], bytes[4] | (uint32_t)bytes[5] << 8 | (uint32_t)bytes[6] << 16 | (uint32_t)bytes[7] << 24,
		"the lowest byte of a word comes first, here as anywhere");
}

/* ---- files -------------------------------------------------------------- */

static struct slice file_of(const char *name)
{
	struct slice text = SLICE_NONE;
	(void)file_read(path_in(dir, name), LIMIT_CONF, &text);
	return text;
}

static void put(const char *name, struct slice text)
{
	ok(file_replace(dir, name, text), "%s is written", name);
}

static int lines_of(struct slice text)
{
	int n = 0;
	for (; text.n; n++)
		slice_cut(&text, '\n');
	return n;
}

static bool has(struct slice text, const char *part)
{
	return memmem(text.p, text.n, part, strlen(part)) != NULL;
}

static void sign_by_rsa(void *ring)
{
	sign_jws(dir, ring, SIGN_RS256, "JWT", S("{}"));
}

static void test_es256_alone(struct keyring *ring)
{
	ok(!sign_has_rsa(dir, ring), "at first there is no RSA key");
	ok(sign_publish(dir, ring, false), "the set is written");
	ok(access(path_in(dir, RSA_FILE), F_OK) != 0, "and no RSA key is made");
	is_int(lines_of(file_of(JWKS_FILE)), 3, "one key stands in it");
	ok(slice_is(sign_jwks(dir, ring), file_of(JWKS_FILE)), "it is the answer");
	ok(sign_wrong(dir, ring, false) == NULL && sign_wrong(dir, ring, true) != NULL, "which is wrong only where one is wanted");
	unlink(path_in(dir, JWKS_FILE));
	is_int(lines_of(sign_jwks(dir, ring)), 3, "which is computed where the file isn't there");
	is_int(dies(sign_by_rsa, ring), 111, "without an RSA key nothing is signed with one");
	ok(strstr(t_err, "SG3") != NULL, "and the log says so");
}

static void test_rsa_made(struct keyring *ring)
{
	struct stat st;
	ok(sign_publish(dir, ring, true), "an RSA key is made");
	ok(sign_has_rsa(dir, ring), "and found");
	ok(stat(path_in(dir, RSA_FILE), &st) == 0 && (st.st_mode & 0777) == 0600, "mode 0600");
	is_int(lines_of(file_of(JWKS_FILE)), 4, "two keys stand in the set");
	ok(has(file_of(JWKS_FILE), "{\"kid\":\"00000000-r\",\"kty\":\"RSA\",\"use\":\"sig\",\"alg\":\"RS256\",\"n\":\""), "RSA's too");
	ok(sign_wrong(dir, ring, false) == NULL, "both files are right");
	struct slice before = file_of(RSA_FILE), set = file_of(JWKS_FILE);
	unlink(path_in(dir, RSA_FILE));
	ok(sign_publish(dir, ring, true) && slice_is(file_of(RSA_FILE), before), "where it is gone, the same is made again");
	unlink(path_in(dir, JWKS_FILE));
	ok(slice_is(sign_jwks(dir, ring), set), "the set is computed of it, too");
}

/* As a verifier does it: the signature is over the first two segments. */
static void test_jws(struct keyring *ring)
{
	struct rsa rsa;
	uint8_t hash[DERIVE_MAC];
	struct slice bytes = SLICE_NONE, header = SLICE_NONE, token = sign_jws(dir, ring, SIGN_RS256, "JWT", S("{\"iss\":\"x\"}")), rest = token;
	ok(slice_is(token, sign_jws(dir, ring, SIGN_RS256, "JWT", S("{\"iss\":\"x\"}"))), "RS256 gives the same twice");
	base64url_read(slice_cut(&rest, '.'), &header);
	is_str(slice_text(header), "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"00000000-r\"}", "its header");
	base64url_read(slice_cut(&rest, '.'), &bytes);
	is_str(slice_text(bytes), "{\"iss\":\"x\"}", "its payload");
	derive_sha256((struct slice){ token.p, (size_t)(rest.p - token.p) - 1 }, hash);
	ok(base64url_read(rest, &bytes) && bytes.n == SIGN_RS256_SIZE && load_rsa(dir, &ring->key[0], &rsa)
		&& is_signature(&rsa, hash, (const uint8_t *)bytes.p), "its signature");
	token = rest = sign_jws(dir, ring, SIGN_ES256, "at+jwt", S("{}"));
	ok(slice_is(token, sign_jws(dir, ring, SIGN_ES256, "at+jwt", S("{}"))), "ES256 gives the same twice");
	base64url_read(slice_cut(&rest, '.'), &header);
	is_str(slice_text(header), "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"00000000-e\"}", "its header");
	slice_cut(&rest, '.');
	ok(base64url_read(rest, &bytes) && bytes.n == SIGN_ES256_SIZE, "its signature has 64 bytes");
}

/* A bit of the file has turned over. */
static void test_damage(struct keyring *ring)
{
	ok(sign_publish(dir, ring, false), "the set is written again");
	struct slice before = file_of(RSA_FILE), set = file_of(JWKS_FILE);
	struct slice hurt = arena_copy(before);
	char *digit = (char *)(uintptr_t)hurt.p + KID_LENGTH + 1 + 2 * RSA_N + 20;
	*digit = *digit == '0' ? '8' : '0';
	put(RSA_FILE, hurt);
	ok(sign_has_rsa(dir, ring), "a damaged key is there");
	is_int(dies(sign_by_rsa, ring), 111, "but signs nothing");
	ok(strstr(sign_wrong(dir, ring, false), "the key of 00000000 is missing or damaged") != NULL, "which is told");
	ok(sign_publish(dir, ring, false) && slice_is(file_of(RSA_FILE), before), "and it is made again");
	put(RSA_FILE, S("00000000 12\nno line\n"));
	ok(!sign_has_rsa(dir, ring), "a short line is none");
	put(RSA_FILE, before);
	((char *)(uintptr_t)set.p)[40] ^= 1;
	put(JWKS_FILE, set);
	ok(strstr(sign_wrong(dir, ring, false), "latchkey.jwks") != NULL, "a damaged set is told");
	ok(sign_publish(dir, ring, false) && sign_wrong(dir, ring, false) == NULL, "and written again");
}

/* A set of other keys than the ring's is no answer. */
static void test_other_ring(struct keyring *ring)
{
	struct key more = key_numbered(1);
	struct slice both, one = file_of(JWKS_FILE);
	keyring_stage(ring, &more);
	ok(sign_wrong(dir, ring, false) != NULL, "a key more: the files aren't of this ring");
	both = sign_jwks(dir, ring);
	ok(has(both, "00000000-e") && has(both, "00000001-e"), "the answer has the staged key, before any verb wrote the file");
	ok(sign_publish(dir, ring, false) && sign_wrong(dir, ring, false) == NULL, "then it is written");
	ok(has(file_of(JWKS_FILE), "00000001-r") && lines_of(file_of(RSA_FILE)) == 2, "RSA keys of both");
	keyring_remove(ring, 1);
	is_int(lines_of(sign_jwks(dir, ring)), 4, "a key less is gone from the answer at once");
	ok(sign_publish(dir, ring, false) && slice_is(file_of(JWKS_FILE), one), "and from the file");
	is_int(lines_of(file_of(RSA_FILE)), 1, "and from the other");
}

static void ask_rsa(void *ring)
{
	sign_has_rsa(dir, ring);
}

static void test_trouble(struct keyring *ring)
{
	unlink(path_in(dir, RSA_FILE));
	mkdir(path_in(dir, RSA_FILE), 0700);
	is_int(dies(ask_rsa, ring), 111, "a file that can't be read is our trouble");
	ok(strstr(t_err, "SG2") != NULL, "and the log says which");
	ok(strncmp(sign_wrong(dir, ring, false), RSA_FILE ": ", strlen(RSA_FILE) + 2) == 0, "and so does the check");
	rmdir(path_in(dir, RSA_FILE));
	mkdir(path_in(dir, JWKS_FILE ".new"), 0700);
	ok(!sign_publish(dir, ring, false), "a set that can't be written is told");
	mkdir(path_in(dir, RSA_FILE ".new"), 0700);
	ok(!sign_publish(dir, ring, true), "and an RSA key");
	rmdir(path_in(dir, JWKS_FILE ".new"));
	rmdir(path_in(dir, RSA_FILE ".new"));
	unlink(path_in(dir, JWKS_FILE));
}

int main(void)
{
	static struct keyring ring = { .count = 1 };
	ring.key[0] = key_numbered(0);
	ok(mkdtemp(dir) != NULL, "a directory");
	test_rfc6979();
	test_rfc7515();
	test_scalars();
	test_es256_key();
	test_even();
	static void (*const tests[])(struct keyring *ring) = {
		test_es256_alone, test_rsa_made, test_jws, test_damage, test_other_ring, test_trouble
	};
	for (size_t i = 0, mark = arena_mark(); i < sizeof tests / sizeof *tests; i++, arena_back(mark))
		tests[i](&ring);
	rmdir(dir);
	return done_testing();
}
