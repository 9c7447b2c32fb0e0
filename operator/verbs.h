/*
 * verbs: what each of the operator's verbs does. admin.c reads the command
 * line, becomes the data directory's owner, reads the configuration, and
 * calls one of these, most that change something inside a transaction: it is
 * committed where they return DONE, and they may be called more than once
 * (store_run()).
 */
#ifndef VERBS_H
#define VERBS_H

#include "base/base.h"
#include "config.h"
#include "store.h"

enum { DONE = 0, REFUSED = 1, USAGE = 100, SYSTEM = 111 };

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

struct call {
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

/* Sets why the verb was refused, which admin.c logs when the verb has ended; returns REFUSED. */
int verb_refuse(struct call *c, const char *why, struct slice about);
/* The time that a change is written under: never one that would drag the
 * store's mark to where the clock only seems to be. The store is open. */
int64_t verb_time(void);
/* Logs the event of a change that stands, where option audit says so. */
void verb_log(const struct call *c);

/* What is asked before the store is opened; c->input afterwards. */
int ask_session(struct call *c);
int ask_first_password(struct call *c);
int ask_next_password(struct call *c);
int ask_subscription(struct call *c);
int ask_key(struct call *c);

int verb_init(struct call *c);
int verb_user_add(struct call *c);
int verb_user_list(struct call *c);
int verb_user_passwd(struct call *c);
int verb_user_set(struct call *c);
int verb_user_disable(struct call *c);
int verb_user_enable(struct call *c);
int verb_user_delete(struct call *c);
int verb_session_list(struct call *c);
int verb_session_revoke(struct call *c);
int verb_key_list(struct call *c);
int verb_key_rotate(struct call *c);
int verb_key_retire(struct call *c);
int verb_key_import(struct call *c);
int verb_key_export(struct call *c);
int verb_audit(struct call *c);
int verb_config(struct call *c);
int verb_verify(struct call *c);
int verb_check(struct call *c);
int verb_backup(struct call *c);

#endif
