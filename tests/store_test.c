/*
 * store_test: the verbs of store.h and its transactions, as any store must have them. What SQLite's
 * files make of it is sqlite_test's.
 */
#include "store_case.h"

/* ---- users ------------------------------------------------------------- */

static void users(void)
{
	struct user alice = user_of("Alice"), again = user_of("aLICE"), got;
	fresh();
	store_begin(DURABLE_NOW);
	ok(store_user_add(&alice), "a user");
	ok(!store_user_add(&again), "his name in other case is taken");
	store_user_subscription(alice.id, S("{\"plan\":\"pro\"}"));
	store_user_password(alice.id, S("other"));
	store_user_disable(alice.id, true);
	store_commit();
	ok(store_user_named(S("ALICE"), &got) && got.id == alice.id, "found by name, without case");
	ok(slice_is(got.name, S("Alice")) && slice_is(got.password, S("other")) && slice_is(got.subscription, S("{\"plan\":\"pro\"}"))
		&& got.disabled && got.created_at == 7, "all that was set");
	ok(!store_user_named(S("alic"), &got) && !store_user_named(SLICE_NONE, &got) && !store_user(1, &got), "others aren't there");
	ok(!store_user_named(S("Alice\0x"), &got), "a NUL byte ends no name");
	store_begin(DURABLE_NOW);
	store_session_add(&(struct session){ .id = 1, .user = alice.id });
	store_session_add(&(struct session){ .id = 2, .user = 1 });
	store_user_disable(alice.id, false);
	store_commit();
	store_user(alice.id, &got);
	ok(!got.disabled, "enabled again");
	struct session s;
	store_begin(DURABLE_NOW);
	store_user_delete(alice.id);
	store_commit();
	ok(!store_user(alice.id, &got) && !store_session(1, &s) && store_session(2, &s), "deleted with his sessions alone");
}

static bool same_profile(const struct user *u, const struct profile *p)
{
	struct user got;
	return store_user(u->id, &got) && slice_is(got.profile.groups, p->groups) && slice_is(got.profile.email, p->email)
		&& slice_is(got.profile.name, p->name);
}

/* Each member by itself, and none. */
static void profiles(void)
{
	static const struct profile each[] = {
		{ { "admins,family", 13 }, { "a@example.org", 13 }, { "Zo\xc3\xab A.", 7 } }, { .groups = { "admins", 6 } },
		{ .email = { "a@example.org", 13 } }, { .name = { "Ann", 3 } }, { .name = { NULL, 0 } },
	};
	struct user u = user_of("ann"), added = user_of("ben");
	added.profile = each[0];
	fresh();
	store_begin(DURABLE_NOW);
	store_user_add(&u);
	store_user_add(&added);
	ok(same_profile(&u, &each[4]) && same_profile(&added, &each[0]), "a user begins with the profile that he was added with");
	for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
		store_user_profile(u.id, &each[i]);
		ok(same_profile(&u, &each[i]) && same_profile(&added, &each[0]), "profile %zu is kept, of that user alone", i);
	}
	store_commit();
}

