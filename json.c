/*
 * json: see json.h for what each function promises.
 *
 * A text is read once, by recursive descent over the grammar of RFC 8259, section 2,
 * with one function for each production. The reader marks where values and names
 * lie, in the order in which they begin, and counts those beyond LIMIT_TOKENS; its
 * depth, and with that its stack, is bounded by LIMIT_DEPTH. The comparison of
 * names, quadratic in the number of marks, stays below LIMIT_TOKENS squared.
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

enum json_type { OBJECT, ARRAY, STRING, NAME, WORD /* a number, true, false or null */ };

/* A value, or the name of a member. The value of a member is the mark after its name. */
struct json_mark {
	uint8_t type;       /* enum json_type */
	bool escaped;       /* of a STRING or a NAME: it has a backslash */
	int16_t parent;     /* the mark of the object or array that it stands in; -1: none */
	int start, end;     /* bytes of the text; of a STRING or a NAME those between the quotes */
};

/* ---- the recogniser ---------------------------------------------------- */

struct reader {
	const char *p, *end;
	const char *text;   /* its first byte */
	struct json_mark *mark;
	size_t marks;       /* as many as there are, though only LIMIT_TOKENS are kept */
	int depth;
	int16_t parent;
};

/* The next mark. Those beyond the limit are all put into one place, and not looked at. */
static struct json_mark *next_mark(struct reader *r)
{
	size_t i = r->marks < LIMIT_TOKENS ? r->marks : LIMIT_TOKENS;
	r->marks++;
	r->mark[i] = (struct json_mark){ .start = (int)(r->p - r->text), .parent = r->parent };
	return &r->mark[i];
}

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

/* Whether eight bytes stand for themselves in a string. */
static bool are_plain(const char *p)
{
	uint64_t word;
	memcpy(&word, p, sizeof word);
	return !word_has_less(word, ' ') && !word_has(word, '"') && !word_has(word, '\\');
}

/* Bytes of a string that stand for themselves. */
static void plain(struct reader *r)
{
	const char *p = r->p;
	while (r->end - p >= 8 && are_plain(p))
		p += 8;
	while (p < r->end && (uint8_t)*p >= ' ' && *p != '"' && *p != '\\')
		p++;
	r->p = p;
}

/* A string, or with NAME a name. */
static bool string(struct reader *r, enum json_type type)
{
	struct json_mark *m = next_mark(r);
	if (!take(r, "\""))
		return false;
	m->type = (uint8_t)type;
	m->start++;
	for (plain(r); !take(r, "\""); plain(r), m->escaped = true)
		if (peek(r) < ' ' || !escape(r))        /* a control byte or the end */
			return false;
	m->end = (int)(r->p - r->text) - 1;
	return true;
}

static bool member(struct reader *r)
{
	space(r);
	if (!string(r, NAME))
		return false;
	space(r);
	return take(r, ":") && value(r);
}

/* Stands on the opening bracket. */
static bool list(struct reader *r, enum json_type type, bool (*item)(struct reader *), const char *close)
{
	struct json_mark *m = next_mark(r);
	int16_t parent = r->parent;
	m->type = (uint8_t)type;
	r->parent = (int16_t)(m - r->mark);
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
	r->parent = parent;
	m->end = (int)(r->p - r->text);
	return true;
}

