/*
 * beside: see beside.h.
 */
#include "operator/beside.h"

#include <string.h>

#include "keys.h"
#include "profile.h"
#include "store.h"

struct beside beside_of(uint64_t user)
{
	size_t mark = arena_mark();
	struct beside out = { .factor = store_user_factor(user).n > 0 };
	struct slice keys = store_user_keys(user);
	struct user_key k;
	while (keys_next(&keys, &k)) {
		bool passkey = slice_is(k.kind, S(PASSKEY_KIND));
		out.passkeys += passkey;
		out.wallets += !passkey;
	}
	arena_back(mark);
	return out;
}

static void note_lacking(struct beside_sum *sum, const struct user *u)
{
	if (sum->lack++ > BESIDE_NAMED)
		return;
	buf_s(&sum->lacking, sum->lacking.n ? ", " : "");
	if (sum->lack <= BESIDE_NAMED)
		buf_add(&sum->lacking, u->name);
	else
		buf_s(&sum->lacking, "…");
}

static void add(const struct config *config, const struct user *u, struct beside_sum *sum)
{
	struct beside w = beside_of(u->id);
	sum->users++;
	sum->factor += w.factor;
	sum->passkeys += w.passkeys > 0;
	sum->wallets += w.wallets > 0;
	if (!w.factor && !u->disabled && profile_is_in(profile_held(&u->profile)->groups, config->factor_groups))
		note_lacking(sum, u);
}

void beside_count(const struct config *config, struct beside_sum *out)
{
	struct user page[LIMIT_LIST];
	char after[LIMIT_USERNAME];
	size_t n = 1, size = (BESIDE_NAMED + 1) * (LIMIT_USERNAME + 4);
	struct slice last = S("");
	*out = (struct beside_sum){ .lacking = { arena(size), 0, size } };       /* not grown behind the mark */
	while (n && out->users < BESIDE_MOST) {
		size_t mark = arena_mark();
		n = store_users(last, page);
		for (size_t i = 0; i < n; i++)
			add(config, &page[i], out);
		last = (struct slice){ after, n ? page[n - 1].name.n : 0 };
		if (n)
			memcpy(after, page[n - 1].name.p, last.n);
		arena_back(mark);
	}
}
