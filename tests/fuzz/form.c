/*
 * Any form and any query: the first line is the Content-Type, what follows it the body, and the query string.
 * Parameters are counted as by a second reading, from the other end.
 */
#include "fuzz.h"
#include "http.h"

#include <string.h>
#include <strings.h>

const bool fuzz_starves = true;

struct found {
	size_t count;
	struct slice first, last;   /* first: of those that aren't empty */
};

static struct found reference(struct slice s, struct slice name)
{
	struct found f = { 0, SLICE_NONE, SLICE_NONE };
	size_t end = s.n;
	for (size_t i = s.n + 1; i-- > 0;) {
		if (i > 0 && s.p[i - 1] != '&')
			continue;
		struct slice part = { s.p + i, end - i };
		end = i ? i - 1 : 0;
		if (part.n < name.n || memcmp(part.p, name.p, name.n) != 0 || (part.n > name.n && part.p[name.n] != '='))
			continue;
		struct slice value = slice_from(part, name.n + 1);
		if (f.count++ == 0)
			f.last = value;
		if (value.n)
			f.first = value;
	}
	return f;
}

static bool is_form(struct slice type)
{
	static const char form[] = "application/x-www-form-urlencoded";
	size_t n = 0, from = 0;
	while (n < type.n && type.p[n] != ';')
		n++;
	while (from < n && (type.p[from] == ' ' || type.p[from] == '\t'))
		from++;
	while (n > from && (type.p[n - 1] == ' ' || type.p[n - 1] == '\t'))
		n--;
	return n - from == sizeof form - 1 && strncasecmp(type.p + from, form, n - from) == 0;
}

void fuzz_one(struct slice in)
{
	struct slice body = in, type = slice_cut(&body, '\n'), value = SLICE_NONE;
	if (!body.p)
		return;
	struct request rq = { .content_type = type, .body = body, .query = body };
	struct found want = reference(body, S("access_token"));
	size_t count = http_form(&rq, S("access_token"), &value);
	HOLDS(count == (is_form(type) ? want.count : 0));
	HOLDS(count == 0 || slice_is(value, want.last));
	HOLDS(http_query(&rq, S("access_token"), &value) == (want.first.n > 0));
	HOLDS(want.first.n == 0 || slice_is(value, want.first));
	HOLDS(http_media_type(&rq, S("application/x-www-form-urlencoded")) == is_form(type));
}
