/*
 * config_test: latchkey.conf. Every text lies against a forbidden page, so that a byte read too far dies.
 */
#include "../config.h"

#include "base/file.h"
#include "script.h"
#include "t.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>

/* ---- helpers ----------------------------------------------------------- */

static struct config conf;

static const char *parse_bytes(const void *text, size_t n)
{
	return config_parse((struct slice){ guard(text, n), n }, &conf);
}

static const char *parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

/* `name = value` alone. */
static const char *parse_one(const char *name, const char *value)
{
	char line[8192];
	snprintf(line, sizeof line, "%s = %s", name, value);
	return parse(line);
}

static const char *value_of(const char *name)
{
	for (size_t i = 0; i < options_count; i++)
		if (strcmp(options[i].name, name) == 0)
			return slice_text(option_value(&conf, i));
	return "(no such option)";
}

static char *repeat(char c, size_t n)
{
	char *text = calloc(1, n + 1);
	memset(text, c, n);
	return text;
}

/* ---- the table --------------------------------------------------------- */

static void test_defaults(void)
{
	ok(config_parse(SLICE_NONE, &conf) == NULL, "an empty file is good");
	for (size_t i = 0; i < options_count; i++) {
		const struct option *o = &options[i];
		is_str(slice_text(option_value(&conf, i)), o->fallback, "%s has its default", o->name);
		ok(parse_one(o->name, o->fallback) == NULL, "%s: its default can be written", o->name);
		is_str(value_of(o->name), o->fallback, "%s: and is then shown", o->name);
		ok(strlen(o->meaning) > 0 && strlen(o->meaning) < 80, "%s has a meaning of one line", o->name);
	}
}

static void test_fields(void)
{
	ok(parse("access_ttl = 1m\nrefresh_ttl=2h\nsession_ttl=3d\nreuse_grace=4s\nissuer=i\naudience=a\nbase_path=/b\n"
		"signup=on\ncors_origins=https://c\ntrusted_proxies=::1\naudit=both\naudit_refresh=off\naudit_max=5\naudit_keep=9d\nbackup_made=/b/m\nsessions_max=6\naccess_cookie=on\n"
		"password_memory=6m\npassword_passes=7\npassword_jobs=8\nthrottle_dir=/t\n") == NULL, "all options at once");
	is_int(conf.access_ttl, 60, "access_ttl");
	is_int(conf.refresh_ttl, 7200, "refresh_ttl");
	is_int(conf.session_ttl, 259200, "session_ttl");
	is_int(conf.reuse_grace, 4, "reuse_grace");
	ok(slice_is(conf.issuer, S("i")) && slice_is(conf.audience, S("a")), "issuer, audience");
	ok(slice_is(conf.base_path, S("/b")), "base_path");
	ok(conf.signup && conf.access_cookie, "switches");
	ok(slice_is(conf.cors_origins, S("https://c")) && conf.trusted_proxies.count == 1, "lists");
	is_int(conf.audit, AUDIT_BOTH, "audit");
	ok(!conf.audit_refresh, "audit_refresh");
	is_int(conf.audit_max, 5, "audit_max");
	is_int(conf.audit_keep, 777600, "audit_keep");
	ok(slice_is(conf.backup_made, S("/b/m")), "backup_made");
	is_int(conf.sessions_max, 6, "sessions_max");
	is_int(conf.password.kib, 6144, "password_memory");
	is_int(conf.password.passes, 7, "password_passes");
	is_int(conf.password_jobs, 8, "password_jobs");
	is_str(config_throttle_dir(&conf), "/t", "throttle_dir");
}

/* ---- values ------------------------------------------------------------ */

#define SIXTY_FOUR "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LONG_WORD SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR

