/*
 * seen: up to which event a user has seen his page, in a cookie.
 *
 * It decides what stands on top of the page the next time, so nobody but the page may make one: it has a MAC over user and event.
 */
#ifndef SEEN_H
#define SEEN_H

#include "audit.h"
#include "http_reply.h"

/* The id of the newest event that the user saw by this browser; 0: none is known. */
int64_t seen_read(const struct work *w, const struct request *rq, uint64_t user);
/* Sets the cookie. */
void seen_set(const struct work *w, const struct request *rq, struct reply *rp, uint64_t user, int64_t event);

#endif
