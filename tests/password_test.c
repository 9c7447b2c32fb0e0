/*
 * password_test: Argon2id against published and foreign vectors, the one
 * spelling of a stored password, what is refused, equal work, and the slots.
 */
#include "password.h"
#include "t.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

static const struct password_cost cheap = { 8, 1 };

/* ---- vectors ----------------------------------------------------------- */

/*
 * Argon2's own interface, by its source (argon2.h): libsodium's public one
 * has neither the secret nor the lanes that RFC 9106's vector wants.
 */
struct argon2_context {
	uint8_t *out; uint32_t outlen;
	uint8_t *pwd; uint32_t pwdlen;
	uint8_t *salt; uint32_t saltlen;
	uint8_t *secret; uint32_t secretlen;
	uint8_t *ad; uint32_t adlen;
	uint32_t t_cost, m_cost, lanes, threads, flags;
};
extern int argon2_ctx(struct argon2_context *context, int type);

static void rfc_9106(void)
{
	enum { ARGON2_ID = 2 };
	static const uint8_t want[32] = {
		0x0d, 0x64, 0x0d, 0xf5, 0x8d, 0x78, 0x76, 0x6c, 0x08, 0xc0, 0x37, 0xa3, 0x4a, 0x8b, 0x53, 0xc9,
		0xd0, 0x1e, 0xf0, 0x45, 0x2d, 0x75, 0xb6, 0x5e, 0xb5, 0x25, 0x20, 0xe9, 0x6b, 0x01, 0xe6, 0x59,
	};
	uint8_t tag[32], pwd[32], salt[16], secret[8], ad[12];
	memset(pwd, 1, sizeof pwd);
	memset(salt, 2, sizeof salt);
	memset(secret, 3, sizeof secret);
	memset(ad, 4, sizeof ad);
	struct argon2_context context = {
		.out = tag, .outlen = sizeof tag, .pwd = pwd, .pwdlen = sizeof pwd, .salt = salt, .saltlen = sizeof salt,
		.secret = secret, .secretlen = sizeof secret, .ad = ad, .adlen = sizeof ad,
		.t_cost = 3, .m_cost = 32, .lanes = 4, .threads = 4,
	};
	is_int(argon2_ctx(&context, ARGON2_ID), 0, "RFC 9106, 5.3 runs");
	is_mem(tag, sizeof tag, want, sizeof want, "RFC 9106, 5.3: Argon2id");
}

/* 1024 times 'x', by OpenSSL too. */
static const char longest[] = "$argon2id$v=19$m=8,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$oiA8DKNi+RbHhKOcwXRbQB0TfuwlTv2IYKp06RwJq+E";

static struct slice guarded(struct slice s)
{
	return (struct slice){ guard(s.p, s.n), s.n };
}

