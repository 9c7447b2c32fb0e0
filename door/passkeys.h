/*
 * passkeys: what the pages have of passkeys: a button at the sign-in, a form to add one to the account (means.h lists them). They need a script (link.js): the
 * forms are hidden until it shows them, so that nobody sees a button that can do nothing.
 *
 * Part `passkey` (signin_passkey.h): where it is left out, passkeys_absent.c answers that there are none.
 */
#ifndef DOOR_PASSKEYS_H
#define DOOR_PASSKEYS_H

#include "door/frame.h"

/* Whether there are any here. */
bool passkeys_are_on(const struct call *c);
/* Whether the form of this request is that to sign in by. */
static inline bool passkeys_shown(const struct call *c)
{
	return frame_own(c)->client_data.p;
}
/* The form to sign in by, which comes after the one with the name, and is sent to `action`; nothing where there are no passkeys. */
void passkeys_write_signin(struct call *c, struct page *p, struct slice action);
/* Signs in by it: a site session, as gate_sign_in(). */
enum error passkeys_sign_in(struct call *c);
/* The same without a session: signin_prove_passkey(). */
struct proven;
enum error passkeys_prove(struct call *c, struct proven *out);
/* The form to add one, of the account; nothing where there are no passkeys. */
void passkeys_write_add(struct call *c, struct page *p);
/* What comes of it. */
enum error passkeys_add(struct call *c);

#endif