static bool literal(struct reader *r)
{
	switch (peek(r)) {
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

static bool bare_value(struct reader *r)
{
	switch (peek(r)) {
	case '{':
		return list(r, OBJECT, member, "}");
	case '[':
		return list(r, ARRAY, value, "]");
	case '"':
		return string(r, STRING);
	default: {
		struct json_mark *m = next_mark(r);
		m->type = WORD;
		bool good = literal(r);
		m->end = (int)(r->p - r->text);
		return good;
	}
	}
}

/* Reads a value and the white space around it. */
static bool value(struct reader *r)
{
	space(r);
	if (!bare_value(r))
		return false;
	space(r);
	return true;
}

/* ---- marks ------------------------------------------------------------- */

static const struct json_mark *mark_of(const struct json *j, int i)
{
	return &j->mark[i];
}

static struct slice span(const struct json *j, const struct json_mark *m)
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
static struct slice meaning(const struct json *j, const struct json_mark *m)
{
	struct slice text = span(j, m);
	if (!m->escaped)
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

/* Whether the name at mark i comes again later in the same object. */
static bool named_again(const struct json *j, int i, const struct slice *name)
{
	for (int k = i + 1; k < j->marks; k++)
		if (name[k].p && mark_of(j, k)->parent == mark_of(j, i)->parent && slice_is(name[k], name[i]))
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
		if (mark_of(j, i)->type == NAME)
			name[i] = meaning(j, mark_of(j, i));
	for (int i = 1; unique && i < j->marks; i++)
		unique = !name[i].p || !named_again(j, i, name);
	arena_back(scratch);
	return unique;
}

/* Marks are kept by their number: most texts have a few. */
enum json_verdict json_read(struct slice text, struct json *out)
{
	static struct json_mark found[LIMIT_TOKENS + 1];
	struct reader r = { .p = text.p, .text = text.p, .mark = found, .parent = -1 };
	if (text.n == 0 || text.n > INT_MAX || !slice_is_utf8(text)) /* a mark's offsets are int */
		return JSON_MALFORMED;
	r.end = text.p + text.n;
	if (!value(&r) || r.p < r.end)
		return JSON_MALFORMED;
	if (r.marks > LIMIT_TOKENS)
		return JSON_TOO_MANY;
	struct json j = { .text = text, .mark = memcpy(arena(r.marks * sizeof *found), found, r.marks * sizeof *found), .marks = (int)r.marks };
	if (!names_unique(&j))
		return JSON_MALFORMED;
	*out = j;
	return JSON_VALID;
}

/* ---- getters ----------------------------------------------------------- */

bool json_is_object(const struct json *j)
{
	return mark_of(j, 0)->type == OBJECT;
}

struct slice json_object_or_null(struct slice text)
{
	struct json j;
	size_t mark = arena_mark();
	bool object = text.n && json_read(text, &j) == JSON_VALID && json_is_object(&j);
	arena_back(mark);
	return object ? text : S("null");
}

/* Whether a mark is that name. The arena is set back, since a request looks for a dozen names. */
static bool is_name(const struct json *j, const struct json_mark *m, struct slice name)
{
	size_t scratch = arena_mark();
	bool same = slice_is(meaning(j, m), name);
	if (m->escaped)
		arena_back(scratch);
	return same;
}

/* The mark of the member's value. NULL when there is no such member, or it is null. */
static const struct json_mark *find(const struct json *j, const char *name)
{
	const struct slice wanted = slice_of(name);
	for (int i = 1; i < j->marks; i++) {
		const struct json_mark *m = mark_of(j, i);
		if (m->type == NAME && m->parent == 0 && is_name(j, m, wanted))
			return m[1].type == WORD && slice_is(span(j, m + 1), S("null")) ? NULL : m + 1;
	}
	return NULL;
}

enum json_found json_string(const struct json *j, const char *name, struct slice *out)
{
	const struct json_mark *m = find(j, name);
	if (!m)
		return JSON_ABSENT;
	if (m->type != STRING)
		return JSON_WRONG_TYPE;
	*out = meaning(j, m);
	return JSON_FOUND;
}

enum json_found json_int(const struct json *j, const char *name, int64_t min, int64_t max, int64_t *out)
{
	const struct json_mark *m = find(j, name);
	int64_t n;
	if (!m)
		return JSON_ABSENT;
	struct slice text = span(j, m);
	bool minus = slice_starts(text, S("-"));
	if (m->type != WORD || !parse_number(slice_from(text, minus), minus, INT64_MAX, &n))
		return JSON_WRONG_TYPE;
	n = minus ? -n : n;
	if (n < min || n > max)
		return JSON_WRONG_TYPE;
	*out = n;
	return JSON_FOUND;
}

enum json_found json_bool(const struct json *j, const char *name, bool *out)
{
	const struct json_mark *m = find(j, name);
	if (!m)
		return JSON_ABSENT;
	bool yes = slice_is(span(j, m), S("true")), no = slice_is(span(j, m), S("false"));
	if (m->type != WORD || yes == no)
		return JSON_WRONG_TYPE;
	*out = yes;
	return JSON_FOUND;
}

/* The marks of an array's texts follow its own. */
enum json_found json_list(const struct json *j, const char *name, struct slice *out)
{
	const struct json_mark *m = find(j, name);
	struct buf joined = { 0 };
	if (!m)
		return JSON_ABSENT;
	if (m->type != ARRAY)
		return JSON_WRONG_TYPE;
	const int array = (int)(m - j->mark);
	for (int i = array + 1; i < j->marks && mark_of(j, i)->parent == array; i++) {
		struct slice text = mark_of(j, i)->type == STRING ? meaning(j, mark_of(j, i)) : SLICE_NONE;
		if (text.n == 0 || memchr(text.p, ',', text.n))
			return JSON_WRONG_TYPE;
		if (joined.n)
			buf_c(&joined, ',');
		buf_add(&joined, text);
	}
	*out = buf_slice(&joined);
	return JSON_FOUND;
}

enum json_found json_raw(const struct json *j, const char *name, struct slice *out)
{
	const struct json_mark *m = find(j, name);
	if (!m)
		return JSON_ABSENT;
	int quote = m->type == STRING;
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

/* Room for what comes next, n bytes of it, after the comma if one is due. */
static char *room(struct jw *w, size_t n)
{
	char *at = buf_more(w->out, n + w->comma);
	if (w->comma)
		*at++ = ',';
	w->comma = true;
	return at;
}

static struct buf *next(struct jw *w)
{
	(void)room(w, 0);
	return w->out;
}

/* Writes text and its quotes; returns where they end. */
static char *put_plain(char *at, struct slice text)
{
	*at = at[text.n + 1] = '"';
	if (text.n)
		memcpy(at + 1, text.p, text.n);
	return at + text.n + 2;
}

struct jw *jw_open(struct jw *w, char bracket)
{
	*room(w, 1) = bracket;
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
	if (name) {
		struct slice text = slice_of(name);
		*put_plain(room(w, text.n + 3), text) = ':';
		w->comma = false;
	}
	return w;
}

struct jw *jw_text(struct jw *w, const char *name, struct slice text)
{
	json_quote(next(jw_name(w, name)), text);
	return w;
}

struct jw *jw_int(struct jw *w, const char *name, int64_t value)
{
	buf_int(next(jw_name(w, name)), value);
	return w;
}

struct jw *jw_raw(struct jw *w, struct slice json)
{
	buf_add(next(w), json);
	return w;
}

struct jw *jw_plain(struct jw *w, const char *name, struct slice text)
{
	(void)put_plain(room(jw_name(w, name), text.n + 2), text);
	return w;
}

struct jw *jw_id(struct jw *w, const char *name, uint64_t id)
{
	*room(jw_name(w, name), 1) = '"';
	buf_hex(w->out, id);
	buf_c(w->out, '"');
	return w;
}

struct jw *jw_list(struct jw *w, const char *name, struct slice texts)
{
	jw_open(jw_name(w, name), '[');
	while (texts.n)
		jw_text(w, NULL, slice_cut(&texts, ','));
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
