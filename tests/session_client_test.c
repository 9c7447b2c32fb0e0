/*
 * session_client_test: a code is redeemed once, by a primary key; what else comes with it, at which time, and what that changes.
 */
#include "clock.h"
#include "session_client.h"
#include "store_case.h"

enum { ALICE = 1001, BOB, CODE = 5001, COOKIE = 7001, HOUR = 3600 };

static struct config config;
static struct keyring ring;
static int64_t clock_now;
static struct user alice;
static struct grant g;

static int64_t fake_clock(void) { return clock_now; }
static enum clock_witness vouched(void) { return CLOCK_KERNEL; }

static struct work work_at(int64_t time)
{
	struct work w = { .config = &config, .ring = &ring, .peer = S("192.0.2.7"), .agent = S("relying party") };
	clock_now = time;
	is_int(session_clock(&w), ERROR_NONE, "the clock is good");
	return w;
}

/* As a code of alice's for client "wiki" says. */
static struct redeemed code_of(uint64_t sid)
{
	return (struct redeemed){ .sid = sid, .user = ALICE, .idem = session_shown(S("code and all")), .pw = jwt_password_mark(&ring.key[0], ALICE,
		alice.password), .key = &ring.key[0], .client = S("wiki"), .scope = SCOPE_OPENID | SCOPE_OFFLINE, .amr = AMR_PASSWORD };
}

static enum error redeem_at(int64_t after, const struct redeemed *what)
{
	struct work w = work_at(clock_build_epoch + after);
	enum error e = session_redeem(&w, what, &g);
	if (e == ERROR_NONE)
		session_grant(&w, &g);
	return e;
}

static struct session row_of(uint64_t id)
{
	struct session s = { 0 };
	(void)store_session(id, &s);
	return s;
}

static struct audit last_event(void)
{
	struct audit rows[LIMIT_LIST];
	return store_audits(0, 0, 1, rows) ? rows[0] : (struct audit){ 0 };
}

/* What the store holds, as far as a redemption could change it. */
static int64_t state_of_store(void)
{
	struct session page[LIMIT_LIST];
	size_t n = store_sessions(0, 0, page);
	int64_t sum = last_event().id * 1000 + (int64_t)n;
	for (size_t i = 0; i < n; i++)
		sum += page[i].ended_at + page[i].ctr;
	return sum;
}

static void begin(void)
{
	fresh();
	struct user bob = user_of("bob");
	bob.id = BOB;
	store_begin(DURABLE_NOW);
	store_user_add(&alice);
	store_user_add(&bob);
	store_session_add(&(struct session){ .id = COOKIE, .user = ALICE, .ctr = 3, .cookie = true, .rotated_at = clock_build_epoch,
		.created_at = clock_build_epoch, .br = jwt_branch(&ring.key[0], COOKIE, 3, 0) });
	store_commit();
}

static void first_time(void)
{
	struct redeemed what = code_of(CODE);
	begin();
	is_int(redeem_at(10, &what), ERROR_NONE, "a code is redeemed");
	struct session s = row_of(CODE);
	ok(s.user == ALICE && s.ctr == 1 && s.idem == what.idem && slice_is(s.client, S("wiki")) && s.scope == what.scope && s.amr == AMR_PASSWORD
		&& !s.sso && !s.cookie && !s.expires_at && slice_is(s.ip, S("192.0.2.7")), "the row has the id that it reserved");
	struct audit a = last_event();
	ok(a.event == EVENT_LOGIN && a.session == CODE && a.class == CLASS_NONE && slice_is(a.client, S("wiki")), "the trail has the client");
	ok(g.access.n && g.refresh.n && slice_is(g.user.name, S("alice")), "and there are tokens");

	what = code_of(CODE + 1);
	what.sso = what.once = true;
	what.by = COOKIE;
	is_int(redeem_at(20, &what), ERROR_NONE, "one that came by a cookie");
	s = row_of(CODE + 1);
	ok(s.sso && s.expires_at == clock_now + config.access_ttl, "of a client without refresh tokens");
	a = last_event();
	ok(a.class == CLASS_SSO && slice_is(a.client, S("wiki")), "is written down as such");
	config.session_ttl = 60;
	what.sid = CODE + 2;
	is_int(redeem_at(30, &what), ERROR_NONE, "where all sessions end");
	is_int(row_of(CODE + 2).expires_at, clock_now + 60, "the earlier end counts");
	what.sid = CODE + 3;
	what.once = false;
	is_int(redeem_at(30, &what), ERROR_NONE, "and without one of its own");
	is_int(row_of(CODE + 3).expires_at, clock_now + 60, "that one");
	config.session_ttl = 0;
}

