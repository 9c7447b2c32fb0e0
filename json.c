/*
 * json: see json.h for what each function promises.
 *
 * A text is read twice. First a recogniser of our own decides whether it is JSON:
 * recursive descent over the grammar of RFC 8259, section 2, with one function
 * for each production. It counts values and names, and allocates nothing; its
 * depth, and with that its stack, is bounded by LIMIT_DEPTH. Then jsmn marks where
 * values and names lie, in texts that the recogniser accepted. So jsmn never sees
 * an unbalanced or deep text or one with a NUL, and its loops, quadratic in the
 * number of marks, stay below LIMIT_TOKENS squared.
 *
 * Where the RFC leaves a choice and two readers could differ, we are stricter than
 * the grammar. These are refused: bytes that aren't UTF-8 (8.1), a byte order mark
 * (8.1), a surrogate without its pair (8.2), and a name twice in one object (4).
 * Names are compared after unescaping: "a" and "\u0061" are one name.
 *
 * Nothing here relies on a NUL, and no byte after the slice is read.
 */
#include "json.h"

#include <limits.h>
#include <string.h>

#define JSMN_STRICT
#define JSMN_PARENT_LINKS
#define JSMN_STATIC
#include <jsmn.h>

/* ---- the recogniser ---------------------------------------------------- */

struct reader {
	const char *p, *end;
	size_t values;      /* values and names so far, counted as jsmn counts them */
	int depth;
};

static bool value(struct reader *r);

/* The next byte, or -1 at the end. */
static int peek(const struct reader *r)
{
	return r->p < r->end ? (unsigned char)*r->p : -1;
}

/* Reads one byte of set. False, and nothing is read, if the next byte is another. */
static bool take(struct reader *r, const char *set)
{
	for (; r->p < r->end && *set; set++)
		if (*set == *r->p) {
			r->p++;
			return true;
		}
	return false;
}

static void space(struct reader *r)
{
	while (take(r, " \t\r\n"))
		;
}

static bool word(struct reader *r, struct slice w)
{
	struct slice rest = { r->p, (size_t)(r->end - r->p) };
	if (!slice_starts(rest, w))
		return false;
	r->p += w.n;
	return true;
}

static bool digits(struct reader *r)
{
	const char *from = r->p;
	while (take(r, "0123456789"))
		;
	return r->p > from;
}

static bool number(struct reader *r)
{
	take(r, "-");
	if (!take(r, "0") && !digits(r))
		return false;
	if (take(r, ".") && !digits(r))
		return false;
	if (!take(r, "eE"))
		return true;
	take(r, "+-");
	return digits(r);
}

/* \uXXXX, one UTF-16 unit. */
static bool unit(struct reader *r, uint32_t *out)
{
	uint8_t half[2];
	if (!word(r, S("\\u")) || r->end - r->p < 4 || !parse_hex((struct slice){ r->p, 4 }, half, sizeof half))
		return false;
	r->p += 4;
	*out = (uint32_t)half[0] << 8 | half[1];
	return true;
}

/* \uXXXX or a pair of them: a code point, never a surrogate. */
static bool code_point(struct reader *r, uint32_t *out)
{
	uint32_t high, low;
	if (!unit(r, &high))
		return false;
	*out = high;
	if ((high & 0xf800) != 0xd800)
		return true;
	if (high >= 0xdc00 || !unit(r, &low) || (low & 0xfc00) != 0xdc00)
		return false;
	*out = 0x10000 + ((high & 0x3ff) << 10 | (low & 0x3ff));
	return true;
}

/*
 * The one-letter escapes: each letter, then its meaning. The solidus comes
 * first, because it is read but never written.
 */
static const char escapes[] = "//\"\"\\\\b\bf\fn\nr\rt\t";

/* The meaning of the escape `letter`, or NULL. */
static const char *escape_of(char letter)
{
	for (const char *e = escapes; *e; e += 2)
		if (*e == letter)
			return e + 1;
	return NULL;
}

/* Stands on a backslash. */
static bool escape(struct reader *r)
{
	uint32_t ignored;
	if (r->end - r->p < 2)
		return false;
	if (r->p[1] == 'u')
		return code_point(r, &ignored);
	const char *meaning = escape_of(r->p[1]);
	r->p += 2;
	return meaning != NULL;
}

