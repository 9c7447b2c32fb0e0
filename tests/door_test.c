/*
 * door_test: the pages for people, asked through route_answer() on a real store with a clock of the test's own: the words of
 * each language, the HTML writer, the style sheet, and every route with every error.
 */
#include "clock.h"
#include "config.h"
#include "door/account.h"
#include "door/device.h"
#include "door/door.h"
#include "door/page.h"
#include "door/style.h"
#include "door/words.h"
#include "gate.h"
#include "jwt.h"
#include "keys.h"
#include "password.h"
#include "session.h"
#include "store_case.h"
#include "throttle.h"
#include "ticket.h"

enum { DAY = 86400, CHEAP = 8, JAR = 12 };

static struct config config;
static struct keyring ring;
static struct request rq;
static struct reply rp;
static int64_t clock_now, boot_now;
static bool boot_stands;                /* for the throttle */

static int64_t fake_clock(void) { return clock_now; }
static int64_t fake_boot(void) { return boot_now; }
static enum clock_witness fake_witness(void) { return CLOCK_KERNEL; }

/* ---- a browser --------------------------------------------------------- */

/* NAME=VALUE each; one that was taken away has no value. */
struct jar {
	char cookie[JAR][512];
	int count;
};
static struct jar alices, *jar = &alices;

static const struct request usual = {
	.below = true, .mount = { "/auth", 5 }, .peer = { "192.0.2.7", 9 }, .host = { "example.test", 12 }, .https = true,
	.user_agent = { "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", 71 },
	.content_type = { "application/x-www-form-urlencoded", 33 }, .sec_fetch_site = { "same-origin", 11 },
};

static const char *body(void) { return slice_text(buf_slice(&rp.body)); }
static const char *head(void) { return slice_text(buf_slice(&rp.head)); }
static bool in_body(const char *part) { return strstr(body(), part) != NULL; }
static bool in_head(const char *part) { return strstr(head(), part) != NULL; }

static void keep_cookie(const char *line)
{
	size_t name = strcspn(line, "=") + 1;
	int at = 0;
	while (at < jar->count && strncmp(jar->cookie[at], line, name) != 0)
		at++;
	if (at == JAR) {
		printf("Bail out! more cookies than there is room for\n");
		exit(2);
	}
	snprintf(jar->cookie[at], sizeof jar->cookie[at], "%.*s", (int)strcspn(line, ";"), line);
	jar->count += at == jar->count;
}

static struct slice all_cookies(void)
{
	struct buf b = { 0 };
	for (int i = 0; i < jar->count; i++) {
		buf_s(&b, i ? "; " : "");
		buf_s(&b, jar->cookie[i]);
	}
	return jar->count ? buf_slice(&b) : SLICE_NONE;
}

/* The answer lives until the next call. */
static void call_with(enum method method, const char *path, const char *text, enum error e)
{
	static size_t mark;
	if (mark == 0) {
		arena(1);
		mark = arena_mark();
	}
	arena_back(mark);
	rq.method = method;
	rq.query = slice_of(path);
	rq.path = slice_cut(&rq.query, '?');
	rq.body = slice_of(text);
	rq.cookie = all_cookies();
	rp = (struct reply){ 0 };
	route_answer(&door_dialect, &config, &ring, &rq, e, &rp);
	for (const char *at = head(); (at = strstr(at, "Set-Cookie: ")) != NULL; at++)
		keep_cookie(at + 12);
	password_slot_leave();
	store_tidy();
	store_close();
	boot_now += boot_stands ? 0 : DAY;
	rq = usual;
}

static void call(enum method method, const char *path, const char *text) { call_with(method, path, text, ERROR_NONE); }
static void get(const char *path) { call(METHOD_GET, path, NULL); }
static void post(const char *path, const char *text) { call(METHOD_POST, path, text); }
static bool goes_to(const char *page) { return rp.status == 303 && in_head(text_join("Location: ", page, "\r\n", NULL)); }

static uint64_t add_user(const char *name)
{
	struct user u = { .id = random_id(), .name = slice_of(name), .created_at = clock_now };
	u.password = password_hash(S("correct horse"), (struct password_cost){ CHEAP, 1 });
	store_open(dir, 5);
	store_begin(DURABLE_NOW);
	store_user_add(&u);
	store_commit();
	store_close();
	return u.id;
}

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
	for (const struct language *const *l = languages; *l; l++) {
		const char *key = word_keys;
		for (int w = 0; w < WORD__MAX; w++, key += strlen(key) + 1) {
			const char *text = (*l)->text[w], *first = languages[0]->text[w];
			bool good = text && *text && slice_is_utf8(slice_of(text)) && !strpbrk(text, "<>&\"");
			ok(good && first && places(text, "{1}") == places(first, "{1}") && places(text, "{2}") == places(first, "{2}")
				&& places(text, "{") == places(text, "{1}") + places(text, "{2}"),
				"%s: %s is there, is no markup, and has the places of the first language", (*l)->tag, key);
		}
	}
}

