/*
 * session: see session.h.
 *
 * Rules: what changes something is one transaction with its event; reuse is
 * concluded from a row that was read in the transaction that acts on it; a
 * token without our MAC never opens the store.
 */
#include "session.h"

#include "base/file.h"
#include "profile.h"

enum {
	ROOM_LEAST = 64 * 1024,    /* bytes free, without which the store's log soon can't grow */
	TURN_SECONDS = 5,          /* how long a request waits for the store */
	AGAIN_SECONDS = 600,       /* how long a sign-in that comes again with its key is the same */
	COOKIE_SECONDS = 400 * 86400, /* as long as a browser keeps a cookie (RFC 6265bis, 5.5) */
	UNSEEN_SECONDS = 3720      /* how far the clock can go back unseen where the mark is raised by the hour */
};

bool session_username_ok(struct slice name)
{
	return name.n > 0 && name.n <= LIMIT_USERNAME && slice_made_of(name, "._@+-'");
}

struct slice session_name(const struct user *u)
{
	return session_username_ok(u->name) ? u->name : S("");
}

/* ---- time -------------------------------------------------------------- */

/* A step back that is no larger than a clock's own is not made. */
static int64_t not_before(int64_t time, int64_t floor)
{
	return floor - time <= JWT_AHEAD_SECONDS ? clock_later(time, floor) : time;
}

/* The clock is asked once. While it is unset a change is dated at the mark. */
static enum error settle_time(struct work *w)
{
	w->time = now();
	w->trust = clock_judge(w->time, w->mark, w->seen);
	w->time = not_before(not_before(w->time, w->seen), w->mark);
	if (w->trust != CLOCK_UNSET)
		return ERROR_NONE;
	w->time = clock_later(w->mark, clock_build_epoch);
	log_line("SN2", "the clock of this host is behind what the store has seen; latchkey check says by how much", NULL);
	return ERROR_CLOCK_UNSET;
}

enum error session_clock(struct work *w)
{
	store_open(w->config->dir, TURN_SECONDS);
	w->mark = store_mark(&w->seen);
	return settle_time(w);
}

static enum error write_nothing(void *arg)
{
	(void)arg;
	return ERROR_NONE;
}

bool session_has_room(const struct work *w)
{
	return file_room(w->config->dir) >= ROOM_LEAST;
}

/* A transaction is begun: a log that can't be written is found by that alone. One that can't grow isn't. */
enum error session_ready(struct work *w)
{
	enum error e = session_clock(w);
	if (e == ERROR_NONE)
		e = store_run(DURABLE_LATER, write_nothing, NULL);
	return e == ERROR_NONE && !session_has_room(w) ? ERROR_STORE_FULL : e;
}

/* The earlier of the two; end 0 is none. */
static int64_t until(int64_t time, int64_t end)
{
	return end && end < time ? end : time;
}

int64_t session_deadline(const struct config *config, const struct session *s)
{
	return until(s->rotated_at + config->refresh_ttl, s->expires_at);
}

static bool has_expired(const struct work *w, const struct session *s)
{
	return w->trust == CLOCK_GOOD && w->time >= session_deadline(w->config, s);
}

const char *session_state(const struct work *w, const struct session *s, const struct user *u)
{
	if (s->ended_at)
		return ended_words[s->why ? s->why : ENDED_UNKNOWN];
	if (u == NULL || u->disabled)
		return ended_words[u ? ENDED_DISABLED : ENDED_UNKNOWN];
	return has_expired(w, s) ? "expired" : ended_words[ENDED_NOT];
}

bool session_over(const struct work *w, const struct session *s, const struct user *u)
{
	return session_state(w, s, u) != ended_words[ENDED_NOT];
}

/* ---- tokens ------------------------------------------------------------ */

static void issue_refresh(const struct work *w, const struct key *key, struct grant *g)
{
	const struct session *s = &g->session;
	g->refresh_end = session_deadline(w->config, s);
	g->refresh = jwt_seal_refresh(key, &(struct refresh_claims){
		.iss = w->config->issuer,
		.sid = s->id,
		.ctr = s->ctr,
		.br = s->br,
		.iat = s->rotated_at,
		.exp = g->refresh_end,
	});
}

