/*
 * json: reads and writes JSON (RFC 8259).
 *
 * What is JSON is read once, by the grammar; where the values and names lie is marked.
 */
#ifndef JSON_H
#define JSON_H

#include "base/base.h"

/* A text that was recognised. Borrows the text; its marks lie in the arena. */
struct json {
	struct slice text;
	const struct json_mark *mark;
	int marks;
};

enum json_verdict {
	JSON_VALID,
	JSON_MALFORMED,     /* not one RFC 8259 text in UTF-8, a name twice in one object, or deeper than LIMIT_DEPTH */
	JSON_TOO_MANY       /* JSON, but of more than LIMIT_TOKENS values and names */
};

/* Reads text. Unless the verdict is JSON_VALID, *out is untouched. */
enum json_verdict json_read(struct slice text, struct json *out);

/* Whether the text's only value is an object. */
bool json_is_object(const struct json *j);

/*
 * The text itself, where it is an object by json_read(), else "null": what is written as it stands, though a row that
 * something else has changed may hold any text. Borrows the text.
 */
struct slice json_object_or_null(struct slice text);

enum json_found {
	JSON_ABSENT,        /* no such member of the top object, or it is null */
	JSON_WRONG_TYPE,
	JSON_FOUND
};

/*
 * A member of the top object, by name (compared after unescaping).
 * Only on JSON_FOUND is *out written.
 *  json_string: unescaped, in the arena where escapes were, else borrowed;
 *               may hold NUL bytes.
 *  json_int:    an integer literal: no fraction, no exponent, no "-0",
 *               within [min, max]; else JSON_WRONG_TYPE. -2^63 is out of reach.
 *  json_bool:   true or false.
 *  json_list:   an array of texts, none empty and none with a comma: with commas between them, in the arena. It may be empty.
 *  json_raw:    any value, as its text stands. Borrows.
 */
enum json_found json_string(const struct json *j, const char *name, struct slice *out);
enum json_found json_int(const struct json *j, const char *name, int64_t min, int64_t max, int64_t *out);
enum json_found json_bool(const struct json *j, const char *name, bool *out);
enum json_found json_list(const struct json *j, const char *name, struct slice *out);
enum json_found json_raw(const struct json *j, const char *name, struct slice *out);

/*
 * The writer appends JSON to a buffer, value by value. It writes the commas and the closing
 * brackets; the caller writes a name before each value of an object, and nowhere else: as an
 * argument of what is written most, by jw_name() before the others. A writer begins as
 * {.out = &buf}. Each function returns w, so that a member is one line:
 *
 *     jw_open(w, '{');
 *     jw_int(w, "time", time);
 *     jw_bool(jw_name(w, "late"), false);
 *     jw_close(w);
 */
struct jw {
	struct buf *out;
	bool comma;         /* a comma comes before the next value or name */
	unsigned depth;     /* open brackets, at most LIMIT_DEPTH */
	char closing[LIMIT_DEPTH];
};

struct jw *jw_open(struct jw *w, char bracket);     /* '{' or '[' */
struct jw *jw_close(struct jw *w);                  /* closes the bracket that was opened last */
struct jw *jw_name(struct jw *w, const char *name); /* nothing in it needs an escape; NULL: none is written */
struct jw *jw_text(struct jw *w, const char *name, struct slice text);
struct jw *jw_int(struct jw *w, const char *name, int64_t value);
struct jw *jw_id(struct jw *w, const char *name, uint64_t id);  /* 16 digits, as a string */
struct jw *jw_list(struct jw *w, const char *name, struct slice texts); /* an array of the texts between commas; empty: of none */
struct jw *jw_bool(struct jw *w, bool value);
struct jw *jw_null(struct jw *w);
/* Appends a JSON text as it is. */
struct jw *jw_raw(struct jw *w, struct slice json);
/* Appends a string in which nothing needs an escape: a token, a word of ours. */
struct jw *jw_plain(struct jw *w, const char *name, struct slice text);

/* Appends s as a JSON string, with its quotes. s should be UTF-8: a byte that isn't becomes
 * U+FFFD, so that the output is always JSON. */
void json_quote(struct buf *b, struct slice s);

#endif
