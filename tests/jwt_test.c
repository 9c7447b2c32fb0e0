/*
 * jwt_test: what a token is, and all that may be wrong with one.
 *
 * Tokens with any header and payload are signed here with the right key, made
 * of jwt_derive() and BearSSL's HMAC, which hmac_test holds against the RFCs.
 * The tokens and numbers that are expected byte for byte were made by another
 * implementation (Python's hmac and hashlib).
 */
#include "config.h"
#include "jwt.h"
#include "base/base64.h"
#include "t.h"

#include <bearssl_hash.h>
#include <bearssl_hmac.h>
#include <sys/stat.h>

enum { MAC_SIZE = br_sha256_SIZE };
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#define T(literal) { "" literal, sizeof(literal) - 1 }

static struct keyring ring;

/* key[0] signs; key[1] is older; `retired` and `stranger` aren't in the ring. */
static struct key retired, stranger;

static struct key key_of(const char *kid, uint8_t first)
{
	struct key k = { .created_at = 1 };
	memcpy(k.kid, kid, KID_LENGTH + 1);
	for (int i = 0; i < KEY_SIZE; i++)
		k.master[i] = (uint8_t)(first + i);
	return k;
}

static void make_keys(void)
{
	ring.key[0] = key_of("00c0ffee", 0);
	ring.key[1] = key_of("0ddba115", 1);
	ring.count = 2;
	retired = key_of("deadbeef", 2);
	stranger = key_of("00c0ffee", 3);
}

