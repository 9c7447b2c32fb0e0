/*
 * sqlite_test: what the SQLite store does with files that are missing, foreign, damaged, of another
 * version, locked, full or not to be written; with its log; and between the turns of a process that
 * stays.
 */
#include "store/sqlite.h"
#include "store/sqlite_file.h"
#include "store_case.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

enum { NOBODY = 65534 };

/* What SQLite answers a stranger who opens the file. */
static int answer_to(const char *sql)
{
	sqlite3 *other;
	int rc = sqlite3_open(file("latchkey.db"), &other);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(other, sql, NULL, NULL, NULL);
	sqlite3_close(other);
	return rc;
}

/* What a stranger with a sqlite3 shell does. */
static void alter(const char *sql)
{
	int rc = answer_to(sql);
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

/* ---- audit and mark ---------------------------------------------------- */

enum { MALLORY = 7, ALICE = 8 };

static void add_events(int count, enum event event, uint64_t user, int64_t max)
{
	store_begin(DURABLE_LATER);
	for (int i = 0; i < count; i++)
		store_audit_add(&(struct audit){ .time = 1 + i, .event = event, .user = user, .session = 7 }, max);
	store_commit();
}

static int64_t rows_of(uint64_t user, enum event event)
{
	static struct audit rows[LIMIT_LIST];
	int64_t found = 0, before = 0;
	for (size_t n; (n = store_audits(user, before, LIMIT_LIST, rows)) > 0; before = rows[n - 1].id)
		for (size_t i = 0; i < n; i++)
			found += rows[i].event == event;
	return found;
}

/* What is allowed is kept, and what is more goes at every 64th event, or rarer. */
static void audit_bound(void)
{
	static const struct { int64_t max; int count; int64_t kept; } cases[] = {
		{ 1, 63, 63 }, { 1, 64, 1 }, { 64, 127, 127 }, { 64, 128, 64 }, { 100, 128, 100 }, { 700, 640, 640 },
		{ 800, 999, 999 }, { 800, 1000, 800 },
	};
	static struct audit last[LIMIT_LIST];
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fresh();
		add_events(cases[i].count, EVENT_REUSE, ALICE, cases[i].max);
		is_int(rows_of(0, EVENT_REUSE), cases[i].kept, "%d events, audit_max %d", cases[i].count, (int)cases[i].max);
		store_audits(0, 0, 1, last);
		ok(last[0].id == cases[i].count && last[0].time == cases[i].count, "the newest is there, and numbers go on");
	}
}

/* However many rows somebody makes of one share, those of another are there. */
static void audit_shares(void)
{
	static const enum event flood[] = { EVENT_REFRESH, EVENT_ROLLFORWARD, EVENT_LOGIN_FAILED, EVENT_LOGIN, EVENT_LOGOUT };
	static const enum event kept[] = { EVENT_REUSE, EVENT_FORK, EVENT_REVOKE, EVENT_PASSWORD_CHANGED, EVENT_KEY_ADDED, EVENT_EPOCH };
	for (size_t i = 0; i < sizeof flood / sizeof *flood; i++) {
		int64_t lost = 0;
		fresh();
		for (size_t k = 0; k < sizeof kept / sizeof *kept; k++)
			add_events(3, kept[k], ALICE, 64);
		add_events(1, EVENT_UNKNOWN, ALICE, 64);
		add_events(1000, flood[i], MALLORY, 64);
		for (size_t k = 0; k < sizeof kept / sizeof *kept; k++)
			lost += 3 - rows_of(ALICE, kept[k]);
		is_int(lost, 0, "%s drives out nothing that must be read", event_words[flood[i]]);
		ok(rows_of(MALLORY, flood[i]) < 100, "and is bounded itself");
	}
	fresh();
	add_events(10, EVENT_LOGIN, 0, 64);
	add_events(1000, EVENT_LOGIN_FAILED, 0, 64);
	is_int(rows_of(0, EVENT_LOGIN), 10, "nor do failures drive out sign-ins, of nobody in particular");
}