/* The vectors were made by OpenSSL's Argon2id, another implementation. */
static void checks(void)
{
	const struct { struct slice password, phc; struct password_cost cost; } vectors[] = {
		{ S("password"), S("$argon2id$v=19$m=64,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$nEkwIodzSOA0cZvOEQyZMB5dTRasrMaoKQAP8gRLGww"), { 64, 1 } },
		{ S("correct horse battery staple"),
		  S("$argon2id$v=19$m=1024,t=3,p=1$/////////////////////w$48I3E+Vyn2Q2QIticoUCCC+LJlRZRUyjOcK5QBXeMDo"), { 1024, 3 } },
		{ S("gr\303\274\303\237e\0nul"), S("$argon2id$v=19$m=7168,t=5,p=1$MDEyMzQ1Njc4OWFiY2RlZg$22bEe/wwS4M933a9D3KNlBtjfepzBoRNR7QwwGFi/rk"), { 7168, 5 } },
		{ S(""), S("$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$p9c4ucO/R2KPDN+PkWHKJ8BFh72sWSAvoB5iH9pNqCY"), { 19456, 2 } },
	}, *v = vectors;
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++, v++) {
		struct password_cost dearer = { v->cost.kib, v->cost.passes + 1 }, larger = { v->cost.kib + 1, v->cost.passes };
		struct slice stored = guarded(v->phc), password = guarded(v->password);
		is_int(password_check(stored, password, v->cost), PASSWORD_RIGHT, "vector %zu", i);
		is_int(password_check(stored, password, dearer), PASSWORD_RIGHT_REHASH, "vector %zu, more passes wanted", i);
		is_int(password_check(stored, password, larger), PASSWORD_RIGHT_REHASH, "vector %zu, more memory wanted", i);
		is_int(password_check(stored, S("another"), v->cost), PASSWORD_WRONG, "vector %zu, wrong password", i);
		is_int(password_check(stored, S("another"), dearer), PASSWORD_WRONG, "vector %zu, wrong password at another cost", i);
	}
	char text[LIMIT_PASSWORD_MAX];
	memset(text, 'x', sizeof text);
	is_int(password_check(slice_of(longest), (struct slice){ text, sizeof text }, cheap), PASSWORD_RIGHT, "1024 bytes");
	is_int(password_check(slice_of(longest), (struct slice){ text, sizeof text - 1 }, cheap), PASSWORD_WRONG, "1023 of them");
	is_int(password_check(SLICE_NONE, S("password"), cheap), PASSWORD_WRONG, "no such user");
}

#define SALT "MDEyMzQ1Njc4OWFiY2RlZg"
#define HASH "oiA8DKNi+RbHhKOcwXRbQB0TfuwlTv2IYKp06RwJq+E"

/* Made by the reference implementation (Debian's argon2, 20190702): several lanes, salts of 8 and of 47 bytes, and one lane with such a salt. */
static void others_argon2id(void)
{
	static const struct { const char *password, *phc; struct password_cost cost; } vectors[] = {
		{ "password", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc", { 256, 2 } },
		{ "correct horse", "$argon2id$v=19$m=1024,t=3,p=4$YSBzYWx0IG9mIG1hbnkgbW9yZSBieXRlcyB0aGFuIDE2LCBhcyBzb21lIGhhdmU"
			"$9WfIPPbxGp4ulRKyahpVUUVlUkHhr7ODlaZ+1ropqA8", { 1024, 3 } },
		{ "correct horse", "$argon2id$v=19$m=2048,t=1,p=255$MDEyMzQ1Njc4OWFiY2RlZg$hF0zJHcZPyLCPzcD6V20u15ku/GJomBmo+epTSjNEtw",
			{ 2048, 1 } },
		{ "password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", { 256, 2 } },
	};
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		struct slice stored = guarded(slice_of(vectors[i].phc));
		ok(password_storable(stored), "another program's %zu can be stored", i);
		is_int(password_check(stored, slice_of(vectors[i].password), vectors[i].cost), PASSWORD_RIGHT_REHASH, "right, to be stored anew");
		is_int(password_check(stored, S("correct horsf"), vectors[i].cost), PASSWORD_WRONG, "wrong");
	}
	ok(password_storable(S("$argon2id$v=19$m=1048576,t=4,p=1$" SALT "$" HASH)), "4 GiB times passes can be waited for");
	ok(!password_storable(S("$argon2id$v=19$m=1048576,t=5,p=1$" SALT "$" HASH)), "more can't");
}

