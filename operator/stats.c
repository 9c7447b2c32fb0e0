/*
 * stats: `latchkey stats`, the data directory in numbers: what it holds, and what happened in the last 24 hours. For a person, as JSON, or in
 * Prometheus's text format, which node_exporter's textfile collector reads from a file.
 *
 * The figures are read page by page, and each page has its own turn at the store: requests go on in between, so they are of no one moment.
 */
#include "operator/verbs.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "session.h"
#include "store/upkeep.h"

enum { DAY = 86400 };   /* s */

enum figure {
	USERS, USERS_DISABLED, SESSIONS, SESSIONS_USED, SESSIONS_OVER, EVENTS, BYTES, KEYS, KEY_SINCE, TIME, FIGURE__MAX
};

static const struct { const char *name, *meaning; bool only_rises; } figures[FIGURE__MAX] = {
	[USERS] = { "users", "users", false },
	[USERS_DISABLED] = { "users_disabled", "users who are disabled", false },
	[SESSIONS] = { "sessions", "sessions that can be refreshed", false },
	[SESSIONS_USED] = { "sessions_used_day", "of the sessions, those used in the last 24 hours", false },
	[SESSIONS_OVER] = { "sessions_over", "sessions that are over and not swept yet", false },
	[EVENTS] = { "events_total", "events since the database was made", true },
	[BYTES] = { "store_bytes", "bytes of the database and its log", false },
	[KEYS] = { "keys", "keys, the signing one included", false },
	[KEY_SINCE] = { "key_timestamp_seconds", "when the signing key began to sign, Unix seconds", false },
	[TIME] = { "timestamp_seconds", "when this was read, Unix seconds", false },
};
static const char events_day[] = "events_day", events_meaning[] = "events of the last 24 hours, as far as the audit trail reaches";

struct stats {
	int64_t figure[FIGURE__MAX];
	int64_t event[EVENT__MAX];
};

/* ---- counting ---------------------------------------------------------- */

/* Where the next page begins. */
struct place {
	struct user_name name;
	uint64_t session;
	int64_t event;
};

typedef size_t count_page(struct verb_call *c, struct stats *s, struct place *at);

static size_t count_users(struct verb_call *c, struct stats *s, struct place *at)
{
	struct user page[LIMIT_LIST];
	(void)c;
	size_t n = store_users(slice_of(at->name.text), page);
	for (size_t i = 0; i < n; i++)
		s->figure[USERS_DISABLED] += page[i].disabled;
	s->figure[USERS] += (int64_t)n;
	if (n)
		verb_copy_name(&page[n - 1], &at->name);
	return n;
}

static void count_session(const struct work *w, struct stats *s, const struct session *session)
{
	struct user u;
	size_t mark = arena_mark();
	bool over = session_over(w, session, store_user(session->user, &u) ? &u : NULL);
	arena_back(mark);
	s->figure[over ? SESSIONS_OVER : SESSIONS]++;
	s->figure[SESSIONS_USED] += !over && session->rotated_at > w->time - DAY;
}

static size_t count_sessions(struct verb_call *c, struct stats *s, struct place *at)
{
	struct session page[LIMIT_LIST];
	(void)session_clock(&c->work);
	size_t n = store_sessions(0, at->session, page);
	for (size_t i = 0; i < n; i++)
		count_session(&c->work, s, &page[i]);
	at->session = n ? page[n - 1].id : at->session;
	return n;
}

/* From the newest back: they are numbered from 1 on. */
static size_t count_events(struct verb_call *c, struct stats *s, struct place *at)
{
	struct audit page[LIMIT_LIST];
	size_t n = store_audits(0, at->event, LIMIT_LIST, page);
	if (n && !at->event)
		s->figure[EVENTS] = page[0].id;
	for (size_t i = 0; i < n; i++) {
		if (page[i].time <= c->work.time - DAY)
			return 0;
		s->event[page[i].event]++;
	}
	at->event = n ? page[n - 1].id : at->event;
	return n;
}

static void count_all(struct verb_call *c, struct stats *s, count_page *count)
{
	struct place at = { .session = 0 };
	size_t mark = arena_mark(), n;
	do {
		store_open(c->dir, VERB_WAIT);
		n = count(c, s, &at);
		store_close();
		arena_back(mark);
	} while (n == LIMIT_LIST);
}

