/*
 * signin_wallet: see signin_wallet.h.
 */
#include "signin_wallet.h"

#include "audit.h"
#include "config.h"
#include "keys.h"
#include "password.h"
#include "signin_keys.h"
#include "signin_show.h"
#include "store.h"

/* One sign-in, or one link, and what comes of it. */
struct attempt {
	struct work *w;
	const struct wallet_shown *shown;
	struct slice name;              /* to sign in as; empty: the wallet's own user */
	/* to link */
	struct caller *caller;
	struct slice label;
	uint64_t number;
};

static struct slice key_of(const struct attempt *a)
{
	return (struct slice){ (const char *)a->shown->wallet.key, WALLET_KEY };
}

static const char *kind_of(const struct attempt *a)
{
	return slice_text(a->shown->wallet.chain);
}

/* What it is called where its user gave it no name: the ends of its address. */
static struct slice label_of(const struct attempt *a)
{
	struct slice address = a->shown->wallet.address;
	struct buf b = { 0 };
	buf_add(&b, (struct slice){ address.p, 4 });
	buf_s(&b, "…");
	buf_add(&b, slice_from(address, address.n - 4));
	return a->label.n ? a->label : buf_slice(&b);
}

/* The list of keys with this wallet at its end. */
static enum error add_to(const struct attempt *a, struct slice keys, struct slice *out)
{
	return keys_add(keys, &(struct user_key){ .kind = a->shown->wallet.chain, .id = key_of(a), .created_at = a->w->time, .label = label_of(a) }, out);
}

/* ---- signing in -------------------------------------------------------- */

/* A name with a colon: nobody can register it. */
static struct slice own_name(const struct attempt *a)
{
	return slice_of(text_join(kind_of(a), ":", slice_text(a->shown->wallet.address), NULL));
}

static enum error find_user(struct showing *s)
{
	const struct attempt *a = s->own;
	struct user *u = &s->out->user;
	struct user_key k;
	if (!store_user_named(a->name.n ? a->name : own_name(a), u)) {
		s->anew = a->name.n == 0 && a->w->config->signup;
		return s->anew ? ERROR_NONE : ERROR_INVALID_CREDENTIALS;
	}
	bool his = !u->disabled && keys_find(store_user_keys(u->id), kind_of(a), key_of(a), &k);
	return his ? ERROR_NONE : ERROR_INVALID_CREDENTIALS;
}

/* No password gives the hash that is stored for him, and to compare one takes as long as with any other. */
static enum error add_user(struct showing *s)
{
	struct slice keys;
	const struct attempt *a = s->own;
	const struct config *config = a->w->config;
	if (!s->anew)
		return ERROR_NONE;
	s->out->user = (struct user){ .id = random_id(), .name = own_name(a), .created_at = a->w->time,
		.password = password_none(password_cost_here(config->password.kib, config->password.passes)) };
	enum error e = add_to(a, SLICE_NONE, &keys);
	if (e == ERROR_NONE && !store_user_add(&s->out->user))
		e = ERROR_INVALID_CREDENTIALS;
	if (e == ERROR_NONE)
		store_user_keys_set(s->out->user.id, keys);
	return e;
}

static bool has_signed(struct showing *s)
{
	const struct attempt *a = s->own;
	return wallet_signed(&a->shown->wallet, a->shown->text, a->shown->signature);
}

static bool is_same(struct showing *s)
{
	if (!s->origin.site)
		return signin_is_same(s);
	return signin_is_first(s) && find_user(s) == ERROR_NONE && s->out->user.id == s->out->session.user;
}

static const struct way_in wallets = { true, is_same, find_user, has_signed, add_user };

enum error signin_by_wallet(struct work *w, const struct wallet_shown *shown, struct slice name, const struct origin *origin, struct grant *out,
	struct proven *proven)
{
	const struct slice all[] = { name, shown->text, shown->signature, origin->factor.code };
	struct attempt a = { .w = w, .shown = shown, .name = name };
	struct showing s = { .w = w, .way = &wallets, .own = &a, .origin = *origin, .proven = proven, .out = out };
	if (!wallet_open(w, &shown->wallet, shown->text, &s.origin.sid))
		return ERROR_CHALLENGE_INVALID;
	s.origin.idem = signin_hash(all, sizeof all / sizeof *all);
	s.origin.amr = AMR_WALLET;
	/* Without an address the throttle counts by account; but who signs up may have as many wallets as he likes. */
	return signin_show(&s, w->peer.n ? shown->wallet.address : S(""));
}

/* ---- linking ----------------------------------------------------------- */

static enum error add(void *arg)
{
	struct attempt *a = arg;
	struct user_key k = { .id = key_of(a) };
	struct slice keys;
	enum error e = signin_may_change(a->w, a->caller, false);
	if (e != ERROR_NONE)
		return e;
	a->number = keys_number(&k);
	keys = store_user_keys(a->caller->user.id);
	if (keys_find(keys, kind_of(a), k.id, &k))
		return ERROR_NONE;
	e = add_to(a, keys, &keys);
	if (e == ERROR_NONE)
		signin_keep_keys(a->w, a->caller, keys, EVENT_PASSKEY_ADDED);
	return e;
}

enum error signin_add_wallet(struct work *w, struct caller *caller, const struct wallet_shown *shown, struct slice label, uint64_t *number)
{
	struct attempt a = { .w = w, .shown = shown, .caller = caller, .label = label };
	uint64_t sid;
	if (!wallet_open(w, &shown->wallet, shown->text, &sid))
		return ERROR_CHALLENGE_INVALID;
	store_close();                  /* others have it meanwhile */
	if (!wallet_signed(&shown->wallet, shown->text, shown->signature))
		return ERROR_INVALID_CREDENTIALS;
	enum error e = session_clock(w);
	if (e == ERROR_NONE)
		e = audit_run(w, DURABLE_NOW, add, &a);
	*number = a.number;
	return e;
}
