/*
 * sqlite_backup: a copy of the database while requests go on. See store_backup() in store/upkeep.h.
 *
 * The turn is held only while the log is emptied into the database, a few milliseconds. Then the
 * database is frozen: commits go to the log alone, and latchkey.db is copied as a plain file.
 *
 * The file's first piece is written last, when all others are on disk. So a copy that was cut
 * short, by a power cut as well, has zeros where a database begins, and every program refuses it.
 */
#include "store/upkeep.h"

#include "base/file.h"
#include "base/log.h"
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 64 * 1024, TURN_SECONDS = 10 };

bool db_freeze(void)
{
	if (!db_keep_log())
		return false;
	bool wal = slice_is(slice_of(db_journal()), S("wal"));
	db_need(db_empty_log(), "checkpoint");
	db_disconnect();
	if (wal)
		db_give_turn();
	return true;
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

static void sync_copy(int to)
{
	if (fsync(to) != 0)
		cannot("write the copy");
}

static void copy(int from, int to, off_t size)
{
	for (off_t at = PIECE; at < size; at += PIECE)
		copy_piece(from, to, at);
	sync_copy(to);
	copy_piece(from, to, 0);
	sync_copy(to);
}

static struct stat stat_of(int fd)
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

bool store_backup(const char *dir, int to)
{
	store_open(dir, TURN_SECONDS);
	if (!db_freeze()) {
		log_line("BU2", "another backup is at work", NULL);
		return false;
	}
	int from = open(path_in(dir, "latchkey.db"), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat before = stat_of(from);
	copy(from, to, before.st_size);
	struct stat after = stat_of(from);
	if (!is_same(&before, &after))
		log_line("BU3", "the database was changed while it was copied; try again", NULL);
	close(from);
	store_close();
	return is_same(&before, &after);
}
