/*
 * postgres_check: what `latchkey check` asks of the database, and what each host that serves tells of itself there. See store/upkeep.h.
 *
 * A host is a row of `front`, written once a minute by its workers: its name, version, keys and clock, and when the database was
 * told. So one host sees of the others what would sign users out: clocks that are apart, and keys that not all have.
 */
#include "store/upkeep.h"

#include "store/postgres.h"

#include <string.h>
#include <unistd.h>

#ifndef LK_VERSION
#define LK_VERSION "unversioned"
#endif

enum {
	LAG_MOST = 64 * 1024 * 1024,    /* bytes of WAL */
	APART_WARN = 5, APART_FAIL = 60,        /* seconds between two clocks */
	UNSEEN_SECONDS = 180,
	FRONTS_MOST = 64,
	NAME_MOST = 64, KIDS_MOST = 1024        /* bytes */
};

static void check_server(const struct store_report *r)
{
	const char *tls = pg_location.plain ? ", without TLS" : ", TLS";
	pg_ask(SQL_SERVER, NULL);
	const char *version = slice_text(col_bytes(0, 0, 64));
	r->tell(r->who, pg_location.exposed ? FOUND_WARN : FOUND_OK, "server", text_join("PostgreSQL ", version, tls, NULL),
		"a host is another one: nobody else may be on that network");
}

/* Sign-ins and ends that only one disk has can be lost with it. */
static void check_synchronous(const struct store_report *r)
{
	pg_ask(SQL_SYNCHRONOUS, NULL);
	struct slice names = col_bytes(0, 0, 1024);
	int64_t standbys = col_number(0, 1);
	enum finding none = pg_location.count > 1 ? FOUND_FAIL : FOUND_WARN;
	enum finding f = names.n == 0 ? none : standbys ? FOUND_OK : FOUND_WARN;
	const char *found = names.n ? text_join("synchronous_standby_names = ", slice_text(names), ", connected: ", dec(standbys), NULL)
		: "synchronous_standby_names is empty";
	r->tell(r->who, f, "standby", found, names.n ? "sign-ins wait until a standby is back" : "a lost primary takes sign-ins and sign-outs along: set it");
}

static void check_connections(const struct store_report *r)
{
	pg_ask(SQL_CONNECTIONS, NULL);
	int64_t most = col_number(0, 0), taken = col_number(0, 1);
	r->tell(r->who, taken * 10 > most * 8 ? FOUND_WARN : FOUND_OK, "connections", text_join(dec(taken), " of ", dec(most), NULL),
		"workers beyond the limit get none: raise max_connections");
}

/* How far behind the slowest standby is, in what it has applied. */
static void check_lag(const struct store_report *r)
{
	if (pg_ask(SQL_LAG, NULL) == 0)
		return;
	int64_t behind = col_number(0, 0);
	r->tell(r->who, behind > LAG_MOST ? FOUND_WARN : FOUND_OK, "lag", text_join(slice_text(col_bytes(0, 1, NAME_MOST)), " is ", dec(behind / 1024), " KiB behind", NULL),
		"so much takes its time to be taken over: see what slows the standby");
}

/* Beyond 120 s access tokens of one host are refused by another: from the future. */
static enum finding by_distance(int64_t seconds)
{
	seconds = seconds < 0 ? -seconds : seconds;
	return seconds > APART_FAIL ? FOUND_FAIL : seconds > APART_WARN ? FOUND_WARN : FOUND_OK;
}

static const char *apart(int64_t ahead)
{
	return text_join(dec(ahead < 0 ? -ahead : ahead), " s ", ahead < 0 ? "behind" : "ahead of", NULL);
}

static void check_time(const struct store_report *r)
{
	pg_ask(SQL_CLOCK, NULL);
	int64_t ahead = now() - col_number(0, 0);
	r->tell(r->who, by_distance(ahead), "time", text_join("this host's clock is ", apart(ahead), " the database's", NULL), "run NTP on both");
}

/* ---- fronts ------------------------------------------------------------ */

void store_front(struct slice kids)
{
	struct args a = { 0 };
	char name[65] = "";
	gethostname(name, sizeof name - 1);
	arg_int(arg_text(arg_text(arg_text(&a, slice_of(name)), S(LK_VERSION)), kids), now());
	pg_queue(SQL_BEGIN, NULL);
	pg_queue(SQL_LATER, NULL);
	pg_queue(SQL_FRONT, &a);
	pg_queue(SQL_FRONTS_SWEEP, NULL);
	pg_ask(SQL_COMMIT, NULL);
}

/* The first word of `kids` that isn't among those of `other`; empty: all are. */
static struct slice missing_in(struct slice other, struct slice kids)
{
	while (kids.n) {
		struct slice kid = slice_cut(&kids, ' '), rest = other;
		bool found = false;
		while (rest.n && !found)
			found = slice_is(slice_cut(&rest, ' '), kid);
		if (!found)
			return kid;
	}
	return SLICE_NONE;
}

/* Whoever signs with a key that others don't have signs their users out. */
static void check_kids(const struct store_report *r, const char *name, struct slice theirs)
{
	struct slice ours = r->kids, rest = theirs, lacks = missing_in(theirs, ours), we_lack = missing_in(ours, theirs);
	struct slice our_signer = slice_cut(&ours, ' '), their_signer = slice_cut(&rest, ' ');
	bool refused = slice_is(lacks, our_signer) || missing_in(r->kids, their_signer).n;
	if (lacks.n || we_lack.n)
		r->tell(r->who, refused ? FOUND_FAIL : FOUND_WARN, "front", lacks.n ? text_join(name, " lacks key ", slice_text(lacks), NULL)
			: text_join("this host lacks key ", slice_text(we_lack), " of ", name, NULL),
			refused ? "it signs already, and what it signs is refused there: copy latchkey.key" : "copy latchkey.key, before latchkey key use");
}

/* Of the last answer, by its row. */
struct front {
	const char *name, *version;
	struct slice kids;
	int64_t ahead, unseen;
};

static struct front front_from(int row)
{
	return (struct front){
		.name = slice_text(col_bytes(row, 0, NAME_MOST)), .version = slice_text(col_bytes(row, 1, NAME_MOST)),
		.kids = col_bytes(row, 2, KIDS_MOST), .ahead = col_number(row, 3), .unseen = col_number(row, 4),
	};
}

static void check_front(const struct store_report *r, const struct front *f)
{
	bool gone = f->unseen > UNSEEN_SECONDS, old = strcmp(f->version, LK_VERSION) != 0;
	enum finding clock = by_distance(f->ahead);
	const char *found = text_join(f->name, ": ", f->version, gone ? ", not seen for " : ", ", gone ? dec(f->unseen) : apart(f->ahead), gone ? " s" : " the database", NULL);
	r->tell(r->who, clock == FOUND_OK && (gone || old) ? FOUND_WARN : gone ? FOUND_WARN : clock, "front", found,
		gone ? "where it is out of service for good, its row goes after a week" : clock ? "run NTP there" : "another version than this host's: bring all to one");
	if (!gone && r->kids.n)
		check_kids(r, f->name, f->kids);
}

static void check_fronts(const struct store_report *r)
{
	struct front front[FRONTS_MOST];
	int64_t count = pg_ask(SQL_FRONTS, NULL);
	for (int i = 0; i < count; i++)
		front[i] = front_from(i);
	for (int i = 0; i < count; i++)
		check_front(r, &front[i]);
}

void store_check(const struct store_report *report)
{
	check_server(report);
	check_synchronous(report);
	check_lag(report);
	check_connections(report);
	check_time(report);
	check_fronts(report);
}
