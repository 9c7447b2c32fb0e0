/*
 * rows: a list that a verb prints, described once: a table for people, JSON for programs.
 *
 * The caller opens a row, adds its cells in order, and closes it. In a table times are UTC dates, an empty text, an id
 * of 0 and a time of 0 are `-` (nothing in the last column), and what could drive a terminal, or show a row in another
 * order, is `?`. In JSON that is escaped, times are Unix seconds, and an id or a time of 0 is null.
 */
#ifndef ROWS_H
#define ROWS_H

#include "base/base.h"
#include "json.h"

enum rows_form {
	ROWS_TABLE,
	ROWS_JSON,      /* one array */
	ROWS_LINES      /* one object a line: for output without an end */
};

struct rows {
	enum rows_form form;
	bool heading;           /* cells write their names */
	bool broken;            /* a piece of it couldn't be written: the rest isn't either */
	size_t count;           /* rows so far */
	struct jw json;         /* of this row */
	struct buf out;
};

/* Takes all its memory from the arena at once: call it before arena_mark(). */
void rows_begin(struct rows *r, enum rows_form form);
/* The next row is the table's heading. False in JSON: it has none. */
bool rows_heading(struct rows *r);
void rows_open(struct rows *r);
void rows_close(struct rows *r);
/* Ends the array and writes the rest. False when stdout couldn't be written, now or before. */
bool rows_end(struct rows *r);
/* Writes the rows so far. False as above. */
bool rows_flush(struct rows *r);
/* Writes text to stdout. False, with a line in the log, when that can't be written; without one where its reader has gone (`| head`). */
bool rows_print(struct slice text);

/* width: columns of the table's cell, which a longer text exceeds; 0 for the last cell. */
void rows_text(struct rows *r, const char *name, size_t width, struct slice text);
/* names: between commas. In JSON an array. */
void rows_list(struct rows *r, const char *name, size_t width, struct slice names);
void rows_int(struct rows *r, const char *name, size_t width, int64_t value);
void rows_id(struct rows *r, const char *name, uint64_t id);
void rows_time(struct rows *r, const char *name, int64_t time);
void rows_flag(struct rows *r, const char *name, bool value);
/* json: a JSON text, or empty for null. */
void rows_json(struct rows *r, const char *name, size_t width, struct slice json);


/* "refresh: 2048 since 2026-11-21T09:00:00Z": how far back a list of these reaches. */
void rows_add_reach(struct buf *b, const char *what, int64_t count, int64_t since);

#endif
