/*
 * token_test: clients at /token, /revoke, /introspect, /userinfo and the metadata, asked through route_answer() on a real store: how they show
 * themselves, what each grant wants, what they are told of a person, and that what is refused changes nothing.
 */
#include "base/base64.h"
#include "door_case.h"
#include "oauth/oauth.h"
#include "sign.h"
#include "ticket.h"

#define HASH "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"    /* of "test" */
#define WEB "client_id=web&client_secret=test"
#define VERIFIER "0123456789abcdefghijklmnopqrstuvwxyz-._~ABC"                             /* 43 characters */
#define DEVICE "grant_type=urn:ietf:params:oauth:grant-type:device_code"

static const char clients[] =
	"web " HASH ",es256,introspect https://web.example/cb\n"
	"rsa " HASH ",device https://rsa.example/cb\n"
	"app public,api http://127.0.0.1/cb\n"
	"kiosk public,once https://kiosk.example/cb\n"
	"tv public,device\n";

static uint64_t alice_id;
static const char *credentials;         /* Authorization of the next call; NULL: none */

/* ---- a slot that somebody else has ------------------------------------- */

static bool slots_are_taken;
static int slots_asked;
bool __real_password_slot(const char *place, int64_t jobs, int64_t seconds);
bool __wrap_password_slot(const char *place, int64_t jobs, int64_t seconds);
bool __wrap_password_slot(const char *place, int64_t jobs, int64_t seconds)
{
	slots_asked++;
	return !slots_are_taken && __real_password_slot(place, jobs, seconds);
}

/* ---- asking ------------------------------------------------------------ */

static void send(enum method method, const char *path, const char *text)
{
	asked = &oauth_dialect;
	if (credentials)
		rq.authorization = slice_of(credentials);
	call(method, path, text);
	credentials = NULL;
}

static void form(const char *path, const char *text)
{
	send(METHOD_POST, path, text);
}

/* A form of printf's. */
__attribute__((format(printf, 2, 3))) static void formf(const char *path, const char *format, ...)
{
	static char text[8192];
	va_list ap;
	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	form(path, text);
}

static void show(bool good)
{
	if (!good)
		diag("%d %s", rp.status, body());
}
#define refused(code, word, ...) show(ok(rp.status == (code) && in_body("{\"error\":\"" word "\""), __VA_ARGS__))
#define answered(...) show(ok(rp.status == 200, __VA_ARGS__))

/* A member of the last answer; the text stays until the fourth next. */
static const char *member(const char *name)
{
	static char texts[4][4096];
	static int next;
	char *out = texts[next++ % 4];
	struct json j;
	struct slice value = SLICE_NONE;
	if (json_read(buf_slice(&rp.body), &j) == JSON_VALID)
		(void)json_string(&j, name, &value);
	snprintf(out, sizeof texts[0], "%.*s", (int)value.n, value.n ? value.p : "");
	return out;
}

static const char *id_token(void)
{
	struct slice token = slice_of(member("id_token")), claims = SLICE_NONE;
	(void)slice_cut(&token, '.');
	return base64url_read(slice_cut(&token, '.'), &claims) ? slice_text(claims) : "";
}

static struct user alice(void)
{
	struct user u = { .id = 0 };
	store_open(dir, 5);
	(void)store_user(alice_id, &u);
	store_close();
	return u;
}

/* What the store holds, as far as a request could change it. */
static int64_t state(void)
{
	struct session page[LIMIT_LIST];
	struct audit rows[LIMIT_LIST];
	store_open(dir, 5);
	size_t n = store_sessions(0, 0, page);
	int64_t sum = (int64_t)n + (store_audits(0, 0, 1, rows) ? rows[0].id * 1000 : 0);
	for (size_t i = 0; i < n; i++)
		sum += page[i].ended_at + page[i].ctr;
	store_close();
	return sum;
}

static unsigned amr = AMR_PASSWORD;     /* how she signed in */

