/*
 * http: see http.h for what each function promises.
 *
 * How a request is read. A face gathers: it finds the request line's parts
 * and the headers of the table head_fields, all as slices of bytes that it was
 * given, in one struct head. head_check() then checks what was gathered, and
 * knows no faces; so a CGI variable is believed no more than a byte from a
 * socket.
 *
 *	         http_cgi.c                        http_head.c       http.c
 *	CGI      cgi_parse() -----------------\
 *	SCGI     scgi_scan() -> scgi_parse() --> head_check() --> receive_body()
 *	         http_lines.c                 /
 *	HTTP     lines_scan() -> lines_parse()
 *
 * A socket's first byte says what its client speaks: SCGI begins with a digit,
 * and no method that is served here does; so it is for the whole of a worker's
 * connection, or what a proxy hides in a body could speak SCGI. Whoever may connect may speak either,
 * so what SCGI says of the client's address counts only from a trusted proxy,
 * as X-Forwarded-For does.
 *
 * What is refused, and why (RFC 9110, 9112, 3875):
 *
 *	400  bytes that are no text: NUL, control bytes, a CR or LF alone, which
 *	     two programs may split differently (9112, 2.2); folded lines (5.2);
 *	     two Content-Length, or one beside Transfer-Encoding (6.3: request
 *	     smuggling); chunks that aren't written as 7.1 says, or in HTTP/1.0; a header read here that came twice; no Host in 1.1, two
 *	     of them, or one that is none (3.2); an expectation that isn't
 *	     100-continue; input that ends before the body does
 *	408  the request wasn't complete in time, counted from its beginning
 *	413  a body over LIMIT_BODY, before a byte over it is read
 *	414  a request line that fills LIMIT_HEAD by itself
 *	431  a head over LIMIT_HEAD. A line has no limit of its own: a web server
 *	     that asks /verify hands on what the browser sent to something else
 *	411  by CGI and SCGI: a body that was announced, whose length the web
 *	     server doesn't say
 *	501  a Transfer-Encoding other than chunked
 *	505  another major version than 1
 *
 * Of SCGI (python.ca/scgi/protocol.txt) 400 is also: a netstring that isn't
 * exact, CONTENT_LENGTH not first, no "SCGI" of "1", and a variable read here
 * that came twice, unless its header may: servers pass on what was sent. A
 * netstring over LIMIT_HEAD is 431. Variables that aren't read may be anything
 * without a NUL, as headers may.
 *
 * A path isn't decoded: '%', "//", "..", ';' match no route, so they need no
 * rule. Nothing that the peer sent is put into a header of the answer by these
 * files. By CGI, SCGI and inetd a request is the connection's last, so what
 * follows it is never looked at; a worker reads the next one (http_take()).
 */
#include "http.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/address.h"
#include "base/file.h"
#include "http_cgi.h"
#include "http_chunks.h"
#include "http_lines.h"

enum {
	PATIENCE_MS = 10000,    /* a phone on a bad line sends 4 KiB in 3 s; a script slot is held that long */
	DRAIN_MS = 1000,        /* long enough for one round trip, in which a refused client stops sending */
	DRAIN_BYTES = 1 << 20,  /* what a refused upload may still cost us */
	HEAD_ROOM = LIMIT_HEAD + 7      /* a netstring's length, colon and comma */
};

int http_patience = PATIENCE_MS;

/* ---- fd 0, with one deadline ------------------------------------------- */

struct input {
	struct slice early;     /* bytes that were read before: they come first */
	int64_t deadline;       /* of now_ms() */
};

/*
 * Reads at least one byte, or returns why not. poll() instead of an alarm: one
 * call, no handler, and no moment in which the signal comes too early. A
 * peer that sends a byte a second gains nothing, since the deadline stays.
 */
