/*
 * The rows of the database are input: whatever stands in them, no verb and no route crashes, hangs, reads past an end, shows a
 * secret, or lets a session live that is over.
 *
 * An input changes a small database that this program made, by steps:
 *
 *     0 TABLE ROW COLUMN VALUE    a value of any type in a column of a row
 *     1 TABLE ROW                 the row is deleted
 *     2 TABLE ROW ID              a copy of the row, with another id
 *     3 PLACE BYTE                a byte of the file
 *     4 PLACE                     the file ends there
 *     5 WHAT WHO                  a request or verb that changes something, once all of the above is done
 *
 * Then everything that reads is asked for, as each user, and each verb that lists; then comes what step 5 named; then
 * everything that reads once more. Where only rows were changed the program knows them (it asks SQLite) and no failure is
 * allowed. Where bytes were, 503 is.
 */
#include "fuzz.h"

#include "auth.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "clock.h"
#include "config.h"
#include "door/door.h"
#include "json.h"
#include "jwt.h"
#include "operator/admin.h"
#include "password.h"
#include "dir.h"
#include "rotation.h"
#include "signin.h"
#include "store.h"
#include "store/engine.h"
#include "store/sqlite.h"
#include "store/upkeep.h"
#include "throttle.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

const bool fuzz_starves = false;        /* fail() is caught here */

/* More rows than a page of a list has: the first few of them are those that an input names. */
enum { DAY = 86400, USERS = 3, SESSIONS = 7, EVENTS = 24, ROWS = LIMIT_LIST + 5, STEPS = 24, ACTS = 4, LONGEST = 40000, CHEAP = 8 };

/* Of the second user the subscription, of the third one that he is disabled. */
static const char *const names[USERS] = { "alice", "bob", "carol" };
static const char *const passwords[USERS] = { "correct horse", "battery staple", "hourglass sand" };
static char *hashes[USERS];

static const struct { int user; bool cookie, ended, expired; } made[SESSIONS] = {
	{ 0, false, false, false }, { 0, true, false, false }, { 0, false, true, false }, { 1, false, false, false },
	{ 2, false, false, false }, { 1, false, false, true }, { 7, false, false, false },
};
static struct { char access[LIMIT_JWT + 8], refresh[LIMIT_JWT]; } token[SESSIONS];

static struct config config;
static struct keyring ring;
static char dir[64], key_text[2 * KEY_SIZE + 1];
static struct slice database_file, key_file;
static int64_t time_now, boot_now;
static bool confirmed;
static int input, output, real_stdout;          /* files in memory: a verb's standard input and output */

static uint64_t user_id(int i) { return 0x1111000000000000U + (uint64_t)i; }
static uint64_t session_id(int i) { return 0x2222000000000000U + (uint64_t)i; }
static int64_t fake_clock(void) { return time_now; }
static int64_t fake_boot(void) { return boot_now += DAY; }
static enum clock_witness fake_witness(void) { return confirmed ? CLOCK_KERNEL : CLOCK_NOBODY; }

/* ---- the script -------------------------------------------------------- */

static struct slice left;

static unsigned byte(void)
{
	unsigned value = left.n ? (uint8_t)*left.p : 0;
	left = slice_from(left, 1);
	return value;
}

static uint64_t number(int bytes)
{
	uint64_t value = 0;
	while (bytes--)
		value = value << 8 | byte();
	return value;
}

static struct slice some(size_t n)
{
	struct slice taken = { left.p, n < left.n ? n : left.n };
	left = slice_from(left, taken.n);
	return taken;
}

/* ---- what may fail, and how -------------------------------------------- */

static jmp_buf back;
static bool bytes_changed, in_verb, in_answer;
static char last_line[512];

/* A row that uses up all memory, however long it is, would mean 503 for ever. */
static _Noreturn void give_up(enum error e)
{
	bool memory = strncmp(last_line, "BA2", 3) == 0, expected = in_verb || in_answer;
	in_verb = in_answer = false;
	if (!bytes_changed || memory || !expected)
		fuzz_tell(last_line);
	HOLDS(expected && bytes_changed && !memory);
	HOLDS(errors[e].status >= 500);
	longjmp(back, 1);
}

static void failed(enum error e)
{
	give_up(e);
}

/* A verb that ends the process, because it failed, ends here. */
_Noreturn void __real_exit(int code);
_Noreturn void __wrap_exit(int code);
_Noreturn void __wrap_exit(int code)
{
	if (!in_verb)
		__real_exit(code);
	give_up(ERROR_STORE_UNAVAILABLE);
}

