/*
 * check: `latchkey check`. A line for each thing that can be wrong with a
 * data directory or its host: ok, warn or fail, what was found, and what to
 * do about it.
 */
#ifndef CHECK_H
#define CHECK_H

#include "base.h"

/*
 * Looks at everything and prints it (rows.h). True when nothing failed;
 * warnings don't count. A store that can't be opened is a line, too, the last
 * one, and then the process ends with exit code 1.
 */
bool check_run(const char *dir, bool json);

#endif
