/*
 * migrate: `latchkey migrate out` writes all users, sessions and events to stdout; `latchkey migrate in` takes them in from stdin, into
 * another directory's store, of whatever kind:
 *
 *     latchkey migrate out --dir OLD | latchkey-pg migrate in --dir NEW
 *
 * A line is a JSON object: the head with schema, kids and mark; then events, users and sessions; in the end their numbers. What a record has is said by the
 * tables below, for both ways. It is a page at a time that `out` reads, so requests go on meanwhile. `in` is one transaction: cut off anywhere
 * it has done nothing. It wants an empty store whose directory has the same keys. What is refreshed behind the copy rolls forward.
 *
 * `in --again` brings a copy up to date, once no front uses the old store any more: what was added, changed, ended or deleted there since the first time. It
 * refuses a store that has gone on by itself, which would lose what it has.
 */
#include "operator/verbs.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "json.h"
#include "session.h"
#include "store/upkeep.h"

enum { LINE_MAX_BYTES = 65536, LOOK_EACH = 64 };

/* ---- records ----------------------------------------------------------- */

enum kind { INT, ID, TEXT, BYTES, NEW_BYTES, FLAG, WORD };     /* NEW_: an earlier version writes none, so it may be missing */
struct field { const char *name; enum kind kind; size_t at; };

/* A user with what he has beside his password. */
struct person {
	struct user user;
	struct slice factor, keys;
};

#define FIELD(s, member, kind) { #member, kind, offsetof(struct s, member) }
static const struct field of_user[] = {
	FIELD(user, id, ID), FIELD(user, name, TEXT), FIELD(user, password, TEXT), FIELD(user, subscription, TEXT), FIELD(user, created_at, INT),
	FIELD(user, disabled, FLAG), { "groups", TEXT, offsetof(struct user, profile.groups) }, { "email", TEXT, offsetof(struct user, profile.email) },
	{ "display", TEXT, offsetof(struct user, profile.name) },
	FIELD(person, factor, NEW_BYTES), FIELD(person, keys, NEW_BYTES), { NULL, INT, 0 },
};
static const struct field of_session[] = {
	FIELD(session, id, ID), FIELD(session, user, ID), FIELD(session, ctr, INT), FIELD(session, br, ID), FIELD(session, idem, ID), FIELD(session, rotated_at, INT),
	FIELD(session, created_at, INT), FIELD(session, expires_at, INT), FIELD(session, ended_at, INT), FIELD(session, why, WORD), FIELD(session, cookie, FLAG),
	FIELD(session, brief, FLAG), FIELD(session, device, BYTES), FIELD(session, agent, BYTES), FIELD(session, ip, BYTES), FIELD(session, strays, INT),
	FIELD(session, client, TEXT), FIELD(session, scope, WORD), FIELD(session, amr, WORD), FIELD(session, sso, FLAG), { NULL, INT, 0 },
};
static const struct field of_event[] = {
	FIELD(audit, time, INT), FIELD(audit, event, WORD), FIELD(audit, user, ID), FIELD(audit, session, ID), FIELD(audit, ip, BYTES), FIELD(audit, class, WORD),
	FIELD(audit, distance, INT), FIELD(audit, count, INT), FIELD(audit, client, NEW_BYTES), { NULL, INT, 0 },
};
_Static_assert(sizeof(enum ended) == sizeof(unsigned) && sizeof(enum event) == sizeof(unsigned) && sizeof(enum reuse_class) == sizeof(unsigned), "WORD");

/* User-Agents and the like needn't be UTF-8. */
static struct jw *write_bytes(struct jw *w, struct slice s)
{
	struct buf hex = { 0 };
	buf_hex_bytes(&hex, (const uint8_t *)s.p, s.n);
	return jw_plain(w, NULL, buf_slice(&hex));
}

