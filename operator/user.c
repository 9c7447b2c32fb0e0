/*
 * user: `latchkey user …`, but for `import` (import.c), `invite` and `link` (link.c).
 */
#include "operator/verbs.h"

#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "json.h"
#include "leaked.h"
#include "operator/ask.h"
#include "operator/beside.h"
#include "password.h"
#include "profile.h"
#include "session.h"
#include "throttle.h"

const char user_name_rule[] = "a user name " SESSION_USERNAME_RULE;

void verb_hash(struct verb_call *c, struct slice password)
{
	if (!password_slot(config_throttle_dir(&c->conf), password_jobs_here(c->conf.password_jobs, c->conf.password.kib), VERB_WAIT))
		fail(ERROR_BUSY, "VB4", "too many password hashes at once; see password_jobs", NULL);
	c->input = password_hash(password, password_cost_here(c->conf.password.kib, c->conf.password.passes));
	password_slot_leave();
	wipe((void *)(uintptr_t)password.p, password.n);
}

/* --hash: what another program stored takes the place of the password. */
static int ask_hash(struct verb_call *c)
{
	if (!ask_word("Hash: ", LIMIT_PASSWORD_MAX, &c->input))
		return verb_no(c, "no hash on standard input");
	const char *wrong = user_hash_problem(c->input);
	return wrong ? verb_no(c, wrong) : VERB_DONE;
}

static void warn_of_hash(const struct verb_call *c, struct slice password)
{
	const char *kind = password_kind(password);
	if (kind)
		log_line(c->verb, "this was taken as the password itself, and looks like a hash (", kind, "): see --hash", NULL);
}

/* A person types the password twice; from a pipe it is read once. */
static int ask_password(struct verb_call *c)
{
	struct slice password, again;
	if (c->given[OPT_HASH])
		return ask_hash(c);
	if (!ask_line("Password: ", LIMIT_PASSWORD_MAX, &password) || !password_acceptable(password, c->operand[0])
		|| leaked_has(c->dir, password))
		return verb_no(c, errors[ERROR_WEAK_PASSWORD].message);
	if (ask_is_terminal() && (!ask_line("Again: ", LIMIT_PASSWORD_MAX, &again) || !slice_is(password, again)))
		return verb_no(c, "the two are not the same");
	warn_of_hash(c, password);
	verb_hash(c, password);
	return VERB_DONE;
}

static bool is_taken(const struct verb_call *c)
{
	struct user u;
	store_open(c->dir, VERB_WAIT);
	bool found = verb_user(c->operand[0], &u);
	store_close();
	return found;
}

int verb_new_user(struct verb_call *c)
{
	const char *wrong = profile_wrong(&(struct profile){ .groups = c->value[OPT_GROUPS] });
	if (wrong)
		return verb_no(c, wrong);
	if (!session_username_ok(c->operand[0]))
		return verb_no(c, user_name_rule);
	return is_taken(c) ? verb_no(c, errors[ERROR_USERNAME_TAKEN].message) : VERB_DONE;
}

int ask_first_password(struct verb_call *c)
{
	int code = verb_new_user(c);
	return code == VERB_DONE ? ask_password(c) : code;
}

int ask_next_password(struct verb_call *c)
{
	struct user u;
	return verb_look_up_user(c, &u) ? ask_password(c) : VERB_REFUSED;
}

int verb_user_add(struct verb_call *c)
{
	struct user u = { .id = random_id(), .name = c->operand[0], .password = c->input, .created_at = c->work.time,
		.profile = { .groups = c->value[OPT_GROUPS] } };
	if (!store_user_add(&u))
		return verb_no(c, errors[ERROR_USERNAME_TAKEN].message);
	audit_note(&c->work, EVENT_USER_ADDED, u.id, 0);
	return verb_done(c, "added user ", u.name);
}

int verb_user_passwd(struct verb_call *c)
{
	struct user u;
	if (!verb_find_user(c, c->operand[0], &u))
		return VERB_REFUSED;
	store_user_password(u.id, c->input);
	int64_t ended = session_end_all(&c->work, u.id, 0, ENDED_PASSWORD);
	audit_note(&c->work, EVENT_PASSWORD_CHANGED, u.id, 0);
	return verb_done_count(c, ended, " sessions ended");
}

/* Strangers who guess at the new name keep its user out nowhere where his sessions are used from. */
static void keep_known(const struct verb_call *c, const struct user *u, struct slice name)
{
	struct session page[LIMIT_LIST];
	size_t n = store_sessions_used(u->id, INT64_MAX, 0, page);
	for (size_t i = 0; i < n; i++)
		if (page[i].ip.n)
			throttle_know(config_throttle_dir(&c->conf), page[i].ip, name);
}

int verb_user_rename(struct verb_call *c)
{
	struct user u;
	if (!verb_find_user(c, c->operand[0], &u))
		return VERB_REFUSED;
	if (!session_username_ok(c->operand[1]))
		return verb_no(c, user_name_rule);
	if (!store_user_rename(u.id, c->operand[1]))
		return verb_no(c, errors[ERROR_USERNAME_TAKEN].message);
	keep_known(c, &u, c->operand[1]);
	audit_note(&c->work, EVENT_USER_RENAMED, u.id, 0);
	return verb_done(c, "the user is now ", c->operand[1]);
}

bool user_subscription_ok(struct slice text)
{
	struct json j;
	return text.n <= LIMIT_SUBSCRIPTION && json_read(text, &j) == JSON_VALID && json_is_object(&j);
}