static void hashes(void)
{
	struct slice a = password_hash(S("open sesame"), cheap), b = password_hash(S("open sesame"), cheap);
	ok(slice_starts(a, S("$argon2id$v=19$m=8,t=1,p=1$")), "a PHC string: %.*s", (int)a.n, a.p);
	is_int(a.n, strlen(longest), "of fixed length");
	ok(!slice_is(a, b), "two hashes of one password differ");
	is_int(password_check(a, S("open sesame"), cheap), PASSWORD_RIGHT, "it opens");
	is_int(password_check(b, S("open sesame"), cheap), PASSWORD_RIGHT, "so does the other");
	is_int(password_check(a, S("open sesamf"), cheap), PASSWORD_WRONG, "another doesn't");
	uint8_t salt[PASSWORD_SALT] = "0123456789abcdf";
	struct slice salted = password_hash_salted(S("open sesame"), cheap, salt);
	ok(slice_is(salted, password_hash_salted(S("open sesame"), cheap, salt)), "with the caller's salt the same each time");
	ok(password_has_salt(salted, salt) && !password_has_salt(a, salt) && !password_has_salt(S(""), salt), "which shows");
	is_int(password_check(salted, S("open sesame"), cheap), PASSWORD_RIGHT, "and is right");
	ok(!password_has_salt(S("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"), salt), "a shorter one is another");
	salt[15] ^= 1;
	ok(!password_has_salt(salted, salt), "another doesn't");
	struct slice large = password_hash(S("open sesame"), (struct password_cost){ 256, 10 });
	ok(slice_starts(large, S("$argon2id$v=19$m=256,t=10,p=1$")), "numbers of two digits");
	is_int(password_check(large, S("open sesame"), (struct password_cost){ 256, 10 }), PASSWORD_RIGHT, "open too");
}

static void hash_with_too_little(void *unused)
{
	(void)unused;
	password_hash(S("x"), (struct password_cost){ 1, 1 });
}

/* ---- strictness -------------------------------------------------------- */

static void check_stored(void *stored)
{
	const struct slice *s = stored;
	exit(password_check(guarded(*s), S("password"), cheap) == PASSWORD_WRONG ? 0 : 1);
}

/* What can't be read opens to nobody, after the work that any other takes; it is no reason to answer otherwise. */
static bool refused(struct slice stored)
{
	return dies(check_stored, &stored) == 0 && strstr(t_err, "latchkey: PW2:");
}

/* ---- a hash that needs more memory than is configured -------------------- */

#ifndef ARENA_MALLOC   /* a sanitizer's shadow memory is terabytes */
struct memory { int64_t soft, hard; };          /* KiB; hard 0: no limit */

static void check_large(void *memory)
{
	const struct memory *m = memory;
	struct password_cost large = { 64 << 10, 1 };
	struct slice stored = password_hash(S("correct horse"), large);
	const struct rlimit data = { (rlim_t)m->soft << 10, m->hard ? (rlim_t)m->hard << 10 : RLIM_INFINITY };
	setrlimit(RLIMIT_DATA, &data);
	enum password_verdict right = password_check(stored, S("correct horse"), cheap);
	exit(10 * (int)right + (int)password_check(stored, S("correct horsf"), cheap));
}

static void larger_than_configured(void)
{
	if (is_variant("cross"))
		return;
	const struct memory enough = { 12 << 10, 0 }, never = { 12 << 10, 12 << 10 }, unlimited = { 1 << 30, 0 };
	is_int(dies(check_large, (void *)(uintptr_t)&unlimited), 10 * PASSWORD_RIGHT_REHASH, "a hash of 64 MiB, without limits");
	is_int(dies(check_large, (void *)(uintptr_t)&enough), 10 * PASSWORD_RIGHT_REHASH, "it is allowed what it needs");
	is_str(t_err, "", "without a word");
	is_int(dies(check_large, (void *)(uintptr_t)&never), PASSWORD_WRONG, "where that can't be had both are wrong");
	ok(strstr(t_err, "latchkey: PW4: a stored password needs 65536 KiB of memory"), "and the log says why: %s", t_err);
}
#else
static void larger_than_configured(void) { }
#endif

