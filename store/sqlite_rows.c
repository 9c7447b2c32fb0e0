/*
 * sqlite_rows: users and sessions, a row each. See store.h for what each verb promises.
 */
#include "store/sqlite.h"

#include "store/sqlite_agent.h"

#include <string.h>

enum {
	SWEEP_ROWS = 8,               /* looked at at each sign-in, which adds one row */
	HASH_MAX = 512,               /* bytes of a stored password: the longest is some 200 */
	ADDRESS_MAX = 64              /* bytes of an address as text */
};

/* ---- users ------------------------------------------------------------- */

/* One column holds all three, a line each: every refresh reads it, and for most users it is empty. */
static struct slice pack_profile(const struct profile *p)
{
	struct buf b = { 0 };
	if (p->groups.n + p->email.n + p->name.n == 0)
		return SLICE_NONE;
	buf_add(&b, p->groups);
	buf_c(&b, '\n');
	buf_add(&b, p->email);
	buf_c(&b, '\n');
	buf_add(&b, p->name);
	return buf_slice(&b);
}

static struct profile unpack_profile(struct slice lines)
{
	struct profile p = { .groups = slice_cut(&lines, '\n') };
	p.email = slice_cut(&lines, '\n');
	p.name = lines;
	return p;
}

static struct user user_from(sqlite3_stmt *st)
{
	return (struct user){
		.id = (uint64_t)sql_int(st, 0),
		.name = sql_text(st, 1, LIMIT_USERNAME),
		.password = sql_text(st, 2, HASH_MAX),
		.subscription = sql_text(st, 3, LIMIT_SUBSCRIPTION),
		.created_at = sql_number(st, 4),
		.disabled = sql_int(st, 5) != 0,
		.profile = unpack_profile(sql_text(st, 6, LIMIT_PROFILE)),
	};
}

/* Reads the one row, if there is one. */
static bool one_user(sqlite3_stmt *st, struct user *out)
{
	bool found = sql_row(st);
	if (found)
		*out = user_from(st);
	sqlite3_reset(st);
	return found;
}

bool store_user_named(struct slice name, struct user *out)
{
	sqlite3_stmt *st = sql_prepare(SQL_USER_NAMED);
	sql_bind_text(st, 1, name);
	return one_user(st, out);
}

/* 0 is nobody: sql_key(). */
bool store_user(uint64_t id, struct user *out)
{
	if (id == 0)
		return false;
	sqlite3_stmt *st = sql_prepare(SQL_USER);
	sql_bind_int(st, 1, (int64_t)id);
	return one_user(st, out);
}

bool store_user_near(struct slice name, struct user *out)
{
	sqlite3_stmt *st = sql_prepare(SQL_USER_NEAR);
	sql_bind_text(st, 1, name);
	return one_user(st, out);
}

bool store_user_add(const struct user *u)
{
	sqlite3_stmt *st = sql_prepare(SQL_USER_ADD);
	sql_bind_int(st, 1, (int64_t)u->id);
	sql_bind_text(st, 2, u->name);
	sql_bind_text(st, 3, u->password);
	sql_bind_text(st, 4, u->subscription);
	sql_bind_int(st, 5, u->created_at);
	sql_bind_int(st, 6, u->disabled);
	sql_bind_text(st, 7, pack_profile(&u->profile));
	bool added = sql_row(st);
	sqlite3_reset(st);
	return added;
}

static void user_set_text(enum statement id, uint64_t user, struct slice value)
{
	sqlite3_stmt *st = sql_prepare(id);
	sql_bind_int(st, 1, (int64_t)user);
	sql_bind_text(st, 2, value);
	sql_finish(st);
}

bool store_user_rename(uint64_t id, struct slice name)
{
	user_set_text(SQL_USER_RENAME, id, name);
	return sql_changed() > 0;
}

void store_user_password(uint64_t id, struct slice phc)
{
	user_set_text(SQL_USER_PASSWORD, id, phc);
}

void store_user_subscription(uint64_t id, struct slice json)
{
	user_set_text(SQL_USER_SUBSCRIPTION, id, json);
}

void store_user_profile(uint64_t id, const struct profile *p)
{
	user_set_text(SQL_USER_PROFILE, id, pack_profile(p));
}

