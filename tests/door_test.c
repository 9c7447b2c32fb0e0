/*
 * door_test: the pages for people, asked through route_answer() on a real store with a clock of the test's own: the words of
 * each language, the HTML writer, the style sheet, and every route with every error.
 */
#include "config.h"
#include "door/door.h"
#include "door/page.h"
#include "door/style.h"
#include "door/words.h"
#include "t.h"

#include <math.h>

static struct config config;
static struct keyring ring;
static struct request rq;
static struct reply rp;
static const struct request usual = {
	.below = true, .mount = { "/api/auth", 9 }, .peer = { "192.0.2.7", 9 }, .host = { "example.test", 12 },
	.content_type = { "application/x-www-form-urlencoded", 33 }, .sec_fetch_site = { "same-origin", 11 },
};

static const char *body(void) { return slice_text(buf_slice(&rp.body)); }
static const char *head(void) { return slice_text(buf_slice(&rp.head)); }
static bool in_body(const char *part) { return strstr(body(), part) != NULL; }
static bool in_head(const char *part) { return strstr(head(), part) != NULL; }

static void call(enum method method, const char *path, const char *text)
{
	rq.method = method;
	rq.query = slice_of(path);
	rq.path = slice_cut(&rq.query, '?');
	rq.body = slice_of(text);
	rp = (struct reply){ 0 };
	route_answer(&door_dialect, &config, &ring, &rq, ERROR_NONE, &rp);
	rq = usual;
}

static void get(const char *path) { call(METHOD_GET, path, NULL); }

/* ---- words ------------------------------------------------------------- */

/* How many places of a value a text has. */
static int places(const char *text, const char *place)
{
	int n = 0;
	for (; (text = strstr(text, place)); text++)
		n++;
	return n;
}

static void each_word(void)
{
	for (const struct language *const *l = languages; *l; l++)
		for (int w = 0; w < WORD__MAX; w++) {
			const char *text = (*l)->text[w], *first = languages[0]->text[w];
			bool good = text && *text && slice_is_utf8(slice_of(text)) && !strpbrk(text, "<>&\"");
			ok(good && first && places(text, "{1}") == places(first, "{1}") && places(text, "{2}") == places(first, "{2}")
				&& places(text, "{") == places(text, "{1}") + places(text, "{2}"),
				"%s: %s is there, is no markup, and has the places of the first language", (*l)->tag, word_keys[w]);
		}
}

