/*
 * passkey_test: client data as browsers and apps write it, authenticator data, and each check that either can fail; against the
 * vectors of WebAuthn Level 3 (16). Those are of https://example.org.
 */
#include "passkey.h"

#include "derive.h"
#include "t.h"

static struct config config;

static void configure(const char *text)
{
	const char *wrong = config_parse(slice_of(text), &config);
	ok(wrong == NULL, "configuration %s", wrong ? wrong : text);
}

static struct slice hex(const char *digits)
{
	size_t n = strlen(digits) / 2;
	uint8_t *bytes = arena(n + 1);
	ok(parse_hex(slice_of(digits), bytes, n), "hexadecimal");
	return (struct slice){ (const char *)bytes, n };
}

/* ---- the relying party ------------------------------------------------- */

static void test_rp_id(void)
{
	static const struct { const char *conf, *id; } cases[] = {
		{ "issuer=https://auth.example/api/auth", "auth.example" },
		{ "issuer=https://auth.example:8443/api", "auth.example" },
		{ "issuer=http://localhost:8080", "localhost" },
		{ "issuer=https://auth.example/x\nrp_id=example", "example" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		configure(cases[i].conf);
		is_str(slice_text(passkey_rp_id(&config)), cases[i].id, "its id");
	}
	configure("rp_id=example");
	ok(passkey_rp_id(&config).p == NULL, "where the issuer is no URL there are no passkeys");
}

/* ---- client data -------------------------------------------------------- */

#define ANDROID "android:apk-key-hash:7d1043473d55bfa90e8530d35801d4e381bc69f0_-A"
#define GET "\"type\":\"webauthn.get\""
#define CHALLENGE "\"challenge\":\"AAEC\""
#define ORIGIN "\"origin\":\"https://example.org\""

static const struct { const char *who, *text; } good[] = {
	{ "Chromium", "{" GET "," CHALLENGE "," ORIGIN ",\"crossOrigin\":false}" },
	{ "Chromium, with what it adds now and then", "{" GET "," CHALLENGE "," ORIGIN ",\"crossOrigin\":false,\"other_keys_can_be_added_here\":"
	  "\"do not compare clientDataJSON against a template. See https://goo.gl/yabPex\"}" },
	{ "older Firefox", "{" CHALLENGE ",\"clientExtensions\":{},\"hashAlgorithm\":\"SHA-256\"," ORIGIN "," GET "}" },
	{ "older WebKit", "{" GET "," ORIGIN "," CHALLENGE "}" },
	{ "iOS, an app", "{" GET "," CHALLENGE "," ORIGIN "}" },
	{ "Android, an app", "{" GET "," CHALLENGE ",\"origin\":\"" ANDROID "\",\"androidPackageName\":\"org.example.app\"}" },
	{ "a page below", "{" GET "," CHALLENGE ",\"origin\":\"https://app.example.org:8443\"}" },
	{ "null is as nothing", "{" GET "," CHALLENGE "," ORIGIN ",\"crossOrigin\":null,\"topOrigin\":null}" },
	{ "escapes, spaces", " { \"\\u0074ype\" : \"webauthn\\u002eget\" , " CHALLENGE ", \"origin\" : \"https:\\/\\/example.org\" } " },
};

static const struct { const char *why, *text; enum error e; } bad[] = {
	{ "empty", "", ERROR_INVALID_REQUEST },
	{ "no JSON", "{" GET "," CHALLENGE "," ORIGIN ",}", ERROR_INVALID_REQUEST },
	{ "a member twice", "{" GET "," GET "," CHALLENGE "," ORIGIN "}", ERROR_INVALID_REQUEST },
	{ "no type", "{" CHALLENGE "," ORIGIN "}", ERROR_INVALID_REQUEST },
	{ "of a registration", "{\"type\":\"webauthn.create\"," CHALLENGE "," ORIGIN "}", ERROR_INVALID_REQUEST },
	{ "of a payment", "{\"type\":\"payment.get\"," CHALLENGE "," ORIGIN "}", ERROR_INVALID_REQUEST },
	{ "no challenge", "{" GET "," ORIGIN "}", ERROR_INVALID_REQUEST },
	{ "a challenge with padding", "{" GET ",\"challenge\":\"AAE=\"," ORIGIN "}", ERROR_INVALID_REQUEST },
	{ "a number for a challenge", "{" GET ",\"challenge\":1," ORIGIN "}", ERROR_INVALID_REQUEST },
	{ "no origin", "{" GET "," CHALLENGE "}", ERROR_INVALID_REQUEST },
	{ "another origin", "{" GET "," CHALLENGE ",\"origin\":\"https://example.com\"}", ERROR_CROSS_SITE },
	{ "the same by http", "{" GET "," CHALLENGE ",\"origin\":\"http://example.org\"}", ERROR_CROSS_SITE },
	{ "another port", "{" GET "," CHALLENGE ",\"origin\":\"https://example.org:444\"}", ERROR_CROSS_SITE },
	{ "with a slash", "{" GET "," CHALLENGE ",\"origin\":\"https://example.org/\"}", ERROR_CROSS_SITE },
	{ "what begins with ours", "{" GET "," CHALLENGE ",\"origin\":\"https://example.org.evil\"}", ERROR_CROSS_SITE },
	{ "no origin at all", "{" GET "," CHALLENGE ",\"origin\":\"\"}", ERROR_CROSS_SITE },
	{ "two of the list", "{" GET "," CHALLENGE ",\"origin\":\"https://app.example.org:8443 " ANDROID "\"}", ERROR_CROSS_SITE },
	{ "another app", "{" GET "," CHALLENGE ",\"origin\":\"android:apk-key-hash:0000043473d55bfa90e8530d35801d4e381bc69f0_-\"}", ERROR_CROSS_SITE },
	{ "in a frame", "{" GET "," CHALLENGE "," ORIGIN ",\"crossOrigin\":true}", ERROR_CROSS_SITE },
	{ "no word of it", "{" GET "," CHALLENGE "," ORIGIN ",\"crossOrigin\":\"false\"}", ERROR_CROSS_SITE },
	{ "in a page", "{" GET "," CHALLENGE "," ORIGIN ",\"crossOrigin\":false,\"topOrigin\":\"https://example.com\"}", ERROR_CROSS_SITE },
	{ "even in our own", "{" GET "," CHALLENGE "," ORIGIN ",\"topOrigin\":\"https://example.org\"}", ERROR_CROSS_SITE },
};

static void test_client_data(void)
{
	struct slice challenge = SLICE_NONE;
	configure("issuer=https://example.org/api/auth\npasskey_origins=https://app.example.org:8443 " ANDROID);
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		challenge = SLICE_NONE;
		is_int(passkey_read_client(&config, PASSKEY_SIGN_IN, slice_of(good[i].text), &challenge), ERROR_NONE, "%s", good[i].who);
		ok(slice_is(challenge, (struct slice){ "\0\1\2", 3 }), "and its challenge");
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		is_int(passkey_read_client(&config, PASSKEY_SIGN_IN, slice_of(bad[i].text), &challenge), bad[i].e, "%s", bad[i].why);
	is_int(passkey_read_client(&config, PASSKEY_REGISTER, slice_of(good[0].text), &challenge), ERROR_INVALID_REQUEST, "to register");
	is_int(passkey_read_client(&config, PASSKEY_REGISTER, S("{\"type\":\"webauthn.create\"," CHALLENGE "," ORIGIN "}"), &challenge),
		ERROR_NONE, "is another type");
	struct buf b = { 0 };
	buf_s(&b, good[0].text);
	buf_pad(&b, 0, PASSKEY_CLIENT_DATA);
	is_int(passkey_read_client(&config, PASSKEY_SIGN_IN, buf_slice(&b), &challenge), ERROR_NONE, "1 KiB");
	buf_c(&b, ' ');
	is_int(passkey_read_client(&config, PASSKEY_SIGN_IN, buf_slice(&b), &challenge), ERROR_INVALID_REQUEST, "and a byte");
}

/* ---- authenticator data ------------------------------------------------- */

#define RP "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b5"
#define COUNT0 "00000000"
#define MODEL "876ca4f52071c3e9b25509ef2cdf7ed6"
#define ID "c9a6f5b3462d02873fea0c56862234f99f081728084e511bb7760201a89054a5"
#define X "1cf27f25da591208a4239c2e324f104f585525479a29edeedd830f48e77aeae5"
#define Y "59e4b7da6c0106e206ce390c93ab98a15a5ec3887e57f0cc2bece803b920c423"
#define COSE "a5010203262001215820" X "225820" Y
#define N64 "bd1341bf743a7019ab28ea779756b172ba7a7ee26925750faffb98c0a7aff80a3de1fcd80d362bcfcf78d5e311481eb7728e06def641dbbedc014dd0641d0290"
#define N N64 N64 N64 N64
#define COSE_RSA "a401030339010020590100" N "2143010001"
#define COSE_EDDSA "a401010327200621582044e06ddd331c36a8dc667bab52bcae63486c916aa5e339e6acebaa84934bf832"
#define CREDENTIAL MODEL "0020" ID

static const struct { const char *what, *data; enum error e; } registrations[] = {
	{ "packed.ES256 (16.7)", RP "4d" COUNT0 CREDENTIAL COSE, ERROR_NONE },
	{ "packed-self.ES256 (16.3)", RP "5d" COUNT0 "df850e09db6afbdfab51697791506cfc0020455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecd"
	  "ca129cbef58ca5010203262001215820eb151c8176b225cc651559fecf07af450fd85802046656b34c18f6cf193843c5225820927b8aa427a2be1b8834d2"
	  "33a2d34f61f13bfd44119c325d5896e183fee484f2", ERROR_NONE },
	{ "none.ES256 (16.2): nobody proved who he is", RP "59" COUNT0 "8446ccb9ab1db374750b2367ff6f3a1f0020f91f391db4c9b2fde0ea70189cba3fb6"
	  "3f579ba6122b33ad94ff3ec330084be4a5010203262001215820afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df6122582093"
	  "0a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220", ERROR_INVALID_REQUEST },
	{ "RS256", RP "45" COUNT0 CREDENTIAL COSE_RSA, ERROR_NONE },
	{ "RS256 and an extension", RP "c5" COUNT0 CREDENTIAL COSE_RSA "a16863726564426c6f62f4", ERROR_NONE },
	{ "ES256 and an extension", RP "c5" COUNT0 CREDENTIAL COSE "a0", ERROR_NONE },
	{ "what no flag tells of", RP "45" COUNT0 CREDENTIAL COSE "a0", ERROR_INVALID_REQUEST },
	{ "for another host", "00" RP "45" COUNT0 CREDENTIAL COSE, ERROR_INVALID_REQUEST },
	{ "nobody there", RP "44" COUNT0 CREDENTIAL COSE, ERROR_INVALID_REQUEST },
	{ "nobody proved", RP "41" COUNT0 CREDENTIAL COSE, ERROR_INVALID_REQUEST },
	{ "backed up, and can't be", RP "55" COUNT0 CREDENTIAL COSE, ERROR_INVALID_REQUEST },
	{ "backed up", RP "5d" COUNT0 CREDENTIAL COSE, ERROR_NONE },
	{ "without a credential", RP "05" COUNT0 CREDENTIAL COSE, ERROR_INVALID_REQUEST },
	{ "really without", RP "45" COUNT0, ERROR_INVALID_REQUEST },
	{ "an id of no bytes", RP "45" COUNT0 MODEL "0000" COSE, ERROR_INVALID_REQUEST },
	{ "a longer id than all", RP "45" COUNT0 MODEL "0400" ID COSE, ERROR_INVALID_REQUEST },
	{ "ES384", RP "45" COUNT0 CREDENTIAL "a5010203382220022158200000", ERROR_INVALID_REQUEST },
	{ "packed.EdDSA (16.11): nobody proved who he is", RP "41" COUNT0 CREDENTIAL COSE_EDDSA, ERROR_INVALID_REQUEST },
	{ "Ed25519", RP "45" COUNT0 CREDENTIAL COSE_EDDSA, ERROR_NONE },
	{ "Ed25519 and an extension", RP "c5" COUNT0 CREDENTIAL COSE_EDDSA "a0", ERROR_NONE },
	{ "half of it", RP "45" COUNT0 CREDENTIAL "a401010327200621582044e0", ERROR_INVALID_REQUEST },
	{ "X25519, which signs nothing", RP "45" COUNT0 CREDENTIAL "a401010327200421582044e06ddd331c36a8dc667bab52bcae63486c916aa5e339e6acebaa84934bf832", ERROR_INVALID_REQUEST },
	{ "packed.RS256 (16.10): of 3488 bits", RP "5d" COUNT0 "428f8878298b9862a36ad8c7527bfef20020992a18acc83f67533600c1138a4b4c4bd236de13629cf025ed17cb00b00b74df"
	  "a4010303390100205901b403" N64 N64 N64 N64 N64 N64 N64 "2143010001", ERROR_INVALID_REQUEST },
	{ "a compressed point", RP "45" COUNT0 CREDENTIAL "a5010203262001215820" X "22f5", ERROR_INVALID_REQUEST },
	{ "another order", RP "45" COUNT0 CREDENTIAL "a5030201262001215820" X "225820" Y, ERROR_INVALID_REQUEST },
	{ "x alone", RP "45" COUNT0 CREDENTIAL "a5010203262001215820" X, ERROR_INVALID_REQUEST },
	{ "half of y", RP "45" COUNT0 CREDENTIAL "a5010203262001215820" X "22582059e4", ERROR_INVALID_REQUEST },
	{ "RSA of 1024 bits", RP "45" COUNT0 CREDENTIAL "a401030339010020590080" N64 N64 "2143010001", ERROR_INVALID_REQUEST },
	{ "exponent 3", RP "45" COUNT0 CREDENTIAL "a401030339010020590100" N "214103", ERROR_INVALID_REQUEST },
	{ "half of n", RP "45" COUNT0 CREDENTIAL "a401030339010020590100" N64, ERROR_INVALID_REQUEST },
};

static void test_registrations(void)
{
	struct passkey_data d;
	configure("issuer=https://example.org");
	for (size_t i = 0; i < sizeof registrations / sizeof *registrations; i++)
		is_int(passkey_read_data(&config, PASSKEY_REGISTER, hex(registrations[i].data), &d), registrations[i].e, "%s", registrations[i].what);
	is_int(passkey_read_data(&config, PASSKEY_REGISTER, hex(registrations[0].data), &d), ERROR_NONE, "of the first");
	ok(slice_is(d.id, hex(ID)) && slice_is(d.key, hex(X Y)) && d.counter == 0 && d.flags == 0x4d, "id, key, counter, flags");
	is_int(passkey_read_data(&config, PASSKEY_REGISTER, hex(RP "45fffefdfc" CREDENTIAL COSE_RSA), &d), ERROR_NONE, "of RS256");
	ok(slice_is(d.key, hex(N)) && d.counter == 0xfffefdfc, "key, counter");
	is_int(passkey_read_data(&config, PASSKEY_REGISTER, hex(RP "45" COUNT0 CREDENTIAL COSE_EDDSA), &d), ERROR_NONE, "of Ed25519");
	ok(slice_is(d.key, hex("44e06ddd331c36a8dc667bab52bcae63486c916aa5e339e6acebaa84934bf832")), "its key");
	struct slice whole = hex(registrations[0].data);
	for (size_t n = 0; n < whole.n; n++)
		is_int(passkey_read_data(&config, PASSKEY_REGISTER, (struct slice){ whole.p, n }, &d), ERROR_INVALID_REQUEST, "%zu bytes of it", n);
}

static void test_sizes(void)
{
	static char bytes[PASSKEY_AUTHENTICATOR_DATA + 1];
	struct passkey_data d;
	struct slice begin = hex(RP "c5" COUNT0 MODEL), key = hex(COSE);
	memcpy(bytes, begin.p, begin.n);
	for (size_t n = 1; n <= 256; n += n == 1 ? 254 : 1) {
		bytes[begin.n] = (char)(n >> 8);
		bytes[begin.n + 1] = (char)n;
		memcpy(bytes + begin.n + 2 + n, key.p, key.n);
		is_int(passkey_read_data(&config, PASSKEY_REGISTER, (struct slice){ bytes, begin.n + 2 + n + key.n }, &d),
			n <= KEYS_ID ? ERROR_NONE : ERROR_INVALID_REQUEST, "an id of %zu bytes", n);
	}
	bytes[32] = (char)0x85;
	is_int(passkey_read_data(&config, PASSKEY_SIGN_IN, (struct slice){ bytes, sizeof bytes - 1 }, &d), ERROR_NONE, "1 KiB");
	is_int(passkey_read_data(&config, PASSKEY_SIGN_IN, (struct slice){ bytes, sizeof bytes }, &d), ERROR_INVALID_REQUEST, "and a byte");
}

static void test_assertions(void)
{
	static const struct { const char *what, *data; enum error e; } cases[] = {
		{ "packed.ES256 (16.7)", RP "0d" COUNT0, ERROR_NONE },
		{ "a counter", RP "05fffffffe", ERROR_NONE },
		{ "none.ES256 (16.2): nobody proved who he is", RP "19" COUNT0, ERROR_INVALID_REQUEST },
		{ "none.ES256.topOrigin (16.5)", RP "05" COUNT0, ERROR_NONE },
		{ "an extension", RP "85" COUNT0 "a0", ERROR_NONE },
		{ "a credential once more", RP "45" COUNT0 CREDENTIAL COSE, ERROR_NONE },
		{ "what no flag tells of", RP "05" COUNT0 "a0", ERROR_INVALID_REQUEST },
		{ "nobody there", RP "0c" COUNT0, ERROR_INVALID_REQUEST },
		{ "backed up, and can't be", RP "15" COUNT0, ERROR_INVALID_REQUEST },
		{ "too short", RP "05000000", ERROR_INVALID_REQUEST },
		{ "for another host", "00" RP "0500000000", ERROR_INVALID_REQUEST },
	};
	struct passkey_data d;
	configure("issuer=https://login.example.org\nrp_id=example.org");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		is_int(passkey_read_data(&config, PASSKEY_SIGN_IN, hex(cases[i].data), &d), cases[i].e, "%s", cases[i].what);
	configure("issuer=https://login.example.org");
	is_int(passkey_read_data(&config, PASSKEY_SIGN_IN, hex(cases[0].data), &d), ERROR_INVALID_REQUEST, "for a host above");
}

/* ---- beside the credential ---------------------------------------------- */

static void test_counters(void)
{
	static const struct { int64_t kept, shown; bool fits; } cases[] = {
		{ 0, 0, true }, { 0, 1, true }, { 1, 2, true }, { 1, 1, false }, { 2, 1, false }, { 1, 0, false }, { 5, UINT32_MAX, true },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct user_key k = { .counter = cases[i].kept, .flags = 0x45 };
		struct passkey_data d = { .counter = cases[i].shown, .flags = 0x05 };
		is_int(passkey_fits(&k, &d), cases[i].fits, "from %d to %u", (int)cases[i].kept, (unsigned)cases[i].shown);
		d.flags = 0x0d;
		ok(!passkey_fits(&k, &d), "but not where it may be backed up at once");
		k.flags = 0x5d;
		is_int(passkey_fits(&k, &d), cases[i].fits, "and was before");
		d.flags = 0x05;
		ok(!passkey_fits(&k, &d), "nor where it may no longer");
	}
}

/* The assertions of 16.2, 16.3, 16.7, 16.11 and of the one by Apple's attestation, by the keys of their registrations. */
static void test_signatures(void)
{
	static const struct { const char *key, *data, *client_data, *signature; } cases[] = {
		{ "afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220",
		  RP "19" COUNT0, "{" GET ",\"challenge\":\"OcDnUhQXulTUPo3JUXT0I97pvzzYBP9tZchXyav01Ag\"," ORIGIN ",\"crossOrigin\":false}",
		  "3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd380221008480ac0f0b93538174f575bf11a1dd5d78c6e486013f93"
		  "7295ea13653e331e87" },
		{ "eb151c8176b225cc651559fecf07af450fd85802046656b34c18f6cf193843c5927b8aa427a2be1b8834d233a2d34f61f13bfd44119c325d5896e183fee484f2",
		  RP "09" COUNT0, "{" GET ",\"challenge\":\"RHihCxNSNI3RYME1Ow1Gm12xnrkcJ_ffpv7Tn-Jq8gs\"," ORIGIN ",\"crossOrigin\":false,\"extraData\":"
		  "\"clientDataJSON may be extended with additional fields in the future, such as this: gTb53rz6EhSWomXGzimC1Q\"}",
		  "304402203310b9431903c401f1be2bdc8d23a4007682dbbddcf846994947b7f465daf84002204e94dd00047b316061b3b99772b7efd95994a83ef584b3b6b8"
		  "25ea3550251b66" },
		{ X Y, RP "0d" COUNT0, "{" GET ",\"challenge\":\"sRBvpGpXvvF4FRHAVX3ImKA0E9Xw8X0kRjDBlMfhrbU\"," ORIGIN ",\"crossOrigin\":false,\"extraData\":"
		  "\"clientDataJSON may be extended with additional fields in the future, such as this: AZMwyMxIbD8-uguFNp6r8Q\"}",
		  "30450220694969d3ee928de6f02ef23a9c644d7d779916451734a94b432542f498a1ebe90221008b0819c824218a97152cd099c55bfb1477b29d900a49a640"
		  "18314f9bfccda163" },
		{ "44e06ddd331c36a8dc667bab52bcae63486c916aa5e339e6acebaa84934bf832", RP "01" COUNT0,
		  "{" GET ",\"challenge\":\"iVlX4BxjOmmDSKLYoxpUt9sn6MHEOyCA15riGQJnv9I\"," ORIGIN ",\"crossOrigin\":false}",
		  "f5c59c7e46c34f6f8cc197101ddf9934fa2595f68eb1913a637e8419eb9ba4cfdfc48f85393bc0d40b011f0d6fecb097d6607525713223a0dc0d453993dae00b" },
		{ "8a3d5b1b4c543a706bf6e4b00afedb3c930b690dd286934fe2911f779cc7761af728e1aa3b0ff66692192daa776b83ddf8e3340d2d9a0eabdfc324eb3e2f136c",
		  RP "09" COUNT0, "{" GET ",\"challenge\":\"0-spZGQeJv7QI0A6ct3gk7GcS6kAjD-d2D_P00embQU\"," ORIGIN ",\"crossOrigin\":false}",
		  "3046022100ee35db795ce28044e1f8231d68b3d79a9882f7415aa35c1b5ac74d24251073c8022100dcc65691650a412d0ceef843710c09827acf26c7845bdd"
		  "ac07eec95863e7fc4c" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct user_key k = { .key = hex(cases[i].key) };
		struct slice data = hex(cases[i].data), client_data = slice_of(cases[i].client_data), signature = hex(cases[i].signature);
		ok(passkey_signed(&k, data, client_data, signature), "vector %zu", i);
		ok(!passkey_signed(&k, data, slice_from(client_data, 1), signature), "other client data");
		ok(!passkey_signed(&k, slice_from(data, 1), client_data, signature), "other authenticator data");
		ok(!passkey_signed(&k, data, client_data, slice_from(signature, 1)), "another signature");
		k.key = hex(i ? cases[0].key : cases[1].key);
		ok(!passkey_signed(&k, data, client_data, signature), "another key");
	}
}

int main(void)
{
	test_rp_id();
	test_client_data();
	test_registrations();
	test_sizes();
	test_assertions();
	test_counters();
	test_signatures();
	return done_testing();
}
