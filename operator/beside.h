/*
 * beside: what users sign in with beside the password, for lists and in numbers. The store is open.
 */
#ifndef BESIDE_H
#define BESIDE_H

#include "base/base.h"
#include "config.h"

struct beside {
	bool factor;                    /* a second factor is on */
	int64_t passkeys, wallets;      /* how many of each */
};
struct beside beside_of(uint64_t user);

enum {
	BESIDE_MOST = 10000,              /* users that are looked at */
	BESIDE_NAMED = 8                  /* names in `lacking` at most; "…" says that there are more */
};
struct beside_sum {
	int64_t users;
	int64_t factor, passkeys, wallets;      /* users who have it */
	int64_t lack;                   /* who must have a second factor (option factor_groups), aren't disabled and have none */
	struct buf lacking;             /* their names, between ", " */
};
/* Reads the first BESIDE_MOST users, page by page, in the store's turn that the caller has. */
void beside_count(const struct config *config, struct beside_sum *out);

#endif
