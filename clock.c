/*
 * clock: see clock.h for what is decided.
 *
 * Hosts without a battery start in 1970, at the date of the newest file under
 * /etc, or at what a broken server told them. Behind, nothing may be issued:
 * it would be void as soon as the clock is set. Ahead, nothing may expire:
 * that can't be taken back. But a time that nobody vouched for, once it was seen,
 * must not make the right one look wrong: so it never becomes the mark.
 */
#include "clock.h"

#ifdef __linux__
#include <sys/timex.h>
#endif

enum {
	BEHIND_MAX = 120,              /* s: steps of NTP and of daylight bugs are smaller */
	AHEAD_MAX = 30 * 86400,        /* s: a host may lie unused that long and be right */
	UP_ENOUGH = 15 * 60            /* s */
};

/*
 * The Makefile gives the time of the last commit. A build without it knows no
 * more than the day on which this line was written.
 */
#ifndef LK_BUILD_EPOCH
#define LK_BUILD_EPOCH INT64_C(1764547200)
#endif
const int64_t clock_build_epoch = LK_BUILD_EPOCH;

/*
 * ntp_adjtime's own verdict: TIME_ERROR while no one disciplines the clock
 * (STA_UNSYNC), -1 where a sandbox forbids to ask. Other systems have no such
 * call; there the uptime is all there is.
 */
static enum clock_witness ask_kernel_now(int64_t boot)
{
	bool up = boot >= UP_ENOUGH;
#ifdef __linux__
	struct timex ask = { .modes = 0 };
	int state = adjtimex(&ask);
	if (state >= 0 && state != TIME_ERROR)
		return CLOCK_KERNEL;
	return up ? CLOCK_UPTIME : CLOCK_NOBODY;
#else
	return up ? CLOCK_KERNEL : CLOCK_NOBODY;
#endif
}

/* Once a second: where nobody disciplines the clock each event would ask. */
static enum clock_witness ask_kernel(void)
{
	static int64_t asked_at = -1;
	static enum clock_witness answer;
	int64_t boot = now_boot();
	if (boot != asked_at)
		answer = ask_kernel_now(boot);
	asked_at = boot;
	return answer;
}

enum clock_witness (*clock_witness)(void) = ask_kernel;

enum clock_trust clock_judge(int64_t time, int64_t mark, int64_t seen)
{
	if (time < clock_build_epoch)
		return CLOCK_UNSET;
	if (mark - time > BEHIND_MAX)
		return clock_witness() == CLOCK_KERNEL ? CLOCK_GOOD : CLOCK_UNSET;
	if (seen && time - seen > AHEAD_MAX && clock_witness() == CLOCK_NOBODY)
		return CLOCK_DOUBTFUL;
	return CLOCK_GOOD;
}

int64_t clock_mark(int64_t time, int64_t mark, int64_t step)
{
	if (mark - time <= BEHIND_MAX && time - mark <= step)
		return mark;
	return clock_witness() == CLOCK_KERNEL ? time : mark;
}

int64_t clock_later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}
