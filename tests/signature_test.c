/*
 * signature_test: signatures of ES256 and RS256 against the vectors of WebAuthn Level 3 (16) and RFC 7515 (A.2), and each way to be wrong.
 */
#include "signature.h"

#include "base/base64.h"
#include "t.h"

static struct slice hex(const char *digits)
{
	size_t n = strlen(digits) / 2;
	uint8_t *bytes = arena(n + 1);
	ok(parse_hex(slice_of(digits), bytes, n), "hexadecimal");
	return (struct slice){ (const char *)bytes, n };
}

static struct slice letters(const char *text)
{
	struct slice bytes = SLICE_NONE;
	ok(base64url_read(slice_of(text), &bytes), "base64url");
	return bytes;
}

static struct slice flipped(struct slice s, size_t at)
{
	char *copy = slice_text(s);
	copy[at] ^= 1;
	return (struct slice){ copy, s.n };
}

/* WebAuthn Level 3, 16.7 (packed.ES256): authenticator data, and the hash of client data. */
#define ES256_KEY "1cf27f25da591208a4239c2e324f104f585525479a29edeedd830f48e77aeae5" \
	"59e4b7da6c0106e206ce390c93ab98a15a5ec3887e57f0cc2bece803b920c423"
#define ES256_DATA "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50d00000000"
#define ES256_HASH "1f830b6dcd0c81fde2f326f7d7bb47c94534ea17cb4a74fc35b5f0850e22932d"
#define ES256_SIGNATURE "30450220694969d3ee928de6f02ef23a9c644d7d779916451734a94b432542f498a1ebe9" \
	"0221008b0819c824218a97152cd099c55bfb1477b29d900a49a64018314f9bfccda163"

/* RFC 7515, A.2.1: n */
#define RFC7515_N \
	"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOW" \
	"vG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9k" \
	"G4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
#define RFC7515_INPUT "eyJhbGciOiJSUzI1NiJ9." \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define RFC7515_SIGNATURE \
	"cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4" \
	"BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv" \
	"hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"

/* openssl dgst -sha256 and -sha1 of "sample" */
#define OTHER_N \
	"bd1341bf743a7019ab28ea779756b172ba7a7ee26925750faffb98c0a7aff80a3de1fcd80d362bcfcf78d5e311481eb7728e06def641dbbedc014dd0641d0290" \
	"71d15716b7733c16ab9f91036541bfde50ac4ce78b6f5662ce9a3345a56ac7c581f8808fe354947020942fdba5ec4c54eb507e19d96ff1cba78bfd5a64bc539e" \
	"9fb4f70d2ca3dd08e9b7dcb2993ac8de823080daecb86cc69809e0da7fe9987e19c23b209050bb264fe58cecc7bb9a6e447f71480b4638812572502c74bd2aef" \
	"c627b199b82d98631c311d1da63e27de7e91ede2464ede8aba1aeda1467577e3c6f467082c8c849932dd3d1c2656ba5a896f1c06e6e089ce97198f56efa5fd37"
#define OTHER_SHA256 \
	"20ab22ca4f2c306aa7cc5419bb5366f75c90bd55000e681317a973ef5f044fd1bb865151a7b5ee3736d39f2e6691b6b91d5859986bf3c44b4306e5652ed3e3b8" \
	"2e9fb893a2de5e3ead025ceab050e6dec9041b5f8b18ef400e5b6d8b12fc86ee102e191f843d9d57f65879398202cbc5a26df9d82ae3d5933471ce0cbfc3ecc7" \
	"d77c21af3607f342c12717e88452aead262c2e06d972b86831c089b5ea0b6cc5f4d10b61fb9cfc51745e9cf286cecaa5fc001dba0c6f2f86f50b76bad22b2e31" \
	"88d45296288fcb2db162e228166399bc4bd45ddd0757b940646ba904e00a0b347b55045228ff7a54a3aa4b04d0e62078dba780cda1408cd389c9b13eb95d6116"
#define OTHER_SHA1 \
	"a81ed3e36770f8e246f47aff0753529ca86a1ed89c7f0b1f833164b8dd19618f50e6e4da6d332a15d56ddfcbfcb4c9fddf0c0c6b2b9442459de0e54bc66a2bb5" \
	"8cfc9603114e3e2c51ec87757f9d2e1ec4576d4f00a064dc037434ce25c51d8bdf568e93d972ac78228bc95dbfd1a642322fefc6cf3945864fb69218cc6ef2aa" \
	"617238cf3754f9c6c5f8266958d92fc6f1b7c6d848306281a0677b5a5079fee6e9c5725bcc593f24a8c8918a59b6b4b805194c18a87c658eaa50f50237bf0502" \
	"07ada858dfff3ea140dfde0ba3bb2a38e6d53ff292271479138217f0844eb41404e5a84ee926456073e748002b7e5886254a55b59ee2b236d4327a171ad528b0"

/* ---- ES256 -------------------------------------------------------------- */