static void each_language(void)
{
	static const struct { const char *accept, *tag; } cases[] = {
		{ NULL, "en" }, { "", "en" }, { "de", "de" }, { "DE-at", "de" }, { "fr", "en" }, { "fr, de;q=0.1", "de" },
		{ "en, de", "en" }, { "de, en", "de" }, { "en;q=0.8, de;q=0.9", "de" }, { "en;q=0.9,de;q=0.8", "en" },
		{ "de;q=0", "en" }, { "de;q=0.000, en;q=0.001", "en" }, { "de;q=1.000, en", "de" }, { "en;q=0.5, de ; q=0.51", "de" },
		{ "de;q=x", "en" }, { "de;q=0x5", "en" }, { "de;q=.5", "en" }, { "de;q=", "en" }, { "de;q=00.9", "en" }, { "de;level=1", "de" }, { "*", "en" }, { "den", "en" },
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
	page = (struct page){ .rp = &rp, .language = &words_en, .brand = S("A&B <\"'>") };
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
	is_str(written("{1}", (struct slice){ "\xff<\xc3\xa4\xe2\x82>\xc3", 8 }, S("")), "\xEF\xBF\xBD&lt;\xc3\xa4\xEF\xBF\xBD\xEF\xBF\xBD&gt;\xEF\xBF\xBD",
		"and so is a byte that isn't UTF-8, which takes nothing with it");
	is_str(written("no place", S(""), S("")), "no place", "markup without places stays");
	page_write(&page, "{signed_in_as}", (const struct slice[]){ SLICE_NONE }, 0);
	ok(in_body("You are signed in as ."), "a word without its value has nothing in its place");
	for (int c = 1; c < 256; c++) {
		char one[] = { (char)c, '\0' };
		const char *out = written("{1}", slice_of(one), S(""));
		bool plain = strcmp(out, one) == 0, special = strchr("&<>\"'", c) || c < ' ' || c >= 0x7f;
		if (plain == special)
			ok(false, "byte %d is escaped where it must be: %s", c, out);
	}
}

/* ---- the look ---------------------------------------------------------- */

/* By Newton's steps: the libc that other processors' tests are linked to has no pow(). */
static double fifth_root(double x)
{
	double y = 1;
	for (int i = 0; i < 60; i++)
		y -= (y - x / (y * y * y * y)) / 5;
	return y;
}

static double linear(int64_t channel)
{
	static double known[256]; /* a processor without floating point takes its time */
	double c = (double)channel / 255, base = (c + 0.055) / 1.055;
	if (known[channel] <= 0) {
		double root = fifth_root(base);
		known[channel] = c <= 0.04045 ? c / 12.92 : base * base * root * root;
	}
	return known[channel];
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

static void sheets(void)
{
	struct slice address = style_brand(&config);
	get("/door.css?x");
	is_int(rp.status, 200, "the sheet is there");
	is_str(rp.type, "text/css; charset=utf-8", "as CSS");
	ok(in_head("Cache-Control: public, max-age=31536000, immutable\r\n") && !in_head("no-store"), "which a browser may keep");
	ok(in_head("Content-Encoding: gzip\r\n") && rp.body.n > 500 && rp.body.n < 5000 && memcmp(rp.body.p, "\x1f\x8b\x08", 3) == 0, "it is compressed");
	ok(slice_starts(style_sheet(), S("door.css?")), "its address has the hash of its text");
	get("/link.js?x");
	ok(rp.status == 200 && slice_starts(slice_of(rp.type), S("text/javascript")) && in_head("immutable") && in_head("gzip"), "the script of links is as well");
	get("/brand.css?x");
	is_str(body(), ":root{--brand:#9a3412;--on-brand:#fff}\n", "the colour");
	ok(in_head("immutable") && !in_head("gzip"), "which may be kept, too");
	address = slice_of(strdup(slice_text(address)));
	config.brand_color = 0xffd400;
	ok(!slice_is(address, style_brand(&config)), "another colour is another address");
	get("/brand.css");
	is_str(body(), ":root{--brand:#ffd400;--on-brand:#000}\n", "black on yellow");
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
	ok(!in_body("style=") && !in_body("{"), "no style, no place is left in it");
	ok(in_body("<script src=\"link.js?") && in_head("; script-src 'self'") && strstr(strstr(body(), "<script") + 1, "<script") == NULL, "its one script is a file");
	rq.accept_language = S("de-CH, en;q=0.5");
	get("/signin");
	ok(in_body("<html lang=\"de\">") && in_body("<h1>Anmelden</h1>"), "and in German");
	call(METHOD_DELETE, "/signin", NULL);
	is_int(rp.status, 405, "it can't be deleted");
	ok(in_head("Allow: ") && in_body("<h1>Something is wrong</h1>"), "says a page");
}

static void signs_in(void)
{
	static const struct { const char *form; int status; const char *says; } wrong[] = {
		{ "username=alice&password=wrong+horse", 403, "User name or password is wrong." },
		{ "username=nobody&password=correct+horse", 403, "User name or password is wrong." },
		{ "username=alice", 400, "Please fill in all fields." },
		{ "username=alice&username=bob&password=x", 400, "Please fill in all fields." },
		{ "username=%ff&password=x", 400, "Please fill in all fields." },
		{ "", 400, "Please fill in all fields." },
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		post("/signin", wrong[i].form);
		ok(rp.status == wrong[i].status && in_body(wrong[i].says) && in_body("role=\"alert\""), "%s: %d, in words", wrong[i].form, wrong[i].status);
		ok(!in_head("WWW-Authenticate") && !in_head("Set-Cookie") && in_body("action=\"signin\""), "with the form once more, and no cookie");
	}
	post("/signin", "username=%3Ci%3E%22&password=wrong&stay=true");
	ok(in_body("value=\"&lt;i&gt;&quot;\"") && in_body("value=\"true\" checked>") && !in_body("<i>"), "the name and the choice are kept, escaped");
	post("/signin", "username=alice&password=wrong");
	ok(in_body("name=\"password\" type=\"password\" autocomplete=\"current-password\" required autofocus>") && in_body("value=\"true\">"),
		"one goes on at the password, and stays signed in only as one said");
	post("/signin", "username=alice&password=wrong&key=k0");
	ok(in_body("name=\"key\" value=\"k0\""), "the form's key stays the form's");
	rq.content_type = S("application/json");
	post("/signin", "{}");
	ok(rp.status == 415 && in_body("That didn&#39;t work."), "JSON is no form");
	post("/signin", "username=alice&password=correct+horse&stay=true&key=k1");
	ok(goes_to("account") && in_head("Max-Age=34560000") && rp.body.n == 0, "right: on to the account, with a cookie that stays");
	get("/signin");
	ok(in_body("<h1>You are signed in</h1><p class=\"lead\">alice</p>") && !in_body("type=\"password\""), "/signin then says who one is");
	post("/signin", "username=alice&password=correct+horse");
	ok(goes_to("account") && in_head("Set-Cookie: __Host-latchkey") && !in_head("Max-Age="), "without staying the cookie goes with the browser");
}

static void returns(void)
{
	static const struct { const char *rd, *host; bool good; } cases[] = {
		{ "/files/?a=1%26b=2", "", true }, { "/a:b", "", true }, { "https%3A%2F%2Fexample.test%2Fx", "example.test", true },
		{ "https%3A%2F%2Fexample.test%3A8443%2Fx", "example.test:8443", true }, { "https://photos.example.test/", "photos.example.test", true },
		{ "https://listed.example", "listed.example", true },
		{ "https://other.test/", NULL, false }, { "//other.test/", NULL, false }, { "/%5Cother.test", NULL, false }, { "javascript:alert(1)", NULL, false },
		{ "https://example.test@other.test/", NULL, false }, { "/%0d%0aX:y", NULL, false }, { "%ff", NULL, false }, { "%4", NULL, false }, { "", NULL, false },
	};
	static struct jar anew;
	config.cookie_domain = S("example.test");
	config.cors_origins = S("https://listed.example");
	jar = &anew;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char target[256], form[512];
		struct slice rd;
		snprintf(target, sizeof target, "/signin?rd=%s", cases[i].rd);
		get(target);
		ok(cases[i].good == in_body("<input type=\"hidden\" name=\"rd\""), "rd=%s is %s", cases[i].rd, cases[i].good ? "kept" : "forgotten");
		ok(!cases[i].host || !*cases[i].host || (in_body(text_join("to go on to ", cases[i].host, "</p>", NULL))
			&& in_head(text_join("form-action 'self' https://", cases[i].host, ";", NULL))), "it is named, and the form may lead there");
		ok((cases[i].host && *cases[i].host) || in_head("form-action 'self';"), "and nowhere else");
		snprintf(form, sizeof form, "username=alice&password=wrong&rd=%s", cases[i].rd);
		post("/signin", form);
		ok(!cases[i].good || in_body("name=\"rd\""), "a wrong password doesn't lose it");
		snprintf(form, sizeof form, "username=alice&password=correct+horse&rd=%s", cases[i].rd);
		post("/signin", form);
		ok(rp.status == (strstr(cases[i].rd, "%ff") || strstr(cases[i].rd, "%4") == cases[i].rd ? 400 : 303), "the right one is answered");
		if (cases[i].good && http_decode(slice_of(cases[i].rd), &rd))
			ok(goes_to(slice_text(rd)), "and leads there");
		else
			ok(rp.status == 400 || goes_to("account"), "or to the account");
		post("/signout", "");
	}
	post("/signin", "username=alice&password=correct+horse");
	get("/signin?rd=https://photos.example.test/a%22b");
	ok(in_body("href=\"https://photos.example.test/a&quot;b\">Go on to photos.example.test</a>") && !in_head("Location"), "who is signed in is asked");
	get("/signin?rd=/files");
	ok(in_body("href=\"/files\">Go on</a>"), "for a path too");
	get("/signin");
	ok(!in_body("Go on") && in_body("class=\"button main\" href=\"account\""), "and without it is led to the account");
	ring.key[1] = ring.key[0];
	ring.count = 2;
	memset(ring.key[0].master, 8, KEY_SIZE);
	jwt_name_key(&ring.key[0]);
	get("/signin?rd=/files");
	ok(goes_to("/files") && in_head("Set-Cookie: "), "whose cookies were signed by an older key gets new ones, and is sent on");
	get("/signin?rd=/files");
	ok(rp.status == 200 && in_body("Go on</a>"), "once");
	ring.key[1] = ring.key[0];
	memset(ring.key[0].master, 10, KEY_SIZE);
	jwt_name_key(&ring.key[0]);
	get("/signin");
	ok(rp.status == 200 && in_head("Set-Cookie: "), "who goes nowhere gets new ones as well");
	ring.key[1] = ring.key[0];
	memset(ring.key[0].master, 9, KEY_SIZE);
	jwt_name_key(&ring.key[0]);
	get("/account");
	ok(rp.status == 200 && in_head("Set-Cookie: __Host-latchkey-door"), "the account does that, too");
	post("/signout", "");
	memset(ring.key[0].master, 7, KEY_SIZE);
	jwt_name_key(&ring.key[0]);
	ring.count = 1;
	config.cookie_domain = config.cors_origins = S("");
	jar = &alices;
}

/* One table has the members of all forms: of a page that leads nowhere none counts that says where to. */
static void leads_nowhere(void)
{
	static const char *const pages[] = { "/signin", "/account", "/link", "/signout", "/device", "/authorize" };
	for (size_t i = 0; i < 2 * sizeof pages / sizeof *pages; i++) {
		rq.sec_fetch_site = i % 2 ? S("cross-site") : S("same-origin");
		post(pages[i / 2], "rd=x%3B+script-src+*%3A%2F%2Fevil.example&ticket=x&code=x&do=x");
		ok(rp.status >= 303 && !in_head("evil.example") && !in_head("*") && !in_body("evil.example"), "%s: a strange address is in no header, and in no field", pages[i / 2]);
	}
}

static void own_forms(void)
{
	static const struct { const char *site, *origin; bool good; const char *referer; } cases[] = {
		{ "same-origin", NULL, true, NULL }, { "same-site", "https://example.test", false, NULL }, { "cross-site", NULL, false, NULL }, { "none", NULL, false, NULL },
		{ NULL, "https://example.test", true, NULL }, { NULL, "https://other.test", false, NULL }, { NULL, "null", false, NULL }, { NULL, NULL, false, NULL },
		{ "same-origin", "https://other.test", true, NULL },
		{ NULL, NULL, true, "https://example.test/auth/signin?a/b" }, { NULL, NULL, true, "https://example.test/" }, { NULL, NULL, false, "https://example.test" },
		{ NULL, NULL, false, "https://other.test/https://example.test/" }, { NULL, NULL, false, "https://example.test.other/" },
		{ NULL, NULL, false, "https:/example.test/x" }, { NULL, NULL, false, "x" }, { NULL, "https://other.test", false, "https://example.test/" },
		{ "cross-site", NULL, false, "https://example.test/" },
	};
	static const char *const forms[][2] = {
		{ "/signin", "username=alice&password=correct+horse" }, { "/account", "do=others" }, { "/signout", "" }, { "/link", "ticket=x&next=another+horse" },
	};
	for (size_t f = 0; f < 4; f++)
		for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
			post("/signin", "username=alice&password=correct+horse");
			rq.sec_fetch_site = slice_of(cases[i].site);
			rq.origin = slice_of(cases[i].origin);
			rq.referer = slice_of(cases[i].referer);
			post(forms[f][0], forms[f][1]);
			ok(cases[i].good ? rp.status == 303 || in_body("one of ours") : rp.status == 403 && in_body("came from another page"), "%s from %s, %s, %s: %s", forms[f][0],
				cases[i].site ? cases[i].site : "-", cases[i].origin ? cases[i].origin : "-", cases[i].referer ? cases[i].referer : "-", cases[i].good ? "counts" : "does not count");
		}
}

