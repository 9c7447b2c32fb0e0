/*
 * token: see token.h.
 *
 * The order is: client, MAC of what is shown, what it says of client, redirect URI and verifier; then the store. The answer is signed
 * after the commit, when others have the store's turn: ES256 takes as long as ten refreshes, RS256 a hundred, and for that one a slot is
 * taken as for a password. That is taken before the store is opened: who gets none has changed nothing.
 */
#include "oauth/token.h"

#include "config.h"
#include "oauth/claims.h"
#include "oauth/pair.h"
#include "oauth/party.h"
#include "password.h"
#include "possession.h"
#include "scope.h"
#include "session_client.h"
#include "session_device.h"
#include "sign.h"
#include "store.h"
#include "ticket.h"

enum { SLOT_SECONDS = 5, VERIFIER_LEAST = 43, VERIFIER_MOST = 128 };

/* A client that showed its secret needs no key of its own (RFC 9449, 5). */
static enum error prove(struct call *c)
{
	return party_own(c)->shown ? ERROR_NONE : possession_prove(c);
}

/* ---- the answer ---------------------------------------------------------- */

/* An id_token is for whoever asked for openid, and for nobody else: there is a client that refuses one which it didn't ask for. */
static bool has_id_token(const struct oauth *o, unsigned scope)
{
	return scope & SCOPE_OPENID && o->client.id.n;
}

/* Where the answer will have an id_token by RS256. Taken before anything is changed; where the request ends before the answer, its process ends too. */
static enum error take_slot(struct call *c, unsigned scope)
{
	struct oauth *o = party_own(c);
	const struct config *config = c->work.config;
	if (!has_id_token(o, scope) || o->client.flags & CLIENT_ES256 || !sign_has_rsa(config->dir, c->work.ring))
		return ERROR_NONE;
	o->has_slot = password_slot(config_throttle_dir(config), password_jobs_here(config->password_jobs, config->password.kib), SLOT_SECONDS);
	return o->has_slot ? ERROR_NONE : ERROR_BUSY;
}

static void put_id_token(struct call *c, const struct claims_id *what)
{
	const struct config *config = c->work.config;
	enum sign_alg alg = party_own(c)->has_slot ? SIGN_RS256 : SIGN_ES256;
	jw_plain(&party_own(c)->out, "id_token", sign_jws(config->dir, c->work.ring, alg, "JWT", claims_id_token(config, what)));
}

/* Others have the turn before the signature. The store isn't closed: the log is to be emptied behind the answer. */
static enum error answer(struct call *c, struct slice nonce, int64_t auth_time)
{
	struct oauth *o = party_own(c);
	struct grant *g = &o->grant;
	struct slice scope = scope_words(g->session.scope);
	struct jw *w = party_begin(c);
	jw_plain(w, "access_token", g->access);
	jw_plain(w, "token_type", S("Bearer"));
	jw_int(w, "expires_in", g->access_end - c->work.time);
	if (!(o->client.flags & CLIENT_ONCE)) {
		jw_plain(w, "refresh_token", g->refresh);
		jw_int(w, "refresh_token_expires_in", g->refresh_end - c->work.time);
	}
	if (o->client.id.n)
		jw_plain(w, "scope", scope);
	reply_header(c->rp, "Pragma", "no-cache", NULL);
	if (has_id_token(o, g->session.scope)) {
		store_give_turn();
		put_id_token(c, &(struct claims_id){ g, o->client.id, nonce, auth_time });
	}
	if (o->has_slot)
		password_slot_leave();
	return party_end(c);
}

/* Whom its access tokens are for: the issuer alone, or who takes those of the app API. */
static void set_audience(struct call *c)
{
	struct oauth *o = party_own(c);
	const struct config *config = c->work.config;
	o->grant.narrow = o->client.id.n && !(o->client.flags & CLIENT_API);
	o->grant.audience = o->grant.narrow ? config->issuer : config->audience;
}

/* ---- authorization_code (RFC 6749, 4.1.3; RFC 7636, 4.6) ----------------- */

static bool is_verifier(struct slice text)
{
	return text.n >= VERIFIER_LEAST && text.n <= VERIFIER_MOST && slice_made_of(text, "-._~");
}