static void write_field(struct jw *w, const struct field *f, const void *record)
{
	const void *at = (const char *)record + f->at;
	jw_name(w, f->name);
	switch (f->kind) {
	case INT: jw_int(w, NULL, *(const int64_t *)at); break;
	case ID: jw_id(w, NULL, *(const uint64_t *)at); break;
	case TEXT: jw_text(w, NULL, *(const struct slice *)at); break;
	case BYTES: case NEW_BYTES: write_bytes(w, *(const struct slice *)at); break;
	case FLAG: jw_bool(w, *(const bool *)at); break;
	case WORD: jw_int(w, NULL, *(const unsigned *)at); break;
	}
}

/* {"user":{…}} as one line */
static void write_record(struct buf *b, const char *what, const struct field *fields, const void *record)
{
	struct jw w = { .out = b };
	jw_open(&w, '{');
	jw_plain(&w, "record", slice_of(what));
	for (const struct field *f = fields; f->name; f++)
		write_field(&w, f, record);
	jw_close(&w);
	buf_c(b, '\n');
}

static bool read_bytes(const struct json *j, const char *name, struct slice *out)
{
	struct slice hex;
	if (json_string(j, name, &hex) != JSON_FOUND || hex.n % 2)
		return false;
	char *p = arena(hex.n / 2 + 1);
	*out = (struct slice){ p, hex.n / 2 };
	return hex.n == 0 || parse_hex(hex, (uint8_t *)p, hex.n / 2);
}

static bool read_word(const struct json *j, const char *name, unsigned *out)
{
	int64_t value;
	if (json_int(j, name, 0, INT32_MAX, &value) != JSON_FOUND)
		return false;
	*out = (unsigned)value;
	return true;
}

static bool read_id(const struct json *j, const char *name, uint64_t *out)
{
	struct slice text;
	return json_string(j, name, &text) == JSON_FOUND && parse_id(text, out);
}

static bool read_field(const struct json *j, const struct field *f, void *record)
{
	void *at = (char *)record + f->at;
	switch (f->kind) {
	case INT: return json_int(j, f->name, -INT64_MAX, INT64_MAX, at) == JSON_FOUND;
	case ID: return read_id(j, f->name, at);
	case TEXT: return json_string(j, f->name, at) == JSON_FOUND;
	case BYTES: return read_bytes(j, f->name, at);
	case NEW_BYTES: return json_string(j, f->name, at) == JSON_ABSENT || read_bytes(j, f->name, at);
	case FLAG: return json_bool(j, f->name, at) == JSON_FOUND;
	case WORD: return read_word(j, f->name, at);
	}
	return false;
}

static bool read_record(const struct json *j, const struct field *fields, void *record)
{
	for (const struct field *f = fields; f->name; f++)
		if (!read_field(j, f, record))
			return false;
	return true;
}

/* ---- out --------------------------------------------------------------- */

struct out {
	const char *dir;
	struct buf text;
	int64_t users, sessions, events;
	uint64_t session;
	int64_t event, newest;       /* the trail grows meanwhile: what comes behind the newest is left to the next run */
	struct user_name name;
};

static size_t some_events(struct out *o)
{
	struct audit page[LIMIT_LIST];
	size_t n = store_audits_after(o->event, page);
	while (n && page[n - 1].id > o->newest)
		n--;
	for (size_t i = 0; i < n; i++)
		write_record(&o->text, "event", of_event, &page[i]);
	o->event = n ? page[n - 1].id : o->event;
	o->events += (int64_t)n;
	return n;
}

static size_t some_users(struct out *o)
{
	struct user page[LIMIT_LIST];
	size_t n = store_users(slice_of(o->name.text), page);
	for (size_t i = 0; i < n; i++) {
		struct person p = { page[i], store_user_factor(page[i].id), store_user_keys(page[i].id) };
		write_record(&o->text, "user", of_user, &p);
	}
	if (n)
		verb_copy_name(&page[n - 1], &o->name);
	o->users += (int64_t)n;
	return n;
}

static size_t some_sessions(struct out *o)
{
	struct session page[LIMIT_LIST];
	size_t n = store_sessions(0, o->session, page);
	for (size_t i = 0; i < n; i++)
		write_record(&o->text, "session", of_session, &page[i]);
	o->session = n ? page[n - 1].id : o->session;
	o->sessions += (int64_t)n;
	return n;
}

