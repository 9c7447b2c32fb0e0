/*
 * gotrue_test: the dialect of supabase-js, asked through route_answer() on a real store: sessions and users as auth-js reads them, which refusals it would
 * take for the end of a session, and that it is no way round what the app API asks for. The package itself is supabase.t's.
 */
#include "gotrue.h"

#include "auth_case.h"
#include "dpop.h"
#include "proof.h"
#include "signin_keys.h"
#include "totp.h"

static const struct dialect *const supabase[] = { &gotrue_dialect, NULL };
static const struct dialect *const app[] = { &auth_dialect, NULL };

static bool in_body(const char *part) { return strstr(body(), part) != NULL; }
static bool in_head(const char *part)
{
	buf_c(&rp.head, '\0');
	rp.head.n--;
	return strstr(rp.head.p, part) != NULL;
}

/* The last answer is this error, in the shape of GoTrue's. */
#define refused(status_, word, ...) do { \
	const char *want = text_join("{\"code\":", dec(status_), ",\"error_code\":\"", word, "\",\"msg\":\"", NULL); \
	if (!ok(rp.status == (status_) && slice_starts(slice_of(body()), slice_of(want)), __VA_ARGS__)) \
		diag("got %d %s", rp.status, body()); \
} while (0)
#define answered(status_, ...) do { \
	if (!ok(rp.status == (status_) && !in_body("error_code"), __VA_ARGS__)) \
		diag("got %d %s", rp.status, body()); \
} while (0)

static const char *json(const char *name, const char *value) { return text_join("{\"", name, "\":\"", value, "\"}", NULL); }

static char *refresh_token;

static void sign_in(void)
{
	post("/token?grant_type=password", "{\"email\":\"alice\",\"password\":\"correct horse\",\"gotrue_meta_security\":{}}");
	answered(200, "signed in");
	access_token = NULL;
	refresh_token = member("refresh_token");
}

static void refresh(const char *token) { post("/token?grant_type=refresh_token", json("refresh_token", token)); }

static void put_user(const char *access, const char *text)
{
	access_token = access;
	call(METHOD_PUT, "/user", text);
}

static void get_user(const char *access)
{
	access_token = access;
	call(METHOD_GET, "/user", NULL);
}

static void log_out(const char *access, const char *scope)
{
	access_token = access;
	post(text_join("/logout", scope, NULL), NULL);
}

/* Another session of alice's, as something else began it. */
static struct grant other(struct origin origin)
{
	struct work w = { .config = &config, .ring = &ring, .peer = S("192.0.2.7") };
	struct grant g = { .user = { .id = user, .name = S("alice") }, .audience = config.audience };
	(void)session_clock(&w);
	store_begin(DURABLE_NOW);
	session_start(&w, user, &origin, EVENT_LOGIN, &g.session);
	store_commit();
	session_grant(&w, &g);
	store_close();
	return g;
}

/* ---- which requests ----------------------------------------------------- */