/*
 * Dated at the rotation, so that the same answer can be given twice. Dated now
 * where over half of that token's life is gone, or where the clock was put back
 * since: it would be refused as one from the future.
 */
static void issue_access(const struct work *w, const struct key *key, struct grant *g)
{
	const struct session *s = &g->session;
	int64_t life = w->config->access_ttl;
	int64_t age = w->time - s->rotated_at;
	int64_t iat = 2 * age <= life && age >= -JWT_AHEAD_SECONDS ? s->rotated_at : w->time;
	const struct profile *profile = profile_held(&g->user.profile);
	g->access_end = until(iat + life, s->expires_at);
	g->access = jwt_seal_access(key, &(struct access_claims){
		.iss = w->config->issuer,
		.aud = w->config->audience,
		.name = session_name(&g->user),
		.groups = profile->groups,
		.email = profile->email,
		.display_name = profile->name,
		.sub = g->user.id,
		.sid = s->id,
		.iat = iat,
		.exp = g->access_end,
		.jti = jwt_access_id(key, s->id, s->ctr, iat),
	});
}

static void issue(const struct work *w, const struct key *key, struct grant *g)
{
	issue_access(w, key, g);
	issue_refresh(w, key, g);
}

static void issue_site(const struct work *w, const struct key *key, struct grant *g)
{
	const struct session *s = &g->session;
	g->door = jwt_seal_site(key, &(struct site_claims){ .sid = s->id, .iat = (int64_t)s->idem, .door = 1 });
	g->site = jwt_seal_site(key, &(struct site_claims){ .sid = s->id, .iat = (int64_t)s->idem });
	g->refresh_end = until(w->time + COOKIE_SECONDS, s->expires_at);
}

void session_grant(const struct work *w, struct grant *g)
{
	if (g->session.ctr)
		issue(w, &w->ring->key[0], g);
	else
		issue_site(w, &w->ring->key[0], g);
}

/* ---- the way in -------------------------------------------------------- */

/* Who asks, as far as it is kept. */
static struct slice agent_of(const struct work *w)
{
	return (struct slice){ w->agent.p, w->agent.n < LIMIT_AGENT ? w->agent.n : LIMIT_AGENT };
}

bool session_fits_site(const struct rotation *r)
{
	return r->row.ctr == 0 && (int64_t)r->row.idem == r->token.iat;
}

static bool is_worthless(struct rotation *r)
{
	return r->token.ctr ? rotation_is_spent(r) : !session_fits_site(r);
}

/* A browser that signs in again lets go of the session that it had. */
static int64_t end_shown(const struct work *w, uint64_t user, const struct origin *origin)
{
	int64_t ended = 0;
	for (size_t i = 0; i < origin->count; i++) {
		struct rotation *r = &origin->shown[i];
		r->ring = w->ring;
		if (store_session_lock(r->token.sid, &r->row) && r->row.user == user && r->row.cookie && !is_worthless(r))
			ended += store_session_end(r->row.id, ENDED_REPLACED, w->time);
	}
	return ended;
}

/* A session that begins with a key is found again by its id, of 63 bits as random_id()'s. */
static uint64_t id_by_key(const struct key *key, uint64_t user, struct slice idempotency)
{
	return jwt_branch(key, user, 0, jwt_idempotency(idempotency)) & INT64_MAX;
}

static bool is_again(const struct work *w, uint64_t user, const struct origin *origin, const struct session *s)
{
	bool same = s->user == user && s->cookie == origin->cookie && s->brief == origin->brief;
	return same && s->ctr == !origin->site && !s->ended_at && w->time - s->created_at <= AGAIN_SECONDS;
}

