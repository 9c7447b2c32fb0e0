/*
 * gate_test: the site session, through gate.h, on a real store with a clock of the test's own: in, on and out, in one browser and
 * in several, with one cookie and with two.
 */
#include "auth.h"
#include "clock.h"
#include "config.h"
#include "gate.h"
#include "jwt.h"
#include "password.h"
#include "route.h"
#include "signin.h"
#include "store_case.h"
#include "throttle.h"

#include <sys/statvfs.h>

enum { DAY = 86400, CHEAP = 8, JAR = 8 };

static struct config config;
static struct keyring ring;
static int64_t clock_now, boot_now;
static bool confirmed = true;
static struct slice agent, peer;

static int64_t fake_clock(void) { return clock_now; }
static int64_t fake_boot(void) { return boot_now; }
static enum clock_witness fake_witness(void) { return confirmed ? CLOCK_KERNEL : CLOCK_NOBODY; }

/* Stands before libc's. */
static bool disk_full;
int statvfs(const char *path, struct statvfs *out)
{
	(void)path;
	*out = (struct statvfs){ .f_frsize = 1024, .f_blocks = 100000, .f_bavail = disk_full ? 63 : 64 };
	return 0;
}

/* ---- a browser --------------------------------------------------------- */

/* Its cookies, NAME=VALUE each; an empty one was taken away. */
static struct jar {
	char cookie[JAR][512], attributes[JAR][256];
	int count;
} jar;

static struct work work;
static struct request rq;
static struct reply rp;

static const struct request usual = {
	.below = true, .mount = { "/auth", 5 }, .https = true, .host = { "door.example.test", 17 }, .sec_fetch_site = { "same-origin", 11 },
};

static void keep(const char *line, size_t n)
{
	const char *equals = memchr(line, '=', n), *semicolon = memchr(line, ';', n);
	int at = 0;
	while (at < jar.count && strncmp(jar.cookie[at], line, (size_t)(equals + 1 - line)) != 0)
		at++;
	snprintf(jar.cookie[at], sizeof jar.cookie[at], "%.*s", (int)(semicolon - line), line);
	snprintf(jar.attributes[at], sizeof jar.attributes[at], "%.*s", (int)(line + n - semicolon), semicolon);
	jar.count += at == jar.count;
}

static void keep_all(void)
{
	static const char header[] = "Set-Cookie: ";
	buf_c(&rp.head, '\0');
	for (const char *at = rp.head.p; (at = strstr(at, header)) != NULL;) {
		at += sizeof header - 1;
		keep(at, strcspn(at, "\r"));
	}
}

static struct slice all_cookies(void)
{
	struct buf b = { 0 };
	for (int i = 0; i < jar.count; i++) {
		buf_s(&b, i ? "; " : "");
		buf_s(&b, jar.cookie[i]);
	}
	return buf_slice(&b);
}

/* The cookie of that kind: its place, or -1. */
static int place(const char *kind)
{
	for (int i = 0; i < jar.count; i++)
		if (strstr(jar.cookie[i], kind) && jar.cookie[i][strlen(jar.cookie[i]) - 1] != '=')
			return i;
	return -1;
}

static void begin(void)
{
	rq = rq.host.p ? rq : usual;
	rq.cookie = all_cookies();
	rp = (struct reply){ 0 };
	work = (struct work){ .config = &config, .ring = &ring, .peer = peer, .agent = agent };
}

static void end(void)
{
	keep_all();
	password_slot_leave();
	store_tidy();
	store_close();
	boot_now += DAY;
	rq = usual;
}

static struct grant grant;

static enum error sign_in_as(const char *name, const char *password, bool brief)
{
	struct origin how = { .brief = brief, .device = S("kitchen") };
	begin();
	grant = (struct grant){ 0 };
	enum error e = gate_sign_in(&work, &rq, &rp, slice_of(name), slice_of(password), &how, &grant);
	end();
	return e;
}

static enum error sign_in(const char *name) { return sign_in_as(name, "correct horse", false); }

static struct caller caller;

static enum error ask(enum gate gate)
{
	begin();
	caller = (struct caller){ 0 };
	enum error e = gate_admit(&work, &rq, gate, &caller);
	end();
	return e;
}

static void sign_out(void)
{
	begin();
	gate_sign_out(&work, &rq, &rp);
	end();
}

static bool row_in_store(uint64_t id)
{
	struct session s;
	return store_session(id, &s);
}

static struct session row_of(uint64_t id)
{
	struct session s = { 0 };
	store_open(dir, 5);
	store_session(id, &s);
	store_close();
	return s;
}

static int64_t events(enum event event)
{
	struct audit rows[LIMIT_LIST];
	size_t mark = arena_mark();
	store_open(dir, 5);
	size_t n = store_audits(0, 0, LIMIT_LIST, rows);
	store_close();
	arena_back(mark);
	int64_t count = 0;
	while (n-- > 0)
		count += rows[n].event == event;
	return count;
}

static uint64_t add_user(const char *name)
{
	struct user u = { .id = random_id(), .name = slice_of(name), .created_at = clock_now };
	u.password = password_hash(S("correct horse"), (struct password_cost){ CHEAP, 1 });
	store_open(dir, 5);
	store_begin(DURABLE_NOW);
	store_user_add(&u);
	store_commit();
	store_close();
	return u.id;
}

