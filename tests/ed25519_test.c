/*
 * ed25519_test: what is no signature, of the kinds that Wycheproof's vectors have, made by program: special numbers in each place, S in its other
 * spellings, points of small and of mixed order, and lengths. Beside each stands a control: a signature that is taken, or RFC 8032's equation alone
 * (5.1.7), which holds for what is refused all the same.
 */
#include "wallet.h"

#include "base/base64.h"
#include "t.h"

#include <crypto_hash_sha512.h>
#include <crypto_sign_ed25519.h>
#define CONFIGURED 1
#include <private/ed25519_ref10.h>

/* Numbers and points, each 32 bytes with the lowest first. */
typedef uint8_t number[32];
struct signature { number r, s; };

static number key, secret, nonce, one = { 1 };
static struct signature good;
#define TEXT S("It costs nothing, and sends no transaction.")

/* ---- what decides ------------------------------------------------------ */

static bool taken_text(const number by, struct slice text, const char *signature)
{
	struct wallet w = { .chain = S("solana") };
	memcpy(w.key, by, sizeof w.key);
	return wallet_signed(&w, text, slice_of(signature));
}

static bool taken(const number by, struct slice text, const struct signature *s)
{
	struct buf b = { 0 };
	base64_add(&b, (struct slice){ (const char *)s, sizeof *s });
	buf_s(&b, "==");
	return taken_text(by, text, slice_text(buf_slice(&b)));
}

/* RFC 8032's k, by the order of the base point. */
static void challenge(uint8_t out[64], const number r, const number by, struct slice text)
{
	struct buf b = { 0 };
	buf_add(&b, (struct slice){ (const char *)r, sizeof(number) });
	buf_add(&b, (struct slice){ (const char *)by, sizeof(number) });
	buf_add(&b, text);
	crypto_hash_sha512(out, (const uint8_t *)b.p, b.n);
	sc25519_reduce(out);
}

/* What a verifier finds that looks at nothing else: the point S·B - k·A is spelled R. */
static bool equation_holds(const number by, struct slice text, const struct signature *s)
{
	uint8_t k[64];
	number made;
	ge25519_p3 a;
	ge25519_p2 sum;
	if (ge25519_frombytes_negate_vartime(&a, by) != 0)
		return false;
	challenge(k, s->r, by, text);
	ge25519_double_scalarmult_vartime(&sum, k, &a, s->s);
	ge25519_tobytes(made, &sum);
	return same_bytes(made, s->r, sizeof made);
}

/* ---- who signs --------------------------------------------------------- */

static void times_base(number out, const number scalar)
{
	ge25519_p3 p;
	ge25519_scalarmult_base(&p, scalar);
	ge25519_p3_tobytes(out, &p);
}

static void add_points(number out, const number a, const number b)
{
	ge25519_p3 p, q;
	ge25519_cached c;
	ge25519_p1p1 sum;
	ge25519_frombytes(&p, a);
	ge25519_frombytes(&q, b);
	ge25519_p3_to_cached(&c, &q);
	ge25519_add(&sum, &p, &c);
	ge25519_p1p1_to_p3(&p, &sum);
	ge25519_p3_tobytes(out, &p);
}

/* By whom the secret number is known, but with any R and any key: S = nonce + k·secret. */
static struct signature sign_as(const number r, const number by, const number from, struct slice text)
{
	struct signature s;
	uint8_t k[64];
	memcpy(s.r, r, sizeof s.r);
	challenge(k, r, by, text);
	sc25519_muladd(s.s, k, secret, from);
	return s;
}

static void make_keys(void)
{
	uint8_t wide[64];
	number r;
	crypto_hash_sha512(wide, (const uint8_t *)"seed", 4);
	sc25519_reduce(wide);
	memcpy(secret, wide, sizeof secret);
	crypto_hash_sha512(wide, (const uint8_t *)"nonce", 5);
	sc25519_reduce(wide);
	memcpy(nonce, wide, sizeof nonce);
	times_base(key, secret);
	times_base(r, nonce);
	good = sign_as(r, key, nonce, TEXT);
	ok(taken(key, TEXT, &good) && equation_holds(key, TEXT, &good), "a signature of the test's own making is taken");
}

