/*
 * http_chunks: see http_chunks.h for what each function promises.
 *
 * A byte is looked at once, however the body arrives.
 */
#include "http_chunks.h"

/* 0 to 15, or -1. */
static int digit_of(char c)
{
	uint8_t value;
	const char two[2] = { '0', c };
	return parse_hex((struct slice){ two, 2 }, &value, 1) ? value : -1;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* A byte of the line that begins a chunk: digits, and perhaps blanks, ";" and an extension. */
static enum error take_size(struct http_chunks *c, char byte)
{
	int digit = c->next == CHUNK_SIZE ? digit_of(byte) : -1;
	if (digit >= 0) {
		c->left = c->left * 16 + (size_t)digit;
		return c->sum + c->left <= LIMIT_BODY ? ERROR_NONE : ERROR_BODY_TOO_LARGE;
	}
	if (c->next >= CHUNK_SEMICOLON) {
		c->next = c->next == CHUNK_SEMICOLON && is_blank(byte) ? CHUNK_SEMICOLON : CHUNK_EXTENSION;
		return ERROR_NONE;
	}
	c->next = byte == ';' ? CHUNK_SEMICOLON : CHUNK_BLANK;
	return c->length > 1 && (byte == ';' || is_blank(byte)) ? ERROR_NONE : ERROR_BAD_REQUEST;
}

/* RFC 9110, 6.5.1: what is read of a head may not come behind the body, where another program might take it for one. */
static bool is_trailer(struct slice name)
{
	for (size_t i = 0; i < HEAD_FIELDS; i++)
		if (slice_is_nocase(name, head_fields[i].name))
			return false;
	return head_is_token(name);
}

/* The last byte of line, which is neither CR nor LF; the line so far. */
static enum error take_byte(struct http_chunks *c, struct slice line)
{
	char byte = line.p[line.n - 1];
	if (c->next <= CHUNK_EXTENSION)
		return take_size(c, byte);
	if (c->next == CHUNK_TRAILER && byte == ':') {
		c->next = CHUNK_VALUE;
		return is_trailer((struct slice){ line.p, line.n - 1 }) ? ERROR_NONE : ERROR_BAD_REQUEST;
	}
	return c->next == CHUNK_END ? ERROR_BAD_REQUEST : ERROR_NONE;
}

/* Each line has something in it but the two that end data and trailers. */
static enum error end_line(struct http_chunks *c)
{
	bool closes = c->next == CHUNK_END || c->next == CHUNK_TRAILER;
	bool sound = closes == (c->length == 0) && c->next != CHUNK_BLANK && c->next != CHUNK_SEMICOLON;
	c->length = 0;
	c->cr = false;
	if (closes) {
		c->next = c->next == CHUNK_END ? CHUNK_SIZE : CHUNK_DONE;
	} else {
		c->sum += c->left;
		c->next = c->left ? CHUNK_DATA : CHUNK_TRAILER;
	}
	return sound ? ERROR_NONE : ERROR_BAD_REQUEST;
}

static enum error scan_byte(struct http_chunks *c, struct slice in)
{
	const char byte = in.p[c->at++];
	if (c->cr)
		return byte == '\n' ? end_line(c) : ERROR_BAD_REQUEST;
	c->cr = byte == '\r';
	if (c->cr)
		return ERROR_NONE;
	c->length++;
	return head_is_text(byte) ? take_byte(c, (struct slice){ in.p + c->at - c->length, c->length }) : ERROR_BAD_REQUEST;
}

/* What there is of a chunk's bytes. */
static struct slice take_data(struct http_chunks *c, struct slice in)
{
	struct slice rest = slice_from(in, c->at);
	if (rest.n > c->left)
		rest.n = c->left;
	c->at += rest.n;
	c->left -= rest.n;
	if (c->left == 0)
		c->next = CHUNK_END;
	return rest;
}

/* data: where the chunks' bytes go; NULL: nowhere. */
static enum error scan(struct http_chunks *c, struct slice in, struct buf *data)
{
	enum error e = ERROR_NONE;
	while (!e && c->next != CHUNK_DONE && c->at < in.n) {
		if (c->next != CHUNK_DATA) {
			e = scan_byte(c, in);
			continue;
		}
		struct slice piece = take_data(c, in);
		if (data)
			buf_add(data, piece);
	}
	return e;
}

enum error chunks_scan(struct http_chunks *c, struct slice in)
{
	if (in.n > LIMIT_CODED)
		in.n = LIMIT_CODED;
	enum error e = scan(c, in, NULL);
	return !e && c->next != CHUNK_DONE && in.n == LIMIT_CODED ? ERROR_BODY_TOO_LARGE : e;
}

struct slice chunks_data(struct slice in)
{
	struct http_chunks c = { 0 };
	struct buf data = { 0 };
	(void)scan(&c, in, &data);
	return buf_slice(&data);
}
