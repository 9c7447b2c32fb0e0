/*
 * verbs: what several of the operator's verbs share, and the two that only show. Rules of all of them:
 *
 * - A name, an id, a kid is looked up before anything is changed; what isn't there is VERB_REFUSED, and the
 *   transaction is rolled back.
 * - Whatever changes the store writes its audit event in the same transaction. A change of keys is on disk before that
 *   transaction begins: a file can't be rolled back, and a transaction may run more than once.
 * - A list is read a page at a time and the store closed before a page is written: the reader of a pipe may be slow, and
 *   an open store is locked.
 * - Text that users chose (device, agent) reaches a terminal only by rows.c.
 */
#include "operator/verbs.h"

#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "clock.h"
#include "jwt.h"
#include "operator/check.h"
#include "session.h"

int verb_refuse(struct verb_call *c, const char *why, struct slice about)
{
	c->why = why;
	c->about = about;
	return VERB_REFUSED;
}

int verb_no(struct verb_call *c, const char *why)
{
	return verb_refuse(c, why, SLICE_NONE);
}

/* What stdout is told after the commit: a text and what it is about. */
int verb_done(struct verb_call *c, const char *what, struct slice about)
{
	buf_s(&c->done, what);
	buf_add(&c->done, about);
	buf_c(&c->done, '\n');
	return VERB_DONE;
}

int verb_done_count(struct verb_call *c, int64_t count, const char *what)
{
	buf_int(&c->done, count);
	return verb_done(c, what, SLICE_NONE);
}

enum rows_form verb_form(const struct verb_call *c)
{
	return c->given[OPT_JSON] ? ROWS_JSON : ROWS_TABLE;
}

int64_t verb_later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

void verb_clock(struct verb_call *c)
{
	struct work *w = &c->work;
	(void)session_clock(w);
	if (w->trust != CLOCK_GOOD)
		w->time = w->mark = verb_later(clock_build_epoch, w->mark);
}

void verb_log(const struct verb_call *c)
{
	if (c->work.note.event && audit_in_log(&c->conf)) {
		log_to_syslog();
		audit_log(&c->work);
	}
}

bool verb_user(struct slice name, struct user *out)
{
	return session_username_ok(name) && store_user_named(name, out);
}

bool verb_find_user(struct verb_call *c, struct slice name, struct user *out)
{
	bool found = verb_user(name, out);
	if (!found)
		(void)verb_refuse(c, "no such user: ", name);
	return found;
}

bool verb_look_up_user(struct verb_call *c, struct user *out)
{
	store_open(c->dir, VERB_WAIT);
	bool found = verb_find_user(c, c->operand[0], out);
	store_close();
	return found;
}

void verb_copy_name(const struct user *u, struct user_name *out)
{
	size_t n = u ? u->name.n : 0;
	if (n)
		memcpy(out->text, u->name.p, n);
	out->text[n] = '\0';
}

void verb_name_of(uint64_t id, struct user_name *out)
{
	struct user u = { .id = 0 };
	size_t mark = arena_mark();
	verb_copy_name(id && store_user(id, &u) ? &u : NULL, out);
	arena_back(mark);
}

void verb_ring(const char *dir, struct keyring *out)
{
	const char *wrong = keyring_read(dir, out);
	if (wrong)
		fail(ERROR_STORE_UNAVAILABLE, "VB5", wrong, NULL);
}

struct key verb_fresh_key(int64_t created_at)
{
	struct key key = { .created_at = created_at };
	random_bytes(key.master, KEY_SIZE);
	jwt_name_key(&key);
	return key;
}

/* The end of a line, with what a terminal or a Windows editor leaves there. */
struct slice verb_trim_line(struct slice s)
{
	s.n -= s.n && s.p[s.n - 1] == '\r';
	return slice_trim(s);
}

int verb_config(struct verb_call *c)
{
	struct rows r;
	rows_begin(&r, verb_form(c));
	bool heading = rows_heading(&r);
	for (size_t i = 0; i < options_count; i += !heading, heading = false) {
		rows_open(&r);
		rows_text(&r, "name", 15, slice_of(options[i].name));
		rows_text(&r, "value", 10, option_value(&c->conf, i));
		rows_text(&r, "default", 9, slice_of(options[i].fallback));
		rows_text(&r, "meaning", 0, slice_of(options[i].meaning));
		rows_close(&r);
	}
	return rows_end(&r) ? VERB_DONE : VERB_SYSTEM;
}

int verb_check(struct verb_call *c)
{
	return check_run(c->dir, c->given[OPT_REPAIR], c->given[OPT_JSON]) ? VERB_DONE : VERB_REFUSED;
}
