/*
 * signin_keys: see signin_keys.h.
 */
#include "signin_keys.h"

#include "audit.h"
#include "keys.h"
#include "store.h"

bool signin_is_recent(const struct work *w, const struct session *s)
{
	return w->time - s->created_at <= SIGNIN_RECENT;
}

enum error signin_may_change(struct work *w, struct caller *caller, bool confirmed)
{
	enum error e = audit_client(w);
	if (e == ERROR_NONE)
		e = session_check_live(w, caller);
	if (e == ERROR_NONE && !confirmed && !signin_is_recent(w, &caller->session))
		e = ERROR_REAUTH_REQUIRED;
	return e;
}

void signin_keep_keys(struct work *w, const struct caller *caller, struct slice keys, enum event event)
{
	store_user_keys_set(caller->user.id, keys);
	audit_note(w, event, caller->user.id, caller->session.id);
}

/* ---- removing ---------------------------------------------------------- */

struct removal {
	struct work *w;
	struct caller *caller;
	uint64_t number;
};

static enum error remove_key(void *arg)
{
	struct removal *r = arg;
	struct slice keys;
	enum error e = signin_may_change(r->w, r->caller, false);
	if (e != ERROR_NONE)
		return e;
	if (!keys_remove(store_user_keys(r->caller->user.id), r->number, &keys))
		return ERROR_NOT_FOUND;
	signin_keep_keys(r->w, r->caller, keys, EVENT_PASSKEY_REMOVED);
	return ERROR_NONE;
}

enum error signin_remove_key(struct work *w, struct caller *caller, uint64_t number)
{
	struct removal r = { .w = w, .caller = caller, .number = number };
	return audit_run(w, DURABLE_NOW, remove_key, &r);
}
