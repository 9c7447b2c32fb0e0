/*
 * engine: the four calls by which store.c drives the store that is linked in. For store.c, and for
 * tests and benchmarks that write many rows; everything else calls store_run().
 *
 * The store is open (store_open()); one transaction at a time.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include "store.h"

/* Begins a transaction, which takes its lock at once. */
void store_begin(enum durability d);
/* True: what was done since store_begin() was in vain, nothing of it was written, and it is to be done again from store_begin() on. */
bool store_again(void);
/* Commits; a transaction that wrote nothing is rolled back. */
void store_commit(void);
/*
 * Takes back what the transaction wrote. Nothing where none is open. In a
 * batch (upkeep.h) a transaction can't be taken back once it wrote: that is
 * fail(ERROR_INTERNAL).
 */
void store_rollback(void);

#endif
