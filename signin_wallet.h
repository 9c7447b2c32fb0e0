/*
 * signin_wallet: users by wallets (wallet.h): sign in, and link one to a user.
 *
 * The text that a wallet signs reserves the id of a session (signin_show.h).
 *
 * A wallet has a user of its own, `stellar:ADDRESS`, who has no password and is made at the first sign-in; or it is linked to any user, who signs in by his
 * name then. In either case the column `keys` holds its public key: a name alone signs nobody in.
 *
 * Part `wallet`: make WITHOUT=wallet leaves it out, with wallet.c and auth_wallet.c.
 */
#ifndef SIGNIN_WALLET_H
#define SIGNIN_WALLET_H

#include "base/base.h"
#include "session.h"
#include "wallet.h"

/* What an app shows. */
struct wallet_shown {
	struct wallet wallet;
	struct slice text, signature;   /* wallet_text()'s, and the wallet's of it */
};

/*
 * Signs in as the user `name`; empty: as the wallet's own, who is made where he isn't there and option signup is on. CHALLENGE_INVALID: the text is
 * not ours, for another wallet, expired or used; INVALID_CREDENTIALS, one answer for an unknown user, a disabled one, a wallet that isn't his, a
 * wrong signature. And those of signin.h: a wallet is one factor, so origin->factor is asked for as with a password.
 * proven, where it isn't NULL: as of signin_by_passkey(). A user who is made by it stays, whether a session begins or not.
 */
struct proven;
enum error signin_by_wallet(struct work *w, const struct wallet_shown *shown, struct slice name, const struct origin *origin, struct grant *out,
	struct proven *proven);

/*
 * Links a wallet to the caller. *number is what keys.h calls it; without a label it is called by the ends of its address, GBXF…CP7L. The same once more
 * has nothing to do. CHALLENGE_INVALID, INVALID_CREDENTIALS (the signature), CREDENTIAL_LIMIT, and those of signin_may_change().
 */
enum error signin_add_wallet(struct work *w, struct caller *caller, const struct wallet_shown *shown, struct slice label, uint64_t *number);

#endif
