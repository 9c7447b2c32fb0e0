/*
 * worker: many connections in one process that stays, for `latchkey serve
 * --workers N`. The run-once faces are the reference: what a request is and how it
 * is answered is theirs, by the calls below.
 */
#ifndef WORKER_H
#define WORKER_H

#include <sys/types.h>

#include "base/base.h"
#include "http.h"

enum { WORKER_SOCKETS = 8, WORKERS_MAX = 32 };

/* What a worker shares with the process that started it. */
struct worker_place {
	int sockets[WORKER_SOCKETS];    /* listening, not blocking */
	size_t count;
	int handover;                   /* to the starter: what worker_take() hears */
	struct worker_state *state;     /* of this worker, in memory that both see */
};
struct worker_state {
	int64_t busy_at;                /* now_boot() when a connection was last open */
	int64_t connections;
};

/* What a request is, here: serve.c says it. */
struct worker_calls {
	const struct http_rules *rules;
	/* Builds the answer; may fail(). */
	void (*answer)(const struct request *rq, struct reply *rp);
	/* Makes a reply of an error, as answer() would. */
	void (*refuse)(const struct request *rq, enum error e, struct reply *rp);
	/* It hashes a password: not here. */
	bool (*is_slow)(const struct request *rq);
	/* Configuration and keys are on disk as they were read. */
	bool (*is_current)(void);
	/* What the answers of a batch have written is on disk; then the store is others'. */
	void (*settle)(void);
	void (*leave)(bool resting);
	/* After a fail(): as if the batch had not been. */
	void (*forget)(void);
};

/*
 * Serves until SIGTERM, or until SIGHUP or a change of configuration or keys;
 * then it takes no more connections, hands over what requests still come to
 * those it has, and returns after 10 s at most; after SIGTERM it closes them as soon as
 * no request is under way. Linux alone (epoll): elsewhere worker_most() is 0, and it returns at once.
 */
size_t worker_most(void);
void worker_run(const struct worker_place *where, const struct worker_calls *what);

/*
 * The starter's side: takes what a worker handed over. A connection in fd
 * (not blocking) and the bytes that were read of it in early, until the next call; or -1 in fd: the
 * worker of that pid takes no more, or, pid 0, nothing came of it. False when nothing is there.
 */
struct worker_word { int fd; pid_t pid; struct slice early; };
bool worker_take(int socket, struct worker_word *word);

#endif
