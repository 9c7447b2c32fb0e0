/*
 * nearest: of several words the one that a mistyped word was meant to be.
 */
#ifndef NEAREST_H
#define NEAREST_H

#include "base/base.h"

enum { NEAREST_LONGEST = 64 };  /* bytes of a word; a longer one is like none */

/* Begins as {.word = …}, which is borrowed. */
struct nearest {
	struct slice word;      /* as it was typed */
	bool found;
	char best[NEAREST_LONGEST + 1];
	size_t distance;        /* of best, where one was found */
};

/*
 * Takes a word into account. It is near where few single steps lead from one to the other (a letter too many, one missing, another
 * one, two in the wrong order): one step for a word of up to four letters, else two, and never as many as it has letters. The nearest counts, of two the first.
 */
void nearest_try(struct nearest *n, struct slice candidate);
/* "; did you mean BEST?", or "" where there is none. NUL-terminated, in the arena. */
const char *nearest_advice(const struct nearest *n);

#endif
