/*
 * ticket_test: the operator's link, from the ticket to the password that it sets: what is refused and in which order, what
 * happens while the password is hashed, and the same request once more. On a real store, with a clock of the test's own.
 */
#include "ticket.h"

#include "base/file.h"
#include "clock.h"
#include "config.h"
#include "password.h"
#include "session.h"
#include "signin.h"
#include "store.h"
#include "store/engine.h"
#include "store/upkeep.h"
#include "throttle.h"
#include "dir.h"
#include "t.h"
#include "trail.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

enum { DAY = 86400, CHEAP = 8 };
#define NEW S("battery staple")

static struct config config;
static struct keyring ring;
static char dir[64];
static int64_t clock_now, boot_now;
static struct work work;

static int64_t fake_clock(void) { return clock_now; }
static int64_t fake_boot(void) { return boot_now; }
static enum clock_witness fake_witness(void) { return CLOCK_KERNEL; }

/* ---- who there is ------------------------------------------------------ */

static void put_key(size_t at, uint8_t first)
{
	ring.key[at] = (struct key){ .created_at = 1, .master = { first } };
	jwt_name_key(&ring.key[at]);
}

static struct work new_work(void)
{
	return (struct work){ .config = &config, .ring = &ring, .peer = S("192.0.2.7") };
}

static struct user u;

static void change(void (*what)(uint64_t))
{
	store_open(dir, 5);
	store_begin(DURABLE_NOW);
	what(u.id);
	store_commit();
	store_close();
}

static void add(uint64_t id) { (void)id; store_user_add(&u); }
static void gone(uint64_t id) { store_user_delete(id); }
static void disable(uint64_t id) { store_user_disable(id, true); }
static void enable(uint64_t id) { store_user_disable(id, false); }
static void set_other(uint64_t id) { store_user_password(id, S("$argon2id$other")); }
static void set_own(uint64_t id) { store_user_password(id, u.password); }
static struct slice sent;
static void set_sent(uint64_t id) { store_user_password(id, sent); }
static void nothing(uint64_t id) { (void)id; }

/* Another user, with the password "correct horse". */
static void new_user(void)
{
	static int count;
	u = (struct user){ .id = random_id(), .name = slice_of(text_join("mara", dec(++count), NULL)), .created_at = clock_now };
	u.password = password_hash(S("correct horse"), (struct password_cost){ CHEAP, 1 });
	change(add);
}

static struct slice stored(void)
{
	struct user now = { 0 };
	store_open(dir, 5);
	store_user(u.id, &now);
	store_close();
	return now.password;
}

static bool password_is(struct slice password)
{
	return password_check(stored(), password, (struct password_cost){ CHEAP, 1 }) == PASSWORD_RIGHT;
}

static struct slice link_of_user(void)
{
	struct work w = new_work();
	w.time = clock_now;
	return ticket_make_link(&w, &ring, &u);
}

static struct user named;
static enum error redeem(struct slice ticket, struct slice password)
{
	work = new_work();
	enum error e = signin_redeem_link(&work, ticket, password, &named);
	password_slot_leave();
	store_close();
	boot_now += DAY;
	return e;
}

#define gives(e, want, ...) is_str(errors[e].code, errors[want].code, __VA_ARGS__)

/* ---- the ticket -------------------------------------------------------- */

static void what_it_says(void)
{
	struct work w = new_work();
	struct ticket_link l;
	new_user();
	struct slice ticket = link_of_user();
	gives(ticket_open_link(&w, ticket, &l), ERROR_NONE, "a link opens");
	ok(l.claims.sub == u.id && l.key == &ring.key[0] && l.claims.exp - l.claims.iat == DAY, "for that user, for a day");
	ok(slice_is(l.claims.iss, config.issuer), "of this issuer");
	ok(ticket_link_fits(&l, &u), "fits the password that there is");
	struct user other = u;
	other.id++;
	ok(!ticket_link_fits(&l, &other), "of this user alone");
	other = u;
	other.password = S("$argon2id$other");
	ok(!ticket_link_fits(&l, &other), "and no other password");
	config.issuer = S("https://other.example");
	gives(ticket_open_link(&w, ticket, &l), ERROR_NONE, "a link outlives another issuer, as a refresh token does");
	config.issuer = S("latchkey");
	put_key(1, 2);
	ring.count = 2;
	put_key(0, 3);
	gives(ticket_open_link(&w, ticket, &l), ERROR_LINK_INVALID, "a key that is gone");
	put_key(0, 1);
	ticket = jwt_seal_link(&ring.key[1], &l.claims);
	gives(ticket_open_link(&w, ticket, &l), ERROR_NONE, "a key that no longer signs");
	ok(l.key == &ring.key[1], "is the one that the rest is held against");
	ring.count = 1;
}

