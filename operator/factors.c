/*
 * factors: `latchkey user totp`, and what becomes of the second factors of all users when keys go: what is wrapped by a key that goes is
 * wrapped by another first, or nothing could ever open it again (totp.h).
 */
#include "operator/verbs.h"

#include <string.h>

#include "base/log.h"
#include "totp.h"

int verb_user_totp(struct verb_call *c)
{
	struct user u;
	if (!slice_is(c->operand[1], S("off")))
		return verb_refuse(c, "a factor is set up by its user alone; what can be said here is off, and not ", c->operand[1]);
	if (!verb_find_user(c, c->operand[0], &u))
		return VERB_REFUSED;
	if (store_user_factor(u.id).n == 0)
		return verb_no(c, "the user has no second factor");
	store_user_factor_set(u.id, SLICE_NONE);
	audit_note(&c->work, EVENT_TOTP_OFF, u.id, 0);
	return verb_done(c, "the password alone signs in user ", u.name);
}

/* ---- when keys go ------------------------------------------------------ */

struct wrapping {
	const struct keyring *ring;
	const struct key *to;
	struct user_name after;         /* the last user that was looked at */
	struct user_name next;
	struct factors *out;
	size_t seen, wrapped, lost;     /* of the page, by each try of its transaction */
};

static void add_name(struct buf *names, struct slice name)
{
	buf_s(names, names->n ? ", " : "");
	buf_add(names, name);
}

/* Wraps one; true where a key of the ring opens it. */
static bool wrap(const struct wrapping *x, uint64_t user, struct slice stored)
{
	struct totp t;
	size_t signer;
	if (totp_open(x->ring, user, stored, &t, &signer) != TOTP_FOUND)
		return false;
	if (strcmp(x->ring->key[signer].kid, x->to->kid) != 0)
		store_user_factor_set(user, totp_seal(x->to, user, &t));
	wipe(&t, sizeof t);
	return true;
}

static enum error wrap_page(void *arg)
{
	struct wrapping *x = arg;
	static struct user page[LIMIT_LIST];
	x->out->names.n = x->wrapped;
	x->out->lost.n = x->lost;
	x->seen = store_users(slice_of(x->after.text), page);
	for (size_t i = 0; i < x->seen; i++) {
		struct slice stored = store_user_factor(page[i].id);
		if (stored.n)
			add_name(wrap(x, page[i].id, stored) ? &x->out->names : &x->out->lost, page[i].name);
	}
	if (x->seen)
		verb_copy_name(&page[x->seen - 1], &x->next);
	return ERROR_NONE;
}

void verb_wrap_factors(const struct keyring *ring, const struct key *to, struct factors *out)
{
	struct wrapping x = { .ring = ring, .to = to, .out = out, .seen = 1 };
	*out = (struct factors){ .names = { 0 } };
	while (x.seen) {
		store_run(DURABLE_NOW, wrap_page, &x);
		x.after = x.next;
		x.wrapped = out->names.n;
		x.lost = out->lost.n;
	}
}

void verb_tell_lost(const struct verb_call *c, const struct factors *f)
{
	if (f->lost.n)
		log_line(c->verb, "no key opens the second factors of these users, who can't sign in until latchkey user totp NAME off: ",
			slice_text(buf_slice(&f->lost)), NULL);
}
