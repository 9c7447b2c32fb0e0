/*
 * backup: `latchkey backup FILE`, a consistent copy of the database while
 * requests go on. The keys are not in it: with them a copy would open
 * everything, without them it opens nothing.
 */
#ifndef BACKUP_H
#define BACKUP_H

#include "base/base.h"

/* Makes the file to copy to, mode 0600; -1 (errno says why) where it can't be made or is there already. */
int backup_file(const char *path);
/* Becomes dir's owner, and copies its store to the file `to`. False, with a line in the log, where the caller may try again. */
bool backup_copy(const char *dir, int to);
/* Makes the file's name last: syncs its directory. False, with a line in the log, on error. */
bool backup_last(const char *path);

#endif
