/*
 * metadata: what a client finds out by itself: discovery (RFC 8414; OpenID Connect Discovery, 4), and the public keys (RFC 7517). Both open no
 * store, and pages of any site may read them.
 */
#ifndef METADATA_H
#define METADATA_H

#include "route.h"

enum error metadata_handle(struct call *c);
/* At the root of the host, perhaps with the mount behind it (RFC 8414, 3.1): NOT_FOUND behind any other path. */
enum error metadata_handle_host(struct call *c);
enum error metadata_handle_keys(struct call *c);

#endif
