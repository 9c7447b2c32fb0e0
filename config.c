/*
 * config: see config.h for what each function promises.
 *
 * Rules of this file. Text is pointer and length, never NUL-terminated. A value
 * is checked against its kind before it gets into struct config; no other file
 * has to check it again. What isn't understood is an error with its line
 * number. `#` begins a comment wherever it stands, so no value can hold one.
 *
 * The same parser reads three texts, each over the one before: the defaults,
 * latchkey.conf, and the lines of a script (script.h). latchkey.conf
 * holds what all instances of a data directory and the operator's verbs have in
 * common; a script holds the options of its own instance.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/nearest.h"
#include "base/origin.h"
#include "store/upkeep.h"

enum {
	SECONDS_DAY = 86400,
	OPTION_BRAND = 64,     /* bytes: one line of a phone */
	OPTION_WORD = 128,     /* bytes of issuer, audience, base_path: they go into each token or path */
	OPTION_PATH = 255,     /* bytes of a directory's name */
	OPTION_LIST = 2048     /* bytes of a list of words */
};

/* Some editors begin every file with it. */
#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

#define FIELD(name) offsetof(struct config, name)

/*
 * Why these bounds: browsers keep no cookie for longer than 400 days. No network
 * needs a reuse_grace over ten minutes, and a longer one helps a thief. Argon2id
 * takes at least 8 KiB and one pass. A gigabyte is more than the hosts that
 * latchkey is made for can give.
 */
