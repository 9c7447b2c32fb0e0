/*
 * handover: what a worker tells the listener, over a socket of messages: a connection whose request it doesn't answer itself,
 * with the bytes that it has read of it, or that it takes no more connections.
 */
#ifndef HANDOVER_H
#define HANDOVER_H

#include <sys/types.h>

#include "base/base.h"

/* The most bytes of one request, and of one message. */
enum { HANDOVER_ROOM = LIMIT_HEAD + LIMIT_CODED + 8, HANDOVER_PEER_MAX = 48 };

/*
 * `peer` is http_peer()'s of the connection, at most HANDOVER_PEER_MAX bytes: who resets the connection behind a request has no
 * address any more, but the try counts as that client's. Both don't wait; false where the listener's queue is full. The connection
 * stays open here, too.
 */
bool handover_send(int socket, int connection, struct slice peer, struct slice early);
bool handover_send_leaving(int socket);

/*
 * The listener's side: receives a message. False when there is none.
 *
 *	fd >= 0   a connection, non-blocking, whose it is, and in `early` the bytes
 *	          that were read of it; both stay until handover_forget() or the next call
 *	pid > 0   the worker of that pid takes no more connections
 *	else      nothing that is known
 */
struct handover_message { int fd; pid_t pid; struct slice peer, early; };
bool handover_receive(int socket, struct handover_message *message);

/* Wipes those bytes: a password may be among them, and only the process that answers needs it. */
void handover_forget(void);

#endif
