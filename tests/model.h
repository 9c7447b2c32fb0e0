/*
 * model.h: a model of the rotation table, and a world in which server and model are compared.
 *
 * The model (first part) knows neither SQLite nor auth.c: a session is a counter, a branch, a date
 * and a reason; tokens are what was handed out. The second part drives the server through
 * route_answer() on a real store with sequences of what clients, thieves, operators, power
 * cuts and clocks do, and compares status, code, generation, bytes of tokens, rows, audit.
 *
 * What happens is drawn from model_draw(), which whoever includes this sets: random numbers
 * (model_test.c), or the bytes of a fuzzer's input (fuzz/sequence.c).
 */
#ifndef LK_MODEL_H
#define LK_MODEL_H

#include "base/file.h"
#include "auth.h"
#include "auth_json.h"
#include "clock.h"
#include "base/base64.h"
#include "config.h"
#include "derive.h"
#include "dpop.h"
#include "http.h"
#include "jwt.h"
#include "password.h"
#include "session.h"
#include "store.h"
#include "store/engine.h"
#include "store/upkeep.h"
#include "throttle.h"
#include "dir.h"
#include "t.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

/* ---- the model --------------------------------------------------------- */

enum {
	MINUTE = 60, HOUR = 3600, DAY = 86400,
	ACCESS = 15 * MINUTE, IDLE = 30 * DAY, GRACE = 10, PUBLIC_GRACE = 30, DATED_AHEAD = 120,
	BEHIND = 120,               /* the clock may be so far behind the mark */
	AHEAD = 30 * DAY,           /* or so far ahead before it is doubted */
	STEP = HOUR, AUDIT_STEP = 120,  /* the mark may lag so much; the second, where an audit row carries it */
	SESSIONS = 5, TOKENS = 160
};

/* Where a request comes from: numbers of the two tables below. */
struct place {
	int net, agent;
};

/* Who presents a token at which call: the app API's, and OAuth's where client isn't APP or no cookies are taken. */
enum { APP, SECRET, PUBLIC, STRICT, CLIENTS };
static const struct { const char *id; bool authenticated, no_retry; } clients[CLIENTS] = {
	[APP] = { "", false, false }, [SECRET] = { "wiki", true, false }, [PUBLIC] = { "phone", false, false }, [STRICT] = { "car", false, true },
};
/* What is shown of a key: the clients' own, another, or a proof that names their own and isn't signed by it. */
enum { NO_PROOF, OWN_KEY, OTHER_KEY, FALSE_PROOF, PROOFS };
struct presenter {
	int client;
	bool by_token_call;
	int proof;
};

/* Two heirs of one counter are one where key and request were the same. */
struct branch {
	int key;
	uint64_t idem;              /* 0: a request without a key; PLACE and more: which asked from there */
};
#define PLACE (UINT64_C(1) << 63)

struct token {
	int session;                /* number of its row */
	int64_t ctr, iat, exp;
	struct branch br;
	int key;                    /* that signed it */
};

struct row {
	bool there, cookie, bound;
	int user, client;
	int64_t ctr, rotated_at, end;
	struct branch br;
	enum ended why;
	struct place at;            /* of whoever signed in or rotated last */
	int run;                    /* so many generations until the last one in a row had a stray */
	bool strayed;               /* and this one has had one */
	bool renewed;               /* nobody else is given this one */
};

struct model {
	struct row row[SESSIONS];
	int rows, newest_key, oldest_key;
	int64_t mark, seen, audits;
	struct audit last;          /* session is a number of a row, + 1 */
	bool audited;               /* audit=table */
};

enum outcome {
	INVALID, ANOTHERS, KEYLESS, UNPROVEN, REVOKED, EXPIRED, DOUBTED, SETTLED, ROTATED, FORKED, SAME_REQUEST, AUTHENTICATED, IN_GRACE, STRAY, AT_PLACE, STRAY_AT_PLACE, SHARED, CUT,
	LATE, RIVAL, OLD, FORWARD, TWO_HEIRS,
	UNSET, RIVALS, OUTCOMES
};

static const struct {
	const char *name, *code;    /* code NULL: 200 */
	enum event event;
	enum reuse_class class;
	enum ended why;
} outcomes[OUTCOMES] = {
	[INVALID] = { "unknown", "refresh_invalid", 0, 0, 0 },
	[ANOTHERS] = { "another client's", "refresh_invalid", 0, 0, 0 },
	[KEYLESS] = { "bound to what nobody can tell any more", "store_unavailable", 0, 0, 0 },
	[UNPROVEN] = { "bound to another key than is shown", "invalid_dpop_proof", 0, 0, 0 },
	[SETTLED] = { "bound, and rotated that day", NULL, 0, 0, 0 },
	[REVOKED] = { "revoked", "session_revoked", 0, 0, 0 },
	[EXPIRED] = { "expired", "refresh_expired", 0, 0, 0 },
	[DOUBTED] = { "expired by a doubted clock", "clock_unset", 0, 0, 0 },
	[ROTATED] = { "rotated", NULL, EVENT_REFRESH, 0, 0 },
	[FORKED] = { "another branch", "refresh_reused", EVENT_FORK, 0, ENDED_FORK },
	[SAME_REQUEST] = { "the same request", NULL, 0, 0, 0 },
	[AUTHENTICATED] = { "an authenticated client", NULL, 0, 0, 0 },
	[IN_GRACE] = { "within the grace", NULL, 0, 0, 0 },
	[STRAY] = { "within the grace, from elsewhere", NULL, EVENT_REPLAY, 0, 0 },
	[AT_PLACE] = { "later, where it was asked for, once more", NULL, 0, 0, 0 },
	[STRAY_AT_PLACE] = { "later, where it was asked for", NULL, EVENT_REPLAY, 0, 0 },
	[SHARED] = { "shared by two for three generations", "refresh_reused", EVENT_REUSE, CLASS_SHARED, ENDED_REUSE },
	[CUT] = { "cut off by a new lineage", "busy", 0, 0, 0 },
	[LATE] = { "late", "refresh_reused", EVENT_REUSE, CLASS_LATE, ENDED_REUSE },
	[RIVAL] = { "rival", "refresh_reused", EVENT_REUSE, CLASS_RIVAL, ENDED_REUSE },
	[OLD] = { "old", "refresh_reused", EVENT_REUSE, CLASS_OLD, ENDED_REUSE },
	[FORWARD] = { "rolled forward", NULL, EVENT_ROLLFORWARD, 0, 0 },
	[TWO_HEIRS] = { "ahead, but older than the row", "refresh_reused", EVENT_FORK, 0, ENDED_FORK },
	[UNSET] = { "clock unset", "clock_unset", 0, 0, 0 },
	[RIVALS] = { "good cookies of two sessions", "cross_site", 0, 0, 0 },
};

static bool same_branch(struct branch a, struct branch b)
{
	return a.key == b.key && a.idem == b.idem;
}

/* As addresses are written: the second is near the first, the last two near the one before them, and the last one of its /64. Nobody
 * knows whose address the fifth is. The last agent is cut. */
static const struct { const char *address; int near, same; } nets[] = {
	{ "192.0.2.7", 0, 0 }, { "192.0.2.200", 0, 1 }, { "192.0.3.7", 2, 2 }, { "198.51.100.9", 3, 3 }, { "127.0.0.9", 4, -1 },
	{ "2001:db8:1:2::5", 5, 5 }, { "2001:db8:1:3::9", 5, 6 }, { "2001:db8:1:2:3::7", 5, 5 },
};
enum { NETS = sizeof nets / sizeof *nets };
#define FORTY "0123456789012345678901234567890123456789"
static const char *const agents[] = { "Phone/1", "Laptop/2", FORTY FORTY FORTY FORTY "x" };
enum { AGENTS = sizeof agents / sizeof *agents };

static bool is_near_place(struct place a, struct place b)
{
	return nets[a.net].near == nets[b.net].near && a.agent == b.agent;
}

/* How long a token without a key is answered again to where its successor was asked for; 0: it isn't. */
static int64_t app_window, public_window;
static int64_t window_of(const struct row *r)
{
	return r->client == APP ? app_window : r->client == PUBLIC ? public_window : 0;
}

