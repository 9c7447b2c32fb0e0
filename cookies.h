/*
 * cookies: the two cookies of cookie mode (docs/api.md), and whether a request
 * that carries them may be acted on.
 */
#ifndef COOKIES_H
#define COOKIES_H

#include "base/base.h"
#include "config.h"
#include "http_reply.h"
#include "http_request.h"

enum cookie {
	COOKIE_REFRESH,         /* sent to the mount alone, by pages of the same site */
	COOKIE_ACCESS           /* sent to the whole host, where option access_cookie is on */
};

/* The values that a request has of it, in their order; returns how many, at most LIMIT_COOKIES. */
size_t cookies_find(const struct request *rq, enum cookie which, struct slice out[LIMIT_COOKIES]);
/* Sets it for max_age seconds; 0 takes it away. */
void cookies_set(const struct request *rq, struct reply *rp, enum cookie which, struct slice value, int64_t max_age);
/* Whether a page of another site may have caused the request: then what its cookies say doesn't count. */
bool cookies_cross_site(const struct config *config, const struct request *rq);

#endif
