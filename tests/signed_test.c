/*
 * signed_test: access tokens by ES256, which latchkey knows by the MAC in their jti.
 */
#include "base/base64.h"
#include "derive.h"
#include "jwt.h"
#include "t.h"

#define T(literal) { "" literal, sizeof(literal) - 1 }

static struct keyring ring = { .count = 2 };
static const struct access_claims example = { .iss = T("https://id.example"), .aud = T("app"), .name = T("j\"rgen"), .sub = 1, .sid = 2,
	.iat = 1700000000, .exp = 1700000900, .client_id = T("latchkey"), .scope = T(""), .groups = T("a,b") };

static enum jwt_verdict opened(struct slice token, struct access_claims *out)
{
	size_t mark = arena_mark();
	enum jwt_verdict verdict = jwt_open_signed(token, &ring, out, NULL);
	arena_back(mark);
	return verdict;
}

static void test_there_and_back(void)
{
	struct access_claims a;
	size_t signer = 9;
	struct slice token = jwt_seal_signed(&ring.key[1], &example), rest = token, header = SLICE_NONE, payload = SLICE_NONE;
	ok(slice_is(token, jwt_seal_signed(&ring.key[1], &example)), "the same claims give the same bytes");
	is_int(jwt_open_signed(token, &ring, &a, &signer), JWT_VALID, "opens");
	is_int(signer, 1, "by its key");
	ok(a.sub == 1 && a.sid == 2 && a.iat == example.iat && a.exp == example.exp, "numbers");
	ok(slice_is(a.iss, example.iss) && slice_is(a.aud, example.aud) && slice_is(a.name, example.name), "texts");
	ok(slice_is(a.client_id, example.client_id) && slice_is(a.scope, example.scope) && slice_is(a.groups, example.groups), "what HS256 may lack");
	base64url_read(slice_cut(&rest, '.'), &header);
	is_str(slice_text(header), "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"0000000b-e\"}", "its header");
	base64url_read(slice_cut(&rest, '.'), &payload);
	ok(slice_starts(payload, S("{\"jti\":\"")) && payload.p[40] == '"' && payload.p[41] == ',', "its jti comes first");
	ok(slice_starts(slice_from(payload, 42), S("\"iss\":\"https://id.example\",\"sub\"")), "then the others");
	is_int(rest.n, 86, "and a signature");
}

/* Each letter of header and payload in turn is another. */
static void test_changed(void)
{
	struct access_claims a;
	struct slice token = jwt_seal_signed(&ring.key[0], &example), input = token;
	slice_cut_last(&input, '.');
	int taken = 0, forged = 0;
	for (size_t i = 0; i < input.n; i++) {
		char *at = (char *)(uintptr_t)token.p + i, was = *at;
		*at = was == 'A' ? 'B' : 'A';
		enum jwt_verdict verdict = opened(token, &a);
		taken += verdict == JWT_VALID;
		forged += verdict == JWT_FORGED;
		*at = was;
	}
	is_int(taken, 0, "another letter anywhere: refused");
	ok(forged > 300, "nearly all by the MAC (%d)", forged);
	is_int(opened(token, &a), JWT_VALID, "as it was it is good");
	ring.key[0].master[5] ^= 1;
	is_int(opened(token, &a), JWT_FORGED, "under another key of that name it is none");
	ring.key[0].master[5] ^= 1;
}

static void test_kinds(void)
{
	struct access_claims a, with = example;
	with.jti = 5;
	struct slice signed_one = jwt_seal_signed(&ring.key[0], &with), plain = jwt_seal_access(&ring.key[0], &with);
	is_int(opened(plain, &a), JWT_FOREIGN, "one by HS256 is another kind");
	is_int(jwt_open_access(signed_one, &ring, &a, NULL), JWT_FOREIGN, "and the other way round");
	is_int(opened(S("a.b.c"), &a), JWT_MALFORMED, "what is no token");
	is_int(opened(S(""), &a), JWT_MALFORMED, "nor this");
}

/* A token with a MAC that is right over a payload of the caller's, from behind the jti. */
static struct slice with_mark(const char *rest, bool marked)
{
	struct buf payload = { 0 }, letters = { 0 }, message = { 0 }, token = { 0 };
	uint8_t mac[DERIVE_MAC];
	struct slice good = jwt_seal_signed(&ring.key[0], &example), header = slice_cut(&good, '.');
	base64url_add(&letters, slice_of(rest));
	buf_add(&message, header);
	buf_c(&message, '.');
	buf_add(&message, buf_slice(&letters));
	derive_mac(&ring.key[0], DERIVE_OWN, buf_slice(&message), mac);
	buf_s(&payload, "{\"jti\":\"");
	buf_hex_bytes(&payload, mac, 16);
	buf_s(&payload, "\",");
	if (marked)
		buf_s(&payload, rest);
	buf_add(&token, header);
	buf_c(&token, '.');
	base64url_add(&token, marked ? buf_slice(&payload) : (struct slice){ payload.p, 41 });
	buf_c(&token, '.');
	slice_cut(&good, '.');
	buf_add(&token, good);
	return buf_slice(&token);
}

#define REST "\"iss\":\"i\",\"sub\":\"0000000000000001\",\"aud\":\"a\",\"sid\":\"0000000000000002\",\"iat\":1,\"exp\":2,\"name\":\"n\"," \
	"\"client_id\":\"c\",\"scope\":\"\""

static void test_claims(void)
{
	struct access_claims a;
	is_int(opened(with_mark(REST "}", true), &a), JWT_VALID, "what we would write");
	is_int(opened(with_mark(REST ",\"more\":1}", true), &a), JWT_CLAIMS, "a claim that isn't known");
	is_int(opened(with_mark("\"iss\":\"i\"}", true), &a), JWT_CLAIMS, "claims that are missing");
	is_int(opened(with_mark(REST ",\"jti\":\"0\"}", true), &a), JWT_CLAIMS, "a second jti");
	is_int(opened(with_mark("}", true), &a), JWT_CLAIMS, "nothing else");
	is_int(opened(with_mark(" " REST " }", true), &a), JWT_VALID, "blanks, which JSON allows");
	is_int(opened(with_mark("", false), &a), JWT_FORGED, "too short for a jti");
	struct slice token = with_mark(REST "}", true), head = token;
	slice_cut_last(&head, '.');
	struct buf short_one = { 0 };
	buf_add(&short_one, head);
	buf_s(&short_one, ".AAAA");
	is_int(opened(buf_slice(&short_one), &a), JWT_FORGED, "a signature that is too short");
}

int main(void)
{
	for (size_t i = 0; i < ring.count; i++) {
		snprintf(ring.key[i].kid, sizeof ring.key[i].kid, "%08x", (unsigned)(10 + i));
		memset(ring.key[i].master, (int)i + 1, KEY_SIZE);
	}
	test_there_and_back();
	test_changed();
	test_kinds();
	test_claims();
	return done_testing();
}
