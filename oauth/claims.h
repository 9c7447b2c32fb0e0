/*
 * claims: what a client is told of a person, and of a token: id_token (OpenID Connect Core, 2), /userinfo (5.3), /introspect (RFC 7662).
 */
#ifndef CLAIMS_H
#define CLAIMS_H

#include "oauth/party.h"

/* Of an id_token: its session, user and client, and what a code says beside them. */
struct claims_id {
	const struct grant *grant;
	struct slice client;
	struct slice nonce;             /* empty: none */
	int64_t auth_time;              /* Unix seconds; 0: left out */
};
/* Its claims, as JSON. In the arena. */
struct slice claims_id_token(const struct config *config, const struct claims_id *what);

enum error claims_handle_userinfo(struct call *c);
enum error claims_handle_introspect(struct call *c);

#endif