/* Nobody waits for the store while the pipe's reader is waited for. */
static bool all_pages(struct out *o, size_t (*some)(struct out *o))
{
	bool good = true;
	for (size_t n = 1; good && n;) {
		size_t mark = arena_mark();
		o->text = (struct buf){ 0 };
		store_open(o->dir, VERB_WAIT);
		n = some(o);
		store_pause();
		good = rows_print(buf_slice(&o->text));
		arena_back(mark);
	}
	return good;
}

static int64_t newest_event(void)
{
	struct audit page[LIMIT_LIST];
	return store_audits(0, 0, 1, page) ? page[0].id : 0;
}

static bool write_head(struct out *o)
{
	struct keyring ring;
	struct buf b = { 0 };
	struct jw w = { .out = &b };
	verb_ring(o->dir, &ring);
	store_open(o->dir, VERB_WAIT);
	int64_t seen, mark = store_mark(&seen);
	o->newest = newest_event();
	store_close();
	jw_open(&w, '{');
	jw_plain(&w, "record", S("head"));
	jw_int(&w, "schema", store_version);
	jw_int(&w, "mark", mark);
	jw_open(jw_name(&w, "keys"), '[');
	for (size_t i = 0; i < ring.count; i++)
		jw_plain(&w, NULL, slice_of(ring.key[i].kid));
	jw_close(jw_close(&w));
	buf_c(&b, '\n');
	wipe(&ring, sizeof ring);
	return rows_print(buf_slice(&b));
}

static bool write_end(const struct out *o)
{
	struct buf b = { 0 };
	struct jw w = { .out = &b };
	jw_open(&w, '{');
	jw_plain(&w, "record", S("end"));
	jw_int(&w, "users", o->users);
	jw_int(&w, "sessions", o->sessions);
	jw_int(&w, "events", o->events);
	jw_close(&w);
	buf_c(&b, '\n');
	return rows_print(buf_slice(&b));
}

int verb_migrate_out(struct verb_call *c)
{
	struct out o = { .dir = c->dir };
	bool good = write_head(&o) && all_pages(&o, some_events) && all_pages(&o, some_users) && all_pages(&o, some_sessions);
	return good && write_end(&o) ? VERB_DONE : VERB_SYSTEM;
}

/* ---- in ---------------------------------------------------------------- */

static struct in {
	struct verb_call *call;
	const char *wrong;
	bool begun, head, end, again;
	uint64_t last;               /* session */
	int64_t mark, seen, line, users, sessions, events, written;
	size_t got, used;
	char text[LINE_MAX_BYTES];
} in;

static bool refuse(const char *why)
{
	if (in.wrong == NULL)
		in.wrong = why;
	return false;
}

/* The next line, which stands until the next call. False at the end, or where it is none. */
static bool next_line(struct slice *line)
{
	for (;;) {
		const char *from = in.text + in.used, *end = memchr(from, '\n', in.got - in.used);
		if (end) {
			*line = (struct slice){ from, (size_t)(end - from) };
			in.used += line->n + 1;
			in.line++;
			return true;
		}
		memmove(in.text, from, in.got -= in.used);
		in.used = 0;
		ssize_t n = in.got < sizeof in.text ? read(STDIN_FILENO, in.text + in.got, sizeof in.text - in.got) : 0;
		if (n == 0 || (n < 0 && errno != EINTR))
			return false;
		in.got += n > 0 ? (size_t)n : 0;
	}
}

static bool has_keys(const struct json *j)
{
	struct keyring ring;
	struct slice kids = SLICE_NONE;
	bool all = json_list(j, "keys", &kids) == JSON_FOUND;
	verb_ring(in.call->dir, &ring);
	while (all && kids.n)
		all = keyring_find(&ring, slice_cut(&kids, ',')) < ring.count;
	wipe(&ring, sizeof ring);
	if (!all)
		return refuse("these sessions are of another key: this directory needs the other one's latchkey.key, as it is");
	return true;
}