static void in_store(void (*what)(uint64_t), uint64_t id)
{
	store_open(dir, 5);
	store_begin(DURABLE_NOW);
	what(id);
	store_commit();
	store_close();
}

static void disable(uint64_t user) { store_user_disable(user, true); }
static void enable(uint64_t user) { store_user_disable(user, false); }
static void end_it(uint64_t id) { store_session_end(id, ENDED_REVOKED, clock_now); }

/* ---- in ---------------------------------------------------------------- */

static void test_in(void)
{
	is_int(sign_in_as("alice", "wrong", false), ERROR_INVALID_CREDENTIALS, "a wrong password");
	is_int(jar.count, 0, "sets no cookie");
	is_int(ask(GATE_DOOR), ERROR_TOKEN_MISSING, "nobody is signed in");
	is_int(sign_in("alice"), ERROR_NONE, "the right one signs in");
	is_int(jar.count, 1, "one cookie is set");
	ok(strncmp(jar.cookie[0], "__Host-latchkey-door-", 21) == 0, "of this host alone: %s", jar.cookie[0]);
	is_str(jar.attributes[0], "; Path=/; Max-Age=34560000; HttpOnly; SameSite=Lax; Secure", "for as long as a browser keeps one");
	struct session s = row_of(grant.session.id);
	ok(s.ctr == 0 && s.cookie && !s.brief && s.rotated_at == clock_now && slice_is(s.device, S("kitchen")), "its row never rotates");
	ok(grant.access.p == NULL && grant.refresh.p == NULL, "there is no other token");
	is_int(ask(GATE_DOOR), ERROR_NONE, "the door knows the browser");
	ok(slice_is(caller.user.name, S("alice")) && slice_is(caller.claims.name, S("alice")), "and whose it is");
	ok(caller.claims.sub == caller.user.id && caller.claims.sid == s.id && caller.session.id == s.id, "which session it is");
	is_int(ask(GATE_SITE), ERROR_NONE, "so does what lies behind it");
	is_int(events(EVENT_REFRESH), 0, "neither writes");
	is_int(sign_in_as("alice", "correct horse", true), ERROR_NONE, "a second sign-in of the same browser");
	is_int(row_of(s.id).why, ENDED_REPLACED, "ends the first session");
	ok(strstr(jar.attributes[0], "Max-Age") == NULL, "a brief cookie has no end");
	is_int(sign_in("bob"), ERROR_NONE, "another user there");
	is_int(ask(GATE_DOOR), ERROR_NONE, "is who is signed in");
	ok(slice_is(caller.user.name, S("bob")), "from then on");
	rq = usual;
	rq.sec_fetch_site = S("cross-site");
	is_int(sign_in("alice"), ERROR_CROSS_SITE, "a page of another site signs nobody in");
	rq = usual;
	rq.https = false;
	rq.sec_fetch_site = SLICE_NONE;
	rq.origin = S("http://door.example.test");
	is_int(sign_in("alice"), ERROR_INSECURE_ORIGIN, "nor does a page whose browser would drop the cookie");
	sign_out();
	is_int(place("door"), -1, "a sign-out takes the cookie away");
	is_int(events(EVENT_LOGOUT), 1, "and is noted");
	sign_out();
	is_int(events(EVENT_LOGOUT), 1, "once more does nothing");
}

static void test_again(void)
{
	struct origin how = { .idempotency = S("form-1") }, other = { .cookie = true, .idempotency = S("form-1") };
	struct grant first = { 0 }, second = { 0 };
	begin();
	is_int(gate_sign_in(&work, &rq, &rp, S("alice"), S("correct horse"), &how, &first), ERROR_NONE, "a sign-in with a key");
	end();
	jar.count = 0;
	begin();
	is_int(gate_sign_in(&work, &rq, &rp, S("alice"), S("correct horse"), &how, &second), ERROR_NONE, "whose answer was lost");
	end();
	ok(slice_is(first.door, second.door), "has the same answer again");
	begin();
	is_int(signin_by_password(&work, S("alice"), S("correct horse"), &other, &second), ERROR_NONE, "with the same key in cookie mode");
	end();
	ok(second.session.id != first.session.id && second.session.ctr == 1 && second.refresh.n, "it is another session");
	jar.count = 0;
}

/* ---- the two cookies --------------------------------------------------- */

static void test_spread(void)
{
	config.cookie_domain = S("example.test");
	is_int(sign_in("alice"), ERROR_NONE, "a sign-in where the cookie is spread");
	is_int(jar.count, 2, "sets two");
	int door = place("__Host-latchkey-door-"), site = place("__Secure-latchkey-site-");
	ok(door >= 0 && site >= 0, "one of the host, one of the domain");
	is_str(jar.attributes[site], "; Path=/; Domain=example.test; Max-Age=34560000; HttpOnly; SameSite=Lax; Secure", "which goes below it");
	struct jar both = jar;
	*jar.cookie[door] = '\0';
	is_int(ask(GATE_SITE), ERROR_NONE, "the domain's alone opens what lies behind the door");
	is_int(ask(GATE_DOOR), ERROR_TOKEN_MISSING, "and not the door's pages");
	jar = both;
	*jar.cookie[site] = '\0';
	is_int(ask(GATE_SITE), ERROR_NONE, "the host's does both");
	is_int(ask(GATE_DOOR), ERROR_NONE, "it does");
	/* A program below the domain sends what it got, by the name that the door takes. */
	jar = both;
	char stolen[512];
	snprintf(stolen, sizeof stolen, "%.*s%s", (int)strcspn(both.cookie[door], "="), both.cookie[door], strchr(both.cookie[site], '='));
	jar.count = 1;
	memcpy(jar.cookie[0], stolen, sizeof stolen);
	is_int(ask(GATE_DOOR), ERROR_TOKEN_INVALID, "the domain's value in the host's cookie is refused");
	jar = both;
	sign_out();
	ok(place("door") < 0 && place("site") < 0, "a sign-out takes both away");
	config.cookie_domain = SLICE_NONE;
	jar.count = 0;
}