/* A code of alice's, as the page gives it. */
static const char *code_of(const char *client, const char *uri, const char *verifier, unsigned scope)
{
	static char text[1200];
	size_t mark = arena_mark();
	struct user u = alice();
	struct work w = { .config = &config, .ring = &ring, .time = clock_now };
	struct slice code = ticket_make_code(&w, &ring, &(struct code_claims){ .sid = random_id(), .sub = u.id, .cid = slice_of(client), .uri = ticket_digest(slice_of(uri)),
		.ch = verifier ? ticket_digest(slice_of(verifier)) : S(""), .scope = scope, .nonce = S("n"), .at = clock_now - 1, .amr = amr }, &u);
	snprintf(text, sizeof text, "%.*s", (int)code.n, code.p);
	arena_back(mark);
	return text;
}
static const char *web_code(unsigned scope) { return code_of("web", "https://web.example/cb", VERIFIER, scope); }
#define WEB_CODE WEB "&grant_type=authorization_code&code_verifier=" VERIFIER "&code=%s"

/* ---- who asks ---------------------------------------------------------- */

static void parties(void)
{
	static const struct { const char *what, *authorization, *form; int status; const char *error; } cases[] = {
		{ "Basic", "Basic d2ViOnRlc3Q=", "", 200, NULL }, { "basic, without padding", "basic  d2ViOnRlc3Q", "", 200, NULL },
		{ "Basic, and the same name in the form", "Basic d2ViOnRlc3Q=", "&client_id=web", 200, NULL },
		{ "Basic, and an empty secret", "Basic d2ViOnRlc3Q=", "&client_secret=", 200, NULL },
		{ "Basic, and another name", "Basic d2ViOnRlc3Q=", "&client_id=app", 400, "invalid_request" },
		{ "Basic, and a secret in the form", "Basic d2ViOnRlc3Q=", "&client_secret=test", 400, "invalid_request" },
		{ "Basic of nothing", "Basic", "", 401, "invalid_client" }, { "Basic of padding", "Basic ====", "", 401, "invalid_client" },
		{ "Basic without a colon", "Basic d2Vi", "", 401, "invalid_client" }, { "a wrong secret", "Basic d2ViOnRlc3R0", "", 401, "invalid_client" },
		{ "base64url", "Basic d2ViOj4-Pg==", "", 401, "invalid_client" }, { "base64url's other letter", "Basic d2ViOj8_Pw==", "", 401, "invalid_client" },
		{ "a secret with >", "Basic d2ViOj4+Pg==", "", 401, "invalid_client" }, { "a secret with ?", "Basic d2ViOj8/Pw==", "", 401, "invalid_client" },
		{ "a name with a broken escape", "Basic JXp6OnRlc3Q=", "", 401, "invalid_client" }, { "such a secret", "Basic d2ViOiV6eg==", "", 401, "invalid_client" },
		{ "a secret in the form", NULL, "&" WEB, 200, NULL }, { "a wrong one", NULL, "&client_id=web&client_secret=x", 401, "invalid_client" },
		{ "none", NULL, "&client_id=web", 401, "invalid_client" }, { "a secret of nobody", NULL, "&client_secret=test", 401, "invalid_client" },
		{ "a public client", NULL, "&client_id=app", 200, NULL }, { "with a secret", NULL, "&client_id=app&client_secret=test", 401, "invalid_client" },
		{ "nobody", NULL, "", 401, "invalid_client" }, { "a Bearer token", "Bearer x", "", 401, "invalid_client" },
		{ "an unknown client", NULL, "&client_id=other", 401, "invalid_client" }, { "a name twice", NULL, "&client_id=app&client_id=app", 400, "invalid_request" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		credentials = cases[i].authorization;
		formf("/revoke", "token=x%s", cases[i].form);
		const char *error = cases[i].error ? cases[i].error : "";
		ok(rp.status == cases[i].status && slice_is(slice_of(member("error")), slice_of(error)), "%s: %d %s", cases[i].what, cases[i].status, error);
		bool basic = cases[i].status == 401 && cases[i].authorization && slice_starts(slice_of(cases[i].authorization), S("Basic"));
		ok(in_head("WWW-Authenticate: Basic") == basic, "and asked for Basic if it tried that");
	}
}

/* ---- what can be found out by anybody ---------------------------------- */

static void metadata(const char *algs)
{
	send(METHOD_GET, "/.well-known/openid-configuration", NULL);
	ok(rp.status == 200 && rp.open && in_body(algs) && in_body("\"token_endpoint\":\"https://example.test/auth/token\""), "metadata say %s", algs);
	send(METHOD_GET, "/jwks", NULL);
	ok(rp.status == 200 && in_body("\"kty\":\"EC\"") && in_body("\"kty\":\"RSA\"") == (strstr(algs, "RS256") != NULL), "the keys too");
}

static void at_the_host(void)
{
	static const struct { const char *path; int status; } cases[] = {
		{ "/.well-known/openid-configuration", 200 }, { "/.well-known/openid-configuration/auth", 200 },
		{ "/.well-known/oauth-authorization-server/other", 404 },
	};
	asked = &oauth_host_dialect;
	config.base_path = S("/auth");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		rq.below = false;
		rq.mount = SLICE_NONE;
		call(METHOD_GET, cases[i].path, NULL);
		is_int(rp.status, cases[i].status, "at the root of the host: %s", cases[i].path);
	}
}

