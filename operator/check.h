/*
 * check: `latchkey check`. A line for each thing that can be wrong with a
 * data directory or its host: ok, warn or fail, what was found, and what to
 * do about it; with --repair mended, too: what was done.
 */
#ifndef CHECK_H
#define CHECK_H

#include "base/base.h"

/*
 * Becomes the directory's owner, looks at everything and prints it (rows.h).
 * With `repair` it first mends what can be mended without a loss: owners (as
 * root) and modes of our own files, what killed programs left behind, an
 * audit trail with gaps or too many rows. True when nothing failed;
 * warnings don't count. A store that can't be opened is a line, too, the last
 * one, and then the process ends with exit code 1.
 */
bool check_run(const char *dir, bool repair, bool json);

#endif
