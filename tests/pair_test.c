/*
 * pair_test: the device grant, from the codes to the tokens: what a device is told while nobody has answered, who can answer, the page
 * /device, and a device code that comes twice.
 */
#include "door_case.h"
#include "oauth/pair.h"
#include "oauth/usercode.h"
#include "session_device.h"
#include "ticket.h"
#include "trail.h"

#define HASH "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* A page has random base64 in it, in which a name of two letters comes up by chance: the one that it must not tell has five. */
static const char clients[] =
	"web " HASH " https://web.example/cb\n"
	"telly public,device\n"
	"box public,device\n"
	"staff public,device,group=staff\n"
	"vault public,device,factor\n"
	"kiosk public,device,once\n";

static struct work w;
static struct pair codes;
static char device_code[1200], user_code[16];

static struct client client_of(const char *id)
{
	struct client c = { .flags = 0 };
	(void)client_find(dir, slice_of(id), &c);
	return c;
}

static struct work from(const char *peer)
{
	return (struct work){ .config = &config, .ring = &ring, .peer = slice_of(peer), .agent = S("TV/1.0") };
}

/* A device asks for codes. */
static enum error begin(const char *id, const char *peer)
{
	size_t mark = arena_mark();
	struct client c = client_of(id);
	w = from(peer);
	enum error e = pair_begin(&w, &c, SCOPE_OPENID | SCOPE_OFFLINE, &codes);
	store_close();
	if (e == ERROR_NONE) {
		snprintf(device_code, sizeof device_code, "%.*s", (int)codes.device_code.n, codes.device_code.p);
		snprintf(user_code, sizeof user_code, "%.*s", (int)codes.user_code.n, codes.user_code.p);
	}
	boot_now += boot_stands ? 0 : DAY;
	arena_back(mark);
	return e;
}

/* What it then gets; the answer lives in the arena until the next. */
static struct grant grant;
static enum error (*watches)(const void *client, void (*let_go)(void));
static enum error poll_as(const char *id, const char *shown)
{
	static size_t mark;
	if (mark)
		arena_back(mark);
	mark = arena_mark();
	struct client c = client_of(id);
	w = from("198.51.100.3");
	w.look_again = watches;
	grant = (struct grant){ .refresh_end = 0 };
	struct polling p;
	enum error e = pair_open(&w, &c, slice_of(shown), &p);
	if (e == ERROR_NONE)
		e = pair_poll(&w, &p, &grant);
	if (e == ERROR_NONE)
		session_grant(&w, &grant);
	store_close();
	return e;
}

static enum error poll(void) { return poll_as("telly", device_code); }
#define polls(want, ...) is_str(errors[poll()].code, errors[want].code, __VA_ARGS__)

static const char *form_of(const char *action)
{
	static char text[256];
	snprintf(text, sizeof text, "code=%s&%s", user_code, action);
	return text;
}
static void type_code(const char *action) { post("/device", form_of(action)); }

static void sign_in(void)
{
	post("/signin", "username=alice&password=correct+horse");
	is_int(rp.status, 303, "alice is signed in");
}

/* verification_uri_complete (RFC 8628, 3.3.1). */
static void follow_link(const char *more)
{
	static char path[64];
	snprintf(path, sizeof path, "/device?user_code=%s%s", user_code, more);
	get(path);
}

/* ---- tests ------------------------------------------------------------- */

static void off_without_clients(void)
{
	get("/device");
	is_int(rp.status, 404, "without a client there is no /device");
	post("/device", "code=x");
	is_int(rp.status, 404, "for no form either");
}

