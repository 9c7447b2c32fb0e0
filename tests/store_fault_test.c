/*
 * store_fault_test: whatever the kernel refuses the store, and when. The linker's --wrap (tests/tests.mk, WRAPS_store_fault) puts
 * the functions below before libc's. Each thing that the store does is done again and again in this process, with its
 * 1st, 2nd, … call of a kind refused, once or from then on, until it is done before it comes to that call; SQLite's
 * pieces of memory are one kind. Each time:
 *
 *   - what it committed is there, and nothing else; who is told "nothing was changed" is told the truth;
 *   - what must last was synced before it was said;
 *   - a refusal has a line in the log, and a full disk is called that;
 *   - the database is sound, no descriptor stays open, and the same again does it.
 *
 * Time is this file's own, so nobody waits. The controls lie: about a write, a sync, and what a failure left.
 */
#include "operator/backup.h"
#include "store.h"
#include "store/engine.h"
#include "store/upkeep.h"
#include "store/sqlite.h"
#include "store/sqlite_file.h"
#include "dir.h"
#include "t.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

/* Under a sanitizer a point takes ten times as long. */
#ifdef ARENA_MALLOC
enum { EACH_UP_TO = 9, STEP = 17 };
#else
enum { EACH_UP_TO = 30, STEP = 11 };
#endif
enum { FILES = 8, FILE_ROOM = 1 << 20, STATES = 8, DESCRIPTORS = 64, SHOWN = 5 };

static char dir[64];

/* ---- what fails -------------------------------------------------------- */

enum call { OPEN, FSTAT, STAT, FCNTL, FLOCK, READ, PREAD, PWRITE, WRITE, LSEEK, FSYNC, FDATASYNC, FTRUNCATE, RENAME, UNLINK, CLOSE, MEMORY, CALLS };
static const char *const call_names[CALLS] = {
	"open", "fstat", "stat", "fcntl", "flock", "read", "pread", "pwrite", "write", "lseek", "fsync", "fdatasync", "ftruncate",
	"rename", "unlink", "close", "memory",
};

static struct { enum call call; int error; } const faults[] = {
	{ OPEN, EMFILE }, { OPEN, EACCES }, { OPEN, ENOSPC }, { OPEN, EDQUOT }, { FSTAT, EIO }, { STAT, EIO }, { FCNTL, ENOLCK },
	{ FLOCK, ENOLCK }, { FLOCK, EINTR }, { READ, EIO }, { PREAD, EIO }, { PWRITE, EIO }, { PWRITE, ENOSPC }, { PWRITE, EDQUOT }, { PWRITE, EFBIG },
	{ WRITE, ENOSPC }, { WRITE, EDQUOT }, { WRITE, EFBIG }, { WRITE, EIO }, { LSEEK, EINVAL }, { FSYNC, EIO }, { FDATASYNC, EIO },
	{ FTRUNCATE, EIO }, { RENAME, EIO }, { UNLINK, EIO }, { CLOSE, EIO }, { MEMORY, ENOMEM },
};

static bool armed;
static struct { enum call call; int left, error; bool ever_after, met; } fault;
static int made[CALLS];                 /* calls while armed */

static bool refused(enum call call)
{
	if (!armed)
		return false;
	made[call]++;
	if (fault.call != call || fault.left == 0 || (fault.left > 1 && --fault.left))
		return false;
	if (!fault.ever_after)
		fault.left = 0;
	fault.met = true;
	errno = fault.error;
	return true;
}

/* ---- before libc ------------------------------------------------------- */

static int log_file = -1;               /* the write-ahead log */
static bool log_dirty;                  /* written since its last sync */
static char said[4096];                 /* on stderr */
static int64_t milliseconds;            /* since this began */
static void (*at_sync)(void);           /* done once, before an fsync */

#define SAME_AS(name) __attribute__((alias(#name)))

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...) SAME_AS(__wrap_open);
int __real_fstat(int fd, struct stat *out);
int __wrap_fstat(int fd, struct stat *out);
int __wrap_fstat64(int fd, struct stat *out) SAME_AS(__wrap_fstat);
int __real_stat(const char *path, struct stat *out);
int __wrap_stat(const char *path, struct stat *out);
int __wrap_stat64(const char *path, struct stat *out) SAME_AS(__wrap_stat);
int __real_lstat(const char *path, struct stat *out);
int __wrap_lstat(const char *path, struct stat *out);
int __real_fcntl(int fd, int op, ...);
int __wrap_fcntl(int fd, int op, ...);
int __wrap_fcntl64(int fd, int op, ...) SAME_AS(__wrap_fcntl);
int __real_flock(int fd, int op);
int __wrap_flock(int fd, int op);
ssize_t __real_read(int fd, void *out, size_t n);
ssize_t __wrap_read(int fd, void *out, size_t n);
ssize_t __real_pread(int fd, void *out, size_t n, off_t at);
ssize_t __wrap_pread(int fd, void *out, size_t n, off_t at);
ssize_t __wrap_pread64(int fd, void *out, size_t n, off_t at) SAME_AS(__wrap_pread);
ssize_t __real_pwrite(int fd, const void *bytes, size_t n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t n, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t n, off_t at) SAME_AS(__wrap_pwrite);
ssize_t __real_write(int fd, const void *bytes, size_t n);
ssize_t __wrap_write(int fd, const void *bytes, size_t n);
off_t __real_lseek(int fd, off_t at, int whence);
off_t __wrap_lseek(int fd, off_t at, int whence);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size);
int __wrap_ftruncate64(int fd, off_t size) SAME_AS(__wrap_ftruncate);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_nanosleep(const struct timespec *time, struct timespec *rest);
int __wrap_setitimer(int which, const struct itimerval *new, struct itimerval *old);
int64_t __wrap_now_boot(void);
int __real_sqlite3_config(int op, ...);
int __wrap_sqlite3_config(int op, ...);
int __real_sqlite_file_flush(void);
int __wrap_sqlite_file_flush(void);
int __real_sqlite_file_sync(void);
int __wrap_sqlite_file_sync(void);

