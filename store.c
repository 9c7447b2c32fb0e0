/*
 * store: the only user of SQLite. See store.h for what each verb promises.
 *
 * One process, one turn. A process opens the database behind a lock file
 * (flock(2) queues fairly; SQLite's own busy handler sleeps and starves) and
 * in locking_mode=EXCLUSIVE, set before the first access: so the WAL index
 * lies in this process's heap, there is no -shm file, no shared mapping (JFFS2
 * has none) and a third fewer system calls; docs/internals.md has the figures.
 *
 * The WAL is never checkpointed at close: with a process per request that
 * would be a checkpoint, five fsyncs and an unlink each time. Whoever leaves
 * it longer than WAL_FRAMES does so once, by TRUNCATE, after its answer is out.
 *
 * Rules: all SQL is in the table below; values are bound; every result code
 * is looked at; journal mode and schema belong to store_create() and
 * store_upgrade(), never to a request. Nothing is concluded from an UPDATE
 * that changed no row: SQLite may have fallen back to a read-only open.
 */
#include "store.h"
#include "base/file.h"
#include "store/agent.h"
#include "store/store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>    /* rename */
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#if SQLITE_VERSION_NUMBER < 3051003
#error "SQLite before 3.51.3 can corrupt a database in WAL mode (the WAL-reset bug); build with 3.53.2 or later"
#endif

enum {
	APPLICATION_ID = 0x4c4b6579,  /* "LKey" */
	PAGE_SIZE = 512,              /* a rotation writes two pages: docs/internals.md, "Page size" */
	WAL_FRAMES = 112,             /* frames after which the WAL is emptied: each process reads them */
	STAYING_FRAMES = 1800,        /* the same for a process that stays: 1 MB, which others may have to read */
	WAL_MOST = 16384,             /* and after which a backup that goes on has to begin again: 8 MiB */
	BUSY_MS = 2000,               /* for a stranger (a sqlite3 shell) that holds the file */
	SWEEP_ROWS = 8,               /* looked at per sign-in; each sign-in adds one */
	AUDIT_BATCH = 64,             /* audit rows dropped at once, so that most refreshes touch one audit page */
	MARK_STEP = 3600              /* seconds between writes of the mark where no audit row carries it */
};

/* ---- schema ------------------------------------------------------------ */

/*
 * schema[v] brings version v to v + 1; creation runs them all. A row of
 * `session` is all that is kept of a session, however often it is refreshed;
 * no column that a refresh changes is indexed. Every process parses this text:
 * types and NOT NULL, which say nothing of what this file alone writes, made a
 * refresh 8 % longer.
 */
static const char *const schema[] = {
	"CREATE TABLE user("
	" id INTEGER PRIMARY KEY,"
	" name TEXT UNIQUE COLLATE NOCASE,"
	" password,"
	" subscription,"
	" created_at,"
	" disabled);"
	"CREATE TABLE session("
	" id INTEGER PRIMARY KEY,"
	" user,"
	" ctr,"
	" br,"
	" idem,"
	" rotated_at,"
	" created_at,"
	" expires_at,"
	" ended_at,"
	" why,"
	" cookie,"
	" device,"
	" agent,"
	" ip);"
	"CREATE INDEX session_user ON session(user);"
	"CREATE TABLE audit("
	" id INTEGER PRIMARY KEY,"
	" time,"
	" event,"
	" user,"
	" session,"
	" ip,"
	" class,"
	" distance);",
};

const int store_version = sizeof schema / sizeof *schema;

const char *const ended_words[ENDED__MAX] = {
	[ENDED_NOT] = "live", [ENDED_LOGOUT] = "logout", [ENDED_REVOKED] = "revoked",
	[ENDED_REUSE] = "reuse", [ENDED_FORK] = "fork", [ENDED_PASSWORD] = "password",
	[ENDED_DISABLED] = "disabled", [ENDED_UNKNOWN] = "unknown",
};

const char *const event_words[EVENT__MAX] = {
	[0] = "none", [EVENT_LOGIN] = "login", [EVENT_LOGIN_FAILED] = "login_failed",
	[EVENT_REFRESH] = "refresh", [EVENT_REUSE] = "reuse", [EVENT_FORK] = "fork",
	[EVENT_ROLLFORWARD] = "rollforward", [EVENT_LOGOUT] = "logout", [EVENT_REVOKE] = "revoke",
	[EVENT_PASSWORD_CHANGED] = "password_changed", [EVENT_USER_ADDED] = "user_added",
	[EVENT_USER_DISABLED] = "user_disabled", [EVENT_USER_ENABLED] = "user_enabled",
	[EVENT_USER_DELETED] = "user_deleted", [EVENT_KEY_ADDED] = "key_added",
	[EVENT_KEY_RETIRED] = "key_retired", [EVENT_EPOCH] = "epoch",
	[EVENT_UNKNOWN] = "unknown",
};