/* Another host of the domain has set a cookie of its own session. */
static void test_planted(void)
{
	config.cookie_domain = S("example.test");
	is_int(sign_in("bob"), ERROR_NONE, "bob");
	struct jar bobs = jar;
	jar.count = 0;
	is_int(sign_in("alice"), ERROR_NONE, "alice");
	struct jar hers = jar;
	int site = place("-site-");
	keep("__Secure-latchkey-site-00000000=x; Path=/", 41);
	snprintf(jar.cookie[2], sizeof jar.cookie[2], "__Secure-latchkey-site-00000000=%s", strchr(bobs.cookie[1], '=') + 1);
	is_int(ask(GATE_SITE), ERROR_NONE, "bob plants his beside hers");
	ok(slice_is(caller.user.name, S("alice")), "her own host's cookie goes first");
	*jar.cookie[0] = '\0';
	is_int(ask(GATE_SITE), ERROR_CROSS_SITE, "below the domain nobody knows whose is right");
	jar = hers;
	*jar.cookie[0] = '\0';
	snprintf(jar.cookie[site], sizeof jar.cookie[site], "%s", "__Secure-latchkey-site-1=a.b.c");
	is_int(ask(GATE_SITE), ERROR_TOKEN_MISSING, "what isn't ours is none");
	jar = hers;
	/* The host's own cookie has another name since a key was retired: the newer one counts. */
	clock_now++;
	jar.count = 0;
	is_int(sign_in("bob"), ERROR_NONE, "bob signs in on her host");
	struct jar his = jar;
	for (int i = 0; i < 2; i++) {
		memcpy(jar.cookie[0], (i ? &hers : &his)->cookie[0], sizeof jar.cookie[0]);
		memcpy(jar.cookie[1], (i ? &his : &hers)->cookie[0], sizeof jar.cookie[0]);
		jar.cookie[1][22] = '!';
		is_int(ask(GATE_DOOR), ERROR_NONE, "two cookies of this host, by two names");
		ok(slice_is(caller.user.name, S("bob")), "the later counts, in whatever order");
	}
	config.cookie_domain = SLICE_NONE;
	jar.count = 0;
}

/* Without cookie_domain no cookie of ours is one that a sibling host can have set. So one that came is somebody else's. */
static void test_sibling(void)
{
	is_int(sign_in("bob"), ERROR_NONE, "bob signs in");
	char planted[512];
	snprintf(planted, sizeof planted, "__Secure-latchkey-door-1%s", strchr(jar.cookie[0], '='));
	memcpy(jar.cookie[0], planted, sizeof planted);
	is_int(ask(GATE_SITE), ERROR_TOKEN_MISSING, "his token, planted by a sibling host, signs nobody in behind the door");
	is_int(ask(GATE_DOOR), ERROR_TOKEN_MISSING, "nor at its pages");
	config.cookie_domain = S("example.test");
	is_int(ask(GATE_DOOR), ERROR_TOKEN_MISSING, "there not with cookie_domain either");
	is_int(ask(GATE_SITE), ERROR_NONE, "which says that its hosts are trusted with what lies behind");
	config.cookie_domain = SLICE_NONE;
	jar.count = 0;
}

/* Two cookies of this host, by two names. */
static void put_two(const char *one, const char *two)
{
	snprintf(jar.cookie[0], sizeof jar.cookie[0], "%s", one);
	snprintf(jar.cookie[1], sizeof jar.cookie[1], "%s", two);
	jar.cookie[1][22] = '!';
	jar.count = 2;
}

/* Beside a good cookie one that is no good hides nothing, in whatever order; of bad ones the first is told. */
static void test_beside_bad_ones(void)
{
	static char ended[512], good[512], junk[512];
	is_int(sign_in("bob"), ERROR_NONE, "bob");
	memcpy(ended, jar.cookie[0], sizeof ended);
	in_store(end_it, grant.session.id);
	jar.count = 0;
	is_int(sign_in("alice"), ERROR_NONE, "alice");
	uint64_t hers = grant.session.id;
	memcpy(good, jar.cookie[0], sizeof good);
	snprintf(junk, sizeof junk, "%.*sa.b.c", (int)(strchr(good, '=') + 1 - good), good);
	const struct { const char *bad, *name; } cases[] = { { ended, "of a session that has ended" }, { junk, "that isn't ours" } };
	for (size_t i = 0; i < 4; i++) {
		put_two(i & 1 ? good : cases[i / 2].bad, i & 1 ? cases[i / 2].bad : good);
		is_int(ask(GATE_DOOR), ERROR_NONE, "one %s, %s the good one", cases[i / 2].name, i & 1 ? "behind" : "before");
		ok(slice_is(caller.user.name, S("alice")), "counts for nothing");
	}
	put_two(junk, good);
	sign_out();
	is_int(row_of(hers).why, ENDED_LOGOUT, "a sign-out ends the one that is ours");
	put_two(ended, good);
	is_int(ask(GATE_DOOR), ERROR_SESSION_REVOKED, "of two that have ended");
	ok(slice_is(caller.user.name, S("bob")), "the first is told");
	jar.count = 0;
}

