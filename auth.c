/*
 * auth: the policy, all of it.
 *
 * A request goes down once: route, body, credential, handler; and comes back
 * up as an error value or as an answer in the reply. What a route demands
 * stands in its row and is checked before its handler runs. What a refresh
 * token is worth is decided by one table, from top to bottom: rotation.c.
 *
 * Rules: COMMIT before any 2xx; a client's fault is returned, our own is
 * fail(); reuse is concluded from a row that was read, inside the transaction
 * that acts on it; a token that doesn't carry our MAC never opens the store.
 */
#include "auth.h"

#include "clock.h"
#include "config.h"
#include "http.h"
#include "json.h"
#include "jwt.h"
#include "password.h"
#include "rotation.h"
#include "store.h"
#include "store/engine.h"
#include "throttle.h"

enum {
	TURN_SECONDS = 5,          /* how long a request waits for the store */
	SLOT_SECONDS = 5,          /* how long a sign-in waits for a slot to hash in */
	FUTURE_SECONDS = 120,      /* how far ahead of the clock a token's iat may lie: the mark's tolerance */
	UNSEEN_SECONDS = 3720,     /* how far the clock can go back unseen where the mark is raised by the hour */
	AUDIT_ROWS = 50,           /* of GET /audit, where no limit is given */
	PREFLIGHT_SECONDS = 600    /* how long a browser may remember a preflight */
};

/* ---- one call ---------------------------------------------------------- */

/* What a body may hold. A known member of another type is refused by name. */
struct input {
	struct slice username, password, device, refresh_token, idempotency_key;
	struct slice current_password, new_password, access_token;
	bool cookie, all;
};

enum member {
	IN_USERNAME = 1, IN_PASSWORD = 2, IN_DEVICE = 4, IN_REFRESH_TOKEN = 8, IN_IDEMPOTENCY_KEY = 16,
	IN_CURRENT_PASSWORD = 32, IN_NEW_PASSWORD = 64, IN_COOKIE = 128, IN_ALL = 256, IN_ACCESS_TOKEN = 512
};

static const struct {
	enum member bit;
	const char *name;
	bool text;
	size_t max;                /* bytes */
	size_t at;                 /* in struct input */
} members[] = {
	{ IN_USERNAME, "username", true, LIMIT_USERNAME, offsetof(struct input, username) },
	{ IN_PASSWORD, "password", true, LIMIT_BODY, offsetof(struct input, password) },
	{ IN_DEVICE, "device", true, LIMIT_DEVICE, offsetof(struct input, device) },
	{ IN_REFRESH_TOKEN, "refresh_token", true, LIMIT_BODY, offsetof(struct input, refresh_token) },
	{ IN_IDEMPOTENCY_KEY, "idempotency_key", true, LIMIT_IDEMPOTENCY, offsetof(struct input, idempotency_key) },
	{ IN_CURRENT_PASSWORD, "current_password", true, LIMIT_BODY, offsetof(struct input, current_password) },
	{ IN_NEW_PASSWORD, "new_password", true, LIMIT_BODY, offsetof(struct input, new_password) },
	{ IN_ACCESS_TOKEN, "access_token", true, LIMIT_BODY, offsetof(struct input, access_token) },
	{ IN_COOKIE, "cookie", false, 0, offsetof(struct input, cookie) },
	{ IN_ALL, "all", false, 0, offsetof(struct input, all) },
};

struct call {
	const struct config *config;
	const struct keyring *ring;
	const struct request *rq;
	struct reply *rp;
	const char *member;            /* what an error is about */
	int64_t retry_after;
	struct slice rest;             /* of the path, behind a route that takes an id */
	struct input in;
	unsigned given;                /* members that were there */
	enum clock_belief belief;
	int64_t mark, time;            /* one time for the whole request, never behind the mark */
	struct access_claims access;   /* of routes that need one */
	struct user user;
	struct session session;
	struct audit note;             /* logged once its transaction stands */
};

/*
 * Opens the store and settles what time it is. The clock is asked once; the
 * mark keeps it from running backwards.
 */
static enum error open_store(struct call *c)
{
	store_open(c->config->dir, TURN_SECONDS);
	c->mark = store_mark();
	c->time = now();
	c->belief = clock_judge(c->time, c->mark);
	if (c->belief == CLOCK_UNSET)
		return ERROR_CLOCK_UNSET;
	if (c->time < c->mark)
		c->time = c->mark;
	return ERROR_NONE;
}

/* Each event has a row, which carries the mark too. */
static bool has_table(const struct config *config)
{
	return config->audit == AUDIT_TABLE || config->audit == AUDIT_BOTH;
}

/*
 * Writes down what happened, inside the transaction. A doubted clock doesn't
 * raise the mark: the row gets the mark's own time.
 */
static void note(struct call *c, enum event event, uint64_t user, uint64_t session)
{
	int64_t time = c->belief == CLOCK_GOOD ? c->time : c->mark;
	c->note.event = event;
	c->note.time = time;
	c->note.user = user;
	c->note.session = session;
	c->note.ip = c->rq->peer;
	if (has_table(c->config))
		store_audit_add(&c->note, c->config->audit_max);
	else
		store_mark_raise(time);
}

static const char *id_text(uint64_t id)
{
	struct buf b = { 0 };
	buf_hex(&b, id);
	buf_c(&b, '\0');
	return b.p;
}

static void commit(struct call *c)
{
	const struct audit *a = &c->note;
	store_commit();
	if (c->config->audit == AUDIT_SYSLOG || c->config->audit == AUDIT_BOTH)
		log_line("audit", event_words[a->event], " user=", id_text(a->user), " session=", id_text(a->session),
			" ip=", slice_text(a->ip), " class=", class_words[a->class], " distance=", dec(a->distance), NULL);
}

