/* Any text: taken if and only if it is the spelling that the bytes are written in. */
#include "fuzz.h"
#include "base/base64.h"

#include <string.h>

const bool fuzz_starves = true;

/* RFC 4648, 5 and 3.5, by arithmetic on the place in the alphabet. */
static bool canonical(struct slice s)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t last = 0;
	for (size_t i = 0; i < s.n; i++) {
		const char *at = memchr(digits, s.p[i], sizeof digits - 1);
		if (!at)
			return false;
		last = (size_t)(at - digits);
	}
	return s.n % 4 == 0 || (s.n % 4 == 2 && last % 16 == 0) || (s.n % 4 == 3 && last % 4 == 0);
}

void fuzz_one(struct slice in)
{
	struct slice bytes = SLICE_NONE, again = SLICE_NONE;
	struct buf text = { 0 }, of_in = { 0 };
	bool taken = base64url_read(in, &bytes);
	HOLDS(taken == canonical(in));
	if (taken) {
		HOLDS(bytes.n == in.n * 3 / 4);
		base64url_add(&text, bytes);
		HOLDS(slice_is(buf_slice(&text), in));
	}
	base64url_add(&of_in, in);
	HOLDS(base64url_read(buf_slice(&of_in), &again) && slice_is(again, in));
}