int __wrap_open(const char *path, int flags, ...)
{
	va_list list;
	va_start(list, flags);
	unsigned mode = flags & O_CREAT ? va_arg(list, unsigned) : 0;
	va_end(list);
	int fd = refused(OPEN) ? -1 : __real_open(path, flags, mode);
	if (fd >= 0 && strstr(path, "-wal"))
		log_file = fd;
	return fd;
}

int __wrap_fstat(int fd, struct stat *out) { return refused(FSTAT) ? -1 : __real_fstat(fd, out); }
int __wrap_stat(const char *path, struct stat *out) { return refused(STAT) ? -1 : __real_stat(path, out); }
int __wrap_lstat(const char *path, struct stat *out) { return refused(STAT) ? -1 : __real_lstat(path, out); }

int __wrap_fcntl(int fd, int op, ...)
{
	va_list list;
	va_start(list, op);
	void *argument = va_arg(list, void *);
	va_end(list);
	return refused(FCNTL) ? -1 : __real_fcntl(fd, op, argument);
}

int __wrap_flock(int fd, int op) { return refused(FLOCK) ? -1 : __real_flock(fd, op); }
ssize_t __wrap_read(int fd, void *out, size_t n) { return refused(READ) ? -1 : __real_read(fd, out, n); }
ssize_t __wrap_pread(int fd, void *out, size_t n, off_t at) { return refused(PREAD) ? -1 : __real_pread(fd, out, n, at); }

/* Half of it gets there. */
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	log_dirty |= fd == log_file;
	if (!refused(PWRITE))
		return __real_pwrite(fd, bytes, n, at);
	(void)!__real_pwrite(fd, bytes, n / 2, at);
	errno = fault.error;
	return -1;
}

ssize_t __wrap_write(int fd, const void *bytes, size_t n)
{
	size_t have = strlen(said), most = sizeof said - 1 - have, taken = n < most ? n : most;
	if (!armed || fd != 2)
		return refused(WRITE) ? -1 : __real_write(fd, bytes, n);
	memcpy(said + have, bytes, taken);
	said[have + taken] = '\0';
	return (ssize_t)n;
}

off_t __wrap_lseek(int fd, off_t at, int whence) { return refused(LSEEK) ? -1 : __real_lseek(fd, at, whence); }

static int synced(int fd, int rc)
{
	log_dirty &= fd != log_file || rc != 0;
	return rc;
}

int __wrap_fsync(int fd)
{
	if (at_sync)
		at_sync();
	at_sync = NULL;
	return refused(FSYNC) ? -1 : synced(fd, __real_fsync(fd));
}

int __wrap_fdatasync(int fd) { return refused(FDATASYNC) ? -1 : synced(fd, __real_fdatasync(fd)); }
int __wrap_ftruncate(int fd, off_t size) { return refused(FTRUNCATE) ? -1 : __real_ftruncate(fd, size); }
int __wrap_rename(const char *from, const char *to) { return refused(RENAME) ? -1 : __real_rename(from, to); }
int __wrap_unlink(const char *path) { return refused(UNLINK) ? -1 : __real_unlink(path); }

/* It is closed whatever is said. */
int __wrap_close(int fd)
{
	int rc = __real_close(fd);
	return refused(CLOSE) ? -1 : rc;
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *rest)
{
	(void)rest;
	milliseconds += time->tv_sec * 1000 + time->tv_nsec / 1000000;
	return 0;
}

int __wrap_setitimer(int which, const struct itimerval *new, struct itimerval *old)
{
	(void)which, (void)new, (void)old;
	return 0;
}

int64_t __wrap_now_boot(void)
{
	return milliseconds / 1000;
}

static sqlite3_mem_methods heap;

static void *counted_malloc(int n) { return refused(MEMORY) ? NULL : heap.xMalloc(n); }
static void *counted_realloc(void *p, int n) { return refused(MEMORY) ? NULL : heap.xRealloc(p, n); }