/* ---- writing answers --------------------------------------------------- */

/* Before a member or an element: a comma, unless it is the first. */
static void out_separate(struct buf *b)
{
	char last = b->p[b->n - 1];
	if (last != '{' && last != '[' && last != ':')
		buf_c(b, ',');
}

static void out_open(struct buf *b)
{
	out_separate(b);
	buf_c(b, '{');
}

static void out_name(struct buf *b, const char *name)
{
	out_separate(b);
	buf_c(b, '"');
	buf_s(b, name);
	buf_s(b, "\":");
}

static void out_id(struct buf *b, const char *name, uint64_t id)
{
	out_name(b, name);
	buf_c(b, '"');
	buf_hex(b, id);
	buf_c(b, '"');
}

static void out_int(struct buf *b, const char *name, int64_t value)
{
	out_name(b, name);
	buf_int(b, value);
}

/* A number, or null where there is none. */
static void out_int_or_null(struct buf *b, const char *name, bool there, int64_t value)
{
	out_name(b, name);
	if (there)
		buf_int(b, value);
	else
		buf_s(b, "null");
}

static void out_text(struct buf *b, const char *name, struct slice value)
{
	out_name(b, name);
	json_quote(b, value);
}

/* A token has nothing to escape. */
static void out_token(struct buf *b, const char *name, struct slice token)
{
	out_name(b, name);
	buf_c(b, '"');
	buf_add(b, token);
	buf_c(b, '"');
}

/* Opens the envelope; the handler closes it with "}". */
static struct buf *answer(struct call *c, int status)
{
	c->rp->status = status;
	c->rp->type = "application/json";
	buf_s(&c->rp->body, "{\"data\":");
	return &c->rp->body;
}

static enum error no_content(struct call *c)
{
	c->rp->status = 204;
	return ERROR_NONE;
}

static void out_user_members(struct buf *b, const struct user *u)
{
	out_id(b, "id", u->id);
	out_text(b, "username", u->name);
	out_name(b, "subscription");
	buf_add(b, u->subscription.n ? u->subscription : S("null"));
}

static void out_session(struct buf *b, const struct session *s, int64_t time)
{
	out_open(b);
	out_id(b, "id", s->id);
	out_int(b, "created_at", s->created_at);
	out_int_or_null(b, "expires_in", s->expires_at, s->expires_at - time);
	out_int_or_null(b, "expires_at", s->expires_at, s->expires_at);
	buf_c(b, '}');
}

/* ---- cookies and the sites that may send them -------------------------- */

enum { COOKIE_REFRESH, COOKIE_ACCESS };

static const struct {
	const char *secure, *plain;    /* plain: only over plain HTTP on loopback */
	const char *same_site;
	bool at_mount;                 /* Path is the mount point, not "/" */
} cookies[] = {
	[COOKIE_REFRESH] = { "__Secure-latchkey", "latchkey", "Strict", true },
	[COOKIE_ACCESS] = { "__Secure-latchkey-access", "latchkey-access", "Lax", false },
};

static const char *cookie_name(const struct call *c, int which)
{
	return http_loopback(c->rq) ? cookies[which].plain : cookies[which].secure;
}

/* max_age in seconds; 0 takes the cookie away. */
static void set_cookie(struct call *c, int which, struct slice value, int64_t max_age)
{
	const char *path = cookies[which].at_mount && c->rq->mount.n ? slice_text(c->rq->mount) : "/";
	reply_header(c->rp, "Set-Cookie", cookie_name(c, which), "=", slice_text(value), "; Path=", path,
		"; Max-Age=", dec(max_age), "; HttpOnly; SameSite=", cookies[which].same_site,
		http_loopback(c->rq) ? "" : "; Secure", NULL);
}

/*
 * A token that the browser sent of itself counts only when the page that
 * caused it was ours (api.md 1, cookie mode). A browser too old to say where a
 * request comes from at least names its origin.
 */
static bool cross_site(const struct call *c)
{
	const struct request *rq = c->rq;
	if (rq->sec_fetch_site.p)
		return !slice_is(rq->sec_fetch_site, S("same-origin"));
	if (rq->origin.p)
		return !http_same_origin(rq) && !config_origin_listed(c->config, rq->origin);
	return true;
}

/* ---- the token pair ---------------------------------------------------- */

/* The earlier of the two; end 0 is none. */
static int64_t until(int64_t time, int64_t end)
{
	return end && end < time ? end : time;
}

static int64_t refresh_end(const struct call *c, const struct session *s)
{
	return until(s->rotated_at + c->config->refresh_ttl, s->expires_at);
}

static struct slice seal_refresh(const struct call *c, const struct session *s, const struct key *key)
{
	return jwt_seal_refresh(key, &(struct refresh_claims){
		.iss = c->config->issuer,
		.sid = s->id,
		.ctr = s->ctr,
		.br = s->br,
		.iat = s->rotated_at,
		.exp = refresh_end(c, s),
	});
}

/*
 * Issued at the rotation, so that an answer can be given twice; from now
 * where over half of that one's life is gone, or where the clock was put back
 * since, and it would be refused as one from the future.
 */
static struct slice seal_access(const struct call *c, const struct user *u, const struct session *s,
	const struct key *key, int64_t *end)
{
	int64_t life = c->config->access_ttl;
	int64_t age = c->time - s->rotated_at;
	int64_t iat = 2 * age <= life && age >= -FUTURE_SECONDS ? s->rotated_at : c->time;
	*end = until(iat + life, s->expires_at);
	return jwt_seal_access(key, &(struct access_claims){
		.iss = c->config->issuer,
		.aud = c->config->audience,
		.name = u->name,
		.sub = u->id,
		.sid = s->id,
		.iat = iat,
		.exp = *end,
		.jti = jwt_access_id(key, s->id, s->ctr, iat),
	});
}

