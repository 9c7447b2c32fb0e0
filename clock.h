/*
 * clock: whether the wall clock can be trusted. A wrong clock must sign
 * nobody out, shut nobody out for longer than it is wrong, and revive nothing
 * that was ended.
 *
 * The store keeps two times. The mark is the highest time that somebody
 * vouched for: the kernel, which says that the clock is synchronised, or the
 * operator. A clock behind it is wrong. The time last seen is that of the newest
 * event, whoever vouched for it; a clock far ahead of it is doubted.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include "base/base.h"

enum clock_trust {
	CLOCK_GOOD,
	CLOCK_UNSET,     /* before the build, or behind the mark by over 120 s and not synchronised: 503, nothing is issued, nothing expires */
	CLOCK_DOUBTFUL   /* over 30 days ahead of the time last seen, not synchronised, not up for 15 min: issue, but don't expire and don't sweep */
};

/* All in Unix seconds; mark 0: nobody vouched for any time yet; seen 0: no event yet. */
enum clock_trust clock_judge(int64_t time, int64_t mark, int64_t seen);

/*
 * The mark after an event at `time`, under a clock that is CLOCK_GOOD. It stays
 * within `step` seconds, and where nobody vouches for the time. It goes back
 * only where clock_judge() believed a synchronised clock that is behind it.
 */
int64_t clock_mark(int64_t time, int64_t mark, int64_t step);

/* The later of two times. */
int64_t clock_later(int64_t a, int64_t b);

/* Who vouches for the clock of this host. */
enum clock_witness {
	CLOCK_NOBODY,
	CLOCK_UPTIME,    /* up for 15 minutes: by then NTP has answered, or this host has none */
	CLOCK_KERNEL     /* adjtimex(2): it is synchronised */
};
/* Asks the kernel, at most once a second. Tests replace it. */
extern enum clock_witness (*clock_witness)(void);
/* Unix seconds of the commit that this program was built from. */
extern const int64_t clock_build_epoch;

#endif