static enum error read_some(struct input *in, char *at, size_t room, size_t *got)
{
	struct pollfd wait = { .fd = 0, .events = POLLIN };
	if (in->early.n) {
		*got = in->early.n < room ? in->early.n : room;
		memcpy(at, in->early.p, *got);
		in->early = slice_from(in->early, *got);
		return ERROR_NONE;
	}
	for (;;) {
		int64_t left = in->deadline - now_ms();
		int ready = left > 0 ? poll(&wait, 1, (int)left) : 0;
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

/* Reads a body in chunks, of which `begun` came with the head. *used: how much of that is the body's. */
static enum error receive_chunks(struct input *in, struct request *rq, struct slice begun, size_t *used)
{
	struct http_chunks c = { 0 };
	char *coded = arena(LIMIT_CODED);
	struct slice all = { coded, begun.n < LIMIT_CODED ? begun.n : LIMIT_CODED };
	if (all.n)
		memcpy(coded, begun.p, all.n);
	enum error e = chunks_scan(&c, all);
	for (size_t got = 0; !e && c.next != CHUNK_DONE; all.n += got) {
		e = read_some(in, coded + all.n, LIMIT_CODED - all.n, &got);
		if (!e)
			e = chunks_scan(&c, (struct slice){ coded, all.n + got });
	}
	if (!e)
		rq->body = chunks_data(all);
	*used = c.at;
	return e;
}

/* Reads exactly length bytes, of which `begun` came with the head. */
static enum error receive_body(struct input *in, struct request *rq, int64_t length, struct slice begun)
{
	size_t n = length > 0 ? (size_t)length : 0, have = begun.n < n ? begun.n : n;
	enum error e = ERROR_NONE;
	if (n == 0)
		return ERROR_NONE;
	char *body = arena(n);
	if (have)
		memcpy(body, begun.p, have);
	for (size_t got = 0; have < n && !e; have += got)
		e = read_some(in, body + have, n - have, &got);
	if (!e)
		rq->body = (struct slice){ body, n };
	return e;
}

enum error http_read_cgi(struct request *rq, char *const *environment, const struct http_rules *rules)
{
	/* Half of it: what waits here is one of the few programs that a web server runs at once (uhttpd: three), even when the client
	 * has gone, which no CGI program can see. */
	struct input in = { .deadline = now_ms() + http_patience / 2 };
	struct head h = { .rq.wire.face = FACE_CGI };
	int64_t length = LENGTH_NONE;
	enum error e = cgi_parse(&h, environment, rules, &length);
	if (!e)
		e = receive_body(&in, &h.rq, length, SLICE_NONE);
	*rq = h.rq;
	rq->wire.client = STDOUT_FILENO;
	rq->wire.read_at = now_ms();
	return e;
}

/* ---- heads that come from a socket ------------------------------------- */

static enum face face_of(struct slice in)
{
	return in.n && is_digit(*in.p) ? FACE_SCGI : FACE_HTTP;
}

static enum face face_at(const struct http_at *at, struct slice in)
{
	return at->lines_alone ? FACE_HTTP : face_of(in);
}

static enum error scan(struct http_at *at, struct slice in)
{
	return face_at(at, in) == FACE_SCGI ? scgi_scan(at, in) : lines_scan(at, in);
}

/* Parses what scan() took of in. */
static enum error parse_head(struct head *h, struct slice in, const struct http_at *at, const struct http_rules *rules,
	int64_t *length)
{
	if (h->rq.wire.face == FACE_SCGI)
		return scgi_parse(h, in, at, rules, length);
	return lines_parse(h, (struct slice){ in.p, at->at }, rules, length);
}

/* Of a head that can't be read nothing is known but who is connected. */
static void find_peer_alone(struct head *h)
{
	static const struct networks nobody;
	head_find_peer(h, &nobody);
}

enum error http_parse_head(struct slice head, struct request *rq, const struct http_rules *rules, int64_t *length)
{
	struct head h = { .rq.wire.face = face_of(head), .connected = rq->peer };
	struct http_at at = { 0 };
	*length = -1;
	enum error e = scan(&at, head);
	if (!e && (!at.done || at.at != head.n))
		e = ERROR_BAD_REQUEST;
	if (!e)
		e = parse_head(&h, head, &at, rules, length);
	*rq = h.rq;
	return e;
}

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
	return a.kind == ADDRESS_UNIX ? HEAD_PEER_UNIX : address_text(&a);
}

/* RFC 9110, 10.1.1. A client of HTTP/1.0 is never told to go on, whatever it says. */
static bool waits_for_continue(const struct head *h)
{
	return h->rq.wire.face == FACE_HTTP && h->expect.n && !h->rq.wire.minor_zero;
}

/* ---- one request of fd 0 ----------------------------------------------- */

static enum error read_head(struct input *in, struct slice *head, struct http_at *at)
{
	char *room = arena(HEAD_ROOM);
	enum error e = ERROR_NONE;
	*head = (struct slice){ room, 0 };
	while (!e && !at->done) {
		size_t got = 0;
		e = read_some(in, room + head->n, HEAD_ROOM - head->n, &got);
		head->n += got;
		if (!e)
			e = scan(at, *head);
	}
	return e;
}

enum error http_read_stream(struct request *rq, struct slice early, const struct http_rules *rules, bool *closed)
{
	struct input in = { .early = early, .deadline = now_ms() + http_patience };
	struct head h = { .rq.wire.face = FACE_HTTP };
	struct http_at at = { 0 };
	struct slice head;
	int64_t length = LENGTH_NONE;
	enum error e = read_head(&in, &head, &at);
	struct slice begun = slice_from(head, at.at);
	*closed = e == ERROR_BAD_REQUEST && head.n == 0;
	h.rq.wire.face = face_of(head);
	h.connected = rq->wire.connected.p ? rq->wire.connected : http_peer(0);
	if (e)
		find_peer_alone(&h);
	else
		e = parse_head(&h, head, &at, rules, &length);
	size_t used = length > 0 ? (size_t)length : 0;
	if (!e) {
		if (waits_for_continue(&h) && (length == LENGTH_CHUNKS ? begun.n == 0 : used > begun.n))
			(void)write_all(1, S("HTTP/1.1 100 Continue\r\n\r\n"));
		e = length == LENGTH_CHUNKS ? receive_chunks(&in, &h.rq, begun, &used) : receive_body(&in, &h.rq, length, begun);
	}
	*rq = h.rq;
	rq->wire.read_at = now_ms();
	rq->wire.unread |= e || begun.n > used;
	return e;
}

void http_leave_unread(struct request *rq, struct slice early)
{
	struct pollfd in = { .fd = 0, .events = POLLIN };
	char first;
	if (!early.n && poll(&in, 1, DRAIN_MS) > 0 && recv(0, &first, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
		early = (struct slice){ &first, 1 };
	rq->wire.face = face_of(early);
	rq->wire.unread = true;
}

/* ---- many requests of a connection ------------------------------------- */

/* RFC 9112, 9.3. HTTP/1.0's connections are closed, as by inetd. */
static bool may_keep(const struct head *h)
{
	struct slice rest = h->connection;
	while (rest.p)
		if (slice_is_nocase(slice_trim(slice_cut(&rest, ',')), S("close")))
			return false;
	return h->rq.wire.face == FACE_HTTP && !h->rq.wire.minor_zero;
}

/* How long a body in `in` is, behind its head; -1: it isn't there yet. */
static int64_t measure(struct slice in, struct http_at *at, int64_t length, enum error *e)
{
	struct slice body = slice_from(in, at->at);
	if (length != LENGTH_CHUNKS)
		return (int64_t)body.n < length ? -1 : length > 0 ? length : 0;
	*e = chunks_scan(&at->body, body);
	return at->body.next == CHUNK_DONE ? (int64_t)at->body.at : -1;
}

enum http_progress http_take(struct slice in, struct http_at *at, const struct http_rules *rules, struct slice connected,
	struct http_taken *out)
{
	struct head h = { .rq.wire.face = face_at(at, in), .connected = connected };
	int64_t length = LENGTH_NONE, body = -1;
	enum error e = scan(at, in);
	if (e)
		find_peer_alone(&h);
	else if (at->done)
		e = parse_head(&h, in, at, rules, &length);
	if (!e && at->done)
		body = measure(in, at, length, &e);
	h.rq.wire.unread |= e != ERROR_NONE;
	h.rq.wire.keep = !h.rq.wire.unread && may_keep(&h);
	h.rq.wire.waits = waits_for_continue(&h);
	*out = (struct http_taken){ .request = h.rq, .error = e };
	if (e)
		return HTTP_WRONG;
	if (body < 0)
		return HTTP_MORE;
	struct slice coded = { in.p + at->at, (size_t)body };
	out->used = at->at + coded.n;
	if (body)
		out->request.body = length == LENGTH_CHUNKS ? chunks_data(coded) : coded;
	return HTTP_WHOLE;
}

/* ---- the answer -------------------------------------------------------- */

/*
 * Closing a socket with input unread makes the kernel send a reset, which can
 * overtake the answer. So tell the peer that no more will come, and read on for
 * a moment, until it has closed.
 */
static void drain(void)
{
	struct input in = { .deadline = now_ms() + DRAIN_MS };
	char junk[4096];
	size_t got = 0;
	shutdown(1, SHUT_WR);
	for (size_t sum = 0; sum < DRAIN_BYTES && !read_some(&in, junk, sizeof junk, &got);)
		sum += got;
}

/*
 * A client that takes nothing of a long answer mustn't keep a process for ever.
 * A shorter answer, or the head of a long one, fits the buffer of the socket.
 */
bool http_send(const struct request *rq, const struct reply *rp)
{
	struct buf out = { 0 };
	struct slice body = reply_body(rq, rp);
	bool sent;
	reply_put_head(&out, rq, rp);
	if (body.n <= LIMIT_BODY) {
		buf_add(&out, body);
		sent = write_all(1, buf_slice(&out));
	} else {
		sent = write_all(1, buf_slice(&out)) && write_within(1, body, http_patience);
	}
	if (rq->wire.unread)
		drain();
	return sent;
}