static void throttled(void)
{
	static struct jar nobodys;
	jar = &nobodys;
	boot_stands = true;
	for (int i = 0; i < 40 && rp.status != 429; i++) {
		rq.peer = S("198.51.100.9");
		post("/signin", "username=carol&password=wrong");
	}
	ok(rp.status == 429 && in_head("Retry-After: ") && in_body("Too many tries. Wait ") && in_body("value=\"carol\""), "who tries too often is told to wait, in words");
	boot_stands = false;
	boot_now += DAY;
	jar = &alices;
}

static void signs_out(void)
{
	post("/signin", "username=alice&password=correct+horse");
	get("/signout");
	ok(rp.status == 200 && in_body("Sign out on this device?") && in_body("<form class=\"card stack\" method=\"post\" action=\"signout\">"), "GET /signout asks");
	get("/account");
	is_int(rp.status, 200, "and ends nothing");
	post("/signout", "");
	ok(goes_to("signin?done=signed-out") && in_head("Max-Age=0"), "POST ends the session");
	get("/account");
	ok(goes_to("signin"), "nobody is signed in then");
	get("/signin?done=signed-out");
	ok(in_body("You are signed out.") && in_body("role=\"status\""), "the page says so");
	get("/signin?done=%3Cb%3E");
	ok(!in_body("role=\"status\""), "and says nothing of what it doesn't know");
	get("/signout");
	ok(goes_to("signin?done=signed-out"), "GET /signout of nobody");
	post("/signout", "");
	ok(goes_to("signin?done=signed-out"), "POST /signout of nobody");
}