/* What isn't so any more when the code is redeemed, and what never was. */
static void refused(void)
{
	static const struct { const char *what; uint64_t user, by; bool wrong_pw, disabled; enum ended cookie; } cases[] = {
		{ "another password", ALICE, 0, true, false, ENDED_NOT }, { "a user who is disabled", ALICE, 0, false, true, ENDED_NOT },
		{ "a user who is gone", 9, 0, false, false, ENDED_NOT }, { "no such cookie session", ALICE, 99, false, false, ENDED_NOT },
		{ "a cookie session that was signed out", ALICE, COOKIE, false, false, ENDED_LOGOUT },
		{ "one of body mode", ALICE, CODE + 50, false, false, ENDED_NOT }, { "another user's", BOB, COOKIE, false, false, ENDED_NOT },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct redeemed what = code_of(CODE);
		begin();
		store_begin(DURABLE_NOW);
		store_user_disable(ALICE, cases[i].disabled);
		store_session_add(&(struct session){ .id = CODE + 50, .user = ALICE, .ctr = 1, .rotated_at = clock_build_epoch });
		if (cases[i].cookie)
			store_session_end(COOKIE, cases[i].cookie, clock_build_epoch);
		store_commit();
		what.user = cases[i].user;
		what.by = cases[i].by;
		what.pw = cases[i].user == ALICE ? what.pw ^ cases[i].wrong_pw : jwt_password_mark(&ring.key[0], what.user, alice.password);
		int64_t before = state_of_store();
		is_int(redeem_at(10, &what), ERROR_CODE_INVALID, "%s", cases[i].what);
		is_int(state_of_store(), before, "and nothing was changed");
	}
}

static void set_groups(const char *groups)
{
	store_begin(DURABLE_NOW);
	store_user_profile(ALICE, &(struct profile){ .groups = slice_of(groups) });
	store_commit();
}

static struct rotation shown(uint64_t sid, int64_t ctr, bool fork, bool by_cookie);
static void add_row(uint64_t id, uint64_t user, bool sso, bool cookie);

/* A token of a client that is for the staff. */
static enum error show_of_staff(uint64_t sid, int64_t ctr)
{
	struct work w = work_at(clock_build_epoch + 100);
	struct rotation r = shown(sid, ctr, false, false);
	r.client = S("wiki");
	r.group = S("staff");
	return session_rotate(&w, &r, 1, 0, &g);
}

/* group= is asked within the transaction, of a code and of a refresh. */
static void groups(void)
{
	enum { ROW = 6101 };
	struct redeemed what = code_of(CODE);
	what.group = S("staff");
	begin();
	set_groups("other");
	int64_t before = state_of_store();
	is_int(redeem_at(10, &what), ERROR_NOT_IN_GROUP, "a code of a client that isn't for alice");
	is_int(state_of_store(), before, "and nothing was changed");
	set_groups("other,staff");
	is_int(redeem_at(10, &what), ERROR_NONE, "one of the group");
	set_groups("");
	is_int(redeem_at(12, &what), ERROR_NOT_IN_GROUP, "the same again, once she has left it");
	ok(!row_of(CODE).ended_at, "the session stands");
	is_int(redeem_at(11 + config.reuse_grace, &what), ERROR_REFRESH_REUSED, "but reuse is reuse");
	store_begin(DURABLE_NOW);
	add_row(ROW, ALICE, true, false);
	store_commit();
	before = state_of_store();
	is_int(show_of_staff(ROW, 3), ERROR_NOT_IN_GROUP, "a refresh");
	is_int(state_of_store(), before, "changes nothing");
	set_groups("staff");
	is_int(show_of_staff(ROW, 3), ERROR_NONE, "until she is in it again");
	set_groups("");
	is_int(show_of_staff(ROW, 1), ERROR_REFRESH_REUSED, "an old token ends the session of who isn't");
}

