/*
 * pair: see pair.h.
 */
#include "oauth/pair.h"

#include "config.h"
#include "oauth/usercode.h"
#include "session_device.h"
#include "throttle.h"
#include "ticket.h"

/* ---- the device -------------------------------------------------------- */

/* It is a try of its network's, and never given back: so nobody can ask for codes until one of them is somebody else's. No user has
 * a name with a blank in it. */
enum error pair_begin(struct work *w, const struct client *c, unsigned scope, struct pair *out)
{
	w->retry_after = throttle_ask(config_throttle_dir(w->config), w->peer, S("device code"));
	if (w->retry_after)
		return ERROR_RATE_LIMITED;
	enum error e = session_clock(w);
	if (e != ERROR_NONE)
		return e;
	struct slice letters = usercode_make(w, c, scope);
	out->device_code = ticket_make_device(w, w->ring, &(struct device_claims){ .cid = c->id, .scope = scope, .uc = letters });
	out->user_code = usercode_shown(letters);
	out->expires_in = TICKET_DEVICE_SECONDS;
	return ERROR_NONE;
}

enum error pair_open(struct work *w, const struct client *c, struct slice device_code, struct polling *out)
{
	struct ticket_device t;
	struct session s;
	enum error e = ticket_open_device(w, device_code, &t);
	if (e != ERROR_NONE || !slice_is(t.claims.cid, c->id))
		return ERROR_CODE_INVALID;
	if (t.expired)
		return ERROR_DEVICE_EXPIRED;
	e = session_clock(w);
	if (e != ERROR_NONE)
		return e;
	if (ticket_check_times(w, t.claims.iat, t.claims.exp) != ERROR_NONE)
		return ERROR_CODE_INVALID;
	*out = (struct polling){ .sid = usercode_session(t.key, t.claims.uc, t.claims.iat), .client = c->id, .group = c->group,
		.idem = jwt_idempotency(device_code), .scope = (unsigned)t.claims.scope };
	bool answered = store_session(out->sid, &s);
	store_close();
	return answered ? ERROR_NONE : ERROR_DEVICE_PENDING;
}

enum error pair_poll(struct work *w, const struct polling *p, struct grant *out)
{
	enum error e = session_clock(w);
	return e == ERROR_NONE ? session_poll(w, p, out) : e;
}

/* ---- the person -------------------------------------------------------- */

static enum error judge(struct work *w, struct slice account, struct slice letters, struct usercode *out)
{
	const char *place = config_throttle_dir(w->config);
	w->retry_after = throttle_ask(place, w->peer, account);
	if (w->retry_after)
		return ERROR_RATE_LIMITED;
	enum error e = usercode_open(w, letters, out);
	if (e == ERROR_NONE)
		throttle_returned(place, w->peer, account);
	else
		throttle_failed(place, w->peer, account);
	return e;
}

enum error pair_look(struct work *w, const struct caller *caller, struct slice typed, struct usercode *out)
{
	struct slice letters;
	if (!usercode_typed(typed, &letters))
		return ERROR_CODE_INVALID;
	enum error e = judge(w, slice_of(text_join("user code ", slice_text(caller->user.name), NULL)), letters, out);
	if (e != ERROR_NONE)
		return e;
	if (out->client.flags & CLIENT_FACTOR && !session_is_strong(caller->session.amr))
		return ERROR_FACTOR_REQUIRED;
	return session_admits(out->client.group, &caller->user) ? ERROR_NONE : ERROR_NOT_IN_GROUP;
}

/* Flag `once`: the session ends with the access token that the device gets until then. */
enum error pair_answer(struct work *w, struct caller *caller, const struct usercode *code, bool allow)
{
	int64_t end = code->client.flags & CLIENT_ONCE ? w->time + TICKET_DEVICE_SECONDS + w->config->access_ttl : 0;
	return session_approve(w, &(struct approval){ .sid = code->session, .caller = caller, .client = code->client.id, .scope = code->scope, .allow = allow,
		.expires_at = end });
}
