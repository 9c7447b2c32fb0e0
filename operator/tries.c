/*
 * tries: `latchkey throttle`: who waits before a password of his is looked at again, and how to end that.
 *
 * The throttle's table holds keyed hashes, so nobody can read from it whom it counts. It is asked: about every user, and
 * about every address from which the trail has a failed or refused try. With `audit = syslog` or `off` there are no such
 * addresses, and the counts of users from all networks together are all that a list can show.
 */
#include "operator/verbs.h"

#include "base/address.h"
#include "throttle.h"

enum { SEEN_MAX = 1024 };       /* counts from one network that a list tells apart; more may come twice */

/* Keys of counts that were shown. */
struct seen {
	size_t count;
	uint64_t key[SEEN_MAX];
};

struct tries_page {
	const char *table;                      /* its directory */
	struct user user[LIMIT_LIST];           /* of the list of users */
	struct user_name after;
	struct audit event[LIMIT_LIST];         /* of the list of addresses */
	struct user_name name[LIMIT_LIST];
	int64_t after_event;
	struct seen *seen;
};

static bool is_try(const struct audit *a)
{
	return a->event == EVENT_LOGIN_FAILED || a->event == EVENT_RATE_LIMITED;
}

/* ---- the list ------------------------------------------------------------- */

static void print_count(struct rows *r, struct slice name, struct slice ip, const struct throttle_count *count)
{
	rows_open(r);
	rows_text(r, "username", 20, name);
	rows_text(r, "address", 15, ip);
	rows_int(r, "failures", 8, count->failures);
	rows_int(r, "wait", 0, count->wait);
	rows_close(r);
}

static bool is_counted(const struct throttle_count *count)
{
	return count->failures || count->wait;
}

static size_t read_users(struct verb_call *c, void *page)
{
	struct tries_page *p = page;
	(void)c;
	size_t n = store_users(slice_of(p->after.text), p->user);
	if (n)
		verb_copy_name(&p->user[n - 1], &p->after);
	return n;
}

static void print_user(struct rows *r, const void *page, size_t i)
{
	const struct tries_page *p = page;
	struct throttle_count count = { 0 };
	if (r->heading || (throttle_look(p->table, SLICE_NONE, p->user[i].name, &count) && is_counted(&count)))
		print_count(r, p->user[i].name, SLICE_NONE, &count);
}

static size_t read_events(struct verb_call *c, void *page)
{
	struct tries_page *p = page;
	(void)c;
	size_t n = store_audits_after(p->after_event, p->event);
	for (size_t i = 0; i < n; i++) {
		struct user u;
		size_t mark = arena_mark();
		bool named = is_try(&p->event[i]) && store_user(p->event[i].user, &u);
		verb_copy_name(named ? &u : NULL, &p->name[i]);
		arena_back(mark);
	}
	p->after_event = n ? p->event[n - 1].id : p->after_event;
	return n;
}

/* The trail has an address as often as somebody tried from it, and a network has many. */
static bool is_new(struct seen *seen, uint64_t key)
{
	for (size_t i = 0; i < seen->count; i++)
		if (seen->key[i] == key)
			return false;
	if (seen->count < SEEN_MAX)
		seen->key[seen->count++] = key;
	return true;
}

static void print_if_new(struct rows *r, const struct tries_page *p, struct slice name, struct slice ip)
{
	struct throttle_count count;
	if (throttle_look(p->table, ip, name, &count) && is_counted(&count) && is_new(p->seen, count.key))
		print_count(r, name, ip, &count);
}

static void print_event(struct rows *r, const void *page, size_t i)
{
	const struct tries_page *p = page;
	struct slice name = slice_of(p->name[i].text), ip = p->event[i].ip;
	if (!is_try(&p->event[i]) || ip.n == 0)
		return;
	if (name.n)
		print_if_new(r, p, name, ip);
	print_if_new(r, p, SLICE_NONE, ip);
}

int verb_throttle_list(struct verb_call *c)
{
	struct seen seen = { .count = 0 };
	struct tries_page page = { .table = config_throttle_dir(&c->conf), .after = { "" }, .seen = &seen };
	const struct verb_list users = { read_users, print_user, &page }, events = { read_events, print_event, &page };
	struct rows r;
	verb_list_begin(&users, &r, verb_form(c));
	verb_list_pages(c, &users, &r);
	verb_list_pages(c, &events, &r);
	return rows_end(&r) ? VERB_DONE : VERB_SYSTEM;
}

/* ---- forgiving ------------------------------------------------------------ */

/* The counts of a user from everywhere, and from each address from which the trail has a try of his. */
static int64_t forgive_user(struct verb_call *c, const char *table, struct slice name, uint64_t id)
{
	struct audit event[LIMIT_LIST];
	int64_t before = 0, count = throttle_forgive(table, SLICE_NONE, name);
	for (size_t n = LIMIT_LIST; n == LIMIT_LIST; ) {
		size_t mark = arena_mark();
		store_open(c->dir, VERB_WAIT);
		n = store_audits(id, before, LIMIT_LIST, event);
		store_close();
		for (size_t i = 0; i < n; i++)
			count += is_try(&event[i]) && throttle_forgive(table, event[i].ip, name);
		before = n ? event[n - 1].id : before;
		arena_back(mark);
	}
	return count;
}

/* The counts of an address by itself, and with each user. */
static int64_t forgive_address(struct verb_call *c, const char *table, struct slice ip)
{
	struct tries_page page = { .after = { "" } };
	int64_t count = throttle_forgive(table, ip, SLICE_NONE);
	for (size_t n = LIMIT_LIST; n == LIMIT_LIST; ) {
		size_t mark = arena_mark();
		store_open(c->dir, VERB_WAIT);
		n = read_users(c, &page);
		store_close();
		for (size_t i = 0; i < n; i++)
			count += throttle_forgive(table, ip, page.user[i].name);
		arena_back(mark);
	}
	return count;
}

int verb_throttle_forgive(struct verb_call *c)
{
	const char *table = config_throttle_dir(&c->conf);
	struct user u;
	struct address address;
	store_open(c->dir, VERB_WAIT);
	bool is_user = verb_user(c->operand[0], &u);
	store_close();
	if (!is_user && !address_parse(c->operand[0], &address))
		return verb_refuse(c, "neither a user nor an address: ", c->operand[0]);
	int64_t count = is_user ? forgive_user(c, table, u.name, u.id) : forgive_address(c, table, c->operand[0]);
	return verb_done_count(c, count, " counts forgotten");
}
