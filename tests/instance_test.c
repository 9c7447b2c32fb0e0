/*
 * instance_test: what a process of one request and a worker share: which files are read and refused, where the log
 * goes, how wide the sandbox is, and whose an answer is. harden's and the log's doors are hooks here (--wrap), which
 * note what they were asked for.
 */
#include "base/file.h"
#include "instance.h"
#include "harden.h"
#include "jwt.h"
#include "dir.h"
#include "t.h"

#include <fcntl.h>
#include <sys/stat.h>

static struct instance one;
static char dir[64];

/* ---- hooks ------------------------------------------------------------- */

static int64_t limit_kib;
static bool limit_stays;
static const char *confined, *held_table, *held_slots;
static int confined_directory;
static int to_syslog;

void __wrap_harden_limits(int64_t memory_kib, bool stays);
bool __wrap_harden(const char *data, int directory, const uint16_t *ports, size_t count);
void __wrap_throttle_hold(const char *in);
void __wrap_password_hold(const char *in);
void __wrap_log_to_syslog(void);

void __wrap_harden_limits(int64_t memory_kib, bool stays)
{
	limit_kib = memory_kib;
	limit_stays = stays;
}

void __wrap_throttle_hold(const char *in) { held_table = in; }
void __wrap_password_hold(const char *in) { held_slots = in; }

bool __wrap_harden(const char *data, int directory, const uint16_t *ports, size_t count)
{
	(void)ports, (void)count;
	confined_directory = directory;
	confined = data;
	return false;
}

void __wrap_log_to_syslog(void)
{
	to_syslog++;
}

/* ---- files ------------------------------------------------------------- */

static void put(const char *name, const char *text)
{
	char path[96];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || !write_all(fd, slice_of(text))) {
		printf("Bail out! %s\n", path);
		exit(2);
	}
	close(fd);
}

static void put_key(bool named)
{
	struct keyring ring = { .count = 1, .key[0] = { .kid = "0badcafe", .created_at = 1700000000 } };
	memset(ring.key[0].master, 7, KEY_SIZE);
	if (named)
		jwt_name_key(&ring.key[0]);
	keyring_write(dir, &ring);
}

static const char *read_with(const char *conf, struct slice script)
{
	put("latchkey.conf", conf);
	one = (struct instance){ .script = script };
	return instance_read(&one, dir);
}

static void test_read(void)
{
	const char *wrong = read_with("", SLICE_NONE);
	ok(wrong && strstr(wrong, "latchkey.key"), "without keys there is none: %s", wrong);
	put_key(false);
	wrong = read_with("", SLICE_NONE);
	ok(wrong && strstr(wrong, "isn't that key"), "nor with a key under another's name: %s", wrong);
	put_key(true);
	ok(read_with("signup = on\n", SLICE_NONE) == NULL, "with both it is read");
	ok(one.config.signup && one.ring.count == 1 && strcmp(one.config.dir, dir) == 0, "all of it");
	wrong = read_with("nonsense = 1\n", SLICE_NONE);
	ok(wrong && strstr(wrong, "nonsense"), "not with an option that there is not: %s", wrong);
	ok(read_with("signup = on\n", S("#!latchkey\nsignup = off\ndir = /elsewhere\n")) == NULL && !one.config.signup,
		"a script's lines go over those of the file");
	wrong = read_with("", S("#!latchkey\nnonsense = 1\ndir = /elsewhere\n"));
	ok(wrong && strstr(wrong, "nonsense"), "if they can be read: %s", wrong);
}

