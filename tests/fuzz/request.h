/*
 * request.h: what every request holds that was taken, whichever face it came by, and what of it two
 * readings must have in common.
 */
#ifndef LK_FUZZ_REQUEST_H
#define LK_FUZZ_REQUEST_H

#include "fuzz.h"
#include "http.h"

#include <arpa/inet.h>
#include <string.h>

static const struct network trusted[] = {       /* unix 10.0.0.0/8 fd00::/8 */
	{ { ADDRESS_UNIX, { 0 } }, 0 }, { { ADDRESS_V4, { 10 } }, 8 }, { { ADDRESS_V6, { 0xfd } }, 8 }
};
static const struct http_rules rules = { { "/api/auth", 9 }, { { "", 0 }, trusted, 3 }, NULL };

/* The fields that are headers, with the names that they have there and as variables. */
static const struct header { const char *name, *variable; size_t place; } headers[] = {
	{ "Host", "HTTP_HOST", offsetof(struct request, host) },
	{ "Authorization", "HTTP_AUTHORIZATION", offsetof(struct request, authorization) },
	{ "Content-Type", "CONTENT_TYPE", offsetof(struct request, content_type) },
	{ "Cookie", "HTTP_COOKIE", offsetof(struct request, cookie) },
	{ "Origin", "HTTP_ORIGIN", offsetof(struct request, origin) },
	{ "User-Agent", "HTTP_USER_AGENT", offsetof(struct request, user_agent) },
	{ "Idempotency-Key", "HTTP_IDEMPOTENCY_KEY", offsetof(struct request, idempotency_key) },
	{ "Sec-Fetch-Site", "HTTP_SEC_FETCH_SITE", offsetof(struct request, sec_fetch_site) },
	{ "Access-Control-Request-Method", "HTTP_ACCESS_CONTROL_REQUEST_METHOD", offsetof(struct request, request_method) },
	{ "If-None-Match", "HTTP_IF_NONE_MATCH", offsetof(struct request, if_none_match) },
	{ "Referer", "HTTP_REFERER", offsetof(struct request, referer) },
	{ "Accept-Language", "HTTP_ACCEPT_LANGUAGE", offsetof(struct request, accept_language) },
	{ "Accept", "HTTP_ACCEPT", offsetof(struct request, accept) },
	{ "Sec-Fetch-Mode", "HTTP_SEC_FETCH_MODE", offsetof(struct request, sec_fetch_mode) },
	{ "DPoP", "HTTP_DPOP", offsetof(struct request, dpop) },
};
enum { HEADERS = sizeof headers / sizeof *headers };

/* Authorization from two variables keeps the blanks around it, which http_bearer() then refuses. */
static inline struct slice header_of(const struct request *rq, size_t i)
{
	struct slice s = *(const struct slice *)(const void *)((const char *)rq + headers[i].place), bare = slice_trim(s);
	if (headers[i].place != offsetof(struct request, authorization))
		return s;
	return bare.n ? bare : SLICE_NONE;
}

static inline bool is_text(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (((unsigned char)s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] == 0x7f)
			return false;
	return true;
}

static inline bool visible(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return true;
}

/* libc, which had no part in writing it, reads an address there. */
static inline bool is_address(struct slice s)
{
	char text[INET6_ADDRSTRLEN] = "";
	uint8_t bytes[16];
	if (s.n >= sizeof text)
		return false;
	if (s.n)
		memcpy(text, s.p, s.n);
	return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

/* Even a refused request is answered, so whatever is set may be read. */
static inline void request_readable(const struct request *rq)
{
	for (size_t i = 0; i < HEADERS; i++)
		touch(header_of(rq, i));
	touch(rq->mount);
	touch(rq->path);
	touch(rq->query);
	touch(rq->server);
	HOLDS(rq->method < METHOD__MAX);
	HOLDS(rq->peer.n == 0 || is_address(rq->peer));
}

/* Joined with a last part that is empty. */
static inline bool ends_joined(struct slice h)
{
	return h.n >= 2 && h.p[h.n - 1] == ' ' && (h.p[h.n - 2] == ';' || h.p[h.n - 2] == ',');
}

static inline void request_holds(const struct request *rq, int64_t length)
{
	struct slice token;
	for (size_t i = 0; i < HEADERS; i++) {
		struct slice h = header_of(rq, i);
		HOLDS(is_text(h) && !h.p == !h.n && h.n <= LIMIT_HEAD);
		HOLDS(h.n == 0 || (*h.p != ' ' && *h.p != '\t' && h.p[h.n - 1] != '\t' && (h.p[h.n - 1] != ' ' || ends_joined(h))));
	}
	HOLDS(length >= (rq->wire.face == FACE_HTTP ? -2 : -1) && length <= LIMIT_BODY);
	HOLDS(rq->path.n && visible(rq->path) && visible(rq->query));
	HOLDS(*rq->path.p == '/' || (rq->method == METHOD_OPTIONS && slice_is(rq->path, S("*")) && !rq->below));
	HOLDS(rq->mount.n == 0 || (visible(rq->mount) && rq->mount.p[rq->mount.n - 1] != '/' && !memchr(rq->mount.p, ';', rq->mount.n)));
	if (http_bearer(rq, &token))
		HOLDS(token.n && token.p + token.n == rq->authorization.p + rq->authorization.n && visible(token));
	if (http_loopback(rq))
		HOLDS(!rq->https && !rq->forwarded && rq->host.n && rq->peer.n);
	if (http_same_origin(rq))
		HOLDS(rq->host.n && rq->origin.n > rq->host.n);
}

/* All but who sent it, and over what. */
static inline void same_request(const struct request *a, const struct request *b)
{
	for (size_t i = 0; i < HEADERS; i++)
		HOLDS(same_slice(header_of(a, i), header_of(b, i)));
	HOLDS(a->method == b->method && a->wire.minor_zero == b->wire.minor_zero && a->below == b->below);
	HOLDS(slice_is(a->mount, b->mount) && slice_is(a->path, b->path) && slice_is(a->query, b->query));
}

static inline struct slice method_word(const struct request *rq)
{
	return rq->method == METHOD_OTHER ? S("BREW") : slice_of(method_words[rq->method]);
}

static inline void add_pair(struct buf *b, const char *name, struct slice value)
{
	if (value.n == 0)
		return;
	buf_s(b, name);
	buf_c(b, '\0');
	buf_add(b, value);
	buf_c(b, '\0');
}

static inline void add_length(struct buf *b, int64_t length)
{
	struct buf number = { 0 };
	buf_int(&number, length > 0 ? length : 0);
	add_pair(b, "CONTENT_LENGTH", buf_slice(&number));
	add_pair(b, "SCGI", S("1"));
}

/* The block as the head of SCGI; false where it is too long for one. */
static inline bool netstring(struct slice block, struct slice *out)
{
	struct buf b = { 0 };
	buf_int(&b, (int64_t)block.n);
	buf_c(&b, ':');
	buf_add(&b, block);
	buf_c(&b, ',');
	*out = buf_slice(&b);
	return block.n <= LIMIT_HEAD;
}

#endif