/* Within a share who has the most loses the oldest. */
static void audit_users(void)
{
	static const enum event each[] = { EVENT_REFRESH, EVENT_LOGIN_FAILED, EVENT_LOGIN, EVENT_REUSE };
	static struct audit rows[LIMIT_LIST];
	for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
		fresh();
		add_events(8, each[i], ALICE, 64);
		add_events(1000, each[i], MALLORY, 64);
		is_int(rows_of(ALICE, each[i]), 8, "%s of another user in any number: one's own are there", event_words[each[i]]);
		size_t n = store_audits(MALLORY, 0, 8, rows);
		ok(n == 8 && rows[0].time == 1000 && rows[7].time == 993, "and that user's newest");
	}
	fresh();
	for (uint64_t user = 1; user <= 640; user++)
		add_events(1, EVENT_LOGIN, user, 64);
	ok(rows_of(0, EVENT_LOGIN) == 16 && rows_of(640, EVENT_LOGIN) == 1, "more users than places: the newest have them");
}

/* Rows that a change of options left, or gaps of an older version, are nothing special. */
static void audit_altered(void)
{
	struct trail t[SHARE__MAX];
	fresh();
	add_events(600, EVENT_LOGIN, ALICE, 10000);
	store_close();
	alter("DELETE FROM audit WHERE id IN (3, 4, 9)");
	store_open(dir, 1);
	store_trail(t);
	ok(t[SHARE_SIGNIN].rows == 597 && t[SHARE_SIGNIN].since == 1 && t[SHARE_KEPT].rows == 0 && t[SHARE_KEPT].since == 0,
		"the trail says how far it reaches");
	add_events(40, EVENT_LOGIN, MALLORY, 64);
	ok(rows_of(ALICE, EVENT_LOGIN) == 8 && rows_of(MALLORY, EVENT_LOGIN) == 8, "cut to what is allowed now, and divided");
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
	is_str(db_journal(), "wal", "with a write-ahead log");
	is_str(db_integrity(), "ok", "in one piece");
	is_str(store_engine() + strlen("SQLite "), sqlite3_libversion(), "by the library that it was compiled for");
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
	is_str(db_integrity(), "ok", "one that was begun and not finished is in nobody's way");
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		ok(size_of(names[i]) < 0, "%s is gone", names[i]);
	store_close();
	ok(mkdir(file("latchkey.db.new"), 0700) == 0, "what can't be taken away");
	remove_files();
	fails(create_it, "store_unavailable", "cannot make ", "is an error");
	rmdir(file("latchkey.db.new"));
}

/* ---- what others do between two turns of a process that stays ---------- */

/* A file's times are whole seconds on JFFS2 and UBIFS; here each is the same, so that nothing can be told by them. */
#ifdef _REDIR_TIME64 /* of musl, where time_t was 32 bits once */
#define FSTAT "__fstat_time64"
#else
#define FSTAT "fstat"
#endif
int real_fstat(int fd, struct stat *out) __asm__("__real_" FSTAT);
int wrap_fstat(int fd, struct stat *out) __asm__("__wrap_" FSTAT);
int __wrap_fstat64(int fd, struct stat *out) __attribute__((alias("__wrap_" FSTAT)));
static bool timeless;
static void (*at_fsync)(void);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	if (at_fsync)
		at_fsync();
	return __real_fsync(fd);
}
int wrap_fstat(int fd, struct stat *out)
{
	int rc = real_fstat(fd, out);
	if (timeless)
		out->st_mtim = out->st_ctim = (struct timespec){ 0 };
	return rc;
}

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
static void do_empty(void) { store_open(dir, 1); db_freeze(); }
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