static char *kept(struct slice s)
{
	char *copy = malloc(s.n + 1);
	memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	return copy;
}

/* The same once more: at which time it is the same request, and when it is reuse. */
static void again(void)
{
	struct redeemed what = code_of(CODE), other = what;
	other.idem ^= 1;
	begin();
	redeem_at(10, &what);
	char *access = kept(g.access), *refresh = kept(g.refresh);
	int64_t before = state_of_store();
	is_int(redeem_at(10 + config.reuse_grace, &what), ERROR_NONE, "the same within the grace");
	ok(slice_is(g.access, slice_of(access)) && slice_is(g.refresh, slice_of(refresh)), "has the same answer, byte for byte");
	struct key second = { .created_at = clock_build_epoch + 1 };
	memset(second.master, 3, KEY_SIZE);
	jwt_name_key(&second);
	keyring_add(&ring, &second);
	is_int(redeem_at(10 + config.reuse_grace, &what), ERROR_NONE, "where another key signs by now");
	ok(slice_is(g.access, slice_of(access)) && slice_is(g.refresh, slice_of(refresh)), "too");
	is_int(redeem_at(12, &other), ERROR_CODE_INVALID, "what claims the same id is refused");
	other = what;
	other.client = S("other");
	is_int(redeem_at(12, &other), ERROR_CODE_INVALID, "another client's too");
	other = what;
	other.user = BOB;
	is_int(redeem_at(12, &other), ERROR_CODE_INVALID, "and another user's");
	is_int(redeem_at(9, &what), ERROR_NONE, "a clock that was put back a little is no reuse");
	is_int(state_of_store(), before, "nothing of that changes anything");
	other = code_of(CODE + 60);
	other.user = 9;
	store_begin(DURABLE_NOW);
	store_session_add(&(struct session){ .id = CODE + 60, .user = 9, .ctr = 1, .client = S("wiki"), .rotated_at = clock_now });
	store_commit();
	is_int(redeem_at(12, &other), ERROR_CODE_INVALID, "a row whose user is gone: nothing is concluded");
	is_int(redeem_at(11 + config.reuse_grace, &what), ERROR_REFRESH_REUSED, "a second later it is reuse");
	struct audit a = last_event();
	ok(row_of(CODE).why == ENDED_REUSE && a.event == EVENT_REUSE && a.class == CLASS_CODE && a.session == CODE && a.distance == 1, "which ends the session");
	before = state_of_store();
	is_int(redeem_at(12, &what), ERROR_CODE_INVALID, "once");
	is_int(state_of_store(), before, "only");
	ring.count = 1;
	memset(ring.key[0].master, 9, KEY_SIZE);
	jwt_name_key(&ring.key[0]);
	free(access);
	free(refresh);
}

/* Once the session was refreshed nobody is forgiven; without a grace never; and a row that fits no key says nothing. */
static void refreshed(void)
{
	struct redeemed what = code_of(CODE);
	for (int i = 0; i < 4; i++) {
		begin();
		redeem_at(10, &what);
		struct session s = row_of(CODE);
		s.ctr = i == 0 ? 2 : i == 3 ? 0 : 1;
		s.br = i == 2 ? s.br ^ 1 : jwt_branch(&ring.key[0], CODE, s.ctr, s.idem);
		store_begin(DURABLE_NOW);
		store_session_rotate(&s);
		store_commit();
		config.reuse_grace = i == 1 ? 0 : 10;
		static const enum error wanted[] = { ERROR_REFRESH_REUSED, ERROR_REFRESH_REUSED, ERROR_STORE_UNAVAILABLE, ERROR_CODE_INVALID };
		static const char *const names[] = { "after a refresh", "with no grace", "beside a damaged row", "of a row that waits for a device" };
		is_int(redeem_at(10, &what), wanted[i], "%s", names[i]);
		is_int(row_of(CODE).why, wanted[i] == ERROR_REFRESH_REUSED ? ENDED_REUSE : ENDED_NOT, "the session");
	}
	config.reuse_grace = 10;
	begin();
	redeem_at(5000, &what);
	is_int(redeem_at(10, &what), ERROR_REFRESH_REUSED, "by a clock that was put back by more than the grace nobody is forgiven");
}

