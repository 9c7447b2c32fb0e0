/*
 * http: see http.h for what each function promises.
 *
 * How a request is read. A face gathers: it finds the request line's parts
 * and the headers of the table `fields`, all as slices of bytes that it was
 * given, in one struct head. judge() then checks what was gathered, and knows
 * no faces; so a CGI variable is believed no more than a byte from a socket.
 *
 *	CGI      take_environment() ---------> parse_variables()  \
 *	SCGI     scan_netstring() -> take_pairs() -----^           judge() -> read_body()
 *	HTTP     scan_head() ----------------> parse_lines()      /
 *
 * A socket says by its first byte what it speaks: SCGI begins with a digit,
 * and no method that is served here does. Who may connect may speak either,
 * so what SCGI says of the client's address counts only from a trusted proxy,
 * as X-Forwarded-For does.
 *
 * What is refused, and why (RFC 9110, 9112, 3875):
 *
 *	400  bytes that are no text: NUL, control bytes, a CR or LF alone, which
 *	     two programs may split differently (9112, 2.2); folded lines (5.2);
 *	     two Content-Length, or one beside Transfer-Encoding (6.3: request
 *	     smuggling); a header read here that came twice; no Host in 1.1, two
 *	     of them, or one that is none (3.2); an expectation that isn't
 *	     100-continue; the end before the body's
 *	408  the request wasn't whole in time, counted from its beginning
 *	413  a body over LIMIT_BODY, before a byte of it is read
 *	414  a request line over LIMIT_LINE
 *	431  a header over LIMIT_LINE, a head over LIMIT_HEAD, more headers than
 *	     LIMIT_HEADERS
 *	501  Transfer-Encoding: none is spoken here
 *	505  another major version than 1
 *
 * Of SCGI (python.ca/scgi/protocol.txt) 400 is also: a netstring that isn't
 * exact, CONTENT_LENGTH not first, no "SCGI" of "1", and a variable read here
 * that came twice, unless its header may: servers hand on what was sent. A
 * netstring over LIMIT_HEAD is 431. Variables that aren't read may be anything
 * without a NUL, as headers may.
 *
 * A path isn't decoded: '%', "//", "..", ';' match no route, so they need no
 * rule. Nothing that the peer sent is put into a header of the answer by this
 * room. By CGI, SCGI and inetd a request is the connection's last, so what
 * follows it is never looked at; a worker goes on behind it (http_take()).
 */
#include "http.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/address.h"
#include "base/file.h"

enum {
	PATIENCE_MS = 10000,    /* a phone on a bad line sends 4 KiB in 3 s; a script slot is held that long */
	DRAIN_MS = 1000,        /* long enough for one round trip, in which a refused client stops sending */
	DRAIN_BYTES = 1 << 20,  /* what a refused upload may still cost us */
	HEAD_ROOM = LIMIT_HEAD + 7      /* a netstring's length, colon and comma */
};

int http_patience = PATIENCE_MS;

#ifndef _GNU_SOURCE
extern char **environ;
#endif

const char *const method_words[METHOD__MAX] = {
	[METHOD_GET] = "GET",
	[METHOD_HEAD] = "HEAD",
	[METHOD_POST] = "POST",
	[METHOD_DELETE] = "DELETE",
	[METHOD_OPTIONS] = "OPTIONS",
	[METHOD_OTHER] = ""
};

/* ---- what a face gathers ----------------------------------------------- */

enum { FIELDS_MAX = 32 };

struct head {
	struct request rq;
	struct slice method, version, authority;
	struct slice content_length, transfer_encoding, expect, connection, forwarded_for, forwarded_proto;
	struct slice https, auth_type, auth_content;    /* variables alone */
	struct slice scgi;              /* SCGI alone */
	struct slice connected;         /* who is at the socket's other end */
	bool whole;                     /* the path came with the mount before it */
	struct buf joined[FIELDS_MAX];  /* of fields that came more than once */
};

/*
 * Everything that is read of a request but the request line: the header's
 * name, the variable that carries it, its place in struct head, and how
 * two of it are joined; NULL: two of it are refused. Proxies append lines of
 * X-Forwarded-For (9110, 5.3) and split cookies on their way from HTTP/2
 * (RFC 9113, 8.2.3). Of two variables for one place the first that isn't
 * empty counts: Apache renames some on an internal redirect, and what nginx
 * sends by SCGI unless it is told otherwise is the whole path.
 */
struct field {
	struct slice name;
	struct slice variable;
	size_t place;
	const char *joint;
};

#define AT(member) offsetof(struct head, member)
#define WORD(text) { (text), sizeof(text) - 1 }

