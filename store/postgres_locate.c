/*
 * postgres_locate: what the option `store` may say.
 *
 *   store = postgresql://latchkey@10.0.0.1,10.0.0.2:5433/latchkey
 *   store = postgresql://latchkey@/latchkey?host=/run/postgresql
 *
 * Hosts are addresses or directories of sockets: the sandbox has no resolver. A password has no place in it; libpq reads
 * DIR/latchkey.pgpass. Where a host is another one, TLS is asked for, and the host's certificate looked at with
 * DIR/latchkey.crt, unless it says sslmode=disable, for a network that nobody else is on.
 */
#include "store/postgres.h"

#include "base/address.h"
#include "base/file.h"
#include "store/upkeep.h"

#include <stdlib.h>
#include <string.h>

struct location pg_location;

/* A copy that stays: the arena is taken back between requests. */
static const char *keep(const char *text)
{
	char *copy = strdup(text);
	if (!copy)
		fail(ERROR_STORE_UNAVAILABLE, "PG2", "no memory", NULL);
	return copy;
}

/* What libpq makes of the URI, of one keyword; "" where it says nothing of it. */
static const char *part(const PQconninfoOption *o, const char *keyword)
{
	for (; o->keyword; o++)
		if (strcmp(o->keyword, keyword) == 0)
			return o->val ? o->val : "";
	return "";
}

static const char *find_foreign(const PQconninfoOption *o)
{
	static const char *const known[] = { "host", "port", "user", "dbname", "sslmode", "target_session_attrs", NULL };
	for (; o->keyword; o++) {
		size_t i = 0;
		while (known[i] && strcmp(known[i], o->keyword) != 0)
			i++;
		if (o->val && !known[i])
			return o->keyword;
	}
	return NULL;
}

static const char *add_place(struct slice host, struct slice port)
{
	struct address a;
	int64_t number = 5432;
	struct location *l = &pg_location;
	bool is_socket = host.n && *host.p == '/';
	if (l->count == PLACES_MAX)
		return "has more than 8 hosts";
	if (!is_socket && !address_parse(host, &a))
		return "must name each host by its address, or by the directory of its socket: no name can be looked up";
	if (port.n && !parse_number(port, 1, 65535, &number))
		return "has a port that is none";
	l->place[l->count++] = (struct place){
		.host = keep(slice_text(host)), .port = keep(dec(number)), .local = is_socket || address_is_loopback(&a)
	};
	return NULL;
}

/* Hosts and ports lie between commas; one port counts for all. */
static const char *find_places(struct slice hosts, struct slice ports)
{
	const char *wrong = NULL;
	bool one = !memchr(ports.n ? ports.p : "", ',', ports.n);
	struct slice all = ports;
	while (!wrong && hosts.p) {
		struct slice host = slice_cut(&hosts, ',');
		wrong = add_place(host, one ? all : slice_cut(&ports, ','));
	}
	return wrong;
}

static bool is_remote(void)
{
	for (size_t i = 0; i < pg_location.count; i++)
		if (!pg_location.place[i].local)
			return true;
	return false;
}

static const char *find_tls(struct slice mode)
{
	struct location *l = &pg_location;
	bool off = slice_is(mode, S("disable")), remote = is_remote();
	if (mode.n && !off && !slice_is(mode, S("verify-full")))
		return "may have sslmode=verify-full or sslmode=disable: the others look at no certificate";
	l->plain = off || (!remote && mode.n == 0);
	l->exposed = off && remote;
	if (!l->plain && !PQsslAttribute(NULL, "library"))
		return "needs TLS for a host that is another one, which this build lacks: use a pgbouncer on this host, or make pg B=glibc";
	return NULL;
}

static const char *take_parts(const PQconninfoOption *o, const char *dir)
{
	struct location *l = &pg_location;
	const char *attrs = part(o, "target_session_attrs"), *foreign = find_foreign(o);
	if (*part(o, "password"))
		return "must not hold a password; libpq reads it from latchkey.pgpass in the data directory";
	if (foreign)
		return text_join("may not have ", foreign, NULL);
	if (*attrs && strcmp(attrs, "read-write") != 0)
		return "may have target_session_attrs=read-write, and no other";
	if (!*part(o, "user") || !*part(o, "dbname") || !*part(o, "host"))
		return "must name user, host and database: postgresql://latchkey@127.0.0.1/latchkey";
	*l = (struct location){ .user = keep(part(o, "user")), .database = keep(part(o, "dbname")) };
	l->passfile = keep(path_in(dir, "latchkey.pgpass"));
	l->rootcert = keep(path_in(dir, "latchkey.crt"));
	const char *wrong = find_places(slice_of(part(o, "host")), slice_of(part(o, "port")));
	return wrong ? wrong : find_tls(slice_of(part(o, "sslmode")));
}

const char *store_locate(struct slice where, const char *dir)
{
	char *message = NULL;
	static struct slice last, last_dir;
	if (where.n == 0)
		return "store: must be set, as in store = postgresql://latchkey@127.0.0.1/latchkey";
	if (slice_is(last, where) && slice_is(last_dir, slice_of(dir)))
		return NULL;
	PQconninfoOption *o = slice_starts(where, S("postgresql://")) ? PQconninfoParse(slice_text(where), &message) : NULL;
	const char *wrong = o ? take_parts(o, dir) : "is no URI of PostgreSQL: postgresql://latchkey@127.0.0.1/latchkey";
	PQconninfoFree(o);
	PQfreemem(message);
	last = wrong ? SLICE_NONE : slice_of(keep(slice_text(where)));
	last_dir = slice_of(keep(dir));
	return wrong ? text_join("store: ", wrong, NULL) : NULL;
}

size_t store_ports(uint16_t out[STORE_PORTS_MAX])
{
	size_t n = 0;
	for (size_t i = 0; i < pg_location.count; i++)
		if (*pg_location.place[i].host != '/' && n < STORE_PORTS_MAX)
			out[n++] = (uint16_t)strtoul(pg_location.place[i].port, NULL, 10);
	return n;
}
