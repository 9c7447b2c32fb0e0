/*
 * postgres_connection: one connection, in libpq's pipeline mode, and what is queued on it.
 *
 * A statement is queued, and sent with the next one whose answer is needed, so that a refresh takes two round trips. Each round
 * trip ends with a Sync: what fails takes along what came behind it, and nothing else is read from the connection than the answers
 * to what was queued.
 *
 * The hosts are tried one by one, from the one that was good last time on, each for HOST_MS at most: libpq itself stays with a host
 * that doesn't answer, and with one that says no. A host that is read-only (a standby) is passed over.
 *
 * libpq's calls that wait are not used. PQcancel() is one of them: another connection asks for the cancelling instead.
 */
#include "store/postgres.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum {
	HOST_MS = 2000,                /* for one host to be connected to */
	CANCEL_MS = 1500,              /* for a connection that cancels */
	QUEUE_MAX = 512                /* answers that are outstanding */
};

PGresult *pg_answer;
bool pg_warned;

static PGconn *connection;
static size_t good;                    /* the host that was connected to last */
static int64_t deadline, patience;
static bool prepares, prepared[SQL__MAX];
static int32_t backend;

/* What the answers to come belong to: a statement, or one of the two below. */
enum { OF_TEXT = SQL__MAX, OF_PREPARE };
static int queue[QUEUE_MAX];
static size_t queued;

/*
 * libpq's own would open /dev/urandom, which the sandbox denies: SCRAM's nonce couldn't be had from the first connection behind
 * it on. Its object is left out for these two (tools/thirdparty.mk).
 */
void pg_strong_random_init(void);
void pg_strong_random_init(void)
{
}

bool pg_strong_random(void *buf, size_t len);
bool pg_strong_random(void *buf, size_t len)
{
	random_bytes(buf, len);
	return true;
}

/* ---- waiting ----------------------------------------------------------- */

void pg_wait_until(int64_t when)
{
	deadline = when;
	patience = 0;
}

void pg_patience(int64_t ms)
{
	patience = ms;
}

void pg_prepares(bool yes)
{
	prepares = yes;
}

/* Waits for the socket; false where the time is over. */
static bool wait_for(PGconn *c, short events, int64_t until)
{
	for (;;) {
		int64_t left = until - now_ms();
		struct pollfd p = { .fd = PQsocket(c), .events = events };
		if (left <= 0)
			return false;
		int n = poll(&p, 1, (int)left);
		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
	}
}

/* ---- connecting -------------------------------------------------------- */

static void take_notice(void *unused, const PGresult *r)
{
	const char *severity = PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED);
	(void)unused;
	if (!severity || strcmp(severity, "WARNING") != 0)
		return;
	pg_warned = true;
	const char *detail = PQresultErrorField(r, PG_DIAG_MESSAGE_DETAIL);
	log_line("PG3", "PostgreSQL warns: ", PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY), detail ? "; " : "", detail ? detail : "", NULL);
}

/* libpq would take from the environment what it isn't told. */
static void forget_environment(void)
{
	extern char **environ;
	static bool done;
	for (char **e = environ; !done && e && *e;) {
		if (strncmp(*e, "PG", 2) != 0 || !strchr(*e, '=')) {
			e++;
			continue;
		}
		unsetenv(slice_text((struct slice){ *e, (size_t)(strchr(*e, '=') - *e) }));
		e = environ;
	}
	done = true;
}

static PGconn *begin_connect(const struct place *p)
{
	const struct location *l = &pg_location;
	const char *const keywords[] = {
		"host", "port", "user", "dbname", "passfile", "sslmode", "sslrootcert", "target_session_attrs", "application_name",
		"client_encoding", "gssencmode", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout", "options", NULL
	};
	const char *const values[] = {
		p->host, p->port, l->user, l->database, l->passfile, l->plain ? "disable" : "verify-full", l->plain ? "" : l->rootcert, "read-write",
		"latchkey", "UTF8", "disable", "5", "1", "3", "2000", "", NULL
	};
	forget_environment();
	return PQconnectStartParams(keywords, values, 0);
}