static void times(void)
{
	static const struct { int64_t iat, exp; enum error want; } cases[] = {
		{ 0, 1, ERROR_NONE }, { 120, 200, ERROR_NONE }, { 121, 200, ERROR_LINK_INVALID }, { -DAY, 0, ERROR_LINK_EXPIRED }, { -DAY, 1, ERROR_NONE },
		{ 121, -1, ERROR_LINK_INVALID },
	};
	struct work w = new_work();
	w.time = clock_now;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		gives(ticket_check_times(&w, clock_now + cases[i].iat, clock_now + cases[i].exp), cases[i].want, "times %zu", i);
}

/* ---- codes of OAuth ---------------------------------------------------- */

static void codes(void)
{
	struct work w = new_work();
	struct ticket_code c;
	new_user();
	w.time = clock_now;
	struct slice code = ticket_make_code(&w, &ring, &(struct code_claims){ .sid = 5, .sub = u.id, .cid = S("app"), .nonce = S("n") }, &u);
	gives(ticket_open_code(&w, code, &c), ERROR_NONE, "an authorization code opens");
	ok(c.claims.sid == 5 && c.claims.exp - c.claims.iat == 60 && slice_is(c.claims.iss, config.issuer) && c.key == &ring.key[0], "for a minute");
	ok(ticket_code_fits(&c, &u), "it fits the password that there is");
	struct user other = u;
	other.password = S("$argon2id$other");
	ok(!ticket_code_fits(&c, &other), "and no other");
	gives(ticket_open_code(&w, link_of_user(), &c), ERROR_CODE_INVALID, "a link is none");
	clock_now += 59;
	gives(ticket_open_code(&w, code, &c), ERROR_NONE, "in its last second it is good");
	clock_now++;
	gives(ticket_open_code(&w, code, &c), ERROR_CODE_INVALID, "then it has expired");
	clock_now -= 60;
}

static void device_codes(void)
{
	struct work w = new_work();
	struct ticket_device d;
	w.time = clock_now;
	struct slice code = ticket_make_device(&w, &ring, &(struct device_claims){ .cid = S("tv"), .scope = 8, .uc = S("BCDFGHJKLMNP") });
	gives(ticket_open_device(&w, code, &d), ERROR_NONE, "a device code opens");
	ok(slice_is(d.claims.uc, S("BCDFGHJKLMNP")) && d.claims.exp - d.claims.iat == 600 && !d.expired, "for ten minutes");
	clock_now += 600;
	gives(ticket_open_device(&w, code, &d), ERROR_NONE, "an expired one opens too");
	ok(d.expired, "and says so: its device is told apart from a stranger");
	clock_now -= 600;
	gives(ticket_open_device(&w, slice_from(code, 1), &d), ERROR_CODE_INVALID, "a forged one doesn't");
	ok(slice_is(ticket_digest(S("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")), S("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")), "RFC 7636, appendix B");
}

/* The issuer is an option of at most 128 bytes (config.c), a client's name has 32, a nonce 128. */
static void longest_code(void)
{
	static char text[256];
	struct slice digest = ticket_digest(S("x")), issuer = config.issuer;
	struct work w = new_work();
	memset(text, 'n', sizeof text);
	w.time = INT64_C(9007199254740991) - 600;
	config.issuer = (struct slice){ text, 128 };
	struct slice code = ticket_make_code(&w, &ring, &(struct code_claims){ .sid = INT64_MAX, .sub = INT64_MAX, .cid = { text, 32 }, .uri = digest,
		.ch = digest, .scope = 15, .nonce = { text, 128 }, .at = w.time, .amr = 255, .by = INT64_MAX, .sso = 1 }, &u);
	ok(code.n <= 1024, "the longest code has %zu bytes", code.n);
	config.issuer = issuer;
}

/* ---- redeeming --------------------------------------------------------- */

static void add_session(uint64_t id)
{
	store_session_add(&(struct session){ .id = random_id(), .user = id, .ctr = 1, .rotated_at = clock_now, .created_at = clock_now });
}

