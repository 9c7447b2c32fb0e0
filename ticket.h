/*
 * ticket: what is signed now and redeemed later, once. Today that is the operator's link, by which a user chooses a
 * password.
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

enum { TICKET_LINK_SECONDS = 24 * 3600 };

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
#endif
