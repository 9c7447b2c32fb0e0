/*
 * factor: see factor.h.
 */
#include "factor.h"

#include "signin.h"
#include "store.h"

static enum error nothing(void *arg)
{
	(void)arg;
	return ERROR_NONE;
}

enum error factor_begin(struct work *w, struct caller *caller, struct slice password, struct enrolment *out)
{
	if (store_user_factor(caller->user.id).n)
		return ERROR_CREDENTIAL_KNOWN;
	enum error e = signin_confirm(w, caller, password, SLICE_NONE, nothing, NULL);
	if (e == ERROR_NONE)
		enrol_make(w, &caller->user, caller->confirmed, out);
	return e;
}

/* What is asked for, and by whom. */
struct asked {
	struct work *w;
	struct caller *caller;
	struct slice ticket, code;
};

static enum error confirm(void *arg)
{
	const struct asked *a = arg;
	int64_t proof;
	enum error e = audit_client(a->w);
	if (e == ERROR_NONE)
		e = session_check_live(a->w, a->caller);
	return e == ERROR_NONE ? enrol_accept(a->w, &a->caller->user, a->ticket, a->code, true, &proof) : e;
}

enum error factor_confirm(struct work *w, struct caller *caller, struct slice ticket, struct slice code)
{
	return audit_run(w, DURABLE_NOW, confirm, &(struct asked){ w, caller, ticket, code });
}

static enum error take_away(void *arg)
{
	const struct asked *a = arg;
	uint64_t user = a->caller->user.id;
	if (store_user_factor(user).n == 0)
		return ERROR_NONE;
	store_user_factor_set(user, SLICE_NONE);
	audit_note(a->w, EVENT_TOTP_OFF, user, a->caller->claims.sid);
	return ERROR_NONE;
}

enum error factor_off(struct work *w, struct caller *caller, struct slice password, struct slice code)
{
	return signin_confirm(w, caller, password, code, take_away, &(struct asked){ .w = w, .caller = caller });
}
