/*
 * redirect_test: where a browser may be sent: each trick by which a page to return to could lead elsewhere, and what `/verify` makes of
 * what proxies tell.
 */
#include "config.h"
#include "redirect.h"
#include "t.h"

static struct config config;

/* ---- back -------------------------------------------------------------- */

enum door { HTTPS, HTTP, ALONE, DOORS };        /* how the browser came to the door; ALONE: by HTTPS, where nothing is spread or listed */

static struct request asked(enum door door)
{
	return (struct request){ .https = door != HTTP, .host = door == HTTP ? S("auth.example.com:80") : S("auth.example.com"), .method = METHOD_GET, .mount = S("/auth"), .below = true };
}

static const struct { const char *url; bool good[DOORS]; } cases[] = {
	{ "/", { true, true, true } },
	{ "/page?a=1&b=/x#y", { true, true, true } },
	{ "/a//b", { true, true, true } },
	{ "/%2F%2Fevil.example", { true, true, true } },
	{ "/@evil.example", { true, true, true } },
	{ "/.evil.example", { true, true, true } },
	{ "/a:b", { true, true, true } },
	{ "", { false, false, false } },
	{ "page", { false, false, false } },
	{ "?a", { false, false, false } },
	{ "//evil.example", { false, false, false } },
	{ "//auth.example.com/", { false, false, false } },
	{ "///evil.example", { false, false, false } },
	{ "/\\evil.example", { false, false, false } },
	{ "\\\\evil.example", { false, false, false } },
	{ "/a\\b", { false, false, false } },
	{ "/\t/evil.example", { false, false, false } },
	{ "\t//evil.example", { false, false, false } },
	{ "/\n/evil.example", { false, false, false } },
	{ "/a\r\nSet-Cookie: x=y", { false, false, false } },
	{ " /", { false, false, false } },
	{ "/a b", { false, false, false } },
	{ "/\x7f", { false, false, false } },
	{ "/\xc3\xa4", { false, false, false } },
	{ "/\xef\xbc\x8f" "evil.example", { false, false, false } },
	{ "https://auth.example.com", { true, true, true } },
	{ "https://auth.example.com/page", { true, true, true } },
	{ "https://AUTH.example.COM/page", { true, true, true } },
	{ "HTTPS://auth.example.com?a", { true, true, true } },
	{ "https://auth.example.com#a", { true, true, true } },
	{ "http://auth.example.com/", { false, true, false } },
	{ "https://auth.example.com:8443/", { true, true, true } },
	{ "http://auth.example.com:8384/", { false, true, false } },
	{ "https://app.example.com/", { true, true, false } },
	{ "https://a.b.example.com/", { true, true, false } },
	{ "https://example.com/x", { true, true, false } },
	{ "http://app.example.com/", { false, false, false } },
	{ "https://evilexample.com/", { false, false, false } },
	{ "https://example.com.evil.example/", { false, false, false } },
	{ "https://evil.example/example.com", { false, false, false } },
	{ "https://evil.example?.example.com", { false, false, false } },
	{ "https://evil.example#.example.com", { false, false, false } },
	{ "https://app.example.com./", { false, false, false } },
	{ "https://.example.com/", { false, false, false } },
	{ "https://auth.example.com@evil.example/", { false, false, false } },
	{ "https://user@auth.example.com/", { false, false, false } },
	{ "https://user:x@auth.example.com/", { false, false, false } },
	{ "https://auth.example.com%40evil.example/", { false, false, false } },
	{ "https://auth.example.com%2eevil.example/", { false, false, false } },
	{ "https://evil.example\\.example.com/", { false, false, false } },
	{ "https://auth.example.com:80@evil.example/", { false, false, false } },
	{ "https://auth.example.com:x/", { false, false, false } },
	{ "https:///evil.example", { false, false, false } },
	{ "https:/evil.example", { false, false, false } },
	{ "https:evil.example", { false, false, false } },
	{ "https:", { false, false, false } },
	{ "https://", { false, false, false } },
	{ "https", { false, false, false } },
	{ "javascript://auth.example.com/%0aalert(1)", { false, false, false } },
	{ "javascript:alert(1)", { false, false, false } },
	{ "data:text/html,x", { false, false, false } },
	{ "ftp://auth.example.com/", { false, false, false } },
	{ "https://[::1]/", { false, false, false } },
	{ "https://listed.example/page", { true, true, false } },
	{ "http://listed.example:8080/page", { true, true, false } },
	{ "http://listed.example/page", { false, false, false } },
	{ "https://listed.example:8080/page", { false, false, false } },
	{ "https://listed.example.evil.example/", { false, false, false } },
	{ "https://listed.example@evil.example/", { false, false, false } },
};

