/*
 * nearest_test: which word a mistyped one was meant to be.
 */
#include "t.h"

#include "base/nearest.h"

static const char *meant(const char *word)
{
	static const char *const words[] = { "user", "init", "user list", "user add", "key", "check", "config", "--json", "access_ttl" };
	struct nearest n = { .word = slice_of(word) };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		nearest_try(&n, slice_of(words[i]));
	return nearest_advice(&n);
}

static size_t steps(const char *a, const char *b)
{
	struct nearest n = { .word = slice_of(a) };
	nearest_try(&n, slice_of(b));
	return n.found ? n.distance : 9;
}

static void distances(void)
{
	static const struct { const char *a, *b; size_t steps; } cases[] = {
		{ "access_ttl", "access_ttl", 0 }, { "access_tll", "access_ttl", 1 }, { "acess_ttl", "access_ttl", 1 }, { "accesss_ttl", "access_ttl", 1 },
		{ "access_lttl", "access_ttl", 1 }, { "acecss_ttl", "access_ttl", 1 }, { "acecss_tlt", "access_ttl", 2 }, { "cacess_ttl", "access_ttl", 1 },
		{ "ttl_access", "access_ttl", 9 }, { "abcde", "cdeab", 9 }, { "abcde", "edcba", 9 }, { "abcde", "abc", 2 }, { "abcde", "", 9 },
		{ "abcde", "bacde", 1 }, { "abcde", "abced", 1 }, { "ca", "abc", 9 }, { "", "a", 9 }, { "", "", 9 }, { "ab", "b", 1 }, { "usre", "user", 1 }, { "usr", "user", 1 },
		{ "uesr", "urse", 9 }, { "abcd", "ab", 9 }, { "a", "b", 9 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		is_int((int64_t)steps(cases[i].a, cases[i].b), (int64_t)cases[i].steps, "'%s' for '%s'", cases[i].a, cases[i].b);
		if (strlen(cases[i].b) == strlen(cases[i].a))
			is_int((int64_t)steps(cases[i].b, cases[i].a), (int64_t)cases[i].steps, "and the other way");
	}
	char letters[NEAREST_LONGEST + 2];
	memset(letters, 'a', sizeof letters);
	letters[NEAREST_LONGEST] = '\0';
	is_int((int64_t)steps(letters, letters), 0, "words as long as may be");
	letters[NEAREST_LONGEST] = 'a';
	letters[NEAREST_LONGEST + 1] = '\0';
	ok(steps(letters, "a") == 9 && steps("aaaaa", letters) == 9, "a longer one is like none");
}

static void best(void)
{
	is_str(meant("usr"), "; did you mean user?", "a verb");
	is_str(meant("user lst"), "; did you mean user list?", "of several the nearest");
	is_str(meant("usr add"), "; did you mean user add?", "of two words");
	is_str(meant("chekc"), "; did you mean check?", "letters in the wrong order");
	is_str(meant("--jsn"), "; did you mean --json?", "an option");
	is_str(meant("nothing"), "", "none is near");
	is_str(meant("ke"), "; did you mean key?", "a short one");
	is_str(meant("kk"), "", "of a short word half is too much");
	struct nearest nearer = { .word = S("access_ttl") };
	nearest_try(&nearer, S("acess_tl"));
	nearest_try(&nearer, S("acces_ttl"));
	ok(nearer.distance == 1 && strcmp(nearer.best, "acces_ttl") == 0, "a nearer one takes the place of the first");
	struct nearest n = { .word = S("ab") };
	nearest_try(&n, S("ac"));
	nearest_try(&n, S("ad"));
	ok(n.found && strcmp(n.best, "ac") == 0, "of two that are alike the first");
}

int main(void)
{
	distances();
	best();
	return done_testing();
}