/* ---- at the native dialect --------------------------------------------- */

/* What else the browser and its proxy say of a page. */
static struct request page;

/* One call with the browser's cookies; `bearer` and `body` may be NULL. The status. */
static int api(enum method method, const char *path, const char *bearer, const char *body)
{
	begin();
	rq.method = method;
	rq.query = slice_of(path);
	rq.path = slice_cut(&rq.query, '?');
	rq.authorization = bearer ? slice_of(text_join("Bearer ", bearer, NULL)) : SLICE_NONE;
	rq.content_type = S("application/json");
	rq.body = slice_of(body);
	rq.sec_fetch_mode = page.sec_fetch_mode;
	rq.original_url = page.original_url;
	route_answer(&auth_dialect, &config, &ring, &rq, ERROR_NONE, &rp);
	buf_c(&rp.head, '\0');
	buf_c(&rp.body, '\0');
	password_slot_leave();
	store_tidy();
	store_close();
	boot_now += DAY;
	rq = usual;
	return rp.status;
}

static bool answers(const char *part) { return strstr(rp.head.p, part) || strstr(rp.body.p, part); }

static void test_verify(void)
{
	is_int(api(METHOD_GET, "/verify", NULL, NULL), 401, "nobody is signed in");
	is_int(sign_in("alice"), ERROR_NONE, "alice");
	struct grant site = grant;
	const char *of_session = text_join("X-Auth-Session: ", id_text(grant.session.id), "\r\n", NULL);
	for (int method = 0; method < METHOD__MAX; method++)
		is_int(api((enum method)method, "/verify", NULL, NULL), 204, "%s /verify with the cookie of a site session", method_words[method]);
	ok(answers("X-Auth-Name: alice\r\n") && answers("X-Auth-User: ") && answers(of_session), "says whose it is");
	is_int(api(METHOD_GET, "/verify?live=1", NULL, NULL), 204, "with ?live=1");
	is_int(api(METHOD_GET, "/verify?group=admins", NULL, NULL), 403, "who isn't in the group may not");
	is_int(api(METHOD_GET, "/verify", "somebody's", NULL), 204, "beside the token of another program");
	is_int(api(METHOD_POST, "/login", NULL, "{\"username\":\"bob\",\"password\":\"correct horse\"}"), 200, "bob signs in to the app");
	char *bobs = strdup(strstr(rp.body.p, "\"access_token\":\"") + 16);
	bobs[strcspn(bobs, "\"")] = '\0';
	is_int(api(METHOD_GET, "/verify", bobs, NULL), 204, "an access token");
	ok(answers("X-Auth-Name: bob\r\n"), "goes first");
	clock_now += config.access_ttl;
	is_int(api(METHOD_GET, "/verify", bobs, NULL), 401, "and is refused once it has expired");
	ok(answers("token_expired"), "as what it is");
	for (int i = 0; i < 2; i++) {
		config.access_cookie = i;
		is_int(api(METHOD_GET, "/verify", NULL, NULL), 204, "with access_cookie %s", i ? "on" : "off");
		keep("__Host-latchkey-access-00000000=a.b.c; Path=/", 45);
		snprintf(jar.cookie[1], sizeof jar.cookie[1], "__Host-latchkey-access-00000000=%s", bobs);
		is_int(api(METHOD_GET, "/verify", NULL, NULL), 204, "beside an access cookie that has expired");
		ok(answers("X-Auth-Name: alice\r\n"), "the site session counts");
		jar.count = 1;
	}
	config.access_cookie = false;
	in_store(end_it, site.session.id);
	is_int(api(METHOD_GET, "/verify", NULL, NULL), 401, "once it has ended");
	ok(answers("session_revoked"), "it is refused as that");
	free(bobs);
	jar.count = 0;
}

/* Who opens a page is sent to sign in; a script is told. */
static void test_redirect(void)
{
	static const char *const paths[] = { "/verify?redirect", "/verify?redirect=401", "/verify?redirect=302" };
	for (int i = 0; i < 3; i++) {
		const char *path = paths[i];
		int status = i == 1 ? 401 : 302;
		page.sec_fetch_mode = S("navigate");
		page.original_url = S("https://door.example.test/notes?day=1");
		is_int(api(METHOD_GET, path, NULL, NULL), status, "%s without a cookie", path);
		ok(answers("Location: /auth/signin?rd=/notes%3fday%3d1\r\n"), "says where to sign in");
		ok((strstr(rp.head.p, "WWW-Authenticate: Bearer") != NULL) == (i == 1), "a 401 has its scheme");
		page.sec_fetch_mode = S("cors");
		is_int(api(METHOD_GET, path, NULL, NULL), 401, "of a script");
		ok(!answers("Location"), "says no more");
		page.sec_fetch_mode = S("navigate");
		is_int(api(METHOD_POST, path, NULL, NULL), 401, "of a form that is sent");
		is_int(sign_in("alice"), ERROR_NONE, "alice");
		is_int(api(METHOD_GET, path, NULL, NULL), 204, "who is signed in isn't sent away");
		struct key fresh_key = { .created_at = clock_now };
		memset(fresh_key.master, 10, KEY_SIZE);
		jwt_name_key(&fresh_key);
		ok(keyring_add(&ring, &fresh_key), "another key signs");
		is_int(api(METHOD_GET, path, NULL, NULL), status, "then she is, to have her cookie made anew");
		ok(answers("Location: /auth/signin?rd=/notes"), "by the page to sign in at");
		is_int(api(METHOD_GET, "/verify", NULL, NULL), 204, "not where that isn't asked for");
		page.sec_fetch_mode = S("cors");
		is_int(api(METHOD_GET, path, NULL, NULL), 204, "nor a script");
		keyring_remove(&ring, 0);
		page = (struct request){ 0 };
		jar.count = 0;
	}
}

