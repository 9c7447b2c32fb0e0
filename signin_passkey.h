/*
 * signin_passkey: users by passkeys (passkey.h): sign in, register one, remove one.
 *
 * A challenge is a ticket (ticket.h) that reserves the id of a session (signin_show.h). Client data, challenge and authenticator data are looked at first,
 * since none of that needs the store.
 *
 * Part `passkey`: make WITHOUT=passkey leaves it out, with passkey.c and auth_passkey.c.
 */
#ifndef SIGNIN_PASSKEY_H
#define SIGNIN_PASSKEY_H

#include "base/base.h"
#include "passkey.h"
#include "session.h"

/* What a browser or an app shows: bytes. */
struct shown {
	struct slice client_data, data;         /* clientDataJSON, authenticatorData */
	struct slice id, signature, user_handle;        /* to sign in */
	const char *about;                      /* of INVALID_REQUEST: "client_data", "authenticator_data" */
};

/* The user handle, by which an authenticator keeps a passkey: 8 bytes, in the arena. */
struct slice signin_user_handle(uint64_t user);

/*
 * Signs in. INVALID_REQUEST, CROSS_SITE, CHALLENGE_INVALID (also one that was used); INVALID_CREDENTIALS, one answer for an unknown user,
 * a disabled one, an unknown credential, a counter that went back, a wrong signature. And those of signin.h.
 *
 * proven, where it isn't NULL: the same without a session, as signin_prove(): the passkey was shown. proven->sid is the challenge's: so with it one
 * assertion is still one session. A counter is written at once, and no session need begin; so of a passkey that counts the same assertion once
 * more is refused.
 */
struct proven;
enum error signin_by_passkey(struct work *w, struct shown *shown, const struct origin *origin, struct grant *out, struct proven *proven);

/* By what a caller shows that the account is his own, beside a session that began a while ago: as of signin_confirm(). */
struct owner {
	struct slice password, code;            /* p NULL: not shown */
};

/*
 * Registers a passkey of the caller (session_check(), CHECK_LIVE). *number is what keys.h calls it. The same once more has nothing to do.
 * REAUTH_REQUIRED: he signed in more than SIGNIN_RECENT ago, and no password is shown; of one that is, what signin_confirm() returns. INVALID_REQUEST, CROSS_SITE, CHALLENGE_INVALID; CREDENTIAL_KNOWN,
 * CREDENTIAL_LIMIT; those of session_check_live().
 */
enum error signin_add_passkey(struct work *w, struct caller *caller, const struct owner *owner, struct shown *shown, struct slice label,
	uint64_t *number);

#endif
