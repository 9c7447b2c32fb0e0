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
	X(user_name) \
	X(password) \
	X(stay) \
	X(signed_in_as)         /* {1}: the user's name */ \
	X(go_on)                /* to where one came from */ \
	X(your_account) \
	X(sign_out) \
	X(sign_out_ask) \
	X(signed_out) \
	/* what went wrong */ \
	X(wrong_credentials) \
	X(wrong_password) \
	X(weak_password) \
	X(fill_in) \
	X(rate_limited)         /* {1}: a time such as "20 seconds" */ \
	X(seconds)              /* {1}: how many; of all times */ \
	X(minutes) \
	X(elsewhere)            /* the form was sent by another page */ \
	X(insecure) \
	X(unavailable) \
	X(failed) \
	X(not_found) \
	X(problem) \
	X(back)

#define WORD_ROW(key) WORD_##key,
enum word { WORDS(WORD_ROW) WORD__MAX };

struct language {
	const char *tag;                        /* its primary subtag (RFC 5646): en */
	const char *const text[WORD__MAX];      /* UTF-8 */
};
extern const struct language words_en, words_de;

/* All languages; the first is for whom none is known, NULL ends it. */
extern const struct language *const languages[];
/* The keys, as they stand in WORDS: "sign_in". */
extern const char *const word_keys[WORD__MAX];

/*
 * The language that a header Accept-Language asks for (RFC 9110, 12.5.4): of those that are here the one of the highest
 * quality, of equal ones the first. A region is not looked at: de-AT is German. Nothing of ours: the first language.
 */
const struct language *words_language(struct slice accept);

#endif