/* ---- special numbers --------------------------------------------------- */

static const char *const special[] = {
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"0200000000000000000000000000000000000000000000000000000000000000",
	"ecd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010",        /* the order, L, less 1 */
	"edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010",        /* L */
	"eed3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010",        /* and 1 more */
	"dad3f55c1a631258d69cf7a2def9de1400000000000000000000000000000020",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",        /* the field's p, less 1 */
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",        /* p */
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",        /* and 1 more */
	"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
};
enum { SPECIAL = sizeof special / sizeof *special };

static void special_numbers(void)
{
	number n[SPECIAL];
	size_t took[4] = { 0 };
	for (size_t i = 0; i < SPECIAL; i++)
		parse_hex(slice_of(special[i]), n[i], sizeof n[i]);
	for (size_t i = 0; i < SPECIAL; i++) {
		struct signature r = good, s = good;
		memcpy(r.r, n[i], sizeof r.r);
		memcpy(s.s, n[i], sizeof s.s);
		took[0] += taken(key, TEXT, &r);
		took[1] += taken(key, TEXT, &s);
		took[2] += taken(n[i], TEXT, &good);
		for (size_t j = 0; j < SPECIAL; j++) {
			memcpy(r.s, n[j], sizeof r.s);
			took[3] += taken(key, TEXT, &r);
		}
	}
	is_int(took[0], 0, "none of %d special numbers in place of R is taken", SPECIAL);
	is_int(took[1], 0, "nor in place of S");
	is_int(took[2], 0, "nor as the key");
	is_int(took[3], 0, "nor any two as a signature");
}

static void every_bit(void)
{
	struct signature s = good;
	size_t took = 0;
	for (size_t bit = 0; bit < 8 * sizeof s; bit++) {
		s = good;
		((uint8_t *)&s)[bit / 8] ^= (uint8_t)(1 << bit % 8);
		took += taken(key, TEXT, &s);
	}
	is_int(took, 0, "no signature with one bit changed is taken");
	ok(!taken(key, S(""), &good), "nor the good one for an empty text");
	struct signature of_none = sign_as(good.r, key, nonce, S(""));
	ok(taken(key, S(""), &of_none), "control: which has a signature of its own");
}

/* ---- spellings of S ---------------------------------------------------- */

static void other_spellings(void)
{
	struct signature s = good;
	number order;
	int took = 0, held = 0;
	parse_hex(slice_of(special[4]), order, sizeof order);
	for (int times = 1; times < 8; times++) {
		unsigned carry = 0;
		for (size_t i = 0; i < sizeof s.s; i++, carry >>= 8)
			s.s[i] = (uint8_t)(carry += (unsigned)s.s[i] + order[i]);
		took += taken(key, TEXT, &s);
		held += equation_holds(key, TEXT, &s);
	}
	is_int(held, 7, "S + L to S + 7 L are the same number to the equation");
	is_int(took, 0, "and none is taken");
}

/* ---- points of small order --------------------------------------------- */

/* All eight, and what else decodes to one of them: not below p, or 0 with a sign. */
static const char *const small[] = {
	"0100000000000000000000000000000000000000000000000000000000000000", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"0000000000000000000000000000000000000000000000000000000000000000", "0000000000000000000000000000000000000000000000000000000000000080",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	"0100000000000000000000000000000000000000000000000000000000000080", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
};
enum { SMALL = sizeof small / sizeof *small, ORDER_8 = 8, TEXTS = 16 };
static number point[SMALL];