static uint64_t number_of(struct place p)
{
	return nets[p.net].same < 0 ? 0 : PLACE + (uint64_t)(nets[p.net].same * AGENTS + p.agent);
}

/* Within the grace: the same place as often as it likes, another once a generation is counted, and in the third in a row it ends. */
static enum outcome judge_sharer(const struct row *r, struct place from)
{
	if (r->renewed)
		return CUT;
	if (is_near_place(r->at, from) || r->strayed)
		return IN_GRACE;
	return r->run < 2 ? STRAY : SHARED;
}

/* How the clock stands to a row, and how far it can have gone back `unseen`. */
struct when {
	int64_t time, unseen;
	enum clock_trust trust;
	struct place from;
	struct presenter by;
	int newest_key, oldest_key;
};

/* A retry without a key, where the request that rotated came from. It is counted as a stray, however near it is. */
static bool is_at_place(const struct row *r, uint64_t idem, struct when now_is)
{
	return window_of(r) && idem == 0 && number_of(now_is.from) && number_of(now_is.from) == r->br.idem
		&& llabs(now_is.time - r->rotated_at) <= window_of(r);
}

static int64_t grace_of(const struct row *r)
{
	return r->client == PUBLIC || r->client == STRICT ? PUBLIC_GRACE : GRACE;
}

/* A bound session, beside a token that is shown by its key. */
static enum outcome judge_bound(const struct row *r, const struct token *t, struct when now_is)
{
	int64_t d = r->ctr - t->ctr, age = now_is.time - r->rotated_at;
	if (d == 0 && r->ctr > 1 && same_branch(t->br, r->br) && age >= 0 && age < DAY && r->br.key == now_is.newest_key)
		return SETTLED;
	return d == 1 ? AUTHENTICATED : OUTCOMES;
}

static enum outcome judge(const struct row *r, const struct token *t, uint64_t idem, bool by_cookie, struct when now_is)
{
	int64_t d = r->ctr - t->ctr, time = now_is.time;
	if (!r->there || (by_cookie && !r->cookie) || (now_is.by.by_token_call && r->cookie))
		return INVALID;
	if (r->client != now_is.by.client)
		return ANOTHERS;
	if (r->bound && r->br.key < now_is.oldest_key)
		return KEYLESS;
	if (r->bound && now_is.by.proof != OWN_KEY && now_is.by.proof != FALSE_PROOF)
		return UNPROVEN;
	if (r->why)
		return REVOKED;
	if (time >= t->exp || (r->end && time >= r->end) || (d >= 0 && time >= r->rotated_at + IDLE))
		return now_is.trust == CLOCK_DOUBTFUL ? DOUBTED : EXPIRED;
	if (r->bound && judge_bound(r, t, now_is) != OUTCOMES)
		return judge_bound(r, t, now_is);
	if (d == 0)
		return same_branch(t->br, r->br) ? ROTATED : FORKED;
	if (d == 1 && idem && idem == r->br.idem)
		return SAME_REQUEST;
	if (d == 1 && r->client == SECRET)
		return AUTHENTICATED;
	if (d == 1 && llabs(time - r->rotated_at) <= grace_of(r))
		return judge_sharer(r, now_is.from);
	if (d == 1 && is_at_place(r, idem, now_is))
		return r->strayed ? AT_PLACE : r->run < 2 ? STRAY_AT_PLACE : SHARED;
	if (d > 0)
		return d > 1 ? OLD : idem ? RIVAL : LATE;
	/* Commits were lost. A row from the future, or from before a step back that no mark saw, proves nothing. */
	return r->rotated_at > time || t->iat + now_is.unseen >= r->rotated_at ? FORWARD : TWO_HEIRS;
}

static bool good(enum outcome o)
{
	return outcomes[o].code == NULL;
}

static bool rotates(enum outcome o)
{
	return o == ROTATED || o == FORWARD;
}

/* tests/pg_home.c, over PostgreSQL; NULL else. */
void pg_home_keep(int place) __attribute__((weak));
void pg_home_put_back(int place) __attribute__((weak));
int pg_home_lasted(void) __attribute__((weak));
enum { MARK_SECONDS = 60 };

/* The mark after an event: only a time that the kernel vouches for raises it, or sets it back. */
static bool confirmed;
static int64_t model_vouch(const struct model *m, int64_t time, enum clock_trust trust)
{
	bool near = m->mark - time <= BEHIND && time - m->mark <= (m->audited ? AUDIT_STEP : STEP);
	return near || trust != CLOCK_GOOD || !confirmed ? m->mark : time;
}

static void model_note(struct model *m, enum event event, int session, enum reuse_class class, int64_t distance, int64_t time,
	enum clock_trust trust)
{
	int64_t at = trust == CLOCK_DOUBTFUL ? m->seen : time, mark = model_vouch(m, time, trust);
	if (!m->audited) {
		if (at >= m->seen + STEP || mark < m->mark) {
			m->seen = at;
			m->mark = mark;
		}
		return;
	}
	m->audits++;
	/* The mark has a row of its own over PostgreSQL, which isn't written each second. */
	if (!pg_home_keep || mark != m->mark || at >= m->seen + MARK_SECONDS)
		m->seen = pg_home_keep && at < m->seen && mark >= m->mark ? m->seen : at;
	m->mark = mark;
	m->last = (struct audit){ .event = event, .session = (uint64_t)session + 1, .class = class, .distance = distance, .time = at };
}

/* What the outcome does to the row; the token that is answered, if one is. What is dated back must last. */
static bool dated_back;
static struct token model_apply(struct model *m, const struct token *t, enum outcome o, uint64_t idem, struct when now_is)
{
	struct row *r = &m->row[t->session];
	int64_t d = r->ctr - t->ctr, time = now_is.time;
	r->strayed |= o == STRAY || o == STRAY_AT_PLACE;
	if (rotates(o)) {
		r->at = now_is.from;
		r->run = r->strayed ? r->run + 1 : 0;
		r->strayed = r->renewed = false;
		r->ctr = t->ctr + 1;
		r->br = (struct branch){ m->newest_key, r->bound ? 0 : idem || !window_of(r) ? idem : number_of(now_is.from) };
		/* No successor is dated before its predecessor, as far as a clock steps back unseen. */
		int64_t rotated = time;
		if (r->rotated_at > rotated && r->rotated_at <= time + DATED_AHEAD)
			rotated = r->rotated_at;
		if (t->iat > rotated && t->iat <= time + DATED_AHEAD)
			rotated = t->iat;
		dated_back = rotated < r->rotated_at || rotated < t->iat;
		r->rotated_at = rotated;
	}
	r->why = outcomes[o].why ? outcomes[o].why : r->why;
	if (outcomes[o].event)
		model_note(m, outcomes[o].event, t->session, outcomes[o].class, d, time, now_is.trust);
	int64_t exp = r->rotated_at + IDLE;
	int key = r->br.key >= m->oldest_key ? r->br.key : m->newest_key;
	return (struct token){ t->session, r->ctr, r->rotated_at, r->end && r->end < exp ? r->end : exp, r->br, key };
}

/* ---- the world: server, clients, clock --------------------------------- */

/* What a party keeps: a token, and the key of a request that has no answer yet. */
struct client {
	int token;                  /* -1: none */
	uint64_t pending;
	bool keyed;                 /* follows the contract */
	struct place from;
};

enum party { HONEST, THIEF, PARTIES };

/* What was seen of a session from outside, for the four properties. */
struct seen {
	bool thief, ended_by_hand, restored;
	enum party mover;           /* who changed the row last */
	int64_t moved_at;
	uint64_t moved_key;
	int current;                /* the token that came of it */
	int newest;                 /* the token of the highest generation that was answered; -1: not since commits were lost */
};

struct files {
	struct slice db, wal;
};

static struct world {
	struct model m;
	uint64_t id[SESSIONS];
	struct client client[SESSIONS][PARTIES];
	struct seen seen[SESSIONS];
	struct token token[TOKENS];
	int tokens;
	struct model kept_model;    /* of the last snapshot */
	bool kept;
	bool hidden;                /* a front shows all clients as one address */
} w;

