/*
 * signin: see signin.h.
 */
#include "signin.h"

#include <string.h>

#include "audit.h"
#include "config.h"
#include "dpop.h"
#include "enrol.h"
#include "leaked.h"
#include "password.h"
#include "profile.h"
#include "signin_keys.h"
#include "store.h"
#include "throttle.h"
#include "ticket.h"

enum { SLOT_SECONDS = 5 };      /* how long a trial waits for a slot to hash in */

/* One trial of a password, and what comes of it. */
struct trial {
	struct work *w;
	struct slice account;           /* the name that is tried, for the throttle */
	struct user *user;
	struct slice hash;              /* to be kept in place of the user's own; empty: none */
	const struct origin *origin;    /* of the session that begins */
	struct session *session;
	struct caller *caller;          /* who changes his password */
	struct renewal *renewal;        /* of his session */
	bool by_age;                    /* he shows no password: his session is young enough (SIGNIN_RECENT) */
	const uint8_t *salt;            /* of the hash; NULL: a random one */
	struct ticket_link link;        /* by which a password is chosen */
	struct factor_shown factor;     /* what is shown beside the password */
	unsigned amr;                   /* what was shown first: AMR_PASSWORD, or what its ticket says */
	bool enrols;                    /* its ticket has a factor to set up */
	int64_t code;                   /* which code that was (totp.h); 0: none was wanted */
	bool code_wrong;                /* it is this that was wrong */
	struct audit made;              /* the event of a factor that was set up; {0}: none */
	enum error (*change)(void *);   /* what a confirmed password is for, and its argument */
	void *arg;
};

/* ---- throttle, slot, hash ---------------------------------------------- */

static const char *throttle_place(const struct trial *t)
{
	return config_throttle_dir(t->w->config);
}

static struct password_cost cost_of(const struct config *config)
{
	return password_cost_here(config->password.kib, config->password.passes);
}

static struct trial *new_trial(struct work *w, struct slice account, struct user *user)
{
	struct trial *t = arena(sizeof *t);
	t->w = w;
	t->account = account;
	t->user = user;
	t->amr = AMR_PASSWORD;
	return t;
}

/* The trial whose password isn't judged yet. */
static const struct trial *under_way;

void signin_failed(void)
{
	const struct trial *t = under_way;
	under_way = NULL;
	if (t)
		throttle_returned(throttle_place(t), t->w->peer, t->account);
}

/* The error; a trial that ended in 503 is given back. */
static enum error finish(enum error e)
{
	if (errors[e].status == 503)
		signin_failed();
	under_way = NULL;
	return e;
}

static bool may_be_chosen(const struct config *config, struct slice password, struct slice name)
{
	return password_acceptable(password, name) && !leaked_has(config->dir, password);
}

static enum error take_slot(const struct trial *t)
{
	return password_slot(throttle_place(t), password_jobs_here(t->w->config->password_jobs, t->w->config->password.kib), SLOT_SECONDS) ? ERROR_NONE : ERROR_BUSY;
}

static enum error note_refusal(void *arg)
{
	const struct trial *t = arg;
	struct user u = { .id = 0 };
	(void)store_user_named(t->account, &u);
	audit_note(t->w, EVENT_RATE_LIMITED, u.id, 0);
	return ERROR_NONE;
}

/* The trail has the first refusal of a wait alone: a guesser who goes on asking costs no writes. */
static enum error refuse_try(struct trial *t)
{
	if (!throttle_tell(throttle_place(t), t->w->peer, t->account))
		return ERROR_RATE_LIMITED;
	(void)session_clock(t->w);
	(void)audit_run(t->w, DURABLE_LATER, note_refusal, t);
	return ERROR_RATE_LIMITED;
}

/* Whether something may be tried now. A proof that its key didn't sign stays counted: to find that out took as long as fifteen refreshes. */
static enum error ask(struct trial *t)
{
	t->w->retry_after = throttle_ask(throttle_place(t), t->w->peer, t->account);
	if (t->w->retry_after)
		return refuse_try(t);
	if (t->w->proof && !dpop_signed(t->w->proof))
		return ERROR_INVALID_DPOP_PROOF;
	under_way = t;
	return ERROR_NONE;
}