static const struct access_claims access_example = {
	.iss = T("latchkey"), .aud = T("app"), .name = T("J\"os\xc3\xa9"), .sub = 0xa1, .sid = INT64_MAX,
	.iat = 1700000000, .exp = 1700000900, .jti = 0x0123456789abcdef,
};
static const struct refresh_claims refresh_example = {
	.iss = T("latchkey"), .sid = INT64_MAX, .ctr = 7, .br = 0xfedcba9876543210, .iat = 1700000000, .exp = 1702592000,
};
static const struct site_claims site_example = { .sid = INT64_MAX, .iat = 1700000000, .door = 1 };
static const struct link_claims link_example = {
	.iss = T("latchkey"), .sub = 0xa1, .pw = 0xfedcba9876543210, .iat = 1700000000, .exp = 1700086400,
};
static const struct code_claims code_example = {
	.iss = T("latchkey"), .sid = INT64_MAX, .sub = 0xa1, .cid = T("app"), .uri = T("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), .ch = T(""),
	.scope = 5, .nonce = T("n-0S6_WzA2Mj"), .at = 1700000000, .amr = 1, .pw = 0xfedcba9876543210, .sso = 1, .st = 3, .iat = 1700000000, .exp = 1700000060,
};
static const struct device_claims device_example = {
	.iss = T("latchkey"), .cid = T("tv"), .scope = 8, .uc = T("BCDFGHJKLMNP"), .iat = 1700000000, .exp = 1700000600,
};
static const struct enrol_claims enrol_example = {
	.iss = T("latchkey"), .sub = 0xa1, .key = T("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), .amr = 8, .pw = 0xfedcba9876543210, .iat = 1700000000, .exp = 1700000600,
};

#define ACCESS_PAYLOAD \
	"{\"iss\":\"latchkey\",\"sub\":\"00000000000000a1\",\"aud\":\"app\",\"sid\":\"7fffffffffffffff\"," \
	"\"iat\":1700000000,\"exp\":1700000900,\"jti\":\"0123456789abcdef\",\"name\":\"J\\\"os\xc3\xa9\"}"
#define REFRESH_PAYLOAD \
	"{\"iss\":\"latchkey\",\"sid\":\"7fffffffffffffff\",\"ctr\":7,\"br\":\"fedcba9876543210\"," \
	"\"iat\":1700000000,\"exp\":1702592000}"
#define SITE_PAYLOAD "{\"sid\":\"7fffffffffffffff\",\"iat\":1700000000,\"door\":1}"
#define LINK_PAYLOAD \
	"{\"iss\":\"latchkey\",\"sub\":\"00000000000000a1\",\"pw\":\"fedcba9876543210\",\"iat\":1700000000,\"exp\":1700086400}"
#define CODE_PAYLOAD \
	"{\"iss\":\"latchkey\",\"sid\":\"7fffffffffffffff\",\"sub\":\"00000000000000a1\",\"cid\":\"app\"," \
	"\"uri\":\"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\",\"ch\":\"\",\"scope\":5,\"nonce\":\"n-0S6_WzA2Mj\",\"at\":1700000000," \
	"\"amr\":1,\"pw\":\"fedcba9876543210\",\"by\":\"0000000000000000\",\"sso\":1,\"st\":3,\"iat\":1700000000,\"exp\":1700000060}"
#define DEVICE_PAYLOAD \
	"{\"iss\":\"latchkey\",\"cid\":\"tv\",\"scope\":8,\"uc\":\"BCDFGHJKLMNP\",\"iat\":1700000000,\"exp\":1700000600}"
#define ENROL_PAYLOAD \
	"{\"iss\":\"latchkey\",\"sub\":\"00000000000000a1\",\"key\":\"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\",\"amr\":8,\"pw\":\"fedcba9876543210\",\"iat\":1700000000,\"exp\":1700000600}"
static const struct slice payload_of[] = {
	T(ACCESS_PAYLOAD), T(REFRESH_PAYLOAD), T(SITE_PAYLOAD), T(LINK_PAYLOAD), T(CODE_PAYLOAD), T(DEVICE_PAYLOAD), T(ENROL_PAYLOAD)
};

static const struct slice token_of[] = {
	T("eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjAwYzBmZmVlIn0."
	  "eyJpc3MiOiJsYXRjaGtleSIsInN1YiI6IjAwMDAwMDAwMDAwMDAwYTEiLCJhdWQiOiJhcHAiLCJzaWQiOiI3ZmZmZmZmZmZmZmZmZmZmIi"
	  "wiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDA5MDAsImp0aSI6IjAxMjM0NTY3ODlhYmNkZWYiLCJuYW1lIjoiSlwib3PDqSJ9."
	  "unnoaT-yN-PRgLNycNqzds_iHhSWba1qF4goB15FwNQ"),
	T("eyJhbGciOiJIUzI1NiIsInR5cCI6InJ0K2p3dCIsImtpZCI6IjAwYzBmZmVlIn0."
	  "eyJpc3MiOiJsYXRjaGtleSIsInNpZCI6IjdmZmZmZmZmZmZmZmZmZmYiLCJjdHIiOjcsImJyIjoiZmVkY2JhOTg3NjU0MzIxMCIsImlhdC"
	  "I6MTcwMDAwMDAwMCwiZXhwIjoxNzAyNTkyMDAwfQ."
	  "b1be6kizoI3VYBdoBI44CN1O_HFwsaHhvJHcN2Cflp0"),
	T("eyJhbGciOiJIUzI1NiIsInR5cCI6InN0K2p3dCIsImtpZCI6IjAwYzBmZmVlIn0."
	  "eyJzaWQiOiI3ZmZmZmZmZmZmZmZmZmZmIiwiaWF0IjoxNzAwMDAwMDAwLCJkb29yIjoxfQ."
	  "NuMtWZzZ4mjK-huyFKxOrnIISgYO5fP8K7k3NlBgaOY"),
	T("eyJhbGciOiJIUzI1NiIsInR5cCI6ImxuK2p3dCIsImtpZCI6IjAwYzBmZmVlIn0."
	  "eyJpc3MiOiJsYXRjaGtleSIsInN1YiI6IjAwMDAwMDAwMDAwMDAwYTEiLCJwdyI6ImZlZGNiYTk4NzY1NDMyMTAiLCJpYXQiOjE3MDAwMDAwMD"
	  "AsImV4cCI6MTcwMDA4NjQwMH0."
	  "i3tNjRIPFqV8khXEXOF7h3oTKEmpFRsSQETkH9sUY1I"),
	T("eyJhbGciOiJIUzI1NiIsInR5cCI6ImFjK2p3dCIsImtpZCI6IjAwYzBmZmVlIn0."
	  "eyJpc3MiOiJsYXRjaGtleSIsInNpZCI6IjdmZmZmZmZmZmZmZmZmZmYiLCJzdWIiOiIwMDAwMDAwMDAwMDAwMGExIiwiY2lkIjoiYXBwIiwidXJpIjoi"
	  "RTlNZWxob2EyT3d2RnJFTVRKZ3VDSGFvZUsxdDhVUldidUdKU3N0dy1jTSIsImNoIjoiIiwic2NvcGUiOjUsIm5vbmNlIjoibi0wUzZfV3pBMk1qIiwi"
	  "YXQiOjE3MDAwMDAwMDAsImFtciI6MSwicHciOiJmZWRjYmE5ODc2NTQzMjEwIiwiYnkiOiIwMDAwMDAwMDAwMDAwMDAwIiwic3NvIjoxLCJzdCI6Mywi"
	  "aWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDAwNjB9."
	  "TfQwoD0W83-huBQ9XmqbMMuJoIUlr8prbbR-YEqNdZc"),
	T("eyJhbGciOiJIUzI1NiIsInR5cCI6ImRjK2p3dCIsImtpZCI6IjAwYzBmZmVlIn0."
	  "eyJpc3MiOiJsYXRjaGtleSIsImNpZCI6InR2Iiwic2NvcGUiOjgsInVjIjoiQkNERkdISktMTU5QIiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAw"
	  "MDA2MDB9."
	  "Khk1vEHQWLFRQWIzdAH6o7CAOYP0HKCJEcNbu_vz6Z8"),
	T("eyJhbGciOiJIUzI1NiIsInR5cCI6InRlK2p3dCIsImtpZCI6IjAwYzBmZmVlIn0."
	  "eyJpc3MiOiJsYXRjaGtleSIsInN1YiI6IjAwMDAwMDAwMDAwMDAwYTEiLCJrZXkiOiJHRVpER05CVkdZM1RRT0pRR0VaREdOQlZHWTNUUU9KUSIsImFt"
	  "ciI6OCwicHciOiJmZWRjYmE5ODc2NTQzMjEwIiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDA2MDB9."
	  "RbSO2H_5USLjeZcIjEgbi2igFeWa9wcaNpsGG2icYRA"),
};

static const char *const typ_of[] = { "at+jwt", "rt+jwt", "st+jwt", "ln+jwt", "ac+jwt", "dc+jwt", "te+jwt" };
enum { USES = sizeof typ_of / sizeof *typ_of };

/* ---- helpers ----------------------------------------------------------- */

static union {
	struct access_claims access;
	struct refresh_claims refresh;
	struct site_claims site;
	struct link_claims link;
	struct code_claims code;
	struct device_claims device;
	struct enrol_claims enrol;
	char bytes[sizeof(struct access_claims)];
} opened;

static enum jwt_verdict open_as(enum jwt_use use, struct slice token, size_t *signer)
{
	if (use == JWT_SITE)
		return jwt_open_site(token, &ring, &opened.site, signer);
	if (use == JWT_LINK)
		return jwt_open_link(token, &ring, &opened.link, signer);
	if (use == JWT_CODE)
		return jwt_open_code(token, &ring, &opened.code, signer);
	if (use == JWT_DEVICE)
		return jwt_open_device(token, &ring, &opened.device, signer);
	if (use == JWT_ENROL)
		return jwt_open_enrol(token, &ring, &opened.enrol, signer);
	return use == JWT_ACCESS ? jwt_open_access(token, &ring, &opened.access, signer) : jwt_open_refresh(token, &ring, &opened.refresh, signer);
}

/* Opens as one use; on any verdict but JWT_VALID claims and signer must be as they were. */
static enum jwt_verdict verdict(struct slice token, enum jwt_use use)
{
	char before[sizeof opened];
	size_t mark = arena_mark(), signer = 4711;
	memset(opened.bytes, 0x5a, sizeof opened);
	memcpy(before, opened.bytes, sizeof opened);
	enum jwt_verdict v = open_as(use, at_edge(token), &signer);
	if (v != JWT_VALID && (memcmp(before, opened.bytes, sizeof opened) != 0 || signer != 4711))
		ok(false, "a refused token leaves claims and signer alone");
	arena_back(mark);
	return v;
}

static struct slice join(struct slice a, const char *between, struct slice b)
{
	struct buf all = { 0 };
	buf_add(&all, a);
	buf_s(&all, between);
	buf_add(&all, b);
	return buf_slice(&all);
}

static struct slice base64url(struct slice bytes)
{
	struct buf b = { 0 };
	base64url_add(&b, bytes);
	return buf_slice(&b);
}

static void hmac(struct slice key, struct slice message, uint8_t out[MAC_SIZE])
{
	br_hmac_key_context k;
	br_hmac_context c;
	br_hmac_key_init(&k, &br_sha256_vtable, key.p, key.n);
	br_hmac_init(&c, &k, 0);
	br_hmac_update(&c, message.p, message.n);
	br_hmac_out(&c, out);
}

static void mac_for(const struct key *key, enum jwt_use use, struct slice message, uint8_t out[MAC_SIZE])
{
	uint8_t derived[KEY_SIZE];
	jwt_derive(key, use, derived);
	hmac((struct slice){ (const char *)derived, KEY_SIZE }, message, out);
}

/* A token of any first two segments with the MAC that key and use give it. */
static struct slice signed_segments(struct slice input, const struct key *key, enum jwt_use use)
{
	uint8_t mac[MAC_SIZE];
	mac_for(key, use, input, mac);
	return join(input, ".", base64url((struct slice){ (const char *)mac, sizeof mac }));
}

static struct slice signed_token(struct slice header, struct slice payload, const struct key *key, enum jwt_use use)
{
	return signed_segments(join(base64url(header), ".", base64url(payload)), key, use);
}

/* text with the first `from` replaced by `to` */
static struct slice replaced(struct slice text, const char *from, struct slice to)
{
	size_t n = strlen(from);
	for (size_t i = 0; i + n <= text.n; i++)
		if (memcmp(text.p + i, from, n) == 0)
			return join(join((struct slice){ text.p, i }, "", to), "", slice_from(text, i + n));
	ok(false, "%s is in the text", from);
	return text;
}

static struct slice header_of(const struct key *key, enum jwt_use use)
{
	struct buf b = { 0 };
	buf_s(&b, "{\"alg\":\"HS256\",\"typ\":\"");
	buf_s(&b, typ_of[use]);
	buf_s(&b, "\",\"kid\":\"");
	buf_s(&b, key->kid);
	buf_s(&b, "\"}");
	return buf_slice(&b);
}

/* Our own header, the payload, our own MAC. */
static struct slice seal(const struct key *key, enum jwt_use use, struct slice payload)
{
	return signed_token(header_of(key, use), payload, key, use);
}

/* ---- derived keys and numbers ------------------------------------------ */

static bool is_hex(const uint8_t key[KEY_SIZE], const char *hex)
{
	uint8_t want[KEY_SIZE];
	return parse_hex(slice_of(hex), want, KEY_SIZE) && memcmp(key, want, KEY_SIZE) == 0;
}

static void test_derived(void)
{
	uint8_t out[KEY_SIZE];
	const struct key *k = &ring.key[0];
	jwt_derive(k, JWT_ACCESS, out);
	ok(is_hex(out, "2644034ee55833e52022d8dfd2bc39c655493e8df32b9c1ad7ab8771a5e047b7"), "the access key");
	jwt_derive(k, JWT_REFRESH, out);
	ok(is_hex(out, "11e7c9a10c9ce14792039e85b5be1cda2427129c3b2288266d2eebf373c88606"), "the refresh key");
	jwt_derive(k, JWT_SITE, out);
	ok(is_hex(out, "331af56e9d452d4aa1facf641b588f525e2fab9326731009f4d7869d0f4bbf13"), "the key of site sessions");
	jwt_derive(k, JWT_LINK, out);
	ok(is_hex(out, "043c392f5a0d50c3eca05c1d182e04cdb31db5be0e9be244eb2a14832933f797"), "the key of links");
	ok(jwt_password_mark(k, 0xa1, S("$argon2id$x")) == 0xa729c4df41c83072, "what a link says of a password");
	ok(jwt_password_mark(k, 0xa1, SLICE_NONE) == 0x82c22d4b62b83c61, "of none");
	ok(jwt_password_mark(k, 0xa2, S("$argon2id$x")) != 0xa729c4df41c83072, "hangs on the user");
	ok(jwt_password_mark(&stranger, 0xa1, S("$argon2id$x")) != 0xa729c4df41c83072, "and on the key");
	ok(jwt_branch(k, INT64_MAX, 8, 0x1122334455667788) == 0x3be93ab6089fbc0b, "a branch");
	ok(jwt_branch(k, INT64_MAX, 8, 0) != 0x3be93ab6089fbc0b, "hangs on the idempotency hash");
	ok(jwt_branch(k, INT64_MAX, 9, 0x1122334455667788) != 0x3be93ab6089fbc0b, "on the counter");
	ok(jwt_branch(k, 1, 8, 0x1122334455667788) != 0x3be93ab6089fbc0b, "on the session");
	ok(jwt_branch(&stranger, INT64_MAX, 8, 0x1122334455667788) != 0x3be93ab6089fbc0b, "and on the key");
	ok(jwt_access_id(k, INT64_MAX, 8, 1700000000) == 0xcf9cc9f6a77eddc6, "an access token's id");
	ok(jwt_access_id(k, INT64_MAX, 8, 1700000000) != jwt_branch(k, INT64_MAX, 8, 1700000000), "is no branch");
	ok(jwt_idempotency(S("retry-1")) == 0x3998fbdb8d844aa0, "an idempotency key's hash");
	ok(jwt_idempotency(S("")) == 0xe3b0c44298fc1c14, "of the empty key");
}

static void test_key_names(void)
{
	struct keyring two = { .count = 2 };
	memset(two.key[1].master, 7, KEY_SIZE);
	jwt_name_key(&two.key[0]);
	jwt_name_key(&two.key[1]);
	is_str(two.key[0].kid, "66687aad", "a key's name is the beginning of its SHA-256");
	ok(jwt_keys_wrong(&two) == NULL, "keys that bear their names");
	two.key[1].master[31] ^= 1;
	const char *wrong = jwt_keys_wrong(&two);
	ok(wrong && strstr(wrong, two.key[1].kid) && strstr(wrong, "restore"), "a bit of one has turned over");
	two.key[1].master[31] ^= 1;
	two.key[0].kid[7] ^= 1;
	ok(jwt_keys_wrong(&two) != NULL, "or of its name");
}

/* ---- what is sealed opens ---------------------------------------------- */

static void test_sealed(void)
{
	struct access_claims a;
	struct refresh_claims r;
	size_t signer = 4711;
	struct slice token = jwt_seal_access(&ring.key[0], &access_example);
	ok(slice_is(token, token_of[JWT_ACCESS]), "an access token, byte for byte");
	ok(slice_is(token, jwt_seal_access(&ring.key[0], &access_example)), "the same claims give the same bytes");
	is_int(jwt_open_access(token, &ring, &a, &signer), JWT_VALID, "opens");
	is_int(signer, 0, "signed by the first key");
	ok(slice_is(a.iss, access_example.iss) && slice_is(a.aud, access_example.aud) && slice_is(a.name, access_example.name), "texts");
	ok(a.sub == access_example.sub && a.sid == access_example.sid && a.jti == access_example.jti, "ids");
	ok(a.iat == access_example.iat && a.exp == access_example.exp, "times");
	token = jwt_seal_refresh(&ring.key[0], &refresh_example);
	ok(slice_is(token, token_of[JWT_REFRESH]), "a refresh token, byte for byte");
	ok(slice_is(token, jwt_seal_refresh(&ring.key[0], &refresh_example)), "the same claims give the same bytes");
	is_int(jwt_open_refresh(token, &ring, &r, NULL), JWT_VALID, "opens, whoever signed");
	ok(slice_is(r.iss, refresh_example.iss) && r.sid == refresh_example.sid && r.ctr == 7 && r.br == refresh_example.br, "claims");
	ok(r.iat == refresh_example.iat && r.exp == refresh_example.exp, "times");
	struct site_claims s;
	token = jwt_seal_site(&ring.key[0], &site_example);
	ok(slice_is(token, token_of[JWT_SITE]), "a site token, byte for byte");
	ok(jwt_open_site(token, &ring, &s, &signer) == JWT_VALID && signer == 0, "opens");
	ok(s.sid == site_example.sid && s.iat == site_example.iat && s.door == 1, "claims");
	token = jwt_seal_refresh(&ring.key[1], &refresh_example);
	ok(jwt_open_refresh(token, &ring, &r, &signer) == JWT_VALID && signer == 1, "an older key still opens");
}

static void test_sealed_link(void)
{
	struct link_claims l;
	size_t signer = 4711;
	struct slice token = jwt_seal_link(&ring.key[0], &link_example);
	ok(slice_is(token, token_of[JWT_LINK]), "a link, byte for byte");
	ok(jwt_open_link(jwt_seal_link(&ring.key[1], &link_example), &ring, &l, &signer) == JWT_VALID && signer == 1, "opens, whoever signed");
	ok(slice_is(l.iss, link_example.iss) && l.sub == 0xa1 && l.pw == link_example.pw, "claims");
	ok(l.iat == link_example.iat && l.exp == link_example.exp, "times");
}

static void test_sealed_codes(void)
{
	struct code_claims c;
	struct device_claims d;
	struct enrol_claims e;
	size_t signer = 4711;
	ok(slice_is(jwt_seal_code(&ring.key[0], &code_example), token_of[JWT_CODE]), "an authorization code, byte for byte");
	ok(jwt_open_code(jwt_seal_code(&ring.key[1], &code_example), &ring, &c, &signer) == JWT_VALID && signer == 1, "opens, whoever signed");
	ok(slice_is(c.iss, code_example.iss) && c.sid == INT64_MAX && c.sub == 0xa1 && slice_is(c.cid, S("app")), "whose it is");
	ok(slice_is(c.uri, code_example.uri) && c.ch.n == 0 && c.scope == 5 && slice_is(c.nonce, code_example.nonce), "what was asked for");
	ok(c.at == code_example.at && c.amr == 1 && c.pw == code_example.pw && c.by == 0 && c.sso == 1 && c.st == 3, "who signed in");
	ok(c.iat == code_example.iat && c.exp == code_example.exp, "times");
	ok(slice_is(jwt_seal_device(&ring.key[0], &device_example), token_of[JWT_DEVICE]), "a device code, byte for byte");
	ok(jwt_open_device(jwt_seal_device(&ring.key[1], &device_example), &ring, &d, &signer) == JWT_VALID && signer == 1, "opens, whoever signed");
	ok(slice_is(d.iss, device_example.iss) && slice_is(d.cid, S("tv")) && d.scope == 8 && slice_is(d.uc, device_example.uc), "claims");
	ok(d.iat == device_example.iat && d.exp == device_example.exp, "times");
	ok(slice_is(jwt_seal_enrol(&ring.key[0], &enrol_example), token_of[JWT_ENROL]), "a ticket for a second factor, byte for byte");
	ok(jwt_open_enrol(jwt_seal_enrol(&ring.key[1], &enrol_example), &ring, &e, &signer) == JWT_VALID && signer == 1, "opens, whoever signed");
	ok(e.sub == 0xa1 && slice_is(e.key, enrol_example.key) && e.amr == 8 && e.pw == enrol_example.pw && e.iat == enrol_example.iat && e.exp == enrol_example.exp, "claims");
}

/* Names of every length, so that the payload ends on every number of spare bits. */
static void test_names(void)
{
	static const struct slice names[] = {
		T(""), T("a"), T("ab"), T("abc"), T("\"\\\n"), T("\0"), T("\xf0\x9f\x98\x80"), T("\x01\x02\x03"),
		T("null"), T("</script>"), T("a\xe2\x80\xa8z"),
	};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct access_claims in = access_example, out;
		in.name = names[i];
		struct slice token = jwt_seal_access(&ring.key[0], &in);
		ok(jwt_open_access(token, &ring, &out, NULL) == JWT_VALID && slice_is(out.name, names[i]), "name %zu comes back", i);
	}
	struct access_claims in = access_example, out;
	in.name = S("\xff");
	ok(jwt_open_access(jwt_seal_access(&ring.key[0], &in), &ring, &out, NULL) == JWT_VALID && slice_is(out.name, S("\xef\xbf\xbd")),
		"a name that isn't UTF-8 still makes a token");
}

static void test_numbers(void)
{
	static const int64_t numbers[] = { 0, 1, 9, 10, INT32_MAX, (int64_t)INT32_MAX + 1, 4294967296, ((int64_t)1 << 53) - 1 };
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		struct refresh_claims in = refresh_example, out;
		in.iat = in.exp = numbers[i];
		in.ctr = numbers[i] ? numbers[i] : 1;
		in.sid = in.br = (uint64_t)numbers[i];
		ok(jwt_open_refresh(jwt_seal_refresh(&ring.key[0], &in), &ring, &out, NULL) == JWT_VALID && out.iat == in.iat &&
			out.exp == in.exp && out.ctr == in.ctr && out.sid == in.sid && out.br == in.br, "%" PRId64 " comes back", numbers[i]);
	}
}

