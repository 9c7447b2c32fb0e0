/*
 * audit: struct work, under what circumstances the policy works, and the trail
 * that it leaves.
 *
 * Whatever changes something says so inside the same transaction, by
 * audit_note(). Where option audit names a log, the line is written after the
 * commit, so that the log never tells of what didn't happen.
 */
#ifndef AUDIT_H
#define AUDIT_H

#include "base/base.h"
#include "clock.h"
#include "config.h"
#include "keyring.h"
#include "store.h"

/*
 * What the policy needs to know, whoever asks: an HTTP dialect or the operator.
 * What stands before `trust` is given; session_clock() sets the rest. Borrows all.
 */
struct proof;
struct work {
	const struct config *config;
	const struct keyring *ring;     /* NULL where no token is opened or issued */
	struct slice peer;              /* the client's address; empty for the operator and for AF_UNIX */
	bool hidden;                    /* the peer is a front that isn't trusted: its address is no client's */
	struct slice agent;             /* its User-Agent; LIMIT_AGENT bytes of it count */
	bool (*is_gone)(const void *client);    /* nobody waits for the answer any more; NULL: that can't be known */
	enum error (*look_again)(const void *client, void (*let_go)(void));     /* the same with patience: let_go() is called before it waits. NULL: no use */
	const void *client;
	bool looked, unsure;            /* it was looked again, and somebody waits; audit_is_sure() said no */
	const struct proof *proof;      /* of a key that the client has at hand (dpop.h); NULL: it shows none, or none counts */
	enum clock_trust trust;         /* in the clock of this host */
	int64_t mark, seen;             /* what the store knows of the time (clock.h), Unix seconds; 0: nothing */
	int64_t time;                   /* one time for the whole request, Unix seconds */
	int64_t retry_after;            /* seconds, of an error that has its own; 0: as the table of errors says */
	struct audit note;              /* the event; class, distance and count are set before audit_note() */
	enum error (*change)(void *);   /* audit_run()'s, and its argument */
	void *arg;
};

/* The agent of who asks, as far as it is kept. */
struct slice audit_agent(const struct work *w);
/*
 * From the network and the agent that the session was used from last. A front that hides its clients may have several
 * addresses of its own, which say nothing.
 */
bool audit_is_near(const struct work *w, const struct session *s);
/* The network (/32, /64) and the agent of who asks. Empty where the address isn't the client's. */
struct slice audit_place(const struct work *w);

/* Whether such an event has a row, whose time is the store's mark too. */
bool audit_in_table(const struct config *config, enum event event);
/* Whether each event has a line in the log. */
bool audit_in_log(const struct config *config);

/*
 * Notes an event, inside the transaction. user and session may be 0: none.
 * While the clock is doubted the event gets the time last seen, so that the
 * doubt lasts until somebody vouches for the clock.
 */
void audit_note(struct work *w, enum event event, uint64_t user, uint64_t session);

/*
 * For what would harm a client that has given up and asked again: inside the transaction, before anything is read or written.
 * ERROR_REQUEST_TIMEOUT where it has gone.
 */
enum error audit_client(const struct work *w);

/*
 * For what ends a session because an old token was shown: its lawful client may have sent that long ago, given up and gone on, and the
 * network has kept it. Inside the transaction: whether it is known that somebody waits. Where it isn't, the transaction changes nothing;
 * session_judge() looks again, and runs it once more.
 */
bool audit_is_sure(struct work *w);
/* Outside of a transaction, for a second in which others have the store. ERROR_NONE: somebody waits; judge again, by what the store has then. */
enum error audit_look_again(struct work *w);

/* Logs the event, if one was noted. After the commit. */
void audit_log(const struct work *w);

/* One transaction: store_run() with an empty note before each try, and audit_log() once it stands. */
enum error audit_run(struct work *w, enum durability d, enum error (*change)(void *), void *arg);

#endif
