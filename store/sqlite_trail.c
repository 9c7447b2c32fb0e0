/*
 * sqlite_trail: the audit trail, and the clock's mark, which is the time of its newest row.
 *
 * Ids are given here, each one more than the last; so the trail has no gaps, and to drop the oldest
 * rows takes no count.
 */
#include "store/sqlite.h"

enum {
	TRIM_ROWS = 64,               /* dropped at once: most refreshes write one page of the table */
	MARK_STEP = 3600              /* seconds between writes of the mark where no event has a row */
};

/* The newest row; {0} where there is none. */
static struct audit last_audit(void)
{
	struct audit a = { 0 };
	sqlite3_stmt *st = sql_prepare(SQL_AUDIT_LAST);
	if (sql_row(st))
		a = (struct audit){ .id = sql_int(st, 0), .time = sql_int(st, 1), .event = (enum event)sql_enum(st, 2, EVENT_UNKNOWN) };
	sqlite3_reset(st);
	return a;
}

int64_t store_mark(void)
{
	return last_audit().time;
}

/*
 * Where events have no rows (option audit), the trail ends with a row that is no event and holds
 * the mark.
 */
void store_mark_raise(int64_t time)
{
	struct audit last = last_audit();
	if (time < last.time + MARK_STEP)
		return;
	sqlite3_stmt *st = sql_prepare(SQL_MARK_RAISE);
	sql_bind_int(st, 1, last.event ? last.id + 1 : last.id);
	sql_bind_int(st, 2, time);
	sql_finish(st);
}

static void audit_trim(int64_t newest, int64_t max)
{
	if (newest <= max || newest % TRIM_ROWS != 0)
		return;
	sqlite3_stmt *st = sql_prepare(SQL_AUDIT_TRIM);
	sql_bind_int(st, 1, newest - max);
	sql_finish(st);
}

void store_audit_add(const struct audit *a, int64_t max)
{
	int64_t id = last_audit().id + 1;
	sqlite3_stmt *st = sql_prepare(SQL_AUDIT_ADD);
	sql_bind_int(st, 1, id);
	sql_bind_int(st, 2, a->time);
	sql_bind_int(st, 3, a->event);
	sql_bind_int(st, 4, (int64_t)a->user);
	sql_bind_int(st, 5, (int64_t)a->session);
	sql_bind_text(st, 6, a->ip);
	sql_bind_int(st, 7, a->class);
	sql_bind_int(st, 8, event_has_count(a->event) ? a->count : a->distance);
	sql_finish(st);
	audit_trim(id, max);
}

static size_t audit_rows(sqlite3_stmt *st, struct audit out[LIMIT_LIST])
{
	size_t n = 0;
	for (; sql_row(st); n++) {
		int64_t number = sql_int(st, 7);
		struct audit a = {
			.id = sql_int(st, 0),
			.time = sql_int(st, 1),
			.event = (enum event)sql_enum(st, 2, EVENT_UNKNOWN),
			.user = (uint64_t)sql_int(st, 3),
			.session = (uint64_t)sql_int(st, 4),
			.ip = sql_text(st, 5),
			.class = (enum reuse_class)sql_enum(st, 6, CLASS_UNKNOWN),
		};
		*(event_has_count(a.event) ? &a.count : &a.distance) = number;
		out[n] = a;
	}
	return n;
}

size_t store_audits(uint64_t user, int64_t before, int64_t limit, struct audit out[LIMIT_LIST])
{
	sqlite3_stmt *st = sql_prepare(SQL_AUDITS);
	sql_bind_int(st, 1, before ? before : INT64_MAX);
	sql_bind_int(st, 2, (int64_t)user);
	sql_bind_int(st, 3, limit < LIMIT_LIST ? limit : LIMIT_LIST);
	return audit_rows(st, out);
}

size_t store_audits_after(int64_t after, struct audit out[LIMIT_LIST])
{
	sqlite3_stmt *st = sql_prepare(SQL_AUDITS_AFTER);
	sql_bind_int(st, 1, after);
	sql_bind_int(st, 2, LIMIT_LIST);
	return audit_rows(st, out);
}

/* ---- for `latchkey check` ---------------------------------------------- */

struct trail trail_look(void)
{
	sqlite3_stmt *st = sql_prepare(SQL_AUDIT_SPAN);
	struct trail found = { 0 };
	for (; sql_row(st); found.count++) {
		found.last = sql_int(st, 0);
		if (!found.count)
			found.first = found.last;
	}
	return found;
}

bool trail_is_sound(const struct trail *t, int64_t max)
{
	return t->count == (t->count ? t->last - t->first + 1 : 0) && t->count < max + TRIM_ROWS;
}

/* The highest id below `id`; 0: none. */
static int64_t audit_before(int64_t id)
{
	sqlite3_stmt *st = sql_prepare(SQL_AUDIT_BEFORE);
	sql_bind_int(st, 1, id);
	int64_t before = sql_row(st) ? sql_int(st, 0) : 0;
	sqlite3_reset(st);
	return before;
}

static void audit_move(int64_t from, int64_t to)
{
	sqlite3_stmt *st = sql_prepare(SQL_AUDIT_MOVE);
	sql_bind_int(st, 1, from);
	sql_bind_int(st, 2, to);
	sql_finish(st);
}

/*
 * From the newest row to older ones, so that the id before the one that was
 * given last is free. The newest row keeps its id: `audit --follow` goes on from there.
 */
void trail_rebuild(int64_t max)
{
	int64_t newest = audit_before(INT64_MAX), place = newest;
	for (int64_t id = newest; id > 0 && newest - place < max; id = audit_before(id), place--)
		if (id != place)
			audit_move(id, place);
	sqlite3_stmt *st = sql_prepare(SQL_AUDIT_TRIM);
	sql_bind_int(st, 1, place);
	sql_finish(st);
}