static bool gone(const void *client)
{
	(void)client;
	return true;
}

static void client_has_gone(void)
{
	struct redeemed what = code_of(CODE);
	begin();
	struct work w = work_at(clock_build_epoch + 10);
	w.is_gone = gone;
	is_int(session_redeem(&w, &what, &g), ERROR_REQUEST_TIMEOUT, "a client that has gone");
	ok(row_of(CODE).id == 0, "may redeem it later");
}

static enum error looked;
static enum error look_again(const void *client, void (*let_go)(void))
{
	(void)client;
	let_go();
	return looked;
}

/* The network may have kept a code that its client sent, gave up, and sent again. */
static void looked_again(void)
{
	static const enum error seen[] = { ERROR_REQUEST_TIMEOUT, ERROR_BUSY, ERROR_NONE };
	struct redeemed what = code_of(CODE);
	begin();
	redeem_at(10, &what);
	for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) {
		struct work w = work_at(clock_build_epoch + 5000);
		w.look_again = look_again;
		looked = seen[i];
		is_int(session_redeem(&w, &what, &g), looked ? looked : ERROR_REFRESH_REUSED, "a code that comes again");
		work_at(clock_build_epoch + 5000);
		is_int(row_of(CODE).why, looked ? ENDED_NOT : ENDED_REUSE, "ends its session where somebody waits for the answer");
	}
}

/* As many as a user may have of one client; nobody else's are touched. */
static void bounded(void)
{
	begin();
	for (uint64_t i = 0; i < SESSION_CLIENT_MOST + 3; i++) {
		struct redeemed what = code_of(CODE + i);
		redeem_at(10 + (int64_t)i, &what);
		what.sid += 100;
		what.client = S("photos");
		if (i < 4)
			redeem_at(10 + (int64_t)i, &what);
	}
	int standing = 0, photos = 0;
	for (uint64_t i = 0; i < SESSION_CLIENT_MOST + 3; i++) {
		standing += row_of(CODE + i).id && !row_of(CODE + i).ended_at;
		photos += row_of(CODE + 100 + i).id && !row_of(CODE + 100 + i).ended_at;
	}
	is_int(standing, SESSION_CLIENT_MOST, "a client's sessions are bounded");
	ok(row_of(CODE + 2).why == ENDED_REPLACED && row_of(CODE + 3).why == ENDED_NOT, "the longest unused ones end");
	is_int(photos, 4, "another client's stand");
	ok(!row_of(COOKIE).ended_at, "and the app's");
	is_int(last_event().count, 1, "the trail counts the one that the last sign-in ended");
}

/* Its row is neither swept nor buried while a code can be shown again: else it would be good once more. */
static void outlived(void)
{
	const uint64_t LAST = INT64_MAX - 5;    /* which each sweep looks at */
	struct redeemed what = code_of(LAST);
	begin();
	config.refresh_ttl = 1;
	redeem_at(10, &what);
	store_begin(DURABLE_NOW);
	store_session_end(LAST, ENDED_LOGOUT, clock_now);
	for (int i = 0; i < 400; i++)
		store_sweep(clock_now + STORE_TICKET - 1, 1);
	for (int i = 0; i < 40; i++) {
		store_session_add(&(struct session){ .id = (uint64_t)(9000 + i), .user = ALICE, .client = S("wiki"), .ended_at = clock_now + 5 });
		store_sessions_trim(ALICE, S("wiki"), 2, ENDED_REPLACED, clock_now + 60);
	}
	store_commit();
	is_int(redeem_at(50, &what), ERROR_CODE_INVALID, "a code outlives the row of a second's refresh_ttl by nothing");
	ok(row_of(LAST).why == ENDED_LOGOUT, "which is there still");
	store_begin(DURABLE_NOW);
	for (int i = 0; i < 400; i++)
		store_sweep(clock_now + STORE_TICKET + 1, 1);
	store_commit();
	ok(row_of(LAST).id == 0, "control: a quarter of an hour later it is gone");
	is_int(redeem_at(50, &what), ERROR_NONE, "and a code that lived so long would be redeemed twice");
	config.refresh_ttl = 30 * 24 * HOUR;
}

