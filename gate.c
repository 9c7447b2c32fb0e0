/*
 * gate: see gate.h.
 */
#include "gate.h"

#include "config.h"
#include "cookies.h"
#include "signin.h"

enum { SITE_LEAST = 150 };      /* bytes that a cookie of a site session has at least */

/* ---- what a request shows ---------------------------------------------- */

/* Tokens with our MAC. */
struct shown {
	struct rotation *token;
	size_t count;
};

/* What was taken to look at a value that isn't ours is given back: a browser may send hundreds. */
static void present(const struct work *w, struct slice value, size_t most, struct shown *out)
{
	size_t mark = arena_mark();
	if (out->count < most && session_present_site(w, value, &out->token[out->count]))
		out->count++;
	else
		arena_back(mark);
}

static struct shown present_all(const struct work *w, const struct request *rq)
{
	size_t most = rq->cookie.n / SITE_LEAST + 1;
	struct shown out = { arena(most * sizeof *out.token), 0 };
	for (enum cookie_guard g = COOKIE_OF_HOST; g < COOKIE_GUARDS; g++) {
		struct slice rest = rq->cookie, value;
		while (cookies_next(w, rq, g, &rest, &value))
			present(w, value, most, &out);
	}
	return out;
}

/* ---- setting the cookies ----------------------------------------------- */

static void set_cookies(const struct work *w, const struct request *rq, struct reply *rp, const struct grant *g)
{
	int64_t seconds = g->session.brief ? COOKIE_BRIEF : g->refresh_end - w->time;
	cookies_set(w, rq, rp, COOKIE_DOOR, g->door, seconds);
	if (cookies_spread(w->config, rq))
		cookies_set(w, rq, rp, COOKIE_SITE, g->site, seconds);
}

static void take_cookies_away(const struct work *w, const struct request *rq, struct reply *rp)
{
	cookies_set(w, rq, rp, COOKIE_DOOR, SLICE_NONE, 0);
	if (cookies_spread(w->config, rq))
		cookies_set(w, rq, rp, COOKIE_SITE, SLICE_NONE, 0);
}

/* ---- in ---------------------------------------------------------------- */

enum error gate_prepare(const struct work *w, const struct request *rq, struct origin *how)
{
	enum error e = cookies_usable(w->config, rq);
	if (e != ERROR_NONE)
		return e;
	struct shown shown = present_all(w, rq);
	how->cookie = true;
	how->site = true;
	how->shown = shown.token;
	how->count = shown.count;
	return ERROR_NONE;
}

void gate_granted(const struct work *w, const struct request *rq, struct reply *rp, const struct grant *g)
{
	set_cookies(w, rq, rp, g);
}

enum error gate_sign_in(struct work *w, const struct request *rq, struct reply *rp, struct slice name, struct slice password,
	struct origin *how, struct grant *out)
{
	enum error e = gate_prepare(w, rq, how);
	if (e == ERROR_NONE)
		e = signin_by_password(w, name, password, how, out);
	if (e == ERROR_NONE)
		set_cookies(w, rq, rp, out);
	return e;
}

/* ---- on ---------------------------------------------------------------- */

/* What was found so far: the good session, or what is wrong with the first token that has our MAC. */
struct search {
	struct work *w;
	enum gate gate;
	struct caller *out;
	enum error e;
};

/*
 * Of two good ones of two sessions the later, where nobody else can have set one: a retired key gave the cookie another name. Of one
 * session the one by the key that signs.
 */
static bool is_better(const struct search *s, const struct caller *a)
{
	bool same = a->claims.sid == s->out->claims.sid;
	return s->e != ERROR_NONE || (same ? a->signer < s->out->signer : a->claims.iat > s->out->claims.iat);
}

/* Whether it was chosen. */
static bool judge(struct search *s, enum cookie_guard guard, struct slice value)
{
	struct caller a = { 0 };
	enum error e = session_check_site(s->w, value, s->gate == GATE_DOOR, &a);
	bool good = e == ERROR_NONE, rival = good && s->e == ERROR_NONE && a.claims.sid != s->out->claims.sid;
	if (rival && guard != COOKIE_OF_HOST)
		s->e = ERROR_CROSS_SITE;
	if (a.foreign || s->e == ERROR_CROSS_SITE || !(s->e == ERROR_TOKEN_MISSING || (good && is_better(s, &a))))
		return false;
	s->e = e;
	*s->out = a;
	return true;
}

/* What a sibling host can have set counts only where we set such cookies too: else it is a session that somebody planted. */
static bool may_count(const struct search *s, enum cookie_guard guard)
{
	return guard != COOKIE_OF_SITE || (s->gate == GATE_SITE && s->w->config->cookie_domain.n);
}

/* What was taken to look at a cookie that isn't chosen is given back: there may be hundreds. */
static void judge_all(struct search *s, const struct request *rq, enum cookie_guard guard)
{
	struct slice rest = may_count(s, guard) ? rq->cookie : SLICE_NONE, value;
	while (s->e != ERROR_CROSS_SITE && cookies_next(s->w, rq, guard, &rest, &value)) {
		size_t mark = arena_mark();
		if (!judge(s, guard, value))
			arena_back(mark);
	}
}

enum error gate_admit(struct work *w, const struct request *rq, enum gate gate, struct caller *out)
{
	struct search s = { w, gate, out, ERROR_TOKEN_MISSING };
	for (enum cookie_guard g = COOKIE_OF_HOST; g < COOKIE_GUARDS && s.e != ERROR_NONE; g++)
		judge_all(&s, rq, g);
	return s.e == ERROR_NONE ? session_touch_site(w, out) : s.e;
}

void gate_renewal(struct work *w, const struct request *rq, struct grant *grant, struct renewal *out)
{
	struct shown shown = present_all(w, rq);
	*out = (struct renewal){ .shown = shown.token, .count = shown.count, .grant = grant };
}

void gate_renewed(const struct work *w, const struct request *rq, struct reply *rp, const struct renewal *renewal)
{
	if (!renewal->done)
		return;
	session_grant(w, renewal->grant);
	set_cookies(w, rq, rp, renewal->grant);
}

bool gate_reseal(const struct work *w, const struct request *rq, struct reply *rp, const struct caller *caller)
{
	struct grant g = { .user = caller->user, .session = caller->session };
	if (caller->signer == 0)
		return false;
	session_grant(w, &g);
	set_cookies(w, rq, rp, &g);
	return true;
}

/* ---- out --------------------------------------------------------------- */

void gate_sign_out(struct work *w, const struct request *rq, struct reply *rp)
{
	struct shown shown = present_all(w, rq);
	if (shown.count)
		(void)session_clock(w);
	for (size_t i = 0; i < shown.count; i++)
		(void)session_sign_out(w, &shown.token[i], false);      /* no error where one is meant */
	take_cookies_away(w, rq, rp);
}
