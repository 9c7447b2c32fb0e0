/*
 * postgres: what the files of the PostgreSQL store share. For store/postgres*.c and their tests alone.
 *
 *   postgres.c             transactions, batches, what is promised of a commit
 *   postgres_connection.c  the connection: hosts, waiting, what is queued, errors
 *   postgres_locate.c      the option `store`: what it may say
 *   postgres_statement.c   every SQL statement; how values are given and read
 *   postgres_rows.c        users and sessions
 *   postgres_batch.c       the rows of a batch, read by one statement and written by two
 *   postgres_trail.c       the audit trail and the clock's mark
 *   postgres_upkeep.c      schema, create, upgrade, and what is another program's here
 *   postgres_backup.c      keys and configuration, which are this host's to copy
 *   postgres_check.c       what latchkey check asks, and what each host tells of itself
 *
 * libpq never waits here: each wait is a poll(2) of ours with a deadline. What isn't the expected answer is a fail().
 */
#ifndef POSTGRES_H
#define POSTGRES_H

#include "store.h"

#include <libpq-fe.h>

/* ---- postgres_locate.c ------------------------------------------------- */

enum { PLACES_MAX = 8 };

/* What the option `store` says; all texts are in static memory. */
struct location {
	struct place { const char *host, *port; bool local; } place[PLACES_MAX];
	size_t count;                   /* 0: the option isn't set */
	const char *user, *database;
	const char *passfile, *rootcert; /* in the data directory */
	bool plain;                     /* without TLS: all hosts are this one, or it was asked for */
	bool exposed;                   /* without TLS, though a host is another one */
};
extern struct location pg_location;

/* ---- postgres_statement.c ---------------------------------------------- */

enum statement {
	SQL_BEGIN, SQL_LATER, SQL_NOW, SQL_COMMIT, SQL_ROLLBACK,
	SQL_VERSION, SQL_EXAMINE, SQL_HAS_TABLES, SQL_UPGRADE_LOCK, SQL_VERSION_SET, SQL_META_ADD, SQL_CANCEL,
	SQL_SYNCHRONOUS, SQL_CONNECTIONS, SQL_LAG, SQL_CLOCK, SQL_SERVER, SQL_FRONT, SQL_FRONTS_SWEEP, SQL_FRONTS,
	SQL_USER_NAMED, SQL_USER_NEAR, SQL_USER, SQL_USER_ADD, SQL_USER_PASSWORD, SQL_USER_RENAME, SQL_USER_SUBSCRIPTION, SQL_USER_PROFILE,
	SQL_USER_FACTOR, SQL_USER_FACTOR_LOCK, SQL_USER_FACTOR_SET, SQL_USER_KEYS, SQL_USER_KEYS_LOCK, SQL_USER_KEYS_SET,
	SQL_USER_DISABLE, SQL_USER_DELETE, SQL_USER_DELETE_SESSIONS, SQL_USERS,
	SQL_SESSION, SQL_SESSION_LOCK, SQL_BOTH, SQL_BOTH_LOCK, SQL_EXPECT, SQL_SESSION_ADD, SQL_SESSION_ROTATE, SQL_ROTATE_ALL,
	SQL_SESSION_MOVE, SQL_SESSION_END, SQL_SESSIONS_END, SQL_SESSIONS_END_SSO, SQL_SESSIONS_SLICE, SQL_SESSIONS_END_ALL,
	SQL_SESSIONS_SURPLUS, SQL_SESSIONS_BURY, SQL_SESSIONS_USED, SQL_SESSIONS, SQL_SESSIONS_ALL, SQL_SWEEP,
	SQL_MARK, SQL_MARK_RAISE, SQL_MARK_SET, SQL_AUDIT_ADD, SQL_AUDIT_ADD_ALL, SQL_AUDIT_SWEEP, SQL_TRAIL, SQL_AUDITS, SQL_AUDITS_OF, SQL_AUDITS_AFTER,
	SQL__MAX
};
extern const char *const pg_sql[SQL__MAX];

