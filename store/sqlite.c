/*
 * sqlite: the connection to the SQLite database, and when other processes may have it.
 *
 *              store_open()                store_begin() of a
 *            ┌──────────────▶ OPEN ──────── process that stays ──────▶ IN_BATCH
 *            │                │  ▲  ▲                                     │
 *          CLOSED             │  │  └────────── store_commit_batch() ─────┘
 *            ▲  store_leave() │  │ store_open(),
 *            │                ▼  │ nothing was written meanwhile
 *            │               RESTING
 *            └── store_open(), something was written: it is closed and opened anew
 *
 * From each state store_close() leads to CLOSED. In OPEN and IN_BATCH this process has the turn; in
 * RESTING the database is open and its locks are let go of, which only a process that stays does
 * (store_stay()). store_before_answer() leads to ABANDONED, where the locks are let go of for good:
 * no process has the turn while it waits for its client.
 *
 * The turn. A process opens the database only while it holds a lock file, dir/latchkey.lock:
 * flock(2) queues fairly, while SQLite's own busy handler sleeps and starves. So
 * locking_mode=EXCLUSIVE costs nothing, and it is set before the first access
 * (tools/thirdparty.mk): the index of the log then lies in this process's memory. There is no -shm
 * file, no shared mapping (JFFS2 has none) and a third fewer system calls; docs/internals.md has
 * the figures.
 *
 * The log (SQLite's WAL) is never copied into the database at close: with a process for each
 * request that would be a checkpoint, five fsyncs and an unlink each time. The process whose commit
 * makes it longer than LOG_FRAMES does so once, by TRUNCATE, after its answer was sent.
 *
 * Nothing is concluded from an UPDATE that changed no row: SQLite opens a file for reading, without
 * a word, that it can't open for writing.
 */
#include "store/sqlite.h"

#include "base/file.h"
#include "base/log.h"
#include "store/engine.h"
#include "store/sqlite_absent.h"
#include "store/sqlite_file.h"
#include "store/upkeep.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	/* Frames after which the log is emptied: each process reads all of them. */
	LOG_FRAMES = LOG_FRAMES_KEPT,
	/* The same for a process that stays: 1 MB, which others may have to read. */
	STAYING_FRAMES = 1800,
	/* Frames after which it is emptied in spite of a backup, which must begin again: 8 MiB. */
	LOG_MOST = 16384,
	/* How long we wait for a program that knows no turns (a sqlite3 shell) and has the file. */
	BUSY_MS = 2000,
	/* How long an idle process, or one that has answered, waits for a turn to empty the log in. */
	IDLE_SECONDS = 1,
	TIDY_SECONDS = 1,
	/* How long a process that stays keeps its turn, where others write too. */
	KEEP_MS = 20,
	LOCKS_FILE = 65536,             /* bytes of /proc/locks that are looked through: a thousand locks */
	LOCKS_LOOKS = 8                 /* times that it is looked through */
};

enum state { CLOSED, ABANDONED, RESTING, OPEN, IN_BATCH };

sqlite3 *database;

static enum state state;
static const char *opened_in;           /* the data directory */
static int untidy;                      /* frames of the log that store_tidy() is to empty; 0: none */
static int turn = -1;                   /* the lock file; -1: not open */
static int log_frames;                  /* as of this connection's last commit; 0: it made none */
static const char *staying_in;          /* data directory, of a process that stays; else NULL */
static bool taking_in;                  /* what is open is a backup that store_restore() takes in */
static int64_t turn_began;              /* of now_ms() */
static bool others_write;               /* what this process knew of the store was of no use at its last turn */

static struct {
	enum durability wanted;         /* by the request's transaction */
	enum durability owed;           /* by the batch: the most that one of its requests wanted */
	int changes;                    /* rows changed on this connection before the request wrote */
	bool committed;                 /* an error that is reported from now on mustn't deny it */
} transaction;

/* ---- errors ------------------------------------------------------------ */

