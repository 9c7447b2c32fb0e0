/*
 * cookies: see cookies.h.
 */
#include "cookies.h"

static const struct {
	const char *secure, *plain;    /* plain: only over plain HTTP on loopback */
	const char *same_site;
	bool at_mount;                 /* Path is the mount point, not "/" */
} cookies[] = {
	[COOKIE_REFRESH] = { "__Secure-latchkey", "latchkey", "Strict", true },
	[COOKIE_ACCESS] = { "__Secure-latchkey-access", "latchkey-access", "Lax", false },
};

static const char *cookie_name(const struct request *rq, enum cookie which)
{
	return http_loopback(rq) ? cookies[which].plain : cookies[which].secure;
}

size_t cookies_find(const struct request *rq, enum cookie which, struct slice out[LIMIT_COOKIES])
{
	return http_cookies(rq, slice_of(cookie_name(rq, which)), out);
}

void cookies_set(const struct request *rq, struct reply *rp, enum cookie which, struct slice value, int64_t max_age)
{
	const char *path = cookies[which].at_mount && rq->mount.n ? slice_text(rq->mount) : "/";
	reply_header(rp, "Set-Cookie", cookie_name(rq, which), "=", slice_text(value), "; Path=", path,
		"; Max-Age=", dec(max_age), "; HttpOnly; SameSite=", cookies[which].same_site,
		http_loopback(rq) ? "" : "; Secure", NULL);
}

/*
 * A token that the browser sent of itself counts only when the page that
 * caused it was ours (api.md, cookie mode). A browser too old to say where a
 * request comes from at least names its origin.
 */
bool cookies_cross_site(const struct config *config, const struct request *rq)
{
	if (rq->sec_fetch_site.p)
		return !slice_is(rq->sec_fetch_site, S("same-origin"));
	if (rq->origin.p)
		return !http_same_origin(rq) && !config_origin_listed(config, rq->origin);
	return true;
}