static const struct field fields[] = {
	{ WORD("Host"),              WORD("HTTP_HOST"),              AT(rq.host),            NULL },
	{ WORD("Authorization"),     WORD("HTTP_AUTHORIZATION"),     AT(rq.authorization),   NULL },
	{ WORD("Content-Type"),      WORD("CONTENT_TYPE"),           AT(rq.content_type),    NULL },
	{ WORD("Cookie"),            WORD("HTTP_COOKIE"),            AT(rq.cookie),          "; " },
	{ WORD("Origin"),            WORD("HTTP_ORIGIN"),            AT(rq.origin),          NULL },
	{ WORD("User-Agent"),        WORD("HTTP_USER_AGENT"),        AT(rq.user_agent),      NULL },
	{ WORD("Idempotency-Key"),   WORD("HTTP_IDEMPOTENCY_KEY"),   AT(rq.idempotency_key), NULL },
	{ WORD("Sec-Fetch-Site"),    WORD("HTTP_SEC_FETCH_SITE"),    AT(rq.sec_fetch_site),  NULL },
	{ WORD("Access-Control-Request-Method"), WORD("HTTP_ACCESS_CONTROL_REQUEST_METHOD"), AT(rq.request_method), NULL },
	{ WORD("If-None-Match"),     WORD("HTTP_IF_NONE_MATCH"),     AT(rq.if_none_match),   ", " },
	{ WORD("Content-Length"),    WORD("CONTENT_LENGTH"),         AT(content_length),     NULL },
	{ WORD("Transfer-Encoding"), WORD("HTTP_TRANSFER_ENCODING"), AT(transfer_encoding),  NULL },
	{ WORD("Connection"),        WORD("HTTP_CONNECTION"),        AT(connection),         ", " },
	{ WORD("Expect"),            WORD("HTTP_EXPECT"),            AT(expect),             NULL },
	{ WORD("X-Forwarded-For"),   WORD("HTTP_X_FORWARDED_FOR"),   AT(forwarded_for),      ", " },
	{ WORD("X-Forwarded-Proto"), WORD("HTTP_X_FORWARDED_PROTO"), AT(forwarded_proto),    ", " },
	/* No header has an empty name, so from here on variables alone find their row. */
	{ WORD(""), WORD("REDIRECT_HTTP_AUTHORIZATION"), AT(rq.authorization), NULL },
	{ WORD(""), WORD("AUTH_TYPE"),       AT(auth_type),    NULL },
	{ WORD(""), WORD("AUTH_CONTENT"),    AT(auth_content), NULL },
	{ WORD(""), WORD("REQUEST_METHOD"),  AT(method),       NULL },
	{ WORD(""), WORD("SCRIPT_NAME"),     AT(rq.mount),     NULL },
	{ WORD(""), WORD("PATH_INFO"),       AT(rq.path),      NULL },
	{ WORD(""), WORD("QUERY_STRING"),    AT(rq.query),     NULL },
	{ WORD(""), WORD("SERVER_PROTOCOL"), AT(version),      NULL },
	{ WORD(""), WORD("REMOTE_ADDR"),     AT(rq.peer),      NULL },
	{ WORD(""), WORD("HTTPS"),           AT(https),        NULL },
	{ WORD(""), WORD("SERVER_SOFTWARE"), AT(rq.server),    NULL },
	/* From here on SCGI alone. */
	{ WORD(""), WORD("DOCUMENT_URI"),    AT(rq.path),      NULL },
	{ WORD(""), WORD("REQUEST_URI"),     AT(rq.path),      NULL },
	{ WORD(""), WORD("SCGI"),            AT(scgi),         NULL }
};
enum { FIELDS = sizeof fields / sizeof *fields, FIELDS_SCGI = 3 };
_Static_assert((int)FIELDS <= (int)FIELDS_MAX, "each field may be joined");

static struct slice *place_of(struct head *h, const struct field *f)
{
	return (struct slice *)(void *)((char *)h + f->place);
}

/* Makes *value the two together, as fields[i] says; room is kept for more. */
static enum error join(struct head *h, size_t i, struct slice *value, struct slice more)
{
	struct buf *b = &h->joined[i];
	if (!fields[i].joint)
		return ERROR_BAD_REQUEST;
	if (b->n == 0)
		buf_add(b, *value);
	buf_s(b, fields[i].joint);
	buf_add(b, more);
	*value = buf_slice(b);
	return ERROR_NONE;
}

/* ---- classes of bytes -------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* How many bytes at the beginning of s are letters, digits or of `extra`. */
static size_t span(struct slice s, const char *extra)
{
	size_t n = 0;
	while (n < s.n && s.p[n] && (is_alnum(s.p[n]) || strchr(extra, s.p[n])))
		n++;
	return n;
}

static bool made_of(struct slice s, const char *extra)
{
	return s.n && span(s, extra) == s.n;
}

/* RFC 9110, 5.6.2. */
static bool is_token(struct slice s)
{
	return made_of(s, "!#$%&'*+-.^_`|~");
}

/* A byte of a line: RFC 9110, 5.5, with obs-text. */
static bool is_text(char c)
{
	unsigned char byte = (unsigned char)c;
	return byte == '\t' || (byte >= ' ' && byte != 0x7f);
}

/* The bytes of a URI and some that aren't but do no harm; no space, no
 * control byte, nothing above ASCII. */
static bool is_printable(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || (unsigned char)s.p[i] > '~')
			return false;
	return true;
}

/* ---- judge: what all faces must stand ---------------------------------- */

/* Cuts what stands behind the last comma off *rest. */
static struct slice cut_last(struct slice *rest)
{
	size_t from = rest->n;
	while (from && rest->p[from - 1] != ',')
		from--;
	struct slice last = slice_trim(slice_from(*rest, from));
	rest->n = from ? from - 1 : 0;
	return last;
}

/* The peer of an AF_UNIX socket, as nginx writes it in REMOTE_ADDR too. */
#define PEER_UNIX S("unix:")

