/*
 * oauth: see oauth.h.
 *
 * Trouble of our own is never 4xx, and no refresh is told 429: clients take either for the end of their session.
 */
#include "oauth/oauth.h"

#include "credential.h"
#include "oauth/claims.h"
#include "oauth/metadata.h"
#include "oauth/party.h"
#include "oauth/token.h"

/* ---- the access token of /userinfo -------------------------------------- */

static enum error admit(struct call *c)
{
	struct oauth *o = party_own(c);
	struct slice token;
	enum error e = credential_shown(c->rq, o->access_token, &token);
	o->caller.any_audience = true;
	return e == ERROR_NONE ? session_check(&c->work, token, CHECK_LIVE, &o->caller) : e;
}

/* ---- errors -------------------------------------------------------------- */

/* What the policy's errors are called here. Those that aren't named go by their status. */
static const struct { enum error e; const char *word; } words[] = {
	{ ERROR_CODE_INVALID, "invalid_grant" },
	{ ERROR_REFRESH_INVALID, "invalid_grant" },
	{ ERROR_REFRESH_EXPIRED, "invalid_grant" },
	{ ERROR_REFRESH_REUSED, "invalid_grant" },
	{ ERROR_NOT_IN_GROUP, "invalid_grant" },
	{ ERROR_INSUFFICIENT_SCOPE, "insufficient_scope" },
	{ ERROR_INTERNAL, "server_error" },
	{ ERROR_RATE_LIMITED, "slow_down" },
	{ ERROR_DEVICE_PENDING, "authorization_pending" },
	{ ERROR_DEVICE_DENIED, "access_denied" },
	{ ERROR_DEVICE_EXPIRED, "expired_token" },
	{ ERROR_INVALID_DPOP_PROOF, "invalid_dpop_proof" },
	{ ERROR_USE_DPOP_NONCE, "use_dpop_nonce" },
};

static const char *word_of(const struct call *c, enum error e)
{
	if (party_own(c)->error)
		return party_own(c)->error;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (words[i].e == e)
			return words[i].word;
	return errors[e].status == 503 ? "temporarily_unavailable" : "invalid_request";
}

/* RFC 6750, 3.1: who showed no token at all is told the scheme alone. */
static void challenge_bearer(struct call *c, enum error e)
{
	const char *error = e == ERROR_INSUFFICIENT_SCOPE ? ", error=\"insufficient_scope\", scope=\"openid\"" : ", error=\"invalid_token\"";
	reply_header(c->rp, "WWW-Authenticate", "Bearer realm=\"latchkey\"", e == ERROR_TOKEN_MISSING ? "" : error, NULL);
}

/* A request for /userinfo, which is RFC 6750's. */
static bool is_resource(const struct call *c)
{
	return slice_is(c->path, S("/userinfo"));
}

/* 400 for whatever is refused (RFC 6749, 5.2), but for a client that didn't show itself, and for what isn't the client's fault. */
static int status_of(const struct call *c, enum error e, const char *word)
{
	int status = errors[e].status;
	if (slice_is(slice_of(word), S("invalid_client")))
		return 401;
	if (status >= 500 || status == 404 || status == 405 || status == 408 || status == 413 || is_resource(c))
		return status;
	return 400;
}

/* In the description stands what the app API calls it, and what is wrong in a sentence. */
static void write_error(struct call *c, enum error e)
{
	struct oauth *o = party_own(c);
	bool token = is_resource(c) && (errors[e].status == 401 || e == ERROR_INSUFFICIENT_SCOPE);
	const char *word = token && e != ERROR_INSUFFICIENT_SCOPE ? "invalid_token" : e == ERROR_SESSION_REVOKED ? "invalid_grant" : word_of(c, e);
	int status = status_of(c, e, word);
	if (token)
		challenge_bearer(c, e);
	else if (status == 401 && o->by_basic)
		reply_header(c->rp, "WWW-Authenticate", "Basic realm=\"latchkey\"", NULL);
	struct jw *w = party_begin(c);
	c->rp->status = status;
	jw_plain(w, "error", slice_of(word));
	if (o->error == NULL)
		jw_plain(w, "error_description", slice_of(text_join(errors[e].code, c->about ? ": " : "", c->about ? c->about : "", NULL)));
	(void)party_end(c);
}

