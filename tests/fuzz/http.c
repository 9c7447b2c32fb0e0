/*
 * Any head of HTTP/1.1. What is taken has the form of RFC 9112 by a second reading; written anew from the
 * request that was made of it, it gives that request again; who sent it changes nothing but who sent it.
 */
#include "request.h"

#include <strings.h>

const bool fuzz_starves = true;

static bool token_byte(char c)
{
	return c > ' ' && c < 0x7f && !strchr("\"(),/:;<=>?@[\\]{}", c);
}

/* How many lines begin with this name and a colon. */
static int lines_of(struct slice head, const char *name)
{
	size_t n = strlen(name);
	int count = 0;
	for (size_t i = 2; i + n < head.n; i++)
		count += memcmp(head.p + i - 2, "\r\n", 2) == 0 && strncasecmp(head.p + i, name, n) == 0 && head.p[i + n] == ':';
	return count;
}

static void line_holds(struct slice line, bool header)
{
	size_t name = 0;
	HOLDS(line.n > 0 && is_text(line));
	while (header && name < line.n && token_byte(line.p[name]))
		name++;
	HOLDS(!header || (name > 0 && name < line.n && line.p[name] == ':'));
}

/* What must be so of each head that is taken. */
static void head_holds(struct slice head, bool minor_zero, int64_t length)
{
	int lines = 0;
	HOLDS(head.n >= 4 && head.n <= LIMIT_HEAD && memcmp(head.p + head.n - 4, "\r\n\r\n", 4) == 0);
	struct slice rest = { head.p, head.n - 2 };
	if (slice_starts(rest, S("\r\n")))
		rest = slice_from(rest, 2);     /* one empty line may come before (RFC 9112, 2.2) */
	while (rest.n) {
		const char *end = memchr(rest.p, '\r', rest.n);
		HOLDS(end && end[1] == '\n');
		line_holds((struct slice){ rest.p, (size_t)(end - rest.p) }, lines++ > 0);
		rest = slice_from(rest, (size_t)(end + 2 - rest.p));
	}
	HOLDS(lines_of(head, "Host") <= 1 && (minor_zero || lines_of(head, "Host") == 1));
	HOLDS(lines_of(head, "Content-Length") + lines_of(head, "Transfer-Encoding") <= 1);
	HOLDS(lines_of(head, "Transfer-Encoding") == (length == -2) && (length != -2 || !minor_zero));
}

static void add_header(struct buf *b, const char *name, struct slice value)
{
	if (!value.p)
		return;
	buf_s(b, name);
	buf_s(b, ":");
	buf_add(b, value);
	buf_s(b, " \r\n");
}

/* False where all is too long for a head, or a joined header ends in a blank, which a line can't say. */
static bool written(const struct request *rq, int64_t length, struct buf *b)
{
	struct buf number = { 0 };
	buf_add(b, method_word(rq));
	buf_c(b, ' ');
	buf_add(b, rq->below ? rq->mount : S(""));
	buf_add(b, rq->path);
	buf_s(b, rq->query.p ? "?" : "");
	buf_add(b, rq->query);
	buf_s(b, rq->wire.minor_zero ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
	for (size_t i = 0; i < HEADERS; i++) {
		if (ends_joined(header_of(rq, i)))
			return false;
		add_header(b, headers[i].name, header_of(rq, i));
	}
	buf_int(&number, length);
	add_header(b, "TRANSFER-encoding", length == -2 ? S("Chunked") : SLICE_NONE);
	add_header(b, "content-LENGTH", length < 0 ? SLICE_NONE : buf_slice(&number));
	buf_s(b, "\r\n");
	return b->n <= LIMIT_HEAD;
}

static void reads_again(const struct request *rq, int64_t length)
{
	struct request again = { .peer = rq->peer };
	struct buf b = { 0 };
	int64_t length_again;
	/* Without its Host a 1.1 would be refused: an empty one counts as none here. */
	if (!written(rq, length, &b) || (!rq->wire.minor_zero && !rq->host.p))
		return;
	HOLDS(http_parse_head(buf_slice(&b), &again, &rules, &length_again) == ERROR_NONE);
	same_request(rq, &again);
	HOLDS(length == length_again && slice_is(rq->peer, again.peer));
}

void fuzz_one(struct slice in)
{
	static const struct { const char *peer; bool trusted; } peers[] = { { "203.0.113.9", false }, { "10.1.2.3", true }, { "unix:", true } };
	struct request rq[3];
	enum error e[3];
	int64_t length[3];
	if (in.n && *in.p >= '0' && *in.p <= '9')
		return;
	for (int i = 0; i < 3; i++) {
		rq[i] = (struct request){ .peer = slice_of(peers[i].peer) };
		e[i] = http_parse_head(in, &rq[i], &rules, &length[i]);
		request_readable(&rq[i]);
		HOLDS(e[i] == e[0] && length[i] == length[0]);
		HOLDS(e[i] || rq[i].wire.face == FACE_HTTP);
		HOLDS(peers[i].trusted || (!rq[i].https && (e[i] || slice_is(rq[i].peer, slice_of(peers[i].peer)))));
	}
	if (e[0])
		return;
	head_holds(in, rq[0].wire.minor_zero, length[0]);
	for (int i = 0; i < 3; i++) {
		request_holds(&rq[i], length[i]);
		same_request(&rq[0], &rq[i]);
		reads_again(&rq[i], length[i]);
	}
	HOLDS(http_parse_head((struct slice){ in.p, in.n - 1 }, &rq[1], &rules, &length[1]) == ERROR_BAD_REQUEST);
}
