/*
 * authorize_test: what a client may ask for at /authorize, rule by rule (RFC 6749, 4.1.2.1; RFC 7636, 4.4.1; OpenID Connect Core,
 * 3.1.2.6; RFC 9700, 2.1 and 4.1), what comes next, and the way back. With a file of clients, without a store.
 */
#include "oauth/authorize.h"

#include "base/file.h"
#include "jwt.h"
#include "ticket.h"
#include "t.h"

#include <fcntl.h>
#include <unistd.h>

#define HASH "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define CH "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define WEB "client_id=web&redirect_uri=https%3A%2F%2Fweb.example%2Fcb"
#define OK WEB "&response_type=code&code_challenge=" CH "&code_challenge_method=S256"

static const char clients[] =
	"# clients of this test\n"
	"web " HASH " https://web.example/cb https://web.example/cb2?x=1\n"
	"one " HASH ",iss https://one.example/cb\n"
	"app public org.example.app:/cb http://127.0.0.1/cb http://[::1]/cb https://app.example/cb\n"
	"staff " HASH ",group=staff https://staff.example/cb\n"
	"old " HASH ",nopkce https://old.example/cb\n"
	"tv public,device\n";

static char dir[64];
static struct config config;
static struct keyring ring;

static void put_clients(void)
{
	const char *path = path_in(dir, CLIENT_FILE);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || !write_all(fd, slice_of(clients)) || close(fd))
		exit(2);
}

static struct authorize asked;
static enum error ask(const char *query)
{
	static size_t mark;
	if (mark)
		arena_back(mark);
	mark = arena_mark();
	asked = (struct authorize){ .max_age = 0 };
	return authorize_read(&config, slice_of(query), &asked);
}

/* ---- the rules --------------------------------------------------------- */

