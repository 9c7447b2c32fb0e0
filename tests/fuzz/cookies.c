/* Any Cookie header: the same values as by a second reading of RFC 6265, 4.2.1, byte by byte. */
#include "fuzz.h"
#include "http.h"

#include <string.h>

const bool fuzz_starves = true;

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

static size_t skip(struct slice s, size_t from, size_t to)
{
	while (from < to && blank(s.p[from]))
		from++;
	return from;
}

/* Where the part that begins at `from` ends. */
static size_t end_of(struct slice s, size_t from)
{
	const char *stop = from < s.n ? memchr(s.p + from, ';', s.n - from) : NULL;
	return stop ? (size_t)(stop - s.p) : s.n;
}

/* The next value at or behind *from, in another way: every part by its edges. */
static bool reference(struct slice s, size_t *from, struct slice prefix, struct slice *out)
{
	while (s.p && *from <= s.n) {
		size_t end = end_of(s, *from), at = skip(s, *from, end);
		*from = end + 1;
		while (end > at && blank(s.p[end - 1]))
			end--;
		const char *equals = end > at ? memchr(s.p + at, '=', end - at) : NULL;
		size_t name = equals ? (size_t)(equals - s.p) - at : 0;
		if (equals && equals + 1 < s.p + end && name >= prefix.n && memcmp(s.p + at, prefix.p, prefix.n) == 0) {
			*out = (struct slice){ equals + 1, end - at - name - 1 };
			return true;
		}
	}
	return false;
}

void fuzz_one(struct slice in)
{
	struct slice rest = in, got, want;
	size_t from = 0;
	bool more;
	do {
		more = http_cookie(&rest, S("lk"), &got);
		HOLDS(more == reference(in, &from, S("lk"), &want));
		HOLDS(!more || (got.p == want.p && got.n == want.n));
	} while (more);
}
