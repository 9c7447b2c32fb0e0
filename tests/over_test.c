/*
 * over_test: "is this session over" has one answer. GET /me, /sessions and /verify?live=1, and the verbs
 * `verify --live` and `session list` are asked of sessions in every state under every clock, and compared with one
 * another and with what the row and the clock say. So is a site session in the same state, beside each.
 *
 * The verbs run in children, with the clock of this test, on the same directory.
 */
#include "audit.h"
#include "auth.h"
#include "base/file.h"
#include "clock.h"
#include "config.h"
#include "jwt.h"
#include "keyring.h"
#include "operator/admin.h"
#include "route.h"
#include "session_site.h"
#include "store.h"
#include "store/engine.h"
#include "store/upkeep.h"
#include "dir.h"
#include "t.h"

#include <fcntl.h>

enum { DAY = 86400, ALICE = 1001, MALLORY, NOBODY, VIEWER = 9001, MALLORYS_VIEWER, NOBODYS_VIEWER };

static struct config config;
static struct keyring ring;
static char dir[64];
static int64_t start, clock_now;
static bool confirmed;

static int64_t fake_clock(void) { return clock_now; }
static enum clock_witness fake_witness(void) { return confirmed ? CLOCK_KERNEL : CLOCK_NOBODY; }

/* ---- states and clocks ------------------------------------------------- */

/* Days are counted from `start`. */
static const struct state {
	const char *name;
	int64_t used, end;             /* days; end 0: none */
	enum ended why;
	uint64_t user;
	bool there, over;              /* over: whatever the clock says */
} states[] = {
	{ "used just now", 0, 0, ENDED_NOT, ALICE, true, false },
	{ "used 29 days ago", -29, 0, ENDED_NOT, ALICE, true, false },
	{ "used 30 days ago", -30, 0, ENDED_NOT, ALICE, true, false },
	{ "used just now, with its end today", 0, 0, ENDED_NOT, ALICE, true, false },
	{ "used yesterday, with its end tomorrow", -1, 1, ENDED_NOT, ALICE, true, false },
	{ "used two days ago, with its end yesterday", -2, -1, ENDED_NOT, ALICE, true, false },
	{ "signed out", 0, 0, ENDED_LOGOUT, ALICE, true, true },
	{ "revoked", 0, 0, ENDED_REVOKED, ALICE, true, true },
	{ "ended by reuse", 0, 0, ENDED_REUSE, ALICE, true, true },
	{ "ended by a fork", 0, 0, ENDED_FORK, ALICE, true, true },
	{ "ended by another password", 0, 0, ENDED_PASSWORD, ALICE, true, true },
	{ "ended with its user", 0, 0, ENDED_DISABLED, ALICE, true, true },
	{ "ended, and no row says why", 0, 0, ENDED_NOT, ALICE, true, true },
	{ "of a user who is disabled", 0, 0, ENDED_NOT, MALLORY, true, true },
	{ "of a user who isn't there", 0, 0, ENDED_NOT, NOBODY, true, true },
	{ "that isn't there", 0, 0, ENDED_NOT, ALICE, false, true },
};
enum { STATES = sizeof states / sizeof *states };

static const struct when {
	const char *name;
	int64_t days, seconds;         /* from start */
	bool confirmed, unset, trusted;
} clocks[] = {
	{ "the clock is right", 0, 0, true, false, true },
	{ "it is behind a little", 0, -100, true, false, true },
	{ "it is behind, and nobody vouches for it", 0, -200, false, true, false },
	{ "it is behind, and vouched for", 0, -200, true, false, true },
	{ "it is before the build", -500, 0, true, true, false },
	{ "it is ahead, and vouched for", 40, 0, true, false, true },
	{ "it is ahead, and nobody knows", 40, 0, false, false, false },
};
enum { CLOCKS = sizeof clocks / sizeof *clocks };

static uint64_t id_of(size_t state) { return 2001 + state; }

static uint64_t site_of(size_t state) { return 4001 + state; }

static void add_session(uint64_t id, uint64_t user, int64_t used, int64_t end, bool ended, enum ended why)
{
	bool site = id >= site_of(0) && id < site_of(STATES);
	store_session_add(&(struct session){ .id = id, .user = user, .ctr = !site, .idem = site ? 7 : 0, .cookie = site, .rotated_at = used,
		.created_at = start - 60 * DAY, .expires_at = end });
	if (ended)
		store_session_end(id, why, start);
}

