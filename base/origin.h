/*
 * origin: origins as browsers send them (RFC 6454, 6.2), and the hosts in them.
 */
#ifndef ORIGIN_H
#define ORIGIN_H

#include "base/base.h"

/* A host as a browser writes it: a name in small letters, or an address, of IPv6 in brackets. Bytes are what is compared. */
bool origin_host_ok(struct slice host);
/* scheme://host, and a port where it isn't the scheme's own. */
bool origin_ok(struct slice origin);

#endif
