/*
 * json_reference.h: what is JSON, and what it means, written a second time from RFC 8259 and from json.h, to hold
 * json.c against. It shares no line and no method with it: a scanner of words and a table of which word may follow,
 * with a stack of its own instead of recursion, and UTF-8 by the arithmetic of RFC 3629.
 */
#ifndef LK_JSON_REFERENCE_H
#define LK_JSON_REFERENCE_H

#include "json.h"

#include <string.h>

/* A member of the top object. */
struct reference_member {
	struct slice name, text, bytes;     /* name unescaped; the value as it stands; a string's meaning */
	char kind;                          /* { [ " 0 and for words t f n */
};

struct reference {
	enum json_verdict verdict;
	char kind;                          /* of the only value */
	struct slice bytes;                 /* its meaning, where it is a string */
	size_t members;
	struct reference_member member[LIMIT_TOKENS];
};

/* ---- UTF-8 ------------------------------------------------------------- */

/* The code point at s.p[i] and its length, 0 where there is none. */
static inline size_t reference_utf8(struct slice s, size_t i, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint8_t lead = (uint8_t)s.p[i];
	size_t n = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
	if (n == 0 || n > s.n - i)
		return 0;
	uint32_t c = n == 1 ? lead : lead & (0x7fu >> n);
	for (size_t k = 1; k < n; k++) {
		if (((uint8_t)s.p[i + k] >> 6) != 2)
			return 0;
		c = c * 64 + (uint8_t)s.p[i + k] % 64;
	}
	*code = c;
	return c < least[n] || c > 0x10ffff || c / 0x800 == 27 ? 0 : n;
}

static inline bool reference_is_utf8(struct slice s)
{
	uint32_t code;
	for (size_t i = 0, n; i < s.n; i += n)
		if ((n = reference_utf8(s, i, &code)) == 0)
			return false;
	return true;
}

static inline void reference_put(struct buf *b, uint32_t c)
{
	if (c < 0x80) {
		buf_c(b, (char)c);
		return;
	}
	int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	buf_c(b, (char)((0xf00 >> (more + 1) & 0xf0) + (int)(c >> 6 * more)));
	while (more--)
		buf_c(b, (char)(0x80 + (c >> 6 * more) % 64));
}

/* ---- words: each begins at s.p[i]; its length, 0 where it is none --------- */

/* Four hexadecimal digits behind "\u"; -1 otherwise. */
static inline long reference_hex(struct slice s, size_t i)
{
	long value = 0;
	if (s.n - i < 6 || s.p[i] != '\\' || s.p[i + 1] != 'u')
		return -1;
	for (size_t k = i + 2; k < i + 6; k++) {
		const char *digits = "00112233445566778899aAbBcCdDeEfF", *at = s.p[k] ? strchr(digits, s.p[k]) : NULL;
		if (!at)
			return -1;
		value = value * 16 + (at - digits) / 2;
	}
	return value;
}