/* Whether a password may be tried now, and a slot to hash it in. */
static enum error begin_trial(struct trial *t)
{
	enum error e = ask(t);
	return e == ERROR_NONE ? take_slot(t) : e;
}

enum error signin_ask(struct work *w, struct slice account)
{
	return ask(new_trial(w, account, NULL));
}

/* As refuse_code(): what is right and wants a code is no try, and forgives none. */
enum error signin_answered(struct work *w, const struct user *u, enum error e, enum signin_code code)
{
	const struct trial *t = under_way;
	bool right = e == ERROR_NONE, asks = e == ERROR_CODE_REQUIRED || e == ERROR_FACTOR_REQUIRED;
	if (t && code == SIGNIN_CODE_WRONG)
		throttle_failed(throttle_place(t), w->peer, t->account);
	else if (t && right && code == SIGNIN_CODE_RIGHT)
		throttle_succeeded(throttle_place(t), w->peer, t->account);
	else if (u && (right || asks))
		signin_failed();
	if (u && right)
		throttle_know(config_throttle_dir(w->config), w->peer, u->name);
	if (code != SIGNIN_CODE_NONE)
		under_way = NULL;
	return finish(e);
}

static enum error compare_password(struct trial *t, struct slice stored, struct slice password, enum password_verdict *verdict)
{
	store_close();
	*verdict = password_check(stored, password, cost_of(t->w->config));
	return session_clock(t->w);
}

static enum error hash_password(struct trial *t, struct slice password)
{
	store_close();
	struct password_cost cost = cost_of(t->w->config);
	t->hash = t->salt ? password_hash_salted(password, cost, t->salt) : password_hash(password, cost);
	return session_clock(t->w);
}

static enum error note_failure(void *arg)
{
	const struct trial *t = arg;
	t->w->note.class = t->code_wrong ? CLASS_FACTOR : CLASS_NONE;
	audit_note(t->w, EVENT_LOGIN_FAILED, t->user->id, 0);
	return ERROR_NONE;
}

static enum error refuse_password(struct trial *t)
{
	under_way = NULL;
	throttle_failed(throttle_place(t), t->w->peer, t->account);
	(void)audit_run(t->w, DURABLE_LATER, note_failure, t);
	return ERROR_INVALID_CREDENTIALS;
}

/* The error of a transaction that looked at a code. A password that is right and wants a code is no try, and forgives none. */
static enum error refuse_code(struct trial *t, enum error e)
{
	if (e == ERROR_CODE_REQUIRED || e == ERROR_FACTOR_REQUIRED || e == ERROR_CHALLENGE_INVALID)
		signin_failed();
	return e == ERROR_INVALID_CREDENTIALS && t->code_wrong ? refuse_password(t) : e;
}

static void end_trial(const struct trial *t)
{
	under_way = NULL;
	throttle_succeeded(throttle_place(t), t->w->peer, t->account);
}

/* ---- signing in -------------------------------------------------------- */

/* The user is still the one whose password was compared. */
static bool is_same_user(const struct user *u)
{
	struct user again;
	return store_user(u->id, &again) && !again.disabled && slice_is(again.password, u->password);
}

/* Whether a user who has no second factor may not sign in. */
static bool wants_factor(const struct work *w, const struct user *u, const struct factor_shown *shown)
{
	return shown->wanted || profile_is_in(profile_held(&u->profile)->groups, w->config->factor_groups);
}

enum error signin_take_code(const struct work *w, const struct user *u, const struct factor_shown *shown, bool spend, int64_t *code)
{
	enum error e = totp_take(w, u->id, shown->code, spend, code);
	return e == ERROR_NONE && *code == 0 && wants_factor(w, u, shown) ? ERROR_FACTOR_REQUIRED : e;
}

/* In a transaction, before anything is written. spend: the code counts from now on. */
static enum error look_at_code(struct trial *t, bool spend)
{
	enum error e = signin_take_code(t->w, t->user, &t->factor, spend, &t->code);
	if (t->enrols && t->code == 0 && (e == ERROR_NONE || e == ERROR_FACTOR_REQUIRED))
		e = enrol_accept(t->w, t->user, t->factor.ticket, t->factor.code, spend, &t->code);
	t->code_wrong = e == ERROR_INVALID_CREDENTIALS;
	t->made = t->w->note;
	return e;
}

