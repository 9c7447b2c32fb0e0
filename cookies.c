/*
 * cookies: see cookies.h.
 */
#include "cookies.h"

#include "config.h"

static const char *const prefixes[COOKIE_GUARDS] = { "__Host-latchkey", "__Secure-latchkey", "latchkey" };

/* Over plain HTTP a browser drops what is Secure; on its own host it takes what isn't. */
static bool is_plain(const struct config *config, const struct request *rq)
{
	bool secure = rq->https || slice_starts(rq->origin, S("https:"));
	return http_loopback(rq) || (config->insecure_cookie && !secure);
}

/* FNV-1a over what tells instances apart. The oldest key: it stays when a new one signs. */
static uint32_t hash_of_instance(const struct work *w)
{
	uint32_t hash = 2166136261U;
	const char *text = text_join(w->ring->key[w->ring->count - 1].kid, slice_text(w->config->issuer), " ",
		slice_text(w->config->audience), NULL);
	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * 16777619U;
	return hash;
}

static const char *const words[] = {
	[COOKIE_REFRESH] = "-", [COOKIE_ACCESS] = "-access-", [COOKIE_DOOR] = "-door-", [COOKIE_SITE] = "-site-"
};

static const char *cookie_name(const struct work *w, enum cookie which, enum cookie_guard guard)
{
	struct buf b = { 0 };
	uint32_t hash = hash_of_instance(w);
	buf_s(&b, prefixes[guard]);
	buf_s(&b, words[which]);
	buf_hex_bytes(&b, (const uint8_t *)&hash, sizeof hash);
	return slice_text(buf_slice(&b));
}

bool cookies_next(const struct work *w, const struct request *rq, enum cookie_guard guard, struct slice *rest, struct slice *value)
{
	return (guard != COOKIE_OF_ANYBODY || is_plain(w->config, rq)) && http_cookie(rest, slice_of(prefixes[guard]), value);
}

bool cookies_spread(const struct config *config, const struct request *rq)
{
	return config->cookie_domain.n && !is_plain(config, rq);
}

void cookies_set(const struct work *w, const struct request *rq, struct reply *rp, enum cookie which, struct slice value,
	int64_t seconds)
{
	bool plain = is_plain(w->config, rq), at_mount = which == COOKIE_REFRESH;
	const char *path = at_mount && rq->mount.n ? slice_text(rq->mount) : "/";
	bool spread = (which == COOKIE_ACCESS || which == COOKIE_SITE) && cookies_spread(w->config, rq);
	const char *domain = spread ? slice_text(w->config->cookie_domain) : "";
	bool host = path[1] == '\0' && *domain == '\0';
	enum cookie_guard guard = plain ? COOKIE_OF_ANYBODY : host ? COOKIE_OF_HOST : COOKIE_OF_SITE;
	reply_header(rp, "Set-Cookie", cookie_name(w, which, guard), "=", slice_text(value), "; Path=", path,
		*domain ? "; Domain=" : "", domain, seconds < 0 ? "" : "; Max-Age=", seconds < 0 ? "" : dec(seconds),
		"; HttpOnly; SameSite=", at_mount ? "Strict" : "Lax", plain ? "" : "; Secure", NULL);
}

/*
 * A token that the browser sent of itself counts only when the page that
 * caused it was ours (api.md, cookie mode), or is on the list and of the same site: SameSite=Strict keeps it from others. A
 * browser too old to say where a request comes from at least names its origin.
 */
bool cookies_cross_site(const struct config *config, const struct request *rq)
{
	if (slice_is(rq->sec_fetch_site, S("same-origin")))
		return false;
	if (rq->sec_fetch_site.p && !slice_is(rq->sec_fetch_site, S("same-site")))
		return true;
	if (!rq->sec_fetch_site.p && http_same_origin(rq))
		return false;
	return !config_origin_listed(config, rq->origin);
}

/* Who says nothing of where the page is from, like curl, is no browser. A page that is listed may be on another scheme. */
enum error cookies_usable(const struct config *config, const struct request *rq)
{
	bool plain_page = slice_starts(rq->origin, S("http:")) && !http_loopback_page(rq);
	if (plain_page && !is_plain(config, rq) && !config_origin_listed(config, rq->origin))
		return ERROR_INSECURE_ORIGIN;
	return (rq->origin.p || rq->sec_fetch_site.p) && cookies_cross_site(config, rq) ? ERROR_CROSS_SITE : ERROR_NONE;
}