/* error NULL: good; "": shown to the person, since nobody may be sent anywhere. */
static const struct { const char *query, *error, *why; } cases[] = {
	{ OK, NULL, "all that is needed" },
	{ OK "&foo=1&foo=2&audience=x", NULL, "an unknown parameter is ignored, twice too" },
	{ OK "&state=", NULL, "an empty one is as good as none" },
	/* whose it is */
	{ "", "", "nothing" },
	{ "redirect_uri=https://web.example/cb&response_type=code", "", "no client" },
	{ "client_id=nobody&redirect_uri=https://web.example/cb", "", "an unknown client" },
	{ "client_id=Web&redirect_uri=https://web.example/cb", "", "of another case" },
	{ "client_id=latchkey&redirect_uri=https://web.example/cb", "", "the app API" },
	{ WEB "&client_id=web", "", "two clients" },
	{ "client_id=%ff&redirect_uri=https://web.example/cb", "", "a client that isn't UTF-8" },
	{ "client_id=tv&response_type=code", "", "a client without a redirect URI" },
	/* where it goes: each of these is byte for byte another address (RFC 9700, 4.1) */
	{ "client_id=web&response_type=code", "", "no redirect URI where there are two" },
	{ WEB "&redirect_uri=https%3A%2F%2Fweb.example%2Fcb", "", "two redirect URIs" },
	{ "client_id=web&redirect_uri=https://web.example/cb/", "", "a slash more" },
	{ "client_id=web&redirect_uri=https://web.example/CB", "", "another case" },
	{ "client_id=web&redirect_uri=https://WEB.example/cb", "", "another case of the host" },
	{ "client_id=web&redirect_uri=http://web.example/cb", "", "another scheme" },
	{ "client_id=web&redirect_uri=https://web.example:443/cb", "", "a port" },
	{ "client_id=web&redirect_uri=https://web.example%40evil.example/cb", "", "a user name" },
	{ "client_id=web&redirect_uri=https://web.example.evil.example/cb", "", "a longer host" },
	{ "client_id=web&redirect_uri=https://evil.example/cb", "", "another host" },
	{ "client_id=web&redirect_uri=https://web.example/cb%23x", "", "a fragment" },
	{ "client_id=web&redirect_uri=https://web.example/cb%3Fx", "", "a query" },
	{ "client_id=web&redirect_uri=https://web.example/c%2562", "", "an escape" },
	{ "client_id=web&redirect_uri=https://web.example/x/..%2Fcb", "", "dots" },
	{ "client_id=web&redirect_uri=https://web.example%5C/cb", "", "a backslash" },
	{ "client_id=web&redirect_uri=https://web.example/cb%00", "", "a NUL" },
	{ "client_id=web&redirect_uri=https://web.example/cb%0d%0aX:y", "", "a line end" },
	{ "client_id=web&redirect_uri=https://one.example/cb", "", "another client's" },
	{ "client_id=web&redirect_uri=javascript:alert(1)", "", "a script" },
	{ "client_id=app&redirect_uri=http://127.0.0.1:x/cb", "", "no port" },
	{ "client_id=app&redirect_uri=http://127.0.0.1:1234567/cb", "", "too long a port" },
	{ "client_id=app&redirect_uri=http://127.0.0.1:80%40evil.example/cb", "", "a port and a host" },
	{ "client_id=app&redirect_uri=http://127.0.0.2:80/cb", "", "another loopback" },
	/* what it is */
	{ WEB "&code_challenge=" CH "&code_challenge_method=S256", "invalid_request", "no response type" },
	{ OK "&response_type=code", "invalid_request", "it twice" },
	{ WEB "&response_type=token", "unsupported_response_type", "implicit" },
	{ WEB "&response_type=code%20id_token", "unsupported_response_type", "hybrid" },
	{ OK "&response_mode=query", NULL, "the mode that there is" },
	{ OK "&response_mode=fragment", "invalid_request", "another" },
	{ OK "&response_mode=form_post", "invalid_request", "a third" },
	{ OK "&request=eyJ", "request_not_supported", "a request object" },
	{ OK "&request=%zz", "request_not_supported", "a broken one" },
	{ OK "&request_uri=https://web.example/r", "request_uri_not_supported", "one by its address" },
	{ OK "&request_uri=a&request_uri=b", "request_uri_not_supported", "two" },
	/* PKCE */
	{ WEB "&response_type=code", "invalid_request", "no challenge and no nonce" },
	{ WEB "&response_type=code&nonce=n", "invalid_request", "a nonce without openid" },
	{ WEB "&response_type=code&scope=openid", "invalid_request", "openid without a nonce" },
	{ WEB "&response_type=code&scope=openid&nonce=n", NULL, "both" },
	{ WEB "&response_type=code&scope=openid&nonce=n&code_challenge=&code_challenge_method=", NULL, "both, and an empty challenge" },
	{ "client_id=old&response_type=code", NULL, "a client that may leave it out, and its redirect URI" },
	{ "client_id=old&response_type=code&code_challenge_method=S256", "invalid_request", "a method alone" },
	{ "client_id=app&redirect_uri=https://app.example/cb&response_type=code&scope=openid&nonce=n", "invalid_request", "a public client without" },
	{ WEB "&response_type=code&code_challenge=" CH, "invalid_request", "a challenge without a method is plain" },
	{ WEB "&response_type=code&code_challenge=" CH "&code_challenge_method=plain", "invalid_request", "plain" },
	{ WEB "&response_type=code&code_challenge=" CH "&code_challenge_method=s256", "invalid_request", "another case" },
	{ WEB "&response_type=code&code_challenge=" CH "A&code_challenge_method=S256", "invalid_request", "a letter more" },
	{ WEB "&response_type=code&code_challenge=short&code_challenge_method=S256", "invalid_request", "fewer" },
	{ WEB "&response_type=code&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw%2BcM&code_challenge_method=S256", "invalid_request", "a letter that isn't base64url" },
	{ OK "&code_challenge=" CH, "invalid_request", "a challenge twice" },
	/* the rest */
	{ OK "&prompt=none", NULL, "no page" },
	{ OK "&prompt=none%20login", "invalid_request", "none and another word" },
	{ OK "&prompt=login%20none", "invalid_request", "the other way round" },
	{ OK "&prompt=consent", NULL, "consent isn't asked for" },
	{ OK "&prompt=create", NULL, "nor is an unknown word" },
	{ OK "&max_age=0", NULL, "at once" },
	{ OK "&max_age=-1", "invalid_request", "a negative age" },
	{ OK "&max_age=1.5", "invalid_request", "a broken one" },
	{ OK "&max_age=99999999999", "invalid_request", "one that is too large" },
	{ OK "&nonce=a%22b", "invalid_request", "a nonce with a quote" },
	{ OK "&nonce=a%5Cb", "invalid_request", "a backslash" },
	{ OK "&nonce=a%0Ab", "invalid_request", "a line end" },
	{ OK "&nonce=a%7F", "invalid_request", "a byte that nobody sees" },
	{ OK "&n%zz=1", NULL, "a name with a broken escape is none that is known" },
	{ OK "&nonce=%C3%A4", "invalid_request", "a letter above ASCII" },
	{ OK "&nonce=a+b~", NULL, "a blank is one" },
	{ OK "&state=a&state=b", "invalid_request", "two states" },
	{ OK "&state=%ff", "invalid_request", "a state that isn't UTF-8" },
	{ OK "&state=%4", "invalid_request", "a broken escape" },
	{ OK "&sc%6fpe=openid", NULL, "a name may be escaped" },
	{ OK "&sc%6fpe=openid&scope=email", "invalid_request", "and is the same then" },
};