/* Bytes of any value, as long as may be; one user's are no other's, and neither column touches the other or the rest of the row. */
static void proofs(void)
{
	static char long_one[LIMIT_CREDENTIALS], factor[LIMIT_FACTOR];
	struct slice keys = { long_one, sizeof long_one }, first = { factor, sizeof factor };
	struct user u = user_of("ann"), other = user_of("ben"), got;
	for (size_t i = 0; i < sizeof long_one; i++)
		long_one[i] = (char)(i * 7);
	fresh();
	store_begin(DURABLE_NOW);
	store_user_add(&u);
	store_user_add(&other);
	ok(store_user_factor(u.id).n == 0 && store_user_keys(u.id).n == 0, "a user begins with neither factor nor keys");
	store_user_factor_set(u.id, first);
	store_user_keys_set(u.id, keys);
	ok(slice_is(store_user_factor(u.id), first) && slice_is(store_user_keys(u.id), keys), "and has what he was given");
	store_commit();
	ok(slice_is(store_user_factor(u.id), first) && slice_is(store_user_keys(u.id), keys), "outside of a transaction, too");
	ok(store_user_factor(other.id).n == 0 && store_user_keys(other.id).n == 0, "nobody else has it");
	ok(store_user_factor(0).n == 0 && store_user_keys(99).n == 0, "nor has who isn't there");
	ok(store_user(u.id, &got) && slice_is(got.name, u.name) && slice_is(got.password, u.password), "the row is as it was");
	store_begin(DURABLE_NOW);
	store_user_factor_set(u.id, SLICE_NONE);
	store_user_password(u.id, S("$other"));
	ok(store_user_factor(u.id).n == 0 && slice_is(store_user_keys(u.id), keys), "the factor alone is taken away");
	store_user_keys_set(u.id, SLICE_NONE);
	store_commit();
	ok(store_user_keys(u.id).n == 0 && store_user(u.id, &got) && slice_is(got.password, S("$other")), "and the keys");
}

/* Of the first commit of this process. */
static void failures(void (*commit)(void))
{
	is_int(store_failure(ERROR_STORE_UNAVAILABLE), ERROR_STORE_UNAVAILABLE, "a failure before any commit is what it is");
	commit();
	is_int(store_failure(ERROR_STORE_UNAVAILABLE), ERROR_UNSETTLED, "behind one it doesn't say that nothing was changed");
	is_int(store_failure(ERROR_STORE_FULL), ERROR_UNSETTLED, "whatever was missing");
	is_int(store_failure(ERROR_INTERNAL), ERROR_INTERNAL, "what says nothing of it stays");
}

static void list_of_users(void)
{
	struct user page[LIMIT_LIST];
	char name[16];
	fresh();
	store_begin(DURABLE_NOW);
	for (int i = 0; i < LIMIT_LIST + 20; i++) {
		snprintf(name, sizeof name, "%cser%03d", i % 2 ? 'U' : 'u', i);
		struct user u = user_of(name);
		store_user_add(&u);
	}
	store_commit();
	is_int(store_users(SLICE_NONE, page), LIMIT_LIST, "the first page of users");
	ok(slice_is(page[0].name, S("user000")) && slice_is(page[1].name, S("User001")), "by name, without case");
	is_int(store_users(page[LIMIT_LIST - 1].name, page), 20, "the second");
	is_int(store_users(page[19].name, page), 0, "and no more");
}

/* ---- sessions ---------------------------------------------------------- */

static void session_row(void)
{
	struct session s = {
		.id = UINT64_C(0x7fffffffffffffff), .user = 5, .ctr = 3, .br = UINT64_MAX, .idem = UINT64_C(1) << 63, .rotated_at = 10,
		.created_at = 9, .expires_at = 100, .cookie = true, .device = S("a\0b"), .agent = S("agent"), .ip = S("::1"),
	}, got;
	fresh();
	store_begin(DURABLE_NOW);
	store_session_add(&s);
	store_commit();
	ok(store_session(s.id, &got), "a session");
	ok(got.user == 5 && got.ctr == 3 && got.br == s.br && got.idem == s.idem && got.rotated_at == 10 && got.created_at == 9
		&& got.expires_at == 100 && got.ended_at == 0 && got.why == ENDED_NOT && got.cookie && slice_is(got.device, s.device)
		&& slice_is(got.agent, s.agent) && slice_is(got.ip, s.ip) && got.strays == 0, "whatever it holds, 64 bits and NUL included");
	s.ctr = 4;
	s.br = 1;
	s.idem = 0;
	s.rotated_at = 50;
	s.user = 6;
	s.strays = 3;
	struct slice agent = s.agent;
	s.agent = S("elsewhere");
	store_begin(DURABLE_LATER);
	store_session_rotate(&s);
	store_commit();
	store_session(s.id, &got);
	ok(got.ctr == 4 && got.br == 1 && got.idem == 0 && got.rotated_at == 50 && got.user == 5 && got.strays == 3
		&& slice_is(got.agent, agent), "a rotation writes five columns");
	s.ip = S("::2");
	s.ctr = 9;
	store_begin(DURABLE_LATER);
	store_session_move(&s);
	store_commit();
	store_session(s.id, &got);
	ok(slice_is(got.agent, s.agent) && slice_is(got.ip, s.ip) && got.ctr == 4, "a move writes the other two");
	store_begin(DURABLE_NOW);
	ok(store_session_end(s.id, ENDED_FORK, 60), "ended");
	ok(!store_session_end(s.id, ENDED_LOGOUT, 70) && !store_session_end(1, ENDED_LOGOUT, 70), "once only, and if it is there");
	store_commit();
	store_session(s.id, &got);
	ok(got.ended_at == 60 && got.why == ENDED_FORK, "the first reason stays");
}