/* No child: it would go on with this program's state. */
pid_t __wrap_fork(void);
pid_t __wrap_fork(void)
{
	return -1;
}

/* After a request or a verb, whatever became of it. */
static void settle(void)
{
	in_verb = in_answer = false;
	log_divert(last_line, sizeof last_line);
	on_fail(failed);
	signin_failed();
	store_close();
	password_slot_leave();
}

/* ---- the database ------------------------------------------------------ */

static const struct { const char *name; int columns; const char *column[16]; int rows; } tables[] = {
	{ "user", 9, { "id", "name", "password", "subscription", "created_at", "disabled", "profile", "factor", "keys" }, USERS },
	{ "session", 16, { "id", "user", "ctr", "br", "idem", "rotated_at", "created_at", "expires_at", "ended_at", "why", "cookie", "device",
		"agent", "ip", "strays", "client" }, SESSIONS },
	{ "audit", 9, { "id", "time", "event", "user", "session", "ip", "class", "distance", "ahead" }, EVENTS },
};
enum { TABLES = sizeof tables / sizeof *tables };

static int64_t row_id(unsigned table, unsigned row)
{
	row %= (unsigned)tables[table].rows;
	return table == 0 ? (int64_t)user_id((int)row) : table == 1 ? (int64_t)session_id((int)row) : (int64_t)row + 1;
}

static sqlite3_stmt *prepare(const char *text)
{
	sqlite3_stmt *st = NULL;
	if (sqlite3_prepare_v2(database, text, -1, &st, NULL) != SQLITE_OK)
		fuzz_tell(sqlite3_errmsg(database));
	HOLDS(st);
	return st;
}

static void bind_value(sqlite3_stmt *st)
{
	static const int64_t odd[] = {
		INT64_MAX, INT64_MIN, INT64_MAX - 1, -1, INT64_C(1) << 60, (INT64_C(1) << 60) + 1, UINT32_MAX, INT32_MIN, 0, 1, 2, 3, 9, 255,
	};
	static char same[LONGEST];
	unsigned kind = byte() % 8, n;
	struct slice s;
	switch (kind) {
	case 0: sqlite3_bind_null(st, 1); break;
	case 1: sqlite3_bind_int64(st, 1, (int64_t)number(8)); break;
	case 2: sqlite3_bind_int64(st, 1, odd[byte() % (sizeof odd / sizeof *odd)]); break;
	case 3: sqlite3_bind_int64(st, 1, time_now + (int8_t)byte() * (int64_t)number(2)); break;
	case 4: sqlite3_bind_double(st, 1, (double)(int64_t)number(8) / 3); break;
	case 5:
		n = byte() * (LONGEST / 256);
		memset(same, (int)byte(), n);
		sqlite3_bind_text(st, 1, same, (int)n, SQLITE_STATIC);
		break;
	default:
		s = some(byte());
		if (kind == 6)
			sqlite3_bind_blob(st, 1, s.n ? s.p : "", (int)s.n, SQLITE_STATIC);
		else
			sqlite3_bind_text(st, 1, s.n ? s.p : "", (int)s.n, SQLITE_STATIC);
	}
}

/* What the name or an index forbids isn't done. */
static void run_row(const char *text, unsigned table, unsigned row, bool with_value, uint64_t id)
{
	sqlite3_stmt *st = prepare(text);
	if (with_value)
		bind_value(st);
	else
		sqlite3_bind_int64(st, 1, (int64_t)id);
	sqlite3_bind_int64(st, 2, row_id(table, row));
	(void)sqlite3_step(st);
	sqlite3_finalize(st);
}

static void change_row(unsigned step)
{
	char text[400];
	unsigned table = byte() % TABLES, row = byte();
	const char *name = tables[table].name;
	if (step == 0) {
		const char *column = tables[table].column[byte() % (unsigned)tables[table].columns];
		snprintf(text, sizeof text, "UPDATE OR IGNORE %s SET %s=?1 WHERE id=?2", name, column);
		run_row(text, table, row, true, 0);
	} else if (step == 1) {
		snprintf(text, sizeof text, "DELETE FROM %s WHERE id=?2 AND id IS NOT ?1", name);
		run_row(text, table, row, false, 0);
	} else {
		int n = snprintf(text, sizeof text, "INSERT OR IGNORE INTO %s SELECT ?1", name);
		for (int i = 1; i < tables[table].columns; i++)
			n += snprintf(text + n, sizeof text - (size_t)n, ",%s%s", tables[table].column[i], table == 0 && i == 1 ? "||?1" : "");
		snprintf(text + n, sizeof text - (size_t)n, " FROM %s WHERE id=?2", name);
		run_row(text, table, row, false, number(8));
	}
}