/*
 * Who was killed in the middle of a long transaction leaves a log that is longer than its frames.
 */
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
	timeless = true;
	store_stay(dir);
	if (wrote)
		add_user("mine");
	store_open(dir, 1);
	store_commit_batch();
	if (found() != MINE)
		exit(3);
	store_leave(false);
	if (write(word[1], "x", 1) != 1 || waitpid(other, &(int){ 0 }, 0) != other)
		exit(3);
	store_open(dir, 1);
	int finds = found();
	add_user("later");
	store_commit_batch();
	store_leave(false);
	store_leave(true);
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
		db_freeze();
		store_close();
		bool refused = t->finds == REFUSED;
		is_int(dies(ways[i % 4].way, (void *)(uintptr_t)t), refused ? 111 : t->finds, "between two turns, of one that %s: %s",
			ways[i % 4].name, t->name);
		if (refused)
			continue;
		store_open(dir, 1);
		ok(store_user_named(S("later"), &u) && found() == t->finds && strcmp(db_integrity(), "ok") == 0, "and what it writes then lasts");
	}
	remove_files();
}

/* A checkpoint of another process, in the same second as the last change. */
static void change_a_tag(void)
{
	static bool changed;
	int fd = open(file("latchkey.db"), O_WRONLY);
	if (!changed && pwrite(fd, "tag", 3, 60) != 3)
		exit(2);
	changed = true;
	close(fd);
}

