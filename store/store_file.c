/*
 * store_file: see store_file.h.
 *
 * What differs from SQLite's layer for Unix, and why:
 *
 *   names        are taken as they are; it would lstat(2) every part of the
 *                path at every start.
 *   random       numbers come from getrandom(2); in a sandbox it would fall
 *                back to time and process id.
 *   the log      A process that opens the database reads the write-ahead log
 *                from its beginning, one read for each frame, and a commit
 *                writes each frame as two. Here the log's first 64 KiB are
 *                read at once, and what is written goes out at once, by
 *                store_file_flush() or before a sync. Order is kept; what
 *                lies on disk is what SQLite would have written.
 *   locks        can be let go of and taken again while SQLite believes that
 *                it has them: store_file_leave(), store_file_return().
 *   memory       comes from one block of zero pages, piece beside piece: few
 *                pages are touched, and those that a refresh touches are asked
 *                for at once. (memsys5 touched 42 pages, this 27; a page is a
 *                fault, 1.3 to 1.7 µs.) A piece that was given back serves the
 *                next of its size; nothing is joined again, since the sizes
 *                that one program asks for come back.
 *
 * There is one log for each process, so its state is static.
 */
#include "store/store_file.h"

#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

enum {
	LOG_KEPT = 64 * 1024,        /* read at once: 112 frames of 536 bytes, and room for a transaction */
	LOG_HELD = 64 * 1024,        /* written at once: the same of a batch of requests */
	LOG_HEAD = 32,               /* bytes: magic, versions, two salts that no two logs share, checksum */
	LOG_FRAME = 24 + 512,        /* bytes: head and page */
	YOUNG_NS = 50 * 1000 * 1000, /* kernels tick every 1 to 10 ms */
	LOCKS_AT = 0x40000000,       /* where SQLite locks its files: PENDING_BYTE, */
	LOCKS = 512,                 /* RESERVED_BYTE and the SHARED range */
	HEAP = 4 * 1024 * 1024,      /* untouched pages cost nothing */
	HEAP_STEP = 16,              /* sizes are multiples of it, the head before each piece included */
	HEAP_SMALL = 64,             /* so many sizes have a list of their own; larger pieces share one */
	HEAP_USED = 100 * 1024       /* by a refresh */
};

/* ---- the write-ahead log ----------------------------------------------- */

static struct {
	const sqlite3_io_methods *disk;  /* SQLite's own */
	sqlite3_file *file;
	bool loaded;
	sqlite3_int64 length;            /* of what is kept */
	sqlite3_int64 from, to;          /* what isn't on disk yet lies here in the file */
	char kept[LOG_KEPT];             /* its beginning, as it is on disk */
	char held[LOG_HELD];             /* what isn't */
} wal;

/* A quota or a limit on file sizes is a full disk too. */
static int write_out(const void *bytes, int n, sqlite3_int64 at)
{
	int rc = wal.disk->xWrite(wal.file, bytes, n, at);
	return rc != SQLITE_OK && (errno == EDQUOT || errno == EFBIG) ? SQLITE_FULL : rc;
}

/* What couldn't be written isn't tried again: its writer has been told, and tells others that nothing was changed. */
int store_file_flush(void)
{
	int rc = SQLITE_OK;
	if (wal.to > wal.from)
		rc = write_out(wal.held, (int)(wal.to - wal.from), wal.from);
	wal.from = wal.to = 0;
	return rc;
}

int store_file_sync(void)
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
		rc = store_file_flush();
	return rc == SQLITE_OK ? wal.disk->xRead(file, out, n, at) : rc;
}

/* Holds back what continues what is held back already. A page is at most LOG_HELD, and its head comes alone. */
static int log_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
	int rc = load();
	(void)file;
	if (wal.length > at)
		wal.length = at;
	bool fits = wal.to == 0 || (at == wal.to && at + n - wal.from <= LOG_HELD);
	if (rc == SQLITE_OK && !fits)
		rc = store_file_flush();
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
	int rc = store_file_flush();
	return rc == SQLITE_OK ? wal.disk->xSync(file, flags) : rc;
}

