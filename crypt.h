/*
 * crypt: passwords that another program hashed: bcrypt, SHA-256-crypt and SHA-512-crypt, as /etc/shadow, htpasswd
 * and most web programs store them. They are only compared: who signs in with one is stored anew as Argon2id
 * (password.h).
 *
 * This room can be left out: make WITHOUT=crypt. Its functions are weak references for the rooms that use them, so
 * `crypt_check` is NULL there, and such a hash is refused by its name.
 */
#ifndef LK_CRYPT_H
#define LK_CRYPT_H

#include "base/base.h"

/*
 * Whether crypt_check() takes this hash: its kind, its shape to the byte, and a cost that a sign-in can wait for
 * (bcrypt at most 2^14, SHA-crypt at most 1 000 000 rounds).
 */
bool crypt_takes(struct slice hash) __attribute__((weak));

/*
 * Whether the password gives this hash. False too where it can't be asked: a NUL among its bytes, over 256 bytes for
 * SHA-crypt. bcrypt looks at the first 72 bytes alone, as everywhere. A hash that crypt_takes() refuses is false.
 */
bool crypt_check(struct slice hash, struct slice password) __attribute__((weak));

#endif
