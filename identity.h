/*
 * identity: what a web server that asks before it serves something else is told of the user (`/verify`).
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include "config.h"
#include "http_reply.h"
#include "http_request.h"
#include "session.h"

/*
 * Writes a header for each thing that may be known of the caller, by the names of option identity_headers. What isn't known has an
 * empty one: web servers hand on what the client sent, or words of their own, where they miss a header that they are to copy (Caddy's
 * copy_headers does both, by its version). NOT_IN_GROUP, and nothing is written: the query has a parameter `group`, names between commas, and the user is in none of
 * them; of several such parameters each must hold. Where the store was asked (caller->user.id) its words count, else the token's.
 */
enum error identity_tell(const struct config *config, const struct request *rq, struct reply *rp, const struct caller *caller);

#endif
