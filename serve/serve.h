/*
 * serve: `latchkey serve`, from its words on: who listens, and what a worker does.
 */
#ifndef SERVE_H
#define SERVE_H

#include "base/base.h"

/*
 * Listens as argv says (listen.h); exits 100 where it can't be understood, and 111 where configuration or keys
 * can't be read. Returns in each process that has a connection of its own, on fds 0 and 1: the bytes that were
 * read of it, and --dir, or NULL, in *dir. A worker serves, and doesn't return.
 */
struct slice serve(int argc, char **argv, const char **dir);

#endif