/* Bytes of a string that stand for themselves. */
static void plain(struct reader *r)
{
	const char *p = r->p;
	while (p < r->end && (uint8_t)*p >= ' ' && *p != '"' && *p != '\\')
		p++;
	r->p = p;
}

static bool string(struct reader *r)
{
	if (!take(r, "\""))
		return false;
	for (plain(r); !take(r, "\""); plain(r))
		if (peek(r) < ' ' || !escape(r))        /* a control byte or the end */
			return false;
	return true;
}

static bool member(struct reader *r)
{
	space(r);
	r->values++;
	if (!string(r))
		return false;
	space(r);
	return take(r, ":") && value(r);
}

/* Stands on the opening bracket. */
static bool list(struct reader *r, bool (*item)(struct reader *), const char *close)
{
	r->p++;
	if (++r->depth > LIMIT_DEPTH)
		return false;
	space(r);
	if (!take(r, close)) {
		do
			if (!item(r))
				return false;
		while (take(r, ","));
		if (!take(r, close))
			return false;
	}
	r->depth--;
	return true;
}

static bool bare_value(struct reader *r)
{
	switch (peek(r)) {
	case '{':
		return list(r, member, "}");
	case '[':
		return list(r, value, "]");
	case '"':
		return string(r);
	case 't':
		return word(r, S("true"));
	case 'f':
		return word(r, S("false"));
	case 'n':
		return word(r, S("null"));
	default:
		return number(r);
	}
}

/* Reads a value and the white space around it. */
static bool value(struct reader *r)
{
	space(r);
	r->values++;
	if (!bare_value(r))
		return false;
	space(r);
	return true;
}

/* ---- marks ------------------------------------------------------------- */

static const jsmntok_t *mark_of(const struct json *j, int i)
{
	return (const jsmntok_t *)j->mark + i;
}

/* What a mark spans; of a string, what is between the quotes. */
static struct slice span(const struct json *j, const jsmntok_t *m)
{
	return (struct slice){ j->text.p + m->start, (size_t)(m->end - m->start) };
}

static char *put_utf8(char *at, uint32_t c)
{
	static const uint8_t lead[] = { 0x00, 0xc0, 0xe0, 0xf0 };
	int follow = (c >= 0x80) + (c >= 0x800) + (c >= 0x10000);
	*at++ = (char)(lead[follow] | c >> 6 * follow);
	while (follow-- > 0)
		*at++ = (char)(0x80 | (c >> 6 * follow & 0x3f));
	return at;
}

/*
 * The bytes that a string means. They are never more than its text: the shortest
 * escape has two characters for one byte of UTF-8, six for three, twelve for four.
 */
static struct slice unescape(struct slice text)
{
	if (text.n == 0 || !memchr(text.p, '\\', text.n))
		return text;
	struct reader r = { .p = text.p, .end = text.p + text.n };
	char *out = arena(text.n), *at = out;
	while (r.p < r.end) {
		uint32_t c = 0;
		if (*r.p != '\\')
			*at++ = *r.p++;
		else if (code_point(&r, &c))
			at = put_utf8(at, c);
		else {
			*at++ = *escape_of(r.p[1]);
			r.p += 2;
		}
	}
	return (struct slice){ out, (size_t)(at - out) };
}

/* Whether mark i is a name of the object whose mark is `object`. */
static bool names(const struct json *j, int i, int object)
{
	return mark_of(j, i)->parent == object && mark_of(j, object)->type == JSMN_OBJECT;
}

/* Whether the name at mark i comes again later in the same object. */
static bool named_again(const struct json *j, int i, const struct slice *name)
{
	for (int k = i + 1; k < j->marks; k++)
		if (mark_of(j, k)->parent == mark_of(j, i)->parent && slice_is(name[k], name[i]))
			return true;
	return false;
}

/* What is built for the comparison is given back: a body may be one long name. */
static bool names_unique(const struct json *j)
{
	size_t scratch = arena_mark();
	struct slice *name = arena((size_t)j->marks * sizeof *name);
	bool unique = true;
	for (int i = 1; i < j->marks; i++)
		if (names(j, i, mark_of(j, i)->parent))
			name[i] = unescape(span(j, mark_of(j, i)));
	for (int i = 1; unique && i < j->marks; i++)
		unique = !names(j, i, mark_of(j, i)->parent) || !named_again(j, i, name);
	arena_back(scratch);
	return unique;
}