/* ---- not one bit ------------------------------------------------------- */

static void test_flips(enum jwt_use use)
{
	struct slice token = token_of[use];
	char *copy = malloc(token.n);
	int seen[JWT_CLAIMS + 1] = { 0 };
	memcpy(copy, token.p, token.n);
	for (size_t bit = 0; bit < 8 * token.n; bit++) {
		copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
		seen[verdict((struct slice){ copy, token.n }, use)]++;
		copy[bit / 8] = token.p[bit / 8];
	}
	ok(seen[JWT_VALID] == 0 && seen[JWT_CLAIMS] == 0, "%s: none of %zu bits can be flipped", typ_of[use], 8 * token.n);
	ok(seen[JWT_MALFORMED] && seen[JWT_FOREIGN] && seen[JWT_FORGED], "%s: by all three walls", typ_of[use]);
	is_int(verdict((struct slice){ copy, token.n }, use), JWT_VALID, "%s: unflipped it opens", typ_of[use]);
	free(copy);
}

static void test_cuts(enum jwt_use use)
{
	struct slice token = token_of[use];
	int opens = 0;
	for (size_t n = 0; n < token.n; n++) {
		opens += verdict((struct slice){ token.p, n }, use) == JWT_VALID;
		opens += verdict(slice_from(token, n + 1), use) == JWT_VALID;
	}
	is_int(opens, 0, "%s: cut anywhere, at either end, it doesn't open", typ_of[use]);
	for (int c = 0; c < 256; c++) {
		char one = (char)c;
		opens += verdict(join(token, "", (struct slice){ &one, 1 }), use) == JWT_VALID;
		opens += verdict(join((struct slice){ &one, 1 }, "", token), use) == JWT_VALID;
	}
	is_int(opens, 0, "%s: nor with a byte more", typ_of[use]);
	is_int(verdict(SLICE_NONE, use), JWT_MALFORMED, "%s: nor does nothing", typ_of[use]);
}