/* Everywhere else it is no token at all. */
static void test_nowhere_else(void)
{
	static const struct { enum method method; const char *path; } live[] = {
		{ METHOD_GET, "/me" }, { METHOD_GET, "/sessions" }, { METHOD_GET, "/audit" }, { METHOD_DELETE, "/sessions" },
		{ METHOD_DELETE, "/sessions/0123456789abcdef" }, { METHOD_DELETE, "/me" }, { METHOD_POST, "/password" },
	};
	is_int(sign_in("alice"), ERROR_NONE, "alice");
	const char *door = slice_text(grant.door), *site = slice_text(grant.site);
	const char *words = "{\"password\":\"correct horse\",\"current_password\":\"correct horse\",\"new_password\":\"another horse\"}";
	for (int i = 0; i < 2; i++, config.access_cookie = !config.access_cookie)
		for (size_t j = 0; j < sizeof live / sizeof *live; j++) {
			is_int(api(live[j].method, live[j].path, NULL, words), 401, "%s %s with the cookie", method_words[live[j].method], live[j].path);
			is_int(api(live[j].method, live[j].path, i ? door : site, words), 401, "with its token");
			ok(answers("token_invalid"), "which is none");
		}
	for (int i = 0; i < 2; i++) {
		const char *shown = text_join("{\"refresh_token\":\"", i ? door : site, "\"}", NULL);
		is_int(api(METHOD_POST, "/refresh", NULL, shown), 401, "nor can it be refreshed");
		is_int(api(METHOD_POST, "/logout", NULL, shown), 204, "nor signed out by the app's call");
	}
	is_int(api(METHOD_POST, "/refresh", NULL, "{\"cookie\":true}"), 401, "not by its cookie either");
	ok(answers("refresh_invalid"), "which is no refresh token");
	is_int(api(METHOD_POST, "/logout", NULL, NULL), 204, "a sign-out of the app");
	is_int(ask(GATE_DOOR), ERROR_NONE, "it stands");
	is_int(api(METHOD_POST, "/login", NULL, "{\"username\":\"alice\",\"password\":\"correct horse\"}"), 200, "alice signs in to the app");
	char *access = strdup(strstr(rp.body.p, "\"access_token\":\"") + 16);
	access[strcspn(access, "\"")] = '\0';
	is_int(api(METHOD_GET, "/sessions", access, NULL), 200, "her list");
	ok(answers(id_text(grant.session.id)), "has the site session");
	is_int(api(METHOD_DELETE, text_join("/sessions/", id_text(grant.session.id), NULL), access, NULL), 204, "there she ends it");
	is_int(ask(GATE_DOOR), ERROR_SESSION_REVOKED, "then it is over");
	is_int(sign_in("alice"), ERROR_NONE, "another one");
	is_int(api(METHOD_DELETE, "/sessions", access, NULL), 204, "all others");
	is_int(ask(GATE_DOOR), ERROR_SESSION_REVOKED, "it is one of them");
	free(access);
	jar.count = 0;
}

/* ---- time, touch ------------------------------------------------------- */

static void test_touch(void)
{
	config.audit = AUDIT_TABLE;
	agent = S("Browser/1");
	peer = S("192.0.2.1");
	is_int(sign_in("alice"), ERROR_NONE, "alice");
	uint64_t id = grant.session.id;
	int64_t start = clock_now, before = events(EVENT_REFRESH);
	peer = S("198.51.100.9");
	clock_now = start + DAY - 1;
	is_int(ask(GATE_SITE), ERROR_NONE, "a day less a second later");
	ok(row_of(id).rotated_at == start && slice_is(row_of(id).ip, S("192.0.2.1")), "nothing is written");
	clock_now = start + DAY;
	is_int(ask(GATE_SITE), ERROR_NONE, "after a day");
	ok(row_of(id).rotated_at == clock_now && slice_is(row_of(id).ip, peer), "its use is noted, and from where");
	ok(caller.session.rotated_at == clock_now, "the caller knows");
	is_int(ask(GATE_SITE), ERROR_NONE, "once more");
	is_int(events(EVENT_REFRESH) - before, 1, "one event a day");
	clock_now += config.refresh_ttl - 1;
	is_int(ask(GATE_SITE), ERROR_NONE, "in its last second");
	clock_now += config.refresh_ttl - 1;
	is_int(ask(GATE_SITE), ERROR_NONE, "and so on, as long as it is used");
	clock_now += config.refresh_ttl;
	is_int(ask(GATE_SITE), ERROR_SESSION_REVOKED, "unused for refresh_ttl it is over");
	clock_now -= 2 * config.refresh_ttl;
	confirmed = false;
	is_int(ask(GATE_SITE), ERROR_CLOCK_UNSET, "under a clock that is behind nobody is told that he is signed out");
	confirmed = true;
	clock_now += 2 * config.refresh_ttl;
	int64_t ttl = config.refresh_ttl;
	config.refresh_ttl = 40;
	jar.count = 0;
	is_int(sign_in("alice"), ERROR_NONE, "where refresh_ttl is short");
	id = grant.session.id;
	start = clock_now;
	clock_now += 9;
	is_int(ask(GATE_DOOR), ERROR_NONE, "before a quarter of it");
	is_int(row_of(id).rotated_at, start, "nothing is written");
	clock_now++;
	is_int(ask(GATE_DOOR), ERROR_NONE, "after a quarter");
	is_int(row_of(id).rotated_at, clock_now, "its use is noted");
	config.refresh_ttl = ttl;
	jar.count = 0;
	agent = peer = SLICE_NONE;
}

