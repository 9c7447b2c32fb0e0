/*
 * instance: see instance.h.
 *
 * A request belongs to the first dialect whose paths hold it; all else is the page's where there is one.
 */
#include "instance.h"

#include "audit.h"
#include "auth.h"
#include "auth_keys.h"
#include "auth_passkey.h"
#include "auth_wallet.h"
#include "client.h"
#include "derive.h"
#include "door/door.h"
#include "gotrue.h"
#include "harden.h"
#include "jwt.h"
#include "oauth/oauth.h"
#include "password.h"
#include "proxies.h"
#include "route.h"
#include "signin.h"
#include "serve/site.h"
#include "store/upkeep.h"
#include "throttle.h"

enum {
	PASSWORD_KIB = 19 * 1024,       /* the most that is chosen by itself: password.h */
	WORKER_KIB = 64 * 1024          /* of thousands of connections, half a request each */
};

const char *instance_read(struct instance *i, const char *dir)
{
	const char *wrong = config_read(dir, &i->config);
	if (wrong == NULL)
		wrong = config_override(i->script, &i->config);
	if (wrong == NULL)
		wrong = keyring_read(dir, &i->ring);
	return wrong ? wrong : jwt_keys_wrong(&i->ring);
}

void instance_log(const struct instance *i)
{
	if (audit_in_log(&i->config))
		log_to_syslog();
}

void instance_confine(const struct instance *i, int directory, bool stays)
{
	int64_t password = i->config.password.kib ? i->config.password.kib : PASSWORD_KIB;
	harden_limits(stays ? WORKER_KIB : password, stays);
	if (stays)
		derive_hurry();
	const char *throttle = config_throttle_dir(&i->config);
	if (!stays && !slice_is(slice_of(throttle), slice_of(i->config.dir))) {
		throttle_hold(throttle);
		password_hold(throttle);
	}
	/* Without Landlock in the kernel the rest still holds; `latchkey check` tells. */
	uint16_t ports[STORE_PORTS_MAX];
	size_t count = store_ports(ports);
	(void)harden(i->config.dir, directory, ports, count);
}

/* In the order in which they are asked. What belongs to none of them is refused by the native one. Parts that were left out are NULL. */
enum { DIALECTS = 7 };
static const struct dialect *const dialects[DIALECTS] = { &auth_dialect, &door_dialect, &oauth_dialect, &oauth_host_dialect,
	&passkey_dialect, &wallet_dialect, &keys_dialect };

/* The calls of supabase-js have paths of others: /token and /logout. */
static const struct dialect *dialect_of(const struct instance *i, const struct request *rq)
{
	if (i->config.gotrue && gotrue_takes && gotrue_takes(rq))
		return &gotrue_dialect;
	return route_dialect(dialects, DIALECTS, rq);
}

bool instance_is_slow(const struct instance *i, const struct request *rq)
{
	const struct dialect *d = dialect_of(i, rq);
	return d && route_is_slow(d, &i->config, rq);
}

/* Each begins with '{"'. Letters before it are a name's, or another token's. */
uint64_t instance_names(const struct instance *i, struct slice bytes)
{
	size_t mark = arena_mark();
	struct refresh_claims claims = { .sid = 0 };
	for (size_t tries = 4; bytes.n && tries; tries--) {
		while (bytes.n && !slice_starts(bytes, S("eyJ")))
			bytes = slice_from(bytes, 1);
		struct slice token = { bytes.p, slice_span(bytes, "-_.") };
		if (jwt_open_refresh(token, &i->ring, &claims, NULL) == JWT_VALID)
			break;
		bytes = slice_from(bytes, token.n);
	}
	arena_back(mark);
	return claims.sid;
}

/* While no client is named there is no OAuth. */
static const struct dialect *if_named(const struct instance *i, const struct dialect *d)
{
	bool oauth = d == &oauth_dialect || d == &oauth_host_dialect;
	if (!oauth || client_any(i->config.dir))
		return d;
	return d->on_host ? NULL : &auth_dialect;
}

void instance_answer(const struct instance *i, const struct request *rq, enum error e, struct reply *rp)
{
	const struct dialect *d = if_named(i, dialect_of(i, rq));
	if (e != ERROR_NONE)
		signin_failed();
	if (rq->hidden)
		proxies_note(&i->config, rq->peer);
	if (d == NULL && e == ERROR_NONE && i->with_site)
		site_answer(rq, i->demo, rp);
	else
		route_answer(d ? d : &auth_dialect, &i->config, &i->ring, rq, d || e ? e : ERROR_NOT_FOUND, rp);
	route_finish(&i->config, rq, rp);
}

static bool ignores_body(const struct request *rq)
{
	const struct dialect *d = route_dialect(dialects, DIALECTS, rq);
	return d && route_ignores_body(d, rq);
}

struct http_rules instance_rules(const struct instance *i)
{
	return (struct http_rules){
		.base_path = i->config.base_path, .trusted_proxies = i->config.trusted_proxies, .ignores_body = ignores_body
	};
}
