/*
 * words: what the pages say, in each language.
 *
 * A translation is a file: words_en.c and words_de.c have a text for each row of WORDS. A new one is a third file like
 * them, and a line of `languages` in words.c. tests/door_test.c holds that no text is missing and none is unused.
 *
 * A text is no markup: it is escaped when it is written. It may hold places of the values that are written with it, {1}
 * and {2}; the row's comment says what they are.
 */
#ifndef WORDS_H
#define WORDS_H

#include "base/base.h"

#define WORDS(X) \
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
	X(client_unknown) \
	X(not_for_you) \
	/* a device that asks to be signed in; {1}: the client's name, {2}: the code */ \
	X(connect) \
	X(connect_code) \
	X(connect_ask) \
	X(connect_why) \
	X(connect_elsewhere) \
	X(done_connected) \
	X(done_refused) \
	X(code_wrong) \
	/* a second factor */ \
	X(second_factor) \
	X(code)                 /* a field's */ \
	X(code_ask) \
	X(code_wrong_or_used) \
	X(both_wrong)           /* password or code */ \
	X(too_late) \
	X(factor_needed) \
	X(factor_sign_in)       /* who is signed in without one */ \
	X(factor_why) \
	X(factor_scan) \
	X(factor_codes) \
	X(factor_code)          /* a field's, while it is set up */ \
	X(factor_set_up) \
	X(factor_turn_on) \
	X(factor_turn_off) \
	X(factor_is_on) \
	X(done_factor_on) \
	X(done_factor_off) \
	X(event_factor_on) \
	X(event_factor_off) \
	/* what was done; what went wrong */ \
	X(link_invalid) \
	X(link_expired) \
	X(link_used) \
	X(done_signed_out) \
	X(done_deleted) \
	X(done_end) \
	X(done_others) \
	X(done_password) \
	X(session_over) \
	X(wrong_credentials) \
	X(wrong_password) \
	X(weak_password) \
	X(fill_in) \
	X(rate_limited)         /* {1}: a time such as "20 s" */ \
	X(elsewhere)            /* the form was sent by another page */ \
	X(insecure) \
	X(unavailable)          /* {1}: as above */ \
	X(failed) \
	X(not_found) \
	X(problem) \
	X(back) \
	/* the account */ \
	X(look) \
	X(look_why) \
	X(sessions) \
	X(this_device) \
	X(end_session)          /* on a button beside each */ \
	X(end_others) \
	X(more_sessions)        /* {1}: how many that aren't shown */ \
	X(browser_on)           /* {1}: Firefox, {2}: Linux */ \
	X(unknown_device) \
	X(last_day)             /* used at some time of it */ \
	X(just_now) \
	X(minutes_ago)          /* {1}: how many; of all below */ \
	X(hours_ago) \
	X(day_ago) \
	X(days_ago) \
	X(happened) \
	X(new_place) \
	X(event_login) \
	X(event_login_failed) \
	X(event_copied) \
	X(event_logout) \
	X(event_revoke) \
	X(event_password) \
	X(event_added) \
	X(event_disabled) \
	X(event_enabled) \
	X(event_renamed) \
	X(event_limited) \
	X(event_link) \
	X(passkey) \
	X(passkeys) \
	X(passkey_sign_in) \
	X(passkeys_why) \
	X(wallets) \
	X(wallets_why) \
	X(passkeys_later) \
	X(passkey_label) \
	X(passkey_add) \
	X(passkey_forget) \
	X(passkey_known) \
	X(passkey_wrong) \
	X(passkey_limit) \
	X(reauth) \
	X(done_passkey) \
	X(done_forget) \
	X(event_passkey) \
	X(event_forget) \
	X(change_password) \
	X(change_password_why) \
	X(present_password) \
	X(new_password) \
	X(delete_account) \
	X(delete_account_why)

#define WORD_ROW(key) WORD_##key,
enum word { WORDS(WORD_ROW) WORD__MAX };

struct language {
	const char *tag;                        /* its primary subtag (RFC 5646): en */
	const char *const text[WORD__MAX];      /* UTF-8 */
};
extern const struct language words_en, words_de;

/* All languages; the first is for whom none is known, NULL ends it. */
extern const struct language *const languages[];
/* The keys in the order of WORDS, a NUL behind each: "sign_in". */
extern const char word_keys[];

/*
 * The language that a header Accept-Language asks for (RFC 9110, 12.5.4): of those that are here the one of the highest
 * quality, of equal ones the first. A region is not looked at: de-AT is German. Nothing of ours: the first language.
 */
const struct language *words_language(struct slice accept);

#endif