static void once(void)
{
	new_user();
	change(add_session);
	change(add_session);
	struct slice earlier = link_of_user();
	clock_now++;
	struct slice ticket = link_of_user();
	gives(redeem(ticket, S("short")), ERROR_WEAK_PASSWORD, "a password that is too short");
	gives(redeem(ticket, u.name), ERROR_WEAK_PASSWORD, "or the name");
	ok(password_is(S("correct horse")), "changes nothing");
	gives(redeem(ticket, NEW), ERROR_NONE, "the link is as good as before");
	ok(password_is(NEW), "it sets the password");
	ok(slice_is(named.name, u.name), "and tells the name");
	struct audit a = last_event(dir);
	ok(a.event == EVENT_LINK_USED && a.user == u.id && a.count == 2 && slice_is(a.ip, S("192.0.2.7")), "which is in the trail, with the sessions that ended");
	struct slice kept = stored();
	gives(redeem(ticket, NEW), ERROR_NONE, "the same request once more is answered alike");
	ok(slice_is(stored(), kept) && last_event(dir).id == a.id, "and has nothing to do");
	gives(redeem(ticket, S("another staple")), ERROR_LINK_USED, "another password is too late");
	ok(slice_is(stored(), kept), "and changes nothing");
	ok(last_event(dir).event == EVENT_LOGIN_FAILED && last_event(dir).user == u.id, "it was a try of a password");
	a = last_event(dir);
	gives(redeem(earlier, NEW), ERROR_LINK_USED, "another link of the time before");
	is_int(last_event(dir).id, a.id, "is no try of one");
	change(set_other);
	gives(redeem(ticket, NEW), ERROR_LINK_USED, "once the password was changed otherwise, the request once more is late as well");
}

static void refused(void)
{
	new_user();
	struct slice ticket = link_of_user();
	struct access_claims a = { .iss = config.issuer, .aud = config.audience, .sub = u.id, .sid = 1, .iat = clock_now, .exp = clock_now + 9 };
	gives(redeem(S("x"), NEW), ERROR_LINK_INVALID, "what is no ticket");
	gives(redeem(jwt_seal_access(&ring.key[0], &a), NEW), ERROR_LINK_INVALID, "an access token");
	char *forged = slice_text(ticket);
	forged[ticket.n - 3] = forged[ticket.n - 3] == 'A' ? 'B' : 'A';
	gives(redeem(slice_of(forged), NEW), ERROR_LINK_INVALID, "a forged one");
	clock_now += DAY - 1;
	gives(redeem(ticket, S("short")), ERROR_WEAK_PASSWORD, "until the last second it is good");
	clock_now++;
	gives(redeem(ticket, NEW), ERROR_LINK_EXPIRED, "then it has expired");
	clock_now -= DAY + 121;
	gives(redeem(ticket, NEW), ERROR_LINK_INVALID, "one from the future");
	clock_now += 121;
	change(disable);
	gives(redeem(ticket, NEW), ERROR_LINK_INVALID, "of a user who is disabled");
	change(enable);
	ok(password_is(S("correct horse")), "nothing was changed");
	change(gone);
	gives(redeem(ticket, NEW), ERROR_LINK_INVALID, "of one who is gone");
}

/* Whose store isn't there is told of a forged link by its MAC, and opens nothing for it. */
static void without_store(void)
{
	config.dir = path_in(dir, "none");
	gives(redeem(S("a.b.c"), NEW), ERROR_LINK_INVALID, "a forged link asks no store");
	config.dir = dir;
}

/* ---- while it is hashed ------------------------------------------------ */

static int asked, when_asked;
static void (*then_do)(uint64_t);
static int64_t trap_clock(void)
{
	if (++asked == when_asked && then_do) {
		store_begin(DURABLE_NOW);
		then_do(u.id);
		store_commit();
	}
	return asked == when_asked && !then_do ? 1 : clock_now;
}

static enum error meanwhile(struct slice ticket, int look, void (*what)(uint64_t))
{
	base_clock = trap_clock;
	asked = 0;
	when_asked = look;
	then_do = what;
	enum error e = redeem(ticket, NEW);
	base_clock = fake_clock;
	return e;
}

