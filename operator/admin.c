/*
 * admin: see admin.h.
 *
 * The table `verbs` says of each verb its words, what may follow them, which
 * options it takes, and what must be done before it runs. Usage, help and
 * dispatch read it, so a new verb is a row and a function.
 *
 * Options may stand anywhere, as `--name VALUE` or `--name=VALUE`; after `--`
 * every word is an operand. An unknown option or verb is refused with exit code
 * 100 before any file is opened.
 */
#include "operator/admin.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/process.h"
#include "base/file.h"
#include "base/base.h"
#include "base/nearest.h"
#include "config.h"
#include "store.h"
#include "store/upkeep.h"
#include "operator/verbs.h"

#ifndef LK_VERSION
#define LK_VERSION "unversioned"
#endif

enum need {
	NEED_NOTHING,
	NEED_OPTIONS,   /* as NEED_CONF; where there is no directory the options have their defaults */
	NEED_DIRECTORY, /* the data directory exists; the verb itself becomes its owner */
	NEED_OWNER,     /* it exists, and this process is its owner */
	NEED_CONF,      /* also, its configuration is good */
	NEED_STORE,     /* also, the store is open; the verb begins its own transaction */
	NEED_CHANGE     /* also, the verb runs in a transaction, perhaps more than once */
};

#define OPT(name) (1u << OPT_##name)

static const struct { const char *name; bool takes_value; } option_words[OPT__MAX] = {
	[OPT_DIR] = { "--dir", true },
	[OPT_JSON] = { "--json", false },
	[OPT_SINCE] = { "--since", true },
	[OPT_FOLLOW] = { "--follow", false },
	[OPT_USE] = { "--use", true },
	[OPT_ALL] = { "--all", false },
	[OPT_USER] = { "--user", true },
	[OPT_LIVE] = { "--live", false },
	[OPT_UPGRADE] = { "--upgrade", false },
	[OPT_OWNER] = { "--owner", true },
	[OPT_REPAIR] = { "--repair", false },
	[OPT_EPOCH] = { "--epoch", false },
	[OPT_OLD] = { "--old", false },
	[OPT_HASH] = { "--hash", false },
	[OPT_GROUPS] = { "--groups", true },
	[OPT_PROMETHEUS] = { "--prometheus", false },
	[OPT_EXEC] = { "--exec", true },
	[OPT_URL] = { "--url", true },
	[OPT_AGAIN] = { "--again", false },
	[OPT_HELP] = { "--help", false },
	[OPT_VERSION] = { "--version", false },
};

struct verb {
	const char *words, *operands;
	size_t min, max;                /* operands */
	unsigned options;               /* beside those that every verb takes */
	enum need need;
	int (*ask)(struct verb_call *c);     /* before the store is opened; may be NULL */
	int (*run)(struct verb_call *c);     /* NULL: main's */
	const char *help;
};

enum { HELP_WORDS = 2, WORDS_MAX = VERB_OPERANDS + HELP_WORDS };

struct line {
	struct slice word[WORDS_MAX];
	size_t words;
	struct verb_call call;
};

/* ---- help -------------------------------------------------------------- */

static int help(struct verb_call *c);

static int version(struct verb_call *c)
{
	buf_s(&c->done, "latchkey " LK_VERSION " (");
	buf_s(&c->done, store_engine());
	buf_s(&c->done, ")\n");
	return VERB_DONE;
}