/* ---- routes -------------------------------------------------------------- */

#define TEXT(name, max) { #name, MEMBER_TEXT, false, max, offsetof(struct oauth, name) }
#define CLIENT TEXT(client_id, LIMIT_BODY), TEXT(client_secret, LIMIT_BODY)
#define END { NULL, MEMBER_FLAG, false, 0, 0 }

static const struct member token_members[] = {
	TEXT(grant_type, LIMIT_BODY), TEXT(code, LIMIT_BODY), TEXT(redirect_uri, LIMIT_BODY), TEXT(code_verifier, LIMIT_BODY),
	TEXT(refresh_token, LIMIT_BODY), TEXT(idempotency_key, LIMIT_IDEMPOTENCY), TEXT(device_code, LIMIT_BODY), CLIENT, END
};
static const struct member device_members[] = { TEXT(scope, LIMIT_BODY), CLIENT, END };
static const struct member revoke_members[] = { TEXT(token, LIMIT_BODY), CLIENT, END };
static const struct member userinfo_members[] = { TEXT(access_token, LIMIT_BODY), END };

/* /token signs, which is dear: not for a process that others wait for. */
static const struct route routes[] = {
	{ METHOD_POST,   "/token",      ACCESS_NONE, token_members,    PACE_SLOW, token_handle },
	{ METHOD_POST,   "/device_authorization", ACCESS_NONE, device_members, PACE_QUICK, token_handle_device },
	{ METHOD_POST,   "/revoke",     ACCESS_NONE, revoke_members,   PACE_LASTS, token_handle_revoke },
	{ METHOD_POST,   "/introspect", ACCESS_NONE, revoke_members,   PACE_QUICK, claims_handle_introspect },
	{ METHOD_GET,    "/userinfo",   ACCESS_LIVE, userinfo_members, PACE_QUICK, claims_handle_userinfo },
	{ METHOD_POST,   "/userinfo",   ACCESS_LIVE, userinfo_members, PACE_QUICK, claims_handle_userinfo },
	{ METHOD_GET,    "/jwks",       ACCESS_NONE, NULL,             PACE_QUICK, metadata_handle_keys },
	{ METHOD_GET,    "/.well-known/openid-configuration", ACCESS_NONE, NULL, PACE_QUICK, metadata_handle },
	{ METHOD_GET,    "/.well-known/oauth-authorization-server", ACCESS_NONE, NULL, PACE_QUICK, metadata_handle },
};

const struct dialect oauth_dialect = {
	.prefix = "/",
	.routes = routes,
	.count = sizeof routes / sizeof *routes,
	.size = sizeof(struct oauth),
	.forms = true,
	.admit = admit,
	.refuse = write_error,
};

static const struct route host_routes[] = {
	{ METHOD_GET, "/.well-known/openid-configuration", ACCESS_NONE, NULL, PACE_QUICK, metadata_handle_host },
	{ METHOD_GET, "/.well-known/openid-configuration/", ACCESS_NONE, NULL, PACE_QUICK, metadata_handle_host },
	{ METHOD_GET, "/.well-known/oauth-authorization-server", ACCESS_NONE, NULL, PACE_QUICK, metadata_handle_host },
	{ METHOD_GET, "/.well-known/oauth-authorization-server/", ACCESS_NONE, NULL, PACE_QUICK, metadata_handle_host },
};

const struct dialect oauth_host_dialect = {
	.on_host = true,
	.prefix = "/.well-known/",
	.routes = host_routes,
	.count = sizeof host_routes / sizeof *host_routes,
	.size = sizeof(struct oauth),
	.admit = admit,
	.refuse = write_error,
};
