/*
 * auth_answer: how answers of the native dialect begin and end, and how its errors look (auth.h).
 */
#include "auth.h"

static struct native *own(const struct call *c)
{
	return c->own;
}

struct jw *auth_begin(struct call *c, int status)
{
	struct jw *w = &own(c)->out;
	*w = (struct jw){ .out = &c->rp->body };
	c->rp->status = status;
	c->rp->type = "application/json";
	return jw_open(w, '{');
}

struct jw *auth_begin_data(struct call *c, int status)
{
	return jw_name(auth_begin(c, status), "data");
}

enum error auth_end_data(struct jw *w)
{
	while (w->depth)
		jw_close(w);
	return ERROR_NONE;
}

enum error auth_blame(struct call *c, const char *member)
{
	c->about = member;
	return ERROR_INVALID_REQUEST;
}

/* Of every 401 (RFC 9110, 15.5.2). Who showed no access token is told the scheme alone (RFC 6750, 3). */
static void challenge(struct call *c, enum error e)
{
	bool session_over = e == ERROR_SESSION_REVOKED && own(c)->caller.claims.sid;
	bool refused = session_over || e == ERROR_TOKEN_INVALID || e == ERROR_TOKEN_EXPIRED;
	if (e == ERROR_INSUFFICIENT_SCOPE)
		reply_header(c->rp, "WWW-Authenticate", "Bearer realm=\"latchkey\", error=\"insufficient_scope\"", NULL);
	if (errors[e].status == 401)
		reply_header(c->rp, "WWW-Authenticate", "Bearer realm=\"latchkey\"", refused ? ", error=\"invalid_token\"" : "", NULL);
}

const char *auth_message(const struct call *c, enum error e)
{
	const char *message = errors[e].message;
	if (slice_is(slice_of(c->about), S("username")) || slice_is(slice_of(c->about), S("email")))
		message = "It " SESSION_USERNAME_RULE ".";
	return c->about ? text_join(c->about, ": ", message, NULL) : message;
}

/* Code, message and member are words of this program: nothing to escape. */
void auth_refuse(struct call *c, enum error e)
{
	if (e == ERROR_TOKEN_MISSING)
		http_explain_withheld(c->rq);
	challenge(c, e);
	if (own(c)->signin)
		reply_header(c->rp, "Location", own(c)->signin, NULL);
	struct jw *w = auth_begin(c, errors[e].status);
	jw_open(jw_name(w, "error"), '{');
	jw_plain(w, "code", slice_of(errors[e].code));
	jw_plain(w, "message", slice_of(auth_message(c, e)));
	(void)auth_end_data(w);
}
