/*
 * session: every way in, every way on, every way out.
 *
 * How a user proved who he is, and how the answer is written, is the dialect's
 * business: this room knows no HTTP and no JSON. What happens to a session is
 * decided here for all dialects and for the operator's verbs alike, so that
 * each question has one answer.
 *
 * "In a transaction" means inside of audit_run(), or of the transaction that
 * the operator's verb has open.
 */
#ifndef SESSION_H
#define SESSION_H

#include "audit.h"
#include "base/base.h"
#include "jwt.h"
#include "rotation.h"

/* A name that a user may have: 1 to LIMIT_USERNAME bytes of [A-Za-z0-9._@+-']. */
#define SESSION_USERNAME_RULE "has 1 to 254 bytes of A-Z a-z 0-9 . _ @ + - '"
bool session_username_ok(struct slice name);
/* The name as a token and a header have it. Empty where it is one that a user can't have, by a row that something else has
 * changed: a token could get too long by it, and a header be two. */
struct slice session_name(const struct user *u);

/*
 * Opens the store and settles what time it is: sets w->trust, w->mark and
 * w->time. ERROR_CLOCK_UNSET while the clock is behind what the store has seen;
 * then nothing may be issued, and the store is open all the same.
 */
enum error session_clock(struct work *w);

/* Whether somebody could sign in now: the store can be opened and written, its disk has room, and the clock is set. */
enum error session_ready(struct work *w);

/* The disk has room for the store's log to grow. */
bool session_has_room(const struct work *w);

/* When a session is over if nothing happens before, Unix seconds: its idle window, or its absolute end. */
int64_t session_deadline(const struct config *config, const struct session *s);

/*
 * Whether a session is over: by its row, by its user (NULL: deleted), or by the
 * time. Nothing expires by a clock that isn't trusted. After session_clock().
 */
bool session_over(const struct work *w, const struct session *s, const struct user *u);
/* The same in a word for people: one of ended_words[], or "expired"; ended_words[ENDED_NOT] itself while it isn't over. */
const char *session_state(const struct work *w, const struct session *s, const struct user *u);

/* ---- the way in -------------------------------------------------------- */

enum { SESSION_CLIENT_MOST = 16 };     /* sessions of one user and one client of OAuth: no client pushes out another's */

/* What is shown of a second factor. */
struct factor_shown {
	struct slice code;              /* p NULL: none */
	struct slice ticket;            /* ticket_make_enrol()'s, in place of the password; it may have a factor to set up with this very sign-in. p NULL: none */
	bool wanted;                    /* who has none is not let in, whatever option factor_groups says */
};

/* Whether a sign-in by these AMR_ had a second factor, or was by a passkey, which is as good. */
bool session_is_strong(unsigned amr);

/* How a session begins. */
struct origin {
	struct slice device;            /* the user's own name for it, at most LIMIT_DEVICE bytes */
	bool cookie;                    /* its refresh token lives in a cookie */
	bool brief;                     /* which the browser forgets when it ends */
	bool site;                      /* it is a site session: in cookies too */
	struct slice idempotency;       /* the request's key, as of session_present() */
	struct rotation *shown;         /* session_present()'s, or session_present_site()'s, tokens of cookies that it will overwrite */
	size_t count;                   /* of them */
	struct factor_shown factor;     /* what is shown beside the password (signin.h) */
	/* Of a client's session, in place of all that but amr. */
	struct slice client;            /* its id; empty: the app API */
	unsigned scope, amr;            /* store.h */
	bool sso;                       /* it came by a cookie */
	uint64_t sid, idem;             /* the id that a ticket reserved, and a hash of what was shown for it */
	int64_t expires_at;             /* an end that comes before session_ttl's; 0: none */
};

/* Whether a sign-in of the user with that key began a session of the same mode within the last ten minutes, which was not used
 * since: then its answer was lost, and *out is that session. */
bool session_again(const struct work *w, uint64_t user, const struct origin *origin, struct session *out);

/*
 * Whether a session began by the same request as this one, whose answer was lost then. An ordinary session: its row of generation 1 has `idem`, a hash
 * of what is shown. A bound one, of whatever generation: w->proof is by its key.
 */
