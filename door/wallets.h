/*
 * wallets: what the pages have of wallets (means.h has their buttons).
 *
 * Part `wallet` (wallet.h): where it is left out, these are NULL.
 */
#ifndef DOOR_WALLETS_H
#define DOOR_WALLETS_H

#include "config.h"
#include "door/frame.h"
#include "wallet.h"

/* Signs in by the wallet that is shown, as the user whose name the form has; empty: as the wallet's own. signin_by_wallet(), with frame_own(c)->grant. */
struct proven;
enum error wallets_show(struct call *c, const struct origin *how, struct proven *proven) __attribute__((weak));
/* Links it to the caller. */
enum error wallets_add(struct call *c) __attribute__((weak));

/* Whether there are any here. */
static inline bool wallets_are_on(const struct call *c)
{
	return wallets_show && c->work.config->wallets.n;
}

#endif
