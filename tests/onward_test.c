/*
 * onward_test: the page /authorize, asked through route_answer() on a real store: who gets the form, who a button, who goes back to the
 * client at once, and whose requests count.
 */
#include "door_case.h"
#include "ticket.h"

#define HASH "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define CH "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define PKCE "&response_type=code&code_challenge=" CH "&code_challenge_method=S256"
#define WEB "/authorize?client_id=web&state=s%22" PKCE
#define APP "/authorize?client_id=app&redirect_uri=http://127.0.0.1:5123/cb&state=s" PKCE
#define RIGHT "username=alice&password=correct+horse"

static const char clients[] =
	"web " HASH " https://web.example:8443/cb\n"
	"app public org.example.app:/cb http://127.0.0.1/cb http://[::1]/cb\n"
	"staff " HASH ",group=staff https://staff.example/cb\n";

static bool is_form(void) { return in_body("type=\"password\"") && in_body("action=\"authorize?client_id="); }

/* The code that the browser is sent away with. */
static struct ticket_code code;
static bool has_code(const char *to)
{
	struct work w = { .config = &config, .ring = &ring };
	const char *at = strstr(rp.status == 303 ? head() : body(), to);
	struct slice rest = slice_of(at ? at + strlen(to) : "");
	if (!slice_starts(rest, S("?code=")))
		return false;
	rest = slice_from(rest, 6);
	rest.n = slice_span(rest, "-_.");
	return ticket_open_code(&w, rest, &code) == ERROR_NONE;
}

static int64_t count_sessions(void)
{
	struct session list[LIMIT_LIST];
	store_open(dir, 5);
	size_t n = store_sessions(0, 0, list);
	store_close();
	return (int64_t)n;
}

/* ---- tests ------------------------------------------------------------- */

static void off_without_clients(void)
{
	get(WEB);
	is_int(rp.status, 404, "without a client there is no /authorize");
	post(WEB, RIGHT);
	is_int(rp.status, 404, "for no form either");
}

static void shown(void)
{
	get("/authorize?client_id=nobody&redirect_uri=https://evil.example/");
	ok(rp.status == 400 && in_body("is not known here") && !in_head("Location"), "an unknown client: nobody is sent anywhere");
	get("/authorize?client_id=web&redirect_uri=https://evil.example/");
	ok(rp.status == 400 && in_body("is not known here") && !in_head("evil") && !in_body("evil"), "nor to an unknown address");
	post("/authorize?client_id=web&redirect_uri=https://evil.example/", RIGHT);
	ok(rp.status == 400 && !in_head("Location") && !in_head("Set-Cookie"), "by a form neither");
	get("/authorize?client_id=web&response_type=token&state=x");
	ok(goes_to("https://web.example:8443/cb?error=unsupported_response_type&state=x\r\n"), "what else is wrong the client is told");
}

static void form(void)
{
	get(WEB);
	ok(rp.status == 200 && is_form() && in_body("to go on to web"), "the form names the client");
	ok(in_head("form-action 'self' https://web.example:8443;") && in_head("frame-ancestors 'none'"), "it may lead to the client, and stands in no frame");
	ok(!in_head("Cross-Origin-Opener-Policy") && in_head("Referrer-Policy: same-origin") && in_head("no-store"), "a window that waits for it keeps it; nobody else is told of it");
	ok(in_body("state=s%22&amp;response_type=code") && !in_body("<script src=\"http"), "what the client asks for stays in the address");
	get(WEB "&login_hint=%3Cal");
	ok(in_body("name=\"username\" value=\"&lt;al\"") && in_body("autocomplete=\"current-password\" required autofocus>"), "the hint fills it, escaped");
	get(APP);
	ok(in_head("form-action 'self' http://127.0.0.1:5123;"), "a loopback has its port");
	get("/authorize?client_id=app&redirect_uri=org.example.app:/cb" PKCE);
	ok(in_head("form-action 'self';"), "a private scheme isn't led to by a form");
	get(WEB "&prompt=none");
	ok(goes_to("https://web.example:8443/cb?error=login_required&state=s%22"), "prompt=none: the client is told");
}