/* The lifetimes beside a token: `_in` from now, `_at` for showing. */
static void out_lifetime(struct buf *b, const char *in, const char *at, int64_t end, int64_t time)
{
	out_int(b, in, end - time);
	out_int(b, at, end);
}

static void pair(struct call *c, int status, const struct user *u, const struct session *s, const struct key *key)
{
	int64_t access_end, idle_end = refresh_end(c, s);
	struct slice access = seal_access(c, u, s, key, &access_end);
	struct slice refresh = seal_refresh(c, s, key);
	struct buf *b = answer(c, status);
	buf_s(b, "{\"token_type\":\"Bearer\"");
	out_token(b, "access_token", access);
	out_lifetime(b, "expires_in", "access_expires_at", access_end, c->time);
	if (s->cookie) {
		set_cookie(c, COOKIE_REFRESH, refresh, idle_end - c->time);
	} else {
		out_token(b, "refresh_token", refresh);
	}
	if (s->cookie && c->config->access_cookie)
		set_cookie(c, COOKIE_ACCESS, access, access_end - c->time);
	out_lifetime(b, "refresh_expires_in", "refresh_expires_at", idle_end, c->time);
	out_int(b, "generation", s->ctr);
	out_name(b, "session");
	out_session(b, s, c->time);
	out_name(b, "user");
	out_open(b);
	out_user_members(b, u);
	buf_c(b, '}');
	out_int(b, "server_time", c->time);
	buf_s(b, "}}");
}

/* ---- signing in -------------------------------------------------------- */

bool auth_username_ok(struct slice name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@+-";
	if (name.n == 0 || name.n > LIMIT_USERNAME)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		struct slice rest = { allowed, sizeof allowed - 1 };
		slice_cut(&rest, name.p[i]);
		if (rest.p == NULL)
			return false;
	}
	return true;
}

static struct password_cost cost_of(const struct config *config)
{
	return password_cost_here(config->password.kib, config->password.passes);
}

/* Whether a password may be tried now, and a slot to hash it in. */
static enum error may_try(struct call *c, struct slice account)
{
	c->retry_after = throttle_ask(config_throttle_dir(c->config), c->rq->peer, account);
	if (c->retry_after)
		return ERROR_RATE_LIMITED;
	if (!password_slot(config_throttle_dir(c->config), c->config->password_jobs, SLOT_SECONDS))
		return ERROR_BUSY;
	return ERROR_NONE;
}

static struct slice cut_at(struct slice s, size_t max)
{
	return s.n > max ? (struct slice){ s.p, max } : s;
}

/* A new session's row, in the transaction that is open. */
static void start_session(struct call *c, uint64_t user)
{
	struct session *s = &c->session;
	*s = (struct session){
		.id = random_id(),
		.user = user,
		.ctr = 1,
		.rotated_at = c->time,
		.created_at = c->time,
		.expires_at = c->config->session_ttl ? c->time + c->config->session_ttl : 0,
		.cookie = c->in.cookie,
		.device = c->in.device,
		.agent = cut_at(c->rq->user_agent, LIMIT_AGENT),
		.ip = c->rq->peer,
	};
	s->br = jwt_branch(&c->ring->key[0], s->id, s->ctr, 0);
	store_session_add(s);
	if (c->belief == CLOCK_GOOD)
		store_sweep(c->time, c->config->refresh_ttl);
}

static enum error wrong_password(struct call *c, struct slice account, uint64_t user)
{
	throttle_failed(config_throttle_dir(c->config), c->rq->peer, account);
	store_begin(DURABLE_LATER);
	note(c, EVENT_LOGIN_FAILED, user, 0);
	commit(c);
	return ERROR_INVALID_CREDENTIALS;
}

/*
 * Compares a password with the store let go of: a hash takes a hundred times
 * as long as a request, and others wait for their turn.
 */
static enum error compare(struct call *c, struct slice password, enum password_verdict *verdict)
{
	store_close();
	*verdict = password_check(c->user.password, password, cost_of(c->config));
	return open_store(c);
}

/* The user is still the one whose password was compared. */
static bool unchanged(const struct call *c)
{
	struct user again;
	return store_user(c->user.id, &again) && !again.disabled && slice_is(again.password, c->user.password);
}

static enum error handle_login(struct call *c)
{
	enum password_verdict verdict;
	struct slice rehashed = SLICE_NONE;
	enum error e = may_try(c, c->in.username);
	if (e == ERROR_NONE)
		e = open_store(c);
	if (e != ERROR_NONE)
		return e;
	bool known = store_user_named(c->in.username, &c->user);
	if ((e = compare(c, c->in.password, &verdict)) != ERROR_NONE)
		return e;
	if (verdict == PASSWORD_WRONG || !known || c->user.disabled)
		return wrong_password(c, c->in.username, known ? c->user.id : 0);
	if (verdict == PASSWORD_RIGHT_REHASH) {
		store_close();
		rehashed = password_hash(c->in.password, cost_of(c->config));
		if ((e = open_store(c)) != ERROR_NONE)
			return e;
	}
	store_begin(DURABLE_NOW);
	if (!unchanged(c))
		return ERROR_INVALID_CREDENTIALS;
	if (rehashed.n)
		store_user_password(c->user.id, rehashed);
	start_session(c, c->user.id);
	note(c, EVENT_LOGIN, c->user.id, c->session.id);
	commit(c);
	throttle_succeeded(config_throttle_dir(c->config), c->rq->peer, c->in.username);
	pair(c, 200, &c->user, &c->session, &c->ring->key[0]);
	return ERROR_NONE;
}