/* Until the connection stands, is refused, or the time is over. */
static bool finish_connect(PGconn *c, int64_t until)
{
	PostgresPollingStatusType s = PGRES_POLLING_WRITING;
	while (c && PQstatus(c) != CONNECTION_BAD && s != PGRES_POLLING_OK && s != PGRES_POLLING_FAILED) {
		if (!wait_for(c, s == PGRES_POLLING_READING ? POLLIN : POLLOUT, until))
			return false;
		s = PQconnectPoll(c);
	}
	return s == PGRES_POLLING_OK;
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* In the arena; a line of libpq's words without its end. */
static const char *words_of(const char *message)
{
	struct slice line = slice_of(message);
	while (line.n && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == ' '))
		line.n--;
	char *text = slice_text(line);
	for (char *p = text; *p; p++)
		if (*p == '\n')
			*p = ' ';
	return text;
}

/* Connects to one host. NULL, with why not added to *why. */
static PGconn *try_host(const struct place *p, int64_t until, const char **why)
{
	PGconn *c = begin_connect(p);
	if (finish_connect(c, until))
		return c;
	bool late = c && PQstatus(c) != CONNECTION_BAD;
	*why = text_join(*why ? *why : "", *why ? "; " : "", p->host, ":", p->port, ": ",
		late ? "no answer in time" : words_of(c ? PQerrorMessage(c) : "no memory"), NULL);
	PQfinish(c);
	return NULL;
}

static int64_t limit(void)
{
	return patience ? now_ms() + patience : deadline;
}

/* SQLSTATE of a refusal isn't told by libpq's API: its words are. */
static _Noreturn void no_host(const char *why)
{
	bool many = why && (strstr(why, "too many") || strstr(why, "remaining connection slots"));
	pg_failed(many ? "53300" : "", "connect to PostgreSQL", why ? why : "the time was over before a host was asked");
}

void pg_connect(void)
{
	const char *why = NULL;
	int64_t until = limit();
	for (size_t i = 0; !connection && i < pg_location.count; i++) {
		size_t at = (good + i) % pg_location.count;
		if (now_ms() >= until)
			break;
		connection = try_host(&pg_location.place[at], sooner(until, now_ms() + HOST_MS), &why);
		if (connection)
			good = at;
	}
	if (!connection)
		no_host(why);
	PQsetNoticeReceiver(connection, take_notice, NULL);
	PQsetnonblocking(connection, 1);
	PQenterPipelineMode(connection);
}

bool pg_is_connected(void)
{
	return connection;
}

void pg_disconnect(void)
{
	PQclear(pg_answer);
	PQfinish(connection);
	pg_answer = NULL;
	connection = NULL;
	queued = 0;
	backend = 0;
	memset(prepared, 0, sizeof prepared);
}

/* Unasked a server says nothing but that it ends. */
bool pg_is_sound(void)
{
	struct pollfd p = { .fd = PQsocket(connection), .events = POLLIN };
	return queued || (PQstatus(connection) == CONNECTION_OK && poll(&p, 1, 0) == 0);
}

/* ---- sending ----------------------------------------------------------- */

static _Noreturn void connection_failed(const char *what)
{
	pg_failed("", what, words_of(PQerrorMessage(connection)));
}

static void note(int of)
{
	if (queued == QUEUE_MAX)
		fail(ERROR_INTERNAL, "PG4", "too many statements are queued", NULL);
	queue[queued++] = of;
}

static const char *name_of(enum statement id)
{
	static char name[4] = "s00";
	name[1] = (char)('0' + id / 10);
	name[2] = (char)('0' + id % 10);
	return name;
}

static void prepare(enum statement id, const struct args *a)
{
	if (prepared[id])
		return;
	if (!PQsendPrepare(connection, name_of(id), pg_sql[id], a->count, a->type))
		connection_failed(pg_sql[id]);
	note(OF_PREPARE);
	prepared[id] = true;
}

static bool changes(enum statement id)
{
	return strchr("IUD", pg_sql[id][0]);    /* INSERT, UPDATE, DELETE */
}

void pg_queue(enum statement id, const struct args *a)
{
	static const struct args none;
	int sent;
	if (state_is_vain() && changes(id))
		return;
	a = a ? a : &none;
	if (queued > QUEUE_MAX - 8)
		pg_settle();
	if (prepares) {
		prepare(id, a);
		sent = PQsendQueryPrepared(connection, name_of(id), a->count, a->value, a->length, a->format, 1);
	} else {
		sent = PQsendQueryParams(connection, pg_sql[id], a->count, a->type, a->value, a->length, a->format, 1);
	}
	if (!sent)
		connection_failed(pg_sql[id]);
	note((int)id);
}