void store_user_disable(uint64_t id, bool disabled)
{
	sqlite3_stmt *st = sql_prepare(SQL_USER_DISABLE);
	sql_bind_int(st, 1, (int64_t)id);
	sql_bind_int(st, 2, disabled);
	sql_finish(st);
}

/* 0 is nobody: sql_key(). */
static struct slice user_bytes(enum statement id, uint64_t user, size_t max)
{
	struct slice out = SLICE_NONE;
	sqlite3_stmt *st = sql_prepare(id);
	sql_bind_int(st, 1, (int64_t)user);
	if (user && sql_row(st)) {
		struct slice all = sql_blob(st, 0);
		out = arena_copy((struct slice){ all.p, all.n < max ? all.n : max });
	}
	sqlite3_reset(st);
	return out;
}

static void user_set_bytes(enum statement id, uint64_t user, struct slice value)
{
	sqlite3_stmt *st = sql_prepare(id);
	sql_bind_int(st, 1, (int64_t)user);
	sql_bind_blob(st, 2, value);
	sql_finish(st);
}

struct slice store_user_factor(uint64_t id)
{
	return user_bytes(SQL_USER_FACTOR, id, LIMIT_FACTOR);
}

void store_user_factor_set(uint64_t id, struct slice factor)
{
	user_set_bytes(SQL_USER_FACTOR_SET, id, factor);
}

struct slice store_user_keys(uint64_t id)
{
	return user_bytes(SQL_USER_KEYS, id, LIMIT_CREDENTIALS);
}

void store_user_keys_set(uint64_t id, struct slice keys)
{
	user_set_bytes(SQL_USER_KEYS_SET, id, keys);
}

void store_user_delete(uint64_t id)
{
	static const enum statement steps[] = { SQL_USER_DELETE_SESSIONS, SQL_USER_DELETE };
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		sqlite3_stmt *st = sql_prepare(steps[i]);
		sql_bind_int(st, 1, (int64_t)id);
		sql_finish(st);
	}
}

/* A name as it is written here. A page goes on behind its last name: one that is cut, here or at a NUL, would be read again and again. */
static bool has_name(sqlite3_stmt *st)
{
	size_t n = (size_t)sqlite3_column_bytes(st, 1);
	return sqlite3_column_type(st, 1) == SQLITE_TEXT && n <= LIMIT_USERNAME && !memchr(sqlite3_column_text(st, 1), 0, n);
}

size_t store_users(struct slice after, struct user out[LIMIT_LIST])
{
	sqlite3_stmt *st = sql_prepare(SQL_USERS);
	size_t n = 0;
	sql_bind_text(st, 1, after);
	while (n < LIMIT_LIST && sql_row(st))
		if (has_name(st))
			out[n++] = user_from(st);
	sqlite3_reset(st);
	return n;
}

/* ---- sessions ---------------------------------------------------------- */

/*
 * Column `cookie` has more than its name says: the mode (0: body, 1: cookie, 2: one that the browser forgets), and behind it what
 * a session of OAuth has. A session of the app API has none of that, so its number is what it was before version 5.
 */
enum { MODE_BITS = 3, SCOPE_AT = 2, AMR_AT = SCOPE_AT + SCOPE__BITS, SSO_AT = AMR_AT + AMR__BITS };

static int64_t bits_of(const struct session *s)
{
	return s->cookie + s->brief + ((int64_t)s->scope << SCOPE_AT) + ((int64_t)s->amr << AMR_AT) + ((int64_t)s->sso << SSO_AT);
}