static enum error change_password(const char *from, const char *to)
{
	struct renewal renewal;
	struct grant renewed = { 0 };
	is_int(ask(GATE_DOOR), ERROR_NONE, "signed in");
	begin();
	enum error e = gate_admit(&work, &rq, GATE_DOOR, &caller);
	gate_renewal(&work, &rq, &renewed, &renewal);
	if (e == ERROR_NONE)
		e = signin_change_password(&work, &caller, slice_of(from), SLICE_NONE, slice_of(to), &renewal);
	if (e == ERROR_NONE)
		gate_renewed(&work, &rq, &rp, &renewal);
	end();
	return e;
}

/* As the sweep does, years later. */
static void remove_row(uint64_t id)
{
	int64_t then = clock_now + 1000 * (int64_t)DAY;
	while (row_in_store(id))
		store_sweep(then, 1);
}

/* On a full disk the use isn't noted, and nobody is shut out for it. */
static void test_full(void)
{
	is_int(sign_in("alice"), ERROR_NONE, "alice");
	uint64_t id = grant.session.id;
	int64_t start = clock_now;
	clock_now += DAY;
	disk_full = true;
	is_int(ask(GATE_SITE), ERROR_NONE, "on a full disk she is let in");
	is_int(row_of(id).rotated_at, start, "and nothing is written");
	disk_full = false;
	is_int(ask(GATE_SITE), ERROR_NONE, "once there is room");
	is_int(row_of(id).rotated_at, clock_now, "it is");
	jar.count = 0;
}

/* What lies beside the good cookie: others' cookies, the same one by another name, one of an older lineage, one of a row that is gone. */
static void test_beside(void)
{
	struct renewal renewal;
	struct grant renewed = { 0 };
	is_int(sign_in("alice"), ERROR_NONE, "alice");
	struct jar older = jar;
	is_int(change_password("correct horse", "another horse"), ERROR_NONE, "a new lineage");
	is_int(change_password("another horse", "correct horse"), ERROR_NONE, "and another");
	memcpy(jar.cookie[1], jar.cookie[0], sizeof jar.cookie[1]);
	jar.cookie[1][22] = '!';
	memcpy(jar.cookie[2], older.cookie[0], sizeof jar.cookie[2]);
	jar.cookie[2][22] = '?';
	snprintf(jar.cookie[3], sizeof jar.cookie[3], "__Host-latchkey-door-x=a.b.c");
	jar.count = 4;
	is_int(ask(GATE_DOOR), ERROR_NONE, "one is good");
	begin();
	is_int(gate_admit(&work, &rq, GATE_DOOR, &caller), ERROR_NONE, "who ends all others");
	gate_renewal(&work, &rq, &renewed, &renewal);
	is_int(renewal.count, 3, "shows three of ours");
	struct rotation first = renewal.shown[0];
	renewal.shown[0] = renewal.shown[2];
	renewal.shown[2] = first;
	is_int(session_end(&work, END_OTHERS, &caller.user, caller.session.id, &renewal), ERROR_NONE, "does so");
	ok(renewal.done && renewed.session.id == caller.session.id, "whichever comes first");
	end();
	begin();
	is_int(session_clock(&work), ERROR_NONE, "the clock");
	gate_renewal(&work, &rq, &renewed, &renewal);
	is_int(session_end(&work, END_OTHERS, &caller.user, caller.session.id, &renewal), ERROR_NONE, "by cookies that are old by now");
	gate_renewed(&work, &rq, &rp, &renewal);
	ok(!renewal.done && rp.head.n == 0, "nothing is renewed, and no cookie set");
	end();
	sign_out();
	ok(row_of(caller.session.id).ended_at == 0, "a sign-out by them ends nothing");
	jar = older;
	jar.count = 1;
	is_int(sign_in("alice"), ERROR_NONE, "alice");
	in_store(remove_row, grant.session.id);
	is_int(ask(GATE_SITE), ERROR_TOKEN_INVALID, "a row that is gone");
	begin();
	is_int(session_clock(&work), ERROR_NONE, "the clock");
	gate_renewal(&work, &rq, &renewed, &renewal);
	is_int(session_end(&work, END_OTHERS, &caller.user, grant.session.id, &renewal), ERROR_NONE, "can't be renewed");
	ok(!renewal.done, "so it isn't");
	end();
	jar.count = 0;
}