/* To nothing, by a checkpoint: all of it is in the database, so nothing is held back. */
static int log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	wal.length = 0;
	return wal.disk->xTruncate(file, size);
}

/* What is still held back is of no commit that anybody was told of. */
static int log_close(sqlite3_file *file)
{
	int rc = wal.disk->xClose(file);
	wal.file = NULL;
	wal.loaded = false;
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
 * Whoever keeps the database open between turns must let others at it, and
 * see what they did. SQLite believes that it has the file to itself all the
 * time; the locks are let go of and taken again below it.
 */
enum { MAIN, LOG, FILES };
static int descriptor[FILES] = { -1, -1 };      /* as SQLite opened them */
static const char *name_of_main;                /* SQLite's copy */
static int opening = FILES;
static int (*open_directory_on_disk)(const char *, int *);

/* How the files stood when they were let go of. */
struct sight { ino_t file; off_t log; int64_t changed; char head[LOG_HEAD]; };
static struct sight left;
static bool left_whole;         /* the log ended where its last frame does */

static bool lock_main(short type)
{
	struct flock range = { .l_type = type, .l_whence = SEEK_SET, .l_start = LOCKS_AT, .l_len = LOCKS };
	return fcntl(descriptor[MAIN], F_SETLK, &range) == 0;
}

static int64_t nanoseconds(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* False where it can't be said. The file goes by its name: an operator may have put another there. */
static bool look(struct sight *out)
{
	struct stat log, file;
	if (fstat(descriptor[LOG], &log) != 0 || !log.st_nlink || stat(name_of_main, &file) != 0)
		return false;
	*out = (struct sight){ .file = file.st_ino, .log = log.st_size, .changed = nanoseconds(log.st_ctim) };
	return pread(descriptor[LOG], out->head, LOG_HEAD, 0) == LOG_HEAD;
}

/* A file's time goes by the kernel's tick, so what is as young as this may change again and keep it. */
static bool is_young(int64_t changed)
{
	struct timespec t = { 0 };
	clock_gettime(CLOCK_REALTIME, &t);
	return nanoseconds(t) - changed < YOUNG_NS;
}

/*
 * What is written next is seen if it must make the log longer, or else give it
 * another time. An empty log says nothing: it may be filled and emptied again.
 */
bool store_file_leave(int frames)
{
	if (!look(&left))
		return false;
	left_whole = frames > 0 && left.log == LOG_HEAD + (off_t)frames * LOG_FRAME;
	return (left_whole || !is_young(left.changed)) && lock_main(F_UNLCK);
}

bool store_file_return(bool *unchanged)
{
	struct sight now;
	if (!lock_main(F_WRLCK))
		return false;
	*unchanged = look(&now) && now.file == left.file && now.log == left.log && memcmp(now.head, left.head, LOG_HEAD) == 0
		&& (left_whole || now.changed == left.changed);
	return true;
}

/* ---- memory ------------------------------------------------------------ */

#ifndef ARENA_MALLOC

/* Stands before what is given out. */
struct piece {
	union { size_t size; uint64_t aligned; };       /* of all of it, this head included */
	struct piece *next;             /* where it is spare; else the caller's first bytes */
};
enum { HEAD = offsetof(struct piece, next) };

static struct {
	_Alignas(max_align_t) char room[HEAP];
	size_t used;
	struct piece *spare[HEAP_SMALL + 1];
} heap;

static size_t size_for(int n)
{
	return ((size_t)n + HEAD + HEAP_STEP - 1) / HEAP_STEP * HEAP_STEP;
}

static struct piece **spare_of(size_t size)
{
	size_t i = size / HEAP_STEP;
	return &heap.spare[i < HEAP_SMALL ? i : HEAP_SMALL];
}

static struct piece *piece_of(void *given)
{
	return (struct piece *)(void *)((char *)given - HEAD);
}

/* A large piece serves what is at least half of it. */
static struct piece *take_spare(size_t size)
{
	struct piece **at = spare_of(size);
	while (*at && ((*at)->size < size || (*at)->size / 2 > size))
		at = &(*at)->next;
	struct piece *found = *at;
	if (found)
		*at = found->next;
	return found;
}

static void *heap_take(int n)
{
	size_t size = size_for(n);
	struct piece *p = take_spare(size);
	if (!p && size > HEAP - heap.used)
		return NULL;
	if (!p) {
		p = (struct piece *)(void *)(heap.room + heap.used);
		p->size = size;
		heap.used += size;
	}
	return &p->next;
}

static void heap_give(void *given)
{
	struct piece *p = piece_of(given), **list = spare_of(p->size);
	p->next = *list;
	*list = p;
}

static int heap_size(void *given)
{
	return (int)(piece_of(given)->size - HEAD);
}

static void *heap_resize(void *given, int n)
{
	if (n <= heap_size(given))
		return given;
	void *larger = heap_take(n);
	if (larger) {
		memcpy(larger, given, (size_t)heap_size(given));
		heap_give(given);
	}
	return larger;
}

static int heap_round(int n)
{
	return (int)(size_for(n) - HEAD);
}

static int heap_start(void *unused)
{
	(void)unused;
	touch_soon(heap.room, HEAP_USED);
	return SQLITE_OK;
}

static void heap_end(void *unused)
{
	(void)unused;
}

static const sqlite3_mem_methods heap_methods = {
	heap_take, heap_give, heap_resize, heap_size, heap_round, heap_start, heap_end, NULL
};

#endif

/* ---- the layer --------------------------------------------------------- */

pid_t store_file_one_process(void)
{
	return 1;
}

size_t store_file_no_time(char *out, size_t room, const char *format, const struct tm *when)
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

/* A new log's name is on disk before anything is in it: later a process would have to ask whether it is. */
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

/* Nothing is ever executed, so there is nothing to close then; musl makes a call of its own of it. */
static int open_plainly(const char *path, int flags, int mode)
{
	int fd = open(path, flags & ~(O_CLOEXEC | (opening == LOG ? O_CREAT : 0)), mode);
	if (fd < 0 && errno == ENOENT && opening == LOG)
		fd = make_log(path, flags, mode);
	if (opening < FILES)
		descriptor[opening] = fd;
	if (opening == MAIN)
		name_of_main = path;
	return fd;
}

/* Before a log's first sync SQLite wants its directory's, in every process: make_log() has done that for all of them. */
static int open_directory(const char *path, int *fd)
{
	static const char suffix[] = "-wal";    /* shorter than any of our names */
	bool log = strcmp(path + strlen(path) - strlen(suffix), suffix) == 0;
	return log ? SQLITE_CANTOPEN : open_directory_on_disk(path, fd);
}

/* Whoever asks wants to give root's files to the database's owner. Root has become that owner: base.h. */
static uid_t nobody(void)
{
	return 1;
}

const char *store_file_layer(void)
{
	if (layer.zName)
		return layer.zName;
#ifndef ARENA_MALLOC
	sqlite3_config(SQLITE_CONFIG_MALLOC, &heap_methods);
#endif
	const sqlite3_vfs *disk = sqlite3_vfs_find(NULL);
	if (disk)
		layer = *disk;
	else
		fail(ERROR_STORE_UNAVAILABLE, "SF1", "SQLite doesn't start: out of memory", NULL);
	layer.xSetSystemCall(&layer, "open", (sqlite3_syscall_ptr)open_plainly);
	layer.xSetSystemCall(&layer, "geteuid", (sqlite3_syscall_ptr)nobody);
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
