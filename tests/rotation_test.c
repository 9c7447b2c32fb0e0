/*
 * rotation_test: what a refresh token is worth beside its row, where the clock steps back; model_test has the rest.
 */
#include "rotation.h"
#include "t.h"

static struct keyring ring;
static const struct user user = { .id = 7 };

static struct rotation beside(const struct session *row, int64_t ctr, int64_t iat, int64_t time)
{
	return (struct rotation){
		.token = { .sid = row->id, .ctr = ctr, .br = ctr == row->ctr ? row->br : 1, .iat = iat, .exp = time + 1000 },
		.time = time, .refresh_ttl = 100000, .reuse_grace = 10, .ring = &ring, .known = true, .row = *row, .user = user,
	};
}

static struct session session(int64_t ctr, int64_t rotated_at)
{
	struct session s = { .id = 5, .user = 7, .ctr = ctr, .rotated_at = rotated_at, .created_at = 1 };
	s.br = jwt_branch(&ring.key[0], s.id, s.ctr, 0);
	return s;
}

/* A refresh at a host whose clock is behind the row's: its successor isn't dated before it. */
static void dates(void)
{
	static const struct { int64_t row, iat, time, want; } cases[] = {
		{ 1000, 1000, 2000, 2000 }, { 1000, 1000, 950, 1000 }, { 1000, 1040, 950, 1040 }, { 1040, 1000, 950, 1040 },
		{ 1000, 1000, 880, 1000 }, { 1000, 1000, 879, 879 }, { 5000, 1000, 950, 1000 }, { 5000, 5000, 950, 950 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct session row = session(3, cases[i].row);
		struct rotation r = beside(&row, 3, cases[i].iat, cases[i].time);
		bool back = rotation_advance(&r, &ring.key[0]);
		is_int(back, cases[i].want < cases[i].row || cases[i].want < cases[i].iat, "must it last: row %d, token %d", (int)cases[i].row,
			(int)cases[i].iat);
		is_int(r.row.rotated_at, cases[i].want, "row %d, token %d, clock %d", (int)cases[i].row, (int)cases[i].iat, (int)cases[i].time);
	}
}

/* The clock steps back by 50 s between two refreshes, and a power cut takes the second one: the client's token is the newer truth. */
static void lost_commit(void)
{
	struct session before = session(6, 1000);
	struct rotation r = beside(&before, 6, 1000, 950);
	rotation_advance(&r, &ring.key[0]);
	struct rotation again = beside(&before, 7, r.row.rotated_at, 1100);
	const struct rule *rule = rotation_judge(&again);
	is_int(rule->act, ACT_ROTATE, "a token from behind a step back rolls the row forward");
	is_int(rule->event, EVENT_ROLLFORWARD, "as after any lost commit");
	struct rotation undated = beside(&before, 7, 950, 1100);
	is_int(rotation_judge(&undated)->event, EVENT_FORK, "control: dated by that clock it would be taken for a fork");
}

/* A row from a clock that was ahead: a token that can't be newer than it isn't taken for a fork. */
static void row_of_the_future(void)
{
	static const struct { int64_t row, time; enum event event; } cases[] = {
		{ 1101, 1100, EVENT_ROLLFORWARD }, { 90000, 1100, EVENT_ROLLFORWARD }, { 1100, 1100, EVENT_FORK },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct session row = session(6, cases[i].row);
		struct rotation r = beside(&row, 7, 1000, cases[i].time);
		is_int(rotation_judge(&r)->event, cases[i].event, "row %d, clock %d", (int)cases[i].row, (int)cases[i].time);
	}
}

static void grace(void)
{
	static const struct { int64_t rotated_at, time, grace; bool given; } cases[] = {
		{ 1000, 1000, 10, true }, { 1000, 1010, 10, true }, { 1000, 1011, 10, false }, { 1000, 990, 10, true }, { 1000, 989, 10, false },
		{ 8200, 1000, 10, false }, { 1000, 1000, 0, false }, { 1000, 1001, 0, false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct session row = session(4, cases[i].rotated_at);
		struct rotation r = beside(&row, 3, cases[i].rotated_at, cases[i].time);
		r.reuse_grace = cases[i].grace;
		r.near = true;
		const struct rule *rule = rotation_judge(&r);
		is_int(rule->act, cases[i].given ? ACT_REPLAY : ACT_END, "rotated at %d, clock %d, grace %d", (int)cases[i].rotated_at,
			(int)cases[i].time, (int)cases[i].grace);
	}
}

/* Three generations one behind the other that were asked for from elsewhere too. */
static void strays(void)
{
	static const struct { int64_t strays; bool near, within; enum act act; enum reuse_class class; int64_t next; } cases[] = {
		{ 0, true, true, ACT_REPLAY, CLASS_NONE, 0 }, { 0, false, true, ACT_FORGIVE, CLASS_NONE, 2 },
		{ 1, false, true, ACT_REPLAY, CLASS_NONE, 2 }, { 2, true, true, ACT_REPLAY, CLASS_NONE, 0 },
		{ 2, false, true, ACT_FORGIVE, CLASS_NONE, 4 }, { 3, false, true, ACT_REPLAY, CLASS_NONE, 4 },
		{ 4, true, true, ACT_REPLAY, CLASS_NONE, 0 }, { 4, false, true, ACT_END, CLASS_SHARED, 0 },
		{ 4, false, false, ACT_END, CLASS_LATE, 0 }, { 0, true, false, ACT_END, CLASS_LATE, 0 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct session row = session(4, 1000);
		row.strays = cases[i].strays;
		struct rotation r = beside(&row, 3, 990, cases[i].within ? 1010 : 1011), current = beside(&row, 4, 1000, 1500);
		r.near = cases[i].near;
		const struct rule *rule = rotation_judge(&r);
		is_int(rule->act, cases[i].act, "%d strays, %s, %s the grace", (int)cases[i].strays, r.near ? "near" : "elsewhere",
			cases[i].within ? "within" : "after");
		is_int(rotation_class(&r, rule), cases[i].class, "and its class");
		current.row.strays += rule->act == ACT_FORGIVE;
		rotation_advance(&current, &ring.key[0]);
		is_int(current.row.strays, cases[i].next, "and what the next generation begins with");
	}
	struct session row = session(4, 1000);
	struct rotation r = beside(&row, 3, 990, 1005);
	r.row.br ^= 1;
	r.row.strays = STRAYS_MOST;
	is_int(rotation_judge(&r)->act, ACT_REFUSE, "beside a damaged row nobody is told that he shares");
}

int main(void)
{
	ring.count = 1;
	memset(ring.key[0].master, 9, KEY_SIZE);
	jwt_name_key(&ring.key[0]);
	dates();
	lost_commit();
	row_of_the_future();
	grace();
	strays();
	return done_testing();
}