/* Errors that aren't this dialect's keep their status; all others are 400. */
static void statuses(void)
{
	static const struct { enum error e; int status; } cases[] = {
		{ ERROR_BODY_TOO_LARGE, 413 }, { ERROR_REQUEST_TIMEOUT, 408 }, { ERROR_STORE_UNAVAILABLE, 503 }, { ERROR_UNSUPPORTED_MEDIA_TYPE, 400 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		rp = (struct reply){ 0 };
		rq.path = S("/token");
		rq.method = METHOD_POST;
		route_answer(&oauth_dialect, &config, &ring, &rq, cases[i].e, &rp);
		is_int(rp.status, cases[i].status, "%s", errors[cases[i].e].code);
		rq = usual;
	}
	send(METHOD_GET, "/token", NULL);
	is_int(rp.status, 405, "GET is no way to ask");
	form("/tokens", "");
	is_int(rp.status, 404, "nor is another path");
}

/* ---- codes ------------------------------------------------------------- */

static void grants(void)
{
	form("/token", WEB);
	refused(400, "invalid_request", "no grant");
	form("/token", WEB "&grant_type=password");
	refused(400, "unsupported_grant_type", "one that isn't there");
	form("/token", WEB "&grant_type=authorization_code");
	refused(400, "invalid_request", "no code");
	form("/token", "grant_type=authorization_code&code=x");
	refused(401, "invalid_client", "nobody");
	form("/token", WEB "&grant_type=authorization_code&code=x");
	refused(400, "invalid_grant", "no code of ours");
}

/* What doesn't fit is refused before the store is asked. */
static void misfits(void)
{
	static const struct { const char *what, *verifier, *shown; } cases[] = {
		{ "another client's", VERIFIER, "client_id=app&code_verifier=" VERIFIER },
		{ "another redirect URI", VERIFIER, WEB "&redirect_uri=https://web.example/&code_verifier=" VERIFIER },
		{ "no redirect URI and no verifier", NULL, WEB }, { "no verifier", VERIFIER, WEB "&redirect_uri=https://web.example/cb" },
		{ "a verifier without a challenge", NULL, WEB "&redirect_uri=https://web.example/cb&code_verifier=" VERIFIER },
		{ "another verifier", VERIFIER, WEB "&code_verifier=" VERIFIER "x" },
		{ "a short one", "0123456789abcdefghijklmnopqrstuvwxyz-._~AB", WEB "&code_verifier=0123456789abcdefghijklmnopqrstuvwxyz-._~AB" },
		{ "one of other letters", "0123456789abcdefghijklmnopqrstuvwxyz-._~AB!", WEB "&code_verifier=0123456789abcdefghijklmnopqrstuvwxyz-._~AB!" },
		{ "a long one", VERIFIER VERIFIER VERIFIER, WEB "&code_verifier=" VERIFIER VERIFIER VERIFIER },
	};
	int64_t before = state();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		formf("/token", "grant_type=authorization_code&code=%s&%s", code_of("web", "https://web.example/cb", cases[i].verifier, 0), cases[i].shown);
		refused(400, "invalid_grant", "%s", cases[i].what);
	}
	is_int(state(), before, "nothing was changed");
}

