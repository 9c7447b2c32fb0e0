/*
 * gotrue: see gotrue.h.
 *
 * Once its access token has expired, auth-js (2.119) forgets its session by whatever refusal of a refresh that isn't 500 to 504; by those it tries again.
 * So a refresh is refused by what is final alone: what `words` doesn't name is 503 there, and so is a client that has gone.
 */
#include "gotrue.h"

#include "auth.h"
#include "auth_json.h"
#include "config.h"
#include "credential.h"
#include "json.h"
#include "session.h"
#include "signin.h"

static struct native *own(const struct call *c)
{
	return c->own;
}

/* ---- answers ------------------------------------------------------------- */

static struct jw *put(struct jw *w, const char *name, struct slice text)
{
	return jw_text(w, name, text);
}

/* Apps read from app_metadata what a user can't change himself: so there is what the app API tells of him. */
static void write_user(struct jw *w, const struct config *config, const struct user *u)
{
	jw_id(w, "id", u->id);
	put(w, "aud", config->audience);
	put(w, "role", S("authenticated"));
	put(w, "email", u->name);
	jw_open(jw_name(w, "app_metadata"), '{');
	put(w, "provider", S("email"));
	jw_list(w, "providers", S("email"));
	auth_json_user(w, u);
	jw_close(w);
	jw_close(jw_open(jw_name(w, "user_metadata"), '{'));
	put(w, "created_at", iso_time(u->created_at));
}

/* Without expires_at: the client takes that for its own clock's time, and reckons it from expires_in where it isn't there. */
static enum error answer_session(struct call *c, enum error e)
{
	const struct grant *g = &own(c)->grant;
	if (e != ERROR_NONE)
		return e;
	struct jw *w = auth_begin(c, 200);
	put(w, "access_token", g->access);
	put(w, "token_type", S("bearer"));
	jw_int(w, "expires_in", g->access_end - c->work.time);
	put(w, "refresh_token", g->refresh);
	write_user(jw_open(jw_name(w, "user"), '{'), c->work.config, &g->user);
	return auth_end_data(w);
}

static enum error handle_user(struct call *c)
{
	struct jw *w = auth_begin(c, 200);
	write_user(w, c->work.config, &own(c)->caller.user);
	return auth_end_data(w);
}

/* ---- what isn't kept ----------------------------------------------------- */

static bool is_empty_object(struct slice text)
{
	struct json j;
	return json_read(text, &j) == JSON_VALID && json_is_object(&j) && j.marks == 1;
}

/* What an app wants to be kept of a user and is not: it must not believe that it was. The client sends an empty `data` where it has none. */
static enum error refuse_unkept(struct call *c)
{
	struct json body;
	struct slice value;
	if (json_read(c->rq->body, &body) != JSON_VALID)        /* none */
		return ERROR_NONE;
	if (json_raw(&body, "data", &value) == JSON_FOUND && !is_empty_object(value))
		return auth_blame(c, "data isn't kept here");
	return json_raw(&body, "phone", &value) == JSON_FOUND ? auth_blame(c, "phone isn't kept here") : ERROR_NONE;
}

/* ---- calls --------------------------------------------------------------- */

static enum error handle_signup(struct call *c)
{
	enum error e = refuse_unkept(c);
	if (e == ERROR_NONE)
		e = auth_start(c, signin_register);
	if (e == ERROR_INVALID_REQUEST && c->about == NULL)
		c->about = "email";
	return answer_session(c, e);
}

static enum error grant_password(struct call *c)
{
	if (own(c)->username.p == NULL)
		return auth_blame(c, "email");
	return own(c)->password.p ? auth_start(c, signin_by_password) : auth_blame(c, "password");
}

/* A body that was lost on its way says nothing of the session. */
static enum error grant_refresh(struct call *c)
{
	own(c)->body_only = true;
	if (own(c)->refresh_token.p)
		return auth_refresh(c);
	return c->rq->body.n ? auth_blame(c, "refresh_token") : ERROR_LENGTH_REQUIRED;
}

static bool has_query(const struct call *c, const char *name, const char *value)
{
	struct slice found;
	return http_query(c->rq, slice_of(name), &found) && slice_is(found, slice_of(value));
}

static bool is_refresh(const struct call *c)
{
	return slice_is(c->path, S("/token")) && has_query(c, "grant_type", "refresh_token");
}

static enum error handle_token(struct call *c)
{
	if (is_refresh(c))
		return answer_session(c, grant_refresh(c));
	return answer_session(c, has_query(c, "grant_type", "password") ? grant_password(c) : auth_blame(c, "grant_type"));
}

/* Without the current password a sign-in within ten minutes is asked for, and of a second factor there is no way to show a code. */
static enum error handle_update(struct call *c)
{
	struct native *n = own(c);
	struct renewal none = { .count = 0 };
	enum error e = refuse_unkept(c);
	if (e == ERROR_NONE && n->username.p && !slice_is_nocase(n->username, n->caller.user.name))
		e = auth_blame(c, "email stays what it is");
	if (e == ERROR_NONE && n->new_password.p)
		e = signin_change_password(&c->work, &n->caller, n->current_password, SLICE_NONE, n->new_password, &none);
	return e == ERROR_NONE ? handle_user(c) : e;
}

static enum error end_others(struct call *c)
{
	struct caller *caller = &own(c)->caller;
	struct renewal none = { .count = 0 };
	enum error e = auth_admit_to_end(c);
	if (e == ERROR_NONE)
		e = session_end(&c->work, END_OTHERS, &caller->user, caller->session.id, &none);
	return e == ERROR_NONE ? route_no_content(c) : e;
}

