/*
 * Any request for the pages of the door: what comes out is HTML as door.c writes it, whatever stood in the request. The input's lines are the
 * operator's name for the place, Accept-Language, User-Agent, the query string; what follows is the form. Tags, attributes and
 * entities are read anew here, and none may be there that the pages haven't; a link leads where it may. /authorize and /device are asked
 * with clients that are named: with the query alone, and with it behind what a client asks for rightly. From there a browser is sent to addresses of
 * the clients, and to no others.
 */
#include "client.h"
#include "config.h"
#include "door/device.h"
#include "door/door.h"
#include "door/page.h"
#include "fuzz.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const bool fuzz_starves = true;

#define HASH "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define RIGHT "response_type=code&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&"
static const char clients[] =
	"web " HASH " https://web.example/cb https://web.example/cb2?x=1\n"
	"app public org.example.app:/cb http://127.0.0.1/cb http://[::1]/cb\n"
	"tv public,device\n";
static const char *const addresses[] = { "https://web.example/cb?", "https://web.example/cb2?x=1&", "org.example.app:/cb?", "http://[::1]/cb?" };

static struct config config;
static struct keyring ring = { { { "00c0ffee", 1, { 1, 2, 3 } } }, 1 };
static char dir[] = "/tmp/lk-fuzz.XXXXXX", file[64];

static void clean_up(void)
{
	unlink(file);
	rmdir(dir);
}

void fuzz_start(void)
{
	HOLDS(config_parse(S("issuer = https://example.test/auth\ncookie_domain = example.test\ncors_origins = https://listed.example\nwallets = stellar:pubnet solana:mainnet\n"), &config) == NULL);
	HOLDS(mkdtemp(dir));
	config.dir = dir;
	strcat(strcat(strcpy(file, dir), "/"), CLIENT_FILE);
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL, 0600);
	HOLDS(fd >= 0 && write(fd, clients, sizeof clients - 1) == (ssize_t)sizeof clients - 1 && close(fd) == 0);
	atexit(clean_up);
}

static bool among(struct slice word, const char *const *words)
{
	while (*words && !slice_is(word, slice_of(*words)))
		words++;
	return *words != NULL;
}

static struct slice span(struct slice *rest, const char *extra)
{
	struct slice word = { rest->p, slice_span(*rest, extra) };
	*rest = slice_from(*rest, word.n);
	return word;
}

/* This host, one below cookie_domain by HTTPS, or the listed origin; and behind it nothing that makes another host of it. */
static bool is_good_url(struct slice url)
{
	/* A browser takes scheme and host in either case. */
	bool https = slice_is_nocase((struct slice){ url.p, url.n < 8 ? 0 : 8 }, S("https://"));
	struct slice rest = slice_from(url, https ? 8 : 7), host = span(&rest, "-._");
	if (!https && !slice_is_nocase((struct slice){ url.p, url.n < 7 ? 0 : 7 }, S("http://")))
		return false;
	bool below = host.n > 13 && slice_is_nocase(slice_from(host, host.n - 13), S(".example.test"));
	return (slice_is_nocase(host, S("example.test")) || (https && (below || slice_is_nocase(host, S("listed.example")))))
		&& (rest.n == 0 || strchr("/:?#", *rest.p));
}

/* An address of a client, with something behind it; one on loopback may have any port. */
static bool is_clients(struct slice url)
{
	struct slice rest = slice_from(url, 16);
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
		if (slice_starts(url, slice_of(addresses[i])))
			return true;
	if (!slice_starts(url, S("http://127.0.0.1")))
		return false;
	if (slice_starts(rest, S(":")))
		rest = slice_from(rest, 1 + strspn(slice_text(slice_from(rest, 1)), "0123456789"));
	return slice_starts(rest, S("/cb?"));
}

/* Where a page, a form or a file may lie. */
static bool is_ours(struct slice target)
{
	static const char *const pages[] = { "signin", "signout", "account", "link", "device", "data:,", NULL };
	static const char *const starts[] = { "door.css?", "brand.css?", "link.js?", "authorize?" };
	if (among(target, pages) || (slice_starts(target, S("/")) && !slice_starts(target, S("//"))))
		return true;
	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
		if (slice_starts(target, slice_of(starts[i])))
			return true;
	return is_good_url(target) || is_clients(target);
}

static void check_entities(struct slice text)
{
	static const char *const known[] = { "amp", "lt", "gt", "quot", "#39", NULL };
	for (size_t i = 0; i < text.n; i++) {
		HOLDS((unsigned char)text.p[i] >= ' ' || text.p[i] == '\n');
		HOLDS(text.p[i] != '<' && text.p[i] != '>' && text.p[i] != '"');
	}
	for ((void)slice_cut(&text, '&'); text.p; (void)slice_cut(&text, '&')) {
		struct slice entity = { text.p, slice_span(text, "#") };
		HOLDS(among(entity, known) && slice_is(slice_from((struct slice){ text.p, entity.n + 1 }, entity.n), S(";")));
	}
}