static void codes(void)
{
	formf("/token", WEB_CODE, web_code(SCOPE_OPENID | SCOPE_PROFILE | SCOPE_OFFLINE));
	answered("a code is redeemed");
	ok(in_body("\"token_type\":\"Bearer\"") && in_body("\"scope\":\"openid profile offline_access\"") && *member("refresh_token"), "tokens");
	ok(strstr(id_token(), "\"nonce\":\"n\"") && strstr(id_token(), "\"preferred_username\":\"alice\"") && strstr(id_token(), "\"auth_time\""), "and who it is");
	ok(slots_asked == 0, "ES256 takes no slot");
	formf("/token", WEB "&grant_type=authorization_code&redirect_uri=https://web.example/cb&code=%s", code_of("web", "https://web.example/cb", NULL, 0));
	answered("without a challenge, by the redirect URI");
	ok(!*member("id_token") && in_body("\"scope\":\"\""), "without openid no id_token");
	formf("/token", "client_id=kiosk&grant_type=authorization_code&code_verifier=" VERIFIER "&code=%s", code_of("kiosk", "https://kiosk.example/cb", VERIFIER, SCOPE_OPENID));
	answered("a client that gets no refresh token");
	ok(!*member("refresh_token") && *member("id_token"), "gets none");
	static const struct { unsigned amr; const char *words; } ways[] = {
		{ 0, "\"amr\":[\"pwd\"]" }, { AMR_PASSKEY, "\"amr\":[\"pop\",\"user\",\"mfa\"]" }, { AMR_WALLET, "\"amr\":[\"pop\"]" },
		{ AMR_WALLET | AMR_OTP, "\"amr\":[\"pop\",\"otp\",\"mfa\"]" },
		{ AMR_PASSWORD | AMR_OTP, "\"amr\":[\"pwd\",\"otp\",\"mfa\"]" },
	};
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		amr = ways[i].amr;
		formf("/token", WEB_CODE, web_code(SCOPE_OPENID));
		ok(rp.status == 200 && strstr(id_token(), ways[i].words), "how she signed in: %s", ways[i].words);
	}
	amr = AMR_PASSWORD;
	const char *late = web_code(0);
	clock_now += 60;
	formf("/token", WEB_CODE, late);
	refused(400, "invalid_grant", "a minute later it has expired");
}

/* The store has seen a later time than this host's clock tells. */
static void between_clocks(void)
{
	const char *code;
	clock_now += 100;
	formf("/token", WEB "&grant_type=authorization_code&redirect_uri=https://web.example/cb&code=%s", code_of("web", "https://web.example/cb", NULL, 0));
	answered("somebody signs in");
	clock_now -= 50;
	code = web_code(0);
	formf("/token", WEB_CODE, code);
	answered("a code that is younger than the newest event");
	clock_now -= 50;
	code = web_code(0);
	formf("/token", WEB_CODE, code);
	refused(400, "invalid_grant", "one that has expired by the newest event");
	clock_now += 100;
}

/* ---- refresh ----------------------------------------------------------- */