static enum error handle_logout(struct call *c)
{
	if (!credential_shows_bearer(c->rq))
		return ERROR_TOKEN_MISSING;
	if (has_query(c, "scope", "others"))
		return end_others(c);
	own(c)->all = has_query(c, "scope", "global");
	return own(c)->all || has_query(c, "scope", "local") ? auth_logout(c) : auth_blame(c, "scope");
}

/* ---- errors -------------------------------------------------------------- */

/* What the policy's errors are called here. Those that aren't named have their own status and code. */
static const struct word { enum error e; int status; const char *code; } words[] = {
	{ ERROR_REFRESH_INVALID, 400, "refresh_token_not_found" },
	{ ERROR_REFRESH_REUSED, 400, "refresh_token_already_used" },
	{ ERROR_REFRESH_EXPIRED, 400, "session_expired" },
	{ ERROR_SESSION_REVOKED, 403, "session_not_found" },
	{ ERROR_INVALID_DPOP_PROOF, 400, "invalid_dpop_proof" },
	{ ERROR_USE_DPOP_NONCE, 400, "use_dpop_nonce" },
	{ ERROR_INVALID_REQUEST, 400, "validation_failed" },
	{ ERROR_REQUEST_TIMEOUT, 503, "request_timeout" },
	{ ERROR_INVALID_CREDENTIALS, 400, "invalid_credentials" },
	{ ERROR_CODE_REQUIRED, 403, "insufficient_aal" },
	{ ERROR_FACTOR_REQUIRED, 403, "insufficient_aal" },
	{ ERROR_REAUTH_REQUIRED, 403, "reauthentication_needed" },
	{ ERROR_SIGNUP_DISABLED, 422, "signup_disabled" },
	{ ERROR_USERNAME_TAKEN, 422, "user_already_exists" },
	{ ERROR_RATE_LIMITED, 429, "over_request_rate_limit" },
	{ ERROR_TOKEN_MISSING, 401, "no_authorization" },
	{ ERROR_TOKEN_INVALID, 403, "bad_jwt" },
	{ ERROR_TOKEN_EXPIRED, 403, "bad_jwt" },
};

/* auth-js takes 401, 403 and 404 at /logout for signed out: not so where nothing was ended. */
static struct word word_of(const struct call *c, enum error e)
{
	const struct word *last = words + sizeof words / sizeof *words, *w = words;
	struct word plain = { e, errors[e].status, errors[e].code };
	while (w < last && w->e != e)
		w++;
	if (is_refresh(c) && e == ERROR_SESSION_REVOKED)
		return words[2];
	if (is_refresh(c) && w == last && plain.status < 500)
		plain.status = 503;
	struct word found = w < last ? *w : plain;
	if (e == ERROR_TOKEN_EXPIRED && slice_is(c->path, S("/logout")))
		found.status = 400;
	return found;
}

static void refuse(struct call *c, enum error e)
{
	struct word word = word_of(c, e);
	if (e == ERROR_TOKEN_MISSING) {
		http_explain_withheld(c->rq);
		reply_header(c->rp, "WWW-Authenticate", "Bearer realm=\"latchkey\"", NULL);
	}
	struct jw *w = auth_begin(c, word.status);
	jw_int(w, "code", word.status);
	put(w, "error_code", slice_of(word.code));
	put(w, "msg", slice_of(auth_message(c, e)));
	(void)auth_end_data(w);
}

/* ---- routes -------------------------------------------------------------- */

#define TEXT(name, required, most, place) { name, MEMBER_TEXT, required, most, offsetof(struct native, place) }
#define END { NULL, MEMBER_FLAG, false, 0, 0 }

static const struct member signup_members[] = { TEXT("email", true, LIMIT_USERNAME, username), TEXT("password", true, LIMIT_BODY, password), END };
static const struct member token_members[] = {
	TEXT("email", false, LIMIT_USERNAME, username), TEXT("password", false, LIMIT_BODY, password), TEXT("refresh_token", false, LIMIT_BODY, refresh_token), END
};
static const struct member update_members[] = {
	TEXT("email", false, LIMIT_USERNAME, username), TEXT("password", false, LIMIT_BODY, new_password), TEXT("current_password", false, LIMIT_BODY, current_password), END
};

static const struct route routes[] = {
	{ METHOD_POST, "/token",  ACCESS_NONE, token_members,  PACE_SLOW,  handle_token },
	{ METHOD_POST, "/signup", ACCESS_NONE, signup_members, PACE_SLOW,  handle_signup },
	{ METHOD_GET,  "/user",   ACCESS_LIVE, NULL,           PACE_QUICK, handle_user },
	{ METHOD_PUT,  "/user",   ACCESS_LIVE, update_members, PACE_SLOW,  handle_update },
	{ METHOD_POST, "/logout", ACCESS_NONE, NULL,           PACE_ENDS,  handle_logout },
};

const struct dialect gotrue_dialect = {
	.prefix = "/",
	.routes = routes,
	.count = sizeof routes / sizeof *routes,
	.size = sizeof(struct native),
	.more_headers = ", apikey, X-Client-Info, X-Supabase-Api-Version",
	.admit = auth_admit_live,
	.refuse = refuse,
};

bool gotrue_takes(const struct request *rq)
{
	if (!rq->below)
		return false;
	if (slice_is(rq->path, S("/token")))
		return rq->method == METHOD_OPTIONS || http_media_type(rq, S("application/json"));
	return slice_is(rq->path, S("/user")) || slice_is(rq->path, S("/signup")) || (slice_is(rq->path, S("/logout")) && http_asks(rq, S("scope")));
}
