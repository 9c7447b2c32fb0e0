/*
 * possession_test: sessions that are bound to a key, by each way in and each way on, asked through route_answer() on a real store: whoever shows no
 * proof, or one by another key, gets nothing and ends nothing; whoever has the key loses no session by a lost answer; and what is written.
 */
#include "auth.h"
#include "door_case.h"
#include "oauth/oauth.h"
#include "proof.h"
#include "ticket.h"
#include "trail.h"

#define HASH "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"    /* of "test" */
#define VERIFIER "0123456789abcdefghijklmnopqrstuvwxyz-._~ABC"                             /* 43 characters */
#define ISSUER "https://example.test/auth"
enum { TEXT = 4096 };

static const char clients[] = "web " HASH ",es256 https://web.example/cb\napp public http://127.0.0.1/cb\ntv public,device\n";

/* ---- asking ------------------------------------------------------------ */

static char nonce[64];                  /* of the last answer that had one */
static char proof[TEXT];                /* of the next call */
static struct prover mine, other;

static void take_nonce(void)
{
	const char *at = strstr(head(), "DPoP-Nonce: ");
	if (at)
		snprintf(nonce, sizeof nonce, "%.*s", (int)strcspn(at + 12, "\r"), at + 12);
}

/* The next call shows a proof by that key, of a POST to a path. */
static void prove(const struct prover *p, const char *path)
{
	snprintf(proof, sizeof proof, "%s", prover_proof(p, text_join(ISSUER, path, NULL), *nonce ? nonce : NULL));
}

/* The same with a signature that isn't its own. */
static void prove_badly(const struct prover *p, const char *path)
{
	prove(p, path);
	snprintf(proof, sizeof proof, "%s", prover_forged(proof));
}

static void send(const struct dialect *d, const char *type, const char *path, const char *text)
{
	asked = d;
	rq.content_type = slice_of(type);
	if (*proof)
		rq.dpop = slice_of(proof);
	call(METHOD_POST, path, text);
	take_nonce();
	*proof = '\0';
}

static void app(const char *path, const char *text) { send(&auth_dialect, "application/json", path, text); }
static void form(const char *text) { send(&oauth_dialect, "application/x-www-form-urlencoded", "/token", text); }

static void show(bool good)
{
	if (!good)
		diag("%d %s", rp.status, body());
}
#define refused(status_, word, ...) show(ok(rp.status == (status_) && in_body("\"" word "\""), __VA_ARGS__))
#define answered(...) show(ok(rp.status / 100 == 2, __VA_ARGS__))

/* A member of the last answer that is a text. */
static void keep(const char *name, char out[TEXT])
{
	const char *label = text_join("\"", name, "\":\"", NULL), *at = strstr(body(), label);
	snprintf(out, TEXT, "%.*s", at ? (int)strcspn(at + strlen(label), "\"") : 0, at ? at + strlen(label) : "");
}

static char token[TEXT], access_token[TEXT];

static void keep_tokens(void)
{
	keep("refresh_token", token);
	keep("access_token", access_token);
}

static void refresh(const char *shown)
{
	char text[TEXT + 64];
	snprintf(text, sizeof text, "{\"refresh_token\":\"%s\"}", shown);
	app("/refresh", text);
}

#define LOGIN "{\"username\":\"alice\",\"password\":\"correct horse\"}"
static void sign_in_bound(void)
{
	prove(&mine, "/login");
	app("/login", LOGIN);
	keep_tokens();
}

/* ---- what was written ---------------------------------------------------- */

static struct session row(void)
{
	struct refresh_claims claims = { .sid = 0 };
	struct session s = { .id = 0 };
	store_open(dir, 5);
	if (jwt_open_refresh(slice_of(token), &ring, &claims, NULL) == JWT_VALID)
		(void)store_session(claims.sid, &s);
	store_close();
	return s;
}

static int64_t events(void)
{
	struct audit rows[LIMIT_LIST] = { 0 };
	store_open(dir, 5);
	(void)store_audits(0, 0, 1, rows);
	store_close();
	return rows[0].id;
}

