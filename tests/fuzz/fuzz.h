/*
 * fuzz.h: what a target is. tests/fuzz/NAME.c defines fuzz_one(), which asserts what any input must
 * hold; entry.c feeds it, from libFuzzer or from the corpus.
 */
#ifndef LK_FUZZ_H
#define LK_FUZZ_H

#include "base/base.h"

/* Ends the process, with the line whose property didn't hold. */
_Noreturn void fuzz_breach(const char *file, int line, const char *property);
#define HOLDS(property) ((property) ? (void)0 : fuzz_breach(__FILE__, __LINE__, #property))

/* One input, which ends at a page or red zone that nobody may touch. What it takes from the arena is given back. */
void fuzz_one(struct slice in);

/* Called once, before the first. Not every target has one. */
__attribute__((weak)) void fuzz_start(void);

/* For what a breach is to say before it ends the process. */
void fuzz_tell(const char *text);

/* Whether an input may run again with an arena that ends early: not where state outlives the input. */
extern const bool fuzz_starves;

/* Equal bytes, and equally absent. */
static inline bool same_slice(struct slice a, struct slice b)
{
	return !a.p == !b.p && slice_is(a, b);
}

/* Reads every byte, so that a sanitizer sees each. */
static inline unsigned touch(struct slice s)
{
	static volatile unsigned sum;
	for (size_t i = 0; i < s.n; i++)
		sum += (unsigned char)s.p[i];
	return sum;
}

#endif