/* Each byte dropped, doubled, and swapped with the next. */
static void test_edits(enum jwt_use use)
{
	struct slice token = token_of[use];
	int opens = 0;
	size_t mark = arena_mark();
	for (size_t i = 0; i < token.n; i++, arena_back(mark)) {
		struct slice head = { token.p, i }, one = { token.p + i, 1 }, tail = slice_from(token, i + 1);
		opens += verdict(join(head, "", tail), use) == JWT_VALID;
		opens += verdict(join(join(head, "", one), "", slice_from(token, i)), use) == JWT_VALID;
		if (tail.n && *tail.p != *one.p) {
			struct slice next = { tail.p, 1 };
			struct slice swapped = join(join(head, "", next), "", one);
			opens += verdict(join(swapped, "", slice_from(tail, 1)), use) == JWT_VALID;
		}
	}
	is_int(opens, 0, "%s: no byte dropped, doubled or swapped", typ_of[use]);
}

/* ---- one spelling ------------------------------------------------------ */

/* Every other last digit of segment `at`, the MAC made for what stands there. */
static void other_spellings(const char *what, const struct slice parts[3], int at)
{
	static const uint32_t spare_of[] = { 0, 0, 15, 3 };
	char *text = slice_text(parts[at]), *last = text + parts[at].n - 1;
	uint32_t value = 0, spare = spare_of[parts[at].n % 4];
	struct slice s[3] = { parts[0], parts[1], parts[2] };
	int malformed = 0;
	s[at].p = text;
	while (alphabet[value] != *last)
		value++;
	for (uint32_t other = 1; other <= spare; other++) {
		*last = alphabet[value ^ other];
		struct slice input = join(s[0], ".", s[1]);
		struct slice token = at == 2 ? join(input, ".", s[2]) : signed_segments(input, &ring.key[0], JWT_ACCESS);
		malformed += verdict(token, JWT_ACCESS) == JWT_MALFORMED;
	}
	is_int(malformed, spare, "%s, segment %d: %" PRIu32 " other spellings of the same bytes", what, at, spare);
}

static void cut_token(struct slice token, struct slice parts[3])
{
	for (int i = 0; i < 3; i++)
		parts[i] = slice_cut(&token, '.');
}

static void test_spellings(void)
{
	static const char *const names[] = { "", "a", "ab" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct access_claims claims = access_example;
		struct slice parts[3];
		claims.name = slice_of(names[i]);
		cut_token(jwt_seal_access(&ring.key[0], &claims), parts);
		for (int at = 0; at < 3; at++)
			other_spellings(names[i], parts, at);
	}
}

/* Padding, space, NUL and the other alphabet, in each segment, with the MAC made for it. */
static void test_strays(void)
{
	static const struct slice strays[] = {
		T("="), T("=="), T(" "), T("\t"), T("\n"), T("\r\n"), T("+"), T("/"), T("\0"), T("%3d"), T("\xc2\xa0"), T(","), T("!"),
	};
	struct slice parts[3];
	cut_token(token_of[JWT_ACCESS], parts);
	for (size_t i = 0; i < sizeof strays / sizeof *strays; i++)
		for (int at = 0; at < 6; at++) {
			struct slice segment[3] = { parts[0], parts[1], parts[2] };
			struct slice *s = &segment[at / 2];
			*s = at % 2 ? join(*s, "", strays[i]) : join(strays[i], "", *s);
			struct slice input = join(segment[0], ".", segment[1]);
			struct slice token = at < 4 ? signed_segments(input, &ring.key[0], JWT_ACCESS) : join(input, ".", segment[2]);
			is_int(verdict(token, JWT_ACCESS), JWT_MALFORMED, "stray %zu at place %d", i, at);
		}
}

static void test_segments(void)
{
	struct slice parts[3];
	cut_token(token_of[JWT_REFRESH], parts);
	struct slice two = join(parts[0], ".", parts[1]);
	is_int(verdict(parts[0], JWT_REFRESH), JWT_MALFORMED, "one segment");
	is_int(verdict(two, JWT_REFRESH), JWT_MALFORMED, "two segments");
	is_int(verdict(join(token_of[JWT_REFRESH], ".", S("")), JWT_REFRESH), JWT_MALFORMED, "a dot behind");
	is_int(verdict(join(S(""), ".", token_of[JWT_REFRESH]), JWT_REFRESH), JWT_MALFORMED, "a dot in front");
	is_int(verdict(join(token_of[JWT_REFRESH], ".", parts[2]), JWT_REFRESH), JWT_MALFORMED, "four segments");
	is_int(verdict(join(parts[0], "..", join(parts[1], ".", parts[2])), JWT_REFRESH), JWT_MALFORMED, "an empty one between");
	is_int(verdict(join(two, ".", join(parts[2], "...", S(""))), JWT_REFRESH), JWT_MALFORMED, "six segments");
	is_int(verdict(S(".."), JWT_REFRESH), JWT_FOREIGN, "three empty segments");
	is_int(verdict(S("."), JWT_REFRESH), JWT_MALFORMED, "one dot");
	is_int(verdict(S("..."), JWT_REFRESH), JWT_MALFORMED, "three dots");
	is_int(verdict(join(parts[0], "..", parts[2]), JWT_REFRESH), JWT_FORGED, "a detached payload");
	is_int(verdict(signed_segments(join(parts[0], ".", S("")), &ring.key[0], JWT_REFRESH), JWT_REFRESH), JWT_CLAIMS,
		"an empty payload, signed");
	is_int(verdict(join(two, ".", S("")), JWT_REFRESH), JWT_FORGED, "no MAC");
	is_int(verdict(S("{\"protected\":\"\",\"payload\":\"\",\"signature\":\"\"}"), JWT_REFRESH), JWT_MALFORMED, "the JSON serialisation");
	is_int(verdict(join(S("Bearer"), " ", token_of[JWT_REFRESH]), JWT_REFRESH), JWT_MALFORMED, "with its scheme");
}

