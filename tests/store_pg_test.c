/*
 * store_pg_test: the store of latchkey-pg where the stream to PostgreSQL is cut after n bytes, for every n (in TORTURE; else for one
 * in STEP) of a refresh and of a sign-in, both directions counted. Whatever is cut:
 *   - an answer of 200 is of a row that is there afterwards; one of 503 but `unsettled` changed nothing;
 *   - the same request again is answered 200: never `refresh_reused`, never a second session.
 * This process is the proxy between a child, which is latchkey, and the server. Runs in make test B=pg alone.
 */
#include "auth.h"
#include "clock.h"
#include "config.h"
#include "http.h"
#include "jwt.h"
#include "password.h"
#include "route.h"
#include "signin.h"
#include "store/postgres.h"
#include "store_case.h"
#include "throttle.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { STEP = 37, ROOM = 8192, ANEW = 100 };

static struct config config;
static struct keyring ring;
static struct reply rp;
static char proxy_dir[80], server_dir[200], database[40];

/* ---- latchkey ---------------------------------------------------------- */

static void ask(const char *path, const char *body)
{
	const struct request rq = {
		.below = true, .mount = S("/api/auth"), .peer = S("192.0.2.7"), .host = S("example.test"),
		.content_type = S("application/json"), .method = METHOD_POST, .path = slice_of(path), .body = slice_of(body),
	};
	rp = (struct reply){ 0 };
	route_answer(&auth_dialect, &config, &ring, &rq, ERROR_NONE, &rp);
	password_slot_leave();
	store_close();
	buf_c(&rp.body, '\0');
}

static void say_failure(enum error e)
{
	signin_failed();
	e = store_failure(e);
	printf("%d %s\n", errors[e].status, e == ERROR_UNSETTLED ? "unsettled" : errors[e].code);
	fflush(NULL);
	_exit(0);
}

/* One request by way of `host`, in a child: "200", or a status and a code on its stdout. */
static void child(const char *path, const char *body, int out)
{
	char uri[300];
	dup2(out, 1);
	on_fail(say_failure);
	snprintf(uri, sizeof uri, "postgresql://latchkey@/%s?host=%s", database, proxy_dir);
	const char *wrong = store_locate(slice_of(uri), dir);
	if (wrong) {
		printf("0 %s\n", wrong);
	} else {
		ask(path, body);
		const char *code = strstr(rp.body.p, "\"code\":\"");
		printf("%d %.*s\n", rp.status, code ? (int)strcspn(code + 8, "\"") : 0, code ? code + 8 : "");
	}
	fflush(NULL);
	_exit(0);
}

/* ---- the proxy --------------------------------------------------------- */

static int listener = -1;

static struct sockaddr_un socket_in(const char *where)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	snprintf(a.sun_path, sizeof a.sun_path, "%.80s/.s.PGSQL.5432", where);
	return a;
}

static void listen_there(void)
{
	struct sockaddr_un a = socket_in(proxy_dir);
	unlink(a.sun_path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&a, sizeof a) || listen(listener, 8)) {
		printf("Bail out! no proxy\n");
		exit(2);
	}
}

static int to_server(void)
{
	struct sockaddr_un a = socket_in(server_dir);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&a, sizeof a)) {
		printf("Bail out! no server\n");
		exit(2);
	}
	return fd;
}

/* Hands on what comes, at most *left bytes in all; false at an end. */
static bool hand_on(int from, int to, int *left)
{
	char bytes[ROOM];
	ssize_t n = read(from, bytes, *left < ROOM ? (size_t)*left : ROOM);
	if (n <= 0 || write(to, bytes, (size_t)n) != n)
		return false;
	*left -= (int)n;
	return *left > 0;
}

/* One connection, until either side ends it or `left` bytes went through. What comes behind that is refused. */
static int carry(int client, int left)
{
	int server = to_server(), before = left;
	struct pollfd fds[2] = { { client, POLLIN, 0 }, { server, POLLIN, 0 } };
	bool open = left > 0;
	while (open && poll(fds, 2, 20000) > 0) {
		if (fds[0].revents)
			open = hand_on(client, server, &left);
		if (open && fds[1].revents)
			open = hand_on(server, client, &left);
	}
	close(client);
	close(server);
	return before - left;
}

/* The child's connections are cut after n bytes. Returns how many went through; what it said is in said. */
static char said[400];

