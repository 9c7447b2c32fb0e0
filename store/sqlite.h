/*
 * sqlite: what the files of the SQLite store share. For store/sqlite*.c and their tests alone.
 *
 *   sqlite.c            the connection, turns, transactions, batches
 *   sqlite_statement.c  every SQL statement; how values are bound and read
 *   sqlite_rows.c       users and sessions
 *   sqlite_trail.c      the audit trail and the clock's mark
 *   sqlite_upkeep.c     schema, create, upgrade, check
 *   sqlite_backup.c     a copy while requests go on, and the way back
 *   sqlite_file.c       SQLite's file layer, fitted
 *   sqlite_heap.c       SQLite's memory
 *
 * A result code that isn't the expected one is never returned: db_need() makes it a fail().
 */
#ifndef SQLITE_H
#define SQLITE_H

#include "store.h"

#include <sqlite3.h>

#if SQLITE_VERSION_NUMBER < 3051003
#error "SQLite before 3.51.3 can corrupt a database in WAL mode (the WAL-reset bug); build with 3.53.2 or later"
#endif

/* ---- sqlite.c: the connection ------------------------------------------ */

/* The open database; NULL: none. */
extern sqlite3 *database;

/* fail(), by what rc means to a caller, unless rc is SQLITE_OK. `what` was tried. */
void db_need(int rc, const char *what);
_Noreturn void db_failed(int rc, const char *what);
/* From now on what fails is a backup that is taken in, not the store in use: db_failed() advises so. */
void db_takes_in(void);

/* Waits for this process's turn at dir's store, at most `seconds`; ERROR_BUSY after that. */
void db_take_turn(const char *dir, int64_t seconds);
/* Lets another process have its turn. */
void db_give_turn(void);
/* Opens a database file, with the settings of every connection. */
void db_connect(const char *path);
/* Refuses, by fail(), a database that isn't latchkey's or has another schema version. */
void db_examine(const char *dir);
/* Closes the database; a transaction that is open is rolled back. The turn is kept. */
void db_disconnect(void);
/* Ends the transaction that SQL_BEGIN began. */
void db_commit(enum durability d);
bool db_is_in_transaction(void);
/* Inside a transaction: writes PRAGMA user_version, and with it the first page. An SQLite result code. */
int db_set_version(int version);
/* Copies all of the log into the database, and empties it. An SQLite result code. */
int db_empty_log(void);

/*
 * From now on until the turn's file is closed, store_tidy() of other processes
 * leaves the log alone (unless it is very long), so that latchkey.db stands
 * still. False while another backup does the same.
 */
bool db_keep_log(void);

/* ---- sqlite_trail.c ---------------------------------------------------- */

/* What is known of the trail need not be so any more. */
void db_forget_trail(void);

/* ---- sqlite_statement.c ------------------------------------------------ */

enum statement {
	SQL_APPLICATION, SQL_VERSION, SQL_JOURNAL, SQL_INTEGRITY,
	SQL_BEGIN, SQL_COMMIT, SQL_ROLLBACK,
	SQL_USER_NAMED, SQL_USER_NEAR, SQL_USER, SQL_USER_ADD, SQL_USER_PASSWORD, SQL_USER_RENAME, SQL_USER_SUBSCRIPTION, SQL_USER_PROFILE,
	SQL_USER_FACTOR, SQL_USER_FACTOR_SET, SQL_USER_KEYS, SQL_USER_KEYS_SET,
	SQL_USER_DISABLE, SQL_USER_DELETE, SQL_USER_DELETE_SESSIONS, SQL_USERS,
	SQL_SESSION, SQL_SESSION_ADD, SQL_SESSION_ROTATE,
	SQL_SESSION_MOVE, SQL_SESSION_END, SQL_SESSIONS_END, SQL_SESSIONS_END_SSO, SQL_SESSIONS_SLICE, SQL_SESSIONS_END_ALL,
	SQL_SESSIONS_MANY,
	SQL_SESSIONS_SURPLUS,
	SQL_SESSIONS_BURY,
	SQL_SESSIONS_USED,
	SQL_SESSIONS, SQL_SESSIONS_ALL, SQL_SWEEP,
	SQL_AUDIT_LAST, SQL_MARK_RAISE, SQL_AUDIT_ADD, SQL_AUDITS, SQL_AUDITS_AFTER,
	SQL_AUDIT_WALK, SQL_AUDIT_DROP,
	SQL__MAX
};

