/*
 * verbs: what each of the operator's verbs does. admin.c reads the command
 * line, becomes the data directory's owner, reads the configuration, and
 * calls one of these, most that change something inside a transaction: it is
 * committed where they return VERB_DONE, and they may be called more than once
 * (store_run()).
 */
#ifndef VERBS_H
#define VERBS_H

#include "audit.h"
#include "base/base.h"
#include "config.h"
#include "keyring.h"
#include "operator/rows.h"
#include "store.h"

/* What a verb returns, and the program's exit code. */
enum { VERB_DONE = 0, VERB_REFUSED = 1, VERB_USAGE = 100, VERB_SYSTEM = 111 };

enum {
	VERB_OPERANDS = 3,
	VERB_WAIT = 10      /* seconds for a turn at the store, or for a slot to hash in */
};

enum verb_option {
	OPT_DIR, OPT_JSON, OPT_SINCE, OPT_FOLLOW, OPT_USE, OPT_ALL, OPT_USER, OPT_LIVE, OPT_UPGRADE, OPT_OWNER,
	OPT_REPAIR, OPT_EPOCH,
	OPT_HELP, OPT_VERSION,
	OPT__MAX
};

struct verb_call {
	const char *verb;                       /* its words, for messages */
	const char *dir;
	struct slice operand[VERB_OPERANDS];
	size_t operands;
	bool given[OPT__MAX];
	struct slice value[OPT__MAX];
	struct config conf;
	struct slice input;                     /* what was asked for: a password's hash, JSON, a key */
	struct work work;                       /* what the policy needs: the time of the change, its event */
	struct buf done;                        /* one line for stdout, once all is committed */
	const char *why;                        /* why it was refused, for the log; NULL: logged already */
	struct slice about;                     /* what that is about */
};

/* ---- what several verbs share ------------------------------------------ */

/* Sets why the verb was refused, which admin.c logs when the verb has ended; returns VERB_REFUSED. */
int verb_refuse(struct verb_call *c, const char *why, struct slice about);
int verb_no(struct verb_call *c, const char *why);
/* What stdout is told after the commit: a text and what it is about, or a number and a text. Returns VERB_DONE. */
int verb_done(struct verb_call *c, const char *what, struct slice about);
int verb_done_count(struct verb_call *c, int64_t count, const char *what);
/* How the verb's rows are written: as JSON with --json. */
enum rows_form verb_form(const struct verb_call *c);
/*
 * Settles the time of a change. The operator may change things whatever the
 * clock says; where it isn't trusted, the change is dated at the store's mark,
 * so that the mark isn't raised to where the clock only seems to be. The store
 * is open.
 */
void verb_clock(struct verb_call *c);
int64_t verb_later(int64_t a, int64_t b);
/* Logs the event that audit_note() noted, once its change stands, where option audit says so. */
void verb_log(const struct verb_call *c);
/* The user of that name. verb_find_user(): where there is none, that is why the verb is refused. */
bool verb_user(struct slice name, struct user *out);
bool verb_find_user(struct verb_call *c, struct slice name, struct user *out);
/* The same of the first operand, with the store closed before and after: a person may type next. */
bool verb_look_up_user(struct verb_call *c, struct user *out);
/* A user's name, empty for one who is gone (u NULL). verb_name_of() reads it: the store is open. */
struct user_name { char text[LIMIT_USERNAME + 1]; };
void verb_copy_name(const struct user *u, struct user_name *out);
void verb_name_of(uint64_t id, struct user_name *out);
/* The keys of dir; what is wrong with them is fail(ERROR_STORE_UNAVAILABLE). A new key. */
void verb_ring(const char *dir, struct keyring *out);
struct key verb_fresh_key(int64_t created_at);
/* A line without white space around it, and without the CR that a terminal or a Windows editor leaves. */
struct slice verb_trim_line(struct slice s);

/* ---- the verbs --------------------------------------------------------- */

/* What is asked before the store is opened; c->input afterwards. */
int ask_session(struct verb_call *c);
int ask_first_password(struct verb_call *c);
int ask_next_password(struct verb_call *c);
int ask_subscription(struct verb_call *c);
int ask_key(struct verb_call *c);

int verb_init(struct verb_call *c);
int verb_user_add(struct verb_call *c);
int verb_user_list(struct verb_call *c);
int verb_user_passwd(struct verb_call *c);
int verb_user_set(struct verb_call *c);
int verb_user_disable(struct verb_call *c);
int verb_user_enable(struct verb_call *c);
int verb_user_delete(struct verb_call *c);
int verb_session_list(struct verb_call *c);
int verb_session_revoke(struct verb_call *c);
int verb_key_list(struct verb_call *c);
int verb_key_rotate(struct verb_call *c);
int verb_key_retire(struct verb_call *c);
int verb_key_import(struct verb_call *c);
int verb_key_export(struct verb_call *c);
int verb_audit(struct verb_call *c);
int verb_config(struct verb_call *c);
int verb_verify(struct verb_call *c);
int verb_check(struct verb_call *c);
int verb_backup(struct verb_call *c);

#endif
