/*
 * auth_test: every route and every error of the native dialect, asked through route_answer() on a
 * real store with a clock of the test's own. The rotation table itself is model_test's.
 */
#include "base/base64.h"
#include "base/file.h"
#include "auth.h"
#include "clock.h"
#include "config.h"
#include "http.h"
#include "jwt.h"
#include "password.h"
#include "session.h"
#include "store.h"
#include "store/engine.h"
#include "store/upkeep.h"
#include "throttle.h"
#include "gone.h"
#include "trail.h"
#include "dir.h"
#include "t.h"

#include <bearssl_hmac.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

enum { DAY = 86400, CHEAP = 8 };

static struct config config;
static struct keyring ring;
static char dir[64], empty_dir[64];
static int64_t clock_now, boot_now;
static bool confirmed = true;

static int64_t fake_clock(void) { return clock_now; }
static int64_t fake_boot(void) { return boot_now; }
static enum clock_witness fake_witness(void) { return confirmed ? CLOCK_KERNEL : CLOCK_NOBODY; }

/* ---- asking ------------------------------------------------------------ */

/* What the next request has beside its line and body; back to nothing special after each. */
static struct request rq;
static struct reply rp;
static const struct request usual = {
	.below = true, .mount = { "/api/auth", 9 }, .peer = { "192.0.2.7", 9 }, .host = { "example.test", 12 },
	.content_type = { "application/json; charset=utf-8", 31 },
};

static const char *text_of(struct buf *b)
{
	buf_c(b, '\0');
	b->n--;
	return b->p;
}

static const char *body(void) { return text_of(&rp.body); }
static const char *head(void) { return text_of(&rp.head); }
static bool in_body(const char *part) { return strstr(body(), part) != NULL; }
static bool in_head(const char *part) { return strstr(head(), part) != NULL; }

/* Answers live until the next call. */
static void call(enum method method, const char *path, const char *text)
{
	static size_t mark;
	if (mark == 0) {
		arena(1);
		mark = arena_mark();
	}
	rq.method = method;
	rq.query = slice_of(path);
	rq.path = slice_cut(&rq.query, '?');
	rq.body = slice_of(text);
	arena_back(mark);
	rp = (struct reply){ 0 };
	route_answer(&auth_dialect, &config, &ring, &rq, ERROR_NONE, &rp);
	route_finish(&config, &rq, &rp);
	password_slot_leave();
	store_tidy();
	store_close();
	boot_now += DAY;
	rq = usual;
}

static void get(const char *path) { call(METHOD_GET, path, NULL); }
static void post(const char *path, const char *text) { call(METHOD_POST, path, text); }

#define expect(status, code, ...) t_expect(__FILE__, __LINE__, status, code, __VA_ARGS__)
__attribute__((format(printf, 5, 6))) static bool t_expect(const char *file, int line, int status, const char *code, const char *fmt, ...)
{
	char part[64];
	va_list ap;
	snprintf(part, sizeof part, "\"code\":\"%s\"", code ? code : "");
	va_start(ap, fmt);
	bool good = t_vok(rp.status == status && (code ? in_body(part) : !in_body("\"error\":")), file, line, fmt, ap);
	va_end(ap);
	if (!good)
		diag("got %d %s, want %d %s", rp.status, body(), status, code ? code : "");
	return good;
}

/* The text behind label up to one of `ends`, on the heap: outlives the answer. */
static char *part_of(const char *text, const char *label, const char *ends)
{
	const char *at = strstr(text, label);
	return at ? strndup(at + strlen(label), strcspn(at + strlen(label), ends)) : strdup("");
}

static char *member(const char *name)
{
	char label[64];
	snprintf(label, sizeof label, "\"%s\":\"", name);
	return part_of(body(), label, "\"");
}

static int64_t number(const char *name)
{
	char label[64];
	snprintf(label, sizeof label, "\"%s\":", name);
	const char *at = strstr(body(), label);
	return at ? strtoll(at + strlen(label), NULL, 10) : -1;
}

/* The pattern with value for its %s; the last four live. */
static struct slice text(const char *pattern, const char *value)
{
	static char kept[4][20000];
	static int next;
	char *p = kept[next++ % 4];
	const char *at = strstr(pattern, "%s");
	snprintf(p, sizeof kept[0], "%.*s%s%s", (int)(at - pattern), pattern, value, at + 2);
	return slice_of(p);
}

static void bearer(const char *token) { rq.authorization = text("Bearer %s", token); }

/* ---- who there is ------------------------------------------------------ */

struct signed_in {
	char *access, *refresh, *session;
};

static uint64_t add_user(const char *name, const char *password, bool disabled)
{
	struct user u = { .id = random_id(), .name = slice_of(name), .created_at = clock_now, .disabled = disabled };
	size_t mark = arena_mark();
	u.password = password_hash(slice_of(password), (struct password_cost){ CHEAP, 1 });
	store_open(dir, 5);
	store_begin(DURABLE_NOW);
	store_user_add(&u);
	store_commit();
	store_close();
	arena_back(mark);
	return u.id;
}

static struct signed_in taken(void)
{
	char *refresh = member("refresh_token");
	if (!*refresh)
		refresh = part_of(part_of(head(), "latchkey-", "\r"), "=", ";");
	return (struct signed_in){ member("access_token"), refresh, part_of(body(), "\"session\":{\"id\":\"", "\"") };
}

static struct signed_in sign_in(const char *user, const char *more)
{
	char json[256];
	snprintf(json, sizeof json, "{\"username\":\"%s\",\"password\":\"correct horse\"%s}", user, more);
	post("/login", json);
	return taken();
}

static const char *refresh_body(const char *token) { return text("{\"refresh_token\":\"%s\"}", token).p; }

static struct session row_of(const char *id)
{
	struct session s = { 0 };
	uint64_t sid = 0;
	parse_id(slice_of(id), &sid);
	store_open(dir, 5);
	store_session(sid, &s);
	store_close();
	return s;
}

static void put_row(const struct session *s)
{
	store_open(dir, 5);
	store_begin(DURABLE_LATER);
	store_session_rotate(s);
	store_commit();
	store_close();
}

static void change(void (*what)(uint64_t), uint64_t id)
{
	store_open(dir, 5);
	store_begin(DURABLE_NOW);
	what(id);
	store_commit();
	store_close();
}

static void disable(uint64_t id) { store_user_disable(id, true); }
static void enable(uint64_t id) { store_user_disable(id, false); }
static void spoil(uint64_t id) { store_user_subscription(id, S("{\"plan\":")); }
static void carry(uint64_t id) { store_user_subscription(id, S("{\"plan\":\"pro\"}")); }

/* ---- routes and methods ------------------------------------------------ */

static void routes(void)
{
	static const char *const paths[] = { "/refresh", "/me", "/sessions", "/sessions/0123456789abcdef" };
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		call(METHOD_OTHER, paths[i], NULL);
		expect(405, "method_not_allowed", "PUT %s", paths[i]);
		call(METHOD_OPTIONS, paths[i], NULL);
		expect(204, NULL, "OPTIONS %s", paths[i]);
		ok(in_head("Allow: ") && !in_head("Access-Control"), "tells the methods, and nothing of CORS");
	}
	/* Who asks there asks about a credential, whatever the method of the request that it came with. */
	struct signed_in s = sign_in("alice", "");
	for (int method = 0; method < METHOD__MAX; method++) {
		call((enum method)method, "/verify", NULL);
		expect(401, "token_missing", "%s /verify without a token", method_words[method]);
		bearer(s.access);
		call((enum method)method, "/verify", NULL);
		expect(204, NULL, "%s /verify with one", method_words[method]);
		ok(in_head("X-Auth-Name: alice"), "says whose it is");
	}
	static const char *const nowhere[] = { "/", "/refreshed", "/sessions/", "/me/", "/Me", "/health/x" };
	for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++) {
		get(nowhere[i]);
		expect(404, "not_found", "GET %s", nowhere[i]);
		call(METHOD_OPTIONS, nowhere[i], NULL);
		expect(404, "not_found", "OPTIONS %s", nowhere[i]);
	}
}

/* ---- errors ------------------------------------------------------------ */

static void refuse_with(enum error e)
{
	rp = (struct reply){ .status = 200, .type = "text/html" };
	buf_s(&rp.body, "half a secret");
	reply_header(&rp, "Set-Cookie", "secret", NULL);
	route_answer(&auth_dialect, &config, &ring, &usual, e, &rp);
}

static void errors_shape(void)
{
	refuse_with(ERROR_TOKEN_MISSING);
	ok(rp.status == 401 && strcmp(rp.type, "application/json") == 0, "an error has its status, and is JSON");
	is_str(body(), "{\"error\":{\"code\":\"token_missing\",\"message\":\"An access token is needed.\"}}", "which throws the half-built answer away");
	ok(!in_head("Set-Cookie"), "its head too");
	post("/login", NULL);
	is_str(body(), "{\"error\":{\"code\":\"invalid_request\",\"message\":"
		"\"username: It has 1 to 254 bytes of A-Z a-z 0-9 . _ @ + - '.\"}}", "an error names the member, and the rule");
	post("/login", "{\"username\":\"alice\"}");
	ok(in_body("\"password: Something in the request is missing or not allowed.\""), "or the member alone");
	refuse_with(ERROR_STORE_FULL);
	is_str(head(), "Retry-After: 60\r\nCache-Control: no-store\r\n", "Retry-After where the table says so");
	for (enum error e = ERROR_NONE + 1; e < ERROR__MAX; e++) {
		char part[64];
		snprintf(part, sizeof part, "\"code\":\"%s\"", errors[e].code);
		if (e == ERROR_METHOD_NOT_ALLOWED || e == ERROR_SESSION_REVOKED)
			continue;       /* of a route's answer alone */
		refuse_with(e);
		ok(rp.status == errors[e].status && in_body(part) && in_body(errors[e].message), "%d %s", rp.status, errors[e].code);
	}
}

/* ---- bodies ------------------------------------------------------------ */

static void bodies(void)
{
	static const struct { const char *path, *body; int status; const char *code, *names; } cases[] = {
		{ "/login", "{", 400, "invalid_json", NULL },
		{ "/login", "{\"username\":\"a\",\"username\":\"b\"}", 400, "invalid_json", NULL },
		{ "/login", "[]", 400, "invalid_request", NULL },
		{ "/login", "\"alice\"", 400, "invalid_request", NULL },
		{ "/login", NULL, 400, "invalid_request", "username: " },
		{ "/login", "{}", 400, "invalid_request", "username: " },
		{ "/login", "{\"username\":\"alice\"}", 400, "invalid_request", "password: " },
		{ "/login", "{\"username\":null,\"password\":\"x\"}", 400, "invalid_request", "username: " },
		{ "/login", "{\"username\":1,\"password\":\"x\"}", 400, "invalid_request", "username: " },
		{ "/login", "{\"username\":\"alice\",\"password\":[\"x\"]}", 400, "invalid_request", "password: " },
		{ "/login", "{\"username\":\"alice\",\"password\":\"x\",\"device\":true}", 400, "invalid_request", "device: " },
		{ "/login", "{\"username\":\"alice\",\"password\":\"x\",\"cookie\":1}", 400, "invalid_request", "cookie: " },
		{ "/login", "{\"username\":\"alice\",\"password\":\"wrong\",\"unknown\":[1]}", 401, "invalid_credentials", NULL },
		{ "/refresh", NULL, 400, "invalid_request", "refresh_token: " },
		{ "/refresh", "{}", 400, "invalid_request", "refresh_token: " },
		{ "/refresh", "{\"refresh_token\":7}", 400, "invalid_request", "refresh_token: " },
		{ "/refresh", "{\"refresh_token\":\"\"}", 401, "refresh_invalid", NULL },
		{ "/refresh", "{\"refresh_token\":\"x.y.z\"}", 401, "refresh_invalid", NULL },
		{ "/refresh", "{\"cookie\":true}", 401, "refresh_invalid", NULL },
		{ "/refresh", "{\"refresh_token\":\"x\",\"idempotency_key\":7}", 400, "invalid_request", "idempotency_key: " },
		{ "/refresh", "{\"refresh_token\":\"x\",\"idempotency_key\":\"\"}", 400, "invalid_request", "idempotency_key: " },
		{ "/logout", "{\"all\":\"yes\"}", 400, "invalid_request", "all: " },
		{ "/logout", "nonsense", 400, "invalid_json", NULL },
		{ "/logout", NULL, 204, NULL, NULL },
		{ "/logout", "{\"refresh_token\":\"x.y.z\"}", 204, NULL, NULL },
		{ "/password", "{}", 400, "invalid_request", "current_password: " },
		{ "/password", "{\"current_password\":\"x\"}", 400, "invalid_request", "new_password: " },
		{ "/password", "{\"current_password\":\"x\",\"new_password\":1}", 400, "invalid_request", "new_password: " },
		{ "/register", "{\"username\":\"new\"}", 400, "invalid_request", "password: " },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		post(cases[i].path, cases[i].body);
		expect(cases[i].status, cases[i].code, "%s %s", cases[i].path, cases[i].body ? cases[i].body : "without a body");
		ok(cases[i].names == NULL || in_body(cases[i].names), "names %s", cases[i].names ? cases[i].names : "no member");
	}
	static const struct { const char *path, *body; } foreign[] = {
		{ "/refresh", "{\"refresh_token\":\"x.y.z\",\"password\":5}" }, { "/refresh", "{\"refresh_token\":\"x.y.z\",\"all\":[]}" },
		{ "/login", "{\"username\":\"alice\",\"password\":\"wrong\",\"refresh_token\":{}}" },
	};
	for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
		post(foreign[i].path, foreign[i].body);
		ok(rp.status == 401, "%s takes no notice of a member that another route has: %s", foreign[i].path, foreign[i].body);
	}
	rq.content_type = S("text/plain");
	post("/login", "{}");
	expect(415, "unsupported_media_type", "a body of another type");
	rq.content_type = SLICE_NONE;
	post("/login", "{}");
	expect(415, "unsupported_media_type", "a body without a type");
	rq.content_type = SLICE_NONE;
	post("/logout", NULL);
	expect(204, NULL, "no body needs no type");
}

/* LIMIT_TOKENS values and names: the object, and two for each member. */
static void too_many_values(void)
{
	for (int members = 63; members <= 64; members++) {
		char json[4096] = "{", one[32];
		for (int i = 0; i < members; i++) {
			snprintf(one, sizeof one, "%s\"m%d\":0", i ? "," : "", i);
			strcat(json, one);
		}
		strcat(json, "}");
		post("/login", json);
		expect(400, "invalid_request", "%d members", members);
		ok(in_body("username: ") == (members == 63), "%s", members == 63 ? "are read" : "are too many");
	}
}

/* Each text of a body, and the header, at its limit and one over. */
static void lengths(void)
{
	static const struct { const char *format; int limit; } cases[] = {
		{ "{\"password\":\"wrong\",\"username\":\"%s\"}", LIMIT_USERNAME },
		{ "{\"username\":\"alice\",\"password\":\"wrong\",\"device\":\"%s\"}", LIMIT_DEVICE },
	};
	char filler[LIMIT_BODY + 2];
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (int n = cases[i].limit - 1; n <= cases[i].limit + 1; n++) {
			memset(filler, 'x', sizeof filler);
			filler[n] = '\0';
			post("/login", text(cases[i].format, filler).p);
			if (n <= cases[i].limit)
				expect(401, "invalid_credentials", "%d bytes", n);
			else
				expect(400, "invalid_request", "%d bytes", n);
		}
	for (int n = LIMIT_IDEMPOTENCY - 1; n <= LIMIT_IDEMPOTENCY + 1; n++) {
		memset(filler, 'x', sizeof filler);
		filler[n] = '\0';
		post("/refresh", text("{\"refresh_token\":\"x\",\"idempotency_key\":\"%s\"}", filler).p);
		if (n <= LIMIT_IDEMPOTENCY)
			expect(401, "refresh_invalid", "a key of %d bytes", n);
		else
			expect(400, "invalid_request", "a key of %d bytes", n);
		rq.idempotency_key = (struct slice){ filler, (size_t)n };
		post("/refresh", "{\"refresh_token\":\"x\"}");
		if (n <= LIMIT_IDEMPOTENCY)
			expect(401, "refresh_invalid", "a header of %d bytes", n);
		else
			expect(400, "invalid_request", "a header of %d bytes", n);
	}
	rq.idempotency_key = S("");
	post("/refresh", "{\"refresh_token\":\"x\"}");
	expect(400, "invalid_request", "an empty header");
	memset(filler, 'x', sizeof filler);
	filler[LIMIT_PASSWORD_MAX + 1] = '\0';
	post("/login", text("{\"username\":\"alice\",\"password\":\"%s\"}", filler).p);
	expect(401, "invalid_credentials", "a password longer than any");
}