static void stands(const char *what)
{
	static int64_t before;
	static struct session was;
	struct session s = row();
	int64_t n = events();
	if (what)
		ok(n == before && s.id == was.id && s.ctr == was.ctr && s.br == was.br && s.rotated_at == was.rotated_at && !s.ended_at, "%s: nothing is written, and the session stands", what);
	before = n;
	was = s;
}

/* ---- signing in ---------------------------------------------------------- */

static void binding(void)
{
	app("/login", LOGIN);
	ok(rp.status == 200 && !in_head("DPoP"), "without a proof nobody speaks of one");
	keep_tokens();
	ok(!rotation_is_bound(&(struct session){ .strays = row().strays }), "and nothing is bound");
	stands(NULL);
	prove(&mine, "/login");
	app("/login", LOGIN);
	refused(400, "use_dpop_nonce", "the first proof has no nonce");
	ok(*nonce, "and is told one");
	prove_badly(&mine, "/login");
	app("/login", LOGIN);
	refused(400, "invalid_dpop_proof", "a proof that its key didn't sign");
	prove(&mine, "/refresh");
	app("/login", LOGIN);
	refused(400, "invalid_dpop_proof", "one for another call");
	snprintf(proof, sizeof proof, "x");
	app("/login", LOGIN);
	refused(400, "invalid_dpop_proof", "none at all");
	prove(&mine, "/login");
	app("/login", "{\"username\":\"alice\",\"password\":\"wrong\"}");
	ok(rp.status == 401 && in_head("DPoP-Nonce: "), "a wrong password is told the next nonce, too");
	stands(NULL);
	sign_in_bound();
	answered("a good one");
	ok(in_head("DPoP-Nonce: ") && in_body("\"token_type\":\"Bearer\""), "gets tokens, and the next nonce");
	const struct session s = row();
	ok(rotation_is_bound(&s) && s.idem, "and a session that is bound");
	asked = &auth_dialect;
	static char bearer[TEXT + 8];
	snprintf(bearer, sizeof bearer, "Bearer %s", access_token);
	rq.authorization = slice_of(bearer);
	rq.dpop = S("x");
	call(METHOD_GET, "/sessions", NULL);
	ok(!in_head("DPoP"), "a call that gives no tokens looks at no proof");
	ok(rp.status == 200 && in_body("\"bound\":true,\"current\":true"), "as the list says");
	ok(!in_body("\"bound\":true,\"current\":false") && in_body("\"current\":false"), "of this one alone");
}

/* The same sign-in once more, with its key for that, is the same session: by the same key alone. */
static void signing_in_again(void)
{
	#define AGAIN "{\"username\":\"alice\",\"password\":\"correct horse\",\"idempotency_key\":\"k\"}"
	char first[TEXT];
	prove(&mine, "/login");
	app("/login", AGAIN);
	keep_tokens();
	snprintf(first, sizeof first, "%s", token);
	prove(&mine, "/login");
	app("/login", AGAIN);
	keep_tokens();
	is_str(token, first, "a sign-in whose answer was lost");
	prove(&other, "/login");
	app("/login", AGAIN);
	keep_tokens();
	ok(rp.status == 200 && strcmp(token, first) != 0, "by another key it is another session");
	app("/login", AGAIN);
	keep_tokens();
	ok(rp.status == 200 && strcmp(token, first) != 0, "and without one, too");
}

static void registering(void)
{
	config.signup = true;
	#define REGISTER "{\"username\":\"carol\",\"password\":\"correct horse 7\"}"
	prove_badly(&mine, "/register");
	app("/register", REGISTER);
	refused(400, "invalid_dpop_proof", "who signs up by a bad proof isn't there");
	prove(&mine, "/register");
	app("/register", REGISTER);
	is_int(rp.status, 201, "a good one");
	keep_tokens();
	const struct session s = row();
	ok(rotation_is_bound(&s), "binds the first session");
	config.signup = false;
}

/*
 * A signature that nobody made costs a stranger nothing and the server as much as fifteen refreshes: so it is looked at after whatever refuses the request for
 * less, and is a try of its network. What is refused without a look at the signature is none.
 */
