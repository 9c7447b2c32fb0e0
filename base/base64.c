/*
 * base64: see base64.h.
 */
#include "base/base64.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* The digits of the one or two bytes that are left. */
static void encode_last(char *at, const uint8_t *left, size_t n, const char *alphabet)
{
	uint32_t bits = (uint32_t)left[0] << 16 | (n > 1 ? (uint32_t)left[1] << 8 : 0);
	*at++ = alphabet[bits >> 18];
	*at++ = alphabet[bits >> 12 & 63];
	if (n > 1)
		*at = alphabet[bits >> 6 & 63];
}

static void encode(struct buf *b, struct slice bytes, const char *alphabet)
{
	const uint8_t *from = (const uint8_t *)bytes.p;
	if (bytes.n == 0)
		return;
	char *at = buf_more(b, (bytes.n * 8 + 5) / 6);
	for (; bytes.n >= 3; bytes.n -= 3, from += 3) {
		uint32_t bits = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
		*at++ = alphabet[bits >> 18];
		*at++ = alphabet[bits >> 12 & 63];
		*at++ = alphabet[bits >> 6 & 63];
		*at++ = alphabet[bits & 63];
	}
	if (bytes.n)
		encode_last(at, from, bytes.n, alphabet);
}

void base64url_add(struct buf *b, struct slice bytes)
{
	encode(b, bytes, LETTERS "-_");
}

void base64_add(struct buf *b, struct slice bytes)
{
	encode(b, bytes, LETTERS "+/");
}

/* One more than the value of a digit, and 0 for any other letter. No secret is spelled in base64url. */
static uint32_t url_digit(uint8_t c)
{
	static const uint8_t one_more[UINT8_MAX + 1] = {
		['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
		['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52,
		['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, ['-'] = 63, ['_'] = 64,
	};
	return one_more[c];
}

/* The same of base64. No branch and no array index depends on c: it may be a digit of a password's hash. */
static uint32_t secret_digit(uint8_t c)
{
	static const uint8_t runs[][3] = { { 'A', 'Z', 1 }, { 'a', 'z', 27 }, { '0', '9', 53 }, { '+', '+', 63 }, { '/', '/', 64 } };
	uint32_t value = 0;
	for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
		uint32_t above = c - (uint32_t)runs[i][0], below = runs[i][1] - (uint32_t)c;
		value |= (above + runs[i][2]) & (((above | below) >> 31) - 1);
	}
	return value;
}

/*
 * Writes text.n * 6 / 8 bytes. False when a letter is no digit, when a bit that belongs to no byte isn't zero, or when the last
 * digit adds no byte.
 */
static bool decode(struct slice text, uint32_t (*digit_and_one)(uint8_t c), uint8_t *out)
{
	static const uint32_t none;
	uint32_t bits = 0, wrong = text.n % 4 == 1;
	unsigned held = 0;
	for (size_t i = 0; i < text.n; i++) {
		uint32_t digit = digit_and_one((uint8_t)text.p[i]) - 1;
		wrong |= digit >> 31;
		bits = bits << 6 | (digit & 63);
		held += 6;
		if (held >= 8)
			*out++ = (uint8_t)(bits >> (held -= 8));
	}
	wrong |= bits & ((1u << held) - 1);
	return same_bytes(&wrong, &none, sizeof none);
}

/* Writes 3 bytes for each 4 digits; false where one of them is none. What is left of the text is shorter. */
static bool decode_fours(struct slice *text, uint8_t **out)
{
	uint32_t wrong = 0;
	const uint8_t *p = (const uint8_t *)text->p;
	uint8_t *at = *out;
	for (; text->n >= 4; text->n -= 4, p += 4) {
		uint32_t a = url_digit(p[0]) - 1, b = url_digit(p[1]) - 1, c = url_digit(p[2]) - 1, d = url_digit(p[3]) - 1;
		wrong |= a | b | c | d;
		*at++ = (uint8_t)(a << 2 | b >> 4);
		*at++ = (uint8_t)(b << 4 | c >> 2);
		*at++ = (uint8_t)(c << 6 | d);
	}
	text->p = (const char *)p;
	*out = at;
	return wrong >> 31 == 0;
}

bool base64url_read(struct slice text, struct slice *out)
{
	char *bytes = arena(text.n);
	uint8_t *at = (uint8_t *)bytes;
	struct slice rest = text;
	if (!decode_fours(&rest, &at) || !decode(rest, url_digit, at))
		return false;
	*out = (struct slice){ bytes, text.n * 6 / 8 };
	return true;
}

bool base64_read(struct slice text, uint8_t *out, size_t n)
{
	return text.n == (n * 8 + 5) / 6 && decode(text, secret_digit, out);
}
