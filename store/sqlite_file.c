/*
 * sqlite_file: see sqlite_file.h.
 *
 * What differs from SQLite's layer for Unix, and why:
 *
 *   names        are taken as they are. SQLite would lstat(2) every part of the path at every start.
 *   random       numbers come from getrandom(2). In a sandbox SQLite would fall back to time and process id.
 *   the log      A process that opens the database reads the write-ahead log from its beginning, one read for
 *                each frame, and a commit writes each frame as two pieces. Here the log's first 64 KiB are
 *                read in one call, and what is written goes out in one, by sqlite_file_flush() or before a
 *                sync. The order is kept, and the bytes on disk are those that SQLite would have written.
 *   a foreign log is refused. The database's first page has a random number, its tag, in which every checkpoint
 *                puts another; and every log has a copy of that page with the tag that the database had when the
 *                log began, and at its end one with the tag that the checkpoint puts there. So a log that has no
 *                page with the database's tag was never this database's: an operator has copied one of the two.
 *   calls        that SQLite makes twice, or step by step, are made once: it looks at a file three times when it opens it, and
 *                locks the database in four steps.
 *   locks        can be let go of and taken again without SQLite's knowledge: sqlite_file_leave(),
 *                sqlite_file_return().
 *
 * There is one log for each process, so its state is static. SQLite's memory is in sqlite_heap.c.
 */
#include "store/sqlite_file.h"

#include "base/base.h"
#include "store/sqlite_heap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

enum {
	LOG_KEPT = 64 * 1024,        /* bytes read at once: LOG_FRAMES_KEPT frames and more */
	LOG_HELD = 64 * 1024,        /* bytes written at once: the same of a batch of requests */
	LOG_HEAD = 32,               /* bytes: magic, versions, checksum, two salts of this log */
	FRAME_HEAD = 24,             /* bytes: page number, pages of the database after a commit, salts, checksum */
	LOG_FRAME = FRAME_HEAD + PAGE_SIZE,
	VERSION_AT = 60,             /* in page 1: PRAGMA user_version, which the tag is a part of */
	HEAD_KEPT = 64,              /* bytes of page 1 that are looked at */
	LOCKS_AT = 0x40000000,       /* where SQLite locks its files: PENDING_BYTE, */
	LOCKS = 512                  /* RESERVED_BYTE and the SHARED range */
};
_Static_assert(LOG_HEAD + LOG_FRAMES_KEPT * LOG_FRAME < LOG_KEPT, "a log at its bound is read at once");

/* ---- the write-ahead log ----------------------------------------------- */

static struct {
	const sqlite3_io_methods *disk;  /* SQLite's own */
	sqlite3_file *file;
	bool loaded;
	bool only_appended_to;           /* since it was returned to, and found as it was left, with its end at its last frame */
	sqlite3_int64 length;            /* of kept */
	sqlite3_int64 from, to;          /* where in the log the held bytes belong; equal: none */
	char kept[LOG_KEPT];             /* the log's beginning, as it is on disk */
	char held[LOG_HELD];             /* bytes that are held back */
} wal;

/* ---- the tag ----------------------------------------------------------- */

static struct {
	const sqlite3_io_methods *disk;  /* SQLite's own */
	char head[HEAD_KEPT];            /* of page 1, as it was read last, whatever the log has of it */
	bool unbound;                    /* page 1 was read here, so no commit in the log has it */
} base;

static uint32_t number_at(const char *p)
{
	const unsigned char *b = (const unsigned char *)p;
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static uint32_t tag_of(const char *page)
{
	return number_at(page + VERSION_AT) >> SQLITE_FILE_TAG_SHIFT;
}

static int base_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at)
{
	int rc = base.disk->xRead(file, out, n, at);
	if (at == 0 && n >= HEAD_KEPT)
		memcpy(base.head, out, HEAD_KEPT);
	base.unbound |= at == 0 && n == PAGE_SIZE;
	return rc;
}

