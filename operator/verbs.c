/*
 * verbs: see verbs.h. What several verbs share, and the three that are a few lines. Rules of all verbs:
 *
 * - A name, an id, a kid is looked up before anything is changed. If it isn't there, the verb returns VERB_REFUSED and
 *   the transaction is rolled back.
 * - A verb that changes the store writes its audit event in the same transaction. A change of keys is on disk before that
 *   transaction begins: a file can't be rolled back, and a transaction may run more than once.
 * - A list is read a page at a time, and the store is closed before a page is written: the reader of a pipe may be slow,
 *   and while the store is open other processes wait for it.
 * - Text that users chose (device, agent) reaches a terminal only by rows.c.
 */
#include "operator/verbs.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/nearest.h"
#include "clock.h"
#include "jwt.h"
#include "operator/check.h"
#include "session.h"
#include "sign.h"

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

void verb_clock(struct verb_call *c)
{
	struct work *w = &c->work;
	(void)session_clock(w);
	if (w->trust == CLOCK_DOUBTFUL)
		w->time = w->seen;
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
	return session_name(&(struct user){ .name = name }).n && store_user_named(name, out);
}

/* Looks at the first ten thousand, while requests wait. */
static const char *other_name(struct slice name)
{
	enum { PAGES = 100 };
	struct user page[LIMIT_LIST];
	struct user_name after = { "" };
	struct nearest n = { .word = name };
	for (size_t pages = 0, count = LIMIT_LIST; count == LIMIT_LIST && pages < PAGES; pages++) {
		size_t mark = arena_mark();
		count = store_users(slice_of(after.text), page);
		for (size_t i = 0; i < count; i++)
			nearest_try(&n, page[i].name);
		verb_copy_name(count ? &page[count - 1] : NULL, &after);
		arena_back(mark);
	}
	return nearest_advice(&n);
}

bool verb_find_user(struct verb_call *c, struct slice name, struct user *out)
{
	bool found = verb_user(name, out);
	if (!found)
		(void)verb_refuse(c, "no such user: ", slice_of(text_join(slice_text(name), other_name(name), NULL)));
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

void verb_ring(const char *dir, struct keyring *out)
{
	const char *wrong = keyring_read(dir, out);
	if (wrong)
		fail(ERROR_STORE_UNAVAILABLE, "VB5", wrong, NULL);
}

void verb_publish(const char *dir, const struct keyring *ring, bool rsa)
{
	if (!sign_publish(dir, ring, rsa))
		fail(ERROR_STORE_UNAVAILABLE, "VB7", "the public keys can't be written: ", strerror(errno), NULL);
}

struct key verb_fresh_key(int64_t created_at)
{
	struct key key = { .created_at = created_at };
	random_bytes(key.master, KEY_SIZE);
	jwt_name_key(&key);
	return key;
}

/* ---- lists -------------------------------------------------------------- */

void verb_list_begin(const struct verb_list *l, struct rows *r, enum rows_form form)
{
	rows_begin(r, form);
	if (rows_heading(r))
		l->print(r, l->page, 0);
}

static bool print_page(struct verb_call *c, const struct verb_list *l, struct rows *r)
{
	size_t mark = arena_mark();
	store_open(c->dir, VERB_WAIT);
	size_t n = l->read(c, l->page);
	store_pause();
	for (size_t i = 0; i < n; i++)
		l->print(r, l->page, i);
	arena_back(mark);
	return n == LIMIT_LIST;
}

void verb_list_pages(struct verb_call *c, const struct verb_list *l, struct rows *r)
{
	while (print_page(c, l, r))
		;
}

int verb_list(struct verb_call *c, const struct verb_list *l)
{
	struct rows r;
	verb_list_begin(l, &r, verb_form(c));
	verb_list_pages(c, l, &r);
	return rows_end(&r) ? VERB_DONE : VERB_SYSTEM;
}

/* ---- three short verbs --------------------------------------------------- */

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

int verb_clock_trust(struct verb_call *c)
{
	struct work *w = &c->work;
	w->trust = CLOCK_GOOD;
	w->time = w->mark = now();
	if (w->time < clock_build_epoch)
		return verb_no(c, "the clock shows a time before this program was built: set it");
	audit_note(w, EVENT_CLOCK, 0, 0);
	return verb_done(c, "the clock of this host is believed", SLICE_NONE);
}
