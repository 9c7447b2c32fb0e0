/*
 * session_site: site sessions. A site session is a browser's, with all that a web server guards. It has no refresh token, no
 * access token and nothing that rotates, so no lost answer can end it. Its row has ctr 0, and is asked each time. Its cookies
 * carry a token without an end of its own: the row says until when it is good. The row is written at most once a day (more
 * often where refresh_ttl is below four days).
 *
 * row.idem is when the lineage began, which the tokens say too. So a new lineage makes all tokens of before worth nothing.
 */
#ifndef SESSION_SITE_H
#define SESSION_SITE_H

#include "session.h"

/* Whether a cookie's value is the token of a site session with our MAC; then what was presented is in *out (zeroes before), for
 * origin.shown, session_sign_out() and renewal.shown. Opens no store. */
bool session_present_site(const struct work *w, struct slice token, struct rotation *out);

/*
 * Checks such a token: MAC, then opens the store (session_clock()) and asks the row. door: it must be one that the door's own
 * pages take. Sets out->session, user, signer, and of the claims sub, sid, iat and name, as if an access token had been shown.
 * Errors: TOKEN_INVALID, SESSION_REVOKED, CLOCK_UNSET, STORE_UNAVAILABLE for a damaged row.
 */
enum error session_check_site(struct work *w, struct slice token, bool door, struct caller *out);

/* Notes that the caller, session_check_site()'s, uses his session: once a day, in a transaction of its own, which no fsync ends. */
enum error session_touch_site(struct work *w, struct caller *caller);

#endif