/* What one column holds together, each by itself; and the client, of whatever length it may have. */
static void session_bits(void)
{
	static const struct session each[] = {
		{ .cookie = false }, { .cookie = true }, { .cookie = true, .brief = true }, { .scope = SCOPE_OPENID }, { .scope = SCOPE_OFFLINE | SCOPE_EMAIL },
		{ .scope = (1 << SCOPE__BITS) - 1 }, { .amr = AMR_PASSWORD }, { .amr = (1 << AMR__BITS) - 1 }, { .sso = true },
		{ .cookie = true, .brief = true, .scope = 63, .amr = 255, .sso = true, .client = { "0123456789abcdef0123456789abcdef", LIMIT_CLIENT } },
		{ .client = { "g", 1 } },
	};
	fresh();
	store_begin(DURABLE_NOW);
	for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
		struct session s = each[i], got;
		s.id = i + 1;
		store_session_add(&s);
		ok(store_session(s.id, &got) && got.cookie == s.cookie && got.brief == s.brief && got.scope == s.scope && got.amr == s.amr
			&& got.sso == s.sso && slice_is(got.client, s.client), "session of kind %zu", i);
	}
	store_commit();
}

static void many_sessions(void)
{
	struct session page[LIMIT_LIST];
	fresh();
	store_begin(DURABLE_LATER);
	for (uint64_t i = 1; i <= LIMIT_LIST + 30; i++)
		store_session_add(&(struct session){ .id = i, .user = i <= 3 ? 8 : 9 });
	store_rollback();
	is_int(store_sessions(0, 0, page), 0, "a rollback takes all back");
	store_rollback();
	store_begin(DURABLE_LATER);
	for (uint64_t i = 1; i <= LIMIT_LIST + 30; i++)
		store_session_add(&(struct session){ .id = i, .user = i <= 3 ? 8 : 9 });
	is_int(store_sessions_end(8, 2, ENDED_REVOKED, 5), 2, "all of a user but one end");
	is_int(store_sessions_end(8, 0, ENDED_REVOKED, 5), 1, "then that one");
	is_int(store_sessions_end(7, 0, ENDED_REVOKED, 5), 0, "none of nobody");
	store_commit();
	is_int(store_sessions(8, 0, page), 3, "a user's, ended ones included");
	is_int(store_sessions(8, 2, page), 1, "from a place on");
	is_int(store_sessions(0, 0, page), LIMIT_LIST, "everyone's");
	is_int(store_sessions(0, page[LIMIT_LIST - 1].id, page), 30, "page by page");
}

