/*
 * pair: the device grant (RFC 8628): a device asks for two codes, shows one of them, and asks with the other until a person has
 * answered (door/connect.c). Nothing is stored before that answer.
 */
#ifndef PAIR_H
#define PAIR_H

#include "base/base.h"
#include "client.h"
#include "session.h"

enum { PAIR_INTERVAL = 5 };             /* seconds between two questions of a device */

/* What a device is told. */
struct pair {
	struct slice device_code;
	struct slice user_code;         /* as it is shown: BCDF-GHJK-LMNP */
	int64_t expires_in;             /* seconds */
};
/*
 * Codes for a client that has flag `device`, in the arena. scope: SCOPE_. Opens the store for its time alone. RATE_LIMITED: this network asks too often, as with
 * passwords; CLOCK_UNSET.
 */
enum error pair_begin(struct work *w, const struct client *c, unsigned scope, struct pair *out);

/*
 * A device asks with its device code, in two steps: pair_open() says what it is, and whether anybody has answered: CODE_INVALID: none of ours, or another
 * client's; DEVICE_EXPIRED; DEVICE_PENDING. MAC, client and expiry are judged before the store is opened; it is closed then.
 * pair_poll() is session_poll(), after session_clock().
 */
struct polling;
enum error pair_open(struct work *w, const struct client *c, struct slice device_code, struct polling *out);
enum error pair_poll(struct work *w, const struct polling *p, struct grant *out);

/*
 * What a user code says that the caller typed, who is signed in. Wrong ones are counted, as wrong passwords are (RFC 8628, 5.1). RATE_LIMITED; CODE_INVALID;
 * NOT_IN_GROUP: the client isn't for this user. w->time is settled.
 */
struct usercode;
enum error pair_look(struct work *w, const struct caller *caller, struct slice typed, struct usercode *out);
/* The person's answer; errors are session_approve()'s. */
enum error pair_answer(struct work *w, struct caller *caller, const struct usercode *code, bool allow);

#endif