/* A peer as a socket or a server names it: with a zone, perhaps. */
static void take_peer(struct slice text, struct address *a)
{
	struct slice zone = text;
	if (slice_is(text, PEER_UNIX))
		a->kind = ADDRESS_UNIX;
	else
		address_parse(slice_cut(&zone, '%'), a);
}

/* Who sent the request here: by SCGI whom the server names, if it is trusted. */
static struct address find_sender(const struct head *h, const struct networks *trusted)
{
	struct address a = { .kind = ADDRESS_NONE };
	take_peer(h->rq.face == FACE_CGI ? h->rq.peer : h->connected, &a);
	if (h->rq.face == FACE_SCGI && networks_hold(trusted, &a))
		take_peer(h->rq.peer, &a);
	return a;
}

/*
 * Who the client is. Each hop of X-Forwarded-For was written by the one to
 * its right, so it is believed as long as that one is trusted, and the first
 * that isn't is the client. At a hop that is no address the last one that was
 * known stays: nobody gets a name of his own choice.
 */
static void find_peer(struct head *h, const struct networks *trusted)
{
	struct address a = find_sender(h, trusted);
	struct slice rest = h->forwarded_for;
	h->rq.forwarded = h->forwarded_for.p || h->forwarded_proto.p;
	if (h->forwarded_proto.p && networks_hold(trusted, &a))
		h->rq.https |= slice_is_nocase(cut_last(&h->forwarded_proto), S("https"));
	while (rest.p && networks_hold(trusted, &a))
		if (!address_parse(cut_last(&rest), &a))
			break;
	h->rq.peer = address_text(&a);
}

/*
 * Splits the name off "name:port" or "[v6]:port". False unless that is all
 * there is (RFC 3986, 3.2.2, without the escapes, which no client sends).
 */
static bool split_host(struct slice host, struct slice *name)
{
	size_t n = span(host, "-._");
	if (slice_starts(host, S("["))) {
		n = 1 + span(slice_from(host, 1), ":.");
		if (!slice_starts(slice_from(host, n++), S("]")))
			return false;
	}
	struct slice port = slice_from(host, n);
	*name = (struct slice){ host.p, n };
	if (port.n && *port.p != ':')
		return false;
	for (size_t i = 1; i < port.n; i++)
		if (!is_digit(port.p[i]))
			return false;
	return n > 0;
}

/* RFC 9112, 3.2 and 3.2.2: the target's authority goes before Host. */
static enum error judge_host(struct head *h)
{
	struct slice name, *host = &h->rq.host;
	bool needed = h->rq.face == FACE_HTTP && !h->rq.minor_zero;
	if (host->p ? !split_host(*host, &name) : needed) {
		*host = SLICE_NONE;
		return ERROR_BAD_REQUEST;
	}
	if (h->authority.p)
		*host = h->authority;
	return ERROR_NONE;
}

/* RFC 9112, 6.1 to 6.3. -1: no Content-Length, so no body. */
static enum error judge_length(const struct head *h, int64_t *length)
{
	struct slice s = h->content_length;
	*length = -1;
	if (h->transfer_encoding.p)
		return s.p ? ERROR_BAD_REQUEST : ERROR_NOT_IMPLEMENTED;
	if (!s.p)
		return ERROR_NONE;
	for (size_t i = 0; i < s.n; i++)
		if (!is_digit(s.p[i]))
			return ERROR_BAD_REQUEST;
	if (s.n == 0)
		return ERROR_BAD_REQUEST;
	return parse_number(s, 0, LIMIT_BODY, length) ? ERROR_NONE : ERROR_BODY_TOO_LARGE;
}

static enum method method_of(struct slice word)
{
	int m = METHOD_GET;
	while (m < METHOD_OTHER && !slice_is(word, slice_of(method_words[m])))
		m++;
	return (enum method)m;
}

static enum error judge(struct head *h, const struct http_rules *rules, int64_t *length)
{
	find_peer(h, &rules->trusted_proxies);
	enum error e = judge_host(h);
	if (!e)
		e = judge_length(h, length);
	if (!e && h->expect.n && !slice_is_nocase(h->expect, S("100-continue")))
		e = ERROR_BAD_REQUEST;
	/* An empty header says what none says; only variables couldn't tell them apart. */
	for (size_t i = 0; i < FIELDS; i++)
		if (place_of(h, &fields[i])->n == 0)
			*place_of(h, &fields[i]) = SLICE_NONE;
	return e;
}

/* ---- reading, with one deadline ---------------------------------------- */

static int64_t deadline;        /* on the clock below */
static struct slice before;     /* http_begin_with() */

void http_begin_with(struct slice early)
{
	before = early;
}

/*
 * At least one byte from fd 0, or why not. poll() instead of an alarm: one
 * call, no handler, and no moment in which the signal comes too early. A
 * peer that sends a byte a second gains nothing, the deadline stays.
 */
static enum error read_some(char *at, size_t room, size_t *got)
{
	struct pollfd in = { .fd = 0, .events = POLLIN };
	if (before.n) {
		*got = before.n < room ? before.n : room;
		memcpy(at, before.p, *got);
		before = slice_from(before, *got);
		return ERROR_NONE;
	}
	for (;;) {
		int64_t left = deadline - now_ms();
		int ready = left > 0 ? poll(&in, 1, (int)left) : 0;
		if (ready == 0)
			return ERROR_REQUEST_TIMEOUT;
		ssize_t n = ready > 0 ? read(0, at, room) : -1;
		if (n > 0) {
			*got = (size_t)n;
			return ERROR_NONE;
		}
		if (n == 0 || errno != EINTR)
			return ERROR_BAD_REQUEST;
	}
}