static bool take_head(const struct json *j)
{
	int64_t schema;
	in.head = true;
	if (json_int(j, "schema", 1, INT32_MAX, &schema) != JSON_FOUND || json_int(j, "mark", 0, INT64_MAX, &in.mark) != JSON_FOUND)
		return false;
	if (schema > store_version)
		return refuse("this comes from a later latchkey: bring this one up to date");
	return has_keys(j);
}

static bool take_event(const struct json *j)
{
	struct audit a = { 0 };
	if (!read_record(j, of_event, &a) || a.event >= EVENT_UNKNOWN || a.class >= CLASS_UNKNOWN)
		return false;
	in.events++;
	if (in.again && a.event == EVENT_USER_DELETED)
		store_user_delete(a.user);
	if (a.time <= in.seen)
		return true;
	a.mark = in.mark < a.time ? in.mark : a.time;
	in.written++;
	store_audit_add(&a, in.call->conf.audit_max);
	return true;
}

static bool is_same_profile(const struct profile *a, const struct profile *b)
{
	return slice_is(a->groups, b->groups) && slice_is(a->email, b->email) && slice_is(a->name, b->name);
}

static bool bring_user_up(const struct user *old, const struct user *u)
{
	if (!slice_is(old->name, u->name) && !store_user_rename(u->id, u->name))
		return refuse("a name is another user's here");
	if (!slice_is(old->password, u->password))
		store_user_password(u->id, u->password);
	if (!slice_is(old->subscription, u->subscription))
		store_user_subscription(u->id, u->subscription);
	if (!is_same_profile(&old->profile, &u->profile))
		store_user_profile(u->id, &u->profile);
	if (old->disabled != u->disabled)
		store_user_disable(u->id, u->disabled);
	return true;
}

static void bring_proofs_up(const struct person *p)
{
	uint64_t id = p->user.id;
	if (!slice_is(store_user_factor(id), p->factor))
		store_user_factor_set(id, p->factor);
	if (!slice_is(store_user_keys(id), p->keys))
		store_user_keys_set(id, p->keys);
}

static bool take_user(const struct json *j)
{
	struct person p = { .factor = { NULL, 0 } };
	struct user old;
	bool known = false;
	if (!read_record(j, of_user, &p) || p.factor.n > LIMIT_FACTOR || p.keys.n > LIMIT_CREDENTIALS)
		return false;
	in.users++;
	if (in.again)
		known = store_user(p.user.id, &old);
	in.written += !known;
	if (!known && !store_user_add(&p.user))
		return refuse("a user's name or id is taken here");
	if (known && !bring_user_up(&old, &p.user))
		return false;
	if (in.again || p.factor.n + p.keys.n)
		bring_proofs_up(&p);
	return true;
}

/* Whether the row here knows something that the one that comes doesn't. */
static bool has_gone_on(const struct session *here, const struct session *s)
{
	return here->ctr > s->ctr || here->rotated_at > s->rotated_at || (here->ctr == s->ctr && here->br != s->br && here->rotated_at == s->rotated_at)
		|| (here->ended_at && !s->ended_at);
}

static bool bring_session_up(const struct session *here, const struct session *s)
{
	if (has_gone_on(here, s))
		return refuse("this store has gone on by itself: what was done here would be lost");
	if (here->ctr == s->ctr && here->rotated_at == s->rotated_at && here->strays == s->strays && here->ended_at == s->ended_at)
		return true;
	in.written++;
	store_session_rotate(s);
	store_session_move(s);
	if (s->ended_at && !here->ended_at)
		store_session_end(s->id, s->why, s->ended_at);
	return true;
}

/* A look at a row has what was written before sent: so in an empty store there is one now and then. */
static bool take_session(const struct json *j)
{
	struct session s = { 0 }, here;
	if (!read_record(j, of_session, &s) || s.why >= ENDED_UNKNOWN)
		return false;
	if (in.sessions && s.id <= in.last)
		return refuse("a session comes twice");
	bool look = in.again || in.sessions % LOOK_EACH == 0;
	in.sessions++;
	in.last = s.id;
	if (look && store_session_lock(s.id, &here) && in.again)
		return bring_session_up(&here, &s);
	in.written++;
	store_session_add(&s);
	return true;
}