static char *texts[TOKENS], *accesses[TOKENS];   /* as they came from the server; access: the one issued at the rotation */
static struct config config;
static struct keyring ring;
static struct files kept_files, template;
static uint64_t user_id[2];
static const char *const user_name[2] = { "alice", "bob" };
static char dir[64];
static int64_t clock_now, boot_now;
static uint64_t next_key;
static uint64_t (*model_draw)(uint64_t below);
static int counts[OUTCOMES], requests, mismatches, outages;
static char trace[64 * 1024];
static size_t trace_n;

/* In libc's place, so that they can be counted. */
static int syncs;
int fsync(int fd) { syncs++; return (int)syscall(SYS_fsync, fd); }
int fdatasync(int fd) { syncs++; return (int)syscall(SYS_fdatasync, fd); }

static int64_t fake_clock(void) { return clock_now; }
static int64_t fake_boot(void) { return boot_now; }
static enum clock_witness fake_witness(void) { return confirmed ? CLOCK_KERNEL : CLOCK_NOBODY; }

static uint64_t rnd(uint64_t below)
{
	return model_draw(below);
}

static int pick(int below)
{
	return (int)rnd((uint64_t)below);
}

__attribute__((format(printf, 1, 2))) static void tell(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(trace + trace_n, sizeof trace - trace_n, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < sizeof trace - trace_n)
		trace_n += (size_t)n;
}

/* Notes a difference; the sequence ends with it. */
__attribute__((format(printf, 2, 3))) static void check(bool same, const char *fmt, ...)
{
	if (same)
		return;
	va_list ap;
	char why[512];
	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	tell("#   DIFFERS: %s\n", why);
	mismatches++;
}

static void server_failed(enum error e)
{
	printf("%sBail out! the server failed: %s\n", trace, errors[e].code);
	exit(2);
}

/* ---- files ------------------------------------------------------------- */

static struct slice load(const char *name)
{
	char path[128];
	struct stat s;
	snprintf(path, sizeof path, "%s/%s", dir, name);
	int fd = open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &s) != 0) {
		printf("Bail out! no %s\n", path);
		exit(2);
	}
	char *p = malloc((size_t)s.st_size + 1);
	ssize_t n = p ? read(fd, p, (size_t)s.st_size) : -1;
	close(fd);
	return (struct slice){ p, n > 0 ? (size_t)n : 0 };
}

static void save(const char *name, struct slice bytes)
{
	char path[128];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || !write_all(fd, bytes)) {
		printf("Bail out! cannot write %s\n", path);
		exit(2);
	}
	close(fd);
}

/* The store may be open: what is committed is in these two. */
static void take_files(struct files *f)
{
	if (pg_home_keep) {
		pg_home_keep(f == &template);
		return;
	}
	free((void *)(uintptr_t)f->db.p);
	free((void *)(uintptr_t)f->wal.p);
	*f = (struct files){ load("latchkey.db"), load("latchkey.db-wal") };
}

static void put_files(const struct files *f)
{
	store_close();
	if (pg_home_put_back) {
		pg_home_put_back(f == &template);
		return;
	}
	save("latchkey.db", f->db);
	save("latchkey.db-wal", f->wal);
}

/* ---- comparing rows ---------------------------------------------------- */

static uint64_t mix(uint64_t h, uint64_t v)
{
	return (h ^ v) * UINT64_C(0x100000001b3);
}

/* A number for all that the store holds of sessions and events. */
static uint64_t fingerprint(void)
{
	struct session page[LIMIT_LIST];
	struct audit last[LIMIT_LIST];
	store_open(dir, 5);
	size_t n = store_sessions(0, 0, page), events = store_audits(0, 0, 1, last);
	uint64_t h = mix(n, events ? (uint64_t)last[0].id : 0);
	for (size_t i = 0; i < n; i++) {
		const struct session *s = &page[i];
		const uint64_t parts[] = { s->id, (uint64_t)s->ctr, s->br, s->idem, (uint64_t)s->rotated_at, (uint64_t)s->ended_at, s->why,
			(uint64_t)s->strays };
		for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
			h = mix(h, parts[k]);
	}
	int64_t seen, mark = store_mark(&seen);
	return mix(mix(h, (uint64_t)mark), (uint64_t)seen);
}

static void compare_row(int i)
{
	const struct row *r = &w.m.row[i];
	struct session s;
	bool there = store_session(w.id[i], &s);
	check(there == r->there, "session %d: there %d, model %d", i, there, r->there);
	if (!there || !r->there)
		return;
	check(s.ctr == r->ctr, "session %d: counter %" PRId64 ", model %" PRId64, i, s.ctr, r->ctr);
	check(s.rotated_at == r->rotated_at, "session %d: rotated %" PRId64 ", model %" PRId64, i, s.rotated_at, r->rotated_at);
	check(s.why == r->why && (s.ended_at != 0) == (r->why != 0), "session %d: %s, model %s", i, ended_words[s.why], ended_words[r->why]);
	check(s.strays == (r->bound ? 16 : r->renewed ? 8 : 2 * r->run + r->strayed), "session %d: strays %" PRId64 ", model %d and %d", i, s.strays, r->run, r->strayed);
	check(slice_is(s.ip, slice_of(nets[r->at.net].address)), "session %d: used from %.*s", i, (int)s.ip.n, s.ip.p);
	check(slice_starts(slice_of(agents[r->at.agent]), s.agent) && s.agent.n > 5, "session %d: used by %.*s", i, (int)s.agent.n, s.agent.p);
	check((s.idem != 0) == (r->br.idem != 0 || r->bound || (r->client && r->ctr == 1)), "session %d: key of the last rotation", i);
}

static void compare_store(void)
{
	struct session page[LIMIT_LIST];
	struct audit last[LIMIT_LIST];
	const struct audit *a = &w.m.last;
	size_t there = 0;
	store_open(dir, 5);
	for (int i = 0; i < w.m.rows; i++) {
		compare_row(i);
		there += w.m.row[i].there;
	}
	check(store_sessions(0, 0, page) == there, "number of rows, model %zu", there);
	int64_t seen, mark = store_mark(&seen);
	check(mark == w.m.mark && seen == w.m.seen, "mark %" PRId64 " and %" PRId64 ", model %" PRId64 " and %" PRId64, mark, seen, w.m.mark,
		w.m.seen);
	size_t n = store_audits(0, 0, 1, last);
	check((n ? last[0].id : 0) == w.m.audits, "%" PRId64 " events, model %" PRId64, n ? last[0].id : 0, w.m.audits);
	if (n && a->event)
		check(last[0].event == a->event && last[0].class == a->class && last[0].distance == a->distance && last[0].time == a->time
			&& last[0].session == (a->session > SESSIONS ? 0 : w.id[a->session - 1]),
			"event %s %s %" PRId64 ", model %s %s %" PRId64, event_words[last[0].event], class_words[last[0].class],
			last[0].distance, event_words[a->event], class_words[a->class], a->distance);
}

/* ---- requests ---------------------------------------------------------- */

/* What the model holds to be the time, and what it thinks of the clock. */
static enum clock_trust trust(void)
{
	if (clock_now < clock_build_epoch || (w.m.mark - clock_now > BEHIND && !confirmed))
		return CLOCK_UNSET;
	return w.m.seen && clock_now - w.m.seen > AHEAD && !confirmed ? CLOCK_DOUBTFUL : CLOCK_GOOD;
}

static bool unset(void) { return trust() == CLOCK_UNSET; }
static bool doubt(void) { return trust() == CLOCK_DOUBTFUL; }

static int64_t server_time(void)
{
	int64_t time = clock_now;
	if (unset())
		return w.m.mark > clock_build_epoch ? w.m.mark : clock_build_epoch;
	if (time < w.m.seen && time >= w.m.seen - BEHIND)
		time = w.m.seen;
	return time < w.m.mark && time >= w.m.mark - BEHIND ? w.m.mark : time;
}

static off_t size_of_log(void)
{
	struct stat s;
	char path[128];
	snprintf(path, sizeof path, "%s/latchkey.db-wal", dir);
	return stat(path, &s) == 0 ? s.st_size : 0;
}

/* What the last request made sure of; a log that begins is synced whatever is written. */
static int synced;
static bool log_was_empty;

static void forget_syncs(void)
{
	syncs = pg_home_lasted ? -pg_home_lasted() : 0;
}

static int count_syncs(void)
{
	return syncs + (pg_home_lasted ? pg_home_lasted() : 0);
}