static void test_es256(void)
{
	struct slice key = hex(ES256_KEY), input = hex(ES256_DATA ES256_HASH), signature = hex(ES256_SIGNATURE);
	ok(signature_is_good(key, input, signature), "WebAuthn 16.7");
	ok(!signature_is_good(key, flipped(input, 36), signature), "another counter");
	ok(!signature_is_good(flipped(key, 63), input, signature), "a point that isn't on the curve");
	ok(!signature_is_good(flipped(key, 0), input, signature), "nor is this");
	for (size_t i = 0; i < signature.n; i++)
		ok(!signature_is_good(key, input, flipped(signature, i)), "byte %zu of the signature", i);
	for (size_t n = 0; n < signature.n; n++)
		ok(!signature_is_good(key, input, (struct slice){ signature.p, n }), "%zu bytes of it", n);
	ok(!signature_is_good(slice_from(key, 1), input, signature), "a key of 63 bytes");
}

/* BearSSL takes integers with more zeros in front than DER has; how many, is bounded. */
static void test_lengths(void)
{
	struct slice key = hex(ES256_KEY), input = hex(ES256_DATA ES256_HASH), s = slice_from(hex(ES256_SIGNATURE), 2);
	for (size_t zeros = 0; zeros < 12; zeros++) {
		struct buf b = { 0 };
		buf_c(&b, 0x30);
		buf_c(&b, (char)(s.n + zeros));
		buf_c(&b, 2);
		buf_c(&b, (char)(32 + zeros));
		for (size_t i = 0; i < zeros; i++)
			buf_c(&b, 0);
		buf_add(&b, slice_from(s, 2));
		is_int(signature_is_good(key, input, buf_slice(&b)), b.n <= SIGNATURE_ES256_MOST, "%zu bytes", b.n);
	}
}

/* r and s must lie between 0 and the order. */
static void test_range(void)
{
	static const char *const wrong[] = {
		"3006020100020100", "3006020101020100", "3006020100020101",
		"3026022100ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551020101",
		"3026020101022100ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
		"3046022100ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff022100ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		ok(!signature_is_good(hex(ES256_KEY), hex(ES256_DATA ES256_HASH), hex(wrong[i])), "r and s: %s", wrong[i]);
}

/* ---- RS256 -------------------------------------------------------------- */

static void test_rs256(void)
{
	struct slice key = letters(RFC7515_N), input = S(RFC7515_INPUT), signature = letters(RFC7515_SIGNATURE);
	is_int(key.n, SIGNATURE_RS256_KEY, "a key of 2048 bits");
	ok(signature_is_good(key, input, signature), "RFC 7515 A.2");
	ok(!signature_is_good(key, S("other"), signature), "of another text");
	ok(!signature_is_good(flipped(key, 200), input, signature), "by another key");
	ok(!signature_is_good(key, input, flipped(signature, 255)), "changed");
	ok(!signature_is_good(key, input, slice_from(signature, 1)), "too short");
	ok(!signature_is_good(key, input, key), "the modulus itself");
	ok(!signature_is_good(S(""), input, signature), "without a key");
}

/* RFC 8032, 7.1, TEST 3; by a key whose length says so. */
static void test_ed25519(void)
{
	struct slice key = hex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"), input = hex("af82");
	struct slice signature = hex("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a");
	ok(signature_is_good(key, input, signature), "RFC 8032, 7.1");
	ok(!signature_is_good(key, flipped(input, 1), signature), "of another text");
	for (size_t i = 0; i < signature.n; i++)
		ok(!signature_is_good(key, input, flipped(signature, i)), "byte %zu of the signature", i);
	ok(!signature_is_good(key, input, slice_from(signature, 1)), "too short");
	ok(!signature_is_good(flipped(key, 3), input, signature), "by another key");
	ok(!signature_is_good(hex("0100000000000000000000000000000000000000000000000000000000000000"), input, hex("0100000000000000000000000000000000000000000000000000000000000000"
		"0000000000000000000000000000000000000000000000000000000000000000")), "a key of small order, which signs any text");
	is_str(slice_text(signature_algorithms()), "[-7,-8,-257]", "what is known");
}

/* With e = 3 one could make a signature whose hash lies elsewhere in the block; so the block is compared whole. */
static void test_sha1(void)
{
	struct slice key = hex(OTHER_N);
	ok(signature_is_good(key, S("sample"), hex(OTHER_SHA256)), "a key of openssl's");
	ok(!signature_is_good(key, S("sample"), hex(OTHER_SHA1)), "with SHA-1 it isn't RS256");
}

/* RFC 7515, A.3.1: in a JWS the two numbers stand as they are. */
static void test_jws(void)
{
	const char *x = "7fcdce2770f6c45d4183cbee6fdb4b7b580733357be9ef13bacf6e3c7bd15445", *y = "c7f144cd1bbd9b7e872cdfedb9eeb9f4b3695d6ea90b24ad8a4623288588e5ad";
	struct slice key = hex(text_join(x, y, NULL));
	struct slice input = S("eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ");
	struct slice signature = letters("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");
	ok(signature_is_good_jws(key, input, signature), "RFC 7515, A.3");
	ok(!signature_is_good_jws(key, flipped(input, 3), signature), "of another text");
	ok(!signature_is_good_jws(key, input, slice_from(signature, 1)), "too short a signature");
	ok(!signature_is_good_jws(slice_from(key, 1), input, signature), "too short a key");
	ok(!signature_is_good_jws(key, input, hex(ES256_SIGNATURE)), "one in DER");
}

int main(void)
{
	test_jws();
	test_es256();
	test_lengths();
	test_range();
	test_rs256();
	test_ed25519();
	test_sha1();
	return done_testing();
}
