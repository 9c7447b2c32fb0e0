/*
 * metadata: see metadata.h.
 *
 * Where a default of those texts would be wrong, the member is named. `iss` at the redirect URI (RFC 9207) is not announced: whoever sees it
 * announced wants it always, and one client in use refuses a callback that has it.
 */
#include "oauth/metadata.h"

#include "config.h"
#include "dpop.h"
#include "oauth/party.h"
#include "sign.h"

#define AGE(seconds) "max-age=" #seconds
#define CACHE(seconds) AGE(seconds)

/* Members that are the path of a call behind the issuer. */
static const struct { const char *name, *path; } endpoints[] = {
	{ "authorization_endpoint", "/authorize" },
	{ "token_endpoint", "/token" },
	{ "userinfo_endpoint", "/userinfo" },
	{ "jwks_uri", "/jwks" },
	{ "revocation_endpoint", "/revoke" },
	{ "introspection_endpoint", "/introspect" },
	{ "device_authorization_endpoint", "/device_authorization" },
};

/* Members that are a list, between commas. */
static const struct { const char *name, *words; } lists[] = {
	{ "scopes_supported", "openid,profile,email,offline_access" },
	{ "response_types_supported", "code" },
	{ "response_modes_supported", "query" },
	{ "grant_types_supported", "authorization_code,refresh_token,urn:ietf:params:oauth:grant-type:device_code" },
	{ "code_challenge_methods_supported", "S256" },
	{ "token_endpoint_auth_methods_supported", "client_secret_basic,client_secret_post,none" },
	{ "revocation_endpoint_auth_methods_supported", "client_secret_basic,client_secret_post,none" },
	{ "introspection_endpoint_auth_methods_supported", "client_secret_basic,client_secret_post" },
	{ "subject_types_supported", "public" },
	{ "prompt_values_supported", "none,login,select_account" },
	{ "claims_supported", "iss,sub,aud,exp,iat,auth_time,nonce,sid,amr,name,preferred_username,email,email_verified,groups" },
};

enum error metadata_handle(struct call *c)
{
	const char *issuer = slice_text(c->work.config->issuer);
	bool rsa = sign_has_rsa(c->work.config->dir, c->work.ring);
	struct jw *w = party_begin(c);
	jw_text(w, "issuer", c->work.config->issuer);
	for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++)
		jw_text(w, endpoints[i].name, slice_of(text_join(issuer, endpoints[i].path, NULL)));
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		jw_list(w, lists[i].name, slice_of(lists[i].words));
	jw_list(w, "id_token_signing_alg_values_supported", rsa ? S("RS256,ES256") : S("ES256"));
	if (dpop_read)
		jw_list(w, "dpop_signing_alg_values_supported", S("ES256"));
	jw_bool(jw_name(w, "request_uri_parameter_supported"), false);
	c->rp->cache = CACHE(KEYS_MAX_AGE);
	c->rp->open = true;
	return party_end(c);
}

enum error metadata_handle_host(struct call *c)
{
	struct slice mount = slice_from(c->work.config->base_path, 1);
	return c->rest.n && !slice_is(c->rest, mount) ? ERROR_NOT_FOUND : metadata_handle(c);
}

enum error metadata_handle_keys(struct call *c)
{
	buf_add(&c->rp->body, sign_jwks(c->work.config->dir, c->work.ring));
	c->rp->status = 200;
	c->rp->type = "application/json";
	c->rp->cache = CACHE(KEYS_MAX_AGE);
	c->rp->open = true;
	return ERROR_NONE;
}