/* What a power cut may take is what the next refresh puts right, and nothing else. */
static void compare_durability(bool durable)
{
	check(durable ? synced > 0 : synced == 0 || log_was_empty, "%d syncs, model %s", synced, durable ? "some" : "none");
}

static struct reply ask(const struct request *rq)
{
	struct reply rp = { 0 };
	requests++;
	forget_syncs();
	log_was_empty = !pg_home_lasted && size_of_log() == 0;
	route_answer(&auth_dialect, &config, &ring, rq, ERROR_NONE, &rp);
	synced = count_syncs();
	buf_c(&rp.body, '\0');
	buf_c(&rp.head, '\0');
	password_slot_leave();
	if (pick(16) == 0) {
		store_tidy();
		store_close();
	}
	return rp;
}

static struct request request_from(struct place from, enum method method, const char *path)
{
	return (struct request){
		.method = method, .below = true, .mount = S("/api/auth"), .path = slice_of(path),
		.peer = slice_of(nets[from.net].address), .user_agent = slice_of(agents[from.agent]),
		.host = S("example.test"), .content_type = S("application/json"),
	};
}

static struct request request_to(enum method method, const char *path)
{
	return request_from((struct place){ 0, 0 }, method, path);
}

/* The text behind `label` up to one of `ends`; NULL where it isn't there. */
static char *part(const struct buf *b, const char *label, const char *ends)
{
	const char *at = strstr(b->p, label);
	return at ? strndup(at + strlen(label), strcspn(at + strlen(label), ends)) : NULL;
}

static int64_t part_number(const struct buf *b, const char *label)
{
	const char *at = strstr(b->p, label);
	return at ? strtoll(at + strlen(label), NULL, 10) : -1;
}

static void compare_code(const struct reply *rp, const char *code)
{
	char *got = part(&rp->body, "\"code\":\"", "\"");
	check(code ? got && strcmp(got, code) == 0 : rp->status / 100 == 2, "answer %d %s, model %s", rp->status, got ? got : "", code ? code : "2xx");
	if (code && strncmp(code, "clock", 5) == 0)
		check(rp->status == 503, "status of %s", code);
	free(got);
}

/* ---- tokens ------------------------------------------------------------ */

static bool same_token(const struct token *a, const struct token *b)
{
	return a->session == b->session && a->ctr == b->ctr && a->iat == b->iat && a->exp == b->exp && a->key == b->key
		&& same_branch(a->br, b->br);
}

/* Access tokens are issued at the rotation, from now where over half is gone or the rotation lies ahead. */
static int64_t access_iat(const struct token *t, int64_t time)
{
	return 2 * (time - t->iat) <= ACCESS && t->iat - time <= BEHIND ? t->iat : time;
}

/*
 * The texts of an answer, by the token that the model expects: one that was handed out before has the same bytes as
 * then, a new one those of no other. Returns its number.
 */
static int keep(const struct token *t, char *text, char *access, int64_t time)
{
	int i = 0;
	while (i < w.tokens && !same_token(&w.token[i], t))
		i++;
	for (int k = 0; k < w.tokens; k++)
		check((strcmp(texts[k], text) == 0) == (k == i), "refresh token against token %d, expected %d", k, i);
	bool issued_then = access_iat(t, time) == t->iat;
	if (i < w.tokens) {
		if (accesses[i])
			check((strcmp(accesses[i], access) == 0) == issued_then, "access token of token %d given again", i);
		free(text);
		free(access);
		return i;
	}
	w.token[i] = *t;
	texts[i] = text;
	accesses[i] = issued_then ? access : NULL;
	if (!issued_then)
		free(access);
	return w.tokens++;
}

/* A pair as the model wants it. */
static int compare_pair(const struct reply *rp, const struct token *t, int64_t time)
{
	bool cookie = w.m.row[t->session].cookie;
	char *in_body = part(&rp->body, "\"refresh_token\":\"", "\""), *in_cookie = part(&rp->head, "latchkey-", ";");
	int64_t until = access_iat(t, time) + ACCESS, end = w.m.row[t->session].end;
	check(part_number(&rp->body, "\"generation\":") == t->ctr, "generation, model %" PRId64, t->ctr);
	check(part_number(&rp->body, "\"refresh_expires_at\":") == t->exp, "refresh_expires_at");
	check(part_number(&rp->body, "\"access_expires_at\":") == (end && end < until ? end : until), "access_expires_at");
	check(part_number(&rp->body, "\"server_time\":") == time, "server_time");
	check(!in_body == cookie && !in_cookie == !cookie, "mode of the session, model %s", cookie ? "cookie" : "body");
	char *text = cookie ? in_cookie : in_body, *access = part(&rp->body, "\"access_token\":\"", "\"");
	if (cookie && in_cookie)        /* behind the name that this instance gives it */
		memmove(text, text + sizeof "01234567=" - 1, strlen(text + sizeof "01234567=" - 1) + 1);
	if (text && access)
		return keep(t, text, access, time);
	check(false, "no pair");
	return 0;
}

static int random_token(void)
{
	return w.tokens ? pick(w.tokens) : -1;
}

/* ---- proofs ------------------------------------------------------------ */

/* Arithmetic that takes a thousandth of the time: a signature is a hash of key and text. */
static void put_signature(struct slice key, struct slice input, uint8_t out[64])
{
	struct buf b = { 0 };
	buf_add(&b, key);
	buf_add(&b, input);
	memset(out, 0, 64);
	derive_sha256(buf_slice(&b), out);
}

bool __wrap_signature_is_good_jws(struct slice key, struct slice input, struct slice signature);
bool __wrap_signature_is_good_jws(struct slice key, struct slice input, struct slice signature)
{
	uint8_t want[64];
	put_signature(key, input, want);
	return slice_is(signature, (struct slice){ (const char *)want, sizeof want });
}

/* x is 32 letters of one kind, and y as well. */
#define THEIRS "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define ANOTHER "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"

static struct slice letters_of(struct slice bytes)
{
	struct buf b = { 0 };
	base64url_add(&b, bytes);
	return buf_slice(&b);
}

static const char *jwk_of(struct slice half)
{
	const char *letters = slice_text(letters_of(half));
	return text_join("{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"", letters, "\",\"y\":\"", letters, "\"}", NULL);
}

static struct slice thumbprint(void)
{
	uint8_t *hash = arena(DERIVE_MAC);
	derive_sha256(slice_of(jwk_of(S(THEIRS))), hash);
	return (struct slice){ (const char *)hash, DERIVE_MAC };
}

/* A proof of that kind for a call; p NULL: none. */
static struct slice proof_of(int kind, const char *call)
{
	uint8_t signature[64];
	struct slice half = kind == OTHER_KEY ? S(ANOTHER) : S(THEIRS);
	if (kind == NO_PROOF)
		return SLICE_NONE;
	const char *header = text_join("{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":", jwk_of(half), "}", NULL);
	const char *claims = text_join("{\"htm\":\"POST\",\"htu\":\"https://example.test/api/auth/", call, "\",\"iat\":1,\"jti\":\"\",\"nonce\":\"",
		slice_text(dpop_nonce(&ring.key[0], clock_now)), "\"}", NULL);
	struct buf b = { 0 };
	buf_add(&b, letters_of(slice_of(header)));
	buf_c(&b, '.');
	buf_add(&b, letters_of(slice_of(claims)));
	put_signature(slice_of(text_join(slice_text(half), slice_text(half), NULL)), buf_slice(&b), signature);
	signature[0] ^= kind == FALSE_PROOF;
	buf_c(&b, '.');
	buf_add(&b, letters_of((struct slice){ (const char *)signature, sizeof signature }));
	return buf_slice(&b);
}

/* ---- what happens ------------------------------------------------------ */

/* Mostly the first: a thief may sit in the same house. */
static struct place random_place(void)
{
	return (struct place){ w.hidden || pick(2) ? 0 : pick(NETS), pick(2) ? 0 : pick(AGENTS) };
}

