/*
 * words: see words.h.
 */
#include "door/words.h"

const struct language *const languages[] = { &words_en, &words_de, NULL };

#define WORD_KEY(key) #key "\0"
#define WORD_WITHOUT(key) "\0"
const char word_keys[] = WORDS(WORD_KEY, WORD_WITHOUT);

/* "0.8" in thousandths: at most three digits behind the point count. What isn't one is 0. */
static int quality_of(struct slice text)
{
	int quality = 0, worth = 1000;
	for (size_t i = 0; i < text.n && worth; i++)
		if (is_digit(text.p[i])) {
			quality += (text.p[i] - '0') * worth;
			worth /= 10;
		} else if (i != 1 || text.p[i] != '.') {
			return 0;
		}
	return quality;
}

/* Of a language-range with its weight, such as "de-AT;q=0.8". */
static int weight_of(struct slice *range)
{
	struct slice parameter = *range;
	*range = slice_trim(slice_cut(&parameter, ';'));
	parameter = slice_trim(parameter);
	return slice_starts(parameter, S("q=")) ? quality_of(slice_from(parameter, 2)) : 1000;
}

static const struct language *language_of(struct slice range)
{
	struct slice primary = slice_cut(&range, '-');
	for (const struct language *const *l = languages; *l; l++)
		if (slice_is_nocase(primary, slice_of((*l)->tag)))
			return *l;
	return NULL;
}

const struct language *words_language(struct slice accept)
{
	const struct language *best = languages[0];
	int highest = 0;
	while (accept.p) {
		struct slice range = slice_cut(&accept, ',');
		int weight = weight_of(&range);
		const struct language *l = language_of(range);
		if (l && weight > highest) {
			best = l;
			highest = weight;
		}
	}
	return best;
}