/* A host below cookie_domain has the domain's cookie alone, and it is good. */
static void signs_out_below(void)
{
	static struct jar hers;
	config.cookie_domain = S("example.test");
	jar = &hers;
	post("/signin", "username=alice&password=correct+horse");
	ok(jar->count == 2 && strstr(jar->cookie[0], "__Host-latchkey-door-") == jar->cookie[0], "a sign-in sets two cookies");
	memcpy(jar->cookie[0], jar->cookie[1], sizeof jar->cookie[0]);
	jar->count = 1;
	get("/account");
	ok(goes_to("signin"), "the domain's cookie opens no page");
	get("/signout");
	ok(rp.status == 200 && in_body("You are signed in as alice.") && in_body("name=\"do\" value=\"out\""), "but GET /signout doesn't say that she is signed out");
	post("/signout", "");
	ok(goes_to("signin?done=signed-out") && in_head("Domain=example.test; Max-Age=0"), "and POST takes it away");
	config.cookie_domain = SLICE_NONE;
	jar = &alices;
}

/* ---- the account ------------------------------------------------------- */

/* The id of a session that the page has a button for. */
static const char *first_id(void)
{
	static char id[17];
	const char *at = strstr(body(), "name=\"session\" value=\"");
	snprintf(id, sizeof id, "%.16s", at ? at + 22 : "");
	return id;
}

static int count_of(const char *part)
{
	int n = 0;
	for (const char *at = body(); (at = strstr(at, part)) != NULL; at++)
		n++;
	return n;
}

static void other_browser(struct jar *other, struct slice agent, struct slice peer)
{
	jar = other;
	rq.user_agent = agent;
	rq.peer = peer;
	post("/signin", "username=alice&password=correct+horse");
	jar = &alices;
}

