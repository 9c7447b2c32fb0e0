/*
 * means: what a user can sign in by beside the password, on the page of the account: passkeys and wallets, listed and removed. A passkey is
 * added there, too (passkeys.h); a wallet is linked by an app (docs/wallets.md), since to ask one for its signature takes the script of its extension.
 */
#ifndef MEANS_H
#define MEANS_H

#include "door/frame.h"

/* The sections of the account; nothing of a kind that the user has none of and can't add. */
void means_write_account(struct call *c, struct page *p);
/* Removes the one whose number the form has: signin_remove_key(). */
enum error means_forget(struct call *c);

#endif
