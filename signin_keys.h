/*
 * signin_keys: what a user has beside the password (keys.h): who may change it, and what is written then.
 */
#ifndef SIGNIN_KEYS_H
#define SIGNIN_KEYS_H

#include "base/base.h"
#include "session.h"

enum { SIGNIN_RECENT = 600 };           /* s: how long after a sign-in credentials may be changed without a password */
bool signin_is_recent(const struct work *w, const struct session *s);

/* In a transaction: whether the caller (session_check(), CHECK_LIVE) may change his credentials now. confirmed: he has shown his password.
 * REAUTH_REQUIRED: he has not, and signed in more than SIGNIN_RECENT ago. And those of session_check_live(). */
enum error signin_may_change(struct work *w, struct caller *caller, bool confirmed);
/* In a transaction: these are the caller's from now on, and the event is noted. */
void signin_keep_keys(struct work *w, const struct caller *caller, struct slice keys, enum event event);

/* Removes the credential of that number (keys_number()), in a transaction of its own. NOT_FOUND, and those of signin_may_change(). */
enum error signin_remove_key(struct work *w, struct caller *caller, uint64_t number);

#endif
