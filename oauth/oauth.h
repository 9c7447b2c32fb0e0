/*
 * oauth: the dialect of OAuth 2 (RFC 6749) and OpenID Connect, for clients that nobody here wrote (docs/oauth.md): its routes, the parameters
 * of its forms, the shape of its errors. The page /authorize is the door's. While no client is named, nothing of it is there.
 */
#ifndef OAUTH_H
#define OAUTH_H

#include "route.h"

extern const struct dialect oauth_dialect;
/* Discovery at the root of the host (RFC 8414, 3). */
extern const struct dialect oauth_host_dialect;

#endif
