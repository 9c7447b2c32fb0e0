/*
 * nearest: see nearest.h. The distance is that of Damerau and Levenshtein, where no letter takes part in two steps.
 */
#include "base/nearest.h"

#include <string.h>

/* Three rows of the table: distances between the beginnings of a, up to one letter, and all beginnings of b. */
typedef size_t row[NEAREST_LONGEST + 1];

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The distance between the first i letters of a and the first k of b, from those of shorter beginnings. */
static size_t step(struct slice a, struct slice b, size_t i, size_t k, row *at)
{
	size_t best = least(at[(i - 1) % 3][k], at[i % 3][k - 1]) + 1;
	best = least(best, at[(i - 1) % 3][k - 1] + (a.p[i - 1] != b.p[k - 1]));
	if (i > 1 && k > 1 && a.p[i - 1] == b.p[k - 2] && a.p[i - 2] == b.p[k - 1])
		best = least(best, at[(i - 2) % 3][k - 2] + 1);
	return best;
}

static size_t distance(struct slice a, struct slice b)
{
	row at[3];
	for (size_t k = 0; k <= b.n; k++)
		at[0][k] = k;
	for (size_t i = 1; i <= a.n; i++) {
		at[i % 3][0] = i;
		for (size_t k = 1; k <= b.n; k++)
			at[i % 3][k] = step(a, b, i, k, at);
	}
	return at[a.n % 3][b.n];
}

void nearest_try(struct nearest *n, struct slice candidate)
{
	size_t most = n->word.n <= 4 ? 1 : 2;
	if (n->word.n > NEAREST_LONGEST || candidate.n > NEAREST_LONGEST)
		return;
	size_t d = distance(n->word, candidate);
	if (d > most || d >= n->word.n || (n->found && d >= n->distance))
		return;
	n->found = true;
	n->distance = d;
	memcpy(n->best, candidate.p, candidate.n);
	n->best[candidate.n] = '\0';
}

const char *nearest_advice(const struct nearest *n)
{
	return n->found ? text_join("; did you mean ", n->best, "?", NULL) : "";
}