static void in_between(void)
{
	new_user();
	struct slice ticket = link_of_user();
	gives(meanwhile(ticket, 2, disable), ERROR_LINK_INVALID, "disabled while the password is hashed");
	change(enable);
	gives(meanwhile(ticket, 2, set_other), ERROR_LINK_USED, "another password meanwhile");
	ok(slice_is(stored(), S("$argon2id$other")), "stays");
	change(set_own);
	gives(redeem(ticket, NEW), ERROR_NONE, "while the old one holds the link is good");
	sent = stored();
	change(set_own);
	gives(meanwhile(ticket, 2, set_sent), ERROR_NONE, "a browser that sends the same twice is answered twice");
	ok(slice_is(stored(), sent), "and the password is set once");
	for (int look = 1; look <= 2; look++) {
		change(set_own);
		gives(meanwhile(ticket, look, NULL), ERROR_CLOCK_UNSET, "the clock fails at look %d", look);
	}
	gives(meanwhile(ticket, 2, nothing), ERROR_NONE, "control: nothing happens");
	gives(meanwhile(ticket, 2, NULL), ERROR_CLOCK_UNSET, "the clock fails while the same request is looked at again");
}

static bool yes(const void *client) { (void)client; return true; }

static void client_gone(void)
{
	new_user();
	work = new_work();
	work.is_gone = yes;
	gives(signin_redeem_link(&work, link_of_user(), NEW, &named), ERROR_REQUEST_TIMEOUT, "whose client has gone");
	password_slot_leave();
	store_close();
	ok(password_is(S("correct horse")), "keeps the password");
}

/* Who has a used link could try passwords by it; so that is throttled as a sign-in. What a stranger's tries made wait, the link isn't. */
static void throttled(void)
{
	new_user();
	struct slice ticket = link_of_user();
	for (int i = 0; i < 200; i++)
		throttle_failed(dir, S("198.51.100.1"), u.name);
	gives(redeem(ticket, NEW), ERROR_NONE, "a link asks no throttle");
	enum error e = ERROR_LINK_USED;
	int tries = 0;
	for (; e == ERROR_LINK_USED && tries < 20; tries++) {
		e = redeem(ticket, S("another staple"));
		boot_now -= DAY;
	}
	gives(e, ERROR_RATE_LIMITED, "a used one does");
	ok(tries < 20 && work.retry_after > 0, "after %d tries, and says how long to wait", tries);
	boot_now += DAY;
}

/* Holds all slots, and meanwhile opens the store again and again, as other requests do; then it says so. Ends where it
 * has to wait for long. */
static void others_go_on(const char *path, int ready)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	fcntl(fd, F_SETLK, &(struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET });
	(void)!write(ready, "x", 1);
	for (int i = 0; i < 30; i++) {
		store_open(dir, 2);
		store_close();
		nanosleep(&(struct timespec){ .tv_nsec = 100 * 1000 * 1000 }, NULL);
	}
	(void)!write(ready, "y", 1);
	pause();
	_exit(1);
}

static void slots_busy(void)
{
	char path[80];
	int ready[2];
	new_user();
	snprintf(path, sizeof path, "%s/password.lock", dir);
	if (pipe(ready))
		exit(2);
	pid_t child = fork();
	if (child == 0)
		others_go_on(path, ready[1]);
	(void)!read(ready[0], &(char){ 0 }, 1);
	char said = 'n';
	enum error e = redeem(link_of_user(), NEW);
	close(ready[1]);
	(void)!read(ready[0], &said, 1);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	gives(e, ERROR_BUSY, "no slot to hash in");
	is_int(said, 'y', "who waits for one doesn't keep others from the store");
	ok(password_is(S("correct horse")), "nothing was changed");
}

int main(void)
{
	if (config_parse(SLICE_NONE, &config) || !make_dir(&dir, "lk-ticket")) {
		printf("Bail out! no directory\n");
		return 2;
	}
	config.dir = dir;
	config.throttle_dir = slice_of(dir);
	config.password = (struct password_cost_option){ CHEAP, 1 };
	base_clock = fake_clock;
	throttle_clock = fake_boot;
	clock_witness = fake_witness;
	clock_now = clock_build_epoch + DAY;
	put_key(0, 1);
	ring.count = 1;
	store_create(dir);
	store_close();
	what_it_says();
	times();
	codes();
	device_codes();
	longest_code();
	once();
	refused();
	without_store();
	in_between();
	client_gone();
	throttled();
	slots_busy();
	static const char *const names[] = { "latchkey.db", "latchkey.db-wal", "latchkey.lock", "password.lock", "throttle", "latchkey.pgdb" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unlink(text_join(dir, "/", names[i], NULL));
	is_int(rmdir(dir), 0, "nothing is left behind");
	return done_testing();
}