static int run_cut(const char *path, const char *body, int n)
{
	int out[2], through = 0, status;
	if (pipe(out))
		exit(2);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		close(listener);
		close(out[0]);
		child(path, body, out[1]);
	}
	close(out[1]);
	struct pollfd fds[2] = { { listener, POLLIN, 0 }, { out[0], POLLIN, 0 } };
	while (poll(fds, 2, 30000) > 0 && !fds[1].revents)
		through += carry(accept4(listener, NULL, NULL, SOCK_CLOEXEC), n - through);
	ssize_t got = read(out[0], said, sizeof said - 1);
	said[got > 0 ? got : 0] = 0;
	close(out[0]);
	waitpid(pid, &status, 0);
	return through;
}

/* ---- what must hold ---------------------------------------------------- */

static uint64_t user_id;
static struct { int cuts, settled, refused, unsettled_done, unsettled_not, wrong; } seen;

static void direct(void)
{
	char uri[400];
	snprintf(uri, sizeof uri, "postgresql://latchkey@/%s?host=%s", database, server_dir);
	if (store_locate(slice_of(uri), dir))
		exit(2);
}

/* Sessions of the user, and the sum of their generations: what either request changes. */
static int64_t state_now(void)
{
	static struct session page[LIMIT_LIST];
	int64_t sum = 0;
	size_t n;
	direct();
	store_open(dir, 5);
	for (uint64_t after = 0; (n = store_sessions(user_id, after, page)) > 0; after = page[n - 1].id)
		for (size_t i = 0; i < n; i++)
			sum += page[i].ctr;
	store_close();
	return sum;
}

/* As many sessions as sessions_max are soon there: a sign-in more would end one. */
static void without_sessions(void)
{
	struct user u;
	direct();
	store_open(dir, 5);
	store_begin(DURABLE_NOW);
	if (store_user(user_id, &u)) {
		store_user_delete(user_id);
		store_user_add(&u);
	}
	store_commit();
	store_close();
}

static void judge(int n, int64_t before, int64_t after)
{
	bool done = after == before + 1, as_it_was = after == before;
	bool answered = strncmp(said, "200", 3) == 0 || strncmp(said, "201", 3) == 0, unsettled = strstr(said, " unsettled") != NULL;
	bool good = (done || as_it_was) && (answered ? done : strncmp(said, "503 ", 4) == 0 && (unsettled || as_it_was));
	seen.cuts++;
	seen.settled += answered;
	seen.refused += !answered && !unsettled;
	seen.unsettled_done += unsettled && done;
	seen.unsettled_not += unsettled && as_it_was;
	if (good)
		return;
	seen.wrong++;
	diag("cut after %d bytes: said %s", n, said);
	diag("before %d, after %d", (int)before, (int)after);
}

/* The same request again, not cut, is answered; the refresh token of its answer goes to `token`. */
static void again(int n, const char *path, const char *body, int64_t before, char token[2048])
{
	direct();
	ask(path, body);
	const char *at = strstr(rp.body.p, "\"refresh_token\":\"");
	if (rp.status != 200 || !at || state_now() != before + 1) {
		seen.wrong++;
		diag("cut after %d bytes, then again: %d %s", n, rp.status, rp.body.p);
		return;
	}
	snprintf(token, 2048, "%.*s", (int)strcspn(at + 17, "\""), at + 17);
}

static void write_body(char *body, size_t room, bool refresh, int number, const char *token)
{
	if (refresh)
		snprintf(body, room, "{\"refresh_token\":\"%s\",\"idempotency_key\":\"r%d\"}", token, number);
	else
		snprintf(body, room, "{\"username\":\"alice\",\"password\":\"correct horse\",\"idempotency_key\":\"s%d\"}", number);
}

