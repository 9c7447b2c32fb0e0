/*
 * copy_test: memcpy(3), memmove(3), memcmp(3) and memchr(3) as they are linked, for each length up to 160 at each place within 16 bytes, against
 * loops over single bytes. Sources end where a page begins that nobody may touch.
 */
#include "t.h"

enum { MOST = 160, PLACES = 16, GUARD = 64, ROOM = GUARD + PLACES + MOST + GUARD };

/* Called by pointers, or the compiler would put code of its own in their place. */
static void *(*volatile copy)(void *, const void *, size_t) = memcpy;
static void *(*volatile move)(void *, const void *, size_t) = memmove;
static int (*volatile compare)(const void *, const void *, size_t) = memcmp;
static void *(*volatile find)(const void *, int, size_t) = memchr;

static unsigned char drawn[MOST];

/* Whether all of place[] is GUARD_BYTE but the n bytes at `at`, which are those of drawn[]. */
static bool holds(const unsigned char place[ROOM], size_t at, size_t n)
{
	bool good = true;
	for (size_t i = 0; i < ROOM; i++)
		good &= place[i] == (i >= at && i < at + n ? drawn[i - at] : 0xee);
	return good;
}

static void test_copy(void *(*what)(void *, const void *, size_t), const char *name)
{
	unsigned char place[ROOM];
	int good = 0;
	for (size_t n = 0; n <= MOST; n++)
		for (size_t at = GUARD; at < GUARD + PLACES; at++) {
			struct slice from = at_edge((struct slice){ (const char *)drawn, n });
			for (size_t i = 0; i < ROOM; i++)
				place[i] = 0xee;
			good += what(place + at, from.p, n) == place + at && holds(place, at, n);
		}
	is_int(good, (MOST + 1) * PLACES, "%s: %d lengths at %d places, and no byte beside them", name, MOST + 1, PLACES);
}

/* From each distance on either side, so that source and target overlap. */
static void test_overlap(void)
{
	unsigned char place[ROOM], want[ROOM];
	int good = 0;
	for (size_t n = 0; n <= MOST; n++)
		for (size_t at = 0; at <= (size_t)2 * GUARD; at++) {
			for (size_t i = 0; i < ROOM; i++)
				place[i] = want[i] = (unsigned char)(i * 7 + n);
			for (size_t i = 0; i < n; i++)
				want[at + i] = place[GUARD + i];
			move(place + at, place + GUARD, n);
			bool same = true;
			for (size_t i = 0; i < ROOM; i++)
				same &= place[i] == want[i];
			good += same;
		}
	is_int(good, (MOST + 1) * (2 * GUARD + 1), "memmove: %d lengths from up to %d bytes before and after", MOST + 1, GUARD);
}

static void test_compare(void)
{
	unsigned char other[MOST];
	int good = 0, wanted = 0;
	for (size_t n = 0; n <= MOST; n++) {
		const char *edge = at_edge((struct slice){ (const char *)drawn, n }).p;
		for (size_t i = 0; i < MOST; i++)
			other[i] = i < n ? drawn[i] : 0;
		good += compare(edge, other, n) == 0;
		wanted += 1 + 2 * (int)n;
		for (size_t i = 0; i < n; other[i] = drawn[i], i++) {
			other[i] = (unsigned char)(drawn[i] + 1);
			good += compare(edge, other, n) < 0 && compare(other, edge, n) > 0;
			other[i] = (unsigned char)(drawn[i] - 1);
			good += compare(edge, other, n) > 0;
		}
	}
	is_int(good, wanted, "memcmp: equal, and less and greater at each place of each length, by bytes without a sign");
}

/* The first of two is found; a byte before or after the text isn't. */
static void test_find(void)
{
	int good = 0, wanted = 0;
	for (size_t n = 0; n <= MOST; n++) {
		unsigned char text[1 + MOST + 1];
		memset(text, 0xfe, sizeof text);
		text[0] = text[n + 1] = 0xff;
		good += find(text + 1, 0xff, n) == NULL;
		wanted += 1 + 2 * (int)n;
		for (size_t i = 0; i < n; i++) {
			text[i + 1] = text[n] = 0xff;
			const char *edge = at_edge((struct slice){ (const char *)text + 1, n }).p;
			good += find(edge, 0x4ff, n) == edge + i;
			text[i + 1] = text[n] = 0xfe;
			edge = at_edge((struct slice){ (const char *)text + 1, n }).p;
			good += find(edge, 0xff, n) == NULL;
		}
	}
	is_int(good, wanted, "memchr: the first at each place of each length, or none");
}

int main(void)
{
	for (size_t i = 0; i < MOST; i++)
		drawn[i] = (unsigned char)(i * 131 % 253 + 1);
	test_copy(copy, "memcpy");
	test_copy(move, "memmove");
	test_overlap();
	test_compare();
	test_find();
	return done_testing();
}