static void used_sessions(void)
{
	struct session page[LIMIT_LIST];
	enum { MANY = 4000, MOST = 150 };
	fresh();
	store_begin(DURABLE_LATER);
	for (uint64_t i = 1; i <= MANY; i++)
		store_session_add(&(struct session){ .id = i, .user = 9, .rotated_at = (int64_t)(i * 7919 % MANY), .device = S("a device of some length") });
	store_session_add(&(struct session){ .id = MANY + 1, .user = 8, .rotated_at = 1 });
	store_commit();
	size_t n = store_sessions_used(9, INT64_MAX, 0, page);
	bool sorted = n == LIMIT_LIST;
	for (size_t i = 0; sorted && i < n; i++)
		sorted = page[i].rotated_at == MANY - 1 - (int64_t)i;
	ok(sorted, "the last used ones of very many, in order");
	n = store_sessions_used(9, 60, page[0].id, page);
	ok(n == 60 + (page[0].rotated_at == 60) && page[n - 1].rotated_at == 0, "and the rest from a place on: %zu", n);
	int64_t ended = 0, slices = 0, now_ended;
	store_begin(DURABLE_LATER);
	while ((now_ended = store_sessions_trim(9, SLICE_NONE, MOST, ENDED_REPLACED, 5)) > 0) {
		ended += now_ended;
		slices += now_ended <= 64;
	}
	for (int i = 0; i < MANY / 64 + 1; i++)
		store_sessions_trim(9, SLICE_NONE, MOST, ENDED_REPLACED, 5);
	store_commit();
	is_int(ended, MANY - (MOST - 1), "all but MOST - 1 of them end");
	is_int(slices, (ended + 63) / 64, "in slices");
	n = store_sessions_used(9, INT64_MAX, 0, page);
	ok(n == LIMIT_LIST && page[0].rotated_at == MANY - 1 && page[n - 1].rotated_at == MANY - LIMIT_LIST, "the last used ones stay");
	size_t left = 0;
	for (uint64_t after = 0; (n = store_sessions(9, after, page)) > 0; after = page[n - 1].id)
		left += n;
	is_int(left, MOST - 1 + MOST, "and of the ended ones the last MOST");
	ok(store_session(MANY + 1, page) && !page[0].ended_at, "another user's are left alone");
}

/* From a random row on, eight at a time: so often that each has been looked at. */
static void sweep(void)
{
	struct session page[LIMIT_LIST];
	int64_t gone = 0, most = 0;
	fresh();
	store_begin(DURABLE_LATER);
	/* Apart, so that none has a gap before it that no random place ever falls into. */
	for (int i = 0; i < 40; i++)
		store_session_add(&(struct session){ .id = (uint64_t)(i + 1) * (INT64_MAX / 41), .user = 1, .rotated_at = i % 4 == 0 ? 1000 : 2000,
			.expires_at = i % 4 == 1 ? 3000 : i % 4 == 2 ? 3001 : 0, .ended_at = i % 4 == 3, .why = i % 4 == 3 ? ENDED_LOGOUT : ENDED_NOT });
	for (int i = 0; i < 1500; i++) {
		int64_t n = store_sweep(3000 + STORE_TICKET, 2000 + STORE_TICKET);
		gone += n;
		most = n > most ? n : most;
	}
	store_commit();
	ok(most >= 1 && most <= 8, "at most 8 at once: %d", (int)most);
	size_t left = store_sessions(0, 0, page);
	ok(gone + (int64_t)left == 40 && left == 20, "idle and past their end: %d gone, %zu left", (int)gone, left);
	size_t over = 0;
	for (size_t i = 0; i < left; i++)
		over += page[i].rotated_at == 1000 || page[i].expires_at == 3000;
	is_int(left - over, 20, "the others stay");
}

/* What a person answered to a device: its row goes where the device has never asked. */
static void sweep_unclaimed(void)
{
	static const struct session rows[] = {
		{ .id = INT64_MAX - 5, .user = 1, .ctr = 1, .client = { "tv", 2 }, .rotated_at = 2000 },
		{ .id = INT64_MAX - 4, .user = 1, .ctr = 1, .client = { "tv", 2 }, .rotated_at = 2001 },
		{ .id = INT64_MAX - 3, .user = 1, .ctr = 1, .client = { "tv", 2 }, .rotated_at = 2000, .idem = 7 },
		{ .id = INT64_MAX - 2, .user = 1, .ctr = 2, .client = { "tv", 2 }, .rotated_at = 2000 },
		{ .id = INT64_MAX - 1, .user = 1, .ctr = 1, .rotated_at = 2000 },
	};
	struct session s;
	fresh();
	store_begin(DURABLE_LATER);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		store_session_add(&rows[i]);
	int64_t gone = 0;
	for (int i = 0; i < 20; i++)
		gone += store_sweep(2000 + STORE_TICKET, 30 * 86400);
	store_commit();
	is_int(gone, 1, "one goes:");
	ok(!store_session((uint64_t)INT64_MAX - 5, &s), "of which no device asked");
}

