/*
 * route: see route.h.
 */
#include "route.h"

#include "config.h"
#include "dpop.h"
#include "json.h"
#include "store/upkeep.h"

#define PREFLIGHT_SECONDS "600"         /* how long a browser may remember a preflight */

/* ---- which dialect, which route ---------------------------------------- */

/* The path from the root of the host. */
static struct slice whole_path(const struct request *rq)
{
	if (!rq->below)
		return rq->path;
	if (rq->mount.n && slice_is(rq->path, S("/")))     /* SCRIPT_NAME alone: the mount is the path */
		return rq->mount;
	return slice_of(text_join(slice_text(rq->mount), slice_text(rq->path), NULL));
}

/* The path as the dialect's routes have it; p is NULL where it is none of theirs. */
static struct slice path_in_dialect(const struct dialect *d, const struct request *rq)
{
	struct slice path = d->on_host ? whole_path(rq) : rq->path;
	bool ours = (d->on_host || rq->below) && slice_starts(path, slice_of(d->prefix));
	return ours ? path : SLICE_NONE;
}

static bool fits_path(const struct route *r, struct slice path)
{
	struct slice own = slice_of(r->path);
	return own.p[own.n - 1] == '/' ? slice_starts(path, own) && path.n > own.n : slice_is(path, own);
}

static bool has_path(const struct dialect *d, struct slice path)
{
	size_t i = 0;
	while (i < d->count && !fits_path(&d->routes[i], path))
		i++;
	return i < d->count;
}

const struct dialect *route_dialect(const struct dialect *const *table, size_t count, const struct request *rq)
{
	const struct dialect *nearest = NULL;
	for (size_t i = 0; i < count; i++) {
		const struct dialect *d = table[i];
		struct slice path = d ? path_in_dialect(d, rq) : SLICE_NONE;
		if (path.p && has_path(d, path))
			return d;
		if (path.p && !nearest)
			nearest = d;
	}
	return nearest;
}

static bool is_form(const struct request *rq)
{
	return http_media_type(rq, S("application/x-www-form-urlencoded"));
}

/*
 * HEAD is GET without its body. A form that is sent to a GET route with members
 * is answered as that GET (RFC 6750, 2.2): for web servers that withhold
 * Authorization from the programs that they run. It can't stand for a DELETE:
 * what the method doesn't show must not change anything.
 */
static bool fits_method(const struct route *r, const struct request *rq)
{
	enum method method = rq->method == METHOD_HEAD ? METHOD_GET : rq->method;
	return r->method == method || r->method == METHOD_ANY || (method == METHOD_POST && r->method == METHOD_GET && r->members && is_form(rq));
}

static const struct route *find_route(const struct dialect *d, const struct request *rq, struct slice path)
{
	for (size_t i = 0; i < d->count; i++)
		if (fits_method(&d->routes[i], rq) && fits_path(&d->routes[i], path))
			return &d->routes[i];
	return NULL;
}

bool route_ignores_body(const struct dialect *d, const struct request *rq)
{
	const struct route *r = find_route(d, rq, path_in_dialect(d, rq));
	return r && r->method == METHOD_ANY;
}

bool route_is_slow(const struct dialect *d, const struct config *config, const struct request *rq)
{
	const struct route *r = find_route(d, rq, path_in_dialect(d, rq));
	const unsigned slow = PACE_SLOW | (config->access_alg == ACCESS_ES256 || rq->dpop.p ? PACE_SIGNS : 0u) | (store_is_remote ? PACE_LASTS : 0u);
	return r && r->pace & slow;
}

/* ---- a body, into the dialect's own struct ----------------------------- */

/* How a body's members are found: in JSON, in a form, or not at all. */
struct source {
	bool form;
	struct json json;
};

static enum json_found find_in_form(const struct request *rq, const struct member *m, void *at)
{
	struct slice raw, value;
	size_t times = http_form(rq, slice_of(m->name), &raw);
	if (times == 0)
		return JSON_ABSENT;
	if (times > 1 || !http_decode(raw, &value))     /* each at most once: RFC 6749, 3.2 */
		return JSON_WRONG_TYPE;
	if (m->kind == MEMBER_FLAG)
		*(bool *)at = slice_is(value, S("true"));
	else
		*(struct slice *)at = value;
	return JSON_FOUND;
}

