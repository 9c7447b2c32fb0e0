/*
 * usercode: the code that a device shows and a person types (RFC 8628, 6.1): twelve letters in three groups, of which nothing is stored.
 *
 * They are 51 bits: 29 random ones, the client's number, the scope, the low bit of the ten minutes in which the code was made, six of
 * a MAC of the network that asked, and six of a MAC over all that and the client's name. So the page that a person types it into can
 * name the client, say that the code was asked for from elsewhere, find most typing errors, and let it expire. The id of the session
 * that a person approves is a function of the code: no list of codes is needed to find it.
 */
#ifndef USERCODE_H
#define USERCODE_H

#include "audit.h"
#include "base/base.h"
#include "client.h"

enum { USERCODE_LETTERS = 12, USERCODE_SECONDS = 600 };

/* A new code of a client, in the arena. scope: SCOPE_. w->time is settled. */
struct slice usercode_make(const struct work *w, const struct client *c, unsigned scope);
/* As it is shown: BCDF-GHJK-LMNP. In the arena. */
struct slice usercode_shown(struct slice letters);
/* The letters of what was typed, in either case, whatever stands between them but other letters; *letters lies in the arena. False: it can be no code. */
bool usercode_typed(struct slice typed, struct slice *letters);

/* What a code says. */
struct usercode {
	struct client client;
	unsigned scope;
	uint64_t session;               /* the id of the session that it stands for */
	const struct key *key;          /* of the ring */
	bool elsewhere;                 /* it was asked for from another network than w->peer's, as far as both are known */
};
/* CODE_INVALID: not one of the last ten to twenty minutes. Reads latchkey.clients, and opens no store. w->time is settled. */
enum error usercode_open(const struct work *w, struct slice letters, struct usercode *out);
/* The same id for the device: made: when its code was made, Unix seconds; the key is the one that signed its device code. */
uint64_t usercode_session(const struct key *key, struct slice letters, int64_t made);

#endif
