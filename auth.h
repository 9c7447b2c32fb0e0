/*
 * auth: the native dialect, which is the contract of docs/api.md. Its routes,
 * what each of them demands, its JSON and its cookies. What happens to a
 * session is session.h's business.
 */
#ifndef AUTH_H
#define AUTH_H

#include "json.h"
#include "route.h"
#include "session.h"

extern const struct dialect auth_dialect;

/* ---- for other rooms that have routes of this dialect ------------------- */

/* What this dialect keeps of one call (call->own begins with it): the members of its body, who calls, and what is answered. */
struct native {
	struct slice username, password, refresh_token, idempotency_key, session;
	struct slice current_password, new_password, access_token, ticket, code;
	bool all, remember;
	bool body_only;            /* of a refresh: its answer has the token in its body, so none of cookie mode is taken */
	struct origin origin;      /* of a session that begins; its members device and cookie are the body's */
	struct caller caller;      /* of a route that needs an access token */
	struct rotation *tokens;   /* refresh tokens of the request that carry our MAC */
	size_t count, most;        /* of tokens: there are, there is room for */
	struct grant grant;        /* the token pair */
	const char *signin;        /* of /verify?redirect=401: where the browser is to be sent; NULL: nowhere */
	struct jw out;             /* writes the body of the answer */
};

/* Begins an object, or {"data": and its value, which the handler writes; auth_end_data() closes all that is open, and is ERROR_NONE. */
struct jw *auth_begin(struct call *c, int status);
struct jw *auth_begin_data(struct call *c, int status);
enum error auth_end_data(struct jw *w);
/* A session is to begin: reads idempotency_key, and what cookie mode wants, into origin; and the proof of the key that it is
 * bound to, whose signature signin.h asks for. */
enum error auth_prepare(struct call *c);
/* The same, and the way in of signin.h by username and password: sets grant. */
typedef enum error (*auth_way_in)(struct work *, struct slice, struct slice, const struct origin *, struct grant *);
enum error auth_start(struct call *c, auth_way_in way);
/* Exchanges the refresh token of the request for its successor: sets grant. */
enum error auth_refresh(struct call *c);
/* Signs out by whatever token the request has, and answers. all: each session of its user. */
enum error auth_logout(struct call *c);
/* The token pair, unless e says why there is none. */
enum error auth_answer_grant(struct call *c, enum error e, int status);
/* The access token of the request is one of a live session of the app API: sets caller. */
enum error auth_admit_live(struct call *c);
/* The same of who ends sessions (CHECK_TO_END). */
enum error auth_admit_to_end(struct call *c);
/* INVALID_REQUEST, by that member. */
enum error auth_blame(struct call *c, const char *member);
/* What an error says to people: what it is about, too. In the arena. */
const char *auth_message(const struct call *c, enum error e);
/* Answers an error in the dialect's shape. */
void auth_refuse(struct call *c, enum error e);

#endif
