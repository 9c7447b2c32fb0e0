/*
 * auth: the native dialect (docs/api.md).
 *
 * route.c finds the row of `routes` and reads the body; admit() checks the
 * access token where the row demands one; the handler asks the policy
 * (session.h) and writes the answer, or returns an error that auth_refuse() writes.
 *
 * Here and nowhere else stands where a token may come from (header, body,
 * cookie) and how an answer looks.
 */
#include "auth.h"

#include "auth_json.h"
#include "config.h"
#include "cookies.h"
#include "credential.h"
#include "factor.h"
#include "gate.h"
#include "identity.h"
#include "json.h"
#include "possession.h"
#include "redirect.h"
#include "session.h"
#include "signin.h"
#include "store.h"

enum {
	AUDIT_ROWS = 50,       /* of GET /audit, where no limit is given */
	LIST_BYTES = 40 * 1024, /* of GET /sessions: no row begins behind them */
	ROW_BYTES = 4 * 1024,  /* of one row at most, of the brackets behind it, and of the head's words before */
	REFRESH_LEAST = 200    /* bytes that a cookie with a refresh token has at least */
};

static struct native *own(const struct call *c)
{
	return c->own;
}

/* ---- writing answers --------------------------------------------------- */

/* In cookie mode the tokens are in cookies: the refresh token there alone. */
static void set_cookies(struct call *c, const struct grant *g)
{
	int64_t time = c->work.time;
	bool brief = g->session.brief;
	if (g->session.cookie)
		cookies_set(&c->work, c->rq, c->rp, COOKIE_REFRESH, g->refresh, brief ? COOKIE_BRIEF : g->refresh_end - time);
	if (g->session.cookie && c->work.config->access_cookie)
		cookies_set(&c->work, c->rq, c->rp, COOKIE_ACCESS, g->access, brief ? COOKIE_BRIEF : g->access_end - time);
}

enum error auth_answer_grant(struct call *c, enum error e, int status)
{
	const struct grant *g = &own(c)->grant;
	if (e != ERROR_NONE)
		return e;
	struct jw *w = auth_begin_data(c, status);
	set_cookies(c, g);
	auth_json_pair(w, g, c->work.time);
	return auth_end_data(w);
}

/* ---- signing in -------------------------------------------------------- */

/* The body's key wins over the header's: some servers drop headers that they don't know. p NULL: neither has one. */
static enum error find_idempotency(struct call *c, struct slice *out)
{
	*out = own(c)->idempotency_key.p ? own(c)->idempotency_key : c->rq->idempotency_key;
	bool good = out->p == NULL || (out->n > 0 && out->n <= LIMIT_IDEMPOTENCY);
	return good ? ERROR_NONE : auth_blame(c, "idempotency_key");
}

static bool present_cookies(struct call *c, struct slice idempotency);

/* The cookie that is set takes the place of those that are shown. */
static void find_replaced(struct call *c)
{
	struct native *n = own(c);
	if (!present_cookies(c, SLICE_NONE) || cookies_cross_site(c->work.config, c->rq))
		return;
	n->origin.shown = n->tokens;
	n->origin.count = n->count;
}

enum error auth_prepare(struct call *c)
{
	struct native *n = own(c);
	enum error e = find_idempotency(c, &n->origin.idempotency);
	if (e == ERROR_NONE && n->origin.cookie)
		e = cookies_usable(c->work.config, c->rq);
	if (e == ERROR_NONE)
		e = possession_read(c);
	if (e != ERROR_NONE)
		return e;
	n->origin.brief = n->origin.cookie && !n->remember;
	n->origin.factor.code = n->code;
	if (n->origin.cookie)
		find_replaced(c);
	return ERROR_NONE;
}

enum error auth_start(struct call *c, auth_way_in way)
{
	struct native *n = own(c);
	enum error e = auth_prepare(c);
	if (e != ERROR_NONE)
		return e;
	return way(&c->work, n->username, n->password, &n->origin, &n->grant);
}

