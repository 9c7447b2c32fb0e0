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

/* A byte where the size of a chunk stands. */
static enum error take_size(struct http_chunks *c, char byte)
{
	int digit = digit_of(byte);
	if (digit < 0 && c->length == 1)
		return ERROR_BAD_REQUEST;
	if (digit < 0) {
		c->next = byte == ';' ? CHUNK_EXTENSION : CHUNK_BLANK;
		return byte == ';' || byte == ' ' || byte == '\t' ? ERROR_NONE : ERROR_BAD_REQUEST;
	}
	c->left = c->left * 16 + (size_t)digit;
	return c->sum + c->left <= LIMIT_BODY ? ERROR_NONE : ERROR_BODY_TOO_LARGE;
}

/* A byte of a line, which is neither CR nor LF. */
static enum error take_byte(struct http_chunks *c, char byte)
{
	c->length++;
	if (c->next == CHUNK_SIZE)
		return take_size(c, byte);
	if (c->next == CHUNK_BLANK && byte == ';')
		c->next = CHUNK_EXTENSION;
	else if (c->next == CHUNK_TRAILER && byte == ':' && c->length > 1)
		c->next = CHUNK_VALUE;
	else if (c->next == CHUNK_END || (c->next == CHUNK_BLANK && byte != ' ' && byte != '\t')
		|| (c->next == CHUNK_TRAILER && !head_is_token((struct slice){ &byte, 1 })))
		return ERROR_BAD_REQUEST;
	return ERROR_NONE;
}

/* Each line has something in it but the two that end data and trailers. */
static enum error end_line(struct http_chunks *c)
{
	bool closes = c->next == CHUNK_END || c->next == CHUNK_TRAILER;
	bool sound = closes == (c->length == 0) && c->next != CHUNK_BLANK;
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

static enum error scan_byte(struct http_chunks *c, char byte)
{
	if (c->cr)
		return byte == '\n' ? end_line(c) : ERROR_BAD_REQUEST;
	c->cr = byte == '\r';
	if (c->cr)
		return ERROR_NONE;
	return head_is_text(byte) ? take_byte(c, byte) : ERROR_BAD_REQUEST;
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
			e = scan_byte(c, in.p[c->at++]);
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