static void other_spellings(void)
{
	static const char *const bad[] = {
		"x", "$", "$$$$$$", "password", "*", "!",
		"argon2id$v=19$m=8,t=1,p=1$" SALT "$" HASH,
		"$argon2i$v=19$m=8,t=1,p=1$" SALT "$" HASH,
		"$argon2d$v=19$m=8,t=1,p=1$" SALT "$" HASH,
		"$Argon2id$v=19$m=8,t=1,p=1$" SALT "$" HASH,
		"$argon2id$v=16$m=8,t=1,p=1$" SALT "$" HASH,
		"$argon2id$v=0x13$m=8,t=1,p=1$" SALT "$" HASH,
		"$argon2id$m=8,t=1,p=1$" SALT "$" HASH,
		"$argon2id$v=19$m=7,t=1,p=1$" SALT "$" HASH,
		"$argon2id$v=19$m=08,t=1,p=1$" SALT "$" HASH,
		"$argon2id$v=19$m=+8,t=1,p=1$" SALT "$" HASH,
		"$argon2id$v=19$m=,t=1,p=1$" SALT "$" HASH,
		"$argon2id$v=19$m=8 ,t=1,p=1$" SALT "$" HASH,
		"$argon2id$v=19$m=1048577,t=1,p=1$" SALT "$" HASH,
		"$argon2id$v=19$m=18446744073709551624,t=1,p=1$" SALT "$" HASH,
		"$argon2id$v=19$m=8,t=0,p=1$" SALT "$" HASH,
		"$argon2id$v=19$m=8,t=1001,p=1$" SALT "$" HASH,
		"$argon2id$v=19$m=8,t=1,p=2$" SALT "$" HASH,
		"$argon2id$v=19$m=8,t=1,p=$" SALT "$" HASH,
		"$argon2id$v=19$m=8,t=1$" SALT "$" HASH,
		"$argon2id$v=19$m=8,t=1,p=1,data=x$" SALT "$" HASH,
		"$argon2id$v=19$t=1,m=8,p=1$" SALT "$" HASH,
		"$argon2id$v=19$n=8,t=1,p=1$" SALT "$" HASH,
		"$argon2id$v=19$m=8,u=1,p=1$" SALT "$" HASH,
		"$argon2id$v=19$m=8,t=1,p=1$$" HASH,
		"$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbA$" HASH,
		"$argon2id$v=19$m=31,t=1,p=4$" SALT "$" HASH,
		"$argon2id$v=19$m=8192,t=1,p=256$" SALT "$" HASH,
		"$argon2id$v=19$m=8,t=1,p=0$" SALT "$" HASH,
		"$argon2id$v=19$m=8,t=1,p=1,$" SALT "$" HASH,
		"$argon2id$v=19$m=8,t=1,p=1$" SALT SALT SALT SALT "$" HASH,
		"$argon2id$v=19$m=8,t=1,p=1$" SALT "==$" HASH,
		"$argon2id$v=19$m=8,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZh$" HASH,   /* unused bits set */
		"$argon2id$v=19$m=8,t=1,p=1$" SALT "$oiA8DKNi+RbHhKOcwXRbQB0TfuwlTv2IYKp06RwJq+F",
		"$argon2id$v=19$m=8,t=1,p=1$" SALT "$oiA8DKNi-RbHhKOcwXRbQB0TfuwlTv2IYKp06RwJq-E",
		"$argon2id$v=19$m=8,t=1,p=1$" SALT "$" HASH "=",
		"$argon2id$v=19$m=8,t=1,p=1$" SALT "$" HASH "\n",
		"$argon2id$v=19$m=8,t=1,p=1$" SALT "$" HASH "$",
		"$argon2id$v=19$m=8,t=1,p=1$" SALT,
		" $argon2id$v=19$m=8,t=1,p=1$" SALT "$" HASH,
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(refused(slice_of(bad[i])), "not a stored password: %s", bad[i]);
}

static void every_cut(void)
{
	unsigned taken = 0;
	for (size_t n = 1; n < sizeof longest - 1; n++)
		taken += !refused((struct slice){ longest, n });
	is_int(taken, 0, "no truncation is a stored password");
}

static void every_foreign_byte(void)
{
	static const char bytes[] = { '\0', '!', '=', '\n', '\200' };
	unsigned taken = 0;
	for (size_t i = 0; i < sizeof longest - 1; i++) {
		char text[sizeof longest];
		memcpy(text, longest, sizeof text);
		text[i] = bytes[i % sizeof bytes];
		taken += text[i] != longest[i] && !refused((struct slice){ text, sizeof text - 1 });
	}
	is_int(taken, 0, "no foreign byte anywhere in it");
}

/* Of the 256 bits of the hash each one counts. */
static void every_bit(void)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const size_t first = sizeof longest - sizeof HASH;
	char password[LIMIT_PASSWORD_MAX], text[sizeof longest];
	memset(password, 'x', sizeof password);
	unsigned opened = 0;
	for (size_t bit = 0; bit < 256; bit++) {
		memcpy(text, longest, sizeof text);
		char *at = text + first + bit / 6;
		*at = digits[(strchr(digits, *at) - digits) ^ 32 >> bit % 6];
		opened += password_check((struct slice){ text, sizeof text - 1 }, (struct slice){ password, sizeof password }, cheap) != PASSWORD_WRONG;
	}
	is_int(opened, 0, "no hash that differs in a bit is taken");
}