/* The arguments of one statement, in their order. Texts and bytes are borrowed until it is queued. {0} has none. */
enum { ARGS_MAX = 16 };
struct args {
	int count;
	Oid type[ARGS_MAX];
	const char *value[ARGS_MAX];
	int length[ARGS_MAX], format[ARGS_MAX];
	char number[ARGS_MAX][8];
};
struct args *arg_int(struct args *a, int64_t value);
/* Of what is text: ASCII, or what was looked at for UTF-8. It is cut at a NUL, which PostgreSQL's text can't hold. */
struct args *arg_text(struct args *a, struct slice s);
struct args *arg_bytes(struct args *a, struct slice s);
/* Of an array's elements; the array is made in the arena. */
struct args *arg_ints(struct args *a, const int64_t *value, size_t n);
struct args *arg_bytes_each(struct args *a, const struct slice *value, size_t n);

extern PGresult *pg_answer;             /* to what was asked last */
/* Values of its rows. Rows and columns are counted from 0; NULL is 0 or empty. */
int64_t col_int(int row, int column);
/* A number that names something, or `unknown` where it isn't one of 0 to unknown - 1. */
int col_enum(int row, int column, int unknown);
/* A number that is reckoned with: held within 2^60, so that no row makes a sum overflow. */
int64_t col_number(int row, int column);
/* In the arena; cut at max bytes. */
struct slice col_bytes(int row, int column, size_t max);

/* ---- postgres_connection.c --------------------------------------------- */

/* Connects to the first of the hosts that takes writes, or fail()s; nothing where it is connected. */
void pg_connect(void);
bool pg_is_connected(void);
/* What is queued is lost, and what was answered last. */
void pg_disconnect(void);
/* A connection that lay unused: whether its server is still there, as far as this host knows. */
bool pg_is_sound(void);
/* Until when answers are waited for, of now_ms(). */
void pg_wait_until(int64_t when);
/* Each answer may take so long, for a verb of the operator's; 0: pg_wait_until() counts. */
void pg_patience(int64_t ms);
/* Statements are prepared once for each connection: for a process that stays. */
void pg_prepares(bool yes);

/* Sends a statement with the next that is asked. args NULL: it has none. */
void pg_queue(enum statement id, const struct args *a);
/* Queues a text that is no statement of the table, of the schema. */
void pg_queue_text(const char *sql);
/*
 * Sends all that is queued and then this, waits, and keeps the answer to this one for col_int() and its like until the
 * next call. Returns its rows: of a SELECT how many came, of others how many were changed.
 */
int64_t pg_ask(enum statement id, const struct args *a);
/* Sends all that is queued, and waits. */
void pg_settle(void);
/* Has the server answer what was queued until now, whatever comes behind it. */
void pg_queue_flush(void);
/* The first number of the answer to SQL_NOW, as soon as it came; 0 before: the server's process. */
int32_t pg_backend(void);
/* Has another connection end what the server's process waits for, within a second or two. */
void pg_cancel(int32_t process);

/* ---- postgres_batch.c -------------------------------------------------- */

/*
 * What store_expect() has read of a session: its row of pg_expected_rows, a session's columns and behind them its user's, which pg_answer
 * is to be for as long as it is read. -1: it wasn't expected, isn't there, or was changed since.
 */
int pg_expected(uint64_t id);
extern PGresult *pg_expected_rows;
/* A row that was read isn't what stands in the store any more; pg_expected_forget(): none is. */
void pg_expected_changed(uint64_t id);
void pg_expected_forget(void);

/* In a batch: keeps what a rotation or an audit row writes until pg_batch_write(), which queues it all. False: outside of one. */
bool pg_batch_rotate(const struct session *s);
bool pg_batch_audit(const struct audit *row, int64_t number);
void pg_batch_write(void);
/* Forgets what was read and what was kept. */
void pg_batch_forget(void);

/* ---- postgres.c: what a request has done so far ------------------------- */

/* Whether PostgreSQL warned since this was set to false; of a commit: that a standby may not have it. */
extern bool pg_warned;

/* fail(), by what an SQLSTATE means to a caller; "" where the connection was lost. `what` was tried, `words` are PostgreSQL's. */
_Noreturn void pg_failed(const char *sqlstate, const char *what, const char *words);
/* Connects, whatever the database has in it: for verbs that make it. */
void pg_open_unexamined(int64_t seconds);
bool state_in_transaction(void);
bool state_in_batch(void);
/* Begins the transaction of a batch; no request has anything in it yet. */
void pg_begin_batch(void);
/* What is done now is done again from the start, so nothing of it is written: store_again(). */
bool state_is_vain(void);
/* The mark is read again before it is told. */
void pg_mark_forget(void);
/* The transaction has changed so many rows more; whether there were any. */
bool state_changed(int64_t rows);

#endif