static void test_log(void)
{
	static const struct { const char *conf; int syslog; } cases[] = {
		{ "audit = table\n", 0 }, { "audit = off\n", 0 }, { "audit = syslog\n", 1 }, { "audit = both\n", 1 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		to_syslog = 0;
		read_with(cases[i].conf, SLICE_NONE);
		instance_log(&one);
		is_int(to_syslog, cases[i].syslog, "%.*s: the log's place", (int)strcspn(cases[i].conf, "\n"), cases[i].conf);
	}
}

static void test_confine(void)
{
	size_t mark = arena_mark();
	char conf[128];
	snprintf(conf, sizeof conf, "throttle_dir = %s\n", dir);
	read_with(conf, SLICE_NONE);
	instance_confine(&one, 7, false);
	is_int(confined_directory, 7, "the directory as it was opened");
	ok(limit_kib == 19 * 1024 && !limit_stays, "one request: the memory of a password as it is chosen");
	is_str(confined, dir, "nothing but its directory");
	ok(held_table == NULL && held_slots == NULL, "the throttle's files lie in it");
	snprintf(conf, sizeof conf, "throttle_dir = %s/..\n", dir);
	read_with(conf, SLICE_NONE);
	instance_confine(&one, 7, true);
	ok(held_table == NULL && held_slots == NULL, "who stays looks at no password");
	instance_confine(&one, 7, false);
	ok(held_table && held_slots && strcmp(held_table, held_slots) == 0 && strstr(held_table, "/.."), "elsewhere they are opened before");
	read_with("password_memory = 8m\n", SLICE_NONE);
	instance_confine(&one, 7, false);
	is_int(limit_kib, 8 * 1024, "or as it is said");
	instance_confine(&one, 8, true);
	ok(limit_kib == 64 * 1024 && limit_stays, "many: the memory of their connections");
	arena_back(mark);
}

/* ---- answers ----------------------------------------------------------- */

static const char *answer(const char *path, bool below, bool with_site, enum error e)
{
	static char text[64];
	const struct request rq = { .wire.face = FACE_HTTP, .method = METHOD_GET, .path = slice_of(path), .below = below };
	struct reply rp = { 0 };
	one.with_site = with_site;
	instance_answer(&one, &rq, e, &rp);
	bool kept = strstr(slice_text(buf_slice(&rp.head)), "no-store") != NULL;
	snprintf(text, sizeof text, "%d %s %s", rp.status, rp.type, kept ? "not kept" : "kept");
	return text;
}

static void test_answer(void)
{
	read_with("", SLICE_NONE);
	is_str(answer("/verify", true, false, ERROR_NONE), "401 application/json not kept", "below the mount auth answers");
	is_str(answer("/verify", true, true, ERROR_NONE), "401 application/json not kept", "whether there is a page or not");
	is_str(answer("/verify", false, false, ERROR_NONE), "404 application/json not kept", "beside it there is nothing");
	is_str(answer("/.well-known/oauth-authorization-server", false, false, ERROR_NONE), "404 application/json not kept", "while no client is named nor is what the host tells of OAuth");
	is_str(answer("/token", true, false, ERROR_NONE), "404 application/json not kept", "nor OAuth's calls below the mount");
	one.demo = true;
	is_str(answer("/", false, true, ERROR_NONE), "200 text/html; charset=utf-8 kept", "but for the demo, which may be kept");
	one.demo = false;
	is_str(answer("/", false, true, ERROR_NONE), "303 (null) kept", "or the way to the account");
	is_str(answer("/demo.js", false, true, ERROR_NONE), "404 text/plain not kept", "where there is no demo");
	is_str(answer("/", false, true, ERROR_BODY_TOO_LARGE), "413 application/json not kept", "what is refused is nobody's");
	is_str(answer("/verify", true, true, ERROR_BUSY), "503 application/json not kept", "wherever it was sent");
	read_with("base_path = /auth\ntrusted_proxies = 10.0.0.1\n", SLICE_NONE);
	const struct http_rules rules = instance_rules(&one);
	ok(slice_is(rules.base_path, S("/auth")) && rules.trusted_proxies.count == 1, "the faces are told what they need");
}

static void test_slow(void)
{
	struct request rq = { .method = METHOD_POST, .below = true, .mount = S("/auth"), .path = S("/login") };
	struct instance which = { .config.access_alg = ACCESS_HS256 };
	ok(instance_is_slow(&which, &rq), "a sign-in is slow");
	rq.path = S("/refresh");
	ok(!instance_is_slow(&which, &rq), "a refresh isn't");
	which.config.access_alg = ACCESS_ES256;
	ok(instance_is_slow(&which, &rq), "but where access tokens are signed by ES256");
	rq.path = S("/verify");
	ok(!instance_is_slow(&which, &rq), "to verify which isn't");
	rq.below = false;
	ok(!instance_is_slow(&which, &rq), "what no dialect has isn't");
}

/* The session that a request asks for is read off its bytes before anybody parses them. */
static void test_names(void)
{
	read_with("", SLICE_NONE);
	const struct refresh_claims claims = { .iss = S("latchkey"), .sid = 0x1122334455667788, .ctr = 3, .iat = 1700000000, .exp = 1800000000 };
	const char *token = slice_text(jwt_seal_refresh(&one.ring.key[0], &claims));
	const struct { const char *before, *token, *after, *what; uint64_t sid; } cases[] = {
		{ "POST /refresh HTTP/1.1\r\n\r\n{\"refresh_token\":\"", token, "\"}", "in a body", claims.sid },
		{ "GET / HTTP/1.1\r\nCookie: a=eyJ.eyJ; b=", token, "\r\n\r\n", "after another token", claims.sid },
		{ "", token, "", "alone", claims.sid },
		{ "eyJ eyJ eyJ eyJ ", token, "", "after four that are none, where nobody looks any more", 0 },
		{ "x", token, "x", "with letters after it, which are the token's", 0 },
		{ "GET / HTTP/1.1\r\n\r\n", "", "", "in a request without one", 0 },
		{ "", "", "", "in nothing", 0 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t mark = arena_mark();
		const char *bytes = text_join(cases[i].before, cases[i].token, cases[i].after, NULL);
		ok(instance_names(&one, slice_of(bytes)) == cases[i].sid, "a refresh token %s", cases[i].what);
		arena_back(mark);
	}
}

int main(void)
{
	if (!make_dir(&dir, "lk"))
		return 2;
	test_read();
	test_log();
	test_confine();
	test_answer();
	test_slow();
	test_names();
	for (size_t i = 0; i < 2; i++)
		unlink(path_in(dir, i ? "latchkey.conf" : "latchkey.key"));
	rmdir(dir);
	return done_testing();
}
