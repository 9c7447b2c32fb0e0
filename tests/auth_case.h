/*
 * auth_case.h: an app before the calls of the native dialect and its parts, asked through route_answer() on a real store, with clocks of the test's own, and
 * a user "alice" with a password.
 */
#ifndef LK_AUTH_CASE_H
#define LK_AUTH_CASE_H

#include "auth.h"
#include "clock.h"
#include "config.h"
#include "gone.h"
#include "jwt.h"
#include "password.h"
#include "store_case.h"
#include "throttle.h"
#include "trail.h"

enum { DAY = 86400, CHEAP = 8 };
#define ORIGIN "https://auth.example"

static struct config config;
static struct keyring ring;
static struct request rq;
static struct reply rp;
static int64_t clock_now, boot_now;
static uint64_t user;                   /* alice */
static const char *access_token, *cookie;
static bool patient = true;             /* a day goes by after each request: for the throttle */
static const struct dialect *const *asked;      /* up to a NULL; a test's */

static int64_t fake_clock(void) { return clock_now; }
static int64_t fake_boot(void) { return boot_now; }
static enum clock_witness fake_witness(void) { return CLOCK_KERNEL; }

static const struct request usual = {
	.below = true, .mount = { "/api/auth", 9 }, .peer = { "192.0.2.7", 9 }, .host = { "auth.example", 12 }, .https = true,
	.content_type = { "application/json", 16 },
};

/* ---- asking ------------------------------------------------------------ */

static const char *body(void)
{
	buf_c(&rp.body, '\0');
	rp.body.n--;
	return rp.body.p;
}

static void call(enum method method, const char *path, const char *text)
{
	size_t count = 0;
	while (asked[count])
		count++;
	rq.method = method;
	rq.query = slice_of(path);
	rq.path = slice_cut(&rq.query, '?');
	rq.body = slice_of(text);
	if (access_token)
		rq.authorization = slice_of(text_join("Bearer ", access_token, NULL));
	if (cookie)
		rq.cookie = slice_of(cookie);
	rp = (struct reply){ 0 };
	route_answer(route_dialect(asked, count, &rq), &config, &ring, &rq, ERROR_NONE, &rp);
	route_finish(&config, &rq, &rp);
	password_slot_leave();
	store_tidy();
	store_close();
	if (patient)
		boot_now += DAY;
	access_token = NULL;
	rq = usual;
}

static void post(const char *path, const char *text) { call(METHOD_POST, path, text); }

#define expect(status, code, ...) t_expect(__FILE__, __LINE__, status, code, __VA_ARGS__)
__attribute__((format(printf, 5, 6))) static bool t_expect(const char *at, int line, int status, const char *code, const char *fmt, ...)
{
	va_list ap;
	const char *part = text_join("\"code\":\"", code ? code : "", "\"", NULL);
	va_start(ap, fmt);
	bool good = t_vok(rp.status == status && (code ? strstr(body(), part) != NULL : !strstr(body(), "\"error\":")), at, line, fmt, ap);
	va_end(ap);
	if (!good)
		diag("got %d %s, want %d %s", rp.status, body(), status, code ? code : "");
	return good;
}

/* A member of the answer that is a text, on the heap. */
static char *member(const char *name)
{
	const char *label = text_join("\"", name, "\":\"", NULL), *at = strstr(body(), label);
	return at ? strndup(at + strlen(label), strcspn(at + strlen(label), "\"")) : strdup("");
}

T_UNUSED static const char *sign_in_by_password(void)
{
	post("/login", "{\"username\":\"alice\",\"password\":\"correct horse\"}");
	return member("access_token");
}

/* ---- the store --------------------------------------------------------- */

static void in_store(void (*what)(void))
{
	store_open(dir, 5);
	store_begin(DURABLE_NOW);
	what();
	store_commit();
	store_close();
}

static void add_alice(void)
{
	store_user_add(&(struct user){ .id = user, .name = S("alice"), .created_at = clock_now,
		.password = password_hash(S("correct horse"), (struct password_cost){ CHEAP, 1 }) });
}

/* ---- what happens meanwhile -------------------------------------------- */

/* At its n-th look the clock is that of a host without a battery. */
static int looks, stops_at;
static int64_t stopping_clock(void) { return ++looks == stops_at ? 1 : clock_now; }

/* Asks again and again, while the clock stops at the first look, at the second, …: how many are refused for it. Who is refused writes nothing. */
T_UNUSED static int count_stops(void (*ask)(void))
{
	int stopped = 0;
	for (stops_at = 1; stops_at <= 12; stops_at++) {
		int64_t events = last_event(dir).id;
		looks = 0;
		base_clock = stopping_clock;
		ask();
		base_clock = fake_clock;
		stopped += rp.status == 503;
		ok(rp.status < 400 || last_event(dir).id == events, "the clock stops at look %d: %d", stops_at, rp.status);
	}
	return stopped;
}

/* ---- the whole --------------------------------------------------------- */

/* With that configuration, and these dialects up to a NULL. */
static void begin_case(const char *text, const struct dialect *const *dialects)
{
	make_directory();
	asked = dialects;
	clock_now = clock_build_epoch + DAY;
	base_clock = fake_clock;
	throttle_clock = fake_boot;
	clock_witness = fake_witness;
	is_str(config_parse(slice_of(text), &config), NULL, "configuration");
	config.dir = dir;
	config.throttle_dir = slice_of(dir);
	config.password.kib = CHEAP;
	config.password.passes = 1;
	ring.count = 1;
	ring.key[0] = (struct key){ .created_at = 1, .master = { 7 } };
	jwt_name_key(&ring.key[0]);
	fresh();
	store_close();
	rq = usual;
	user = random_id();
	in_store(add_alice);
}

static int end_case(void)
{
	remove_files();
	is_int(rmdir(dir), 0, "nothing is left behind");
	return done_testing();
}

#endif