static enum error handle_register(struct call *c)
{
	if (!c->config->signup)
		return ERROR_SIGNUP_DISABLED;
	c->member = "username";
	if (!auth_username_ok(c->in.username))
		return ERROR_INVALID_REQUEST;
	c->member = NULL;
	if (!password_acceptable(c->in.password))
		return ERROR_WEAK_PASSWORD;
	enum error e = may_try(c, c->in.username);
	if (e != ERROR_NONE)
		return e;
	struct slice hash = password_hash(c->in.password, cost_of(c->config));
	if ((e = open_store(c)) != ERROR_NONE)
		return e;
	c->user = (struct user){ .id = random_id(), .name = c->in.username, .password = hash, .created_at = c->time };
	store_begin(DURABLE_NOW);
	if (!store_user_add(&c->user))
		return ERROR_USERNAME_TAKEN;
	start_session(c, c->user.id);
	note(c, EVENT_USER_ADDED, c->user.id, c->session.id);
	commit(c);
	pair(c, 201, &c->user, &c->session, &c->ring->key[0]);
	return ERROR_NONE;
}

/* ---- refreshing -------------------------------------------------------- */

/* Why nothing was written. */
static enum error refusal(const struct call *c, const struct rotation *p, enum error e)
{
	if (e == ERROR_STORE_UNAVAILABLE)
		log_line("AU2", "the row of session ", id_text(p->row.id), " fits no key: it is damaged, or its key was retired; "
			"the session stands, see latchkey check", NULL);
	return e == ERROR_REFRESH_EXPIRED && c->belief != CLOCK_GOOD ? ERROR_CLOCK_UNSET : e;
}

/* Does what the rule says, in the transaction that is open. */
static enum error perform(struct call *c, struct rotation *p, const struct rule *rule)
{
	const struct key *key = &c->ring->key[0], *made;
	c->note.class = rotation_class(p, rule);
	c->note.distance = p->distance;
	switch (rule->act) {
	case ACT_REFUSE:
		return refusal(c, p, rule->error);
	case ACT_REPLAY:
		store_rollback();
		made = rotation_key(p);   /* after a key's rotation too it is the same, byte for byte */
		key = made ? made : key;
		break;
	case ACT_ROTATE:
		rotation_advance(p, key);
		store_session_rotate(&p->row);
		note(c, rule->event, p->row.user, p->row.id);
		commit(c);
		break;
	case ACT_END:
		store_session_end(p->row.id, rule->why, c->time);
		note(c, rule->event, p->row.user, p->row.id);
		commit(c);
		return rule->error;
	}
	pair(c, 200, &p->user, &p->row, key);
	return ERROR_NONE;
}

/* Judges inside a transaction, which lasts as the verdict must. */
static const struct rule *decide(struct call *c, struct rotation *p)
{
	p->time = c->time;
	p->refresh_ttl = c->config->refresh_ttl;
	p->reuse_grace = c->config->reuse_grace;
	p->unseen = has_table(c->config) ? 0 : UNSEEN_SECONDS;
	p->ring = c->ring;
	store_begin(DURABLE_LATER);
	p->known = store_session_lock(p->token.sid, &p->row) && store_user(p->row.user, &p->user);
	const struct rule *rule = rotation_judge(p);
	if (rule->durability == DURABLE_NOW)
		store_must_last();
	return rule;
}

/* ---- where a refresh token may come from ------------------------------- */

/* Its iss isn't compared: the MAC says that it is ours, and a changed issuer signs nobody out. */
static bool open_refresh(const struct call *c, struct slice token, struct rotation *p)
{
	return jwt_open_refresh(token, c->ring, &p->token, NULL) == JWT_VALID;
}

/*
 * The refresh tokens of a request that carry our MAC: the body's, or the
 * cookies' (a subdomain may have tossed in its own). *count is 0 where there
 * is none.
 */
static enum error refresh_tokens(struct call *c, struct rotation out[LIMIT_COOKIES], size_t *count)
{
	struct slice found[LIMIT_COOKIES];
	*count = 0;
	if (c->given & IN_REFRESH_TOKEN) {
		*count = open_refresh(c, c->in.refresh_token, &out[0]);
		return ERROR_NONE;
	}
	size_t n = http_cookies(c->rq, slice_of(cookie_name(c, COOKIE_REFRESH)), found);
	if (n && cross_site(c))
		return ERROR_CROSS_SITE;
	for (size_t i = 0; i < n; i++)
		if (open_refresh(c, found[i], &out[*count]))
			out[(*count)++].by_cookie = true;
	return ERROR_NONE;
}

/* The body wins: some servers drop headers that they don't know. */
static enum error idempotency(struct call *c, uint64_t *out)
{
	struct slice key = c->given & IN_IDEMPOTENCY_KEY ? c->in.idempotency_key : c->rq->idempotency_key;
	c->member = "idempotency_key";
	if (key.p && (key.n == 0 || key.n > LIMIT_IDEMPOTENCY))
		return ERROR_INVALID_REQUEST;
	c->member = NULL;
	*out = key.p ? jwt_idempotency(key) : 0;
	return ERROR_NONE;
}

static bool is_good(const struct rule *rule)
{
	return rule->act == ACT_ROTATE || rule->act == ACT_REPLAY;
}

/* Of several cookies the first that is good; else the first that ends its
 * session, which no tossed-in cookie may hide; else the first. */
static enum error redeem(struct call *c, struct rotation *tokens, size_t count, uint64_t idem)
{
	struct rotation *chosen = NULL;
	for (size_t i = 0; i < count; i++) {
		tokens[i].idem = idem;
		const struct rule *rule = decide(c, &tokens[i]);
		if (is_good(rule) || count == 1)
			return perform(c, &tokens[i], rule);
		if (chosen == NULL && rule->act == ACT_END)
			chosen = &tokens[i];
		store_rollback();
	}
	if (chosen == NULL)
		chosen = tokens;
	return perform(c, chosen, decide(c, chosen));
}

