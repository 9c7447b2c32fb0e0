/*
 * signin: users by name and password: sign in, register, change the password, choose one by a link.
 *
 * A trial of a password is throttled by address and by account, and waits for
 * a slot to hash in. A hash takes a hundred times as long as a request, so the
 * store is closed while one is made; what was read before is read again in the
 * transaction that acts on it.
 */
#ifndef SIGNIN_H
#define SIGNIN_H

#include "base/base.h"
#include "session.h"

/*
 * Each opens the store (session_clock()) and is one transaction at most. Errors
 * of all: RATE_LIMITED (w->retry_after says how long), BUSY (no slot),
 * CLOCK_UNSET, and what is named here. The peer is w->peer.
 */

/* INVALID_CREDENTIALS: unknown user, wrong password and disabled user are one answer, after the same time. */
enum error signin_by_password(struct work *w, struct slice name, struct slice password, const struct origin *origin,
	struct grant *out);

/* Adds a user and signs in. As a sign-in, it has the same answer when it comes again with origin->idempotency: session_again().
 * SIGNUP_DISABLED, INVALID_REQUEST (no such name can be), WEAK_PASSWORD, USERNAME_TAKEN. */
enum error signin_register(struct work *w, struct slice name, struct slice password, const struct origin *origin,
	struct grant *out);

/* To be called when a request ends by a failure of ours (fail()): gives back to the throttle the try that was under way, if there was one. */
void signin_failed(void);

/* Changes the caller's password and ends all of his sessions but this one. caller is session_check()'s, of a live
 * session. The same request once more with renewal->idempotency has nothing to do. WEAK_PASSWORD,
 * INVALID_CREDENTIALS, and those of session_check_live(). */
enum error signin_change_password(struct work *w, struct caller *caller, struct slice current, struct slice next,
	struct renewal *renewal);

/*
 * Sets the password of the user whom the operator gave this link (ticket.h), and ends all of the user's sessions; *out is the
 * user. It signs nobody in. The same request once more has nothing to do, and the same answer. The throttle is asked
 * then alone: it would tell whether a password is right. LINK_INVALID (also for a user who is disabled or gone),
 * LINK_EXPIRED, LINK_USED; WEAK_PASSWORD, after which the link is as good as before.
 */
enum error signin_redeem_link(struct work *w, struct slice ticket, struct slice next, struct user *out);

/* Deletes the caller and all that is his, who shows his password for it. caller as above. INVALID_CREDENTIALS, and those of
 * session_check_live(). */
enum error signin_delete_user(struct work *w, struct caller *caller, struct slice password);

#endif
