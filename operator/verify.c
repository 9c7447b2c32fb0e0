/*
 * verify: `latchkey verify`. The token comes on standard input: a command line can be read by others.
 */
#include "operator/verbs.h"

#include "base/base64.h"
#include "base/error.h"
#include "clock.h"
#include "jwt.h"
#include "operator/ask.h"

enum { FUTURE_SECONDS = 120 };  /* how far ahead of the clock an iat may lie: as for requests */

/* Whether the store agrees too. Who is disabled or deleted has no session that
 * stands. */
static const char *not_live(const struct verb_call *c, const struct access_claims *a)
{
	struct session s;
	bool stands = store_session(a->sid, &s) && !s.ended_at && !verb_is_over(&c->conf, &s);
	return stands ? NULL : "the session has ended";
}

/* NULL, or why not. A clock that isn't believed expires nothing: that is our
 * trouble, not the token's. */
static const char *not_good(const struct verb_call *c, const struct access_claims *a)
{
	bool live = c->given[OPT_LIVE];
	if (live)
		store_open(c->dir, VERB_WAIT);
	int64_t time = now();
	enum clock_trust belief = clock_judge(time, live ? store_mark() : 0);
	bool expired = time >= a->exp;
	if (belief == CLOCK_UNSET || (belief == CLOCK_DOUBTFUL && expired))
		fail(ERROR_CLOCK_UNSET, "VB6", "the clock of this host isn't set", NULL);
	if (!slice_is(a->iss, c->conf.issuer))
		return "another issuer";
	if (!slice_is(a->aud, c->conf.audience))
		return "another audience";
	if (a->iat > time + FUTURE_SECONDS)
		return "issued in the future";
	if (expired)
		return "expired";
	return live ? not_live(c, a) : NULL;
}

/* The claims as they were signed: the payload itself. */
static int show_claims(struct verb_call *c, struct slice token)
{
	struct slice payload = SLICE_NONE;
	slice_cut(&token, '.');
	base64url_read(slice_cut(&token, '.'), &payload);
	return verb_done(c, "", payload);
}

int verb_verify(struct verb_call *c)
{
	struct slice token;
	struct keyring ring;
	struct access_claims claims;
	if (!ask_line("Token: ", LIMIT_JWT + 64, &token))
		return verb_no(c, "no token on standard input");
	token = verb_trim_line(token);
	verb_ring(c->dir, &ring);
	enum jwt_verdict verdict = jwt_open_access(token, &ring, &claims, NULL);
	if (verdict != JWT_VALID)
		return verb_no(c, jwt_verdict_word(verdict));
	const char *why = not_good(c, &claims);
	store_close();
	return why ? verb_no(c, why) : show_claims(c, token);
}