/* Of a sign-in that also made a factor the trail has two events, and the log two lines. */
static void log_made(const struct trial *t)
{
	struct work made = *t->w;
	made.note = t->made;
	audit_log(&made);
}

static unsigned amr_of(const struct trial *t)
{
	return t->amr | (t->code ? AMR_OTP : 0);
}

/* What was shown once is known again by its key, though its code has counted. */
static enum error may_sign_in(struct trial *t)
{
	struct session again;
	if (!is_same_user(t->user))
		return ERROR_INVALID_CREDENTIALS;
	enum error e = look_at_code(t, true);
	if (e == ERROR_INVALID_CREDENTIALS && session_again(t->w, t->user->id, t->origin, &again))
		e = ERROR_NONE;
	t->code_wrong &= e != ERROR_NONE;
	return e;
}

static enum error sign_in(void *arg)
{
	struct trial *t = arg;
	enum error e = audit_client(t->w);
	if (e == ERROR_NONE)
		e = may_sign_in(t);
	if (e != ERROR_NONE)
		return e;
	if (t->hash.n)
		store_user_password(t->user->id, t->hash);
	struct origin origin = *t->origin;
	origin.amr = amr_of(t) == AMR_PASSWORD ? 0 : amr_of(t);
	session_start(t->w, t->user->id, &origin, EVENT_LOGIN, t->session);
	return ERROR_NONE;
}

/* A name that no user has is compared with another user's hash, always the same one: so the work tells nothing, whatever the
 * costs at which hashes were made. */
static enum error try_password(struct trial *t, struct slice password)
{
	enum password_verdict verdict;
	struct user near = { .id = 0 };
	bool known = store_user_near(t->account, &near) && slice_is_nocase(near.name, t->account);
	if (known)
		*t->user = near;
	enum error e = compare_password(t, near.password, password, &verdict);
	if (e != ERROR_NONE)
		return e;
	if (verdict == PASSWORD_WRONG || !known || t->user->disabled)
		return refuse_password(t);
	return verdict == PASSWORD_RIGHT_REHASH ? hash_password(t, password) : ERROR_NONE;
}

/* The password, or what he has in its place, was shown a moment ago, and the ticket shows that. */
static enum error try_ticket(struct trial *t)
{
	struct ticket_enrol ticket;
	enum error e = ticket_open_enrol(t->w, t->factor.ticket, &ticket);
	bool fits = e == ERROR_NONE && store_user(ticket.claims.sub, t->user) && slice_is_nocase(t->user->name, t->account) && !t->user->disabled;
	if (!fits || !enrol_fits(&ticket, t->user))
		return ERROR_CHALLENGE_INVALID;
	t->amr = (unsigned)ticket.claims.amr;
	t->enrols = ticket.claims.key.n > 0;
	return ERROR_NONE;
}

static enum error try_shown(struct trial *t, struct slice password)
{
	return t->factor.ticket.p ? try_ticket(t) : try_password(t, password);
}

enum error signin_by_password(struct work *w, struct slice name, struct slice password, const struct origin *origin,
	struct grant *out)
{
	struct trial *t = new_trial(w, name, &out->user);
	t->origin = origin;
	t->session = &out->session;
	t->factor = origin->factor;
	enum error e = begin_trial(t);
	if (e == ERROR_NONE)
		e = session_clock(w);
	if (e == ERROR_NONE)
		e = try_shown(t, password);
	if (e == ERROR_NONE)
		e = audit_run(w, DURABLE_NOW, sign_in, t);
	e = refuse_code(t, e);
	if (e != ERROR_NONE)
		return finish(e);
	end_trial(t);
	log_made(t);
	session_grant(w, out);
	return ERROR_NONE;
}

static enum error keep_hash(void *arg)
{
	struct trial *t = arg;
	enum error gone = audit_client(t->w);
	if (gone != ERROR_NONE)
		return gone;
	if (!is_same_user(t->user))
		return ERROR_INVALID_CREDENTIALS;
	enum error e = look_at_code(t, false);
	if (e == ERROR_NONE && t->hash.n)
		store_user_password(t->user->id, t->hash);
	return e;
}

