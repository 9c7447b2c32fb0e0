/*
 * softfloat: arithmetic on doubles in integers, for processors without a
 * floating-point unit whose compiler in Debian comes with a libgcc for those
 * that have one (MIPS; tools/cross.mk).
 *
 * The names and meanings are those that GCC's manual gives for its library
 * ("Soft float library routines"); only what SQLite, and printf in the tests,
 * call is here. IEEE 754 binary64, to nearest, ties to even, with subnormals,
 * infinities and NaNs; no exceptions, no signalling NaNs. Every routine is held
 * to the host's own unit by tests/softfloat_test.c, bit for bit.
 *
 * A number taken apart is (-1)^sign * frac * 2^(exp - BIAS - 62), and frac has
 * its highest one at bit 62: there is room for a carry above, and below for ten
 * bits, the last of which says that something was lost.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifndef SOFT
#define SOFT(name) __##name   /* the test gives them other names */
#endif

enum { BIAS = 1023, EXP_MAX = 2047, LOW = 10 };
#define SIGN (UINT64_C(1) << 63)
#define INF (UINT64_C(0x7ff) << 52)
#define QUIET_NAN (UINT64_C(0xfff) << 51)
#define HIDDEN (UINT64_C(1) << 52)
#define TOP (UINT64_C(1) << 62)

struct parts { uint64_t frac; int exp; bool sign; };

static uint64_t bits(double d)
{
	uint64_t u;
	memcpy(&u, &d, sizeof u);
	return u;
}

static double real(uint64_t u)
{
	double d;
	memcpy(&d, &u, sizeof d);
	return d;
}

static bool is_nan(uint64_t u)
{
	return (u & ~SIGN) > INF;
}

static bool is_inf(uint64_t u)
{
	return (u & ~SIGN) == INF;
}

/* Shifted right, with whatever falls off kept as a one at the end. */
static uint64_t shift(uint64_t v, int n)
{
	if (n > 63)
		return v != 0;
	return n ? v >> n | ((v << (64 - n)) != 0) : v;
}

static struct parts normal(struct parts p)
{
	while (p.frac && p.frac < TOP) {
		p.frac <<= 1;
		p.exp--;
	}
	return p;
}

/* Of a finite number; zero has frac 0. */
static struct parts apart(uint64_t u)
{
	int exp = (int)(u >> 52 & 0x7ff);
	uint64_t frac = u & (HIDDEN - 1);
	struct parts p = { (exp ? frac | HIDDEN : frac) << LOW, exp ? exp : 1, u >> 63 };
	return normal(p);
}

static double together(struct parts p)
{
	uint64_t sign = p.sign ? SIGN : 0;
	if (!p.frac)
		return real(sign);
	if (p.frac & SIGN) {
		p.frac = shift(p.frac, 1);
		p.exp++;
	}
	p = normal(p);
	if (p.exp < 1) {   /* subnormal: exponent 0 stands for 1, without the hidden bit */
		p.frac = shift(p.frac, 1 - p.exp);
		p.exp = 1;
	}
	uint64_t rest = p.frac & ((1u << LOW) - 1), half = 1u << (LOW - 1);
	uint64_t u = p.frac >> LOW;
	u += rest > half || (rest == half && (u & 1));
	/* The hidden bit, and a carry into the next power, add to the exponent by themselves. */
	u += (uint64_t)(p.exp - 1) << 52;
	return real(sign | (p.exp >= EXP_MAX || u > INF ? INF : u));
}

/* ---- arithmetic -------------------------------------------------------- */

double SOFT(adddf3)(double a, double b);
double SOFT(subdf3)(double a, double b);
double SOFT(muldf3)(double a, double b);
double SOFT(divdf3)(double a, double b);

double SOFT(adddf3)(double a, double b)
{
	uint64_t u = bits(a), v = bits(b);
	if (is_nan(u) || is_nan(v) || (is_inf(u) && is_inf(v) && u != v))
		return real(QUIET_NAN);
	if (is_inf(u) || is_inf(v))
		return is_inf(u) ? a : b;
	if ((u & ~SIGN) < (v & ~SIGN)) {
		uint64_t swap = u;
		u = v;
		v = swap;
	}
	struct parts p = apart(u), q = apart(v);
	if (!q.frac)   /* also 0 + 0, which is -0 only if both are */
		return real(p.frac ? u : u & v);
	q.frac = shift(q.frac, p.exp - q.exp);
	p.frac = p.sign == q.sign ? p.frac + q.frac : p.frac - q.frac;
	p.sign = p.sign && p.frac;   /* x - x is +0 */
	return together(p);
}

double SOFT(subdf3)(double a, double b)
{
	return SOFT(adddf3)(a, real(bits(b) ^ SIGN));
}

