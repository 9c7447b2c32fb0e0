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

/* A session of the client `of`, rotated at 1000 from `place` by a request with key `idem`. */
static struct rotation of_client(struct slice of, bool authenticated, struct slice place, uint64_t idem, int64_t time)
{
	struct session before = session(3, 900);
	before.client = of;
	struct rotation r = beside(&before, 3, 900, 1000), again;
	r.client = of;
	r.authenticated = authenticated;
	r.retry_window = authenticated ? 0 : 3600;
	r.place = place;
	r.idem = idem;
	rotation_advance(&r, &ring.key[0]);
	again = beside(&r.row, 3, 900, time);
	again.client = of;
	again.authenticated = authenticated;
	again.retry_window = r.retry_window;
	again.place = place;
	return again;
}

/* Who shows it comes before what it is worth: a token that is long spent ends nothing either. */
static void other_clients(void)
{
	static const struct { struct slice of, by; bool fits; } cases[] = {
		{ { "", 0 }, { "wiki", 4 }, false }, { { "wiki", 4 }, { "", 0 }, false }, { { "wiki", 4 }, { "wik", 3 }, false },
		{ { "wiki", 4 }, { "Wiki", 4 }, false }, { { "wiki", 4 }, { "wiki", 4 }, true }, { { "", 0 }, { "", 0 }, true },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (int64_t ctr = 1; ctr <= 5; ctr++) {
			struct session row = session(4, 1000);
			row.client = cases[i].of;
			struct rotation r = beside(&row, ctr, 1000, 2000);
			r.client = cases[i].by;
			const struct rule *rule = rotation_judge(&r);
			bool refused = rule->act == ACT_REFUSE && rule->error == ERROR_REFRESH_INVALID;
			ok(refused != cases[i].fits, "client %zu, generation %d", i, (int)ctr);
		}
	struct session row = session(4, 1000);
	row.cookie = true;
	struct rotation r = beside(&row, 4, 1000, 1005);
	is_int(rotation_judge(&r)->act, ACT_ROTATE, "a session of cookie mode");
	r.body_only = true;
	is_int(rotation_judge(&r)->error, ERROR_REFRESH_INVALID, "isn't for a call that answers in the body");
}

/* A client that showed its secret has the same successor at any time; but nothing is said of a damaged row. */
static void authenticated(void)
{
	const struct slice wiki = S("wiki");
	struct rotation r = of_client(wiki, true, SLICE_NONE, 0, 1000 + 80000);
	is_int(rotation_judge(&r)->act, ACT_REPLAY, "a day later");
	r = of_client(wiki, true, SLICE_NONE, 5, 1000 + 80000);
	is_int(rotation_judge(&r)->act, ACT_REPLAY, "also with another key, or none");
	r.row.br ^= 1;
	is_int(rotation_judge(&r)->error, ERROR_STORE_UNAVAILABLE, "not beside a damaged row");
	r = of_client(wiki, true, SLICE_NONE, 0, 1000 + 80000);
	r.token.ctr = 2;
	const struct rule *rule = rotation_judge(&r);
	is_int(rule->event, EVENT_REUSE, "an older token is reuse");
	r = of_client(wiki, false, SLICE_NONE, 0, 1000 + 80000);
	rule = rotation_judge(&r);
	ok(rule->event == EVENT_REUSE && rotation_class(&r, rule) == CLASS_LATE, "control: without a secret it is late");
}

static void public_grace(void)
{
	static const struct { struct slice of; bool authenticated; int64_t grace, after; enum act act; } cases[] = {
		{ { "app", 3 }, false, 10, 30, ACT_REPLAY }, { { "app", 3 }, false, 10, 31, ACT_END }, { { "app", 3 }, false, 0, 1, ACT_END },
		{ { "app", 3 }, false, 60, 60, ACT_REPLAY }, { { "app", 3 }, false, 60, 61, ACT_END }, { { "", 0 }, false, 10, 11, ACT_END },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct rotation r = of_client(cases[i].of, cases[i].authenticated, SLICE_NONE, 0, 1000 + cases[i].after);
		r.reuse_grace = cases[i].grace;
		r.near = true;
		is_int(rotation_judge(&r)->act, cases[i].act, "%d s after, with a grace of %d", (int)cases[i].after, (int)cases[i].grace);
		r.near = false;
		is_int(rotation_judge(&r)->act, cases[i].act == ACT_END ? ACT_END : ACT_FORGIVE, "from elsewhere");
	}
}

/* Which retries without a key are taken for the owner's. */
static void places(void)
{
	const struct slice here = S("\4\300\0\2\7Phone/1"), there = S("\4\300\0\2\10Phone/1");
	static const struct { const char *what; int64_t after, window, grace, strays; uint64_t first, idem; bool moved; enum act act; } cases[] = {
		{ "from there", 3600, 3600, 10, 0, 0, 0, false, ACT_FORGIVE }, { "a second too late", 3601, 3600, 10, 0, 0, 0, false, ACT_END },
		{ "from elsewhere", 60, 3600, 10, 0, 0, 0, true, ACT_END }, { "with a key", 60, 3600, 10, 0, 0, 9, false, ACT_END },
		{ "of a rotation with a key", 60, 3600, 10, 0, 9, 0, false, ACT_END }, { "with no window", 60, 0, 10, 0, 0, 0, false, ACT_END },
		{ "with no grace", 60, 3600, 0, 0, 0, 0, false, ACT_END }, { "once more", 60, 3600, 10, 1, 0, 0, false, ACT_REPLAY },
		{ "in a second generation", 60, 3600, 10, 2, 0, 0, false, ACT_FORGIVE }, { "in a third", 60, 3600, 10, 4, 0, 0, false, ACT_END },
		{ "before a new lineage", 60, 3600, 10, STRAYS_NEVER, 0, 0, false, ACT_END },
		{ "by a clock that was put back", -3600, 3600, 10, 0, 0, 0, false, ACT_FORGIVE }, { "and further", -3601, 3600, 10, 0, 0, 0, false, ACT_END },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct rotation r = of_client(S("app"), false, here, cases[i].first, 1000 + cases[i].after);
		r.retry_window = cases[i].window;
		r.reuse_grace = cases[i].grace;
		r.row.strays = cases[i].strays;
		r.idem = cases[i].idem;
		r.place = cases[i].moved ? there : here;
		const struct rule *rule = rotation_judge(&r);
		is_int(rule->act, cases[i].act, "%s", cases[i].what);
		is_int(rule->event, cases[i].act == ACT_FORGIVE ? EVENT_REPLAY : cases[i].act == ACT_END ? EVENT_REUSE : 0, "and what is noted");
		if (cases[i].strays == STRAYS_MOST)
			is_int(rotation_class(&r, rule), CLASS_SHARED, "as shared by two");
	}
	struct rotation r = of_client(S("app"), false, here, 0, 1060);
	r.row.br ^= 1;
	is_int(rotation_judge(&r)->error, ERROR_STORE_UNAVAILABLE, "nothing is concluded beside a damaged row");
	r = of_client(S("app"), false, SLICE_NONE, 0, 1060);
	ok(r.row.idem == 0 && rotation_judge(&r)->act == ACT_END, "without a place there is no retry, though both have none");
}

/* Whoever knows a place can't send a key that looks like it: the row has a MAC, and no key's hash. */
static void looks_like_a_place(void)
{
	const struct slice here = S("\4\300\0\2\7Phone/1");
	struct rotation r = of_client(S("app"), false, here, jwt_idempotency(here), 1000 + 60);
	const uint64_t hash = r.row.idem;
	is_int(rotation_judge(&r)->act, ACT_END, "a rotation whose key spells the place is no place's");
	r.idem = hash;
	is_int(rotation_judge(&r)->act, ACT_REPLAY, "control: that key has its answer again");
	r = of_client(S("app"), false, here, 0, 1000 + 60);
	ok(r.row.idem != hash && r.row.idem != 0, "what the row has of a place is no hash of it");
	r.idem = hash;
	is_int(rotation_judge(&r)->act, ACT_END, "so a key that spells it is another request");
	struct key second = ring.key[0];
	ring.key[1] = ring.key[0];
	memset(second.master, 7, KEY_SIZE);
	jwt_name_key(&second);
	ring.key[0] = second;
	ring.count = 2;
	r.idem = 0;
	is_int(rotation_judge(&r)->act, ACT_FORGIVE, "where another key signs by now the place is known by the row's");
	ring.key[0] = ring.key[1];
	ring.count = 1;
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
	other_clients();
	authenticated();
	public_grace();
	places();
	looks_like_a_place();
	return done_testing();
}