/* Which of our errors a result code of SQLite is. */
static enum error error_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERROR_BUSY;
	case SQLITE_FULL:
		return ERROR_STORE_FULL;
	default:
		return ERROR_STORE_UNAVAILABLE;
	}
}

/* What to do about a result code: of the store in use, and of a backup that is taken in. */
static const char *advice_on(int rc)
{
	static const struct { int rc; const char *of_store, *of_backup; } advices[] = {
		{ SQLITE_FULL, "; make room on the disk", "; make room on the disk" },
		{ SQLITE_CORRUPT, "; restore a backup: latchkey restore FILE", "; this file is no backup, or is damaged: restore another" },
		{ SQLITE_NOTADB, "; restore a backup: latchkey restore FILE", "; this file is no backup, or is damaged: restore another" },
		{ SQLITE_IOERR, "; the disk fails: see the kernel's log", "; the disk fails: see the kernel's log" },
		{ SQLITE_FILE_FOREIGN, "; restore a backup: latchkey restore FILE", "; move FILE-wal away, and FILE alone is restored" },
		{ SQLITE_CANTOPEN, "; see latchkey check", "" },
		{ SQLITE_READONLY, "; see latchkey check", "" },
	};
	int64_t holder = (rc & 0xff) == SQLITE_BUSY ? sqlite_file_holder() : 0;
	if (holder)
		return text_join("; process ", dec(holder), " has latchkey.db open, and nothing else may: end it", NULL);
	for (size_t i = 0; i < sizeof advices / sizeof *advices; i++)
		if (advices[i].rc == (rc & 0xff))
			return taking_in ? advices[i].of_backup : advices[i].of_store;
	return "";
}

static const char *words_of(int rc)
{
	if (rc != SQLITE_FILE_FOREIGN)
		return sqlite3_errstr(rc);
	return text_join(taking_in ? "FILE-wal" : "latchkey.db-wal", " is the log of another database, or of another time", NULL);
}

_Noreturn void db_failed(int rc, const char *what)
{
	fail(transaction.committed ? ERROR_UNSETTLED : error_of(rc), "ST1", what, ": ",
		words_of(rc), " (", dec(rc), ")", transaction.committed ? "; it was committed all the same" : "", advice_on(rc), NULL);
}

void db_need(int rc, const char *what)
{
	if (rc != SQLITE_OK)
		db_failed(rc, what);
}

void db_takes_in(void)
{
	taking_in = true;
}

enum error store_failure(enum error e)
{
	return transaction.committed && errors[e].status == 503 ? ERROR_UNSETTLED : e;
}

/* ---- the turn ---------------------------------------------------------- */

/* The process of a line of /proc/locks, if that is an flock(2) on the inode: "7: FLOCK  ADVISORY  WRITE 1234 fe:01:5678 0 EOF". */
static struct slice flock_holder(struct slice line, struct slice inode)
{
	struct slice word[6];
	size_t n = 0;
	while (line.n && n < sizeof word / sizeof *word) {
		word[n] = slice_cut(&line, ' ');
		n += word[n].n > 0;
	}
	if (n < 6 || !slice_is(word[1], S("FLOCK")) || word[5].n < inode.n)
		return SLICE_NONE;
	return slice_is(slice_from(word[5], word[5].n - inode.n), inode) ? word[4] : SLICE_NONE;
}

/* The kernel hands its list out a page at a time. */
static struct slice read_locks(char *room, size_t size)
{
	int fd = open("/proc/locks", O_RDONLY | O_CLOEXEC);
	struct slice text = { room, 0 };
	if (fd < 0)
		return text;
	for (ssize_t got; (got = read(fd, room + text.n, size - text.n)) > 0; )
		text.n += (size_t)got;
	close(fd);
	return text;
}