static void open_row(int i, int user, int client, bool cookie, bool bound, int64_t time)
{
	w.m.row[i] = (struct row){
		.there = true, .cookie = cookie, .bound = bound, .user = user, .client = client, .ctr = 1, .rotated_at = time,
		.end = config.session_ttl ? time + config.session_ttl : 0, .br = { w.m.newest_key, 0 },
	};
	for (int p = 0; p < PARTIES; p++)
		w.client[i][p] = (struct client){ .token = -1, .keyed = pick(6) != 0, .from = random_place() };
	w.m.row[i].at = w.client[i][HONEST].from;
	w.seen[i] = (struct seen){ .mover = HONEST, .moved_at = time };
}

static void first_token(int i, int number)
{
	w.client[i][HONEST].token = number;
	w.seen[i].current = w.seen[i].newest = number;
	w.kept = false;             /* a sign-in is on disk, and all before it */
}

static struct token model_first(int i)
{
	const struct row *r = &w.m.row[i];
	int64_t exp = r->rotated_at + IDLE;
	return (struct token){ i, 1, r->rotated_at, r->end && r->end < exp ? r->end : exp, r->br, r->br.key };
}

/* The mass of them without password and throttle: straight into the store. */
static void sign_in_directly(int i, int user, bool cookie, int64_t time)
{
	struct session s = {
		.id = random_id(), .user = user_id[user], .ctr = 1, .rotated_at = time, .created_at = time,
		.expires_at = w.m.row[i].end, .cookie = cookie, .ip = slice_of(nets[w.m.row[i].at.net].address),
		.agent = slice_of(agents[w.m.row[i].at.agent]), .client = slice_of(clients[w.m.row[i].client].id),
		.idem = w.m.row[i].client ? jwt_idempotency(S("the code")) : 0,
	};
	s.agent.n = s.agent.n < LIMIT_AGENT ? s.agent.n : LIMIT_AGENT;
	const struct key *key = &ring.key[0];
	struct token t = model_first(i);
	s.br = jwt_branch(key, s.id, 1, 0);
	if (w.m.row[i].bound) {
		rotation_bind(&s, key, thumbprint());
		s.br = jwt_branch(key, s.id, 1, s.idem);
	}
	store_open(dir, 5);
	store_begin(DURABLE_NOW);
	store_session_add(&s);
	if (w.m.audited)
		store_audit_add(&(struct audit){ .time = time, .mark = w.m.mark, .event = EVENT_LOGIN, .user = s.user, .session = s.id },
			config.audit_max);
	else
		store_mark_raise(time, w.m.mark);
	store_commit();
	w.id[i] = s.id;
	struct slice text = jwt_seal_refresh(key, &(struct refresh_claims){ config.issuer, s.id, 1, s.br, t.iat, t.exp });
	struct slice access = jwt_seal_access(key, &(struct access_claims){
		.iss = config.issuer, .aud = config.audience, .name = slice_of(user_name[user]), .sub = s.user, .sid = s.id, .iat = time,
		.exp = s.expires_at && s.expires_at < time + ACCESS ? s.expires_at : time + ACCESS, .jti = jwt_access_id(key, s.id, 1, time),
	});
	int number = keep(&t, strndup(text.p, text.n), strndup(access.p, access.n), time);
	if (w.m.row[i].client) {        /* whose access token looks as the dialect says */
		free(accesses[number]);
		accesses[number] = NULL;
	}
	first_token(i, number);
}

/* A sweep takes some of the rows that are over, at random: see which. */
static void absorb_sweep(int64_t time)
{
	struct session s;
	for (int i = 0; i < w.m.rows; i++) {
		struct row *r = &w.m.row[i];
		if (!r->there || store_session(w.id[i], &s))
			continue;
		check(r->rotated_at + IDLE <= time || (r->end && r->end <= time), "session %d was swept", i);
		w.seen[i].ended_by_hand = true;        /* should the clock go back now, it stays over */
		r->there = false;
	}
}

static void sign_in_by_password(int i, int user, bool cookie, int64_t time)
{
	char body[128];
	struct request rq = request_from(w.m.row[i].at, METHOD_POST, "/login");
	snprintf(body, sizeof body, "{\"username\":\"%s\",\"password\":\"correct horse\"%s}", user_name[user], cookie ? ",\"cookie\":true" : "");
	rq.body = slice_of(body);
	if (w.m.row[i].bound)
		rq.dpop = proof_of(OWN_KEY, "login");
	boot_now += DAY;
	struct reply rp = ask(&rq);
	char *id = part(&rp.body, "\"session\":{\"id\":\"", "\"");
	check(id && parse_id(slice_of(id), &w.id[i]), "login answers %d", rp.status);
	free(id);
	struct token t = model_first(i);
	first_token(i, compare_pair(&rp, &t, time));
	store_open(dir, 5);
	w.m.rows--;
	absorb_sweep(time);
	w.m.rows++;
}

static void sign_in(void)
{
	if (w.m.rows == SESSIONS || unset())
		return;
	int i = w.m.rows++, user = pick(2);
	int64_t time = server_time();
	int client = pick(2) ? APP : pick(CLIENTS);
	bool bound = client != SECRET && pick(4) == 0, cookie = client == APP && pick(3) == 0, doubted = doubt(), directly = pick(8) != 0 || doubted || client;
	open_row(i, user, client, cookie, bound, time);
	tell("#   session %d: %s signs in%s%s%s\n", i, user_name[user], client ? text_join(" to ", clients[client].id, NULL) : "",
		cookie ? " with a cookie" : bound ? ", bound" : "", directly ? "" : " by password");
	if (doubted)
		open_row(i, user, client, cookie, bound, time = w.m.seen);
	model_note(&w.m, EVENT_LOGIN, i, 0, 0, time, trust());
	if (directly)
		sign_in_directly(i, user, cookie, time);
	else
		sign_in_by_password(i, user, cookie, time);
}

/* Generations only go up, and of the highest there is one branch: whoever is answered gets that one. */
static void one_line(int s, int got)
{
	struct seen *seen = &w.seen[s];
	const struct token *t = &w.token[got], *newest = &w.token[seen->newest < 0 ? got : seen->newest];
	check(t->ctr >= newest->ctr, "session %d: generation %" PRId64 " after %" PRId64, s, t->ctr, newest->ctr);
	check(t->ctr != newest->ctr || same_branch(t->br, newest->br), "session %d: two branches of generation %" PRId64 " live", s, t->ctr);
	seen->newest = got;
}

/* An honest client is never out, a thief never unnoticed: told from what was seen alone. */
static void properties(int s, enum party who, int shown, enum outcome o, uint64_t idem, int proof, int64_t time)
{
	struct seen *seen = &w.seen[s];
	bool refused = !good(o) && o != UNSET && o != DOUBTED && o != RIVALS && o != CUT && o != KEYLESS;
	check(!good(o) || !w.m.row[s].bound || proof == OWN_KEY, "session %d: somebody without its key was answered", s);
	if (who == HONEST && refused && (w.client[s][HONEST].keyed || w.m.row[s].bound || w.m.row[s].client == SECRET))
		check(seen->thief || seen->ended_by_hand || o == EXPIRED || w.token[shown].key < w.m.oldest_key || time >= w.token[shown].exp,
			"session %d: an honest client was signed out", s);
	/* Rolled forward, it is found one refresh later: dates as near as that tell no heir from another. */
	bool excused = o == FORWARD || o == AUTHENTICATED || o == AT_PLACE || o == STRAY_AT_PLACE || seen->restored || (idem && idem == seen->moved_key);
	/* Where a commit was lost, the same request got two answers that are one heir. */
	const struct token *t = &w.token[shown], *heir = &w.token[seen->current];
	bool current = t->ctr == heir->ctr && same_branch(t->br, heir->br);
	if (good(o) && who != seen->mover && !current && time - seen->moved_at > grace_of(&w.m.row[s]) && !excused)
		check(false, "session %d: a thief went unnoticed", s);
}

/* The grace is reckoned from the row's date, which may be ahead by what a clock steps back unseen. */
static void saw(int s, enum party who, enum outcome o, uint64_t idem, int token)
{
	struct seen *seen = &w.seen[s];
	seen->thief |= who == THIEF && o != UNPROVEN;   /* who hasn't the key of a bound session is no excuse */
	if (rotates(o)) {
		*seen = (struct seen){ seen->thief, seen->ended_by_hand, false, who, w.m.row[s].rotated_at, idem, token, seen->newest };
		tell("#     now token %d\n", token);
	}
}

