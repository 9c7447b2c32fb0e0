/*
 * route_test: the route layer by itself, with dialects of the test's own: which dialect and route a request belongs
 * to, bodies in JSON and as forms, members per route, the shape of an error, OPTIONS.
 */
#include "route.h"
#include "store.h"
#include "store/upkeep.h"
#include "t.h"

/* ---- two dialects ------------------------------------------------------ */

struct toy {
	struct slice name, note;
	bool loud;
};

static struct toy seen;                 /* what the handler was given */
static char rest[64];
static enum error handler_says, admit_says;
static unsigned admitted, handled;

static enum error handle(struct call *c)
{
	handled++;
	seen = *(struct toy *)c->own;
	snprintf(rest, sizeof rest, "%.*s", (int)c->rest.n, c->rest.p ? c->rest.p : "");
	if (handler_says != ERROR_NONE)
		return handler_says;
	c->rp->status = 200;
	c->rp->type = "text/plain";
	return ERROR_NONE;
}

static enum error admit(struct call *c)
{
	(void)c;
	admitted++;
	return admit_says;
}

/* An error of this dialect is one line: its status comes from it, too. */
static void refuse_with_400(struct call *c, enum error e)
{
	c->rp->status = 400;
	c->rp->type = "text/x-toy";
	buf_s(&c->rp->body, errors[e].code);
	buf_s(&c->rp->body, c->about ? " about " : "");
	buf_s(&c->rp->body, c->about ? c->about : "");
}

static void refuse_plainly(struct call *c, enum error e)
{
	c->rp->type = "text/plain";
	buf_s(&c->rp->body, errors[e].code);
}

static const struct member greet_members[] = {
	{ "name", MEMBER_TEXT, true, 8, offsetof(struct toy, name) },
	{ "note", MEMBER_TEXT, false, 4, offsetof(struct toy, note) },
	{ "loud", MEMBER_FLAG, false, 0, offsetof(struct toy, loud) },
	{ NULL, MEMBER_FLAG, false, 0, 0 }
};
static const struct member note_members[] = {
	{ "note", MEMBER_TEXT, false, 4, offsetof(struct toy, note) },
	{ NULL, MEMBER_FLAG, false, 0, 0 }
};

static const struct route toy_routes[] = {
	{ METHOD_POST, "/greet", ACCESS_NONE, greet_members, PACE_SLOW, handle },
	{ METHOD_GET, "/greet", ACCESS_NONE, note_members, PACE_QUICK, handle },
	{ METHOD_POST, "/note", ACCESS_LIVE, note_members, PACE_QUICK, handle },
	{ METHOD_DELETE, "/note/", ACCESS_NONE, NULL, PACE_QUICK, handle },
	{ METHOD_POST, "/poke", ACCESS_NONE, NULL, PACE_QUICK, handle },
	{ METHOD_GET, "/read", ACCESS_NONE, note_members, PACE_QUICK, handle },
};
static const struct route known_routes[] = {
	{ METHOD_GET, "/.well-known/toy", ACCESS_NONE, NULL, PACE_QUICK, handle },
};
static const struct dialect toy = { .prefix = "/", .routes = toy_routes, .count = 6, .size = sizeof(struct toy), .admit = admit,
	.refuse = refuse_with_400 };
static const struct dialect forms = { .prefix = "/", .routes = toy_routes, .count = 6, .size = sizeof(struct toy), .forms = true,
	.admit = admit, .refuse = refuse_with_400 };
static const struct dialect special = { .prefix = "/form", .routes = toy_routes, .count = 6, .size = 1,
	.refuse = refuse_plainly };
static const struct dialect known = { .on_host = true, .prefix = "/.well-known/", .routes = known_routes, .count = 1,
	.size = sizeof(struct toy), .refuse = refuse_plainly };

static const struct route door_routes[] = {
	{ METHOD_GET, "/knock", ACCESS_NONE, NULL, PACE_QUICK, handle },
};
static const struct dialect door = { .prefix = "/", .routes = door_routes, .count = 1, .size = 1, .refuse = refuse_plainly };

/* ---- asking ------------------------------------------------------------ */

static struct config config;
static struct keyring ring;
static struct request rq;
static struct reply rp;

static bool in_head(const char *part)
{
	return strstr(slice_text(buf_slice(&rp.head)), part) != NULL;
}

static const char *body(void) { return slice_text(buf_slice(&rp.body)); }