static void forging(void)
{
	enum { TRIES = 5 };
	prove_badly(&mine, "/register");
	app("/register", "{\"username\":\"dora\",\"password\":\"correct horse 7\"}");
	refused(403, "signup_disabled", "who can't sign up is told so first");
	boot_stands = true;
	for (int i = 0; i < 2 * TRIES; i++) {
		prove(&mine, "/refresh");
		app("/login", LOGIN);
	}
	refused(400, "invalid_dpop_proof", "proofs for another call, a lot of them");
	for (int i = 0; i < TRIES; i++) {
		prove_badly(&mine, "/login");
		app("/login", LOGIN);
		refused(400, "invalid_dpop_proof", "forged proof number %d", i + 1);
	}
	prove_badly(&mine, "/login");
	app("/login", LOGIN);
	refused(429, "rate_limited", "the next one isn't looked at");
	prove(&mine, "/login");
	app("/login", LOGIN);
	refused(429, "rate_limited", "nor is a good one from there");
	boot_stands = false;
	boot_now += DAY;
	sign_in_bound();
	answered("control: later it is");
}

/* ---- the way on ---------------------------------------------------------- */

static void thieves(const char *when)
{
	stands(NULL);
	refresh(token);
	refused(400, "invalid_dpop_proof", "%s: a copied token, without a proof", when);
	ok(in_head("DPoP-Nonce: "), "and is told what it would need");
	prove(&other, "/refresh");
	refresh(token);
	refused(400, "invalid_dpop_proof", "%s: by another key", when);
	prove_badly(&mine, "/refresh");
	refresh(token);
	refused(400, "invalid_dpop_proof", "%s: by that key, which didn't sign", when);
	prove(&mine, "/login");
	refresh(token);
	refused(400, "invalid_dpop_proof", "%s: a proof for another call", when);
	stands(when);
}

static void set_groups(const char *groups)
{
	uint64_t id = row().user;
	store_open(dir, 5);
	store_begin(DURABLE_NOW);
	store_user_profile(id, &(struct profile){ .groups = slice_of(groups) });
	store_commit();
	store_close();
}

static void refreshing(void)
{
	char first[TEXT], access[TEXT], spent[TEXT];
	sign_in_bound();
	thieves("at once");
	prove(&mine, "/refresh");
	refresh(token);
	keep_tokens();
	is_int(row().ctr, 2, "the first refresh rotates: whoever signs in by the same request again is known to be late");
	snprintf(first, sizeof first, "%s", token);
	snprintf(access, sizeof access, "%s", access_token);
	stands(NULL);
	char overheard[TEXT];
	prove(&mine, "/refresh");
	snprintf(overheard, sizeof overheard, "%s", proof);
	refresh(token);
	answered("its client refreshes");
	keep_tokens();
	snprintf(proof, sizeof proof, "%s", overheard);
	refresh(token);
	answered("the whole request, overheard and sent again, has the same answer");
	ok(strcmp(token, first) == 0 && strcmp(access_token, access) == 0, "and gets the same refresh token, and an access token that is new still");
	set_groups("staff");
	prove(&mine, "/refresh");
	refresh(token);
	answered("her groups have changed since");
	keep_tokens();
	ok(strcmp(token, first) == 0 && strcmp(access_token, access) != 0 && *access_token, "which the access token tells at once, of whatever age it is");
	set_groups("");
	clock_now += 3 * config.access_ttl / 4;
	prove(&mine, "/refresh");
	refresh(token);
	refused(400, "use_dpop_nonce", "later another nonce is wanted");
	snprintf(proof, sizeof proof, "%s", overheard);
	refresh(token);
	refused(400, "use_dpop_nonce", "so what was overheard is worth nothing any more");
	prove(&mine, "/refresh");
	refresh(token);
	keep_tokens();
	ok(strcmp(token, first) == 0 && strcmp(access_token, access) != 0 && *access_token, "and there is a fresh access token for the same refresh token");
	stands("a refresh of that day");
	refresh("x");
	refused(401, "refresh_invalid", "what is no token of ours is told so");
	clock_now += config.refresh_ttl / ROTATION_BOUND_PART;
	nonce[0] = '\0';
	refresh(token);
	refused(400, "invalid_dpop_proof", "a day later");
	thieves("a day later");
	prove(&mine, "/refresh");
	refresh(token);
	answered("its client rotates");
	ok(last_event(dir).event == EVENT_REFRESH, "which is written down");
	snprintf(spent, sizeof spent, "%s", token);
	keep_tokens();
	const struct session s = row();
	ok(s.ctr == 3 && rotation_is_bound(&s) && strcmp(token, spent) != 0, "and has another one, bound as well");
	snprintf(first, sizeof first, "%s", token);
	clock_now += DAY / 2;
	snprintf(token, sizeof token, "%s", spent);
	refresh(spent);
	prove(&mine, "/refresh");
	refresh(spent);
	keep_tokens();
	is_str(token, first, "the answer was lost: half a day later the token before gets the same again");
	snprintf(token, sizeof token, "%s", spent);
	thieves("the token before");
	clock_now += DAY;
	refresh(first);
	prove(&mine, "/refresh");
	refresh(first);
	keep_tokens();
	is_int(row().ctr, 4, "and a day later another one");
	snprintf(first, sizeof first, "%s", token);
	snprintf(token, sizeof token, "%s", spent);
	thieves("the first token");
	prove(&mine, "/refresh");
	refresh(spent);
	refused(401, "refresh_reused", "what was copied with its key, or comes from a backup, is reuse");
	is_int(last_event(dir).event, EVENT_REUSE, "in the trail");
	prove(&mine, "/refresh");
	refresh(first);
	refused(401, "session_revoked", "the session has ended, as its client is told");
	refresh(first);
	refused(400, "invalid_dpop_proof", "and nobody else");
}