/* One or two tokens as cookies, or one in the body. */
struct shown {
	int token[2], count;
	bool by_cookie;
	uint64_t idem;
	struct place from;
	int named;                  /* a session, + 1; 0: none */
	struct presenter by;
};

static struct request refresh_request(const struct shown *shown)
{
	static char body[LIMIT_JWT + 256], cookie[2 * LIMIT_JWT + 256], key[64], header[64], named[64];
	struct request rq = request_from(shown->from, METHOD_POST, "/refresh");
	bool in_body = pick(2);
	key[0] = '\0';
	if (shown->idem && in_body)
		snprintf(key, sizeof key, ",\"idempotency_key\":\"k%" PRIu64 "\"", shown->idem);
	snprintf(header, sizeof header, "k%" PRIu64, shown->idem);
	if (shown->idem && !in_body)
		rq.idempotency_key = slice_of(header);
	if (shown->by_cookie) {
		named[0] = '\0';
		if (shown->named)
			snprintf(named, sizeof named, ",\"session\":\"%016" PRIx64 "\"", w.id[shown->named - 1]);
		snprintf(body, sizeof body, "{\"cookie\":true%s%s}", key, named);
		snprintf(cookie, sizeof cookie, "a=b; __Secure-latchkey=%s; __Secure-latchkey=%s", texts[shown->token[0]],
			shown->count > 1 ? texts[shown->token[1]] : "");
		rq.cookie = slice_of(cookie);
		rq.sec_fetch_site = S("same-origin");
	} else {
		snprintf(body, sizeof body, "{\"refresh_token\":\"%s\"%s}", texts[shown->token[0]], key);
	}
	rq.body = slice_of(body);
	rq.dpop = proof_of(shown->by.proof, "refresh");
	return rq;
}

static struct reply ask_refresh(const struct shown *shown)
{
	struct request rq = refresh_request(shown);
	return ask(&rq);
}

static enum error rotate_as(const struct shown *shown, struct work *work, struct grant *g)
{
	static struct proof proof;
	char key[64];
	snprintf(key, sizeof key, "k%" PRIu64, shown->idem);
	if (shown->by.proof && !clients[shown->by.client].authenticated
		&& dpop_read(proof_of(shown->by.proof, "token"), S("//example.test/api/auth/token"), &ring, clock_now, &proof) == ERROR_NONE)
		work->proof = &proof;
	struct rotation r = { .client = slice_of(clients[shown->by.client].id), .authenticated = clients[shown->by.client].authenticated,
		.no_retry = clients[shown->by.client].no_retry, .body_only = true };
	if (!session_present(work, slice_of(texts[shown->token[0]]), false, shown->idem ? slice_of(key) : SLICE_NONE, &r))
		return ERROR_REFRESH_INVALID;
	enum error e = session_clock(work);
	return e == ERROR_NONE ? session_rotate(work, &r, 1, 0, g) : e;
}

/* What OAuth's dialect asks of the policy; the answer is written as the app API writes it, so that it is read by one reader. */
static struct reply ask_token(const struct shown *shown)
{
	struct reply rp = { .status = 200 };
	struct work work = { .config = &config, .ring = &ring, .peer = slice_of(nets[shown->from.net].address), .agent = slice_of(agents[shown->from.agent]) };
	struct grant g = { 0 };
	requests++;
	forget_syncs();
	log_was_empty = !pg_home_lasted && size_of_log() == 0;
	enum error e = rotate_as(shown, &work, &g);
	synced = count_syncs();
	rp.status = errors[e].status;
	if (e != ERROR_NONE)
		buf_s(&rp.body, text_join("\"code\":\"", errors[e].code, "\"", NULL));
	else
		auth_json_pair(&(struct jw){ .out = &rp.body }, &g, work.time);
	buf_c(&rp.body, '\0');
	buf_c(&rp.head, '\0');
	return rp;
}

/* Whether a token with outcome o goes before the one that was best so far. */
static bool goes_before(const struct token *t, enum outcome o, const struct token *chosen, enum outcome best, int named)
{
	if (chosen == NULL || !good(best))
		return chosen == NULL || good(o) || (outcomes[o].why && !outcomes[best].why);
	bool newer = o == SAME_REQUEST || (t->ctr > chosen->ctr && best != SAME_REQUEST);
	return good(o) && (t->session == chosen->session ? newer : t->session + 1 == named);
}

/* Of the good tokens the one of the session that is named, or of the only one its retry or the newest; else the first that ends a session;
 * else the first that carries our MAC. */
static enum outcome model_choose(const struct shown *shown, struct when now_is, int *chosen)
{
	enum outcome best = INVALID;
	bool rivals = false;
	*chosen = -1;
	for (int i = 0; i < shown->count; i++) {
		const struct token *t = &w.token[shown->token[i]], *other = *chosen < 0 ? NULL : &w.token[*chosen];
		if (t->key < w.m.oldest_key)
			continue;
		enum outcome o = unset() ? UNSET : judge(&w.m.row[t->session], t, shown->idem, shown->by_cookie, now_is);
		rivals |= other && good(best) && good(o) && t->session != other->session;
		if (goes_before(t, o, other, best, shown->named)) {
			best = o;
			*chosen = shown->token[i];
		}
	}
	bool bound = *chosen >= 0 && w.m.row[w.token[*chosen].session].bound;
	if (!rivals || w.token[*chosen].session + 1 == shown->named)    /* the signature is looked at last */
		return bound && shown->by.proof == FALSE_PROOF && (good(best) || outcomes[best].why) ? UNPROVEN : best;
	*chosen = -1;
	return RIVALS;
}

static bool refresh(int s, enum party who, const struct shown *shown, int *got)
{
	int chosen;
	int64_t time = server_time();
	struct when now_is = { time, w.m.audited ? 0 : STEP + BEHIND, trust(), shown->from, shown->by, w.m.newest_key, w.m.oldest_key };
	enum outcome o = model_choose(shown, now_is, &chosen);
	uint64_t before = fingerprint();
	struct reply rp = shown->by.by_token_call ? ask_token(shown) : ask_refresh(shown);
	tell("#   session %d: %s%s shows token %d%s, key %" PRIu64 ": %s\n", s, who == HONEST ? "client" : "thief",
		shown->by.by_token_call ? text_join(" as ", clients[shown->by.client].id, NULL) : "", shown->token[0],
		shown->count > 1 ? " and another" : "", shown->idem, outcomes[o].name);
	counts[o]++;
	compare_code(&rp, outcomes[o].code);
	dated_back = false;
	if (chosen >= 0 && now_is.trust != CLOCK_UNSET) {
		struct token heir = model_apply(&w.m, &w.token[chosen], o, shown->idem, now_is);
		if (good(o) && !mismatches)
			*got = compare_pair(&rp, &heir, time);
	}
	compare_durability(outcomes[o].why != ENDED_NOT || dated_back);
	w.kept = w.kept && !dated_back;
	if (!outcomes[o].event)
		check(fingerprint() == before, "something was written");
	w.kept = w.kept && !outcomes[o].why;
	int about = chosen >= 0 ? w.token[chosen].session : s;
	/* A cookie that somebody put beside the client's own, and that counts, isn't the client's doing. */
	enum party actor = about == s && (chosen < 0 || chosen == w.client[s][who].token) ? who : THIEF;
	properties(about, actor, chosen >= 0 ? chosen : shown->token[0], o, shown->idem, shown->by.proof, time);
	saw(about, actor, o, shown->idem, *got);
	if (good(o) && !mismatches)
		one_line(about, *got);
	return good(o) ? about == s : !outcomes[o].code || (o != UNSET && o != DOUBTED && o != RIVALS && o != CUT && o != UNPROVEN && o != KEYLESS);
}

/* A client shows itself. Who has stolen a token may show it as whatever client he likes, but for one that has a secret. */
static struct presenter presents(int s, enum party who)
{
	int client = w.m.row[s].client;
	if (who == THIEF && (client == SECRET || pick(4) == 0))
		client = pick(2) ? APP : PUBLIC;
	bool bound = w.m.row[s].bound;
	int proof = who == THIEF ? pick(2) * (pick(2) ? OTHER_KEY : FALSE_PROOF) : bound || pick(8) == 0 ? OWN_KEY : NO_PROOF;
	return (struct presenter){ client, client || (!w.m.row[s].cookie && pick(8) == 0), proof };
}