/* ---- signing in -------------------------------------------------------- */

static void login(void)
{
	uint64_t disabled = add_user("mallory", "correct horse", true);
	char agent[LIMIT_AGENT + 10];
	memset(agent, 'a', sizeof agent);
	rq.user_agent = (struct slice){ agent, sizeof agent };
	struct signed_in s = sign_in("ALICE", ",\"device\":\"Pixel \\\"8\\\"\"");
	expect(200, NULL, "sign-in, the name in other case");
	ok(in_body("{\"data\":{\"token_type\":\"Bearer\",\"access_token\":\"") && in_body("\"username\":\"alice\",\"subscription\":null}"), "a pair");
	is_int(number("expires_in"), 900, "lifetimes are of the configuration");
	is_int(number("refresh_expires_in"), 30 * DAY, "both");
	is_int(number("access_expires_at"), clock_now + 900, "and their dates");
	is_int(number("server_time"), clock_now, "the server's time");
	is_int(number("generation"), 1, "generation 1");
	ok(in_body("\"expires_in\":null,\"expires_at\":null}"), "a session without an end");
	ok(in_head("Cache-Control: no-store\r\n") && !in_head("Set-Cookie"), "is not to be kept; no cookie");
	struct session row = row_of(s.session);
	ok(row.agent.n == LIMIT_AGENT && slice_is(row.device, S("Pixel \"8\"")) && !row.cookie, "the row knows device and agent");
	struct audit a = last_event(dir);
	ok(a.event == EVENT_LOGIN && a.session == row.id && slice_is(a.ip, S("192.0.2.7")), "audited");
	static const struct { const char *body; } wrong[] = {
		{ "{\"username\":\"alice\",\"password\":\"wrong\"}" }, { "{\"username\":\"nobody\",\"password\":\"correct horse\"}" },
		{ "{\"username\":\"mallory\",\"password\":\"correct horse\"}" }, { "{\"username\":\"\",\"password\":\"\"}" },
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		post("/login", wrong[i].body);
		expect(401, "invalid_credentials", "%s", wrong[i].body);
		ok(last_event(dir).event == EVENT_LOGIN_FAILED && in_head("WWW-Authenticate: Bearer realm=\"latchkey\"\r\n"), "audited; the scheme alone");
	}
	is_int(last_event(dir).user, 0, "nobody's name");
	post("/login", wrong[2].body);
	ok(last_event(dir).user == disabled, "a disabled user's attempt is his");
}

/* A clock that does something when it is asked for the n-th time. */
static int asked, when_asked;
static void (*then_do)(uint64_t);
static uint64_t do_to;
static bool then_stop;

static int64_t trap_clock(void)
{
	if (++asked != when_asked)
		return clock_now;
	if (then_do) {
		store_begin(DURABLE_NOW);
		then_do(do_to);
		store_commit();
	}
	return then_stop ? 1 : clock_now;
}

static void trap(int n, void (*what)(uint64_t), uint64_t id)
{
	base_clock = trap_clock;
	asked = 0;
	when_asked = n;
	then_do = what;
	then_stop = what == NULL;
	do_to = id;
}

static void set_password(uint64_t id) { store_user_password(id, S("$argon2id$other")); }
static void end_session(uint64_t id) { store_session_end(id, ENDED_REVOKED, clock_now); }

/* While a password is compared, the store is let go of. */
static void meanwhile(void)
{
	static void (*const events[])(uint64_t) = { disable, store_user_delete, set_password };
	static const char *const login_body = "{\"username\":\"victim\",\"password\":\"correct horse\"}";
	static const char *const change_body = "{\"current_password\":\"correct horse\",\"new_password\":\"battery staple\"}";
	for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
		uint64_t id = add_user("victim", "correct horse", false);
		trap(2, events[i], id);
		post("/login", login_body);
		expect(401, "invalid_credentials", "what became of the user during the hash (%zu)", i);
		change(store_user_delete, id);
	}
	uint64_t id = add_user("victim", "correct horse", false);
	base_clock = fake_clock;
	struct signed_in s = sign_in("victim", "");
	uint64_t sid = row_of(s.session).id;
	for (int n = 1; n <= 3; n++) {
		config.password.passes = n == 3 ? 2 : 1;
		trap(n, NULL, 0);
		post("/login", login_body);
		expect(503, "clock_unset", "sign-in: the clock fails at look %d", n);
		config.password.passes = 1;
		trap(n, NULL, 0);
		bearer(s.access);
		post("/password", change_body);
		expect(503, "clock_unset", "new password: the clock fails at look %d", n);
	}
	config.signup = true;
	trap(1, NULL, 0);
	post("/register", "{\"username\":\"another\",\"password\":\"battery staple\"}");
	expect(503, "clock_unset", "register: the clock fails");
	config.signup = false;
	trap(3, end_session, sid);
	bearer(s.access);
	post("/password", change_body);
	expect(401, "session_revoked", "a session that ended during the hash changes no password");
	base_clock = fake_clock;
	sign_in("victim", "");
	expect(200, NULL, "the old one holds");
	change(store_user_delete, id);
}

static void costs(void)
{
	uint64_t id = add_user("rehash", "correct horse", false);
	struct user u;
	static const struct { int64_t kib, passes; const char *want; } cases[] = {
		{ 16, 1, "m=16,t=1," }, { 16, 2, "m=16,t=2," }, { 0, 0, "m=19456,t=2," }, { CHEAP, 1, "m=8,t=1," },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		config.password.kib = cases[i].kib;
		config.password.passes = cases[i].passes;
		sign_in("rehash", "");
		expect(200, NULL, "sign-in at another cost");
		store_open(dir, 5);
		store_user(id, &u);
		const char *stored = slice_text(u.password);
		ok(strstr(stored, cases[i].want) || (cases[i].kib == 0 && strstr(stored, "m=7168,t=5,")), "rehashed: %.24s", stored);
		store_close();
	}
}

static void throttled(void)
{
	int64_t start = boot_now;
	for (int i = 0; i < 6; i++) {
		boot_now = start;
		post("/login", "{\"username\":\"nobody\",\"password\":\"wrong\"}");
	}
	expect(429, "rate_limited", "the sixth try at once");
	ok(in_head("Retry-After: "), "tells when to try again");
	boot_now = start;
	config.signup = true;
	post("/register", "{\"username\":\"another\",\"password\":\"battery staple\"}");
	expect(429, "rate_limited", "register too");
	config.signup = false;
	struct signed_in s = sign_in("alice", "");
	start = boot_now;
	for (int i = 0; i < 6; i++) {
		boot_now = start;
		bearer(s.access);
		post("/password", "{\"current_password\":\"wrong\",\"new_password\":\"battery staple\"}");
	}
	expect(429, "rate_limited", "and a new password");
	boot_now = start;
	bearer(s.access);
	call(METHOD_DELETE, "/me", "{\"password\":\"correct horse\"}");
	expect(429, "rate_limited", "and a user's end, with the right one too");
	boot_now = start;
	post("/refresh", refresh_body(s.refresh));
	expect(200, NULL, "refresh never");
	boot_now += DAY;
}

/* Another process hashes in the only slot. */
static void slots_busy(void)
{
	int ready[2];
	char byte;
	config.password_jobs = 1;
	if (pipe(ready) != 0)
		exit(2);
	pid_t pid = fork();
	if (pid == 0) {
		password_slot(dir, 1, 0);
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	is_int(read(ready[0], &byte, 1), 1, "another process has the slot");
	int64_t start = boot_now;
	post("/login", "{\"username\":\"alice\",\"password\":\"correct horse\"}");
	expect(503, "busy", "no slot to hash in");
	ok(in_head("Retry-After: 1\r\n"), "tells when to try again");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	config.password_jobs = 2;
	for (int i = 0; i < 6; i++) {
		boot_now = start;
		post("/login", "{\"username\":\"alice\",\"password\":\"wrong horse\"}");
		expect(i < 5 ? 401 : 429, i < 5 ? "invalid_credentials" : "rate_limited", "a try that was told busy isn't counted: %d", i);
	}
	boot_now += DAY;
}

/* ---- register ---------------------------------------------------------- */

static void registering(void)
{
	post("/register", "{\"username\":\"carol\",\"password\":\"battery staple\"}");
	expect(403, "signup_disabled", "register, which is off");
	config.signup = true;
	post("/register", "{\"username\":\"carol\",\"password\":\"battery staple\",\"device\":\"d\"}");
	expect(201, NULL, "register");
	ok(in_body("\"refresh_token\"") && last_event(dir).event == EVENT_USER_ADDED, "answers a pair; audited");
	post("/register", "{\"username\":\"CAROL\",\"password\":\"battery staple\"}");
	expect(409, "username_taken", "the name in other case");
	post("/register", "{\"username\":\"dave\",\"password\":\"battery staple\",\"cookie\":true}");
	expect(201, NULL, "register with a cookie");
	ok(!in_body("\"refresh_token\"") && in_head("Set-Cookie: __Secure-latchkey-"), "gets one");
	static const struct { const char *name; bool good; } names[] = {
		{ "", false }, { "a b", false }, { "x/y", false }, { "caf\xc3\xa9", false }, { "a\\u0000b", false }, { "\\n", false },
		{ "{", false }, { "x", true }, { "A.z_0@9+-", true },
		{ "O'Brien@example.test", true }, { "a\\\"b", false }, { "a&b", false },
	};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		post("/register", text("{\"username\":\"%s\",\"password\":\"battery staple\"}", names[i].name).p);
		if (names[i].good)
			expect(201, NULL, "name \"%s\"", names[i].name);
		else
			expect(400, "invalid_request", "no name: \"%s\"", names[i].name);
	}
	char filled[LIMIT_USERNAME + 2];
	memset(filled, 'n', sizeof filled);
	filled[LIMIT_USERNAME] = '\0';
	post("/register", text("{\"username\":\"%s\",\"password\":\"battery staple\"}", filled).p);
	expect(201, NULL, "a name of 254 bytes");
	bearer(taken().access);
	get("/verify");
	ok(rp.status == 204 && in_head(text("X-Auth-Name: %s\r\n", filled).p), "whose token is good");
	ok(!session_username_ok((struct slice){ filled, LIMIT_USERNAME + 1 }), "255 bytes are no name");
	char longest[LIMIT_PASSWORD_MAX + 2];
	memset(longest, 'x', sizeof longest);
	longest[LIMIT_PASSWORD_MAX + 1] = '\0';
	const char *weak[] = { "", "1234567", "password", "PASSWORD", longest };
	for (size_t i = 0; i < sizeof weak / sizeof *weak; i++) {
		post("/register", text("{\"username\":\"weak\",\"password\":\"%s\"}", weak[i]).p);
		expect(422, "weak_password", "password of %zu bytes", strlen(weak[i]));
	}
	config.signup = false;
}

/* Nothing is normalised (docs/api.md): é as one character and as two are two passwords. A name has neither. */
static void spellings(void)
{
	static const char *const spelt[] = { "caf\xc3\xa9 au lait", "cafe\xcc\x81 au lait" };
	config.signup = true;
	for (int i = 0; i < 2; i++) {
		post("/register", text("{\"username\":\"%s\",\"password\":\"battery staple\"}", spelt[i]).p);
		expect(400, "invalid_request", "a name with \xc3\xa9, spelling %d", i);
		ok(in_body("username: It has 1 to 254 bytes of A-Z a-z 0-9 . _ @ + - '."), "is told what a name may have");
	}
	post("/register", text("{\"username\":\"speller\",\"password\":\"%s\"}", spelt[0]).p);
	expect(201, NULL, "a password with it");
	post("/login", text("{\"username\":\"speller\",\"password\":\"%s\"}", spelt[1]).p);
	expect(401, "invalid_credentials", "in the other spelling is another password");
	post("/login", text("{\"username\":\"speller\",\"password\":\"%s\"}", spelt[0]).p);
	expect(200, NULL, "in its own it is right");
	config.signup = false;
}

/* ---- access tokens ----------------------------------------------------- */

static struct slice forge(struct access_claims claims)
{
	return jwt_seal_access(&ring.key[0], &claims);
}

/* An access token as a later version may write it, with a claim that this one doesn't know. */
static char *with_claim(const char *token, const char *claim)
{
	struct slice rest = slice_of(token), payload;
	struct buf made = { 0 }, claims = { 0 };
	uint8_t derived[KEY_SIZE], mac[br_sha256_SIZE];
	buf_add(&made, slice_cut(&rest, '.'));
	buf_c(&made, '.');
	ok(base64url_read(slice_cut(&rest, '.'), &payload), "a payload");
	buf_add(&claims, (struct slice){ payload.p, payload.n - 1 });
	buf_s(&claims, claim);
	base64url_add(&made, buf_slice(&claims));
	br_hmac_key_context key;
	br_hmac_context hmac;
	jwt_derive(&ring.key[0], JWT_ACCESS, derived);
	br_hmac_key_init(&key, &br_sha256_vtable, derived, KEY_SIZE);
	br_hmac_init(&hmac, &key, 0);
	br_hmac_update(&hmac, made.p, made.n);
	br_hmac_out(&hmac, mac);
	buf_c(&made, '.');
	base64url_add(&made, (struct slice){ (const char *)mac, sizeof mac });
	return slice_text(buf_slice(&made));
}

/* After a downgrade the tokens of the later version are refused, and the session goes on with the refresh token. */
static void later_version(void)
{
	struct signed_in s = sign_in("alice", "");
	bearer(with_claim(s.access, "}"));
	get("/me");
	expect(200, NULL, "the same claims, signed again");
	bearer(with_claim(s.access, ",\"cnf\":\"x\"}"));
	get("/me");
	expect(401, "token_invalid", "a claim of a later version");
	post("/refresh", refresh_body(s.refresh));
	expect(200, NULL, "ends no session");
	bearer(taken().access);
	get("/me");
	expect(200, NULL, "and its next token is this version's");
}