/* The store's allocator is given to SQLite with a counter before it. */
int __wrap_sqlite3_config(int op, ...)
{
	va_list list;
	va_start(list, op);
	sqlite3_mem_methods counted = heap = *va_arg(list, const sqlite3_mem_methods *);
	va_end(list);
	counted.xMalloc = counted_malloc;
	counted.xRealloc = counted_realloc;
	return __real_sqlite3_config(op, &counted);
}

/* ---- what the controls break ------------------------------------------- */

static enum { HONEST, LIES_OF_WRITES, LIES_OF_SYNCS, DENIES } control;

int __wrap_sqlite_file_flush(void)
{
	int rc = __real_sqlite_file_flush();
	return control == LIES_OF_WRITES ? SQLITE_OK : rc;
}

int __wrap_sqlite_file_sync(void)
{
	return control == LIES_OF_SYNCS ? SQLITE_OK : __real_sqlite_file_sync();
}

/* ---- the directory ----------------------------------------------------- */

static const char *const names[] = {
	"latchkey.db", "latchkey.db-wal", "latchkey.db-journal", "latchkey.lock", "latchkey.db.new", "latchkey.db.new-wal",
	"latchkey.db.new-journal", "copy",
};
static struct { ssize_t n; char bytes[FILE_ROOM]; } kept[FILES];
_Static_assert(sizeof names / sizeof *names == FILES, "a place for each");

static const char *path_of(const char *name)
{
	static char path[4][128];
	static int next;
	char *p = path[next++ % 4];
	snprintf(p, sizeof path[0], "%s/%s", dir, name);
	return p;
}

static _Noreturn void bail(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(2);
}

static void keep_files(void)
{
	for (int i = 0; i < FILES; i++) {
		int fd = open(path_of(names[i]), O_RDONLY);
		kept[i].n = fd < 0 ? -1 : read(fd, kept[i].bytes, FILE_ROOM);
		if (kept[i].n == FILE_ROOM)
			bail("a file is too long");
		if (fd >= 0)
			close(fd);
	}
}

static void restore_files(void)
{
	for (int i = 0; i < FILES; i++) {
		unlink(path_of(names[i]));
		int fd = kept[i].n < 0 ? -1 : open(path_of(names[i]), O_WRONLY | O_CREAT, 0600);
		if (kept[i].n >= 0 && (fd < 0 || write(fd, kept[i].bytes, (size_t)kept[i].n) != kept[i].n))
			bail(names[i]);
		if (fd >= 0)
			close(fd);
	}
}

static void remove_files(void)
{
	for (int i = 0; i < FILES; i++)
		unlink(path_of(names[i]));
}

