/*
 * backup: the steps of `latchkey backup FILE`, which tests make fail one by one.
 */
#ifndef BACKUP_H
#define BACKUP_H

#include "base/base.h"

/* Makes the file to copy to, mode 0600, and returns its fd. -1 (errno says why) when it can't be made or exists already. */
int backup_file(const char *path);
/* Becomes dir's owner, and copies its store to the file `to`. False, with a line in the log, where the caller may try again. */
bool backup_copy(const char *dir, int to);
/* Syncs the file's directory, so that its name lasts. False, with a line in the log, on error. */
bool backup_last(const char *path);

#endif
