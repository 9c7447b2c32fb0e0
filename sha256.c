/*
 * sha256: see sha256.h. x86-64 with the SHA extensions (Intel's since 2016, AMD's since 2017).
 *
 * The instructions want the eight words of the state as two vectors, A B E F and C D G H, from the highest lane to the lowest,
 * and four words of the message at a time, the earliest in the lowest lane.
 */
#include "sha256.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __x86_64__

#include <cpuid.h>
#include <immintrin.h>

#define WITH_SHA __attribute__((target("sha,sse4.1")))

enum { LEAF_FEATURES = 7, BIT_SHA = 29 };

static const _Alignas(16) uint32_t constant[64] = {     /* FIPS 180-4, 4.2.2 */
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

struct lanes {
	__m128i abef, cdgh;
	__m128i w[4];           /* the next 16 words of the message schedule, W(t) */
};

WITH_SHA static inline __m128i load(const void *at)
{
	return _mm_loadu_si128(at);
}

WITH_SHA static inline void read_state(struct lanes *l, const uint32_t state[8])
{
	__m128i cdab = _mm_shuffle_epi32(load(state), 0xb1), efgh = _mm_shuffle_epi32(load(state + 4), 0x1b);
	l->abef = _mm_alignr_epi8(cdab, efgh, 8);
	l->cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
}

WITH_SHA static inline void write_state(uint32_t state[8], const struct lanes *l)
{
	__m128i feba = _mm_shuffle_epi32(l->abef, 0x1b), dchg = _mm_shuffle_epi32(l->cdgh, 0xb1);
	_mm_storeu_si128((void *)state, _mm_blend_epi16(feba, dchg, 0xf0));
	_mm_storeu_si128((void *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

/* Rounds t to t + 3, whose words are w[t / 4 % 4]; these are then replaced by W(t + 16) to W(t + 19), which rounds 64 and up have not. */
WITH_SHA __attribute__((always_inline)) static inline void four_rounds(struct lanes *l, size_t t, size_t i)
{
	__m128i *w = l->w, *next = &w[(i + 3) % 4];
	__m128i sum = _mm_add_epi32(w[i], load(constant + t));
	l->cdgh = _mm_sha256rnds2_epu32(l->cdgh, l->abef, sum);
	l->abef = _mm_sha256rnds2_epu32(l->abef, l->cdgh, _mm_shuffle_epi32(sum, 0x0e));
	__m128i minus_7 = _mm_alignr_epi8(*next, w[(i + 2) % 4], 4);
	w[i] = _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(w[i], w[(i + 1) % 4]), minus_7), *next);
}

WITH_SHA static void take_block(uint32_t state[8], const uint8_t block[SHA256_BLOCK])
{
	const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	struct lanes l;
	read_state(&l, state);
	const __m128i abef = l.abef, cdgh = l.cdgh;
	for (size_t i = 0; i < 4; i++)
		l.w[i] = _mm_shuffle_epi8(load(block + 16 * i), big_endian);
	for (size_t t = 0; t < 64; t += 16) {
		four_rounds(&l, t, 0);
		four_rounds(&l, t + 4, 1);
		four_rounds(&l, t + 8, 2);
		four_rounds(&l, t + 12, 3);
	}
	l.abef = _mm_add_epi32(l.abef, abef);
	l.cdgh = _mm_add_epi32(l.cdgh, cdgh);
	write_state(state, &l);
}

sha256_block *sha256_of_processor(void)
{
	unsigned a, b, c, d;
	bool has_sha = __get_cpuid_count(LEAF_FEATURES, 0, &a, &b, &c, &d) && b >> BIT_SHA & 1;
	return has_sha ? take_block : NULL;
}

#else

sha256_block *sha256_of_processor(void)
{
	return NULL;
}

#endif