/* Whichever key signed then: before the request comes again a new one may sign, and the oldest may be retired. */
bool session_again(const struct work *w, uint64_t user, const struct origin *origin, struct session *out)
{
	bool found = false;
	for (size_t i = 0; origin->idempotency.p && !found && i < w->ring->count; i++)
		found = store_session(id_by_key(&w->ring->key[i], user, origin->idempotency), out) && is_again(w, user, origin, out);
	return found;
}

/* A key that was used for another sign-in names no second session. */
static uint64_t new_id(const struct work *w, uint64_t user, struct slice idempotency)
{
	struct session other;
	uint64_t id = idempotency.p ? id_by_key(&w->ring->key[0], user, idempotency) : 0;
	return id == 0 || store_session(id, &other) ? random_id() : id;
}

void session_start(struct work *w, uint64_t user, const struct origin *origin, enum event event, struct session *out)
{
	if (session_again(w, user, origin, out))
		return;
	*out = (struct session){
		.id = new_id(w, user, origin->idempotency),
		.user = user,
		.ctr = !origin->site,
		.idem = origin->site ? (uint64_t)w->time : 0,
		.rotated_at = w->time,
		.created_at = w->time,
		.expires_at = w->config->session_ttl ? w->time + w->config->session_ttl : 0,
		.cookie = origin->cookie,
		.brief = origin->brief,
		.device = origin->device,
		.agent = agent_of(w),
		.ip = w->peer,
	};
	out->br = jwt_branch(&w->ring->key[0], out->id, out->ctr, out->idem);
	if (event == EVENT_LOGIN)
		w->note.count = end_shown(w, user, origin) + store_sessions_trim(user, w->config->sessions_max, ENDED_REPLACED, w->time);
	store_session_add(out);
	if (w->trust == CLOCK_GOOD)
		store_sweep(w->time, w->config->refresh_ttl);
	audit_note(w, event, user, out->id);
}

/* ---- the way on -------------------------------------------------------- */

/* Its iss isn't compared: the MAC says that it is ours, and a changed issuer signs nobody out. */
bool session_present(const struct work *w, struct slice refresh, bool by_cookie, struct slice idempotency,
	struct rotation *out)
{
	out->by_cookie = by_cookie;
	out->idem = idempotency.p ? jwt_idempotency(idempotency) : 0;
	return jwt_open_refresh(refresh, w->ring, &out->token, NULL) == JWT_VALID;
}

/* The tokens of one request, which of them was chosen, and what the table says of it. */
struct attempt {
	struct work *w;
	struct rotation *tokens, *chosen;
	size_t count;
	uint64_t named;
	bool rivals;                    /* two sessions have a good one */
	const struct rule *rule;
};

/*
 * From the network and the agent that the session was used from last. A front that hides its clients may have several
 * addresses of its own, which say nothing.
 */
static bool is_near(const struct work *w, const struct session *s)
{
	struct address last;
	bool behind_front = w->hidden && address_parse(s->ip, &last) && address_is_neighbour(&last);
	return slice_is(s->agent, agent_of(w)) && (behind_front || address_near(s->ip, w->peer));
}

static const struct rule *judge_token(const struct work *w, struct rotation *r)
{
	r->time = w->time;
	r->refresh_ttl = w->config->refresh_ttl;
	r->reuse_grace = w->config->reuse_grace;
	r->unseen = audit_in_table(w->config) ? 0 : UNSEEN_SECONDS;
	r->ring = w->ring;
	r->known = store_session_lock(r->token.sid, &r->row) && store_user(r->row.user, &r->user);
	r->near = r->known && is_near(w, &r->row);
	return rotation_judge(r);
}

static bool is_good(const struct rule *rule)
{
	return rule->act <= ACT_FORGIVE;
}

/* The same request once more: its answer was lost. */
static bool is_retry(const struct rotation *r, const struct rule *rule)
{
	return rule->act == ACT_REPLAY && r->idem && r->idem == r->row.idem;
}

/* Of two good ones of one session the newer, unless an older one shows that its answer was lost. */
static bool is_newer(const struct attempt *a, const struct rotation *r, const struct rule *rule)
{
	return is_retry(r, rule) || (r->token.ctr > a->chosen->token.ctr && !is_retry(a->chosen, a->rule));
}