/* A proof that a session doesn't ask for changes nothing for it. */
static void unbound(void)
{
	app("/login", LOGIN);
	keep_tokens();
	prove_badly(&mine, "/refresh");
	refresh(token);
	answered("a session that isn't bound, by a client that shows proofs");
	keep_tokens();
	ok(row().ctr == 2 && !row().strays, "rotates, and isn't bound by that");
	snprintf(proof, sizeof proof, "x");
	refresh(token);
	refused(400, "invalid_dpop_proof", "but what is no proof is told so");
	refresh(token);
	answered("none is needed");
}

static void master_keys(void)
{
	char first[TEXT], old_nonce[sizeof nonce];
	sign_in_bound();
	prove(&mine, "/refresh");
	refresh(token);
	keep_tokens();
	snprintf(first, sizeof first, "%s", token);
	snprintf(old_nonce, sizeof old_nonce, "%s", nonce);
	struct key next = { .created_at = 2, .master = { 9 } };
	jwt_name_key(&next);
	keyring_add(&ring, &next);
	prove(&mine, "/refresh");
	refresh(token);
	keep_tokens();
	ok(rp.status == 200 && row().ctr == 3, "another master key signs: the session rotates to it at once");
	ring.count = 1;
	snprintf(nonce, sizeof nonce, "%s", old_nonce);
	prove(&mine, "/refresh");
	refresh(token);
	ok(rp.status == 400 && in_body("use_dpop_nonce"), "the old one is retired, and its nonces with it");
	prove(&mine, "/refresh");
	refresh(token);
	answered("the session isn't");
	thieves("by the new key");
	refresh(first);
	refused(401, "refresh_invalid", "a token of the old one is none");
}

static void damage(void)
{
	sign_in_bound();
	struct session s = row();
	s.idem ^= 1;
	store_open(dir, 5);
	store_begin(DURABLE_NOW);
	store_session_rotate(&s);
	store_commit();
	store_close();
	stands(NULL);
	prove(&mine, "/refresh");
	refresh(token);
	refused(503, "store_unavailable", "a row of which nobody can tell the key");
	stands("it");
}

/* The clock is set back while the signature is verified: what was judged before doesn't count any more. */
static int asked_times, asked_most;
static int64_t clock_that_breaks(void) { return ++asked_times > asked_most ? clock_now - 30 * DAY : clock_now; }

