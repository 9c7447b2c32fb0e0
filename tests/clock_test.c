/*
 * clock_test: which wall clocks are believed, at every border. What the kernel
 * says of its own is clock_kernel_test's.
 */
#include "clock.h"
#include "t.h"

enum { DAY = 86400 };

static enum clock_witness kernel(void) { return CLOCK_KERNEL; }
static enum clock_witness uptime(void) { return CLOCK_UPTIME; }
static enum clock_witness nobody(void) { return CLOCK_NOBODY; }

static enum clock_witness asked_too_early(void)
{
	ok(false, "the kernel is asked only where it matters");
	return CLOCK_KERNEL;
}

static void judges(void)
{
	const int64_t build = clock_build_epoch, mark = build + 400LL * DAY, month = 30LL * DAY;
	const struct { const char *name; int64_t time, mark, seen; enum clock_witness (*witness)(void); enum clock_trust want; } cases[] = {
		{ "1970", 0, 0, 0, asked_too_early, CLOCK_UNSET },
		{ "before 1970", -1, 0, 0, asked_too_early, CLOCK_UNSET },
		{ "a second before the build", build - 1, 0, 0, asked_too_early, CLOCK_UNSET },
		{ "the build, no mark", build, 0, 0, asked_too_early, CLOCK_GOOD },
		{ "years ahead, no mark", build + 4000LL * DAY, 0, 0, asked_too_early, CLOCK_GOOD },
		{ "at the mark", mark, mark, mark, asked_too_early, CLOCK_GOOD },
		{ "119 s behind", mark - 119, mark, mark, asked_too_early, CLOCK_GOOD },
		{ "120 s behind", mark - 120, mark, mark, asked_too_early, CLOCK_GOOD },
		{ "121 s behind", mark - 121, mark, mark, nobody, CLOCK_UNSET },
		{ "121 s behind, and up for long", mark - 121, mark, mark, uptime, CLOCK_UNSET },
		{ "121 s behind, and synchronised", mark - 121, mark, mark, kernel, CLOCK_GOOD },
		{ "a year behind", mark - 365LL * DAY, mark, mark, nobody, CLOCK_UNSET },
		{ "a year behind, and synchronised", mark - 365LL * DAY, mark, mark, kernel, CLOCK_GOOD },
		{ "before the build, and synchronised", build - 1, mark, mark, kernel, CLOCK_UNSET },
		{ "hours behind what nobody vouched for", mark, mark, mark + 7200, asked_too_early, CLOCK_GOOD },
		{ "years behind what nobody vouched for", mark, mark, mark + 3650LL * DAY, asked_too_early, CLOCK_GOOD },
		{ "30 days ahead", mark + month, mark, mark, asked_too_early, CLOCK_GOOD },
		{ "30 days and a second ahead", mark + month + 1, mark, mark, nobody, CLOCK_DOUBTFUL },
		{ "the same, up for long", mark + month + 1, mark, mark, uptime, CLOCK_GOOD },
		{ "the same, synchronised", mark + month + 1, mark, mark, kernel, CLOCK_GOOD },
		{ "the same from the mark, but not from what was seen", mark + month + 1, mark, mark + 1, asked_too_early, CLOCK_GOOD },
		{ "the same, and nobody ever vouched", mark + month + 1, 0, mark, nobody, CLOCK_DOUBTFUL },
		{ "past 2038, 32 bits", INT64_C(1) << 31, build, build, nobody, CLOCK_DOUBTFUL },
		{ "past 2038, synchronised", INT64_C(1) << 31, build, build, kernel, CLOCK_GOOD },
		{ "year 2106", INT64_C(1) << 32, build, build, nobody, CLOCK_DOUBTFUL },
		{ "a mark before the build", build, build - 10LL * DAY, build - 10LL * DAY, asked_too_early, CLOCK_GOOD },
		{ "the greatest mark", build, INT64_MAX, INT64_MAX, nobody, CLOCK_UNSET },
		{ "the greatest time", INT64_MAX, 1, 1, nobody, CLOCK_DOUBTFUL },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		clock_witness = cases[i].witness;
		is_int(clock_judge(cases[i].time, cases[i].mark, cases[i].seen), cases[i].want, "%s", cases[i].name);
	}
}

static void marks(void)
{
	const int64_t mark = clock_build_epoch + 400LL * DAY;
	const struct { const char *name; int64_t time, step; enum clock_witness (*witness)(void); int64_t want; } cases[] = {
		{ "a step on", mark + 120, 120, asked_too_early, mark },
		{ "over a step on, synchronised", mark + 121, 120, kernel, mark + 121 },
		{ "over a step on, up for long", mark + 121, 120, uptime, mark },
		{ "over a step on, and nobody vouches", mark + 121, 120, nobody, mark },
		{ "an hour's step", mark + 3600, 3600, asked_too_early, mark },
		{ "ten years on, and nobody vouches", mark + 3650LL * DAY, 120, nobody, mark },
		{ "a little behind", mark - 120, 120, asked_too_early, mark },
		{ "a year behind, synchronised", mark - 365LL * DAY, 120, kernel, mark - 365LL * DAY },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		clock_witness = cases[i].witness;
		is_int(clock_mark(cases[i].time, mark, cases[i].step), cases[i].want, "the mark: %s", cases[i].name);
	}
	clock_witness = nobody;
	is_int(clock_mark(mark, 0, 120), 0, "where nobody vouches there is no mark");
	is_int(clock_later(3, 4), 4, "the later one");
	is_int(clock_later(4, 3), 4, "whichever comes first");
}

int main(void)
{
	ok(clock_build_epoch >= 1700000000 && clock_build_epoch < INT64_C(1) << 33, "the build has a date: %" PRId64, clock_build_epoch);
	judges();
	marks();
	return done_testing();
}