bool session_began_by(const struct work *w, const struct session *s, uint64_t idem);
/* Whether its row was written at most reuse_grace ago, by a clock that may have stepped back as much since. Never where reuse_grace is 0. */
bool session_within_grace(const struct work *w, const struct session *s);

/* Whether a client that is for a group is for this user; an empty group is everybody. */
bool session_admits(struct slice group, const struct user *u);

/* In a transaction: adds a session of the user and notes the event; nothing of that where it is session_again(). Whoever signs in and has sessions_max of them, or of one client
 * SESSION_CLIENT_MOST, loses the longest unused one. Whoever shows a cookie of another session of his, which isn't spent, loses that one. The key of w->proof,
 * whose signature the caller has verified, is the one that the session is bound to (rotation.h). */
void session_start(struct work *w, uint64_t user, const struct origin *origin, enum event event, struct session *out);

/* What a client gets: for whom, and the tokens, which lie in the arena. */
struct grant {
	struct user user;
	struct session session;
	struct slice access, refresh;
	/* Given, of a client of OAuth: whom its access tokens are for (p NULL: option audience); and that they open nothing but /userinfo, and so
	 * tell nothing of the person. */
	struct slice audience;
	bool narrow;
	int64_t access_start;                   /* when the access token was issued, Unix seconds */
	const struct key *signer;               /* of the tokens; NULL: the ring's first */
	struct slice door, site;                /* of a site session, in place of those: site.door 1 and 0 (jwt.h) */
	int64_t access_end, refresh_end;        /* Unix seconds; of a site session refresh_end is when its cookies go at the latest */
};

/* Issues the tokens of g->session and g->user, a session that was started. After the commit. */
void session_grant(const struct work *w, struct grant *g);

/* ---- the way on -------------------------------------------------------- */

/*
 * audit_run() for what may end a session because an old token or code was shown. Where `change` finds by audit_is_sure() that it isn't known whether
 * somebody waits, it runs once more after a second, by what the store has then. Errors: those of `change`, of audit_look_again() and of session_clock(). After session_clock().
 */
enum error session_judge(struct work *w, enum durability d, enum error (*change)(void *), void *arg);

/*
 * Whether a refresh token carries our MAC; then what was presented is in
 * *out (zeroes before), ready for session_rotate(). Opens no store. idempotency: the request's key,
 * 1 to LIMIT_IDEMPOTENCY bytes; p NULL without one.
 */
bool session_present(const struct work *w, struct slice refresh, bool by_cookie, struct slice idempotency,
	struct rotation *out);

/*
 * Exchanges a refresh token for its successor, in a transaction of its own. NOT_IN_GROUP: the session stands, but its user isn't of token->group.
 * Several tokens (count of them, at least one) are cookies: of those that are
 * good the one of session `named` (0: none), or the newest of the one session that they are of. Good ones of two
 * sessions of which none is named are CROSS_SITE: another host of the domain may have planted one. Where none is good, the
 * first that ends its session, which no planted cookie may hide; else the first. Errors: those of the rotation
 * table, ERROR_CLOCK_UNSET where a session has expired by a clock that isn't
 * trusted. Of a bound session w->proof's signature is verified here, outside of the store's turn, and before anything is written:
 * INVALID_DPOP_PROOF. After session_clock().
 */
enum error session_rotate(struct work *w, struct rotation *tokens, size_t count, uint64_t named, struct grant *out);

/* Who an access token speaks for. */
struct caller {
	bool any_audience;              /* given: a token of a client counts too that is for the issuer alone (/userinfo) */
	struct access_claims claims;
	struct session session;         /* where the store was asked */
	struct user user;
	const char *why;                /* of an error: what is wrong, in a few words */
	unsigned confirmed;             /* by what he has shown in this very request who he is (AMR_), in place of a password; 0: he hasn't */
	size_t signer;                  /* of a site session: the place in the ring of the key that signed its token; 0 signs still */
	bool foreign;                   /* of an error: not of our form, and so another program's; of a site session's: without our MAC */
};

/*
 * Checks an access token: MAC, issuer, audience, times; where it isn't for its
 * times alone, opens the store (session_clock()) and asks whether its session is
 * over. Errors: TOKEN_INVALID, TOKEN_EXPIRED, CLOCK_UNSET; with a store
 * SESSION_REVOKED too. out->claims are set unless the MAC is wrong.
 */