/* ---- headers ----------------------------------------------------------- */

static const char *const headers[] = {
	/* alg */
	"{\"alg\":\"none\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}", "{\"alg\":\"None\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}",
	"{\"alg\":\"nOnE\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}",
	"{\"alg\":\"noNE\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}", "{\"alg\":\"NONE\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}",
	"{\"alg\":\"HS384\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}", "{\"alg\":\"HS512\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}",
	"{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}", "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}",
	"{\"alg\":\"PS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}", "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}",
	"{\"alg\":\"hs256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}", "{\"alg\":\"HS256 \",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}",
	"{\"alg\":\"HS2\\u00356\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}", "{\"alg\":\"\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}",
	"{\"alg\":[\"HS256\"],\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}", "{\"alg\":null,\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}",
	"{\"alg\":256,\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}", "{\"alg\":{\"HS256\":1},\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}",
	"{\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}", "{\"Alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}",
	"{\"alg\":\"HS256\",\"alg\":\"none\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}",
	"{\"alg\":\"none\",\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}",
	"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\",\"alg\":\"HS256\"}",
	/* typ */
	"{\"alg\":\"HS256\",\"kid\":\"00c0ffee\"}", "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"00c0ffee\"}",
	"{\"alg\":\"HS256\",\"typ\":\"rt+jwt\",\"kid\":\"00c0ffee\"}", "{\"alg\":\"HS256\",\"typ\":\"AT+JWT\",\"kid\":\"00c0ffee\"}",
	"{\"alg\":\"HS256\",\"typ\":\"application/at+jwt\",\"kid\":\"00c0ffee\"}",
	"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}",
	/* kid */
	"{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"\"}",
	"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00000000\"}", "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00C0FFEE\"}",
	"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffe\"}", "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee0\"}",
	"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"../../dev/null\"}", "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"' OR 1=1--\"}",
	"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\\u0000\"}", "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":12}",
	"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":[\"00c0ffee\"]}", "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":null}",
	"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\",\"kid\":\"00c0ffee\"}",
	"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"deadbeef\"}",
	/* what names a key, or changes what the rest means */
	"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\",\"jwk\":{\"kty\":\"oct\",\"k\":\"\"}}",
	"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\",\"jku\":\"https://example.com/keys\"}",
	"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\",\"x5c\":[\"AA==\"]}",
	"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\",\"x5u\":\"https://example.com/\"}",
	"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\",\"x5t\":\"AA\"}",
	"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\",\"crit\":[\"exp\"],\"exp\":0}",
	"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\",\"crit\":[]}",
	"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\",\"b64\":false,\"crit\":[\"b64\"]}",
	"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\",\"b64\":true}",
	"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\",\"zip\":\"DEF\"}",
	"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\",\"cty\":\"JWT\"}",
	"{\"alg\":\"dir\",\"enc\":\"A128GCM\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}",
	/* the same meaning in another spelling */
	"{\"typ\":\"at+jwt\",\"alg\":\"HS256\",\"kid\":\"00c0ffee\"}", "{\"kid\":\"00c0ffee\",\"alg\":\"HS256\",\"typ\":\"at+jwt\"}",
	" {\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}", "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"} ",
	"{\"alg\": \"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}", "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\",}",
	"{\"\\u0061lg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}", "\xef\xbb\xbf{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}",
	"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}{}", "[{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"00c0ffee\"}]",
	/* no header at all */
	"", "{}", "[]", "null", "HS256", "{", "\"alg\"",
};

/* Each with the MAC that our own key gives it: the header alone must stop it. */
static void test_headers(void)
{
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		struct slice token = signed_token(slice_of(headers[i]), payload_of[JWT_ACCESS], &ring.key[0], JWT_ACCESS);
		is_int(verdict(token, JWT_ACCESS), JWT_FOREIGN, "header %zu: %s", i, headers[i]);
		struct slice parts[3];
		cut_token(token, parts);
		is_int(verdict(join(join(parts[0], ".", parts[1]), ".", S("")), JWT_ACCESS), JWT_FOREIGN, "header %zu without a MAC", i);
	}
	struct slice good = signed_token(header_of(&ring.key[0], JWT_ACCESS), payload_of[JWT_ACCESS], &ring.key[0], JWT_ACCESS);
	ok(slice_is(good, token_of[JWT_ACCESS]), "the one header that is ours");
}

static void test_keys(void)
{
	for (int i = 0; i < USES * (USES - 1); i++) {
		enum jwt_use use = (enum jwt_use)(i % USES), other = (enum jwt_use)((i + 1 + i / USES) % USES);
		is_int(verdict(token_of[other], use), JWT_FOREIGN, "a %s taken for a %s", typ_of[other], typ_of[use]);
		is_int(verdict(signed_token(header_of(&ring.key[0], use), payload_of[use], &ring.key[0], other), use), JWT_FORGED,
			"%s under the key of %s", typ_of[use], typ_of[other]);
		is_int(verdict(signed_token(header_of(&ring.key[0], use), payload_of[other], &ring.key[0], use), use), JWT_CLAIMS,
			"%s with the claims of %s", typ_of[use], typ_of[other]);
		is_int(verdict(signed_token(header_of(&ring.key[0], use), payload_of[use], &ring.key[1], use), use), JWT_FORGED,
			"%s under another key of the ring than it names", typ_of[use]);
		is_int(verdict(signed_token(header_of(&ring.key[0], use), payload_of[use], &stranger, use), use), JWT_FORGED,
			"%s under a stranger's key of the same kid", typ_of[use]);
		is_int(verdict(seal(&retired, use, payload_of[use]), use), JWT_FOREIGN, "%s of a key that is retired", typ_of[use]);
		ring.count = 0;
		is_int(verdict(token_of[use], use), JWT_FOREIGN, "%s and no key at all", typ_of[use]);
		ring.count = 2;
	}
}

/* HMAC takes a key of any length: at use there is none but of 32 bytes, at load none is taken. */
static void test_short_keys(void)
{
	_Static_assert(sizeof ring.key[0].master == 32, "a key in use has 32 bytes, always");
	static const char line[] = "00c0ffee 1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
	char dir[] = "/tmp/lk-jwt.XXXXXX", path[64];
	struct slice parts[3];
	uint8_t derived[KEY_SIZE], mac[MAC_SIZE];
	int loaded = 0, opened_by = 0;
	cut_token(token_of[JWT_ACCESS], parts);
	struct slice input = join(parts[0], ".", parts[1]);
	jwt_derive(&ring.key[0], JWT_ACCESS, derived);
	ok(mkdtemp(dir) != NULL, "a directory");
	snprintf(path, sizeof path, "%s/latchkey.key", dir);
	size_t mark = arena_mark();
	for (size_t n = 0; n <= KEY_SIZE; n++, arena_back(mark)) {
		struct keyring read = { .count = 0 };
		FILE *file = fopen(path, "w");
		ok(file && fwrite(line, 1, 11 + 2 * n, file) == 11 + 2 * n && fclose(file) == 0 && chmod(path, 0600) == 0, "a key file of %zu bytes of key", n);
		loaded += keyring_read(dir, &read) == NULL;
		hmac((struct slice){ (char *)derived, n }, input, mac);
		opened_by += verdict(join(input, ".", base64url((struct slice){ (char *)mac, sizeof mac })), JWT_ACCESS) == JWT_VALID;
	}
	unlink(path);
	is_int(rmdir(dir), 0, "and is gone");
	is_int(loaded, 1, "of keys of 0 to 32 bytes the whole one alone is loaded");
	is_int(opened_by, 1, "and a MAC under the whole one alone opens");
}