static void each_rule(void)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		enum error e = ask(cases[i].query);
		bool shown = cases[i].error && *cases[i].error == '\0';
		const char *got = e == ERROR_NONE ? asked.error : errors[e].code;
		ok(shown ? e == ERROR_INVALID_REQUEST : e == ERROR_NONE && (got == NULL) == (cases[i].error == NULL) && (!got || strcmp(got, cases[i].error) == 0),
			"%s: %s, got %s", cases[i].why, shown ? "shown" : cases[i].error ? cases[i].error : "good", got ? got : "good");
	}
}

static char *padded(const char *before, size_t n)
{
	static char text[8192];
	memset(text, 'a', strlen(before) + n);
	memcpy(text, before, strlen(before));
	text[strlen(before) + n] = '\0';
	return text;
}

static void limits(void)
{
	ok(ask(padded(OK "&state=", 512)) == ERROR_NONE && !asked.error && asked.state.n == 512, "a state of 512 bytes");
	ok(ask(padded(OK "&state=", 513)) == ERROR_NONE && asked.error && !asked.state.p, "a longer one is refused, and not given back");
	ok(ask(padded(OK "&nonce=", 128)) == ERROR_NONE && !asked.error, "a nonce of 128");
	ok(ask(padded(OK "&nonce=", 129)) == ERROR_NONE && asked.error, "a longer one");
	ok(ask(padded(OK "&x=", 4096 - strlen(OK "&x="))) == ERROR_NONE && !asked.error, "a query of 4 KiB");
	is_int(ask(padded(OK "&x=", 4097 - strlen(OK "&x="))), ERROR_INVALID_REQUEST, "a longer one");
	ok(ask(padded(OK "&login_hint=", 255)) == ERROR_NONE && asked.error, "a hint that is no user's name");
}

static void what_is_read(void)
{
	ask(OK "&scope=openid+email%20x+offline_access+profile&state=s&nonce=n&login_hint=al&max_age=5");
	is_int(asked.scope, SCOPE_OPENID | SCOPE_EMAIL | SCOPE_OFFLINE | SCOPE_PROFILE, "known words of scope, in any order");
	ok(slice_is(asked.state, S("s")) && slice_is(asked.nonce, S("n")) && slice_is(asked.hint, S("al")) && slice_is(asked.challenge, S(CH)), "texts");
	ok(asked.max_age == 5 && !asked.silent && !asked.anew && !asked.native, "age and prompt");
	ask(OK);
	ok(asked.max_age == -1 && asked.scope == 0 && !asked.nonce.p && !asked.state.p, "without any");
	ask(OK "&prompt=none");
	ok(asked.silent && !asked.anew, "prompt=none");
	ask(OK "&prompt=login");
	ok(!asked.silent && asked.anew, "prompt=login");
	ask(OK "&prompt=consent+select_account");
	ok(asked.anew, "prompt=select_account");
	ask(OK "&max_age=0");
	ok(asked.anew, "max_age=0");
	ask(OK "&scope=openidx+xopenid");
	is_int(asked.scope, 0, "a word is a whole one");
}

