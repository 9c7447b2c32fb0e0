/*
 * oom PROGRAM DIR STEP [BROKEN]: memory that runs out, everywhere. PROGRAM is shim (tests/shim.c), DIR a data
 * directory with the users demo and witness, and signup. Each request and each verb is run again and again, with its
 * 1st, (1 + STEP)th, … piece of memory refused, until a run ends before it comes to that piece: the arena's; SQLite's,
 * once and from then on; libc's (Argon2id's is one of those), once and from then on. After each:
 *
 *   - the answer is the usual one or 503 of the contract; a verb ends as usual or with 111 and a line that says why;
 *   - the same again, with memory, does what it should have done, and as if for the first time where the answer
 *     was that nothing was changed;
 *   - another user's session goes on.
 *
 * Prints "NAME POINTS FAILURES" for each, and on lines with # what failed. BROKEN is a word of shim's for a negative
 * control: then only the refresh and the sign-in are tried.
 */
#include "kept.h"

enum { RUNS = 20000, SHOWN = 12, ARGUMENTS = 6 };

static const char password[] = "correct horse";
static struct answer a;

/* ---- who is signed in -------------------------------------------------- */

static char old_token[CGI_TOKEN], used_token[CGI_TOKEN], token[CGI_TOKEN], access_token[CGI_TOKEN], session[64];
static char other_session[64], witness[CGI_TOKEN], kid[64];

static void need(const char *name, char *out, size_t room)
{
	if (a.status != 200 || !cgi_member(a.text, name, out, room)) {
		fprintf(stderr, "no %s: %s%s\n", name, a.text, a.log);
		exit(111);
	}
}

static void sign_in(const char *name, char *into)
{
	cgi_ask(&a, "POST", "/login", NULL, "{\"username\":\"%s\",\"password\":\"%s\"}", name, password);
	need("refresh_token", into, CGI_TOKEN);
	need("access_token", access_token, sizeof access_token);
}

static void session_of(char *into)
{
	const char *at = strstr(a.text, "\"session\":");
	if (at == NULL || !cgi_member(at, "id", into, 64))
		die("session");
}

static void rotate(const char *from, char *into, const char *key)
{
	cgi_refresh(&a, from, key);
	need("refresh_token", into, CGI_TOKEN);
	need("access_token", access_token, sizeof access_token);
}

/* Of demo a session of generation 3, and another; one of the witness. */
static void prepare(void)
{
	sign_in("witness", witness);
	sign_in("demo", token);
	session_of(other_session);
	sign_in("demo", old_token);
	session_of(session);
	rotate(old_token, used_token, "first");
	rotate(used_token, token, "second");
}

/* ---- what is tried ----------------------------------------------------- */

/* A request with its usual verdict, and what it may be the second time besides. */
struct request {
	const char *name, *method, *path, *query;
	bool by_access;
	const char *body;
	const char *usual, *again;
};

static char bodies[5][CGI_TOKEN + 128], session_path[128];

static const struct request requests[] = {
	{ "refresh", "POST", "/refresh", NULL, false, bodies[0], "200", NULL },
	{ "login", "POST", "/login", NULL, false, "{\"username\":\"demo\",\"password\":\"correct horse\"}", "200", NULL },
	{ "replay", "POST", "/refresh", NULL, false, bodies[1], "200", NULL },
	{ "reuse", "POST", "/refresh", NULL, false, bodies[2], "401 refresh_reused", "401 session_revoked" },
	{ "wrong-password", "POST", "/login", NULL, false, "{\"username\":\"demo\",\"password\":\"battery staple\"}",
		"401 invalid_credentials", NULL },
	{ "logout", "POST", "/logout", NULL, false, bodies[3], "204", NULL },
	{ "logout-all", "POST", "/logout", NULL, false, bodies[4], "204", NULL },
	{ "register", "POST", "/register", NULL, false, "{\"username\":\"newcomer\",\"password\":\"correct horse\"}",
		"201", "409 username_taken" },
	{ "me", "GET", "/me", NULL, true, "", "200", NULL },
	{ "sessions", "GET", "/sessions", NULL, true, "", "200", NULL },
	{ "audit", "GET", "/audit", "limit=20", true, "", "200", NULL },
	{ "verify", "GET", "/verify", NULL, true, "", "204", NULL },
	{ "verify-live", "GET", "/verify", "live=1", true, "", "204", NULL },
	{ "health", "GET", "/health", NULL, false, "", "200", NULL },
	{ "password", "POST", "/password", NULL, true, "{\"current_password\":\"correct horse\",\"new_password\":\"battery staple\"}",
		"204", "401 invalid_credentials" },
	{ "revoke", "DELETE", session_path, NULL, true, "", "204", "404 not_found" },
	{ "revoke-others", "DELETE", "/sessions", NULL, true, "", "204", NULL },
};
enum { REQUESTS = sizeof requests / sizeof *requests };