/* ---- a transaction that closes itself ---------------------------------- */

static struct { int calls; enum error answer; } running;

/* Adds a user by this name, and says what it is told to. */
static enum error add_and_answer(void *name)
{
	struct user u = user_of(name);
	running.calls++;
	store_user_add(&u);
	return running.answer;
}

static enum error add_session(void *unused)
{
	(void)unused;
	store_session_add(&(struct session){ .id = 1, .user = 1 });
	return ERROR_NONE;
}

static enum error write_nothing(void *unused)
{
	struct session s;
	(void)unused;
	store_must_last();
	return store_session_lock(1, &s) ? ERROR_NONE : ERROR_NOT_FOUND;
}

static enum error add_and_fail(void *name)
{
	add_and_answer(name);
	fail(ERROR_INTERNAL, "T1", "in the middle", NULL);
}

static void run_and_fail(void *name)
{
	store_open(dir, 1);
	store_run(DURABLE_NOW, add_and_fail, name);
}

static void lock_without(void *unused)
{
	struct session s;
	(void)unused;
	store_open(dir, 1);
	store_session_lock(1, &s);
}

static enum error lock_both(void *arg)
{
	struct user u;
	struct session s;
	return store_session_and_user(*(const uint64_t *)arg, true, &s, &u) && s.id == *(const uint64_t *)arg && u.created_at == 7 ? ERROR_NONE : ERROR_NOT_FOUND;
}

static void lock_both_without(void *unused)
{
	struct user u;
	struct session s;
	(void)unused;
	store_open(dir, 1);
	store_session_and_user(1, true, &s, &u);
}

/* A session and its user in one question. */
static void session_and_user(void)
{
	struct user alice = user_of("alice"), u = { .id = 0 };
	struct session s;
	uint64_t one = 1, two = 2, three = 3;
	fresh();
	store_begin(DURABLE_LATER);
	store_user_add(&alice);
	store_session_add(&(struct session){ .id = 1, .user = alice.id, .device = S("car") });
	store_session_add(&(struct session){ .id = 2, .user = 77 });
	store_commit();
	ok(store_session_and_user(1, false, &s, &u), "a session that has its user");
	ok(s.id == 1 && slice_is(s.device, S("car")) && u.id == alice.id && slice_is(u.name, S("alice")) && u.created_at == 7, "both are told");
	ok(!store_session_and_user(2, false, &s, &u), "a session whose user isn't there");
	ok(!store_session_and_user(3, false, &s, &u), "no session");
	is_int(store_run(DURABLE_LATER, lock_both, &one), ERROR_NONE, "locked: both");
	is_int(store_run(DURABLE_LATER, lock_both, &two), ERROR_NOT_FOUND, "locked: without a user");
	is_int(store_run(DURABLE_LATER, lock_both, &three), ERROR_NOT_FOUND, "locked: no session");
	is_int(dies(lock_both_without, NULL), 111, "outside of a transaction nothing is locked");
}

static char first[] = "first", second[] = "second", third[] = "third", fourth[] = "fourth";

