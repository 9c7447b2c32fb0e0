/*
 * damage PROGRAM DIR COUNT SEED: files that something else has changed. DIR has the users demo and witness. Each of
 * COUNT times one file of DIR is damaged: bits turned over, cut short, a stretch of it zeros or junk, emptied, gone. Then
 * all kinds of requests are made. What must hold:
 *
 *   whatever      each is answered in time and in the contract's form, by what it may be answered: the usual, 503 or 500,
 *                 and 401 of the contract where bytes of the database itself have changed, which say something else then
 *   the log       holds what the database hasn't got yet: without it who is signed in stays so, since his token is the
 *                 newer truth; never 401
 *   key, conf     never 401 (a key bears its hash as its name), and nothing is signed that won't be good when the file is
 *   no store      an access token is verified all the same
 *   afterwards    with the files as they were, every session goes on
 *
 * Prints NAME VALUE lines: points, failures, and of the database's damages those that somebody was refused by.
 */
#include "kept.h"

enum { REFRESHES = 70, LATER = 5, SHOWN = 12, KINDS = 6 };

static struct answer a;
static char token[2][CGI_TOKEN], access_token[CGI_TOKEN], what[256];
static uint64_t seed;
static long points, failures, shown, refused;

static unsigned rnd(unsigned below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % below;
}

static void failed(const char *why)
{
	failures++;
	if (shown++ < SHOWN)
		printf("# %s: %s: exit %d, %d %s, %.200s\n", what, why, a.exit, a.status, a.code, a.log);
}

/* ---- who is signed in -------------------------------------------------- */

static void take(const char *name, char *into)
{
	if (a.status != 200 || !cgi_member(a.text, name, into, CGI_TOKEN)) {
		printf("# no %s: %s%s\n", name, a.text, a.log);
		exit(111);
	}
}

static void refresh(int who, const char *key)
{
	cgi_refresh(&a, token[who], key);
}

/* Both sign-ins are in the database, by a checkpoint; some rotations are in the log alone. */
static void prepare(void)
{
	static const char *const names[2] = { "demo", "witness" };
	char key[32];
	for (int i = 0; i < 2; i++) {
		cgi_ask(&a, "POST", "/login", NULL, "{\"username\":\"%s\",\"password\":\"correct horse\"}", names[i]);
		take("refresh_token", token[i]);
	}
	for (int i = 0; i < REFRESHES + LATER; i++) {
		snprintf(key, sizeof key, "turn-%d", i);
		refresh(i % 2, key);
		take("refresh_token", token[i % 2]);
		take("access_token", access_token);
	}
}

/* ---- damage ------------------------------------------------------------ */

static struct kept *kept_named(const char *name)
{
	for (int i = 0; i < files; i++)
		if (strcmp(strrchr(kept[i].path, '/') + 1, name) == 0)
			return &kept[i];
	die(name);
	return NULL;
}

static void write_file(const char *path, const char *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n)
		die(path);
	close(fd);
}

static void damage(const struct kept *k)
{
	static char bytes[1 << 20];
	unsigned n = (unsigned)k->n, at = rnd(n), kind = rnd(KINDS), stretch = 1 + rnd(512);
	memcpy(bytes, k->bytes, n);
	if (stretch > n - at)
		stretch = n - at;
	snprintf(what, sizeof what, "%s, kind %u at %u", strrchr(k->path, '/') + 1, kind, at);
	switch (kind) {
	case 0:
	case 1:
		for (unsigned i = 0, bits = kind ? 1 + rnd(8) : 1; i < bits; i++, at = rnd(n))
			bytes[at] = (char)(bytes[at] ^ 1 << rnd(8));
		break;
	case 2:
		n = at;
		break;
	case 3:
		memset(bytes + at, 0, stretch);
		break;
	case 4:
		for (unsigned i = 0; i < stretch; i++)
			bytes[at + i] = (char)rnd(256);
		break;
	case 5:
		n = 0;
		break;
	}
	write_file(k->path, bytes, n);
	if (kind == 5 && rnd(2))
		unlink(k->path);
}

/* ---- what may be answered ---------------------------------------------- */

enum file { DATABASE, LOG, KEY, CONF };

static bool trouble(void)
{
	return (a.status == 503 || a.status == 500) && strstr(a.log, "latchkey: ");
}

/* In the contract's form, in time, by `usual` or trouble; by 401 where that may be so. */
static void judge(int usual, bool may_refuse)
{
	points++;
	if (a.hung || (a.exit != 0 && a.exit != 111))
		failed("it died or hung");
	else if (a.status == 401 && may_refuse)
		refused++;
	else if (a.status != usual && !trouble())
		failed("it was answered so");
}

static void ask_all(enum file file)
{
	bool may = file == DATABASE;
	struct ask live = { .method = "GET", .path = "/verify", .query = "live=1", .access = access_token };
	cgi_ask(&a, "GET", "/verify", access_token, "%s", "");
	judge(204, false);
	if (file <= LOG && a.status != 204)
		failed("without a store it could be verified");
	cgi_call(&a, &live);
	judge(204, may);
	cgi_ask(&a, "GET", "/sessions", access_token, "%s", "");
	judge(200, may);
	cgi_ask(&a, "GET", "/audit", access_token, "%s", "");
	judge(200, may);
	for (int i = 0; i < 2; i++) {
		refresh(i, "damaged");
		judge(200, may);
	}
	cgi_ask(&a, "POST", "/login", NULL, "{\"username\":\"demo\",\"password\":\"correct horse\"}");
	judge(200, may);
	cgi_ask(&a, "POST", "/logout", NULL, "{\"refresh_token\":\"%s\"}", token[0]);
	judge(204, may);
}

/* What was signed while a key or the configuration was damaged is good now; so are all sessions. */
static void mend(enum file file)
{
	char given[CGI_TOKEN] = "";
	if (file >= KEY) {
		cgi_ask(&a, "POST", "/login", NULL, "{\"username\":\"witness\",\"password\":\"correct horse\"}");
		if (a.status == 200)
			take("access_token", given);
		for (int i = 0; i < files; i++)
			if (strstr(kept[i].path, "latchkey.key") || strstr(kept[i].path, "latchkey.conf"))
				write_file(kept[i].path, kept[i].bytes, kept[i].n);
		cgi_ask(&a, "GET", "/me", given, "%s", "");
		if (given[0] && a.status != 200)
			failed("what was signed then isn't good now");
	}
	restore();
	for (int i = 0; i < 2; i++) {
		refresh(i, "after");
		if (a.status != 200)
			failed("with the files as they were a session has ended");
	}
	restore();
}

int main(int argc, char **argv)
{
	static const char *const names[] = { [DATABASE] = "latchkey.db", [LOG] = "latchkey.db-wal", [KEY] = "latchkey.key", [CONF] = "latchkey.conf" };
	static const enum file turns[] = { DATABASE, LOG, DATABASE, LOG, KEY, DATABASE, LOG, CONF };
	const char *shim = getenv("DAMAGE_SHIM");
	if (argc != 5)
		return 100;
	cgi_program = argv[1];
	cgi_dir = argv[2];
	seed = strtoull(argv[4], NULL, 10);
	prepare();
	keep_all();
	cgi_shim = shim ? shim : "";
	for (long i = 0, count = atol(argv[3]); i < count; i++) {
		enum file file = turns[(size_t)i % (sizeof turns / sizeof *turns)];
		damage(kept_named(names[file]));
		ask_all(file);
		mend(file);
	}
	printf("points %ld\nrefused %ld\nfailures %ld\n", points, refused, failures);
	return 0;
}
