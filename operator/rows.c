/*
 * rows: see rows.h. Every row has all its cells: so the columns of a table stay in their places, and a program that
 * reads the JSON finds every name.
 */
#include "operator/rows.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "json.h"

/*
 * Once ROWS_ENOUGH bytes are in the buffer they are written. The buffer holds those and the longest row (a user's: a
 * subscription of LIMIT_SUBSCRIPTION bytes, a profile, a hash and a name, each byte of them escaped). So it never grows: the memory that it grew into
 * would be freed by the caller's arena_back().
 */
enum { ROWS_ENOUGH = 4096, ROWS_ROOM = 24576 };
/* Columns of a table's cells whose width their kind gives. */
enum { ID_WIDTH = 16, TIME_WIDTH = 20, FLAG_WIDTH = 8 };

void rows_begin(struct rows *r, enum rows_form form)
{
	*r = (struct rows){ .form = form, .out = { arena(ROWS_ROOM), 0, ROWS_ROOM } };
	if (form == ROWS_JSON)
		buf_c(&r->out, '[');
}

bool rows_heading(struct rows *r)
{
	r->heading = r->form == ROWS_TABLE;
	return r->heading;
}

bool rows_print(struct slice text)
{
	if (write_all(STDOUT_FILENO, text))
		return true;
	if (errno != EPIPE)
		log_line("RO1", "cannot write to stdout: ", strerror(errno), NULL);
	return false;
}

/* After a piece that is missing no other is written: who reads it is to see that it ends there. */
bool rows_flush(struct rows *r)
{
	r->broken = r->broken || !rows_print(buf_slice(&r->out));
	r->out.n = 0;
	return !r->broken;
}

bool rows_end(struct rows *r)
{
	if (r->form == ROWS_JSON)
		buf_s(&r->out, r->count ? "\n]\n" : "]\n");
	return rows_flush(r);
}

void rows_open(struct rows *r)
{
	if (r->form == ROWS_JSON)
		buf_s(&r->out, r->count ? ",\n" : "\n");
	r->json = (struct jw){ .out = &r->out };
	if (r->form != ROWS_TABLE)
		jw_open(&r->json, '{');
}

void rows_close(struct rows *r)
{
	struct buf *b = &r->out;
	while (r->form == ROWS_TABLE && b->n && b->p[b->n - 1] == ' ')
		b->n--;
	if (r->form != ROWS_TABLE)
		jw_close(&r->json);
	if (r->form != ROWS_JSON)
		buf_c(b, '\n');
	r->count += !r->heading;
	r->heading = false;
	if (b->n > ROWS_ENOUGH)
		rows_flush(r);
}

/* ---- cells ------------------------------------------------------------- */

/*
 * Characters that a terminal obeys, that turn the order of what follows, or that end a line: C0, DEL and C1, the marks,
 * embeddings, overrides and isolates of Unicode's bidirectional algorithm (UAX #9), and its line separators.
 */
static const uint16_t unwanted[][2] = {
	{ 0x00, 0x1f }, { 0x7f, 0x9f }, { 0x61c, 0x61c }, { 0x200e, 0x200f }, { 0x2028, 0x202e }, { 0x2066, 0x2069 },
};

static bool is_unwanted(unsigned c)
{
	size_t i = 0, n = sizeof unwanted / sizeof *unwanted;
	while (i < n && (c < unwanted[i][0] || c > unwanted[i][1]))
		i++;
	return i < n;
}

/* The first character of a text in UTF-8, and how many bytes it has. */
static unsigned first_character(const char *p, size_t *n)
{
	unsigned c = (unsigned char)*p;
	*n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	c &= *n == 1 ? 0x7f : 0x7fu >> *n;
	for (size_t i = 1; i < *n; i++)
		c = c << 6 | ((unsigned char)p[i] & 0x3f);
	return c;
}

static void add_replacement(struct buf *b, unsigned c, bool in_json)
{
	const uint8_t code[] = { (uint8_t)(c >> 8), (uint8_t)c };
	buf_s(b, in_json ? "\\u" : "?");
	if (in_json)
		buf_hex_bytes(b, code, sizeof code);
}