/* NULL for wrong: what is shown is not asked. */
static const struct { const char *name, *good, *shown, *wrong; } limits[] = {
	{ "access_ttl", "1s", "1s", "0" },
	{ "access_ttl", "1d", "1d", "86401s" },
	{ "access_ttl", "86399s", "86399s", "2d" },
	{ "refresh_ttl", "1s", "1s", "0" },
	{ "refresh_ttl", "400d", "400d", "401d" },
	{ "refresh_ttl", "9600h", "400d", "34560001s" },
	{ "session_ttl", "0", "0", "-1s" },
	{ "session_ttl", "0d", "0", "1" },
	{ "session_ttl", "3650d", "3650d", "3651d" },
	{ "reuse_grace", "0", "0", "0.5s" },
	{ "reuse_grace", "600s", "10m", "601s" },
	{ "reuse_grace", "90s", "90s", "11m" },
	{ "retry_window", "0", "0", "none" },
	{ "retry_window", "auto", "auto", "25h" },
	{ "retry_window", "1d", "1d", "-1s" },
	{ "refresh_ttl", "36h", "36h", "1w" },
	{ "refresh_ttl", "90m", "90m", "m" },
	{ "refresh_ttl", "2147483647s", NULL, "2147483648s" },
	{ "refresh_ttl", "30d", "30d", "30 d" },
	{ "refresh_ttl", "30d", "30d", "30D" },
	{ "refresh_ttl", "30d", "30d", "+30d" },
	{ "refresh_ttl", "30d", "30d", "" },
	{ "refresh_ttl", "0030d", "30d", "99999999999999999999d" },
	{ "audit_max", "1", "1", "0" },
	{ "audit_max", "1000000", "1000000", "1000001" },
	{ "audit_max", "999999", "999999", "" },
	{ "audit_keep", "1h", "1h", "59m" },
	{ "audit_keep", "3650d", "3650d", "3651d" },
	{ "sessions_max", "1", "1", "0" },
	{ "sessions_max", "1000", "1000", "1001" },
	{ "password_jobs", "0", "0", "-1" },
	{ "password_jobs", "16", "16", "17" },
	{ "password_passes", "0", "0", "-1" },
	{ "password_passes", "64", "64", "65" },
	{ "password_memory", "0", "0", "7k" },
	{ "password_memory", "8k", "8k", "7168" },
	{ "password_memory", "7168k", "7m", "19M" },
	{ "password_memory", "9k", "9k", "1g" },
	{ "password_memory", "1024m", "1024m", "1025m" },
	{ "signup", "on", "on", "yes" },
	{ "signup", "off", "off", "ON" },
	{ "access_cookie", "on", "on", "" },
	{ "insecure_cookie", "on", "on", "true" },
	{ "cookie_domain", "", "", ".example;x" },
	{ "cookie_domain", "example.com", "example.com", "https://example.com" },
	{ "cookie_domain", ".my-site.example", ".my-site.example", "[::1]" },
	{ "cookie_domain", "a", "a", "Example.com" },
	{ "rp_id", "example.com", "example.com", "https://example.com" },
	{ "passkey_origins", "https://a.example", "https://a.example", "a.example" },
	{ "passkey_origins", "android:apk-key-hash:7d1043473d55bfa90e8530d35801d4e381bc69f0_-A https://a",
		"android:apk-key-hash:7d1043473d55bfa90e8530d35801d4e381bc69f0_-A https://a", "android:apk-key-hash:7d10" },
	{ "passkey_origins", "", "", "android:apk-key-hash:7d1043473d55bfa90e8530d35801d4e381bc69f0/+A" },
	{ "wallets", "", "", "ethereum:mainnet" },
	{ "wallets", "stellar:pubnet solana:mainnet", "stellar:pubnet solana:mainnet", "stellar" },
	{ "wallets", "solana:net-1", "solana:net-1", "solana:main_net" },
	{ "wallets", "stellar:12345678901234567890123456789012", NULL, "stellar:123456789012345678901234567890123" },
	{ "store", "", "", "two words" },
	{ "store", "postgresql:///latchkey", "postgresql:///latchkey", LONG_WORD },
	{ "factor_groups", "", "", "two words" },
	{ "factor_groups", "admins,staff", "admins,staff", "a\"b" },
	{ "email_domain", "mail.example", "mail.example", "@mail.example" },
	{ "identity_headers", "x-auth", "x-auth", "" },
	{ "identity_headers", "remote", "remote", "Remote" },
	{ "identity_headers", "x-webauth", "x-webauth", "x-webauth-user" },
	{ "access_alg", "HS256", "HS256", "hs256" },
	{ "access_alg", "ES256", "ES256", "RS256" },
	{ "audit", "table", "table", "tables" },
	{ "audit", "syslog", "syslog", "" },
	{ "audit", "both", "both", "table syslog" },
	{ "audit", "off", "off", "on" },
	{ "issuer", "x", "x", "" },
	{ "issuer", "https://auth.example:8443/x?y", "https://auth.example:8443/x?y", "a\"b" },
	{ "issuer", "!", "!", "a\\b" },
	{ "audience", "~", "~", "two words" },
	{ "audience", "a=b", "a=b", "\303\251" },
	{ "base_path", "/", "/", "" },
	{ "base_path", "/a", "/a", "/a/" },
	{ "base_path", "/a/b-c_d~9/E", "/a/b-c_d~9/E", "a" },
	{ "base_path", "/auth", "/auth", "//" },
	{ "base_path", "/auth", "/auth", "/a//b" },
	{ "base_path", "/auth", "/auth", "/a/../b" },
	{ "base_path", "/auth", "/auth", "/a.b" },
	{ "base_path", "/auth", "/auth", "/a b" },
	{ "base_path", "/auth", "/auth", "/a%20" },
	{ "brand", "Familie M\303\274ller & <Co>", "Familie M\303\274ller & <Co>", "" },
	{ "brand", "x", "x", "\377" },
	{ "brand_color", "FFd400", "ffd400", "ffd40" },
	{ "brand_color", "000000", "000000", "ffd40g" },
	{ "throttle_dir", "", "", "run/latchkey" },
	{ "throttle_dir", "/", "/", "." },
	{ "cors_origins", "", "", "*" },
	{ "cors_origins", "https://a.example", "https://a.example", "https://a.example/" },
	{ "cors_origins", "http://localhost:3000", "http://localhost:3000", "https://A.example" },
	{ "cors_origins", "capacitor://localhost tauri://localhost", "capacitor://localhost tauri://localhost", "null" },
	{ "cors_origins", "  https://a \t https://b  ", "https://a https://b", "https://a,https://b" },
	{ "cors_origins", "http://[::1]", "http://[::1]", "http://[::1" },
	{ "cors_origins", "http://[::1]:8080", "http://[::1]:8080", "http://[]" },
	{ "cors_origins", "http://[::ffff:1.2.3.4]", "http://[::ffff:1.2.3.4]", "http://[::g]" },
	{ "cors_origins", "http://[::1]:2", "http://[::1]:2", "http://[::1]8080" },
	{ "cors_origins", "http://[fe80::a]", "http://[fe80::a]", "http://[fe80::A]" },
	{ "cors_origins", "http://[::1]:2", "http://[::1]:2", "http://[1]:2" },
	{ "cors_origins", "http://1.2.3.4:2", "http://1.2.3.4:2", "http://[1.2.3.4]:2" },
	{ "cors_origins", "http://[::1]:2", "http://[::1]:2", "http://[" },
	{ "cors_origins", "http://[::1]:2", "http://[::1]:2", "http://]" },
	{ "cors_origins", "http://a:443", "http://a:443", "http://a:80" },
	{ "cors_origins", "https://a:80", "https://a:80", "https://a:443" },
	{ "cors_origins", "x-1+2.3://a", "x-1+2.3://a", "1x://a" },
	{ "cors_origins", "https://a:1", "https://a:1", "https://a:0" },
	{ "cors_origins", "https://a:65535", "https://a:65535", "https://a:65536" },
	{ "cors_origins", "https://a_b-c", "https://a_b-c", "https://a:" },
	{ "cors_origins", "https://a", "https://a", "https://a:080" },
	{ "cors_origins", "https://a", "https://a", "https://" },
	{ "cors_origins", "https://a", "https://a", "https:a" },
	{ "cors_origins", "https://a", "https://a", "https" },
	{ "cors_origins", "https://a", "https://a", "://a" },
	{ "cors_origins", "https://a", "https://a", "HTTPS://a" },
	{ "cors_origins", "https://a", "https://a", "https://u@a" },
	{ "cors_origins", "https://a", "https://a", "https://a:b:1" },
	{ "trusted_proxies", "", "", "localhost" },
	{ "trusted_proxies", "unix", "unix", "unix:" },
	{ "trusted_proxies", "127.0.0.1 unix", "127.0.0.1 unix", "unix/8" },
	{ "trusted_proxies", "127.0.0.1 ::1", "127.0.0.1 ::1", "127.0.0.1,::1" },
	{ "trusted_proxies", "10.0.0.0/8", "10.0.0.0/8", "10.0.0.0/33" },
	{ "trusted_proxies", "0.0.0.0/0", "0.0.0.0/0", "10.0.0.0/" },
	{ "trusted_proxies", "1.2.3.4/32", "1.2.3.4/32", "1.2.3.4/-1" },
	{ "trusted_proxies", "fd00::/8", "fd00::/8", "fd00::/129" },
	{ "trusted_proxies", "::/128", "::/128", "::/" },
	{ "trusted_proxies", "::1", "::1", "fe80::1%eth0" },
	{ "trusted_proxies", "::1", "::1", "1.2.3" },
	{ "trusted_proxies", "::1", "::1", "1.2.3.256" },
	{ "trusted_proxies", "::1", "::1", "/8" },
	{ "trusted_proxies", "::1", "::1", "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000" },
};

