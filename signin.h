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
 * CLOCK_UNSET, and what is named here. The peer is w->peer. Where a session begins and w->proof is there: INVALID_DPOP_PROOF, its key didn't sign it,
 * which counts as a try of the network; asked after the throttle and before the store.
 *
 * Where a user has a second factor (totp.h), whatever asks for his password asks for a code, too: CODE_REQUIRED, only after the right password,
 * which forgives no failed tries yet; a wrong code is INVALID_CREDENTIALS and counts as a failed try. Who must have a factor and has none
 * (option factor_groups, factor_shown.wanted) is FACTOR_REQUIRED: he signs in by a ticket of enrol.h and a code of the factor that it makes. Then *out is the user, as with CODE_REQUIRED. CHALLENGE_INVALID:
 * a ticket is worth nothing.
 */

/* INVALID_CREDENTIALS: unknown user, wrong password and disabled user are one answer, after the same time. */
enum error signin_by_password(struct work *w, struct slice name, struct slice password, const struct origin *origin,
	struct grant *out);

/*
 * The same without a session: the user has shown his password. Nothing is written, but a hash that is to be made anew and a factor that is
 * set up. For a ticket that signs in where it is redeemed, which is what the trail tells of, and where the code is spent.
 */
struct proven {
	struct user user;
	unsigned amr;                   /* AMR_ */
	int64_t code;                   /* for totp_settle() */
	uint64_t sid;                   /* of the session that is to begin by it; 0: any */
};
enum error signin_prove(struct work *w, struct slice name, struct slice password, const struct factor_shown *factor, struct proven *out);

/* Adds a user and signs in. As a sign-in, it has the same answer when it comes again with origin->idempotency: session_again().
 * SIGNUP_DISABLED, INVALID_REQUEST (no such name can be), WEAK_PASSWORD, USERNAME_TAKEN. */
enum error signin_register(struct work *w, struct slice name, struct slice password, const struct origin *origin,
	struct grant *out);

/* To be called when a request ends by a failure of ours (fail()): gives back to the throttle the try that was under way, if there was one. */
void signin_failed(void);

/*
 * For a way in without a password: asks the throttle, which counts by network (without an address by account), before what is shown is
 * judged; and tells it what came of it. A try that was right, or ended by a failure of ours, is given back; of who was right (u; NULL: somebody new,
 * whose try counts as /register's does) the network is known from then on. A wrong code of the second factor
 * counts as a failed try of the account, a right one forgives those. Opens no store.
 */
enum error signin_ask(struct work *w, struct slice account);
enum signin_code { SIGNIN_CODE_NONE, SIGNIN_CODE_RIGHT, SIGNIN_CODE_WRONG };
enum error signin_answered(struct work *w, const struct user *u, enum error e, enum signin_code code);
/*
 * In the transaction of such a sign-in by one factor, before its session begins: as of who signs in by a password. *code is as of totp_take(), whose
 * errors these are; FACTOR_REQUIRED: he must have a factor (option factor_groups, shown->wanted), and has none.
 */
enum error signin_take_code(const struct work *w, const struct user *u, const struct factor_shown *shown, bool spend, int64_t *code);

/* Changes the caller's password and ends all of his sessions but this one. caller is session_check()'s, of a live
 * session. current p NULL: he shows none; a sign-in within SIGNIN_RECENT (signin_keys.h) stands for it, else REAUTH_REQUIRED, but for no second factor. The same request once more with renewal->idempotency has nothing to do. WEAK_PASSWORD,
 * INVALID_CREDENTIALS, and those of session_check_live(). */
enum error signin_change_password(struct work *w, struct caller *caller, struct slice current, struct slice code, struct slice next,
	struct renewal *renewal);

/*
 * The caller shows his password once more, and a code where he has a second factor; then change(arg) runs in the transaction that spends the
 * code, on disk before this returns. Who has shown who he is in this very request (caller->confirmed) is asked for neither. Of a user without a password (password_is_none()) none is asked for: he has signed in within SIGNIN_RECENT in its
 * place, else it is REAUTH_REQUIRED. caller as above, and on success caller->confirmed; what change() returns is returned. INVALID_REQUEST: no password came
 * (p NULL) of a user who has one. INVALID_CREDENTIALS, CODE_REQUIRED, and those of session_check_live().
 */
enum error signin_confirm(struct work *w, struct caller *caller, struct slice password, struct slice code, enum error (*change)(void *), void *arg);

/*
 * Sets the password of the user whom the operator gave this link (ticket.h), and ends all of the user's sessions; *out is the
 * user. It signs nobody in. The same request once more has nothing to do, and the same answer. The throttle is asked
 * then alone: it would tell whether a password is right. LINK_INVALID (also for a user who is disabled or gone),
 * LINK_EXPIRED, LINK_USED; WEAK_PASSWORD, after which the link is as good as before.
 */
enum error signin_redeem_link(struct work *w, struct slice ticket, struct slice next, struct user *out);

/* Deletes the caller and all that is his: signin_confirm(), whose errors these are. */
enum error signin_delete_user(struct work *w, struct caller *caller, struct slice password, struct slice code);

#endif