/* ---- what comes next --------------------------------------------------- */

#define APP(uri) "client_id=app&response_type=code&code_challenge=" CH "&code_challenge_method=S256&redirect_uri=" uri

static const struct { const char *query; bool there, sso; int64_t age; enum authorize_next next; const char *error; } nexts[] = {
	{ OK, false, false, 0, AUTHORIZE_FORM, NULL }, { OK, true, true, 9, AUTHORIZE_CODE, NULL }, { OK, true, false, 0, AUTHORIZE_CODE, NULL },
	{ OK "&prompt=none", false, false, 0, AUTHORIZE_ERROR, "login_required" }, { OK "&prompt=none", true, true, 9, AUTHORIZE_CODE, NULL },
	{ OK "&prompt=login", true, true, 9, AUTHORIZE_FORM, NULL }, { OK "&prompt=login", true, false, 0, AUTHORIZE_CODE, NULL },
	{ OK "&max_age=9", true, true, 9, AUTHORIZE_CODE, NULL }, { OK "&max_age=9", true, true, 10, AUTHORIZE_FORM, NULL },
	{ OK "&max_age=0", true, true, 0, AUTHORIZE_FORM, NULL }, { OK "&max_age=0", true, false, 0, AUTHORIZE_CODE, NULL },
	{ OK "&max_age=9&prompt=none", true, true, 10, AUTHORIZE_ERROR, "login_required" },
	{ APP("http://127.0.0.1:5/cb"), true, true, 9, AUTHORIZE_ALLOW, NULL }, { APP("org.example.app:/cb"), true, true, 9, AUTHORIZE_ALLOW, NULL },
	{ APP("http://127.0.0.1:5/cb"), true, false, 0, AUTHORIZE_CODE, NULL }, { APP("https://app.example/cb"), true, true, 9, AUTHORIZE_CODE, NULL },
	{ APP("http://127.0.0.1:5/cb") "&prompt=none", true, true, 9, AUTHORIZE_ERROR, "interaction_required" },
	{ APP("http://127.0.0.1:5/cb") "&prompt=none", false, false, 0, AUTHORIZE_ERROR, "login_required" },
	{ "client_id=staff&response_type=code&scope=openid&nonce=n", true, true, 9, AUTHORIZE_ERROR, "access_denied" },
	{ "client_id=staff&response_type=code&scope=openid&nonce=n", true, false, 0, AUTHORIZE_ERROR, "access_denied" },
	{ "client_id=staff&response_type=code&scope=openid&nonce=n", false, false, 0, AUTHORIZE_FORM, NULL },
	{ WEB "&response_type=token", true, true, 9, AUTHORIZE_ERROR, "unsupported_response_type" },
};

static void what_comes_next(void)
{
	struct user user = { .id = 7, .name = S("alice"), .password = S("$argon2id$x") };
	for (size_t i = 0; i < sizeof nexts / sizeof *nexts; i++) {
		ask(nexts[i].query);
		struct authentication proof = { .user = nexts[i].there ? &user : NULL, .at = 1000 - nexts[i].age, .amr = 1, .by = 5, .sso = nexts[i].sso };
		is_int(authorize_next(&asked, &proof, 1000), nexts[i].next, "next %zu", i);
		ok(!nexts[i].error || strcmp(nexts[i].error, asked.error) == 0, "with the word %s", nexts[i].error ? nexts[i].error : "(none)");
	}
	user.profile.groups = S("users,staff");
	ask("client_id=staff&response_type=code&scope=openid&nonce=n");
	is_int(authorize_next(&asked, &(struct authentication){ .user = &user, .at = 1, .amr = 1, .by = 5, .sso = true }, 2), AUTHORIZE_CODE, "who is in the client's group");
	static const struct { unsigned amr; enum authorize_next next; } amrs[] = {
		{ AMR_PASSWORD, AUTHORIZE_FORM }, { AMR_PASSWORD | AMR_OTP, AUTHORIZE_CODE }, { AMR_PASSKEY, AUTHORIZE_CODE },
	};
	asked.client.flags |= CLIENT_FACTOR;
	for (size_t i = 0; i < sizeof amrs / sizeof *amrs; i++)
		is_int(authorize_next(&asked, &(struct authentication){ .user = &user, .at = 1, .amr = amrs[i].amr, .by = 5, .sso = true }, 2), amrs[i].next, "a client that wants a factor, amr %u", amrs[i].amr);
}

