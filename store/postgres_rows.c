/*
 * postgres_rows: users and sessions, a row each. See store.h for what each verb promises.
 */
#include "store/postgres.h"

enum {
	SWEEP_ROWS = 8,               /* looked at at each sign-in, which adds one row */
	HASH_MAX = 512,               /* bytes of a stored password: the longest is some 200 */
	ADDRESS_MAX = 64,             /* bytes of an address as text */
	SESSION_COLUMNS = 16          /* behind which a user's are */
};

/* Whatever is changed may be what a batch has read. */
static bool changed(int64_t rows)
{
	pg_expected_forget();
	return state_changed(rows);
}

/* ---- users ------------------------------------------------------------- */

/* One column holds all three, a line each. */
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

static struct user user_from(int row, int column)
{
	return (struct user){
		.id = (uint64_t)col_int(row, column),
		.name = col_bytes(row, column + 1, LIMIT_USERNAME),
		.password = col_bytes(row, column + 2, HASH_MAX),
		.subscription = col_bytes(row, column + 3, LIMIT_SUBSCRIPTION),
		.created_at = col_number(row, column + 4),
		.disabled = col_int(row, column + 5) != 0,
		.profile = unpack_profile(col_bytes(row, column + 6, LIMIT_PROFILE)),
	};
}

static bool one_user(enum statement id, const struct args *a, struct user *out)
{
	bool found = pg_ask(id, a) > 0;
	if (found)
		*out = user_from(0, 0);
	return found;
}

/* Names are ASCII; what isn't is nobody's, and PostgreSQL takes no other bytes for text. */
static bool is_name(struct slice name)
{
	return slice_printable(name, "");
}

bool store_user_named(struct slice name, struct user *out)
{
	struct args a = { 0 };
	return is_name(name) && one_user(SQL_USER_NAMED, arg_text(&a, name), out);
}

/* 0 is nobody. */
bool store_user(uint64_t id, struct user *out)
{
	struct args a = { 0 };
	return id && one_user(SQL_USER, arg_int(&a, (int64_t)id), out);
}

bool store_user_near(struct slice name, struct user *out)
{
	struct args a = { 0 };
	return one_user(SQL_USER_NEAR, arg_text(&a, is_name(name) ? name : SLICE_NONE), out);
}

bool store_user_add(const struct user *u)
{
	struct args a = { 0 };
	arg_text(arg_text(arg_int(&a, (int64_t)u->id), u->name), u->password);
	arg_bytes(&a, u->subscription);
	arg_int(arg_int(&a, u->created_at), u->disabled);
	arg_bytes(&a, pack_profile(&u->profile));
	return changed(pg_ask(SQL_USER_ADD, &a));
}

bool store_user_rename(uint64_t id, struct slice name)
{
	struct args a = { 0 };
	return changed(pg_ask(SQL_USER_RENAME, arg_text(arg_int(&a, (int64_t)id), name)));
}

static void write_row(enum statement id, const struct args *a)
{
	pg_queue(id, a);
	changed(1);
}

void store_user_password(uint64_t id, struct slice phc)
{
	struct args a = { 0 };
	write_row(SQL_USER_PASSWORD, arg_text(arg_int(&a, (int64_t)id), phc));
}

void store_user_subscription(uint64_t id, struct slice json)
{
	struct args a = { 0 };
	write_row(SQL_USER_SUBSCRIPTION, arg_bytes(arg_int(&a, (int64_t)id), json));
}

void store_user_profile(uint64_t id, const struct profile *p)
{
	struct args a = { 0 };
	write_row(SQL_USER_PROFILE, arg_bytes(arg_int(&a, (int64_t)id), pack_profile(p)));
}

void store_user_disable(uint64_t id, bool disabled)
{
	struct args a = { 0 };
	write_row(SQL_USER_DISABLE, arg_int(arg_int(&a, (int64_t)id), disabled));
}

/* A row that is read to be changed is locked. */
static struct slice user_bytes(enum statement look, enum statement lock, uint64_t id, size_t max)
{
	struct args a = { 0 };
	return pg_ask(state_in_transaction() ? lock : look, arg_int(&a, (int64_t)id)) > 0 ? col_bytes(0, 0, max) : SLICE_NONE;
}

static void user_set_bytes(enum statement statement, uint64_t id, struct slice value)
{
	struct args a = { 0 };
	write_row(statement, arg_bytes(arg_int(&a, (int64_t)id), value));
}

struct slice store_user_factor(uint64_t id)
{
	return user_bytes(SQL_USER_FACTOR, SQL_USER_FACTOR_LOCK, id, LIMIT_FACTOR);
}

void store_user_factor_set(uint64_t id, struct slice factor)
{
	user_set_bytes(SQL_USER_FACTOR_SET, id, factor);
}

