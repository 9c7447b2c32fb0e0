/*
 * sqlite_trail: the audit trail, and the clock's mark, which its newest row tells: its time, less the seconds by which that is ahead
 * of the mark. Rows of schema 1 have none, so all their times are marks.
 *
 * Each id is one more than the last.
 *
 * What is dropped. A share of the events (store.h) has its own places, so one share takes none from
 * another. Within a share the places are divided fairly: when they are all taken, the user who has
 * the most rows loses the oldest of them. So who makes rows in any number pushes out his own. Users
 * are counted in OWNERS buckets: two users of one bucket have one user's places together.
 *
 * To count takes a walk over all rows, so that it is done once in TRIM_LEAST rows or more, and the
 * trail is that much longer until then.
 */
#include "store/sqlite.h"

#include <string.h>

enum {
	ADDRESS_MAX = 64,             /* bytes of an address as text */
	TRIM_LEAST = 64,              /* rows between two walks, at least, */
	TRIM_PART = 4,                /* and at least this part of the rows that the options allow */
	OWNERS = 1024, OWNER_BITS = 10
};

/* A share's rows. */
struct count {
	int64_t rows, since;
	int64_t over;                 /* how many of them must go */
	int64_t fair;                 /* places for each owner */
	uint32_t of[OWNERS];          /* each owner's rows */
};

/* A row that isn't as it was written (a damaged one) has a mark all the same. */
static int64_t mark_of(int64_t time, int64_t ahead)
{
	return ahead > 0 && ahead <= time ? time - ahead : time;
}

/* The newest row as it was seen or added. While the store is this process's, or nobody else has written, it stays that. */
static struct { bool known; struct audit row; } newest;

void db_forget_trail(void)
{
	newest.known = false;
}

/* The newest row; {0} where there is none. */
static struct audit last_audit(void)
{
	if (newest.known)
		return newest.row;
	struct audit a = { 0 };
	sqlite3_stmt *st = sql_prepare(SQL_AUDIT_LAST);
	if (sql_row(st))
		a = (struct audit){
			.id = sql_int(st, 0),
			.time = sql_number(st, 1),
			.event = (enum event)sql_enum(st, 2, EVENT_UNKNOWN),
			.mark = mark_of(sql_number(st, 1), sql_number(st, 3)),
		};
	sqlite3_reset(st);
	newest.known = true;
	newest.row = a;
	return a;
}

int64_t store_mark(int64_t *seen)
{
	struct audit last = last_audit();
	*seen = last.time;
	return last.mark;
}

static void drop_row(int64_t id)
{
	newest.known = false;
	sqlite3_stmt *st = sql_prepare(SQL_AUDIT_DROP);
	sql_bind_int(st, 1, id);
	sql_finish(st);
}

/* Behind the last id of all SQLite would choose ids at random, and that row would stay the newest. Nothing here gets so far. */
static void clear_last_id(void)
{
	if (newest.known && newest.row.id == INT64_MAX)
		drop_row(newest.row.id);
	newest.known = false;
}

/*
 * Where events have no rows (options audit, audit_refresh), the trail ends with a row that is no event and holds
 * the mark, until an event takes its place.
 */
void store_mark_raise(int64_t time, int64_t to)
{
	struct audit last = last_audit();
	if (time < last.time + STORE_MARK_STEP && to >= last.mark)
		return;
	sqlite3_stmt *st = sql_prepare(SQL_MARK_RAISE);
	clear_last_id();
	sql_bind_int(st, 1, last.event && last.id < INT64_MAX ? last.id + 1 : last.id);
	sql_bind_int(st, 2, time);
	sql_bind_int(st, 3, time - to);
	sql_finish(st);
}

/* ---- what is dropped --------------------------------------------------- */

/* Ids are random, but for 0: nobody. */
static size_t owner_of(uint64_t user)
{
	return (size_t)(user * UINT64_C(0x9e3779b97f4a7c15) >> (64 - OWNER_BITS));
}

static int64_t places_of(enum share share, int64_t max)
{
	static const int64_t part[SHARE__MAX] = { [SHARE_REFRESH] = 2, [SHARE_FAILED] = 4, [SHARE_SIGNIN] = 4, [SHARE_KEPT] = 1 };
	return max > part[share] ? max / part[share] : 1;
}

/* The next row of SQL_AUDIT_WALK: its share and its owner. False at the end. */
static bool walk(sqlite3_stmt *st, enum share *share, size_t *owner)
{
	if (!sql_row(st))
		return false;
	*share = event_share((enum event)sql_enum(st, 2, EVENT_UNKNOWN));
	*owner = owner_of((uint64_t)sql_int(st, 3));
	return true;
}