static void takes(void)
{
	static const struct { enum method method; const char *path, *query, *type; bool below, want; } cases[] = {
		{ METHOD_POST, "/token", "grant_type=password", "application/json;charset=UTF-8", true, true },
		{ METHOD_POST, "/token", "grant_type=refresh_token", "application/x-www-form-urlencoded", true, false },
		{ METHOD_POST, "/token", "grant_type=refresh_token", "", true, false }, { METHOD_OPTIONS, "/token", "", "", true, true },
		{ METHOD_POST, "/token", "", "application/json", false, false }, { METHOD_GET, "/user", "", "", true, true },
		{ METHOD_GET, "/user", "", "", false, false }, { METHOD_POST, "/signup", "", "", true, true }, { METHOD_POST, "/signups", "", "", true, false },
		{ METHOD_POST, "/logout", "scope=local", "", true, true }, { METHOD_POST, "/logout", "", "", true, false },
		{ METHOD_POST, "/logout", "scop=local", "", true, false }, { METHOD_POST, "/refresh", "scope=local", "", true, false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct request one = { .method = cases[i].method, .below = cases[i].below, .path = slice_of(cases[i].path), .query = slice_of(cases[i].query),
			.content_type = slice_of(cases[i].type) };
		ok(gotrue_takes(&one) == cases[i].want, "%s %s?%s, %s: %s", method_words[one.method], cases[i].path, cases[i].query, cases[i].type, cases[i].want ? "taken" : "left");
	}
}

static void preflight(void)
{
	config.cors_origins = S("https://app.example");
	rq.origin = config.cors_origins;
	rq.request_method = S("PUT");
	call(METHOD_OPTIONS, "/user", NULL);
	ok(rp.status == 204 && in_head("Access-Control-Allow-Methods: GET, POST, DELETE, PUT\r\n"), "a preflight allows its methods");
	ok(in_head("Access-Control-Allow-Headers: Authorization, Content-Type, Idempotency-Key, DPoP, apikey, X-Client-Info, X-Supabase-Api-Version\r\n"), "and its headers");
	ok(in_head("Allow: GET, HEAD, DELETE, PUT, OPTIONS\r\n") == false && in_head("Allow: GET, HEAD, PUT, OPTIONS\r\n"), "and says what there is");
	config.cors_origins = S("");
}

/* ---- sessions ------------------------------------------------------------ */

static void signs_in(void)
{
	sign_in();
	ok(in_body("\"token_type\":\"bearer\",\"expires_in\":900,\"refresh_token\":\""), "a session as auth-js reads it");
	ok(in_body(text_join("\"user\":{\"id\":\"", id_text(user), "\",\"aud\":\"latchkey\",\"role\":\"authenticated\",\"email\":\"alice\",\"app_metadata\":"
		"{\"provider\":\"email\",\"providers\":[\"email\"],\"id\":\"", id_text(user), "\",\"username\":\"alice\",\"subscription\":null},\"user_metadata\":{},\"created_at\":\"", NULL)),
		"and its user: %s", body());
	ok(in_body(text_join("\"created_at\":\"", slice_text(iso_time(clock_now)), "\"}}", NULL)), "since when");
	is_int(last_event(dir).event, EVENT_LOGIN, "in the trail");
	post("/token?grant_type=password", "{\"email\":\"alice\",\"password\":\"wrong\"}");
	refused(400, "invalid_credentials", "a wrong password");
	post("/token?grant_type=password", "{\"password\":\"wrong\"}");
	refused(400, "validation_failed", "without a name");
	ok(in_body("\"email: It has 1 to 254 bytes"), "of which is told what it is like: %s", body());
	post("/token?grant_type=password", "{\"email\":\"alice\"}");
	refused(400, "validation_failed", "without a password");
	post("/token?grant_type=pkce", "{}");
	refused(400, "validation_failed", "another grant");
	post("/token", "{}");
	refused(400, "validation_failed", "none");
	post("/token?grant_type=password", "{\"email\":");
	refused(400, "invalid_json", "what is no JSON");
	call(METHOD_GET, "/token", NULL);
	refused(405, "method_not_allowed", "another method");
	int64_t start = boot_now;
	for (int i = 0; i < 6; i++) {
		boot_now = start;
		post("/token?grant_type=password", "{\"email\":\"nobody\",\"password\":\"wrong\"}");
	}
	refused(429, "over_request_rate_limit", "the sixth try at once");
	ok(in_head("Retry-After: "), "which tells when to try again");
}

static void registers(void)
{
	const char *bob = "{\"email\":\"bob@example.org\",\"password\":\"battery staple\",\"data\":{},\"code_challenge\":null}";
	post("/signup", bob);
	refused(422, "signup_disabled", "where signup is off");
	config.signup = true;
	post("/signup", "{\"email\":\"bob@example.org\",\"password\":\"short\"}");
	refused(422, "weak_password", "a weak password");
	post("/signup", "{\"email\":\"bob @example.org\",\"password\":\"battery staple\"}");
	refused(400, "validation_failed", "a name that can't be");
	ok(in_body("\"email: It has"), "which is told: %s", body());
	post("/signup", "{\"email\":\"bob@example.org\"}");
	refused(400, "validation_failed", "without a password");
	ok(in_body("\"password: "), "which is told, too");
	rq.idempotency_key = S("");
	post("/signup", bob);
	refused(400, "validation_failed", "a key that is none");
	ok(in_body("\"idempotency_key: "), "is what that is about");
	static const char *const kept[] = { "\"data\":{\"name\":\"Bob\"}", "\"data\":5", "\"data\":[]", "\"data\":\"x\"", "\"phone\":\"+491\"" };
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
		post("/signup", text_join("{\"email\":\"bob@example.org\",\"password\":\"battery staple\",", kept[i], "}", NULL));
		refused(400, "validation_failed", "with what isn't kept: %s", kept[i]);
		ok(in_body("isn't kept here"), "which is said");
	}
	post("/signup", bob);
	answered(200, "an address is a name");
	ok(in_body("\"email\":\"bob@example.org\"") && in_body("\"refresh_token\":\""), "and signed in");
	post("/signup", bob);
	refused(422, "user_already_exists", "once");
	config.signup = false;
}

