/*
 * audit: see audit.h.
 */
#include "audit.h"

#include "base/address.h"

/* s: so old the mark may be before the kernel is asked again. Where the mark has no row to go with, it is older. */
enum { AUDIT_STEP = 120 };

struct slice audit_agent(const struct work *w)
{
	return (struct slice){ w->agent.p, w->agent.n < LIMIT_AGENT ? w->agent.n : LIMIT_AGENT };
}

bool audit_is_near(const struct work *w, const struct session *s)
{
	struct address last;
	bool behind_front = w->hidden && address_parse(s->ip, &last) && address_is_neighbour(&last);
	return slice_is(s->agent, audit_agent(w)) && (behind_front || address_near(s->ip, w->peer));
}

struct slice audit_place(const struct work *w)
{
	struct address a;
	struct buf b = { 0 };
	if (w->hidden || !address_parse(w->peer, &a) || address_is_loopback(&a))
		return SLICE_NONE;
	buf_c(&b, (char)a.kind);
	buf_add(&b, (struct slice){ (const char *)a.b, a.kind == ADDRESS_V4 ? 4 : 8 });
	buf_add(&b, audit_agent(w));
	return buf_slice(&b);
}

static bool is_told(const struct config *config, enum event event)
{
	return event && (event != EVENT_REFRESH || config->audit_refresh);
}

bool audit_in_table(const struct config *config, enum event event)
{
	return (config->audit == AUDIT_TABLE || config->audit == AUDIT_BOTH) && is_told(config, event);
}

bool audit_in_log(const struct config *config)
{
	return config->audit == AUDIT_SYSLOG || config->audit == AUDIT_BOTH;
}

void audit_note(struct work *w, enum event event, uint64_t user, uint64_t session)
{
	struct audit *a = &w->note;
	a->event = event;
	bool table = audit_in_table(w->config, event);
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
	if (is_told(w->config, a->event) && audit_in_log(w->config))
		log_line("audit", event_words[a->event], " user=", id_text(a->user), " session=", id_text(a->session),
			" ip=", slice_text(a->ip), a->client.n ? " client=" : "", slice_text(a->client), " class=", class_words[a->class], " distance=", dec(a->distance),
			" count=", dec(a->count), NULL);
}

static enum error try_change(void *work)
{
	struct work *w = work;
	w->note = (struct audit){ 0 };
	w->unsure = false;
	return w->change(w->arg);
}

enum error audit_client(const struct work *w)
{
	return w->is_gone && w->is_gone(w->client) ? ERROR_REQUEST_TIMEOUT : ERROR_NONE;
}

bool audit_is_sure(struct work *w)
{
	w->unsure = !w->looked && w->look_again;
	return !w->unsure;
}

enum error audit_look_again(struct work *w)
{
	enum error e = w->look_again(w->client, store_close);
	w->looked = e == ERROR_NONE;
	return e;
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