/* Exactly length bytes, of which `early` came with the head. */
static enum error read_body(struct request *rq, int64_t length, struct slice early)
{
	size_t n = length > 0 ? (size_t)length : 0, have = early.n < n ? early.n : n;
	enum error e = ERROR_NONE;
	if (n == 0)
		return ERROR_NONE;
	char *body = arena(n);
	if (have)
		memcpy(body, early.p, have);
	for (size_t got = 0; have < n && !e; have += got)
		e = read_some(body + have, n - have, &got);
	if (!e)
		rq->body = (struct slice){ body, n };
	return e;
}

/* ---- the faces of variables: CGI, SCGI --------------------------------- */

/* No line carries a variable, so the limits are those of the header that it
 * was, or of the request line. Borrows. */
static enum error take_variable(struct head *h, const struct field *f, struct slice value, size_t *total)
{
	struct slice *place = place_of(h, f);
	if (value.n == 0 || place->p)
		return ERROR_NONE;
	*total += value.n;
	if (value.n > LIMIT_LINE || *total > LIMIT_HEAD)
		return f->name.n ? ERROR_HEADERS_TOO_LARGE : ERROR_URI_TOO_LONG;
	for (size_t i = 0; i < value.n; i++)
		if (!is_text(value.p[i]))
			return ERROR_BAD_REQUEST;
	*place = f->name.n ? slice_trim(value) : value;
	return ERROR_NONE;
}

static enum error take_variables(struct head *h, const struct slice values[FIELDS])
{
	enum error e = ERROR_NONE;
	size_t total = 0;
	for (size_t i = 0; i < FIELDS && !e; i++)
		e = take_variable(h, &fields[i], values[i], &total);
	return e;
}

/* althttpd hands the two words of Authorization on by themselves; mini_httpd,
 * thttpd and tipidee the first alone. */
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

static struct slice without_slash(struct slice s)
{
	while (s.n && s.p[s.n - 1] == '/')
		s.n--;
	return s;
}

/* The mount is a prefix that ends where a segment does. */
static void split_mount(struct request *rq, struct slice base_path)
{
	rq->mount = without_slash(base_path);
	struct slice rest = slice_from(rq->path, rq->mount.n);
	rq->below = rq->path.n && slice_starts(rq->path, rq->mount) && (rest.n == 0 || *rest.p == '/');
	if (rq->below)
		rq->path = rest.n ? rest : S("/");
}

/* The mount goes into cookies as their Path, so it is held to bytes that end
 * no attribute. */
static enum error take_mount(struct request *rq)
{
	rq->below = true;
	rq->mount = without_slash(rq->mount);
	if (rq->mount.n == 0 || made_of(rq->mount, "/_.~-+@"))
		return ERROR_NONE;
	rq->mount = SLICE_NONE;
	return ERROR_BAD_REQUEST;
}

/* RFC 3875, 4.1. */
static enum error request_of_variables(struct head *h, struct slice base_path)
{
	struct request *rq = &h->rq;
	rq->method = method_of(h->method);
	rq->minor_zero = slice_is(h->version, S("HTTP/1.0"));
	rq->https = slice_is_nocase(h->https, S("on"));
	enum error e = take_mount(rq);
	if (rq->path.n == 0)
		rq->path = S("/");
	if (e || !is_token(h->method) || !is_printable(rq->path) || !is_printable(rq->query) || *rq->path.p != '/')
		return ERROR_BAD_REQUEST;
	if (h->whole)
		split_mount(rq, base_path);
	return ERROR_NONE;
}

static enum error parse_variables(struct head *h, const struct slice values[FIELDS], const struct http_rules *rules,
	int64_t *length)
{
	enum error e = take_variables(h, values);
	join_authorization(h);
	if (!e)
		e = request_of_variables(h, rules->base_path);
	enum error judged = judge(h, rules, length);
	return e ? e : judged;
}

static size_t row_of(struct slice variable)
{
	size_t i = 0;
	while (i < FIELDS && !slice_is(variable, fields[i].variable))
		i++;
	return i;
}

/* Each variable is looked up once, as getenv(3) would find it: the first of a name counts. */
static void take_environment(struct slice values[FIELDS])
{
	static char *nothing[] = { NULL };
	for (char **at = environ; at && *at; at++) {
		struct slice value = slice_of(*at), name = slice_cut(&value, '=');
		size_t i = row_of(name);
		if (i < FIELDS - FIELDS_SCGI && !values[i].p)
			values[i] = value;
	}
	environ = nothing;      /* its text stays */
}

enum error http_read_cgi(struct request *rq, const struct http_rules *rules)
{
	struct head h = { .rq.face = FACE_CGI };
	struct slice values[FIELDS] = { SLICE_NONE };
	int64_t length = -1;
	deadline = now_ms() + http_patience;
	take_environment(values);
	enum error e = parse_variables(&h, values, rules, &length);
	if (!e)
		e = read_body(&h.rq, length, SLICE_NONE);
	*rq = h.rq;
	return e;
}

