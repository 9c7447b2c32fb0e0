/*
 * proxies: a proxy that nobody told latchkey to trust. All its clients look like one, so that one who guesses passwords keeps all
 * others out; and from the outside that looks like anything else. It is said once in the log, and by `latchkey check`.
 */
#ifndef PROXIES_H
#define PROXIES_H

#include "config.h"

/*
 * To be called with the peer of a request of which another address isn't believed; empty: an AF_UNIX socket's. The first one is
 * logged and kept in a file of the data directory: the sandbox of a request lets it write nowhere else.
 */
void proxies_note(const struct config *c, struct slice peer);
/* The peer that was kept, as trusted_proxies would name it. NULL: there is none, or it is trusted by now. */
const char *proxies_noted(const struct config *c);

#endif