static void take_base(sqlite3_file *file)
{
	static sqlite3_io_methods methods;
	base.disk = file->pMethods;
	base.unbound = false;
	methods = *base.disk;
	methods.xRead = base_read;
	file->pMethods = &methods;
}

bool sqlite_file_is_unbound(void)
{
	return base.unbound;
}

void sqlite_file_bound(void)
{
	base.unbound = false;
}

/*
 * Looks through the whole log. Of a version that knew no tags (0) a log may be without the page. A first page that is no
 * page at all was torn by a checkpoint, which is made good from the log.
 */
static bool fits_closely(sqlite3_int64 size)
{
	char frame[FRAME_HEAD + HEAD_KEPT];
	uint32_t tag = tag_of(base.head);
	bool committed = false, others = false;
	for (sqlite3_int64 at = LOG_HEAD; at + LOG_FRAME <= size; at += LOG_FRAME) {
		if (wal.disk->xRead(wal.file, frame, sizeof frame, at) != SQLITE_OK || memcmp(frame + 8, wal.kept + 16, 8) != 0)
			break;
		committed |= number_at(frame + 4) != 0;
		if (number_at(frame) != 1)
			continue;
		if (tag_of(frame + FRAME_HEAD) == tag)
			return true;
		others = true;
	}
	return !committed || (tag == 0 && !others) || memcmp(base.head, "SQLite format 3", 16) != 0;
}

/* Whether the log was written behind this database. Mostly its first frame tells. */
static bool log_fits(sqlite3_int64 size)
{
	const char *frame = wal.kept + LOG_HEAD;
	if (size < LOG_HEAD + LOG_FRAME)
		return true;
	return (number_at(frame) == 1 && tag_of(frame + FRAME_HEAD) == tag_of(base.head)) || fits_closely(size);
}

/* ---- reading and writing the log --------------------------------------- */

/* A quota or a limit on file sizes is a full disk too. */
static int write_out(const void *bytes, int n, sqlite3_int64 at)
{
	int rc = wal.disk->xWrite(wal.file, bytes, n, at);
	return rc != SQLITE_OK && (errno == EDQUOT || errno == EFBIG) ? SQLITE_FULL : rc;
}

/*
 * After an error the bytes are dropped: the caller reports that nothing was changed, so they must
 * not be written later.
 */
int sqlite_file_flush(void)
{
	int rc = SQLITE_OK;
	if (wal.to > wal.from)
		rc = write_out(wal.held, (int)(wal.to - wal.from), wal.from);
	wal.from = wal.to = 0;
	return rc;
}

int sqlite_file_sync(void)
{
	return wal.file ? wal.disk->xSync(wal.file, SQLITE_SYNC_NORMAL) : SQLITE_OK;
}

static int load(void)
{
	sqlite3_int64 size = 0;
	int rc = wal.loaded ? SQLITE_OK : wal.disk->xFileSize(wal.file, &size);
	if (wal.loaded || rc != SQLITE_OK)
		return rc;
	wal.length = size < LOG_KEPT ? size : LOG_KEPT;
	if (wal.length) {
		touch_soon(wal.kept, (size_t)wal.length);
		rc = wal.disk->xRead(wal.file, wal.kept, (int)wal.length, 0);
	}
	if (rc == SQLITE_OK && !log_fits(size))
		rc = SQLITE_FILE_FOREIGN;
	wal.loaded = rc == SQLITE_OK;
	return rc;
}

static int log_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at)
{
	int rc = load();
	if (rc == SQLITE_OK && at + n <= wal.length) {
		memcpy(out, wal.kept + at, (size_t)n);
		return SQLITE_OK;
	}
	if (rc == SQLITE_OK)
		rc = sqlite_file_flush();
	return rc == SQLITE_OK ? wal.disk->xRead(file, out, n, at) : rc;
}

/*
 * Holds the bytes back if they continue those that are held back already; else writes those first.
 */