static enum error handle_refresh(struct call *c)
{
	struct rotation tokens[LIMIT_COOKIES] = { 0 };
	size_t count;
	uint64_t idem;
	enum error e = idempotency(c, &idem);
	if (e == ERROR_NONE)
		e = refresh_tokens(c, tokens, &count);
	if (e != ERROR_NONE)
		return e;
	if (count == 0) {
		bool asked = c->given & (IN_REFRESH_TOKEN | IN_COOKIE) || c->rq->cookie.p;
		c->member = asked ? NULL : "refresh_token";
		return asked ? ERROR_REFRESH_INVALID : ERROR_INVALID_REQUEST;
	}
	if ((e = open_store(c)) != ERROR_NONE)
		return e;
	return redeem(c, tokens, count, idem);
}

/* ---- access tokens ----------------------------------------------------- */

/* Authorization: Bearer was sent, well-formed or not. Another scheme is none
 * of ours: a whole site may stand behind Basic. */
static bool bearer_shown(const struct request *rq)
{
	struct slice rest = rq->authorization;
	return slice_is_nocase(slice_cut(&rest, ' '), S("Bearer"));
}

/* For safe methods, where the option is on. */
static bool access_by_cookie(const struct call *c, struct slice *out)
{
	bool safe = c->rq->method == METHOD_GET || c->rq->method == METHOD_HEAD;
	struct slice found[LIMIT_COOKIES];
	if (!safe || !c->config->access_cookie || http_cookies(c->rq, slice_of(cookie_name(c, COOKIE_ACCESS)), found) == 0)
		return false;
	*out = found[0];
	return true;
}

/* The access token of a request: in Authorization or in the body, not both
 * (RFC 6750, 2); else the cookie's. */
static enum error access_token(struct call *c, struct slice *out)
{
	bool by_header = bearer_shown(c->rq), by_body = c->given & IN_ACCESS_TOKEN;
	if (by_header && by_body) {
		c->member = "access_token";
		return ERROR_INVALID_REQUEST;
	}
	if (by_header)
		return http_bearer(c->rq, out) ? ERROR_NONE : ERROR_TOKEN_INVALID;
	*out = c->in.access_token;
	return by_body || access_by_cookie(c, out) ? ERROR_NONE : ERROR_TOKEN_MISSING;
}

/* Opens the access token as far as it goes without the store. */
static enum error open_access(struct call *c)
{
	struct slice token;
	enum error e = access_token(c, &token);
	if (e != ERROR_NONE)
		return e;
	if (jwt_open_access(token, c->ring, &c->access, NULL) != JWT_VALID)
		return ERROR_TOKEN_INVALID;
	if (!slice_is(c->access.iss, c->config->issuer) || !slice_is(c->access.aud, c->config->audience))
		return ERROR_TOKEN_INVALID;
	return ERROR_NONE;
}

/* A token from the future was issued while the clock was wrong. */
static enum error check_times(const struct call *c)
{
	if (c->access.iat > c->time + FUTURE_SECONDS)
		return ERROR_TOKEN_INVALID;
	return c->time >= c->access.exp ? ERROR_TOKEN_EXPIRED : ERROR_NONE;
}

/* Session and user of the access token, both still standing. */
static enum error standing(struct call *c)
{
	if (!store_session(c->access.sid, &c->session) || !store_user(c->session.user, &c->user))
		return ERROR_TOKEN_INVALID;
	if (c->session.ended_at || c->user.disabled)
		return ERROR_SESSION_REVOKED;
	return ERROR_NONE;
}

/* The whole check: MAC, times, session. */
static enum error require_access(struct call *c)
{
	enum error e = open_access(c);
	if (e == ERROR_NONE)
		e = open_store(c);
	if (e == ERROR_NONE)
		e = check_times(c);
	return e == ERROR_NONE ? standing(c) : e;
}

/* For a web server that asks before it serves something else. Without
 * ?live=1 no database is opened. */
static enum error handle_verify(struct call *c)
{
	struct slice live;
	enum error e = open_access(c);
	if (e != ERROR_NONE)
		return e;
	if (http_query(c->rq, S("live"), &live) && slice_is(live, S("1"))) {
		e = require_access(c);
	} else {
		c->time = now();
		e = clock_judge(c->time, 0) == CLOCK_UNSET ? ERROR_CLOCK_UNSET : check_times(c);
	}
	if (e != ERROR_NONE)
		return e;
	reply_header(c->rp, "X-Auth-User", id_text(c->access.sub), NULL);
	reply_header(c->rp, "X-Auth-Name", slice_text(c->access.name), NULL);
	reply_header(c->rp, "X-Auth-Session", id_text(c->access.sid), NULL);
	return no_content(c);
}

/* ---- sessions ---------------------------------------------------------- */

static enum error handle_me(struct call *c)
{
	struct buf *b = answer(c, 200);
	out_open(b);
	out_user_members(b, &c->user);
	out_name(b, "session");
	out_session(b, &c->session, c->time);
	buf_s(b, "}}");
	return ERROR_NONE;
}

/* Nothing expires by a clock that is doubted. */
static bool over(const struct call *c, const struct session *s)
{
	return s->ended_at || (c->belief == CLOCK_GOOD && c->time >= refresh_end(c, s));
}

static void out_listed(struct buf *b, const struct call *c, const struct session *s)
{
	out_open(b);
	out_id(b, "id", s->id);
	out_text(b, "device", s->device);
	out_text(b, "user_agent", s->agent);
	out_text(b, "ip", s->ip);
	out_int(b, "created_at", s->created_at);
	out_int(b, "last_used_at", s->rotated_at);
	out_int(b, "expires_at", refresh_end(c, s));
	out_name(b, "current");
	buf_s(b, s->id == c->session.id ? "true}" : "false}");
}

