/*
 * sqlite_upkeep: the schema, how a database is made and brought up to date, and what `latchkey
 * check` asks of it. See store/upkeep.h.
 */
#include "store/upkeep.h"

#include "base/file.h"
#include "store/sqlite.h"
#include "store/sqlite_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>    /* rename */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VERB_SECONDS = 10 };             /* how long the operator waits for a turn */

const struct store_file store_files[STORE_FILES_MAX] = {
	{ "latchkey.db", true }, { "latchkey.db-wal", false }, { "latchkey.lock", false },
};

const char *store_engine(void)
{
	return "SQLite " SQLITE_VERSION;
}

const char *store_locate(struct slice where, const char *dir)
{
	(void)dir;
	return where.n ? "store: this program keeps its data in the data directory; latchkey-pg has PostgreSQL" : NULL;
}

size_t store_ports(uint16_t out[STORE_PORTS_MAX])
{
	(void)out;
	return 0;
}

/* ---- schema ------------------------------------------------------------ */

/*
 * A session has one row, however often it is refreshed, and no column that a refresh changes is
 * indexed. Every process parses this text. Types and NOT NULL, which guard against nothing that
 * these files write, made a refresh 8 % longer.
 *
 * A later version may add objects, and columns at the end of a table: a row that was written before
 * has NULL there, which is read as 0 or the empty text. Each such change adds 1 to store_version.
 */
static const struct { const char *name, *sql; } schema[] = {
	{ "user", "CREATE TABLE user("
	" id INTEGER PRIMARY KEY,"
	" name TEXT UNIQUE COLLATE NOCASE,"
	" password,"
	" subscription,"
	" created_at,"
	" disabled,"
	" profile,"     /* since version 4; sqlite_rows.c */
	" factor,"      /* since version 6, as is */
	" keys)" },
	{ "session", "CREATE TABLE session("
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
	" ip,"
	" strays,"      /* since version 2 */
	" client)" },   /* since version 5 */
	{ "session_user", "CREATE INDEX session_user ON session(user)" },
	{ "audit", "CREATE TABLE audit("
	" id INTEGER PRIMARY KEY,"
	" time,"
	" event,"
	" user,"
	" session,"
	" ip,"
	" class,"
	" distance,"
	" ahead)" },   /* since version 3; of the mark, in seconds: sqlite_trail.c */
};

const int store_version = 6;

/* ---- making ------------------------------------------------------------ */

static void execute(const char *sql)
{
	db_need(sqlite3_exec(database, sql, NULL, NULL, NULL), sql);
}

/*
 * Writes this program's text of an object over that of an earlier version; false: there is none. That is what
 * ALTER TABLE ADD COLUMN does, which this SQLite lacks (tools/thirdparty.mk).
 */
static bool rewrite_object(const char *name, const char *sql)
{
	sqlite3_stmt *st = NULL;
	db_need(sqlite3_prepare_v2(database, "UPDATE sqlite_schema SET sql=?2 WHERE name=?1", -1, &st, NULL), "schema");
	sql_bind_text(st, 1, slice_of(name));
	sql_bind_text(st, 2, slice_of(sql));
	int rc = sqlite3_step(st);
	sqlite3_finalize(st);
	db_need(rc == SQLITE_DONE ? SQLITE_OK : rc, "schema");
	return sql_changed() > 0;
}

/* Lets statements write to sqlite_schema, or forbids it again; then the schema is read anew. */
static void open_schema(bool open)
{
	db_need(sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, !open, NULL), "config");
	execute(open ? "PRAGMA writable_schema=ON" : "PRAGMA writable_schema=RESET");
}

static void set_versions(void)
{
	struct buf pragma = { 0 };
	buf_s(&pragma, "PRAGMA application_id=");
	buf_int(&pragma, APPLICATION_ID);
	buf_c(&pragma, '\0');
	execute(pragma.p);
	db_need(db_set_version((int)(sql_one_int(SQL_VERSION) & ~(int64_t)SCHEMA_BITS) | store_version), "version");
}

/* Brings an empty database, or one of an earlier version, to this program's schema, all or nothing. */
static void build_schema(void)
{
	open_schema(true);
	sql_run(SQL_BEGIN);
	for (size_t i = 0; i < sizeof schema / sizeof *schema; i++)
		if (!rewrite_object(schema[i].name, schema[i].sql))
			execute(schema[i].sql);
	set_versions();
	db_commit(DURABLE_NOW);
	open_schema(false);
}

