/*
 * clock: see clock.h for what is decided.
 *
 * Hosts without a battery start in 1970, at the date of the newest file under
 * /etc, or at what a broken server told them. Behind, nothing may be issued:
 * it would be void as soon as the clock is set. Ahead, nothing may expire:
 * that can't be taken back.
 */
#include "clock.h"

#ifdef __linux__
#include <sys/timex.h>
#endif

enum {
	BEHIND_MAX = 120,              /* s: steps of NTP and of daylight bugs are smaller */
	AHEAD_MAX = 30 * 86400,        /* s: a host may lie unused that long and be right */
	UP_ENOUGH = 15 * 60            /* s: by then NTP has answered, or this host has none */
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
 * (STA_UNSYNC), -1 where a sandbox forbids to ask.
 */
static bool kernel_confirms(void)
{
#ifdef __linux__
	struct timex ask = { .modes = 0 };
	int state = adjtimex(&ask);
	if (state >= 0 && state != TIME_ERROR)
		return true;
#endif
	return now_boot() >= UP_ENOUGH;
}

bool (*clock_confirmed)(void) = kernel_confirms;

enum clock_trust clock_judge(int64_t time, int64_t mark)
{
	if (time < clock_build_epoch || mark - time > BEHIND_MAX)
		return CLOCK_UNSET;
	if (mark && time - mark > AHEAD_MAX && !clock_confirmed())
		return CLOCK_DOUBTFUL;
	return CLOCK_GOOD;
}
