/*
 * authorize: what a client asks for at /authorize (RFC 6749, 4.1.1; RFC 7636, 4.3; OpenID Connect Core, 3.1.2.1), what comes next
 * for a person who is signed in or not, and the address that the browser is sent to in the end. No HTML: door/onward.c has the page.
 *
 * Nobody is sent to an address that isn't the client's. So what is wrong with `client_id` or `redirect_uri` is shown to the person;
 * all else that is wrong goes to the client, as `error`.
 */
#ifndef AUTHORIZE_H
#define AUTHORIZE_H

#include "base/base.h"
#include "client.h"
#include "session.h"

enum {
	AUTHORIZE_QUERY_MOST = 4096,    /* bytes of the query */
	AUTHORIZE_STATE_MOST = 512,     /* bytes; what is longer isn't given back */
	AUTHORIZE_NONCE_MOST = 128      /* bytes: so a code stays below 1 KiB (ticket.h) */
};

struct authorize {
	struct client client;
	struct slice redirect_uri;
	bool native;                    /* any program of that device may be who asks: a public client on loopback or a private scheme */
	const char *error;              /* for the client, as RFC 6749, 4.1.2.1 and OpenID Connect Core, 3.1.2.6 call it; NULL: none */
	struct slice state;             /* p NULL: none; the same of those below */
	struct slice nonce, challenge;
	struct slice hint;              /* the user name that a form is filled with */
	unsigned scope;                 /* SCOPE_ */
	bool silent;                    /* prompt=none: nothing may be shown */
	bool anew;                      /* who is signed in must show it once more: prompt=login or select_account, max_age=0 */
	int64_t max_age;                /* seconds; -1: any */
};

/*
 * Judges a query. NOT_FOUND: no client is named here at all. INVALID_REQUEST: the client or the redirect URI isn't known, or the query
 * is too long; nobody may be sent anywhere. NONE: out->error says whether the client is told so at once. Reads latchkey.clients,
 * opens no store.
 */
enum error authorize_read(const struct config *config, struct slice query, struct authorize *out);

/* Who is signed in, and how that is known. */
struct authentication {
	const struct user *user;        /* NULL: nobody */
	int64_t at;                     /* since when, Unix seconds */
	unsigned amr;                   /* AMR_ */
	uint64_t by;                    /* the session whose cookie shows it; 0: none */
	bool sso;                       /* by a cookie alone */
	int64_t code;                   /* of the second factor, which is spent where the client's code is redeemed; 0: none */
	uint64_t sid;                   /* of the session that the code makes; 0: any */
};

enum authorize_next {
	AUTHORIZE_FORM,                 /* to sign in */
	AUTHORIZE_ALLOW,                /* a button that names client and user */
	AUTHORIZE_CODE,                 /* back to the client, with a code */
	AUTHORIZE_ERROR                 /* back to the client: a->error was set */
};
/* What comes next. Whoever signed in by the form a moment ago gets no form (proof->sso false), unless a factor is wanted that he has not shown. time: of the request. */
enum authorize_next authorize_next(struct authorize *a, const struct authentication *proof, int64_t time);

/* The address to send the browser to, with a code for that person. In the arena. w->time is settled. */
const char *authorize_with_code(const struct work *w, const struct authorize *a, const struct authentication *proof);
/* The same with a->error. */
const char *authorize_with_error(const struct config *config, const struct authorize *a);
/* Whether a browser follows a redirect (303) there: an http or https URL, but not of [::1], which no form-action can name. */
bool authorize_follows(const struct authorize *a);

#endif