/* "NAME NUL value NUL", over and over, to the last byte. */
static enum error take_pairs(struct head *h, struct slice block, struct slice values[FIELDS])
{
	enum error e = ERROR_NONE;
	while (block.n && !e) {
		struct slice name = slice_cut(&block, '\0'), value = slice_cut(&block, '\0');
		size_t i = row_of(name);
		if (name.n == 0 || !block.p)
			e = ERROR_BAD_REQUEST;
		else if (i < FIELDS && values[i].p)
			e = join(h, i, &values[i], value);
		else if (i < FIELDS)
			values[i] = value;
	}
	return e;
}

/* A server that names no PATH_INFO names the whole path, of which we know
 * what lies above us. Decoded where there is a choice, as PATH_INFO is. */
static void find_path(struct head *h, struct slice values[FIELDS])
{
	struct slice *target = &values[row_of(S("REQUEST_URI"))], rest = *target;
	h->whole = values[row_of(S("PATH_INFO"))].n == 0 && (values[row_of(S("DOCUMENT_URI"))].n || target->n);
	*target = slice_cut(&rest, '?');
}

static enum error parse_scgi(struct head *h, struct slice block, const struct http_rules *rules, int64_t *length)
{
	struct slice values[FIELDS] = { SLICE_NONE };
	enum error e = take_pairs(h, block, values);
	struct slice *said = &values[row_of(S("CONTENT_LENGTH"))];
	if (!slice_starts(block, S("CONTENT_LENGTH\0")) || said->n == 0 || !slice_is(values[row_of(S("SCGI"))], S("1")))
		e = ERROR_BAD_REQUEST;
	if (slice_is(*said, S("0")))    /* it must be there: so this is none */
		*said = SLICE_NONE;
	find_path(h, values);
	enum error parsed = parse_variables(h, values, rules, length);
	return e ? e : parsed;
}

/* ---- the HTTP face: lines ---------------------------------------------- */

static enum error end_line(struct http_at *s)
{
	if (s->length == 0 && s->lines == 0)
		return ERROR_BAD_REQUEST;
	s->done = s->length == 0;
	s->length = 0;
	s->cr = false;
	return s->lines++ <= LIMIT_HEADERS || s->done ? ERROR_NONE : ERROR_HEADERS_TOO_LARGE;
}

static enum error scan_byte(struct http_at *s, char c)
{
	if (s->cr)
		return c == '\n' ? end_line(s) : ERROR_BAD_REQUEST;
	s->cr = c == '\r';
	if (s->cr)
		return ERROR_NONE;
	if (!is_text(c))
		return ERROR_BAD_REQUEST;
	if (++s->length <= LIMIT_LINE)
		return ERROR_NONE;
	return s->lines ? ERROR_HEADERS_TOO_LARGE : ERROR_URI_TOO_LONG;
}

static enum error scan_head(struct http_at *s, struct slice in)
{
	enum error e = ERROR_NONE;
	while (!e && !s->done && s->at < in.n && s->at < LIMIT_HEAD)
		e = scan_byte(s, in.p[s->at++]);
	return !e && !s->done && s->at == LIMIT_HEAD ? ERROR_HEADERS_TOO_LARGE : e;
}

/* "LENGTH:HEADERS," with no zero before LENGTH; s->at is behind the comma. */
static enum error scan_netstring(struct http_at *s, struct slice in)
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
	s->from = digits.n + 1;
	s->at = s->from + (size_t)length + 1;
	s->done = in.n >= s->at;
	return !s->done || in.p[s->at - 1] == ',' ? ERROR_NONE : ERROR_BAD_REQUEST;
}

static enum face face_of(struct slice in)
{
	return in.n && is_digit(*in.p) ? FACE_SCGI : FACE_HTTP;
}

static enum error scan(struct http_at *s, struct slice in)
{
	return face_of(in) == FACE_SCGI ? scan_netstring(s, in) : scan_head(s, in);
}

/* ---- the HTTP face: parsing -------------------------------------------- */

/* RFC 9112, 2.3; a higher minor version is answered as 1.1 (RFC 9110, 2.5). */
static enum error parse_version(struct head *h)
{
	struct slice v = h->version;
	if (v.n != 8 || !slice_starts(v, S("HTTP/")) || !is_digit(v.p[5]) || v.p[6] != '.' || !is_digit(v.p[7]))
		return ERROR_BAD_REQUEST;
	h->rq.minor_zero = v.p[7] == '0';
	return v.p[5] == '1' ? ERROR_NONE : ERROR_VERSION;
}

/* Length of "http://" or "https://", whatever its case; 0: another scheme. */
static size_t scheme_length(struct slice target)
{
	struct slice rest = target, scheme = slice_cut(&rest, ':');
	if (!slice_starts(rest, S("//")))
		return 0;
	return slice_is_nocase(scheme, S("http")) || slice_is_nocase(scheme, S("https")) ? scheme.n + 3 : 0;
}

/* Cuts scheme and authority off an absolute-form target. */
static bool cut_authority(struct head *h, struct slice *target)
{
	struct slice name;
	size_t scheme = scheme_length(*target), n = 0;
	*target = slice_from(*target, scheme);
	while (n < target->n && target->p[n] != '/' && target->p[n] != '?')
		n++;
	h->authority = (struct slice){ target->p, n };
	*target = slice_from(*target, n);
	return scheme && split_host(h->authority, &name);
}