/* Whether a token goes before the one that was chosen so far. */
static bool is_better(const struct attempt *a, const struct rotation *r, const struct rule *rule)
{
	if (!is_good(a->rule))
		return is_good(rule) || (rule->act == ACT_END && a->rule->act != ACT_END);
	return is_good(rule) && (r->token.sid == a->chosen->token.sid ? is_newer(a, r, rule) : r->token.sid == a->named);
}

/* Neither goes before the other. Those that fewer can have set come first. */
static bool are_rivals(const struct rotation *a, const struct rotation *b)
{
	return a->token.sid != b->token.sid && a->guard == b->guard;
}

static const struct rule between_rivals = { .act = ACT_REFUSE, .error = ERROR_CROSS_SITE };

static void choose_token(struct attempt *a)
{
	a->chosen = a->tokens;
	a->rule = judge_token(a->w, a->tokens);
	a->rivals = false;
	for (struct rotation *r = a->tokens + 1; r < a->tokens + a->count; r++) {
		const struct rule *rule = judge_token(a->w, r);
		a->rivals |= is_good(a->rule) && is_good(rule) && are_rivals(r, a->chosen);
		if (is_better(a, r, rule)) {
			a->chosen = r;
			a->rule = rule;
		}
	}
	if (a->rivals && a->chosen->token.sid != a->named)
		a->rule = &between_rivals;
}

/* A session is shown in the list where it was used last. */
void session_write_use(const struct work *w, struct session *s)
{
	bool moved = !slice_is(s->ip, w->peer) || !slice_is(s->agent, agent_of(w));
	store_session_rotate(s);
	s->ip = w->peer;
	s->agent = agent_of(w);
	if (moved)
		store_session_move(s);
}

static void rotate_row(const struct work *w, struct rotation *r, bool renew)
{
	if (rotation_advance(r, &w->ring->key[0]))
		store_must_last();
	r->row.strays = renew ? STRAYS_NEVER : r->row.strays;
	session_write_use(w, &r->row);
}

static void forgive(struct rotation *r)
{
	r->row.strays++;
	store_session_rotate(&r->row);
}

/* Does what the rule says. What is refused is refused after the transaction. */
static enum error follow_rule(void *arg)
{
	struct attempt *a = arg;
	enum error gone = audit_client(a->w);
	if (gone != ERROR_NONE)
		return gone;
	choose_token(a);
	struct rotation *r = a->chosen;
	const struct rule *rule = a->rule;
	if (rule->act == ACT_REFUSE || rule->act == ACT_REPLAY)
		return ERROR_NONE;
	if (rule->durability == DURABLE_NOW)
		store_must_last();
	if (rule->act == ACT_ROTATE)
		rotate_row(a->w, r, false);
	else if (rule->act == ACT_FORGIVE)
		forgive(r);
	else
		store_session_end(r->row.id, rule->why, a->w->time);
	a->w->note.class = rotation_class(r, rule);
	a->w->note.distance = r->distance;
	audit_note(a->w, rule->event, r->row.user, r->row.id);
	return ERROR_NONE;
}

enum error session_tell_damaged(uint64_t id)
{
	log_line("SN1", "the row of session ", id_text(id), " fits no key: it is damaged, or its key was retired; "
		"the session stands, see latchkey check", NULL);
	return ERROR_STORE_UNAVAILABLE;
}

static enum error refusal(const struct attempt *a)
{
	enum error e = a->rule->error;
	if (e == ERROR_STORE_UNAVAILABLE)
		return session_tell_damaged(a->chosen->row.id);
	return e == ERROR_REFRESH_EXPIRED && a->w->trust != CLOCK_GOOD ? ERROR_CLOCK_UNSET : e;
}