static inline size_t reference_escape(struct slice s, size_t i, struct buf *meaning)
{
	static const char letters[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
	if (s.n - i < 2)
		return 0;
	if (s.p[i + 1] != 'u') {
		const char *at = s.p[i + 1] ? strchr(letters, s.p[i + 1]) : NULL;
		if (at)
			buf_c(meaning, means[at - letters]);
		return at ? 2 : 0;
	}
	long high = reference_hex(s, i), low = s.n - i > 6 ? reference_hex(s, i + 6) : -1;
	if (high >= 0xd800 && high < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
		reference_put(meaning, (uint32_t)(0x10000 + (high - 0xd800) * 0x400 + (low - 0xdc00)));
		return 12;
	}
	if (high < 0 || (high >= 0xd800 && high < 0xe000))
		return 0;
	reference_put(meaning, (uint32_t)high);
	return 6;
}

static inline size_t reference_string(struct slice s, size_t from, struct buf *meaning)
{
	size_t i = from + 1, n;
	for (; i < s.n && s.p[i] != '"'; i += n) {
		n = s.p[i] == '\\' ? reference_escape(s, i, meaning) : (unsigned char)s.p[i] >= ' ';
		if (n == 0)
			return 0;
		if (s.p[i] != '\\')
			buf_c(meaning, s.p[i]);
	}
	return i < s.n ? i + 1 - from : 0;
}

/*
 * Numbers by their states: what each takes next, by class of byte (0, 1-9, '.', eE, +, -); 0 is the end.
 * A number is whole where it ends in `whole`.
 */
static inline size_t reference_number(struct slice s, size_t from)
{
	enum { BEGIN = 1, MINUS, ZERO, DIGITS, POINT, FRACTION, E, SIGN, EXPONENT };
	static const uint8_t next[10][6] = {
		[BEGIN] = { ZERO, DIGITS, 0, 0, 0, MINUS }, [MINUS] = { ZERO, DIGITS, 0, 0, 0, 0 },
		[ZERO] = { 0, 0, POINT, E, 0, 0 }, [DIGITS] = { DIGITS, DIGITS, POINT, E, 0, 0 },
		[POINT] = { FRACTION, FRACTION, 0, 0, 0, 0 }, [FRACTION] = { FRACTION, FRACTION, 0, E, 0, 0 },
		[E] = { EXPONENT, EXPONENT, 0, 0, SIGN, SIGN }, [SIGN] = { EXPONENT, EXPONENT, 0, 0, 0, 0 },
		[EXPONENT] = { EXPONENT, EXPONENT, 0, 0, 0, 0 },
	};
	static const char classes[] = "0123456789.eE+-";
	static const uint8_t class_of[] = { 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3, 3, 4, 5 };
	uint8_t state = BEGIN;
	size_t i = from;
	for (; i < s.n && s.p[i] && strchr(classes, s.p[i]); i++) {
		uint8_t to = next[state][class_of[strchr(classes, s.p[i]) - classes]];
		if (!to)
			return 0;
		state = to;
	}
	return state == ZERO || state == DIGITS || state == FRACTION || state == EXPONENT ? i - from : 0;
}

static inline size_t reference_literal(struct slice s, size_t from)
{
	static const char *const words[] = { "true", "false", "null" };
	for (size_t i = 0; i < 3; i++)
		if (s.n - from >= strlen(words[i]) && memcmp(s.p + from, words[i], strlen(words[i])) == 0)
			return strlen(words[i]);
	return 0;
}

/* ---- texts ------------------------------------------------------------- */

enum reference_want { A_VALUE = 1, A_NAME = 2, A_COLON = 4, A_COMMA = 8, A_CLOSE = 16, THE_END = 32 };

struct reference_name {
	size_t object;              /* by number of its bracket */
	struct slice name;
};

struct reference_state {
	struct slice s;
	size_t i, begun;            /* where a value of the top object began */
	unsigned want;
	char open[LIMIT_DEPTH];
	size_t object[LIMIT_DEPTH]; /* numbers of the open brackets */
	size_t depth, brackets, count, names;
	struct reference_name name[LIMIT_TOKENS];
	struct reference *out;
};

static inline void reference_noted(struct reference_state *r, char kind, struct slice bytes)
{
	struct reference *out = r->out;
	if (r->depth == 0) {
		out->kind = kind;
		out->bytes = bytes;
	} else if (r->depth == 1 && r->open[0] == '{' && out->members) {
		struct reference_member *m = &out->member[out->members - 1];
		m->kind = kind;
		m->bytes = bytes;
		m->text = (struct slice){ r->s.p + r->begun, r->i - r->begun };
	}
}

/* Behind a value: what may follow depends on what is open. */
static inline void reference_follow(struct reference_state *r)
{
	r->want = r->depth ? A_COMMA | A_CLOSE : THE_END;
}

static inline bool reference_open(struct reference_state *r, char c)
{
	if (r->depth == LIMIT_DEPTH)
		return false;
	if (r->depth == 1)
		r->begun = r->i;
	r->open[r->depth] = c;
	r->object[r->depth++] = r->brackets++;
	r->i++;
	r->want = c == '{' ? A_NAME | A_CLOSE : A_VALUE | A_CLOSE;
	return true;
}

static inline bool reference_close(struct reference_state *r, char c)
{
	if (r->depth == 0 || r->open[r->depth - 1] != (c == '}' ? '{' : '['))
		return false;
	r->i++;
	char kind = r->open[--r->depth];
	reference_noted(r, kind, SLICE_NONE);
	reference_follow(r);
	return true;
}

static inline void reference_named(struct reference_state *r, struct slice name)
{
	struct reference *out = r->out;
	if (r->names < LIMIT_TOKENS)
		r->name[r->names++] = (struct reference_name){ r->object[r->depth - 1], name };
	if (r->depth == 1 && out->members < LIMIT_TOKENS)
		out->member[out->members++] = (struct reference_member){ .name = name };
	r->want = A_COLON;
}

/* A word that stands for itself: a name, or a value without parts. */
static inline bool reference_word(struct reference_state *r, char c)
{
	struct buf meaning = { 0 };
	char kind = c == '"' || c == 't' || c == 'f' || c == 'n' ? c : '0';
	size_t n = kind == '"' ? reference_string(r->s, r->i, &meaning) : kind == '0' ? reference_number(r->s, r->i)
		: reference_literal(r->s, r->i);
	if (n == 0)
		return false;
	if (r->depth == 1 && r->want & A_VALUE)
		r->begun = r->i;
	r->i += n;
	r->count++;
	if (r->want & A_NAME) {
		reference_named(r, buf_slice(&meaning));
		return true;
	}
	reference_noted(r, kind, buf_slice(&meaning));
	reference_follow(r);
	return true;
}

static inline bool reference_step(struct reference_state *r)
{
	char c = r->s.p[r->i];
	if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
		r->i++;
		return true;
	}
	if (c == '}' || c == ']')
		return r->want & A_CLOSE && reference_close(r, c);
	if (c == ':' || c == ',') {
		bool wanted = r->want & (c == ':' ? A_COLON : A_COMMA);
		r->want = c == ',' && r->depth && r->open[r->depth - 1] == '{' ? A_NAME : A_VALUE;
		r->i++;
		return wanted;
	}
	if (c == '{' || c == '[') {
		r->count++;
		return r->want & A_VALUE && reference_open(r, c);
	}
	return (r->want & A_VALUE || (r->want & A_NAME && c == '"')) && reference_word(r, c);
}

static inline bool reference_unique(const struct reference_state *r)
{
	for (size_t i = 0; i < r->names; i++)
		for (size_t k = 0; k < i; k++)
			if (r->name[i].object == r->name[k].object && slice_is(r->name[i].name, r->name[k].name))
				return false;
	return true;
}

/* What json_read() must say of text; the rest of *out is of use where that is JSON_VALID. */
static inline void reference_read(struct slice text, struct reference *out)
{
	struct reference_state r = { .s = text, .want = A_VALUE, .out = out };
	*out = (struct reference){ .verdict = JSON_MALFORMED };
	if (text.n == 0 || !reference_is_utf8(text))
		return;
	while (r.i < text.n)
		if (!reference_step(&r))
			return;
	if (r.want != THE_END)
		return;
	if (r.count > LIMIT_TOKENS)
		out->verdict = JSON_TOO_MANY;
	else if (reference_unique(&r))
		out->verdict = JSON_VALID;
}

#endif
