/*
 * hmac_test: the primitives of derive.c against the vectors of RFC 4231, RFC 5869
 * and RFC 7515, and how jwt.c reads claims. They are static there, so all three are included.
 */
#include "derive.c" /* NOLINT(bugprone-suspicious-include): see above */
#include "jwt.c" /* NOLINT(bugprone-suspicious-include) */
#include "jwt_mac.c" /* NOLINT(bugprone-suspicious-include) */
#include "t.h"

#define T(literal) { "" literal, sizeof(literal) - 1 }

static bool is_hex(const void *got, size_t n, const char *hex)
{
	uint8_t want[256];
	return strlen(hex) == 2 * n && parse_hex(slice_of(hex), want, n) && memcmp(got, want, n) == 0;
}

#define AA_131 \
	"\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa" \
	"\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa" \
	"\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa" \
	"\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa" \
	"\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"
#define DD_50 \
	"\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd" \
	"\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd"
#define CD_50 \
	"\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd" \
	"\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd"
#define B0_20 "\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"
#define AA_20 "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"
#define C0_20 "\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c\x0c"

/* RFC 4231, 4.2 to 4.8 (of the fifth the RFC shows the first 16 bytes) */
static const struct { struct slice key, message; const char *mac; } macs[] = {
	{ T(B0_20), T("Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
	{ T("Jefe"), T("what do ya want for nothing?"), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	{ T(AA_20), T(DD_50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
	{ T("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19"), T(CD_50),
	  "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
	{ T(C0_20), T("Test With Truncation"), "a3b6167473100ee06e0c796c2955552bfa6f7c0a6a8aef8b93f860aab0cd20c5" },
	{ T(AA_131), T("Test Using Larger Than Block-Size Key - Hash Key First"),
	  "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
	{ T(AA_131), T("This is a test using a larger than block-size key and a larger than block-size data. The key needs to "
	               "be hashed before being used by the HMAC algorithm."),
	  "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
};

/* The same MAC, the message given in steps of `step` bytes after the first `first`. */
static void hmac_in_steps(struct slice key, struct slice message, size_t first, size_t step, uint8_t out[DERIVE_MAC])
{
	br_hmac_key_context k;
	br_hmac_context c;
	br_hmac_key_init(&k, sha256, key.p, key.n);
	br_hmac_init(&c, &k, 0);
	for (size_t n = first; message.p && message.n; n = step) {
		n = n < message.n ? n : message.n;
		br_hmac_update(&c, message.p, n);
		message = slice_from(message, n);
	}
	br_hmac_out(&c, out);
}

static void hmac_of(struct slice key, struct slice message, uint8_t out[DERIVE_MAC])
{
	br_hmac_key_context k;
	br_hmac_context c;
	br_hmac_key_init(&k, sha256, key.p, key.n);
	br_hmac_init(&c, &k, 0);
	finish(&c, message, out);
}

/* What derive_mac() keeps of messages that begin alike changes no MAC: two beginnings and two keys in turn, by each use. */
static void test_begun(void)
{
	static const struct key keys[] = { { .master = "one" }, { .master = "another" } };
	char text[3 * SHA256_BLOCK];
	int good = 0, wanted = 0;
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)('a' + i % 23);
	for (enum derive_use use = 0; use < DERIVE__USES; use++)
		for (size_t n = 0; n <= sizeof text; n++, wanted++) {
			const struct key *key = &keys[n / 5 % 2];
			struct slice message = { text, n };
			uint8_t derived[KEY_SIZE], mac[DERIVE_MAC], want[DERIVE_MAC];
			text[SHA256_BLOCK - 1] = n % 3 ? '.' : ',';
			derive_mac(key, use, message, mac);
			derive_key(key, use, derived);
			hmac_of((struct slice){ (const char *)derived, KEY_SIZE }, message, want);
			good += memcmp(mac, want, sizeof mac) == 0;
		}
	is_int(good, wanted, "messages that begin alike and otherwise, by each use of two keys");
}

static void test_hmac(void)
{
	uint8_t mac[DERIVE_MAC], stepped[DERIVE_MAC];
	for (size_t i = 0; i < sizeof macs / sizeof *macs; i++) {
		int differ = 0;
		hmac_of(macs[i].key, macs[i].message, mac);
		ok(is_hex(mac, sizeof mac, macs[i].mac), "RFC 4231 case %zu", i + 1);
		hmac_in_steps(macs[i].key, macs[i].message, 1, 1, stepped);
		differ += memcmp(mac, stepped, sizeof mac) != 0;
		for (size_t cut = 0; cut <= macs[i].message.n; cut++) {
			hmac_in_steps(macs[i].key, macs[i].message, cut, macs[i].message.n, stepped);
			differ += memcmp(mac, stepped, sizeof mac) != 0;
		}
		is_int(differ, 0, "the same byte by byte and cut at every place");
	}
}

/* RFC 7515, A.1: its signing input, as it stands, with its key. */
static void test_rfc7515(void)
{
	uint8_t mac[DERIVE_MAC];
	struct slice key = SLICE_NONE;
	struct buf text = { 0 };
	static const struct slice input = T("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
		"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ");
	ok(base64url_read(S("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"), &key),
		"RFC 7515 A.1, the key");
	is_int(key.n, 64, "has 64 bytes");
	hmac_of(key, input, mac);
	base64url_add(&text, (struct slice){ (const char *)mac, sizeof mac });
	ok(slice_is(buf_slice(&text), S("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")),
		"RFC 7515 A.1, the signature");
}

static char counted[256];

/* The bytes from, from + 1 … to. */
static struct slice counting(int from, int to)
{
	return (struct slice){ counted + from, (size_t)(to - from) + 1 };
}

/* Both steps, as the vectors have them. */
static void hkdf(struct slice salt, struct slice secret, struct slice info, uint8_t *out, size_t n)
{
	br_hkdf_context c;
	extract(&c, salt, secret);
	expand(&c, info, out, n);
}

static void test_hkdf(void)
{
	uint8_t out[82];
	for (int i = 0; i < 256; i++)
		counted[i] = (char)i;
	hkdf(counting(0, 12), (struct slice)T(B0_20 "\x0b\x0b"), counting(0xf0, 0xf9), out, 42);
	ok(is_hex(out, 42, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"), "RFC 5869 A.1");
	hkdf(counting(0x60, 0xaf), counting(0, 0x4f), counting(0xb0, 0xff), out, 82);
	ok(is_hex(out, 82, "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da32756"
		"00c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"), "RFC 5869 A.2");
	hkdf((struct slice){ (const char *)BR_HKDF_NO_SALT, 0 }, (struct slice)T(B0_20 "\x0b\x0b"), (struct slice)T(""), out, 42);
	ok(is_hex(out, 42, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"), "RFC 5869 A.3");
}

/* The lengths stand in the table because a constant can't be computed by strlen. */
static void test_labels(void)
{
	for (size_t i = 0; i < sizeof label_of_use / sizeof *label_of_use; i++)
		is_int(label_of_use[i].n, strlen(label_of_use[i].p), "label %zu is counted right", i);
	ok(not_zero(0) == 1 && not_zero(1) == 1 && not_zero(UINT64_MAX) == UINT64_MAX, "a hash of 0 counts as 1");
}

/* RFC 2202, 3: test cases 1, 2, 3 and 6 of HMAC-SHA-1. */
static void test_sha1(void)
{
	static const struct { struct slice key, message; const char *mac; } rows[] = {
		{ T(B0_20), T("Hi There"), "b617318655057264e28bc0b6fb378c8ef146be00" },
		{ T("Jefe"), T("what do ya want for nothing?"), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
		{ T(AA_20), T(DD_50), "125d7342b9ac11cd91a39af48aa17b4f63f175d3" },
		{ { "" AA_131, 80 }, T("Test Using Larger Than Block-Size Key - Hash Key First"), "aa4ae5e15272d00e95705637ce8a3b55ed402112" },
	};
	uint8_t mac[DERIVE_SHA1];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		derive_sha1_mac(rows[i].key, rows[i].message, mac);
		ok(is_hex(mac, sizeof mac, rows[i].mac), "RFC 2202, row %zu", i);
	}
}

static void test_vectors(void)
{
	test_sha1();
	test_hmac();
	test_begun();
	test_rfc7515();
	test_hkdf();
}

/* Bytes of every length, hashed by a class in two pieces; the digest is asked for twice, since that leaves the context alone. */
static bool hashes_alike(const br_hash_class *class, struct slice bytes)
{
	br_sha256_context c;
	uint8_t want[DERIVE_MAC], got[DERIVE_MAC], again[DERIVE_MAC];
	br_sha256_init(&c);
	br_sha256_update(&c, bytes.p, bytes.n);
	br_sha256_out(&c, want);
	class->init(&c.vtable);
	class->update(&c.vtable, bytes.p, bytes.n / 3);
	class->update(&c.vtable, bytes.p + bytes.n / 3, bytes.n - bytes.n / 3);
	class->out(&c.vtable, got);
	class->out(&c.vtable, again);
	return memcmp(got, want, sizeof got) == 0 && memcmp(again, want, sizeof got) == 0;
}

/* The processor's instructions make the same of everything; on a processor without them BearSSL's stay. */
static void test_hurry(void)
{
	char bytes[1000];
	int differ = 0;
	const br_hash_class *before = sha256;
	derive_hurry();
	ok((sha256 != before) == (sha256_of_processor() != NULL), "%s hashes from now on", sha256 == before ? "BearSSL" : "the processor");
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * i >> 3 ^ i);
	for (size_t n = 0; n < sizeof bytes; n++)
		differ += !hashes_alike(sha256, (struct slice){ bytes, n });
	is_int(differ, 0, "as BearSSL, at every length");
	test_vectors();
}

/* ---- claims as they are written ----------------------------------------- */

enum { CLAIMS_ROOM = 256 };

/* Whatever read_as_written() takes, read_claims() takes too, and finds the same. */
static int differs(struct slice payload, const struct kind *kind, int *taken)
{
	static _Alignas(max_align_t) char one[CLAIMS_ROOM], other[CLAIMS_ROOM];
	memset(one, 0, kind->size);
	memset(other, 0, kind->size);
	if (!read_as_written(payload, kind, one))
		return 0;
	++*taken;
	if (!read_claims(payload, kind, other))
		return 1;
	for (int i = 0; i < kind->claims; i++) {
		const struct claim *c = &kind->claim[i];
		const struct slice *a = (const void *)(one + c->at), *b = (const void *)(other + c->at);
		if (c->type == TEXT ? !slice_is(*a, *b) : memcmp(a, b, sizeof(int64_t)) != 0)
			return 1;
	}
	return 0;
}

/* Each byte of it in turn is another, is left out, or comes twice. */
static void differ_in_each_byte(struct slice payload, const struct kind *kind, const char *what)
{
	static const char others[] = "\"\\,:{}09a- \x1f\x7f\xc3\xff";
	char text[512];
	int wrong = 0, taken = 0;
	for (size_t i = 0; i < payload.n; i++) {
		size_t mark = arena_mark();
		for (size_t k = 0; k < sizeof others; k++) {
			memcpy(text, payload.p, payload.n);
			text[i] = others[k];
			wrong += differs((struct slice){ text, payload.n }, kind, &taken);
		}
		memcpy(text, payload.p, i);
		memcpy(text + i, payload.p + i + 1, payload.n - i - 1);
		wrong += differs((struct slice){ text, payload.n - 1 }, kind, &taken);
		memcpy(text + i, payload.p + i, payload.n - i);
		memcpy(text + i + 1, payload.p + i, payload.n - i);
		wrong += differs((struct slice){ text, payload.n + 1 }, kind, &taken);
		arena_back(mark);
	}
	is_int(wrong, 0, "%s: what is read as it was written is read alike (%d of them)", what, taken);
	ok(taken > 0, "and some are");
}

static void test_as_written(void)
{
	const struct access_claims access = { .iss = S("latchkey"), .aud = S("latchkey"), .name = S("j\xc3\xbcrgen"), .sub = 1, .sid = 2, .iat = 1700000000,
		.exp = 1700000900, .jti = 3, .client_id = S("app"), .scope = S("read write") };
	const struct refresh_claims refresh = { .iss = S("latchkey"), .sid = 2, .ctr = 7, .br = 4, .iat = 1700000000, .exp = 1702592000 };
	int taken = 0;
	struct slice written[] = { write_claims(&kinds[JWT_ACCESS], &access), write_claims(&kinds[JWT_REFRESH], &refresh) };
	is_int(differs(written[0], &kinds[JWT_ACCESS], &taken) + differs(written[1], &kinds[JWT_REFRESH], &taken), 0, "as they are written");
	is_int(taken, 2, "both are read so");
	differ_in_each_byte(written[0], &kinds[JWT_ACCESS], "access");
	differ_in_each_byte(written[1], &kinds[JWT_REFRESH], "refresh");
}

int main(void)
{
	test_as_written();
	test_vectors();
	test_hurry();
	test_labels();
	return done_testing();
}
