/*
 * fill: rows by the hundred thousand, by latchkey's own rooms; and the sweep at work.
 *
 *   fill rows DIR COUNT SAMPLE
 *
 * Fills an initialised data directory: COUNT sessions, a user to each four, the audit trail full or with
 * a row for each session. Ids are random, as at sign-in, so the trees are as full as in use. Prints, with tabs
 * between: sessions, users, bytes of the users, of the sessions and their index, of the texts in them
 * (device, agent, address), of the audit rows. Then, a line each, the refresh tokens of SAMPLE of the sessions.
 *
 *   fill sweep DIR LIVE
 *
 * Sign-ins at a steady rate that nobody uses afterwards, by a clock of its own: LIVE of them within a
 * refresh_ttl, for ten of those. Each does to the store what a sign-in does. Prints, with a tab between:
 * the most rows that there were, and the rows at the end.
 *
 *   fill keys DIR COUNT USER
 *
 * Gives a user that many passkeys, as large as fit.
 */
#include "base/base.h"
#include "base/file.h"
#include "config.h"
#include "jwt.h"
#include "keys.h"
#include "passkey.h"
#include "store.h"
#include "store/engine.h"
#include "store/upkeep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	BATCH = 1000,           /* rows of one transaction: the store has 4 MiB for its log and all */
	FOURTH = 4,             /* sessions of a user: a phone, a laptop, a tablet, the office */
	TURNS = 10              /* refresh_ttl's of the sweep */
};

static const char *dir;
static struct config config;
static struct keyring ring;