const char *const class_words[CLASS__MAX] = {
	[CLASS_NONE] = "none", [CLASS_LATE] = "late", [CLASS_RIVAL] = "rival", [CLASS_OLD] = "old",
	[CLASS_UNKNOWN] = "unknown",
};

/* ---- statements -------------------------------------------------------- */

#define USER_COLUMNS "id,name,password,subscription,created_at,disabled"
#define SESSION_COLUMNS "id,user,ctr,br,idem,rotated_at,created_at,expires_at,ended_at,why,cookie,device,agent,ip"
#define AUDIT_COLUMNS "id,time,event,user,session,ip,class,distance"

enum statement {
	SQL_APPLICATION, SQL_VERSION, SQL_JOURNAL, SQL_INTEGRITY,
	SQL_BEGIN, SQL_COMMIT, SQL_ROLLBACK,
	SQL_USER_NAMED, SQL_USER, SQL_USER_ADD, SQL_USER_PASSWORD, SQL_USER_SUBSCRIPTION,
	SQL_USER_DISABLE, SQL_USER_DELETE, SQL_USER_DELETE_SESSIONS, SQL_USERS,
	SQL_SESSION, SQL_SESSION_ADD, SQL_SESSION_ROTATE, SQL_SESSION_END, SQL_SESSIONS_END, SQL_SESSIONS_END_ALL,
	SQL_SESSIONS, SQL_SESSIONS_ALL, SQL_SWEEP,
	SQL_AUDIT_LAST, SQL_MARK_RAISE, SQL_AUDIT_ADD, SQL_AUDIT_TRIM, SQL_AUDITS, SQL_AUDITS_AFTER,
	SQL_AUDIT_SPAN, SQL_AUDIT_BEFORE, SQL_AUDIT_MOVE,
	SQL__MAX
};

static const char *const sql[SQL__MAX] = {
	[SQL_APPLICATION] = "PRAGMA application_id",
	[SQL_VERSION] = "PRAGMA user_version",
	[SQL_JOURNAL] = "PRAGMA journal_mode",
	[SQL_INTEGRITY] = "PRAGMA integrity_check(1)",
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_USER_NAMED] = "SELECT " USER_COLUMNS " FROM user WHERE name=?",
	[SQL_USER] = "SELECT " USER_COLUMNS " FROM user WHERE id=?",
	[SQL_USER_ADD] = "INSERT OR IGNORE INTO user(" USER_COLUMNS ") VALUES(?,?,?,?,?,?) RETURNING id",
	[SQL_USER_PASSWORD] = "UPDATE user SET password=?2 WHERE id=?1",
	[SQL_USER_SUBSCRIPTION] = "UPDATE user SET subscription=?2 WHERE id=?1",
	[SQL_USER_DISABLE] = "UPDATE user SET disabled=?2 WHERE id=?1",
	[SQL_USER_DELETE] = "DELETE FROM user WHERE id=?",
	[SQL_USER_DELETE_SESSIONS] = "DELETE FROM session WHERE user=?",
	[SQL_USERS] = "SELECT " USER_COLUMNS " FROM user WHERE name>? ORDER BY name LIMIT ?",
	[SQL_SESSION] = "SELECT " SESSION_COLUMNS " FROM session WHERE id=?",
	[SQL_SESSION_ADD] = "INSERT INTO session(" SESSION_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[SQL_SESSION_ROTATE] = "UPDATE session SET ctr=?2,br=?3,idem=?4,rotated_at=?5 WHERE id=?1",
	[SQL_SESSION_END] = "UPDATE session SET ended_at=?2,why=?3 WHERE id=?1 AND ended_at=0",
	[SQL_SESSIONS_END] = "UPDATE session SET ended_at=?2,why=?3 WHERE user=?1 AND ended_at=0 AND id<>?4",
	[SQL_SESSIONS_END_ALL] = "UPDATE session SET ended_at=?1,why=?2 WHERE ended_at=0",
	[SQL_SESSIONS] = "SELECT " SESSION_COLUMNS " FROM session WHERE user=?1 AND id>?2 ORDER BY id LIMIT ?3",
	[SQL_SESSIONS_ALL] = "SELECT " SESSION_COLUMNS " FROM session WHERE id>?2 ORDER BY id LIMIT ?3",
	[SQL_SWEEP] = "DELETE FROM session WHERE id IN (SELECT id FROM session WHERE id>=?1 ORDER BY id LIMIT ?2)"
		" AND (rotated_at<=?3 OR (expires_at<>0 AND expires_at<=?4))",
	[SQL_AUDIT_LAST] = "SELECT id,time,event FROM audit ORDER BY id DESC LIMIT 1",
	[SQL_MARK_RAISE] = "REPLACE INTO audit(" AUDIT_COLUMNS ") VALUES(?,?,0,0,0,'',0,0)",
	[SQL_AUDIT_ADD] = "INSERT INTO audit(" AUDIT_COLUMNS ") VALUES(?,?,?,?,?,?,?,?)",
	[SQL_AUDIT_TRIM] = "DELETE FROM audit WHERE id<=?",
	[SQL_AUDITS] = "SELECT " AUDIT_COLUMNS " FROM audit WHERE id<?1 AND event<>0 AND time>=?2 AND (?3=0 OR user=?3)"
		" ORDER BY id DESC LIMIT ?4",
	[SQL_AUDITS_AFTER] = "SELECT " AUDIT_COLUMNS " FROM audit WHERE id>? AND event<>0 ORDER BY id LIMIT ?",
	[SQL_AUDIT_SPAN] = "SELECT count(*),ifnull(min(id),0),ifnull(max(id),0) FROM audit",
	[SQL_AUDIT_BEFORE] = "SELECT id FROM audit WHERE id<? ORDER BY id DESC LIMIT 1",
	[SQL_AUDIT_MOVE] = "UPDATE audit SET id=?2 WHERE id=?1",
};