/* A head full of good cookies takes no more memory than one. */
static void test_many(void)
{
	is_int(sign_in("alice"), ERROR_NONE, "alice");
	size_t taken[2];
	for (int many = 0; many < 2; many++) {
		struct buf b = { 0 };
		for (int i = 0; i < (many ? 200 : 1); i++) {
			buf_s(&b, "__Host-latchkey-");
			buf_int(&b, i);
			buf_s(&b, strchr(jar.cookie[0], '='));
			buf_s(&b, "; ");
		}
		begin();
		rq.cookie = buf_slice(&b);
		size_t mark = arena_mark();
		is_int(gate_admit(&work, &rq, GATE_DOOR, &caller), ERROR_NONE, "so many cookies: %d", many ? 200 : 1);
		taken[many] = arena_mark() - mark;
		end();
	}
	ok(taken[1] < 2 * taken[0] + 1024, "%zu bytes for one, %zu for all", taken[0], taken[1]);
	jar.count = 0;
}

/* Years ahead, and nobody vouches for it: nothing expires, and no use is dated. */
static void test_doubted(void)
{
	is_int(sign_in("alice"), ERROR_NONE, "alice");
	uint64_t id = grant.session.id;
	int64_t start = clock_now;
	confirmed = false;
	clock_now += 1000 * (int64_t)DAY;
	is_int(ask(GATE_SITE), ERROR_NONE, "a clock that is doubted signs nobody out");
	is_int(row_of(id).rotated_at, start, "and dates nothing");
	confirmed = true;
	clock_now = start;
	jar.count = 0;
}

static void test_absolute_end(void)
{
	config.session_ttl = 3 * DAY;
	is_int(sign_in("alice"), ERROR_NONE, "a session with an end");
	is_str(jar.attributes[0], "; Path=/; Max-Age=259200; HttpOnly; SameSite=Lax; Secure", "its cookie has the same");
	clock_now += 3 * DAY - 1;
	is_int(ask(GATE_SITE), ERROR_NONE, "before");
	clock_now++;
	is_int(ask(GATE_SITE), ERROR_SESSION_REVOKED, "after");
	config.session_ttl = 0;
	jar.count = 0;
}

/* ---- what ends it ------------------------------------------------------ */

static void test_ended(uint64_t carol)
{
	is_int(sign_in("carol"), ERROR_NONE, "carol");
	in_store(disable, carol);
	is_int(ask(GATE_SITE), ERROR_SESSION_REVOKED, "a user who is disabled");
	in_store(enable, carol);
	is_int(ask(GATE_SITE), ERROR_NONE, "and enabled");
	in_store(end_it, grant.session.id);
	is_int(ask(GATE_SITE), ERROR_SESSION_REVOKED, "a session that is revoked");
	is_int(sign_in("carol"), ERROR_NONE, "carol");
	in_store(store_user_delete, carol);
	is_int(ask(GATE_SITE), ERROR_TOKEN_INVALID, "a user who is deleted, with the session");
	jar.count = 0;
	is_int(sign_in("alice"), ERROR_NONE, "alice");
	struct keyring kept = ring;
	ring.key[0].master[0] ^= 1;
	is_int(ask(GATE_SITE), ERROR_TOKEN_MISSING, "another key's token isn't ours");
	ring = kept;
	int64_t most = config.sessions_max;
	jar.count = 0;
	add_user("dave");
	is_int(sign_in("dave"), ERROR_NONE, "dave");
	struct jar first = jar;
	config.sessions_max = 1;
	clock_now++;
	jar.count = 0;
	is_int(sign_in("dave"), ERROR_NONE, "in another browser, where one session is allowed");
	is_int(ask(GATE_SITE), ERROR_NONE, "the newer stands");
	jar = first;
	is_int(ask(GATE_SITE), ERROR_SESSION_REVOKED, "the older has ended");
	config.sessions_max = most;
	jar.count = 0;
}

/* A bit of the row has flipped: nobody is told that he is signed out. */
static void test_damaged(void)
{
	is_int(sign_in("alice"), ERROR_NONE, "alice");
	struct session s = row_of(grant.session.id), kept = s;
	for (int i = 0; i < 2; i++) {
		s = kept;
		s.ctr = i ? 1 : s.ctr;
		s.idem ^= i ? 0 : 1;
		store_open(dir, 5);
		store_begin(DURABLE_NOW);
		store_session_rotate(&s);
		store_commit();
		store_close();
		is_int(ask(GATE_SITE), ERROR_STORE_UNAVAILABLE, "a damaged row is our own trouble");
		sign_out();
		is_int(row_of(s.id).ended_at, 0, "a sign-out there ends nothing");
		jar.count = 0;
		keep("x=y; z", 6);
		snprintf(jar.cookie[0], sizeof jar.cookie[0], "__Host-latchkey-door-00000000=%s", slice_text(grant.door));
	}
	jar.count = 0;
}

/* ---- a new lineage ----------------------------------------------------- */