/* Cuts one request after the other, each one later, until one goes through whole. */
static void cut_each(bool refresh, char token[2048])
{
	char body[2600];
	const char *path = refresh ? "/refresh" : "/login";
	int step = getenv("TORTURE") ? 1 : STEP, whole = 0;
	memset(&seen, 0, sizeof seen);
	for (int n = 1 + (int)(random_id() % (unsigned)step), number = 0; !whole; n += step, number++) {
		size_t mark = arena_mark();
		if (!refresh && number % ANEW == 0)
			without_sessions();
		int64_t before = state_now();
		write_body(body, sizeof body, refresh, number, token);
		int through = run_cut(path, body, n);
		whole = through < n ? through : 0;
		judge(n, before, state_now());
		again(n, path, body, before, token);
		arena_back(mark);
	}
	diag("%s: %d cuts in %d bytes: %d answered, %d refused, unsettled: %d done, %d not", path, seen.cuts, whole, seen.settled,
		seen.refused, seen.unsettled_done, seen.unsettled_not);
	is_int(seen.wrong, 0, "%s cut after each %d bytes: nothing answered that isn't there, nobody signed out", path, step);
	ok(seen.refused && seen.settled && seen.unsettled_done, "%s: cuts before and behind the commit are among them", path);
}

/* ---- errors by SQLSTATE ------------------------------------------------ */

static enum error add_row(void *unused)
{
	(void)unused;
	store_session_add(&(struct session){ .id = 77, .user = 1 });
	return ERROR_NONE;
}

static enum error lock_row(void *unused)
{
	struct session s;
	(void)unused;
	return store_session_lock(77, &s) ? ERROR_NONE : ERROR_NOT_FOUND;
}

static void in_a_transaction(void *work)
{
	store_open(dir, 5);
	printf("%d\n", store_run(DURABLE_NOW, *(enum error (**)(void *))work, NULL));
}

/* A child that has the row until it is told to end; returns where to tell it. */
static int hold_row(pid_t *holder)
{
	int ready[2], end[2];
	char c;
	if (pipe(ready) || pipe(end))
		exit(2);
	fflush(NULL);
	*holder = fork();
	if (*holder == 0) {
		close(end[1]);
		store_open(dir, 5);
		store_begin(DURABLE_LATER);
		lock_row(NULL);
		_exit(write(ready[1], "", 1) == 1 ? (int)read(end[0], &c, 1) : 1);
	}
	close(end[0]);
	close(ready[1]);
	ok(read(ready[0], &c, 1) == 1, "another connection has the row");
	close(ready[0]);
	return end[1];
}

/* What fails in the flush that has the COMMIT is a rollback, and no doubt. */
static void statements(void)
{
	enum error (*add)(void *) = add_row, (*lock)(void *) = lock_row;
	pid_t holder;
	direct();
	on_fail(say_code);
	is_int(dies(in_a_transaction, &add), 0, "a row is added");
	is_int(dies(in_a_transaction, &add), 111, "another one of its id");
	is_str(t_out, "503 busy\n", "is another host's: nothing was changed, and it can be tried again");
	int end = hold_row(&holder);
	is_int(dies(in_a_transaction, &lock), 111, "who waits for it");
	is_str(t_out, "503 busy\n", "doesn't wait longer than lock_timeout");
	close(end);
	waitpid(holder, NULL, 0);
	is_int(dies(in_a_transaction, &lock), 0, "then it can be had");
}

static void open_it(void *unused)
{
	(void)unused;
	store_open(dir, 5);
}

/* ---- a worker's batch -------------------------------------------------- */

enum { SOME = 5, FIRST = 1000, OWNER = 98 };

/* What one request does: it rotates the session, and notes it. */
static struct { uint64_t id; bool must_last, ends; int calls; } todo;

static enum error rotate_one(void *unused)
{
	struct session s;
	struct user u;
	(void)unused;
	todo.calls++;
	if (!store_session_and_user(todo.id, true, &s, &u))
		return ERROR_NOT_FOUND;
	if (todo.must_last)
		store_must_last();
	s.ctr++;
	s.ip = S("192.0.2.9");
	if (todo.ends && !store_session_end(s.id, ENDED_REUSE, 99))
		return ERROR_INTERNAL;
	store_session_rotate(&s);
	store_session_move(&s);
	store_audit_add(&(struct audit){ .time = 5, .event = todo.ends ? EVENT_REUSE : EVENT_REFRESH, .user = u.id, .session = s.id, .ip = s.ip, .distance = s.ctr }, 100);
	return ERROR_NONE;
}

static int one(uint64_t id, bool must_last)
{
	todo.id = id;
	todo.must_last = todo.ends = must_last;
	todo.calls = 0;
	store_open(dir, 5);
	enum error e = store_run(DURABLE_LATER, rotate_one, NULL);
	return (int)e * 100 + todo.calls;
}