double SOFT(muldf3)(double a, double b)
{
	uint64_t u = bits(a), v = bits(b), sign = (u ^ v) & SIGN;
	if (is_nan(u) || is_nan(v))
		return real(QUIET_NAN);
	struct parts p = apart(u), q = apart(v);
	if (is_inf(u) || is_inf(v))
		return real((p.frac && q.frac) ? sign | INF : QUIET_NAN);
	if (!p.frac || !q.frac)
		return real(sign);
	/* 53 bits by 53, in halves of 32: the product's upper 64 bits of 126, and whether any lie below. */
	uint64_t x = p.frac >> 32, y = p.frac & UINT32_MAX, z = q.frac >> 32, w = q.frac & UINT32_MAX;
	uint64_t low = y * w, middle = x * w + (low >> 32), other = y * z + (middle & UINT32_MAX);
	uint64_t high = x * z + (middle >> 32) + (other >> 32);
	bool lost = (other & UINT32_MAX) || (low & UINT32_MAX);
	/* high is the product / 2^64, so its one stands at bit 60 or 61. */
	return together((struct parts){ high << 1 | lost, p.exp + q.exp - BIAS + 1, sign != 0 });
}

double SOFT(divdf3)(double a, double b)
{
	uint64_t u = bits(a), v = bits(b), sign = (u ^ v) & SIGN;
	if (is_nan(u) || is_nan(v) || (is_inf(u) && is_inf(v)))
		return real(QUIET_NAN);
	struct parts p = apart(u), q = apart(v);
	if (!p.frac && !q.frac && !is_inf(u) && !is_inf(v))
		return real(QUIET_NAN);
	if (is_inf(u) || (!q.frac && !is_inf(v)))
		return real(sign | INF);
	if (is_inf(v) || !p.frac)
		return real(sign);
	uint64_t quotient = 0, left = p.frac;
	for (int i = 0; i < 62; i++) {
		quotient <<= 1;
		if (left >= q.frac) {
			left -= q.frac;
			quotient |= 1;
		}
		left <<= 1;
	}
	/* Bit 61 is the whole part. */
	return together((struct parts){ quotient << 1 | (left != 0), p.exp - q.exp + BIAS, sign != 0 });
}

/* ---- comparison: below 0, 0, above 0 as a is to b; `odd` with a NaN ------ */

static int compare(double a, double b, int odd)
{
	uint64_t u = bits(a), v = bits(b);
	if (is_nan(u) || is_nan(v))
		return odd;
	if (!((u | v) & ~SIGN) || u == v)
		return 0;
	if ((u ^ v) & SIGN)
		return u & SIGN ? -1 : 1;
	return (u < v) != ((u & SIGN) != 0) ? -1 : 1;
}

#define COMPARE(name, odd) \
	int SOFT(name)(double a, double b); \
	int SOFT(name)(double a, double b) { return compare(a, b, odd); }
COMPARE(eqdf2, 1)
COMPARE(nedf2, 1)
COMPARE(ltdf2, 1)
COMPARE(ledf2, 1)
COMPARE(gtdf2, -1)
COMPARE(gedf2, -1)

int SOFT(unorddf2)(double a, double b);
int SOFT(unorddf2)(double a, double b)
{
	return is_nan(bits(a)) || is_nan(bits(b));
}

/* ---- to and from integers ---------------------------------------------- */

/* The whole part, rounded towards zero; what doesn't fit is the caller's fault, as in C. */
static uint64_t whole(double a)
{
	uint64_t u = bits(a);
	int below = BIAS + 52 - (int)(u >> 52 & 0x7ff);   /* bits behind the point */
	uint64_t frac = (u & (HIDDEN - 1)) | HIDDEN;
	uint64_t v = below > 52 ? 0 : below >= 0 ? frac >> below : below > -12 ? frac << -below : 0;
	return u & SIGN ? -v : v;
}

static double number(uint64_t v, bool negative)
{
	if (v & SIGN)
		return together((struct parts){ shift(v, 1), BIAS + 63, negative });
	return together(normal((struct parts){ v, BIAS + 62, negative }));
}

int32_t SOFT(fixdfsi)(double a);
int64_t SOFT(fixdfdi)(double a);
uint32_t SOFT(fixunsdfsi)(double a);
uint64_t SOFT(fixunsdfdi)(double a);
double SOFT(floatsidf)(int32_t v);
double SOFT(floatdidf)(int64_t v);
double SOFT(floatunsidf)(uint32_t v);
double SOFT(floatundidf)(uint64_t v);

int32_t SOFT(fixdfsi)(double a)
{
	return (int32_t)whole(a);
}

int64_t SOFT(fixdfdi)(double a)
{
	return (int64_t)whole(a);
}

uint32_t SOFT(fixunsdfsi)(double a)
{
	return (uint32_t)whole(a);
}

uint64_t SOFT(fixunsdfdi)(double a)
{
	return whole(a);
}

double SOFT(floatsidf)(int32_t v)
{
	return SOFT(floatdidf)(v);
}

double SOFT(floatdidf)(int64_t v)
{
	return number(v < 0 ? -(uint64_t)v : (uint64_t)v, v < 0);
}

double SOFT(floatunsidf)(uint32_t v)
{
	return number(v, false);
}

double SOFT(floatundidf)(uint64_t v)
{
	return number(v, false);
}
