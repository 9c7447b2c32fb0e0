/*
 * auth_passkey: the calls of the native dialect for passkeys (docs/api.md): /passkeys and below.
 *
 * A part that can be left out: signin_passkey.h. The dialect is a weak reference for the room that names it, and NULL where it isn't there.
 */
#ifndef AUTH_PASSKEY_H
#define AUTH_PASSKEY_H

#include "route.h"

extern const struct dialect passkey_dialect __attribute__((weak));

#endif