static void set(enum door door)
{
	bool alone = door == ALONE;
	config.cookie_domain = alone ? SLICE_NONE : S("example.com");
	config.cors_origins = alone ? SLICE_NONE : S("https://listed.example http://listed.example:8080");
}

static void test_back(void)
{
	static const char *const names[] = { "by HTTPS", "by HTTP", "where nothing is spread" };
	for (enum door door = HTTPS; door < DOORS; door++) {
		struct request rq = asked(door);
		set(door);
		for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
			is_int(redirect_is_good(&config, &rq, slice_of(cases[i].url)), cases[i].good[door], "%s: %s", names[door], cases[i].url);
		ok(!redirect_is_good(&config, &rq, (struct slice){ "/a\0b", 4 }), "%s: a NUL", names[door]);
		ok(!redirect_is_good(&config, &rq, SLICE_NONE), "%s: none", names[door]);
	}
	struct request rq = asked(HTTPS);
	char *longest = arena(REDIRECT_MOST + 1);
	memset(longest, 'a', REDIRECT_MOST + 1);
	*longest = '/';
	ok(redirect_is_good(&config, &rq, (struct slice){ longest, REDIRECT_MOST }), "the longest");
	ok(!redirect_is_good(&config, &rq, (struct slice){ longest, REDIRECT_MOST + 1 }), "a byte more");
	rq.host = SLICE_NONE;
	ok(!redirect_is_good(&config, &rq, S("https://auth.example.com/")), "a request without a host has no page of its own host");
}

/* ---- who waits --------------------------------------------------------- */

static void test_page(void)
{
	static const struct { enum method method; const char *forwarded, *mode, *accept; bool page; } asks[] = {
		{ METHOD_GET, "", "navigate", "", true },
		{ METHOD_HEAD, "", "navigate", "*/*", true },
		{ METHOD_POST, "", "navigate", "text/html", false },
		{ METHOD_GET, "", "cors", "text/html", false },
		{ METHOD_GET, "", "no-cors", "text/html", false },
		{ METHOD_GET, "", "websocket", "", false },
		{ METHOD_GET, "", "", "text/html,application/xhtml+xml;q=0.9", true },
		{ METHOD_GET, "", "", "application/xml;q=0.9, TEXT/HTML ;q=0.8", true },
		{ METHOD_GET, "", "", "application/json, text/plain, */*", false },
		{ METHOD_GET, "", "", "text/htmlx", false },
		{ METHOD_GET, "", "", "*/*", false },
		{ METHOD_GET, "", "", "", false },
		{ METHOD_OTHER, "", "navigate", "text/html", false },
		{ METHOD_GET, "GET", "navigate", "", true },
		{ METHOD_GET, "HEAD", "", "text/html", true },
		{ METHOD_POST, "GET", "navigate", "", true },
		{ METHOD_GET, "POST", "navigate", "text/html", false },
		{ METHOD_GET, "GET, POST", "navigate", "text/html", false },
		{ METHOD_GET, "get", "navigate", "text/html", false },
	};
	for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
		struct request rq = { .method = asks[i].method, .forwarded_method = slice_of(asks[i].forwarded),
			.sec_fetch_mode = slice_of(asks[i].mode), .accept = slice_of(asks[i].accept) };
		is_int(redirect_is_page(&rq), asks[i].page, "%s, %s, mode %s, accept %s", method_words[asks[i].method], asks[i].forwarded, asks[i].mode, asks[i].accept);
	}
}

/* ---- to sign in -------------------------------------------------------- */

