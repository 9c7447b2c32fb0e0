/*
 * rows: see rows.h. No cell is ever left out of a row: a table's columns
 * stand still and a program may rely on every name.
 */
#include "operator/rows.h"

#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "json.h"

/*
 * What is written at once. The room holds that and the longest row (a
 * subscription of LIMIT_SUBSCRIPTION bytes and a few texts, escaped), so that
 * it never has to grow, which it mustn't behind a caller's arena_mark().
 */
enum { ROWS_ENOUGH = 4096, ROWS_ROOM = 16384 };

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

bool rows_flush(struct rows *r)
{
	bool good = write_all(STDOUT_FILENO, buf_slice(&r->out));
	r->out.n = 0;
	return good;
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
	if (r->form != ROWS_TABLE)
		buf_c(&r->out, '{');
	r->cells = 0;
}

void rows_close(struct rows *r)
{
	struct buf *b = &r->out;
	while (r->form == ROWS_TABLE && b->n && b->p[b->n - 1] == ' ')
		b->n--;
	if (r->form != ROWS_TABLE)
		buf_c(b, '}');
	if (r->form != ROWS_JSON)
		buf_c(b, '\n');
	r->count += !r->heading;
	r->heading = false;
	if (b->n > ROWS_ENOUGH)
		rows_flush(r);
}

/* ---- cells ------------------------------------------------------------- */

/* Begins a cell. True where its value is to follow. */
static bool cell(struct rows *r, const char *name, size_t width)
{
	bool first = r->cells++ == 0;
	if (r->heading) {
		size_t from = r->out.n;
		for (; *name; name++)
			buf_c(&r->out, *name >= 'a' ? (char)(*name - 'a' + 'A') : *name);
		buf_pad(&r->out, from, width);
		buf_s(&r->out, "  ");
		return false;
	}
	if (r->form != ROWS_TABLE) {
		buf_s(&r->out, first ? "" : ",");
		json_quote(&r->out, slice_of(name));
		buf_c(&r->out, ':');
	}
	return true;
}

/* Ends a cell that began at byte `from`. */
static void cell_end(struct rows *r, size_t from, size_t width)
{
	if (r->form != ROWS_TABLE)
		return;
	buf_pad(&r->out, from, width);
	buf_s(&r->out, "  ");
}

/* No escape sequence: neither C0, nor DEL, nor C1 in UTF-8 or raw. */
static void add_harmless(struct buf *b, struct slice s)
{
	bool utf8 = slice_is_utf8(s);
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bool c1 = utf8 && c == 0xc2 && (unsigned char)s.p[i + 1] < 0xa0;
		bool plain = c >= ' ' && c != 0x7f && (c < 0x80 || utf8) && !c1;
		buf_c(b, plain ? s.p[i] : '?');
		i += c1;
	}
}

void rows_text(struct rows *r, const char *name, size_t width, struct slice text)
{
	if (!cell(r, name, width))
		return;
	size_t from = r->out.n;
	if (r->form != ROWS_TABLE)
		json_quote(&r->out, text);
	else
		add_harmless(&r->out, text.n || width == 0 ? text : S("-"));
	cell_end(r, from, width);
}

void rows_int(struct rows *r, const char *name, size_t width, int64_t value)
{
	if (!cell(r, name, width))
		return;
	size_t from = r->out.n;
	buf_int(&r->out, value);
	cell_end(r, from, width);
}

void rows_id(struct rows *r, const char *name, uint64_t id)
{
	if (!cell(r, name, 16))
		return;
	size_t from = r->out.n;
	const char *quote = r->form == ROWS_TABLE ? "" : "\"";
	if (id) {
		buf_s(&r->out, quote);
		buf_hex(&r->out, id);
		buf_s(&r->out, quote);
	} else {
		buf_s(&r->out, r->form == ROWS_TABLE ? "-" : "null");
	}
	cell_end(r, from, 16);
}

static void add_digits(struct buf *b, int value, char behind)
{
	buf_c(b, (char)('0' + value / 10 % 10));
	buf_c(b, (char)('0' + value % 10));
	buf_c(b, behind);
}

void rows_add_time(struct buf *b, int64_t time)
{
	struct tm tm = { 0 };
	time_t t = (time_t)time;
	gmtime_r(&t, &tm);
	buf_int(b, tm.tm_year + 1900);
	buf_c(b, '-');
	add_digits(b, tm.tm_mon + 1, '-');
	add_digits(b, tm.tm_mday, 'T');
	add_digits(b, tm.tm_hour, ':');
	add_digits(b, tm.tm_min, ':');
	add_digits(b, tm.tm_sec, 'Z');
}

void rows_time(struct rows *r, const char *name, int64_t time)
{
	if (!cell(r, name, 20))
		return;
	size_t from = r->out.n;
	if (time == 0)
		buf_s(&r->out, r->form == ROWS_TABLE ? "-" : "null");
	else if (r->form == ROWS_TABLE)
		rows_add_time(&r->out, time);
	else
		buf_int(&r->out, time);
	cell_end(r, from, 20);
}

void rows_flag(struct rows *r, const char *name, bool value)
{
	if (!cell(r, name, 8))
		return;
	size_t from = r->out.n;
	if (r->form == ROWS_TABLE)
		buf_s(&r->out, value ? "yes" : "no");
	else
		buf_s(&r->out, value ? "true" : "false");
	cell_end(r, from, 8);
}

void rows_json(struct rows *r, const char *name, size_t width, struct slice json)
{
	if (!cell(r, name, width))
		return;
	size_t from = r->out.n;
	if (r->form == ROWS_TABLE)
		add_harmless(&r->out, json);
	else
		buf_add(&r->out, json.n ? json : S("null"));
	cell_end(r, from, width);
}
