/*
 * rotation: what a refresh token is worth beside the row of its session.
 *
 * One table decides, from top to bottom (docs/internals.md, "Rotation"). It is
 * a function of what stands in struct rotation and of nothing else: it knows no
 * HTTP, no JSON, no configuration, no transaction and no SQL. session.c reads
 * the row before and does what the rule says after.
 */
#ifndef ROTATION_H
#define ROTATION_H

#include "base/base.h"
#include "jwt.h"
#include "keyring.h"
#include "store.h"

struct rotation {
	/* The token that was presented, and how. */
	struct refresh_claims token;
	bool by_cookie;
	unsigned guard;                /* of several cookies: the smaller, the fewer hosts can have set it */
	uint64_t idem;                 /* hash of the idempotency key; 0: none */
	/* Who presented it. */
	struct slice client;           /* the client of OAuth that it was shown to be; empty: the app API's */
	bool authenticated;            /* it showed its secret; every client that has one must */
	bool no_retry;                 /* it was registered so: without retry_window */
	struct slice group;            /* that the client is for; empty: everybody. session.c asks it of what the table finds good */
	bool body_only;                /* to a call that answers in the body: no session of cookie mode */
	struct slice thumbprint;       /* of the key of its proof (dpop.h), whose signature isn't verified yet; empty: it has none */
	struct slice place;            /* network and agent of an address that is a client's own; empty: none, or not needed */
	/* The rules and the time, in seconds. */
	int64_t time, refresh_ttl, reuse_grace;
	int64_t retry_window;          /* of that session and client; 0: none */
	int64_t unseen;                /* how far the clock may have gone back without a trace in the store */
	const struct keyring *ring;
	bool near;                     /* it comes from the network and the agent that the session was used from last */
	/* What the store has: the session and its user. */
	bool known;                    /* both are there */
	struct session row;
	struct user user;
	/* Set by rotation_judge(). */
	int64_t distance;              /* generations: row.ctr - token.ctr; 0 where not known */
};

/*
 * Two clients that share one token, a thief and his victim, stay in step as long as each generation is given to both: one
 * of them rotates, the other comes within the grace. Each time he comes from elsewhere. So that is counted in row.strays:
 * twice the number of generations one behind the other that it happened in until the present one, plus 1 where it
 * happened in this one too. In the third the session ends.
 */
enum {
	STRAYS_MOST = 4,
	STRAYS_NEVER = 8               /* instead of a count: the successor begins a new lineage, and nobody else is given it */
};

/*
 * A session may be bound to a key of its client (RFC 9449, 5), from its first token on. Then row.idem is a MAC of the key's thumbprint, by the master key
 * that made row.br; and row.strays is STRAYS_BOUND. The client is known again by that key, and nobody else is forgiven or counted: so a bound row
 * needs neither column for what it holds elsewhere. The session rotates at its first refresh, and then once in refresh_ttl / ROTATION_BOUND_PART; in
 * between its newest token is answered again.
 */
enum { STRAYS_BOUND = 16, ROTATION_BOUND_PART = 30 };

bool rotation_is_bound(const struct session *s);
/* Whether r->row is bound to the key of r->thumbprint. */
bool rotation_fits_key(const struct rotation *r);
/* Binds a row to the key of a thumbprint; its branch is made after that, by the same master key. */
void rotation_bind(struct session *s, const struct key *key, struct slice thumbprint);

/* For which a public client of OAuth is forgiven at the least, where anybody is: browsers send a request again by themselves. */
enum { ROTATION_PUBLIC_GRACE = 30 };

enum act {
	ACT_ROTATE,
	ACT_REPLAY,                    /* the successor again; nothing is written */
	ACT_FORGIVE,                   /* the same, and it is counted */
	ACT_REFUSE,                    /* nothing is written */
	ACT_END                        /* the session ends, on disk before the answer */
};

struct rule {
	bool (*when)(const struct rotation *r);
	enum act act;
	enum durability durability;    /* of the transaction that does it */
	enum event event;              /* to be noted; 0: none */
	enum ended why;                /* of ACT_END */
	enum error error;              /* of ACT_REFUSE and ACT_END */
};

/* Finds the rule; sets r->distance. Never NULL: the last rule fits whatever is left. */
const struct rule *rotation_judge(struct rotation *r);

/*
 * Whether a token is neither the newest of its session nor that one's predecessor, whose answer may have been lost: who
 * shows it has what somebody had once. Sets r->distance. Never beside a damaged row.
 */
bool rotation_is_spent(struct rotation *r);

/* The class of a reuse event; CLASS_NONE of any other. */
enum reuse_class rotation_class(const struct rotation *r, const struct rule *rule);

/* How far ahead of the clock a date may lie that is believed, in seconds: the tolerance of the store's mark. */
enum { ROTATION_AHEAD = 120 };

/* Makes r->row the successor of the token: of the row too, where the two agree. key signs from now on. Its date is the
 * latest of the time, the row's and the token's, as far as those are believed. True: it is dated before its predecessor all
 * the same, and must last, or after a lost commit the newer token would look older than the row. */
bool rotation_advance(struct rotation *r, const struct key *key);

/* The key under which the row's branch was made. NULL: the row is damaged, or the key was retired. */
const struct key *rotation_key(const struct rotation *r);

#endif
