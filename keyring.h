/*
 * keyring: the master keys of latchkey.key.
 *
 * A master key never signs anything itself: jwt.h derives a key for each use from it.
 */
#ifndef KEYRING_H
#define KEYRING_H

#include "base/base.h"

enum { KEY_SIZE = 32, KID_LENGTH = 8 };

/* Seconds for which who verifies may keep the public keys that /jwks gave. A number, to be put into Cache-Control. */
#define KEYS_MAX_AGE 300

/* One master key. */
struct key {
	char kid[KID_LENGTH + 1];      /* lower-case hexadecimal, then NUL */
	int64_t created_at;            /* Unix seconds; of a staged key that was put to use: when that was */
	uint8_t master[KEY_SIZE];
};

/*
 * key[0] signs, all verify. Behind it come those that signed before, the last one first. Among them lie staged keys,
 * which haven't signed yet: they are the ones that are dated after key[0].
 */
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
/*
 * Puts a key first: it signs from key->created_at on, or from key[0]'s date where
 * that is later. False when the ring is full or has its kid already.
 */
bool keyring_add(struct keyring *ring, const struct key *key);
/* Adds a key that verifies and doesn't sign yet. The ring isn't empty. False as above. */
bool keyring_stage(struct keyring *ring, const struct key *key);
/* Signs with key i from `time` on. */
void keyring_use(struct keyring *ring, size_t i, int64_t time);
void keyring_remove(struct keyring *ring, size_t i);
/* Until when key i signed, Unix seconds; 0: it signs now, or hasn't signed yet. */
int64_t keyring_signed_until(const struct keyring *ring, size_t i);
bool keyring_is_staged(const struct keyring *ring, size_t i);
/* The place of the key with that kid, or ring->count. */
size_t keyring_find(const struct keyring *ring, struct slice kid);

/* The names of the keys in their order, a space between, in the arena. */
struct slice keyring_names(const struct keyring *ring);

#endif
