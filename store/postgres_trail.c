/*
 * postgres_trail: the audit trail, and the clock's mark.
 *
 * The mark has a row of its own, the only one of `meta`. A row that every refresh wrote would be a queue for all hosts: it is
 * read with each connection and once a minute, and written where it moves by what clock.h calls a step.
 *
 * Ids are in the order in which they were given out, not of the commits, and have gaps.
 *
 * What is dropped. By age, not by number: refreshes and failed sign-ins after the option audit_keep, all else after KEEP_OTHERS or audit_keep, what is longer. With one
 * event in SWEEP_EACH a few rows are looked at, from a random place on, so that in the long run each row is.
 */
#include "store/postgres.h"

#include "store/upkeep.h"

#include <string.h>

enum {
	ADDRESS_MAX = 64,             /* bytes of an address as text */
	SWEEP_EACH = 64, SWEEP_ROWS = 512,
	KEEP_OTHERS = 90 * 86400,     /* seconds */
	MARK_SECONDS = 60             /* how long this process goes by the mark that it has read */
};

static int64_t keep_many = 30 * 86400;

void store_keep_audit(int64_t seconds)
{
	keep_many = seconds;
}

static struct { int64_t mark, seen, read_at; bool known; } mark;

void pg_mark_forget(void)
{
	mark.known = false;
}

int64_t store_mark(int64_t *seen)
{
	int64_t time = now_boot();
	if (!mark.known || time - mark.read_at >= MARK_SECONDS) {
		bool found = pg_ask(SQL_MARK, NULL) > 0;
		mark.mark = found ? col_number(0, 0) : 0;
		mark.seen = found ? col_number(0, 1) : 0;
		mark.read_at = time;
		mark.known = true;
	}
	*seen = mark.seen;
	return mark.mark;
}

/* What this process has told its caller is what he goes by: a mark below it was lowered on purpose, and one above it raised. */
static void write_mark(int64_t time, int64_t to, int64_t step)
{
	int64_t seen, known = store_mark(&seen);
	struct args a = { 0 };
	if (state_is_vain() || (to == known && time < seen + step))
		return;
	pg_queue(to < known ? SQL_MARK_SET : SQL_MARK_RAISE, arg_int(arg_int(&a, to), time));
	state_changed(1);
	mark.mark = to;
	mark.seen = to < known || time > seen ? time : seen;
}

void store_mark_raise(int64_t time, int64_t to)
{
	int64_t seen, known = store_mark(&seen);
	if (to < known || time >= seen + STORE_MARK_STEP)
		write_mark(time, to, 0);
}

/* ---- rows -------------------------------------------------------------- */

/* A bit for each event that is kept for keep_many alone. */
static int64_t short_lived(void)
{
	int64_t bits = 0;
	for (enum event e = EVENT_LOGIN; e < EVENT_UNKNOWN; e++)
		if (event_share(e) == SHARE_REFRESH || event_share(e) == SHARE_FAILED)
			bits |= INT64_C(1) << e;
	return bits;
}

static void drop_some(int64_t time)
{
	struct args a = { 0 };
	const int64_t others = keep_many > KEEP_OTHERS ? keep_many : KEEP_OTHERS;
	uint8_t dice = 0;
	random_bytes(&dice, 1);
	if (dice % SWEEP_EACH == 0)
		pg_queue(SQL_AUDIT_SWEEP, arg_int(arg_int(arg_int(arg_int(&a, time - keep_many), time - others), SWEEP_ROWS), short_lived()));
}

void store_audit_add(const struct audit *a, int64_t max)
{
	struct args args = { 0 };
	const int64_t number = event_has_count(a->event) ? a->count : a->distance;
	(void)max;
	write_mark(a->time, a->mark, MARK_SECONDS);
	state_changed(1);
	drop_some(a->time);
	if (pg_batch_audit(a, number))
		return;
	arg_int(arg_int(arg_int(arg_int(&args, a->time), a->event), (int64_t)a->user), (int64_t)a->session);
	arg_int(arg_int(arg_bytes(&args, a->ip), a->class), number);
	arg_bytes(&args, a->client);
	pg_queue(SQL_AUDIT_ADD, &args);
}

static size_t audits_from(int64_t n, struct audit out[LIMIT_LIST])
{
	for (int64_t i = 0; i < n; i++) {
		int row = (int)i;
		int64_t number = col_number(row, 7);
		struct audit a = {
			.id = col_int(row, 0),
			.time = col_number(row, 1),
			.event = (enum event)col_enum(row, 2, EVENT_UNKNOWN),
			.user = (uint64_t)col_int(row, 3),
			.session = (uint64_t)col_int(row, 4),
			.ip = col_bytes(row, 5, ADDRESS_MAX),
			.class = (enum reuse_class)col_enum(row, 6, CLASS_UNKNOWN),
			.client = col_bytes(row, 8, LIMIT_CLIENT),
		};
		*(event_has_count(a.event) ? &a.count : &a.distance) = number;
		out[i] = a;
	}
	return (size_t)n;
}

size_t store_audits(uint64_t user, int64_t before, int64_t limit, struct audit out[LIMIT_LIST])
{
	struct args a = { 0 };
	arg_int(arg_int(&a, before ? before : INT64_MAX), limit < LIMIT_LIST ? limit : LIMIT_LIST);
	return audits_from(pg_ask(user ? SQL_AUDITS_OF : SQL_AUDITS, user ? arg_int(&a, (int64_t)user) : &a), out);
}

size_t store_audits_after(int64_t after, struct audit out[LIMIT_LIST])
{
	struct args a = { 0 };
	return audits_from(pg_ask(SQL_AUDITS_AFTER, arg_int(arg_int(&a, after), LIMIT_LIST)), out);
}

void store_trail(struct trail out[SHARE__MAX])
{
	int64_t events = pg_ask(SQL_TRAIL, NULL);
	memset(out, 0, SHARE__MAX * sizeof *out);
	for (int i = 0; i < events; i++) {
		struct trail *t = &out[event_share((enum event)col_enum(i, 0, EVENT_UNKNOWN))];
		t->rows += col_number(i, 1);
		if (t->since == 0 || col_number(i, 2) < t->since)
			t->since = col_number(i, 2);
	}
}