enum error signin_prove(struct work *w, struct slice name, struct slice password, const struct factor_shown *factor, struct proven *out)
{
	struct trial *t = new_trial(w, name, &out->user);
	t->factor = *factor;
	enum error e = begin_trial(t);
	if (e == ERROR_NONE)
		e = session_clock(w);
	if (e == ERROR_NONE)
		e = try_shown(t, password);
	if (e == ERROR_NONE)
		e = audit_run(w, DURABLE_LATER, keep_hash, t);
	e = refuse_code(t, e);
	if (e != ERROR_NONE)
		return finish(e);
	out->user.password = t->hash.n ? t->hash : out->user.password;
	out->amr = amr_of(t);
	out->code = t->code;
	end_trial(t);
	return ERROR_NONE;
}

/* ---- registering ------------------------------------------------------- */

static enum error check_new_user(const struct config *config, struct slice name, struct slice password)
{
	if (!config->signup)
		return ERROR_SIGNUP_DISABLED;
	if (!session_username_ok(name))
		return ERROR_INVALID_REQUEST;
	return may_be_chosen(config, password, name) ? ERROR_NONE : ERROR_WEAK_PASSWORD;
}

static enum error add_user(void *arg)
{
	struct trial *t = arg;
	enum error gone = audit_client(t->w);
	if (gone != ERROR_NONE)
		return gone;
	*t->user = (struct user){ .id = random_id(), .name = t->account, .password = t->hash, .created_at = t->w->time };
	if (!store_user_add(t->user))
		return ERROR_USERNAME_TAKEN;
	session_start(t->w, t->user->id, t->origin, EVENT_USER_ADDED, t->session);
	return ERROR_NONE;
}

/* The name is taken; but perhaps by this very request, whose answer was lost. */
static enum error register_again(struct trial *t, struct slice name, struct slice password)
{
	enum password_verdict verdict;
	if (!store_user_named(name, t->user) || !session_again(t->w, t->user->id, t->origin, t->session))
		return ERROR_USERNAME_TAKEN;
	t->hash = SLICE_NONE;
	enum error e = compare_password(t, t->user->password, password, &verdict);
	if (e == ERROR_NONE && verdict == PASSWORD_WRONG)
		e = ERROR_USERNAME_TAKEN;
	return e == ERROR_NONE ? audit_run(t->w, DURABLE_NOW, sign_in, t) : e;
}

enum error signin_register(struct work *w, struct slice name, struct slice password, const struct origin *origin,
	struct grant *out)
{
	/* Without an address the throttle counts by account; but who registers may name as many as he likes. */
	struct trial *t = new_trial(w, w->peer.n ? name : S(""), &out->user);
	t->origin = origin;
	t->session = &out->session;
	enum error e = check_new_user(w->config, name, password);
	if (e == ERROR_NONE)
		e = begin_trial(t);
	if (e == ERROR_NONE)
		e = hash_password(t, password);
	if (e == ERROR_NONE)
		e = audit_run(w, DURABLE_NOW, add_user, t);
	if (e == ERROR_USERNAME_TAKEN)
		e = register_again(t, name, password);
	if (e == ERROR_NONE)
		session_grant(w, out);
	return finish(e);
}

/* ---- another password -------------------------------------------------- */

/* The caller's session stands, and he has shown what is wanted beside his password. */
static enum error may_act(struct trial *t)
{
	enum error e = signin_may_change(t->w, t->caller, !t->by_age);
	if (e == ERROR_NONE && !t->caller->confirmed)
		e = totp_take(t->w, t->user->id, t->factor.code, true, &t->code);
	t->code_wrong = e == ERROR_INVALID_CREDENTIALS;
	return e;
}

static enum error change_password(void *arg)
{
	struct trial *t = arg;
	uint64_t session = t->caller->claims.sid;
	enum error e = may_act(t);
	if (e != ERROR_NONE)
		return e;
	store_user_password(t->user->id, t->hash);
	session_end_all(t->w, t->user->id, session, ENDED_PASSWORD);
	session_renew(t->w, session, t->renewal);
	audit_note(t->w, EVENT_PASSWORD_CHANGED, t->user->id, session);
	return ERROR_NONE;
}

/* Of the user who is signed in. */
static enum error begin_own_trial(struct trial *t)
{
	store_close();
	return begin_trial(t);
}

static enum error try_current_password(struct trial *t, struct slice current)
{
	enum password_verdict verdict;
	enum error e = compare_password(t, t->user->password, current, &verdict);
	return e == ERROR_NONE && verdict == PASSWORD_WRONG ? refuse_password(t) : e;
}