/*
 * Adds a text, in which `?` stands for each unwanted character, and for each byte above ASCII where it isn't UTF-8. Or
 * adds JSON, in which they are escaped, so that programs read the same text; white space between its values stays.
 */
static void add_harmless(struct buf *b, struct slice s, bool json)
{
	bool utf8 = slice_is_utf8(s);
	for (size_t i = 0, n = 1; i < s.n; i += n) {
		unsigned c = utf8 ? first_character(s.p + i, &n) : (unsigned char)s.p[i];
		bool plain = (utf8 || c < 0x80) && !is_unwanted(c);
		if (plain || (json && c < ' '))
			buf_add(b, (struct slice){ s.p + i, n });
		else
			add_replacement(b, c, json);
	}
}

/* In JSON writes the member's name, and its value is to follow. */
static bool in_json(struct rows *r, const char *name)
{
	if (r->form == ROWS_TABLE)
		return false;
	jw_name(&r->json, name);
	return true;
}

static void add_upper(struct buf *b, const char *name)
{
	for (; *name; name++)
		buf_c(b, *name >= 'a' ? (char)(*name - 'a' + 'A') : *name);
}

/* A cell of a table: in its heading the name, below it the text. */
static void put_cell(struct rows *r, const char *name, size_t width, struct slice text)
{
	struct buf *b = &r->out;
	size_t from = b->n;
	if (r->heading)
		add_upper(b, name);
	else
		add_harmless(b, text.n || width == 0 ? text : S("-"), false);
	buf_pad(b, from, width);
	buf_s(b, "  ");
}

void rows_text(struct rows *r, const char *name, size_t width, struct slice text)
{
	struct buf quoted = { 0 };
	if (r->form == ROWS_TABLE) {
		put_cell(r, name, width, text);
	} else {
		json_quote(&quoted, text);
		rows_json(r, name, width, buf_slice(&quoted));
	}
}

void rows_list(struct rows *r, const char *name, size_t width, struct slice names)
{
	struct buf array = { 0 };
	struct jw w = { .out = &array };
	if (r->form == ROWS_TABLE) {
		put_cell(r, name, width, names);
	} else {
		jw_list(&w, NULL, names);
		rows_json(r, name, width, buf_slice(&array));
	}
}

void rows_int(struct rows *r, const char *name, size_t width, int64_t value)
{
	if (in_json(r, name))
		jw_int(&r->json, NULL, value);
	else
		put_cell(r, name, width, slice_of(dec(value)));
}

void rows_id(struct rows *r, const char *name, uint64_t id)
{
	struct buf text = { 0 };
	if (id)
		buf_hex(&text, id);
	if (!in_json(r, name))
		put_cell(r, name, ID_WIDTH, buf_slice(&text));
	else if (id)
		jw_id(&r->json, NULL, id);
	else
		jw_null(&r->json);
}

void rows_add_reach(struct buf *b, const char *what, int64_t count, int64_t since)
{
	buf_s(b, what);
	buf_s(b, ": ");
	buf_int(b, count);
	if (count == 0)
		return;
	buf_s(b, " since ");
	buf_time(b, since);
}

void rows_time(struct rows *r, const char *name, int64_t time)
{
	struct buf text = { 0 };
	if (time)
		buf_time(&text, time);
	if (!in_json(r, name))
		put_cell(r, name, TIME_WIDTH, buf_slice(&text));
	else if (time)
		jw_int(&r->json, NULL, time);
	else
		jw_null(&r->json);
}

void rows_flag(struct rows *r, const char *name, bool value)
{
	if (in_json(r, name))
		jw_bool(&r->json, value);
	else
		put_cell(r, name, FLAG_WIDTH, value ? S("yes") : S("no"));
}

void rows_json(struct rows *r, const char *name, size_t width, struct slice json)
{
	if (in_json(r, name))
		add_harmless(jw_raw(&r->json, SLICE_NONE)->out, json.n ? json : S("null"), true);
	else
		put_cell(r, name, width, json);
}