static void each_language(void)
{
	static const struct { const char *accept, *tag; } cases[] = {
		{ NULL, "en" }, { "", "en" }, { "de", "de" }, { "DE-at", "de" }, { "fr", "en" }, { "fr, de;q=0.1", "de" },
		{ "en, de", "en" }, { "de, en", "de" }, { "en;q=0.8, de;q=0.9", "de" }, { "en;q=0.9,de;q=0.8", "en" },
		{ "de;q=0", "en" }, { "de;q=0.000, en;q=0.001", "en" }, { "de;q=1.000, en", "de" }, { "en;q=0.5, de ; q=0.51", "de" },
		{ "de;q=x", "en" }, { "de;q=", "en" }, { "de;q=00.9", "en" }, { "de;level=1", "de" }, { "*", "en" }, { "den", "en" },
		{ "-de", "en" }, { ",,de", "de" }, { "en;q=0.1234, de;q=0.1235", "en" }, { "de;q=0.5;q=1, en;q=0.6", "en" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		is_str(words_language(slice_of(cases[i].accept))->tag, cases[i].tag, "Accept-Language: %s", cases[i].accept ? cases[i].accept : "(none)");
}

/* ---- the writer -------------------------------------------------------- */

static struct page page;

static const char *written(const char *markup, struct slice one, struct slice two)
{
	rp = (struct reply){ 0 };
	page = (struct page){ .rp = &rp, .language = &words_en, .brand = S("A&B <\"'>"), .style = "s" };
	page_write(&page, markup, (const struct slice[]){ one, two }, 2);
	return body();
}

static void escapes(void)
{
	is_str(written("<p>{1}</p>", S("<b>&\"'x"), S("")), "<p>&lt;b&gt;&amp;&quot;&#39;x</p>", "a value is escaped");
	is_str(written("{2}{1}{1}", S("x"), S("y{1}{brand}{")), "y{1}{brand}{xx", "values are written where their places are, and not read");
	is_str(written("{brand}", S(""), S("")), "A&amp;B &lt;&quot;&#39;&gt;", "so is the operator's name");
	is_str(written("{signed_in_as}!", S("<b>"), S("")), "You are signed in as &lt;b&gt;.!", "a word has places of its own");
	is_str(written("{1}", (struct slice){ "a\0b\n\x7f\xc3\xa4", 7 }, S("")), "a\xEF\xBF\xBD" "b\xEF\xBF\xBD\xEF\xBF\xBD\xc3\xa4",
		"a control character is shown as one");
	is_str(written("no place", S(""), S("")), "no place", "markup without places stays");
	page_write(&page, "{signed_in_as}", NULL, 0);
	ok(in_body("You are signed in as ."), "a word without its value has nothing in its place");
	for (int c = 1; c < 256; c++) {
		char one[] = { (char)c, '\0' };
		const char *out = written("{1}", slice_of(one), S(""));
		bool plain = strcmp(out, one) == 0, special = strchr("&<>\"'", c) || c < ' ' || c == 0x7f;
		if (plain == special)
			ok(false, "byte %d is escaped where it must be: %s", c, out);
	}
}

/* ---- the look ---------------------------------------------------------- */

static double linear(int64_t channel)
{
	double c = (double)channel / 255;
	return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

/* WCAG 2.2, by floating point. */
static double contrast_on(int64_t colour, bool black)
{
	double l = 0.2126 * linear(colour >> 16 & 255) + 0.7152 * linear(colour >> 8 & 255) + 0.0722 * linear(colour & 255);
	return black ? (l + 0.05) / 0.05 : 1.05 / (l + 0.05);
}

static void readable(void)
{
	double least = 21;
	for (int64_t r = 0; r < 256; r += 5)
		for (int64_t g = 0; g < 256; g += 3)
			for (int64_t b = 0; b < 256; b += 5) {
				double contrast = contrast_on(r << 16 | g << 8 | b, style_black_on(r << 16 | g << 8 | b));
				least = contrast < least ? contrast : least;
			}
	ok(least >= 4.5, "text on any colour has a contrast of 4.5 at least (%.3f)", least);
	ok(contrast_on(0x777777, true) < 4.8 && contrast_on(0x000000, true) < 1.1, "and the check can tell");
	ok(style_black_on(0xffffff) && !style_black_on(0x000000) && style_black_on(0xffff00) && !style_black_on(0x0000ff), "black on white and yellow");
}

static void sheet(void)
{
	const char *address = style_address(&config);
	get("/door.css?x");
	is_int(rp.status, 200, "the sheet is there");
	is_str(rp.type, "text/css; charset=utf-8", "as CSS");
	ok(in_head("Cache-Control: public, max-age=31536000, immutable\r\n") && !in_head("no-store"), "which a browser may keep");
	ok(in_body(":root{--brand:#9a3412;--on-brand:#fff}"), "with the colour");
	config.brand_color = 0xffd400;
	ok(strcmp(address, style_address(&config)) != 0, "another colour is another address");
	get("/door.css");
	ok(in_body(":root{--brand:#ffd400;--on-brand:#000}"), "and black on yellow");
	config.brand_color = 0x9a3412;
}

/* ---- signing in -------------------------------------------------------- */

static void signin_page(void)
{
	get("/signin");
	is_int(rp.status, 200, "/signin");
	is_str(rp.type, "text/html; charset=utf-8", "is HTML");
	ok(in_body("<html lang=\"en\">") && in_body("<h1>Sign in</h1>") && in_body("<title>Sign in · latchkey</title>"), "in English");
	ok(in_head("frame-ancestors 'none'") && in_head("default-src 'none'") && !in_head("unsafe"), "its policy allows no frame and nothing inline");
	ok(in_head("Cache-Control: no-store\r\n") && in_head("Referrer-Policy: same-origin\r\n"), "it isn't kept, and forms name their origin");
	ok(!in_body("<script") && !in_body("style=") && !in_body("{"), "no script, no style, no place is left in it");
	rq.accept_language = S("de-CH, en;q=0.5");
	get("/signin");
	ok(in_body("<html lang=\"de\">") && in_body("<h1>Anmelden</h1>"), "and in German");
	call(METHOD_DELETE, "/signin", NULL);
	is_int(rp.status, 405, "it can't be deleted");
	ok(in_head("Allow: ") && in_body("<h1>Something is wrong</h1>"), "says a page");
}

int main(void)
{
	rq = usual;
	if (config_parse(S(""), &config) != NULL)
		return 1;
	each_word();
	each_language();
	escapes();
	readable();
	sheet();
	signin_page();
	return done_testing();
}