static void ask_dialect(const struct dialect *d, enum method method, const char *path, const char *text)
{
	rq.method = method;
	rq.path = slice_of(path);
	rq.body = slice_of(text);
	rp = (struct reply){ 0 };
	seen = (struct toy){ .loud = false };
	admitted = handled = 0;
	route_answer(d, &config, &ring, &rq, ERROR_NONE, &rp);
}

static void post_json(const char *path, const char *text)
{
	rq.content_type = S("application/json");
	ask_dialect(&toy, METHOD_POST, path, text);
}

static void post_form(const struct dialect *d, const char *path, const char *text)
{
	rq.content_type = S("application/x-www-form-urlencoded; charset=utf-8");
	ask_dialect(d, METHOD_POST, path, text);
}

/* ---- which dialect ----------------------------------------------------- */

static void dialects(void)
{
	enum { DIALECTS = 5 };
	static const struct dialect *const table[DIALECTS] = { &known, &special, NULL, &toy, &door };
	static const struct { const char *mount, *path; bool below; const struct dialect *want; } cases[] = {
		{ "/api", "/greet", true, &toy }, { "/api", "/form", true, &special }, { "/api", "/form/x", true, &special },
		{ "/api", "/", true, &toy }, { "/api", "/greet", false, NULL }, { "/api", "/", false, NULL },
		{ "/api", "/.well-known/toy", false, &known }, { "/api", "/.well-known/other", false, &known },
		{ "/api", "/.well-known/toy", true, &toy }, { "", "/.well-known/toy", true, &known },
		{ "/.well-known", "/toy", true, &known }, { "/.well-known/toy", "/", true, &known },
		{ "/api", "/.well-known", false, NULL },
		{ "/api", "/note/7", true, &toy }, { "/api", "/knock", true, &door }, { "/api", "/knock", false, NULL },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct request r = { .mount = slice_of(cases[i].mount), .path = slice_of(cases[i].path), .below = cases[i].below };
		ok(route_dialect(table, DIALECTS, &r) == cases[i].want, "%s%s, %s the mount", cases[i].mount, cases[i].path,
			cases[i].below ? "below" : "beside");
	}
	rq = (struct request){ .mount = S("/api"), .below = false };
	ask_dialect(&known, METHOD_GET, "/.well-known/toy", NULL);
	is_int(rp.status, 200, "a path beside the mount is answered");
	ask_dialect(&known, METHOD_GET, "/.well-known/nothing", NULL);
	ok(rp.status == 404 && strcmp(body(), "not_found") == 0, "or refused in its dialect's shape: %s", body());
	rq = (struct request){ .mount = S("/.well-known"), .below = true };
	ask_dialect(&known, METHOD_GET, "/toy", NULL);
	is_int(rp.status, 200, "also where a web server has its folder as the mount");
	rq.mount = S("/.well-known/toy");
	ask_dialect(&known, METHOD_GET, "/", NULL);
	is_int(rp.status, 200, "or the path itself, as a script of its own");
	rq.mount = SLICE_NONE;
	ask_dialect(&known, METHOD_GET, "/", NULL);
	is_int(rp.status, 404, "but no host's root is that of a dialect");
}

static void slow(void)
{
	static const struct { enum method method; const char *path; bool want; } cases[] = {
		{ METHOD_POST, "/greet", true }, { METHOD_GET, "/greet", false }, { METHOD_OPTIONS, "/greet", false },
		{ METHOD_POST, "/note", false }, { METHOD_POST, "/nothing", false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct request r = { .below = true, .method = cases[i].method, .path = slice_of(cases[i].path) };
		ok(route_is_slow(&toy, &config, &r) == cases[i].want, "%s %s is %s", method_words[r.method], cases[i].path,
			cases[i].want ? "slow" : "not slow");
	}
}

/* ---- routes ------------------------------------------------------------ */

static void methods(void)
{
	static const struct { enum method method; const char *path; int status; const char *allow; } cases[] = {
		{ METHOD_GET, "/greet", 200, NULL }, { METHOD_HEAD, "/greet", 200, NULL },
		{ METHOD_DELETE, "/greet", 400, "Allow: GET, HEAD, POST, OPTIONS\r\n" },
		{ METHOD_OPTIONS, "/greet", 204, "Allow: GET, HEAD, POST, OPTIONS\r\n" },
		{ METHOD_OTHER, "/note/7", 400, "Allow: DELETE, OPTIONS\r\n" },
		{ METHOD_DELETE, "/note/7", 200, NULL }, { METHOD_DELETE, "/note/", 400, NULL }, { METHOD_OPTIONS, "/note/", 400, NULL },
		{ METHOD_GET, "/gree", 400, NULL }, { METHOD_GET, "/greets", 400, NULL },
	};
	rq = (struct request){ .below = true };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		ask_dialect(&toy, cases[i].method, cases[i].path, NULL);
		ok(rp.status == cases[i].status && in_head("Allow:") == (cases[i].allow != NULL), "%s %s",
			method_words[cases[i].method], cases[i].path);
		ok(!cases[i].allow || in_head(cases[i].allow), "%s", cases[i].allow ? cases[i].allow : "and no Allow");
		ok(in_head("Cache-Control: no-store\r\n"), "isn't kept");
	}
	ask_dialect(&toy, METHOD_DELETE, "/note/7/8", NULL);
	is_str(rest, "7/8", "what comes after a path that ends in a slash");
	is_int(route_is_slow(&toy, &config, &(struct request){ .below = true, .method = METHOD_DELETE, .path = S("/note/7") }), 0,
		"is no other route");
}