/*
 * RFC 9112, 3.2: origin-form; absolute-form; "*", of OPTIONS alone. The
 * authority-form belongs to CONNECT, which isn't served.
 */
static enum error parse_target(struct head *h, struct slice target)
{
	bool star = h->rq.method == METHOD_OPTIONS && slice_is(target, S("*"));
	if (!is_printable(target))
		return ERROR_BAD_REQUEST;
	if (!star && !slice_starts(target, S("/")) && !cut_authority(h, &target))
		return ERROR_BAD_REQUEST;
	h->rq.query = target;
	h->rq.path = slice_cut(&h->rq.query, '?');
	if (h->rq.path.n == 0)
		h->rq.path = S("/");
	return ERROR_NONE;
}

/* RFC 9112, 3: three words with single spaces between them. */
static enum error parse_request_line(struct head *h, struct slice line)
{
	h->version = line;
	h->method = slice_cut(&h->version, ' ');
	struct slice target = slice_cut(&h->version, ' ');
	if (!is_token(h->method))
		return ERROR_BAD_REQUEST;
	h->rq.method = method_of(h->method);
	enum error e = parse_version(h);
	return e ? e : parse_target(h, target);
}

/* RFC 9112, 5: no space before the colon; a folded line has no name at all. */
static enum error parse_header(struct head *h, struct slice line)
{
	struct slice value = line, name = slice_cut(&value, ':');
	if (!is_token(name) || !value.p)
		return ERROR_BAD_REQUEST;
	value = slice_trim(value);
	for (size_t i = 0; i < FIELDS; i++)
		if (slice_is_nocase(name, fields[i].name)) {
			struct slice *place = place_of(h, &fields[i]);
			if (place->p)
				return join(h, i, place, value);
			*place = value;
			return ERROR_NONE;
		}
	return ERROR_NONE;
}

/* Lines that scan_head() took: each ends with CRLF, the last is empty. */
static enum error parse_lines(struct head *h, struct slice lines)
{
	enum error e = parse_request_line(h, slice_cut(&lines, '\r'));
	while (!e) {
		struct slice rest = slice_from(lines, 1), line = slice_cut(&rest, '\r');
		if (line.n == 0)
			break;
		e = parse_header(h, line);
		lines = rest;
	}
	return e;
}

static enum error parse_http(struct head *h, struct slice head, const struct http_rules *rules, int64_t *length)
{
	enum error e = parse_lines(h, head);
	split_mount(&h->rq, rules->base_path);
	enum error judged = judge(h, rules, length);
	return e ? e : judged;
}

/* What scan() took of in. */
static enum error parse_head(struct head *h, struct slice in, const struct http_at *s, const struct http_rules *rules,
	int64_t *length)
{
	if (h->rq.face == FACE_SCGI)
		return parse_scgi(h, (struct slice){ in.p + s->from, s->at - s->from - 1 }, rules, length);
	return parse_http(h, (struct slice){ in.p, s->at }, rules, length);
}

enum error http_parse_head(struct slice head, struct request *rq, const struct http_rules *rules, int64_t *length)
{
	struct head h = { .rq.face = face_of(head), .connected = rq->peer };
	struct http_at s = { 0 };
	*length = -1;
	enum error e = scan(&s, head);
	if (!e && (!s.done || s.at != head.n))
		e = ERROR_BAD_REQUEST;
	if (!e)
		e = parse_head(&h, head, &s, rules, length);
	*rq = h.rq;
	return e;
}

/* ---- the socket -------------------------------------------------------- */

struct slice http_peer(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_storage room;
	} from = { 0 };
	struct address a = { .kind = ADDRESS_NONE };
	socklen_t n = sizeof from;
	if (getpeername(fd, &from.any, &n) == 0)
		a = address_of_name(&from.any);
	return a.kind == ADDRESS_UNIX ? PEER_UNIX : address_text(&a);
}

enum face http_peek(void)
{
	if (before.n)
		return face_of(before);
	struct pollfd in = { .fd = 0, .events = POLLIN };
	char first;
	ssize_t n = poll(&in, 1, DRAIN_MS) > 0 ? recv(0, &first, 1, MSG_PEEK | MSG_DONTWAIT) : 0;
	return face_of((struct slice){ &first, n > 0 });
}

static enum error read_head(struct slice *in, struct http_at *s)
{
	char *room = arena(HEAD_ROOM);
	enum error e = ERROR_NONE;
	*in = (struct slice){ room, 0 };
	while (!e && !s->done) {
		size_t got = 0;
		e = read_some(room + in->n, HEAD_ROOM - in->n, &got);
		in->n += got;
		if (!e)
			e = scan(s, *in);
	}
	return e;
}

/* RFC 9110, 10.1.1: only who waits for it is told to go on, never a 1.0. */
static void tell_continue(const struct head *h, int64_t length, struct slice early)
{
	if (h->rq.face == FACE_HTTP && h->expect.n && !h->rq.minor_zero && length > (int64_t)early.n)
		(void)write_all(1, S("HTTP/1.1 100 Continue\r\n\r\n"));
}