static struct slice some_text(int i)
{
	struct buf b = { 0 };
	buf_s(&b, "text ");
	buf_int(&b, i);
	return buf_slice(&b);
}

/* Nobody's key: R is S·B and a point of small order, and fits one text in eight or more. */
static void small_keys(const number from)
{
	bool fits[SMALL] = { false };
	size_t took = 0, held = 0, mark = arena_mark();
	number honest;
	times_base(honest, from);
	for (size_t i = 0; i < SMALL; i++)
		for (size_t j = 0; j < ORDER_8; j++)
			for (int k = 0; k < TEXTS; k++, arena_back(mark)) {
				struct signature s;
				add_points(s.r, honest, point[j]);
				memcpy(s.s, from, sizeof s.s);
				took += taken(point[i], some_text(k), &s);
				fits[i] |= equation_holds(point[i], some_text(k), &s);
			}
	for (size_t i = 0; i < SMALL; i++)
		held += fits[i];
	is_int(held, SMALL, "for each key of small order the equation holds for some text, without its secret");
	is_int(took, 0, "and none of them signs");
}

/* The owner of a key can make one whose R is nothing. */
static void small_nonces(void)
{
	static const number zero = { 0 };
	size_t took = 0;
	for (size_t i = 0; i < SMALL; i++) {
		struct signature s = sign_as(point[i], key, zero, TEXT);
		took += taken(key, TEXT, &s);
	}
	struct signature s = sign_as(one, key, zero, TEXT);
	ok(equation_holds(key, TEXT, &s), "with R = 1 the equation holds");
	is_int(took, 0, "and no R of small order is taken");
}

/* A key or an R with a part of small order: a batch's verifier, which multiplies by 8, sees no such part. Here the equation decides as it stands. */
static void mixed_order(void)
{
	size_t unlike = 0, held = 0, mark = arena_mark();
	for (size_t i = 1; i < ORDER_8; i++)
		for (size_t j = 0; j < ORDER_8; j++)
			for (int k = 0; k < TEXTS; k++, arena_back(mark)) {
				number mixed, r;
				add_points(mixed, key, point[i]);
				add_points(r, good.r, point[j]);
				struct signature s = sign_as(r, mixed, nonce, some_text(k));
				bool holds = equation_holds(mixed, some_text(k), &s);
				unlike += taken(mixed, some_text(k), &s) != holds;
				held += holds;
			}
	ok(held > 0 && held < (ORDER_8 - 1) * ORDER_8 * TEXTS, "with parts of small order the equation holds for some: %zu", held);
	is_int(unlike, 0, "and these are taken, no others");
}

/* ---- lengths ----------------------------------------------------------- */

static bool taken_padded(const uint8_t *bytes, size_t n, const char *padding)
{
	struct buf b = { 0 };
	base64_add(&b, (struct slice){ (const char *)bytes, n });
	buf_s(&b, padding);
	return taken_text(key, TEXT, slice_text(buf_slice(&b)));
}

static void lengths(void)
{
	uint8_t bytes[sizeof good + 64] = { 0 };
	size_t took = 0, mark = arena_mark();
	memcpy(bytes, &good, sizeof good);
	ok(taken_padded(bytes, sizeof good, "=="), "64 bytes are a signature");
	for (size_t n = 0; n <= sizeof bytes; n++, arena_back(mark))
		for (size_t p = 0; p < 4; p++)
			took += (n != sizeof good || p != 2) && taken_padded(bytes, n, &"==="[3 - p]);
	is_int(took, 0, "no other number of bytes, from none to twice as many, nor another padding");
}

int main(void)
{
	make_keys();
	special_numbers();
	every_bit();
	other_spellings();
	for (size_t i = 0; i < SMALL; i++)
		parse_hex(slice_of(small[i]), point[i], sizeof point[i]);
	small_keys((number){ 0 });
	small_keys(nonce);
	small_nonces();
	mixed_order();
	lengths();
	return done_testing();
}