void pg_queue_text(const char *sql)
{
	if (!PQsendQueryParams(connection, sql, 0, NULL, NULL, NULL, NULL, 1))
		connection_failed(sql);
	note(OF_TEXT);
}

void pg_queue_flush(void)
{
	if (!PQsendFlushRequest(connection))
		connection_failed("flush");
}

/* ---- receiving --------------------------------------------------------- */

static const char *what_of(int of)
{
	return of < SQL__MAX ? pg_sql[of] : of == OF_PREPARE ? "prepare" : "schema";
}

/* Writes what is to be written, and reads until the next answer is whole. */
static PGresult *receive(const char *what)
{
	int64_t until = limit();
	for (;;) {
		int unsent = PQflush(connection);
		if (unsent < 0 || PQstatus(connection) != CONNECTION_OK)
			connection_failed(what);
		if (!unsent && !PQisBusy(connection))
			return PQgetResult(connection);
		if (!wait_for(connection, unsent ? POLLIN | POLLOUT : POLLIN, until))
			pg_failed("57014", what, "no answer in time");
		if (!PQconsumeInput(connection))
			connection_failed(what);
	}
}

static _Noreturn void answer_failed(const PGresult *r, const char *what)
{
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE), *words = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
	pg_failed(state ? state : "", what, words ? words : words_of(PQresultErrorMessage(r)));
}

/* COMMIT of a transaction that had failed is answered ROLLBACK. */
static void look_at_answer(PGresult *r, int of)
{
	ExecStatusType s = PQresultStatus(r);
	if (s != PGRES_TUPLES_OK && s != PGRES_COMMAND_OK)
		answer_failed(r, what_of(of));
	if (of == SQL_COMMIT && strcmp(PQcmdStatus(r), "COMMIT") != 0)
		pg_failed("40000", "COMMIT", "the transaction was rolled back");
	if (of == SQL_NOW)
		backend = (int32_t)col_int(0, 0);
}

/* The answers to all that is queued, in its order; the last one is kept. */
static void receive_all(void)
{
	for (size_t i = 0; i < queued; i++) {
		PGresult *r = receive(what_of(queue[i]));
		if (!r)
			connection_failed(what_of(queue[i]));
		PQclear(pg_answer);
		pg_answer = r;
		look_at_answer(r, queue[i]);
		if ((r = receive(what_of(queue[i]))))      /* each answer ends with a NULL */
			PQclear(r);
	}
	queued = 0;
	PGresult *sync = receive("sync");
	bool synced = PQresultStatus(sync) == PGRES_PIPELINE_SYNC;
	PQclear(sync);
	if (!synced)
		connection_failed("sync");
}

void pg_settle(void)
{
	if (!queued)
		return;
	if (!PQpipelineSync(connection))
		connection_failed("sync");
	receive_all();
}

int64_t pg_ask(enum statement id, const struct args *a)
{
	if (state_is_vain() && changes(id))
		return 0;
	pg_batch_write();
	pg_queue(id, a);
	pg_settle();
	if (PQresultStatus(pg_answer) == PGRES_TUPLES_OK)
		return PQntuples(pg_answer);
	return strtoll(PQcmdTuples(pg_answer), NULL, 10);
}

/* ---- cancelling -------------------------------------------------------- */

int32_t pg_backend(void)
{
	return backend;
}

/* Sends and waits for the answer, whatever it is. */
static void ask_to_cancel(PGconn *c, int32_t process, int64_t until)
{
	const char *pid = dec(process);
	if (!PQsendQueryParams(c, pg_sql[SQL_CANCEL], 1, NULL, &pid, NULL, NULL, 0))
		return;
	while (PQflush(c) > 0 || PQisBusy(c))
		if (!wait_for(c, POLLIN, until) || !PQconsumeInput(c))
			return;
}

void pg_cancel(int32_t process)
{
	const char *why = NULL;
	int64_t until = now_ms() + CANCEL_MS;
	PGconn *c = try_host(&pg_location.place[good], until, &why);
	if (c)
		ask_to_cancel(c, process, until);
	PQfinish(c);
}