enum error http_read_stream(struct request *rq, const struct http_rules *rules, bool *closed)
{
	struct head h = { .rq.face = FACE_HTTP };
	struct http_at s = { 0 };
	struct slice in;
	int64_t length = -1;
	deadline = now_ms() + http_patience;
	enum error e = read_head(&in, &s);
	struct slice early = slice_from(in, s.at);
	*closed = e == ERROR_BAD_REQUEST && in.n == 0;
	h.rq.face = face_of(in);
	h.connected = http_peer(0);
	if (e)
		find_peer(&h, &(struct networks){ .count = 0 });
	else
		e = parse_head(&h, in, &s, rules, &length);
	if (!e) {
		tell_continue(&h, length, early);
		e = read_body(&h.rq, length, early);
	}
	*rq = h.rq;
	rq->unread = e || (int64_t)early.n > (length > 0 ? length : 0);
	return e;
}

/* ---- for a loop -------------------------------------------------------- */

/* RFC 9112, 9.3. An answer without its reason for closing, HTTP/1.0, is closed as by inetd. */
static bool may_keep(const struct head *h)
{
	struct slice rest = h->connection;
	while (rest.p)
		if (slice_is_nocase(slice_trim(slice_cut(&rest, ',')), S("close")))
			return false;
	return h->rq.face == FACE_HTTP && !h->rq.minor_zero;
}

enum http_progress http_take(struct slice in, struct http_at *at, const struct http_rules *rules, struct slice connected,
	struct request *rq, size_t *used, enum error *e)
{
	struct head h = { .rq.face = face_of(in), .connected = connected };
	int64_t length = -1;
	*e = scan(at, in);
	if (*e)
		find_peer(&h, &(struct networks){ .count = 0 });
	else if (at->done)
		*e = parse_head(&h, in, at, rules, &length);
	h.rq.unread = *e != ERROR_NONE;
	h.rq.keep = !*e && may_keep(&h);
	h.rq.waits = h.rq.face == FACE_HTTP && h.expect.n && !h.rq.minor_zero;
	*rq = h.rq;
	if (*e)
		return HTTP_WRONG;
	*used = at->at + (length > 0 ? (size_t)length : 0);
	if (!at->done || in.n < *used)
		return HTTP_MORE;
	if (length > 0)
		rq->body = (struct slice){ in.p + at->at, (size_t)length };
	return HTTP_WHOLE;
}

/* ---- what is asked of a request ---------------------------------------- */

bool http_bearer(const struct request *rq, struct slice *token)
{
	struct slice word = rq->authorization, scheme = slice_cut(&word, ' ');
	if (!slice_is_nocase(scheme, S("Bearer")))
		return false;
	struct slice bare = word;
	while (bare.n && bare.p[bare.n - 1] == '=')
		bare.n--;
	if (!made_of(bare, "-._~+/"))
		return false;
	*token = word;
	return true;
}

size_t http_cookies(const struct request *rq, struct slice name, struct slice out[LIMIT_COOKIES])
{
	struct slice rest = rq->cookie;
	size_t count = 0;
	while (rest.p && count < LIMIT_COOKIES) {
		struct slice value = slice_trim(slice_cut(&rest, ';'));
		if (slice_is(slice_cut(&value, '='), name) && value.n)
			out[count++] = value;
	}
	return count;
}

bool http_query(const struct request *rq, struct slice name, struct slice *out)
{
	struct slice rest = rq->query;
	while (rest.p) {
		struct slice value = slice_cut(&rest, '&');
		if (slice_is(slice_cut(&value, '='), name) && value.n) {
			*out = value;
			return true;
		}
	}
	return false;
}

size_t http_form(const struct request *rq, struct slice name, struct slice *out)
{
	struct slice rest = rq->body;
	size_t count = 0;
	while (rest.p && http_media_type(rq, S("application/x-www-form-urlencoded"))) {
		struct slice value = slice_cut(&rest, '&');
		if (slice_is(slice_cut(&value, '='), name)) {
			*out = value;
			count++;
		}
	}
	return count;
}

bool http_media_type(const struct request *rq, struct slice type)
{
	struct slice parameters = rq->content_type;
	return slice_is_nocase(slice_trim(slice_cut(&parameters, ';')), type);
}

/*
 * A proxy on this host may well send "Host: 127.0.0.1:8080" for a public
 * site (nginx does by default), so any X-Forwarded-… says no. RFC 6761, 6.3.
 */
bool http_loopback(const struct request *rq)
{
	struct address a;
	struct slice name;
	if (rq->https || rq->forwarded || !address_parse(rq->peer, &a) || !split_host(rq->host, &name))
		return false;
	if (!address_is_loopback(&a))
		return false;
	return slice_is_nocase(name, S("localhost")) || slice_is(name, S("127.0.0.1")) || slice_is(name, S("[::1]"));
}

/*
 * Behind a proxy that isn't trusted the scheme isn't known, so both are
 * taken; but a page of http:// is no part of a site that is on https://.
 */
bool http_same_origin(const struct request *rq)
{
	struct slice host = rq->origin, scheme = slice_cut(&host, ':');
	bool secure = slice_is(scheme, S("https"));
	if (!secure && (rq->https || !slice_is(scheme, S("http"))))
		return false;
	return rq->host.n && slice_starts(host, S("//")) && slice_is_nocase(slice_from(host, 2), rq->host);
}

/* ---- the answer -------------------------------------------------------- */

