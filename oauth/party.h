/*
 * party: who asks in the dialect of OAuth: a client, shown by HTTP Basic, by a form, or by its name alone (RFC 6749, 2.3); and what this
 * dialect keeps of one call.
 */
#ifndef PARTY_H
#define PARTY_H

#include "client.h"
#include "json.h"
#include "route.h"
#include "session.h"

/* What this dialect keeps of one call: the parameters of its form, who asks, and what is answered. */
struct oauth {
	struct slice grant_type, code, redirect_uri, code_verifier, refresh_token, idempotency_key, device_code, scope, token;
	struct slice client_id, client_secret, access_token;
	bool by_basic;                  /* the client showed itself by HTTP Basic, or tried to */
	bool shown;                     /* it showed its secret */
	struct client client;           /* who asks; client.id empty: nobody said */
	struct caller caller;           /* of /userinfo and /introspect */
	struct grant grant;
	bool has_slot;                  /* a slot to sign by RS256 in was taken */
	const char *error;              /* of an error: what RFC 6749, 5.2 or a like text calls it; NULL: the table in oauth.c says */
	struct jw out;                  /* writes the body of the answer */
};

struct oauth *party_own(const struct call *c);

/* Sets own->error, and returns INVALID_REQUEST. */
enum error party_refuse(struct call *c, const char *error);

/*
 * Finds the client that asks, and judges its secret. Errors: own->error invalid_request (two ways at once), invalid_client (unknown, a
 * wrong secret, none where there is one). Nobody at all is own->client.id empty, and no error. Opens no store.
 */
enum error party_find(struct call *c);
/* The same; nobody is invalid_client. */
enum error party_require(struct call *c);

/* Begins an answer of JSON: an object, whose members the caller writes; party_end() closes all that is open. */
struct jw *party_begin(struct call *c);
enum error party_end(struct call *c);

#endif