/* The sandbox of a request hides the kernel's list; `latchkey check` sees it. A line may be missing where others come and go between two pages. */
static const char *turn_holder(void)
{
	static char room[LOCKS_FILE];
	struct stat st = { .st_ino = 0 };
	struct slice pid = SLICE_NONE;
	fstat(turn, &st);
	struct slice inode = slice_of(text_join(":", dec((int64_t)st.st_ino), NULL));
	for (int look = 0; look < LOCKS_LOOKS && pid.n == 0; look++) {
		struct slice text = read_locks(room, sizeof room);
		while (pid.n == 0 && text.n)
			pid = flock_holder(slice_cut(&text, '\n'), inode);
	}
	return pid.n ? text_join("; process ", slice_text(pid), " has it: end it", NULL) : "; latchkey check tells who has it";
}

void db_take_turn(const char *dir, int64_t seconds)
{
	const char *path = path_in(dir, "latchkey.lock");
	if (turn < 0)
		turn = open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	if (turn < 0)
		fail(errno == ENOSPC || errno == EDQUOT ? ERROR_STORE_FULL : ERROR_STORE_UNAVAILABLE, "ST2",
			"cannot open ", path, ": ", strerror(errno), errno == EROFS ? "; mount its file system for writing" : "", NULL);
	if (!lock_within(turn, seconds))
		fail(ERROR_BUSY, "ST3", "no turn at the store within ", dec(seconds), " s", turn_holder(), NULL);
}

void db_give_turn(void)
{
	flock(turn, LOCK_UN);
}

/*
 * A backup's lock is on the same file as the turn, and independent of it: a POSIX lock, which
 * flock(2) knows nothing of.
 */
static struct flock backup_lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };

bool db_keep_log(void)
{
	return fcntl(turn, F_SETLK, &backup_lock) == 0;
}

static bool is_kept(void)
{
	struct flock other = backup_lock;
	return fcntl(turn, F_GETLK, &other) == 0 && other.l_type != F_UNLCK;
}

/* ---- the connection ---------------------------------------------------- */

static int count_frames(void *unused, sqlite3 *handle, const char *name, int frames)
{
	(void)unused;
	(void)handle;
	(void)name;
	log_frames = frames;
	return SQLITE_OK;
}

/* The settings of every connection; none of them reads or writes the file. */
static void configure_connection(void)
{
	static const struct { int op, value; } settings[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
		{ SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1 },
	};
	int on = 1;
	sqlite_absent();
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
		db_need(sqlite3_db_config(database, settings[i].op, settings[i].value, NULL), "config");
	db_need(sqlite3_busy_timeout(database, BUSY_MS), "timeout");
	db_need(sqlite3_file_control(database, "main", SQLITE_FCNTL_PERSIST_WAL, &on), "persist");
	sqlite3_wal_hook(database, count_frames, NULL);
}

/* A database that SQLite could open for reading only is refused: see above. */
void db_connect(const char *path)
{
	int rc = sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE, sqlite_file_layer());
	if (rc != SQLITE_OK)
		fail(error_of(rc), "ST4", "cannot open ", path, ": ", sqlite3_errstr(rc), advice_on(rc), NULL);
	if (sqlite3_db_readonly(database, "main") != 0)
		fail(ERROR_STORE_UNAVAILABLE, "ST7", path, " cannot be written", advice_on(SQLITE_READONLY), NULL);
	configure_connection();
	state = OPEN;
}

void db_examine(const char *dir)
{
	int64_t application = sql_one_int(SQL_APPLICATION);
	int64_t version = sql_one_int(SQL_VERSION) & SCHEMA_BITS;
	if (application != APPLICATION_ID)
		fail(ERROR_STORE_UNAVAILABLE, "ST5", dir, "/latchkey.db is not a database of latchkey", NULL);
	if (version != store_version)
		fail(ERROR_STORE_UNAVAILABLE, "ST6", dir, "/latchkey.db has schema version ", dec(version),
			", this program has ", dec(store_version),
			version < store_version ? "; run latchkey init --upgrade" : "; run a newer latchkey", NULL);
}

void db_disconnect(void)
{
	sql_forget();
	db_forget_trail();
	sqlite3_close(database);
	sqlite_file_forget();
	database = NULL;
	log_frames = 0;
	state = CLOSED;
	transaction.owed = DURABLE_LATER;
	transaction.committed = false;
}