/* The live ones, at most LIMIT_LIST; read in pages, since ended ones stay a while. */
static enum error handle_sessions(struct call *c)
{
	struct session page[LIMIT_LIST];
	struct buf *b = answer(c, 200);
	size_t n, shown = 0;
	uint64_t after = 0;
	buf_c(b, '[');
	do {
		n = store_sessions(c->user.id, after, page);
		for (size_t i = 0; i < n && shown < LIMIT_LIST; i++) {
			after = page[i].id;
			if (over(c, &page[i]))
				continue;
			shown++;
			out_listed(b, c, &page[i]);
		}
	} while (n == LIMIT_LIST && shown < LIMIT_LIST);
	buf_s(b, "]}");
	return ERROR_NONE;
}

static enum error handle_session_delete(struct call *c)
{
	struct session s;
	uint64_t id;
	if (!parse_id(c->rest, &id) || !store_session(id, &s) || s.user != c->user.id || over(c, &s))
		return ERROR_NOT_FOUND;
	store_begin(DURABLE_NOW);
	store_session_end(id, ENDED_REVOKED, c->time);
	note(c, EVENT_REVOKE, c->user.id, id);
	commit(c);
	return no_content(c);
}

static enum error handle_sessions_delete(struct call *c)
{
	store_begin(DURABLE_NOW);
	c->note.distance = store_sessions_end(c->user.id, c->session.id, ENDED_REVOKED, c->time);
	note(c, EVENT_REVOKE, c->user.id, 0);
	commit(c);
	return no_content(c);
}

/*
 * The sessions that a sign-out speaks of, by whatever token it has. One that
 * is unknown, dead or missing is no fault: signed out is signed out.
 */
static enum error sessions_to_end(struct call *c, uint64_t sid[LIMIT_COOKIES], size_t *count)
{
	struct rotation tokens[LIMIT_COOKIES] = { 0 };
	*count = 0;
	if (!(c->given & IN_REFRESH_TOKEN) && (bearer_shown(c->rq) || c->given & IN_ACCESS_TOKEN)) {
		enum error wrong = open_access(c);
		if (wrong == ERROR_NONE)
			sid[(*count)++] = c->access.sid;
		return wrong == ERROR_INVALID_REQUEST ? wrong : ERROR_NONE;
	}
	enum error e = refresh_tokens(c, tokens, count);
	for (size_t i = 0; i < *count; i++)
		sid[i] = tokens[i].token.sid;
	return e;
}

/* One that stands; all of its user's where that was asked. */
static void sign_out(struct call *c, uint64_t sid)
{
	store_begin(DURABLE_NOW);
	if (!store_session(sid, &c->session) || c->session.ended_at) {
		store_rollback();
		return;
	}
	if (c->in.all)
		store_sessions_end(c->session.user, 0, ENDED_LOGOUT, c->time);
	else
		store_session_end(sid, ENDED_LOGOUT, c->time);
	note(c, EVENT_LOGOUT, c->session.user, sid);
	commit(c);
}

static enum error handle_logout(struct call *c)
{
	uint64_t sid[LIMIT_COOKIES];
	size_t count;
	enum error e = sessions_to_end(c, sid, &count);
	if (e == ERROR_NONE && count)
		e = open_store(c);
	if (e != ERROR_NONE)
		return e;
	if (c->access.sid && check_times(c) != ERROR_NONE)
		count = 0;
	for (size_t i = 0; i < count; i++)
		sign_out(c, sid[i]);
	if (c->rq->cookie.p) {
		set_cookie(c, COOKIE_REFRESH, SLICE_NONE, 0);
		set_cookie(c, COOKIE_ACCESS, SLICE_NONE, 0);
	}
	return no_content(c);
}

/* ---- password, audit, health ------------------------------------------- */

static enum error handle_password(struct call *c)
{
	enum password_verdict verdict;
	if (!password_acceptable(c->in.new_password))
		return ERROR_WEAK_PASSWORD;
	store_close();
	enum error e = may_try(c, c->user.name);
	if (e == ERROR_NONE)
		e = compare(c, c->in.current_password, &verdict);
	if (e != ERROR_NONE)
		return e;
	if (verdict == PASSWORD_WRONG)
		return wrong_password(c, c->user.name, c->user.id);
	store_close();
	struct slice hash = password_hash(c->in.new_password, cost_of(c->config));
	if ((e = open_store(c)) != ERROR_NONE)
		return e;
	store_begin(DURABLE_NOW);
	if ((e = standing(c)) != ERROR_NONE)
		return e;
	store_user_password(c->user.id, hash);
	c->note.distance = store_sessions_end(c->user.id, c->session.id, ENDED_PASSWORD, c->time);
	note(c, EVENT_PASSWORD_CHANGED, c->user.id, c->session.id);
	commit(c);
	throttle_succeeded(config_throttle_dir(c->config), c->rq->peer, c->user.name);
	return no_content(c);
}

/* A number of the query string, or its default. */
static enum error query_number(struct call *c, const char *name, int64_t max, int64_t *value)
{
	struct slice found;
	if (http_query(c->rq, slice_of(name), &found) && !parse_number(found, 1, max, value)) {
		c->member = name;
		return ERROR_INVALID_REQUEST;
	}
	return ERROR_NONE;
}

static void out_audit(struct buf *b, const struct audit *a)
{
	out_open(b);
	out_int(b, "id", a->id);
	out_int(b, "time", a->time);
	out_text(b, "event", slice_of(event_words[a->event]));
	if (a->session)
		out_id(b, "session", a->session);
	out_text(b, "ip", a->ip);
	if (a->event == EVENT_REUSE) {
		out_text(b, "class", slice_of(class_words[a->class]));
		out_int(b, "distance", a->distance);
	}
	buf_c(b, '}');
}