static void a_backup_meanwhile(void)
{
	fresh();
	add_user("mine");
	store_close();
	int to = open(file("copy"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	timeless = true;
	ok(store_backup(dir, to), "a copy of a database of whole seconds");
	at_fsync = change_a_tag;
	ok(!store_backup(dir, to), "is none where another process emptied the log into it meanwhile");
	at_fsync = NULL;
	timeless = false;
	close(to);
	remove_files();
	unlink(file("copy"));
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

/* A database whose user table has a column less, and no index: what it has stays, what it lacks is there. */
static void an_older_schema(void)
{
	fresh();
	struct user u = user_of("u");
	store_begin(DURABLE_NOW);
	store_user_add(&u);
	store_commit();
	store_close();
	alter("DROP INDEX session_user; PRAGMA writable_schema=ON;"
		"UPDATE sqlite_schema SET sql='CREATE TABLE user(id INTEGER PRIMARY KEY,name TEXT UNIQUE COLLATE NOCASE,password,"
		"subscription,created_at)' WHERE name='user';"
		"PRAGMA writable_schema=RESET; DELETE FROM user; INSERT INTO user VALUES(5,'old','p','s',9); PRAGMA user_version=0");
	is_int(store_upgrade(dir), 0, "an older schema is brought up");
	ok(store_user(5, &u) && slice_is(u.name, S("old")) && u.created_at == 9 && !u.disabled, "its row stays; the new column is 0");
	ok(store_user_factor(5).n == 0 && store_user_keys(5).n == 0, "and those that are bytes are empty");
	store_begin(DURABLE_NOW);
	store_session_add(&(struct session){ .id = 7, .user = 5 });
	store_commit();
	is_str(db_integrity(), "ok", "a session stands in the index that was made");
	store_close();
	store_open(dir, 1);
	ok(store_user(5, &u), "any other process reads it");
	store_close();
}

/* What somebody put into the file beside our tables: left alone, and in nobody's way. */
static void foreign_objects(void)
{
	fresh();
	store_close();
	alter("CREATE VIEW names AS SELECT upper(name) FROM user UNION SELECT 1;"
		"CREATE VIEW sums AS SELECT name, count(*) OVER (ORDER BY name) FROM user GROUP BY name HAVING max(id) > 1;"
		"CREATE TRIGGER every AFTER INSERT ON user BEGIN DELETE FROM user; END;"
		"CREATE TABLE notes(t);"
		"PRAGMA writable_schema=ON;"
		"INSERT INTO sqlite_schema VALUES('table','ft','ft',0,'CREATE VIRTUAL TABLE ft USING fts5(x, y(1))')");
	store_open(dir, 1);
	struct user u = user_of("u");
	store_begin(DURABLE_NOW);
	ok(store_user_add(&u), "a user is added beside a view, a trigger and a virtual table");
	store_commit();
	ok(store_user(u.id, &u), "the trigger didn't fire");
	store_close();
}

/* What tools/sqlite.sed leaves out is an error; what it leaves to a plainer plan is none. */
static void left_out(void)
{
	static const char *const refused[] = {
		"SELECT name FROM user GROUP BY name", "SELECT 1 FROM user HAVING 1", "SELECT count(*) FROM user", "SELECT max(id) FROM user",
		"SELECT max(id) OVER () FROM user", "SELECT upper(name) FROM user", "SELECT id FROM user WHERE name LIKE 'u'", "SELECT * FROM sums"
	};
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		is_int(answer_to(refused[i]), SQLITE_ERROR, "refused: %s", refused[i]);
	is_int(answer_to("SELECT DISTINCT u.name FROM user u LEFT JOIN session s ON s.user=u.id, (SELECT * FROM user WHERE id>0) v"
		" WHERE EXISTS (SELECT 1 FROM session WHERE user=u.id) ORDER BY u.name"), SQLITE_OK, "joins and subqueries are not");
}

/* What 0.1.0 made, with a user, a session and an event. */
static const char first_schema[] =
	"PRAGMA page_size=512; PRAGMA journal_mode=WAL;"
	"CREATE TABLE user(id INTEGER PRIMARY KEY, name TEXT UNIQUE COLLATE NOCASE, password, subscription, created_at, disabled);"
	"CREATE TABLE session(id INTEGER PRIMARY KEY, user, ctr, br, idem, rotated_at, created_at, expires_at, ended_at, why, cookie,"
	" device, agent, ip);"
	"CREATE INDEX session_user ON session(user);"
	"CREATE TABLE audit(id INTEGER PRIMARY KEY, time, event, user, session, ip, class, distance);"
	"INSERT INTO user VALUES(11, 'u', 'p', '', 3, 0);"
	"INSERT INTO session VALUES(12, 11, 5, 6, 7, 8000, 4, 0, 0, 0, 2, 'd', x'', '::1');"
	"INSERT INTO audit VALUES(9, 8000, 3, 11, 12, '::1', 0, 0);"
	"PRAGMA application_id=1280009593; PRAGMA user_version=1";

/* A database of the first release, brought up: all is there, and what it saw was vouched for. */
static void upgrade_of_the_first(void)
{
	struct user u;
	struct session s = { .id = 0 };
	struct audit rows[LIMIT_LIST];
	int64_t seen;
	remove_files();
	alter(first_schema);
	fails(open_it, "store_unavailable", "init --upgrade", "a database of 0.1.0");
	is_int(store_upgrade(dir), 1, "is brought up");
	ok(store_user_named(S("U"), &u) && u.id == 11 && store_session(12, &s) && s.user == 11 && s.ctr == 5 && s.rotated_at == 8000,
		"user and session are there");
	ok(s.cookie && s.brief && s.client.n + s.scope + s.amr + s.sso == 0, "which is of the app API");
	ok(store_mark(&seen) == 8000 && seen == 8000, "what it saw is the mark");
	store_begin(DURABLE_NOW);
	store_audit_add(&(struct audit){ .time = 9000, .mark = 8000, .event = EVENT_REFRESH }, 100);
	store_commit();
	ok(store_mark(&seen) == 8000 && seen == 9000, "a time that nobody vouched for isn't");
	is_int((int64_t)store_audits(0, 0, 10, rows), 2, "both events are there");
	ok(rows[1].id == 9 && rows[1].time == 8000 && rows[0].id == 10, "in their order");
	store_begin(DURABLE_NOW);
	bool had = u.profile.groups.n + u.profile.email.n + u.profile.name.n > 0;
	store_user_profile(11, &(struct profile){ .groups = S("admins") });
	store_commit();
	ok(!had && store_user(11, &u) && slice_is(u.profile.groups, S("admins")), "the user can be put into a group");
	store_close();
	remove_files();
}

/* Rows that nothing here wrote: whoever reads one has room for it, a page of users comes to an end, and no sum overflows. */
static void odd_rows(void)
{
	static struct user users[LIMIT_LIST];
	static struct session page[LIMIT_LIST];
	static struct audit rows[LIMIT_LIST];
	static char letters[800];
	memset(letters, 'a', sizeof letters);
	const struct slice long_text = { letters, sizeof letters };
	size_t before = arena_mark();
	struct buf sql = { 0 };
	fresh();
	store_close();
	for (int i = 1; i <= 150; i++) {
		buf_s(&sql, "INSERT INTO user VALUES(");
		buf_int(&sql, i);
		buf_s(&sql, ",'");
		buf_s(&sql, slice_text(long_text));
		buf_int(&sql, i);
		buf_s(&sql, "','p','s',1,0,'',NULL,NULL);INSERT INTO user VALUES(");
		buf_int(&sql, i + 500);
		buf_s(&sql, ",x'62");
		buf_int(&sql, 100 + i);
		buf_s(&sql, i % 2 ? "0','p','s',1,0,NULL,7,'x');" : "1','p','s',1,0,x'00',NULL,NULL);");
		buf_c(&sql, '\0');
		alter(sql.p);
		sql.n = 0;
	}
	static const char *const rest[] = {
		"INSERT INTO user VALUES(900,'zoe','", "','",
		("',9223372036854775807,0,'"), "','", "','", ("');"
		"INSERT INTO session VALUES(7,900,9223372036854775807,'x',x'00',-9223372036854775807,1e300,'y',NULL,1e18,'c','"), "','", "','",
		("',-9223372036854775807,'a client whose id is longer than any that is registered'), (8,900,1,1,0,1,1,0,0,0,-9223372036854775808,'','','',0,x'00');"
		"INSERT INTO audit VALUES(9223372036854775800,9223372036854775807,3,900,7,'"),
		"',0,9223372036854775807,-5)",
	};
	for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
		buf_s(&sql, rest[i]);
		buf_add(&sql, i + 1 < sizeof rest / sizeof *rest ? long_text : SLICE_NONE);
	}
	buf_c(&sql, '\0');
	alter(sql.p);
	arena_back(before);
	store_open(dir, 1);
	is_int((int64_t)store_users(SLICE_NONE, users), 1, "of three hundred users with odd names none is listed");
	ok(users[0].id == 900 && users[0].subscription.n <= LIMIT_SUBSCRIPTION && users[0].password.n <= 1024
		&& users[0].profile.groups.n <= LIMIT_PROFILE && users[0].profile.email.n + users[0].profile.name.n == 0, "another is, within bounds");
	is_int((int64_t)store_users(users[0].name, users), 0, "and the list ends");
	ok(store_user(5, users) && users[0].name.n == LIMIT_USERNAME, "by its id one is read, cut");
	ok(store_user_factor(900).n == LIMIT_FACTOR && store_user_keys(900).n == sizeof letters && store_user_keys(501).n == 1, "and what he proves himself by");
	is_int((int64_t)store_sessions(0, 0, page), 2, "two sessions of odd values");
	ok(page[0].device.n <= LIMIT_DEVICE && page[0].agent.n <= LIMIT_AGENT && page[0].ip.n <= 64 && page[0].client.n <= LIMIT_CLIENT, "have no longer texts than any other");
	ok(page[0].ctr > 0 && page[0].ctr < INT64_MAX - 1000 && page[0].rotated_at > INT64_MIN + 1000 && page[0].strays < 0, "and numbers that can be added to");
	is_int((int64_t)store_audits(0, 0, 10, rows), 1, "an event of odd values");
	ok(rows[0].ip.n <= 64 && rows[0].time < INT64_MAX - 1000, "too");
	int64_t seen, mark = store_mark(&seen);
	ok(mark == seen && seen > 0, "and a mark that is a time");
	store_close();
	remove_files();
}

/* What is no number where only numbers were written: it revives nothing, and is nobody's. */
static void odd_kinds(void)
{
	static struct user users[LIMIT_LIST];
	static struct session s;
	fresh();
	store_close();
	alter("INSERT INTO user(id,name,password,subscription,created_at,disabled) VALUES(1,'ann','p','',1,0),(0,'zero','p','',1,0),"
		"(4,CAST(x'610062' AS TEXT),'p','',1,0);"
		"INSERT INTO session(id,user,ctr,ended_at) VALUES(1,1,1,NULL),(2,1,1,'0'),(3,'1',1,0),(4,1,1,0);");
	store_open(dir, 1);
	ok(store_user(1, users) && !store_user(0, users), "0 is nobody");
	is_int((int64_t)store_users(S("a"), users), 2, "a name with a NUL in it, behind which no page could go on, isn't listed");
	ok(store_session(1, &s) && s.ended_at && store_session(2, &s) && s.ended_at, "ended is what isn't a number");
	ok(store_session(3, &s) && s.user == 0, "a user that isn't a number is nobody");
	ok(store_session(4, &s) && !s.ended_at && s.user == 1, "numbers are what they are");
	store_close();
	remove_files();
}

static enum error note_two(void *unused)
{
	(void)unused;
	for (int i = 0; i < 2; i++)
		store_audit_add(&(struct audit){ .time = 10 + i, .mark = 10, .event = EVENT_LOGIN, .user = 5, .ip = S("") }, 1000);
	return ERROR_NONE;
}

static enum error raise_mark(void *unused)
{
	(void)unused;
	store_mark_raise(90000, 80000);
	return ERROR_NONE;
}

static enum error add_many(void *count)
{
	for (int64_t i = 1; i <= *(int64_t *)count; i++)
		store_session_add(&(struct session){ .id = (uint64_t)i * 3, .user = 1, .ctr = 1, .ended_at = i % 10 == 0 });
	return ERROR_NONE;
}

static int64_t after, ended;
static bool more;

static enum error end_next(void *unused)
{
	(void)unused;
	more = store_sessions_end_all(&after, ENDED_REVOKED, 7, &ended);
	return ERROR_NONE;
}

/* All sessions end in slices, each once. */
static void slices(void)
{
	static struct session page[LIMIT_LIST];
	int64_t rows = 2 * STORE_SLICE, sum = 0;
	int steps = 0;
	fresh();
	store_run(DURABLE_LATER, add_many, &rows);
	for (after = INT64_MIN, more = true; more; steps++, sum += ended) {
		store_run(DURABLE_LATER, end_next, NULL);
		ok(ended == (steps < 2 ? STORE_SLICE * 9 / 10 : 0), "slice %d: those that stood", steps);
	}
	ok(steps == 3 && sum == rows * 9 / 10, "then there are no more");
	is_int((int64_t)store_sessions_used(1, INT64_MAX, 0, page), 0, "and none stands");
	store_close();
	remove_files();
}

/* The last id of all can't be counted on from: an event that has it makes way, so that nobody is refused. */
static void last_id(void)
{
	static struct audit rows[LIMIT_LIST];
	static const char last[] = "INSERT INTO audit VALUES(3,9,1,5,0,'',0,0,0),(9223372036854775807,9,1,5,0,'',0,0,0)";
	int64_t seen;
	fresh();
	store_close();
	alter(last);
	store_open(dir, 1);
	ok(store_mark(&seen) == 9, "it is the newest");
	is_int(store_run(DURABLE_NOW, note_two, NULL), ERROR_NONE, "behind the last id of all");
	ok(store_audits(0, 0, 10, rows) == 3 && rows[0].id == 5 && rows[0].time == 11 && rows[2].id == 3, "two events have the next ones");
	store_close();
	alter("DELETE FROM audit");
	alter(last);
	store_open(dir, 1);
	is_int(store_run(DURABLE_NOW, raise_mark, NULL), ERROR_NONE, "a mark without an event");
	ok(store_mark(&seen) == 80000 && seen == 90000, "too");
	store_close();
	remove_files();
}

/* Where refreshes are no events marks come between those that are; an event takes the place of a mark, so that none is left behind. */
static void mark_makes_way(void)
{
	static struct audit rows[LIMIT_LIST];
	int64_t seen;
	fresh();
	for (int i = 0; i < 3; i++) {
		is_int(store_run(DURABLE_NOW, note_two, NULL), ERROR_NONE, "two events");
		is_int(store_run(DURABLE_NOW, raise_mark, NULL), ERROR_NONE, "and a mark");
	}
	ok(store_mark(&seen) == 80000 && seen == 90000, "the last one counts");
	ok(store_audits(0, 0, 10, rows) == 6 && rows[0].id == 6 && rows[5].id == 1, "events are numbered as if there were no marks");
	store_close();
	remove_files();
}

static enum error note_and_regret(void *unused)
{
	(void)note_two(unused);
	return ERROR_BUSY;
}

/* What is known of the newest event is what is in the store: after an event, one that was undone, and what another process wrote. */
static void newest_event(void)
{
	int64_t seen;
	fresh();
	ok(store_mark(&seen) == 0 && seen == 0, "an empty trail has no time");
	store_run(DURABLE_LATER, note_two, NULL);
	ok(store_mark(&seen) == 10 && seen == 11, "the newest of two events tells it, and the mark");
	store_run(DURABLE_LATER, raise_mark, NULL);
	ok(store_mark(&seen) == 80000 && seen == 90000, "then a raised mark");
	is_int(store_run(DURABLE_LATER, note_and_regret, NULL), ERROR_BUSY, "two events are undone");
	ok(store_mark(&seen) == 80000 && seen == 90000, "and were never seen");
	store_close();
	alter("INSERT INTO audit VALUES(NULL,95000,3,5,0,'',0,0,1000)");
	store_open(dir, 1);
	ok(store_mark(&seen) == 94000 && seen == 95000, "another process's event is");
	store_begin(DURABLE_LATER);
	store_audit_add(&(struct audit){ .time = 95001, .mark = 96000, .event = EVENT_LOGIN, .ip = S("") }, 1000);
	ok(store_mark(&seen) == 95001 && seen == 95001, "no mark is after its event");
	store_commit();
	store_close();
	store_open(dir, 1);
	ok(store_mark(&seen) == 95001 && seen == 95001, "and so it is in the store");
	store_close();
	remove_files();
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

/* ---- a log that another database's could be ---------------------------- */

enum { LOG_FRAME = 24 + 512, FRAMES = 2 };

/* Written into latchkey.db-wal behind the true log's head. */
static const struct log_case {
	const char *name;
	struct { unsigned char page, commits, tag, salt; } frame[FRAMES];   /* page 0: no such frame */
	unsigned char tag;              /* of the database; 0: none, as 0.1.0's */
	bool refused;
} logs[] = {
	{ "one that its transaction didn't end", { { 2, 0, 0, 0 }, { 0, 0, 0, 0 } }, 7, false },
	{ "the commit of another database", { { 1, 1, 9, 0 }, { 0, 0, 0, 0 } }, 7, true },
	{ "a commit without the first page", { { 2, 1, 0, 0 }, { 0, 0, 0, 0 } }, 7, true },
	{ "the first page of another database, then this one's", { { 1, 1, 9, 0 }, { 1, 1, 7, 0 } }, 7, false },
	{ "this one's, but of an earlier log", { { 2, 1, 0, 0 }, { 1, 1, 7, 1 } }, 7, true },
	{ "a commit without the first page, of a database without a tag", { { 2, 1, 0, 0 }, { 0, 0, 0, 0 } }, 0, false },
	{ "the commit of one with a tag, of a database without", { { 2, 1, 0, 0 }, { 1, 1, 9, 0 } }, 0, true },
};

static void put_tag(unsigned char tag)
{
	overwrite("latchkey.db", 60, (const char[3]){ (char)tag }, 3);
}

/* The checksums are wrong, so that SQLite takes none of the frames. */
static void put_log(const struct log_case *l)
{
	unsigned char frame[LOG_FRAME];
	char salts[8];
	int fd = open(file("latchkey.db-wal"), O_RDWR);
	if (fd < 0 || pread(fd, salts, sizeof salts, 16) != sizeof salts || ftruncate(fd, 32) != 0)
		exit(2);
	for (int i = 0; i < FRAMES && l->frame[i].page; i++) {
		memset(frame, 0, sizeof frame);
		frame[3] = l->frame[i].page;
		frame[7] = l->frame[i].commits;
		memcpy(frame + 8, salts, sizeof salts);
		frame[8] ^= l->frame[i].salt;
		frame[24 + 60] = l->frame[i].tag;
		overwrite("latchkey.db-wal", 32 + i * LOG_FRAME, (const char *)frame, sizeof frame);
	}
	close(fd);
	put_tag(l->tag);
}

static void logs_of_others(void)
{
	for (size_t i = 0; i < sizeof logs / sizeof *logs; i++) {
		fresh();
		db_freeze();
		store_close();
		add_user("mine");
		store_close();
		put_log(&logs[i]);
		if (logs[i].refused)
			fails(open_it, "store_unavailable", "the log of another database", logs[i].name);
		else
			is_int(dies(open_it, NULL), 0, "%s: opened", logs[i].name);
	}
	/* A checkpoint was cut short in the first page: the log has it whole. */
	fresh();
	add_user("mine");
	store_close();
	overwrite("latchkey.db", 0, (const char[64]){ 0 }, 64);
	store_open(dir, 1);
	ok(is_user("mine") && strcmp(db_integrity(), "ok") == 0, "a first page that is torn is read from the log");
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
	chmod(file("latchkey.db"), 0644);
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
	static const struct { void (*hold)(void); const char *log; } cases[] = {
		{ hold_turn, "no turn at the store within 1 s" }, { hold_file, "database is locked" },
	};
	for (size_t i = 0; i < 2; i++) {
		fresh();
		store_close();
		pid_t pid = holder(cases[i].hold);
		double start = seconds();
		fails(open_it, "busy", cases[i].log, "held by another");
		double took = seconds() - start;
		ok(took > 0.9, "not before its time: %.1f s", took);
		end(pid);
		store_open(dir, 1);
		is_str(db_integrity(), "ok", "and then it is free");
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

/* The waiter's turn comes: the holder's last descriptor closes after 0.3 s. On a busy host the waiter may begin later than that, and tries again. */
static void turns(void)
{
	double waited = 0;
	fresh();
	store_close();
	for (int i = 0; i < 20 && waited <= 0.02; i++) {
		pid_t pid = holder(release_soon);
		end(pid);
		double start = seconds();
		is_int(dies(wait_for_turn, NULL), 0, "waits for its turn");
		waited = seconds() - start;
	}
	ok(waited > 0.02, "a while");
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
	is_str(db_integrity(), "ok", "in one piece");
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

/* A request is answered, and others have the turn from then on. */
static void tidy_beside_another(void *unused)
{
	(void)unused;
	store_open(dir, 1);
	store_begin(DURABLE_LATER);
	for (uint64_t i = 10; i < 3000; i++)
		store_session_add(&(struct session){ .id = i, .user = 1 });
	store_commit();
	store_before_answer();
	int other = open(file("latchkey.lock"), O_RDWR | O_CLOEXEC);
	if (other < 0 || flock(other, LOCK_EX) != 0)
		exit(2);
	store_tidy();
	exit(0);
}

static void tidying(void)
{
	struct session s;
	fresh();
	store_close();
	is_int(dies(tidy_beside_another, NULL), 0, "whose log is to be emptied while others have the turn leaves it to them");
	ok(strstr(t_err, "latchkey: ") == NULL, "without a word in the log: %s", t_err);
	ok(size_of("latchkey.db-wal") > 0, "it is there for them");
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
	make_directory();
	audit_bound();
	audit_shares();
	audit_users();
	audit_altered();
	opening();
	leftovers();
	turn_by_turn();
	a_backup_meanwhile();
	versions();
	an_older_schema();
	foreign_objects();
	left_out();
	upgrade_of_the_first();
	odd_rows();
	odd_kinds();
	last_id();
	mark_makes_way();
	newest_event();
	slices();
	damaged();
	logs_of_others();
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
