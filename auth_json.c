/*
 * auth_json: see auth_json.h.
 */
#include "auth_json.h"

/* Members of an object. */
static void put_int(struct jw *w, const char *name, int64_t value)
{
	jw_int(w, name, value);
}

static void put_id(struct jw *w, const char *name, uint64_t id)
{
	jw_id(w, name, id);
}

static void put_text(struct jw *w, const char *name, struct slice text)
{
	jw_text(w, name, text);
}

/* A text with nothing to escape: a token, a word of ours. */
static void put_plain(struct jw *w, const char *name, struct slice text)
{
	jw_plain(w, name, text);
}

static struct jw *put_object(struct jw *w, const char *name)
{
	return jw_open(jw_name(w, name), '{');
}

void auth_json_user(struct jw *w, const struct user *u)
{
	put_id(w, "id", u->id);
	put_text(w, "username", u->name);
	jw_raw(jw_name(w, "subscription"), json_object_or_null(u->subscription));
	if (u->profile.groups.n)
		jw_list(w, "groups", u->profile.groups);
	if (u->profile.email.n)
		put_text(w, "email", u->profile.email);
	if (u->profile.name.n)
		put_text(w, "name", u->profile.name);
}

/* A number, or null where there is none. */
static void write_int_or_null(struct jw *w, const char *name, bool there, int64_t value)
{
	if (there)
		jw_int(w, name, value);
	else
		jw_null(jw_name(w, name));
}

static void write_session(struct jw *w, const struct session *s, int64_t time)
{
	put_object(w, "session");
	put_id(w, "id", s->id);
	put_int(w, "created_at", s->created_at);
	write_int_or_null(w, "expires_in", s->expires_at, s->expires_at - time);
	write_int_or_null(w, "expires_at", s->expires_at, s->expires_at);
	jw_close(w);
}

/* The lifetimes beside a token: `_in` from now, `_at` for showing. */
static void write_lifetime(struct jw *w, const char *in, const char *at, int64_t end, int64_t time)
{
	put_int(w, in, end - time);
	put_int(w, at, end);
}

/* In cookie mode the refresh token is in a cookie alone. */
void auth_json_pair(struct jw *w, const struct grant *g, int64_t time)
{
	jw_open(w, '{');
	put_plain(w, "token_type", S("Bearer"));
	put_plain(w, "access_token", g->access);
	write_lifetime(w, "expires_in", "access_expires_at", g->access_end, time);
	if (!g->session.cookie)
		put_plain(w, "refresh_token", g->refresh);
	write_lifetime(w, "refresh_expires_in", "refresh_expires_at", g->refresh_end, time);
	put_int(w, "generation", g->session.ctr);
	write_session(w, &g->session, time);
	put_object(w, "user");
	auth_json_user(w, &g->user);
	jw_close(w);
	put_int(w, "server_time", time);
	jw_close(w);
}

void auth_json_me(struct jw *w, const struct user *u, const struct session *s, int64_t time)
{
	jw_open(w, '{');
	auth_json_user(w, u);
	write_session(w, s, time);
	jw_close(w);
}

void auth_json_listed(struct jw *w, const struct session *s, int64_t deadline, bool current)
{
	jw_open(w, '{');
	put_id(w, "id", s->id);
	put_text(w, "device", s->device);
	put_text(w, "user_agent", s->agent);
	put_text(w, "ip", s->ip);
	if (s->client.n)
		put_text(w, "client", s->client);
	put_int(w, "created_at", s->created_at);
	put_int(w, "last_used_at", s->rotated_at);
	put_int(w, "expires_at", deadline);
	if (rotation_is_bound(s))
		jw_bool(jw_name(w, "bound"), true);
	jw_bool(jw_name(w, "current"), current);
	jw_close(w);
}

void auth_json_enrolment(struct jw *w, const struct enrolment *e)
{
	jw_open(w, '{');
	put_plain(w, "secret", e->secret);
	put_plain(w, "uri", e->uri);
	jw_open(jw_name(w, "recovery"), '[');
	for (int i = 0; i < TOTP_RECOVERY; i++)
		jw_plain(w, NULL, e->recovery[i]);
	jw_close(w);
	put_plain(w, "ticket", e->ticket);
	jw_close(w);
}

void auth_json_event(struct jw *w, const struct audit *a)
{
	jw_open(w, '{');
	put_int(w, "id", a->id);
	put_int(w, "time", a->time);
	put_plain(w, "event", slice_of(event_words[a->event]));
	if (a->session)
		put_id(w, "session", a->session);
	put_text(w, "ip", a->ip);
	if (a->class)
		put_plain(w, "class", slice_of(class_words[a->class]));
	if (a->event == EVENT_REUSE)
		put_int(w, "distance", a->distance);
	if (a->client.n)
		put_text(w, "client", a->client);
	jw_close(w);
}
