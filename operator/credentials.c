/*
 * credentials: `latchkey user keys`: what a user signs in with beside the password.
 */
#include "operator/verbs.h"

#include "keys.h"
#include "operator/rows.h"

static void print_key(struct rows *r, const struct user_key *k)
{
	rows_open(r);
	rows_id(r, "id", keys_number(k));
	rows_text(r, "kind", 8, k->kind);
	rows_time(r, "created_at", k->created_at);
	rows_text(r, "label", 0, k->label);
	rows_close(r);
}

static int list(const struct verb_call *c, struct slice keys)
{
	struct rows r;
	struct user_key k = { .counter = 0 };
	rows_begin(&r, verb_form(c));
	if (rows_heading(&r))
		print_key(&r, &k);
	while (keys_next(&keys, &k))
		print_key(&r, &k);
	return rows_end(&r) ? VERB_DONE : VERB_SYSTEM;
}

static int forget(struct verb_call *c, const struct user *u, struct slice keys)
{
	uint64_t number;
	struct slice left;
	if (!slice_is(c->operand[1], S("forget")) || c->operand[2].p == NULL)
		return verb_no(c, "what can be said here is forget and an id");
	if (!parse_id(c->operand[2], &number) || !keys_remove(keys, number, &left))
		return verb_refuse(c, "the user has no key ", c->operand[2]);
	store_user_keys_set(u->id, left);
	audit_note(&c->work, EVENT_PASSKEY_REMOVED, u->id, 0);
	return verb_done(c, "it signs in no more: a key of user ", u->name);
}

int verb_user_keys(struct verb_call *c)
{
	struct user u;
	if (!verb_find_user(c, c->operand[0], &u))
		return VERB_REFUSED;
	struct slice keys = store_user_keys(u.id);
	return c->operand[1].p ? forget(c, &u, keys) : list(c, keys);
}