static enum error handle_login(struct call *c)
{
	return auth_answer_grant(c, auth_start(c, signin_by_password), 200);
}

static enum error handle_register(struct call *c)
{
	enum error e = auth_start(c, signin_register);
	if (e == ERROR_INVALID_REQUEST && c->about == NULL)
		c->about = "username";
	return auth_answer_grant(c, e, 201);
}

/* ---- refreshing -------------------------------------------------------- */

/* Room for all tokens that the request can have. */
static void make_room(struct native *n, size_t most)
{
	n->most = most;
	n->tokens = arena(most * sizeof *n->tokens);
}

/* What was taken to look at a token that isn't ours is given back: a browser may send hundreds. */
static void present_token(struct call *c, struct slice token, bool by_cookie, struct slice idempotency, unsigned guard)
{
	struct native *n = own(c);
	size_t mark = arena_mark();
	if (n->count == n->most || !session_present(&c->work, token, by_cookie, idempotency, &n->tokens[n->count]))
		arena_back(mark);
	else {
		n->tokens[n->count].body_only = n->body_only;
		n->tokens[n->count++].guard = guard;
	}
}

/* Those in cookies, first of the names that the fewest others can set. False: no cookie of ours came. */
static bool present_cookies(struct call *c, struct slice idempotency)
{
	struct native *n = own(c);
	bool any = false;
	make_room(n, c->rq->cookie.n / REFRESH_LEAST + 1);
	for (enum cookie_guard g = COOKIE_OF_HOST; g < COOKIE_GUARDS; g++) {
		struct slice rest = c->rq->cookie, value;
		for (; cookies_next(&c->work, c->rq, g, &rest, &value); any = true)
			present_token(c, value, true, idempotency, g);
	}
	return any;
}

/* The refresh tokens of a request: the body's, or the cookies' (a subdomain may have planted its own). */
static enum error find_refresh_tokens(struct call *c, struct slice idempotency)
{
	struct native *n = own(c);
	if (n->refresh_token.p == NULL)
		return present_cookies(c, idempotency) && cookies_cross_site(c->work.config, c->rq) ? ERROR_CROSS_SITE : ERROR_NONE;
	make_room(n, 1);
	present_token(c, n->refresh_token, false, idempotency, 0);
	return ERROR_NONE;
}

/* The session that a page with cookies means, if it says so. */
static enum error find_named_session(struct call *c, uint64_t *id)
{
	*id = 0;
	return own(c)->session.p == NULL || parse_id(own(c)->session, id) ? ERROR_NONE : auth_blame(c, "session");
}

/* No token of ours was found: one was meant, or the request forgot it. */
static enum error refuse_without_token(struct call *c)
{
	bool meant = own(c)->refresh_token.p || own(c)->origin.cookie || c->rq->cookie.p;
	return meant ? ERROR_REFRESH_INVALID : auth_blame(c, "refresh_token");
}

/*
 * For a call that ends all other sessions: the token that its session is to be renewed by. What can't be asked for again
 * isn't changed: without a key the caller keeps his token.
 */
static enum error find_renewal(struct call *c, struct renewal *out)
{
	struct native *n = own(c);
	struct slice idempotency;
	enum error e = find_idempotency(c, &idempotency);
	if (e == ERROR_NONE && idempotency.p)
		e = find_refresh_tokens(c, idempotency);
	*out = (struct renewal){ n->tokens, e == ERROR_NONE ? n->count : 0, idempotency, false, &n->grant };
	return e == ERROR_CROSS_SITE ? ERROR_NONE : e;
}

static enum error answer_renewal(struct call *c, enum error e, const struct renewal *renewal)
{
	if (e != ERROR_NONE || !renewal->done)
		return e == ERROR_NONE ? route_no_content(c) : e;
	session_grant(&c->work, renewal->grant);
	return auth_answer_grant(c, ERROR_NONE, 200);
}