/* Each begins its own, so one that is left open would be found. */
static void run_closes(void)
{
	fresh();
	running.answer = ERROR_USERNAME_TAKEN;
	is_int(store_run(DURABLE_NOW, add_and_answer, first), ERROR_USERNAME_TAKEN, "what work answers is what run answers");
	ok(running.calls == 1 && !is_user("first"), "an error takes back what was written");
	is_int(store_run(DURABLE_NOW, write_nothing, NULL), ERROR_NOT_FOUND, "where nothing was written too");
	is_int(store_failure(ERROR_STORE_FULL), ERROR_STORE_FULL, "no commit: a failure is what it is");
	running.answer = ERROR_NONE;
	is_int(store_run(DURABLE_LATER, add_and_answer, second), ERROR_NONE, "none commits");
	is_int(store_run(DURABLE_LATER, add_session, NULL), ERROR_NONE, "and the next likewise");
	store_close();
	store_open(dir, 1);
	ok(is_user("second"), "and that is there");
	is_int(store_run(DURABLE_LATER, write_nothing, NULL), ERROR_NONE, "none, and nothing was written");
	is_int(store_failure(ERROR_STORE_FULL), ERROR_STORE_FULL, "is no commit");
	store_close();
	is_int(dies(run_and_fail, third), 111, "work fails");
	is_int(dies(lock_without, NULL), 111, "a row is locked in a transaction alone");
	is_str(t_out, "500 internal\n", "by our own fault");
	store_open(dir, 1);
	ok(!is_user("third"), "what the failed one wrote isn't there");
	is_int(store_run(DURABLE_NOW, add_and_answer, fourth), ERROR_NONE, "the next one goes on");
	store_close();
}

/* Two requests of a batch: one is refused and wrote nothing. */
static void run_in_batch(void *unused)
{
	(void)unused;
	running.answer = ERROR_NONE;
	store_stay(dir);
	store_open(dir, 1);
	store_run(DURABLE_LATER, add_and_answer, first);
	if (store_run(DURABLE_NOW, write_nothing, NULL) != ERROR_NOT_FOUND || store_run(DURABLE_LATER, add_and_answer, second) != ERROR_NONE)
		exit(3);
	store_commit_batch();
	store_leave(false);
	exit(0);
}

static void undo_in_batch(void *unused)
{
	(void)unused;
	running.answer = ERROR_USERNAME_TAKEN;
	store_stay(dir);
	store_open(dir, 1);
	store_run(DURABLE_LATER, add_and_answer, third);
}

static void run_batched(void)
{
	fresh();
	store_close();
	is_int(dies(run_in_batch, NULL), 0, "in a batch");
	is_int(dies(undo_in_batch, NULL), 111, "one that wants undone what it wrote ends all");
	is_str(t_out, "500 internal\n", "by our own fault");
	store_open(dir, 1);
	ok(is_user("first") && is_user("second") && !is_user("third"), "what stands is there");
	store_close();
}

/* ---- audit and mark ---------------------------------------------------- */

static void add_events(int count, int64_t max, int64_t time)
{
	store_begin(DURABLE_LATER);
	for (int i = 0; i < count; i++)
		store_audit_add(&(struct audit){ .time = time + i, .event = EVENT_REUSE, .user = 1 + (uint64_t)i % 2, .session = 7,
			.ip = S("::1"), .class = CLASS_OLD, .distance = -3 }, max);
	store_commit();
}

static void audit(void)
{
	struct audit rows[LIMIT_LIST];
	fresh();
	add_events(130, 4096, 1000);
	is_int(store_audits(0, 0, 1000, rows), LIMIT_LIST, "at most LIMIT_LIST events");
	ok(rows[0].id == 130 && rows[0].time == 1129 && rows[0].event == EVENT_REUSE && rows[0].user == 2 && rows[0].session == 7
		&& slice_is(rows[0].ip, S("::1")) && rows[0].class == CLASS_OLD && rows[0].distance == -3, "newest first, all columns");
	is_int(store_audits(0, 31, 100, rows), 30, "those before");
	is_int(store_audits(1, 91, 100, rows), 45, "those of a user");
	is_int(store_audits(0, 0, 3, rows), 3, "as many as asked for");
	is_int(store_audits_after(120, rows), 10, "those after");
	is_int(rows[0].id, 121, "oldest first");
	is_int(store_audits_after(0, rows), LIMIT_LIST, "at most LIMIT_LIST again");
}

