/*
 * sessions: `latchkey session …`.
 */
#include "operator/verbs.h"

#include "base/log.h"

static struct slice state_of(const struct config *conf, const struct session *s)
{
	if (s->ended_at || !verb_is_over(conf, s))
		return slice_of(ended_words[s->ended_at ? s->why : ENDED_NOT]);
	return S("expired");
}

static void session_row(struct rows *r, const struct config *conf, const struct session *s, const struct user_name *name)
{
	rows_open(r);
	rows_id(r, "id", s->id);
	rows_text(r, "state", 8, state_of(conf, s));
	rows_time(r, "created_at", s->created_at);
	rows_time(r, "last_used_at", s->rotated_at);
	rows_time(r, "expires_at", s->expires_at);
	rows_time(r, "ended_at", s->ended_at);
	rows_int(r, "generation", 10, s->ctr);
	rows_flag(r, "cookie", s->cookie);
	rows_id(r, "user", s->user);
	rows_text(r, "username", 16, slice_of(name->text));
	rows_text(r, "ip", 15, s->ip);
	rows_text(r, "device", 16, s->device);
	rows_text(r, "agent", 0, s->agent);
	rows_close(r);
}

static size_t session_page(const struct verb_call *c, struct rows *r, uint64_t user, uint64_t *after)
{
	struct session s[LIMIT_LIST];
	struct user_name name[LIMIT_LIST];
	size_t mark = arena_mark();
	store_open(c->dir, VERB_WAIT);
	size_t n = store_sessions(user, *after, s);
	for (size_t i = 0; i < n; i++)
		verb_name_of(s[i].user, &name[i]);
	store_close();
	for (size_t i = 0; i < n; i++)
		if (c->given[OPT_ALL] || (!s[i].ended_at && !verb_is_over(&c->conf, &s[i])))
			session_row(r, &c->conf, &s[i], &name[i]);
	*after = n ? s[n - 1].id : *after;
	arena_back(mark);
	return n;
}

int verb_session_list(struct verb_call *c)
{
	struct user u = { .id = 0 };
	struct rows r;
	uint64_t after = 0;
	if (c->operands) {
		store_open(c->dir, VERB_WAIT);
		bool found = verb_user(c->operand[0], &u);
		store_close();
		if (!found)
			return verb_no_user(c, c->operand[0]);
	}
	rows_begin(&r, verb_form(c));
	if (rows_heading(&r))
		session_row(&r, &c->conf, &(struct session){ .id = 0 }, &(struct user_name){ "" });
	while (session_page(c, &r, u.id, &after) == LIMIT_LIST)
		;
	return rows_end(&r) ? VERB_DONE : VERB_SYSTEM;
}

static int revoke_all(struct verb_call *c)
{
	struct user u;
	if (!verb_user(c->value[OPT_USER], &u))
		return verb_no_user(c, c->value[OPT_USER]);
	int64_t ended = store_sessions_end(u.id, 0, ENDED_REVOKED, c->time);
	if (ended)
		verb_note(c, EVENT_REVOKE, u.id, 0);
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
	if (!parse_id(c->operand[0], &id) || !store_session(id, &s) || !store_session_end(id, ENDED_REVOKED, c->time))
		return verb_refuse(c, "no such session, or it has ended: ", c->operand[0]);
	verb_note(c, EVENT_REVOKE, s.user, s.id);
	return verb_done(c, "ended session ", c->operand[0]);
}