const struct option options[] = {
	{ "access_ttl", OPTION_DURATION, FIELD(access_ttl), 1, SECONDS_DAY, "15m",
		"life of an access token" },
	{ "refresh_ttl", OPTION_DURATION, FIELD(refresh_ttl), 1, 400 * (int64_t)SECONDS_DAY, "30d",
		"how long a session may lie unused" },
	{ "session_ttl", OPTION_DURATION, FIELD(session_ttl), 0, 3650 * (int64_t)SECONDS_DAY, "0",
		"end of a session after sign-in, used or not; 0: none" },
	{ "reuse_grace", OPTION_DURATION, FIELD(reuse_grace), 0, 600, "10s",
		"how long a spent refresh token without a key is answered again" },
	{ "retry_window", OPTION_WINDOW, FIELD(retry_window), 0, SECONDS_DAY, "auto",
		"how long where it was spent; auto: 1h for public clients of OAuth, else 0" },
	{ "issuer", OPTION_NAME, FIELD(issuer), 1, OPTION_WORD, "latchkey",
		"claim iss of each token" },
	{ "audience", OPTION_NAME, FIELD(audience), 1, OPTION_WORD, "latchkey",
		"claim aud of each access token" },
	{ "rp_id", OPTION_HOST, FIELD(rp_id), 0, OPTION_PATH, "",
		"host that passkeys are for; empty: the issuer's" },
	{ "passkey_origins", OPTION_CALLERS, FIELD(passkey_origins), 0, OPTION_LIST, "",
		"origins that may ask for a passkey, beside the issuer's own" },
	{ "wallets", OPTION_WALLETS, FIELD(wallets), 0, OPTION_LIST, "",
		"wallets that people sign in with: stellar:pubnet solana:mainnet" },
	{ "email_domain", OPTION_HOST, FIELD(email_domain), 0, OPTION_PATH, "",
		"gives a user without an address name@domain, for clients of OAuth" },
	{ "factor_groups", OPTION_GROUPS, FIELD(factor_groups), 0, OPTION_WORD, "",
		"groups whose users must have a second factor: admins,staff" },
	{ "access_alg", OPTION_ALG, FIELD(access_alg), 0, 0, "HS256",
		"how access tokens are signed: HS256, or ES256 for who verifies by /jwks" },
	{ "base_path", OPTION_MOUNT, FIELD(base_path), 1, OPTION_WORD, "/api/auth",
		"where the API lies when latchkey speaks HTTP itself" },
	{ "signup", OPTION_SWITCH, FIELD(signup), 0, 0, "off",
		"whether anyone may register" },
	{ "gotrue", OPTION_SWITCH, FIELD(gotrue), 0, 0, "off",
		"the calls of supabase-js, where base_path is /auth/v1" },
	{ "cors_origins", OPTION_ORIGINS, FIELD(cors_origins), 0, OPTION_LIST, "",
		"origins of other sites and apps that may call" },
	{ "trusted_proxies", OPTION_NETWORKS, FIELD(trusted_proxies), 0, OPTION_LIST, "",
		"addresses or networks, or unix, whose X-Forwarded-* counts" },
	{ "audit", OPTION_AUDIT, FIELD(audit), 0, 0, "table",
		"where events go: table, syslog, both, off" },
	{ "audit_refresh", OPTION_SWITCH, FIELD(audit_refresh), 0, 0, "on",
		"whether a refresh that is nothing but that is an event" },
	{ "audit_max", OPTION_NUMBER, FIELD(audit_max), 1, 1000000, "4096",
		"events of refreshes and sign-ins that are kept, and as many others" },
	{ "audit_keep", OPTION_DURATION, FIELD(audit_keep), 3600, 3650 * (int64_t)SECONDS_DAY, "30d",
		"how long latchkey-pg keeps refreshes and failed sign-ins" },
	{ "sessions_max", OPTION_NUMBER, FIELD(sessions_max), 1, 1000, "100",
		"sessions that a user may have; a sign-in ends the longest unused one" },
	{ "access_cookie", OPTION_SWITCH, FIELD(access_cookie), 0, 0, "off",
		"also set the access token as a cookie, for auth_request" },
	{ "identity_headers", OPTION_HEADERS, FIELD(identity_headers), 0, 0, "x-auth",
		"names of the headers of /verify: x-auth, remote, x-webauth" },
	{ "cookie_domain", OPTION_HOST, FIELD(cookie_domain), 0, OPTION_PATH, "",
		"domain whose hosts all get the access cookie; empty: this host alone" },
	{ "insecure_cookie", OPTION_SWITCH, FIELD(insecure_cookie), 0, 0, "off",
		"cookie mode by plain HTTP too, where anybody in between can take it" },
	{ "password_memory", OPTION_MEMORY, FIELD(password.kib), 8, 1048576, "0",
		"memory of one password hash; 0: by the host's RAM" },
	{ "password_passes", OPTION_NUMBER, FIELD(password.passes), 0, 64, "0",
		"passes of one password hash; 0: by the host's RAM" },
	{ "password_jobs", OPTION_NUMBER, FIELD(password_jobs), 0, 16, "0",
		"password hashes at once on this host; 0: by its RAM, two at most" },
	{ "store", OPTION_STORE, FIELD(store), 0, OPTION_PATH, "",
		"database of latchkey-pg: postgresql://latchkey@10.0.0.1,10.0.0.2/latchkey" },
	{ "backup_made", OPTION_DIRECTORY, FIELD(backup_made), 0, OPTION_PATH, "",
		"a file that each backup of yours makes anew: latchkey check tells its age" },
	{ "throttle_dir", OPTION_DIRECTORY, FIELD(throttle_dir), 0, OPTION_PATH, "",
		"where the throttle table lies; empty: /run/latchkey or the data directory" },
	{ "brand", OPTION_TEXT, FIELD(brand), 1, OPTION_BRAND, "latchkey",
		"what the pages call the place" },
	{ "brand_color", OPTION_COLOR, FIELD(brand_color), 0, 0, "9a3412",
		"colour of the pages' mark and buttons: RRGGBB" },
};
enum { OPTIONS = sizeof options / sizeof *options };
const size_t options_count = OPTIONS;

/* ---- words ------------------------------------------------------------- */

static bool among(char c, const char *set)
{
	while (*set && *set != c)
		set++;
	return *set != '\0';
}

static bool visible(char c)
{
	const unsigned char byte = (unsigned char)c;
	return byte > ' ' && byte <= '~';
}

/* Cuts the next word off *rest: words lie between spaces and tabs. */
static struct slice next_word(struct slice *rest)
{
	*rest = slice_trim(*rest);
	struct slice word = *rest;
	size_t n = 0;
	while (n < word.n && word.p[n] != ' ' && word.p[n] != '\t')
		n++;
	word.n = n;
	*rest = slice_from(*rest, n);
	return word;
}

/* ---- kinds: each reads one value into its field, or says what it wants -- */

struct unit { char letter; int64_t worth; };
static const struct unit time_units[] = { { 'd', SECONDS_DAY }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 }, { 0, 0 } };
static const struct unit memory_units[] = { { 'm', 1024 }, { 'k', 1 }, { 0, 0 } };