static void sessions(void)
{
	static struct jar phone, tablet;
	post("/signin", "username=alice&password=correct+horse");
	get("/account");
	ok(in_body("<b>Firefox on Linux</b> <span class=\"tag\">this device</span>") && !in_body("Sign out everywhere else"), "one session, and no other to end");
	other_browser(&phone, S("Mozilla/5.0 (iPhone) Safari/604.1"), S("192.0.2.99"));
	other_browser(&tablet, S(""), S("192.0.2.98"));
	get("/account");
	ok(in_body("<b>Safari on iPhone</b>") && in_body("<b>Unknown device</b>") && in_body("192.0.2.99 · in the last day"), "others are listed, with place and last use");
	is_int(count_of("value=\"end\""), 2, "each with its button");
	char end_one[64];
	snprintf(end_one, sizeof end_one, "do=end&session=%s", first_id());
	post("/account", end_one);
	ok(goes_to("account?done=end"), "one is ended");
	post("/account", end_one);
	ok(rp.status == 404 && in_body("There is nothing here.") && in_body("<h1>Your account</h1>"), "and can't be ended again");
	post("/account", "do=end&session=0");
	is_int(rp.status, 404, "nor what is no id");
	get("/account?done=end");
	ok(in_body("That session was ended.") && count_of("value=\"end\"") == 1, "the page says it");
	post("/account", "do=others");
	ok(goes_to("account?done=others") && in_head("Set-Cookie: __Host-latchkey-door"), "all others are ended, and the cookie gets a new value");
	get("/account?done=others");
	ok(rp.status == 200 && count_of("value=\"end\"") == 0, "this one goes on");
	jar = &phone;
	get("/account");
	ok(goes_to("signin?done=over"), "one that was ended is told so");
	get("/signin?done=over");
	ok(in_body("Your session has ended."), "in words");
	jar = &alices;
	post("/account", "do=nothing");
	ok(rp.status == 400, "what isn't known is not done");
	post("/account", "session=1");
	ok(rp.status == 400 && in_body("Please fill in all fields."), "nor nothing at all");
	clock_now += 3 * DAY;
	other_browser(&tablet, S("curl/8.5.0"), S("192.0.2.98"));
	clock_now += 2 * DAY;
	get("/account");
	ok(in_body("<b>curl</b>") && in_body(">2 days ago</time>"), "last use is told by days");
	post("/account", "do=others");
}

static void change_password(void)
{
	static struct jar phone;
	other_browser(&phone, S("x"), S("192.0.2.99"));
	post("/account", "do=password&password=wrong+horse&next=another+horse");
	ok(rp.status == 403 && in_body("The password is wrong.") && in_body("<h1>Your account</h1>"), "another password asks for the present one");
	post("/account", "do=password&password=correct+horse&next=short");
	ok(rp.status == 422 && in_body("Choose another password"), "and must be good");
	post("/account", "do=password&password=correct+horse");
	is_int(rp.status, 422, "and be there");
	post("/account", "do=password&password=correct+horse&next=another+horse");
	ok(goes_to("account?done=password"), "is changed");
	get("/account?done=password");
	ok(rp.status == 200 && in_body("Your password was changed") && count_of("value=\"end\"") == 0, "which ends all other sessions");
	jar = &phone;
	get("/account");
	ok(goes_to("signin?done=over"), "as they see");
	jar = &alices;
	post("/account", "do=password&password=another+horse&next=correct+horse");
	ok(goes_to("account?done=password"), "and back");
}

static void end_of_account(void)
{
	static struct jar bobs;
	jar = &bobs;
	post("/signin", "username=bob&password=correct+horse");
	post("/account", "do=delete&password=");
	ok(rp.status == 403 && in_body("The password is wrong."), "deletion asks for the password");
	post("/account", "do=delete&password=wrong+horse");
	is_int(rp.status, 403, "the right one");
	struct jar before = bobs;
	post("/account", "do=delete&password=correct+horse");
	ok(goes_to("signin?done=deleted") && in_head("Max-Age=0"), "then it is done");
	get("/signin?done=deleted");
	ok(in_body("Your account was deleted."), "and said");
	post("/signin", "username=bob&password=correct+horse");
	is_int(rp.status, 403, "bob is gone");
	bobs = before;
	get("/account");
	ok(goes_to("signin"), "and so is what his cookie was for");
	jar = &alices;
}

/* ---- what there is beside the password --------------------------------- */

static void give_keys(uint64_t user, const char *keys)
{
	store_open(dir, 5);
	store_begin(DURABLE_NOW);
	store_user_keys_set(user, slice_of(keys));
	store_commit();
	store_close();
}

/* Passkeys, wallets: which sections the page of the account has. */
static bool has_sections(bool passkeys, bool wallets)
{
	get("/account");
	return rp.status == 200 && in_body("<h2>Passkeys</h2>") == passkeys && in_body("<h2>Wallets</h2>") == wallets;
}

static void ways_in(void)
{
	static struct jar hers;
	uint64_t user = add_user("wanda");
	struct user_key wallet = { .id = S("wallet") };
	const char *forget = strdup(text_join("do=forget&session=", id_text(keys_number(&wallet)), NULL));
	jar = &hers;
	post("/signin", "username=wanda&password=correct+horse");
	ok(has_sections(false, false), "who has neither passkeys nor wallets sees none");
	give_keys(user, "stellar d2FsbGV0  0 0 1 My <b>purse\nsolana c29sYW5h  0 0 1 \n");
	ok(has_sections(false, true) && in_body("<b>My &lt;b&gt;purse</b><p class=\"soft\">stellar · "), "wallets have a section, with their names and chains");
	ok(in_body("<b>solana</b><p class=\"soft\">solana · ") && count_of("value=\"forget\"") == 2, "one without a name has its chain's; each can be removed");
	give_keys(user, "stellar d2FsbGV0  0 0 1 My purse\npasskey cGFzc2tleQ  0 0 1 \n");
	ok(has_sections(true, true) && in_body("<b>Passkey</b><p class=\"soft\"><time"), "passkeys have their own");
	config.issuer = S("https://example.test/api/auth");
	give_keys(user, "stellar d2FsbGV0  0 0 1 My purse\n");
	ok(has_sections(true, true) && count_of("name=\"do\" value=\"add\"") == 1, "where they can be added also without one, and they alone");
	config.issuer = S("latchkey");
	clock_now += 601;
	ok(has_sections(false, true) && count_of("value=\"forget\"") == 0 && in_body("To add or remove one, sign out"), "after ten minutes nothing is removed");
	post("/account", forget);
	ok(rp.status == 403 && in_body("sign out and in again first"), "by no form either");
	clock_now -= 601;
	post("/account", "do=forget&session=x");
	is_int(rp.status, 404, "what is no number is nothing");
	post("/account", forget);
	ok(goes_to("account?done=forget"), "a wallet is removed");
	ok(has_sections(false, false) && in_body("A passkey or a wallet was removed"), "and gone, which the page tells");
	get("/account?done=forget");
	ok(in_body("It signs you in no more."), "and its form is answered so");
	jar = &alices;
}