enum check {
	CHECK_TIMES,            /* no store is opened */
	CHECK_LIVE,
	CHECK_TO_END            /* of who ends sessions: he doesn't wait for a clock that is behind, whose times are the mark's */
};
enum error session_check(struct work *w, struct slice token, enum check check, struct caller *out);

/* The steps of that check, for who must do something between them. MAC, issuer and audience: TOKEN_INVALID. */
enum error session_open_access(const struct work *w, struct slice token, struct caller *out);
/* The times, once w->time is settled: TOKEN_INVALID for one from the future, TOKEN_EXPIRED. */
enum error session_check_times(const struct work *w, struct caller *a);
/* Reads session and user: TOKEN_INVALID where there are none, SESSION_REVOKED where the session is over. The store is
 * open; also inside the transaction of a change that took a while to prepare. */
enum error session_check_live(const struct work *w, struct caller *a);

/*
 * A new lineage. Who changes his password, or ends all other sessions, may share his own with somebody who has copied its
 * token. So his session goes on by a successor that this answer alone carries: the token before it is worth nothing. That
 * is for whoever shows the newest refresh token with an idempotency key; when the answer is lost, a refresh with the
 * two gets it. Who shows none keeps what he has. A site session needs no key; where that answer is lost, its user signs in anew.
 */
struct renewal {
	struct rotation *shown;         /* session_present()'s tokens with that key, or session_present_site()'s; they may be of several cookies */
	size_t count;                   /* of them */
	struct slice idempotency;       /* the request's key; p NULL: none, and no refresh token is shown */
	bool done;
	struct grant *grant;            /* where done: its user and session; session_grant() is the caller's */
};
/* In a transaction: of the session id. */
void session_renew(struct work *w, uint64_t id, struct renewal *renewal);

/* ---- for session_grant.c ----------------------------------------------- */

/* The earlier of the two; end 0 is none. */
int64_t session_until(int64_t time, int64_t end);

/* ---- for session_site.c ------------------------------------------------ */

/* Reads the user of a->session, and asks whether that is over: TOKEN_INVALID without a user, SESSION_REVOKED. */
enum error session_check_row(const struct work *w, struct caller *a);
/* Whether the site token that was presented is of the lineage of r->row. */
bool session_fits_site(const struct rotation *r);
/* In a transaction: writes the row (store_session_rotate()) as used by who asks now, whose address and agent it gets. */
void session_write_use(const struct work *w, struct session *s);
/* Logs that the row of the session fits no key; returns STORE_UNAVAILABLE. */
enum error session_tell_damaged(uint64_t id);

/* ---- the ways out ------------------------------------------------------ */

/* In a transaction: ends all sessions of a user but `except` (0: none), and has the next note count them. Returns how many. */
int64_t session_end_all(struct work *w, uint64_t user, uint64_t except, enum ended why);

/*
 * In a transaction: ends a session by reuse, fork or revoke, before the event is noted. Where it has a cookie, a copy of that can
 * have signed in to any client, and without rotating; so all sessions of its user end that came by a cookie. Returns how many.
 */
int64_t session_end_row(struct work *w, const struct session *s, enum ended why);

enum end {
	END_ONE,                /* the user u ends the session id; ERROR_NOT_FOUND: it is none of u's, or is over */
	END_OTHERS              /* the user u ends all of u's sessions but id */
};
/* Ends sessions, in a transaction of its own, on disk before it returns. After session_clock(), whatever it said.
 * renewal: of END_OTHERS. */
enum error session_end(struct work *w, enum end how, const struct user *u, uint64_t id, struct renewal *renewal);

/*
 * Ends the session of a token, in a transaction of its own, on disk before it returns; `all`: all sessions of its user.
 * The token is session_present()'s or session_present_site()'s, or zeroes but for token.sid, which an access token named. A refresh token that is
 * spent (rotation.h) ends its own session at most, as reuse; one of another client than token->client ends none; that is REFRESH_REUSED where all were meant. Nothing else is
 * an error: whose session has ended or isn't there is signed out. After session_clock(), whatever it said.
 */
enum error session_sign_out(struct work *w, struct rotation *token, bool all);

#endif