/* ---- the way back ------------------------------------------------------ */

static void the_way_back(void)
{
	struct work w = { .config = &config, .ring = &ring, .time = now() };
	struct user user = { .id = 7, .name = S("alice"), .password = S("$argon2id$x") };
	struct ticket_code code;
	ask(OK "&state=a%26b%3D%22%C3%A4+c&scope=openid&nonce=n");
	const char *url = authorize_with_code(&w, &asked, &(struct authentication){ .user = &user, .at = 1000, .amr = 1, .by = 5, .sso = true });
	struct slice rest = slice_from(slice_of(url), strlen("https://web.example/cb?code="));
	ok(strncmp(url, "https://web.example/cb?code=", 28) == 0 && strstr(url, "&state=a%26b%3d%22%c3%a4%20c") && !strstr(url, "iss="), "with the state: %s", strchr(url, '&'));
	is_int(ticket_open_code(&w, slice_cut(&rest, '&'), &code), ERROR_NONE, "its code opens");
	ok(code.claims.sub == 7 && code.claims.by == 5 && code.claims.sso == 1 && code.claims.at == 1000 && code.claims.amr == 1, "who signed in, and how");
	ok(slice_is(code.claims.cid, S("web")) && slice_is(code.claims.uri, ticket_digest(S("https://web.example/cb"))) && slice_is(code.claims.ch, S(CH)), "for which client");
	ok(code.claims.scope == SCOPE_OPENID && slice_is(code.claims.nonce, S("n")) && code.claims.sid, "and what for");
	rest = slice_from(slice_of(authorize_with_code(&w, &asked, &(struct authentication){ .user = &user, .at = 1000, .amr = AMR_PASSKEY, .sid = 77 })), strlen("https://web.example/cb?code="));
	ok(ticket_open_code(&w, slice_cut(&rest, '&'), &code) == ERROR_NONE && code.claims.sid == 77, "a session's id that was reserved is taken over");
	ask("client_id=web&redirect_uri=https://web.example/cb2?x=1&response_type=x&state=s");
	is_str(authorize_with_error(&config, &asked), "https://web.example/cb2?x=1&error=unsupported_response_type&state=s", "a query that is there stays");
	ask("client_id=one&response_type=x");
	is_str(authorize_with_error(&config, &asked), "https://one.example/cb?error=unsupported_response_type&iss=https%3a//id.example", "a client that wants it is told the issuer");
}

static void follows(void)
{
	static const struct { const char *query; bool follows; } uris[] = {
		{ OK, true }, { APP("http://127.0.0.1:5/cb"), true }, { APP("http://[::1]:5/cb"), false }, { APP("org.example.app:/cb"), false },
	};
	for (size_t i = 0; i < sizeof uris / sizeof *uris; i++) {
		ask(uris[i].query);
		ok(!asked.error && authorize_follows(&asked) == uris[i].follows, "a browser %s there: %s", uris[i].follows ? "follows" : "is led by hand", uris[i].query);
	}
}

int main(void)
{
	snprintf(dir, sizeof dir, "/tmp/lk-authorize.XXXXXX");
	if (config_parse(S("issuer = https://id.example\n"), &config) || !mkdtemp(dir)) {
		printf("Bail out! no directory\n");
		return 2;
	}
	config.dir = dir;
	ring.key[0] = (struct key){ .created_at = 1, .master = { 1 } };
	ring.count = 1;
	jwt_name_key(&ring.key[0]);
	is_int(ask(OK), ERROR_NOT_FOUND, "without a client there is nothing here");
	put_clients();
	each_rule();
	limits();
	what_is_read();
	what_comes_next();
	the_way_back();
	follows();
	unlink(path_in(dir, CLIENT_FILE));
	is_int(rmdir(dir), 0, "nothing is left behind");
	return done_testing();
}