/* MACs that aren't one of 32 bytes, or are of something else. */
static void test_macs(void)
{
	struct slice parts[3], bytes = SLICE_NONE;
	uint8_t mac[MAC_SIZE];
	cut_token(token_of[JWT_ACCESS], parts);
	struct slice input = join(parts[0], ".", parts[1]);
	ok(base64url_read(parts[2], &bytes), "the MAC decodes");
	for (size_t n = 0; n < MAC_SIZE; n++)
		is_int(verdict(join(input, ".", base64url((struct slice){ bytes.p, n })), JWT_ACCESS), JWT_FORGED, "%zu bytes of MAC", n);
	is_int(verdict(join(input, ".", base64url(join(bytes, "x", S("")))), JWT_ACCESS), JWT_FORGED, "33 bytes of MAC");
	is_int(verdict(join(input, ".", base64url(join(bytes, "", bytes))), JWT_ACCESS), JWT_FORGED, "the MAC twice");
	memset(mac, 0, sizeof mac);
	is_int(verdict(join(input, ".", base64url((struct slice){ (char *)mac, sizeof mac })), JWT_ACCESS), JWT_FORGED, "a MAC of zeros");
	hmac((struct slice)T(""), input, mac);
	is_int(verdict(join(input, ".", base64url((struct slice){ (char *)mac, sizeof mac })), JWT_ACCESS), JWT_FORGED, "under the empty key");
	hmac((struct slice){ (char *)ring.key[0].master, KEY_SIZE }, input, mac);
	is_int(verdict(join(input, ".", base64url((struct slice){ (char *)mac, sizeof mac })), JWT_ACCESS), JWT_FORGED, "under the master key");
	mac_for(&ring.key[0], JWT_ACCESS, payload_of[JWT_ACCESS], mac);
	is_int(verdict(join(input, ".", base64url((struct slice){ (char *)mac, sizeof mac })), JWT_ACCESS), JWT_FORGED, "of the payload alone");
	struct slice junk = join(parts[0], ".", base64url(S("{\"not\":\"json\"")));
	is_int(verdict(join(junk, ".", parts[2]), JWT_ACCESS), JWT_FORGED, "a payload that isn't JSON is not looked at without a MAC");
}

/* ---- claims ------------------------------------------------------------ */

static const char *const bad_numbers[] = {
	"1e999", "-1e999", "-0", "0.0", "1.5", "1e3", "1E0", "1700000000.0", "-1", "9007199254740992", "9007199254740993",
	"9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551616", "99999999999999999999999",
	"\"1700000000\"", "\"\"", "null", "true", "false", "[]", "[1700000000]", "{}",
	"01", "+1", "0x10", "1.", ".5", "NaN", "Infinity", "1_000", "", " ",
};

static const char *const bad_ids[] = {
	"\"\"", "\"0\"", "\"7fffffffffffffF\"", "\"7FFFFFFFFFFFFFFF\"", "\"7fffffffffffff\"", "\"7ffffffffffffffff\"", "\"0x7fffffffffffff\"",
	"\"7ffffffffffffff \"", "\" 7ffffffffffffff\"", "\"-7ffffffffffffff\"", "\"7fffffffffffffg\"", "\"7fffffffffffff\\u0000\"",
	"\"7ffffffffffffff\\u0000\"", "9223372036854775807", "1", "1.5", "null", "true", "[]", "[\"7fffffffffffffff\"]", "{}", "",
};

static const char *const bad_texts[] = {
	"null", "1", "0.5", "true", "false", "[]", "[\"latchkey\"]", "{}", "{\"a\":\"b\"}", "", "\"", "'latchkey'", "\"\\ud800\"", "\"\xff\"",
	"\"a\nb\"", "\"a\x01\"",
};

/* The payload with another value behind `member`, whose text ends in a colon. */
static void refuse_value(enum jwt_use use, const char *member, size_t number, const char *value)
{
	struct buf all = { 0 };
	const char *from = strstr(payload_of[use].p, member);
	size_t head = (size_t)(from - payload_of[use].p) + strlen(member);
	struct slice tail = slice_from(payload_of[use], head);
	size_t skip = 0;
	while (tail.p[skip] != '}' && memcmp(tail.p + skip, ",\"", 2) != 0)
		skip++;
	buf_add(&all, (struct slice){ payload_of[use].p, head });
	buf_s(&all, value);
	buf_add(&all, slice_from(tail, skip));
	is_int(verdict(seal(&ring.key[0], use, buf_slice(&all)), use), JWT_CLAIMS, "%s: value %zu of %s", typ_of[use], number, member);
}

enum claim_type { TEXT, ID, NUMBER };
static const struct { const char *member; enum jwt_use use; enum claim_type type; } claims_of[] = {
	{ "\"iss\":", JWT_ACCESS, TEXT }, { "\"sub\":", JWT_ACCESS, ID }, { "\"aud\":", JWT_ACCESS, TEXT },
	{ "\"sid\":", JWT_ACCESS, ID }, { "\"iat\":", JWT_ACCESS, NUMBER }, { "\"exp\":", JWT_ACCESS, NUMBER },
	{ "\"jti\":", JWT_ACCESS, ID }, { "\"name\":", JWT_ACCESS, TEXT },
	{ "\"iss\":", JWT_REFRESH, TEXT }, { "\"sid\":", JWT_REFRESH, ID }, { "\"ctr\":", JWT_REFRESH, NUMBER },
	{ "\"br\":", JWT_REFRESH, ID }, { "\"iat\":", JWT_REFRESH, NUMBER }, { "\"exp\":", JWT_REFRESH, NUMBER },
	{ "\"sid\":", JWT_SITE, ID }, { "\"iat\":", JWT_SITE, NUMBER }, { "\"door\":", JWT_SITE, NUMBER },
	{ "\"iss\":", JWT_LINK, TEXT }, { "\"sub\":", JWT_LINK, ID }, { "\"pw\":", JWT_LINK, ID }, { "\"iat\":", JWT_LINK, NUMBER },
	{ "\"exp\":", JWT_LINK, NUMBER },
	{ "\"iss\":", JWT_CODE, TEXT }, { "\"sid\":", JWT_CODE, ID }, { "\"sub\":", JWT_CODE, ID }, { "\"cid\":", JWT_CODE, TEXT },
	{ "\"uri\":", JWT_CODE, TEXT }, { "\"ch\":", JWT_CODE, TEXT }, { "\"scope\":", JWT_CODE, NUMBER }, { "\"nonce\":", JWT_CODE, TEXT },
	{ "\"at\":", JWT_CODE, NUMBER }, { "\"amr\":", JWT_CODE, NUMBER }, { "\"pw\":", JWT_CODE, ID }, { "\"by\":", JWT_CODE, ID },
	{ "\"sso\":", JWT_CODE, NUMBER }, { "\"st\":", JWT_CODE, NUMBER }, { "\"iat\":", JWT_CODE, NUMBER }, { "\"exp\":", JWT_CODE, NUMBER },
	{ "\"iss\":", JWT_DEVICE, TEXT }, { "\"cid\":", JWT_DEVICE, TEXT }, { "\"scope\":", JWT_DEVICE, NUMBER },
	{ "\"uc\":", JWT_DEVICE, TEXT }, { "\"iat\":", JWT_DEVICE, NUMBER }, { "\"exp\":", JWT_DEVICE, NUMBER },
	{ "\"iss\":", JWT_ENROL, TEXT }, { "\"sub\":", JWT_ENROL, ID }, { "\"key\":", JWT_ENROL, TEXT }, { "\"pw\":", JWT_ENROL, ID }, { "\"iat\":", JWT_ENROL, NUMBER },
	{ "\"exp\":", JWT_ENROL, NUMBER },
};

static void test_bad_values(void)
{
	static const struct { const char *const *values; size_t count; } bad[] = {
		[TEXT] = { bad_texts, sizeof bad_texts / sizeof *bad_texts },
		[ID] = { bad_ids, sizeof bad_ids / sizeof *bad_ids },
		[NUMBER] = { bad_numbers, sizeof bad_numbers / sizeof *bad_numbers },
	};
	size_t mark = arena_mark();
	for (size_t c = 0; c < sizeof claims_of / sizeof *claims_of; c++)
		for (size_t i = 0; i < bad[claims_of[c].type].count; i++, arena_back(mark))
			refuse_value(claims_of[c].use, claims_of[c].member, i, bad[claims_of[c].type].values[i]);
	refuse_value(JWT_REFRESH, "\"ctr\":", sizeof bad_numbers, "0");
}

