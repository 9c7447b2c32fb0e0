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
	char kid[KID_LENGTH + 1];      /* lower-case hexadecimal, NUL behind */
	int64_t created_at;
	uint8_t master[KEY_SIZE];
};

/* Newest first: key[0] signs, all verify. */
struct keyring {
	struct key key[LIMIT_KEYS];
	size_t count;
};

/*
 * The key file: dir/latchkey.key, lines `kid created_at hex64`, newest first,
 * mode 0600. Each is refused when shorter than KEY_SIZE, so is an empty file
 * or one that others can read. Returns NULL, or a message in which no byte of
 * a key stands; *out then holds nothing of use.
 */
const char *keyring_read(const char *dir, struct keyring *out);
/* Writes it anew: temporary file, fsync, rename, fsync of the directory.
 * Failing is fail(ERROR_STORE_UNAVAILABLE). */
void keyring_write(const char *dir, const struct keyring *ring);
/* Puts a key first. False when the ring is full or has its kid already. */
bool keyring_add(struct keyring *ring, const struct key *key);
/* The place of the key of that name, or count. */
size_t keyring_find(const struct keyring *ring, struct slice kid);

#endif