/* ---- more than there is room for, and other sessions ---------------------- */

static void app_session(uint64_t user, const char *device, struct slice peer)
{
	const struct origin how = { .device = slice_of(device) };
	struct work w = { .config = &config, .ring = &ring, .peer = peer };
	struct session s;
	(void)session_clock(&w);
	store_begin(DURABLE_NOW);
	w.note = (struct audit){ 0 };
	session_start(&w, user, &how, EVENT_LOGIN, &s);
	store_commit();
	store_close();
}

static void long_list(void)
{
	static struct jar fays;
	char device[LIMIT_DEVICE + 1];
	jar = &fays;
	uint64_t fay = add_user("fay");
	app_session(fay, "old <phone>", SLICE_NONE);
	clock_now += 29 * DAY;
	post("/signin", "username=fay&password=correct+horse");
	get("/account");
	ok(in_body("<b>old &lt;phone&gt;</b><p class=\"soft\"><time") && in_body(">29 days ago</time>"), "an app's session, of no known place");
	clock_now += 2 * DAY;
	get("/account");
	ok(!in_body("old &lt;phone") && count_of("value=\"end\"") == 0, "one that has expired isn't listed");
	memset(device, '"', sizeof device - 1);
	device[sizeof device - 1] = '\0';
	for (int i = 0; i < 60; i++) {
		clock_now += 60;
		app_session(fay, device, S("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"));
	}
	post("/signin", "username=fay&password=correct+horse");
	get("/account");
	int shown = count_of("value=\"end\"");
	ok(shown > 5 && shown < 60 && in_body(text_join("And ", dec(60 - shown), " more.", NULL)), "where there are too many the rest is counted (%d shown)", shown);
	ok(rp.body.n < ACCOUNT_BYTES && rp.body.room == ACCOUNT_BYTES, "the page fits its room (%zu)", rp.body.n);
	jar = &alices;
}

static void get_plainly(const char *path)
{
	rq.host = S("localhost");
	rq.peer = S("127.0.0.1");
	rq.https = false;
	get(path);
}

/* Of two cookies of two sessions, neither of which this host alone can have set, none counts. */
static void planted(void)
{
	static struct jar one, other, both;
	jar = &one;
	post("/signin", "username=alice&password=correct+horse");
	jar = &other;
	post("/signin", "username=fay&password=correct+horse");
	snprintf(both.cookie[0], sizeof both.cookie[0], "latchkey-door-1=%s", strchr(one.cookie[0], '=') + 1);
	snprintf(both.cookie[1], sizeof both.cookie[1], "latchkey-door-2=%s", strchr(other.cookie[0], '=') + 1);
	both.count = 2;
	jar = &both;
	get_plainly("/account");
	ok(goes_to("signin"), "cookies of two sessions: sign in");
	get_plainly("/signin");
	ok(rp.status == 200 && in_body("type=\"password\""), "at the form");
	get_plainly("/signout");
	ok(rp.status == 200 && in_body("Sign out on this device?") && !in_body("You are signed in as"), "or sign out of both");
	both.count = 1;
	get_plainly("/account");
	is_int(rp.status, 200, "one alone counts");
	snprintf(both.cookie[0], sizeof both.cookie[0], "__Secure-latchkey-door-1=%s", strchr(other.cookie[0], '=') + 1);
	get("/account");
	ok(goes_to("signin"), "but no page takes one that a sibling host can have set");
	jar = &alices;
}

/* ---- what happened ----------------------------------------------------- */

static bool on_top(const char *part)
{
	const char *top = strstr(body(), "<section class=\"card alert\">"), *end = top ? strstr(top, "</section>") : NULL, *at = top ? strstr(top, part) : NULL;
	return at && at < end;
}

static void note(uint64_t user, enum event event, const char *ip)
{
	struct work w = { .config = &config, .ring = &ring, .peer = slice_of(ip) };
	(void)session_clock(&w);
	store_begin(DURABLE_NOW);
	audit_note(&w, event, user, 0);
	store_commit();
	store_close();
}

