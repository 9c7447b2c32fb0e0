/*
 * beside_test: who has what beside the password, counted over more users than a page of them has.
 */
#include "operator/beside.h"

#include "keys.h"
#include "store_case.h"
#include "t.h"

enum { USERS = LIMIT_LIST + 7, LACKING = BESIDE_NAMED + 2 };

static struct config config = { .factor_groups = { "staff,admins", 12 } };
static uint64_t both;

static void add_user(int number, const char *groups, bool disabled, uint64_t *id)
{
	char name[32];
	struct user u = { .id = random_id(), .created_at = 1, .password = S("x"), .profile = { .groups = slice_of(groups) } };
	snprintf(name, sizeof name, "u%04d", number);
	u.name = slice_of(name);
	store_user_add(&u);
	store_user_profile(u.id, &u.profile);
	if (disabled)
		store_user_disable(u.id, true);
	*id = u.id;
}

static struct slice key(struct slice keys, const char *kind, const char *id)
{
	struct slice out;
	struct user_key k = { .kind = slice_of(kind), .id = slice_of(id), .key = S("k"), .created_at = 1 };
	if (keys_add(keys, &k, &out) != ERROR_NONE)
		exit(2);
	return out;
}

/* u0000 to u0009 must have a factor and have none; then one who has, one who is disabled, one who need not. */
static void fill(void)
{
	uint64_t id;
	store_open(dir, 5);
	store_begin(DURABLE_NOW);
	for (int i = 0; i < LACKING; i++)
		add_user(i, i % 2 ? "staff" : "family,admins", false, &id);
	add_user(LACKING, "staff", false, &both);
	store_user_factor_set(both, S("whatever it is"));
	store_user_keys_set(both, key(key(key(S(""), PASSKEY_KIND, "a"), PASSKEY_KIND, "b"), "solana", "c"));
	add_user(LACKING + 1, "staff", true, &id);
	add_user(LACKING + 2, "family", false, &id);
	store_user_keys_set(id, key(S(""), "stellar", "d"));
	for (int i = LACKING + 3; i < USERS; i++)
		add_user(i, "", false, &id);
	store_commit();
}

int main(void)
{
	struct beside_sum sum;
	make_directory();
	fresh();
	fill();
	struct beside one = beside_of(both);
	ok(one.factor && one.passkeys == 2 && one.wallets == 1, "what a user has: each passkey and each wallet counts");
	beside_count(&config, &sum);
	is_int(sum.users, USERS, "all pages are read");
	ok(sum.factor == 1 && sum.passkeys == 1 && sum.wallets == 2, "users count once, however many they have");
	is_int(sum.lack, LACKING, "who must have a factor and has none; not who is disabled, and not who needs none");
	is_str(slice_text(buf_slice(&sum.lacking)), "u0000, u0001, u0002, u0003, u0004, u0005, u0006, u0007, …", "the first are named, and that there are more");
	config.factor_groups = SLICE_NONE;
	beside_count(&config, &sum);
	ok(sum.users == USERS && sum.lack == 0 && sum.lacking.n == 0, "without the option nobody lacks one");
	store_close();
	return done_testing();
}
