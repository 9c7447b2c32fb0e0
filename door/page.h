/*
 * page: writes HTML.
 *
 * A page is made of pieces of markup that stand in the source, in which braces have places for words and values:
 *
 *     PAGE_FILL(p, "<p>{signed_in_as}</p><a href=\"{2}\">{go_on}</a>", name, target);
 *
 * {sign_in} is a word (words.h), {1} a value, {brand} the operator's name for the place. All three are escaped, for text and for an attribute in
 * double quotes alike; in other places (a script, a style, an attribute without quotes) none may stand, and there is no
 * way to write a value unescaped. Words may hold places of values in turn.
 *
 * Pages have no script and no style in them; their policy forbids both. A page may have a file with a script beside it, without
 * which it must work as well.
 */
#ifndef PAGE_H
#define PAGE_H

#include "base/base.h"
#include "door/words.h"
#include "http_reply.h"

struct page {
	struct reply *rp;
	const struct language *language;
	struct slice brand;             /* UTF-8 */
	struct slice sheet, colour;     /* where the style sheets are, relative to the page */
	struct slice script;            /* the same of its script; empty: none, and then its policy allows none */
	bool asks;                      /* which may send requests to this host */
	bool opened;                    /* it may be in a window that another page opened, which keeps its hold of it */
	int64_t time;                   /* the request's, Unix seconds: what is shown as "3 min ago" is reckoned from it */
};

/* Writes markup whose values are values[0] to values[count - 1]. Borrows. */
void page_write(struct page *p, const char *markup, const struct slice *values, size_t count);
/* The same without values. */
void page_add(struct page *p, const char *markup);
#define PAGE_ADD(p, markup) page_add(p, "" markup)
#define PAGE_FILL(p, markup, ...) page_write(p, "" markup, (const struct slice[]){ __VA_ARGS__ }, \
	sizeof((const struct slice[]){ __VA_ARGS__ }) / sizeof(struct slice))

/* A word's text without its values, to be a value itself. Borrows. */
struct slice page_word(const struct page *p, enum word word);
/* The same with its values in their places, in the arena. */
struct slice page_filled(const struct page *p, enum word word, const struct slice *values, size_t count);
/* How long to wait: "20 s", "5 min", rounded up. In the arena. */
struct slice page_wait(int64_t seconds);
/* Writes how long ago a time was, Unix seconds, as <time>. */
void page_ago(struct page *p, int64_t time);

/*
 * Sets status, type and headers of the answer and writes the page up to its content. form_to: an origin that the page's form
 * may be redirected to beside this one (a browser asks form-action for redirects, too); empty: none. It is an origin as
 * config.c takes one.
 */
void page_begin(struct page *p, int status, enum word title, struct slice form_to);
void page_end(struct page *p);

#endif