static void refreshes(void)
{
	char first[1200], long_key[LIMIT_IDEMPOTENCY + 2];
	formf("/token", WEB_CODE, web_code(SCOPE_OPENID | SCOPE_OFFLINE));
	snprintf(first, sizeof first, "%s", member("refresh_token"));
	form("/token", WEB "&grant_type=refresh_token");
	refused(400, "invalid_request", "no token");
	form("/token", WEB "&grant_type=refresh_token&refresh_token=x");
	refused(400, "invalid_grant", "none of ours");
	formf("/token", WEB "&grant_type=refresh_token&idempotency_key=&refresh_token=%s", first);
	refused(400, "invalid_request", "an empty key");
	memset(long_key, 'k', sizeof long_key - 1);
	long_key[sizeof long_key - 1] = '\0';
	rq.idempotency_key = slice_of(long_key);
	formf("/token", WEB "&grant_type=refresh_token&refresh_token=%s", first);
	refused(400, "invalid_request", "a long one in the header");
	formf("/token", "client_id=app&grant_type=refresh_token&refresh_token=%s", first);
	refused(400, "invalid_grant", "another client");
	formf("/token", "client_id=other&grant_type=refresh_token&refresh_token=%s", first);
	refused(401, "invalid_client", "an unknown one");
	formf("/token", WEB "&grant_type=refresh_token&idempotency_key=k&refresh_token=%s", first);
	answered("its own");
	ok(*member("refresh_token") && !strstr(id_token(), "nonce") && !strstr(id_token(), "auth_time"), "gets its successor");
}

/* A session of the app API may be refreshed here, without a client. */
static void refresh_of_app(void)
{
	static char refresh[1200], bearer[2048];
	struct work w = { .config = &config, .ring = &ring, .peer = S("192.0.2.7") };
	struct grant g = { .user = alice() };
	session_clock(&w);
	store_begin(DURABLE_NOW);
	session_start(&w, alice_id, &(struct origin){ .cookie = false }, EVENT_LOGIN, &g.session);
	store_commit();
	session_grant(&w, &g);
	snprintf(refresh, sizeof refresh, "%.*s", (int)g.refresh.n, g.refresh.p);
	store_close();
	formf("/token", "grant_type=refresh_token&refresh_token=%s", refresh);
	answered("a session of the app API, without a client");
	ok(!in_body("\"scope\"") && !*member("id_token"), "has no scope");
	snprintf(bearer, sizeof bearer, "Bearer %s", member("access_token"));
	credentials = bearer;
	send(METHOD_GET, "/userinfo", NULL);
	ok(rp.status == 403 && in_head("error=\"insufficient_scope\"") && in_body("insufficient_scope"), "and opens no /userinfo");
	char access[2048];
	formf("/token", "client_id=app&grant_type=authorization_code&code_verifier=" VERIFIER "&code=%s", code_of("app", "http://127.0.0.1/cb", VERIFIER, 0));
	snprintf(access, sizeof access, "%s", member("access_token"));
	formf("/introspect", WEB "&token=%s", access);
	ok(in_body("\"active\":true") && in_body("\"client_id\":\"app\"") && !in_body("\"scope\""), "an app's access token, introspected");
}

/* ---- what is told of a person ------------------------------------------ */

static void set_profile(const char *email, const char *name, const char *groups)
{
	store_open(dir, 5);
	store_begin(DURABLE_NOW);
	store_user_profile(alice_id, &(struct profile){ .email = slice_of(email), .name = slice_of(name), .groups = slice_of(groups) });
	store_commit();
	store_close();
}

static void rename_alice(const char *name)
{
	store_open(dir, 5);
	store_begin(DURABLE_NOW);
	store_user_rename(alice_id, slice_of(name));
	store_commit();
	store_close();
}

