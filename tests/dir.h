/*
 * dir.h: where a test in C keeps its files. make_dir(&dir, "lk-store") makes a directory of that name and six letters: below TMPDIR,
 * where a script that removes it has set that; else in memory, where there is a /dev/shm; else in /tmp. Whether there is one now.
 */
#ifndef LK_DIR_H
#define LK_DIR_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool make_dir(char (*dir)[64], const char *name)
{
	const char *set = getenv("TMPDIR");
	const char *base = set && strlen(set) <= 40 ? set : access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(*dir, sizeof *dir, "%s/%s.XXXXXX", base, name);
	return mkdtemp(*dir) != NULL;
}

#endif