enum error auth_refresh(struct call *c)
{
	struct native *n = own(c);
	struct slice idempotency;
	uint64_t named;
	enum error e = find_idempotency(c, &idempotency);
	if (e == ERROR_NONE)
		e = find_named_session(c, &named);
	if (e == ERROR_NONE)
		e = find_refresh_tokens(c, idempotency);
	if (e == ERROR_NONE)
		e = n->count ? possession_read(c) : refuse_without_token(c);
	if (e == ERROR_NONE)
		e = session_clock(&c->work);
	if (e == ERROR_NONE)
		e = session_rotate(&c->work, n->tokens, n->count, named, &n->grant);
	return e;
}

static enum error handle_refresh(struct call *c)
{
	return auth_answer_grant(c, auth_refresh(c), 200);
}

/* ---- access tokens ----------------------------------------------------- */

static enum error find_access_token(struct call *c, struct slice *out)
{
	enum error e = credential_find(&c->work, c->rq, c->any_method, own(c)->access_token, out);
	return e == ERROR_INVALID_REQUEST ? auth_blame(c, "access_token") : e;
}

static enum error check_access(struct call *c, enum check check)
{
	struct slice token;
	enum error e = find_access_token(c, &token);
	return e == ERROR_NONE ? session_check(&c->work, token, check, &own(c)->caller) : e;
}

/* A client of OAuth that was broken into can neither take its users over nor see what else they do: it gets GET /me at the most. */
static enum error admit_client(const struct call *c)
{
	bool reads = c->rq->method != METHOD_DELETE && slice_is(c->path, S("/me"));
	return own(c)->caller.session.client.n && !reads ? ERROR_INSUFFICIENT_SCOPE : ERROR_NONE;
}

static enum error admit_with(struct call *c, enum check check)
{
	enum error e = check_access(c, check);
	return e == ERROR_NONE ? admit_client(c) : e;
}

/* What is deleted here is a session. */
static enum error admit(struct call *c)
{
	return admit_with(c, c->rq->method == METHOD_DELETE ? CHECK_TO_END : CHECK_LIVE);
}

enum error auth_admit_live(struct call *c)
{
	return admit_with(c, CHECK_LIVE);
}

enum error auth_admit_to_end(struct call *c)
{
	return admit_with(c, CHECK_TO_END);
}

/* Who asks, by an access token; else by the cookie of a site session. */
static enum error check_any(struct call *c)
{
	struct slice live;
	struct caller caller = { 0 };
	enum error e = check_access(c, http_query(c->rq, S("live"), &live) && slice_is(live, S("1")) ? CHECK_LIVE : CHECK_TIMES);
	if (e == ERROR_NONE || c->rq->cookie.p == NULL || credential_is_own(&c->work, c->rq, own(c)->access_token))
		return e;
	enum error by_site = gate_admit(&c->work, c->rq, GATE_SITE, &caller);
	if (by_site == ERROR_TOKEN_MISSING)
		return e;
	own(c)->caller = caller;
	return by_site;
}

/* For a web server that asks before it serves something else: what it hands on of that request, method, length and coding
 * among it, is none of ours but the credential. No database is opened without ?live=1, but for a site session. */
static enum error answer_verified(struct call *c)
{
	enum error e = identity_tell(c->work.config, c->rq, c->rp, &own(c)->caller);
	return e == ERROR_NONE ? route_no_content(c) : e;
}

/* nginx takes no other answer than 401 for a no, and sends the browser itself (?redirect=401). */
static enum error send_to_signin(struct call *c)
{
	struct slice status;
	own(c)->signin = redirect_to_signin(c->work.config, c->rq);
	if (http_query(c->rq, S("redirect"), &status) && slice_is(status, S("401")))
		return ERROR_TOKEN_MISSING;
	c->rp->status = 302;
	reply_header(c->rp, "Location", own(c)->signin, NULL);
	return ERROR_NONE;
}

