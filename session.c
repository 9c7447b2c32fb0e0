/*
 * session: see session.h.
 *
 * Rules: what changes something is one transaction with its event; reuse is
 * concluded from a row that was read in the transaction that acts on it; a
 * token without our MAC never opens the store.
 */
#include "session.h"

#include "base/file.h"
#include "dpop.h"
#include "profile.h"

enum {
	ROOM_LEAST = 64 * 1024,    /* bytes free, without which the store's log soon can't grow */
	TURN_SECONDS = 5,          /* how long a request waits for the store */
	AGAIN_SECONDS = 600,       /* how long a sign-in that comes again with its key is the same */
	RETRY_SECONDS = 3600,      /* retry_window of public clients, where it isn't set */
	UNSEEN_SECONDS = 3720      /* how far the clock can go back unseen where the mark is raised by the hour */
};

bool session_username_ok(struct slice name)
{
	return name.n > 0 && name.n <= LIMIT_USERNAME && slice_made_of(name, "._@+-'");
}

struct slice session_name(const struct user *u)
{
	bool wallet = u->name.n <= LIMIT_USERNAME && slice_made_of(u->name, ":");
	return wallet || session_username_ok(u->name) ? u->name : S("");
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

int64_t session_until(int64_t time, int64_t end)
{
	return end && end < time ? end : time;
}

/* A device that never asked for what it was allowed can't any more, once its code has expired. */
static bool is_unclaimed(const struct session *s)
{
	return s->client.n && s->ctr == 1 && s->idem == 0;
}

int64_t session_deadline(const struct config *config, const struct session *s)
{
	int64_t idle = is_unclaimed(s) && config->refresh_ttl > STORE_TICKET ? STORE_TICKET : config->refresh_ttl;
	return session_until(s->rotated_at + idle, s->expires_at);
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

/* ---- the way in -------------------------------------------------------- */

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

/* Of the key that the request shows; empty: it shows none. */
static struct slice thumbprint_of(const struct work *w)
{
	return w->proof ? w->proof->thumbprint : SLICE_NONE;
}

bool session_began_by(const struct work *w, const struct session *s, uint64_t idem)
{
	const struct rotation r = { .ring = w->ring, .row = *s, .thumbprint = thumbprint_of(w) };
	return rotation_is_bound(s) ? rotation_fits_key(&r) : s->idem == idem;
}

bool session_within_grace(const struct work *w, const struct session *s)
{
	int64_t age = w->time - s->rotated_at, grace = w->config->reuse_grace;
	return grace > 0 && age <= grace && -age <= grace;
}

static bool is_again(const struct work *w, uint64_t user, const struct origin *origin, const struct session *s)
{
	bool same = s->user == user && s->cookie == origin->cookie && s->brief == origin->brief;
	same &= rotation_is_bound(s) == (w->proof != NULL) && session_began_by(w, s, s->idem);
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

static int64_t end_of(const struct work *w, const struct origin *origin)
{
	int64_t end = w->config->session_ttl ? w->time + w->config->session_ttl : 0;
	return origin->expires_at ? session_until(origin->expires_at, end) : end;
}

/* Makes room for another session of the user, and of that client. */
static int64_t trim(const struct work *w, uint64_t user, struct slice client)
{
	int64_t most = client.n ? SESSION_CLIENT_MOST : w->config->sessions_max;
	return store_sessions_trim(user, client, most, ENDED_REPLACED, w->time);
}

bool session_admits(struct slice group, const struct user *u)
{
	return group.n == 0 || profile_is_in(profile_held(&u->profile)->groups, group);
}

bool session_is_strong(unsigned amr)
{
	return amr & (AMR_OTP | AMR_PASSKEY);
}

void session_start(struct work *w, uint64_t user, const struct origin *origin, enum event event, struct session *out)
{
	if (session_again(w, user, origin, out))
		return;
	*out = (struct session){
		.id = origin->sid ? origin->sid : new_id(w, user, origin->idempotency),
		.user = user,
		.ctr = !origin->site,
		.idem = origin->site ? (uint64_t)w->time : origin->idem,
		.rotated_at = w->time,
		.created_at = w->time,
		.expires_at = end_of(w, origin),
		.cookie = origin->cookie,
		.brief = origin->brief,
		.device = origin->device,
		.agent = audit_agent(w),
		.ip = w->peer,
		.client = origin->client,
		.scope = origin->scope,
		.amr = origin->amr,
		.sso = origin->sso,
	};
	if (w->proof && !origin->site)
		rotation_bind(out, &w->ring->key[0], w->proof->thumbprint);
	out->br = jwt_branch(&w->ring->key[0], out->id, out->ctr, out->idem);
	w->note.client = origin->client;
	w->note.class = origin->sso ? CLASS_SSO : CLASS_NONE;
	if (event == EVENT_LOGIN)
		w->note.count = end_shown(w, user, origin) + trim(w, user, origin->client);
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
	bool proven;                    /* the key of w->proof has signed it */
};

/* The session decides which one counts, not the call: else a thief would choose. */
static int64_t window_of(const struct work *w, const struct rotation *r)
{
	int64_t set = w->config->retry_window;
	if (r->row.client.n == 0)
		return set > 0 ? set : 0;
	return r->authenticated || r->no_retry ? 0 : set < 0 ? RETRY_SECONDS : set;
}

static const struct rule *judge_token(const struct work *w, struct rotation *r)
{
	r->time = w->time;
	r->refresh_ttl = w->config->refresh_ttl;
	r->reuse_grace = w->config->reuse_grace;
	r->thumbprint = thumbprint_of(w);
	r->unseen = audit_in_table(w->config, EVENT_REFRESH) ? 0 : UNSEEN_SECONDS;
	r->ring = w->ring;
	r->known = store_session_and_user(r->token.sid, true, &r->row, &r->user);
	r->near = r->known && audit_is_near(w, &r->row);
	r->retry_window = window_of(w, r);
	r->place = r->retry_window ? audit_place(w) : SLICE_NONE;
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
/* The session stands where its user has left the group: he may come back into it. */
static const struct rule not_admitted = { .act = ACT_REFUSE, .error = ERROR_NOT_IN_GROUP };

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
	if (is_good(a->rule) && !session_admits(a->chosen->group, &a->chosen->user))
		a->rule = &not_admitted;
}

/* A session is shown in the list where it was used last. */
void session_write_use(const struct work *w, struct session *s)
{
	bool moved = !slice_is(s->ip, w->peer) || !slice_is(s->agent, audit_agent(w));
	store_session_rotate(s);
	s->ip = w->peer;
	s->agent = audit_agent(w);
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

/* Of a bound session nothing is written before its client's signature was verified, which takes too long for here. */
static bool waits_for_signature(const struct attempt *a)
{
	return rotation_is_bound(&a->chosen->row) && a->rule->act != ACT_REFUSE && !a->proven;
}

static bool waits_for_client(const struct attempt *a)
{
	return a->rule->act == ACT_END && !audit_is_sure(a->w);
}

enum error session_judge(struct work *w, enum durability d, enum error (*change)(void *), void *arg)
{
	enum error e = audit_run(w, d, change, arg);
	if (e != ERROR_NONE || !w->unsure)
		return e;
	e = audit_look_again(w);
	if (e == ERROR_NONE)
		e = session_clock(w);
	return e == ERROR_NONE ? audit_run(w, d, change, arg) : e;
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
	if (rule->act == ACT_REFUSE || rule->act == ACT_REPLAY || waits_for_signature(a) || waits_for_client(a))
		return ERROR_NONE;
	if (rule->durability == DURABLE_NOW)
		store_must_last();
	if (rule->act == ACT_ROTATE)
		rotate_row(a->w, r, false);
	else if (rule->act == ACT_FORGIVE)
		forgive(r);
	else
		session_end_row(a->w, &r->row, rule->why);
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

/* Others have the store meanwhile, so it is judged anew. What is only answered again has no further need of the store. */
static enum error prove(struct attempt *a)
{
	bool replayed = a->rule->act == ACT_REPLAY;
	if (replayed)
		store_give_turn();
	else
		store_close();
	a->proven = dpop_signed(a->w->proof);
	if (replayed || !a->proven)
		return a->proven ? ERROR_NONE : ERROR_INVALID_DPOP_PROOF;
	enum error e = session_clock(a->w);
	return e == ERROR_NONE ? session_judge(a->w, DURABLE_LATER, follow_rule, a) : e;
}

enum error session_rotate(struct work *w, struct rotation *tokens, size_t count, uint64_t named, struct grant *out)
{
	struct attempt a = { .w = w, .tokens = tokens, .count = count, .named = named };
	enum error e = session_judge(w, DURABLE_LATER, follow_rule, &a);
	if (e == ERROR_NONE && waits_for_signature(&a))
		e = prove(&a);
	if (e != ERROR_NONE)
		return e;
	if (!is_good(a.rule))
		return refusal(&a);
	out->user = a.chosen->user;
	out->session = a.chosen->row;
	/* After a key's rotation, too, the answer is the same, byte for byte. */
	out->signer = a.rule->act == ACT_ROTATE ? NULL : rotation_key(a.chosen);
	session_grant(w, out);
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
	if (!store_session_and_user(r->token.sid, true, s, &r->user) || !session_fits_site(r))
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

/* What a client has for the issuer alone is for no call of the app API. */
static bool is_for_us(const struct work *w, const struct caller *a)
{
	const struct config *config = w->config;
	bool for_issuer = jwt_is_clients(&a->claims) && slice_is(a->claims.aud, config->issuer);
	return for_issuer ? a->any_audience : slice_is(a->claims.aud, config->audience);
}

enum error session_open_access(const struct work *w, struct slice token, struct caller *out)
{
	enum access_alg alg = w->config->access_alg;
	enum jwt_verdict verdict = (alg == ACCESS_ES256 ? jwt_open_signed : jwt_open_access)(token, w->ring, &out->claims, NULL);
	out->foreign = verdict == JWT_MALFORMED || verdict == JWT_FOREIGN;
	if (verdict != JWT_VALID)
		return because(out, ERROR_TOKEN_INVALID, jwt_verdict_word(verdict));
	if (!slice_is(out->claims.iss, w->config->issuer))
		return because(out, ERROR_TOKEN_INVALID, "another issuer");
	if (!is_for_us(w, out))
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

static enum error check_over(const struct work *w, struct caller *a)
{
	return session_over(w, &a->session, &a->user) ? because(a, ERROR_SESSION_REVOKED, "the session has ended") : ERROR_NONE;
}

enum error session_check_row(const struct work *w, struct caller *a)
{
	bool found = store_user(a->session.user, &a->user);
	return found ? check_over(w, a) : because(a, ERROR_TOKEN_INVALID, "the session has ended");
}

/* Of a site session another lineage may have begun since it was asked. */
enum error session_check_live(const struct work *w, struct caller *a)
{
	bool found = store_session_and_user(a->claims.sid, false, &a->session, &a->user) && a->session.user == a->claims.sub;
	if (!found || (a->session.ctr == 0 && (int64_t)a->session.idem != a->claims.iat))
		return because(a, ERROR_TOKEN_INVALID, "the session has ended");
	return check_over(w, a);
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

int64_t session_end_row(struct work *w, const struct session *s, enum ended why)
{
	int64_t sso = s->cookie ? store_sessions_end_sso(s->user, why, w->time) : 0;
	store_session_end(s->id, why, w->time);
	w->note.count = sso;
	if (sso && why != ENDED_REVOKED)        /* whose own event has a count */
		audit_note(w, EVENT_REVOKE, s->user, s->id);
	return sso;
}

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
	int64_t sso = session_end_row(x->w, &x->row, ENDED_REVOKED);
	x->w->note.count = sso ? sso + 1 : 0;
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
	session_end_row(w, &r->row, fork ? ENDED_FORK : ENDED_REUSE);
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
	if (r->token.ctr && !slice_is(r->client, r->row.client))
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
