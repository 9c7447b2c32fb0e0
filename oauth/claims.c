/*
 * claims: see claims.h.
 *
 * What is told of a person depends on the scope (OpenID Connect Core, 5.4): `profile` has the names and the groups, `email` the address.
 *
 * `email` is what the operator set; else, for a name without @, the name at option email_domain; else the name itself where signup is
 * off: with sign-up open anybody could take the name of somebody else's address. email_verified stands there where signup is off, and
 * nowhere else: relying parties join accounts by it.
 */
#include "oauth/claims.h"

#include <string.h>

#include "config.h"
#include "profile.h"
#include "scope.h"
#include "store.h"

/* ---- a person ---------------------------------------------------------- */

/* Empty: there is none. */
static struct slice email_of(const struct config *config, const struct user *u)
{
	struct slice set = profile_held(&u->profile)->email, name = session_name(u);
	if (set.n || name.n == 0)
		return set;
	if (memchr(name.p, '@', name.n))
		return config->signup ? S("") : name;
	return config->email_domain.n ? slice_of(text_join(slice_text(name), "@", slice_text(config->email_domain), NULL)) : S("");
}

static void write_email(struct jw *w, const struct config *config, const struct user *u)
{
	struct slice email = email_of(config, u);
	if (email.n == 0)
		return;
	jw_text(w, "email", email);
	if (!config->signup)
		jw_bool(jw_name(w, "email_verified"), true);
}

static void write_person(struct jw *w, const struct config *config, const struct user *u, unsigned scope)
{
	const struct profile *p = profile_held(&u->profile);
	if (scope & SCOPE_PROFILE) {
		jw_text(w, "preferred_username", session_name(u));
		jw_text(w, "name", p->name.n ? p->name : session_name(u));
	}
	if (scope & SCOPE_PROFILE && p->groups.n)
		jw_list(w, "groups", p->groups);
	if (scope & SCOPE_EMAIL)
		write_email(w, config, u);
}

/* ---- id_token ----------------------------------------------------------- */

/*
 * How the person proved who it is (RFC 8176). A passkey is the key and, since its flags UP and UV must be set (passkey.c), a person who was there and
 * whom the authenticator knew: two factors. Whether a key is of hardware (`hwk`) or of software (`swk`) nobody here knows.
 */
static void write_amr(struct jw *w, unsigned amr)
{
	static const struct { unsigned by; const char *word; } words[] = {
		{ AMR_PASSWORD, "pwd" }, { AMR_PASSKEY | AMR_WALLET, "pop" }, { AMR_PASSKEY, "user" }, { AMR_OTP, "otp" }, { AMR_OTP | AMR_PASSKEY, "mfa" }
	};
	jw_open(jw_name(w, "amr"), '[');
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if ((amr ? amr : AMR_PASSWORD) & words[i].by)
			jw_plain(w, NULL, slice_of(words[i].word));
	jw_close(w);
}

/* It is dated as the access token beside it: so the same answer can be given twice. */
struct slice claims_id_token(const struct config *config, const struct claims_id *what)
{
	const struct grant *g = what->grant;
	struct buf b = { 0 };
	struct jw w = { .out = &b };
	jw_open(&w, '{');
	jw_text(&w, "iss", config->issuer);
	jw_id(&w, "sub", g->user.id);
	jw_text(&w, "aud", what->client);
	jw_int(&w, "exp", g->access_end);
	jw_int(&w, "iat", g->access_start);
	if (what->auth_time)
		jw_int(&w, "auth_time", what->auth_time);
	if (what->nonce.n)
		jw_text(&w, "nonce", what->nonce);
	jw_id(&w, "sid", g->session.id);
	write_amr(&w, g->session.amr);
	write_person(&w, config, &g->user, g->session.scope);
	jw_close(&w);
	return buf_slice(&b);
}

/* ---- userinfo, introspection -------------------------------------------- */

enum error claims_handle_userinfo(struct call *c)
{
	const struct caller *caller = &party_own(c)->caller;
	if (!(caller->session.scope & SCOPE_OPENID))
		return ERROR_INSUFFICIENT_SCOPE;
	struct jw *w = party_begin(c);
	jw_id(w, "sub", caller->user.id);
	write_person(w, c->work.config, &caller->user, caller->session.scope);
	return party_end(c);
}

static void write_active(struct jw *w, const struct caller *caller)
{
	const struct access_claims *claims = &caller->claims;
	struct slice scope = scope_words(caller->session.scope), client = caller->session.client;
	jw_bool(jw_name(w, "active"), true);
	jw_id(w, "sub", claims->sub);
	jw_text(w, "username", session_name(&caller->user));
	jw_text(w, "client_id", client.n ? client : S("latchkey"));
	if (scope.n)
		jw_plain(w, "scope", scope);
	jw_id(w, "sid", claims->sid);
	jw_text(w, "iss", claims->iss);
	jw_text(w, "aud", claims->aud);
	jw_int(w, "exp", claims->exp);
	jw_int(w, "iat", claims->iat);
	jw_plain(w, "token_type", S("Bearer"));
}

/* A refresh token isn't active here: who takes what is active would take that one for weeks. */
enum error claims_handle_introspect(struct call *c)
{
	struct oauth *o = party_own(c);
	enum error e = party_require(c);
	if (e != ERROR_NONE)
		return e;
	if (!(o->client.flags & CLIENT_INTROSPECT))
		return party_refuse(c, "unauthorized_client");
	if (o->token.p == NULL)
		return party_refuse(c, "invalid_request");
	o->caller.any_audience = true;
	e = session_check(&c->work, o->token, CHECK_LIVE, &o->caller);
	if (errors[e].status == 503)
		return e;
	struct jw *w = party_begin(c);
	if (e == ERROR_NONE)
		write_active(w, &o->caller);
	else
		jw_bool(jw_name(w, "active"), false);
	return party_end(c);
}