static void the_page(void)
{
	*cookie = '\0';
	is_int(begin("telly", "192.0.2.7"), ERROR_NONE, "a device gets codes");
	ok(strlen(user_code) == 14 && user_code[4] == '-', "one to be typed, %s", user_code);
	get("/device");
	ok(rp.status == 200 && in_body("name=\"code\" value=\"\"") && in_body("type=\"password\"") && in_head("frame-ancestors 'none'"), "the page asks for the code, and who one is");
	follow_link("%22%3C");
	ok(in_body(text_join("value=\"", user_code, "&quot;&lt;\"", NULL)) && !in_body("Connect telly?"), "a link fills in the code, and tells nothing of it");
	get("/device?user_code=%ff");
	ok(rp.status == 200 && in_body("name=\"code\" value=\"\""), "unless it is none");
	type_code("");
	ok(rp.status == 200 && in_body("type=\"password\"") && !in_body("telly"), "who isn't signed in is told nothing of a code");
	type_code("username=alice&password=wrong");
	ok(rp.status == 403 && in_body("User name or password is wrong.") && in_body(user_code) && !in_body("telly"), "nor by a wrong password");
	type_code("password=correct+horse");
	ok(rp.status == 403 && in_body(user_code) && !in_body("telly"), "nor by one without a name");
	type_code("username=alice&password=correct+horse");
	ok(rp.status == 200 && in_body("Connect telly?") && in_body(user_code) && in_body("signed in as alice") && in_head("Set-Cookie: __Host-"), "the right one: a question that names the client");
	ok(!in_head("Max-Age") && in_body("class=\"main late\" name=\"do\" value=\"allow\"") && !in_body("another network"), "and shows the code");
	follow_link("");
	ok(in_body("class=\"lead\">alice</p>") && !in_body("type=\"password\"") && in_body("Go on"), "who is signed in must still look at the device");
}

static void from_elsewhere(void)
{
	is_int(begin("telly", "203.0.113.77"), ERROR_NONE, "codes for another network");
	type_code("");
	ok(in_body("Connect telly?") && in_body("asked for from another network"), "the page says so");
	static const char *const sites[] = { "cross-site", "same-site", "none" };
	for (size_t i = 0; i < 3; i++) {
		rq.sec_fetch_site = slice_of(sites[i]);
		type_code("do=allow");
		ok(rp.status == 403 && in_body("came from another page"), "a form from %s doesn't count", sites[i]);
	}
	polls(ERROR_DEVICE_PENDING, "nobody has answered");
}

static void allowed(void)
{
	is_int(begin("telly", "192.0.2.7"), ERROR_NONE, "codes");
	polls(ERROR_DEVICE_PENDING, "nobody has answered");
	is_str(errors[poll_as("box", device_code)].code, "code_invalid", "another client can't ask");
	is_str(errors[poll_as("telly", user_code)].code, "code_invalid", "nor by the user code");
	type_code("do=allow");
	ok(rp.status == 200 && in_body("Done: telly is signed in."), "allowed");
	ok(last_event(dir).event == EVENT_LOGIN && last_event(dir).class == CLASS_SSO && slice_is(last_event(dir).ip, S("192.0.2.7")), "the trail has it");
	type_code("do=allow");
	ok(rp.status == 200 && in_body("Done: telly is signed in."), "the same form twice is one answer");
	type_code("do=cancel");
	ok(rp.status == 400 && in_body("not right, or it has expired"), "another answer comes too late");
	polls(ERROR_NONE, "the device gets its tokens");
	ok(slice_is(grant.user.name, S("alice")) && grant.access.n && grant.refresh.n && slice_is(grant.session.client, S("telly")), "alice's, for this client");
	ok(grant.session.scope == (SCOPE_OPENID | SCOPE_OFFLINE) && grant.session.sso && slice_is(grant.session.ip, S("198.51.100.3")), "with the scope, used where the device is");
	struct slice first = slice_of(strdup(slice_text(grant.refresh)));
	clock_now += 5;
	polls(ERROR_NONE, "the same again, whose answer was lost");
	ok(slice_is(grant.refresh, first), "gets the same token, byte for byte");
	clock_now += config.reuse_grace;
	polls(ERROR_REFRESH_REUSED, "later somebody has a copy of the code");
	ok(last_event(dir).event == EVENT_REUSE && last_event(dir).class == CLASS_CODE, "which the trail has");
	polls(ERROR_DEVICE_DENIED, "and the session has ended");
}

static void put_row(const struct session *s)
{
	store_open(dir, 5);
	store_begin(DURABLE_NOW);
	store_session_rotate(s);
	store_commit();
	store_close();
}

/* A device has its tokens, and its row is as a refresh leaves it. */
static uint64_t refresh_it(void)
{
	is_int(begin("telly", "192.0.2.7"), ERROR_NONE, "codes");
	type_code("do=allow");
	polls(ERROR_NONE, "the device gets its tokens");
	struct session s = grant.session;
	s.ctr = 2;
	s.idem = 0;
	s.br = jwt_branch(&ring.key[0], s.id, s.ctr, s.idem);
	put_row(&s);
	return s.id;
}

