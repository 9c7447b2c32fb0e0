/*
 * store_test: the store's verbs, and what it does with files that are missing, foreign, damaged,
 * of another version, locked, full or not to be written.
 */
#include "store.h"
#include "t.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

enum { DAY = 86400, NOBODY = 65534 };

static char dir[64];

static const char *file(const char *name)
{
	static char path[4][128];
	static int next;
	char *p = path[next++ % 4];
	snprintf(p, sizeof path[0], "%s/%s", dir, name);
	return p;
}

static void remove_files(void)
{
	static const char *const names[] = { "latchkey.db", "latchkey.db-wal", "latchkey.db-journal", "latchkey.db-shm", "latchkey.lock" };
	store_close();
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unlink(file(names[i]));
}

static void fresh(void)
{
	remove_files();
	store_create(dir);
}

/* What a stranger with a sqlite3 shell does. */
static void alter(const char *sql)
{
	sqlite3 *other;
	int rc = sqlite3_open(file("latchkey.db"), &other);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(other, sql, NULL, NULL, NULL);
	sqlite3_close(other);
	if (rc != SQLITE_OK) {
		printf("Bail out! %s: %s\n", sql, sqlite3_errstr(rc));
		exit(2);
	}
}

static off_t size_of(const char *name)
{
	struct stat s;
	return stat(file(name), &s) == 0 ? s.st_size : -1;
}

/* ---- what dies, and of what -------------------------------------------- */

static void say_code(enum error e)
{
	printf("%d %s\n", errors[e].status, errors[e].code);
	exit(111);
}

static void open_it(void *unused) { (void)unused; store_open(dir, 1); }
static void create_it(void *unused) { (void)unused; store_create(dir); }
static void upgrade_it(void *unused) { (void)unused; store_upgrade(dir); }

/* fn dies with this code, and its log says why. */
static void fails(void (*fn)(void *), const char *code, const char *log, const char *what)
{
	char want[64];
	snprintf(want, sizeof want, "503 %s\n", code);
	is_int(dies(fn, NULL), 111, "%s: dies", what);
	is_str(t_out, want, "%s: %s", what, code);
	if (!ok(strstr(t_err, log) != NULL, "%s: the log says \"%s\"", what, log))
		diag("%s", t_err);
}

/* ---- users ------------------------------------------------------------- */

static struct user user_of(const char *name)
{
	return (struct user){ .id = random_id(), .name = slice_of(name), .password = S("$argon2id$"), .created_at = 7 };
}

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
		&& slice_is(got.agent, s.agent) && slice_is(got.ip, s.ip), "whatever it holds, 64 bits and NUL included");
	s.ctr = 4;
	s.br = 1;
	s.idem = 0;
	s.rotated_at = 50;
	s.user = 6;
	store_begin(DURABLE_LATER);
	store_session_rotate(&s);
	store_commit();
	store_session(s.id, &got);
	ok(got.ctr == 4 && got.br == 1 && got.idem == 0 && got.rotated_at == 50 && got.user == 5, "a rotation writes four columns");
	store_begin(DURABLE_NOW);
	ok(store_session_end(s.id, ENDED_FORK, 60), "ended");
	ok(!store_session_end(s.id, ENDED_LOGOUT, 70) && !store_session_end(1, ENDED_LOGOUT, 70), "once only, and if it is there");
	store_commit();
	store_session(s.id, &got);
	ok(got.ended_at == 60 && got.why == ENDED_FORK, "the first reason stays");
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