static void count_rows(struct count out[SHARE__MAX])
{
	sqlite3_stmt *st = sql_prepare(SQL_AUDIT_WALK);
	enum share share;
	size_t owner;
	memset(out, 0, SHARE__MAX * sizeof *out);
	while (walk(st, &share, &owner)) {
		struct count *c = &out[share];
		if (c->rows++ == 0)
			c->since = sql_int(st, 1);
		c->of[owner]++;
	}
}

/* How many rows there are if nobody has more than `each`. */
static int64_t rows_at_most(const struct count *c, int64_t each)
{
	int64_t sum = 0;
	for (size_t i = 0; i < OWNERS; i++)
		sum += c->of[i] < each ? c->of[i] : each;
	return sum;
}

/* Sets over and fair; returns how many rows must go. */
static int64_t divide(struct count *c, int64_t places)
{
	int64_t low = 0, high = places;
	c->over = c->rows - places;
	while (c->over > 0 && low < high) {
		int64_t each = (low + high + 1) / 2;
		if (rows_at_most(c, each) <= places)
			low = each;
		else
			high = each - 1;
	}
	c->fair = low;
	return c->over > 0 ? c->over : 0;
}

/* The oldest rows of those who have more than is fair, `over` in all. */
static void drop_rows(struct count count[SHARE__MAX], int64_t over)
{
	sqlite3_stmt *st = sql_prepare(SQL_AUDIT_WALK);
	enum share share;
	size_t owner;
	while (over > 0 && walk(st, &share, &owner)) {
		struct count *c = &count[share];
		if (c->over <= 0 || c->of[owner] <= c->fair)
			continue;
		c->over--;
		over--;
		c->of[owner]--;
		drop_row(sql_int(st, 0));
	}
	sqlite3_reset(st);
}

static struct count counted[SHARE__MAX];

static void audit_trim(int64_t id, int64_t max)
{
	int64_t step = max / TRIM_PART > TRIM_LEAST ? max / TRIM_PART : TRIM_LEAST, over = 0;
	if (id % step != 0)
		return;
	count_rows(counted);
	for (enum share s = 0; s < SHARE__MAX; s++)
		over += divide(&counted[s], places_of(s, max));
	drop_rows(counted, over);
}

void store_trail(struct trail out[SHARE__MAX])
{
	count_rows(counted);
	for (size_t s = 0; s < SHARE__MAX; s++)
		out[s] = (struct trail){ counted[s].rows, counted[s].since };
}

/* ---- rows -------------------------------------------------------------- */

/* The class is a number. Where there is a client it is a text: the same digits, a blank and the client. SQLite reads a text's digits as a number. */
static void bind_class(sqlite3_stmt *st, int at, const struct audit *a)
{
	if (a->client.n)
		sql_bind_text(st, at, slice_of(text_join(dec(a->class), " ", slice_text(a->client), NULL)));
	else
		sql_bind_int(st, at, a->class);
}

static struct slice client_of(sqlite3_stmt *st, int at)
{
	struct slice text = sqlite3_column_type(st, at) == SQLITE_TEXT ? sql_text(st, at, LIMIT_CLIENT + 3) : SLICE_NONE;
	(void)slice_cut(&text, ' ');
	return text;
}

void store_audit_add(const struct audit *a, int64_t max)
{
	const struct audit last = last_audit();
	if (last.id && last.event == 0)
		drop_row(last.id);
	clear_last_id();
	sqlite3_stmt *st = sql_prepare(SQL_AUDIT_ADD);
	sql_bind_int(st, 1, a->time);
	sql_bind_int(st, 2, a->event);
	sql_bind_int(st, 3, (int64_t)a->user);
	sql_bind_int(st, 4, (int64_t)a->session);
	sql_bind_text(st, 5, a->ip);
	size_t before = arena_mark();
	bind_class(st, 6, a);
	sql_bind_int(st, 7, event_has_count(a->event) ? a->count : a->distance);
	sql_bind_int(st, 8, a->time - a->mark);
	sql_finish(st);
	arena_back(before);
	newest.known = true;
	newest.row = (struct audit){ .id = sql_new_id(), .time = a->time, .event = a->event, .mark = mark_of(a->time, a->time - a->mark) };
	audit_trim(newest.row.id, max);
}

static size_t audit_rows(sqlite3_stmt *st, struct audit out[LIMIT_LIST])
{
	size_t n = 0;
	for (; sql_row(st); n++) {
		int64_t number = sql_number(st, 7);
		struct audit a = {
			.id = sql_int(st, 0),
			.time = sql_number(st, 1),
			.event = (enum event)sql_enum(st, 2, EVENT_UNKNOWN),
			.user = (uint64_t)sql_int(st, 3),
			.session = (uint64_t)sql_int(st, 4),
			.ip = sql_text(st, 5, ADDRESS_MAX),
			.class = (enum reuse_class)sql_enum(st, 6, CLASS_UNKNOWN),
			.client = client_of(st, 6),
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
