/*
 * clock_test: which wall clocks are believed, at every border. What the kernel
 * says of its own is clock_kernel_test's.
 */
#include "clock.h"
#include "t.h"

enum { DAY = 86400 };

static bool yes(void) { return true; }
static bool no(void) { return false; }

static bool asked_too_early(void)
{
	ok(false, "the kernel is asked only where it matters");
	return true;
}

static void judges(void)
{
	const int64_t build = clock_build_epoch, mark = build + 400LL * DAY;
	const struct { const char *name; int64_t time, mark; bool (*confirmed)(void); enum clock_trust want; } cases[] = {
		{ "1970", 0, 0, asked_too_early, CLOCK_UNSET },
		{ "before 1970", -1, 0, asked_too_early, CLOCK_UNSET },
		{ "a second before the build", build - 1, 0, asked_too_early, CLOCK_UNSET },
		{ "the build, no mark", build, 0, asked_too_early, CLOCK_GOOD },
		{ "years ahead, no mark", build + 4000LL * DAY, 0, asked_too_early, CLOCK_GOOD },
		{ "at the mark", mark, mark, asked_too_early, CLOCK_GOOD },
		{ "119 s behind", mark - 119, mark, asked_too_early, CLOCK_GOOD },
		{ "120 s behind", mark - 120, mark, asked_too_early, CLOCK_GOOD },
		{ "121 s behind", mark - 121, mark, asked_too_early, CLOCK_UNSET },
		{ "a year behind", mark - 365LL * DAY, mark, asked_too_early, CLOCK_UNSET },
		{ "30 days ahead", mark + 30LL * DAY, mark, asked_too_early, CLOCK_GOOD },
		{ "30 days and a second ahead", mark + 30LL * DAY + 1, mark, no, CLOCK_DOUBTFUL },
		{ "the same, confirmed", mark + 30LL * DAY + 1, mark, yes, CLOCK_GOOD },
		{ "past 2038, 32 bits", INT64_C(1) << 31, build, no, CLOCK_DOUBTFUL },
		{ "past 2038, confirmed", INT64_C(1) << 31, build, yes, CLOCK_GOOD },
		{ "year 2106", INT64_C(1) << 32, build, no, CLOCK_DOUBTFUL },
		{ "a mark before the build", build, build - 10LL * DAY, asked_too_early, CLOCK_GOOD },
		{ "the greatest mark", build, INT64_MAX, asked_too_early, CLOCK_UNSET },
		{ "the greatest time", INT64_MAX, 1, no, CLOCK_DOUBTFUL },
	};
	bool (*real)(void) = clock_confirmed;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		clock_confirmed = cases[i].confirmed;
		is_int(clock_judge(cases[i].time, cases[i].mark), cases[i].want, "%s", cases[i].name);
	}
	clock_confirmed = real;
}

int main(void)
{
	ok(clock_build_epoch >= 1700000000 && clock_build_epoch < INT64_C(1) << 33, "the build has a date: %" PRId64, clock_build_epoch);
	judges();
	return done_testing();
}