static void test_lineage(void)
{
	is_int(sign_in("alice"), ERROR_NONE, "alice");
	struct jar stolen = jar;
	is_int(change_password("wrong", "another horse"), ERROR_INVALID_CREDENTIALS, "a wrong password changes nothing");
	is_int(ask(GATE_DOOR), ERROR_NONE, "nor the session");
	is_int(change_password("correct horse", "another horse"), ERROR_NONE, "the right one does");
	ok(strcmp(stolen.cookie[0], jar.cookie[0]) != 0, "the cookie has a new value");
	is_int(ask(GATE_DOOR), ERROR_NONE, "with which it goes on");
	struct jar mine = jar;
	jar = stolen;
	is_int(ask(GATE_SITE), ERROR_TOKEN_INVALID, "a copy of the old one is worth nothing");
	sign_out();
	jar = stolen;
	is_int(sign_in_as("alice", "another horse", false), ERROR_NONE, "and a sign-in that shows it");
	jar = mine;
	is_int(ask(GATE_DOOR), ERROR_NONE, "end nothing");
	is_int(change_password("another horse", "correct horse"), ERROR_NONE, "again, in the same second");
	mine = jar;
	is_int(ask(GATE_SITE), ERROR_NONE, "it goes on");
	jar = stolen;
	is_int(ask(GATE_SITE), ERROR_TOKEN_INVALID, "the first one is worth nothing still");
	jar = mine;
	begin();
	struct renewal renewal;
	struct grant renewed = { 0 };
	is_int(gate_admit(&work, &rq, GATE_DOOR, &caller), ERROR_NONE, "who ends all others");
	gate_renewal(&work, &rq, &renewed, &renewal);
	is_int(session_end(&work, END_OTHERS, &caller.user, caller.session.id, &renewal), ERROR_NONE, "does so");
	is_int(session_check_live(&work, &caller), ERROR_TOKEN_INVALID, "what was asked before is of an older lineage");
	gate_renewed(&work, &rq, &rp, &renewal);
	end();
	is_int(ask(GATE_DOOR), ERROR_NONE, "and goes on himself");
	jar = mine;
	is_int(ask(GATE_DOOR), ERROR_TOKEN_INVALID, "by a new cookie alone");
	jar.count = 0;
}

/* ---- keys -------------------------------------------------------------- */

static void test_keys(void)
{
	is_int(sign_in("alice"), ERROR_NONE, "alice");
	struct key fresh_key = { .created_at = clock_now };
	memset(fresh_key.master, 9, KEY_SIZE);
	jwt_name_key(&fresh_key);
	ok(keyring_add(&ring, &fresh_key), "another key signs");
	is_int(ask(GATE_SITE), ERROR_NONE, "an older key's token is good");
	clock_now += DAY;
	is_int(ask(GATE_SITE), ERROR_NONE, "after a day");
	struct session s = row_of(grant.session.id);
	ok(s.br == jwt_branch(&ring.key[1], s.id, 0, s.idem), "the row tells whose token the browser has");
	ok(caller.signer == 1, "which is of a key that doesn't sign any more");
	struct jar aged = jar;
	begin();
	ok(gate_reseal(&work, &rq, &rp, &caller), "so it is made anew");
	end();
	ok(strcmp(aged.cookie[0], jar.cookie[0]) != 0, "the cookie has another value");
	memcpy(jar.cookie[1], jar.cookie[0], sizeof jar.cookie[1]);
	memcpy(jar.cookie[0], aged.cookie[0], sizeof jar.cookie[0]);
	jar.cookie[0][22] = '!';
	jar.count = 2;
	clock_now += DAY;
	is_int(ask(GATE_DOOR), ERROR_NONE, "by whatever name the old one lies beside it");
	begin();
	ok(caller.signer == 0 && !gate_reseal(&work, &rq, &rp, &caller), "the new one counts, and none is made anew for the old one's sake");
	end();
	s = row_of(grant.session.id);
	ok(s.br == jwt_branch(&ring.key[0], s.id, 0, s.idem), "and the row says so");
	keyring_remove(&ring, 1);
	memcpy(jar.cookie[0], jar.cookie[1], sizeof jar.cookie[0]);
	is_int(ask(GATE_SITE), ERROR_NONE, "when the old key is retired it goes on");
	jar.count = 0;
}

/* Each gives its memory back, as a process would that ends. */
static void run(void (*test)(void))
{
	size_t mark = arena_mark();
	test();
	arena_back(mark);
}

int main(void)
{
	make_directory();
	if (config_parse(SLICE_NONE, &config))
		return 2;
	config.dir = dir;
	config.throttle_dir = slice_of(dir);
	config.password.kib = CHEAP;
	config.password.passes = 1;
	base_clock = fake_clock;
	throttle_clock = fake_boot;
	clock_witness = fake_witness;
	clock_now = clock_build_epoch + DAY;
	memset(ring.key[0].master, 7, KEY_SIZE);
	jwt_name_key(&ring.key[0]);
	ring.count = 1;
	fresh();
	store_close();
	add_user("alice");
	add_user("bob");
	run(test_in);
	run(test_again);
	run(test_spread);
	run(test_planted);
	run(test_sibling);
	run(test_beside_bad_ones);
	run(test_verify);
	run(test_redirect);
	run(test_nowhere_else);
	run(test_touch);
	run(test_full);
	run(test_beside);
	run(test_many);
	run(test_doubted);
	run(test_absolute_end);
	test_ended(add_user("carol"));
	run(test_damaged);
	run(test_lineage);
	run(test_keys);
	remove_files();
	is_int(rmdir(dir), 0, "nothing is left behind");
	return done_testing();
}
