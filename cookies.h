/*
 * cookies: those of cookie mode (docs/api.md) and of site sessions (session_site.h): their names, how they are found and set,
 * and whether a request that carries them, or asks for them, may be acted on.
 *
 * A name is `latchkey`, `-access` for the access token, `-door` and `-site` for a site session, and `-` with eight digits that belong to this instance: two
 * instances on one host share a browser's cookies, whatever their ports. Whose a cookie is its MAC tells, so any name that
 * begins with `latchkey` is read: those that 0.1.0 set, and those of before a key was retired. Where a browser
 * lets nobody else set it, it is called `__Host-…`; else, by HTTPS, `__Secure-…` (RFC 6265bis, 4.1.3).
 */
#ifndef COOKIES_H
#define COOKIES_H

#include "audit.h"
#include "base/base.h"
#include "http_reply.h"
#include "http_request.h"

enum cookie {
	COOKIE_REFRESH,         /* sent to the mount alone, by pages of the same site */
	COOKIE_ACCESS,          /* sent to the whole host, where option access_cookie is on */
	COOKIE_DOOR,            /* of a site session: sent to the whole host, and to no other */
	COOKIE_SITE             /* of a site session: where option cookie_domain spreads it; cookies_spread() */
};

/* Who can have set a cookie, by the beginning of its name. */
enum cookie_guard {
	COOKIE_OF_HOST,         /* this host alone */
	COOKIE_OF_SITE,         /* its siblings too: hosts that share a domain with it */
	COOKIE_OF_ANYBODY,      /* whoever is in between: read over plain HTTP alone */
	COOKIE_GUARDS
};

/* Cuts cookies off *rest (rq->cookie at first) up to the next that may be one of ours, by its name; false: there is no other. */
bool cookies_next(const struct work *w, const struct request *rq, enum cookie_guard guard, struct slice *rest, struct slice *value);
/* Sets it for `seconds`; 0 takes it away, COOKIE_BRIEF keeps it until the browser ends. */
void cookies_set(const struct work *w, const struct request *rq, struct reply *rp, enum cookie which, struct slice value,
	int64_t seconds);
enum { COOKIE_BRIEF = -1 };
/* Whether the cookies of this request's host can be spread to the hosts below cookie_domain. */
bool cookies_spread(const struct config *config, const struct request *rq);

/* Whether a page of another site may have caused the request: then what its cookies say doesn't count. */
bool cookies_cross_site(const struct config *config, const struct request *rq);
/* Whether a session that starts with this request could go on by a cookie. CROSS_SITE: not from that page;
 * INSECURE_ORIGIN: its browser would drop the cookie. */
enum error cookies_usable(const struct config *config, const struct request *rq);

#endif
