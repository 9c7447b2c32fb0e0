/*
 * enrol: a second factor is made, and becomes a user's once he has shown a code of it. Until then it is in a ticket alone (ticket.h).
 */
#ifndef ENROL_H
#define ENROL_H

#include "audit.h"
#include "base/base.h"
#include "totp.h"

/* What a person is shown, all of it in the arena. */
struct enrolment {
	struct slice secret, uri;                       /* for the authenticator app: base32, and the same for a QR code */
	struct slice recovery[TOTP_RECOVERY];
	struct slice ticket;                            /* good for TICKET_ENROL_SECONDS */
};
/* Makes one for a user who has shown who he is, by that (AMR_). w->time is settled, and the store is open. */
void enrol_make(const struct work *w, const struct user *u, unsigned amr, struct enrolment *out);
/* The ticket of a user who has a factor already: it shows that he has shown that. */
struct slice enrol_proof(const struct work *w, const struct user *u, unsigned amr);
/* Whether a ticket is this user's, and he has what he has shown for it. */
struct ticket_enrol;
bool enrol_fits(const struct ticket_enrol *ticket, const struct user *u);
/* As enrol_make(), of a ticket that has a factor, once more. False: it has none, or is worth nothing. */
bool enrol_show(const struct work *w, const struct user *u, struct slice ticket, struct enrolment *out);

/*
 * In a transaction: the factor of that ticket becomes the user's, by a code of it, which is spent unless `spend` is false; *proof is as of totp_judge().
 * The same once more has nothing to do. CHALLENGE_INVALID: the ticket is worth nothing. CREDENTIAL_KNOWN: the user has another factor.
 * CODE_REQUIRED where code.p is NULL; INVALID_CREDENTIALS, CLOCK_UNSET, STORE_UNAVAILABLE as of totp_take(). The event is noted.
 */
enum error enrol_accept(struct work *w, const struct user *u, struct slice ticket, struct slice code, bool spend, int64_t *proof);
#endif
