/*
 * redirect: see redirect.h.
 */
#include "redirect.h"

enum { ESCAPED_MOST = 3000 };           /* bytes of `rd`: nginx takes 4 KiB of headers from whom it asks */

/* ---- back -------------------------------------------------------------- */

/* Whether a host lies below the domain, or is it. */
static bool is_below(struct slice name, struct slice domain)
{
	if (domain.n == 0 || name.n < domain.n || !slice_is_nocase(slice_from(name, name.n - domain.n), domain))
		return false;
	size_t before = name.n - domain.n;
	return before == 0 || (before > 1 && name.p[before - 1] == '.');
}

/* Whatever the port: a cookie goes to each. */
static bool is_this_host(const struct request *rq, struct slice name)
{
	struct slice own;
	return http_split_host(rq->host, &own) && slice_is_nocase(name, own);
}

/* Up to the path, the query or the fragment. */
static struct slice authority_of(struct slice rest)
{
	size_t n = 0;
	while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?' && rest.p[n] != '#')
		n++;
	return (struct slice){ rest.p, n };
}

static bool is_good_origin(const struct config *config, const struct request *rq, struct slice url)
{
	struct slice rest = url, scheme = slice_cut(&rest, ':'), name;
	bool secure = slice_is_nocase(scheme, S("https"));
	if (!(secure || slice_is_nocase(scheme, S("http"))) || !slice_starts(rest, S("//")))
		return false;
	struct slice authority = authority_of(slice_from(rest, 2));
	if (!http_split_host(authority, &name))
		return false;
	if (config_origin_listed(config, (struct slice){ url.p, (size_t)(authority.p + authority.n - url.p) }))
		return true;
	if (is_this_host(rq, name))
		return secure || !rq->https;
	return secure && is_below(name, config->cookie_domain);
}

/* Browsers take a backslash for a slash, and leave out tabs and line ends. */
static bool is_plain(struct slice url)
{
	return slice_printable(url, " \\");
}

bool redirect_is_good(const struct config *config, const struct request *rq, struct slice url)
{
	if (url.n == 0 || url.n > REDIRECT_MOST || !is_plain(url))
		return false;
	return *url.p == '/' ? !slice_starts(url, S("//")) : is_good_origin(config, rq, url);
}

/* ---- to sign in -------------------------------------------------------- */

/* A word of a list between commas, whatever parameters stand behind it. */
static bool lists(struct slice list, struct slice word)
{
	bool found = false;
	while (list.n && !found) {
		struct slice item = slice_cut(&list, ',');
		found = slice_is_nocase(slice_trim(slice_cut(&item, ';')), word);
	}
	return found;
}

bool redirect_is_page(const struct request *rq)
{
	struct slice method = rq->forwarded_method;
	bool safe = method.n ? slice_is(method, S("GET")) || slice_is(method, S("HEAD")) : rq->method == METHOD_GET || rq->method == METHOD_HEAD;
	return safe && (rq->sec_fetch_mode.n ? slice_is(rq->sec_fetch_mode, S("navigate")) : lists(rq->accept, S("text/html")));
}

/* The page that is asked for, as far as a proxy told: its whole URL; p NULL: nothing. */
static struct slice page_of(const struct request *rq)
{
	if (rq->original_url.n)
		return rq->original_url;
	if (rq->forwarded_host.n == 0 || rq->forwarded_uri.n == 0)
		return SLICE_NONE;
	return slice_of(text_join(rq->https ? "https://" : "http://", slice_text(rq->forwarded_host), slice_text(rq->forwarded_uri), NULL));
}

/* On this very host the path is enough, and says nothing of a scheme that may not be known. */
static struct slice without_host(const struct request *rq, struct slice url)
{
	struct slice rest = url;
	(void)slice_cut(&rest, ':');
	struct slice authority = authority_of(slice_from(rest, 2)), path = slice_from(rest, 2 + authority.n);
	return path.n && *path.p == '/' && slice_is_nocase(authority, rq->host) ? path : url;
}

struct slice redirect_escaped(struct slice value)
{
	struct buf b = { 0 };
	for (size_t i = 0; i < value.n; i++) {
		struct slice c = { value.p + i, 1 };
		if (slice_made_of(c, "-._~/"))
			buf_add(&b, c);
		else {
			buf_c(&b, '%');
			buf_hex_bytes(&b, (const uint8_t *)c.p, 1);
		}
	}
	return buf_slice(&b);
}

/* The page to sign in at that the web server names, if it does. */
static bool find_door(const struct config *config, const struct request *rq, struct slice *url)
{
	struct slice raw;
	return http_query(rq, S("door"), &raw) && http_decode(raw, url) && redirect_is_good(config, rq, *url);
}

const char *redirect_to_signin(const struct config *config, const struct request *rq)
{
	struct slice door, page = page_of(rq);
	bool elsewhere = find_door(config, rq, &door);
	const char *to = elsewhere ? slice_text(door) : text_join(slice_text(rq->mount), "/signin", NULL);
	if (!elsewhere)
		page = without_host(rq, page);
	if (!redirect_is_good(config, rq, page))
		return to;
	page = redirect_escaped(page);
	return page.n > ESCAPED_MOST ? to : text_join(to, "?rd=", slice_text(page), NULL);
}