/* A party goes on with what it holds: its own retry, or a new request. */
static void party_refreshes(int s, enum party who)
{
	struct client *c = &w.client[s][who];
	if (c->token < 0 || w.tokens > TOKENS - 4)
		return;
	if (c->pending == 0 && c->keyed)
		c->pending = ++next_key;
	if (pick(12) == 0)
		c->from = random_place();
	struct presenter by = presents(s, who);
	struct shown shown = { { c->token, 0 }, 1, !by.by_token_call && w.m.row[s].cookie && pick(4) != 0, c->pending, c->from,
		who == HONEST && pick(4) ? s + 1 : 0, by };
	if (shown.by_cookie && pick(4) == 0) {
		shown.token[shown.count++] = random_token();
		if (who == THIEF && pick(2))
			shown = (struct shown){ { shown.token[1], shown.token[0] }, 2, true, shown.idem, c->from, shown.named, by };
	}
	int got = -1;
	bool answered = refresh(s, who, &shown, &got);
	if (!answered)
		return;                 /* 503: the same again later */
	if (pick(4) == 0) {
		tell("#     the answer is lost\n");
		return;
	}
	*c = (struct client){ .token = got, .keyed = c->keyed, .from = c->from };
}

/* Of any generation, with the stored key now and then. */
static void theft(int s)
{
	struct client *c = &w.client[s][THIEF];
	int t = pick(2) ? w.client[s][HONEST].token : random_token();
	if (t < 0 || w.token[t].session != s)
		return;
	*c = (struct client){ .token = t, .pending = pick(8) ? 0 : w.client[s][HONEST].pending, .keyed = pick(2), .from = c->from };
	tell("#   session %d: token %d is stolen\n", s, t);
}

/* He asks again whenever the other was answered, and so has what the other has. */
static void stalk(int s)
{
	theft(s);
	for (int rounds = 1 + pick(5); rounds > 0 && !mismatches && !unset(); rounds--) {
		party_refreshes(s, pick(5) ? HONEST : THIEF);
		clock_now += pick(GRACE);
		party_refreshes(s, pick(5) ? THIEF : HONEST);
	}
}

/* Any token with any key or none: whoever does that is no honest client. */
static void stray(void)
{
	int t = random_token();
	if (t < 0 || w.tokens > TOKENS - 4)
		return;
	int got = -1;
	int client = pick(2) ? w.m.row[w.token[t].session].client : pick(CLIENTS);
	struct presenter by = { client, client || pick(4) == 0, pick(PROOFS) };
	struct shown shown = { { t, 0 }, 1, !by.by_token_call && pick(3) == 0, pick(2) ? 0 : rnd(next_key + 1), random_place(), 0, by };
	refresh(w.token[t].session, THIEF, &shown, &got);
}

static void snapshot(void)
{
	take_files(&kept_files);
	w.kept_model = w.m;
	w.kept = true;
	tell("#   all until here reaches the disk\n");
}

/* What was committed after the last thing that reached the disk is gone. Keys lie in a file of their own. */
static void power_cut(void)
{
	if (!w.kept)
		return;
	int newest = w.m.newest_key, oldest = w.m.oldest_key;
	put_files(&kept_files);
	w.m = w.kept_model;
	w.m.newest_key = newest;
	w.m.oldest_key = oldest;
	for (int i = 0; i < w.m.rows; i++) {
		w.seen[i].restored = true;
		w.seen[i].newest = -1;
	}
	outages++;
	tell("#   power cut\n");
}

static bool stands(const struct row *r, int64_t time)
{
	return r->there && !r->why && (doubt() || unset() || (time < r->rotated_at + IDLE && (!r->end || time < r->end)));
}

/* A user ends one session from another. */
static void end_from(int from, int target)
{
	const struct row *a = &w.m.row[from];
	struct row *b = &w.m.row[target];
	int64_t time = server_time();
	if (a->client)
		return;                 /* whose access token the dialect judges */
	enum clock_trust trusted = trust();
	char path[64], bearer[LIMIT_JWT + 16];
	struct slice access = jwt_seal_access(&ring.key[0], &(struct access_claims){
		.iss = config.issuer, .aud = config.audience, .sub = user_id[a->user], .sid = w.id[from], .iat = time, .exp = time + ACCESS });
	snprintf(path, sizeof path, "/sessions/%016" PRIx64, w.id[target]);
	snprintf(bearer, sizeof bearer, "Bearer %.*s", (int)access.n, access.p);
	const char *code = !a->there ? "token_invalid" : !stands(a, time) ? "session_revoked"
		: a->user != b->user || !stands(b, time) ? "not_found" : NULL;
	uint64_t before = fingerprint();
	struct request rq = request_to(METHOD_DELETE, path);
	rq.authorization = slice_of(bearer);
	struct reply rp = ask(&rq);
	tell("#   session %d revokes %d: %s\n", from, target, code ? code : "done");
	compare_code(&rp, code);
	if (code) {
		check(fingerprint() == before, "something was written");
		return;
	}
	compare_durability(true);
	b->why = ENDED_REVOKED;
	w.seen[target].ended_by_hand = true;
	w.kept = false;
	model_note(&w.m, EVENT_REVOKE, target, 0, 0, time, trusted);
}

/*
 * The user ends all other sessions. Who shows his newest token and a key has a successor that nobody else is given; and
 * asks for it again by a refresh, if that answer is lost.
 */
static void end_others(int s)
{
	static char body[LIMIT_JWT + 256];
	struct client *c = &w.client[s][HONEST];
	struct row *r = &w.m.row[s];
	int64_t time = server_time();
	enum clock_trust trusted = trust();
	struct when now_is = { time, w.m.audited ? 0 : STEP + BEHIND, trusted, c->from, { APP, false, NO_PROOF }, w.m.newest_key, w.m.oldest_key };
	if (c->token < 0 || c->pending || r->client || !stands(r, time) || unset() || w.tokens > TOKENS - 4)
		return;
	uint64_t key = pick(3) ? ++next_key : 0;
	const struct token *t = &w.token[c->token];
	enum outcome o = t->key < w.m.oldest_key || !key ? INVALID : judge(r, t, key, false, now_is);
	char bearer[LIMIT_JWT + 16];
	struct slice access = jwt_seal_access(&ring.key[0], &(struct access_claims){
		.iss = config.issuer, .aud = config.audience, .sub = user_id[r->user], .sid = w.id[s], .iat = time, .exp = time + ACCESS });
	snprintf(bearer, sizeof bearer, "Bearer %.*s", (int)access.n, access.p);
	struct request rq = request_from(c->from, METHOD_DELETE, "/sessions");
	rq.authorization = slice_of(bearer);
	snprintf(body, sizeof body, "{\"refresh_token\":\"%s\",\"idempotency_key\":\"k%" PRIu64 "\"}", texts[c->token], key);
	rq.body = key ? slice_of(body) : SLICE_NONE;
	struct reply rp = ask(&rq);
	tell("#   session %d ends all others, token %d, key %" PRIu64 ": %s\n", s, c->token, key, rotates(o) ? "and is renewed" : "done");
	compare_code(&rp, NULL);
	check(rp.status == (rotates(o) ? 200 : 204), "answer %d", rp.status);
	int64_t seen_before = w.m.seen;
	bool writes = w.m.audited || rotates(o);
	for (int i = 0; i < w.m.rows; i++) {
		struct row *other = &w.m.row[i];
		if (i == s || other->user != r->user || !other->there || other->why)
			continue;
		other->why = ENDED_REVOKED;
		w.seen[i].ended_by_hand = writes = true;
	}
	if (rotates(o)) {
		const struct model before = w.m;        /* one event is noted, not two */
		struct token heir = model_apply(&w.m, t, o, key, now_is);
		w.m.audits = before.audits;
		w.m.seen = before.seen;
		w.m.mark = before.mark;
		w.m.last = before.last;
		r->renewed = true;
		int got = mismatches ? -1 : compare_pair(&rp, &heir, time);
		saw(s, HONEST, o, key, got);
		c->pending = pick(4) ? 0 : key;
		c->token = c->pending ? c->token : got;
		if (!mismatches)
			one_line(s, got);
	}
	model_note(&w.m, EVENT_REVOKE, SESSIONS, 0, 0, time, trusted);
	writes |= w.m.seen != seen_before;
	compare_durability(writes);
	w.kept = w.kept && !writes;
	if (r->renewed && !mismatches && pick(2))
		party_refreshes(s, THIEF);
}