static void by_password(void)
{
	int64_t before = count_sessions();
	post(WEB, "username=alice&password=wrong");
	ok(rp.status == 403 && is_form() && in_body("User name or password is wrong.") && in_body("value=\"alice\""), "a wrong password: the form once more");
	post(WEB, "password=correct+horse");
	ok(rp.status == 400 && is_form() && in_body("fill in"), "no name");
	post(WEB, "username=alice");
	ok(rp.status == 400 && is_form() && in_body("fill in"), "none");
	post(WEB, RIGHT);
	ok(rp.status == 303 && has_code("https://web.example:8443/cb") && in_head("&state=s%22\r\n"), "the right one: back, with a code and the state");
	ok(!in_head("Set-Cookie") && count_sessions() == before, "nothing is kept, here or there");
	ok(code.claims.by == 0 && code.claims.sso == 0 && code.claims.at == clock_now && code.claims.amr == AMR_PASSWORD, "it says that a password was shown");
	post(WEB "&prompt=login&max_age=0", RIGHT);
	ok(has_code("https://web.example:8443/cb"), "who has just shown it is asked once");
	post(WEB, RIGHT "&stay=true&key=k");
	ok(has_code("https://web.example:8443/cb") && in_head("Set-Cookie: __Host-latchkey-door") && count_sessions() == before + 1, "who stays has a session of the door");
	ok(code.claims.by != 0 && code.claims.sso == 0, "which the code names");
	post(APP, RIGHT);
	ok(has_code("http://127.0.0.1:5123/cb"), "a program of the device, by a password");
}

static void by_cookie(void)
{
	clock_now += 100;
	get(WEB);
	ok(rp.status == 303 && has_code("https://web.example:8443/cb"), "who is signed in goes back at once");
	ok(code.claims.sso == 1 && code.claims.by && code.claims.at == clock_now - 100, "the code says since when, and by which cookie");
	get(WEB "&prompt=none");
	ok(has_code("https://web.example:8443/cb"), "without a page too");
	rq.sec_fetch_site = S("cross-site");
	get(WEB);
	ok(has_code("https://web.example:8443/cb"), "whatever site leads there");
	get(WEB "&prompt=login");
	ok(is_form() && rp.status == 200, "prompt=login: the form");
	get(WEB "&max_age=99");
	ok(is_form(), "signed in too long ago: the form");
	get(WEB "&max_age=100");
	ok(has_code("https://web.example:8443/cb"), "not too long ago");
	get(WEB "&max_age=99&prompt=none");
	ok(goes_to("https://web.example:8443/cb?error=login_required"), "or the client is told");
	get("/authorize?client_id=staff&state=s" PKCE);
	ok(goes_to("https://staff.example/cb?error=access_denied&state=s"), "a client that isn't for this user");
	post("/authorize?client_id=staff&state=s" PKCE, RIGHT);
	ok(goes_to("https://staff.example/cb?error=access_denied&state=s"), "by a password neither");
}

static void by_button(void)
{
	get(APP);
	ok(rp.status == 200 && in_body("Go on to app?") && in_body("signed in as alice") && !in_body("type=\"password\""), "a program of the device: a button that names client and user");
	ok(in_body("class=\"main late\" name=\"do\" value=\"allow\"") && in_body("<script src=\"link.js"), "which works once it was seen");
	ok(in_body("&amp;prompt=login\">Sign in as somebody else"), "somebody else may sign in");
	get(APP "&prompt=consent");
	ok(in_body("Go on to app?") && !in_body("Sign in as somebody else"), "not where the client says how");
	get(APP "&prompt=none");
	ok(goes_to("http://127.0.0.1:5123/cb?error=interaction_required&state=s"), "without a page: nothing");
	post(APP, "do=allow");
	ok(rp.status == 303 && has_code("http://127.0.0.1:5123/cb") && code.claims.sso == 1, "allowed");
	post(APP, "do=cancel");
	ok(goes_to("http://127.0.0.1:5123/cb?error=access_denied&state=s"), "cancelled");
	post(APP "&prompt=login", "do=allow");
	ok(is_form(), "a password can't be replaced by the button");
	post(WEB, "do=allow");
	ok(has_code("https://web.example:8443/cb"), "where no button is needed it harms nothing");
	post(APP "&response_type=code", "do=allow");
	ok(goes_to("http://127.0.0.1:5123/cb?error=invalid_request"), "what is wrong is wrong by a form, too");
	post("/authorize?client_id=app&redirect_uri=org.example.app:/cb&state=s" PKCE, "do=allow");
	ok(rp.status == 200 && has_code("href=\"org.example.app:/cb") && in_body("Go on to app</a>"), "a private scheme is a link, which a person follows");
	post("/authorize?client_id=app&redirect_uri=http://[::1]:5/cb&state=s" PKCE, "do=allow");
	ok(rp.status == 200 && has_code("href=\"http://[::1]:5/cb"), "so is an address that no form-action can name");
}

