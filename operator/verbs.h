/*
 * verbs: the verbs of the operator's command line, a file for each family, and what those files have in common.
 *
 * admin.c reads the command line, becomes the data directory's owner, reads the configuration and calls the verb. A verb
 * that changes the store is called inside a transaction, which is committed if it returns VERB_DONE; it may be called more
 * than once (store_run()).
 */
#ifndef VERBS_H
#define VERBS_H

#include "audit.h"
#include "base/base.h"
#include "config.h"
#include "keyring.h"
#include "operator/rows.h"
#include "store.h"

/* What a verb returns: latchkey's exit code. */
enum { VERB_DONE = 0, VERB_REFUSED = 1, VERB_USAGE = 100, VERB_SYSTEM = 111 };

enum {
	VERB_OPERANDS = 10, /* a client has a name, its flags, and 8 redirect URIs */
	VERB_WAIT = 10      /* seconds to wait for the store's lock, or for a slot to hash in */
};

enum verb_option {
	OPT_DIR, OPT_JSON, OPT_SINCE, OPT_FOLLOW, OPT_USE, OPT_ALL, OPT_USER, OPT_LIVE, OPT_UPGRADE, OPT_OWNER,
	OPT_REPAIR, OPT_EPOCH, OPT_OLD, OPT_HASH, OPT_GROUPS, OPT_PROMETHEUS, OPT_EXEC, OPT_URL, OPT_AGAIN,
	OPT_HELP, OPT_VERSION,
	OPT__MAX
};

struct verb_call {
	const char *verb;                       /* its name, for messages */
	const char *dir;
	struct slice operand[VERB_OPERANDS];
	size_t operands;
	bool given[OPT__MAX];
	struct slice value[OPT__MAX];
	struct config conf;
	struct slice input;                     /* what ask_…() read: a password's hash, JSON, a key */
	struct work work;                       /* what the policy needs: the time of the change, its event */
	struct buf done;                        /* one line for stdout, once all is committed */
	const char *why;                        /* why it was refused, to be logged; NULL: it is logged already */
	struct slice about;                     /* follows `why` in that line */
};

/* ---- what a verb returns ------------------------------------------------- */

/* Sets why the verb was refused, and what it is about. Returns VERB_REFUSED. admin.c logs it when the verb has ended. */
int verb_refuse(struct verb_call *c, const char *why, struct slice about);
/* The same, about nothing in particular. */
int verb_no(struct verb_call *c, const char *why);
/* Adds a line to what is written to stdout after the commit: a text and what it is about, or a number and a text.
 * Returns VERB_DONE. */
int verb_done(struct verb_call *c, const char *what, struct slice about);
int verb_done_count(struct verb_call *c, int64_t count, const char *what);

/* ---- what several verbs share ------------------------------------------- */

/*
 * Sets the time of a change. The operator may change things whatever the clock
 * says. While the clock isn't trusted the change is dated at what the store knows
 * of the time. The store is open.
 */
void verb_clock(struct verb_call *c);
/* Logs the event that audit_note() noted, after its commit, if option audit wants that. */
void verb_log(const struct verb_call *c);

/* Reads the user of that name; false: there is none. The store is open. */
bool verb_user(struct slice name, struct user *out);
/* The same; a name that isn't there becomes the reason why the verb is refused. */
bool verb_find_user(struct verb_call *c, struct slice name, struct user *out);
/* The same for the first operand. Opens the store and closes it again, since a person may type next. */
bool verb_look_up_user(struct verb_call *c, struct user *out);
/* A user's name, for rows that are printed when the store is closed. Empty for a user who was deleted (u NULL). */
struct user_name { char text[LIMIT_USERNAME + 1]; };
void verb_copy_name(const struct user *u, struct user_name *out);

/* What a name must be, for a refusal. */
extern const char user_name_rule[];
/* A JSON object that fits. */
bool user_subscription_ok(struct slice text);
/* NULL where a sign-in can compare a password with this hash; else why not, with the hash's kind. */
const char *user_hash_problem(struct slice hash);

/* Whether a user of the name and the groups that were given can be added; else why not. Opens the store and closes it again. */
int verb_new_user(struct verb_call *c);
/* Sets c->input to the hash of a password, at the configured cost, and wipes the password. */
void verb_hash(struct verb_call *c, struct slice password);

