/*
 * memory_test: how much of the arena one request may take, by each route, over every input under the limits.
 *
 * A worker goes on with a batch until it has used ARENA_MOST; what a request takes beyond that must fit what is left, or a stranger's
 * request would be a failure of its batch. So each route has a bound here. Requests are composed of what is known to take memory,
 * and changed at random; of each route the dearest is kept and changed further. The store has what makes answers long.
 *
 * Where each piece is a malloc (ARENA_MALLOC) there is nothing to count.
 */
#include "auth.h"
#include "base/file.h"
#include "clock.h"
#include "http.h"
#include "instance.h"
#include "json.h"
#include "jwt.h"
#include "password.h"
#include "route.h"
#include "session.h"
#include "store.h"
#include "store/engine.h"
#include "store/upkeep.h"
#include "t.h"
#include "throttle.h"

#include <sys/stat.h>

#ifndef ARENA_MALLOC

#include "dir.h"

enum {
	KIB = 1024,
	BLOCK_KIB = 704,                /* base.c: the block without its reserve */
	BATCH_KIB = 256,                /* worker.c, ARENA_MOST */
	ONE_KIB = BLOCK_KIB - BATCH_KIB,
	TRIES = 250,                    /* of each route */
	PARTS = 24, ROOM = LIMIT_HEAD + LIMIT_BODY, DAY = 86400
};

/* What one request of a route may take; and what its body begins with, and the status, where it is answered as it should be. A slow one
 * isn't a worker's: it has the whole block. */
static const struct bound { enum method method; const char *path, *body; int status, kib; bool slow; } bounds[] = {
	{ METHOD_POST, "/refresh", "\"refresh_token\":\"@r\",", 200, 224, false },
	{ METHOD_POST, "/logout", "\"refresh_token\":\"@r\",", 204, 224, false },
	{ METHOD_POST, "/me", "access_token=@a&", 200, 224, false },
	{ METHOD_POST, "/sessions", "access_token=@a&", 200, 272, false },
	{ METHOD_POST, "/audit", "access_token=@a&", 200, 224, false },
	{ METHOD_POST, "/verify", "access_token=@a&", 401, 224, false },
	{ METHOD_GET, "/verify", "", 204, 224, false },
	{ METHOD_GET, "/verify?live=1", "", 204, 224, false },
	{ METHOD_GET, "/me", "", 200, 224, false },
	{ METHOD_GET, "/sessions", "", 200, 272, false },
	{ METHOD_GET, "/audit?limit=100", "", 200, 224, false },
	{ METHOD_GET, "/health", "", 200, 224, false },
	{ METHOD_GET, "/signin", "", 200, 224, false },
	{ METHOD_GET, "/user", "", 200, 224, false },
	{ METHOD_GET, "/account", "", 200, 272, false },
	{ METHOD_DELETE, "/sessions", "", 204, 224, false },
	{ METHOD_DELETE, "/sessions/0123456789abcdef", "", 404, 224, false },
	{ METHOD_OPTIONS, "/refresh", "", 204, 224, false },
	{ METHOD_GET, "/none", "", 404, 224, false },
	{ METHOD_POST, "/login", "\"username\":\"@n\",\"password\":\"correct horse\",", 200, 224, true },
	{ METHOD_POST, "/token?grant_type=password", "\"email\":\"@n\",\"password\":\"correct horse\",", 200, 224, true },
	{ METHOD_POST, "/register", "\"username\":\"new\",\"password\":\"correct horse\",", 201, 224, true },
	{ METHOD_POST, "/password", "\"access_token\":\"@a\",\"current_password\":\"correct horse\",\"new_password\":\"another horse\",", 204, 224, true },
	{ METHOD_POST, "/signup", "\"email\":\"newer\",\"password\":\"correct horse\",", 200, 224, true },
	{ METHOD_PUT, "/user", "\"data\":{},", 200, 224, true },
};
enum { ROUTES = sizeof bounds / sizeof *bounds };

/* ---- the store --------------------------------------------------------- */

static struct instance instance;
static char dir[64], access_token[LIMIT_JWT], refresh_token[LIMIT_JWT], site_token[LIMIT_JWT], user_name[LIMIT_USERNAME + 1];
static int64_t clock_now, boot_now;

static void need(bool good)
{
	if (!good) {
		printf("Bail out! not what the test takes for granted\n");
		exit(2);
	}
}

static int64_t fake_clock(void) { return clock_now; }
static int64_t fake_boot(void) { return boot_now; }