static void add_bytes(const char *dir, struct stats *s)
{
	struct stat st;
	for (size_t i = 0; i < STORE_FILES_MAX && store_files[i].name; i++)
		if (stat(path_in(dir, store_files[i].name), &st) == 0)
			s->figure[BYTES] += st.st_size;
}

static void add_keys(const char *dir, struct stats *s)
{
	struct keyring ring;
	verb_ring(dir, &ring);
	s->figure[KEYS] = (int64_t)ring.count;
	s->figure[KEY_SINCE] = ring.key[0].created_at;
	wipe(&ring, sizeof ring);
}

/* ---- three forms ------------------------------------------------------- */

static void print_table(const struct stats *s, struct rows *r)
{
	bool heading = rows_heading(r);
	for (size_t i = 0; i < FIGURE__MAX; i += !heading, heading = false) {
		rows_open(r);
		rows_text(r, "name", 23, slice_of(figures[i].name));
		rows_int(r, "value", 12, s->figure[i]);
		rows_text(r, "meaning", 0, slice_of(figures[i].meaning));
		rows_close(r);
	}
	for (size_t i = 0; i < EVENT__MAX; i++) {
		if (!s->event[i])
			continue;
		struct buf name = { 0 };
		buf_s(&name, "events_day ");
		buf_s(&name, event_words[i]);
		rows_open(r);
		rows_text(r, "name", 23, buf_slice(&name));
		rows_int(r, "value", 12, s->event[i]);
		rows_text(r, "meaning", 0, slice_of(events_meaning));
		rows_close(r);
	}
}

static void add_json(const struct stats *s, struct buf *out)
{
	struct jw w = { .out = out };
	jw_open(&w, '{');
	for (size_t i = 0; i < FIGURE__MAX; i++)
		jw_int(&w, figures[i].name, s->figure[i]);
	jw_open(jw_name(&w, events_day), '{');
	for (size_t i = 0; i < EVENT__MAX; i++)
		if (s->event[i])
			jw_int(&w, event_words[i], s->event[i]);
	jw_close(jw_close(&w));
	buf_c(out, '\n');
}

/* The two lines before the values of one name. */
static void add_help(struct buf *out, const char *name, const char *meaning, bool only_rises)
{
	const char *const text[] = { "# HELP latchkey_", name, " ", meaning, "\n# TYPE latchkey_", name, only_rises ? " counter\n" : " gauge\n" };
	for (size_t i = 0; i < sizeof text / sizeof *text; i++)
		buf_s(out, text[i]);
}

static void add_value(struct buf *out, const char *name, const char *event, int64_t value)
{
	const char *const text[] = { "latchkey_", name, event ? "{event=\"" : "", event ? event : "", event ? "\"} " : " " };
	for (size_t i = 0; i < sizeof text / sizeof *text; i++)
		buf_s(out, text[i]);
	buf_int(out, value);
	buf_c(out, '\n');
}

/* Every event has a line, so that one which never happened is 0 and not unknown. */
static void add_prometheus(const struct stats *s, struct buf *out)
{
	for (size_t i = 0; i < FIGURE__MAX; i++) {
		add_help(out, figures[i].name, figures[i].meaning, figures[i].only_rises);
		add_value(out, figures[i].name, NULL, s->figure[i]);
	}
	add_help(out, events_day, events_meaning, false);
	for (size_t i = EVENT_LOGIN; i < EVENT_UNKNOWN; i++)
		add_value(out, events_day, event_words[i], s->event[i]);
}

int verb_stats(struct verb_call *c)
{
	struct stats s = { .event = { 0 } };
	struct rows r;
	count_all(c, &s, count_users);
	count_all(c, &s, count_sessions);
	s.figure[TIME] = c->work.time;
	count_all(c, &s, count_events);
	add_bytes(c->dir, &s);
	add_keys(c->dir, &s);
	if (c->given[OPT_PROMETHEUS])
		add_prometheus(&s, &c->done);
	else if (c->given[OPT_JSON])
		add_json(&s, &c->done);
	if (c->done.n)
		return VERB_DONE;
	rows_begin(&r, ROWS_TABLE);
	print_table(&s, &r);
	return rows_end(&r) ? VERB_DONE : VERB_SYSTEM;
}
