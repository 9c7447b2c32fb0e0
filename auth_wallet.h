/*
 * auth_wallet: the calls of the native dialect for wallets (docs/api.md): /wallet and below.
 *
 * A part that can be left out: signin_wallet.h. The dialect is a weak reference for the room that names it, and NULL where it isn't there.
 */
#ifndef AUTH_WALLET_H
#define AUTH_WALLET_H

#include "route.h"

extern const struct dialect wallet_dialect __attribute__((weak));

#endif
