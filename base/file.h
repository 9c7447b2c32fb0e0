/*
 * file: whole files, directories and locks, and writing all of something.
 */
#ifndef FILE_H
#define FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

/* dir + "/" + name, in the arena. */
char *path_in(const char *dir, const char *name);
/*
 * Reads the whole of a regular file of at most max bytes into the arena. Returns 0, or
 * an errno value (EFBIG when it is longer), and then leaves *out untouched.
 * Doesn't open a symbolic link.
 */
int file_read(const char *path, size_t max, struct slice *out);
/*
 * The same for a file that is open; reads from its position on into room, of max + 2 bytes. The caller takes that from the arena before
 * he opens the file: where there is no memory, fail() would leave it open.
 */
int file_read_open(int fd, char *room, size_t max, struct slice *out);
/*
 * Writes the names in a directory to the disk: afterwards a power cut can't
 * undo that a file there was made or renamed. False on error.
 */
bool directory_sync(const char *dir);

/*
 * Makes dir/name, or puts a new file in its place, mode 0600: written as name.new, fsync, renamed, fsync of the directory. So after a
 * power cut either the old or the new file is there, whole. False on error; errno says which.
 */
bool file_replace(const char *dir, const char *name, struct slice text);

/* Bytes that the file system of dir has left for this process; INT64_MAX where it doesn't say. Quotas aren't seen. */
int64_t file_room(const char *dir);

/* write(2) until all is written, over EINTR and short writes. False on error. */
bool write_all(int fd, struct slice s);
/*
 * The same, but gives up after ms milliseconds (at least 1): a client that
 * takes nothing mustn't keep the process. False then, or on error.
 */
bool write_within(int fd, struct slice s, int64_t ms);
/*
 * Takes the exclusive lock of flock(2), or gives up after `seconds` (at least
 * 1): a process that was stopped while it held the lock mustn't stop this
 * one too. False without the lock; errno says why (ETIMEDOUT: the time is over).
 *
 * write_within() and lock_within() use SIGALRM and its timer, and nothing
 * else does. Both are off again when these return.
 */
bool lock_within(int fd, int64_t seconds);

#endif