/* The hash that is kept shows by its salt that a request with this key made it: then nothing else has to be remembered. */
static const uint8_t *salt_by_key(const struct key *key, const struct trial *t, struct slice idempotency)
{
	uint8_t *salt = arena(PASSWORD_SALT);
	for (int i = 0; i < 2; i++) {
		uint64_t half = jwt_branch(key, t->user->id, -1 - i, jwt_idempotency(idempotency));
		memcpy(salt + 8 * i, &half, 8);
	}
	return salt;
}

/* By whichever key signed then: session_again() says why. */
static bool has_salt_by_key(const struct trial *t, struct slice idempotency)
{
	const struct keyring *ring = t->w->ring;
	bool found = false;
	for (size_t i = 0; idempotency.p && !found && i < ring->count; i++)
		found = password_has_salt(t->user->password, salt_by_key(&ring->key[i], t, idempotency));
	return found;
}

/* Whether this is a change that was made, whose answer was lost. */
static enum error find_change(struct trial *t, struct slice next, bool *done)
{
	enum password_verdict verdict = PASSWORD_WRONG;
	enum error e = ERROR_NONE;
	if (has_salt_by_key(t, t->renewal->idempotency))
		e = compare_password(t, t->user->password, next, &verdict);
	*done = verdict != PASSWORD_WRONG;
	return e;
}

static enum error change_nothing(void *arg)
{
	const struct trial *t = arg;
	enum error e = session_check_live(t->w, t->caller);
	if (e == ERROR_NONE)
		session_renew(t->w, t->caller->claims.sid, t->renewal);
	return e;
}

static enum error end_trial_with(struct trial *t, enum error e, enum error (*change)(void *))
{
	if (e == ERROR_NONE)
		e = refuse_code(t, audit_run(t->w, DURABLE_NOW, change, t));
	if (e == ERROR_NONE)
		end_trial(t);
	return finish(e);
}

/* Who shows no password tries none: the throttle isn't asked. */
static enum error may_begin_change(struct trial *t, struct slice next)
{
	enum error e = t->by_age ? signin_may_change(t->w, t->caller, false) : ERROR_NONE;
	if (e != ERROR_NONE)
		return e;
	if (!may_be_chosen(t->w->config, next, t->user->name))
		return ERROR_WEAK_PASSWORD;
	if (!t->by_age)
		return begin_own_trial(t);
	store_close();
	return take_slot(t);
}

enum error signin_change_password(struct work *w, struct caller *caller, struct slice current, struct slice code, struct slice next,
	struct renewal *renewal)
{
	bool done = false;
	struct trial *t = new_trial(w, caller->user.name, &caller->user);
	t->caller = caller;
	t->factor.code = code;
	t->renewal = renewal;
	t->salt = renewal->idempotency.p ? salt_by_key(&w->ring->key[0], t, renewal->idempotency) : NULL;
	t->by_age = current.p == NULL;
	enum error e = may_begin_change(t, next);
	if (e == ERROR_NONE)
		e = find_change(t, next, &done);
	if (e == ERROR_NONE && !done && !t->by_age)
		e = try_current_password(t, current);
	if (e == ERROR_NONE && !done)
		e = hash_password(t, next);
	return end_trial_with(t, e, done ? change_nothing : change_password);
}

/* ---- a password by a link ---------------------------------------------- */

/* What a link says of the store. Asked again in the transaction that acts on it. */
static enum error find_invited(struct trial *t)
{
	if (!store_user(t->link.claims.sub, t->user) || t->user->disabled)
		return ERROR_LINK_INVALID;
	t->account = t->user->name;
	return ticket_link_fits(&t->link, t->user) ? ERROR_NONE : ERROR_LINK_USED;
}

/* The hash gets a salt that is this link's, so that the same request is known when it comes again. */
static enum error open_link(struct trial *t, struct slice ticket)
{
	enum error e = ticket_open_link(t->w, ticket, &t->link);
	if (e != ERROR_NONE)
		return e;
	t->user->id = t->link.claims.sub;
	t->salt = salt_by_key(t->link.key, t, ticket);
	e = session_clock(t->w);
	if (e == ERROR_NONE)
		e = ticket_check_times(t->w, t->link.claims.iat, t->link.claims.exp);
	return e == ERROR_NONE ? find_invited(t) : e;
}