/* From RESTING to OPEN; to CLOSED where another process wrote meanwhile. */
static void wake_up(void)
{
	bool unchanged = false;
	int64_t give_up = now_boot() + BUSY_MS / 1000;
	while (!sqlite_file_return(&unchanged)) {
		if (now_boot() > give_up)
			db_failed(SQLITE_BUSY, "open");
		nanosleep(&(const struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	state = OPEN;
	others_write = !unchanged;
	if (!unchanged)
		db_disconnect();
}

void store_open(const char *dir, int64_t seconds)
{
	if (state >= OPEN)
		return;
	db_take_turn(dir, seconds);
	turn_began = staying_in ? now_ms() : 0;
	if (state == ABANDONED)
		db_disconnect();
	if (state == RESTING)
		wake_up();
	if (state == OPEN)
		return;
	db_connect(path_in(dir, "latchkey.db"));
	db_examine(dir);
	opened_in = dir;
}

void store_close(void)
{
	db_disconnect();
	if (turn >= 0)
		close(turn);
	turn = -1;
	opened_in = NULL;
}

/* ---- transactions ------------------------------------------------------ */

/*
 * Under synchronous=NORMAL COMMIT writes and doesn't sync. The sync that FULL would add comes here,
 * where it is wanted.
 */
void db_commit(enum durability d)
{
	if (sqlite_file_is_unbound())
		db_need(db_set_version((int)sql_one_int(SQL_VERSION)), "bind");
	sql_run(SQL_COMMIT);
	sqlite_file_bound();
	db_need(sqlite_file_flush(), "COMMIT");
	transaction.committed = true;
	if (d == DURABLE_NOW)
		db_need(sqlite_file_sync(), "sync");
	transaction.committed = !staying_in;
}

int db_set_version(int version)
{
	struct buf pragma = { 0 };
	buf_s(&pragma, "PRAGMA user_version=");
	buf_int(&pragma, version);
	buf_c(&pragma, '\0');
	return sqlite3_exec(database, pragma.p, NULL, NULL, NULL);
}

bool db_is_in_transaction(void)
{
	return state >= OPEN && !sqlite3_get_autocommit(database);
}

/* Whether the request has written what it hasn't committed. */
static bool has_written(void)
{
	return sqlite3_total_changes(database) != transaction.changes;
}

void store_begin(enum durability d)
{
	transaction.wanted = d;
	transaction.changes = sqlite3_total_changes(database);
	if (state != IN_BATCH)
		sql_run(SQL_BEGIN);
	if (staying_in)
		state = IN_BATCH;
}

/* One writer at a time. */
bool store_again(void)
{
	return false;
}

void store_must_last(void)
{
	transaction.wanted = DURABLE_NOW;
}

void store_commit(void)
{
	if (!has_written()) {
		store_rollback();
		return;
	}
	if (state != IN_BATCH)
		db_commit(transaction.wanted);
	else if (transaction.wanted > transaction.owed)
		transaction.owed = transaction.wanted;
	transaction.changes = sqlite3_total_changes(database);
}

/* No request takes back what it has written, so that a batch needs no savepoints. */
void store_rollback(void)
{
	if (state == IN_BATCH && has_written())
		fail(ERROR_INTERNAL, "ST12", "a request of a batch wrote, and wants it undone", NULL);
	if (state == OPEN && db_is_in_transaction()) {
		sql_run(SQL_ROLLBACK);
		db_forget_trail();
	}
}

/* ---- the log ----------------------------------------------------------- */

/* Puts another tag into page 1, in the log. An SQLite result code; on any but SQLITE_OK the connection is of no use. */
static int change_tag(void)
{
	uint32_t tag = 0;
	random_bytes(&tag, sizeof tag);
	int version = (int)((tag >> 1 & ~(uint32_t)SCHEMA_BITS) | (sql_one_int(SQL_VERSION) & SCHEMA_BITS));
	int rc = sqlite3_exec(database, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = db_set_version(version);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(database, "COMMIT", NULL, NULL, NULL);
	return rc == SQLITE_OK ? sqlite_file_flush() : rc;
}

/* What SQLite holds for written and isn't must be forgotten. */
static void connect_again(void)
{
	db_disconnect();
	db_connect(path_in(opened_in, "latchkey.db"));
	(void)sql_one_int(SQL_VERSION);
}

/* Each checkpoint gives the database another tag. Without one, where there is no room, the log is emptied all the same. */
int db_empty_log(void)
{
	int rc = sqlite_file_is_unbound() ? SQLITE_OK : change_tag();
	if (rc == SQLITE_FULL && opened_in) {
		connect_again();
		rc = SQLITE_OK;
	}
	return rc == SQLITE_OK ? sqlite3_wal_checkpoint_v2(database, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) : rc;
}

static bool is_longer_than(int bound)
{
	return state >= OPEN && log_frames >= bound && (log_frames >= LOG_MOST || !is_kept());
}

static int bound(void)
{
	return staying_in ? STAYING_FRAMES : LOG_FRAMES;
}

/*
 * From here on the connection is of no use. The process may be in the middle of a transaction, after a fail(): what SQLite
 * has written of it lies behind the log's last commit, where the next writer puts its own.
 */
void store_before_answer(void)
{
	if (turn < 0)
		return;
	bool due = !fail_is_handled() && is_longer_than(bound());
	untidy = due ? log_frames : 0;
	if (due)
		signal(SIGTERM, SIG_IGN);
	if (state >= OPEN) {
		sqlite_file_abandon();
		state = ABANDONED;
	}
	db_give_turn();
}

void store_pause(void)
{
	store_close();
}

void store_give_turn(void)
{
	if (!staying_in)
		store_before_answer();
}

static void tidy(int most)
{
	if (!is_longer_than(most))
		return;
	int rc = db_empty_log();
	log_frames = 0;
	if (rc == SQLITE_OK)
		return;
	log_line("ST10", "checkpoint: ", sqlite3_errstr(rc), "; the log stays, the next request tries again", NULL);
	db_disconnect();
}

/* The request has its answer. Where others have the turn, one of them empties the log. */
void store_tidy(void)
{
	if (untidy) {
		if (!lock_within(turn, TIDY_SECONDS))
			return;
		store_open(opened_in, TIDY_SECONDS);
		log_frames = untidy;
	}
	tidy(bound());
}

void store_settle(void)
{
	tidy(1);
}

/* ---- a process that stays ---------------------------------------------- */

void store_stay(const char *dir)
{
	staying_in = dir;
}

void store_commit_batch(void)
{
	if (state != IN_BATCH)
		return;
	db_commit(transaction.owed);
	state = OPEN;
	transaction.owed = DURABLE_LATER;
}

const bool store_is_remote = false;

void store_expect(const uint64_t *id, size_t n)
{
	(void)id, (void)n;
}

void store_front(struct slice kids)
{
	(void)kids;
}

void store_keep_audit(int64_t seconds)
{
	(void)seconds;
}

bool store_keeps(void)
{
	return state == OPEN && others_write && now_ms() - turn_began < KEEP_MS;
}

/* Frames of the log, whoever wrote them. */
static int all_frames(void)
{
	int frames = 0;
	return sqlite3_wal_checkpoint_v2(database, NULL, SQLITE_CHECKPOINT_NOOP, &frames, NULL) == SQLITE_OK ? frames : 0;
}

/* Idle, it empties what it has left in the log: another process would have to read it. */
void store_leave(bool idle)
{
	if (idle && log_frames)
		store_open(staying_in, IDLE_SECONDS);
	if (state != OPEN)
		return;
	tidy(idle ? 1 : bound());
	if (state == OPEN)
		state = RESTING;
	if (state == RESTING && !sqlite_file_leave(log_frames ? log_frames : all_frames()))
		db_disconnect();
	db_give_turn();
}
