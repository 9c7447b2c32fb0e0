/*
 * session_grant: what a client gets of a session: its tokens (session.h, session_grant()).
 */
#include "session.h"

#include "profile.h"
#include "scope.h"

enum { COOKIE_SECONDS = 400 * 86400 };  /* as long as a browser keeps a cookie (RFC 6265bis, 5.5) */

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
 * since: it would be refused as one from the future. Others have the store's turn while it is signed by ES256; such a token always says
 * for which client it is (RFC 9068, 2.2).
 */
static void issue_access(const struct work *w, const struct key *key, struct grant *g)
{
	const struct session *s = &g->session;
	int64_t life = w->config->access_ttl, age = w->time - s->rotated_at;
	int64_t iat = 2 * age <= life && age >= -JWT_AHEAD_SECONDS ? s->rotated_at : w->time;
	static const struct profile untold;
	const struct profile *profile = g->narrow ? &untold : profile_held(&g->user.profile);
	g->access_start = iat;
	g->access_end = session_until(iat + life, s->expires_at);
	bool es256 = w->config->access_alg == ACCESS_ES256;
	if (es256)
		store_give_turn();
	g->access = (es256 ? jwt_seal_signed : jwt_seal_access)(key, &(struct access_claims){
		.iss = w->config->issuer,
		.aud = g->audience.p ? g->audience : w->config->audience,
		.client_id = es256 && s->client.n == 0 ? S("latchkey") : s->client,
		.scope = scope_words(s->scope),
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

static void issue_site(const struct work *w, const struct key *key, struct grant *g)
{
	const struct session *s = &g->session;
	g->door = jwt_seal_site(key, &(struct site_claims){ .sid = s->id, .iat = (int64_t)s->idem, .door = 1 });
	g->site = jwt_seal_site(key, &(struct site_claims){ .sid = s->id, .iat = (int64_t)s->idem });
	g->refresh_end = session_until(w->time + COOKIE_SECONDS, s->expires_at);
}

void session_grant(const struct work *w, struct grant *g)
{
	const struct key *first = &w->ring->key[0], *key = g->signer ? g->signer : first;
	if (g->session.ctr == 0) {
		issue_site(w, first, g);
		return;
	}
	issue_access(w, key, g);
	issue_refresh(w, key, g);
}