/* ---- files ------------------------------------------------------------- */

static const char *path_of(const char *name)
{
	static char path[128];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

static void save(const char *name, struct slice bytes)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	HOLDS(fd >= 0 && write_all(fd, bytes) && close(fd) == 0);
}

static struct slice load(const char *name)
{
	struct stat st;
	int fd = open(path_of(name), O_RDONLY | O_CLOEXEC);
	HOLDS(fd >= 0 && fstat(fd, &st) == 0);
	char *p = malloc((size_t)st.st_size);
	HOLDS(p && read(fd, p, (size_t)st.st_size) == st.st_size && close(fd) == 0);
	return (struct slice){ p, (size_t)st.st_size };
}

static void change_bytes(unsigned step, uint64_t place, unsigned value)
{
	struct stat st;
	char c = (char)value;
	int fd = open(path_of("latchkey.db"), O_RDWR | O_CLOEXEC);
	HOLDS(fd >= 0 && fstat(fd, &st) == 0);
	off_t at = (off_t)(place % (uint64_t)(st.st_size ? st.st_size : 1));
	HOLDS(step == 3 ? pwrite(fd, &c, 1, at) == 1 : ftruncate(fd, at) == 0);
	HOLDS(close(fd) == 0);
}

/* ---- what is known of the rows ----------------------------------------- */

/* The first row's column, of a query that asks for one by a number. False: it isn't there, or is of another type. */
static bool find_number(const char *query, int64_t id, int64_t *out)
{
	store_open(dir, 1);
	sqlite3_stmt *st = prepare(query);
	sqlite3_bind_int64(st, 1, id);
	bool found = sqlite3_step(st) == SQLITE_ROW && sqlite3_column_type(st, 0) == SQLITE_INTEGER;
	*out = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return found;
}

static bool is_admitted(int64_t user)
{
	int64_t id, disabled;
	(void)find_number("SELECT disabled FROM user WHERE id=?", user, &disabled);
	return !disabled && find_number("SELECT id FROM user WHERE id=?", user, &id);
}

/* A session stands when its row says so, by numbers, and its user's. */
static bool may_live(int i)
{
	int64_t id = (int64_t)session_id(i), ended, user;
	if (bytes_changed)
		return true;
	if (!find_number("SELECT ended_at FROM session WHERE id=?", id, &ended) || ended
		|| !find_number("SELECT user FROM session WHERE id=?", id, &user))
		return false;
	return user && is_admitted(user);
}

static bool may_sign_in(int user)
{
	if (bytes_changed)
		return true;
	store_open(dir, 1);
	sqlite3_stmt *st = prepare("SELECT password FROM user WHERE name=?");
	sqlite3_bind_text(st, 1, names[user], -1, SQLITE_STATIC);
	bool found = sqlite3_step(st) == SQLITE_ROW && sqlite3_column_type(st, 0) == SQLITE_TEXT
		&& strcmp((const char *)sqlite3_column_text(st, 0), hashes[user]) == 0;
	sqlite3_finalize(st);
	return found;
}

static bool over[SESSIONS];                     /* somebody was told that it is */

/* The user of a session, as its row has it. */
static uint64_t user_of(int i)
{
	struct session s = { 0 };
	store_open(dir, 1);
	return store_session(session_id(i), &s) ? s.user : 0;
}

/* All of a user's sessions but one. */
static void end_sessions(uint64_t user, int but)
{
	for (int i = 0; i < SESSIONS && !bytes_changed; i++)
		over[i] |= i != but && user && user_of(i) == user;
}

/* ---- what comes out ---------------------------------------------------- */

static bool has(struct slice text, const char *part, size_t n)
{
	return text.n >= n && memmem(text.p, text.n, part, n) != NULL;
}

static void shows_no_key(struct slice text)
{
	touch(text);
	HOLDS(!has(text, key_text, 2 * KEY_SIZE));
	HOLDS(!has(text, (const char *)ring.key[0].master, KEY_SIZE));
}

/* Changed bytes may make a hash the text of another column. */
static void shows_no_hash(struct slice text)
{
	for (int i = 0; i < USERS && !bytes_changed; i++)
		HOLDS(!has(text, hashes[i], strlen(hashes[i])));
}