/* Members missing, twice, or too many; names in another spelling are the same name. */
static const struct { const char *from, *to; enum jwt_use use; enum jwt_verdict verdict; } edits[] = {
	{ "\"iss\":\"latchkey\",", "", JWT_ACCESS, JWT_CLAIMS }, { "\"sub\":\"00000000000000a1\",", "", JWT_ACCESS, JWT_CLAIMS },
	{ "\"aud\":\"app\",", "", JWT_ACCESS, JWT_CLAIMS }, { "\"sid\":\"7fffffffffffffff\",", "", JWT_ACCESS, JWT_CLAIMS },
	{ "\"iat\":1700000000,", "", JWT_ACCESS, JWT_CLAIMS }, { "\"exp\":1700000900,", "", JWT_ACCESS, JWT_CLAIMS },
	{ "\"jti\":\"0123456789abcdef\",", "", JWT_ACCESS, JWT_CLAIMS }, { ",\"name\":\"J\\\"os\xc3\xa9\"", "", JWT_ACCESS, JWT_CLAIMS },
	{ "\"iss\":\"latchkey\",", "", JWT_REFRESH, JWT_CLAIMS }, { "\"sid\":\"7fffffffffffffff\",", "", JWT_REFRESH, JWT_CLAIMS },
	{ "\"ctr\":7,", "", JWT_REFRESH, JWT_CLAIMS }, { "\"br\":\"fedcba9876543210\",", "", JWT_REFRESH, JWT_CLAIMS },
	{ "\"iat\":1700000000,", "", JWT_REFRESH, JWT_CLAIMS }, { ",\"exp\":1702592000", "", JWT_REFRESH, JWT_CLAIMS },
	{ "\"ctr\":7", "\"ctr\":7,\"ctr\":7", JWT_REFRESH, JWT_CLAIMS }, { "\"ctr\":7", "\"ctr\":7,\"ctr\":8", JWT_REFRESH, JWT_CLAIMS },
	{ "\"ctr\":7", "\"ctr\":7,\"\\u0063tr\":8", JWT_REFRESH, JWT_CLAIMS }, { "\"exp\"", "\"exp\":9,\"exp\"", JWT_ACCESS, JWT_CLAIMS },
	{ "\"sub\"", "\"sub\":\"00000000000000a2\",\"sub\"", JWT_ACCESS, JWT_CLAIMS },
	{ "\"exp\"", "\"nbf\":0,\"exp\"", JWT_ACCESS, JWT_CLAIMS }, { "\"exp\"", "\"admin\":true,\"exp\"", JWT_ACCESS, JWT_CLAIMS },
	{ "\"exp\"", "\"x\":null,\"exp\"", JWT_ACCESS, JWT_CLAIMS }, { "\"exp\"", "\"\":\"\",\"exp\"", JWT_ACCESS, JWT_CLAIMS },
	{ "\"exp\"", "\"x\":{},\"exp\"", JWT_ACCESS, JWT_CLAIMS }, { "\"exp\"", "\"x\":[1,2],\"exp\"", JWT_ACCESS, JWT_CLAIMS },
	{ "{", "{\"sub\":\"00000000000000a1\",", JWT_REFRESH, JWT_CLAIMS }, { "}", ",\"aud\":\"app\"}", JWT_REFRESH, JWT_CLAIMS },
	{ "\"ctr\"", "\"Ctr\"", JWT_REFRESH, JWT_CLAIMS }, { "\"ctr\"", "\"ctr \"", JWT_REFRESH, JWT_CLAIMS },
	{ "\"ctr\"", "\"ctr\\u0000\"", JWT_REFRESH, JWT_CLAIMS }, { "\"ctr\":7,", "\"ct\":7,", JWT_REFRESH, JWT_CLAIMS },
	{ "}", "}}", JWT_REFRESH, JWT_CLAIMS }, { "}", "", JWT_REFRESH, JWT_CLAIMS }, { "}", ",}", JWT_REFRESH, JWT_CLAIMS },
	{ "}", "} x", JWT_REFRESH, JWT_CLAIMS }, { "}", "}{}", JWT_REFRESH, JWT_CLAIMS }, { "{", "[{", JWT_REFRESH, JWT_CLAIMS },
	{ "{", "\xef\xbb\xbf{", JWT_REFRESH, JWT_CLAIMS }, { ":7", ":/**/7", JWT_REFRESH, JWT_CLAIMS }, { "\"ctr\"", "ctr", JWT_REFRESH, JWT_CLAIMS },
	{ "\"ctr\":7", "\"ctr\":1", JWT_REFRESH, JWT_VALID }, { "\"ctr\":7", "\"ctr\":9007199254740991", JWT_REFRESH, JWT_VALID },
	{ "\"ctr\":7", "\"\\u0063tr\":7", JWT_REFRESH, JWT_VALID }, { "\"iat\":1700000000", "\"iat\":0", JWT_REFRESH, JWT_VALID },
	{ "\"aud\":\"app\"", "\"aud\":\"\"", JWT_ACCESS, JWT_VALID },
	/* claims that may be there, in any order, and not as another type */
	{ "}", ",\"client_id\":\"grafana\"}", JWT_ACCESS, JWT_VALID }, { "}", ",\"scope\":\"openid\"}", JWT_ACCESS, JWT_VALID },
	{ "{", "{\"scope\":\"openid\",\"client_id\":\"grafana\",", JWT_ACCESS, JWT_VALID },
	{ "}", ",\"client_id\":7}", JWT_ACCESS, JWT_CLAIMS }, { "}", ",\"scope\":null}", JWT_ACCESS, JWT_CLAIMS },
	{ "}", ",\"scope\":\"openid\",\"groups\":\"a\"}", JWT_ACCESS, JWT_CLAIMS },
	{ "}", ",\"groups\":[\"a\",\"b\"]}", JWT_ACCESS, JWT_VALID }, { "}", ",\"groups\":[]}", JWT_ACCESS, JWT_VALID },
	{ "{", "{\"groups\":[\"a\"],\"email\":\"a@b\",\"display_name\":\"A\",", JWT_ACCESS, JWT_VALID },
	{ "}", ",\"groups\":[1]}", JWT_ACCESS, JWT_CLAIMS }, { "}", ",\"groups\":[\"a,b\"]}", JWT_ACCESS, JWT_CLAIMS },
	{ "}", ",\"groups\":[\"\"]}", JWT_ACCESS, JWT_CLAIMS }, { "}", ",\"groups\":[[\"a\"]]}", JWT_ACCESS, JWT_CLAIMS },
	{ "}", ",\"groups\":[\"a\",\"b\"],\"x\":1}", JWT_ACCESS, JWT_CLAIMS }, { "}", ",\"x\":[\"a\",\"b\"],\"email\":\"a@b\"}", JWT_ACCESS, JWT_CLAIMS },
	{ "}", ",\"email\":[\"a@b\"]}", JWT_ACCESS, JWT_CLAIMS }, { "}", ",\"display_name\":null}", JWT_ACCESS, JWT_CLAIMS },
	{ "}", ",\"groups\":[\"a\"]}", JWT_REFRESH, JWT_CLAIMS }, { "}", ",\"cnf\":\"x\"}", JWT_ACCESS, JWT_CLAIMS },
	{ "}", ",\"scope\":\"openid\"}", JWT_REFRESH, JWT_CLAIMS },
	{ ",\"door\":1", "", JWT_SITE, JWT_CLAIMS }, { "}", ",\"exp\":1702592000}", JWT_SITE, JWT_CLAIMS }, { "\"door\":1", "\"door\":0", JWT_SITE, JWT_VALID },
	{ "\"pw\":\"fedcba9876543210\",", "", JWT_LINK, JWT_CLAIMS }, { ",\"exp\":1700086400", "", JWT_LINK, JWT_CLAIMS },
	{ "}", ",\"scope\":\"openid\"}", JWT_LINK, JWT_CLAIMS },
	{ "\"by\":\"0000000000000000\",", "", JWT_CODE, JWT_CLAIMS }, { "\"ch\":\"\",", "", JWT_CODE, JWT_CLAIMS },
	{ "}", ",\"aud\":\"app\"}", JWT_CODE, JWT_CLAIMS }, { "\"uc\":\"BCDFGHJKLMNP\",", "", JWT_DEVICE, JWT_CLAIMS },
	{ "}", ",\"sid\":\"7fffffffffffffff\"}", JWT_DEVICE, JWT_CLAIMS }, { ",\"exp\":1700000600", "", JWT_ENROL, JWT_CLAIMS },
	{ "}", ",\"aud\":\"app\"}", JWT_ENROL, JWT_CLAIMS },
};