static int64_t ctr_of(uint64_t id)
{
	struct session s;
	return store_session(id, &s) ? s.ctr : -1;
}

static void add_some(void)
{
	store_open(dir, 5);
	struct user owner = user_of("owner");
	owner.id = OWNER;
	store_begin(DURABLE_NOW);
	store_user_add(&owner);
	for (uint64_t i = 0; i < SOME; i++)
		store_session_add(&(struct session){ .id = FIRST + i, .user = i == 3 ? 99 : OWNER, .ctr = 1, .device = S("d"), .agent = S("a") });
	store_commit();
	store_close();
}

/* From then on this process is one that stays. */
static void batches(void)
{
	static const uint64_t ids[] = { FIRST + 2, FIRST, 4711, FIRST + 1, FIRST + 3 };
	static struct audit rows[LIMIT_LIST];
	direct();
	add_some();
	store_stay(dir);
	store_open(dir, 5);
	store_expect(ids, 5);
	store_expect(ids, 5);
	is_int(one(FIRST, false) + one(FIRST + 1, false) + one(FIRST + 2, false), 3, "rows that were expected are rotated");
	is_int(one(FIRST, false), 1, "one of them once more, in the same batch");
	is_int(one(FIRST + 4, false), 1, "and one that wasn't expected");
	is_int(one(4711, false) + one(FIRST + 3, false), 200 * ERROR_NOT_FOUND + 2, "one that isn't there, and one without its user");
	store_commit_batch();
	is_int(ctr_of(FIRST) * 100 + ctr_of(FIRST + 1) * 10 + ctr_of(FIRST + 4), 322, "each is as often on as it was rotated");
	is_int((int)store_audits(OWNER, 0, LIMIT_LIST, rows), 5, "and there are as many events");
	ok(rows[4].session == FIRST && rows[1].session == FIRST && rows[1].distance == 3 && slice_is(rows[1].ip, S("192.0.2.9")), "in their order");
	store_expect(ids, 5);
	is_int(one(FIRST, false) + one(FIRST + 1, false), 2, "the next batch");
	is_int(one(FIRST + 2, true), 2, "one that must last begins again, when what came before is committed");
	is_int(one(FIRST + 4, true), 1, "behind it nothing is left to be committed");
	is_int(one(FIRST, false), 1, "and the batch goes on");
	store_commit_batch();
	is_int(ctr_of(FIRST) * 1000 + ctr_of(FIRST + 1) * 100 + ctr_of(FIRST + 2) * 10 + ctr_of(FIRST + 4), 5333, "nothing was done twice");
	is_int((int)store_audits(OWNER, 0, LIMIT_LIST, rows), 10, "nor noted twice");
	store_leave(true);
	for (int i = 0; i < 150; i++)
		one(FIRST + (uint64_t)i % 3, false);
	store_commit_batch();
	is_int(ctr_of(FIRST) + ctr_of(FIRST + 1) + ctr_of(FIRST + 2), 161, "a batch that is larger than what is kept");
	one(FIRST, false);
	store_close();
	store_open(dir, 5);
	is_int(ctr_of(FIRST), 55, "what wasn't committed isn't there");
}

/* ---- check ------------------------------------------------------------- */

static char told[4000];

static void keep_finding(void *who, enum finding f, const char *what, const char *found, const char *advice)
{
	static const char marks[] = { [FOUND_OK] = '.', [FOUND_WARN] = 'w', [FOUND_FAIL] = 'F', [FOUND_MENDED] = 'm' };
	(void)who, (void)advice;
	snprintf(told + strlen(told), sizeof told - strlen(told), "%c %s: %s\n", marks[f], what, found);
}

static void no_leftover(void *who, const char *name, const char *origin)
{
	(void)who, (void)name, (void)origin;
}

static const char *checked(const char *kids)
{
	const struct store_report report = { .kids = slice_of(kids), .tell = keep_finding, .leftover = no_leftover };
	*told = 0;
	store_check(&report);
	return told;
}

/* What another host would have written, so many seconds ago, its clock so many ahead. */
static void front_of(const char *name, const char *version, const char *kids, int ahead, int ago)
{
	char sql[500];
	snprintf(sql, sizeof sql, "INSERT INTO front VALUES('%s',%s,'%s',extract(epoch FROM clock_timestamp())::bigint-%d+%d,"
		"extract(epoch FROM clock_timestamp())::bigint-%d)", name, version, kids, ago, ahead, ago);
	pg_queue_text(sql);
	pg_settle();
}