/* Lines that no row can add to or cut short. */
static void is_head(struct slice head)
{
	while (head.n) {
		struct slice line = slice_cut(&head, '\n'), name;
		HOLDS(line.n > 3 && line.p[line.n - 1] == '\r' && head.p);
		line.n--;
		name = slice_cut(&line, ':');
		HOLDS(line.n && name.n);
		for (size_t i = 0; i < line.n; i++)
			HOLDS((unsigned char)line.p[i] >= ' ' && line.p[i] != 0x7f);
	}
}

/* Text for a terminal or for a program. */
static void is_list(struct slice text)
{
	HOLDS(slice_is_utf8(text));
	for (size_t i = 0; i < text.n; i++)
		HOLDS((unsigned char)text.p[i] >= ' ' || text.p[i] == '\n');
}

/* ---- requests ---------------------------------------------------------- */

static struct reply rp;

/* As main.c does it, and its handler of failures. */
static void answer(const struct dialect *d, const struct request *rq)
{
	rp = (struct reply){ 0 };
	bool failure = setjmp(back) != 0;
	in_answer = true;
	route_answer(d, &config, &ring, rq, failure ? ERROR_STORE_UNAVAILABLE : ERROR_NONE, &rp);
	route_finish(&config, rq, &rp);
	if (!failure)
		store_tidy();
	settle();
}

/* The status. `show`: whose access token. */
static int ask(enum method method, const char *path, int show, const char *body)
{
	struct request rq = {
		.method = method, .below = true, .mount = S("/api/auth"), .query = slice_of(path), .peer = S("192.0.2.7"), .user_agent = S("Phone/1"),
		.host = S("example.test"), .content_type = S("application/json"), .sec_fetch_site = S("same-origin"), .body = slice_of(body),
	};
	rq.path = slice_cut(&rq.query, '?');
	if (show >= 0)
		rq.authorization = slice_of(token[show].access);
	answer(&auth_dialect, &rq);
	struct slice text = buf_slice(&rp.body), head = buf_slice(&rp.head);
	struct json j;
	HOLDS(rp.status >= 200 && rp.status < 600);
	HOLDS(text.n == 0 || json_read(text, &j) != JSON_MALFORMED);
	is_head(head);
	shows_no_key(text);
	shows_no_key(head);
	shows_no_hash(text);
	shows_no_hash(head);
	return rp.status;
}

static const char *with_refresh(int i, const char *more)
{
	return text_join("{\"refresh_token\":\"", token[i].refresh, "\"", more, "}", NULL);
}

static char door_cookie[LIMIT_JWT + 64];        /* of the first user, who signed in at the page before all this */

static struct request page_request(enum method method, const char *path, const char *body)
{
	return (struct request){
		.method = method, .below = true, .https = true, .mount = S("/auth"), .path = slice_of(path), .body = slice_of(body),
		.host = S("example.test"), .peer = S("192.0.2.7"), .user_agent = S("Phone/1"), .cookie = slice_of(door_cookie),
		.content_type = S("application/x-www-form-urlencoded"), .sec_fetch_site = S("same-origin"),
	};
}

/* The page shows names, devices, addresses: no text of a row makes a tag, and no tag of the page's own begins with an x. */
static void show_account(void)
{
	bool stands = bytes_changed || is_admitted((int64_t)user_id(0));
	struct request rq = page_request(METHOD_GET, "/account", NULL);
	answer(&door_dialect, &rq);
	struct slice text = buf_slice(&rp.body);
	HOLDS(rp.status != 200 || stands);
	HOLDS(slice_is_utf8(text) && !has(text, "<x", 2));
	is_head(buf_slice(&rp.head));
	shows_no_key(text);
	shows_no_hash(text);
}

static void sign_in_at_page(void)
{
	struct request rq = page_request(METHOD_POST, "/signin", "username=alice&password=correct+horse");
	answer(&door_dialect, &rq);
	struct slice head = buf_slice(&rp.head);
	const char *at = memmem(head.p, head.n, "Set-Cookie: __", 14);
	HOLDS(rp.status == 303 && at);
	head = slice_from(head, (size_t)(at - head.p) + 12);
	snprintf(door_cookie, sizeof door_cookie, "%s", slice_text(slice_cut(&head, ';')));
	rq = page_request(METHOD_GET, "/account", NULL);
	answer(&door_dialect, &rq);
	HOLDS(rp.status == 200);
}