/* Reads latchkey.key. On error fail(ERROR_STORE_UNAVAILABLE). */
void verb_ring(const char *dir, struct keyring *out);
/* sign_publish(); what can't be written is fail(ERROR_STORE_UNAVAILABLE). The store is closed: an RSA key takes long on a router. */
void verb_publish(const char *dir, const struct keyring *ring, bool rsa);
/* A random master key with its kid. created_at: Unix seconds. */
struct key verb_fresh_key(int64_t created_at);

/*
 * Wraps the second factor of each user by key `to`, which like all that they are wrapped by now is in the ring; on disk before it returns. The store is
 * open. names: whose that are, between ", "; lost: whose no key opens, which stay as they are.
 */
struct factors { struct buf names, lost; };
void verb_wrap_factors(const struct keyring *ring, const struct key *to, struct factors *out);
/* Logs whose factors are lost, if there are any. */
void verb_tell_lost(const struct verb_call *c, const struct factors *f);

/* ---- lists from the store ------------------------------------------------ */

/* The page is a struct of the verb's own. Before the first read() its rows are all zeros. */
struct verb_list {
	/* Reads the next page, at most LIMIT_LIST rows, and returns how many. The store is open. */
	size_t (*read)(struct verb_call *c, void *page);
	/* Prints row i, or nothing if the list leaves it out. The store is closed. For the heading it is called before
	 * the first read(), with i = 0. */
	void (*print)(struct rows *r, const void *page, size_t i);
	void *page;
};
/* Begins the rows and prints a table's heading. */
void verb_list_begin(const struct verb_list *l, struct rows *r, enum rows_form form);
/* Prints all pages from the next one to the last. */
void verb_list_pages(struct verb_call *c, const struct verb_list *l, struct rows *r);
/* Prints a whole list. Returns VERB_DONE, or VERB_SYSTEM when stdout can't be written. */
int verb_list(struct verb_call *c, const struct verb_list *l);
/* A table, or with --json JSON. */
enum rows_form verb_form(const struct verb_call *c);

/* ---- the verbs --------------------------------------------------------- */

/* These ask for input before the store is opened, and set c->input. */
int ask_session(struct verb_call *c);
int ask_first_password(struct verb_call *c);
int ask_next_password(struct verb_call *c);
int ask_setting(struct verb_call *c);
int ask_users(struct verb_call *c);
int ask_link(struct verb_call *c);
int ask_invitation(struct verb_call *c);
int ask_key(struct verb_call *c);
int ask_old(struct verb_call *c);

int verb_init(struct verb_call *c);
int verb_user_add(struct verb_call *c);
int verb_user_list(struct verb_call *c);
int verb_user_rename(struct verb_call *c);
int verb_user_import(struct verb_call *c);
int verb_user_export(struct verb_call *c);
int verb_user_invite(struct verb_call *c);
int verb_user_link(struct verb_call *c);
int verb_user_passwd(struct verb_call *c);
int verb_user_set(struct verb_call *c);
int verb_user_totp(struct verb_call *c);
int verb_user_keys(struct verb_call *c);
int verb_user_disable(struct verb_call *c);
int verb_user_enable(struct verb_call *c);
int verb_user_delete(struct verb_call *c);
int verb_session_list(struct verb_call *c);
int verb_session_revoke(struct verb_call *c);
int verb_client_add(struct verb_call *c);
int verb_client_list(struct verb_call *c);
int verb_client_secret(struct verb_call *c);
int verb_client_remove(struct verb_call *c);
int verb_key_list(struct verb_call *c);
int verb_key_rotate(struct verb_call *c);
int verb_key_stage(struct verb_call *c);
int verb_key_use(struct verb_call *c);
int verb_key_retire(struct verb_call *c);
int verb_key_publish(struct verb_call *c);
int verb_key_import(struct verb_call *c);
int verb_key_export(struct verb_call *c);
int verb_throttle_list(struct verb_call *c);
int verb_throttle_forgive(struct verb_call *c);
int verb_audit(struct verb_call *c);
int verb_stats(struct verb_call *c);
int verb_config(struct verb_call *c);
int verb_verify(struct verb_call *c);
int verb_check(struct verb_call *c);
int verb_clock_trust(struct verb_call *c);
int verb_backup(struct verb_call *c);
int verb_restore(struct verb_call *c);
int verb_migrate_out(struct verb_call *c);
int verb_migrate_in(struct verb_call *c);

#endif
