/*
 * verbs: what each of the operator's verbs does. admin.c reads the command
 * line, becomes the data directory's owner, reads the configuration, and
 * calls one of these, most that change something inside a transaction: it is
 * committed where they return VERB_DONE, and they may be called more than once
 * (store_run()).
 */
#ifndef VERBS_H
#define VERBS_H

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
	int64_t time;                           /* of the change, by a clock that is believed */
	enum event event;                       /* what to log once it is committed; 0: nothing */
	uint64_t user, session;
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
/* The time that a change is written under: never one that would drag the
 * store's mark to where the clock only seems to be. The store is open. */
int64_t verb_time(void);
int64_t verb_later(int64_t a, int64_t b);
/* Writes the event of a change, in its transaction; logs it once that stands, where option audit says so. */
void verb_note(struct verb_call *c, enum event event, uint64_t user, uint64_t session);
void verb_log(const struct verb_call *c);
/* The user of that name; the refusal where there is none. */
bool verb_user(struct slice name, struct user *out);
int verb_no_user(struct verb_call *c, struct slice name);
/* The user's name, empty for one who is gone; read while the store is open. */
struct user_name { char text[LIMIT_USERNAME + 1]; };
void verb_name_of(uint64_t id, struct user_name *out);
bool verb_is_over(const struct config *conf, const struct session *s);
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
