/*
 * sha256: SHA-256 (FIPS 180-4) by instructions that the processor has for it.
 *
 * BearSSL's code in C takes 3 300 instructions for a block of 64 bytes, and a refresh hashes 21 blocks; this takes 180. It is for
 * processes that stay: to ask a processor what it has costs 4 µs in a virtual machine, as much as a request of its own process
 * would save.
 */
#ifndef SHA256_H
#define SHA256_H

#include <stdint.h>

enum { SHA256_BLOCK = 64 };     /* bytes */

/* Takes one more block into the state, FIPS 180-4's H(i) of 6.2.2. No branch and no index depends on either. */
typedef void sha256_block(uint32_t state[8], const uint8_t block[SHA256_BLOCK]);

/* The function for this processor, which is asked each time; NULL: it has no such instructions, or none that are known here. */
sha256_block *sha256_of_processor(void);

#endif