/* With ?redirect who opens a page is sent to sign in; also where his cookie is to be made anew, which that page does. */
static enum error handle_verify(struct call *c)
{
	enum error e = check_any(c);
	bool by_page = http_asks(c->rq, S("redirect")) && redirect_is_page(c->rq);
	if (by_page && (errors[e].status == 401 || (e == ERROR_NONE && own(c)->caller.signer)))
		return send_to_signin(c);
	return e == ERROR_NONE ? answer_verified(c) : e;
}

static enum error handle_password(struct call *c)
{
	struct native *n = own(c);
	struct renewal renewal;
	enum error e = find_renewal(c, &renewal);
	if (e == ERROR_NONE)
		e = signin_change_password(&c->work, &n->caller, n->current_password, n->code, n->new_password, &renewal);
	return answer_renewal(c, e, &renewal);
}

/* It signs nobody in, so the client may want the name to sign in with. */
static enum error handle_password_link(struct call *c)
{
	struct user user;
	enum error e = signin_redeem_link(&c->work, own(c)->ticket, own(c)->new_password, &user);
	if (e != ERROR_NONE)
		return e;
	struct jw *w = auth_begin_data(c, 200);
	jw_text(jw_open(w, '{'), "username", user.name);
	return auth_end_data(w);
}

/* ---- sessions ---------------------------------------------------------- */

static enum error handle_me(struct call *c)
{
	const struct caller *caller = &own(c)->caller;
	struct jw *w = auth_begin_data(c, 200);
	auth_json_me(w, &caller->user, &caller->session, c->work.time);
	return auth_end_data(w);
}

/* ?after=USED.ID: last_used_at and id of the last row that was seen; without it from the first on, which is the current one. */
static enum error find_place(struct call *c, int64_t *used, uint64_t *id)
{
	struct slice rest;
	*used = INT64_MAX;
	*id = 0;
	if (!http_query(c->rq, S("after"), &rest))
		return ERROR_NONE;
	if (parse_number(slice_cut(&rest, '.'), 0, INT64_MAX - 1, used) && parse_id(rest, id))
		return ERROR_NONE;
	return auth_blame(c, "after");
}

/* Where a list stands: the last row that was read, and how many were written. */
struct listing {
	int64_t used;
	uint64_t id;
	size_t shown;
};

/* Writes what of a page isn't over and isn't the current session. False: there are no more rows, or there is no more room. */
static bool write_page(struct jw *w, const struct call *c, struct listing *l)
{
	struct session page[LIMIT_LIST];
	const struct caller *caller = &own(c)->caller;
	size_t mark = arena_mark(), n = store_sessions_used(caller->user.id, l->used, l->id, page), i = 0;
	for (; i < n && l->shown < LIMIT_LIST && w->out->n < LIST_BYTES; i++) {
		l->used = page[i].rotated_at;
		l->id = page[i].id;
		if (page[i].id == caller->session.id || session_over(&c->work, &page[i], &caller->user))
			continue;
		l->shown++;
		auth_json_listed(w, &page[i], session_deadline(c->work.config, &page[i]), false);
	}
	arena_back(mark);
	return n == LIMIT_LIST && i == n;
}

/* The answer has its room from the start, so that each page's can be given back. */
static enum error handle_sessions(struct call *c)
{
	struct listing l = { 0 };
	const struct session *s = &own(c)->caller.session;
	enum error e = find_place(c, &l.used, &l.id);
	if (e != ERROR_NONE)
		return e;
	c->rp->body = (struct buf){ arena(LIST_BYTES + ROW_BYTES), 0, LIST_BYTES + ROW_BYTES };
	struct jw *w = auth_begin_data(c, 200);
	jw_open(w, '[');
	if (l.used == INT64_MAX) {
		auth_json_listed(w, s, session_deadline(c->work.config, s), true);
		l.shown++;
	}
	while (write_page(w, c, &l))
		;
	return auth_end_data(w);
}