static int log_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
	int rc = load();
	(void)file;
	if (wal.length > at)
		wal.length = at;
	wal.only_appended_to &= at > 0;
	bool fits = wal.to == 0 || (at == wal.to && at + n - wal.from <= LOG_HELD);
	if (rc == SQLITE_OK && !fits)
		rc = sqlite_file_flush();
	if (rc != SQLITE_OK)
		return rc;
	if (wal.to == 0)
		wal.from = at;
	memcpy(wal.held + (at - wal.from), bytes, (size_t)n);
	wal.to = at + n;
	return SQLITE_OK;
}

static int log_sync(sqlite3_file *file, int flags)
{
	int rc = sqlite_file_flush();
	return rc == SQLITE_OK ? wal.disk->xSync(file, flags) : rc;
}

/* By a checkpoint, to nothing: all of the log is in the database, so nothing is held back. */
static int log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	wal.length = 0;
	base.unbound = true;
	wal.only_appended_to = false;
	return wal.disk->xTruncate(file, size);
}

/* Bytes that are still held back belong to no commit that was reported, and are dropped. */
static int log_close(sqlite3_file *file)
{
	int rc = wal.disk->xClose(file);
	wal.file = NULL;
	wal.loaded = wal.only_appended_to = false;
	wal.length = wal.from = wal.to = 0;
	return rc;
}

static void take_log(sqlite3_file *file)
{
	static sqlite3_io_methods methods;
	wal.disk = file->pMethods;
	wal.file = file;
	methods = *wal.disk;
	methods.xRead = log_read;
	methods.xWrite = log_write;
	methods.xSync = log_sync;
	methods.xTruncate = log_truncate;
	methods.xClose = log_close;
	file->pMethods = &methods;
}

/* ---- between turns ----------------------------------------------------- */

/*
 * A process that keeps the database open between its turns must let other
 * processes write, and must notice that they did. SQLite isn't told: it
 * believes that it holds its locks all the time.
 */
enum { MAIN, LOG, FILES };
static int descriptor[FILES] = { -1, -1 };      /* as SQLite opened them */
static const char *name_of_main;                /* SQLite's copy */
static int opening = FILES;
static int (*open_directory_on_disk)(const char *, int *);

/* The state of the files when their locks were let go of. */
struct sight {
	ino_t file;             /* the database */
	int64_t written;        /* and when it was written, ns: an operator may write into it */
	off_t log;              /* length */
	char head[LOG_HEAD];    /* of the log */
};
static struct sight left;

static bool lock_main(short type)
{
	struct flock range = { .l_type = type, .l_whence = SEEK_SET, .l_start = LOCKS_AT, .l_len = LOCKS };
	return fcntl(descriptor[MAIN], F_SETLK, &range) == 0;
}

int64_t sqlite_file_holder(void)
{
	struct flock range = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCKS_AT, .l_len = LOCKS };
	return fcntl(descriptor[MAIN], F_GETLK, &range) == 0 && range.l_type != F_UNLCK ? range.l_pid : 0;
}