enum error session_rotate(struct work *w, struct rotation *tokens, size_t count, uint64_t named, struct grant *out)
{
	struct attempt a = { .w = w, .tokens = tokens, .count = count, .named = named };
	const struct key *key = NULL;
	enum error e = audit_run(w, DURABLE_LATER, follow_rule, &a);
	if (e != ERROR_NONE)
		return e;
	if (!is_good(a.rule))
		return refusal(&a);
	if (a.rule->act != ACT_ROTATE)
		key = rotation_key(a.chosen);   /* after a key's rotation too the answer is the same, byte for byte */
	out->user = a.chosen->user;
	out->session = a.chosen->row;
	issue(w, key ? key : &w->ring->key[0], out);
	return ERROR_NONE;
}

/* The same request again has the same answer. */
static bool renew_token(struct work *w, struct rotation *r)
{
	enum act act = judge_token(w, r)->act;
	if (act == ACT_ROTATE)
		rotate_row(w, r, true);
	return act == ACT_ROTATE || (act == ACT_REPLAY && r->idem == r->row.idem);
}

/* Whatever the clock says, no other lineage of the session began then. */
static bool renew_site(struct work *w, struct rotation *r)
{
	struct session *s = &r->row;
	if (!store_session_lock(r->token.sid, s) || !store_user(s->user, &r->user) || !session_fits_site(r))
		return false;
	s->idem = (uint64_t)clock_later(w->time, r->token.iat + 1);
	s->br = jwt_branch(&w->ring->key[0], s->id, s->ctr, s->idem);
	session_write_use(w, s);
	return true;
}

void session_renew(struct work *w, uint64_t id, struct renewal *renewal)
{
	renewal->done = false;
	for (size_t i = 0; i < renewal->count && !renewal->done; i++) {
		struct rotation *r = &renewal->shown[i];
		if (r->token.sid != id || !(r->token.ctr ? renew_token(w, r) : renew_site(w, r)))
			continue;
		renewal->grant->user = r->user;
		renewal->grant->session = r->row;
		renewal->done = true;
	}
}

/* ---- access tokens ----------------------------------------------------- */

/* The error, and in a few words why. */
static enum error because(struct caller *a, enum error e, const char *why)
{
	a->why = why;
	return e;
}

enum error session_open_access(const struct work *w, struct slice token, struct caller *out)
{
	enum jwt_verdict verdict = jwt_open_access(token, w->ring, &out->claims, NULL);
	out->foreign = verdict == JWT_MALFORMED || verdict == JWT_FOREIGN;
	if (verdict != JWT_VALID)
		return because(out, ERROR_TOKEN_INVALID, jwt_verdict_word(verdict));
	if (!slice_is(out->claims.iss, w->config->issuer))
		return because(out, ERROR_TOKEN_INVALID, "another issuer");
	if (!slice_is(out->claims.aud, w->config->audience))
		return because(out, ERROR_TOKEN_INVALID, "another audience");
	return ERROR_NONE;
}

/* A token from the future was issued while the clock was wrong. */
enum error session_check_times(const struct work *w, struct caller *a)
{
	if (a->claims.iat > w->time + JWT_AHEAD_SECONDS)
		return because(a, ERROR_TOKEN_INVALID, "issued in the future");
	if (w->time >= a->claims.exp)
		return because(a, ERROR_TOKEN_EXPIRED, "expired");
	return ERROR_NONE;
}

enum error session_check_row(const struct work *w, struct caller *a)
{
	if (!store_user(a->session.user, &a->user))
		return because(a, ERROR_TOKEN_INVALID, "the session has ended");
	if (session_over(w, &a->session, &a->user))
		return because(a, ERROR_SESSION_REVOKED, "the session has ended");
	return ERROR_NONE;
}

/* Of a site session another lineage may have begun since it was asked. */
enum error session_check_live(const struct work *w, struct caller *a)
{
	bool found = store_session(a->claims.sid, &a->session) && a->session.user == a->claims.sub;
	if (!found || (a->session.ctr == 0 && (int64_t)a->session.idem != a->claims.iat))
		return because(a, ERROR_TOKEN_INVALID, "the session has ended");
	return session_check_row(w, a);
}

