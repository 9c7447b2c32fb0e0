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

static size_t reference(struct slice s, struct slice name, struct slice out[LIMIT_COOKIES])
{
	size_t count = 0, from = 0;
	while (from <= s.n && count < LIMIT_COOKIES) {
		size_t end = end_of(s, from), next = end + 1, at = skip(s, from, end);
		while (end > at && blank(s.p[end - 1]))
			end--;
		if (end - at > name.n + 1 && memcmp(s.p + at, name.p, name.n) == 0 && s.p[at + name.n] == '=')
			out[count++] = (struct slice){ s.p + at + name.n + 1, end - at - name.n - 1 };
		from = next;
	}
	return count;
}

void fuzz_one(struct slice in)
{
	struct slice got[LIMIT_COOKIES], want[LIMIT_COOKIES];
	struct request rq = { .cookie = in };
	size_t count = http_cookies(&rq, S("lk"), got);
	HOLDS(count == reference(in, S("lk"), want));
	for (size_t i = 0; i < count; i++)
		HOLDS(got[i].p == want[i].p && got[i].n == want[i].n);
	rq.cookie = SLICE_NONE;
	HOLDS(http_cookies(&rq, S("lk"), got) == 0);
}