void reply_header(struct reply *rp, const char *name, ...)
{
	va_list parts;
	buf_s(&rp->head, name);
	buf_s(&rp->head, ": ");
	va_start(parts, name);
	for (const char *part; (part = va_arg(parts, const char *));)
		for (; *part; part++)
			if ((unsigned char)*part >= ' ')
				buf_c(&rp->head, *part);
	va_end(parts);
	buf_s(&rp->head, "\r\n");
}

/* Code, message and member are words of this program: nothing to escape. */
void reply_error(struct reply *rp, enum error e, const char *member, int64_t retry_after)
{
	const struct error_info *info = &errors[e];
	int64_t wait = retry_after ? retry_after : info->retry_after;
	*rp = (struct reply){ .status = info->status, .type = "application/json" };
	if (wait)
		reply_header(rp, "Retry-After", dec(wait), NULL);
	buf_s(&rp->body, "{\"error\":{\"code\":\"");
	buf_s(&rp->body, info->code);
	buf_s(&rp->body, "\",\"message\":\"");
	if (member) {
		buf_s(&rp->body, member);
		buf_s(&rp->body, ": ");
	}
	buf_s(&rp->body, info->message);
	buf_s(&rp->body, "\"}}");
}

static const struct { int status; const char *reason; } reasons[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 204, "No Content" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 422, "Unprocessable Content" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 503, "Service Unavailable" },
	{ 505, "HTTP Version Not Supported" },
};

/* The reason phrase of a status that latchkey sends (RFC 9110, 15). */
static const char *reason_of(int status)
{
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}

static void put_two(struct buf *b, int value)
{
	buf_c(b, (char)('0' + value / 10));
	buf_c(b, (char)('0' + value % 10));
}

/* IMF-fixdate (RFC 9110, 5.6.7), for which strftime() would ask the locale. */
static void put_date(struct buf *b)
{
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[12][4] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
	};
	time_t at = (time_t)now();
	struct tm t = { 0 };
	gmtime_r(&at, &t);
	buf_s(b, days[t.tm_wday]);
	buf_s(b, ", ");
	put_two(b, t.tm_mday);
	buf_c(b, ' ');
	buf_s(b, months[t.tm_mon]);
	buf_c(b, ' ');
	buf_int(b, t.tm_year + 1900);
	buf_c(b, ' ');
	put_two(b, t.tm_hour);
	buf_c(b, ':');
	put_two(b, t.tm_min);
	buf_c(b, ':');
	put_two(b, t.tm_sec);
	buf_s(b, " GMT");
}

/* CGI and SCGI get the reason too: uhttpd makes a 200 of a Status without. */
static void put_status(struct buf *b, const struct request *rq, int status)
{
	buf_s(b, rq->face == FACE_HTTP ? "HTTP/1.1 " : "Status: ");
	buf_int(b, status);
	buf_c(b, ' ');
	buf_s(b, reason_of(status));
	buf_s(b, "\r\n");
	if (rq->face != FACE_HTTP)
		return;
	buf_s(b, "Date: ");
	put_date(b);
	buf_s(b, rq->keep ? "\r\n" : "\r\nConnection: close\r\n");
}

/* RFC 9110, 8.6 and 15.4.5: where there can be no body there is no length. */
static void put_head(struct buf *b, const struct request *rq, const struct reply *rp)
{
	put_status(b, rq, rp->status);
	if (rp->type) {
		buf_s(b, "Content-Type: ");
		buf_s(b, rp->type);
		buf_s(b, "\r\nX-Content-Type-Options: nosniff\r\n");
	}
	if (rp->status != 204 && rp->status != 304) {
		buf_s(b, "Content-Length: ");
		buf_int(b, (int64_t)rp->body.n);
		buf_s(b, "\r\n");
	}
	buf_add(b, buf_slice(&rp->head));
	buf_s(b, "\r\n");
}

/*
 * Closing a socket with input unread makes the kernel send a reset, which can
 * overtake the answer. So say that no more will come, and read on for a
 * moment, until the peer has closed.
 */
static void drain(void)
{
	char junk[4096];
	size_t got = 0;
	shutdown(1, SHUT_WR);
	deadline = now_ms() + DRAIN_MS;
	for (size_t sum = 0; sum < DRAIN_BYTES && !read_some(junk, sizeof junk, &got);)
		sum += got;
}

/* RFC 9110, 9.3.2 and 15: these have no body, whatever was built. */
static struct slice body_of(const struct request *rq, const struct reply *rp)
{
	bool none = rq->method == METHOD_HEAD || rp->status == 204 || rp->status == 304;
	return none ? SLICE_NONE : buf_slice(&rp->body);
}

void http_put(struct buf *out, const struct request *rq, const struct reply *rp)
{
	put_head(out, rq, rp);
	buf_add(out, body_of(rq, rp));
}

/*
 * A client that takes nothing of a long answer mustn't keep a process for ever.
 * A shorter answer, or the head of a long one, fits the buffer of the socket.
 */
bool http_send(const struct request *rq, const struct reply *rp)
{
	struct buf out = { 0 };
	struct slice body = body_of(rq, rp);
	bool sent;
	if (body.n <= LIMIT_BODY) {
		http_put(&out, rq, rp);
		sent = write_all(1, buf_slice(&out));
	} else {
		put_head(&out, rq, rp);
		sent = write_all(1, buf_slice(&out)) && write_within(1, body, http_patience);
	}
	if (rq->unread)
		drain();
	return sent;
}