static void clock_lost(void)
{
	for (asked_most = 1; asked_most <= 3; asked_most++) {
		sign_in_bound();
		stands(NULL);
		prove(&mine, "/refresh");
		char good[sizeof nonce];
		snprintf(good, sizeof good, "%s", nonce);
		asked_times = 0;
		base_clock = clock_that_breaks;
		refresh(token);
		base_clock = fake_clock;
		snprintf(nonce, sizeof nonce, "%s", good);
		if (asked_most < 3)
			refused(503, "clock_unset", "the clock is lost at its look number %d", asked_most + 1);
		else
			answered("control: after all of them it doesn't matter");
		if (asked_most < 3)
			stands("it");
	}
}

/* ---- other ways ---------------------------------------------------------- */

static void cookie_mode(void)
{
	static char jar[TEXT];
	prove(&mine, "/login");
	app("/login", "{\"username\":\"alice\",\"password\":\"correct horse\",\"cookie\":true}");
	const char *at = strstr(head(), "Set-Cookie: ");
	ok(rp.status == 200 && at, "a session whose token is in a cookie");
	snprintf(jar, sizeof jar, "%.*s", at ? (int)strcspn(at + 12, ";") : 0, at ? at + 12 : "");
	for (int i = 0; i < 2; i++) {
		snprintf(cookie, sizeof cookie, "%s", jar);
		if (i)
			prove(&mine, "/refresh");
		app("/refresh", "{\"cookie\":true}");
		ok(rp.status == (i ? 200 : 400), "%s a proof", i ? "with" : "without");
		ok(in_head("Set-Cookie") == i, "a refusal leaves the cookie where it is");
	}
	*cookie = '\0';
}

static void without_url(void)
{
	static char at_host[TEXT];
	config.issuer = S("latchkey");
	snprintf(proof, sizeof proof, "%s", prover_proof(&mine, "https://example.test/auth/login", nonce));
	app("/login", LOGIN);
	answered("where the issuer is no URL, the one that was asked counts");
	snprintf(proof, sizeof proof, "%s", prover_proof(&mine, "https://evil.test/auth/login", nonce));
	app("/login", LOGIN);
	refused(400, "invalid_dpop_proof", "and no other");
	snprintf(at_host, sizeof at_host, "%s", prover_proof(&mine, "http://example.test/auth/login", nonce));
	snprintf(proof, sizeof proof, "%s", at_host);
	app("/login", LOGIN);
	answered("with or without TLS before it");
	config.issuer = S(ISSUER);
}

/* Whoever wants to be signed out needs no key, which may be lost: so a copy of his token can be made worthless as well. */
static void signing_out(void)
{
	char text[TEXT + 64];
	sign_in_bound();
	static char bearer[TEXT + 8];
	snprintf(bearer, sizeof bearer, "Bearer %s", access_token);
	snprintf(text, sizeof text, "{\"refresh_token\":\"%s\",\"idempotency_key\":\"k\"}", token);
	rq.authorization = slice_of(bearer);
	rq.content_type = S("application/json");
	asked = &auth_dialect;
	call(METHOD_DELETE, "/sessions", text);
	is_int(rp.status, 204, "all others end; a bound session has no need of a successor");
	is_int(row().ctr, 1, "and has none");
	snprintf(text, sizeof text, "{\"refresh_token\":\"%s\"}", token);
	app("/logout", text);
	is_int(rp.status, 204, "signed out, without a proof");
	ok(row().ended_at > 0, "the session has ended");
	char another[TEXT + 8];
	sign_in_bound();
	snprintf(another, sizeof another, "%s", token);
	sign_in_bound();
	snprintf(text, sizeof text, "{\"refresh_token\":\"%s\",\"all\":true}", another);
	app("/logout", text);
	ok(rp.status == 204 && row().ended_at > 0, "signed out of all, without a proof");
	sign_in_bound();
	snprintf(another, sizeof another, "Bearer %s", access_token);
	sign_in_bound();
	rq.authorization = slice_of(another);
	app("/logout", "{\"all\":true}");
	ok(rp.status == 204 && row().ended_at > 0, "by an access token of another bound session, too: it is a bearer's");
}