static void from_elsewhere(void)
{
	static const struct { const char *site, *origin; } cases[] = {
		{ "cross-site", "https://evil.example" }, { "same-site", "https://sub.example.test" }, { "none", NULL }, { NULL, "https://listed.example" },
		{ NULL, "null" }, { NULL, NULL }, { NULL, "http://example.test:8080" },
	};
	config.cors_origins = S("https://listed.example");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (int k = 0; k < 2; k++) {
			rq.sec_fetch_site = slice_of(cases[i].site);
			rq.origin = slice_of(cases[i].origin);
			post(APP, k ? "do=allow" : RIGHT "&stay=true");
			ok(rp.status == 403 && !in_head("Set-Cookie") && !in_body("code=") && !in_head("Location"), "a form from %s, %s gives nothing", cases[i].site ? cases[i].site : "-",
				cases[i].origin ? cases[i].origin : "-");
		}
	config.cors_origins = S("");
	rq.sec_fetch_site = S("cross-site");
	post("/authorize", "client_id=web&state=s%22+x" PKCE);
	ok(goes_to("authorize?client_id=web&state=s%22+x" PKCE "\r\n"), "a client's own form is led to the page");
	post("/authorize", "client_id=web&state=a\"b");
	ok(rp.status == 400 && !in_head("Location"), "unless there is something in it that no address has");
	char text[4098] = "client_id=web&state=";
	memset(text + strlen(text), 'x', sizeof text - 1 - strlen(text));
	rq.sec_fetch_site = S("cross-site");
	post("/authorize", text);
	ok(rp.status == 400 && !in_head("Location"), "or more of it than an address may have");
}

/* Without a page trouble of ours isn't told as "nobody is signed in". */
static void trouble(void)
{
	int64_t then = clock_now;
	clock_now = 1;
	get(WEB "&prompt=none");
	ok(goes_to("https://web.example:8443/cb?error=temporarily_unavailable"), "the clock is wrong: the client is told that it is our trouble");
	get(WEB);
	ok(is_form(), "a person is shown the form");
	post(WEB, RIGHT);
	ok(rp.status == 503 && is_form() && in_head("Retry-After"), "which says so");
	clock_now = then;
}

/* Over plain HTTP whoever is in between, and other ports of the host, can set a cookie: two sessions are nobody. */
static void planted(void)
{
	static char both[4096];
	const struct request loopback = { .below = true, .mount = { "/auth", 5 }, .peer = { "127.0.0.1", 9 }, .host = { "localhost", 9 },
		.content_type = usual.content_type, .sec_fetch_site = usual.sec_fetch_site };
	*cookie = '\0';
	post("/signin", RIGHT);
	snprintf(both, sizeof both, "latchkey-door-1%s", strchr(cookie, '='));
	*cookie = '\0';
	rq = loopback;
	memcpy(cookie, both, sizeof cookie);
	get(WEB);
	ok(has_code("https://web.example:8443/cb"), "one cookie signs in");
	*cookie = '\0';
	post("/signin", RIGHT);
	snprintf(both + strlen(both), sizeof both - strlen(both), "; latchkey-door-2%s", strchr(cookie, '='));
	memcpy(cookie, both, sizeof cookie);
	rq = loopback;
	get(WEB);
	ok(rp.status == 200 && is_form(), "two of two sessions: the form");
	rq = loopback;
	post(APP, "do=allow");
	ok(is_form() && !in_body("code="), "and no button counts");
}

static void signed_out(void)
{
	post("/signout", "");
	*cookie = '\0';
	post(APP, "do=allow");
	ok(rp.status == 200 && is_form(), "who has signed out meanwhile gets the form");
	post(APP "&prompt=none", "do=allow");
	ok(goes_to("http://127.0.0.1:5123/cb?error=login_required"), "or the client is told");
}

int main(void)
{
	set_up();
	off_without_clients();
	name_clients(clients);
	shown();
	form();
	by_password();
	by_cookie();
	by_button();
	from_elsewhere();
	trouble();
	planted();
	signed_out();
	remove_files();
	is_int(rmdir(dir), 0, "nothing is left behind");
	return done_testing();
}
