/*
 * listen: `latchkey serve`. It forks per connection, and the child goes on
 * exactly as under inetd; or it keeps workers, and forks for what they hand
 * over.
 */
#ifndef LISTEN_H
#define LISTEN_H

#include "base/base.h"
#include "serve/worker.h"

enum { IDLE_AS_FITS = -1 };

struct listen_options {
	const char *where;      /* "ADDR:PORT", "[ADDR6]:PORT", "PORT", "unix:PATH"; NULL: 127.0.0.1:8080; port 0: any free one */
	int64_t idle;           /* seconds without a connection after which it ends; 0: never;
	                         * IDLE_AS_FITS: 30 where systemd holds the sockets, and starts us again */
	size_t workers;         /* at most WORKERS_MAX; 0: a process for each connection */
};

/* What the process is that listen_and_serve() returns in. */
struct listener {
	enum { LISTEN_CHILD, LISTEN_WORKER } role;
	struct slice early;             /* LISTEN_CHILD: the connection is on fds 0 and 1; bytes that were read of it */
	struct worker_place place;      /* LISTEN_WORKER */
};

/*
 * Listens there and prints the URL, or on the sockets that systemd handed over
 * (LISTEN_FDS). Returns in each child and each worker.
 *
 * SIGINT and SIGTERM end it, when all are done: exit 0; without workers SIGHUP does too. With
 * workers SIGHUP starts them anew, where `usable` says that configuration and
 * keys can be read. Exits 100 for an address that is none, 111 for one that
 * can't be had.
 */
void listen_and_serve(const struct listen_options *options, bool (*usable)(void), struct listener *out);

#endif
