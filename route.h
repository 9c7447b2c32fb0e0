/*
 * route: who may ask what, for every dialect.
 *
 * A dialect is one contract over HTTP: its paths, what each of them takes, and
 * how its errors look. It is a table (struct dialect) that is handed in; this
 * room names none. It finds the route, reads the body into the dialect's own
 * struct, has the dialect check the credential, calls the handler, and answers
 * OPTIONS, CORS and wrong methods.
 *
 * A handler returns ERROR_NONE after it has filled call->rp, or an error after
 * it has changed nothing; then the dialect's refuse() writes the answer.
 */
#ifndef ROUTE_H
#define ROUTE_H

#include "audit.h"
#include "base/base.h"
#include "http_reply.h"
#include "http_request.h"

struct call;

enum member_kind {
	MEMBER_TEXT,                    /* to a struct slice: UTF-8 bytes, p NULL where absent */
	MEMBER_FLAG                     /* to a bool */
};

/* A member of a JSON body, or a parameter of a form. */
struct member {
	const char *name;
	enum member_kind kind : 8;
	bool required;                  /* of a text; of a flag: true where it is absent */
	uint16_t max;                   /* bytes of a text */
	uint16_t at;                    /* its offset in the dialect's own struct */
};

enum access {
	ACCESS_NONE,
	ACCESS_LIVE                     /* a credential, which the dialect's admit() checks before the handler runs */
};

/* How long it takes: what is slow takes a hundred times as long as others, and isn't for a process that others wait for. */
enum pace {
	PACE_QUICK = 0,
	PACE_SLOW = 1,
	PACE_SIGNS = 2,                 /* issues an access token: slow where that is signed by ES256, or a proof of possession is to be verified */
	PACE_LASTS = 4,                 /* must last: slow where a standby is waited for */
	PACE_ENDS = PACE_SIGNS | PACE_LASTS
};

struct route {
	enum method method;             /* METHOD_ANY: whatever the method; of a body only a form is read, where no credential came otherwise */
	const char *path;               /* one that ends in '/' takes something after it: call->rest */
	enum access access;
	const struct member *members;   /* the last has no name; NULL: there is no body */
	enum pace pace;
	enum error (*handle)(struct call *c);
};

struct dialect {
	bool on_host;                   /* paths count from the root of the host; else from the mount */
	const char *prefix;             /* of all of its paths, "/" at least */
	const struct route *routes;
	size_t count;
	size_t size;                    /* bytes of its own struct, call->own */
	bool own;                       /* its pages are for people: no script of another origin reads or sends anything here (RFC 9700, 2.6) */
	const char *more_headers;       /* what its scripts of other origins send, too: ", Name" each, and PUT; NULL: nothing */
	bool forms;                     /* its POST routes take a form (application/x-www-form-urlencoded), not JSON */
	enum error (*admit)(struct call *c);
	void (*refuse)(struct call *c, enum error e);   /* sets status, type and body of an error, in the dialect's shape */
};

struct call {
	struct work work;               /* what the policy needs to know */
	const struct dialect *dialect;
	const struct request *rq;
	struct reply *rp;
	struct slice path;              /* as the dialect's routes have it */
	struct slice rest;              /* what comes after the route's path */
	void *own;                      /* the dialect's struct: zeroes, and the members of the body */
	const char *about;              /* the member or parameter that an error is about; NULL: none */
	const char *allow;              /* of METHOD_NOT_ALLOWED: the header's value */
	bool any_method;                /* the route is one of METHOD_ANY */
};

/* The first of `count` dialects that has a route for the request's path; else the first whose prefix the path has; NULL: none.
 * A place of the table that is NULL is passed over. */
const struct dialect *route_dialect(const struct dialect *const *table, size_t count, const struct request *rq);
/* Whether the request's route is one of METHOD_ANY, so that its body isn't ours, as a rule. */
bool route_ignores_body(const struct dialect *d, const struct request *rq);
/* Whether the request's route is a slow one. */
bool route_is_slow(const struct dialect *d, const struct config *config, const struct request *rq);

/*
 * Answers one request: fills rp. With e other than ERROR_NONE the request is
 * refused with it, in the dialect's shape, and read no further. Whatever the
 * policy commits is committed before a 2xx is in rp.
 */
void route_answer(const struct dialect *d, const struct config *config, const struct keyring *ring, const struct request *rq,
	enum error e, struct reply *rp);

/* The headers of CORS, for whatever answer. Once, just before it is sent. */
void route_finish(const struct config *config, const struct request *rq, struct reply *rp);

/* For a handler that has nothing to say: 204. */
enum error route_no_content(struct call *c);

#endif