/* ---- equal work -------------------------------------------------------- */

static int64_t nanoseconds(struct slice stored, struct password_cost cost)
{
	struct timespec from, to;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	password_check(stored, S("wrong password"), cost);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	return (int64_t)(to.tv_sec - from.tv_sec) * 1000000000 + to.tv_nsec - from.tv_nsec;
}

/* The quickest of many, by turns: what else runs on the host only makes slower. On a busy one it takes more of them until
 * each has had an undisturbed turn; work that isn't equal doesn't become so by that. */
static void equal_work(void)
{
	enum { ENOUGH = 25, MOST = 2000 };
	struct password_cost cost = { 2048, 2 };
	struct slice stored = password_hash(S("some password"), cost);
	struct slice foreign = S("$5$rounds=1000$saltsalt$0123456789012345678901234567890123456789012");
	int64_t known = INT64_MAX, unknown = INT64_MAX, imported = INT64_MAX;
	bool equal = false, no_quicker = false;
	for (int i = 0; i < ENOUGH || (i < MOST && !(equal && no_quicker)); i++) {
		int64_t a = nanoseconds(stored, cost), b = nanoseconds(SLICE_NONE, cost), c = nanoseconds(foreign, cost);
		known = a < known ? a : known;
		unknown = b < unknown ? b : unknown;
		imported = c < imported ? c : imported;
		equal = unknown > known * 3 / 4 && unknown < known * 4 / 3;
		no_quicker = imported > unknown * 3 / 4;
	}
	ok(equal, "unknown user %" PRId64 " ns, wrong password %" PRId64 " ns", unknown, known);
	ok(no_quicker, "another program's quick hash isn't refused more quickly: %" PRId64 " ns", imported);
}

/* ---- what may be a password -------------------------------------------- */

