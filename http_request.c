/*
 * http_request: see http_request.h for what each function promises.
 */
#include "http_request.h"

#include <poll.h>
#include <sys/socket.h>
#ifdef __linux__
#include <netinet/in.h>
#include <netinet/tcp.h>
#endif

#include "base/address.h"

const char *const method_words[METHOD__MAX] = {
	[METHOD_GET] = "GET",
	[METHOD_HEAD] = "HEAD",
	[METHOD_POST] = "POST",
	[METHOD_DELETE] = "DELETE",
	[METHOD_PUT] = "PUT",
	[METHOD_OPTIONS] = "OPTIONS",
	[METHOD_OTHER] = ""
};

bool http_split_host(struct slice host, struct slice *name)
{
	size_t n = slice_span(host, "-._");
	if (slice_starts(host, S("["))) {
		n = 1 + slice_span(slice_from(host, 1), ":.");
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

bool http_bearer(const struct request *rq, struct slice *token)
{
	struct slice word = rq->authorization, scheme = slice_cut(&word, ' ');
	while (slice_starts(word, S(" ")))      /* 1*SP: RFC 9110, 11.4 */
		word = slice_from(word, 1);
	if (!slice_is_nocase(scheme, S("Bearer")))
		return false;
	struct slice bare = word;
	while (bare.n && bare.p[bare.n - 1] == '=')
		bare.n--;
	if (!slice_made_of(bare, "-._~+/"))
		return false;
	*token = word;
	return true;
}

bool http_cookie(struct slice *rest, struct slice prefix, struct slice *value)
{
	while (rest->p) {
		*value = slice_trim(slice_cut(rest, ';'));
		if (slice_starts(slice_cut(value, '='), prefix) && value->n)
			return true;
	}
	return false;
}

bool http_asks(const struct request *rq, struct slice name)
{
	struct slice rest = rq->query;
	bool found = false;
	while (rest.p && !found) {
		struct slice parameter = slice_cut(&rest, '&');
		found = slice_is(slice_cut(&parameter, '='), name);
	}
	return found;
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

bool http_decode(struct slice raw, struct slice *out)
{
	struct buf b = { 0 };
	for (size_t i = 0; i < raw.n; i++) {
		uint8_t byte = (uint8_t)raw.p[i];
		if (byte == '%') {
			struct slice digits = slice_from(raw, i + 1);
			if (digits.n < 2 || !parse_hex((struct slice){ digits.p, 2 }, &byte, 1))
				return false;
			i += 2;
		} else if (byte == '+') {
			byte = ' ';
		}
		buf_c(&b, (char)byte);
	}
	*out = b.n ? buf_slice(&b) : S("");
	return slice_is_utf8(*out);
}

bool http_media_type(const struct request *rq, struct slice type)
{
	struct slice parameters = rq->content_type;
	return slice_is_nocase(slice_trim(slice_cut(&parameters, ';')), type);
}

/* RFC 6761, 6.3. */
static bool is_loopback_host(struct slice host)
{
	struct slice name;
	return http_split_host(host, &name) &&
		(slice_is_nocase(name, S("localhost")) || slice_is(name, S("127.0.0.1")) || slice_is(name, S("[::1]")));
}

bool http_loopback_page(const struct request *rq)
{
	return slice_starts(rq->origin, S("http://")) && is_loopback_host(slice_from(rq->origin, 7));
}

/*
 * A proxy on this host may well send "Host: 127.0.0.1:8080" for a public site (nginx does by default), and no other
 * header: so any X-Forwarded-… says no, and so does the Origin of a public page, which every browser sends with a POST.
 */
bool http_loopback(const struct request *rq)
{
	struct address a;
	if (rq->https || rq->forwarded || !address_parse(rq->peer, &a) || !address_is_loopback(&a))
		return false;
	return is_loopback_host(rq->host) && (rq->origin.p == NULL || http_loopback_page(rq));
}

/*
 * Behind a proxy that isn't trusted the scheme isn't known, so both are
 * taken; but a page of http:// is no part of a site that is on https://.
 */
static bool is_own_origin(const struct request *rq, struct slice origin)
{
	struct slice host = origin, scheme = slice_cut(&host, ':');
	bool secure = slice_is(scheme, S("https"));
	if (!secure && (rq->https || !slice_is(scheme, S("http"))))
		return false;
	return rq->host.n && slice_starts(host, S("//")) && slice_is_nocase(slice_from(host, 2), rq->host);
}

bool http_same_origin(const struct request *rq)
{
	return is_own_origin(rq, rq->origin);
}

/* "https://host/path": what stands before the third slash. */
bool http_same_referer(const struct request *rq)
{
	struct slice rest = rq->referer;
	for (int i = 0; i < 3; i++)
		(void)slice_cut(&rest, '/');
	return rest.p && is_own_origin(rq, (struct slice){ rq->referer.p, (size_t)(rest.p - 1 - rq->referer.p) });
}

/* Servers that keep Authorization from programs, by the beginning of their
 * names, and what helps. */
static const struct { const char *name, *remedy; } withholders[] = {
	{ "Apache", "say CGIPassAuth On" },
	{ "busybox httpd/1.2", "take 1.31 or later" },
	{ "busybox httpd/1.30", "take 1.31 or later" },
};

/* NULL: it isn't known to keep any. A server that passes AUTH_TYPE alone shows by it that it does. */
static const char *remedy_for(const struct request *rq)
{
	const char *remedy = rq->withheld ? "it passed AUTH_TYPE alone" : NULL;
	for (size_t i = 0; i < sizeof withholders / sizeof *withholders; i++)
		if (slice_starts(rq->server, slice_of(withholders[i].name)))
			remedy = withholders[i].remedy;
	return remedy;
}

/*
 * A request with a cookie or another scheme comes from a browser that isn't
 * signed in; a server that passes the header on is not to blame.
 */
void http_explain_withheld(const struct request *rq)
{
	static bool explained;
	const char *remedy = remedy_for(rq);
	if (explained || !remedy || rq->authorization.p || rq->cookie.p)
		return;
	explained = true;
	log_line("HT1", "no Authorization came through ", slice_text(rq->server), ": ", remedy,
		", or send access_token in the body (RFC 6750, 2.2)", NULL);
}

/* ---- whether somebody waits -------------------------------------------- */

#ifndef POLLRDHUP
#define POLLRDHUP 0             /* Linux's */
#endif

enum {
	LATE_MS = 1000,         /* by CGI; so long a request is fresh */
	STALE_MS = 50           /* the same where epoll has said in the same breath that there is a request and a client */
};

static int64_t fresh_ms(const struct wire *w)
{
	if (w->face == FACE_CGI)
		return LATE_MS;
	return w->watched ? STALE_MS : 0;
}

/*
 * Apache's cgid has a Unix socket to each program, and ends its sending side behind the body, whoever waits. By CGI such a peer has gone once
 * it has closed the whole socket (POLLHUP), as a pipe's (POLLERR): the kernel tells both unasked.
 */
static bool only_sends_no_more(const struct wire *w, const struct pollfd *client)
{
	struct sockaddr name = { 0 };
	socklen_t n = sizeof name;
	return client->revents == POLLRDHUP && w->face == FACE_CGI && getsockname(w->client, &name, &n) == 0 && name.sa_family == AF_UNIX;
}

static void wait_for(struct pollfd *client, int64_t until)
{
	int64_t left;
	do {
		left = until - now_ms();
	} while (poll(client, 1, left > 0 ? (int)left : 0) < 0 && left > 0);
}

static bool has_closed(const struct wire *w, int64_t until)
{
	struct pollfd client = { .fd = w->client, .events = POLLRDHUP };
	wait_for(&client, until);
	if (only_sends_no_more(w, &client)) {
		client = (struct pollfd){ .fd = w->client };
		wait_for(&client, until);
	}
	return (client.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

bool http_is_gone(const struct request *rq)
{
	int64_t fresh = fresh_ms(&rq->wire);
	if (!rq->wire.read_at || (fresh && now_ms() - rq->wire.read_at < fresh))
		return false;
	return has_closed(&rq->wire, 0);
}

/* Since its last byte came, where the kernel says so; or since it was read. */
static int64_t age_ms(const struct wire *w)
{
	int64_t age = now_ms() - w->read_at;
#if defined __linux__ && defined TCP_INFO
	struct tcp_info info;
	socklen_t n = sizeof info;
	if (getsockopt(w->client, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 && info.tcpi_last_data_recv > age)
		age = info.tcpi_last_data_recv;
#endif
	return age;
}

enum error http_look_again(const struct request *rq, void (*let_go)(void))
{
	if (!rq->wire.read_at)
		return ERROR_NONE;
	if (rq->wire.shared)
		return ERROR_BUSY;
	let_go();
	if (has_closed(&rq->wire, now_ms() + HTTP_LOOK_MS))
		return ERROR_REQUEST_TIMEOUT;
	return age_ms(&rq->wire) > HTTP_STALE_MS ? ERROR_BUSY : ERROR_NONE;
}