/*
 * In strict mode jsmn refuses a text that is one number or literal. Such a text
 * has no members, and needs no marks.
 */
static void mark(struct json *j, int values)
{
	jsmntok_t *marks = arena((size_t)values * sizeof *marks);
	jsmn_parser parser;
	jsmn_init(&parser);
	int count = jsmn_parse(&parser, j->text.p, j->text.n, marks, (unsigned)values);
	j->mark = marks;
	j->marks = count == values ? count : 0;
}

enum json_verdict json_read(struct slice text, struct json *out)
{
	struct reader r = { .p = text.p };
	struct json j = { .text = text };
	if (text.n == 0 || text.n > INT_MAX || !slice_is_utf8(text)) /* jsmn's offsets are int */
		return JSON_MALFORMED;
	r.end = text.p + text.n;
	if (!value(&r) || r.p < r.end)
		return JSON_MALFORMED;
	if (r.values > LIMIT_TOKENS)
		return JSON_TOO_MANY;
	mark(&j, (int)r.values);
	if (!names_unique(&j))
		return JSON_MALFORMED;
	*out = j;
	return JSON_VALID;
}

/* ---- getters ----------------------------------------------------------- */

bool json_is_object(const struct json *j)
{
	return j->marks > 0 && mark_of(j, 0)->type == JSMN_OBJECT;
}

struct slice json_object_or_null(struct slice text)
{
	struct json j;
	size_t mark = arena_mark();
	bool object = text.n && json_read(text, &j) == JSON_VALID && json_is_object(&j);
	arena_back(mark);
	return object ? text : S("null");
}

/* Whether a string means this name: an escaped one is longer. The arena is set back, since a request looks for a dozen names. */
static bool is_name(struct slice text, struct slice name)
{
	if (text.n <= name.n || memchr(text.p, '\\', text.n) == NULL)
		return slice_is(text, name);
	size_t scratch = arena_mark();
	bool same = slice_is(unescape(text), name);
	arena_back(scratch);
	return same;
}

/* The mark of the member's value. NULL when there is no such member, or it is null. */
static const jsmntok_t *find(const struct json *j, const char *name)
{
	for (int i = 1; i < j->marks; i++)
		if (names(j, i, 0) && is_name(span(j, mark_of(j, i)), slice_of(name))) {
			const jsmntok_t *m = mark_of(j, i + 1);
			return m->type == JSMN_PRIMITIVE && slice_is(span(j, m), S("null")) ? NULL : m;
		}
	return NULL;
}

enum json_found json_string(const struct json *j, const char *name, struct slice *out)
{
	const jsmntok_t *m = find(j, name);
	if (!m)
		return JSON_ABSENT;
	if (m->type != JSMN_STRING)
		return JSON_WRONG_TYPE;
	*out = unescape(span(j, m));
	return JSON_FOUND;
}

enum json_found json_int(const struct json *j, const char *name, int64_t min, int64_t max, int64_t *out)
{
	const jsmntok_t *m = find(j, name);
	int64_t n;
	if (!m)
		return JSON_ABSENT;
	struct slice text = span(j, m);
	bool minus = slice_starts(text, S("-"));
	if (m->type != JSMN_PRIMITIVE || !parse_number(slice_from(text, minus), minus, INT64_MAX, &n))
		return JSON_WRONG_TYPE;
	n = minus ? -n : n;
	if (n < min || n > max)
		return JSON_WRONG_TYPE;
	*out = n;
	return JSON_FOUND;
}

enum json_found json_bool(const struct json *j, const char *name, bool *out)
{
	const jsmntok_t *m = find(j, name);
	if (!m)
		return JSON_ABSENT;
	bool yes = slice_is(span(j, m), S("true")), no = slice_is(span(j, m), S("false"));
	if (m->type != JSMN_PRIMITIVE || yes == no)
		return JSON_WRONG_TYPE;
	*out = yes;
	return JSON_FOUND;
}

/* The marks of an array's texts lie behind its own. */
enum json_found json_list(const struct json *j, const char *name, struct slice *out)
{
	const jsmntok_t *m = find(j, name);
	struct buf joined = { 0 };
	if (!m)
		return JSON_ABSENT;
	if (m->type != JSMN_ARRAY)
		return JSON_WRONG_TYPE;
	for (int i = 1; i <= m->size; i++) {
		struct slice text = m[i].type == JSMN_STRING ? unescape(span(j, &m[i])) : SLICE_NONE;
		if (text.n == 0 || memchr(text.p, ',', text.n))
			return JSON_WRONG_TYPE;
		if (i > 1)
			buf_c(&joined, ',');
		buf_add(&joined, text);
	}
	*out = buf_slice(&joined);
	return JSON_FOUND;
}

