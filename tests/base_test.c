/*
 * base_test: every promise of base.h, the ways to fail among them. What must
 * end the process runs in a child. getrandom() is this file's, so that it can
 * fail.
 */
#include "t.h"

#include "base/base.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

static int no_chance;           /* what the next getrandom(2) fails by; 0: it doesn't */

ssize_t getrandom(void *out, size_t n, unsigned flags)
{
	errno = no_chance;
	no_chance = 0;
	memset(out, 0, n);      /* MSan doesn't see what a bare call writes */
	return errno ? -1 : syscall(SYS_getrandom, out, n, flags);
}

/* ---- slices ------------------------------------------------------------ */

static struct slice guarded(const char *text)
{
	return (struct slice){ guard(text, strlen(text)), strlen(text) };
}

static void slices(void)
{
	struct slice rest = S("a,,b"), none = slice_of(NULL);
	ok(none.p == NULL && none.n == 0, "no string is no slice");
	ok(slice_is(S("ab"), guarded("ab")) && !slice_is(S("ab"), S("ac")) && !slice_is(S("ab"), S("abc")), "equal bytes");
	ok(slice_is(SLICE_NONE, S("")), "an empty slice is an empty slice, wherever it lies");
	ok(slice_is_nocase(S("aZ9-"), S("Az9-")) && !slice_is_nocase(S("a"), S("b")) && !slice_is_nocase(S("a"), S("aa")),
		"equal but for case");
	ok(!slice_is_nocase(S("["), S("{")), "only letters have a case");
	ok(slice_starts(S("abc"), S("ab")) && !slice_starts(S("a"), S("ab")) && slice_starts(S("a"), S("")), "prefixes");
	ok(slice_is(slice_from(S("abc"), 1), S("bc")) && slice_from(S("abc"), 9).n == 0 && slice_from(SLICE_NONE, 1).p == NULL, "from");
	ok(slice_is(slice_trim(guarded(" \t a b\t ")), S("a b")) && slice_trim(guarded(" \t")).n == 0, "trim");
	ok(slice_is(slice_cut(&rest, ','), S("a")) && slice_is(slice_cut(&rest, ','), S("")) && slice_is(slice_cut(&rest, ','), S("b"))
		&& rest.p == NULL, "cut visits every part, and then there is no rest");
	rest = S("a,,b");
	ok(slice_is(slice_cut_last(&rest, ','), S("b")) && slice_is(slice_cut_last(&rest, ','), S("")) && slice_is(slice_cut_last(&rest, ','), S("a"))
		&& rest.p == NULL, "from the other end too");
	ok(slice_cut_last(&rest, ',').p == NULL && rest.p == NULL, "nothing has no part");
	is_str(slice_text(guarded("abc")), "abc", "text gets its NUL");
	is_str(slice_text(SLICE_NONE), "", "nothing is an empty text");
}

