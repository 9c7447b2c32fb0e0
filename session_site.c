/*
 * session_site: see session_site.h.
 */
#include "session_site.h"

enum { TOUCH_SECONDS = 86400 };        /* how old the row may say that its last use is */

/* The error, and in a few words why. */
static enum error because(struct caller *a, enum error e, const char *why)
{
	a->why = why;
	return e;
}

bool session_present_site(const struct work *w, struct slice token, struct rotation *out)
{
	struct site_claims claims;
	if (jwt_open_site(token, w->ring, &claims, NULL) != JWT_VALID)
		return false;
	out->by_cookie = true;
	out->token.sid = claims.sid;
	out->token.iat = claims.iat;
	return true;
}

/* The row beside the token. One that isn't of the token's lineage may be damaged, from which nothing is concluded. */
static enum error find_site(const struct work *w, const struct site_claims *claims, struct caller *a)
{
	struct rotation r = { .ring = w->ring, .token = { .sid = claims->sid, .iat = claims->iat } };
	if (!store_session(claims->sid, &r.row))
		return because(a, ERROR_TOKEN_INVALID, "the session has ended");
	a->session = r.row;
	a->claims = (struct access_claims){ .sid = claims->sid, .iat = claims->iat, .sub = r.row.user };
	if (!session_fits_site(&r))
		return rotation_key(&r) ? because(a, ERROR_TOKEN_INVALID, "of an older lineage") : session_tell_damaged(claims->sid);
	enum error e = session_check_row(w, a);
	a->claims.name = a->user.name;
	return e;
}

enum error session_check_site(struct work *w, struct slice token, bool door, struct caller *out)
{
	struct site_claims claims;
	size_t signer = 0;
	enum jwt_verdict verdict = jwt_open_site(token, w->ring, &claims, &signer);
	out->foreign = verdict != JWT_VALID;
	if (out->foreign)
		return because(out, ERROR_TOKEN_INVALID, jwt_verdict_word(verdict));
	if (door && !claims.door)
		return because(out, ERROR_TOKEN_INVALID, "for what lies behind the door alone");
	out->signer = signer;
	enum error e = session_clock(w);
	return e == ERROR_NONE ? find_site(w, &claims, out) : e;
}

/* Whose use of a site session is to be noted. */
struct touch {
	struct work *w;
	struct caller *caller;
};

static bool is_touch_due(const struct work *w, const struct session *s)
{
	int64_t quarter = w->config->refresh_ttl / 4, step = quarter < TOUCH_SECONDS ? quarter : TOUCH_SECONDS;
	return w->trust == CLOCK_GOOD && w->time - s->rotated_at >= step;
}

/* From now on the row tells that key, by its branch: whose other tokens the browser has is known once it has shown one. */
static enum error touch(void *arg)
{
	const struct touch *t = arg;
	struct session *s = &t->caller->session;
	if (!store_session_lock(s->id, s) || !is_touch_due(t->w, s))
		return ERROR_NONE;
	s->rotated_at = t->w->time;
	s->br = jwt_branch(&t->w->ring->key[t->caller->signer], s->id, s->ctr, s->idem);
	session_write_use(t->w, s);
	audit_note(t->w, EVENT_REFRESH, s->user, s->id);
	return ERROR_NONE;
}

/* Where the disk is full the use isn't noted, and nobody is shut out for it. */
enum error session_touch_site(struct work *w, struct caller *caller)
{
	struct touch t = { w, caller };
	if (!is_touch_due(w, &caller->session) || !session_has_room(w))
		return ERROR_NONE;
	return audit_run(w, DURABLE_LATER, touch, &t);
}