/* ---- OAuth --------------------------------------------------------------- */

static const char *code_of(const char *client, const char *uri)
{
	static char text[1200];
	size_t mark = arena_mark();
	struct user u = { .id = 0 };
	store_open(dir, 5);
	(void)store_user_named(S("alice"), &u);
	store_close();
	struct work w = { .config = &config, .ring = &ring, .time = clock_now };
	struct slice code = ticket_make_code(&w, &ring, &(struct code_claims){ .sid = random_id(), .sub = u.id, .cid = slice_of(client), .uri = ticket_digest(slice_of(uri)),
		.ch = ticket_digest(S(VERIFIER)), .scope = SCOPE_OFFLINE, .nonce = S("n"), .at = clock_now - 1, .amr = AMR_PASSWORD }, &u);
	snprintf(text, sizeof text, "%.*s", (int)code.n, code.p);
	arena_back(mark);
	return text;
}

__attribute__((format(printf, 1, 2))) static void formf(const char *format, ...)
{
	static char text[2 * TEXT];
	va_list ap;
	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	form(text);
}

#define CODE "client_id=app&grant_type=authorization_code&code_verifier=" VERIFIER "&code=%s"
static void codes(void)
{
	char code[1200], first[TEXT];
	snprintf(code, sizeof code, "%s", code_of("app", "http://127.0.0.1/cb"));
	nonce[0] = '\0';
	prove(&mine, "/token");
	formf(CODE, code);
	refused(400, "use_dpop_nonce", "a code with a proof without a nonce");
	ok(in_body("{\"error\":\"use_dpop_nonce\"") && *nonce, "in the shape of OAuth");
	prove_badly(&mine, "/token");
	formf(CODE, code);
	ok(rp.status == 400 && in_body("{\"error\":\"invalid_dpop_proof\""), "one that wasn't signed");
	prove(&mine, "/token");
	formf(CODE, "x");
	ok(rp.status == 400 && in_body("invalid_grant") && in_head("DPoP-Nonce"), "no code of ours, with a good proof");
	prove(&mine, "/token");
	formf(CODE, code);
	answered("the code is redeemed");
	keep_tokens();
	snprintf(first, sizeof first, "%s", token);
	ok(in_body("\"token_type\":\"Bearer\"") && row().strays == STRAYS_BOUND, "and its session is bound");
	prove(&mine, "/token");
	formf(CODE, code);
	keep_tokens();
	is_str(token, first, "the same again gets the same");
	stands(NULL);
	prove(&other, "/token");
	formf(CODE, code);
	refused(400, "invalid_grant", "by another key it gets nothing");
	formf(CODE, code);
	refused(400, "invalid_grant", "nor without one");
	stands("a code that was copied");
	formf("client_id=app&grant_type=refresh_token&refresh_token=%s", token);
	ok(rp.status == 400 && in_body("{\"error\":\"invalid_dpop_proof\""), "a refresh without a proof");
	prove(&mine, "/token");
	formf("client_id=app&grant_type=refresh_token&refresh_token=%s", token);
	answered("with one");
	keep_tokens();
	is_int(row().ctr, 2, "its successor");
	stands(NULL);
	snprintf(first, sizeof first, "%s", token);
	prove(&mine, "/token");
	formf("client_id=app&grant_type=refresh_token&refresh_token=%s", token);
	keep_tokens();
	is_str(token, first, "and then the same token");
	stands("a refresh of that day");
	formf(CODE, code);
	refused(400, "invalid_grant", "the code again, without a proof");
	prove(&other, "/token");
	formf(CODE, code);
	refused(400, "invalid_grant", "and by another key");
	stands("a code that was copied, of a session in use");
	prove(&mine, "/token");
	formf("client_id=tv&grant_type=refresh_token&refresh_token=%s", token);
	refused(400, "invalid_grant", "another client, by whatever key");
	clock_now += config.refresh_ttl / ROTATION_BOUND_PART;
	formf("client_id=app&grant_type=refresh_token&refresh_token=%s", token);
	prove(&mine, "/token");
	formf("client_id=app&grant_type=refresh_token&refresh_token=%s", token);
	keep_tokens();
	is_int(row().ctr, 3, "a day later it rotates");
	snprintf(code, sizeof code, "%s", code_of("app", "http://127.0.0.1/cb"));
	prove(&mine, "/token");
	formf(CODE, code);
	keep_tokens();
	prove(&mine, "/token");
	formf("client_id=app&grant_type=refresh_token&refresh_token=%s", token);
	prove(&mine, "/token");
	formf(CODE, code);
	refused(400, "invalid_grant", "by its key, too, a code is good once");
	ok(last_event(dir).event == EVENT_REUSE && row().ended_at > 0, "and ends a session that was in use (RFC 6749, 4.1.2)");
}

