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

static uint64_t environment(const char *name, uint64_t fallback)
{
	const char *value = getenv(name);
	return value ? strtoull(value, NULL, 10) : fallback;
}

/* Sanitizers and -O0 take up to ten times as long. */
#if defined ARENA_MALLOC || defined LK_COVERAGE
enum { COUNT = 1000 };
#else
enum { COUNT = 10000 };
#endif

int main(void)
{
	uint64_t seed = environment("MODEL_SEED", 20250101), count = environment("MODEL_COUNT", COUNT), done = 0, wrong = 0;
	model_draw = split_mix;
	set_up();
	diag("MODEL_SEED=%" PRIu64 " MODEL_COUNT=%" PRIu64, seed, count);
	while (done < count && wrong < 3)
		wrong += !sequence(seed + done++);
	is_int(wrong, 0, "%" PRIu64 " random sequences, %d requests and %d power cuts: server and model agree", done, requests, outages);
	for (int i = 0; i < OUTCOMES; i++)
		ok(counts[i] > 0 || count < 5000, "%s: %d times", outcomes[i].name, counts[i]);
	diag("%.1f s of CPU", (double)clock() / CLOCKS_PER_SEC);
	clean_up();
	return done_testing();
}
