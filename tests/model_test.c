/*
 * model_test: the rotation table against a model of it, in random sequences (model.h).
 *
 * MODEL_SEED and MODEL_COUNT choose the sequences; sequence i is seeded MODEL_SEED + i, so that
 * one that fails runs alone with MODEL_SEED=what was printed and MODEL_COUNT=1.
 */
#include "model.h"

static uint64_t rng;

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t split_mix(uint64_t below)
{
	uint64_t z = rng += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % below;
}

static bool sequence(uint64_t seed)
{
	rng = seed;
	begin();
	int steps = 6 + pick(40);
	mismatches = 0;
	for (int i = 0; i < steps && step(); i++)
		;
	if (mismatches)
		printf("# seed %" PRIu64 ", audit %s, session_ttl %" PRId64 "\n%s", seed, w.m.audited ? "table" : "off", config.session_ttl, trace);
	return !mismatches;
}

/* ---- who shares a token, and who only seems to --------------------------- */

/*
 * At each expiry one party rotates, and within the grace the others come with the same token. A thief can only stay in
 * step so; and so do clients that nobody should sign out. What the table makes of each, over GENERATIONS.
 */
enum { GENERATIONS = 100 };

static const struct sharing {
	const char *who;
	int found;                  /* in which generation from the first that both have; 0: never */
	int takes_turns;            /* in each so-manieth generation the other one is first; 0: never */
	bool keyed, same_key;
	int each;                   /* the others come in each so-manieth generation; below 0: in all but each so-manieth */
	int others;
	struct place first, other;
} sharings[] = {
	{ "a thief elsewhere, without a key", 3, 0, false, false, 1, 1, { 0, 0 }, { 3, 0 } },
	{ "a thief elsewhere, with keys of his own", 3, 0, true, false, 1, 1, { 0, 0 }, { 3, 0 } },
	{ "a thief who asks five times", 3, 0, true, false, 1, 5, { 0, 0 }, { 3, 0 } },
	{ "a thief elsewhere, who is first each second time", 3, 2, true, false, 1, 1, { 0, 0 }, { 4, 0 } },
	{ "a thief elsewhere, who is always first", 3, 1, false, false, 1, 1, { 0, 0 }, { 3, 1 } },
	{ "a thief behind the same front, by another program", 3, 0, true, false, 1, 1, { 0, 0 }, { 0, 1 } },
	{ "a thief in the same network, by the same program", 0, 0, true, false, 1, 1, { 0, 0 }, { 0, 0 } },
	{ "tabs without a lock, a key each", 0, 0, true, false, 1, 1, { 0, 0 }, { 0, 0 } },
	{ "five refreshes at once, without keys", 0, 0, false, false, 1, 4, { 0, 0 }, { 0, 0 } },
	{ "five refreshes at once, through a pool of addresses", 0, 0, false, false, 1, 4, { 0, 0 }, { 1, 0 } },
	{ "five refreshes at once, in a network of IPv6", 0, 0, false, false, 1, 4, { 5, 2 }, { 6, 2 } },
	{ "a phone with keys, in another network for each retry", 0, 0, true, true, 1, 2, { 0, 0 }, { 3, 0 } },
	{ "a phone without keys, in another network for each second retry", 0, 0, false, false, 2, 1, { 0, 0 }, { 3, 0 } },
	{ "a phone without keys, in another network for two retries of three", 0, 0, false, false, -3, 1, { 0, 0 }, { 3, 0 } },
};

/* The successor that is answered, instead of *token; false: none is. */
static bool asks(char **token, uint64_t key, struct place from)
{
	char body[LIMIT_JWT + 128];
	struct request rq = request_from(from, METHOD_POST, "/refresh");
	int n = snprintf(body, sizeof body, "{\"refresh_token\":\"%s\"", *token);
	if (key)
		n += snprintf(body + n, sizeof body - (size_t)n, ",\"idempotency_key\":\"k%" PRIu64 "\"", key);
	snprintf(body + n, sizeof body - (size_t)n, "}");
	rq.body = slice_of(body);
	struct reply rp = ask(&rq);
	char *successor = part(&rp.body, "\"refresh_token\":\"", "\"");
	free(*token);
	*token = successor;
	return successor != NULL;
}

/* One generation; false where the session ended. */
static bool generation(const struct sharing *x, int number, char **token)
{
	bool turned = x->takes_turns && number % x->takes_turns == 0;
	struct place first = turned ? x->other : x->first, other = turned ? x->first : x->other;
	uint64_t key = x->keyed ? ++next_key : 0;
	char *shown = strdup(*token);
	bool good = asks(token, key, first), come = (number % x->each == 0) == (x->each > 0);
	for (int i = 0; i < x->others && good && come; i++) {
		char *again = strdup(shown);
		key = x->keyed && !x->same_key ? ++next_key : key;
		clock_now += pick(2);
		good = asks(&again, key, other) && strcmp(again, *token) == 0;
		free(again);
	}
	free(shown);
	clock_now += ACCESS;
	return good;
}

/* In which generation it ended; 0: in none. */
static int ends_in(const struct sharing *x)
{
	begin();
	config.session_ttl = config.retry_window = 0;
	w.m.rows = 1;
	open_row(0, 0, APP, false, false, clock_now);
	sign_in_directly(0, 0, false, clock_now);
	char *token = strdup(texts[0]);
	int end = 0;
	for (int i = 1; i <= GENERATIONS && end == 0; i++) {
		size_t mark = arena_mark();
		end = generation(x, i, &token) ? 0 : i;
		arena_back(mark);
	}
	free(token);
	return end;
}

static void sharing(void)
{
	for (size_t i = 0; i < sizeof sharings / sizeof *sharings; i++) {
		int end = ends_in(&sharings[i]);
		is_int(end, sharings[i].found, "%s: %s", sharings[i].who, end ? text_join("found in generation ", dec(end), NULL) : "stays signed in");
	}
}

static uint64_t environment(const char *name, uint64_t fallback)
{
	const char *value = getenv(name);
	return value ? strtoull(value, NULL, 10) : fallback;
}

/* Sanitizers and -O0 take up to ten times as long. */
#if defined ARENA_MALLOC || defined LK_COVERAGE
enum { COUNT = 1000, OVER_PG = 60 };
#else
enum { COUNT = 10000, OVER_PG = 60 };
#endif

int main(void)
{
	uint64_t seed = environment("MODEL_SEED", 20250101), count = environment("MODEL_COUNT", pg_home_keep ? OVER_PG : COUNT), done = 0, wrong = 0;
	model_draw = split_mix;
	set_up();
	diag("MODEL_SEED=%" PRIu64 " MODEL_COUNT=%" PRIu64, seed, count);
	while (done < count && wrong < 3)
		wrong += !sequence(seed + done++);
	is_int(wrong, 0, "%" PRIu64 " random sequences, %d requests and %d power cuts: server and model agree", done, requests, outages);
	for (int i = 0; i < OUTCOMES; i++)
		ok(counts[i] > 0 || count < 5000, "%s: %d times", outcomes[i].name, counts[i]);
	sharing();
	diag("%.1f s of CPU", (double)clock() / CLOCKS_PER_SEC);
	clean_up();
	return done_testing();
}