enum error session_check(struct work *w, struct slice token, enum check check, struct caller *out)
{
	enum error e = session_open_access(w, token, out);
	if (e == ERROR_NONE)
		e = check == CHECK_TIMES ? settle_time(w) : session_clock(w);
	if (e == ERROR_CLOCK_UNSET && check == CHECK_TO_END)
		e = ERROR_NONE;
	if (e == ERROR_NONE)
		e = session_check_times(w, out);
	return e == ERROR_NONE && check != CHECK_TIMES ? session_check_live(w, out) : e;
}

/* ---- the ways out ------------------------------------------------------ */

int64_t session_end_all(struct work *w, uint64_t user, uint64_t except, enum ended why)
{
	return w->note.count = store_sessions_end(user, except, why, w->time);
}

/* Which sessions a request ends. */
struct ending {
	struct work *w;
	enum end how;
	const struct user *user;
	uint64_t id;
	struct session row;
	struct renewal *renewal;
};

static enum error revoke_one(struct ending *x)
{
	if (!store_session_lock(x->id, &x->row) || x->row.user != x->user->id || session_over(x->w, &x->row, x->user))
		return ERROR_NOT_FOUND;
	store_session_end(x->id, ENDED_REVOKED, x->w->time);
	audit_note(x->w, EVENT_REVOKE, x->row.user, x->id);
	return ERROR_NONE;
}

static enum error revoke_others(const struct ending *x)
{
	session_end_all(x->w, x->user->id, x->id, ENDED_REVOKED);
	session_renew(x->w, x->id, x->renewal);
	audit_note(x->w, EVENT_REVOKE, x->user->id, 0);
	return ERROR_NONE;
}

static enum error end_sessions(void *ending)
{
	struct ending *x = ending;
	return x->how == END_ONE ? revoke_one(x) : revoke_others(x);
}

enum error session_end(struct work *w, enum end how, const struct user *u, uint64_t id, struct renewal *renewal)
{
	struct ending x = { .w = w, .how = how, .user = u, .id = id, .renewal = renewal };
	return audit_run(w, DURABLE_NOW, end_sessions, &x);
}

/* A token that was used long ago may be anybody's. */
static void end_as_reuse(struct work *w, const struct rotation *r)
{
	bool fork = r->distance == 0;
	store_session_end(r->row.id, fork ? ENDED_FORK : ENDED_REUSE, w->time);
	w->note.class = fork ? CLASS_NONE : CLASS_OLD;
	w->note.distance = r->distance;
	audit_note(w, fork ? EVENT_FORK : EVENT_REUSE, r->row.user, r->row.id);
}

static void end_as_meant(struct work *w, const struct session *s, bool all)
{
	if (all)
		session_end_all(w, s->user, 0, ENDED_LOGOUT);
	else
		store_session_end(s->id, ENDED_LOGOUT, w->time);
	audit_note(w, EVENT_LOGOUT, s->user, s->id);
}

/* Whose sign-out it is, and what it means. */
struct leaving {
	struct work *w;
	struct rotation *token;
	bool all, spent;
};

static enum error sign_out(void *leaving)
{
	struct leaving *l = leaving;
	struct rotation *r = l->token;
	r->ring = l->w->ring;
	l->spent = false;
	if (!store_session_lock(r->token.sid, &r->row) || r->row.ended_at || (r->by_cookie && !r->row.cookie))
		return ERROR_NONE;
	if (r->by_cookie && !r->token.ctr && !session_fits_site(r))
		return ERROR_NONE;
	l->spent = r->token.ctr && rotation_is_spent(r);
	if (l->spent)
		end_as_reuse(l->w, r);
	else
		end_as_meant(l->w, &r->row, l->all);
	return ERROR_NONE;
}

enum error session_sign_out(struct work *w, struct rotation *token, bool all)
{
	struct leaving l = { .w = w, .token = token, .all = all };
	audit_run(w, DURABLE_NOW, sign_out, &l);
	return l.spent && all ? ERROR_REFRESH_REUSED : ERROR_NONE;
}
