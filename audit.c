/*
 * audit: see audit.h.
 */
#include "audit.h"

/* s: so old the mark may be before the kernel is asked again. Where the mark has no row to go with, it is older. */
enum { AUDIT_STEP = 120 };

bool audit_in_table(const struct config *config)
{
	return config->audit == AUDIT_TABLE || config->audit == AUDIT_BOTH;
}

bool audit_in_log(const struct config *config)
{
	return config->audit == AUDIT_SYSLOG || config->audit == AUDIT_BOTH;
}

void audit_note(struct work *w, enum event event, uint64_t user, uint64_t session)
{
	struct audit *a = &w->note;
	a->event = event;
	bool table = audit_in_table(w->config);
	a->time = w->trust == CLOCK_DOUBTFUL ? w->seen : w->time;
	a->mark = w->trust == CLOCK_GOOD ? clock_mark(w->time, w->mark, table ? AUDIT_STEP : STORE_MARK_STEP) : w->mark;
	a->user = user;
	a->session = session;
	a->ip = w->peer;
	if (table)
		store_audit_add(a, w->config->audit_max);
	else
		store_mark_raise(a->time, a->mark);
}

void audit_log(const struct work *w)
{
	const struct audit *a = &w->note;
	if (a->event && audit_in_log(w->config))
		log_line("audit", event_words[a->event], " user=", id_text(a->user), " session=", id_text(a->session),
			" ip=", slice_text(a->ip), a->client.n ? " client=" : "", slice_text(a->client), " class=", class_words[a->class], " distance=", dec(a->distance),
			" count=", dec(a->count), NULL);
}

static enum error try_change(void *work)
{
	struct work *w = work;
	w->note = (struct audit){ 0 };
	return w->change(w->arg);
}

enum error audit_client(const struct work *w)
{
	return w->is_gone && w->is_gone(w->client) ? ERROR_REQUEST_TIMEOUT : ERROR_NONE;
}

enum error audit_run(struct work *w, enum durability d, enum error (*change)(void *), void *arg)
{
	w->change = change;
	w->arg = arg;
	enum error e = store_run(d, try_change, w);
	if (e == ERROR_NONE)
		audit_log(w);
	return e;
}