static const struct verb verbs[] = {
	{ "init", "[--upgrade] [--owner USER]", 0, 0, OPT(UPGRADE) | OPT(OWNER), NEED_NOTHING, NULL, verb_init,
		"make a data directory, its first key and its database" },
	{ "user add", "NAME [--groups A,B] [--hash]", 1, 1, OPT(HASH) | OPT(GROUPS), NEED_CHANGE, ask_first_password, verb_user_add,
		"add a user; asks for the password, or for another program's hash of it" },
	{ "user invite", "NAME [--groups A,B] [--url URL]", 1, 1, OPT(GROUPS) | OPT(URL), NEED_STORE, ask_invitation, verb_user_invite,
		"add a user who has no password yet; prints a link to choose one by" },
	{ "user link", "NAME [--url URL]", 1, 1, OPT(URL), NEED_CHANGE, ask_link, verb_user_link,
		"a link for a lost password; good once, for 24 hours" },
	{ "user list", "[--json]", 0, 0, OPT(JSON), NEED_CONF, NULL, verb_user_list,
		"all users" },
	{ "user passwd", "NAME [--hash]", 1, 1, OPT(HASH), NEED_CHANGE, ask_next_password, verb_user_passwd,
		"set a user's password; ends the user's sessions" },
	{ "user rename", "NAME NEW", 2, 2, 0, NEED_CHANGE, NULL, verb_user_rename,
		"give a user another name; id, password and sessions stay" },
	{ "user set", "NAME groups|email|name|subscription VALUE", 3, 3, 0, NEED_CHANGE, ask_setting, verb_user_set,
		"set what apps are told of a user; '' unsets it, null a subscription" },
	{ "user totp", "NAME off", 2, 2, 0, NEED_CHANGE, NULL, verb_user_totp,
		"take a user's second factor away, who has lost it" },
	{ "user keys", "NAME [forget ID] [--json]", 1, 3, OPT(JSON), NEED_CHANGE, NULL, verb_user_keys,
		"a user's passkeys; forget one, of a device that was lost" },
	{ "user disable", "NAME", 1, 1, 0, NEED_CHANGE, NULL, verb_user_disable,
		"refuse a user; ends the user's sessions" },
	{ "user enable", "NAME", 1, 1, 0, NEED_CHANGE, NULL, verb_user_enable,
		"admit a disabled user again" },
	{ "user delete", "NAME", 1, 1, 0, NEED_CHANGE, NULL, verb_user_delete,
		"delete a user and the user's sessions" },
	{ "user import", "", 0, 0, 0, NEED_CHANGE, ask_users, verb_user_import,
		"add users with their hashes: htpasswd, CSV or JSON lines on stdin" },
	{ "user export", "", 0, 0, 0, NEED_CONF, NULL, verb_user_export,
		"all users with their hashes, a line of JSON each" },
	{ "session list", "[USER] [--all] [--json]", 0, 1, OPT(ALL) | OPT(JSON), NEED_CONF, NULL, verb_session_list,
		"live sessions; with --all those that are over, too" },
	{ "session revoke", "ID | --user NAME", 0, 1, OPT(USER), NEED_CHANGE, ask_session, verb_session_revoke,
		"end one session, or all of a user's" },
	{ "client add", "NAME [FLAGS] [URI...]", 1, VERB_OPERANDS, 0, NEED_STORE, NULL, verb_client_add,
		"let people sign in to a program by OAuth 2; prints its secret" },
	{ "client list", "[--json]", 0, 0, OPT(JSON), NEED_CONF, NULL, verb_client_list,
		"programs that people sign in to by OAuth 2" },
	{ "client secret", "CLIENT", 1, 1, 0, NEED_STORE, NULL, verb_client_secret,
		"give a client another secret, and print it" },
	{ "client remove", "CLIENT", 1, 1, 0, NEED_STORE, NULL, verb_client_remove,
		"forget a client; ends its sessions" },
	{ "key list", "[--json]", 0, 0, OPT(JSON), NEED_CONF, NULL, verb_key_list,
		"kids and dates, from when each can go; never a key" },
	{ "key rotate", "[--epoch]", 0, 0, OPT(EPOCH), NEED_STORE, NULL, verb_key_rotate,
		"sign with a new key; --epoch: and end all sessions and keys" },
	{ "key stage", "", 0, 0, 0, NEED_STORE, NULL, verb_key_stage,
		"make a key that verifies and is exported, but doesn't sign yet" },
	{ "key use", "KID", 1, 1, 0, NEED_STORE, NULL, verb_key_use,
		"sign with that key from now on" },
	{ "key retire", "KID | --old", 0, 1, OPT(OLD), NEED_STORE, ask_old, verb_key_retire,
		"forget a key, whose tokens are refused at once, or all that can go" },
	{ "key import", "", 0, 0, 0, NEED_STORE, ask_key, verb_key_import,
		"sign with a key given as 64 hexadecimal digits on stdin" },
	{ "key publish", "", 0, 0, 0, NEED_OWNER, NULL, verb_key_publish,
		"write the public keys, and missing RSA keys, again" },
	{ "key export", "[KID | --all] [--use access|refresh]", 0, 1, OPT(USE) | OPT(ALL), NEED_CONF, NULL, verb_key_export,
		"a derived key as JWK: who has it can forge that kind of token" },
	{ "throttle list", "[--json]", 0, 0, OPT(JSON), NEED_CONF, NULL, verb_throttle_list,
		"who waits before a password is looked at again, and failed tries" },
	{ "throttle forgive", "NAME|ADDRESS", 1, 1, 0, NEED_CONF, NULL, verb_throttle_forgive,
		"forget the failed tries of a user, or from an address" },
	{ "audit", "[--json] [--since WHEN] [--follow [--exec PROGRAM]]", 0, 0, OPT(JSON) | OPT(SINCE) | OPT(FOLLOW) | OPT(EXEC), NEED_CONF, NULL,
		verb_audit, "what happened; WHEN is a duration (2h) or Unix seconds" },
	{ "stats", "[--json | --prometheus]", 0, 0, OPT(JSON) | OPT(PROMETHEUS), NEED_CONF, NULL, verb_stats,
		"users, sessions, events of the last day and bytes, in numbers" },
	{ "config", "[--json]", 0, 0, OPT(JSON), NEED_OPTIONS, NULL, verb_config,
		"every option: value, default, meaning" },
	{ "verify", "[--live]", 0, 0, OPT(LIVE), NEED_CONF, NULL, verb_verify,
		"an access token on stdin: its claims, or exit code 1; --live asks the store" },
	{ "check", "[--repair] [--json]", 0, 0, OPT(REPAIR) | OPT(JSON), NEED_DIRECTORY, NULL, verb_check,
		"what is wrong here, and what to do about it, or do it" },
	{ "clock trust", "", 0, 0, 0, NEED_CHANGE, NULL, verb_clock_trust,
		"believe this host's clock, where the store's time is the wrong one" },
	{ "backup", "FILE|-", 1, 1, 0, NEED_DIRECTORY, NULL, verb_backup,
		"copy the database to FILE while requests go on; not the keys" },
	{ "restore", "FILE|-", 1, 1, 0, NEED_DIRECTORY, NULL, verb_restore,
		"put a copy in the database's place while requests go on" },
	{ "migrate out", "", 0, 0, 0, NEED_CONF, NULL, verb_migrate_out,
		"write users, sessions and events for migrate in; requests go on" },
	{ "migrate in", "[--again]", 0, 0, OPT(AGAIN), NEED_STORE, NULL, verb_migrate_in,
		"take them in from stdin, into an empty store of the same keys" },
	{ "serve", "[ADDR:PORT|unix:PATH] [--workers N] [--idle SECONDS] [--demo]", 0, 1, 0, NEED_NOTHING, NULL, NULL,
		"listen by itself, on 127.0.0.1:8080 by default" },
	{ "version", "", 0, 0, 0, NEED_NOTHING, NULL, version,
		"version of latchkey and of SQLite" },
	{ "help", "[VERB]", 0, HELP_WORDS, 0, NEED_NOTHING, NULL, help,
		"this" },
};
enum { VERBS = sizeof verbs / sizeof *verbs, HELP_COLUMN = 51 };