static void after_refresh(void)
{
	refresh_it();
	polls(ERROR_REFRESH_REUSED, "refreshed since; then the device code comes once more: the session ends");
}

static enum error looked;
static enum error look_again(const void *client, void (*let_go)(void))
{
	(void)client;
	let_go();
	return looked;
}

/* The network may have kept a poll, until the device had its answer by another one and went on. */
static void kept(void)
{
	static const enum error seen[] = { ERROR_REQUEST_TIMEOUT, ERROR_BUSY, ERROR_NONE };
	uint64_t id = refresh_it();
	struct session s;
	watches = look_again;
	for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) {
		looked = seen[i];
		polls(looked ? looked : ERROR_REFRESH_REUSED, "a device code that comes late");
		store_open(dir, 5);
		ok(store_session(id, &s), "its row");
		store_close();
		is_int(s.why, looked ? ENDED_NOT : ENDED_REUSE, "ends its session where somebody waits for the answer");
	}
	watches = NULL;
}

static void once(void)
{
	is_int(begin("kiosk", "192.0.2.7"), ERROR_NONE, "codes of a client that gets no refresh token");
	type_code("do=allow");
	is_int(poll_as("kiosk", device_code), ERROR_NONE, "it gets an access token");
	ok(grant.session.expires_at == clock_now + 600 + config.access_ttl, "the session ends soon");
}

static void refused(void)
{
	is_int(begin("telly", "192.0.2.7"), ERROR_NONE, "codes");
	type_code("do=cancel");
	ok(rp.status == 200 && in_body("Nothing was connected."), "a person says no");
	type_code("do=cancel");
	ok(rp.status == 200 && in_body("Nothing was connected."), "twice");
	polls(ERROR_DEVICE_DENIED, "the device is told");
	type_code("do=allow");
	is_int(rp.status, 400, "nobody can say yes any more");
	is_int(begin("staff", "192.0.2.7"), ERROR_NONE, "codes of a client that isn't for alice");
	type_code("");
	ok(rp.status == 403 && in_body("not for you"), "the page says so");
	type_code("do=allow");
	is_int(rp.status, 403, "and lets her connect nothing");
}

static void in_time(void)
{
	is_int(begin("telly", "192.0.2.7"), ERROR_NONE, "codes");
	clock_now += 599;
	polls(ERROR_DEVICE_PENDING, "in the last second the device may ask");
	clock_now += 1;
	polls(ERROR_DEVICE_EXPIRED, "then its code has expired");
	clock_now += 1200;
	type_code("do=allow");
	ok(rp.status == 400 || in_body("Done"), "the user code is good for no longer than twenty minutes");
	is_int(begin("telly", "192.0.2.7"), ERROR_NONE, "codes");
	clock_now -= 400;
	polls(ERROR_CODE_INVALID, "a clock that went back: a code from the future");
	clock_now += 400;
	device_code[strlen(device_code) - 3] ^= 1;
	config.dir = path_in(dir, "none");
	polls(ERROR_CODE_INVALID, "a forged one asks no store");
	config.dir = dir;
}

static enum error answer_as(struct caller *caller, const struct usercode *code)
{
	session_clock(&w);
	enum error e = pair_answer(&w, caller, code, true);
	store_close();
	return e;
}

static bool yes(const void *client) { (void)client; return true; }

/* A device that has been told that somebody has answered, and then something happens. */
static void poll_gone(bool gone)
{
	struct client tv = client_of("telly");
	struct polling p;
	w = from("192.0.2.7");
	is_int(pair_open(&w, &tv, slice_of(device_code), &p), ERROR_NONE, "somebody has answered");
	w.is_gone = gone ? yes : NULL;
	clock_now -= gone ? 0 : 2 * DAY;
	is_int(pair_poll(&w, &p, &grant), gone ? ERROR_REQUEST_TIMEOUT : ERROR_CLOCK_UNSET, gone ? "a device that has gone gets nothing" : "no clock: nothing");
	clock_now += gone ? 0 : 2 * DAY;
	store_close();
}