static sqlite3 *db;
static int lock = -1;
static sqlite3_stmt *prepared[SQL__MAX];
static int wal_frames;
static int wal_bound = WAL_FRAMES;      /* after so many the WAL is emptied */
static enum durability wanted;          /* of the transaction that is open */

/* Of a process that stays: store_stay(). */
static bool staying;
static bool in_turn;                    /* nobody else is at the store */
static bool batch;                      /* a transaction of several requests is open */
static enum durability owed;            /* what one of them wanted */
static int changes;                     /* rows changed before the request's transaction began */
static bool committed;                  /* what is told from here on mustn't deny it */

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

static _Noreturn void store_failed(int rc, const char *what)
{
	enum error e = committed ? ERROR_UNSETTLED : error_of(rc);
	fail(e, "ST1", what, ": ", sqlite3_errstr(rc), " (", dec(rc), ")",
		committed ? "; it was committed all the same" : e == ERROR_STORE_UNAVAILABLE ? "; see latchkey check" : "", NULL);
}

static void need(int rc, const char *what)
{
	if (rc != SQLITE_OK)
		store_failed(rc, what);
}

/* A statement, compiled at its first use, ready to be bound. */
static sqlite3_stmt *statement(enum statement id)
{
	if (prepared[id] == NULL)
		need(sqlite3_prepare_v3(db, sql[id], -1, 0, &prepared[id], NULL), sql[id]);
	return prepared[id];
}

static void bind(sqlite3_stmt *st, int at, int64_t value)
{
	need(sqlite3_bind_int64(st, at, value), "bind");
}

static void bind_text(sqlite3_stmt *st, int at, struct slice s)
{
	need(sqlite3_bind_text(st, at, s.n ? s.p : "", (int)s.n, SQLITE_STATIC), "bind");
}

static void bind_blob(sqlite3_stmt *st, int at, struct slice s)
{
	need(sqlite3_bind_blob(st, at, s.n ? s.p : "", (int)s.n, SQLITE_STATIC), "bind");
}

/* True with a row to read, false at the end; then the statement is reset. */
static bool row(sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		return true;
	sqlite3_reset(st);
	if (rc != SQLITE_DONE)
		store_failed(rc, sqlite3_sql(st));
	return false;
}

/* Of a statement that gives no rows. */
static void finish(sqlite3_stmt *st)
{
	(void)row(st);
}

static void run(enum statement id)
{
	finish(statement(id));
}

static int64_t number(sqlite3_stmt *st, int column)
{
	return sqlite3_column_int64(st, column);
}

/* A number that names something, or `unknown` where it is none of those below that. */
static int one_of(sqlite3_stmt *st, int column, int unknown)
{
	int64_t value = number(st, column);
	return value >= 0 && value < unknown ? (int)value : unknown;
}

static struct slice text(sqlite3_stmt *st, int column)
{
	const char *p = (const char *)sqlite3_column_text(st, column);
	return arena_copy((struct slice){ p, (size_t)sqlite3_column_bytes(st, column) });
}

