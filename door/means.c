/*
 * means: see means.h.
 */
#include "door/means.h"

#include "door/passkeys.h"
#include "keys.h"
#include "signin_keys.h"
#include "store.h"

static bool is_wallet(const struct user_key *k)
{
	return !slice_is(k->kind, S(PASSKEY_KIND));
}

static bool is_recent(const struct call *c)
{
	return c->work.time - frame_own(c)->caller.session.created_at <= SIGNIN_RECENT;
}

/* By the user's name for it, and what it is where that can be several things. */
static void write_means(struct page *p, const struct user_key *k, bool recent)
{
	struct slice label = k->label.n ? k->label : is_wallet(k) ? k->kind : page_word(p, WORD_passkey);
	PAGE_FILL(p, "<li><div><b>{1}</b><p class=\"soft\">{2}", label, is_wallet(k) ? slice_of(text_join(slice_text(k->kind), " · ", NULL)) : S(""));
	page_ago(p, k->created_at);
	frame_end_row(p, recent ? "forget" : NULL, WORD_passkey_forget, keys_number(k), label);
}

static void write_section(struct call *c, struct page *p, struct slice keys, bool wallets)
{
	struct user_key k;
	bool recent = is_recent(c);
	PAGE_FILL(p, "<section class=\"card stack\"><h2>{1}</h2>\n<p class=\"soft\">{2}</p>\n<ul class=\"rows\">\n",
		page_word(p, wallets ? WORD_wallets : WORD_passkeys), page_word(p, wallets ? WORD_wallets_why : WORD_passkeys_why));
	while (keys_next(&keys, &k))
		if (is_wallet(&k) == wallets)
			write_means(p, &k, recent);
	PAGE_ADD(p, "</ul>\n");
	if (!recent)
		PAGE_ADD(p, "<p class=\"soft\">{passkeys_later}</p>\n");
	else if (!wallets)
		passkeys_write_add(c, p);
	PAGE_ADD(p, "</section>\n");
}

void means_write_account(struct call *c, struct page *p)
{
	struct user_key k;
	struct slice keys = store_user_keys(frame_own(c)->caller.user.id), rest = keys;
	bool there[2] = { passkeys_are_on(c), false };
	while (keys_next(&rest, &k))
		there[is_wallet(&k)] = true;
	for (int wallets = 0; wallets < 2; wallets++)
		if (there[wallets])
			write_section(c, p, keys, wallets);
}

enum error means_forget(struct call *c)
{
	uint64_t number;
	return parse_id(frame_own(c)->session, &number) ? signin_remove_key(&c->work, &frame_own(c)->caller, number) : ERROR_NOT_FOUND;
}