/* The row is buried between the two steps. */
static void poll_late(void)
{
	struct client tv = client_of("telly");
	struct polling p;
	w = from("192.0.2.7");
	is_int(pair_open(&w, &tv, slice_of(device_code), &p), ERROR_NONE, "somebody has answered");
	p.sid ^= 1;
	is_int(pair_poll(&w, &p, &grant), ERROR_DEVICE_PENDING, "whose row isn't there: nobody has answered");
	store_begin(DURABLE_NOW);
	store_session_add(&(struct session){ .id = p.sid, .user = 999, .ctr = 1, .client = S("telly"), .rotated_at = clock_now });
	store_commit();
	is_int(pair_poll(&w, &p, &grant), ERROR_CODE_INVALID, "or whose user is gone");
	p.sid ^= 1;
	p.client = S("box");
	is_int(pair_poll(&w, &p, &grant), ERROR_CODE_INVALID, "or is another client's");
	store_close();
}

/* A code that alice has answered. */
static void answered(void)
{
	struct usercode code;
	struct slice letters;
	const struct session row = { .id = 77, .user = add_user("bob"), .ctr = 1, .rotated_at = clock_now, .created_at = clock_now, .br = jwt_branch(&ring.key[0], 77, 1, 0) };
	struct caller bob = { .claims = { .sid = row.id, .sub = row.user } }, alice = { .claims = { .sid = 78, .sub = 0 } };
	is_int(begin("telly", "192.0.2.7"), ERROR_NONE, "codes");
	type_code("do=allow");
	w = from("192.0.2.7");
	w.time = clock_now;
	ok(usercode_typed(slice_of(user_code), &letters) && usercode_open(&w, letters, &code) == ERROR_NONE, "a code that was answered");
	store_open(dir, 5);
	store_begin(DURABLE_NOW);
	store_session_add(&row);
	struct user u;
	alice.claims.sub = store_user_named(S("alice"), &u) ? u.id : 0;
	struct session own = row;
	own.id = 78;
	own.user = alice.claims.sub;
	own.br = jwt_branch(&ring.key[0], own.id, own.ctr, own.idem);
	store_session_add(&own);
	store_commit();
	store_close();
	is_int(answer_as(&bob, &code), ERROR_CODE_INVALID, "nobody else can answer it");
	is_int(answer_as(&alice, &code), ERROR_NONE, "control: who did may once more");
	code.client.id = S("box");
	is_int(answer_as(&alice, &code), ERROR_CODE_INVALID, "but for no other client");
}

/* Between the look at the cookie and the answer. */
static void meanwhile(void)
{
	struct usercode code;
	struct slice letters;
	struct caller nobody = { .claims = { .sid = 1, .sub = 1 } };
	is_int(begin("telly", "192.0.2.7"), ERROR_NONE, "codes");
	w = from("192.0.2.7");
	w.time = clock_now;
	ok(usercode_typed(slice_of(user_code), &letters) && usercode_open(&w, letters, &code) == ERROR_NONE, "a code is typed");
	is_str(errors[answer_as(&nobody, &code)].code, "token_invalid", "who has signed out meanwhile allows nothing");
	w.is_gone = yes;
	is_int(answer_as(&nobody, &code), ERROR_REQUEST_TIMEOUT, "nor who has gone");
	polls(ERROR_DEVICE_PENDING, "nobody has answered");
	type_code("do=allow");
	poll_gone(true);
	poll_gone(false);
	poll_late();
	polls(ERROR_NONE, "and loses nothing");
}

/* A user's row that was changed by something else: nothing is concluded from it. */
static void damaged(void)
{
	struct slice letters;
	struct session s;
	is_int(begin("telly", "192.0.2.7"), ERROR_NONE, "codes");
	type_code("do=allow");
	(void)usercode_typed(slice_of(user_code), &letters);
	uint64_t id = usercode_session(&ring.key[0], letters, clock_now);
	store_open(dir, 5);
	ok(store_session(id, &s), "its row");
	store_close();
	s.br ^= 1;
	put_row(&s);
	polls(ERROR_STORE_UNAVAILABLE, "a bit has turned over: 503, and the session stands");
	s.idem = 7;
	s.br = jwt_branch(&ring.key[0], s.id, 1, 7);
	put_row(&s);
	polls(ERROR_CODE_INVALID, "the row of another device code is none of this device's");
	store_open(dir, 5);
	store_begin(DURABLE_NOW);
	store_user_delete(s.user);
	store_commit();
	store_close();
	polls(ERROR_DEVICE_PENDING, "a user who is gone has answered nothing");
}