static void credentials(void)
{
	rq = (struct request){ .below = true };
	post_json("/greet", "{\"name\":\"x\"}");
	ok(handled == 1 && admitted == 0, "a route without access asks for none");
	post_json("/note", "{}");
	ok(handled == 1 && admitted == 1, "one with it has the dialect look first");
	admit_says = ERROR_TOKEN_MISSING;
	post_json("/note", "{}");
	ok(rp.status == 400 && handled == 0 && strcmp(body(), "token_missing") == 0, "which may refuse: %s", body());
	post_json("/note", "{\"note\":1}");
	ok(admitted == 0 && strcmp(body(), "invalid_request about note") == 0, "the body is read before: %s", body());
	admit_says = ERROR_NONE;
	handler_says = ERROR_BUSY;
	post_json("/note", "{}");
	ok(in_head("Retry-After: 1\r\n") && strcmp(rp.type, "text/x-toy") == 0,
		"what is the same for all dialects is added to the refusal");
	handler_says = ERROR_NONE;
}

/* ---- bodies ------------------------------------------------------------ */

static void json(void)
{
	static const struct { const char *path, *text, *says; } cases[] = {
		{ "/greet", "{\"name\":\"anna\"}", "" }, { "/greet", "{\"name\":\"12345678\"}", "" },
		{ "/greet", "{\"name\":\"123456789\"}", "invalid_request about name" },
		{ "/greet", "{\"name\":\"\"}", "" }, { "/greet", "{\"name\":null}", "invalid_request about name" },
		{ "/greet", "{\"name\":7}", "invalid_request about name" }, { "/greet", "{}", "invalid_request about name" },
		{ "/greet", "", "invalid_request about name" },
		{ "/greet", "{\"name\":\"a\",\"note\":\"12345\"}", "invalid_request about note" },
		{ "/greet", "{\"name\":\"a\",\"loud\":1}", "invalid_request about loud" },
		{ "/greet", "{\"name\":\"a\",\"loud\":null}", "" }, { "/greet", "{\"name\":\"a\",\"other\":[1]}", "" },
		{ "/greet", "{\"name\":", "invalid_json" }, { "/greet", "[]", "invalid_request" }, { "/greet", "7", "invalid_request" },
		{ "/note", "{\"name\":7,\"loud\":7}", "" }, { "/note", "", "" }, { "/poke", "nonsense", "" },
	};
	rq = (struct request){ .below = true };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		post_json(cases[i].path, cases[i].text);
		is_str(body(), cases[i].says, "%s %s", cases[i].path, cases[i].text);
		is_int(handled, *cases[i].says == '\0', "%s", handled ? "is handled" : "is not");
	}
	post_json("/greet", "{\"note\":\"b\",\"loud\":true,\"name\":\"\\u0061\"}");
	ok(slice_is(seen.name, S("a")) && slice_is(seen.note, S("b")) && seen.loud, "all members");
	post_json("/greet", "{\"name\":\"a\",\"loud\":false}");
	ok(seen.note.p == NULL && !seen.loud, "one that is absent has no text");
	rq.content_type = S("text/plain");
	ask_dialect(&toy, METHOD_POST, "/greet", "{\"name\":\"a\"}");
	is_str(body(), "unsupported_media_type", "no other type");
	post_form(&toy, "/read", "note=a&name=b");
	ok(handled == 1 && slice_is(seen.note, S("a")) && seen.name.p == NULL,
		"a form for a path that is read is a GET of it, with its members");
	post_form(&toy, "/greet", "name=a");
	is_str(body(), "unsupported_media_type", "but not where there is a POST of that path");
	post_form(&toy, "/note", "note=a");
	is_str(body(), "unsupported_media_type", "so no form changes anything");
	rq.content_type = SLICE_NONE;
	ask_dialect(&toy, METHOD_GET, "/greet", "nonsense");
	is_int(handled, 1, "a GET's body isn't looked at");
}

