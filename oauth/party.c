/*
 * party: see party.h.
 *
 * Clients spell Basic in three ways: as it is, form-encoded (RFC 6749, 2.3.1) and with %-escapes. Names and secrets that latchkey makes
 * are the same in all of them.
 */
#include "oauth/party.h"

#include "base/base64.h"

struct oauth *party_own(const struct call *c)
{
	return c->own;
}

enum error party_refuse(struct call *c, const char *error)
{
	party_own(c)->error = error;
	return ERROR_INVALID_REQUEST;
}

/* ---- HTTP Basic (RFC 7617) --------------------------------------------- */

static bool shows_basic(const struct request *rq, struct slice *credentials)
{
	*credentials = rq->authorization;
	return slice_is_nocase(slice_cut(credentials, ' '), S("Basic"));
}

/* The standard alphabet, with or without its padding, read by the one reader of base64 that there is. */
static bool read_base64(struct slice text, struct slice *out)
{
	struct buf b = { 0 };
	while (text.n && text.p[text.n - 1] == '=')
		text.n--;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (c == '-' || c == '_')
			return false;
		buf_c(&b, (char)(c == '+' ? '-' : c == '/' ? '_' : c));
	}
	return base64url_read(buf_slice(&b), out);
}

/* Name and secret of Basic; false: it is broken. */
static bool read_basic(struct slice credentials, struct slice *id, struct slice *secret)
{
	struct slice both;
	if (!read_base64(slice_trim(credentials), &both))
		return false;
	struct slice name = slice_cut(&both, ':');
	return both.p && http_decode(name, id) && http_decode(both, secret);
}

/* ---- the client -------------------------------------------------------- */

/* Whether the secret is what the client must show; a public one has none to show. */
static bool is_proven(struct oauth *o, struct slice secret)
{
	bool public = o->client.flags & CLIENT_PUBLIC;
	o->shown = !public && client_secret_fits(&o->client, secret);
	return public ? secret.n == 0 : o->shown;
}

static enum error judge(struct call *c, struct slice id, struct slice secret)
{
	struct oauth *o = party_own(c);
	if (client_find(c->work.config->dir, id, &o->client) == ERROR_NONE && is_proven(o, secret))
		return ERROR_NONE;
	o->client = (struct client){ .flags = 0 };
	return party_refuse(c, "invalid_client");
}

/* A client_id beside Basic is no second way where it is the same, and an empty secret is none. */
static enum error judge_basic(struct call *c, struct slice credentials)
{
	struct oauth *o = party_own(c);
	struct slice id, secret;
	o->by_basic = true;
	if (!read_basic(credentials, &id, &secret))
		return party_refuse(c, "invalid_client");
	if (o->client_secret.n || (o->client_id.p && !slice_is(o->client_id, id)))
		return party_refuse(c, "invalid_request");
	return judge(c, id, secret);
}

enum error party_find(struct call *c)
{
	struct oauth *o = party_own(c);
	struct slice credentials;
	if (shows_basic(c->rq, &credentials))
		return judge_basic(c, credentials);
	if (o->client_id.p == NULL && o->client_secret.n == 0)
		return ERROR_NONE;
	return judge(c, o->client_id, o->client_secret);
}

enum error party_require(struct call *c)
{
	enum error e = party_find(c);
	return e == ERROR_NONE && party_own(c)->client.id.n == 0 ? party_refuse(c, "invalid_client") : e;
}

/* ---- answers ------------------------------------------------------------ */

struct jw *party_begin(struct call *c)
{
	struct jw *w = &party_own(c)->out;
	*w = (struct jw){ .out = &c->rp->body };
	c->rp->status = 200;
	c->rp->type = "application/json";
	return jw_open(w, '{');
}

enum error party_end(struct call *c)
{
	struct jw *w = &party_own(c)->out;
	while (w->depth)
		jw_close(w);
	return ERROR_NONE;
}
