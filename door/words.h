/*
 * words: what the pages say, in each language.
 *
 * A translation is a file: words_en.c and words_de.c have a text for each row of WORDS: X of a word that markup names
 * (page.h), V of one that is always a value. A new one is a third file like
 * them, and a line of `languages` in words.c. tests/door_test.c holds that no text is missing and none is unused.
 *
 * A text is no markup: it is escaped when it is written. It may hold places of the values that are written with it, {1}
 * and {2}; the row's comment says what they are.
 */
#ifndef WORDS_H
#define WORDS_H

#include "base/base.h"

#define WORDS(X, V) \
	/* signing in and out */ \
	X(sign_in) \
	X(sign_in_to)           /* {1}: the host that waits for it */ \
	X(go_on_to)             /* the same */ \
	X(go_on) \
	X(user_name) \
	X(password) \
	X(stay) \
	X(signed_in) \
	X(signed_in_as)         /* {1}: the user's name */ \
	X(your_account) \
	X(sign_out) \
	X(sign_out_ask) \
	/* the operator's link */ \
	X(choose_password) \
	X(your_link)            /* the whole link, or its part behind the # */ \
	/* on to a client of OAuth; {1}: its name, {2}: the user's */ \
	X(allow_ask) \
	X(allow_why) \
	X(allow) \
	X(cancel) \
	X(other_user) \
	V(client_unknown) \
	V(not_for_you) \
	/* a device that asks to be signed in; {1}: the client's name, {2}: the code */ \
	X(connect) \
	X(connect_code) \
	X(connect_ask) \
	X(connect_why) \
	X(connect_elsewhere) \
	V(done_connected) \
	V(done_refused) \
	V(code_wrong) \
	/* a second factor */ \
	X(second_factor) \
	V(code)                 /* a field's */ \
	V(code_ask) \
	V(code_wrong_or_used) \
	V(both_wrong)           /* password or code */ \
	V(too_late) \
	V(factor_needed) \
	V(factor_sign_in)       /* who is signed in without one */ \
	V(factor_why) \
	X(factor_scan) \
	X(factor_codes) \
	V(factor_code)          /* a field's, while it is set up */ \
	V(factor_set_up) \
	X(factor_turn_on) \
	V(factor_turn_off) \
	V(factor_is_on) \
	V(done_factor_on) \
	V(done_factor_off) \
	V(event_factor_on) \
	V(event_factor_off) \
	/* what was done; what went wrong */ \
	V(link_invalid) \
	V(link_expired) \
	V(link_used) \
	V(done_signed_out) \
	V(done_deleted) \
	V(done_end) \
	V(done_others) \
	V(done_password) \
	V(session_over) \
	V(wrong_credentials) \
	V(wrong_password) \
	V(weak_password) \
	V(fill_in) \
	V(rate_limited)         /* {1}: a time such as "20 s" */ \
	V(elsewhere)            /* the form was sent by another page */ \
	V(insecure) \
	V(unavailable)          /* {1}: as above */ \
	V(failed) \
	V(not_found) \
	X(problem) \
	X(back) \
	/* the account */ \
	X(look) \
	X(look_why) \
	X(sessions) \
	X(this_device) \
	V(end_session)          /* on a button beside each */ \
	X(end_others) \
	X(more_sessions)        /* {1}: how many that aren't shown */ \
	V(browser_on)           /* {1}: Firefox, {2}: Linux */ \
	V(unknown_device) \
	X(last_day)             /* used at some time of it */ \
	V(just_now) \
	V(minutes_ago)          /* {1}: how many; of all below */ \
	V(hours_ago) \
	V(day_ago) \
	V(days_ago) \
	X(happened) \
	X(new_place) \
	V(event_login) \
	V(event_login_failed) \
	V(event_copied) \
	V(event_logout) \
	V(event_revoke) \
	V(event_password) \
	V(event_added) \
	V(event_disabled) \
	V(event_enabled) \
	V(event_renamed) \
	V(event_limited) \
	V(event_link) \
	V(passkey) \
	V(passkeys) \
	V(passkey_sign_in) \
	V(sign_in_by)           /* {1}: a wallet's chain, such as Stellar */ \
	V(passkeys_why) \
	V(wallets) \
	V(wallets_why) \
	V(wallet_add) \
	X(confirm_why)          /* in place of a field for the password */ \
	X(passkeys_later) \
	X(passkey_label) \
	X(passkey_add) \
	V(passkey_forget) \
	V(passkey_known) \
	V(passkey_wrong) \
	V(passkey_limit) \
	V(reauth) \
	V(done_add) \
	V(done_forget) \
	V(event_passkey) \
	V(event_forget) \
	X(change_password) \
	X(change_password_why) \
	X(present_password) \
	X(new_password) \
	X(delete_account) \
	X(delete_account_why)

#define WORD_ROW(key) WORD_##key,
enum word { WORDS(WORD_ROW, WORD_ROW) WORD__MAX };

struct language {
	const char *tag;                        /* its primary subtag (RFC 5646): en */
	const char *const text[WORD__MAX];      /* UTF-8 */
};
extern const struct language words_en, words_de;

/* All languages; the first is for whom none is known, NULL ends it. */
extern const struct language *const languages[];
/* The keys in the order of WORDS, a NUL behind each: "sign_in". Of a row V it is empty. */
extern const char word_keys[];

/*
 * The language that a header Accept-Language asks for (RFC 9110, 12.5.4): of those that are here the one of the highest
 * quality, of equal ones the first. A region is not looked at: de-AT is German. Nothing of ours: the first language.
 */
const struct language *words_language(struct slice accept);

#endif
