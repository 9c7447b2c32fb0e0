/*
 * key: `latchkey key …`.
 */
#include "operator/verbs.h"

#include <string.h>

#include "base/log.h"
#include "jwt.h"
#include "operator/ask.h"

static void key_row(struct rows *r, const struct key *key, const char *use)
{
	rows_open(r);
	rows_text(r, "kid", KID_LENGTH, slice_of(key->kid));
	rows_time(r, "created_at", key->created_at);
	rows_text(r, "use", 0, slice_of(use));
	rows_close(r);
}

int verb_key_list(struct verb_call *c)
{
	struct keyring ring;
	struct rows r;
	verb_ring(c->dir, &ring);
	rows_begin(&r, verb_form(c));
	if (rows_heading(&r))
		key_row(&r, &ring.key[0], "");
	for (size_t i = 0; i < ring.count; i++)
		key_row(&r, &ring.key[i], i ? "verifies" : "signs");
	return rows_end(&r) ? VERB_DONE : VERB_SYSTEM;
}

static enum error write_note(void *call)
{
	struct verb_call *c = call;
	audit_note(&c->work, c->work.note.event, 0, 0);
	return ERROR_NONE;
}

/* The event of a change that was made outside of the store. */
static void note_alone(struct verb_call *c, enum event event)
{
	c->work.note.event = event;
	store_run(DURABLE_NOW, write_note, c);
}

static int add_key(struct verb_call *c, const struct key *key)
{
	struct keyring ring;
	verb_ring(c->dir, &ring);
	if (!keyring_add(&ring, key))
		return verb_no(c, ring.count == LIMIT_KEYS ? "there are 8 keys; retire one first" : "this key is there already");
	keyring_write(c->dir, &ring);
	note_alone(c, EVENT_KEY_ADDED);
	return verb_done(c, "new tokens are signed with key ", slice_of(key->kid));
}

static enum error end_all_sessions(void *call)
{
	struct verb_call *c = call;
	c->work.note.count = store_sessions_end_all(ENDED_REVOKED, c->work.time);
	audit_note(&c->work, EVENT_EPOCH, 0, 0);
	return ERROR_NONE;
}

/*
 * Ends every session and every token. The key file comes first: if latchkey is
 * killed after that, no old token is accepted any more, and when the verb
 * is run again it ends the sessions that are left. The old keyring isn't read: it
 * may be broken.
 */
static int begin_epoch(struct verb_call *c)
{
	struct keyring ring = { .count = 1, .key = { verb_fresh_key(c->work.time) } };
	keyring_write(c->dir, &ring);
	store_run(DURABLE_NOW, end_all_sessions, c);
	buf_int(&c->done, c->work.note.count);
	buf_s(&c->done, " sessions ended, every token until now is refused; new tokens are signed with key ");
	verb_done(c, ring.key[0].kid, SLICE_NONE);
	wipe(&ring, sizeof ring);
	return VERB_DONE;
}

int verb_key_rotate(struct verb_call *c)
{
	if (c->given[OPT_EPOCH])
		return begin_epoch(c);
	struct key key = verb_fresh_key(c->work.time);
	return add_key(c, &key);
}

int ask_key(struct verb_call *c)
{
	return ask_word("Key: ", 2 * KEY_SIZE + 16, &c->input) ? VERB_DONE : verb_no(c, "no key on standard input");
}

int verb_key_import(struct verb_call *c)
{
	struct key key = { .created_at = c->work.time };
	if (!parse_hex(c->input, key.master, KEY_SIZE))
		return verb_no(c, "a key is one line of 64 hexadecimal digits");
	jwt_name_key(&key);
	return add_key(c, &key);
}

int verb_key_retire(struct verb_call *c)
{
	struct keyring ring;
	verb_ring(c->dir, &ring);
	size_t i = keyring_find(&ring, c->operand[0]);
	if (i == ring.count)
		return verb_refuse(c, "no such key: ", c->operand[0]);
	if (ring.count == 1)
		return verb_no(c, "it is the only key; rotate first");
	ring.count--;
	memmove(&ring.key[i], &ring.key[i + 1], (ring.count - i) * sizeof ring.key[0]);
	keyring_write(c->dir, &ring);
	note_alone(c, EVENT_KEY_RETIRED);
	return verb_done(c, "tokens signed with it are refused from now on; signing with key ", slice_of(ring.key[0].kid));
}

int verb_key_export(struct verb_call *c)
{
	struct keyring ring;
	struct slice use = c->given[OPT_USE] ? c->value[OPT_USE] : S("access");
	bool refresh = slice_is(use, S("refresh"));
	if (!refresh && !slice_is(use, S("access"))) {
		log_line(c->verb, "--use is access or refresh", NULL);
		return VERB_USAGE;
	}
	verb_ring(c->dir, &ring);
	size_t i = c->operands ? keyring_find(&ring, c->operand[0]) : 0;
	if (i == ring.count)
		return verb_refuse(c, "no such key: ", c->operand[0]);
	jwt_write_jwk(&(struct jw){ .out = &c->done }, &ring.key[i], refresh ? JWT_REFRESH : JWT_ACCESS);
	return verb_done(c, "", SLICE_NONE);
}