/* ---- what ends with a cookie --------------------------------------------- */

enum { SSO = 6001, BODY = 8001 };

static void add_row(uint64_t id, uint64_t user, bool sso, bool cookie)
{
	store_session_add(&(struct session){ .id = id, .user = user, .ctr = 3, .rotated_at = clock_build_epoch, .created_at = clock_build_epoch,
		.sso = sso, .cookie = cookie, .client = sso ? S("wiki") : SLICE_NONE, .br = jwt_branch(&ring.key[0], id, 3, 0) });
}

static struct rotation shown(uint64_t sid, int64_t ctr, bool fork, bool by_cookie)
{
	return (struct rotation){ .by_cookie = by_cookie, .token = { .sid = sid, .ctr = ctr, .br = jwt_branch(&ring.key[0], sid, ctr, fork),
		.iat = clock_build_epoch, .exp = clock_build_epoch + 24 * HOUR } };
}

static void show_old(struct work *w) { struct rotation r = shown(COOKIE, 1, false, true); session_rotate(w, &r, 1, 0, &g); }
static void show_fork(struct work *w) { struct rotation r = shown(COOKIE, 3, true, true); session_rotate(w, &r, 1, 0, &g); }
static void show_newest(struct work *w) { struct rotation r = shown(COOKIE, 3, false, true); session_rotate(w, &r, 1, 0, &g); }
static void show_old_in_body(struct work *w) { struct rotation r = shown(BODY, 1, false, false); session_rotate(w, &r, 1, 0, &g); }
static void leave_by_old(struct work *w) { struct rotation r = shown(COOKIE, 1, false, true); session_sign_out(w, &r, false); }
static void leave(struct work *w) { struct rotation r = shown(COOKIE, 3, false, true); session_sign_out(w, &r, false); }
static void revoke_cookie(struct work *w) { session_end(w, END_ONE, &alice, COOKIE, NULL); }

