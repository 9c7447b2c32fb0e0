/*
 * postgres: transactions and batches on PostgreSQL, and what is promised of a commit.
 *
 *      CLOSED ── store_open() ──▶ OPEN ── store_begin() ──▶ IN_TRANSACTION
 *         ▲                        ▲  └── of a process that stays ──▶ IN_BATCH
 *         └── store_close()        └── store_commit(), store_commit_batch() ──┘
 *
 * A transaction of DURABLE_LATER commits with synchronous_commit = off: what a lost primary takes of it, the next refresh rolls
 * forward. One of DURABLE_NOW commits with `on`: with a synchronous standby it is on two disks before it is answered. A batch is one
 * transaction; a request of DURABLE_NOW first commits what the batch has, so that it alone waits.
 *
 * What a failure says. Before COMMIT was sent nothing was changed: the error is what PostgreSQL says. Behind it nobody knows:
 * ERROR_UNSETTLED. A COMMIT whose wait for the standby was cut off succeeds with a warning: that is unsettled as well.
 */
#include "store/postgres.h"

#include "store/engine.h"
#include "store/upkeep.h"

#include <string.h>

enum { REQUEST_SECONDS = 5 };   /* store_open() with more is a verb's, whose answers may each take so long */
#define IDLE_LIMIT "10s"        /* no request is longer under way: then its client has gone, too (docs/clients.md) */

enum state { CLOSED, OPEN, IN_TRANSACTION, IN_BATCH };

static enum state state;
static bool stays, paused;
static struct {
	enum durability wanted;         /* by the request's transaction */
	enum durability owed;           /* by the batch */
	bool vain;                      /* what the batch has must be committed before what the request does: store_again() */
	bool written;                   /* by the request */
	bool batch_written;             /* by the requests of the batch before it */
	bool committing;                /* COMMIT is sent, and isn't answered */
	bool committed;                 /* an error that is reported from now on mustn't deny it */
} transaction;

/* ---- errors ------------------------------------------------------------ */