static void access_tokens(void)
{
	static const struct { enum method method; const char *path, *body; } calls[] = {
		{ METHOD_GET, "/me", NULL }, { METHOD_GET, "/sessions", NULL }, { METHOD_DELETE, "/sessions", NULL },
		{ METHOD_DELETE, "/sessions/0123456789abcdef", NULL }, { METHOD_GET, "/audit", NULL }, { METHOD_GET, "/verify?live=1", NULL },
		{ METHOD_GET, "/verify", NULL }, { METHOD_POST, "/password", "{\"current_password\":\"x\",\"new_password\":\"y\"}" },
	};
	uint64_t gone = add_user("gone", "correct horse", false), off = add_user("off", "correct horse", false);
	struct signed_in alice = sign_in("alice", ""), deleted = sign_in("gone", ""), disabled = sign_in("off", ""), ended = sign_in("alice", "");
	post("/logout", refresh_body(ended.refresh));
	change(store_user_delete, gone);
	change(disable, off);
	const struct session row = row_of(alice.session);
	struct access_claims c = { .iss = config.issuer, .aud = config.audience, .name = S("alice"), .sub = row.user, .sid = row.id, .iat = clock_now, .exp = clock_now + 900 };
	struct access_claims iss = c, aud = c, expired = c, future = c, edge = c, unknown = c, foreign = c;
	iss.iss = S("elsewhere");
	aud.aud = S("others");
	expired.exp = clock_now;
	future.iat = clock_now + 121;
	edge.iat = clock_now + 120;
	unknown.sid = 1;
	foreign.sub = 1;
	char *broken = strdup(alice.access);
	broken[strlen(broken) - 2] ^= 1;
	const struct { const char *what; struct slice header; const char *code; bool stored, challenged; } tokens[] = {
		{ "no token", SLICE_NONE, "token_missing", false, true },
		{ "another scheme", S("Basic YTpi"), "token_missing", false, true },
		{ "a scheme alone", S("Bearer"), "token_invalid", false, true },
		{ "two words", S("Bearer a b"), "token_invalid", false, true },
		{ "no token of ours", S("bearer x.y.z"), "token_invalid", false, true },
		{ "a refresh token", slice_of(strdup(text("Bearer %s", alice.refresh).p)), "token_invalid", false, true },
		{ "a forged one", slice_of(strdup(text("Bearer %s", broken).p)), "token_invalid", false, true },
		{ "another issuer", slice_of(strdup(text("Bearer %s", slice_text(forge(iss))).p)), "token_invalid", false, true },
		{ "another audience", slice_of(strdup(text("Bearer %s", slice_text(forge(aud))).p)), "token_invalid", false, true },
		{ "an expired one", slice_of(strdup(text("Bearer %s", slice_text(forge(expired))).p)), "token_expired", false, true },
		{ "one from the future", slice_of(strdup(text("Bearer %s", slice_text(forge(future))).p)), "token_invalid", false, true },
		{ "an unknown session", slice_of(strdup(text("Bearer %s", slice_text(forge(unknown))).p)), "token_invalid", true, true },
		{ "another user's session, by who has the exported key", slice_of(strdup(text("Bearer %s", slice_text(forge(foreign))).p)), "token_invalid", true, true },
		{ "an ended session", slice_of(strdup(text("Bearer %s", ended.access).p)), "session_revoked", true, true },
		{ "a deleted user", slice_of(strdup(text("Bearer %s", deleted.access).p)), "token_invalid", true, true },
		{ "a disabled user", slice_of(strdup(text("Bearer %s", disabled.access).p)), "session_revoked", true, true },
	};
	for (size_t t = 0; t < sizeof tokens / sizeof *tokens; t++)
		for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
			if (tokens[t].stored && strcmp(calls[i].path, "/verify") == 0)
				continue;
			rq.authorization = tokens[t].header;
			call(calls[i].method, calls[i].path, calls[i].body);
			expect(401, tokens[t].code, "%s: %s", calls[i].path, tokens[t].what);
			ok(in_head("WWW-Authenticate: Bearer realm=\"latchkey\"") && in_head("error=\"invalid_token\"") == (t > 1), "challenged");
		}
	char *near = strdup(text("Bearer %s", slice_text(forge(edge))).p);
	rq.authorization = slice_of(near);
	get("/me");
	expect(200, NULL, "a clock that is 120 s ahead of ours");
}

/* In libc's place. */
static bool disk_full;
int statvfs(const char *path, struct statvfs *out)
{
	(void)path;
	*out = (struct statvfs){ .f_frsize = 1024, .f_blocks = 100000, .f_bavail = disk_full ? 63 : 64 };
	return 0;
}

/* What needs no store asks none: there is none in this directory. */
static void ask_health(void *unused)
{
	(void)unused;
	get("/health");
}

static void ask_live(void *access)
{
	bearer(access);
	get("/verify?live=1");
}

static void say_code(enum error e)
{
	printf("%d %s\n", errors[e].status, errors[e].code);
	exit(111);
}

static void verify(void)
{
	struct signed_in s = sign_in("alice", "");
	char *user = part_of(body(), "\"user\":{\"id\":\"", "\""), want[256];
	snprintf(want, sizeof want, "X-Auth-User: %s\r\nX-Auth-Name: alice\r\nX-Auth-Session: %s\r\n", user, s.session);
	for (int live = 0; live < 2; live++) {
		bearer(s.access);
		call(live ? METHOD_GET : METHOD_HEAD, live ? "/verify?a=b&live=1" : "/verify?live=0", NULL);
		expect(204, NULL, "/verify, %s", live ? "live" : "by MAC");
		ok(in_head(want), "tells who it is");
	}
	store_close();
	config.dir = empty_dir;
	bearer(s.access);
	get("/verify");
	expect(204, NULL, "/verify without a store");
	post("/refresh", "{\"refresh_token\":\"eyJ.x.y\"}");
	expect(401, "refresh_invalid", "a foreign refresh token without a store");
	on_fail(say_code);
	is_int(dies(ask_live, s.access), 111, "/verify?live=1 without a store dies");
	is_str(t_out, "503 store_unavailable\n", "with the right error");
	is_int(dies(ask_health, NULL), 111, "/health too");
	is_str(t_out, "503 store_unavailable\n", "with the right error");
	is_int(access(text("%s/latchkey.db", empty_dir).p, F_OK), -1, "and no database was made");
	config.dir = dir;
	int64_t before = clock_now;
	clock_now = clock_build_epoch - 1;
	bearer(s.access);
	get("/verify");
	expect(503, "clock_unset", "/verify with a clock from before the build");
	clock_now = before;
	get("/health");
	expect(200, NULL, "/health");
	is_int(number("time"), clock_now, "tells the time");
	disk_full = true;
	get("/health");
	expect(503, "store_full", "/health on a full disk");
	disk_full = false;
	change(enable, row_of(s.session).user);
}

/* A name that nobody could choose, by a row that something else has changed: it has no place in a token, and its user goes on. */
static void odd_name(void)
{
	static char name[LIMIT_USERNAME + 1];
	memset(name, '\a', LIMIT_USERNAME);
	uint64_t id = add_user("odd", "correct horse", false);
	struct signed_in s = sign_in("odd", "");
	store_open(dir, 5);
	store_begin(DURABLE_NOW);
	ok(store_user_rename(id, slice_of(name)), "a name of control characters");
	store_commit();
	store_close();
	post("/refresh", refresh_body(s.refresh));
	expect(200, NULL, "refreshes");
	bearer(taken().access);
	get("/verify");
	expect(204, NULL, "and is known");
	ok(in_head("X-Auth-Name: \r\n"), "by no name");
}

static void me(void)
{
	struct signed_in s = sign_in("alice", "");
	change(carry, row_of(s.session).user);
	bearer(s.access);
	get("/me");
	expect(200, NULL, "/me");
	ok(in_body("\"username\":\"alice\",\"subscription\":{\"plan\":\"pro\"},\"session\":{\"id\":\""), "user, subscription, session");
	change(spoil, row_of(s.session).user);
	bearer(s.access);
	get("/me");
	ok(in_body("\"username\":\"alice\",\"subscription\":null,\"session\":{"), "a subscription that isn't JSON breaks no answer");
	change(carry, row_of(s.session).user);
	bearer(s.access);
	call(METHOD_HEAD, "/me", NULL);
	expect(200, NULL, "HEAD /me");
	rq.authorization = text("bEARER %s", s.access);
	get("/me");
	expect(200, NULL, "the scheme in other case");
}

/* ---- cookies ----------------------------------------------------------- */

static void secure_cookies(void)
{
	struct signed_in s = sign_in("alice", ",\"cookie\":true");
	expect(200, NULL, "sign-in with a cookie");
	ok(in_head("; Path=/api/auth; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure\r\n"), "its attributes");
	ok(!in_body("refresh_token\"") && in_body("\"refresh_expires_in\":2592000"), "no refresh token in the body");
	ok(!in_head("latchkey-access"), "no access cookie");
	ok(row_of(s.session).cookie, "the row knows the mode");
	post("/refresh", refresh_body(s.refresh));
	expect(200, NULL, "its token in a body");
	ok(!in_body("refresh_token\"") && in_head("Set-Cookie: __Secure-latchkey-"), "is answered by a cookie all the same");
	struct signed_in next = taken();
	rq.cookie = text("__Secure-latchkey=%s", next.refresh);
	rq.sec_fetch_site = S("same-origin");
	rq.mount = SLICE_NONE;
	post("/refresh", NULL);
	expect(200, NULL, "its cookie");
	ok(in_head("Set-Cookie: __Host-latchkey-") && in_head("; Path=/; Max-Age"), "the root is a mount too: no other host can set that cookie");
	struct signed_in plain = sign_in("alice", "");
	rq.cookie = text("__Secure-latchkey=%s", plain.refresh);
	rq.sec_fetch_site = S("same-origin");
	post("/refresh", "{}");
	expect(401, "refresh_invalid", "the token of a body session as a cookie");
	rq.cookie = S("other=1");
	post("/refresh", NULL);
	expect(401, "refresh_invalid", "cookies, but none of ours");
	rq.cookie = S("__Secure-latchkey=junk");
	rq.sec_fetch_site = S("same-origin");
	post("/refresh", NULL);
	expect(401, "refresh_invalid", "a cookie of ours that isn't");
	rq.cookie = text("__Secure-latchkey=%s", next.refresh);
	post("/refresh", refresh_body(plain.refresh));
	expect(200, NULL, "a body wins over any cookie");
	ok(in_body("\"refresh_token\":\"") && !in_head("Set-Cookie"), "and is answered by a body");
}

static void loopback_cookies(void)
{
	rq.peer = S("127.0.0.1");
	rq.host = S("localhost:8080");
	struct signed_in s = sign_in("alice", ",\"cookie\":true");
	ok(in_head("Set-Cookie: latchkey-") && !in_head("Secure"), "plain HTTP on loopback: the plain name");
	rq.peer = S("127.0.0.1");
	rq.host = S("localhost:8080");
	rq.cookie = text("latchkey=%s", s.refresh);
	rq.origin = S("http://localhost:8080");
	post("/refresh", NULL);
	expect(200, NULL, "is taken there");
	s = taken();
	rq.cookie = text("latchkey=%s", s.refresh);
	rq.sec_fetch_site = S("same-origin");
	post("/refresh", NULL);
	expect(401, "refresh_invalid", "and nowhere else");
}

/* Sec-Fetch-Site decides; where there is none, Origin. */
static void sites(void)
{
	static const struct { const char *site, *origin; bool good; } cases[] = {
		{ "same-origin", NULL, true }, { "same-origin", "https://evil.test", true }, { "same-site", NULL, false },
		{ "same-site", "https://app.example", true }, { "same-site", "https://example.test", false }, { "cross-site", "https://app.example", false },
		{ "cross-site", "https://example.test", false }, { "none", NULL, false }, { "", NULL, false },
		{ NULL, "https://example.test", true }, { NULL, "http://example.test", true }, { NULL, "https://evil.test", false },
		{ NULL, "https://app.example", true }, { NULL, "null", false }, { NULL, "", false }, { NULL, NULL, false },
	};
	struct signed_in s = sign_in("alice", ",\"cookie\":true");
	config.cors_origins = S("tauri://localhost https://app.example");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (int out = 0; out < 2; out++) {
			if (out && cases[i].good)
				continue;
			rq.cookie = text("__Secure-latchkey=%s", s.refresh);
			rq.sec_fetch_site = slice_of(cases[i].site);
			rq.origin = slice_of(cases[i].origin);
			post(out ? "/logout" : "/refresh", "{}");
			if (cases[i].good)
				expect(200, NULL, "Sec-Fetch-Site %s, Origin %s", cases[i].site ? cases[i].site : "-", cases[i].origin ? cases[i].origin : "-");
			else
				expect(403, "cross_site", "%s: Sec-Fetch-Site %s, Origin %s", out ? "logout" : "refresh", cases[i].site ? cases[i].site : "-",
					cases[i].origin ? cases[i].origin : "-");
		}
		if (cases[i].good)
			s = taken();
	}
	config.cors_origins = SLICE_NONE;
}

static void several_cookies(void)
{
	struct signed_in a = sign_in("alice", ",\"cookie\":true"), b = sign_in("bob", ",\"cookie\":true");
	char cookie[8192];
	snprintf(cookie, sizeof cookie, "__Secure-latchkey=tossed; x=y; __Secure-latchkey=%s", a.refresh);
	rq.cookie = slice_of(cookie);
	rq.sec_fetch_site = S("same-origin");
	post("/refresh", NULL);
	expect(200, NULL, "a cookie behind one that was tossed in");
	struct signed_in a2 = taken();
	rq.cookie = text("__Secure-latchkey=%s", a2.refresh);
	rq.sec_fetch_site = S("same-origin");
	post("/refresh", NULL);
	clock_now += 60;
	post("/logout", refresh_body(b.refresh));
	snprintf(cookie, sizeof cookie, "__Secure-latchkey=%s; __Secure-latchkey=%s", a.refresh, b.refresh);
	rq.cookie = slice_of(cookie);
	rq.sec_fetch_site = S("same-origin");
	post("/refresh", NULL);
	expect(401, "refresh_reused", "a reuse isn't hidden by a dead cookie behind it");
	is_int(row_of(a.session).why, ENDED_REUSE, "its session ended");
	a = sign_in("alice", ",\"cookie\":true");
	b = sign_in("bob", ",\"cookie\":true");
	snprintf(cookie, sizeof cookie, "__Secure-latchkey=%s; __Secure-latchkey=%s", a.refresh, b.refresh);
	rq.cookie = slice_of(cookie);
	rq.sec_fetch_site = S("same-origin");
	post("/logout", NULL);
	expect(204, NULL, "logout with two cookies");
	ok(row_of(a.session).ended_at && row_of(b.session).ended_at, "ends both sessions");
}

/* Who signs in again in the same browser leaves no session behind; nor does he end one that isn't his own. */
static void signing_in_again(void)
{
	static const struct { const char *site, *user, *mode; int spent; bool ends; } cases[] = {
		{ "same-origin", "alice", ",\"cookie\":true", 0, true }, { "same-origin", "alice", ",\"cookie\":true", 1, true },
		{ "same-origin", "alice", ",\"cookie\":true", 2, false }, { "same-origin", "alice", "", 0, false },
		{ NULL, "alice", ",\"cookie\":true", 0, false }, { "same-origin", "bob", ",\"cookie\":true", 0, false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct signed_in s = sign_in("alice", ",\"cookie\":true"), first = s;
		for (int g = 0; g < cases[i].spent; g++) {
			rq.cookie = text("__Secure-latchkey=%s", s.refresh);
			rq.sec_fetch_site = S("same-origin");
			post("/refresh", NULL);
			s = taken();
		}
		rq.cookie = text("a=b; __Secure-latchkey=%s", first.refresh);
		rq.sec_fetch_site = slice_of(cases[i].site);
		struct signed_in again = sign_in(cases[i].user, cases[i].mode);
		is_int(row_of(s.session).why, cases[i].ends ? ENDED_REPLACED : ENDED_NOT, "%s signs in, %s, %s, %d back", cases[i].user,
			*cases[i].mode ? "cookie" : "body", cases[i].site ? cases[i].site : "-", cases[i].spent);
		ok(!row_of(again.session).ended_at && last_event(dir).event == EVENT_LOGIN && last_event(dir).count == cases[i].ends, "the new one stands");
	}
	struct signed_in body = sign_in("alice", "");
	rq.cookie = text("__Secure-latchkey=%s", body.refresh);
	rq.sec_fetch_site = S("same-origin");
	sign_in("alice", ",\"cookie\":true");
	ok(!row_of(body.session).ended_at, "a session of body mode has no cookie");
	uint64_t gone = add_user("una", "correct horse", false);
	struct signed_in deleted = sign_in("una", ",\"cookie\":true");
	change(store_user_delete, gone);
	rq.cookie = text("__Secure-latchkey=%s", deleted.refresh);
	rq.sec_fetch_site = S("same-origin");
	sign_in("alice", ",\"cookie\":true");
	ok(rp.status == 200 && last_event(dir).count == 0, "nor does the cookie of a user who is gone end anything");
}

static void access_cookie(void)
{
	config.access_cookie = true;
	struct signed_in s = sign_in("alice", ",\"cookie\":true");
	ok(in_head("Set-Cookie: __Host-latchkey-access-") && in_head("; Path=/; Max-Age=900; HttpOnly; SameSite=Lax; Secure\r\n"), "access cookie");
	static const struct { enum method method; const char *path; int status; } calls[] = {
		{ METHOD_GET, "/verify", 204 }, { METHOD_HEAD, "/verify", 204 }, { METHOD_GET, "/me", 200 }, { METHOD_DELETE, "/sessions", 401 },
		{ METHOD_POST, "/verify", 204 }, { METHOD_OPTIONS, "/verify", 204 },
	};
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		rq.cookie = text("__Secure-latchkey-access=%s", s.access);
		call(calls[i].method, calls[i].path, NULL);
		expect(calls[i].status, calls[i].status == 401 ? "token_missing" : NULL, "by cookie: %s", calls[i].path);
	}
	rq.cookie = text("__Secure-latchkey-access=%s", s.access);
	rq.authorization = text("Bearer %s", s.access);
	char *letter = (char *)(uintptr_t)(rq.authorization.p + rq.authorization.n - 4);
	*letter = *letter == 'A' ? 'B' : 'A';
	get("/me");
	expect(401, "token_invalid", "a bearer of ours wins, good or bad");
	static const char *const foreign[] = { "Bearer junk", "Bearer x.y.z", "Bearer two words", "Bearer" };
	for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
		rq.cookie = text("__Secure-latchkey-access=%s", s.access);
		rq.authorization = slice_of(foreign[i]);
		get("/verify");
		expect(204, NULL, "an app's own is none: %zu", i);
		rq.cookie = S("a=b");
		rq.authorization = slice_of(foreign[i]);
		get("/verify");
		expect(401, "token_invalid", "but without a cookie it is what was shown");
		rq.authorization = slice_of(foreign[i]);
		rq.cookie = text("__Secure-latchkey-access=%s", s.access);
		call(METHOD_DELETE, "/sessions", NULL);
		expect(401, "token_invalid", "and where no cookie counts");
	}
	rq.cookie = S("a=b");
	get("/me");
	expect(401, "token_missing", "no cookie of ours");
	config.access_cookie = false;
	rq.cookie = text("__Secure-latchkey-access=%s", s.access);
	get("/me");
	expect(401, "token_missing", "nor with the option off");
	rq.cookie = text("__Secure-latchkey-access=%s", s.access);
	rq.authorization = S("Bearer junk");
	get("/me");
	expect(401, "token_invalid", "nor beside an app's own bearer");
}

