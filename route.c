/*
 * route: see route.h.
 */
#include "route.h"

#include "config.h"
#include "json.h"

enum { PREFLIGHT_SECONDS = 600 };       /* how long a browser may remember a preflight */

/* ---- which dialect, which route ---------------------------------------- */

/* The path from the root of the host. */
static struct slice whole_path(const struct request *rq)
{
	struct buf b = { 0 };
	if (!rq->below)
		return rq->path;
	buf_add(&b, rq->mount);
	buf_add(&b, rq->path);
	return buf_slice(&b);
}

/* The path as the dialect's routes have it; p is NULL where it is none of theirs. */
static struct slice path_in_dialect(const struct dialect *d, const struct request *rq)
{
	struct slice path = d->on_host ? whole_path(rq) : rq->path;
	bool ours = (d->on_host || rq->below) && slice_starts(path, slice_of(d->prefix));
	return ours ? path : SLICE_NONE;
}

const struct dialect *route_dialect(const struct dialect *const *table, size_t count, const struct request *rq)
{
	for (size_t i = 0; i < count; i++)
		if (path_in_dialect(table[i], rq).p)
			return table[i];
	return NULL;
}

static bool fits_path(const struct route *r, struct slice path)
{
	struct slice own = slice_of(r->path);
	return own.p[own.n - 1] == '/' ? slice_starts(path, own) && path.n > own.n : slice_is(path, own);
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
	return r->method == method || (method == METHOD_POST && r->method == METHOD_GET && r->members && is_form(rq));
}

static const struct route *find_route(const struct dialect *d, const struct request *rq, struct slice path)
{
	for (size_t i = 0; i < d->count; i++)
		if (fits_method(&d->routes[i], rq) && fits_path(&d->routes[i], path))
			return &d->routes[i];
	return NULL;
}

bool route_is_slow(const struct dialect *d, const struct request *rq)
{
	const struct route *r = find_route(d, rq, path_in_dialect(d, rq));
	return r && r->slow;
}

/* ---- a body, into the dialect's own struct ----------------------------- */

static enum error refuse_member(struct call *c, const struct member *m)
{
	c->about = m->name;
	return ERROR_INVALID_REQUEST;
}

static void *place_of(const struct call *c, const struct member *m)
{
	return (char *)c->own + m->at;
}

/* A text that was read, or is absent: its length, and whether it may be. */
static enum error check_text(struct call *c, const struct member *m, const struct slice *text)
{
	if (text->p ? text->n > m->max : m->required)
		return refuse_member(c, m);
	return ERROR_NONE;
}

static enum error read_json_member(struct call *c, const struct member *m, const struct json *body)
{
	void *at = place_of(c, m);
	if (m->kind == MEMBER_FLAG)
		return json_bool(body, m->name, at) == JSON_WRONG_TYPE ? refuse_member(c, m) : ERROR_NONE;
	return json_string(body, m->name, at) == JSON_WRONG_TYPE ? refuse_member(c, m) : check_text(c, m, at);
}

static enum error read_json(struct call *c, const struct member *members)
{
	struct json body;
	if (!http_media_type(c->rq, S("application/json")))
		return ERROR_UNSUPPORTED_MEDIA_TYPE;
	enum json_verdict verdict = json_read(c->rq->body, &body);
	if (verdict == JSON_MALFORMED)
		return ERROR_INVALID_JSON;
	if (verdict == JSON_TOO_MANY || !json_is_object(&body))
		return ERROR_INVALID_REQUEST;
	for (const struct member *m = members; m->name; m++) {
		enum error e = read_json_member(c, m, &body);
		if (e != ERROR_NONE)
			return e;
	}
	return ERROR_NONE;
}

static enum error read_form_member(struct call *c, const struct member *m)
{
	struct slice raw, *text, value = SLICE_NONE;
	size_t times = http_form(c->rq, slice_of(m->name), &raw);
	if (times > 1 || (times && !http_decode(raw, &value)))
		return refuse_member(c, m);
	if (m->kind == MEMBER_FLAG) {
		*(bool *)place_of(c, m) = slice_is(value, S("true"));
		return ERROR_NONE;
	}
	text = place_of(c, m);
	*text = value;
	return check_text(c, m, text);
}