/* One column is a distance or a count, by the event. */
static void counts(void)
{
	static const struct { enum event event; bool count; } cases[] = {
		{ EVENT_LOGIN, true }, { EVENT_REFRESH, false }, { EVENT_REUSE, false }, { EVENT_FORK, false }, { EVENT_ROLLFORWARD, false },
		{ EVENT_LOGOUT, true }, { EVENT_REVOKE, true }, { EVENT_PASSWORD_CHANGED, true }, { EVENT_USER_DISABLED, true },
		{ EVENT_EPOCH, true }, { EVENT_KEY_ADDED, false },
	};
	struct audit rows[LIMIT_LIST];
	fresh();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		store_begin(DURABLE_LATER);
		store_audit_add(&(struct audit){ .event = cases[i].event, .distance = 3, .count = 5 }, 100);
		store_commit();
		store_audits(0, 0, 1, rows);
		ok(rows[0].distance == (cases[i].count ? 0 : 3) && rows[0].count == (cases[i].count ? 5 : 0), "%s has a %s",
			event_words[cases[i].event], cases[i].count ? "count" : "distance");
	}
}

/* Numbers that have no name, as a damaged row has them, would be looked up in tables. */
static void nameless_numbers(void)
{
	static const int wrong[] = { 9999, -125 };
	struct audit rows[LIMIT_LIST];
	struct session s;
	fresh();
	store_begin(DURABLE_LATER);
	for (uint64_t i = 0; i < 2; i++) {
		store_audit_add(&(struct audit){ .event = (enum event)wrong[i], .class = (enum reuse_class)wrong[i] }, 10);
		store_session_add(&(struct session){ .id = 1 + i, .why = (enum ended)wrong[i] });
	}
	store_audit_add(&(struct audit){ .event = EVENT_UNKNOWN, .class = CLASS_UNKNOWN }, 10);
	store_commit();
	size_t n = store_audits(0, 0, 10, rows);
	bool named = n == 3;
	for (size_t i = 0; i < n; i++)
		named &= rows[i].event == EVENT_UNKNOWN && rows[i].class == CLASS_UNKNOWN;
	ok(named, "no event and no class is one outside of its table");
	ok(store_session(1, &s) && s.why == ENDED_UNKNOWN && store_session(2, &s) && s.why == ENDED_UNKNOWN, "nor is a session's end");
}


/* The oldest are dropped, the newest stay; the numbers go on. */
static void audit_bound(void)
{
	static struct audit rows[LIMIT_LIST];
	fresh();
	add_events(640, 64, 1);
	ok(store_audits_after(0, rows) > 0 && rows[0].time > 1, "more events than audit_max: the oldest are gone");
	store_audits(0, 0, 64, rows);
	int64_t last = rows[0].id;
	ok(rows[0].time == 640 && rows[63].time == 577, "the newest 64 are there");
	add_events(1, 64, 641);
	store_audits(0, 0, 1, rows);
	ok(rows[0].time == 641 && rows[0].id > last, "the next one has a higher number");
}

static void raise_mark(int64_t time, int64_t to)
{
	store_begin(DURABLE_LATER);
	store_mark_raise(time, to);
	store_commit();
}

static void is_mark(int64_t mark, int64_t seen, const char *name)
{
	int64_t got_seen, got = store_mark(&got_seen);
	is_int(got, mark, "%s: the mark", name);
	is_int(got_seen, seen, "%s: last seen", name);
}

static void add_event_at(int64_t time, int64_t vouched)
{
	store_begin(DURABLE_LATER);
	store_audit_add(&(struct audit){ .time = time, .mark = vouched, .event = EVENT_LOGIN }, 10);
	store_commit();
}

