/*
 * possession: see possession.h.
 */
#include "possession.h"

#include "config.h"
#include "dpop.h"
#include "http_request.h"

/*
 * What `htu` must name: the issuer's URL and the path of the call. Where the issuer is no URL, the one that the request was sent to; its scheme isn't
 * looked at, since a server before this one may have ended TLS without a word.
 */
static struct slice url_of(const struct call *c)
{
	const char *path = slice_text(c->path);
	struct slice issuer = c->work.config->issuer;
	bool is_url = slice_starts(issuer, S("https://")) || slice_starts(issuer, S("http://"));
	if (is_url)
		return slice_of(text_join(slice_text(issuer), path, NULL));
	return slice_of(text_join("//", slice_text(c->rq->host), slice_text(c->rq->mount), path, NULL));
}

enum error possession_read(struct call *c)
{
	if (c->rq->dpop.p == NULL || !dpop_read)
		return ERROR_NONE;
	struct proof *proof = arena(sizeof *proof);
	enum error e = dpop_read(c->rq->dpop, url_of(c), c->work.ring, now(), proof);
	c->work.proof = e == ERROR_NONE ? proof : NULL;
	return e;
}

enum error possession_prove(struct call *c)
{
	enum error e = possession_read(c);
	return e == ERROR_NONE && c->work.proof && !dpop_signed(c->work.proof) ? ERROR_INVALID_DPOP_PROOF : e;
}