/* A header Cookie of several: name, value, name, value; NULL ends them. */
static struct slice jar(const char *name, ...)
{
	static char cookie[16384];
	va_list more;
	size_t n = 0;
	va_start(more, name);
	for (; name; name = va_arg(more, const char *))
		n += (size_t)snprintf(cookie + n, sizeof cookie - n, "%s%s=%s", n ? "; " : "", name, va_arg(more, const char *));
	va_end(more);
	return (struct slice){ cookie, n };
}

static void refresh_by(struct slice cookies, const char *json)
{
	rq.cookie = cookies;
	rq.sec_fetch_site = S("same-origin");
	post("/refresh", json);
}

/* A sibling domain can toss in cookies, good ones of its own session too. */
static void tossed_cookies(void)
{
	struct signed_in a = sign_in("alice", ",\"cookie\":true"), m = sign_in("bob", ",\"cookie\":true");
	char junk[16384];
	size_t n = 0;
	for (int i = 0; i < 1300; i++)
		n += (size_t)snprintf(junk + n, sizeof junk - n, "latchkey=x;");
	ok(n < LIMIT_HEAD, "a head's worth of cookies");
	n = 0;
	for (int i = 0; i < 500; i++)
		n += (size_t)snprintf(junk + n, sizeof junk - n, "__Secure-latchkey=%d; ", i);
	snprintf(junk + n, sizeof junk - n, "__Secure-latchkey-0=%s", a.refresh);
	refresh_by(slice_of(junk), "{}");
	expect(200, NULL, "the real one behind 500 of junk");
	a = taken();
	int64_t events = last_event(dir).id;
	refresh_by(jar("__Secure-latchkey", m.refresh, "__Secure-latchkey-0", a.refresh, NULL), "{}");
	expect(403, "cross_site", "two good ones of two sessions, none named");
	refresh_by(jar("__Secure-latchkey", m.refresh, "__Secure-latchkey-0", a.refresh, NULL), "{\"session\":\"00000000000000ff\"}");
	expect(403, "cross_site", "or another one");
	ok(last_event(dir).id == events && row_of(a.session).ctr == 2 && row_of(m.session).ctr == 1, "change nothing");
	for (int first = 0; first < 2; first++) {
		const char *const ours = a.refresh, *const theirs = m.refresh;
		refresh_by(jar("__Secure-latchkey", first ? ours : theirs, "__Secure-latchkey", first ? theirs : ours, NULL),
			text("{\"session\":\"%s\"}", a.session).p);
		expect(200, NULL, "the one that is named counts, %s", first ? "first" : "last");
		a = taken();
	}
	is_int(row_of(m.session).ctr, 1, "and the other isn't touched");
	refresh_by(jar("__Secure-latchkey", m.refresh, "__Host-latchkey-0", a.refresh, NULL), "{}");
	expect(200, NULL, "what only this host can set goes before what its siblings can");
	is_str(taken().session, a.session, "also where it comes last");
	a = taken();
	refresh_by(jar("__Host-latchkey", m.refresh, "__Secure-latchkey-0", a.refresh, NULL), text("{\"session\":\"%s\"}", a.session).p);
	is_str(taken().session, a.session, "but not before the one that is named");
	a = taken();
	refresh_by(jar("__Secure-latchkey", m.refresh, NULL), text("{\"session\":\"%s\"}", a.session).p);
	expect(200, NULL, "a single good one counts, whatever is named");
	m = taken();
	post("/logout", refresh_body(m.refresh));
	refresh_by(jar("__Secure-latchkey", m.refresh, "__Secure-latchkey", a.refresh, NULL), "{}");
	expect(200, NULL, "one of a session that is over is no rival");
	refresh_by(jar("__Secure-latchkey", a.refresh, NULL), "{\"session\":\"x\"}");
	expect(400, "invalid_request", "no id");
	ok(in_body("session: "), "it is named");
}

/* Names change with the instance's keys, and did with 0.1.1: the browser then has two cookies of one session. */
static void renamed_cookies(void)
{
	struct signed_in old = sign_in("alice", ",\"cookie\":true");
	refresh_by(jar("__Secure-latchkey", old.refresh, NULL), "{\"idempotency_key\":\"one\"}");
	struct signed_in now = taken();
	for (int newer_first = 0; newer_first < 2; newer_first++) {
		char key[64];
		snprintf(key, sizeof key, "{\"idempotency_key\":\"%d\"}", newer_first);
		refresh_by(newer_first ? jar("__Secure-latchkey-0", now.refresh, "__Secure-latchkey", old.refresh, NULL)
			: jar("__Secure-latchkey", old.refresh, "__Secure-latchkey-0", now.refresh, NULL), key);
		expect(200, NULL, "the older is no reuse beside the newer, %s", newer_first ? "behind it" : "before it");
		is_int(number("generation"), 3 + newer_first, "a new generation");
		now = taken();
	}
	struct signed_in before = now;
	refresh_by(jar("__Secure-latchkey-0", before.refresh, NULL), "{\"idempotency_key\":\"lost\"}");
	now = taken();
	for (int newer_first = 0; newer_first < 2; newer_first++) {
		refresh_by(newer_first ? jar("__Secure-latchkey-0", now.refresh, "__Secure-latchkey", before.refresh, NULL)
			: jar("__Secure-latchkey", before.refresh, "__Secure-latchkey-0", now.refresh, NULL), "{\"idempotency_key\":\"lost\"}");
		ok(rp.status == 200 && strcmp(taken().refresh, now.refresh) == 0, "the same request again goes before both");
	}
	rq.cookie = jar("__Secure-latchkey", old.refresh, "__Secure-latchkey-0", now.refresh, NULL);
	rq.sec_fetch_site = S("same-origin");
	post("/logout", NULL);
	expect(204, NULL, "nor at the sign-out");
	ok(row_of(now.session).why == ENDED_LOGOUT && last_event(dir).event == EVENT_LOGOUT, "which is one");
}

/* "Remember me" off: until the browser ends, and so after each refresh. */
static void brief_cookies(void)
{
	static const struct { const char *more; bool kept; } cases[] = {
		{ ",\"cookie\":true", true }, { ",\"cookie\":true,\"remember\":true", true }, { ",\"cookie\":true,\"remember\":false", false },
	};
	config.access_cookie = true;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct signed_in s = sign_in("alice", cases[i].more);
		ok(in_head("Max-Age") == cases[i].kept && row_of(s.session).cookie && row_of(s.session).brief != cases[i].kept,
			"sign-in with %s", cases[i].more);
		refresh_by(jar("__Secure-latchkey", s.refresh, NULL), "{}");
		ok(rp.status == 200 && in_head("Set-Cookie: ") && in_head("Max-Age") == cases[i].kept, "and its refresh");
	}
	config.access_cookie = false;
	struct signed_in s = sign_in("alice", ",\"remember\":false");
	ok(!in_head("Set-Cookie") && !row_of(s.session).brief, "body mode has no cookie to forget");
	post("/login", "{\"username\":\"alice\",\"password\":\"correct horse\",\"remember\":\"no\"}");
	expect(400, "invalid_request", "a word for it");
}

/* Two instances on one host: the ports don't keep cookies apart, so their names must. */
static char *name_set(void)
{
	sign_in("alice", ",\"cookie\":true");
	return part_of(head(), "Set-Cookie: ", "=");
}

static void names_of_cookies(void)
{
	char *name = name_set();
	ok(strlen(name) == strlen("__Secure-latchkey-01234567") && strncmp(name, "__Secure-latchkey-", 18) == 0, "%s", name);
	is_str(name_set(), name, "the same each time");
	struct keyring kept = ring;
	ok(keyring_add(&ring, &(struct key){ .kid = "11111111" }), "a new key");
	is_str(name_set(), name, "the same when a new key signs");
	ring.count = 1;
	ok(strcmp(name_set(), name) != 0, "another with other keys");
	ring = kept;
	config.audience = S("elsewhere");
	ok(strcmp(name_set(), name) != 0, "or for another audience");
	config.audience = S("latchkey");
	config.issuer = S("elsewhere");
	ok(strcmp(name_set(), name) != 0, "or of another issuer");
	config.issuer = S("latchkey");
}

static void several_access_cookies(void)
{
	config.access_cookie = true;
	struct signed_in a = sign_in("alice", ",\"cookie\":true"), m = sign_in("bob", ",\"cookie\":true");
	static const char *const names[] = { "__Secure-latchkey-access", "__Host-latchkey-access-0" };
	for (size_t i = 0; i < 2; i++)
		for (int first = 0; first < 2; first++) {
			rq.cookie = first ? jar(names[i], a.access, names[i], "junk", NULL) : jar(names[i], "junk", names[i], a.access, NULL);
			get("/verify");
			expect(204, NULL, "junk beside it, %s", names[i]);
			rq.cookie = jar(names[i], a.access, names[i], m.access, NULL);
			get("/verify");
			expect(403, "cross_site", "of two good ones of two sessions neither counts");
		}
	rq.cookie = jar(names[0], m.access, names[1], a.access, NULL);
	get("/verify");
	ok(rp.status == 204 && in_head("X-Auth-Name: alice\r\n"), "what only this host can set goes first");
	rq.cookie = jar(names[0], a.access, "latchkey-access", m.access, NULL);
	get("/verify");
	ok(rp.status == 204 && in_head("X-Auth-Name: alice\r\n"), "one of plain HTTP counts for nothing");
	clock_now += 60;
	refresh_by(jar("__Secure-latchkey", a.refresh, NULL), "{}");
	struct signed_in next = taken();
	rq.cookie = jar(names[0], a.access, names[0], next.access, NULL);
	get("/verify");
	expect(204, NULL, "two of one session");
	clock_now += 850;
	rq.cookie = jar(names[1], m.access, names[0], next.access, NULL);
	get("/verify");
	ok(rp.status == 204 && in_head("X-Auth-Name: alice\r\n"), "one that has expired hides no other");
	rq.cookie = jar(names[0], m.access, NULL);
	get("/verify");
	expect(401, "token_expired", "alone it says so");
	rq.cookie = jar(names[0], "junk", NULL);
	get("/verify");
	expect(401, "token_invalid", "as junk does");
	config.cookie_domain = S("example.test");
	sign_in("alice", ",\"cookie\":true");
	ok(in_head("Set-Cookie: __Secure-latchkey-access-") && in_head("; Path=/; Domain=example.test; Max-Age=900; "), "a domain of hosts");
	ok(!in_head("Path=/api/auth; Domain"), "but never the refresh token");
	config.cookie_domain = S("");
	config.access_cookie = false;
}

/* What a browser couldn't use is refused before it is made. */
static void unusable_cookies(void)
{
	static const struct { const char *site, *origin, *host, *code; bool option; const char *name; } cases[] = {
		{ NULL, NULL, "example.test", NULL, false, "__Secure-latchkey-" },
		{ "same-origin", "https://example.test", "example.test", NULL, false, "__Secure-latchkey-" },
		{ "same-site", "https://app.example", "example.test", NULL, false, "__Secure-latchkey-" },
		{ "same-site", "https://other.example", "example.test", "cross_site", false, NULL },
		{ "cross-site", "https://app.example", "example.test", "cross_site", false, NULL },
		{ NULL, "https://evil.test", "example.test", "cross_site", false, NULL },
		{ NULL, "http://192.168.1.1", "192.168.1.1", "insecure_origin", false, NULL },
		{ NULL, "http://192.168.1.1", "127.0.0.1:8080", "insecure_origin", false, NULL },
		{ "same-site", "http://localhost:5173", "localhost:8080", NULL, false, "latchkey-" },
		{ NULL, "http://localhost:5173", "example.test", NULL, false, "__Secure-latchkey-" },
		{ "same-origin", "http://localhost:8080", "127.0.0.1:8080", NULL, false, "latchkey-" },
		{ "same-origin", "http://localhost:8080", "example.test", NULL, false, "__Secure-latchkey-" },
		{ NULL, "http://dev.example", "example.test", NULL, false, "__Secure-latchkey-" },
		{ NULL, "http://192.168.1.1", "192.168.1.1", NULL, true, "latchkey-" },
		{ NULL, NULL, "192.168.1.1", NULL, true, "latchkey-" },
		{ NULL, "https://192.168.1.1", "192.168.1.1", NULL, true, "__Secure-latchkey-" },
	};
	config.cors_origins = S("https://app.example http://localhost:5173 http://dev.example");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		config.insecure_cookie = cases[i].option;
		rq.peer = S("127.0.0.1");
		rq.host = slice_of(cases[i].host);
		rq.origin = slice_of(cases[i].origin);
		rq.sec_fetch_site = slice_of(cases[i].site);
		sign_in("alice", ",\"cookie\":true");
		expect(cases[i].code ? 403 : 200, cases[i].code, "sign-in at %s, Origin %s, Sec-Fetch-Site %s", cases[i].host,
			cases[i].origin ? cases[i].origin : "-", cases[i].site ? cases[i].site : "-");
		ok(!cases[i].name || in_head(text("Set-Cookie: %s", cases[i].name).p), "cookie %s", cases[i].name ? cases[i].name : "none");
	}
	rq.origin = S("http://192.168.1.1");
	rq.host = S("192.168.1.1");
	config.insecure_cookie = false;
	sign_in("alice", "");
	expect(200, NULL, "body mode needs no cookie");
	config.insecure_cookie = true;
	struct signed_in s = sign_in("alice", ",\"cookie\":true");
	rq.cookie = jar("latchkey-0", s.refresh, NULL);
	rq.origin = S("http://example.test");
	post("/refresh", "{}");
	expect(200, NULL, "the option lets a plain cookie refresh");
	s = taken();
	rq.cookie = jar("latchkey-0", s.refresh, NULL);
	rq.origin = S("https://example.test");
	post("/refresh", "{}");
	expect(401, "refresh_invalid", "but not by HTTPS");
	rq.https = true;
	rq.cookie = jar("latchkey-0", s.refresh, NULL);
	rq.sec_fetch_site = S("same-origin");
	post("/refresh", "{}");
	expect(401, "refresh_invalid", "however that shows");
	config.insecure_cookie = false;
	config.cors_origins = SLICE_NONE;
}