/* Everything that reads, as each user; or one request of each session. */
static void read_all(bool all)
{
	static const char *const paths[] = { "/me", "/sessions", "/sessions?after=1.0000000000000001", "/audit?limit=100", "/verify?live=1" };
	size_t mark = arena_mark();
	for (int i = 0; i < SESSIONS; i++) {
		bool lives = may_live(i);
		for (size_t k = 0; k < (all ? sizeof paths / sizeof *paths : 1); k++) {
			int status = ask(METHOD_GET, paths[k], i, NULL);
			HOLDS(status >= 400 || (lives && !over[i]));
			arena_back(mark);
		}
	}
	ask(METHOD_GET, "/health", -1, NULL);
	show_account();
	arena_back(mark);
}

static void refresh_all(void)
{
	size_t mark = arena_mark();
	for (int i = 0; i < SESSIONS; i++) {
		bool lives = may_live(i);
		int status = ask(METHOD_POST, "/refresh", -1, with_refresh(i, i % 2 ? "" : ",\"idempotency_key\":\"k\""));
		HOLDS(status != 200 || (lives && !over[i]));
		arena_back(mark);
	}
}

/* ---- verbs ------------------------------------------------------------- */

static int exit_code;

/* 111 where it failed. */
static void run_line(int argc, char **argv)
{
	store_close();
	exit_code = 111;
	in_verb = true;
	if (!setjmp(back))
		exit_code = admin_main(argc, argv);
	settle();
}

static struct slice printed(void)
{
	struct stat st;
	HOLDS(fstat(output, &st) == 0);
	char *p = arena((size_t)st.st_size + 1);
	HOLDS(pread(output, p, (size_t)st.st_size, 0) == st.st_size);
	return (struct slice){ p, (size_t)st.st_size };
}

/* The exit code. `words` is split at blanks. */
static int run(const char *words, struct slice typed)
{
	char text[256], *argv[12] = { NULL };
	int argc = 1;
	snprintf(text, sizeof text, "%s --dir %s", words, dir);
	for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	HOLDS(ftruncate(input, 0) == 0 && pwrite(input, typed.p, typed.n, 0) == (ssize_t)typed.n && lseek(input, 0, SEEK_SET) == 0);
	HOLDS(ftruncate(output, 0) == 0 && lseek(output, 0, SEEK_SET) == 0);
	HOLDS(dup2(input, 0) == 0 && dup2(output, 1) == 1);
	run_line(argc, argv);
	HOLDS(dup2(real_stdout, 1) == 1 && exit_code != 100);
	struct slice out = printed();
	bool copies = strcmp(argv[1], "backup") == 0 || strcmp(argv[1], "migrate") == 0;
	shows_no_key(out);
	if (!copies)
		is_list(out);
	if (!copies && strcmp(argv[2], "export") != 0)
		shows_no_hash(out);
	return exit_code;
}

/* Each list, as a table or for programs. */
static void list_all(bool json)
{
	static const char *const lists[][2] = {
		{ "user list", "user list --json" }, { "user export", "user export" }, { "session list --all", "session list --all --json" },
		{ "session list bob", "session list alice" }, { "key list", "key list --json" }, { "audit", "audit --json --since 1h" },
		{ "stats --prometheus", "stats --json" }, { "check", "check --json" }, { "backup -", "stats" }, { "throttle list", "throttle list --json" },
		{ "client list", "client list --json" }, { "user keys bob", "user keys alice --json" },
	};
	size_t mark = arena_mark();
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		run(lists[i][json], SLICE_NONE);
		arena_back(mark);
	}
	for (int i = json; i < SESSIONS; i += 2) {
		bool lives = may_live(i);
		HOLDS(run("verify --live", slice_of(token[i].access + 7)) != 0 || (lives && !over[i]));
		arena_back(mark);
	}
}

/* ---- what changes something -------------------------------------------- */

static int ask_for(int i, const char *path, const char *more, int show)
{
	return ask(METHOD_POST, path, show, with_refresh(i, more));
}

/* What is written last is the newest, whatever ids there are. */
static bool is_newest(enum event event)
{
	int64_t newest;
	return bytes_changed || (find_number("SELECT event FROM audit WHERE id>=? ORDER BY id DESC LIMIT 1", INT64_MIN, &newest)
		&& newest == (int64_t)event);
}

static void act_login(int i)
{
	bool may = may_sign_in(i % USERS);
	int status = ask(METHOD_POST, "/login", -1, text_join("{\"username\":\"", names[i % USERS], "\",\"password\":\"", passwords[i % USERS], "\"}", NULL));
	HOLDS(status != 200 || may);
	HOLDS(status != 200 || is_newest(EVENT_LOGIN));
}

static void act_register(int i)
{
	ask(METHOD_POST, "/register", -1, text_join("{\"username\":\"new", dec(i), "\",\"password\":\"battery staple\",\"idempotency_key\":\"k\"}", NULL));
}