static enum error handle_session_delete(struct call *c)
{
	uint64_t id;
	if (!parse_id(c->rest, &id))
		return ERROR_NOT_FOUND;
	enum error e = session_end(&c->work, END_ONE, &own(c)->caller.user, id, NULL);
	return e == ERROR_NONE ? route_no_content(c) : e;
}

static enum error handle_sessions_delete(struct call *c)
{
	const struct caller *caller = &own(c)->caller;
	struct renewal renewal;
	enum error e = find_renewal(c, &renewal);
	if (e == ERROR_NONE)
		e = session_end(&c->work, END_OTHERS, &caller->user, caller->session.id, &renewal);
	return answer_renewal(c, e, &renewal);
}

/* The one that the access token of a sign-out means. */
static enum error find_session_of_access(struct call *c)
{
	struct native *n = own(c);
	struct slice token;
	enum error e = find_access_token(c, &token);
	make_room(n, 1);
	if (e == ERROR_NONE && session_open_access(&c->work, token, &n->caller) == ERROR_NONE)
		n->tokens[n->count++].token.sid = n->caller.claims.sid;
	return e == ERROR_INVALID_REQUEST ? e : ERROR_NONE;
}

/*
 * The sessions that a sign-out means, by whatever token it has. One that is
 * unknown, dead or missing is no fault: signed out is signed out.
 */
static enum error find_sessions_to_end(struct call *c)
{
	bool by_access = !own(c)->refresh_token.p && (credential_shows_bearer(c->rq) || own(c)->access_token.p);
	return by_access ? find_session_of_access(c) : find_refresh_tokens(c, SLICE_NONE);
}

/* A browser may have two cookies of one session, by an older name and by today's: the older is no reuse. */
static bool is_outdated(const struct native *n, const struct refresh_claims *token)
{
	bool newer = false;
	for (size_t i = 0; i < n->count; i++)
		newer |= n->tokens[i].token.sid == token->sid && n->tokens[i].token.ctr > token->ctr;
	return newer;
}

/*
 * Who ends a session need not wait for the clock, and an access token of ours says whose session it is, expired or not: a
 * user whose laptop slept must not be told that he is signed out while he isn't. To end others it must be good still.
 */
static enum error sign_out_sessions(struct call *c)
{
	struct native *n = own(c);
	enum error e = ERROR_NONE;
	bool all = n->all && !jwt_is_clients(&n->caller.claims);    /* a client's access token means its own session alone */
	if (n->count)
		(void)session_clock(&c->work);
	if (all && n->caller.claims.sid && session_check_times(&c->work, &n->caller) == ERROR_TOKEN_EXPIRED)
		return ERROR_TOKEN_EXPIRED;
	for (size_t i = 0; i < n->count; i++) {
		bool outdated = is_outdated(n, &n->tokens[i].token);
		enum error failure = outdated ? ERROR_NONE : session_sign_out(&c->work, &n->tokens[i], all);
		e = e == ERROR_NONE ? failure : e;
	}
	return e;
}

static void take_cookies_away(struct call *c)
{
	if (c->rq->cookie.p == NULL || cookies_cross_site(c->work.config, c->rq))
		return;
	cookies_set(&c->work, c->rq, c->rp, COOKIE_REFRESH, SLICE_NONE, 0);
	cookies_set(&c->work, c->rq, c->rp, COOKIE_ACCESS, SLICE_NONE, 0);
}

/* Cookies are as good as a token: a page of another site makes use of none, and takes none away. */
enum error auth_logout(struct call *c)
{
	bool with_token = own(c)->refresh_token.p || own(c)->access_token.p || credential_shows_bearer(c->rq);
	if (!with_token && c->rq->cookie.p && cookies_cross_site(c->work.config, c->rq))
		return ERROR_CROSS_SITE;
	enum error e = find_sessions_to_end(c);
	if (e == ERROR_NONE)
		e = sign_out_sessions(c);
	if (e != ERROR_NONE)
		return e;
	take_cookies_away(c);
	return route_no_content(c);
}