/* RFC 6750, 2.2: for servers that keep Authorization to themselves. */
static void token_in_body(void)
{
	struct signed_in s = sign_in("alice", "");
	static const struct { const char *path, *form; int status; const char *code; } forms[] = {
		{ "/me", "access_token=%s", 200, NULL }, { "/verify", "x=y&access_token=%s", 204, NULL }, { "/sessions", "access_token=%s", 200, NULL },
		{ "/me", "access_token=x&access_token=%s", 400, "invalid_request" }, { "/me", "x=%s", 401, "token_missing" },
		{ "/health", "access_token=%s", 405, "method_not_allowed" },
	};
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		rq.content_type = S("application/x-www-form-urlencoded");
		post(forms[i].path, text(forms[i].form, s.access).p);
		expect(forms[i].status, forms[i].code, "a form to %s: %s", forms[i].path, forms[i].form);
	}
	rq.content_type = S("application/x-www-form-urlencoded");
	bearer(s.access);
	post("/me", text("access_token=%s", s.access).p);
	expect(400, "invalid_request", "in the body and in the head");
	bearer(s.access);
	post("/logout", text("{\"access_token\":\"%s\"}", s.access).p);
	expect(400, "invalid_request", "logout, too");
	post("/logout", text("{\"access_token\":\"%s\"}", s.access).p);
	expect(204, NULL, "logout by an access token in the body");
	is_int(row_of(s.session).why, ENDED_LOGOUT, "ends its session");
}

/* Runs fn with stderr in t_err; gone with its process, gcov would count nothing of it. */
static void listen_to(void (*fn)(void))
{
	FILE *err = tmpfile();
	int kept = dup(2);
	if (!err || kept < 0)
		exit(2);
	dup2(fileno(err), 2);
	fn();
	dup2(kept, 2);
	close(kept);
	rewind(err);
	t_err[fread(t_err, 1, sizeof t_err - 1, err)] = 0;
	fclose(err);
}

static const char *shown;

static void show(void) { post("/refresh", refresh_body(shown)); }

/* One bit of a row has turned over. What would end the session as reuse or as a fork changes nothing. */
static void damaged_rows(void)
{
	static const struct { int64_t ctr; uint64_t br, idem; bool older; const char *code, *what; } cases[] = {
		{ 1 << 10, 0, 0, false, "store_unavailable", "the newest token, a number too high" },
		{ 1, 0, 0, false, "store_unavailable", "one that looks like the generation before" },
		{ 0, 1, 0, false, "store_unavailable", "one of another branch" },
		{ 0, 0, 1, false, NULL, "the newest token, the key of the last request changed" },
		{ 0, 0, 1, true, "store_unavailable", "the generation before, likewise" },
		{ 0, 1, 0, true, "store_unavailable", "the generation before, another branch" },
		{ 0, 0, 0, true, "refresh_reused", "and with no bit turned over it is reuse" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct signed_in first = sign_in("alice", ""), last;
		post("/refresh", refresh_body(first.refresh));
		last = taken();
		clock_now += 600;
		const struct session good = row_of(last.session);
		struct session row = good;
		row.ctr ^= cases[i].ctr;
		row.br ^= cases[i].br;
		row.idem ^= cases[i].idem;
		put_row(&row);
		shown = cases[i].older ? first.refresh : last.refresh;
		listen_to(show);
		if (cases[i].code == NULL) {
			expect(200, NULL, "%s", cases[i].what);
			continue;
		}
		bool ends = strcmp(cases[i].code, "refresh_reused") == 0;
		expect(ends ? 401 : 503, cases[i].code, "%s", cases[i].what);
		is_int(row_of(last.session).why, ends ? ENDED_REUSE : ENDED_NOT, "and so the session");
		is_int(strstr(t_err, "SN1: the row of session ") != NULL, !ends, "and the log");
		if (!ends) {
			put_row(&good);
			post("/refresh", refresh_body(last.refresh));
			expect(200, NULL, "with the row as it was it goes on");
		}
	}
}

static void ask_me(void) { get("/me"); }

/* Nothing else tells an operator why everybody is refused; which servers are to blame is http_test.c's. */
static void withheld(void)
{
	static const struct { const char *server, *cookie, *line; } cases[] = {
		{ NULL, NULL, NULL }, { "Apache/2.4", "a=b", NULL }, { "Apache/2.4", NULL, "Apache/2.4: say CGIPassAuth On" }, { "Apache/2.4", NULL, NULL },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		rq.server = slice_of(cases[i].server);
		rq.cookie = slice_of(cases[i].cookie);
		listen_to(ask_me);
		expect(401, "token_missing", "through %s", cases[i].server ? cases[i].server : "no server");
		ok(cases[i].line ? strstr(t_err, cases[i].line) != NULL : t_err[0] == '\0', "the log says %s", cases[i].line ? cases[i].line : "nothing");
	}
}

/* ---- CORS -------------------------------------------------------------- */

static void cors(void)
{
	config.cors_origins = S("https://app.example capacitor://localhost");
	rq.origin = S("capacitor://localhost");
	rq.request_method = S("POST");
	call(METHOD_OPTIONS, "/refresh", NULL);
	expect(204, NULL, "preflight of a listed origin");
	ok(in_head("Access-Control-Allow-Origin: capacitor://localhost\r\n") && in_head("Access-Control-Allow-Credentials: true\r\n")
		&& in_head("Access-Control-Allow-Methods: GET, POST, DELETE\r\n") && in_head("Idempotency-Key, DPoP\r\n")
		&& in_head("Access-Control-Max-Age: 600\r\n") && in_head("Vary: Origin\r\n"), "is told all");
	rq.origin = S("https://evil.example");
	rq.request_method = S("POST");
	call(METHOD_OPTIONS, "/refresh", NULL);
	ok(rp.status == 204 && !in_head("Access-Control") && in_head("Vary: Origin\r\n"), "an origin that isn't listed is told nothing");
	rq.origin = S("https://app.example");
	get("/me");
	ok(rp.status == 401 && in_head("Access-Control-Expose-Headers: Retry-After, WWW-Authenticate, DPoP-Nonce\r\n"), "errors can be read too");
	get("/health");
	ok(!in_head("Access-Control") && in_head("Vary: Origin\r\n"), "no Origin, no CORS");
	config.cors_origins = SLICE_NONE;
	rq.origin = S("https://app.example");
	get("/health");
	ok(!in_head("Access-Control") && !in_head("Vary"), "without the option neither");
	ok(in_head("Cache-Control: no-store\r\n"), "no answer may be kept");
	get("/nothing");
	ok(in_head("Cache-Control: no-store\r\n"), "nor an error");
}

/* ---- refresh ----------------------------------------------------------- */

static void refreshing(void)
{
	struct signed_in s = sign_in("alice", "");
	clock_now += 100;
	rq.idempotency_key = S("header");
	post("/refresh", text("{\"refresh_token\":\"%s\",\"idempotency_key\":\"body\"}", s.refresh).p);
	expect(200, NULL, "refresh");
	is_int(number("generation"), 2, "generation 2");
	struct signed_in next = taken();
	clock_now += 400;
	post("/refresh", text("{\"refresh_token\":\"%s\",\"idempotency_key\":\"body\"}", s.refresh).p);
	expect(200, NULL, "again with its key, after the grace");
	struct signed_in again = taken();
	ok(strcmp(again.refresh, next.refresh) == 0 && strcmp(again.access, next.access) == 0, "the same pair, byte for byte");
	is_int(number("expires_in"), 500, "with what is left of it");
	clock_now += 51;
	rq.idempotency_key = S("body");
	post("/refresh", refresh_body(s.refresh));
	again = taken();
	ok(strcmp(again.refresh, next.refresh) == 0 && strcmp(again.access, next.access) != 0, "past half its life a fresh access token");
	rq.idempotency_key = S("header");
	post("/refresh", refresh_body(s.refresh));
	expect(401, "refresh_reused", "the body's key had won: the header's is another");
	ok(in_head("WWW-Authenticate: Bearer realm=\"latchkey\"\r\n"), "the scheme alone");
	struct audit a = last_event(dir);
	ok(a.event == EVENT_REUSE && a.class == CLASS_RIVAL && a.distance == 1, "audited");
	post("/refresh", refresh_body(next.refresh));
	expect(401, "session_revoked", "the session is over");
	ok(in_head("WWW-Authenticate: Bearer realm=\"latchkey\"\r\n"), "the scheme alone");
	uint64_t id = add_user("fleeting", "correct horse", false);
	s = sign_in("fleeting", "");
	change(disable, id);
	post("/refresh", refresh_body(s.refresh));
	expect(401, "session_revoked", "a disabled user");
	change(store_user_delete, id);
	post("/refresh", refresh_body(s.refresh));
	expect(401, "refresh_invalid", "a deleted user");
	s = sign_in("alice", "");
	post("/refresh", refresh_body(s.access));
	expect(401, "refresh_invalid", "an access token");
	config.issuer = S("elsewhere");
	post("/refresh", refresh_body(s.refresh));
	expect(200, NULL, "the issuer was changed: nobody is signed out");
	struct signed_in moved = taken();
	bearer(s.access);
	get("/me");
	expect(401, "token_invalid", "the access token of the old issuer");
	bearer(moved.access);
	get("/me");
	expect(200, NULL, "and of the new one");
	config.issuer = S("latchkey");
	post("/refresh", refresh_body(moved.refresh));
	expect(200, NULL, "and back again");
	s = taken();
	clock_now += 30 * DAY;
	post("/refresh", refresh_body(s.refresh));
	expect(401, "refresh_expired", "idle too long");
	config.refresh_ttl = DAY;
	s = sign_in("alice", "");
	config.refresh_ttl = 60;
	clock_now += 60;
	post("/refresh", refresh_body(s.refresh));
	expect(401, "refresh_expired", "idle for longer than is allowed by now");
	config.refresh_ttl = 30 * DAY;
}

/* The row as a power cut leaves it: a generation behind, dated `rotated` s from now. */
static void lose_commits(const char *id, int64_t rotated)
{
	struct session s = row_of(id);
	s.ctr--;
	s.br = 1;
	s.rotated_at = clock_now + rotated;
	put_row(&s);
}

static void lost_commits(void)
{
	static const struct { enum audit_where audit; int64_t passed, rotated; const char *code, *what; } cases[] = {
		{ AUDIT_TABLE, 600, -600, NULL, "the row is as old as the token" },
		{ AUDIT_TABLE, 600, -599, "refresh_reused", "the row is newer than the token" },
		{ AUDIT_TABLE, 600, 0, "refresh_reused", "much newer" },
		{ AUDIT_TABLE, 600, 1, NULL, "but a date in the future is no date" },
		{ AUDIT_OFF, 3720, 0, NULL, "newer within a step back that no mark saw" },
		{ AUDIT_OFF, 3721, 0, "refresh_reused", "newer beyond one" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		config.audit = cases[i].audit;
		struct signed_in s = sign_in("alice", "");
		post("/refresh", refresh_body(s.refresh));
		s = taken();
		clock_now += cases[i].passed;
		lose_commits(s.session, cases[i].rotated);
		post("/refresh", refresh_body(s.refresh));
		expect(cases[i].code ? 401 : 200, cases[i].code, "%s", cases[i].what);
		is_int(row_of(s.session).why, cases[i].code ? ENDED_FORK : ENDED_NOT, "and so the session");
	}
	config.audit = AUDIT_TABLE;
}

static struct signed_in refreshed;
static void refresh_it(void) { post("/refresh", refresh_body(refreshed.refresh)); }

/* Option audit_refresh: what is nothing but a refresh is told or not, all else always; and the clock's mark is raised by the hour without. */
static void refreshes_untold(void)
{
	for (int told = 0; told < 2; told++) {
		config.audit = AUDIT_BOTH;
		config.audit_refresh = told;
		refreshed = sign_in("alice", "");
		int64_t before = last_event(dir).id;
		listen_to(refresh_it);
		expect(200, NULL, "a refresh with audit_refresh = %s", told ? "on" : "off");
		is_int(last_event(dir).id - before, told, "rows");
		ok((strstr(t_err, "audit: refresh user=") != NULL) == told, "lines");
		clock_now += 4000;
		post("/refresh", refresh_body(refreshed.refresh));
		expect(401, "refresh_reused", "the same token an hour later");
		ok(last_event(dir).event == EVENT_REUSE && last_event(dir).time == clock_now, "is told whatever the option is");
		store_open(dir, 5);
		int64_t seen, mark = store_mark(&seen);
		store_close();
		is_int(mark, clock_now, "with the mark");
	}
	config.audit = AUDIT_TABLE;
}

static void session_ends(void)
{
	config.session_ttl = 1000;
	struct signed_in s = sign_in("alice", "");
	int64_t end = clock_now + 1000;
	ok(in_body("\"expires_in\":1000,"), "a session with an end");
	is_int(number("refresh_expires_at"), end, "bounds the refresh token");
	is_int(number("access_expires_at"), clock_now + 900, "not yet the access token");
	clock_now += 500;
	post("/refresh", refresh_body(s.refresh));
	s = taken();
	is_int(number("access_expires_at"), end, "then the access token");
	is_int(number("refresh_expires_in"), 500, "and what is left of the other");
	clock_now += 500;
	post("/refresh", refresh_body(s.refresh));
	expect(401, "refresh_expired", "at its end");
	bearer(s.access);
	get("/me");
	expect(401, "token_expired", "both ways");
	config.session_ttl = 500;
	s = sign_in("alice", "");
	clock_now += 500;
	post("/refresh", refresh_body(s.refresh));
	expect(401, "refresh_expired", "the row's end");
	config.session_ttl = 0;
}

/* ---- keys -------------------------------------------------------------- */

static void put_key(int number)
{
	struct key key = { .created_at = clock_now };
	snprintf(key.kid, sizeof key.kid, "%08x", (unsigned)number);
	memset(key.master, number, KEY_SIZE);
	keyring_add(&ring, &key);
}

static char *retry(const char *token)
{
	rq.idempotency_key = S("k");
	post("/refresh", refresh_body(token));
	return member("refresh_token");
}

static void keys(void)
{
	struct signed_in s = sign_in("alice", "");
	char *heir = retry(s.refresh);
	struct keyring before = ring;
	put_key(2);
	is_str(retry(s.refresh), heir, "after a key rotation the same successor, byte for byte");
	bearer(s.access);
	get("/me");
	expect(200, NULL, "old access tokens hold");
	char *newer = retry(heir);
	expect(200, NULL, "old refresh tokens too");
	ok(strncmp(newer, heir, 62) != 0, "and their heirs are of the new key");
	struct keyring both = ring;
	ring = before;
	char *other = retry(heir);
	expect(200, NULL, "the new key taken back: the successor can't be made again, but another can");
	post("/refresh", refresh_body(other));
	expect(200, NULL, "and that one holds");
	ring = both;
	ring.count = 1;
	post("/refresh", refresh_body(heir));
	expect(401, "refresh_invalid", "a retired key ends its refresh tokens");
	bearer(s.access);
	get("/verify");
	expect(401, "token_invalid", "and its access tokens");
	ring = before;
}

/* ---- sessions ---------------------------------------------------------- */

static void add_sessions(uint64_t user, uint64_t first, int count, int64_t ended_at)
{
	store_open(dir, 5);
	store_begin(DURABLE_LATER);
	for (int i = 0; i < count; i++)
		store_session_add(&(struct session){ .id = first + (uint64_t)i, .user = user, .ctr = 1, .rotated_at = clock_now,
			.created_at = clock_now, .ended_at = ended_at, .why = ended_at ? ENDED_LOGOUT : ENDED_NOT });
	store_commit();
	store_close();
}

static int listed(void)
{
	int n = 0;
	for (const char *at = body(); (at = strstr(at, "\"current\":")); at++)
		n++;
	return n;
}

static void sessions(void)
{
	uint64_t erin = add_user("erin", "correct horse", false);
	struct signed_in s = sign_in("erin", ",\"device\":\"phone\""), t = sign_in("erin", ""), other = sign_in("bob", "");
	bearer(s.access);
	get("/sessions");
	expect(200, NULL, "/sessions");
	is_int(listed(), 2, "lists her own");
	ok(in_body("\"device\":\"phone\",\"user_agent\":\"\",\"ip\":\"192.0.2.7\",\"created_at\":") && in_body("\"current\":true}"), "and says which is current");
	const char *foreign[] = { other.session, "0123456789abcdef", "xyz", "0" };
	for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
		bearer(s.access);
		call(METHOD_DELETE, text("/sessions/%s", foreign[i]).p, NULL);
		expect(404, "not_found", "DELETE of what isn't hers: %s", foreign[i]);
	}
	for (int i = 0; i < 2; i++) {
		bearer(s.access);
		call(METHOD_DELETE, text("/sessions/%s", t.session).p, NULL);
		expect(i ? 404 : 204, i ? "not_found" : NULL, "DELETE, time %d", i + 1);
	}
	is_int(row_of(t.session).why, ENDED_REVOKED, "revoked");
	is_int(last_event(dir).event, EVENT_REVOKE, "audited");
	add_sessions(erin, 1000, 130, clock_now);
	add_sessions(erin, 2000, 90, 0);
	bearer(s.access);
	get("/sessions");
	is_int(listed(), 91, "ended ones are passed over, page by page");
	add_sessions(erin, 3000, 9, 0);
	bearer(s.access);
	get("/sessions");
	is_int(listed(), LIMIT_LIST, "LIMIT_LIST fit");
	add_sessions(erin, 4000, 10, 0);
	bearer(s.access);
	get("/sessions");
	is_int(listed(), LIMIT_LIST, "and no more");
	bearer(s.access);
	call(METHOD_DELETE, "/sessions", NULL);
	expect(204, NULL, "DELETE /sessions");
	is_int(last_event(dir).count, 109, "ends all others");
	bearer(s.access);
	get("/sessions");
	is_int(listed(), 1, "but this one");
	add_sessions(erin, 5000, 1, 0);
	uint64_t heidi = add_user("heidi", "correct horse", false);
	add_sessions(heidi, 6000, LIMIT_LIST + 1, 0);
	t = sign_in("heidi", "");
	bearer(t.access);
	get("/sessions");
	is_int(listed(), LIMIT_LIST, "a first page that is full");
	clock_now += 30 * DAY;
	t = sign_in("erin", "");
	bearer(t.access);
	get("/sessions");
	is_int(listed(), 1, "one that lay idle too long isn't listed");
	bearer(t.access);
	call(METHOD_DELETE, "/sessions/0000000000001388", NULL);
	expect(404, "not_found", "nor revoked");
}

/* Whether the list has the sessions of these ids, in this order, and no other. */
static bool lists(const uint64_t *ids, size_t n)
{
	const char *at = body();
	for (size_t i = 0; i < n; i++) {
		at = strstr(at, "{\"id\":\"");
		if (at == NULL || memcmp(at + 7, id_text(ids[i]), 16) != 0)
			return false;
		at += 7;
	}
	return strstr(at, "{\"id\":\"") == NULL;
}

/* The current one first, then by last use; page by page, and each page bounded in bytes. */
static void listing(void)
{
	uint64_t user = add_user("olga", "correct horse", false);
	struct signed_in s = sign_in("olga", "");
	struct session rows[] = {
		{ .id = 71, .rotated_at = clock_now + 5 }, { .id = 72, .rotated_at = clock_now + 3 }, { .id = 73, .rotated_at = clock_now + 3 },
		{ .id = UINT64_MAX - 2, .rotated_at = clock_now + 3 }, { .id = 74, .rotated_at = clock_now + 9 },
		{ .id = 75, .rotated_at = clock_now + 8, .ended_at = 1, .why = ENDED_LOGOUT },
		{ .id = 76, .rotated_at = clock_now + 7, .expires_at = clock_now - 1 },
	};
	store_open(dir, 5);
	store_begin(DURABLE_LATER);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		rows[i].user = user;
		rows[i].ctr = 1;
		store_session_add(&rows[i]);
	}
	store_commit();
	store_close();
	bearer(s.access);
	get("/sessions");
	ok(lists((uint64_t[]){ row_of(s.session).id, 74, 71, UINT64_MAX - 2, 72, 73 }, 6), "the current one, and then by last use");
	bearer(s.access);
	get(text("/sessions?after=%s.0000000000000048", dec(clock_now + 3)).p);
	ok(lists((uint64_t[]){ 73 }, 1), "from a place on, without the current one");
	bearer(s.access);
	get(text("/sessions?after=%s.0000000000000049", dec(clock_now + 3)).p);
	ok(lists(NULL, 0), "nothing behind the last");
	static const char *const wrong[] = { "5", "5.", ".0000000000000048", "5.48", "-1.0000000000000048", "9223372036854775807.0000000000000048" };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		bearer(s.access);
		get(text("/sessions?after=%s", wrong[i]).p);
		expect(400, "invalid_request", "after=%s", wrong[i]);
		ok(in_body("after: "), "which is named");
	}
}