/* Unicode's table 3-7 at its edges. */
static void utf8(void)
{
	static const struct { const char *text; bool valid; } cases[] = {
		{ "", true }, { "a\x7f", true }, { "\x80", false }, { "\xc1\xbf", false }, { "\xc2\x80", true }, { "\xc2", false },
		{ "\xc2\x7f", false }, { "\xdf\xbf", true }, { "\xe0\x9f\xbf", false }, { "\xe0\xa0\x80", true }, { "\xed\x9f\xbf", true },
		{ "\xed\xa0\x80", false }, { "\xef\xbf\xbf", true }, { "\xef\xbf\x7f", false }, { "\xf0\x8f\xbf\xbf", false },
		{ "\xf0\x90\x80\x80", true }, { "\xf4\x8f\xbf\xbf", true }, { "\xf4\x90\x80\x80", false }, { "\xf5\x80\x80\x80", false },
		{ "\xf0\x90\x80", false }, { "\xf1\x80\x80\xc0", false }, { "a\xe2\x82\xac" "b", true },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		ok(slice_is_utf8(guarded(cases[i].text)) == cases[i].valid, "UTF-8, case %zu", i);
	ok(slice_is_utf8(S("a\0b")), "NUL is a character like others");
	static const struct { const char *text; size_t n; } fronts[] = {
		{ "ab", 1 }, { "\xc3\xa4x", 2 }, { "\xe2\x82\xac\xe2", 3 }, { "\xf0\x9f\x98\x80", 4 }, { "\xc3", 0 }, { "\xc3x", 0 }, { "\x80", 0 },
		{ "\xe2\x82", 0 }, { "\xff\xff\xff\xff", 0 },
	};
	for (size_t i = 0; i < sizeof fronts / sizeof *fronts; i++)
		ok(slice_utf8_front(guarded(fronts[i].text)).n == fronts[i].n, "a character's bytes, case %zu", i);
}

/* ---- arena and buffer -------------------------------------------------- */

static void ask_for(void *size)
{
	arena(*(size_t *)size);
}

static void fail_second(void *unused)
{
	(void)unused;
	arena_fail_at(2);
	arena(1);
	arena(1);
}

static void answer_at_length(enum error e)
{
	char *answer = arena(48 * 1024);
	_exit(e == ERROR_STORE_UNAVAILABLE && answer[0] == 0 ? 7 : 1);
}

static void use_all(void *unused)
{
	(void)unused;
	on_fail(answer_at_length);
	arena_fail_at(2000);
	for (;;)
		arena(1000);
}

/* A buffer grows where it lies, but not into the reserve. */
static void use_all_by_one(void *unused)
{
	static const char more[1000];
	struct buf b = { 0 };
	(void)unused;
	on_fail(answer_at_length);
	arena_fail_at(14);
	arena(200 * 1024);
	for (;;)
		buf_add(&b, (struct slice){ more, sizeof more });
}

#ifndef ARENA_MALLOC
/* What is left would do for another failure, but not for the answer to it. */
static void fail_when_nearly_full(void *unused)
{
	(void)unused;
	on_fail(answer_at_length);
	arena(440 * 1024);
	fail(ERROR_STORE_UNAVAILABLE, "T1", NULL);
}

static void answer_without_end(enum error e)
{
	(void)e;
	for (;;)
		arena(16 * 1024);
}

static void answer_at_too_great_length(enum error e)
{
	(void)e;
	arena(100 * 1024);
}

static void fail_with(void *handler)
{
	on_fail(*(void (**)(enum error))handler);
	arena(440 * 1024);
	fail(ERROR_STORE_UNAVAILABLE, "T2", NULL);
}

static void reserve(void)
{
	void (*handler)(enum error) = answer_without_end;
	is_int(dies(fail_when_nearly_full, NULL), 7, "the answer to any failure may use the reserve");
	is_int(dies(fail_with, &handler), 111, "but no more than that");
	handler = answer_at_too_great_length;
	is_int(dies(fail_with, &handler), 111, "nor more than that at once");
}
#else
static void reserve(void)
{
}
#endif

static void arenas(void)
{
	size_t mark = arena_mark(), huge = SIZE_MAX / 2;
	char *a = arena(3), *b = arena(5000);
	ok(a[2] == 0 && b[4999] == 0 && (uintptr_t)b % _Alignof(max_align_t) == 0, "zeroed and aligned");
	memset(b, 'x', 5000);
	arena_back(mark);
	ok(arena_mark() == mark, "back at the mark");
	char *again = arena(5000);
	ok(again[0] == 0 && again[4999] == 0, "zeroed once more");
	is_int(dies(ask_for, &huge), 111, "more than there is ends the process");
	huge = SIZE_MAX - 3;
	is_int(dies(ask_for, &huge), 111, "so does a size that wraps around");
	is_int(dies(fail_second, NULL), 111, "and a piece that was told to fail");
	ok(strstr(t_err, "latchkey: BA") != NULL, "by its site code");
	is_int(dies(use_all, NULL), 7, "what has used up all of it can still answer");
	ok(strstr(t_err, "BA") != NULL, "and says so");
	is_int(dies(use_all_by_one, NULL), 7, "and so can a buffer that has");
	ok(slice_is(arena_copy(guarded("copy")), S("copy")), "copies");
}

static void buffers(void)
{
	struct buf b = { 0 };
	for (int i = 0; i < 1000; i++)
		buf_s(&b, "abc");
	is_int(b.n, 3000, "grows");
	ok(memcmp(b.p, "abcabc", 6) == 0 && memcmp(b.p + 2994, "abcabc", 6) == 0, "keeps what it had");
	b = (struct buf){ 0 };
	buf_add(&b, SLICE_NONE);
	is_int(b.n, 0, "nothing adds nothing");
	buf_int(&b, 0);
	buf_c(&b, ' ');
	buf_int(&b, INT64_MIN);
	buf_c(&b, ' ');
	buf_int(&b, INT64_MAX);
	buf_c(&b, ' ');
	buf_hex(&b, 0xab);
	buf_pad(&b, b.n, 2);
	buf_pad(&b, 0, 1);
	ok(slice_is(buf_slice(&b), S("0 -9223372036854775808 9223372036854775807 00000000000000ab  ")), "numbers and padding");
	is_str(dec(-42), "-42", "dec");
	struct buf in_turn[2] = { 0 };
	for (int i = 0; i < 1000; i++)
		buf_c(&in_turn[i % 2], "ab"[i % 2]);
	for (int i = 0; i < 2; i++)
		ok(in_turn[i].n == 500 && strspn(slice_text(buf_slice(&in_turn[i])), i ? "b" : "a") == 500, "one that must move keeps what it had");
}

/* ---- numbers and ids --------------------------------------------------- */

static void numbers(void)
{
	static const struct { const char *text; int64_t min, max; bool good; int64_t value; } cases[] = {
		{ "0", 0, 9, true, 0 }, { "007", 0, 9, true, 7 }, { "9", 0, 9, true, 9 }, { "10", 0, 9, false, 0 }, { "4", 5, 9, false, 0 },
		{ "5", 5, 9, true, 5 }, { "", 0, 9, false, 0 }, { "-1", -9, 9, false, 0 }, { "+1", 0, 9, false, 0 }, { " 1", 0, 9, false, 0 },
		{ "1 ", 0, 9, false, 0 }, { "1e0", 0, 9, false, 0 }, { "0x1", 0, 9, false, 0 }, { "/", 0, 9, false, 0 }, { ":", 0, 9, false, 0 },
		{ "9223372036854775807", 0, INT64_MAX, true, INT64_MAX }, { "9223372036854775808", 0, INT64_MAX, false, 0 },
		{ "99999999999999999999", 0, INT64_MAX, false, 0 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t value = -7;
		bool good = parse_number(guarded(cases[i].text), cases[i].min, cases[i].max, &value);
		ok(good == cases[i].good && value == (good ? cases[i].value : -7), "number \"%s\"", cases[i].text);
	}
}

static void without_chance(void *unused)
{
	(void)unused;
	no_chance = ENOSYS;
	random_id();
}

static void ids(void)
{
	uint64_t id = 7;
	uint8_t bytes[2] = { 7, 7 };
	ok(parse_id(guarded("00000000000000ff"), &id) && id == 255, "an id");
	static const char *const bad[] = { "", "ff", "00000000000000FF", "00000000000000fg", "00000000000000ff0", "0000000000000/:@" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(!parse_id(guarded(bad[i]), &id), "no id: \"%s\"", bad[i]);
	ok(parse_hex(guarded("0aFf"), bytes, 2) && bytes[0] == 10 && bytes[1] == 255, "hex of either case");
	ok(!parse_hex(guarded("0a"), bytes, 2) && !parse_hex(guarded("0ag0"), bytes, 2) && !parse_hex(guarded("0a0g"), bytes, 2), "no hex");
	uint64_t a = random_id(), b = random_id();
	ok(a && b && a != b && a <= INT64_MAX && b <= INT64_MAX, "random ids are positive rowids");
	no_chance = EINTR;
	ok(random_id() && no_chance == 0, "a signal doesn't keep them from being drawn");
	is_int(dies(without_chance, NULL), 111, "where the kernel has none nothing else is made up");
	ok(strstr(t_err, "latchkey: BA3: getrandom: ") != NULL, "but it is said");
}

/* ---- time and secrets -------------------------------------------------- */

static int64_t at_seven(void)
{
	return 7;
}

static void secrets(void)
{
	char x[] = "secret";
	int64_t (*real)(void) = base_clock;
	ok(now() > 1700000000 && now_boot() > 0, "two clocks");
	base_clock = at_seven;
	is_int(now(), 7, "a test sets its own");
	base_clock = real;
	ok(same_bytes("abc", "abc", 3) && !same_bytes("abc", "abd", 3) && !same_bytes("abc", "bbc", 3) && same_bytes("a", "b", 0), "same bytes");
	wipe(x, sizeof x);
	is_mem(x, sizeof x, "\0\0\0\0\0\0", sizeof x, "wiped");
}

/* Each byte at each place of a word, beside bytes that are next to the one that is looked for. */
static void words(void)
{
	static const uint8_t beside[] = { 0x21, 0x20, 0x80, 0xff, 0x7e };
	int less = 0, same = 0, wanted = 0;
	for (size_t k = 0; k < sizeof beside; k++)
		for (unsigned c = 0; c <= 0xff; c++)
			for (int at = 0; at < 64; at += 8, wanted++) {
				uint64_t word = UINT64_C(0x0101010101010101) * beside[k];
				word = (word & ~(UINT64_C(0xff) << at)) | (uint64_t)c << at;
				less += word_has_less(word, 0x20) == (c < 0x20);
				same += word_has(word, 0x7f) == (c == 0x7f);
			}
	is_int(less, wanted, "word_has_less: each byte at each place");
	is_int(same, wanted, "word_has: each byte at each place");
}

int main(void)
{
	slices();
	words();
	utf8();
	arenas();
	reserve();
	buffers();
	numbers();
	ids();
	secrets();
	return done_testing();
}
