/*
 * credential: see credential.h.
 */
#include "credential.h"

#include "cookies.h"
#include "session.h"

bool credential_shows_bearer(const struct request *rq)
{
	struct slice rest = rq->authorization;
	return slice_is_nocase(slice_cut(&rest, ' '), S("Bearer"));
}

/* For safe methods, where the option is on; and where the method is that of another request. */
static bool may_ride_cookie(const struct work *w, const struct request *rq, bool any)
{
	bool safe = any || rq->method == METHOD_GET || rq->method == METHOD_HEAD;
	return safe && rq->cookie.p && w->config->access_cookie;
}

/* Of the cookies of one guard the one that is good; where none is, the first. Good ones of two sessions: CROSS_SITE. */
static enum error choose_cookie(struct work *w, const struct request *rq, enum cookie_guard guard, struct slice *out)
{
	struct slice rest = rq->cookie, value;
	uint64_t sid = 0;
	while (cookies_next(w, rq, guard, &rest, &value)) {
		struct caller a = { 0 };
		size_t mark = arena_mark();
		bool good = session_check(w, value, CHECK_TIMES, &a) == ERROR_NONE;
		arena_back(mark);
		if (good && sid && sid != a.claims.sid)
			return ERROR_CROSS_SITE;
		if (good)
			sid = a.claims.sid;
		if (good || out->p == NULL)
			*out = value;
	}
	return sid ? ERROR_NONE : ERROR_TOKEN_MISSING;
}

/* False: no cookie of ours came. */
static bool find_cookie(struct work *w, const struct request *rq, struct slice *out, enum error *e)
{
	*out = SLICE_NONE;
	*e = ERROR_TOKEN_MISSING;
	for (enum cookie_guard g = COOKIE_OF_HOST; g < COOKIE_GUARDS && *e == ERROR_TOKEN_MISSING; g++)
		*e = choose_cookie(w, rq, g, out);
	if (*e == ERROR_TOKEN_MISSING && out->p)
		*e = ERROR_NONE;                /* which is then refused by what is wrong with it */
	return out->p != NULL;
}

/* A page behind the web server may have a Bearer of its own, as it may stand behind Basic. */
static bool is_foreign(const struct work *w, struct slice token)
{
	struct caller a = { 0 };
	(void)session_open_access(w, token, &a);
	return a.foreign;
}

bool credential_is_own(const struct work *w, const struct request *rq, struct slice in_body)
{
	struct slice shown;
	return in_body.p || (http_bearer(rq, &shown) && !is_foreign(w, shown));
}

enum error credential_shown(const struct request *rq, struct slice in_body, struct slice *out)
{
	bool by_header = credential_shows_bearer(rq);
	if (by_header && in_body.p)
		return ERROR_INVALID_REQUEST;
	*out = in_body;
	return in_body.p || http_bearer(rq, out) ? ERROR_NONE : by_header ? ERROR_TOKEN_INVALID : ERROR_TOKEN_MISSING;
}

enum error credential_find(struct work *w, const struct request *rq, bool any, struct slice in_body, struct slice *out)
{
	enum error e;
	if (may_ride_cookie(w, rq, any) && !credential_is_own(w, rq, in_body) && find_cookie(w, rq, out, &e))
		return e;
	return credential_shown(rq, in_body, out);
}