static void fill_store(void)
{
	store_open(dir, 5);
	store_begin(DURABLE_NOW);
	store_user_add(&(struct user){ .id = ALICE, .name = S("alice"), .created_at = start });
	store_user_add(&(struct user){ .id = MALLORY, .name = S("mallory"), .created_at = start, .disabled = true });
	for (size_t i = 0; i < STATES; i++) {
		const struct state *s = &states[i];
		int64_t end = s->end ? start + s->end * DAY : strstr(s->name, "today") ? start : 0;
		if (s->there)
			add_session(id_of(i), s->user, start + s->used * DAY, end, s->over && s->user == ALICE, s->why);
		if (s->there)
			add_session(site_of(i), s->user, start + s->used * DAY, end, s->over && s->user == ALICE, s->why);
	}
	/* Who looks at the list of each user: never over. */
	add_session(VIEWER, ALICE, start + 39 * DAY, 0, false, ENDED_NOT);
	add_session(MALLORYS_VIEWER, MALLORY, start + 39 * DAY, 0, false, ENDED_NOT);
	add_session(NOBODYS_VIEWER, NOBODY, start + 39 * DAY, 0, false, ENDED_NOT);
	store_audit_add(&(struct audit){ .time = start, .mark = start, .event = EVENT_LOGIN }, 100);
	store_commit();
	store_close();
}

/* ---- asking ------------------------------------------------------------ */

enum verdict { LIVE, OVER, UNSET, ODD };
static const char *const words[] = { "live", "over", "clock unset", "odd" };

static struct reply rp;

/* An access token that no clock here finds expired. */
static struct slice token_of(uint64_t sid, uint64_t user)
{
	return jwt_seal_access(&ring.key[0], &(struct access_claims){ .iss = config.issuer, .aud = config.audience, .name = S("x"),
		.sub = user, .sid = sid, .iat = clock_now - DAY, .exp = start + 1000 * DAY });
}

static enum verdict get(const char *path, const char *query, struct slice token)
{
	struct request rq = { .method = METHOD_GET, .below = true, .mount = S("/api/auth"), .path = slice_of(path),
		.query = slice_of(query) };
	struct buf bearer = { 0 };
	buf_s(&bearer, "Bearer ");
	buf_add(&bearer, token);
	rq.authorization = buf_slice(&bearer);
	rp = (struct reply){ 0 };
	route_answer(&auth_dialect, &config, &ring, &rq, ERROR_NONE, &rp);
	store_close();
	buf_c(&rp.body, '\0');
	if (rp.status == 503)
		return strstr(rp.body.p, "clock_unset") ? UNSET : ODD;
	return rp.status / 100 == 2 ? LIVE : rp.status == 401 ? OVER : ODD;
}

static bool names(const char *text, uint64_t id)
{
	char part[40];
	snprintf(part, sizeof part, "\"id\":\"%016" PRIx64 "\"", id);
	return strstr(text, part) != NULL;
}

static enum verdict ask_me(size_t i) { return get("/me", NULL, token_of(id_of(i), states[i].user)); }
static enum verdict ask_verify(size_t i) { return get("/verify", "live=1", token_of(id_of(i), states[i].user)); }

/* In the list that another session of the user sees. */
static enum verdict ask_list(size_t i)
{
	enum verdict seen = get("/sessions", NULL, token_of(VIEWER + (states[i].user - ALICE), states[i].user));
	return seen == LIVE && !names(rp.body.p, id_of(i)) ? OVER : seen;
}

/* In the list that it sees itself. */
static enum verdict ask_own_list(size_t i)
{
	enum verdict seen = get("/sessions", NULL, token_of(id_of(i), states[i].user));
	return seen == LIVE && !names(rp.body.p, id_of(i)) ? ODD : seen;
}

/* What `/verify` and the door's pages ask, without noting the use. */
static enum verdict ask_site(size_t i)
{
	struct work w = { .config = &config, .ring = &ring };
	struct caller caller = { .foreign = false };
	struct slice token = jwt_seal_site(&ring.key[0], &(struct site_claims){ .sid = site_of(i), .iat = 7, .door = 1 });
	enum error e = session_check_site(&w, token, true, &caller);
	store_close();
	if (e == ERROR_CLOCK_UNSET)
		return UNSET;
	return e == ERROR_NONE ? LIVE : errors[e].status == 401 ? OVER : ODD;
}

