/*
 * http_cgi: see http_cgi.h for what each function promises.
 */
#include "http_cgi.h"

/* ---- variables --------------------------------------------------------- */

/* Those that are read have the limit of a head together. Borrows. */
static enum error take_variable(struct head *h, const struct head_field *f, struct slice value, size_t *total)
{
	struct slice *place = head_place(h, f);
	if (value.n == 0 || place->p)
		return ERROR_NONE;
	*total += value.n;
	if (*total > LIMIT_HEAD)
		return f->name.n ? ERROR_HEADERS_TOO_LARGE : ERROR_URI_TOO_LONG;
	for (size_t i = 0; i < value.n; i++)
		if (!head_is_text(value.p[i]))
			return ERROR_BAD_REQUEST;
	*place = f->name.n ? slice_trim(value) : value;
	return ERROR_NONE;
}

static enum error take_variables(struct head *h, const struct slice values[HEAD_FIELDS])
{
	enum error e = ERROR_NONE;
	size_t total = 0;
	for (size_t i = 0; i < HEAD_FIELDS && !e; i++)
		e = take_variable(h, &head_fields[i], values[i], &total);
	return e;
}

/* althttpd passes the two words of Authorization as two variables; mini_httpd, thttpd and tipidee only the first. */
static void join_authorization(struct head *h)
{
	struct buf b = { 0 };
	h->rq.withheld = h->auth_type.p && !h->auth_content.p && !h->rq.authorization.p;
	if (h->rq.authorization.p || !h->auth_type.p || !h->auth_content.p)
		return;
	buf_add(&b, h->auth_type);
	buf_c(&b, ' ');
	buf_add(&b, h->auth_content);
	h->rq.authorization = buf_slice(&b);
}

/*
 * The mount becomes the Path of cookies, so it may have no byte that ends an attribute. It begins what browsers are sent to, where
 * two slashes would begin the name of a host.
 */
static enum error take_mount(struct request *rq)
{
	rq->below = true;
	rq->mount = head_without_slash(rq->mount);
	while (slice_starts(rq->mount, S("//")))
		rq->mount = slice_from(rq->mount, 1);
	if (rq->mount.n == 0 || slice_made_of(rq->mount, "/_.~-+@"))
		return ERROR_NONE;
	rq->mount = SLICE_NONE;
	return ERROR_BAD_REQUEST;
}

/* RFC 3875, 4.1. */
static enum error request_of_variables(struct head *h, struct slice base_path)
{
	struct request *rq = &h->rq;
	rq->method = head_method(h->method);
	rq->wire.minor_zero = slice_is(h->version, S("HTTP/1.0"));
	rq->https = slice_is_nocase(h->https, S("on"));
	enum error e = take_mount(rq);
	if (rq->path.n == 0)
		rq->path = S("/");
	if (e || !head_is_token(h->method) || !head_is_printable(rq->path) || !head_is_printable(rq->query) || *rq->path.p != '/')
		return ERROR_BAD_REQUEST;
	if (h->whole_path)
		head_split_mount(rq, base_path);
	return ERROR_NONE;
}

static enum error parse_variables(struct head *h, const struct slice values[HEAD_FIELDS], const struct http_rules *rules,
	int64_t *length)
{
	enum error e = take_variables(h, values);
	join_authorization(h);
	if (!e)
		e = request_of_variables(h, rules->base_path);
	enum error checked = head_check(h, rules, length);
	return e ? e : checked;
}

/* Lengths first: an environment has many names that are none of these, and each is held against all. */
static size_t row_of(struct slice variable)
{
	size_t i = 0;
	while (i < HEAD_FIELDS && (variable.n != head_fields[i].variable.n || !slice_is(variable, head_fields[i].variable)))
		i++;
	return i;
}

/* Each variable is looked up once, as getenv(3) would find it: the first of a name counts. */
static void take_environment(char *const *environment, struct slice values[HEAD_FIELDS])
{
	for (; environment && *environment; environment++) {
		struct slice value = slice_of(*environment), name = slice_cut(&value, '=');
		size_t i = row_of(name);
		if (i < HEAD_FIELDS_OF_CGI && !values[i].p)
			values[i] = value;
	}
}

enum error cgi_parse(struct head *h, char *const *environment, const struct http_rules *rules, int64_t *length)
{
	struct slice values[HEAD_FIELDS] = { SLICE_NONE };
	take_environment(environment, values);
	return parse_variables(h, values, rules, length);
}

/* ---- SCGI -------------------------------------------------------------- */

enum error scgi_scan(struct http_at *at, struct slice in)
{
	struct slice digits = { in.p, 0 };
	int64_t length;
	while (digits.n < in.n && is_digit(in.p[digits.n]))
		digits.n++;
	if (*in.p == '0')
		return ERROR_BAD_REQUEST;
	if (!parse_number(digits, 1, LIMIT_HEAD, &length))
		return ERROR_HEADERS_TOO_LARGE;
	if (digits.n == in.n)
		return ERROR_NONE;
	if (in.p[digits.n] != ':')
		return ERROR_BAD_REQUEST;
	at->from = digits.n + 1;
	at->at = at->from + (size_t)length + 1;
	at->done = in.n >= at->at;
	return !at->done || in.p[at->at - 1] == ',' ? ERROR_NONE : ERROR_BAD_REQUEST;
}

/* "NAME NUL value NUL", over and over, to the last byte. */
static enum error take_pairs(struct head *h, struct slice block, struct slice values[HEAD_FIELDS])
{
	enum error e = ERROR_NONE;
	while (block.n && !e) {
		struct slice name = slice_cut(&block, '\0'), value = slice_cut(&block, '\0');
		size_t i = row_of(name);
		if (name.n == 0 || !block.p)
			e = ERROR_BAD_REQUEST;
		else if (i < HEAD_FIELDS && values[i].p)
			e = head_join(h, i, &values[i], value);
		else if (i < HEAD_FIELDS)
			values[i] = value;
	}
	return e;
}

/*
 * A server that sends no PATH_INFO sends the whole path, whose beginning is the
 * mount. DOCUMENT_URI goes before REQUEST_URI: it is decoded, as PATH_INFO is.
 */
static void find_path(struct head *h, struct slice values[HEAD_FIELDS])
{
	struct slice *target = &values[row_of(S("REQUEST_URI"))], rest = *target;
	h->whole_path = values[row_of(S("PATH_INFO"))].n == 0 && (values[row_of(S("DOCUMENT_URI"))].n || target->n);
	*target = slice_cut(&rest, '?');
}

enum error scgi_parse(struct head *h, struct slice in, const struct http_at *at, const struct http_rules *rules, int64_t *length)
{
	struct slice block = { in.p + at->from, at->at - at->from - 1 };
	struct slice values[HEAD_FIELDS] = { SLICE_NONE };
	enum error e = take_pairs(h, block, values);
	struct slice *said = &values[row_of(S("CONTENT_LENGTH"))];
	if (!slice_starts(block, S("CONTENT_LENGTH\0")) || said->n == 0 || !slice_is(values[row_of(S("SCGI"))], S("1")))
		e = ERROR_BAD_REQUEST;
	if (slice_is(*said, S("0")))    /* SCGI asks for it where there is no body, too */
		*said = SLICE_NONE;
	find_path(h, values);
	enum error parsed = parse_variables(h, values, rules, length);
	return e ? e : parsed;
}