static void refreshes(void)
{
	sign_in();
	char *first = refresh_token;
	refresh(first);
	answered(200, "a refresh");
	char *second = member("refresh_token");
	refresh(first);
	answered(200, "once more within the grace");
	is_str(member("refresh_token"), second, "gets the same");
	clock_now += 60;
	refresh(first);
	refused(400, "refresh_token_already_used", "later it is reuse");
	refresh(second);
	refused(400, "session_expired", "which has ended the session");
	refresh("x");
	refused(400, "refresh_token_not_found", "what is no token");
	sign_in();
	clock_now += 31 * DAY;
	refresh(refresh_token);
	refused(400, "session_expired", "one that lay unused");
	sign_in();
	rq.idempotency_key = S("one");
	refresh(refresh_token);
	second = member("refresh_token");
	clock_now += DAY;
	rq.idempotency_key = S("one");
	refresh(refresh_token);
	is_str(member("refresh_token"), second, "with a key the same at any time");
}

static void stops(void) { refresh(refresh_token); }

/* Whatever says nothing of the session is 5xx, which auth-js tries again by. */
static void keeps_sessions(void)
{
	static const struct { const char *text; int status; const char *code; } cases[] = {
		{ "{\"refresh_token\":", 503, "invalid_json" }, { "", 503, "length_required" }, { "{}", 400, "validation_failed" }, { "{\"refresh_token\":5}", 400, "validation_failed" },
	};
	sign_in();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		post("/token?grant_type=refresh_token", cases[i].text);
		refused(cases[i].status, cases[i].code, "a refresh by '%s'", cases[i].text);
	}
	ok(count_stops(stops) > 0, "a clock that is lost is 503");
	refresh(refresh_token);
	answered(200, "and the session stands");
	refresh_token = member("refresh_token");
	nobody_waits(&rq);
	refresh(refresh_token);
	refused(503, "request_timeout", "a client that has gone");
	refresh(refresh_token);
	answered(200, "then it goes on");
}

/* ---- users --------------------------------------------------------------- */

static void tells_user(void)
{
	sign_in();
	char *access = member("access_token");
	get_user(access);
	answered(200, "who it is");
	ok(slice_starts(slice_of(body()), slice_of(text_join("{\"id\":\"", id_text(user), "\",\"aud\":\"", NULL))), "by himself: %s", body());
	get_user(NULL);
	refused(401, "no_authorization", "nobody");
	ok(in_head("WWW-Authenticate: Bearer realm=\"latchkey\"\r\n"), "is told what is wanted");
	get_user("x");
	refused(403, "bad_jwt", "what is no token");
	clock_now += 901;
	get_user(access);
	refused(403, "bad_jwt", "an expired one");
	sign_in();
	access = member("access_token");
	log_out(access, "?scope=local");
	get_user(access);
	refused(403, "session_not_found", "one whose session has ended");
}

static uint64_t count_live(void)
{
	struct session page[LIMIT_LIST];
	store_open(dir, 5);
	size_t n = store_sessions(user, 0, page), live = 0;
	for (size_t i = 0; i < n; i++)
		live += page[i].ended_at == 0;
	store_close();
	return live;
}