static void acceptable(void)
{
	char text[LIMIT_PASSWORD_MAX + 1];
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)('!' + i * 7 % 90);
	const struct { size_t n; bool want; } lengths[] = { { 0, false }, { 7, false }, { 8, true }, { 1024, true }, { 1025, false } };
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
		is_int(password_acceptable(guarded((struct slice){ text, lengths[i].n }), S("alice@example.test")), lengths[i].want, "%zu bytes", lengths[i].n);
	static const char *const common[] = {
		"00000000", "12345678", "123456789", "1234567890", "11111111", "87654321", "password", "PASSWORD", "PassWord1",
		"password123", "P@ssw0rd", "passw0rd", "qwertyuiop", "Qwerty123", "1q2w3e4r", "1qaz2wsx", "iloveyou", "sunshine",
		"princess", "football", "baseball", "superman", "trustno1", "letmein1", "welcome1", "Welcome123", "admin123",
		"abcd1234", "changeme", "starwars", "whatever", "zaq12wsx", "zzzzzzzz", "passwort", "asdfghjkl",
	};
	for (size_t i = 0; i < sizeof common / sizeof *common; i++)
		ok(!password_acceptable(guarded(slice_of(common[i])), S("alice@example.test")), "too common: %s", common[i]);
	static const char *const good[] = { "latchkey", "password 12345678", "12345678 ", "zzzzzzzzz", "passwor d" };
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		ok(password_acceptable(guarded(slice_of(good[i])), S("alice@example.test")), "not on the list: %s", good[i]);
	ok(password_acceptable(S("\303\244\303\266\303\274\303\237"), S("alice@example.test")), "four letters of two bytes each");
	static const struct { const char *password, *name; bool good; } named[] = {
		{ "alice@example.test", "alice@example.test", false }, { "Alice@Example.TEST", "alice@example.test", false },
		{ "alice@example.test1", "alice@example.test", true }, { "alice@example.test", "alice", true },
		{ "        ", "alice", false }, { "                                ", "alice", false }, { "       .", "alice", true },
	};
	for (size_t i = 0; i < sizeof named / sizeof *named; i++)
		is_int(password_acceptable(guarded(slice_of(named[i].password)), slice_of(named[i].name)), named[i].good, "\"%s\" of %s",
			named[i].password, named[i].name);
	for (int c = 0; c < 256; c++) {
		char around[] = "battery staple";
		around[c % 14] = (char)c;
		is_int(password_acceptable((struct slice){ around, 14 }, S("alice@example.test")), c >= ' ' && c != 0x7f, "byte %02x", (unsigned)c);
	}
}

static void costs(void)
{
	struct password_cost small = password_cost_for((INT64_C(256) << 20) - 1), large = password_cost_for(INT64_C(256) << 20);
	ok(small.kib == 7168 && small.passes == 5, "7 MiB, 5 passes below 256 MiB of RAM");
	ok(large.kib == 19456 && large.passes == 2, "19 MiB, 2 passes from there on");
	int64_t enough = INT64_C(56) << 20;
	is_int(password_jobs_for(enough - 1, 7168), 1, "one at once where two would take over a quarter of the RAM");
	is_int(password_jobs_for(enough, 7168), 2, "else two");
	is_int(password_jobs_for(INT64_C(256) << 20, 19456), 2, "two of 19 MiB from 256 MiB on");
	is_int(password_jobs_here(7, 19456), 7, "as many as are configured");
	is_int(password_jobs_here(0, 8), 2, "0: by this host's RAM");
	is_int(password_jobs_here(0, 1 << 30), 1, "and one of a terabyte");
	ok(password_ram() > 16 << 20, "this host has %" PRId64 " bytes of RAM", password_ram());
}

/* ---- slots ------------------------------------------------------------- */

