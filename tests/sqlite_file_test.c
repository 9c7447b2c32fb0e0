/*
 * sqlite_file_test: a write-ahead log whose disk fails. SQLite's layer for
 * Unix is wrapped by one that fails the n-th call of a kind; sqlite_file finds
 * that one as the default. Whatever fails, and when: what was said to be
 * committed is there, what wasn't is there whole or not at all, and the
 * database is sound.
 */
#include "store.h"
#include "store/engine.h"
#include "store/upkeep.h"
#include "store/sqlite.h"
#include "store/sqlite_file.h"
#include "dir.h"
#include "t.h"

#include <errno.h>
#include <sqlite3.h>
#include <sys/stat.h>

enum call { READ, WRITE, SYNC, TRUNCATE, SIZE, CLOSE, CALLS };
static const char *const call_names[CALLS] = { "read", "write", "sync", "truncate", "size", "close" };

enum { SMALL = 3, LARGE = 6000, OLD = 1, NEW = 2 };

static char dir[64];

/* What is to fail, and what a child has come to. */
static struct fault { enum call call; int nth, rc, error; } fault;
static struct { bool failed, committed; } *shared;

/* ---- a layer that fails ------------------------------------------------ */

static const sqlite3_io_methods *disk;

static bool fails_now(enum call call)
{
	if (fault.call != call || fault.nth == 0 || --fault.nth != 0)
		return false;
	shared->failed = true;
	errno = fault.error;
	return true;
}

static int bad_read(sqlite3_file *file, void *out, int n, sqlite3_int64 at)
{
	return fails_now(READ) ? fault.rc : disk->xRead(file, out, n, at);
}

/* Half of it gets there. */
static int bad_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
	if (!fails_now(WRITE))
		return disk->xWrite(file, bytes, n, at);
	disk->xWrite(file, bytes, n / 2, at);
	errno = fault.error;
	return fault.rc;
}

static int bad_sync(sqlite3_file *file, int flags)
{
	return fails_now(SYNC) ? fault.rc : disk->xSync(file, flags);
}

static int bad_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	return fails_now(TRUNCATE) ? fault.rc : disk->xTruncate(file, size);
}

static int bad_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return fails_now(SIZE) ? fault.rc : disk->xFileSize(file, size);
}

static int bad_close(sqlite3_file *file)
{
	int rc = disk->xClose(file);
	return fails_now(CLOSE) ? fault.rc : rc;
}

static sqlite3_vfs layer;
static int (*open_on_disk)(sqlite3_vfs *, sqlite3_filename, sqlite3_file *, int, int *);

static int open_file(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *given)
{
	static sqlite3_io_methods methods;
	int rc = open_on_disk(vfs, name, file, flags, given);
	if (rc != SQLITE_OK || !(flags & SQLITE_OPEN_WAL))
		return rc;
	disk = file->pMethods;
	methods = *disk;
	methods.xRead = bad_read;
	methods.xWrite = bad_write;
	methods.xSync = bad_sync;
	methods.xTruncate = bad_truncate;
	methods.xFileSize = bad_size;
	methods.xClose = bad_close;
	file->pMethods = &methods;
	return rc;
}

static void register_layer(void)
{
	layer = *sqlite3_vfs_find(NULL);
	open_on_disk = layer.xOpen;
	layer.zName = "failing";
	layer.xOpen = open_file;
	sqlite3_vfs_register(&layer, 1);
}

/* ---- what is done over it ---------------------------------------------- */

static void remove_files(void)
{
	static const char *const names[] = { "latchkey.db", "latchkey.db-wal", "latchkey.lock" };
	char path[128];
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		unlink(path);
	}
}

static void say_code(enum error e)
{
	printf("%s", errors[e].code);
	exit(111);
}

static const char text[] = "nobody's browser, which shares no piece with any other and takes as many bytes as it has letters, all";

/* Ids far from one another, so that pages are written more than once. */
static uint64_t id_of(int i)
{
	return (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15) >> 1 | 1;
}

static void make(void *unused)
{
	(void)unused;
	store_create(dir);
	store_begin(DURABLE_NOW);
	for (int i = 0; i < SMALL; i++)
		store_session_add(&(struct session){ .id = id_of(i), .user = 1, .ctr = OLD });
	store_commit();
	store_close();
}

/* Never the same twice: SQLite writes no page that stays as it is. */
static void change(int added, enum durability d)
{
	store_begin(d);
	for (int i = 0; i < SMALL; i++)
		store_session_rotate(&(struct session){ .id = id_of(i), .ctr = NEW, .rotated_at = getpid() });
	for (int i = SMALL; i < SMALL + added; i++)
		store_session_add(&(struct session){ .id = id_of(i), .user = (uint64_t)i % 97, .device = S(text) });
	store_commit();
	shared->committed = true;
}

