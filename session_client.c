/*
 * session_client: see session_client.h.
 */
#include "session_client.h"

#include "totp.h"

uint64_t session_shown(struct slice bytes)
{
	return jwt_idempotency(bytes);
}

/* One redemption. `found` is what it comes to; it is set anew by each try of the transaction. */
struct redemption {
	struct work *w;
	const struct redeemed *what;
	struct grant *out;
	enum error found;
};

/* Of the user who was asked, and of the cookie session that he signed in by: both may have changed since the code was made. */
static bool may_begin(const struct redemption *x)
{
	const struct redeemed *what = x->what;
	struct user *u = &x->out->user;
	struct session by;
	if (!store_user(what->user, u) || u->disabled || jwt_password_mark(what->key, u->id, u->password) != what->pw)
		return false;
	return what->by == 0 || (store_session(what->by, &by) && by.user == u->id && by.cookie && !session_over(x->w, &by, u));
}

static enum error begin(const struct redemption *x)
{
	const struct redeemed *what = x->what;
	if (!may_begin(x))
		return ERROR_CODE_INVALID;
	if (!session_admits(what->group, &x->out->user))
		return ERROR_NOT_IN_GROUP;
	enum error e = what->by || what->amr & AMR_PASSKEY ? ERROR_NONE : totp_settle(x->w, what->user, what->code);
	if (e != ERROR_NONE)
		return e == ERROR_INVALID_CREDENTIALS ? ERROR_CODE_INVALID : e;
	session_start(x->w, what->user, &(struct origin){
		.client = what->client, .scope = what->scope, .amr = what->amr, .sso = what->sso, .sid = what->sid, .idem = what->idem,
		.expires_at = what->once ? x->w->time + x->w->config->access_ttl : 0,
	}, EVENT_LOGIN, &x->out->session);
	return ERROR_NONE;
}

static enum error end_reused(struct work *w, const struct session *s)
{
	if (!audit_is_sure(w))
		return ERROR_NONE;
	store_must_last();
	store_session_end(s->id, ENDED_REUSE, w->time);
	w->note.class = CLASS_CODE;
	w->note.distance = s->ctr;
	audit_note(w, EVENT_REUSE, s->user, s->id);
	return ERROR_REFRESH_REUSED;
}

/* Which code a session that was refreshed began by can't be told any more; but its id is random, and who shows a code of it has it from us. */
enum error session_code_again(struct work *w, const struct session *s, uint64_t idem)
{
	if ((s->ctr == 1 || rotation_is_bound(s)) && !session_began_by(w, s, idem))
		return ERROR_CODE_INVALID;
	return s->ctr == 1 && session_within_grace(w, s) ? ERROR_NONE : end_reused(w, s);
}

/* The row is there. */
static enum error again(struct redemption *x)
{
	const struct redeemed *what = x->what;
	struct session *s = &x->out->session;
	struct rotation r = { .ring = x->w->ring, .row = *s };
	bool ours = s->user == what->user && slice_is(s->client, what->client) && store_user(s->user, &x->out->user);
	if (!ours || session_over(x->w, s, &x->out->user) || s->ctr < 1)
		return ERROR_CODE_INVALID;
	x->out->signer = rotation_key(&r);
	if (!x->out->signer)
		return ERROR_STORE_UNAVAILABLE;
	enum error e = session_code_again(x->w, s, what->idem);
	return e != ERROR_NONE || session_admits(what->group, &x->out->user) ? e : ERROR_NOT_IN_GROUP;
}

static enum error redeem(void *redemption)
{
	struct redemption *x = redemption;
	enum error gone = audit_client(x->w);
	if (gone != ERROR_NONE)
		return gone;
	*x->out = (struct grant){ 0 };
	x->found = store_session_lock(x->what->sid, &x->out->session) ? again(x) : begin(x);
	return ERROR_NONE;
}

enum error session_redeem(struct work *w, const struct redeemed *what, struct grant *out)
{
	struct redemption x = { .w = w, .what = what, .out = out };
	enum error e = session_judge(w, DURABLE_NOW, redeem, &x);
	if (e == ERROR_NONE && x.found == ERROR_STORE_UNAVAILABLE)
		return session_tell_damaged(what->sid);
	return e == ERROR_NONE ? x.found : e;
}
