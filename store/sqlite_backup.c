/*
 * sqlite_backup: a copy of the database while requests go on, and the way back. See store_backup() and
 * store_restore() in store/upkeep.h.
 *
 * The turn is held only while the log is emptied into the database, a few milliseconds. Then the
 * database is frozen: commits go to the log alone, and latchkey.db is copied as a plain file.
 *
 * The file's first piece is written last, when all others are on disk. So a copy that was cut
 * short, by a power cut as well, has zeros where a database begins, and every program refuses it.
 *
 * The way back. A copy is made whole beside the database first, and gets a new tag (sqlite_file.c). Then it takes
 * the database's name, and only then the old log is emptied: killed in between, latchkey refuses the log as another
 * database's and names the command again. Requests wait for the last step alone.
 */
#include "store/upkeep.h"

#include "base/file.h"
#include "base/log.h"
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>    /* rename */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 64 * 1024, TURN_SECONDS = 10, SQLITE_HEAD = 100 };

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

/* What tells that somebody wrote into the database: its head has the tag that each checkpoint changes, and a stranger's change its time. */
struct look {
	off_t size;
	struct timespec written;
	char head[SQLITE_HEAD];
};

static struct look look_at(int fd)
{
	struct stat st;
	struct look now = { 0 };
	if (fd < 0 || fstat(fd, &st) != 0 || pread(fd, now.head, SQLITE_HEAD, 0) < 0)
		cannot("read the database");
	now.size = st.st_size;
	now.written = st.st_mtim;
	return now;
}

static bool is_same(const struct look *a, const struct look *b)
{
	return a->size == b->size && a->written.tv_sec == b->written.tv_sec && a->written.tv_nsec == b->written.tv_nsec
		&& memcmp(a->head, b->head, SQLITE_HEAD) == 0;
}

const char store_backup_words[] = "copied the database; the keys are not in it: keep latchkey.key elsewhere";

bool store_backup(const char *dir, int to)
{
	store_open(dir, TURN_SECONDS);
	if (!db_freeze()) {
		log_line("BU2", "another backup is at work", NULL);
		return false;
	}
	int from = open(path_in(dir, "latchkey.db"), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct look before = look_at(from);
	copy(from, to, before.size);
	struct look after = look_at(from);
	bool same = is_same(&before, &after);
	if (!same)
		log_line("BU3", "the database was changed while it was copied; try again", NULL);
	close(from);
	store_close();
	return same;
}

/* ---- the way back ------------------------------------------------------ */

/* Writes all that can be read of `from` into a new file. */
static void take_in(int from, const char *path)
{
	static char piece[PIECE];
	ssize_t n = 0;
	int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	while (to >= 0 && (n = read(from, piece, PIECE)) > 0)
		if (!write_all(to, (struct slice){ piece, (size_t)n }))
			cannot("write the copy");
	if (to < 0 || n < 0 || fsync(to) != 0)
		cannot("take the backup in");
	close(to);
}

void store_restore(const char *dir, int from, int log)
{
	db_take_turn(dir, TURN_SECONDS);
	if (!db_keep_log())
		fail(ERROR_BUSY, "BU5", "a backup is at work; try again", NULL);
	db_give_turn();
	db_remove_unfinished(dir);
	take_in(from, path_in(dir, "latchkey.db.new"));
	if (log >= 0)
		take_in(log, path_in(dir, "latchkey.db.new-wal"));
	db_takes_in();
	db_connect(path_in(dir, "latchkey.db.new"));
	db_upgrade(dir);
	const char *found = db_integrity();
	if (!slice_is(slice_of(found), S("ok")))
		fail(ERROR_STORE_UNAVAILABLE, "BU6", "this backup is damaged: ", found, NULL);
}

void store_forget_restore(const char *dir)
{
	db_remove_unfinished(dir);
}

/* A file that may not be there. */
static void empty_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 ? fsync(fd) != 0 : errno != ENOENT)
		cannot("empty the old log");
	close(fd);
}

void store_swap(const char *dir)
{
	db_need(db_empty_log(), "checkpoint");
	db_disconnect();
	db_take_turn(dir, TURN_SECONDS);
	if (rename(path_in(dir, "latchkey.db.new"), path_in(dir, "latchkey.db")) != 0 || !directory_sync(dir))
		cannot("put the backup in its place");
	empty_file(path_in(dir, "latchkey.db-wal"));
	unlink(path_in(dir, "latchkey.db-journal"));
	db_remove_unfinished(dir);
	store_close();
}
