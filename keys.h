/*
 * keys: the credentials of a user beside the password, as the column `keys` of the user's row has them: passkeys, and whatever comes.
 *
 * A line each: kind, id, key, counter, flags, when it was added (Unix seconds), and a label that may have spaces, with a space
 * between them; id and key in base64url. A line that isn't one, or is of a kind that this version doesn't know, stays as it is
 * when another one changes, and signs nobody in.
 */
#ifndef KEYS_H
#define KEYS_H

#include "base/base.h"

enum {
	KEYS_MOST = 16,                 /* credentials of a user */
	KEYS_BYTES = LIMIT_CREDENTIALS, /* of them all, as text */
	KEYS_ID = 255,                  /* bytes of a credential's id */
	KEYS_LABEL = LIMIT_LABEL        /* bytes of a label */
};

#define PASSKEY_KIND "passkey"

struct user_key {
	struct slice kind;              /* PASSKEY_KIND, or the chain of a wallet (wallet.h) */
	struct slice id, key;           /* bytes: the credential's id, the public key */
	int64_t counter, flags;
	int64_t created_at;             /* Unix seconds */
	struct slice label;             /* the user's name for it: UTF-8 without control characters, may be empty */
};

/* The next credential of *rest, which is what comes after it then; false: there is no other. What isn't one is passed over. Texts
 * borrow, bytes lie in the arena. */
bool keys_next(struct slice *rest, struct user_key *out);
/* What a credential is called where people see it, or an API: the first 8 bytes of the SHA-256 of its id. */
uint64_t keys_number(const struct user_key *k);
/* The credential of that kind and id. */
bool keys_find(struct slice keys, const char *kind, struct slice id, struct user_key *out);
/* Whether a text can be a label. */
bool keys_label_ok(struct slice label);

/* Each writes the list anew, in the arena, to *out. */

/* With one more at its end: CREDENTIAL_KNOWN, CREDENTIAL_LIMIT. */
enum error keys_add(struct slice keys, const struct user_key *k, struct slice *out);
/* Without the one of that number; false: there is none. */
bool keys_remove(struct slice keys, uint64_t number, struct slice *out);
/* With k in the place of the one that has its kind and id. */
void keys_replace(struct slice keys, const struct user_key *k, struct slice *out);

#endif