#define HASH "$6$saltsalt$hRM5XZ86KXEw9UOmjigeVqFgULtFB2sgpC9lXQDfMib3Zgw7mEiUvBJI2EplzfAqxL5Vvwp2scFtv/uamSo5z0"
/* A verb's words with its stdin; `again` is another exit code that the second time may have, `trouble` one but 111 that
 * it has without memory: what `check` can't do is a line of its report. */
static const struct verb { const char *name, *words[ARGUMENTS], *input; int again, trouble; } verbs[] = {
	{ "user add", { "user", "add", "newcomer" }, "correct horse\n", 1, 111 },
	{ "user list", { "user", "list" }, "", 0, 111 },
	{ "user invite", { "user", "invite", "invited", "--url", "https://example.org" }, "", 1, 111 },
	{ "user link", { "user", "link", "demo", "--url", "https://example.org" }, "", 0, 111 },
	{ "user add --hash", { "user", "add", "hashed", "--hash" }, HASH "\n", 1, 111 },
	{ "user import", { "user", "import" },
		"{\"username\":\"imported\",\"hash\":\"" HASH "\"}\n", 1, 111 },
	{ "user rename", { "user", "rename", "demo", "renamed" }, "", 1, 111 },
	{ "user export", { "user", "export" }, "", 0, 111 },
	{ "user passwd", { "user", "passwd", "demo" }, "battery staple\n", 0, 111 },
	{ "user set", { "user", "set", "demo", "subscription", "{\"plan\":\"pro\"}" }, "", 0, 111 },
	{ "user disable", { "user", "disable", "demo" }, "", 1, 111 },
	{ "user enable", { "user", "enable", "demo" }, "", 1, 111 },
	{ "user delete", { "user", "delete", "demo" }, "", 1, 111 },
	{ "session list", { "session", "list", "--all" }, "", 0, 111 },
	{ "session revoke", { "session", "revoke", session }, "", 1, 111 },
	{ "session revoke --user", { "session", "revoke", "--user", "demo" }, "", 0, 111 },
	{ "key list", { "key", "list" }, "", 0, 111 },
	{ "key rotate", { "key", "rotate" }, "", 0, 111 },
	{ "key stage", { "key", "stage" }, "", 0, 111 },
	{ "key use", { "key", "use", kid }, "", 0, 111 },
	{ "key retire --old", { "key", "retire", "--old" }, "", 0, 111 },
	{ "key rotate again", { "key", "rotate" }, "", 0, 111 },
	{ "key retire", { "key", "retire", kid }, "", 1, 111 },
	{ "key import", { "key", "import" }, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n", 1, 111 },
	{ "key export", { "key", "export", "--all" }, "", 0, 111 },
	{ "audit", { "audit", "--json" }, "", 0, 111 },
	{ "config", { "config" }, "", 0, 111 },
	{ "verify", { "verify", "--live" }, access_token, 0, 111 },
	{ "check", { "check" }, "", 0, 1 },
};
enum { VERBS = sizeof verbs / sizeof *verbs };

static void fill_in(void)
{
	snprintf(bodies[0], sizeof bodies[0], "{\"refresh_token\":\"%s\",\"idempotency_key\":\"third\"}", token);
	snprintf(bodies[1], sizeof bodies[1], "{\"refresh_token\":\"%s\",\"idempotency_key\":\"second\"}", used_token);
	snprintf(bodies[2], sizeof bodies[2], "{\"refresh_token\":\"%s\",\"idempotency_key\":\"thief\"}", old_token);
	snprintf(bodies[3], sizeof bodies[3], "{\"refresh_token\":\"%s\"}", token);
	snprintf(bodies[4], sizeof bodies[4], "{\"refresh_token\":\"%s\",\"all\":true}", token);
	snprintf(session_path, sizeof session_path, "/sessions/%s", other_session);
}

static void send_request(const struct request *r)
{
	struct ask q = { .method = r->method, .path = r->path, .query = r->query, .access = r->by_access ? access_token : NULL };
	snprintf(q.body, sizeof q.body, "%s", r->body);
	cgi_call(&a, &q);
}

static void run_verb(const struct verb *v)
{
	char *argv[ARGUMENTS + 4] = { (char *)(uintptr_t)cgi_program };
	char *env[] = { cgi_variable(0, "LK_SHIM", cgi_shim), cgi_variable(1, "ASAN_OPTIONS", getenv("ASAN_OPTIONS")), NULL };
	char input[CGI_TOKEN];
	int n = 1;
	for (int i = 0; i < ARGUMENTS && v->words[i]; i++)
		argv[n++] = (char *)(uintptr_t)v->words[i];
	argv[n++] = "--dir";
	argv[n++] = (char *)(uintptr_t)cgi_dir;
	snprintf(input, sizeof input, "%s", v->input);
	cgi_run(&a, argv, env, input);
}

/* ---- whether it was right ---------------------------------------------- */

static int points, failures, shown;

__attribute__((format(printf, 2, 3))) static void failed(const char *what, const char *why, ...)
{
	va_list list;
	failures++;
	if (shown++ >= SHOWN)
		return;
	printf("# %s [%s]: ", what, cgi_shim);
	va_start(list, why);
	vprintf(why, list);
	va_end(list);
	printf(": exit %d, %.160s | %.240s\n", a.exit, a.text, a.log);
}

static const char *verdict(void)
{
	static char text[64];
	snprintf(text, sizeof text, "%d%s%s", a.status, a.code[0] ? " " : "", a.code);
	return text;
}

static bool is(const char *want)
{
	return want && strcmp(verdict(), want) == 0;
}

static bool was_refused(void)
{
	return strstr(a.log, "shim: refused") || strstr(a.log, "latchkey: BA");
}

/* The other's session; the answer isn't kept, and its key always the same. */
static void others_go_on(const char *what)
{
	cgi_refresh(&a, witness, "witness");
	if (!is("200"))
		failed(what, "the witness was told %s", verdict());
}

/* Each returns false once the piece was beyond the last. */
static bool try_request(const struct request *r, const char *hook)
{
	char what[128];
	cgi_shim = hook;
	send_request(r);
	snprintf(what, sizeof what, "%s %s", r->name, hook);
	bool reached = was_refused() || a.exit, denied = strstr(a.text, "nothing was changed") != NULL;
	if (!is(r->usual) && !is("503 store_unavailable"))
		failed(what, "answered %s", verdict());
	if (a.exit && a.exit != 111)
		failed(what, "it ended with %d", a.exit);
	cgi_shim = "";
	if (!reached)
		return false;
	send_request(r);
	if (!is(r->usual) && !is(r->again))
		failed(what, "the same again was answered %s", verdict());
	if (denied && !is(r->usual))
		failed(what, "it said that nothing was changed, but now it says %s", verdict());
	others_go_on(what);
	return true;
}

static bool try_verb(const struct verb *v, const char *hook)
{
	char what[128];
	cgi_shim = hook;
	run_verb(v);
	snprintf(what, sizeof what, "%s %s", v->name, hook);
	bool reached = was_refused() || a.exit > 111;
	bool told = strstr(a.log, "latchkey: ") || (a.exit == v->trouble && strstr(a.text, "fail     "));
	if (a.exit != 0 && !((a.exit == 111 || a.exit == v->trouble) && told))
		failed(what, "it ended with %d", a.exit);
	cgi_shim = "";
	if (!reached)
		return false;
	run_verb(v);
	if (a.exit != 0 && (v->again == 0 || a.exit != v->again))
		failed(what, "the same again ended with %d", a.exit);
	others_go_on(what);
	return true;
}

static const struct hook { const char *supply, *ever_after; } hooks[] = {
	{ "arena=", "" }, { "sqlite=", "" }, { "sqlite=", "+" }, { "libc=", "" }, { "libc=", "+" },
};

/* Through all pieces of one supply. */
static void exhaust(const struct request *r, const struct verb *v, const struct hook *h, int step, const char *broken)
{
	char hook[64];
	for (int i = 1; i < RUNS; i += step) {
		restore();
		snprintf(hook, sizeof hook, "%s%d%s %s", h->supply, i, h->ever_after, broken);
		if (!(r ? try_request(r, hook) : try_verb(v, hook)))
			return;
		points++;
	}
	failed(h->supply, "no end of it");
}

static void through(const char *name, const struct request *r, const struct verb *v, int step, const char *broken)
{
	points = failures = 0;
	for (size_t i = 0; i < sizeof hooks / sizeof *hooks; i++)
		exhaust(r, v, &hooks[i], step, broken);
	printf("%s\t%d\t%d\n", name, points, failures);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 100;
	cgi_program = argv[1];
	cgi_dir = argv[2];
	int step = atoi(argv[3]);
	const char *broken = argc > 4 ? argv[4] : "";
	run_verb(&(struct verb){ "", { "key", "list", "--json" }, "", 0, 0 });
	if (!cgi_member(a.text, "kid", kid, sizeof kid))
		die("key list");
	run_verb(&(struct verb){ "", { "key", "rotate" }, "", 0, 0 });   /* that of kid signs nobody's token */
	prepare();
	fill_in();
	keep_all();
	for (int i = 0; i < (broken[0] ? 2 : REQUESTS); i++)
		through(requests[i].name, &requests[i], NULL, step, broken);
	for (int i = 0; i < VERBS && !broken[0]; i++)
		through(verbs[i].name, NULL, &verbs[i], step, broken);
	return 0;
}