static void persons(void)
{
	static const struct { const char *name, *email, *domain; bool signup; const char *told, *not_told; } cases[] = {
		{ "alice", "a@b.example", "", false, "\"email\":\"a@b.example\",\"email_verified\":true", "x@" },
		{ "alice", "a@b.example", "", true, "\"email\":\"a@b.example\"", "email_verified" },
		{ "alice", "", "home.example", false, "\"email\":\"alice@home.example\"", "x@" }, { "alice", "", "", false, "\"sub\"", "email" },
		{ "al@ice.example", "", "home.example", false, "\"email\":\"al@ice.example\"", "home" },
		{ "al@ice.example", "", "home.example", true, "\"sub\"", "\"email\"" },
		{ "al ice", "", "home.example", false, "\"sub\"", "\"email\"" },
	};
	static char token[2048];
	formf("/token", WEB_CODE, web_code(SCOPE_OPENID | SCOPE_PROFILE | SCOPE_EMAIL));
	snprintf(token, sizeof token, "Bearer %s", member("access_token"));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		rename_alice(cases[i].name);
		set_profile(cases[i].email, i ? "" : "Alice A.", i ? "" : "staff,other");
		config.email_domain = slice_of(cases[i].domain);
		config.signup = cases[i].signup;
		credentials = token;
		send(METHOD_GET, "/userinfo", NULL);
		ok(rp.status == 200 && in_body(cases[i].told) && !in_body(cases[i].not_told), "%s, %s, sign-up %s: %s", cases[i].name, cases[i].email,
			cases[i].signup ? "on" : "off", cases[i].told);
		ok(in_body("\"groups\":[\"staff\",\"other\"]") == !i && in_body("\"name\":\"Alice A.\"") == !i, "groups and display name, where there are");
	}
	config.signup = false;
	config.email_domain = S("");
	rename_alice("alice");
	send(METHOD_GET, "/userinfo", NULL);
	ok(rp.status == 401 && in_head("WWW-Authenticate: Bearer realm=\"latchkey\"\r\n"), "without a token: the scheme alone");
	credentials = "Bearer x";
	send(METHOD_GET, "/userinfo", NULL);
	ok(rp.status == 401 && in_head("error=\"invalid_token\"") && in_body("\"error\":\"invalid_token\""), "with none of ours: why");
}

/* ---- /introspect, /revoke ---------------------------------------------- */

static void asked_about(void)
{
	char access[2048];
	formf("/token", WEB_CODE, web_code(SCOPE_OPENID | SCOPE_OFFLINE));
	snprintf(access, sizeof access, "%s", member("access_token"));
	form("/introspect", "token=x");
	refused(401, "invalid_client", "nobody may ask");
	form("/introspect", "client_id=app&token=x");
	refused(400, "unauthorized_client", "nor who may not");
	form("/introspect", WEB);
	refused(400, "invalid_request", "about nothing");
	formf("/introspect", WEB "&token=%s", access);
	ok(in_body("\"active\":true") && in_body("\"scope\":\"openid offline_access\"") && in_body("\"username\":\"alice\""), "a good token");
	form("/introspect", WEB "&token=x");
	ok(rp.status == 200 && in_body("{\"active\":false}"), "another");
	clock_now -= 2 * DAY;
	formf("/introspect", WEB "&token=%s", access);
	refused(503, "temporarily_unavailable", "without a clock nothing is said");
	clock_now += 2 * DAY;
	formf("/revoke", "client_id=app&token=%s", access);
	answered("another client revokes it");
	formf("/introspect", WEB "&token=%s", access);
	ok(in_body("\"active\":true"), "and nothing happens");
	form("/revoke", WEB);
	refused(400, "invalid_request", "nothing to revoke");
	formf("/revoke", WEB "&token=%s", access);
	ok(rp.status == 200 && in_body("{}"), "its own client does");
	formf("/introspect", WEB "&token=%s", access);
	ok(in_body("{\"active\":false}"), "then the session has ended");
	formf("/revoke", WEB "&token=%s", access);
	answered("once more is no error");
}

/* ---- devices ----------------------------------------------------------- */