static void act_logout(int i)
{
	if (ask_for(i, "/logout", "", -1) == 204)
		over[i] = true;
}

/* The token of a session that is over has no power over others. */
static void act_logout_all(int i)
{
	uint64_t user = bytes_changed || !may_live(i) ? 0 : user_of(i);
	if (ask_for(i, "/logout", ",\"all\":true", -1) != 204)
		return;
	over[i] = true;
	end_sessions(user, -1);
}

static void act_end_others(int i)
{
	uint64_t user = bytes_changed ? 0 : user_of(i);
	if (ask(METHOD_DELETE, "/sessions", i, NULL) == 204)
		end_sessions(user, i);
}

static void act_end_one(int i)
{
	if (ask(METHOD_DELETE, text_join("/sessions/", id_text(session_id(i)), NULL), i % 2 ? 3 : 0, NULL) == 204)
		over[i] = true;
}

static void act_password(int i)
{
	const char *mine = passwords[made[i].user % USERS];
	uint64_t user = bytes_changed ? 0 : user_of(i);
	int status = ask(METHOD_POST, "/password", i, text_join("{\"current_password\":\"", mine, "\",\"new_password\":\"another staple\"}", NULL));
	if (status == 204)
		end_sessions(user, i);
}

static void act_leave(int i)
{
	uint64_t user = bytes_changed ? 0 : user_of(i);
	if (ask(METHOD_DELETE, "/me", i, text_join("{\"password\":\"", passwords[made[i].user % USERS], "\"}", NULL)) == 204)
		end_sessions(user, -1);
}

static void act_revoke(int i)
{
	if (run(text_join("session revoke ", id_text(session_id(i)), NULL), SLICE_NONE) == 0)
		over[i] = true;
}

static bool find_user(const char *name, struct user *out)
{
	store_open(dir, 1);
	bool found = store_user_named(slice_of(name), out);
	store_close();
	return found;
}

/* What a verb does to all sessions of a user. */
static void end_by_verb(int i, const char *verb, struct slice typed)
{
	struct user u = { 0 };
	bool known = !bytes_changed && find_user(names[i % USERS], &u);
	if (run(text_join(verb, " ", names[i % USERS], NULL), typed) == 0 && known)
		end_sessions(u.id, -1);
}

static void act_revoke_user(int i) { end_by_verb(i, "session revoke --user", SLICE_NONE); }
static void act_disable(int i) { end_by_verb(i, "user disable", SLICE_NONE); }
static void act_delete(int i) { end_by_verb(i, "user delete", SLICE_NONE); }
static void act_passwd(int i) { end_by_verb(i, "user passwd", S("horse correct\n")); }

static void act_epoch(int i)
{
	(void)i;
	if (run("key rotate --epoch", SLICE_NONE) == 0)
		memset(over, !bytes_changed, sizeof over);
}

/* Of the database without its log: what ended meanwhile stands again. */
static void act_restore(int i)
{
	(void)i;
	memset(over, 0, sizeof over);
	struct slice damaged = load("latchkey.db");
	run("restore -", damaged);
	free((void *)(uintptr_t)damaged.p);
}

/* A copy of what is there changes nothing; of one record more or less, little. No end is undone: what reads afterwards sees to that. */
static void act_migrate(int i)
{
	if (run("migrate out", SLICE_NONE) != 0)
		return;
	struct slice stream = printed();
	run("migrate in", stream);
	run("migrate in --again", i % 2 ? stream : (struct slice){ stream.p, stream.n * (size_t)i / SESSIONS });
}

/* A second factor that is begun, confirmed by a wrong ticket, and turned off by a wrong code, whatever stands in the column. */
static void act_totp(int i)
{
	const char *password = text_join("{\"password\":\"", passwords[made[i].user % USERS], "\",\"code\":\"000000\"}", NULL);
	ask(METHOD_POST, "/totp", i, password);
	HOLDS(ask(METHOD_POST, "/totp/confirm", i, "{\"ticket\":\"eyJ\",\"code\":\"000000\"}") >= 400);
	ask(METHOD_POST, "/totp/off", i, password);
}

