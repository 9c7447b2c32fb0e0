/*
 * session_device: the sessions of devices (RFC 8628). A person's answer to a user code is a row: a session that stands, of which no
 * token was issued yet, or one that has ended. The device finds it when it asks, and gets the tokens.
 *
 * The row has ctr 1 and idem 0 until the device has asked; then idem is a hash of its device code, so that the same code again gets
 * the same answer, within reuse_grace, and later ends the session: somebody has a copy of it. A row that the device never asks for
 * is over, and swept, after STORE_TICKET: its code has expired by then.
 */
#ifndef SESSION_DEVICE_H
#define SESSION_DEVICE_H

#include "session.h"

/* A person's answer. */
struct approval {
	uint64_t sid;                   /* the session that the user code stands for */
	struct caller *caller;          /* who answers: gate_admit()'s; asked once more inside */
	struct slice client;
	unsigned scope;
	bool allow;
	int64_t expires_at;             /* when the session ends at the latest; 0: as any */
};
/* In a transaction of its own, on disk before it returns. CODE_INVALID: the code was answered before, and otherwise; and those of
 * session_check_live(). After session_clock(). */
enum error session_approve(struct work *w, const struct approval *a);

/* What a device shows. */
struct polling {
	uint64_t sid;
	struct slice client, group;     /* group: that the client is for; empty: everybody */
	uint64_t idem;                  /* jwt_idempotency() of its device code */
	unsigned scope;                 /* that it asked for */
};
/*
 * In a transaction of its own; *out gets user, session and signer, and session_grant() gives the tokens. DEVICE_PENDING: nobody has answered; DEVICE_DENIED: a person said
 * no, or the session was ended since, or is over; NOT_IN_GROUP: its user isn't of the group, and it stands; CODE_INVALID: it is another client's or another code's; REFRESH_REUSED: the code was used
 * before, and the session ends. After session_clock().
 */
enum error session_poll(struct work *w, const struct polling *p, struct grant *out);

#endif