/* How many words of the line name the verb; 0 if it isn't this verb. */
static size_t verb_length(const struct verb *v, const struct slice *word, size_t words)
{
	struct slice rest = slice_of(v->words);
	size_t n = 0;
	while (rest.p) {
		struct slice next = slice_cut(&rest, ' ');
		if (n == words || !slice_is(word[n], next))
			return 0;
		n++;
	}
	return n;
}

/* Whether the verb's words begin with those of the line: `user` is about all verbs of users. */
static bool is_about(const struct verb *v, const struct slice *word, size_t words)
{
	struct slice rest = slice_of(v->words);
	for (size_t i = 0; i < words && rest.p; i++)
		if (!slice_is(word[i], slice_cut(&rest, ' ')))
			return false;
	return true;
}

static void add_usage(struct buf *b, const struct verb *v)
{
	buf_s(b, "latchkey ");
	buf_s(b, v->words);
	buf_s(b, *v->operands ? " " : "");
	buf_s(b, v->operands);
}

static int help(struct verb_call *c)
{
	bool found = false;
	for (size_t i = 0; i < VERBS; i++) {
		size_t from = c->done.n;
		if (!is_about(&verbs[i], c->operand, c->operands))
			continue;
		found = true;
		add_usage(&c->done, &verbs[i]);
		buf_pad(&c->done, from, HELP_COLUMN);
		buf_s(&c->done, "  ");
		buf_s(&c->done, verbs[i].help);
		buf_c(&c->done, '\n');
	}
	if (!found)
		return verb_refuse(c, "no such verb; latchkey help lists them all", SLICE_NONE);
	buf_s(&c->done, "\nEach takes --dir DIR (else LATCHKEY_DIR, else /var/lib/latchkey).\n"
		"Exit codes: 0 done, 1 refused, 100 usage, 111 system. See latchkey(8).\n");
	return VERB_DONE;
}