static void set_groups(const char *groups)
{
	struct user u;
	store_open(dir, 5);
	store_begin(DURABLE_NOW);
	if (store_user_named(S("alice"), &u))
		store_user_profile(u.id, &(struct profile){ .groups = slice_of(groups) });
	store_commit();
	store_close();
}

/* A client for a group, whose member was one when the code was typed. */
static void in_group(void)
{
	is_int(begin("vault", "192.0.2.7"), ERROR_NONE, "codes of a client that wants a second factor");
	type_code("do=allow");
	ok(rp.status == 403 && in_body("This is for who has signed in with a second factor.") && !in_body("type=\"password\""), "who has shown a password alone is told what to do");
	set_groups("staff");
	is_int(begin("staff", "192.0.2.7"), ERROR_NONE, "codes of a client that is for the staff");
	type_code("do=allow");
	ok(rp.status == 200 && in_body("Done: staff is signed in."), "of whom alice is one now");
	set_groups("other");
	is_int(poll_as("staff", device_code), ERROR_NOT_IN_GROUP, "no more when the device asks: it gets nothing");
	set_groups("staff,other");
	is_int(poll_as("staff", device_code), ERROR_NONE, "and loses nothing");
	set_groups("");
	is_int(poll_as("staff", device_code), ERROR_NOT_IN_GROUP, "the same code again asks once more");
	clock_now += config.reuse_grace + 1;
	is_int(poll_as("staff", device_code), ERROR_REFRESH_REUSED, "but a copy that comes later ends the session");
}

/* What a person allowed, and no device asked for. */
static void unclaimed(void)
{
	struct slice letters;
	struct session s;
	struct user u = { .id = 0 };
	is_int(begin("telly", "192.0.2.7"), ERROR_NONE, "codes");
	type_code("do=allow");
	(void)usercode_typed(slice_of(user_code), &letters);
	uint64_t id = usercode_session(&ring.key[0], letters, clock_now);
	store_open(dir, 5);
	ok(store_session(id, &s) && store_user(s.user, &u), "its row");
	store_close();
	w.trust = CLOCK_GOOD;
	w.time = clock_now + STORE_TICKET - 1;
	ok(!session_over(&w, &s, &u), "stands as long as a code");
	w.time++;
	is_str(session_state(&w, &s, &u), "expired", "and no longer");
	polls(ERROR_NONE, "control: the device asks");
	ok(!session_over(&w, &grant.session, &u), "then it stands as any");
	config.refresh_ttl = 60;
	w.time = clock_now + 60;
	is_str(session_state(&w, &s, &u), "expired", "a refresh_ttl that is shorter counts");
	config.refresh_ttl = 30 * DAY;
}

static void throttled(void)
{
	boot_stands = true;
	enum error e = ERROR_NONE;
	int n = 0;
	for (; e == ERROR_NONE && n < 50; n++)
		e = begin("telly", "203.0.113.200");
	ok(e == ERROR_RATE_LIMITED && n <= 6 && w.retry_after > 0, "a network that asks for codes again and again waits, from the %dth on", n);
	boot_now += DAY;
	sign_in();
	strcpy(user_code, "BCDF-GHJK-LMNX");
	for (n = 0; rp.status != 429 && n < 50; n++) {
		type_code("");
		boot_now += 20;
	}
	ok(rp.status == 429 && in_body("Too many tries.") && n > 5, "who types wrong codes waits, from the %dth on", n);
	boot_stands = false;
	boot_now += DAY;
	strcpy(user_code, "short");
	type_code("");
	ok(rp.status == 400 && in_body("not right"), "what can be no code is no try");
}

int main(void)
{
	set_up();
	off_without_clients();
	name_clients(clients);
	the_page();
	from_elsewhere();
	allowed();
	after_refresh();
	kept();
	once();
	refused();
	in_time();
	meanwhile();
	answered();
	throttled();
	sign_in();
	in_group();
	unclaimed();
	damaged();
	remove_files();
	is_int(rmdir(dir), 0, "nothing is left behind");
	return done_testing();
}
