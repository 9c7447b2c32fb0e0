/*
 * auth_keys: the calls of the native dialect that list and remove what a user has beside the password, passkeys and wallets (docs/api.md):
 * GET /passkeys, DELETE /passkeys/{id}.
 *
 * It is linked with either of the two parts, and left out with both: then the dialect, a weak reference, is NULL. The dialect of passkeys
 * has the same two routes, since a path is looked for in one dialect; it is asked first.
 */
#ifndef AUTH_KEYS_H
#define AUTH_KEYS_H

#include "route.h"

extern const struct dialect keys_dialect __attribute__((weak));

enum error auth_keys_handle_list(struct call *c);
enum error auth_keys_handle_remove(struct call *c);

#endif