static const char *new_password = "correct horse";
static void set_password(void) { store_user_password(user, password_hash(slice_of(new_password), (struct password_cost){ CHEAP, 1 })); }
static void set_factor(void) { store_user_factor_set(user, totp_seal(&ring.key[0], user, &(struct totp){ .secret = { 9 }, .enrolled_at = clock_now })); }
static void drop_factor(void) { store_user_factor_set(user, SLICE_NONE); }

static void changes_user(void)
{
	sign_in();
	sign_in();
	char *access = member("access_token");
	ok(count_live() > 1, "several sessions");
	put_user(access, "{\"data\":{\"subscription\":\"gold\"}}");
	refused(400, "validation_failed", "data isn't the subscription, nor anything");
	put_user(access, "{\"phone\":\"+491\",\"password\":\"battery staple\"}");
	refused(400, "validation_failed", "nor is there a phone");
	put_user(access, "{\"email\":\"bob\",\"password\":\"battery staple\"}");
	refused(400, "validation_failed", "nor another name");
	put_user(access, "{\"password\":\"short\"}");
	refused(422, "weak_password", "a weak password");
	put_user(access, "{}");
	answered(200, "nothing");
	put_user(access, NULL);
	answered(200, "not even a body");
	int64_t start = boot_now;
	for (int i = 0; i < 6; i++) {
		boot_now = start;
		post("/token?grant_type=password", "{\"email\":\"alice\",\"password\":\"wrong\"}");
	}
	boot_now = start;
	put_user(access, "{\"email\":\"Alice\",\"data\":{},\"password\":\"battery staple\",\"code_challenge\":null}");
	answered(200, "another password, of a session that is young, whoever guesses meanwhile");
	ok(in_body("{\"id\":\"") && last_event(dir).event == EVENT_PASSWORD_CHANGED, "answers the user");
	is_int(count_live(), 1, "ends the other sessions");
	boot_now += DAY;
	get_user(access);
	answered(200, "and not its own");
	post("/token?grant_type=password", "{\"email\":\"alice\",\"password\":\"battery staple\"}");
	answered(200, "it signs in");
	clock_now += SIGNIN_RECENT;
	put_user(access, "{\"password\":\"third password\"}");
	answered(200, "after ten minutes, too");
	clock_now++;
	put_user(access, "{\"password\":\"fourth password\"}");
	refused(403, "reauthentication_needed", "and no longer");
	put_user(access, "{\"password\":\"fourth password\",\"current_password\":\"wrong\"}");
	refused(400, "invalid_credentials", "nor by a wrong one");
	put_user(access, "{\"password\":\"fourth password\",\"current_password\":\"third password\"}");
	answered(200, "but by the one that it was");
	in_store(set_password);
}

/* While the password is hashed the clock goes on, and another request may have ended the session. */
static const char *changing;
static void change(void) { put_user(changing, "{\"password\":\"battery staple\"}"); }

static void change_in_trouble(void)
{
	sign_in();
	changing = member("access_token");
	nobody_waits(&rq);
	change();
	refused(503, "request_timeout", "a client that has gone changes nothing");
	ok(count_stops(change) > 0, "nor while the clock is lost");
	in_store(set_password);
}

/* ---- no way round --------------------------------------------------------- */

static void factors(void)
{
	sign_in();
	char *access = member("access_token");
	in_store(set_factor);
	post("/token?grant_type=password", "{\"email\":\"alice\",\"password\":\"correct horse\"}");
	refused(403, "insufficient_aal", "who has a second factor isn't let in without it");
	put_user(access, "{\"password\":\"battery staple\"}");
	refused(403, "insufficient_aal", "nor changes his password");
	put_user(access, "{\"password\":\"battery staple\",\"current_password\":\"correct horse\"}");
	refused(403, "insufficient_aal", "by his password, either");
	in_store(drop_factor);
	config.factor_groups = S("admins");
	store_open(dir, 5);
	store_begin(DURABLE_NOW);
	store_user_profile(user, &(struct profile){ .groups = S("admins") });
	store_commit();
	store_close();
	post("/token?grant_type=password", "{\"email\":\"alice\",\"password\":\"correct horse\"}");
	refused(403, "insufficient_aal", "nor who must have one");
	config.factor_groups = S("");
	sign_in();
	ok(in_body("\"groups\":[\"admins\"]"), "control: who needs none is");
}

