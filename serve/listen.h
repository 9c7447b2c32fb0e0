/*
 * listen: the listener of `latchkey serve`. It forks a process for each
 * connection, which goes on exactly as under inetd; or it keeps workers, and
 * forks for the connections that they hand over.
 */
#ifndef LISTEN_H
#define LISTEN_H

#include "base/base.h"
#include "serve/worker.h"

enum { IDLE_AS_FITS = -1 };

struct listen_options {
	const char *where;      /* "ADDR:PORT", "[ADDR6]:PORT", "PORT", "unix:PATH"; NULL: 127.0.0.1:8080; port 0: any free one */
	int64_t idle;           /* seconds without a connection, after which it ends; 0: never;
	                         * IDLE_AS_FITS: 30 where systemd holds the sockets and starts it again, else never */
	size_t workers;         /* at most WORKERS_MAX; 0: a process for each connection */
};

/* What kind of process listen_and_serve() returns in. */
struct listener {
	enum { LISTEN_CHILD, LISTEN_WORKER } role;
	struct slice early;             /* LISTEN_CHILD: its connection is on fds 0 and 1; these bytes were read of it already */
	struct slice peer;              /* and this is whose it is, by http_peer(); p NULL: nobody has asked yet */
	struct worker_place place;      /* LISTEN_WORKER */
};

/* Takes a port below 1024, which root alone may do: to be called before the process becomes the data directory's owner. */
void listen_early(const struct listen_options *options);
/*
 * Listens at the address, and prints its URL; or on the sockets that systemd
 * handed over (LISTEN_FDS). Returns in each child and each worker.
 *
 * SIGINT and SIGTERM end the listener once its children have ended: exit 0.
 * With workers SIGHUP replaces them, if usable() says that configuration and
 * keys can be read; without workers it ends the listener too. Exits 100 for
 * what is no address, 111 where it can't listen.
 */
void listen_and_serve(const struct listen_options *options, bool (*usable)(void), struct listener *out);

#endif