/* `0`, or digits and one unit. What the units make of it fits by far. */
static bool read_units(struct slice text, const struct unit *unit, int64_t *out)
{
	int64_t count;
	if (slice_is(text, S("0"))) {
		*out = 0;
		return true;
	}
	if (text.n == 0 || !parse_number((struct slice){ text.p, text.n - 1 }, 0, INT32_MAX, &count))
		return false;
	for (; unit->letter; unit++)
		if (unit->letter == text.p[text.n - 1]) {
			*out = count * unit->worth;
			return true;
		}
	return false;
}

/* The same in the largest unit that leaves no rest. */
static void show_units(struct buf *b, int64_t value, const struct unit *unit)
{
	if (value == 0) {
		buf_c(b, '0');
		return;
	}
	while (value % unit->worth)
		unit++;
	buf_int(b, value / unit->worth);
	buf_c(b, unit->letter);
}

static void show_duration(struct buf *b, const void *field)
{
	show_units(b, *(const int64_t *)field, time_units);
}

static void show_memory(struct buf *b, const void *field)
{
	show_units(b, *(const int64_t *)field, memory_units);
}

static void show_number(struct buf *b, const void *field)
{
	buf_int(b, *(const int64_t *)field);
}

/* "must be between MIN and MAX", each as one would write it. */
static const char *out_of_range(const struct option *o, void (*show)(struct buf *b, const void *field))
{
	struct buf b = { 0 };
	buf_s(&b, "must be between ");
	show(&b, &o->min);
	buf_s(&b, " and ");
	show(&b, &o->max);
	buf_c(&b, '\0');
	return b.p;
}

static const char *read_duration(const struct option *o, struct slice text, void *field)
{
	int64_t value;
	if (!read_units(text, time_units, &value))
		return "must be a number with its unit: 30s 15m 12h 30d, or 0";
	if (value < o->min || value > o->max)
		return out_of_range(o, show_duration);
	*(int64_t *)field = value;
	return NULL;
}

static const char *read_window(const struct option *o, struct slice text, void *field)
{
	*(int64_t *)field = -1;
	return slice_is(text, S("auto")) ? NULL : read_duration(o, text, field);
}

static void show_window(struct buf *b, const void *field)
{
	if (*(const int64_t *)field < 0)
		buf_s(b, "auto");
	else
		show_duration(b, field);
}

static const char *read_memory(const struct option *o, struct slice text, void *field)
{
	int64_t value;
	if (!read_units(text, memory_units, &value))
		return "must be a number with its unit: 7168k 19m, or 0";
	if (value && (value < o->min || value > o->max))
		return out_of_range(o, show_memory);
	*(int64_t *)field = value;
	return NULL;
}

static const char *read_number(const struct option *o, struct slice text, void *field)
{
	if (!parse_number(text, o->min, o->max, field))
		return out_of_range(o, show_number);
	return NULL;
}

static const char *const switch_words[] = { "off", "on" };
static const char *const audit_words[] = {
	[AUDIT_TABLE] = "table",
	[AUDIT_SYSLOG] = "syslog",
	[AUDIT_BOTH] = "both",
	[AUDIT_OFF] = "off",
};

static const char *read_switch(const struct option *o, struct slice text, void *field)
{
	(void)o;
	*(bool *)field = slice_is(text, S("on"));
	return slice_is(text, S("on")) || slice_is(text, S("off")) ? NULL : "must be on or off";
}

static void show_switch(struct buf *b, const void *field)
{
	buf_s(b, switch_words[*(const bool *)field]);
}

/* Which of count words the text is; else none of them. */
static bool find_word(struct slice text, const char *const *words, size_t count, size_t *which)
{
	for (*which = 0; *which < count && !slice_is(text, slice_of(words[*which])); )
		++*which;
	return *which < count;
}

static const char *const headers_words[] = {
	[HEADERS_X_AUTH] = "x-auth",
	[HEADERS_REMOTE] = "remote",
	[HEADERS_X_WEBAUTH] = "x-webauth",
};

static const char *const alg_words[] = { "HS256", "ES256" };

static const struct { const char *const *words; size_t count; const char *refusal; } words_of[] = {
	[OPTION_AUDIT] = { audit_words, AUDIT_OFF + 1, "must be one of table, syslog, both, off" },
	[OPTION_HEADERS] = { headers_words, HEADERS_X_WEBAUTH + 1, "must be one of x-auth, remote, x-webauth" },
	[OPTION_ALG] = { alg_words, ACCESS_ES256 + 1, "must be HS256 or ES256" },
};

