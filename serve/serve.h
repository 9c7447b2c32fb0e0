/*
 * serve: `latchkey serve`: its arguments, who listens, and what a worker does.
 */
#ifndef SERVE_H
#define SERVE_H

#include "base/base.h"

/*
 * Listens as argv says (listen.h). Exits 100 where argv can't be understood,
 * and 111 where configuration or keys can't be read. A worker serves, and
 * doesn't return. This function returns in each process that was forked for
 * one connection: the connection is fds 0 and 1, and the slice returned has
 * the bytes that were read of it already. *dir is then --dir, or NULL; *demo is true with --demo;
 * *peer is whose connection it is, or p NULL where that wasn't asked yet.
 */
struct slice serve(int argc, char **argv, const char **dir, bool *demo, struct slice *peer);

#endif