/* Borrowed from SQLite until the next step. */
static struct slice blob(sqlite3_stmt *st, int column)
{
	const char *p = sqlite3_column_blob(st, column);
	return (struct slice){ p, (size_t)sqlite3_column_bytes(st, column) };
}

/* The first column of a statement that gives one row. */
static int64_t one_number(enum statement id)
{
	sqlite3_stmt *st = statement(id);
	(void)row(st);
	int64_t value = number(st, 0);
	sqlite3_reset(st);
	return value;
}

/* ---- opening ----------------------------------------------------------- */

static void take_turn(const char *dir, int64_t seconds)
{
	const char *path = path_in(dir, "latchkey.lock");
	if (lock < 0)
		lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	if (lock < 0)
		fail(errno == ENOSPC || errno == EDQUOT ? ERROR_STORE_FULL : ERROR_STORE_UNAVAILABLE, "ST2",
			"cannot open ", path, ": ", strerror(errno), NULL);
	if (!lock_within(lock, seconds))
		fail(ERROR_BUSY, "ST3", "no turn at the store within ", dec(seconds), " s", NULL);
	in_turn = true;
}

static int count_frames(void *unused, sqlite3 *handle, const char *name, int frames)
{
	(void)unused;
	(void)handle;
	(void)name;
	wal_frames = frames;
	return SQLITE_OK;
}

/* The settings of every connection; none of them touches the file. */
static void settle(void)
{
	static const struct { int op, value; } settings[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1 },
	};
	int on = 1;
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
		need(sqlite3_db_config(db, settings[i].op, settings[i].value, NULL), "config");
	need(sqlite3_busy_timeout(db, BUSY_MS), "timeout");
	need(sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &on), "persist");
	sqlite3_wal_hook(db, count_frames, NULL);
}

/* SQLite opens for reading what it can't open for writing, without a word. */
static void connect_to(const char *path)
{
	int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE, store_file_layer());
	if (rc != SQLITE_OK)
		fail(error_of(rc), "ST4", "cannot open ", path, ": ", sqlite3_errstr(rc), "; see latchkey check", NULL);
	if (sqlite3_db_readonly(db, "main") != 0)
		fail(ERROR_STORE_UNAVAILABLE, "ST7", path, " cannot be written; see latchkey check", NULL);
	settle();
}

static void connect(const char *dir)
{
	connect_to(path_in(dir, "latchkey.db"));
}

/* Refuses a file that isn't ours or of another version. */
static void examine(const char *dir)
{
	int64_t application = one_number(SQL_APPLICATION);
	int64_t version = one_number(SQL_VERSION);
	if (application != APPLICATION_ID)
		fail(ERROR_STORE_UNAVAILABLE, "ST5", dir, "/latchkey.db is not a database of latchkey", NULL);
	if (version != store_version)
		fail(ERROR_STORE_UNAVAILABLE, "ST6", dir, "/latchkey.db has schema version ", dec(version),
			", this program has ", dec(store_version),
			version < store_version ? "; run latchkey init --upgrade" : "; run a newer latchkey", NULL);
}

static void disconnect(void)
{
	for (size_t i = 0; i < SQL__MAX; i++) {
		sqlite3_finalize(prepared[i]);
		prepared[i] = NULL;
	}
	sqlite3_close(db);
	db = NULL;
	wal_frames = 0;
	batch = committed = false;
	owed = DURABLE_LATER;
}