struct command {
	const char *words[8];
	struct slice input;
};

static _Noreturn void run_verb(void *arg)
{
	const struct command *c = arg;
	char *argv[10] = { (char *)(uintptr_t)"latchkey" };
	int argc = 1, in[2];
	if (pipe(in) || !write_all(in[1], c->input) || close(in[1]))
		_exit(99);
	dup2(in[0], 0);
	for (; c->words[argc - 1]; argc++)
		argv[argc] = (char *)(uintptr_t)c->words[argc - 1];
	exit(admin_main(argc, argv));
}

static enum verdict ask_verify_verb(size_t i)
{
	const struct command c = { { "verify", "--live", "--dir", dir, NULL }, token_of(id_of(i), states[i].user) };
	int code = dies(run_verb, (void *)(uintptr_t)&c);
	if (code == 111)
		return strstr(t_err, "clock") ? UNSET : ODD;
	return code == 0 ? LIVE : code == 1 ? OVER : ODD;
}

/* Once a clock: all rows are in one list. */
static void list_sessions(void)
{
	const struct command c = { { "session", "list", "--json", "--dir", dir }, SLICE_NONE };
	is_int(dies(run_verb, (void *)(uintptr_t)&c), 0, "session list");
}

/* ---- comparing --------------------------------------------------------- */

static bool is_over(const struct state *s, const struct when *w)
{
	/* A step back of two minutes or less isn't made. */
	int64_t time = start + w->days * DAY + (w->seconds < -120 ? w->seconds : 0), end = start + (s->used + 30) * DAY;
	if (s->end && start + s->end * DAY < end)
		end = start + s->end * DAY;
	if (strstr(s->name, "today"))
		end = start;
	return s->over || (w->trusted && time >= end);
}

/* The answers are what they should be. Without a clock the list shows what the rows say. */
static bool agree(size_t i, const struct when *w, bool listed, bool site_listed)
{
	enum verdict want = is_over(&states[i], w) ? OVER : LIVE;
	enum verdict asked = w->unset ? UNSET : want;
	enum verdict got[] = { ask_me(i), ask_verify(i), ask_list(i), ask_own_list(i), ask_verify_verb(i), ask_site(i),
		listed ? LIVE : OVER, site_listed ? LIVE : OVER };
	bool good = true;
	for (size_t k = 0; k < 6; k++)
		good = good && got[k] == asked;
	good = good && got[6] == want && got[7] == want;
	if (!good)
		diag("/me %s, /verify %s, /sessions %s, its own %s, verify --live %s, a site session %s, session list %s and %s; want %s",
			words[got[0]], words[got[1]], words[got[2]], words[got[3]], words[got[4]], words[got[5]], words[got[6]], words[got[7]], words[asked]);
	return good;
}

/* How many states get one answer from all, under a clock. */
static size_t count_agreed(const struct when *w, bool tell)
{
	static char list[sizeof t_out];
	size_t agreed = 0, mark = arena_mark();
	clock_now = start + w->days * DAY + w->seconds;
	confirmed = w->confirmed;
	list_sessions();
	memcpy(list, t_out, sizeof list);
	for (size_t i = 0; i < STATES; i++) {
		bool good = agree(i, w, names(list, id_of(i)), names(list, site_of(i)));
		agreed += good;
		if (tell)
			ok(good, "%s: a session %s", w->name, states[i].name);
		arena_back(mark);
	}
	return agreed;
}

/* What `session list --all` says of a state while the clock is right. */
static const char *state_word(size_t i)
{
	const struct state *s = &states[i];
	if (s->user == MALLORY)
		return "disabled";
	if (s->user == NOBODY)
		return "unknown";
	if (s->over)
		return s->why ? ended_words[s->why] : "unknown";
	return is_over(s, &clocks[0]) ? "expired" : "live";
}

static void list_words(void)
{
	const struct command c = { { "session", "list", "--all", "--json", "--dir", dir }, SLICE_NONE };
	clock_now = start;
	is_int(dies(run_verb, (void *)(uintptr_t)&c), 0, "session list --all");
	for (size_t i = 0; i < STATES; i++) {
		char part[80];
		snprintf(part, sizeof part, "\"id\":\"%016" PRIx64 "\",\"state\":\"%s\"", id_of(i), state_word(i));
		is_int(strstr(t_out, part) != NULL, states[i].there, "a session %s: %s", states[i].name,
			states[i].there ? state_word(i) : "nothing");
	}
}