/* Whether the password may be missing is the user's matter, so no table of members can say it. */
static enum error name_password(struct call *c, enum error e)
{
	return e == ERROR_INVALID_REQUEST ? auth_blame(c, "password") : e;
}

static enum error handle_me_delete(struct call *c)
{
	enum error e = name_password(c, signin_delete_user(&c->work, &own(c)->caller, own(c)->password, own(c)->code));
	if (e != ERROR_NONE)
		return e;
	take_cookies_away(c);
	return route_no_content(c);
}

/* ---- second factor ------------------------------------------------------ */

static enum error handle_totp(struct call *c)
{
	struct enrolment made;
	enum error e = name_password(c, factor_begin(&c->work, &own(c)->caller, own(c)->password, &made));
	if (e != ERROR_NONE)
		return e;
	struct jw *w = auth_begin_data(c, 200);
	auth_json_enrolment(w, &made);
	return auth_end_data(w);
}

static enum error handle_totp_confirm(struct call *c)
{
	enum error e = factor_confirm(&c->work, &own(c)->caller, own(c)->ticket, own(c)->code);
	return e == ERROR_NONE ? route_no_content(c) : e;
}

static enum error handle_totp_off(struct call *c)
{
	enum error e = name_password(c, factor_off(&c->work, &own(c)->caller, own(c)->password, own(c)->code));
	return e == ERROR_NONE ? route_no_content(c) : e;
}

/* ---- audit, health ------------------------------------------------------ */

/* A number of the query string, or its default. */
static enum error query_number(struct call *c, const char *name, int64_t max, int64_t *value)
{
	struct slice found;
	bool bad = http_query(c->rq, slice_of(name), &found) && !parse_number(found, 1, max, value);
	return bad ? auth_blame(c, name) : ERROR_NONE;
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
	size_t n = store_audits(own(c)->caller.user.id, before, limit, rows);
	struct jw *w = auth_begin_data(c, 200);
	jw_open(w, '[');
	for (size_t i = 0; i < n; i++)
		auth_json_event(w, &rows[i]);
	return auth_end_data(w);
}

static enum error handle_health(struct call *c)
{
	enum error e = session_ready(&c->work);
	if (e != ERROR_NONE)
		return e;
	struct jw *w = auth_begin_data(c, 200);
	jw_open(w, '{');
	jw_plain(w, "status", S("ok"));
	jw_int(w, "time", c->work.time);
	return auth_end_data(w);
}

/* ---- routes ------------------------------------------------------------ */

#define MEMBER(name, kind, required, max, place) { name, kind, required, max, offsetof(struct native, place) }
#define TEXT(name, required, max) MEMBER(#name, MEMBER_TEXT, required, max, name)
#define FLAG(name) MEMBER(#name, MEMBER_FLAG, false, 0, name)
#define DEVICE MEMBER("device", MEMBER_TEXT, false, LIMIT_DEVICE, origin.device)
#define COOKIE MEMBER("cookie", MEMBER_FLAG, false, 0, origin.cookie)
#define IDEMPOTENCY MEMBER("idempotency_key", MEMBER_TEXT, false, LIMIT_IDEMPOTENCY, idempotency_key)
#define REMEMBER MEMBER("remember", MEMBER_FLAG, true, 0, remember)
#define CODE MEMBER("code", MEMBER_TEXT, false, LIMIT_CODE, code)
#define END { NULL, MEMBER_FLAG, false, 0, 0 }