/* A process that holds a slot and says so; ends when `done` closes, or after `ms`. */
static pid_t holder(const char *dir, int64_t jobs, int ms)
{
	int ready[2];
	char byte;
	if (pipe(ready) != 0)
		exit(2);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		bool got = password_slot(dir, jobs, 0);
		byte = got ? 'y' : 'n';
		if (write(ready[1], &byte, 1) != 1)
			_exit(2);
		for (; ms < 0 || ms > 0; ms -= ms > 0 ? 10 : 0)
			nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
		_exit(0);
	}
	close(ready[1]);
	bool got = read(ready[0], &byte, 1) == 1 && byte == 'y';
	close(ready[0]);
	if (!got)
		diag("the holder got no slot");
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void slots(const char *dir)
{
	struct stat st;
	char path[PATH_MAX];
	ok(password_slot(dir, 2, 0), "a slot of two");
	snprintf(path, sizeof path, "%s/password.lock", dir);
	ok(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600 && st.st_size == 0, "its file is empty and ours alone");
	password_slot_leave();
	password_slot_leave();
	ok(true, "it can be left twice");

	pid_t one = holder(dir, 2, -1);
	ok(password_slot(dir, 2, 0), "with one of two held there is another");
	password_slot_leave();
	pid_t two = holder(dir, 2, -1);
	ok(!password_slot(dir, 2, 0), "with both held there is none");
	int64_t from = now_boot();
	ok(!password_slot(dir, 2, 2), "and none comes");
	int64_t waited = now_boot() - from;
	ok(waited >= 1 && waited < 60, "in the 2 seconds that were given: %" PRId64, waited);
	ok(password_slot(dir, 3, 0), "a third of three");
	password_slot_leave();
	stop(one);
	ok(password_slot(dir, 2, 0), "a killed process has given its slot back");
	password_slot_leave();
	stop(two);

	pid_t brief = holder(dir, 1, 200);
	ok(password_slot(dir, 1, 10), "what is given back while one waits is had");
	password_slot_leave();
	stop(brief);
	unlink(path);
}

static void slot_in(void *dir)
{
	password_slot(dir, 1, 0);
}

static void no_slots(const char *dir)
{
	char path[PATH_MAX], missing[PATH_MAX];
	snprintf(missing, sizeof missing, "%s/missing", dir);
	is_int(dies(slot_in, missing), 111, "without a directory it fails");
	ok(strstr(t_err, "latchkey: PW3: "), "and says so: %s", t_err);
	snprintf(path, sizeof path, "%s/password.lock", dir);
	ok(symlink("/dev/null", path) == 0, "a symbolic link stands there");
	is_int(dies(slot_in, (char *)(uintptr_t)dir), 111, "it isn't followed");
	unlink(path);
}

/* ---- hashes of other programs ------------------------------------------ */

static void foreign(void)
{
	static const char bcrypt[] = "$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2";
	is_int(password_check(S(bcrypt), S("correct horse"), cheap), PASSWORD_RIGHT_REHASH, "bcrypt: right, and to be stored anew");
	is_int(password_check(S(bcrypt), S("correct horsf"), cheap), PASSWORD_WRONG, "bcrypt: wrong");
	ok(password_storable(S(bcrypt)), "bcrypt can be stored");
	ok(password_storable(password_hash(S("correct horse"), cheap)), "so can what is written here");
	ok(!password_storable(S("$y$j9T$abc$def")) && !password_storable(SLICE_NONE), "and nothing else");
	is_str(password_kind(S(bcrypt)), "bcrypt", "its name");
	is_str(password_kind(S("$y$j9T$abc$def")), "yescrypt", "another's");
	is_str(password_kind(S("$apr1$a$b")), "Apache's MD5", "htpasswd's older one");
	is_str(password_kind(S("$argon2i$v=19$")), "Argon2i or Argon2d", "an Argon2 that isn't ours");
	ok(password_kind(S("correct horse")) == NULL && password_kind(S("$2z$")) == NULL, "no hash has no name");
}

int main(void)
{
	char dir[] = "/tmp/lk-password.XXXXXX";
	if (!mkdtemp(dir))
		return 2;
	rfc_9106();
	checks();
	others_argon2id();
	hashes();
	is_int(dies(hash_with_too_little, NULL), 111, "a hash that can't be made is our failure");
	ok(strstr(t_err, "latchkey: PW1: no Argon2id with 1 KiB: "), "and says so: %s", t_err);
	larger_than_configured();
	other_spellings();
	every_cut();
	every_foreign_byte();
	every_bit();
	equal_work();
	acceptable();
	costs();
	slots(dir);
	no_slots(dir);
	rmdir(dir);
	foreign();
	return done_testing();
}