enum json_found json_raw(const struct json *j, const char *name, struct slice *out)
{
	const jsmntok_t *m = find(j, name);
	if (!m)
		return JSON_ABSENT;
	int quote = m->type == JSMN_STRING;
	*out = (struct slice){ j->text.p + m->start - quote, (size_t)(m->end - m->start + 2 * quote) };
	return JSON_FOUND;
}

/* ---- the writer -------------------------------------------------------- */

static void quote_control(struct buf *b, char c)
{
	uint8_t byte = (uint8_t)c;
	buf_s(b, "\\u00");
	buf_hex_bytes(b, &byte, 1);
}

/* Only the quote, the backslash and control characters are escaped (RFC 8259, 7). */
static void quote_ascii(struct buf *b, char c)
{
	for (const char *e = escapes + 2; *e; e += 2)
		if (e[1] == c) {
			buf_c(b, '\\');
			buf_c(b, *e);
			return;
		}
	quote_control(b, c);
}

/* How many bytes at the beginning are ASCII that is written as it is. */
static size_t plain_span(struct slice s)
{
	struct reader r = { .p = s.p, .end = s.p + s.n };
	while (peek(&r) < 0x80 && peek(&r) >= ' ' && *r.p != '"' && *r.p != '\\')
		r.p++;
	return (size_t)(r.p - s.p);
}

/* Writes what is at the beginning and isn't plain; returns its bytes. */
static size_t quote_front(struct buf *b, struct slice s)
{
	struct slice front = slice_utf8_front(s);
	if (front.n == 1)
		quote_ascii(b, *front.p);
	else if (front.n)
		buf_add(b, front);
	else
		buf_s(b, "\xef\xbf\xbd"); /* U+FFFD */
	return front.n ? front.n : 1;
}

void json_quote(struct buf *b, struct slice s)
{
	buf_c(b, '"');
	while (s.n) {
		size_t n = plain_span(s);
		if (n)
			buf_add(b, (struct slice){ s.p, n });
		else
			n = quote_front(b, s);
		s = slice_from(s, n);
	}
	buf_c(b, '"');
}

static struct buf *next(struct jw *w)
{
	if (w->comma)
		buf_c(w->out, ',');
	w->comma = true;
	return w->out;
}

struct jw *jw_open(struct jw *w, char bracket)
{
	buf_c(next(w), bracket);
	w->closing[w->depth++] = bracket == '{' ? '}' : ']';
	w->comma = false;
	return w;
}

struct jw *jw_close(struct jw *w)
{
	buf_c(w->out, w->closing[--w->depth]);
	w->comma = true;
	return w;
}

struct jw *jw_name(struct jw *w, const char *name)
{
	jw_plain(w, slice_of(name));
	buf_c(w->out, ':');
	w->comma = false;
	return w;
}

struct jw *jw_text(struct jw *w, struct slice text)
{
	json_quote(next(w), text);
	return w;
}

struct jw *jw_int(struct jw *w, int64_t value)
{
	buf_int(next(w), value);
	return w;
}

struct jw *jw_raw(struct jw *w, struct slice json)
{
	buf_add(next(w), json);
	return w;
}

struct jw *jw_plain(struct jw *w, struct slice text)
{
	char *at = buf_more(next(w), text.n + 2);
	at[0] = at[text.n + 1] = '"';
	if (text.n)
		memcpy(at + 1, text.p, text.n);
	return w;
}

struct jw *jw_id(struct jw *w, uint64_t id)
{
	struct buf *b = next(w);
	buf_c(b, '"');
	buf_hex(b, id);
	buf_c(b, '"');
	return w;
}

struct jw *jw_list(struct jw *w, struct slice texts)
{
	jw_open(w, '[');
	while (texts.n)
		jw_text(w, slice_cut(&texts, ','));
	return jw_close(w);
}

struct jw *jw_bool(struct jw *w, bool value)
{
	return jw_raw(w, value ? S("true") : S("false"));
}

struct jw *jw_null(struct jw *w)
{
	return jw_raw(w, S("null"));
}