/* Each parameter at most once (RFC 6749, 3.2). */
static enum error read_form(struct call *c, const struct member *members)
{
	for (const struct member *m = members; m->name; m++) {
		enum error e = read_form_member(c, m);
		if (e != ERROR_NONE)
			return e;
	}
	return ERROR_NONE;
}

/* No body at all is an empty one. */
static enum error read_nothing(struct call *c, const struct member *members)
{
	for (const struct member *m = members; m->name; m++)
		if (m->required)
			return refuse_member(c, m);
	return ERROR_NONE;
}

static enum error read_body(struct call *c, const struct route *r)
{
	if (c->rq->method != METHOD_POST || r->members == NULL)
		return ERROR_NONE;
	if (c->rq->body.n == 0)
		return read_nothing(c, r->members);
	if (r->method == METHOD_POST && !c->dialect->forms)
		return read_json(c, r->members);
	return is_form(c->rq) ? read_form(c, r->members) : ERROR_UNSUPPORTED_MEDIA_TYPE;
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
	for (size_t i = 0; i < d->count; i++)
		if (fits_path(&d->routes[i], path)) {
			buf_s(&b, method_words[d->routes[i].method]);
			buf_s(&b, d->routes[i].method == METHOD_GET ? ", HEAD, " : ", ");
		}
	if (b.n)
		buf_s(&b, "OPTIONS");
	return buf_slice(&b);
}

/* OPTIONS, a preflight among them. */
static enum error answer_options(struct call *c)
{
	reply_header(c->rp, "Allow", c->allow, NULL);
	if (c->rq->request_method.p && config_origin_listed(c->work.config, c->rq->origin)) {
		reply_header(c->rp, "Access-Control-Allow-Methods", "GET, POST, DELETE", NULL);
		reply_header(c->rp, "Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key", NULL);
		reply_header(c->rp, "Access-Control-Max-Age", dec(PREFLIGHT_SECONDS), NULL);
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
	enum error e = read_body(c, r);
	if (e == ERROR_NONE && r->access != ACCESS_NONE)
		e = c->dialect->admit(c);
	return e == ERROR_NONE ? r->handle(c) : e;
}

/* The dialect writes its error; what HTTP itself asks for is the same for all. */
static void refuse(struct call *c, enum error e)
{
	int64_t wait = c->work.retry_after ? c->work.retry_after : errors[e].retry_after;
	*c->rp = (struct reply){ .status = errors[e].status };
	if (wait)
		reply_header(c->rp, "Retry-After", dec(wait), NULL);
	if (e == ERROR_METHOD_NOT_ALLOWED)
		reply_header(c->rp, "Allow", c->allow, NULL);
	c->dialect->refuse(c, e);
}

void route_answer(const struct dialect *d, const struct config *config, const struct keyring *ring, const struct request *rq,
	enum error e, struct reply *rp)
{
	struct call c = {
		.work = { .config = config, .ring = ring, .peer = rq->peer },
		.dialect = d, .rq = rq, .rp = rp, .path = path_in_dialect(d, rq),
	};
	if (e == ERROR_NONE) {
		const struct route *route = find_route(d, rq, c.path);
		c.own = arena(d->size);
		e = route ? answer_route(&c, route) : answer_without_route(&c);
	}
	if (e != ERROR_NONE)
		refuse(&c, e);
	reply_header(rp, "Cache-Control", "no-store", NULL);
}

void route_finish(const struct config *config, const struct request *rq, struct reply *rp)
{
	if (config->cors_origins.n == 0)
		return;
	reply_header(rp, "Vary", "Origin", NULL);
	if (!config_origin_listed(config, rq->origin))
		return;
	reply_header(rp, "Access-Control-Allow-Origin", slice_text(rq->origin), NULL);
	reply_header(rp, "Access-Control-Allow-Credentials", "true", NULL);
	reply_header(rp, "Access-Control-Expose-Headers", "Retry-After, WWW-Authenticate", NULL);
}
