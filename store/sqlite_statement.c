/*
 * sqlite_statement: every SQL statement that a request or a verb runs, and how values get in and
 * out.
 *
 * A row is read and written whole, in the order of the schema's columns (sqlite_upkeep.c): each name in a statement has to be
 * parsed and looked up, which was a seventh of a refresh in a process of its own. Users are the exception.
 *
 * Rules: all SQL is in the table below; values are bound; each result code is looked at. Journal
 * mode and schema belong to sqlite_upkeep.c.
 */
#include "store/sqlite.h"


/* Of a user without the columns that few requests want: keys may be eight pages. */
#define USER_COLUMNS "id,name,password,subscription,created_at,disabled,profile"
#define USERS_WHERE "SELECT " USER_COLUMNS " FROM user WHERE "
#define SESSIONS_WHERE "SELECT * FROM session WHERE "
#define AUDITS_WHERE "SELECT * FROM audit WHERE "

enum { ONE_TEXT = 1024 };        /* bytes of a PRAGMA's answer */

static const char *const sql[SQL__MAX] = {
	[SQL_APPLICATION] = "PRAGMA application_id",
	[SQL_VERSION] = "PRAGMA user_version",
	[SQL_JOURNAL] = "PRAGMA journal_mode",
	[SQL_INTEGRITY] = "PRAGMA integrity_check(1)",
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_USER_NAMED] = USERS_WHERE "name=?",
	[SQL_USER_NEAR] = "SELECT * FROM(" USERS_WHERE "name>=? ORDER BY name LIMIT 1) UNION ALL SELECT * FROM(SELECT " USER_COLUMNS " FROM user ORDER BY name LIMIT 1)",
	[SQL_USER] = USERS_WHERE "id=?",
	[SQL_USER_ADD] = "INSERT OR IGNORE INTO user VALUES(?,?,?,?,?,?,?,NULL,NULL) RETURNING id",
	[SQL_USER_PASSWORD] = "UPDATE user SET password=?2 WHERE id=?1",
	[SQL_USER_RENAME] = "UPDATE OR IGNORE user SET name=?2 WHERE id=?1",
	[SQL_USER_SUBSCRIPTION] = "UPDATE user SET subscription=?2 WHERE id=?1",
	[SQL_USER_PROFILE] = "UPDATE user SET profile=?2 WHERE id=?1",
	[SQL_USER_FACTOR] = "SELECT factor FROM user WHERE id=?",
	[SQL_USER_FACTOR_SET] = "UPDATE user SET factor=?2 WHERE id=?1",
	[SQL_USER_KEYS] = "SELECT keys FROM user WHERE id=?",
	[SQL_USER_KEYS_SET] = "UPDATE user SET keys=?2 WHERE id=?1",
	[SQL_USER_DISABLE] = "UPDATE user SET disabled=?2 WHERE id=?1",
	[SQL_USER_DELETE] = "DELETE FROM user WHERE id=?",
	[SQL_USER_DELETE_SESSIONS] = "DELETE FROM session WHERE user=?",
	[SQL_USERS] = USERS_WHERE "name>? ORDER BY name",
	[SQL_SESSION] = SESSIONS_WHERE "id=?",
	[SQL_SESSION_ADD] = "INSERT INTO session VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[SQL_SESSION_ROTATE] = "UPDATE session SET ctr=?2,br=?3,idem=?4,rotated_at=?5,strays=?6 WHERE id=?1",
	[SQL_SESSION_MOVE] = "UPDATE session SET agent=?2,ip=?3 WHERE id=?1",
	[SQL_SESSION_END] = "UPDATE session SET ended_at=?2,why=?3 WHERE id=?1 AND ended_at=0",
	[SQL_SESSIONS_END] = "UPDATE session SET ended_at=?2,why=?3 WHERE user=?1 AND ended_at=0 AND id<>?4",
	[SQL_SESSIONS_END_SSO] = "UPDATE session SET ended_at=?2,why=?3 WHERE user=?1 AND ended_at=0 AND cookie&?4",
	[SQL_SESSIONS_SLICE] = "SELECT id FROM session WHERE id>?1 ORDER BY id LIMIT 1 OFFSET ?2",
	[SQL_SESSIONS_END_ALL] = "UPDATE session SET ended_at=?1,why=?2 WHERE ended_at=0 AND id>?3 AND id<=?4",
	[SQL_SESSIONS_MANY] = "SELECT id FROM session WHERE user=?1 LIMIT 1 OFFSET ?2-1",
	[SQL_SESSIONS_SURPLUS] = "UPDATE session SET ended_at=?2,why=?3 WHERE id IN (SELECT id FROM session WHERE user=?1 AND ended_at=0"
		" AND (client=?5 OR (?5='' AND client IS NULL)) ORDER BY rotated_at DESC LIMIT 64 OFFSET ?4-1)",
	[SQL_SESSIONS_BURY] = "DELETE FROM session WHERE id IN (SELECT id FROM session WHERE user=?1 AND ended_at<>0"
		" AND (client=?4 OR (?4='' AND client IS NULL)) ORDER BY ended_at DESC LIMIT 64 OFFSET ?2) AND (?4='' OR created_at<=?3)",
	[SQL_SESSIONS_USED] = SESSIONS_WHERE "user=?1 AND ended_at=0"
		" AND (rotated_at<?2 OR (rotated_at=?2 AND id>?3)) ORDER BY rotated_at DESC,id LIMIT ?4",
	[SQL_SESSIONS] = SESSIONS_WHERE "user=?1 AND id>?2 ORDER BY id LIMIT ?3",
	[SQL_SESSIONS_ALL] = SESSIONS_WHERE "id>?2 ORDER BY id LIMIT ?3",
	[SQL_SWEEP] = "DELETE FROM session WHERE id IN (SELECT id FROM session WHERE id>=?1 ORDER BY id LIMIT ?2)"
		" AND (rotated_at<=?3 OR (expires_at<>0 AND expires_at<=?4) OR (client<>'' AND ctr=1 AND idem=0 AND rotated_at<=?4))",
	[SQL_AUDIT_LAST] = "SELECT id,time,event,ahead FROM audit ORDER BY id DESC",
	[SQL_MARK_RAISE] = "REPLACE INTO audit VALUES(?,?,0,0,0,'',0,0,?)",
	[SQL_AUDIT_ADD] = "INSERT INTO audit VALUES(NULL,?,?,?,?,?,?,?,?)",
	[SQL_AUDITS] = AUDITS_WHERE "id<?1 AND event<>0 AND (?2=0 OR user=?2)"
		" ORDER BY id DESC LIMIT ?3",
	[SQL_AUDITS_AFTER] = AUDITS_WHERE "id>? AND event<>0 ORDER BY id LIMIT ?",
	[SQL_AUDIT_WALK] = "SELECT id,time,event,user FROM audit WHERE event<>0 ORDER BY id",
	[SQL_AUDIT_DROP] = "DELETE FROM audit WHERE id=?",
};

