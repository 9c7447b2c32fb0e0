/*
 * tools/softfloat.c, under other names, beside the processor's own unit: the
 * same bits for every pair of the awkward numbers and for two million random pairs.
 */
#include "t.h"

#define SOFT(name) soft_##name
#include "../tools/softfloat.c"   /* NOLINT(bugprone-suspicious-include): its static parts too */

/* xorshift64: the same sequence each time. */
static uint64_t random_state = 88172645463325252u;
static uint64_t next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static int wrong;

static void same(const char *what, uint64_t a, uint64_t b, double got, double want)
{
	uint64_t g = bits(got), w = bits(want);
	if (g != w && !(is_nan(g) && is_nan(w)) && wrong++ < 10)
		diag("%s of %016" PRIx64 " and %016" PRIx64 ": got %016" PRIx64 ", want %016" PRIx64, what, a, b, g, w);
}

static void same_int(const char *what, uint64_t a, uint64_t b, int64_t got, int64_t want)
{
	if (got != want && wrong++ < 10)
		diag("%s of %016" PRIx64 " and %016" PRIx64 ": got %" PRId64 ", want %" PRId64, what, a, b, got, want);
}

static void pair(uint64_t u, uint64_t v)
{
	double a = real(u), b = real(v);
	same("+", u, v, soft_adddf3(a, b), a + b);
	same("-", u, v, soft_subdf3(a, b), a - b);
	same("*", u, v, soft_muldf3(a, b), a * b);
	same("/", u, v, soft_divdf3(a, b), a / b);
	same_int("<", u, v, soft_ltdf2(a, b) < 0, a < b);
	same_int("<=", u, v, soft_ledf2(a, b) <= 0, a <= b);
	same_int(">", u, v, soft_gtdf2(a, b) > 0, a > b);
	same_int(">=", u, v, soft_gedf2(a, b) >= 0, a >= b);
	same_int("==", u, v, soft_eqdf2(a, b) == 0, a <= b && a >= b);
	same_int("!=", u, v, soft_nedf2(a, b) != 0, !(a <= b && a >= b));
	same_int("unordered", u, v, soft_unorddf2(a, b) != 0, is_nan(u) || is_nan(v));
}

#define TWO_31 2147483648.0
#define TWO_63 9223372036854775808.0

static void one(uint64_t u)
{
	double a = real(u);
	int32_t s = (int32_t)(uint32_t)u;
	same("from int64", u, 0, soft_floatdidf((int64_t)u), (double)(int64_t)u);
	same("from uint64", u, 0, soft_floatundidf(u), (double)u);
	same("from int32", u, 0, soft_floatsidf(s), (double)s);
	same("from uint32", u, 0, soft_floatunsidf((uint32_t)u), (double)(uint32_t)u);
	/* What doesn't fit has no meaning in C. */
	if (a > -TWO_63 && a < TWO_63)
		same_int("to int64", u, 0, soft_fixdfdi(a), (int64_t)a);
	if (a > -1 && a < 2 * TWO_63)
		same_int("to uint64", u, 0, (int64_t)soft_fixunsdfdi(a), (int64_t)(uint64_t)a);
	if (a > -TWO_31 && a < TWO_31)
		same_int("to int32", u, 0, soft_fixdfsi(a), (int32_t)a);
	if (a > -1 && a < 2 * TWO_31)
		same_int("to uint32", u, 0, (int64_t)soft_fixunsdfsi(a), (int64_t)(uint32_t)a);
}

static const uint64_t awkward[] = {
	0, 1, 2, 0x000fffffffffffff, 0x0010000000000000, 0x0010000000000001, 0x001fffffffffffff, 0x0020000000000000,
	0x3c90000000000000, 0x3ca0000000000000, 0x3ca0000000000001, 0x3cb0000000000000, 0x3fe0000000000000, 0x3fefffffffffffff,
	0x3ff0000000000000, 0x3ff0000000000001, 0x3ff8000000000000, 0x4000000000000000, 0x4008000000000000, 0x41dfffffffc00000,
	0x41e0000000000000, 0x41efffffffe00000, 0x432fffffffffffff, 0x4330000000000000, 0x4330000000000001, 0x4340000000000000,
	0x43dfffffffffffff, 0x43e0000000000000, 0x43efffffffffffff, 0x43f0000000000000, 0x7fdfffffffffffff, 0x7fe0000000000000,
	0x7fefffffffffffff, 0x7ff0000000000000, 0x7ff8000000000000, 0x7fffffffffffffff,
};
enum { AWKWARD = sizeof awkward / sizeof *awkward };

static void awkward_pairs(void)
{
	for (size_t i = 0; i < 2u * AWKWARD; i++) {
		uint64_t u = awkward[i / 2] | (i % 2 ? SIGN : 0);
		one(u);
		for (size_t k = 0; k < 2u * AWKWARD; k++)
			pair(u, awkward[k / 2] | (k % 2 ? SIGN : 0));
	}
}

/* Any bits; numbers within a few powers of two, which cancel and round; few bits, which tie. */
static void random_pairs(void)
{
	for (int i = 0; i < 700000; i++) {
		uint64_t u = next(), v = next(), exp = next() % 2000;
		pair(u, v);
		one(u >> next() % 64);
		pair((u & ~INF) | (exp + next() % 40) << 52, (v & ~INF) | (exp + next() % 40) << 52);
		uint64_t ends = next() % 53;
		u = (u & ~INF) >> ends << ends | (960 + next() % 128) << 52;
		v = (v & ~INF) >> (52 - ends) << (52 - ends) | (960 + next() % 128) << 52;
		pair(u, v);
		one(u);
	}
}

int main(void)
{
	not_in("cross", "what it compares with is itself, or qemu's emulation");
	awkward_pairs();
	is_int(wrong, 0, "awkward numbers: arithmetic, comparison, conversion");
	random_pairs();
	is_int(wrong, 0, "random numbers");
	/* Held to what would be wrong: the last bit of a rounded third. */
	wrong = 0;
	same("a control", 0, 0, soft_divdf3(1, 3), real(bits(1.0 / 3) + 1));
	is_int(wrong, 1, "a wrong last bit is seen");
	return done_testing();
}
