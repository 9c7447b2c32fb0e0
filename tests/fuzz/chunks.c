/*
 * Any body in chunks; its first byte says in what pieces it comes. What is taken, and its data, are as by a second reading
 * that has it whole; the pieces make no difference; the data in one chunk is the same data.
 */
#include "fuzz.h"
#include "http_chunks.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <strings.h>

const bool fuzz_starves = true;

static bool is_text(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)p[i] < ' ' && p[i] != '\t') || p[i] == 0x7f)
			return false;
	return true;
}

/* Cuts a line with its CRLF off *in. False where there is none that is text. */
static bool line_of(struct slice *in, struct slice *line)
{
	const char *end = in->n ? memmem(in->p, in->n, "\r\n", 2) : NULL;
	if (!end)
		return false;
	*line = (struct slice){ in->p, (size_t)(end - in->p) };
	*in = slice_from(*in, line->n + 2);
	return is_text(line->p, line->n);
}

static bool size_of(struct slice line, size_t *size)
{
	size_t n = 0, blanks;
	for (*size = 0; n < line.n && isxdigit((unsigned char)line.p[n]); n++) {
		const char digit[2] = { line.p[n], '\0' };
		*size = *size * 16 + (size_t)strtoul(digit, NULL, 16);
		if (*size > LIMIT_BODY)
			return false;
	}
	blanks = n;
	while (blanks < line.n && (line.p[blanks] == ' ' || line.p[blanks] == '\t'))
		blanks++;
	size_t semicolon = blanks++;
	while (blanks < line.n && (line.p[blanks] == ' ' || line.p[blanks] == '\t'))
		blanks++;
	return n && (n == line.n || (semicolon < line.n && line.p[semicolon] == ';' && blanks < line.n));
}

static bool is_trailer(struct slice line)
{
	static const char *const read[] = { "Host", "Authorization", "Content-Type", "Cookie", "Origin", "User-Agent", "Idempotency-Key",
		"Sec-Fetch-Site", "Access-Control-Request-Method", "If-None-Match", "Content-Length", "Transfer-Encoding", "Connection",
		"Expect", "X-Forwarded-For", "X-Forwarded-Proto" };
	const char *colon = memchr(line.p, ':', line.n);
	for (size_t i = 0; colon && i < sizeof read / sizeof *read; i++)
		if ((size_t)(colon - line.p) == strlen(read[i]) && strncasecmp(line.p, read[i], strlen(read[i])) == 0)
			return false;
	for (const char *p = line.p; colon && p < colon; p++)
		if (*p <= ' ' || *p > '~' || strchr("\"(),/:;<=>?@[\\]{}", *p))
			return false;
	return colon && colon > line.p;
}

/* The second reading. False where it isn't a body that is whole; *used is its length. */
static bool reference(struct slice in, struct buf *data, size_t *used)
{
	struct slice rest = in.n > LIMIT_CODED ? (struct slice){ in.p, LIMIT_CODED } : in, line;
	size_t whole = rest.n, size;
	do {
		if (!line_of(&rest, &line) || !size_of(line, &size) || rest.n < size || data->n + size > LIMIT_BODY)
			return false;
		buf_add(data, (struct slice){ rest.p, size });
		rest = slice_from(rest, size);
		if (size && (!line_of(&rest, &line) || line.n))
			return false;
	} while (size);
	while (line_of(&rest, &line) && line.n)
		if (!is_trailer(line))
			return false;
	*used = whole - rest.n;
	return line.n == 0 && *used >= 5;
}

static enum error scan(struct slice in, size_t step, struct http_chunks *c)
{
	enum error e = ERROR_NONE;
	for (size_t n = step; !e && c->next != CHUNK_DONE && n < in.n + step; n += step)
		e = chunks_scan(c, (struct slice){ in.p, n < in.n ? n : in.n });
	return e;
}

static void reads_again(struct slice data)
{
	struct buf b = { 0 };
	struct http_chunks c = { 0 };
	if (data.n) {
		for (int shift = 12; shift >= 0; shift -= 4)
			buf_c(&b, "0123456789ABCDEF"[data.n >> shift & 15]);
		buf_s(&b, "\r\n");
		buf_add(&b, data);
		buf_s(&b, "\r\n");
	}
	buf_s(&b, "0\r\n\r\n");
	HOLDS(chunks_scan(&c, buf_slice(&b)) == ERROR_NONE && c.next == CHUNK_DONE && c.at == b.n);
	HOLDS(slice_is(chunks_data(buf_slice(&b)), data));
}

void fuzz_one(struct slice in)
{
	struct http_chunks whole = { 0 }, pieces = { 0 };
	struct buf data = { 0 };
	size_t used = 0;
	if (in.n == 0)
		return;
	size_t step = (unsigned char)*in.p + 1U;
	in = slice_from(in, 1);
	enum error e = chunks_scan(&whole, in), again = scan(in, step, &pieces);
	bool taken = !e && whole.next == CHUNK_DONE;
	HOLDS(e == again && whole.at == pieces.at && whole.next == pieces.next);
	HOLDS(whole.at <= in.n && whole.at <= LIMIT_CODED);
	HOLDS(taken == reference(in, &data, &used));
	if (!taken)
		return;
	HOLDS(whole.at == used);
	struct slice got = chunks_data((struct slice){ in.p, whole.at });
	HOLDS(slice_is(got, buf_slice(&data)));
	reads_again(got);
}
