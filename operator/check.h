/*
 * check: `latchkey check`. It prints a line for each thing that can be wrong with
 * a data directory or its host: ok, warn or fail, what was found, and what to do
 * about it. With --repair there are lines `mended`, which say what was done.
 */
#ifndef CHECK_H
#define CHECK_H

#include "base/base.h"

/*
 * Becomes the directory's owner, checks everything and prints it (rows.h). With
 * `repair` it first mends what can be mended without a loss: the owners (as root)
 * and modes of our own files, files that killed programs left, an audit trail
 * with gaps or too many rows. Returns true when no line is `fail`. When the store
 * can't be opened, that is the last line, and the process ends with exit code 1.
 */
bool check_run(const char *dir, bool repair, bool json);

#endif
