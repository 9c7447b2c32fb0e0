/*
 * verify: `latchkey verify`. The token is read from standard input: other users of the host can read a command line.
 */
#include "operator/verbs.h"

#include "base/base64.h"
#include "base/error.h"
#include "operator/ask.h"
#include "session.h"

/* Prints the payload, byte for byte as it was signed. */
static int show_claims(struct verb_call *c, struct slice token)
{
	struct slice payload = SLICE_NONE;
	slice_cut(&token, '.');
	base64url_read(slice_cut(&token, '.'), &payload);
	return verb_done(c, "", payload);
}

/* By a clock that isn't trusted no token expires: then the fault is ours, not the token's. */
static bool is_clocks_trouble(const struct verb_call *c, enum error e)
{
	return e == ERROR_CLOCK_UNSET || (e == ERROR_TOKEN_EXPIRED && c->work.trust != CLOCK_GOOD);
}

int verb_verify(struct verb_call *c)
{
	struct slice token;
	struct keyring ring;
	struct caller caller = { .why = NULL };
	if (!ask_word("Token: ", LIMIT_JWT + 64, &token))
		return verb_no(c, "no token on standard input");
	verb_ring(c->dir, &ring);
	c->work.ring = &ring;
	enum error e = session_check(&c->work, token, c->given[OPT_LIVE] ? CHECK_LIVE : CHECK_TIMES, &caller);
	store_close();
	if (is_clocks_trouble(c, e))
		fail(ERROR_CLOCK_UNSET, "VB6", "the clock of this host isn't set", NULL);
	return e == ERROR_NONE ? show_claims(c, token) : verb_no(c, caller.why);
}