static void test_limits(void)
{
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
		const char *name = limits[i].name;
		if (limits[i].shown) {
			ok(parse_one(name, limits[i].good) == NULL, "%s = %s", name, limits[i].good);
			is_str(value_of(name), limits[i].shown, "%s = %s is shown so", name, limits[i].good);
		}
		const char *wrong = parse_one(name, limits[i].wrong);
		char start[64];
		snprintf(start, sizeof start, "latchkey.conf:1: %s: must ", name);
		ok(wrong && strncmp(wrong, start, strlen(start)) == 0, "%s = %s is refused (%s)", name, limits[i].wrong,
			wrong ? wrong : "it wasn't");
	}
}

/* Longest texts at n - 1, n, n + 1. */
static void test_lengths(void)
{
	static const struct { const char *name, *prefix; size_t max; } texts[] = {
		{ "issuer", "", 128 }, { "audience", "", 128 }, { "base_path", "/", 128 }, { "throttle_dir", "/", 255 },
		{ "cors_origins", "https://", 2048 }, { "cookie_domain", "", 255 }, { "brand", "", 64 },
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		for (size_t n = texts[i].max - 1; n <= texts[i].max + 1; n++) {
			char *value = repeat('a', n);
			memcpy(value, texts[i].prefix, strlen(texts[i].prefix));
			ok((parse_one(texts[i].name, value) == NULL) == (n <= texts[i].max), "%s of %zu bytes", texts[i].name, n);
			free(value);
		}
}

/* ---- lines ------------------------------------------------------------- */

static void test_lines(void)
{
	static const struct { const char *text, *message; } files[] = {
		{ "", NULL },
		{ "\n\n \t\n", NULL },
		{ "# nothing\n  # more = less", NULL },
		{ "signup = on # why\nissuer=a#b\n", NULL },
		{ "\t signup\t=\ton \t", NULL },
		{ "# \303\244", NULL },
		{ "signup", "latchkey.conf:1: is not of the form name = value" },
		{ "\n= on", "latchkey.conf:2: is not of the form name = value" },
		{ "sign up = on", "latchkey.conf:1: is not of the form name = value" },
		{ "Signup = on", "latchkey.conf:1: is not of the form name = value" },
		{ "\357\273\277signup = on", NULL }, { "\357\273\277\357\273\277signup = on", "latchkey.conf:1: is not of the form name = value" },
		{ "a123456789b123456789c123456789d1 = 1", "latchkey.conf:1: a123456789b123456789c123456789d1: no such option (see latchkey config)" },
		{ "a123456789b123456789c123456789d12 = 1", "latchkey.conf:1: is not of the form name = value" },
		{ "refesh_ttl = 1d", "latchkey.conf:1: refesh_ttl: no such option; did you mean refresh_ttl?" },
		{ "signup = on\n\nsignup = on", "latchkey.conf:3: signup: is given twice" },
		{ "signup = on\r\n", "latchkey.conf:1: has a control character (lines end with LF alone)" },
		{ "signup = on\n# \033[2J", "latchkey.conf:2: has a control character (lines end with LF alone)" },
		{ "# \177", "latchkey.conf:1: has a control character (lines end with LF alone)" },
		{ "\n\n\n\n\n\nrefresh_ttl = 30\n", "latchkey.conf:7: refresh_ttl: must be a number with its unit: 30s 15m 12h 30d, or 0" },
		{ "access_ttl = 2d", "latchkey.conf:1: access_ttl: must be between 1s and 1d" },
		{ "password_memory = 4k", "latchkey.conf:1: password_memory: must be between 8k and 1024m" },
		{ "audit_max = x", "latchkey.conf:1: audit_max: must be between 1 and 1000000" },
		{ "issuer = = =", "latchkey.conf:1: issuer: must be visible ASCII without spaces, quotes and backslashes" },
		{ "signup = off\nissuer =", "latchkey.conf:2: issuer: must have 1 to 128 bytes" },
	};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		is_str(parse(files[i].text), files[i].message, "file %zu", i);
	parse("issuer=a#b");
	ok(slice_is(conf.issuer, S("a")), "# ends a value");
}

/* Every byte, put anywhere: refused, or harmless. */
static void test_bytes(void)
{
	static const char good[] = "issuer = ab\n";
	char text[sizeof good];
	size_t through = 0, mark = arena_mark();
	for (size_t at = 0; at < sizeof good - 1; at++)
		for (int byte = 0; byte < 256; byte++) {
			memcpy(text, good, sizeof good);
			text[at] = (char)byte;
			const char *wrong = parse_bytes(text, sizeof good - 1);
			bool control = (byte < ' ' && byte != '\t' && byte != '\n') || byte == 0x7f;
			through += control && !wrong;
			for (size_t i = 0; !wrong && i < conf.issuer.n; i++)
				through += conf.issuer.p[i] <= ' ' || conf.issuer.p[i] > '~';
			arena_back(mark);
		}
	is_int(through, 0, "no control byte comes through, nor a space into the issuer");
	is_str(parse_bytes("issuer = a\0b", 12), "latchkey.conf:1: has a control character (lines end with LF alone)", "NUL");
	for (size_t n = 0; n < sizeof good; n++)
		parse_bytes(good, n);
	ok(true, "every prefix can be read");
}

/* ---- what else is asked ------------------------------------------------ */

static void test_origins(void)
{
	parse("cors_origins = https://a.example capacitor://localhost");
	ok(config_origin_listed(&conf, S("https://a.example")), "the first");
	ok(config_origin_listed(&conf, S("capacitor://localhost")), "the last");
	ok(!config_origin_listed(&conf, S("https://a.exampl")), "not a part of one");
	ok(!config_origin_listed(&conf, S("https://a.example capacitor://localhost")), "not two");
	ok(!config_origin_listed(&conf, SLICE_NONE), "not none");
	parse("");
	ok(!config_origin_listed(&conf, S("")), "nothing is on an empty list");
}

static void test_dir(void)
{
	unsetenv("LATCHKEY_DIR");
	is_str(config_dir(NULL), "/var/lib/latchkey", "the directory by default");
	setenv("LATCHKEY_DIR", "", 1);
	is_str(config_dir(NULL), "/var/lib/latchkey", "an empty LATCHKEY_DIR is none");
	setenv("LATCHKEY_DIR", "/x", 1);
	is_str(config_dir(NULL), "/x", "LATCHKEY_DIR");
	is_str(config_dir("/y"), "/y", "--dir goes first");
	parse("");
	conf.dir = "/data";
	const char *dir = config_throttle_dir(&conf);
	ok(strcmp(dir, "/data") == 0 || strcmp(dir, "/run/latchkey") == 0, "the throttle table lies in /run or there: %s", dir);
}

static void test_duration(void)
{
	int64_t seconds = -1;
	ok(config_duration(S("2h"), &seconds) && seconds == 7200, "2h");
	ok(config_duration(S("0"), &seconds) && seconds == 0, "0");
	ok(!config_duration(S("2"), &seconds) && !config_duration(SLICE_NONE, &seconds), "no unit, nothing");
}

/* ---- files ------------------------------------------------------------- */

static char dir[] = "/tmp/config_test.XXXXXX";

static void put(const char *name, const char *text, mode_t mode)
{
	const char *path = path_in(dir, name);
	unlink(path);
	FILE *f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
	chmod(path, mode);
}

static void test_conf_file(void)
{
	ok(config_read(dir, &conf) == NULL, "no file: defaults");
	is_str(conf.dir, dir, "the directory is remembered");
	is_int(conf.access_ttl, 900, "access_ttl by default");
	put("latchkey.conf", "access_ttl = 2s\n", 0644);
	ok(config_read(dir, &conf) == NULL && conf.access_ttl == 2, "the file counts");
	put("latchkey.conf", "\nx = 2s\n", 0644);
	is_str(config_read(dir, &conf), "latchkey.conf:2: x: no such option (see latchkey config)", "its line is named");
	for (size_t n = LIMIT_CONF - 1; n <= LIMIT_CONF + 1; n++) {
		char *text = repeat('\n', n);
		put("latchkey.conf", text, 0644);
		is_str(config_read(dir, &conf), n <= LIMIT_CONF ? NULL : "latchkey.conf: File too large", "a file of %zu bytes", n);
		free(text);
	}
	unlink(path_in(dir, "latchkey.conf"));
	ok(symlink("/dev/null", path_in(dir, "latchkey.conf")) == 0 && config_read(dir, &conf) != NULL, "no link is followed");
	unlink(path_in(dir, "latchkey.conf"));
}

/* As root it is another user who tries. */
static void test_closed_conf(void)
{
	bool root = geteuid() == 0;
	put("latchkey.conf", "access_ttl = 2s\n", 0);
	ok(chmod(dir, 0711) == 0 && (!root || seteuid(65534) == 0), "options that can't be read");
	is_str(config_read(dir, &conf), "latchkey.conf: Permission denied; see latchkey check", "are told, and where there is more");
	ok(!root || seteuid(0) == 0, "as before");
	unlink(path_in(dir, "latchkey.conf"));
}

static void test_no_dir(void)
{
	static const struct { int error; const char *said; } cases[] = {
		{ ENOENT, "/x: No such file or directory; latchkey init makes it" },
		{ EACCES, "/x: Permission denied; run it as root (sudo) or as its owner" }, { ENOTDIR, "/x: Not a directory" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		errno = cases[i].error;
		is_str(config_no_dir("/x"), cases[i].said, "no directory: errno %d", cases[i].error);
	}
}

/* As JFFS2 and UBIFS keep a file's times; seconds_on: how long ago that was. */
#ifdef _REDIR_TIME64 /* of musl, where time_t was 32 bits once */
#define STAT "__stat_time64"
#else
#define STAT "stat"
#endif
int real_stat(const char *path, struct stat *out) __asm__("__real_" STAT);
int wrap_stat(const char *path, struct stat *out) __asm__("__wrap_" STAT);
int __wrap_stat64(const char *path, struct stat *out) __attribute__((alias("__wrap_" STAT)));
static bool whole_seconds;
static int seconds_on;
int wrap_stat(const char *path, struct stat *out)
{
	int rc = real_stat(path, out);
	if (whole_seconds)
		out->st_ctim = (struct timespec){ .tv_sec = time(NULL) - seconds_on };
	return rc;
}

/* What a process that stays goes by, to read the files again. */
static void test_stamp(void)
{
	struct config_stamp none, one, other;
	config_stamp(dir, &none);
	put("latchkey.conf", "access_ttl = 2s\n", 0600);
	config_stamp(dir, &one);
	ok(memcmp(&one, &none, sizeof one) != 0 && none.inode[0] == 0 && none.inode[1] == 0, "a file that comes is seen");
	put("latchkey.conf", "access_ttl = 20s\n", 0600);
	config_stamp(dir, &other);
	ok(memcmp(&one, &other, sizeof one) != 0, "and one that changes");
	whole_seconds = true;
	config_stamp(dir, &one);
	config_stamp(dir, &other);
	ok(memcmp(&one, &other, sizeof one) != 0, "one that was changed in this second may be changed again, where times are whole seconds");
	seconds_on = 2;
	config_stamp(dir, &one);
	config_stamp(dir, &other);
	ok(memcmp(&one, &other, sizeof one) == 0, "then it is what it is");
	seconds_on = -60;
	config_stamp(dir, &one);
	config_stamp(dir, &other);
	ok(memcmp(&one, &other, sizeof one) == 0, "so is one of the future: the clock was put back");
	whole_seconds = false;
	unlink(path_in(dir, "latchkey.conf"));
	config_stamp(dir, &other);
	ok(memcmp(&none, &other, sizeof none) == 0, "and one that goes");
}

static void remove_all(void)
{
	char command[128];
	snprintf(command, sizeof command, "rm -rf %s", dir);
	ok(system(command) == 0, "cleaned up");
}

/* ---- scripts ----------------------------------------------------------- */

static const char *override(const char *text)
{
	return config_override((struct slice){ guard(text, strlen(text)), strlen(text) }, &conf);
}

static void test_override(void)
{
	ok(parse("issuer = a\naudience = a\n") == NULL && override("#!/bin/latchkey\naudience = b\ndir = /x") == NULL, "a script over a file");
	ok(slice_is(conf.issuer, S("a")) && slice_is(conf.audience, S("b")), "its lines go before");
	is_str(conf.dir, "/x", "and say where the directory is");
	ok(override("") == NULL && config_override(SLICE_NONE, &conf) == NULL, "no lines");
	ok(slice_is(conf.audience, S("b")) && strcmp(conf.dir, "/x") == 0, "change nothing");
	static const struct { const char *text, *wrong; } cases[] = {
		{ "x = y", "script:1: x: no such option (see latchkey config)" },
		{ "\ndir = x", "script:2: dir: must be an absolute path of at most 255 bytes" },
		{ "dir =", "script:1: dir: must not be empty" },
		{ "dir = /x\ndir = /x", "script:2: dir: is given twice" },
		{ "issuer = x\nissuer = x", "script:2: issuer: is given twice" },
		{ "audit_max = 0", "script:1: audit_max: must be between 1 and 1000000" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		is_str(override(cases[i].text), cases[i].wrong, "a script of %s", cases[i].text);
	is_str(parse("dir = /x"), "latchkey.conf:1: dir: no such option (see latchkey config)", "the file can't say where it is");
}

/* Mode -1: no such file; text NULL: a directory. */
static const struct { const char *text; int mode; bool is; const char *wrong, *name; } scripts[] = {
	{ "#!/usr/bin/latchkey\nx", 0755, true, NULL, "a script" },
	{ "#!/usr/bin/latchkey", 0700, true, NULL, "a script of one line" },
	{ "#! /opt/latchkey \n", 0555, true, NULL, "a script with blanks" },
	{ "#!/usr/bin/env latchkey\n", 0755, true, NULL, "a script by env" },
	{ "#!/usr/bin/latchkey\n", 0775, true, "script: others than its owner can write it (chmod go-w)", "one that its group can write" },
	{ "#!/usr/bin/latchkey\n", 0757, true, "script: others than its owner can write it (chmod go-w)", "one that all can write" },
	{ "#!/usr/bin/xlatchkey\n", 0755, false, NULL, "another's script" },
	{ "#!/usr/bin/latchkey2\n", 0755, false, NULL, "another's script, too" },
	{ "#!latchkey\n", 0777, false, NULL, "no path" },
	{ "#!/x\n", 0777, false, NULL, "a short name" },
	{ "#!\n#!/usr/bin/latchkey\n", 0755, false, NULL, "a second line" },
	{ "/usr/bin/latchkey\n", 0755, false, NULL, "no script" },
	{ "#", 0755, false, NULL, "one byte" },
	{ "", 0755, false, NULL, "nothing" },
	{ NULL, 0755, false, NULL, "a directory" },
	{ "", -1, false, NULL, "no file" }
};

static bool same_script(size_t i, const char *argument)
{
	struct slice text = S("before");
	const char *wrong = script_find(argument, &text);
	if (wrong || scripts[i].wrong)
		return wrong && scripts[i].wrong && strcmp(wrong, scripts[i].wrong) == 0;
	return scripts[i].is ? slice_is(text, slice_of(scripts[i].text)) : text.p == NULL;
}

static void put_script(const char *path, const char *text, int mode)
{
	FILE *f = text ? fopen(path, "w") : NULL;
	if (f && (fputs(text, f) < 0 || fclose(f) != 0))
		exit(2);
	if (!text && mkdir(path, 0700) != 0)
		exit(2);
	if (chmod(path, (mode_t)mode) != 0)
		exit(2);
}

static void test_script(void)
{
	const char *path = path_in(dir, "script"), *other = path_in(dir, "other");
	struct slice text;
	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
		remove(path);
		if (scripts[i].mode >= 0)
			put_script(path, scripts[i].text, scripts[i].mode);
		setenv("SCRIPT_FILENAME", path, 1);
		ok(same_script(i, path), "%s", scripts[i].name);
	}
	put_script(path, "#!/usr/bin/latchkey\n", 0755);
	put_script(other, "#!/usr/bin/latchkey\n", 0755);
	ok(script_find(other, &text) == NULL && !text.p, "another file than the server's");
	ok(script_find(dir, &text) == NULL && !text.p, "a directory");
	ok(script_find("/dev/null", &text) == NULL && !text.p, "something on another file system");
	ok(script_find(NULL, &text) == NULL && !text.p, "no argument");
	ok(script_find("", &text) == NULL && !text.p, "an empty one");
	char *all = repeat('#', LIMIT_CONF + 1);
	memcpy(all, "#!/latchkey\n", 12);
	put_script(path, all, 0755);
	is_str(script_find(path, &text), "script: File too large", "one byte too many");
	all[LIMIT_CONF] = '\0';
	put_script(path, all, 0755);
	ok(script_find(path, &text) == NULL && text.n == LIMIT_CONF, "as many as may be");
	unsetenv("SCRIPT_FILENAME");
	ok(script_find(path, &text) == NULL && !text.p, "a server that names none");
	ok(remove(path) == 0 && remove(other) == 0, "scripts are gone");
}

int main(void)
{
	if (!mkdtemp(dir))
		return 2;
	size_t mark = arena_mark();
	static void (*const tests[])(void) = {
		test_defaults, test_fields, test_limits, test_lengths, test_lines, test_bytes, test_origins, test_dir, test_duration,
		test_conf_file, test_closed_conf, test_no_dir, test_stamp,
		test_override, test_script, remove_all,
	};
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
		tests[i]();
		arena_back(mark);
	}
	return done_testing();
}