/* A verifier without a challenge is no less wrong than a challenge without a verifier (RFC 9700, 4.8.2). */
static bool fits_challenge(const struct oauth *o, struct slice challenge)
{
	if (challenge.n == 0 || o->code_verifier.n == 0)
		return challenge.n == o->code_verifier.n;
	return is_verifier(o->code_verifier) && slice_is(ticket_digest(o->code_verifier), challenge);
}

/* The redirect URI may be missing where a verifier shows that it is the same client. */
static bool fits_uri(const struct oauth *o, const struct code_claims *code)
{
	return o->redirect_uri.p ? slice_is(ticket_digest(o->redirect_uri), code->uri) : code->ch.n > 0;
}

/* All that the code says of the request, before the store is opened. */
static enum error open_code(struct call *c, struct ticket_code *code)
{
	const struct oauth *o = party_own(c);
	enum error e = ticket_open_code(&c->work, o->code, code);
	if (e != ERROR_NONE)
		return e;
	const struct code_claims *claims = &code->claims;
	bool fits = slice_is(claims->cid, o->client.id) && fits_uri(o, claims) && fits_challenge(o, claims->ch);
	return fits ? ERROR_NONE : ERROR_CODE_INVALID;
}

static enum error redeem(struct call *c, const struct ticket_code *code)
{
	struct oauth *o = party_own(c);
	const struct code_claims *claims = &code->claims;
	return session_redeem(&c->work, &(struct redeemed){
		.sid = claims->sid, .user = claims->sub, .idem = session_shown(o->code), .pw = claims->pw, .key = code->key, .by = claims->by, .code = claims->st,
		.client = o->client.id, .group = o->client.group, .scope = (unsigned)claims->scope, .amr = (unsigned)claims->amr, .sso = claims->sso,
		.once = o->client.flags & CLIENT_ONCE,
	}, &o->grant);
}

static enum error grant_code(struct call *c)
{
	struct oauth *o = party_own(c);
	struct ticket_code code = { .key = NULL };
	enum error e = party_require(c);
	if (e == ERROR_NONE && o->code.p == NULL)
		e = party_refuse(c, "invalid_request");
	if (e == ERROR_NONE)
		e = open_code(c, &code);
	if (e == ERROR_NONE)
		e = prove(c);
	if (e == ERROR_NONE)
		e = take_slot(c, (unsigned)code.claims.scope);
	if (e == ERROR_NONE)
		e = session_clock(&c->work);
	if (e == ERROR_NONE && ticket_check_times(&c->work, code.claims.iat, code.claims.exp) != ERROR_NONE)
		e = ERROR_CODE_INVALID;
	if (e == ERROR_NONE)
		e = redeem(c, &code);
	if (e != ERROR_NONE)
		return e;
	set_audience(c);
	session_grant(&c->work, &o->grant);
	return answer(c, code.claims.nonce, code.claims.at);
}

/* ---- refresh_token ------------------------------------------------------- */

/* The form's key wins over the header's. p NULL: neither has one. */
static enum error find_idempotency(struct call *c, struct slice *out)
{
	*out = party_own(c)->idempotency_key.p ? party_own(c)->idempotency_key : c->rq->idempotency_key;
	return out->p == NULL || (out->n > 0 && out->n <= LIMIT_IDEMPOTENCY) ? ERROR_NONE : party_refuse(c, "invalid_request");
}

/* What was presented, and by whom. */
static bool present(struct call *c, struct slice token, struct slice idempotency, struct rotation *out)
{
	const struct oauth *o = party_own(c);
	*out = (struct rotation){ .client = o->client.id, .group = o->client.group, .authenticated = o->shown, .no_retry = o->client.flags & CLIENT_NORETRY, .body_only = true };
	return session_present(&c->work, token, false, idempotency, out);
}

/* Its scope isn't known before the store is open: most have openid. */
static enum error grant_refresh(struct call *c)
{
	struct oauth *o = party_own(c);
	struct rotation shown;
	struct slice idempotency = SLICE_NONE;
	enum error e = party_find(c);
	if (e == ERROR_NONE)
		e = find_idempotency(c, &idempotency);
	if (e == ERROR_NONE && o->refresh_token.p == NULL)
		e = party_refuse(c, "invalid_request");
	if (e == ERROR_NONE && !present(c, o->refresh_token, idempotency, &shown))
		e = ERROR_REFRESH_INVALID;
	if (e == ERROR_NONE && !o->shown)
		e = possession_read(c);
	if (e == ERROR_NONE)
		e = take_slot(c, SCOPE_OPENID);
	if (e == ERROR_NONE)
		e = session_clock(&c->work);
	set_audience(c);
	if (e == ERROR_NONE)
		e = session_rotate(&c->work, &shown, 1, 0, &o->grant);
	return e == ERROR_NONE ? answer(c, SLICE_NONE, 0) : e;
}

