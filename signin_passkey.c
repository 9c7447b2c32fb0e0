/*
 * signin_passkey: see signin_passkey.h.
 */
#include "signin_passkey.h"

#include "audit.h"
#include "config.h"
#include "derive.h"
#include "signin.h"
#include "signin_keys.h"
#include "signin_show.h"
#include "store.h"
#include "ticket.h"

/* One assertion or registration, and what comes of it. */
struct attempt {
	struct work *w;
	struct shown *shown;
	struct passkey_claims ticket;
	struct passkey_data data;
	struct slice keys;              /* of the user, as they are to be written */
	/* to sign in */
	uint64_t user;
	struct user_key key;            /* the credential that is shown */
	/* to change what a user has */
	struct caller *caller;
	bool confirmed;                 /* by the password */
	struct slice label;
	uint64_t number;
};

struct slice signin_user_handle(uint64_t user)
{
	char *bytes = arena(8);
	derive_put64(bytes, user);
	return (struct slice){ bytes, 8 };
}

static enum error wrong(struct attempt *a, enum error e, const char *about)
{
	if (e == ERROR_INVALID_REQUEST)
		a->shown->about = about;
	return e;
}

/* What can be said without the store. sub: as of ticket_make_passkey(). */
static enum error read_shown(struct attempt *a, enum passkey_use use, uint64_t sub)
{
	struct slice challenge;
	const struct config *config = a->w->config;
	enum error e = wrong(a, passkey_read_client(config, use, a->shown->client_data, &challenge), "client_data");
	if (e == ERROR_NONE)
		e = ticket_open_passkey(a->w, challenge, &a->ticket);
	if (e == ERROR_NONE && a->ticket.sub != sub)
		e = ERROR_CHALLENGE_INVALID;
	return e == ERROR_NONE ? wrong(a, passkey_read_data(config, use, a->shown->data, &a->data), "authenticator_data") : e;
}

static enum error check_times(const struct attempt *a)
{
	return ticket_check_times(a->w, a->ticket.iat, a->ticket.exp) == ERROR_NONE ? ERROR_NONE : ERROR_CHALLENGE_INVALID;
}

/* ---- signing in -------------------------------------------------------- */

static uint64_t hash_of(const struct shown *s)
{
	const struct slice all[] = { s->id, s->data, s->client_data, s->signature };
	return signin_hash(all, sizeof all / sizeof *all);
}

static bool find_key(struct attempt *a)
{
	return keys_find(store_user_keys(a->user), PASSKEY_KIND, a->shown->id, &a->key);
}

/* A bound session has no place for the hash either (signin_is_first()). */
static bool is_same(struct showing *s)
{
	struct attempt *a = s->own;
	const struct session *there = &s->out->session;
	if (check_times(a) != ERROR_NONE || there->user != a->user)
		return false;
	if (!s->origin.site)
		return signin_is_same(s) && (there->idem == s->origin.idem || find_key(a));
	return signin_is_first(s) && find_key(a) && a->key.counter == a->data.counter;
}

static enum error find_credential(struct showing *s)
{
	struct attempt *a = s->own;
	enum error e = check_times(a);
	if (e != ERROR_NONE)
		return e;
	if (!store_user(a->user, &s->out->user) || s->out->user.disabled)
		return ERROR_INVALID_CREDENTIALS;
	a->keys = store_user_keys(a->user);
	bool found = keys_find(a->keys, PASSKEY_KIND, a->shown->id, &a->key);
	return found && passkey_fits(&a->key, &a->data) ? ERROR_NONE : ERROR_INVALID_CREDENTIALS;
}

/* A passkey that neither counts nor was backed up since costs no write but the session's. */
static enum error keep_counter(struct showing *s)
{
	struct attempt *a = s->own;
	int64_t flags = a->data.flags & PASSKEY_KEPT;
	if (a->key.counter == a->data.counter && a->key.flags == flags)
		return ERROR_NONE;
	a->key.counter = a->data.counter;
	a->key.flags = flags;
	keys_replace(a->keys, &a->key, &a->keys);
	store_user_keys_set(a->user, a->keys);
	return ERROR_NONE;
}

static bool has_signed(struct showing *s)
{
	struct attempt *a = s->own;
	return passkey_signed(&a->key, a->shown->data, a->shown->client_data, a->shown->signature);
}

static const struct way_in passkeys = { false, is_same, find_credential, has_signed, keep_counter };

enum error signin_by_passkey(struct work *w, struct shown *shown, const struct origin *origin, struct grant *out, struct proven *proven)
{
	struct attempt a = { .w = w, .shown = shown };
	struct showing s = { .w = w, .way = &passkeys, .own = &a, .origin = *origin, .proven = proven, .out = out };
	enum error e = read_shown(&a, PASSKEY_SIGN_IN, 0);
	if (e == ERROR_NONE && shown->user_handle.n != 8)
		e = ERROR_INVALID_CREDENTIALS;
	if (e != ERROR_NONE)
		return e;
	a.user = derive_get64((const uint8_t *)shown->user_handle.p);
	s.origin.sid = a.ticket.sid;
	s.origin.idem = hash_of(shown);
	s.origin.amr = AMR_PASSKEY;
	return signin_show(&s, slice_of(id_text(a.user)));
}

/* ---- what a user has ---------------------------------------------------- */

/* It was added since the challenge was made, by this very request: its answer was lost. */
static bool is_added(const struct attempt *a, struct slice keys)
{
	struct user_key old;
	return keys_find(keys, PASSKEY_KIND, a->data.id, &old) && slice_is(old.key, a->data.key) && old.created_at >= a->ticket.iat;
}

static enum error add(void *arg)
{
	struct attempt *a = arg;
	struct user_key k = { .kind = S(PASSKEY_KIND), .id = a->data.id, .key = a->data.key, .counter = a->data.counter,
		.flags = a->data.flags & PASSKEY_KEPT, .created_at = a->w->time, .label = a->label };
	enum error e = signin_may_change(a->w, a->caller, a->confirmed);
	a->number = keys_number(&k);
	struct slice keys = e == ERROR_NONE ? store_user_keys(a->caller->user.id) : SLICE_NONE;
	if (e != ERROR_NONE || is_added(a, keys))
		return e;
	e = keys_add(keys, &k, &keys);
	if (e == ERROR_NONE)
		signin_keep_keys(a->w, a->caller, keys, EVENT_PASSKEY_ADDED);
	return e;
}

enum error signin_add_passkey(struct work *w, struct caller *caller, const struct owner *owner, struct shown *shown, struct slice label,
	uint64_t *number)
{
	struct attempt a = { .w = w, .shown = shown, .caller = caller, .label = label, .confirmed = owner->password.p };
	enum error e = read_shown(&a, PASSKEY_REGISTER, caller->user.id);
	if (e == ERROR_NONE)
		e = check_times(&a);
	if (e == ERROR_NONE)
		e = a.confirmed ? signin_confirm(w, caller, owner->password, owner->code, add, &a) : audit_run(w, DURABLE_NOW, add, &a);
	*number = a.number;
	return e;
}