static bool says(const char *words)
{
	bool found = strstr(told, words) != NULL;
	if (!found)
		diag("%s", told);
	return found;
}

static void fronts(void)
{
	static const char same[] = "(SELECT max(version) FROM front WHERE name NOT LIKE 'h%')";
	char own[65] = "", line[120];
	gethostname(own, sizeof own - 1);
	store_open(dir, 5);
	store_front(S("k1 k2"));
	store_front(S("k1 k2"));
	checked("k1 k2");
	snprintf(line, sizeof line, ". front: %s: ", own);
	ok(says(line) && says(". server: PostgreSQL ") && says(". time: this host's clock is ") && says(". connections: "), "a host that serves is told of");
	ok(says("w standby: synchronous_standby_names is empty"), "and that nothing is on two disks");
	ok(!strstr(told, "lag: ") && !strstr(told, "lacks"), "without a standby there is no lag, and all have the keys");
	front_of("h-apart", same, "k1 k2", 61, 2);
	front_of("h-late", same, "k2 k1", -6, 2);
	front_of("h-gone", same, "k9", 0, 500);
	front_of("h-old", "'0.0.1'", "k1", 0, 2);
	front_of("h-new", same, "k3 k1 k2", 0, 2);
	front_of("h-none", same, "k2", 0, 2);
	checked("k1 k2");
	ok(says("F front: h-apart: ") && says("61 s ahead of the database"), "a clock that is a minute ahead");
	ok(says("w front: h-late: ") && says("6 s behind the database"), "one that is some seconds behind");
	ok(says("w front: h-gone: ") && says("not seen for 50") && !strstr(told, "k9"), "one that doesn't tell any more; its keys don't matter");
	ok(says("w front: h-old: 0.0.1, ") && says("w front: h-old lacks key k2"), "another version, which hasn't the next key yet");
	ok(says("F front: this host lacks key k3 of h-new"), "one that signs by a key that isn't here");
	ok(says("F front: h-none lacks key k1"), "one that hasn't the key that signs here");
	checked("");
	ok(says(". front: ") && !strstr(told, "lacks"), "without keys here none are compared");
	pg_queue_text("UPDATE front SET seen_at=seen_at-605000");
	pg_settle();
	store_front(S("k1"));
	checked("k1");
	ok(!strstr(told, "h-") && says(". front: "), "after a week a row goes; its own is written anew");
	store_close();
}

static void copy_to(void *to)
{
	store_backup(dir, *(const int *)to);
}

static void restore_it(void *unused)
{
	(void)unused;
	store_restore(dir, -1, -1);
}

static void need(bool good)
{
	if (!good) {
		printf("Bail out! no file\n");
		exit(2);
	}
}

/* Keys and configuration, in a form that tar reads. */
static void backup(void)
{
	char path[100], command[300], line[200] = "";
	FILE *f = fopen(file("latchkey.conf"), "w");
	need(f && fputs("audit_keep = 3d\n", f) >= 0 && fclose(f) == 0);
	snprintf(path, sizeof path, "%s/copy.tar", dir);
	int to = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	ok(store_backup(dir, to), "a copy of what lies here");
	is_int(lseek(to, 0, SEEK_END), 4 * 512, "a file, and the end");
	close(to);
	snprintf(command, sizeof command, "tar tvf '%s' && tar xOf '%s' latchkey.conf", path, path);
	FILE *listing = popen(command, "r");
	ok(listing && fgets(line, sizeof line, listing) && strstr(line, " latchkey.conf\n") && strstr(line, " 16 "), "tar lists it");
	ok(listing && fgets(line, sizeof line, listing) && strcmp(line, "audit_keep = 3d\n") == 0, "and hands it out as it was");
	is_int(listing ? pclose(listing) : -1, 0, "without a complaint");
	to = open("/dev/full", O_WRONLY);
	is_int(dies(copy_to, &to), 111, "where there is no room");
	is_str(t_out, "503 store_full\n", "that is said");
	is_int(dies(restore_it, NULL), 111, "the way back is another program's");
	close(to);
	unlink(path);
}

