/*
 * bare: the least that a refresh could be as a program of its own with SQLite
 * as it comes: one rotation, no HTTP, no token, no sandbox. The row of a session is
 * read and written in one transaction with an audit row, in a database of
 * latchkey's shape.
 *
 * It is tuned with all that docs/internals.md found to help and SQLite offers: a lock taken
 * first, EXCLUSIVE locking, so that there is no WAL index to map, synchronous=NORMAL, small
 * pages, no checkpoint at close but one by TRUNCATE after WAL_FRAMES, SQLite's recommended
 * compile-time options (bench.mk). BARE_DB names the file; `bare make COUNT` makes it.
 *
 * With BARE_WAITS it is what most programs do instead: no lock of its own but SQLite's busy handler,
 * of so many milliseconds, and a WAL with its index that is written back when the last one closes.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

enum { WAL_FRAMES = 112 };

static sqlite3 *db;
static int frames;

static void need(int rc, const char *what)
{
	if (rc == SQLITE_OK)
		return;
	fprintf(stderr, "bare: %s: %s\n", what, sqlite3_errmsg(db));
	exit(1);
}

static void run(const char *sql)
{
	need(sqlite3_exec(db, sql, NULL, NULL, NULL), sql);
}

static sqlite3_stmt *prepared(const char *sql)
{
	sqlite3_stmt *st;
	need(sqlite3_prepare_v3(db, sql, -1, 0, &st, NULL), sql);
	return st;
}

static void finish(sqlite3_stmt *st)
{
	int rc;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		;
	need(rc == SQLITE_DONE ? SQLITE_OK : rc, "step");
}

static void make(const char *count)
{
	run("PRAGMA page_size=512; PRAGMA journal_mode=WAL");
	run("CREATE TABLE user(id INTEGER PRIMARY KEY, name, disabled)");
	run("CREATE TABLE session(id INTEGER PRIMARY KEY, user, ctr, br, idem, rotated_at, created_at, expires_at, ended_at, why, cookie, device, agent, ip)");
	run("CREATE INDEX session_user ON session(user)");
	run("CREATE TABLE audit(id INTEGER PRIMARY KEY, time, event, user, session, ip, class, distance)");
	run("BEGIN");
	sqlite3_stmt *st = prepared("INSERT INTO session VALUES(abs(random()), ?, 1, random(), 0, 1790000000, 1790000000, 0, 0, 0, 0, 'Pixel 8', 'agent', '203.0.113.7')");
	for (int i = 0, n = (int)strtol(count, NULL, 10); i < n; i++) {
		need(sqlite3_bind_int(st, 1, i / 4), "bind");
		finish(st);
		sqlite3_reset(st);
	}
	run("INSERT INTO user SELECT DISTINCT user, 'name', 0 FROM session");
	run("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
}

static int count_frames(void *unused, sqlite3 *handle, const char *name, int n)
{
	(void)unused;
	(void)handle;
	(void)name;
	frames = n;
	return SQLITE_OK;
}

static void rotate(void)
{
	int64_t near;
	if (getrandom(&near, sizeof near, 0) != sizeof near)
		exit(1);
	run("BEGIN IMMEDIATE");
	sqlite3_stmt *st = prepared("SELECT id, user, ctr, br, idem, rotated_at, expires_at, ended_at, device, agent, ip FROM session WHERE id>=? ORDER BY id LIMIT 1");
	sqlite3_bind_int64(st, 1, (near & INT64_MAX) >> 1);
	if (sqlite3_step(st) != SQLITE_ROW)
		need(SQLITE_ERROR, "no session");
	int64_t id = sqlite3_column_int64(st, 0), user = sqlite3_column_int64(st, 1), ctr = sqlite3_column_int64(st, 2);
	sqlite3_reset(st);
	st = prepared("SELECT name, disabled FROM user WHERE id=?");
	sqlite3_bind_int64(st, 1, user);
	finish(st);
	st = prepared("UPDATE session SET ctr=?2, br=?3, idem=?4, rotated_at=?5 WHERE id=?1");
	const int64_t values[] = { id, ctr + 1, near, near ^ id, (int64_t)time(NULL) };
	for (int i = 0; i < 5; i++)
		sqlite3_bind_int64(st, i + 1, values[i]);
	finish(st);
	st = prepared("INSERT INTO audit VALUES(NULL, ?, 3, ?, ?, '203.0.113.7', 0, 0)");
	sqlite3_bind_int64(st, 1, values[4]);
	sqlite3_bind_int64(st, 2, user);
	sqlite3_bind_int64(st, 3, id);
	finish(st);
	run("COMMIT");
}

/* Alone with the database; with BARE_WAITS beside others. */
static void take_turn(const char *path)
{
	char lock[4096];
	snprintf(lock, sizeof lock, "%s.lock", path);
	int fd = open(lock, O_RDWR | O_CREAT, 0600);
	if (fd < 0 || flock(fd, LOCK_EX))
		exit(2);
}

static void tune(void)
{
	int on = 1;
	need(sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL), "config");
	need(sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &on), "persist");
	sqlite3_wal_hook(db, count_frames, NULL);
}

static void leave_as_it_comes(const char *milliseconds)
{
	need(sqlite3_busy_timeout(db, (int)strtol(milliseconds, NULL, 10)), "busy timeout");
	run("PRAGMA locking_mode=NORMAL");
}

/* The last one writes the log back, as it comes. */
static void leave(void)
{
	sqlite3_stmt *st;
	while ((st = sqlite3_next_stmt(db, NULL)) != NULL)
		sqlite3_finalize(st);
	need(sqlite3_close(db), "close");
}

int main(int argc, char **argv)
{
	const char *path = getenv("BARE_DB"), *waits = getenv("BARE_WAITS");
	if (path == NULL)
		return 2;
	if (waits == NULL)
		take_turn(path);
	need(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL), "open");
	if (waits)
		leave_as_it_comes(waits);
	else
		tune();
	if (argc == 3 && strcmp(argv[1], "make") == 0) {
		make(argv[2]);
		return 0;
	}
	rotate();
	if (write(STDOUT_FILENO, "Status: 204 No Content\r\n\r\n", 26) != 26)
		return 1;
	if (frames > WAL_FRAMES)
		need(sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL), "checkpoint");
	if (waits)
		leave();
	_exit(0);
}