static int descriptors(void)
{
	int n = 0;
	for (int fd = 0; fd < DESCRIPTORS; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* ---- what stands in it ------------------------------------------------- */

static uint64_t digest;

static void add(const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		digest = (digest ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001b3);
}

static void add_number(int64_t value) { add(&value, sizeof value); }
static void add_text(struct slice s) { add_number((int64_t)s.n); add(s.p, s.n); }

static void add_users(void)
{
	static struct user page[LIMIT_LIST];
	size_t n = store_users(SLICE_NONE, page);
	for (size_t i = 0; i < n; i++) {
		add_number((int64_t)page[i].id);
		add_text(page[i].name);
		add_text(page[i].password);
		add_number(page[i].disabled);
	}
}

static void add_sessions(void)
{
	static struct session page[LIMIT_LIST];
	size_t n;
	uint64_t after = 0;
	do {
		size_t mark = arena_mark();
		n = store_sessions(0, after, page);
		for (size_t i = 0; i < n; i++) {
			after = page[i].id;
			add_number((int64_t)after);
			add_number(page[i].ctr);
			add_number(page[i].ended_at);
			add_text(page[i].device);
		}
		arena_back(mark);
	} while (n == LIMIT_LIST);
}

static void add_audits(void)
{
	static struct audit page[LIMIT_LIST];
	size_t n = store_audits_after(0, page);
	for (size_t i = 0; i < n; i++) {
		add_number(page[i].id);
		add_number((int64_t)page[i].session);
	}
}

/* Of all rows; the store is open. */
static uint64_t state(void)
{
	size_t mark = arena_mark();
	digest = UINT64_C(0xcbf29ce484222325);
	add_users();
	add_sessions();
	add_audits();
	arena_back(mark);
	return digest;
}

/* ---- what the store does ----------------------------------------------- */

enum { OLD = 1, NEW = 2, AUDIT_MAX = 4 };
static char much[40000];                /* two of it are more than is held back of a log, and than it may keep */

/* The states that it goes through when nothing fails, and how far it said that it has come. */
static uint64_t states[STATES];
static int seen, told;
static bool recording, unsynced;

/* Here whoever asked would be answered. */
static void answer(enum durability d)
{
	unsynced |= d == DURABLE_NOW && log_dirty;
	told++;
	if (recording)
		states[seen++] = state();
}

static void add_session(uint64_t id, struct slice text)
{
	store_session_add(&(struct session){ .id = id, .user = 1, .ctr = OLD, .device = text });
}

static void add_large_ones(void)
{
	for (uint64_t id = 20; id < 22; id++)
		add_session(id, (struct slice){ much, sizeof much });
}

static void add_event(uint64_t session)
{
	store_audit_add(&(struct audit){ .time = 1, .event = EVENT_LOGIN, .session = session }, AUDIT_MAX);
}

static void commit(enum durability d)
{
	store_commit();
	answer(d);
	store_before_answer();
	store_tidy();
}

static void create(void)
{
	store_create(dir);
	answer(DURABLE_NOW);
}

static void sign_in(void)
{
	store_open(dir, 1);
	store_begin(DURABLE_NOW);
	add_session(10, S("phone"));
	add_event(10);
	commit(DURABLE_NOW);
}

static void rotate(void)
{
	store_open(dir, 1);
	store_begin(DURABLE_LATER);
	store_session_rotate(&(struct session){ .id = 1, .ctr = NEW, .rotated_at = 2 });
	add_event(1);
	commit(DURABLE_LATER);
}

/* A verdict: that it must last is known once the row was read. */
static void end_session(void)
{
	struct session s;
	store_open(dir, 1);
	store_begin(DURABLE_LATER);
	if (!store_session(2, &s))
		fail(ERROR_INTERNAL, "T1", "no such session", NULL);
	store_must_last();
	store_session_end(2, ENDED_REUSE, 3);
	commit(DURABLE_NOW);
}

static void add_much(void)
{
	store_open(dir, 1);
	store_begin(DURABLE_NOW);
	add_large_ones();
	commit(DURABLE_NOW);
}

static void take_back(void)
{
	store_open(dir, 1);
	store_begin(DURABLE_NOW);
	add_large_ones();
	store_rollback();
}

static void upgrade(void)
{
	store_upgrade(dir);
	answer(DURABLE_NOW);
}

/* The row that is one too many. */
static void trim(void)
{
	store_open(dir, 1);
	store_begin(DURABLE_NOW);
	add_event(9);
	commit(DURABLE_NOW);
}

static void look_closely(void)
{
	store_open(dir, 1);
	if (strcmp(db_integrity(), "ok") != 0)
		fail(ERROR_INTERNAL, "T2", "not sound", NULL);
}

static int copy_to = -1;

static void copy(void)
{
	copy_to = backup_file(path_of("copy"));
	if (copy_to < 0)
		fail(ERROR_STORE_UNAVAILABLE, "T3", "no file to copy to", NULL);
	if (!backup_copy(dir, copy_to))
		fail(ERROR_STORE_UNAVAILABLE, "T4", "no copy", NULL);
	if (!backup_last(path_of("copy")))
		fail(ERROR_STORE_UNAVAILABLE, "T5", "no name", NULL);
}

static bool restoring;

/* The way back: what `latchkey restore` does. */
static void restore(void)
{
	copy_to = open(path_of("copy"), O_RDONLY);
	if (copy_to < 0)
		fail(ERROR_STORE_UNAVAILABLE, "T6", "no copy to read", NULL);
	restoring = true;
	store_restore(dir, copy_to, -1);
	store_begin(DURABLE_NOW);
	add_event(1);
	store_commit();
	store_swap(dir);
	restoring = false;
	if (recording)
		store_open(dir, 1);
	answer(DURABLE_NOW);
}

/* Batches of a process that stays; between them the locks are others'. */
static void stay(void)
{
	store_stay(dir);
	store_open(dir, 1);
	store_begin(DURABLE_LATER);
	store_session_rotate(&(struct session){ .id = 1, .ctr = NEW, .rotated_at = 2 });
	store_commit();
	store_begin(DURABLE_NOW);
	store_session_end(2, ENDED_LOGOUT, 3);
	store_commit();
	store_begin(DURABLE_LATER);
	store_rollback();
	store_commit_batch();
	answer(DURABLE_NOW);
	store_leave(false);
	store_open(dir, 1);
	store_begin(DURABLE_LATER);
	store_session_rotate(&(struct session){ .id = 1, .ctr = NEW + 1, .rotated_at = 3 });
	store_commit();
	store_commit_batch();
	answer(DURABLE_LATER);
	store_leave(false);
	store_leave(true);
	store_open(dir, 1);
	store_mark(&(int64_t){ 0 });
	store_leave(false);
	store_open(dir, 1);
	store_begin(DURABLE_LATER);
	store_session_rotate(&(struct session){ .id = 1, .ctr = NEW + 2, .rotated_at = 4 });
	store_commit();
	store_commit_batch();
	answer(DURABLE_LATER);
	store_leave(false);
}

/* ---- what it finds ----------------------------------------------------- */

static void nothing(void)
{
	store_close();
	remove_files();
}

static void a_store(void)
{
	nothing();
	store_create(dir);
	store_begin(DURABLE_NOW);
	store_user_add(&(struct user){ .id = 1, .name = S("demo"), .password = S("$argon2id$") });
	for (uint64_t i = 1; i <= 3; i++) {
		add_session(i, S("browser"));
		add_event(i);
	}
	store_commit();
}

/* Half made by one who was killed. */
static void half(void)
{
	nothing();
	int fd = open(path_of("latchkey.db.new"), O_WRONLY | O_CREAT, 0600);
	if (fd < 0 || write(fd, much, sizeof much) != sizeof much || close(fd) != 0)
		bail("half");
}

static void an_empty_log(void)
{
	a_store();
	if (!db_freeze())
		bail("freeze");
}

static void a_long_log(void)
{
	a_store();
	store_begin(DURABLE_NOW);
	add_large_ones();
	store_commit();
}

static void stranger(const char *sql)
{
	sqlite3 *db;
	store_close();
	if (sqlite3_open_v2(path_of("latchkey.db"), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "unix") != SQLITE_OK
		|| sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		bail(sql);
	sqlite3_close(db);
}

static void an_older_one(void)
{
	nothing();
	stranger("PRAGMA application_id=1280009593; PRAGMA journal_mode=WAL; CREATE TABLE keep(x)");
}

static void a_full_trail(void)
{
	a_store();
	store_begin(DURABLE_NOW);
	for (uint64_t i = 4; i < 64; i++)
		add_event(i);
	store_commit();
}

static void without_log(void)
{
	a_store();
	stranger("PRAGMA journal_mode=DELETE");
}

/* More than one piece of a copy. */
static void a_large_one(void)
{
	a_long_log();
	if (!db_freeze())
		bail("freeze");
}

/* A copy of an earlier state. */
static void a_copy(void)
{
	a_long_log();
	store_close();
	unlink(path_of("copy"));
	copy_to = backup_file(path_of("copy"));
	if (!backup_copy(dir, copy_to))
		bail("backup");
	close(copy_to);
	copy_to = -1;
	sign_in();
}

/* ---- one point --------------------------------------------------------- */

static const struct deed {
	const char *name;
	void (*before)(void), (*act)(void);
	bool either;                    /* what failed may have been done: an operator's verb, which says what failed */
	bool in_place;                  /* without a log: half of the write that ends it is enough */
} deeds[] = {
	{ "create", nothing, create, true, false },
	{ "create over half of one", half, create, true, false },
	{ "upgrade", an_older_one, upgrade, false, false },
	{ "sign in", a_store, sign_in, false, false },
	{ "sign in, on an empty log", an_empty_log, sign_in, false, false },
	{ "sign in, without a log", without_log, sign_in, false, true },
	{ "rotate", a_store, rotate, false, false },
	{ "rotate, and empty the log", a_long_log, rotate, false, false },
	{ "end", a_store, end_session, false, false },
	{ "a long transaction", a_store, add_much, false, false },
	{ "one that is taken back", a_store, take_back, false, false },
	{ "trim the trail", a_full_trail, trim, false, false },
	{ "look closely", a_store, look_closely, false, false },
	{ "copy", a_large_one, copy, false, false },
	{ "copy, without a log", without_log, copy, false, true },
	{ "restore", a_copy, restore, true, false },
	{ "stay", a_store, stay, false, false },
	{ "stay, on an empty log", an_empty_log, stay, false, false },
};

static jmp_buf failed;
static enum error failure;
static struct { int points, broken; } *counted;        /* by a child */

static void on_failure(enum error e)
{
	failure = e;
	on_fail(on_failure);
	if (restoring)
		store_forget_restore(dir);
	restoring = false;
	longjmp(failed, 1);
}

/* Runs it; ERROR_NONE, or what it failed with. */
static enum error attempt(void (*act)(void))
{
	const size_t mark = arena_mark();
	failure = ERROR_NONE;
	said[0] = '\0';
	told = 0;
	log_dirty = unsynced = false;
	armed = true;
	if (setjmp(failed) == 0)
		act();
	else
		arena_back(mark);
	armed = false;
	if (control == DENIES && failure == ERROR_UNSETTLED)
		failure = ERROR_STORE_UNAVAILABLE;
	return failure;
}

static void let_go(void)
{
	store_close();
	if (copy_to >= 0)
		close(copy_to);
	copy_to = -1;
	log_file = -1;
}

/* NULL, or what a refusal should have been instead. */
static const char *wrong_refusal(enum error e)
{
	bool full = fault.error == ENOSPC || fault.error == EDQUOT || fault.error == EFBIG;
	if (e == ERROR_NONE || e == ERROR_UNSETTLED)
		return NULL;
	if (strncmp(said, "latchkey: ", 10) != 0)
		return "nothing in the log";
	if (full && fault.call == PWRITE && fault.error == ENOSPC && e != ERROR_STORE_FULL)
		return "a full disk has another name";
	if (!full && e != ERROR_STORE_UNAVAILABLE && e != ERROR_BUSY)
		return "another error";
	return NULL;
}

static bool is_there(const char *name)
{
	struct stat st;
	return stat(path_of(name), &st) == 0;
}

enum { NOTHING, UNSOUND, REFUSED };

/* What stands on disk: one of these, or the state's digest. */
static uint64_t state_on_disk(void)
{
	if (!is_there("latchkey.db"))
		return NOTHING;
	uint64_t found = REFUSED;
	fault.left = 0;
	if (attempt(look_closely) == ERROR_NONE)
		found = state();
	else if (failure == ERROR_INTERNAL)
		found = UNSOUND;
	let_go();
	return found;
}

/* A copy either is whole, or isn't taken for a database. */
static bool copy_is_right(bool sure)
{
	char begins[16] = "";
	int fd = open(path_of("copy"), O_RDONLY);
	bool is_database = fd >= 0 && read(fd, begins, sizeof begins) == sizeof begins && memcmp(begins, "SQLite format 3", 16) == 0;
	if (fd >= 0)
		close(fd);
	if (!is_database)
		return !sure;
	unlink(path_of("latchkey.db-wal"));
	return rename(path_of("copy"), path_of("latchkey.db")) == 0 && state_on_disk() == states[0];
}

static const char *judge(const struct deed *d, enum error e, int descriptors_before)
{
	const char *wrong = wrong_refusal(e);
	bool open_end = ((d->either || d->in_place) && e != ERROR_NONE) || e == ERROR_UNSETTLED, hasty = unsynced && !d->in_place;
	int at = told;
	let_go();
	int n = descriptors();
	if (wrong)
		return wrong;
	bool ends = d->act == copy || d->act == restore;    /* the process, where it fails */
	if (n != descriptors_before && !(ends && e != ERROR_NONE))
		return "a descriptor stays open";
	for (int fd = descriptors_before; fd < DESCRIPTORS; fd++)
		close(fd);
	if (hasty)
		return "said before it was synced";
	if (e == ERROR_NONE && at != seen - 1)
		return "ended early";
	/* Of a restore the old log may be left, which is refused until the same is done again. */
	uint64_t found = state_on_disk();
	bool half = d->act == restore && e != ERROR_NONE && found == REFUSED;
	if (found != states[at] && !half && !(open_end && at + 1 < seen && found == states[at + 1]))
		return "another state than was said";
	return NULL;
}

/* As often as it takes: what was left is the beginning or a later state. */
static const char *again(const struct deed *d)
{
	uint64_t found = state_on_disk();
	if (found != states[0] && found != REFUSED)
		return NULL;
	enum error e = attempt(d->act);
	let_go();
	return e == ERROR_NONE && state_on_disk() == states[seen - 1] ? NULL : "the same again fails";
}

static void broke(const struct deed *d, int nth, enum error e, const char *why)
{
	if (counted->broken++ < SHOWN && control == HONEST)
		diag("%s, %s %d errno %d%s: %s; %s", d->name, call_names[fault.call], nth, fault.error,
			fault.ever_after ? " and ever after" : "", why, errors[e].code);
}

/* False once the call was beyond the last. */
static bool point(const struct deed *d, size_t f, int nth, bool ever_after)
{
	size_t mark = arena_mark();
	restore_files();
	int before = descriptors();
	memset(made, 0, sizeof made);
	fault = (__typeof__(fault)){ faults[f].call, nth, faults[f].error, ever_after, false };
	enum error e = attempt(d->act);
	bool met = fault.met;
	fault.left = 0;
	const char *wrong = judge(d, e, before);
	if (!wrong && d->act == copy && !copy_is_right(e == ERROR_NONE))
		wrong = "neither a copy nor none";
	if (!wrong && d->act != copy)
		wrong = again(d);
	if (wrong)
		broke(d, nth, e, wrong);
	counted->points += met;
	arena_back(mark);
	return met;
}

/* What it goes through when nothing fails. */
static void record(const struct deed *d)
{
	size_t mark = arena_mark();
	d->before();
	let_go();
	keep_files();
	seen = 0;
	states[seen++] = state_on_disk();
	restore_files();
	recording = true;
	fault.left = 0;
	if (attempt(d->act) != ERROR_NONE)
		bail(said);
	recording = false;
	let_go();
	arena_back(mark);
}

/* Of what there are many, not each. */
static void sweep(void *which)
{
	const struct deed *d = which;
	on_fail(on_failure);
	memset(much, 'x', sizeof much);
	record(d);
	for (size_t f = 0; f < sizeof faults / sizeof *faults; f++)
		for (int ever_after = 0; ever_after < 2; ever_after++)
			for (int nth = 1; point(d, f, nth, ever_after);)
				nth += nth < EACH_UP_TO && faults[f].call != MEMORY ? 1 : STEP;
	remove_files();
}

/* In a process of its own: one that stays, stays. */
static void swept(const struct deed *d)
{
	*counted = (__typeof__(*counted)){ 0, 0 };
	int status = dies(sweep, (void *)(uintptr_t)d);
	if (status || (counted->broken && control == HONEST))
		diag("exit %d: %s%s", status, t_out, t_err);
	counted->broken += status != 0;
}

static void each_deed(void)
{
	for (size_t i = 0; i < sizeof deeds / sizeof *deeds; i++) {
		swept(&deeds[i]);
		ok(counted->points > EACH_UP_TO && counted->broken == 0, "%s: %d points, %d broken", deeds[i].name, counted->points, counted->broken);
	}
}

/* What is broken must be found. */
static void controls(void)
{
	static const struct { __typeof__(control) lie; const char *deed, *name; } cases[] = {
		{ LIES_OF_WRITES, "rotate", "a write that failed isn't noticed" },
		{ LIES_OF_SYNCS, "end", "a sync is left out" },
		{ DENIES, "sign in", "a failure behind the commit says that nothing was changed" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct deed *d = deeds;
		while (strcmp(d->name, cases[i].deed) != 0)
			d++;
		control = cases[i].lie;
		swept(d);
		control = HONEST;
		ok(counted->broken > 0, "control: %s: found in %d of %d points", cases[i].name, counted->broken, counted->points);
	}
}

/* ---- a copy's edges ---------------------------------------------------- */

static struct timespec set_to;

static void touch(void)
{
	const struct timespec times[2] = { set_to, set_to };
	if (utimensat(AT_FDCWD, path_of("latchkey.db"), times, 0) != 0)
		bail("utimensat");
}

static void grow(void)
{
	if (truncate(path_of("latchkey.db"), 1 << 20) != 0)
		bail("truncate");
}

/* The copy is thrown away where its source was changed meanwhile, however little. */
static void changed_meanwhile(void)
{
	static const struct { const char *name; void (*change)(void); struct timespec to; } cases[] = {
		{ "nothing", touch, { 1000, 5 } }, { "its size", grow, { 0, 0 } }, { "the second", touch, { 1001, 5 } },
		{ "less than a second", touch, { 1000, 6 } },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		a_store();
		db_freeze();
		let_go();
		set_to = (struct timespec){ 1000, 5 };
		touch();
		set_to = cases[i].to;
		copy_to = backup_file(path_of("copy"));
		at_sync = cases[i].change;
		said[0] = '\0';
		armed = true;
		bool copied = backup_copy(dir, copy_to);
		armed = false;
		ok(copied == (i == 0) && (copied || strstr(said, "changed while it was copied")), "copied while %s changes: %s", cases[i].name,
			copied ? "taken" : "refused");
		let_go();
	}
}

static void copies(void)
{
	char here[128];
	changed_meanwhile();
	unlink(path_of("copy"));
	int fd = backup_file(path_of("copy"));
	ok(fd >= 0 && backup_file(path_of("copy")) < 0 && errno == EEXIST, "a copy replaces no file");
	close(fd);
	is_int(symlink("elsewhere", path_of("link")), 0, "a link");
	ok(backup_file(path_of("link")) < 0 && access(path_of("elsewhere"), F_OK) != 0, "is not followed");
	unlink(path_of("link"));
	if (!getcwd(here, sizeof here) || chdir(dir) != 0)
		bail("chdir");
	ok(backup_last("copy"), "a name without a directory lasts in this one");
	is_int(chdir(here), 0, "back");
	armed = true;
	said[0] = '\0';
	ok(!backup_last("/nowhere/copy") && strstr(said, "make the copy's name last"), "one that can't last is told");
	ok(!backup_last("/nowhere/"), "nor can a directory that isn't there");
	armed = false;
}

/* Beside a backup that is at work nothing is put back. */
static void restore_beside_a_backup(void)
{
	int ready[2], finish[2];
	char byte = 0;
	a_copy();
	let_go();
	if (pipe(ready) || pipe(finish))
		bail("pipe");
	pid_t backup = fork();
	if (backup == 0) {
		store_open(dir, 1);
		_exit(db_freeze() && write(ready[1], "", 1) == 1 && close(finish[1]) == 0 && read(finish[0], &byte, 1) == 0 ? 0 : 1);
	}
	is_int(read(ready[0], &byte, 1), 1, "a backup is at work");
	fault.left = 0;
	ok(attempt(restore) == ERROR_BUSY && strstr(said, "BU5: a backup is at work") && !is_there("latchkey.db.new"), "so nothing is restored");
	let_go();
	close(finish[1]);
	ok(waitpid(backup, &(int){ 0 }, 0) == backup && attempt(restore) == ERROR_NONE, "until it has ended");
	let_go();
	close(finish[0]);
	close(ready[0]);
	close(ready[1]);
}

/* ---- rest -------------------------------------------------------------- */

static void rest(void)
{
	store_leave(true);
}

static void work(void)
{
	store_open(dir, 1);
	store_begin(DURABLE_LATER);
	store_session_rotate(&(struct session){ .id = 1, .ctr = NEW, .rotated_at = 2 });
	store_commit();
	store_commit_batch();
	store_leave(false);
}

static off_t size_of_log(void)
{
	struct stat log;
	return stat(path_of("latchkey.db-wal"), &log) == 0 ? log.st_size : -1;
}

/* A process that stays tidies up once behind what it wrote; another rest is nothing at all. */
static void rests(void *unused)
{
	int calls = 0;
	(void)unused;
	on_fail(on_failure);
	a_store();
	let_go();
	store_stay(dir);
	enum error e = attempt(work);
	bool wrote = size_of_log() > 0;
	memset(made, 0, sizeof made);
	bool tidied = wrote && e == ERROR_NONE && attempt(rest) == ERROR_NONE && size_of_log() == 0 && made[FLOCK] == 2;
	memset(made, 0, sizeof made);
	e = attempt(rest);
	for (int i = 0; i < CALLS; i++)
		calls += made[i];
	exit(!tidied ? 1 : e != ERROR_NONE || calls ? 2 : 0);
}

/* ---- memory ------------------------------------------------------------ */

#ifndef ARENA_MALLOC

enum { PIECES = 300, STEPS = 40000, LARGEST = 3000 };

static bool filled(const unsigned char *p, int n, int with)
{
	for (int i = 0; i < n; i++)
		if (p[i] != (unsigned char)with)
			return false;
	return true;
}

/* Pieces that are taken, resized and given back in any order keep what is in them. */
static void pieces(void *unused)
{
	static unsigned char *piece[PIECES];
	static int size[PIECES];
	unsigned seed = 1;
	int spoilt = 0;
	(void)unused;
	sqlite_file_layer();
	for (int step = 0; step < STEPS; step++) {
		seed = seed * 1103515245 + 12345;
		int i = (int)(seed >> 8) % PIECES, n = 1 + (int)(seed >> 4) % LARGEST;
		if (piece[i] && seed >> 30 == 0) {
			sqlite3_free(piece[i]);
			piece[i] = NULL;
			continue;
		}
		unsigned char *p = sqlite3_realloc(piece[i], n);
		if (!p)
			exit(1);
		spoilt += (uintptr_t)p % 8 != 0 || (piece[i] && !filled(p, size[i] < n ? size[i] : n, i));
		memset(p, i, (size_t)n);
		piece[i] = p;
		size[i] = n;
	}
	for (int i = 0; i < PIECES; i++)
		spoilt += piece[i] && !filled(piece[i], size[i], i);
	exit(spoilt);
}

/* All of it is taken, to the last bytes: refused, and there again when it is given back. */
static void exhausted(void *unused)
{
	static void *taken[1 << 16];
	size_t n = 0;
	(void)unused;
	on_fail(on_failure);
	a_store();
	let_go();
	for (int size = 1 << 16; size >= 16; size /= 2)
		while (n < sizeof taken / sizeof *taken && (taken[n] = sqlite3_malloc(size)))
			n++;
	bool refused_more = sqlite3_realloc(taken[n - 1], 4096) == NULL;
	enum error e = attempt(sign_in);
	let_go();
	bool told_why = strstr(said, "out of memory") != NULL;
	while (n)
		sqlite3_free(taken[--n]);
	exit(!refused_more ? 1 : e != ERROR_STORE_UNAVAILABLE ? 2 : !told_why ? 3 : !sqlite3_malloc(1 << 16) ? 4 : 0);
}

/* SQLite itself doesn't start. */
static void no_start(void *unused)
{
	(void)unused;
	on_fail(on_failure);
	fault = (__typeof__(fault)){ MEMORY, 1, ENOMEM, false, false };
	enum error e = attempt(create);
	exit(e == ERROR_STORE_UNAVAILABLE && strstr(said, "SF1") && attempt(create) == ERROR_NONE ? 0 : 1);
}

static void memory(void)
{
	is_int(dies(pieces, NULL), 0, "pieces of memory keep what is in them");
	remove_files();
	is_int(dies(exhausted, NULL), 0, "no memory at all is refused, and comes back");
	remove_files();
	is_int(dies(no_start, NULL), 0, "SQLite that can't start is told, and may start later");
	remove_files();
}

#else

static void memory(void)
{
}

#endif

int main(void)
{
	not_in("cross", "wraps libc's names, which 32-bit musl gives others; store_test and store_file_test run");
	counted = mmap(NULL, sizeof *counted, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counted == MAP_FAILED || !make_dir(&dir, "lk-fault"))
		bail("a directory");
	memory();
	each_deed();
	controls();
	is_int(dies(rests, NULL), 0, "at rest the log is emptied, once");
	copies();
	on_fail(on_failure);
	restore_beside_a_backup();
	remove_files();
	is_int(rmdir(dir), 0, "nothing is left behind");
	return done_testing();
}