/* An option whose value is one of these words is kept as its number, by an enum. */
static const char *read_word(const struct option *o, struct slice text, void *field)
{
	size_t which;
	if (!find_word(text, words_of[o->kind].words, words_of[o->kind].count, &which))
		return words_of[o->kind].refusal;
	*(unsigned *)field = (unsigned)which;
	return NULL;
}

static void show_text(struct buf *b, const void *field)
{
	buf_add(b, *(const struct slice *)field);
}

/* Keeps a checked text; the file's bytes may go. */
static const char *keep(struct slice text, void *field)
{
	*(struct slice *)field = arena_copy(text);
	return NULL;
}

static const char *read_name(const struct option *o, struct slice text, void *field)
{
	if (text.n == 0 || text.n > (size_t)o->max)
		return "must have 1 to 128 bytes";
	for (size_t i = 0; i < text.n; i++)
		if (!visible(text.p[i]) || among(text.p[i], "\"\\"))
			return "must be visible ASCII without spaces, quotes and backslashes";
	return keep(text, field);
}

static const char *read_groups(const struct option *o, struct slice text, void *field)
{
	return text.n ? read_name(o, text, field) : keep(text, field);
}

/* `/` is the empty mount. Every segment has at least one byte. */
static const char *read_mount(const struct option *o, struct slice text, void *field)
{
	if (slice_is(text, S("/")))
		return keep(S(""), field);
	if (text.n > (size_t)o->max || !slice_starts(text, S("/")) || text.p[text.n - 1] == '/')
		return "must begin with '/', not end with one, and have at most 128 bytes";
	for (size_t i = 0; i < text.n; i++) {
		if (slice_span((struct slice){ text.p + i, 1 }, "/_~-") == 0)
			return "must have letters, digits, '/', '_', '~' and '-' only";
		if (text.p[i] == '/' && text.p[i + 1] == '/')
			return "must not have two '/' in a row";
	}
	return keep(text, field);
}

static void show_mount(struct buf *b, const void *field)
{
	const struct slice *mount = field;
	buf_add(b, mount->n ? *mount : S("/"));
}

/* What the word says is looked at by the store that is linked in: config_read(). */
static const char *read_store(const struct option *o, struct slice text, void *field)
{
	for (size_t i = 0; i < text.n; i++)
		if (!visible(text.p[i]) || text.n > (size_t)o->max)
			return "must be one word of at most 255 bytes";
	return keep(text, field);
}

static const char *read_directory(const struct option *o, struct slice text, void *field)
{
	if (text.n && (text.n > (size_t)o->max || text.p[0] != '/'))
		return "must be an absolute path of at most 255 bytes";
	return keep(text, field);
}

/* The line has no control characters: conf_line(). */
static const char *read_text(const struct option *o, struct slice text, void *field)
{
	if (text.n == 0 || text.n > (size_t)o->max || !slice_is_utf8(text))
		return "must have 1 to 64 bytes of UTF-8";
	return keep(text, field);
}

/* Without the # that begins a comment here. */
static const char *read_color(const struct option *o, struct slice text, void *field)
{
	uint8_t rgb[3];
	(void)o;
	if (!parse_hex(text, rgb, sizeof rgb))
		return "must be six hexadecimal digits, RRGGBB, without #: 9a3412";
	*(int64_t *)field = rgb[0] << 16 | rgb[1] << 8 | rgb[2];
	return NULL;
}

static void show_color(struct buf *b, const void *field)
{
	int64_t color = *(const int64_t *)field;
	const uint8_t rgb[] = { (uint8_t)(color >> 16), (uint8_t)(color >> 8), (uint8_t)color };
	buf_hex_bytes(b, rgb, sizeof rgb);
}

/* ---- lists: each word by itself ---------------------------------------- */

static const char *read_host(const struct option *o, struct slice text, void *field)
{
	if (text.n && (text.n > (size_t)o->max || *text.p == '[' || !origin_host_ok(text)))
		return "must be a host's name in small letters: example.com";
	return keep(text, field);
}

static bool take_origin(struct slice origin, struct buf *parsed)
{
	(void)parsed;
	return origin_ok(origin);
}

/* Keeps the words of a list with single spaces between them. take() checks a word; what it makes of it goes into *parsed. */
static const char *read_words(const struct option *o, struct slice text, struct slice *kept,
	bool (*take)(struct slice word, struct buf *parsed), struct buf *parsed, const char *refusal)
{
	struct buf words = { 0 };
	if (text.n > (size_t)o->max)
		return "must have at most 2048 bytes";
	for (struct slice word; (word = next_word(&text)).n;) {
		if (!take(word, parsed))
			return refusal;
		if (words.n)
			buf_c(&words, ' ');
		buf_add(&words, word);
	}
	*kept = buf_slice(&words);
	return NULL;
}

