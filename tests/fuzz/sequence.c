/*
 * Whole sequences of requests against a real store, with the model of the rotation table as the oracle (model.h): each
 * byte draws what happens next, and who, and when. It ends with the input; but one of eight bytes is the number of a
 * random sequence of STEPS.
 */
#include "fuzz.h"
#include "model.h"

const bool fuzz_starves = false;        /* the store goes on */

enum { STEPS = 64 };

static struct slice left;
static uint64_t seed;

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t split_mix(void)
{
	uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* As many bytes as it takes; zeros behind the end. */
static uint64_t draw(uint64_t below)
{
	uint64_t value = 0;
	if (seed)
		return split_mix() % below;
	for (uint64_t room = 1; room < below && room; room <<= 8) {
		value = value << 8 | (left.n ? (uint8_t)*left.p : 0);
		left = slice_from(left, 1);
	}
	return value % below;
}

static void stop(void)
{
	clean_up();
}

void fuzz_start(void)
{
	model_draw = draw;
	set_up();
	HOLDS(atexit(stop) == 0);
}

void fuzz_one(struct slice in)
{
	left = in;
	seed = 0;
	if (in.n == sizeof seed)
		memcpy(&seed, in.p, sizeof seed);
	begin();
	mismatches = 0;
	for (int i = 0; i < STEPS && left.n && step(); i++)
		;
	if (mismatches)
		fuzz_tell(trace);
	HOLDS(mismatches == 0);
}
