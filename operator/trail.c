/*
 * trail: `latchkey audit`.
 *
 * The program of --exec is named on the command line. latchkey.conf would be the wrong place for it: that file lies where a request may write, and
 * whoever takes a request over must not choose what the operator runs.
 */
#include "operator/verbs.h"

#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "operator/hook.h"

enum { AUDIT_TAIL = 10 };   /* rows shown before the new ones of --follow */

struct audit_page {
	int64_t since;                          /* events from before are left out, Unix seconds */
	int64_t after;                          /* the last id of the page before */
	const char *verb, *program;             /* of --exec */
	struct audit event[LIMIT_LIST];
	struct user_name name[LIMIT_LIST];
};

static void look_up_name(uint64_t id, struct user_name *out)
{
	struct user u = { .id = 0 };
	size_t mark = arena_mark();
	verb_copy_name(id && store_user(id, &u) ? &u : NULL, out);
	arena_back(mark);
}

static size_t read_events(struct verb_call *c, void *page)
{
	struct audit_page *p = page;
	(void)c;
	size_t n = store_audits_after(p->after, p->event);
	for (size_t i = 0; i < n; i++)
		look_up_name(p->event[i].user, &p->name[i]);
	p->after = n ? p->event[n - 1].id : p->after;
	return n;
}

static void print_event(struct rows *r, const void *page, size_t i)
{
	const struct audit_page *p = page;
	const struct audit *a = &p->event[i];
	if (a->time < p->since && !r->heading)
		return;
	rows_open(r);
	rows_time(r, "time", a->time);
	rows_text(r, "event", 16, slice_of(event_words[a->event]));
	rows_id(r, "user", a->user);
	rows_text(r, "username", 16, slice_of(p->name[i].text));
	rows_id(r, "session", a->session);
	rows_text(r, "ip", 15, a->ip);
	rows_text(r, "class", 6, slice_of(class_words[a->class]));
	rows_int(r, "distance", 8, a->distance);
	rows_int(r, "count", 5, a->count);
	rows_text(r, "client", 0, a->client);
	rows_close(r);
}

/* Reads --since: Unix seconds, or how long ago. False: it is neither. */
static bool read_since(const struct verb_call *c, int64_t *since)
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

/* The id after which the list begins. With --follow alone it begins AUDIT_TAIL rows before the end; with --exec at the end. */
static int64_t follow_from(const struct verb_call *c)
{
	struct audit a[LIMIT_LIST];
	if (!c->given[OPT_FOLLOW] || c->given[OPT_SINCE])
		return 0;
	int64_t tail = c->given[OPT_EXEC] ? 1 : AUDIT_TAIL;
	store_open(c->dir, VERB_WAIT);
	size_t n = store_audits(0, 0, tail, a);
	store_close();
	return n ? a[n - 1].id - !c->given[OPT_EXEC] : 0;
}

/* Says how far back each share of the trail reaches, to a person and not into a list for programs. */
static void tell_reach(const struct verb_call *c)
{
	struct trail t[SHARE__MAX];
	struct buf b = { 0 };
	store_open(c->dir, VERB_WAIT);
	store_trail(t);
	store_close();
	for (size_t s = 0; s < SHARE__MAX; s++) {
		buf_s(&b, s ? "; " : "");
		rows_add_reach(&b, share_words[s], t[s].rows, t[s].since);
	}
	log_line(c->verb, slice_text(buf_slice(&b)), NULL);
}

/* Hands an event to the program, which may take its time: the store is closed meanwhile. */
static void run_program(struct rows *r, const void *page, size_t i)
{
	const struct audit_page *p = page;
	print_event(r, page, i);
	if (r->out.n)
		hook_run(p->verb, p->program, buf_slice(&r->out));
	r->out.n = 0;
}

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

/* Runs the program for each new event, until SIGTERM: then for those that were read. */
static int follow_with(struct verb_call *c, struct audit_page *page)
{
	const struct verb_list l = { read_events, run_program, page };
	struct rows r;
	rows_begin(&r, ROWS_LINES);
	signal(SIGTERM, stop);
	while (!stopped) {
		verb_list_pages(c, &l, &r);
		sleep(1);
	}
	return VERB_DONE;
}

/* NULL where --exec fits, else what doesn't. Sets the page's program. */
static const char *wrong_program(const struct verb_call *c, struct audit_page *page)
{
	if (!c->given[OPT_EXEC])
		return NULL;
	if (!c->given[OPT_FOLLOW])
		return "--exec goes with --follow";
	page->verb = c->verb;
	page->program = slice_text(c->value[OPT_EXEC]);
	return page->program[0] == '/' && access(page->program, X_OK) == 0 ? NULL : "--exec is the whole path of a program that can be run";
}

/* Prints the events so far, then each new one, until stdout can't be written. */
static int follow(struct verb_call *c, const struct verb_list *l)
{
	struct rows r;
	verb_list_begin(l, &r, c->given[OPT_JSON] ? ROWS_LINES : ROWS_TABLE);
	for (;;) {
		verb_list_pages(c, l, &r);
		if (!rows_flush(&r))
			return VERB_SYSTEM;
		sleep(1);
	}
}

int verb_audit(struct verb_call *c)
{
	struct audit_page page = { .after = 0 };
	const struct verb_list l = { read_events, print_event, &page };
	if (!read_since(c, &page.since)) {
		log_line(c->verb, "--since is a duration (2h) or Unix seconds", NULL);
		return VERB_USAGE;
	}
	const char *wrong = wrong_program(c, &page);
	if (wrong) {
		log_line(c->verb, wrong, NULL);
		return VERB_USAGE;
	}
	page.after = follow_from(c);
	if (c->given[OPT_EXEC])
		return follow_with(c, &page);
	if (c->given[OPT_FOLLOW])
		return follow(c, &l);
	int code = verb_list(c, &l);
	if (code == VERB_DONE && !c->given[OPT_JSON])
		tell_reach(c);
	return code;
}
