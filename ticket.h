/*
 * ticket: what is signed now and redeemed later, once: the operator's link, by which a user chooses a password; the authorization
 * code and the device code of OAuth.
 *
 * A ticket is a JWS as jwt.h writes it, of a kind and with a key of its own. Nothing is stored when one is made. So a forged
 * one costs no I/O: the order is MAC, claims, times, and the store last, inside the transaction that redeems it.
 * Each kind says what makes it good for one time only. Of a link it is `pw`, a MAC of the stored password: once there is another
 * password, no link that was made before fits.
 */
#ifndef TICKET_H
#define TICKET_H

#include "audit.h"
#include "base/base.h"
#include "jwt.h"

enum { TICKET_LINK_SECONDS = 24 * 3600, TICKET_CODE_SECONDS = 60, TICKET_DEVICE_SECONDS = 600, TICKET_ENROL_SECONDS = 600,
	TICKET_PASSKEY_SECONDS = 300 };

/* A link's ticket for that user, in the arena; ring->key[0] signs it. w->time is settled (session_clock()). */
struct slice ticket_make_link(const struct work *w, const struct keyring *ring, const struct user *u);

/* A link that carries our MAC. */
struct ticket_link {
	struct link_claims claims;
	const struct key *key;          /* which signed it; of the ring */
};

/* MAC and claims, with w->ring: LINK_INVALID. Opens no store. The issuer isn't compared: as with a refresh token the MAC says whose it is. */
enum error ticket_open_link(const struct work *w, struct slice ticket, struct ticket_link *out);
/* The times of a ticket, once w->time is settled: LINK_INVALID for one from the future, LINK_EXPIRED. */
enum error ticket_check_times(const struct work *w, int64_t iat, int64_t exp);
/* Whether the user still has the password that he had when the link was made. */
bool ticket_link_fits(const struct ticket_link *link, const struct user *u);

/*
 * An authorization code for that user, in the arena; ring->key[0] signs it. Of *what iss, pw, iat and exp are filled in here. A
 * longest one (issuer and nonce of 128 bytes each) stays below 1 KiB. w->time is settled.
 */
struct slice ticket_make_code(const struct work *w, const struct keyring *ring, const struct code_claims *what, const struct user *u);

/* A code that carries our MAC. */
struct ticket_code {
	struct code_claims claims;
	const struct key *key;          /* which signed it; of the ring */
};

/*
 * MAC, claims, and that by the clock of this host it hasn't expired: CODE_INVALID. Opens no store. After session_clock(), when
 * w->time is settled, ticket_check_times() judges it once more.
 */
enum error ticket_open_code(const struct work *w, struct slice code, struct ticket_code *out);
/* Whether the user still has the password that he had when the code was made. */
bool ticket_code_fits(const struct ticket_code *code, const struct user *u);

/* The same of a device code. `what` as of ticket_make_code(); uc is given. */
struct slice ticket_make_device(const struct work *w, const struct keyring *ring, const struct device_claims *what);
struct ticket_device {
	struct device_claims claims;
	const struct key *key;
	bool expired;                   /* by the clock of this host: then RFC 8628, 3.5 wants an error of its own */
};
/* MAC and claims: CODE_INVALID. Opens no store. */
enum error ticket_open_device(const struct work *w, struct slice code, struct ticket_device *out);

/*
 * For a user who has shown who he is and needs a second factor: shows that, for TICKET_ENROL_SECONDS, and has the secret of the factor that he sets
 * up (what->key; empty: he has one already). Nothing is stored. It signs nobody in without a code, and ends with what he has shown it by (held: his
 * password, or his keys). Of *what sub, key and amr are given. w->time is settled.
 */
struct slice ticket_make_enrol(const struct work *w, const struct enrol_claims *what, struct slice held);
struct ticket_enrol {
	struct enrol_claims claims;
	const struct key *key;
};
/* MAC, claims and times, once w->time is settled: CHALLENGE_INVALID. */
enum error ticket_open_enrol(const struct work *w, struct slice ticket, struct ticket_enrol *out);
/* Whether it is this user's, and he has what he has shown. */
bool ticket_enrol_fits(const struct ticket_enrol *ticket, uint64_t user, struct slice held);

/* A challenge for a passkey to answer; sub: of a user who registers one, 0 to sign in. By the clock of this host: no store is asked. */
struct slice ticket_make_passkey(const struct work *w, uint64_t sub);
/* MAC, claims, and that by the clock of this host it hasn't expired: CHALLENGE_INVALID. Opens no store. */
enum error ticket_open_passkey(const struct work *w, struct slice challenge, struct passkey_claims *out);

/* What `uri` and `ch` of a code are: base64url of the SHA-256, 43 letters, in the arena. */
struct slice ticket_digest(struct slice text);
#endif