static void test_edited_claims(void)
{
	static const char *const wholes[] = {
		"null", "true", "0", "\"\"", "[]", "{}", "[\"iss\",\"latchkey\"]", "{\"iss\":\"latchkey\"}", "x", " ", "\"" REFRESH_PAYLOAD "\"",
		"[" REFRESH_PAYLOAD "]", "{\"x\":" REFRESH_PAYLOAD "}",
		"[\"iss\",\"latchkey\",\"sid\",\"7fffffffffffffff\",\"ctr\",7,\"br\",\"fedcba9876543210\",\"iat\",1,\"exp\",2]",
	};
	for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
		struct slice payload = replaced(payload_of[edits[i].use], edits[i].from, slice_of(edits[i].to));
		is_int(verdict(seal(&ring.key[0], edits[i].use, payload), edits[i].use), edits[i].verdict, "claims %zu", i);
	}
	for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++)
		is_int(verdict(seal(&ring.key[0], JWT_REFRESH, slice_of(wholes[i])), JWT_REFRESH), JWT_CLAIMS, "payload %zu", i);
	is_int(verdict(seal(&ring.key[0], JWT_REFRESH, join(payload_of[JWT_REFRESH], "", (struct slice)T("\0"))), JWT_REFRESH), JWT_CLAIMS,
		"a NUL behind the payload");
}

/* ---- length ------------------------------------------------------------ */

static struct access_claims named(size_t length)
{
	struct access_claims claims = access_example;
	char *name = arena(length);
	memset(name, 'n', length);
	claims.name = (struct slice){ name, length };
	return claims;
}

static void seal_too_long(void *arg)
{
	struct access_claims claims = named(*(const size_t *)arg);
	jwt_seal_access(&ring.key[0], &claims);
}

/* One byte more of name is one or two digits more of token. */
static void test_length(void)
{
	struct slice token;
	size_t length = LIMIT_JWT / 2, mark = arena_mark();
	do {
		arena_back(mark);
		struct access_claims claims = named(++length);
		token = jwt_seal_access(&ring.key[0], &claims);
	} while (token.n + 2 <= LIMIT_JWT);
	ok(token.n <= LIMIT_JWT, "a token of %zu bytes", token.n);
	is_int(verdict(token, JWT_ACCESS), JWT_VALID, "opens");
	length += 2;
	is_int(dies(seal_too_long, &length), 111, "a longer one is a failure, not a token");
	ok(strstr(t_err, "JW1"), "with its site in the log");
	struct buf filler = { 0 };
	while (filler.n < LIMIT_JWT - 2)
		buf_c(&filler, 'A');
	is_int(verdict(join(S("."), ".", buf_slice(&filler)), JWT_ACCESS), JWT_FOREIGN, "a text of the limit is looked at");
	is_int(verdict(join(S("."), ".A", buf_slice(&filler)), JWT_ACCESS), JWT_MALFORMED, "one byte more is not");
	is_int(jwt_open_access((struct slice){ guard("", 0), LIMIT_JWT + 1 }, &ring, &opened.access, NULL), JWT_MALFORMED, "not a byte of it is read");
}

/* Written where they are set, read where they are there. */
static void test_optional(void)
{
	struct access_claims claims = access_example;
	claims.client_id = (struct slice)T("grafana");
	claims.scope = (struct slice)T("openid groups");
	claims.groups = (struct slice)T("admins,family");
	claims.email = (struct slice)T("a@b");
	claims.display_name = (struct slice)T("Zo\xc3\xab");
	struct slice token = jwt_seal_access(&ring.key[0], &claims), bytes, rest = token;
	slice_cut(&rest, '.');
	ok(base64url_read(slice_cut(&rest, '.'), &bytes), "the payload decodes");
	ok(slice_is(bytes, replaced(payload_of[JWT_ACCESS], "}", S(",\"client_id\":\"grafana\",\"scope\":\"openid groups\","
		"\"groups\":[\"admins\",\"family\"],\"email\":\"a@b\",\"display_name\":\"Zo\xc3\xab\"}"))), "they stand behind the others");
	is_int(jwt_open_access(token, &ring, &opened.access, NULL), JWT_VALID, "and are read");
	ok(slice_is(opened.access.client_id, claims.client_id) && slice_is(opened.access.scope, claims.scope)
		&& slice_is(opened.access.groups, claims.groups) && slice_is(opened.access.email, claims.email)
		&& slice_is(opened.access.display_name, claims.display_name), "as they were written");
	is_int(jwt_open_access(jwt_seal_access(&ring.key[0], &access_example), &ring, &opened.access, NULL), JWT_VALID, "a token without them");
	ok(opened.access.client_id.n == 0 && opened.access.scope.n == 0 && opened.access.groups.n == 0 && opened.access.email.n == 0
		&& opened.access.display_name.n == 0, "has none");
}

/* What options and operator may set at most, in the form that is longest. */
static void test_largest(void)
{
	struct access_claims claims = access_example;
	struct buf groups = { 0 };
	static char letters[LIMIT_USERNAME];
	memset(letters, 'x', sizeof letters);
	while (groups.n < 2 * LIMIT_GROUPS - 1) {
		buf_c(&groups, (char)('!' + groups.n));
		if (groups.n < 2 * LIMIT_GROUPS - 1)
			buf_c(&groups, ',');
	}
	claims.iss = claims.aud = claims.display_name = (struct slice){ letters, 128 };
	claims.name = claims.email = (struct slice){ letters, LIMIT_USERNAME };
	buf_add(&groups, (struct slice){ letters, LIMIT_PROFILE - 2 - 128 - LIMIT_EMAIL - groups.n });
	claims.groups = buf_slice(&groups);
	struct slice token = jwt_seal_access(&ring.key[0], &claims);
	ok(token.n <= LIMIT_JWT - 128, "the largest token of the app API has %zu bytes", token.n);
	is_int(verdict(token, JWT_ACCESS), JWT_VALID, "and opens");
}

static void test_jwk(void)
{
	uint8_t derived[KEY_SIZE];
	struct buf b = { 0 }, want = { 0 };
	jwt_write_jwk(&(struct jw){ .out = &b }, &ring.key[0], JWT_ACCESS);
	jwt_derive(&ring.key[0], JWT_ACCESS, derived);
	buf_s(&want, "{\"kty\":\"oct\",\"use\":\"sig\",\"alg\":\"HS256\",\"kid\":\"");
	buf_s(&want, ring.key[0].kid);
	buf_s(&want, "\",\"k\":\"");
	base64url_add(&want, (struct slice){ (const char *)derived, KEY_SIZE });
	buf_s(&want, "\"}");
	ok(slice_is(buf_slice(&b), buf_slice(&want)), "the key as a JWK");
}

static void test_words(void)
{
	static const char *const words[] = { "valid", "malformed", "foreign", "forged", "claims" };
	for (enum jwt_verdict v = JWT_VALID; v <= JWT_CLAIMS; v++)
		is_str(jwt_verdict_word(v), words[v], "verdict %s", words[v]);
}

static void test_each(void)
{
	for (enum jwt_use use = JWT_ACCESS; use <= JWT_ENROL; use++) {
		size_t mark = arena_mark();
		test_flips(use);
		test_cuts(use);
		arena_back(mark);
		test_edits(use);
		arena_back(mark);
	}
}

static void (*const tests[])(void) = {
	test_derived, test_key_names, test_sealed, test_sealed_link, test_sealed_codes, test_names, test_numbers, test_each, test_spellings, test_strays, test_segments, test_headers, test_keys, test_short_keys, test_macs,
	test_bad_values, test_edited_claims, test_length, test_optional, test_largest, test_jwk, test_words,
};

int main(void)
{
	make_keys();
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
		size_t mark = arena_mark();
		tests[i]();
		arena_back(mark);
	}
	return done_testing();
}