static enum error handle_audit(struct call *c)
{
	struct audit rows[LIMIT_LIST];
	int64_t limit = AUDIT_ROWS, before = 0;
	enum error e = query_number(c, "limit", LIMIT_LIST, &limit);
	if (e == ERROR_NONE)
		e = query_number(c, "before", INT64_MAX, &before);
	if (e != ERROR_NONE)
		return e;
	size_t n = store_audits(c->user.id, before, 0, limit, rows);
	struct buf *b = answer(c, 200);
	buf_c(b, '[');
	for (size_t i = 0; i < n; i++)
		out_audit(b, &rows[i]);
	buf_s(b, "]}");
	return ERROR_NONE;
}

/* A transaction is begun: a log that can't be written is found by that alone. */
static enum error handle_health(struct call *c)
{
	enum error e = open_store(c);
	if (e != ERROR_NONE)
		return e;
	store_begin(DURABLE_LATER);
	store_rollback();
	struct buf *b = answer(c, 200);
	buf_s(b, "{\"status\":\"ok\"");
	out_int(b, "time", c->time);
	buf_s(b, "}}");
	return ERROR_NONE;
}

/* ---- routes ------------------------------------------------------------ */

enum access {
	ACCESS_NONE,
	ACCESS_OWN,                    /* an access token, which the handler looks at */
	ACCESS_STANDING                /* one of a session that stands, or there is no answer */
};

struct route {
	enum method method;
	const char *path;              /* one that ends in '/' takes an id behind it */
	enum access access;
	unsigned members;              /* of the body, that must be there */
	bool hashes;                   /* a password, which takes a hundred times as long as all else */
	enum error (*handle)(struct call *c);
};

static const struct route routes[] = {
	{ METHOD_POST,   "/refresh",    ACCESS_NONE,     0,                                        false, handle_refresh },
	{ METHOD_GET,    "/verify",     ACCESS_OWN,      0,                                        false, handle_verify },
	{ METHOD_GET,    "/me",         ACCESS_STANDING, 0,                                        false, handle_me },
	{ METHOD_POST,   "/login",      ACCESS_NONE,     IN_USERNAME | IN_PASSWORD,                true,  handle_login },
	{ METHOD_POST,   "/logout",     ACCESS_OWN,      0,                                        false, handle_logout },
	{ METHOD_POST,   "/register",   ACCESS_NONE,     IN_USERNAME | IN_PASSWORD,                true,  handle_register },
	{ METHOD_GET,    "/sessions",   ACCESS_STANDING, 0,                                        false, handle_sessions },
	{ METHOD_DELETE, "/sessions",   ACCESS_STANDING, 0,                                        false, handle_sessions_delete },
	{ METHOD_DELETE, "/sessions/",  ACCESS_STANDING, 0,                                        false, handle_session_delete },
	{ METHOD_POST,   "/password",   ACCESS_STANDING, IN_CURRENT_PASSWORD | IN_NEW_PASSWORD,    true,  handle_password },
	{ METHOD_GET,    "/audit",      ACCESS_STANDING, 0,                                        false, handle_audit },
	{ METHOD_GET,    "/health",     ACCESS_NONE,     0,                                        false, handle_health },
};
enum { ROUTES = sizeof routes / sizeof *routes };

static bool takes(const struct route *r, struct slice path)
{
	struct slice own = slice_of(r->path);
	return own.p[own.n - 1] == '/' ? slice_starts(path, own) && path.n > own.n : slice_is(path, own);
}

/* The method that a route must have: HEAD is GET without its body. */
static enum method wanted(const struct request *rq)
{
	return rq->method == METHOD_HEAD ? METHOD_GET : rq->method;
}

/*
 * RFC 6750, 2.2: for servers that keep Authorization from the programs they
 * run, a form that holds access_token is a GET with that token. It can't be a
 * DELETE: what isn't shown in the method must not change anything.
 */
static bool suits(const struct route *r, const struct request *rq)
{
	bool form = rq->method == METHOD_POST && http_media_type(rq, S("application/x-www-form-urlencoded"));
	return r->method == wanted(rq) || (form && r->method == METHOD_GET && r->access);
}

/* The methods of a path, for Allow; false where the path isn't ours. */
static bool allowed(struct slice path, struct buf *allow)
{
	for (size_t i = 0; i < ROUTES; i++)
		if (takes(&routes[i], path)) {
			buf_s(allow, method_words[routes[i].method]);
			buf_s(allow, routes[i].method == METHOD_GET ? ", HEAD, " : ", ");
		}
	if (allow->n == 0)
		return false;
	buf_s(allow, "OPTIONS");
	buf_c(allow, '\0');
	return true;
}

/* OPTIONS, a preflight among them, or the wrong method. */
static enum error no_handler(struct call *c)
{
	struct buf allow = { 0 };
	if (!allowed(c->rq->path, &allow))
		return ERROR_NOT_FOUND;
	if (c->rq->method != METHOD_OPTIONS) {
		c->member = allow.p;
		return ERROR_METHOD_NOT_ALLOWED;
	}
	reply_header(c->rp, "Allow", allow.p, NULL);
	if (c->rq->request_method.p && config_origin_listed(c->config, c->rq->origin)) {
		reply_header(c->rp, "Access-Control-Allow-Methods", "GET, POST, DELETE", NULL);
		reply_header(c->rp, "Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key", NULL);
		reply_header(c->rp, "Access-Control-Max-Age", dec(PREFLIGHT_SECONDS), NULL);
	}
	return no_content(c);
}

/* Reads the known members of the body into c->in. */
static enum error read_members(struct call *c, const struct json *body)
{
	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		void *at = (char *)&c->in + members[i].at;
		struct slice *text = at;
		enum json_found found = members[i].text ? json_string(body, members[i].name, text)
			: json_bool(body, members[i].name, at);
		c->member = members[i].name;
		if (found == JSON_WRONG_TYPE || (found == JSON_FOUND && members[i].text && text->n > members[i].max))
			return ERROR_INVALID_REQUEST;
		if (found == JSON_FOUND)
			c->given |= members[i].bit;
	}
	c->member = NULL;
	return ERROR_NONE;
}