/* A copied cookie signs in to any client, and no reuse would show it. So what it made ends with whichever cookie session of that user ends badly. */
static void ends_with_cookie(void)
{
	static const struct { const char *how; void (*act)(struct work *w); enum event last; enum ended why; int64_t count; bool two; } cases[] = {
		{ "an old token of the cookie's session", show_old, EVENT_REUSE, ENDED_REUSE, 0, true },
		{ "another branch of it", show_fork, EVENT_FORK, ENDED_FORK, 0, true },
		{ "a sign-out by an old one", leave_by_old, EVENT_REUSE, ENDED_REUSE, 0, true },
		{ "its end by the user", revoke_cookie, EVENT_REVOKE, ENDED_REVOKED, 2, false },
		{ "control: its newest token", show_newest, EVENT_REFRESH, ENDED_NOT, 0, false },
		{ "control: its sign-out", leave, EVENT_LOGOUT, ENDED_NOT, 0, false },
		{ "control: reuse in a session without a cookie", show_old_in_body, EVENT_REUSE, ENDED_NOT, 0, false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct audit rows[LIMIT_LIST];
		begin();
		store_begin(DURABLE_NOW);
		add_row(SSO, ALICE, true, false);
		add_row(SSO + 1, BOB, true, false);
		add_row(BODY, ALICE, false, false);
		store_commit();
		struct work w = work_at(clock_build_epoch + 100);
		cases[i].act(&w);
		is_int(row_of(SSO).why, cases[i].why, "%s", cases[i].how);
		ok(!row_of(SSO + 1).ended_at && (cases[i].act == show_old_in_body || !row_of(BODY).ended_at), "and no other session of anybody");
		ok(last_event().event == cases[i].last && last_event().count == cases[i].count, "the trail has it");
		size_t n = store_audits(0, 0, 10, rows);
		ok(n == 1U + cases[i].two && (!cases[i].two || (rows[1].event == EVENT_REVOKE && rows[1].count == 1 && rows[1].session == COOKIE)),
			"with how many came by a cookie");
	}
}

/* ---- who shows a token ----------------------------------------------------- */

static enum error show_as(uint64_t sid, struct slice client, bool body_only)
{
	struct work w = work_at(clock_build_epoch + 100);
	struct rotation r = shown(sid, 3, false, false);
	r.client = client;
	r.body_only = body_only;
	return session_rotate(&w, &r, 1, 0, &g);
}

/* One dialect's token in the other; nothing comes of it, not even where the token is spent. */
static void dialects(void)
{
	begin();
	store_begin(DURABLE_NOW);
	add_row(SSO, ALICE, true, false);
	add_row(BODY, ALICE, false, false);
	store_commit();
	int64_t before = state_of_store();
	is_int(show_as(SSO, S(""), false), ERROR_REFRESH_INVALID, "a client's token at /refresh");
	is_int(show_as(SSO, S("other"), true), ERROR_REFRESH_INVALID, "another client's at /token");
	is_int(show_as(BODY, S("wiki"), true), ERROR_REFRESH_INVALID, "an app's token, shown by a client");
	is_int(show_as(COOKIE, S(""), true), ERROR_REFRESH_INVALID, "a cookie session's at /token");
	struct work w = work_at(clock_build_epoch + 100);
	struct rotation r = shown(SSO, 1, false, false);
	is_int(session_rotate(&w, &r, 1, 0, &g), ERROR_REFRESH_INVALID, "a spent one of a client at /refresh");
	is_int(session_sign_out(&w, &r, false), ERROR_NONE, "or at /logout");
	r.client = S("other");
	is_int(session_sign_out(&w, &r, false), ERROR_NONE, "or revoked by another client");
	is_int(state_of_store(), before, "none of them ends or changes a session");
	is_int(show_as(SSO, S("wiki"), true), ERROR_NONE, "control: its own client");
	is_int(show_as(BODY, S(""), true), ERROR_NONE, "control: a session of the app API at /token, without a client");
	r.client = S("wiki");
	is_int(session_sign_out(&w, &r, false), ERROR_NONE, "a spent one, revoked by its client,");
	is_int(row_of(SSO).why, ENDED_REUSE, "is reuse");
}

/* Two cookies at once, of COOKIE's session at generation 3, of SSO's, and of none: which is chosen, and what comes of it. */
static enum error show_two(struct rotation first, struct rotation second, uint64_t idem)
{
	enum { KEY = 77 };
	struct rotation two[] = { first, second };
	begin();
	store_begin(DURABLE_NOW);
	add_row(BODY, ALICE, false, true);
	struct session s = row_of(COOKIE);
	s.idem = KEY;
	s.br = jwt_branch(&ring.key[0], COOKIE, 3, KEY);
	s.rotated_at = clock_build_epoch + 95;
	store_session_rotate(&s);
	store_commit();
	for (size_t i = 0; i < 2; i++)
		if (two[i].token.sid == COOKIE && two[i].token.ctr == 3)
			two[i].token.br = s.br;
	two[0].idem = idem;
	struct work w = work_at(clock_build_epoch + 100);
	return session_rotate(&w, two, 2, 0, &g);
}

static void two_cookies(void)
{
	const struct rotation none = shown(1, 1, false, true), newest = shown(COOKIE, 3, false, true), before = shown(COOKIE, 2, false, true),
		old = shown(COOKIE, 1, false, true), other_old = shown(BODY, 1, false, true);
	is_int(show_two(none, none, 0), ERROR_REFRESH_INVALID, "two of nobody");
	is_int(show_two(none, old, 0), ERROR_REFRESH_REUSED, "one of nobody hides no reuse");
	is_int(show_two(old, other_old, 0), ERROR_REFRESH_REUSED, "of two that end their session the first does");
	ok(row_of(COOKIE).why == ENDED_REUSE && !row_of(BODY).ended_at, "and no other");
	is_int(show_two(none, newest, 0), ERROR_NONE, "one of nobody hides no good one");
	is_int(g.session.ctr, 4, "which is rotated");
	is_int(show_two(before, newest, 0), ERROR_NONE, "of two of one session");
	is_int(g.session.ctr, 4, "the newer one");
	is_int(show_two(before, newest, 77), ERROR_NONE, "unless the older one shows that its answer was lost");
	is_int(g.session.ctr, 3, "then the same answer");
}

/* A row whose user is gone. */
static void without_user(void)
{
	begin();
	store_begin(DURABLE_NOW);
	add_row(SSO, 9, true, false);
	store_commit();
	is_int(show_as(SSO, S("wiki"), true), ERROR_REFRESH_INVALID, "a session whose user is gone");
}

/* ---- where it comes from ---------------------------------------------------- */

/* Whether a token that was spent at one place is answered half an hour later at another, or the same. */
static bool is_answered(struct slice first, bool hidden, struct slice then, bool no_retry, bool authenticated)
{
	begin();
	store_begin(DURABLE_NOW);
	add_row(SSO, ALICE, true, false);
	store_commit();
	enum error e = ERROR_NONE;
	for (int i = 0; i < 2; i++) {
		struct work w = work_at(clock_build_epoch + 100 + i * HOUR / 2);
		struct rotation r = shown(SSO, 3, false, false);
		w.peer = i ? then : first;
		w.hidden = hidden;
		r.client = S("wiki");
		r.no_retry = no_retry;
		r.authenticated = authenticated;
		e = session_rotate(&w, &r, 1, 0, &g);
	}
	return e == ERROR_NONE;
}

static void places(void)
{
	static const struct { const char *what, *first, *then; bool hidden, no_retry, authenticated, answered; } cases[] = {
		{ "an address", "192.0.2.7", "192.0.2.7", false, false, false, true }, { "its neighbour's", "192.0.2.7", "192.0.2.8", false, false, false, false },
		{ "an IPv6 /64", "2001:db8::1", "2001:db8::ffff:2", false, false, false, true },
		{ "the next /64", "2001:db8::1", "2001:db8:0:1::1", false, false, false, false },
		{ "IPv4 in IPv6", "192.0.2.7", "::ffff:192.0.2.7", false, false, false, true },
		{ "loopback", "127.0.0.1", "127.0.0.1", false, false, false, false }, { "no address", "", "", false, false, false, false },
		{ "a front that isn't trusted", "10.0.0.1", "10.0.0.1", true, false, false, false },
		{ "a client without retries", "192.0.2.7", "192.0.2.7", false, true, false, false },
		{ "a client that showed its secret", "192.0.2.7", "198.51.100.1", true, true, true, true },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		is_int(is_answered(slice_of(cases[i].first), cases[i].hidden, slice_of(cases[i].then), cases[i].no_retry, cases[i].authenticated),
			cases[i].answered, "%s", cases[i].what);
	for (int64_t window = -1; window <= HOUR; window += window < 0 ? 1 : HOUR) {
		config.retry_window = window;
		is_int(is_answered(S("192.0.2.7"), false, S("192.0.2.7"), false, false), window != 0, "with a window of %d", (int)window);
	}
	config.retry_window = -1;
}

int main(void)
{
	make_directory();
	const char *error = config_parse(SLICE_NONE, &config);
	ok(!error, "options");
	config.dir = dir;
	base_clock = fake_clock;
	clock_witness = vouched;
	clock_now = clock_build_epoch + 1;
	ring.count = 1;
	memset(ring.key[0].master, 9, KEY_SIZE);
	jwt_name_key(&ring.key[0]);
	alice = user_of("alice");
	alice.id = ALICE;
	first_time();
	refused();
	groups();
	again();
	refreshed();
	client_has_gone();
	looked_again();
	bounded();
	outlived();
	ends_with_cookie();
	dialects();
	two_cookies();
	without_user();
	places();
	remove_files();
	rmdir(dir);
	return done_testing();
}
