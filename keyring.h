/*
 * keyring: the master keys of latchkey.key.
 *
 * A master key never signs anything itself: jwt.h derives a key for each use from it.
 */
#ifndef KEYRING_H
#define KEYRING_H

#include "base/base.h"

enum { KEY_SIZE = 32, KID_LENGTH = 8 };

/* One master key. */
struct key {
	char kid[KID_LENGTH + 1];      /* lower-case hexadecimal, then NUL */
	int64_t created_at;
	uint8_t master[KEY_SIZE];
};

/* Newest first: key[0] signs, all verify. */
struct keyring {
	struct key key[LIMIT_KEYS];
	size_t count;
};

/*
 * Reads the key file: dir/latchkey.key, lines `kid created_at hex64`, newest
 * first, mode 0600. A file is refused when it has a shorter key or none, or when
 * others can read it. Returns NULL, or a message that holds no byte of a key;
 * *out then holds nothing of use.
 */
const char *keyring_read(const char *dir, struct keyring *out);
/* Replaces the key file: temporary file, fsync, rename, fsync of the directory.
 * On error fail(ERROR_STORE_UNAVAILABLE). */
void keyring_write(const char *dir, const struct keyring *ring);
/* Puts a key first. False when the ring is full or has its kid already. */
bool keyring_add(struct keyring *ring, const struct key *key);
/* The place of the key with that kid, or ring->count. */
size_t keyring_find(const struct keyring *ring, struct slice kid);

#endif