static void finish(void)
{
	store_tidy();
	store_close();
	exit(0);
}

static void small_later(void *unused)
{
	(void)unused;
	store_open(dir, 5);
	change(0, DURABLE_LATER);
	finish();
}

static void small_now(void *unused)
{
	(void)unused;
	store_open(dir, 5);
	change(0, DURABLE_NOW);
	finish();
}

static void large(void *unused)
{
	(void)unused;
	store_open(dir, 5);
	change(LARGE, DURABLE_NOW);
	finish();
}

/* The log stays as long as it has become. */
static void large_untidy(void *unused)
{
	(void)unused;
	store_open(dir, 5);
	change(LARGE, DURABLE_LATER);
	store_close();
	exit(0);
}

/* 0 with the old state, 1 with the new one, 2 with something between. */
static void look(void *unused)
{
	struct session s;
	int changed = 0;
	(void)unused;
	store_open(dir, 5);
	printf("%s", db_integrity());
	for (int i = 0; i < SMALL; i++)
		changed += store_session(id_of(i), &s) && s.ctr == NEW;
	exit(changed == SMALL ? 1 : changed == 0 ? 0 : 2);
}

/* ---- each call fails in its turn --------------------------------------- */

static bool sound(void)
{
	bool committed = shared->committed;
	fault.nth = 0;
	int state = dies(look, NULL);
	return strcmp(t_out, "ok") == 0 && (state == 1 || (state == 0 && !committed));
}

/* Fails the n-th call; false when it wasn't called so often. */
static bool fail_nth(void (*work)(void *), struct fault f, int nth, int *died)
{
	remove_files();
	dies(make, NULL);
	*shared = (__typeof__(*shared)){ false, false };
	fault = f;
	fault.nth = nth;
	int status = dies(work, NULL);
	bool failed = shared->failed;
	*died += status == 111;
	if (!sound() || (status != 0 && status != 111)) {
		ok(false, "%s %d: exit %d, then: %s %s", call_names[f.call], nth, status, t_out, t_err);
		return false;
	}
	return failed;
}

static void fail_each(const char *name, void (*work)(void *), struct fault f, int most)
{
	int nth = 1, died = 0, before = t_failed;
	while (nth <= most && fail_nth(work, f, nth, &died))
		nth++;
	ok(t_failed == before, "%s: %d calls of %s failed (%d, errno %d), %d were fatal; sound after each", name, nth - 1,
		call_names[f.call], f.rc, f.error, died);
}

static const struct fault faults[] = {
	{ READ, 0, SQLITE_IOERR_READ, EIO }, { WRITE, 0, SQLITE_IOERR_WRITE, EIO }, { WRITE, 0, SQLITE_FULL, ENOSPC },
	{ WRITE, 0, SQLITE_IOERR_WRITE, EDQUOT }, { WRITE, 0, SQLITE_IOERR_WRITE, EFBIG }, { SYNC, 0, SQLITE_IOERR_FSYNC, EIO },
	{ TRUNCATE, 0, SQLITE_IOERR_TRUNCATE, EIO }, { SIZE, 0, SQLITE_IOERR_FSTAT, EIO }, { CLOSE, 0, SQLITE_IOERR_CLOSE, EIO },
};

static void each_call(void)
{
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		fail_each("without a sync", small_later, faults[i], 8);
		fail_each("with a sync", small_now, faults[i], 8);
		fail_each("more than is kept", large, faults[i], 4);
	}
}

/* A quota, and a limit on file sizes, are a full disk. */
static void full(void)
{
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		if (faults[i].error != EDQUOT && faults[i].error != EFBIG && faults[i].error != ENOSPC)
			continue;
		remove_files();
		fault.nth = 0;
		dies(make, NULL);
		fault = faults[i];
		fault.nth = 1;
		is_int(dies(small_now, NULL), 111, "no room, errno %d: refused", fault.error);
		if (!is_str(t_out, "store_full", "as a full store"))
			diag("%s", t_err);
	}
}

