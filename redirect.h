/*
 * redirect: where a browser may be sent. Back, to the page that it came for; and to the page on which it signs in, for a web
 * server that asks `/verify` before it serves something.
 */
#ifndef REDIRECT_H
#define REDIRECT_H

#include "base/base.h"
#include "config.h"
#include "http_request.h"

enum { REDIRECT_MOST = 2048 };          /* bytes of an address that a browser is sent back to */

/*
 * Whether a browser may be sent to a URL, as it stands: a path on this host ("/…"), or an http or https URL of this host (whatever its port), of a
 * host below cookie_domain (https alone), or of an origin of cors_origins. Nothing that a browser could read otherwise: "//", "\",
 * user names, control characters, blanks, bytes above ASCII, over REDIRECT_MOST bytes.
 */
bool redirect_is_good(const struct config *config, const struct request *rq, struct slice url);

/*
 * Whether a person waits for what the web server guards: a page is asked for, by GET or HEAD, and no script asks (Sec-Fetch-Mode;
 * where a browser doesn't send that, Accept). The method is X-Forwarded-Method of a trusted proxy, else the request's.
 */
bool redirect_is_page(const struct request *rq);

/*
 * The address of the page to sign in at, with `rd`, the page that is asked for, as the trusted proxy has it (X-Original-URL, or
 * X-Forwarded-Host and X-Forwarded-Uri); without rd where it isn't known or is too long. The page to sign in at is /signin below
 * the mount; or what the parameter door of the query names, if redirect_is_good(). In the arena.
 */
const char *redirect_to_signin(const struct config *config, const struct request *rq);

/* A value for a query: all but the unreserved bytes of RFC 3986, 2.3, and the slash, as %XX. In the arena. */
struct slice redirect_escaped(struct slice value);

#endif