static void mark(void)
{
	static const struct { int64_t time, to, mark, seen; const char *name; } steps[] = {
		{ 5000, 5000, 5000, 5000, "the first" }, { 8599, 8599, 5000, 5000, "within the hour" }, { 8600, 8600, 8600, 8600, "an hour on" },
		{ 8700, 8600, 8600, 8600, "not raised" }, { 20000, 8600, 8600, 20000, "seen, and nobody vouched for it" },
		{ 8650, 8600, 8600, 20000, "then before that" }, { 100, 100, 100, 100, "set back" },
	};
	struct audit rows[LIMIT_LIST];
	fresh();
	is_mark(0, 0, "a new store");
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		raise_mark(steps[i].time, steps[i].to);
		is_mark(steps[i].mark, steps[i].seen, steps[i].name);
	}
	add_event_at(9000, 9000);
	is_mark(9000, 9000, "an event carries it");
	add_event_at(9500, 9000);
	is_mark(9000, 9500, "or one that is ahead of it");
	raise_mark(20000, 20000);
	is_mark(20000, 20000, "raised behind an event");
	ok(store_audits_after(0, rows) == 2 && rows[1].time == 9500, "that is no event itself");
	add_event_at(100, 100);
	is_mark(100, 100, "the last one does");
	add_event_at(200, 0);
	is_mark(0, 200, "an event before anybody vouched");
}

/* Whoever isn't there has a neighbour, always the same one. */
static void near(void)
{
	static const struct { const char *name, *next; } cases[] = {
		{ "", "anna" }, { "aaa", "anna" }, { "Anna", "anna" }, { "anna", "anna" }, { "annab", "Ben" }, { "BEN", "Ben" }, { "c", "cora" }, { "cora", "cora" }, { "zoe", "anna" },
	};
	struct user u;
	fresh();
	ok(!store_user_near(S("anna"), &u), "nobody is near where nobody is");
	store_begin(DURABLE_NOW);
	store_user_add(&(struct user){ .id = 1, .name = S("cora") });
	store_user_add(&(struct user){ .id = 2, .name = S("anna") });
	store_user_add(&(struct user){ .id = 3, .name = S("Ben") });
	store_commit();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		ok(store_user_near(slice_of(cases[i].name), &u) && slice_is(u.name, slice_of(cases[i].next)), "near \"%s\": %s", cases[i].name,
			cases[i].next);
}

/* ---- a process that stays ---------------------------------------------- */
/* A process that stays: its requests share a transaction. One writes and is refused behind its commit, as a verdict of
 * reuse is; one writes nothing. */
static void share(void *unused)
{
	struct user u = user_of("shared");
	(void)unused;
	store_stay(dir);
	store_open(dir, 1);
	store_begin(DURABLE_NOW);
	store_user_add(&u);
	store_commit();
	store_rollback();
	store_begin(DURABLE_LATER);
	store_rollback();
	store_commit_batch();
	store_leave(false);
	store_leave(false);
}

static void take_back(void *unused)
{
	struct user u = user_of("undone");
	(void)unused;
	store_stay(dir);
	store_open(dir, 1);
	store_begin(DURABLE_NOW);
	store_user_add(&u);
	store_rollback();
}

static void staying(void)
{
	struct user u;
	fresh();
	store_close();
	is_int(dies(share, NULL), 0, "requests share a transaction: one refused behind its commit undoes nothing");
	is_int(dies(take_back, NULL), 111, "one that wants undone what it wrote ends all");
	is_str(t_out, "500 internal\n", "and that is our own fault");
	store_open(dir, 1);
	ok(store_user_named(S("shared"), &u), "what was shared is there");
	ok(!store_user_named(S("undone"), &u), "what was not committed isn't");
	store_close();
}

/* ---- all of it --------------------------------------------------------- */

int main(void)
{
	make_directory();
	failures(users);
	profiles();
	proofs();
	list_of_users();
	session_row();
	session_bits();
	many_sessions();
	used_sessions();
	sweep();
	sweep_unclaimed();
	session_and_user();
	run_closes();
	run_batched();
	audit();
	counts();
	nameless_numbers();
	if (!slice_starts(slice_of(store_engine()), S("PostgreSQL")))   /* there it is bounded by age: store_pg_test */
		audit_bound();
	mark();
	near();
	staying();
	remove_files();
	is_int(rmdir(dir), 0, "nothing is left behind");
	return done_testing();
}
