/*
 * sessions: `latchkey session …`.
 */
#include "operator/verbs.h"

#include "base/log.h"
#include "session.h"

/* ---- the list ----------------------------------------------------------- */

struct session_page {
	uint64_t user;                          /* whose sessions; 0: everybody's */
	bool all;                               /* those that are over, too */
	uint64_t after;                         /* the last id of the page before */
	struct session session[LIMIT_LIST];
	struct user_name name[LIMIT_LIST];
	const char *state[LIMIT_LIST];
};

static void fill_row(const struct work *w, struct session_page *p, size_t i)
{
	struct user u = { .id = 0 };
	size_t mark = arena_mark();
	const struct user *known = store_user(p->session[i].user, &u) ? &u : NULL;
	verb_copy_name(known, &p->name[i]);
	p->state[i] = session_state(w, &p->session[i], known);
	arena_back(mark);
}

static size_t read_sessions(struct verb_call *c, void *page)
{
	struct session_page *p = page;
	(void)session_clock(&c->work);
	size_t n = store_sessions(p->user, p->after, p->session);
	for (size_t i = 0; i < n; i++)
		fill_row(&c->work, p, i);
	p->after = n ? p->session[n - 1].id : p->after;
	return n;
}

/* What a person seldom asks for, and a terminal has no room for. */
static void print_rest(struct rows *r, const struct session *s)
{
	rows_time(r, "created_at", s->created_at);
	rows_time(r, "expires_at", s->expires_at);
	rows_time(r, "ended_at", s->ended_at);
	rows_int(r, "generation", 10, s->ctr);
	rows_flag(r, "cookie", s->cookie);
	rows_flag(r, "sso", s->sso);
	rows_flag(r, "bound", rotation_is_bound(s));
	rows_id(r, "user", s->user);
}

static void print_session(struct rows *r, const void *page, size_t i)
{
	const struct session_page *p = page;
	const struct session *s = &p->session[i];
	if (!p->all && !r->heading && p->state[i] != ended_words[ENDED_NOT])
		return;
	rows_open(r);
	rows_id(r, "id", s->id);
	rows_text(r, "state", 8, slice_of(p->state[i]));
	rows_time(r, "last_used_at", s->rotated_at);
	if (r->form != ROWS_TABLE)
		print_rest(r, s);
	rows_text(r, "username", 16, slice_of(p->name[i].text));
	rows_text(r, "ip", 15, s->ip);
	rows_text(r, "client", 8, s->client);
	rows_text(r, "device", 16, s->device);
	rows_text(r, "agent", 0, s->agent);
	rows_close(r);
}

int verb_session_list(struct verb_call *c)
{
	struct session_page page = { .all = c->given[OPT_ALL] };
	struct user u = { .id = 0 };
	if (c->operands && !verb_look_up_user(c, &u))
		return VERB_REFUSED;
	page.user = u.id;
	return verb_list(c, &(struct verb_list){ read_sessions, print_session, &page });
}

/* ---- revoke ------------------------------------------------------------- */

static int revoke_all(struct verb_call *c)
{
	struct user u;
	if (!verb_find_user(c, c->value[OPT_USER], &u))
		return VERB_REFUSED;
	int64_t ended = session_end_all(&c->work, u.id, 0, ENDED_REVOKED);
	if (ended)
		audit_note(&c->work, EVENT_REVOKE, u.id, 0);
	return verb_done_count(c, ended, " sessions ended");
}

int ask_session(struct verb_call *c)
{
	if (c->given[OPT_USER] != (c->operands == 1))
		return VERB_DONE;
	log_line(c->verb, "either the id of a session or --user NAME", NULL);
	return VERB_USAGE;
}

int verb_session_revoke(struct verb_call *c)
{
	struct session s;
	uint64_t id;
	if (c->given[OPT_USER])
		return revoke_all(c);
	if (!parse_id(c->operand[0], &id) || !store_session(id, &s) || s.ended_at)
		return verb_refuse(c, "no such session, or it has ended: ", c->operand[0]);
	int64_t sso = session_end_row(&c->work, &s, ENDED_REVOKED);
	c->work.note.count = sso ? sso + 1 : 0;
	audit_note(&c->work, EVENT_REVOKE, s.user, s.id);
	return verb_done(c, "ended session ", c->operand[0]);
}
