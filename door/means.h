/*
 * means: what a user can sign in by beside the password, on the pages: passkeys and wallets. Buttons to sign in by them, and to show by them that it is
 * he who asks; the account's lists of them. The buttons need a script (link.js): they are hidden until it shows them, so that nobody sees one that can do
 * nothing. It sends what is shown in the members `id`, `data`, `signature`, and of a passkey `client_data` and `handle`.
 */
#ifndef MEANS_H
#define MEANS_H

#include "door/frame.h"

/* Whether the form of this request shows one. */
static inline bool means_shown(const struct call *c)
{
	return frame_own(c)->signature.n;
}
/* Whether there are any here. */
bool means_are_on(const struct call *c);
/* Which script a page with such buttons has. */
enum frame_script means_script(const struct call *c);

/* The form to sign in by, which comes after the one with the name, and is sent to `action`; nothing where there is nothing to sign in by. */
void means_write_signin(struct call *c, struct page *p, const char *action);
/* Signs in by what is shown: a site session, as gate_sign_in(). Where a code is asked for, a wallet has been judged as a password is. */
enum error means_sign_in(struct call *c);
/* The same without a session: signin_prove(). */
struct proven;
enum error means_prove(struct call *c, struct proven *out);

/* Buttons for what asks a user with a password for that: they send their form with that action. Of the kinds that the caller has. */
void means_write_confirm(struct call *c, struct page *p, const char *class, const char *action, enum word word);
/*
 * The caller, who has no password, shows one of his: he signs in by it anew, once, which ends the session of before, and is caller.confirmed then.
 * Nothing for a caller with a password. INVALID_CREDENTIALS: the other shows nothing; that he signed in a moment ago (signin_confirm()) isn't enough on the
 * pages. FACTOR_REQUIRED: as of signin_by_wallet(); he is confirmed all the same, by the session of before.
 */
enum error means_confirm(struct call *c);

/* The sections of the account; nothing of a kind that the user has none of and can't add. */
void means_write_account(struct call *c, struct page *p);
/* Adds the one that is shown. */
enum error means_add(struct call *c);
/* Removes the one whose number the form has: signin_remove_key(). */
enum error means_forget(struct call *c);

#endif
