/*
 * means: see means.h.
 *
 * A user without a password has no other way to show that it is he who asks than to sign in once more. So he does, in the form of what he asks for: a
 * challenge is good for one session, and what is shown for one that is there already counts for nothing. A user who has a password is asked for that.
 */
#include "door/means.h"

#include "door/passkeys.h"
#include "door/wallets.h"
#include "gate.h"
#include "keys.h"
#include "password.h"
#include "signin.h"
#include "signin_keys.h"
#include "store.h"

bool means_are_on(const struct call *c)
{
	return passkeys_are_on(c) || wallets_are_on(c);
}

enum frame_script means_script(const struct call *c)
{
	return wallets_are_on(c) ? SCRIPT_ASKS : SCRIPT_ALONE;
}

/* ---- buttons ----------------------------------------------------------- */

/* What a button is for, and whose. */
struct ask {
	const char *class;
	enum word word;
	struct slice keys;              /* of the user; p NULL: anybody's */
};

static bool is_wanted(const struct ask *a, struct slice kind)
{
	struct user_key k;
	struct slice keys = a->keys;
	while (keys_next(&keys, &k))
		if (slice_is(k.kind, kind))
			return true;
	return a->keys.p == NULL;
}

static struct slice label_of(const struct page *p, const struct ask *a, struct slice name)
{
	if (a->word == WORD_sign_in)
		return page_filled(p, WORD_sign_in_by, &name, 1);
	return slice_of(text_join(slice_text(page_word(p, a->word)), ": ", slice_text(name), NULL));
}

static void write_wallets(const struct call *c, struct page *p, const struct ask *a)
{
	struct slice rest = wallets_are_on(c) ? c->work.config->wallets : SLICE_NONE;
	while (rest.p) {
		struct slice word = slice_cut(&rest, ' '), chain = slice_cut(&word, ':');
		if (is_wanted(a, chain))
			PAGE_FILL(p, "<button class=\"{1}\" type=\"button\" data-chain=\"{2}\" hidden>{3}</button>", slice_of(a->class), chain,
				label_of(p, a, wallet_title(chain)));
	}
}

static void write_buttons(struct call *c, struct page *p, const struct ask *a)
{
	struct slice name = page_word(p, WORD_passkey);
	if (is_wanted(a, S(PASSKEY_KIND)))
		passkeys_write_button(c, p, a->class, a->word == WORD_sign_in ? page_word(p, WORD_passkey_sign_in) : label_of(p, a, name));
	write_wallets(c, p, a);
}

/* ---- signing in -------------------------------------------------------- */

void means_write_signin(struct call *c, struct page *p, const char *action)
{
	if (!means_are_on(c))
		return;
	PAGE_FILL(p, "<form class=\"stack ways\" method=\"post\" action=\"{1}\" hidden>", slice_of(action));
	write_buttons(c, p, &(struct ask){ "wide", WORD_sign_in, SLICE_NONE });
	PAGE_ADD(p, "</form>\n");
}

/* How: of a session; its factor is asked for where no session begins, too. */
static enum error show(struct call *c, const struct origin *how, struct proven *proven)
{
	if (frame_own(c)->client_data.n)
		return passkeys_show(c, how, proven);
	return wallets_are_on(c) ? wallets_show(c, how, proven) : ERROR_NOT_FOUND;
}

enum error means_sign_in(struct call *c)
{
	struct door *d = frame_own(c);
	struct origin how = { .brief = !d->stay, .factor = frame_factor(c) };
	enum error e = gate_prepare(&c->work, c->rq, &how);
	if (e == ERROR_NONE)
		e = show(c, &how, NULL);
	if (e == ERROR_NONE)
		gate_granted(&c->work, c->rq, c->rp, &d->grant);
	return e;
}

enum error means_prove(struct call *c, struct proven *out)
{
	return show(c, &(struct origin){ .factor = frame_factor(c) }, out);
}

/* ---- showing it once more ---------------------------------------------- */

void means_write_confirm(struct call *c, struct page *p, const char *class, const char *action, enum word word)
{
	PAGE_FILL(p, "<input type=\"hidden\" name=\"do\" value=\"{1}\">\n", slice_of(action));
	write_buttons(c, p, &(struct ask){ class, word, store_user_keys(frame_own(c)->caller.user.id) });
}

