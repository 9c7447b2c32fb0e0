/*
 * connection: the connections of a worker, what each of them has said, and who makes way when there is room for no more.
 */
#ifndef CONNECTION_H
#define CONNECTION_H

#include "base/address.h"
#include "base/base.h"
#include "http.h"
#include "serve/handover.h"

enum state {
	IDLE,           /* no byte of a request yet, but for an empty line */
	READING,        /* some bytes of one */
	PIPELINED,      /* the next request's bytes came with the last one's: it is in the worker's pipelined[] */
	ANSWERED,       /* its answer waits for the commit */
	WRITING,        /* the client takes the answer slowly */
	LINGERING,      /* all is sent; what still comes is thrown away */
	CLOSED          /* its memory is freed at the end of the turn, since the turn's events may still name it */
};

struct connection {
	struct connection *next, *previous;
	int fd;
	enum state state;
	bool keep;                      /* it may send another request after this answer */
	bool watched;                   /* the event that is looked at said that the client is there */
	bool expected;                  /* its session was told to the store */
	bool continued;                 /* "100 Continue" was sent */
	uint8_t source;                 /* a hash of the network that it comes from */
	int64_t deadline;
	struct http_at at;
	struct slice peer;              /* in peer_text */
	char *in, *out;                 /* of malloc, only while there are bytes */
	size_t n, out_n, out_at;
	struct slice reply;             /* in the arena, until the batch is sent */
	struct slice asked;             /* the request, in case that it must run again; p NULL: none */
	char *asked_too_long;           /* of malloc: the same, where the room for all of a batch was too small */
	enum face face;                 /* and method: the form of the reply, if it has to be another one */
	enum method method;
	enum error wrong;               /* of a request that is refused unread; else ERROR_NONE */
	char peer_text[HANDOVER_PEER_MAX];
};

/*
 * Opens the loop. The soft limit of open files is raised to the hard one: a service manager's default of 1024 would be
 * the number of strangers that keep everybody else waiting.
 */
void connections_start(void);
/* The loop: an epoll descriptor. */
int connections_loop(void);
size_t connections_count(void);
bool connections_are_full(void);
/* The newest one, and by `next` all others; NULL: none. */
struct connection *connections_first(void);

/*
 * Who makes way for a new one when all places are taken: of those whose request isn't whole one from the source that
 * holds the most places, and of these the one whose time is over first. So a source that takes all places pushes out
 * itself. NULL if every connection has a whole request under way.
 */
struct connection *connections_replaceable(void);

/* A new one of a socket, which the loop then watches. NULL without memory; the socket stays open. */
struct connection *connection_open(int fd, int64_t deadline);
/* Closes it. It is freed by connections_free_closed(), when no event can name it any more. */
void connection_close(struct connection *c);
void connections_free_closed(void);

/* epoll_ctl(2); false, and a line in the log, where the kernel refuses. */
bool connections_watch(int operation, int fd, uint32_t events, void *what);

/* Keeps bytes for later in place of those that it has. False without memory for them. */
bool connection_keep_bytes(struct connection *c, struct slice bytes);
void connection_drop_bytes(struct connection *c);
/* Keeps a copy of a whole request, or none without memory for it; and forgets it. */
void connection_keep_request(struct connection *c, struct slice request);
void connection_forget_request(struct connection *c);
/* At the end of a batch, when each of its connections has forgotten its own. */
void connections_forget_requests(void);

#endif