/* A page of the store that is full of sessions past their end isn't the end of the list. */
static void listing_behind_expired(void)
{
	uint64_t user = add_user("tina", "correct horse", false);
	struct signed_in s = sign_in("tina", "");
	store_open(dir, 5);
	store_begin(DURABLE_LATER);
	for (uint64_t i = 0; i < LIMIT_LIST + 20; i++)
		store_session_add(&(struct session){ .id = 9000 + i, .user = user, .ctr = 1, .rotated_at = clock_now + 5, .expires_at = clock_now - 1 });
	store_session_add(&(struct session){ .id = 9999, .user = user, .ctr = 1, .rotated_at = clock_now - 5 });
	store_commit();
	store_close();
	bearer(s.access);
	get("/sessions");
	ok(lists((uint64_t[]){ row_of(s.session).id, 9999 }, 2), "a live one behind a page of expired ones");
}

static struct slice filled(char *at, size_t n)
{
	memset(at, 1, n);
	return (struct slice){ at, n };
}

/* A device and an agent of control characters are six times as long in JSON. */
static void long_listing(void)
{
	static char device[LIMIT_DEVICE], agent[LIMIT_AGENT];
	uint64_t user = add_user("peter", "correct horse", false);
	struct signed_in s = sign_in("peter", "");
	store_open(dir, 5);
	store_begin(DURABLE_LATER);
	for (uint64_t i = 0; i < 90; i++)
		store_session_add(&(struct session){ .id = 8000 + i, .user = user, .ctr = 1, .rotated_at = clock_now - (int64_t)i,
			.device = filled(device, sizeof device), .agent = filled(agent, sizeof agent), .ip = S("2001:db8:1111:2222:3333:4444:5555:6666") });
	store_commit();
	store_close();
	int seen = 0, pages = 0, used = 0;
	char place[64] = "";
	do {
		bearer(s.access);
		get(text("/sessions%s", place).p);
		used = listed();
		ok(rp.body.n < 48 * 1024, "page %d: %d rows, %zu bytes", ++pages, used, rp.body.n);
		seen += used;
		snprintf(place, sizeof place, "?after=%" PRId64 ".%016x", clock_now - (seen - 2), 8000U + (unsigned)seen - 2);
	} while (used);
	is_int(seen, 91, "all of them, page by page");
	ok(pages > 2 && pages < 12, "in some pages");
}

/* A user's sessions are bounded, those that stand and those that have ended. */
static void bounded(void)
{
	uint64_t user = add_user("quinn", "correct horse", false);
	config.sessions_max = 5;
	struct signed_in s[7];
	for (int i = 0; i < 5; i++) {
		s[i] = sign_in("quinn", "");
		is_int(last_event(dir).count, 0, "sign-in %d ends none", i);
		clock_now++;
	}
	post("/refresh", refresh_body(s[0].refresh));
	clock_now++;
	s[5] = sign_in("quinn", "");
	is_int(last_event(dir).count, 1, "the next one ends one, says the trail");
	is_int(row_of(s[1].session).why, ENDED_REPLACED, "the longest unused one");
	ok(!row_of(s[0].session).ended_at && !row_of(s[2].session).ended_at && !row_of(s[5].session).ended_at, "and no other");
	post("/refresh", refresh_body(s[1].refresh));
	expect(401, "session_revoked", "which is over");
	add_sessions(user, 7000, 200, clock_now);
	add_sessions(user, 7500, 90, 0);
	sign_in("quinn", "");
	is_int(last_event(dir).count, 64, "whoever has many more loses some at each sign-in");
	sign_in("quinn", "");
	is_int(last_event(dir).count, 28, "until it is enough");
	for (int i = 0; i < 5; i++)
		sign_in("quinn", "");
	int64_t standing = 0, ended = 0;
	uint64_t after = 0;
	struct session page[LIMIT_LIST];
	store_open(dir, 5);
	for (size_t n; (n = store_sessions(user, after, page)) > 0; after = page[n - 1].id)
		for (size_t i = 0; i < n; i++)
			*(page[i].ended_at ? &ended : &standing) += 1;
	store_close();
	is_int(standing, 5, "sessions_max of them stand");
	ok(ended >= 5 && ended <= 6, "and as many ended ones are kept: %d", (int)ended);
	config.sessions_max = 100;
}

static void by_cookie(struct slice cookies)
{
	rq.cookie = cookies;
	rq.sec_fetch_site = S("same-origin");
}

static void logout(void)
{
	struct signed_in s = sign_in("bob", ""), t = sign_in("bob", ""), u = sign_in("bob", ""), v = sign_in("bob", "");
	post("/logout", refresh_body(s.refresh));
	expect(204, NULL, "logout by refresh token");
	is_int(row_of(s.session).why, ENDED_LOGOUT, "ends its session");
	ok(last_event(dir).event == EVENT_LOGOUT && !row_of(t.session).ended_at && !in_head("Set-Cookie"), "and no other; audited");
	int64_t events = last_event(dir).id;
	post("/logout", refresh_body(s.refresh));
	expect(204, NULL, "again");
	bearer(s.access);
	post("/logout", NULL);
	expect(204, NULL, "or with a dead access token");
	bearer("junk");
	post("/logout", NULL);
	expect(204, NULL, "or with none of ours");
	is_int(last_event(dir).id, events, "does nothing");
	struct signed_in behind = sign_in("bob", ""), behind_too = sign_in("bob", "");
	int64_t before = clock_now;
	clock_now -= 3600;
	confirmed = false;
	bearer(behind.access);
	post("/logout", NULL);
	expect(204, NULL, "while the clock is behind");
	is_int(row_of(behind.session).why, ENDED_LOGOUT, "a sign-out ends its session");
	post("/logout", refresh_body(behind_too.refresh));
	expect(204, NULL, "by either token");
	ok(row_of(behind_too.session).why == ENDED_LOGOUT && !row_of(t.session).ended_at, "and no other");
	clock_now = before;
	confirmed = true;
	rq.cookie = S("a=b");
	rq.sec_fetch_site = S("same-origin");
	bearer(t.access);
	post("/logout", "{}");
	ok(row_of(t.session).why == ENDED_LOGOUT && !row_of(u.session).ended_at, "logout by access token");
	ok(in_head("Set-Cookie: __Secure-latchkey-") && in_head("=; Path=/api/auth; Max-Age=0;") &&
		in_head("Set-Cookie: __Host-latchkey-access-") && in_head("=; Path=/; Max-Age=0;"), "takes cookies away");
	bearer(u.access);
	post("/logout", "{\"all\":true}");
	ok(row_of(u.session).ended_at && row_of(v.session).ended_at, "logout of all");
	bearer(u.access);
	get("/me");
	expect(401, "session_revoked", "all is over");
	uint64_t gone = add_user("ivan", "correct horse", false);
	struct signed_in w = sign_in("ivan", "");
	change(store_user_delete, gone);
	post("/logout", refresh_body(w.refresh));
	expect(204, NULL, "logout by a token whose user is gone");
	w = sign_in("bob", "");
	by_cookie(jar("__Secure-latchkey", w.refresh, NULL));
	post("/logout", NULL);
	ok(rp.status == 204 && !row_of(w.session).ended_at, "a token that was no cookie is none: it ends nothing");
	struct signed_in expired = sign_in("bob", "");
	clock_now += 901;
	bearer(expired.access);
	post("/logout", NULL);
	expect(204, NULL, "an expired access token of ours");
	is_int(row_of(expired.session).why, ENDED_LOGOUT, "ends its session all the same");
}