/*
 * Page size, journal mode, schema and versions; then all of it is in the file itself, and nothing
 * in the log.
 */
static void build(void)
{
	struct buf pragma = { 0 };
	buf_s(&pragma, "PRAGMA page_size=");
	buf_int(&pragma, PAGE_SIZE);
	buf_s(&pragma, "; PRAGMA journal_mode=WAL");
	buf_c(&pragma, '\0');
	execute(pragma.p);
	build_schema();
	db_need(db_empty_log(), "checkpoint");
}

static _Noreturn void cannot_make(const char *path)
{
	fail(ERROR_STORE_UNAVAILABLE, "ST8", "cannot make ", path, ": ", strerror(errno), NULL);
}

/* What a killed init left: SQLite would take its journal for the new file's. */
void db_remove_unfinished(const char *dir)
{
	static const char *const names[] = { "latchkey.db.new", "latchkey.db.new-journal", "latchkey.db.new-wal" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unlink(path_in(dir, names[i]));
}

bool store_exists(const char *dir)
{
	struct stat st;
	return lstat(path_in(dir, "latchkey.db"), &st) == 0;
}

/*
 * The database gets its name when all of it is on disk. The turn is kept until
 * then, so that of two processes one makes it.
 */
void store_create(const char *dir)
{
	const char *path = path_in(dir, "latchkey.db"), *unfinished = path_in(dir, "latchkey.db.new");
	db_take_turn(dir, VERB_SECONDS);
	errno = EEXIST;
	if (store_exists(dir))
		cannot_make(path);
	db_remove_unfinished(dir);
	int fd = open(unfinished, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		cannot_make(unfinished);
	close(fd);
	db_connect(unfinished);
	build();
	db_disconnect();
	unlink(path_in(dir, "latchkey.db-wal"));        /* of a database that is gone */
	if (rename(unfinished, path) || !directory_sync(dir))
		cannot_make(path);
	db_remove_unfinished(dir);
	db_connect(path);
}

int db_upgrade(const char *dir)
{
	int version = (int)(sql_one_int(SQL_VERSION) & SCHEMA_BITS);
	if (sql_one_int(SQL_APPLICATION) != APPLICATION_ID || version > store_version)
		db_examine(dir);
	if (version < store_version)
		build_schema();
	db_examine(dir);
	return version;
}

int store_upgrade(const char *dir)
{
	db_take_turn(dir, VERB_SECONDS);
	db_connect(path_in(dir, "latchkey.db"));
	return db_upgrade(dir);
}

/* ---- check ------------------------------------------------------------- */

const char *db_integrity(void)
{
	return sql_one_text(SQL_INTEGRITY);
}

const char *db_journal(void)
{
	return sql_one_text(SQL_JOURNAL);
}

static void check_journal(const struct store_report *r, const char *journal, bool wal)
{
	r->tell(r->who, wal ? FOUND_OK : FOUND_WARN, "journal", wal ? "wal; its index needs no shared mapping" : journal,
		"each refresh costs fsyncs: sqlite3 latchkey.db 'PRAGMA journal_mode=wal'");
}

static void check_integrity(const struct store_report *r)
{
	const char *found = db_integrity();
	r->tell(r->who, slice_is(slice_of(found), S("ok")) ? FOUND_OK : FOUND_FAIL, "integrity", found, "restore a backup: latchkey restore FILE");
}

/*
 * What killed programs leave behind. The store is open and this process has the turn: nobody uses
 * these files.
 */
static void check_leftovers(const struct store_report *r, bool wal)
{
	static const struct { const char *name, *origin; bool only_wal; } files[] = {
		{ "latchkey.db-shm", ", left behind by a sqlite3 shell", true },
		{ "latchkey.db-journal", ", left behind by another journal mode", true },
		{ "latchkey.db.copy", ", left behind by a backup that was killed", false },
		{ "latchkey.db.new", ", left behind by an init or a restore that was killed", false },
		{ "latchkey.db.new-journal", ", left behind by an init that was killed", false },
		{ "latchkey.db.new-wal", ", left behind by an init that was killed", false },
	};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (wal || !files[i].only_wal)
			r->leftover(r->who, files[i].name, files[i].origin);
}

void store_check(const struct store_report *report)
{
	const char *journal = db_journal();
	bool wal = slice_is(slice_of(journal), S("wal"));
	check_journal(report, journal, wal);
	check_integrity(report);
	check_leftovers(report, wal);
}