static const char *read_origins(const struct option *o, struct slice text, void *field)
{
	return read_words(o, text, field, take_origin, NULL,
		"must be origins as browsers send them, between spaces: https://app.example http://localhost:3000");
}

/* What Android says of an app: the SHA-256 of the certificate that it is signed with, in base64url. */
static bool take_caller(struct slice word, struct buf *parsed)
{
	const struct slice app = S("android:apk-key-hash:");
	if (!slice_starts(word, app))
		return take_origin(word, parsed);
	return word.n == app.n + 43 && slice_made_of(slice_from(word, app.n), "-_");
}

static const char *read_callers(const struct option *o, struct slice text, void *field)
{
	return read_words(o, text, field, take_caller, NULL,
		"must be origins or apps of Android, between spaces: https://app.example android:apk-key-hash:HASH, of 43 letters");
}

/* A chain that wallet.c knows, and its network. */
static bool take_wallet(struct slice word, struct buf *parsed)
{
	(void)parsed;
	struct slice chain = slice_cut(&word, ':');
	return (slice_is(chain, S("stellar")) || slice_is(chain, S("solana"))) && word.n <= LIMIT_NETWORK && slice_made_of(word, "-");
}

static const char *read_wallets(const struct option *o, struct slice text, void *field)
{
	return read_words(o, text, field, take_wallet, NULL, "must be chains with their networks, between spaces: stellar:pubnet solana:mainnet");
}

static bool take_network(struct slice word, struct buf *parsed)
{
	struct network n;
	bool good = network_parse(word, &n);
	if (good)
		buf_add(parsed, (struct slice){ (const char *)&n, sizeof n });
	return good;
}

static const char *read_networks(const struct option *o, struct slice text, void *field)
{
	struct networks *nets = field;
	struct buf list = { 0 };
	const char *wrong = read_words(o, text, &nets->words, take_network, &list,
		"must be addresses, networks or unix, between spaces: 127.0.0.1 10.0.0.0/8 ::1 unix");
	nets->list = (const struct network *)(const void *)list.p;
	nets->count = list.n / sizeof *nets->list;
	return wrong;
}

static void show_networks(struct buf *b, const void *field)
{
	const struct networks *nets = field;
	buf_add(b, nets->words);
}

/* ---- the file ---------------------------------------------------------- */

static const struct kind {
	const char *(*read)(const struct option *o, struct slice text, void *field);
	void (*show)(struct buf *b, const void *field);     /* NULL: one of words_of */
} kinds[OPTION_KIND__MAX] = {
	[OPTION_DURATION] = { read_duration, show_duration },
	[OPTION_WINDOW] = { read_window, show_window },
	[OPTION_NUMBER] = { read_number, show_number },
	[OPTION_MEMORY] = { read_memory, show_memory },
	[OPTION_SWITCH] = { read_switch, show_switch },
	[OPTION_AUDIT] = { read_word, NULL },
	[OPTION_HEADERS] = { read_word, NULL },
	[OPTION_ALG] = { read_word, NULL },
	[OPTION_NAME] = { read_name, show_text },
	[OPTION_GROUPS] = { read_groups, show_text },
	[OPTION_MOUNT] = { read_mount, show_mount },
	[OPTION_STORE] = { read_store, show_text },
	[OPTION_DIRECTORY] = { read_directory, show_text },
	[OPTION_HOST] = { read_host, show_text },
	[OPTION_ORIGINS] = { read_origins, show_text },
	[OPTION_CALLERS] = { read_callers, show_text },
	[OPTION_WALLETS] = { read_wallets, show_text },
	[OPTION_NETWORKS] = { read_networks, show_networks },
	[OPTION_TEXT] = { read_text, show_text },
	[OPTION_COLOR] = { read_color, show_color },
};

struct slice option_value(const struct config *c, size_t i)
{
	struct buf b = { 0 };
	const void *field = (const char *)c + options[i].offset;
	enum option_kind kind = options[i].kind;
	if (kinds[kind].show)
		kinds[kind].show(&b, field);
	else
		buf_s(&b, words_of[kind].words[*(const unsigned *)field]);
	return buf_slice(&b);
}

static const char *set_option(struct config *c, size_t i, struct slice text)
{
	return kinds[options[i].kind].read(&options[i], text, (char *)c + options[i].offset);
}