/* A refresh token that isn't the newest, nor the one before, is anybody's: it ends its own session at most. */
static void logout_spent(void)
{
	static const struct { int back; bool all; int status; enum ended why; bool others; } cases[] = {
		{ 0, false, 204, ENDED_LOGOUT, false }, { 1, false, 204, ENDED_LOGOUT, false }, { 2, false, 204, ENDED_REUSE, false },
		{ 0, true, 204, ENDED_LOGOUT, true }, { 1, true, 204, ENDED_LOGOUT, true }, { 2, true, 401, ENDED_REUSE, false },
		{ 4, true, 401, ENDED_REUSE, false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct signed_in s = sign_in("bob", ""), other = sign_in("bob", ""), old[5] = { s };
		for (int g = 1; g < 5; g++) {
			post("/refresh", refresh_body(old[g - 1].refresh));
			old[g] = taken();
		}
		const char *body = text(cases[i].all ? "{\"refresh_token\":\"%s\",\"all\":true}" : "{\"refresh_token\":\"%s\"}", old[4 - cases[i].back].refresh).p;
		post("/logout", body);
		expect(cases[i].status, cases[i].status == 401 ? "refresh_reused" : NULL, "a token %d back, %s", cases[i].back, cases[i].all ? "all" : "one");
		is_int(row_of(s.session).why, cases[i].why, "how its session ends");
		is_int(row_of(other.session).ended_at != 0, cases[i].others, "whether another one does");
		bool reuse = cases[i].why == ENDED_REUSE;
		ok(last_event(dir).event == (reuse ? EVENT_REUSE : EVENT_LOGOUT) && last_event(dir).distance == (reuse ? cases[i].back : 0), "and what the trail says");
		post("/logout", body);
		expect(204, NULL, "again: it is over");
	}
	struct signed_in s = sign_in("bob", ",\"cookie\":true"), other = sign_in("alice", ",\"cookie\":true"), old = s;
	for (int i = 0; i < 2; i++) {
		refresh_by(jar("__Secure-latchkey", s.refresh, NULL), "{}");
		s = taken();
	}
	by_cookie(jar("__Secure-latchkey", old.refresh, "__Secure-latchkey", other.refresh, NULL));
	post("/logout", "{\"all\":true}");
	expect(401, "refresh_reused", "of two cookies a spent one: all is told");
	ok(row_of(s.session).why == ENDED_REUSE && row_of(other.session).why == ENDED_LOGOUT, "and the other signs out all the same");
	s = sign_in("bob", "");
	struct session forked = row_of(s.session);
	forked.br = jwt_branch(&ring.key[0], forked.id, forked.ctr, 5);
	forked.idem = 5;
	put_row(&forked);
	post("/logout", text("{\"refresh_token\":\"%s\",\"all\":true}", s.refresh).p);
	expect(401, "refresh_reused", "another branch, all");
	ok(row_of(s.session).why == ENDED_FORK && last_event(dir).event == EVENT_FORK, "is a fork, and ends its own");
	s = sign_in("bob", "");
	struct session damaged = row_of(s.session);
	damaged.br ^= 1;
	put_row(&damaged);
	post("/logout", refresh_body(s.refresh));
	ok(row_of(s.session).why == ENDED_LOGOUT, "beside a damaged row nothing is concluded from a token");
	struct signed_in t = sign_in("bob", "");
	clock_now += 901;
	s = sign_in("bob", "");
	bearer(t.access);
	post("/logout", "{\"all\":true}");
	expect(401, "token_expired", "an expired access token signs out of no other session");
	ok(!row_of(s.session).ended_at && !row_of(t.session).ended_at, "and says so");
}

/* What a page of another site may cause: nothing that a cookie of ours does, and nothing that is done to one. */
static void logout_from_elsewhere(void)
{
	static const struct { const char *cookie, *site; bool token; int status; bool cleared; } cases[] = {
		{ "lang=de", "cross-site", false, 403, false }, { "lang=de", "same-site", false, 403, false }, { "lang=de", NULL, false, 403, false },
		{ "lang=de", "same-origin", false, 204, true }, { NULL, "cross-site", false, 204, false }, { NULL, NULL, false, 204, false },
		{ "lang=de", "cross-site", true, 204, false }, { "lang=de", "same-origin", true, 204, true }, { "lang=de", NULL, true, 204, false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct signed_in s = sign_in("bob", "");
		rq.cookie = slice_of(cases[i].cookie);
		rq.sec_fetch_site = slice_of(cases[i].site);
		post("/logout", cases[i].token ? refresh_body(s.refresh) : NULL);
		expect(cases[i].status, cases[i].status == 403 ? "cross_site" : NULL, "%s, %s, %s token", cases[i].cookie ? cases[i].cookie : "no cookie",
			cases[i].site ? cases[i].site : "-", cases[i].token ? "with a" : "no");
		is_int(in_head("Set-Cookie"), cases[i].cleared, "whether cookies are taken away");
		is_int(row_of(s.session).ended_at != 0, cases[i].token, "whether the session ends");
	}
}

static struct signed_in enter_with(const char *path, const char *user, const char *password, const char *more)
{
	char json[512];
	snprintf(json, sizeof json, "{\"username\":\"%s\",\"password\":\"%s\"%s}", user, password, more);
	post(path, json);
	return taken();
}

static bool same_pair(struct signed_in a, struct signed_in b)
{
	return *a.access && strcmp(a.access, b.access) == 0 && strcmp(a.refresh, b.refresh) == 0;
}

/* A request that comes again with its key, because its answer was lost, is answered alike and does nothing. */
static void sign_in_again(void)
{
	static const char key[] = ",\"idempotency_key\":\"0123456789abcdef\"";
	struct signed_in first = enter_with("/login", "alice", "correct horse", key);
	int64_t event = last_event(dir).id;
	clock_now += 60;
	struct signed_in again = enter_with("/login", "alice", "correct horse", key);
	ok(rp.status == 200 && same_pair(first, again) && last_event(dir).id == event, "a sign-in: the same session and pair, nothing noted");
	rq.idempotency_key = S("0123456789abcdef");
	ok(same_pair(first, sign_in("alice", "")), "the key as a header");
	for (int i = 0; i < 8; i++) {
		struct signed_in other = sign_in("alice", text(",\"idempotency_key\":\"another%s\"", dec(i)).p);
		bearer(other.access);
		get("/sessions");
		ok(strcmp(first.session, other.session) != 0 && in_body(other.session), "another key is another session, in the list as any");
	}
	ok(strcmp(first.session, sign_in("alice", "").session) != 0, "none, too");
	ok(strcmp(first.session, enter_with("/login", "bob", "correct horse", key).session) != 0, "the key is each user's own");
	struct signed_in cookie = enter_with("/login", "alice", "correct horse", ",\"idempotency_key\":\"0123456789abcdef\",\"cookie\":true");
	ok(rp.status == 200 && strcmp(cookie.session, first.session) != 0 && row_of(cookie.session).cookie, "another mode is no lost answer");
	struct signed_in brief = enter_with("/login", "alice", "correct horse",
		",\"idempotency_key\":\"0123456789abcdef\",\"cookie\":true,\"remember\":false");
	ok(rp.status == 200 && strcmp(brief.session, cookie.session) != 0 && row_of(brief.session).brief, "nor another cookie");
	cookie = sign_in("alice", ",\"idempotency_key\":\"brief\",\"cookie\":true");
	brief = sign_in("alice", ",\"idempotency_key\":\"brief\",\"cookie\":true,\"remember\":false");
	ok(strcmp(brief.session, cookie.session) != 0 && row_of(brief.session).brief, "though the key began one with a cookie that stays");
	enter_with("/login", "alice", "wrong", key);
	expect(401, "invalid_credentials", "the key is no password");
	post("/refresh", refresh_body(first.refresh));
	again = enter_with("/login", "alice", "correct horse", key);
	ok(rp.status == 200 && strcmp(again.session, first.session) != 0, "a session that is used is no lost answer");
	first = sign_in("alice", ",\"idempotency_key\":\"late\"");
	clock_now += 601;
	again = sign_in("alice", ",\"idempotency_key\":\"late\"");
	ok(rp.status == 200 && strcmp(again.session, first.session) != 0, "nor is one of ten minutes ago");
	first = sign_in("alice", ",\"idempotency_key\":\"ended\"");
	post("/logout", refresh_body(first.refresh));
	again = sign_in("alice", ",\"idempotency_key\":\"ended\"");
	ok(rp.status == 200 && strcmp(again.session, first.session) != 0 && !row_of(again.session).ended_at, "nor one that has ended");
	sign_in("alice", ",\"idempotency_key\":\"\"");
	expect(400, "invalid_request", "an empty key");
	ok(in_body("idempotency_key: "), "is named");
}

static void register_again(void)
{
	static const char key[] = ",\"idempotency_key\":\"0123456789abcdef\"";
	bool signup = config.signup;
	config.signup = true;
	struct signed_in first = enter_with("/register", "lost", "battery staple", key);
	int64_t event = last_event(dir).id;
	struct signed_in again = enter_with("/register", "lost", "battery staple", key);
	ok(rp.status == 201 && same_pair(first, again) && last_event(dir).id == event, "a sign-up: the same user, session and pair");
	static const struct { const char *password, *more; } others[] = {
		{ "battery staple", "" }, { "battery staple", ",\"idempotency_key\":\"another\"" }, { "battery stable", key },
		{ "battery staple", ",\"cookie\":true,\"idempotency_key\":\"0123456789abcdef\"" },
	};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		enter_with("/register", "lost", others[i].password, others[i].more);
		expect(409, "username_taken", "anybody else's%s", others[i].more);
	}
	trap(2, NULL, 0);
	enter_with("/register", "lost", "battery staple", key);
	expect(503, "clock_unset", "the clock fails while the password is compared");
	base_clock = fake_clock;
	enter_with("/register", "lost2", "battery staple", ",\"idempotency_key\":\"\"");
	expect(400, "invalid_request", "an empty key");
	ok(in_body("idempotency_key: "), "is what it is about");
	clock_now += 601;
	enter_with("/register", "lost", "battery staple", key);
	expect(409, "username_taken", "ten minutes later");
	config.signup = signup;
}

static void change_again(void)
{
	uint64_t id = add_user("changer", "correct horse", false);
	struct signed_in s = sign_in("changer", "");
	static const struct { const char *current, *next, *key; int status; bool done; } steps[] = {
		{ "correct horse", "battery staple", "one", 204, true }, { "correct horse", "battery staple", "one", 204, false },
		{ "correct horse", "battery staple", "two", 401, false }, { "correct horse", "battery stable", "one", 401, false },
		{ "battery staple", "battery stable", "one", 204, true }, { "battery staple", "battery stable", "one", 204, false },
		{ "battery stable", "correct horse", "two", 204, true },
	};
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		char json[256];
		struct signed_in other = sign_in("changer", "");
		snprintf(json, sizeof json, "{\"current_password\":\"%s\",\"new_password\":\"%s\",\"idempotency_key\":\"%s\"}", steps[i].current,
			steps[i].next, steps[i].key);
		int64_t event = last_event(dir).id;
		bearer(s.access);
		post("/password", json);
		expect(steps[i].status, steps[i].status == 401 ? "invalid_credentials" : NULL, "step %zu", i);
		bool noted = last_event(dir).id != event && last_event(dir).event == EVENT_PASSWORD_CHANGED && last_event(dir).user == id;
		ok(noted == steps[i].done, "%s", steps[i].done ? "a change" : "no change");
		if (*other.session)
			ok((row_of(other.session).ended_at != 0) == steps[i].done, "ends others: %d", steps[i].done);
		clock_now += 3600;
		post("/refresh", refresh_body(s.refresh));
		s = taken();
	}
	struct signed_in pair[2];
	for (int i = 0; i < 2; i++) {
		char json[4096];
		snprintf(json, sizeof json, "{\"current_password\":\"correct horse\",\"new_password\":\"battery staple\",\"idempotency_key\":\"three\","
			"\"refresh_token\":\"%s\"}", s.refresh);
		bearer(s.access);
		post("/password", json);
		pair[i] = taken();
	}
	ok(rp.status == 200 && same_pair(pair[0], pair[1]), "with a lineage of its own: the same successor");
	static const char lost[] = "{\"current_password\":\"correct horse\",\"new_password\":\"battery staple\",\"idempotency_key\":\"three\"}";
	trap(2, NULL, 0);
	bearer(s.access);
	post("/password", lost);
	expect(503, "clock_unset", "the clock fails while the password is compared");
	trap(2, end_session, row_of(s.session).id);
	bearer(s.access);
	post("/password", lost);
	expect(401, "session_revoked", "a session that ends meanwhile has no answer left");
	base_clock = fake_clock;
	s = enter_with("/login", "changer", "battery staple", "");
	bearer(s.access);
	post("/password", "{\"current_password\":\"x\",\"new_password\":\"battery staple\",\"idempotency_key\":\"\"}");
	expect(400, "invalid_request", "an empty key");
}

/* The answer is lost; before the same request comes again the oldest key is retired, and a new one signs. Whichever of the ring
 * signed then, it is known; without it the request is a new one. */
static void again_after_retirement(void)
{
	static const char key[] = ",\"idempotency_key\":\"retired\"";
	static const char change[] = "{\"current_password\":\"correct horse\",\"new_password\":\"battery staple\",\"idempotency_key\":\"retired\"}";
	struct keyring kept = ring;
	put_key(2);
	add_user("retirer", "correct horse", false);
	struct signed_in first = enter_with("/login", "retirer", "correct horse", key);
	bearer(first.access);
	post("/password", change);
	expect(204, NULL, "a change of the password");
	for (int step = 0; step < 3; step++) {
		static const char *const what[] = { "nothing happened", "the oldest key was retired", "a new key signs" };
		if (step == 1)
			keyring_remove(&ring, 1);
		if (step == 2)
			put_key(3);
		struct signed_in again = enter_with("/login", "retirer", "battery staple", key);
		ok(strcmp(first.session, again.session) == 0, "a sign-in once more: %s", what[step]);
		bearer(first.access);
		post("/password", change);
		expect(204, NULL, "the change once more: %s", what[step]);
	}
	keyring_remove(&ring, 1);
	struct signed_in other = enter_with("/login", "retirer", "battery staple", key);
	ok(*other.session && strcmp(first.session, other.session) != 0, "no key of then is left: another session");
	bearer(other.access);
	post("/password", change);
	expect(401, "invalid_credentials", "and another change");
	ring = kept;
}

/* DELETE /me */
static void leaving(void)
{
	uint64_t id = add_user("leaver", "correct horse", false);
	struct signed_in s = sign_in("leaver", ",\"cookie\":true"), other = sign_in("leaver", "");
	static const struct { const char *body; int status; const char *code; bool token; } refused[] = {
		{ NULL, 400, "invalid_request", true }, { "{}", 400, "invalid_request", true }, { "[]", 400, "invalid_request", true },
		{ "{\"password\":\"correct horse\"}", 401, "token_missing", false },
		{ "{\"password\":\"wrong\"}", 401, "invalid_credentials", true },
	};
	struct user u;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		if (refused[i].token)
			bearer(s.access);
		call(METHOD_DELETE, "/me", refused[i].body);
		expect(refused[i].status, refused[i].code, "DELETE /me with %s", refused[i].body ? refused[i].body : "no body");
	}
	ok(last_event(dir).event == EVENT_LOGIN_FAILED && last_event(dir).user == id, "a wrong password is noted");
	post("/logout", refresh_body(other.refresh));
	bearer(other.access);
	call(METHOD_DELETE, "/me", "{\"password\":\"correct horse\"}");
	expect(401, "session_revoked", "from a session that is over");
	other = sign_in("leaver", "");
	bearer(s.access);
	rq.cookie = jar("__Secure-latchkey", s.refresh, NULL);
	rq.sec_fetch_site = S("same-origin");
	call(METHOD_DELETE, "/me", "{\"password\":\"correct horse\"}");
	expect(204, NULL, "with the password");
	ok(in_head("=; Path=/api/auth; Max-Age=0;"), "takes the cookie away");
	struct audit a = last_event(dir);
	ok(a.event == EVENT_USER_DELETED && a.user == id && a.session && slice_is(a.ip, S("192.0.2.7")), "audited, with where from");
	store_open(dir, 5);
	ok(!store_user(id, &u), "the user is gone");
	store_close();
	post("/refresh", refresh_body(other.refresh));
	expect(401, "refresh_invalid", "with all sessions");
	bearer(s.access);
	get("/me");
	expect(401, "token_invalid", "and their access tokens");
	post("/login", "{\"username\":\"leaver\",\"password\":\"correct horse\"}");
	expect(401, "invalid_credentials", "nobody has that name");
}

/* ---- second factor ----------------------------------------------------- */

/* What it is worth totp_test says. */
static void begin_factor(void)
{
	add_user("faye", "correct horse", false);
	struct signed_in s = sign_in("faye", "");
	bearer(s.access);
	post("/totp", "{\"password\":\"wrong\"}");
	expect(401, "invalid_credentials", "a second factor by a wrong password");
	ok(!in_body("secret"), "tells none");
	bearer(s.access);
	post("/totp", "{\"password\":\"correct horse\"}");
	expect(200, NULL, "by the right one");
	ok(in_body("\"secret\":\"") && in_body("\"ticket\":\""), "there is one, and the ticket to confirm it by");
}

/* ---- password, audit --------------------------------------------------- */

