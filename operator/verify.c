/*
 * verify: `latchkey verify`. The token comes on standard input: a command line can be read by others.
 */
#include "operator/verbs.h"

#include "base/base64.h"
#include "base/error.h"
#include "operator/ask.h"
#include "session.h"

/* The claims as they were signed: the payload itself. */
static int show_claims(struct verb_call *c, struct slice token)
{
	struct slice payload = SLICE_NONE;
	slice_cut(&token, '.');
	base64url_read(slice_cut(&token, '.'), &payload);
	return verb_done(c, "", payload);
}

/* A clock that isn't trusted expires nothing: that is our trouble, not the token's. */
static bool is_clocks_trouble(const struct verb_call *c, enum error e)
{
	return e == ERROR_CLOCK_UNSET || (e == ERROR_TOKEN_EXPIRED && c->work.trust != CLOCK_GOOD);
}

int verb_verify(struct verb_call *c)
{
	struct slice token;
	struct keyring ring;
	struct caller caller = { .why = NULL };
	if (!ask_line("Token: ", LIMIT_JWT + 64, &token))
		return verb_no(c, "no token on standard input");
	token = verb_trim_line(token);
	verb_ring(c->dir, &ring);
	c->work.ring = &ring;
	enum error e = session_check(&c->work, token, c->given[OPT_LIVE], &caller);
	store_close();
	if (is_clocks_trouble(c, e))
		fail(ERROR_CLOCK_UNSET, "VB6", "the clock of this host isn't set", NULL);
	return e == ERROR_NONE ? show_claims(c, token) : verb_no(c, caller.why);
}