/* By SQLSTATE, or by its class alone; what isn't here is ERROR_STORE_UNAVAILABLE. */
static enum error error_of(const char *sqlstate)
{
	static const struct { const char *begins; enum error error; } table[] = {
		{ "53100", ERROR_STORE_FULL },          /* disk full */
		{ "53300", ERROR_BUSY },                /* too many connections */
		{ "55P03", ERROR_BUSY },                /* lock_timeout */
		{ "57014", ERROR_BUSY },                /* cancelled: by statement_timeout, by us, or our own deadline */
		{ "40", ERROR_BUSY },                   /* serialization failure, deadlock */
		{ "23505", ERROR_BUSY },                /* two hosts added the same name or id at once */
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (strncmp(sqlstate, table[i].begins, strlen(table[i].begins)) == 0)
			return table[i].error;
	return ERROR_STORE_UNAVAILABLE;
}

/* An error of a statement is a rollback, whatever came behind it; a lost connection behind COMMIT, or no answer to it, is neither. */
_Noreturn void pg_failed(const char *sqlstate, const char *what, const char *words)
{
	bool answered = *sqlstate && strcmp(sqlstate, "57014") != 0 && strncmp(sqlstate, "57P", 3) != 0 && strncmp(sqlstate, "08", 2) != 0;
	bool unsettled = transaction.committed || (transaction.committing && !answered);
	bool waits = transaction.committing && strcmp(sqlstate, "57014") == 0 && pg_backend();
	int32_t backend = pg_backend();
	words = text_join(words, NULL);
	what = text_join(what, NULL);
	transaction.committing = false;
	if (waits)
		pg_cancel(backend);
	fail(unsettled ? ERROR_UNSETTLED : error_of(sqlstate), "PG5", what, ": ", words, *sqlstate ? " (" : "", sqlstate, *sqlstate ? ")" : "",
		unsettled ? "; it may have been committed" : "", NULL);
}

enum error store_failure(enum error e)
{
	return transaction.committed && errors[e].status == 503 ? ERROR_UNSETTLED : e;
}

/* ---- opening ----------------------------------------------------------- */

static bool is_verb(int64_t seconds)
{
	return !stays && seconds > REQUEST_SECONDS;
}

/*
 * The rows that a transaction has locked are nobody else's until it ends. A front that stands still, or whose host is gone, doesn't end
 * it, so the server does. A verb may wait within its own: migrate, for its input.
 */
static void examine(int64_t seconds)
{
	struct args limit = { 0 };
	arg_text(&limit, slice_of(is_verb(seconds) ? "0" : IDLE_LIMIT));
	int64_t version = pg_ask(SQL_EXAMINE, &limit) > 0 ? col_int(0, 0) : 0, from = version ? col_int(0, 1) : 0;
	if (version == 0 || from > store_version || version < store_version)
		fail(ERROR_STORE_UNAVAILABLE, "PG6", "the database has schema version ", dec(version), ", this program has ", dec(store_version),
			version < store_version ? "; run latchkey init --upgrade" : "; run a newer latchkey", NULL);
}

static void set_patience(int64_t seconds)
{
	pg_wait_until(now_ms() + seconds * 1000);
	if (is_verb(seconds))
		pg_patience(seconds * 1000);
}

void store_open(const char *dir, int64_t seconds)
{
	(void)dir;
	if (state > OPEN)
		return;
	if (state == OPEN && !stays && !paused)
		return;
	paused = false;
	set_patience(seconds);
	if (state == OPEN && pg_is_sound())
		return;
	store_close();
	pg_prepares(stays);
	pg_connect();
	examine(seconds);
	state = OPEN;
}

void store_close(void)
{
	pg_disconnect();
	pg_mark_forget();
	pg_batch_forget();
	state = CLOSED;
	memset(&transaction, 0, sizeof transaction);
}

void pg_open_unexamined(int64_t seconds)
{
	set_patience(seconds);
	pg_connect();
	state = OPEN;
}

/* ---- transactions ------------------------------------------------------ */

bool state_in_transaction(void)
{
	return state > OPEN;
}

bool state_in_batch(void)
{
	return state == IN_BATCH;
}

bool state_is_vain(void)
{
	return transaction.vain;
}

bool state_changed(int64_t rows)
{
	transaction.written |= rows > 0 && !transaction.vain;
	return rows > 0;
}

static void commit(enum durability d)
{
	pg_batch_write();
	pg_expected_forget();
	pg_queue(d == DURABLE_NOW ? SQL_NOW : SQL_LATER, NULL);
	if (d == DURABLE_NOW)
		pg_queue_flush();
	pg_queue(SQL_COMMIT, NULL);
	pg_warned = false;
	transaction.committing = true;
	pg_settle();
	transaction.committing = false;
	if (pg_warned && d == DURABLE_NOW)
		fail(ERROR_UNSETTLED, "PG7", "the commit may not be on the standby", NULL);
	transaction.committed = !stays;
}

/* What the batch has is committed by itself, where it has anything. */
static void commit_part(void)
{
	if (!transaction.batch_written)
		return;
	enum durability owed = transaction.owed;
	transaction.batch_written = false;
	transaction.owed = DURABLE_LATER;
	commit(owed);
	transaction.committed = true;
	state = OPEN;
}

void store_begin(enum durability d)
{
	if (state == IN_BATCH && (d == DURABLE_NOW || transaction.owed == DURABLE_NOW))
		commit_part();
	transaction.wanted = d;
	transaction.written = false;
	if (state != IN_BATCH)
		pg_queue(SQL_BEGIN, NULL);
	state = stays ? IN_BATCH : IN_TRANSACTION;
}

void pg_begin_batch(void)
{
	pg_queue(SQL_BEGIN, NULL);
	state = IN_BATCH;
}

/* The rows that the request has read are let go of by the commit of what was before it, so it reads them again. */
bool store_again(void)
{
	if (!transaction.vain)
		return false;
	transaction.vain = false;
	commit_part();
	return true;
}

/* Where the batch has something, that isn't to wait for a standby with this request. */
void store_must_last(void)
{
	transaction.wanted = DURABLE_NOW;
	transaction.vain = state == IN_BATCH && transaction.batch_written && !transaction.written;
}

void store_commit(void)
{
	if (!transaction.written) {
		store_rollback();
		return;
	}
	if (state == IN_BATCH) {
		transaction.batch_written = true;
		if (transaction.wanted > transaction.owed)
			transaction.owed = transaction.wanted;
	} else {
		commit(transaction.wanted);
		state = OPEN;
	}
	transaction.written = false;
}

void store_rollback(void)
{
	if (state == IN_BATCH && transaction.written)
		fail(ERROR_INTERNAL, "PG8", "a request of a batch wrote, and wants it undone", NULL);
	if (state != IN_TRANSACTION)
		return;
	pg_ask(SQL_ROLLBACK, NULL);
	transaction.written = false;
	state = OPEN;
}

/* ---- a process that stays ---------------------------------------------- */

void store_stay(const char *dir)
{
	(void)dir;
	stays = true;
}

void store_commit_batch(void)
{
	if (state != IN_BATCH)
		return;
	if (transaction.batch_written)
		commit(transaction.owed);
	else
		pg_ask(SQL_ROLLBACK, NULL);
	pg_expected_forget();
	transaction.batch_written = transaction.committed = false;
	transaction.owed = DURABLE_LATER;
	state = OPEN;
}

/* Nobody waits for a turn here. */
void store_leave(bool idle)
{
	(void)idle;
}

bool store_keeps(void)
{
	return false;
}

void store_before_answer(void)
{
}

const bool store_is_remote = true;

/* A connection for each page of a list took most of the time. Where it ends meanwhile, there is another one. */
void store_pause(void)
{
	paused = true;
}

/* A server has its own turns. */
void store_give_turn(void)
{
}

void store_tidy(void)
{
}

void store_settle(void)
{
}
