/*
 * rows_test: each kind of cell in each form, and what no terminal may be sent.
 */
#include "t.h"

#include "operator/rows.h"

#include <fcntl.h>
#include <signal.h>

static void all_cells(struct rows *r, bool empty)
{
	rows_open(r);
	rows_text(r, "text", 6, empty ? SLICE_NONE : S("a\"b"));
	rows_int(r, "int_of", 4, empty ? 0 : -7);
	rows_id(r, "id", empty ? 0 : 0xab);
	rows_time(r, "time", empty ? 0 : 1764547205);
	rows_flag(r, "flag", !empty);
	rows_list(r, "list", 4, empty ? SLICE_NONE : S("a,b"));
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

#define FULL "{\"text\":\"a\\\"b\",\"int_of\":-7,\"id\":\"00000000000000ab\",\"time\":1764547205,\"flag\":true,\"list\":[\"a\",\"b\"],\"json\":{\"a\":[]},\"last\":\"end\"}"
#define BARE "{\"text\":\"\",\"int_of\":0,\"id\":null,\"time\":null,\"flag\":false,\"list\":[],\"json\":null,\"last\":\"\"}"

static void forms(void)
{
	static const struct { const char *name; enum rows_form form; const char *rows, *none; } cases[] = {
		{ "a table", ROWS_TABLE,
			"TEXT    INT_OF  ID                TIME                  FLAG      LIST  JSON  LAST\n"
			"a\"b     -7    00000000000000ab  2025-12-01T00:00:05Z  yes       a,b   {\"a\":[]}  end\n"
			"-       0     -                 -                     no        -     -\n", "" },
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

struct shown {
	struct slice text;
	enum rows_form form;
	void (*cell)(struct rows *r, const char *name, size_t width, struct slice text);
};

static void print_text(void *shown)
{
	const struct shown *s = shown;
	struct rows r;
	rows_begin(&r, s->form);
	rows_open(&r);
	s->cell(&r, "text", 0, s->text);
	rows_close(&r);
	_exit(rows_end(&r) ? 0 : 1);
}

static void harmless(void)
{
	static const struct { struct slice text; const char *shown, *json; } cases[] = {
		{ { "caf\xc3\xa9 ~", 7 }, "caf\xc3\xa9 ~\n", "caf\xc3\xa9 ~" },
		{ { "\x1b[2J\r\n\0\x7f", 8 }, "?[2J????\n", "\\u001b[2J\\r\\n\\u0000\\u007f" },
		{ { "\xc2\x9b" "1m\xc2\xa0.", 7 }, "?1m\xc2\xa0.\n", "\\u009b1m\xc2\xa0." },
		{ { "\x9b" "1m\xc3", 4 }, "?1m?\n", "\xef\xbf\xbd" "1m\xef\xbf\xbd" },
		{ { "a\xe2\x80\xae" "cba\xe2\x80\xac", 10 }, "a?cba?\n", "a\\u202ecba\\u202c" },
		{ { "\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f\xe2\x80\xa8\xe2\x81\xa6\xe2\x81\xa9", 17 }, "??????\n",
			"\\u061c\\u200e\\u200f\\u2028\\u2066\\u2069" },
		{ { "\xe2\x80\x8d\xe2\x80\x90\xd8\x9b\xd8\x9d\xe2\x81\xaa\xf0\x9f\x98\x80", 17 },
			"\xe2\x80\x8d\xe2\x80\x90\xd8\x9b\xd8\x9d\xe2\x81\xaa\xf0\x9f\x98\x80\n",
			"\xe2\x80\x8d\xe2\x80\x90\xd8\x9b\xd8\x9d\xe2\x81\xaa\xf0\x9f\x98\x80" },
		{ { "", 0 }, "\n", "" },
	};
	static const struct slice raw = { "{\n\"a\": \"\xe2\x80\xae\xe2\x80\xac\"}", 16 };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct shown shown = { cases[i].text, ROWS_TABLE, rows_text };
		is_int(dies(print_text, &shown), 0, "a text");
		is_str(t_out, cases[i].shown, "no terminal is driven by it: %zu", i);
		shown.form = ROWS_LINES;
		dies(print_text, &shown);
		is_str(t_out, text_join("{\"text\":\"", cases[i].json, "\"}\n", NULL), "nor by its JSON: %zu", i);
	}
	dies(print_text, &(struct shown){ raw, ROWS_LINES, rows_json });
	is_str(t_out, "{\"text\":{\n\"a\": \"\\u202e\\u202c\"}}\n", "nor by JSON within JSON");
	dies(print_text, &(struct shown){ raw, ROWS_TABLE, rows_json });
	is_str(t_out, "{?\"a\": \"??\"}\n", "which is one line in a table");
}

/* More than is written at once, in rows that each fit. */
static void print_many(void *unused)
{
	struct rows r;
	(void)unused;
	rows_begin(&r, ROWS_TABLE);
	for (int i = 0; i < 90; i++)
		all_cells(&r, false);
	bool some_out = r.out.n < 4096 + 128 && r.out.room == 24576;
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

/* A first piece that doesn't get out; then there is room again. */
static void print_with_a_hole(void *unused)
{
	struct rows r;
	int out = dup(STDOUT_FILENO), none = open("/dev/null", O_RDONLY);
	(void)unused;
	dup2(none, STDOUT_FILENO);
	rows_begin(&r, ROWS_TABLE);
	for (int i = 0; i < 100 && !r.broken; i++)
		all_cells(&r, false);
	dup2(out, STDOUT_FILENO);
	all_cells(&r, false);
	_exit(!r.broken || rows_flush(&r) || rows_end(&r) ? 0 : 1);
}

/* The reader has gone. */
static void print_to_nobody(void *unused)
{
	struct rows r;
	int ends[2];
	(void)unused;
	signal(SIGPIPE, SIG_IGN);
	if (pipe(ends) || close(ends[0]))
		_exit(2);
	dup2(ends[1], STDOUT_FILENO);
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
	is_int(lines, 90, "all of them");
	is_int(dies(print_in_vain, NULL), 1, "a stdout that takes nothing is told");
	is_str(t_err, "latchkey: RO1: cannot write to stdout: Bad file descriptor\n", "once, and why");
	is_int(dies(print_with_a_hole, NULL), 1, "a piece that is missing in the middle, too");
	ok(*t_out == '\0' && strchr(t_err, '\n') == strrchr(t_err, '\n'), "nothing is written behind it, and it is said once");
	is_int(dies(print_to_nobody, NULL), 1, "so is a reader who has gone");
	is_str(t_err, "", "which is no trouble");
	return done_testing();
}