static void test_to_signin(void)
{
	static const struct { const char *url, *host, *uri, *query, *to; } tells[] = {
		{ "", "", "", "redirect", "/auth/signin" },
		{ "https://auth.example.com/page?a=1&b=2", "", "", "redirect", "/auth/signin?rd=/page%3fa%3d1%26b%3d2" },
		{ "https://AUTH.example.com/", "", "", "redirect", "/auth/signin?rd=/" },
		{ "https://auth.example.com", "", "", "redirect", "/auth/signin?rd=https%3a//auth.example.com" },
		{ "https://auth.example.com//evil.example", "", "", "redirect", "/auth/signin" },
		{ "https://app.example.com/x", "", "", "redirect", "/auth/signin?rd=https%3a//app.example.com/x" },
		{ "https://evil.example/x", "", "", "redirect", "/auth/signin" },
		{ "https://auth.example.com@evil.example/x", "", "", "redirect", "/auth/signin" },
		{ "/page", "", "", "redirect", "/auth/signin?rd=/page" },
		{ "nonsense", "", "", "redirect", "/auth/signin" },
		{ "https://auth.example.com/a, https://auth.example.com/b", "", "", "redirect", "/auth/signin" },
		{ "", "auth.example.com", "/page%20x?y", "redirect", "/auth/signin?rd=/page%2520x%3fy" },
		{ "", "app.example.com", "/page", "redirect", "/auth/signin?rd=https%3a//app.example.com/page" },
		{ "", "app.example.com", "", "redirect", "/auth/signin" },
		{ "", "", "/page", "redirect", "/auth/signin" },
		{ "", "app.example.com", "@evil.example/", "redirect", "/auth/signin" },
		{ "", "a, b", "/page", "redirect", "/auth/signin" },
		{ "https://auth.example.com/first", "app.example.com", "/second", "redirect", "/auth/signin?rd=/first" },
		{ "https://app.example.com/x", "", "", "redirect&door=https://auth.example.com/signin", "https://auth.example.com/signin?rd=https%3a//app.example.com/x" },
		{ "https://auth.example.com/x", "", "", "redirect&door=https%3A%2F%2Flogin.example.com%2F", "https://login.example.com/?rd=https%3a//auth.example.com/x" },
		{ "https://auth.example.com/x", "", "", "redirect&door=https://evil.example/signin", "/auth/signin?rd=/x" },
		{ "https://auth.example.com/x", "", "", "redirect&door=%2", "/auth/signin?rd=/x" },
		{ "https://auth.example.com/x", "", "", "redirect&door=", "/auth/signin?rd=/x" },
	};
	set(HTTPS);
	for (size_t i = 0; i < sizeof tells / sizeof *tells; i++) {
		struct request rq = asked(HTTPS);
		rq.original_url = slice_of(tells[i].url);
		rq.forwarded_host = slice_of(tells[i].host);
		rq.forwarded_uri = slice_of(tells[i].uri);
		rq.query = slice_of(tells[i].query);
		is_str(redirect_to_signin(&config, &rq), tells[i].to, "%zu: %s%s%s, %s", i, tells[i].url, tells[i].host, tells[i].uri, tells[i].query);
	}
	struct request rq = asked(HTTP);
	rq.forwarded_host = S("app.example.com");
	rq.forwarded_uri = S("/page");
	is_str(redirect_to_signin(&config, &rq), "/auth/signin", "a page below the domain without TLS isn't gone back to");
	char text[2 * REDIRECT_MOST];
	memset(text, '%', sizeof text);
	*text = '/';
	rq.original_url = (struct slice){ text, 1000 };
	ok(strlen(redirect_to_signin(&config, &rq)) == 16 + 1 + 3 * 999, "a page whose address is long: %zu", strlen(redirect_to_signin(&config, &rq)));
	rq.original_url.n = 1001;
	is_str(redirect_to_signin(&config, &rq), "/auth/signin", "one that is too long isn't gone back to");
}

/* ---- all that is accepted, for a browser's own reading (return.t) -------- */

static const char *const pieces[] = { "/", "\\", "https:", "HTTP:", "auth.example.com", "evil.example", "app.", "example.com", "listed.example", "@", ":", ":8080",
	"?", "#", ".", "%2f", "%40", "\t", " ", "[::1]", "a", ";" };
enum { PIECES = sizeof pieces / sizeof *pieces, JOINED = 4 };

/* Each row of up to JOINED pieces behind a beginning; those that are good, a line each, behind the number of the door. */
static void print_accepted(const char *beginning, int left)
{
	for (enum door door = HTTPS; door < DOORS; door++) {
		struct request rq = asked(door);
		set(door);
		if (redirect_is_good(&config, &rq, slice_of(beginning)))
			printf("%d %s\n", (int)door, beginning);
	}
	for (size_t i = 0; i < PIECES && left > 0; i++) {
		char longer[256];
		snprintf(longer, sizeof longer, "%s%s", beginning, pieces[i]);
		print_accepted(longer, left - 1);
	}
}

int main(int argc, char **argv)
{
	if (config_parse(SLICE_NONE, &config))
		return 2;
	if (argc > 1) {
		print_accepted(argv[1], JOINED);
		return 0;
	}
	test_back();
	test_page();
	test_to_signin();
	return done_testing();
}