/* `stats` counts what the list shows. Of the three who look at lists one is live, and used in the future. */
static void count_by_stats(void)
{
	const struct command c = { { "stats", "--json", "--dir", dir }, SLICE_NONE };
	char want[96];
	int live = 1, over = 2, used = 1;
	for (size_t i = 0; i < STATES; i++) {
		bool is_live = states[i].there && !is_over(&states[i], &clocks[0]);
		live += 2 * is_live;
		over += 2 * (states[i].there && !is_live);
		used += 2 * (is_live && states[i].used == 0);
	}
	snprintf(want, sizeof want, "\"sessions\":%d,\"sessions_used_day\":%d,\"sessions_over\":%d,", live, used, over);
	is_int(dies(run_verb, (void *)(uintptr_t)&c), 0, "stats");
	if (!ok(strstr(t_out, want) != NULL, "stats: %s", want))
		diag("%s", t_out);
}

/* ---- the operator's way back -------------------------------------------- */

static int run(struct command c)
{
	return dies(run_verb, &c);
}

/* What `check` says of a clock; each of its commands works in that very state, and nobody is signed out by it. */
static void way_back(void)
{
	static const struct {
		int64_t seconds;       /* from the store's time, or from the build */
		bool from_build;
		const char *found, *advice;
		int trusted;           /* exit code of `clock trust` */
	} cases[] = {
		{ -1, true, ", 1 s before this program was built", "set the clock", 1 },
		{ -3 * DAY, false, ", 3 days behind the store's time", "latchkey clock trust", 0 },
		{ -7300, false, ", 2 hours behind the store's time", "latchkey clock trust", 0 },
		{ -150, false, ", 2 minutes behind the store's time", "latchkey clock trust", 0 },
		{ 31 * DAY, false, ", 31 days ahead of the store's time, not synchronised", "latchkey clock trust", 0 },
	};
	const struct command check = { { "check", "--json", "--dir", dir }, SLICE_NONE };
	const struct command trust = { { "clock", "trust", "--dir", dir }, SLICE_NONE };
	confirmed = false;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t before = clock_now;
		clock_now = (cases[i].from_build ? clock_build_epoch : clock_now) + cases[i].seconds;
		run(check);
		ok(strstr(t_out, cases[i].found) && strstr(t_out, cases[i].advice), "check tells how far: %s", cases[i].found);
		is_int(run(trust), cases[i].trusted, "clock trust");
		run(check);
		ok(!strstr(t_out, cases[i].found) == !cases[i].trusted, "check is content, where the clock was believed");
		if (cases[i].trusted)
			clock_now = before;
		is_int(ask_me(0), LIVE, "and who was signed in is");
	}
	clock_now -= DAY;
	is_int(ask_me(0), UNSET, "a time that was vouched for is the mark");
	clock_now += DAY;
}

static void put_conf(const char *text)
{
	int fd = open(path_in(dir, "latchkey.conf"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || !write_all(fd, slice_of(text)) || close(fd))
		exit(2);
}

static void set_up(void)
{
	if (!make_dir(&dir, "lk"))
		exit(2);
	start = clock_build_epoch + 400 * DAY;
	clock_now = start;
	base_clock = fake_clock;
	clock_witness = fake_witness;
	ring.count = 1;
	memset(ring.key[0].master, 7, KEY_SIZE);
	jwt_name_key(&ring.key[0]);
	keyring_write(dir, &ring);
	put_conf("");
	config_read(dir, &config);
	store_create(dir);
	store_close();
	fill_store();
}

static void clean_up(void)
{
	static const char *const files[] = { "latchkey.db", "latchkey.db-wal", "latchkey.lock", "latchkey.pgdb", "latchkey.key", "latchkey.conf",
		"throttle" };
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		unlink(path_in(dir, files[i]));
	is_int(rmdir(dir), 0, "nothing is left behind");
}

int main(void)
{
	set_up();
	for (size_t i = 0; i < CLOCKS; i++)
		count_agreed(&clocks[i], true);
	list_words();
	count_by_stats();
	way_back();
	clock_now = start;
	confirmed = true;
	put_conf("refresh_ttl = 60d\n");
	is_int(count_agreed(&clocks[0], false), STATES - 1,
		"control: verbs that reckon otherwise are noticed, of the session used 30 days ago");
	clean_up();
	return done_testing();
}