static enum error set_by_link(void *arg)
{
	struct trial *t = arg;
	enum error e = audit_client(t->w);
	if (e == ERROR_NONE)
		e = find_invited(t);
	if (e != ERROR_NONE)
		return e;
	store_user_password(t->user->id, t->hash);
	session_end_all(t->w, t->user->id, 0, ENDED_PASSWORD);
	audit_note(t->w, EVENT_LINK_USED, t->user->id, 0);
	return ERROR_NONE;
}

/* The link is used; but perhaps by this very request, whose answer was lost or which a browser sent twice. The slot may be taken
 * already. */
static enum error redeem_again(struct trial *t, struct slice next)
{
	enum password_verdict verdict = PASSWORD_WRONG;
	if (!password_has_salt(t->user->password, t->salt))
		return ERROR_LINK_USED;
	password_slot_leave();
	enum error e = begin_own_trial(t);
	if (e == ERROR_NONE)
		e = compare_password(t, t->user->password, next, &verdict);
	if (e != ERROR_NONE || verdict != PASSWORD_WRONG)
		return e;
	(void)refuse_password(t);
	return ERROR_LINK_USED;
}

enum error signin_redeem_link(struct work *w, struct slice ticket, struct slice next, struct user *out)
{
	struct trial *t = new_trial(w, SLICE_NONE, out);
	*out = (struct user){ .id = 0 };
	enum error e = open_link(t, ticket);
	if (e == ERROR_NONE && !may_be_chosen(w->config, next, out->name))
		return ERROR_WEAK_PASSWORD;
	store_close();
	if (e == ERROR_NONE)
		e = take_slot(t);
	if (e == ERROR_NONE)
		e = hash_password(t, next);
	if (e == ERROR_NONE)
		e = audit_run(w, DURABLE_NOW, set_by_link, t);
	if (e == ERROR_LINK_USED)
		e = redeem_again(t, next);
	if (e == ERROR_NONE)
		end_trial(t);
	return finish(e);
}

/* ---- what the password is asked for once more --------------------------- */

static enum error run_confirmed(void *arg)
{
	struct trial *t = arg;
	enum error e = may_act(t);
	return e == ERROR_NONE ? t->change(t->arg) : e;
}

/* All that he has was asked for when he signed in. That it was a moment ago stands for the password that he hasn't. */
static enum error try_session(struct trial *t)
{
	enum error e = session_clock(t->w);
	t->amr = t->caller->session.amr;
	if (e == ERROR_NONE && !signin_is_recent(t->w, &t->caller->session))
		e = ERROR_REAUTH_REQUIRED;
	if (e == ERROR_REAUTH_REQUIRED)
		signin_failed();
	return e;
}

enum error signin_confirm(struct work *w, struct caller *caller, struct slice password, struct slice code, enum error (*change)(void *), void *arg)
{
	bool none = password_is_none(caller->user.password);
	struct trial *t = new_trial(w, caller->user.name, &caller->user);
	t->caller = caller;
	t->factor.code = code;
	t->change = change;
	t->arg = arg;
	if (caller->confirmed)
		return audit_run(w, DURABLE_NOW, run_confirmed, t);
	if (password.p == NULL && !none)
		return ERROR_INVALID_REQUEST;
	enum error e = begin_own_trial(t);
	if (e == ERROR_NONE)
		e = none ? try_session(t) : try_current_password(t, password);
	e = end_trial_with(t, e, run_confirmed);
	caller->confirmed = e == ERROR_NONE ? t->amr : 0;
	return e;
}

/* ---- leaving ----------------------------------------------------------- */

/* Who leaves. */
struct leaver {
	struct work *w;
	const struct caller *caller;
};

static enum error delete_user(void *arg)
{
	const struct leaver *l = arg;
	store_user_delete(l->caller->user.id);
	audit_note(l->w, EVENT_USER_DELETED, l->caller->user.id, l->caller->claims.sid);
	return ERROR_NONE;
}

enum error signin_delete_user(struct work *w, struct caller *caller, struct slice password, struct slice code)
{
	return signin_confirm(w, caller, password, code, delete_user, &(struct leaver){ w, caller });
}