/* A statement, compiled at its first use, ready to be bound. */
sqlite3_stmt *sql_prepare(enum statement id);
/* Forgets all compiled statements; before the database is closed. */
void sql_forget(void);

/* Parameters are counted from 1. The bytes must stay until the statement is reset. */
void sql_bind_int(sqlite3_stmt *st, int at, int64_t value);
void sql_bind_text(sqlite3_stmt *st, int at, struct slice s);
void sql_bind_blob(sqlite3_stmt *st, int at, struct slice s);

/* True with a row to read, false at the end; then the statement is reset. */
bool sql_row(sqlite3_stmt *st);
/* Runs a statement that gives no rows. */
void sql_finish(sqlite3_stmt *st);
void sql_run(enum statement id);
/* The id that SQLite gave the row that was added last: one more than the greatest. */
int64_t sql_new_id(void);
/* Rows that the last statement changed. */
int64_t sql_changed(void);

/* Columns are counted from 0. */
int64_t sql_int(sqlite3_stmt *st, int column);
/* A number that names something, or `unknown` where it isn't one of 0 to unknown - 1. */
int sql_enum(sqlite3_stmt *st, int column, int unknown);
/*
 * Of columns that SQL compares with integers, and that nothing but integers was ever written to. Anything else is taken as no
 * statement could match it: as the id of another row it is 0, which is no row's. As the end of something it is 1: what could
 * never be ended any more has ended.
 */
int64_t sql_key(sqlite3_stmt *st, int column);
int64_t sql_end(sqlite3_stmt *st, int column);
/* A number that is reckoned with: held within 2^60, so that no row, however it came about, makes a sum overflow. */
int64_t sql_number(sqlite3_stmt *st, int column);
/* In the arena. Cut at max bytes: what is longer wasn't written here, and whoever reads a row has room for no more. */
struct slice sql_text(sqlite3_stmt *st, int column, size_t max);
/* SQLite's own memory, valid until the next step. */
struct slice sql_blob(sqlite3_stmt *st, int column);

/* The first column of a statement that gives one row. */
int64_t sql_one_int(enum statement id);
const char *sql_one_text(enum statement id);

/* ---- sqlite_upkeep.c, sqlite_backup.c ---------------------------------- */

enum {
	SCHEMA_BITS = (1 << 8) - 1,  /* of PRAGMA user_version; the others are the tag (sqlite_file.c) */
	APPLICATION_ID = 0x4c4b6579  /* "LKey": PRAGMA application_id of our databases */
};

/* Brings the open database, dir's, up to this program's schema, all or nothing; returns the version it had. */
int db_upgrade(const char *dir);
/* Removes latchkey.db.new and what belongs to it. */
void db_remove_unfinished(const char *dir);
/* "ok", or the first line of PRAGMA integrity_check. In the arena. */
const char *db_integrity(void);
/* "wal" and so on, as the file says. */
const char *db_journal(void);
/*
 * The store is open. Copies all that was committed into latchkey.db, closes
 * it, and lets others have their turn: their commits stay in the log, so that
 * latchkey.db is a consistent database and stands still until store_close().
 * (Without a log, journal_mode=delete, the turn is kept.) A log of 8 MiB is
 * emptied nevertheless, so whoever copies must see whether the file was
 * changed meanwhile. False while another backup is at work.
 */
bool db_freeze(void);

#endif