/* Of a session that was there already grant.signer is set. */
static enum error sign_in_again(struct call *c)
{
	struct door *d = frame_own(c);
	struct origin how = { .brief = d->caller.session.brief, .factor = frame_factor(c) };
	enum error e = gate_prepare(&c->work, c->rq, &how);
	if (e == ERROR_NONE)
		e = show(c, &how, NULL);
	return e == ERROR_NONE && d->grant.signer ? ERROR_CHALLENGE_INVALID : e;
}

enum error means_confirm(struct call *c)
{
	struct door *d = frame_own(c);
	bool none = password_is_none(d->caller.user.password);
	if (none != means_shown(c))
		return none ? ERROR_INVALID_CREDENTIALS : ERROR_INVALID_REQUEST;
	if (!none)
		return ERROR_NONE;
	d->username = d->caller.user.name;
	enum error e = sign_in_again(c);
	if (e == ERROR_NONE) {
		gate_granted(&c->work, c->rq, c->rp, &d->grant);
		frame_signed_in(c);
	}
	if (e == ERROR_NONE || e == ERROR_FACTOR_REQUIRED)
		d->caller.confirmed = d->grant.session.amr ? d->grant.session.amr : AMR_WALLET;
	return e;
}

/* ---- the account ------------------------------------------------------- */

static bool is_wallet(const struct user_key *k)
{
	return !slice_is(k->kind, S(PASSKEY_KIND));
}

/* By the user's name for it, and what it is where that can be several things. */
static void write_means(struct page *p, const struct user_key *k, bool recent)
{
	struct slice label = k->label.n ? k->label : is_wallet(k) ? k->kind : page_word(p, WORD_passkey);
	PAGE_FILL(p, "<li><div><b>{1}</b><p class=\"soft\">{2}", label, is_wallet(k) ? slice_of(text_join(slice_text(k->kind), " · ", NULL)) : S(""));
	page_ago(p, k->created_at);
	frame_end_row(p, recent ? "forget" : NULL, WORD_passkey_forget, keys_number(k), label);
}

static void write_add(struct call *c, struct page *p, bool wallets)
{
	if (!wallets)
		passkeys_write_add(c, p);
	if (!wallets || !wallets_are_on(c))
		return;
	PAGE_ADD(p, "<form class=\"stack\" method=\"post\" action=\"account\" hidden><input type=\"hidden\" name=\"do\" value=\"add\">");
	write_wallets(c, p, &(struct ask){ "wide", WORD_wallet_add, SLICE_NONE });
	PAGE_ADD(p, "</form>\n");
}

static void write_section(struct call *c, struct page *p, struct slice keys, bool wallets)
{
	struct user_key k;
	bool recent = signin_is_recent(&c->work, &frame_own(c)->caller.session);
	PAGE_FILL(p, "<section class=\"card stack\"><h2>{1}</h2>\n<p class=\"soft\">{2}</p>\n<ul class=\"rows\">\n",
		page_word(p, wallets ? WORD_wallets : WORD_passkeys), page_word(p, wallets ? WORD_wallets_why : WORD_passkeys_why));
	while (keys_next(&keys, &k))
		if (is_wallet(&k) == wallets)
			write_means(p, &k, recent);
	PAGE_ADD(p, "</ul>\n");
	if (recent)
		write_add(c, p, wallets);
	else
		PAGE_ADD(p, "<p class=\"soft\">{passkeys_later}</p>\n");
	PAGE_ADD(p, "</section>\n");
}

void means_write_account(struct call *c, struct page *p)
{
	struct user_key k;
	struct slice keys = store_user_keys(frame_own(c)->caller.user.id), rest = keys;
	bool there[2] = { passkeys_are_on(c), wallets_are_on(c) };
	while (keys_next(&rest, &k))
		there[is_wallet(&k)] = true;
	for (int wallets = 0; wallets < 2; wallets++)
		if (there[wallets])
			write_section(c, p, keys, wallets);
}

enum error means_add(struct call *c)
{
	if (frame_own(c)->client_data.n)
		return passkeys_add(c);
	return wallets_are_on(c) ? wallets_add(c) : ERROR_NOT_FOUND;
}

enum error means_forget(struct call *c)
{
	uint64_t number;
	return parse_id(frame_own(c)->session, &number) ? signin_remove_key(&c->work, &frame_own(c)->caller, number) : ERROR_NOT_FOUND;
}
