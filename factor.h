/*
 * factor: a user who is signed in sets up his second factor, or takes it away. For both he shows his password, or signs in anew if he has none.
 */
#ifndef FACTOR_H
#define FACTOR_H

#include "enrol.h"
#include "session.h"

/*
 * Each opens the store and is one transaction at most; caller is session_check()'s, of a live session. Errors of all: those of
 * signin_confirm(), and what is named here.
 */

/* Nothing is stored. CREDENTIAL_KNOWN: he has one. */
enum error factor_begin(struct work *w, struct caller *caller, struct slice password, struct enrolment *out);
/* He has it from now on; his sessions stand. Asks for no password: the ticket shows that it was there. Errors: enrol_accept()'s, of session_check_live(). */
enum error factor_confirm(struct work *w, struct caller *caller, struct slice ticket, struct slice code);
/* He has none from now on; nothing where he had none. */
enum error factor_off(struct work *w, struct caller *caller, struct slice password, struct slice code);
#endif