/* s without JSON's white space at either end. */
static struct slice trim_json(struct slice s)
{
	while (s.n && strchr(" \t\r\n", s.p[s.n - 1]))
		s.n--;
	while (s.n && strchr(" \t\r\n", s.p[0]))
		s = slice_from(s, 1);
	return s;
}

static int ask_subscription(struct verb_call *c)
{
	c->input = c->operand[2];
	if (slice_is(c->input, S("-")) && !ask_all(LIMIT_SUBSCRIPTION, &c->input))
		return verb_no(c, "the subscription is longer than 2048 bytes");
	c->input = trim_json(c->input);
	if (slice_is(c->input, S("null"))) {
		c->input = SLICE_NONE;
		return VERB_DONE;
	}
	if (!user_subscription_ok(c->input))
		return verb_no(c, "the subscription must be null or a JSON object of at most 2048 bytes");
	return VERB_DONE;
}

int ask_setting(struct verb_call *c)
{
	if (slice_is(c->operand[1], S("subscription")))
		return ask_subscription(c);
	if (profile_member(c->operand[1]))
		return VERB_DONE;
	return verb_refuse(c, "groups, email, name and subscription can be set, not ", c->operand[1]);
}

static int set_in_profile(struct verb_call *c, struct user *u, const struct profile_member *m)
{
	*profile_place(&u->profile, m) = c->operand[2];
	const char *wrong = profile_wrong(&u->profile);
	if (wrong)
		return verb_no(c, wrong);
	store_user_profile(u->id, &u->profile);
	audit_note(&c->work, EVENT_USER_CHANGED, u->id, 0);
	return VERB_DONE;
}

int verb_user_set(struct verb_call *c)
{
	struct user u;
	const struct profile_member *m = profile_member(c->operand[1]);
	if (!verb_find_user(c, c->operand[0], &u))
		return VERB_REFUSED;
	if (m == NULL)
		store_user_subscription(u.id, c->input);
	else if (set_in_profile(c, &u, m) != VERB_DONE)
		return VERB_REFUSED;
	return verb_done(c, text_join("set the ", slice_text(c->operand[1]), " of ", NULL), u.name);
}

int verb_user_disable(struct verb_call *c)
{
	struct user u;
	if (!verb_find_user(c, c->operand[0], &u))
		return VERB_REFUSED;
	store_user_disable(u.id, true);
	int64_t ended = session_end_all(&c->work, u.id, 0, ENDED_DISABLED);
	audit_note(&c->work, EVENT_USER_DISABLED, u.id, 0);
	return verb_done_count(c, ended, " sessions ended");
}

int verb_user_enable(struct verb_call *c)
{
	struct user u;
	if (!verb_find_user(c, c->operand[0], &u))
		return VERB_REFUSED;
	store_user_disable(u.id, false);
	audit_note(&c->work, EVENT_USER_ENABLED, u.id, 0);
	return verb_done(c, "enabled user ", u.name);
}

int verb_user_delete(struct verb_call *c)
{
	struct user u;
	if (!verb_find_user(c, c->operand[0], &u))
		return VERB_REFUSED;
	store_user_delete(u.id);
	audit_note(&c->work, EVENT_USER_DELETED, u.id, 0);
	return verb_done(c, "deleted user ", u.name);
}

/* ---- the list ----------------------------------------------------------- */

struct user_page {
	bool hashes;                            /* show them, too */
	struct user_name after;                 /* the last name of the page before */
	struct user user[LIMIT_LIST];
	struct beside beside[LIMIT_LIST];
};

static size_t read_users(struct verb_call *c, void *page)
{
	struct user_page *p = page;
	(void)c;
	size_t n = store_users(slice_of(p->after.text), p->user);
	for (size_t i = 0; i < n && !p->hashes; i++)
		p->beside[i] = beside_of(p->user[i].id);
	if (n)
		verb_copy_name(&p->user[n - 1], &p->after);
	return n;
}

static void print_beside(struct rows *r, const struct beside *w)
{
	rows_flag(r, "factor", w->factor);
	rows_int(r, "passkeys", 8, w->passkeys);
	rows_int(r, "wallets", 7, w->wallets);
}

static void print_user(struct rows *r, const void *page, size_t i)
{
	const struct user_page *p = page;
	const struct user *u = &p->user[i];
	rows_open(r);
	rows_id(r, "id", u->id);
	rows_time(r, "created_at", u->created_at);
	rows_flag(r, "disabled", u->disabled);
	rows_text(r, "username", 20, u->name);
	if (p->hashes)
		rows_text(r, "hash", 0, u->password);
	rows_list(r, "groups", 16, u->profile.groups);
	rows_text(r, "email", 20, u->profile.email);
	rows_text(r, "name", 16, u->profile.name);
	if (!p->hashes)
		print_beside(r, &p->beside[i]);
	rows_json(r, "subscription", 0, u->subscription.n ? json_object_or_null(u->subscription) : SLICE_NONE);
	rows_close(r);
}

int verb_user_list(struct verb_call *c)
{
	struct user_page page = { .after = { "" } };
	return verb_list(c, &(struct verb_list){ read_users, print_user, &page });
}

int verb_user_export(struct verb_call *c)
{
	struct user_page page = { .hashes = true };
	struct rows r;
	rows_begin(&r, ROWS_LINES);
	verb_list_pages(c, &(struct verb_list){ read_users, print_user, &page }, &r);
	return rows_end(&r) ? VERB_DONE : VERB_SYSTEM;
}
