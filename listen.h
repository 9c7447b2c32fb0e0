/*
 * listen: `latchkey serve`, a listener for development and small hosts. It
 * forks per connection; the child goes on exactly as under inetd.
 */
#ifndef LISTEN_H
#define LISTEN_H

#include "base.h"

enum { IDLE_AS_FITS = -1 };

/*
 * Listens on `where` ("ADDR:PORT", "[ADDR6]:PORT", "PORT", "unix:PATH"; NULL: 127.0.0.1:8080;
 * port 0: any free one) and prints the URL, or on the sockets that systemd
 * handed over (LISTEN_FDS). Returns in each child, with the connection on fds 0 and 1.
 *
 * SIGINT and SIGTERM end it: exit 0, after the children that are at work. So
 * does `idle` seconds without a connection or a child; 0: nothing does;
 * IDLE_AS_FITS: 30 where systemd holds the sockets, and starts us again.
 * Exits 100 for an address that is none, 111 for one that can't be had.
 */
void listen_and_fork(const char *where, int64_t idle);

#endif