static void trail(uint64_t alice)
{
	static struct jar phone;
	get("/account");
	get("/account");
	ok(!on_top("") && in_body("<h2>What happened</h2>"), "what was seen is not on top");
	for (enum event e = EVENT_LOGIN; e < EVENT__MAX; e++)
		if (e != EVENT_LOGIN)
			note(alice, e, "192.0.2.7");
	get("/account");
	ok(on_top("a password wasn&#39;t looked at") && on_top("A link to choose a password was made"), "what a user can't know is told");
	ok(on_top("Wrong password") && on_top("A copied key was used") && on_top("A device was signed out") && on_top("Password changed")
		&& on_top("Account locked") && on_top("Account unlocked") && on_top("User name changed"), "what was refused, ended or changed since is");
	ok(!on_top("Account made") && in_body("Account made") && !on_top("Signed out<"), "and nothing else");
	is_int(count_of("A copied key was used"), 2, "each once");
	get("/account");
	ok(!on_top("") && in_body("Wrong password"), "the next time it is none of them");
	other_browser(&phone, S("x"), S("192.0.2.250"));
	get("/account");
	ok(!on_top(""), "a sign-in from near an earlier one is nothing to look at");
	other_browser(&phone, S("x"), S("2001:db8::1"));
	get("/account");
	ok(on_top("<b>Signed in</b> <span class=\"tag\">new place</span>") && on_top("2001:db8::1"), "one from a new place is");
	other_browser(&phone, S("x"), S("2001:db8::2"));
	get("/account");
	ok(!on_top("") && count_of("new place") == 1, "the second from there isn't");
	note(alice, EVENT_REUSE, "203.0.113.5");
	post("/account", "do=others");
	ok(!in_head("door-seen"), "a form sets no such cookie");
	rq.sec_fetch_site = S("cross-site");
	get("/account?done=others");
	ok(on_top("A copied key"), "a link of another page hides nothing");
	note(alice, EVENT_REUSE, "203.0.113.5");
	post("/account", "do=others");
	get("/account?done=others");
	ok(!on_top("") && in_body("A device was signed out"), "who has done something there has seen the page");
}

static void seen(uint64_t alice)
{
	struct jar before = alices;
	note(alice, EVENT_REUSE, "203.0.113.5");
	for (int i = 0; i < alices.count; i++)
		if (strncmp(alices.cookie[i], "door-seen=", 10) == 0)
			snprintf(alices.cookie[i], sizeof alices.cookie[i], "door-seen=999999.0123456789abcdef");
	get("/account");
	ok(on_top("A copied key"), "a cookie that the page didn't make hides nothing");
	static const char *const odd[] = { "door-seen=x", "door-seen=1", "door-seen=0.0123456789abcdef", "door-seen=1.2.3", "door-seen=" };
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		alices = before;
		keep_cookie(odd[i]);
		get("/account");
		ok(on_top("A copied key"), "%s does not either", odd[i]);
	}
	alices = before;
	clock_now += 31 * DAY;
	post("/signin", "username=alice&password=correct+horse");
	keep_cookie("door-seen=x");
	get("/account");
	ok(!on_top("A copied key") && in_body("A copied key"), "who comes for the first time looks back 30 days");
	note(alice, EVENT_REUSE, "203.0.113.6");
	for (int i = 0; i < 150; i++)
		note(alice, EVENT_REFRESH, "192.0.2.7");
	get("/account");
	ok(on_top("203.0.113.6"), "refreshes hide nothing");
	for (int i = 0; i < 40; i++)
		note(alice, EVENT_LOGOUT, "192.0.2.7");
	get("/account");
	is_int(count_of("Signed out<"), 30, "thirty events are shown at most");
	config.audit = AUDIT_OFF;
	store_open(dir, 5);
	ok(account_newest(12345) == 0, "who has no events has no newest one");
	store_close();
	config.audit = AUDIT_TABLE;
}

/* ---- a password by a link ---------------------------------------------- */

static const char *linked(uint64_t id, const char *before, const char *next)
{
	struct user u;
	struct work w = { .config = &config, .time = clock_now };
	store_open(dir, 5);
	store_user(id, &u);
	struct slice ticket = ticket_make_link(&w, &ring, &u);
	store_close();
	return strdup(text_join("ticket=", before, slice_text(ticket), "&next=", next, NULL));
}

static void by_link(void)
{
	static struct jar nobodys;
	jar = &nobodys;
	uint64_t erin = add_user("erin");
	get("/link");
	ok(rp.status == 200 && in_body("<h1>Choose a password</h1>") && in_body("<input name=\"ticket\"") && in_body("autocomplete=\"new-password\""), "/link asks for link and password");
	ok(in_body("<script src=\"link.js?") && in_head("; script-src 'self'"), "with the script");
	static const struct { const char *form; int status; const char *says; } wrong[] = {
		{ "ticket=x&next=another+horse", 403, "This link isn&#39;t one of ours." }, { "ticket=x", 400, "Please fill in all fields." },
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		post("/link", wrong[i].form);
		ok(rp.status == wrong[i].status && in_body(wrong[i].says) && in_body("action=\"link\""), "%s: %s", wrong[i].form, wrong[i].says);
	}
	ok(in_body("name=\"ticket\" value=\"x\""), "what was there can be sent again");
	post("/link", linked(erin, "", "short"));
	ok(rp.status == 422 && in_body("Choose another password") && in_body("name=\"ticket\" value=\"eyJ"), "a weak password: the link stays");
	const char *form = linked(erin, "https://example.test/auth/signin%23link%3D", "battery+staple");
	post("/link", form);
	ok(rp.status == 200 && in_body("Your password was changed") && in_body("action=\"signin\"") && in_body("value=\"erin\""), "the whole link is taken as well; then comes the sign-in");
	ok(!in_head("Set-Cookie"), "nobody is signed in");
	post("/link", form);
	ok(rp.status == 200 && in_body("Your password was changed"), "sent twice it is answered twice");
	post("/link", strdup(text_join(form, "r", NULL)));
	ok(rp.status == 403 && in_body("This link was used already") && in_body("name=\"ticket\" value=\"\""), "used: says so, and asks for another");
	form = linked(erin, "", "third+staple");
	clock_now += DAY;
	post("/link", form);
	ok(rp.status == 403 && in_body("This link has expired"), "expired: says so");
	rq.accept_language = S("de");
	post("/link", form);
	ok(in_body("Dieser Link ist abgelaufen"), "in German, too");
	post("/signin", "username=erin&password=battery+staple");
	ok(rp.status == 303, "the password is the chosen one");
	get("/signin");
	ok(in_body("<script src=\"link.js?"), "who is signed in can follow a link, too");
	get("/account");
	ok(!in_body("<script") && !in_head("script-src"), "no other page has a script");
	jar = &alices;
}