/* Prints what is wrong, and the usage of the verb, or of all verbs that begin with the same word. */
static int usage(const struct line *l, const struct verb *v, const char *why)
{
	struct buf b = { 0 };
	log_line("usage", why, NULL);
	for (size_t i = 0; i < VERBS; i++)
		if (v ? v == &verbs[i] : l->words && is_about(&verbs[i], l->word, 1)) {
			add_usage(&b, &verbs[i]);
			buf_c(&b, '\n');
		}
	if (b.n == 0)
		buf_s(&b, "latchkey help lists all verbs\n");
	write_all(STDERR_FILENO, buf_slice(&b));
	return VERB_USAGE;
}

/* ---- the line ---------------------------------------------------------- */

static const char *no_such_option(struct slice name)
{
	struct nearest n = { .word = name };
	for (size_t o = 0; o < OPT__MAX; o++)
		nearest_try(&n, slice_of(option_words[o].name));
	return text_join("no such option: ", slice_text(name), nearest_advice(&n), NULL);
}

/* Reads the option at argv[*i], and its value. NULL, or what is wrong; a value, which may be a secret, isn't shown. */
static const char *take_option(struct verb_call *c, int argc, char **argv, int *i)
{
	struct slice value = slice_of(argv[*i]), name = slice_cut(&value, '=');
	size_t o = 0;
	if (slice_is(name, S("-h")))
		name = slice_of(option_words[OPT_HELP].name);
	while (o < OPT__MAX && !slice_is(name, slice_of(option_words[o].name)))
		o++;
	if (o == OPT__MAX)
		return no_such_option(name);
	if (value.p && !option_words[o].takes_value)
		return text_join(option_words[o].name, " takes no value", NULL);
	if (option_words[o].takes_value && !value.p)
		value = ++*i < argc ? slice_of(argv[*i]) : SLICE_NONE;
	c->given[o] = true;
	c->value[o] = value;
	return value.n || !option_words[o].takes_value ? NULL : text_join(option_words[o].name, " needs a value", NULL);
}

/* Reads argv into words and options. NULL, or what is wrong. */
static const char *read_line(struct line *l, int argc, char **argv)
{
	bool options_on = true;
	const char *wrong = NULL;
	for (int i = 1; !wrong && i < argc; i++) {
		struct slice arg = slice_of(argv[i]);
		if (options_on && slice_is(arg, S("--"))) {
			options_on = false;
		} else if (options_on && arg.n > 1 && arg.p[0] == '-') {
			wrong = take_option(&l->call, argc, argv, &i);
		} else if (l->words == WORDS_MAX) {
			return "too many words";
		} else {
			l->word[l->words++] = arg;
		}
	}
	return wrong;
}

/* NULL, or the option that the verb doesn't take. */
static const char *odd_option(const struct verb_call *c, const struct verb *v)
{
	for (size_t o = 0; o < OPT__MAX; o++)
		if (c->given[o] && !((v->options | OPT(DIR)) & 1u << o))
			return option_words[o].name;
	return NULL;
}

/* --help and --version become the verbs help and version. The words of the line become help's operands. */
static void unmask(struct line *l)
{
	struct verb_call *c = &l->call;
	bool asked = c->given[OPT_HELP];
	if (!asked && !c->given[OPT_VERSION])
		return;
	size_t about = asked ? l->words : 0;
	if (about > HELP_WORDS)
		about = HELP_WORDS;
	memmove(&l->word[1], &l->word[0], about * sizeof l->word[0]);
	l->word[0] = asked ? S("help") : S("version");
	l->words = 1 + about;
	memset(c->given, 0, sizeof c->given);
}

static const struct verb *find_verb(struct line *l)
{
	struct verb_call *c = &l->call;
	for (size_t i = 0; i < VERBS; i++) {
		size_t n = verb_length(&verbs[i], l->word, l->words);
		if (n == 0)
			continue;
		c->verb = verbs[i].words;
		for (size_t k = n; k < l->words && c->operands < VERB_OPERANDS; k++)
			c->operand[c->operands++] = l->word[k];
		return &verbs[i];
	}
	return NULL;
}

/* The second word is shown where it belongs to a verb: elsewhere it may be anything, a password too. */
static const char *no_such_verb(const struct line *l)
{
	struct slice first = l->word[0];
	const char *both = text_join(slice_text(first), " ", slice_text(l->word[1]), NULL);
	struct nearest one = { .word = first }, two = { .word = slice_of(both) };
	bool family = false;
	for (size_t i = 0; i < VERBS; i++) {
		struct slice rest = slice_of(verbs[i].words), head = slice_cut(&rest, ' ');
		family |= rest.p && slice_is(head, first);
		if (rest.p == NULL || l->words == 1)
			nearest_try(&one, head);
		if (rest.p && l->words > 1)
			nearest_try(&two, slice_of(verbs[i].words));
	}
	bool second = l->words > 1 && (family || two.found);
	const char *advice = two.found ? nearest_advice(&two) : family ? "" : nearest_advice(&one);
	return text_join("no such verb: ", second ? both : slice_text(first), advice, NULL);
}