static size_t option_named(struct slice name)
{
	size_t i = 0;
	while (i < OPTIONS && !slice_is(name, slice_of(options[i].name)))
		i++;
	return i;
}

static const char *no_such_option(struct slice name)
{
	struct nearest n = { .word = name };
	for (size_t i = 0; i < OPTIONS; i++)
		nearest_try(&n, slice_of(options[i].name));
	return text_join("no such option", n.found ? nearest_advice(&n) : " (see latchkey config)", NULL);
}

/* A name that a message may show: an unknown one comes from the file. */
static bool name_like(struct slice s)
{
	return s.n > 0 && s.n <= 32 && slice_made_small(s, "_");
}

static bool has_control(struct slice s)
{
	for (const char *p = s.p, *end = p + s.n; p < end; p++)
		if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
			return true;
	return false;
}

static const char *at_line(const char *file, int64_t line, struct slice name, const char *what)
{
	return text_join(file, ":", dec(line), ": ", slice_text(name), name.n ? ": " : "", what, NULL);
}

static const char *read_own_dir(struct config *c, struct slice text)
{
	struct slice dir;
	const char *wrong = read_directory(&(const struct option){ .max = OPTION_PATH }, text, &dir);
	if (!wrong && text.n)
		c->dir = slice_text(dir);
	return wrong || text.n ? wrong : "must not be empty";
}

/* One file: where its lines go, which have been. */
struct reading {
	const char *file;
	bool script;                   /* which may say where its directory is */
	bool seen[OPTIONS + 1];        /* the last is that */
	struct config *out;
};

static const char *conf_line(struct slice line, int64_t number, struct reading *r)
{
	const char *file = r->file;
	if (has_control(line))
		return at_line(file, number, SLICE_NONE, "has a control character (lines end with LF alone)");
	struct slice value = slice_trim(slice_cut(&line, '#'));
	if (value.n == 0)
		return NULL;
	struct slice name = slice_trim(slice_cut(&value, '='));
	if (!value.p || !name_like(name))
		return at_line(file, number, SLICE_NONE, "is not of the form name = value");
	size_t i = option_named(name);
	bool dir = r->script && slice_is(name, S("dir"));
	if (i == OPTIONS && !dir)
		return at_line(file, number, name, no_such_option(name));
	if (r->seen[i])
		return at_line(file, number, name, "is given twice");
	r->seen[i] = true;
	value = slice_trim(value);
	const char *wrong = dir ? read_own_dir(r->out, value) : set_option(r->out, i, value);
	return wrong ? at_line(file, number, name, wrong) : NULL;
}

static const char *conf_lines(struct slice text, struct reading *r)
{
	const char *wrong = NULL;
	if (slice_starts(text, S(BYTE_ORDER_MARK)))
		text = slice_from(text, sizeof BYTE_ORDER_MARK - 1);
	for (int64_t line = 1; !wrong && text.p; line++)
		wrong = conf_line(slice_cut(&text, '\n'), line, r);
	return wrong;
}

const char *config_parse(struct slice text, struct config *out)
{
	struct reading r = { .file = "latchkey.conf", .out = out };
	*out = (struct config){ .dir = "." };
	for (size_t i = 0; i < OPTIONS; i++)
		set_option(out, i, slice_of(options[i].fallback));
	return conf_lines(text, &r);
}

const char *config_override(struct slice script, struct config *c)
{
	struct reading r = { .file = "script", .script = true, .out = c };
	return conf_lines(script, &r);
}

const char *config_read(const char *dir, struct config *out)
{
	struct slice text = SLICE_NONE;
	int error = file_read(path_in(dir, "latchkey.conf"), LIMIT_CONF, &text);
	if (error && error != ENOENT)
		return text_join("latchkey.conf: ", error == ELOOP ? "it is a link; put the file itself there" : strerror(error),
			error == EACCES ? "; see latchkey check" : "", NULL);
	const char *wrong = config_parse(text, out);
	out->dir = dir;
	store_keep_audit(out->audit_keep);
	return wrong ? wrong : store_locate(out->store, dir);
}

bool config_duration(struct slice text, int64_t *seconds)
{
	return read_units(text, time_units, seconds);
}

bool config_origin_listed(const struct config *c, struct slice origin)
{
	for (struct slice rest = c->cors_origins; rest.n;)
		if (slice_is(slice_cut(&rest, ' '), origin))
			return true;
	return false;
}