/* To what was left open; closes it where somebody else wrote since. */
static void come_back(void)
{
	bool unchanged = false;
	int64_t give_up = now_boot() + BUSY_MS / 1000;
	while (!store_file_return(&unchanged)) {
		if (now_boot() > give_up)
			fail(ERROR_BUSY, "ST11", "another program holds latchkey.db", NULL);
		nanosleep(&(const struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	if (!unchanged)
		disconnect();
}

void store_open(const char *dir, int64_t seconds)
{
	if (db && in_turn)
		return;
	take_turn(dir, seconds);
	if (db)
		come_back();
	if (db)
		return;
	connect(dir);
	examine(dir);
}

void store_close(void)
{
	disconnect();
	if (lock >= 0)
		close(lock);
	lock = -1;
	in_turn = false;
}

/* Under synchronous=NORMAL a commit is written; the sync that FULL adds is asked for here, where it is wanted. */
static void commit_now(enum durability d)
{
	run(SQL_COMMIT);
	need(store_file_flush(), "COMMIT");
	committed = true;
	if (d == DURABLE_NOW)
		need(store_file_sync(), "sync");
	committed = !staying;
}

static void execute(const char *text_of_sql)
{
	need(sqlite3_exec(db, text_of_sql, NULL, NULL, NULL), text_of_sql);
}

/* Brings the schema from version `from` to ours, and all or nothing. */
static void build_schema(int from)
{
	run(SQL_BEGIN);
	for (int version = from; version < store_version; version++)
		execute(schema[version]);
	struct buf pragma = { 0 };
	buf_s(&pragma, "PRAGMA application_id=");
	buf_int(&pragma, APPLICATION_ID);
	buf_s(&pragma, "; PRAGMA user_version=");
	buf_int(&pragma, store_version);
	buf_c(&pragma, '\0');
	execute(pragma.p);
	commit_now(DURABLE_NOW);
}

/* Journal mode, schema and versions, all of it in the file itself. */
static void build(void)
{
	struct buf pragma = { 0 };
	buf_s(&pragma, "PRAGMA page_size=");
	buf_int(&pragma, PAGE_SIZE);
	buf_s(&pragma, "; PRAGMA journal_mode=WAL");
	buf_c(&pragma, '\0');
	execute(pragma.p);
	build_schema(0);
	need(sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL), "checkpoint");
}

static _Noreturn void cannot_make(const char *path)
{
	fail(ERROR_STORE_UNAVAILABLE, "ST8", "cannot make ", path, ": ", strerror(errno), NULL);
}

/* What is left of a new one: SQLite would take another file's journal for this one's. */
static void clear(const char *dir)
{
	static const char *const names[] = { "latchkey.db.new", "latchkey.db.new-journal", "latchkey.db.new-wal" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unlink(path_in(dir, names[i]));
}

/*
 * Under a name that nobody opens until all of it is on disk: who is killed
 * before leaves nothing that looks like a database, and the next one begins
 * anew. The turn is kept all the while, so one of two makes it.
 */
void store_create(const char *dir)
{
	const char *path = path_in(dir, "latchkey.db"), *fresh = path_in(dir, "latchkey.db.new");
	struct stat st;
	take_turn(dir, 10);
	errno = EEXIST;
	if (lstat(path, &st) == 0)
		cannot_make(path);
	clear(dir);
	int fd = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		cannot_make(fresh);
	close(fd);
	connect_to(fresh);
	build();
	disconnect();
	if (rename(fresh, path) || !directory_sync(dir))
		cannot_make(path);
	clear(dir);
	connect(dir);
}

int store_upgrade(const char *dir)
{
	take_turn(dir, 10);
	connect(dir);
	int version = (int)one_number(SQL_VERSION);
	if (one_number(SQL_APPLICATION) != APPLICATION_ID || version > store_version)
		examine(dir);
	if (version < store_version)
		build_schema(version);
	examine(dir);
	return version;
}

/* ---- transactions ------------------------------------------------------ */

void store_begin(enum durability d)
{
	wanted = d;
	changes = sqlite3_total_changes(db);
	if (!batch)
		run(SQL_BEGIN);
	batch = staying;
}

void store_must_last(void)
{
	wanted = DURABLE_NOW;
}

enum error store_failure(enum error e)
{
	return committed && errors[e].status == 503 ? ERROR_UNSETTLED : e;
}

/* Whether this request has written what it hasn't committed. */
static bool has_written(void)
{
	return sqlite3_total_changes(db) != changes;
}

void store_commit(void)
{
	if (!has_written()) {
		store_rollback();
		return;
	}
	if (!batch)
		commit_now(wanted);
	else if (wanted > owed)
		owed = wanted;
	changes = sqlite3_total_changes(db);    /* a verdict of reuse is written, and refused after it */
}

static bool is_in_transaction(void)
{
	return db && !sqlite3_get_autocommit(db);
}

/* No handler takes back what it has written; so a batch needs no savepoints. */
void store_rollback(void)
{
	if (batch && has_written())
		fail(ERROR_INTERNAL, "ST12", "a request of a batch wrote, and wants it undone", NULL);
	if (!batch && is_in_transaction())
		run(SQL_ROLLBACK);
}

/* Here nobody else writes meanwhile, so work is called once. */
enum error store_run(enum durability d, enum error (*work)(void *), void *arg)
{
	store_begin(d);
	enum error e = work(arg);
	if (e == ERROR_NONE)
		store_commit();
	else
		store_rollback();
	return e;
}

/*
 * A backup's lock stands beside the turn, on the same file: a POSIX lock,
 * which flock(2) knows nothing of.
 */
static struct flock freezing = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };

static bool is_frozen(void)
{
	struct flock other = freezing;
	return fcntl(lock, F_GETLK, &other) == 0 && other.l_type != F_UNLCK;
}

static bool is_untidy(void)
{
	return db && wal_frames >= wal_bound && (wal_frames >= WAL_MOST || !is_frozen());
}

void store_before_answer(void)
{
	if (is_untidy())
		signal(SIGTERM, SIG_IGN);
}

void store_tidy(void)
{
	if (!is_untidy())
		return;
	int rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	if (rc != SQLITE_OK)
		log_line("ST10", "checkpoint: ", sqlite3_errstr(rc), "; the log stays, the next request tries again", NULL);
	else
		wal_frames = 0;
}

/* ---- staying ----------------------------------------------------------- */

void store_stay(void)
{
	staying = true;
	wal_bound = STAYING_FRAMES;
}

void store_settle(void)
{
	if (!batch)
		return;
	commit_now(owed);
	batch = false;
	owed = DURABLE_LATER;
}

void store_leave(void)
{
	if (!in_turn)
		return;
	store_tidy();
	if (!store_file_leave(wal_frames))
		disconnect();
	flock(lock, LOCK_UN);
	in_turn = false;
}

void store_rest(const char *dir, int64_t seconds)
{
	if (!wal_frames)
		return;
	store_open(dir, seconds);
	wal_bound = 1;
	store_leave();
	wal_bound = STAYING_FRAMES;
}

/* ---- users ------------------------------------------------------------- */

static struct user user_from(sqlite3_stmt *st)
{
	return (struct user){
		.id = (uint64_t)number(st, 0),
		.name = text(st, 1),
		.password = text(st, 2),
		.subscription = text(st, 3),
		.created_at = number(st, 4),
		.disabled = number(st, 5) != 0,
	};
}

/* Reads the one row, if there is one. */
static bool one_user(sqlite3_stmt *st, struct user *out)
{
	bool found = row(st);
	if (found)
		*out = user_from(st);
	sqlite3_reset(st);
	return found;
}

bool store_user_named(struct slice name, struct user *out)
{
	sqlite3_stmt *st = statement(SQL_USER_NAMED);
	bind_text(st, 1, name);
	return one_user(st, out);
}

bool store_user(uint64_t id, struct user *out)
{
	sqlite3_stmt *st = statement(SQL_USER);
	bind(st, 1, (int64_t)id);
	return one_user(st, out);
}

bool store_user_add(const struct user *u)
{
	sqlite3_stmt *st = statement(SQL_USER_ADD);
	bind(st, 1, (int64_t)u->id);
	bind_text(st, 2, u->name);
	bind_text(st, 3, u->password);
	bind_text(st, 4, u->subscription);
	bind(st, 5, u->created_at);
	bind(st, 6, u->disabled);
	bool added = row(st);
	sqlite3_reset(st);
	return added;
}

static void user_set_text(enum statement id, uint64_t user, struct slice value)
{
	sqlite3_stmt *st = statement(id);
	bind(st, 1, (int64_t)user);
	bind_text(st, 2, value);
	finish(st);
}

void store_user_password(uint64_t id, struct slice phc)
{
	user_set_text(SQL_USER_PASSWORD, id, phc);
}

void store_user_subscription(uint64_t id, struct slice json)
{
	user_set_text(SQL_USER_SUBSCRIPTION, id, json);
}

void store_user_disable(uint64_t id, bool disabled)
{
	sqlite3_stmt *st = statement(SQL_USER_DISABLE);
	bind(st, 1, (int64_t)id);
	bind(st, 2, disabled);
	finish(st);
}

void store_user_delete(uint64_t id)
{
	static const enum statement steps[] = { SQL_USER_DELETE_SESSIONS, SQL_USER_DELETE };
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		sqlite3_stmt *st = statement(steps[i]);
		bind(st, 1, (int64_t)id);
		finish(st);
	}
}

size_t store_users(struct slice after, struct user out[LIMIT_LIST])
{
	sqlite3_stmt *st = statement(SQL_USERS);
	size_t n = 0;
	bind_text(st, 1, after);
	bind(st, 2, LIMIT_LIST);
	while (row(st))
		out[n++] = user_from(st);
	return n;
}

/* ---- sessions ---------------------------------------------------------- */

static struct session session_from(sqlite3_stmt *st)
{
	return (struct session){
		.id = (uint64_t)number(st, 0),
		.user = (uint64_t)number(st, 1),
		.ctr = number(st, 2),
		.br = (uint64_t)number(st, 3),
		.idem = (uint64_t)number(st, 4),
		.rotated_at = number(st, 5),
		.created_at = number(st, 6),
		.expires_at = number(st, 7),
		.ended_at = number(st, 8),
		.why = (enum ended)one_of(st, 9, ENDED_UNKNOWN),
		.cookie = number(st, 10) != 0,
		.device = text(st, 11),
		.agent = agent_unpack(blob(st, 12)),
		.ip = text(st, 13),
	};
}

bool store_session(uint64_t id, struct session *out)
{
	sqlite3_stmt *st = statement(SQL_SESSION);
	bind(st, 1, (int64_t)id);
	bool found = row(st);
	if (found)
		*out = session_from(st);
	sqlite3_reset(st);
	return found;
}

/* All rows are locked by the turn; a caller that another store would give no lock is found here. */
bool store_session_lock(uint64_t id, struct session *out)
{
	if (!is_in_transaction())
		fail(ERROR_INTERNAL, "ST13", "a row is locked outside of a transaction", NULL);
	return store_session(id, out);
}

void store_session_add(const struct session *s)
{
	sqlite3_stmt *st = statement(SQL_SESSION_ADD);
	const int64_t numbers[] = {
		(int64_t)s->id, (int64_t)s->user, s->ctr, (int64_t)s->br, (int64_t)s->idem, s->rotated_at,
		s->created_at, s->expires_at, s->ended_at, s->why, s->cookie,
	};
	size_t mark = arena_mark();
	int at = 0;
	while (at < (int)(sizeof numbers / sizeof *numbers)) {
		bind(st, at + 1, numbers[at]);
		at++;
	}
	bind_text(st, at + 1, s->device);
	bind_blob(st, at + 2, agent_pack(s->agent));
	bind_text(st, at + 3, s->ip);
	finish(st);
	arena_back(mark);
}

void store_session_rotate(const struct session *s)
{
	sqlite3_stmt *st = statement(SQL_SESSION_ROTATE);
	bind(st, 1, (int64_t)s->id);
	bind(st, 2, s->ctr);
	bind(st, 3, (int64_t)s->br);
	bind(st, 4, (int64_t)s->idem);
	bind(st, 5, s->rotated_at);
	finish(st);
}

bool store_session_end(uint64_t id, enum ended why, int64_t at)
{
	sqlite3_stmt *st = statement(SQL_SESSION_END);
	bind(st, 1, (int64_t)id);
	bind(st, 2, at);
	bind(st, 3, why);
	finish(st);
	return sqlite3_changes(db) > 0;
}

int64_t store_sessions_end(uint64_t user, uint64_t except, enum ended why, int64_t at)
{
	sqlite3_stmt *st = statement(SQL_SESSIONS_END);
	bind(st, 1, (int64_t)user);
	bind(st, 2, at);
	bind(st, 3, why);
	bind(st, 4, (int64_t)except);
	finish(st);
	return sqlite3_changes(db);
}

int64_t store_sessions_end_all(enum ended why, int64_t at)
{
	sqlite3_stmt *st = statement(SQL_SESSIONS_END_ALL);
	bind(st, 1, at);
	bind(st, 2, why);
	finish(st);
	return sqlite3_changes(db);
}

size_t store_sessions(uint64_t user, uint64_t after, struct session out[LIMIT_LIST])
{
	sqlite3_stmt *st = statement(user ? SQL_SESSIONS : SQL_SESSIONS_ALL);
	size_t n = 0;
	if (user)
		bind(st, 1, (int64_t)user);
	bind(st, 2, (int64_t)after);
	bind(st, 3, LIMIT_LIST);
	while (row(st))
		out[n++] = session_from(st);
	return n;
}

int64_t store_sweep(int64_t time, int64_t refresh_ttl)
{
	sqlite3_stmt *st = statement(SQL_SWEEP);
	bind(st, 1, (int64_t)random_id());
	bind(st, 2, SWEEP_ROWS);
	bind(st, 3, time - refresh_ttl);
	bind(st, 4, time);
	finish(st);
	return sqlite3_changes(db);
}

/* ---- clock mark and audit ---------------------------------------------- */

/* The last row of the trail: {0} where there is none. */
static struct audit last_audit(void)
{
	struct audit a = { 0 };
	sqlite3_stmt *st = statement(SQL_AUDIT_LAST);
	if (row(st))
		a = (struct audit){ .id = number(st, 0), .time = number(st, 1), .event = (enum event)one_of(st, 2, EVENT_UNKNOWN) };
	sqlite3_reset(st);
	return a;
}

int64_t store_mark(void)
{
	return last_audit().time;
}

/* Where events have no rows, the trail ends with one that is none of them and holds the mark. */
void store_mark_raise(int64_t time)
{
	struct audit last = last_audit();
	if (time < last.time + MARK_STEP)
		return;
	sqlite3_stmt *st = statement(SQL_MARK_RAISE);
	bind(st, 1, last.event ? last.id + 1 : last.id);
	bind(st, 2, time);
	finish(st);
}

static void audit_trim(int64_t newest, int64_t max)
{
	if (newest <= max || newest % AUDIT_BATCH != 0)
		return;
	sqlite3_stmt *st = statement(SQL_AUDIT_TRIM);
	bind(st, 1, newest - max);
	finish(st);
}

void store_audit_add(const struct audit *a, int64_t max)
{
	int64_t id = last_audit().id + 1;
	sqlite3_stmt *st = statement(SQL_AUDIT_ADD);
	bind(st, 1, id);
	bind(st, 2, a->time);
	bind(st, 3, a->event);
	bind(st, 4, (int64_t)a->user);
	bind(st, 5, (int64_t)a->session);
	bind_text(st, 6, a->ip);
	bind(st, 7, a->class);
	bind(st, 8, a->distance);
	finish(st);
	audit_trim(id, max);
}

static size_t audit_rows(sqlite3_stmt *st, struct audit out[LIMIT_LIST])
{
	size_t n = 0;
	while (row(st))
		out[n++] = (struct audit){
			.id = number(st, 0),
			.time = number(st, 1),
			.event = (enum event)one_of(st, 2, EVENT_UNKNOWN),
			.user = (uint64_t)number(st, 3),
			.session = (uint64_t)number(st, 4),
			.ip = text(st, 5),
			.class = (enum reuse_class)one_of(st, 6, CLASS_UNKNOWN),
			.distance = number(st, 7),
		};
	return n;
}

size_t store_audits(uint64_t user, int64_t before, int64_t since, int64_t limit, struct audit out[LIMIT_LIST])
{
	sqlite3_stmt *st = statement(SQL_AUDITS);
	bind(st, 1, before ? before : INT64_MAX);
	bind(st, 2, since);
	bind(st, 3, (int64_t)user);
	bind(st, 4, limit < LIMIT_LIST ? limit : LIMIT_LIST);
	return audit_rows(st, out);
}

size_t store_audits_after(int64_t after, struct audit out[LIMIT_LIST])
{
	sqlite3_stmt *st = statement(SQL_AUDITS_AFTER);
	bind(st, 1, after);
	bind(st, 2, LIMIT_LIST);
	return audit_rows(st, out);
}

/* ---- for `latchkey check` ---------------------------------------------- */

struct span store_audit_span(void)
{
	sqlite3_stmt *st = statement(SQL_AUDIT_SPAN);
	(void)row(st);
	struct span span = { .count = number(st, 0), .first = number(st, 1), .last = number(st, 2) };
	sqlite3_reset(st);
	return span;
}

bool store_audit_sound(const struct span *span, int64_t max)
{
	return span->count == (span->count ? span->last - span->first + 1 : 0) && span->count < max + AUDIT_BATCH;
}

/* The highest id below `id`; 0: none. */
static int64_t audit_before(int64_t id)
{
	sqlite3_stmt *st = statement(SQL_AUDIT_BEFORE);
	bind(st, 1, id);
	int64_t before = row(st) ? number(st, 0) : 0;
	sqlite3_reset(st);
	return before;
}

static void audit_move(int64_t from, int64_t to)
{
	sqlite3_stmt *st = statement(SQL_AUDIT_MOVE);
	bind(st, 1, from);
	bind(st, 2, to);
	finish(st);
}

/* From the newest on: the place behind the one before is free by then. The
 * newest keeps its id, by which `audit --follow` goes on. */
void store_audit_rebuild(int64_t max)
{
	int64_t newest = audit_before(INT64_MAX), place = newest;
	for (int64_t id = newest; id > 0 && newest - place < max; id = audit_before(id), place--)
		if (id != place)
			audit_move(id, place);
	sqlite3_stmt *st = statement(SQL_AUDIT_TRIM);
	bind(st, 1, place);
	finish(st);
}

static const char *one_text(enum statement id)
{
	sqlite3_stmt *st = statement(id);
	(void)row(st);
	const char *answer = text(st, 0).p;
	sqlite3_reset(st);
	return answer;
}

const char *store_integrity(void)
{
	return one_text(SQL_INTEGRITY);
}

const char *store_journal(void)
{
	return one_text(SQL_JOURNAL);
}

const char *store_library(void)
{
	return sqlite3_libversion();
}

/* ---- for `latchkey backup` --------------------------------------------- */

bool store_freeze(void)
{
	if (fcntl(lock, F_SETLK, &freezing) != 0)
		return false;
	bool wal = slice_is(slice_of(store_journal()), S("wal"));
	need(sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL), "checkpoint");
	disconnect();
	if (wal)
		flock(lock, LOCK_UN);
	return true;
}