/* NULL, or what is wrong with the words after a verb. */
static const char *misuse(const struct line *l, const struct verb *v)
{
	size_t operands = l->words - verb_length(v, l->word, l->words);
	if (operands < v->min)
		return "something is missing";
	if (operands > v->max)
		return "too many words";
	const char *odd = odd_option(&l->call, v);
	if (odd)
		return text_join("this verb doesn't take the option ", odd, NULL);
	return v->run ? NULL : "serve must be the first word";
}

/* ---- running ----------------------------------------------------------- */

/* The data directory, without slashes at its end, for mkdir(2) and messages. */
static const char *directory(const struct verb_call *c)
{
	struct slice dir = slice_of(config_dir(c->given[OPT_DIR] ? c->value[OPT_DIR].p : NULL));
	while (dir.n > 1 && dir.p[dir.n - 1] == '/')
		dir.n--;
	return slice_text(dir);
}

static void meet(struct verb_call *c, enum need need)
{
	struct stat st;
	const char *wrong = NULL;
	if (need == NEED_OPTIONS) {
		need = stat(c->dir, &st) == 0 ? NEED_CONF : NEED_NOTHING;
		config_parse(SLICE_NONE, &c->conf);
	}
	if (need >= NEED_DIRECTORY && stat(c->dir, &st))
		fail(ERROR_STORE_UNAVAILABLE, "AD1", config_no_dir(c->dir), NULL);
	if (need >= NEED_OWNER)
		process_become_owner(c->dir);
	if (need >= NEED_OWNER && st.st_uid != geteuid())
		fail(ERROR_STORE_UNAVAILABLE, "AD3", c->dir, " belongs to user id ", dec(st.st_uid), "; run it as root (sudo) or as that user", NULL);
	if (need >= NEED_CONF)
		wrong = config_read(c->dir, &c->conf);
	c->work.config = &c->conf;
	if (wrong)
		fail(ERROR_STORE_UNAVAILABLE, "AD2", wrong, NULL);
}

/* A verb that changes the store, and what it came to. */
struct change { struct verb_call *call; int (*run)(struct verb_call *c); int code; };

/* Called inside a transaction, perhaps more than once: first it removes what an earlier call left. */
static enum error run_change(void *change)
{
	struct change *ch = change;
	ch->call->done.n = 0;
	ch->call->work.note = (struct audit){ 0 };
	ch->call->why = NULL;
	ch->code = ch->run(ch->call);
	return ch->code == VERB_DONE ? ERROR_NONE : ERROR_INVALID_REQUEST;
}

static int change(struct verb_call *c, const struct verb *v)
{
	struct change ch = { .call = c, .run = v->run };
	store_open(c->dir, VERB_WAIT);
	verb_clock(c);
	if (v->need == NEED_CHANGE)
		store_run(DURABLE_NOW, run_change, &ch);
	else
		ch.code = v->run(c);
	store_settle();
	store_close();
	if (ch.code == VERB_DONE)
		verb_log(c);
	return ch.code;
}

static int run(struct verb_call *c, const struct verb *v)
{
	c->dir = directory(c);
	meet(c, v->need);
	int code = v->ask ? v->ask(c) : VERB_DONE;
	if (code == VERB_DONE)
		code = v->need >= NEED_STORE ? change(c, v) : v->run(c);
	if (code == VERB_REFUSED && c->why)
		log_line(c->verb, c->why, slice_text(c->about), NULL);
	if (!rows_print(buf_slice(&c->done)))
		return VERB_SYSTEM;
	return code;
}

int admin_main(int argc, char **argv)
{
	static struct line l;
	l = (struct line){ .words = 0 };
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });   /* it may hold a password or the keys */
	const char *wrong = read_line(&l, argc, argv);
	if (wrong)
		return usage(&l, NULL, wrong);
	unmask(&l);
	const struct verb *v = find_verb(&l);
	if (!v)
		return usage(&l, NULL, l.words ? no_such_verb(&l) : "a verb is needed");
	wrong = misuse(&l, v);
	return wrong ? usage(&l, v, wrong) : run(&l.call, v);
}
