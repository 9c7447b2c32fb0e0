/*
 * session_client: sessions that OAuth's clients get. A ticket (ticket.h) carries the id of a session that doesn't exist yet;
 * redeeming it adds the row of that id. So it is single use because a primary key is, and nothing is stored when it is made.
 *
 * row.idem of generation 1 is a hash of all that was shown, which row.br covers: so the same request again is known.
 */
#ifndef SESSION_CLIENT_H
#define SESSION_CLIENT_H

#include "session.h"

/* An authorization code whose MAC, times, client, redirect URI and verifier were found right, and what the session gets of it. */
struct redeemed {
	uint64_t sid, user;
	uint64_t idem;                  /* session_shown() of all that was shown */
	uint64_t pw;                    /* the mark of the password that the user had (jwt_password_mark()), */
	const struct key *key;          /* by this key */
	int64_t code;                   /* of the second factor, for totp_settle(); 0: none was shown */
	uint64_t by;                    /* the cookie session that signed in: it must still stand; 0: none */
	struct slice client, group;     /* group: that it is for; empty: everybody */
	unsigned scope, amr;
	bool sso;                       /* it came by that cookie, without a password */
	bool once;                      /* the session ends with its first access token */
};

/* The hash of what was shown, never 0. */
uint64_t session_shown(struct slice bytes);

/*
 * A code by which a session began comes again; idem is session_shown()'s. Within a transaction, in the turn of session_judge(). ERROR_NONE: by the same request, within reuse_grace,
 * while nothing else was done with the session. CODE_INVALID: by another request, and nothing was changed. REFRESH_REUSED: later, or the session was refreshed: it has ended
 * (RFC 6749, 4.1.2).
 */
enum error session_code_again(struct work *w, const struct session *s, uint64_t idem);

/*
 * Redeems it, in a transaction of its own. ERROR_NONE: the session was added, on disk, or the same request comes again within
 * reuse_grace while nothing else was done with the session; then *out has user and session, and session_grant() gives the same
 * answer. ERROR_REFRESH_REUSED: it comes again later, or its session was refreshed; then that has ended (RFC 6749, 4.1.2).
 * ERROR_NOT_IN_GROUP: the client isn't for this user. ERROR_CODE_INVALID: anything else, and nothing was changed. STORE_UNAVAILABLE for a damaged row. After session_clock().
 */
enum error session_redeem(struct work *w, const struct redeemed *what, struct grant *out);

#endif
