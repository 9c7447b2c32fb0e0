/*
 * wallet: people sign in with the key of their wallet. The text that a wallet shows and signs, and what comes back.
 *
 * The text is in the form of EIP-4361, with the chain's name in it, and its Nonce is ours: 16 digits of the id that is reserved for
 * the session, and 32 of a MAC over the whole text. So nothing is stored when one is asked for, and only a text that latchkey wrote is
 * taken. Stellar's wallets sign by SEP-53, Solana's the text itself; both with Ed25519 (RFC 8032).
 *
 * A text is read by a person alone, whom a false site can show ours: a wallet is as phishable as a password (docs/security.md).
 *
 * This room can be left out: make WITHOUT=wallet. Its functions are weak references for the rooms that use them, so `wallet_find` is NULL
 * there.
 */
#ifndef WALLET_H
#define WALLET_H

#include "audit.h"
#include "base/base.h"
#include "keyring.h"

enum {
	WALLET_KEY = 32,                /* bytes of a public key */
	WALLET_SECONDS = 300,           /* for so long a text may be signed */
	WALLET_MESSAGE = LIMIT_MESSAGE
};

/* A wallet that says who it is. */
struct wallet {
	struct slice chain, network;    /* "stellar", "pubnet" */
	struct slice address;           /* as its users know it */
	uint8_t key[WALLET_KEY];        /* which the address stands for */
};

/*
 * The wallet of an address on a chain, which borrows all three. networks: option `wallets`, words "chain:network" between single spaces.
 * False where the chain isn't listed, or the address is none of it: Stellar's has 56 letters of base32 with a checksum, Solana's is base58 of 32
 * bytes, in their only spelling.
 */
bool wallet_find(struct slice networks, struct slice chain, struct slice address, struct wallet *out) __attribute__((weak));

/* What people call a chain that option `wallets` may list: "Stellar". */
struct slice wallet_title(struct slice chain) __attribute__((weak));

/* The text to sign, in the arena; ring->key[0] makes its MAC, w->time is settled. sid: the id that the session will have. */
struct slice wallet_text(const struct work *w, const struct keyring *ring, const struct wallet *wallet, uint64_t sid) __attribute__((weak));

/*
 * Whether the text is one that this host, or another with its keys, wrote for that wallet, and *sid. False where it is another's, is from the
 * future, or older than WALLET_SECONDS by now(). Opens no store.
 */
bool wallet_open(const struct work *w, const struct wallet *wallet, struct slice text, uint64_t *sid) __attribute__((weak));

/*
 * Whether the wallet's key has signed the text. signature: 64 bytes in base64 with its padding, or, of Solana, in base58. False for points of small
 * order and for numbers that aren't in their only spelling (RFC 8032, 5.1.7). Costs 1 million instructions: never in the store's turn.
 */
bool wallet_signed(const struct wallet *wallet, struct slice text, struct slice signature) __attribute__((weak));

#endif