static void stay(void *unused)
{
	(void)unused;
	store_stay(dir);
	store_open(dir, 5);
	store_run(DURABLE_LATER, lock_row, NULL);
	store_commit_batch();
	store_leave(true);
	printf("%d ", store_run(DURABLE_LATER, lock_row, NULL));
	store_commit_batch();
}

/* What the server itself says to a statement. */
static const char *ask_server(const char *sql)
{
	static char answer[64];
	FILE *f = popen(text_join("psql -qAt -h ", server_dir, " -U latchkey ", database, " -c '", sql, "'", NULL), "r");
	if (!f || !fgets(answer, sizeof answer, f))
		answer[0] = '\0';
	is_int(f ? pclose(f) : 1, 0, "%s", sql);
	return answer;
}

static enum error set_factor(void *unused)
{
	(void)unused;
	store_user_factor_set(user_id, S("factor"));
	return ERROR_NONE;
}

/* As the version before left it: what it has stays, and the columns are there. */
static void an_older_schema(void)
{
	struct user u;
	store_close();
	ask_server("ALTER TABLE users DROP COLUMN factor, DROP COLUMN keys; UPDATE meta SET version=5, readable_from=5");
	is_int(dies(open_it, NULL), 111, "a database of the version before is refused");
	is_int(store_upgrade(dir), 5, "and brought up to date");
	is_int(store_upgrade(dir), store_version, "once");
	store_close();
	store_open(dir, 5);
	ok(store_user(user_id, &u) && store_user_factor(user_id).n == 0, "its user has no factor");
	is_int(store_run(DURABLE_NOW, set_factor, NULL), ERROR_NONE, "can get one");
	ok(slice_is(store_user_factor(user_id), S("factor")), "and has it");
	store_close();
	is_str(ask_server("SELECT readable_from FROM meta"), "5\n", "the program of before can go on meanwhile");
}

/* ---- all of it --------------------------------------------------------- */

static void read_database(void)
{
	FILE *f = fopen(file("latchkey.pgdb"), "r");
	ssize_t n = readlink(getenv("LK_BUILD") ? text_join(getenv("LK_BUILD"), "/cluster", NULL) : "", server_dir, sizeof server_dir - 1);
	if (!f || !fgets(database, sizeof database, f) || n <= 0) {
		printf("Bail out! no cluster\n");
		exit(2);
	}
	fclose(f);
}

static void set_up(void)
{
	struct user alice = user_of("alice");
	struct key key = { .created_at = clock_build_epoch, .kid = "0123abcd" };
	make_directory();
	config_parse(SLICE_NONE, &config);
	config.dir = dir;
	config.throttle_dir = slice_of(dir);
	config.password.kib = 8;
	config.password.passes = 1;
	config.sessions_max = 1000;
	memset(key.master, 7, sizeof key.master);
	keyring_add(&ring, &key);
	store_create(dir);
	read_database();
	snprintf(proxy_dir, sizeof proxy_dir, "%s/cut", dir);
	mkdir(proxy_dir, 0700);
	alice.password = password_hash(S("correct horse"), (struct password_cost){ 8, 1 });
	user_id = alice.id;
	store_begin(DURABLE_NOW);
	store_user_add(&alice);
	store_commit();
	store_close();
}

static void clean_up(void)
{
	unlink(socket_in(proxy_dir).sun_path);
	rmdir(proxy_dir);
	remove_files();
	is_int(rmdir(dir), 0, "nothing is left behind");
}

int main(void)
{
	if (!slice_starts(slice_of(store_engine()), S("PostgreSQL"))) {
		printf("1..0 # SKIP over PostgreSQL alone: make test B=pg\n");
		return 0;
	}
	static char token[2048];
	const char *part = getenv("TORTURE");
	set_up();
	listen_there();
	/* A long form of one of the two alone: TORTURE=login, TORTURE=refresh. */
	if (part && strcmp(part, "refresh") == 0)
		again(0, "/login", "{\"username\":\"alice\",\"password\":\"correct horse\"}", state_now(), token);
	else
		cut_each(false, token);
	if (!part || strcmp(part, "login") != 0)
		cut_each(true, token);
	statements();
	an_older_schema();
	is_int(dies(stay, NULL), 0, "a process that stays goes on from batch to batch");
	direct();
	backup();
	fronts();
	batches();
	clean_up();
	return done_testing();
}