/* Of one that isn't its session's newest, nor the one before: it ends that session at most, as reuse. */
static bool is_spent(const struct row *r, const struct token *t)
{
	bool sound = r->br.key >= w.m.oldest_key;
	return sound && (r->ctr - t->ctr > 1 || (r->ctr == t->ctr && !same_branch(r->br, t->br)));
}

static void logout_spent(const struct token *t, int64_t time, enum clock_trust trusted)
{
	struct row *r = &w.m.row[t->session];
	bool fork = r->ctr == t->ctr;
	r->why = fork ? ENDED_FORK : ENDED_REUSE;
	w.seen[t->session].ended_by_hand = true;
	model_note(&w.m, fork ? EVENT_FORK : EVENT_REUSE, t->session, fork ? CLASS_NONE : CLASS_OLD, r->ctr - t->ctr, time, trusted);
}

/* By any token that a session ever had; of this session or of all. It doesn't wait for the clock. */
static void logout(void)
{
	static char body[LIMIT_JWT + 64];
	int t = random_token();
	if (t < 0)
		return;
	int s = w.token[t].session;
	bool all = pick(2), ours = w.token[t].key >= w.m.oldest_key;
	enum clock_trust trusted = trust();
	bool acts = ours && w.m.row[s].there && !w.m.row[s].why && !w.m.row[s].client, spent = acts && is_spent(&w.m.row[s], &w.token[t]);
	int64_t time = server_time();
	uint64_t before = fingerprint();
	struct request rq = request_to(METHOD_POST, "/logout");
	snprintf(body, sizeof body, "{\"refresh_token\":\"%s\"%s}", texts[t], all ? ",\"all\":true" : "");
	rq.body = slice_of(body);
	struct reply rp = ask(&rq);
	tell("#   session %d: logout%s by token %d%s\n", s, all ? " of all" : "", t, spent ? ", a spent one" : acts ? "" : ", without effect");
	compare_code(&rp, spent && all ? "refresh_reused" : NULL);
	if (!acts) {
		check(fingerprint() == before, "something was written");
		return;
	}
	compare_durability(true);
	w.kept = false;
	if (spent) {
		logout_spent(&w.token[t], time, trusted);
		return;
	}
	for (int i = 0; i < w.m.rows; i++) {
		struct row *r = &w.m.row[i];
		if (i != s && !(all && r->user == w.m.row[s].user))
			continue;
		r->why = r->why || !r->there ? r->why : ENDED_LOGOUT;
		w.seen[i].ended_by_hand = true;
	}
	model_note(&w.m, EVENT_LOGOUT, s, 0, 0, time, trusted);
}

static void put_key(int number)
{
	struct key key = { .created_at = clock_build_epoch };
	snprintf(key.kid, sizeof key.kid, "%08x", (unsigned)number);
	memset(key.master, number + 1, KEY_SIZE);
	keyring_add(&ring, &key);
}

static void rotate_key(void)
{
	if (ring.count == LIMIT_KEYS)
		return;
	put_key(++w.m.newest_key);
	tell("#   key %d signs from now on\n", w.m.newest_key);
}

static void retire_key(void)
{
	if (ring.count < 2)
		return;
	tell("#   key %d is retired\n", w.m.oldest_key++);
	ring.count--;
}

/* Seconds mostly, minutes, hours, days; back a little, back a lot, a long way ahead. */
static void time_passes(void)
{
	static const struct { int weight; int64_t least, most; } spans[] = {
		{ 30, 0, 5 }, { 20, GRACE - 2, GRACE + 2 }, { 10, PUBLIC_GRACE - 2, PUBLIC_GRACE + 2 }, { 5, HOUR - 2, HOUR + 2 }, { 14, 1, 10 * MINUTE }, { 14, ACCESS / 2 - 2, ACCESS / 2 + 2 }, { 10, HOUR, DAY },
		{ 6, DAY, 20 * DAY }, { 3, IDLE - 3, IDLE + 3 }, { 10, -BEHIND, -1 }, { 3, -HOUR, -BEHIND }, { 1, -400 * DAY, -DAY },
	};
	int at = pick(126);
	size_t i = 0;
	while (at >= spans[i].weight)
		at -= spans[i++].weight;
	int64_t step = spans[i].least + (int64_t)rnd((uint64_t)(spans[i].most - spans[i].least + 1));
	clock_now += step;
	confirmed = pick(8) != 0;
	tell("#   %+" PRId64 " s%s%s\n", step, confirmed ? "" : ", clock not confirmed", unset() ? ", and unset" : doubt() ? ", and doubted" : "");
}

/* Somebody sets the clock right: the only cure for one that is behind. */
static void clock_is_set(void)
{
	if (unset())
		clock_now = w.m.mark + pick(100);
}

static void happen(void)
{
	int what = pick(100), s = w.m.rows ? pick(w.m.rows) : 0;
	if (w.m.rows == 0)
		sign_in();
	else if (what < 40)
		party_refreshes(s, HONEST);
	else if (what < 68)
		time_passes();
	else if (what < 72)
		theft(s);
	else if (what < 77)
		party_refreshes(s, THIEF);
	else if (what < 78)
		stalk(s);
	else if (what < 81)
		stray();
	else if (what < 86)
		snapshot();
	else if (what < 91)
		power_cut();
	else if (what < 93)
		sign_in();
	else if (what < 94)
		end_from(s, pick(w.m.rows));
	else if (what < 95)
		pick(2) ? logout() : end_others(s);
	else if (what < 97)
		rotate_key();
	else if (what < 98)
		retire_key();
	else
		clock_is_set();
}

/* ---- sequences --------------------------------------------------------- */

static void forget_tokens(void)
{
	for (int i = 0; i < w.tokens; i++) {
		free(texts[i]);
		free(accesses[i]);
	}
}

static void begin(void)
{
	forget_tokens();
	trace_n = 0;
	trace[0] = '\0';
	next_key = 0;
	w = (struct world){ 0 };
	ring.count = 0;
	put_key(0);
	clock_now = clock_build_epoch + DAY;
	confirmed = true;
	config.session_ttl = pick(3) ? 0 : 40 * DAY;
	config.retry_window = pick(2) ? pick(2) * HOUR : -1;
	app_window = config.retry_window > 0 ? config.retry_window : 0;
	public_window = config.retry_window < 0 ? HOUR : config.retry_window;
	w.m.audited = pick(4) != 0;
	w.hidden = pick(4) == 0;
	config.audit = w.m.audited ? AUDIT_TABLE : AUDIT_OFF;
	put_files(&template);
}

/* One thing happens, and all is compared. False where server and model differ. */
static bool step(void)
{
	size_t mark = arena_mark();
	happen();
	compare_store();
	arena_back(mark);
	return !mismatches;
}

static void set_up(void)
{
	const char *error = config_parse(SLICE_NONE, &config);
	if (error || !make_dir(&dir, "lk-model")) {
		printf("Bail out! no directory\n");
		exit(2);
	}
	config.dir = dir;
	config.throttle_dir = slice_of(dir);
	config.password.kib = 8;
	config.password.passes = 1;
	on_fail(server_failed);
	base_clock = fake_clock;
	throttle_clock = fake_boot;
	clock_witness = fake_witness;
	store_create(dir);
	store_begin(DURABLE_NOW);
	for (int i = 0; i < 2; i++) {
		struct user u = { .id = user_id[i] = random_id(), .name = slice_of(user_name[i]) };
		u.password = password_hash(S("correct horse"), (struct password_cost){ 8, 1 });
		store_user_add(&u);
	}
	store_commit();
	take_files(&template);
}

static void clean_up(void)
{
	static const char *const names[] = { "latchkey.db", "latchkey.db-wal", "latchkey.lock", "password.lock", "throttle", "latchkey.pgdb" };
	char path[128];
	store_close();
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		unlink(path);
	}
	is_int(rmdir(dir), 0, "nothing is left behind");
}

#endif