/* What people come with; lengths are those of today's browsers and apps. */
static const struct { const char *device, *agent; } kinds[] = {
	{ "Pixel 8", "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36" },
	{ "Firefox on Linux", "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0" },
	{ "iPhone", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1" },
	{ "the app", "Example/3.2.1 (com.example.app; build:321; iOS 18.1.0) Alamofire/5.9.1" },
};

static _Noreturn void say(const char *text)
{
	fprintf(stderr, "fill: %s\n", text);
	exit(1);
}

/* Of the database file, its log emptied; 0 where the store is another program's. */
static int64_t file_size(void)
{
	struct stat s = { .st_size = 0 };
	store_tidy();
	size_t mark = arena_mark();
	if (stat(path_in(dir, "latchkey.db"), &s) && !store_is_remote)
		say("no database");
	arena_back(mark);
	return s.st_size;
}

static int64_t below(int64_t n)
{
	return (int64_t)(random_id() % (uint64_t)n);
}

/* Every BATCH rows a transaction of its own; the log is emptied between them. What the row before took of the arena is given back. */
static void next_row(int64_t i)
{
	static size_t before;
	if (i == 0)
		before = arena_mark();
	arena_back(before);
	if (i % BATCH)
		return;
	if (i)
		store_commit();
	store_tidy();
	store_begin(DURABLE_LATER);
}

static void add_user(uint64_t id, int64_t n, int64_t time)
{
	static const char phc[] = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	char name[32];
	snprintf(name, sizeof name, "person.%lld", (long long)n);
	struct user u = { .id = id, .name = slice_of(name), .password = slice_of(phc), .created_at = time };
	if (!store_user_add(&u))
		say("a user is there already: fill a new directory");
}

/* A session some way into its life. The address lies in where. */
static struct session some_session(uint64_t user, int64_t time, char where[32])
{
	size_t kind = (size_t)below(sizeof kinds / sizeof *kinds);
	struct session s = {
		.id = random_id(), .user = user, .ctr = 1 + below(2000), .br = random_id(), .idem = random_id(),
		.rotated_at = time - below(config.refresh_ttl / 2),
		.device = slice_of(kinds[kind].device), .agent = slice_of(kinds[kind].agent),
	};
	s.created_at = s.rotated_at - below(config.refresh_ttl);
	snprintf(where, 32, "%d.%d.%d.%d", (int)below(223) + 1, (int)below(256), (int)below(256), (int)below(256));
	s.ip = slice_of(where);
	return s;
}

static void print_token(const struct session *s)
{
	struct refresh_claims claims = { .iss = config.issuer, .sid = s->id, .ctr = s->ctr, .br = s->br,
		.iat = s->rotated_at, .exp = s->rotated_at + config.refresh_ttl };
	size_t mark = arena_mark();
	struct slice token = jwt_seal_refresh(&ring.key[0], &claims);
	printf("%.*s\n", (int)token.n, token.p);
	arena_back(mark);
}

static int64_t add_sessions(int64_t count, const uint64_t *user, int64_t time, struct session *kept, int64_t sample)
{
	int64_t texts = 0;
	char where[32];
	for (int64_t i = 0; i < count; i++) {
		next_row(i);
		struct session s = some_session(user[i / FOURTH], time, where);
		bool wanted = sample && i % (count / sample) == 0 && i / (count / sample) < sample;
		if (wanted) {
			s.br = jwt_branch(&ring.key[0], s.id, s.ctr, s.idem);
			kept[i / (count / sample)] = s;
		}
		store_session_add(&s);
		texts += (int64_t)(s.device.n + s.agent.n + s.ip.n);
	}
	store_commit();
	return texts;
}

static void add_audit(int64_t count, uint64_t user, int64_t time)
{
	for (int64_t i = 0; i < count; i++) {
		next_row(i);
		struct audit a = { .time = time, .mark = time, .event = EVENT_REFRESH, .user = user, .session = random_id(), .ip = S("203.0.113.77") };
		store_audit_add(&a, config.audit_max);
	}
	store_commit();
}

static void rows(int64_t count, int64_t sample)
{
	int64_t time = now(), users = (count + FOURTH - 1) / FOURTH;
	uint64_t *user = calloc((size_t)users, sizeof *user);
	struct session *kept = calloc((size_t)sample + 1, sizeof *kept);
	if (user == NULL || kept == NULL) {
		free(user);
		free(kept);
		say("no memory");
	}
	int64_t before = file_size();
	for (int64_t i = 0; i < users; i++) {
		next_row(i);
		add_user(user[i] = random_id(), i, time);
	}
	store_commit();
	int64_t with_users = file_size();
	int64_t texts = add_sessions(count, user, time, kept, sample);
	int64_t with_sessions = file_size();
	add_audit(count < config.audit_max ? count : config.audit_max, user[0], time);
	printf("%lld\t%lld\t%lld\t%lld\t%lld\t%lld\n", (long long)count, (long long)users, (long long)(with_users - before),
		(long long)(with_sessions - with_users), (long long)texts, (long long)(file_size() - with_sessions));
	for (int64_t i = 0; i < sample; i++)
		print_token(&kept[i]);
	free(kept);
	free(user);
}

static void sweep(int64_t live)
{
	int64_t start = now(), count = 0, most = 0;
	char where[32];
	for (int64_t i = 0; i < live * TURNS; i++) {
		next_row(i);
		int64_t time = start + i * config.refresh_ttl / live;
		struct session s = some_session(random_id(), time, where);
		s.rotated_at = s.created_at = time;
		store_session_add(&s);
		count += 1 - store_sweep(time, config.refresh_ttl);
		most = count > most ? count : most;
	}
	store_commit();
	printf("%lld\t%lld\n", (long long)most, (long long)count);
}

static void keys(int64_t count, const char *name)
{
	static const char filled[64] = "";
	struct user u;
	struct slice list = SLICE_NONE;
	if (!store_user_named(slice_of(name), &u))
		say("no such user");
	for (int64_t i = 0; i < count; i++) {
		char *id = arena(72);           /* with a key of ES256 and a label it is 255 bytes of text */
		snprintf(id, 72, "%071lld", (long long)i);
		struct user_key k = { .kind = S(PASSKEY_KIND), .id = { id, 72 }, .key = { filled, 64 }, .flags = 5, .created_at = now(), .label = S("the phone of the office, second floor") };
		if (keys_add(list, &k, &list) != ERROR_NONE)
			say("so many don't fit");
	}
	store_begin(DURABLE_NOW);
	store_user_keys_set(u.id, list);
	store_commit();
	printf("%zu\n", list.n);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		say("usage: fill rows DIR COUNT SAMPLE; fill sweep DIR LIVE; fill keys DIR COUNT USER");
	dir = argv[2];
	int64_t count = strtoll(argv[3], NULL, 10), sample = argc > 4 ? strtoll(argv[4], NULL, 10) : 0;
	const char *wrong = config_read(dir, &config);
	if (wrong == NULL)
		wrong = keyring_read(dir, &ring);
	if (wrong)
		say(wrong);
	if (count < 1 || sample < 0 || sample > count)
		say("COUNT is at least 1, SAMPLE at most COUNT");
	store_open(dir, 10);
	if (strcmp(argv[1], "rows") == 0)
		rows(count, sample);
	else if (strcmp(argv[1], "sweep") == 0)
		sweep(count);
	else if (strcmp(argv[1], "keys") == 0 && argc > 4)
		keys(count, argv[4]);
	else
		say("no such word");
	store_tidy();
	store_close();
	return 0;
}