static struct session session_from(sqlite3_stmt *st)
{
	const uint64_t bits = (uint64_t)sql_int(st, 10);
	return (struct session){
		.id = (uint64_t)sql_int(st, 0),
		.user = (uint64_t)sql_key(st, 1),
		.ctr = sql_number(st, 2),
		.br = (uint64_t)sql_int(st, 3),
		.idem = (uint64_t)sql_int(st, 4),
		.rotated_at = sql_number(st, 5),
		.created_at = sql_number(st, 6),
		.expires_at = sql_number(st, 7),
		.ended_at = sql_end(st, 8),
		.why = (enum ended)sql_enum(st, 9, ENDED_UNKNOWN),
		.cookie = bits & MODE_BITS,
		.brief = (bits & MODE_BITS) == 2,
		.device = sql_text(st, 11, LIMIT_DEVICE),
		.agent = agent_unpack(sql_blob(st, 12)),
		.ip = sql_text(st, 13, ADDRESS_MAX),
		.strays = sql_number(st, 14),
		.client = sql_text(st, 15, LIMIT_CLIENT),
		.scope = bits >> SCOPE_AT & ((1 << SCOPE__BITS) - 1),
		.amr = bits >> AMR_AT & ((1 << AMR__BITS) - 1),
		.sso = bits >> SSO_AT & 1,
	};
}

bool store_session(uint64_t id, struct session *out)
{
	sqlite3_stmt *st = sql_prepare(SQL_SESSION);
	sql_bind_int(st, 1, (int64_t)id);
	bool found = sql_row(st);
	if (found)
		*out = session_from(st);
	sqlite3_reset(st);
	return found;
}

/*
 * The turn locks every row. A caller outside of a transaction, to whom another store gives no lock,
 * is found here.
 */
bool store_session_lock(uint64_t id, struct session *out)
{
	if (!db_is_in_transaction())
		fail(ERROR_INTERNAL, "ST13", "a row is locked outside of a transaction", NULL);
	return store_session(id, out);
}

bool store_session_and_user(uint64_t id, bool lock, struct session *s, struct user *u)
{
	return (lock ? store_session_lock : store_session)(id, s) && store_user(s->user, u);
}

void store_session_add(const struct session *s)
{
	sqlite3_stmt *st = sql_prepare(SQL_SESSION_ADD);
	const int64_t numbers[] = {
		(int64_t)s->id, (int64_t)s->user, s->ctr, (int64_t)s->br, (int64_t)s->idem, s->rotated_at,
		s->created_at, s->expires_at, s->ended_at, s->why, bits_of(s),
	};
	size_t mark = arena_mark();
	int at = 0;
	while (at < (int)(sizeof numbers / sizeof *numbers)) {
		sql_bind_int(st, at + 1, numbers[at]);
		at++;
	}
	sql_bind_text(st, at + 1, s->device);
	sql_bind_blob(st, at + 2, agent_pack(s->agent));
	sql_bind_text(st, at + 3, s->ip);
	sql_bind_int(st, at + 4, s->strays);
	sql_bind_text(st, at + 5, s->client);
	sql_finish(st);
	arena_back(mark);
}

void store_session_rotate(const struct session *s)
{
	sqlite3_stmt *st = sql_prepare(SQL_SESSION_ROTATE);
	sql_bind_int(st, 1, (int64_t)s->id);
	sql_bind_int(st, 2, s->ctr);
	sql_bind_int(st, 3, (int64_t)s->br);
	sql_bind_int(st, 4, (int64_t)s->idem);
	sql_bind_int(st, 5, s->rotated_at);
	sql_bind_int(st, 6, s->strays);
	sql_finish(st);
}

void store_session_move(const struct session *s)
{
	sqlite3_stmt *st = sql_prepare(SQL_SESSION_MOVE);
	size_t mark = arena_mark();
	sql_bind_int(st, 1, (int64_t)s->id);
	sql_bind_blob(st, 2, agent_pack(s->agent));
	sql_bind_text(st, 3, s->ip);
	sql_finish(st);
	arena_back(mark);
}

bool store_session_end(uint64_t id, enum ended why, int64_t at)
{
	sqlite3_stmt *st = sql_prepare(SQL_SESSION_END);
	sql_bind_int(st, 1, (int64_t)id);
	sql_bind_int(st, 2, at);
	sql_bind_int(st, 3, why);
	sql_finish(st);
	return sql_changed() > 0;
}

int64_t store_sessions_end(uint64_t user, uint64_t except, enum ended why, int64_t at)
{
	sqlite3_stmt *st = sql_prepare(SQL_SESSIONS_END);
	sql_bind_int(st, 1, (int64_t)user);
	sql_bind_int(st, 2, at);
	sql_bind_int(st, 3, why);
	sql_bind_int(st, 4, (int64_t)except);
	sql_finish(st);
	return sql_changed();
}