static void keep_site_token(const struct work *w, const struct user *u, const struct session *s)
{
	struct grant g = { .session = *s, .user = *u };
	session_grant(w, &g);
	snprintf(site_token, sizeof site_token, "%.*s", (int)g.door.n, g.door.p);
}

/* As many rows as a list shows, each as long as it can be: control characters are six bytes each in JSON. */
static void fill_store(const struct user *u)
{
	static char device[LIMIT_DEVICE], agent[LIMIT_AGENT];
	memset(device, 1, sizeof device);
	memset(agent, '\\', sizeof agent);
	struct work w = { .config = &instance.config, .ring = &instance.ring, .peer = S("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
		.agent = { agent, sizeof agent } };
	struct session s = { 0 };
	for (int i = 0; i < LIMIT_LIST + 20; i++) {
		const struct origin origin = { .device = { device, sizeof device }, .site = i == LIMIT_LIST + 18, .cookie = i == LIMIT_LIST + 18 };
		clock_now++;            /* so that it's known which ones make room */
		(void)session_clock(&w);
		store_begin(DURABLE_LATER);
		w.note = (struct audit){ 0 };
		session_start(&w, u->id, &origin, EVENT_LOGIN, &s);
		store_commit();
		if (origin.site)
			keep_site_token(&w, u, &s);
	}
	struct grant g = { .session = s, .user = *u };
	session_grant(&w, &g);
	snprintf(access_token, sizeof access_token, "%.*s", (int)g.access.n, g.access.p);
	snprintf(refresh_token, sizeof refresh_token, "%.*s", (int)g.refresh.n, g.refresh.p);
	store_close();
}

static void set_up(void)
{
	static char subscription[LIMIT_SUBSCRIPTION + 1];
	struct key key = { .kid = "00000001", .created_at = clock_build_epoch };
	need(config_parse(S("access_cookie = on\nsignup = on\ngotrue = on\ncors_origins = https://app.example\ntrusted_proxies = 192.0.2.0/24\npassword_memory = 8k\npassword_passes = 1"), &instance.config) == NULL && make_dir(&dir, "lk-memory"));
	instance.config.dir = dir;
	instance.config.throttle_dir = slice_of(dir);
	memset(key.master, 1, KEY_SIZE);
	keyring_add(&instance.ring, &key);
	base_clock = fake_clock;
	throttle_clock = fake_boot;
	clock_now = clock_build_epoch + DAY;
	store_create(dir);
	snprintf(subscription, sizeof subscription, "{\"a\":\"%0*d\"}", LIMIT_SUBSCRIPTION - 8, 0);
	memset(user_name, 'n', sizeof user_name - 1);
	struct user u = { .id = random_id(), .name = slice_of(user_name), .created_at = clock_now };
	u.password = password_hash(S("correct horse"), (struct password_cost){ 8, 1 });
	store_open(dir, 5);
	store_begin(DURABLE_NOW);
	store_user_add(&u);
	store_user_subscription(u.id, slice_of(subscription));
	store_commit();
	fill_store(&u);
	/* From now on as in a worker whose batches are never committed: each request finds the same store. */
	store_stay(dir);
}

static void clean_up(void)
{
	static const char *const names[] = { "latchkey.db", "latchkey.db-wal", "latchkey.lock", "password.lock", "throttle" };
	store_close();
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unlink(path_in(dir, names[i]));
	is_int(rmdir(dir), 0, "nothing is left behind");
}

/* ---- a build that wastes ------------------------------------------------ */

static bool wasteful;
enum json_found __real_json_string(const struct json *j, const char *name, struct slice *out);
enum json_found __wrap_json_string(const struct json *j, const char *name, struct slice *out);

enum json_found __wrap_json_string(const struct json *j, const char *name, struct slice *out)
{
	if (wasteful)
		arena((size_t)5 * LIMIT_BODY);
	return __real_json_string(j, name, out);
}

/* ---- requests ---------------------------------------------------------- */

/* SplitMix64 (Steele, Lea, Flood 2014): the same requests each time. */
static uint64_t seed = 1;

static unsigned draw(unsigned below)
{
	uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (unsigned)((z ^ z >> 31) % below);
}

/* A line of a head or a piece of a body, and what is put into it as often as `times` says. @a, @r, @s: the tokens; @n: the user. */
static const char *const lines[][2] = {
	{ "Cookie: ", "latchkey=@r; " }, { "Cookie: ", "latchkey-access=@a; " }, { "Cookie: ", "__Host-latchkey=a; " }, { "Cookie: ", "x; " },
	{ "Authorization: Bearer ", "a" }, { "X-Forwarded-For: ", "2001:db8::1, " }, { "X-Forwarded-For: ", "192.0.2.1," },
	{ "Idempotency-Key: ", "k" }, { "User-Agent: ", "\\" }, { "Origin: https://app.example", "" }, { "Origin: ", "o" }, { "X-Other: ", "x" },
	{ "Access-Control-Request-Method: ", "POST" }, { "If-None-Match: ", "\"e\", " }, { "Connection: ", "a, " }, { "Sec-Fetch-Site: same-origin", "" },
	{ "X-Forwarded-Proto: https", "" },
};
static const char *const pieces[][2] = {
	{ "\"refresh_token\":\"@r\",", "" }, { "\"refresh_token\":\"", "\\u0061" }, { "\"access_token\":\"@a\",", "" }, { "\"username\":\"", "n" },
	{ "\"username\":\"", "\\u006e" }, { "\"password\":\"correct horse\",", "" }, { "\"current_password\":\"correct horse\",", "" }, { "\"new_password\":\"", "\\u00e9" },
	{ "\"new_password\":\"another horse\",", "" }, { "\"device\":\"", "\\u0001" }, { "\"idempotency_key\":\"", "k" }, { "\"cookie\":true,", "" }, { "\"all\":true,", "" },
	{ "\"session\":\"", "0" },
	{ "\"\\u0061", "a" }, { "\"x\":\"", "\\\\" }, { "\"x\":", "[" }, { "\"x\":[", "1," }, { "\"x\":[", "\"\"," }, { "access_token=@a&", "" }, { "access_token=", "%41" }, { "", "a=b&" }, { "", "%61=%62&" },
};
enum { LINES = sizeof lines / sizeof *lines, PIECES = sizeof pieces / sizeof *pieces };

struct shape {
	struct { unsigned char what; short times; } line[PARTS], piece[PARTS];
	int line_count, piece_count;
	bool form, bare;                /* a form; without what the route wants */
};

struct text { char *p; size_t n, room; };

static void put(struct text *t, const char *s)
{
	for (; *s && t->n < t->room; s++) {
		const char *token = s[0] != '@' ? NULL : s[1] == 'a' ? access_token : s[1] == 'r' ? refresh_token : s[1] == 's' ? site_token : user_name;
		if (token)
			s++;
		for (const char *c = token ? token : s; t->n < t->room && *c; c++) {
			t->p[t->n++] = *c;
			if (!token)
				break;
		}
	}
}

/* Repeats `what`, up to a line's limit. */
static void put_many(struct text *t, const char *what, int times, size_t limit)
{
	size_t from = t->n;
	for (int i = 0; *what && i < times && t->n - from < limit && t->n < t->room; i++)
		put(t, what);
}

/* The body of a shape: JSON that closes what its pieces began, or a form. */
static size_t put_body(const struct bound *r, const struct shape *s, char *out)
{
	struct text t = { out, 0, LIMIT_BODY - 40 };
	if (!s->form)
		put(&t, "{");
	if (!s->bare)
		put(&t, r->body);
	for (int i = 0; i < s->piece_count; i++) {
		const char *const *piece = pieces[s->piece[i].what];
		if (s->form != (strchr(piece[0], '=') || strchr(piece[1], '=')))
			continue;
		put(&t, piece[0]);
		put_many(&t, piece[1], s->piece[i].times, LIMIT_BODY);
		t.room = LIMIT_BODY;
		if (!s->form && piece[1][0] == '[')
			for (int k = 0; k < s->piece[i].times && k < LIMIT_DEPTH; k++)
				put(&t, "]");
		else if (!s->form && piece[0][strlen(piece[0]) - 1] == '[')
			put(&t, "1]");
		else if (!s->form && *piece[1])
			put(&t, strstr(piece[0], "\":") ? "\"" : "\":1");
		if (!s->form && *piece[1])
			put(&t, ",");
		t.room = LIMIT_BODY - 40;
	}
	t.room = LIMIT_BODY;
	if (!s->form)
		put(&t, "\"end\":1}");
	return t.n;
}

static size_t write_request(const struct bound *r, const struct shape *s, char *out)
{
	static char body[LIMIT_BODY];
	char length[64];
	bool writes = r->method == METHOD_POST || r->method == METHOD_PUT;
	size_t n = writes ? put_body(r, s, body) : 0;
	struct text t = { out, 0, LIMIT_HEAD };
	put(&t, method_words[r->method]);
	put(&t, " /api/auth");
	put(&t, r->path);
	put(&t, " HTTP/1.1\r\nHost: app.example\r\n");
	for (int i = 0; i < s->line_count && t.n < LIMIT_HEAD - 1200; i++) {
		put(&t, lines[s->line[i].what][0]);
		t.room = LIMIT_HEAD - 1100;     /* for what comes behind: a token, a length */
		put_many(&t, lines[s->line[i].what][1], s->line[i].times, LIMIT_HEAD);
		t.room = LIMIT_HEAD;
		put(&t, "\r\n");
	}
	if (writes)
		put(&t, s->form ? "Content-Type: application/x-www-form-urlencoded\r\n" : "Content-Type: application/json\r\n");
	if (r->method != METHOD_POST && !s->bare)
		put(&t, "Authorization: Bearer @a\r\nCookie: __Host-latchkey-door=@s\r\n");
	snprintf(length, sizeof length, "Content-Length: %zu\r\n\r\n", n);
	put(&t, length);
	memcpy(out + t.n, body, n);
	return t.n + n;
}

static void change(struct shape *s)
{
	for (unsigned i = 0; i < 1 + draw(4); i++) {
		bool line = draw(2);
		int *count = line ? &s->line_count : &s->piece_count;
		unsigned at = draw(PARTS);
		if ((int)at >= *count)
			at = (unsigned)(*count < PARTS ? (*count)++ : *count - 1);
		short times = (short)(draw(3) ? 1 + draw(30) : draw(9) ? draw(4000) : draw(32000));
		if (draw(8) == 0 && *count > 1)
			(*count)--;
		else if (line) {
			s->line[at].what = (unsigned char)draw(LINES);
			s->line[at].times = times;
		} else {
			s->piece[at].what = (unsigned char)draw(PIECES);
			s->piece[at].times = times;
		}
	}
	s->form ^= draw(16) == 0;
	s->bare = draw(8) == 0;
}

/* ---- what they take ---------------------------------------------------- */

static int status;

/* KiB, rounded up. What a face does with a request from its bytes to its answer's. */
static int cost_of(const char *bytes, size_t n)
{
	const struct http_rules rules = instance_rules(&instance);
	struct http_at at = { 0 };
	struct http_taken taken;
	struct reply rp = { 0 };
	struct buf out = { 0 };
	size_t mark = arena_mark();
	enum http_progress progress = http_take((struct slice){ bytes, n }, &at, &rules, S("192.0.2.7"), &taken);
	need(progress != HTTP_MORE);
	instance_answer(&instance, &taken.request, taken.error, &rp);
	reply_put(&out, &taken.request, &rp);
	status = rp.status;
	int cost = (int)((arena_mark() - mark + KIB - 1) / KIB);
	arena_back(mark);
	password_slot_leave();
	store_close();
	boot_now += DAY;
	return cost;
}

static void test_route(const struct bound *r)
{
	static char bytes[ROOM];
	/* The dearest of all, and of those that are answered as they should be. */
	struct shape best[2] = { { .form = strchr(r->body, '=') != NULL } };
	int most[2] = { 0 }, good = 0;
	best[1] = best[0];
	for (int i = 0; i < TRIES; i++) {
		struct shape s = best[draw(2)];
		if (i)
			change(&s);
		int cost = cost_of(bytes, write_request(r, &s, bytes));
		bool fits = status == r->status;
		good += fits;
		for (int k = 0; k < (fits ? 2 : 1); k++)
			if (cost >= most[k]) {
				best[k] = s;
				most[k] = cost;
			}
	}
	ok(good > 0, "%s %s is answered %d (%d of %d)", method_words[r->method], r->path, r->status, good, TRIES);
	ok(most[0] <= r->kib, "and takes %d KiB at most, refused or not %d, of %d", most[1], most[0], r->kib);
	ok(r->kib <= (r->slow ? BLOCK_KIB : ONE_KIB), "which a %s has", r->slow ? "process of its own" : "batch has left");
}

/* Control: a look-up that builds names and values only to compare them, and gives nothing back. */
static void test_control(void)
{
	static char bytes[ROOM];
	const struct shape plain = { .line_count = 0 };
	wasteful = true;
	int cost = cost_of(bytes, write_request(bounds, &plain, bytes));
	wasteful = false;
	ok(status == 200 && cost > bounds->kib, "a look-up that builds what it compares is over the bound: %d KiB", cost);
	ok(cost_of(bytes, write_request(bounds, &plain, bytes)) <= bounds->kib, "which the same request isn't without it");
}

int main(void)
{
	set_up();
	for (size_t i = 0; i < ROUTES; i++)
		test_route(&bounds[i]);
	test_control();
	clean_up();
	return done_testing();
}

#else

int main(void)
{
	ok(true, "each piece of the arena is one, however large");
	return done_testing();
}

#endif
