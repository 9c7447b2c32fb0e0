/*
 * Any head of SCGI. What is taken is a netstring to the byte; written anew from the request that was made of
 * it, it gives that request again.
 */
#include "request.h"

const bool fuzz_starves = true;

/* "LENGTH:" without a zero in front, then so many bytes in pairs, and the comma. */
static void netstring_holds(struct slice in)
{
	size_t length = 0, i = 0, ends = 0;
	for (; i < in.n && in.p[i] != ':'; i++)
		length = length * 10 + (size_t)(in.p[i] - '0');
	HOLDS(i > 0 && i < 6 && *in.p != '0' && length <= LIMIT_HEAD && in.n == i + 1 + length + 1 && in.p[in.n - 1] == ',');
	struct slice block = { in.p + i + 1, length };
	HOLDS(block.p[block.n - 1] == '\0' && slice_starts(block, S("CONTENT_LENGTH\0")));
	for (size_t k = 0; k < block.n; k++)
		ends += block.p[k] == '\0';
	HOLDS(ends % 2 == 0);
}

static struct slice block_of(const struct request *rq, int64_t length)
{
	struct buf b = { 0 };
	add_length(&b, length);
	add_pair(&b, "REQUEST_METHOD", method_word(rq));
	add_pair(&b, "SERVER_PROTOCOL", rq->wire.minor_zero ? S("HTTP/1.0") : S("HTTP/1.1"));
	add_pair(&b, "SCRIPT_NAME", rq->below ? rq->mount : S(""));
	add_pair(&b, rq->below ? "PATH_INFO" : "DOCUMENT_URI", rq->path);
	add_pair(&b, "QUERY_STRING", rq->query);
	add_pair(&b, "REMOTE_ADDR", rq->peer);
	add_pair(&b, "HTTPS", rq->https ? S("ON") : S(""));
	add_pair(&b, "SERVER_SOFTWARE", rq->server);
	for (size_t i = 0; i < HEADERS; i++)
		add_pair(&b, headers[i].variable, header_of(rq, i));
	return buf_slice(&b);
}

static void reads_again(const struct request *rq, int64_t length)
{
	struct request again = { .peer = S("unix:") };
	struct slice text;
	int64_t length_again;
	if (!netstring(block_of(rq, length), &text))
		return;
	HOLDS(http_parse_head(text, &again, &rules, &length_again) == ERROR_NONE);
	same_request(rq, &again);
	/* "0" is no length; "00" is one, of nothing. */
	HOLDS((length > 0 ? length : -1) == length_again && slice_is(rq->server, again.server) && rq->https == again.https);
	HOLDS(slice_is(rq->peer, again.peer));
}

void fuzz_one(struct slice in)
{
	struct request rq = { .peer = S("unix:") }, stranger = { .peer = S("203.0.113.9") };
	int64_t length, same_length;
	if (in.n == 0 || *in.p < '0' || *in.p > '9')
		return;
	enum error e = http_parse_head(in, &rq, &rules, &length);
	HOLDS(http_parse_head(in, &stranger, &rules, &same_length) == e && length == same_length);
	request_readable(&rq);
	request_readable(&stranger);
	if (e)
		return;
	netstring_holds(in);
	request_holds(&rq, length);
	same_request(&rq, &stranger);
	HOLDS(slice_is(stranger.peer, S("203.0.113.9")));
	reads_again(&rq, length);
	HOLDS(http_parse_head((struct slice){ in.p, in.n - 1 }, &rq, &rules, &length) == ERROR_BAD_REQUEST);
}
