/*
 * backup: see backup.h.
 *
 * The turn at the store is held only while the log is emptied into the
 * database, a few milliseconds. Then the store is frozen (store.h): commits
 * go to the log alone, and the database is copied as a plain file.
 *
 * The file's first piece is written last, when all others are on disk. So a
 * copy that was cut short, by a power cut as well, has zeros where a database
 * begins, and is refused by everyone.
 */
#include "operator/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/process.h"
#include "base/file.h"
#include "store.h"

enum { PIECE = 64 * 1024, TURN_SECONDS = 10 };

int backup_file(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static _Noreturn void cannot(const char *what)
{
	fail(errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? ERROR_STORE_FULL : ERROR_STORE_UNAVAILABLE, "BU1",
		"cannot ", what, ": ", strerror(errno), NULL);
}

static void copy_piece(int from, int to, off_t at)
{
	static char piece[PIECE];
	ssize_t n = pread(from, piece, PIECE, at);
	if (n < 0)
		cannot("read the database");
	if (lseek(to, at, SEEK_SET) != at || !write_all(to, (struct slice){ piece, (size_t)n }))
		cannot("write the copy");
}

static void reach_disk(int to)
{
	if (fsync(to) != 0)
		cannot("write the copy");
}

static void copy(int from, int to, off_t size)
{
	for (off_t at = PIECE; at < size; at += PIECE)
		copy_piece(from, to, at);
	reach_disk(to);
	copy_piece(from, to, 0);
	reach_disk(to);
}

static struct stat state_of(int fd)
{
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0)
		cannot("read the database");
	return st;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool backup_copy(const char *dir, int to)
{
	process_become_owner(dir);
	store_open(dir, TURN_SECONDS);
	if (!store_freeze()) {
		log_line("BU2", "another backup is at work", NULL);
		return false;
	}
	int from = open(path_in(dir, "latchkey.db"), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat before = state_of(from);
	copy(from, to, before.st_size);
	struct stat after = state_of(from);
	if (!is_same(&before, &after))
		log_line("BU3", "the database was changed while it was copied; try again", NULL);
	close(from);
	store_close();
	return is_same(&before, &after);
}

/* The directory that a path's last name lies in. */
static const char *parent_of(const char *path)
{
	size_t n = strlen(path);
	while (n && path[n - 1] != '/')
		n--;
	return n ? slice_text((struct slice){ path, n }) : ".";
}

bool backup_last(const char *path)
{
	if (directory_sync(parent_of(path)))
		return true;
	log_line("BU4", "cannot make the copy's name last: ", strerror(errno), NULL);
	return false;
}