struct slice store_user_keys(uint64_t id)
{
	return user_bytes(SQL_USER_KEYS, SQL_USER_KEYS_LOCK, id, LIMIT_CREDENTIALS);
}

void store_user_keys_set(uint64_t id, struct slice keys)
{
	user_set_bytes(SQL_USER_KEYS_SET, id, keys);
}

void store_user_delete(uint64_t id)
{
	struct args a = { 0 };
	arg_int(&a, (int64_t)id);
	write_row(SQL_USER_DELETE_SESSIONS, &a);
	write_row(SQL_USER_DELETE, &a);
}

size_t store_users(struct slice after, struct user out[LIMIT_LIST])
{
	struct args a = { 0 };
	size_t n = (size_t)pg_ask(SQL_USERS, arg_int(arg_text(&a, is_name(after) ? after : SLICE_NONE), LIMIT_LIST));
	for (size_t i = 0; i < n; i++)
		out[i] = user_from((int)i, 0);
	return n;
}

/* ---- sessions ---------------------------------------------------------- */

/*
 * Column `cookie` has the mode (0: body, 1: cookie, 2: one that the browser forgets), and behind it what a session of OAuth has:
 * the same bits as in the SQLite store.
 */
enum { MODE_BITS = 3, SCOPE_AT = 2, AMR_AT = SCOPE_AT + SCOPE__BITS, SSO_AT = AMR_AT + AMR__BITS };

static int64_t bits_of(const struct session *s)
{
	return s->cookie + s->brief + ((int64_t)s->scope << SCOPE_AT) + ((int64_t)s->amr << AMR_AT) + ((int64_t)s->sso << SSO_AT);
}

static struct session session_from(int row)
{
	const uint64_t bits = (uint64_t)col_int(row, 10);
	return (struct session){
		.id = (uint64_t)col_int(row, 0),
		.user = (uint64_t)col_int(row, 1),
		.ctr = col_number(row, 2),
		.br = (uint64_t)col_int(row, 3),
		.idem = (uint64_t)col_int(row, 4),
		.rotated_at = col_number(row, 5),
		.created_at = col_number(row, 6),
		.expires_at = col_number(row, 7),
		.ended_at = col_number(row, 8),
		.why = (enum ended)col_enum(row, 9, ENDED_UNKNOWN),
		.cookie = bits & MODE_BITS,
		.brief = (bits & MODE_BITS) == 2,
		.device = col_bytes(row, 11, LIMIT_DEVICE),
		.agent = col_bytes(row, 12, LIMIT_AGENT),
		.ip = col_bytes(row, 13, ADDRESS_MAX),
		.strays = col_number(row, 14),
		.client = col_bytes(row, 15, LIMIT_CLIENT),
		.scope = bits >> SCOPE_AT & ((1 << SCOPE__BITS) - 1),
		.amr = bits >> AMR_AT & ((1 << AMR__BITS) - 1),
		.sso = bits >> SSO_AT & 1,
	};
}

static void need_transaction(bool lock)
{
	if (lock && !state_in_transaction())
		fail(ERROR_INTERNAL, "PG1", "a row is locked outside of a transaction", NULL);
}

/* What store_expect() has read. */
static bool is_expected(uint64_t id, struct session *s, struct user *u)
{
	PGresult *last = pg_answer;
	int row = pg_expected(id);
	if (row < 0)
		return false;
	pg_answer = pg_expected_rows;
	*s = session_from(row);
	*u = user_from(row, SESSION_COLUMNS);
	pg_answer = last;
	return true;
}

bool store_session_and_user(uint64_t id, bool lock, struct session *s, struct user *u)
{
	struct args a = { 0 };
	need_transaction(lock);
	if (!lock || !is_expected(id, s, u)) {
		if (pg_ask(lock ? SQL_BOTH_LOCK : SQL_BOTH, arg_int(&a, (int64_t)id)) == 0)
			return false;
		*s = session_from(0);
		*u = user_from(0, SESSION_COLUMNS);
	}
	return u->id;
}

static bool one_session(enum statement statement, uint64_t id, struct session *out)
{
	struct args a = { 0 };
	bool found = pg_ask(statement, arg_int(&a, (int64_t)id)) > 0;
	if (found)
		*out = session_from(0);
	return found;
}

bool store_session(uint64_t id, struct session *out)
{
	return one_session(SQL_SESSION, id, out);
}

bool store_session_lock(uint64_t id, struct session *out)
{
	struct user unused;
	need_transaction(true);
	return is_expected(id, out, &unused) || one_session(SQL_SESSION_LOCK, id, out);
}

