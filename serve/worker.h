/*
 * worker: many connections in one process that stays, for `latchkey serve
 * --workers N`. It decides nothing about a request itself: how one is read and
 * answered is the same as in a process that has one request, by http.h and by
 * the calls below.
 */
#ifndef WORKER_H
#define WORKER_H

#include <sys/types.h>

#include "base/base.h"
#include "http.h"

enum { WORKER_SOCKETS = 8, WORKERS_MAX = 32 };

/* What a worker shares with the listener, which started it. */
struct worker_place {
	int sockets[WORKER_SOCKETS];    /* listening, non-blocking */
	size_t count;
	int handover;                   /* to the listener, which reads it by handover_receive() */
	struct worker_state *state;     /* of this worker, in memory that both share */
};
struct worker_state {
	int64_t busy_at;                /* now_boot() when a connection was last open */
	int64_t connections;
};

/* What serve.c does for a worker. */
struct worker_calls {
	const struct http_rules *rules;
	/* Builds the answer; may fail(). */
	void (*answer)(const struct request *rq, struct reply *rp);
	/* Builds the answer to a request that is refused with e. */
	void (*refuse)(const struct request *rq, enum error e, struct reply *rp);
	/* It hashes a password, so it is handed over. */
	bool (*is_slow)(const struct request *rq);
	/* Both NULL where it isn't worth it. The session that the bytes of a request will ask for, 0: none; and which ones a batch will
	 * ask for, before it begins. The latter may fail(); then those requests get the error. */
	uint64_t (*names)(struct slice bytes);
	void (*expect)(const uint64_t *id, size_t n);
	/* Configuration and keys on disk are still those that this process has read. */
	bool (*is_current)(void);
	/* Commits what the answers of a batch have written; then leaves the store to other processes. resting: there was no
	 * request for a second. */
	void (*settle)(void);
	void (*leave)(bool resting);
	/* Better than to leave it now: other processes write too, and what this one knows of the store would be lost. Not for long. */
	bool (*keeps)(void);
	/* After a fail(): undoes what the batch has written. */
	void (*forget)(void);
};

/*
 * Serves until SIGTERM or SIGHUP comes, or configuration or keys change. Then
 * it takes no more connections, hands over the requests that still come to
 * those it has, and returns after 10 s at most; after SIGTERM it closes
 * connections as soon as they have no request under way.
 *
 * For Linux alone (epoll): elsewhere worker_most() is 0, and it returns at once.
 */
size_t worker_most(void);
void worker_run(const struct worker_place *where, const struct worker_calls *what);

#endif
