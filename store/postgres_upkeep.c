/*
 * postgres_upkeep: the schema, how it is made and brought up to date. See store/upkeep.h.
 * Backups are PostgreSQL's own business.
 *
 * Fronts are upgraded one by one, so equal versions aren't asked for: a program of schema v takes a database whose
 * readable_from is at most v. A step adds, and takes nothing away before all programs are new.
 */
#include "store/upkeep.h"

#include "store/postgres.h"

enum { VERB_SECONDS = 10 };             /* how long the operator waits for an answer */

const struct store_file store_files[STORE_FILES_MAX] = { { "latchkey.pgpass", false }, { NULL, false } };

const int store_version = 6;

const char *store_engine(void)
{
	return text_join("PostgreSQL, by libpq ", dec(PQlibVersion() / 10000), ".", dec(PQlibVersion() % 10000), NULL);
}

/* ---- schema ------------------------------------------------------------ */

/* Rows that are refreshed find room on their own page: no index has a column that a refresh changes. */
static const char *const schema[] = {
	"CREATE TABLE users(id bigint PRIMARY KEY, name text COLLATE \"C\" NOT NULL, password text NOT NULL, subscription bytea NOT NULL,"
	" created_at bigint NOT NULL, disabled bigint NOT NULL, profile bytea NOT NULL,"
	" factor bytea NOT NULL DEFAULT '', keys bytea NOT NULL DEFAULT '')",
	"CREATE UNIQUE INDEX users_name ON users(lower(name))",
	"CREATE TABLE session(id bigint PRIMARY KEY, \"user\" bigint NOT NULL, ctr bigint NOT NULL, br bigint NOT NULL, idem bigint NOT NULL,"
	" rotated_at bigint NOT NULL, created_at bigint NOT NULL, expires_at bigint NOT NULL, ended_at bigint NOT NULL, why bigint NOT NULL,"
	" cookie bigint NOT NULL, device bytea NOT NULL, agent bytea NOT NULL, ip bytea NOT NULL, strays bigint NOT NULL, client bytea NOT NULL)"
	" WITH (fillfactor=80)",
	"CREATE INDEX session_of_user ON session(\"user\")",
	"CREATE TABLE audit(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, time bigint NOT NULL, event bigint NOT NULL, \"user\" bigint NOT NULL,"
	" session bigint NOT NULL, ip bytea NOT NULL, class bigint NOT NULL, distance bigint NOT NULL, client bytea NOT NULL)",
	"CREATE INDEX audit_of_user ON audit(\"user\",id)",
	"CREATE TABLE front(name text PRIMARY KEY, version text NOT NULL, kids text NOT NULL, clock bigint NOT NULL, seen_at bigint NOT NULL)",
	"CREATE TABLE meta(version bigint NOT NULL, readable_from bigint NOT NULL, mark bigint NOT NULL, seen bigint NOT NULL)",
};

/* What each version added to that, for a database of an earlier one. The first with PostgreSQL was 5. */
static const struct { int version; const char *sql; } steps[] = {
	{ 6, "ALTER TABLE users ADD COLUMN factor bytea NOT NULL DEFAULT '', ADD COLUMN keys bytea NOT NULL DEFAULT ''" },
};

static void connect_for_verb(void)
{
	store_close();
	pg_open_unexamined(VERB_SECONDS);
}

/* Whether the database has latchkey's tables; *foreign: it has others of their names. */
static bool has_tables(bool *foreign)
{
	pg_ask(SQL_HAS_TABLES, NULL);
	bool meta = col_int(0, 0) != 0;
	*foreign = !meta && col_int(0, 1) != 0;
	return meta;
}

bool store_exists(const char *dir)
{
	bool foreign;
	(void)dir;
	connect_for_verb();
	bool found = has_tables(&foreign);
	if (foreign)
		fail(ERROR_STORE_UNAVAILABLE, "PG9", "the database has tables of another program; give latchkey one of its own", NULL);
	return found;
}

/* Two hosts that make it at once: the lock is held until the end, and the second finds the tables. */
void store_create(const char *dir)
{
	struct args version = { 0 };
	bool foreign;
	(void)dir;
	connect_for_verb();
	pg_queue(SQL_BEGIN, NULL);
	pg_ask(SQL_UPGRADE_LOCK, NULL);
	if (has_tables(&foreign) || foreign)
		fail(ERROR_STORE_UNAVAILABLE, "PG10", "the database isn't empty", NULL);
	for (size_t i = 0; i < sizeof schema / sizeof *schema; i++)
		pg_queue_text(schema[i]);
	pg_queue(SQL_META_ADD, arg_int(&version, store_version));
	pg_queue(SQL_NOW, NULL);
	pg_ask(SQL_COMMIT, NULL);
}

/* Of two hosts that do it at once the second finds nothing to do. Programs of the version before go on: readable_from stays. */
static int upgrade(void)
{
	struct args next = { 0 };
	pg_queue(SQL_BEGIN, NULL);
	pg_ask(SQL_UPGRADE_LOCK, NULL);
	pg_ask(SQL_VERSION, NULL);
	int version = (int)col_int(0, 0);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		if (steps[i].version > version)
			pg_queue_text(steps[i].sql);
	if (version < store_version)
		pg_queue(SQL_VERSION_SET, arg_int(&next, store_version));
	pg_queue(SQL_NOW, NULL);
	pg_ask(SQL_COMMIT, NULL);
	return version;
}

int store_upgrade(const char *dir)
{
	bool foreign;
	(void)dir;
	connect_for_verb();
	if (!has_tables(&foreign))
		fail(ERROR_STORE_UNAVAILABLE, "PG11", "the database has no tables of latchkey; run latchkey init", NULL);
	return upgrade();
}

/* ---- what another program does here ------------------------------------ */

static _Noreturn void not_here(void)
{
	fail(ERROR_STORE_UNAVAILABLE, "PG12", "nothing was changed: a copy by latchkey backup goes back by tar xf COPY -C DIR, as the owner of the data directory; "
		"the database by PostgreSQL's own means: pg_basebackup's copy and the archived WAL", NULL);
}

void store_restore(const char *dir, int from, int log)
{
	(void)dir, (void)from, (void)log;
	not_here();
}

void store_forget_restore(const char *dir)
{
	(void)dir;
}

void store_swap(const char *dir)
{
	(void)dir;
	not_here();
}