static void of_others(void)
{
	struct grant g = other((struct origin){ .client = S("web"), .scope = SCOPE_OPENID });
	const char *access = slice_text(g.access);
	get_user(access);
	refused(403, "insufficient_scope", "a client's access token tells no user, be it for the app API");
	put_user(access, "{\"password\":\"battery staple\"}");
	refused(403, "insufficient_scope", "nor changes one");
	log_out(access, "?scope=others");
	refused(403, "insufficient_scope", "nor ends the others");
	refresh(slice_text(g.refresh));
	refused(400, "refresh_token_not_found", "its refresh token isn't taken");
	sign_in();
	char *mine = member("access_token");
	log_out(access, "?scope=global");
	answered(204, "it ends its own session");
	get_user(mine);
	answered(200, "alone, whatever it asks for");
	g = other((struct origin){ .cookie = true });
	refresh(slice_text(g.refresh));
	refused(400, "refresh_token_not_found", "no session of cookie mode is refreshed in a body");
	asked = app;
	post("/refresh", json("refresh_token", slice_text(g.refresh)));
	expect(200, NULL, "control: the app API sets a cookie");
	asked = supabase;
	cookie = "latchkey-00000000=x";
	post("/token?grant_type=refresh_token", "{}");
	refused(400, "validation_failed", "nor is a cookie looked at");
	cookie = NULL;
}

static void bound(void)
{
	const struct prover mine = prover(1);
	const char *url = ORIGIN "/api/auth/token";
	rq.dpop = slice_of(prover_proof(&mine, url, slice_text(dpop_nonce(&ring.key[0], clock_now))));
	sign_in();
	refresh(refresh_token);
	refused(400, "invalid_dpop_proof", "a bound session without its key");
	rq.dpop = slice_of(prover_proof(&mine, url, NULL));
	refresh(refresh_token);
	refused(400, "use_dpop_nonce", "or without a nonce");
	ok(in_head("DPoP-Nonce: "), "which is offered");
	rq.dpop = slice_of(prover_proof(&mine, url, slice_text(dpop_nonce(&ring.key[0], clock_now))));
	refresh(refresh_token);
	answered(200, "goes on by its key");
}

/* ---- signing out ---------------------------------------------------------- */

static void signs_out(void)
{
	sign_in();
	char *first = member("access_token");
	sign_in();
	char *second = member("access_token");
	log_out(NULL, "?scope=global");
	refused(401, "no_authorization", "without a token nobody is signed out");
	log_out(first, "?scope=all");
	refused(400, "validation_failed", "there is no such scope");
	log_out(first, "?scope=local");
	answered(204, "this session");
	get_user(second);
	answered(200, "alone");
	sign_in();
	log_out(second, "?scope=others");
	answered(204, "the others");
	is_int(count_live(), 1, "all of them");
	log_out(first, "?scope=others");
	refused(403, "session_not_found", "by a session that stands");
	sign_in();
	log_out(second, "?scope=global");
	answered(204, "all");
	is_int(count_live(), 0, "are ended");
	sign_in();
	first = member("access_token");
	clock_now += 901;
	log_out(first, "?scope=global");
	refused(400, "bad_jwt", "by an expired token not all are, which auth-js must not take for done");
	log_out(first, "?scope=local");
	answered(204, "but its own is");
	is_int(count_live(), 0, "none is left");
}

int main(void)
{
	begin_case("issuer = " ORIGIN "/api/auth\n", supabase);
	void (*const tests[])(void) = {
		takes, preflight, signs_in, registers, refreshes, keeps_sessions, tells_user, changes_user, change_in_trouble, factors, of_others, bound, signs_out
	};
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
		size_t mark = arena_mark();
		tests[i]();
		rq = usual;
		arena_back(mark);
	}
	return end_case();
}