static void devices(void)
{
	char device[1200], answer[64];
	form("/device_authorization", "client_id=app");
	refused(400, "unauthorized_client", "a client without the device grant");
	form("/device_authorization", "client_id=tv&scope=openid");
	answered("a device asks for codes");
	snprintf(device, sizeof device, "%s", member("device_code"));
	snprintf(answer, sizeof answer, "code=%s&do=allow", member("user_code"));
	form("/token", DEVICE "&client_id=tv");
	refused(400, "invalid_request", "no code");
	form("/token", DEVICE "&client_id=app&device_code=x");
	refused(400, "unauthorized_client", "another client");
	slots_asked = 0;
	formf("/token", DEVICE "&client_id=tv&device_code=%s", device);
	refused(400, "authorization_pending", "nobody has answered");
	clock_now -= 2 * DAY;
	formf("/token", DEVICE "&client_id=tv&device_code=%s", device);
	ok(rp.status == 503, "without a clock nobody knows");
	form("/device_authorization", "client_id=tv");
	refused(503, "temporarily_unavailable", "and no code is made");
	clock_now += 2 * DAY;
	asked = &door_dialect;
	post("/signin", "username=alice&password=correct+horse");
	post("/device", answer);
	ok(in_body("Done: tv is signed in."), "alice allows it");
	slots_are_taken = true;
	slots_asked = 0;
	int64_t before = state();
	formf("/token", DEVICE "&client_id=tv&device_code=%s", device);
	refused(503, "temporarily_unavailable", "no slot to sign in");
	ok(slots_asked == 1 && state() == before, "nothing was changed");
	slots_are_taken = false;
	formf("/token", DEVICE "&client_id=tv&device_code=%s", device);
	answered("the device has its tokens");
	ok(strstr(id_token(), "\"auth_time\"") && slots_asked == 2, "with an id_token by RS256");
}

/* ---- slots ------------------------------------------------------------- */

/* Who gets no slot for RS256 has changed nothing, and asks again. */
static void slots(void)
{
	char code[1200], refresh[1200];
	#define RSA "client_id=rsa&client_secret=test"
	snprintf(code, sizeof code, "%s", code_of("rsa", "https://rsa.example/cb", VERIFIER, SCOPE_OPENID | SCOPE_OFFLINE));
	slots_are_taken = true;
	slots_asked = 0;
	int64_t before = state();
	formf("/token", RSA "&grant_type=authorization_code&code_verifier=" VERIFIER "&code=%s", code);
	refused(503, "temporarily_unavailable", "a code without a slot");
	is_int(state(), before, "is as it was");
	slots_are_taken = false;
	formf("/token", RSA "&grant_type=authorization_code&code_verifier=" VERIFIER "&code=%s", code);
	answered("and redeemed with one");
	snprintf(refresh, sizeof refresh, "%s", member("refresh_token"));
	slots_are_taken = true;
	before = state();
	formf("/token", RSA "&grant_type=refresh_token&refresh_token=%s", refresh);
	refused(503, "temporarily_unavailable", "a refresh without a slot");
	is_int(state(), before, "is as it was");
	slots_are_taken = false;
	formf("/token", RSA "&grant_type=refresh_token&refresh_token=%s", refresh);
	answered("and done with one");
	slots_asked = 0;
	formf("/token", RSA "&grant_type=authorization_code&code_verifier=" VERIFIER "&code=%s", code_of("rsa", "https://rsa.example/cb", VERIFIER, SCOPE_OFFLINE));
	ok(rp.status == 200 && slots_asked == 0, "without openid a code needs none");
	snprintf(refresh, sizeof refresh, "%s", member("refresh_token"));
	formf("/token", RSA "&grant_type=refresh_token&refresh_token=%s", refresh);
	ok(rp.status == 200 && !*member("id_token"), "a refresh gives it back");
	clock_now -= 2 * DAY;
	formf("/token", RSA "&grant_type=refresh_token&refresh_token=%s", refresh);
	refused(503, "temporarily_unavailable", "without a clock");
	clock_now += 2 * DAY;
}

int main(void)
{
	set_up();
	name_clients(clients);
	store_open(dir, 5);
	struct user u;
	alice_id = store_user_named(S("alice"), &u) ? u.id : 0;
	store_close();
	parties();
	metadata("\"id_token_signing_alg_values_supported\":[\"ES256\"]");
	at_the_host();
	statuses();
	grants();
	misfits();
	codes();
	between_clocks();
	refreshes();
	refresh_of_app();
	persons();
	asked_about();
	ok(sign_publish(dir, &ring, true), "an RSA key");
	metadata("[\"RS256\",\"ES256\"]");
	slots();
	devices();
	remove_files();
	is_int(rmdir(dir), 0, "nothing is left behind");
	return done_testing();
}
