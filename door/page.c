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

/* What has no business in a page is shown as a character that can't be shown: a control character (HTML, 13.2.3.5), and a byte
 * that isn't UTF-8, as a browser may send in its User-Agent. */
static void put_char(struct buf *b, char c)
{
	const char *entity = entity_of(c);
	if (entity)
		buf_s(b, entity);
	else if ((unsigned char)c < ' ' || (unsigned char)c >= 0x7f)
		buf_s(b, "\xEF\xBF\xBD");
	else
		buf_c(b, c);
}

static void put_text(struct buf *b, struct slice text)
{
	while (text.n) {
		struct slice front = slice_utf8_front(text);
		if (front.n > 1)
			buf_add(b, front);
		else
			put_char(b, *text.p);
		text = slice_from(text, front.n ? front.n : 1);
	}
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
	for (const char *own = word_keys; word < WORD__MAX && !slice_is(key, slice_of(own)); word++)
		own += slice_of(own).n + 1;
	return (enum word)word;
}

void page_add(struct page *p, const char *markup)
{
	page_write(p, markup, &SLICE_NONE, 0);
}

struct slice page_word(const struct page *p, enum word word)
{
	return slice_of(p->language->text[word]);
}

/* In a word there are {1} and {2} alone. */
struct slice page_filled(const struct page *p, enum word word, const struct slice *values, size_t count)
{
	struct slice text = page_word(p, word);
	struct buf b = { 0 };
	while (text.p) {
		int64_t number;
		buf_add(&b, slice_cut(&text, '{'));
		if (text.p && parse_number(slice_cut(&text, '}'), 1, (int64_t)count, &number))
			buf_add(&b, values[number - 1]);
	}
	return buf_slice(&b);
}

static void put_place(struct page *p, struct slice key, const struct filling *f)
{
	int64_t number;
	enum word word = word_named(key);
	if (word < WORD__MAX)
		put_text(&p->rp->body, page_filled(p, word, f->values, f->count));
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

/* ---- times ------------------------------------------------------------- */

struct slice page_wait(int64_t seconds)
{
	return slice_of(seconds < 100 ? text_join(dec(seconds), " s", NULL) : text_join(dec((seconds + 59) / 60), " min", NULL));
}

/* A clock that was wrong may have dated it ahead. */
void page_ago(struct page *p, int64_t time)
{
	static const struct { int64_t below, unit; enum word word; } ages[] = {
		{ 60, 1, WORD_just_now }, { 3600, 60, WORD_minutes_ago }, { 86400, 3600, WORD_hours_ago },
		{ 2 * 86400, 86400, WORD_day_ago }, { INT64_MAX, 86400, WORD_days_ago }
	};
	int64_t age = p->time - time;
	size_t i = 0;
	while (age >= ages[i].below)
		i++;
	const struct slice count = slice_of(dec(age / ages[i].unit)), at = iso_time(time);
	PAGE_FILL(p, "<time datetime=\"{1}\" title=\"{1}\">{2}</time>", at, page_filled(p, ages[i].word, &count, 1));
}

/* ---- the frame --------------------------------------------------------- */

/* Why same-origin and not no-referrer: under that a browser says "Origin: null" of our own forms. */
static void put_headers(const struct page *p, struct slice form_to)
{
	struct reply *rp = p->rp;
	reply_header(rp, "Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'",
		form_to.n ? " " : "", slice_text(form_to), "; base-uri 'none'; frame-ancestors 'none'", p->script.n ? "; script-src 'self'" : "",
		p->asks ? "; connect-src 'self'" : "", NULL);
	reply_header(rp, "Referrer-Policy", "same-origin", NULL);
	if (!p->opened)
		reply_header(rp, "Cross-Origin-Opener-Policy", "same-origin", NULL);
}

void page_begin(struct page *p, int status, enum word title, struct slice form_to)
{
	p->rp->status = status;
	p->rp->type = "text/html; charset=utf-8";
	put_headers(p, form_to);
	PAGE_FILL(p, "<!doctype html>\n<html lang=\"{1}\">\n<head>\n<meta charset=\"utf-8\">\n<title>{2} · {brand}</title>\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
		"<meta name=\"robots\" content=\"noindex\">\n<link rel=\"icon\" href=\"data:,\">\n<link rel=\"stylesheet\" href=\"{3}\">\n<link rel=\"stylesheet\" href=\"{4}\">\n",
		slice_of(p->language->tag), page_word(p, title), p->sheet, p->colour);
	if (p->script.n)
		PAGE_FILL(p, "<script src=\"{1}\" defer></script>\n", p->script);
	PAGE_ADD(p, "</head>\n<body>\n<header><svg viewBox=\"0 0 32 32\" aria-hidden=\"true\"><circle cx=\"11\" cy=\"16\" r=\"5\"/><path d=\"M16 16h10v4m-5-4v3\"/></svg>"
		"<span>{brand}</span></header>\n<main>\n");
}

void page_end(struct page *p)
{
	PAGE_ADD(p, "</main>\n</body>\n</html>\n");
}
