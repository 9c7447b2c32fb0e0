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
	/* The rules and the time, in seconds. */
	int64_t time, refresh_ttl, reuse_grace;
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
