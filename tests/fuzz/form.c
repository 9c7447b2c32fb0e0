/*
 * Any form and any query: the first line is the Content-Type, what follows it the body, and the query string.
 * Parameters are counted as by a second reading, from the other end; what is decoded, and escaped anew byte by byte,
 * is decoded to the same.
 */
#include "fuzz.h"
#include "http.h"

#include <ctype.h>
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

static bool has_broken_escape(struct slice raw)
{
	for (size_t i = raw.n; i-- > 0;)
		if (raw.p[i] == '%' && (i + 2 >= raw.n || !isxdigit((unsigned char)raw.p[i + 1]) || !isxdigit((unsigned char)raw.p[i + 2])))
			return true;
	return false;
}

static void decode(struct slice raw)
{
	static const char digits[] = "0123456789aBcDeF";
	struct slice plain, again;
	struct buf escaped = { 0 };
	bool good = http_decode(raw, &plain);
	HOLDS(!good || (!has_broken_escape(raw) && slice_is_utf8(plain) && plain.n <= raw.n));
	if (!good)
		return;
	for (size_t i = 0; i < plain.n; i++) {
		unsigned char byte = (unsigned char)plain.p[i];
		buf_c(&escaped, '%');
		buf_c(&escaped, digits[byte >> 4]);
		buf_c(&escaped, digits[byte & 15]);
	}
	HOLDS(http_decode(buf_slice(&escaped), &again) && slice_is(again, plain));
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
	decode(count ? value : body);
	HOLDS(http_query(&rq, S("access_token"), &value) == (want.first.n > 0));
	HOLDS(want.first.n == 0 || slice_is(value, want.first));
	HOLDS(http_media_type(&rq, S("application/x-www-form-urlencoded")) == is_form(type));
}
