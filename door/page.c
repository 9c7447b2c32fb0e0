/*
 * page: see page.h.
 */
#include "door/page.h"

/* ---- escaping ---------------------------------------------------------- */

static const char *entity_of(char c)
{
	static const struct { char c; const char *entity; } entities[] = {
		{ '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" }, { '\'', "&#39;" }
	};
	for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
		if (entities[i].c == c)
			return entities[i].entity;
	return NULL;
}

/* A control character has no business in a page (HTML, 13.2.3.5): it is shown as what it is, one that can't be shown. */
static void put_char(struct buf *b, char c)
{
	const char *entity = entity_of(c);
	if (entity)
		buf_s(b, entity);
	else if ((unsigned char)c < ' ' || c == 0x7f)
		buf_s(b, "\xEF\xBF\xBD");
	else
		buf_c(b, c);
}

static void put_text(struct buf *b, struct slice text)
{
	for (size_t i = 0; i < text.n; i++)
		put_char(b, text.p[i]);
}

/* ---- markup with its places -------------------------------------------- */

/* The values that stand in the places of a piece. */
struct filling {
	const struct slice *values;
	size_t count;
};

static enum word word_named(struct slice key)
{
	int word = 0;
	while (word < WORD__MAX && !slice_is(key, slice_of(word_keys[word])))
		word++;
	return (enum word)word;
}

/* In a word: {1} and {2} alone. */
static void put_word(struct page *p, struct slice text, const struct filling *f)
{
	while (text.p) {
		int64_t number;
		put_text(&p->rp->body, slice_cut(&text, '{'));
		if (text.p && parse_number(slice_cut(&text, '}'), 1, (int64_t)f->count, &number))
			put_text(&p->rp->body, f->values[number - 1]);
	}
}

static void put_place(struct page *p, struct slice key, const struct filling *f)
{
	int64_t number;
	enum word word = word_named(key);
	if (word < WORD__MAX)
		put_word(p, page_word(p, word), f);
	else if (parse_number(key, 1, (int64_t)f->count, &number))
		put_text(&p->rp->body, f->values[number - 1]);
	else
		put_text(&p->rp->body, p->brand);       /* {brand} */
}

void page_write(struct page *p, const char *markup, const struct slice *values, size_t count)
{
	const struct filling f = { values, count };
	struct slice rest = slice_of(markup);
	while (rest.p) {
		buf_add(&p->rp->body, slice_cut(&rest, '{'));
		if (rest.p)
			put_place(p, slice_cut(&rest, '}'), &f);
	}
}

struct slice page_word(const struct page *p, enum word word)
{
	return slice_of(p->language->text[word]);
}

/* ---- the frame --------------------------------------------------------- */

/* Why same-origin and not no-referrer: under that a browser says "Origin: null" of our own forms. */
static void put_headers(struct reply *rp, struct slice form_to)
{
	reply_header(rp, "Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'",
		form_to.n ? " " : "", slice_text(form_to), "; base-uri 'none'; frame-ancestors 'none'", NULL);
	reply_header(rp, "Referrer-Policy", "same-origin", NULL);
	reply_header(rp, "Cross-Origin-Opener-Policy", "same-origin", NULL);
}

void page_begin(struct page *p, int status, enum word title, struct slice form_to)
{
	p->rp->status = status;
	p->rp->type = "text/html; charset=utf-8";
	put_headers(p->rp, form_to);
	PAGE_FILL(p, "<!doctype html>\n<html lang=\"{1}\">\n<head>\n<meta charset=\"utf-8\">\n<title>{2} · {brand}</title>\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
		"<meta name=\"robots\" content=\"noindex\">\n<link rel=\"icon\" href=\"data:,\">\n<link rel=\"stylesheet\" href=\"{3}\">\n</head>\n"
		"<body>\n<header><svg viewBox=\"0 0 32 32\" aria-hidden=\"true\"><circle cx=\"11\" cy=\"16\" r=\"5\"/><path d=\"M16 16h10v4m-5-4v3\"/></svg>"
		"<span>{brand}</span></header>\n<main>\n",
		slice_of(p->language->tag), page_word(p, title), slice_of(p->style));
}

void page_end(struct page *p)
{
	PAGE_ADD(p, "</main>\n</body>\n</html>\n");
}