/* leads: the tag is the field that says where the form leads back. */
static void check_attribute(struct slice *rest, bool *leads)
{
	static const char *const names[] = { "lang", "charset", "name", "content", "rel", "href", "src", "defer", "viewBox", "aria-hidden", "cx", "cy", "r",
		"d", "class", "method", "action", "role", "type", "value", "autocomplete", "autocapitalize", "spellcheck", "required", "autofocus", "checked",
		"html", "title", "hidden", "maxlength", "data-challenge", "data-rp", "data-user", "data-name", "data-algorithms", "data-chain", NULL };
	struct slice name = span(rest, "-"), value = *rest;
	HOLDS(among(name, names));
	if (!slice_starts(value, S("=\"")))
		return;
	value = slice_from(value, 2);
	*rest = value;
	value = slice_cut(rest, '"');
	HOLDS(rest->p != NULL);
	check_entities(value);
	bool target = slice_is(name, S("href")) || slice_is(name, S("src")) || slice_is(name, S("action")) || (*leads && slice_is(name, S("value")));
	HOLDS(!target || is_ours(value));
	*leads |= slice_is(name, S("name")) && slice_is(value, S("rd"));
}

static void check_tag(struct slice *rest)
{
	static const char *const tags[] = { "!doctype", "html", "head", "meta", "title", "link", "script", "body", "header", "svg", "circle", "path", "span",
		"main", "div", "form", "h1", "p", "input", "label", "button", "noscript", "a", "b", NULL };
	if (slice_starts(*rest, S("/")))
		*rest = slice_from(*rest, 1);
	bool leads = false;
	HOLDS(among(span(rest, "!"), tags));
	while (slice_starts(*rest, S(" "))) {
		*rest = slice_from(*rest, 1);
		check_attribute(rest, &leads);
	}
	if (slice_starts(*rest, S("/")))
		*rest = slice_from(*rest, 1);
	HOLDS(slice_starts(*rest, S(">")));
	*rest = slice_from(*rest, 1);
}

static void check_html(struct slice html)
{
	while (html.p) {
		check_entities(slice_cut(&html, '<'));
		if (html.p)
			check_tag(&html);
	}
}

/* One line, which leads to a client. */
static void check_location(struct slice head)
{
	bool found = false;
	while (head.n) {
		struct slice value = slice_cut(&head, '\r'), name = slice_cut(&value, ':');
		HOLDS(value.p && slice_starts(head, S("\n")));
		head = slice_from(head, 1);
		if (!slice_is(name, S("Location")))
			continue;
		HOLDS(!found && is_clients(slice_from(value, 1)));
		found = true;
		for (size_t i = 1; i < value.n; i++)
			HOLDS(value.p[i] > ' ' && value.p[i] <= '~');
	}
	HOLDS(found);
}

static void ask(struct request *rq)
{
	struct reply rp = { 0 };
	route_answer(&door_dialect, &config, &ring, rq, ERROR_NONE, &rp);
	HOLDS(rp.status == 200 || rp.status == 400 || rp.status == 403 || rp.status == 415 || (rp.status == 303 && slice_is(rq->path, S("/authorize"))));
	if (rp.status == 303) {
		check_location(buf_slice(&rp.head));
		return;
	}
	HOLDS(slice_is(slice_of(rp.type), S("text/html; charset=utf-8")));
	check_html(buf_slice(&rp.body));
	touch(buf_slice(&rp.head));
}

/* With a form, too: from another site, so that no password is tried. */
static void ask_both(struct request *rq, const char *path)
{
	rq->path = slice_of(path);
	rq->method = METHOD_GET;
	ask(rq);
	rq->method = METHOD_POST;
	ask(rq);
}

static void ask_of_clients(struct request *rq, struct slice query)
{
	static const char *const asked[] = { "client_id=web&redirect_uri=https%3A%2F%2Fweb.example%2Fcb&", "client_id=app&redirect_uri=", "client_id=app&redirect_uri=org.example.app:/cb&" };
	ask_both(rq, "/device");
	ask_both(rq, "/authorize");
	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
		rq->query = slice_of(text_join(i == 1 ? "" : RIGHT, asked[i], slice_text(query), NULL));
		ask_both(rq, "/authorize");
	}
}

void fuzz_one(struct slice in)
{
	struct slice brand = slice_cut(&in, '\n'), language = slice_cut(&in, '\n'), agent = slice_cut(&in, '\n'), query = slice_cut(&in, '\n');
	struct request rq = { .method = METHOD_GET, .below = true, .https = true, .mount = S("/auth"), .path = S("/signin"), .host = S("example.test"),
		.accept_language = language, .user_agent = agent, .query = query, .content_type = S("application/x-www-form-urlencoded"), .body = in,
		.sec_fetch_site = S("cross-site") };
	const struct session s = { .agent = agent, .device = SLICE_NONE };
	struct reply rp = { 0 };
	struct page page = { .rp = &rp, .language = words_language(language), .brand = brand };
	config.brand = brand;
	PAGE_FILL(&page, "<p class=\"{1}\">{1}{brand}<b title=\"{brand}\">{2}</b></p>", device_name(&page, &s), in);
	check_html(buf_slice(&rp.body));
	ask_both(&rq, "/signin");
	ask_of_clients(&rq, query);
}
