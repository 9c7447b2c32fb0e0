/*
 * leaked: passwords that nobody may choose, from a list of the operator's: DIR/latchkey.leaked.
 *
 * One password a line, without capitals, the lines sorted by their bytes and each one there once. A published list
 * becomes one by:
 *
 *     LC_ALL=C tr A-Z a-z <list | tr -d '\r' | LC_ALL=C sort -u >DIR/latchkey.leaked
 *
 * It may have any size: a password is found by halving, in some 25 reads, and no memory. Who makes no list has none.
 */
#ifndef LEAKED_H
#define LEAKED_H

#include "base/base.h"

/* Whether the list has this password, without regard to ASCII case. False too where there is no list or it can't be read. */
bool leaked_has(const char *dir, struct slice password);
/* Reads the whole list. NULL where there is none, or it is as it must be; else what is wrong with it. *lines: how many it has. */
const char *leaked_wrong(const char *dir, int64_t *lines);

#endif