/* Of a form that is answered as a GET: exactly one token. */
static enum error read_form(struct call *c)
{
	size_t count = http_form(c->rq, S("access_token"), &c->in.access_token);
	if (count > 1) {
		c->member = "access_token";
		return ERROR_INVALID_REQUEST;
	}
	c->given = count ? IN_ACCESS_TOKEN : 0;
	return ERROR_NONE;
}

/* No body at all counts as an empty object. */
static enum error read_body(struct call *c)
{
	struct json body;
	if (c->rq->body.n == 0)
		return ERROR_NONE;
	if (!http_media_type(c->rq, S("application/json")))
		return ERROR_UNSUPPORTED_MEDIA_TYPE;
	switch (json_read(c->rq->body, &body)) {
	case JSON_MALFORMED:
		return ERROR_INVALID_JSON;
	case JSON_TOO_MANY:
		return ERROR_INVALID_REQUEST;
	case JSON_VALID:
		break;
	}
	return json_is_object(&body) ? read_members(c, &body) : ERROR_INVALID_REQUEST;
}

static enum error require_members(struct call *c, unsigned needed)
{
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		if (needed & ~c->given & members[i].bit) {
			c->member = members[i].name;
			return ERROR_INVALID_REQUEST;
		}
	return ERROR_NONE;
}

static enum error run(struct call *c, const struct route *r)
{
	enum error e = ERROR_NONE;
	if (c->rq->method == METHOD_POST)
		e = r->method == METHOD_POST ? read_body(c) : read_form(c);
	if (e == ERROR_NONE)
		e = require_members(c, r->members);
	if (e == ERROR_NONE && r->access == ACCESS_STANDING)
		e = require_access(c);
	c->rest = slice_from(c->rq->path, slice_of(r->path).n);
	return e == ERROR_NONE ? r->handle(c) : e;
}

/* RFC 6750, 3: a request without a token is told the scheme alone. */
static void challenge(struct call *c, enum error e)
{
	if (e == ERROR_TOKEN_MISSING)
		reply_header(c->rp, "WWW-Authenticate", "Bearer realm=\"latchkey\"", NULL);
	else if (e == ERROR_TOKEN_INVALID || e == ERROR_TOKEN_EXPIRED || (e == ERROR_SESSION_REVOKED && c->access.sid))
		reply_header(c->rp, "WWW-Authenticate", "Bearer realm=\"latchkey\", error=\"invalid_token\"", NULL);
}

/* Servers that keep Authorization from programs, by the beginning of their
 * names, and what helps. Those that pass AUTH_TYPE alone give themselves away. */
static const struct { const char *name, *remedy; } withholders[] = {
	{ "Apache", "say CGIPassAuth On" },
	{ "busybox httpd/1.2", "take 1.31 or later" },
	{ "busybox httpd/1.30", "take 1.31 or later" },
};

/*
 * Nothing else shows the operator why everybody is refused. Who shows a
 * cookie or another scheme is a browser that isn't signed in; a server that
 * passes the header on has nothing to be blamed for.
 */
static void explain_missing(const struct request *rq)
{
	const char *remedy = rq->withheld ? "it passed AUTH_TYPE alone" : NULL;
	for (size_t i = 0; i < sizeof withholders / sizeof *withholders; i++)
		if (slice_starts(rq->server, slice_of(withholders[i].name)))
			remedy = withholders[i].remedy;
	if (remedy && !rq->authorization.p && !rq->cookie.p)
		log_line("AU1", "no Authorization came through ", slice_text(rq->server), ": ", remedy,
			", or send access_token in the body (RFC 6750, 2.2)", NULL);
}

static void refuse(struct call *c, enum error e)
{
	if (e == ERROR_TOKEN_MISSING)
		explain_missing(c->rq);
	store_rollback();
	reply_error(c->rp, e, e == ERROR_METHOD_NOT_ALLOWED ? NULL : c->member, c->retry_after);
	if (e == ERROR_METHOD_NOT_ALLOWED)
		reply_header(c->rp, "Allow", c->member, NULL);
	challenge(c, e);
}

static const struct route *route_of(const struct request *rq)
{
	for (size_t i = 0; i < ROUTES; i++)
		if (suits(&routes[i], rq) && takes(&routes[i], rq->path))
			return &routes[i];
	return NULL;
}

bool auth_hashes(const struct request *rq)
{
	const struct route *route = rq->below ? route_of(rq) : NULL;
	return route && route->hashes;
}

void auth_answer(const struct config *config, const struct keyring *ring, const struct request *rq, struct reply *rp)
{
	struct call c = { .config = config, .ring = ring, .rq = rq, .rp = rp };
	const struct route *route = route_of(rq);
	enum error e = route ? run(&c, route) : no_handler(&c);
	if (e != ERROR_NONE)
		refuse(&c, e);
}

void auth_finish(const struct config *config, const struct request *rq, struct reply *rp)
{
	bool page = !rq->below && rp->status < 400;
	reply_header(rp, "Cache-Control", page ? "no-cache" : "no-store", NULL);
	if (config->cors_origins.n == 0)
		return;
	reply_header(rp, "Vary", "Origin", NULL);
	if (!config_origin_listed(config, rq->origin))
		return;
	reply_header(rp, "Access-Control-Allow-Origin", slice_text(rq->origin), NULL);
	reply_header(rp, "Access-Control-Allow-Credentials", "true", NULL);
	reply_header(rp, "Access-Control-Expose-Headers", "Retry-After, WWW-Authenticate", NULL);
}