static enum json_found find_member(const struct request *rq, const struct source *from, const struct member *m, void *at)
{
	if (from->form)
		return find_in_form(rq, m, at);
	return m->kind == MEMBER_FLAG ? json_bool(&from->json, m->name, at) : json_string(&from->json, m->name, at);
}

/* Reads all members of the route; one that is missing, of another type or too long is what the error is about. */
static enum error read_members(struct call *c, const struct member *members, const struct source *from)
{
	for (const struct member *m = members; m->name; m++) {
		void *at = (char *)c->own + m->at;
		const struct slice *text = at;
		if (m->kind == MEMBER_FLAG)
			*(bool *)at = m->required;
		enum json_found found = from ? find_member(c->rq, from, m, at) : JSON_ABSENT;
		c->about = m->name;
		if (found == JSON_WRONG_TYPE || (found == JSON_ABSENT && m->required && m->kind == MEMBER_TEXT))
			return ERROR_INVALID_REQUEST;
		if (found == JSON_FOUND && m->kind == MEMBER_TEXT && text->n > m->max)
			return ERROR_INVALID_REQUEST;
	}
	c->about = NULL;
	return ERROR_NONE;
}

static enum error read_json(const struct request *rq, struct json *out)
{
	if (!http_media_type(rq, S("application/json")))
		return ERROR_UNSUPPORTED_MEDIA_TYPE;
	enum json_verdict verdict = json_read(rq->body, out);
	if (verdict == JSON_MALFORMED)
		return ERROR_INVALID_JSON;
	return verdict == JSON_VALID && json_is_object(out) ? ERROR_NONE : ERROR_INVALID_REQUEST;
}

/* No body at all is an empty one. */
static enum error read_body(struct call *c, const struct route *r)
{
	bool writes = r->method == METHOD_POST || r->method == METHOD_DELETE || r->method == METHOD_PUT;
	struct source from = { .form = !writes || c->dialect->forms };
	enum error e = ERROR_NONE;
	if ((!writes && c->rq->method != METHOD_POST) || r->members == NULL)
		return ERROR_NONE;
	if (c->rq->body.n == 0)
		return read_members(c, r->members, NULL);
	if (!from.form)
		e = read_json(c->rq, &from.json);
	else if (!is_form(c->rq))
		e = ERROR_UNSUPPORTED_MEDIA_TYPE;
	return e == ERROR_NONE ? read_members(c, r->members, &from) : e;
}

/* ---- answering --------------------------------------------------------- */

enum error route_no_content(struct call *c)
{
	c->rp->status = 204;
	return ERROR_NONE;
}

/* The methods of a path, for Allow; empty where there is no such path. */
static struct slice allowed_methods(const struct dialect *d, struct slice path)
{
	struct buf b = { 0 };
	unsigned set = 0;
	for (size_t i = 0; i < d->count; i++) {
		const struct route *r = &d->routes[i];
		if (!fits_path(r, path))
			continue;
		set |= 1U << r->method;
		if (r->method == METHOD_GET)
			set |= 1U << METHOD_HEAD | (r->members ? 1U << METHOD_POST : 0);       /* a form */
	}
	if (set)
		set |= 1U << METHOD_OPTIONS;
	for (enum method m = METHOD_GET; m < METHOD_OTHER; m++)
		if (set >> m & 1) {
			buf_s(&b, b.n ? ", " : "");
			buf_s(&b, method_words[m]);
		}
	return buf_slice(&b);
}

/* OPTIONS, a preflight among them. */
static enum error answer_options(struct call *c)
{
	const struct dialect *d = c->dialect;
	reply_header(c->rp, "Allow", c->allow, NULL);
	if (c->rq->request_method.p && !d->own && config_origin_listed(c->work.config, c->rq->origin)) {
		reply_header(c->rp, "Access-Control-Allow-Methods", "GET, POST, DELETE", d->more_headers ? ", PUT" : "", NULL);
		reply_header(c->rp, "Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, DPoP", d->more_headers, NULL);
		reply_header(c->rp, "Access-Control-Max-Age", PREFLIGHT_SECONDS, NULL);
	}
	return route_no_content(c);
}