int64_t store_sessions_end_sso(uint64_t user, enum ended why, int64_t at)
{
	sqlite3_stmt *st = sql_prepare(SQL_SESSIONS_END_SSO);
	sql_bind_int(st, 1, (int64_t)user);
	sql_bind_int(st, 2, at);
	sql_bind_int(st, 3, why);
	sql_bind_int(st, 4, INT64_C(1) << SSO_AT);
	sql_finish(st);
	return sql_changed();
}

bool store_sessions_end_all(int64_t *after, enum ended why, int64_t at, int64_t *ended)
{
	sqlite3_stmt *st = sql_prepare(SQL_SESSIONS_SLICE);
	sql_bind_int(st, 1, *after);
	sql_bind_int(st, 2, STORE_SLICE - 1);
	bool more = sql_row(st);
	int64_t last = more ? sql_int(st, 0) : INT64_MAX;
	sqlite3_reset(st);
	st = sql_prepare(SQL_SESSIONS_END_ALL);
	sql_bind_int(st, 1, at);
	sql_bind_int(st, 2, why);
	sql_bind_int(st, 3, *after);
	sql_bind_int(st, 4, last);
	sql_finish(st);
	*after = last;
	*ended = sql_changed();
	return more;
}

/* Whether there are `most` rows of a user, which the index alone tells. */
static bool has_many(uint64_t user, int64_t most)
{
	sqlite3_stmt *st = sql_prepare(SQL_SESSIONS_MANY);
	sql_bind_int(st, 1, (int64_t)user);
	sql_bind_int(st, 2, most);
	bool found = sql_row(st);
	sqlite3_reset(st);
	return found;
}

int64_t store_sessions_trim(uint64_t user, struct slice client, int64_t most, enum ended why, int64_t at)
{
	if (!has_many(user, most))
		return 0;
	sqlite3_stmt *st = sql_prepare(SQL_SESSIONS_SURPLUS);
	sql_bind_int(st, 1, (int64_t)user);
	sql_bind_int(st, 2, at);
	sql_bind_int(st, 3, why);
	sql_bind_int(st, 4, most);
	sql_bind_text(st, 5, client);
	sql_finish(st);
	int64_t ended = sql_changed();
	st = sql_prepare(SQL_SESSIONS_BURY);
	sql_bind_int(st, 1, (int64_t)user);
	sql_bind_int(st, 2, most);
	sql_bind_int(st, 3, at - STORE_TICKET);
	sql_bind_text(st, 4, client);
	sql_finish(st);
	return ended;
}

size_t store_sessions_used(uint64_t user, int64_t used, uint64_t after, struct session out[LIMIT_LIST])
{
	sqlite3_stmt *st = sql_prepare(SQL_SESSIONS_USED);
	size_t n = 0;
	sql_bind_int(st, 1, (int64_t)user);
	sql_bind_int(st, 2, used);
	sql_bind_int(st, 3, (int64_t)after);
	sql_bind_int(st, 4, LIMIT_LIST);
	while (sql_row(st))
		out[n++] = session_from(st);
	return n;
}

size_t store_sessions(uint64_t user, uint64_t after, struct session out[LIMIT_LIST])
{
	sqlite3_stmt *st = sql_prepare(user ? SQL_SESSIONS : SQL_SESSIONS_ALL);
	size_t n = 0;
	if (user)
		sql_bind_int(st, 1, (int64_t)user);
	sql_bind_int(st, 2, (int64_t)after);
	sql_bind_int(st, 3, LIMIT_LIST);
	while (sql_row(st))
		out[n++] = session_from(st);
	return n;
}

int64_t store_sweep(int64_t time, int64_t refresh_ttl)
{
	sqlite3_stmt *st = sql_prepare(SQL_SWEEP);
	sql_bind_int(st, 1, (int64_t)random_id());
	sql_bind_int(st, 2, SWEEP_ROWS);
	sql_bind_int(st, 3, time - (refresh_ttl > STORE_TICKET ? refresh_ttl : STORE_TICKET));
	sql_bind_int(st, 4, time - STORE_TICKET);
	sql_finish(st);
	return sql_changed();
}
