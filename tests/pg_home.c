/*
 * pg_home.c: for tests of latchkey-pg (make test B=pg). A data directory whose latchkey.conf names no store gets a database of its
 * own in the throw-away cluster of tests/pg.sh, when it is made; the file latchkey.pgdb in it has its name. So the tests run as they
 * are. It stands before the product's store_locate(), store_exists(), store_create() and store_open(), and before pg_queue(), to count
 * the commits that must last.
 */
#include "base/file.h"
#include "store.h"
#include "store/postgres.h"
#include "store/upkeep.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME = 24, PATH = 400, LINE = 400 };

const char *__real_store_locate(struct slice where, const char *dir);
const char *__wrap_store_locate(struct slice where, const char *dir);
bool __real_store_exists(const char *dir);
bool __wrap_store_exists(const char *dir);
void __real_store_create(const char *dir);
void __wrap_store_create(const char *dir);
void __real_store_open(const char *dir, int64_t seconds);
void __wrap_store_open(const char *dir, int64_t seconds);

void __real_pg_queue(enum statement id, const struct args *a);
void __wrap_pg_queue(enum statement id, const struct args *a);
/* For model.h. */
void pg_home_keep(int place);
void pg_home_put_back(int place);
int pg_home_lasted(void);

static int lasted;
static char last[NAME];                /* database that this process made, for tests that make one after the other */
static bool named;                     /* latchkey.conf says where */

static bool read_name(const char *dir, char name[NAME])
{
	char path[PATH];
	snprintf(path, sizeof path, "%s/latchkey.pgdb", dir);
	FILE *f = fopen(path, "r");
	bool found = f && fgets(name, NAME, f);
	if (f)
		fclose(f);
	return found;
}

static const char *locate(const char *name, const char *dir)
{
	char uri[PATH];
	snprintf(uri, sizeof uri, "postgresql://latchkey@/%s?host=%s", name, LK_PG_DIR);
	return __real_store_locate(slice_of(uri), dir);
}

const char *__wrap_store_locate(struct slice where, const char *dir)
{
	char name[NAME] = "none";
	named = where.n > 0;
	if (named)
		return __real_store_locate(where, dir);
	read_name(dir, name);
	return locate(name, dir);
}

bool __wrap_store_exists(const char *dir)
{
	char name[NAME];
	return named ? __real_store_exists(dir) : read_name(dir, name);
}

static void run(PGconn *c, const char *verb, const char *name, const char *more)
{
	char sql[200];
	snprintf(sql, sizeof sql, "%s %s %s", verb, name, more);
	PGresult *r = PQexec(c, sql);
	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		fail(ERROR_STORE_UNAVAILABLE, "TP1", sql, ": ", PQresultErrorMessage(r), NULL);
	PQclear(r);
}

static void make_database(const char *name)
{
	PGconn *c = PQconnectdb("dbname=postgres user=latchkey host=" LK_PG_DIR);
	if (PQstatus(c) != CONNECTION_OK)
		fail(ERROR_STORE_UNAVAILABLE, "TP2", PQerrorMessage(c), NULL);
	if (*last)
		run(c, "DROP DATABASE IF EXISTS", last, "WITH (FORCE)");
	run(c, "CREATE DATABASE", name, "TEMPLATE template0");
	PQfinish(c);
}

void __wrap_store_create(const char *dir)
{
	char name[NAME], path[PATH];
	if (named) {
		__real_store_create(dir);
		return;
	}
	snprintf(name, sizeof name, "t%llx", (unsigned long long)random_id());
	make_database(name);
	snprintf(last, sizeof last, "%s", name);
	snprintf(path, sizeof path, "%s/latchkey.pgdb", dir);
	FILE *f = fopen(path, "w");
	if (!f || fputs(name, f) < 0 || fclose(f) != 0)
		fail(ERROR_STORE_UNAVAILABLE, "TP3", path, NULL);
	locate(name, dir);
	__real_store_create(dir);
}

void __wrap_pg_queue(enum statement id, const struct args *a)
{
	lasted += id == SQL_NOW;
	__real_pg_queue(id, a);
}

/* How many commits had to last so far. */
int pg_home_lasted(void)
{
	return lasted;
}

/* Writes the line with the table's name for each '$', and the place's number for each '#'. */
static void fill_in(const char *line, int place, const char *table, char sql[LINE])
{
	size_t n = 0;
	for (; *line && n < LINE - NAME; line++)
		if (*line == '$')
			n += (size_t)snprintf(sql + n, NAME, "%s", table);
		else
			sql[n++] = (char)(*line == '#' ? '0' + place : *line);
	sql[n] = 0;
}

static void run_line(const char *sql)
{
	static PGconn *c;
	char where[PATH];
	snprintf(where, sizeof where, "dbname=%s user=latchkey host=" LK_PG_DIR, last);
	c = c ? c : PQconnectdb(where);
	PGresult *r = PQexec(c, sql);
	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		fail(ERROR_STORE_UNAVAILABLE, "TP4", sql, ": ", PQresultErrorMessage(r), NULL);
	PQclear(r);
}

/* Runs a line of SQL for each table of the last database. */
static void for_tables(int place, const char *line)
{
	static const char *const tables[] = { "users", "session", "audit", "meta" };
	char sql[LINE];
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		fill_in(line, place, tables[i], sql);
		run_line(sql);
	}
}

/* All rows of the database that this process made, kept in one of two places; and put back: what was committed since is lost. */
void pg_home_keep(int place)
{
	for_tables(place, "SET client_min_messages TO error; CREATE TABLE IF NOT EXISTS kept#_$ AS TABLE $ WITH NO DATA");
	for_tables(place, "TRUNCATE kept#_$; INSERT INTO kept#_$ TABLE $");
}

void pg_home_put_back(int place)
{
	for_tables(place, "TRUNCATE $; INSERT INTO $ OVERRIDING SYSTEM VALUE TABLE kept#_$");
	/* The next audit row has the next number. */
	run_line("ALTER SEQUENCE audit_id_seq RESTART; DO 'BEGIN PERFORM setval(''audit_id_seq'', max(id)) FROM audit HAVING max(id) > 0; END'");
}

/* Unit tests ask for no configuration. */
void __wrap_store_open(const char *dir, int64_t seconds)
{
	static char at[PATH];
	char name[NAME];
	if (!named && strcmp(at, dir) != 0) {
		snprintf(at, sizeof at, "%s", dir);
		locate(read_name(dir, name) ? name : "none", dir);
	}
	__real_store_open(dir, seconds);
}