static int64_t nanoseconds(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/*
 * False where the state can't be found out. The database is looked up by name: an operator may have
 * put another there.
 */
static bool observe(struct sight *out)
{
	struct stat log, file;
	if (fstat(descriptor[LOG], &log) != 0 || !log.st_nlink || stat(name_of_main, &file) != 0)
		return false;
	*out = (struct sight){ .file = file.st_ino, .written = nanoseconds(file.st_mtim), .log = log.st_size };
	return pread(descriptor[LOG], out->head, LOG_HEAD, 0) == LOG_HEAD;
}

/*
 * We must notice if another process writes while we are away. If the log ends exactly at its last frame, any commit makes it
 * longer, or another log, whose head has other salts. Otherwise a commit may write into what lies behind the last frame: a power
 * cut leaves such bytes there, and a process that failed. Times don't tell: JFFS2 and UBIFS keep whole seconds. An empty log can't
 * be watched either: it may be filled and emptied again.
 *
 * Who has only appended to it knows without looking how the files are.
 */
bool sqlite_file_leave(int frames)
{
	off_t end = LOG_HEAD + (off_t)frames * LOG_FRAME;
	if (wal.only_appended_to)
		left.log = end;
	else if (!frames || !observe(&left) || left.log != end)
		return false;
	return lock_main(F_UNLCK);
}

void sqlite_file_abandon(void)
{
	(void)lock_main(F_UNLCK);
}

bool sqlite_file_return(bool *unchanged)
{
	struct sight now;
	if (!lock_main(F_WRLCK))
		return false;
	*unchanged = observe(&now) && now.file == left.file && now.written == left.written && now.log == left.log && memcmp(now.head, left.head, LOG_HEAD) == 0;
	wal.only_appended_to = *unchanged;
	return true;
}

/* ---- calls that SQLite makes more than once ----------------------------- */

/* Files as they were when they were opened. While the turn is kept they stay what they are; only their sizes may be others. */
static struct { bool known; struct stat st; } seen[FILES];
static bool locked;             /* the database, by SQLite */

/* Asked anew once the database is locked, or the log was read: from then on the size counts. */
static int see(int fd, struct stat *out)
{
	int which = fd == descriptor[MAIN] ? MAIN : fd == descriptor[LOG] ? LOG : FILES;
	bool opened_just_now = which == MAIN ? !locked : which == LOG && !wal.loaded;
	if (!opened_just_now)
		return fstat(fd, out);
	if (!seen[which].known)
		seen[which].known = fstat(fd, &seen[which].st) == 0;
	*out = seen[which].st;
	return seen[which].known ? 0 : -1;
}

/* Of the database SQLite asks for its inode, its owner and its mode. */
static int see_by_name(const char *path, struct stat *out)
{
	if (!name_of_main || !seen[MAIN].known || strcmp(path, name_of_main) != 0)
		return stat(path, out);
	*out = seen[MAIN].st;
	return 0;
}

void sqlite_file_forget(void)
{
	name_of_main = NULL;
}

/*
 * SQLite locks in four steps what it then has for itself (locking_mode=EXCLUSIVE): all of it is taken at the first, and let go
 * of at the last, which alone is about more than its first two bytes.
 */
static int lock_at_once(int fd, int operation, ...)
{
	va_list rest;
	va_start(rest, operation);
	struct flock *range = va_arg(rest, struct flock *);
	va_end(rest);
	if (fd != descriptor[MAIN] || operation != F_SETLK)
		return fcntl(fd, operation, range);
	bool lets_go = range->l_type == F_UNLCK;
	if (lets_go && range->l_start == LOCKS_AT && range->l_len <= 2)
		return 0;
	if (lets_go || !locked)
		locked = lock_main(lets_go ? F_UNLCK : F_WRLCK) && !lets_go;
	return lets_go || locked ? 0 : -1;
}

/* ---- the layer --------------------------------------------------------- */

/* Both are called by SQLite: sqlite_file.h. */
pid_t sqlite_file_one_process(void)
{
	return 1;
}

size_t sqlite_file_no_time(char *out, size_t room, const char *format, const struct tm *when)
{
	(void)room, (void)format, (void)when;
	*out = '\0';
	return 0;
}

static sqlite3_vfs layer;
static int (*open_on_disk)(sqlite3_vfs *, sqlite3_filename, sqlite3_file *, int, int *);

static int open_file(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *given)
{
	opening = flags & SQLITE_OPEN_MAIN_DB ? MAIN : flags & SQLITE_OPEN_WAL ? LOG : FILES;
	int rc = open_on_disk(vfs, name, file, flags, given);
	opening = FILES;
	if (rc == SQLITE_OK && flags & SQLITE_OPEN_WAL)
		take_log(file);
	if (rc == SQLITE_OK && flags & SQLITE_OPEN_MAIN_DB)
		take_base(file);
	return rc;
}

static int plain_name(sqlite3_vfs *vfs, const char *name, int room, char *out)
{
	size_t n = strlen(name);
	(void)vfs;
	if (n >= (size_t)room)
		return SQLITE_CANTOPEN;
	memcpy(out, name, n + 1);
	return SQLITE_OK;
}

static int kernel_random(sqlite3_vfs *vfs, int n, char *out)
{
	(void)vfs;
	random_bytes(out, (size_t)n);
	return n;
}

/*
 * Makes the log and syncs its directory, so that no later process has to ask whether the log's name
 * is on disk.
 */
static int make_log(const char *path, int flags, int mode)
{
	int directory, fd = open(path, flags & ~O_CLOEXEC, mode);
	if (fd < 0 || open_directory_on_disk(path, &directory) != SQLITE_OK)
		return fd;
	bool synced = fsync(directory) == 0;
	close(directory);
	if (synced)
		return fd;
	unlink(path);
	close(fd);
	errno = EIO;
	return -1;
}

/*
 * O_CLOEXEC is left out: latchkey executes no program, and musl's open(2) makes a second system
 * call of the flag.
 */
static int open_plainly(const char *path, int flags, int mode)
{
	int fd = open(path, flags & ~(O_CLOEXEC | (opening == LOG ? O_CREAT : 0)), mode);
	if (fd < 0 && errno == ENOENT && opening == LOG)
		fd = make_log(path, flags, mode);
	for (int i = 0; i < FILES; i++)         /* a number that comes again isn't that file's any more */
		if (i == opening || descriptor[i] == fd) {
			descriptor[i] = i == opening ? fd : -1;
			seen[i].known = false;
		}
	if (opening == MAIN) {
		name_of_main = path;
		locked = false;
	}
	return fd;
}

/*
 * Before a log's first sync SQLite syncs the directory, in every process. make_log() did that once
 * for all of them.
 */
static int open_directory(const char *path, int *fd)
{
	static const char suffix[] = "-wal";    /* shorter than any of our names */
	bool log = strcmp(path + strlen(path) - strlen(suffix), suffix) == 0;
	return log ? SQLITE_CANTOPEN : open_directory_on_disk(path, fd);
}

/*
 * SQLite asks whether it is root, to give new files to the database's owner. Root has become that
 * owner (process_enter).
 */
static uid_t not_root(void)
{
	return 1;
}

const char *sqlite_file_layer(void)
{
	if (layer.zName)
		return layer.zName;
	sqlite_heap_use();
	const sqlite3_vfs *disk = sqlite3_vfs_find(NULL);
	if (disk)
		layer = *disk;
	else
		fail(ERROR_STORE_UNAVAILABLE, "SF1", "SQLite doesn't start: out of memory", NULL);
	layer.xSetSystemCall(&layer, "open", (sqlite3_syscall_ptr)open_plainly);
	layer.xSetSystemCall(&layer, "fstat", (sqlite3_syscall_ptr)see);
	layer.xSetSystemCall(&layer, "stat", (sqlite3_syscall_ptr)see_by_name);
	layer.xSetSystemCall(&layer, "fcntl", (sqlite3_syscall_ptr)lock_at_once);
	layer.xSetSystemCall(&layer, "geteuid", (sqlite3_syscall_ptr)not_root);
	open_directory_on_disk = (int (*)(const char *, int *))layer.xGetSystemCall(&layer, "openDirectory");
	layer.xSetSystemCall(&layer, "openDirectory", (sqlite3_syscall_ptr)open_directory);
	open_on_disk = layer.xOpen;
	layer.zName = "latchkey";
	layer.xOpen = open_file;
	layer.xFullPathname = plain_name;
	layer.xRandomness = kernel_random;
	sqlite3_vfs_register(&layer, 1);
	return layer.zName;
}
