/*
 * passkeys: what the pages have of passkeys: a button to sign in by, a form to add one to the account (means.h has the rest of both).
 *
 * Part `passkey` (signin_passkey.h): where it is left out, passkeys_absent.c answers that there are none.
 */
#ifndef DOOR_PASSKEYS_H
#define DOOR_PASSKEYS_H

#include "door/frame.h"

/* Whether there are any here. */
bool passkeys_are_on(const struct call *c);
/* A button to show one by: means.h. Nothing where there are no passkeys. */
void passkeys_write_button(struct call *c, struct page *p, const char *class, struct slice label);
/* Signs in by the one that is shown: signin_by_passkey(), with frame_own(c)->grant. Where somebody is signed in (caller) it must be one of his. */
struct proven;
enum error passkeys_show(struct call *c, const struct origin *how, struct proven *proven);
/* The form to add one, of the account; nothing where there are no passkeys. */
void passkeys_write_add(struct call *c, struct page *p);
/* What comes of it. */
enum error passkeys_add(struct call *c);

#endif
