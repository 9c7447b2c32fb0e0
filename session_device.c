/*
 * session_device: see session_device.h.
 */
#include "session_device.h"

#include "dpop.h"
#include "session_client.h"

/* ---- the person -------------------------------------------------------- */

struct answer {
	struct work *w;
	const struct approval *a;
};

/* The form that was sent twice has the same answer. */
static bool is_again(const struct approval *a, const struct session *s)
{
	return s->user == a->caller->user.id && slice_is(s->client, a->client) && (s->ended_at == 0) == a->allow;
}

static void refuse(struct work *w, const struct approval *a)
{
	struct session s = { .id = a->sid, .user = a->caller->user.id, .ctr = 1, .client = a->client, .rotated_at = w->time, .created_at = w->time,
		.ended_at = w->time, .why = ENDED_REVOKED, .ip = w->peer };
	s.br = jwt_branch(&w->ring->key[0], s.id, s.ctr, s.idem);
	store_session_add(&s);
	audit_note(w, EVENT_REVOKE, s.user, s.id);
}

static enum error answer(void *arg)
{
	const struct answer *x = arg;
	const struct approval *a = x->a;
	struct session s;
	enum error e = audit_client(x->w);
	if (e == ERROR_NONE)
		e = session_check_live(x->w, a->caller);
	if (e != ERROR_NONE)
		return e;
	if (store_session(a->sid, &s))
		return is_again(a, &s) ? ERROR_NONE : ERROR_CODE_INVALID;
	if (a->allow)
		session_start(x->w, a->caller->user.id, &(struct origin){ .sid = a->sid, .client = a->client, .scope = a->scope, .amr = a->caller->session.amr ? a->caller->session.amr : AMR_PASSWORD, .sso = true,
			.expires_at = a->expires_at }, EVENT_LOGIN, &s);
	else
		refuse(x->w, a);
	return ERROR_NONE;
}

enum error session_approve(struct work *w, const struct approval *a)
{
	struct answer x = { w, a };
	return audit_run(w, DURABLE_NOW, answer, &x);
}

/* ---- the device -------------------------------------------------------- */

struct poll {
	struct work *w;
	const struct polling *p;
	struct rotation r;              /* the row beside what is shown */
	const struct key *key;          /* that made it */
	enum error e;
};

/* From now on the session is used by the device, from where it asks, and bound to the key that it shows. */
static enum error claim(struct poll *x)
{
	struct session *s = &x->r.row;
	s->idem = x->p->idem;
	s->rotated_at = x->w->time;
	x->key = &x->w->ring->key[0];
	if (x->w->proof)
		rotation_bind(s, x->key, x->w->proof->thumbprint);
	s->br = jwt_branch(x->key, s->id, s->ctr, s->idem);
	store_must_last();
	session_write_use(x->w, s);
	audit_note(x->w, EVENT_REFRESH, s->user, s->id);
	return ERROR_NONE;
}

static enum error look(struct poll *x)
{
	struct session *s = &x->r.row;
	if (!store_session_lock(x->p->sid, s))
		return ERROR_DEVICE_PENDING;
	if (!slice_is(s->client, x->p->client) || !store_user(s->user, &x->r.user))
		return ERROR_CODE_INVALID;
	if (session_over(x->w, s, &x->r.user))
		return ERROR_DEVICE_DENIED;
	x->key = rotation_key(&x->r);
	if (x->key == NULL)
		return session_tell_damaged(s->id);
	bool first = s->ctr == 1 && s->idem == 0;
	enum error e = first ? ERROR_NONE : session_code_again(x->w, s, x->p->idem);
	if (e != ERROR_NONE)
		return e;
	if (!session_admits(x->p->group, &x->r.user))
		return ERROR_NOT_IN_GROUP;
	return first ? claim(x) : ERROR_NONE;
}

static enum error poll(void *arg)
{
	struct poll *x = arg;
	enum error gone = audit_client(x->w);
	x->e = ERROR_NONE;
	if (gone == ERROR_NONE)
		x->e = look(x);
	return gone;
}

enum error session_poll(struct work *w, const struct polling *p, struct grant *out)
{
	struct poll x = { .w = w, .p = p, .r = { .ring = w->ring } };
	enum error e = session_judge(w, DURABLE_LATER, poll, &x);
	if (e != ERROR_NONE || x.e != ERROR_NONE)
		return e != ERROR_NONE ? e : x.e;
	out->user = x.r.user;
	out->session = x.r.row;
	out->signer = x.key;
	return ERROR_NONE;
}