static void form(void)
{
	static const struct { const char *text, *says; } cases[] = {
		{ "name=anna", "" }, { "name=", "" }, { "note=a", "invalid_request about name" }, { "", "invalid_request about name" },
		{ "name=a&name=a", "invalid_request about name" }, { "name=123456789", "invalid_request about name" },
		{ "name=%31%32%33%34%35%36%37%38", "" }, { "name=%3", "invalid_request about name" },
		{ "name=%", "invalid_request about name" },
		{ "name=%zz", "invalid_request about name" }, { "name=%ff", "invalid_request about name" }, { "name=%C3%a9", "" },
		{ "name=a&note=12345", "invalid_request about note" }, { "name=a&loud=true&loud=true", "invalid_request about loud" },
		{ "name=a&other=%", "" },
	};
	rq = (struct request){ .below = true };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		post_form(&forms, "/greet", cases[i].text);
		is_str(body(), cases[i].says, "a form: %s", cases[i].text);
	}
	post_form(&forms, "/greet", "loud=true&name=a+b%2Bc&note=%00");
	ok(slice_is(seen.name, S("a b+c")) && slice_is(seen.note, S("\0")) && seen.loud, "decoded");
	post_form(&forms, "/greet", "loud=yes&name=a");
	ok(!seen.loud && seen.note.p == NULL, "a flag is true or false");
	rq.content_type = S("application/json");
	ask_dialect(&forms, METHOD_POST, "/greet", "{\"name\":\"a\"}");
	is_str(body(), "unsupported_media_type", "no JSON where a form is due");
}

/* ---- errors and CORS --------------------------------------------------- */

static void refusals(void)
{
	rq = (struct request){ .below = true };
	rp = (struct reply){ .status = 200, .type = "text/html" };
	buf_s(&rp.body, "half a secret");
	reply_header(&rp, "Set-Cookie", "secret", NULL);
	admitted = handled = 0;
	route_answer(&toy, &config, &ring, &rq, ERROR_STORE_FULL, &rp);
	ok(strcmp(body(), "store_full") == 0 && rp.status == 400 && !in_head("Set-Cookie"),
		"one that is refused before it is read: %s", body());
	ok(in_head("Retry-After: 60\r\n") && handled == 0, "waits as the table says");
	route_answer(&known, &config, &ring, &rq, ERROR_BUSY, &rp);
	ok(rp.status == 503, "a dialect that sets no status has that of the table");
}

static void cors(void)
{
	config.cors_origins = S("https://app.example");
	rq = (struct request){ .below = true, .origin = S("https://app.example"), .request_method = S("POST") };
	ask_dialect(&toy, METHOD_OPTIONS, "/greet", NULL);
	ok(in_head("Access-Control-Max-Age: 600\r\n"), "a preflight");
	rp = (struct reply){ .status = 200 };
	route_finish(&config, &rq, &rp);
	ok(in_head("Access-Control-Allow-Origin: https://app.example\r\n") && in_head("Vary: Origin\r\n"), "whatever is answered");
	struct dialect pages = toy;
	pages.own = true;
	ask_dialect(&pages, METHOD_OPTIONS, "/greet", NULL);
	ok(rp.own && rp.status == 204 && !in_head("Access-Control"), "no preflight of pages for people");
	ask_dialect(&pages, METHOD_GET, "/greet", NULL);
	route_finish(&config, &rq, &rp);
	ok(!in_head("Access-Control") && !in_head("Vary"), "nor is one read by a listed origin");
	rq.origin = S("https://evil.example");
	ask_dialect(&toy, METHOD_OPTIONS, "/greet", NULL);
	ok(!in_head("Access-Control-Max-Age") && rp.status == 204, "not of another origin");
	rp = (struct reply){ .status = 200 };
	route_finish(&config, &rq, &rp);
	ok(!in_head("Access-Control") && in_head("Vary: Origin\r\n"), "nor its answer");
	config.cors_origins = SLICE_NONE;
	rp = (struct reply){ .status = 200 };
	route_finish(&config, &rq, &rp);
	is_int(rp.head.n, 0, "nor any without the option");
}

int main(void)
{
	config_parse(S(""), &config);
	dialects();
	slow();
	methods();
	credentials();
	json();
	form();
	refusals();
	cors();
	return done_testing();
}
