/*
 * gate: the site session of a browser (session_site.h), as the cookies of a request show it: for the pages of the front door, and
 * for `/verify`.
 *
 * A site session has one cookie, COOKIE_DOOR, which no other host gets. Where cookie_domain spreads it, it has a second one,
 * COOKIE_SITE, for the hosts below that domain: each program there can read it, so the door's own pages don't take it.
 * A browser sends each cookie that fits, whoever set it. So each is judged, first those that the fewest others can have set; and
 * those that a sibling host can have set, for GATE_SITE with cookie_domain alone.
 */
#ifndef GATE_H
#define GATE_H

#include "audit.h"
#include "base/base.h"
#include "http_reply.h"
#include "http_request.h"
#include "session_site.h"

/*
 * Signs in by name and password (signin_by_password(): throttle, audit and sessions_max are as of /login), and sets the cookies.
 * how: device, brief (the browser forgets the cookies when it ends), idempotency; the rest is set here. The session that the
 * browser showed, if it is the same user's, ends. Errors: signin_by_password()'s; INSECURE_ORIGIN: the browser would drop the
 * cookies; CROSS_SITE: a page of another site asks.
 */
enum error gate_sign_in(struct work *w, const struct request *rq, struct reply *rp, struct slice name, struct slice password,
	struct origin *how, struct grant *out);
/* The same in two steps, for a sign-in without a password: makes *how one of a site session (INSECURE_ORIGIN); sets the cookies of its grant. */
enum error gate_prepare(const struct work *w, const struct request *rq, struct origin *how);
void gate_granted(const struct work *w, const struct request *rq, struct reply *rp, const struct grant *g);

enum gate {
	GATE_DOOR,              /* the door's own pages ask: COOKIE_DOOR alone will do */
	GATE_SITE               /* for what lies behind the door */
};
/*
 * Finds the good site session of a request; opens the store. *out is as of session_check_site(). TOKEN_MISSING: no cookie that
 * counts has our MAC; CROSS_SITE: cookies of two sessions are good, and another host may have set one of them; else what is wrong with the
 * first: TOKEN_INVALID, SESSION_REVOKED, CLOCK_UNSET. Whether a page of another site asks is the caller's to judge.
 */
enum error gate_admit(struct work *w, const struct request *rq, enum gate gate, struct caller *out);

/* For signin_change_password() and session_end(): the tokens that the session is to be renewed by. */
void gate_renewal(struct work *w, const struct request *rq, struct grant *grant, struct renewal *out);
/* Sets the cookies of a session that was renewed; nothing where renewal->done is false. After the commit. */
void gate_renewed(const struct work *w, const struct request *rq, struct reply *rp, const struct renewal *renewal);

/* Sets the cookies of the caller's session anew, where the one that counts was signed by a key that doesn't sign any more: so that
 * key can be retired one day. False where there is no need. The caller is gate_admit()'s. An older cookie beside it is none: it would be
 * there again at the next request, and whoever is sent on whenever cookies were set would be sent in a circle. */
bool gate_reseal(const struct work *w, const struct request *rq, struct reply *rp, const struct caller *caller);

/* Ends each session of which a cookie is shown (session_sign_out()), and takes the cookies away. */
void gate_sign_out(struct work *w, const struct request *rq, struct reply *rp);

#endif
