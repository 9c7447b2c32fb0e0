/*
 * credential: the access token of a request: where it may come from, and which of several counts.
 */
#ifndef CREDENTIAL_H
#define CREDENTIAL_H

#include "audit.h"
#include "base/base.h"
#include "http_request.h"

/* `Authorization: Bearer` was sent, well-formed or not. Another scheme is none of ours: a whole site may stand behind Basic. */
bool credential_shows_bearer(const struct request *rq);

/* The request shows a token that is meant for us, in Authorization or in its body (in_body; p NULL: none): then no cookie counts. */
bool credential_is_own(const struct work *w, const struct request *rq, struct slice in_body);

/*
 * The access token of a request, unchecked: in Authorization or in the body (RFC 6750, 2); else that of the cookies, where option
 * access_cookie is on and the method is safe, or `any`, since it is that of another request. Errors: TOKEN_MISSING; TOKEN_INVALID
 * (Authorization is broken); INVALID_REQUEST (it came both ways); CROSS_SITE (cookies of two sessions are good).
 */
enum error credential_find(struct work *w, const struct request *rq, bool any, struct slice in_body, struct slice *out);

/* The same without cookies: in Authorization or in the body. */
enum error credential_shown(const struct request *rq, struct slice in_body, struct slice *out);

#endif
