/*
 * sessions: `latchkey session …`.
 */
#include "operator/verbs.h"

#include "base/log.h"
#include "session.h"

/* What a row of the list says beside the session's own. */
struct standing {
	struct user_name user;
	const char *state;
};

/* Read while the store is open. */
static void look_up(const struct work *w, const struct session *s, struct standing *out)
{
	struct user u = { .id = 0 };
	size_t mark = arena_mark();
	const struct user *known = store_user(s->user, &u) ? &u : NULL;
	verb_copy_name(known, &out->user);
	out->state = session_state(w, s, known);
	arena_back(mark);
}

static void session_row(struct rows *r, const struct session *s, const struct standing *more)
{
	rows_open(r);
	rows_id(r, "id", s->id);
	rows_text(r, "state", 8, slice_of(more->state));
	rows_time(r, "created_at", s->created_at);
	rows_time(r, "last_used_at", s->rotated_at);
	rows_time(r, "expires_at", s->expires_at);
	rows_time(r, "ended_at", s->ended_at);
	rows_int(r, "generation", 10, s->ctr);
	rows_flag(r, "cookie", s->cookie);
	rows_id(r, "user", s->user);
	rows_text(r, "username", 16, slice_of(more->user.text));
	rows_text(r, "ip", 15, s->ip);
	rows_text(r, "device", 16, s->device);
	rows_text(r, "agent", 0, s->agent);
	rows_close(r);
}

static size_t session_page(struct verb_call *c, struct rows *r, uint64_t user, uint64_t *after)
{
	struct session s[LIMIT_LIST];
	struct standing more[LIMIT_LIST];
	size_t mark = arena_mark();
	store_open(c->dir, VERB_WAIT);
	(void)session_clock(&c->work);
	size_t n = store_sessions(user, *after, s);
	for (size_t i = 0; i < n; i++)
		look_up(&c->work, &s[i], &more[i]);
	store_close();
	for (size_t i = 0; i < n; i++)
		if (c->given[OPT_ALL] || more[i].state == ended_words[ENDED_NOT])
			session_row(r, &s[i], &more[i]);
	*after = n ? s[n - 1].id : *after;
	arena_back(mark);
	return n;
}

int verb_session_list(struct verb_call *c)
{
	struct user u = { .id = 0 };
	struct rows r;
	uint64_t after = 0;
	if (c->operands && !verb_look_up_user(c, &u))
		return VERB_REFUSED;
	rows_begin(&r, verb_form(c));
	if (rows_heading(&r))
		session_row(&r, &(struct session){ .id = 0 }, &(struct standing){ .state = "" });
	while (session_page(c, &r, u.id, &after) == LIMIT_LIST)
		;
	return rows_end(&r) ? VERB_DONE : VERB_SYSTEM;
}

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
	if (!parse_id(c->operand[0], &id) || !store_session(id, &s) || !store_session_end(id, ENDED_REVOKED, c->work.time))
		return verb_refuse(c, "no such session, or it has ended: ", c->operand[0]);
	audit_note(&c->work, EVENT_REVOKE, s.user, s.id);
	return verb_done(c, "ended session ", c->operand[0]);
}