/* Of a user without any event: nothing is listed, and there is nothing that he has seen. */
static void no_trail(void)
{
	static struct jar daves;
	jar = &daves;
	add_user("dave");
	config.audit = AUDIT_OFF;
	post("/signin", "username=dave&password=correct+horse");
	get("/account");
	ok(rp.status == 200 && !in_body("What happened") && !in_head("door-seen"), "without a trail there is no list");
	config.audit = AUDIT_TABLE;
	jar = &alices;
}

static void names(void)
{
	static const struct { const char *device, *agent, *name; } cases[] = {
		{ "kitchen", "curl/8", "kitchen" }, { "", "curl/8.5.0 x", "curl" }, { "", "", "Unknown device" }, { "", NULL, "Unknown device" },
		{ "", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36 Edg/131.0", "Edge on Windows" },
		{ "", "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36", "Chrome on Android" },
		{ "", "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605 Version/17.5 Safari/605", "Safari on macOS" },
		{ "", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) FxiOS/128 Safari/605", "Firefox on iPhone" },
		{ "", "Firefox", "Firefox" }, { "", "Dalvik (Linux)", "Linux" },
	};
	struct page p = { .rp = &rp, .language = &words_en };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct session s = { .device = slice_of(cases[i].device), .agent = slice_of(cases[i].agent) };
		is_str(slice_text(device_name(&p, &s)), cases[i].name, "%s", cases[i].agent ? cases[i].agent : "(none)");
	}
}

static const char *ago(int64_t seconds)
{
	rp = (struct reply){ 0 };
	page = (struct page){ .rp = &rp, .language = &words_en, .time = 1796000000 };
	page_ago(&page, page.time - seconds);
	return body();
}

static void times(void)
{
	is_str(ago(59), "<time datetime=\"2026-11-30T00:52:21Z\" title=\"2026-11-30T00:52:21Z\">just now</time>", "59 s");
	ok(strstr(ago(60), ">1 min ago<") && strstr(ago(3599), ">59 min ago<") && strstr(ago(3600), ">1 h ago<"), "minutes");
	ok(strstr(ago(DAY - 1), ">23 h ago<") && strstr(ago(DAY), ">1 day ago<") && strstr(ago(2 * DAY - 1), ">1 day ago<"), "hours, a day");
	ok(strstr(ago(2 * DAY), ">2 days ago<") && strstr(ago(400 * DAY), ">400 days ago<") && strstr(ago(-100), ">just now<"), "days, and what is dated ahead");
	is_str(slice_text(page_wait(99)), "99 s", "a wait in seconds");
	is_str(slice_text(page_wait(100)), "2 min", "and in minutes, rounded up");
}

/* ---- errors ------------------------------------------------------------ */

static void problems(void)
{
	static const struct { enum error e; int status; const char *says; } cases[] = {
		{ ERROR_BAD_REQUEST, 400, "That didn&#39;t work." }, { ERROR_STORE_FULL, 503, "Try again in 60 s." }, { ERROR_INTERNAL, 500, "That didn&#39;t work." },
		{ ERROR_CLOCK_UNSET, 503, "Try again in 30 s." }, { ERROR_NOT_FOUND, 404, "There is nothing here." }, { ERROR_INSECURE_ORIGIN, 403, "needs HTTPS" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		call_with(METHOD_GET, "/account", NULL, cases[i].e);
		ok(rp.status == cases[i].status && in_body(cases[i].says) && in_body("<h1>Something is wrong</h1>"), "%s is a page", errors[cases[i].e].code);
	}
	call_with(METHOD_POST, "/signin", "username=alice", ERROR_STORE_UNAVAILABLE);
	ok(rp.status == 503 && in_head("Retry-After: 10") && in_body("action=\"signin\""), "a failure at sign-in is the form, with words");
	call_with(METHOD_POST, "/account", "do=others", ERROR_STORE_UNAVAILABLE);
	ok(rp.status == 503 && in_body("<h1>Something is wrong</h1>"), "one of the account is a page, since nobody is known there");
}

static void plain_http(void)
{
	rq.https = false;
	rq.sec_fetch_site = SLICE_NONE;
	rq.origin = S("http://example.test");
	post("/signin", "username=alice&password=correct+horse");
	ok(rp.status == 403 && in_body("Signing in needs HTTPS here"), "over plain HTTP one is told why it can't work");
}

static void set_up(void)
{
	make_directory();
	if (config_parse(SLICE_NONE, &config))
		exit(2);
	config.dir = dir;
	config.throttle_dir = slice_of(dir);
	config.password.kib = CHEAP;
	config.password.passes = 1;
	base_clock = fake_clock;
	throttle_clock = fake_boot;
	clock_witness = fake_witness;
	clock_now = clock_build_epoch + DAY;
	memset(ring.key[0].master, 7, KEY_SIZE);
	jwt_name_key(&ring.key[0]);
	ring.count = 1;
	fresh();
	store_close();
	rq = usual;
}

int main(void)
{
	set_up();
	uint64_t alice = add_user("alice");
	add_user("bob");
	each_word();
	each_language();
	escapes();
	readable();
	sheets();
	signin_page();
	signs_in();
	own_forms();
	leads_nowhere();
	returns();
	throttled();
	signs_out();
	signs_out_below();
	sessions();
	change_password();
	end_of_account();
	ways_in();
	by_link();
	trail(alice);
	seen(alice);
	no_trail();
	long_list();
	planted();
	names();
	times();
	problems();
	plain_http();
	remove_files();
	is_int(rmdir(dir), 0, "nothing is left behind");
	return done_testing();
}
