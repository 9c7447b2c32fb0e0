/*
 * signin_show: see signin_show.h.
 *
 * Order of the checks: what needs no store was looked at before; then the user and what he signs by; the signature, while others have the store; and in the
 * transaction once more what can have changed meanwhile.
 */
#include "signin_show.h"

#include "audit.h"
#include "signin.h"
#include "store.h"

uint64_t signin_hash(const struct slice *shown, size_t count)
{
	struct buf b = { 0 };
	for (size_t i = 0; i < count; i++) {
		buf_int(&b, (int64_t)shown[i].n);
		buf_c(&b, ' ');
		buf_add(&b, shown[i]);
	}
	return jwt_idempotency(buf_slice(&b));
}

bool signin_is_same(struct showing *s)
{
	const struct session *there = &s->out->session;
	return there->ctr == 1 && there->client.n == 0 && session_began_by(s->w, there, s->origin.idem);
}

bool signin_is_first(const struct showing *s)
{
	const struct session *there = &s->out->session;
	return there->ctr == 0 && there->client.n == 0 && (int64_t)there->idem == there->created_at;
}

/* The session of this challenge is there. */
static enum error find_again(struct showing *s)
{
	struct session *there = &s->out->session;
	struct rotation r = { .ring = s->w->ring, .row = *there };
	if (s->proven || !s->way->is_same(s) || !store_user(there->user, &s->out->user) || session_over(s->w, there, &s->out->user))
		return ERROR_CHALLENGE_INVALID;
	s->again = true;
	s->out->signer = rotation_key(&r);
	return s->out->signer ? ERROR_NONE : ERROR_STORE_UNAVAILABLE;
}

static enum error find(struct showing *s)
{
	s->again = s->anew = false;
	return store_session(s->origin.sid, &s->out->session) ? find_again(s) : s->way->find(s);
}

/* A code is spent where the session begins: of who proves himself alone that is later. */
static enum error take_code(struct showing *s)
{
	if (!s->way->single)
		return ERROR_NONE;
	enum error e = signin_take_code(s->w, &s->out->user, &s->origin.factor, !s->proven, &s->code);
	s->code_wrong = e == ERROR_INVALID_CREDENTIALS;
	s->origin.amr |= s->code ? AMR_OTP : 0;
	return e;
}

static void start(struct showing *s)
{
	uint64_t user = s->out->user.id;
	if (!s->proven && s->wants == ERROR_NONE)
		session_start(s->w, user, &s->origin, s->anew ? EVENT_USER_ADDED : EVENT_LOGIN, &s->out->session);
	else if (s->anew)
		audit_note(s->w, EVENT_USER_ADDED, user, 0);
}

/* Who is made by it, and has to set up a second factor first, is there from now on: what he sets up is for him. */
static enum error sign_in(void *arg)
{
	struct showing *s = arg;
	enum error e = audit_client(s->w);
	s->wants = ERROR_NONE;
	if (e == ERROR_NONE)
		e = find(s);
	if (e != ERROR_NONE || s->again)
		return e;
	e = s->way->settle(s);
	if (e == ERROR_NONE)
		e = take_code(s);
	if (e == ERROR_FACTOR_REQUIRED && s->anew)
		s->wants = e;
	if (e == s->wants)
		start(s);
	return e == s->wants ? ERROR_NONE : e;
}

static enum error note_failure(void *arg)
{
	const struct showing *s = arg;
	s->w->note.class = s->code_wrong ? CLASS_FACTOR : CLASS_NONE;
	audit_note(s->w, EVENT_LOGIN_FAILED, s->out->user.id, 0);
	return ERROR_NONE;
}

static enum error verify(struct showing *s)
{
	store_close();
	bool good = s->way->has_signed(s);
	enum error e = session_clock(s->w);
	return e == ERROR_NONE && !good ? ERROR_INVALID_CREDENTIALS : e;
}

static enum error judge(struct showing *s)
{
	enum error e = session_clock(s->w);
	if (e == ERROR_NONE)
		e = find(s);
	if (e == ERROR_NONE && !(s->again && s->origin.idem == s->out->session.idem))
		e = verify(s);
	if (e == ERROR_NONE && !s->again)
		e = audit_run(s->w, DURABLE_NOW, sign_in, s);
	if (e == ERROR_NONE)
		e = s->wants;
	if (e == ERROR_INVALID_CREDENTIALS)
		(void)audit_run(s->w, DURABLE_LATER, note_failure, s);
	return e;
}

enum error signin_show(struct showing *s, struct slice account)
{
	*s->out = (struct grant){ .user = { .id = 0 } };
	s->origin.idempotency = SLICE_NONE;
	enum error e = signin_ask(s->w, account);
	if (e != ERROR_NONE)
		return e;
	e = judge(s);
	e = signin_answered(s->w, s->anew ? NULL : &s->out->user, e, s->code_wrong ? SIGNIN_CODE_WRONG : s->code ? SIGNIN_CODE_RIGHT : SIGNIN_CODE_NONE);
	if (s->proven)
		*s->proven = (struct proven){ .user = s->out->user, .amr = s->origin.amr, .code = s->code, .sid = s->origin.sid };
	else if (e == ERROR_NONE)
		session_grant(s->w, s->out);
	return e;
}