/* What lies behind the kept part is read where it is. */
static void long_log(void)
{
	struct stat s;
	char path[128];
	snprintf(path, sizeof path, "%s/latchkey.db-wal", dir);
	remove_files();
	fault.nth = 0;
	dies(make, NULL);
	is_int(dies(large_untidy, NULL), 0, "a transaction of %d rows", LARGE);
	ok(stat(path, &s) == 0 && s.st_size > 10 * 64 * 1024, "leaves a long log");
	ok(sound(), "which is read whole");
	for (int nth = 1; nth <= 4; nth++) {
		fault = (struct fault){ READ, nth, SQLITE_IOERR_READ, EIO };
		is_int(dies(look, NULL), 111, "a read of it that fails, the %d.: no answer", nth);
		ok(sound(), "and nothing is lost");
	}
	is_int(dies(small_now, NULL), 0, "the next change empties it");
	is_int(stat(path, &s) == 0 ? s.st_size : -1, 0, "to nothing");
	ok(sound(), "and is there");
}

/* ---- pages that are written before their transaction ends -------------- */

enum { ROWS = 400, ROUNDS = 12, WRITES = 300 };

static void must(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
		printf("%s: %s\n", sql, sqlite3_errmsg(db));
		exit(1);
	}
}

static sqlite3 *opened(const char *layer_name)
{
	char path[128];
	sqlite3 *db;
	snprintf(path, sizeof path, "%s/latchkey.db", dir);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, layer_name) != SQLITE_OK)
		exit(1);
	return db;
}

static int *committed;          /* what stands in each row; by a child */

static sqlite3 *opened_small(void)
{
	sqlite3 *db = opened(sqlite_file_layer());
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	must(db, "PRAGMA page_size=512; PRAGMA journal_mode=WAL; PRAGMA cache_size=5");
	return db;
}

/* What was kept of the log when it was opened is written over. */
static sqlite3 *begun_anew(sqlite3 *db)
{
	sqlite3_close(db);
	db = opened_small();
	must(db, "SELECT id FROM t; PRAGMA wal_checkpoint(PASSIVE)");
	return db;
}

/* Five pages of memory for a hundred: they go to the log in the middle of a transaction. */
static void spill(void *unused)
{
	static int now[ROWS];
	unsigned seed = 7;
	char sql[160];
	(void)unused;
	sqlite3 *db = opened_small();
	must(db, "CREATE TABLE t(id INTEGER PRIMARY KEY, n, x)");
	for (int round = 0; round < ROUNDS; round++) {
		bool undone = round % 4 == 3;
		must(db, "BEGIN");
		for (int i = 0; i < WRITES; i++) {
			seed = seed * 1103515245 + 12345;
			unsigned row = round == 0 ? (unsigned)i : round % 3 == 0 ? (seed >> 8) % 9 : (seed >> 8) % ROWS;
			snprintf(sql, sizeof sql, "REPLACE INTO t VALUES(%u,%d,'%080d')", row, round * WRITES + i, 0);
			must(db, sql);
			if (!undone)
				now[row] = round * WRITES + i;
		}
		must(db, undone ? "ROLLBACK" : "COMMIT");
		if (sqlite_file_flush() != SQLITE_OK)
			exit(1);
		if (round % 4 == 2)
			db = begun_anew(db);
	}
	memcpy(committed, now, sizeof now);
}

/* SQLite's own layer reads what the other has written. */
static void spilling(void)
{
	int wrong = 0, rows = 0;
	committed = mmap(NULL, ROWS * sizeof *committed, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	remove_files();
	fault.nth = 0;
	if (!is_int(dies(spill, NULL), 0, "transactions of more pages than memory has room for"))
		diag("%s", t_out);
	sqlite3 *db = opened("unix");
	sqlite3_stmt *st;
	sqlite3_prepare_v2(db, "SELECT id, n FROM t", -1, &st, NULL);
	while (sqlite3_step(st) == SQLITE_ROW) {
		wrong += committed[sqlite3_column_int(st, 0)] != sqlite3_column_int(st, 1);
		rows++;
	}
	sqlite3_finalize(st);
	ok(rows > ROWS / 2 && wrong == 0, "are read by SQLite's own layer: %d rows, %d wrong", rows, wrong);
	sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &st, NULL);
	ok(sqlite3_step(st) == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(st, 0), "ok") == 0, "in one piece");
	sqlite3_finalize(st);
	sqlite3_close(db);
}

static void no_time(void)
{
	char out[20] = "yesterday";
	is_int((long)sqlite_file_no_time(out, sizeof out, "%H", &(const struct tm){ 0 }), 0, "no statement asks for the time");
	is_str(out, "", "and it would be told none");
}

int main(void)
{
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || !make_dir(&dir, "lk-file")) {
		printf("Bail out! no directory\n");
		return 2;
	}
	on_fail(say_code);
	register_layer();
	each_call();
	full();
	long_log();
	spilling();
	no_time();
	remove_files();
	is_int(rmdir(dir), 0, "nothing is left behind");
	return done_testing();
}