static int64_t count_users(void)
{
	struct user_name after = { "" };
	int64_t count = 0;
	for (size_t n = LIMIT_LIST; n == LIMIT_LIST;) {
		struct user page[LIMIT_LIST];
		size_t mark = arena_mark();
		n = store_users(slice_of(after.text), page);
		verb_copy_name(n ? &page[n - 1] : NULL, &after);
		count += (int64_t)n;
		arena_back(mark);
	}
	return count;
}

static bool take_end(const struct json *j)
{
	int64_t users, sessions, events;
	in.end = true;
	if (json_int(j, "users", 0, INT64_MAX, &users) != JSON_FOUND || json_int(j, "sessions", 0, INT64_MAX, &sessions) != JSON_FOUND
		|| json_int(j, "events", 0, INT64_MAX, &events) != JSON_FOUND || users != in.users || sessions != in.sessions || events != in.events)
		return false;
	if (in.again && count_users() != users)
		return refuse("this store has users that the other one hasn't: latchkey user list in both; delete here who was deleted there");
	return true;
}

static bool take_line(struct slice line)
{
	static const struct { const char *name; bool (*take)(const struct json *j); } records[] = {
		{ "event", take_event }, { "user", take_user }, { "session", take_session }, { "end", take_end },
	};
	struct json j;
	struct slice name;
	if (json_read(line, &j) != JSON_VALID || json_string(&j, "record", &name) != JSON_FOUND)
		return false;
	if (!in.head)
		return slice_is(name, S("head")) && take_head(&j);
	for (size_t i = 0; i < sizeof records / sizeof *records; i++)
		if (!in.end && slice_is(name, slice_of(records[i].name)))
			return records[i].take(&j);
	return false;
}

static bool is_empty(void)
{
	struct user u;
	struct session s[LIMIT_LIST];
	return !store_user_near(SLICE_NONE, &u) && store_sessions(0, 0, s) == 0;
}

static bool take_all(void)
{
	struct slice line;
	bool good = true;
	while (good && next_line(&line)) {
		size_t mark = arena_mark();
		good = take_line(line);
		arena_back(mark);
	}
	if (good && in.end)
		return true;
	return refuse(good ? "the stream was cut off: nothing was taken in" : text_join("line ", dec(in.line), " isn't one of latchkey migrate out", NULL));
}

/* Of several hosts the mark is behind the newest event by up to a minute. */
static int64_t newest_time(void)
{
	struct audit page[LIMIT_LIST];
	int64_t seen;
	store_mark(&seen);
	return store_audits(0, 0, 1, page) && page[0].time > seen ? page[0].time : seen;
}

/* What was read can't be read again: where the store wants it all once more the operator begins anew. */
static enum error receive(void *unused)
{
	(void)unused;
	bool twice = in.begun;
	in.begun = true;
	if (twice || (!in.again && !is_empty())) {
		(void)refuse(twice ? "the store was busy: nothing was taken in" : "this store isn't empty; to bring an earlier copy up to date: --again");
		return ERROR_INVALID_REQUEST;
	}
	in.seen = newest_time();
	if (!take_all())
		return ERROR_INVALID_REQUEST;
	store_mark_raise(in.call->work.time, in.mark);
	return ERROR_NONE;
}

int verb_migrate_in(struct verb_call *c)
{
	in.call = c;
	in.again = c->given[OPT_AGAIN];
	if (store_run(DURABLE_NOW, receive, NULL) != ERROR_NONE)
		return verb_no(c, in.wrong);
	buf_int(&c->done, in.users);
	buf_s(&c->done, " users, ");
	buf_int(&c->done, in.sessions);
	buf_s(&c->done, " sessions, ");
	buf_int(&c->done, in.events);
	buf_s(&c->done, " events; ");
	return verb_done_count(c, in.written, " written");
}