/* ---- device_code (RFC 8628) ---------------------------------------------- */

static enum error require_device(struct call *c)
{
	enum error e = party_require(c);
	return e == ERROR_NONE && !(party_own(c)->client.flags & CLIENT_DEVICE) ? party_refuse(c, "unauthorized_client") : e;
}

static enum error grant_device(struct call *c)
{
	struct oauth *o = party_own(c);
	struct polling shown;
	enum error e = require_device(c);
	if (e == ERROR_NONE && o->device_code.p == NULL)
		e = party_refuse(c, "invalid_request");
	set_audience(c);
	if (e == ERROR_NONE)
		e = pair_open(&c->work, &o->client, o->device_code, &shown);
	if (e == ERROR_NONE)
		e = prove(c);
	if (e == ERROR_NONE)
		e = take_slot(c, shown.scope);
	if (e == ERROR_NONE)
		e = pair_poll(&c->work, &shown, &o->grant);
	if (e != ERROR_NONE)
		return e;
	session_grant(&c->work, &o->grant);
	return answer(c, SLICE_NONE, o->grant.session.created_at);
}

enum error token_handle_device(struct call *c)
{
	struct oauth *o = party_own(c);
	struct pair pair;
	enum error e = require_device(c);
	if (e == ERROR_NONE)
		e = pair_begin(&c->work, &o->client, scope_of(o->scope), &pair);
	if (e != ERROR_NONE)
		return e;
	const char *issuer = slice_text(c->work.config->issuer);
	struct jw *w = party_begin(c);
	jw_plain(w, "device_code", pair.device_code);
	jw_plain(w, "user_code", pair.user_code);
	jw_text(w, "verification_uri", slice_of(text_join(issuer, "/device", NULL)));
	jw_text(w, "verification_uri_complete", slice_of(text_join(issuer, "/device?user_code=", slice_text(pair.user_code), NULL)));
	jw_int(w, "expires_in", pair.expires_in);
	jw_int(w, "interval", PAIR_INTERVAL);
	return party_end(c);
}

/* ---- /token --------------------------------------------------------------- */

static const struct { const char *name; enum error (*grant)(struct call *c); } grants[] = {
	{ "refresh_token", grant_refresh },
	{ "authorization_code", grant_code },
	{ "urn:ietf:params:oauth:grant-type:device_code", grant_device },
};

enum error token_handle(struct call *c)
{
	struct slice type = party_own(c)->grant_type;
	if (type.p == NULL)
		return party_refuse(c, "invalid_request");
	for (size_t i = 0; i < sizeof grants / sizeof *grants; i++)
		if (slice_is(type, slice_of(grants[i].name)))
			return grants[i].grant(c);
	return party_refuse(c, "unsupported_grant_type");
}

/* ---- /revoke -------------------------------------------------------------- */

/* The session of an access token of this client. False: there is none. The store is open. */
static bool find_by_access(struct call *c, struct rotation *out)
{
	struct oauth *o = party_own(c);
	struct session s;
	o->caller.any_audience = true;
	if (session_open_access(&c->work, o->token, &o->caller) != ERROR_NONE || !store_session(o->caller.claims.sid, &s))
		return false;
	*out = (struct rotation){ .client = o->client.id };
	out->token.sid = s.id;
	return slice_is(s.client, o->client.id);
}

/* Whatever the token is, the answer is the same (RFC 7009, 2.2): signed out is signed out. */
enum error token_handle_revoke(struct call *c)
{
	struct oauth *o = party_own(c);
	struct rotation shown;
	enum error e = party_require(c);
	if (e == ERROR_NONE && o->token.p == NULL)
		e = party_refuse(c, "invalid_request");
	if (e != ERROR_NONE)
		return e;
	bool refresh = present(c, o->token, SLICE_NONE, &shown);
	(void)session_clock(&c->work);
	if (refresh || find_by_access(c, &shown))
		(void)session_sign_out(&c->work, &shown, false);
	(void)party_begin(c);
	return party_end(c);
}
