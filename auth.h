/*
 * auth: the policy, all of it. The routes and what each demands, the handlers, and
 * the rotation table (docs/internals.md, "Rotation").
 */
#ifndef AUTH_H
#define AUTH_H

#include "base/base.h"
#include "keyring.h"

struct config;
struct request;
struct reply;

/* Answers one request: fills rp. Commits before it returns a 2xx. Client's
 * faults become error answers; ours is fail(). */
void auth_answer(const struct config *c, const struct keyring *ring, const struct request *rq, struct reply *rp);

/* Whether its answer takes the hash of a password: not for a process that others wait for. */
bool auth_hashes(const struct request *rq);

/* What every answer carries, errors of any room included: Cache-Control
 * (a page of www/ may be kept and asked after; nothing else may) and, for a
 * listed origin, the CORS headers. Called once, just before the writer. */
void auth_finish(const struct config *c, const struct request *rq, struct reply *rp);

/* A name that a user may have: 1 to LIMIT_USERNAME bytes of [A-Za-z0-9._@+-]. */
bool auth_username_ok(struct slice name);

#endif