/* From a random row on, eight at a time: so often that each has been looked at. */
static void sweep(void)
{
	struct session page[LIMIT_LIST];
	int64_t gone = 0, most = 0;
	fresh();
	store_begin(DURABLE_LATER);
	for (int i = 0; i < 40; i++)
		store_session_add(&(struct session){ .id = random_id(), .user = 1, .rotated_at = i % 4 == 0 ? 1000 : 2000,
			.expires_at = i % 4 == 1 ? 3000 : i % 4 == 2 ? 3001 : 0, .ended_at = i % 4 == 3, .why = i % 4 == 3 ? ENDED_LOGOUT : ENDED_NOT });
	for (int i = 0; i < 1500; i++) {
		int64_t n = store_sweep(3000, 2000);
		gone += n;
		most = n > most ? n : most;
	}
	store_commit();
	ok(most >= 1 && most <= 8, "at most 8 at once: %d", (int)most);
	size_t left = store_sessions(0, 0, page);
	/* The lowest id is looked at only where the random place lies before it. */
	ok(gone + (int64_t)left == 40 && left >= 20 && left <= 22, "idle and past their end: %d gone, %zu left", (int)gone, left);
	size_t over = 0;
	for (size_t i = 0; i < left; i++)
		over += page[i].rotated_at == 1000 || page[i].expires_at == 3000;
	is_int(left - over, 20, "the others stay");
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

static bool is_user(const char *name)
{
	struct user u;
	return store_user_named(slice_of(name), &u);
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
	ok(strstr(t_err, "latchkey: ST13: "), "and the log says so");
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
	store_stay();
	store_open(dir, 1);
	store_run(DURABLE_LATER, add_and_answer, first);
	if (store_run(DURABLE_NOW, write_nothing, NULL) != ERROR_NOT_FOUND || store_run(DURABLE_LATER, add_and_answer, second) != ERROR_NONE)
		exit(3);
	store_settle();
	store_leave();
	exit(0);
}

static void undo_in_batch(void *unused)
{
	(void)unused;
	running.answer = ERROR_USERNAME_TAKEN;
	store_stay();
	store_open(dir, 1);
	store_run(DURABLE_LATER, add_and_answer, third);
}

static void run_batched(void)
{
	fresh();
	store_close();
	is_int(dies(run_in_batch, NULL), 0, "in a batch");
	is_int(dies(undo_in_batch, NULL), 111, "one that wants undone what it wrote ends all");
	ok(strstr(t_err, "latchkey: ST12: "), "and the log says so");
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
	is_int(store_audits(0, 0, 0, 1000, rows), LIMIT_LIST, "at most LIMIT_LIST events");
	ok(rows[0].id == 130 && rows[0].time == 1129 && rows[0].event == EVENT_REUSE && rows[0].user == 2 && rows[0].session == 7
		&& slice_is(rows[0].ip, S("::1")) && rows[0].class == CLASS_OLD && rows[0].distance == -3, "newest first, all columns");
	is_int(store_audits(0, 31, 0, 100, rows), 30, "those before");
	is_int(store_audits(0, 0, 1120, 100, rows), 10, "those since");
	is_int(store_audits(1, 0, 1120, 100, rows), 5, "those of a user");
	is_int(store_audits(0, 0, 0, 3, rows), 3, "as many as asked for");
	is_int(store_audits_after(120, rows), 10, "those after");
	is_int(rows[0].id, 121, "oldest first");
	is_int(store_audits_after(0, rows), LIMIT_LIST, "at most LIMIT_LIST again");
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
	size_t n = store_audits(0, 0, 0, 10, rows);
	bool named = n == 3;
	for (size_t i = 0; i < n; i++)
		named &= rows[i].event == EVENT_UNKNOWN && rows[i].class == CLASS_UNKNOWN;
	ok(named, "no event and no class is one outside of its table");
	ok(store_session(1, &s) && s.why == ENDED_UNKNOWN && store_session(2, &s) && s.why == ENDED_UNKNOWN, "nor is a session's end");
}

/* Trimmed 64 at once: never more than max and one batch. */
static void audit_bound(void)
{
	struct audit rows[LIMIT_LIST];
	static const struct { int64_t max; int64_t oldest; } cases[] = { { 1, 640 }, { 64, 577 }, { 100, 541 }, { 700, 1 } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fresh();
		add_events(640, cases[i].max, 1);
		store_audits_after(0, rows);
		is_int(rows[0].id, cases[i].oldest, "after 640 events with audit_max %d the oldest", (int)cases[i].max);
		add_events(63, cases[i].max, 641);
		store_audits_after(0, rows);
		is_int(rows[0].id, cases[i].oldest, "63 more go unnoticed");
		store_audits(0, 0, 0, 1, rows);
		is_int(rows[0].id, 703, "numbers go on");
	}
}

/* Rows whose numbers have gaps, and rows that are too many. */
static void audit_rebuilt(void)
{
	static const struct { const char *name, *damage; int64_t max, count, first, last; bool sound; } cases[] = {
		{ "no row", "DELETE FROM audit", 100, 0, 0, 0, true },
		{ "all rows", "SELECT 1", 100, 20, 1, 20, true },
		{ "a gap", "DELETE FROM audit WHERE id IN (3, 4, 9)", 100, 17, 4, 20, false },
		{ "a gap at the beginning", "DELETE FROM audit WHERE id < 5", 100, 16, 5, 20, true },
		{ "a jump", "UPDATE audit SET id = id + 1000 WHERE id > 12", 100, 20, 1001, 1020, false },
		{ "a gap, and too many", "DELETE FROM audit WHERE id = 3", 7, 7, 14, 20, false },
		{ "too many", "INSERT INTO audit SELECT id + 20, time, event, user, session + 20, ip, class, distance FROM audit;"
			"INSERT INTO audit SELECT id + 40, time, event, user, session + 40, ip, class, distance FROM audit", 10, 10, 71, 80, false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct audit rows[LIMIT_LIST];
		fresh();
		store_begin(DURABLE_LATER);
		for (uint64_t n = 1; n <= 20; n++)
			store_audit_add(&(struct audit){ .time = 1, .event = EVENT_LOGIN, .session = n }, 100);
		store_commit();
		store_close();
		alter(cases[i].damage);
		store_open(dir, 1);
		struct span span = store_audit_span();
		ok(store_audit_sound(&span, cases[i].max) == cases[i].sound, "%s: %s", cases[i].name, cases[i].sound ? "sound" : "not sound");
		store_begin(DURABLE_NOW);
		store_audit_rebuild(cases[i].max);
		store_commit();
		span = store_audit_span();
		ok(span.count == cases[i].count && span.first == cases[i].first && span.last == cases[i].last, "%s: %d rows, %d to %d",
			cases[i].name, (int)span.count, (int)span.first, (int)span.last);
		ok(store_audit_sound(&span, cases[i].max), "%s: sound then", cases[i].name);
		size_t n = store_audits_after(0, rows), in_order = 1;
		while (in_order < n && rows[in_order - 1].session < rows[in_order].session)
			in_order++;
		ok(n == (size_t)span.count && in_order >= n, "%s: in their order", cases[i].name);
	}
}

static void mark(void)
{
	fresh();
	is_int(store_mark(), 0, "no mark in a new store");
	static const struct { int64_t time, mark; } steps[] = { { 5000, 5000 }, { 8599, 5000 }, { 8600, 8600 }, { 100, 8600 } };
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		store_begin(DURABLE_LATER);
		store_mark_raise(steps[i].time);
		store_commit();
		is_int(store_mark(), steps[i].mark, "raised to %d", (int)steps[i].time);
	}
	add_events(1, 10, 9000);
	is_int(store_mark(), 9000, "an event carries it");
	store_begin(DURABLE_LATER);
	store_mark_raise(20000);
	store_commit();
	struct audit rows[LIMIT_LIST];
	ok(store_mark() == 20000 && store_audits_after(0, rows) == 1 && rows[0].time == 9000, "raised behind an event, it is none itself");
	add_events(1, 10, 100);
	is_int(store_mark(), 100, "the last one does");
}

/* ---- opening ----------------------------------------------------------- */

static void opening(void)
{
	struct stat s;
	remove_files();
	fails(open_it, "store_unavailable", "see latchkey check", "no database");
	fails(upgrade_it, "store_unavailable", "see latchkey check", "nothing to upgrade");
	store_create(dir);
	ok(stat(file("latchkey.db"), &s) == 0 && (s.st_mode & 0777) == 0600, "made for its owner alone");
	is_str(store_journal(), "wal", "with a write-ahead log");
	is_str(store_integrity(), "ok", "in one piece");
	is_str(store_library(), SQLITE_VERSION, "by the library that it was compiled for");
	store_close();
	store_close();
	store_tidy();
	store_rollback();
	store_open(dir, 1);
	store_open("/nowhere", 1);
	ok(size_of("latchkey.db-shm") < 0, "opening a second time does nothing; there is no -shm file");
	store_close();
	fails(create_it, "store_unavailable", "cannot make ", "a database made twice");
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(file(name), "w");
	if (!f || fputs(text, f) < 0 || fclose(f))
		exit(2);
}

/* Who was killed while he made one leaves these behind. */
static void leftovers(void)
{
	static const char *const names[] = { "latchkey.db.new", "latchkey.db.new-journal", "latchkey.db.new-wal" };
	remove_files();
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		put(names[i], "half of something");
	store_create(dir);
	is_str(store_integrity(), "ok", "one that was begun and not finished is in nobody's way");
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		ok(size_of(names[i]) < 0, "%s is gone", names[i]);
	store_close();
	ok(mkdir(file("latchkey.db.new"), 0700) == 0, "what can't be taken away");
	remove_files();
	fails(create_it, "store_unavailable", "cannot make ", "is an error");
	rmdir(file("latchkey.db.new"));
}

/* A process that stays: its requests share a transaction. One writes and is refused behind its commit, as a verdict of
 * reuse is; one writes nothing. */
static void share(void *unused)
{
	struct user u = user_of("shared");
	(void)unused;
	store_stay();
	store_open(dir, 1);
	store_begin(DURABLE_NOW);
	store_user_add(&u);
	store_commit();
	store_rollback();
	store_begin(DURABLE_LATER);
	store_rollback();
	store_settle();
	store_leave();
	store_leave();
}

static void take_back(void *unused)
{
	struct user u = user_of("undone");
	(void)unused;
	store_stay();
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
	diag("%s", t_err);
	is_int(dies(take_back, NULL), 111, "one that wants undone what it wrote ends all");
	ok(strstr(t_err, "ST12"), "and the log says so");
	store_open(dir, 1);
	ok(store_user_named(S("shared"), &u), "what was shared is there");
	ok(!store_user_named(S("undone"), &u), "what was not committed isn't");
	store_close();
}

/* ---- what others do between two turns of a process that stays ---------- */

static void add_user(const char *name)
{
	struct user u = user_of(name);
	store_open(dir, 1);
	store_begin(DURABLE_NOW);
	store_user_add(&u);
	store_commit();
}

static void do_nothing(void) { }
static void do_commit(void) { add_user("other"); }
static void do_empty(void) { store_open(dir, 1); store_freeze(); }
static void do_refill(void) { do_empty(); store_close(); do_commit(); }
static void do_remove_log(void) { unlink(file("latchkey.db-wal")); }
static void do_remove(void) { unlink(file("latchkey.db")); }

/* The same, but another file. */
static void do_replace(void)
{
	char bytes[65536];
	int from = open(file("latchkey.db"), O_RDONLY), to = open(file("copy"), O_WRONLY | O_CREAT, 0600);
	ssize_t n = read(from, bytes, sizeof bytes);
	if (n <= 0 || write(to, bytes, (size_t)n) != n || rename(file("copy"), file("latchkey.db")) != 0)
		_exit(1);
}

enum { GONE, MINE, BOTH, REFUSED };
static const struct turn {
	const char *name;
	void (*others)(void);
	int finds;
} between[] = {
	{ "nothing", do_nothing, MINE }, { "a commit", do_commit, BOTH }, { "the log emptied", do_empty, MINE },
	{ "the log emptied and filled as far again", do_refill, BOTH }, { "the log taken away", do_remove_log, GONE },
	{ "another file in its place", do_replace, MINE }, { "the database taken away", do_remove, REFUSED },
};

/* One that was there before anything was opened, and waits for its word. */
static pid_t other_process(void (*act)(void), int word[2])
{
	char byte;
	if (pipe(word) != 0)
		exit(2);
	pid_t pid = fork();
	if (pid == 0) {
		if (read(word[0], &byte, 1) == 1)
			act();
		store_close();
		_exit(0);
	}
	return pid;
}

static int found(void)
{
	struct user u;
	bool mine = store_user_named(S("mine"), &u), other = store_user_named(S("other"), &u);
	return mine + other;
}

/* Who was killed in the middle of a long transaction leaves a log that is longer than its frames. */
static void add_tail(void)
{
	if (truncate(file("latchkey.db-wal"), size_of("latchkey.db-wal") + 8192) != 0)
		exit(2);
}

/* The log's frames are this process's own, or another's that it read a while ago. */
static void turn(const struct turn *t, bool wrote, bool tail)
{
	int word[2];
	pid_t other = other_process(t->others, word);
	add_user(wrote ? "first" : "mine");
	store_close();
	if (tail)
		add_tail();
	if (!wrote)
		usleep(60 * 1000);
	store_stay();
	if (wrote)
		add_user("mine");
	store_open(dir, 1);
	store_settle();
	if (found() != MINE)
		exit(3);
	store_leave();
	if (write(word[1], "x", 1) != 1 || waitpid(other, &(int){ 0 }, 0) != other)
		exit(3);
	store_open(dir, 1);
	int finds = found();
	add_user("later");
	store_settle();
	store_leave();
	store_rest(dir, 1);
	exit(finds);
}

static void wrote(void *t) { turn(t, true, false); }
static void has_read(void *t) { turn(t, false, false); }
static void wrote_over(void *t) { turn(t, true, true); }
static void read_before(void *t) { turn(t, false, true); }

static void turn_by_turn(void)
{
	static const struct { void (*way)(void *); const char *name; } ways[] = {
		{ wrote, "has written" }, { has_read, "has read" }, { wrote_over, "wrote over a tail" }, { read_before, "read what has a tail" },
	};
	for (size_t i = 0; i < 4 * sizeof between / sizeof *between; i++) {
		const struct turn *t = &between[i / 4];
		struct user u;
		fresh();
		store_freeze();
		store_close();
		bool refused = t->finds == REFUSED;
		is_int(dies(ways[i % 4].way, (void *)(uintptr_t)t), refused ? 111 : t->finds, "between two turns, of one that %s: %s",
			ways[i % 4].name, t->name);
		if (refused)
			continue;
		store_open(dir, 1);
		ok(store_user_named(S("later"), &u) && found() == t->finds && strcmp(store_integrity(), "ok") == 0, "and what it writes then lasts");
	}
	remove_files();
}

static void versions(void)
{
	fresh();
	store_close();
	is_int(store_upgrade(dir), store_version, "nothing to upgrade");
	store_close();
	alter("PRAGMA user_version=99");
	fails(open_it, "store_unavailable", "has schema version 99, this program has ", "a newer version");
	fails(upgrade_it, "store_unavailable", "run a newer latchkey", "can't be upgraded");
	alter("PRAGMA application_id=1; PRAGMA user_version=1");
	fails(open_it, "store_unavailable", "is not a database of latchkey", "another program's");
	fails(upgrade_it, "store_unavailable", "is not a database of latchkey", "can't be upgraded");
	remove_files();
	alter("PRAGMA application_id=1280009593; PRAGMA journal_mode=WAL; CREATE TABLE keep(x)");
	fails(open_it, "store_unavailable", "has schema version 0", "version 0");
	is_int(store_upgrade(dir), 0, "is brought up");
	struct user u = user_of("u");
	store_begin(DURABLE_NOW);
	ok(store_user_add(&u), "and holds users");
	store_commit();
	store_close();
	store_open(dir, 1);
	ok(store_user(u.id, &u), "which stay");
	store_close();
}

static void overwrite(const char *name, off_t at, const char *bytes, size_t n)
{
	int fd = open(file(name), O_RDWR | O_CREAT, 0600);
	if (fd < 0 || pwrite(fd, bytes, n, at) != (ssize_t)n)
		exit(2);
	close(fd);
}

static void read_row(void *unused)
{
	struct session s;
	(void)unused;
	store_open(dir, 1);
	printf("%d\n", store_session(1, &s));
}

/* No damage ever looks like an answer. */
static void damaged(void)
{
	char junk[512];
	memset(junk, 0x5a, sizeof junk);
	remove_files();
	overwrite("latchkey.db", 0, junk, sizeof junk);
	fails(open_it, "store_unavailable", "file is not a database", "a corrupt header");
	remove_files();
	overwrite("latchkey.db", 0, "", 0);
	fails(open_it, "store_unavailable", "is not a database of latchkey", "an empty file");
	fresh();
	store_begin(DURABLE_NOW);
	store_session_add(&(struct session){ .id = 1, .user = 1 });
	store_commit();
	store_close();
	alter("PRAGMA journal_mode=DELETE");
	for (off_t at = 512; at < size_of("latchkey.db"); at += 512)
		overwrite("latchkey.db", at, junk, sizeof junk);
	fails(read_row, "store_unavailable", "malformed", "corrupt pages");
	remove_files();
	mkdir(file("latchkey.db"), 0700);
	fails(open_it, "store_unavailable", "cannot open", "a directory");
	rmdir(file("latchkey.db"));
	fresh();
	remove_files();
	if (symlink("elsewhere", file("latchkey.lock")) == 0)
		fails(open_it, "store_unavailable", "latchkey.lock: ", "a lock file that is a link");
	remove_files();
}

static void long_name(void *unused)
{
	static char name[800];
	(void)unused;
	snprintf(name, sizeof name, "%s", dir);
	while (strlen(name) < 600)
		strcat(name, "/.");
	store_open(name, 1);
}

/* Not root: root may write anything. */
static void open_as_nobody(void *unused)
{
	(void)unused;
	if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
		exit(3);
	store_open(dir, 1);
	store_begin(DURABLE_LATER);
	store_session_end(1, ENDED_REUSE, 1);
	store_commit();
}

static void read_only(void)
{
	fresh();
	store_close();
	alter("PRAGMA journal_mode=DELETE");
	is_int(chmod(dir, 0755) | chmod(file("latchkey.db"), 0444) | chmod(file("latchkey.lock"), 0666), 0, "a database that can be read alone");
	fails(open_as_nobody, "store_unavailable", "cannot be written", "read-only");
	alter("PRAGMA journal_mode=WAL");
	chmod(file("latchkey.db"), 0444);
	fails(open_as_nobody, "store_unavailable", "latchkey: ST", "read-only with a log");
	unlink(file("latchkey.lock"));
	chmod(dir, 0555);
	fails(open_as_nobody, "store_unavailable", "latchkey.lock", "a directory that can't be written");
	chmod(dir, 0700);
	remove_files();
	fails(long_name, "store_unavailable", "latchkey: ST", "a name too long");
}

/* ---- others who want it too -------------------------------------------- */

static pid_t holder(void (*hold)(void))
{
	int ready[2];
	char byte;
	if (pipe(ready) != 0)
		exit(2);
	pid_t pid = fork();
	if (pid == 0) {
		hold();
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	is_int(read(ready[0], &byte, 1), 1, "another process has it");
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void hold_turn(void) { store_open(dir, 1); }

/* A sqlite3 shell in the middle of a transaction: it knows no turns. */
static void hold_file(void)
{
	sqlite3 *other;
	if (sqlite3_open(file("latchkey.db"), &other) != SQLITE_OK || sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		_exit(1);
}

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void busy(void)
{
	static const struct { void (*hold)(void); const char *log; double most; } cases[] = {
		{ hold_turn, "no turn at the store within 1 s", 4 }, { hold_file, "database is locked", 8 },
	};
	for (size_t i = 0; i < 2; i++) {
		fresh();
		store_close();
		pid_t pid = holder(cases[i].hold);
		double start = seconds();
		fails(open_it, "busy", cases[i].log, "held by another");
		double took = seconds() - start;
		ok(took > 0.9 && took < cases[i].most, "after its time: %.1f s", took);
		end(pid);
		store_open(dir, 1);
		is_str(store_integrity(), "ok", "and then it is free");
	}
	store_close();
}

static void wait_for_turn(void *unused)
{
	(void)unused;
	store_open(dir, 5);
}

static void release_soon(void)
{
	store_open(dir, 1);
	if (fork() == 0) {
		usleep(300 * 1000);
		_exit(0);
	}
}

/* The waiter's turn comes: the holder's last descriptor closes after 0.3 s. */
static void turns(void)
{
	fresh();
	store_close();
	pid_t pid = holder(release_soon);
	end(pid);
	double start = seconds();
	is_int(dies(wait_for_turn, NULL), 0, "waits for its turn");
	ok(seconds() - start > 0.02, "a while");
}

/* ---- full -------------------------------------------------------------- */

static void fill(void *unused)
{
	struct rlimit none = { 0, 0 };
	(void)unused;
	signal(SIGXFSZ, SIG_IGN);
	store_open(dir, 1);
	none.rlim_cur = none.rlim_max = (rlim_t)size_of("latchkey.db-wal");
	setrlimit(RLIMIT_FSIZE, &none);
	for (uint64_t i = 2; i < 5000; i++) {
		store_begin(DURABLE_LATER);
		store_session_add(&(struct session){ .id = i, .user = 1 });
		store_commit();
	}
}

static void full(void)
{
	struct session s, page[LIMIT_LIST];
	fresh();
	store_begin(DURABLE_NOW);
	store_session_add(&(struct session){ .id = 1, .user = 1 });
	store_commit();
	store_close();
	fails(fill, "store_full", "latchkey: ST1", "no room");
	store_open(dir, 1);
	ok(store_session(1, &s) && store_sessions(0, 0, page) == 1, "what was committed is there, and nothing else");
	store_close();
}

/* ---- the log ----------------------------------------------------------- */

static void rotate_often(int times)
{
	for (int i = 0; i < times; i++) {
		size_t mark_before = arena_mark();
		store_open(dir, 1);
		store_begin(i % 10 ? DURABLE_LATER : DURABLE_NOW);
		store_session_rotate(&(struct session){ .id = 1, .ctr = i });
		store_audit_add(&(struct audit){ .time = i, .event = EVENT_REFRESH }, 1000);
		store_commit();
		store_tidy();
		store_close();
		arena_back(mark_before);
	}
}

/* A process per request: each opens and closes. */
static void log_stays_small(void)
{
	struct session s;
	off_t most = 0;
	fresh();
	store_begin(DURABLE_NOW);
	store_session_add(&(struct session){ .id = 1, .user = 1 });
	store_commit();
	store_close();
	for (int i = 0; i < 40; i++) {
		rotate_often(50);
		off_t size = size_of("latchkey.db-wal");
		most = size > most ? size : most;
	}
	ok(most > 0 && most < 64 * 1024, "2000 requests leave at most %d bytes of log", (int)most);
	store_open(dir, 1);
	ok(store_session(1, &s) && s.ctr == 49, "and the last of them");
	is_str(store_integrity(), "ok", "in one piece");
	store_close();
}

/* Somebody reads an old state: the log can't be emptied, and that fails no request. */
static void tidy_in_vain(void *unused)
{
	struct rlimit tight = { 4096, RLIM_INFINITY };   /* the database is longer; what it says is not */
	(void)unused;
	signal(SIGXFSZ, SIG_IGN);
	store_open(dir, 1);
	store_begin(DURABLE_LATER);
	for (uint64_t i = 10; i < 3000; i++)
		store_session_add(&(struct session){ .id = i, .user = 1 });
	store_commit();
	setrlimit(RLIMIT_FSIZE, &tight);
	store_tidy();
	tight.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &tight);
	exit(0);
}

static void tidying(void)
{
	struct session s;
	fresh();
	store_close();
	is_int(dies(tidy_in_vain, NULL), 0, "a checkpoint that fails ends nothing");
	if (!ok(strstr(t_err, "latchkey: ST10: checkpoint: ") != NULL, "but is logged"))
		diag("%s %s", t_out, t_err);
	store_open(dir, 1);
	ok(store_session(2999, &s), "and loses nothing");
	store_begin(DURABLE_LATER);
	for (uint64_t i = 5000; i < 5600; i++)
		store_session_add(&(struct session){ .id = i, .user = 1 });
	store_commit();
	store_tidy();
	is_int(size_of("latchkey.db-wal"), 0, "the next one empties the log");
	store_close();
}

/* ---- all of it --------------------------------------------------------- */

int main(void)
{
	snprintf(dir, sizeof dir, "%s/lk-store.XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(dir)) {
		printf("Bail out! no directory\n");
		return 2;
	}
	on_fail(say_code);
	failures(users);
	list_of_users();
	session_row();
	many_sessions();
	sweep();
	run_closes();
	run_batched();
	audit();
	nameless_numbers();
	audit_bound();
	audit_rebuilt();
	mark();
	opening();
	leftovers();
	staying();
	turn_by_turn();
	versions();
	damaged();
	read_only();
	busy();
	turns();
	full();
	log_stays_small();
	tidying();
	remove_files();
	is_int(rmdir(dir), 0, "nothing is left behind");
	return done_testing();
}