void store_session_add(const struct session *s)
{
	struct args a = { 0 };
	const int64_t numbers[] = {
		(int64_t)s->id, (int64_t)s->user, s->ctr, (int64_t)s->br, (int64_t)s->idem, s->rotated_at,
		s->created_at, s->expires_at, s->ended_at, s->why, bits_of(s),
	};
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		arg_int(&a, numbers[i]);
	arg_bytes(arg_bytes(arg_bytes(&a, s->device), s->agent), s->ip);
	write_row(SQL_SESSION_ADD, arg_bytes(arg_int(&a, s->strays), s->client));
}

void store_session_rotate(const struct session *s)
{
	struct args a = { 0 };
	pg_expected_changed(s->id);
	state_changed(1);
	if (pg_batch_rotate(s))
		return;
	arg_int(arg_int(arg_int(&a, (int64_t)s->id), s->ctr), (int64_t)s->br);
	pg_queue(SQL_SESSION_ROTATE, arg_int(arg_int(arg_int(&a, (int64_t)s->idem), s->rotated_at), s->strays));
}

void store_session_move(const struct session *s)
{
	struct args a = { 0 };
	pg_expected_changed(s->id);
	state_changed(1);
	pg_queue(SQL_SESSION_MOVE, arg_bytes(arg_bytes(arg_int(&a, (int64_t)s->id), s->agent), s->ip));
}

bool store_session_end(uint64_t id, enum ended why, int64_t at)
{
	struct args a = { 0 };
	return changed(pg_ask(SQL_SESSION_END, arg_int(arg_int(arg_int(&a, (int64_t)id), at), why)));
}

int64_t store_sessions_end(uint64_t user, uint64_t except, enum ended why, int64_t at)
{
	struct args a = { 0 };
	int64_t ended = pg_ask(SQL_SESSIONS_END, arg_int(arg_int(arg_int(arg_int(&a, (int64_t)user), at), why), (int64_t)except));
	changed(ended);
	return ended;
}

int64_t store_sessions_end_sso(uint64_t user, enum ended why, int64_t at)
{
	struct args a = { 0 };
	int64_t ended = pg_ask(SQL_SESSIONS_END_SSO, arg_int(arg_int(arg_int(arg_int(&a, (int64_t)user), at), why), INT64_C(1) << SSO_AT));
	changed(ended);
	return ended;
}

bool store_sessions_end_all(int64_t *after, enum ended why, int64_t at, int64_t *ended)
{
	struct args slice = { 0 }, all = { 0 };
	bool more = pg_ask(SQL_SESSIONS_SLICE, arg_int(arg_int(&slice, *after), STORE_SLICE - 1)) > 0;
	int64_t last = more ? col_int(0, 0) : INT64_MAX;
	*ended = pg_ask(SQL_SESSIONS_END_ALL, arg_int(arg_int(arg_int(arg_int(&all, at), why), *after), last));
	*after = last;
	changed(*ended);
	return more;
}

int64_t store_sessions_trim(uint64_t user, struct slice client, int64_t most, enum ended why, int64_t at)
{
	struct args surplus = { 0 }, bury = { 0 };
	arg_bytes(arg_int(arg_int(arg_int(arg_int(&surplus, (int64_t)user), at), why), most), client);
	int64_t ended = pg_ask(SQL_SESSIONS_SURPLUS, &surplus);
	changed(ended);
	write_row(SQL_SESSIONS_BURY, arg_bytes(arg_int(arg_int(arg_int(&bury, (int64_t)user), most), at - STORE_TICKET), client));
	return ended;
}

static size_t sessions_from(int64_t n, struct session out[LIMIT_LIST])
{
	for (int64_t i = 0; i < n; i++)
		out[i] = session_from((int)i);
	return (size_t)n;
}

size_t store_sessions_used(uint64_t user, int64_t used, uint64_t after, struct session out[LIMIT_LIST])
{
	struct args a = { 0 };
	arg_int(arg_int(arg_int(arg_int(&a, (int64_t)user), used), (int64_t)after), LIMIT_LIST);
	return sessions_from(pg_ask(SQL_SESSIONS_USED, &a), out);
}

size_t store_sessions(uint64_t user, uint64_t after, struct session out[LIMIT_LIST])
{
	struct args a = { 0 };
	arg_int(arg_int(&a, (int64_t)after), LIMIT_LIST);
	return sessions_from(pg_ask(user ? SQL_SESSIONS : SQL_SESSIONS_ALL, user ? arg_int(&a, (int64_t)user) : &a), out);
}

int64_t store_sweep(int64_t time, int64_t refresh_ttl)
{
	struct args a = { 0 };
	arg_int(arg_int(&a, (int64_t)random_id()), SWEEP_ROWS);
	int64_t gone = pg_ask(SQL_SWEEP, arg_int(arg_int(arg_int(&a, time - refresh_ttl), time - STORE_TICKET), time - STORE_TICKET));
	changed(gone);
	return gone;
}