static sqlite3_stmt *prepared[SQL__MAX];

sqlite3_stmt *sql_prepare(enum statement id)
{
	if (prepared[id] == NULL)
		db_need(sqlite3_prepare_v3(database, sql[id], -1, 0, &prepared[id], NULL), sql[id]);
	return prepared[id];
}

void sql_forget(void)
{
	for (size_t i = 0; i < SQL__MAX; i++) {
		sqlite3_finalize(prepared[i]);
		prepared[i] = NULL;
	}
}

/* ---- in ---------------------------------------------------------------- */

void sql_bind_int(sqlite3_stmt *st, int at, int64_t value)
{
	db_need(sqlite3_bind_int64(st, at, value), "bind");
}

void sql_bind_text(sqlite3_stmt *st, int at, struct slice s)
{
	db_need(sqlite3_bind_text(st, at, s.n ? s.p : "", (int)s.n, SQLITE_STATIC), "bind");
}

void sql_bind_blob(sqlite3_stmt *st, int at, struct slice s)
{
	db_need(sqlite3_bind_blob(st, at, s.n ? s.p : "", (int)s.n, SQLITE_STATIC), "bind");
}

/* ---- running ----------------------------------------------------------- */

bool sql_row(sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		return true;
	sqlite3_reset(st);
	if (rc != SQLITE_DONE)
		db_failed(rc, sqlite3_sql(st));
	return false;
}

void sql_finish(sqlite3_stmt *st)
{
	(void)sql_row(st);
}

void sql_run(enum statement id)
{
	sql_finish(sql_prepare(id));
}

int64_t sql_new_id(void)
{
	return sqlite3_last_insert_rowid(database);
}

int64_t sql_changed(void)
{
	return sqlite3_changes(database);
}

/* ---- out --------------------------------------------------------------- */

int64_t sql_int(sqlite3_stmt *st, int column)
{
	return sqlite3_column_int64(st, column);
}

int64_t sql_number(sqlite3_stmt *st, int column)
{
	const int64_t most = INT64_C(1) << 60;
	int64_t value = sql_int(st, column);
	return value > most ? most : value < -most ? -most : value;
}

static bool is_integer(sqlite3_stmt *st, int column)
{
	return sqlite3_column_type(st, column) == SQLITE_INTEGER;
}

int64_t sql_key(sqlite3_stmt *st, int column)
{
	return is_integer(st, column) ? sql_int(st, column) : 0;
}

int64_t sql_end(sqlite3_stmt *st, int column)
{
	return is_integer(st, column) ? sql_number(st, column) : 1;
}

int sql_enum(sqlite3_stmt *st, int column, int unknown)
{
	int64_t value = sql_int(st, column);
	return value >= 0 && value < unknown ? (int)value : unknown;
}

struct slice sql_text(sqlite3_stmt *st, int column, size_t max)
{
	const char *p = (const char *)sqlite3_column_text(st, column);
	size_t n = (size_t)sqlite3_column_bytes(st, column);
	return arena_copy((struct slice){ p, n < max ? n : max });
}

struct slice sql_blob(sqlite3_stmt *st, int column)
{
	const char *p = sqlite3_column_blob(st, column);
	return (struct slice){ p, (size_t)sqlite3_column_bytes(st, column) };
}

int64_t sql_one_int(enum statement id)
{
	sqlite3_stmt *st = sql_prepare(id);
	(void)sql_row(st);
	int64_t value = sql_int(st, 0);
	sqlite3_reset(st);
	return value;
}

const char *sql_one_text(enum statement id)
{
	sqlite3_stmt *st = sql_prepare(id);
	(void)sql_row(st);
	const char *answer = sql_text(st, 0, ONE_TEXT).p;
	sqlite3_reset(st);
	return answer;
}
