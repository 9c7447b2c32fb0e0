/*
 * trail: `latchkey audit`.
 */
#include "operator/verbs.h"

#include <unistd.h>

#include "base/log.h"

enum { AUDIT_TAIL = 10 };   /* rows shown before the new ones of --follow */

static void audit_row(struct rows *r, const struct audit *a, const struct user_name *name)
{
	rows_open(r);
	rows_time(r, "time", a->time);
	rows_text(r, "event", 16, slice_of(event_words[a->event]));
	rows_id(r, "user", a->user);
	rows_text(r, "username", 16, slice_of(name->text));
	rows_id(r, "session", a->session);
	rows_text(r, "ip", 15, a->ip);
	rows_text(r, "class", 5, slice_of(class_words[a->class]));
	rows_int(r, "distance", 8, a->distance);
	rows_int(r, "count", 0, a->count);
	rows_close(r);
}

static size_t audit_page(const struct verb_call *c, struct rows *r, int64_t since, int64_t *after)
{
	struct audit a[LIMIT_LIST];
	struct user_name name[LIMIT_LIST];
	size_t mark = arena_mark();
	store_open(c->dir, VERB_WAIT);
	size_t n = store_audits_after(*after, a);
	for (size_t i = 0; i < n; i++)
		verb_name_of(a[i].user, &name[i]);
	store_close();
	for (size_t i = 0; i < n; i++)
		if (a[i].time >= since)
			audit_row(r, &a[i], &name[i]);
	*after = n ? a[n - 1].id : *after;
	arena_back(mark);
	return n;
}

/* --since: Unix seconds, or how long ago. */
static bool since_when(const struct verb_call *c, int64_t *since)
{
	int64_t ago;
	*since = 0;
	if (!c->given[OPT_SINCE] || parse_number(c->value[OPT_SINCE], 0, INT64_MAX, since))
		return true;
	if (!config_duration(c->value[OPT_SINCE], &ago))
		return false;
	*since = now() - ago;
	return true;
}

/* Where --follow begins: a few rows before the end, or all since then. */
static int64_t follow_from(const struct verb_call *c)
{
	struct audit a[LIMIT_LIST];
	if (!c->given[OPT_FOLLOW] || c->given[OPT_SINCE])
		return 0;
	store_open(c->dir, VERB_WAIT);
	size_t n = store_audits(0, 0, AUDIT_TAIL, a);
	store_close();
	return n ? a[n - 1].id - 1 : 0;
}

int verb_audit(struct verb_call *c)
{
	struct rows r;
	int64_t since, after;
	if (!since_when(c, &since)) {
		log_line(c->verb, "--since is a duration (2h) or Unix seconds", NULL);
		return VERB_USAGE;
	}
	after = follow_from(c);
	rows_begin(&r, c->given[OPT_JSON] && c->given[OPT_FOLLOW] ? ROWS_LINES : verb_form(c));
	if (rows_heading(&r))
		audit_row(&r, &(struct audit){ .id = 0 }, &(struct user_name){ "" });
	for (;;) {
		while (audit_page(c, &r, since, &after) == LIMIT_LIST)
			;
		if (!c->given[OPT_FOLLOW])
			return rows_end(&r) ? VERB_DONE : VERB_SYSTEM;
		if (!rows_flush(&r))
			return VERB_SYSTEM;
		sleep(1);
	}
}