/* No route has this path, or none with this method. */
static enum error answer_without_route(struct call *c)
{
	struct slice allow = allowed_methods(c->dialect, c->path);
	if (allow.n == 0)
		return ERROR_NOT_FOUND;
	c->allow = slice_text(allow);
	return c->rq->method == METHOD_OPTIONS ? answer_options(c) : ERROR_METHOD_NOT_ALLOWED;
}

static enum error answer_route(struct call *c, const struct route *r)
{
	c->rest = slice_from(c->path, slice_of(r->path).n);
	c->any_method = r->method == METHOD_ANY;
	enum error e = read_body(c, r);
	if (e == ERROR_NONE && r->access != ACCESS_NONE)
		e = c->dialect->admit(c);
	return e == ERROR_NONE ? r->handle(c) : e;
}

/* The dialect writes its error; what HTTP itself asks for is the same for all. */
static void refuse(struct call *c, enum error e)
{
	int64_t wait = c->work.retry_after ? c->work.retry_after : errors[e].retry_after;
	*c->rp = (struct reply){ .status = errors[e].status, .elsewhere = c->rp->elsewhere };
	if (wait)
		reply_header(c->rp, "Retry-After", dec(wait), NULL);
	if (e == ERROR_METHOD_NOT_ALLOWED)
		reply_header(c->rp, "Allow", c->allow, NULL);
	c->dialect->refuse(c, e);
}

/* Whoever shows a proof, or should have, is told what the next one is to have (RFC 9449, 8.2). */
static void offer_nonce(const struct call *c, enum error e)
{
	bool wants = c->rq->method == METHOD_POST && (c->rq->dpop.p || e == ERROR_INVALID_DPOP_PROOF);
	if (wants && dpop_nonce)
		reply_header(c->rp, "DPoP-Nonce", slice_text(dpop_nonce(&c->work.ring->key[0], now())), NULL);
}

static bool is_gone(const void *call)
{
	return http_is_gone(((const struct call *)call)->rq);
}

static enum error look_again(const void *call, void (*let_go)(void))
{
	const struct call *c = call;
	enum error e = http_look_again(c->rq, let_go);
	c->rp->elsewhere = c->rq->wire.shared && e == ERROR_BUSY;
	return e;
}

void route_answer(const struct dialect *d, const struct config *config, const struct keyring *ring, const struct request *rq,
	enum error e, struct reply *rp)
{
	struct call c = {
		.work = { .config = config, .ring = ring, .peer = rq->peer, .hidden = rq->hidden, .agent = rq->user_agent, .is_gone = is_gone, .look_again = look_again, .client = &c },
		.dialect = d, .rq = rq, .rp = rp, .path = path_in_dialect(d, rq), .own = arena(d->size),
	};
	if (e == ERROR_NONE) {
		const struct route *route = find_route(d, rq, c.path);
		e = route ? answer_route(&c, route) : answer_without_route(&c);
	}
	if (e != ERROR_NONE)
		refuse(&c, e);
	offer_nonce(&c, e);
	rp->own = d->own;
	reply_header(rp, "Cache-Control", rp->cache ? rp->cache : "no-store", NULL);
}

void route_finish(const struct config *config, const struct request *rq, struct reply *rp)
{
	if (rp->open)
		reply_header(rp, "Access-Control-Allow-Origin", "*", NULL);
	if (rp->open || rp->own || config->cors_origins.n == 0)
		return;
	reply_header(rp, "Vary", "Origin", NULL);
	if (!config_origin_listed(config, rq->origin))
		return;
	reply_header(rp, "Access-Control-Allow-Origin", slice_text(rq->origin), NULL);
	reply_header(rp, "Access-Control-Allow-Credentials", "true", NULL);
	reply_header(rp, "Access-Control-Expose-Headers", "Retry-After, WWW-Authenticate, DPoP-Nonce", NULL);
}
