/*
 * rows_test: each kind of cell in each form, and what no terminal may be sent.
 */
#include "t.h"

#include "operator/rows.h"

#include <fcntl.h>

static void all_cells(struct rows *r, bool empty)
{
	rows_open(r);
	rows_text(r, "text", 6, empty ? SLICE_NONE : S("a\"b"));
	rows_int(r, "int_of", 4, empty ? 0 : -7);
	rows_id(r, "id", empty ? 0 : 0xab);
	rows_time(r, "time", empty ? 0 : 1764547205);
	rows_flag(r, "flag", !empty);
	rows_json(r, "json", 4, empty ? SLICE_NONE : S("{\"a\":[]}"));
	rows_text(r, "last", 0, empty ? SLICE_NONE : S("end"));
	rows_close(r);
}

static void print(void *form)
{
	struct rows r;
	rows_begin(&r, *(enum rows_form *)form);
	if (rows_heading(&r))
		all_cells(&r, true);
	all_cells(&r, false);
	all_cells(&r, true);
	_exit(rows_end(&r) ? 0 : 1);
}

static void print_none(void *form)
{
	struct rows r;
	rows_begin(&r, *(enum rows_form *)form);
	rows_heading(&r);
	_exit(rows_end(&r) ? 0 : 1);
}

#define FULL "{\"text\":\"a\\\"b\",\"int_of\":-7,\"id\":\"00000000000000ab\",\"time\":1764547205,\"flag\":true,\"json\":{\"a\":[]},\"last\":\"end\"}"
#define BARE "{\"text\":\"\",\"int_of\":0,\"id\":null,\"time\":null,\"flag\":false,\"json\":null,\"last\":\"\"}"

static void forms(void)
{
	static const struct { const char *name; enum rows_form form; const char *rows, *none; } cases[] = {
		{ "a table", ROWS_TABLE,
			"TEXT    INT_OF  ID                TIME                  FLAG      JSON  LAST\n"
			"a\"b     -7    00000000000000ab  2025-12-01T00:00:05Z  yes       {\"a\":[]}  end\n"
			"-       0     -                 -                     no        -\n", "" },
		{ "JSON", ROWS_JSON, "[\n" FULL ",\n" BARE "\n]\n", "[]\n" },
		{ "lines", ROWS_LINES, FULL "\n" BARE "\n", "" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		enum rows_form form = cases[i].form;
		is_int(dies(print, &form), 0, "%s", cases[i].name);
		is_str(t_out, cases[i].rows, "%s: of two rows", cases[i].name);
		dies(print_none, &form);
		is_str(t_out, cases[i].none, "%s: of none", cases[i].name);
	}
}

static void print_text(void *text)
{
	struct rows r;
	rows_begin(&r, ROWS_TABLE);
	rows_open(&r);
	rows_text(&r, "text", 0, *(struct slice *)text);
	rows_close(&r);
	_exit(rows_end(&r) ? 0 : 1);
}

static void harmless(void)
{
	static const struct { struct slice text; const char *shown; } cases[] = {
		{ { "caf\xc3\xa9 ~", 7 }, "caf\xc3\xa9 ~\n" },
		{ { "\x1b[2J\r\n\0\x7f", 8 }, "?[2J????\n" },
		{ { "\xc2\x9b" "1m\xc2\xa0.", 7 }, "?1m\xc2\xa0.\n" },
		{ { "\x9b" "1m\xc3", 4 }, "?1m?\n" },
		{ { "", 0 }, "\n" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct slice text = cases[i].text;
		is_int(dies(print_text, &text), 0, "a text");
		is_str(t_out, cases[i].shown, "no terminal is driven by it: %zu", i);
	}
}

/* More than is written at once, in rows that each fit. */
static void print_many(void *unused)
{
	struct rows r;
	(void)unused;
	rows_begin(&r, ROWS_TABLE);
	for (int i = 0; i < 100; i++)
		all_cells(&r, false);
	bool some_out = r.out.n < 4096 + 128 && r.out.room == 16384;
	_exit(rows_end(&r) && some_out ? 0 : 1);
}

static void print_in_vain(void *unused)
{
	struct rows r;
	(void)unused;
	close(STDOUT_FILENO);
	rows_begin(&r, ROWS_JSON);
	_exit(rows_end(&r) ? 0 : 1);
}

int main(void)
{
	size_t lines = 0;
	forms();
	harmless();
	is_int(dies(print_many, NULL), 0, "many rows leave before the end, and need no more room");
	for (const char *p = t_out; (p = strchr(p, '\n')); p++)
		lines++;
	is_int(lines, 100, "all of them");
	is_int(dies(print_in_vain, NULL), 1, "a stdout that takes nothing is told");
	return done_testing();
}