/* What a client with a secret shows beside it isn't looked at (RFC 9449, 5). */
static void confidential(void)
{
	#define WEB "client_id=web&client_secret=test"
	snprintf(proof, sizeof proof, "x");
	formf(WEB "&grant_type=authorization_code&code_verifier=" VERIFIER "&code=%s", code_of("web", "https://web.example/cb"));
	answered("a client with a secret shows what is no proof");
	keep_tokens();
	is_int(row().strays, 0, "and isn't bound");
	snprintf(proof, sizeof proof, "x");
	formf(WEB "&grant_type=refresh_token&refresh_token=%s", token);
	answered("nor at a refresh");
}

static void devices(void)
{
	#define POLL "client_id=tv&grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code=%s"
	char device[TEXT], first[TEXT], answer[128], user_code[TEXT];
	send(&oauth_dialect, "application/x-www-form-urlencoded", "/device_authorization", "client_id=tv&scope=offline_access");
	keep("device_code", device);
	keep("user_code", user_code);
	snprintf(answer, sizeof answer, "code=%.20s&do=allow", user_code);
	nonce[0] = '\0';
	prove(&mine, "/token");
	formf(POLL, device);
	refused(400, "authorization_pending", "a device polls, and nobody has answered: its proof isn't asked for");
	ok(*nonce, "and has its nonce");
	nonce[0] = '\0';
	asked = &door_dialect;
	post("/signin", "username=alice&password=correct+horse");
	post("/device", answer);
	prove(&mine, "/token");
	formf(POLL, device);
	refused(400, "use_dpop_nonce", "alice allows it, now it is");
	prove_badly(&mine, "/token");
	formf(POLL, device);
	refused(400, "invalid_dpop_proof", "a proof that isn't signed");
	prove(&mine, "/token");
	formf(POLL, device);
	answered("a good one");
	keep_tokens();
	snprintf(first, sizeof first, "%s", token);
	is_int(row().strays, STRAYS_BOUND, "binds it");
	prove(&mine, "/token");
	formf(POLL, device);
	keep_tokens();
	is_str(token, first, "the same again gets the same");
	stands(NULL);
	prove(&other, "/token");
	formf(POLL, device);
	refused(400, "invalid_grant", "by another key it gets nothing");
	formf(POLL, device);
	refused(400, "invalid_grant", "nor without one");
	stands("a device code that was copied");
	prove(&mine, "/token");
	formf("client_id=tv&grant_type=refresh_token&refresh_token=%s", token);
	answered("its client refreshes");
	stands(NULL);
	formf(POLL, device);
	refused(400, "invalid_grant", "the code again");
	stands("a device code of a session in use");
	*cookie = '\0';
}

static void metadata(void)
{
	asked = &oauth_dialect;
	get("/.well-known/oauth-authorization-server");
	ok(in_body("\"dpop_signing_alg_values_supported\":[\"ES256\"]"), "metadata say so");
}

int main(void)
{
	static void (*const tests[])(void) = {
		binding, signing_in_again, registering, forging, refreshing, unbound, master_keys, damage, clock_lost, cookie_mode, without_url, signing_out, codes, confidential,
		devices, metadata,
	};
	set_up();
	name_clients(clients);
	mine = prover(1);
	other = prover(2);
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
		tests[i]();
	remove_files();
	is_int(rmdir(dir), 0, "nothing is left behind");
	return done_testing();
}
