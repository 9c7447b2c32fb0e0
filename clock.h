/*
 * clock: whether the wall clock can be trusted. A wrong clock must sign
 * nobody out, and revive nothing.
 *
 * The mark is the highest time that the store has seen.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include "base/base.h"

enum clock_trust {
	CLOCK_GOOD,
	CLOCK_UNSET,     /* behind the mark by over 120 s, or before the build: 503, nothing is issued, nothing expires */
	CLOCK_DOUBTFUL   /* ahead of the mark by over 30 days and neither synchronised nor up for 15 min: issue, but don't expire and don't sweep */
};

/* time and mark in Unix seconds; mark 0: none yet. */
enum clock_trust clock_judge(int64_t time, int64_t mark);
/* The parts that the kernel answers, for clock_judge() and for tests:
 * synchronised by adjtimex(2), or up for 15 minutes. Tests replace it. */
extern bool (*clock_confirmed)(void);
/* Unix seconds of the commit that this program was built from. */
extern const int64_t clock_build_epoch;

#endif