static const struct member sign_in_members[] = {
	TEXT(username, true, LIMIT_USERNAME), TEXT(password, true, LIMIT_BODY), CODE, DEVICE, COOKIE, REMEMBER, IDEMPOTENCY, END
};
static const struct member refresh_members[] = {
	TEXT(refresh_token, false, LIMIT_BODY), IDEMPOTENCY, TEXT(session, false, LIMIT_BODY),
	COOKIE, END
};
static const struct member logout_members[] = {
	TEXT(refresh_token, false, LIMIT_BODY), TEXT(access_token, false, LIMIT_BODY), FLAG(all), END
};
static const struct member password_members[] = {
	TEXT(current_password, true, LIMIT_BODY), TEXT(new_password, true, LIMIT_BODY), CODE, TEXT(access_token, false, LIMIT_BODY),
	TEXT(refresh_token, false, LIMIT_BODY), IDEMPOTENCY, END
};
static const struct member link_members[] = { TEXT(ticket, true, LIMIT_JWT), TEXT(new_password, true, LIMIT_BODY), END };
static const struct member renewal_members[] = {
	TEXT(refresh_token, false, LIMIT_BODY), IDEMPOTENCY, END
};
static const struct member leave_members[] = { TEXT(password, false, LIMIT_BODY), CODE, TEXT(access_token, false, LIMIT_BODY), END };
static const struct member totp_members[] = { TEXT(password, false, LIMIT_BODY), TEXT(access_token, false, LIMIT_BODY), END };
static const struct member totp_confirm_members[] = {
	TEXT(ticket, true, LIMIT_JWT), TEXT(code, true, LIMIT_CODE), TEXT(access_token, false, LIMIT_BODY), END
};
/* Of a GET: where it comes as a form. */
static const struct member token_members[] = { TEXT(access_token, false, LIMIT_BODY), END };

static const struct route routes[] = {
	{ METHOD_POST,   "/refresh",    ACCESS_NONE, refresh_members,  PACE_SIGNS, handle_refresh },
	{ METHOD_ANY,    "/verify",     ACCESS_NONE, token_members,    PACE_QUICK, handle_verify },
	{ METHOD_GET,    "/me",         ACCESS_LIVE, token_members,    PACE_QUICK, handle_me },
	{ METHOD_DELETE, "/me",         ACCESS_LIVE, leave_members,    PACE_SLOW, handle_me_delete },
	{ METHOD_POST,   "/login",      ACCESS_NONE, sign_in_members,  PACE_SLOW, handle_login },
	{ METHOD_POST,   "/logout",     ACCESS_NONE, logout_members,   PACE_LASTS, auth_logout },
	{ METHOD_POST,   "/register",   ACCESS_NONE, sign_in_members,  PACE_SLOW, handle_register },
	{ METHOD_GET,    "/sessions",   ACCESS_LIVE, token_members,    PACE_QUICK, handle_sessions },
	{ METHOD_DELETE, "/sessions",   ACCESS_LIVE, renewal_members,  PACE_ENDS,  handle_sessions_delete },
	{ METHOD_DELETE, "/sessions/",  ACCESS_LIVE, NULL,             PACE_LASTS, handle_session_delete },
	{ METHOD_POST,   "/password",   ACCESS_LIVE, password_members, PACE_SLOW, handle_password },
	{ METHOD_POST,   "/password/link", ACCESS_NONE, link_members,  PACE_SLOW, handle_password_link },
	{ METHOD_POST,   "/totp",       ACCESS_LIVE, totp_members,     PACE_SLOW, handle_totp },
	{ METHOD_POST,   "/totp/confirm", ACCESS_LIVE, totp_confirm_members, PACE_QUICK, handle_totp_confirm },
	{ METHOD_POST,   "/totp/off",   ACCESS_LIVE, leave_members,    PACE_SLOW, handle_totp_off },
	{ METHOD_GET,    "/audit",      ACCESS_LIVE, token_members,    PACE_QUICK, handle_audit },
	{ METHOD_GET,    "/health",     ACCESS_NONE, NULL,             PACE_QUICK, handle_health },
};

const struct dialect auth_dialect = {
	.prefix = "/",
	.routes = routes,
	.count = sizeof routes / sizeof *routes,
	.size = sizeof(struct native),
	.admit = admit,
	.refuse = auth_refuse,
};