static void new_password(void)
{
	add_user("frank", "correct horse", false);
	struct signed_in s = sign_in("frank", ""), t = sign_in("frank", "");
	static const struct { const char *body; int status; const char *code; } cases[] = {
		{ "{\"current_password\":\"wrong\",\"new_password\":\"battery staple\"}", 401, "invalid_credentials" },
		{ "{\"current_password\":\"correct horse\",\"new_password\":\"short\"}", 422, "weak_password" },
		{ "{\"current_password\":\"correct horse\",\"new_password\":\"battery staple\"}", 204, NULL },
		{ "{\"current_password\":\"correct horse\",\"new_password\":\"battery staple\"}", 401, "invalid_credentials" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bearer(s.access);
		post("/password", cases[i].body);
		expect(cases[i].status, cases[i].code, "%s", cases[i].body);
		if (i == 2) {
			struct audit a = last_event(dir);
			ok(a.event == EVENT_PASSWORD_CHANGED && a.count == 1 && a.distance == 0, "audited");
		}
	}
	ok(!row_of(s.session).ended_at && row_of(t.session).why == ENDED_PASSWORD, "other sessions ended, this one stands");
	sign_in("frank", "");
	expect(401, "invalid_credentials", "the old password is no more");
	post("/login", "{\"username\":\"frank\",\"password\":\"battery staple\"}");
	expect(200, NULL, "the new one is");
}

/* Behind a front that isn't trusted the agent alone tells who asks, whichever of its addresses it has. */
static void behind_fronts(void)
{
	static const struct { const char *first, *then; bool hidden; enum event event; } cases[] = {
		{ "10.0.0.1", "10.9.0.1", true, EVENT_REFRESH }, { "10.0.0.1", "10.9.0.1", false, EVENT_REPLAY },
		{ "198.51.100.1", "10.9.0.1", true, EVENT_REPLAY }, { "", "10.9.0.1", true, EVENT_REPLAY }, { "10.0.0.1", "10.0.0.2", false, EVENT_REFRESH },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct signed_in s = sign_in("alice", "");
		rq.peer = slice_of(cases[i].first);
		rq.hidden = cases[i].hidden;
		post("/refresh", refresh_body(s.refresh));
		rq.peer = slice_of(cases[i].then);
		rq.hidden = cases[i].hidden;
		post("/refresh", refresh_body(s.refresh));
		expect(200, NULL, "from %s and %s", cases[i].first, cases[i].then);
		is_int(last_event(dir).event, cases[i].event, "%s", cases[i].hidden ? "behind a front" : "as they are");
	}
}

/* Who shares a session loses it when its user changes his password, or ends all others: that answer alone has the successor. */
static void new_lineage(void)
{
	add_user("rita", "correct horse", false);
	struct signed_in s = sign_in("rita", ""), other = sign_in("rita", "");
	bearer(s.access);
	post("/password", text("{\"current_password\":\"correct horse\",\"new_password\":\"battery staple\",\"refresh_token\":\"%s\","
		"\"idempotency_key\":\"new\"}", s.refresh).p);
	expect(200, NULL, "a new password, with the refresh token and a key");
	ok(row_of(other.session).why == ENDED_PASSWORD && row_of(s.session).ctr == 2 && number("generation") == 2, "the session goes on, the other ends");
	ok(last_event(dir).event == EVENT_PASSWORD_CHANGED && last_event(dir).count == 1, "audited");
	struct signed_in next = taken();
	post("/refresh", refresh_body(s.refresh));
	expect(503, "busy", "who has the old token isn't given the new one");
	ok(in_head("Retry-After: ") && !row_of(s.session).ended_at, "and ends nothing: it may be another tab's request");
	post("/refresh", text("{\"refresh_token\":\"%s\",\"idempotency_key\":\"new\"}", s.refresh).p);
	expect(200, NULL, "a lost answer is asked for by a refresh with the same key");
	is_str(taken().refresh, next.refresh, "and is the same");
	post("/refresh", refresh_body(next.refresh));
	struct signed_in third = taken();
	post("/refresh", refresh_body(next.refresh));
	expect(200, NULL, "from then on there is grace again");
	bearer(third.access);
	call(METHOD_DELETE, "/sessions", text("{\"refresh_token\":\"%s\",\"idempotency_key\":\"all\"}", third.refresh).p);
	expect(200, NULL, "all others are ended");
	next = taken();
	bearer(third.access);
	call(METHOD_DELETE, "/sessions", text("{\"refresh_token\":\"%s\",\"idempotency_key\":\"all\"}", third.refresh).p);
	expect(200, NULL, "and again with the same key");
	is_str(taken().refresh, next.refresh, "is the same answer");
	clock_now += 11;
	post("/refresh", refresh_body(third.refresh));
	expect(401, "refresh_reused", "after the grace the old token is reuse");
	is_int(row_of(s.session).why, ENDED_REUSE, "and ends the session");
}

/* Whose request can't be given again, or doesn't show the newest token, keeps what he has. */
static void no_new_lineage(void)
{
	add_user("simon", "correct horse", false);
	struct signed_in s = sign_in("simon", ""), first = s, foreign = sign_in("alice", "");
	post("/refresh", refresh_body(s.refresh));
	s = taken();
	const struct { const char *body, *token; } cases[] = {
		{ NULL, "" }, { "{}%s", "" }, { "{\"idempotency_key\":\"k\"}%s", "" }, { "{\"refresh_token\":\"%s\"}", s.refresh },
		{ "{\"refresh_token\":\"%s\",\"idempotency_key\":\"k\"}", first.refresh },
		{ "{\"refresh_token\":\"%s\",\"idempotency_key\":\"k\"}", foreign.refresh }, { "{\"refresh_token\":\"%s\",\"idempotency_key\":\"k\"}", "x" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bearer(s.access);
		call(METHOD_DELETE, "/sessions", cases[i].body ? text(cases[i].body, cases[i].token).p : NULL);
		expect(204, NULL, "DELETE /sessions, body %zu", i);
		ok(row_of(s.session).ctr == 2 && row_of(foreign.session).ctr == 1, "no token changes");
	}
	bearer(s.access);
	call(METHOD_DELETE, "/sessions", "{\"idempotency_key\":5}");
	expect(400, "invalid_request", "a key that is none");
	bearer(s.access);
	call(METHOD_DELETE, "/sessions", "{\"idempotency_key\":\"\"}");
	expect(400, "invalid_request", "nor is an empty one");
}

static void new_lineage_by_cookie(void)
{
	struct signed_in s = sign_in("simon", ",\"cookie\":true");
	static const struct { const char *site, *key; int status; } cases[] = {
		{ "cross-site", "k", 204 }, { NULL, "k", 204 }, { "same-origin", NULL, 204 }, { "same-origin", "k", 200 }, { "same-origin", "k", 200 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bearer(s.access);
		rq.cookie = jar("__Secure-latchkey", s.refresh, "__Secure-latchkey", s.refresh, NULL);
		rq.sec_fetch_site = slice_of(cases[i].site);
		rq.idempotency_key = slice_of(cases[i].key);
		call(METHOD_DELETE, "/sessions", NULL);
		expect(cases[i].status, NULL, "by cookie, %s, key %s", cases[i].site ? cases[i].site : "-", cases[i].key ? cases[i].key : "-");
		ok(in_head("Set-Cookie: ") == (cases[i].status == 200) && !in_body("refresh_token"), "the successor is a cookie");
		is_int(row_of(s.session).ctr, cases[i].status == 200 ? 2 : 1, "and one rotation");
	}
}

static int events(void)
{
	int n = 0;
	for (const char *at = body(); (at = strstr(at, "\"event\":")); at++)
		n++;
	return n;
}

static void audit(void)
{
	uint64_t user = add_user("grace", "correct horse", false);
	struct signed_in s = sign_in("grace", ""), r = sign_in("grace", "");
	char *one = retry(r.refresh);
	retry(one);
	post("/refresh", refresh_body(r.refresh));
	expect(401, "refresh_reused", "a token two generations old");
	bearer(s.access);
	get("/audit");
	expect(200, NULL, "/audit");
	is_int(events(), 5, "her own events");
	ok(strstr(body(), "\"event\":\"reuse\",\"session\":\"") && in_body("\"class\":\"old\",\"distance\":2}"), "newest first, a reuse with class and distance");
	bearer(s.access);
	get("/audit?limit=2");
	is_int(events(), 2, "at most `limit`");
	char path[64];
	const char *at = strstr(strstr(body(), "\"id\":") + 1, "\"id\":");
	snprintf(path, sizeof path, "/audit?before=%lld", at ? strtoll(at + 5, NULL, 10) : 0);
	bearer(s.access);
	get(path);
	is_int(events(), 3, "the rest is `before`");
	store_open(dir, 5);
	store_begin(DURABLE_LATER);
	for (int i = 0; i < 120; i++)
		store_audit_add(&(struct audit){ .time = clock_now, .event = EVENT_USER_ENABLED, .user = user }, config.audit_max);
	store_commit();
	store_close();
	bearer(s.access);
	get("/audit");
	is_int(events(), 50, "50 where no limit is given");
	ok(!in_body("\"session\""), "an event without a session names none");
	bearer(s.access);
	get("/audit?limit=100");
	is_int(events(), 100, "100 at most");
	static const char *const wrong[] = { "limit=0", "limit=101", "limit=x", "limit=-1", "before=0", "before=x", "before=9223372036854775808" };
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		bearer(s.access);
		get(text("/audit?%s", wrong[i]).p);
		expect(400, "invalid_request", "%s", wrong[i]);
		ok(in_body(wrong[i][0] == 'l' ? "limit: " : "before: "), "is named");
	}
}

static void sign_in_alice(void) { sign_in("alice", ""); }

static void audit_elsewhere(void)
{
	static const struct { enum audit_where where; bool row, line; } cases[] = {
		{ AUDIT_TABLE, true, false }, { AUDIT_SYSLOG, false, true }, { AUDIT_BOTH, true, true }, { AUDIT_OFF, false, false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t before = last_event(dir).id;
		config.audit = cases[i].where;
		listen_to(sign_in_alice);
		expect(200, NULL, "sign-in with audit %zu", i);
		is_int(last_event(dir).id - before, cases[i].row, "rows");
		ok((strstr(t_err, "latchkey: audit: login user=") != NULL) == cases[i].line, "lines");
	}
	config.audit = AUDIT_TABLE;
}

/* ---- clock ------------------------------------------------------------- */

/* Who ends something is answered whatever the clock says. */
static void revoke_behind(void)
{
	struct signed_in s = sign_in("bob", ""), t = sign_in("bob", ""), u = sign_in("bob", "");
	int64_t right = clock_now;
	clock_now -= 3600;
	confirmed = false;
	bearer(s.access);
	call(METHOD_DELETE, text("/sessions/%s", t.session).p, NULL);
	expect(204, NULL, "an hour behind: one session is revoked");
	ok(row_of(t.session).why == ENDED_REVOKED && !row_of(u.session).ended_at, "and no other");
	is_int(last_event(dir).time, right, "the event has the mark's time");
	bearer(t.access);
	call(METHOD_DELETE, "/sessions", NULL);
	expect(401, "session_revoked", "who is out ends none");
	bearer(s.access);
	call(METHOD_DELETE, "/sessions", NULL);
	expect(204, NULL, "all others are revoked");
	ok(row_of(u.session).why == ENDED_REVOKED && !row_of(s.session).ended_at, "but this one");
	clock_now = right + 901;
	bearer(s.access);
	call(METHOD_DELETE, "/sessions", NULL);
	expect(401, "token_expired", "an expired token ends none");
	clock_now = right;
	confirmed = true;
}

static void clock_behind(void)
{
	struct signed_in s = sign_in("alice", "");
	int64_t right = clock_now;
	clock_now -= 121;
	confirmed = false;
	static const struct { enum method method; const char *path, *body; } calls[] = {
		{ METHOD_GET, "/health", NULL }, { METHOD_GET, "/me", NULL }, { METHOD_GET, "/verify?live=1", NULL },
		{ METHOD_POST, "/login", "{\"username\":\"alice\",\"password\":\"correct horse\"}" },
		{ METHOD_POST, "/password", "{\"current_password\":\"correct horse\",\"new_password\":\"battery staple\"}" },
	};
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		bearer(s.access);
		call(calls[i].method, calls[i].path, calls[i].body);
		expect(503, "clock_unset", "121 s behind: %s", calls[i].path);
		ok(in_head("Retry-After: 30\r\n"), "tells when to try again");
	}
	post("/refresh", refresh_body(s.refresh));
	expect(503, "clock_unset", "121 s behind: refresh");
	clock_now++;
	post("/refresh", refresh_body(s.refresh));
	expect(200, NULL, "120 s behind");
	is_int(number("server_time"), right, "the time is the mark's");
	clock_now = right - 3600;
	confirmed = true;
	post("/refresh", refresh_body(taken().refresh));
	expect(200, NULL, "an hour behind, and synchronised");
	is_int(number("server_time"), clock_now, "the time is the clock's");
	confirmed = false;
	post("/refresh", refresh_body(taken().refresh));
	expect(200, NULL, "which is the mark from then on");
	clock_now = right;
	confirmed = true;
}

static void clock_ahead(void)
{
	struct signed_in s = sign_in("alice", ""), old = sign_in("alice", "");
	int64_t right = clock_now;
	confirmed = false;
	clock_now += 31 * DAY;
	post("/refresh", refresh_body(s.refresh));
	expect(503, "clock_unset", "a doubted clock expires nothing");
	struct signed_in t = sign_in("alice", "");
	expect(200, NULL, "but issues");
	ok(row_of(s.session).id != 0 && row_of(old.session).id != 0, "and sweeps nothing");
	ok(last_event(dir).time <= right, "nor does it raise the mark");
	bearer(t.access);
	get("/sessions");
	ok(in_body(s.session), "what it would have expired is listed");
	bearer(t.access);
	call(METHOD_DELETE, text("/sessions/%s", old.session).p, NULL);
	expect(204, NULL, "and can be revoked");
	char *next = retry(t.refresh);
	expect(200, NULL, "a session of the doubted time goes on");
	clock_now = right;
	confirmed = true;
	bearer(t.access);
	get("/me");
	expect(401, "token_invalid", "the clock put right: its access token is from the future");
	retry(t.refresh);
	expect(200, NULL, "its refresh token holds");
	bearer(taken().access);
	get("/me");
	expect(200, NULL, "a replay carries an access token that holds");
	post("/refresh", refresh_body(next));
	expect(200, NULL, "the chain goes on");
	confirmed = false;
	clock_now = right + 31 * DAY;
	confirmed = true;
	post("/refresh", refresh_body(s.refresh));
	expect(401, "refresh_expired", "a confirmed clock expires");
}

/* ---- a client that has gone -------------------------------------------- */

static void gone(void)
{
	struct signed_in s = sign_in("alice", "");
	bool signup = config.signup;
	config.signup = true;
	static const char *const wanted[][2] = {
		{ "/login", "{\"username\":\"alice\",\"password\":\"correct horse\"}" },
		{ "/register", "{\"username\":\"gone\",\"password\":\"correct horse\"}" },
	};
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
		nobody_waits(&rq);
		post(wanted[i][0], wanted[i][1]);
		expect(408, "request_timeout", "whose client has gone: %s", wanted[i][0]);
	}
	nobody_waits(&rq);
	post("/refresh", refresh_body(s.refresh));
	expect(408, "request_timeout", "and a refresh");
	nobody_waits(&rq);
	bearer(s.access);
	post("/password", "{\"current_password\":\"correct horse\",\"new_password\":\"another horse\"}");
	expect(408, "request_timeout", "and another password");
	nobody_waits(&rq);
	bearer(s.access);
	call(METHOD_DELETE, "/me", "{\"password\":\"correct horse\"}");
	expect(408, "request_timeout", "and the user's end");
	post(wanted[1][0], wanted[1][1]);
	expect(201, NULL, "nobody was registered");
	is_int(number("generation"), 1, "with a session of his own");
	post("/refresh", refresh_body(s.refresh));
	expect(200, NULL, "nor was the token spent, or the session ended");
	is_int(number("generation"), 2, "it goes on where it was");
	post("/refresh", refresh_body(member("refresh_token")));
	expect(200, NULL, "and further");
	rq.wire = (struct wire){ .face = FACE_HTTP, .client = -1, .read_at = now_ms(), .watched = true, .shared = true };
	post("/refresh", refresh_body(s.refresh));
	expect(503, "busy", "an old token ends no session where nobody can wait for what the network brings after it");
	ok(rp.elsewhere, "so the request is handed over");
	rq.wire = (struct wire){ .face = FACE_CGI };
	bearer(s.access);
	get("/me");
	expect(200, NULL, "the session stands");
	post("/refresh", refresh_body(s.refresh));
	expect(401, "refresh_reused", "and ends where somebody waits");
	s = sign_in("alice", "");
	nobody_waits(&rq);
	bearer(s.access);
	get("/me");
	expect(200, NULL, "what only reads is answered");
	nobody_waits(&rq);
	post("/logout", refresh_body(s.refresh));
	expect(204, NULL, "and a sign-out stands");
	config.signup = signup;
}

/* ---- all of it --------------------------------------------------------- */

static void set_up(void)
{
	if (config_parse(SLICE_NONE, &config) || !make_dir(&dir, "lk-auth") || !make_dir(&empty_dir, "lk-none")) {
		printf("Bail out! no directory\n");
		exit(2);
	}
	config.dir = dir;
	config.throttle_dir = slice_of(dir);
	config.password.kib = CHEAP;
	config.password.passes = 1;
	base_clock = fake_clock;
	throttle_clock = fake_boot;
	clock_witness = fake_witness;
	clock_now = clock_build_epoch + DAY;
	rq = usual;
	put_key(1);
	store_create(dir);
	store_close();
	sign_in("alice", "");
	expect(401, "invalid_credentials", "before there is any user nobody signs in");
	add_user("alice", "correct horse", false);
	add_user("bob", "correct horse", false);
}

static void clean_up(void)
{
	static const char *const names[] = { "latchkey.db", "latchkey.db-wal", "latchkey.lock", "password.lock", "throttle", "latchkey.pgdb" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unlink(path_in(dir, names[i]));
	unlink(path_in(empty_dir, "latchkey.lock"));
	is_int(rmdir(dir) | rmdir(empty_dir), 0, "nothing is left behind");
}

int main(void)
{
	set_up();
	routes();
	errors_shape();
	bodies();
	too_many_values();
	lengths();
	login();
	meanwhile();
	costs();
	throttled();
	slots_busy();
	registering();
	spellings();
	access_tokens();
	later_version();
	verify();
	me();
	odd_name();
	secure_cookies();
	loopback_cookies();
	sites();
	several_cookies();
	tossed_cookies();
	leaving();
	sign_in_again();
	register_again();
	change_again();
	renamed_cookies();
	brief_cookies();
	names_of_cookies();
	signing_in_again();
	access_cookie();
	several_access_cookies();
	unusable_cookies();
	token_in_body();
	withheld();
	cors();
	refreshing();
	lost_commits();
	damaged_rows();
	session_ends();
	keys();
	again_after_retirement();
	sessions();
	listing();
	listing_behind_expired();
	long_listing();
	bounded();
	logout();
	logout_spent();
	logout_from_elsewhere();
	begin_factor();
	new_password();
	behind_fronts();
	new_lineage();
	no_new_lineage();
	new_lineage_by_cookie();
	audit();
	audit_elsewhere();
	refreshes_untold();
	gone();
	clock_behind();
	revoke_behind();
	clock_ahead();
	clean_up();
	return done_testing();
}