static void act_verb(int i)
{
	static const struct { const char *words, *typed; } verbs[] = {
		{ "user enable carol", "" }, { "user invite fay --groups staff --url https://a.test", "" }, { "user link alice --url https://a.test", "" }, { "user set bob groups staff,night", "" },
		{ "user set carol name Carol", "" }, { "key export --all --use refresh", "" }, { "user rename bob robert", "" }, { "user set alice subscription -", "{\"plan\":2}\n" },
		{ "user add dave", "horse correct\n" }, { "user import", "erin:$2y$04$abcdefghijklmnopqrstuuN1Q0WbYb1zv1u5b0r8qJ0Yl9f6uCq8K\n" },
		{ "key rotate", "" }, { "key stage", "" }, { "key use 00000000", "" }, { "key retire --old", "" }, { "clock trust", "" }, { "init --upgrade", "" },
		{ "check --repair", "" }, { "key import", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n" }, { "throttle forgive alice", "" },
		{ "user totp alice off", "" }, { "client add wiki https://wiki.test/back", "" }, { "client secret wiki", "" }, { "client remove wiki", "" },
	};
	size_t k = (size_t)i % (sizeof verbs / sizeof *verbs);
	run(verbs[k].words, slice_of(verbs[k].typed));
}

/* A link to a new password, which the user follows: it ends in `#link=` and the ticket. */
static void act_link(int i)
{
	struct user u = { 0 };
	bool known = !bytes_changed && find_user(names[i % USERS], &u);
	if (run(text_join("user link ", names[i % USERS], " --url https://a.test", NULL), SLICE_NONE) != 0)
		return;
	struct slice ticket = slice_trim(printed());
	slice_cut(&ticket, '=');
	const char *body = text_join("{\"ticket\":\"", slice_text(slice_cut(&ticket, '\n')), "\",\"new_password\":\"staple battery\"}", NULL);
	if (ask(METHOD_POST, "/password/link", -1, body) < 300 && known)
		end_sessions(u.id, -1);
}

static void (*const acts[])(int i) = {
	act_login, act_register, act_logout, act_logout_all, act_end_others, act_end_one, act_password, act_leave, act_revoke, act_revoke_user,
	act_disable, act_delete, act_passwd, act_epoch, act_restore, act_verb, act_link, act_migrate, act_totp,
};
enum { KINDS = sizeof acts / sizeof *acts };

static void act(unsigned what, unsigned who)
{
	size_t mark = arena_mark();
	acts[what]((int)(acts[what] == act_verb ? who : who % SESSIONS));
	arena_back(mark);
}

/* ---- the small database ------------------------------------------------ */

static void make_users(void)
{
	for (int i = 0; i < USERS; i++) {
		struct slice hash = password_hash(slice_of(passwords[i]), (struct password_cost){ CHEAP, 1 });
		hashes[i] = strndup(hash.p, hash.n);
		store_user_add(&(struct user){ .id = user_id(i), .name = slice_of(names[i]), .password = hash, .created_at = time_now - DAY,
			.subscription = i == 1 ? S("{\"plan\":1}") : SLICE_NONE, .disabled = i == 2,
			.profile = { S("staff,admins"), S("a@example.test"), S("A. Name") } });
	}
}

/* Rows that make the lists long. */
static void make_more(int i)
{
	char name[16];
	snprintf(name, sizeof name, "user%d", i);
	store_user_add(&(struct user){ .id = user_id(i), .name = slice_of(name), .password = S("none"), .created_at = time_now - DAY });
	store_session_add(&(struct session){ .id = session_id(i), .user = user_id(0), .ctr = 1, .rotated_at = time_now - DAY - i,
		.created_at = time_now - DAY - i });
}

static void make_session(int i)
{
	int64_t at = made[i].expired ? time_now - 31 * DAY : time_now - 60;
	struct session s = {
		.id = session_id(i), .user = user_id(made[i].user), .ctr = 3, .rotated_at = at, .created_at = at - DAY, .cookie = made[i].cookie,
		.ended_at = made[i].ended ? at : 0, .why = made[i].ended ? ENDED_LOGOUT : ENDED_NOT, .device = S("kitchen"), .agent = S("Phone/1"),
		.ip = S("192.0.2.7"),
	};
	s.br = jwt_branch(&ring.key[0], s.id, s.ctr, 0);
	store_session_add(&s);
	struct slice refresh = jwt_seal_refresh(&ring.key[0], &(struct refresh_claims){ config.issuer, s.id, s.ctr, s.br, at, at + 30 * DAY });
	struct slice access = jwt_seal_access(&ring.key[0], &(struct access_claims){ .iss = config.issuer, .aud = config.audience,
		.name = slice_of(names[made[i].user % USERS]), .sub = s.user, .sid = s.id, .iat = time_now, .exp = time_now + 900, .jti = 1 });
	snprintf(token[i].refresh, sizeof token[i].refresh, "%.*s", (int)refresh.n, refresh.p);
	snprintf(token[i].access, sizeof token[i].access, "Bearer %.*s", (int)access.n, access.p);
}

static void make_key(void)
{
	ring.count = 1;
	ring.key[0].created_at = time_now - 2 * DAY;
	for (int i = 0; i < KEY_SIZE; i++)
		ring.key[0].master[i] = (uint8_t)(7 * i + 1);
	for (int i = 0; i < KEY_SIZE; i++)
		snprintf(key_text + 2 * i, 3, "%02x", ring.key[0].master[i]);
	jwt_name_key(&ring.key[0]);
	keyring_write(dir, &ring);
}

static void make_database(void)
{
	store_create(dir);
	store_begin(DURABLE_NOW);
	make_users();
	for (int i = 0; i < SESSIONS; i++)
		make_session(i);
	for (int i = SESSIONS + 1; i < ROWS; i++)
		make_more(i);
	for (int i = 0; i < ROWS; i++)
		store_audit_add(&(struct audit){ .time = time_now - ROWS + i, .mark = time_now - ROWS + i, .event = (enum event)(1 + i % (EVENT_UNKNOWN - 1)),
			.user = user_id(i % 4), .session = session_id(i % SESSIONS), .ip = S("192.0.2.7"), .distance = i }, config.audit_max);
	store_commit();
}

static void empty_log(void)
{
	store_open(dir, 1);
	db_need(db_empty_log(), "checkpoint");
	store_close();
}

static void stop(void)
{
	static const char *const files[] = {
		"latchkey.db", "latchkey.db-wal", "latchkey.lock", "latchkey.key", "latchkey.conf", "password.lock", "throttle", "latchkey.db.copy",
		"latchkey.db.new", "latchkey.db.new-wal", "proxy", "latchkey.clients",
	};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		unlink(path_of(files[i]));
	rmdir(dir);
}

void fuzz_start(void)
{
	HOLDS(make_dir(&dir, "lk-database") && atexit(stop) == 0);
	time_now = clock_build_epoch + 100 * DAY;
	base_clock = fake_clock;
	throttle_clock = fake_boot;
	clock_witness = fake_witness;
	struct buf conf = { 0 };
	buf_s(&conf, "password_memory = 8k\npassword_passes = 1\nsignup = on\naccess_cookie = on\nthrottle_dir = ");
	buf_s(&conf, dir);
	buf_c(&conf, '\n');
	save("latchkey.conf", buf_slice(&conf));
	HOLDS(config_read(dir, &config) == NULL);
	make_key();
	make_database();
	settle();
	sign_in_at_page();
	empty_log();
	database_file = load("latchkey.db");
	key_file = load("latchkey.key");
	input = memfd_create("input", MFD_CLOEXEC);
	output = memfd_create("output", MFD_CLOEXEC);
	real_stdout = dup(1);
	HOLDS(input >= 0 && output >= 0);
}

/* ---- one input --------------------------------------------------------- */

static struct { unsigned what, who; } planned[ACTS];
static struct { unsigned step, value; uint64_t place; } bytes[STEPS];
static size_t plans, changes;

/* Reads the script: rows are changed at once, the rest is kept for when the database is closed. */
static void change_rows(void)
{
	plans = changes = 0;
	store_open(dir, 1);
	store_begin(DURABLE_LATER);
	for (int i = 0; i < STEPS && left.n; i++) {
		unsigned step = byte() % 6;
		if (step < 3) {
			change_row(step);
		} else if (step < 5) {
			bytes[changes].step = step;
			bytes[changes].place = number(3);
			bytes[changes++].value = step == 3 ? byte() : 0;
		} else if (plans < ACTS) {
			planned[plans].what = byte() % KINDS;
			planned[plans++].who = byte();
		}
	}
	store_commit();
	empty_log();
}

void fuzz_one(struct slice in)
{
	left = in;
	unsigned how = byte();
	confirmed = how & 1;
	bytes_changed = false;
	memset(over, 0, sizeof over);
	unlink(path_of("latchkey.db-wal"));
	unlink(path_of("latchkey.clients"));
	save("latchkey.db", database_file);
	save("latchkey.key", key_file);
	settle();
	change_rows();
	bytes_changed = changes > 0;
	for (size_t i = 0; i < changes; i++)
		change_bytes(bytes[i].step, bytes[i].place, bytes[i].value);
	read_all(true);
	list_all(how & 2);
	for (size_t i = 0; i < plans; i++)
		act(planned[i].what, planned[i].who);
	refresh_all();
	read_all(false);
}
