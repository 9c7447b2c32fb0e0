/*
 * door_case.h: a browser before the pages of the door, asked through route_answer() on a real store, with clocks of the test's own.
 */
#ifndef LK_DOOR_CASE_H
#define LK_DOOR_CASE_H

#include "base/file.h"
#include "client.h"
#include "clock.h"
#include "config.h"
#include "door/door.h"
#include "jwt.h"
#include "password.h"
#include "session.h"
#include "store_case.h"
#include "throttle.h"

enum { DAY = 86400, CHEAP = 8 };

static struct config config;
static struct keyring ring;
static struct request rq;
static struct reply rp;
static int64_t clock_now, boot_now;
static bool boot_stands;                /* for the throttle */
static char cookie[4096];
static const struct dialect *asked = &door_dialect;

static int64_t fake_clock(void) { return clock_now; }
static int64_t fake_boot(void) { return boot_now; }
static enum clock_witness fake_witness(void) { return CLOCK_KERNEL; }

static const struct request usual = {
	.below = true, .mount = { "/auth", 5 }, .peer = { "192.0.2.7", 9 }, .host = { "example.test", 12 }, .https = true,
	.user_agent = { "Firefox", 7 }, .content_type = { "application/x-www-form-urlencoded", 33 }, .sec_fetch_site = { "same-origin", 11 },
};

T_UNUSED static const char *body(void) { return slice_text(buf_slice(&rp.body)); }
T_UNUSED static const char *head(void) { return slice_text(buf_slice(&rp.head)); }
T_UNUSED static bool in_body(const char *part) { return strstr(body(), part) != NULL; }
T_UNUSED static bool in_head(const char *part) { return strstr(head(), part) != NULL; }
T_UNUSED static bool goes_to(const char *page) { return rp.status == 303 && in_head(text_join("Location: ", page, NULL)); }

/* The last cookie of the door; the answer lives until the next call. */
T_UNUSED static void call(enum method method, const char *path, const char *text)
{
	static size_t mark;
	if (mark == 0) {
		arena(1);
		mark = arena_mark();
	}
	arena_back(mark);
	rq.method = method;
	rq.query = slice_of(path);
	rq.path = slice_cut(&rq.query, '?');
	rq.body = slice_of(text);
	rq.cookie = *cookie ? slice_of(cookie) : SLICE_NONE;
	rp = (struct reply){ 0 };
	route_answer(asked, &config, &ring, &rq, ERROR_NONE, &rp);
	const char *at = strstr(head(), "Set-Cookie: __Host-latchkey-door");
	if (at)
		snprintf(cookie, sizeof cookie, "%.*s", (int)strcspn(at + 12, ";"), at + 12);
	password_slot_leave();
	store_tidy();
	store_close();
	boot_now += boot_stands ? 0 : DAY;
	rq = usual;
}

T_UNUSED static void get(const char *path) { call(METHOD_GET, path, NULL); }
T_UNUSED static void post(const char *path, const char *text) { call(METHOD_POST, path, text); }

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

/* A store with alice in it, and no client. */
T_UNUSED static void set_up(void)
{
	make_directory();
	if (config_parse(S("issuer = https://example.test/auth\n"), &config))
		exit(2);
	config.dir = dir;
	config.throttle_dir = slice_of(dir);
	config.password = (struct password_cost_option){ CHEAP, 1 };
	base_clock = fake_clock;
	throttle_clock = fake_boot;
	clock_witness = fake_witness;
	clock_now = clock_build_epoch + DAY;
	ring.key[0] = (struct key){ .created_at = 1, .master = { 7 } };
	ring.count = 1;
	jwt_name_key(&ring.key[0]);
	fresh();
	store_close();
	rq = usual;
	add_user("alice");
}

T_UNUSED static void name_clients(const char *text)
{
	if (!file_replace(dir, CLIENT_FILE, slice_of(text)))
		exit(2);
}

#endif
