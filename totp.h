/*
 * totp: a user's second factor: codes that change every 30 s (TOTP, RFC 6238: HMAC-SHA-1, 6 digits, a step either way), and ten recovery
 * codes for who has lost what makes them.
 *
 * What is stored of it (store_user_factor()), 46 bytes: the kid of a master key; the secret, exclusive-or'ed with a MAC by that
 * key, so that a copy of the database opens nothing; when it was set up; the last step that counted; which recovery codes are spent.
 * The recovery codes are MACs by the secret: nothing of them is stored.
 */
#ifndef TOTP_H
#define TOTP_H

#include "audit.h"
#include "base/base.h"
#include "keyring.h"

enum {
	TOTP_SECRET = 20,               /* bytes: RFC 4226, 4 recommends 160 bits */
	TOTP_SECRET_LETTERS = 32,       /* the same in base32 */
	TOTP_STEP_SECONDS = 30,
	TOTP_RECOVERY = 10              /* recovery codes of a user */
};

struct totp {
	uint8_t secret[TOTP_SECRET];
	int64_t enrolled_at;            /* Unix seconds */
	int64_t last;                   /* the last step that counted: none up to it counts again */
	unsigned spent;                 /* a bit for each recovery code */
};

/* ---- what is stored ---------------------------------------------------- */

enum totp_found { TOTP_NONE, TOTP_FOUND, TOTP_LOST };
/* Reads what is stored of a user; empty: TOTP_NONE. TOTP_LOST: no key of the ring opens it. *signer (may be NULL): the key's place. */
enum totp_found totp_open(const struct keyring *ring, uint64_t user, struct slice stored, struct totp *out, size_t *signer);
/* The bytes to store, in the arena. */
struct slice totp_seal(const struct key *key, uint64_t user, const struct totp *t);

/* ---- codes ------------------------------------------------------------- */

/* The code of a step, below 1 000 000 (RFC 4226, 5.3; RFC 6238, 4.2: step is Unix seconds / 30). */
uint32_t totp_number(const uint8_t secret[TOTP_SECRET], int64_t step);
/* Recovery code i, of 0 to TOTP_RECOVERY - 1: two groups of five letters, 50 bits. In the arena. */
struct slice totp_recovery(const uint8_t secret[TOTP_SECRET], unsigned i);
/* The secret in base32 (RFC 4648, 6), without padding, and the way back; false where it isn't one. */
struct slice totp_letters(const uint8_t secret[TOTP_SECRET]);
bool totp_secret(struct slice letters, uint8_t out[TOTP_SECRET]);
/* The URI that authenticator apps read from a QR code, for a place and a user of that name. In the arena. */
struct slice totp_uri(struct slice letters, struct slice place, struct slice user);

/*
 * Which of them a person has typed; blanks, hyphens and capitals are as one likes. *proof is what totp_spend() takes: 1 to TOTP_RECOVERY
 * for a recovery code, else the step. INVALID_CREDENTIALS: none of them, or one that has counted. CLOCK_UNSET: six digits, while
 * the clock of w isn't trusted.
 */
enum error totp_judge(const struct work *w, const struct totp *t, struct slice code, int64_t *proof);
/* Writes into *t that this one has counted. False, and *t is as it was: it had. */
bool totp_spend(struct totp *t, int64_t proof);

/* ---- a user's ---------------------------------------------------------- */

/*
 * In a transaction: a user shows a code (p NULL: none) beside his password. NONE: it is right and is spent from now on, which was
 * written; or the user has no factor, and *proof is 0. CODE_REQUIRED; the errors of totp_judge(); STORE_UNAVAILABLE for a factor that
 * no key opens, which is logged. spend false: it is judged, and not spent.
 */
enum error totp_take(const struct work *w, uint64_t user, struct slice code, bool spend, int64_t *proof);
/*
 * In a transaction: spends what totp_take() had judged a moment before (proof 0: the user had no factor then). INVALID_CREDENTIALS: the
 * factor is another by now, or the code was used in between. STORE_UNAVAILABLE as above.
 */
enum error totp_settle(const struct work *w, uint64_t user, int64_t proof);
#endif
