/*
 * base64_test: both alphabets, written and read. Only what would be written is read: of all texts of a length, as many
 * are taken as there are byte strings for them.
 */
#include "base/base64.h"
#include "t.h"

#define T(literal) { "" literal, sizeof(literal) - 1 }

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static struct slice base64url(struct slice bytes)
{
	struct buf b = { 0 };
	base64url_add(&b, bytes);
	return buf_slice(&b);
}

/* ---- base64url --------------------------------------------------------- */

static bool decodes(struct slice text, struct slice want)
{
	struct slice got = SLICE_NONE;
	return base64url_read(at_edge(text), &got) && slice_is(got, want);
}

static bool refused(struct slice text)
{
	struct slice got = { "x", 1 };
	return !base64url_read(at_edge(text), &got) && got.n == 1;
}

static void test_base64url_vectors(void)
{
	/* RFC 4648, 10; RFC 7515, appendix C; the two digits that base64 has not */
	static const struct { struct slice bytes, text; } vectors[] = {
		{ T(""), T("") }, { T("f"), T("Zg") }, { T("fo"), T("Zm8") }, { T("foo"), T("Zm9v") },
		{ T("foob"), T("Zm9vYg") }, { T("fooba"), T("Zm9vYmE") }, { T("foobar"), T("Zm9vYmFy") },
		{ T("\x03\xec\xff\xe0\xc1"), T("A-z_4ME") }, { T("\xfb\xff\xfe"), T("-__-") }, { T("\0\0\0\0"), T("AAAAAA") },
	};
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		ok(slice_is(base64url(vectors[i].bytes), vectors[i].text), "base64url %zu written", i);
		ok(decodes(vectors[i].text, vectors[i].bytes), "base64url %zu read", i);
	}
	static const struct slice bad[] = {
		T("Zg=="), T("Zm8="), T("Zm9v="), T("="), T("Zm9vYg="), T("Zg=="), T("Zm9v\n"), T(" Zm9v"), T("Zm 9v"), T("Zm9v\0"),
		T("+__-"), T("-//-"), T("Zm9v."), T("Z"), T("Zm9vY"), T("Zh"), T("Zm9"), T("Zm9vYh"), T("Zm9vYmF"), T("\xc3\xa9Zg"),
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(refused(bad[i]), "base64url refused %zu", i);
}

/* All texts of n digits, n < 4: how many are the spelling of some bytes? */
static int canonical(size_t n)
{
	char text[3];
	int taken = 0;
	size_t mark = arena_mark();
	for (uint32_t all = 0; all < 1u << 6 * n; all++) {
		struct slice got;
		for (size_t i = 0; i < n; i++)
			text[i] = alphabet[all >> 6 * i & 63];
		if (base64url_read((struct slice){ text, n }, &got)) {
			if (!slice_is(base64url(got), (struct slice){ text, n }))
				ok(false, "what is read is written alike");
			taken++;
		}
		arena_back(mark);
	}
	return taken;
}

static void test_base64url_canonical(void)
{
	is_int(canonical(1), 0, "one digit spells nothing");
	is_int(canonical(2), 1 << 8, "two digits spell each byte once");
	is_int(canonical(3), 1 << 16, "three digits spell each pair of bytes once");
	int foreign = 0;
	for (int c = 0; c < 256; c++)
		for (size_t i = 0; i < 4; i++) {
			char text[4] = { 'A', 'A', 'A', 'A' };
			text[i] = (char)c;
			foreign += refused((struct slice){ text, 4 });
		}
	is_int(foreign, 4 * (256 - 64), "64 bytes are digits, at each place, and no other");
}

/* Every text of n bytes, digits or not: taken are as many as there are byte strings of n * 6 / 8, so each has one spelling. */
static int taken_of(size_t n)
{
	int taken = 0;
	size_t mark = arena_mark();
	for (uint32_t all = 0; all < UINT32_C(1) << 8 * n; all++, arena_back(mark)) {
		char text[3] = { (char)(all & 255), (char)(all >> 8 & 255), (char)(all >> 16) };
		struct slice got;
		taken += base64url_read((struct slice){ text, n }, &got);
	}
	return taken;
}

/* Three bytes are sixteen million texts: too many for a sanitizer. */
static void test_base64url_every_text(void)
{
	is_int(taken_of(0), 1, "nothing is the spelling of nothing");
	is_int(taken_of(1), 0, "of 256 texts of one byte none is taken");
	is_int(taken_of(2), 1 << 8, "of 65536 texts of two bytes one for each byte");
#ifndef ARENA_MALLOC
	is_int(taken_of(3), 1 << 16, "of 16777216 texts of three bytes one for each two bytes");
#endif
}

/* ---- the standard alphabet ---------------------------------------------- */

static struct slice base64(struct slice bytes)
{
	struct buf b = { 0 };
	base64_add(&b, bytes);
	return buf_slice(&b);
}

static bool spells(struct slice text, struct slice want)
{
	uint8_t got[8];
	return base64_read(at_edge(text), got, want.n) && memcmp(got, want.p, want.n) == 0;
}

static void test_base64_vectors(void)
{
	static const struct { struct slice bytes, text; } vectors[] = {
		{ T(""), T("") }, { T("f"), T("Zg") }, { T("fo"), T("Zm8") }, { T("foo"), T("Zm9v") }, { T("foobar"), T("Zm9vYmFy") },
		{ T("\x03\xec\xff\xe0\xc1"), T("A+z/4ME") }, { T("\xfb\xff\xfe"), T("+//+") },
	};
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		ok(slice_is(base64(vectors[i].bytes), vectors[i].text), "base64 %zu written", i);
		ok(spells(vectors[i].text, vectors[i].bytes), "base64 %zu read", i);
	}
	uint8_t got[8];
	static const struct { struct slice text; size_t n; } bad[] = {
		{ T("Zg=="), 1 }, { T("Zh"), 1 }, { T("Zg"), 2 }, { T("Zm9v"), 2 }, { T("-__-"), 3 }, { T("Z"), 0 }, { T("Zm9\n"), 3 },
		{ T("Zm 9"), 3 }, { T("Zm9"), 2 }, { T(""), 1 },
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(!base64_read(at_edge(bad[i].text), got, bad[i].n), "base64 refused %zu", i);
}

static void test_base64_digits(void)
{
	uint8_t got[3];
	int taken = 0;
	for (int c = 0; c < 256; c++)
		for (size_t i = 0; i < 4; i++) {
			char text[4] = { 'A', 'A', 'A', 'A' };
			text[i] = (char)c;
			taken += base64_read((struct slice){ text, 4 }, got, 3);
		}
	is_int(taken, 4 * 64, "64 bytes are digits, at each place, and no other");
}

int main(void)
{
	test_base64url_vectors();
	test_base64url_canonical();
	test_base64url_every_text();
	test_base64_vectors();
	test_base64_digits();
	return done_testing();
}
