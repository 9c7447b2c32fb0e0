/*
 * scope: what a client of OAuth asks for (RFC 6749, 3.3), as words and as bits (SCOPE_, store.h).
 */
#ifndef SCOPE_H
#define SCOPE_H

#include "store.h"

/* The words of a scope, between spaces; in the arena. */
struct slice scope_words(unsigned scope);
/* The other way. Words that aren't known are left out: the answer of /token says which are there. */
unsigned scope_of(struct slice words);

#endif
